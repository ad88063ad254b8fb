//! What posthog-zig documents and what it should have done, over real HTTP.

const std = @import("std");
const posthog = @import("posthog");
const Receiver = @import("receiver.zig").Receiver;

const allocator = std.testing.allocator;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;
const expectError = std.testing.expectError;

/// A client that sends when it is told to.
fn clientOf(receiver: *const Receiver, config: posthog.Config) !*posthog.PostHogClient {
    var own = config;
    own.host = receiver.url;
    own.enable_logging = false;
    own.protocol = .v0;
    if (own.flush_at == 20) own.flush_at = 1_000;
    if (own.flush_interval_ms == 10_000) own.flush_interval_ms = 60_000;
    return posthog.init(allocator, posthog.defaultIo(), own);
}

const quiet: posthog.Config = .{ .api_key = "phc_zig" };

fn clear() !Receiver {
    return Receiver.clear(allocator, std.testing.io);
}

fn expectText(expected: []const u8, object: std.json.Value, key: []const u8) !void {
    try expectEqualStrings(expected, (object.object.get(key) orelse return error.NoSuchKey).string);
}

test "each call makes its event" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, quiet);
    defer client.deinit();

    try client.capture(.{ .distinct_id = "user_1", .event = "run started", .timestamp = 1_700_000_000_123, .properties = &.{
        .{ .key = "workspace", .value = .{ .string = "ws \"1\"\n" } },
        .{ .key = "count", .value = .{ .integer = std.math.minInt(i64) } },
        .{ .key = "ratio", .value = .{ .float = 0.5 } },
        .{ .key = "ok", .value = .{ .boolean = true } },
    } });
    try client.identify(.{ .distinct_id = "user_1", .properties = &.{.{ .key = "plan", .value = .{ .string = "pro" } }} });
    try client.identify(.{ .distinct_id = "user_1", .timestamp = 0 });
    try client.group(.{ .distinct_id = "user_1", .group_type = "workspace", .group_key = "ws_1", .properties = &.{
        .{ .key = "name", .value = .{ .string = "Acme" } },
    } });
    try client.group(.{ .distinct_id = "user_1", .group_type = "workspace", .group_key = "ws_1", .timestamp = 0 });
    try client.alias("user_1", "visitor_1");
    try expectEqual(6, client.queue.pendingCount());
    try client.flush();
    try expectEqual(0, client.queue.pendingCount());

    const events = try receiver.events(6);
    for (events) |event| {
        try expectText("libposthog-zig", event.object.get("properties").?, "$lib");
        try expectText(posthog.version, event.object.get("properties").?, "$lib_version");
        try expect(event.object.get("uuid") != null);
    }
    try expectText("run started", events[0], "event");
    try expectText("user_1", events[0], "distinct_id");
    try expect(std.mem.startsWith(u8, events[0].object.get("timestamp").?.string, "2023-11-14T22:13:20.123"));
    const properties = events[0].object.get("properties").?.object;
    try expectEqualStrings("ws \"1\"\n", properties.get("workspace").?.string);
    try expectEqual(std.math.minInt(i64), properties.get("count").?.integer);
    try expectEqual(0.5, properties.get("ratio").?.float);
    try expectEqual(true, properties.get("ok").?.bool);
    for (events[1..3]) |event| try expectText("$identify", event, "event");
    for (events[3..5]) |event| {
        try expectText("$groupidentify", event, "event");
        try expectText("workspace", event.object.get("properties").?, "$group_type");
        try expectText("ws_1", event.object.get("properties").?, "$group_key");
    }
    try expectText("Acme", events[3].object.get("properties").?.object.get("$group_set").?, "name");
    for ([_]usize{ 2, 4 }) |index|
        try expect(std.mem.startsWith(u8, events[index].object.get("timestamp").?.string, "1970-01-01T00:00:00"));
    try expectText("$create_alias", events[5], "event");
}

