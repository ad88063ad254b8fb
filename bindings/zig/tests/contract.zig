//! What a program that was written for posthog-zig 0.2.0 relies on: names, fields, defaults,
//! arguments and error sets, each as it was there. What is new has to stand behind it.

const std = @import("std");
const posthog = @import("posthog");
const reflect = @import("reflect.zig");

const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

const Config = posthog.Config;
const Client = posthog.PostHogClient;
const Text = []const u8;

/// The first fields of a struct; each further one has a default.
fn fieldsBegin(comptime T: type, comptime names: []const Text) !void {
    inline for (comptime reflect.fieldNames(T), 0..) |name, index| {
        if (index < names.len) {
            try expectEqualStrings(names[index], name);
        } else {
            try expect(comptime reflect.hasDefault(T, name));
        }
    }
}

fn tagsAre(comptime T: type, comptime names: []const Text) !void {
    const own = comptime reflect.fieldNames(T);
    try expectEqual(names.len, own.len);
    inline for (own, names, 0..) |actual, name, value| {
        try expectEqualStrings(name, actual);
        try expectEqual(value, @intFromEnum(@field(T, actual)));
    }
}

fn ErrorsOf(comptime function: anytype) type {
    return @typeInfo(@typeInfo(@TypeOf(function)).@"fn".return_type.?).error_union.error_set;
}

/// The errors of a function: these, and nothing else.
fn failsWith(comptime function: anytype, comptime Errors: type) !void {
    const Actual = ErrorsOf(function);
    // What holds each other is the same.
    comptime std.debug.assert((Errors || Actual) == Errors and (Actual || Errors) == Actual);
}

fn parametersAre(comptime function: anytype, comptime types: []const type) !void {
    const parameters = comptime reflect.parameters(@TypeOf(function));
    try expectEqual(types.len, parameters.len);
    inline for (parameters, types) |Own, T| comptime std.debug.assert(Own == T);
}

test "types" {
    try fieldsBegin(Config, &.{
        "api_key",        "host",        "enable_logging",            "flush_interval_ms",   "flush_at",
        "max_queue_size", "max_retries", "shutdown_flush_timeout_ms", "feature_flag_ttl_ms", "on_deliver",
    });
    try fieldsBegin(posthog.CaptureOptions, &.{ "distinct_id", "event", "properties", "timestamp" });
    try fieldsBegin(posthog.IdentifyOptions, &.{ "distinct_id", "properties", "timestamp" });
    try fieldsBegin(posthog.GroupOptions, &.{ "distinct_id", "group_type", "group_key", "properties", "timestamp" });
    try fieldsBegin(posthog.ExceptionOptions, &.{
        "distinct_id", "exception_type", "exception_message", "handled",
        "level",       "stack_trace",    "properties",        "timestamp",
    });
    try tagsAre(posthog.ExceptionLevel, &.{ "err", "warn", "info", "fatal" });
    try tagsAre(posthog.DeliveryStatus, &.{ "delivered", "failed", "dropped" });
    try tagsAre(std.meta.Tag(posthog.PropertyValue), &.{ "string", "integer", "float", "boolean" });
    inline for (.{ "string", "integer", "float", "boolean" }, .{ Text, i64, f64, bool }) |tag, T|
        try expectEqual(T, @FieldType(posthog.PropertyValue, tag));
    try expectEqual(?[]const posthog.Property, @FieldType(posthog.CaptureOptions, "properties"));
    try expectEqual(?i64, @FieldType(posthog.CaptureOptions, "timestamp"));
    try expectEqual(?Text, @FieldType(posthog.ExceptionOptions, "stack_trace"));
    try expectEqual(*const [5:0]u8, @TypeOf(posthog.version));
    inline for (.{ "err", "warn", "info", "fatal" }, .{ "error", "warning", "info", "fatal" }) |tag, name|
        try expectEqualStrings(name, @field(posthog.ExceptionLevel, tag).string());
}

test "defaults" {
    const config: Config = .{ .api_key = "phc_test" };
    try expectEqualStrings("https://us.i.posthog.com", config.host);
    try expectEqual(true, config.enable_logging);
    inline for (.{
        .{ "flush_interval_ms", u64, 10_000 },
        .{ "flush_at", usize, 20 },
        .{ "max_queue_size", usize, 1_000 },
        .{ "max_retries", u32, 3 },
        .{ "shutdown_flush_timeout_ms", u64, 5_000 },
        .{ "feature_flag_ttl_ms", u64, 60_000 },
    }) |it| {
        try expectEqual(it[1], @FieldType(Config, it[0]));
        try expectEqual(it[2], @field(config, it[0]));
    }
    const OnDeliver = ?*const fn (status: posthog.DeliveryStatus, event_count: usize) void;
    try expectEqual(OnDeliver, @FieldType(Config, "on_deliver"));
    try expectEqual(null, config.on_deliver);
    const exception: posthog.ExceptionOptions = .{ .distinct_id = "", .exception_type = "", .exception_message = "" };
    try expectEqual(true, exception.handled);
    try expectEqual(.err, exception.level);
}

