//! `NULL` for every pointer of the functions of property maps, events, exceptions and flags.

use super::{Handles, NONE, OK, Rows, null, rows};
use crate::c::*;
use std::ffi::{c_char, c_void};
use std::ptr;

/// The rows of these functions.
pub const ALL: [fn(&Handles) -> Rows; 7] =
    [response, props, event, getters, exception, context, snapshot];

/// A response there is only while the host carries a request.
fn response(_: &Handles) -> Rows {
    let mut rows = Rows::new();
    let config = crate::client::to_url("http://posthog.test").set(ph_config_set_max_retries, 1);
    let told = (&raw mut rows).cast();
    assert_eq!(ph_config_set_transport(config.raw(), Some(carry), told, None), PH_OK);
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    // Whoever is shut down calls nothing any more.
    assert_eq!(client.shutdown(crate::client::PATIENCE_MS), PH_ERROR_LOST);
    rows
}

unsafe extern "C" fn carry(
    rows: *mut c_void,
    _: *const c_char,
    _: *const c_char,
    _: *const *const c_char,
    _: *const c_char,
    _: usize,
    _: u32,
    response: *mut ph_response,
) -> i32 {
    // SAFETY: `response` waits until nobody calls this any more.
    let rows = unsafe { &mut *rows.cast::<Rows>() };
    *rows = rows! {
        ph_response_set_status.response(null(), 200) => PH_ERROR_NULL;
        ph_response_add_header.response(null(), OK, OK) => PH_ERROR_NULL;
        ph_response_add_header.name(response, NONE, OK) => PH_ERROR_NULL;
        ph_response_add_header.value(response, OK, NONE) => PH_ERROR_NULL;
        ph_response_append_body.response(null(), OK, 2) => PH_ERROR_NULL;
        ph_response_append_body.data(response, NONE, 2) => PH_ERROR_NULL;
    };
    1
}

fn props(it: &Handles) -> Rows {
    let (none, props) = (null::<ph_props>(), it.props.raw());
    rows! {
        ph_props_clear.props(none) => PH_ERROR_NULL;
        ph_props_set_str.props(none, OK, OK) => PH_ERROR_NULL;
        ph_props_set_str.key(props, NONE, OK) => PH_ERROR_NULL;
        ph_props_set_str.value(props, OK, NONE) => PH_ERROR_NULL;
        ph_props_set_str_n.props(none, OK, 2, OK, 2) => PH_ERROR_NULL;
        ph_props_set_str_n.key(props, NONE, 2, OK, 2) => PH_ERROR_NULL;
        ph_props_set_str_n.value(props, OK, 2, NONE, 2) => PH_ERROR_NULL;
        ph_props_set_int.props(none, OK, 1) => PH_ERROR_NULL;
        ph_props_set_int.key(props, NONE, 1) => PH_ERROR_NULL;
        ph_props_set_uint.props(none, OK, 1) => PH_ERROR_NULL;
        ph_props_set_uint.key(props, NONE, 1) => PH_ERROR_NULL;
        ph_props_set_double.props(none, OK, 1.0) => PH_ERROR_NULL;
        ph_props_set_double.key(props, NONE, 1.0) => PH_ERROR_NULL;
        ph_props_set_bool.props(none, OK, true) => PH_ERROR_NULL;
        ph_props_set_bool.key(props, NONE, true) => PH_ERROR_NULL;
        ph_props_set_null.props(none, OK) => PH_ERROR_NULL;
        ph_props_set_null.key(props, NONE) => PH_ERROR_NULL;
        ph_props_set_object.props(none, OK, props) => PH_ERROR_NULL;
        ph_props_set_object.key(props, NONE, props) => PH_ERROR_NULL;
        ph_props_set_object.value(props, OK, ptr::null()) => PH_ERROR_NULL;
        ph_props_set_json.props(none, OK, c"1".as_ptr()) => PH_ERROR_NULL;
        ph_props_set_json.key(props, NONE, c"1".as_ptr()) => PH_ERROR_NULL;
        ph_props_set_json.json(props, OK, NONE) => PH_ERROR_NULL;
        ph_props_set_members.props(none, c"{}".as_ptr(), 2) => PH_ERROR_NULL;
        ph_props_set_members.json(props, NONE, 2) => PH_ERROR_NULL;
        ph_props_remove.props(none, OK) => PH_ERROR_NULL;
        ph_props_remove.key(props, NONE) => PH_ERROR_NULL;
    }
}

