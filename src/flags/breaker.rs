//! Whether the server is out: then nobody waits for it but one thread that tries again.

use super::cache::BACKOFF;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Calls in a row that failed for the server's sake. One may be an accident.
const FAILURES_MIN: u32 = 2;

/// The longest time between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What is to become of a request that somebody would wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pass {
    Go,
    /// Try whether the server is back, without anybody waiting.
    Probe,
    No,
}

/// Of one client.
#[derive(Default)]
pub struct Breaker {
    /// So that nobody takes the lock while all is well.
    is_open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    next_try: Option<Instant>,
}

impl Breaker {
    pub fn pass(&self, now: Instant) -> Pass {
        if !self.is_open.load(Ordering::Acquire) {
            return Pass::Go;
        }
        let mut state = self.lock();
        match state.next_try {
            None => Pass::Go,
            Some(at) if now < at => Pass::No,
            Some(_) => {
                // Should this one never come to an end, the next is tried after another pause.
                state.next_try = Some(now + pause(state.failures));
                Pass::Probe
            }
        }
    }

    /// The server has answered.
    pub fn answered(&self) {
        if self.is_open.load(Ordering::Acquire) || self.lock().failures > 0 {
            *self.lock() = State::default();
            self.is_open.store(false, Ordering::Release);
        }
    }

    /// It has not, or not with an answer.
    pub fn failed(&self, now: Instant) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_MIN {
            let next_try = now + pause(state.failures);
            self.open(&mut state, next_try);
        }
    }

    /// It has asked to be left alone until then.
    pub fn hold(&self, until: Instant) {
        self.open(&mut self.lock(), until);
    }

    fn open(&self, state: &mut State, next_try: Instant) {
        state.next_try = state.next_try.max(Some(next_try));
        self.is_open.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(FAILURES_MIN).min(31);
    BACKOFF.saturating_mul(1 << doublings).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_failure_is_an_accident() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            breaker.failed(now);
            assert_eq!(breaker.pass(now), Pass::Go);
            breaker.answered();
        }
    }

    #[test]
    fn during_an_outage_one_tries_after_a_pause_that_doubles() {
        let (breaker, mut now) = (Breaker::default(), Instant::now());
        breaker.failed(now);
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            breaker.failed(now);
            let end = now + pause * SECOND;
            assert_eq!(breaker.pass(end - Duration::from_nanos(1)), Pass::No);
            assert_eq!(breaker.pass(end), Pass::Probe);
            assert_eq!(breaker.pass(end), Pass::No);
            now = end;
        }
        // The last try was never heard of again.
        assert_eq!(breaker.pass(now + 30 * SECOND), Pass::Probe);
        breaker.answered();
        assert_eq!(breaker.pass(now), Pass::Go);
        breaker.failed(now);
        assert_eq!(breaker.pass(now), Pass::Go);
    }

    #[test]
    fn what_the_server_asks_for_is_waited_also_after_one_failure() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        breaker.hold(now + 5 * SECOND);
        breaker.failed(now);
        assert_eq!(breaker.pass(now + 4 * SECOND), Pass::No);
        // A shorter pause does not end a longer one.
        breaker.failed(now + 2 * SECOND);
        breaker.hold(now + SECOND);
        assert_eq!(breaker.pass(now + 4 * SECOND), Pass::No);
        assert_eq!(breaker.pass(now + 5 * SECOND), Pass::Probe);
        breaker.answered();
        assert_eq!(breaker.pass(now), Pass::Go);
    }
}
