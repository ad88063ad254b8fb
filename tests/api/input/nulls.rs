//! `NULL` for every pointer of every function.
//!
//! The header names the pointers; each has to have its row here.

use crate::c::*;
use crate::client::{Client, PATIENCE_MS, to};
use crate::handle::{Event, Exception, Props};
use crate::header;
use posthog_receiver::Receiver;
use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

mod definitions;
mod handles;

/// Function and parameter, and whether `NULL` was answered as the header says.
type Rows = Vec<(&'static str, bool)>;

/// `function.parameter(arguments) => answer`, where the argument for that parameter is `NULL`.
macro_rules! rows {
    ($($function:ident.$parameter:ident($($argument:expr),*) => $answer:expr;)*) => {
        vec![$((
            concat!(stringify!($function), ".", stringify!($parameter)),
            $function($($argument),*) == $answer,
        )),*]
    };
}
use rows;

const NONE: *const c_char = ptr::null();
const OK: *const c_char = c"ok".as_ptr();

/// Good handles, to be NULL in no more than one place at a time.
struct Handles {
    client: Client,
    props: Props,
    event: Event,
    exception: Exception,
    context: *mut ph_context,
    flags: *mut ph_flags,
}

#[test]
fn every_null_has_a_clear_answer() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let mut flags = ptr::null_mut();
    let status = ph_flags_evaluate(client.raw(), OK, ptr::null(), 10_000, &raw mut flags);
    assert_eq!(status, PH_OK);
    let handles = Handles {
        client,
        props: Props::new(),
        event: Event::new("u", "e"),
        exception: Exception::new("e", "m"),
        context: ph_context_new(),
        flags,
    };
    let own = [config, texts_of_config, client_calls, flag_calls, captures];
    let more = handles::ALL.iter().chain(&definitions::ALL);
    let rows: Rows = own.iter().chain(more).flat_map(|rows| rows(&handles)).collect();
    let wrong: Vec<&str> = rows.iter().filter(|(_, right)| !right).map(|(row, _)| *row).collect();
    assert!(wrong.is_empty(), "answered otherwise: {wrong:?}");

    let tested: BTreeSet<String> = rows.iter().map(|(row, _)| (*row).to_owned()).collect();
    let named = pointers_of_the_header();
    let differ: Vec<_> = tested.symmetric_difference(&named).collect();
    assert!(differ.is_empty(), "only in the header or only here: {differ:?}");

    // All handles are as good as before.
    let accepted = handles.client.stat(PH_STAT_ACCEPTED);
    assert_eq!(handles.client.capture_with("u", "good", &handles.props), PH_OK);
    handles.client.capture_event(&handles.event).unwrap();
    handles.client.deliver();
    assert_eq!(receiver.counts().accepted, accepted + 2);
    ph_context_free(handles.context);
    ph_flags_free(handles.flags);
}

/// `function.parameter` of each pointer in a prototype, but for those that are to be freed.
fn pointers_of_the_header() -> BTreeSet<String> {
    let mut pointers = BTreeSet::new();
    for (function, parameters) in header::prototypes().filter(|it| !it.0.ends_with("_free")) {
        for parameter in parameters.split(',') {
            let name = parameter.rsplit([' ', '*']).next().unwrap();
            let kind = parameter.trim().split(' ').next().unwrap();
            if parameter.contains('*') || kind.ends_with("_fn") {
                pointers.insert(format!("{function}.{name}"));
            }
        }
    }
    assert!(pointers.len() > 100, "{pointers:?}");
    pointers
}

fn null<T>() -> *mut T {
    ptr::null_mut()
}

