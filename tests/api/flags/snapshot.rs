//! What a snapshot says of each flag.

use super::{three, with_flags};
use crate::c::*;
use crate::client::to;
use posthog_receiver::{Flag, Flags, Receiver, Reply, Script};
use serde_json::{Value, json};

#[test]
fn values_variants_payloads_and_reasons() {
    let (_receiver, client) = with_flags(three(), |config| config);
    let found = client.evaluate("u").unwrap();
    assert_eq!(found.keys(), ["many", "off", "on"]);
    let all = ["off", "on", "many", "none"];
    assert_eq!(all.map(|key| found.enabled(key)), [Some(false), Some(true), Some(true), None]);
    assert_eq!(all.map(|key| found.variant(key)), [None, None, Some("blue".to_owned()), None]);
    assert_eq!(found.payload("on"), None);
    let payload: Value = serde_json::from_str(&found.payload("many").unwrap()).unwrap();
    assert_eq!(payload, json!({"copy": "hello", "n": [1, 2.50]}));
    let reason = |key| found.reason(key);
    assert_eq!(reason("off").as_deref(), Some("no_condition_match"));
    assert_eq!(reason("on").as_deref(), Some("condition_match"));
    assert_eq!(reason("none"), None);
}

#[test]
fn texts_last_as_long_as_the_snapshot_and_no_client_is_needed() {
    let (receiver, client) = with_flags(three(), |config| config);
    let found = client.evaluate("u").unwrap();
    let variant = ph_flags_get_variant(found.raw, c"many".as_ptr());
    receiver.set_flags(Flags::none());
    drop((client, receiver));
    assert_eq!(found.enabled("on"), Some(true));
    assert_eq!(crate::handle::lent_text(variant).as_deref(), Some("blue"));
}

#[test]
fn every_evaluation_asks_anew() {
    let (receiver, client) = with_flags(three(), |config| config);
    assert_eq!(client.evaluate("u").unwrap().enabled("on"), Some(true));
    receiver.set_flags(Flags::none().with("on", Flag::off()));
    assert_eq!(client.evaluate("u").unwrap().enabled("on"), Some(false));
    // The short form asks nobody about what an evaluation has just found.
    assert_eq!(client.flag("u", "on"), Some(false));
    let asked = receiver.requests().iter().filter(|request| request.is_flags()).count();
    assert_eq!(asked, 2);
}

/// What one evaluation finds in this answer.
fn found_in(answer: &Value) -> super::Found {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/flags/", Reply::status(200).json(answer)));
    to(&receiver).client().evaluate("u").unwrap()
}

#[test]
fn a_flag_that_failed_is_not_known_and_says_why() {
    let found = found_in(&json!({
        "flags": {
            "good": {"key": "good", "enabled": true, "reason": {"code": "condition_match"}},
            "failed": {"key": "failed", "enabled": false, "failed": true,
                       "reason": {"code": "database_error"}},
            "broken": 7,
        },
        "errorsWhileComputingFlags": true,
    }));
    assert_eq!(found.keys(), ["good"]);
    assert_eq!(found.enabled("failed"), None);
    assert_eq!(found.reason("failed").as_deref(), Some("database_error"));
    assert_eq!(
        (found.enabled("broken"), found.reason("broken").as_deref()),
        (None, Some("malformed"))
    );
}

#[test]
fn over_its_quota_nothing_is_known() {
    let found = found_in(&json!({"flags": {}, "quotaLimited": ["feature_flags"]}));
    assert_eq!((found.keys().len(), found.enabled("any")), (0, None));
    assert_eq!(found.reason("any").as_deref(), Some("quota_limited"));
}

#[test]
fn an_answer_of_a_thousand_flags() {
    let names: Vec<String> = (0..1_000).map(|n| format!("flag-{n:04}")).collect();
    let on = |flags: Flags, name: &String| flags.with(name, Flag::variant(name));
    let (_receiver, client) = with_flags(names.iter().fold(Flags::none(), on), |config| config);
    let found = client.evaluate("u").unwrap();
    assert_eq!(found.keys(), names);
    assert!(names.iter().all(|name| found.variant(name).as_ref() == Some(name)));
}

#[test]
fn where_a_value_came_from_and_how_old_it_is() {
    let (receiver, client) = with_flags(three(), |config| config);
    let found = client.evaluate("u").unwrap();
    let (key, missing) = (c"many".as_ptr(), c"none".as_ptr());
    let raw = found.raw;
    assert_eq!(ph_flags_get_source(raw, key), PH_FLAG_SOURCE_REMOTE);
    assert_eq!((ph_flags_get_id(raw, key), ph_flags_get_version(raw, key)), (3, 1));
    let age = ph_flags_get_age_ms(raw, key);
    assert!((0..10_000).contains(&age), "{age}");
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert!(ph_flags_get_age_ms(raw, key) >= age + 20);
    let answer: Value = serde_json::from_slice(&receiver.requests()[0].response).unwrap();
    let request_id = crate::handle::lent_text(ph_flags_get_request_id(raw));
    assert_eq!(request_id.as_deref(), answer["requestId"].as_str());
    assert_eq!(ph_flags_get_source(raw, missing), PH_FLAG_SOURCE_UNKNOWN);
    assert_eq!((ph_flags_get_id(raw, missing), ph_flags_get_age_ms(raw, missing)), (-1, -1));
}

