//! `ph_flag_enabled`: what it remembers of whom, and when it asks.

use super::{Context, three, with_flags};
use crate::c::*;
use crate::client::{Config, to, to_url};
use crate::handle::Props;
use crate::time::{PATIENCE, Stop, millis, promptly, timed, undisturbed, until};
use posthog_receiver::{At, BlackHole, Flag, Flags, Receiver, Reply, Script};
use serde_json::json;
use std::sync::{Arc, Barrier};
use std::thread;

pub fn for_millis(ttl: u32) -> impl FnOnce(Config) -> Config {
    move |config| config.set(ph_config_set_flags_ttl_ms, ttl)
}

#[test]
fn one_request_answers_for_every_flag_of_a_person() {
    let (receiver, client) = with_flags(three(), |config| config);
    for _ in 0..50 {
        assert_eq!(client.flag("u", "on"), Some(true));
        assert_eq!(client.flag("u", "off"), Some(false));
        assert_eq!(client.flag("u", "many"), Some(true));
        // A clean answer says what does not exist, too.
        assert_eq!(client.flag("u", "none"), None);
    }
    assert_eq!(receiver.counts().requests, 1);
    assert_eq!(client.flag("v", "on"), Some(true));
    assert_eq!(receiver.counts().requests, 2);
    assert_eq!(client.stat(PH_STAT_FLAG_REQUESTS), 2);
}

