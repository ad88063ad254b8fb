//! What is tried again, when, and as what.

use super::{accepted_numbers, numbers_of_requests, until_the_batch_waits};
use crate::c::*;
use crate::client::{PATIENCE_MS, refused_url, to, to_url};
use crate::time::{millis, timed, until};
use posthog_receiver::{At, Outcome, Part, Receiver, Reply, Request, Script};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// What became of one event whose first request was answered so.
fn after_first(reply: Reply) -> (Receiver, crate::client::Client, Status) {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next("/batch/", reply));
    let client = to(&receiver).set(ph_config_set_request_timeout_ms, 1_000).client();
    client.capture_numbered("e", 0..1);
    let status = client.flush(PATIENCE_MS);
    (receiver, client, status)
}

fn assert_tried_again(what: &str, reply: Reply) {
    let (receiver, client, status) = after_first(reply);
    assert_eq!(status, PH_OK, "{what}");
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2, "{what}");
    let stats = client.stats();
    stats.assert_delivered(1);
    assert_eq!((stats[PH_STAT_REQUESTS], stats[PH_STAT_RETRIES]), (2, 1), "{what}");
    let events = |request: &Request| request.json.as_ref().unwrap()["batch"].clone();
    if requests[0].outcome != Outcome::Unread {
        assert_eq!(events(&requests[0]), events(&requests[1]), "{what}");
    }
}

#[test]
fn statuses_that_pass_are_tried_again() {
    for status in [408, 429, 500, 501, 502, 503, 504, 521, 599] {
        assert_tried_again(&status.to_string(), Reply::status(status).body("no"));
    }
}

#[test]
fn statuses_that_stay_are_final() {
    for status in [300, 301, 302, 307, 308, 400, 401, 402, 403, 404, 405, 410, 415, 422, 451] {
        let reply = Reply::status(status).header("Location", "http://127.0.0.1:1/batch/");
        let (receiver, client, flushed) = after_first(reply);
        assert_eq!(flushed, PH_ERROR_LOST, "{status}");
        let stats = client.stats();
        stats.assert_delivered(0);
        assert_eq!((stats[PH_STAT_DROPPED_REJECTED], stats[PH_STAT_RETRIES]), (1, 0), "{status}");
        assert_eq!(receiver.counts().requests, 1, "{status}");
    }
}

/// A refusal needs no body to be one.
#[test]
fn a_refusal_that_is_cut_off_is_final() {
    let (receiver, client, flushed) =
        after_first(Reply::status(401).body("no ".repeat(500)).truncate(400));
    assert_eq!(flushed, PH_ERROR_LOST);
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_DROPPED_REJECTED], stats[PH_STAT_RETRIES]), (1, 0));
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn every_2xx_is_a_success_whatever_it_says() {
    for reply in [
        Reply::status(200).body(""),
        Reply::status(200).body("not json"),
        Reply::status(200).body("{\"status\":0,\"error\":\"?\"}"),
        Reply::status(201),
        Reply::status(202).chunked(1).body("ok"),
        Reply::status(204),
        Reply::status(200).body(vec![b'x'; 1 << 20]),
        Reply::usual().drip(Part::All, 16, millis(5)),
    ] {
        let (receiver, client, flushed) = after_first(reply.clone());
        assert_eq!(flushed, PH_OK, "{reply:?}");
        client.stats().assert_delivered(1);
        assert_eq!(receiver.counts().requests, 1);
    }
}

#[test]
fn answers_that_are_cut_off_are_tried_again() {
    let cut: [(&str, Reply); 12] = [
        ("reset at the head", Reply::usual().reset(At::Head)),
        ("reset at the body", Reply::usual().reset(At::Body)),
        ("reset in the status line", Reply::usual().reset(At::Response(5))),
        ("closed at the head", Reply::usual().close(At::Head)),
        ("closed at the body", Reply::usual().close(At::Body)),
        ("truncated in the status line", Reply::usual().truncate(9)),
        ("truncated in the headers", Reply::usual().truncate(40)),
        ("truncated in the body", Reply::usual().header("Content-Length", "500")),
        ("chunks without an end", Reply::usual().chunked(2).truncate(110)),
        ("silent", Reply::usual().hang(At::Body)),
        (
            "silent in the body",
            Reply::usual().header("Content-Length", "500").hang(At::Response(99)),
        ),
        ("too slow", Reply::usual().drip(Part::All, 1, millis(100))),
    ];
    for (what, reply) in cut {
        assert_tried_again(what, reply);
    }
}

