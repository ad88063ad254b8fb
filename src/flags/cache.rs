//! What the short form knows of each identity, and who is asking the server about it.
//!
//! It keeps no clock: whoever calls says what time it is. Its lock is held for a look or an entry,
//! never across a request.

use super::context::Context;
use super::draft::Draft;
use super::lru::Lru;
use super::snapshot::Snapshot;
use crossbeam_channel::{Receiver, Sender};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// Snapshots and identities together take at most this much memory, about.
pub const BYTES_MAX: usize = 64 << 20;

/// The pause after a first answer that was none, or not a clean one. Each further one doubles it.
pub const BACKOFF: Duration = Duration::from_secs(1);

/// A handle to the cache of one process.
#[derive(Clone)]
pub struct Cache {
    ttl: Duration,
    state: Arc<Mutex<State>>,
}

struct State {
    entries: Lru<Entry>,
    /// Identities that somebody is asking about. The channel ends when that is over.
    asked: HashMap<Arc<[u8]>, Receiver<()>>,
}

/// What is known of one identity.
#[derive(Clone)]
struct Entry {
    /// `None` when the server has never given an answer.
    snapshot: Option<Arc<Snapshot>>,
    /// Until then nobody asks: what is not in the snapshot is taken as not known.
    due: Instant,
    /// Answers in a row that were none, or not clean.
    failures: u32,
}

/// What is to be done about an identity.
pub enum Look {
    /// Nothing: what is known holds, or it is too soon to ask again.
    Known(Option<Arc<Snapshot>>),
    /// Wait until the channel ends, then [`Cache::peek`]: another is asking.
    Asked(Receiver<()>),
    /// Ask: nobody else will, until this flight has ended.
    Ask(Flight),
}

impl Cache {
    pub fn new(identities_max: usize, ttl: Duration) -> Cache {
        let state = State { entries: Lru::new(identities_max, BYTES_MAX), asked: HashMap::new() };
        Cache { ttl, state: Arc::new(Mutex::new(state)) }
    }

