//! The queue: accepted events on their way to the sender, and the ledger that accounts for them.
//!
//! One short lock covers everything, so that the ledger is exact, the bounds are exact, and a
//! flush is a barrier over a sequence number. A thread seldom needs it: it is granted room for many
//! events, which it writes to a segment of its own (`slots`, `writers`). Whoever needs exact counts
//! takes the lock and recalls what was granted. No system call is made under it. Segments become
//! chunks, and a chunk is at most one batch: the sender takes the front one whole, in constant time.

mod adoption;
mod chunk;
mod chunks;
mod flights;
mod inner;
mod overflow;
mod room;
mod segment;
mod seqs;
mod slots;
mod spares;
mod sync;
mod ticket;
mod writers;

pub use chunk::Chunk;
pub use flights::{Batch, Fate};
pub use overflow::Policy;

use crate::error::Error;
use crate::ledger::{Ledger, Reason};
use crate::log::Logger;
use crate::record::{HEADER, NewRecord, Record};
use crate::store::{LeftOver, Resident, Store};
use crate::uuid::Random;
use crossbeam_channel::{Receiver, Sender, bounded};
use inner::{Inner, Size, Wakes};
use room::Wait;
use segment::Segment;
use slots::{Apart, Slots};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use sync::{Condvar, Mutex, MutexGuard};
use uuid::Uuid;

/// Bounds and thresholds. Events and bytes count what waits, not a request under way.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub events_max: usize,
    pub bytes_max: usize,
    pub event_bytes_max: usize,
    pub batch_events_max: usize,
    pub batch_bytes_max: usize,
    pub flush_at: usize,
    pub flush_interval: Duration,
    pub policy: Policy,
    /// Bytes that the wire adds to each event, at most: an event's size is its bytes on the wire.
    pub envelope: usize,
}

/// A segment of few events reserves less than a whole batch may have.
const EVENT_RESERVED: usize = 64 << 10;

/// Threads that meet fill such a part of a batch each.
const PARTS: usize = 4;

impl Limits {
    /// Address space of a segment. A batch of more bytes has several.
    pub fn segment_bytes(&self) -> usize {
        let by_events = self.batch_events_max.saturating_mul(EVENT_RESERVED);
        self.batch_bytes_max.min(self.bytes_max).min(by_events).div_ceil(PARTS)
    }
}

/// What others want of the sender.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Wishes {
    /// Anybody still wants events to be sent.
    pub is_wanted: bool,
    /// How often somebody has asked for everything to go out now. A wait before a retry ends when
    /// this grows: once for each that asks, or a dead server would be asked without a pause.
    pub hurries: u64,
    /// How often everything was given up that there was.
    pub given_up: u64,
}

/// What the sender does next.
#[allow(clippy::large_enum_variant, reason = "moved once a batch")]
pub enum Next {
    Send(Batch),
    /// Wait for the bell, at most until then.
    Wait(Option<Instant>),
    /// Nothing is left and nothing will come, or nobody wants it.
    Stop,
}

/// How a flush stands.
pub enum Flush {
    /// Everything was resolved already.
    Settled,
    /// Its number; the answer comes when everything is: true if something was dropped.
    Pending(u64, Receiver<bool>),
}

/// The queue of one client.
pub struct Queue {
    slots: Arc<Slots>,
    /// Away from what every push reads.
    inner: Apart<Mutex<Inner>>,
    /// Signalled when events leave, for captures that wait for room.
    room: Condvar,
    /// An event was refused for lack of room, and none was taken since. Only a hint, so that refusing is
    /// quick: the lock has the truth.
    full: AtomicBool,
    limits: Limits,
    logger: Logger,
    bell: Sender<()>,
    /// Where events lie that are to outlive the process.
    store: Option<Arc<Store>>,
    /// What dead processes left. Read by the sender alone.
    left_over: Mutex<LeftOver>,
}

/// A segment: more than a thousand events.
const TOUCHED_AHEAD: usize = 256 << 10;

impl Queue {
    /// The queue, and the bell that tells its sender to look again.
    pub fn new(
        limits: Limits,
        random: Random,
        logger: Logger,
        store: Option<Arc<Store>>,
    ) -> (Queue, Receiver<()>) {
        let (bell, rings) = bounded(1);
        let slots = Arc::new(Slots::new(&random));
        let inner = Inner::new(limits, Arc::clone(&slots), store.clone());
        let inner = Apart(Mutex::new(inner));
        let (room, full) = (Condvar::new(), AtomicBool::new(false));
        let left_over = Mutex::new(LeftOver::default());
        (Queue { slots, inner, room, full, limits, logger, bell, store, left_over }, rings)
    }

    /// Makes the sender look again.
    pub fn ring(&self) {
        // Full means that it has not yet heard the last ring.
        let _ = self.bell.try_send(());
    }

    fn wake(&self, wakes: Wakes) {
        if wakes.sender {
            self.ring();
        }
        if wakes.syncer {
            self.sync_within(None);
        }
    }

