//! Flags from definitions: who reads them, what is evaluated from them, and what still needs a
//! request.

use super::{Context, three};
use crate::c::*;
use crate::client::{Client, Config, KEY, PATIENCE_MS, to};
use crate::handle::{Props, c_text, owned_text};
use crate::time::PATIENCE;
use posthog_receiver::{Receiver, Request};
use serde_json::{Value, json};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

pub mod cache;
mod files;
mod poller;

pub const SECRET: &str = "phx_secret";

/// A flag that is released by its conditions.
pub fn flag(key: &str, filters: &Value) -> Value {
    json!({"id": 7, "key": key, "active": true, "version": 3, "filters": filters})
}

pub fn everyone(key: &str) -> Value {
    flag(key, &json!({"groups": [{}]}))
}

pub fn nobody(key: &str) -> Value {
    flag(key, &json!({"groups": [{"rollout_percentage": 0}]}))
}

/// For those whose plan is `pro`.
fn for_pro(key: &str) -> Value {
    let filter = json!({"key": "plan", "value": "pro", "operator": "exact", "type": "person"});
    flag(key, &json!({"groups": [{"properties": [filter]}]}))
}

pub fn definitions(flags: &[Value]) -> Value {
    json!({"flags": flags, "group_type_mapping": {"0": "company"}, "cohorts": {}})
}

/// A receiver with these definitions, and a client that reads them once and not again soon.
pub fn with_definitions(
    flags: &[Value],
    options: impl FnOnce(Config) -> Config,
) -> (Receiver, Client) {
    let receiver = Receiver::start();
    receiver.set_definitions(&definitions(flags));
    let config = to(&receiver)
        .text(ph_config_set_secret_key, SECRET)
        .set(ph_config_set_definitions_poll_ms, 3_600_000);
    let client = options(config).client();
    (receiver, client)
}

/// Definitions come by loading alone: what a poll reads would take their place.
pub fn only_loaded(config: Config) -> Config {
    config.set(ph_config_set_local_evaluation, false)
}

impl Client {
    pub fn wait_ready(&self) {
        assert_eq!(ph_flags_wait_ready(self.raw(), PATIENCE_MS), PH_OK);
    }

    pub fn refresh(&self) -> Status {
        ph_flags_refresh(self.raw(), PATIENCE_MS)
    }

    pub fn load(&self, json: &str) -> Status {
        ph_definitions_load(self.raw(), json.as_ptr().cast(), json.len())
    }

    pub fn save(&self) -> Option<String> {
        let mut text = ptr::null_mut();
        assert_eq!(ph_definitions_save(self.raw(), &raw mut text), PH_OK);
        (!text.is_null()).then(|| owned_text(text))
    }

    fn explain(&self, id: &str, key: &str, format: i32) -> String {
        let (id, key, mut text) = (c_text(id), c_text(key), ptr::null_mut());
        let context = ptr::null();
        let status =
            ph_flag_explain(self.raw(), id.as_ptr(), key.as_ptr(), context, format, &raw mut text);
        assert_eq!(status, PH_OK);
        owned_text(text)
    }
}

/// The requests for flags, not for their definitions.
pub fn flag_requests(receiver: &Receiver) -> Vec<Request> {
    receiver.requests().into_iter().filter(Request::is_flags).collect()
}

