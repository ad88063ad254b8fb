//! The C API, all of it, declared by hand: `include/posthog.h` is its manual. tests/header.zig
//! compares each line with the header. What the rest of this package does not wrap can be called from
//! here, with `PostHogClient.handle`, and with what `Config.configure` is given.

pub const Client = opaque {};
pub const Config = opaque {};
pub const Context = opaque {};
pub const Definitions = opaque {};
pub const Event = opaque {};
pub const Exception = opaque {};
pub const Flags = opaque {};
pub const Props = opaque {};
pub const Report = opaque {};
pub const Response = opaque {};

/// `ph_status`: the fate of a call. Later versions may add some.
pub const Status = enum(c_int) {
    ok = 0,
    error_null = -1,
    error_utf8 = -2,
    error_empty = -3,
    error_json = -4,
    error_depth = -5,
    error_range = -6,
    error_host = -7,
    error_uuid = -8,
    error_timestamp = -9,
    error_too_large = -10,
    error_queue_full = -11,
    error_filtered = -12,
    error_shutdown = -13,
    error_reentrant = -14,
    error_timeout = -15,
    error_lost = -16,
    error_no_memory = -17,
    error_network = -18,
    error_server = -19,
    error_thread = -20,
    error_panic = -21,
    error_suppressed = -22,
    error_unsupported = -23,
    error_file = -24,
    error_rejected = -25,
    _,
};

/// `ph_flag_source`. C makes an enum without negative numbers unsigned.
pub const FlagSource = enum(c_uint) {
    flag_source_unknown = 0,
    flag_source_remote = 1,
    flag_source_local = 2,
    flag_source_stale = 3,
    flag_source_override = 4,
    flag_source_default = 5,
    _,
};

/// `ph_stat`: what each number of `ph_stats_get` counts. Those that this package reads.
pub const Stat = enum(c_int) {
    stat_accepted = 0,
    stat_adopted = 1,
    stat_delivered = 2,
    stat_queued = 3,
    stat_in_flight = 4,
    stat_stored = 5,
    stat_drained = 6,
    stat_dropped = 7,
    stat_dropped_overflow = 8,
    stat_refused_queue_full = 31,
};

/// `ph_overflow`.
pub const Overflow = enum(c_int) {
    overflow_drop_newest = 0,
    overflow_drop_oldest = 1,
    overflow_block = 2,
};

/// `ph_protocol`.
pub const Protocol = enum(c_int) {
    protocol_auto = 0,
    protocol_v0 = 1,
    protocol_v1 = 2,
};

/// `ph_level`.
pub const Level = enum(c_int) {
    level_fatal = 0,
    level_error = 1,
    level_warning = 2,
    level_log = 3,
    level_info = 4,
    level_debug = 5,
};

/// `ph_log_level`.
pub const LogLevel = enum(c_int) {
    log_debug = 0,
    log_info = 1,
    log_warn = 2,
    log_error = 3,
    _,
};

/// `ph_delivery`.
pub const Delivery = enum(c_int) {
    delivery_delivered = 0,
    delivery_failed = 1,
    delivery_dropped = 2,
    _,
};

pub const PH_NO_WAIT: u32 = 0;
pub const PH_FOREVER: u32 = 0xFFFF_FFFF;
pub const PH_NEVER: u32 = 0xFFFF_FFFF;
pub const PH_UUID_SIZE = 37;

pub const Text = [*:0]const u8;
pub const Bytes = [*]const u8;
pub const UserdataFree = *const fn (userdata: ?*anyopaque) callconv(.c) void;
pub const Log = *const fn (userdata: ?*anyopaque, level: i32, message: Text) callconv(.c) void;
pub const BeforeSend = *const fn (userdata: ?*anyopaque, event: *Event) callconv(.c) i32;
pub const DeliveryFn = *const fn (userdata: ?*anyopaque, delivery: i32, events: usize) callconv(.c) void;