#[test]
fn a_copy_has_only_what_was_read_or_asked_for() {
    let (_receiver, client) = with_flags(three(), |config| config);
    let found = client.evaluate("u").unwrap();
    let only_accessed = || {
        let mut raw = std::ptr::null_mut();
        assert_eq!(ph_flags_only_accessed(found.raw, &raw mut raw), PH_OK);
        super::Found { raw }
    };
    // Keys, payloads and reasons are not values.
    assert_eq!((found.keys().len(), found.payload("many").is_some()), (3, true));
    assert!(found.reason("on").is_some() && only_accessed().keys().is_empty());
    assert_eq!(found.enabled("off"), Some(false));
    assert_eq!(found.variant("many").as_deref(), Some("blue"));
    assert_eq!(found.enabled("none"), None);
    let read = only_accessed();
    assert_eq!(read.keys(), ["many", "off"]);
    assert_eq!(read.variant("many").as_deref(), Some("blue"));
    drop(read);
    assert_eq!(only_accessed().keys(), ["many", "off"]);
    let mut raw = std::ptr::null_mut();
    let keys = [c"on".as_ptr(), c"none".as_ptr()];
    assert_eq!(ph_flags_only(found.raw, keys.as_ptr(), 2, &raw mut raw), PH_OK);
    assert_eq!(super::Found { raw }.keys(), ["on"]);
    let keys = [std::ptr::null()];
    let mut raw = std::ptr::dangling_mut();
    assert_eq!(ph_flags_only(found.raw, keys.as_ptr(), 1, &raw mut raw), PH_ERROR_NULL);
    assert_eq!(ph_flags_only_accessed(std::ptr::null(), &raw mut raw), PH_ERROR_NULL);
    assert_eq!(raw, std::ptr::dangling_mut());
}

#[test]
fn what_is_not_known_has_a_reason() {
    let receiver = Receiver::start();
    let failed = |code: &str| json!({"enabled": false, "failed": true, "reason": {"code": code}});
    let answer =
        json!({"flags": {"b": failed("timeout"), "a": failed("x"), "on": {"enabled": true}}});
    receiver.set_script(Script::new().always("/flags/", Reply::status(200).json(&answer)));
    let client = to(&receiver).client();
    let found = client.evaluate("u").unwrap();
    let unknown = |index| crate::handle::lent_text(ph_flags_get_unknown_key(found.raw, index));
    assert_eq!((0..3).map(unknown).collect::<Vec<_>>(), [Some("a".into()), Some("b".into()), None]);
    assert_eq!((found.keys(), found.reason("b").as_deref()), (vec!["on".into()], Some("timeout")));
    assert_eq!(ph_flags_get_source(found.raw, c"b".as_ptr()), PH_FLAG_SOURCE_UNKNOWN);
}

#[test]
fn texts_with_a_length_need_no_nul() {
    let (receiver, client) = with_flags(three(), |config| config);
    let (id, key) = (b"user_42 and more", b"many more");
    let (id, key) = (id.as_ptr().cast(), key.as_ptr().cast());
    let mut raw = std::ptr::null_mut();
    let status = ph_flags_evaluate_n(client.raw(), id, 7, std::ptr::null(), 10_000, &raw mut raw);
    assert_eq!(status, PH_OK);
    assert_eq!(super::Found { raw }.enabled("on"), Some(true));
    assert_eq!(receiver.requests()[0].json.as_ref().unwrap()["distinct_id"], "user_42");
    let short = |id_len, key_len| {
        ph_flag_enabled_n(client.raw(), id, id_len, key, key_len, std::ptr::null(), false)
    };
    assert!(short(7, 4) && !short(7, 5) && !short(0, 4));
    let null = std::ptr::null();
    let status = ph_flags_evaluate_n(client.raw(), null, 1, std::ptr::null(), 1, &raw mut raw);
    assert_eq!(status, PH_ERROR_NULL);
}

#[test]
fn local_only_asks_nobody() {
    let (receiver, client) = with_flags(three(), |config| config);
    let context = super::Context::new();
    assert_eq!(ph_context_set_local_only(context.raw, true), PH_OK);
    assert!(client.evaluate_in("u", Some(&context), 0).unwrap().keys().is_empty());
    assert!(client.flag_in("u", "off", Some(&context), true));
    assert_eq!(receiver.counts().requests, 0);
    assert_eq!(ph_context_set_local_only(context.raw, false), PH_OK);
    assert!(!client.flag_in("u", "off", Some(&context), true));
}

#[test]
fn a_context_can_be_had_from_json() {
    let (receiver, client) = with_flags(three(), |config| config);
    let new = |json: &str| {
        let mut raw = std::ptr::dangling_mut();
        match ph_context_new_json(json.as_ptr().cast(), json.len(), &raw mut raw) {
            PH_OK => Ok(super::Context { raw }),
            status => {
                assert_eq!(raw, std::ptr::dangling_mut());
                Err(status)
            }
        }
    };
    let context = new(r#"{"groups":{"company":"acme"},"flag_keys":["on"]}"#).unwrap();
    assert_eq!(client.evaluate_in("u", Some(&context), 10_000).unwrap().keys(), ["on"]);
    let body = receiver.requests()[0].json.clone().unwrap();
    assert_eq!(body["groups"], json!({"company": "acme"}));
    assert_eq!(new(r#"{"grups":{}}"#).err(), Some(PH_ERROR_JSON));
    assert_eq!(new(r#"{"groups":{"a":""}}"#).err(), Some(PH_ERROR_EMPTY));
}
