//! Callbacks and shutdown: one that hangs does not hold it up, none starts after it, and userdata
//! is freed once.

use super::BOUND;
use crate::c::*;
use crate::client::{Config, PATIENCE_MS, to};
use crate::hook::Alive;
use crate::time::{PATIENCE, Stop, millis, promptly, timed, undisturbed, until};
use posthog_receiver::{At, Receiver, Reply, Script};
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

#[test]
fn a_delivery_callback_that_hangs_does_not_hold_it_up() {
    let _quiet = undisturbed();
    promptly(BOUND, || {
        let (stop, alive) = (Arc::new(Stop::default()), Alive::new());
        let receiver = Receiver::start();
        let (hangs, token) = (Arc::clone(&stop), alive.token());
        let client = to(&receiver)
            .on_delivery(move |_, _| {
                let _held = &token;
                hangs.here();
            })
            .client();
        client.capture_numbered("e", 0..1);
        let _ = client.flush(PH_NO_WAIT);
        until("the callback", || stop.is_reached());
        client.capture_numbered("e", 1..3);
        let (status, took) = timed(|| client.shutdown(500));
        assert_eq!(status, PH_ERROR_TIMEOUT);
        let stats = client.stats();
        stats.assert_delivered(1);
        assert_eq!(stats[PH_STAT_DROPPED_SHUTDOWN], 2);

        drop(client);
        assert!(!stop.is_left());
        assert_eq!(alive.holders(), 1, "freed while the callback runs");
        stop.let_go();
        until("the userdata is freed", || alive.holders() == 0);
        assert!(stop.is_left());
        took
    });
}

#[test]
fn a_before_send_callback_that_hangs_does_not_hold_it_up() {
    let _quiet = undisturbed();
    promptly(BOUND, || {
        let stop = Arc::new(Stop::default());
        let receiver = Receiver::start();
        let hangs = Arc::clone(&stop);
        let client = to(&receiver)
            .before_send(move |_| {
                hangs.here();
                0
            })
            .client();
        let took = thread::scope(|scope| {
            let capture = scope.spawn(|| client.capture("u", "e"));
            until("the callback", || stop.is_reached());
            let (status, took) = timed(|| client.shutdown(500));
            assert_eq!(status, PH_OK, "nothing had been accepted");
            stop.let_go();
            assert_eq!(capture.join().unwrap(), PH_ERROR_SHUTDOWN);
            took
        });
        client.stats().assert_delivered(0);
        took
    });
}

#[test]
fn a_log_callback_that_hangs_does_not_hold_it_up() {
    let _quiet = undisturbed();
    promptly(BOUND, || {
        let stop = Arc::new(Stop::default());
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/batch/", Reply::status(503)));
        let hangs = Arc::clone(&stop);
        let client = to(&receiver)
            .on_log(move |level, _| {
                if level == PH_LOG_WARN {
                    hangs.here();
                }
            })
            .client();
        client.capture_numbered("e", 0..1);
        let _ = client.flush(PH_NO_WAIT);
        until("the callback", || stop.is_reached());
        let (status, took) = timed(|| client.shutdown(500));
        assert_eq!(status, PH_ERROR_TIMEOUT);
        stop.let_go();
        took
    });
}

#[test]
fn none_starts_after_it_has_returned() {
    // The sender is left behind in many states: while it connects, sends, waits, is told.
    let replies = [
        Reply::usual(),
        Reply::usual().delay(millis(3)),
        Reply::status(503),
        Reply::status(400),
        Reply::usual().reset(At::Body),
        Reply::usual().hang(At::Body),
    ];
    for round in 0..60 {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/batch/", replies[round % 6].clone()));
        let (returned, late) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (over, count) = (Arc::clone(&returned), Arc::clone(&late));
        let note = move || {
            count.fetch_add(usize::from(over.load(Ordering::SeqCst)), Ordering::SeqCst);
        };
        let (log, delivery, before) = (note.clone(), note.clone(), note);
        let client = to(&receiver)
            .set(ph_config_set_batch_max_events, 1)
            .set(ph_config_set_retry_base_ms, 1)
            .on_log(move |_, _| log())
            .on_delivery(move |_, _| delivery())
            .before_send(move |_| {
                before();
                0
            })
            .client();
        client.capture_numbered("e", 0..20);
        let _ = client.flush(round as u32 % 7);
        thread::scope(|scope| {
            scope.spawn(|| (0..200).filter(|_| client.capture("u", "racing") == PH_OK).count());
            let _ = client.shutdown(round as u32 % 5);
            returned.store(true, Ordering::SeqCst);
        });
        assert_ne!(client.capture("u", "after"), PH_OK);
        thread::sleep(millis(10));
        drop(client);
        assert_eq!(late.load(Ordering::SeqCst), 0, "round {round}");
    }
}

