//! Feature flags over real HTTP: what is asked, what is remembered, how long anything waits.

use crate::c::*;
use crate::client::{Client, Config, KEY, refused_url, to, to_url};
use crate::handle::{Event, Props, c_text, lent_text};
use crate::time::{PATIENCE, millis, promptly, timed, undisturbed, until};
use posthog_receiver::{At, BlackHole, Flag, Flags, Part, Receiver, Reply, Script};
use serde_json::{Value, json};
use std::ptr;
use std::time::Duration;

mod called;
#[cfg(feature = "local-evaluation")]
pub mod local;
mod presets;
mod remembered;
mod snapshot;
mod storm;

/// Everything about one evaluation.
pub struct Context {
    raw: *mut ph_context,
}

// SAFETY: the header lets `const` functions use a context from any thread at once.
unsafe impl Sync for Context {}
// SAFETY: the header lets a snapshot be read from any thread at once.
unsafe impl Sync for Found {}

impl Context {
    pub fn new() -> Context {
        Context { raw: ph_context_new() }
    }

    pub fn of_json(json: &str) -> Context {
        let mut raw = ptr::null_mut();
        let status = ph_context_new_json(json.as_ptr().cast(), json.len(), &raw mut raw);
        assert_eq!(status, PH_OK);
        Context { raw }
    }

    pub fn raw(&self) -> *mut ph_context {
        self.raw
    }

    pub fn text(
        self,
        setter: extern "C" fn(*mut ph_context, *const std::ffi::c_char) -> Status,
        text: &str,
    ) -> Context {
        let text = c_text(text);
        assert_eq!(setter(self.raw, text.as_ptr()), PH_OK);
        self
    }

    pub fn group(self, group_type: &str, key: &str, props: &Props) -> Context {
        let (group_type, key) = (c_text(group_type), c_text(key));
        assert_eq!(ph_context_set_group(self.raw, group_type.as_ptr(), key.as_ptr()), PH_OK);
        let status = ph_context_set_group_properties(self.raw, group_type.as_ptr(), props.raw());
        assert_eq!(status, PH_OK);
        self
    }

    pub fn person(self, props: &Props) -> Context {
        assert_eq!(ph_context_set_person_properties(self.raw, props.raw()), PH_OK);
        self
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        ph_context_free(self.raw);
    }
}

/// What an evaluation found.
pub struct Found {
    raw: *mut ph_flags,
}

impl Found {
    pub fn raw(&self) -> *const ph_flags {
        self.raw
    }

    pub fn enabled(&self, key: &str) -> Option<bool> {
        let key = c_text(key);
        let is = |fallback| ph_flags_is_enabled(self.raw, key.as_ptr(), fallback);
        assert_eq!(ph_flags_is_known(self.raw, key.as_ptr()), is(true) == is(false));
        (is(true) == is(false)).then(|| is(true))
    }

    fn text(
        &self,
        getter: extern "C" fn(*const ph_flags, *const std::ffi::c_char) -> *const std::ffi::c_char,
        key: &str,
    ) -> Option<String> {
        lent_text(getter(self.raw, c_text(key).as_ptr()))
    }

    pub fn variant(&self, key: &str) -> Option<String> {
        self.text(ph_flags_get_variant, key)
    }

    pub fn payload(&self, key: &str) -> Option<String> {
        self.text(ph_flags_get_payload, key)
    }

    pub fn reason(&self, key: &str) -> Option<String> {
        self.text(ph_flags_get_reason, key)
    }

    pub fn keys(&self) -> Vec<String> {
        let keys = (0..).map_while(|index| lent_text(ph_flags_get_key(self.raw, index)));
        let keys: Vec<String> = keys.collect();
        assert_eq!(keys.len(), ph_flags_get_count(self.raw));
        keys
    }
}

impl Drop for Found {
    fn drop(&mut self) {
        ph_flags_free(self.raw);
    }
}