fn config(_: &Handles) -> Rows {
    let none = null::<ph_config>();
    rows! {
        ph_config_set_host.config(none, OK) => PH_ERROR_NULL;
        ph_config_set_secret_key.config(none, OK) => PH_ERROR_NULL;
        ph_config_set_disabled.config(none, true) => PH_ERROR_NULL;
        ph_config_set_debug.config(none, true) => PH_ERROR_NULL;
        ph_config_set_environment.config(none, OK) => PH_ERROR_NULL;
        ph_config_set_library.config(none, OK, OK) => PH_ERROR_NULL;
        ph_config_set_is_server.config(none, true) => PH_ERROR_NULL;
        ph_config_set_geoip_disable.config(none, true) => PH_ERROR_NULL;
        ph_config_set_group_index.config(none, OK, 0) => PH_ERROR_NULL;
        ph_config_deny_property.config(none, OK) => PH_ERROR_NULL;
        ph_config_set_in_app.config(none, OK, true) => PH_ERROR_NULL;
        ph_config_set_release.config(none, OK) => PH_ERROR_NULL;
        ph_config_set_exception_limit.config(none, 1, 1) => PH_ERROR_NULL;
        ph_config_set_proxy.config(none, OK) => PH_ERROR_NULL;
        ph_config_set_ca_file.config(none, OK) => PH_ERROR_NULL;
        ph_config_add_header.config(none, OK, OK) => PH_ERROR_NULL;
        ph_config_set_compression.config(none, 0) => PH_ERROR_NULL;
        ph_config_set_protocol.config(none, 0) => PH_ERROR_NULL;
        ph_config_set_historical_migration.config(none, true) => PH_ERROR_NULL;
        ph_config_set_flush_at.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_flush_interval_ms.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_batch_max_events.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_batch_max_bytes.config(none, 0) => PH_ERROR_NULL;
        ph_config_set_queue_max_events.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_queue_max_bytes.config(none, 0) => PH_ERROR_NULL;
        ph_config_set_event_max_bytes.config(none, 0) => PH_ERROR_NULL;
        ph_config_set_connect_timeout_ms.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_request_timeout_ms.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_max_age_ms.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_retry_base_ms.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_retry_cap_ms.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_flags_ttl_ms.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_flags_max_identities.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_flag_events.config(none, true) => PH_ERROR_NULL;
        ph_config_set_max_retries.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_overflow.config(none, 0, 0) => PH_ERROR_NULL;
        ph_config_set_flags_timeout_ms.config(none, 1) => PH_ERROR_NULL;
        ph_config_set_transport.config(none, None, null(), None) => PH_ERROR_NULL;
        ph_config_set_on_error.config(none, None, null(), None) => PH_ERROR_NULL;
        ph_config_set_capture_only.config(none, true) => PH_ERROR_NULL;
        ph_config_set_deterministic.config(none, 0, 0) => PH_ERROR_NULL;
        ph_config_set_storage_dir.config(none, OK) => PH_ERROR_NULL;
        ph_config_set_storage_max_bytes.config(none, 0) => PH_ERROR_NULL;
        ph_config_set_storage_max_age_ms.config(none, 0) => PH_ERROR_NULL;
        ph_config_set_storage_sync.config(none, true) => PH_ERROR_NULL;
        ph_config_set_crash_handler.config(none, true) => PH_ERROR_NULL;
        ph_config_set_log.config(none, None, null(), None) => PH_ERROR_NULL;
        ph_config_add_before_send.config(none, Some(keep), null(), None) => PH_ERROR_NULL;
        ph_config_set_delivery.config(none, None, null(), None) => PH_ERROR_NULL;
    }
}

unsafe extern "C" fn keep(_: *mut c_void, _: *mut ph_event) -> i32 {
    0
}

unsafe extern "C" fn free(_: *mut c_void) {}

fn texts_of_config(_: &Handles) -> Rows {
    let config = ph_config_new(OK);
    let mut rows = rows! {
        ph_config_set_host.host(config, NONE) => PH_ERROR_NULL;
        ph_config_set_secret_key.secret_key(config, NONE) => PH_OK;
        ph_config_set_environment.environment(config, NONE) => PH_OK;
        ph_config_set_library.name(config, NONE, OK) => PH_ERROR_NULL;
        ph_config_set_library.version(config, OK, NONE) => PH_ERROR_NULL;
        ph_config_set_group_index.group_type(config, NONE, 0) => PH_ERROR_NULL;
        ph_config_deny_property.key(config, NONE) => PH_ERROR_NULL;
        ph_config_set_in_app.prefix(config, NONE, true) => PH_ERROR_NULL;
        ph_config_set_release.release_id(config, NONE) => PH_OK;
        ph_config_set_proxy.url(config, NONE) => PH_OK;
        ph_config_set_ca_file.path(config, NONE) => PH_OK;
        ph_config_set_storage_dir.path(config, NONE) => PH_OK;
        ph_config_add_header.name(config, NONE, OK) => PH_ERROR_NULL;
        ph_config_add_header.value(config, OK, NONE) => PH_ERROR_NULL;
        ph_config_set_on_error.on_error(config, None, null(), Some(free)) => PH_OK;
        ph_config_set_on_error.userdata(config, None, null(), Some(free)) => PH_OK;
        ph_config_set_on_error.userdata_free(config, None, null(), None) => PH_OK;
        ph_config_set_transport.transport(config, None, null(), Some(free)) => PH_OK;
        ph_config_set_transport.userdata(config, None, null(), Some(free)) => PH_OK;
        ph_config_set_transport.userdata_free(config, None, null(), None) => PH_OK;
        ph_config_set_log.log(config, None, null(), Some(free)) => PH_OK;
        ph_config_set_log.userdata(config, None, null(), Some(free)) => PH_OK;
        ph_config_set_log.userdata_free(config, None, null(), None) => PH_OK;
        ph_config_add_before_send.before_send(config, None, null(), None) => PH_ERROR_NULL;
        ph_config_add_before_send.userdata(config, Some(keep), null(), Some(free)) => PH_OK;
        ph_config_add_before_send.userdata_free(config, Some(keep), null(), None) => PH_OK;
        ph_config_set_delivery.delivery(config, None, null(), Some(free)) => PH_OK;
        ph_config_set_delivery.userdata(config, None, null(), Some(free)) => PH_OK;
        ph_config_set_delivery.userdata_free(config, None, null(), None) => PH_OK;
        ph_init.client_out(config, null()) => PH_ERROR_NULL;
    };
    ph_config_free(config);
    let disabled = ph_config_new(NONE);
    rows.push(("ph_config_new.api_key", !disabled.is_null()));
    ph_config_free(disabled);
    rows
}

