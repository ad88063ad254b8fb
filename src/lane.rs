//! A lane: a queue, and the sender that empties it. Analytics and AI events have one each, so that
//! neither waits for the other.

use crate::error::Error;
use crate::queue::Queue;
use crate::sender::Sender;
use crate::worker::Worker;
use std::sync::Arc;
use std::time::Instant;

pub struct Lane {
    pub queue: Arc<Queue>,
    sender: Sender,
    /// Otherwise events only wait to be drained.
    sends: bool,
}

impl Lane {
    /// A lane whose sender runs under that name.
    pub fn new(name: &'static str, sends: bool, worker: Worker) -> Lane {
        Lane { queue: Arc::clone(&worker.queue), sender: Sender::new(name, worker), sends }
    }

    /// Makes sure that somebody sends what was queued.
    #[inline]
    pub fn ensure_sender(&self) {
        if !self.sender.is_running() {
            // Refused now, it is tried again by the next capture; the events stay queued.
            let _ = self.start_sender();
        }
    }

    pub fn start_sender(&self) -> Result<(), Error> {
        if self.sends { self.sender.start() } else { Ok(()) }
    }

    /// Has what is left sent, now that nothing comes any more.
    pub fn finish(&self) {
        self.queue.close();
        if self.queue.needs_sender() {
            self.ensure_sender();
        }
    }

    /// Waits until nothing is left or the deadline has passed, then gives up the rest: how many
    /// events that were.
    pub fn end(&self, deadline: Instant) -> u64 {
        if !self.sends {
            return 0;
        }
        self.sender.wait(deadline);
        // Not before the sender has ended: what it delivers until then counts.
        self.queue.freeze()
    }
}
