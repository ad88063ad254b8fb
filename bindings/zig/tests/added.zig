//! What this package has beside posthog-zig, over real HTTP.

const std = @import("std");
const posthog = @import("posthog");
const Receiver = @import("receiver.zig").Receiver;

const allocator = std.testing.allocator;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;
const expectError = std.testing.expectError;

fn clear() !Receiver {
    return Receiver.clear(allocator, std.testing.io);
}

/// A client that sends when it is told to.
fn clientOf(receiver: *const Receiver, config: posthog.Config) !*posthog.PostHogClient {
    var own = config;
    own.api_key = "phc_zig";
    own.host = receiver.url;
    own.enable_logging = false;
    own.protocol = .v0;
    own.flush_at = 1_000;
    own.flush_interval_ms = 60_000;
    return posthog.init(allocator, posthog.defaultIo(), own);
}

test "batches have bounds" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, .{ .api_key = "", .batch_max_events = 2, .batch_max_bytes = 100_000, .request_timeout_ms = 10_000 });
    defer client.deinit();
    for (0..5) |_| try client.capture(.{ .distinct_id = "u", .event = "e" });
    try client.flush();
    _ = try receiver.events(5);
    try expect((try receiver.json("/__requests")).array.items.len >= 3);
}

test "a full queue can give up its oldest, and a client may be disabled" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, .{ .api_key = "", .max_queue_size = 2, .overflow = .drop_oldest, .capture_only = true });
    defer client.deinit();
    for ([_][]const u8{ "first", "second", "third" }) |event| try client.capture(.{ .distinct_id = "u", .event = event });
    const kept = client.queue.drain();
    try expectEqual(2, kept.events.len);
    try expect(std.mem.find(u8, kept.events[1], "\"third\"") != null);
    client.queue.resetSide(kept.side_idx);

    const disabled = try clientOf(&receiver, .{ .api_key = "", .disabled = true });
    defer disabled.deinit();
    try disabled.capture(.{ .distinct_id = "u", .event = "e" });
    try expectEqual(0, disabled.ledger().accepted);
    try expect(!disabled.isOptedOut());
    client.optOut();
    try expect(client.isOptedOut());
    client.optIn();
    try expect(!client.isOptedOut());
}

fn onlyMine(event: *posthog.Outgoing) bool {
    return std.mem.eql(u8, event.distinctId(), "mine");
}

test "before_send knows whose event it is" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, .{ .api_key = "", .before_send = onlyMine });
    defer client.deinit();
    for ([_][]const u8{ "mine", "another's" }) |id| try client.capture(.{ .distinct_id = id, .event = "e" });
    try client.flush();
    try expectEqualStrings("mine", (try receiver.events(1))[0].object.get("distinct_id").?.string);
}

test "flags are evaluated in this process" {
    var receiver = try clear();
    defer receiver.deinit();
    try receiver.post("/__definitions",
        \\{"flags": [{"id": 1, "key": "here", "active": true, "filters": {"groups": [{"properties": [], "rollout_percentage": 100}]}}],
        \\ "group_type_mapping": {}, "cohorts": {}}
    );
    const client = try clientOf(&receiver, .{ .api_key = "", .secret_key = "phx_secret" });
    defer client.deinit();
    try expectEqual(.ok, posthog.c.ph_flags_wait_ready(client.handle, 10_000));
    var flags = try client.evaluateFlags("u", .{});
    defer flags.deinit();
    try expectEqual(1, flags.count());
    try expectEqualStrings("here", flags.keyAt(0).?);
    try expectEqual(null, flags.keyAt(1));
    for ((try receiver.json("/__requests")).array.items) |request|
        try expect(std.mem.startsWith(u8, request.object.get("path").?.string, "/flags/definitions"));
}

/// What a program does that is about to die.
fn dies(receiver: *const Receiver, directory: []const u8) !void {
    const client = try clientOf(receiver, .{ .api_key = "", .storage_dir = directory, .crash_handler = true });
    try client.attachCrashThread();
    try client.setCrashDistinctId("user_41");
    try client.setCrashDistinctId(null);
    try client.setCrashDistinctId("user_42");
    client.writeCrashFile();
    try expect(!client.writeCrash("once more"));
}

/// And what it does that ends without a word.
fn captures(receiver: *const Receiver, directory: []const u8) !void {
    const client = try clientOf(receiver, .{ .api_key = "", .storage_dir = directory, .storage_max_bytes = 8 << 30, .storage_max_age_ms = 3_600_000, .storage_sync = true });
    for (0..3) |_| try client.capture(.{ .distinct_id = "u", .event = "kept" });
}

/// In a process of its own, which ends without `deinit`.
fn inChild(work: *const fn (*const Receiver, []const u8) anyerror!void, receiver: *const Receiver, directory: []const u8) !void {
    const child = std.c.fork();
    if (child == 0) {
        work(receiver, directory) catch std.c._exit(1);
        std.c._exit(0);
    }
    var status: c_int = -1;
    try expectEqual(child, std.c.waitpid(child, &status, 0));
    try expectEqual(0, status);
}

test "the next start delivers what the last one captured" {
    var receiver = try clear();
    defer receiver.deinit();
    var folder = std.testing.tmpDir(.{});
    defer folder.cleanup();
    const directory = try std.fmt.allocPrint(allocator, ".zig-cache/tmp/{s}", .{folder.sub_path});
    defer allocator.free(directory);
    try inChild(captures, &receiver, directory);
    const client = try clientOf(&receiver, .{ .api_key = "", .storage_dir = directory });
    client.deinit();
    for (try receiver.events(3)) |event| try expectEqualStrings("kept", event.object.get("event").?.string);
}

test "the next start reports what was written down" {
    var receiver = try clear();
    defer receiver.deinit();
    var folder = std.testing.tmpDir(.{});
    defer folder.cleanup();
    const directory = try std.fmt.allocPrint(allocator, ".zig-cache/tmp/{s}", .{folder.sub_path});
    defer allocator.free(directory);
    try inChild(dies, &receiver, directory);

    const client = try clientOf(&receiver, .{ .api_key = "", .storage_dir = directory });
    defer client.deinit();
    try client.flush();
    const report = (try receiver.events(1))[0];
    try expectEqualStrings("user_42", report.object.get("distinct_id").?.string);
    const exception = report.object.get("properties").?.object.get("$exception_list").?.array.items[0];
    try expectEqualStrings("panic", exception.object.get("type").?.string);
}

test "a crash needs a directory" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, .{ .api_key = "" });
    defer client.deinit();
    try expectError(error.WriteFailed, client.attachCrashThread());
    try expectError(error.WriteFailed, client.setCrashDistinctId("user_42"));
    try expect(!client.writeCrash("nowhere"));
}
