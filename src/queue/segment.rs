//! Records one after another, written by one thread at a time.

use crate::error::Error;
use crate::record::{DONE, HEADER, MARK_AT, NewRecord, Record, Seal};
use crate::store::{Hold, Resident, Slot};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use uuid::Uuid;

/// Memory is made ready a page at a time.
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
    /// Up to here there is nothing to do but to write: the end of the page that is written to.
    ready: usize,
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
        Segment { bytes, seal: Seal::Plain, head: 0, end: 0, ready: 0, events: 0, wire_bytes: 0 }
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
        if self.end > self.ready {
            self.begin_page();
        }
        &mut self.bytes[start..self.end]
    }

    /// Makes the page ready that is written to from here on, and reads from the one behind it. The
    /// first event there, some thirty later, would otherwise wait until the processor has found out
    /// where that page is, and has it at hand.
    #[cold]
    fn begin_page(&mut self) {
        let page_end = self.end.next_multiple_of(PAGE);
        self.ready = page_end;
        if let Memory::Heap(bytes) = &mut self.bytes {
            if self.end > bytes.len() {
                bytes.resize(page_end.min(bytes.capacity()).max(self.end), 0);
            }
            self.ready = page_end.min(bytes.len());
            std::hint::black_box(bytes.get(page_end).copied());
        }
    }

    /// Gives back what it does not use.
    pub fn shrink(&mut self) {
        if let Memory::Heap(bytes) = &mut self.bytes {
            bytes.truncate(self.end);
            bytes.shrink_to_fit();
            self.ready = self.end;
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
        self.ready = 0;
        self.events = 0;
        self.wire_bytes = 0;
        match &mut self.bytes {
            Memory::Heap(bytes) => bytes.capacity() == usual,
            Memory::File(slot) => slot.renew(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    const SIZES: [usize; 6] = [1, 3_900, 50, 4_096, 20_000, 7];

    fn push(segment: &mut Segment, size: usize) {
        let record = NewRecord {
            distinct_id: b"user",
            event: b"event",
            props: [&vec![b'x'; size], b""],
            options: b"",
            marks: 0,
            timestamp: Timestamp::from_parts(1_700_000_000, 0, 6),
            uuid: None,
        };
        segment.push(&record, Uuid::nil(), size);
    }

    fn sizes(segment: &Segment) -> Vec<usize> {
        segment.records().map(|record| record.props.len()).collect()
    }

    #[test]
    fn records_of_any_size_lie_across_pages_whenever_memory_is_used() {
        let mut segment = Segment::reserve(30_001).unwrap();
        for _ in 0..3 {
            SIZES.iter().for_each(|size| push(&mut segment, *size));
            assert_eq!(sizes(&segment), SIZES);
            assert!(segment.clear(30_001) && segment.room() == 30_001);
        }
        push(&mut segment, 3);
        segment.shrink();
        assert_eq!(segment.room(), 0);
        SIZES.iter().for_each(|size| push(&mut segment, *size));
        assert_eq!(sizes(&segment)[1..], SIZES);
        let front = segment.split_front(3, 0);
        assert_eq!((sizes(&front), sizes(&segment)), (vec![3, 1, 3_900], SIZES[2..].to_vec()));
    }
}
