//! The chunks of one queue, and emptied segments to reuse.

use super::Limits;
use super::chunk::Chunk;
use super::segment::Segment;
use super::spares::Spares;
use crate::error::Error;
use std::collections::VecDeque;

/// Chunks beyond so many are not sent soon: they need no memory if they lie in a file.
pub const SOON: usize = 8;

/// Events in order, a chunk for each batch.
pub struct Chunks {
    /// Oldest first. Only the last one takes more segments.
    all: VecDeque<Chunk>,
    /// Nor does the last one, for the next event is too much for it.
    is_closed: bool,
    pub spares: Spares,
}

impl Chunks {
    pub fn new() -> Chunks {
        Chunks { all: VecDeque::new(), is_closed: false, spares: Spares::default() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// How many events outlive the process.
    pub fn stored(&self) -> u64 {
        let stored = self.all.iter().filter(|chunk| chunk.is_stored());
        stored.map(|chunk| chunk.events() as u64).sum()
    }

    /// Whether a whole batch waits.
    pub fn has_full(&self) -> bool {
        self.all.len() > 1 || self.is_closed
    }

    /// The sequence number of the oldest event.
    pub fn first_seq(&self) -> Option<u64> {
        Some(self.all.front()?.first_seq())
    }

    /// How many events, and bytes on the wire, the last chunk still takes.
    pub fn room(&self, limits: &Limits) -> (usize, usize) {
        let held = match self.all.back() {
            Some(last) if !self.is_closed => (last.events(), last.wire_bytes()),
            _ => (0, 0),
        };
        (limits.batch_events_max - held.0, limits.batch_bytes_max.saturating_sub(held.1))
    }

    /// Makes place for so many more chunks.
    pub fn prepare(&mut self, chunks: usize) -> Result<(), Error> {
        self.all.try_reserve(chunks).map_err(|_| Error::NoMemory)
    }

    /// Adds a segment whose first event has that number: to the last chunk, or to a new one.
    pub fn add(&mut self, segment: Segment, first_seq: u64, limits: &Limits) {
        let (events, bytes) = self.room(limits);
        let last = self.all.back();
        let fits = segment.events() <= events
            && segment.wire_bytes() <= bytes
            && last.is_none_or(|last| last.is_stored() == segment.is_stored());
        if !fits || self.is_closed || self.all.is_empty() {
            self.all.push_back(Chunk::new(first_seq));
        }
        if let Some(last) = self.all.back_mut() {
            last.join(segment);
            self.is_closed = last.events() >= limits.batch_events_max;
        }
    }

    /// The next event, of so many bytes, goes into a new chunk if it is too much for the last one.
    pub fn close_for(&mut self, bytes: usize, limits: &Limits) {
        self.is_closed |= !self.all.is_empty() && bytes > self.room(limits).1;
    }

    /// The oldest batch, whole.
    pub fn take_front(&mut self) -> Option<Chunk> {
        let chunk = self.all.pop_front();
        self.is_closed &= !self.all.is_empty();
        chunk
    }

    pub fn front(&self) -> Option<&Chunk> {
        self.all.front()
    }

    /// Drops the oldest event; returns its size on the wire, and memory to be freed outside the
    /// lock.
    pub fn evict(&mut self, limits: &Limits) -> (usize, Vec<Segment>) {
        let bytes = self.all.front_mut().map_or(0, |front| front.evict(limits.envelope));
        let empty = self.all.front().is_some_and(|front| front.events() == 0);
        let emptied = if empty { self.take_front() } else { None };
        (bytes, emptied.map_or_else(Vec::new, |chunk| self.recycle(chunk, limits)))
    }

    /// Takes out the oldest `events`, or as many as the front chunk has.
    pub fn split_front(&mut self, events: usize, envelope: usize) -> Chunk {
        match self.all.front_mut() {
            Some(front) if front.events() > events => front.split_front(events, envelope),
            _ => self.take_front().unwrap_or_default(),
        }
    }

    /// Keeps the memory of an emptied chunk, but for segments of an unusual size, or hands it back to
    /// be freed outside the lock.
    pub fn recycle(&mut self, chunk: Chunk, limits: &Limits) -> Vec<Segment> {
        let mut garbage = Vec::new();
        for mut segment in chunk.into_segments() {
            let is_usual = segment.clear(limits.segment_bytes());
            // What is in a file needs no memory while much of that waits, but for the next event.
            let waits = segment.is_stored() && self.all.len() > SOON && self.spares.has(1);
            if !is_usual || waits {
                garbage.push(segment);
            } else {
                garbage.extend(self.spares.keep(segment));
            }
        }
        garbage
    }
}
