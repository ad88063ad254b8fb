//! `ph_shutdown` keeps its deadline whatever the world does, and nothing moves after it.

use crate::c::*;
use crate::client::{Client, Config, PATIENCE_MS, refused_url, to, to_url};
use crate::time::{PATIENCE, millis, promptly, timed, undisturbed, until};
use posthog_receiver::{At, BlackHole, Part, Receiver, Reply, Script};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

mod callbacks;
mod lives;

/// What the issue allows: the deadline and 50 milliseconds.
const BOUND: Duration = Duration::from_millis(550);

/// Shuts down while a request is under way that will never end.
fn assert_deadline_is_kept(options: impl Fn() -> Config) {
    let _quiet = undisturbed();
    promptly(BOUND, || {
        let client = options().client();
        client.capture_numbered("e", 0..3);
        assert_eq!(client.flush(PH_NO_WAIT), PH_ERROR_TIMEOUT);
        until("a request", || client.stat(PH_STAT_REQUESTS) == 1);
        client.capture_numbered("e", 3..5);
        let (status, took) = timed(|| client.shutdown(500));
        assert_eq!(status, PH_ERROR_TIMEOUT);
        assert!(took >= millis(490), "given up before the deadline: {took:?}");
        let stats = client.stats();
        stats.assert_delivered(0);
        assert_eq!(stats[PH_STAT_DROPPED_SHUTDOWN], 5);
        // The ledger is frozen, whatever the sender finds out later.
        thread::sleep(millis(50));
        assert_eq!(client.stats(), stats);
        // A second one has nothing to wait for.
        assert_eq!(client.shutdown(PH_FOREVER), PH_OK);
        took
    });
}

fn assert_deadline_is_kept_by(reply: Reply) {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/batch/", reply));
    assert_deadline_is_kept(|| to(&receiver));
}

#[test]
fn against_a_black_hole() {
    let hole = BlackHole::start();
    assert_deadline_is_kept(|| {
        let config = to_url(&hole.url()).set(ph_config_set_connect_timeout_ms, 60_000);
        config.set(ph_config_set_request_timeout_ms, 60_000)
    });
}

#[test]
fn against_a_server_that_never_answers() {
    assert_deadline_is_kept_by(Reply::usual().hang(At::Body));
}

#[test]
fn against_a_server_that_never_reads() {
    assert_deadline_is_kept_by(Reply::usual().hang(At::Head));
}

#[test]
fn against_a_server_that_drips_a_byte_a_second() {
    assert_deadline_is_kept_by(Reply::usual().drip(Part::All, 1, millis(1_000)));
}

#[test]
fn against_a_server_whose_answers_body_drips() {
    let drip = Reply::status(200).body("x".repeat(1_000)).drip(Part::Body, 1, millis(1_000));
    assert_deadline_is_kept_by(drip);
}

#[test]
fn against_a_server_that_falls_silent_in_its_answer() {
    assert_deadline_is_kept_by(Reply::usual().hang(At::Response(30)));
}

#[test]
fn during_a_wait_that_the_server_asked_for() {
    assert_deadline_is_kept_by(Reply::status(503).header("Retry-After", "30"));
}

/// With nothing to send a shutdown takes no time. Each has a client of its own.
fn assert_over_at_once(mut prepare: impl FnMut() -> Client) {
    promptly(millis(5), || {
        let client = prepare();
        let (status, took) = timed(|| client.shutdown(500));
        assert_eq!(status, PH_OK);
        client.stats().assert_balances();
        took
    });
}

#[test]
fn at_once_without_ever_an_event() {
    let _quiet = undisturbed();
    let hole = BlackHole::start();
    assert_over_at_once(|| to_url(&hole.url()).client());
    let started = || {
        let client = to_url(&hole.url()).client();
        assert_eq!(ph_client_start(client.raw()), PH_OK);
        client
    };
    assert_over_at_once(started);
}

#[test]
fn at_once_after_a_refused_connection() {
    let _quiet = undisturbed();
    let url = refused_url();
    let failed = || {
        let client = to_url(&url).set(ph_config_set_max_retries, PH_NEVER).client();
        client.capture_numbered("e", 0..1);
        assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
        client
    };
    assert_over_at_once(failed);
}

#[test]
fn at_once_after_a_black_hole() {
    let _quiet = undisturbed();
    let hole = BlackHole::start();
    let failed = || {
        let client = to_url(&hole.url())
            .set(ph_config_set_max_retries, PH_NEVER)
            .set(ph_config_set_connect_timeout_ms, 30)
            .client();
        client.capture_numbered("e", 0..1);
        assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
        client
    };
    assert_over_at_once(failed);
}

