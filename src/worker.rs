//! The sender: the thread that takes batches from the queue and sees each of them settled.
//!
//! A thin loop around the pure parts: `batch` says when, `wire` says what, `retry` says what an
//! answer means. It holds nothing but its own references, so that a shutdown whose deadline has
//! passed can leave it behind.

use crate::clock;
use crate::counters::Counters;
use crate::hooks::{Delivery, Gate, Hooks};
use crate::ledger::Reason;
use crate::log::{Level, Logger};
use crate::packer::{Encoding, Packer};
use crate::queue::{Batch, Next, Queue};
use crate::retry::{self, Exhausted, Schedule, Verdict};
use crate::transport::{Answer, Body, Failure, FailureKind, Request, Transport};
use crate::uuid::Random;
use crate::wire::V0;
use crossbeam_channel::Receiver;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// More of an answer than this is not read: nothing in it is used.
const ANSWER_MAX: u64 = 64 << 10;
/// Buffers larger than this are given back after use.
const BUFFER_KEPT: usize = 2 << 20;
/// Identical failures are told once in this time, with how often they happened.
const FAILURES_TOLD: Duration = Duration::from_secs(60);

/// What the sender works with.
pub struct Worker {
    pub queue: Arc<Queue>,
    pub rings: Receiver<()>,
    pub transport: Arc<Transport>,
    pub wire: Arc<V0>,
    pub counters: Arc<Counters>,
    pub hooks: Hooks,
    pub gate: Arc<Gate>,
    pub logger: Logger,
    pub schedule: Schedule,
    pub compression: Option<Encoding>,
    pub timeout: Duration,
}

/// What the loop keeps from one batch to the next.
struct State {
    body: Vec<u8>,
    packer: Packer,
    random: Random,
    failures: Failures,
}

impl Worker {
    /// Sends until the queue says that nothing is left, or that nobody wants it.
    pub fn run(&self) {
        let mut state = State {
            body: Vec::new(),
            packer: Packer::new(),
            random: Random::new(),
            failures: Failures::default(),
        };
        self.queue.prepare();
        loop {
            match self.queue.next(Instant::now()) {
                Next::Send(batch) => self.deliver(batch, &mut state),
                Next::Wait(None) => {
                    let _ = self.rings.recv();
                }
                Next::Wait(Some(until)) => {
                    let _ = self.rings.recv_deadline(until);
                }
                Next::Stop => return,
            }
        }
    }

    /// Sends a batch, as itself and as often as it takes, until every event in it is settled. Too
    /// large for the server, it is halved, until the event that is at fault is alone.
    fn deliver(&self, batch: Batch, state: &mut State) {
        // The first part is at the end.
        let whole = 0..batch.chunk.events();
        let mut parts = vec![whole];
        while let Some(part) = parts.pop() {
            let dropped = self.send(&batch, &part, state);
            if dropped == Some(Reason::TooLarge) && part.len() > 1 {
                let middle = part.start + part.len() / 2;
                parts.push(middle..part.end);
                parts.push(part.start..middle);
                continue;
            }
            self.queue.settle(&batch, &part, dropped);
            self.tell_delivery(part.len(), dropped);
        }
        self.queue.retire(batch).announce();
    }

    /// Sends a part of a batch until it is settled: `None` when the server has taken it.
    fn send(&self, batch: &Batch, part: &Range<usize>, state: &mut State) -> Option<Reason> {
        let begun = Instant::now();
        let mut retries = 0;
        loop {
            if !self.queue.is_wanted() {
                return Some(Reason::OptedOut);
            }
            let hurries = self.queue.hurries();
            let asked = match self.attempt(batch, part, state) {
                Ok(answer) => match self.judge(&answer, state) {
                    Ok(()) => return None,
                    Err(Some(reason)) => return Some(reason),
                    Err(None) => answer.header("retry-after").map(str::to_owned),
                },
                Err(failure) => {
                    self.tell(state, format!("could not reach the server: {}", failure.text));
                    None
                }
            };
            match self.schedule.allows(retries, begun.elapsed()) {
                Ok(()) => {}
                Err(Exhausted::Age) => return Some(Reason::Expired),
                Err(Exhausted::Retries) => return Some(Reason::Retries),
            }
            retries += 1;
            if !self.queue.hold() {
                return Some(Reason::OptedOut);
            }
            let minimum = asked.and_then(|text| retry::retry_after(&text, SystemTime::now()));
            self.pause(retries, minimum, hurries, state);
            if !self.queue.is_wanted() {
                return Some(Reason::OptedOut);
            }
            self.queue.release();
            self.counters.retries.add(1);
        }
    }