pub const ErrorFn = *const fn (userdata: ?*anyopaque, report: *const Report) callconv(.c) void;
/// `headers` are names and values in turn, with a null at the end.
pub const Transport = *const fn (userdata: ?*anyopaque, method: Text, url: Text, headers: [*]const ?Text, body: ?Bytes, body_len: usize, timeout_ms: u32, response: *Response) callconv(.c) i32;
pub const DefinitionsGet = *const fn (userdata: ?*anyopaque, definitions: *Definitions) callconv(.c) i32;
pub const DefinitionsPut = *const fn (userdata: ?*anyopaque, json: Bytes, json_len: usize) callconv(.c) i32;

pub extern fn ph_version() Text;
pub extern fn ph_status_text(status: i32) Text;
pub extern fn ph_string_free(string: ?[*:0]u8) void;

pub extern fn ph_config_new(api_key: ?Text) ?*Config;
pub extern fn ph_config_from_env() ?*Config;
pub extern fn ph_config_free(config: ?*Config) void;
pub extern fn ph_config_set_host(config: *Config, host: Text) Status;
pub extern fn ph_config_set_secret_key(config: *Config, secret_key: ?Text) Status;
pub extern fn ph_config_set_disabled(config: *Config, disabled: bool) Status;
pub extern fn ph_config_set_environment(config: *Config, environment: ?Text) Status;
pub extern fn ph_config_set_library(config: *Config, name: Text, version: Text) Status;
pub extern fn ph_config_set_is_server(config: *Config, is_server: bool) Status;
pub extern fn ph_config_set_geoip_disable(config: *Config, disable: bool) Status;
pub extern fn ph_config_set_group_index(config: *Config, group_type: Text, index: u32) Status;
pub extern fn ph_config_deny_property(config: *Config, key: Text) Status;
pub extern fn ph_config_set_flush_at(config: *Config, events: u32) Status;
pub extern fn ph_config_set_flush_interval_ms(config: *Config, interval_ms: u32) Status;
pub extern fn ph_config_set_batch_max_events(config: *Config, events: u32) Status;
pub extern fn ph_config_set_batch_max_bytes(config: *Config, bytes: u64) Status;
pub extern fn ph_config_set_queue_max_events(config: *Config, events: u32) Status;
pub extern fn ph_config_set_queue_max_bytes(config: *Config, bytes: u64) Status;
pub extern fn ph_config_set_max_retries(config: *Config, max_retries: u32) Status;
pub extern fn ph_config_set_protocol(config: *Config, protocol: i32) Status;
pub extern fn ph_config_set_historical_migration(config: *Config, historical: bool) Status;
pub extern fn ph_config_set_capture_only(config: *Config, capture_only: bool) Status;
pub extern fn ph_config_set_deterministic(config: *Config, unix_ms: i64, seed: u64) Status;
pub extern fn ph_config_set_overflow(config: *Config, overflow: i32, block_ms: u32) Status;
pub extern fn ph_config_set_request_timeout_ms(config: *Config, timeout_ms: u32) Status;
pub extern fn ph_config_set_flags_ttl_ms(config: *Config, ttl_ms: u32) Status;
pub extern fn ph_config_set_flags_timeout_ms(config: *Config, timeout_ms: u32) Status;
pub extern fn ph_config_set_log(config: *Config, log: ?Log, userdata: ?*anyopaque, userdata_free: ?UserdataFree) Status;
pub extern fn ph_config_add_before_send(config: *Config, before_send: BeforeSend, userdata: ?*anyopaque, userdata_free: ?UserdataFree) Status;
pub extern fn ph_config_set_delivery(config: *Config, delivery: ?DeliveryFn, userdata: ?*anyopaque, userdata_free: ?UserdataFree) Status;
pub extern fn ph_config_set_debug(config: *Config, debug: bool) Status;
pub extern fn ph_config_set_compression(config: *Config, compression: i32) Status;
pub extern fn ph_config_set_event_max_bytes(config: *Config, bytes: u64) Status;
pub extern fn ph_config_set_connect_timeout_ms(config: *Config, timeout_ms: u32) Status;
pub extern fn ph_config_set_max_age_ms(config: *Config, age_ms: u64) Status;
pub extern fn ph_config_set_retry_base_ms(config: *Config, wait_ms: u32) Status;
pub extern fn ph_config_set_retry_cap_ms(config: *Config, wait_ms: u32) Status;
pub extern fn ph_config_set_flags_max_identities(config: *Config, identities: u32) Status;
pub extern fn ph_config_set_local_evaluation(config: *Config, local_evaluation: bool) Status;
pub extern fn ph_config_set_flags_local_only(config: *Config, local_only: bool) Status;
pub extern fn ph_config_set_flags_bootstrap(config: *Config, json: ?Text) Status;
pub extern fn ph_config_set_flag_events(config: *Config, flag_events: bool) Status;
pub extern fn ph_config_set_definitions_poll_ms(config: *Config, poll_ms: u32) Status;
pub extern fn ph_config_set_definitions_cache(config: *Config, get: DefinitionsGet, put: DefinitionsPut, userdata: ?*anyopaque, userdata_free: ?UserdataFree) Status;
pub extern fn ph_config_set_proxy(config: *Config, url: ?Text) Status;
pub extern fn ph_config_set_ca_file(config: *Config, path: ?Text) Status;
pub extern fn ph_config_add_header(config: *Config, name: Text, value: Text) Status;
pub extern fn ph_config_set_on_error(config: *Config, on_error: ?ErrorFn, userdata: ?*anyopaque, userdata_free: ?UserdataFree) Status;
pub extern fn ph_config_set_in_app(config: *Config, prefix: Text, in_app: bool) Status;
pub extern fn ph_config_set_release(config: *Config, release_id: ?Text) Status;
pub extern fn ph_config_set_exception_limit(config: *Config, burst: u32, interval_ms: u32) Status;
pub extern fn ph_config_set_transport(config: *Config, transport: ?Transport, userdata: ?*anyopaque, userdata_free: ?UserdataFree) Status;