impl Client {
    pub fn evaluate_in(
        &self,
        distinct_id: &str,
        context: Option<&Context>,
        timeout_ms: u32,
    ) -> Result<Found, Status> {
        let id = c_text(distinct_id);
        let context = context.map_or(ptr::null(), |context| context.raw.cast_const());
        let mut raw = ptr::dangling_mut();
        match ph_flags_evaluate(self.raw(), id.as_ptr(), context, timeout_ms, &raw mut raw) {
            PH_OK => Ok(Found { raw }),
            status => {
                assert_eq!(raw, ptr::dangling_mut(), "written although the call failed");
                Err(status)
            }
        }
    }

    pub fn recall(&self, distinct_id: &str) -> Result<Found, Status> {
        let (id, mut raw) = (c_text(distinct_id), ptr::dangling_mut());
        match ph_flags_recall(self.raw(), id.as_ptr(), ptr::null(), &raw mut raw) {
            PH_OK => Ok(Found { raw }),
            status => {
                assert_eq!(raw, ptr::dangling_mut(), "written although the call failed");
                Err(status)
            }
        }
    }

    pub fn evaluate(&self, distinct_id: &str) -> Result<Found, Status> {
        self.evaluate_in(distinct_id, None, 10_000)
    }

    pub fn flag_in(&self, id: &str, key: &str, context: Option<&Context>, fallback: bool) -> bool {
        let (id, key) = (c_text(id), c_text(key));
        let context = context.map_or(ptr::null(), |context| context.raw.cast_const());
        ph_flag_enabled(self.raw(), id.as_ptr(), key.as_ptr(), context, fallback)
    }

    /// Whether a flag is on; `None` when that is not known.
    pub fn flag(&self, distinct_id: &str, key: &str) -> Option<bool> {
        let known = self.flag_in(distinct_id, key, None, true);
        (known == self.flag_in(distinct_id, key, None, false)).then_some(known)
    }
}

/// A receiver with these flags, and a client of it.
fn with_flags(flags: Flags, options: impl FnOnce(Config) -> Config) -> (Receiver, Client) {
    let receiver = Receiver::start();
    receiver.set_flags(flags);
    let client = options(to(&receiver)).client();
    (receiver, client)
}

fn three() -> Flags {
    let payload = json!({"copy": "hello", "n": [1, 2.50]});
    Flags::none()
        .with("off", Flag::off())
        .with("on", Flag::on())
        .with("many", Flag::variant("blue").payload(&payload))
}

#[test]
fn a_request_without_a_context() {
    let (receiver, client) = with_flags(three(), |config| config);
    client.evaluate("user_42").unwrap();
    let request = &receiver.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/flags/?v=2"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let agent = format!("libposthog/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.header("user-agent"), Some(agent.as_str()));
    assert_eq!(
        request.json,
        Some(json!({
            "api_key": KEY,
            "distinct_id": "user_42",
            "groups": {},
            "person_properties": {},
            "group_properties": {},
            "geoip_disable": true,
        }))
    );
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_FLAG_REQUESTS], stats[PH_STAT_REQUESTS]), (1, 0));
}

