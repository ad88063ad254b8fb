//! Replays the conformance vectors of tests/vectors, whose README says how, through the public API.

const std = @import("std");
const posthog = @import("posthog");
const Receiver = @import("receiver.zig").Receiver;

const Value = std.json.Value;

test "every vector" {
    const io = std.testing.io;
    const folder = std.testing.environ.getPosix("VECTORS") orelse return error.NoVectors;
    var dir = try std.Io.Dir.cwd().openDir(io, folder, .{ .iterate = true });
    defer dir.close(io);
    var entries = dir.iterate();
    var count: usize = 0;
    while (try entries.next(io)) |entry| {
        if (!std.mem.endsWith(u8, entry.name, ".json")) continue;
        var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
        defer arena.deinit();
        const text = try dir.readFileAlloc(io, entry.name, arena.allocator(), .unlimited);
        var replay: Replay = .{ .arena = arena.allocator(), .client = undefined };
        for ([_]posthog.Protocol{ .v0, .v1 }) |protocol| replay.run(text, protocol) catch |failure| {
            std.debug.print("{s}, {t}: {t}\n", .{ entry.name, protocol, failure });
            return failure;
        };
        count += 1;
    }
    try std.testing.expect(count >= 10);
}

const Replay = struct {
    arena: std.mem.Allocator,
    client: *posthog.PostHogClient,

    fn run(self: *Replay, text: []const u8, protocol: posthog.Protocol) !void {
        const vector = try std.json.parseFromSliceLeaky(Value, self.arena, text, .{});
        var receiver = try Receiver.clear(std.testing.allocator, std.testing.io);
        defer receiver.deinit();
        var config: posthog.Config = .{ .api_key = "phc_test", .host = receiver.url, .enable_logging = false };
        config.protocol = protocol;
        if (vector.object.get("options")) |options| try self.set(&config, options.object);
        self.client = try posthog.init(std.testing.allocator, posthog.defaultIo(), config);
        for (vector.object.get("steps").?.array.items) |step| {
            const outcome = self.take(step.object);
            const refused = step.object.get("refused") != null;
            if (refused) try std.testing.expectError(error.WriteFailed, outcome) else try outcome;
        }
        try self.client.flush();
        self.client.deinit();
        try receiver.post(if (protocol == .v0) "/__expect?protocol=v0" else "/__expect?protocol=v1", text);
    }

    fn set(self: *Replay, config: *posthog.Config, options: std.json.ObjectMap) !void {
        for (options.keys(), options.values()) |key, value| {
            if (std.mem.eql(u8, key, "environment")) {
                config.environment = value.string;
            } else if (std.mem.eql(u8, key, "is_server")) {
                config.is_server = value.bool;
            } else if (std.mem.eql(u8, key, "geoip_disable")) {
                config.geoip_disable = value.bool;
            } else if (std.mem.eql(u8, key, "deny")) {
                config.denied_properties = try self.texts(value.array.items);
            } else if (std.mem.eql(u8, key, "group_indices")) {
                const names = try self.arena.alloc(posthog.GroupIndex, value.object.count());
                for (names, value.object.keys(), value.object.values()) |*name, group_type, index|
                    name.* = .{ .type = group_type, .index = @intCast(index.integer) };
                config.group_indices = names;
            } else return error.UnknownOption;
        }
    }

    fn texts(self: *Replay, values: []const Value) ![]const []const u8 {
        const all = try self.arena.alloc([]const u8, values.len);
        for (all, values) |*text, value| text.* = value.string;
        return all;
    }

    fn take(self: *Replay, step: std.json.ObjectMap) !void {
        const client = self.client;
        const Call = enum { capture, identify, alias, group_identify, register, register_once, unregister, capture_exception };
        const id = if (step.get("distinct_id")) |value| value.string else "";
        switch (std.meta.stringToEnum(Call, step.get("do").?.string) orelse return error.UnknownCall) {
            .capture => try client.capture(.{
                .distinct_id = id,
                .event = step.get("event").?.string,
                .json = try self.json(step, "properties"),
                .set = try self.properties(step, "set"),
                .set_once = try self.properties(step, "set_once"),
                .groups = try self.groups(step),
                .uuid = textOf(step, "uuid"),
                .time = textOf(step, "timestamp"),
                .process_person_profile = if (step.get("process_person_profile")) |value| value.bool else null,
            }),
            .identify => try client.identify(.{
                .distinct_id = id,
                .json = try self.json(step, "set"),
                .set_once = try self.properties(step, "set_once"),
            }),
            .alias => try client.alias(id, step.get("alias").?.string),
            .group_identify => try client.group(.{
                .distinct_id = id,
                .group_type = step.get("group_type").?.string,
                .group_key = step.get("group_key").?.string,
                .json = try self.json(step, "properties"),
            }),
            .register => try client.register((try self.properties(step, "properties")).?),
            .register_once => try client.registerOnce((try self.properties(step, "properties")).?),
            .unregister => try client.unregister(step.get("key").?.string),
            .capture_exception => try client.captureException(.{
                .distinct_id = id,
                .exception_type = step.get("type").?.string,
                .exception_message = step.get("message").?.string,
                .json = try self.json(step, "properties"),
            }),
        }
    }

    fn json(self: *Replay, step: std.json.ObjectMap, key: []const u8) !?[]const u8 {
        const value = step.get(key) orelse return null;
        return try std.json.Stringify.valueAlloc(self.arena, value, .{});
    }

    fn properties(self: *Replay, step: std.json.ObjectMap, key: []const u8) !?posthog.Properties {
        return .{ .json = try self.json(step, key) orelse return null };
    }

    fn groups(self: *Replay, step: std.json.ObjectMap) ![]const posthog.Group {
        const object = (step.get("groups") orelse return &.{}).object;
        const all = try self.arena.alloc(posthog.Group, object.count());
        for (all, object.keys(), object.values()) |*group, group_type, key|
            group.* = .{ .type = group_type, .key = key.string };
        return all;
    }

    fn textOf(step: std.json.ObjectMap, key: []const u8) ?[]const u8 {
        return (step.get(key) orelse return null).string;
    }
};
