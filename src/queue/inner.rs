//! What the queue's lock guards. No waiting, no system call, no callback in here.

use super::Limits;
use super::chunk::Chunk;
use super::chunks::Chunks;
use super::flights::{Batch, Flights};
use super::overflow::Episode;
use super::ticket::{Settled, Tickets};
use crate::error::Error;
use crate::ledger::{Ledger, Reason};
use crate::record::NewRecord;
use crate::uuid::Random;
use std::time::Instant;
use uuid::Uuid;

/// For `wake_at`: the sender does not want the bell.
pub const NEVER: usize = usize::MAX;

/// The state of one queue.
pub struct Inner {
    pub chunks: Chunks,
    pub ledger: Ledger,
    pub queued_bytes: usize,
    /// The sequence number of the next event.
    pub next_seq: u64,
    pub flights: Flights,
    pub tickets: Tickets,
    /// Everything up to this sequence number is to go out now.
    pub hurried_upto: u64,
    /// How often somebody asked for more to go out now.
    pub hurries: u64,
    /// How often everything was given up.
    pub given_up: u64,
    pub random: Random,
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
    pub fn new(random: Random) -> Inner {
        Inner {
            chunks: Chunks::new(),
            ledger: Ledger::default(),
            queued_bytes: 0,
            next_seq: 1,
            flights: Flights::default(),
            tickets: Tickets::default(),
            hurried_upto: 0,
            hurries: 0,
            given_up: 0,
            random,
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

    /// What counts towards the bounds: events and bytes.
    pub fn held(&self) -> (usize, usize) {
        let (events, bytes) = self.flights.waiting();
        (self.ledger.queued as usize + events, self.queued_bytes + bytes)
    }

    pub fn append(
        &mut self,
        record: &NewRecord<'_>,
        bytes: usize,
        limits: &Limits,
    ) -> Result<Uuid, Error> {
        let uuid = match record.uuid {
            Some(uuid) => uuid,
            None => self.random.uuid(record.timestamp.unix_millis()),
        };
        self.chunks.append(record, uuid, self.next_seq, bytes, limits)?;
        self.queued_bytes += bytes;
        self.next_seq += 1;
        self.ledger.accepted += 1;
        self.ledger.queued += 1;
        Ok(uuid)
    }

    /// Whether somebody waits for what is queued.
    pub fn is_hurried(&self) -> bool {
        self.closed
            || self.ledger.queued > 0 && self.chunks.front().first_seq() <= self.hurried_upto
    }

    /// Everything that is queued is to go out now.
    pub fn hurry(&mut self) {
        self.hurried_upto = self.next_seq - 1;
        if self.wake_at != NEVER {
            self.wake_at = 0;
        }
    }

    /// Whether the sender wants the bell, which it then has.
    pub fn wakes(&mut self) -> bool {
        let wakes = self.wake_at != NEVER
            && (self.ledger.queued as usize >= self.wake_at || self.chunks.has_full());
        if wakes {
            self.wake_at = NEVER;
        }
        wakes
    }

    /// The oldest batch, now in flight.
    pub fn take_front(&mut self, envelope: usize) -> Batch {
        let batch = Batch::new(self.chunks.take_front(), envelope);
        let events = batch.events() as u64;
        self.queued_bytes -= batch.chunk.wire_bytes();
        self.ledger.queued -= events;
        self.ledger.in_flight += events;
        self.flights.begin(&batch);
        batch
    }

    /// Drops the oldest queued events until there is room. Returns how many, and the chunks that
    /// are to be freed outside the lock.
    pub fn evict_for(&mut self, bytes: usize, limits: &Limits) -> (u64, Vec<Chunk>) {
        let mut garbage = Vec::new();
        // Beside a batch that waits for a retry there may be no room even in an empty queue: then
        // nothing is evicted for it, and it is the new event that goes.
        if !limits.fits(self.flights.waiting(), bytes) {
            return (1, garbage);
        }
        let mut evicted = 0;
        while !limits.fits(self.held(), bytes) {
            self.tickets.mark_lost(self.chunks.front().first_seq());
            if self.tickets.has_watches()
                && let Some(record) = self.chunks.front().records().next()
            {
                self.tickets.mark_settled(record.uuid, Some(Reason::Overflow));
            }
            let (freed, chunk) = self.chunks.evict(limits.envelope);
            garbage.extend(chunk);
            self.queued_bytes -= freed;
            self.ledger.drop_queued(1, Reason::Overflow);
            evicted += 1;
        }
        self.tickets.release();
        (evicted, garbage)
    }

    /// Takes out up to `events` of the oldest: at most those of one chunk.
    pub fn drain_front(&mut self, events: usize, envelope: usize) -> Chunk {
        let part = self.chunks.split_front(events, envelope);
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
        let (in_flight, first) = self.flights.clear();
        self.ledger.drop_in_flight(in_flight, reason);
        let queued = self.ledger.queued;
        self.ledger.drop_queued(queued, reason);
        self.queued_bytes = 0;
        let queued_first = (queued > 0).then(|| self.chunks.front().first_seq());
        if let Some(first) = first.or(queued_first) {
            self.tickets.mark_lost(first);
        }
        self.tickets.give_up(reason);
        std::mem::replace(&mut self.chunks, Chunks::new())
    }

    /// Every event up to this sequence number is settled.
    pub fn settled_upto(&self) -> u64 {
        // What is under way was captured before what is queued.
        let queued = (self.ledger.queued > 0).then(|| self.chunks.front().first_seq());
        self.flights.first().or(queued).unwrap_or(self.next_seq) - 1
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
