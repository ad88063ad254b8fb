//! What is remembered of each identity, and who is asking the server about it.
//!
//! It keeps no clock: whoever calls says what time it is. What is known is found without a lock;
//! the one on who is asking is held for a moment, never across a request.

use super::context::Context;
use super::draft::Draft;
use super::remote::Fault;
use super::shelf::Shelf;
use super::snapshot::Snapshot;
use crossbeam_channel::{Receiver, Sender};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Snapshots and identities together take at most this much memory, about.
pub const BYTES_MAX: usize = 64 << 20;

/// The pause after a first answer that was none, or not a clean one. Each further one doubles it.
pub const BACKOFF: Duration = Duration::from_secs(1);

/// A handle to the cache of one process.
#[derive(Clone)]
pub struct Cache {
    ttl: Duration,
    entries: Arc<Shelf<Entry>>,
    /// Identities that somebody is asking about.
    asked: Arc<Mutex<HashMap<Arc<[u8]>, Waiting>>>,
}

/// What is known of one identity.
struct Entry {
    snapshot: Arc<Snapshot>,
    /// Until then nobody asks: what is not in the snapshot is taken as not known.
    due: Instant,
    /// Answers in a row that were none, or not clean.
    failures: u32,
}

/// How somebody's asking ended.
#[derive(Clone)]
pub struct Landed {
    /// What is known now.
    pub snapshot: Arc<Snapshot>,
    /// Why there was no answer.
    pub fault: Option<Fault>,
}

/// Somebody is asking. The channel ends when that is over.
#[derive(Clone)]
pub struct Waiting {
    end: Receiver<()>,
    landed: Arc<OnceLock<Landed>>,
}

impl Landed {
    /// There was no answer in the time that whoever asked had.
    pub fn is_late(&self) -> bool {
        self.fault.is_some_and(Fault::is_late)
    }
}

impl Waiting {
    /// `None` at the deadline, or when whoever was asking gave it up.
    pub fn until(&self, deadline: Instant) -> Option<Landed> {
        // Nothing is ever sent: it ends, or the deadline passes.
        let _ = self.end.recv_deadline(deadline);
        self.landed.get().cloned()
    }
}

/// What is to be done about an identity.
pub enum Look {
    /// Nothing: what is known holds, or it is too soon to ask again.
    Known(Arc<Snapshot>),
    /// Wait: another is asking.
    Asked(Waiting),
    /// Ask: nobody else will, until this flight has ended.
    Ask(Flight),
}

impl Cache {
    pub fn new(entries_max: usize, ttl: Duration) -> Cache {
        let entries = Arc::new(Shelf::new(entries_max, BYTES_MAX));
        Cache { ttl, entries, asked: Arc::default() }
    }

    /// For a forked child: the entries, and not who is asking, for those threads are the parent's.
    pub fn inherit(&self) -> Cache {
        Cache { ttl: self.ttl, entries: Arc::new(self.entries.inherit()), asked: Arc::default() }
    }

    /// What is known of an identity, and whether to ask about it.
    pub fn look(&self, identity: &[u8], now: Instant) -> Look {
        match self.fresh(identity, now) {
            Some(snapshot) => Look::Known(snapshot),
            None => self.fly(identity, Some(now)),
        }
    }

    /// To ask about an identity, however fresh what is known of it.
    pub fn ask(&self, identity: &[u8]) -> Look {
        self.fly(identity, None)
    }

    /// Unless somebody is asking, or has entered an answer by now that holds at this time.
    fn fly(&self, identity: &[u8], now: Option<Instant>) -> Look {
        let mut asked = self.asked();
        if let Some(waiting) = asked.get(identity) {
            return Look::Asked(waiting.clone());
        }
        if let Some(snapshot) = now.and_then(|now| self.fresh(identity, now)) {
            return Look::Known(snapshot);
        }
        let stale = self.peek(identity);
        let identity: Arc<[u8]> = identity.into();
        let (ended, end) = crossbeam_channel::bounded(0);
        let landed = Arc::new(OnceLock::new());
        let waiting = Waiting { end, landed: Arc::clone(&landed) };
        asked.insert(Arc::clone(&identity), waiting);
        Look::Ask(Flight { cache: self.clone(), identity, stale, landed, _ended: ended })
    }

