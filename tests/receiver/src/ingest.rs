//! `POST /ingest-events`, the events of a service that is not PostHog: for a client whose host
//! carries its requests in its own way.

use serde_json::Value;

/// Why a body is not what that path takes, if it is not.
pub(crate) fn check(json: &Value, key: Option<&str>) -> Result<(), String> {
    let api_key = json["api_key"].as_str().filter(|key| !key.is_empty());
    if api_key.is_none() || api_key != key {
        return Err("api_key should be that of the header x-api-key".to_owned());
    }
    for event in json["events"].as_array().ok_or("events should be an array")? {
        let is_text = |name: &str| event[name].as_str().is_some_and(|text| !text.is_empty());
        let is_whole = is_text("event_name")
            && is_text("user_id")
            && event["event_timestamp"].is_i64()
            && event["properties"].is_object()
            && event.as_object().is_some_and(|fields| fields.len() == 4);
        if !is_whole {
            return Err(format!("not an event: {event}"));
        }
    }
    Ok(())
}
