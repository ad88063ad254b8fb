//! Records one after another, written by one thread at a time.

use crate::error::Error;
use crate::record::{DONE, HEADER, MARK_AT, NewRecord, Record, Seal};
use crate::store::{Hold, Resident, Slot};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use uuid::Uuid;

/// Memory is initialised a page at a time.
const PAGE: usize = 4096;

/// Where a segment's records lie.
enum Memory {
    /// As much as was ever used, initialised: its capacity is address space.
    Heap(Vec<u8>),
    /// A part of a file.
    File(Slot),
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::Heap(Vec::new())
    }
}

impl Deref for Memory {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Memory::Heap(bytes) => bytes,
            Memory::File(slot) => slot,
        }
    }
}

impl DerefMut for Memory {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Memory::Heap(bytes) => bytes,
            Memory::File(slot) => slot,
        }
    }
}

impl Memory {
    #[inline]
    fn capacity(&self) -> usize {
        match self {
            Memory::Heap(bytes) => bytes.capacity(),
            Memory::File(slot) => slot.len(),
        }
    }
}

/// Records one after another. Never larger than a batch.
pub struct Segment {
    bytes: Memory,
    /// How records are sealed there.
    seal: Seal,
    /// Where the oldest record begins; those before it were evicted.
    head: usize,
    /// Where the next record goes.
    end: usize,
    events: usize,
    wire_bytes: usize,
}

impl Default for Segment {
    fn default() -> Segment {
        Segment::of(Memory::default())
    }
}

impl Segment {
    fn of(bytes: Memory) -> Segment {
        Segment { bytes, seal: Seal::Plain, head: 0, end: 0, events: 0, wire_bytes: 0 }
    }

    /// With address space for so many bytes. Pages that no event reaches are never touched.
    pub fn reserve(capacity: usize) -> Result<Segment, Error> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(capacity).map_err(|_| Error::NoMemory)?;
        Ok(Segment::of(Memory::Heap(bytes)))
    }

    /// In a file.
    pub fn stored(slot: Slot) -> Segment {
        Segment::of(Memory::File(slot))
    }

    /// Begins a new use of it.
    pub fn begin(&mut self) {
        if let Memory::File(slot) = &mut self.bytes {
            slot.begin();
            self.seal = slot.seal();
        }
    }

    /// Has the system provide the memory of the first bytes, before events need it.
    pub fn touch(&mut self, bytes: usize) {
        if let Memory::Heap(memory) = &mut self.bytes {
            memory.resize(bytes.min(memory.capacity()), 0);
        }
    }

    /// What is in it outlives the process.
    pub fn is_stored(&self) -> bool {
        matches!(self.bytes, Memory::File(_))
    }

    /// The memory that may be given back, for what is in it lies in a file.
    pub fn resident(&self) -> Option<Resident> {
        match &self.bytes {
            Memory::Heap(_) => None,
            Memory::File(slot) => Some(slot.resident()),
        }
    }

    /// The right to what is stored in it.
    pub fn hold(&self) -> Option<&Arc<Hold>> {
        match &self.bytes {
            Memory::Heap(_) => None,
            Memory::File(slot) => Some(slot.hold()),
        }
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
        self.located().map(|(_, record)| record)
    }

    /// Each record, and where it begins.
    pub fn located(&self) -> impl Iterator<Item = (usize, Record<'_>)> {
        let mut at = self.head;
        std::iter::from_fn(move || {
            let record = Record::read(&self.bytes[at..self.end])?;
            let found = (at, record);
            at += record.stride();
            Some(found)
        })
    }

    #[inline(always)]
    pub fn push(&mut self, record: &NewRecord<'_>, uuid: Uuid, wire_bytes: usize) {
        let seal = self.seal;
        record.write(uuid, seal, self.extend(record.stride()));
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
    #[inline(always)]
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
        let Memory::Heap(bytes) = &mut self.bytes else { return };
        let capacity = bytes.capacity();
        let len = self.end.next_multiple_of(PAGE).min(capacity).max(self.end);
        bytes.resize(len, 0);
    }

    /// Gives back what it does not use.
    pub fn shrink(&mut self) {
        if let Memory::Heap(bytes) = &mut self.bytes {
            bytes.truncate(self.end);
            bytes.shrink_to_fit();
        }
    }

    /// Drops the oldest record; returns its size on the wire.
    pub fn evict(&mut self, envelope: usize) -> usize {
        let Some(record) = Record::read(&self.bytes[self.head..self.end]) else { return 0 };
        let stride = record.stride();
        let wire_bytes = record.bytes.len() - HEADER + envelope;
        if self.is_stored() {
            self.bytes[self.head + MARK_AT..][..DONE.len()].copy_from_slice(&DONE);
        }
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
        let bytes: usize = self.records().take(events).map(|record| record.stride()).sum();
        let bytes = self.bytes[self.head..self.head + bytes].to_vec();
        let wire_bytes = (0..events).map(|_| self.evict(envelope)).sum();
        Segment { end: bytes.len(), events, wire_bytes, ..Segment::of(Memory::Heap(bytes)) }
    }

    /// Empties it. Whether its memory may be used again: it is of the usual size.
    pub fn clear(&mut self, usual: usize) -> bool {
        self.head = 0;
        self.end = 0;
        self.events = 0;
        self.wire_bytes = 0;
        match &mut self.bytes {
            Memory::Heap(bytes) => bytes.capacity() == usual,
            Memory::File(slot) => slot.renew(),
        }
    }
}
