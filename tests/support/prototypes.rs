//! The C functions as a C program declares them. Their status is the library's own type: to Miri an
//! enum and a number differ, though C cannot tell them apart.

use posthog::ffi::ph_status;
use std::ffi::{c_char, c_void};

macro_rules! opaque {
    ($($name:ident)*) => { $(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )* };
}

opaque!(ph_client ph_config ph_context ph_event ph_exception ph_flags ph_props);

pub type BeforeSend = unsafe extern "C" fn(*mut c_void, *mut ph_event) -> i32;
pub type Free = unsafe extern "C" fn(*mut c_void);

// A test is a C program here: it sees to it that its pointers are good.
unsafe extern "C" {
    pub safe fn ph_version() -> *const c_char;
    pub safe fn ph_status_text(status: i32) -> *const c_char;

    pub safe fn ph_config_new(api_key: *const c_char) -> *mut ph_config;
    pub safe fn ph_config_free(config: *mut ph_config);
    pub safe fn ph_config_set_host(config: *mut ph_config, host: *const c_char) -> ph_status;
    pub safe fn ph_config_set_library(
        config: *mut ph_config,
        name: *const c_char,
        version: *const c_char,
    ) -> ph_status;
    pub safe fn ph_config_set_environment(config: *mut ph_config, name: *const c_char)
    -> ph_status;
    pub safe fn ph_config_set_flush_at(config: *mut ph_config, events: u32) -> ph_status;
    pub safe fn ph_config_set_flush_interval_ms(config: *mut ph_config, ms: u32) -> ph_status;
    pub safe fn ph_config_set_queue_max_bytes(config: *mut ph_config, bytes: u64) -> ph_status;
    pub safe fn ph_config_set_overflow(config: *mut ph_config, overflow: i32, ms: u32)
    -> ph_status;
    pub safe fn ph_config_set_compression(config: *mut ph_config, compression: i32) -> ph_status;
    pub safe fn ph_config_add_before_send(
        config: *mut ph_config,
        before_send: Option<BeforeSend>,
        userdata: *mut c_void,
        userdata_free: Option<Free>,
    ) -> ph_status;

    pub safe fn ph_init(config: *const ph_config, client_out: *mut *mut ph_client) -> ph_status;
    pub safe fn ph_client_start(client: *const ph_client) -> ph_status;
    pub safe fn ph_client_free(client: *mut ph_client);
    pub safe fn ph_capture(
        client: *const ph_client,
        distinct_id: *const c_char,
        event: *const c_char,
        props: *const ph_props,
    ) -> ph_status;
    pub safe fn ph_capture_event(
        client: *const ph_client,
        event: *const ph_event,
        uuid_out: *mut c_char,
    ) -> ph_status;
    pub safe fn ph_capture_json(
        client: *const ph_client,
        distinct_id: *const c_char,
        distinct_id_len: usize,
        event: *const c_char,
        event_len: usize,
        properties: *const c_char,
        properties_len: usize,
    ) -> ph_status;
    pub safe fn ph_identify(
        client: *const ph_client,
        distinct_id: *const c_char,
        set: *const ph_props,
        set_once: *const ph_props,
    ) -> ph_status;
    pub safe fn ph_capture_exception(
        client: *const ph_client,
        distinct_id: *const c_char,
        exception: *const ph_exception,
    ) -> ph_status;
    pub safe fn ph_register(client: *const ph_client, props: *const ph_props) -> ph_status;
    pub safe fn ph_flush(client: *const ph_client, timeout_ms: u32) -> ph_status;
    pub safe fn ph_shutdown(client: *const ph_client, timeout_ms: u32) -> ph_status;
    pub safe fn ph_stats_get(client: *const ph_client, values: *mut u64, count: usize) -> usize;
    pub safe fn ph_queue_drain(
        client: *const ph_client,
        max_events: usize,
        json_out: *mut *mut c_char,
    ) -> ph_status;
    pub safe fn ph_string_free(string: *mut c_char);

    pub safe fn ph_props_new() -> *mut ph_props;
    pub safe fn ph_props_free(props: *mut ph_props);
    pub safe fn ph_props_clear(props: *mut ph_props) -> ph_status;
    pub safe fn ph_props_set_str(
        props: *mut ph_props,
        key: *const c_char,
        value: *const c_char,
    ) -> ph_status;
    pub safe fn ph_props_set_int(props: *mut ph_props, key: *const c_char, value: i64)
    -> ph_status;
    pub safe fn ph_props_set_double(
        props: *mut ph_props,
        key: *const c_char,
        value: f64,
    ) -> ph_status;
    pub safe fn ph_props_set_bool(
        props: *mut ph_props,
        key: *const c_char,
        value: bool,
    ) -> ph_status;
    pub safe fn ph_props_set_object(
        props: *mut ph_props,
        key: *const c_char,
        value: *const ph_props,
    ) -> ph_status;
    pub safe fn ph_props_set_json(
        props: *mut ph_props,
        key: *const c_char,
        json: *const c_char,
    ) -> ph_status;
    pub safe fn ph_props_set_members(
        props: *mut ph_props,
        json: *const c_char,
        len: usize,
    ) -> ph_status;
    pub safe fn ph_props_remove(props: *mut ph_props, key: *const c_char) -> ph_status;

    pub safe fn ph_event_new(
        distinct_id: *const c_char,
        name: *const c_char,
        event_out: *mut *mut ph_event,
    ) -> ph_status;
    pub safe fn ph_event_free(event: *mut ph_event);
    pub safe fn ph_event_set_name(event: *mut ph_event, name: *const c_char) -> ph_status;
    pub safe fn ph_event_set_properties(event: *mut ph_event, props: *const ph_props) -> ph_status;
    pub safe fn ph_event_get_name(event: *mut ph_event) -> *const c_char;
    pub safe fn ph_event_get_properties(event: *mut ph_event) -> *const c_char;
    pub safe fn ph_event_get_property(event: *mut ph_event, key: *const c_char) -> *const c_char;

    pub safe fn ph_exception_new(
        kind: *const c_char,
        message: *const c_char,
        exception_out: *mut *mut ph_exception,
    ) -> ph_status;
    pub safe fn ph_exception_free(exception: *mut ph_exception);
    pub safe fn ph_exception_add_frame(
        exception: *mut ph_exception,
        function: *const c_char,
        file: *const c_char,
        line: u32,
        module: *const c_char,
        in_app: bool,
    ) -> ph_status;

    pub safe fn ph_context_free(context: *mut ph_context);
    pub safe fn ph_flags_free(flags: *mut ph_flags);
    pub safe fn ph_flags_evaluate(
        client: *const ph_client,
        distinct_id: *const c_char,
        context: *const ph_context,
        timeout_ms: u32,
        flags_out: *mut *mut ph_flags,
    ) -> ph_status;
    pub safe fn ph_flags_get_count(flags: *const ph_flags) -> usize;
    pub safe fn ph_flags_get_key(flags: *const ph_flags, index: usize) -> *const c_char;
    pub safe fn ph_flag_enabled(
        client: *const ph_client,
        distinct_id: *const c_char,
        key: *const c_char,
        context: *const ph_context,
        fallback: bool,
    ) -> bool;
}
