//! The queue as posthog-zig showed it. The events themselves are the library's.

const std = @import("std");
const c = @import("c.zig");

pub const DrainResult = struct {
    /// Events as JSON, oldest first; valid until `resetSide(side_idx)`.
    events: []const []const u8,
    side_idx: u1,
};

/// What a `drain` took out, until `resetSide`.
const Side = struct {
    json: ?[*:0]u8 = null,
    room: [][]const u8 = &.{},
    events: []const []const u8 = &.{},
    /// How many drains were given this side. More than one only where both were in use.
    holders: usize = 0,
};

pub const Queue = struct {
    gpa: std.mem.Allocator,
    io: std.Io,
    max_size: usize,
    flush_at: usize,
    handle: ?*c.Client,
    sides: [2]Side = .{ .{}, .{} },
    mutex: std.Io.Mutex = .init,

    /// Events that wait, that are on their way, and that were drained and not yet reset.
    pub fn pendingCount(self: *Queue) usize {
        self.mutex.lockUncancelable(self.io);
        defer self.mutex.unlock(self.io);
        const drained = self.sides[0].events.len + self.sides[1].events.len;
        const stats = self.read(.stat_in_flight);
        return @intCast(stats.of(.stat_queued) + stats.of(.stat_in_flight) + drained);
    }

    /// Events that there was no room for, since `init`.
    pub fn droppedCount(self: *Queue) u64 {
        const stats = self.read(.stat_refused_queue_full);
        return stats.of(.stat_refused_queue_full) + stats.of(.stat_dropped_overflow);
    }

    /// Takes out what waits, so that it is not sent. Hand back what it gives with `resetSide`. While
    /// two drains are held, a third gets nothing.
    pub fn drain(self: *Queue) DrainResult {
        self.mutex.lockUncancelable(self.io);
        defer self.mutex.unlock(self.io);
        const idx: u1 = if (self.sides[0].holders <= self.sides[1].holders) 0 else 1;
        const side = &self.sides[idx];
        side.holders += 1;
        if (side.holders > 1) return .{ .events = &.{}, .side_idx = idx };

        // The room comes first: what was taken out could not be put back.
        const waiting: usize = @intCast(self.read(.stat_queued).of(.stat_queued));
        side.room = self.gpa.alloc([]const u8, waiting) catch return .{ .events = &.{}, .side_idx = idx };
        if (waiting != 0 and c.ph_queue_drain(self.handle, waiting, &side.json) == .ok)
            side.events = split(std.mem.span(side.json.?), side.room);
        return .{ .events = side.events, .side_idx = idx };
    }

    /// Frees what a `drain` gave.
    pub fn resetSide(self: *Queue, idx: u1) void {
        self.mutex.lockUncancelable(self.io);
        defer self.mutex.unlock(self.io);
        const side = &self.sides[idx];
        side.holders -|= 1;
        if (side.holders == 0) self.release(side);
    }

    fn release(self: *Queue, side: *Side) void {
        c.ph_string_free(side.json);
        self.gpa.free(side.room);
        side.* = .{};
    }

    pub fn deinit(self: *Queue) void {
        for (&self.sides) |*side| self.release(side);
    }

    const Stats = struct {
        values: [@intFromEnum(c.Stat.stat_refused_queue_full) + 1]u64 = @splat(0),

        fn of(self: *const Stats, stat: c.Stat) u64 {
            return self.values[@intCast(@intFromEnum(stat))];
        }
    };

    fn read(self: *Queue, last: c.Stat) Stats {
        var stats: Stats = .{};
        _ = c.ph_stats_get(self.handle, &stats.values, @intCast(@intFromEnum(last) + 1));
        return stats;
    }
};

/// The elements of a compact JSON array of objects. `room` is enough for all.
fn split(array: []const u8, room: [][]const u8) [][]const u8 {
    var count: usize = 0;
    var depth: usize = 0;
    var start: usize = 0;
    var in_string = false;
    var at: usize = 0;
    while (at < array.len) : (at += 1) switch (array[at]) {
        '"' => in_string = !in_string,
        // Escapes are in strings only.
        '\\' => at += 1,
        '{' => if (!in_string) {
            if (depth == 0) start = at;
            depth += 1;
        },
        '}' => if (!in_string) {
            depth -= 1;
            if (depth == 0) {
                room[count] = array[start .. at + 1];
                count += 1;
            }
        },
        else => {},
    };
    return room[0..count];
}

test split {
    var room: [4][]const u8 = undefined;
    const events = split("[{\"a\":{\"b\":\"}{\\\"\"}},{\"c\":[1,{}]},{}]", &room);
    try std.testing.expectEqual(3, events.len);
    try std.testing.expectEqualStrings("{\"a\":{\"b\":\"}{\\\"\"}}", events[0]);
    try std.testing.expectEqualStrings("{\"c\":[1,{}]}", events[1]);
    try std.testing.expectEqualStrings("{}", events[2]);
    try std.testing.expectEqual(0, split("[]", &room).len);
}
