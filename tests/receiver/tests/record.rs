//! What is recorded, counted and refused when nothing misbehaves.

mod client;

use std::time::Duration;

use client::{Client, PATIENCE, batch, gzipped, post};
use posthog_receiver::{Flag, Flags, Options, Outcome, Receiver, Record};
use serde_json::json;

#[test]
fn a_request_is_recorded_whole() {
    let receiver = Receiver::start();
    let mut client = Client::connect(receiver.addr());
    let body = batch([7]);
    let bytes = gzipped("/batch/?v=1", &body);
    client.send(&bytes);
    assert_eq!(client.answer().json(), json!({"status": 1}));

    let [request] = &receiver.requests()[..] else { panic!("not one request") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/batch/?v=1"));
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    assert_eq!(request.header("content-length"), Some(&*request.raw_length.to_string()));
    assert!(request.raw_length < body.len());
    assert_eq!(request.body, body.as_bytes());
    assert_eq!(request.events()[0]["properties"]["n"], 7);
    assert_eq!((request.outcome, request.status), (Outcome::Answered, Some(200)));
    assert_eq!(request.response, br#"{"status":1}"#);
    assert!(request.arrived.elapsed().unwrap() < PATIENCE);
}

#[test]
fn a_chunked_body_arrives_in_one() {
    let receiver = Receiver::start();
    let mut client = Client::connect(receiver.addr());
    let body = batch([1, 2]);
    let (start, end) = body.split_at(30);
    client.send("POST /batch/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(format!("{:x};note=1\r\n{start}\r\n{:X}\r\n{end}\r\n", start.len(), end.len()));
    client.send("0\r\nTrailer: t\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert_eq!(receiver.requests()[0].body, body.as_bytes());
    assert_eq!(client.post("/batch/", &batch([3])).status, 200, "the connection goes on");
    assert_eq!(receiver.counts().accepted, 3);
}

#[test]
fn a_large_body_is_invited() {
    let receiver = Receiver::start();
    let mut client = Client::connect(receiver.addr());
    let body = batch([1]);
    let head = "POST /batch/ HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n";
    client.send(format!("{head}Content-Length: {}\r\n\r\n", body.len()));
    assert_eq!(client.answer().status, 100);
    client.send(body);
    assert_eq!(client.answer().status, 200);
}

#[test]
fn one_bad_event_refuses_its_batch() {
    let receiver = Receiver::start();
    let mut client = Client::connect(receiver.addr());
    let good = batch([1, 2]);
    for (bad, reason) in [
        (good.replacen("\"user-1\"", "\"\"", 1), "event 0: distinct_id is empty"),
        (good.replacen("\"n\":1", "\"n\":1,\"n\":1", 1), "duplicate key"),
        (good.replacen("user-1", "user\\u0000", 1), "NUL character"),
        (good[1..].to_owned(), "not JSON"),
        (String::new(), "not JSON"),
    ] {
        let answer = client.post("/batch/", &bad);
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains(reason), "{}", answer.body);
    }
    assert_eq!((receiver.counts().accepted, receiver.counts().refused), (0, 5));
    for path in ["/batch/", "/batch", "/i/v0/e/", "/capture/"] {
        assert_eq!(client.post(path, &good).status, 200, "{path}");
    }
    assert_eq!(client.get("/batch/").status, 405);
    assert_eq!(client.post("/elsewhere/", &good).status, 404);
    assert_eq!(receiver.counts().accepted, 8);
}

#[test]
fn flags_come_from_the_table() {
    let receiver = Receiver::start();
    let mut client = Client::connect(receiver.addr());
    let ask = json!({"api_key": "k", "distinct_id": "u"}).to_string();
    let flag = &client.post("/flags/?v=2", &ask).json()["flags"]["new-checkout"];
    assert_eq!((&flag["enabled"], &flag["variant"]), (&json!(true), &json!(null)));
    receiver.set_flags(Flags::none().with("color", Flag::variant("blue")));
    let flags = client.post("/flags/?v=2", &ask).json();
    assert_eq!(flags["flags"]["color"]["variant"], "blue");
    assert!(flags["flags"].get("new-checkout").is_none());
    assert_eq!(client.post("/flags/?v=2", r#"{"api_key":"k"}"#).status, 400);
}

#[test]
fn connections_and_waits_are_told_apart() {
    let receiver = Receiver::start();
    let (mut first, mut second) =
        (Client::connect(receiver.addr()), Client::connect(receiver.addr()));
    first.post("/batch/", &batch([1]));
    second.post("/batch/", &batch([2]));
    first.post("/batch/", &batch([1, 3]));
    let numbers: Vec<_> = receiver.requests().iter().map(|it| it.connection).collect();
    assert_eq!(numbers, [1, 2, 1]);
    assert_eq!(receiver.connections(), 2);
    assert_eq!(receiver.counts().duplicates, 1);
    let from: Vec<_> = receiver.events().iter().map(|event| event.request).collect();
    assert_eq!(from, [0, 1, 2, 2]);
    assert!(receiver.wait_for_events(4, Duration::ZERO));
    assert!(!receiver.wait_for_events(5, Duration::from_millis(20)));
    receiver.clear();
    assert_eq!((receiver.requests().len(), receiver.counts().accepted), (0, 0));
    first.post("/batch/", &batch([1]));
    assert_eq!((receiver.requests()[0].index, receiver.counts().duplicates), (0, 0));
}

#[test]
fn long_runs_keep_less() {
    for (record, kept) in [(Record::Uuids, vec![5, 6, 5]), (Record::Count, vec![])] {
        let receiver = Receiver::with(Options { record, ..Options::default() }).unwrap();
        let mut client = Client::connect(receiver.addr());
        client.post("/batch/", &batch([5, 6]));
        client.post("/batch/", &batch([5]));
        assert!(receiver.requests().is_empty());
        let briefs = receiver.accepted();
        assert_eq!(briefs.iter().filter_map(|it| it.n).collect::<Vec<_>>(), kept);
        assert_eq!(receiver.events().len(), kept.len());
        assert_eq!(briefs.last().map(|it| it.request), kept.last().map(|_| 1));
        assert_eq!((receiver.counts().accepted, receiver.counts().duplicates), (3, 1));
        if let Some(brief) = briefs.first() {
            let uuid = brief.uuid_text().unwrap();
            assert_eq!(uuid, "00000000-0000-7000-8000-000000000005");
            assert_eq!((&*brief.event, &*brief.distinct_id), ("numbered", "user-1"));
        }
    }
}

#[test]
fn the_sink_only_counts() {
    let receiver = Receiver::sink();
    let mut client = Client::connect(receiver.addr());
    let body = "x".repeat(1_000_000);
    for _ in 0..3 {
        assert_eq!(client.post("/batch/", &body).body, r#"{"status":1}"#);
    }
    client.send(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    );
    assert_eq!(client.answer().status, 200);
    let counts = receiver.counts();
    assert_eq!((counts.requests, counts.bytes, counts.connections), (4, 3_000_002, 1));
    assert_eq!(counts.attempted, 0);
}

#[test]
fn what_is_not_http_is_told_so() {
    let receiver = Receiver::start();
    let chunked = "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for bytes in [
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        &format!("{chunked}zz\r\n"),
        &format!("{chunked}2\r\nabc\r\n0\r\n\r\n"),
    ] {
        let mut client = Client::connect(receiver.addr());
        client.send(bytes);
        let (answer, end) = client.rest();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(end.is_ok(), "{end:?}");
    }
    assert_eq!((receiver.counts().malformed, receiver.counts().requests), (4, 2));
}

#[test]
fn a_body_that_ends_early_is_unread() {
    let receiver = Receiver::start();
    let mut client = Client::connect(receiver.addr());
    client.send(&post("/batch/", &batch([1])).as_bytes()[..90]);
    drop(client);
    assert!(receiver.wait_for_requests(1, PATIENCE));
    assert_eq!(receiver.requests()[0].outcome, Outcome::Unread);
    assert_eq!((receiver.counts().attempted, receiver.counts().malformed), (0, 0));
}

#[test]
fn the_port_is_free_again_after_the_stop() {
    let receiver = Receiver::start();
    let addr = receiver.addr();
    let mut idle = Client::connect(addr);
    idle.get("/");
    drop(receiver);
    let (bytes, end) = idle.rest();
    assert_eq!(bytes, "");
    assert!(end.is_ok(), "{end:?}");
    assert!(std::net::TcpStream::connect(addr).is_err());
    let again = Receiver::start_on(addr).unwrap();
    assert_eq!(again.addr(), addr);
}
