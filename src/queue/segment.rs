//! Records one after another, written by one thread at a time.

use crate::error::Error;
use crate::record::{HEADER, NewRecord, Record, Seal};
use uuid::Uuid;

/// Memory is initialised a page at a time.
const PAGE: usize = 4096;

/// Records one after another. Never larger than a batch.
#[derive(Default)]
pub struct Segment {
    /// As much as was ever used, initialised: its capacity is address space.
    bytes: Vec<u8>,
    /// Where the oldest record begins; those before it were evicted.
    head: usize,
    /// Where the next record goes.
    end: usize,
    events: usize,
    wire_bytes: usize,
}

impl Segment {
    /// With address space for so many bytes. Pages that no event reaches are never touched.
    pub fn reserve(capacity: usize) -> Result<Segment, Error> {
        let mut segment = Segment::default();
        segment.bytes.try_reserve_exact(capacity).map_err(|_| Error::NoMemory)?;
        Ok(segment)
    }

    /// Has the system provide the memory of the first bytes, before events need it.
    pub fn touch(&mut self, bytes: usize) {
        self.bytes.resize(bytes.min(self.bytes.capacity()), 0);
    }

    pub fn events(&self) -> usize {
        self.events
    }

    /// The size of its events on the wire, at most.
    pub fn wire_bytes(&self) -> usize {
        self.wire_bytes
    }

    /// Bytes that still fit without another allocation.
    #[inline]
    pub fn room(&self) -> usize {
        self.bytes.capacity() - self.end
    }

    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = &self.bytes[self.head..self.end];
        std::iter::from_fn(move || {
            let record = Record::read(rest)?;
            rest = &rest[record.stride()..];
            Some(record)
        })
    }

    #[inline(always)]
    pub fn push(&mut self, record: &NewRecord<'_>, uuid: Uuid, wire_bytes: usize) {
        record.write(uuid, Seal::Plain, self.extend(record.stride()));
        self.events += 1;
        self.wire_bytes += wire_bytes;
    }

    /// Appends a record that was read elsewhere.
    pub fn push_copy(&mut self, record: &Record<'_>, wire_bytes: usize) {
        self.extend(record.stride())[..record.bytes.len()].copy_from_slice(record.bytes);
        self.events += 1;
        self.wire_bytes += wire_bytes;
    }

    /// So many bytes at the end.
    #[inline]
    fn extend(&mut self, bytes: usize) -> &mut [u8] {
        let start = self.end;
        self.end += bytes;
        if self.end > self.bytes.len() {
            self.initialise();
        }
        &mut self.bytes[start..self.end]
    }

    #[cold]
    fn initialise(&mut self) {
        let capacity = self.bytes.capacity();
        let len = self.end.next_multiple_of(PAGE).min(capacity).max(self.end);
        self.bytes.resize(len, 0);
    }

    /// Gives back what it does not use.
    pub fn shrink(&mut self) {
        self.bytes.truncate(self.end);
        self.bytes.shrink_to_fit();
    }

    /// Drops the oldest record; returns its size on the wire.
    pub fn evict(&mut self, envelope: usize) -> usize {
        let Some(record) = Record::read(&self.bytes[self.head..self.end]) else { return 0 };
        let stride = record.stride();
        let wire_bytes = record.bytes.len() - HEADER + envelope;
        self.head += stride;
        self.events -= 1;
        self.wire_bytes -= wire_bytes;
        wire_bytes
    }

    /// Takes out the oldest `events`, or all.
    pub fn split_front(&mut self, events: usize, envelope: usize) -> Segment {
        if events >= self.events {
            return std::mem::take(self);
        }
        let start = self.head;
        let wire_bytes = (0..events).map(|_| self.evict(envelope)).sum();
        let bytes = self.bytes[start..self.head].to_vec();
        Segment { head: 0, end: bytes.len(), bytes, events, wire_bytes }
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.head = 0;
        self.end = 0;
        self.events = 0;
        self.wire_bytes = 0;
    }
}
