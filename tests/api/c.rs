//! The C API as a C program sees it: prototypes written by hand, opaque types, `char` pointers.
//!
//! Nothing of the library's Rust is named in these tests, so that every call crosses the real
//! ABI. The prototypes are declared `safe` because a test is a C program here: as in C, it is the
//! caller who sees to it that a pointer is good.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;

// Links the library, and nothing else.
use posthog as _;

macro_rules! opaque {
    ($($name:ident),*) => { $(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )* };
}

opaque!(
    ph_client,
    ph_config,
    ph_context,
    ph_definitions,
    ph_event,
    ph_exception,
    ph_flags,
    ph_props,
    ph_report,
    ph_response
);

/// `ph_status`, which C passes as an `int`.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub i32);

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: the text is static and NUL-terminated.
        let text = unsafe { CStr::from_ptr(ph_status_text(self.0)) };
        write!(f, "{} ({})", self.0, text.to_string_lossy())
    }
}

pub const PH_NO_WAIT: u32 = 0;
pub const PH_FOREVER: u32 = u32::MAX;
pub const PH_NEVER: u32 = u32::MAX;
pub const PH_UUID_SIZE: usize = 37;

pub const PH_FLAG_SOURCE_UNKNOWN: i32 = 0;
pub const PH_FLAG_SOURCE_REMOTE: i32 = 1;
pub const PH_FLAG_SOURCE_STALE: i32 = 3;

pub const PH_OK: Status = Status(0);
pub const PH_ERROR_NULL: Status = Status(-1);
pub const PH_ERROR_UTF8: Status = Status(-2);
pub const PH_ERROR_EMPTY: Status = Status(-3);
pub const PH_ERROR_JSON: Status = Status(-4);
pub const PH_ERROR_DEPTH: Status = Status(-5);
pub const PH_ERROR_RANGE: Status = Status(-6);
pub const PH_ERROR_HOST: Status = Status(-7);
pub const PH_ERROR_UUID: Status = Status(-8);
pub const PH_ERROR_TIMESTAMP: Status = Status(-9);
pub const PH_ERROR_TOO_LARGE: Status = Status(-10);
pub const PH_ERROR_QUEUE_FULL: Status = Status(-11);
pub const PH_ERROR_FILTERED: Status = Status(-12);
pub const PH_ERROR_SHUTDOWN: Status = Status(-13);
pub const PH_ERROR_REENTRANT: Status = Status(-14);
pub const PH_ERROR_TIMEOUT: Status = Status(-15);
pub const PH_ERROR_LOST: Status = Status(-16);
pub const PH_ERROR_NETWORK: Status = Status(-18);
pub const PH_ERROR_SERVER: Status = Status(-19);
pub const PH_ERROR_SUPPRESSED: Status = Status(-22);
pub const PH_ERROR_UNSUPPORTED: Status = Status(-23);
pub const PH_ERROR_FILE: Status = Status(-24);
pub const PH_ERROR_REJECTED: Status = Status(-25);

pub const PH_OVERFLOW_DROP_NEWEST: i32 = 0;
pub const PH_OVERFLOW_DROP_OLDEST: i32 = 1;
pub const PH_OVERFLOW_BLOCK: i32 = 2;

pub const PH_COMPRESSION_NONE: i32 = 0;
pub const PH_COMPRESSION_GZIP: i32 = 1;
pub const PH_COMPRESSION_DEFLATE: i32 = 2;
pub const PH_COMPRESSION_BROTLI: i32 = 3;
pub const PH_COMPRESSION_ZSTD: i32 = 4;

pub const PH_DEFINITIONS_FETCH: i32 = 0;
pub const PH_DEFINITIONS_USE: i32 = 1;
pub const PH_DEFINITIONS_KEEP: i32 = 2;

pub const PH_EXPLAIN_TEXT: i32 = 0;
pub const PH_EXPLAIN_JSON: i32 = 1;
pub const PH_PROTOCOL_AUTO: i32 = 0;
pub const PH_PROTOCOL_V0: i32 = 1;
pub const PH_PROTOCOL_V1: i32 = 2;