test "an exception has what PostHog reads, and what posthog-zig wrote" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, quiet);
    defer client.deinit();
    try client.captureException(.{
        .distinct_id = "user_1",
        .exception_type = "WorkspaceError",
        .exception_message = "not found: ws_1",
        .handled = false,
        .level = .warn,
        .stack_trace = "frame 0: db.zig\nframe 1: main.zig",
        .timestamp = 1_700_000_000_123,
        .properties = &.{.{ .key = "http_status", .value = .{ .integer = 404 } }},
    });
    try client.flush();
    const properties = (try receiver.events(1))[0].object.get("properties").?;
    const time = (try receiver.events(1))[0].object.get("timestamp").?.string;
    try expect(std.mem.startsWith(u8, time, "2023-11-14T22:13:20.123"));
    const stack = properties.object.get("$exception_list").?.array.items[0].object.get("stacktrace").?;
    // The outermost first; the last is this test.
    const frames = stack.object.get("frames").?.array.items;
    try expect(frames.len > 2 and frames[frames.len - 1].object.get("instruction_addr") != null);
    try expectText("WorkspaceError", properties, "$exception_type");
    try expectText("not found: ws_1", properties, "$exception_message");
    try expectText("warning", properties, "$exception_level");
    try expectText("frame 0: db.zig\nframe 1: main.zig", properties, "$exception_stack_trace_raw");
    try expectEqual(false, properties.object.get("$exception_handled").?.bool);
    try expectEqual(404, properties.object.get("http_status").?.integer);
    const first = properties.object.get("$exception_list").?.array.items[0];
    try expectText("WorkspaceError", first, "type");
    try expectText("not found: ws_1", first, "value");
    try expectEqual(false, first.object.get("mechanism").?.object.get("handled").?.bool);
}

test "overflow drops the newest, counts it exactly, and is no error" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, .{ .api_key = "phc_zig", .max_queue_size = 3 });
    defer client.deinit();
    // So that nothing leaves before it is told to.
    try receiver.post("/__script", "[{\"path\": \"/batch/\", \"status\": 503}]");
    const queue = &client.queue;
    for ([_][]const u8{ "first", "second", "third", "fourth", "fifth" }) |name|
        try client.capture(.{ .distinct_id = "u", .event = name });
    try expectEqual(3, queue.pendingCount());
    try expectEqual(2, queue.droppedCount());

    const drained = queue.drain();
    // A full queue is sent at once: what is on its way then is not in here.
    try expect(drained.events.len <= 3);
    for (drained.events) |event| try expectEqual('{', event[0]);
    try expectEqual(3, queue.pendingCount());
    queue.resetSide(drained.side_idx);
    try expectEqual(3 - drained.events.len, queue.pendingCount());
    try expectEqual(2, queue.droppedCount());
    client.optOut();
}

test "drain and resetSide" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, quiet);
    defer client.deinit();
    const queue = &client.queue;
    const nothing = queue.drain();
    try expectEqual(0, nothing.events.len);
    queue.resetSide(nothing.side_idx);
    for (0..2) |round| {
        for (0..5) |_| try client.capture(.{ .distinct_id = "u", .event = "a }\" {", .json = "{\"round\": [{}]}" });
        const drained = queue.drain();
        try expectEqual(5, drained.events.len);
        for (drained.events) |event| try expect(std.mem.indexOf(u8, event, "a }\\\" {") != null);
        try expectEqual(5 * (round + 1), queue.pendingCount());
    }
    // Both sides are held: what is in the queue stays there.
    try client.capture(.{ .distinct_id = "u", .event = "kept" });
    const third = queue.drain();
    try expectEqual(0, third.events.len);
    queue.resetSide(third.side_idx);
    try expectEqual(11, queue.pendingCount());
    queue.resetSide(0);
    queue.resetSide(1);
    queue.resetSide(1);
    try expectEqual(1, queue.pendingCount());
    try client.flush();
    try expectText("kept", (try receiver.events(1))[0], "event");
    try expect(client.ledger().balances());
    try expectEqual(10, client.ledger().drained);
}

