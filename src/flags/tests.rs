//! Over real HTTP, against the stand-in server.

use super::*;
use crate::hooks::Gate;
use crate::route::Route;
use posthog_receiver::{At, BlackHole, Flag, Flags as Table, Receiver, Reply, Script};
use serde_json::json;
use std::thread;

const PLENTY: Duration = Duration::from_secs(20);

struct Rig {
    flags: Flags,
    counters: Arc<Counters>,
    transport: Arc<Transport>,
}

fn rig(host: &str, configure: impl FnOnce(&mut Config)) -> Rig {
    let mut config = Config::new("phc_x");
    config.set_host(host).unwrap();
    config.flags_timeout_ms = 20_000;
    configure(&mut config);
    let logger = Logger::new(None, false, Arc::new(Gate::default()));
    let route = Arc::new(Route::new(&config, &logger).unwrap());
    let transport = Arc::new(Transport::new(route, Arc::default(), logger.clone()));
    let counters = Arc::new(Counters::default());
    let flags = Flags::new(
        &config,
        Arc::clone(&transport),
        Arc::clone(&counters),
        logger,
        &Arc::default(),
        None,
    );
    Rig { flags, counters, transport }
}

impl Rig {
    fn evaluate(&self, timeout: Duration) -> Result<Arc<Snapshot>, Error> {
        self.flags.evaluate("u", &Context::default(), timeout)
    }

    /// What is known of a flag: the fallback cannot be told from a value otherwise.
    fn known(&self, key: &str) -> Option<bool> {
        let both = [false, true]
            .map(|fallback| self.flags.enabled("u", key, None).enabled.unwrap_or(fallback));
        (both[0] == both[1]).then_some(both[0])
    }

    fn requests(&self) -> u64 {
        self.counters.flag_requests.get()
    }
}

fn receiver() -> Receiver {
    let receiver = Receiver::start();
    receiver.set_flags(Table::none().with("on", Flag::on()).with("off", Flag::off()));
    receiver
}

fn always(reply: Reply) -> Script {
    Script::new().always("/flags/", reply)
}

#[test]
fn a_server_that_asks_to_be_left_alone_is_not_asked_by_the_next() {
    let receiver = receiver();
    let busy = Reply::status(429).header("retry-after", "30");
    receiver.set_script(Script::new().next("/flags/", busy));
    let rig = rig(&receiver.url(), |_| ());
    for id in ["u", "v", "w"] {
        assert_eq!(rig.flags.enabled(id, "on", None).enabled, None);
    }
    assert_eq!(rig.requests(), 1);
    // An evaluation always asks, and what it hears ends the wait.
    assert_eq!(rig.evaluate(PLENTY).unwrap().enabled("on"), Some(true));
    assert_eq!(rig.flags.enabled("v", "on", None).enabled, Some(true));
}

#[test]
fn who_has_no_time_does_not_speak_for_the_others() {
    let receiver = receiver();
    let slow = Reply::usual().delay(Duration::from_millis(400));
    receiver.set_script(always(slow));
    let rig = rig(&receiver.url(), |_| ());
    let hasty = Duration::from_millis(50);
    for _ in 0..3 {
        assert_eq!(rig.evaluate(hasty).err(), Some(Error::Timeout));
    }
    // Neither is anybody remembered as unknown, nor the server as out.
    assert_eq!(rig.known("on"), Some(true));
    // Whoever has joined a request that is given up makes one of their own.
    let other = |id: &str| {
        thread::scope(|scope| {
            let before = rig.requests();
            let first = scope.spawn(|| rig.flags.evaluate(id, &Context::default(), hasty).err());
            assert!(eventually(|| rig.requests() > before));
            let second = if id == "v" {
                rig.flags.evaluate(id, &Context::default(), PLENTY).unwrap().enabled("on")
            } else {
                rig.flags.enabled(id, "on", None).enabled
            };
            assert_eq!((first.join().unwrap(), second), (Some(Error::Timeout), Some(true)), "{id}");
        });
    };
    other("v");
    other("w");
}

/// What the short form says of a flag and somebody without waiting for long.
fn timed(rig: &Rig, id: &str) -> (Option<bool>, Duration) {
    let begun = Instant::now();
    (rig.flags.enabled(id, "on", None).enabled, begun.elapsed())
}

/// Waits for what another thread is about to do.
fn eventually(what: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PLENTY;
    while !what() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

#[test]
fn evaluating_asks_every_time_and_the_short_form_remembers_it() {
    let receiver = receiver();
    let rig = rig(&receiver.url(), |_| {});
    for asked in 1..=2 {
        let snapshot = rig.evaluate(PLENTY).unwrap();
        assert_eq!(snapshot.flags().map(|flag| flag.key_text()).collect::<Vec<_>>(), ["off", "on"]);
        assert_eq!((snapshot.enabled("on"), snapshot.enabled("off")), (Some(true), Some(false)));
        assert_eq!(rig.requests(), asked);
    }
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].path, "/flags/?v=2");
    assert!(requests.iter().all(|request| request.header("authorization").is_none()));
    assert_eq!(rig.known("on"), Some(true));
    assert_eq!(rig.requests(), 2);
}

