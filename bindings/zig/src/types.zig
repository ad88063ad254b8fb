//! The types of posthog-zig 0.2.0, with its fields and defaults; what is new stands behind them and
//! has a default. And its helpers, as `posthog.types` had them.

const std = @import("std");
const c = @import("c.zig");
const Flags = @import("flags.zig").Flags;
const Outgoing = @import("outgoing.zig").Outgoing;

pub const version = "0.1.0";
pub const lib_name = "libposthog-zig";

pub const PropertyValue = union(enum) {
    string: []const u8,
    integer: i64,
    float: f64,
    boolean: bool,
};

pub const Property = struct {
    key: []const u8,
    value: PropertyValue,
};

/// Properties where there may be more than `PropertyValue` can say.
pub const Properties = union(enum) {
    list: []const Property,
    /// The text of a JSON object.
    json: []const u8,
};

/// In which group of a type an event happened.
pub const Group = struct {
    type: []const u8,
    key: []const u8,
};

/// Which number, 0 to 4, a group type has in the project.
pub const GroupIndex = struct {
    type: []const u8,
    index: u32,
};

pub const ExceptionLevel = enum {
    err,
    warn,
    info,
    fatal,

    /// The name that PostHog has for it.
    pub fn string(self: ExceptionLevel) []const u8 {
        return switch (self) {
            .err => "error",
            .warn => "warning",
            .info, .fatal => @tagName(self),
        };
    }
};

pub const DeliveryStatus = enum { delivered, failed, dropped };

/// What gives way when the queue is full.
pub const Overflow = enum { drop_newest, drop_oldest };

/// The time of every event, and what their uuids begin with.
pub const Deterministic = struct {
    unix_ms: i64,
    seed: u64,
};

/// Of captures; `auto` is the newest that the host understands.
pub const Protocol = enum { auto, v0, v1 };

/// Texts are copied by `init`. Numbers outside what the library takes are brought to the nearest.
pub const Config = struct {
    /// An empty one makes a client that does nothing.
    api_key: []const u8,
    host: []const u8 = "https://us.i.posthog.com",
    /// Whether diagnostics go to `std.log` with the scope `.posthog`.
    enable_logging: bool = true,
    flush_interval_ms: u64 = 10_000,
    flush_at: usize = 20,
    max_queue_size: usize = 1000,
    /// n means 1 + n requests.
    max_retries: u32 = 3,
    shutdown_flush_timeout_ms: u64 = 5_000,
    feature_flag_ttl_ms: u64 = 60_000,
    /// Told once for each batch, on the library's thread.
    on_deliver: ?*const fn (status: DeliveryStatus, event_count: usize) void = null,

    // Beside those of posthog-zig:

    /// Bounds `flush`.
    flush_timeout_ms: u64 = 30_000,
    /// Bounds `isFeatureEnabled`, `getFeatureFlagPayload` and `flagEnabled`.
    feature_flag_timeout_ms: u64 = 3_000,
    /// Bounds a request.
    request_timeout_ms: u64 = 15_000,
    max_queue_bytes: u64 = 32 << 20,
    /// Bound a request.
    batch_max_events: u32 = 1_000,
    batch_max_bytes: u64 = 1 << 20,
    overflow: Overflow = .drop_newest,
    protocol: Protocol = .auto,
    /// All events are an import of what happened long ago.
    historical_migration: bool = false,
    /// For tests: nothing is sent, and `queue.drain` has what was captured.
    capture_only: bool = false,
    /// For tests: the same times and uuids in each run.
    deterministic: ?Deterministic = null,
    /// Makes a client that does nothing.
    disabled: bool = false,
    /// Stamped on every event as `environment`.
    environment: ?[]const u8 = null,
    /// false for software on the user's own machine.
    is_server: bool = true,
    /// Whether PostHog leaves alone where requests come from; `null`: as `is_server`.
    geoip_disable: ?bool = null,
    /// The secret key that reads the definitions of feature flags.
    secret_key: ?[]const u8 = null,
    /// Events in groups of these types carry `$group_<index>` beside `$groups`.
    group_indices: []const GroupIndex = &.{},
    /// Properties that never leave.
    denied_properties: []const []const u8 = &.{},
    /// Where what outlives the process is kept: events until they are delivered, what `writeCrashFile`
    /// writes, and crashes.
    storage_dir: ?[]const u8 = null,
    /// Bounds of the stored events; 0 for the defaults, 64 MiB and 7 days.
    storage_max_bytes: u64 = 0,
    storage_max_age_ms: u64 = 0,
    /// Whether stored events survive a loss of power, too, once they were captured `flush_interval_ms` ago.
    storage_sync: bool = false,
    /// Whether fatal signals are reported by the next start; needs `storage_dir`.
    crash_handler: bool = false,
    /// Sees each event before it is queued, on the capturing thread; false drops it.
    before_send: ?*const fn (event: *Outgoing) bool = null,
    /// Sets what has no field here, with `posthog.c.ph_config_set_…`: a proxy, headers, a transport.
    /// Called by `init`, last; unless it answers `.ok`, `init` fails.
    configure: ?*const fn (config: *c.Config) c.Status = null,
};

