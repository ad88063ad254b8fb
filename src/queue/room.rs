//! Room for an event where there is none: the overflow policies.

use super::Queue;
use super::inner::{Inner, Size, is_within};
use super::overflow::{self, Policy};
use super::segment::Segment;
use super::sync::MutexGuard;
use crate::error::Error;
use crate::ledger::Reason;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long one capture has waited for room.
#[derive(Default)]
pub struct Wait {
    ends: Option<Instant>,
    /// By its counts the file has room, and it has no slots in a row.
    pub is_vain: bool,
}

/// After so long a capture tries again whether there are slots in a row.
const VAIN_WAIT: Duration = Duration::from_millis(50);

impl Queue {
    /// Has something give way, or waits, so that the event may be tried again; or it is the one that
    /// gives way.
    #[cold]
    pub(super) fn make_room<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner>,
        own: usize,
        size: Size,
        wait: &mut Wait,
    ) -> Result<(), Error> {
        let spares = inner.give_up_spares();
        if !spares.is_empty() {
            drop(inner);
            return Ok(());
        }
        match self.limits.policy {
            Policy::DropNewest => Err(self.refuse(inner)),
            Policy::DropOldest => {
                inner.press();
                let (evicted, garbage) = inner.evict_for(own, size);
                self.gave_way(inner, evicted.max(1), garbage);
                if evicted > 0 { Ok(()) } else { Err(Error::QueueFull) }
            }
            Policy::Block(limit) => {
                inner.press();
                let ends = *wait.ends.get_or_insert_with(|| Instant::now() + limit);
                let is_vain = std::mem::take(&mut wait.is_vain);
                self.wait_for_room(inner, own, size, is_vain, ends)
            }
        }
    }

    /// The new event gives way.
    pub(super) fn refuse(&self, mut inner: MutexGuard<'_, Inner>) -> Error {
        self.full.store(true, Ordering::Relaxed);
        inner.press();
        self.gave_way(inner, 1, Vec::new());
        Error::QueueFull
    }

    /// So many events gave way: what there is to do about it once the lock is free.
    fn gave_way(&self, mut inner: MutexGuard<'_, Inner>, events: u64, garbage: Vec<Segment>) {
        let line = inner.episode.dropped(events, Instant::now);
        let wakes = inner.wakes();
        let settled = inner.settled();
        drop(inner);
        drop(garbage);
        self.wake(wakes);
        settled.announce();
        overflow::log(&self.logger, line);
    }

    /// Waits until there may be room, nobody wants events any more, or the time is over.
    fn wait_for_room<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner>,
        own: usize,
        size: Size,
        mut is_vain: bool,
        ends: Instant,
    ) -> Result<(), Error> {
        let wakes = inner.wakes();
        drop(inner);
        self.wake(wakes);
        inner = self.lock();
        while (is_vain || !inner.fits(own, size)) && !inner.closed && inner.is_wanted() {
            let mut left = ends.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.gave_way(inner, 1, Vec::new());
                return Err(Error::QueueFull);
            }
            if is_vain {
                left = left.min(VAIN_WAIT);
            }
            is_vain = false;
            inner = match self.room.wait_timeout(inner, left) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        Ok(())
    }
}

impl Inner {
    /// Slots of the file that wait for events, and are no room for one that is larger than they are.
    /// To be freed outside the lock.
    fn give_up_spares(&mut self) -> Vec<Segment> {
        match self.active() {
            Some(_) => self.chunks.spares.take_all(),
            None => Vec::new(),
        }
    }

    /// Drops the oldest queued events until there is room, or a batch less: how many, and memory to
    /// be freed outside the lock. None, where that would not make room.
    fn evict_for(&mut self, own: usize, size: Size) -> (u64, Vec<Segment>) {
        let (mut evicted, mut garbage) = (0, Vec::new());
        // Beside a batch that waits for a retry there may be no room even in an empty queue: then
        // nothing is evicted for it, and it is the new event that goes.
        if !is_within(self.flights.waiting(), size, self.bounds()) {
            return (evicted, garbage);
        }
        loop {
            if self.chunks.front().is_none() {
                self.end_segments();
            }
            let Some(front) = self.chunks.front() else { break };
            if self.tickets.has_watches()
                && let Some(record) = front.records().next()
            {
                self.tickets.mark_settled(record.uuid, Some(Reason::Overflow));
            }
            self.tickets.mark_lost(self.first_seq());
            let before = self.chunks.count();
            let (freed, memory) = self.chunks.evict(&self.limits);
            garbage.extend(memory);
            self.queued_bytes -= freed;
            self.ledger.drop_queued(1, Reason::Overflow);
            evicted += 1;
            if self.chunks.count() < before || self.fits(own, size) {
                break;
            }
        }
        self.tickets.release();
        (evicted, garbage)
    }
}
