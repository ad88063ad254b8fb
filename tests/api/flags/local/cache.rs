//! A cache of the host's: who reads definitions, and what becomes of it when the cache fails.

use super::{SECRET, definitions, everyone, flag_requests, nobody, with_definitions};
use crate::c::*;
use crate::client::{Config, PATIENCE_MS, to};
use crate::hook::{Alive, Told};
use crate::time::until;
use posthog_receiver::{Receiver, Reply, Script};
use std::ffi::{c_char, c_void};
use std::slice;
use std::sync::{Arc, Mutex};

/// What a fleet shares, and what each of its calls is to answer.
struct Shared {
    advice: i32,
    text: Option<String>,
    put: Vec<String>,
    put_answer: i32,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared { advice: PH_DEFINITIONS_FETCH, text: None, put: Vec::new(), put_answer: 0 }
    }
}

type Cache = Arc<Mutex<Shared>>;

struct Userdata {
    cache: Cache,
    _token: Arc<()>,
}

unsafe extern "C" fn get(userdata: *mut c_void, handle: *mut ph_definitions) -> i32 {
    // SAFETY: it was registered with a `Userdata`, which the library has not freed yet.
    let shared = unsafe { &*userdata.cast::<Userdata>() }.cache.lock().unwrap();
    if let Some(text) = &shared.text {
        assert_eq!(ph_definitions_set(handle, text.as_ptr().cast(), text.len()), PH_OK);
    }
    shared.advice
}

unsafe extern "C" fn put(userdata: *mut c_void, json: *const c_char, len: usize) -> i32 {
    // SAFETY: as above.
    let mut shared = unsafe { &*userdata.cast::<Userdata>() }.cache.lock().unwrap();
    // SAFETY: the library passes as many bytes as it says.
    let json = unsafe { slice::from_raw_parts(json.cast(), len) };
    shared.put.push(String::from_utf8(json.to_vec()).unwrap());
    shared.put_answer
}

unsafe extern "C" fn free(userdata: *mut c_void) {
    // SAFETY: `with_cache` made it from such a box, and the library frees it once.
    drop(unsafe { Box::from_raw(userdata.cast::<Userdata>()) });
}

fn with_cache(config: Config, cache: &Cache, alive: &Alive) -> Config {
    let userdata = Userdata { cache: Arc::clone(cache), _token: alive.token() };
    let raw = Box::into_raw(Box::new(userdata)).cast();
    let status =
        ph_config_set_definitions_cache(config.raw(), Some(get), Some(put), raw, Some(free));
    assert_eq!(status, PH_OK);
    config
}

/// Lets something be done with a handle as a `get` gets it.
pub fn with_handle(call: fn(*mut ph_definitions) -> bool) -> bool {
    struct Probe {
        call: fn(*mut ph_definitions) -> bool,
        answer: Mutex<Option<bool>>,
    }
    unsafe extern "C" fn probe(userdata: *mut c_void, handle: *mut ph_definitions) -> i32 {
        // SAFETY: registered below; it outlives the client.
        let probe = unsafe { &*userdata.cast::<Probe>() };
        *probe.answer.lock().unwrap() = Some((probe.call)(handle));
        PH_DEFINITIONS_KEEP
    }
    unsafe extern "C" fn ignore(_: *mut c_void, _: *const c_char, _: usize) -> i32 {
        0
    }
    let probe_data = Probe { call, answer: Mutex::new(None) };
    let receiver = Receiver::start();
    let config = to(&receiver);
    let userdata = (&raw const probe_data).cast_mut().cast();
    let (get, put) = (Some(probe as _), Some(ignore as _));
    assert_eq!(ph_config_set_definitions_cache(config.raw(), get, put, userdata, None), PH_OK);
    let client = config.client();
    assert_eq!(ph_client_start(client.raw()), PH_OK);
    until("the callback", || probe_data.answer.lock().unwrap().is_some());
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    probe_data.answer.lock().unwrap().unwrap()
}

