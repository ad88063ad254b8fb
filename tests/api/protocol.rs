//! Capture V1, and which protocol is spoken to whom.

use crate::c::*;
use crate::client::{Client, Config, PATIENCE_MS, to};
use crate::handle::{Event, Props};
use crate::hook::Told;
use crate::time::{millis, until};
use posthog_receiver::{Brief, Receiver, Reply, Request, Script, Verdict};
use serde_json::{Value, json};
use std::time::Duration;

mod auto;

const V1: &str = "/i/v1/analytics/events";

fn v1(receiver: &Receiver) -> Config {
    to(receiver).set(ph_config_set_protocol, PH_PROTOCOL_V1)
}

fn batch(request: &Request) -> &Vec<Value> {
    request.json.as_ref().unwrap()["batch"].as_array().unwrap()
}

fn uuids(events: &[Brief]) -> Vec<Option<u128>> {
    events.iter().map(|event| event.uuid).collect()
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.header(name).unwrap_or_else(|| panic!("{name} is missing"))
}

/// Three requests with one batch: two fail.
#[test]
fn a_request_says_who_sends_what_for_which_time() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().times(2, V1, Reply::status(503)));
    let client = v1(&receiver).client();
    client.capture_numbered("e", 0..2);
    client.deliver();
    client.capture_numbered("e", 2..3);
    client.deliver();

    let requests = receiver.requests();
    assert_eq!(requests.len(), 4);
    for request in &requests {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", V1));
        assert_eq!(header(request, "authorization"), "Bearer phc_test");
        assert_eq!(header(request, "content-type"), "application/json");
        let library = format!("libposthog/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(header(request, "posthog-sdk-info"), library);
        assert_eq!(header(request, "user-agent"), library);
        assert_eq!(request.refusal, None);
    }
    let attempts: Vec<&str> = requests.iter().map(|it| header(it, "posthog-attempt")).collect();
    assert_eq!(attempts, ["1", "2", "3", "1"]);
    let ids: Vec<&str> = requests.iter().map(|it| header(it, "posthog-request-id")).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    let sent: Vec<&str> =
        requests.iter().map(|it| header(it, "posthog-request-timestamp")).collect();
    assert!(sent[0] < sent[1] && sent[1] < sent[2], "{sent:?}");
    // All of the body is as it was.
    assert_eq!((&requests[0].json, &requests[1].json), (&requests[2].json, &requests[2].json));
    client.stats().assert_delivered(3);
}

#[test]
fn an_import_says_so_and_others_say_nothing() {
    for protocol in [PH_PROTOCOL_V0, PH_PROTOCOL_V1] {
        for historical in [true, false] {
            let receiver = Receiver::start();
            let config = to(&receiver).set(ph_config_set_protocol, protocol);
            let client = config.set(ph_config_set_historical_migration, historical).client();
            client.capture_numbered("e", 0..1);
            client.deliver();
            let body = receiver.requests()[0].json.clone().unwrap();
            let expected = historical.then_some(&Value::Bool(true));
            assert_eq!(body.get("historical_migration"), expected);
        }
    }
}

#[test]
fn every_result_is_what_it_says() {
    let receiver = Receiver::start();
    let results = [
        Verdict::ok(),
        Verdict::new("warning", Some("person_processing_disabled")),
        Verdict::drop("billing_limit_exceeded"),
        Verdict::new("absent", None),
        Verdict::new("limited", None),
        Verdict::drop("event_too_big"),
    ];
    receiver.set_script(Script::new().next(V1, Reply::usual().results(results)));
    let (lines, told) = (Told::new(), Told::new());
    let (log, tell) = (lines.clone(), told.clone());
    let client = v1(&receiver)
        .on_log(move |level, text| log.push((level, text.to_owned())))
        .on_delivery(move |it, events| tell.push((it, events)))
        .client();
    client.capture_numbered("e", 0..6);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    let stats = client.stats();
    stats.assert_delivered(3);
    assert_eq!((stats[PH_STAT_DROPPED_REJECTED], stats[PH_STAT_DROPPED_TOO_LARGE]), (2, 1));
    assert_eq!((stats[PH_STAT_REQUESTS], stats[PH_STAT_RETRIES]), (1, 0));
    let mut told = told.all();
    told.sort_unstable();
    assert_eq!(
        told,
        [(PH_DELIVERY_DELIVERED, 3), (PH_DELIVERY_FAILED, 1), (PH_DELIVERY_FAILED, 2)]
    );
    for tag in ["billing_limit_exceeded", "unknown result limited", "event_too_big"] {
        let is_told = |it: &(i32, String)| it.0 == PH_LOG_WARN && it.1.contains(tag);
        assert!(lines.all().iter().any(is_told), "{tag}: {:?}", lines.all());
    }
}