#[test]
fn what_is_asked() {
    let (receiver, client) = with_definitions(&[everyone("on")], |config| config);
    client.wait_ready();
    let request = &receiver.requests()[0];
    let path = format!("/flags/definitions?token={KEY}&send_cohorts");
    assert_eq!((request.method.as_str(), &request.path), ("GET", &path));
    assert_eq!(request.header("authorization"), Some("Bearer phx_secret"));
    let agent = format!("libposthog/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.header("user-agent"), Some(agent.as_str()));
    assert_eq!((request.header("if-none-match"), request.raw_length), (None, 0));
    assert_eq!(client.refresh(), PH_OK);
    let etag = receiver.requests()[1].header("if-none-match").map(str::to_owned);
    assert_eq!(etag.as_deref(), Some("W/\"definitions-2\""));
    assert_eq!(receiver.requests()[1].status, Some(304));
    // The key goes nowhere else.
    client.evaluate("u").unwrap();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    let others = receiver.requests();
    let mut others = others.iter().filter(|request| !request.is_definitions());
    assert!(others.all(|request| request.header("authorization").is_none()));
}

#[test]
fn what_definitions_decide_needs_no_request() {
    let many = flag(
        "many",
        &json!({
            "groups": [{"rollout_percentage": 100}],
            "multivariate": {"variants": [{"key": "blue", "rollout_percentage": 100}]},
            "payloads": {"blue": "{\"copy\": \"new\"}"},
        }),
    );
    let flags = [everyone("on"), nobody("off"), many, for_pro("pro")];
    let (receiver, client) = with_definitions(&flags, |config| config);
    client.wait_ready();
    let context = Context::new().person(&Props::new().str("plan", "PRO"));
    let found = client.evaluate_in("u", Some(&context), 1).unwrap();
    assert_eq!(found.keys(), ["many", "off", "on", "pro"]);
    assert_eq!((found.enabled("on"), found.enabled("off")), (Some(true), Some(false)));
    assert_eq!(found.enabled("pro"), Some(true));
    assert_eq!(found.variant("many").as_deref(), Some("blue"));
    let payload: Value = serde_json::from_str(&found.payload("many").unwrap()).unwrap();
    assert_eq!(payload, json!({"copy": "new"}));
    assert_eq!(found.reason("on").as_deref(), Some("condition_match"));
    assert_eq!(found.reason("off").as_deref(), Some("out_of_rollout_bound"));
    for fallback in [true, false] {
        assert!(client.flag_in("u", "on", Some(&context), fallback));
        assert!(!client.flag_in("u", "off", Some(&context), fallback));
    }
    assert!(flag_requests(&receiver).is_empty());
}

#[test]
fn only_what_is_not_decided_here_is_asked_and_what_is_decided_here_wins() {
    let flags = [everyone("off"), for_pro("on")];
    let (receiver, client) = with_definitions(&flags, |config| config);
    receiver.set_flags(three());
    client.wait_ready();
    let found = client.evaluate("u").unwrap();
    // The server says that `off` is off; it was decided here.
    assert_eq!((found.enabled("off"), found.enabled("on")), (Some(true), Some(true)));
    assert_eq!(found.variant("many").as_deref(), Some("blue"));
    assert_eq!(flag_requests(&receiver).len(), 1);
    assert_eq!(client.flag("u", "off"), Some(true));
    assert_eq!(flag_requests(&receiver).len(), 1);
    assert_eq!(client.flag("u", "on"), Some(true));
    // The evaluation has just found it.
    assert_eq!(flag_requests(&receiver).len(), 1);
}

#[test]
fn a_key_that_the_definitions_lack_is_asked_about() {
    let (receiver, client) = with_definitions(&[everyone("known")], |config| config);
    receiver.set_flags(three());
    client.wait_ready();
    let context = Context::new().text(ph_context_add_flag_key, "known");
    client.evaluate_in("u", Some(&context), 1).unwrap();
    assert!(flag_requests(&receiver).is_empty());
    let context = context.text(ph_context_add_flag_key, "on");
    let found = client.evaluate_in("u", Some(&context), PATIENCE_MS).unwrap();
    assert_eq!((found.enabled("known"), found.enabled("on")), (Some(true), Some(true)));
    let asked = flag_requests(&receiver)[0].json.clone().unwrap();
    assert_eq!(asked["flag_keys_to_evaluate"], json!(["known", "on"]));
}

#[test]
fn a_flag_that_does_not_run_on_servers_is_not_asked_about() {
    let mut client_only = for_pro("pro");
    client_only["evaluation_runtime"] = json!("client");
    let (receiver, client) = with_definitions(&[client_only], |config| config);
    client.wait_ready();
    let found = client.evaluate("u").unwrap();
    assert_eq!(found.enabled("pro"), None);
    assert_eq!(found.reason("pro").as_deref(), Some("missing_context"));
    assert_eq!(client.flag("u", "pro"), None);
    assert!(flag_requests(&receiver).is_empty());
}

#[test]
fn what_is_known_here_survives_a_request_that_fails() {
    let (receiver, client) = with_definitions(&[everyone("on"), for_pro("pro")], |config| config);
    client.wait_ready();
    receiver.stop();
    let found = client.evaluate("u").unwrap();
    assert_eq!((found.enabled("on"), found.enabled("pro")), (Some(true), None));
    assert_eq!((client.flag("u", "on"), client.flag("u", "pro")), (Some(true), None));
}

#[test]
fn without_a_key_or_when_it_is_turned_off_nobody_reads_definitions() {
    let off = |config: Config| config.set(ph_config_set_local_evaluation, false);
    let no_key = |config: Config| config.set(ph_config_set_secret_key, ptr::null());
    for client_of in [off as fn(Config) -> Config, no_key] {
        let (receiver, client) = with_definitions(&[everyone("on")], client_of);
        receiver.set_flags(three());
        assert_eq!(ph_client_start(client.raw()), PH_OK);
        assert_eq!(ph_flags_wait_ready(client.raw(), PATIENCE_MS), PH_ERROR_UNSUPPORTED);
        assert_eq!(client.refresh(), PH_ERROR_UNSUPPORTED);
        assert_eq!((client.save(), client.flag("u", "on")), (None, Some(true)));
        assert_eq!(receiver.counts().requests, flag_requests(&receiver).len() as u64);
        // What the host brings counts all the same, and needs nobody.
        assert_eq!(client.load(&definitions(&[nobody("on")]).to_string()), PH_OK);
        assert_eq!(ph_flags_wait_ready(client.raw(), PH_NO_WAIT), PH_OK);
        assert_eq!(client.flag("u", "on"), Some(false));
    }
}

#[test]
fn definitions_are_saved_as_they_came_and_loaded_where_posthog_is_down() {
    let (receiver, client) = with_definitions(&[everyone("on")], |config| config);
    assert_eq!(client.save(), None);
    client.wait_ready();
    let saved = client.save().unwrap();
    assert_eq!(saved.as_bytes(), receiver.requests()[0].response);
    drop(client);
    let down = receiver.url();
    receiver.stop();
    let next = crate::client::to_url(&down).text(ph_config_set_secret_key, SECRET).client();
    assert_eq!(next.load(&saved), PH_OK);
    next.wait_ready();
    assert_eq!((next.flag("u", "on"), next.save()), (Some(true), Some(saved)));
}

#[test]
fn nobody_sees_two_definitions_in_one_evaluation() {
    let (_receiver, client) = with_definitions(&[], |config| {
        only_loaded(config)
            .set(ph_config_set_flags_local_only, true)
            .set(ph_config_set_flag_events, false)
    });
    let keys: Vec<String> = (0..50).map(|number| format!("flag-{number}")).collect();
    let all = |of: fn(&str) -> Value| {
        let flags: Vec<Value> = keys.iter().map(|key| of(key)).collect();
        definitions(&flags).to_string()
    };
    let both = [all(everyone), all(nobody)];
    assert_eq!(client.load(&both[0]), PH_OK);
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let reader = || {
            let mut seen = [false; 2];
            while !done.load(Ordering::Relaxed) {
                let found = client.evaluate_in("u", None, 1).unwrap();
                let on = found.enabled(&keys[0]).unwrap();
                assert!(keys.iter().all(|key| found.enabled(key) == Some(on)));
                seen[usize::from(on)] = true;
            }
            seen
        };
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(reader)).collect();
        for step in 0..600 {
            assert_eq!(client.load(&both[step % 2]), PH_OK);
        }
        done.store(true, Ordering::Relaxed);
        readers
            .into_iter()
            .map(|it| it.join().unwrap())
            .fold([false; 2], |all, seen| [all[0] || seen[0], all[1] || seen[1]])
    });
    assert_eq!(seen, [true; 2]);
}