    /// What is known of an identity and holds.
    fn fresh(&self, identity: &[u8], now: Instant) -> Option<Arc<Snapshot>> {
        let fresh = |entry: &Entry| (now < entry.due).then(|| Arc::clone(&entry.snapshot));
        self.entries.find(identity, fresh).flatten()
    }

    /// What is known of an identity, however old.
    pub fn peek(&self, identity: &[u8]) -> Option<Arc<Snapshot>> {
        self.entries.find(identity, |entry| Arc::clone(&entry.snapshot))
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<Arc<[u8]>, Waiting>> {
        // Nothing between taking and releasing it leaves a state behind that is not whole.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pause after so many answers in a row that were none, or not clean.
    fn backoff(&self, failures: u32) -> Duration {
        BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(31)).min(self.ttl)
    }
}

/// The right, and the duty, to ask about one identity. Dropping it lets the next one ask.
pub struct Flight {
    cache: Cache,
    identity: Arc<[u8]>,
    stale: Option<Arc<Snapshot>>,
    landed: Arc<OnceLock<Landed>>,
    /// Its end is what the others wait for. Dropped after the mark is gone.
    _ended: Sender<()>,
}

impl Flight {
    /// What was known before.
    pub fn stale(&self) -> Option<Arc<Snapshot>> {
        self.stale.clone()
    }

    /// Enters an answer. One that is not clean neither takes away what was known before, nor
    /// holds for long.
    pub fn settle(
        self,
        distinct_id: &str,
        context: &Context,
        mut draft: Draft,
        now: Instant,
    ) -> Landed {
        let clean = draft.is_clean();
        if let (false, Some(stale)) = (clean, &self.stale) {
            draft.keep(stale);
        }
        let snapshot = Arc::new(Snapshot::new(distinct_id, context, draft));
        self.enter(Landed { snapshot, fault: None }, clean, now)
    }

    /// There was no answer: what was known before holds on.
    pub fn fail(self, distinct_id: &str, context: &Context, fault: Fault, now: Instant) -> Landed {
        let snapshot = without_answer(distinct_id, context, self.stale.as_deref(), fault);
        self.enter(Landed { snapshot: Arc::new(snapshot), fault: Some(fault) }, false, now)
    }

    /// There was no answer, which says nothing of the next: nothing is entered.
    pub fn give_up(self, distinct_id: &str, context: &Context, fault: Fault) -> Landed {
        let snapshot = without_answer(distinct_id, context, self.stale.as_deref(), fault);
        let landed = Landed { snapshot: Arc::new(snapshot), fault: Some(fault) };
        let _ = self.landed.set(landed.clone());
        landed
    }

    fn enter(&self, landed: Landed, clean: bool, now: Instant) -> Landed {
        let bytes = landed.snapshot.bytes();
        let Ok(()) = self.cache.entries.update(&self.identity, |known| {
            let failures = match known {
                _ if clean => 0,
                Some(entry) => entry.failures.saturating_add(1),
                None => 1,
            };
            let pause = if clean { self.cache.ttl } else { self.cache.backoff(failures) };
            let snapshot = Arc::clone(&landed.snapshot);
            Ok::<_, Infallible>((Entry { snapshot, due: now + pause, failures }, bytes))
        });
        // Nobody else has this flight.
        let _ = self.landed.set(landed.clone());
        landed
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.cache.asked().remove(&self.identity);
    }
}

/// What is known when there is no answer: what was known before, as such.
pub fn without_answer(
    distinct_id: &str,
    context: &Context,
    stale: Option<&Snapshot>,
    fault: Fault,
) -> Snapshot {
    let mut draft = Draft { failure: Some(fault.code()), ..Draft::default() };
    if let Some(stale) = stale {
        draft.keep(stale);
    }
    Snapshot::new(distinct_id, context, draft)
}

#[cfg(test)]
mod tests;