#[test]
fn what_needs_no_request_makes_none() {
    let receiver = receiver();
    let rig = rig(&receiver.url(), |_| {});
    let mut nothing = Context::default();
    nothing.limit_flag_keys();
    assert_eq!(rig.flags.evaluate("u", &nothing, PLENTY).unwrap().len(), 0);
    assert_eq!(rig.evaluate(Duration::ZERO).err(), Some(Error::Timeout));
    assert_eq!(rig.flags.evaluate(" ", &nothing, PLENTY).err(), Some(Error::Empty));
    for fallback in [true, false] {
        assert_eq!(
            rig.flags.enabled("u", "on", Some(&nothing)).enabled.unwrap_or(fallback),
            fallback
        );
        assert_eq!(rig.flags.enabled("", "on", None).enabled.unwrap_or(fallback), fallback);
    }
    nothing.add_flag_key("off").unwrap();
    assert!(rig.flags.enabled("u", "on", Some(&nothing)).enabled.unwrap_or(true));
    assert_eq!(rig.requests(), 0);
    assert!(!rig.flags.enabled("u", "off", Some(&nothing)).enabled.unwrap_or(true));
    assert_eq!(rig.requests(), 1);
}

#[test]
fn what_passes_is_tried_once_more() {
    for (script, requests, error) in [
        (Script::new().next("/flags/", Reply::status(502)), 2, None),
        (Script::new().next("/flags/", Reply::status(504)), 2, None),
        (Script::new().next("/flags/", Reply::usual().reset(At::Head)), 2, None),
        (Script::new().times(2, "/flags/", Reply::status(502)), 2, Some(Error::Server)),
        (
            Script::new().times(2, "/flags/", Reply::usual().reset(At::Head)),
            2,
            Some(Error::Network),
        ),
        (Script::new().next("/flags/", Reply::status(503)), 1, Some(Error::Server)),
        (Script::new().next("/flags/", Reply::status(401)), 1, Some(Error::Server)),
        (Script::new().next("/flags/", Reply::status(200).body("<html>")), 1, Some(Error::Server)),
    ] {
        let receiver = receiver();
        let name = format!("{script:?}");
        receiver.set_script(script);
        let rig = rig(&receiver.url(), |_| {});
        assert_eq!(rig.evaluate(PLENTY).err(), error, "{name}");
        assert_eq!(rig.requests(), requests, "{name}");
    }
}

#[test]
fn nobody_listening_is_not_tried_again() {
    let receiver = receiver();
    let url = receiver.url();
    receiver.stop();
    receiver.wait();
    drop(receiver);
    let rig = rig(&url, |_| {});
    assert_eq!(rig.evaluate(PLENTY).err(), Some(Error::Network));
    assert_eq!(rig.requests(), 1);
}

