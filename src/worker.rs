//! The sender: the thread that takes batches from the queue and sees each of them settled.
//!
//! A thin loop around the pure parts: `batch` says when, `line` says which, `wire` says what, and
//! `retry` says what an answer means. It holds nothing but its own references, so that a shutdown
//! whose deadline has passed can leave it behind.

mod attempt;
mod buffers;
mod failures;
#[cfg(test)]
mod tests;
mod time;

pub use time::{SystemTime, Time};

use crate::counters::Counters;
use crate::exception::InApp;
use crate::hooks::{Delivery, Gate, Hooks};
use crate::ledger::Reason;
use crate::line::{self, Failed, Line, Parcel};
use crate::log::{Level, Logger};
use crate::packer::Encoding;
use crate::props::Marks;
use crate::queue::{Batch, Fate, Next, Queue, Wishes};
use crate::report;
use crate::retry::{Exhausted, Schedule};
use crate::symbols::Symbols;
use crate::transport::Transport;
use crate::uuid::Random;
use crate::wire::{Choice, Family, Protocol, Wire};
use attempt::Outcome;
use buffers::Buffers;
use crossbeam_channel::Receiver;
use failures::Failures;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What the sender works with.
pub struct Worker {
    pub family: Family,
    pub queue: Arc<Queue>,
    pub rings: Receiver<()>,
    pub transport: Arc<Transport>,
    pub wire: Arc<Wire>,
    pub choice: Arc<Choice>,
    pub counters: Arc<Counters>,
    pub hooks: Hooks,
    pub gate: Arc<Gate>,
    pub logger: Logger,
    pub schedule: Schedule,
    pub compression: Option<Encoding>,
    pub timeout: Duration,
    pub time: Arc<dyn Time>,
    /// The seed and the sequence that request ids are of, where a test wants them the same.
    pub sequence: Option<(u64, u8)>,
    /// Whose code frames are, once they have names.
    pub in_app: InApp,
}

/// What the loop keeps from one batch to the next.
pub struct State {
    line: Line,
    buffers: Buffers,
    random: Random,
    failures: Failures,
    /// Those that were heard.
    wishes: Wishes,
    symbols: Symbols,
}

impl Worker {
    pub fn state(&self) -> State {
        State {
            line: Line::new(self.schedule),
            buffers: Buffers::default(),
            random: match self.sequence {
                Some((seed, sequence)) => Random::of_seed(seed, sequence),
                None => Random::new(),
            },
            failures: Failures::default(),
            wishes: Wishes::default(),
            symbols: Symbols::new(self.in_app.clone()),
        }
    }

    /// Sends until the queue says that nothing is left, or that nobody wants it.
    pub fn run(&self, state: &mut State) {
        self.queue.start_syncer();
        self.queue.prepare();
        while self.hears(state) {
            let now = self.time.now();
            match state.line.next(now) {
                line::Next::Send(parcel) => self.resume(parcel, state),
                line::Next::Wait(until) => self.time.wait(&self.rings, Some(until)),
                line::Next::Fresh => {
                    if !self.fresh(now, state) {
                        return;
                    }
                }
            }
        }
    }

    /// Does as others wish; whether anything is to be sent.
    fn hears(&self, state: &mut State) -> bool {
        let before = std::mem::replace(&mut state.wishes, self.queue.wishes());
        if state.wishes.given_up != before.given_up {
            let line = std::mem::replace(&mut state.line, Line::new(self.schedule));
            for parcel in line.into_parcels() {
                self.tell_delivery(parcel.batch.events(), Some(Reason::OptedOut));
            }
        }
        if state.wishes.hurries != before.hurries {
            state.line.hasten(self.time.now());
        }
        state.wishes.is_wanted
    }

    /// Sends what is due in the queue, else what waited beside it, else waits. False at the end.
    fn fresh(&self, now: Instant, state: &mut State) -> bool {
        match self.queue.next(now) {
            Next::Send(mut batch) => {
                batch.chunk.change_props(Marks::EXCEPTION, |record| {
                    state.symbols.add_names(record.props, record.timestamp)
                });
                let created = self.time.wall();
                let id = state.random.uuid(created.unix_millis());
                self.deliver(Parcel::new(batch, id, created, now), state);
            }
            Next::Wait(until) => match state.line.take_due(now) {
                Some(parcel) => self.resume(parcel, state),
                None => {
                    state.buffers.give_back(now);
                    let dues = [until, state.line.next_due(), state.buffers.due()];
                    let until = dues.into_iter().flatten().min();
                    self.time.wait(&self.rings, until);
                }
            },
            Next::Stop => return false,
        }
        true
    }

    /// Sends a batch that waited.
    fn resume(&self, parcel: Parcel, state: &mut State) {
        if !self.queue.pick_up(&parcel.batch) {
            return self.tell_delivery(parcel.batch.events(), Some(Reason::OptedOut));
        }
        self.counters.retries.add(u64::from(parcel.attempts > 0));
        self.deliver(parcel, state);
    }

