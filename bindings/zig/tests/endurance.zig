//! endurance RECEIVER_URL: 10,000 clients from the first to the last, and a million distinct ids
//! through one. Afterwards there are no more threads than before, and hardly more memory.

const std = @import("std");
const posthog = @import("posthog");

const KIB = 1024;

/// A number of /proc/self/status.
fn status(io: std.Io, name: []const u8) !usize {
    var buffer: [8 * KIB]u8 = undefined;
    const text = try std.Io.Dir.cwd().readFile(io, "/proc/self/status", &buffer);
    var lines = std.mem.tokenizeScalar(u8, text, '\n');
    while (lines.next()) |line| {
        if (!std.mem.startsWith(u8, line, name)) continue;
        var words = std.mem.tokenizeAny(u8, line[name.len..], ": \tkB");
        return std.fmt.parseInt(usize, words.next().?, 10);
    }
    return error.NoSuchLine;
}

const Usage = struct {
    threads: usize,
    resident_kib: usize,

    fn now(io: std.Io) !Usage {
        return .{ .threads = try status(io, "Threads"), .resident_kib = try status(io, "VmRSS") };
    }

    fn mustNotGrow(self: Usage, io: std.Io, what: []const u8, more_kib: usize) !void {
        const after = try now(io);
        std.debug.print("{s}: threads {d} -> {d}, resident {d} -> {d} KiB\n", .{
            what, self.threads, after.threads, self.resident_kib, after.resident_kib,
        });
        if (after.threads != self.threads) return error.ThreadsGrew;
        if (after.resident_kib > self.resident_kib + more_kib) return error.MemoryGrew;
    }
};

fn cycles(init: std.process.Init, url: []const u8, count: usize) !void {
    for (0..count) |n| {
        const client = try posthog.init(init.gpa, init.io, .{ .api_key = "phc_zig", .host = url, .enable_logging = false });
        try client.capture(.{ .distinct_id = "u", .event = "cycle", .properties = &.{
            .{ .key = "n", .value = .{ .integer = @intCast(n) } },
        } });
        client.deinit();
    }
}

fn ids(client: *posthog.PostHogClient, from: usize, count: usize) !void {
    var buffer: [32]u8 = undefined;
    for (from..from + count) |n| {
        const id = try std.fmt.bufPrint(&buffer, "user_{d}", .{n});
        try client.capture(.{ .distinct_id = id, .event = "id", .properties = &.{
            .{ .key = "id", .value = .{ .string = id } },
        } });
        if (n % 5_000 == 4_999) try client.flush();
    }
}

pub fn main(init: std.process.Init) !void {
    var args = init.minimal.args.iterate();
    _ = args.skip();
    const url = args.next() orelse return error.NoReceiver;

    // What the allocators keep for themselves is there after the first of each.
    try cycles(init, url, 500);
    var before: Usage = try .now(init.io);
    try cycles(init, url, 10_000);
    try before.mustNotGrow(init.io, "10,000 clients", 2 * KIB);

    const client = try posthog.init(init.gpa, init.io, .{
        .api_key = "phc_zig",
        .host = url,
        .max_queue_size = 100_000,
        .flush_at = 1_000,
    });
    try ids(client, 0, 100_000);
    before = try .now(init.io);
    try ids(client, 100_000, 1_000_000);
    try before.mustNotGrow(init.io, "1,000,000 distinct ids", 4 * KIB);
    if (client.queue.droppedCount() != 0 or !client.ledger().balances()) return error.EventsLost;
    client.deinit();
}
