//! The C ABI, called as C calls it: through prototypes written by hand, with raw pointers, out of
//! memory that was never initialised. Nothing here opens a socket, and only the tests that say so
//! start a thread, so that `cargo miri test -p posthog-abi` can follow every pointer.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(non_camel_case_types, reason = "as they are spelled in C")]

#[path = "../support/prototypes.rs"]
mod prototypes;

use posthog::ffi::ph_status::{self, *};
use prototypes::*;
use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

/// What a lent string says.
fn read(text: *const c_char) -> String {
    assert!(!text.is_null());
    // SAFETY: every string that the library lends is NUL-terminated, and read at once.
    unsafe { CStr::from_ptr(text) }.to_str().expect("the library writes UTF-8").to_owned()
}

/// Calls with an out-parameter that was never initialised; what it wrote.
fn made<T>(call: impl FnOnce(*mut *mut T) -> ph_status) -> *mut T {
    let mut out = MaybeUninit::<*mut T>::uninit();
    assert_eq!(call(out.as_mut_ptr()), PH_OK);
    // SAFETY: out-parameters are written on success.
    let made = unsafe { out.assume_init() };
    assert!(!made.is_null());
    made
}

/// Calls with an out-parameter that must stay as it is, down to the last bit.
fn refused<T>(call: impl FnOnce(*mut *mut T) -> ph_status) -> ph_status {
    let nowhere = usize::MAX / 3;
    let mut out = nowhere as *mut T;
    let status = call(&raw mut out);
    assert_ne!(status, PH_OK);
    assert_eq!(out as usize, nowhere, "written although the call failed");
    status
}

/// Options for an address that nobody is ever asked for.
fn config() -> *mut ph_config {
    let config = ph_config_new(c"phc_test".as_ptr());
    assert_eq!(ph_config_set_host(config, c"http://127.0.0.1:9/".as_ptr()), PH_OK);
    config
}

fn client_of(config: *mut ph_config) -> *mut ph_client {
    let client = made(|out| ph_init(config, out));
    ph_config_free(config);
    client
}

fn statistics(client: *const ph_client) -> Vec<u64> {
    let mut values = vec![u64::MAX; ph_stats_get(client, null_mut(), 0)];
    assert_eq!(ph_stats_get(client, values.as_mut_ptr(), values.len()), values.len());
    values
}

fn filled() -> *mut ph_props {
    let props = ph_props_new();
    assert_eq!(ph_props_set_str(props, c"plan".as_ptr(), c"pro".as_ptr()), PH_OK);
    assert_eq!(ph_props_set_int(props, c"n".as_ptr(), -1), PH_OK);
    props
}

/// The text of a map: an event takes it over and shows it.
fn text_of(props: *const ph_props) -> String {
    let event = made(|out| ph_event_new(c"u".as_ptr(), c"e".as_ptr(), out));
    assert_eq!(ph_event_set_properties(event, props), PH_OK);
    let text = read(ph_event_get_properties(event));
    ph_event_free(event);
    text
}

#[test]
fn texts_are_static() {
    let version = format!("\nversion = \"{}\"\n", read(ph_version()));
    assert!(include_str!("../../Cargo.toml").contains(&version), "{version}");
    assert_eq!(read(ph_status_text(0)), "ok");
    assert_eq!(read(ph_status_text(i32::MIN)), "unknown status");
}

#[test]
fn out_parameters_are_written_on_success_only() {
    let text = c"text".as_ptr();
    ph_event_free(made(|out| ph_event_new(text, text, out)));
    ph_exception_free(made(|out| ph_exception_new(text, text, out)));
    ph_client_free(client_of(config()));
    ph_string_free(made(|out| ph_queue_drain(null(), 1, out)));
    ph_flags_free(made(|out| ph_flags_evaluate(null(), text, null(), 0, out)));

    assert_eq!(refused(|out| ph_event_new(text, c" ".as_ptr(), out)), PH_ERROR_EMPTY);
    assert_eq!(refused(|out| ph_event_new(c"\xFF".as_ptr(), text, out)), PH_ERROR_UTF8);
    assert_eq!(refused(|out| ph_exception_new(null(), text, out)), PH_ERROR_NULL);
    assert_eq!(refused(|out| ph_init(null(), out)), PH_ERROR_NULL);
}

