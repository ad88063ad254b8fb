//! Capture V1: what it demands of a request, and what it answers for each event.

use serde_json::{Map, Value, json};
use std::collections::HashSet;

use crate::head;
use crate::reply::Verdict;
use crate::request::Request;
use crate::{timestamp, uuid};

const NAME_MAX: usize = 200;

/// Headers that every request has, beside the bearer token.
const REQUIRED: [&str; 4] =
    ["posthog-sdk-info", "posthog-attempt", "posthog-request-id", "posthog-request-timestamp"];

/// What a V1 body must not have: V1 says it in headers, or elsewhere in the event.
const FOREIGN: [&str; 4] = ["api_key", "token", "sent_at", "compression"];
const LIFTED: [&str; 8] = [
    "$lib",
    "$lib_version",
    "$cookieless_mode",
    "$ignore_sent_at",
    "$product_tour_id",
    "$process_person_profile",
    "$session_id",
    "$window_id",
];

/// The status of a request whose headers are not V1's, and why.
pub(crate) fn headers(headers: &[(String, String)]) -> Result<(), (u16, String)> {
    let token = head::find(headers, "authorization").and_then(|it| it.strip_prefix("Bearer "));
    if token.is_none_or(|token| token.trim().is_empty()) {
        return Err((401, "no bearer token".into()));
    }
    let missing = REQUIRED.iter().find(|name| head::find(headers, name).is_none());
    let bad = |name, good: &dyn Fn(&str) -> bool| {
        head::find(headers, name).is_none_or(|value| !good(value))
    };
    if let Some(name) = missing {
        Err((400, format!("{name} is missing")))
    } else if bad("posthog-attempt", &|value| value.parse::<u32>().is_ok_and(|it| it >= 1)) {
        Err((400, "posthog-attempt is not a number from 1".into()))
    } else if bad("posthog-request-id", &|value| uuid::parse(value).is_some()) {
        Err((400, "posthog-request-id is not a uuid".into()))
    } else if bad("posthog-request-timestamp", &|value| timestamp::parse(value).is_some()) {
        Err((400, "posthog-request-timestamp is not RFC 3339".into()))
    } else if bad("posthog-sdk-info", &|value| value.contains('/')) {
        Err((400, "posthog-sdk-info is not name/version".into()))
    } else {
        Ok(())
    }
}

/// Why the server refuses the whole body, if it does; stricter than PostHog about what a client
/// has to leave out.
pub(crate) fn body(body: &Value) -> Result<(), String> {
    if let Some(key) = FOREIGN.iter().find(|key| body.get(**key).is_some()) {
        return Err(format!("{key} is not V1's"));
    }
    let created = body.get("created_at").and_then(Value::as_str).and_then(timestamp::parse);
    created.ok_or("created_at is not RFC 3339")?;
    if body.get("historical_migration").is_some_and(|it| *it != Value::Bool(true)) {
        return Err("historical_migration is there only when it is true".into());
    }
    let events = body.get("batch").and_then(Value::as_array).ok_or("batch is not an array")?;
    if events.is_empty() {
        return Err("batch is empty".into());
    }
    let mut uuids = HashSet::new();
    for (index, event) in events.iter().enumerate() {
        let fail = |reason: &str| Err(format!("event {index}: {reason}"));
        let uuid = event.get("uuid").and_then(Value::as_str).and_then(uuid::parse);
        match uuid {
            None => return fail("uuid does not parse"),
            Some(uuid) if !uuids.insert(uuid) => return fail("uuid is there twice"),
            Some(_) => {}
        }
        if !event.get("options").is_some_and(Value::is_object) {
            return fail("options is not an object");
        }
        for id in ["session_id", "window_id"] {
            if event.get(id).is_some_and(|value| !value.is_string()) {
                return fail(&format!("{id} is not a string"));
            }
        }
        let properties = event.get("properties");
        if let Some(key) =
            LIFTED.iter().find(|key| properties.and_then(|it| it.get(**key)).is_some())
        {
            return fail(&format!("{key} is among the properties"));
        }
    }
    Ok(())
}