pub const PH_REPORT_FAMILY: i32 = 0;
pub const PH_REPORT_STATUS: i32 = 1;
pub const PH_REPORT_ATTEMPT: i32 = 2;
pub const PH_REPORT_EVENTS_LOST: i32 = 3;
pub const PH_REPORT_COUNT: i32 = 4;
pub const PH_REPORT_HINT: i32 = 5;

pub const PH_FAMILY_EVENTS: i64 = 0;
pub const PH_FAMILY_FLAGS: i64 = 2;

pub const PH_HINT_NONE: i64 = 0;
pub const PH_HINT_KEY_KIND: i64 = 1;
pub const PH_HINT_KEY: i64 = 3;
pub const PH_HINT_QUOTA: i64 = 4;
pub const PH_HINT_PATH: i64 = 6;
pub const PH_HINT_REDIRECT: i64 = 7;
pub const PH_HINT_TOO_LARGE: i64 = 8;
pub const PH_HINT_CLOCK: i64 = 9;
pub const PH_HINT_PROXY: i64 = 10;
pub const PH_HINT_TLS: i64 = 11;
pub const PH_HINT_NETWORK: i64 = 12;
pub const PH_HINT_SERVER: i64 = 13;

pub const PH_LEVEL_FATAL: i32 = 0;
pub const PH_LEVEL_DEBUG: i32 = 5;

pub const PH_LOG_DEBUG: i32 = 0;
pub const PH_LOG_INFO: i32 = 1;
pub const PH_LOG_WARN: i32 = 2;
pub const PH_LOG_ERROR: i32 = 3;

pub const PH_DELIVERY_DELIVERED: i32 = 0;
pub const PH_DELIVERY_FAILED: i32 = 1;
pub const PH_DELIVERY_DROPPED: i32 = 2;

pub const PH_STAT_ACCEPTED: usize = 0;
pub const PH_STAT_ADOPTED: usize = 1;
pub const PH_STAT_DELIVERED: usize = 2;
pub const PH_STAT_QUEUED: usize = 3;
pub const PH_STAT_IN_FLIGHT: usize = 4;
pub const PH_STAT_STORED: usize = 5;
pub const PH_STAT_DRAINED: usize = 6;
pub const PH_STAT_DROPPED: usize = 7;
pub const PH_STAT_DROPPED_OVERFLOW: usize = 8;
pub const PH_STAT_DROPPED_REJECTED: usize = 9;
pub const PH_STAT_DROPPED_TOO_LARGE: usize = 10;
pub const PH_STAT_DROPPED_EXPIRED: usize = 11;
pub const PH_STAT_DROPPED_RETRIES: usize = 12;
pub const PH_STAT_DROPPED_SHUTDOWN: usize = 13;
pub const PH_STAT_DROPPED_OPTED_OUT: usize = 14;
pub const PH_STAT_QUEUED_BYTES: usize = 15;
pub const PH_STAT_REPAIRED_VALUES: usize = 16;
pub const PH_STAT_REQUESTS: usize = 17;
pub const PH_STAT_RETRIES: usize = 18;
pub const PH_STAT_FLAG_REQUESTS: usize = 19;
pub const PH_STAT_LAST_SUCCESS_MS: usize = 20;
/// The first of the counters of refused captures: one for each status, in their order.
pub const PH_STAT_REFUSED_NULL: usize = 21;
pub const PH_STAT_REFUSED_SUPPRESSED: usize = 42;

pub type LogFn = Option<unsafe extern "C" fn(*mut c_void, i32, *const c_char)>;
pub type BeforeSendFn = Option<unsafe extern "C" fn(*mut c_void, *mut ph_event) -> i32>;
pub type DeliveryFn = Option<unsafe extern "C" fn(*mut c_void, i32, usize)>;
pub type DefinitionsGetFn = Option<unsafe extern "C" fn(*mut c_void, *mut ph_definitions) -> i32>;
pub type DefinitionsPutFn = Option<unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> i32>;
pub type TransportFn = Option<
    unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        *const c_char,
        *const *const c_char,
        *const c_char,
        usize,
        u32,
        *mut ph_response,
    ) -> i32,
