//! What gives way when the queue is at its bound.

use super::{Busy, accepted_numbers, until_the_batch_waits};
use crate::c::*;
use crate::client::{Config, to};
use crate::handle::Props;
use crate::hook::Told;
use crate::time::{PATIENCE, millis, timed};
use posthog_receiver::{Receiver, Reply, Script};
use std::thread;

fn five(config: Config) -> Config {
    config.set(ph_config_set_queue_max_events, 5)
}

#[test]
fn the_newest_is_refused() {
    let busy = Busy::new(five);
    let client = &busy.client;
    client.capture_numbered("e", 1..6);
    for _ in 0..3 {
        assert_eq!(client.capture("u", "late"), PH_ERROR_QUEUE_FULL);
    }
    let stats = client.stats();
    assert_eq!(
        (stats[PH_STAT_ACCEPTED], stats[PH_STAT_QUEUED], stats[PH_STAT_IN_FLIGHT]),
        (6, 5, 1)
    );
    assert_eq!((stats.refused(PH_ERROR_QUEUE_FULL), stats[PH_STAT_DROPPED]), (3, 0));
    stats.assert_balances();
    busy.deliver();
    client.stats().assert_delivered(6);
    assert_eq!(accepted_numbers(&busy.receiver), [0, 1, 2, 3, 4, 5]);
    assert_eq!(client.capture("u", "room again"), PH_OK);
}

#[test]
fn the_oldest_are_dropped() {
    let options = |it| five(it).overflow(PH_OVERFLOW_DROP_OLDEST, 0);
    let busy = Busy::new(options);
    let client = &busy.client;
    client.capture_numbered("e", 1..9);
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_ACCEPTED], stats[PH_STAT_QUEUED]), (9, 5));
    assert_eq!((stats[PH_STAT_DROPPED_OVERFLOW], stats.refused_total()), (3, 0));
    stats.assert_balances();
    busy.deliver();
    // The request under way is not the queue's.
    assert_eq!(accepted_numbers(&busy.receiver), [0, 4, 5, 6, 7, 8]);
    client.stats().assert_delivered(6);
}

#[test]
fn a_capture_waits_for_room() {
    let options = |it| five(it).overflow(PH_OVERFLOW_BLOCK, 60_000);
    let busy = Busy::new(options);
    let client = &busy.client;
    client.capture_numbered("e", 1..6);
    // Room comes when the first request is answered, long before the limit.
    thread::scope(|scope| {
        let waits = scope.spawn(|| client.capture_numbered("e", 6..20));
        thread::sleep(millis(100));
        assert!(!waits.is_finished() && client.stat(PH_STAT_ACCEPTED) == 6, "there is no room");
        busy.first.comes();
    });
    client.deliver();
    assert_eq!(accepted_numbers(&busy.receiver), (0..20).collect::<Vec<i64>>());
    let stats = client.stats();
    stats.assert_delivered(20);
    assert_eq!(stats.refused_total(), 0);
}