#[test]
fn what_is_not_http_is_tried_again() {
    for (what, reply) in [
        ("bad length", Reply::usual().header("Content-Length", "twelve")),
        ("negative length", Reply::usual().header("Content-Length", "-1")),
        ("endless header", Reply::usual().header("X-Long", &"x".repeat(1 << 20))),
    ] {
        assert_tried_again(what, reply);
    }
}

#[test]
fn a_kept_connection_that_the_server_closed_costs_nothing() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next("/batch/", Reply::usual().close(At::Response(1 << 20))));
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..1);
    client.deliver();
    // The server's FIN arrives while the connection is kept.
    std::thread::sleep(millis(100));
    client.capture_numbered("e", 1..2);
    client.deliver();
    client.stats().assert_delivered(2);
    assert_eq!(accepted_numbers(&receiver), [0, 1]);
}

#[test]
fn a_server_that_comes_back_gets_everything() {
    let url = refused_url();
    let client = to_url(&url).client();
    client.capture_numbered("e", 0..3);
    assert_eq!(client.flush(100), PH_ERROR_TIMEOUT);
    until("it was tried", || client.stat(PH_STAT_RETRIES) >= 1);
    let addr = url.trim_start_matches("http://").parse().unwrap();
    let receiver = Receiver::start_on(addr).unwrap();
    client.deliver();
    assert_eq!(accepted_numbers(&receiver), [0, 1, 2]);
}

#[test]
fn a_failed_batch_stays_ahead_and_is_sent_as_it_was() {
    let receiver = Receiver::start();
    receiver.set_script(
        Script::new()
            .next("/batch/", Reply::status(503))
            .next("/batch/", Reply::usual().reset(At::Body))
            .next("/batch/", Reply::status(500).delay(millis(100))),
    );
    let client = to(&receiver).set(ph_config_set_flush_at, 3).client();
    client.capture_numbered("e", 0..3);
    assert!(receiver.wait_for_requests(1, crate::time::PATIENCE));
    client.capture_numbered("e", 3..8);
    client.deliver();

    let numbers = numbers_of_requests(&receiver);
    let first = vec![0, 1, 2];
    assert_eq!(numbers, [first.clone(), first.clone(), first.clone(), first, vec![3, 4, 5, 6, 7]]);
    let events = |request: &Request| request.json.as_ref().unwrap()["batch"].clone();
    let bodies: Vec<Value> = receiver.requests().iter().map(events).collect();
    assert!(bodies[1..4].iter().all(|body| *body == bodies[0]), "uuids and times are kept");
}

#[test]
fn the_server_may_have_taken_what_it_did_not_confirm() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().next("/batch/", Reply::usual().truncate(20)));
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..2);
    client.deliver();
    let requests = receiver.requests();
    assert_eq!(requests[0].outcome, Outcome::Lost);
    // The same uuids, so that the server can tell.
    let (first, second) = (receiver.ambiguous(), receiver.accepted());
    let uuids = |it: &[posthog_receiver::Brief]| it.iter().map(|it| it.uuid).collect::<Vec<_>>();
    assert_eq!((uuids(&first), first.len()), (uuids(&second), 2));
    client.stats().assert_delivered(2);
}

/// When the two requests arrived of which the first was answered so.
fn arrivals(reply: Reply) -> [SystemTime; 2] {
    let (receiver, _client, status) = after_first(reply);
    assert_eq!(status, PH_OK);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    [requests[0].arrived, requests[1].arrived]
}

fn pause_after(reply: Reply) -> Duration {
    let [first, second] = arrivals(reply);
    second.duration_since(first).unwrap()
}

#[test]
fn a_wait_that_the_server_asks_for_is_kept() {
    for status in [429, 503, 500] {
        let pause = pause_after(Reply::status(status).header("Retry-After", " 1 "));
        assert!(pause >= millis(980), "{status}: {pause:?}");
    }
    // A date has whole seconds: two from now are between one and two.
    let then = SystemTime::now() + Duration::from_secs(2);
    let date = http_date(then);
    let [_, second] = arrivals(Reply::status(503).header("Retry-After", &date));
    assert!(second >= then - millis(1_020), "{date}: {second:?}");
}

/// RFC 9110, section 5.6.7.
fn http_date(time: SystemTime) -> String {
    let secs = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let secs = libc::time_t::try_from(secs).unwrap();
    // SAFETY: `tm` is plain numbers and a pointer, for which zero is a value.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both outlive the call.
    unsafe { libc::gmtime_r(&raw const secs, &raw mut parts) };
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!(
        "{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
        days[parts.tm_wday as usize],
        parts.tm_mday,
        months[parts.tm_mon as usize],
        parts.tm_year + 1900,
        parts.tm_hour,
        parts.tm_min,
        parts.tm_sec,
    )
}

