//! Clients that are not to do anything: disabled ones, and those whose user has opted out.

use crate::c::*;
use crate::child;
use crate::client::{Client, Config, KEY, PATIENCE_MS, to, to_url};
use crate::handle::{Event, Props};
use crate::hook::Told;
use crate::time::{PATIENCE, millis, timed, until, within};
use posthog_receiver::{At, BlackHole, Outcome, Receiver, Reply, Script};
use std::env;
use std::ptr;
use std::thread;
use std::time::Duration;

/// Where a parent's receiver is, for a test that goes on in a child.
const URL: &str = "POSTHOG_API_TEST_URL";
/// What the header promises is a second; the rest is for a busy machine. A request may take ten.
const AT_MOST: Duration = Duration::from_secs(5);

fn url() -> String {
    env::var(URL).unwrap()
}

/// Everything that a client can be asked for.
fn use_it(client: &Client) {
    assert_eq!(ph_client_start(client.raw()), PH_OK);
    for _ in 0..200 {
        assert_eq!(client.capture("u", "e"), PH_OK);
    }
    assert_eq!(client.capture_event(&Event::new("u", "e")).as_deref(), Ok(""));
    let id = c"u".as_ptr();
    assert_eq!(ph_identify(client.raw(), id, ptr::null(), ptr::null()), PH_OK);
    let mut flags = ptr::null_mut();
    assert_eq!(ph_flags_evaluate(client.raw(), id, ptr::null(), 1_000, &raw mut flags), PH_OK);
    ph_flags_free(flags);
    assert_falls_back(client);
    assert_eq!(client.flush(1_000), PH_OK);
}

fn assert_falls_back(client: &Client) {
    for fallback in [true, false] {
        let (id, key) = (c"u".as_ptr(), c"new-checkout".as_ptr());
        assert_eq!(ph_flag_enabled(client.raw(), id, key, ptr::null(), fallback), fallback);
    }
}

/// In a process of its own: using the client leaves threads and descriptors as they were.
fn assert_leaves_no_trace(config: Config) {
    let before = (child::threads(), child::descriptors());
    let client = config.host(&url()).set(ph_config_set_flags_timeout_ms, 0).client();
    use_it(&client);
    thread::sleep(millis(100));
    assert_eq!((child::threads(), child::descriptors()), before);
    assert!(client.stats().is_zero(), "{:?}", client.stats());
    assert_eq!(client.shutdown(1_000), PH_OK);
}

/// Runs a test in a child with these variables; its receiver must not hear of it.
fn stays_silent(test: &str, variables: &[(&str, &str)]) -> bool {
    let receiver = Receiver::start();
    let url = receiver.url();
    let variables = [variables, &[(URL, url.as_str()), ("POSTHOG_HOST", url.as_str())]].concat();
    let ran = child::passes(test, &variables);
    assert_eq!((receiver.connections(), receiver.counts().requests), (0, 0));
    ran
}

#[test]
fn without_a_key_there_is_no_thread_socket_or_file() {
    const NAME: &str = "optout::without_a_key_there_is_no_thread_socket_or_file";
    if !stays_silent(NAME, &[]) {
        assert_leaves_no_trace(Config::new(""));
        assert_leaves_no_trace(Config::from_env());
    }
}

#[test]
fn disabled_there_is_no_thread_socket_or_file() {
    const NAME: &str = "optout::disabled_there_is_no_thread_socket_or_file";
    if !stays_silent(NAME, &[]) {
        assert_leaves_no_trace(Config::new(KEY).set(ph_config_set_disabled, true));
    }
}

#[test]
fn disabled_by_the_environment_there_is_no_thread_socket_or_file() {
    const NAME: &str = "optout::disabled_by_the_environment_there_is_no_thread_socket_or_file";
    let variables = ["POSTHOG_DISABLED", "ANALYTICS_DISABLED", "DO_NOT_TRACK"];
    if env::var_os(URL).is_none() {
        for variable in variables {
            for value in ["1", "true", "yes"] {
                assert!(stays_silent(NAME, &[("POSTHOG_API_KEY", KEY), (variable, value)]));
            }
        }
        return;
    }
    let lines = Told::new();
    let told = lines.clone();
    let config = Config::from_env().on_log(move |_, text| told.push(text.to_owned()));
    assert_leaves_no_trace(config);
    let set = variables.into_iter().find(|name| env::var_os(name).is_some()).unwrap();
    assert!(lines.len() == 1 && lines.all()[0].contains(set), "{:?}", lines.all());
}

