//! Drives the adapter as the harness does, against a local receiver.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use posthog_receiver::{Receiver, Reply, Script};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Adapter {
    child: Child,
    url: String,
}

impl Adapter {
    fn start(protocol: &str, encoding: &str) -> Adapter {
        let mut child = Command::new(env!("CARGO_BIN_EXE_posthog-compliance"))
            .env("CAPTURE_MODE", protocol)
            .env("COMPRESSION", encoding)
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Adapter { child, url }
    }

    fn get(&self, path: &str) -> Value {
        let answer = agent().get(format!("{}{path}", self.url)).call().unwrap();
        json_of(answer)
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = agent().post(format!("{}{path}", self.url)).send(text).unwrap();
        (answer.status().as_u16(), json_of(answer))
    }

    fn done(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(path, body);
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{path}: {answer}");
        answer
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder();
    let timeout = Some(Duration::from_secs(60));
    config.http_status_as_error(false).proxy(None).timeout_global(timeout).build().into()
}

fn json_of(mut answer: ureq::http::Response<ureq::Body>) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/json");
    serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
}

fn init(receiver: &Receiver) -> Value {
    json!({"api_key": "phc_test_key", "host": receiver.url(), "flush_at": 1})
}

/// An event as the harness sends it: both keys are there, null when unset.
fn event(name: &str, properties: Value) -> Value {
    json!({"distinct_id": "u1", "event": name, "properties": properties, "timestamp": null})
}

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn health_declares_the_mode() {
    for (protocol, encoding, capability) in
        [("v0", "gzip", "capture_v0"), ("v1", "br", "encoding_br")]
    {
        let health = Adapter::start(protocol, encoding).get("/health");
        for key in ["sdk_name", "sdk_version", "adapter_version"] {
            assert!(health[key].is_string(), "{health}");
        }
        assert_eq!(health["supports_parallel"], true);
        assert!(
            health["capabilities"].as_array().unwrap().contains(&json!(capability)),
            "{health}"
        );
    }
}

#[test]
fn a_call_before_init_is_refused_and_reset_is_not() {
    let adapter = Adapter::start("v1", "gzip");
    assert_eq!(adapter.post("/capture", &event("e", json!({}))).0, 409);
    adapter.done("/reset", &Value::Null);
    assert_eq!(adapter.get("/state")["pending_events"], 0);
    assert_eq!(adapter.post("/nowhere", &Value::Null).0, 404);
    assert_eq!(adapter.post("/init", &json!({"api_key": 7})).0, 400);
}

#[test]
fn what_is_captured_arrives_by_each_protocol() {
    for (protocol, path, ai_path) in
        [("v0", "/batch/", "/i/v0/ai/batch/"), ("v1", "/i/v1/analytics/events", "/i/v1/ai/events")]
    {
        let (adapter, receiver) = (Adapter::start(protocol, "gzip"), Receiver::start());
        let mut options = init(&receiver);
        options["enable_compression"] = json!(true);
        adapter.done("/init", &options);
        let uuid = adapter.done("/capture", &event("first", json!({"n": 1})))["uuid"].clone();
        let mut own = event("$ai_generation", Value::Null);
        own["uuid"] = json!("0190a6e0-7c3b-7def-8123-456789abcdef");
        assert_eq!(adapter.done("/capture_ai", &own)["uuid"], own["uuid"]);
        adapter.done("/flush", &Value::Null);
        assert!(receiver.wait_for_events(2, PATIENCE));
        let requests = receiver.requests();
        let of = |path: &str| requests.iter().find(|it| it.path == path).unwrap();
        assert_eq!(of(path).header("content-encoding"), Some("gzip"));
        assert_eq!(of(path).json.as_ref().unwrap()["batch"][0]["uuid"], uuid);
        assert_eq!(of(ai_path).json.as_ref().unwrap()["batch"][0]["uuid"], own["uuid"]);
        let state = adapter.get("/state");
        assert_eq!(
            (&state["total_events_captured"], &state["total_events_sent"]),
            (&json!(2), &json!(2))
        );
    }
}

