//! The client of posthog-zig, over libposthog.

const std = @import("std");
const batch = @import("batch.zig");
const c = @import("c.zig");
const flags = @import("flags.zig");
const map = @import("map.zig");
const types = @import("types.zig");
const options = @import("config.zig").options;
const Outgoing = @import("outgoing.zig").Outgoing;

const check = map.check;
const CaptureError = types.CaptureError;
const FlagError = flags.FlagError;
const log = std.log.scoped(.posthog);

/// Any thread may call any method at once, but for `deinit`.
pub const PostHogClient = struct {
    allocator: std.mem.Allocator,
    io: std.Io,
    /// As `init` was given it; its texts are not looked at again.
    config: types.Config,
    queue: batch.Queue,
    /// For what this package does not wrap: `posthog.c`.
    handle: ?*c.Client = null,

    /// Opens no connection and starts no thread: the first event does.
    pub fn init(allocator: std.mem.Allocator, io: std.Io, config: types.Config) types.InitError!*PostHogClient {
        if (!std.mem.eql(u8, std.mem.span(c.ph_version()), types.version)) {
            log.warn("[posthog] the library is {s}, and this package needs {s}", .{ c.ph_version(), types.version });
            return error.Unexpected;
        }
        const self = try allocator.create(PostHogClient);
        errdefer allocator.destroy(self);
        const config_handle = try options(config, allocator);
        defer c.ph_config_free(config_handle);
        if (config.before_send != null and c.ph_config_add_before_send(config_handle, beforeSend, self, null) != .ok)
            return error.OutOfMemory;

        self.* = .{ .allocator = allocator, .io = io, .config = config, .queue = undefined };
        switch (c.ph_init(config_handle, &self.handle)) {
            .ok => {},
            .error_no_memory => return error.OutOfMemory,
            else => return error.Unexpected,
        }
        self.queue = .{
            .gpa = allocator,
            .io = io,
            .max_size = config.max_queue_size,
            .flush_at = config.flush_at,
            .handle = self.handle,
        };
        return self;
    }

    /// Delivers what is queued, within `shutdown_flush_timeout_ms`, and destroys the client.
    pub fn deinit(self: *PostHogClient) void {
        _ = c.ph_shutdown(self.handle, milliseconds(self.config.shutdown_flush_timeout_ms));
        c.ph_client_free(self.handle);
        self.queue.deinit();
        self.allocator.destroy(self);
    }

    /// Copies and returns: never waits for the network. An event that overflows the queue is counted
    /// in `queue.droppedCount()`, and is no error.
    pub fn capture(self: *PostHogClient, opts: types.CaptureOptions) CaptureError!void {
        if (needsEvent(opts)) {
            const event = try self.whole(opts);
            defer c.ph_event_free(event);
            return check(c.ph_capture_event(self.handle, event, null));
        }
        const id, const event = .{ opts.distinct_id, opts.event };
        if (opts.properties == null and opts.json == null)
            return check(c.ph_capture_n(self.handle, id.ptr, id.len, event.ptr, event.len, null));
        const props = try map.filled(opts.properties, opts.json, self.allocator);
        defer map.give(props);
        return check(c.ph_capture_n(self.handle, id.ptr, id.len, event.ptr, event.len, props));
    }

    /// For events of AI observability (`$ai_generation`, ...): they have a queue and requests of their
    /// own, so that large ones do not hold up the others.
    pub fn captureAi(self: *PostHogClient, opts: types.CaptureOptions) CaptureError!void {
        const event = try self.whole(opts);
        defer c.ph_event_free(event);
        return check(c.ph_capture_ai(self.handle, event, null));
    }

    /// Waits for what becomes of the event. What is not settled in time is still tried.
    pub fn captureNow(self: *PostHogClient, opts: types.CaptureOptions, timeout_ms: u32) types.NowError!void {
        const event = try self.whole(opts);
        defer c.ph_event_free(event);
        return settled(c.ph_capture_immediate(self.handle, event, timeout_ms, null));
    }

    /// The same for an event of `captureAi`.
    pub fn captureAiNow(self: *PostHogClient, opts: types.CaptureOptions, timeout_ms: u32) types.NowError!void {
        const event = try self.whole(opts);
        defer c.ph_event_free(event);
        return settled(c.ph_capture_ai_immediate(self.handle, event, timeout_ms, null));
    }

    /// Says who somebody is.
    pub fn identify(self: *PostHogClient, opts: types.IdentifyOptions) CaptureError!void {
        const set = try map.filled(opts.properties, opts.json, self.allocator);
        defer map.give(set);
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        const id = try texts.of(opts.distinct_id);
        const once = if (opts.set_once) |once| try map.filledFrom(once, self.allocator) else null;
        defer if (once) |props| map.give(props);
        const timestamp = opts.timestamp orelse return check(c.ph_identify(self.handle, id, set, once));

        const event = try newEvent(id, "$identify");
        defer c.ph_event_free(event);
        try check(c.ph_event_set_person_properties(event, set));
        if (once) |props| try check(c.ph_event_set_person_properties_once(event, props));
        try self.finish(event, timestamp);
    }

    /// Sets properties of a group.
    pub fn group(self: *PostHogClient, opts: types.GroupOptions) CaptureError!void {
        const set = try map.filled(opts.properties, opts.json, self.allocator);
        defer map.give(set);
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        const group_type, const key = .{ try texts.of(opts.group_type), try texts.of(opts.group_key) };
        const id: ?c.Text = if (opts.distinct_id.len == 0) null else try texts.of(opts.distinct_id);
        const timestamp = opts.timestamp orelse
            return check(c.ph_group_identify(self.handle, id, group_type, key, set));

        const props = try map.filled(&.{
            .{ .key = "$group_type", .value = .{ .string = opts.group_type } },
            .{ .key = "$group_key", .value = .{ .string = opts.group_key } },
        }, null, self.allocator);
        defer map.give(props);
        try check(c.ph_props_set_object(props, "$group_set", set));
        const own = try std.fmt.allocPrintSentinel(texts.arena.allocator(), "${s}_{s}", .{ group_type, key }, 0);
        const event = try newEvent(id orelse own, "$groupidentify");
        defer c.ph_event_free(event);
        try check(c.ph_event_set_properties(event, props));
        try self.finish(event, timestamp);
    }

    pub noinline fn captureException(self: *PostHogClient, opts: types.ExceptionOptions) CaptureError!void {
        const props = try map.filled(opts.properties, opts.json, self.allocator);
        defer map.give(props);
        // As posthog-zig has them, beside the list that PostHog reads.
        try map.fill(props, &.{.{ .key = "$exception_handled", .value = .{ .boolean = opts.handled } }}, self.allocator);
        if (opts.stack_trace) |trace|
            try map.fill(props, &.{.{ .key = "$exception_stack_trace_raw", .value = .{ .string = trace } }}, self.allocator);

        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        var created: ?*c.Exception = null;
        try check(c.ph_exception_new(try texts.of(opts.exception_type), try texts.of(opts.exception_message), &created));
        const exception = created.?;
        defer c.ph_exception_free(exception);
        const level: c.Level = switch (opts.level) {
            .err => .level_error,
            .warn => .level_warning,
            .info => .level_info,
            .fatal => .level_fatal,
        };
        try check(c.ph_exception_set_level(exception, @intFromEnum(level)));
        try check(c.ph_exception_set_handled(exception, opts.handled));
        if (opts.timestamp) |unix_ms| try check(c.ph_exception_set_timestamp_ms(exception, unix_ms));
        if (opts.fingerprint) |text| try check(c.ph_exception_set_fingerprint(exception, try texts.of(text)));
        for (opts.groups) |it| try check(c.ph_exception_set_group(exception, try texts.of(it.type), try texts.of(it.key)));
        // Without one of these it is the stack of this thread, from the caller on.
        if (opts.at) |at| {
            try check(c.ph_exception_add_frame(exception, at.fn_name, at.file, at.line, at.module, true));
        } else if (opts.error_trace) |trace| {
            const addresses = trace.instruction_addresses[0..@min(trace.index, trace.instruction_addresses.len)];
            try check(c.ph_exception_set_addresses(exception, addresses.ptr, addresses.len));
        } else {
            try check(c.ph_exception_set_stack(exception, true, 1));
        }
        try check(c.ph_exception_set_properties(exception, props));
        const id: ?c.Text = if (opts.nobody) null else try texts.of(opts.distinct_id);
        return check(c.ph_capture_exception(self.handle, id, exception));
    }

    /// What the program did, for the exceptions that come after.
    pub fn addStep(self: *PostHogClient, message: []const u8, properties: ?types.Properties) CaptureError!void {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        const props = if (properties) |it| try map.filledFrom(it, self.allocator) else null;
        defer if (props) |it| map.give(it);
        return check(c.ph_step_add(self.handle, try texts.of(message), props));
    }

    /// Writes down that the process is about to die, for the next start to report, with the stack of
    /// this thread: for a `pub fn panic`. Allocates nothing and takes no lock, and may be called in a
    /// signal handler. Needs `Config.storage_dir`. The first of a process counts.
    pub noinline fn writeCrashFile(self: *PostHogClient) void {
        _ = self.writeCrash("");
    }

    /// The same with a message; false where nothing was written.
    pub noinline fn writeCrash(self: *PostHogClient, message: []const u8) bool {
        return c.ph_crash_write(self.handle, message.ptr, message.len) == .ok;
    }

    /// Who a crash report will be of; `null` for nobody.
    pub fn setCrashDistinctId(self: *PostHogClient, distinct_id: ?[]const u8) CaptureError!void {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        const id: ?c.Text = if (distinct_id) |id| try texts.of(id) else null;
        return check(c.ph_crash_set_distinct_id(self.handle, id));
    }

    /// Gives the calling thread a stack on which a crash can be written down when it has used up its
    /// own.
    pub fn attachCrashThread(self: *PostHogClient) CaptureError!void {
        return check(c.ph_crash_thread_attach(self.handle));
    }

    /// Says that the person known as `distinct_id` is also known as `other`.
    pub fn alias(self: *PostHogClient, distinct_id: []const u8, other: []const u8) CaptureError!void {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        return check(c.ph_alias(self.handle, try texts.of(distinct_id), try texts.of(other)));
    }

    /// Sets properties that each later event has, unless it sets the same key itself.
    pub fn register(self: *PostHogClient, properties: types.Properties) CaptureError!void {
        const props = try map.filledFrom(properties, self.allocator);
        defer map.give(props);
        return check(c.ph_register(self.handle, props));
    }

    /// The same for those that are not set yet.
    pub fn registerOnce(self: *PostHogClient, properties: types.Properties) CaptureError!void {
        const props = try map.filledFrom(properties, self.allocator);
        defer map.give(props);
        return check(c.ph_register_once(self.handle, props));
    }

    pub fn unregister(self: *PostHogClient, key: []const u8) CaptureError!void {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        return check(c.ph_unregister(self.handle, try texts.of(key)));
    }

    /// Whether a flag is on. One request answers for every flag of a distinct id, and is remembered
    /// for `feature_flag_ttl_ms`; a flag that there is none of is false. Fails where nothing was ever
    /// known: a value that was known once holds on.
    pub fn isFeatureEnabled(self: *PostHogClient, flag_key: []const u8, distinct_id: []const u8) FlagError!bool {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        var snapshot = try self.recall(&texts, distinct_id);
        defer snapshot.deinit();
        return snapshot.isEnabled(try texts.of(flag_key), false);
    }

    /// The payload of a flag, as the text of a JSON value; `null` where it has none. From the same
    /// memory. The caller's, to free with the client's allocator.
    pub fn getFeatureFlagPayload(self: *PostHogClient, flag_key: []const u8, distinct_id: []const u8) FlagError!?[]u8 {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        var snapshot = try self.recall(&texts, distinct_id);
        defer snapshot.deinit();
        return try self.allocator.dupe(u8, snapshot.payload(try texts.of(flag_key)) orelse return null);
    }

    fn recall(self: *PostHogClient, texts: *map.Texts, distinct_id: []const u8) FlagError!flags.Flags {
        var snapshot: flags.Flags = .{ .handle = null };
        const status = c.ph_flags_recall(self.handle, try texts.of(distinct_id), null, &snapshot.handle);
        if (status != .ok) return flags.failure(status);
        return snapshot;
    }

    /// The same as `isFeatureEnabled`, and `fallback` where the value is not known. Never fails.
    pub fn flagEnabled(self: *PostHogClient, flag_key: []const u8, distinct_id: []const u8, fallback: bool) bool {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        const key = texts.of(flag_key) catch return fallback;
        const id = texts.of(distinct_id) catch return fallback;
        return c.ph_flag_enabled(self.handle, id, key, null, fallback);
    }

    /// Every flag of a distinct id at this moment, by one request. To be freed with `deinit`.
    pub fn evaluateFlags(self: *PostHogClient, distinct_id: []const u8, opts: flags.EvaluateOptions) FlagError!flags.Flags {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        const context = try self.newContext(&texts, opts);
        defer c.ph_context_free(context);
        var snapshot: flags.Flags = .{ .handle = null };
        const status = c.ph_flags_evaluate(self.handle, try texts.of(distinct_id), context, opts.timeout_ms, &snapshot.handle);
        if (status != .ok) return flags.failure(status);
        return snapshot;
    }

    fn newContext(self: *PostHogClient, texts: *map.Texts, opts: flags.EvaluateOptions) CaptureError!*c.Context {
        const context = c.ph_context_new() orelse return error.OutOfMemory;
        errdefer c.ph_context_free(context);
        for (opts.groups) |it| try check(c.ph_context_set_group(context, try texts.of(it.type), try texts.of(it.key)));
        if (opts.person_properties) |properties| {
            const props = try map.filledFrom(properties, self.allocator);
            defer map.give(props);
            try check(c.ph_context_set_person_properties(context, props));
        }
        for (opts.group_properties) |it| {
            const props = try map.filledFrom(it.properties, self.allocator);
            defer map.give(props);
            try check(c.ph_context_set_group_properties(context, try texts.of(it.type), props));
        }
        if (opts.device_id) |id| try check(c.ph_context_set_device_id(context, try texts.of(id)));
        if (opts.keys) |keys| {
            try check(c.ph_context_limit_flag_keys(context));
            for (keys) |key| try check(c.ph_context_add_flag_key(context, try texts.of(key)));
        }
        return context;
    }

    /// Waits until every event captured before is settled, for `flush_timeout_ms` at most. What is
    /// not delivered by then, nor dropped, is still tried.
    pub fn flush(self: *PostHogClient) types.FlushError!void {
        return switch (c.ph_flush(self.handle, milliseconds(self.config.flush_timeout_ms))) {
            .ok => {},
            .error_no_memory => error.OutOfMemory,
            else => error.NetworkError,
        };
    }

    /// Drops what is queued and sends nothing more, until `optIn`.
    pub fn optOut(self: *PostHogClient) void {
        _ = c.ph_opt_out(self.handle);
    }

    pub fn optIn(self: *PostHogClient) void {
        _ = c.ph_opt_in(self.handle);
    }

    pub fn isOptedOut(self: *PostHogClient) bool {
        return c.ph_is_opted_out(self.handle);
    }

    /// What became of every event since `init`: one consistent moment.
    pub fn ledger(self: *PostHogClient) Ledger {
        var values: [8]u64 = @splat(0);
        _ = c.ph_stats_get(self.handle, &values, values.len);
        return .{
            .accepted = values[@intFromEnum(c.Stat.stat_accepted)],
            .adopted = values[@intFromEnum(c.Stat.stat_adopted)],
            .delivered = values[@intFromEnum(c.Stat.stat_delivered)],
            .queued = values[@intFromEnum(c.Stat.stat_queued)],
            .in_flight = values[@intFromEnum(c.Stat.stat_in_flight)],
            .stored = values[@intFromEnum(c.Stat.stat_stored)],
            .drained = values[@intFromEnum(c.Stat.stat_drained)],
            .dropped = values[@intFromEnum(c.Stat.stat_dropped)],
        };
    }

    /// An event with all that it can carry, to be freed.
    fn whole(self: *PostHogClient, opts: types.CaptureOptions) CaptureError!*c.Event {
        var texts: map.Texts = .init(self.allocator);
        defer texts.deinit();
        const event = try newEvent(try texts.of(opts.distinct_id), try texts.of(opts.event));
        errdefer c.ph_event_free(event);
        const props = try map.filled(opts.properties, opts.json, self.allocator);
        defer map.give(props);
        try check(c.ph_event_set_properties(event, props));
        for (opts.groups) |it| try check(c.ph_event_set_group(event, try texts.of(it.type), try texts.of(it.key)));
        if (opts.set) |set| try self.setPart(event, set, c.ph_event_set_person_properties);
        if (opts.set_once) |once| try self.setPart(event, once, c.ph_event_set_person_properties_once);
        if (opts.time) |time| try check(c.ph_event_set_timestamp(event, try texts.of(time)));
        if (opts.uuid) |uuid| try check(c.ph_event_set_uuid(event, try texts.of(uuid)));
        if (opts.process_person_profile) |process| try check(c.ph_event_set_process_person_profile(event, process));
        if (opts.options) |it| try self.setPart(event, it, c.ph_event_set_options);
        if (opts.flags) |it| if (it.handle) |evaluated| try check(c.ph_event_set_flags(event, evaluated));
        if (opts.timestamp) |unix_ms| try check(c.ph_event_set_timestamp_ms(event, unix_ms));
        return event;
    }

    fn setPart(self: *PostHogClient, event: *c.Event, properties: types.Properties, setter: anytype) CaptureError!void {
        const props = try map.filledFrom(properties, self.allocator);
        defer map.give(props);
        return check(setter(event, props));
    }

    fn finish(self: *PostHogClient, event: *c.Event, timestamp: i64) CaptureError!void {
        try check(c.ph_event_set_timestamp_ms(event, timestamp));
        return check(c.ph_capture_event(self.handle, event, null));
    }
};

