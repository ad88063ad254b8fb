//! One event as bytes, independent of the protocol that it will be sent by. The same bytes lie in
//! the queue's memory and in a file.
//!
//! ```text
//!  0  u32  length of header and texts; the next record begins at the next multiple of 8
//!  4  u32  commit mark, stored last: 0 until the record is complete
//!  8  u32  CRC-32 of the length and of everything behind this field, where the mark says so
//! 12  u32  marks (which keys the properties hold, of those that the wire must know about)
//! 16  [16] uuid
//! 32  i64  timestamp, seconds since 1970
//! 40  u32  timestamp, nanoseconds
//! 44  u32  timestamp, fraction digits to write
//! 48  u32  length of the distinct id
//! 52  u32  length of the event name
//! 56  u32  length of the options
//! 60  u32  length of the properties
//! 64  distinct id, event name (both escaped, without quotes), options, properties (both without
//!     braces), then zeros up to a multiple of 8
//! ```
//! All integers are little-endian.
//!
//! Memory loses what is in it all at once: there the mark is enough. A file may keep some of its
//! pages and lose others, so that its records have a checksum. Whoever reads one that is torn or
//! has holes goes on at the next multiple of 8 where a record can be read.

use crate::timestamp::Timestamp;
use std::sync::atomic::{Ordering, compiler_fence};
use uuid::Uuid;

/// Bytes before the texts.
pub const HEADER: usize = 64;

/// Every record begins at a multiple of this.
pub const ALIGNMENT: usize = 8;

/// What the commit mark says of the checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seal {
    /// There is none: for memory.
    Plain,
    /// For what outlives the process. The checksum begins with this number, so that what the same
    /// memory held before, under another number, does not count.
    #[cfg_attr(not(any(test, storage)), allow(dead_code, reason = "nothing outlives the process"))]
    Checked(u32),
}

/// Where the commit mark stands.
pub const MARK_AT: usize = 4;
/// In place of the mark of a checked record: nothing is to be done with it any more.
pub const DONE: [u8; 4] = *b"PhD1";

const PLAIN: [u8; 4] = *b"PhR1";
const CHECKED: [u8; 4] = *b"PhC1";

/// Of a whole record: of its length, and of what lies behind the checksum.
fn checksum(record: &[u8], seed: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(&record[..4]);
    hasher.update(&record[12..]);
    hasher.finalize()
}

/// What goes into a record. The texts are canonical JSON.
#[derive(Clone, Copy)]
pub struct NewRecord<'a> {
    pub distinct_id: &'a [u8],
    pub event: &'a [u8],
    /// The members of the event's own map and of the super properties; no key is in both.
    pub props: [&'a [u8]; 2],
    /// The members of the event's options, which only some protocols have.
    pub options: &'a [u8],
    pub marks: u32,
    pub timestamp: Timestamp,
    /// The caller's; `None` for a fresh one.
    pub uuid: Option<Uuid>,
}