test "many threads at once" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, .{ .api_key = "phc_zig", .max_queue_size = 100_000, .flush_at = 100_000 });
    defer client.deinit();
    const Work = struct {
        fn run(it: *posthog.PostHogClient, thread: usize) void {
            for (0..500) |n| it.capture(.{ .distinct_id = "u", .event = "e", .properties = &.{
                .{ .key = "thread", .value = .{ .integer = @intCast(thread) } },
                .{ .key = "n", .value = .{ .integer = @intCast(n) } },
            } }) catch |failure| std.debug.panic("{t}", .{failure});
        }
    };
    var threads: [8]std.Thread = undefined;
    for (&threads, 0..) |*thread, index| thread.* = try std.Thread.spawn(.{}, Work.run, .{ client, index });
    // posthog-zig lost and repeated events here.
    for (0..20) |_| try client.flush();
    for (&threads) |*thread| thread.join();
    try client.flush();
    const events = try receiver.events(8 * 500);
    var next: [8]i64 = @splat(0);
    for (events) |event| {
        const properties = event.object.get("properties").?.object;
        const of_thread = &next[@intCast(properties.get("thread").?.integer)];
        try expectEqual(of_thread.*, properties.get("n").?.integer);
        of_thread.* += 1;
    }
    try expectEqual(0, client.queue.droppedCount());
}

/// Where on_deliver, which has no userdata, counts.
const Told = struct {
    var batches: [3]std.atomic.Value(usize) = @splat(.init(0));
    var events: [3]std.atomic.Value(usize) = @splat(.init(0));

    fn reset() void {
        for (&batches, &events) |*batch, *event| {
            batch.store(0, .monotonic);
            event.store(0, .monotonic);
        }
    }

    fn onDeliver(status: posthog.DeliveryStatus, count: usize) void {
        _ = batches[@intFromEnum(status)].fetchAdd(1, .monotonic);
        _ = events[@intFromEnum(status)].fetchAdd(count, .monotonic);
    }
};

test "flush says what became of the events, and so does on_deliver" {
    var receiver = try clear();
    defer receiver.deinit();
    const cases = .{
        .{ "[]", posthog.DeliveryStatus.delivered },
        .{ "[{\"path\": \"/batch/\", \"status\": 400}]", posthog.DeliveryStatus.failed },
        .{ "[{\"path\": \"/batch/\", \"status\": 503}]", posthog.DeliveryStatus.dropped },
        .{ "[{\"path\": \"/batch/\", \"reset\": \"head\"}]", posthog.DeliveryStatus.dropped },
    };
    inline for (cases) |case| {
        try receiver.post("/__script", case[0]);
        Told.reset();
        const client = try clientOf(&receiver, .{ .api_key = "phc_zig", .max_retries = 0, .on_deliver = Told.onDeliver });
        try client.flush();
        try client.capture(.{ .distinct_id = "u", .event = "a" });
        try client.capture(.{ .distinct_id = "u", .event = "b" });
        if (case[1] == .delivered) try client.flush() else try expectError(error.NetworkError, client.flush());
        client.deinit();
        for (0..3) |status| {
            const expected: usize = if (status == @intFromEnum(case[1])) 1 else 0;
            try expectEqual(expected, Told.batches[status].load(.monotonic));
            try expectEqual(2 * expected, Told.events[status].load(.monotonic));
        }
    }
}

test "a server that never answers delays nothing beyond the deadline" {
    var receiver = try clear();
    defer receiver.deinit();
    try receiver.post("/__script", "[{\"path\": \"/batch/\", \"hang\": \"body\"}, {\"path\": \"/flags/\", \"hang\": \"body\"}]");
    const client = try clientOf(&receiver, .{
        .api_key = "phc_zig",
        .shutdown_flush_timeout_ms = 300,
        .flush_timeout_ms = 200,
        .feature_flag_timeout_ms = 200,
    });
    const start = posthog.types.monotonicNs(std.testing.io);
    try client.capture(.{ .distinct_id = "u", .event = "e" });
    try expectError(error.NetworkError, client.flush());
    try expectEqual(1, client.queue.pendingCount());
    try expect(std.meta.isError(client.isFeatureEnabled("flag", "u")));
    client.deinit();
    const took_ms = @divFloor(posthog.types.monotonicNs(std.testing.io) - start, std.time.ns_per_ms);
    try expect(took_ms < 700 + 2_000);
}

