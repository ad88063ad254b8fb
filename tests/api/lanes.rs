//! AI events: a lane of their own.

use crate::c::*;
use crate::client::{PATIENCE_MS, to};
use crate::handle::{Event, Props};
use crate::time::{PATIENCE, timed, until};
use posthog_receiver::{At, Receiver, Reply, Request, Script, Verdict};
use std::time::Duration;

const ENDPOINTS: [(i32, &str, &str); 2] = [
    (PH_PROTOCOL_V0, "/i/v0/ai/batch/", "/batch/"),
    (PH_PROTOCOL_V1, "/i/v1/ai/events", "/i/v1/analytics/events"),
];

fn generation(bytes: usize) -> Event {
    let props = Props::new().str("$ai_input", &"x".repeat(bytes));
    Event::new("u", "$ai_generation").props(ph_event_set_properties, &props)
}

fn names(request: &Request) -> Vec<&str> {
    request.events().iter().map(|event| event["event"].as_str().unwrap()).collect()
}

#[test]
fn neither_kind_goes_the_way_of_the_other() {
    for (protocol, ai, analytics) in ENDPOINTS {
        let receiver = Receiver::start();
        let client = to(&receiver).set(ph_config_set_protocol, protocol).client();
        client.capture_numbered("e", 0..3);
        // Whatever its name.
        assert_eq!(client.capture("u", "$ai_generation"), PH_OK);
        let uuid = client.capture_ai(&generation(10));
        client.capture_ai(&generation(10));
        client.deliver();
        client.stats().assert_delivered(6);
        let requests = receiver.requests();
        let of = |path: &str| -> Vec<&Request> {
            requests.iter().filter(|request| request.path == path).collect()
        };
        assert_eq!((requests.len(), of(ai).len(), of(analytics).len()), (2, 1, 1));
        assert_eq!(names(of(ai)[0]), ["$ai_generation"; 2]);
        assert_eq!(of(ai)[0].events()[0]["uuid"], uuid.as_str());
        assert_eq!(names(of(analytics)[0]), ["e", "e", "e", "$ai_generation"]);
    }
}

#[test]
fn a_slow_ai_endpoint_holds_up_nothing_else() {
    for (protocol, ai, analytics) in ENDPOINTS {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always(ai, Reply::usual().hang(At::Body)));
        let client = to(&receiver)
            .set(ph_config_set_protocol, protocol)
            .set(ph_config_set_flush_at, 1)
            .client();
        client.capture_ai(&generation(1_000));
        assert!(receiver.wait_for_requests(1, PATIENCE));
        for n in 0..50 {
            client.capture_numbered("e", n..n + 1);
        }
        until("analytics arrived", || client.stat(PH_STAT_DELIVERED) == 50);
        let stats = client.stats();
        stats.assert_balances();
        assert_eq!((stats[PH_STAT_ACCEPTED], stats[PH_STAT_IN_FLIGHT]), (51, 1));
        assert_eq!(client.flush(20), PH_ERROR_TIMEOUT, "a flush is for both");
        let requests = receiver.requests();
        assert!(requests.iter().filter(|it| it.path == analytics).count() >= 1);
        let (status, took) = timed(|| client.shutdown(50));
        assert_eq!(status, PH_ERROR_TIMEOUT);
        assert!(took < Duration::from_secs(5), "{took:?}");
        let stats = client.stats();
        stats.assert_delivered(50);
        assert_eq!(stats[PH_STAT_DROPPED_SHUTDOWN], 1);
    }
}

#[test]
fn ai_events_may_be_large_and_their_requests_are_bounded() {
    const MIB: usize = 1 << 20;
    let receiver = Receiver::start();
    let client = to(&receiver).set(ph_config_set_compression, PH_COMPRESSION_NONE).client();
    for mib in [2, 2, 2, 7, 1] {
        client.capture_ai(&generation(mib * MIB));
    }
    let too_large = generation(8 * MIB);
    let status = ph_capture_ai(client.raw(), too_large.raw(), std::ptr::null_mut());
    assert_eq!(status, PH_ERROR_TOO_LARGE);
    assert_eq!(client.capture_event(&generation(2 * MIB)), Err(PH_ERROR_TOO_LARGE));
    client.deliver();
    let stats = client.stats();
    stats.assert_delivered(5);
    assert_eq!(stats.refused(PH_ERROR_TOO_LARGE), 2);
    let sizes: Vec<usize> = receiver.requests().iter().map(|it| it.events().len()).collect();
    assert_eq!(sizes, [2, 1, 1, 1]);
    for request in receiver.requests().iter().filter(|it| it.events().len() > 1) {
        assert!(request.raw_length <= 5 * MIB, "{}", request.raw_length);
    }
}

#[test]
fn each_event_has_its_result() {
    let receiver = Receiver::start();
    let results = [Verdict::drop("ai_event_too_big"), Verdict::retry(), Verdict::ok()];
    receiver.set_script(Script::new().next("/i/v1/ai/events", Reply::usual().results(results)));
    let client = to(&receiver).set(ph_config_set_protocol, PH_PROTOCOL_V1).client();
    for _ in 0..3 {
        client.capture_ai(&generation(10));
    }
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    let stats = client.stats();
    stats.assert_delivered(2);
    assert_eq!(stats[PH_STAT_DROPPED_TOO_LARGE], 1);
}

#[test]
fn opting_out_and_draining_are_for_both() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let both = || {
        client.capture_numbered("e", 0..2);
        client.capture_ai(&generation(10));
    };
    both();
    let drained = client.drain(3);
    let names: Vec<&str> = drained.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["e", "e", "$ai_generation"]);
    both();
    assert_eq!(ph_opt_out(client.raw()), PH_OK);
    let stats = client.stats();
    stats.assert_delivered(0);
    assert_eq!((stats[PH_STAT_DRAINED], stats[PH_STAT_DROPPED_OPTED_OUT]), (3, 3));
    let ignored = generation(10);
    assert_eq!(ph_capture_ai(client.raw(), ignored.raw(), std::ptr::null_mut()), PH_OK);
    assert_eq!(ph_opt_in(client.raw()), PH_OK);
    both();
    client.deliver();
    client.stats().assert_delivered(3);
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    assert_eq!(ph_capture_ai(client.raw(), ignored.raw(), std::ptr::null_mut()), PH_ERROR_SHUTDOWN);
    assert_eq!(receiver.counts().accepted, 3);
}