pub extern fn ph_init(config: *const Config, client_out: *?*Client) Status;
pub extern fn ph_client_start(client: ?*const Client) Status;
pub extern fn ph_client_free(client: ?*Client) void;
pub extern fn ph_flush(client: ?*const Client, timeout_ms: u32) Status;
pub extern fn ph_shutdown(client: ?*const Client, timeout_ms: u32) Status;
pub extern fn ph_opt_out(client: ?*const Client) Status;
pub extern fn ph_opt_in(client: ?*const Client) Status;
pub extern fn ph_is_opted_out(client: ?*const Client) bool;
pub extern fn ph_stats_get(client: ?*const Client, values: ?[*]u64, count: usize) usize;
pub extern fn ph_queue_drain(client: ?*const Client, max_events: usize, json_out: *?[*:0]u8) Status;

pub extern fn ph_capture_n(client: ?*const Client, distinct_id: Bytes, distinct_id_len: usize, event: Bytes, event_len: usize, props: ?*const Props) Status;
pub extern fn ph_capture_event(client: ?*const Client, event: *const Event, uuid_out: ?[*]u8) Status;
pub extern fn ph_capture_ai(client: ?*const Client, event: *const Event, uuid_out: ?[*]u8) Status;
pub extern fn ph_capture_immediate(client: ?*const Client, event: *const Event, timeout_ms: u32, uuid_out: ?[*]u8) Status;
pub extern fn ph_capture_ai_immediate(client: ?*const Client, event: *const Event, timeout_ms: u32, uuid_out: ?[*]u8) Status;
pub extern fn ph_capture_exception(client: ?*const Client, distinct_id: ?Text, exception: *const Exception) Status;
pub extern fn ph_capture(client: ?*const Client, distinct_id: Text, event: Text, props: ?*const Props) Status;
pub extern fn ph_capture_json(client: ?*const Client, distinct_id: Bytes, distinct_id_len: usize, event: Bytes, event_len: usize, properties: ?Bytes, properties_len: usize) Status;
pub extern fn ph_identify(client: ?*const Client, distinct_id: Text, set: ?*const Props, set_once: ?*const Props) Status;
pub extern fn ph_alias(client: ?*const Client, distinct_id: Text, alias: Text) Status;
pub extern fn ph_group_identify(client: ?*const Client, distinct_id: ?Text, group_type: Text, group_key: Text, props: ?*const Props) Status;
pub extern fn ph_register(client: ?*const Client, props: *const Props) Status;
pub extern fn ph_register_once(client: ?*const Client, props: *const Props) Status;
pub extern fn ph_unregister(client: ?*const Client, key: Text) Status;