#[test]
fn a_hostile_wait_does_not_mute_the_client() {
    let long = "9".repeat(10_000);
    let hostile = [
        "",
        "-1",
        "1.5",
        "1e9",
        "NaN",
        "soon",
        "0x10",
        "+5",
        "Sun, 99 Nov 2994 08:49:37 GMT",
        "Fri, 01 Jan 1990 00:00:00 GMT",
        "\u{663}",
    ];
    for value in hostile {
        // Without the header the wait is 20 milliseconds at most.
        let pause = pause_after(Reply::status(503).header("Retry-After", value));
        assert!(pause < millis(1_000), "{value:?}: {pause:?}");
    }
    // What is too long is cut to 30 seconds: nothing breaks, and shutdown does not wait for it.
    for value in [&long, "4294967295", "18446744073709551616", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let receiver = Receiver::start();
        receiver.set_script(
            Script::new().always("/batch/", Reply::status(503).header("Retry-After", value)),
        );
        let client = to(&receiver).client();
        client.capture_numbered("e", 0..1);
        assert_eq!(client.flush(100), PH_ERROR_TIMEOUT);
        until_the_batch_waits(&receiver);
        let (status, took) = timed(|| client.shutdown(50));
        assert_eq!(status, PH_ERROR_TIMEOUT);
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(receiver.counts().requests, 1, "{value}");
        client.stats().assert_delivered(0);
    }
}

#[test]
fn retries_are_bounded_by_number() {
    for (max_retries, requests) in [(1, 2), (2, 3), (5, 6), (PH_NEVER, 1)] {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/batch/", Reply::status(503)));
        let client = to(&receiver).set(ph_config_set_max_retries, max_retries).client();
        client.capture_numbered("e", 0..2);
        assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
        let stats = client.stats();
        stats.assert_delivered(0);
        assert_eq!(stats[PH_STAT_DROPPED_RETRIES], 2);
        assert_eq!((stats[PH_STAT_REQUESTS], stats[PH_STAT_RETRIES]), (requests, requests - 1));
        assert_eq!(receiver.counts().requests, requests);
        // The next batch has all its retries.
        receiver.set_script(Script::new());
        client.capture_numbered("e", 2..3);
        client.deliver();
    }
}

#[test]
fn retries_are_bounded_by_age() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/batch/", Reply::status(503)));
    let client = to(&receiver).set(ph_config_set_max_age_ms, 300).client();
    client.capture_numbered("e", 0..2);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    let stats = client.stats();
    stats.assert_delivered(0);
    assert_eq!(stats[PH_STAT_DROPPED_EXPIRED], 2);
    let requests = receiver.requests();
    assert!(requests.len() >= 2, "{}", requests.len());
}

#[test]
fn waits_double_up_to_their_cap() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().times(6, "/batch/", Reply::status(503)));
    let client = to(&receiver)
        .set(ph_config_set_retry_base_ms, 50)
        .set(ph_config_set_retry_cap_ms, 200)
        .client();
    client.capture_numbered("e", 0..1);
    client.deliver();
    let requests = receiver.requests();
    let pauses: Vec<Duration> = requests
        .windows(2)
        .map(|pair| pair[1].arrived.duration_since(pair[0].arrived).unwrap())
        .collect();
    // Half of each wait is certain.
    for (pause, full) in pauses.iter().zip([50, 100, 200, 200, 200, 200]) {
        assert!(*pause >= millis(full / 2 - 5), "{pauses:?}");
    }
}

#[test]
fn too_large_a_batch_is_halved_down_to_the_event_that_is_refused() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/batch/", Reply::usual().max_body(3_000)));
    let told = crate::hook::Told::new();
    let tell = told.clone();
    let client = to(&receiver).on_delivery(move |it, events| tell.push((it, events))).client();
    client.capture_numbered("e", 0..20);
    let large = crate::handle::Props::new().int("n", 20).str("fill", &"x".repeat(5_000));
    assert_eq!(client.capture_with("u", "e", &large), PH_OK);
    client.capture_numbered("e", 21..40);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    let stats = client.stats();
    stats.assert_delivered(39);
    assert_eq!(stats[PH_STAT_DROPPED_TOO_LARGE], 1);
    let mut expected: Vec<i64> = (0..40).collect();
    expected.remove(20);
    assert_eq!(accepted_numbers(&receiver), expected);
    until("all is told", || told.all().iter().map(|it| it.1).sum::<usize>() == 40);
    let failed = told.all().into_iter().filter(|it| it.0 == PH_DELIVERY_FAILED);
    assert_eq!(failed.collect::<Vec<_>>(), [(PH_DELIVERY_FAILED, 1)]);
}
