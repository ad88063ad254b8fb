use super::*;
use crate::hooks::Gate;
use crate::log::Logger;
use crate::queue::{Limits, Policy, Queue};
use crate::record::NewRecord;
use crate::uuid::Random;
use std::sync::Arc;

const SECOND: Duration = Duration::from_secs(1);

fn line() -> Line {
    Line::new(Schedule {
        base: SECOND,
        cap: 30 * SECOND,
        max_retries: None,
        max_age: Duration::MAX,
    })
}

/// A batch of so many events.
fn parcel(events: usize, now: Instant) -> Parcel {
    let logger = Logger::new(None, false, Arc::new(Gate::default()));
    let limits = Limits {
        events_max: 1_000,
        bytes_max: 1 << 20,
        event_bytes_max: 1_000,
        batch_events_max: 1_000,
        batch_bytes_max: 1 << 20,
        flush_at: 1,
        flush_interval: SECOND,
        policy: Policy::DropNewest,
        envelope: 0,
    };
    let (queue, _) = Queue::new(limits, Random::new(), logger, None);
    let created = Timestamp::from_unix_millis(0).unwrap();
    for _ in 0..events {
        let record = NewRecord {
            distinct_id: b"u",
            event: b"e",
            props: [b"", b""],
            options: b"",
            marks: 0,
            timestamp: created,
            uuid: None,
        };
        queue.push(&record).unwrap();
    }
    let crate::queue::Next::Send(batch) = queue.next(now) else { panic!("it is due") };
    Parcel::new(batch, Uuid::nil(), created, now)
}

fn sent(line: &mut Line, now: Instant) -> Option<Parcel> {
    match line.next(now) {
        Next::Send(parcel) => Some(parcel),
        Next::Fresh | Next::Wait(_) => None,
    }
}

/// Halves, as the sender makes them.
fn halves(parcel: &Parcel) -> Vec<Parcel> {
    let middle = parcel.batch.events() / 2;
    let parts = [parcel.batch.part(|it| it < middle), parcel.batch.part(|it| it >= middle)];
    parts.map(|part| parcel.part(part, Uuid::from_u128(9))).into()
}

#[test]
fn while_the_server_is_down_one_batch_is_tried_once_for_each_step() {
    let mut now = Instant::now();
    let mut line = line();
    assert!(matches!(line.next(now), Next::Fresh));
    let mut parcel = parcel(3, now);
    for step in [1, 2, 4, 8, 16, 30, 30] {
        assert!(matches!(line.failed(parcel, false, None, now, u64::MAX), Failed::Waits));
        let Next::Wait(until) = line.next(now) else { panic!("nothing is tried yet") };
        assert_eq!(until - now, step * SECOND);
        now = until;
        parcel = sent(&mut line, now).unwrap();
        assert_eq!(parcel.batch.events(), 3);
    }
    line.answered(true);
    assert!(matches!(line.next(now), Next::Fresh));
    // It begins anew.
    assert!(matches!(line.failed(parcel, false, None, now, u64::MAX), Failed::Waits));
    assert!(matches!(line.next(now), Next::Wait(until) if until == now + SECOND));
}

#[test]
fn a_wait_can_be_hastened_but_not_one_that_the_server_asked_for() {
    let now = Instant::now();
    let mut line = line();
    line.failed(parcel(1, now), false, None, now, 0);
    line.hasten(now);
    let parcel = sent(&mut line, now).unwrap();
    line.failed(parcel, false, Some(7 * SECOND), now, 0);
    line.hasten(now);
    assert!(matches!(line.next(now), Next::Wait(until) if until == now + 7 * SECOND));
    let parcel = sent(&mut line, now + 7 * SECOND).unwrap();
    line.answered(true);
    line.again(parcel, Some(9 * SECOND), now, 0);
    line.hasten(now);
    assert_eq!(line.next_due(), Some(now + 9 * SECOND));
}

