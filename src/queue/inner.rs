//! What the queue's lock guards. No waiting, no system call, no callback in here.

use super::chunk::Chunk;
use super::chunks::{Chunks, SOON};
use super::flights::{Batch, Flights};
use super::overflow::Episode;
use super::segment::Segment;
use super::slots::{Load, SLOTS, Slots};
use super::ticket::{Settled, Tickets};
use super::writers::Writers;
use super::{Limits, Next, PARTS};
use crate::batch::{self, Backlog, Due};
use crate::error::Error;
use crate::ledger::{Ledger, Reason};
use crate::record::NewRecord;
use crate::store::{Resident, Store};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// For `wake_at`: the sender does not want the bell.
pub const NEVER: usize = usize::MAX;

/// Adopted events are numbered from here on: they are before no event that a flush waits for.
const FIRST_ADOPTED: u64 = 1 << 62;

/// Whether one more event fits beside what is held (events, bytes).
pub fn is_within(held: (usize, usize), size: Size, bounds: Load) -> bool {
    held.0 < bounds.events && held.1 + size.bytes <= bounds.bytes
}

/// Bytes of one event: in memory, and on the wire at most.
#[derive(Clone, Copy)]
pub struct Size {
    pub stride: usize,
    pub bytes: usize,
}

/// The state of one queue.
pub struct Inner {
    pub limits: Limits,
    pub store: Option<Arc<Store>>,
    /// Events of dead processes that wait in their files.
    pub adopted: u64,
    next_adopted: u64,
    /// Of these was the last batch.
    pub adopted_last: bool,
    pub chunks: Chunks,
    /// Memory of events that are not sent soon, to be given back outside the lock.
    pub cold: Vec<Resident>,
    writers: Writers,
    /// Without what was granted and used: see `recall`.
    pub ledger: Ledger,
    pub queued_bytes: usize,
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
    /// Since the disk was last told to keep what is stored.
    news: News,
}

/// Whether something was accepted, and whether who tells the disk has heard of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum News {
    None,
    Untold,
    /// Always, where nobody tells the disk.
    Told,
}

/// Who is to look again.
#[derive(Clone, Copy, Default)]
#[must_use]
pub struct Wakes {
    pub sender: bool,
    pub syncer: bool,
}

