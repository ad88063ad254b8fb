//! Batches that the sender has: what the queue knows of them, and the sender's side of the queue.
//!
//! A batch leaves the queue as a chunk. It may fall into parts, each with a chunk of its own, so
//! that one event that waits for a day does not hold the memory of a thousand. Each is in flight
//! until every event in it is settled.

use super::chunk::Chunk;
use super::inner::Inner;
use super::seqs::Seqs;
use super::ticket::Settled;
use super::{Queue, overflow};
use crate::ledger::Reason;
use crate::record::{HEADER, Record};
use std::collections::BTreeMap;

/// Events that were taken to be sent.
pub struct Batch {
    pub chunk: Chunk,
    /// The sequence number of each of its records.
    seqs: Seqs,
    envelope: usize,
}

/// What became of one event of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Delivered,
    Dropped(Reason),
    /// Not settled: it goes on in a part of the batch.
    Kept,
}

impl Batch {
    pub(super) fn new(chunk: Chunk, envelope: usize) -> Batch {
        let seqs = Seqs::run(chunk.first_seq(), chunk.events());
        Batch { chunk, seqs, envelope }
    }

    pub fn events(&self) -> usize {
        self.chunk.events()
    }

    /// A part of the batch: the events, by their place in it, that are wanted.
    pub fn part(&self, wanted: impl Fn(usize) -> bool) -> Batch {
        let mut seqs = Seqs::default();
        let mut chunk = Chunk::default();
        let numbered = self.seqs.iter().zip(self.chunk.located());
        for (_, (seq, (record, place))) in numbered.enumerate().filter(|(it, _)| wanted(*it)) {
            if seqs.first().is_none() {
                chunk = Chunk::new(seq);
            }
            seqs.push(seq);
            chunk.push_copy(&record, place, wire_bytes(&record, self.envelope));
        }
        chunk.shrink();
        Batch { chunk, seqs, envelope: self.envelope }
    }

    /// Its name among the flights. No two have an event in common.
    fn key(&self) -> u64 {
        self.seqs.first().unwrap_or_default()
    }
}

/// The size of a record on the wire, at most.
pub(super) fn wire_bytes(record: &Record<'_>, envelope: usize) -> usize {
    record.bytes.len() - HEADER + envelope
}

/// What the queue knows of one batch.
struct Flight {
    /// Its unsettled events.
    events: Seqs,
    bytes: usize,
    /// They outlive the process.
    is_stored: bool,
}

impl Flight {
    fn new(batch: &Batch) -> Flight {
        let (bytes, is_stored) = (batch.chunk.wire_bytes(), batch.chunk.is_stored());
        Flight { events: batch.seqs.clone(), bytes, is_stored }
    }
}

/// The batches under way, by the sequence number of their first event.
#[derive(Default)]
pub struct Flights {
    all: BTreeMap<u64, Flight>,
    /// The one that is being sent, or looked at. The others wait for a retry.
    in_hand: Option<u64>,
    /// What those that wait count towards the bounds: events and bytes.
    waiting: (usize, usize),
}

