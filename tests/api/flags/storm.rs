//! A storm of faults: whatever the server does, a value that was known once stays what it is.

use super::Found;
use crate::c::*;
use crate::client::{Client, to};
use crate::time::millis;
use posthog_receiver::{At, Receiver, Reply, Request, Script};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::thread;

const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];
const THREADS: u64 = 4;
const IDS: u64 = 8;
const STEPS: u64 = 80;

/// Knuth's generator: the same storm in every run, as far as threads allow.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What a flag is for somebody, always.
fn truth(id: &str, key: &str) -> bool {
    id.bytes().chain(key.bytes()).fold(7_u32, |sum, byte| sum * 31 % 1_009 + u32::from(byte)) % 2
        == 0
}

/// An answer of the server that lies about a flag only where it says that it failed.
fn answer(id: &str, random: &mut Random, kind: u64) -> Value {
    let mut flags = Map::new();
    for key in KEYS {
        let on = truth(id, key);
        let record = match kind {
            // Failed records carry a left-over value.
            1 if random.below(2) == 0 => json!({"enabled": !on, "variant": "old", "failed": true}),
            // Nobody can read this one.
            2 if random.below(2) == 0 => json!({"enabled": "yes", "metadata": []}),
            3 if random.below(2) == 0 => continue,
            _ => json!({"enabled": on, "metadata": {"id": 1, "version": 2}}),
        };
        flags.insert(key.to_owned(), record);
    }
    match kind {
        3 => json!({"flags": flags, "errorsWhileComputingFlags": true}),
        4 => json!({"flags": {}, "quotaLimited": ["feature_flags"]}),
        _ => json!({"flags": flags, "errorsWhileComputingFlags": false}),
    }
}

fn reply(request: &Request, random: &mut Random, seen: &mut BTreeSet<u64>) -> Reply {
    let body = request.json.clone().unwrap();
    let id = body["distinct_id"].as_str().unwrap();
    let kind = random.below(18);
    seen.insert(kind);
    let whole = Reply::status(200).json(&answer(id, random, kind));
    match kind {
        5 => Reply::status(500),
        6 => Reply::status(503),
        7 => Reply::status(502),
        8 => Reply::status(429),
        9 => {
            let text = answer(id, random, 0).to_string();
            Reply::status(200).body(&text[..random.below(text.len() as u64) as usize])
        }
        10 => whole.truncate(random.below(300) as usize),
        11 => whole.reset(At::Body),
        12 => whole.delay(millis(random.below(30))),
        13 if random.below(4) == 0 => whole.hang(At::Body),
        14 => Reply::status(200).body("<html>captive portal</html>"),
        _ => whole,
    }
}

/// Everything that the library has ever said of the flags of one thread's people.
#[derive(Default)]
struct Seen {
    known: BTreeMap<(String, &'static str), bool>,
}

impl Seen {
    fn check(&mut self, id: &str, key: &'static str, said: Option<bool>, how: &str) {
        let place = (id.to_owned(), key);
        match said {
            Some(value) => {
                assert_eq!(value, truth(id, key), "{how}: {id} {key}");
                self.known.insert(place, value);
            }
            None => assert!(!self.known.contains_key(&place), "{how}: {id} {key} was known before"),
        }
    }

    fn check_all(&mut self, id: &str, found: Result<Found, Status>, how: &str) {
        for key in KEYS {
            let said = found.as_ref().ok().and_then(|found| found.enabled(key));
            self.check(id, key, said, how);
        }
    }
}

fn storm(client: &Client, thread: u64) {
    let (mut random, mut seen) = (Random(thread + 1), Seen::default());
    for _ in 0..STEPS {
        let id = format!("user-{thread}-{}", random.below(IDS));
        match random.below(3) {
            0 => seen.check_all(&id, client.evaluate_in(&id, None, 200), "evaluate"),
            1 => seen.check_all(&id, client.recall(&id), "recall"),
            _ => {
                let key = KEYS[random.below(KEYS.len() as u64) as usize];
                seen.check(&id, key, client.flag(&id, key), "short form");
            }
        }
    }
    assert!(!seen.known.is_empty(), "nothing was ever known");
}

#[test]
fn no_value_flips_and_the_fallback_comes_only_where_nothing_was_ever_known() {
    let receiver = Receiver::start();
    let state = Arc::new(Mutex::new((Random(42), BTreeSet::new())));
    let kinds = Arc::clone(&state);
    receiver.set_script(Script::new().compute("/flags/", move |request| {
        let (random, seen) = &mut *state.lock().unwrap();
        reply(request, random, seen)
    }));
    // What is remembered is old at once, so that every read meets the storm.
    let client = to(&receiver)
        .set(ph_config_set_flags_ttl_ms, 1)
        .set(ph_config_set_flags_timeout_ms, 200)
        .client();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let client = &client;
            scope.spawn(move || storm(client, number));
        }
    });
    assert_eq!(kinds.lock().unwrap().1.len(), 18, "{:?}", kinds.lock().unwrap().1);
    // The storm is over.
    receiver.set_script(Script::new().compute("/flags/", |request| {
        let id = request.json.as_ref().unwrap()["distinct_id"].as_str().unwrap().to_owned();
        Reply::status(200).json(&answer(&id, &mut Random(0), 0))
    }));
    for (thread, index) in (0..THREADS).flat_map(|it| (0..IDS).map(move |index| (it, index))) {
        let id = format!("user-{thread}-{index}");
        let found = client.evaluate(&id).unwrap();
        assert_eq!(
            KEYS.map(|key| found.enabled(key)),
            KEYS.map(|key| Some(truth(&id, key))),
            "{id}"
        );
    }
}
