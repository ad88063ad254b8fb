//! Clients beside one another and one after the other.

use crate::c::*;
use crate::client::{Client, Config, PATIENCE_MS, to, to_url};
use crate::handle::Props;
use crate::hook::Told;
use crate::time::{millis, promptly, timed, undisturbed, until};
use posthog_receiver::{At, BlackHole, Receiver, Reply, Script};
use std::thread;

fn with_key(receiver: &Receiver, key: &str) -> Config {
    Config::new(key)
        .host(&receiver.url())
        .set(ph_config_set_protocol, PH_PROTOCOL_V0)
        .set(ph_config_set_flush_interval_ms, 600_000)
}

#[test]
fn several_in_one_process_have_nothing_in_common() {
    let (one, other) = (Receiver::start(), Receiver::start());
    let first = with_key(&one, "phc_one").text(ph_config_deny_property, "secret").client();
    let second = with_key(&other, "phc_two").client();
    let third = with_key(&other, "phc_three").set(ph_config_set_is_server, false).client();
    assert_eq!(first.register(&Props::new().str("app", "first")), PH_OK);
    let secret = Props::new().int("secret", 1);
    for client in [&first, &second, &third] {
        assert_eq!(client.capture_with("u", "e", &secret), PH_OK);
    }
    assert_eq!(first.shutdown(PATIENCE_MS), PH_OK);
    assert_eq!(first.capture("u", "e"), PH_ERROR_SHUTDOWN);
    second.deliver();
    third.deliver();

    let sent = |receiver: &Receiver| -> Vec<(String, serde_json::Value)> {
        let key = |it: &serde_json::Value| it["api_key"].as_str().unwrap().to_owned();
        let bodies = receiver.requests().into_iter().map(|request| request.json.unwrap());
        bodies.map(|it| (key(&it), it["batch"][0]["properties"].clone())).collect()
    };
    let (one, other) = (sent(&one), sent(&other));
    assert_eq!((one.len(), one[0].0.as_str()), (1, "phc_one"));
    assert_eq!((&one[0].1["app"], one[0].1.get("secret")), (&"first".into(), None));
    let keys: Vec<&str> = other.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(keys, ["phc_two", "phc_three"]);
    for (_, properties) in &other {
        assert_eq!((properties.get("app"), &properties["secret"]), (None, &1.into()));
    }
    assert_eq!(other[1].1["$is_server"], false);
    for (client, refused) in [(&first, 1), (&second, 0), (&third, 0)] {
        let stats = client.stats();
        stats.assert_delivered(1);
        assert_eq!(stats.refused_total(), refused);
    }
}

#[test]
fn one_that_hangs_does_not_hold_up_another() {
    let (good, bad) = (Receiver::start(), Receiver::start());
    bad.set_script(Script::new().always("/batch/", Reply::usual().hang(At::Body)));
    let (healthy, hanging) = (to(&good).client(), to(&bad).client());
    hanging.capture_numbered("e", 0..1);
    assert_eq!(hanging.flush(50), PH_ERROR_TIMEOUT);
    healthy.capture_numbered("e", 0..1);
    healthy.deliver();
    assert_eq!(healthy.shutdown(PATIENCE_MS), PH_OK);
}

#[test]
fn many_may_come_and_go() {
    let receiver = Receiver::start();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..25 {
                    let client = to(&receiver).client();
                    client.capture_numbered("e", n..n + 1);
                    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
                }
            });
        }
    });
    assert_eq!(receiver.counts().accepted, 100);
}

#[test]
fn a_configuration_may_be_freed_changed_and_used_again() {
    let receiver = Receiver::start();
    let config = to(&receiver);
    let first = config.client();
    let config = config.text(ph_config_deny_property, "n");
    let second = config.client();
    drop(config);
    first.capture_numbered("e", 0..1);
    first.deliver();
    second.capture_numbered("e", 1..2);
    second.deliver();
    let numbers: Vec<Option<i64>> = receiver.accepted().iter().map(|event| event.n).collect();
    assert_eq!(numbers, [Some(0), None]);
}

/// Frees clients that were not shut down.
fn assert_freed_at_once(mut prepare: impl FnMut() -> Client) {
    promptly(millis(50), || {
        let client = prepare();
        timed(|| drop(client)).1
    });
}

#[test]
fn freeing_without_shutdown_waits_for_nothing() {
    let _quiet = undisturbed();
    let busy = |config: Config| {
        let client = config.client();
        client.capture_numbered("e", 0..5);
        assert_eq!(client.flush(50), PH_ERROR_TIMEOUT);
        client
    };
    let (receiver, hole) = (Receiver::start(), BlackHole::start());
    receiver.set_script(Script::new().always("/batch/", Reply::usual().hang(At::Body)));
    assert_freed_at_once(|| busy(to(&receiver)));
    assert_freed_at_once(|| busy(to_url(&hole.url())));
    assert_freed_at_once(|| to_url(&hole.url()).client());
}

#[test]
fn only_a_loss_is_logged_as_one() {
    let receiver = Receiver::start();
    let ends: [fn(Client); 3] = [
        drop,
        |client| assert_eq!(client.shutdown(PH_NO_WAIT), PH_OK),
        |client| assert_eq!(client.shutdown(1_000), PH_OK),
    ];
    for (round, end) in ends.into_iter().enumerate() {
        let lines = Told::new();
        let told = lines.clone();
        let client =
            to(&receiver).on_log(move |level, text| told.push((level, text.to_owned()))).client();
        client.capture_numbered("e", 0..1);
        client.deliver();
        end(client);
        let bad: Vec<_> = lines.all().into_iter().filter(|it| it.0 >= PH_LOG_WARN).collect();
        assert!(bad.is_empty(), "round {round}: {bad:?}");
    }
    let lines = Told::new();
    let told = lines.clone();
    receiver.set_script(Script::new().always("/batch/", Reply::usual().hang(At::Body)));
    let client =
        to(&receiver).on_log(move |level, text| told.push((level, text.to_owned()))).client();
    client.capture_numbered("e", 0..3);
    assert_eq!(client.shutdown(20), PH_ERROR_TIMEOUT);
    until("the loss is logged", || {
        lines.all().iter().any(|it| it.0 == PH_LOG_ERROR && it.1.contains('3'))
    });
}