test "functions" {
    const Allocator = std.mem.Allocator;
    try parametersAre(posthog.init, &.{ Allocator, std.Io, Config });
    try parametersAre(Client.init, &.{ Allocator, std.Io, Config });
    try parametersAre(posthog.defaultIo, &.{});
    try parametersAre(Client.deinit, &.{*Client});
    try parametersAre(Client.capture, &.{ *Client, posthog.CaptureOptions });
    try parametersAre(Client.identify, &.{ *Client, posthog.IdentifyOptions });
    try parametersAre(Client.group, &.{ *Client, posthog.GroupOptions });
    try parametersAre(Client.captureException, &.{ *Client, posthog.ExceptionOptions });
    try parametersAre(Client.isFeatureEnabled, &.{ *Client, Text, Text });
    try parametersAre(Client.getFeatureFlagPayload, &.{ *Client, Text, Text });
    try parametersAre(Client.flush, &.{*Client});
    try expectEqual(Client, posthog.client.PostHogClient);

    const Queue = posthog.batch.Queue;
    try expectEqual(Queue, @FieldType(Client, "queue"));
    try parametersAre(Queue.pendingCount, &.{*Queue});
    try parametersAre(Queue.droppedCount, &.{*Queue});
    try parametersAre(Queue.drain, &.{*Queue});
    try parametersAre(Queue.resetSide, &.{ *Queue, u1 });
    try fieldsBegin(posthog.batch.DrainResult, &.{ "events", "side_idx" });
    try expectEqual(Allocator, @FieldType(Client, "allocator"));
    try expectEqual(std.Io, @FieldType(Client, "io"));
    try expectEqual(Config, @FieldType(Client, "config"));
}

test "error sets" {
    const Init = error{ OutOfMemory, SystemResources, Unexpected, LockedMemoryLimitExceeded, ThreadQuotaExceeded };
    const Capture = error{ WriteFailed, OutOfMemory };
    try failsWith(posthog.init, Init);
    try failsWith(Client.init, Init);
    try failsWith(Client.capture, Capture);
    try failsWith(Client.identify, Capture);
    try failsWith(Client.group, Capture);
    try failsWith(Client.captureException, Capture);
    try failsWith(Client.flush, error{ OutOfMemory, NetworkError });
    inline for (.{ Client.isFeatureEnabled, Client.getFeatureFlagPayload }) |function|
        try expectEqual(68, reflect.fieldNames(ErrorsOf(function)).len);
    // A prong that names an error which is not in the set does not compile.
    const failure: ErrorsOf(Client.isFeatureEnabled) = error.DecideFailed;
    switch (failure) {
        error.DecideFailed, error.SyntaxError, error.ConnectionRefused, error.HttpConnectionClosing => {},
        error.UnknownHostName, error.TlsInitializationFailed, error.Timeout, error.Canceled => {},
        else => {},
    }
}

test "helpers" {
    var buffer: [256]u8 = undefined;
    var writer: std.Io.Writer = .fixed(&buffer);
    inline for (.{
        .{ 0, "1970-01-01T00:00:00.000Z" },
        .{ -1, "1969-12-31T23:59:59.999Z" },
        .{ 1_700_000_000_123, "2023-11-14T22:13:20.123Z" },
        .{ 951_782_400_000, "2000-02-29T00:00:00.000Z" },
        .{ 951_868_800_000, "2000-03-01T00:00:00.000Z" },
        .{ -2_203_891_200_000, "1900-03-01T00:00:00.000Z" },
        .{ std.math.maxInt(i64), "292278994-08-17T07:12:55.807Z" },
        .{ -62_198_755_200_000, "-0001-01-01T00:00:00.000Z" },
    }) |case| {
        writer = .fixed(&buffer);
        try posthog.types.formatIso8601(&writer, case[0]);
        try expectEqualStrings(case[1], writer.buffered());
    }
    writer = .fixed(&buffer);
    try posthog.types.formatIso8601(&writer, std.math.minInt(i64));

    writer = .fixed(&buffer);
    try posthog.types.writeJsonStr(&writer, "a\"b\\c\n\r\t\x00\x1f\x7f\u{e9}");
    try expectEqualStrings("\"a\\\"b\\\\c\\n\\r\\t\\u0000\\u001f\x7f\u{e9}\"", writer.buffered());
    const Value = posthog.PropertyValue;
    inline for (.{
        .{ Value{ .integer = -42 }, "-42" },   .{ Value{ .float = 3.25 }, "3.25" },
        .{ Value{ .boolean = true }, "true" }, .{ Value{ .float = std.math.nan(f64) }, "null" },
        .{ Value{ .string = "x" }, "\"x\"" },
    }) |case| {
        writer = .fixed(&buffer);
        try posthog.types.writePropertyValue(&writer, case[0]);
        try expectEqualStrings(case[1], writer.buffered());
    }
    try expect(posthog.types.nowMs(posthog.defaultIo()) > 1_577_836_800_000);
    const before = posthog.types.monotonicNs(posthog.defaultIo());
    try expect(posthog.types.monotonicNs(posthog.defaultIo()) >= before);
    try expectEqualStrings("libposthog-zig", posthog.types.lib_name);
}
