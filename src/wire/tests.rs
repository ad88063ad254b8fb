use super::*;
use crate::config::Config;
use crate::props::Props;
use crate::record::NewRecord;
use serde_json::{Value, json};

fn wire(historical: bool) -> Wire {
    let config = Config::new("phc_x");
    let project = Project { api_key: "phc_x", library: "lib/1.2", historical };
    Wire::new(&project, &Stamps::new(&config).unwrap())
}

fn attempt() -> Attempt {
    let at = |text| Timestamp::parse(text).unwrap();
    Attempt {
        id: Uuid::from_u128(7),
        number: 3,
        created: at("2026-11-20T10:00:00Z"),
        sent: at("2026-11-20T10:00:05Z"),
    }
}

/// One event of these properties and options, in both protocols; and how many odd ids V1 counted.
fn both(properties: &str, options: &str) -> (Value, Value, usize) {
    let map = |text: &str| {
        let mut props = Props::new();
        props.set_members(text.as_bytes()).unwrap();
        props
    };
    let (props, options) = (map(properties), map(options));
    let record = NewRecord {
        distinct_id: b"u",
        event: b"e",
        props: [props.text(), b""],
        options: options.text(),
        marks: props.marks(),
        timestamp: Timestamp::parse("2026-11-20T09:59:59.123Z").unwrap(),
        uuid: None,
    };
    let mut chunk = Chunk::default();
    chunk.push(&record, Uuid::from_u128(1), 0);
    let wire = wire(false);
    let body = |protocol, most: usize| {
        let mut out = Vec::new();
        let odd = wire.body(protocol, &chunk, &attempt(), &mut out);
        assert!(out.len() <= most, "{} bytes, announced are {most}", out.len());
        let body: Value = serde_json::from_slice(&out).unwrap();
        (body["batch"][0].clone(), odd)
    };
    let most = wire.frame() + wire.envelope() + record.len() - crate::record::HEADER;
    let (v0, _) = body(Protocol::V0, most);
    let (v1, odd) = body(Protocol::V1, most);
    (v0, v1, odd)
}

/// The properties without the stamps.
fn own(event: &Value) -> Value {
    let mut properties = event["properties"].clone();
    let map = properties.as_object_mut().unwrap();
    for stamp in ["$lib", "$lib_version", "$os", "$os_version", "$is_server", "$geoip_disable"] {
        map.remove(stamp);
    }
    properties
}

#[test]
fn the_envelopes() {
    let chunk = Chunk::default();
    let body = |historical, protocol| -> Value {
        let mut out = Vec::new();
        wire(historical).body(protocol, &chunk, &attempt(), &mut out);
        serde_json::from_slice(&out).unwrap()
    };
    let (created, sent) = ("2026-11-20T10:00:00Z", "2026-11-20T10:00:05Z");
    let v0 = json!({"api_key": "phc_x", "sent_at": sent, "batch": []});
    assert_eq!(body(false, Protocol::V0), v0);
    assert_eq!(body(false, Protocol::V1), json!({"created_at": created, "batch": []}));
    for protocol in [Protocol::V0, Protocol::V1] {
        assert_eq!(body(true, protocol)["historical_migration"], true);
    }
    assert!(wire(false).headers(Protocol::V0, &attempt()).is_empty());
    let headers: Vec<(&str, String)> = wire(false).headers(Protocol::V1, &attempt());
    let expected = [
        ("authorization", "Bearer phc_x"),
        ("posthog-sdk-info", "lib/1.2"),
        ("posthog-attempt", "3"),
        ("posthog-request-id", "00000000-0000-0000-0000-000000000007"),
        ("posthog-request-timestamp", sent),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn v1_has_no_library_among_the_properties_and_always_options() {
    let (v0, v1, _) = both(r#"{"a": 1}"#, "{}");
    assert_eq!((own(&v0), &v0["properties"]["$lib"]), (json!({"a": 1}), &json!("libposthog")));
    assert_eq!((own(&v1), &v1["properties"]["$lib"]), (json!({"a": 1}), &Value::Null));
    assert_eq!(v1["properties"]["$is_server"], true);
    assert_eq!((v0.get("options"), &v1["options"]), (None, &json!({})));
    let (v0, v1, _) = both(r#"{"$lib": "mine", "$lib_version": "9"}"#, "{}");
    assert_eq!(v0["properties"]["$lib"], "mine");
    assert!(
        v1["properties"].get("$lib").is_none() && v1["properties"].get("$lib_version").is_none()
    );
    assert!(both("{}", "{}").1["properties"]["$os"].is_string());
}

#[test]
fn properties_are_lifted_as_they_are_and_always_removed() {
    let (v0, v1, odd) = both(
        r#"{"$session_id": "s", "a": "x,\"$window_id\":\"no\"", "$window_id": "w",
            "$cookieless_mode": "yes", "$ignore_sent_at": 1, "$process_person_profile": false,
            "$product_tour_id": null, "b": {"$session_id": "stays"}}"#,
        "{}",
    );
    assert_eq!(own(&v0).as_object().unwrap().len(), 8);
    let kept = json!({"a": "x,\"$window_id\":\"no\"", "b": {"$session_id": "stays"}});
    assert_eq!(own(&v1), kept);
    assert_eq!((&v1["session_id"], &v1["window_id"], odd), (&json!("s"), &json!("w"), 0));
    let options = json!({"cookieless_mode": "yes", "disable_skew_correction": 1,
        "product_tour_id": null, "process_person_profile": false});
    assert_eq!(v1["options"], options);
}

#[test]
fn ids_that_are_no_strings_are_left_out_and_counted() {
    for (id, odd) in [("7", 1), ("{}", 1), ("true", 1), ("null", 0)] {
        let (_, v1, counted) =
            both(&format!(r#"{{"$session_id": {id}, "$window_id": "w"}}"#), "{}");
        assert_eq!((v1.get("session_id"), &v1["window_id"], counted), (None, &json!("w"), odd));
        assert_eq!(own(&v1), json!({}));
    }
}

#[test]
fn explicit_options_win_and_pass_unchanged_where_they_are_known() {
    let (v0, v1, _) = both(
        r#"{"a": 1, "$cookieless_mode": false, "$product_tour_id": "lifted", "$session_id": "s"}"#,
        r#"{"cookieless_mode": "odd", "product_tour_id": null, "novel": {"x": [1]}, "process_person_profile": false,
            "disable_skew_correction": null}"#,
    );
    let options = json!({"cookieless_mode": "odd", "novel": {"x": [1]}, "process_person_profile": false,
        "disable_skew_correction": null, "product_tour_id": "lifted"});
    assert_eq!((&v1["options"], own(&v1)), (&options, json!({"a": 1})));
    let properties = json!({"a": 1, "$product_tour_id": "lifted", "$session_id": "s",
        "$cookieless_mode": "odd", "$process_person_profile": false});
    assert_eq!(own(&v0), properties);
    assert!(v0.get("options").is_none());
    let (v0, v1, _) = both("{}", r#"{"novel": 1}"#);
    assert_eq!((own(&v0), &v1["options"]), (json!({}), &json!({"novel": 1})));
}
