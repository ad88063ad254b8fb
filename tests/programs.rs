//! C programs against the library, as its users link it. Each of `tests/c` says in its head what it
//! shows; here they are compiled, given a receiver, and run, and what arrived is looked at.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use posthog_receiver::{At, Authority, Options, Outcome, Receiver, Record, Reply, Script};
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime};
use support::program::{Build, Program};
use support::{library, root, scratch};

// Has cargo build the library.
use posthog as _;

/// The events that arrived, by distinct id: their numbers `n`, sorted. No uuid arrived twice.
fn numbers(receiver: &Receiver) -> BTreeMap<String, Vec<i64>> {
    let mut numbers: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut uuids = HashSet::new();
    for event in receiver.accepted() {
        let uuid = event.uuid.expect("every event has a uuid");
        assert!(uuids.insert(uuid), "{uuid:032x} arrived twice");
        numbers.entry(event.distinct_id.into()).or_default().extend(event.n);
    }
    numbers.values_mut().for_each(|numbers| numbers.sort_unstable());
    numbers
}

#[test]
fn every_event_of_a_forking_process_arrives_once() {
    let options = Options { record: Record::Uuids, ..Options::default() };
    let receiver = Receiver::with(options).expect("a receiver");
    Program::new("fork_storm", Build::Shared).run(&[&receiver.url()]);

    let mut expected = BTreeMap::new();
    for thread in 0..4 {
        expected.insert(format!("parent-{thread}"), (0..5000).collect::<Vec<i64>>());
    }
    for child in 0..200 {
        expected.insert(format!("child-{child}"), (0..10).collect());
    }
    let numbers = numbers(&receiver);
    assert_eq!(numbers.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (id, expected) in expected {
        assert_eq!(numbers[&id], expected, "events of {id}");
    }
    assert_eq!(receiver.counts().attempted, 4 * 5000 + 200 * 10);
}

#[test]
fn a_child_of_every_moment_of_the_first_request_comes_back() {
    let receiver = Receiver::start();
    let program = Program::new("fork_early", Build::Shared);
    program.run(&[&receiver.url()]);
    let numbers = numbers(&receiver);
    let children = &numbers["child"];
    assert!(children.len() > 20, "the first request was over after {} forks", children.len());
    assert!(children.iter().copied().eq(0..children.len() as i64), "{children:?}");
    assert_eq!(numbers["parent"], [0]);

    // Without the system's certificates, of which there may be hundreds to read.
    let without = [("SSL_CERT_FILE", "/nonexistent")];
    let https = receiver.url().replace("http:", "https:");
    program.finish(&[&https], &without).expect_success();
}

#[test]
#[cfg(feature = "local-evaluation")]
fn definitions_survive_a_fork() {
    let receiver = receiver_with_flag();
    Program::new("fork_flags", Build::Shared).run(&[&receiver.url()]);
    // The children evaluated without a request for flags, and each read definitions by itself.
    let requests = receiver.requests();
    assert!(requests.iter().all(posthog_receiver::Request::is_definitions));
    assert!(requests.len() > 20, "{} requests", requests.len());
}

#[test]
#[cfg(feature = "local-evaluation")]
fn what_is_known_of_flags_survives_a_fork_at_any_moment() {
    let receiver = Receiver::start();
    receiver.set_flags(posthog_receiver::Flags::none().with("asked", posthog_receiver::Flag::on()));
    Program::new("fork_flag_storm", Build::Shared).run(&[&receiver.url()]);
}

/// A project whose flag `f` is on for everybody.
#[cfg(feature = "local-evaluation")]
fn receiver_with_flag() -> Receiver {
    let receiver = Receiver::start();
    let flag = serde_json::json!({"key": "f", "active": true, "filters": {"groups": [{}]}});
    receiver.set_definitions(&serde_json::json!({"flags": [flag]}));
    receiver
}

/// The example for a fleet: one process reads, another uses what it has read.
#[test]
#[cfg(feature = "local-evaluation")]
fn a_fleet_reads_definitions_once() {
    use std::os::fd::AsRawFd;

    let receiver = receiver_with_flag();
    let folder = support::scratch("shared-definitions");
    let _ = std::fs::remove_file(folder.join("definitions.json"));
    let (url, path) = (receiver.url(), folder.to_string_lossy());
    let variables = [
        ("POSTHOG_API_KEY", "phc_test"),
        ("POSTHOG_SECRET_KEY", "phx_test"),
        ("POSTHOG_HOST", url.as_str()),
    ];
    let example = Program::of(&root().join("examples/shared_definitions.c"), Build::Shared);
    let run = || example.finish(&[&path, "f"], &variables).expect_success();
    // Reading the flag is an event, which is no request for definitions.
    let asked = || {
        let requests = receiver.requests();
        requests.iter().filter(|request| request.is_definitions()).count()
    };
    assert_eq!((run().as_str(), asked()), ("f is on\n", 1));
    assert!(folder.join("definitions.json").exists());
    // This process has the turn now.
    let turn = std::fs::File::open(folder.join("turn")).expect("the lock's file");
    // SAFETY: the descriptor is open.
    assert_eq!(unsafe { libc::flock(turn.as_raw_fd(), libc::LOCK_EX) }, 0);
    assert_eq!((run().as_str(), asked()), ("f is on\n", 1));
}

/// Runs `fork` in a situation; the distinct ids of what arrived, in order of arrival.
fn fork(receiver: &Receiver, build: Build, situation: &str) -> Vec<String> {
    receiver.clear();
    Program::new("fork", build).run(&[&receiver.url(), situation]);
    let events = receiver.accepted();
    events.into_iter().map(|event| event.distinct_id.into_string()).collect()
}

#[test]
fn a_forked_child_has_a_client_of_its_own() {
    let receiver = Receiver::start();
    assert_eq!(fork(&receiver, Build::Shared, "inherit"), ["child", "before", "after"]);
    let of = |id: &str, key: &str| {
        let events = receiver.events();
        let event = events.iter().find(|event| event.json["distinct_id"] == id);
        event.expect("it arrived").json["properties"].get(key).is_some()
    };
    for id in ["before", "child", "after"] {
        assert!(of(id, "of_parent"), "{id} should have what its parent registered");
        assert_eq!(of(id, "of_child"), id == "child", "{id} and what the child registered");
    }
    assert_eq!(fork(&receiver, Build::Shared, "nested"), ["grandchild", "child", "parent"]);
    assert_eq!(fork(&receiver, Build::Shared, "free"), ["child", "before", "after"]);
    assert_eq!(fork(&receiver, Build::Shared, "closed"), ["before"]);
    assert_eq!(fork(&receiver, Build::Shared, "opted-out"), ["before", "opted in"]);
}

#[test]
fn a_child_does_not_wait_for_its_parents_request() {
    let receiver = Receiver::start();
    let late = Reply::usual().delay(Duration::from_secs(2));
    receiver.set_script(Script::new().next("/i/v1/", late));
    assert_eq!(fork(&receiver, Build::Shared, "busy"), ["child", "before"]);
}

#[test]
fn warm_captures_make_no_system_call_but_wake_ups() {
    let options = Options { record: Record::Count, ..Options::default() };
    let receiver = Receiver::with(options).expect("a receiver");
    let late = Reply::usual().delay(Duration::from_secs(1));
    receiver.set_script(Script::new().next("/i/v1/", late));
    Program::new("syscalls", Build::Shared).run(&[&receiver.url()]);
}

#[test]
fn the_sender_is_an_ordinary_thread() {
    let receiver = Receiver::sink();
    Program::new("sched", Build::Shared).run(&[&receiver.url()]);
}

#[test]
fn the_readme_s_test_of_a_program() {
    Program::new("test_mode", Build::Shared).run(&[]);
}

#[test]
fn a_disabled_client_has_no_thread_no_socket_and_no_file() {
    Program::new("disabled", Build::Shared).run(&[]);
}

#[test]
fn deadlines_hold_against_a_resolver_that_hangs() {
    Program::new("resolver", Build::Shared).run(&[]);
}

#[test]
fn a_failed_allocation_is_answered_where_the_header_says_so() {
    Program::new("memory", Build::Shared).run(&[]);
}

#[test]
fn a_server_that_hangs_up_raises_no_signal() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/", Reply::usual().reset(At::Head)));
    let program = Program::new("signals", Build::Shared);
    program.run(&[&receiver.url()]);
    assert!(receiver.counts().requests >= 5, "{:?}", receiver.counts());

    // In a TLS session, too, which a reset ends without a word.
    let authority = Authority::new();
    let receiver = Receiver::secure(authority.identity(&["127.0.0.1"]));
    receiver.set_script(Script::new().always("/", Reply::usual().reset(At::Head)));
    let ca = scratch("signals").join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("a scratch file");
    program.run(&[&receiver.url(), &ca.to_string_lossy()]);
    assert!(receiver.counts().requests >= 5, "{:?}", receiver.counts());
}

