#![cfg(not(model))]

use super::*;
use crate::hooks::Gate;
use crate::timestamp::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) fn limits() -> Limits {
    Limits {
        events_max: 10,
        bytes_max: 100_000,
        event_bytes_max: 10_000,
        batch_events_max: 4,
        batch_bytes_max: 20_000,
        flush_at: 4,
        flush_interval: Duration::from_secs(5),
        policy: Policy::DropNewest,
        envelope: 100,
    }
}

pub(super) fn queue(limits: Limits) -> (Queue, Receiver<()>) {
    let logger = Logger::new(None, false, Arc::new(Gate::default()));
    Queue::new(limits, Random::from_seed([7; 32]), logger, None)
}

pub(super) fn push(queue: &Queue, name: &str) -> Result<(), Error> {
    push_sized(queue, name, 0)
}

fn push_sized(queue: &Queue, name: &str, bytes: usize) -> Result<(), Error> {
    push_as(queue, name, bytes, None)
}

fn push_as(queue: &Queue, name: &str, bytes: usize, uuid: Option<Uuid>) -> Result<(), Error> {
    let filler = vec![b'x'; bytes];
    let record = NewRecord {
        distinct_id: b"u",
        event: name.as_bytes(),
        props: [&filler, &[]],
        options: &[],
        marks: 0,
        timestamp: Timestamp::from_parts(1_700_000_000, 0, 6),
        uuid,
    };
    queue.push(&record).map(drop)
}

fn names(chunk: &Chunk) -> Vec<String> {
    chunk.records().map(|r| String::from_utf8(r.event.to_vec()).unwrap()).collect()
}

pub(super) fn take(queue: &Queue) -> Batch {
    match queue.next(Instant::now()) {
        Next::Send(batch) => batch,
        Next::Wait(until) => panic!("nothing is due, wait until {until:?}"),
        Next::Stop => panic!("stopped"),
    }
}

fn settle(queue: &Queue, batch: Batch, dropped: Option<Reason>) {
    let fate = dropped.map_or(Fate::Delivered, Fate::Dropped);
    queue.settle(&batch, &vec![fate; batch.events()]);
    queue.retire(batch, &[]).announce();
}

pub(super) fn ledger(queue: &Queue) -> Ledger {
    let (ledger, _) = queue.ledger();
    assert!(ledger.balances(), "{ledger:?}");
    ledger
}

#[test]
fn batches_are_bounded_in_count_and_bytes_and_keep_the_order() {
    let (queue, _rings) = queue(Limits { batch_bytes_max: 1_000, ..limits() });
    for name in ["a", "b", "c", "d", "e"] {
        push(&queue, name).unwrap();
    }
    push_sized(&queue, "big", 700).unwrap();
    push_sized(&queue, "huge", 5_000).unwrap();
    push(&queue, "last").unwrap();
    let mut batches = Vec::new();
    queue.flush(true);
    while ledger(&queue).queued > 0 {
        let batch = take(&queue);
        batches.push(names(&batch.chunk));
        settle(&queue, batch, None);
    }
    let expected: [&[&str]; 4] = [&["a", "b", "c", "d"], &["e", "big"], &["huge"], &["last"]];
    assert_eq!(batches, expected);
    assert_eq!(ledger(&queue).delivered, 8);
}

#[test]
fn a_batch_is_due_by_count_by_time_and_by_flush() {
    let (queue, rings) = queue(limits());
    let now = Instant::now();
    assert!(matches!(queue.next(now), Next::Wait(None)));
    push(&queue, "a").unwrap();
    assert!(rings.try_recv().is_ok(), "the first event starts the interval");
    let Next::Wait(Some(until)) = queue.next(now) else { panic!("one event waits") };
    assert_eq!(until, now + Duration::from_secs(5));
    push(&queue, "b").unwrap();
    push(&queue, "c").unwrap();
    assert!(rings.try_recv().is_err(), "no wake-up below the threshold");
    push(&queue, "d").unwrap();
    assert!(rings.try_recv().is_ok(), "the threshold");
    push(&queue, "e").unwrap();
    assert!(rings.try_recv().is_err(), "one wake-up is enough");
    let batch = take(&queue);
    assert_eq!(names(&batch.chunk), ["a", "b", "c", "d"]);
    settle(&queue, batch, None);
    assert!(matches!(queue.next(Instant::now()), Next::Wait(Some(_))));
    assert!(matches!(queue.next(Instant::now() + Duration::from_secs(6)), Next::Send(_)));
}

