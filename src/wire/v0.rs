//! Capture V0: `POST {host}/batch/`, and `/i/v0/ai/batch/` with the same body.

use super::lift::{self, LIFTED};
use super::{
    Attempt, ENVELOPE_MAX, FRAME_MAX, Project, begin_event, events, properties, push_member,
};
use crate::json;
use crate::queue::Chunk;
use crate::record::Record;
use crate::stamps::Stamps;

pub struct V0 {
    /// `{"api_key":"…","sent_at":"` comes before the events.
    head: Vec<u8>,
    stamps: Stamps,
}

impl V0 {
    pub fn new(project: &Project<'_>, stamps: Stamps) -> V0 {
        let mut head = b"{\"api_key\":\"".to_vec();
        json::write_lossy(&mut head, project.api_key.as_bytes());
        head.push(b'"');
        if project.historical {
            head.extend_from_slice(b",\"historical_migration\":true");
        }
        head.extend_from_slice(b",\"sent_at\":\"");
        V0 { head, stamps }
    }

    pub fn envelope(&self) -> usize {
        ENVELOPE_MAX + self.stamps.len()
    }

    pub fn frame(&self) -> usize {
        self.head.len() + FRAME_MAX
    }

    pub fn body(&self, chunk: &Chunk, attempt: &Attempt, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        attempt.sent.write(out);
        out.extend_from_slice(b"\",\"batch\":[");
        events(chunk, out, |record, out| {
            self.event(record, out);
            0
        });
        out.extend_from_slice(b"]}");
    }

    pub fn event(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        begin_event(record, out);
        properties(&self.stamps, record.marks, out, |out| {
            if record.options.is_empty() {
                out.extend_from_slice(record.props);
            } else {
                with_options(record, out);
            }
        });
        out.push(b'}');
    }
}

/// The properties with the options among them: V0 knows each by a property of its own, and has
/// nothing for others. An option that is set wins over the property.
fn with_options(record: &Record<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    let is_set = |option: &[u8]| lift::option(record.options, option).is_some();
    for member in json::members(record.props) {
        let option = lift::of_property(member.key).and_then(|lifted| lifted.option);
        if !option.is_some_and(|option| is_set(option.as_bytes())) {
            push_member(out, start, &[member.entry]);
        }
    }
    for lifted in &LIFTED {
        let value = lifted.option.and_then(|name| lift::option(record.options, name.as_bytes()));
        if let Some(value) = value {
            push_member(out, start, &[b"\"", lifted.property.as_bytes(), b"\":", value]);
        }
    }
}
