//! The chunks of one queue, and emptied segments to reuse.

use super::Limits;
use super::chunk::Chunk;
use super::segment::Segment;
use crate::error::Error;
use std::collections::VecDeque;

/// Emptied segments are kept up to so many bytes of memory that they have really used: a steady
/// flow allocates nothing, and a burst is given back.
const SPARE_BYTES_MAX: usize = 4 << 20;
const SPARE_MAX: usize = 64;

/// Events in order, a chunk for each batch.
pub struct Chunks {
    /// Oldest first. Only the last one takes more segments.
    all: VecDeque<Chunk>,
    /// Nor does the last one, for the next event is too much for it.
    is_closed: bool,
    spare: Vec<Segment>,
    spare_bytes: usize,
}

impl Chunks {
    pub fn new() -> Chunks {
        // Keeping a segment must not allocate under the lock.
        let spare = Vec::with_capacity(SPARE_MAX);
        Chunks { all: VecDeque::new(), is_closed: false, spare, spare_bytes: 0 }
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
        let fits = segment.events() <= events && segment.wire_bytes() <= bytes;
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
    pub fn evict(&mut self, envelope: usize) -> (usize, Vec<Segment>) {
        let bytes = self.all.front_mut().map_or(0, |front| front.evict(envelope));
        let empty = self.all.front().is_some_and(|front| front.events() == 0);
        let emptied = if empty { self.take_front() } else { None };
        (bytes, emptied.map_or_else(Vec::new, |chunk| self.recycle(chunk)))
    }

    /// Takes out the oldest `events`, or as many as the front chunk has.
    pub fn split_front(&mut self, events: usize, envelope: usize) -> Chunk {
        match self.all.front_mut() {
            Some(front) if front.events() > events => front.split_front(events, envelope),
            _ => self.take_front().unwrap_or_default(),
        }
    }

    /// Keeps the memory of an emptied chunk, or hands it back to be freed outside the lock.
    pub fn recycle(&mut self, chunk: Chunk) -> Vec<Segment> {
        let mut garbage = Vec::new();
        for mut segment in chunk.into_segments() {
            segment.clear();
            let keeps = self.spare.len() < SPARE_MAX
                && self.spare_bytes + segment.touched() <= SPARE_BYTES_MAX
                && segment.room() > 0;
            if keeps {
                self.spare_bytes += segment.touched();
                self.spare.push(segment);
            } else {
                garbage.push(segment);
            }
        }
        garbage
    }

    /// Whether there is an emptied segment with room for so many bytes.
    pub fn has_spare(&self, bytes: usize) -> bool {
        self.spare.last().is_some_and(|segment| segment.room() >= bytes)
    }

    /// Adds a fresh segment; the next event takes it if it needs one.
    pub fn supply(&mut self, segment: Segment) -> Result<(), Error> {
        self.spare.try_reserve(1).map_err(|_| Error::NoMemory)?;
        self.spare_bytes += segment.touched();
        self.spare.push(segment);
        Ok(())
    }

    pub fn take_spare(&mut self) -> Segment {
        let segment = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= segment.touched();
        segment
    }
}