    /// A uuid of that time, of the sequence that events without one of their own have theirs from.
    pub fn uuid(&self, unix_millis: i64) -> Uuid {
        self.lock().uuid(Slots::own(), unix_millis)
    }

    /// Refuses an event whose texts have so many bytes, or more, where that can be told before it is
    /// built: there is no room for it. Otherwise `push` decides.
    #[inline]
    pub fn admit(&self, texts: usize) -> Result<(), Error> {
        if self.full.load(Ordering::Relaxed) { self.admit_full(texts) } else { Ok(()) }
    }

    #[inline(never)]
    fn admit_full(&self, texts: usize) -> Result<(), Error> {
        let bytes = texts + self.limits.envelope;
        let size = Size { stride: HEADER + texts, bytes };
        let mut inner = self.lock();
        let is_ours = bytes <= self.limits.event_bytes_max && !inner.closed && !inner.opted_out;
        if !is_ours || inner.fits(Slots::own(), size) {
            self.full.store(false, Ordering::Relaxed);
            return Ok(());
        }
        Err(self.refuse(inner))
    }

    /// Accepts an event, or says why not. The uuid is the event's for good.
    pub fn push(&self, record: &NewRecord<'_>) -> Result<Uuid, Error> {
        self.push_here(record)
    }

    /// The same as a part of its caller, for the one that nearly all events come from.
    #[inline(always)]
    pub fn push_here(&self, record: &NewRecord<'_>) -> Result<Uuid, Error> {
        self.push_at(Slots::own(), record)
    }

    #[inline(always)]
    fn push_at(&self, own: usize, record: &NewRecord<'_>) -> Result<Uuid, Error> {
        let bytes = record.len() - HEADER + self.limits.envelope;
        if bytes > self.limits.event_bytes_max {
            return Err(Error::TooLarge);
        }
        match self.slots.push(own, record, bytes) {
            Some(uuid) => Ok(uuid),
            // A copy: where it is not needed, the record never has to be in memory.
            None => self.push_locked(own, &{ *record }, bytes),
        }
    }

    /// The rest of `push` for a thread that was not granted the event.
    #[inline(never)]
    fn push_locked(&self, own: usize, record: &NewRecord<'_>, bytes: usize) -> Result<Uuid, Error> {
        let size = Size { stride: record.stride(), bytes };
        let mut wait = Wait::default();
        loop {
            let mut inner = self.lock();
            if inner.closed {
                return Err(Error::Shutdown);
            }
            if inner.opted_out {
                return Ok(Uuid::nil());
            }
            inner.come(own);
            if !inner.fits(own, size) {
                self.make_room(inner, own, size, &mut wait)?;
                continue;
            }
            if inner.lacks(own, size) {
                drop(inner);
                match self.reserve(size.stride) {
                    Ok(segment) => {
                        if self.lock().chunks.spares.keep(segment).is_some() {
                            return Err(Error::NoMemory);
                        }
                    }
                    Err(Error::QueueFull) => {
                        wait.is_vain = true;
                        self.make_room(self.lock(), own, size, &mut wait)?;
                    }
                    Err(error) => return Err(error),
                }
                continue;
            }
            let uuid = inner.append(own, record, size)?;
            let (wakes, cold) = (inner.wakes(), std::mem::take(&mut inner.cold));
            drop(inner);
            self.wake(wakes);
            cold.iter().for_each(Resident::give_back);
            return Ok(uuid);
        }
    }

    /// Provides the memory for the first events, on the sender's time rather than theirs.
    pub fn prepare(&self) {
        if self.has_memory() {
            // The first event was quicker.
            return;
        }
        if let Ok(mut segment) = self.reserve(0) {
            segment.touch(TOUCHED_AHEAD);
            // Without it the first event makes its own.
            let _ = self.lock().chunks.spares.keep(segment);
        }
    }

    fn has_memory(&self) -> bool {
        let mut inner = self.lock();
        inner.queued() > 0 || inner.chunks.spares.has(1)
    }

    /// A segment with room for so many bytes: in the file, as long as events are stored. The system
    /// takes its time for it, which is nothing to wait for with a lock.
    fn reserve(&self, bytes: usize) -> Result<Segment, Error> {
        match self.store.as_ref().map_or(Ok(None), |store| store.take(bytes))? {
            Some(slot) => Ok(Segment::stored(slot)),
            None => Segment::reserve(self.limits.segment_bytes().max(bytes)),
        }
    }

    /// What the sender does next. Asked by the sender alone. Events of this process and adopted ones
    /// take turns.
    pub fn next(&self, now: Instant) -> Next {
        #[cfg(storage)]
        self.adopt_more();
        let mut inner = self.lock();
        let surplus = inner.chunks.spares.surplus(now);
        if !surplus.is_empty() {
            drop(inner);
            drop(surplus);
            inner = self.lock();
        }
        if !inner.is_wanted() {
            return Next::Stop;
        }
        if inner.adopted == 0 || inner.adopted_last {
            let next = inner.next(now);
            if inner.adopted == 0 || matches!(next, Next::Send(_)) {
                inner.adopted_last = false;
                drop(inner);
                self.room.notify_all();
                self.stock();
                return next;
            }
        }
        drop(inner);
        self.next_adopted().map_or_else(|| self.next(now), Next::Send)
    }

