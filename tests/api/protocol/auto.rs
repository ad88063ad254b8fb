//! The protocol that a server turns out to speak.

use super::*;

fn auto(receiver: &Receiver) -> Config {
    to(receiver).set(ph_config_set_protocol, PH_PROTOCOL_AUTO)
}

fn paths(receiver: &Receiver) -> Vec<String> {
    receiver.requests().iter().map(|request| request.path.clone()).collect()
}

fn send(client: &Client, numbers: std::ops::Range<i64>) {
    client.capture_numbered("e", numbers);
    client.deliver();
}

#[test]
fn a_server_that_speaks_v1_is_spoken_to_in_v1() {
    let receiver = Receiver::start();
    let client = auto(&receiver).client();
    send(&client, 0..3);
    send(&client, 3..5);
    assert_eq!(paths(&receiver), [V1, V1]);
    client.stats().assert_delivered(5);
}

#[test]
fn a_server_without_v1_gets_the_same_events_in_v0() {
    let answers = [
        Reply::status(404),
        Reply::status(405),
        Reply::status(301).header("Location", "/login"),
        Reply::status(302).header("Location", "http://127.0.0.1:1/i/v1/analytics/events"),
        Reply::status(200).body("<html>"),
        Reply::status(200).json(&json!({"status": 1})),
        Reply::status(204),
    ];
    for answer in answers {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/i/v1/", answer.clone()));
        let client = auto(&receiver).client();
        send(&client, 0..3);
        send(&client, 3..5);
        assert_eq!(paths(&receiver), [V1, "/batch/", "/batch/"], "{answer:?}");
        let stats = client.stats();
        stats.assert_delivered(5);
        assert_eq!((stats[PH_STAT_REQUESTS], stats[PH_STAT_RETRIES]), (3, 0), "{answer:?}");
        let requests = receiver.requests();
        let pairs = batch(&requests[0]).iter().zip(batch(&requests[1]));
        for (first, second) in pairs {
            for key in ["uuid", "timestamp", "event", "distinct_id"] {
                assert_eq!(first[key], second[key], "{answer:?}");
            }
            assert_eq!(first["properties"]["n"], second["properties"]["n"], "{answer:?}");
        }
        assert_eq!(uuids(&receiver.accepted()).len(), 5);
        assert_eq!(receiver.counts().duplicates, 0);
    }
}

#[test]
fn answers_that_either_protocol_may_give_decide_nothing() {
    for (answer, retries) in [
        (Reply::status(503), 1),
        (Reply::status(429), 1),
        (Reply::status(500), 1),
        (Reply::usual().truncate(20), 1),
        (Reply::usual().max_body(700), 0),
    ] {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().next(V1, answer.clone()).next(V1, Reply::status(404)));
        let client = auto(&receiver).client();
        send(&client, 0..6);
        let stats = client.stats();
        stats.assert_delivered(6);
        assert_eq!(stats[PH_STAT_RETRIES], retries, "{answer:?}");
        let paths = paths(&receiver);
        assert_eq!(paths[..3], [V1, V1, "/batch/"], "{answer:?}");
    }
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next(V1, Reply::status(401)));
    let client = auto(&receiver).client();
    client.capture_numbered("e", 0..1);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    send(&client, 1..2);
    assert_eq!(paths(&receiver), [V1, V1]);
}

/// A proxy's hiccup: the server has shown that it speaks V1.
#[test]
fn what_is_pinned_stays() {
    for answer in [Reply::status(404), Reply::status(429), Reply::status(503)] {
        let receiver = Receiver::start();
        let client = auto(&receiver).client();
        send(&client, 0..1);
        receiver.set_script(Script::new().times(2, V1, answer));
        send(&client, 1..2);
        assert_eq!(paths(&receiver), [V1; 4]);
        let stats = client.stats();
        stats.assert_delivered(2);
        assert_eq!(stats[PH_STAT_RETRIES], 2);
    }
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next(V1, Reply::status(404)));
    let client = auto(&receiver).client();
    send(&client, 0..1);
    receiver.set_script(Script::new().next("/batch/", Reply::status(404)));
    client.capture_numbered("e", 1..2);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    assert_eq!(paths(&receiver), [V1, "/batch/", "/batch/"]);
}

#[test]
fn what_was_asked_for_is_spoken_whatever_the_server_says() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().times(2, V1, Reply::status(404)));
    let client = v1(&receiver).client();
    send(&client, 0..1);
    assert_eq!(paths(&receiver), [V1; 3]);
    let receiver = Receiver::start();
    let client = to(&receiver).set(ph_config_set_protocol, PH_PROTOCOL_V0).client();
    send(&client, 0..1);
    assert_eq!(paths(&receiver), ["/batch/"]);
}

#[test]
fn both_lanes_find_out_for_themselves() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/i/v1/ai/", Reply::status(404)));
    let client = auto(&receiver).client();
    client.capture_ai(&Event::new("u", "$ai_span"));
    send(&client, 0..1);
    client.capture_ai(&Event::new("u", "$ai_span"));
    send(&client, 1..2);
    let mut paths = paths(&receiver);
    paths.sort_unstable();
    let ai = "/i/v0/ai/batch/";
    assert_eq!(paths, [ai, ai, "/i/v1/ai/events", V1, V1]);
    client.stats().assert_delivered(4);
    assert!(receiver.wait_for_events(4, Duration::ZERO));
}