    /// For a forked child, on what it has of its parent's: the entries, and not who is asking,
    /// for those threads are the parent's. `None` if one of them held the lock during the fork:
    /// nobody here would ever release it.
    pub fn inherit(&self) -> Option<Cache> {
        let entries = match self.state.try_lock() {
            Ok(state) => state.entries.clone(),
            Err(TryLockError::Poisoned(state)) => state.into_inner().entries.clone(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let state = State { entries, asked: HashMap::new() };
        Some(Cache { ttl: self.ttl, state: Arc::new(Mutex::new(state)) })
    }

    /// What is known of an identity, fresh if possible: asked for by `ask`, or by whoever is
    /// asking already and has an answer before the deadline.
    pub fn get(
        &self,
        identity: &[u8],
        now: Instant,
        deadline: Instant,
        ask: impl FnOnce(Flight) -> Option<Arc<Snapshot>>,
    ) -> Option<Arc<Snapshot>> {
        match self.look(identity, now) {
            Look::Known(snapshot) => snapshot,
            Look::Asked(end) => {
                // Nothing is ever sent: it ends, or the deadline passes.
                let _ = end.recv_deadline(deadline);
                self.peek(identity)
            }
            Look::Ask(flight) => ask(flight),
        }
    }

    pub fn look(&self, identity: &[u8], now: Instant) -> Look {
        let mut state = self.lock();
        let known = state.entries.get(identity);
        let stale = match known {
            Some(entry) if now < entry.due => return Look::Known(entry.snapshot.clone()),
            Some(entry) => entry.snapshot.clone(),
            None => None,
        };
        if let Some(end) = state.asked.get(identity) {
            return Look::Asked(end.clone());
        }
        let identity: Arc<[u8]> = identity.into();
        let (ended, end) = crossbeam_channel::bounded(0);
        state.asked.insert(Arc::clone(&identity), end);
        Look::Ask(Flight { cache: self.clone(), identity, stale, _ended: ended })
    }

    /// What is known of an identity, however old.
    pub fn peek(&self, identity: &[u8]) -> Option<Arc<Snapshot>> {
        self.lock().entries.get(identity)?.snapshot.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing between taking and releasing it leaves a state behind that is not whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    ) -> Arc<Snapshot> {
        let clean = draft.is_clean();
        if let (false, Some(stale)) = (clean, &self.stale) {
            draft.keep(stale);
        }
        let snapshot = Arc::new(Snapshot::new(distinct_id, context, draft));
        self.enter(Some(Arc::clone(&snapshot)), clean, now);
        snapshot
    }

    /// There was no answer: what was known before holds on.
    pub fn fail(self, now: Instant) -> Option<Arc<Snapshot>> {
        self.enter(self.stale(), false, now);
        self.stale()
    }

    fn enter(&self, snapshot: Option<Arc<Snapshot>>, clean: bool, now: Instant) {
        let bytes = snapshot.as_ref().map_or(0, |snapshot| snapshot.bytes());
        let mut state = self.cache.lock();
        let failures = match state.entries.get(&self.identity) {
            _ if clean => 0,
            Some(entry) => entry.failures.saturating_add(1),
            None => 1,
        };
        let pause = if clean { self.cache.ttl } else { self.cache.backoff(failures) };
        let entry = Entry { snapshot, due: now + pause, failures };
        state.entries.insert(&self.identity, entry, bytes);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.cache.lock().asked.remove(&self.identity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::draft::Record;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    const TTL: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    fn cache() -> Cache {
        Cache::new(100, TTL)
    }

    fn draft(flags: &[(&str, bool)]) -> Draft {
        let record = |&(key, enabled): &(&str, bool)| Record {
            key: key.to_owned(),
            enabled: Some(enabled),
            ..Record::default()
        };
        Draft { records: flags.iter().map(record).collect(), ..Draft::default() }
    }

    fn failed(key: &str) -> Draft {
        let record = Record { key: key.to_owned(), ..Record::default() };
        Draft { records: vec![record], ..Draft::default() }
    }

    fn flight(cache: &Cache, now: Instant) -> Flight {
        match cache.look(b"u", now) {
            Look::Ask(flight) => flight,
            Look::Known(_) => panic!("known at {now:?}"),
            Look::Asked(_) => panic!("asked at {now:?}"),
        }
    }

    /// What a call at that time would get without asking.
    fn known(cache: &Cache, now: Instant, key: &str) -> Option<bool> {
        match cache.look(b"u", now) {
            Look::Known(snapshot) => snapshot?.enabled(key),
            Look::Ask(_) | Look::Asked(_) => panic!("has to ask"),
        }
    }

    #[test]
    fn a_clean_answer_holds_for_its_time_also_for_what_is_not_in_it() {
        let (cache, start) = (cache(), Instant::now());
        flight(&cache, start).settle(
            "u",
            &Context::default(),
            draft(&[("on", true), ("off", false)]),
            start,
        );
        for now in [start, start + TTL - Duration::from_nanos(1)] {
            assert_eq!(known(&cache, now, "on"), Some(true));
            assert_eq!(known(&cache, now, "off"), Some(false));
            assert_eq!(known(&cache, now, "missing"), None);
        }
        let again = flight(&cache, start + TTL);
        assert_eq!(again.stale().unwrap().enabled("on"), Some(true));
    }

    #[test]
    fn a_later_clean_answer_replaces_everything() {
        let (cache, start) = (cache(), Instant::now());
        flight(&cache, start).settle(
            "u",
            &Context::default(),
            draft(&[("a", true), ("gone", true)]),
            start,
        );
        let later = start + TTL;
        flight(&cache, later).settle("u", &Context::default(), draft(&[("a", false)]), later);
        assert_eq!(known(&cache, later, "a"), Some(false));
        assert_eq!(known(&cache, later, "gone"), None);
    }

    #[test]
    fn after_a_failure_nobody_asks_for_a_pause_that_doubles_up_to_the_ttl() {
        let (cache, mut now) = (cache(), Instant::now());
        for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert!(flight(&cache, now).fail(now).is_none());
            assert_eq!(known(&cache, now, "a"), None);
            let end = now + pause * SECOND;
            assert_eq!(known(&cache, end - Duration::from_nanos(1), "a"), None);
            drop(flight(&cache, end));
            now = end;
        }
        flight(&cache, now).settle("u", &Context::default(), draft(&[]), now);
        now += TTL;
        flight(&cache, now).fail(now);
        drop(flight(&cache, now + SECOND));
    }

    #[test]
    fn a_failure_keeps_what_was_known() {
        let (cache, start) = (cache(), Instant::now());
        flight(&cache, start).settle("u", &Context::default(), draft(&[("a", true)]), start);
        let expired = start + 100 * TTL;
        let stale = flight(&cache, expired).fail(expired);
        assert_eq!(stale.unwrap().enabled("a"), Some(true));
        assert_eq!(known(&cache, expired, "a"), Some(true));
        let again = flight(&cache, expired + SECOND);
        assert_eq!(again.stale().unwrap().enabled("a"), Some(true));
    }

    #[test]
    fn an_unclean_answer_says_nothing_about_what_is_not_in_it() {
        let unclean: [(&str, Draft); 3] = [
            ("errors", Draft { errors: true, ..draft(&[("b", true)]) }),
            ("quota", Draft { quota_limited: true, ..Draft::default() }),
            ("failed", failed("a")),
        ];
        for (name, unclean) in unclean {
            let (cache, start) = (cache(), Instant::now());
            flight(&cache, start).settle(
                "u",
                &Context::default(),
                draft(&[("a", true), ("b", false)]),
                start,
            );
            let later = start + TTL;
            let brought_b = unclean.records.iter().any(|record| record.key == "b");
            let merged = flight(&cache, later).settle("u", &Context::default(), unclean, later);
            assert_eq!(merged.enabled("a"), Some(true), "{name}");
            assert_eq!(merged.enabled("b"), Some(brought_b), "{name}");
            assert_eq!(known(&cache, later, "a"), Some(true), "{name}");
            assert_eq!(known(&cache, later, "missing"), None, "{name}");
            // It holds for the pause, not for the time of an answer.
            drop(flight(&cache, later + SECOND));
        }
    }

    #[test]
    fn one_asks_and_the_others_wait_for_it() {
        let (cache, start) = (cache(), Instant::now());
        let asking = flight(&cache, start);
        let Look::Asked(end) = cache.look(b"u", start) else { panic!("asks twice") };
        assert!(matches!(cache.look(b"v", start), Look::Ask(_)));
        assert!(end.try_recv().is_err_and(|error| error.is_empty()));
        asking.settle("u", &Context::default(), draft(&[("a", true)]), start);
        assert!(end.try_recv().is_err_and(|error| error.is_disconnected()));
        assert_eq!(cache.peek(b"u").unwrap().enabled("a"), Some(true));
    }

    #[test]
    fn a_flight_that_is_dropped_lets_the_next_ask_at_once() {
        let (cache, start) = (cache(), Instant::now());
        drop(flight(&cache, start));
        drop(flight(&cache, start));
        assert!(cache.peek(b"u").is_none());
    }

    #[test]
    fn many_threads_make_one_request() {
        let (cache, threads) = (cache(), 16);
        let (requests, barrier) = (AtomicUsize::new(0), Barrier::new(threads));
        let call = || {
            barrier.wait();
            let now = Instant::now();
            let snapshot = cache.get(b"u", now, now + 20 * SECOND, |flight| {
                requests.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(50));
                Some(flight.settle("u", &Context::default(), draft(&[("a", true)]), Instant::now()))
            });
            snapshot.unwrap().enabled("a")
        };
        let answers: Vec<_> = thread::scope(|scope| {
            let calls: Vec<_> = (0..threads).map(|_| scope.spawn(call)).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        assert_eq!(answers, vec![Some(true); threads]);
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_waiter_keeps_its_own_deadline() {
        let (cache, start) = (cache(), Instant::now());
        flight(&cache, start).settle("u", &Context::default(), draft(&[("a", true)]), start);
        let later = start + TTL;
        let _never_ends = flight(&cache, later);
        let begun = Instant::now();
        let deadline = begun + Duration::from_millis(30);
        let stale = cache.get(b"u", later, deadline, |_| panic!("asks twice"));
        assert_eq!(stale.unwrap().enabled("a"), Some(true));
        assert!(Instant::now() >= deadline);
        assert!(begun.elapsed() < 10 * SECOND);
    }

    #[test]
    fn a_waiter_is_woken_by_a_failure() {
        let (cache, start) = (cache(), Instant::now());
        let asking = flight(&cache, start);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| cache.get(b"u", start, start + 60 * SECOND, |_| panic!()));
            thread::sleep(Duration::from_millis(20));
            asking.fail(start);
            assert!(waiter.join().unwrap().is_none());
        });
        assert!(start.elapsed() < 30 * SECOND);
    }

    #[test]
    fn the_identity_used_longest_ago_is_forgotten() {
        let (cache, now) = (Cache::new(2, TTL), Instant::now());
        for identity in ["a", "b", "a", "c"] {
            if let Look::Ask(flight) = cache.look(identity.as_bytes(), now) {
                flight.settle(identity, &Context::default(), draft(&[]), now);
            }
        }
        assert!(cache.peek(b"a").is_some());
        assert!(cache.peek(b"b").is_none());
        assert!(cache.peek(b"c").is_some());
    }

    #[test]
    fn a_child_inherits_entries_but_nobody_who_asks() {
        let (cache, start) = (cache(), Instant::now());
        flight(&cache, start).settle("u", &Context::default(), draft(&[("a", true)]), start);
        let later = start + TTL;
        let _parents = flight(&cache, later);
        let child = cache.inherit().unwrap();
        assert_eq!(known(&child, start, "a"), Some(true));
        let own = flight(&child, later);
        own.settle("u", &Context::default(), draft(&[("a", false)]), later);
        assert_eq!(cache.peek(b"u").unwrap().enabled("a"), Some(true));
        assert_eq!(child.peek(b"u").unwrap().enabled("a"), Some(false));
    }

    #[test]
    fn a_lock_that_was_held_is_not_waited_for() {
        let cache = cache();
        let held = cache.lock();
        assert!(cache.inherit().is_none());
        drop(held);
        assert!(cache.inherit().is_some());
    }
}