    /// Whether events wait that somebody has to send.
    pub fn needs_sender(&self) -> bool {
        let mut inner = self.lock();
        (inner.queued() > 0 || inner.adopted > 0) && inner.is_wanted()
    }

    /// What the sender has to know before it looks for something to send.
    pub fn wishes(&self) -> Wishes {
        let inner = self.lock();
        let (hurries, given_up) = (inner.hurries, inner.given_up);
        Wishes { is_wanted: inner.is_wanted(), hurries, given_up }
    }

    /// A barrier over everything accepted so far. Whoever waits for it ends a pause of the sender;
    /// whoever only asks, perhaps in every frame, does so for new events alone.
    pub fn flush(&self, waits: bool) -> Flush {
        let mut inner = self.lock();
        let upto = inner.barrier();
        if inner.settled_upto() >= upto {
            return Flush::Settled;
        }
        let (ticket, answer) = inner.tickets.add(upto);
        if waits || upto > inner.hurried_upto {
            inner.hurry();
            inner.hurries += 1;
        }
        drop(inner);
        self.ring();
        Flush::Pending(ticket, answer)
    }

    /// Everything that is queued is to go out now.
    pub fn urge(&self) {
        let mut inner = self.lock();
        inner.hurry();
        inner.hurries += 1;
        drop(inner);
        self.ring();
    }

    /// Waits for one event, which may not be queued yet: why it was dropped, or `None`.
    pub fn watch(&self, uuid: Uuid) -> (u64, Receiver<Option<Reason>>) {
        self.lock().tickets.watch(uuid)
    }

    /// Has a function called when one event is settled, which may not be queued yet: with why it was
    /// dropped, or `None`.
    #[cfg_attr(not(storage), allow(dead_code, reason = "who asks for it is not there"))]
    pub fn watch_by(&self, uuid: Uuid, tell: impl FnOnce(Option<Reason>) + Send + 'static) -> u64 {
        self.lock().tickets.watch_by(uuid, Box::new(tell))
    }

    /// Nobody waits for that flush or watch any more.
    pub fn forget(&self, ticket: u64) {
        self.lock().tickets.remove(ticket);
    }

    /// Takes up to `events_max` queued events out, oldest first.
    pub fn drain(&self, events_max: usize, mut each: impl FnMut(Record<'_>)) -> usize {
        let mut taken = Vec::new();
        let mut left = events_max;
        let mut inner = self.lock();
        while left > 0 && inner.queued() > 0 {
            let part = inner.drain_front(left);
            left -= part.events();
            taken.push(part);
        }
        let settled = inner.settled();
        drop(inner);
        self.room.notify_all();
        settled.announce();
        for record in taken.iter().flat_map(Chunk::records) {
            each(record);
        }
        events_max - left
    }

    /// New events are refused; the sender sends what is left, then stops.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.recall();
        inner.hurries += 1;
        drop(inner);
        self.room.notify_all();
        self.ring();
    }

    /// What is not confirmed now never will be by this process: the shutdown deadline has passed.
    /// What is stored is left there. Returns how many events that were.
    pub fn freeze(&self) -> u64 {
        let keeps = self.store.as_ref().is_some_and(|store| store.keeps());
        let mut inner = self.lock();
        inner.frozen = true;
        let (ledger, _) = inner.counts();
        let lost = ledger.queued + ledger.in_flight;
        let garbage = inner.give_up(Reason::Shutdown, keeps);
        if let Some(store) = self.store.as_ref().filter(|_| keeps && lost > 0) {
            store.leave();
        }
        let settled = inner.settled();
        drop(inner);
        drop(garbage);
        self.close_store();
        self.room.notify_all();
        settled.announce();
        // A sender that waits before a retry has nothing left to wait for.
        self.ring();
        lost
    }

    /// Drops everything, a batch under way and what is stored included, and lets the sender stop
    /// (or, false, start again).
    pub fn set_opted_out(&self, opted_out: bool) {
        let mut inner = self.lock();
        inner.opted_out = opted_out;
        let garbage = opted_out.then(|| inner.give_up(Reason::OptedOut, false));
        // What was made ready while everything was purged lies in a file that is gone.
        let stale = if opted_out { Vec::new() } else { inner.chunks.spares.take_all() };
        let settled = inner.settled();
        drop(inner);
        if opted_out {
            self.purge_store();
        }
        drop((garbage, stale));
        self.room.notify_all();
        settled.announce();
        self.ring();
    }

    /// A consistent copy of the counts, and the bytes that are queued.
    pub fn ledger(&self) -> (Ledger, usize) {
        self.lock().counts()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics under the lock; if it ever did, counting on is better than none.
        self.inner.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