fn event(it: &Handles) -> Rows {
    let (none, event, props) = (null::<ph_event>(), it.event.raw(), it.props.raw());
    let time = c"2026-11-20T10:00:00Z".as_ptr();
    let uuid = c"0194cc39-1f25-7000-8000-000000000001".as_ptr();
    let mut out = null();
    rows! {
        ph_event_new.distinct_id(NONE, OK, &raw mut out) => PH_ERROR_NULL;
        ph_event_new.name(OK, NONE, &raw mut out) => PH_ERROR_NULL;
        ph_event_new.event_out(OK, OK, null()) => PH_ERROR_NULL;
        ph_event_new_json.distinct_id(NONE, 2, OK, 2, OK, 0, &raw mut out) => PH_ERROR_NULL;
        ph_event_new_json.name(OK, 2, NONE, 2, OK, 0, &raw mut out) => PH_ERROR_NULL;
        ph_event_new_json.details(OK, 2, OK, 2, NONE, 2, &raw mut out) => PH_ERROR_NULL;
        ph_event_new_json.event_out(OK, 2, OK, 2, OK, 0, null()) => PH_ERROR_NULL;
        ph_event_set_name.event(none, OK) => PH_ERROR_NULL;
        ph_event_set_name.name(event, NONE) => PH_ERROR_NULL;
        ph_event_set_distinct_id.event(none, OK) => PH_ERROR_NULL;
        ph_event_set_distinct_id.distinct_id(event, NONE) => PH_ERROR_NULL;
        ph_event_set_uuid.event(none, uuid) => PH_ERROR_NULL;
        ph_event_set_uuid.uuid(event, NONE) => PH_ERROR_NULL;
        ph_event_set_timestamp.event(none, time) => PH_ERROR_NULL;
        ph_event_set_timestamp.rfc3339(event, NONE) => PH_ERROR_NULL;
        ph_event_set_timestamp_ms.event(none, 0) => PH_ERROR_NULL;
        ph_event_set_group.event(none, OK, OK) => PH_ERROR_NULL;
        ph_event_set_group.group_type(event, NONE, OK) => PH_ERROR_NULL;
        ph_event_set_group.group_key(event, OK, NONE) => PH_ERROR_NULL;
        ph_event_set_properties.event(none, props) => PH_ERROR_NULL;
        ph_event_set_properties.props(event, ptr::null()) => PH_ERROR_NULL;
        ph_event_remove_property.event(none, OK) => PH_ERROR_NULL;
        ph_event_remove_property.key(event, NONE) => PH_ERROR_NULL;
        ph_event_set_person_properties.event(none, props) => PH_ERROR_NULL;
        ph_event_set_person_properties.props(event, ptr::null()) => PH_ERROR_NULL;
        ph_event_set_person_properties_once.event(none, props) => PH_ERROR_NULL;
        ph_event_set_person_properties_once.props(event, ptr::null()) => PH_ERROR_NULL;
        ph_event_set_process_person_profile.event(none, true) => PH_ERROR_NULL;
        ph_event_set_cookieless_mode.event(none, true) => PH_ERROR_NULL;
        ph_event_set_disable_skew_correction.event(none, true) => PH_ERROR_NULL;
        ph_event_set_product_tour_id.event(none, OK) => PH_ERROR_NULL;
        ph_event_set_product_tour_id.tour_id(event, NONE) => PH_ERROR_NULL;
        ph_event_set_options.event(none, props) => PH_ERROR_NULL;
        ph_event_set_options.options(event, ptr::null()) => PH_ERROR_NULL;
        ph_event_set_flags.event(none, it.flags) => PH_ERROR_NULL;
        ph_event_set_flags.flags(event, ptr::null()) => PH_ERROR_NULL;
    }
}