#[test]
fn a_process_may_end_in_any_way() {
    for way in ["return", "exit", "quick_exit", "atexit", "thread", "tls"] {
        let receiver = Receiver::start();
        let late = Reply::usual().delay(Duration::from_millis(500));
        receiver.set_script(Script::new().next("/i/v1/", late));
        Program::new("exits", Build::Shared).run(&[&receiver.url(), way]);
    }
}

#[test]
fn the_library_can_be_loaded_and_unloaded() {
    let receiver = Receiver::start();
    let path = library("libposthog.so");
    let path = path.to_str().expect("the target folder's name is UTF-8");
    Program::new("dlopen", Build::Alone).run(&[&receiver.url(), path]);
    assert_eq!(receiver.counts().accepted, 50);
}

/// Whose definitions have the flag that its server tells of: whether a program that has a secret
/// key asks before or after it has read them, it is told the same.
fn receiver_of_both() -> Receiver {
    let receiver = Receiver::start();
    let filters = serde_json::json!({"groups": [{}]});
    let flag = serde_json::json!({"key": "new-checkout", "active": true, "filters": filters});
    receiver.set_definitions(&serde_json::json!({"flags": [flag]}));
    receiver
}

#[test]
fn the_static_library_does_the_same() {
    let receiver = receiver_of_both();
    Program::new("sanitized", Build::Static).run(&[&receiver.url()]);
    let inherited = fork(&receiver, Build::Static, "inherit");
    assert_eq!(inherited, ["child", "before", "after"]);
}

