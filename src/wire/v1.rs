//! Capture V1: `POST {host}/i/v1/analytics/events`, and `/i/v1/ai/events` with the same body.

use super::lift::{self, LIFTED, Lifted};
use super::{
    Attempt, ENVELOPE_MAX, FRAME_MAX, Headers, Project, begin_event, events, properties,
    push_member,
};
use crate::json;
use crate::props::Marks;
use crate::queue::Chunk;
use crate::record::Record;
use crate::stamps::Stamps;

pub struct V1 {
    authorization: String,
    library: String,
    historical: bool,
    /// Without the library's name, which is in a header.
    stamps: Stamps,
}

impl V1 {
    pub fn new(project: &Project<'_>, stamps: &Stamps) -> V1 {
        V1 {
            authorization: format!("Bearer {}", in_header(project.api_key)),
            library: project.library.to_owned(),
            historical: project.historical,
            stamps: stamps.without_library(),
        }
    }

    pub fn envelope(&self) -> usize {
        ENVELOPE_MAX + self.stamps.len()
    }

    pub fn frame(&self) -> usize {
        FRAME_MAX
    }

    pub fn headers(&self, attempt: &Attempt) -> Headers {
        let mut sent = Vec::new();
        attempt.sent.write(&mut sent);
        vec![
            ("authorization", self.authorization.clone()),
            ("posthog-sdk-info", self.library.clone()),
            ("posthog-attempt", attempt.number.to_string()),
            ("posthog-request-id", attempt.id.hyphenated().to_string()),
            ("posthog-request-timestamp", String::from_utf8_lossy(&sent).into_owned()),
        ]
    }

    /// Returns how many events had an id that is no string.
    pub fn body(&self, chunk: &Chunk, attempt: &Attempt, out: &mut Vec<u8>) -> usize {
        out.extend_from_slice(b"{\"created_at\":\"");
        attempt.created.write(out);
        out.push(b'"');
        if self.historical {
            out.extend_from_slice(b",\"historical_migration\":true");
        }
        out.extend_from_slice(b",\"batch\":[");
        let odd = events(chunk, out, |record, out| self.event(record, out));
        out.extend_from_slice(b"]}");
        odd
    }

    fn event(&self, record: &Record<'_>, out: &mut Vec<u8>) -> usize {
        begin_event(record, out);
        let mut odd = 0;
        // Most events have nothing to lift, and nothing is looked for in them.
        if record.marks & lift::MARKS == 0 {
            out.extend_from_slice(b",\"options\":{");
            out.extend_from_slice(record.options);
            out.push(b'}');
            properties(&self.stamps, record.marks, out, |out| out.extend_from_slice(record.props));
        } else {
            let lifted = Found::new(record.props);
            odd = usize::from(lifted.ids(out));
            lifted.options(record.options, out);
            properties(&self.stamps, record.marks, out, |out| remaining(record.props, out));
        }
        out.push(b'}');
        odd
    }
}

/// A key as it can stand in a header. One with other characters is no key of PostHog's, and the
/// server says so.
fn in_header(api_key: &str) -> String {
    api_key.chars().map(|it| if it.is_ascii_graphic() { it } else { '?' }).collect()
}

/// The values to lift, in the order of [`LIFTED`].
struct Found<'a>([Option<&'a [u8]>; LIFTED.len()]);

impl<'a> Found<'a> {
    fn new(props: &'a [u8]) -> Found<'a> {
        let mut found = [None; LIFTED.len()];
        for member in json::members(props) {
            let at = LIFTED.iter().position(|lifted| lifted.property.as_bytes() == member.key);
            if let Some(slot) = at.and_then(|at| found.get_mut(at)) {
                *slot = Some(member.value);
            }
        }
        Found(found)
    }

    fn iter(&self) -> impl Iterator<Item = (&'static Lifted, &'a [u8])> {
        LIFTED.iter().zip(self.0).filter_map(|(lifted, value)| Some((lifted, value?)))
    }

    /// Writes `session_id` and `window_id`; whether one of them is no string and was left out.
    fn ids(&self, out: &mut Vec<u8>) -> bool {
        let mut odd = false;
        for (lifted, value) in self.iter().filter(|(lifted, _)| lifted.option.is_none()) {
            if value.starts_with(b"\"") {
                // The property without its dollar.
                for part in [b",\"", &lifted.property.as_bytes()[1..], b"\":", value] {
                    out.extend_from_slice(part);
                }
            } else {
                odd |= value != b"null";
            }
        }
        odd
    }

    /// Writes the options: those of the event unchanged, and what is lifted where they are unset.
    fn options(&self, own: &[u8], out: &mut Vec<u8>) {
        let of = |key: &[u8]| {
            self.iter().find(|(lifted, _)| lifted.option.is_some_and(|it| it.as_bytes() == key))
        };
        out.extend_from_slice(b",\"options\":{");
        let start = out.len();
        for member in json::members(own) {
            let replaced = member.value == b"null" && of(member.key).is_some();
            if !replaced {
                push_member(out, start, &[member.entry]);
            }
        }
        for (lifted, value) in self.iter() {
            if let Some(name) = lifted.option
                && lift::option(own, name.as_bytes()).is_none()
            {
                push_member(out, start, &[b"\"", name.as_bytes(), b"\":", value]);
            }
        }
        out.push(b'}');
    }
}

/// The properties without what was lifted, and without the library's name.
fn remaining(props: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    for member in json::members(props) {
        let library = Marks::of(member.key) & (Marks::LIB | Marks::LIB_VERSION) != 0;
        if !library && lift::of_property(member.key).is_none() {
            push_member(out, start, &[member.entry]);
        }
    }
}
