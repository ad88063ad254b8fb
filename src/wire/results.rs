//! What V1 answers for each event: `{"results": {"<uuid>": {"result": "ok"}, …}}`.

use crate::json;
use std::collections::HashMap;
use uuid::Uuid;

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventResult {
    /// Taken, perhaps with a warning. So is an event that the answer does not name.
    Taken,
    /// Refused for good, and the server's tag for why.
    Dropped(String),
    /// To be sent again.
    Retry,
}

/// What became of the events of a batch, in its order.
#[derive(Debug, PartialEq, Eq)]
pub struct Results {
    pub each: Vec<EventResult>,
    /// The tags of the warnings.
    pub warnings: Vec<String>,
}

impl Results {
    /// Reads an answer to these events; `None` when it is none of V1's.
    pub fn read(body: &[u8], events: &[Uuid]) -> Option<Results> {
        let mut text = Vec::new();
        text.try_reserve(json::cleaned_len_max(body)).ok()?;
        json::clean_members(&mut text, body).ok()?;
        let results = json::members(&text).find(|member| member.key == b"results")?.value;
        let mut read =
            Results { each: vec![EventResult::Taken; events.len()], warnings: Vec::new() };
        let mut places = Places::new(events);
        for member in json::members(object(results)?) {
            let uuid = std::str::from_utf8(member.key).ok().and_then(|it| Uuid::try_parse(it).ok());
            if let Some(place) = uuid.and_then(|uuid| places.of(uuid)) {
                read.each[place] = result(member.value, &mut read.warnings);
            }
        }
        Some(read)
    }
}

/// The members of an object's text.
fn object(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"{")?.strip_suffix(b"}")
}

fn result(value: &[u8], warnings: &mut Vec<String>) -> EventResult {
    let members = object(value).unwrap_or_default();
    let text = |key: &[u8]| {
        let value = json::members(members).find(|member| member.key == key)?.value;
        value.strip_prefix(b"\"")?.strip_suffix(b"\"")
    };
    let details = || tag(text(b"details").unwrap_or(b"no details"));
    match text(b"result") {
        Some(b"ok") => EventResult::Taken,
        Some(b"warning") => {
            warnings.push(details());
            EventResult::Taken
        }
        Some(b"drop") => EventResult::Dropped(details()),
        Some(b"retry") => EventResult::Retry,
        // What is not known yet must not be sent for ever.
        Some(other) => EventResult::Dropped(format!("unknown result {}", tag(other))),
        None => EventResult::Dropped("no result".to_owned()),
    }
}

/// As much of a text as a log line bears.
fn tag(text: &[u8]) -> String {
    json::read_text(text).chars().take(80).collect()
}

/// Where each event is in the batch. Answers keep its order, mostly.
struct Places<'a> {
    events: &'a [Uuid],
    next: usize,
    all: Option<HashMap<Uuid, usize>>,
}

impl<'a> Places<'a> {
    fn new(events: &'a [Uuid]) -> Places<'a> {
        Places { events, next: 0, all: None }
    }

    fn of(&mut self, uuid: Uuid) -> Option<usize> {
        let place = if self.events.get(self.next) == Some(&uuid) {
            self.next
        } else {
            let events = self.events;
            let all = self.all.get_or_insert_with(|| {
                events.iter().enumerate().map(|(place, uuid)| (*uuid, place)).collect()
            });
            *all.get(&uuid)?
        };
        self.next = place + 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uuids() -> Vec<Uuid> {
        (1..=6).map(Uuid::from_u128).collect()
    }

    fn dropped(detail: &str) -> EventResult {
        EventResult::Dropped(detail.to_owned())
    }

    #[test]
    fn each_event_has_its_result_whatever_the_order() {
        let body = br#" {"more": [1], "results": {
            "00000000-0000-0000-0000-000000000003": {"details": "billing_limit_exceeded", "result": "drop"},
            "00000000-0000-0000-0000-000000000001": {"result": "ok"},
            "00000000-0000-0000-0000-000000000002": {"result": "warning", "details": "person_processing_disabled"},
            "00000000-0000-0000-0000-000000000004": {"result": "retry", "details": "not_persisted"},
            "00000000-0000-0000-0000-000000000005": {"result": "limited"},
            "00000000-0000-0000-0000-000000000099": {"result": "drop"},
            "no uuid": {"result": "drop"}
        }} "#;
        let read = Results::read(body, &uuids()).unwrap();
        let expected = [
            EventResult::Taken,
            EventResult::Taken,
            dropped("billing_limit_exceeded"),
            EventResult::Retry,
            dropped("unknown result limited"),
            EventResult::Taken,
        ];
        assert_eq!(read.each, expected);
        assert_eq!(read.warnings, ["person_processing_disabled"]);
    }

    #[test]
    fn what_is_no_result_is_final() {
        for entry in ["null", "7", "{}", r#"{"result": 5}"#, r#"[{"result": "ok"}]"#] {
            let body =
                format!(r#"{{"results": {{"00000000-0000-0000-0000-000000000001": {entry}}}}}"#);
            let read = Results::read(body.as_bytes(), &uuids()).unwrap();
            assert_eq!(read.each[0], dropped("no result"), "{entry}");
        }
    }

    #[test]
    fn other_answers_are_none() {
        for body in [
            "",
            "ok",
            "{\"status\":1}",
            "{\"results\":[]}",
            "{\"results\":null}",
            "[]",
            "<html>",
            "{\"results\":{}",
            "{\"results\":{\"x\":{\"result\":\"ok\"}",
        ] {
            assert_eq!(Results::read(body.as_bytes(), &uuids()), None, "{body}");
        }
        let nothing = Results::read(b"{\"results\":{}}", &uuids()).unwrap();
        assert_eq!(nothing.each, vec![EventResult::Taken; 6]);
    }
}
