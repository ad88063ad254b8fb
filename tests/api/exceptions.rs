//! Exceptions beyond their frames: what is said of them, what is refused, and how many.

use crate::c::*;
use crate::client::{Client, Config, PATIENCE_MS, to};
use crate::handle::{Exception, Props};
use crate::hook::logged;
use crate::stats::Stats;
use posthog_receiver::Receiver;
use serde_json::{Value, json};
use std::ptr;

const ID: *const std::ffi::c_char = c"u".as_ptr();

fn capture(client: &Client, exception: &Exception) -> Status {
    ph_capture_exception(client.raw(), ID, exception.raw())
}

/// The properties of what arrives, in order.
fn arrived(client: &Client, receiver: &Receiver) -> Vec<Value> {
    assert_eq!(ph_flush(client.raw(), PATIENCE_MS), PH_OK);
    receiver.events().iter().map(|event| event.json["properties"].clone()).collect()
}

fn limited(config: Config, burst: u32, interval_ms: u32) -> Config {
    assert_eq!(ph_config_set_exception_limit(config.raw(), burst, interval_ms), PH_OK);
    config
}

#[test]
fn everything_that_can_be_said() {
    let receiver = Receiver::start();
    let config = to(&receiver).text(ph_config_set_release, "rel-7").group_index("company", 2);
    let client = config.client();
    let member = Exception::new("Member", "of a group").cause(&Exception::new("Root", ""), "cause");
    let exception = Exception::new("Outer", "m")
        .without_stack()
        .text(ph_exception_set_mechanism, "middleware")
        .text(ph_exception_set_source, "c.middleware")
        .cause(&member, "member");
    let (trace, span) = (c"4bf92f3577b34da6a3ce929d0e0e4736", c"00f067aa0ba902b7");
    let raw = exception.raw();
    assert_eq!(ph_exception_set_trace(raw, trace.as_ptr(), span.as_ptr()), PH_OK);
    assert_eq!(ph_exception_set_group(raw, c"company".as_ptr(), c"acme".as_ptr()), PH_OK);
    assert_eq!(ph_exception_set_synthetic(raw, true), PH_OK);
    let frames = r#"[{"platform":"python","function":"main"},{"function":"f","in_app":false}]"#;
    assert_eq!(ph_exception_set_frames(raw, frames.as_ptr().cast(), frames.len()), PH_OK);
    assert_eq!(capture(&client, &exception), PH_OK);
    let sent = arrived(&client, &receiver).remove(0);
    assert_eq!(
        sent["$exception_list"],
        json!([
            {
                "type": "Outer", "value": "m",
                "mechanism": {
                    "type": "middleware", "handled": true, "synthetic": true, "exception_id": 0,
                },
                "stacktrace": {"type": "raw", "frames": [
                    {"platform": "python", "function": "main", "in_app": true},
                    {"function": "f", "in_app": false},
                ]},
            },
            {
                "type": "Member", "value": "of a group",
                "mechanism": {
                    "type": "chained", "source": "member", "exception_id": 1, "parent_id": 0,
                },
            },
            {
                "type": "Root", "value": "",
                "mechanism": {
                    "type": "chained", "source": "cause", "exception_id": 2, "parent_id": 1,
                },
            },
        ])
    );
    for (key, value) in [
        ("$exception_source", json!("c.middleware")),
        ("$trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("$span_id", json!("00f067aa0ba902b7")),
        ("$release_id", json!("rel-7")),
        ("$groups", json!({"company": "acme"})),
        ("$group_2", json!("acme")),
    ] {
        assert_eq!(sent[key], value, "{key}");
    }
}

#[test]
fn a_tree_of_another_language() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let json = r#"[
        {"type": "ValueError", "value": "bad", "module": "builtins", "frames": [
            {"platform": "python", "function": "main", "lineno": 3, "in_app": true}]},
        {"type": "KeyError", "value": "k", "source": "context", "synthetic": false}
    ]"#;
    let mut raw = ptr::null_mut();
    assert_eq!(ph_exception_new_json(json.as_ptr().cast(), json.len(), &raw mut raw), PH_OK);
    let uuid = c"0194cc39-1f25-7000-8000-00000000000a";
    assert_eq!(ph_exception_set_uuid(raw, uuid.as_ptr()), PH_OK);
    assert_eq!(ph_exception_set_uuid(raw, c"no".as_ptr()), PH_ERROR_UUID);
    assert_eq!(ph_exception_set_timestamp_ms(raw, 1_700_000_000_123), PH_OK);
    assert_eq!(ph_exception_set_timestamp_ms(raw, i64::MAX), PH_ERROR_TIMESTAMP);
    assert_eq!(ph_capture_exception(client.raw(), ID, raw), PH_OK);
    ph_exception_free(raw);
    let sent = arrived(&client, &receiver).remove(0);
    let event = receiver.events()[0].json.clone();
    assert_eq!(event["uuid"].as_str(), uuid.to_str().ok());
    assert_eq!(event["timestamp"], "2023-11-14T22:13:20.123Z");
    let list = json!([
        {
            "type": "ValueError", "value": "bad", "module": "builtins",
            "mechanism": {
                "type": "generic", "handled": true, "synthetic": false, "exception_id": 0,
            },
            "stacktrace": {"type": "raw", "frames": [
                {"platform": "python", "function": "main", "lineno": 3, "in_app": true},
            ]},
        },
        {
            "type": "KeyError", "value": "k",
            "mechanism": {
                "type": "chained", "source": "context", "synthetic": false,
                "exception_id": 1, "parent_id": 0,
            },
        },
    ]);
    assert_eq!(sent["$exception_list"], list);
    assert!(sent.get("$debug_images").is_none());
}

