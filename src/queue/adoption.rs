//! The queue's store: what dead processes left in it, what it has ready, and its end.

use super::Queue;
use super::chunk::Chunk;
use super::flights::{Batch, wire_bytes};
use super::sync::MutexGuard;
use crate::ledger::Reason;
#[cfg(storage)]
use crate::store::{Found, Store};
use crate::store::{LeftOver, Syncer};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

impl Queue {
    /// Takes over what dead processes left in the store, or some of it: how many events.
    #[cfg(storage)]
    pub fn adopt(&self) -> u64 {
        self.enter(Store::adopt)
    }

    /// Goes on with that when all of it is on its way. Called by the sender alone.
    #[cfg(storage)]
    pub(super) fn adopt_more(&self) {
        let has_more = self.store.as_ref().is_some_and(|store| store.has_more());
        if has_more && self.lock().adopted == 0 {
            self.enter(Store::adopt_more);
        }
    }

    /// Enters what is taken over.
    #[cfg(storage)]
    fn enter(&self, adopt: impl FnOnce(&Store) -> Found) -> u64 {
        let Some(store) = &self.store else { return 0 };
        let before = self.lock().given_up;
        let found = adopt(store);
        let mut left_over = self.left_over();
        // Of what was there before the last file may be closed by this, which is not for the lock.
        let done = std::mem::replace(&mut *left_over, found.left_over);
        let mut inner = self.lock();
        if inner.given_up != before || !inner.is_wanted() {
            // A shutdown's deadline, or an opt-out, which has perhaps not known of these.
            let stays = inner.frozen;
            drop(inner);
            std::mem::take(&mut *left_over).abandon(stays);
            return 0;
        }
        inner.adopted += found.events;
        // Their process may not have had them synced.
        inner.rename();
        for (events, reason) in [
            (found.events, None),
            (found.expired, Some(Reason::Expired)),
            (found.overflown, Some(Reason::Overflow)),
            (found.damaged, Some(Reason::Damaged)),
        ] {
            inner.ledger.adopted += events;
            if let Some(reason) = reason {
                inner.ledger.queued += events;
                inner.ledger.drop_queued(events, reason);
            }
        }
        drop((inner, left_over, done));
        self.sync_within(None);
        found.events
    }

    /// The oldest events of dead processes, as copies: at most a batch.
    pub(super) fn next_adopted(&self) -> Option<Batch> {
        let mut left_over = self.left_over();
        left_over.tidy();
        let mut chunk = Chunk::default();
        while let Some((record, place)) = left_over.peek() {
            let bytes = wire_bytes(&record, self.limits.envelope);
            let is_full = chunk.events() >= self.limits.batch_events_max
                || chunk.wire_bytes() + bytes > self.limits.batch_bytes_max;
            if is_full && chunk.events() > 0 {
                break;
            }
            chunk.push_copy(&record, Some(place), bytes);
            left_over.skip();
        }
        let mut inner = self.lock();
        if !inner.is_wanted() {
            drop(inner);
            *left_over = LeftOver::default();
            return None;
        }
        inner.adopted_last = true;
        if chunk.events() == 0 {
            // They were there before, and cannot be read any more.
            let lost = std::mem::take(&mut inner.adopted);
            inner.ledger.queued += lost;
            inner.ledger.drop_queued(lost, Reason::Damaged);
            return None;
        }
        Some(inner.take_adopted(chunk))
    }

