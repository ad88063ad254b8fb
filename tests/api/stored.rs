//! Events that outlive their process, with many threads in one: they capture while files are written,
//! settled, left, taken over and purged. `tests/stores.rs` has the processes that die.
#![cfg(storage)]

use crate::c::*;
use crate::client::{Client, Config, PATIENCE_MS, to};
use crate::handle::{Event, Props, c_text, lent_text};
use crate::hook::logged;
use crate::time::{Stop, disturbing, until};
use posthog_receiver::{At, Options, Receiver, Record, Reply, Script};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

const THREADS: i64 = 4;
const EVENTS: i64 = 2_000;

/// An empty directory of a test's own.
fn directory(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stored").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    folder
}

fn files(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, |entries| {
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|it| it == "events")).count()
    })
}

/// A server that takes a request, fails, hangs up before its answer, or within it.
fn flapping() -> Script {
    Script::new()
        .every(3, "/batch/", Reply::status(503))
        .every(7, "/batch/", Reply::usual().reset(At::Body))
        .every(11, "/batch/", Reply::usual().reset(At::Response(20)))
}

fn receiver() -> Receiver {
    Receiver::with(Options { record: Record::Uuids, ..Options::default() }).unwrap()
}

fn storing(receiver: &Receiver, directory: &Path) -> Config {
    to(receiver)
        .text(ph_config_set_storage_dir, directory.to_str().unwrap())
        .set(ph_config_set_flush_at, 50)
        .set(ph_config_set_batch_max_events, 200)
        .set(ph_config_set_retry_base_ms, 1)
        .set(ph_config_set_retry_cap_ms, 5)
}

/// Looks at the ledger until the end, and asks for everything to be sent.
fn watch(client: &Client, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        client.stats().assert_balances();
        let _ = client.flush(PH_NO_WAIT);
        thread::yield_now();
    }
}

/// Threads capture numbered events, each as a person of its own, while `meanwhile` happens.
fn captured_by_threads(client: &Client, round: u32, meanwhile: impl FnOnce()) {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(client, &ended));
        let capture = |thread| {
            let id = format!("{round}-{thread}");
            (0..EVENTS).for_each(|n| capture(client, &id, n));
        };
        let producers: Vec<_> =
            (0..THREADS).map(|thread| scope.spawn(move || capture(thread))).collect();
        meanwhile();
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        ended.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
    });
}

fn capture(client: &Client, id: &str, n: i64) {
    let props = Props::new().int("n", n);
    assert_eq!(client.capture_with(id, "stored", &props), PH_OK);
}

/// Clients that come one after the other are to each other what processes are: what one leaves at its
/// deadline the next one takes over, while threads of its own capture and the server fails.
#[test]
fn nothing_is_lost_between_clients_whose_threads_capture_while_the_server_fails() {
    const ROUNDS: u32 = 4;
    let _alone = disturbing();
    let (receiver, directory) = (receiver(), directory("rounds"));
    let (mut left, mut adopted) = (0, 0);
    for round in 0..ROUNDS {
        receiver.set_script(flapping());
        let client = storing(&receiver, &directory).client();
        captured_by_threads(&client, round, || ());
        // More than it can send until then, but for the last.
        let status = client.shutdown(round * 5);
        assert!([PH_OK, PH_ERROR_TIMEOUT].contains(&status), "{status:?}");
        let stats = client.stats();
        stats.assert_balances();
        assert_eq!(stats[PH_STAT_ACCEPTED], (THREADS * EVENTS) as u64);
        assert_eq!(stats[PH_STAT_DROPPED], 0, "{stats:?}");
        left += stats[PH_STAT_STORED];
        adopted += stats[PH_STAT_ADOPTED];
    }
    receiver.set_script(Script::new());
    // A sender that was left behind keeps its file until its request is over.
    until("all is delivered", || {
        let client = storing(&receiver, &directory).client();
        assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
        assert_eq!(client.stat(PH_STAT_DROPPED), 0);
        files(&directory) == 0
    });
    assert!(left > 0 && adopted > 0, "{left} left, {adopted} adopted");

    let mut seen: HashMap<String, BTreeSet<i64>> = HashMap::new();
    for event in receiver.accepted() {
        seen.entry(event.distinct_id.into()).or_default().insert(event.n.unwrap());
    }
    assert_eq!(seen.len() as i64, i64::from(ROUNDS) * THREADS);
    for (id, numbers) in seen {
        assert!(numbers.into_iter().eq(0..EVENTS), "{id}");
    }
}

/// A purge takes the files from under threads that write to them.
#[test]
fn opting_out_while_threads_capture_leaves_nothing_behind() {
    let _alone = disturbing();
    let (receiver, directory) = (receiver(), directory("purged"));
    receiver.set_script(flapping());
    let client = storing(&receiver, &directory).client();
    captured_by_threads(&client, 0, || {
        for _ in 0..20 {
            assert_eq!(ph_opt_out(client.raw()), PH_OK);
            client.stats().assert_balances();
            assert_eq!(ph_opt_in(client.raw()), PH_OK);
            thread::yield_now();
        }
    });
    receiver.set_script(Script::new());
    capture(&client, "last", 0);
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    let stats = client.stats();
    stats.assert_balances();
    let settled = stats[PH_STAT_DELIVERED] + stats[PH_STAT_DROPPED_OPTED_OUT];
    assert_eq!((stats[PH_STAT_ACCEPTED], stats[PH_STAT_STORED]), (settled, 0));
    let accepted = receiver.accepted();
    assert!(accepted.iter().any(|event| &*event.distinct_id == "last"));
    drop(client);
    until("the files are gone", || files(&directory) == 0);
}

/// What a receiver answers that takes nothing.
fn down() -> Script {
    Script::new().always("/", Reply::status(503))
}

