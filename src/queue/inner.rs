//! What the queue's lock guards. No waiting, no system call, no callback in here.

use super::chunk::Chunk;
use super::chunks::Chunks;
use super::flights::{Batch, Flights};
use super::overflow::Episode;
use super::segment::Segment;
use super::slots::{Load, SLOTS, Slots};
use super::ticket::{Settled, Tickets};
use super::writers::Writers;
use super::{Limits, PARTS};
use crate::error::Error;
use crate::ledger::{Ledger, Reason};
use crate::record::NewRecord;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// For `wake_at`: the sender does not want the bell.
pub const NEVER: usize = usize::MAX;

/// The state of one queue.
pub struct Inner {
    pub limits: Limits,
    pub chunks: Chunks,
    writers: Writers,
    /// Without what was granted and used: see `recall`.
    pub ledger: Ledger,
    queued_bytes: usize,
    /// The sequence number of the first event that is in no chunk yet. Events are numbered when
    /// their segment ends.
    next_seq: u64,
    pub flights: Flights,
    pub tickets: Tickets,
    /// Everything up to this sequence number is to go out now.
    pub hurried_upto: u64,
    /// How often somebody asked for more to go out now.
    pub hurries: u64,
    /// How often everything was given up.
    pub given_up: u64,
    /// The sender wants the bell when so many events are queued.
    pub wake_at: usize,
    /// Since when there has been something to send.
    pub since: Option<Instant>,
    pub episode: Episode,
    pub closed: bool,
    /// Nothing moves any more: the shutdown deadline has passed.
    pub frozen: bool,
    pub opted_out: bool,
}

impl Inner {
    pub fn new(limits: Limits, slots: Arc<Slots>) -> Inner {
        Inner {
            limits,
            chunks: Chunks::new(),
            writers: Writers::new(slots),
            ledger: Ledger::default(),
            queued_bytes: 0,
            next_seq: 1,
            flights: Flights::default(),
            tickets: Tickets::default(),
            hurried_upto: 0,
            hurries: 0,
            given_up: 0,
            wake_at: NEVER,
            since: None,
            episode: Episode::default(),
            closed: false,
            frozen: false,
            opted_out: false,
        }
    }

    /// Whether anybody still wants events to be sent.
    pub fn is_wanted(&self) -> bool {
        !self.frozen && !self.opted_out
    }

    /// Takes back what was granted. Counts are exact from here on, and nothing is pushed before
    /// the lock is free again.
    pub fn recall(&mut self) {
        let used = self.writers.recall_all();
        self.count(used);
    }

    fn count(&mut self, accepted: Load) {
        self.ledger.accepted += accepted.events as u64;
        self.ledger.queued += accepted.events as u64;
        self.queued_bytes += accepted.bytes;
    }

    /// The counts, and the bytes that are queued.
    pub fn counts(&mut self) -> (Ledger, usize) {
        self.recall();
        (self.ledger, self.queued_bytes)
    }

    /// How many events are queued.
    pub fn queued(&mut self) -> usize {
        self.recall();
        self.ledger.queued as usize
    }

    /// What counts towards the bounds, with all that is granted.
    fn held_at_most(&self) -> (usize, usize) {
        let (events, bytes) = self.flights.waiting();
        let out = self.writers.out();
        let queued = self.ledger.queued as usize + out.events;
        (queued + events, self.queued_bytes + out.bytes + bytes)
    }

    /// What counts towards the bounds: events and bytes.
    pub fn held(&mut self) -> (usize, usize) {
        self.recall();
        self.held_at_most()
    }

    /// Whether half of the bounds is free.
    pub fn is_calm(&mut self) -> bool {
        let (events, bytes) = self.held();
        events <= self.limits.events_max / 2 && bytes <= self.limits.bytes_max / 2
    }

    /// Whether an event of so many bytes is within the bounds.
    pub fn fits(&mut self, bytes: usize) -> bool {
        if self.limits.fits(self.held_at_most(), bytes) {
            return true;
        }
        let held = self.held();
        self.limits.fits(held, bytes)
    }

    /// A thread comes to its slot with an event. Whatever was granted to the slot is taken back.
    pub fn come(&mut self, own: usize) {
        match self.writers.come(own) {
            Some(used) => self.count(used),
            None => {
                self.end_segments();
                self.writers.meet();
            }
        }
    }

