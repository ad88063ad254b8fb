//! What the host is called back with, and the two rules of every call: none starts once the
//! client has shut down, and none may call back into the library.

use crate::event::Event;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What became of a batch that left the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// The server took it.
    Delivered,
    /// The server refused it for good.
    Failed,
    /// Given up: retries, age or the shutdown deadline ran out.
    Dropped,
}

/// May change the event; false drops it.
pub type BeforeSend = dyn Fn(&mut Event) -> bool + Send + Sync;
/// Called once for each batch, with the number of its events.
pub type OnDelivery = dyn Fn(Delivery, usize) + Send + Sync;

/// What a cache of the host's says about the definitions of flags.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Advice {
    /// Read them from the server: it is this process's turn.
    Fetch,
    /// Use these.
    Use(Vec<u8>),
    /// Another process reads them, and there are none that are newer than those that are known.
    Keep,
    /// The cache cannot say.
    Failed,
}

pub type GetDefinitions = dyn Fn() -> Advice + Send + Sync;
/// Is told of definitions that this process has read; false when it could not keep them.
pub type PutDefinitions = dyn Fn(&[u8]) -> bool + Send + Sync;

/// Where definitions are kept outside of this process, so that a fleet reads them once.
#[cfg_attr(
    not(feature = "local-evaluation"),
    expect(dead_code, reason = "nobody reads definitions then")
)]
pub struct DefinitionsCache {
    pub get: Box<GetDefinitions>,
    pub put: Box<PutDefinitions>,
}

/// The host's functions, shared by every thread of a client.
#[derive(Clone, Default)]
pub struct Hooks {
    /// In the order of registration; each sees what the one before it left.
    pub before_send: Vec<Arc<BeforeSend>>,
    pub on_delivery: Option<Arc<OnDelivery>>,
    pub definitions_cache: Option<Arc<DefinitionsCache>>,
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a callback of any client.
pub fn inside_callback() -> bool {
    INSIDE.get()
}

const CLOSED: u32 = 1 << 31;

/// Lets callbacks start until it is closed. One for each life of a client: a forked child has
/// its own, so that it never waits for a thread that only its parent has.
#[derive(Default)]
pub struct Gate {
    /// How many callbacks run, and `CLOSED`.
    state: AtomicU32,
}

impl Gate {
    /// Runs `call` unless the gate is closed, or this thread is inside a callback already.
    pub fn pass<R>(&self, call: impl FnOnce() -> R) -> Option<R> {
        if inside_callback() {
            return None;
        }
        let pass = Pass(self);
        if self.state.fetch_add(1, Ordering::SeqCst) & CLOSED != 0 {
            return None;
        }
        INSIDE.set(true);
        let result = call();
        INSIDE.set(false);
        drop(pass);
        Some(result)
    }

    /// Whether no callback runs.
    pub fn is_idle(&self) -> bool {
        self.state.load(Ordering::SeqCst) & !CLOSED == 0
    }

    /// From here on no callback starts. Waits for those that run, up to the deadline.
    pub fn close(&self, deadline: Instant) {
        self.state.fetch_or(CLOSED, Ordering::SeqCst);
        while self.state.load(Ordering::SeqCst) != CLOSED && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Counts a callback out, also when it panics.
struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        INSIDE.set(false);
        self.0.state.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_sees_that_it_is_inside_and_cannot_nest() {
        let gate = Gate::default();
        let nested = gate.pass(|| {
            assert!(inside_callback());
            gate.pass(|| ()).is_none()
        });
        assert_eq!(nested, Some(true));
        assert!(!inside_callback());
    }

    #[test]
    fn closing_stops_new_ones_and_waits_for_old_ones() {
        let gate = Arc::new(Gate::default());
        let (started, wait) = crossbeam_channel::bounded(0);
        let runner = std::thread::spawn({
            let gate = Arc::clone(&gate);
            move || {
                gate.pass(|| {
                    let _ = started.send(());
                    std::thread::sleep(Duration::from_millis(50));
                    Instant::now()
                })
            }
        });
        wait.recv().unwrap();
        gate.close(Instant::now() + Duration::from_secs(5));
        let closed_at = Instant::now();
        assert!(runner.join().unwrap().unwrap() <= closed_at);
        assert_eq!(gate.pass(|| ()), None);
    }

    #[test]
    fn a_panic_counts_the_callback_out() {
        let gate = Gate::default();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            gate.pass(|| std::panic::resume_unwind(Box::new(())))
        }));
        assert!(caught.is_err());
        assert!(!inside_callback());
        assert_eq!(gate.pass(|| 1), Some(1));
    }
}