pub extern fn ph_props_new() ?*Props;
pub extern fn ph_props_free(props: ?*Props) void;
pub extern fn ph_props_clear(props: *Props) Status;
pub extern fn ph_props_set_str_n(props: *Props, key: Bytes, key_len: usize, value: Bytes, value_len: usize) Status;
pub extern fn ph_props_set_int(props: *Props, key: Text, value: i64) Status;
pub extern fn ph_props_set_double(props: *Props, key: Text, value: f64) Status;
pub extern fn ph_props_set_bool(props: *Props, key: Text, value: bool) Status;
pub extern fn ph_props_set_object(props: *Props, key: Text, value: *const Props) Status;
pub extern fn ph_props_set_json(props: *Props, key: Text, json: Text) Status;
pub extern fn ph_props_set_members(props: *Props, json: Bytes, len: usize) Status;
pub extern fn ph_props_set_str(props: *Props, key: Text, value: Text) Status;
pub extern fn ph_props_set_uint(props: *Props, key: Text, value: u64) Status;
pub extern fn ph_props_set_null(props: *Props, key: Text) Status;
pub extern fn ph_props_remove(props: *Props, key: Text) Status;

pub extern fn ph_event_new(distinct_id: Text, name: Text, event_out: *?*Event) Status;
pub extern fn ph_event_free(event: ?*Event) void;
pub extern fn ph_event_set_name(event: *Event, name: Text) Status;
pub extern fn ph_event_set_distinct_id(event: *Event, distinct_id: Text) Status;
pub extern fn ph_event_set_uuid(event: *Event, uuid: Text) Status;
pub extern fn ph_event_set_timestamp(event: *Event, rfc3339: Text) Status;
pub extern fn ph_event_set_timestamp_ms(event: *Event, unix_ms: i64) Status;
pub extern fn ph_event_set_group(event: *Event, group_type: Text, group_key: Text) Status;
pub extern fn ph_event_set_properties(event: *Event, props: *const Props) Status;
pub extern fn ph_event_remove_property(event: *Event, key: Text) Status;
pub extern fn ph_event_set_person_properties(event: *Event, props: *const Props) Status;
pub extern fn ph_event_set_person_properties_once(event: *Event, props: *const Props) Status;
pub extern fn ph_event_set_process_person_profile(event: *Event, process: bool) Status;
pub extern fn ph_event_set_options(event: *Event, options: *const Props) Status;
pub extern fn ph_event_set_flags(event: *Event, flags: *const Flags) Status;
pub extern fn ph_event_get_name(event: *Event) ?Text;
pub extern fn ph_event_get_distinct_id(event: *Event) ?Text;
pub extern fn ph_event_get_properties(event: *Event) ?Text;
pub extern fn ph_event_get_property(event: *Event, key: Text) ?Text;
pub extern fn ph_event_new_json(distinct_id: Bytes, distinct_id_len: usize, name: Bytes, name_len: usize, details: ?Bytes, details_len: usize, event_out: *?*Event) Status;
pub extern fn ph_event_set_cookieless_mode(event: *Event, cookieless: bool) Status;
pub extern fn ph_event_set_disable_skew_correction(event: *Event, disable: bool) Status;
pub extern fn ph_event_set_product_tour_id(event: *Event, tour_id: Text) Status;