#[test]
fn only_what_is_to_be_sent_again_is() {
    let receiver = Receiver::start();
    let first = [Verdict::ok(), Verdict::retry(), Verdict::drop("rejected"), Verdict::retry()];
    receiver.set_script(
        Script::new()
            .next(V1, Reply::usual().results(first))
            .next(V1, Reply::usual().results([Verdict::retry(), Verdict::ok()])),
    );
    let client = v1(&receiver).client();
    client.capture_numbered("e", 0..4);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    let stats = client.stats();
    stats.assert_delivered(3);
    assert_eq!((stats[PH_STAT_DROPPED_REJECTED], stats[PH_STAT_RETRIES]), (1, 2));

    let requests = receiver.requests();
    let sent: Vec<Vec<&Value>> = requests
        .iter()
        .map(|it| batch(it).iter().map(|event| &event["properties"]["n"]).collect())
        .collect();
    assert_eq!(sent, [vec![0, 1, 2, 3], vec![1, 3], vec![1]]);
    assert_eq!(
        [&batch(&requests[0])[1], &batch(&requests[0])[3]],
        [&batch(&requests[1])[0], &batch(&requests[1])[1]]
    );
    assert_eq!(batch(&requests[1])[0], batch(&requests[2])[0]);
    let (ids, attempts): (Vec<&str>, Vec<&str>) = requests
        .iter()
        .map(|it| (header(it, "posthog-request-id"), header(it, "posthog-attempt")))
        .unzip();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(attempts, ["1", "2", "3"]);
    let created: Vec<&Value> =
        requests.iter().map(|it| &it.json.as_ref().unwrap()["created_at"]).collect();
    assert!(created.iter().all(|it| *it == created[0]), "{created:?}");
}

/// One event that the server does not want yet holds up nothing.
#[test]
fn fresh_events_go_past_one_that_waits() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().compute(V1, |request| {
        let verdict = |event: &Value| {
            if event["properties"]["n"] == 1 { Verdict::retry() } else { Verdict::ok() }
        };
        Reply::usual().results(request.events().iter().map(verdict))
    }));
    let client = v1(&receiver).client();
    client.capture_numbered("e", 0..3);
    assert_eq!(client.flush(200), PH_ERROR_TIMEOUT);
    client.capture_numbered("e", 3..6);
    assert_eq!(client.flush(200), PH_ERROR_TIMEOUT);
    until("the others are there", || client.stat(PH_STAT_DELIVERED) == 5);
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_IN_FLIGHT], stats[PH_STAT_DROPPED]), (1, 0));
    receiver.set_script(Script::new());
    client.deliver();
    client.stats().assert_delivered(6);
    assert_eq!(receiver.counts().duplicates, 0);
}

#[test]
fn a_wait_that_is_asked_for_some_events_is_kept_and_ends_with_the_retries() {
    let receiver = Receiver::start();
    let retry = || Reply::usual().results([Verdict::retry()]);
    receiver
        .set_script(Script::new().next(V1, retry().header("Retry-After", "1")).always(V1, retry()));
    let client = v1(&receiver).set(ph_config_set_max_retries, 2).client();
    client.capture_numbered("e", 0..2);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    let stats = client.stats();
    stats.assert_delivered(0);
    assert_eq!((stats[PH_STAT_DROPPED_RETRIES], stats[PH_STAT_REQUESTS]), (2, 3));
    let requests = receiver.requests();
    let pause = requests[1].arrived.duration_since(requests[0].arrived).unwrap();
    assert!(pause >= millis(980), "{pause:?}");
}

