//! The one signal that ends everything: it wakes whoever sleeps, hangs or waits.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub fn set(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *self.lock()
    }

    /// Blocks until the stop.
    pub fn wait(&self) {
        drop(self.changed.wait_while(self.lock(), |stopped| !*stopped));
    }

    /// Sleeps, and says whether it slept to the end: `false` means the stop came first.
    pub fn sleep(&self, time: Duration) -> bool {
        if time.is_zero() {
            return !self.is_set();
        }
        let deadline = Instant::now() + time;
        let mut stopped = self.lock();
        while !*stopped {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            stopped = self.changed.wait_timeout(stopped, left).expect("not poisoned").0;
        }
        false
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.stopped.lock().expect("no thread panics while it holds the stop")
    }
}
