//! `ph_flush` is a barrier over everything captured before it.

use super::{Busy, accepted_numbers, numbers_of_requests};
use crate::c::*;
use crate::client::{PATIENCE_MS, to};
use crate::time::{PATIENCE, millis, timed, until};
use posthog_receiver::{At, Receiver, Reply, Script};
use std::thread;

#[test]
fn with_nothing_to_send_it_sends_nothing() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    for timeout in [PH_NO_WAIT, 1, PH_FOREVER] {
        assert_eq!(client.flush(timeout), PH_OK);
    }
    client.capture_numbered("e", 0..1);
    client.deliver();
    for timeout in [PH_NO_WAIT, 1, PH_FOREVER] {
        assert_eq!(client.flush(timeout), PH_OK);
    }
    assert_eq!((receiver.counts().requests, receiver.connections()), (1, 1));
}

#[test]
fn ok_means_that_all_of_it_is_delivered() {
    let receiver = Receiver::start();
    let client = to(&receiver).set(ph_config_set_batch_max_events, 7).client();
    for round in 0..5 {
        client.capture_numbered("e", round * 30..(round + 1) * 30);
        assert_eq!(client.flush(PH_FOREVER), PH_OK);
        client.stats().assert_delivered(30 * (round as u64 + 1));
        assert_eq!(receiver.counts().accepted, 30 * (round as u64 + 1));
    }
}

#[test]
fn without_waiting_it_only_asks() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..3);
    let _ = client.flush(PH_NO_WAIT);
    assert!(receiver.wait_for_events(3, PATIENCE));
}

#[test]
fn a_deadline_that_passes_is_told_and_loses_nothing() {
    let busy = Busy::new(|it| it);
    busy.client.capture_numbered("e", 1..3);
    let (status, took) = timed(|| busy.client.flush(100));
    assert_eq!(status, PH_ERROR_TIMEOUT);
    assert!(took >= millis(100), "{took:?}");
    busy.deliver();
    assert_eq!(accepted_numbers(&busy.receiver), [0, 1, 2]);
}

#[test]
fn lost_means_that_all_is_settled_and_some_dropped() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next("/batch/", Reply::status(400)));
    let client = to(&receiver).set(ph_config_set_batch_max_events, 2).client();
    client.capture_numbered("e", 0..4);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    let stats = client.stats();
    stats.assert_delivered(2);
    assert_eq!(stats[PH_STAT_DROPPED_REJECTED], 2);
    // What was lost before a flush is not that flush's.
    client.capture_numbered("e", 4..5);
    client.deliver();
}

#[test]
fn an_eviction_meanwhile_is_a_loss() {
    let options = |it: crate::client::Config| {
        it.set(ph_config_set_queue_max_events, 2).overflow(PH_OVERFLOW_DROP_OLDEST, 0)
    };
    let busy = Busy::new(options);
    let client = &busy.client;
    client.capture_numbered("e", 1..3);
    thread::scope(|scope| {
        let flush = scope.spawn(|| client.flush(PATIENCE_MS));
        // Nothing tells that it has begun to wait.
        thread::sleep(millis(500));
        client.capture_numbered("e", 3..4);
        busy.first.comes();
        assert_eq!(flush.join().unwrap(), PH_ERROR_LOST);
    });
    assert_eq!(client.stat(PH_STAT_DROPPED_OVERFLOW), 1);
}

#[test]
fn events_captured_meanwhile_are_not_waited_for() {
    let receiver = Receiver::start();
    receiver.set_script(
        Script::new()
            .next("/batch/", Reply::usual().delay(millis(300)))
            .always("/batch/", Reply::usual().hang(At::Body)),
    );
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..1);
    thread::scope(|scope| {
        let flush = scope.spawn(|| client.flush(PATIENCE_MS));
        assert!(receiver.wait_for_requests(1, PATIENCE));
        client.capture_numbered("e", 1..2);
        assert_eq!(flush.join().unwrap(), PH_OK);
    });
    assert_eq!(client.stat(PH_STAT_DELIVERED), 1);
}

#[test]
fn it_ends_a_wait_before_a_retry() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next("/batch/", Reply::status(503)));
    let client = to(&receiver)
        .set(ph_config_set_retry_cap_ms, 600_000)
        .set(ph_config_set_retry_base_ms, 600_000)
        .client();
    client.capture_numbered("e", 0..1);
    assert_eq!(client.flush(PH_NO_WAIT), PH_ERROR_TIMEOUT);
    // Left to itself it would wait for five minutes. Nothing tells that it has begun to: what was asked
    // for before ends no wait.
    until("it is delivered", || client.flush(100) == PH_OK);
    assert_eq!(numbers_of_requests(&receiver), [[0], [0]]);
}

#[test]
fn it_does_not_end_a_wait_that_the_server_asked_for() {
    let receiver = Receiver::start();
    receiver
        .set_script(Script::new().next("/batch/", Reply::status(503).header("Retry-After", "2")));
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..1);
    assert_eq!(client.flush(300), PH_ERROR_TIMEOUT);
    assert_eq!(client.flush(300), PH_ERROR_TIMEOUT);
    client.deliver();
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    let waited = requests[1].arrived.duration_since(requests[0].arrived).unwrap();
    assert!(waited >= millis(1_980), "{waited:?}");
}

#[test]
fn many_threads_may_wait_at_once() {
    let busy = Busy::new(|it| it);
    let client = &busy.client;
    thread::scope(|scope| {
        let flush = |n: i64| {
            client.capture_numbered("e", n..n + 1);
            client.flush(PATIENCE_MS)
        };
        let threads: Vec<_> = (1..9).map(|n| scope.spawn(move || flush(n))).collect();
        until("all are captured", || client.stat(PH_STAT_QUEUED) == 8);
        busy.first.comes();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), PH_OK);
        }
    });
    client.stats().assert_delivered(9);
}
