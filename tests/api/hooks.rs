//! `before_send`, and what may be called from inside a callback.

use crate::c::*;
use crate::client::{PATIENCE_MS, to};
use crate::handle::{Event, Props, c_text, lent_text};
use crate::hook::{Told, logged};
use crate::time::until;
use posthog_receiver::{Receiver, Reply, Script};
use serde_json::{Value, json};
use std::ptr;

mod reentrancy;

fn set_property(event: *mut ph_event, key: &str, value: i64) {
    let props = Props::new().int(key, value);
    assert_eq!(ph_event_set_properties(event, props.raw()), PH_OK);
}

fn property(event: *mut ph_event, key: &str) -> Option<Value> {
    let text = lent_text(ph_event_get_property(event, c_text(key).as_ptr()))?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn the_chain_runs_in_order_and_each_sees_what_the_one_before_left() {
    let receiver = Receiver::start();
    let client = to(&receiver)
        .before_send(|event| {
            assert_eq!(property(event, "step"), None);
            set_property(event, "step", 1);
            0
        })
        .before_send(|event| {
            assert_eq!(property(event, "step"), Some(json!(1)));
            set_property(event, "step", 2);
            0
        })
        .before_send(|event| {
            assert_eq!(property(event, "step"), Some(json!(2)));
            set_property(event, "last", 3);
            0
        })
        .client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    let sent = &receiver.events()[0].json["properties"];
    assert_eq!((&sent["step"], &sent["last"]), (&json!(2), &json!(3)));
}

#[test]
fn everything_about_an_event_may_be_changed() {
    let receiver = Receiver::start();
    let uuid = "0194cc39-1f25-7000-8000-000000000001";
    let client = to(&receiver)
        .group_index("company", 1)
        .before_send(move |event| {
            assert_eq!(lent_text(ph_event_get_name(event)).as_deref(), Some("e"));
            assert_eq!(lent_text(ph_event_get_distinct_id(event)).as_deref(), Some("u"));
            assert_eq!(ph_event_set_name(event, c"renamed".as_ptr()), PH_OK);
            assert_eq!(ph_event_set_distinct_id(event, c"somebody".as_ptr()), PH_OK);
            assert_eq!(ph_event_set_uuid(event, c_text(uuid).as_ptr()), PH_OK);
            let time = c"2020-02-02T02:02:02Z".as_ptr();
            assert_eq!(ph_event_set_timestamp(event, time), PH_OK);
            assert_eq!(ph_event_remove_property(event, c"gone".as_ptr()), PH_OK);
            assert_eq!(ph_event_remove_property(event, c"$os".as_ptr()), PH_OK);
            let group = ph_event_set_group(event, c"company".as_ptr(), c"acme".as_ptr());
            assert_eq!(group, PH_OK);
            let person = Props::new().str("email", "a@b.c");
            assert_eq!(ph_event_set_person_properties(event, person.raw()), PH_OK);
            0
        })
        .client();
    let event = Event::new("u", "e")
        .props(ph_event_set_properties, &Props::new().int("gone", 1).int("a", 1));
    assert_eq!(client.capture_event(&event).as_deref(), Ok(uuid));
    client.deliver();
    let sent = &receiver.events()[0].json;
    assert_eq!(
        (&sent["event"], &sent["distinct_id"], &sent["uuid"], &sent["timestamp"]),
        (&json!("renamed"), &json!("somebody"), &json!(uuid), &json!("2020-02-02T02:02:02Z"))
    );
    let properties = &sent["properties"];
    assert_eq!((properties.get("gone"), properties.get("$os")), (None, None));
    assert_eq!((&properties["a"], &properties["$lib"]), (&json!(1), &json!("libposthog")));
    assert_eq!(properties["$set"], json!({"email": "a@b.c"}));
    assert_eq!(properties["$groups"], json!({"company": "acme"}));
    assert_eq!(properties["$group_1"], "acme");
    // The caller's own event is as it was.
    assert_eq!(lent_text(ph_event_get_name(event.raw())).as_deref(), Some("e"));
}

#[test]
fn it_sees_all_that_will_leave() {
    let receiver = Receiver::start();
    let seen = Told::new();
    let see = seen.clone();
    let client = to(&receiver)
        .text(ph_config_set_environment, "prod")
        .group_index("company", 2)
        .before_send(move |event| {
            let text = lent_text(ph_event_get_properties(event)).unwrap();
            see.push(serde_json::from_str::<Value>(&text).unwrap());
            0
        })
        .client();
    assert_eq!(client.register(&Props::new().str("app", "shop")), PH_OK);
    assert_eq!(client.capture_with("u", "e", &Props::new().str("environment", "mine")), PH_OK);
    client.capture_event(&Event::new("u", "e").group("company", "acme")).unwrap();
    client.deliver();
    let sent: Vec<Value> =
        receiver.events().iter().map(|event| event.json["properties"].clone()).collect();
    assert_eq!(seen.all(), sent);
    assert_eq!((&sent[0]["environment"], &sent[0]["app"]), (&json!("production"), &json!("shop")));
    assert_eq!(sent[1]["$group_2"], "acme");
}

#[test]
fn it_sees_denied_properties_which_do_not_leave() {
    let receiver = Receiver::start();
    let client = to(&receiver)
        .text(ph_config_deny_property, "secret")
        .before_send(|event| {
            assert_eq!(property(event, "secret"), Some(json!(7)));
            set_property(event, "had_secret", 1);
            0
        })
        .client();
    assert_eq!(client.capture_with("u", "e", &Props::new().int("secret", 7)), PH_OK);
    client.deliver();
    let sent = &receiver.events()[0].json["properties"];
    assert_eq!((sent.get("secret"), &sent["had_secret"]), (None, &json!(1)));
}

#[test]
fn dropping_is_told_counted_and_ends_the_chain() {
    let receiver = Receiver::start();
    let later = Told::new();
    let tell = later.clone();
    let client = to(&receiver)
        .before_send(|event| {
            let name = lent_text(ph_event_get_name(event)).unwrap();
            if name == "negative" { -1 } else { i32::from(name == "bad") }
        })
        .before_send(move |event| {
            tell.push(lent_text(ph_event_get_name(event)).unwrap());
            0
        })
        .client();
    assert_eq!(client.capture("u", "good"), PH_OK);
    assert_eq!(client.capture("u", "bad"), PH_ERROR_FILTERED);
    assert_eq!(client.capture("u", "negative"), PH_ERROR_FILTERED);
    assert_eq!(client.capture_event(&Event::new("u", "bad")), Err(PH_ERROR_FILTERED));
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_ACCEPTED], stats.refused(PH_ERROR_FILTERED)), (1, 3));
    client.deliver();
    client.stats().assert_delivered(1);
    assert_eq!(later.all(), ["good"]);
    assert_eq!(receiver.accepted()[0].event.as_ref(), "good");
}

