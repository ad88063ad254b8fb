//! The order in which batches are tried: what is in front, what waits beside the flow, and whether
//! anything is tried at all. Pure: batches, answers and times in, the next batch out.
//!
//! While the server or the network fails, the line is a circuit breaker: one probe for each step
//! of the backoff, the same batch until it goes through. What the server refuses for reasons of
//! its own (one event to be sent again, one event it chokes on) waits beside the flow, with a
//! schedule of its own, and fresh batches go on.

use crate::queue::Batch;
use crate::retry::{Exhausted, Schedule};
use crate::timestamp::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A batch that is answered 500 so often in a row is suspected of being the reason, and split.
const SUSPECT_AFTER: u32 = 5;

/// A batch on its way.
pub struct Parcel {
    pub batch: Batch,
    /// Names these events to the server, the same for each attempt.
    pub id: Uuid,
    /// When the batch was made.
    pub created: Timestamp,
    /// How often these events were sent under this name.
    pub attempts: u32,
    /// When the events were first tried.
    begun: Instant,
    /// Waits between attempts, of which there is a limit.
    retries: u32,
    /// The same since its wait was last set back: what the backoff grows with.
    steps: u32,
    /// Answers of 500, one after the other.
    choked: u32,
    /// How often the server had taken something when it last choked.
    seen: Option<u64>,
    /// It waits beside the flow, not at its front.
    aside: bool,
}

impl Parcel {
    pub fn new(batch: Batch, id: Uuid, created: Timestamp, now: Instant) -> Parcel {
        Parcel {
            batch,
            id,
            created,
            attempts: 0,
            begun: now,
            retries: 0,
            steps: 0,
            choked: 0,
            seen: None,
            aside: false,
        }
    }

    /// A batch with some of its events, to be tried as one of its own.
    pub fn part(&self, batch: Batch, id: Uuid) -> Parcel {
        let attempts = if id == self.id { self.attempts } else { 0 };
        Parcel { batch, id, attempts, steps: 0, choked: 0, ..*self }
    }
}

/// How long something waits.
#[derive(Clone, Copy)]
struct Pause {
    until: Instant,
    /// What the server has asked for: nobody can hasten it.
    floor: Instant,
}

/// What to do next.
#[allow(clippy::large_enum_variant, reason = "moved once a batch")]
pub enum Next {
    Send(Parcel),
    /// Take a fresh batch, if there is one.
    Fresh,
    /// Nothing is tried before then.
    Wait(Instant),
}

/// What to do with a batch that failed.
pub enum Failed {
    /// It is given up.
    GiveUp(Parcel, Exhausted),
    /// It is to be split.
    Split(Parcel),
    /// It waits.
    Waits,
}

/// Everything that one sender has taken and not settled.
pub struct Line {
    schedule: Schedule,
    /// Before everything else, in order.
    front: VecDeque<Parcel>,
    /// By when they are due; the number keeps their order.
    parked: BTreeMap<(Instant, u64), (Instant, Parcel)>,
    number: u64,
    breaker: Option<Pause>,
    /// Failures of server or network in a row.
    failures: u32,
    /// How often the server has taken something.
    taken: u64,
    /// The last was one that had been parked: a fresh one goes next.
    parked_last: bool,
}

impl Line {
    pub fn new(schedule: Schedule) -> Line {
        Line {
            schedule,
            front: VecDeque::new(),
            parked: BTreeMap::new(),
            number: 0,
            breaker: None,
            failures: 0,
            taken: 0,
            parked_last: false,
        }
    }

    /// What goes next. Fresh batches and those that waited beside the flow take turns.
    pub fn next(&mut self, now: Instant) -> Next {
        if let Some(pause) = self.breaker.filter(|pause| now < pause.until) {
            return Next::Wait(pause.until);
        }
        if let Some(parcel) = self.front.pop_front() {
            return Next::Send(parcel);
        }
        if !self.parked_last
            && let Some(parcel) = self.take_due(now)
        {
            return Next::Send(parcel);
        }
        self.parked_last = false;
        Next::Fresh
    }

    /// The first that has waited long enough beside the flow.
    pub fn take_due(&mut self, now: Instant) -> Option<Parcel> {
        let entry = self.parked.first_entry().filter(|entry| entry.key().0 <= now)?;
        self.parked_last = true;
        Some(entry.remove().1)
    }

