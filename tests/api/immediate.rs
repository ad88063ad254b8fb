//! Captures that wait for what becomes of their event.

use crate::c::*;
use crate::client::{Config, PATIENCE_MS, refused_url, to, to_url};
use crate::handle::Event;
use crate::time::{millis, timed, until};
use posthog_receiver::{At, Receiver, Reply, Script, Verdict};
use std::time::Duration;

fn event() -> Event {
    Event::new("u", "last words")
}

/// What the server's answer to the first request makes of the call, in that protocol.
fn after(protocol: i32, reply: Reply) -> (Status, Receiver) {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next("/", reply));
    let client = to(&receiver).set(ph_config_set_protocol, protocol).client();
    let (status, uuid) = client.capture_immediate(&event(), PATIENCE_MS);
    assert!(uuid.is_some(), "it was accepted: {status:?}");
    let stats = client.stats();
    stats.assert_balances();
    assert_eq!((stats[PH_STAT_ACCEPTED], stats.refused_total()), (1, 0));
    assert_eq!(stats[PH_STAT_DELIVERED], u64::from(status == PH_OK), "{status:?}");
    (status, receiver)
}

#[test]
fn it_returns_with_the_fate_of_the_event() {
    for protocol in [PH_PROTOCOL_V0, PH_PROTOCOL_V1] {
        for (reply, expected, requests) in [
            (Reply::usual(), PH_OK, 1),
            (Reply::status(503), PH_OK, 2),
            (Reply::usual().delay(millis(200)), PH_OK, 1),
            (Reply::status(400), PH_ERROR_REJECTED, 1),
            (Reply::status(401), PH_ERROR_REJECTED, 1),
            (Reply::status(413), PH_ERROR_TOO_LARGE, 1),
        ] {
            let (status, receiver) = after(protocol, reply.clone());
            assert_eq!((status, receiver.counts().requests), (expected, requests), "{reply:?}");
        }
    }
    for (verdict, expected, requests) in [
        (Verdict::new("warning", Some("w")), PH_OK, 1),
        (Verdict::retry(), PH_OK, 2),
        (Verdict::drop("billing_limit_exceeded"), PH_ERROR_REJECTED, 1),
        (Verdict::drop("event_too_big"), PH_ERROR_TOO_LARGE, 1),
    ] {
        let (status, receiver) = after(PH_PROTOCOL_V1, Reply::usual().results([verdict.clone()]));
        assert_eq!((status, receiver.counts().requests), (expected, requests), "{verdict:?}");
    }
}

#[test]
fn the_fate_is_its_own_and_not_that_of_others() {
    let receiver = Receiver::start();
    let results = [Verdict::drop("rejected"), Verdict::drop("rejected"), Verdict::ok()];
    receiver.set_script(Script::new().next("/", Reply::usual().results(results)));
    let client = to(&receiver).set(ph_config_set_protocol, PH_PROTOCOL_V1).client();
    client.capture_numbered("e", 0..2);
    let (status, uuid) = client.capture_immediate(&event(), PATIENCE_MS);
    assert_eq!(status, PH_OK);
    assert_eq!(receiver.accepted()[0].uuid_text(), uuid);
    assert_eq!((receiver.counts().requests, client.stat(PH_STAT_DROPPED)), (1, 2));
}

#[test]
fn after_its_deadline_the_event_is_still_on_its_way() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next("/", Reply::status(503).header("Retry-After", "1")));
    let client = to(&receiver).client();
    let ((status, uuid), took) = timed(|| client.capture_immediate(&event(), 100));
    assert_eq!(status, PH_ERROR_TIMEOUT);
    assert!(took >= millis(95) && took < Duration::from_secs(10), "{took:?}");
    let stats = client.stats();
    stats.assert_balances();
    assert_eq!(stats[PH_STAT_IN_FLIGHT] + stats[PH_STAT_QUEUED], 1);
    client.deliver();
    client.stats().assert_delivered(1);
    assert_eq!(receiver.accepted()[0].uuid_text(), uuid);

    receiver.set_script(Script::new().next("/", Reply::usual().delay(millis(500))));
    let (status, uuid) = client.capture_immediate(&event(), PH_NO_WAIT);
    assert_eq!(status, PH_ERROR_TIMEOUT);
    until("it arrived all the same", || client.stat(PH_STAT_DELIVERED) == 2);
    assert_eq!(receiver.accepted()[1].uuid_text(), uuid);
}

#[test]
fn what_is_given_up_is_lost() {
    let client = to_url(&refused_url()).set(ph_config_set_max_retries, 2).client();
    assert_eq!(client.capture_immediate(&event(), PATIENCE_MS).0, PH_ERROR_LOST);
    assert_eq!(client.stat(PH_STAT_DROPPED_RETRIES), 1);

    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/", Reply::usual().hang(At::Body)));
    let client = to(&receiver).client();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| client.capture_immediate(&event(), PATIENCE_MS).0);
        assert!(receiver.wait_for_requests(1, crate::time::PATIENCE));
        assert_eq!(client.shutdown(50), PH_ERROR_TIMEOUT);
        assert_eq!(waits.join().unwrap(), PH_ERROR_LOST);
    });
}

#[test]
fn what_is_not_accepted_has_no_uuid() {
    let receiver = Receiver::start();
    let client = to(&receiver).before_send(|_| 1).client();
    assert_eq!(client.capture_immediate(&event(), PATIENCE_MS), (PH_ERROR_FILTERED, None));
    assert_eq!(client.stats().refused(PH_ERROR_FILTERED), 1);
    let client = to(&receiver).client();
    assert_eq!(client.shutdown(0), PH_OK);
    assert_eq!(client.capture_immediate(&event(), PATIENCE_MS), (PH_ERROR_SHUTDOWN, None));
    let disabled = Config::new("").client();
    assert_eq!(disabled.capture_immediate(&event(), 0), (PH_OK, Some(String::new())));
    assert_eq!(receiver.counts().requests, 0);
}

#[test]
fn many_may_wait_at_once_and_for_ai_events_too() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let client = &client;
            scope.spawn(move || {
                for _ in 0..20 {
                    let (status, uuid) = if thread % 2 == 0 {
                        client.capture_immediate(&event(), PATIENCE_MS)
                    } else {
                        client.capture_ai_immediate(&Event::new("u", "$ai_span"), PATIENCE_MS)
                    };
                    assert_eq!((status, uuid.map(|it| it.len())), (PH_OK, Some(36)));
                }
            });
        }
    });
    client.stats().assert_delivered(160);
    assert_eq!((receiver.counts().accepted, receiver.counts().duplicates), (160, 0));
}
