//! Properties: every type, and those of the client that events inherit.

use super::{own_properties, the_event};
use crate::c::*;
use crate::client::{Client, to};
use crate::handle::{Event, Props};
use posthog_receiver::Receiver;
use serde_json::{Value, json};

/// The own properties of what a capture sends.
fn sent(prepare: impl FnOnce(&Client), props: &Props) -> Value {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    prepare(&client);
    assert_eq!(client.capture_with("u", "e", props), PH_OK);
    client.deliver();
    own_properties(&the_event(&receiver))
}

#[test]
fn every_type_arrives_as_itself() {
    let inner = Props::new().str("deep", "er").null("nothing");
    let props = Props::new()
        .str("str", "quote \" slash \\ line\n tab\t bell\u{7} snow \u{2603} \u{1F600}")
        .str("empty", "")
        .int("int", i64::MIN)
        .int("zero", 0)
        .uint("uint", u64::MAX)
        .double("double", 0.1)
        .double("large", 1.7976931348623157e308)
        .double("whole", 3.0)
        .bool("yes", true)
        .bool("no", false)
        .null("null")
        .object("object", &inner)
        .object("hollow", &Props::new())
        .json("json", r#" [1, {"a" : [ ]} , "\u0041", 1e2, -0.5, true, null] "#)
        .int("key \" \\ \u{2603}", 1);
    assert_eq!(
        sent(|_| {}, &props),
        json!({
            "str": "quote \" slash \\ line\n tab\t bell\u{7} snow \u{2603} \u{1F600}",
            "empty": "",
            "int": i64::MIN,
            "zero": 0,
            "uint": u64::MAX,
            "double": 0.1,
            "large": 1.797_693_134_862_315_7e308,
            "whole": 3.0,
            "yes": true,
            "no": false,
            "null": null,
            "object": {"deep": "er", "nothing": null},
            "hollow": {},
            "json": [1, {"a": []}, "A", 1e2, -0.5, true, null],
            "key \" \\ \u{2603}": 1,
        })
    );
}

#[test]
fn a_key_that_is_set_again_is_sent_once_as_set_last() {
    let props = Props::new().int("a", 1).str("b", "x").bool("a", true).null("b").int("c", 3);
    assert_eq!(sent(|_| {}, &props), json!({"a": true, "b": null, "c": 3}));
}

#[test]
fn a_map_may_be_used_again_cleared_and_freed() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let props = Props::new().int("n", 0);
    assert_eq!(client.capture_with("u", "first", &props), PH_OK);
    assert_eq!(client.capture_with("u", "again", &props), PH_OK);
    assert_eq!(ph_props_clear(props.raw()), PH_OK);
    let props = props.int("m", 1).int("gone", 2);
    assert_eq!(ph_props_remove(props.raw(), c"gone".as_ptr()), PH_OK);
    assert_eq!(ph_props_remove(props.raw(), c"never there".as_ptr()), PH_OK);
    assert_eq!(client.capture_with("u", "cleared", &props), PH_OK);
    drop(props);
    client.deliver();
    let sent: Vec<Value> =
        receiver.events().iter().map(|event| own_properties(&event.json)).collect();
    assert_eq!(sent, [json!({"n": 0}), json!({"n": 0}), json!({"m": 1})]);
}

#[test]
fn members_are_set_from_json_all_or_nothing() {
    let props = Props::new().int("a", 1).int("b", 2);
    let good = r#"{"b": 3, "c": {"d": []}}"#;
    assert_eq!(ph_props_set_members(props.raw(), good.as_ptr().cast(), good.len()), PH_OK);
    let bad = r#"{"a": 9, "e": }"#;
    assert_eq!(ph_props_set_members(props.raw(), bad.as_ptr().cast(), bad.len()), PH_ERROR_JSON);
    assert_eq!(sent(|_| {}, &props), json!({"a": 1, "b": 3, "c": {"d": []}}));
}

#[test]
fn super_properties_are_inherited_and_the_event_wins() {
    let prepare = |client: &Client| {
        assert_eq!(client.register(&Props::new().str("plan", "free").int("build", 7)), PH_OK);
        assert_eq!(client.register(&Props::new().str("plan", "pro")), PH_OK);
        let once = Props::new().str("plan", "never").str("first", "kept");
        assert_eq!(ph_register_once(client.raw(), once.raw()), PH_OK);
    };
    let inherited = json!({"plan": "pro", "build": 7, "first": "kept"});
    assert_eq!(sent(prepare, &Props::new()), inherited);
    assert_eq!(
        sent(prepare, &Props::new().int("own", 1)),
        json!({"own": 1, "plan": "pro", "build": 7, "first": "kept"})
    );
    assert_eq!(
        sent(prepare, &Props::new().str("plan", "mine").int("build", 8)),
        json!({"plan": "mine", "build": 8, "first": "kept"})
    );
}

#[test]
fn super_properties_reach_every_kind_of_event_until_unregistered() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    assert_eq!(client.register(&Props::new().str("app", "shop").int("gone", 1)), PH_OK);
    assert_eq!(ph_unregister(client.raw(), c"gone".as_ptr()), PH_OK);
    assert_eq!(ph_unregister(client.raw(), c"never there".as_ptr()), PH_OK);
    assert_eq!(client.capture("u", "short"), PH_OK);
    client.capture_event(&Event::new("u", "long")).unwrap();
    assert_eq!(client.capture_json(b"u", b"json", br#"{"a":1}"#), PH_OK);
    let id = c"u".as_ptr();
    assert_eq!(ph_identify(client.raw(), id, std::ptr::null(), std::ptr::null()), PH_OK);
    assert_eq!(ph_unregister(client.raw(), c"app".as_ptr()), PH_OK);
    assert_eq!(client.capture("u", "after"), PH_OK);
    client.deliver();

    let apps: Vec<Value> = receiver
        .events()
        .iter()
        .map(|event| {
            assert_eq!(event.json["properties"].get("gone"), None);
            event.json["properties"]["app"].clone()
        })
        .collect();
    assert_eq!(apps, [json!("shop"), json!("shop"), json!("shop"), json!("shop"), Value::Null]);
}

#[test]
fn super_properties_may_be_stamps() {
    let prepare = |client: &Client| {
        assert_eq!(client.register(&Props::new().str("$os", "Haiku")), PH_OK);
    };
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    prepare(&client);
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    assert_eq!(the_event(&receiver)["properties"]["$os"], "Haiku");
}
