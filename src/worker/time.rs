//! The time that a sender goes by, and its waits: a test has others.

use crate::clock;
use crate::timestamp::Timestamp;
use crossbeam_channel::Receiver;
use std::time::Instant;

pub trait Time: Send + Sync {
    fn now(&self) -> Instant;
    /// The wall clock, for what goes on the wire.
    fn wall(&self) -> Timestamp;
    /// Waits for the bell, at most until then.
    fn wait(&self, rings: &Receiver<()>, until: Option<Instant>);
}

/// The time of the system, but for a wall clock that stands still where a test wants that.
pub struct SystemTime {
    pub fixed: Option<Timestamp>,
}

impl Time for SystemTime {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> Timestamp {
        self.fixed.unwrap_or_else(clock::now)
    }

    fn wait(&self, rings: &Receiver<()>, until: Option<Instant>) {
        // Rung or not, the sender looks again.
        let _ = match until {
            Some(until) => rings.recv_deadline(until).ok(),
            None => rings.recv().ok(),
        };
    }
}
