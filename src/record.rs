//! One event as bytes, independent of the protocol that it will be sent by.
//!
//! ```text
//!  0  u32  length of the whole record, header included
//!  4  u32  marks (which keys the properties hold, of those that the wire must know about)
//!  8  [16] uuid
//! 24  i64  timestamp, seconds since 1970
//! 32  u32  timestamp, nanoseconds
//! 36  u8   timestamp, fraction digits to write
//! 37  [3]  zero
//! 40  u32  length of the distinct id
//! 44  u32  length of the event name
//! 48  u32  length of the options
//! 52  distinct id, event name (both escaped, without quotes), options, properties (both without
//!     braces)
//! ```
//! All integers are little-endian.

use crate::timestamp::Timestamp;
use uuid::Uuid;

/// Bytes before the texts.
pub const HEADER: usize = 52;

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
    fn props_len(&self) -> usize {
        let [own, base] = self.props;
        own.len() + base.len() + usize::from(!own.is_empty() && !base.is_empty())
    }

    /// Bytes of the record.
    pub fn len(&self) -> usize {
        HEADER + self.distinct_id.len() + self.event.len() + self.options.len() + self.props_len()
    }

    /// Appends the record. `out` has room.
    pub fn write(&self, uuid: Uuid, out: &mut Vec<u8>) {
        let (secs, nanos, digits) = self.timestamp.to_parts();
        let mut header = [0; HEADER];
        header[0..4].copy_from_slice(&(self.len() as u32).to_le_bytes());
        header[4..8].copy_from_slice(&self.marks.to_le_bytes());
        header[8..24].copy_from_slice(uuid.as_bytes());
        header[24..32].copy_from_slice(&secs.to_le_bytes());
        header[32..36].copy_from_slice(&nanos.to_le_bytes());
        header[36] = digits;
        header[40..44].copy_from_slice(&(self.distinct_id.len() as u32).to_le_bytes());
        header[44..48].copy_from_slice(&(self.event.len() as u32).to_le_bytes());
        header[48..52].copy_from_slice(&(self.options.len() as u32).to_le_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(self.distinct_id);
        out.extend_from_slice(self.event);
        if !self.options.is_empty() {
            out.extend_from_slice(self.options);
        }
        let [own, base] = self.props;
        out.extend_from_slice(own);
        if !own.is_empty() && !base.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(base);
    }
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
    /// All of the record, as it lies.
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

    /// Reads the record at the start of `bytes`; `None` when there is none.
    pub fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        let header = bytes.get(..HEADER)?;
        let len = u32_at(header, 0) as usize;
        let texts = bytes.get(HEADER..len)?;
        let (distinct_id, texts) = texts.split_at_checked(u32_at(header, 40) as usize)?;
        let (event, texts) = texts.split_at_checked(u32_at(header, 44) as usize)?;
        let (options, props) = texts.split_at_checked(u32_at(header, 48) as usize)?;
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&header[8..24]);
        let mut secs = [0; 8];
        secs.copy_from_slice(&header[24..32]);
        let timestamp =
            Timestamp::from_parts(i64::from_le_bytes(secs), u32_at(header, 32), header[36]);
        let (marks, uuid) = (u32_at(header, 4), Uuid::from_bytes(uuid));
        Some(Record {
            distinct_id,
            event,
            options,
            props,
            marks,
            timestamp,
            uuid,
            bytes: &bytes[..len],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_was_written() {
        let timestamp = Timestamp::parse("2026-11-20T10:00:00.123Z").unwrap();
        let uuid = Uuid::from_bytes([7; 16]);
        let mut bytes = Vec::new();
        for props in [[b"\"a\":1".as_slice(), b"\"b\":2"], [b"\"a\":1", b""], [b"", b"\"b\":2"]] {
            let new = NewRecord {
                distinct_id: b"user",
                event: b"order placed",
                props,
                options: b"\"c\":3",
                marks: 5,
                timestamp,
                uuid: None,
            };
            new.write(uuid, &mut bytes);
        }
        let mut rest = bytes.as_slice();
        let mut seen = Vec::new();
        while let Some(record) = Record::read(rest) {
            assert_eq!(record.distinct_id, b"user");
            assert_eq!(record.event, b"order placed");
            assert_eq!(record.options, b"\"c\":3");
            assert_eq!((record.marks, record.uuid, record.timestamp), (5, uuid, timestamp));
            seen.push(String::from_utf8(record.props.to_vec()).unwrap());
            rest = &rest[record.bytes.len()..];
        }
        assert_eq!(seen, ["\"a\":1,\"b\":2", "\"a\":1", "\"b\":2"]);
        assert!(rest.is_empty());
    }

    #[test]
    fn a_torn_record_is_none() {
        let timestamp = Timestamp::from_parts(0, 0, 0);
        let new = NewRecord {
            distinct_id: b"u",
            event: b"e",
            props: [b"\"a\":1", b""],
            options: b"\"c\":3",
            marks: 0,
            timestamp,
            uuid: None,
        };
        let mut bytes = Vec::new();
        new.write(Uuid::nil(), &mut bytes);
        for cut in 0..bytes.len() {
            assert!(Record::read(&bytes[..cut]).is_none(), "cut at {cut}");
        }
    }
}