#[test]
fn the_timeout_covers_everything() {
    let slow: [(&str, Reply); 3] = [
        ("hang", Reply::usual().hang(At::Head)),
        ("half", Reply::usual().hang(At::Body)),
        ("retry", Reply::status(502).delay(Duration::from_millis(150))),
    ];
    for (name, reply) in slow {
        let receiver = receiver();
        receiver.set_script(always(reply));
        let rig = rig(&receiver.url(), |config| config.flags_timeout_ms = 400);
        let begun = Instant::now();
        let error = rig.evaluate(Duration::from_millis(400)).err();
        assert!(begun.elapsed() < Duration::from_millis(1_400), "{name}: {:?}", begun.elapsed());
        assert!(matches!(error, Some(Error::Timeout | Error::Server)), "{name}: {error:?}");
        let begun = Instant::now();
        assert!(rig.flags.enabled("u", "off", None).enabled.unwrap_or(true), "{name}");
        assert!(begun.elapsed() < Duration::from_millis(1_400), "{name}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_second_attempt_has_only_what_the_first_left() {
    let receiver = receiver();
    let late = Reply::status(502).delay(Duration::from_millis(1_500));
    let then = Reply::usual().hang(At::Head);
    receiver.set_script(Script::new().next("/flags/", late).always("/flags/", then));
    let rig = rig(&receiver.url(), |_| {});
    let begun = Instant::now();
    assert_eq!(rig.evaluate(Duration::from_secs(4)).err(), Some(Error::Timeout));
    assert!(begun.elapsed() < Duration::from_millis(5_400), "{:?}", begun.elapsed());
    assert_eq!(rig.requests(), 2);
}

#[test]
fn a_host_that_swallows_everything_costs_the_timeout() {
    let hole = BlackHole::start();
    let rig = rig(&hole.url(), |config| config.flags_timeout_ms = 200);
    let begun = Instant::now();
    assert_eq!(rig.known("on"), None);
    // A timeout is waited for in whole milliseconds.
    assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_millis(1_200), "{:?}", begun.elapsed());
    // The second call found that it is too soon to ask again.
    assert_eq!(rig.requests(), 1);
    assert_eq!(rig.evaluate(Duration::from_millis(50)).err(), Some(Error::Timeout));
}

#[test]
fn the_short_form_asks_once_for_every_flag() {
    let receiver = receiver();
    let rig = rig(&receiver.url(), |_| {});
    for _ in 0..3 {
        assert_eq!(rig.known("on"), Some(true));
        assert_eq!(rig.known("off"), Some(false));
        assert_eq!(rig.known("missing"), None);
    }
    assert_eq!(rig.requests(), 1);
    assert!(rig.flags.enabled("v", "on", None).enabled.unwrap_or(false));
    assert_eq!(rig.requests(), 2);
}

#[test]
fn what_was_known_outlives_a_server_that_fails() {
    let receiver = receiver();
    let rig = rig(&receiver.url(), |config| config.flags_ttl_ms.set(1).unwrap());
    assert_eq!(rig.known("on"), Some(true));
    receiver.set_script(always(Reply::status(500)));
    for _ in 0..5 {
        thread::sleep(Duration::from_millis(3));
        assert_eq!((rig.known("on"), rig.known("off")), (Some(true), Some(false)));
        assert_eq!(rig.known("missing"), None);
    }
    let limited = json!({"flags": {}, "quotaLimited": ["feature_flags"]});
    receiver.set_script(always(Reply::status(200).json(&limited)));
    thread::sleep(Duration::from_millis(3));
    assert_eq!(rig.known("on"), Some(true));
}

#[test]
fn never_waiting_asks_in_the_background() {
    let receiver = receiver();
    receiver.set_script(always(Reply::usual().delay(Duration::from_millis(100))));
    let rig = rig(&receiver.url(), |config| config.flags_timeout_ms = 0);
    let begun = Instant::now();
    for _ in 0..50 {
        rig.flags.enabled("u", "on", None).enabled.unwrap_or(false);
    }
    assert!(begun.elapsed() < Duration::from_millis(90), "{:?}", begun.elapsed());
    assert!(eventually(|| rig.known("on") == Some(true)));
    assert_eq!(rig.known("off"), Some(false));
    assert_eq!(rig.requests(), 1);
}

#[test]
fn closing_ends_waits_and_stops_requests_until_it_is_opened() {
    let receiver = receiver();
    receiver.set_script(always(Reply::usual().hang(At::Head)));
    let rig = rig(&receiver.url(), |_| {});
    thread::scope(|scope| {
        let evaluation = scope.spawn(|| rig.evaluate(PLENTY).err());
        let short = scope.spawn(|| rig.flags.enabled("v", "off", None).enabled.unwrap_or(true));
        assert!(eventually(|| receiver.requests().len() == 2));
        let begun = Instant::now();
        rig.flags.close();
        rig.transport.close();
        assert_eq!(evaluation.join().unwrap(), Some(Error::Shutdown));
        assert!(short.join().unwrap());
        assert!(begun.elapsed() < Duration::from_secs(2));
    });
    receiver.set_script(Script::new());
    assert_eq!(rig.evaluate(PLENTY).err(), Some(Error::Shutdown));
    assert_eq!(rig.known("on"), None);
    assert_eq!(rig.requests(), 2);
    rig.transport.open();
    rig.flags.open();
    // Being closed was no failure of the server's: there is no pause.
    assert_eq!(rig.known("on"), Some(true));
}

#[test]
fn closing_forgets_what_waits_for_the_background() {
    let receiver = receiver();
    receiver.set_script(always(Reply::usual().hang(At::Head)));
    let rig = rig(&receiver.url(), |config| config.flags_timeout_ms = 0);
    for index in 0..10 {
        rig.flags.enabled(&format!("u{index}"), "on", None).enabled.unwrap_or(false);
    }
    assert!(eventually(|| receiver.requests().len() == 1));
    rig.flags.close();
    rig.transport.close();
    receiver.set_script(Script::new());
    thread::sleep(Duration::from_millis(50));
    assert_eq!(rig.requests(), 1);
    rig.transport.open();
    rig.flags.open();
    assert!(eventually(|| rig.flags.enabled("u9", "on", None).enabled.unwrap_or(false)));
    assert_eq!(rig.requests(), 2);
}

#[test]
fn a_child_keeps_what_its_parent_knew() {
    let receiver = receiver();
    let parent = rig(&receiver.url(), |_| {});
    assert_eq!(parent.known("on"), Some(true));
    let mut config = Config::new("phc_x");
    config.set_host(&receiver.url()).unwrap();
    let logger = Logger::new(None, false, Arc::new(Gate::default()));
    let counters = Arc::new(Counters::default());
    let transport = Arc::clone(&parent.transport);
    let child = Flags::new(
        &config,
        transport,
        Arc::clone(&counters),
        logger,
        &Arc::default(),
        Some(&parent.flags),
    );
    assert!(child.enabled("u", "on", None).enabled.unwrap_or(false));
    assert_eq!(counters.flag_requests.get(), 0);
}

#[test]
fn during_an_outage_nobody_waits_and_one_tries_again() {
    let receiver = receiver();
    receiver.set_script(always(Reply::usual().hang(At::Head)));
    let rig = rig(&receiver.url(), |config| {
        config.flags_timeout_ms = 200;
        config.request_timeout_ms.set(200).unwrap();
    });
    for id in ["a", "b"] {
        assert!(timed(&rig, id).1 >= Duration::from_millis(190));
    }
    for id in 0..100 {
        let (known, took) = timed(&rig, &id.to_string());
        assert!(known.is_none() && took < Duration::from_millis(100), "{took:?}");
    }
    assert_eq!(rig.requests(), 2);
    // After a pause somebody is asked about, and nobody waits for that either.
    thread::sleep(Duration::from_millis(1_050));
    receiver.set_script(Script::new());
    let (known, took) = timed(&rig, "z");
    assert!(known.is_none() && took < Duration::from_millis(100), "{took:?}");
    assert!(eventually(|| rig.flags.enabled("z", "on", None).enabled == Some(true)));
    assert_eq!(timed(&rig, "new").0, Some(true));
}

#[test]
fn whoever_evaluates_the_same_shares_the_request() {
    let receiver = receiver();
    receiver.set_script(always(Reply::usual().delay(Duration::from_millis(300))));
    let rig = rig(&receiver.url(), |_| {});
    thread::scope(|scope| {
        let evaluation = || rig.evaluate(PLENTY).unwrap().enabled("on");
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(evaluation)).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == Some(true)));
    });
    assert!(rig.requests() < 8, "{}", rig.requests());
    // Each waits for as long as it wants to, and no longer.
    let before = rig.requests();
    thread::scope(|scope| {
        scope.spawn(|| rig.evaluate(PLENTY).unwrap());
        assert!(eventually(|| rig.requests() == before + 1));
        let begun = Instant::now();
        let hasty = rig.evaluate(Duration::from_millis(50)).unwrap();
        assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
        let flag = hasty.get("on").unwrap();
        assert_eq!((flag.enabled(), flag.origin()), (Some(true), draft::Origin::Stale));
    });
}

