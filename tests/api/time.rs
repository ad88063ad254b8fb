//! Bounded waiting, and keeping tests that measure time apart from those that use every processor.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
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

/// Something that has to be over in a certain time, and takes what `attempt` says. A machine with much
/// else to do makes single attempts long: one of a few has to keep the bound, and the others may not
/// be over it by more than such a machine accounts for.
#[track_caller]
pub fn promptly(bound: Duration, mut attempt: impl FnMut() -> Duration) {
    let mut late = Vec::new();
    for _ in 0..5 {
        let took = attempt();
        if took <= bound {
            return;
        }
        assert!(took <= bound + PATIENCE / 4, "{took:?}, and {bound:?} is the bound");
        late.push(took);
    }
    panic!("each was over {bound:?}: {late:?}");
}

/// Where a callback or an answer of the receiver stops until it is let go, or the patience of a test
/// ends.
#[derive(Default)]
pub struct Stop {
    gone: Mutex<bool>,
    changed: Condvar,
    reached: AtomicBool,
    left: AtomicBool,
}

impl Stop {
    pub fn here(&self) {
        self.reached.store(true, Ordering::SeqCst);
        let gone = self.gone.lock().unwrap();
        drop(self.changed.wait_timeout_while(gone, PATIENCE, |gone| !*gone).unwrap());
        self.left.store(true, Ordering::SeqCst);
    }

    pub fn let_go(&self) {
        *self.gone.lock().unwrap() = true;
        self.changed.notify_all();
    }

    pub fn is_reached(&self) -> bool {
        self.reached.load(Ordering::SeqCst)
    }

    pub fn is_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }
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
