//! From `Config` to the library's options.

const std = @import("std");
const c = @import("c.zig");
const map = @import("map.zig");
const types = @import("types.zig");

const log = std.log.scoped(.posthog);

/// The options of a client, to be freed with `ph_config_free`. `before_send` is the client's own.
pub fn options(config: types.Config, allocator: std.mem.Allocator) types.InitError!*c.Config {
    var texts: map.Texts = .init(allocator);
    defer texts.deinit();
    const it = c.ph_config_new(try text(&texts, config.api_key)) orelse return error.OutOfMemory;
    errdefer c.ph_config_free(it);

    try check(config, "host", c.ph_config_set_host(it, try text(&texts, config.host)));
    try check(config, "the library's name", c.ph_config_set_library(it, types.lib_name, types.version));
    if (config.secret_key) |key| try check(config, "secret_key", c.ph_config_set_secret_key(it, try text(&texts, key)));
    if (config.environment) |name| try check(config, "environment", c.ph_config_set_environment(it, try text(&texts, name)));
    if (config.storage_dir) |path| try check(config, "storage_dir", c.ph_config_set_storage_dir(it, try text(&texts, path)));
    if (config.storage_sync) try check(config, "storage_sync", c.ph_config_set_storage_sync(it, true));
    if (config.crash_handler) try check(config, "crash_handler", c.ph_config_set_crash_handler(it, true));
    for (config.group_indices) |group|
        try check(config, "group_indices", c.ph_config_set_group_index(it, try text(&texts, group.type), group.index));
    for (config.denied_properties) |key|
        try check(config, "denied_properties", c.ph_config_deny_property(it, try text(&texts, key)));

    try check(config, "disabled", c.ph_config_set_disabled(it, config.disabled));
    try check(config, "is_server", c.ph_config_set_is_server(it, config.is_server));
    if (config.geoip_disable) |disable| try check(config, "geoip_disable", c.ph_config_set_geoip_disable(it, disable));
    try check(config, "historical_migration", c.ph_config_set_historical_migration(it, config.historical_migration));
    try check(config, "capture_only", c.ph_config_set_capture_only(it, config.capture_only));
    if (config.deterministic) |run|
        try check(config, "deterministic", c.ph_config_set_deterministic(it, run.unix_ms, run.seed));
    try numbers(config, it);
    try callbacks(config, it);
    if (config.configure) |configure| try check(config, "configure", configure(it));
    return it;
}

fn numbers(config: types.Config, it: *c.Config) types.InitError!void {
    const day_ms = std.time.ms_per_day;
    try check(config, "flush_at", c.ph_config_set_flush_at(it, near(config.flush_at, 1, 1_000_000)));
    try check(config, "flush_interval_ms", c.ph_config_set_flush_interval_ms(it, near(config.flush_interval_ms, 1, day_ms)));
    try check(config, "max_queue_size", c.ph_config_set_queue_max_events(it, near(config.max_queue_size, 1, 10_000_000)));
    try check(config, "max_queue_bytes", c.ph_config_set_queue_max_bytes(it, std.math.clamp(config.max_queue_bytes, 1024, 4 << 30)));
    try check(config, "batch_max_events", c.ph_config_set_batch_max_events(it, near(config.batch_max_events, 1, 100_000)));
    try check(config, "batch_max_bytes", c.ph_config_set_batch_max_bytes(it, std.math.clamp(config.batch_max_bytes, 1024, 16 << 20)));
    if (config.storage_max_bytes != 0)
        try check(config, "storage_max_bytes", c.ph_config_set_storage_max_bytes(it, std.math.clamp(config.storage_max_bytes, 1 << 20, 64 << 30)));
    if (config.storage_max_age_ms != 0)
        try check(config, "storage_max_age_ms", c.ph_config_set_storage_max_age_ms(it, @min(config.storage_max_age_ms, 365 * day_ms)));
    // To the library 0 is no limit.
    const retries = if (config.max_retries == 0) c.PH_NEVER else @min(config.max_retries, c.PH_NEVER - 1);
    try check(config, "max_retries", c.ph_config_set_max_retries(it, retries));
    try check(config, "request_timeout_ms", c.ph_config_set_request_timeout_ms(it, near(config.request_timeout_ms, 1, 600_000)));
    try check(config, "feature_flag_ttl_ms", c.ph_config_set_flags_ttl_ms(it, near(config.feature_flag_ttl_ms, 1, day_ms)));
    try check(config, "feature_flag_timeout_ms", c.ph_config_set_flags_timeout_ms(it, near(config.feature_flag_timeout_ms, 0, 600_000)));
    const overflow: c.Overflow = switch (config.overflow) {
        .drop_newest => .overflow_drop_newest,
        .drop_oldest => .overflow_drop_oldest,
    };
    try check(config, "overflow", c.ph_config_set_overflow(it, @intFromEnum(overflow), 0));
    const protocol: c.Protocol = switch (config.protocol) {
        .auto => .protocol_auto,
        .v0 => .protocol_v0,
        .v1 => .protocol_v1,
    };
    try check(config, "protocol", c.ph_config_set_protocol(it, @intFromEnum(protocol)));
}

fn callbacks(config: types.Config, it: *c.Config) types.InitError!void {
    if (config.enable_logging) try check(config, "logging", c.ph_config_set_log(it, onLog, null, null));
    const told = config.on_deliver orelse return;
    // The function itself is the userdata: there is nothing to free.
    try check(config, "on_deliver", c.ph_config_set_delivery(it, onDeliver, @ptrCast(@constCast(told)), null));
}

fn near(value: u64, least: u32, most: u32) u32 {
    return @intCast(std.math.clamp(value, least, most));
}

fn text(texts: *map.Texts, value: []const u8) types.InitError![:0]const u8 {
    return texts.of(value) catch |failure| switch (failure) {
        error.OutOfMemory => error.OutOfMemory,
        error.WriteFailed => error.Unexpected,
    };
}

fn check(config: types.Config, what: []const u8, status: c.Status) types.InitError!void {
    if (status == .ok) return;
    if (status == .error_no_memory) return error.OutOfMemory;
    if (config.enable_logging) log.warn("[posthog] {s}: {s}", .{ what, c.ph_status_text(@intFromEnum(status)) });
    return error.Unexpected;
}

fn onLog(_: ?*anyopaque, level: i32, message: c.Text) callconv(.c) void {
    switch (@as(c.LogLevel, @enumFromInt(level))) {
        .log_error => log.err("[posthog] {s}", .{message}),
        .log_warn => log.warn("[posthog] {s}", .{message}),
        .log_info => log.info("[posthog] {s}", .{message}),
        else => log.debug("[posthog] {s}", .{message}),
    }
}

fn onDeliver(userdata: ?*anyopaque, delivery: i32, events: usize) callconv(.c) void {
    const told: *const fn (types.DeliveryStatus, usize) void = @ptrCast(@alignCast(userdata.?));
    told(switch (@as(c.Delivery, @enumFromInt(delivery))) {
        .delivery_delivered => .delivered,
        .delivery_failed => .failed,
        else => .dropped,
    }, events);
}