#[test]
fn an_evaluation_without_an_answer_has_what_was_known_before() {
    let receiver = receiver();
    let rig = rig(&receiver.url(), |_| {});
    receiver.set_script(always(Reply::status(500)));
    assert_eq!(rig.evaluate(PLENTY).err(), Some(Error::Server));
    receiver.set_script(Script::new());
    assert_eq!(rig.evaluate(PLENTY).unwrap().get("on").unwrap().origin(), draft::Origin::Remote);
    for (reply, reason) in [
        (Reply::status(500), c"api_error_500"),
        (Reply::usual().reset(At::Head), c"connection_error"),
        (Reply::status(200).body("<html>"), c"unknown_error"),
    ] {
        receiver.set_script(always(reply));
        let stale = rig.evaluate(PLENTY).unwrap();
        let flag = stale.get("on").unwrap();
        assert_eq!((flag.enabled(), flag.origin()), (Some(true), draft::Origin::Stale));
        assert_eq!((stale.enabled("off"), stale.reason(b"gone")), (Some(false), Some(reason)));
    }
}

#[test]
fn what_was_told_of_somebody_goes_along_with_the_question() {
    let receiver = receiver();
    let rig = rig(&receiver.url(), |_| {});
    let mut props = crate::props::Props::new();
    props.set_str("plan", b"pro").unwrap();
    rig.flags.properties().set_person("u", &props).unwrap();
    rig.known("on");
    rig.flags.enabled("v", "on", None);
    rig.flags.properties().forget_person(Some("u"));
    rig.evaluate(PLENTY).unwrap();
    let sent = receiver.requests();
    let plans = sent.iter().map(|it| it.json.as_ref().unwrap()["person_properties"].clone());
    assert_eq!(plans.collect::<Vec<_>>(), [json!({"plan": "pro"}), json!({}), json!({})]);
}
