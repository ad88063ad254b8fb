//! Each kind of event that the library knows.

use super::{own_properties, the_event};
use crate::c::*;
use crate::client::{Client, to};
use crate::handle::{Event, Exception, Props};
use posthog_receiver::Receiver;
use serde_json::{Value, json};
use std::ptr;

/// Name, distinct id and own properties of the one event that was captured.
fn sent(capture: impl FnOnce(&Client) -> Status) -> (String, String, Value) {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    assert_eq!(capture(&client), PH_OK);
    client.deliver();
    let event = the_event(&receiver);
    let text = |key: &str| event[key].as_str().unwrap().to_owned();
    let keys: Vec<&String> = event.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 5, "{keys:?}");
    (text("event"), text("distinct_id"), own_properties(&event))
}

fn expect(capture: impl FnOnce(&Client) -> Status, name: &str, id: &str, properties: Value) {
    assert_eq!(sent(capture), (name.to_owned(), id.to_owned(), properties));
}

#[test]
fn capture_without_properties() {
    expect(|client| client.capture("u", "e"), "e", "u", json!({}));
}

#[test]
fn ids_and_names_of_any_text() {
    let (id, name) = ("\u{1F600} \"quoted\" \\ \u{7}", "\u{2603}\nline");
    expect(|client| client.capture(id, name), name, id, json!({}));
}

#[test]
fn texts_with_their_length() {
    // Of each, the bytes behind the length are not the library's.
    let text = |bytes: &'static [u8]| bytes.as_ptr().cast();
    let props = Props::new();
    let set = |key, key_len, value, value_len| {
        ph_props_set_str_n(props.raw(), text(key), key_len, text(value), value_len)
    };
    assert_eq!(set(b"plan: none", 4, b"provisional", 3), PH_OK);
    assert_eq!(set(b"a\0b", 3, b"c\0", 2), PH_OK);
    assert_eq!(set(b"empty", 5, b"", 0), PH_OK);
    assert_eq!(set(b"", 0, b"x", 1), PH_ERROR_EMPTY);
    assert_eq!(set(b"\xFF", 1, b"x", 1), PH_ERROR_UTF8);
    let capture = |client: &Client| {
        ph_capture_n(client.raw(), text(b"user!"), 4, text(b"eventual"), 5, props.raw())
    };
    let expected = json!({"plan": "pro", "a\u{FFFD}b": "c\u{FFFD}", "empty": ""});
    expect(capture, "event", "user", expected);
}

#[test]
fn capture_json() {
    let properties = br#" { "a" : [1, 2], "b" : {"c": null} } "#;
    let expected = json!({"a": [1, 2], "b": {"c": null}});
    expect(|client| client.capture_json(b"u", b"e", properties), "e", "u", expected);
    expect(|client| client.capture_json(b"u", b"e", b""), "e", "u", json!({}));
}

#[test]
fn an_event_from_json() {
    let details = br#"{"properties": {"n": 1}, "set": {"plan": "pro"}, "set_once": {"first": "ad"},
        "groups": {"company": "acme"}, "timestamp": "2026-11-20T10:00:00.5+01:00",
        "uuid": "0190a6e0-7c3b-7def-8123-456789abcdef"}"#;
    let (id, name) = ("u \u{1F600}", "e\n");
    let mut event = ptr::null_mut();
    let status = ph_event_new_json(
        id.as_ptr().cast(),
        id.len(),
        name.as_ptr().cast(),
        name.len(),
        details.as_ptr().cast(),
        details.len(),
        &raw mut event,
    );
    assert_eq!(status, PH_OK);
    let expected = json!({
        "n": 1,
        "$set": {"plan": "pro"},
        "$set_once": {"first": "ad"},
        "$groups": {"company": "acme"},
    });
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    assert_eq!(ph_capture_event(client.raw(), event, ptr::null_mut()), PH_OK);
    ph_event_free(event);
    client.deliver();
    let sent = the_event(&receiver);
    assert_eq!(own_properties(&sent), expected);
    assert_eq!([&sent["distinct_id"], &sent["event"]], [id, name]);
    assert_eq!(sent["timestamp"], "2026-11-20T09:00:00.5Z");
    assert_eq!(sent["uuid"], "0190a6e0-7c3b-7def-8123-456789abcdef");
}

