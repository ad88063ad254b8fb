//! The thread that keeps the definitions up to date, and those who wait for it.

use super::endpoint::{Poll, Rhythm};
use super::fetcher::{Fetcher, Memory};
use crate::error::Error;
use crate::log::Level;
use crate::sys::thread;
use crate::uuid::Random;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The name that debuggers and `top` show. Linux cuts it at 15 bytes.
const NAME: &str = "posthog-poller";

/// One polling thread at most, started when definitions are first needed.
pub struct Poller {
    shared: Arc<Shared>,
}

struct Shared {
    fetcher: Fetcher,
    interval: Duration,
    /// A copy of that of the state, to be read without its lock.
    running: AtomicBool,
    state: Mutex<State>,
    /// Something in the state has changed.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    running: bool,
    thread: Option<JoinHandle<()>>,
    /// How many polls were asked for out of turn.
    asked: u64,
    /// How many of these had been asked for when the last poll that has ended began.
    answered: u64,
    /// What came of that poll. `None` before the first.
    last: Option<Poll>,
}

impl Poller {
    pub fn new(fetcher: Fetcher, interval: Duration) -> Poller {
        let shared = Shared {
            fetcher,
            interval,
            running: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        Poller { shared: Arc::new(shared) }
    }

    /// Makes sure that there is a thread, unless this is closed.
    #[inline]
    pub fn ensure(&self) {
        if !self.shared.running.load(Ordering::Acquire) {
            // Refused now, it is tried again by the next evaluation.
            let _ = self.start();
        }
    }

    #[cold]
    pub fn start(&self) -> Result<(), Error> {
        let mut state = self.shared.lock();
        if state.closed {
            return Err(Error::Shutdown);
        }
        if state.running {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let spawned = thread::spawn(NAME, move || shared.run());
        match spawned {
            Ok(thread) => {
                state.thread = Some(thread);
                self.shared.set_running(&mut state, true);
                Ok(())
            }
            Err(error) => {
                drop(state);
                let logger = &self.shared.fetcher.logger;
                logger.log(Level::Error, format_args!("could not start the poller: {error}"));
                Err(Error::Thread)
            }
        }
    }

    /// Waits until there are definitions. A refusal is not waited out: it does not pass.
    pub fn wait_ready(&self, deadline: Option<Instant>) -> Result<(), Error> {
        self.start()?;
        let state = self.shared.lock();
        self.shared.wait(state, deadline, |state| {
            if !self.shared.fetcher.store.is_empty() {
                return Some(Ok(()));
            }
            (state.last == Some(Poll::Refused)).then_some(Err(Error::Server))
        })
    }

    /// Polls now. With a deadline that has passed, nobody waits for what comes of it.
    pub fn refresh(&self, deadline: Option<Instant>) -> Result<(), Error> {
        let mut state = self.shared.lock();
        state.asked += 1;
        let asked = state.asked;
        self.shared.changed.notify_all();
        drop(state);
        self.start()?;
        let state = self.shared.lock();
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Ok(());
        }
        self.shared.wait(state, deadline, |state| {
            (state.answered >= asked).then_some(match state.last {
                Some(Poll::Good) => Ok(()),
                Some(Poll::Refused) => Err(Error::Server),
                Some(Poll::Failed) | None => Err(Error::Network),
            })
        })
    }

    /// From here on no poll starts, and nobody waits any more. The transport's `close` ends one
    /// that is under way.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }

    pub fn open(&self) {
        self.shared.lock().closed = false;
    }

    /// Waits until no thread runs, at most until the deadline.
    pub fn wait_end(&self, deadline: Instant) {
        let mut state = self.shared.lock();
        while state.running {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.shared.wait_changed(state, left);
        }
        let thread = state.thread.take();
        drop(state);
        // Its last act is behind it: what is left is for the system to take it down.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing between taking and releasing it leaves a state behind that is not whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_running(&self, state: &mut State, running: bool) {
        state.running = running;
        self.running.store(running, Ordering::Release);
        self.changed.notify_all();
    }

    fn wait_changed<'a>(
        &self,
        state: MutexGuard<'a, State>,
        timeout: Duration,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits until `done` says what came of it.
    fn wait(
        &self,
        mut state: MutexGuard<'_, State>,
        deadline: Option<Instant>,
        done: impl Fn(&State) -> Option<Result<(), Error>>,
    ) -> Result<(), Error> {
        loop {
            // First: the end makes a poll that is under way fail.
            if state.closed {
                return Err(Error::Shutdown);
            }
            if let Some(result) = done(&state) {
                return result;
            }
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            if left.is_zero() {
                return Err(Error::Timeout);
            }
            state = self.wait_changed(state, left.min(Duration::from_secs(3_600)));
        }
    }

    fn run(&self) {
        let mut rhythm = Rhythm::new(self.interval);
        let (mut random, mut memory) = (Random::new(), Memory::default());
        let mut state = self.lock();
        while !state.closed {
            let asked = state.asked;
            drop(state);
            // A bug that one text brings out must not end the polling.
            let poll = catch_unwind(AssertUnwindSafe(|| self.fetcher.poll(&mut memory)));
            let (poll, pause) = poll.unwrap_or((Poll::Failed, Duration::ZERO));
            let known = !self.fetcher.store.is_empty();
            let due = Instant::now() + rhythm.pause(poll, known, pause, random.next());
            state = self.lock();
            (state.answered, state.last) = (asked, Some(poll));
            self.changed.notify_all();
            while !state.closed && state.asked == asked {
                let left = due.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                state = self.wait_changed(state, left);
            }
        }
        // Under the lock that showed the end: whoever opens and starts behind it finds no thread.
        self.set_running(&mut state, false);
    }
}