#[test]
fn a_sender_that_waits_for_events_is_woken_for_memory_only_while_some_is_to_be_given_back() {
    let (queue, _rings) = queue(limits());
    push(&queue, "quicker than the sender").unwrap();
    queue.prepare();
    queue.flush(true);
    let batch = take(&queue);
    settle(&queue, batch, None);
    assert!(matches!(queue.next(Instant::now()), Next::Wait(None)), "one segment is kept");
    (0..8).for_each(|_| push(&queue, "two batches").unwrap());
    for _ in 0..2 {
        let batch = take(&queue);
        settle(&queue, batch, None);
    }
    let mut wakes = 0;
    let mut now = Instant::now();
    while let Next::Wait(Some(at)) = queue.next(now) {
        (now, wakes) = (at, wakes + 1);
        assert!(wakes <= 2, "twice is enough");
    }
    assert!(wakes > 0, "two batches have a segment each");
}

#[test]
fn overflow_drops_the_newest_or_the_oldest() {
    let (newest, _rings) = queue(limits());
    let (oldest, _rings) = queue(Limits { policy: Policy::DropOldest, ..limits() });
    for index in 0..15 {
        let name = format!("e{index}");
        assert_eq!(push(&newest, &name).is_ok(), index < 10);
        push(&oldest, &name).unwrap();
    }
    assert_eq!(ledger(&newest).accepted, 10);
    let counts = ledger(&oldest);
    assert_eq!((counts.accepted, counts.queued), (15, 10));
    assert_eq!(counts.dropped(Reason::Overflow), 5);
    let mut left = Vec::new();
    oldest.drain(100, |record| left.push(String::from_utf8(record.event.to_vec()).unwrap()));
    assert_eq!(left, (5..15).map(|index| format!("e{index}")).collect::<Vec<_>>());
}

#[test]
fn bytes_bound_the_queue_too() {
    let (queue, _rings) = queue(Limits { bytes_max: 2_000, ..limits() });
    push_sized(&queue, "a", 700).unwrap();
    push_sized(&queue, "b", 700).unwrap();
    assert_eq!(push_sized(&queue, "c", 700), Err(Error::QueueFull));
    push_sized(&queue, "d", 100).unwrap();
    assert_eq!(push_sized(&queue, "e", 10_000), Err(Error::TooLarge));
    assert_eq!(ledger(&queue).queued, 3);
}

#[test]
fn a_full_queue_refuses_before_an_event_is_built_and_only_while_it_is_full() {
    let (queue, rings) = queue(Limits { flush_at: 100, ..limits() });
    assert_eq!(queue.admit(1), Ok(()), "nothing was refused yet");
    push(&queue, "e").unwrap();
    assert!(matches!(queue.next(Instant::now()), Next::Wait(Some(_))), "for the interval");
    while push(&queue, "e").is_ok() {}
    assert_eq!(queue.admit(1), Err(Error::QueueFull));
    assert_eq!(queue.admit(10_000), Ok(()), "too large: that is for push to say");
    assert_eq!(push(&queue, "e"), Err(Error::QueueFull));
    assert_eq!(queue.admit(1), Err(Error::QueueFull));
    assert!(rings.try_recv().is_ok(), "what is there is to go out now");
    let batch = take(&queue);
    assert_eq!(batch.events(), 4);
    assert_eq!(queue.admit(1), Ok(()), "what is under way needs no room");
    settle(&queue, batch, None);
    while push(&queue, "e").is_ok() {}
    queue.close();
    assert_eq!(queue.admit(1), Ok(()));
    assert_eq!(push(&queue, "e"), Err(Error::Shutdown));
    assert_eq!(ledger(&queue).queued, 10);
}

#[test]
fn a_batch_that_waits_for_a_retry_counts_and_is_never_dropped_for_room() {
    let (queue, _rings) = queue(Limits { policy: Policy::DropOldest, ..limits() });
    for index in 0..10 {
        push(&queue, &format!("e{index}")).unwrap();
    }
    let batch = take(&queue);
    for index in 10..14 {
        push(&queue, &format!("e{index}")).unwrap();
    }
    assert_eq!(ledger(&queue).dropped(Reason::Overflow), 0, "a request under way does not count");
    assert!(queue.put_down(&batch));
    push(&queue, "e14").unwrap();
    assert_eq!(ledger(&queue).dropped(Reason::Overflow), 5, "four too many, and one for this");
    assert_eq!(names(&batch.chunk), ["e0", "e1", "e2", "e3"]);
    assert!(queue.pick_up(&batch));
    push(&queue, "e15").unwrap();
    settle(&queue, batch, None);
    let counts = ledger(&queue);
    assert_eq!((counts.delivered, counts.queued), (4, 7));
}

