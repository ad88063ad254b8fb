//! `$feature_flag_called`: which reads PostHog is told of, and what.

use super::{Context, three, with_flags};
use crate::c::*;
use crate::client::{Client, Config};
use crate::handle::{Event, Props, c_text};
use posthog_receiver::{Receiver, Reply, Script};
use serde_json::{Value, json};

/// The events about flags that have arrived, by their properties.
fn told(receiver: &Receiver, client: &Client) -> Vec<Value> {
    client.deliver();
    let events = receiver.events();
    let mut told = Vec::new();
    for event in events.iter().filter(|event| event.json["event"] == "$feature_flag_called") {
        told.push(event.json["properties"].clone());
    }
    told
}

fn named(told: &[Value]) -> Vec<(&str, &Value)> {
    told.iter()
        .map(|it| (it["$feature_flag"].as_str().unwrap(), &it["$feature_flag_response"]))
        .collect()
}

#[test]
fn a_read_is_told_once_with_all_that_is_known() {
    let (receiver, client) = with_flags(three(), |config| config);
    let found = client.evaluate("u").unwrap();
    assert!(told(&receiver, &client).is_empty(), "an evaluation is no read");
    for _ in 0..3 {
        assert_eq!(found.variant("many").as_deref(), Some("blue"));
        assert_eq!(client.flag("u", "many"), Some(true));
        assert_eq!(client.evaluate("u").unwrap().enabled("many"), Some(true));
    }
    let told = told(&receiver, &client);
    assert_eq!(told.len(), 1, "{told:?}");
    let mut properties = told[0].clone();
    let answer: Value = serde_json::from_slice(&receiver.requests()[0].response).unwrap();
    assert_eq!(properties["$feature_flag_request_id"], answer["requestId"]);
    assert_eq!(properties["$feature_flag_evaluated_at"], answer["evaluatedAt"]);
    let stamps = ["$lib", "$lib_version", "$os", "$os_version", "$is_server", "$geoip_disable"];
    for key in stamps.iter().chain(&["$feature_flag_request_id", "$feature_flag_evaluated_at"]) {
        assert!(properties.as_object_mut().unwrap().remove(*key).is_some(), "{key}");
    }
    assert_eq!(
        properties,
        json!({
            "$feature_flag": "many",
            "$feature_flag_response": "blue",
            "locally_evaluated": false,
            "$feature/many": "blue",
            "$feature_flag_payload": {"copy": "hello", "n": [1, 2.50]},
            "$feature_flag_id": 3,
            "$feature_flag_version": 1,
            "$feature_flag_reason": "Matched condition set 1",
            "$feature_flag_has_experiment": false,
        })
    );
    assert_eq!(client.stat(PH_STAT_ACCEPTED), 1);
}

#[test]
fn another_person_value_or_group_is_another_read() {
    let (receiver, client) = with_flags(three(), |config| config);
    let group = |key: &str| Context::new().group("company", key, &Props::new());
    for context in [None, Some(group("acme")), Some(group("acme")), Some(group("other"))] {
        client.flag_in("u", "on", context.as_ref(), false);
    }
    client.flag("v", "on");
    client.flag("u", "off");
    client.flag("u", "off");
    let told = told(&receiver, &client);
    let groups: Vec<&Value> = told.iter().map(|it| &it["$groups"]).collect();
    let (acme, other) = (json!({"company": "acme"}), json!({"company": "other"}));
    assert_eq!(groups, [&Value::Null, &acme, &other, &Value::Null, &Value::Null]);
    assert_eq!(named(&told)[4], ("off", &json!(false)));
}

#[test]
fn whoever_opts_in_again_is_told_of_again() {
    let (receiver, client) = with_flags(three(), |config| config);
    for told_of in [1, 2] {
        for _ in 0..3 {
            assert_eq!(client.flag("u", "on"), Some(true));
        }
        assert_eq!(told(&receiver, &client).len(), told_of);
        assert_eq!((ph_opt_out(client.raw()), ph_opt_in(client.raw())), (PH_OK, PH_OK));
    }
}

#[test]
fn payloads_reasons_and_keys_are_read_silently() {
    let (receiver, client) = with_flags(three(), |config| config);
    let found = client.evaluate("u").unwrap();
    assert_eq!(found.keys().len(), 3);
    assert!(found.payload("many").is_some() && found.reason("many").is_some());
    let key = c"many".as_ptr();
    assert_eq!(ph_flags_get_id(found.raw, key), 3);
    assert!(ph_flags_get_age_ms(found.raw, key) >= 0);
    let event = Event::new("u", "e");
    assert_eq!(ph_event_set_flags(event.raw(), found.raw), PH_OK);
    client.capture_event(&event).unwrap();
    assert!(told(&receiver, &client).is_empty());
}