#[test]
fn a_variable_that_says_no_disables_nothing() {
    const NAME: &str = "optout::a_variable_that_says_no_disables_nothing";
    let receiver = Receiver::start();
    let url = receiver.url();
    for variable in ["POSTHOG_DISABLED", "ANALYTICS_DISABLED", "DO_NOT_TRACK"] {
        for value in ["0", "false", "No", "OFF", ""] {
            let variables =
                [("POSTHOG_API_KEY", KEY), ("POSTHOG_HOST", url.as_str()), (variable, value)];
            if !child::passes(NAME, &variables) {
                let client = Config::from_env().client();
                assert_eq!(client.capture("u", "e"), PH_OK);
                client.deliver();
                return;
            }
        }
    }
    assert_eq!(receiver.counts().accepted, 15);
}

#[test]
fn a_client_that_is_made_and_not_used_leaves_no_trace() {
    const NAME: &str = "optout::a_client_that_is_made_and_not_used_leaves_no_trace";
    if stays_silent(NAME, &[]) {
        return;
    }
    let before = (child::threads(), child::descriptors());
    let client = to_url(&url()).client();
    assert_eq!(client.register(&Props::new().int("a", 1)), PH_OK);
    assert_eq!(client.flush(1_000), PH_OK);
    assert_eq!((child::threads(), child::descriptors()), before);
    // And one that is used has a thread with a name, until it is shut down.
    assert_eq!(ph_client_start(client.raw()), PH_OK);
    until("the sender", || child::threads().iter().any(|name| name.starts_with("posthog-")));
    assert_eq!(client.shutdown(1_000), PH_OK);
    assert!(within(AT_MOST, || (child::threads(), child::descriptors()) == before));
}

#[test]
fn opting_out_drops_and_counts_what_is_queued() {
    let receiver = Receiver::start();
    let told = Told::new();
    let tell = told.clone();
    let client = to(&receiver).on_delivery(move |it, events| tell.push((it, events))).client();
    client.capture_numbered("e", 0..7);
    assert!(!ph_is_opted_out(client.raw()));
    assert_eq!(ph_opt_out(client.raw()), PH_OK);
    assert!(ph_is_opted_out(client.raw()));
    let stats = client.stats();
    stats.assert_delivered(0);
    assert_eq!((stats[PH_STAT_DROPPED_OPTED_OUT], stats[PH_STAT_QUEUED_BYTES]), (7, 0));
    // From here on nothing is taken, and nothing is counted.
    use_it(&client);
    assert_eq!(client.stats(), stats);
    assert_eq!(ph_opt_out(client.raw()), PH_OK);
    assert_eq!(client.stats(), stats);
    assert_eq!((receiver.counts().requests, receiver.connections()), (0, 0));
    assert_eq!(client.shutdown(1_000), PH_OK);
}

#[test]
fn opting_in_again_works_again() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    for round in 0..3 {
        client.capture_numbered("kept", round..round + 1);
        client.deliver();
        client.capture_numbered("dropped", 0..2);
        assert_eq!(ph_opt_out(client.raw()), PH_OK);
        client.capture_numbered("ignored", 0..5);
        assert_eq!(ph_opt_in(client.raw()), PH_OK);
        assert!(!ph_is_opted_out(client.raw()));
    }
    client.capture_numbered("kept", 3..4);
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    let stats = client.stats();
    stats.assert_delivered(4);
    assert_eq!((stats[PH_STAT_ACCEPTED], stats[PH_STAT_DROPPED_OPTED_OUT]), (10, 6));
    let names: Vec<_> = receiver.accepted().into_iter().map(|event| event.event).collect();
    assert!(names.len() == 4 && names.iter().all(|name| name.as_ref() == "kept"), "{names:?}");
}

#[test]
fn what_was_under_way_does_not_come_back() {
    for fault in [Reply::usual().hang(At::Body), Reply::status(503).header("Retry-After", "30")] {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().next("/batch/", fault));
        let client = to(&receiver).client();
        client.capture_numbered("before", 0..3);
        assert_eq!(client.flush(200), PH_ERROR_TIMEOUT);
        assert_eq!(ph_opt_out(client.raw()), PH_OK);
        assert_eq!(ph_opt_in(client.raw()), PH_OK);
        client.capture_numbered("after", 0..1);
        client.deliver();
        until("the batch is settled", || client.stat(PH_STAT_IN_FLIGHT) == 0);
        let stats = client.stats();
        stats.assert_delivered(1);
        assert_eq!(stats[PH_STAT_DROPPED_OPTED_OUT], 3);
        let names: Vec<_> = receiver.accepted().into_iter().map(|event| event.event).collect();
        assert!(names.len() == 1 && names[0].as_ref() == "after", "{names:?}");
    }
}