#[test]
fn null_is_answered_everywhere() {
    let text = c"text".as_ptr();
    let (nobody, props, event) = (null_mut(), filled(), null_mut());
    assert_eq!(ph_config_set_host(null_mut(), text), PH_ERROR_NULL);
    assert_eq!(ph_config_set_flush_at(null_mut(), 1), PH_ERROR_NULL);
    assert_eq!(ph_props_clear(null_mut()), PH_ERROR_NULL);
    assert_eq!(ph_props_set_str(null_mut(), text, text), PH_ERROR_NULL);
    assert_eq!(ph_props_set_str(props, null(), text), PH_ERROR_NULL);
    assert_eq!(ph_props_set_str(props, text, null()), PH_ERROR_NULL);
    assert_eq!(ph_props_set_json(props, text, null()), PH_ERROR_NULL);
    assert_eq!(ph_props_set_members(props, null(), 1), PH_ERROR_NULL);
    assert_eq!(ph_props_set_object(props, text, null()), PH_ERROR_NULL);
    assert_eq!(ph_props_remove(props, null()), PH_ERROR_NULL);
    assert_eq!(ph_event_set_name(event, text), PH_ERROR_NULL);
    assert_eq!(ph_event_new(text, text, null_mut()), PH_ERROR_NULL);
    assert_eq!(ph_exception_add_frame(null_mut(), text, text, 1, text, true), PH_ERROR_NULL);
    assert_eq!(ph_init(null(), null_mut()), PH_ERROR_NULL);
    assert_eq!(ph_queue_drain(null(), 1, null_mut()), PH_ERROR_NULL);
    assert_eq!(ph_flags_evaluate(null(), text, null(), 0, null_mut()), PH_ERROR_NULL);
    assert!(ph_event_get_name(event).is_null());
    assert!(ph_event_get_properties(event).is_null());
    assert!(ph_event_get_property(event, text).is_null());
    assert_eq!(ph_flags_get_count(null()), 0);
    assert!(ph_flags_get_key(null(), 0).is_null());

    ph_client_free(nobody);
    ph_config_free(null_mut());
    ph_props_free(null_mut());
    ph_event_free(null_mut());
    ph_exception_free(null_mut());
    ph_context_free(null_mut());
    ph_flags_free(null_mut());
    ph_string_free(null_mut());
    assert_eq!(text_of(props), r#"{"plan":"pro","n":-1}"#, "failed setters changed it");
    ph_props_free(props);
}

#[test]
fn a_null_client_is_a_disabled_one() {
    let text = c"text".as_ptr();
    assert_eq!(ph_client_start(null()), PH_OK);
    assert_eq!(ph_capture(null(), text, text, null()), PH_OK);
    assert_eq!(ph_identify(null(), text, null(), null()), PH_OK);
    assert_eq!(ph_flush(null(), u32::MAX), PH_OK);
    assert_eq!(ph_shutdown(null(), u32::MAX), PH_OK);
    assert!(ph_flag_enabled(null(), text, text, null(), true));
    assert!(statistics(null()).iter().all(|value| *value == 0));
}

#[test]
fn properties_are_a_map() {
    let props = filled();
    assert_eq!(ph_props_set_double(props, c"nan".as_ptr(), f64::NAN), PH_OK);
    assert_eq!(ph_props_set_bool(props, c"ok".as_ptr(), true), PH_OK);
    assert_eq!(ph_props_set_json(props, c"list".as_ptr(), c" [1, 2] ".as_ptr()), PH_OK);
    assert_eq!(ph_props_set_str(props, c"plan".as_ptr(), c"a\"\xFF".as_ptr()), PH_OK);
    let expected = "{\"n\":-1,\"nan\":null,\"ok\":true,\"list\":[1,2],\"plan\":\"a\\\"\u{FFFD}\"}";
    assert_eq!(text_of(props), expected);

    assert_eq!(ph_props_set_json(props, c"n".as_ptr(), c"[1,".as_ptr()), PH_ERROR_JSON);
    assert_eq!(ph_props_set_int(props, c"".as_ptr(), 1), PH_ERROR_EMPTY);
    assert_eq!(ph_props_set_int(props, c"\xFF".as_ptr(), 1), PH_ERROR_UTF8);
    assert_eq!(text_of(props), expected);

    assert_eq!(ph_props_remove(props, c"nan".as_ptr()), PH_OK);
    assert_eq!(ph_props_remove(props, c"nan".as_ptr()), PH_OK);
    assert_eq!(ph_props_clear(props), PH_OK);
    // Exactly as long as it says: a byte more would be read out of bounds.
    let members: Box<[u8]> = (*br#"{"a":1,"b":{"c":[]},"a":2}"#).into();
    assert_eq!(ph_props_set_members(props, members.as_ptr().cast(), members.len()), PH_OK);
    drop(members);
    assert_eq!(text_of(props), r#"{"b":{"c":[]},"a":2}"#);
    assert_eq!(ph_props_set_members(props, null(), 0), PH_ERROR_JSON);

    let outer = ph_props_new();
    assert_eq!(ph_props_set_object(outer, c"in".as_ptr(), props), PH_OK);
    ph_props_free(props);
    assert_eq!(text_of(outer), r#"{"in":{"b":{"c":[]},"a":2}}"#);
    ph_props_free(outer);
}

#[test]
fn a_map_can_be_nested_in_itself() {
    let props = filled();
    assert_eq!(ph_props_set_object(props, c"copy".as_ptr(), props), PH_OK);
    assert_eq!(text_of(props), r#"{"plan":"pro","n":-1,"copy":{"plan":"pro","n":-1}}"#);
    ph_props_free(props);
}

#[test]
fn an_event_takes_what_it_has_lent() {
    let event = made(|out| ph_event_new(c"u".as_ptr(), c"plan".as_ptr(), out));
    let props = filled();
    assert_eq!(ph_event_set_properties(event, props), PH_OK);
    ph_props_free(props);
    assert_eq!(ph_event_set_name(event, ph_event_get_name(event)), PH_OK);
    // The key is the text that this call replaces.
    let value = ph_event_get_property(event, ph_event_get_name(event));
    assert_eq!(read(value), "\"pro\"");
    assert!(ph_event_get_property(event, c"not there".as_ptr()).is_null());
    assert_eq!(read(ph_event_get_name(event)), "plan");
    ph_event_free(event);
}

#[test]
fn options_have_ranges() {
    let config = config();
    assert_eq!(ph_config_set_flush_at(config, 1_000_001), PH_ERROR_RANGE);
    assert_eq!(ph_config_set_flush_at(config, 0), PH_OK);
    assert_eq!(ph_config_set_queue_max_bytes(config, u64::MAX), PH_ERROR_RANGE);
    assert_eq!(ph_config_set_queue_max_bytes(config, 4 << 30), PH_OK);
    for number in [i32::MIN, -1, 3, i32::MAX] {
        assert_eq!(ph_config_set_overflow(config, number, 0), PH_ERROR_RANGE);
    }
    for number in [i32::MIN, -1, 5, i32::MAX] {
        assert_eq!(ph_config_set_compression(config, number), PH_ERROR_RANGE);
    }
    assert_eq!(ph_config_set_host(config, c"nowhere".as_ptr()), PH_ERROR_HOST);
    assert_eq!(ph_config_set_host(config, c"http://\xFF/".as_ptr()), PH_ERROR_UTF8);
    let empty = ph_config_set_library(config, c"".as_ptr(), c"1".as_ptr());
    assert_eq!(empty, PH_ERROR_EMPTY);
    assert_eq!(ph_config_set_environment(config, null()), PH_OK);
    ph_config_free(config);
}

#[test]
fn statistics_fill_the_room_that_there_is() {
    let count = ph_stats_get(null(), null_mut(), 0);
    let mut less = [7; 2];
    assert_eq!(ph_stats_get(null(), less.as_mut_ptr(), 1), count);
    assert_eq!(less, [0, 7]);
    let mut more = vec![7; count + 1];
    assert_eq!(ph_stats_get(null(), more.as_mut_ptr(), more.len()), count);
    assert_eq!(more[count - 1..], [0, 7]);
}

unsafe extern "C" fn note_and_drop(userdata: *mut c_void, event: *mut ph_event) -> i32 {
    let text = format!(
        "{} {};",
        read(ph_event_get_name(event)),
        read(ph_event_get_property(event, c"n".as_ptr(),))
    );
    // SAFETY: the test registered a String.
    unsafe { &mut *userdata.cast::<String>() }.push_str(&text);
    assert_eq!(ph_capture(null(), c"u".as_ptr(), c"inside".as_ptr(), null()), PH_OK);
    1
}

unsafe extern "C" fn count_freed(userdata: *mut c_void) {
    // SAFETY: the test registered a String.
    unsafe { &mut *userdata.cast::<String>() }.push_str("freed");
}

/// Everything that a capture does but for the queue: a hook drops each event before it, so that
/// no thread is started.
#[test]
fn a_hook_sees_each_event_and_its_userdata_is_freed_once() {
    let seen = Box::into_raw(Box::new(String::new()));
    let config = config();
    let added =
        ph_config_add_before_send(config, Some(note_and_drop), seen.cast(), Some(count_freed));
    assert_eq!(added, PH_OK);
    let client = client_of(config);
    let props = filled();
    assert_eq!(ph_register(client, props), PH_OK);
    let (user, name) = (c"u".as_ptr(), c"e".as_ptr());
    assert_eq!(ph_capture(client, user, name, props), PH_ERROR_FILTERED);
    let json = br#"{"n":2}"#;
    let status = ph_capture_json(client, user, 1, name, 1, json.as_ptr().cast(), json.len());
    assert_eq!(status, PH_ERROR_FILTERED);

    let event = made(|out| ph_event_new(user, name, out));
    let mut uuid: [c_char; 37] = [1; 37];
    assert_eq!(ph_capture_event(client, event, uuid.as_mut_ptr()), PH_ERROR_FILTERED);
    assert_eq!(uuid, [1; 37], "written although the call failed");
    ph_event_free(event);
    ph_props_free(props);
    ph_client_free(client);
    // SAFETY: made above; the library no longer has it.
    let seen = unsafe { Box::from_raw(seen) };
    assert_eq!(*seen, "e -1;e 2;e -1;freed");
}

#[test]
fn a_disabled_client_accepts_everything_and_does_nothing() {
    let client = client_of(ph_config_new(null()));
    let (user, name) = (c"u".as_ptr(), c"e".as_ptr());
    let props = filled();
    assert_eq!(ph_capture(client, user, name, props), PH_OK);
    assert_eq!(ph_identify(client, user, props, props), PH_OK);
    let event = made(|out| ph_event_new(user, name, out));
    // No more room than the header asks for, and that not aligned.
    let mut buffer: [c_char; 38] = [1; 38];
    let uuid = buffer.as_mut_ptr().wrapping_add(1);
    assert_eq!(ph_capture_event(client, event, uuid), PH_OK);
    assert_eq!((buffer[0], buffer[1]), (1, 0), "an empty text");
    assert_eq!(ph_capture_event(client, event, null_mut()), PH_OK);
    ph_event_free(event);
    let exception = made(|out| ph_exception_new(c"Error".as_ptr(), c"".as_ptr(), out));
    assert_eq!(ph_exception_add_frame(exception, null(), null(), 0, null(), false), PH_OK);
    assert_eq!(ph_capture_exception(client, user, exception), PH_OK);
    ph_exception_free(exception);
    let json = made(|out| ph_queue_drain(client, 10, out));
    assert_eq!(read(json), "[]");
    ph_string_free(json);
    assert!(statistics(client).iter().all(|value| *value == 0));
    assert_eq!(ph_flush(client, 0), PH_OK);
    assert_eq!(ph_shutdown(client, 0), PH_OK);
    ph_props_free(props);
    ph_client_free(client);
}

/// With a sender, which is never given a reason to send.
#[test]
#[cfg_attr(miri, ignore = "starts a thread, with signal masks and scheduling")]
fn queued_events_can_be_taken_out() {
    let config = config();
    assert_eq!(ph_config_set_flush_interval_ms(config, 3_600_000), PH_OK);
    let client = client_of(config);
    let (user, name) = (c"u".as_ptr(), c"e".as_ptr());
    let props = filled();
    for _ in 0..3 {
        assert_eq!(ph_capture(client, user, name, props), PH_OK);
    }
    ph_props_free(props);
    let event = made(|out| ph_event_new(user, name, out));
    let mut uuid: [c_char; 37] = [1; 37];
    assert_eq!(ph_capture_event(client, event, uuid.as_mut_ptr()), PH_OK);
    ph_event_free(event);

    for (events_max, expected) in [(0, 0), (1, 1), (usize::MAX, 3), (1, 0)] {
        let json = made(|out| ph_queue_drain(client, events_max, out));
        let text = read(json);
        assert_eq!(text.matches("\"distinct_id\":\"u\"").count(), expected, "{text}");
        assert_eq!(text.contains(&read(uuid.as_ptr())), expected == 3, "{text}");
        ph_string_free(json);
    }
    // Accepted, adopted, delivered, queued, in flight, stored, drained.
    assert_eq!(statistics(client)[..7], [4, 0, 0, 0, 0, 0, 4]);
    assert_eq!(ph_shutdown(client, 1000), PH_OK);
    assert_eq!(ph_capture(client, user, name, null()), PH_ERROR_SHUTDOWN);
    ph_client_free(client);
}
