//! The record of what arrived and what became of it.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::request::{Outcome, Request};
use crate::uuid;

/// How much is kept. The counts are kept always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// Every request, whole.
    #[default]
    Full,
    /// A [`Brief`] of every accepted or ambiguous event.
    Uuids,
    /// Nothing but the counts, and the uuids that tell duplicates.
    Count,
}

/// An event of a recorded request.
#[derive(Clone, Debug)]
pub struct Event {
    /// Index of its request.
    pub request: usize,
    pub json: Value,
}

/// What suffices to tell events apart in a long run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Index of its request.
    pub request: usize,
    pub uuid: Option<u128>,
    pub distinct_id: Box<str>,
    pub event: Box<str>,
    /// The integer property `n`, by which tests number their events.
    pub n: Option<i64>,
}

/// Totals since the start or the last clear. Control requests are in none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub connections: u64,
    /// Of these, how many went on with the TLS session of an earlier one.
    pub resumed: u64,
    /// Requests with a readable head.
    pub requests: u64,
    /// Requests whose head or framing was not HTTP.
    pub malformed: u64,
    /// Capture and flags requests whose body was not what its path demands.
    pub refused: u64,
    /// Body bytes as sent.
    pub bytes: u64,
    /// Events of all capture requests that were read, whatever became of them.
    pub attempted: u64,
    /// Events answered 2xx completely, duplicates included.
    pub accepted: u64,
    /// Accepted events whose uuid had been accepted before.
    pub duplicates: u64,
    /// Events that were to be answered 2xx, but whose answer was lost.
    pub ambiguous: u64,
}

impl Counts {
    pub(crate) fn to_json(self) -> Value {
        json!({
            "connections": self.connections,
            "resumed": self.resumed,
            "requests": self.requests,
            "malformed": self.malformed,
            "refused": self.refused,
            "bytes": self.bytes,
            "attempted": self.attempted,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "ambiguous": self.ambiguous,
        })
    }
}

impl Brief {
    fn of(event: &Value, request: usize) -> Brief {
        let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
        Brief {
            request,
            uuid: uuid::parse(text("uuid")),
            distinct_id: text("distinct_id").into(),
            event: text("event").into(),
            n: event.get("properties").and_then(|properties| properties.get("n")?.as_i64()),
        }
    }

    /// The uuid in its hyphenated spelling.
    pub fn uuid_text(&self) -> Option<String> {
        self.uuid.map(uuid::format)
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut properties = Map::new();
        if let Some(n) = self.n {
            properties.insert("n".into(), n.into());
        }
        json!({
            "uuid": self.uuid_text(),
            "distinct_id": self.distinct_id,
            "event": self.event,
            "properties": properties,
        })
    }
}

pub(crate) struct Log {
    record: Record,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    /// Raised by a clear, so that requests from before it do not settle after it.
    generation: u64,
    pub requests: Vec<Request>,
    pub accepted: Vec<Brief>,
    pub ambiguous: Vec<Brief>,
    uuids: HashSet<u128>,
    pub counts: Counts,
}

/// An arrived request's place in the log.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    generation: u64,
    index: usize,
}

impl Log {
    pub fn new(record: Record) -> Log {
        Log { record, state: Mutex::default(), changed: Condvar::new() }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the log")
    }

    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.state().counts);
        self.changed.notify_all();
    }

    pub fn clear(&self) {
        let mut state = self.state();
        *state = State { generation: state.generation + 1, ..State::default() };
    }

    /// Waits until the state is as wanted; says whether it came to be in time.
    pub fn wait(&self, timeout: Duration, wanted: impl Fn(&State) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), timeout, |it| !wanted(it));
        !waited.expect("no thread panics while it holds the log").1.timed_out()
    }

    /// Records a request before it is answered, so that a test can wait for one that never is.
    pub fn arrive(&self, request: &mut Request) -> Ticket {
        let mut state = self.state();
        request.index = usize::try_from(state.counts.requests).expect("fewer requests than that");
        state.counts.requests += 1;
        state.counts.bytes += request.raw_length as u64;
        state.counts.attempted += request.events().len() as u64;
        state.counts.refused += u64::from(request.refusal.is_some());
        if self.record == Record::Full {
            state.requests.push(request.clone());
        }
        let ticket = Ticket { generation: state.generation, index: request.index };
        drop(state);
        self.changed.notify_all();
        ticket
    }

    /// Records what became of a request: its outcome, status and response.
    pub fn settle(&self, ticket: Ticket, request: &Request) {
        let keep = self.record != Record::Count;
        let briefs: Vec<Brief> = match request.outcome {
            Outcome::Answered | Outcome::Lost => {
                request.taken_events().map(|event| Brief::of(event, ticket.index)).collect()
            }
            Outcome::Pending | Outcome::Unread => Vec::new(),
        };
        let mut guard = self.state();
        let state = &mut *guard;
        if state.generation != ticket.generation {
            return;
        }
        if let Some(recorded) = state.requests.get_mut(ticket.index) {
            recorded.outcome = request.outcome;
            recorded.status = request.status;
            recorded.response.clone_from(&request.response);
            recorded.verdicts.clone_from(&request.verdicts);
        }
        if request.outcome == Outcome::Answered {
            state.counts.accepted += briefs.len() as u64;
            let known = briefs.iter().filter_map(|brief| brief.uuid);
            let again = known.filter(|uuid| !state.uuids.insert(*uuid)).count();
            state.counts.duplicates += again as u64;
            state.accepted.extend(briefs.into_iter().filter(|_| keep));
        } else {
            state.counts.ambiguous += briefs.len() as u64;
            state.ambiguous.extend(briefs.into_iter().filter(|_| keep));
        }
        drop(guard);
        self.changed.notify_all();
    }
}