#[test]
fn a_capture_that_waits_for_room_takes_nothing() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/batch/", Reply::usual().hang(At::Body)));
    let client = to(&receiver)
        .set(ph_config_set_queue_max_events, 2)
        .overflow(PH_OVERFLOW_BLOCK, PATIENCE_MS)
        .client();
    client.capture_numbered("e", 0..1);
    assert_eq!(client.flush(PH_NO_WAIT), PH_ERROR_TIMEOUT);
    assert!(receiver.wait_for_requests(1, PATIENCE));
    client.capture_numbered("e", 1..3);
    thread::scope(|scope| {
        let blocked: Vec<_> = (0..3).map(|_| scope.spawn(|| client.capture("u", "late"))).collect();
        thread::sleep(millis(100));
        assert_eq!(ph_opt_out(client.raw()), PH_OK);
        for capture in blocked {
            assert_eq!(capture.join().unwrap(), PH_OK);
        }
    });
    until("all is settled", || client.stat(PH_STAT_IN_FLIGHT) == 0);
    let stats = client.stats();
    stats.assert_delivered(0);
    assert_eq!((stats[PH_STAT_ACCEPTED], stats[PH_STAT_DROPPED_OPTED_OUT]), (3, 3));
}

#[test]
fn flags_fall_back_without_a_request() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let (id, key) = (c"u".as_ptr(), c"new-checkout".as_ptr());
    let enabled = |fallback| ph_flag_enabled(client.raw(), id, key, ptr::null(), fallback);
    assert!(enabled(false));
    assert_eq!(receiver.counts().requests, 1);
    assert_eq!(ph_opt_out(client.raw()), PH_OK);
    // What is remembered does not count either.
    assert_falls_back(&client);
    let mut flags = ptr::null_mut();
    assert_eq!(ph_flags_evaluate(client.raw(), id, ptr::null(), 1_000, &raw mut flags), PH_OK);
    assert_eq!(ph_flags_get_count(flags), 0);
    ph_flags_free(flags);
    assert_eq!(receiver.counts().requests, 1);
    assert_eq!(ph_opt_in(client.raw()), PH_OK);
    assert!(enabled(false));
}

/// In a process of its own: a client that does what `prepare` makes it do is left without threads
/// and sockets soon after opting out, and works again when opted in.
fn assert_everything_ends(options: impl FnOnce(Config) -> Config, prepare: impl FnOnce(&Client)) {
    let before = (child::threads(), child::sockets());
    let client = options(to_url(&url())).client();
    prepare(&client);
    assert!(child::threads().len() > before.0.len(), "{:?}", child::threads());
    let (status, took) = timed(|| ph_opt_out(client.raw()));
    assert_eq!(status, PH_OK);
    assert!(took < AT_MOST, "{took:?}");
    let gone = within(AT_MOST, || (child::threads(), child::sockets()) == before);
    assert!(gone, "{before:?} {:?} {:?}", child::threads(), child::descriptors());
    let stats = client.stats();
    stats.assert_balances();
    assert_eq!(stats[PH_STAT_QUEUED] + stats[PH_STAT_IN_FLIGHT], 0);
}

/// Runs a test in a child against a receiver with that script; the receiver after it.
fn against(test: &str, script: Script) -> Option<Receiver> {
    let receiver = Receiver::start();
    receiver.set_script(script);
    child::passes(test, &[(URL, &receiver.url())]).then_some(receiver)
}

#[test]
fn the_idle_sender_and_its_connection_end() {
    const NAME: &str = "optout::the_idle_sender_and_its_connection_end";
    if let Some(receiver) = against(NAME, Script::new()) {
        assert_eq!(receiver.counts().accepted, 3);
        return;
    }
    assert_everything_ends(
        |config| config,
        |client| {
            client.capture_numbered("e", 0..3);
            client.deliver();
            assert!(child::sockets() > 0, "the connection is kept");
        },
    );
}

