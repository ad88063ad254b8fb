use super::*;
use crate::flags::draft::{Origin, Record};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const TTL: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const FAULT: Fault = Fault::Status(500);

fn cache() -> Cache {
    Cache::new(100, TTL)
}

fn draft(flags: &[(&str, bool)]) -> Draft {
    let record = |&(key, enabled): &(&str, bool)| Record {
        key: key.to_owned(),
        enabled: Some(enabled),
        ..Record::default()
    };
    Draft { records: flags.iter().map(record).collect(), ..Draft::default() }
}

fn failed(key: &str) -> Draft {
    let record = Record { key: key.to_owned(), ..Record::default() };
    Draft { records: vec![record], ..Draft::default() }
}

fn flight(cache: &Cache, now: Instant) -> Flight {
    match cache.look(b"u", now) {
        Look::Ask(flight) => flight,
        Look::Known(_) => panic!("known at {now:?}"),
        Look::Asked(_) => panic!("asked at {now:?}"),
    }
}

/// What a call at that time would get without asking.
fn known(cache: &Cache, now: Instant, key: &str) -> Option<bool> {
    match cache.look(b"u", now) {
        Look::Known(snapshot) => snapshot.enabled(key),
        Look::Ask(_) | Look::Asked(_) => panic!("has to ask"),
    }
}

#[test]
fn a_clean_answer_holds_for_its_time_also_for_what_is_not_in_it() {
    let (cache, start) = (cache(), Instant::now());
    flight(&cache, start).settle(
        "u",
        &Context::default(),
        draft(&[("on", true), ("off", false)]),
        start,
    );
    for now in [start, start + TTL - Duration::from_nanos(1)] {
        assert_eq!(known(&cache, now, "on"), Some(true));
        assert_eq!(known(&cache, now, "off"), Some(false));
        assert_eq!(known(&cache, now, "missing"), None);
    }
    let again = flight(&cache, start + TTL);
    assert_eq!(again.stale().unwrap().enabled("on"), Some(true));
}

#[test]
fn a_later_clean_answer_replaces_everything() {
    let (cache, start) = (cache(), Instant::now());
    flight(&cache, start).settle(
        "u",
        &Context::default(),
        draft(&[("a", true), ("gone", true)]),
        start,
    );
    let later = start + TTL;
    flight(&cache, later).settle("u", &Context::default(), draft(&[("a", false)]), later);
    assert_eq!(known(&cache, later, "a"), Some(false));
    assert_eq!(known(&cache, later, "gone"), None);
}

#[test]
fn after_a_failure_nobody_asks_for_a_pause_that_doubles_up_to_the_ttl() {
    let (cache, mut now) = (cache(), Instant::now());
    for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        let landed = flight(&cache, now).fail("u", &Context::default(), FAULT, now);
        assert_eq!((landed.snapshot.len(), landed.fault), (0, Some(FAULT)));
        assert_eq!(known(&cache, now, "a"), None);
        let end = now + pause * SECOND;
        assert_eq!(known(&cache, end - Duration::from_nanos(1), "a"), None);
        drop(flight(&cache, end));
        now = end;
    }
    flight(&cache, now).settle("u", &Context::default(), draft(&[]), now);
    now += TTL;
    flight(&cache, now).fail("u", &Context::default(), FAULT, now);
    drop(flight(&cache, now + SECOND));
}

#[test]
fn a_failure_keeps_what_was_known() {
    let (cache, start) = (cache(), Instant::now());
    flight(&cache, start).settle("u", &Context::default(), draft(&[("a", true)]), start);
    let expired = start + 100 * TTL;
    let landed = flight(&cache, expired).fail("u", &Context::default(), FAULT, expired);
    let stale = landed.snapshot;
    assert_eq!((stale.enabled("a"), stale.get("a").unwrap().origin()), (Some(true), Origin::Stale));
    assert_eq!(stale.reason(b"missing"), Some(c"api_error_500"));
    assert_eq!(known(&cache, expired, "a"), Some(true));
    let again = flight(&cache, expired + SECOND);
    assert_eq!(again.stale().unwrap().enabled("a"), Some(true));
}

#[test]
fn an_unclean_answer_says_nothing_about_what_is_not_in_it() {
    let unclean: [(&str, Draft); 3] = [
        ("errors", Draft { errors: true, ..draft(&[("b", true)]) }),
        ("quota", Draft { quota_limited: true, ..Draft::default() }),
        ("failed", failed("a")),
    ];
    for (name, unclean) in unclean {
        let (cache, start) = (cache(), Instant::now());
        flight(&cache, start).settle(
            "u",
            &Context::default(),
            draft(&[("a", true), ("b", false)]),
            start,
        );
        let later = start + TTL;
        let brought_b = unclean.records.iter().any(|record| record.key == "b");
        let merged =
            flight(&cache, later).settle("u", &Context::default(), unclean, later).snapshot;
        assert_eq!(merged.enabled("a"), Some(true), "{name}");
        assert_eq!(merged.enabled("b"), Some(brought_b), "{name}");
        assert_eq!(known(&cache, later, "a"), Some(true), "{name}");
        assert_eq!(known(&cache, later, "missing"), None, "{name}");
        // It holds for the pause, not for the time of an answer.
        drop(flight(&cache, later + SECOND));
    }
}