#[test]
fn every_kind_of_event_passes_through_it() {
    let receiver = Receiver::start();
    let names = Told::new();
    let tell = names.clone();
    let client = to(&receiver)
        .before_send(move |event| {
            tell.push(lent_text(ph_event_get_name(event)).unwrap());
            0
        })
        .client();
    let (id, raw) = (c"u".as_ptr(), client.raw());
    assert_eq!(client.capture("u", "short"), PH_OK);
    client.capture_event(&Event::new("u", "long")).unwrap();
    assert_eq!(client.capture_json(b"u", b"json", b"{}"), PH_OK);
    assert_eq!(ph_identify(raw, id, ptr::null(), ptr::null()), PH_OK);
    assert_eq!(ph_alias(raw, id, id), PH_OK);
    assert_eq!(ph_group_identify(raw, id, id, id, ptr::null()), PH_OK);
    let exception = crate::handle::Exception::new("e", "m");
    assert_eq!(ph_capture_exception(raw, id, exception.raw()), PH_OK);
    let expected =
        ["short", "long", "json", "$identify", "$create_alias", "$groupidentify", "$exception"];
    assert_eq!(names.all(), expected);
}

#[test]
fn what_it_breaks_costs_only_that_event() {
    let receiver = Receiver::start();
    let client = to(&receiver)
        .set(ph_config_set_event_max_bytes, 4_096)
        .before_send(|event| {
            if lent_text(ph_event_get_name(event)).as_deref() == Some("grows") {
                let huge = Props::new().str("huge", &"x".repeat(8_192));
                assert_eq!(ph_event_set_properties(event, huge.raw()), PH_OK);
            }
            // What an event refuses, it refuses here too, and stays as it was.
            assert_eq!(ph_event_set_name(event, c"".as_ptr()), PH_ERROR_EMPTY);
            assert_eq!(ph_event_set_distinct_id(event, c"\xFF".as_ptr()), PH_ERROR_UTF8);
            0
        })
        .client();
    assert_eq!(client.capture("u", "good"), PH_OK);
    assert_eq!(client.capture("u", "grows"), PH_ERROR_TOO_LARGE);
    assert_eq!(client.capture("u", "good"), PH_OK);
    client.deliver();
    client.stats().assert_delivered(2);
    assert_eq!(client.stats().refused(PH_ERROR_TOO_LARGE), 1);
}

