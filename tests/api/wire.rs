//! What a request to `/batch/` looks like: envelope, stamps, headers, connections.

use crate::c::*;
use crate::child;
use crate::client::{Config, KEY, to, to_url};
use crate::handle::{Event, Props};
use crate::time::PATIENCE;
use posthog_receiver::{Receiver, Reply, Script};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

mod groups;
mod kinds;
mod properties;

/// The only event that a receiver has.
pub fn the_event(receiver: &Receiver) -> Value {
    let mut events = receiver.events();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0).json
}

/// Its properties without the library's stamps, each of which has to be there.
pub fn own_properties(event: &Value) -> Value {
    let mut properties = event["properties"].as_object().unwrap().clone();
    for stamp in ["$lib", "$lib_version", "$os", "$os_version", "$is_server", "$geoip_disable"] {
        assert!(properties.shift_remove(stamp).is_some(), "{stamp} is missing: {event}");
    }
    properties.into()
}

/// Captures a bare event with these options; its properties.
fn stamped(options: impl FnOnce(Config) -> Config, props: &Props) -> Value {
    let receiver = Receiver::start();
    let client = options(to(&receiver)).client();
    assert_eq!(client.capture_with("u", "e", props), PH_OK);
    client.deliver();
    the_event(&receiver)["properties"].clone()
}

fn os_version() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim().to_owned()
}

/// The time that a text says, which has to be UTC with `Z` and six digits of a second.
fn micros(text: &str) -> SystemTime {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z", "{text}");
    // The date of HTTP is the only calendar at hand; the fraction is added by itself.
    let number = |range: std::ops::Range<usize>| text[range].parse::<u64>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let march = (month + 9) % 12;
    let years = year - u64::from(march > 9);
    let days = 365 * years + years / 4 - years / 100 + years / 400 + (march * 306 + 5) / 10 + day;
    let secs = (days - 719_469) * 86_400 + number(11..13) * 3_600 + number(14..16) * 60;
    SystemTime::UNIX_EPOCH
        + Duration::from_secs(secs + number(17..19))
        + Duration::from_micros(number(20..26))
}

#[test]
fn the_body_is_exactly_this() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let before = SystemTime::now();
    let props = Props::new().str("plan", "pro").int("amount", 4999);
    assert_eq!(client.capture_with("user_42", "order placed", &props), PH_OK);
    let captured = SystemTime::now();
    client.deliver();

    let request = &receiver.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/batch/"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let body = request.json.clone().unwrap();
    let event = &body["batch"][0];
    let (sent_at, timestamp) = (&body["sent_at"], &event["timestamp"]);
    let uuid = event["uuid"].as_str().unwrap();
    assert_eq!(
        body,
        json!({
            "api_key": KEY,
            "sent_at": sent_at,
            "batch": [{
                "event": "order placed",
                "uuid": uuid,
                "distinct_id": "user_42",
                "timestamp": timestamp,
                "properties": {
                    "plan": "pro",
                    "amount": 4999,
                    "$lib": "libposthog",
                    "$lib_version": env!("CARGO_PKG_VERSION"),
                    "$os": "Linux",
                    "$os_version": os_version(),
                    "$is_server": true,
                    "$geoip_disable": true,
                },
            }],
        })
    );
    let timestamp = micros(timestamp.as_str().unwrap());
    // A clock that reads microseconds is up to one behind.
    assert!(timestamp + Duration::from_micros(1) > before && timestamp <= captured);
    let sent_at = micros(sent_at.as_str().unwrap());
    assert!(sent_at >= timestamp && sent_at <= request.arrived);
    assert_version_7(uuid, timestamp);
}

/// RFC 9562, section 5.7: 48 bits of milliseconds, the version, the variant.
fn assert_version_7(uuid: &str, time: SystemTime) {
    let digits: String = uuid.chars().filter(|c| *c != '-').collect();
    assert_eq!((uuid.len(), digits.len()), (36, 32), "{uuid}");
    assert_eq!(uuid, uuid.to_lowercase());
    let millis = u64::from_str_radix(&digits[..12], 16).unwrap();
    assert_eq!(Duration::from_millis(millis).as_millis(), since_1970(time).as_millis());
    assert_eq!(&digits[12..13], "7");
    assert!("89ab".contains(&digits[16..17]), "{uuid}");
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

#[test]
fn sent_at_is_of_the_attempt_and_the_rest_of_the_capture() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().times(2, "/batch/", Reply::status(503)));
    let client = to(&receiver).client();
    client.capture_numbered("e", 0..3);
    client.deliver();

    let bodies: Vec<Value> =
        receiver.requests().iter().map(|request| request.json.clone().unwrap()).collect();
    assert_eq!(bodies.len(), 3);
    for (earlier, later) in bodies.iter().zip(&bodies[1..]) {
        assert_eq!(earlier["batch"], later["batch"]);
        let sent_at = |body: &Value| micros(body["sent_at"].as_str().unwrap());
        // Half of the first wait is certain: 10 milliseconds.
        assert!(sent_at(later) >= sent_at(earlier) + Duration::from_millis(10));
    }
}