#[test]
fn a_cycle_cannot_arise() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let (a, b) = (Exception::new("A", ""), Exception::new("B", ""));
    for _ in 0..1_000 {
        assert_eq!(ph_exception_add_cause(a.raw(), b.raw(), ptr::null()), PH_OK);
        assert_eq!(ph_exception_add_cause(b.raw(), a.raw(), ptr::null()), PH_OK);
        assert_eq!(ph_exception_add_cause(a.raw(), a.raw(), ptr::null()), PH_OK);
    }
    assert_eq!(capture(&client, &a), PH_OK);
    let sent = arrived(&client, &receiver).remove(0);
    assert_eq!(sent["$exception_list"].as_array().unwrap().len(), 50);
}

#[test]
fn what_is_huge_or_no_text_is_delivered_all_the_same() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let huge = "x".repeat(1 << 20);
    let exception = Exception::new("e", &huge).without_stack();
    let mut raw = ptr::null_mut();
    assert_eq!(ph_exception_new(c"T\xFFpe".as_ptr(), c"m\xC3".as_ptr(), &raw mut raw), PH_OK);
    let (name, file) = (c"f\xFF".as_ptr(), c"\xC3\x28.c".as_ptr());
    for _ in 0..10_000 {
        assert_eq!(ph_exception_add_frame(raw, name, file, 1, name, true), PH_OK);
    }
    assert_eq!(ph_exception_add_cause(exception.raw(), raw, ptr::null()), PH_OK);
    assert_eq!(capture(&client, &exception), PH_OK);
    assert_eq!(ph_capture_exception(client.raw(), ID, raw), PH_OK);
    ph_exception_free(raw);
    let sent = arrived(&client, &receiver);
    assert!(sent[0]["$exception_message"].as_str().unwrap().len() == 64 << 10);
    assert_eq!(sent[0]["$exception_list"][1]["type"], "T\u{FFFD}pe");
    assert_eq!(sent[1]["$exception_type"], "T\u{FFFD}pe");
    assert_eq!(sent[1]["$exception_message"], "m\u{FFFD}");
    let frames = sent[1]["$exception_list"][0]["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 64);
    assert_eq!(
        (&frames[0]["function"], &frames[0]["filename"]),
        (&json!("f\u{FFFD}"), &json!("\u{FFFD}(.c"))
    );
}

#[test]
fn without_a_distinct_id_it_is_nobodys() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let exception = Exception::new("e", "");
    assert_eq!(ph_capture_exception(client.raw(), ptr::null(), exception.raw()), PH_OK);
    let sent = arrived(&client, &receiver).remove(0);
    assert_eq!(sent["$process_person_profile"], false);
    assert_eq!(receiver.events()[0].json["distinct_id"].as_str().unwrap().len(), 36);
}

#[test]
fn a_million_of_one_kind_are_a_few_requests_and_a_number() {
    const MILLION: u64 = 1_000_000;
    let receiver = Receiver::start();
    let client = limited(to(&receiver), 10, 86_400_000).client();
    let exception = Exception::new("e", "in a loop");
    let mut passed = 0;
    for round in 0..=MILLION {
        if round == MILLION {
            // The last word of a program is never held back, and brings the number.
            assert_eq!(passed, 10);
            assert_eq!(ph_exception_set_level(exception.raw(), PH_LEVEL_FATAL), PH_OK);
        }
        match capture(&client, &exception) {
            PH_OK => passed += 1,
            refused => assert_eq!(refused, PH_ERROR_SUPPRESSED),
        }
    }
    assert_eq!(passed, 11);
    let stats = Stats::of(client.raw());
    assert_eq!(stats[PH_STAT_REFUSED_SUPPRESSED], MILLION - 10);
    let sent = arrived(&client, &receiver);
    assert_eq!(sent.len(), 11);
    assert_eq!(sent[10]["$exception_suppressed_count"], MILLION - 10);
    assert!(sent[..10].iter().all(|sent| sent.get("$exception_suppressed_count").is_none()));
}

