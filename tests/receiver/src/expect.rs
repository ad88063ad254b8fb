//! Whether what arrived is what a conformance vector says. `tests/vectors/README.md` describes the
//! vectors; comparing them here spares each language a comparer of its own.

use serde_json::{Map, Value, json};

use crate::request::Request;
use crate::{timestamp, uuid};

/// What every event of the library carries, unless the vector says otherwise.
const STAMPS: [&str; 6] =
    ["$lib", "$lib_version", "$os", "$os_version", "$is_server", "$geoip_disable"];

/// Of these V1 has no property: it derives them from a header.
const OF_HEADERS: [&str; 2] = ["$lib", "$lib_version"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    V0,
    V1,
}

impl Protocol {
    pub fn parse(name: &str) -> Option<Protocol> {
        match name {
            "v0" => Some(Protocol::V0),
            "v1" => Some(Protocol::V1),
            _ => None,
        }
    }

    fn path(self, is_ai: bool) -> &'static str {
        match (self, is_ai) {
            (Protocol::V0, false) => "/batch",
            (Protocol::V0, true) => "/i/v0/ai/batch",
            (Protocol::V1, false) => "/i/v1/analytics/events",
            (Protocol::V1, true) => "/i/v1/ai/events",
        }
    }
}

/// Compares the requests with a vector: every difference on a line of its own.
pub fn expect(requests: &[Request], vector: &Value, protocol: Protocol) -> Result<(), String> {
    let mut differences = Vec::new();
    for (list, is_ai) in [("events", false), ("ai_events", true)] {
        let path = protocol.path(is_ai);
        let requests = requests.iter().filter(|it| it.endpoint() == path && it.is_taken());
        let mut events = Vec::new();
        for request in requests {
            envelope(request, vector, protocol, &mut differences);
            events.extend(batch(request));
        }
        let expected = expected(vector, list, protocol);
        if events.len() != expected.len() {
            let names: Vec<_> = events.iter().map(|event| &event["event"]).collect();
            differences.push(format!(
                "{list}: {} were expected at {path}, {} came: {}",
                expected.len(),
                events.len(),
                json!(names)
            ));
        }
        for (index, (expected, event)) in expected.iter().zip(events).enumerate() {
            same(&format!("{list}[{index}]"), expected, event, &mut differences);
        }
    }
    flag_requests(requests, vector, &mut differences);
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

/// Compares what was asked about flags, in order.
fn flag_requests(requests: &[Request], vector: &Value, differences: &mut Vec<String>) {
    let asked: Vec<_> = requests.iter().filter(|it| it.is_flags()).collect();
    let expected = vector["flag_requests"].as_array().map_or(&[][..], Vec::as_slice);
    if asked.len() != expected.len() {
        let (wanted, came) = (expected.len(), asked.len());
        differences.push(format!("flag_requests: {wanted} were expected, {came} came"));
    }
    for (index, (request, pattern)) in asked.iter().zip(expected).enumerate() {
        let mut complete = pattern.clone();
        if let Some(pattern) = complete.as_object_mut() {
            pattern.entry("api_key").or_insert_with(|| "<text>".into());
            pattern.entry("geoip_disable").or_insert_with(|| true.into());
            for map in ["groups", "person_properties", "group_properties"] {
                pattern.entry(map).or_insert_with(|| json!({}));
            }
        }
        let body = request.json.clone().unwrap_or_default();
        same(&format!("flag_requests[{index}]"), &complete, &body, differences);
    }
}

fn batch(request: &Request) -> impl Iterator<Item = &Value> {
    let batch = request.json.as_ref().and_then(|json| json.get("batch")?.as_array());
    batch.into_iter().flatten()
}

/// What surrounds the events, which no vector repeats.
fn envelope(request: &Request, vector: &Value, protocol: Protocol, differences: &mut Vec<String>) {
    let mut body = request.json.clone().unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        body.shift_remove("batch");
    }
    let mut expected = match protocol {
        Protocol::V0 => json!({"api_key": "<text>", "sent_at": "<time>"}),
        Protocol::V1 => json!({"created_at": "<time>"}),
    };
    if vector["options"]["historical_migration"] == true {
        expected["historical_migration"] = true.into();
    }
    same("body", &expected, &body, differences);
    if protocol == Protocol::V0 {
        return;
    }
    let mut headers = Map::new();
    for name in ["authorization", "posthog-sdk-info", "posthog-attempt"] {
        headers.insert(name.into(), request.header(name).into());
    }
    for name in ["posthog-request-id", "posthog-request-timestamp"] {
        headers.insert(name.into(), request.header(name).into());
    }
    let expected = json!({
        "authorization": "<text>",
        "posthog-sdk-info": "<text>",
        "posthog-attempt": "1",
        "posthog-request-id": "<uuid>",
        "posthog-request-timestamp": "<time>",
    });
    same("headers", &expected, &headers.into(), differences);
}

/// The events of a vector as they look in this protocol.
fn expected(vector: &Value, list: &str, protocol: Protocol) -> Vec<Value> {
    let own = format!("{list}_v1");
    let own = (protocol == Protocol::V1).then(|| vector.get(&own)?.as_array()).flatten();
    let events = own.or_else(|| vector.get(list)?.as_array()).cloned().unwrap_or_default();
    events.into_iter().map(|event| complete(event, protocol)).collect()
}