#[test]
fn nothing_is_evicted_where_that_makes_no_room() {
    let policy = Policy::DropOldest;
    let (queue, _rings) = queue(Limits { events_max: 4, policy, ..limits() });
    for name in ["a", "b", "c", "d"] {
        push(&queue, name).unwrap();
    }
    let batch = take(&queue);
    push(&queue, "e").unwrap();
    assert!(queue.put_down(&batch));
    assert_eq!(push(&queue, "f"), Err(Error::QueueFull));
    assert_eq!(ledger(&queue).dropped_total(), 0);
}

#[test]
fn a_blocked_capture_goes_on_when_there_is_room_and_gives_up_when_there_is_none() {
    let policy = Policy::Block(Duration::from_secs(20));
    let (queue, _rings) = queue(Limits { policy, ..limits() });
    for index in 0..10 {
        push(&queue, &format!("e{index}")).unwrap();
    }
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| push(&queue, "late"));
        std::thread::sleep(Duration::from_millis(50));
        let batch = take(&queue);
        assert_eq!(blocked.join().unwrap(), Ok(()));
        settle(&queue, batch, None);
    });
    let policy = Policy::Block(Duration::from_millis(20));
    let (queue, _rings) = self::queue(Limits { events_max: 1, policy, ..limits() });
    push(&queue, "a").unwrap();
    assert_eq!(push(&queue, "b"), Err(Error::QueueFull));
    let policy = Policy::Block(Duration::from_secs(20));
    let (queue, _rings) = self::queue(Limits { events_max: 1, policy, ..limits() });
    push(&queue, "a").unwrap();
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| push(&queue, "late"));
        std::thread::sleep(Duration::from_millis(50));
        queue.close();
        assert_eq!(blocked.join().unwrap(), Err(Error::Shutdown));
    });
}

#[test]
fn a_flush_covers_what_came_before_it_and_nothing_else() {
    let (queue, _rings) = queue(limits());
    assert!(matches!(queue.flush(true), Flush::Settled));
    push(&queue, "a").unwrap();
    let Flush::Pending(_, first) = queue.flush(true) else { panic!("a is pending") };
    let batch = take(&queue);
    push(&queue, "b").unwrap();
    let Flush::Pending(_, second) = queue.flush(true) else { panic!("b is pending") };
    assert!(first.try_recv().is_err());
    settle(&queue, batch, None);
    assert_eq!(first.try_recv(), Ok(false));
    assert!(second.try_recv().is_err());
    let batch = take(&queue);
    settle(&queue, batch, Some(Reason::Rejected));
    assert_eq!(second.try_recv(), Ok(true), "something was lost");
    assert!(matches!(queue.flush(true), Flush::Settled));
}

#[test]
fn what_is_lost_later_is_not_lost_to_an_earlier_flush() {
    let policy = Policy::DropOldest;
    let (queue, _rings) = queue(Limits { events_max: 4, policy, ..limits() });
    push(&queue, "a").unwrap();
    let Flush::Pending(_, answer) = queue.flush(true) else { panic!("a is pending") };
    let batch = take(&queue);
    for index in 0..6 {
        push(&queue, &format!("later{index}")).unwrap();
    }
    assert_eq!(ledger(&queue).dropped(Reason::Overflow), 2);
    settle(&queue, batch, None);
    assert_eq!(answer.try_recv(), Ok(false));
}

#[test]
fn draining_is_a_settlement() {
    let (queue, _rings) = queue(limits());
    for index in 0..6 {
        push(&queue, &format!("e{index}")).unwrap();
    }
    let Flush::Pending(_, answer) = queue.flush(true) else { panic!("six are pending") };
    let mut names = Vec::new();
    assert_eq!(queue.drain(5, |r| names.push(r.event.to_vec())), 5);
    assert_eq!(names, [b"e0", b"e1", b"e2", b"e3", b"e4"]);
    assert!(answer.try_recv().is_err());
    assert_eq!(queue.drain(5, |_| ()), 1);
    assert_eq!(answer.try_recv(), Ok(false));
    assert_eq!(ledger(&queue).drained, 6);
    assert_eq!(queue.ledger().1, 0);
}

