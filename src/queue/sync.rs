//! The locks of the queue. `tests/model` puts loom's in their place, which try the orders in which
//! threads can take them.

#[cfg(not(model))]
pub use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(model)]
pub use model::{Condvar, Mutex, MutexGuard};

#[cfg(model)]
mod model {
    use loom::sync::atomic::{AtomicBool, Ordering};
    pub use loom::sync::{Condvar, MutexGuard};
    use std::sync::{LockResult, TryLockResult};

    /// Loom's, whose holder may be interrupted by whoever tries it: by itself loom lets others run
    /// only where a thread takes a lock, and nobody would ever find one taken.
    pub struct Mutex<T> {
        lock: loom::sync::Mutex<T>,
        turn: AtomicBool,
    }

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Mutex<T> {
            Mutex { lock: loom::sync::Mutex::new(value), turn: AtomicBool::new(false) }
        }

        pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            let guard = self.lock.lock();
            self.turn.swap(true, Ordering::SeqCst);
            guard
        }

        pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
            self.turn.swap(true, Ordering::SeqCst);
            self.lock.try_lock()
        }
    }
}
