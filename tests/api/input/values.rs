//! Values that servers would refuse are repaired, and each repair is counted.

use super::{nothing_else_is_lost, refused};
use crate::c::*;
use crate::client::{Client, to};
use crate::handle::{Event, Exception, Props, c_text};
use posthog_receiver::Receiver;
use serde_json::{Value, json};
use std::ffi::CStr;
use std::ptr;

/// Sets a value in a way that poisons a batch for a careless client.
type Poison = (&'static str, fn(*mut ph_props) -> Status, Value);

fn set_json(props: *mut ph_props, json: &CStr) -> Status {
    ph_props_set_json(props, c"bad".as_ptr(), json.as_ptr())
}

fn set_str(props: *mut ph_props, text: &CStr) -> Status {
    ph_props_set_str(props, c"bad".as_ptr(), text.as_ptr())
}

fn set_double(props: *mut ph_props, value: f64) -> Status {
    ph_props_set_double(props, c"bad".as_ptr(), value)
}

/// Each is one repair.
fn poisons() -> Vec<Poison> {
    vec![
        ("NaN", |it| set_double(it, f64::NAN), json!(null)),
        ("-NaN", |it| set_double(it, -f64::NAN), json!(null)),
        ("infinity", |it| set_double(it, f64::INFINITY), json!(null)),
        ("-infinity", |it| set_double(it, f64::NEG_INFINITY), json!(null)),
        ("byte", |it| set_str(it, c"a\xFFb"), json!("a\u{FFFD}b")),
        ("cut short", |it| set_str(it, c"caf\xC3"), json!("caf\u{FFFD}")),
        ("NUL", |it| set_json(it, cr#""a\u0000b""#), json!("a\u{FFFD}b")),
        ("high alone", |it| set_json(it, cr#""\ud800""#), json!("\u{FFFD}")),
        ("low alone", |it| set_json(it, cr#"["\udc00x"]"#), json!(["\u{FFFD}x"])),
        ("JSON byte", |it| set_json(it, c"{\"a\":\"\xFE\"}"), json!({"a": "\u{FFFD}"})),
        ("JSON key", |it| set_json(it, cr#"{"a\u0000":1}"#), json!({"a\u{FFFD}": 1})),
        ("overflow", |it| set_json(it, c"[1e999]"), json!([null])),
        ("-overflow", |it| set_json(it, c"[-1E+400]"), json!([null])),
    ]
}

#[test]
fn one_poisoned_value_among_99_good_events() {
    for (what, poison, expected) in poisons() {
        let receiver = Receiver::start();
        let client = to(&receiver).client();
        client.capture_numbered("e", 0..50);
        let props = Props::new().int("n", 50);
        assert_eq!(poison(props.raw()), PH_OK, "{what}");
        assert_eq!(client.capture_with("u", "e", &props), PH_OK, "{what}");
        client.capture_numbered("e", 51..100);
        client.deliver();

        client.stats().assert_delivered(100);
        assert_eq!(client.stat(PH_STAT_REPAIRED_VALUES), 1, "{what}");
        assert_eq!(receiver.counts().requests, 1, "{what}");
        let events = receiver.events();
        let numbers: Vec<i64> =
            events.iter().map(|it| it.json["properties"]["n"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<i64>>(), "{what}");
        assert_eq!(events[50].json["properties"]["bad"], expected, "{what}");
    }
}

#[test]
fn every_repair_is_counted() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let all = br#"{"a":"\u0000\ud800","b":[1e999,{"c":"\udfff"}],"d":"fine \ud83d\ude00"}"#;
    assert_eq!(client.capture_json(b"u", b"e", all), PH_OK);
    assert_eq!(client.stat(PH_STAT_REPAIRED_VALUES), 4);

    let props = Props::new();
    assert_eq!(set_str(props.raw(), c"\xFF \xFF"), PH_OK);
    assert_eq!(ph_identify(client.raw(), c"u".as_ptr(), props.raw(), ptr::null()), PH_OK);
    assert_eq!(client.stat(PH_STAT_REPAIRED_VALUES), 6);
    let event = Event::new("u", "e").props(ph_event_set_properties, &props);
    client.capture_event(&event).unwrap();
    assert_eq!(client.stat(PH_STAT_REPAIRED_VALUES), 8);
    client.deliver();
    client.stats().assert_delivered(3);
}

#[test]
fn an_exceptions_message_is_repaired() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let mut exception = ptr::null_mut();
    let status = ph_exception_new(c"io".as_ptr(), c"disk\xFF".as_ptr(), &raw mut exception);
    assert_eq!(status, PH_OK);
    assert_eq!(ph_capture_exception(client.raw(), c"u".as_ptr(), exception), PH_OK);
    ph_exception_free(exception);
    client.deliver();
    let properties = &receiver.events()[0].json["properties"];
    assert_eq!(properties["$exception_list"][0]["value"], "disk\u{FFFD}");
    assert_eq!(properties["$exception_message"], "disk\u{FFFD}");
    assert!(client.stat(PH_STAT_REPAIRED_VALUES) >= 1);
}

#[test]
fn a_nul_in_an_id_or_a_name_has_a_clear_answer() {
    // Only texts that come with their length can have one.
    for (id, name) in [(&b"a\0b"[..], &b"e"[..]), (b"u", b"e\0")] {
        nothing_else_is_lost(|client| {
            assert_eq!(client.capture("u", "good"), PH_OK);
            let before = client.stats();
            let status = client.capture_json(id, name, b"{}");
            let after = client.stats();
            if status == PH_OK {
                let repairs = after[PH_STAT_REPAIRED_VALUES] - before[PH_STAT_REPAIRED_VALUES];
                assert_eq!(repairs, 1, "changed, and not counted");
            } else {
                assert_eq!(after.refused(status), before.refused(status) + 1);
            }
        });
    }
}

#[test]
fn what_is_not_json() {
    let bad: [&[u8]; 26] = [
        b"x",
        b"{",
        b"}",
        b"{}}",
        b"{} {}",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{\"a\":1,}",
        b"{a:1}",
        b"{'a':1}",
        b"{\"a\":01}",
        b"{\"a\":.5}",
        b"{\"a\":1.}",
        b"{\"a\":+1}",
        b"{\"a\":NaN}",
        b"{\"a\":Infinity}",
        b"{\"a\":tru}",
        b"{\"a\":\"\x01\"}",
        b"{\"a\":\"\\x\"}",
        b"{\"a\":\"\\u12\"}",
        b"{\"a\":\"",
        b"{\"a\":[1}",
        b"// c\n{}",
        b"\xEF\xBB\xBF{}",
        b"{\"a\":1}\0",
        b" ",
    ];
    let not_objects: [&[u8]; 5] = [b"[]", b"1", b"\"x\"", b"null", b"true"];
    nothing_else_is_lost(|client| {
        for json in bad.iter().chain(&not_objects) {
            let what = format!("{:?}", String::from_utf8_lossy(json));
            refused(client, PH_ERROR_JSON, &what, |it| it.capture_json(b"u", b"e", json));
            let props = Props::new().int("kept", 1);
            let status = ph_props_set_members(props.raw(), json.as_ptr().cast(), json.len());
            assert_eq!(status, PH_ERROR_JSON, "{what}");
            assert_eq!(client.capture_with("u", "good", &props), PH_OK);
        }
        for json in bad.iter().filter(|it| !it.contains(&0)) {
            let text = c_text(&String::from_utf8_lossy(json));
            let props = Props::new();
            assert_eq!(set_json(props.raw(), &text), PH_ERROR_JSON, "{text:?}");
        }
        let props = Props::new();
        assert_eq!(set_json(props.raw(), c""), PH_ERROR_JSON);
    });
}

/// `[[…]]`, so deep.
fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn nesting_beyond_64() {
    nothing_else_is_lost(|client| {
        for depth in [65, 66, 1_000, 500_000] {
            let text = c_text(&nested(depth));
            let props = Props::new();
            assert_eq!(set_json(props.raw(), &text), PH_ERROR_DEPTH);
            let object = format!(r#"{{"a":{}}}"#, nested(depth - 1));
            let what = format!("{depth}");
            refused(client, PH_ERROR_DEPTH, &what, |it| {
                it.capture_json(b"u", b"e", object.as_bytes())
            });
        }
        let deepest = Props::new().json("deep", &nested(64));
        assert_eq!(client.capture_with("u", "good", &deepest), PH_OK);
        // As person properties the same map lies one level deeper.
        refused(client, PH_ERROR_DEPTH, "identify", |it| {
            ph_identify(it.raw(), c"u".as_ptr(), deepest.raw(), ptr::null())
        });
        refused(client, PH_ERROR_DEPTH, "group", |it| {
            let (id, group) = (ptr::null(), c"g".as_ptr());
            ph_group_identify(it.raw(), id, group, group, deepest.raw())
        });
        let event = Event::new("u", "e");
        assert_eq!(ph_event_set_person_properties(event.raw(), deepest.raw()), PH_ERROR_DEPTH);
        let exception = Exception::new("e", "m").props(&deepest);
        assert_eq!(ph_capture_exception(client.raw(), c"u".as_ptr(), exception.raw()), PH_OK);
    });
}

#[test]
fn objects_in_objects_up_to_64() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let mut props = Props::new();
    for _ in 0..63 {
        props = Props::new().object("o", &props);
    }
    let deepest = Props::new().object("o", &props);
    assert_eq!(client.capture_with("u", "e", &deepest), PH_OK);
    let status = ph_props_set_object(Props::new().raw(), c"o".as_ptr(), deepest.raw());
    assert_eq!(status, PH_ERROR_DEPTH);
    // A map can hold a copy of itself, not itself.
    let own = Props::new().int("a", 1);
    assert_eq!(ph_props_set_object(own.raw(), c"o".as_ptr(), own.raw()), PH_OK);
    assert_eq!(client.capture_with("u", "own", &own), PH_OK);
    client.deliver();
    let events = receiver.events();
    let mut value = &events[0].json["properties"];
    let mut depth = 0;
    while let Some(inner) = value.get("o") {
        (value, depth) = (inner, depth + 1);
    }
    assert_eq!(depth, 64);
    assert_eq!(events[1].json["properties"]["o"], json!({"a": 1}));
}

#[test]
fn of_duplicate_keys_the_last_is_sent() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let json = br#"{"a":1,"b":{"x":1,"\u0078":{"y":2,"y":3}},"a":2,"\u0061":[{"k":1,"k":2}]}"#;
    let expected = json!({"a": [{"k": 2}], "b": {"x": {"y": 3}}});
    let matches = |event: &Value, key: &str| assert_eq!(event["properties"][key], expected[key]);
    assert_eq!(client.capture_json(b"u", b"e", json), PH_OK);
    let props = Props::new().str("a", "replaced").str("b", "replaced");
    assert_eq!(ph_props_set_members(props.raw(), json.as_ptr().cast(), json.len()), PH_OK);
    assert_eq!(client.capture_with("u", "e", &props), PH_OK);
    // The receiver refuses bodies with a key twice.
    client.deliver();
    let events = receiver.events();
    for event in &events {
        matches(&event.json, "a");
        matches(&event.json, "b");
    }
    assert_eq!((events.len(), client.stat(PH_STAT_REPAIRED_VALUES)), (2, 0));
}

#[test]
fn a_setter_that_fails_changes_nothing() {
    let receiver = Receiver::start();
    let client: Client = to(&receiver).client();
    let props = Props::new().int("a", 1).str("bad", "kept");
    assert_eq!(set_json(props.raw(), c"{"), PH_ERROR_JSON);
    assert_eq!(set_json(props.raw(), &c_text(&nested(65))), PH_ERROR_DEPTH);
    assert_eq!(ph_props_set_int(props.raw(), c"".as_ptr(), 1), PH_ERROR_EMPTY);
    assert_eq!(ph_props_set_int(props.raw(), c"\xFF".as_ptr(), 1), PH_ERROR_UTF8);
    assert_eq!(ph_props_set_int(props.raw(), ptr::null(), 1), PH_ERROR_NULL);
    assert_eq!(ph_props_set_str(props.raw(), c"a".as_ptr(), ptr::null()), PH_ERROR_NULL);
    let huge = crate::client::long_text(16 << 20);
    assert_eq!(ph_props_set_str(props.raw(), c"bad".as_ptr(), huge.as_ptr()), PH_ERROR_TOO_LARGE);
    assert_eq!(client.capture_with("u", "e", &props), PH_OK);
    client.deliver();
    let sent = &receiver.events()[0].json["properties"];
    assert_eq!((&sent["a"], &sent["bad"]), (&json!(1), &json!("kept")));
    assert_eq!(client.stats().refused_total(), 0);
}