#[test]
fn freezing_counts_what_is_not_confirmed_and_ignores_what_comes_after() {
    let (queue, _rings) = queue(limits());
    for index in 0..6 {
        push(&queue, &format!("e{index}")).unwrap();
    }
    let Flush::Pending(_, answer) = queue.flush(true) else { panic!("six are pending") };
    let batch = take(&queue);
    queue.close();
    assert_eq!(push(&queue, "late"), Err(Error::Shutdown));
    assert_eq!(queue.freeze(), 6);
    assert_eq!(answer.try_recv(), Ok(true));
    settle(&queue, batch, None);
    let counts = ledger(&queue);
    assert_eq!((counts.delivered, counts.dropped(Reason::Shutdown)), (0, 6));
    assert!(matches!(queue.next(Instant::now()), Next::Stop));
}

#[test]
fn opting_out_gives_everything_up_and_nothing_of_it_comes_back() {
    let (queue, _rings) = queue(limits());
    for index in 0..6 {
        push(&queue, &format!("e{index}")).unwrap();
    }
    let batch = take(&queue);
    queue.set_opted_out(true);
    push(&queue, "ignored").unwrap();
    assert!(matches!(queue.next(Instant::now()), Next::Stop));
    queue.set_opted_out(false);
    assert!(!queue.wants(&batch));
    assert!(!queue.put_down(&batch));
    assert!(!queue.pick_up(&batch));
    settle(&queue, batch, None);
    let counts = ledger(&queue);
    assert_eq!((counts.accepted, counts.delivered), (6, 0));
    assert_eq!(counts.dropped(Reason::OptedOut), 6);
    push(&queue, "again").unwrap();
    assert_eq!(ledger(&queue).queued, 1);
}

/// Random calls, with the law and the bounds checked after each.
#[test]
fn the_ledger_balances_whatever_happens() {
    for seed in 0..50_u8 {
        let mut random = Random::from_seed([seed; 32]);
        let policy = [Policy::DropNewest, Policy::DropOldest][usize::from(seed % 2)];
        let (queue, _rings) = queue(Limits { policy, ..limits() });
        let mut batch = None;
        let mut waiting = false;
        for step in 0..500 {
            match random.next() % 12 {
                0..=6 => {
                    let size = (random.next() % 12_000) as usize;
                    let _ = push_sized(&queue, &format!("e{step}"), size);
                }
                7 | 8 if batch.is_none() => {
                    queue.flush(true);
                    if let Next::Send(taken) = queue.next(Instant::now()) {
                        batch = Some(taken);
                    }
                }
                9 if batch.is_some() => {
                    waiting = !waiting;
                    let batch = batch.as_ref().unwrap();
                    assert!(if waiting { queue.put_down(batch) } else { queue.pick_up(batch) });
                }
                10 if batch.is_some() => {
                    let outcome = [None, Some(Reason::Rejected)][(random.next() % 2) as usize];
                    let batch = batch.take().unwrap();
                    assert!(!std::mem::take(&mut waiting) || queue.pick_up(&batch));
                    settle(&queue, batch, outcome);
                }
                11 => assert!(queue.drain((random.next() % 3) as usize, |_| ()) < 3),
                _ => {}
            }
            let counts = ledger(&queue);
            let held = queue.ledger().1;
            assert!(counts.queued <= 10 && held <= 100_000, "{counts:?}, {held} bytes");
            assert_eq!(counts.queued == 0, held == 0);
        }
        queue.freeze();
        let counts = ledger(&queue);
        assert_eq!((counts.queued, counts.in_flight), (0, 0));
    }
}

