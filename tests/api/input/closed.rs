//! Clients that are shut down, disabled, or not there at all.

use crate::c::*;
use crate::client::{Client, Config, KEY, to};
use crate::handle::{Event, Exception, Props};
use crate::stats::Stats;
use crate::time::timed;
use posthog_receiver::Receiver;
use std::ffi::c_char;
use std::ptr;

/// Every capture that there is, by name.
fn captures(client: *const ph_client) -> Vec<(&'static str, Status)> {
    let ok = c"ok".as_ptr();
    let (props, event, exception) =
        (Props::new().int("a", 1), Event::new("u", "e"), Exception::new("e", "m"));
    let json = c"{}".as_ptr();
    vec![
        ("ph_capture", ph_capture(client, ok, ok, props.raw())),
        ("ph_capture_n", ph_capture_n(client, ok, 2, ok, 2, props.raw())),
        ("ph_capture_event", ph_capture_event(client, event.raw(), ptr::null_mut())),
        ("ph_capture_json", ph_capture_json(client, ok, 2, ok, 2, json, 2)),
        ("ph_identify", ph_identify(client, ok, props.raw(), props.raw())),
        ("ph_alias", ph_alias(client, ok, ok)),
        ("ph_group_identify", ph_group_identify(client, ok, ok, ok, props.raw())),
        ("ph_capture_exception", ph_capture_exception(client, ok, exception.raw())),
    ]
}

/// The same with nothing in them.
fn empty_captures(client: *const ph_client) -> Vec<(&'static str, Status)> {
    let none = ptr::null::<c_char>();
    vec![
        ("ph_capture", ph_capture(client, none, none, ptr::null())),
        ("ph_capture_n", ph_capture_n(client, none, 1, none, 1, ptr::null())),
        ("ph_capture_event", ph_capture_event(client, ptr::null(), ptr::null_mut())),
        ("ph_capture_json", ph_capture_json(client, none, 1, none, 1, none, 1)),
        ("ph_identify", ph_identify(client, none, ptr::null(), ptr::null())),
        ("ph_alias", ph_alias(client, none, none)),
        ("ph_group_identify", ph_group_identify(client, none, none, none, ptr::null())),
        ("ph_capture_exception", ph_capture_exception(client, none, ptr::null())),
    ]
}

/// The calls that capture nothing.
fn others(client: *const ph_client) -> Vec<(&'static str, Status)> {
    let props = Props::new().int("a", 1);
    vec![
        ("ph_register", ph_register(client, props.raw())),
        ("ph_register_once", ph_register_once(client, props.raw())),
        ("ph_unregister", ph_unregister(client, c"a".as_ptr())),
        ("ph_client_start", ph_client_start(client)),
        ("ph_flush", ph_flush(client, PH_FOREVER)),
        ("ph_opt_out", ph_opt_out(client)),
        ("ph_opt_in", ph_opt_in(client)),
    ]
}

fn drained(client: *const ph_client) -> String {
    let mut json = ptr::null_mut();
    assert_eq!(ph_queue_drain(client, 10, &raw mut json), PH_OK);
    crate::handle::owned_text(json)
}

/// What a client answers that does nothing.
fn assert_does_nothing(client: *const ph_client) {
    let calls = captures(client).into_iter().chain(empty_captures(client)).chain(others(client));
    for (call, status) in calls {
        assert_eq!(status, PH_OK, "{call}");
    }
    let (event, mut uuid) = (Event::new("u", "e"), [0x7F; PH_UUID_SIZE]);
    assert_eq!(ph_capture_event(client, event.raw(), uuid.as_mut_ptr()), PH_OK);
    assert_eq!(uuid[0], 0, "the uuid of nothing is an empty string");
    assert_eq!(drained(client), "[]");
    let mut flags = ptr::null_mut();
    let id = c"u".as_ptr();
    assert_eq!(ph_flags_evaluate(client, id, ptr::null(), 1_000, &raw mut flags), PH_OK);
    assert_eq!(ph_flags_get_count(flags), 0);
    ph_flags_free(flags);
    for fallback in [true, false] {
        let key = c"new-checkout".as_ptr();
        assert_eq!(ph_flag_enabled(client, id, key, ptr::null(), fallback), fallback);
    }
    assert!(Stats::of(client).is_zero());
    assert_eq!(ph_shutdown(client, PH_FOREVER), PH_OK);
    assert_eq!(ph_shutdown(client, PH_NO_WAIT), PH_OK);
}