#[test]
fn all_of_it_can_be_had() {
    let (receiver, client) = with_flags(three(), |config| config);
    assert_eq!(client.flag("u", "on"), Some(true));
    let first = client.recall("u").unwrap();
    assert_eq!(first.keys(), ["many", "off", "on"]);
    assert_eq!(first.payload("many").as_deref(), Some(r#"{"copy":"hello","n":[1,2.5]}"#));
    assert_eq!(first.enabled("off"), Some(false));
    assert_eq!(receiver.counts().requests, 1);

    // What is not remembered is asked for, and remembered then.
    assert_eq!(client.recall("v").unwrap().enabled("on"), Some(true));
    assert_eq!(client.flag("v", "on"), Some(true));
    assert_eq!(receiver.counts().requests, 2);

    receiver.set_script(Script::new().always("/flags/", Reply::status(500)));
    assert_eq!(client.recall("nobody yet").map(|_| ()), Err(PH_ERROR_SERVER));
    assert_eq!(client.recall("u").unwrap().keys(), first.keys());
    assert_eq!(client.recall("").map(|_| ()), Err(PH_ERROR_EMPTY));
    let never = to(&receiver).set(ph_config_set_flags_timeout_ms, 0).client();
    assert_eq!(never.recall("u").map(|_| ()), Err(PH_ERROR_TIMEOUT));
}

#[test]
fn another_context_is_another_identity() {
    let (receiver, client) = with_flags(three(), |config| config);
    let nothing = Props::new();
    let contexts = [
        Context::new(),
        Context::new().group("company", "acme", &nothing),
        Context::new().group("company", "evil", &nothing),
        Context::new().person(&Props::new().str("plan", "pro")),
        Context::new().text(ph_context_set_device_id, "d"),
    ];
    for _ in 0..3 {
        for context in &contexts {
            assert!(client.flag_in("u", "on", Some(context), false));
        }
    }
    assert_eq!(receiver.counts().requests, contexts.len() as u64);
    // An empty context is the same as none.
    assert_eq!(client.flag("u", "on"), Some(true));
    assert_eq!(receiver.counts().requests, contexts.len() as u64);
}

#[test]
fn an_answer_holds_for_its_time() {
    // Long enough for a busy machine to ask twice in that time.
    let (receiver, client) = with_flags(three(), for_millis(2_000));
    assert_eq!(client.flag("u", "on"), Some(true));
    receiver.set_flags(Flags::none().with("on", Flag::off()).with("new", Flag::on()));
    assert_eq!((client.flag("u", "on"), client.flag("u", "new")), (Some(true), None));
    assert_eq!(receiver.counts().requests, 1);
    thread::sleep(millis(2_020));
    assert_eq!((client.flag("u", "on"), client.flag("u", "new")), (Some(false), Some(true)));
    assert!(receiver.counts().requests >= 2);
}

#[test]
fn a_failure_keeps_what_was_known() {
    let (receiver, client) = with_flags(three(), for_millis(50));
    assert_eq!(client.flag("u", "on"), Some(true));
    receiver.set_script(Script::new().always("/flags/", Reply::status(500)));
    thread::sleep(millis(60));
    let (_, took) = timed(|| {
        for _ in 0..20 {
            assert_eq!(client.flag("u", "on"), Some(true), "stale, but known");
            assert_eq!(client.flag("u", "off"), Some(false));
        }
    });
    // One failed; the next attempt comes after a pause, which is a second at least.
    let most = 2 + took.as_secs();
    assert!(receiver.counts().requests <= most, "{} in {took:?}", receiver.counts().requests);
    assert_eq!(client.flag("nobody yet", "on"), None);
    receiver.set_script(Script::new());
    receiver.set_flags(Flags::none().with("on", Flag::off()));
    until("the pause is over", || client.flag("u", "on") == Some(false));
}

#[test]
fn a_dead_server_is_not_asked_at_every_call() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/flags/", Reply::status(500)));
    let client = to(&receiver).client();
    let (_, took) = timed(|| {
        for _ in 0..200 {
            assert_eq!(client.flag("u", "on"), None);
        }
    });
    // A second's pause after the first failure, twice as long after the next.
    let most = 2 + took.as_secs();
    assert!(receiver.counts().requests <= most, "{} in {took:?}", receiver.counts().requests);
}

#[test]
fn only_a_clean_answer_says_what_is_not_there() {
    let flag = json!({"key": "on", "enabled": true});
    let partial = json!({"flags": {"on": flag}, "errorsWhileComputingFlags": true});
    let receiver = Receiver::start();
    receiver.set_flags(three());
    receiver.set_script(Script::new().next("/flags/", Reply::status(200).json(&partial)));
    let client = to(&receiver).client();
    assert_eq!((client.flag("u", "on"), client.flag("u", "off")), (Some(true), None));
    // It does not hold for the minute of a clean one: soon it is asked about again.
    until("a clean answer", || client.flag("u", "off") == Some(false));
    assert_eq!(receiver.counts().requests, 2);
}

#[test]
fn what_an_answer_with_errors_lacks_keeps_its_value() {
    let (receiver, client) = with_flags(three(), for_millis(50));
    assert_eq!(client.flag("u", "off"), Some(false));
    let partial = json!({"flags": {"on": {"enabled": false}}, "errorsWhileComputingFlags": true});
    receiver.set_script(Script::new().always("/flags/", Reply::status(200).json(&partial)));
    thread::sleep(millis(60));
    assert_eq!(client.flag("u", "on"), Some(false), "what it has is believed");
    assert_eq!(client.flag("u", "off"), Some(false), "what it lacks is kept");
}

#[test]
fn eight_threads_that_ask_at_once_make_one_request() {
    let receiver = Receiver::start();
    receiver.set_flags(three());
    receiver.set_script(Script::new().always("/flags/", Reply::usual().delay(millis(200))));
    let client = to(&receiver).client();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                assert_eq!(client.flag("u", "on"), Some(true));
            });
        }
    });
    assert_eq!(receiver.counts().requests, 1);
}

/// Answers to flag requests come when they are let go.
fn held(answers: &Arc<Stop>) -> Script {
    let answers = Arc::clone(answers);
    Script::new().compute("/flags/", move |_| {
        answers.here();
        Reply::usual()
    })
}

#[test]
fn different_people_are_asked_about_at_once() {
    let (receiver, answers) = (Receiver::start(), Arc::new(Stop::default()));
    receiver.set_script(held(&answers));
    let client = to(&receiver).client();
    let ids = ["a", "b", "c", "d"];
    thread::scope(|scope| {
        for id in ids {
            let client = &client;
            scope.spawn(move || assert!(client.flag_in(id, "new-checkout", None, false)));
        }
        // All are under way before the first is answered.
        assert!(receiver.wait_for_requests(4, PATIENCE));
        answers.let_go();
    });
}

