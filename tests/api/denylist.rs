//! Denied properties never leave: in no kind of event, at no depth.

use crate::c::*;
use crate::client::{Client, to};
use crate::handle::{Event, Exception, Props};
use posthog_receiver::Receiver;
use serde_json::{Value, json};
use std::ptr;

const DENIED: [&str; 3] = ["password", "s\"e\\c\u{2603}", "$os_version"];

/// A map that holds each denied key, between others and inside of others.
fn tainted() -> Props {
    let inner = Props::new().str("password", "p").int("kept", 1).object("more", &denied_only());
    let props = denied_only().int("first", 1).object("inner", &inner);
    props.json("list", r#"[{"password":1,"kept":2},[[{"a":{"password":{"b":1}}}]],"password"]"#)
}

fn denied_only() -> Props {
    DENIED.iter().fold(Props::new(), |props, key| props.str(key, "secret"))
}

/// What stays of [`tainted`].
fn clean() -> Value {
    json!({
        "first": 1,
        "inner": {"kept": 1, "more": {}},
        "list": [{"kept": 2}, [[{"a": {}}]], "password"],
    })
}

/// The only event of what was captured by a client that denies, without the stamps.
fn sent(capture: impl FnOnce(&Client)) -> Value {
    let receiver = Receiver::start();
    let config = DENIED.iter().fold(to(&receiver), |it, key| it.text(ph_config_deny_property, key));
    let client = config.client();
    capture(&client);
    client.deliver();
    let body = receiver.requests()[0].json.clone().unwrap();
    assert_nothing_denied(&body);
    let mut properties = body["batch"][0]["properties"].as_object().unwrap().clone();
    for stamp in ["$lib", "$lib_version", "$os", "$is_server", "$geoip_disable"] {
        assert!(properties.shift_remove(stamp).is_some(), "{stamp} is missing");
    }
    properties.into()
}

fn assert_nothing_denied(value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(assert_nothing_denied),
        Value::Object(members) => {
            for (key, value) in members {
                assert!(!DENIED.contains(&key.as_str()), "{key} left");
                assert_nothing_denied(value);
            }
        }
        _ => {}
    }
}

#[test]
fn in_the_short_form() {
    assert_eq!(
        sent(|client| assert_eq!(client.capture_with("u", "e", &tainted()), PH_OK)),
        clean()
    );
    let only = sent(|client| assert_eq!(client.capture_with("u", "e", &denied_only()), PH_OK));
    assert_eq!(only, json!({}));
    assert_eq!(sent(|client| assert_eq!(client.capture("u", "e"), PH_OK)), json!({}));
}

#[test]
fn in_json() {
    let json = br#"{"first":1,"password":{"a":1},"pass\u0077ord":2,"s\"e\\c\u2603":3}"#;
    let capture = |client: &Client| assert_eq!(client.capture_json(b"u", b"e", json), PH_OK);
    assert_eq!(sent(capture), json!({"first": 1}));
}

#[test]
fn in_the_long_form_and_its_person_properties() {
    let event = Event::new("u", "e")
        .props(ph_event_set_properties, &tainted())
        .props(ph_event_set_person_properties, &tainted())
        .props(ph_event_set_person_properties_once, &tainted());
    let mut expected = clean();
    expected["$set"] = clean();
    expected["$set_once"] = clean();
    assert_eq!(sent(|client| drop(client.capture_event(&event).unwrap())), expected);
}

#[test]
fn in_identify() {
    let props = tainted();
    let capture = |client: &Client| {
        let status = ph_identify(client.raw(), c"u".as_ptr(), props.raw(), props.raw());
        assert_eq!(status, PH_OK);
    };
    assert_eq!(sent(capture), json!({"$set": clean(), "$set_once": clean()}));
}

#[test]
fn in_group_identify() {
    let props = tainted();
    let capture = |client: &Client| {
        let (group_type, key) = (c"company".as_ptr(), c"acme".as_ptr());
        let status = ph_group_identify(client.raw(), ptr::null(), group_type, key, props.raw());
        assert_eq!(status, PH_OK);
    };
    let expected = json!({"$group_type": "company", "$group_key": "acme", "$group_set": clean()});
    assert_eq!(sent(capture), expected);
}

#[test]
fn in_exceptions() {
    let exception = Exception::new("e", "m").props(&tainted());
    let capture = |client: &Client| {
        let status = ph_capture_exception(client.raw(), c"u".as_ptr(), exception.raw());
        assert_eq!(status, PH_OK);
    };
    let sent = sent(capture);
    assert_eq!((&sent["first"], &sent["list"]), (&clean()["first"], &clean()["list"]));
    assert_eq!(sent["inner"], clean()["inner"]);
    assert_eq!(sent["$exception_list"][0]["type"], "e");
}

#[test]
fn in_super_properties() {
    let capture = |client: &Client| {
        assert_eq!(client.register(&tainted()), PH_OK);
        assert_eq!(client.capture("u", "e"), PH_OK);
    };
    assert_eq!(sent(capture), clean());
    let once = |client: &Client| {
        assert_eq!(ph_register_once(client.raw(), tainted().raw()), PH_OK);
        assert_eq!(client.capture_with("u", "e", &Props::new().int("own", 1)), PH_OK);
    };
    let mut expected = clean();
    expected["own"] = json!(1);
    assert_eq!(sent(once), expected);
}

#[test]
fn in_what_before_send_adds() {
    let receiver = Receiver::start();
    let client = to(&receiver)
        .text(ph_config_deny_property, "password")
        .before_send(|event| {
            let more = Props::new().str("password", "p").int("added", 1);
            assert_eq!(ph_event_set_properties(event, more.raw()), PH_OK);
            0
        })
        .client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    let properties = receiver.events()[0].json["properties"].clone();
    assert_eq!(properties["added"], 1);
    assert_eq!(properties.get("password"), None);
}

#[test]
fn in_what_is_drained() {
    let receiver = Receiver::start();
    let client = to(&receiver).text(ph_config_deny_property, "password").client();
    assert_eq!(client.capture_with("u", "e", &tainted()), PH_OK);
    let properties = &client.drain(10)[0]["properties"];
    assert_eq!(properties["first"], 1);
    assert_eq!((properties.get("password"), &properties["inner"]["kept"]), (None, &json!(1)));
}