fn getters(it: &Handles) -> Rows {
    let (none, event) = (null::<ph_event>(), it.event.raw());
    rows! {
        ph_event_get_name.event(none) => NONE;
        ph_event_get_distinct_id.event(none) => NONE;
        ph_event_get_properties.event(none) => NONE;
        ph_event_get_property.event(none, OK) => NONE;
        ph_event_get_property.key(event, NONE) => NONE;
    }
}

fn exception(it: &Handles) -> Rows {
    let (none, exception) = (null::<ph_exception>(), it.exception.raw());
    let (mut out, address) = (null(), 1_usize);
    let addresses = &raw const address;
    rows! {
        ph_exception_new.type(NONE, OK, &raw mut out) => PH_ERROR_NULL;
        ph_exception_new.message(OK, NONE, &raw mut out) => PH_ERROR_NULL;
        ph_exception_new.exception_out(OK, OK, null()) => PH_ERROR_NULL;
        ph_exception_set_level.exception(none, 1) => PH_ERROR_NULL;
        ph_exception_set_handled.exception(none, true) => PH_ERROR_NULL;
        ph_exception_set_fingerprint.exception(none, OK) => PH_ERROR_NULL;
        ph_exception_set_fingerprint.fingerprint(exception, NONE) => PH_ERROR_NULL;
        ph_exception_add_frame.exception(none, OK, OK, 1, OK, true) => PH_ERROR_NULL;
        ph_exception_add_frame.function(exception, NONE, OK, 1, OK, true) => PH_OK;
        ph_exception_add_frame.file(exception, OK, NONE, 1, OK, true) => PH_OK;
        ph_exception_add_frame.module(exception, OK, OK, 1, NONE, true) => PH_OK;
        ph_exception_new_json.json(NONE, 2, &raw mut out) => PH_ERROR_NULL;
        ph_exception_new_json.exception_out(OK, 2, null()) => PH_ERROR_NULL;
        ph_exception_set_uuid.exception(none, OK) => PH_ERROR_NULL;
        ph_exception_set_uuid.uuid(exception, NONE) => PH_ERROR_NULL;
        ph_exception_set_timestamp_ms.exception(none, 0) => PH_ERROR_NULL;
        ph_exception_set_synthetic.exception(none, true) => PH_ERROR_NULL;
        ph_exception_set_mechanism.exception(none, OK) => PH_ERROR_NULL;
        ph_exception_set_mechanism.mechanism(exception, NONE) => PH_ERROR_NULL;
        ph_exception_set_source.exception(none, OK) => PH_ERROR_NULL;
        ph_exception_set_source.source(exception, NONE) => PH_ERROR_NULL;
        ph_exception_set_trace.exception(none, OK, OK) => PH_ERROR_NULL;
        ph_exception_set_trace.trace_id(exception, NONE, OK) => PH_ERROR_NULL;
        ph_exception_set_trace.span_id(exception, OK, NONE) => PH_ERROR_NULL;
        ph_exception_set_group.exception(none, OK, OK) => PH_ERROR_NULL;
        ph_exception_set_group.group_type(exception, NONE, OK) => PH_ERROR_NULL;
        ph_exception_set_group.key(exception, OK, NONE) => PH_ERROR_NULL;
        ph_exception_set_stack.exception(none, true, 0) => PH_ERROR_NULL;
        ph_exception_set_addresses.exception(none, addresses, 1) => PH_ERROR_NULL;
        ph_exception_set_addresses.addresses(exception, ptr::null(), 1) => PH_ERROR_NULL;
        ph_exception_set_frames.exception(none, OK, 2) => PH_ERROR_NULL;
        ph_exception_set_frames.json(exception, NONE, 2) => PH_ERROR_NULL;
        ph_exception_add_cause.exception(none, exception, OK) => PH_ERROR_NULL;
        ph_exception_add_cause.cause(exception, ptr::null(), OK) => PH_ERROR_NULL;
        ph_exception_add_cause.source(exception, exception, NONE) => PH_OK;
        ph_exception_set_properties.exception(none, it.props.raw()) => PH_ERROR_NULL;
        ph_exception_set_properties.props(exception, ptr::null()) => PH_ERROR_NULL;
    }
}

