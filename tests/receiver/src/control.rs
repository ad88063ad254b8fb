//! The control API under `/__`, for tests in other languages. `README.md` describes it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::expect::{Protocol, expect};
use crate::flags::Flags;
use crate::receiver::Shared;
use crate::reply::Reply;
use crate::script::Script;
use crate::table::{Style, table};

const DEFAULT_WAIT_MS: u64 = 5_000;

pub(crate) fn is_stop(method: &str, path: &str) -> bool {
    (method, path) == ("POST", "/__stop")
}

pub(crate) fn handle(shared: &Shared, method: &str, path: &str, body: &[u8]) -> (u16, Reply) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let state = || shared.log.state();
    let result = match (method, path) {
        ("GET", "/__requests") => {
            Ok(state().requests.iter().map(|request| request.to_json()).collect())
        }
        ("GET", "/__events") => {
            Ok(shared.accepted_events().into_iter().map(|event| event.json).collect())
        }
        ("GET", "/__ambiguous") => Ok(state().ambiguous.iter().map(|it| it.to_json()).collect()),
        ("GET", "/__counts") => Ok(state().counts.to_json()),
        ("GET", "/__wait") => match wait(shared, query) {
            Ok(true) => Ok(state().counts.to_json()),
            Ok(false) => return (408, Reply::usual().json(&state().counts.to_json())),
            Err(reason) => Err(reason),
        },
        ("GET", "/__table") => {
            let text = table(&state().requests, Style::default());
            let plain = Reply::usual().header("Content-Type", "text/plain; charset=utf-8");
            return (200, plain.body(text));
        }
        ("POST", "/__script") => {
            text(body).and_then(Script::from_json).map(|script| done(|| *shared.script() = script))
        }
        ("POST", "/__flags") => {
            text(body).and_then(Flags::from_json).map(|flags| done(|| *shared.flags() = flags))
        }
        ("POST", "/__expect") => {
            match text(body).and_then(|vector| compare(shared, query, vector)) {
                Ok(()) => Ok(json!({"ok": true})),
                Err(differences) => {
                    return (409, Reply::usual().json(&json!({"error": differences})));
                }
            }
        }
        ("POST", "/__definitions") => text(body)
            .and_then(|text| serde_json::from_str(text).map_err(|error| error.to_string()))
            .map(|json| done(|| shared.definitions().set(json))),
        ("POST", "/__clear") => Ok(done(|| shared.log.clear())),
        // The connection stops the receiver once this is answered.
        ("POST", "/__stop") => Ok(done(|| ())),
        _ => return (404, Reply::usual().json(&json!({"error": "no such control"}))),
    };
    match result {
        Ok(body) => (200, Reply::usual().json(&body)),
        Err(reason) => (400, Reply::usual().json(&json!({"error": reason}))),
    }
}

fn done(action: impl FnOnce()) -> Value {
    action();
    json!({"ok": true})
}

fn text(body: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(body).map_err(|e| e.to_string())
}

/// Compares what arrived with a vector, for `protocol=v0` or `protocol=v1`.
fn compare(shared: &Shared, query: &str, vector: &str) -> Result<(), String> {
    let protocol = query.strip_prefix("protocol=").and_then(Protocol::parse);
    let protocol = protocol.ok_or("?protocol=v0 or ?protocol=v1 is needed")?;
    let vector = serde_json::from_str(vector).map_err(|e| e.to_string())?;
    expect(&shared.log.state().requests, &vector, protocol)
}

/// `events=N`, `requests=N`, or both, within `timeout_ms`.
fn wait(shared: &Shared, query: &str) -> Result<bool, String> {
    let (mut events, mut requests, mut timeout) = (0, 0, DEFAULT_WAIT_MS);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let number = value.parse().map_err(|_| format!("{key} is not a number"))?;
        match key {
            "events" => events = number,
            "requests" => requests = number,
            "timeout_ms" => timeout = number,
            _ => return Err(format!("{key:?} is not known")),
        }
    }
    Ok(shared.log.wait(Duration::from_millis(timeout), |state| {
        state.counts.accepted >= events && state.counts.requests >= requests
    }))
}