    /// A uuid of the sequence that events without one of their own have theirs from.
    pub fn uuid(&mut self, own: usize, unix_millis: i64) -> Uuid {
        self.come(own);
        self.writers.slots.lock(own).random.uuid(unix_millis)
    }

    /// How large the segment of a slot may get: what the last chunk still takes, or a part of it
    /// where more than one thread fills it.
    fn segment_max(&self) -> Load {
        let (events, bytes) = self.chunks.room(&self.limits);
        if !self.writers.meets() {
            return Load { events, bytes };
        }
        let events = events.min(self.limits.batch_events_max.div_ceil(PARTS));
        Load { events, bytes: bytes.min(self.limits.batch_bytes_max / PARTS) }
    }

    fn is_full_for(&self, segment: &Segment, record: &NewRecord<'_>, bytes: usize) -> bool {
        let max = self.segment_max();
        segment.room() < record.stride()
            || segment.events() > 0
                && (segment.events() >= max.events || segment.wire_bytes() + bytes > max.bytes)
    }

    /// Whether the event needs a fresh segment of so many bytes, which is best made where no lock
    /// is held.
    pub fn lacks(&self, own: usize, record: &NewRecord<'_>, bytes: usize) -> Option<usize> {
        let is_full = self.is_full_for(&self.writers.slots.lock(own).segment, record, bytes);
        let lacks = is_full && !self.chunks.spares.has(record.stride());
        lacks.then(|| self.limits.segment_bytes().max(record.stride()))
    }

    /// Accepts an event, for which there is room. The thread has come to its slot.
    pub fn append(
        &mut self,
        own: usize,
        record: &NewRecord<'_>,
        bytes: usize,
    ) -> Result<Uuid, Error> {
        let slots = Arc::clone(&self.writers.slots);
        // Whatever segments end later, their chunks have their places.
        self.chunks.prepare(SLOTS + 1)?;
        if self.is_full_for(&slots.lock(own).segment, record, bytes) {
            let needed = record.stride();
            let mut next = self.chunks.spares.take();
            if next.room() < needed {
                // Whoever waited for room did not look again whether a segment lacks.
                next = Segment::reserve(self.limits.segment_bytes().max(needed))?;
            }
            let full = self.writers.end(own, next);
            self.add(full);
        }
        let mut slot = slots.lock(own);
        if slot.segment.events() == 0 {
            self.chunks.close_for(bytes, &self.limits);
        }
        let uuid = slot.write(record, bytes);
        let held = Load { events: slot.segment.events(), bytes: slot.segment.wire_bytes() };
        drop(slot);
        self.writers.opened(own);
        self.count(Load { events: 1, bytes });
        self.grant(own, held);
        Ok(uuid)
    }

    /// Lets a slot, whose segment has so much, take more without the lock: so much that no bound
    /// is passed, and no count that the sender wants the bell at.
    fn grant(&mut self, own: usize, segment: Load) {
        let max = self.segment_max();
        let held = self.held_at_most();
        let silent = self.wake_at.saturating_sub(self.queued_at_most() + 1);
        // The other half is for the others.
        let shares = if self.writers.meets() { 2 } else { 1 };
        let events = self.limits.events_max.saturating_sub(held.0).min(silent) / shares;
        let bytes = self.limits.bytes_max.saturating_sub(held.1) / shares;
        let events = events.min(max.events.saturating_sub(segment.events));
        let bytes = bytes.min(max.bytes.saturating_sub(segment.bytes));
        self.writers.grant(own, Load { events, bytes });
    }

    fn queued_at_most(&self) -> usize {
        self.ledger.queued as usize + self.writers.out().events
    }

    /// Numbers the events of a segment that has ended.
    fn add(&mut self, segment: Segment) {
        let events = segment.events() as u64;
        if events > 0 {
            self.chunks.add(segment, self.next_seq, &self.limits);
            self.next_seq += events;
        }
    }

    /// Ends every segment: everything that is queued is in chunks, and has a number.
    fn end_segments(&mut self) {
        self.recall();
        while let Some(segment) = self.writers.end_oldest() {
            self.add(segment);
        }
        self.writers.part();
    }

    /// The number of the oldest event that is queued, or of the next.
    fn first_seq(&self) -> u64 {
        self.chunks.first_seq().unwrap_or(self.next_seq)
    }

    /// The number of the newest event that is queued, and of none that comes later.
    pub fn barrier(&mut self) -> u64 {
        if self.writers.meets() {
            self.end_segments();
        }
        let queued = self.queued() as u64;
        self.first_seq() + queued - 1
    }

