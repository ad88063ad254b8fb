//! What the host is told: delivery callbacks, log lines, standard streams.

use super::numbers_of_requests;
use crate::c::*;
use crate::child;
use crate::client::{Config, KEY, PATIENCE_MS, refused_url, to, to_url};
use crate::hook::Told;
use crate::time::until;
use posthog_receiver::{Receiver, Reply, Script};
use std::io::Write;

#[test]
fn each_batch_is_told_once() {
    let receiver = Receiver::start();
    receiver.set_script(
        Script::new()
            .next("/batch/", Reply::status(503))
            .next("/batch/", Reply::usual())
            .next("/batch/", Reply::status(400))
            .times(3, "/batch/", Reply::status(500)),
    );
    let told = Told::new();
    let tell = told.clone();
    let client = to(&receiver)
        .set(ph_config_set_max_retries, 2)
        .on_delivery(move |delivery, events| tell.push((delivery, events)))
        .client();
    let expected = [
        (PH_OK, PH_DELIVERY_DELIVERED, 3),
        (PH_ERROR_LOST, PH_DELIVERY_FAILED, 1),
        (PH_ERROR_LOST, PH_DELIVERY_DROPPED, 2),
        (PH_OK, PH_DELIVERY_DELIVERED, 4),
    ];
    for (status, _, events) in expected {
        client.capture_numbered("e", 0..events);
        assert_eq!(client.flush(PATIENCE_MS), status);
    }
    until("the last is told", || told.len() == expected.len());
    let expected = expected.map(|(_, delivery, events)| (delivery, events as usize));
    assert_eq!(told.all(), expected);
    assert_eq!(numbers_of_requests(&receiver).len(), 2 + 1 + 3 + 1);
}

#[test]
fn expired_and_refused_connections_are_dropped() {
    let told = Told::new();
    let tell = told.clone();
    let client = to_url(&refused_url())
        .set(ph_config_set_max_age_ms, 100)
        .on_delivery(move |delivery, events| tell.push((delivery, events)))
        .client();
    client.capture_numbered("e", 0..2);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    until("it is told", || told.len() == 1);
    assert_eq!(told.all(), [(PH_DELIVERY_DROPPED, 2)]);
    let stats = client.stats();
    stats.assert_delivered(0);
    assert_eq!(stats[PH_STAT_DROPPED_EXPIRED], 2);
}

#[test]
fn a_failing_server_does_not_fill_the_log() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().times(30, "/batch/", Reply::status(503)));
    let lines = Told::new();
    let told = lines.clone();
    let client = to(&receiver)
        .set(ph_config_set_retry_base_ms, 2)
        .set(ph_config_set_retry_cap_ms, 4)
        .on_log(move |level, text| told.push((level, text.to_owned())))
        .client();
    client.capture_numbered("e", 0..1);
    client.deliver();
    let warnings: Vec<(i32, String)> =
        lines.all().into_iter().filter(|(level, _)| *level >= PH_LOG_WARN).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].1.contains("503"), "{warnings:?}");
}

#[test]
fn losing_events_is_an_error_and_an_outage_a_warning() {
    let receiver = Receiver::start();
    receiver.set_script(
        Script::new().next("/batch/", Reply::status(503)).next("/batch/", Reply::status(401)),
    );
    let lines = Told::new();
    let told = lines.clone();
    let client =
        to(&receiver).on_log(move |level, text| told.push((level, text.to_owned()))).client();
    client.capture_numbered("e", 0..1);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    until("the loss is told", || lines.all().iter().any(|(level, _)| *level == PH_LOG_ERROR));
    let lines = lines.all();
    let warned = |text: &str| lines.iter().any(|it| it.0 == PH_LOG_WARN && it.1.contains(text));
    assert!(warned("503") && warned("401"), "{lines:?}");
    // The key is nobody's business but the server's.
    assert!(lines.iter().all(|(_, text)| !text.contains(KEY)), "{lines:?}");
}

/// Everything that could make a library talk.
fn make_trouble(config: Config, receiver: &Receiver) {
    let config = config.set(ph_config_set_protocol, PH_PROTOCOL_V0);
    let client = config.set(ph_config_set_queue_max_events, 2).client();
    for _ in 0..300 {
        let _ = client.capture("u", "e");
    }
    receiver.set_script(
        Script::new().next("/batch/", Reply::status(503)).next("/batch/", Reply::status(400)),
    );
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    assert_eq!(client.capture("", ""), PH_ERROR_EMPTY);
    assert_eq!(client.shutdown(1_000), PH_OK);
    let unreachable = to_url(&refused_url()).client();
    let _ = unreachable.capture("u", "e");
    let _ = unreachable.shutdown(50);
    drop(Config::new("").client());
}

const BEGIN: &str = "<begin>";
const END: &str = "<end>";

/// Marks what is written between in both streams.
fn marked(run: impl FnOnce()) {
    print!("{BEGIN}");
    eprint!("{BEGIN}");
    std::io::stdout().flush().unwrap();
    run();
    print!("{END}");
    eprint!("{END}");
}

fn between_marks(stream: &[u8]) -> String {
    let text = String::from_utf8(stream.to_vec()).unwrap();
    text.split_once(BEGIN).unwrap().1.split_once(END).unwrap().0.to_owned()
}

#[test]
fn not_a_byte_to_the_standard_streams() {
    const NAME: &str = "delivery::told::not_a_byte_to_the_standard_streams";
    if let Some(output) = child::output(NAME, &[]) {
        assert_eq!(between_marks(&output.stdout), "");
        assert_eq!(between_marks(&output.stderr), "");
        return;
    }
    let receiver = Receiver::start();
    marked(|| make_trouble(to(&receiver), &receiver));
}

#[test]
fn debugging_writes_to_standard_error_alone() {
    const NAME: &str = "delivery::told::debugging_writes_to_standard_error_alone";
    if let Some(output) = child::output(NAME, &[("POSTHOG_DEBUG", "1"), ("POSTHOG_API_KEY", KEY)]) {
        assert_eq!(between_marks(&output.stdout), "");
        let errors = between_marks(&output.stderr);
        assert!(errors.lines().all(|line| line.starts_with("posthog: ")), "{errors}");
        assert!(errors.contains("503") && errors.contains("queue full"), "{errors}");
        assert!(!errors.contains(KEY), "{errors}");
        return;
    }
    let receiver = Receiver::start();
    let config = Config::from_env()
        .host(&receiver.url())
        .set(ph_config_set_flush_at, 1_000_000)
        .set(ph_config_set_retry_base_ms, 20);
    marked(|| make_trouble(config, &receiver));
}

#[test]
fn a_log_callback_gets_what_debugging_would_write() {
    const NAME: &str = "delivery::told::a_log_callback_gets_what_debugging_would_write";
    if let Some(output) = child::output(NAME, &[]) {
        assert_eq!(between_marks(&output.stdout), "");
        assert_eq!(between_marks(&output.stderr), "");
        return;
    }
    let receiver = Receiver::start();
    let lines = Told::new();
    let told = lines.clone();
    let config = to(&receiver)
        .set(ph_config_set_debug, true)
        .on_log(move |_, text| told.push(text.to_owned()));
    marked(|| make_trouble(config, &receiver));
    assert!(lines.all().iter().any(|line| line.contains("queue full")), "{:?}", lines.all());
}
