//! What the queue's lock knows of the slots: who writes, and what was granted.
//!
//! A grant is room in the queue that is counted as taken before it is used. So a thread that has
//! one needs no lock but its slot's, and the bounds hold. Recalled, it shows what was used: with all
//! of them recalled, and under the lock, every count is exact and nothing moves.
//!
//! As long as threads do not meet, there is one segment that is written to, and it goes from slot
//! to slot with the thread that pushes: then the order is that of the calls. When a thread finds
//! another in the middle of a push, that segment ends, and each thread gets one of its own, until
//! they all end: for the sender, or for a flush.

use super::segment::Segment;
use super::slots::{Load, SLOTS, Slots};
use std::sync::Arc;

pub struct Writers {
    pub slots: Arc<Slots>,
    /// What each slot was granted when it was last looked at, and the sum of that.
    granted: [Load; SLOTS],
    out: Load,
    /// The slots with events, in the order in which they had their first.
    open: Vec<usize>,
    /// Where the one segment is, while threads do not meet.
    holder: usize,
    meets: bool,
}

impl Writers {
    pub fn new(slots: Arc<Slots>) -> Writers {
        let (granted, out) = ([Load::default(); SLOTS], Load::default());
        let open = Vec::with_capacity(SLOTS);
        Writers { slots, granted, out, open, holder: 0, meets: false }
    }

    /// What is granted and may be used or not.
    pub fn out(&self) -> Load {
        self.out
    }

    pub fn meets(&self) -> bool {
        self.meets
    }

    /// Makes the slot the one that is written to, or one of those, and recalls its grant: what was
    /// used. `None` when threads meet: the segment, which has events of them all, is to be ended
    /// before any has one of its own.
    pub fn come(&mut self, own: usize) -> Option<Load> {
        if self.meets || self.holder == own {
            return Some(self.recall(own));
        }
        let slots = Arc::clone(&self.slots);
        let mut theirs = slots.try_lock(self.holder)?;
        let used = self.settle(self.holder, std::mem::take(&mut theirs.grant));
        let mut mine = slots.lock(own);
        std::mem::swap(&mut theirs.segment, &mut mine.segment);
        std::mem::swap(&mut theirs.random, &mut mine.random);
        for index in self.open.iter_mut().filter(|index| **index == self.holder) {
            *index = own;
        }
        self.holder = own;
        Some(used)
    }

    /// Takes a grant back: what was used of it.
    fn recall(&mut self, index: usize) -> Load {
        if self.granted[index] == Load::default() {
            return Load::default();
        }
        let left = std::mem::take(&mut self.slots.lock(index).grant);
        self.settle(index, left)
    }

    fn settle(&mut self, index: usize, left: Load) -> Load {
        let granted = std::mem::take(&mut self.granted[index]);
        self.out -= granted;
        granted - left
    }

    /// Takes all grants back: what was used of them. Nothing is pushed then before the queue's lock
    /// is free again.
    pub fn recall_all(&mut self) -> Load {
        let mut used = Load::default();
        if self.out != Load::default() {
            (0..SLOTS).for_each(|index| used += self.recall(index));
        }
        used
    }

    /// Grants a slot whose grant was recalled what it may take.
    pub fn grant(&mut self, index: usize, grant: Load) {
        if grant.events == 0 {
            return;
        }
        self.slots.lock(index).grant = grant;
        self.granted[index] = grant;
        self.out += grant;
    }

    /// An event was written to that slot's segment.
    pub fn opened(&mut self, index: usize) {
        if !self.open.contains(&index) {
            self.open.push(index);
        }
    }

    /// Ends the segment of a slot, to be followed by another.
    pub fn end(&mut self, index: usize, next: Segment) -> Segment {
        self.open.retain(|open| *open != index);
        std::mem::replace(&mut self.slots.lock(index).segment, next)
    }

    /// Ends the oldest segment, if there is any. Its grant was recalled.
    pub fn end_oldest(&mut self) -> Option<Segment> {
        let oldest = *self.open.first()?;
        Some(self.end(oldest, Segment::default()))
    }

    /// Every segment has ended: each thread gets one of its own from here on.
    pub fn meet(&mut self) {
        self.meets = true;
    }

    /// Every segment has ended: the next is shared again.
    pub fn part(&mut self) {
        self.meets = false;
    }
}