#[test]
fn no_client_is_a_disabled_one() {
    assert_does_nothing(ptr::null());
    assert!(!ph_is_opted_out(ptr::null()));
}

#[test]
fn a_disabled_client_does_nothing() {
    let receiver = Receiver::start();
    let without_key = Config::new("").host(&receiver.url()).client();
    assert_does_nothing(without_key.raw());
    let blank = Config::new(" \n").host(&receiver.url()).client();
    assert_does_nothing(blank.raw());
    let disabled = to(&receiver).set(ph_config_set_disabled, true).client();
    assert_does_nothing(disabled.raw());
    for key in [ptr::null(), c"phc_\xFF".as_ptr()] {
        let (config, mut client) = (ph_config_new(key), ptr::null_mut());
        assert_eq!(ph_init(config, &raw mut client), PH_OK);
        assert_does_nothing(client);
        ph_client_free(client);
        ph_config_free(config);
    }
    assert_eq!((receiver.connections(), receiver.counts().requests), (0, 0));
}

#[test]
fn after_shutdown_captures_are_refused_and_counted() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    assert_eq!(client.capture("u", "good"), PH_OK);
    assert_eq!(client.shutdown(crate::client::PATIENCE_MS), PH_OK);
    let before = client.stats();
    before.assert_delivered(1);

    let calls = captures(client.raw());
    for (call, status) in &calls {
        assert_eq!(*status, PH_ERROR_SHUTDOWN, "{call}");
    }
    let after = client.stats();
    assert_eq!(after.refused(PH_ERROR_SHUTDOWN), calls.len() as u64);
    assert_eq!(after.refused_total(), calls.len() as u64);
    after.assert_delivered(1);
    assert_eq!(receiver.counts().accepted, 1);
}

#[test]
fn after_shutdown_everything_still_answers() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    assert_eq!(client.capture("u", "good"), PH_OK);
    assert_eq!(client.shutdown(crate::client::PATIENCE_MS), PH_OK);
    for (call, status) in others(client.raw()) {
        let closed = ["ph_register", "ph_register_once", "ph_unregister", "ph_client_start"];
        let expected = if closed.contains(&call) { PH_ERROR_SHUTDOWN } else { PH_OK };
        assert_eq!(status, expected, "{call}");
    }
    assert_eq!(drained(client.raw()), "[]");
    let (id, key) = (c"u".as_ptr(), c"new-checkout".as_ptr());
    for fallback in [true, false] {
        assert_eq!(ph_flag_enabled(client.raw(), id, key, ptr::null(), fallback), fallback);
    }
    let (mut flags, nothing) = (ptr::null_mut(), ptr::null());
    let status = ph_flags_evaluate(client.raw(), id, nothing, 1_000, &raw mut flags);
    assert_eq!((status, flags), (PH_ERROR_SHUTDOWN, ptr::null_mut()));
    for timeout in [PH_FOREVER, PH_NO_WAIT, 10] {
        let (status, took) = timed(|| client.shutdown(timeout));
        assert_eq!(status, PH_OK);
        assert!(took.as_secs() < 5, "{took:?}");
    }
    assert_eq!(receiver.counts().requests, 1);
}

#[test]
fn freeing_nothing_is_nothing() {
    ph_client_free(ptr::null_mut());
    ph_config_free(ptr::null_mut());
    ph_context_free(ptr::null_mut());
    ph_event_free(ptr::null_mut());
    ph_exception_free(ptr::null_mut());
    ph_flags_free(ptr::null_mut());
    ph_props_free(ptr::null_mut());
    ph_string_free(ptr::null_mut());
    // After which everything works.
    let receiver = Receiver::start();
    let client: Client = Config::new(KEY).host(&receiver.url()).client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    assert_eq!(receiver.counts().accepted, 1);
}