#[test]
fn a_capture_waits_no_longer_than_it_was_told() {
    let options = |it| five(it).overflow(PH_OVERFLOW_BLOCK, 100);
    let busy = Busy::new(options);
    let client = &busy.client;
    client.capture_numbered("e", 1..6);
    let (status, took) = timed(|| client.capture("u", "late"));
    assert_eq!(status, PH_ERROR_QUEUE_FULL);
    assert!(took >= millis(100), "{took:?}");
    assert_eq!(client.stats().refused(PH_ERROR_QUEUE_FULL), 1);
    busy.deliver();
    assert_eq!(accepted_numbers(&busy.receiver), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn bytes_are_bounded_too() {
    for (policy, refused) in [(PH_OVERFLOW_DROP_NEWEST, true), (PH_OVERFLOW_DROP_OLDEST, false)] {
        let options =
            |it: Config| it.set(ph_config_set_queue_max_bytes, 10_000).overflow(policy, 0);
        let busy = Busy::new(options);
        let client = &busy.client;
        let props = Props::new().int("n", 1).str("fill", &"x".repeat(700));
        let statuses: Vec<Status> =
            (0..30).map(|_| client.capture_with("u", "e", &props)).collect();
        let full = statuses.iter().filter(|status| **status == PH_ERROR_QUEUE_FULL).count() as u64;
        let stats = client.stats();
        assert!(stats[PH_STAT_QUEUED_BYTES] <= 10_000, "{stats:?}");
        // Each is between 700 and 1,200 bytes on the wire.
        assert!((8..=14).contains(&stats[PH_STAT_QUEUED]), "{stats:?}");
        assert_eq!(full > 0, refused);
        assert_eq!(stats[PH_STAT_DROPPED_OVERFLOW] > 0, !refused);
        stats.assert_balances();
        busy.deliver();
    }
}

#[test]
fn a_batch_that_waits_for_its_retry_counts_and_is_never_dropped() {
    for policy in [PH_OVERFLOW_DROP_NEWEST, PH_OVERFLOW_DROP_OLDEST] {
        let receiver = Receiver::start();
        let unavailable = Reply::status(503).header("Retry-After", "3");
        receiver.set_script(Script::new().next("/batch/", unavailable));
        let client = five(to(&receiver)).overflow(policy, 0).client();
        client.capture_numbered("e", 0..5);
        assert_eq!(client.flush(PH_NO_WAIT), PH_ERROR_TIMEOUT);
        until_the_batch_waits(&receiver);
        // Nothing that is queued could make room.
        assert_eq!(client.capture("u", "late"), PH_ERROR_QUEUE_FULL);
        let stats = client.stats();
        assert_eq!((stats[PH_STAT_IN_FLIGHT], stats[PH_STAT_DROPPED]), (5, 0));
        client.deliver();
        assert_eq!(accepted_numbers(&receiver), [0, 1, 2, 3, 4]);
    }
}

#[test]
fn shutdown_lets_blocked_captures_go() {
    let options = |it| five(it).overflow(PH_OVERFLOW_BLOCK, 60_000);
    let busy = Busy::new(options);
    let client = &busy.client;
    client.capture_numbered("e", 1..6);
    thread::scope(|scope| {
        let blocked: Vec<_> = (0..3).map(|_| scope.spawn(|| client.capture("u", "late"))).collect();
        thread::sleep(millis(50));
        assert_eq!(client.shutdown(100), PH_ERROR_TIMEOUT);
        for capture in blocked {
            assert_eq!(capture.join().unwrap(), PH_ERROR_SHUTDOWN);
        }
    });
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_DROPPED_SHUTDOWN], stats.refused(PH_ERROR_SHUTDOWN)), (6, 3));
    stats.assert_balances();
}

#[test]
fn an_episode_is_told_at_its_start_rarely_between_and_at_its_end() {
    let lines = Told::new();
    let told = lines.clone();
    let options = |it| {
        five(it).on_log(move |level, text| {
            if text.starts_with("queue ") {
                told.push((level, text.to_owned()));
            }
        })
    };
    let busy = Busy::new(options);
    let client = &busy.client;
    client.capture_numbered("e", 1..6);
    assert_eq!(lines.len(), 0);
    for _ in 0..150 {
        assert_eq!(client.capture("u", "late"), PH_ERROR_QUEUE_FULL);
    }
    assert_eq!(lines.len(), 1, "the first drop, and none of the next 149 within a second");
    thread::sleep(millis(1_050));
    for _ in 0..100 {
        assert_eq!(client.capture("u", "late"), PH_ERROR_QUEUE_FULL);
    }
    assert_eq!(lines.len(), 2, "a second later, once in a hundred drops");
    busy.deliver();
    crate::time::until("the end is told", || lines.len() == 3);
    let lines = lines.all();
    assert!(lines.iter().all(|(level, _)| *level == PH_LOG_WARN), "{lines:?}");
    assert!(lines[1].1.contains("201"), "{}", lines[1].1);
    assert!(lines[2].1.contains("250"), "{}", lines[2].1);
    assert_eq!(client.stats().refused(PH_ERROR_QUEUE_FULL), 250);
    // The next episode is told anew; within the second that follows, its start.
    client.capture_numbered("e", 0..5);
    assert_eq!(client.capture("u", "late"), PH_ERROR_QUEUE_FULL);
}

#[test]
fn the_bound_is_exact_under_many_threads() {
    let busy = Busy::new(five);
    let client = &busy.client;
    let accepted: u64 = thread::scope(|scope| {
        let capture = || (0..50).filter(|_| client.capture("u", "e") == PH_OK).count() as u64;
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(capture)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(accepted, 5);
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_QUEUED], stats.refused(PH_ERROR_QUEUE_FULL)), (5, 395));
    busy.deliver();
    assert!(busy.receiver.wait_for_events(6, PATIENCE));
}