#[test]
fn what_waits_beside_the_flow_takes_turns_with_fresh_batches() {
    let now = Instant::now();
    let mut line = line();
    for _ in 0..2 {
        line.again(parcel(1, now), None, now, 0);
    }
    assert!(matches!(line.next(now), Next::Fresh), "neither is due");
    let later = now + SECOND;
    assert!(matches!(line.next(later), Next::Send(_)));
    assert!(matches!(line.next(later), Next::Fresh));
    assert!(matches!(line.next(later), Next::Send(_)));
    assert!(matches!(line.next(later), Next::Fresh));
    assert!(matches!(line.next(later), Next::Fresh));
}

#[test]
fn five_times_500_make_a_suspect_and_503_never_does() {
    let now = Instant::now();
    let mut line = line();
    let mut parcel = parcel(8, now);
    for _ in 0..20 {
        assert!(matches!(line.failed(parcel, false, None, now, 0), Failed::Waits));
        line.hasten(now);
        parcel = sent(&mut line, now).unwrap();
    }
    for time in 1..=4 {
        assert!(matches!(line.failed(parcel, true, None, now, 0), Failed::Waits), "{time}");
        line.hasten(now);
        parcel = sent(&mut line, now).unwrap();
    }
    assert!(matches!(line.failed(parcel, true, None, now, 0), Failed::Split(_)));
}

#[test]
fn a_part_that_alone_is_refused_is_split_at_once() {
    let now = Instant::now();
    let mut line = line();
    let mut suspect = parcel(8, now);
    let whole = loop {
        match line.failed(suspect, true, None, now, 0) {
            Failed::Split(whole) => break whole,
            _ => line.hasten(now),
        }
        suspect = sent(&mut line, now).unwrap();
    };
    line.put_aside(halves(&whole), now);
    assert!(matches!(line.next(now), Next::Wait(_)), "the breaker holds for parts, too");
    line.hasten(now);
    let first = sent(&mut line, now).unwrap();
    // Nothing was taken yet: it may still be the server, and the other half is to show that.
    assert!(matches!(line.failed(first, true, None, now, 0), Failed::Waits));
    line.hasten(now);
    assert!(matches!(line.next(now), Next::Fresh), "turns are taken");
    let second = sent(&mut line, now).unwrap();
    line.answered(true);
    drop(second);
    let first = line.take_due(now).unwrap();
    assert!(matches!(line.failed(first, true, None, now, 0), Failed::Split(_)));
    assert!(!matches!(line.next(now), Next::Wait(_)), "nothing else has to wait for that");
}

#[test]
fn a_single_suspect_waits_beside_the_flow() {
    let mut now = Instant::now();
    let mut line = line();
    let mut suspect = parcel(1, now);
    for _ in 0..4 {
        line.failed(suspect, true, None, now, 0);
        line.hasten(now);
        suspect = sent(&mut line, now).unwrap();
    }
    line.failed(suspect, true, None, now, 0);
    now += 30 * SECOND;
    assert!(matches!(line.next(now), Next::Send(_)), "its turn");
    assert!(matches!(line.next(now), Next::Fresh), "and nothing is in front");
}

#[test]
fn attempts_end_by_number_and_by_age_wherever_a_batch_waits() {
    let now = Instant::now();
    let mut line = line();
    line.schedule.max_retries = Some(1);
    assert!(matches!(line.again(parcel(1, now), None, now, 0), Failed::Waits));
    let second = line.take_due(now + SECOND).unwrap();
    assert!(matches!(line.again(second, None, now, 0), Failed::GiveUp(_, Exhausted::Retries)));
    line.schedule = Schedule { max_retries: None, max_age: SECOND, ..line.schedule };
    let old = line.failed(parcel(1, now), false, None, now + SECOND, 0);
    assert!(matches!(old, Failed::GiveUp(_, Exhausted::Age)));
    assert!(matches!(line.next(now + SECOND), Next::Wait(_)), "the server is down all the same");
}
