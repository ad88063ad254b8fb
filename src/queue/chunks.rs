//! The chunks of one queue: full ones, the one that is being filled, and emptied ones to reuse.

use super::Limits;
use super::chunk::Chunk;
use crate::error::Error;
use crate::record::NewRecord;
use std::collections::VecDeque;
use uuid::Uuid;

/// Emptied chunks are kept up to so many bytes of memory that they have really used: a steady
/// flow allocates nothing, and a burst is given back.
const SPARE_BYTES_MAX: usize = 4 << 20;
const SPARE_MAX: usize = 64;

/// Events in order, a chunk for each batch.
#[derive(Default)]
pub struct Chunks {
    /// Full batches, oldest first.
    sealed: VecDeque<Chunk>,
    open: Chunk,
    spare: Vec<Chunk>,
    spare_bytes: usize,
}

impl Chunks {
    pub fn new() -> Chunks {
        // Keeping a chunk must not allocate under the lock.
        Chunks { spare: Vec::with_capacity(SPARE_MAX), ..Chunks::default() }
    }

    /// Whether a whole batch waits.
    pub fn has_full(&self) -> bool {
        !self.sealed.is_empty()
    }

    /// Whether the next append needs a fresh chunk of so many bytes, which is best made where no
    /// lock is held.
    pub fn lacks(&self, record: &NewRecord<'_>, bytes: usize, limits: &Limits) -> Option<usize> {
        if !self.is_full_for(record, bytes, limits) {
            return None;
        }
        let has_room = self.spare.last().is_some_and(|chunk| chunk.room() >= record.stride());
        (!has_room).then(|| limits.chunk_bytes().max(record.stride()))
    }

    /// Adds a fresh chunk; the next append takes it if it needs one.
    pub fn supply(&mut self, chunk: Chunk) -> Result<(), Error> {
        self.spare.try_reserve(1).map_err(|_| Error::NoMemory)?;
        self.spare_bytes += chunk.touched();
        self.spare.push(chunk);
        Ok(())
    }

    #[inline]
    fn is_full_for(&self, record: &NewRecord<'_>, bytes: usize, limits: &Limits) -> bool {
        self.open.room() < record.stride()
            || self.open.events() > 0
                && (self.open.events() >= limits.batch_events_max
                    || self.open.wire_bytes() + bytes > limits.batch_bytes_max)
    }

    /// Appends an event, to a fresh chunk where the open one is a full batch.
    pub fn append(
        &mut self,
        record: &NewRecord<'_>,
        uuid: Uuid,
        seq: u64,
        bytes: usize,
        limits: &Limits,
    ) -> Result<(), Error> {
        if self.is_full_for(record, bytes, limits) {
            self.seal(limits.chunk_bytes().max(record.stride()), record.stride())?;
        }
        if self.open.events() == 0 {
            self.open.begin(seq);
        }
        self.open.push(record, uuid, bytes);
        Ok(())
    }

    /// Ends the open batch and begins another.
    #[cold]
    fn seal(&mut self, capacity: usize, needed: usize) -> Result<(), Error> {
        self.sealed.try_reserve(1).map_err(|_| Error::NoMemory)?;
        let next = self.take_spare();
        let full = std::mem::replace(&mut self.open, next);
        if full.events() > 0 {
            self.sealed.push_back(full);
        } else if full.room() > 0 {
            self.supply(full)?;
        }
        if self.open.room() < needed {
            // Whoever waited for room did not look again whether a chunk lacks.
            self.open = Chunk::reserve(capacity)?;
        }
        Ok(())
    }

    /// The oldest batch, whole.
    pub fn take_front(&mut self) -> Chunk {
        match self.sealed.pop_front() {
            Some(chunk) => chunk,
            None => {
                let next = self.take_spare();
                std::mem::replace(&mut self.open, next)
            }
        }
    }

    pub fn front(&self) -> &Chunk {
        self.sealed.front().unwrap_or(&self.open)
    }

    /// Drops the oldest event; returns its size on the wire, and a chunk to be freed outside the
    /// lock.
    pub fn evict(&mut self, envelope: usize) -> (usize, Option<Chunk>) {
        let front = self.sealed.front_mut().unwrap_or(&mut self.open);
        let bytes = front.evict(envelope);
        (bytes, self.drop_empty_front())
    }

    /// Takes out the oldest `events`, or as many as the front chunk has.
    pub fn split_front(&mut self, events: usize, envelope: usize) -> Chunk {
        let front = self.sealed.front_mut().unwrap_or(&mut self.open);
        let part = front.split_front(events, envelope);
        drop(self.drop_empty_front());
        part
    }

    /// Keeps an emptied chunk, or hands it back to be freed outside the lock.
    pub fn recycle(&mut self, mut chunk: Chunk) -> Option<Chunk> {
        chunk.clear();
        let keeps = self.spare.len() < SPARE_MAX
            && self.spare_bytes + chunk.touched() <= SPARE_BYTES_MAX
            && chunk.room() > 0;
        if !keeps {
            return Some(chunk);
        }
        self.spare_bytes += chunk.touched();
        self.spare.push(chunk);
        None
    }

    fn take_spare(&mut self) -> Chunk {
        let chunk = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= chunk.touched();
        chunk
    }

    fn drop_empty_front(&mut self) -> Option<Chunk> {
        if self.sealed.front()?.events() > 0 {
            return None;
        }
        let empty = self.sealed.pop_front()?;
        self.recycle(empty)
    }
}
