//! What PostHog's capture and flags endpoints demand of a body. One bad event refuses the whole
//! batch, as it does there. Duplicate keys and NUL characters are refused one step earlier, by
//! the JSON reader.

use serde_json::Value;

use crate::{timestamp, uuid};

/// The events of a capture body, or why it is refused.
pub(crate) fn batch(body: &Value) -> Result<&[Value], String> {
    filled(body, "api_key")?;
    let events = body.get("batch").ok_or("batch is missing")?;
    let events = events.as_array().ok_or("batch is not an array")?;
    for (index, event) in events.iter().enumerate() {
        self::event(event).map_err(|reason| format!("event {index}: {reason}"))?;
    }
    Ok(events)
}

pub(crate) fn flags(body: &Value) -> Result<(), String> {
    filled(body, "api_key").and_then(|()| filled(body, "distinct_id"))
}

fn event(event: &Value) -> Result<(), String> {
    filled(event, "event")?;
    filled(event, "distinct_id")?;
    if event.get("properties").is_some_and(|properties| !properties.is_object()) {
        return Err("properties is not an object".into());
    }
    if event.get("uuid").is_some_and(|value| value.as_str().and_then(uuid::parse).is_none()) {
        return Err("uuid does not parse".into());
    }
    let bad_time = |value: &Value| value.as_str().and_then(timestamp::parse).is_none();
    if event.get("timestamp").is_some_and(bad_time) {
        return Err("timestamp is not RFC 3339".into());
    }
    Ok(())
}

fn filled(object: &Value, key: &str) -> Result<(), String> {
    match object.get(key) {
        None => Err(format!("{key} is missing")),
        Some(Value::String(text)) if text.is_empty() => Err(format!("{key} is empty")),
        Some(Value::String(_)) => Ok(()),
        Some(_) => Err(format!("{key} is not a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "api_key": "phc_x",
            "batch": [
                {"event": "first", "distinct_id": "u"},
                {
                    "event": "second",
                    "distinct_id": "u",
                    "uuid": "0190a6e0-7c3b-7def-8123-456789abcdef",
                    "timestamp": "2024-02-29T12:34:56.789Z",
                    "properties": {"n": 1},
                },
            ],
        })
    }

    #[test]
    fn a_good_batch_yields_its_events() {
        assert_eq!(batch(&good()).unwrap().len(), 2);
        assert_eq!(batch(&json!({"api_key": "k", "batch": []})), Ok(&[][..]));
    }

    #[test]
    fn a_bad_envelope_is_refused() {
        for (body, reason) in [
            (json!([]), "api_key is missing"),
            (json!({"batch": []}), "api_key is missing"),
            (json!({"api_key": "", "batch": []}), "api_key is empty"),
            (json!({"api_key": 7, "batch": []}), "api_key is not a string"),
            (json!({"api_key": "k"}), "batch is missing"),
            (json!({"api_key": "k", "batch": {}}), "batch is not an array"),
        ] {
            assert_eq!(batch(&body), Err(reason.to_owned()));
        }
    }

    #[test]
    fn one_bad_event_refuses_the_batch() {
        for (key, value, reason) in [
            ("event", json!(""), "event is empty"),
            ("event", json!(null), "event is not a string"),
            ("distinct_id", json!(""), "distinct_id is empty"),
            ("distinct_id", json!(5), "distinct_id is not a string"),
            ("properties", json!([]), "properties is not an object"),
            ("properties", json!(null), "properties is not an object"),
            ("uuid", json!("nonsense"), "uuid does not parse"),
            ("uuid", json!(null), "uuid does not parse"),
            ("timestamp", json!("yesterday"), "timestamp is not RFC 3339"),
            ("timestamp", json!(1_709_210_096), "timestamp is not RFC 3339"),
        ] {
            let mut body = good();
            body["batch"][1][key] = value;
            assert_eq!(batch(&body), Err(format!("event 1: {reason}")));
        }
        let mut body = good();
        body["batch"][0].as_object_mut().unwrap().remove("distinct_id");
        assert_eq!(batch(&body), Err("event 0: distinct_id is missing".into()));
    }

    #[test]
    fn a_flags_request_names_the_project_and_the_person() {
        assert_eq!(flags(&json!({"api_key": "k", "distinct_id": "u"})), Ok(()));
        assert_eq!(flags(&json!({"api_key": "k"})), Err("distinct_id is missing".into()));
        assert_eq!(flags(&json!({"distinct_id": "u"})), Err("api_key is missing".into()));
    }
}