>;
pub type ErrorFn = Option<unsafe extern "C" fn(*mut c_void, *const ph_report)>;
pub type FreeFn = Option<unsafe extern "C" fn(*mut c_void)>;

#[rustfmt::skip]
unsafe extern "C" {
    pub safe fn ph_version() -> *const c_char;
    pub safe fn ph_status_text(status: i32) -> *const c_char;

    pub safe fn ph_config_new(api_key: *const c_char) -> *mut ph_config;
    pub safe fn ph_config_from_env() -> *mut ph_config;
    pub safe fn ph_config_free(config: *mut ph_config);
    pub safe fn ph_config_set_host(config: *mut ph_config, host: *const c_char) -> Status;
    pub safe fn ph_config_set_secret_key(config: *mut ph_config, key: *const c_char) -> Status;
    pub safe fn ph_config_set_disabled(config: *mut ph_config, disabled: bool) -> Status;
    pub safe fn ph_config_set_debug(config: *mut ph_config, debug: bool) -> Status;
    pub safe fn ph_config_set_environment(config: *mut ph_config, name: *const c_char) -> Status;
    pub safe fn ph_config_set_library(config: *mut ph_config, name: *const c_char, version: *const c_char) -> Status;
    pub safe fn ph_config_set_is_server(config: *mut ph_config, is_server: bool) -> Status;
    pub safe fn ph_config_set_geoip_disable(config: *mut ph_config, disable: bool) -> Status;
    pub safe fn ph_config_set_group_index(config: *mut ph_config, group_type: *const c_char, index: u32) -> Status;
    pub safe fn ph_config_deny_property(config: *mut ph_config, key: *const c_char) -> Status;
    pub safe fn ph_config_set_proxy(config: *mut ph_config, url: *const c_char) -> Status;
    pub safe fn ph_config_set_ca_file(config: *mut ph_config, path: *const c_char) -> Status;
    pub safe fn ph_config_set_capture_only(config: *mut ph_config, capture_only: bool) -> Status;
    pub safe fn ph_config_set_deterministic(config: *mut ph_config, unix_ms: i64, seed: u64) -> Status;
    pub safe fn ph_config_set_on_error(config: *mut ph_config, on_error: ErrorFn, userdata: *mut c_void, userdata_free: FreeFn) -> Status;
    pub safe fn ph_error_next(client: *const ph_client) -> *mut ph_report;
    pub safe fn ph_report_free(report: *mut ph_report);
    pub safe fn ph_report_get(report: *const ph_report, field: i32) -> i64;
    pub safe fn ph_report_get_host(report: *const ph_report) -> *const c_char;
    pub safe fn ph_report_get_message(report: *const ph_report) -> *const c_char;
    pub safe fn ph_config_set_transport(config: *mut ph_config, transport: TransportFn, userdata: *mut c_void, userdata_free: FreeFn) -> Status;
    pub safe fn ph_response_set_status(response: *mut ph_response, status: u32) -> Status;
    pub safe fn ph_response_add_header(response: *mut ph_response, name: *const c_char, value: *const c_char) -> Status;
    pub safe fn ph_response_append_body(response: *mut ph_response, data: *const c_char, len: usize) -> Status;
    pub safe fn ph_config_add_header(config: *mut ph_config, name: *const c_char, value: *const c_char) -> Status;
    pub safe fn ph_config_set_compression(config: *mut ph_config, compression: i32) -> Status;
    pub safe fn ph_config_set_protocol(config: *mut ph_config, protocol: i32) -> Status;
    pub safe fn ph_config_set_historical_migration(config: *mut ph_config, historical: bool) -> Status;
    pub safe fn ph_config_set_flush_at(config: *mut ph_config, events: u32) -> Status;
    pub safe fn ph_config_set_flush_interval_ms(config: *mut ph_config, interval_ms: u32) -> Status;
    pub safe fn ph_config_set_batch_max_events(config: *mut ph_config, events: u32) -> Status;
    pub safe fn ph_config_set_batch_max_bytes(config: *mut ph_config, bytes: u64) -> Status;
    pub safe fn ph_config_set_queue_max_events(config: *mut ph_config, events: u32) -> Status;
    pub safe fn ph_config_set_queue_max_bytes(config: *mut ph_config, bytes: u64) -> Status;
    pub safe fn ph_config_set_event_max_bytes(config: *mut ph_config, bytes: u64) -> Status;
    pub safe fn ph_config_set_connect_timeout_ms(config: *mut ph_config, timeout_ms: u32) -> Status;
    pub safe fn ph_config_set_request_timeout_ms(config: *mut ph_config, timeout_ms: u32) -> Status;
    pub safe fn ph_config_set_max_age_ms(config: *mut ph_config, age_ms: u64) -> Status;
    pub safe fn ph_config_set_retry_base_ms(config: *mut ph_config, wait_ms: u32) -> Status;
    pub safe fn ph_config_set_retry_cap_ms(config: *mut ph_config, wait_ms: u32) -> Status;
    pub safe fn ph_config_set_flags_ttl_ms(config: *mut ph_config, ttl_ms: u32) -> Status;
    pub safe fn ph_config_set_flags_max_identities(config: *mut ph_config, identities: u32) -> Status;
    pub safe fn ph_config_set_local_evaluation(config: *mut ph_config, local_evaluation: bool) -> Status;
    pub safe fn ph_config_set_definitions_poll_ms(config: *mut ph_config, poll_ms: u32) -> Status;
    pub safe fn ph_config_set_max_retries(config: *mut ph_config, max_retries: u32) -> Status;
    pub safe fn ph_config_set_overflow(config: *mut ph_config, overflow: i32, block_ms: u32) -> Status;
    pub safe fn ph_config_set_flags_timeout_ms(config: *mut ph_config, timeout_ms: u32) -> Status;
    pub safe fn ph_config_set_log(config: *mut ph_config, log: LogFn, userdata: *mut c_void, free: FreeFn) -> Status;
    pub safe fn ph_config_add_before_send(config: *mut ph_config, before_send: BeforeSendFn, userdata: *mut c_void, free: FreeFn) -> Status;
    pub safe fn ph_config_set_delivery(config: *mut ph_config, delivery: DeliveryFn, userdata: *mut c_void, free: FreeFn) -> Status;

    pub safe fn ph_config_set_flags_local_only(config: *mut ph_config, local_only: bool) -> Status;
    pub safe fn ph_config_set_flags_bootstrap(config: *mut ph_config, json: *const c_char) -> Status;
    pub safe fn ph_config_set_definitions_cache(config: *mut ph_config, get: DefinitionsGetFn, put: DefinitionsPutFn, userdata: *mut c_void, free: FreeFn) -> Status;

    pub safe fn ph_init(config: *const ph_config, client_out: *mut *mut ph_client) -> Status;
    pub safe fn ph_client_start(client: *const ph_client) -> Status;
    pub safe fn ph_capture(client: *const ph_client, distinct_id: *const c_char, event: *const c_char, props: *const ph_props) -> Status;
    pub safe fn ph_capture_event(client: *const ph_client, event: *const ph_event, uuid_out: *mut c_char) -> Status;
    pub safe fn ph_capture_n(client: *const ph_client, distinct_id: *const c_char, distinct_id_len: usize, event: *const c_char, event_len: usize, props: *const ph_props) -> Status;
    pub safe fn ph_capture_ai(client: *const ph_client, event: *const ph_event, uuid_out: *mut c_char) -> Status;
    pub safe fn ph_capture_immediate(client: *const ph_client, event: *const ph_event, timeout_ms: u32, uuid_out: *mut c_char) -> Status;
    pub safe fn ph_capture_ai_immediate(client: *const ph_client, event: *const ph_event, timeout_ms: u32, uuid_out: *mut c_char) -> Status;
    pub safe fn ph_capture_json(client: *const ph_client, distinct_id: *const c_char, distinct_id_len: usize, event: *const c_char, event_len: usize, properties: *const c_char, properties_len: usize) -> Status;
    pub safe fn ph_identify(client: *const ph_client, distinct_id: *const c_char, set: *const ph_props, set_once: *const ph_props) -> Status;
    pub safe fn ph_alias(client: *const ph_client, distinct_id: *const c_char, alias: *const c_char) -> Status;
    pub safe fn ph_group_identify(client: *const ph_client, distinct_id: *const c_char, group_type: *const c_char, group_key: *const c_char, props: *const ph_props) -> Status;
    pub safe fn ph_config_set_storage_dir(config: *mut ph_config, path: *const c_char) -> Status;
    pub safe fn ph_config_set_storage_max_bytes(config: *mut ph_config, bytes: u64) -> Status;
    pub safe fn ph_config_set_storage_max_age_ms(config: *mut ph_config, age_ms: u64) -> Status;
    pub safe fn ph_config_set_storage_sync(config: *mut ph_config, enabled: bool) -> Status;
    pub safe fn ph_config_set_crash_handler(config: *mut ph_config, enabled: bool) -> Status;
    pub safe fn ph_crash_thread_attach(client: *const ph_client) -> Status;
    pub safe fn ph_crash_set_distinct_id(client: *const ph_client, distinct_id: *const c_char) -> Status;
    pub safe fn ph_crash_write(client: *const ph_client, message: *const c_char, len: usize) -> Status;
    pub safe fn ph_capture_exception(client: *const ph_client, distinct_id: *const c_char, exception: *const ph_exception) -> Status;
    pub safe fn ph_register(client: *const ph_client, props: *const ph_props) -> Status;
    pub safe fn ph_register_once(client: *const ph_client, props: *const ph_props) -> Status;
    pub safe fn ph_unregister(client: *const ph_client, key: *const c_char) -> Status;
    pub safe fn ph_opt_out(client: *const ph_client) -> Status;
    pub safe fn ph_opt_in(client: *const ph_client) -> Status;
    pub safe fn ph_is_opted_out(client: *const ph_client) -> bool;
    pub safe fn ph_flush(client: *const ph_client, timeout_ms: u32) -> Status;
    pub safe fn ph_shutdown(client: *const ph_client, timeout_ms: u32) -> Status;
    pub safe fn ph_client_free(client: *mut ph_client);

    pub safe fn ph_props_new() -> *mut ph_props;
    pub safe fn ph_props_free(props: *mut ph_props);
    pub safe fn ph_props_clear(props: *mut ph_props) -> Status;
    pub safe fn ph_props_set_str_n(props: *mut ph_props, key: *const c_char, key_len: usize, value: *const c_char, value_len: usize) -> Status;
    pub safe fn ph_props_set_str(props: *mut ph_props, key: *const c_char, value: *const c_char) -> Status;
    pub safe fn ph_props_set_int(props: *mut ph_props, key: *const c_char, value: i64) -> Status;
    pub safe fn ph_props_set_uint(props: *mut ph_props, key: *const c_char, value: u64) -> Status;
    pub safe fn ph_props_set_double(props: *mut ph_props, key: *const c_char, value: f64) -> Status;
    pub safe fn ph_props_set_bool(props: *mut ph_props, key: *const c_char, value: bool) -> Status;
    pub safe fn ph_props_set_null(props: *mut ph_props, key: *const c_char) -> Status;
    pub safe fn ph_props_set_object(props: *mut ph_props, key: *const c_char, value: *const ph_props) -> Status;
    pub safe fn ph_props_set_json(props: *mut ph_props, key: *const c_char, json: *const c_char) -> Status;
    pub safe fn ph_props_set_members(props: *mut ph_props, json: *const c_char, len: usize) -> Status;
    pub safe fn ph_props_remove(props: *mut ph_props, key: *const c_char) -> Status;

    pub safe fn ph_event_new(distinct_id: *const c_char, name: *const c_char, event_out: *mut *mut ph_event) -> Status;
    pub safe fn ph_event_new_json(distinct_id: *const c_char, distinct_id_len: usize, name: *const c_char, name_len: usize, details: *const c_char, details_len: usize, event_out: *mut *mut ph_event) -> Status;
    pub safe fn ph_event_free(event: *mut ph_event);
    pub safe fn ph_event_set_name(event: *mut ph_event, name: *const c_char) -> Status;
    pub safe fn ph_event_set_distinct_id(event: *mut ph_event, distinct_id: *const c_char) -> Status;
    pub safe fn ph_event_set_uuid(event: *mut ph_event, uuid: *const c_char) -> Status;
    pub safe fn ph_event_set_timestamp(event: *mut ph_event, rfc3339: *const c_char) -> Status;
    pub safe fn ph_event_set_timestamp_ms(event: *mut ph_event, unix_ms: i64) -> Status;
    pub safe fn ph_event_set_group(event: *mut ph_event, group_type: *const c_char, group_key: *const c_char) -> Status;
    pub safe fn ph_event_set_properties(event: *mut ph_event, props: *const ph_props) -> Status;
    pub safe fn ph_event_remove_property(event: *mut ph_event, key: *const c_char) -> Status;
    pub safe fn ph_event_set_person_properties(event: *mut ph_event, props: *const ph_props) -> Status;
    pub safe fn ph_event_set_person_properties_once(event: *mut ph_event, props: *const ph_props) -> Status;
    pub safe fn ph_event_set_process_person_profile(event: *mut ph_event, process: bool) -> Status;
    pub safe fn ph_event_set_cookieless_mode(event: *mut ph_event, cookieless: bool) -> Status;
    pub safe fn ph_event_set_disable_skew_correction(event: *mut ph_event, disable: bool) -> Status;
    pub safe fn ph_event_set_product_tour_id(event: *mut ph_event, tour_id: *const c_char) -> Status;
    pub safe fn ph_event_set_options(event: *mut ph_event, options: *const ph_props) -> Status;
    pub safe fn ph_event_set_flags(event: *mut ph_event, flags: *const ph_flags) -> Status;
    pub safe fn ph_event_get_name(event: *mut ph_event) -> *const c_char;
    pub safe fn ph_event_get_distinct_id(event: *mut ph_event) -> *const c_char;
    pub safe fn ph_event_get_properties(event: *mut ph_event) -> *const c_char;
    pub safe fn ph_event_get_property(event: *mut ph_event, key: *const c_char) -> *const c_char;

    pub safe fn ph_exception_new(kind: *const c_char, message: *const c_char, exception_out: *mut *mut ph_exception) -> Status;
    pub safe fn ph_exception_free(exception: *mut ph_exception);
    pub safe fn ph_exception_set_level(exception: *mut ph_exception, level: i32) -> Status;
    pub safe fn ph_exception_set_handled(exception: *mut ph_exception, handled: bool) -> Status;
    pub safe fn ph_exception_set_fingerprint(exception: *mut ph_exception, fingerprint: *const c_char) -> Status;
    pub safe fn ph_exception_add_frame(exception: *mut ph_exception, function: *const c_char, file: *const c_char, line: u32, module: *const c_char, in_app: bool) -> Status;
    pub safe fn ph_exception_new_json(json: *const c_char, len: usize, exception_out: *mut *mut ph_exception) -> Status;
    pub safe fn ph_exception_set_uuid(exception: *mut ph_exception, uuid: *const c_char) -> Status;
    pub safe fn ph_exception_set_timestamp_ms(exception: *mut ph_exception, unix_ms: i64) -> Status;
    pub safe fn ph_exception_set_synthetic(exception: *mut ph_exception, synthetic: bool) -> Status;
    pub safe fn ph_exception_set_mechanism(exception: *mut ph_exception, mechanism: *const c_char) -> Status;
    pub safe fn ph_exception_set_source(exception: *mut ph_exception, source: *const c_char) -> Status;
    pub safe fn ph_exception_set_trace(exception: *mut ph_exception, trace_id: *const c_char, span_id: *const c_char) -> Status;
    pub safe fn ph_exception_set_group(exception: *mut ph_exception, group_type: *const c_char, key: *const c_char) -> Status;
    pub safe fn ph_exception_set_stack(exception: *mut ph_exception, taken: bool, skip: u32) -> Status;
    pub safe fn ph_exception_set_addresses(exception: *mut ph_exception, addresses: *const usize, count: usize) -> Status;
    pub safe fn ph_exception_set_frames(exception: *mut ph_exception, json: *const c_char, len: usize) -> Status;
    pub safe fn ph_exception_add_cause(exception: *mut ph_exception, cause: *const ph_exception, source: *const c_char) -> Status;
    pub safe fn ph_exception_set_properties(exception: *mut ph_exception, props: *const ph_props) -> Status;

    pub safe fn ph_context_new() -> *mut ph_context;
    pub safe fn ph_context_free(context: *mut ph_context);
    pub safe fn ph_context_set_group(context: *mut ph_context, group_type: *const c_char, group_key: *const c_char) -> Status;
    pub safe fn ph_context_set_person_properties(context: *mut ph_context, props: *const ph_props) -> Status;
    pub safe fn ph_context_set_group_properties(context: *mut ph_context, group_type: *const c_char, props: *const ph_props) -> Status;
    pub safe fn ph_context_set_device_id(context: *mut ph_context, device_id: *const c_char) -> Status;
    pub safe fn ph_context_add_flag_key(context: *mut ph_context, key: *const c_char) -> Status;
    pub safe fn ph_context_limit_flag_keys(context: *mut ph_context) -> Status;
    pub safe fn ph_context_add_evaluation_context(context: *mut ph_context, name: *const c_char) -> Status;
    pub safe fn ph_context_set_geoip_disable(context: *mut ph_context, disable: bool) -> Status;

    pub safe fn ph_flags_recall(client: *const ph_client, distinct_id: *const c_char, context: *const ph_context, flags_out: *mut *mut ph_flags) -> Status;
    pub safe fn ph_flags_wait_ready(client: *const ph_client, timeout_ms: u32) -> Status;
    pub safe fn ph_flags_override(client: *const ph_client, json: *const c_char) -> Status;
    pub safe fn ph_flags_refresh(client: *const ph_client, timeout_ms: u32) -> Status;
    pub safe fn ph_definitions_load(client: *const ph_client, json: *const c_char, json_len: usize) -> Status;
    pub safe fn ph_definitions_save(client: *const ph_client, json_out: *mut *mut c_char) -> Status;
    pub safe fn ph_definitions_load_file(client: *const ph_client, path: *const c_char) -> Status;
    pub safe fn ph_definitions_save_file(client: *const ph_client, path: *const c_char) -> Status;
    pub safe fn ph_definitions_set(definitions: *mut ph_definitions, json: *const c_char, json_len: usize) -> Status;
    pub safe fn ph_flag_explain(client: *const ph_client, distinct_id: *const c_char, key: *const c_char, context: *const ph_context, format: i32, text_out: *mut *mut c_char) -> Status;

    pub safe fn ph_flags_evaluate(client: *const ph_client, distinct_id: *const c_char, context: *const ph_context, timeout_ms: u32, flags_out: *mut *mut ph_flags) -> Status;
    pub safe fn ph_config_set_flag_events(config: *mut ph_config, flag_events: bool) -> Status;
    pub safe fn ph_context_set_flag_events(context: *mut ph_context, flag_events: bool) -> Status;
    pub safe fn ph_context_new_json(json: *const c_char, len: usize, context_out: *mut *mut ph_context) -> Status;
    pub safe fn ph_flags_set_person_properties(client: *const ph_client, distinct_id: *const c_char, props: *const ph_props) -> Status;
    pub safe fn ph_flags_set_group_properties(client: *const ph_client, group_type: *const c_char, group_key: *const c_char, props: *const ph_props) -> Status;
    pub safe fn ph_flags_reset_person_properties(client: *const ph_client, distinct_id: *const c_char) -> Status;
    pub safe fn ph_flags_reset_group_properties(client: *const ph_client, group_type: *const c_char, group_key: *const c_char) -> Status;
    pub safe fn ph_context_set_local_only(context: *mut ph_context, local_only: bool) -> Status;
    pub safe fn ph_flags_evaluate_n(client: *const ph_client, distinct_id: *const c_char, distinct_id_len: usize, context: *const ph_context, timeout_ms: u32, flags_out: *mut *mut ph_flags) -> Status;
    pub safe fn ph_flag_enabled_n(client: *const ph_client, distinct_id: *const c_char, distinct_id_len: usize, key: *const c_char, key_len: usize, context: *const ph_context, fallback: bool) -> bool;
    pub safe fn ph_flags_get_source(flags: *const ph_flags, key: *const c_char) -> i32;
    pub safe fn ph_flags_get_age_ms(flags: *const ph_flags, key: *const c_char) -> i64;
    pub safe fn ph_flags_get_id(flags: *const ph_flags, key: *const c_char) -> i64;
    pub safe fn ph_flags_get_version(flags: *const ph_flags, key: *const c_char) -> i64;
    pub safe fn ph_flags_get_request_id(flags: *const ph_flags) -> *const c_char;
    pub safe fn ph_flags_get_unknown_key(flags: *const ph_flags, index: usize) -> *const c_char;
    pub safe fn ph_flags_only_accessed(flags: *const ph_flags, flags_out: *mut *mut ph_flags) -> Status;
    pub safe fn ph_flags_only(flags: *const ph_flags, keys: *const *const c_char, count: usize, flags_out: *mut *mut ph_flags) -> Status;
    pub safe fn ph_flags_free(flags: *mut ph_flags);
    pub safe fn ph_flags_is_enabled(flags: *const ph_flags, key: *const c_char, fallback: bool) -> bool;
    pub safe fn ph_flags_is_known(flags: *const ph_flags, key: *const c_char) -> bool;
    pub safe fn ph_flags_get_variant(flags: *const ph_flags, key: *const c_char) -> *const c_char;
    pub safe fn ph_flags_get_payload(flags: *const ph_flags, key: *const c_char) -> *const c_char;
    pub safe fn ph_flags_get_reason(flags: *const ph_flags, key: *const c_char) -> *const c_char;
    pub safe fn ph_flags_get_count(flags: *const ph_flags) -> usize;
    pub safe fn ph_flags_get_key(flags: *const ph_flags, index: usize) -> *const c_char;
    pub safe fn ph_flag_enabled(client: *const ph_client, distinct_id: *const c_char, key: *const c_char, context: *const ph_context, fallback: bool) -> bool;

    pub safe fn ph_stats_get(client: *const ph_client, values: *mut u64, count: usize) -> usize;
    pub safe fn ph_queue_drain(client: *const ph_client, max_events: usize, json_out: *mut *mut c_char) -> Status;
    pub safe fn ph_string_free(string: *mut c_char);

    pub safe fn ph_config_set_in_app(config: *mut ph_config, prefix: *const c_char, in_app: bool) -> Status;
    pub safe fn ph_config_set_release(config: *mut ph_config, release_id: *const c_char) -> Status;
    pub safe fn ph_config_set_exception_limit(config: *mut ph_config, burst: u32, interval_ms: u32) -> Status;
    pub safe fn ph_step_add(client: *const ph_client, message: *const c_char, props: *const ph_props) -> Status;
}