pub const CaptureOptions = struct {
    distinct_id: []const u8,
    event: []const u8,
    properties: ?[]const Property = null,
    /// Milliseconds since 1970; `null` is now.
    timestamp: ?i64 = null,

    // Beside those of posthog-zig:

    /// More properties, as the text of a JSON object.
    json: ?[]const u8 = null,
    groups: []const Group = &.{},
    set: ?Properties = null,
    set_once: ?Properties = null,
    uuid: ?[]const u8 = null,
    /// When it happened in RFC 3339, in place of `timestamp`: up to nanoseconds.
    time: ?[]const u8 = null,
    process_person_profile: ?bool = null,
    /// Of capture V1, passed on as they are.
    options: ?Properties = null,
    /// Their values travel with the event.
    flags: ?*const Flags = null,
};

pub const IdentifyOptions = struct {
    distinct_id: []const u8,
    properties: ?[]const Property = null,
    timestamp: ?i64 = null,

    // Beside those of posthog-zig:

    json: ?[]const u8 = null,
    set_once: ?Properties = null,
};

pub const GroupOptions = struct {
    /// An empty one is the group's own.
    distinct_id: []const u8,
    group_type: []const u8,
    group_key: []const u8,
    properties: ?[]const Property = null,
    timestamp: ?i64 = null,

    // Beside those of posthog-zig:

    json: ?[]const u8 = null,
};

pub const ExceptionOptions = struct {
    distinct_id: []const u8,
    exception_type: []const u8,
    exception_message: []const u8,
    handled: bool = true,
    level: ExceptionLevel = .err,
    /// A text of the caller's, kept as `$exception_stack_trace_raw`.
    stack_trace: ?[]const u8 = null,
    properties: ?[]const Property = null,
    timestamp: ?i64 = null,

    // Beside those of posthog-zig:

    json: ?[]const u8 = null,
    fingerprint: ?[]const u8 = null,
    /// Where it arose (`@src()`), in place of the calling thread's stack.
    at: ?std.builtin.SourceLocation = null,
    /// The stack of an error instead (`@errorReturnTrace()`).
    error_trace: ?*const std.builtin.StackTrace = null,
    groups: []const Group = &.{},
    /// The exception is nobody's: `distinct_id` is not looked at, and PostHog makes no person.
    nobody: bool = false,
};

/// What every capture may fail with. Nothing was accepted then: `WriteFailed` is an id, a name, a
/// key or a JSON text that is not as it has to be, or an event that is too large.
pub const CaptureError = error{ WriteFailed, OutOfMemory };

/// What a capture that waits may fail with besides. `NetworkError`: the event was not delivered in
/// time, or not at all, or there was no room for it.
pub const NowError = CaptureError || error{NetworkError};

/// `NetworkError`: not everything was delivered in time.
pub const FlushError = error{ OutOfMemory, NetworkError };

