//! Bounded waiting, and keeping tests that measure time apart from those that use every processor.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for whatever has to happen, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(20);

static PROCESSORS: RwLock<()> = RwLock::new(());

/// Held by a test that measures time.
pub fn undisturbed() -> RwLockReadGuard<'static, ()> {
    PROCESSORS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Held by a test that uses every processor for seconds.
pub fn disturbing() -> RwLockWriteGuard<'static, ()> {
    PROCESSORS.write().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until something holds; fails if it does not within [`PATIENCE`].
#[track_caller]
pub fn until(what: &str, holds: impl Fn() -> bool) {
    assert!(within(PATIENCE, holds), "still waiting: {what}");
}

/// Whether something came to hold in that time.
pub fn within(time: Duration, holds: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + time;
    while !holds() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

pub fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs something, and says how long it took.
pub fn timed<R>(run: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let result = run();
    (result, start.elapsed())
}