test "the texts of a config are copied" {
    var receiver = try clear();
    defer receiver.deinit();
    const key = try allocator.dupe(u8, "phc_mine");
    const client = try clientOf(&receiver, .{ .api_key = key });
    @memset(key, 'Z');
    allocator.free(key);
    try client.capture(.{ .distinct_id = "u", .event = "e" });
    client.deinit();
    _ = try receiver.events(1);
    const requests = try receiver.json("/__requests");
    try expectText("phc_mine", requests.array.items[0].object.get("json").?, "api_key");
}

test "flags are asked for once, and fail only where nothing is known" {
    var receiver = try clear();
    defer receiver.deinit();
    try receiver.post("/__flags",
        \\{"on": true, "off": false, "many": "blue", "paid": {"enabled": true, "payload": {"copy": "hello"}}}
    );
    const client = try clientOf(&receiver, quiet);
    defer client.deinit();
    for (0..3) |_| {
        try expectEqual(true, try client.isFeatureEnabled("on", "user_1"));
        try expectEqual(false, try client.isFeatureEnabled("off", "user_1"));
        try expectEqual(true, try client.isFeatureEnabled("many", "user_1"));
        try expectEqual(false, try client.isFeatureEnabled("none", "user_1"));
        const payload = (try client.getFeatureFlagPayload("paid", "user_1")).?;
        defer allocator.free(payload);
        try expectEqualStrings("{\"copy\":\"hello\"}", payload);
        try expectEqual(null, try client.getFeatureFlagPayload("on", "user_1"));
        try expectEqual(null, try client.getFeatureFlagPayload("none", "user_1"));
        try expectEqual(true, client.flagEnabled("on", "user_1", false));
        try expectEqual(true, client.flagEnabled("none", "user_1", true));
    }
    try expectEqual(1, try flagRequests(&receiver));

    var flags = try client.evaluateFlags("user_2", .{ .keys = &.{ "many", "paid" }, .groups = &.{.{ .type = "company", .key = "acme" }} });
    defer flags.deinit();
    try expectEqualStrings("blue", flags.variant("many").?);
    try expectEqualStrings("{\"copy\":\"hello\"}", flags.payload("paid").?);
    try expect(flags.isEnabled("paid", false) and flags.isKnown("paid") and !flags.isKnown("none"));
    try client.capture(.{ .distinct_id = "user_2", .event = "with flags", .flags = &flags });
    try client.flush();
    for ((try receiver.json("/__events")).array.items) |event| {
        if (!std.mem.eql(u8, event.object.get("event").?.string, "with flags")) continue;
        try expectText("blue", event.object.get("properties").?, "$feature/many");
    }

    try receiver.post("/__script", "[{\"path\": \"/flags/\", \"status\": 500}]");
    try expectEqual(true, try client.isFeatureEnabled("on", "user_1"));
    try expect(std.meta.isError(client.isFeatureEnabled("on", "nobody yet")));
    try expect(std.meta.isError(client.getFeatureFlagPayload("on", "nobody yet")));
    try expectError(error.WriteFailed, client.isFeatureEnabled("on", ""));
}

fn flagRequests(receiver: *Receiver) !usize {
    var count: usize = 0;
    for ((try receiver.json("/__requests")).array.items) |request| {
        if (std.mem.startsWith(u8, request.object.get("path").?.string, "/flags/")) count += 1;
    }
    return count;
}

fn placeOrder(client: *posthog.PostHogClient) !void {
    try client.capture(.{ .distinct_id = "user_42", .event = "order placed" });
}