/// A leak is told by this exit code, as every other find is.
const FOUND: i32 = 99;

#[track_caller]
fn run_sanitized(program: &Program, arguments: &[&str], host: &str) -> support::Finished {
    let options = format!("detect_leaks=1:exitcode={FOUND}");
    let undefined = format!("print_stacktrace=1:exitcode={FOUND}");
    program.finish(
        arguments,
        &[
            ("ASAN_OPTIONS", &options),
            ("UBSAN_OPTIONS", &undefined),
            ("POSTHOG_API_KEY", "phc_test"),
            ("POSTHOG_HOST", host),
        ],
    )
}

#[test]
fn the_sanitizers_find_nothing() {
    let receiver = receiver_of_both();
    let url = receiver.url();
    for name in ["sanitized", "signals", "sched"] {
        if name == "signals" {
            receiver.set_script(Script::new().always("/", Reply::usual().reset(At::Head)));
        } else {
            receiver.set_script(Script::new());
        }
        let program = Program::new(name, Build::Sanitized);
        run_sanitized(&program, &[&url], "").expect_success();
    }
    receiver.set_script(Script::new());
    receiver.clear();
    let quickstart = Program::of(&root().join("examples/quickstart.c"), Build::Sanitized);
    run_sanitized(&quickstart, &[], &url).expect_success();
    assert!(receiver.counts().accepted > 0);
}

/// A sanitizer that is not on finds nothing either.
#[test]
fn the_sanitizers_are_on() {
    let program = Program::new("faulty", Build::Sanitized);
    for (fault, message) in [
        ("overflow", "signed integer overflow"),
        ("leak", "detected memory leaks"),
        ("used-after-free", "heap-use-after-free"),
        ("out-of-bounds", "heap-buffer-overflow"),
    ] {
        let finished = run_sanitized(&program, &[fault], "");
        assert!(finished.code == Some(FOUND), "{fault} was not found: {finished}");
        assert!(finished.stderr.contains(message), "no {message}: {finished}");
    }
}

#[test]
fn a_transport_of_the_hosts_own_speaks_to_another_service() {
    let receiver = Receiver::start();
    // Three times nothing, in three ways; each batch comes again before what is behind it.
    receiver.set_script(
        Script::new()
            .next("/ingest-events", Reply::status(503))
            .next("/ingest-events", Reply::usual().reset(At::Head))
            .next("/ingest-events", Reply::usual().reset(At::Body)),
    );
    let program = Program::of(&root().join("examples/ingest_events.c"), Build::Sanitized);
    let url = receiver.url();
    let environment = [("POSTHOG_API_KEY", "phc_own"), ("POSTHOG_HOST", url.as_str())];
    let before = unix_millis();
    program.finish(&["2500"], &environment).expect_success();
    let after = unix_millis();

    let mut orders = Vec::new();
    for request in receiver.requests().iter().filter(|request| request.status == Some(200)) {
        assert_eq!(request.refusal, None);
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/ingest-events"));
        assert_eq!(request.header("x-api-key"), Some("phc_own"));
        let json = request.json.as_ref().expect("a body");
        assert_eq!(json["api_key"], "phc_own");
        if request.outcome != Outcome::Answered {
            continue;
        }
        for event in json["events"].as_array().expect("events") {
            assert_eq!(
                (&event["event_name"], &event["user_id"]),
                (&"order placed".into(), &"user_42".into())
            );
            let time = event["event_timestamp"].as_i64().expect("milliseconds");
            assert!((before..=after).contains(&time), "{before} <= {time} <= {after}");
            assert_eq!(event["properties"]["$lib"], "libposthog");
            orders.push(event["properties"]["order"].as_i64().expect("a number"));
        }
    }
    assert!(orders.iter().copied().eq(1..=2500), "{orders:?}");
}

fn unix_millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    since.as_millis() as i64
}