    fn tell_delivery(&self, events: usize, dropped: Option<Reason>) {
        let outcome = match dropped {
            None => Delivery::Delivered,
            Some(Reason::Rejected | Reason::TooLarge) => Delivery::Failed,
            Some(_) => Delivery::Dropped,
        };
        if let Some(reason) = dropped {
            self.logger.log(Level::Error, format_args!("gave up {events} events: {reason:?}"));
        } else {
            self.logger.log(Level::Debug, format_args!("delivered {events} events"));
        }
        if let Some(on_delivery) = &self.hooks.on_delivery {
            self.gate.pass(|| on_delivery(outcome, events));
        }
    }

    /// One request. The body is made anew for each: `sent_at` is when it is sent.
    fn attempt(
        &self,
        batch: &Batch,
        part: &Range<usize>,
        state: &mut State,
    ) -> Result<Answer, Failure> {
        self.wire.body(&batch.chunk, part, clock::now(), &mut state.body);
        // Whatever was chosen: V0 knows no other.
        let encoding = self.compression.map(|_| Encoding::Gzip);
        let packed = encoding.and_then(|encoding| state.packer.pack(encoding, &state.body));
        if !self.queue.is_wanted() {
            let text = "nobody wants the batch any more".to_owned();
            return Err(Failure { kind: FailureKind::Broken, text });
        }
        self.counters.requests.add(1);
        let encoding = packed.and(encoding).map(Encoding::name);
        let answer = self.transport.send(&Request {
            path: "/batch/",
            body: Some(Body { bytes: packed.unwrap_or(&state.body), encoding }),
            headers: &[],
            timeout: self.timeout,
            answer_max: ANSWER_MAX,
        });
        if state.body.capacity() > BUFFER_KEPT {
            state.body = Vec::new();
        }
        answer
    }

    /// What the answer means: settled, given up for a reason, or (`Err(None)`) to be retried.
    fn judge(&self, answer: &Answer, state: &mut State) -> Result<(), Option<Reason>> {
        let status = answer.status;
        match retry::verdict(status) {
            Verdict::Delivered => {
                self.counters.last_success_ms.set(clock::now().unix_millis() as u64);
                state.failures = Failures::default();
                Ok(())
            }
            Verdict::Retry => {
                self.tell(state, format!("server answered {status}, will retry"));
                Err(None)
            }
            Verdict::Rejected => {
                let why = hint(status);
                self.tell(state, format!("server refused a batch: status {status}{why}"));
                Err(Some(Reason::Rejected))
            }
            Verdict::TooLarge => {
                self.tell(state, "server refused a batch as too large".to_owned());
                Err(Some(Reason::TooLarge))
            }
        }
    }

    /// Waits before the next attempt. Somebody who asks for everything to go out now ends the
    /// wait, except where the server has asked for it.
    fn pause(&self, retry: u32, minimum: Option<Duration>, hurries: u64, state: &mut State) {
        let backoff = self.schedule.backoff(retry, state.random.next());
        let until = Instant::now() + backoff.max(minimum.unwrap_or_default());
        while Instant::now() < until && self.queue.is_wanted() {
            if minimum.is_none() && self.queue.hurries() != hurries {
                return;
            }
            let _ = self.rings.recv_deadline(until);
        }
    }

    fn tell(&self, state: &mut State, text: String) {
        if let Some(times) = state.failures.tell(&text, Instant::now()) {
            if times > 1 {
                self.logger.log(Level::Warn, format_args!("{text} ({times} times)"));
            } else {
                self.logger.log(Level::Warn, format_args!("{text}"));
            }
        }
    }
}

/// What to look at first.
fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => " (is it a project API key, of this region?)",
        402 => " (the project is over its billing limit)",
        404 | 405 => " (is the host PostHog's, with the right path prefix?)",
        300..=399 => " (a redirect: configure the address that it leads to)",
        _ => "",
    }
}

/// Keeps a dead network from filling the host's log.
#[derive(Default)]
struct Failures {
    last: String,
    since_told: u64,
    told_at: Option<Instant>,
}

impl Failures {
    /// How often this happened since it was last told; `None` when it is too soon to tell again.
    fn tell(&mut self, text: &str, now: Instant) -> Option<u64> {
        if self.last != text {
            *self = Failures { last: text.to_owned(), since_told: 0, told_at: None };
        }
        self.since_told += 1;
        if self.told_at.is_some_and(|at| now < at + FAILURES_TOLD) {
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.since_told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_failures_are_told_once_a_minute_with_their_count() {
        let start = Instant::now();
        let mut failures = Failures::default();
        assert_eq!(failures.tell("503", start), Some(1));
        for second in 1..60 {
            assert_eq!(failures.tell("503", start + Duration::from_secs(second)), None);
        }
        assert_eq!(failures.tell("503", start + FAILURES_TOLD), Some(60));
        assert_eq!(failures.tell("refused", start + FAILURES_TOLD), Some(1));
    }
}