#[test]
fn the_uuid_that_is_returned_is_the_one_that_is_sent() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let fresh = client.capture_event(&Event::new("u", "fresh")).unwrap();
    let given = "0194CC39-1f25-7000-8000-00000000000A";
    let event = Event::new("u", "given").text(ph_event_set_uuid, given);
    assert_eq!(client.capture_event(&event), Ok(given.to_lowercase()));
    client.deliver();

    let events = receiver.events();
    assert_eq!(events[0].json["uuid"], fresh);
    assert_eq!(events[1].json["uuid"], given.to_lowercase());
}

#[test]
fn a_callers_time_is_sent_in_utc_with_its_own_fraction() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let texts = [
        ("2026-11-20T10:00:00.123+02:00", "2026-11-20T08:00:00.123Z"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
        ("2026-11-20T10:00:00.000000001Z", "2026-11-20T10:00:00.000000001Z"),
        ("2026-11-20T10:00:00.50-00:30", "2026-11-20T10:30:00.50Z"),
        ("2024-02-29T23:30:00.1-01:00", "2024-03-01T00:30:00.1Z"),
    ];
    for (given, _) in texts {
        let event = Event::new("u", "e").text(ph_event_set_timestamp, given);
        client.capture_event(&event).unwrap();
    }
    let event = Event::new("u", "e");
    assert_eq!(ph_event_set_timestamp_ms(event.raw(), 1_763_632_800_007), PH_OK);
    client.capture_event(&event).unwrap();
    client.deliver();

    let sent: Vec<Value> =
        receiver.events().iter().map(|event| event.json["timestamp"].clone()).collect();
    let mut expected: Vec<&str> = texts.iter().map(|(_, sent)| *sent).collect();
    expected.push("2025-11-20T10:00:00.007Z");
    assert_eq!(sent, expected);
}

#[test]
fn software_on_the_users_machine_says_so() {
    let nothing = Props::new();
    let server = stamped(|config| config, &nothing);
    assert_eq!((&server["$is_server"], &server["$geoip_disable"]), (&json!(true), &json!(true)));
    let client = stamped(|config| config.set(ph_config_set_is_server, false), &nothing);
    assert_eq!((&client["$is_server"], &client["$geoip_disable"]), (&json!(false), &json!(false)));
    let both = |config: Config| {
        config.set(ph_config_set_geoip_disable, true).set(ph_config_set_is_server, false)
    };
    let own = stamped(both, &nothing);
    assert_eq!((&own["$is_server"], &own["$geoip_disable"]), (&json!(false), &json!(true)));
}

#[test]
fn the_environment_wins_over_the_events_own() {
    let mine = Props::new().str("environment", "mine").int("n", 1);
    assert_eq!(stamped(|config| config, &mine)["environment"], "mine");
    for (given, sent) in [("Prod", "production"), ("stage", "staging"), ("laptop", "dev")] {
        let properties = stamped(|config| config.text(ph_config_set_environment, given), &mine);
        assert_eq!((&properties["environment"], &properties["n"]), (&json!(sent), &json!(1)));
    }
}

#[test]
fn the_environment_comes_from_the_processes_environment() {
    const NAME: &str = "wire::the_environment_comes_from_the_processes_environment";
    let receiver = Receiver::start();
    let variables = [
        ("POSTHOG_API_KEY", "phc_env"),
        ("POSTHOG_HOST", &receiver.url()),
        ("ANALYTICS_ENVIRONMENT", "PROD"),
        ("APP_ENV", "staging"),
    ];
    if child::passes(NAME, &variables) {
        let body = receiver.requests()[0].json.clone().unwrap();
        assert_eq!(body["api_key"], "phc_env");
        assert_eq!(body["batch"][0]["properties"]["environment"], "production");
        return;
    }
    let client = Config::from_env().set(ph_config_set_protocol, PH_PROTOCOL_V0).client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
}