fn context(it: &Handles) -> Rows {
    let (none, context, props) = (null::<ph_context>(), it.context, it.props.raw());
    let mut made = null();
    let nothing = ptr::null::<ph_props>();
    rows! {
        ph_context_set_group.context(none, OK, OK) => PH_ERROR_NULL;
        ph_context_set_group.group_type(context, NONE, OK) => PH_ERROR_NULL;
        ph_context_set_group.group_key(context, OK, NONE) => PH_ERROR_NULL;
        ph_context_set_person_properties.context(none, props) => PH_ERROR_NULL;
        ph_context_set_person_properties.props(context, nothing) => PH_ERROR_NULL;
        ph_context_set_group_properties.context(none, OK, props) => PH_ERROR_NULL;
        ph_context_set_group_properties.group_type(context, NONE, props) => PH_ERROR_NULL;
        ph_context_set_group_properties.props(context, OK, nothing) => PH_ERROR_NULL;
        ph_context_set_device_id.context(none, OK) => PH_ERROR_NULL;
        ph_context_set_device_id.device_id(context, NONE) => PH_ERROR_NULL;
        ph_context_add_flag_key.context(none, OK) => PH_ERROR_NULL;
        ph_context_add_flag_key.key(context, NONE) => PH_ERROR_NULL;
        ph_context_limit_flag_keys.context(none) => PH_ERROR_NULL;
        ph_context_add_evaluation_context.context(none, OK) => PH_ERROR_NULL;
        ph_context_add_evaluation_context.name(context, NONE) => PH_ERROR_NULL;
        ph_context_set_geoip_disable.context(none, true) => PH_ERROR_NULL;
        ph_context_set_local_only.context(none, true) => PH_ERROR_NULL;
        ph_context_set_flag_events.context(none, true) => PH_ERROR_NULL;
        ph_context_new_json.json(NONE, 2, &raw mut made) => PH_ERROR_NULL;
        ph_context_new_json.context_out(c"{}".as_ptr(), 2, null()) => PH_ERROR_NULL;
    }
}

fn snapshot(it: &Handles) -> Rows {
    let (none, flags, mut part) = (ptr::null::<ph_flags>(), it.flags, null());
    let keys = [OK].as_ptr();
    rows! {
        ph_flags_is_enabled.flags(none, OK, true) => true;
        ph_flags_is_enabled.key(flags, NONE, true) => true;
        ph_flags_is_known.flags(none, OK) => false;
        ph_flags_is_known.key(flags, NONE) => false;
        ph_flags_get_variant.flags(none, OK) => NONE;
        ph_flags_get_variant.key(flags, NONE) => NONE;
        ph_flags_get_payload.flags(none, OK) => NONE;
        ph_flags_get_payload.key(flags, NONE) => NONE;
        ph_flags_get_reason.flags(none, OK) => NONE;
        ph_flags_get_reason.key(flags, NONE) => NONE;
        ph_flags_get_source.flags(none, OK) => PH_FLAG_SOURCE_UNKNOWN;
        ph_flags_get_source.key(flags, NONE) => PH_FLAG_SOURCE_UNKNOWN;
        ph_flags_get_age_ms.flags(none, OK) => -1;
        ph_flags_get_age_ms.key(flags, NONE) => -1;
        ph_flags_get_id.flags(none, OK) => -1;
        ph_flags_get_id.key(flags, NONE) => -1;
        ph_flags_get_version.flags(none, OK) => -1;
        ph_flags_get_version.key(flags, NONE) => -1;
        ph_flags_get_request_id.flags(none) => NONE;
        ph_flags_get_unknown_key.flags(none, 0) => NONE;
        ph_flags_only.flags(none, keys, 0, &raw mut part) => PH_ERROR_NULL;
        ph_flags_only.keys(flags, ptr::null(), 1, &raw mut part) => PH_ERROR_NULL;
        ph_flags_only.flags_out(flags, keys, 0, null()) => PH_ERROR_NULL;
        ph_flags_only_accessed.flags(none, &raw mut part) => PH_ERROR_NULL;
        ph_flags_only_accessed.flags_out(flags, null()) => PH_ERROR_NULL;
        ph_flags_get_count.flags(none) => 0;
        ph_flags_get_key.flags(none, 0) => NONE;
    }
}
