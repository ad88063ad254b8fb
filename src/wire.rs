//! How events look on the wire: the only place that spells PostHog's envelope keys.

use crate::queue::Chunk;
use crate::record::Record;
use crate::stamps::Stamps;
use crate::timestamp::Timestamp;
use std::ops::Range;

/// Bytes that an event's envelope adds to its id, name and properties, stamps aside: the keys and
/// punctuation of `event`, a uuid, a timestamp of at most nine fraction digits, a comma.
const ENVELOPE_MAX: usize = 160;

/// Bytes of a body behind its head, events aside: a time and punctuation.
const FRAME_MAX: usize = 48;

/// Capture V0: `POST {host}/batch/`.
pub struct V0 {
    /// `{"api_key":"…","batch":[` comes before the events.
    head: Vec<u8>,
    stamps: Stamps,
}

impl V0 {
    pub fn new(api_key: &str, stamps: Stamps) -> V0 {
        let mut head = Vec::new();
        head.extend_from_slice(b"{\"api_key\":\"");
        crate::json::write_lossy(&mut head, api_key.as_bytes());
        head.extend_from_slice(b"\",\"sent_at\":\"");
        V0 { head, stamps }
    }

    /// Bytes that an event gains on the wire, at most.
    pub fn envelope(&self) -> usize {
        ENVELOPE_MAX + self.stamps.len()
    }

    /// Bytes that a body has beside its events, at most.
    pub fn frame(&self) -> usize {
        self.head.len() + FRAME_MAX
    }

    /// The body of a request with some events of the chunk.
    pub fn body(&self, chunk: &Chunk, part: &Range<usize>, sent_at: Timestamp, out: &mut Vec<u8>) {
        out.clear();
        out.reserve(self.frame() + chunk.wire_bytes());
        out.extend_from_slice(&self.head);
        sent_at.write(out);
        out.extend_from_slice(b"\",\"batch\":[");
        for (index, record) in chunk.records().skip(part.start).take(part.len()).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.event(&record, out);
        }
        out.extend_from_slice(b"]}");
    }

    /// One event.
    pub fn event(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"event\":\"");
        out.extend_from_slice(record.event);
        out.extend_from_slice(b"\",\"uuid\":\"");
        let mut uuid = [0; uuid::fmt::Hyphenated::LENGTH];
        out.extend_from_slice(record.uuid.hyphenated().encode_lower(&mut uuid).as_bytes());
        out.extend_from_slice(b"\",\"distinct_id\":\"");
        out.extend_from_slice(record.distinct_id);
        out.extend_from_slice(b"\",\"timestamp\":\"");
        record.timestamp.write(out);
        out.extend_from_slice(b"\",\"properties\":{");
        let start = out.len();
        out.extend_from_slice(record.props);
        self.stamps.write_absent(record.marks, out);
        if record.props.is_empty() && out.len() > start {
            // The stamps' first comma has nothing before it.
            out.remove(start);
        }
        out.extend_from_slice(b"}}");
    }
}