#[test]
fn a_wrapper_names_itself() {
    let receiver = Receiver::start();
    let config = to(&receiver);
    let (name, version) = (c"libposthog-go", c"1.2.3");
    assert_eq!(ph_config_set_library(config.raw(), name.as_ptr(), version.as_ptr()), PH_OK);
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();

    let request = &receiver.requests()[0];
    assert_eq!(request.header("user-agent"), Some("libposthog-go/1.2.3"));
    let properties = &request.events()[0]["properties"];
    assert_eq!(properties["$lib"], "libposthog-go");
    assert_eq!(properties["$lib_version"], "1.2.3");
}

#[test]
fn an_events_own_stamps_stay() {
    let own = Props::new().str("$lib", "mine").bool("$is_server", false).str("$os", "Plan 9");
    let properties = stamped(|config| config, &own);
    assert_eq!(properties["$lib"], "mine");
    assert_eq!(properties["$is_server"], false);
    assert_eq!(properties["$os"], "Plan 9");
    assert_eq!(properties["$geoip_disable"], true);
    // The version is not the one of the library that the event names.
    assert_eq!(properties.get("$lib_version"), None);
    let versioned = Props::new().str("$lib_version", "9");
    let properties = stamped(|config| config, &versioned);
    assert_eq!(
        (&properties["$lib"], &properties["$lib_version"]),
        (&json!("libposthog"), &json!("9"))
    );
}

#[test]
fn bodies_are_packed_unless_that_was_turned_off() {
    for (packed, compression) in [(true, None), (false, Some(PH_COMPRESSION_NONE))] {
        let receiver = Receiver::start();
        let mut config = to(&receiver);
        if let Some(compression) = compression {
            config = config.set(ph_config_set_compression, compression);
        }
        let client = config.client();
        client.capture_numbered("e", 0..100);
        client.deliver();
        let request = &receiver.requests()[0];
        assert_eq!(request.header("content-encoding"), packed.then_some("gzip"));
        assert_eq!(request.raw_length < request.body.len() / 2, packed);
        assert_eq!(request.events().len(), 100);
    }
}

#[test]
fn a_path_prefix_and_a_trailing_slash_are_kept_apart() {
    for suffix in ["/ph/ingest", "/ph/ingest/", "/ph/ingest//"] {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/ph/", Reply::status(200)));
        let client = to_url(&format!("{}{suffix}", receiver.url())).client();
        assert_eq!(client.capture("u", "e"), PH_OK);
        client.deliver();
        assert_eq!(receiver.requests()[0].path, "/ph/ingest/batch/", "{suffix}");
    }
}

#[test]
fn a_connection_is_kept_from_batch_to_batch() {
    let receiver = Receiver::start();
    // Also answers that are refusals, and bodies in pieces.
    receiver.set_script(
        Script::new().every(3, "/batch/", Reply::status(503).body("try later")).every(
            5,
            "/batch/",
            Reply::usual().chunked(3),
        ),
    );
    let client = to(&receiver).client();
    for n in 0..20 {
        client.capture_numbered("e", n..n + 1);
        client.deliver();
    }
    assert!(receiver.wait_for_events(20, PATIENCE));
    assert!(receiver.counts().requests > 20);
    assert_eq!(receiver.connections(), 1);
}

#[test]
fn the_user_agent_is_the_library_and_its_version() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    let expected = format!("libposthog/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(receiver.requests()[0].header("user-agent"), Some(expected.as_str()));
}

#[test]
fn the_secret_key_is_sent_with_nothing_but_the_definitions_request() {
    let receiver = Receiver::start();
    let client = to(&receiver)
        .text(ph_config_set_secret_key, "phx_secret")
        .set(ph_config_set_compression, PH_COMPRESSION_NONE)
        .client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    let (id, key) = (c"u".as_ptr(), c"new-checkout".as_ptr());
    assert!(ph_flag_enabled(client.raw(), id, key, std::ptr::null(), false));
    // Reading a flag is an event of its own.
    client.deliver();
    let requests = receiver.requests();
    let others: Vec<_> =
        requests.iter().filter(|request| !request.path.starts_with("/flags/definitions")).collect();
    assert_eq!(others.len(), 3, "two batches and the flags");
    for request in others {
        let headers = format!("{:?} {}", request.headers, request.path);
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert!(
            !headers.contains("phx_secret") && !body.contains("phx_secret"),
            "{headers} {body}"
        );
    }
}

#[test]
fn a_project_key_of_any_text() {
    let receiver = Receiver::start();
    let config = Config::new(" phc_\"quoted\" \\ \n").host(&receiver.url());
    let client = config.set(ph_config_set_protocol, PH_PROTOCOL_V0).client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    assert_eq!(receiver.requests()[0].json.as_ref().unwrap()["api_key"], "phc_\"quoted\" \\");
}