#[test]
fn a_request_with_everything() {
    let options = |config: Config| config.text(ph_config_deny_property, "secret");
    let (receiver, client) = with_flags(three(), options);
    let tainted = |n| Props::new().int("n", n).str("secret", "s").json("deep", r#"[{"secret":1}]"#);
    let context = Context::new()
        .group("company", "acme", &tainted(1))
        .group("team", "co\"re", &tainted(2))
        .person(&tainted(3))
        .text(ph_context_set_device_id, "device-7")
        .text(ph_context_add_flag_key, "on")
        .text(ph_context_add_flag_key, "off")
        .text(ph_context_add_evaluation_context, "backend");
    assert_eq!(ph_context_set_geoip_disable(context.raw, false), PH_OK);
    let found = client.evaluate_in("u", Some(&context), 10_000).unwrap();
    assert_eq!(found.keys(), ["off", "on"]);
    let clean = |n: i64| json!({"n": n, "deep": [{}]});
    assert_eq!(
        receiver.requests()[0].json,
        Some(json!({
            "api_key": KEY,
            "distinct_id": "u",
            "device_id": "device-7",
            "groups": {"company": "acme", "team": "co\"re"},
            "person_properties": clean(3),
            "group_properties": {"company": clean(1), "team": clean(2)},
            "geoip_disable": false,
            "flag_keys_to_evaluate": ["off", "on"],
            "evaluation_contexts": ["backend"],
        }))
    );
}

#[test]
fn no_keys_need_no_request() {
    let (receiver, client) = with_flags(three(), |config| config);
    let context = Context::new();
    assert_eq!(ph_context_limit_flag_keys(context.raw), PH_OK);
    assert!(client.evaluate_in("u", Some(&context), 1_000).unwrap().keys().is_empty());
    assert!(client.flag_in("u", "on", Some(&context), true));
    assert_eq!(receiver.counts().requests, 0);
}

#[test]
fn what_cannot_be_asked_is_refused_and_counted() {
    let (receiver, client) = with_flags(three(), |config| config);
    for (id, expected) in [("", PH_ERROR_EMPTY), (" \t", PH_ERROR_EMPTY)] {
        assert_eq!(client.evaluate(id).err(), Some(expected));
        assert!(client.flag_in(id, "on", None, true) && !client.flag_in(id, "on", None, false));
    }
    let mut flags = ptr::null_mut();
    let bad = c"\xFF".as_ptr();
    let status = ph_flags_evaluate(client.raw(), bad, ptr::null(), 1_000, &raw mut flags);
    assert_eq!((status, flags), (PH_ERROR_UTF8, ptr::null_mut()));
    let stats = client.stats();
    assert_eq!((stats.refused(PH_ERROR_EMPTY), stats.refused(PH_ERROR_UTF8)), (2, 1));
    assert_eq!(receiver.counts().requests, 0);
    assert_eq!(client.flag("u", "on"), Some(true));
}

/// An evaluation against a server whose answers to flag requests are all like this.
fn evaluate_against(reply: Reply, timeout_ms: u32) -> (Result<Found, Status>, u64, Duration) {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/flags/", reply));
    let client = to(&receiver).client();
    let (found, took) = timed(|| client.evaluate_in("u", None, timeout_ms));
    assert_eq!(client.stat(PH_STAT_FLAG_REQUESTS), receiver.counts().requests);
    (found, receiver.counts().requests, took)
}

#[test]
fn what_passes_is_asked_once_more() {
    for status in [502, 504] {
        let (found, requests, _) = evaluate_against(Reply::status(status), 10_000);
        assert_eq!((found.err(), requests), (Some(PH_ERROR_SERVER), 2), "{status}");
    }
    for reply in [Reply::usual().reset(At::Body), Reply::usual().truncate(30)] {
        let (found, requests, _) = evaluate_against(reply, 10_000);
        assert_eq!((found.err(), requests), (Some(PH_ERROR_NETWORK), 2));
    }
    // The second answer counts.
    let receiver = Receiver::start();
    receiver.set_flags(three());
    receiver.set_script(Script::new().next("/flags/", Reply::status(502)));
    let client = to(&receiver).client();
    assert_eq!(client.evaluate("u").unwrap().enabled("on"), Some(true));
    assert_eq!(receiver.counts().requests, 2);
}

#[test]
fn what_stays_is_asked_once() {
    for status in [400, 401, 402, 403, 404, 408, 429, 500, 503, 301] {
        let (found, requests, _) = evaluate_against(Reply::status(status), 10_000);
        assert_eq!((found.err(), requests), (Some(PH_ERROR_SERVER), 1), "{status}");
    }
    for body in ["", "<html>", "[]", "{}", r#"{"status":1}"#, r#"{"flags":{}"#] {
        let (found, requests, _) = evaluate_against(Reply::status(200).body(body), 10_000);
        assert_eq!((found.err(), requests), (Some(PH_ERROR_SERVER), 1), "{body}");
    }
}

#[test]
fn a_refused_connection_is_tried_once() {
    let client = to_url(&refused_url()).client();
    assert_eq!(client.evaluate("u").err(), Some(PH_ERROR_NETWORK));
    assert_eq!(client.stat(PH_STAT_FLAG_REQUESTS), 1);
    assert_eq!(client.stats().refused(PH_ERROR_NETWORK), 1);
    assert_eq!(client.flag("u", "on"), None);
}

#[test]
fn an_evaluation_keeps_its_deadline() {
    let _quiet = undisturbed();
    for reply in [
        Reply::usual().hang(At::Head),
        Reply::usual().hang(At::Body),
        Reply::usual().drip(Part::All, 1, millis(100)),
        Reply::usual().drip(Part::Body, 1, millis(100)),
        Reply::usual().delay(millis(5_000)),
    ] {
        promptly(millis(600), || {
            let (found, _, took) = evaluate_against(reply.clone(), 300);
            assert_eq!(found.err(), Some(PH_ERROR_TIMEOUT), "{reply:?}");
            assert!(took >= millis(290), "{took:?} {reply:?}");
            took
        });
    }
    let hole = BlackHole::start();
    promptly(millis(600), || {
        let client = to_url(&hole.url()).client();
        let (found, took) = timed(|| client.evaluate_in("u", None, 300));
        assert_eq!(found.err(), Some(PH_ERROR_TIMEOUT));
        assert_eq!(client.stats().refused(PH_ERROR_TIMEOUT), 1);
        took
    });
}

#[test]
fn no_time_is_a_timeout_without_a_request() {
    let (receiver, client) = with_flags(three(), |config| config);
    assert_eq!(client.evaluate_in("u", None, PH_NO_WAIT).err(), Some(PH_ERROR_TIMEOUT));
    assert_eq!(receiver.counts().requests, 0);
    assert!(client.evaluate_in("u", None, PH_FOREVER).is_ok());
}

#[test]
fn shutdown_ends_an_evaluation() {
    let _quiet = undisturbed();
    promptly(millis(550), || {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/flags/", Reply::usual().hang(At::Body)));
        let client = to(&receiver).client();
        let took = std::thread::scope(|scope| {
            let evaluation = scope.spawn(|| client.evaluate_in("u", None, 60_000).err());
            assert!(receiver.wait_for_requests(1, PATIENCE));
            let (status, took) = timed(|| client.shutdown(500));
            assert_eq!(status, PH_OK);
            assert_eq!(evaluation.join().unwrap(), Some(PH_ERROR_SHUTDOWN));
            took
        });
        until("the count", || client.stats().refused(PH_ERROR_SHUTDOWN) == 1);
        took
    });
}

/// The properties of the one event that a receiver has, by key.
fn sent_properties(receiver: &Receiver) -> Value {
    receiver.events()[0].json["properties"].clone()
}

#[test]
fn an_event_carries_the_flags_that_are_known() {
    let (receiver, client) = with_flags(three(), |config| config);
    let found = client.evaluate("u").unwrap();
    let event = Event::new("u", "e");
    assert_eq!(ph_event_set_flags(event.raw(), found.raw), PH_OK);
    drop(found);
    client.capture_event(&event).unwrap();
    client.deliver();
    let properties = sent_properties(&receiver);
    assert_eq!(properties["$feature/on"], true);
    assert_eq!(properties["$feature/off"], false);
    assert_eq!(properties["$feature/many"], "blue");
    assert_eq!(properties["$active_feature_flags"], json!(["many", "on"]));
    assert_eq!(receiver.requests().iter().filter(|it| it.is_flags()).count(), 1);
}