    /// Whether somebody waits for what is queued.
    pub fn is_hurried(&mut self) -> bool {
        self.closed || self.queued() > 0 && self.first_seq() <= self.hurried_upto
    }

    /// Everything that is queued is to go out now.
    pub fn hurry(&mut self) {
        self.hurried_upto = self.barrier();
        if self.wake_at != NEVER {
            self.wake_at = 0;
        }
    }

    /// Nothing is to wait for a threshold while events are refused.
    pub fn press(&mut self) {
        if !self.is_hurried() {
            self.hurry();
        }
    }

    /// Whether the sender wants the bell, which it then has.
    pub fn wakes(&mut self) -> bool {
        let wake_at = self.wake_at;
        let wakes = wake_at != NEVER
            && (self.chunks.has_full()
                || self.queued_at_most() >= wake_at && self.queued() >= wake_at);
        if wakes {
            self.wake_at = NEVER;
        }
        wakes
    }

    /// The oldest batch, now in flight.
    pub fn take_front(&mut self) -> Option<Batch> {
        if !self.chunks.has_full() {
            self.end_segments();
        }
        let batch = Batch::new(self.chunks.take_front()?, self.limits.envelope);
        let events = batch.events() as u64;
        self.queued_bytes -= batch.chunk.wire_bytes();
        self.ledger.queued -= events;
        self.ledger.in_flight += events;
        self.flights.begin(&batch);
        Some(batch)
    }

    /// Drops the oldest queued events until there is room. Returns how many, and the memory that
    /// is to be freed outside the lock.
    pub fn evict_for(&mut self, bytes: usize) -> (u64, Vec<Segment>) {
        let mut garbage = Vec::new();
        // Beside a batch that waits for a retry there may be no room even in an empty queue: then
        // nothing is evicted for it, and it is the new event that goes.
        if !self.limits.fits(self.flights.waiting(), bytes) {
            return (1, garbage);
        }
        let mut evicted = 0;
        while !self.fits(bytes) {
            if self.chunks.front().is_none() {
                self.end_segments();
            }
            self.tickets.mark_lost(self.first_seq());
            if self.tickets.has_watches()
                && let Some(record) = self.chunks.front().and_then(|chunk| chunk.records().next())
            {
                self.tickets.mark_settled(record.uuid, Some(Reason::Overflow));
            }
            let (freed, memory) = self.chunks.evict(&self.limits);
            garbage.extend(memory);
            self.queued_bytes -= freed;
            self.ledger.drop_queued(1, Reason::Overflow);
            evicted += 1;
        }
        self.tickets.release();
        (evicted, garbage)
    }

    /// Takes out up to `events` of the oldest: at most those of one chunk.
    pub fn drain_front(&mut self, events: usize) -> Chunk {
        self.end_segments();
        let part = self.chunks.split_front(events, self.limits.envelope);
        self.queued_bytes -= part.wire_bytes();
        self.ledger.queued -= part.events() as u64;
        self.ledger.drained += part.events() as u64;
        if self.tickets.has_watches() {
            part.records().for_each(|record| self.tickets.mark_settled(record.uuid, None));
            self.tickets.release();
        }
        part
    }

    /// Drops everything that is not settled, batches under way included: what becomes of them is
    /// not looked at any more. Returns the chunks, to be freed outside the lock.
    pub fn give_up(&mut self, reason: Reason) -> Chunks {
        self.given_up += 1;
        self.end_segments();
        let (in_flight, first) = self.flights.clear();
        self.ledger.drop_in_flight(in_flight, reason);
        let queued = self.ledger.queued;
        self.ledger.drop_queued(queued, reason);
        self.queued_bytes = 0;
        let queued_first = self.chunks.first_seq();
        if let Some(first) = first.or(queued_first) {
            self.tickets.mark_lost(first);
        }
        self.tickets.give_up(reason);
        std::mem::replace(&mut self.chunks, Chunks::new())
    }

    /// Every event up to this sequence number is settled.
    pub fn settled_upto(&self) -> u64 {
        // What is under way was captured before what is queued.
        self.flights.first().unwrap_or_else(|| self.first_seq()) - 1
    }

    /// The flushes whose wait is over.
    pub fn settled(&mut self) -> Settled {
        if self.tickets.is_empty() {
            Settled::default()
        } else {
            self.tickets.settle(self.settled_upto())
        }
    }
}