#[test]
fn at_once_when_the_queue_was_taken_out() {
    let _quiet = undisturbed();
    let url = refused_url();
    let drained = || {
        let client = to_url(&url).client();
        client.capture_numbered("e", 0..10);
        assert_eq!(client.drain(usize::MAX).len(), 10);
        client
    };
    assert_over_at_once(drained);
}

#[test]
fn what_is_queued_is_delivered_first() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().times(2, "/batch/", Reply::status(503)));
    let client = to(&receiver).set(ph_config_set_batch_max_events, 10).client();
    client.capture_numbered("e", 0..35);
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    client.stats().assert_delivered(35);
    assert_eq!(receiver.counts().accepted, 35);
}

#[test]
fn without_a_limit_it_waits_until_all_is_settled() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next("/batch/", Reply::usual().delay(millis(700))));
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..1);
    assert_eq!(client.shutdown(PH_FOREVER), PH_OK);
    client.stats().assert_delivered(1);
}

#[test]
fn a_loss_on_the_way_is_told() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next("/batch/", Reply::status(400)));
    let client = to(&receiver).set(ph_config_set_batch_max_events, 2).client();
    client.capture_numbered("e", 0..4);
    assert_eq!(client.shutdown(PATIENCE_MS), PH_ERROR_LOST);
    let stats = client.stats();
    stats.assert_delivered(2);
    assert_eq!((stats[PH_STAT_DROPPED_REJECTED], stats[PH_STAT_DROPPED_SHUTDOWN]), (2, 0));
}

#[test]
fn without_waiting_it_still_tells_what_it_lost() {
    let _quiet = undisturbed();
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/batch/", Reply::usual().hang(At::Body)));
    promptly(millis(50), || {
        let client = to(&receiver).client();
        client.capture_numbered("e", 0..4);
        let (status, took) = timed(|| client.shutdown(PH_NO_WAIT));
        assert_eq!(status, PH_ERROR_TIMEOUT);
        assert_eq!(client.stat(PH_STAT_DROPPED_SHUTDOWN), 4);
        took
    });
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
    assert!(receiver.wait_for_requests(1, PATIENCE));
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    client.stats().assert_delivered(1);
}

#[test]
fn a_flush_under_way_is_answered() {
    let _quiet = undisturbed();
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/batch/", Reply::usual().hang(At::Body)));
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..1);
    thread::scope(|scope| {
        let flush = scope.spawn(|| client.flush(PH_FOREVER));
        assert!(receiver.wait_for_requests(1, PATIENCE));
        assert_eq!(client.shutdown(100), PH_ERROR_TIMEOUT);
        assert_eq!(flush.join().unwrap(), PH_ERROR_LOST);
    });
}

#[test]
fn racing_captures_of_eight_threads() {
    for (round, reply) in [Reply::usual(), Reply::usual().hang(At::Body)].into_iter().enumerate() {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/batch/", reply));
        let client = to(&receiver)
            .set(ph_config_set_flush_at, 20)
            .set(ph_config_set_queue_max_events, 1_000)
            .overflow(if round == 0 { PH_OVERFLOW_BLOCK } else { PH_OVERFLOW_DROP_NEWEST }, 10_000)
            .client();
        let (accepted, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        let start = Barrier::new(9);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    // Until a while after the shutdown.
                    let mut after = 0;
                    while after < 100 {
                        match client.capture("u", "e") {
                            PH_OK => drop(accepted.fetch_add(1, Ordering::Relaxed)),
                            PH_ERROR_SHUTDOWN => {
                                after += 1;
                                refused.fetch_add(1, Ordering::Relaxed);
                            }
                            status => assert_eq!(status, PH_ERROR_QUEUE_FULL),
                        }
                    }
                });
            }
            start.wait();
            thread::sleep(millis(20));
            let status = client.shutdown(if round == 0 { PATIENCE_MS } else { 200 });
            assert_eq!(status, if round == 0 { PH_OK } else { PH_ERROR_TIMEOUT });
        });
        let stats = client.stats();
        stats.assert_balances();
        assert_eq!(stats[PH_STAT_ACCEPTED], accepted.load(Ordering::Relaxed));
        assert_eq!(stats.refused(PH_ERROR_SHUTDOWN), refused.load(Ordering::Relaxed));
        assert_eq!(stats[PH_STAT_QUEUED] + stats[PH_STAT_IN_FLIGHT], 0);
        if round == 0 {
            stats.assert_delivered(receiver.counts().accepted);
        }
    }
}

#[test]
fn of_several_at_once_one_does_the_work() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/batch/", Reply::usual().delay(millis(100))));
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..10);
    let start = Barrier::new(4);
    thread::scope(|scope| {
        let shut_down = || {
            start.wait();
            client.shutdown(PATIENCE_MS)
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(shut_down)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), PH_OK);
        }
    });
    client.stats().assert_delivered(10);
}