/// Nothing is asked of the network where nothing was left. What was is sent by `ph_init`'s own sender,
/// the oldest first, as it was captured; and a fresh event waits for one batch of it at most.
#[test]
fn adopted_events_are_as_they_were_and_hold_up_no_fresh_one() {
    const LEFT: usize = 1_000;
    let (receiver, directory) = (Receiver::start(), directory("adopted"));
    receiver.set_script(down());
    let start = || storing(&receiver, &directory).set(ph_config_set_batch_max_events, 100).client();
    let client = start();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(receiver.connections(), 0);
    let capture = |name| client.capture_event(&Event::new("u", name)).unwrap();
    let left: Vec<String> = (0..LEFT).map(|_| capture("left")).collect();
    assert_eq!(client.shutdown(PH_NO_WAIT), PH_ERROR_TIMEOUT);
    assert_eq!(client.stat(PH_STAT_STORED), LEFT as u64);
    drop(client);

    // The timestamps of what is captured now have another second.
    thread::sleep(Duration::from_millis(1_100));
    let refused = receiver.requests().len();
    let stop = Arc::new(Stop::default());
    let first = Arc::clone(&stop);
    receiver.set_script(Script::new().compute("/", move |_| {
        first.here();
        Reply::usual()
    }));
    let client = start();
    assert_eq!(client.stat(PH_STAT_ADOPTED), LEFT as u64);
    until("the first is on its way", || stop.is_reached());
    assert_eq!(client.capture("u", "fresh"), PH_OK);
    let _ = client.flush(PH_NO_WAIT);
    stop.let_go();
    until("all arrived", || client.stat(PH_STAT_DELIVERED) == LEFT as u64 + 1);

    let requests = receiver.requests();
    let requests: Vec<_> = requests[refused..].iter().map(|request| request.events()).collect();
    assert_eq!(requests.len(), 1 + LEFT / 100);
    assert_eq!((requests[1].len(), &requests[1][0]["event"]), (1, &"fresh".into()));
    let second = |event: &serde_json::Value| event["timestamp"].as_str().unwrap()[..19].to_owned();
    let fresh = second(&requests[1][0]);
    let adopted = requests.iter().flat_map(|events| events.iter());
    let adopted: Vec<_> = adopted.filter(|event| event["event"] == "left").collect();
    assert!(adopted.iter().all(|event| second(event) < fresh), "{fresh}");
    let uuids: Vec<&str> = adopted.iter().map(|event| event["uuid"].as_str().unwrap()).collect();
    assert_eq!(uuids, left);
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    assert_eq!(files(&directory), 0);
}

#[test]
fn what_is_denied_or_dropped_is_never_in_a_file() {
    let (receiver, directory) = (receiver(), directory("denied"));
    receiver.set_script(down());
    let client = storing(&receiver, &directory)
        .text(ph_config_deny_property, "password")
        .before_send(|event| {
            assert_eq!(ph_event_remove_property(event, c_text("token").as_ptr()), PH_OK);
            i32::from(lent_text(ph_event_get_name(event)).as_deref() == Some("unwanted"))
        })
        .client();
    let props = Props::new().str("plan", "kept").str("password", "secret").str("token", "hidden");
    assert_eq!(client.capture_with("u", "wanted", &props), PH_OK);
    assert_eq!(client.capture_with("u", "unwanted", &props), PH_ERROR_FILTERED);
    let bytes: Vec<u8> = fs::read_dir(&directory)
        .unwrap()
        .flat_map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("wanted") && has("kept"));
    for text in ["unwanted", "secret", "password", "hidden", "token", crate::client::KEY] {
        assert!(!has(text), "{text} is in a file");
    }
}

#[test]
fn a_crash_handler_without_a_directory_is_told() {
    let receiver = receiver();
    let (config, lines) = logged(to(&receiver).set(ph_config_set_crash_handler, true));
    let client = config.client();
    let told = lines.all().iter().filter(|line| line.contains("no crash handler")).count();
    assert_eq!((told, client.shutdown(PATIENCE_MS)), (1, PH_OK));
}

/// The record that is there if the process dies now: of `sys::crash::layout`.
fn crash_context(directory: &Path) -> String {
    const HEADER: usize = 4096;
    const SLOTS: usize = HEADER + 8192 + 2 * (256 << 10);
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut crashes = entries.filter(|path| path.extension().is_some_and(|it| it == "crash"));
    let bytes = fs::read(crashes.next().unwrap()).unwrap();
    let number = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let slot = SLOTS + (number(HEADER + 12) - 1) * (128 << 10);
    String::from_utf8(bytes[slot + 8..][..number(slot)].to_vec()).unwrap()
}

#[test]
fn a_crash_would_say_what_each_thread_has_registered() {
    let _alone = disturbing();
    let (receiver, directory) = (receiver(), directory("registered"));
    let client = storing(&receiver, &directory).client();
    const KEYS: [&str; 3] = ["one", "two", "three"];
    const ROUNDS: i64 = 3_000;
    let (both, mut stale) = (Barrier::new(KEYS.len() + 1), Vec::new());
    thread::scope(|scope| {
        for key in KEYS {
            let (client, both) = (&client, &both);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    both.wait();
                    assert_eq!(client.register(&Props::new().int(key, round)), PH_OK);
                    both.wait();
                }
            });
        }
        for round in 0..ROUNDS {
            both.wait();
            both.wait();
            let context = crash_context(&directory);
            let has = |key: &&str| context.contains(&format!("\"{key}\":{round}"));
            // A panic here would leave the threads waiting.
            stale.extend((!KEYS.iter().all(has)).then_some(round));
        }
    });
    assert_eq!(stale, [0; 0], "in these rounds the record had what was before");
}
