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

const patience_ms = 10_000;

const Replay = struct {
    arena: std.mem.Allocator,
    client: *posthog.PostHogClient,
    /// Of the last evaluation.
    flags: ?posthog.Flags = null,

    fn run(self: *Replay, text: []const u8, protocol: posthog.Protocol) !void {
        const vector = try std.json.parseFromSliceLeaky(Value, self.arena, text, .{});
        var receiver = try Receiver.clear(std.testing.allocator, std.testing.io);
        defer receiver.deinit();
        if (vector.object.get("flags")) |flags|
            try receiver.post("/__flags", try std.json.Stringify.valueAlloc(self.arena, flags, .{}));
        defer self.forget();
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
            } else if (std.mem.eql(u8, key, "historical_migration")) {
                config.historical_migration = value.bool;
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
        const Call = enum {
            // zig fmt: off
            capture, capture_ai, capture_immediate, capture_ai_immediate, identify, alias, group_identify,
            register, register_once, unregister, opt_out, opt_in, add_step, capture_exception,
            evaluate_flags, flag_enabled,
            // zig fmt: on
        };
        const id = if (step.get("distinct_id")) |value| value.string else "";
        switch (std.meta.stringToEnum(Call, step.get("do").?.string) orelse return error.UnknownCall) {
            .capture => try client.capture(try self.event(step)),
            .capture_ai => try client.captureAi(try self.event(step)),
            .capture_immediate => try client.captureNow(try self.event(step), patience_ms),
            .capture_ai_immediate => try client.captureAiNow(try self.event(step), patience_ms),
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
            .opt_out => client.optOut(),
            .opt_in => client.optIn(),
            .add_step => try client.addStep(step.get("message").?.string, try self.properties(step, "properties")),
            .evaluate_flags => try self.evaluateFlags(step),
            .flag_enabled => try std.testing.expectEqual(
                step.get("answer").?.bool,
                client.flagEnabled(step.get("key").?.string, id, step.get("fallback").?.bool),
            ),
            .capture_exception => try client.captureException(.{
                .distinct_id = id,
                .nobody = step.get("distinct_id") == null,
                .level = try levelOf(step),
                .handled = if (step.get("handled")) |value| value.bool else true,
                .fingerprint = textOf(step, "fingerprint"),
                .groups = try self.groups(step),
                .exception_type = step.get("type").?.string,
                .exception_message = step.get("message").?.string,
                .json = try self.json(step, "properties"),
            }),
        }
    }

    fn event(self: *Replay, step: std.json.ObjectMap) !posthog.CaptureOptions {
        return .{
            .distinct_id = step.get("distinct_id").?.string,
            .event = step.get("event").?.string,
            .json = try self.json(step, "properties"),
            .set = try self.properties(step, "set"),
            .set_once = try self.properties(step, "set_once"),
            .groups = try self.groups(step),
            .uuid = textOf(step, "uuid"),
            .time = textOf(step, "timestamp"),
            .process_person_profile = if (step.get("process_person_profile")) |value| value.bool else null,
            .options = try self.properties(step, "options"),
            .flags = if (step.contains("with_flags")) &self.flags.? else null,
        };
    }

    fn evaluateFlags(self: *Replay, step: std.json.ObjectMap) !void {
        var options: posthog.EvaluateOptions = .{
            .timeout_ms = patience_ms,
            .groups = try self.groups(step),
            .person_properties = try self.properties(step, "person_properties"),
            .device_id = textOf(step, "device_id"),
            .keys = if (step.get("flag_keys")) |keys| try self.texts(keys.array.items) else null,
        };
        if (step.get("group_properties")) |given| {
            const all = try self.arena.alloc(posthog.flags.GroupProperties, given.object.count());
            for (all, given.object.keys()) |*one, group_type|
                one.* = .{ .type = group_type, .properties = (try self.properties(given.object, group_type)).? };
            options.group_properties = all;
        }
        self.forget();
        self.flags = try self.client.evaluateFlags(step.get("distinct_id").?.string, options);
        const flags = &self.flags.?;
        for (step.get("reads").?.array.items) |read| {
            const key = try self.arena.dupeSentinel(u8, read.array.items[0].string, 0);
            switch (read.array.items[1]) {
                .null => try std.testing.expect(!flags.isKnown(key)),
                .bool => |on| try std.testing.expectEqual(on, flags.isEnabled(key, !on)),
                else => |variant| try std.testing.expectEqualStrings(variant.string, flags.variant(key).?),
            }
        }
    }

    fn forget(self: *Replay) void {
        if (self.flags) |*flags| flags.deinit();
        self.flags = null;
    }

    fn levelOf(step: std.json.ObjectMap) !posthog.ExceptionLevel {
        const name = textOf(step, "level") orelse return .err;
        for (std.enums.values(posthog.ExceptionLevel)) |level| if (std.mem.eql(u8, name, level.string())) return level;
        return error.UnknownLevel;
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