#[test]
fn parts_of_a_batch_are_settled_each_for_itself() {
    let (queue, _rings) = queue(limits());
    push(&queue, "a").unwrap();
    let Flush::Pending(_, first) = queue.flush(true) else { panic!("a is pending") };
    for name in ["b", "c", "d"] {
        push(&queue, name).unwrap();
    }
    let Flush::Pending(_, all) = queue.flush(true) else { panic!("four are pending") };
    let batch = take(&queue);
    let dropped = Fate::Dropped(Reason::TooLarge);
    queue.settle(&batch, &[Fate::Delivered, Fate::Kept, dropped, Fate::Kept]);
    let counts = ledger(&queue);
    assert_eq!((counts.delivered, counts.in_flight), (1, 2));
    assert_eq!(counts.dropped(Reason::TooLarge), 1);
    assert!(first.try_recv().is_err(), "the host is told first");
    let rest = batch.part(|place| place % 2 == 1);
    assert_eq!(names(&rest.chunk), ["b", "d"]);
    queue.retire(batch, &[&rest]).announce();
    assert_eq!(first.try_recv(), Ok(false), "what came later is not waited for");
    assert!(all.try_recv().is_err());

    assert!(queue.pick_up(&rest));
    queue.settle(&rest, &[Fate::Kept, Fate::Delivered]);
    let last = rest.part(|place| place == 0);
    queue.retire(rest, &[&last]).announce();
    assert!(all.try_recv().is_err());
    assert!(queue.pick_up(&last));
    settle(&queue, last, None);
    assert_eq!(all.try_recv(), Ok(true), "one was dropped");
    let counts = ledger(&queue);
    assert_eq!((counts.delivered, counts.in_flight), (3, 0));
}

#[test]
fn what_waits_beside_the_flow_counts_and_holds_up_nothing() {
    let (queue, _rings) = queue(Limits { events_max: 6, ..limits() });
    for name in ["a", "b", "c", "d"] {
        push(&queue, name).unwrap();
    }
    let batch = take(&queue);
    let rest = batch.part(|place| place == 2);
    queue.settle(&batch, &[Fate::Delivered, Fate::Delivered, Fate::Kept, Fate::Delivered]);
    queue.retire(batch, &[&rest]).announce();
    for name in ["e", "f", "g", "h", "i"] {
        push(&queue, name).unwrap();
    }
    assert_eq!(push(&queue, "j"), Err(Error::QueueFull), "five, and one that waits");
    let fresh = take(&queue);
    assert_eq!(names(&fresh.chunk), ["e", "f", "g", "h"]);
    settle(&queue, fresh, None);
    let fresh = take(&queue);
    settle(&queue, fresh, None);
    queue.close();
    assert!(matches!(queue.next(Instant::now()), Next::Wait(_)), "c is not settled");
    assert!(queue.pick_up(&rest));
    settle(&queue, rest, None);
    assert!(matches!(queue.next(Instant::now()), Next::Stop));
    assert_eq!(ledger(&queue).delivered, 9);
}

#[test]
fn a_flush_that_waits_for_a_straggler_hurries_nothing_that_came_later() {
    let (queue, _rings) = queue(limits());
    push(&queue, "a").unwrap();
    let Flush::Pending(_, answer) = queue.flush(true) else { panic!("a is pending") };
    let straggler = take(&queue);
    assert!(queue.put_down(&straggler));
    push(&queue, "b").unwrap();
    assert!(matches!(queue.next(Instant::now()), Next::Wait(Some(_))));
    assert!(answer.try_recv().is_err());
}

#[test]
fn whoever_watches_an_event_hears_what_became_of_it() {
    let policy = Policy::DropOldest;
    let (queue, _rings) = queue(Limits { events_max: 4, policy, ..limits() });
    let watch = |n: u128| queue.watch(Uuid::from_u128(n)).1;
    let push = |n: u128| push_as(&queue, "e", 0, Some(Uuid::from_u128(n))).unwrap();
    let answers: Vec<_> = (1..=9).map(watch).collect();
    (1..=3).for_each(push);
    queue.urge();
    let batch = take(&queue);
    queue.settle(&batch, &[Fate::Delivered, Fate::Dropped(Reason::Rejected), Fate::Kept]);
    assert!(answers.iter().all(|answer| answer.try_recv().is_err()), "the host is told first");
    let rest = batch.part(|place| place == 2);
    queue.retire(batch, &[&rest]).announce();
    assert_eq!(answers[0].try_recv(), Ok(None));
    assert_eq!(answers[1].try_recv(), Ok(Some(Reason::Rejected)));
    // One that waits, and four of which the first has to go; the next is drained.
    (4..=7).for_each(push);
    assert_eq!(answers[3].try_recv(), Ok(Some(Reason::Overflow)));
    queue.drain(1, |_| ());
    assert_eq!(answers[4].try_recv(), Ok(None));
    queue.freeze();
    for answer in [&answers[2], &answers[5], &answers[6]] {
        assert_eq!(answer.try_recv(), Ok(Some(Reason::Shutdown)));
    }
}