fn client_calls(it: &Handles) -> Rows {
    let (client, none) = (it.client.raw(), ptr::null::<ph_client>());
    let (mut made, mut json) = (null(), null());
    let many = ph_stats_get(client, null(), 0);
    let rows = rows! {
        ph_init.config(ptr::null(), &raw mut made) => PH_ERROR_NULL;
        ph_client_start.client(none) => PH_OK;
        ph_register.client(none, it.props.raw()) => PH_OK;
        ph_register.props(client, ptr::null()) => PH_ERROR_NULL;
        ph_register_once.client(none, it.props.raw()) => PH_OK;
        ph_register_once.props(client, ptr::null()) => PH_ERROR_NULL;
        ph_unregister.client(none, OK) => PH_OK;
        ph_unregister.key(client, NONE) => PH_ERROR_NULL;
        ph_opt_out.client(none) => PH_OK;
        ph_opt_in.client(none) => PH_OK;
        ph_is_opted_out.client(none) => false;
        ph_flush.client(none, PH_FOREVER) => PH_OK;
        ph_shutdown.client(none, PH_FOREVER) => PH_OK;
        ph_error_next.client(none) => null();
        ph_report_get.report(null(), PH_REPORT_STATUS) => 0;
        ph_report_get_host.report(null()) => NONE;
        ph_report_get_message.report(null()) => NONE;
        ph_stats_get.client(none, null(), 0) => many;
        ph_stats_get.values(client, null(), 0) => many;
        ph_queue_drain.client(none, 1, &raw mut json) => PH_OK;
        ph_queue_drain.json_out(client, 1, null()) => PH_ERROR_NULL;
        ph_crash_thread_attach.client(none) => PH_OK;
        ph_crash_set_distinct_id.client(none, OK) => PH_OK;
        ph_crash_set_distinct_id.distinct_id(client, NONE) => PH_ERROR_UNSUPPORTED;
        ph_crash_write.client(none, OK, 2) => PH_OK;
        ph_crash_write.message(client, NONE, 0) => PH_ERROR_UNSUPPORTED;
    };
    assert!(made.is_null(), "written although the call failed");
    ph_string_free(json);
    rows
}