/// What becomes of one event when nothing is scripted for it.
fn usual(event: &Value, is_ai: bool) -> Verdict {
    let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
    let time = timestamp::parse(text("timestamp"));
    if text("event").is_empty() {
        Verdict::drop("missing_event_name")
    } else if text("event").len() > NAME_MAX {
        Verdict::drop("event_name_too_long")
    } else if text("distinct_id").is_empty() {
        Verdict::drop("missing_distinct_id")
    } else if text("distinct_id").len() > NAME_MAX {
        Verdict::drop("distinct_id_too_large")
    } else if time.is_none() {
        Verdict::drop("invalid_event_timestamp")
    } else if !event.get("properties").is_some_and(Value::is_object) {
        Verdict::drop("malformed_event_properties")
    } else if is_ai && !text("event").starts_with("$ai_") {
        Verdict::drop("misrouted_event")
    } else {
        Verdict::ok()
    }
}

/// A verdict for each event: those that are scripted, one after the other and then from the first
/// again, and the usual ones where none are.
pub(crate) fn verdicts(request: &Request, scripted: &[Verdict]) -> Vec<Verdict> {
    let is_ai = request.endpoint().ends_with("/ai/events");
    let events = request.events().iter();
    let mut scripted = scripted.iter().cycle();
    events.map(|event| scripted.next().cloned().unwrap_or_else(|| usual(event, is_ai))).collect()
}

/// The answer: a result for each event, by its uuid.
pub(crate) fn answer(request: &Request, verdicts: &[Verdict]) -> Value {
    let mut results = Map::new();
    for (event, verdict) in request.events().iter().zip(verdicts) {
        if verdict.result == "absent" {
            continue;
        }
        let mut entry = json!({"result": verdict.result});
        if let Some(details) = &verdict.details {
            entry["details"] = details.as_str().into();
        }
        let uuid = event.get("uuid").and_then(Value::as_str).unwrap_or_default();
        results.insert(uuid.to_owned(), entry);
    }
    json!({"results": results})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Value {
        json!({
            "created_at": "2026-11-20T10:00:00.000Z",
            "batch": [{
                "event": "e",
                "uuid": "0190a6e0-7c3b-7def-8123-456789abcdef",
                "distinct_id": "u",
                "timestamp": "2026-11-20T10:00:00.000Z",
                "options": {},
                "properties": {"n": 1},
            }],
        })
    }

    #[test]
    fn bodies_are_strictly_v1() {
        assert_eq!(body(&good()), Ok(()));
        for (pointer, key, value, reason) in [
            ("", "api_key", json!("k"), "api_key is not V1's"),
            ("", "sent_at", json!("x"), "sent_at is not V1's"),
            ("", "created_at", json!("x"), "created_at is not RFC 3339"),
            (
                "",
                "historical_migration",
                json!(false),
                "historical_migration is there only when it is true",
            ),
            ("", "batch", json!([]), "batch is empty"),
            ("/batch/0", "uuid", json!("x"), "event 0: uuid does not parse"),
            ("/batch/0", "options", json!(null), "event 0: options is not an object"),
            ("/batch/0", "session_id", json!(7), "event 0: session_id is not a string"),
            ("/batch/0/properties", "$lib", json!("x"), "event 0: $lib is among the properties"),
        ] {
            let mut bad = good();
            bad.pointer_mut(pointer).unwrap()[key] = value;
            assert_eq!(body(&bad), Err(reason.to_owned()));
        }
        let mut twice = good();
        let event = twice["batch"][0].clone();
        twice["batch"].as_array_mut().unwrap().push(event);
        assert_eq!(body(&twice), Err("event 1: uuid is there twice".into()));
    }

    #[test]
    fn headers_are_required() {
        let mut all = vec![
            ("authorization".to_owned(), "Bearer k".to_owned()),
            ("posthog-sdk-info".to_owned(), "lib/1".to_owned()),
            ("posthog-attempt".to_owned(), "1".to_owned()),
            ("posthog-request-id".to_owned(), "0190a6e0-7c3b-7def-8123-456789abcdef".to_owned()),
            ("posthog-request-timestamp".to_owned(), "2026-11-20T10:00:00Z".to_owned()),
        ];
        assert_eq!(headers(&all), Ok(()));
        for index in 0..all.len() {
            let mut some = all.clone();
            let (name, _) = some.remove(index);
            let status = if name == "authorization" { 401 } else { 400 };
            assert_eq!(headers(&some).unwrap_err().0, status, "{name}");
        }
        all[2].1 = "0".into();
        assert_eq!(headers(&all).unwrap_err().0, 400);
    }
}