#[test]
fn one_asks_and_the_others_wait_for_it() {
    let (cache, start) = (cache(), Instant::now());
    let asking = flight(&cache, start);
    let Look::Asked(waiting) = cache.look(b"u", start) else { panic!("asks twice") };
    assert!(matches!(cache.look(b"v", start), Look::Ask(_)));
    assert!(waiting.until(start).is_none());
    asking.settle("u", &Context::default(), draft(&[("a", true)]), start);
    let landed = waiting.until(start).unwrap();
    assert_eq!((landed.snapshot.enabled("a"), landed.fault), (Some(true), None));
}

#[test]
fn a_flight_that_is_dropped_lets_the_next_ask_at_once() {
    let (cache, start) = (cache(), Instant::now());
    drop(flight(&cache, start));
    drop(flight(&cache, start));
    assert!(cache.peek(b"u").is_none());
}

#[test]
fn many_threads_make_one_request() {
    let (cache, threads) = (cache(), 16);
    let (requests, barrier) = (AtomicUsize::new(0), Barrier::new(threads));
    let call = || {
        barrier.wait();
        let now = Instant::now();
        let snapshot = match cache.look(b"u", now) {
            Look::Known(snapshot) => snapshot,
            Look::Asked(waiting) => waiting.until(now + 20 * SECOND).unwrap().snapshot,
            Look::Ask(flight) => {
                requests.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(50));
                let now = Instant::now();
                flight.settle("u", &Context::default(), draft(&[("a", true)]), now).snapshot
            }
        };
        snapshot.enabled("a")
    };
    let answers: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = (0..threads).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(answers, vec![Some(true); threads]);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[test]
fn asking_takes_turns_however_fresh_the_answer_is() {
    let (cache, start) = (cache(), Instant::now());
    flight(&cache, start).settle("u", &Context::default(), draft(&[("a", true)]), start);
    let Look::Ask(asking) = cache.ask(b"u") else { panic!("somebody asks") };
    assert_eq!(asking.stale().unwrap().enabled("a"), Some(true));
    let Look::Asked(waiting) = cache.ask(b"u") else { panic!("asks twice") };
    // Whoever has a fresh answer needs not wait for a fresher one.
    assert_eq!(known(&cache, start, "a"), Some(true));
    drop(asking);
    assert!(waiting.until(Instant::now() + 60 * SECOND).is_none());
    assert!(matches!(cache.ask(b"u"), Look::Ask(_)));
}

#[test]
fn a_waiter_keeps_its_own_deadline() {
    let (cache, start) = (cache(), Instant::now());
    flight(&cache, start).settle("u", &Context::default(), draft(&[("a", true)]), start);
    let later = start + TTL;
    let _never_ends = flight(&cache, later);
    let Look::Asked(waiting) = cache.look(b"u", later) else { panic!("asks twice") };
    let begun = Instant::now();
    let deadline = begun + Duration::from_millis(30);
    assert!(waiting.until(deadline).is_none());
    assert_eq!(cache.peek(b"u").unwrap().enabled("a"), Some(true));
    assert!(Instant::now() >= deadline);
    assert!(begun.elapsed() < 10 * SECOND);
}

#[test]
fn a_waiter_is_woken_by_a_failure() {
    let (cache, start) = (cache(), Instant::now());
    let asking = flight(&cache, start);
    thread::scope(|scope| {
        let Look::Asked(waiting) = cache.look(b"u", start) else { panic!("asks twice") };
        let waiter = scope.spawn(move || waiting.until(start + 60 * SECOND));
        thread::sleep(Duration::from_millis(20));
        asking.fail("u", &Context::default(), FAULT, start);
        assert_eq!(waiter.join().unwrap().unwrap().fault, Some(FAULT));
    });
    assert!(start.elapsed() < 30 * SECOND);
}

#[test]
fn the_identity_used_longest_ago_is_forgotten() {
    let (cache, now) = (Cache::new(2, TTL), Instant::now());
    for identity in ["a", "b", "a", "c"] {
        if let Look::Ask(flight) = cache.look(identity.as_bytes(), now) {
            flight.settle(identity, &Context::default(), draft(&[]), now);
        }
    }
    assert!(cache.peek(b"a").is_some());
    assert!(cache.peek(b"b").is_none());
    assert!(cache.peek(b"c").is_some());
}

#[test]
fn a_child_inherits_entries_but_nobody_who_asks() {
    let (cache, start) = (cache(), Instant::now());
    flight(&cache, start).settle("u", &Context::default(), draft(&[("a", true)]), start);
    let later = start + TTL;
    let _parents = flight(&cache, later);
    let child = cache.inherit();
    assert_eq!(known(&child, start, "a"), Some(true));
    let own = flight(&child, later);
    own.settle("u", &Context::default(), draft(&[("a", false)]), later);
    assert_eq!(cache.peek(b"u").unwrap().enabled("a"), Some(true));
    assert_eq!(child.peek(b"u").unwrap().enabled("a"), Some(false));
}
