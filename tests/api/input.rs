//! Bad input gets a clear answer and loses nothing else.

use crate::c::*;
use crate::client::{Client, long_text, to};
use crate::handle::{Event, Exception, Props, c_text};
use crate::stats::{Stats, refused_index};
use posthog_receiver::Receiver;
use std::ptr;

mod closed;
mod nulls;
mod options;
mod times;
mod values;

/// Makes a bad call; it has to answer so, to count as refused so and as nothing else, and a good
/// event after it has to arrive.
#[track_caller]
fn refused(client: &Client, expected: Status, what: &str, call: impl FnOnce(&Client) -> Status) {
    let before = client.stats();
    assert_eq!(call(client), expected, "{what}");
    let mut after = client.stats();
    assert_eq!(after.refused(expected), before.refused(expected) + 1, "{what}");
    after.set(refused_index(expected), before.refused(expected));
    assert_eq!(after, before, "{what}: something else was counted");
    assert_eq!(client.capture("u", "good"), PH_OK, "{what}");
}

/// Runs bad calls against a client; every good event has to arrive in one batch.
#[track_caller]
fn nothing_else_is_lost(run: impl FnOnce(&Client)) {
    let receiver = Receiver::start();
    let client = to(&receiver).set(ph_config_set_event_max_bytes, 4_096).client();
    run(&client);
    let good: u64 = client.stat(PH_STAT_ACCEPTED);
    assert!(good > 0);
    client.deliver();
    client.stats().assert_delivered(good);
    assert_eq!(receiver.counts().accepted, good);
    assert_eq!((receiver.counts().requests, receiver.counts().refused), (1, 0));
}

#[test]
fn ids_and_names_that_are_no_text() {
    let bad = [
        (c"", PH_ERROR_EMPTY),
        (c" ", PH_ERROR_EMPTY),
        (c"\t\r\n ", PH_ERROR_EMPTY),
        (c"\xC2\xA0\xE3\x80\x80", PH_ERROR_EMPTY),
        (c"\xFF", PH_ERROR_UTF8),
        (c"user\xC3", PH_ERROR_UTF8),
        (c"a long text before the byte that is wrong: \x80", PH_ERROR_UTF8),
        (c"\xED\xA0\x80", PH_ERROR_UTF8),
        (c"\xC0\xAF", PH_ERROR_UTF8),
    ];
    let ok = c"ok".as_ptr();
    nothing_else_is_lost(|client| {
        for (text, expected) in bad {
            let (bad, raw) = (text.as_ptr(), client.raw());
            let check = |what, call: &dyn Fn() -> Status| {
                refused(client, expected, &format!("{what} {text:?}"), |_| call());
            };
            check("capture: id", &|| ph_capture(raw, bad, ok, ptr::null()));
            check("capture: event", &|| ph_capture(raw, ok, bad, ptr::null()));
            let bytes = text.to_bytes();
            check("json: id", &|| client.capture_json(bytes, b"e", b"{}"));
            check("json: event", &|| client.capture_json(b"u", bytes, b""));
            check("n: id", &|| ph_capture_n(raw, bad, bytes.len(), ok, 2, ptr::null()));
            check("n: event", &|| ph_capture_n(raw, ok, 2, bad, bytes.len(), ptr::null()));
            check("identify", &|| ph_identify(raw, bad, ptr::null(), ptr::null()));
            check("alias: id", &|| ph_alias(raw, bad, ok));
            check("alias: alias", &|| ph_alias(raw, ok, bad));
            check("group: id", &|| ph_group_identify(raw, bad, ok, ok, ptr::null()));
            check("group: type", &|| ph_group_identify(raw, ok, bad, ok, ptr::null()));
            check("group: key", &|| ph_group_identify(raw, ok, ok, bad, ptr::null()));
            let exception = Exception::new("e", "m");
            check("exception", &|| ph_capture_exception(raw, bad, exception.raw()));
        }
    });
}

#[test]
fn texts_of_handles_that_are_no_text() {
    for (bad, expected) in
        [(c"", PH_ERROR_EMPTY), (c" \t", PH_ERROR_EMPTY), (c"\xFF", PH_ERROR_UTF8)]
    {
        let (bad, ok) = (bad.as_ptr(), c"ok".as_ptr());
        let mut event: *mut ph_event = ptr::dangling_mut();
        assert_eq!(ph_event_new(bad, ok, &raw mut event), expected);
        assert_eq!(ph_event_new(ok, bad, &raw mut event), expected);
        assert_eq!(event, ptr::dangling_mut(), "written although the call failed");
        let mut exception: *mut ph_exception = ptr::dangling_mut();
        if expected == PH_ERROR_EMPTY {
            assert_eq!(ph_exception_new(bad, ok, &raw mut exception), expected);
            assert_eq!(exception, ptr::dangling_mut(), "written although the call failed");
        }

        let event = Event::new("u", "e");
        assert_eq!(ph_event_set_name(event.raw(), bad), expected);
        assert_eq!(ph_event_set_distinct_id(event.raw(), bad), expected);
        assert_eq!(ph_event_set_group(event.raw(), bad, ok), expected);
        assert_eq!(ph_event_set_group(event.raw(), ok, bad), expected);
        let name = crate::handle::lent_text(ph_event_get_name(event.raw()));
        assert_eq!(name.as_deref(), Some("e"));
        let exception = Exception::new("e", "m");
        assert_eq!(ph_exception_set_fingerprint(exception.raw(), bad), expected);
    }
    let event = Event::new("u", "e");
    for bad in [
        c"",
        c"nonsense",
        c"0194cc391f2570008000000000000001",
        c"{0194cc39-1f25-7000-8000-000000000001}",
        c"00000000-0000-0000-0000-000000000000",
        c"0194cc39-1f25-7000-8000-00000000000g",
    ] {
        assert_eq!(ph_event_set_uuid(event.raw(), bad.as_ptr()), PH_ERROR_UUID, "{bad:?}");
    }
}

