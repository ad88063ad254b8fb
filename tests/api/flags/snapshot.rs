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
    // What the short form remembers is neither read nor changed by it.
    assert_eq!(client.flag("u", "on"), Some(false));
    receiver.set_flags(three());
    assert_eq!(client.evaluate("u").unwrap().enabled("on"), Some(true));
    assert_eq!(client.flag("u", "on"), Some(false));
    assert_eq!(receiver.counts().requests, 4);
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
