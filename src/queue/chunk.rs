//! Records one after another: what one batch holds.

use crate::error::Error;
use crate::record::{HEADER, NewRecord, Record, Seal};
use uuid::Uuid;

/// At most one batch of records.
#[derive(Default)]
pub struct Chunk {
    /// As much as was ever used, initialised: its capacity is address space.
    bytes: Vec<u8>,
    /// Where the oldest record begins; those before it were evicted.
    head: usize,
    /// Where the next record goes.
    end: usize,
    events: usize,
    wire_bytes: usize,
    first_seq: u64,
}

/// Memory is initialised a page at a time.
const PAGE: usize = 4096;

impl Chunk {
    pub fn events(&self) -> usize {
        self.events
    }

    /// The size of its events on the wire, at most.
    pub fn wire_bytes(&self) -> usize {
        self.wire_bytes
    }

    /// The sequence number of its oldest record.
    pub fn first_seq(&self) -> u64 {
        self.first_seq
    }

    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = &self.bytes[self.head..self.end];
        std::iter::from_fn(move || {
            let record = Record::read(rest)?;
            rest = &rest[record.stride()..];
            Some(record)
        })
    }

    /// Gives events other properties: those of marked ones, where `change` has any.
    pub fn change_props(
        &mut self,
        mark: u32,
        mut change: impl FnMut(&Record<'_>) -> Option<Vec<u8>>,
    ) {
        if self.records().all(|record| record.marks & mark == 0) {
            return;
        }
        let mut changed = Chunk { first_seq: self.first_seq, ..Chunk::default() };
        for record in self.records() {
            let props = if record.marks & mark != 0 { change(&record) } else { None };
            let props = props.as_deref().unwrap_or(record.props);
            let new = record.with_props(props);
            changed.push(&new, record.uuid, new.len());
        }
        changed.wire_bytes = self.wire_bytes + changed.end.saturating_sub(self.end);
        *self = changed;
    }

    /// A chunk with address space for so many bytes. Pages that no event reaches are never touched.
    pub(super) fn reserve(capacity: usize) -> Result<Chunk, Error> {
        let mut chunk = Chunk::default();
        chunk.bytes.try_reserve_exact(capacity).map_err(|_| Error::NoMemory)?;
        Ok(chunk)
    }

    /// Has the system provide the memory of the first bytes, before events need it.
    pub(super) fn touch(&mut self, bytes: usize) {
        self.bytes.resize(bytes.min(self.bytes.capacity()), 0);
    }

    /// Bytes that still fit without another allocation.
    pub(super) fn room(&self) -> usize {
        self.bytes.capacity() - self.end
    }

    /// The memory that it really uses.
    pub(super) fn touched(&self) -> usize {
        self.bytes.len()
    }

    /// Makes the chunk ready for its first record.
    pub(super) fn begin(&mut self, first_seq: u64) {
        self.clear();
        self.first_seq = first_seq;
    }

    #[inline]
    pub fn push(&mut self, record: &NewRecord<'_>, uuid: Uuid, wire_bytes: usize) {
        record.write(uuid, Seal::Plain, self.extend(record.stride()));
        self.events += 1;
        self.wire_bytes += wire_bytes;
    }

    /// Appends a record that was read elsewhere.
    pub(super) fn push_copy(&mut self, record: &Record<'_>, wire_bytes: usize) {
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
    pub(super) fn shrink(&mut self) {
        self.bytes.truncate(self.end);
        self.bytes.shrink_to_fit();
    }

    /// Drops the oldest record; returns its size on the wire.
    pub(super) fn evict(&mut self, envelope: usize) -> usize {
        let Some(record) = Record::read(&self.bytes[self.head..self.end]) else { return 0 };
        let stride = record.stride();
        let wire_bytes = record.bytes.len() - HEADER + envelope;
        self.head += stride;
        self.events -= 1;
        self.wire_bytes -= wire_bytes;
        self.first_seq += 1;
        wire_bytes
    }

    /// Takes out the oldest `events`, or all.
    pub(super) fn split_front(&mut self, events: usize, envelope: usize) -> Chunk {
        if events >= self.events {
            return std::mem::take(self);
        }
        let start = self.head;
        let mut part = Chunk { first_seq: self.first_seq, ..Chunk::default() };
        for _ in 0..events {
            part.wire_bytes += self.evict(envelope);
            part.events += 1;
        }
        part.bytes = self.bytes[start..self.head].to_vec();
        part.end = part.bytes.len();
        part
    }

    pub(super) fn clear(&mut self) {
        self.head = 0;
        self.end = 0;
        self.events = 0;
        self.wire_bytes = 0;
    }
}
