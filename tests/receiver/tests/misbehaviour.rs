//! Each misbehaviour as a client sees it, and as the record tells it.

mod client;

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use client::{Client, PATIENCE, batch, gzipped, post};
use posthog_receiver::{At, Outcome, Part, Receiver, Reply, Script};

const A_WHILE: Duration = Duration::from_millis(120);

fn scripted(script: Script) -> (Receiver, Client) {
    let receiver = Receiver::start();
    receiver.set_script(script);
    let client = Client::connect(receiver.addr());
    (receiver, client)
}

fn answering(reply: Reply) -> (Receiver, Client) {
    scripted(Script::new().always("/", reply))
}

fn outcome(receiver: &Receiver) -> Outcome {
    receiver.requests().last().unwrap().outcome
}

#[test]
fn a_status_comes_with_its_headers_and_refuses_the_events() {
    let reply = Reply::status(503).header("Retry-After", "7").body("later");
    let (receiver, mut client) = scripted(Script::new().next("/batch/", reply));
    let answer = client.post("/batch/", &batch([1]));
    assert_eq!((answer.status, answer.body.as_str()), (503, "later"));
    assert_eq!(answer.header("Retry-After"), Some("7"));
    assert_eq!(receiver.counts().accepted, 0);
    assert_eq!(receiver.counts().ambiguous, 0);
    assert_eq!(client.post("/batch/", &batch([1])).status, 200);
    assert_eq!(receiver.counts().accepted, 1);
    assert_eq!(receiver.attempted_events().len(), 2);
}

#[test]
fn a_delay_holds_the_answer_back() {
    let (receiver, mut client) = answering(Reply::usual().delay(A_WHILE));
    let start = Instant::now();
    client.send(post("/batch/", &batch([1])));
    assert!(receiver.wait_for_requests(1, PATIENCE));
    assert_eq!(outcome(&receiver), Outcome::Pending);
    assert_eq!(client.answer().status, 200);
    assert!(start.elapsed() >= A_WHILE);
    assert_eq!(outcome(&receiver), Outcome::Answered);
}

#[test]
fn an_answer_to_a_client_that_left_is_lost() {
    let (receiver, mut client) = answering(Reply::usual().delay(A_WHILE));
    client.send(post("/batch/", &batch([1, 2])));
    assert!(receiver.wait_for_requests(1, PATIENCE));
    drop(client);
    assert!(!receiver.wait_for_events(1, 3 * A_WHILE));
    assert_eq!(outcome(&receiver), Outcome::Lost);
    assert_eq!(receiver.counts().ambiguous, 2);
}

