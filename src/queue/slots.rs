//! Where threads write. Each has a place of its own, so that threads that capture at once touch no
//! memory of each other's.

use super::segment::Segment;
use super::sync::{Mutex, MutexGuard};
use crate::record::NewRecord;
use crate::uuid::Random;
use std::cell::Cell;
use std::ops::{AddAssign, Sub, SubAssign};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, TryLockError};
use uuid::Uuid;

/// More threads than this share slots, which is correct and slower.
pub const SLOTS: usize = 8;

/// A number of events, and their bytes on the wire.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Load {
    pub events: usize,
    pub bytes: usize,
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Load) {
        self.events += other.events;
        self.bytes += other.bytes;
    }
}

impl SubAssign for Load {
    fn sub_assign(&mut self, other: Load) {
        self.events -= other.events;
        self.bytes -= other.bytes;
    }
}

impl Sub for Load {
    type Output = Load;

    fn sub(mut self, other: Load) -> Load {
        self -= other;
        self
    }
}

/// What one thread writes to.
pub struct Slot {
    pub segment: Segment,
    /// What it may still take without the queue's lock. Raised under that lock alone.
    pub grant: Load,
    /// What uuids are made from.
    pub random: Random,
}

impl Slot {
    /// Takes the event if that is granted and there is room.
    #[inline(always)]
    fn push(&mut self, record: &NewRecord<'_>, bytes: usize) -> Option<Uuid> {
        let granted = self.grant.events > 0 && self.grant.bytes >= bytes;
        if !granted || self.segment.room() < record.stride() {
            return None;
        }
        self.grant -= Load { events: 1, bytes };
        Some(self.write(record, bytes))
    }

    #[inline(always)]
    pub fn write(&mut self, record: &NewRecord<'_>, bytes: usize) -> Uuid {
        let uuid = match record.uuid {
            Some(uuid) => uuid,
            None => self.random.uuid(record.timestamp.unix_millis()),
        };
        self.segment.push(record, uuid, bytes);
        uuid
    }
}

/// Lines of memory come in pairs: a writer of one disturbs a reader of the other.
#[repr(align(128))]
pub struct Apart<T>(pub T);

/// The slots of one queue. A slot is locked for one push; whoever holds the queue's lock may lock
/// slots, never the other way round.
pub struct Slots([Apart<Mutex<Slot>>; SLOTS]);

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
}

impl Slots {
    pub fn new(random: &Random) -> Slots {
        Slots(std::array::from_fn(|index| {
            let (segment, grant) = (Segment::default(), Load::default());
            Apart(Mutex::new(Slot { segment, grant, random: random.stream(index as u64) }))
        }))
    }

    /// The slot of this thread.
    #[inline]
    pub fn own() -> usize {
        OWN.with(|own| if own.get() < SLOTS { own.get() } else { choose(own) })
    }

    /// The uuid of the event, if it could be taken at once.
    #[inline(always)]
    pub fn push(&self, own: usize, record: &NewRecord<'_>, bytes: usize) -> Option<Uuid> {
        self.lock(own).push(record, bytes)
    }

    #[inline]
    pub fn lock(&self, index: usize) -> MutexGuard<'_, Slot> {
        // Nothing panics under the lock; if it ever did, counting on is better than none.
        self.0[index % SLOTS].0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None while a thread is pushing there.
    pub fn try_lock(&self, index: usize) -> Option<MutexGuard<'_, Slot>> {
        match self.0[index % SLOTS].0.try_lock() {
            Ok(slot) => Some(slot),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[cold]
fn choose(own: &Cell<usize>) -> usize {
    own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS);
    own.get()
}