// As the README shows it.
test "a test of a program" {
    const fixed: posthog.Deterministic = .{ .unix_ms = 1_700_000_000_000, .seed = 42 };
    const client = try posthog.init(std.testing.allocator, posthog.defaultIo(), .{ .api_key = "phc_test", .capture_only = true, .deterministic = fixed });
    defer client.deinit();
    try placeOrder(client);
    try std.testing.expect(std.mem.find(u8, client.queue.drain().events[0], "\"event\":\"order placed\"") != null);

    client.queue.resetSide(0);
    try placeOrder(client);
    const second = client.queue.drain().events[0];
    try expect(std.mem.find(u8, second, "\"uuid\":\"018bcfe5-6800-7000-8016-d8000560015e\"") != null);
    try expectEqual(0, client.ledger().queued);
}

test "captures that wait tell what became of the event" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, quiet);
    defer client.deinit();
    try client.captureNow(.{ .distinct_id = "u", .event = "taken" }, 10_000);
    try receiver.post("/__script", "[{\"path\": \"/\", \"status\": 400}]");
    const refused = client.captureNow(.{ .distinct_id = "u", .event = "refused" }, 10_000);
    try expectError(error.NetworkError, refused);
    try expectError(error.WriteFailed, client.captureAiNow(.{ .distinct_id = "", .event = "$ai_span" }, 10_000));
    try expectEqual(1, client.ledger().delivered);
    try expectEqual(1, client.ledger().dropped);
}

test "bad input has its error, and the event after it arrives" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, quiet);
    defer client.deinit();
    const bad = [_][]const u8{ "", "  ", "\xff", "a\x00b" };
    for (bad) |text| {
        try expectError(error.WriteFailed, client.capture(.{ .distinct_id = text, .event = "e" }));
        try expectError(error.WriteFailed, client.capture(.{ .distinct_id = "u", .event = text }));
        try expectError(error.WriteFailed, client.capture(.{ .distinct_id = text, .event = "e", .timestamp = 0 }));
        try expectError(error.WriteFailed, client.identify(.{ .distinct_id = text }));
        try expectError(error.WriteFailed, client.group(.{ .distinct_id = "u", .group_type = text, .group_key = "k" }));
        try expectError(error.WriteFailed, client.captureException(.{
            .distinct_id = text,
            .exception_type = "E",
            .exception_message = "m",
        }));
    }
    try expectError(error.WriteFailed, client.capture(.{ .distinct_id = "u", .event = "e", .json = "[1]" }));
    try expectError(error.WriteFailed, client.capture(.{ .distinct_id = "u", .event = "e", .json = "{" }));
    try expectError(error.WriteFailed, client.capture(.{ .distinct_id = "u", .event = "e", .timestamp = std.math.minInt(i64) }));
    try expectError(error.WriteFailed, client.capture(.{ .distinct_id = "u", .event = "e", .uuid = "not one" }));
    try expectEqual(0, client.queue.pendingCount());

    const long_key: [300]u8 = @splat('k');
    const long_name: [65_536]u8 = @splat('x');
    try client.capture(.{ .distinct_id = "u", .event = &long_name, .properties = &.{
        .{ .key = "nan", .value = .{ .float = std.math.nan(f64) } },
        .{ .key = "text", .value = .{ .string = "caf\xc3 \x00\x01" } },
        .{ .key = &long_key, .value = .{ .integer = 1 } },
        .{ .key = "same", .value = .{ .integer = 1 } },
        .{ .key = "same", .value = .{ .integer = 2 } },
        .{ .key = "empty", .value = .{ .string = "" } },
    } });
    try client.flush();
    const event = (try receiver.events(1))[0];
    try expectText(&long_name, event, "event");
    const properties = event.object.get("properties").?.object;
    try expectEqual(.null, properties.get("nan").?);
    try expectEqualStrings("caf\u{fffd} \u{fffd}\x01", properties.get("text").?.string);
    try expectEqual(1, properties.get(&long_key).?.integer);
    try expectEqual(2, properties.get("same").?.integer);
    try expectEqualStrings("", properties.get("empty").?.string);
}