#[test]
fn a_callback_that_runs_is_waited_for() {
    let receiver = Receiver::start();
    let running = Arc::new(AtomicBool::new(false));
    let runs = Arc::clone(&running);
    let client = to(&receiver)
        .on_delivery(move |_, _| {
            runs.store(true, Ordering::SeqCst);
            thread::sleep(millis(200));
            runs.store(false, Ordering::SeqCst);
        })
        .client();
    client.capture_numbered("e", 0..1);
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    assert!(!running.load(Ordering::SeqCst));
}

/// All three kinds of callbacks, each holding a token.
fn with_tokens(config: Config, alive: &Alive) -> Config {
    let tokens: [_; 4] = std::array::from_fn(|_| alive.token());
    let [log, delivery, before, second] = tokens;
    config
        .on_log(move |_, _| drop(Arc::clone(&log)))
        .on_delivery(move |_, _| drop(Arc::clone(&delivery)))
        .before_send(move |_| {
            drop(Arc::clone(&before));
            0
        })
        .before_send(move |_| {
            drop(Arc::clone(&second));
            0
        })
}

#[test]
fn userdata_lives_as_long_as_anything_can_call() {
    let receiver = Receiver::start();
    let alive = Alive::new();
    let config = with_tokens(to(&receiver), &alive);
    let (first, second) = (config.client(), config.client());
    drop(config);
    assert_eq!(alive.holders(), 4, "the clients hold them");
    first.capture_numbered("e", 0..2);
    first.deliver();
    assert_eq!(first.shutdown(PATIENCE_MS), PH_OK);
    drop(first);
    assert_eq!(alive.holders(), 4, "one client is left");
    second.capture_numbered("e", 0..2);
    second.deliver();
    drop(second);
    until("all are freed", || alive.holders() == 0);
}

#[test]
fn userdata_of_a_sender_left_behind_is_freed_when_it_ends() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/batch/", Reply::usual().hang(At::Body)));
    let alive = Alive::new();
    let client = with_tokens(to(&receiver), &alive).client();
    client.capture_numbered("e", 0..1);
    let _ = client.flush(PH_NO_WAIT);
    assert!(receiver.wait_for_requests(1, PATIENCE));
    assert_eq!(client.shutdown(10), PH_ERROR_TIMEOUT);
    drop(client);
    until("all are freed", || alive.holders() == 0);
}

static FREED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn count_freed(userdata: *mut c_void) {
    assert_eq!(userdata, 0x50 as *mut c_void);
    FREED.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn keep(_: *mut c_void, _: *mut ph_event) -> i32 {
    0
}

unsafe extern "C" fn tell(_: *mut c_void, _: i32, _: usize) {}

#[test]
fn userdata_is_freed_once_and_not_by_a_call_that_failed() {
    let data = 0x50 as *mut c_void;
    let config = Config::new("phc_test");
    let freed = || FREED.load(Ordering::SeqCst);
    // Nothing was registered, so it is still the caller's.
    let status = ph_config_add_before_send(config.raw(), None, data, Some(count_freed));
    assert_eq!((status, freed()), (PH_ERROR_NULL, 0));
    let nothing = std::ptr::null_mut();
    let status = ph_config_add_before_send(nothing, Some(keep), data, Some(count_freed));
    assert_eq!((status, freed()), (PH_ERROR_NULL, 0));
    let status = ph_config_set_delivery(nothing, Some(tell), data, Some(count_freed));
    assert_eq!((status, freed()), (PH_ERROR_NULL, 0));

    let set = || ph_config_set_delivery(config.raw(), Some(tell), data, Some(count_freed));
    assert_eq!((set(), freed()), (PH_OK, 0));
    assert_eq!((set(), freed()), (PH_OK, 1), "the one before was replaced");
    let status = ph_config_set_delivery(config.raw(), None, nothing.cast(), None);
    assert_eq!((status, freed()), (PH_OK, 2));
    assert_eq!((set(), freed()), (PH_OK, 2));
    drop(config.client());
    assert_eq!(freed(), 2);
    drop(config);
    assert_eq!(freed(), 3);
}