fn flag_calls(it: &Handles) -> Rows {
    let (client, none) = (it.client.raw(), ptr::null::<ph_client>());
    let (props, nothing, context) = (it.props.raw(), ptr::null::<ph_props>(), it.context);
    let mut out = [ptr::null_mut::<ph_flags>(); 6];
    let [found, empty, recalled, nobodys, found_n, empty_n] = out.each_mut().map(ptr::from_mut);
    let rows = rows! {
        ph_flags_evaluate.client(none, OK, context, 1, nobodys) => PH_OK;
        ph_flags_evaluate.distinct_id(client, NONE, context, 1, found) => PH_ERROR_NULL;
        ph_flags_evaluate.context(client, OK, ptr::null(), 10_000, found) => PH_OK;
        ph_flags_evaluate.flags_out(client, OK, context, 1, null()) => PH_ERROR_NULL;
        ph_flags_recall.client(none, OK, context, empty) => PH_OK;
        ph_flags_recall.distinct_id(client, NONE, context, found) => PH_ERROR_NULL;
        ph_flags_recall.context(client, OK, ptr::null(), recalled) => PH_OK;
        ph_flags_recall.flags_out(client, OK, context, null()) => PH_ERROR_NULL;
        ph_flag_enabled.client(none, OK, OK, context, true) => true;
        ph_flag_enabled.distinct_id(client, NONE, OK, context, true) => true;
        ph_flag_enabled.key(client, OK, NONE, context, true) => true;
        ph_flag_enabled.context(client, OK, c"new-checkout".as_ptr(), ptr::null(), false) => true;
        ph_flags_evaluate_n.client(none, OK, 2, context, 1, empty_n) => PH_OK;
        ph_flags_evaluate_n.distinct_id(client, NONE, 2, context, 1, found_n) => PH_ERROR_NULL;
        ph_flags_evaluate_n.context(client, OK, 2, ptr::null(), 10_000, found_n) => PH_OK;
        ph_flags_evaluate_n.flags_out(client, OK, 2, context, 1, null()) => PH_ERROR_NULL;
        ph_flag_enabled_n.client(none, OK, 2, OK, 2, context, true) => true;
        ph_flag_enabled_n.distinct_id(client, NONE, 2, OK, 2, context, true) => true;
        ph_flag_enabled_n.key(client, OK, 2, NONE, 2, context, true) => true;
        ph_flag_enabled_n.context(client, OK, 2, OK, 2, ptr::null(), true) => true;
        ph_flags_set_person_properties.client(none, OK, props) => PH_OK;
        ph_flags_set_person_properties.distinct_id(client, NONE, props) => PH_ERROR_NULL;
        ph_flags_set_person_properties.props(client, OK, nothing) => PH_ERROR_NULL;
        ph_flags_set_group_properties.client(none, OK, OK, props) => PH_OK;
        ph_flags_set_group_properties.group_type(client, NONE, OK, props) => PH_ERROR_NULL;
        ph_flags_set_group_properties.group_key(client, OK, NONE, props) => PH_ERROR_NULL;
        ph_flags_set_group_properties.props(client, OK, OK, nothing) => PH_ERROR_NULL;
        ph_flags_reset_person_properties.client(none, OK) => PH_OK;
        ph_flags_reset_person_properties.distinct_id(client, NONE) => PH_OK;
        ph_flags_reset_group_properties.client(none, OK, OK) => PH_OK;
        ph_flags_reset_group_properties.group_type(client, NONE, OK) => PH_OK;
        ph_flags_reset_group_properties.group_key(client, OK, NONE) => PH_ERROR_NULL;
    };
    out.into_iter().for_each(|flags| ph_flags_free(flags));
    rows
}