#[test]
fn options_pass_unchanged_with_v1() {
    let (adapter, receiver) = (Adapter::start("v1", "gzip"), Receiver::start());
    adapter.done("/init", &init(&receiver));
    let mut given = event("e", json!({}));
    given["options"] =
        json!({"cookieless_mode": true, "product_tour_id": "t", "process_person_profile": false});
    adapter.done("/capture", &given);
    adapter.done("/flush", &Value::Null);
    assert!(receiver.wait_for_events(1, PATIENCE));
    assert_eq!(receiver.events()[0].json["options"], given["options"]);
}

#[test]
fn retries_are_counted_and_bounded() {
    let (adapter, receiver) = (Adapter::start("v1", "gzip"), Receiver::start());
    receiver.set_script(Script::new().next("/i/", Reply::status(503)));
    let mut options = init(&receiver);
    options["max_retries"] = json!(1);
    adapter.done("/init", &options);
    adapter.done("/capture", &event("e", Value::Null));
    adapter.done("/flush", &Value::Null);
    assert!(receiver.wait_for_events(1, PATIENCE));
    assert_eq!(adapter.get("/state")["total_retries"], 1);
}

#[test]
fn a_reset_forgets_what_is_queued() {
    let (adapter, receiver) = (Adapter::start("v0", "gzip"), Receiver::start());
    let mut options = init(&receiver);
    options["flush_at"] = json!(1_000);
    adapter.done("/init", &options);
    adapter.done("/capture", &event("forgotten", Value::Null));
    adapter.done("/reset", &Value::Null);
    adapter.done("/init", &options);
    adapter.done("/capture", &event("kept", Value::Null));
    adapter.done("/flush", &Value::Null);
    assert!(receiver.wait_for_events(1, PATIENCE));
    let names: Vec<_> = receiver.events().iter().map(|it| it.json["event"].clone()).collect();
    assert_eq!(names, ["kept"]);
}

#[test]
fn tests_that_run_at_once_are_told_apart() {
    let (adapter, receiver) = (Adapter::start("v1", "gzip"), Receiver::start());
    for test in ["t-1", "t-2"] {
        adapter.done(&format!("/init?test_id={test}"), &init(&receiver));
        adapter.done(&format!("/capture?test_id={test}"), &event(test, Value::Null));
        adapter.done(&format!("/flush?test_id={test}"), &Value::Null);
    }
    assert!(receiver.wait_for_events(2, PATIENCE));
    for request in receiver.requests() {
        let event = &request.json.as_ref().unwrap()["batch"][0]["event"];
        assert_eq!(request.header("x-test-id"), event.as_str());
    }
}

#[test]
fn a_flag_has_its_value() {
    let (adapter, receiver) = (Adapter::start("v1", "gzip"), Receiver::start());
    let flags = r#"{"on": true, "off": false, "several": "blue"}"#;
    receiver.set_flags(posthog_receiver::Flags::from_json(flags).unwrap());
    adapter.done("/init?test_id=t-9", &init(&receiver));
    for (key, value) in [
        ("on", json!(true)),
        ("off", json!(false)),
        ("several", json!("blue")),
        ("none", Value::Null),
    ] {
        let body = json!({
            "key": key, "distinct_id": "u1", "person_properties": {"plan": "pro"},
            "groups": {"company": "acme"}, "group_properties": {"company": {"size": 3}},
            "disable_geoip": true, "force_remote": true,
        });
        assert_eq!(adapter.done("/get_feature_flag?test_id=t-9", &body)["value"], value, "{key}");
    }
    let request = receiver.requests().into_iter().find(|it| it.is_flags()).unwrap();
    assert_eq!(request.header("x-test-id"), Some("t-9"));
    let sent = request.json.unwrap();
    assert_eq!(sent["person_properties"]["plan"], "pro");
    assert_eq!(sent["geoip_disable"], true);
}