#[test]
fn capture_event_with_everything() {
    let event = Event::new("nobody", "nothing")
        .text(ph_event_set_name, "signed up")
        .text(ph_event_set_distinct_id, "user_42")
        .props(ph_event_set_properties, &Props::new().str("plan", "free").int("gone", 1))
        .props(ph_event_set_properties, &Props::new().str("plan", "pro"))
        .text(ph_event_remove_property, "gone")
        .props(ph_event_set_person_properties, &Props::new().str("email", "a@b.c"))
        .props(ph_event_set_person_properties_once, &Props::new().str("first", "ad"));
    assert_eq!(ph_event_set_process_person_profile(event.raw(), false), PH_OK);
    let expected = json!({
        "plan": "pro",
        "$set": {"email": "a@b.c"},
        "$set_once": {"first": "ad"},
        "$process_person_profile": false,
    });
    let capture = |client: &Client| client.capture_event(&event).map_or_else(|e| e, |_| PH_OK);
    expect(capture, "signed up", "user_42", expected.clone());
    // It stays the caller's, and may be captured again.
    expect(capture, "signed up", "user_42", expected);
}

#[test]
fn getters_lend_what_the_event_holds() {
    let event = Event::new("u\"1", "na\"me")
        .props(ph_event_set_properties, &Props::new().str("a\"", "x\n").int("b", 2));
    let lent = crate::handle::lent_text;
    assert_eq!(lent(ph_event_get_name(event.raw())).as_deref(), Some("na\"me"));
    assert_eq!(lent(ph_event_get_distinct_id(event.raw())).as_deref(), Some("u\"1"));
    let properties = lent(ph_event_get_properties(event.raw())).unwrap();
    let properties: Value = serde_json::from_str(&properties).unwrap();
    assert_eq!(properties, json!({"a\"": "x\n", "b": 2}));
    let property = |key: &std::ffi::CStr| lent(ph_event_get_property(event.raw(), key.as_ptr()));
    assert_eq!(property(c"a\"").as_deref(), Some(r#""x\n""#));
    assert_eq!(property(c"b").as_deref(), Some("2"));
    assert_eq!(property(c"c"), None);
}

#[test]
fn identify() {
    let (set, once) = (Props::new().str("email", "a@b.c"), Props::new().str("first", "ad"));
    let id = c"user_42".as_ptr();
    expect(
        |client| ph_identify(client.raw(), id, set.raw(), once.raw()),
        "$identify",
        "user_42",
        json!({"$set": {"email": "a@b.c"}, "$set_once": {"first": "ad"}}),
    );
    expect(
        |client| ph_identify(client.raw(), id, ptr::null(), once.raw()),
        "$identify",
        "user_42",
        json!({"$set": {}, "$set_once": {"first": "ad"}}),
    );
    expect(
        |client| ph_identify(client.raw(), id, set.raw(), ptr::null()),
        "$identify",
        "user_42",
        json!({"$set": {"email": "a@b.c"}}),
    );
}

#[test]
fn alias() {
    expect(
        |client| ph_alias(client.raw(), c"user_42".as_ptr(), c"anon\"7".as_ptr()),
        "$create_alias",
        "user_42",
        json!({"distinct_id": "user_42", "alias": "anon\"7"}),
    );
}

#[test]
fn group_identify() {
    let props = Props::new().str("name", "Acme");
    let (group_type, key) = (c"company".as_ptr(), c"acme".as_ptr());
    let (with_props, without) = (
        json!({"$group_type": "company", "$group_key": "acme", "$group_set": {"name": "Acme"}}),
        json!({"$group_type": "company", "$group_key": "acme", "$group_set": {}}),
    );
    expect(
        |client| ph_group_identify(client.raw(), c"user_42".as_ptr(), group_type, key, props.raw()),
        "$groupidentify",
        "user_42",
        with_props,
    );
    expect(
        |client| ph_group_identify(client.raw(), ptr::null(), group_type, key, ptr::null()),
        "$groupidentify",
        "$company_acme",
        without,
    );
}

#[test]
fn exception_with_nothing_but_its_type_and_message() {
    let exception = Exception::new("io_error", "disk \"full\"").without_stack();
    expect(
        |client| ph_capture_exception(client.raw(), c"u".as_ptr(), exception.raw()),
        "$exception",
        "u",
        json!({
            "$exception_list": [{
                "type": "io_error",
                "value": "disk \"full\"",
                "mechanism": {
                    "type": "generic", "handled": true, "synthetic": false, "exception_id": 0,
                },
            }],
            "$exception_level": "error",
            "$exception_type": "io_error",
            "$exception_message": "disk \"full\"",
        }),
    );
}

#[test]
fn exception_with_everything() {
    let own = Props::new().str("area", "checkout").str("$exception_list", "mine");
    let exception = Exception::new("panic", "")
        .frame("inner", "a.c", 12, "app", true)
        .frame("outer", "", 0, "", false)
        .props(&own);
    assert_eq!(ph_exception_set_level(exception.raw(), PH_LEVEL_FATAL), PH_OK);
    assert_eq!(ph_exception_set_handled(exception.raw(), false), PH_OK);
    assert_eq!(ph_exception_set_fingerprint(exception.raw(), c"disk".as_ptr()), PH_OK);
    let frame = |it: Value| {
        let mut frame = json!({"platform": "custom", "lang": "c", "resolved": true});
        frame.as_object_mut().unwrap().extend(it.as_object().unwrap().clone());
        frame
    };
    expect(
        |client| ph_capture_exception(client.raw(), c"u".as_ptr(), exception.raw()),
        "$exception",
        "u",
        json!({
            "$exception_list": [{
                "type": "panic",
                "value": "",
                "mechanism": {
                    "type": "generic", "handled": false, "synthetic": false, "exception_id": 0,
                },
                // PostHog wants the outermost first, where callers have it last.
                "stacktrace": {"type": "raw", "frames": [
                    frame(json!({"function": "outer", "in_app": false})),
                    frame(json!({
                        "function": "inner",
                        "filename": "a.c",
                        "lineno": 12,
                        "module": "app",
                        "in_app": true,
                    })),
                ]},
            }],
            "$exception_level": "fatal",
            "$exception_type": "panic",
            "$exception_message": "",
            "$exception_fingerprint": "disk",
            "area": "checkout",
        }),
    );
}

#[test]
fn every_exception_level_has_its_name() {
    let names = ["fatal", "error", "warning", "log", "info", "debug"];
    for (level, name) in (PH_LEVEL_FATAL..=PH_LEVEL_DEBUG).zip(names) {
        let exception = Exception::new("e", "m");
        assert_eq!(ph_exception_set_level(exception.raw(), level), PH_OK);
        let capture =
            |client: &Client| ph_capture_exception(client.raw(), c"u".as_ptr(), exception.raw());
        assert_eq!(sent(capture).2["$exception_level"], name);
    }
}

#[test]
fn frames_beyond_64_are_left_out_the_outermost_first() {
    let mut exception = Exception::new("e", "m");
    for depth in 0..70 {
        exception = exception.frame(&format!("f{depth}"), "", 0, "", true);
    }
    let capture =
        |client: &Client| ph_capture_exception(client.raw(), c"u".as_ptr(), exception.raw());
    let list = sent(capture).2["$exception_list"].clone();
    let frames = list[0]["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 64);
    assert_eq!((&frames[0]["function"], &frames[63]["function"]), (&json!("f63"), &json!("f0")));
}
