//! One request with a batch, and what its answer means.

use super::{State, Worker};
use crate::ledger::Reason;
use crate::line::Parcel;
use crate::log::Level;
use crate::packer::Encoding;
use crate::queue::Fate;
use crate::report::{self, Fault, Hint};
use crate::retry::{self, Verdict};
use crate::transport::{Answer, Body, Request};
use crate::wire::{self, Attempt, EventResult, Family, Protocol, Results};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// So much of an answer is read whatever the batch, and so much more for each of its events.
const ANSWER_MAX: u64 = 64 << 10;
const ANSWER_MAX_EACH: u64 = 512;
/// Buffers larger than this are given back after use.
const BUFFER_KEPT: usize = 2 << 20;

/// What an attempt came to.
pub enum Outcome {
    /// The server has said what became of each event; those to be kept it wants again.
    Settled { fates: Vec<Fate>, minimum: Option<Duration> },
    /// It refuses the batch for its size.
    TooLarge,
    /// The server or the network failed. `choked`: it answered 500.
    Failed { choked: bool, minimum: Option<Duration> },
    /// The server speaks the other protocol: the same events are to be sent in that.
    OtherProtocol,
    /// Nobody wants the batch any more.
    Unwanted,
}

impl Worker {
    /// One request. The body is made anew for each: it says when it is sent.
    pub(super) fn attempt(&self, parcel: &mut Parcel, state: &mut State) -> Outcome {
        let protocol = self.choice.protocol();
        parcel.attempts = parcel.attempts.saturating_add(1);
        let attempt = Attempt {
            id: parcel.id,
            number: parcel.attempts,
            created: parcel.created,
            sent: self.time.wall(),
        };
        state.buffers.used(self.time.now());
        let odd = self.wire.body(protocol, &parcel.batch.chunk, &attempt, &mut state.buffers.body);
        if odd > 0 && parcel.attempts == 1 {
            let text = "left out a $session_id or $window_id that is no string".to_owned();
            self.tell(state, text, odd as u64);
        }
        let headers = self.wire.headers(protocol, &attempt);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let encoding = self.encoding(protocol);
        let packed =
            encoding.and_then(|encoding| state.buffers.packer.pack(encoding, &state.buffers.body));
        if !self.queue.wants(&parcel.batch) {
            return Outcome::Unwanted;
        }
        self.counters.requests.add(1);
        let answer = self.transport.send(&Request {
            path: wire::path(self.family, protocol),
            body: Some(Body {
                bytes: packed.unwrap_or(&state.buffers.body),
                encoding: packed.and(encoding).map(Encoding::name),
            }),
            headers: &headers,
            timeout: self.timeout,
            answer_max: ANSWER_MAX + ANSWER_MAX_EACH * parcel.batch.events() as u64,
        });
        if state.buffers.body.capacity() > BUFFER_KEPT {
            state.buffers.body = Vec::new();
        }
        match answer {
            Ok(answer) => self.read(protocol, &answer, parcel, state),
            Err(failure) => {
                let text = format!("could not reach the server: {}", failure.text);
                self.report(failure.fate(), None, parcel.attempts, 0, &text);
                self.tell(state, text, 1);
                Outcome::Failed { choked: false, minimum: None }
            }
        }
    }

    /// How the body is compressed: V0 knows gzip alone, whatever was chosen.
    fn encoding(&self, protocol: Protocol) -> Option<Encoding> {
        match protocol {
            Protocol::V0 => self.compression.map(|_| Encoding::Gzip),
            Protocol::V1 => self.compression,
        }
    }

