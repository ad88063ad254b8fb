//! Times outside the years 1 to 9999, and texts that are no time.

use crate::c::*;
use crate::client::to;
use crate::handle::Event;
use posthog_receiver::Receiver;

/// 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 253_402_300_799_999;

#[test]
fn what_is_no_time_leaves_the_event_as_it_was() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    let event = Event::new("u", "e").text(ph_event_set_timestamp, "2020-02-02T02:02:02Z");
    let bad = [
        c"-0001-01-01T00:00:00Z",
        c"-2026-01-01T00:00:00Z",
        c"0000-12-31T23:59:59Z",
        c"10000-01-01T00:00:00Z",
        c"+10000-01-01T00:00:00Z",
        c"0001-01-01T00:00:00+00:01",
        c"9999-12-31T23:59:59-00:01",
        c"",
        c"now",
        c"2026-11-20",
        c"2026-11-20T10:00:00",
        c"2026-13-01T00:00:00Z",
        c"2026-00-01T00:00:00Z",
        c"2026-02-29T00:00:00Z",
        c"2026-04-31T00:00:00Z",
        c"2026-01-01T24:00:00Z",
        c"2026-01-01T00:60:00Z",
        c"2026-01-01T00:00:61Z",
        c"2026-01-01T00:00:00.Z",
        c"2026-01-01T00:00:00+24:00",
        c"2026-01-01T00:00:00Z ",
        c" 2026-01-01T00:00:00Z",
        c"\xD9\xA2026-01-01T00:00:00Z",
    ];
    for text in bad {
        let status = ph_event_set_timestamp(event.raw(), text.as_ptr());
        assert_eq!(status, PH_ERROR_TIMESTAMP, "{text:?}");
    }
    assert_eq!(ph_event_set_timestamp(event.raw(), c"\xFF".as_ptr()), PH_ERROR_UTF8);
    for millis in [FIRST_MS - 1, LAST_MS + 1, i64::MIN, i64::MAX] {
        assert_eq!(ph_event_set_timestamp_ms(event.raw(), millis), PH_ERROR_TIMESTAMP, "{millis}");
    }
    client.capture_event(&event).unwrap();
    client.deliver();
    assert_eq!(receiver.events()[0].json["timestamp"], "2020-02-02T02:02:02Z");
}

#[test]
fn the_first_and_the_last_time_are_taken() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    for text in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"] {
        let event = Event::new("u", "e").text(ph_event_set_timestamp, text);
        client.capture_event(&event).unwrap();
    }
    for millis in [FIRST_MS, -1, 0, LAST_MS] {
        let event = Event::new("u", "e");
        assert_eq!(ph_event_set_timestamp_ms(event.raw(), millis), PH_OK);
        client.capture_event(&event).unwrap();
    }
    client.deliver();
    let events = receiver.events();
    let sent: Vec<&str> =
        events.iter().map(|event| event.json["timestamp"].as_str().unwrap()).collect();
    assert_eq!(
        sent,
        [
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999999Z",
            "0001-01-01T00:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
        ]
    );
}
