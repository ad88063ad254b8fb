use super::*;
use crate::flags::context::Context;
use crate::flags::draft::{Draft, Record, Source};
use crate::json;
use serde_json::{Value, json};
use std::sync::Arc;

fn record() -> Record {
    Record {
        key: "nav".to_owned(),
        enabled: Some(true),
        variant: Some("blue".to_owned()),
        payload: Some("{\"a\": [1, 2.50]}".to_owned()),
        reason: Some("condition_match".to_owned()),
        description: Some("Matched condition set 1".to_owned()),
        id: Some(42),
        version: Some(7),
        has_experiment: Some(false),
        ..Record::default()
    }
}

fn source() -> Source {
    Source {
        request_id: Some("r-1".to_owned()),
        evaluated_at: Some(1_763_632_800_000),
        minimal: true,
        ..Source::default()
    }
}

fn snapshot(records: Vec<Record>, source: Source, change: impl FnOnce(&mut Draft)) -> Snapshot {
    let source = Arc::new(source);
    let answer = Some(Arc::clone(&source));
    let mut draft = Draft { records, source, answer, ..Draft::default() };
    change(&mut draft);
    Snapshot::new("user", &Context::default(), draft)
}

fn properties(event: &Event) -> Value {
    let text = [b"{", event.props.text(), b"}"].concat();
    serde_json::from_slice(&text).unwrap()
}

fn told(snapshot: &Snapshot, key: &str) -> Value {
    properties(&event(snapshot, key).unwrap())
}

#[test]
fn a_value_of_the_server_with_all_that_is_known_of_it() {
    let snapshot = snapshot(vec![record()], source(), |_| {});
    let event = event(&snapshot, "nav").unwrap();
    assert_eq!((event.name(), event.distinct_id()), ("$feature_flag_called", "user"));
    assert!(event.is_short);
    assert_eq!(
        properties(&event),
        json!({
            "$feature_flag": "nav",
            "$feature_flag_response": "blue",
            "locally_evaluated": false,
            "$feature/nav": "blue",
            "$feature_flag_payload": {"a": [1, 2.50]},
            "$feature_flag_id": 42,
            "$feature_flag_version": 7,
            "$feature_flag_evaluated_at": 1_763_632_800_000_i64,
            "$feature_flag_reason": "Matched condition set 1",
            "$feature_flag_has_experiment": false,
            "$feature_flag_request_id": "r-1",
        })
    );
}

#[test]
fn a_value_found_locally() {
    let found = Record {
        origin: Origin::Local,
        variant: None,
        payload: None,
        version: None,
        description: Some("Evaluated locally".to_owned()),
        ..record()
    };
    let definitions = Source {
        request_id: None,
        evaluated_at: Some(9),
        definitions_loaded_at: Some(5),
        ..source()
    };
    let snapshot = snapshot(vec![found], definitions, |draft| draft.errors = true);
    assert_eq!(
        told(&snapshot, "nav"),
        json!({
            "$feature_flag": "nav",
            "$feature_flag_response": true,
            "locally_evaluated": true,
            "$feature/nav": true,
            "$feature_flag_id": 42,
            "$feature_flag_evaluated_at": 9,
            "$feature_flag_definitions_loaded_at": 5,
            "$feature_flag_reason": "Evaluated locally",
            "$feature_flag_has_experiment": false,
        })
    );
}

/// The error of a read of a flag that is known, one that failed and one that is missing.
fn errors(change: impl Fn(&mut Draft)) -> [Value; 3] {
    let failed = Record { key: "failed".to_owned(), ..Record::default() };
    let snapshot = snapshot(vec![record(), failed], source(), change);
    ["nav", "failed", "missing"].map(|key| told(&snapshot, key)["$feature_flag_error"].clone())
}

#[test]
fn what_went_wrong_is_told() {
    let none = Value::Null;
    assert_eq!(errors(|_| {}), [none.clone(), json!("evaluation_failed"), json!("flag_missing")]);
    assert_eq!(
        errors(|draft| draft.errors = true),
        [
            json!("errors_while_computing_flags"),
            json!("errors_while_computing_flags,evaluation_failed"),
            json!("errors_while_computing_flags,flag_missing"),
        ]
    );
    let [_, _, quota] = errors(|draft| draft.quota_limited = true);
    assert_eq!(quota, "quota_limited");
    for code in ["timeout", "connection_error", "api_error_500", "unknown_error"] {
        let [stale, _, missing] = errors(|draft| draft.failure = Some(code.to_owned()));
        assert_eq!((stale, missing), (json!(code), json!(code)));
    }
}

#[test]
fn what_is_not_known_is_null() {
    let snapshot = snapshot(vec![], source(), |_| {});
    assert_eq!(
        told(&snapshot, "gone"),
        json!({
            "$feature_flag": "gone",
            "$feature_flag_response": null,
            "locally_evaluated": false,
            "$feature/gone": null,
            "$feature_flag_request_id": "r-1",
            "$feature_flag_error": "flag_missing",
        })
    );
}

#[test]
fn any_missing_signal_makes_it_a_full_event() {
    let is_short = |has_experiment, minimal, key| {
        let record = Record { has_experiment, ..record() };
        let snapshot = snapshot(vec![record], Source { minimal, ..source() }, |_| {});
        event(&snapshot, key).unwrap().is_short
    };
    assert!(is_short(Some(false), true, "nav"));
    for (has_experiment, minimal) in [(Some(false), false), (Some(true), true), (None, true)] {
        assert!(!is_short(has_experiment, minimal, "nav"));
    }
    assert!(!is_short(Some(false), true, "missing"));
}

#[test]
fn the_short_form_keeps_what_is_on_its_list() {
    let mut event = event(&snapshot(vec![record()], source(), |_| {}), "nav").unwrap();
    for key in ["plan", "$referrer", "environment", "utm_source", "$session_id", "$os"] {
        event.props.set_bool(key, true).unwrap();
    }
    let short = short(&event.props).unwrap();
    let keys: Vec<&[u8]> = json::members(short.text()).map(|member| member.key).collect();
    let expected = [
        "$feature_flag",
        "$feature_flag_response",
        "$feature_flag_has_experiment",
        "$feature_flag_id",
        "$feature_flag_version",
        "$feature_flag_reason",
        "$feature_flag_request_id",
        "$feature_flag_evaluated_at",
        "locally_evaluated",
        "$session_id",
        "$os",
        "utm_source",
    ];
    assert_eq!(keys, expected.map(str::as_bytes));
}