impl NewRecord<'_> {
    #[inline(always)]
    fn props_len(&self) -> usize {
        let [own, base] = self.props;
        own.len() + base.len() + usize::from(!own.is_empty() && !base.is_empty())
    }

    /// Bytes of the header and the texts.
    #[inline(always)]
    pub fn len(&self) -> usize {
        HEADER + self.distinct_id.len() + self.event.len() + self.options.len() + self.props_len()
    }

    /// Bytes up to where the next record begins.
    #[inline(always)]
    pub fn stride(&self) -> usize {
        self.len().next_multiple_of(ALIGNMENT)
    }

    /// Writes the record over the first `stride` bytes of `out`, which it needs.
    #[inline(always)]
    pub fn write(&self, uuid: Uuid, seal: Seal, out: &mut [u8]) {
        let len = self.len();
        let out = &mut out[..self.stride()];
        let Some((header, texts)) = out.split_first_chunk_mut::<HEADER>() else { return };
        if let Some(end) = texts.last_chunk_mut::<ALIGNMENT>() {
            *end = [0; ALIGNMENT];
        }
        let (secs, nanos, digits) = self.timestamp.to_parts();
        put(header, 0, (len as u32).to_le_bytes());
        put(header, 4, [0; 8]);
        put(header, 12, self.marks.to_le_bytes());
        put(header, 16, uuid.into_bytes());
        put(header, 32, secs.to_le_bytes());
        put(header, 40, nanos.to_le_bytes());
        put(header, 44, u32::from(digits).to_le_bytes());
        put(header, 48, (self.distinct_id.len() as u32).to_le_bytes());
        put(header, 52, (self.event.len() as u32).to_le_bytes());
        put(header, 56, (self.options.len() as u32).to_le_bytes());
        put(header, 60, (self.props_len() as u32).to_le_bytes());
        let texts = append(append(texts, self.distinct_id), self.event);
        let texts = append(texts, self.options);
        let [own, base] = self.props;
        let texts = append(texts, own);
        if !own.is_empty() && !base.is_empty() {
            append(append(texts, b","), base);
        } else {
            append(texts, base);
        }
        let mark = match seal {
            Seal::Plain => PLAIN,
            Seal::Checked(seed) => {
                put_checksum(&mut out[..len], seed);
                CHECKED
            }
        };
        // Whoever finds the mark after a crash is to find what is before it, too.
        compiler_fence(Ordering::Release);
        put(out, MARK_AT, mark);
    }
}

/// Out of the way of what stays in memory.
#[inline(never)]
fn put_checksum(record: &mut [u8], seed: u32) {
    let sum = checksum(record, seed);
    put(record, 8, sum.to_le_bytes());
}

#[inline(always)]
fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    out[at..at + N].copy_from_slice(&bytes);
}

/// Copies `text` to the start of `out`; what is left of it.
#[inline(always)]
fn append<'a>(out: &'a mut [u8], text: &[u8]) -> &'a mut [u8] {
    let (own, rest) = out.split_at_mut(text.len());
    if !text.is_empty() {
        own.copy_from_slice(text);
    }
    rest
}

/// A record read back.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub distinct_id: &'a [u8],
    pub event: &'a [u8],
    pub options: &'a [u8],
    pub props: &'a [u8],
    pub marks: u32,
    pub timestamp: Timestamp,
    pub uuid: Uuid,
    /// Header and texts, as they lie.
    pub bytes: &'a [u8],
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

