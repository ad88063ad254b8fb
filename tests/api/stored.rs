//! Events that outlive their process, with many threads in one: they capture while files are written,
//! settled, left, taken over and purged. `tests/stores.rs` has the processes that die.
#![cfg(storage)]

use crate::c::*;
use crate::client::{Client, Config, PATIENCE_MS, to};
use crate::handle::Props;
use crate::time::{disturbing, until};
use posthog_receiver::{At, Options, Receiver, Record, Reply, Script};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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
