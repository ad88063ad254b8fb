//! A transport of the host's own.

use super::both_arrive;
use crate::c::*;
use crate::client::{Config, KEY, PATIENCE_MS, to_url};
use crate::handle::c_text;
use crate::hook::{Alive, Told, free, userdata};
use crate::time::{PATIENCE, Stop, until};
use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;

/// A request as the host was handed it.
#[derive(Clone, Debug)]
struct Carried {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout_ms: u32,
}

impl Carried {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Puts an answer into the response; 0 if there is one.
type Carry = Box<dyn Fn(Carried, *mut ph_response) -> i32 + Send + Sync>;

#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn carry(
    userdata: *mut c_void,
    method: *const c_char,
    url: *const c_char,
    headers: *const *const c_char,
    body: *const c_char,
    body_len: usize,
    timeout_ms: u32,
    response: *mut ph_response,
) -> i32 {
    // SAFETY: it was registered with a `Carry`, which the library has not freed yet.
    let call = unsafe { &*userdata.cast::<Carry>() };
    // SAFETY: the library passes NUL-terminated texts that last for the call.
    let text = |text| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned();
    // SAFETY: a NULL ends the list.
    let at = |index| unsafe { *headers.wrapping_add(index) };
    let texts: Vec<_> = (0..).map(at).take_while(|it| !it.is_null()).map(text).collect();
    let headers = texts.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let body = if body_len == 0 {
        assert!(body.is_null());
        Vec::new()
    } else {
        // SAFETY: the library passes so many bytes.
        unsafe { std::slice::from_raw_parts(body.cast::<u8>(), body_len) }.to_vec()
    };
    call(Carried { method: text(method), url: text(url), headers, body, timeout_ms }, response)
}

/// Nothing listens there, and nobody is to try.
const HOST: &str = "https://posthog.test/prefix";

fn by(carry_it: impl Fn(Carried, *mut ph_response) -> i32 + Send + Sync + 'static) -> Config {
    let config = to_url(HOST).set(ph_config_set_compression, PH_COMPRESSION_NONE);
    let data = userdata::<Carry>(Box::new(carry_it));
    assert_eq!(
        ph_config_set_transport(config.raw(), Some(carry), data, Some(free::<Carry>)),
        PH_OK
    );
    config
}

fn answer(response: *mut ph_response, status: u32, body: &str) -> i32 {
    assert_eq!(ph_response_set_status(response, status), PH_OK);
    // In pieces.
    let (one, two) = body.split_at(body.len() / 2);
    for piece in [one, two] {
        let data = piece.as_ptr().cast::<c_char>();
        assert_eq!(ph_response_append_body(response, data, piece.len()), PH_OK);
    }
    0
}

const FLAGS: &str = r#"{"flags":{"new-checkout":{"key":"new-checkout","enabled":true}}}"#;

fn answer_as_posthog(carried: &Carried, response: *mut ph_response) -> i32 {
    answer(response, 200, if carried.url.contains("/flags/") { FLAGS } else { r#"{"status":1}"# })
}

#[test]
fn it_carries_capture_and_flags() {
    let carried = Told::new();
    let told = carried.clone();
    let config = by(move |it, response| {
        told.push(it.clone());
        answer_as_posthog(&it, response)
    });
    both_arrive(&config.header("x-tenant", "blue").client());
    let all = carried.all();
    let urls: Vec<_> = all.iter().map(|it| it.url.strip_prefix(HOST).unwrap()).collect();
    assert_eq!(urls, ["/batch/", "/flags/?v=2"]);
    for it in &all {
        assert_eq!((it.method.as_str(), it.header("x-tenant")), ("POST", Some("blue")));
        assert_eq!(it.header("content-type"), Some("application/json"));
        assert!(it.header("user-agent").is_some_and(|agent| agent.starts_with("libposthog/")));
        assert!((1..=15_000).contains(&it.timeout_ms), "{}", it.timeout_ms);
        let body: serde_json::Value = serde_json::from_slice(&it.body).unwrap();
        assert_eq!(body["api_key"], KEY);
    }
}

#[test]
fn its_failures_are_retried_and_its_refusals_final() {
    let calls = Told::new();
    let told = calls.clone();
    let config = by(move |it, response| {
        told.push(it.body);
        match told.len() {
            1 => 7,
            // An answer without a status is none.
            2 => 0,
            3 => {
                let (name, value) = (c_text("Retry-After"), c_text("0"));
                let added = ph_response_add_header(response, name.as_ptr(), value.as_ptr());
                assert_eq!(added, PH_OK);
                answer(response, 503, "later")
            }
            4 => answer(response, 200, r#"{"status":1}"#),
            _ => answer(response, 400, "no"),
        }
    });
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    assert_eq!((calls.len(), client.stat(PH_STAT_DELIVERED)), (4, 1));
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    assert_eq!(calls.len(), 5);
}

#[test]
fn it_may_ask_for_statistics_and_nothing_else() {
    let statuses = Told::new();
    let told = statuses.clone();
    let client = std::sync::Arc::new(std::sync::OnceLock::<usize>::new());
    let inside = std::sync::Arc::clone(&client);
    let config = by(move |it, response| {
        let client = *inside.get().unwrap() as *const ph_client;
        told.push(ph_flush(client, 0));
        assert!(ph_stats_get(client, std::ptr::null_mut(), 0) > 0);
        assert_eq!(ph_response_set_status(response, 99), PH_ERROR_RANGE);
        assert_eq!(ph_response_set_status(response, 1_000), PH_ERROR_RANGE);
        answer_as_posthog(&it, response)
    });
    let own = config.client();
    client.set(own.raw() as usize).unwrap();
    both_arrive(&own);
    assert_eq!(statuses.all(), [PH_ERROR_REENTRANT; 2]);
}

#[test]
fn it_is_freed_once_and_a_slow_one_does_not_hold_up_a_shutdown() {
    let alive = Alive::new();
    let (stop, token) = (Arc::new(Stop::default()), alive.token());
    let slow = Arc::clone(&stop);
    let config = by(move |it, response| {
        let _token = &token;
        slow.here();
        answer_as_posthog(&it, response)
    });
    let client = config.client();
    drop(config);
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(PH_NO_WAIT), PH_ERROR_TIMEOUT);
    until("the callback", || stop.is_reached());
    assert_eq!(client.shutdown(100), PH_ERROR_TIMEOUT);
    drop(client);
    assert!(!stop.is_left());
    stop.let_go();
    assert!(crate::time::within(PATIENCE, || alive.holders() == 0));
}
