//! Two hundred thousand events against a server that does everything wrong that a server can.

use crate::c::*;
use crate::client::to;
use crate::time::{PATIENCE, disturbing, millis};
use posthog_receiver::{
    At, Brief, Options, Part, Receiver, Record, Reply, Request, Script, Verdict,
};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

const EVENTS: i64 = 200_000;
const PATIENCE_MS: u32 = 100_000;

/// What the server did for good.
#[derive(Default)]
struct Deeds {
    random: u64,
    dropped: HashSet<String>,
    faults: u64,
}

impl Deeds {
    /// xorshift64: below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound
    }

    fn answer(&mut self, request: &Request) -> Reply {
        self.faults += 1;
        match self.below(100) {
            0..12 => Reply::status([408, 429, 500, 502, 503, 504][self.below(6) as usize]),
            12 => Reply::status(503).header("Retry-After", "0"),
            13 if self.below(10) == 0 => Reply::status(429).header("Retry-After", "1"),
            14..17 => Reply::usual().reset(At::Body),
            17..20 => Reply::usual().truncate(self.below(150) as usize),
            20..22 => Reply::usual().close(At::Body),
            22..24 => Reply::usual().drip(Part::All, 64, millis(1)),
            24 => Reply::usual().delay(millis(20)),
            25..45 if request.is_v1() => self.results(request),
            _ => {
                self.faults -= 1;
                Reply::usual()
            }
        }
    }

    /// A result for each event, some of which are final refusals.
    fn results(&mut self, request: &Request) -> Reply {
        let mut verdict = |event: &serde_json::Value| match self.below(10) {
            0 => {
                self.dropped.insert(event["uuid"].as_str().unwrap().to_owned());
                Verdict::drop("billing_limit_exceeded")
            }
            1..4 => Verdict::retry(),
            4 => Verdict::new("warning", Some("person_processing_disabled")),
            _ => Verdict::ok(),
        };
        Reply::usual().results(request.events().iter().map(&mut verdict).collect::<Vec<_>>())
    }
}

fn uuids(events: &[Brief]) -> HashSet<String> {
    events.iter().filter_map(Brief::uuid_text).collect()
}

fn run(protocol: i32) {
    let _alone = disturbing();
    let receiver = Receiver::with(Options { record: Record::Uuids, ..Options::default() }).unwrap();
    let deeds = Arc::new(Mutex::new(Deeds { random: 0x9E37_79B9_7F4A_7C15, ..Deeds::default() }));
    let doer = Arc::clone(&deeds);
    receiver.set_script(
        Script::new()
            .every(41, "/", Reply::usual().reset(At::Head))
            .compute("/", move |request| doer.lock().unwrap().answer(request)),
    );
    let client = to(&receiver)
        .set(ph_config_set_protocol, protocol)
        .set(ph_config_set_batch_max_events, 100)
        .set(ph_config_set_flush_at, 100)
        .set(ph_config_set_retry_base_ms, 1)
        .set(ph_config_set_retry_cap_ms, 8)
        .overflow(PH_OVERFLOW_BLOCK, 100_000)
        .client();
    client.capture_numbered("e", 0..EVENTS);
    let flushed = client.flush(PATIENCE_MS);

    let deeds = deeds.lock().unwrap();
    let (all, dropped) = (EVENTS as u64, deeds.dropped.len() as u64);
    assert_eq!(flushed, if dropped > 0 { PH_ERROR_LOST } else { PH_OK });
    assert_eq!(dropped > 0, protocol == PH_PROTOCOL_V1);
    let stats = client.stats();
    stats.assert_delivered(all - dropped);
    assert_eq!((stats[PH_STAT_ACCEPTED], stats.refused_total()), (all, 0));
    assert_eq!((stats[PH_STAT_DROPPED_REJECTED], stats[PH_STAT_DROPPED]), (dropped, dropped));
    assert!(deeds.faults > 200, "only {} faults", deeds.faults);

    assert!(receiver.wait_for_events(all - dropped, PATIENCE));
    let counts = receiver.counts();
    assert_eq!((counts.refused, counts.malformed), (0, 0), "{counts:?}");
    // What was answered wholly was never sent again; what was not has the same uuid.
    assert_eq!((counts.accepted, counts.duplicates), (all - dropped, 0));
    let (accepted, ambiguous) = (uuids(&receiver.accepted()), uuids(&receiver.ambiguous()));
    assert_eq!(accepted.len() as u64, all - dropped);
    assert!(!ambiguous.is_empty());
    assert!(ambiguous.iter().all(|it| accepted.contains(it) || deeds.dropped.contains(it)));
    assert!(accepted.is_disjoint(&deeds.dropped));
    let numbers: HashSet<i64> = receiver.accepted().iter().filter_map(|event| event.n).collect();
    assert_eq!(numbers.len() as u64, all - dropped);
    assert_eq!(client.shutdown(5_000), PH_OK);
}

#[test]
fn two_hundred_thousand_events_over_v0() {
    run(PH_PROTOCOL_V0);
}

#[test]
fn two_hundred_thousand_events_over_v1() {
    run(PH_PROTOCOL_V1);
}