#[test]
fn what_is_not_definitions_is_not_loaded() {
    let (_receiver, client) = with_definitions(&[], only_loaded);
    assert_eq!(client.load(&definitions(&[everyone("on")]).to_string()), PH_OK);
    for bad in ["", "x", "{}", "[]", r#"{"flags":{}}"#, r#"{"flags":[]"#, "\u{0}"] {
        assert_eq!(client.load(bad), PH_ERROR_JSON, "{bad}");
    }
    assert_eq!(ph_definitions_load(client.raw(), ptr::null(), 5), PH_ERROR_NULL);
    assert_eq!(client.flag("u", "on"), Some(true));
}

#[test]
fn an_explanation_names_each_step_and_makes_no_request() {
    let (receiver, client) = with_definitions(&[for_pro("pro")], |config| config);
    let before = client.explain("u", "pro", PH_EXPLAIN_JSON);
    let before: Value = serde_json::from_str(&before).unwrap();
    assert_eq!((&before["flag"], &before["missing"]), (&json!("pro"), &json!("no_definitions")));
    assert_eq!(receiver.counts().requests, 0);
    client.wait_ready();
    let text = client.explain("u", "pro", PH_EXPLAIN_TEXT);
    assert!(text.contains("\"plan\" is not given") && text.contains("missing_context"), "{text}");
    let told: Value = serde_json::from_str(&client.explain("u", "pro", PH_EXPLAIN_JSON)).unwrap();
    assert_eq!(told["evaluations"][0]["outcome"]["unresolved"], "missing_context");
    assert!(client.explain("u", "none", PH_EXPLAIN_TEXT).contains("no_such_flag"));
    let (id, mut out) = (c_text("u"), ptr::null_mut());
    let status =
        ph_flag_explain(client.raw(), id.as_ptr(), id.as_ptr(), ptr::null(), 2, &raw mut out);
    assert_eq!((status, out.is_null()), (PH_ERROR_RANGE, true));
    assert!(flag_requests(&receiver).is_empty() && receiver.wait_for_requests(1, PATIENCE));
}