/// Adds what a vector leaves out because every event has it.
fn complete(event: Value, protocol: Protocol) -> Value {
    let Value::Object(mut event) = event else { return event };
    event.entry("uuid").or_insert_with(|| "<uuid>".into());
    event.entry("timestamp").or_insert_with(|| "<time>".into());
    if protocol == Protocol::V1 {
        event.entry("options").or_insert_with(|| json!({}));
    }
    let properties = event.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        for stamp in STAMPS {
            if protocol == Protocol::V0 || !OF_HEADERS.contains(&stamp) {
                properties.entry(stamp).or_insert_with(|| "<any>".into());
            }
        }
    }
    event.into()
}

/// Compares a value with a pattern: JSON in which some texts stand for what differs from run to
/// run, and a key that ends in `?` need not be there.
fn same(place: &str, pattern: &Value, value: &Value, differences: &mut Vec<String>) {
    match (pattern, value) {
        (Value::String(pattern), _) if fits(pattern, value) == Some(true) => {}
        (Value::Object(pattern), Value::Object(value)) => {
            same_members(place, pattern, value, differences);
        }
        (Value::Array(pattern), Value::Array(value)) if pattern.len() == value.len() => {
            for (index, (pattern, value)) in pattern.iter().zip(value).enumerate() {
                same(&format!("{place}[{index}]"), pattern, value, differences);
            }
        }
        // 1 and 1.0 are the same number, and not every language can tell them apart.
        (Value::Number(a), Value::Number(b)) if a == b || a.as_f64() == b.as_f64() => {}
        _ if pattern == value => {}
        _ => differences.push(format!("{place}: {pattern} was expected, {value} came")),
    }
}

fn same_members(
    place: &str,
    pattern: &Map<String, Value>,
    value: &Map<String, Value>,
    differences: &mut Vec<String>,
) {
    for (key, pattern) in pattern {
        let name = key.strip_suffix('?').unwrap_or(key);
        match value.get(name) {
            Some(value) => same(&format!("{place}.{name}"), pattern, value, differences),
            None if name != key => {}
            None => differences.push(format!("{place}.{name} is missing")),
        }
    }
    for (key, value) in value {
        if !pattern.contains_key(key) && !pattern.contains_key(&format!("{key}?")) {
            differences.push(format!("{place}.{key} was not expected: {value}"));
        }
    }
}

/// Whether a value is of the kind that a text such as `<uuid>` stands for; `None` for other texts.
fn fits(pattern: &str, value: &Value) -> Option<bool> {
    let text = value.as_str();
    Some(match pattern {
        "<any>" => true,
        "<text>" => text.is_some_and(|text| !text.is_empty()),
        "<uuid>" => text.is_some_and(|text| uuid::parse(text).is_some()),
        "<time>" => text.is_some_and(|text| timestamp::parse(text).is_some()),
        "<integer>" => value.is_i64() || value.is_u64(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(pattern: &Value, value: &Value) -> Vec<String> {
        let mut differences = Vec::new();
        same("it", pattern, value, &mut differences);
        differences
    }

    #[test]
    fn a_pattern_fits_what_it_stands_for() {
        let id = "0190a6e0-7c3b-7def-8123-456789abcdef";
        let pattern = json!({"id": "<uuid>", "at": "<time>", "n": "<integer>", "gone?": 1, "x": 1});
        let value = json!({"id": id, "at": "2026-11-20T10:00:00Z", "n": 7, "x": 1.0});
        assert_eq!(differences(&pattern, &value), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_named() {
        let pattern = json!({"id": "<uuid>", "a": [1, 2], "b": "x", "c": true, "d": [1], "t?": 1});
        let value = json!({"id": "7", "a": [1, 3], "b": "y", "d": [], "e": null, "t": 2});
        assert_eq!(
            differences(&pattern, &value),
            [
                "it.id: \"<uuid>\" was expected, \"7\" came",
                "it.a[1]: 2 was expected, 3 came",
                "it.b: \"x\" was expected, \"y\" came",
                "it.c is missing",
                "it.d: [1] was expected, [] came",
                "it.t: 1 was expected, 2 came",
                "it.e was not expected: null",
            ]
        );
    }

    #[test]
    fn a_request_for_flags_that_no_vector_has_is_a_difference() {
        let vector = json!({"flag_requests": [{"distinct_id": "u"}]});
        let mut differences = Vec::new();
        flag_requests(&[], &vector, &mut differences);
        assert_eq!(differences, ["flag_requests: 1 were expected, 0 came"]);
    }

    #[test]
    fn what_every_event_has_is_added_for_its_protocol() {
        let vector = json!({"events": [{"event": "e", "distinct_id": "u"}]});
        let v0 = &expected(&vector, "events", Protocol::V0)[0];
        assert_eq!(v0["properties"]["$lib"], "<any>");
        assert_eq!(v0.get("options"), None);
        let v1 = &expected(&vector, "events", Protocol::V1)[0];
        assert_eq!(v1["properties"].get("$lib"), None);
        assert_eq!(v1["properties"]["$os"], "<any>");
        assert_eq!(v1["options"], json!({}));
    }
}