#[test]
fn an_event_over_its_limit() {
    let text = long_text(4_096);
    let props = Props::new();
    assert_eq!(ph_props_set_str(props.raw(), c"long".as_ptr(), text.as_ptr()), PH_OK);
    nothing_else_is_lost(|client| {
        let check = |what: &str, call: &dyn Fn() -> Status| {
            refused(client, PH_ERROR_TOO_LARGE, what, |_| call());
        };
        let (raw, ok) = (client.raw(), c"ok".as_ptr());
        check("properties", &|| client.capture_with("u", "e", &props));
        check("id", &|| ph_capture(raw, text.as_ptr(), ok, ptr::null()));
        check("event", &|| ph_capture(raw, ok, text.as_ptr(), ptr::null()));
        check("set", &|| ph_identify(raw, ok, props.raw(), ptr::null()));
        check("set once", &|| ph_identify(raw, ok, ptr::null(), props.raw()));
        check("alias", &|| ph_alias(raw, ok, text.as_ptr()));
        check("group", &|| ph_group_identify(raw, ok, ok, ok, props.raw()));
        let json = format!(r#"{{"a":"{}"}}"#, "x".repeat(4_096));
        check("json", &|| client.capture_json(b"u", b"e", json.as_bytes()));
        let event = Event::new("u", "e").props(ph_event_set_properties, &props);
        check("event", &|| ph_capture_event(raw, event.raw(), ptr::null_mut()));
        let exception = Exception::new("e", "m").props(&props);
        check("exception", &|| ph_capture_exception(raw, ok, exception.raw()));
    });
}

#[test]
fn the_limit_is_that_of_the_option() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let sized = |bytes: usize| Props::new().str("long", &"x".repeat(bytes));
    assert_eq!(client.capture_with("u", "e", &sized(1 << 20)), PH_ERROR_TOO_LARGE);
    // Its envelope and stamps are some hundred bytes.
    assert_eq!(client.capture_with("u", "e", &sized((1 << 20) - 1_024)), PH_OK);
    client.deliver();
    client.stats().assert_delivered(1);
    let sent = &receiver.events()[0].json;
    assert!(sent.to_string().len() <= 1 << 20);
}

#[test]
fn super_properties_count_towards_the_limit() {
    nothing_else_is_lost(|client| {
        assert_eq!(client.capture("u", "good"), PH_OK);
        assert_eq!(client.register(&Props::new().str("long", &"x".repeat(3_000))), PH_OK);
        let large = Props::new().str("more", &"x".repeat(1_000));
        let before: Stats = client.stats();
        assert_eq!(client.capture_with("u", "e", &large), PH_ERROR_TOO_LARGE);
        assert_eq!(client.stats().refused(PH_ERROR_TOO_LARGE), 1);
        assert_eq!(client.stat(PH_STAT_ACCEPTED), before[PH_STAT_ACCEPTED]);
        assert_eq!(ph_unregister(client.raw(), c_text("long").as_ptr()), PH_OK);
        assert_eq!(client.capture_with("u", "good", &large), PH_OK);
    });
}

#[test]
fn a_length_that_no_text_can_have() {
    let ok = c"ok".as_ptr();
    for len in [usize::MAX, isize::MAX as usize + 1] {
        nothing_else_is_lost(|client| {
            let check = |what: &str, call: &dyn Fn() -> Status| {
                refused(client, PH_ERROR_RANGE, what, |_| call());
            };
            let raw = client.raw();
            check("id", &|| ph_capture_json(raw, ok, len, ok, 2, ok, 0));
            check("event", &|| ph_capture_json(raw, ok, 2, ok, len, ok, 0));
            check("properties", &|| ph_capture_json(raw, ok, 2, ok, 2, ok, len));
            check("n: id", &|| ph_capture_n(raw, ok, len, ok, 2, ptr::null()));
            check("n: event", &|| ph_capture_n(raw, ok, 2, ok, len, ptr::null()));
        });
        let props = Props::new();
        assert_eq!(ph_props_set_members(props.raw(), ok, len), PH_ERROR_RANGE);
        assert_eq!(ph_props_set_str_n(props.raw(), ok, len, ok, 2), PH_ERROR_RANGE);
        assert_eq!(ph_props_set_str_n(props.raw(), ok, 2, ok, len), PH_ERROR_RANGE);
    }
}