#[test]
fn a_batch_that_brings_the_sender_down_is_given_up() {
    let (queue, _rings) = queue(limits());
    assert!(!queue.lose_batch());
    for name in ["a", "b", "c", "d", "e"] {
        push(&queue, name).unwrap();
    }
    let Flush::Pending(_, answer) = queue.flush(true) else { panic!("five are pending") };
    let waits = take(&queue);
    assert!(queue.put_down(&waits));
    assert!(!queue.lose_batch(), "it is not in hand");
    let _batch = take(&queue);
    assert!(queue.lose_batch());
    assert!(answer.try_recv().is_err());
    assert!(queue.pick_up(&waits));
    settle(&queue, waits, None);
    assert_eq!(answer.try_recv(), Ok(true));
    let counts = ledger(&queue);
    assert_eq!((counts.dropped(Reason::Rejected), counts.delivered), (1, 4));
}

/// Threads that push at once, each an event and its number, while another takes batches, looks at
/// the ledger and flushes: nothing is lost, nothing passes a bound, and each thread's order holds.
#[test]
fn threads_that_meet_lose_nothing_and_keep_their_order() {
    const THREADS: usize = 4;
    const EACH: usize = if cfg!(miri) { 60 } else { 20_000 };
    let limits = Limits { events_max: 500, batch_events_max: 40, flush_at: 30, ..limits() };
    let (queue, _rings) = queue(limits);
    let mut seen = [0; THREADS];
    let mut sizes = Vec::new();
    let (begun, done) = (Instant::now(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (queue, done) = (&queue, &done);
            scope.spawn(move || {
                for number in 0..EACH {
                    while push(queue, &format!("{thread} {number}")).is_err() {
                        assert!(begun.elapsed() < Duration::from_secs(60), "no room for a minute");
                        std::thread::yield_now();
                    }
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        let mut rounds = 0;
        while done.load(Ordering::SeqCst) < THREADS || ledger(&queue).queued > 0 {
            rounds += 1;
            let counts = ledger(&queue);
            assert!(counts.queued <= limits.events_max as u64, "{counts:?}");
            if rounds % 3 == 0 {
                queue.flush(rounds % 2 == 0);
            }
            if let Next::Send(batch) = queue.next(Instant::now()) {
                for record in batch.chunk.records() {
                    let name = std::str::from_utf8(record.event).unwrap();
                    let (thread, number) = name.split_once(' ').unwrap();
                    let expected = &mut seen[thread.parse::<usize>().unwrap()];
                    assert_eq!(number.parse(), Ok(*expected), "thread {thread}");
                    *expected += 1;
                }
                assert!(batch.events() <= limits.batch_events_max);
                sizes.push(batch.events());
                settle(&queue, batch, None);
            }
        }
    });
    assert_eq!(seen, [EACH; THREADS]);
    assert_eq!(ledger(&queue).delivered, (THREADS * EACH) as u64);
    assert_eq!(sizes.iter().sum::<usize>(), THREADS * EACH);
}

/// Threads that take turns are one writer to the queue: their order is that of the calls, and
/// batches are as full as those of one thread.
#[test]
fn threads_that_take_turns_share_a_batch_in_order() {
    let (queue, _rings) = queue(Limits { batch_events_max: 6, flush_at: 6, ..limits() });
    for index in 0..6 {
        std::thread::scope(|scope| {
            scope.spawn(|| push(&queue, &format!("e{index}")).unwrap());
        });
    }
    let batch = take(&queue);
    assert_eq!(names(&batch.chunk), ["e0", "e1", "e2", "e3", "e4", "e5"]);
    assert_eq!(ledger(&queue).in_flight, 6);
}

#[test]
fn the_uuids_of_one_thread_after_another_are_one_sequence() {
    let (queue, _rings) = queue(limits());
    let mut random = Random::from_seed([7; 32]);
    for index in 0..6 {
        let uuid = std::thread::scope(|scope| {
            let pushed = scope.spawn(|| {
                push(&queue, &format!("e{index}")).unwrap();
                queue.uuid(1_700_000_000_000)
            });
            pushed.join().unwrap()
        });
        random.uuid(1_700_000_000_000);
        assert_eq!(uuid, random.uuid(1_700_000_000_000));
    }
}