#[test]
fn a_request_that_hangs_ends() {
    const NAME: &str = "optout::a_request_that_hangs_ends";
    let hang = Script::new().always("/batch/", Reply::usual().hang(At::Body));
    if let Some(receiver) = against(NAME, hang) {
        assert!(receiver.counts().requests <= 1 && receiver.counts().accepted == 0);
        return;
    }
    assert_everything_ends(
        |config| config,
        |client| {
            client.capture_numbered("e", 0..3);
            assert_eq!(client.flush(200), PH_ERROR_TIMEOUT);
            client.capture_numbered("e", 3..5);
        },
    );
}

#[test]
fn an_answer_that_drips_ends() {
    const NAME: &str = "optout::an_answer_that_drips_ends";
    let drip = Reply::usual().drip(posthog_receiver::Part::All, 1, millis(100));
    if let Some(receiver) = against(NAME, Script::new().always("/batch/", drip)) {
        let gone = || receiver.requests().iter().all(|it| it.outcome == Outcome::Lost);
        assert!(within(PATIENCE, gone), "the receiver still has a peer");
        return;
    }
    assert_everything_ends(
        |config| config,
        |client| {
            client.capture_numbered("e", 0..3);
            assert_eq!(client.flush(300), PH_ERROR_TIMEOUT);
        },
    );
}

#[test]
fn a_wait_before_a_retry_ends() {
    const NAME: &str = "optout::a_wait_before_a_retry_ends";
    let later = Reply::status(503).header("Retry-After", "30");
    if let Some(receiver) = against(NAME, Script::new().always("/batch/", later)) {
        // None, if the user was quicker than the request.
        assert!(receiver.counts().requests <= 1);
        return;
    }
    assert_everything_ends(
        |config| config,
        |client| {
            client.capture_numbered("e", 0..3);
            assert_eq!(client.flush(200), PH_ERROR_TIMEOUT);
        },
    );
}

#[test]
fn an_attempt_to_connect_ends() {
    const NAME: &str = "optout::an_attempt_to_connect_ends";
    if env::var_os(URL).is_none() {
        let hole = BlackHole::start();
        assert!(child::passes(NAME, &[(URL, &hole.url())]));
        return;
    }
    assert_everything_ends(
        |config| config,
        |client| {
            client.capture_numbered("e", 0..3);
            assert_eq!(client.flush(200), PH_ERROR_TIMEOUT);
        },
    );
}

#[test]
fn a_refresh_of_flags_ends() {
    const NAME: &str = "optout::a_refresh_of_flags_ends";
    let hang = Script::new().always("/flags/", Reply::usual().hang(At::Body));
    if let Some(receiver) = against(NAME, hang) {
        // None, if the user was quicker than the request.
        assert!(receiver.counts().requests <= 1);
        return;
    }
    assert_everything_ends(
        |config| config.set(ph_config_set_flags_timeout_ms, 0),
        |client| {
            assert_falls_back(client);
            until("a request", || client.stat(PH_STAT_FLAG_REQUESTS) == 1);
        },
    );
}

#[test]
fn whoever_waits_is_let_go() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/", Reply::usual().hang(At::Body)));
    let client = to(&receiver).set(ph_config_set_flags_timeout_ms, 60_000).client();
    client.capture_numbered("e", 0..1);
    thread::scope(|scope| {
        let flush = scope.spawn(|| client.flush(PH_FOREVER));
        let flag = scope.spawn(|| {
            let (id, key) = (c"u".as_ptr(), c"new-checkout".as_ptr());
            ph_flag_enabled(client.raw(), id, key, ptr::null(), true)
        });
        assert!(receiver.wait_for_requests(2, PATIENCE));
        let ((), took) = timed(|| {
            assert_eq!(ph_opt_out(client.raw()), PH_OK);
            assert_eq!(flush.join().unwrap(), PH_ERROR_LOST);
            assert!(flag.join().unwrap(), "the fallback");
        });
        assert!(took < AT_MOST, "{took:?}");
    });
    client.stats().assert_delivered(0);
}

#[test]
fn opting_in_does_not_undo_a_shutdown() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    assert_eq!(ph_opt_out(client.raw()), PH_OK);
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
    assert_eq!(ph_opt_in(client.raw()), PH_OK);
    assert_eq!(client.capture("u", "late"), PH_ERROR_SHUTDOWN);
    assert_eq!(client.flush(PATIENCE_MS), PH_OK);
    assert_eq!(receiver.requests().len(), 0);
}