#[test]
fn a_flag_that_is_missing_is_told_but_not_of_a_part() {
    let (receiver, client) = with_flags(three(), |config| config);
    let found = client.evaluate("u").unwrap();
    let mut raw = std::ptr::null_mut();
    assert_eq!(ph_flags_only_accessed(found.raw, &raw mut raw), PH_OK);
    let part = super::Found { raw };
    assert_eq!((part.enabled("gone"), part.enabled("on")), (None, None));
    assert!(told(&receiver, &client).is_empty());
    for _ in 0..3 {
        assert_eq!(found.enabled("gone"), None);
    }
    let told = told(&receiver, &client);
    assert_eq!(named(&told), [("gone", &Value::Null)]);
    assert_eq!(told[0]["$feature_flag_error"], "flag_missing");
}

#[test]
fn there_is_a_switch_for_the_client_and_one_for_a_call() {
    let switch = |config: Config| config.set(ph_config_set_flag_events, false);
    let (receiver, silent) = with_flags(three(), switch);
    silent.flag("u", "on");
    assert_eq!(silent.evaluate("u").unwrap().enabled("on"), Some(true));
    let context = |on| {
        let context = Context::new();
        assert_eq!(ph_context_set_flag_events(context.raw, on), PH_OK);
        context
    };
    assert!(told(&receiver, &silent).is_empty());
    silent.flag_in("u", "on", Some(&context(true)), false);
    assert_eq!(told(&receiver, &silent).len(), 1);

    let (receiver, client) = with_flags(three(), |config| config);
    let quiet = context(false);
    client.flag_in("u", "on", Some(&quiet), false);
    let found = client.evaluate_in("u", Some(&quiet), 10_000).unwrap();
    assert_eq!(found.enabled("off"), Some(false));
    assert!(told(&receiver, &client).is_empty());
    // It was not told, so that it is still new.
    client.flag("u", "on");
    assert_eq!(told(&receiver, &client).len(), 1);
}

#[test]
fn the_short_form_leaves_out_what_is_not_on_its_list() {
    let minimal = |has_experiment: Value| {
        let metadata = json!({"id": 1, "version": 2, "has_experiment": has_experiment});
        json!({
            "flags": {"on": {"enabled": true, "metadata": metadata}},
            "minimalFlagCalledEvents": true,
        })
    };
    for (has_experiment, is_short) in
        [(json!(false), true), (json!(true), false), (json!(null), false)]
    {
        let options = |config: Config| config.text(ph_config_set_environment, "production");
        let (receiver, client) = with_flags(three(), options);
        let answer = Reply::status(200).json(&minimal(has_experiment));
        receiver.set_script(Script::new().always("/flags/", answer));
        let props = Props::new().str("plan", "pro").str("$session_id", "s").str("utm_source", "x");
        assert_eq!(ph_register(client.raw(), props.raw()), PH_OK);
        assert_eq!(client.flag("u", "on"), Some(true));
        let told = told(&receiver, &client);
        let has = |key: &str| told[0].get(key).is_some();
        for key in ["$feature_flag", "$session_id", "utm_source", "$lib", "$os", "$is_server"] {
            assert!(has(key), "{key}: {told:?}");
        }
        for key in ["plan", "environment", "$feature/on"] {
            assert_eq!(has(key), !is_short, "{key}: {told:?}");
        }
    }
}

#[test]
#[cfg(feature = "local-evaluation")]
fn what_may_not_be_asked_about_is_told_as_unknown_by_either_form() {
    for short in [true, false] {
        let local = |config: Config| config.set(ph_config_set_flags_local_only, true);
        let (receiver, client) = with_flags(three(), local);
        let filter = json!({"key": "plan", "value": "pro", "type": "person"});
        let groups = json!({"groups": [{"properties": [filter]}]});
        let definitions = super::local::definitions(&[super::local::flag("pro", &groups)]);
        assert_eq!(client.load(&definitions.to_string()), PH_OK);
        let found = client.evaluate("u").unwrap();
        for key in ["pro", "gone", "pro", "gone"] {
            let known = if short { client.flag("u", key) } else { found.enabled(key) };
            assert_eq!(known, None);
        }
        let told = told(&receiver, &client);
        assert_eq!(named(&told), [("pro", &Value::Null), ("gone", &Value::Null)], "{short}");
        assert_eq!(told[0]["$feature_flag_error"], "evaluation_failed");
        assert_eq!(told[1]["$feature_flag_error"], "flag_missing");
        assert!(!receiver.requests().iter().any(posthog_receiver::Request::is_flags));
    }
}