#[test]
fn one_process_reads_and_the_others_use_what_it_has_read() {
    let (cache, alive) = (Cache::default(), Alive::new());
    let (receiver, first) =
        with_definitions(&[everyone("f")], |config| with_cache(config, &cache, &alive));
    first.wait_ready();
    let put = cache.lock().unwrap().put.clone();
    assert_eq!(put, [definitions(&[everyone("f")]).to_string()]);
    {
        let mut shared = cache.lock().unwrap();
        (shared.advice, shared.text) = (PH_DEFINITIONS_USE, Some(put[0].clone()));
    }
    let second = with_cache(to(&receiver).text(ph_config_set_secret_key, SECRET), &cache, &alive);
    // Without a key of its own.
    let third = with_cache(to(&receiver), &cache, &alive);
    for client in [second.client(), third.client()] {
        client.wait_ready();
        assert_eq!(client.flag("u", "f"), Some(true));
    }
    let asked = receiver.requests();
    assert_eq!(asked.iter().filter(|request| request.is_definitions()).count(), 1);
    // What the cache has later counts from the next poll on.
    cache.lock().unwrap().text = Some(definitions(&[nobody("f")]).to_string());
    assert_eq!(first.refresh(), PH_OK);
    assert_eq!(first.flag("u", "f"), Some(false));
    assert!(flag_requests(&receiver).is_empty());
}

#[test]
fn an_unchanged_answer_is_put_again() {
    let (cache, alive) = (Cache::default(), Alive::new());
    let (receiver, client) =
        with_definitions(&[everyone("f")], |config| with_cache(config, &cache, &alive));
    client.wait_ready();
    assert_eq!(client.refresh(), PH_OK);
    assert_eq!(receiver.requests()[1].status, Some(304));
    let put = cache.lock().unwrap().put.clone();
    assert_eq!(put.len(), 2);
    assert_eq!(put[0], put[1]);
}

#[test]
fn keeping_is_for_those_who_have_something() {
    let (cache, alive) = (Cache::default(), Alive::new());
    cache.lock().unwrap().advice = PH_DEFINITIONS_KEEP;
    let (receiver, client) =
        with_definitions(&[everyone("f")], |config| with_cache(config, &cache, &alive));
    // It has nothing yet, so it reads by itself.
    client.wait_ready();
    receiver.set_definitions(&definitions(&[nobody("f")]));
    assert_eq!(client.refresh(), PH_OK);
    assert_eq!((receiver.counts().requests, client.flag("u", "f")), (1, Some(true)));
}

#[test]
fn a_cache_that_fails_is_gone_round() {
    let told = Told::new();
    let log = told.clone();
    let (cache, alive) = (Cache::default(), Alive::new());
    let bad = [
        (-1, None),
        (7, None),
        (PH_DEFINITIONS_USE, None),
        (PH_DEFINITIONS_USE, Some("")),
        (PH_DEFINITIONS_USE, Some("{\"flags\":")),
        (PH_DEFINITIONS_USE, Some("[]")),
    ];
    let (receiver, client) = with_definitions(&[everyone("f")], |config| {
        with_cache(config, &cache, &alive).on_log(move |_, line| log.push(line.to_owned()))
    });
    for (round, (advice, text)) in (1..).zip(bad) {
        {
            let mut shared = cache.lock().unwrap();
            (shared.advice, shared.text) = (advice, text.map(str::to_owned));
            shared.put_answer = -1;
        }
        assert_eq!(client.refresh(), PH_OK, "{advice} {text:?}");
        assert_eq!(receiver.counts().requests, round);
        assert_eq!(client.flag("u", "f"), Some(true));
    }
    let lines = told.all();
    assert!(lines.iter().any(|line| line.contains("cache failed")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("could not keep")), "{lines:?}");
    // Both at once: what is known stays.
    receiver.set_script(Script::new().always("/flags/definitions", Reply::status(500)));
    assert_eq!(client.refresh(), PH_ERROR_NETWORK);
    assert_eq!(client.flag("u", "f"), Some(true));
}

#[test]
fn the_userdata_is_freed_when_nobody_can_call_any_more() {
    let (cache, alive) = (Cache::default(), Alive::new());
    let (_receiver, client) =
        with_definitions(&[everyone("f")], |config| with_cache(config, &cache, &alive));
    client.wait_ready();
    assert_eq!(alive.holders(), 1);
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    let put = cache.lock().unwrap().put.len();
    assert_eq!(client.refresh(), PH_ERROR_SHUTDOWN);
    drop(client);
    assert_eq!((alive.holders(), cache.lock().unwrap().put.len()), (0, put));
}