#[test]
fn it_runs_on_the_threads_that_capture() {
    let receiver = Receiver::start();
    let threads = Told::new();
    let tell = threads.clone();
    let client = to(&receiver)
        .before_send(move |_| {
            tell.push(std::thread::current().id());
            0
        })
        .client();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    assert_eq!(client.capture("u", "e"), PH_OK);
                }
            });
        }
    });
    client.deliver();
    client.stats().assert_delivered(1_000);
    let mut ids = threads.all();
    ids.sort_unstable_by_key(|id| format!("{id:?}"));
    ids.dedup();
    assert_eq!((threads.len(), ids.len()), (1_000, 4));
}

#[test]
fn log_lines_have_the_level_that_they_deserve() {
    let receiver = Receiver::start();
    let lines = Told::new();
    let tell = lines.clone();
    receiver.set_script(Script::new().next("/batch/", Reply::status(401)));
    let client =
        to(&receiver).on_log(move |level, text| tell.push((level, text.to_owned()))).client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    until("a success is told", || lines.all().iter().any(|it| it.1.contains("delivered 1")));
    let level = |part: &str| {
        let lines = lines.all();
        let line = lines.iter().find(|line| line.1.contains(part));
        line.unwrap_or_else(|| panic!("no line about {part}: {lines:?}")).0
    };
    // A port may have these digits, too.
    assert_eq!(level("status 401"), PH_LOG_WARN);
    assert_eq!(level("gave up 1 events"), PH_LOG_ERROR);
    assert_eq!(level("delivered 1"), PH_LOG_DEBUG);
    for (_, text) in lines.all() {
        assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
    }
}

#[test]
fn a_crash_handler_without_a_storage_directory_is_told() {
    let (config, lines) = logged(to(&Receiver::start()));
    match ph_config_set_crash_handler(config.raw(), true) {
        PH_OK => {
            let _client = config.client();
            let told = |line: &&String| line.contains("needs a storage directory");
            assert_eq!(lines.all().iter().filter(told).count(), 1);
        }
        status => assert_eq!(status, PH_ERROR_UNSUPPORTED),
    }
}

#[test]
fn why_a_client_is_disabled_is_one_line() {
    let receiver = Receiver::start();
    for (key, disabled, why) in [("", false, "key"), ("phc_test", true, "disabled")] {
        let lines = Told::new();
        let tell = lines.clone();
        let client = crate::client::Config::new(key)
            .host(&receiver.url())
            .set(ph_config_set_disabled, disabled)
            .on_log(move |level, text| tell.push((level, text.to_owned())))
            .client();
        assert_eq!(client.capture("u", "e"), PH_OK);
        assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
        drop(client);
        let lines = lines.all();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].0, PH_LOG_INFO);
        assert!(lines[0].1.contains(why), "{lines:?}");
    }
}
