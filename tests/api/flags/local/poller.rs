//! The thread that reads definitions: when it runs, what it makes of every answer, and that no
//! failure changes a value.

use super::{definitions, everyone, flag_requests, nobody, with_definitions};
use crate::c::*;
use crate::child;
use crate::client::{Client, Config, PATIENCE_MS, to};
use crate::hook::Told;
use crate::time::{PATIENCE, Stop, millis, timed, until};
use posthog_receiver::{At, BlackHole, Part, Receiver, Reply, Script};
use std::sync::Arc;

const PATH: &str = "/flags/definitions";

fn often(config: Config) -> Config {
    config.set(ph_config_set_definitions_poll_ms, 100)
}

fn always(reply: Reply) -> Script {
    Script::new().always(PATH, reply)
}

#[test]
fn changes_are_noticed_and_what_is_unchanged_is_not_sent_again() {
    let (receiver, client) = with_definitions(&[everyone("f")], often);
    client.wait_ready();
    assert_eq!(client.flag("u", "f"), Some(true));
    assert!(receiver.wait_for_requests(5, PATIENCE));
    let unchanged = receiver.requests_from(1);
    assert!(unchanged.iter().take(3).all(|request| request.status == Some(304)), "{unchanged:?}");
    receiver.set_definitions(&definitions(&[nobody("f")]));
    until("the change", || client.flag("u", "f") == Some(false));
    assert!(flag_requests(&receiver).is_empty());
}

#[test]
fn nothing_reads_definitions_until_they_are_needed() {
    let starts: [fn(&Client); 4] = [
        |client| drop(client.evaluate_in("u", None, 1_000)),
        |client| {
            // Known or not: it may be asked of the server while the definitions are on their way.
            let _ = client.flag("u", "f");
        },
        |client| assert_eq!(ph_client_start(client.raw()), PH_OK),
        |client| {
            let _ = ph_flags_wait_ready(client.raw(), PH_NO_WAIT);
        },
    ];
    for start in starts {
        let (receiver, client) = with_definitions(&[everyone("f")], |config| config);
        assert_eq!(client.capture("u", "e"), PH_OK);
        client.deliver();
        assert!(!receiver.requests().iter().any(|request| request.is_definitions()));
        start(&client);
        until("the definitions", || {
            receiver.requests().iter().any(|request| request.is_definitions())
        });
    }
}