impl Flights {
    pub fn waiting(&self) -> (usize, usize) {
        self.waiting
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The first event that is not settled, or whose settlement is not told yet.
    pub fn first(&self) -> Option<u64> {
        self.all.keys().next().copied()
    }

    /// A batch that was just taken from the queue.
    pub fn begin(&mut self, batch: &Batch) {
        self.all.insert(batch.key(), Flight::new(batch));
        self.in_hand = Some(batch.key());
    }

    fn contains(&self, batch: &Batch) -> bool {
        self.all.contains_key(&batch.key())
    }

    fn pick_up(&mut self, batch: &Batch) -> bool {
        let Some(flight) = self.all.get(&batch.key()) else { return false };
        self.waiting.0 -= flight.events.len();
        self.waiting.1 -= flight.bytes;
        self.in_hand = Some(batch.key());
        true
    }

    fn put_down(&mut self, batch: &Batch) -> bool {
        if self.in_hand == Some(batch.key()) {
            self.in_hand = None;
        }
        let Some(flight) = self.all.get(&batch.key()) else { return false };
        self.waiting.0 += flight.events.len();
        self.waiting.1 += flight.bytes;
        true
    }

    /// Ends a batch that was in hand; parts of it wait.
    fn end(&mut self, batch: &Batch, parts: &[&Batch]) {
        self.in_hand = None;
        // Given up meanwhile: then so are its parts.
        if self.all.remove(&batch.key()).is_none() {
            return;
        }
        for part in parts {
            self.all.insert(part.key(), Flight::new(part));
            self.put_down(part);
        }
    }

    /// Forgets every batch: how many events that were, of which so many are stored, and the first
    /// of them.
    pub fn clear(&mut self) -> (u64, u64, Option<u64>) {
        let count = |flight: &Flight| flight.events.len() as u64;
        let events = self.all.values().map(count).sum();
        let stored = self.all.values().filter(|flight| flight.is_stored).map(count).sum();
        let first = self.all.values().filter_map(|flight| flight.events.first()).min();
        *self = Flights::default();
        (events, stored, first)
    }

    /// Forgets the batch in hand.
    fn clear_hand(&mut self) -> Option<Seqs> {
        let flight = self.all.remove(&self.in_hand.take()?)?;
        Some(flight.events)
    }
}

/// What became of a batch, summed up where no lock is held.
struct Sum {
    delivered: u64,
    dropped: Vec<Reason>,
    first_dropped: Option<u64>,
    kept: Seqs,
}

impl Sum {
    fn of(batch: &Batch, fates: &[Fate]) -> Sum {
        let (mut kept, mut dropped) = (Seqs::default(), Vec::new());
        let (mut delivered, mut first_dropped) = (0, None);
        for (seq, fate) in batch.seqs.iter().zip(fates) {
            match fate {
                Fate::Delivered => delivered += 1,
                Fate::Kept => kept.push(seq),
                Fate::Dropped(reason) => {
                    dropped.push(*reason);
                    first_dropped.get_or_insert(seq);
                }
            }
        }
        Sum { delivered, dropped, first_dropped, kept }
    }
}

impl Inner {
    /// Not, and false, once the batch was given up: its events are accounted for.
    fn settle(&mut self, batch: &Batch, fates: &[Fate], sum: Sum) -> bool {
        let Some(flight) = self.flights.all.get_mut(&batch.key()) else { return false };
        flight.events = sum.kept;
        self.ledger.in_flight -= sum.delivered;
        self.ledger.delivered += sum.delivered;
        for reason in sum.dropped {
            self.ledger.drop_in_flight(1, reason);
        }
        if let Some(seq) = sum.first_dropped {
            self.tickets.mark_lost(seq);
        }
        if !self.tickets.has_watches() {
            return true;
        }
        for (record, fate) in batch.chunk.records().zip(fates) {
            match fate {
                Fate::Delivered => self.tickets.mark_settled(record.uuid, None),
                Fate::Dropped(reason) => self.tickets.mark_settled(record.uuid, Some(*reason)),
                Fate::Kept => {}
            }
        }
        true
    }
}

/// The sender's side.
impl Queue {
    /// Whether the batch is still wanted: neither opt-out nor a shutdown's deadline has given it
    /// up.
    pub fn wants(&self, batch: &Batch) -> bool {
        self.lock().flights.contains(batch)
    }

    /// A batch that waited is to be sent: a request under way does not count towards the bounds.
    /// False when nobody wants it any more.
    pub fn pick_up(&self, batch: &Batch) -> bool {
        let wanted = self.lock().flights.pick_up(batch);
        self.room.notify_all();
        wanted
    }

    /// The batch in hand waits for a retry. False when nobody wants it any more.
    pub fn put_down(&self, batch: &Batch) -> bool {
        let mut inner = self.lock();
        // There is less room from here on.
        inner.recall();
        inner.flights.put_down(batch)
    }

    /// What became of the events of the batch in hand. To be followed by `retire`.
    pub fn settle(&self, batch: &Batch, fates: &[Fate]) {
        let sum = Sum::of(batch, fates);
        let is_entered = self.lock().settle(batch, fates, sum);
        // Not before: what the ledger does not know to be settled is found by the next process.
        if is_entered {
            batch.chunk.unstore(|place| fates[place] != Fate::Kept);
        }
    }

    /// The batch in hand ends. Those of its events that are not settled go on in parts of it, which
    /// wait. Returns the flushes to be answered, which is left to the caller: the host is told of
    /// the delivery first.
    pub fn retire(&self, mut batch: Batch, parts: &[&Batch]) -> Settled {
        let places = batch.chunk.take_places();
        let mut guard = self.lock();
        let inner = &mut *guard;
        if !parts.is_empty() {
            inner.recall();
        }
        inner.flights.end(&batch, parts);
        let garbage = inner.chunks.recycle(batch.chunk, &inner.limits);
        inner.tickets.release();
        let settled = inner.settled();
        let line =
            if inner.episode.is_on() && inner.is_calm() { inner.episode.ended() } else { None };
        drop(guard);
        drop((garbage, places));
        self.room.notify_all();
        overflow::log(&self.logger, line);
        settled
    }

    /// The sender failed over the batch in hand: it is given up. False when there is none.
    pub fn lose_batch(&self) -> bool {
        let mut inner = self.lock();
        let Some(lost) = inner.flights.clear_hand() else { return false };
        for seq in lost.iter() {
            inner.ledger.drop_in_flight(1, Reason::Rejected);
            inner.tickets.mark_lost(seq);
        }
        // Which of them somebody watches is not known any more.
        inner.tickets.give_up(Reason::Rejected);
        let settled = inner.settled();
        drop(inner);
        settled.announce();
        true
    }
}
