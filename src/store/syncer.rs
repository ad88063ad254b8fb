//! When the disk is told to keep what is stored. By a thread of its own: a disk may take seconds,
//! and so may the request that the sender waits for.

use super::lock;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub struct Syncer {
    /// What was accepted is on the disk after so long, and the time that the disk takes.
    interval: Duration,
    plan: Mutex<Plan>,
    changed: Condvar,
}

#[derive(Default)]
struct Plan {
    due: Option<Instant>,
    /// The thread is there.
    runs: bool,
    /// It is to be.
    is_wanted: bool,
}

impl Syncer {
    pub fn new(interval: Duration) -> Syncer {
        Syncer { interval, plan: Mutex::default(), changed: Condvar::new() }
    }

    /// Has the disk told within so long, or within the interval.
    pub fn ask(&self, within: Option<Duration>) {
        let by = Instant::now() + within.unwrap_or(self.interval);
        let mut plan = lock(&self.plan);
        if plan.due.is_none_or(|due| by < due) {
            plan.due = Some(by);
            drop(plan);
            self.changed.notify_one();
        }
    }

    /// The thread is wanted. Whether it is to be started.
    pub fn begin(&self) -> bool {
        let mut plan = lock(&self.plan);
        plan.is_wanted = true;
        !std::mem::replace(&mut plan.runs, true)
    }

    /// It could not be started.
    pub fn fail(&self) {
        lock(&self.plan).runs = false;
    }

    /// The thread ends when it has done what is due.
    pub fn end(&self) {
        lock(&self.plan).is_wanted = false;
        self.changed.notify_one();
    }

    /// What the thread does.
    pub fn run(&self, sync: &impl Fn()) {
        let mut plan = lock(&self.plan);
        loop {
            let left = plan.due.map(|due| due.saturating_duration_since(Instant::now()));
            plan = match left {
                Some(Duration::ZERO) => {
                    plan.due = None;
                    drop(plan);
                    sync();
                    lock(&self.plan)
                }
                _ if !plan.is_wanted => {
                    plan.runs = false;
                    return;
                }
                Some(left) => {
                    let waited = self.changed.wait_timeout(plan, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(plan).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
