//! Options and clients that free themselves.

use crate::c::*;
use crate::handle::{Event, Props, c_text, owned_text};
use crate::stats::Stats;
use posthog_receiver::Receiver;
use serde_json::Value;
use std::ffi::{CString, c_char};
use std::ptr;

/// The project key of every test that does not say otherwise.
pub const KEY: &str = "phc_test";
/// How long a test waits for what has to happen.
pub const PATIENCE_MS: u32 = 20_000;

pub struct Config {
    raw: *mut ph_config,
}

impl Config {
    pub fn new(api_key: &str) -> Config {
        Config { raw: ph_config_new(c_text(api_key).as_ptr()) }
    }

    /// For tests in a child process, whose parent sets its environment.
    pub fn from_env() -> Config {
        Config { raw: ph_config_from_env() }
    }

    pub fn set<V>(self, setter: extern "C" fn(*mut ph_config, V) -> Status, value: V) -> Config {
        assert_eq!(setter(self.raw, value), PH_OK);
        self
    }

    pub fn text(
        self,
        setter: extern "C" fn(*mut ph_config, *const c_char) -> Status,
        text: &str,
    ) -> Config {
        let text = c_text(text);
        self.set(setter, text.as_ptr())
    }

    pub fn host(self, host: &str) -> Config {
        self.text(ph_config_set_host, host)
    }

    pub fn overflow(self, policy: i32, block_ms: u32) -> Config {
        assert_eq!(ph_config_set_overflow(self.raw, policy, block_ms), PH_OK);
        self
    }

    pub fn group_index(self, group_type: &str, index: u32) -> Config {
        let group_type = c_text(group_type);
        assert_eq!(ph_config_set_group_index(self.raw, group_type.as_ptr(), index), PH_OK);
        self
    }

    pub fn header(self, name: &str, value: &str) -> Config {
        let (name, value) = (c_text(name), c_text(value));
        assert_eq!(ph_config_add_header(self.raw, name.as_ptr(), value.as_ptr()), PH_OK);
        self
    }

    pub fn raw(&self) -> *mut ph_config {
        self.raw
    }

    pub fn client(&self) -> Client {
        let mut raw = ptr::null_mut();
        assert_eq!(ph_init(self.raw, &raw mut raw), PH_OK);
        assert!(!raw.is_null());
        Client { raw }
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        ph_config_free(self.raw);
    }
}

/// Options for a client of a receiver: it sends when it is told to, retries quickly, and speaks V0.
pub fn to(receiver: &Receiver) -> Config {
    to_url(&receiver.url())
}

pub fn to_url(url: &str) -> Config {
    Config::new(KEY)
        .host(url)
        .set(ph_config_set_protocol, PH_PROTOCOL_V0)
        .set(ph_config_set_flush_at, 1_000_000)
        .set(ph_config_set_flush_interval_ms, 600_000)
        .set(ph_config_set_retry_base_ms, 20)
        .set(ph_config_set_retry_cap_ms, 200)
}

pub struct Client {
    raw: *mut ph_client,
}