    fn read(
        &self,
        protocol: Protocol,
        answer: &Answer,
        parcel: &Parcel,
        state: &mut State,
    ) -> Outcome {
        let status = answer.status;
        let is_v1 = protocol == Protocol::V1;
        let uuids: Vec<Uuid> = parcel.batch.chunk.records().map(|record| record.uuid).collect();
        let results = (is_v1 && (200..=299).contains(&status))
            .then(|| Results::read(&answer.body, &uuids))
            .flatten();
        if is_v1 && self.choice.is_open() {
            let shown = wire::shown(status, results.is_some());
            if let Some(shown) = shown {
                self.choice.pin(shown);
                self.logger.log(Level::Info, format_args!("the server speaks capture {shown:?}"));
            }
            if shown == Some(Protocol::V0) {
                return Outcome::OtherProtocol;
            }
        }
        let minimum = || {
            let asked = answer.header("retry-after")?;
            retry::retry_after(asked, SystemTime::now())
        };
        let (fate, date) = (report::Fate::Status(status), answer.header("date"));
        let all = |fate| Outcome::Settled { fates: vec![fate; uuids.len()], minimum: None };
        match retry::verdict(wire::family(self.family, protocol), status) {
            Verdict::Done if !is_v1 => all(Fate::Delivered),
            Verdict::Done => match results {
                Some(results) => {
                    Outcome::Settled { fates: self.fates(results, state), minimum: minimum() }
                }
                None => {
                    // It may have taken them; what sends them for ever will not find out.
                    let text = format!("unreadable answer: status {status}");
                    self.report(fate, date, parcel.attempts, uuids.len(), &text);
                    self.tell(state, text, 1);
                    all(Fate::Dropped(Reason::Rejected))
                }
            },
            Verdict::Retry => {
                let text = format!("server answered {status}, will retry");
                self.report(fate, date, parcel.attempts, 0, &text);
                self.tell(state, text, 1);
                Outcome::Failed { choked: status == 500, minimum: minimum() }
            }
            Verdict::Rejected => {
                let text = format!("server refused a batch: status {status}");
                let hint = self.report(fate, date, parcel.attempts, uuids.len(), &text);
                self.tell(state, text + report::advice(hint), 1);
                all(Fate::Dropped(Reason::Rejected))
            }
            Verdict::TooLarge => {
                // Only the event that is alone is lost; others are sent again in halves.
                let lost = if uuids.len() == 1 { 1 } else { 0 };
                let text = "server refused a batch as too large".to_owned();
                self.report(fate, date, parcel.attempts, lost, &text);
                self.tell(state, text, 1);
                Outcome::TooLarge
            }
        }
    }

    /// What became of each event, and a line for each kind of refusal.
    fn fates(&self, results: Results, state: &mut State) -> Vec<Fate> {
        // How often, and whether it cost events.
        let mut told: BTreeMap<String, (u64, bool)> = BTreeMap::new();
        for tag in results.warnings {
            told.entry(format!("server took events with a warning: {tag}")).or_default().0 += 1;
        }
        let fate = |result| match result {
            EventResult::Taken => Fate::Delivered,
            EventResult::Retry => Fate::Kept,
            EventResult::Dropped(tag) => {
                let reason = match tag.as_str() {
                    "event_too_big" | "ai_event_too_big" => Reason::TooLarge,
                    _ => Reason::Rejected,
                };
                let entry = told.entry(format!("server dropped events: {tag}")).or_default();
                *entry = (entry.0 + 1, true);
                Fate::Dropped(reason)
            }
        };
        let fates = results.each.into_iter().map(fate).collect();
        for (text, (times, lost)) in told {
            if lost {
                self.report(report::Fate::Status(200), None, 1, times as usize, &text);
            }
            self.tell(state, text, times);
        }
        fates
    }

    /// Tells the host of a fault, beside the log; what to look at first.
    pub(super) fn report(
        &self,
        fate: report::Fate,
        date: Option<&str>,
        attempt: u32,
        events_lost: usize,
        text: &str,
    ) -> Hint {
        let family = match self.family {
            Family::Analytics => report::Family::Events,
            Family::Ai => report::Family::Ai,
        };
        let message = text.to_owned();
        self.transport.reports.add(Fault { family, fate, date, attempt, events_lost, message })
    }

    fn tell(&self, state: &mut State, text: String, times: u64) {
        if let Some(times) = state.failures.tell(&text, times, self.time.now()) {
            if times > 1 {
                self.logger.log(Level::Warn, format_args!("{text} ({times} times)"));
            } else {
                self.logger.log(Level::Warn, format_args!("{text}"));
            }
        }
    }
}