pub extern fn ph_config_set_storage_dir(config: *Config, path: ?Text) Status;
pub extern fn ph_config_set_storage_max_bytes(config: *Config, bytes: u64) Status;
pub extern fn ph_config_set_storage_max_age_ms(config: *Config, age_ms: u64) Status;
pub extern fn ph_config_set_storage_sync(config: *Config, enabled: bool) Status;
pub extern fn ph_config_set_crash_handler(config: *Config, enabled: bool) Status;
pub extern fn ph_crash_thread_attach(client: ?*const Client) Status;
pub extern fn ph_crash_set_distinct_id(client: ?*const Client, distinct_id: ?Text) Status;
pub extern fn ph_crash_write(client: ?*const Client, message: ?Bytes, len: usize) Status;
pub extern fn ph_step_add(client: ?*const Client, message: Text, props: ?*const Props) Status;
pub extern fn ph_exception_new(kind: Text, message: Text, exception_out: *?*Exception) Status;
pub extern fn ph_exception_free(exception: ?*Exception) void;
pub extern fn ph_exception_set_level(exception: *Exception, level: i32) Status;
pub extern fn ph_exception_set_handled(exception: *Exception, handled: bool) Status;
pub extern fn ph_exception_set_fingerprint(exception: *Exception, fingerprint: Text) Status;
pub extern fn ph_exception_set_group(exception: *Exception, group_type: Text, key: Text) Status;
pub extern fn ph_exception_set_addresses(exception: *Exception, addresses: [*]const usize, count: usize) Status;
pub extern fn ph_exception_set_stack(exception: *Exception, taken: bool, skip: u32) Status;
pub extern fn ph_exception_add_frame(exception: *Exception, function: ?Text, file: ?Text, line: u32, module: ?Text, in_app: bool) Status;
pub extern fn ph_exception_set_timestamp_ms(exception: *Exception, unix_ms: i64) Status;
pub extern fn ph_exception_set_properties(exception: *Exception, props: *const Props) Status;
pub extern fn ph_exception_new_json(json: Bytes, len: usize, exception_out: *?*Exception) Status;
pub extern fn ph_exception_set_synthetic(exception: *Exception, synthetic: bool) Status;
pub extern fn ph_exception_set_mechanism(exception: *Exception, mechanism: Text) Status;
pub extern fn ph_exception_set_source(exception: *Exception, source: Text) Status;
pub extern fn ph_exception_set_trace(exception: *Exception, trace_id: Text, span_id: Text) Status;
pub extern fn ph_exception_set_uuid(exception: *Exception, uuid: Text) Status;
pub extern fn ph_exception_set_frames(exception: *Exception, json: Bytes, len: usize) Status;
pub extern fn ph_exception_add_cause(exception: *Exception, cause: *const Exception, source: ?Text) Status;

pub extern fn ph_context_new() ?*Context;
pub extern fn ph_context_free(context: ?*Context) void;
pub extern fn ph_context_set_group(context: *Context, group_type: Text, group_key: Text) Status;
pub extern fn ph_context_set_person_properties(context: *Context, props: *const Props) Status;
pub extern fn ph_context_set_group_properties(context: *Context, group_type: Text, props: *const Props) Status;
pub extern fn ph_context_set_device_id(context: *Context, device_id: Text) Status;
pub extern fn ph_context_add_flag_key(context: *Context, key: Text) Status;
pub extern fn ph_context_limit_flag_keys(context: *Context) Status;
pub extern fn ph_context_new_json(json: Bytes, len: usize, context_out: *?*Context) Status;
pub extern fn ph_context_add_evaluation_context(context: *Context, name: Text) Status;
pub extern fn ph_context_set_geoip_disable(context: *Context, disable: bool) Status;
pub extern fn ph_context_set_local_only(context: *Context, local_only: bool) Status;
pub extern fn ph_context_set_flag_events(context: *Context, flag_events: bool) Status;