fn captures(it: &Handles) -> Rows {
    let (client, none) = (it.client.raw(), ptr::null::<ph_client>());
    let (props, event) = (it.props.raw(), it.event.raw());
    let exception = it.exception.raw();
    let nothing = ptr::null::<ph_props>();
    let braces = c"{}".as_ptr();
    rows! {
        ph_capture.client(none, OK, OK, props) => PH_OK;
        ph_capture.distinct_id(client, NONE, OK, props) => PH_ERROR_NULL;
        ph_capture.event(client, OK, NONE, props) => PH_ERROR_NULL;
        ph_capture.props(client, OK, OK, nothing) => PH_OK;
        ph_capture_n.client(none, OK, 2, OK, 2, props) => PH_OK;
        ph_capture_n.distinct_id(client, NONE, 2, OK, 2, props) => PH_ERROR_NULL;
        ph_capture_n.event(client, OK, 2, NONE, 2, props) => PH_ERROR_NULL;
        ph_capture_n.props(client, OK, 2, OK, 2, nothing) => PH_OK;
        ph_capture_event.client(none, event, null()) => PH_OK;
        ph_capture_event.event(client, ptr::null(), null()) => PH_ERROR_NULL;
        ph_capture_event.uuid_out(client, event, null()) => PH_OK;
        ph_capture_ai.client(none, event, null()) => PH_OK;
        ph_capture_ai.event(client, ptr::null(), null()) => PH_ERROR_NULL;
        ph_capture_ai.uuid_out(client, event, null()) => PH_OK;
        ph_capture_immediate.client(none, event, 0, null()) => PH_OK;
        ph_capture_immediate.event(client, ptr::null(), 0, null()) => PH_ERROR_NULL;
        ph_capture_immediate.uuid_out(client, event, PATIENCE_MS, null()) => PH_OK;
        ph_capture_ai_immediate.client(none, event, 0, null()) => PH_OK;
        ph_capture_ai_immediate.event(client, ptr::null(), 0, null()) => PH_ERROR_NULL;
        ph_capture_ai_immediate.uuid_out(client, event, PATIENCE_MS, null()) => PH_OK;
        ph_capture_json.client(none, OK, 2, OK, 2, braces, 2) => PH_OK;
        ph_capture_json.distinct_id(client, NONE, 2, OK, 2, braces, 2) => PH_ERROR_NULL;
        ph_capture_json.event(client, OK, 2, NONE, 2, braces, 2) => PH_ERROR_NULL;
        ph_capture_json.properties(client, OK, 2, OK, 2, NONE, 2) => PH_ERROR_NULL;
        ph_identify.client(none, OK, props, props) => PH_OK;
        ph_identify.distinct_id(client, NONE, props, props) => PH_ERROR_NULL;
        ph_identify.set(client, OK, nothing, props) => PH_OK;
        ph_identify.set_once(client, OK, props, nothing) => PH_OK;
        ph_alias.client(none, OK, OK) => PH_OK;
        ph_alias.distinct_id(client, NONE, OK) => PH_ERROR_NULL;
        ph_alias.alias(client, OK, NONE) => PH_ERROR_NULL;
        ph_group_identify.client(none, OK, OK, OK, props) => PH_OK;
        ph_group_identify.distinct_id(client, NONE, OK, OK, props) => PH_OK;
        ph_group_identify.group_type(client, OK, NONE, OK, props) => PH_ERROR_NULL;
        ph_group_identify.group_key(client, OK, OK, NONE, props) => PH_ERROR_NULL;
        ph_group_identify.props(client, OK, OK, OK, nothing) => PH_OK;
        ph_capture_exception.client(none, OK, exception) => PH_OK;
        ph_capture_exception.distinct_id(client, NONE, exception) => PH_OK;
        ph_capture_exception.exception(client, OK, ptr::null()) => PH_ERROR_NULL;
        ph_step_add.client(none, OK, props) => PH_OK;
        ph_step_add.message(client, NONE, props) => PH_ERROR_NULL;
        ph_step_add.props(client, OK, nothing) => PH_OK;
    }
}

#[test]
fn null_is_counted_and_a_good_event_follows() {
    super::nothing_else_is_lost(|client| {
        let raw = client.raw();
        let json = |id, event, text| ph_capture_json(raw, id, 2, event, 2, text, 2);
        let refused = |what, call: &dyn Fn() -> Status| {
            super::refused(client, PH_ERROR_NULL, what, |_| call());
        };
        refused("capture: id", &|| ph_capture(raw, NONE, OK, ptr::null()));
        refused("capture: event", &|| ph_capture(raw, OK, NONE, ptr::null()));
        refused("event", &|| ph_capture_event(raw, ptr::null(), null()));
        refused("ai", &|| ph_capture_ai(raw, ptr::null(), null()));
        refused("immediate", &|| ph_capture_immediate(raw, ptr::null(), 0, null()));
        refused("ai immediate", &|| ph_capture_ai_immediate(raw, ptr::null(), 0, null()));
        refused("json: id", &|| json(NONE, OK, c"{}".as_ptr()));
        refused("json: event", &|| json(OK, NONE, c"{}".as_ptr()));
        refused("json: properties", &|| json(OK, OK, NONE));
        refused("identify", &|| ph_identify(raw, NONE, ptr::null(), ptr::null()));
        refused("alias: id", &|| ph_alias(raw, NONE, OK));
        refused("alias: alias", &|| ph_alias(raw, OK, NONE));
        refused("group: type", &|| ph_group_identify(raw, OK, NONE, OK, ptr::null()));
        refused("group: key", &|| ph_group_identify(raw, OK, OK, NONE, ptr::null()));
        refused("exception", &|| ph_capture_exception(raw, OK, ptr::null()));
    });
}

#[test]
fn statuses_and_version_have_texts() {
    // SAFETY: both texts are static.
    let text = |text: *const c_char| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned();
    assert_eq!(text(ph_version()), env!("CARGO_PKG_VERSION"));
    let texts: BTreeSet<String> = (-25..=0).map(|status| text(ph_status_text(status))).collect();
    assert_eq!(texts.len(), 26, "two statuses share a text: {texts:?}");
    for unknown in [1, -26, i32::MIN, i32::MAX] {
        assert_eq!(text(ph_status_text(unknown)), "unknown status");
    }
}
