//! How events look on the wire: the only place that spells PostHog's paths, headers and keys.
//!
//! Records know no protocol. `v0` and `v1` each render them, `lift` is what the two disagree about,
//! `results` reads what V1 answers for each event, and `choice` picks one of the two.

mod choice;
mod lift;
mod results;
#[cfg(test)]
mod tests;
mod v0;
mod v1;

pub use crate::config::Protocol;
pub use choice::{Choice, shown};
pub use results::{EventResult, Results};

use crate::queue::Chunk;
use crate::record::Record;
use crate::retry;
use crate::stamps::Stamps;
use crate::timestamp::Timestamp;
use uuid::Uuid;
use v0::V0;
use v1::V1;

/// Which of the project's endpoints events are meant for. They share no batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Analytics,
    Ai,
}

/// What every request of a client says of it.
pub struct Project<'a> {
    pub api_key: &'a str,
    /// Name and version, with a slash between them.
    pub library: &'a str,
    /// The events are an import from elsewhere.
    pub historical: bool,
}

/// What one request says beside its events.
pub struct Attempt {
    /// The same for every attempt with these events.
    pub id: Uuid,
    /// The first is 1.
    pub number: u32,
    /// When the batch was made.
    pub created: Timestamp,
    pub sent: Timestamp,
}

/// Names, in lower case, and values.
pub type Headers = Vec<(&'static str, String)>;

/// Both protocols, for one client.
pub struct Wire {
    v0: V0,
    v1: V1,
}

impl Wire {
    pub fn new(project: &Project<'_>, stamps: &Stamps) -> Wire {
        Wire { v0: V0::new(project, stamps.clone()), v1: V1::new(project, stamps) }
    }

    /// Bytes that an event gains on the wire, at most.
    pub fn envelope(&self) -> usize {
        self.v0.envelope().max(self.v1.envelope())
    }

    /// Bytes that a body has beside its events, at most.
    pub fn frame(&self) -> usize {
        self.v0.frame().max(self.v1.frame())
    }

    /// Writes the body of a request with the events of the chunk. Returns how many of them had a
    /// session or window id that is no string, which V1 has no place for.
    pub fn body(
        &self,
        protocol: Protocol,
        chunk: &Chunk,
        attempt: &Attempt,
        out: &mut Vec<u8>,
    ) -> usize {
        out.clear();
        out.reserve(self.frame() + chunk.wire_bytes());
        match protocol {
            Protocol::V0 => {
                self.v0.body(chunk, attempt, out);
                0
            }
            Protocol::V1 => self.v1.body(chunk, attempt, out),
        }
    }

    pub fn headers(&self, protocol: Protocol, attempt: &Attempt) -> Headers {
        match protocol {
            Protocol::V0 => Vec::new(),
            Protocol::V1 => self.v1.headers(attempt),
        }
    }

    /// One event as a host gets to see it: as V0 has it.
    pub fn event(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        self.v0.event(record, out);
    }
}

/// Path and query of an endpoint.
pub fn path(family: Family, protocol: Protocol) -> &'static str {
    match (family, protocol) {
        (Family::Analytics, Protocol::V0) => "/batch/",
        (Family::Ai, Protocol::V0) => "/i/v0/ai/batch/",
        (Family::Analytics, Protocol::V1) => "/i/v1/analytics/events",
        (Family::Ai, Protocol::V1) => "/i/v1/ai/events",
    }
}

/// By which rules an endpoint's answers are read.
pub fn family(family: Family, protocol: Protocol) -> retry::Family {
    match (family, protocol) {
        (_, Protocol::V0) => retry::Family::V0,
        (Family::Analytics, Protocol::V1) => retry::Family::V1,
        (Family::Ai, Protocol::V1) => retry::Family::AiV1,
    }
}

/// Bytes that an event's envelope adds to its id, name, options and properties, stamps aside: the
/// keys and punctuation, a uuid, a timestamp of at most nine fraction digits, a comma; and what an
/// option gains by the name that V1 has for it.
const ENVELOPE_MAX: usize = 200;

/// Bytes of a body beside its events and the project: keys, a time, punctuation.
const FRAME_MAX: usize = 96;

/// What both protocols begin an event with.
fn begin_event(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"event\":\"");
    out.extend_from_slice(record.event);
    out.extend_from_slice(b"\",\"uuid\":\"");
    let mut uuid = [0; uuid::fmt::Hyphenated::LENGTH];
    out.extend_from_slice(record.uuid.hyphenated().encode_lower(&mut uuid).as_bytes());
    out.extend_from_slice(b"\",\"distinct_id\":\"");
    out.extend_from_slice(record.distinct_id);
    out.extend_from_slice(b"\",\"timestamp\":\"");
    record.timestamp.write(out);
    out.push(b'"');
}

/// Writes the properties: the members that `write` writes, and the stamps that these marks lack.
fn properties(stamps: &Stamps, marks: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b",\"properties\":{");
    let start = out.len();
    write(out);
    let empty = out.len() == start;
    stamps.write_absent(marks, out);
    if empty && out.len() > start {
        // The stamps' first comma has nothing before it.
        out.remove(start);
    }
    out.push(b'}');
}

/// Appends a member to others, the first of which begins at `start`.
fn push_member(out: &mut Vec<u8>, start: usize, parts: &[&[u8]]) {
    if out.len() > start {
        out.push(b',');
    }
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Writes each event, with commas between them; what `write` counts in all.
fn events(
    chunk: &Chunk,
    out: &mut Vec<u8>,
    mut write: impl FnMut(&Record<'_>, &mut Vec<u8>) -> usize,
) -> usize {
    let mut count = 0;
    for (index, record) in chunk.records().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        count += write(&record, out);
    }
    count
}