/// Everything that can go wrong with an answer.
fn faults() -> Vec<Reply> {
    let mut faults: Vec<Reply> = [400, 401, 402, 403, 404, 408, 429, 500, 502, 503, 504]
        .into_iter()
        .map(Reply::status)
        .collect();
    let bodies = ["", "<html>", "null", "[]", "{}", r#"{"flags":{}}"#, r#"{"flags":[{"key":"f""#];
    faults.extend(bodies.map(|body| Reply::status(200).body(body)));
    faults.push(Reply::usual().truncate(120));
    faults.push(Reply::usual().reset(At::Body));
    faults.push(Reply::usual().close(At::Head));
    faults.push(Reply::usual().hang(At::Body));
    faults.push(Reply::usual().drip(Part::Body, 1, millis(100)));
    faults.push(Reply::status(200).header("content-encoding", "gzip").body("not gzip"));
    faults
}

#[test]
fn no_failure_changes_a_value() {
    let told = Told::new();
    let log = told.clone();
    let (receiver, client) = with_definitions(&[everyone("f")], |config| {
        config
            .set(ph_config_set_request_timeout_ms, 500)
            .on_log(move |level, line| log.push((level, line.to_owned())))
    });
    client.wait_ready();
    let saved = client.save();
    // The other definitions are what a failure must not bring, in whole or in part.
    receiver.set_definitions(&definitions(&[nobody("f"), everyone("g")]));
    for reply in faults() {
        receiver.set_script(always(reply.clone()));
        let status = client.refresh();
        assert!(matches!(status, PH_ERROR_NETWORK | PH_ERROR_SERVER), "{status:?} {reply:?}");
        assert_eq!(client.flag("u", "f"), Some(true), "{reply:?}");
        let found = client.evaluate_in("u", None, 1_000).unwrap();
        assert_eq!((found.enabled("f"), client.save()), (Some(true), saved.clone()), "{reply:?}");
    }
    assert!(told.all().iter().any(|(level, line)| *level == PH_LOG_WARN && line.contains("402")));
    receiver.set_script(Script::new());
    assert_eq!(client.refresh(), PH_OK);
    assert_eq!((client.flag("u", "f"), client.flag("u", "g")), (Some(false), Some(true)));
    assert!(flag_requests(&receiver).is_empty());
}

#[test]
fn a_storm_of_304_keeps_what_is_known_and_an_unasked_one_is_no_answer() {
    let (receiver, client) = with_definitions(&[everyone("f")], |config| config);
    receiver.set_script(always(Reply::status(304)));
    assert_eq!(client.refresh(), PH_ERROR_NETWORK);
    assert_eq!(client.save(), None);
    receiver.set_script(Script::new());
    assert_eq!(client.refresh(), PH_OK);
    receiver.set_script(always(Reply::status(304).header("etag", "\"other\"")));
    for _ in 0..50 {
        assert_eq!(client.refresh(), PH_OK);
        assert_eq!(client.flag("u", "f"), Some(true));
    }
    // The newer ETag counts.
    let last = receiver.requests().pop().unwrap();
    assert_eq!(last.header("if-none-match"), Some("\"other\""));
}

#[test]
fn definitions_that_were_loaded_are_not_taken_for_the_servers() {
    let (receiver, client) = with_definitions(&[everyone("f")], |config| config);
    client.wait_ready();
    assert_eq!(client.load(&definitions(&[nobody("f")]).to_string()), PH_OK);
    assert_eq!(client.flag("u", "f"), Some(false));
    assert_eq!(client.refresh(), PH_OK);
    let last = receiver.requests().pop().unwrap();
    assert_eq!((last.header("if-none-match"), last.status), (None, Some(200)));
    assert_eq!(client.flag("u", "f"), Some(true));
}

#[test]
fn a_refused_key_is_told_at_once_and_an_outage_is_waited_out() {
    for status in [401, 402, 403] {
        let (receiver, client) = with_definitions(&[], |config| config);
        receiver.set_script(always(Reply::status(status)));
        let (ready, took) = timed(|| ph_flags_wait_ready(client.raw(), PATIENCE_MS));
        assert_eq!(ready, PH_ERROR_SERVER, "{status}");
        assert!(took < PATIENCE / 2, "{took:?}");
    }
    let (receiver, client) = with_definitions(&[everyone("f")], |config| config);
    receiver.set_script(always(Reply::status(503)));
    assert_eq!(ph_flags_wait_ready(client.raw(), 20), PH_ERROR_TIMEOUT);
    receiver.set_script(Script::new());
    // Where nothing is known yet, the next poll comes soon: before the 30 seconds of the others.
    let ((), took) = timed(|| client.wait_ready());
    assert!(took < PATIENCE, "{took:?}");
}

#[test]
fn what_the_server_asks_for_is_waited() {
    let (receiver, client) = with_definitions(&[everyone("f")], often);
    let busy = Reply::status(429).header("retry-after", "1");
    receiver.set_script(Script::new().next(PATH, busy));
    let (_, took) = timed(|| client.wait_ready());
    assert!(took >= millis(1_000), "{took:?}");
}

#[test]
fn a_refresh_need_not_be_waited_for() {
    let (receiver, client) = with_definitions(&[everyone("f")], |config| config);
    client.wait_ready();
    receiver.set_definitions(&definitions(&[nobody("f")]));
    let stop = Arc::new(Stop::default());
    let answer = Arc::clone(&stop);
    receiver.set_script(Script::new().compute(PATH, move |_| {
        answer.here();
        Reply::usual()
    }));
    assert_eq!(ph_flags_refresh(client.raw(), PH_NO_WAIT), PH_OK);
    assert_eq!(ph_flags_refresh(client.raw(), 50), PH_ERROR_TIMEOUT);
    assert_eq!(client.flag("u", "f"), Some(true));
    assert!(stop.is_reached() && !stop.is_left());
    stop.let_go();
    until("the change", || client.flag("u", "f") == Some(false));
}

fn poller_runs() -> bool {
    child::threads().iter().any(|name| name.starts_with("posthog-poller"))
}

/// Ends a client in that way while its poller is in the state that `options` bring about.
fn ends(test: &str, end: fn(&Client), prepare: fn(&Receiver)) {
    if child::passes(test, &[]) {
        return;
    }
    let (receiver, client) = with_definitions(&[everyone("f")], |config| config);
    prepare(&receiver);
    assert_eq!(ph_client_start(client.raw()), PH_OK);
    assert!(receiver.wait_for_requests(1, PATIENCE));
    assert!(poller_runs());
    // A poll may take ten seconds.
    let ((), took) = timed(|| end(&client));
    assert!(took < millis(5_000), "{took:?}");
    until("the end of the thread", || !poller_runs());
    // A poll that was under way may still reach the receiver, which is nobody's question.
    assert_eq!(client.flag("u", "f"), None);
    assert!(flag_requests(&receiver).is_empty());
}

fn hang(receiver: &Receiver) {
    receiver.set_script(always(Reply::usual().hang(At::Body)));
}

#[test]
fn shutdown_ends_a_poller_that_waits() {
    let end = |client: &Client| assert_eq!(client.shutdown(10_000), PH_OK);
    ends("flags::local::poller::shutdown_ends_a_poller_that_waits", end, |_| ());
}

#[test]
fn shutdown_ends_a_poll_that_hangs() {
    let end = |client: &Client| assert_eq!(client.shutdown(10_000), PH_OK);
    ends("flags::local::poller::shutdown_ends_a_poll_that_hangs", end, hang);
}

#[test]
fn opting_out_ends_a_poll_that_hangs_and_opting_in_lets_it_start_again() {
    let end = |client: &Client| assert_eq!(ph_opt_out(client.raw()), PH_OK);
    let test = "opting_out_ends_a_poll_that_hangs_and_opting_in_lets_it_start_again";
    ends(&format!("flags::local::poller::{test}"), end, hang);
    let (receiver, client) = with_definitions(&[everyone("f")], |config| config);
    client.wait_ready();
    assert_eq!(ph_opt_out(client.raw()), PH_OK);
    assert_eq!(client.flag("u", "f"), None);
    assert_eq!(ph_opt_in(client.raw()), PH_OK);
    receiver.set_definitions(&definitions(&[nobody("f")]));
    assert_eq!(client.refresh(), PH_OK);
    assert_eq!(client.flag("u", "f"), Some(false));
}

/// The thread of before is about to end then, or has not noticed that it was to.
#[test]
fn whoever_opts_in_at_once_has_a_poller() {
    let (_receiver, client) = with_definitions(&[everyone("f")], |config| config);
    client.wait_ready();
    for round in 0..500 {
        assert_eq!(ph_opt_out(client.raw()), PH_OK);
        let begun = std::time::Instant::now();
        while begun.elapsed() < std::time::Duration::from_micros(round % 100) {
            std::hint::spin_loop();
        }
        assert_eq!(ph_opt_in(client.raw()), PH_OK);
        assert_eq!(client.refresh(), PH_OK, "round {round}");
    }
}

#[test]
fn whoever_waits_is_woken_by_the_end() {
    let hole = BlackHole::start();
    let client =
        crate::client::to_url(&hole.url()).text(ph_config_set_secret_key, super::SECRET).client();
    std::thread::scope(|scope| {
        let waits = [ph_flags_wait_ready, ph_flags_refresh];
        let client = &client;
        let waiting = waits.map(|wait| scope.spawn(move || wait(client.raw(), PH_FOREVER)));
        std::thread::sleep(millis(100));
        assert_eq!(client.shutdown(5_000), PH_OK);
        for waiter in waiting {
            assert_eq!(waiter.join().unwrap(), PH_ERROR_SHUTDOWN);
        }
    });
    let closed = to(&Receiver::start()).client();
    assert_eq!(closed.shutdown(0), PH_OK);
    assert_eq!(ph_flags_wait_ready(closed.raw(), 0), PH_ERROR_SHUTDOWN);
}