#[test]
fn its_total_time_is_bounded_retry_included() {
    let _quiet = undisturbed();
    for reply in [
        Reply::usual().hang(At::Body),
        Reply::status(502).delay(millis(200)),
        Reply::usual().drip(posthog_receiver::Part::All, 1, millis(50)),
    ] {
        promptly(millis(650), || {
            let receiver = Receiver::start();
            receiver.set_script(Script::new().always("/flags/", reply.clone()));
            let client = to(&receiver).set(ph_config_set_flags_timeout_ms, 400).client();
            let (on, took) = timed(|| client.flag_in("u", "on", None, true));
            assert!(on, "the fallback");
            took
        });
    }
    let hole = BlackHole::start();
    promptly(millis(550), || {
        let client = to_url(&hole.url()).set(ph_config_set_flags_timeout_ms, 300).client();
        let (on, took) = timed(|| client.flag_in("u", "on", None, false));
        assert!(!on, "the fallback");
        took
    });
}

#[test]
fn whoever_waits_for_another_waits_no_longer() {
    let _quiet = undisturbed();
    promptly(millis(600), || {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/flags/", Reply::usual().hang(At::Body)));
        let client = to(&receiver).set(ph_config_set_flags_timeout_ms, 300).client();
        let longest = thread::scope(|scope| {
            let read = || timed(|| client.flag_in("u", "on", None, true));
            let readers: Vec<_> = (0..6).map(|_| scope.spawn(read)).collect();
            let ends = readers.into_iter().map(|reader| reader.join().unwrap());
            ends.map(|(on, took)| if on { took } else { panic!("not the fallback") }).max()
        });
        assert_eq!(receiver.counts().requests, 1);
        longest.unwrap()
    });
}

#[test]
fn with_a_timeout_of_zero_it_never_waits() {
    let (receiver, answer) = (Receiver::start(), Arc::new(Stop::default()));
    receiver.set_flags(three());
    receiver.set_script(held(&answer));
    let client = to(&receiver).set(ph_config_set_flags_timeout_ms, 0).client();
    assert_eq!((client.flag("u", "on"), client.flag("u", "many")), (None, None));
    answer.let_go();
    // It was asked for in the background, once.
    until("an answer", || client.flag("u", "on") == Some(true));
    assert_eq!(receiver.counts().requests, 1);
    assert_eq!((client.flag("u", "off"), client.flag("u", "none")), (Some(false), None));
    assert_eq!(receiver.counts().requests, 1);
    assert_eq!(client.shutdown(1_000), PH_OK);
}

#[test]
fn with_a_timeout_of_zero_a_stale_answer_is_renewed() {
    let options = |it: Config| {
        it.set(ph_config_set_flags_timeout_ms, 0).set(ph_config_set_flags_ttl_ms, 2_000)
    };
    let (receiver, client) = with_flags(three(), options);
    until("an answer", || client.flag("u", "on") == Some(true));
    receiver.set_flags(Flags::none().with("on", Flag::off()));
    thread::sleep(millis(2_020));
    assert_eq!(client.flag("u", "on"), Some(true), "stale, and asked for");
    until("the new answer", || client.flag("u", "on") == Some(false));
}

#[test]
fn identities_are_bounded() {
    let (receiver, client) =
        with_flags(three(), |it| it.set(ph_config_set_flags_max_identities, 3));
    for id in ["a", "b", "c", "a", "b", "c"] {
        assert_eq!(client.flag(id, "on"), Some(true));
    }
    assert_eq!(receiver.counts().requests, 3);
    // The one that was used longest ago makes room.
    assert_eq!(client.flag("d", "on"), Some(true));
    for id in ["b", "c", "d"] {
        assert_eq!(client.flag(id, "on"), Some(true));
    }
    assert_eq!(receiver.counts().requests, 4);
    assert_eq!(client.flag("a", "on"), Some(true));
    assert_eq!(receiver.counts().requests, 5);
}

#[test]
fn it_works_beside_a_sender_that_is_busy() {
    let receiver = Receiver::start();
    receiver.set_flags(three());
    receiver.set_script(Script::new().always("/batch/", Reply::usual().hang(At::Body)));
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..3);
    assert_eq!(client.flush(50), PH_ERROR_TIMEOUT);
    assert_eq!(client.flag("u", "on"), Some(true));
    assert_eq!(client.shutdown(50), PH_ERROR_TIMEOUT);
    assert_eq!(client.flag("u", "on"), None, "shut down: the fallback");
}
