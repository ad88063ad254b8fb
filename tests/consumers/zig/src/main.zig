//! consumer EVENT: a service that was written for posthog-zig 0.2.0, with nothing that is new. Ends
//! with 0 if all went as that documents it.

const std = @import("std");
const posthog = @import("posthog");

pub const std_options: std.Options = .{ .logFn = log, .log_level = .debug };

var lines: std.atomic.Value(usize) = .init(0);
var delivered: std.atomic.Value(usize) = .init(0);

fn log(comptime level: std.log.Level, comptime scope: @EnumLiteral(), comptime format: []const u8, args: anytype) void {
    if (scope == .posthog) {
        _ = lines.fetchAdd(1, .monotonic);
    } else {
        std.log.defaultLog(level, scope, format, args);
    }
}

fn onDeliver(status: posthog.DeliveryStatus, event_count: usize) void {
    switch (status) {
        .delivered => _ = delivered.fetchAdd(event_count, .monotonic),
        .failed, .dropped => {},
    }
}

const Plan = enum { free, pro };

/// A switch with every error that a capture has, and none besides.
fn track(client: *posthog.PostHogClient, plan: Plan, event: []const u8) void {
    client.capture(.{
        .distinct_id = "consumer",
        .event = event,
        .properties = &.{
            .{ .key = "plan", .value = .{ .string = @tagName(plan) } },
            .{ .key = "seats", .value = .{ .integer = 5 } },
            .{ .key = "load", .value = .{ .float = 0.25 } },
            .{ .key = "trial", .value = .{ .boolean = plan == .free } },
        },
    }) catch |failure| switch (failure) {
        error.WriteFailed, error.OutOfMemory => {},
    };
}

fn kindOf(value: posthog.PropertyValue) []const u8 {
    return switch (value) {
        .string => "text",
        .integer, .float => "number",
        .boolean => "truth",
    };
}

pub fn main(init: std.process.Init) !void {
    var args = init.minimal.args.iterate();
    _ = args.skip();
    const event = args.next() orelse "consumed";

    const client: *posthog.PostHogClient = try posthog.init(init.gpa, init.io, .{
        .api_key = init.environ_map.get("POSTHOG_API_KEY") orelse return error.NoKey,
        .host = init.environ_map.get("POSTHOG_HOST") orelse return error.NoHost,
        .enable_logging = true,
        .flush_interval_ms = 60_000,
        .flush_at = 1_000,
        .max_queue_size = 1_000,
        .max_retries = 1,
        .shutdown_flush_timeout_ms = 5_000,
        .feature_flag_ttl_ms = 60_000,
        .on_deliver = onDeliver,
    });
    defer client.deinit();

    track(client, .pro, event);
    try client.identify(.{ .distinct_id = "consumer", .properties = &.{
        .{ .key = "kind", .value = .{ .string = kindOf(.{ .integer = 1 }) } },
    } });
    try client.group(.{ .distinct_id = "consumer", .group_type = "company", .group_key = "acme" });
    try client.captureException(.{
        .distinct_id = "consumer",
        .exception_type = @errorName(error.WorkspaceNotFound),
        .exception_message = "workspace not found",
        .handled = true,
        .level = .err,
        .stack_trace = "frame 0: consumer.zig",
    });
    if (client.queue.pendingCount() != 4 or client.queue.droppedCount() != 0) return error.Miscounted;

    if (!try client.isFeatureEnabled("new-checkout", "consumer")) return error.FlagIsOff;
    const payload = try client.getFeatureFlagPayload("new-checkout", "consumer");
    defer if (payload) |text| init.gpa.free(text);
    if (payload == null) return error.NoPayload;

    client.flush() catch |failure| switch (failure) {
        error.OutOfMemory, error.NetworkError => return failure,
    };
    // Reading a flag is an event of its own.
    if (delivered.load(.monotonic) < 4 or lines.load(.monotonic) == 0) return error.NotTold;

    track(client, .free, "drained");
    const drained = client.queue.drain();
    if (drained.events.len != 1) return error.NotDrained;
    client.queue.resetSide(drained.side_idx);
    _ = posthog.types.nowMs(posthog.defaultIo());
    std.debug.assert(posthog.version.len == 5);
}