/// accepted + adopted = delivered + queued + in_flight + stored + drained + dropped
pub const Ledger = struct {
    accepted: u64,
    adopted: u64,
    delivered: u64,
    queued: u64,
    in_flight: u64,
    stored: u64,
    drained: u64,
    dropped: u64,

    pub fn balances(self: Ledger) bool {
        return self.accepted + self.adopted ==
            self.delivered + self.queued + self.in_flight + self.stored + self.drained + self.dropped;
    }
};

fn newEvent(distinct_id: c.Text, name: c.Text) CaptureError!*c.Event {
    var event: ?*c.Event = null;
    try check(c.ph_event_new(distinct_id, name, &event));
    return event.?;
}

fn beforeSend(userdata: ?*anyopaque, event: *c.Event) callconv(.c) i32 {
    const self: *PostHogClient = @ptrCast(@alignCast(userdata.?));
    var outgoing: Outgoing = .{ .handle = event, .allocator = self.allocator };
    return @intFromBool(!self.config.before_send.?(&outgoing));
}

/// As the library has them: the longest is without a limit.
fn milliseconds(value: u64) u32 {
    return @intCast(@min(value, c.PH_FOREVER));
}

/// The fate of an event that was waited for.
fn settled(status: c.Status) types.NowError!void {
    return switch (status) {
        .error_timeout, .error_lost, .error_rejected, .error_thread, .error_queue_full => error.NetworkError,
        else => check(status),
    };
}

/// Whether it says more than the short form of the library can.
fn needsEvent(opts: types.CaptureOptions) bool {
    return opts.timestamp != null or opts.groups.len != 0 or opts.set != null or opts.set_once != null or
        opts.options != null or opts.uuid != null or opts.time != null or opts.process_person_profile != null or opts.flags != null;
}
