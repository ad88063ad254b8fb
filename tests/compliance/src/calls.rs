//! The harness's calls, and what they answer.

use crate::prototypes::{
    PH_STAT_ACCEPTED, PH_STAT_DELIVERED, PH_STAT_IN_FLIGHT, PH_STAT_QUEUED, PH_STAT_RETRIES,
};
use crate::sdk::{Context, Event, Options, Sdk};
use crate::sessions::Sessions;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Why a call is refused.
pub struct Refusal {
    pub status: u16,
    pub reason: String,
}

impl From<String> for Refusal {
    /// A request that is not as it has to be, or that the library refuses.
    fn from(reason: String) -> Refusal {
        Refusal { status: 400, reason }
    }
}

pub type Answer = Result<Value, Refusal>;

/// A flush waits for all retries of a test, whose own limit is 300 seconds.
const FLUSH_TIMEOUT_MS: u32 = 120_000;

pub fn answer(sessions: &Sessions, method: &str, path: &str, test: &str, body: &str) -> Answer {
    let body = match body.trim() {
        "" => Value::Null,
        text => serde_json::from_str(text).map_err(|e| e.to_string())?,
    };
    let client = || {
        let none = || Refusal { status: 409, reason: "call /init first".to_owned() };
        sessions.get(test).ok_or_else(none)
    };
    let answer = match (method, path) {
        ("GET", "/health") => health(sessions),
        ("POST", "/init") => init(sessions, test, &body)?,
        ("POST", "/reset") => {
            sessions.remove(test);
            json!({"success": true})
        }
        ("POST", "/capture") => capture(&*client()?, &body, false)?,
        ("POST", "/capture_ai") => capture(&*client()?, &body, true)?,
        ("POST", "/get_feature_flag") => flag(&*client()?, &body)?,
        ("POST", "/flush") => flush(&*client()?)?,
        ("GET", "/state") => state(sessions.get(test)),
        _ => {
            let reason = format!("{method} {path} is not a call of the protocol");
            return Err(Refusal { status: 404, reason });
        }
    };
    Ok(answer)
}

fn health(sessions: &Sessions) -> Value {
    json!({
        "sdk_name": sessions.mode.name(),
        "sdk_version": env!("CARGO_PKG_VERSION"),
        "adapter_version": env!("CARGO_PKG_VERSION"),
        "supports_parallel": true,
        "capabilities": sessions.mode.capabilities(),
    })
}

fn text<'a>(body: &'a Value, key: &str) -> Result<&'a str, String> {
    body[key].as_str().ok_or(format!("{key} is missing, or not a string"))
}

fn number(body: &Value, key: &str) -> Result<Option<u32>, String> {
    let wrong = || format!("{key} is not a number of 32 bits");
    match &body[key] {
        Value::Null => Ok(None),
        value => value.as_u64().and_then(|n| n.try_into().ok()).ok_or_else(wrong).map(Some),
    }
}

fn flag_of(body: &Value, key: &str) -> bool {
    body[key].as_bool().unwrap_or(false)
}

fn init(sessions: &Sessions, test: &str, body: &Value) -> Result<Value, String> {
    let options = Options {
        api_key: text(body, "api_key")?,
        host: text(body, "host")?,
        flush_at: number(body, "flush_at")?,
        flush_interval_ms: number(body, "flush_interval_ms")?,
        max_retries: number(body, "max_retries")?,
        compresses: flag_of(body, "enable_compression"),
        geoip_disable: flag_of(body, "disable_geoip"),
        historical: flag_of(body, "historical_migration"),
        test,
    };
    sessions.put(test, Sdk::new(&options, sessions.mode)?);
    Ok(json!({"success": true}))
}

fn capture(client: &Sdk, body: &Value, is_ai: bool) -> Result<Value, String> {
    let mut details = Map::new();
    for key in ["properties", "timestamp", "uuid"] {
        if !body[key].is_null() {
            details.insert(key.to_owned(), body[key].clone());
        }
    }
    let (id, name) = (text(body, "distinct_id")?, text(body, "event")?);
    let event = Event::new(id, name, &details, body.get("options").filter(|it| !it.is_null()))?;
    let uuid = client.capture(&event, is_ai)?;
    Ok(json!({"success": true, "uuid": uuid}))
}

fn flag(client: &Sdk, body: &Value) -> Result<Value, String> {
    let (id, key) = (text(body, "distinct_id")?, text(body, "key")?);
    let context = Context::new();
    context.only(key)?;
    if body["person_properties"].is_object() {
        context.person(&body["person_properties"])?;
    }
    for (group_type, key) in body["groups"].as_object().into_iter().flatten() {
        context.group(group_type, key.as_str().unwrap_or_default())?;
    }
    for (group_type, properties) in body["group_properties"].as_object().into_iter().flatten() {
        context.group_properties(group_type, properties)?;
    }
    if let Some(disable) = body["disable_geoip"].as_bool() {
        context.geoip_disable(disable)?;
    }
    // An evaluation that fails is a value that is not known, as the harness sees it.
    let value = client.flag(id, key, &context).unwrap_or(Value::Null);
    Ok(json!({"success": true, "value": value}))
}

fn flush(client: &Sdk) -> Result<Value, String> {
    let before = client.stats()[PH_STAT_DELIVERED];
    client.flush(FLUSH_TIMEOUT_MS)?;
    let flushed = client.stats()[PH_STAT_DELIVERED] - before;
    Ok(json!({"success": true, "events_flushed": flushed}))
}

/// The library counts its requests but keeps no list of them.
fn state(client: Option<Arc<Sdk>>) -> Value {
    let stat = |index: usize| client.as_ref().map_or(0, |client| client.stats()[index]);
    json!({
        "pending_events": stat(PH_STAT_QUEUED) + stat(PH_STAT_IN_FLIGHT),
        "total_events_captured": stat(PH_STAT_ACCEPTED),
        "total_events_sent": stat(PH_STAT_DELIVERED),
        "total_retries": stat(PH_STAT_RETRIES),
        "last_error": null,
        "requests_made": [],
    })
}