test "a host that is none is refused by init" {
    for ([_][]const u8{ "", "not a url", "us.i.posthog.com", "ftp://x", "http://a\x00b" }) |host| {
        const config: posthog.Config = .{ .api_key = "phc_zig", .host = host, .enable_logging = false };
        try expectError(error.Unexpected, posthog.init(allocator, posthog.defaultIo(), config));
    }
}

test "numbers at their ends" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, .{
        .api_key = "phc_zig",
        .flush_interval_ms = std.math.maxInt(u64),
        .flush_at = std.math.maxInt(usize),
        .max_queue_size = 0,
        .max_retries = std.math.maxInt(u32),
        .feature_flag_ttl_ms = std.math.maxInt(u64),
        .shutdown_flush_timeout_ms = 10_000,
        .max_queue_bytes = 0,
    });
    try client.capture(.{ .distinct_id = "u", .event = "e" });
    client.deinit();
    _ = try receiver.events(1);
}

test "a client without a key does nothing" {
    const client = try posthog.init(allocator, posthog.defaultIo(), .{ .api_key = "", .enable_logging = false });
    defer client.deinit();
    try client.capture(.{ .distinct_id = "", .event = "" });
    try client.flush();
    try expectEqual(0, client.queue.pendingCount());
    try expectEqual(false, try client.isFeatureEnabled("on", "u"));
    try expectEqual(null, try client.getFeatureFlagPayload("on", "u"));
}

fn scrub(event: *posthog.Outgoing) bool {
    if (std.mem.eql(u8, event.name(), "secret")) return false;
    const plan = (event.get("plan") catch null) orelse "null";
    if (!std.mem.eql(u8, plan, "\"pro\"")) return true;
    event.remove("email") catch return false;
    event.set(&.{.{ .key = "scrubbed", .value = .{ .boolean = true } }}) catch return false;
    event.setName("renamed") catch return false;
    event.setDistinctId("somebody") catch return false;
    return true;
}

test "before_send sees, changes and drops" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, .{ .api_key = "phc_zig", .before_send = scrub });
    defer client.deinit();
    try client.capture(.{ .distinct_id = "u", .event = "secret" });
    try client.capture(.{ .distinct_id = "u", .event = "e", .json = "{\"plan\": \"pro\", \"email\": \"a@b\"}" });
    try client.flush();
    const event = (try receiver.events(1))[0];
    try expectText("renamed", event, "event");
    try expectText("somebody", event, "distinct_id");
    const properties = event.object.get("properties").?.object;
    try expectEqual(true, properties.get("scrubbed").?.bool);
    try expectEqual(null, properties.get("email"));
}

fn addHeader(config: *posthog.c.Config) posthog.c.Status {
    return posthog.c.ph_config_add_header(config, "x-shop", "tea");
}

fn addNonsense(config: *posthog.c.Config) posthog.c.Status {
    return posthog.c.ph_config_add_header(config, "no header", "tea");
}

test "configure sets what has no field, and what is not wrapped is called through the handle" {
    var receiver = try clear();
    defer receiver.deinit();
    const client = try clientOf(&receiver, .{ .api_key = "phc_zig", .configure = addHeader });
    defer client.deinit();
    try expectEqual(posthog.c.Status.ok, posthog.c.ph_step_add(client.handle, "opened the shop", null));
    try client.captureException(.{ .distinct_id = "u", .exception_type = "E", .exception_message = "m" });
    try client.flush();
    const event = (try receiver.events(1))[0];
    const steps = event.object.get("properties").?.object.get("$exception_steps").?.array.items;
    try expectText("opened the shop", steps[0], "$message");
    const request = (try receiver.json("/__requests")).array.items[0];
    try expectText("tea", request.object.get("headers").?, "x-shop");

    const none = posthog.init(allocator, posthog.defaultIo(), .{
        .api_key = "phc_zig",
        .enable_logging = false,
        .configure = addNonsense,
    });
    try expectError(error.Unexpected, none);
}