// SAFETY: the header lets every thread use a client at once.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Client {
    pub fn raw(&self) -> *const ph_client {
        self.raw
    }

    pub fn capture(&self, distinct_id: &str, event: &str) -> Status {
        let (distinct_id, event) = (c_text(distinct_id), c_text(event));
        ph_capture(self.raw, distinct_id.as_ptr(), event.as_ptr(), ptr::null())
    }

    pub fn capture_with(&self, distinct_id: &str, event: &str, props: &Props) -> Status {
        let (distinct_id, event) = (c_text(distinct_id), c_text(event));
        ph_capture(self.raw, distinct_id.as_ptr(), event.as_ptr(), props.raw())
    }

    /// Captures events of that name, numbered by the property `n`.
    pub fn capture_numbered(&self, event: &str, numbers: std::ops::Range<i64>) {
        for n in numbers {
            assert_eq!(self.capture_with("u", event, &Props::new().int("n", n)), PH_OK);
        }
    }

    /// Captures a whole event; its uuid.
    pub fn capture_event(&self, event: &Event) -> Result<String, Status> {
        let mut uuid = [0x7F; PH_UUID_SIZE];
        match ph_capture_event(self.raw, event.raw(), uuid.as_mut_ptr()) {
            PH_OK => {
                let bytes = uuid.iter().map(|byte| *byte as u8).take_while(|byte| *byte != 0);
                Ok(String::from_utf8(bytes.collect()).unwrap())
            }
            status => {
                assert_eq!(uuid, [0x7F; PH_UUID_SIZE], "written although the call failed");
                Err(status)
            }
        }
    }

    /// Captures an AI event; its uuid.
    pub fn capture_ai(&self, event: &Event) -> String {
        let mut uuid = [0x7F; PH_UUID_SIZE];
        assert_eq!(ph_capture_ai(self.raw, event.raw(), uuid.as_mut_ptr()), PH_OK);
        uuid_text(&uuid).unwrap()
    }

    /// Captures an event and waits for it: its fate, and its uuid if it was accepted.
    pub fn capture_immediate(&self, event: &Event, timeout_ms: u32) -> (Status, Option<String>) {
        let mut uuid = [0x7F; PH_UUID_SIZE];
        let status = ph_capture_immediate(self.raw, event.raw(), timeout_ms, uuid.as_mut_ptr());
        (status, uuid_text(&uuid))
    }

    /// The same for an AI event.
    pub fn capture_ai_immediate(&self, event: &Event, timeout_ms: u32) -> (Status, Option<String>) {
        let mut uuid = [0x7F; PH_UUID_SIZE];
        let status = ph_capture_ai_immediate(self.raw, event.raw(), timeout_ms, uuid.as_mut_ptr());
        (status, uuid_text(&uuid))
    }

    pub fn capture_json(&self, distinct_id: &[u8], event: &[u8], properties: &[u8]) -> Status {
        let data = |bytes: &[u8]| (bytes.as_ptr().cast::<c_char>(), bytes.len());
        let ((id, id_len), (event, event_len)) = (data(distinct_id), data(event));
        let (properties, properties_len) = data(properties);
        ph_capture_json(self.raw, id, id_len, event, event_len, properties, properties_len)
    }

    pub fn register(&self, props: &Props) -> Status {
        ph_register(self.raw, props.raw())
    }

    pub fn flush(&self, timeout_ms: u32) -> Status {
        ph_flush(self.raw, timeout_ms)
    }

    /// Sends everything, which has to succeed.
    pub fn deliver(&self) {
        assert_eq!(self.flush(PATIENCE_MS), PH_OK);
    }

    pub fn shutdown(&self, timeout_ms: u32) -> Status {
        ph_shutdown(self.raw, timeout_ms)
    }

    pub fn stats(&self) -> Stats {
        Stats::of(self.raw)
    }

    pub fn stat(&self, index: usize) -> u64 {
        self.stats()[index]
    }

    pub fn drain(&self, events_max: usize) -> Vec<Value> {
        let mut json = ptr::null_mut();
        assert_eq!(ph_queue_drain(self.raw, events_max, &raw mut json), PH_OK);
        let text = owned_text(json);
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        ph_client_free(self.raw);
    }
}

/// What was written to `uuid_out`; `None` if nothing was.
fn uuid_text(uuid: &[c_char; PH_UUID_SIZE]) -> Option<String> {
    if *uuid == [0x7F; PH_UUID_SIZE] {
        return None;
    }
    let bytes = uuid.iter().map(|byte| *byte as u8).take_while(|byte| *byte != 0);
    Some(String::from_utf8(bytes.collect()).unwrap())
}

/// A URL at which nobody listens: connecting is refused at once.
pub fn refused_url() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A text too long to be written out.
pub fn long_text(bytes: usize) -> CString {
    CString::new("x".repeat(bytes)).unwrap()
}