impl Inner {
    pub fn new(limits: Limits, slots: Arc<Slots>, store: Option<Arc<Store>>) -> Inner {
        let syncer = store.as_ref().and_then(|store| store.syncer());
        let news = if syncer.is_some() { News::None } else { News::Told };
        Inner {
            limits,
            store,
            adopted: 0,
            next_adopted: FIRST_ADOPTED,
            adopted_last: false,
            chunks: Chunks::new(),
            cold: Vec::new(),
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
            news,
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
        let mut ledger = self.ledger;
        ledger.queued += self.adopted;
        (ledger, self.queued_bytes)
    }

    /// The store, as long as events are stored.
    pub fn active(&self) -> Option<&Arc<Store>> {
        self.store.as_ref().filter(|store| store.is_active())
    }

    /// What may be held at once. Stored, it is the file that has a bound.
    pub fn bounds(&self) -> Load {
        match self.active() {
            Some(_) => Load { events: usize::MAX / 2, bytes: usize::MAX / 2 },
            None => Load { events: self.limits.events_max, bytes: self.limits.bytes_max },
        }
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
        if let Some(store) = self.active() {
            return store.is_calm();
        }
        let (events, bytes) = self.held();
        events <= self.limits.events_max / 2 && bytes <= self.limits.bytes_max / 2
    }

    /// Whether an event of so many bytes is within the bounds, and the file has room for it.
    pub fn fits(&mut self, own: usize, size: Size) -> bool {
        if !is_within(self.held_at_most(), size, self.bounds()) {
            let held = self.held();
            if !is_within(held, size, self.bounds()) {
                return false;
            }
        }
        let has_room = self.active().is_none_or(|store| store.has_room(size.stride));
        has_room || !self.lacks(own, size)
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

    fn is_full_for(&self, segment: &Segment, size: Size) -> bool {
        let max = self.segment_max();
        let bytes = segment.wire_bytes() + size.bytes;
        segment.room() < size.stride
            || segment.events() > 0 && (segment.events() >= max.events || bytes > max.bytes)
    }

    /// Whether an event needs a fresh segment, which is best made where no lock is held.
    pub fn lacks(&self, own: usize, size: Size) -> bool {
        let is_full = self.is_full_for(&self.writers.slots.lock(own).segment, size);
        is_full && !self.chunks.spares.has(size.stride)
    }

    /// Accepts an event, for which there is room, and which lacks no segment. The thread has come to
    /// its slot.
    pub fn append(
        &mut self,
        own: usize,
        record: &NewRecord<'_>,
        size: Size,
    ) -> Result<Uuid, Error> {
        let bytes = size.bytes;
        let slots = Arc::clone(&self.writers.slots);
        // Whatever segments end later, their chunks have their places.
        self.chunks.prepare(SLOTS + 1)?;
        if self.is_full_for(&slots.lock(own).segment, size) {
            let mut next = self.chunks.spares.take();
            next.begin();
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
        if self.news == News::None {
            self.news = News::Untold;
        }
        self.grant(own, held);
        Ok(uuid)
    }

    /// Lets a slot, whose segment has so much, take more without the lock: so much that no bound
    /// is passed, and no count that the sender wants the bell at.
    fn grant(&mut self, own: usize, segment: Load) {
        let (max, bounds) = (self.segment_max(), self.bounds());
        let held = self.held_at_most();
        let silent = self.wake_at.saturating_sub(self.queued_at_most() + 1);
        // The other half is for the others.
        let shares = if self.writers.meets() { 2 } else { 1 };
        let events = bounds.events.saturating_sub(held.0).min(silent) / shares;
        let bytes = bounds.bytes.saturating_sub(held.1) / shares;
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
            if self.chunks.count() > SOON {
                self.cold.extend(segment.resident());
            }
            self.chunks.add(segment, self.next_seq, &self.limits);
            self.next_seq += events;
        } else if segment.room() > 0 {
            // Too small for the event that it was for. Freeing it may take a system call.
            let _ = self.chunks.spares.keep(segment);
        }
    }

    /// Ends every segment: everything that is queued is in chunks, and has a number.
    pub fn end_segments(&mut self) {
        self.recall();
        while let Some(segment) = self.writers.end_oldest() {
            self.add(segment);
        }
        self.writers.part();
    }

    /// The number of the oldest event that is queued, or of the next.
    pub fn first_seq(&self) -> u64 {
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

    /// Whether the sender wants the bell, which it then has, and who tells the disk.
    pub fn wakes(&mut self) -> Wakes {
        let wake_at = self.wake_at;
        let sender = wake_at != NEVER
            && (self.chunks.has_full()
                || self.queued_at_most() >= wake_at && self.queued() >= wake_at);
        if sender {
            self.wake_at = NEVER;
        }
        let syncer = self.news == News::Untold;
        if syncer {
            self.news = News::Told;
        }
        Wakes { sender, syncer }
    }

    /// The disk is to be told of files that came or went.
    pub fn rename(&mut self) {
        self.news = News::Told;
    }

    /// The disk is told to keep what was accepted until now. Whether any of it is not settled; `None`
    /// when it was told already.
    pub fn sync(&mut self) -> Option<bool> {
        // From here on the next event of each thread comes by.
        self.recall();
        let is_news = std::mem::replace(&mut self.news, News::None) != News::None;
        is_news.then(|| self.ledger.queued + self.ledger.in_flight + self.adopted > 0)
    }

    /// What the sender does next with the events of this process.
    pub fn next(&mut self, now: Instant) -> Next {
        let events = self.queued();
        if events == 0 {
            if self.closed && self.flights.is_empty() {
                return Next::Stop;
            }
            self.since = None;
            self.wake_at = 1;
            return Next::Wait(self.chunks.spares.due());
        }
        let backlog = Backlog {
            events,
            full: self.chunks.has_full(),
            hurried: self.is_hurried(),
            since: *self.since.get_or_insert(now),
        };
        match batch::due(backlog, self.limits.flush_at, self.limits.flush_interval, now) {
            Due::At(at) => {
                self.wake_at = self.limits.flush_at;
                Next::Wait(Some(at))
            }
            Due::Now => {
                self.wake_at = NEVER;
                self.since = Some(now);
                self.take_front().map_or(Next::Wait(None), Next::Send)
            }
        }
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
    /// not looked at any more. Returns the chunks, to be freed outside the lock. `keeps`: what is
    /// stored is left where it is.
    pub fn give_up(&mut self, reason: Reason, keeps: bool) -> Chunks {
        self.given_up += 1;
        self.end_segments();
        let (in_flight, stored, first) = self.flights.clear();
        let queued = std::mem::take(&mut self.adopted);
        self.ledger.queued += queued;
        if keeps {
            let queued = queued + self.chunks.stored();
            let others = (self.ledger.queued - queued, in_flight - stored);
            self.ledger.leave((queued, others.0), (stored, others.1));
        } else {
            self.ledger.drop_in_flight(in_flight, reason);
            self.ledger.drop_queued(self.ledger.queued, reason);
        }
        self.queued_bytes = 0;
        let queued_first = self.chunks.first_seq();
        // What was adopted has the highest numbers, and may be all that is on its way.
        if let Some(first) = first.into_iter().chain(queued_first).min() {
            self.tickets.mark_lost(first);
        }
        self.tickets.give_up(reason);
        std::mem::replace(&mut self.chunks, Chunks::new())
    }

    /// Events of dead processes are on their way now.
    pub fn take_adopted(&mut self, mut chunk: Chunk) -> Batch {
        let events = chunk.events() as u64;
        chunk.number(self.next_adopted);
        self.next_adopted += events;
        self.adopted -= events;
        self.ledger.in_flight += events;
        let batch = Batch::new(chunk, self.limits.envelope);
        self.flights.begin(&batch);
        batch
    }

    /// Every event up to this sequence number is settled.
    pub fn settled_upto(&self) -> u64 {
        // What is under way was captured before what is queued, or by others.
        self.flights.first().unwrap_or(u64::MAX).min(self.first_seq()) - 1
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
