use super::*;
use std::time::Duration;

fn props(object: &str) -> Props {
    let mut props = Props::new();
    props.set_members(object.as_bytes()).unwrap();
    props
}

fn body_text(context: &Context, geoip_disable_default: bool, denied: &[&str]) -> String {
    let denied = denied.iter().map(|key| key.as_bytes().to_vec()).collect();
    let mut out = Vec::new();
    body(&mut out, "phc_x", "us\"er", context, geoip_disable_default, &denied);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_body_without_a_context_has_what_servers_want() {
    assert_eq!(
        body_text(&Context::default(), true, &[]),
        r#"{"api_key":"phc_x","distinct_id":"us\"er","groups":{},"person_properties":{},"group_properties":{},"geoip_disable":true}"#
    );
}

#[test]
fn a_body_with_everything() {
    let mut context = Context::default();
    context.set_group("team", "co\\re").unwrap();
    context.set_group("company", "acme").unwrap();
    context.set_person_properties(&props(r#"{"email":"a@b.c","plan":"pro"}"#)).unwrap();
    context.set_group_properties("company", &props(r#"{"employees":42}"#)).unwrap();
    context.set_group_properties("team", &Props::new()).unwrap();
    context.set_device_id("device-789").unwrap();
    context.add_flag_key("new-nav").unwrap();
    context.add_flag_key("b").unwrap();
    context.add_evaluation_context("production").unwrap();
    context.add_evaluation_context("backend").unwrap();
    context.set_geoip_disable(false);
    assert_eq!(
        body_text(&context, true, &[]),
        concat!(
            r#"{"api_key":"phc_x","distinct_id":"us\"er","device_id":"device-789","#,
            r#""groups":{"company":"acme","team":"co\\re"},"#,
            r#""person_properties":{"email":"a@b.c","plan":"pro"},"#,
            r#""group_properties":{"company":{"employees":42},"team":{}},"geoip_disable":false,"#,
            r#""flag_keys_to_evaluate":["b","new-nav"],"#,
            r#""evaluation_contexts":["backend","production"]}"#,
        )
    );
}

#[test]
fn the_client_decides_about_geoip_where_the_context_does_not() {
    for (own, default, sent) in [
        (None, true, true),
        (None, false, false),
        (Some(true), false, true),
        (Some(false), true, false),
    ] {
        let mut context = Context::default();
        if let Some(own) = own {
            context.set_geoip_disable(own);
        }
        let text = body_text(&context, default, &[]);
        assert!(text.contains(&format!("\"geoip_disable\":{sent}")), "{own:?} {default}: {text}");
    }
}

#[test]
fn denied_keys_leave_in_no_property() {
    let mut context = Context::default();
    context.set_group("email", "kept: a group type is no property").unwrap();
    let nested = r#"{"email":1,"a":{"email":2,"b":[{"email":3,"c":4}]}}"#;
    context.set_person_properties(&props(nested)).unwrap();
    context.set_group_properties("email", &props(r#"{"a":1,"email":2}"#)).unwrap();
    let text = body_text(&context, true, &["email", "unused"]);
    assert!(text.contains(r#""person_properties":{"a":{"b":[{"c":4}]}}"#), "{text}");
    assert!(text.contains(r#""group_properties":{"email":{"a":1}}"#), "{text}");
    assert!(text.contains(r#""groups":{"email":"kept"#), "{text}");
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
}

/// The example of the endpoint's description.
const VERSION_2: &str = r#"{
  "flags": {
    "new-nav": {
      "key": "new-nav", "enabled": true, "variant": "blue",
      "reason": {"code": "condition_match", "condition_index": 0, "description": "Matched condition set 1"},
      "metadata": {"id": 42, "version": 7, "description": null, "payload": "{\"copy\": \"new\"}", "has_experiment": false}
    },
    "broken": {"key": "broken", "enabled": false, "variant": null, "failed": true,
      "reason": {"code": "timeout", "condition_index": null, "description": "too slow"},
      "metadata": {"id": 43, "version": 1, "description": null, "payload": "1", "has_experiment": false}}
  },
  "errorsWhileComputingFlags": false,
  "requestId": "0194cc39-1f25-7000-8000-000000000009",
  "evaluatedAt": 1763632800000,
  "minimalFlagCalledEvents": true,
  "config": {"enable_collect_everything": true}
}"#;

#[test]
fn version_2() {
    let draft = parse(VERSION_2.as_bytes()).unwrap();
    let text = |text: &str| Some(text.to_owned());
    let new_nav = Record {
        key: "new-nav".to_owned(),
        enabled: Some(true),
        variant: text("blue"),
        payload: text(r#"{"copy": "new"}"#),
        reason: text("condition_match"),
        description: text("Matched condition set 1"),
        id: Some(42),
        version: Some(7),
        has_experiment: Some(false),
        ..Record::default()
    };
    let broken = Record {
        key: "broken".to_owned(),
        reason: text("timeout"),
        description: text("too slow"),
        id: Some(43),
        version: Some(1),
        has_experiment: Some(false),
        ..Record::default()
    };
    assert_eq!(
        draft,
        Draft {
            records: vec![new_nav, broken],
            source: Arc::new(Source {
                request_id: text("0194cc39-1f25-7000-8000-000000000009"),
                evaluated_at: Some(1_763_632_800_000),
                minimal: true,
                ..Source::default()
            }),
            ..Draft::default()
        }
    );
    assert!(!draft.is_clean());
}

/// Enabled, variant and payload of the record `{"a":…}`.
type Values<'a> = (Option<bool>, Option<&'a str>, Option<&'a str>);

fn check(answer: &str, expected: Values<'_>) {
    let draft = parse(answer.as_bytes()).unwrap();
    let record = draft.records.iter().find(|record| record.key == "a").unwrap();
    let values = (record.enabled, record.variant.as_deref(), record.payload.as_deref());
    assert_eq!(values, expected, "{answer}");
}

#[test]
fn records() {
    for (record, expected) in [
        (r#"{"enabled":true}"#, (Some(true), None, None)),
        (
            r#"{"enabled":false,"variant":null,"reason":null,"metadata":null}"#,
            (Some(false), None, None),
        ),
        (r#"{"enabled":true,"variant":""}"#, (Some(true), Some(""), None)),
        (r#"{"enabled":false,"variant":"x"}"#, (Some(false), None, None)),
        (r#"{"enabled":true,"failed":false}"#, (Some(true), None, None)),
        (r#"{"enabled":true,"variant":"x","failed":true}"#, (None, None, None)),
        (r#"{"enabled":true,"unheard-of":[]}"#, (Some(true), None, None)),
        // Version 4.
        (r#"{"value":true}"#, (Some(true), None, None)),
        (r#"{"value":false}"#, (Some(false), None, None)),
        (r#"{"value":null}"#, (Some(false), None, None)),
        (r#"{"value":"x"}"#, (Some(true), Some("x"), None)),
        (r#"{"value":1.50}"#, (Some(true), None, Some("1.50"))),
        (r#"{"value":0}"#, (Some(true), None, Some("0"))),
        (r#"{"value":{"b": [1]}}"#, (Some(true), None, Some(r#"{"b":[1]}"#))),
        (r#"{"value":[]}"#, (Some(true), None, Some("[]"))),
        (r#"{"value":"x","metadata":{"payload":"1"}}"#, (Some(true), Some("x"), Some("1"))),
        (r#"{"value":true,"failed":true}"#, (None, None, None)),
    ] {
        check(&format!(r#"{{"flags":{{"a":{record}}}}}"#), expected);
    }
}

#[test]
fn payloads() {
    for (sent, lent) in [
        ("null", None),
        (r#""{\"a\": 1}""#, Some(r#"{"a": 1}"#)),
        (r#""\"text\"""#, Some(r#""text""#)),
        (r#""12345678901234567890.10""#, Some("12345678901234567890.10")),
        (r#""null""#, Some("null")),
        (r#""plain text""#, Some(r#""plain text""#)),
        (r#""""#, Some(r#""""#)),
        (r#""{\"a\":""#, Some(r#""{\"a\":""#)),
        (r#""\"\\ud800\"""#, Some("\"\u{FFFD}\"")),
        (r#"{"a": 1.0}"#, Some(r#"{"a":1.0}"#)),
        ("[1, 2]", Some("[1,2]")),
        ("false", Some("false")),
        ("7", Some("7")),
    ] {
        let answer =
            format!(r#"{{"flags":{{"a":{{"enabled":true,"metadata":{{"payload":{sent}}}}}}}}}"#);
        check(&answer, (Some(true), None, lent));
    }
}

#[test]
fn a_field_of_a_wrong_type_spoils_its_record_alone() {
    for record in [
        "true",
        "null",
        "[]",
        "{}",
        r#""on""#,
        r#"{"enabled":"yes"}"#,
        r#"{"enabled":1}"#,
        r#"{"enabled":null}"#,
        r#"{"variant":"x"}"#,
        r#"{"enabled":true,"key":7}"#,
        r#"{"enabled":true,"variant":7}"#,
        r#"{"enabled":true,"failed":"no"}"#,
        r#"{"enabled":true,"reason":"x"}"#,
        r#"{"enabled":true,"reason":{"code":1}}"#,
        r#"{"enabled":true,"reason":{"description":[]}}"#,
        r#"{"enabled":true,"metadata":[]}"#,
        r#"{"enabled":true,"metadata":{"id":"42"}}"#,
        r#"{"enabled":true,"metadata":{"version":1.5}}"#,
    ] {
        let answer = format!(r#"{{"flags":{{"a":{record},"b":{{"enabled":true}}}}}}"#);
        let draft = parse(answer.as_bytes()).unwrap();
        assert_eq!(draft.records[0], malformed("a".to_owned()), "{record}");
        assert_eq!(draft.records[1].enabled, Some(true), "{record}");
        assert!(!draft.is_clean());
    }
}

#[test]
fn older_shapes() {
    let answer = r#"{"featureFlags":{"a":true,"b":false,"c":"x","d":7},
        "featureFlagPayloads":{"a":"{\"k\":1}","c":[1],"gone":"1"},"errorsWhileComputingFlags":false}"#;
    let draft = parse(answer.as_bytes()).unwrap();
    let values: Vec<_> = draft
        .records
        .iter()
        .map(|it| (it.key.as_str(), it.enabled, it.variant.as_deref(), it.payload.as_deref()))
        .collect();
    assert_eq!(
        values,
        [
            ("a", Some(true), None, Some(r#"{"k":1}"#)),
            ("b", Some(false), None, None),
            ("c", Some(true), Some("x"), Some("[1]")),
            ("d", None, None, None),
        ]
    );
    check(r#"{"featureFlags":["a","b"]}"#, (Some(true), None, None));
    check(r#"{"featureFlags":{"a":true},"featureFlagPayloads":[]}"#, (Some(true), None, None));
    // The newer one counts where both are sent.
    check(
        r#"{"featureFlags":{"a":true},"flags":{"a":{"enabled":false}}}"#,
        (Some(false), None, None),
    );
}

#[test]
fn whether_an_answer_is_clean() {
    for (rest, errors, quota_limited) in [
        ("", false, false),
        (r#","errorsWhileComputingFlags":false"#, false, false),
        (r#","errorsWhileComputingFlags":null"#, false, false),
        (r#","errorsWhileComputingFlags":true"#, true, false),
        (r#","errorsWhileComputingFlags":"some""#, true, false),
        (r#","quotaLimited":[]"#, false, false),
        (r#","quotaLimited":["recordings"]"#, false, false),
        (r#","quotaLimited":["recordings", "feature_flags"]"#, false, true),
        (r#","quotaLimited":false"#, false, false),
    ] {
        let draft =
            parse(format!(r#"{{"flags":{{"a":{{"enabled":true}}}}{rest}}}"#).as_bytes()).unwrap();
        assert_eq!((draft.errors, draft.quota_limited), (errors, quota_limited), "{rest}");
        assert_eq!(draft.is_clean(), !errors && !quota_limited, "{rest}");
        // Over the quota nothing was evaluated, whatever is sent along.
        assert_eq!(draft.records.is_empty(), quota_limited, "{rest}");
    }
    assert!(parse(br#"{"quotaLimited":["feature_flags"]}"#).unwrap().quota_limited);
}

#[test]
fn what_is_no_answer_is_an_error() {
    for answer in [
        "",
        "null",
        "[]",
        "true",
        "{}",
        r#"{"status":1}"#,
        r#"{"flags":[]}"#,
        r#"{"flags":true}"#,
        r#"{"flags":null}"#,
        r#"{"featureFlags":7}"#,
        r#"{"featureFlags":[7]}"#,
        r#"{"flags":{"a":{"enabled":true}}"#,
        "<html>",
        r#"{"flags":{}}x"#,
    ] {
        assert_eq!(parse(answer.as_bytes()), Err(Error::Server), "{answer}");
    }
    assert_eq!(parse(br#"{"flags":{}}"#), Ok(Draft::default()));
}

#[test]
fn what_passes_is_tried_once_more_if_there_is_time() {
    use FailureKind::{Broken, Refused, Timeout};
    let plenty = Duration::from_secs(3);
    for (fault, again, error) in [
        (Fault::Failure(Broken), true, Error::Network),
        (Fault::Failure(Timeout), true, Error::Timeout),
        (Fault::Failure(Refused), false, Error::Network),
        (Fault::Status(502), true, Error::Server),
        (Fault::Status(504), true, Error::Server),
        (Fault::Status(500), false, Error::Server),
        (Fault::Status(503), false, Error::Server),
        (Fault::Status(429), false, Error::Server),
        (Fault::Status(408), false, Error::Server),
        (Fault::Status(401), false, Error::Server),
        (Fault::Status(302), false, Error::Server),
        (Fault::Unreadable, false, Error::Server),
    ] {
        assert_eq!(fault.error(), error, "{fault:?}");
        assert_eq!(
            fault.retry(1, plenty),
            again.then_some(Duration::from_millis(300)),
            "{fault:?}"
        );
        assert_eq!(fault.retry(2, plenty), None, "{fault:?}");
        assert_eq!(fault.retry(1, Duration::from_millis(300)), None, "{fault:?}");
    }
}