    /// Sends a batch once, and sees to it that every event in it is settled or waits.
    fn deliver(&self, mut parcel: Parcel, state: &mut State) {
        if self.choice.protocol() == Protocol::V1
            && let Some(repeated) = repeated(&parcel.batch)
        {
            return self.set_apart(parcel, &repeated, state);
        }
        let mut outcome = self.attempt(&mut parcel, state);
        if matches!(outcome, Outcome::OtherProtocol) {
            outcome = self.attempt(&mut parcel, state);
        }
        let now = self.time.now();
        match outcome {
            Outcome::Settled { fates, minimum } => self.settled(parcel, &fates, minimum, state),
            Outcome::TooLarge if parcel.batch.events() > 1 => {
                state.line.answered(false);
                let halves = self.halve(parcel, state);
                state.line.put_front(halves);
            }
            Outcome::TooLarge => {
                state.line.answered(false);
                self.give_up(parcel, Reason::TooLarge);
            }
            Outcome::Failed { choked, minimum } => {
                // Before the line has it: what waits counts towards the bounds.
                self.queue.put_down(&parcel.batch);
                let random = state.random.next();
                let failed = state.line.failed(parcel, choked, minimum, now, random);
                self.fail(failed, now, state);
            }
            Outcome::OtherProtocol | Outcome::Unwanted => {
                self.tell_delivery(parcel.batch.events(), Some(Reason::OptedOut));
                self.queue.retire(parcel.batch, &[]).announce();
            }
        }
    }

    /// The server has answered for each event.
    fn settled(
        &self,
        parcel: Parcel,
        fates: &[Fate],
        minimum: Option<Duration>,
        state: &mut State,
    ) {
        let now = self.time.now();
        let taken = fates.contains(&Fate::Delivered);
        state.line.answered(taken);
        if taken {
            self.counters.last_success_ms.set(self.time.wall().unix_millis() as u64);
        }
        let kept = fates
            .contains(&Fate::Kept)
            .then(|| parcel.part(parcel.batch.part(|place| fates[place] == Fate::Kept), parcel.id));
        self.settle(parcel.batch, fates, kept.as_ref().map(|kept| &kept.batch));
        if let Some(kept) = kept {
            let random = state.random.next();
            let failed = state.line.again(kept, minimum, now, random);
            self.fail(failed, now, state);
        }
    }

    /// Does what the line says of a batch that is not settled, and waits.
    fn fail(&self, failed: Failed, now: Instant, state: &mut State) {
        match failed {
            Failed::Waits => {}
            Failed::GiveUp(parcel, exhausted) => {
                if self.queue.pick_up(&parcel.batch) {
                    self.give_up(
                        parcel,
                        match exhausted {
                            Exhausted::Age => Reason::Expired,
                            Exhausted::Retries => Reason::Retries,
                        },
                    );
                }
            }
            Failed::Split(parcel) => {
                if self.queue.pick_up(&parcel.batch) {
                    let halves = self.halve(parcel, state);
                    state.line.put_aside(halves, now);
                }
            }
        }
    }

    fn halve(&self, parcel: Parcel, state: &mut State) -> Vec<Parcel> {
        let middle = parcel.batch.events() / 2;
        self.divide(parcel, |place| place < middle, state).into()
    }

    /// Makes two batches of one, the first of the events that are wanted in it.
    fn divide(
        &self,
        parcel: Parcel,
        first: impl Fn(usize) -> bool,
        state: &mut State,
    ) -> [Parcel; 2] {
        let parts = [parcel.batch.part(&first), parcel.batch.part(|place| !first(place))];
        let millis = self.time.wall().unix_millis();
        let parcels = parts.map(|part| parcel.part(part, state.random.uuid(millis)));
        let parts: Vec<&Batch> = parcels.iter().map(|parcel| &parcel.batch).collect();
        self.queue.retire(parcel.batch, &parts).announce();
        parcels
    }

    /// Events that repeat a uuid of the same batch go on by themselves: V1 refuses a whole batch for
    /// one.
    fn set_apart(&self, parcel: Parcel, repeated: &HashSet<usize>, state: &mut State) {
        let [first, rest] = self.divide(parcel, |place| !repeated.contains(&place), state);
        state.line.put_front(vec![first, rest]);
    }

    fn give_up(&self, parcel: Parcel, reason: Reason) {
        // What the server refuses for its size has been reported.
        if reason != Reason::TooLarge {
            let events = parcel.batch.events();
            let text = format!("gave up {events} events: {reason:?}");
            self.report(report::Fate::GivenUp, None, parcel.attempts, events, &text);
        }
        let fates = vec![Fate::Dropped(reason); parcel.batch.events()];
        self.settle(parcel.batch, &fates, None);
    }

    /// Enters what became of a batch, and tells the host.
    fn settle(&self, batch: Batch, fates: &[Fate], kept: Option<&Batch>) {
        self.queue.settle(&batch, fates);
        let mut counts: BTreeMap<Option<usize>, (usize, Option<Reason>)> = BTreeMap::new();
        for fate in fates {
            let dropped = match fate {
                Fate::Kept => continue,
                Fate::Delivered => None,
                Fate::Dropped(reason) => Some(*reason),
            };
            let key = dropped.map(|reason| reason as usize);
            counts.entry(key).or_insert((0, dropped)).0 += 1;
        }
        for (events, dropped) in counts.into_values() {
            self.tell_delivery(events, dropped);
        }
        let kept: Vec<&Batch> = kept.into_iter().collect();
        self.queue.retire(batch, &kept).announce();
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
}

/// The places of events whose uuid an earlier one of the batch has. Only a caller can repeat one.
fn repeated(batch: &Batch) -> Option<HashSet<usize>> {
    if !batch.chunk.records().any(|record| record.marks & Marks::OWN_UUID != 0) {
        return None;
    }
    let mut seen: HashSet<Uuid> = HashSet::new();
    let records = batch.chunk.records().enumerate();
    let places: HashSet<usize> =
        records.filter(|(_, record)| !seen.insert(record.uuid)).map(|(place, _)| place).collect();
    (!places.is_empty()).then_some(places)
}
