//! Eight threads against a server that fails all the time: nothing is lost, nothing is lied about.

use crate::c::*;
use crate::client::{Client, to};
use crate::handle::{Event, Props};
use crate::time::{PATIENCE, disturbing};
use posthog_receiver::{At, Brief, Options, Receiver, Record, Reply, Script};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const THREADS: usize = 8;
const SAMPLES: usize = 1_000;
/// Of so many events one is captured in the long form, which tells its uuid.
const TOLD: usize = 50;
/// A storm takes some 20 seconds.
const PATIENCE_MS: u32 = 180_000;

/// How many events each thread captures. PH_STORM says another number, for where each takes long.
fn events() -> usize {
    std::env::var("PH_STORM").map_or(50_000, |events| events.parse().unwrap())
}

#[test]
fn every_event_arrives_once_in_order_and_the_ledger_always_adds_up() {
    let _alone = disturbing();
    let receiver = Receiver::with(Options { record: Record::Uuids, ..Options::default() }).unwrap();
    receiver.set_script(
        Script::new()
            .every_connection(7, "/batch/", Reply::usual().reset(At::Body))
            // Closing lets connections be many, so that there is a seventh.
            .every(3, "/batch/", Reply::status(503).header("Connection", "close")),
    );
    let client = to(&receiver)
        .set(ph_config_set_flush_at, 100)
        .set(ph_config_set_retry_base_ms, 5)
        .set(ph_config_set_retry_cap_ms, 20)
        .overflow(PH_OVERFLOW_BLOCK, 600_000)
        .client();
    let ended = AtomicBool::new(false);
    let uuids: HashSet<String> = thread::scope(|scope| {
        let sampler = scope.spawn(|| sample(&client, &ended));
        let client = &client;
        let producers: Vec<_> =
            (0..THREADS).map(|thread| scope.spawn(move || produce(client, thread))).collect();
        let uuids = producers.into_iter().flat_map(|it| it.join().unwrap()).collect();
        assert_eq!(client.flush(PATIENCE_MS), PH_OK);
        ended.store(true, Ordering::Relaxed);
        let samples = sampler.join().unwrap();
        assert!(samples >= SAMPLES, "only {samples} moments were looked at");
        uuids
    });

    let all = (THREADS * events()) as u64;
    assert!(receiver.wait_for_events(all, PATIENCE));
    let counts = receiver.counts();
    let stats = client.stats();
    stats.assert_delivered(all);
    assert_eq!((stats[PH_STAT_ACCEPTED], stats.refused_total()), (all, 0));
    assert_eq!(
        (stats[PH_STAT_REQUESTS], counts.refused, counts.malformed),
        (counts.requests, 0, 0)
    );
    // The server did fail: a third of the requests, and some connections on top.
    assert!(stats[PH_STAT_RETRIES] > counts.requests / 4, "{stats:?}");
    assert!(counts.connections >= 7 && counts.ambiguous > 0, "{counts:?}");

    let accepted = receiver.accepted();
    assert_whole_and_in_order(&accepted);
    let arrived: HashSet<String> = accepted.iter().filter_map(Brief::uuid_text).collect();
    assert_eq!(arrived.len() as u64, all, "no two events share a uuid");
    assert!(uuids.is_subset(&arrived) && uuids.len() == THREADS * events() / TOLD);
    assert_eq!(client.shutdown(5_000), PH_OK);
}

/// Captures numbered events as a person of its own; the uuids that it was told.
fn produce(client: &Client, thread: usize) -> Vec<String> {
    let mut uuids = Vec::new();
    let id = format!("thread-{thread}");
    let props = Props::new();
    for n in 0..events() {
        let number = i64::try_from(n).unwrap();
        assert_eq!(ph_props_set_int(props.raw(), c"n".as_ptr(), number), PH_OK);
        if n % TOLD == 0 {
            let event = Event::new(&id, "storm").props(ph_event_set_properties, &props);
            uuids.push(client.capture_event(&event).unwrap());
        } else {
            assert_eq!(client.capture_with(&id, "storm", &props), PH_OK);
        }
    }
    uuids
}

/// Looks at the ledger at random moments until the end; how often.
fn sample(client: &Client, ended: &AtomicBool) -> usize {
    let (mut samples, mut random) = (0, 0x9E37_79B9_7F4A_7C15_u64);
    let (mut busy, mut before) = (0, client.stats());
    while !ended.load(Ordering::Relaxed) {
        let stats = client.stats();
        stats.assert_balances();
        assert!(stats[PH_STAT_QUEUED] <= 10_000, "{stats:?}");
        for growing in [PH_STAT_ACCEPTED, PH_STAT_DELIVERED, PH_STAT_REQUESTS, PH_STAT_RETRIES] {
            assert!(stats[growing] >= before[growing], "{before:?} {stats:?}");
        }
        busy += usize::from(stats[PH_STAT_IN_FLIGHT] > 0 && stats[PH_STAT_QUEUED] > 0);
        (samples, before) = (samples + 1, stats);
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        thread::sleep(Duration::from_micros(random % 5_000));
    }
    assert!(busy > SAMPLES / 10, "{busy} of {samples} moments had something on its way");
    samples
}

/// Every number of every thread once, in order of first acceptance.
fn assert_whole_and_in_order(accepted: &[Brief]) {
    let mut next = [0; THREADS];
    let mut seen = HashSet::new();
    for event in accepted.iter().filter(|event| seen.insert(event.uuid)) {
        let thread: usize = event.distinct_id.strip_prefix("thread-").unwrap().parse().unwrap();
        assert_eq!(event.n, Some(next[thread]), "thread {thread}");
        next[thread] += 1;
    }
    assert_eq!(next, [i64::try_from(events()).unwrap(); THREADS]);
}