    /// Whether events are stored.
    #[cfg(storage)]
    pub fn stores(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.is_active())
    }

    /// Has the disk told to keep what is stored, within so long or the flush interval, if the host
    /// wants that.
    pub fn sync_within(&self, within: Option<Duration>) {
        if let Some(syncer) = self.syncer() {
            syncer.ask(within);
        }
    }

    /// Starts the thread that tells the disk, if there is to be one.
    pub fn start_syncer(self: &Arc<Queue>) {
        if let Some(store) = self.store.as_ref() {
            let queue = Arc::clone(self);
            store.start_syncer(move || queue.sync());
        }
    }

    /// Tells the disk. Called by that thread alone.
    fn sync(&self) {
        let wanted = self.lock().sync();
        if let (Some(store), Some(is_wanted)) = (&self.store, wanted) {
            store.sync(is_wanted);
        }
    }

    fn syncer(&self) -> Option<&Syncer> {
        self.store.as_ref()?.syncer()
    }

    /// Has memory ready in the file, so that a capture need not wait for the system.
    pub(super) fn stock(&self) {
        let Some(store) = self.store.as_ref().filter(|store| store.is_active()) else { return };
        store.look_again();
        if self.lock().chunks.spares.has(1) {
            return;
        }
        if let Ok(segment) = self.reserve(0) {
            let _ = self.lock().chunks.spares.keep(segment);
        }
    }

    /// Lets go of the files: those in which something is left stay.
    pub(super) fn close_store(&self) {
        if let Some(store) = &self.store {
            store.close();
            if let Some(syncer) = store.syncer() {
                syncer.end();
            }
            // Who reads it at this moment finds that nobody wants it.
            if let Ok(mut left_over) = self.left_over.try_lock() {
                *left_over = LeftOver::default();
            }
        }
    }

    pub(super) fn purge_store(&self) {
        if let Some(store) = &self.store {
            store.purge();
            *self.left_over() = LeftOver::default();
            self.lock().rename();
            if let Some(syncer) = store.syncer() {
                syncer.ask(Some(Duration::ZERO));
                syncer.end();
            }
        }
    }

    fn left_over(&self) -> MutexGuard<'_, LeftOver> {
        self.left_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(not(model))]
#[cfg(test)]
mod tests {
    use super::super::Flush;
    use super::super::tests::{ledger, limits, push, queue, take};

    #[test]
    fn a_flush_hears_that_its_events_were_dropped_while_adopted_ones_are_under_way() {
        let (other, _rings) = queue(limits());
        push(&other, "adopted").unwrap();
        other.flush(true);
        let (queue, _rings) = queue(limits());
        let mut inner = queue.lock();
        inner.adopted += 1;
        inner.ledger.adopted += 1;
        let _batch = inner.take_adopted(take(&other).chunk);
        drop(inner);

        push(&queue, "fresh").unwrap();
        let Flush::Pending(_, answer) = queue.flush(true) else { panic!("nothing is settled") };
        queue.set_opted_out(true);
        assert_eq!(answer.try_recv(), Ok(true));
        assert_eq!(ledger(&queue).dropped_total(), 2);
    }

    /// A sender may still have one ready when its file goes.
    #[cfg(storage)]
    #[test]
    fn what_is_captured_after_an_opt_in_is_in_no_file_that_an_opt_out_removed() {
        use super::*;
        use crate::log::Logger;
        use crate::storage::{Directory, Kind, Project};
        use crate::store::Bounds;
        use crate::uuid::Random;

        let path = std::env::temp_dir().join(format!("posthog-queue-{:x}", Random::new().next()));
        let directory = Directory::open(&path, Project::new("phc_a", "https://x")).unwrap();
        let bounds = Bounds { bytes_max: 1 << 20, age_max_ms: 1_000_000 };
        let logger = Logger::new(None, false, Arc::default());
        let (directory, unit) = (Arc::new(directory), limits().segment_bytes());
        let store = Store::new(directory, Kind::Events, bounds, unit, None, logger.clone());
        let store = Some(Arc::new(store));
        let (queue, _rings) = Queue::new(limits(), Random::new(), logger, store);
        push(&queue, "before").unwrap();
        let ready = queue.reserve(0).unwrap();
        queue.set_opted_out(true);
        assert!(queue.lock().chunks.spares.keep(ready).is_none());
        queue.set_opted_out(false);
        push(&queue, "after").unwrap();
        let files: Vec<_> = std::fs::read_dir(&path).unwrap().collect();
        let [Ok(file)] = &files[..] else { panic!("{} files", files.len()) };
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(bytes.windows(5).any(|part| part == b"after"));
        drop(queue);
        std::fs::remove_dir_all(&path).unwrap();
    }
}
