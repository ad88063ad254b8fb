//! The receiver at RECEIVER_URL: what it got, and what it is to do.

const std = @import("std");

pub const Receiver = struct {
    url: []const u8,
    http: std.http.Client,
    arena: std.heap.ArenaAllocator,

    /// With nothing in it yet.
    pub fn clear(allocator: std.mem.Allocator, io: std.Io) !Receiver {
        const url = std.testing.environ.getPosix("RECEIVER_URL") orelse return error.NoReceiver;
        var self: Receiver = .{
            .url = url,
            .http = .{ .allocator = allocator, .io = io },
            .arena = .init(allocator),
        };
        try self.post("/__clear", "");
        try self.post("/__script", "[]");
        return self;
    }

    pub fn deinit(self: *Receiver) void {
        self.http.deinit();
        self.arena.deinit();
    }

    /// Its answer, if that is 200.
    pub fn ask(self: *Receiver, path: []const u8, payload: ?[]const u8) ![]const u8 {
        const allocator = self.arena.allocator();
        var answer: std.Io.Writer.Allocating = .init(allocator);
        const result = try self.http.fetch(.{
            .location = .{ .url = try std.fmt.allocPrint(allocator, "{s}{s}", .{ self.url, path }) },
            .payload = payload,
            .keep_alive = false,
            .response_writer = &answer.writer,
        });
        if (result.status != .ok) {
            std.debug.print("{s}: {s}\n", .{ path, answer.written() });
            return error.NotAsExpected;
        }
        return answer.written();
    }

    pub fn post(self: *Receiver, path: []const u8, payload: []const u8) !void {
        _ = try self.ask(path, payload);
    }

    /// The events that were accepted, once there are so many.
    pub fn events(self: *Receiver, count: usize) ![]const std.json.Value {
        const wait = "/__wait?events={d}&requests=0&timeout_ms=10000";
        _ = try self.ask(try std.fmt.allocPrint(self.arena.allocator(), wait, .{count}), null);
        const all = try self.json("/__events");
        try std.testing.expectEqual(count, all.array.items.len);
        return all.array.items;
    }

    pub fn json(self: *Receiver, path: []const u8) !std.json.Value {
        return std.json.parseFromSliceLeaky(std.json.Value, self.arena.allocator(), try self.ask(path, null), .{});
    }
};