#[test]
fn another_type_or_place_is_another_kind() {
    let receiver = Receiver::start();
    let client = limited(to(&receiver), 1, 0).client();
    let here = |kind| Exception::new(kind, "").frame("f", "a.c", 1, "", true);
    assert_eq!(capture(&client, &here("a")), PH_OK);
    assert_eq!(capture(&client, &here("a")), PH_ERROR_SUPPRESSED);
    assert_eq!(capture(&client, &here("b")), PH_OK);
    let elsewhere = Exception::new("a", "").frame("f", "a.c", 2, "", true);
    assert_eq!(capture(&client, &elsewhere), PH_OK);
    assert_eq!(capture(&client, &elsewhere), PH_ERROR_SUPPRESSED);

    let client = limited(to(&receiver), PH_FOREVER, 0).client();
    assert!((0..1_000).all(|_| capture(&client, &here("a")) == PH_OK));
    let config = to(&receiver);
    for (burst, interval) in [(1_000_001, 0), (0, 86_400_001)] {
        let status = ph_config_set_exception_limit(config.raw(), burst, interval);
        assert_eq!(status, PH_ERROR_RANGE);
    }
}

#[test]
fn steps_come_along_until_they_are_pushed_out() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let step = |message: &str, props: &Props| {
        ph_step_add(client.raw(), crate::handle::c_text(message).as_ptr(), props.raw())
    };
    let props = Props::new().int("level", 3).str("$timestamp", "mine");
    assert_eq!(step("entered", &props), PH_OK);
    assert_eq!(step(" ", &props), PH_ERROR_EMPTY);
    assert_eq!(step("long", &Props::new().str("x", &"x".repeat(32_768))), PH_ERROR_TOO_LARGE);
    for round in 0..2 {
        assert_eq!(capture(&client, &Exception::new("e", "")), PH_OK);
        let steps = arrived(&client, &receiver)[round]["$exception_steps"].clone();
        assert_eq!(steps.as_array().unwrap().len(), 1);
        assert_eq!((&steps[0]["$message"], &steps[0]["level"]), (&json!("entered"), &json!(3)));
        assert_ne!(steps[0]["$timestamp"], "mine");
    }
    for number in 0..5_000 {
        assert_eq!(step(&format!("step {number}"), &Props::new()), PH_OK);
    }
    assert_eq!(capture(&client, &Exception::new("e", "")), PH_OK);
    let own = Props::new().str("$exception_steps", "mine");
    assert_eq!(capture(&client, &Exception::new("e", "").props(&own)), PH_OK);
    let sent = arrived(&client, &receiver);
    let steps = sent[2]["$exception_steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap()["$message"], "step 4999");
    let bytes: usize = steps.iter().map(|step| step.to_string().len()).sum();
    assert!(bytes <= 32_768 && bytes > 32_000, "{bytes}");
    assert_eq!(sent[3]["$exception_steps"], "mine");
}

#[test]
fn what_an_exception_refuses() {
    let exception = Exception::new("e", "");
    let raw = exception.raw();
    for (json, status) in
        [("{}", PH_ERROR_JSON), ("[1]", PH_ERROR_JSON), ("", PH_ERROR_JSON), ("[]", PH_OK)]
    {
        assert_eq!(
            ph_exception_set_frames(raw, json.as_ptr().cast(), json.len()),
            status,
            "{json}"
        );
    }
    assert_eq!(ph_exception_set_mechanism(raw, c" ".as_ptr()), PH_ERROR_EMPTY);
    assert_eq!(ph_exception_set_source(raw, c"\xFF".as_ptr()), PH_ERROR_UTF8);
    let id = c"4bf92f3577b34da6a3ce929d0e0e4736".as_ptr();
    assert_eq!(ph_exception_set_trace(raw, id, id), PH_ERROR_RANGE);
    assert_eq!(ph_exception_set_addresses(raw, ptr::null(), 0), PH_OK);
}

/// What the program ends of may never be sent.
#[test]
fn a_fatal_one_that_is_in_memory_only_is_told_once() {
    let receiver = Receiver::start();
    let fatal = Exception::new("Fatal", "the end").without_stack();
    assert_eq!(ph_exception_set_level(fatal.raw(), PH_LEVEL_FATAL), PH_OK);
    let told = |config: Config| {
        let (config, lines) = logged(config);
        let client = config.client();
        assert_eq!(capture(&client, &Exception::new("Minor", "").without_stack()), PH_OK);
        assert!(!lines.all().iter().any(|line| line.contains("in memory only")));
        assert_eq!(capture(&client, &fatal), PH_OK);
        assert_eq!(capture(&client, &fatal), PH_OK);
        assert_eq!(ph_shutdown(client.raw(), PATIENCE_MS), PH_OK);
        lines.all().iter().filter(|line| line.contains("in memory only")).count()
    };
    assert_eq!(told(to(&receiver)), 1);
    let folder = std::env::temp_dir().join(format!("posthog-fatal-{}", std::process::id()));
    let path = std::ffi::CString::new(folder.to_str().unwrap()).unwrap();
    let config = to(&receiver);
    match ph_config_set_storage_dir(config.raw(), path.as_ptr()) {
        PH_OK => {
            assert_eq!(told(config), 0);
            // In order: nothing stays.
            std::fs::remove_dir(folder).unwrap();
        }
        status => assert_eq!(status, PH_ERROR_UNSUPPORTED),
    }
}