pub extern fn ph_flags_evaluate(client: ?*const Client, distinct_id: Text, context: ?*const Context, timeout_ms: u32, flags_out: *?*Flags) Status;
pub extern fn ph_flags_recall(client: ?*const Client, distinct_id: Text, context: ?*const Context, flags_out: *?*Flags) Status;
pub extern fn ph_flags_free(flags: ?*Flags) void;
pub extern fn ph_flags_is_enabled(flags: ?*const Flags, key: Text, fallback: bool) bool;
pub extern fn ph_flags_is_known(flags: ?*const Flags, key: Text) bool;
pub extern fn ph_flags_get_variant(flags: ?*const Flags, key: Text) ?Text;
pub extern fn ph_flags_get_payload(flags: ?*const Flags, key: Text) ?Text;
pub extern fn ph_flags_get_reason(flags: ?*const Flags, key: Text) ?Text;
pub extern fn ph_flags_get_count(flags: ?*const Flags) usize;
pub extern fn ph_flags_get_key(flags: ?*const Flags, index: usize) ?Text;
pub extern fn ph_flags_wait_ready(client: ?*const Client, timeout_ms: u32) Status;
pub extern fn ph_flags_refresh(client: ?*const Client, timeout_ms: u32) Status;
pub extern fn ph_flags_override(client: ?*const Client, json: ?Text) Status;
pub extern fn ph_flag_explain(client: ?*const Client, distinct_id: Text, key: Text, context: ?*const Context, format: i32, text_out: *?[*:0]u8) Status;
pub extern fn ph_flags_evaluate_n(client: ?*const Client, distinct_id: Bytes, distinct_id_len: usize, context: ?*const Context, timeout_ms: u32, flags_out: *?*Flags) Status;
pub extern fn ph_flag_enabled_n(client: ?*const Client, distinct_id: Bytes, distinct_id_len: usize, key: Bytes, key_len: usize, context: ?*const Context, fallback: bool) bool;
pub extern fn ph_flags_set_person_properties(client: ?*const Client, distinct_id: Text, props: *const Props) Status;
pub extern fn ph_flags_set_group_properties(client: ?*const Client, group_type: Text, group_key: Text, props: *const Props) Status;
pub extern fn ph_flags_reset_person_properties(client: ?*const Client, distinct_id: ?Text) Status;
pub extern fn ph_flags_reset_group_properties(client: ?*const Client, group_type: ?Text, group_key: ?Text) Status;
pub extern fn ph_flags_get_source(flags: ?*const Flags, key: Text) FlagSource;
pub extern fn ph_flags_get_age_ms(flags: ?*const Flags, key: Text) i64;
pub extern fn ph_flags_get_id(flags: ?*const Flags, key: Text) i64;
pub extern fn ph_flags_get_version(flags: ?*const Flags, key: Text) i64;
pub extern fn ph_flags_get_request_id(flags: ?*const Flags) ?Text;
pub extern fn ph_flags_get_unknown_key(flags: ?*const Flags, index: usize) ?Text;
pub extern fn ph_flags_only_accessed(flags: ?*const Flags, flags_out: *?*Flags) Status;
pub extern fn ph_flags_only(flags: ?*const Flags, keys: [*]const Text, count: usize, flags_out: *?*Flags) Status;
pub extern fn ph_flag_enabled(client: ?*const Client, distinct_id: Text, key: Text, context: ?*const Context, fallback: bool) bool;

pub extern fn ph_definitions_load(client: ?*const Client, json: Bytes, json_len: usize) Status;
pub extern fn ph_definitions_load_file(client: ?*const Client, path: Text) Status;
pub extern fn ph_definitions_save(client: ?*const Client, json_out: *?[*:0]u8) Status;
pub extern fn ph_definitions_save_file(client: ?*const Client, path: Text) Status;
pub extern fn ph_definitions_set(definitions: *Definitions, json: Bytes, json_len: usize) Status;

pub extern fn ph_error_next(client: ?*const Client) ?*Report;
pub extern fn ph_report_free(report: ?*Report) void;
pub extern fn ph_report_get(report: ?*const Report, field: i32) i64;
pub extern fn ph_report_get_host(report: ?*const Report) ?Text;
pub extern fn ph_report_get_message(report: ?*const Report) ?Text;

pub extern fn ph_response_set_status(response: *Response, status: u32) Status;
pub extern fn ph_response_add_header(response: *Response, name: Text, value: Text) Status;
pub extern fn ph_response_append_body(response: *Response, data: ?Bytes, len: usize) Status;