    /// When the next one has.
    pub fn next_due(&self) -> Option<Instant> {
        Some(self.parked.keys().next()?.0)
    }

    /// Ends every wait but those that the server has asked for.
    pub fn hasten(&mut self, now: Instant) {
        if let Some(pause) = &mut self.breaker {
            pause.until = pause.floor.min(pause.until);
        }
        for ((until, number), (floor, parcel)) in std::mem::take(&mut self.parked) {
            self.parked.insert((until.min(floor.max(now)), number), (floor, parcel));
        }
    }

    /// The server can be reached. `taken`: and it has taken events.
    pub fn answered(&mut self, taken: bool) {
        self.breaker = None;
        self.failures = 0;
        self.taken += u64::from(taken);
    }

    /// The server or the network failed over a batch. `choked`: the server answered 500.
    pub fn failed(
        &mut self,
        mut parcel: Parcel,
        choked: bool,
        minimum: Option<Duration>,
        now: Instant,
        random: u64,
    ) -> Failed {
        // Where the server has taken others meanwhile, it is not down: it chokes on this one.
        let is_culprit = choked && parcel.seen.is_some_and(|seen| seen < self.taken);
        parcel.choked = if choked { parcel.choked + 1 } else { 0 };
        if choked {
            parcel.seen = Some(self.taken);
        }
        if !is_culprit {
            self.failures = self.failures.saturating_add(1);
            self.breaker = Some(self.pause(self.failures, minimum, now, random));
        }
        if let Err(exhausted) = self.schedule.allows(parcel.retries, now - parcel.begun) {
            return Failed::GiveUp(parcel, exhausted);
        }
        parcel.retries = parcel.retries.saturating_add(1);
        let is_suspect = is_culprit || parcel.choked >= SUSPECT_AFTER;
        if is_suspect && parcel.batch.events() > 1 {
            return Failed::Split(parcel);
        }
        // One that is, or was part of, a suspect is not the one to find out by that all is well.
        if is_suspect || choked && parcel.aside {
            self.park(parcel, minimum, now, random);
        } else {
            self.front.push_front(parcel);
        }
        Failed::Waits
    }

    /// The server wants these events again, in a while.
    pub fn again(
        &mut self,
        mut parcel: Parcel,
        minimum: Option<Duration>,
        now: Instant,
        random: u64,
    ) -> Failed {
        if let Err(exhausted) = self.schedule.allows(parcel.retries, now - parcel.begun) {
            return Failed::GiveUp(parcel, exhausted);
        }
        parcel.retries = parcel.retries.saturating_add(1);
        self.park(parcel, minimum, now, random);
        Failed::Waits
    }

    /// The parcel waits beside the flow.
    fn park(&mut self, mut parcel: Parcel, minimum: Option<Duration>, now: Instant, random: u64) {
        parcel.aside = true;
        parcel.steps = parcel.steps.saturating_add(1);
        let pause = self.pause(parcel.steps, minimum, now, random);
        self.number += 1;
        self.parked.insert((pause.until, self.number), (pause.floor, parcel));
    }

    /// These go next, in this order.
    pub fn put_front(&mut self, parcels: Vec<Parcel>) {
        for parcel in parcels.into_iter().rev() {
            self.front.push_front(parcel);
        }
    }

    /// These wait beside the flow, and are due.
    pub fn put_aside(&mut self, parcels: Vec<Parcel>, now: Instant) {
        for mut parcel in parcels {
            parcel.aside = true;
            self.number += 1;
            self.parked.insert((now, self.number), (now, parcel));
        }
    }

    pub fn into_parcels(self) -> impl Iterator<Item = Parcel> {
        self.front.into_iter().chain(self.parked.into_values().map(|(_, parcel)| parcel))
    }

    fn pause(&self, step: u32, minimum: Option<Duration>, now: Instant, random: u64) -> Pause {
        let minimum = minimum.unwrap_or_default();
        let backoff = self.schedule.backoff(step, random).max(minimum);
        Pause { until: now + backoff, floor: now + minimum }
    }
}

#[cfg(test)]
mod tests;