/// `Unexpected`: the host is not a URL, or the library is of another version; the log says so.
pub const InitError = error{
    OutOfMemory,
    SystemResources,
    Unexpected,
    LockedMemoryLimitExceeded,
    ThreadQuotaExceeded,
};

/// Milliseconds since 1970.
pub fn nowMs(io: std.Io) i64 {
    return @intCast(@divFloor(std.Io.Clock.real.now(io).nanoseconds, std.time.ns_per_ms));
}

pub fn monotonicNs(io: std.Io) i64 {
    return @intCast(std.Io.Clock.awake.now(io).nanoseconds);
}

/// A JSON string, quotes included. Bytes from 0x7f on are written as they are.
pub fn writeJsonStr(writer: anytype, s: []const u8) !void {
    try writer.writeByte('"');
    var rest = s;
    while (std.mem.findAny(u8, rest, &special)) |at| {
        try writer.writeAll(rest[0..at]);
        switch (rest[at]) {
            '\n' => try writer.writeAll("\\n"),
            '\r' => try writer.writeAll("\\r"),
            '\t' => try writer.writeAll("\\t"),
            '"', '\\' => |byte| try writer.writeAll(&.{ '\\', byte }),
            else => |byte| try writer.print("\\u{x:0>4}", .{byte}),
        }
        rest = rest[at + 1 ..];
    }
    try writer.writeAll(rest);
    try writer.writeByte('"');
}

const special = special: {
    var bytes: [34]u8 = undefined;
    for (bytes[0..32], 0..) |*byte, value| byte.* = value;
    bytes[32..34].* = "\"\\".*;
    break :special bytes;
};

/// A value as JSON. What JSON cannot say is null.
pub fn writePropertyValue(writer: anytype, value: PropertyValue) !void {
    switch (value) {
        .string => |string| try writeJsonStr(writer, string),
        .integer => |integer| try writer.print("{d}", .{integer}),
        .float => |float| if (std.math.isFinite(float))
            try writer.print("{d}", .{float})
        else
            try writer.writeAll("null"),
        .boolean => |boolean| try writer.writeAll(if (boolean) "true" else "false"),
    }
}

/// Milliseconds since 1970 as `1970-01-01T00:00:00.000Z`, of the Gregorian calendar in both directions.
pub fn formatIso8601(writer: anytype, epoch_ms: i64) !void {
    const of_day = std.time.ms_per_day;
    const date = dateOf(@divFloor(epoch_ms, of_day));
    const ms: u64 = @intCast(@mod(epoch_ms, of_day));
    if (date.year < 0) try writer.writeByte('-');
    try writer.print("{d:0>4}-{d:0>2}-{d:0>2}T{d:0>2}:{d:0>2}:{d:0>2}.{d:0>3}Z", .{
        @abs(date.year),               date.month,
        date.day,                      ms / std.time.ms_per_hour,
        ms / std.time.ms_per_min % 60, ms / std.time.ms_per_s % 60,
        ms % std.time.ms_per_s,
    });
}

const Date = struct { year: i64, month: u64, day: u64 };

/// Counts in years that begin in March, so that the leap day is a year's last, and in the 400 years
/// after which the calendar repeats.
fn dateOf(days_since_1970: i64) Date {
    const days_of_400_years = 146_097;
    const days = days_since_1970 + 719_468; // Since the first of March of the year 0.
    const cycle = @divFloor(days, days_of_400_years);
    const in_cycle: u64 = @intCast(@mod(days, days_of_400_years));
    const leap_days = in_cycle / 1_460 - in_cycle / 36_524 + in_cycle / 146_096;
    const year = (in_cycle - leap_days) / 365;
    const in_year = in_cycle - (365 * year + year / 4 - year / 100);
    // From March on, months alternate in a pattern of 153 days in five months.
    const month = (5 * in_year + 2) / 153;
    const before_january = month < 10;
    return .{
        .year = cycle * 400 + @as(i64, @intCast(year)) + @intFromBool(!before_january),
        .month = if (before_january) month + 3 else month - 9,
        .day = in_year - (153 * month + 2) / 5 + 1,
    };
}