#[test]
fn what_went_wrong_is_told_with_the_value_that_held() {
    let (receiver, client) = with_flags(three(), super::remembered::for_millis(50));
    assert_eq!(client.flag("u", "on"), Some(true));
    receiver.set_script(Script::new().always("/flags/", Reply::status(500)));
    std::thread::sleep(std::time::Duration::from_millis(60));
    assert_eq!((client.flag("u", "off"), client.flag("v", "on")), (Some(false), None));
    let told = told(&receiver, &client);
    assert_eq!(named(&told), [("on", &json!(true)), ("off", &json!(false)), ("on", &Value::Null)]);
    let errors: Vec<&Value> = told.iter().map(|it| &it["$feature_flag_error"]).collect();
    assert_eq!(errors, [&Value::Null, &json!("api_error_500"), &json!("api_error_500")]);
}

#[test]
fn reads_go_on_while_the_client_goes() {
    let (receiver, client) = with_flags(three(), |config| config);
    let found = client.evaluate("u").unwrap();
    std::thread::scope(|scope| {
        let reader =
            || (0..200).all(|_| found.enabled("on") == Some(true) && found.enabled("x").is_none());
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(reader)).collect();
        drop(client);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap()));
    });
    assert_eq!(found.enabled("off"), Some(false));
    drop(receiver);
}

#[test]
fn what_a_client_knows_of_somebody_goes_along() {
    let (receiver, client) = with_flags(three(), |config| config);
    let (u, company, acme) = (c_text("u"), c_text("company"), c_text("acme"));
    let props = Props::new().str("plan", "pro");
    assert_eq!(ph_flags_set_person_properties(client.raw(), u.as_ptr(), props.raw()), PH_OK);
    let status =
        ph_flags_set_group_properties(client.raw(), company.as_ptr(), acme.as_ptr(), props.raw());
    assert_eq!(status, PH_OK);
    let context = Context::new().group("company", "acme", &Props::new().int("size", 1));
    let sent = |id: &str| {
        client.evaluate_in(id, Some(&context), 10_000).unwrap();
        let body = receiver.requests().last().unwrap().json.clone().unwrap();
        (body["person_properties"].clone(), body["group_properties"]["company"].clone())
    };
    let (plan, nothing) = (json!({"plan": "pro"}), json!({}));
    assert_eq!(sent("u"), (plan, json!({"size": 1, "plan": "pro"})));
    assert_eq!(sent("v"), (nothing.clone(), json!({"size": 1, "plan": "pro"})));
    assert_eq!(ph_flags_reset_person_properties(client.raw(), u.as_ptr()), PH_OK);
    let none = std::ptr::null();
    assert_eq!(ph_flags_reset_group_properties(client.raw(), none, none), PH_OK);
    assert_eq!(sent("u"), (nothing, json!({"size": 1})));
    assert_eq!(ph_flags_set_person_properties(client.raw(), none, props.raw()), PH_ERROR_NULL);
    let status = ph_flags_reset_group_properties(client.raw(), company.as_ptr(), none);
    assert_eq!(status, PH_ERROR_NULL);
    assert!(told(&receiver, &client).is_empty());
}

#[test]
fn a_device_learns_from_what_it_captures() {
    for (is_server, plan) in [(false, json!({"plan": "pro", "since": 1})), (true, json!({}))] {
        let options = |config: Config| config.set(ph_config_set_is_server, is_server);
        let (receiver, client) = with_flags(three(), options);
        let (u, set) = (c_text("u"), Props::new().str("plan", "pro"));
        let once = Props::new().str("plan", "free").int("since", 1);
        assert_eq!(ph_identify(client.raw(), u.as_ptr(), set.raw(), once.raw()), PH_OK);
        client.evaluate("u").unwrap();
        let requests = receiver.requests();
        let body = requests.iter().find(|it| it.is_flags()).unwrap().json.clone().unwrap();
        assert_eq!(body["person_properties"], plan);
    }
}
