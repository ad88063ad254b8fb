//! capture URL: the same through bindings/zig.

const std = @import("std");
const posthog = @import("posthog");

const rounds = 101;
const events = 10_000;

pub fn main(init: std.process.Init) !void {
    var args = init.minimal.args.iterate();
    _ = args.skip();
    const client = try posthog.init(std.heap.c_allocator, init.io, .{
        .api_key = "phc_bench",
        .host = args.next() orelse "",
        .flush_at = 1_000_000,
        .flush_interval_ms = 86_400_000,
        .max_queue_size = 100_000,
        .batch_max_events = 100_000,
        .batch_max_bytes = 16 << 20,
    });
    var means: [rounds]f64 = undefined;
    for (&means) |*mean| {
        const start = posthog.types.monotonicNs(init.io);
        for (0..events) |n| try client.capture(.{ .distinct_id = "user_42", .event = "order placed", .properties = &.{
            .{ .key = "plan", .value = .{ .string = "pro" } },
            .{ .key = "source", .value = .{ .string = "web checkout" } },
            .{ .key = "amount", .value = .{ .integer = @intCast(n) } },
        } });
        mean.* = @as(f64, @floatFromInt(posthog.types.monotonicNs(init.io) - start)) / events;
        try client.flush();
    }
    std.mem.sort(f64, &means, {}, std.sort.asc(f64));
    var buffer: [64]u8 = undefined;
    var file: std.Io.File.Writer = .init(.stdout(), init.io, &buffer);
    try file.interface.print("{d:.1}\n", .{means[rounds / 2]});
    try file.interface.flush();
}