impl<'a> Record<'a> {
    /// The same event with other properties.
    pub fn with_props<'b>(&self, props: &'b [u8]) -> NewRecord<'b>
    where
        'a: 'b,
    {
        NewRecord {
            distinct_id: self.distinct_id,
            event: self.event,
            options: self.options,
            props: [props, &[]],
            marks: self.marks,
            timestamp: self.timestamp,
            uuid: Some(self.uuid),
        }
    }

    /// Bytes up to where the next record begins.
    pub fn stride(&self) -> usize {
        self.bytes.len().next_multiple_of(ALIGNMENT)
    }

    /// Reads the record at the start of `bytes`; `None` when there is none that is complete, or it
    /// is done with. For what this process wrote: the checksum is not looked at.
    pub fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        let mark = bytes.get(MARK_AT..MARK_AT + 4)?;
        if mark == PLAIN || mark == CHECKED { Record::parse(bytes) } else { None }
    }

    /// Reads the checked record at the start of `bytes`, and whether it is done with; `None` when
    /// there is none that is whole and of that seed.
    #[cfg_attr(not(any(test, storage)), allow(dead_code, reason = "nothing outlives the process"))]
    pub fn verify(bytes: &'a [u8], seed: u32) -> Option<(Record<'a>, bool)> {
        let mark = bytes.get(MARK_AT..MARK_AT + 4)?;
        if mark != CHECKED && mark != DONE {
            return None;
        }
        let record = Record::parse(bytes)?;
        let is_whole = checksum(record.bytes, seed) == u32_at(record.bytes, 8);
        is_whole.then_some((record, mark == DONE))
    }

    fn parse(bytes: &'a [u8]) -> Option<Record<'a>> {
        let header = bytes.get(..HEADER)?;
        let bytes = bytes.get(..u32_at(header, 0) as usize)?;
        let texts = bytes.get(HEADER..)?;
        let (distinct_id, texts) = texts.split_at_checked(u32_at(header, 48) as usize)?;
        let (event, texts) = texts.split_at_checked(u32_at(header, 52) as usize)?;
        let (options, props) = texts.split_at_checked(u32_at(header, 56) as usize)?;
        if props.len() != u32_at(header, 60) as usize {
            return None;
        }
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&header[16..32]);
        let mut secs = [0; 8];
        secs.copy_from_slice(&header[32..40]);
        let digits = u32_at(header, 44).try_into().ok()?;
        let timestamp = Timestamp::from_parts(i64::from_le_bytes(secs), u32_at(header, 40), digits);
        let (marks, uuid) = (u32_at(header, 12), Uuid::from_bytes(uuid));
        Some(Record { distinct_id, event, options, props, marks, timestamp, uuid, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new<'a>(props: [&'a [u8]; 2]) -> NewRecord<'a> {
        NewRecord {
            distinct_id: b"user",
            event: b"order placed",
            props,
            options: b"\"c\":3",
            marks: 5,
            timestamp: Timestamp::parse("2026-11-20T10:00:00.123Z").unwrap(),
            uuid: None,
        }
    }

    fn append(bytes: &mut Vec<u8>, new: &NewRecord<'_>, seal: Seal) {
        let at = bytes.len();
        // Not zeroed: memory is used again.
        bytes.resize(at + new.stride(), 0xAA);
        new.write(Uuid::from_bytes([7; 16]), seal, &mut bytes[at..]);
    }

    #[test]
    fn reads_back_what_was_written() {
        let mut bytes = Vec::new();
        for seal in [Seal::Plain, Seal::Checked(9)] {
            for props in [[b"\"a\":1".as_slice(), b"\"b\":2"], [b"\"a\":1", b""], [b"", b"\"b\":2"]]
            {
                append(&mut bytes, &new(props), seal);
            }
        }
        let mut rest = bytes.as_slice();
        let mut seen = Vec::new();
        while let Some(record) = Record::read(rest) {
            assert_eq!(record.distinct_id, b"user");
            assert_eq!(record.event, b"order placed");
            assert_eq!(record.options, b"\"c\":3");
            assert_eq!((record.marks, record.uuid), (5, Uuid::from_bytes([7; 16])));
            assert_eq!(record.timestamp, new([b"", b""]).timestamp);
            seen.push(String::from_utf8(record.props.to_vec()).unwrap());
            assert!(rest[record.bytes.len()..record.stride()].iter().all(|byte| *byte == 0));
            rest = &rest[record.stride()..];
        }
        let expected = ["\"a\":1,\"b\":2", "\"a\":1", "\"b\":2"];
        assert_eq!(seen, [expected, expected].concat());
        assert!(rest.is_empty());
    }

    #[test]
    fn a_torn_record_is_none() {
        let mut bytes = Vec::new();
        let new = new([b"\"a\":1", b""]);
        append(&mut bytes, &new, Seal::Plain);
        for cut in 0..new.len() {
            assert!(Record::read(&bytes[..cut]).is_none(), "cut at {cut}");
        }
        bytes[4..8].fill(0);
        assert!(Record::read(&bytes).is_none(), "not committed");
    }

    #[test]
    fn a_checked_record_with_a_changed_bit_is_none() {
        let mut bytes = Vec::new();
        let new = new([b"\"a\":1", b""]);
        append(&mut bytes, &new, Seal::Checked(7));
        for bit in 0..8 * new.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Record::verify(&bytes, 7).is_none(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(Record::verify(&bytes, 7).is_some_and(|(_, done)| !done));
        bytes[MARK_AT..MARK_AT + 4].copy_from_slice(&DONE);
        assert!(Record::verify(&bytes, 7).is_some_and(|(_, done)| done));
        assert!(Record::read(&bytes).is_none());
    }

    #[test]
    fn a_record_of_another_seed_is_none() {
        let mut bytes = Vec::new();
        append(&mut bytes, &new([b"\"a\":1", b""]), Seal::Checked(7));
        assert!((0..1000).all(|seed| Record::verify(&bytes, seed).is_some() == (seed == 7)));
    }
}