#[test]
fn a_reset_before_the_body_leaves_it_unread() {
    let (receiver, mut client) = answering(Reply::usual().reset(At::Head));
    client.send("POST /batch/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    assert_eq!(client.rest().1.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(outcome(&receiver), Outcome::Unread);
    assert_eq!(receiver.counts().ambiguous, 0);
}

#[test]
fn a_reset_after_the_body_makes_its_events_ambiguous() {
    let (receiver, mut client) = answering(Reply::usual().reset(At::Body));
    client.send(post("/batch/", &batch([1, 2, 3])));
    let (bytes, end) = client.rest();
    assert_eq!(bytes, "");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(outcome(&receiver), Outcome::Lost);
    assert_eq!(receiver.counts().accepted, 0);
    assert_eq!(receiver.ambiguous().iter().filter_map(|it| it.n).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_reset_amid_the_response_lets_its_beginning_through() {
    let (receiver, mut client) = answering(Reply::usual().reset(At::Response(17)));
    client.send(post("/batch/", &batch([1])));
    let (bytes, end) = client.rest();
    // What came before the reset may be thrown away with it.
    assert!("HTTP/1.1 200 OK\r\n".starts_with(&bytes), "{bytes}");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(outcome(&receiver), Outcome::Lost);
}

#[test]
fn a_reset_behind_the_whole_response_may_still_lose_it() {
    let (receiver, mut client) = answering(Reply::usual().reset(At::Response(usize::MAX)));
    client.send(post("/batch/", &batch([1])));
    assert_eq!(client.rest().1.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!((receiver.counts().accepted, receiver.counts().ambiguous), (0, 1));
}

#[test]
fn a_scripted_success_accepts_no_bad_events() {
    let (receiver, mut client) = answering(Reply::status(200));
    let bad = batch([1]).replace("user-1", "");
    assert_eq!(client.post("/batch/", &bad).status, 200);
    assert_eq!((receiver.counts().accepted, receiver.counts().refused), (0, 1));
    assert!(receiver.events().is_empty());
}

#[test]
fn a_cleared_request_does_not_come_back() {
    let (receiver, mut client) = answering(Reply::usual().delay(A_WHILE));
    client.send(post("/batch/", &batch([1])));
    assert!(receiver.wait_for_requests(1, PATIENCE));
    receiver.clear();
    assert_eq!(client.answer().status, 200);
    assert_eq!(receiver.counts().accepted, 0);
}

#[test]
fn a_cut_refusal_is_not_ambiguous() {
    let (receiver, mut client) = answering(Reply::status(503).reset(At::Body));
    client.send(post("/batch/", &batch([1])));
    assert!(client.rest().1.is_err());
    assert_eq!(outcome(&receiver), Outcome::Lost);
    assert_eq!(receiver.counts().ambiguous, 0);
}

#[test]
fn a_close_ends_cleanly_without_an_answer() {
    for at in [At::Head, At::Body] {
        let (receiver, mut client) = answering(Reply::usual().close(at));
        // Too much for any buffer: if it is not read away, sending it breaks off.
        client.send(post("/batch/", &" ".repeat(20_000_000)));
        let (bytes, end) = client.rest();
        assert_eq!(bytes, "");
        assert!(end.is_ok(), "{end:?}");
        let expected = if at == At::Head { Outcome::Unread } else { Outcome::Lost };
        assert_eq!(outcome(&receiver), expected);
    }
}

#[test]
fn a_truncated_response_ends_cleanly_where_told() {
    let (receiver, mut client) = answering(Reply::usual().truncate(20));
    client.send(post("/batch/", &batch([1])));
    let (bytes, end) = client.rest();
    assert_eq!(bytes, "HTTP/1.1 200 OK\r\nCon");
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(outcome(&receiver), Outcome::Lost);
    assert_eq!(receiver.counts().ambiguous, 1);
}

#[test]
fn a_close_behind_the_whole_response_leaves_it_answered() {
    let (receiver, mut client) = answering(Reply::usual().close(At::Response(usize::MAX)));
    let answer = client.post("/batch/", &batch([1]));
    assert_eq!((answer.status, answer.header("Connection")), (200, None));
    let (bytes, end) = client.rest();
    assert_eq!(bytes, "");
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(receiver.counts().accepted, 1);
}

#[test]
fn a_hang_lasts_until_the_receiver_stops() {
    for at in [At::Head, At::Body, At::Response(0)] {
        let (receiver, mut client) = answering(Reply::usual().hang(at));
        client.send(post("/batch/", &batch([1])));
        assert!(client.is_silent_for(A_WHILE), "{at:?}");
        assert!(receiver.wait_for_requests(1, PATIENCE));
        assert_eq!(receiver.counts().ambiguous, u64::from(at != At::Head));
        let start = Instant::now();
        drop(receiver);
        assert_eq!(client.rest().0, "");
        assert!(start.elapsed() < PATIENCE);
    }
}

#[test]
fn a_hang_before_the_body_lets_a_large_one_stall() {
    let (_receiver, mut client) = answering(Reply::usual().hang(At::Head));
    client.send("POST /batch/ HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n");
    client.0.set_write_timeout(Some(A_WHILE)).unwrap();
    let error = client.0.write_all(&vec![b' '; 99_999_999]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
}

#[test]
fn a_drip_takes_its_time_with_its_part() {
    let interval = Duration::from_millis(10);
    for (part, pieces) in [(Part::Body, 12), (Part::Head, 70), (Part::All, 80)] {
        let (receiver, mut client) = answering(Reply::usual().drip(part, 1, interval));
        let start = Instant::now();
        assert_eq!(client.post("/batch/", &batch([1])).body, r#"{"status":1}"#);
        let least = interval * (pieces - 1);
        assert!(start.elapsed() >= least, "{part:?}: {:?}", start.elapsed());
        assert_eq!(receiver.counts().accepted, 1);
    }
}

#[test]
fn a_drip_to_a_client_that_left_is_lost() {
    let reply = Reply::usual().drip(Part::All, 1, Duration::from_millis(2));
    let (receiver, mut client) = answering(reply);
    client.send(post("/batch/", &batch([1])));
    assert!(receiver.wait_for_requests(1, PATIENCE));
    drop(client);
    assert!(!receiver.wait_for_events(1, 3 * A_WHILE));
    assert_eq!(outcome(&receiver), Outcome::Lost);
}

#[test]
fn a_body_over_the_limit_once_decoded_is_413() {
    let large = batch(1..=10);
    let (receiver, mut client) = answering(Reply::usual().max_body(large.len() - 1));
    assert_eq!(client.post("/batch/", &large).status, 413);
    client.send(gzipped("/batch/", &large));
    assert_eq!(client.answer().status, 413);
    assert_eq!(client.post("/batch/", &batch(1..=5)).status, 200);
    assert_eq!(receiver.counts().accepted, 5);
}

#[test]
fn a_chunked_response_is_framed_by_its_chunks() {
    let (receiver, mut client) = answering(Reply::usual().chunked(5));
    client.send("POST /batch/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
    let body = batch([1]);
    client.send(format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let (text, end) = client.rest();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Transfer-Encoding: chunked") && !head.contains("Content-Length"));
    assert_eq!(body, "5\r\n{\"sta\r\n5\r\ntus\":\r\n2\r\n1}\r\n0\r\n\r\n");
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(receiver.counts().accepted, 1);
}

#[test]
fn every_third_request_fails() {
    let (receiver, mut client) = scripted(Script::new().every(3, "/batch/", Reply::status(503)));
    let got: Vec<_> = (0..7).map(|n| client.post("/batch/", &batch([n])).status).collect();
    assert_eq!(got, [200, 200, 503, 200, 200, 503, 200]);
    assert_eq!(receiver.counts().accepted, 5);
}

#[test]
fn every_seventh_connection_is_reset() {
    let script = Script::new().every_connection(7, "/", Reply::usual().reset(At::Body));
    let receiver = Receiver::start();
    receiver.set_script(script);
    let survives = |_| {
        let mut client = Client::connect(receiver.addr());
        client.send(post("/batch/", &batch([1])));
        client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        client.rest().1.is_ok()
    };
    let survivors: Vec<_> = (1..=14).filter(|number| survives(*number)).collect();
    assert_eq!(survivors, [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13]);
    assert_eq!(receiver.connections(), 14);
}

#[test]
fn a_function_answers_what_the_request_asks_for() {
    let (receiver, mut client) = scripted(Script::new().compute("/batch/", |request| {
        if request.events().len() > 1 { Reply::status(413) } else { Reply::usual() }
    }));
    assert_eq!(client.post("/batch/", &batch([1, 2])).status, 413);
    assert_eq!(client.post("/batch/", &batch([1])).status, 200);
    assert_eq!(receiver.counts().accepted, 1);
}
