//! What a sender makes bodies in.

use crate::packer::Packer;
use std::time::{Duration, Instant};

/// Who waits for so long sends nothing for now.
const IDLE: Duration = Duration::from_secs(1);

/// More than a batch of a hundred small events needs.
const SMALL: usize = 128 << 10;

/// Kept from one batch to the next, and given back, if they have become large, when no more come.
#[derive(Default)]
pub struct Buffers {
    pub body: Vec<u8>,
    pub packer: Packer,
    /// When they were needed last.
    used: Option<Instant>,
}

impl Buffers {
    pub fn used(&mut self, now: Instant) {
        self.used = Some(now);
    }

    /// When there is something to give back. `None` if there is not: whoever sleeps for the lack of
    /// events is not woken for it then.
    pub fn due(&self) -> Option<Instant> {
        self.used.filter(|_| self.body.capacity() > SMALL).map(|used| used + IDLE)
    }

    pub fn give_back(&mut self, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            *self = Buffers::default();
        }
    }
}
