//! What the library offers to the tests of programs that use it.

use crate::c::*;
use crate::child;
use crate::client::{Client, Config, KEY, to};
use crate::handle::{Event, Exception, Props, c_text};
use crate::time::{millis, timed};
use posthog_receiver::{Receiver, Request};
use serde_json::Value;
use std::ptr;

/// Also the header's five lines.
#[test]
fn a_client_that_only_captures_keeps_its_events_and_sends_nothing() {
    let receiver = Receiver::start();
    let config = to(&receiver).set(ph_config_set_flush_at, 1).set(ph_config_set_capture_only, true);
    // Reading a flag is an event, too.
    let client = config.set(ph_config_set_flag_events, false).client();
    assert_eq!(ph_client_start(client.raw()), PH_OK);
    assert_eq!(client.capture("u", "one"), PH_OK);
    client.capture_event(&Event::new("u", "two")).unwrap();
    let (flushed, took) = timed(|| client.flush(10_000));
    assert_eq!(flushed, PH_OK);
    assert!(took < millis(5_000), "{took:?}");
    assert_eq!(client.flag("u", "new-checkout"), None);
    assert_eq!(client.evaluate("u").err(), Some(PH_ERROR_NETWORK));
    assert_eq!(client.stat(PH_STAT_QUEUED), 2);
    assert_eq!(client.shutdown(10_000), PH_OK);
    // They are there still.
    let names: Vec<Value> = client.drain(100).into_iter().map(|it| it["event"].clone()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!((client.stat(PH_STAT_QUEUED), client.stat(PH_STAT_DRAINED)), (0, 2));
    assert_eq!((receiver.connections(), client.stat(PH_STAT_REQUESTS)), (0, 0));
}

#[test]
fn it_starts_no_thread() {
    if child::passes("testing::it_starts_no_thread", &[]) {
        return;
    }
    let before = (child::threads().len(), child::sockets());
    let client = Config::new(KEY).set(ph_config_set_capture_only, true).client();
    for _ in 0..1_000 {
        assert_eq!(client.capture("u", "e"), PH_OK);
    }
    assert_eq!(client.flush(10_000), PH_OK);
    assert_eq!((child::threads().len(), child::sockets()), before);
}

fn deterministic(seed: u64) -> Client {
    let config = Config::new(KEY).set(ph_config_set_capture_only, true);
    assert_eq!(ph_config_set_deterministic(config.raw(), 1_700_000_000_123, seed), PH_OK);
    config.client()
}

#[test]
fn two_runs_of_one_seed_are_the_same() {
    let run = |seed| {
        let client = deterministic(seed);
        for n in 0..3 {
            assert_eq!(client.capture_with("u", "e", &Props::new().int("n", n)), PH_OK);
        }
        client.capture_event(&Event::new("u", "whole")).unwrap();
        client.drain(100)
    };
    let (first, second, other) = (run(7), run(7), run(8));
    assert_eq!(first, second);
    for (event, others) in first.iter().zip(&other) {
        assert_eq!(event["timestamp"], "2023-11-14T22:13:20.123Z");
        assert_ne!(event["uuid"], others["uuid"]);
    }
    let mut uuids: Vec<_> = first.iter().map(|event| event["uuid"].as_str().unwrap()).collect();
    uuids.sort_unstable();
    uuids.dedup();
    assert_eq!(uuids.len(), 4);
}

/// Everything of a request that differs from run to run otherwise.
#[test]
fn two_runs_of_one_seed_send_the_same() {
    let run = |protocol: i32, seed: u64| {
        let receiver = Receiver::start();
        let config = to(&receiver).set(ph_config_set_protocol, protocol);
        assert_eq!(ph_config_set_deterministic(config.raw(), 1_700_000_000_123, seed), PH_OK);
        let client = config.client();
        let message = c_text("paid");
        assert_eq!(ph_step_add(client.raw(), message.as_ptr(), ptr::null()), PH_OK);
        let failure = Exception::new("E", "m").without_stack();
        for _ in 0..2 {
            assert_eq!(ph_capture_exception(client.raw(), ptr::null(), failure.raw()), PH_OK);
        }
        client.capture_ai(&Event::new("u", "$ai_span"));
        assert_eq!(client.capture("u", "e"), PH_OK);
        client.deliver();
        let told = |request: &Request| {
            let names = ["posthog-request-id", "posthog-request-timestamp"];
            let headers = names.map(|name| request.header(name).map(str::to_owned));
            (request.path.clone(), headers, request.json.clone().unwrap())
        };
        let mut sent: Vec<_> = receiver.requests().iter().map(told).collect();
        // The lanes do not wait for each other.
        sent.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(sent.len(), 2);
        sent
    };
    for protocol in [PH_PROTOCOL_V0, PH_PROTOCOL_V1] {
        let (first, second, other) = (run(protocol, 7), run(protocol, 7), run(protocol, 8));
        assert_eq!(first, second);
        for (request, others) in first.iter().zip(&other) {
            assert_ne!(request.2["batch"], others.2["batch"]);
            let time = "2023-11-14T22:13:20.123Z";
            if protocol == PH_PROTOCOL_V0 {
                assert_eq!(request.2["sent_at"], time);
            } else {
                assert_eq!(request.2["created_at"], time);
                assert_ne!(request.1[0], others.1[0]);
                assert_eq!(request.1[1].as_deref(), Some(time));
            }
        }
        let batch = first[if protocol == PH_PROTOCOL_V0 { 0 } else { 1 }].2["batch"].clone();
        assert_ne!(batch[0]["distinct_id"], batch[1]["distinct_id"], "{batch}");
    }
}

#[test]
fn a_time_that_no_event_can_have_is_refused() {
    let config = Config::new(KEY);
    for bad in [i64::MIN, i64::MAX] {
        assert_eq!(ph_config_set_deterministic(config.raw(), bad, 1), PH_ERROR_TIMESTAMP);
    }
}