#[test]
fn a_success_that_cannot_be_read_is_final() {
    for body in ["", "ok", "{\"status\":1}", "{\"results\":[]}"] {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always(V1, Reply::status(200).body(body)));
        let client = v1(&receiver).client();
        client.capture_numbered("e", 0..2);
        assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST, "{body}");
        let stats = client.stats();
        stats.assert_delivered(0);
        assert_eq!((stats[PH_STAT_DROPPED_REJECTED], stats[PH_STAT_REQUESTS]), (2, 1), "{body}");
    }
}

/// A thousand results are more than an answer of V0 ever has.
#[test]
fn a_whole_batch_of_results_is_read() {
    let receiver = Receiver::start();
    let details = "x".repeat(200);
    let results = [Verdict::ok(), Verdict::drop(&details)];
    receiver.set_script(Script::new().next(V1, Reply::usual().results(results)));
    let client = v1(&receiver).client();
    client.capture_numbered("e", 0..1_000);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    let stats = client.stats();
    stats.assert_delivered(500);
    assert_eq!((stats[PH_STAT_DROPPED_REJECTED], stats[PH_STAT_REQUESTS]), (500, 1));
}

/// The server refuses a whole batch that has a uuid twice.
#[test]
fn a_uuid_that_is_used_twice_costs_nobody_anything() {
    let receiver = Receiver::start();
    let client = v1(&receiver).client();
    let uuid = "0194cc39-1f25-7000-8000-000000000001";
    let again = || Event::new("u", "again").text(ph_event_set_uuid, uuid);
    client.capture_numbered("e", 0..2);
    for _ in 0..3 {
        assert_eq!(client.capture_event(&again()).unwrap(), uuid);
    }
    client.capture_numbered("e", 2..4);
    client.deliver();
    client.stats().assert_delivered(7);
    assert_eq!((receiver.counts().refused, receiver.counts().duplicates), (0, 2));
}

#[test]
fn options_have_a_place_in_either_protocol() {
    let sent = |protocol: i32| {
        let receiver = Receiver::start();
        let client = to(&receiver).set(ph_config_set_protocol, protocol).client();
        let event = Event::new("u", "e").text(ph_event_set_product_tour_id, "tour");
        assert_eq!(ph_event_set_cookieless_mode(event.raw(), true), PH_OK);
        assert_eq!(ph_event_set_disable_skew_correction(event.raw(), false), PH_OK);
        assert_eq!(ph_event_set_process_person_profile(event.raw(), true), PH_OK);
        let options = Props::new().json("novel", "{\"x\":[1]}").bool("cookieless_mode", false);
        let event = event.props(ph_event_set_options, &options);
        client.capture_event(&event).unwrap();
        client.deliver();
        receiver.events()[0].json.clone()
    };
    let v1 = sent(PH_PROTOCOL_V1);
    let options = json!({"novel": {"x": [1]}, "cookieless_mode": false, "product_tour_id": "tour",
        "disable_skew_correction": false, "process_person_profile": true});
    assert_eq!(v1["options"], options);
    let v0 = sent(PH_PROTOCOL_V0);
    let property = |name: &str| v0["properties"][name].clone();
    assert_eq!(property("$cookieless_mode"), false, "the option wins");
    assert_eq!(property("$ignore_sent_at"), false);
    assert_eq!(
        (property("$process_person_profile"), property("$product_tour_id")),
        (true.into(), "tour".into())
    );
    assert_eq!((v0.get("options"), v0["properties"].get("novel")), (None, None));
}

#[test]
fn an_id_that_is_no_text_is_left_out_and_told() {
    let receiver = Receiver::start();
    let lines = Told::new();
    let log = lines.clone();
    let client = v1(&receiver).on_log(move |_, text| log.push(text.to_owned())).client();
    let props = Props::new().int("$session_id", 4_711_000_815).str("$window_id", "w");
    assert_eq!(client.capture_with("u", "e", &props), PH_OK);
    client.deliver();
    let event = receiver.events()[0].json.clone();
    assert_eq!((event.get("session_id"), &event["window_id"]), (None, &json!("w")));
    let lines = lines.all();
    assert!(lines.iter().any(|line| line.contains("$session_id")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("4711000815")), "{lines:?}");
}
