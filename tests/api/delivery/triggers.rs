//! What makes a batch leave, and how large it is.

use super::{Busy, accepted_numbers, numbers_of_requests};
use crate::c::*;
use crate::client::to;
use crate::handle::Props;
use crate::time::{PATIENCE, millis};
use posthog_receiver::Receiver;
use std::time::SystemTime;

#[test]
fn so_many_events() {
    let receiver = Receiver::start();
    let client = to(&receiver).set(ph_config_set_flush_at, 3).client();
    client.capture_numbered("e", 0..2);
    assert!(!receiver.wait_for_requests(1, millis(200)), "two are not three");
    client.capture_numbered("e", 2..3);
    assert!(receiver.wait_for_events(3, PATIENCE));
    assert_eq!(numbers_of_requests(&receiver), [[0, 1, 2]]);
    // And again, from the beginning.
    client.capture_numbered("e", 3..5);
    assert!(!receiver.wait_for_requests(2, millis(200)));
    client.capture_numbered("e", 5..6);
    assert!(receiver.wait_for_events(6, PATIENCE));
}

/// The first batch of a client. From when the interval of a later one counts depends on when the
/// attempt before it ended, which only a clock of the test's own can say: see the sender's tests.
#[test]
fn so_much_time() {
    let receiver = Receiver::start();
    let client = to(&receiver).set(ph_config_set_flush_interval_ms, 300).client();
    let captured = SystemTime::now();
    client.capture_numbered("e", 0..1);
    assert!(receiver.wait_for_events(1, PATIENCE));
    let waited = receiver.requests()[0].arrived.duration_since(captured).unwrap();
    // The clocks of waiting and of this test are not the same.
    assert!(waited >= millis(280), "{waited:?}");
}

#[test]
fn nothing_leaves_without_a_reason() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..500);
    assert!(!receiver.wait_for_requests(1, millis(300)));
    assert_eq!(client.stat(PH_STAT_QUEUED), 500);
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_batch_has_no_more_events_than_its_bound() {
    let receiver = Receiver::start();
    let client = to(&receiver).set(ph_config_set_batch_max_events, 10).client();
    client.capture_numbered("e", 0..25);
    client.deliver();
    let sizes: Vec<usize> = numbers_of_requests(&receiver).iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(accepted_numbers(&receiver), (0..25).collect::<Vec<i64>>());
}

#[test]
fn batches_grow_with_the_backlog() {
    let options = |it: crate::client::Config| it.set(ph_config_set_flush_at, 1);
    let busy = Busy::new(options);
    busy.client.capture_numbered("e", 1..101);
    busy.deliver();
    let sizes: Vec<usize> = numbers_of_requests(&busy.receiver).iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 100]);
}

#[test]
fn a_body_of_several_events_has_no_more_bytes_than_its_bound() {
    let receiver = Receiver::start();
    let client = to(&receiver)
        .set(ph_config_set_batch_max_bytes, 2_048)
        .set(ph_config_set_compression, PH_COMPRESSION_NONE)
        .client();
    // Every size for which one, two, or several events fill a body.
    for n in 0..1_500 {
        let props = Props::new().int("n", n).str("fill", &"x".repeat(n as usize));
        assert_eq!(client.capture_with("u", "e", &props), PH_OK);
    }
    client.deliver();
    for request in receiver.requests().iter().filter(|request| request.events().len() > 1) {
        let bytes = request.body.len();
        assert!(bytes <= 2_048, "{} events in {bytes} bytes", request.events().len());
    }
    assert_eq!(accepted_numbers(&receiver), (0..1_500).collect::<Vec<i64>>());
}

#[test]
fn an_event_larger_than_a_batch_travels_alone() {
    let receiver = Receiver::start();
    let client = to(&receiver).set(ph_config_set_batch_max_bytes, 2_048).client();
    client.capture_numbered("e", 0..2);
    let large = Props::new().int("n", 2).str("fill", &"x".repeat(100_000));
    assert_eq!(client.capture_with("u", "e", &large), PH_OK);
    client.capture_numbered("e", 3..5);
    client.deliver();
    assert_eq!(numbers_of_requests(&receiver), [vec![0, 1], vec![2], vec![3, 4]]);
}

#[test]
fn a_large_backlog_needs_no_flush() {
    let receiver = Receiver::start();
    let client = to(&receiver).set(ph_config_set_batch_max_events, 50).client();
    // A full batch leaves, whatever the other thresholds.
    client.capture_numbered("e", 0..120);
    assert!(receiver.wait_for_events(100, PATIENCE));
    assert_eq!(client.stat(PH_STAT_QUEUED), 20);
}

#[test]
fn queued_events_can_be_taken_out() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..5);
    let first = client.drain(2);
    assert_eq!(first.len(), 2);
    let expected = ["event", "uuid", "distinct_id", "timestamp", "properties"];
    assert_eq!(first[0].as_object().unwrap().keys().collect::<Vec<_>>().len(), expected.len());
    assert!(expected.iter().all(|key| first[0].get(key).is_some()), "{first:?}");
    assert_eq!(first[0]["properties"]["$lib"], "libposthog");
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_DRAINED], stats[PH_STAT_QUEUED]), (2, 3));
    stats.assert_balances();

    let rest = client.drain(usize::MAX);
    let numbers: Vec<i64> =
        first.iter().chain(&rest).map(|it| it["properties"]["n"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    assert!(client.drain(usize::MAX).is_empty() && client.drain(0).is_empty());
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_DRAINED], stats[PH_STAT_QUEUED_BYTES]), (5, 0));
    stats.assert_delivered(0);

    // What is drained is not sent, what comes later is.
    client.capture_numbered("e", 5..6);
    client.deliver();
    assert_eq!(accepted_numbers(&receiver), [5]);
    assert_eq!(client.shutdown(1_000), PH_OK);
}

#[test]
fn drained_events_are_those_that_would_be_sent() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let event = crate::handle::Event::new("u", "e")
        .text(ph_event_set_uuid, "0194cc39-1f25-7000-8000-000000000001")
        .text(ph_event_set_timestamp, "2026-11-20T10:00:00.5Z");
    client.capture_event(&event).unwrap();
    let drained = client.drain(1);
    client.capture_event(&event).unwrap();
    client.deliver();
    assert_eq!(drained[0], receiver.events()[0].json);
}
