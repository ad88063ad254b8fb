//! Feature flags: evaluated here where that is possible, asked of the server for whoever wants to
//! wait, and remembered for the short form.
//!
//! What a flag's value is and when it may be believed is decided in the parts below this file;
//! here is who is asked, in which order, and for how long.

mod asker;
mod breaker;
mod cache;
pub mod called;
pub mod context;
pub mod draft;
pub mod explanation;
mod found;
#[cfg(feature = "local-evaluation")]
mod loader;
#[cfg(not(feature = "local-evaluation"))]
#[path = "flags/loader/none.rs"]
mod loader;
#[cfg(feature = "local-evaluation")]
mod local;
pub mod preset;
pub mod properties;
mod refresher;
mod remote;
mod shelf;
pub mod snapshot;
mod tracker;
pub mod view;

use crate::config::Config;
use crate::counters::Counters;
use crate::error::Error;
use crate::event::checked;
use crate::hooks::Gate;
use crate::log::Logger;
use crate::transport::Transport;
use asker::Asker;
use breaker::Pass;
use cache::{Cache, Flight, Landed, Look};
use context::Context;
use draft::{Draft, Origin, Source};
use explanation::{Explanation, Missing};
use found::Found;
use loader::Loader;
use preset::{Presets, Values};
use properties::Properties;
use refresher::{Job, Refresher};
use remote::Fault;
use snapshot::Snapshot;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracker::{Read, Tracker};

/// The flags of one client, in one process.
pub struct Flags {
    asker: Arc<Asker>,
    loader: Loader,
    cache: Cache,
    tracker: Tracker,
    properties: Properties,
    presets: Presets,
    refresher: Refresher,
    /// What the short form may take in all; zero for never waiting.
    timeout: Duration,
    /// Whether reads are told, where the call does not say.
    tells: bool,
    /// Whether nothing is asked of the server, where the call does not say.
    local_only: bool,
}

/// What the short form answers.
#[derive(Default)]
pub struct Answer {
    /// `None`: not known.
    pub enabled: Option<bool>,
    /// What to tell of this read, if it is to be told.
    pub told: Option<Arc<Snapshot>>,
}

impl Flags {
    /// Opens nothing and starts nothing. A forked child keeps what its parent knew, as far as
    /// that can be had without waiting.
    pub fn new(
        config: &Config,
        transport: Arc<Transport>,
        counters: Arc<Counters>,
        logger: Logger,
        gate: &Arc<Gate>,
        parent: Option<&Flags>,
    ) -> Flags {
        let identities = config.flags_max_identities.count();
        let fresh = || Cache::new(identities, config.flags_ttl_ms.millis());
        Flags {
            loader: Loader::new(config, &transport, &logger, gate, parent.map(|it| &it.loader)),
            asker: Arc::new(Asker::new(config, transport, counters, logger)),
            cache: parent.map_or_else(fresh, |parent| parent.cache.inherit()),
            tracker: parent.map_or_else(Tracker::new, |parent| parent.tracker.inherit()),
            properties: match parent {
                Some(parent) => parent.properties.inherit(),
                None => Properties::new(identities),
            },
            refresher: Refresher::new(),
            timeout: Duration::from_millis(u64::from(config.flags_timeout_ms)),
            tells: config.flag_events,
            local_only: config.flags_local_only,
            presets: Presets::new(
                config.flags_bootstrap.as_deref(),
                parent.map(|parent| &parent.presets),
            ),
        }
    }

    /// Evaluates what can be without a request, and asks the server about the rest, however
    /// fresh what is remembered.
    pub fn evaluate(
        &self,
        distinct_id: &str,
        context: &Context,
        timeout: Duration,
    ) -> Result<Arc<Snapshot>, Error> {
        self.presets.around(distinct_id, context, || {
            self.completed(distinct_id, context, |distinct_id, context| {
                self.ask(distinct_id, context, timeout)
            })
        })
    }

    /// What the short form answers from: what can be evaluated without a request, and for the rest
    /// what is remembered, or else what the server says in time.
    pub fn recall(&self, distinct_id: &str, context: &Context) -> Result<Arc<Snapshot>, Error> {
        self.presets.around(distinct_id, context, || {
            self.completed(distinct_id, context, |distinct_id, context| {
                let remembered = self.remembered(distinct_id, context);
                let remembered = remembered.ok_or_else(|| self.refresher.why_unknown())?;
                match remembered.failure() {
                    Some(failure) if remembered.len() == 0 => Err(remote::error_of(failure)),
                    _ => Ok(remembered),
                }
            })
        })
    }

    /// Evaluates what can be without a request, and takes what else is wanted from `rest`.
    fn completed(
        &self,
        distinct_id: &str,
        context: &Context,
        rest: impl FnOnce(&str, &Context) -> Result<Arc<Snapshot>, Error>,
    ) -> Result<Arc<Snapshot>, Error> {
        let distinct_id = checked(distinct_id)?;
        let context = &*self.properties.complete(distinct_id, context)?;
        if context.wants_nothing() {
            return Ok(Arc::new(Snapshot::new(distinct_id, context, Draft::default())));
        }
        let local = self.loader.evaluate(distinct_id, context);
        let (mut draft, needs_server) = match local {
            None if !self.is_local_only(context) => return rest(distinct_id, context),
            None => (Draft::default(), false),
            Some((draft, needs_server)) => (draft, needs_server && !self.is_local_only(context)),
        };
        if needs_server {
            match rest(distinct_id, context) {
                Ok(rest) => draft.fill(rest.to_draft()),
                Err(Error::Shutdown) => return Err(Error::Shutdown),
                Err(error) if draft.records.iter().all(|record| record.enabled.is_none()) => {
                    return Err(error);
                }
                // What is known is worth more than why the rest is not.
                Err(error) => draft.failure = Some(remote::failure(error).to_owned()),
            }
        }
        Ok(Arc::new(Snapshot::new(distinct_id, context, draft)))
    }

    /// The server's part of an evaluation: one request, unless somebody is asking the same.
    fn ask(
        &self,
        distinct_id: &str,
        context: &Context,
        timeout: Duration,
    ) -> Result<Arc<Snapshot>, Error> {
        let deadline = Instant::now() + timeout;
        let identity = context.identity(distinct_id);
        loop {
            let closed = self.refresher.closed().ok_or(Error::Shutdown)?;
            let left = deadline.saturating_duration_since(Instant::now());
            let (landed, waited) = match self.cache.ask(&identity) {
                Look::Ask(flight) => {
                    (self.asker.answer(flight, distinct_id, context, left, &closed), false)
                }
                Look::Asked(waiting) => (waiting.until(deadline), true),
                Look::Known(snapshot) => (Some(Landed { snapshot, fault: None }), false),
            };
            let has_time = Instant::now() < deadline;
            let landed = match landed {
                // Whoever was asking gave it up, or had less time.
                None if has_time => continue,
                Some(landed) if waited && landed.is_late() && has_time => continue,
                Some(landed) => landed,
                None => {
                    let (stale, fault) = (self.cache.peek(&identity), Fault::Late);
                    let stale = stale.as_deref();
                    let snapshot = cache::without_answer(distinct_id, context, stale, fault);
                    Landed { snapshot: Arc::new(snapshot), fault: Some(fault) }
                }
            };
            return match landed.fault {
                Some(fault) if landed.snapshot.len() == 0 => Err(fault.error()),
                _ => Ok(landed.snapshot),
            };
        }
    }

    /// Whether a flag is on, as far as that can be known in time.
    pub fn enabled(&self, distinct_id: &str, key: &str, context: Option<&Context>) -> Answer {
        let nothing = Context::default();
        let context = context.unwrap_or(&nothing);
        if let Some(enabled) = self.presets.overridden(key).filter(|_| context.wants(key)) {
            return Answer { enabled: Some(enabled), told: None };
        }
        let answer = self.try_enabled(distinct_id, key, context).unwrap_or_default();
        if answer.enabled.is_none() && context.wants(key) {
            return Answer { enabled: self.presets.bootstrap(key), ..answer };
        }
        answer
    }

    fn is_local_only(&self, context: &Context) -> bool {
        context.local_only.unwrap_or(self.local_only)
    }

    /// Values that hold whatever is evaluated, in place of those set before; `None` for no more.
    pub fn set_overrides(&self, values: Option<Values>) {
        self.presets.set_overrides(values);
    }

    fn try_enabled(
        &self,
        distinct_id: &str,
        key: &str,
        context: &Context,
    ) -> Result<Answer, Error> {
        let distinct_id = checked(distinct_id)?;
        if !context.wants(key) {
            return Ok(Answer::default());
        }
        let context = &*self.properties.complete(distinct_id, context)?;
        let is_local_only = self.is_local_only(context);
        let found = self.loader.find(distinct_id, key, context, |found, source| {
            let is_final = !found.needs_server || found.enabled.is_some() || is_local_only;
            is_final.then(|| self.found(distinct_id, context, found, source))
        });
        if let Some(Some(answer)) = found {
            return Ok(answer);
        }
        if is_local_only {
            let read = Read::new(key.as_bytes(), None, None, context.groups_hash());
            let told = self.told(distinct_id, context, read, Draft::default);
            return Ok(Answer { enabled: None, told });
        }
        let remembered = self.remembered(distinct_id, context);
        Ok(remembered.map_or_else(Answer::default, |snapshot| {
            let is_told = self.tells(&snapshot, key.as_bytes(), context.flag_events);
            Answer { enabled: snapshot.enabled(key), told: is_told.then_some(snapshot) }
        }))
    }

    /// The answer from a flag that was found without a request.
    fn found(
        &self,
        distinct_id: &str,
        context: &Context,
        found: Found<'_>,
        source: &dyn Fn() -> Source,
    ) -> Answer {
        let variant = found.variant.map(str::as_bytes);
        let read = Read::new(found.key.as_bytes(), found.enabled, variant, context.groups_hash());
        let told = self.told(distinct_id, context, read, || {
            let (records, source) = (vec![found.to_record()], Arc::new(source()));
            Draft { records, source, ..Draft::default() }
        });
        Answer { enabled: found.enabled, told }
    }

    /// What to tell of a read without a request. Nothing is copied for one that was told before.
    fn told(
        &self,
        distinct_id: &str,
        context: &Context,
        read: Read,
        draft: impl FnOnce() -> Draft,
    ) -> Option<Arc<Snapshot>> {
        let is_told =
            context.flag_events.unwrap_or(self.tells) && self.tracker.is_new(distinct_id, read);
        is_told.then(|| Arc::new(Snapshot::new(distinct_id, context, draft())))
    }

    /// What the server has said of somebody, or says in the time that the short form may take.
    /// `None`: nobody has asked yet.
    fn remembered(&self, distinct_id: &str, context: &Context) -> Option<Arc<Snapshot>> {
        let (mut now, mut left) = (Instant::now(), self.timeout);
        let deadline = now + left;
        let identity = context.identity(distinct_id);
        loop {
            let waiting = match self.cache.look(&identity, now) {
                Look::Known(snapshot) => return Some(snapshot),
                Look::Ask(flight) => return self.short_ask(flight, distinct_id, context, left),
                Look::Asked(waiting) => waiting,
            };
            let landed = waiting.until(deadline);
            now = Instant::now();
            left = deadline.saturating_duration_since(now);
            match landed {
                // Whoever was asking had less time.
                Some(landed) if landed.is_late() && !left.is_zero() => {}
                Some(landed) => return Some(landed.snapshot),
                None => return self.cache.peek(&identity),
            }
        }
    }

    fn short_ask(
        &self,
        flight: Flight,
        distinct_id: &str,
        context: &Context,
        timeout: Duration,
    ) -> Option<Arc<Snapshot>> {
        let stale = flight.stale();
        let Some(closed) = self.refresher.closed() else { return stale };
        match self.asker.breaker.pass(Instant::now()) {
            Pass::Go if !timeout.is_zero() => {
                let landed = self.asker.answer(flight, distinct_id, context, timeout, &closed);
                return landed.map(|landed| landed.snapshot).or(stale);
            }
            Pass::Go | Pass::Probe => {
                self.refresher.add(&self.asker, Job::new(flight, distinct_id, context));
            }
            Pass::No => {}
        }
        stale
    }

    /// Whether PostHog is to be told that a flag was read. Asking makes it so.
    pub fn tells(&self, snapshot: &Snapshot, key: &[u8], flag_events: Option<bool>) -> bool {
        if !flag_events.unwrap_or(self.tells) || snapshot.distinct_id().is_empty() {
            return false;
        }
        let flag = snapshot.find(key);
        // What the host has set for its tests nobody has seen.
        if flag.is_some_and(|flag| flag.origin() == Origin::Override) {
            return false;
        }
        // Of a part of a snapshot nobody knows whether it is missing.
        if flag.is_none() && snapshot.is_narrowed() {
            return false;
        }
        let enabled = flag.and_then(|flag| flag.enabled());
        let variant = flag.and_then(|flag| flag.variant()).map(|variant| variant.to_bytes());
        let read = Read::new(key, enabled, variant, snapshot.groups_hash());
        self.tracker.is_new(snapshot.distinct_id(), read)
    }

    /// Properties that go along with every later evaluation.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// From here on no request starts, and the thread that refreshes ends. The transport's
    /// `close` ends those that are under way.
    pub fn close(&self) {
        self.refresher.close();
        self.loader.close();
        self.tracker.clear();
    }

    /// Waits until the thread that reads definitions has ended, at most until the deadline.
    pub fn wait_end(&self, deadline: Instant) {
        self.loader.wait_end(deadline);
    }

    /// Lets requests start again.
    pub fn open(&self) {
        self.refresher.open();
        self.loader.open();
    }

    /// Starts the thread that reads definitions, if there is to be one.
    pub fn start(&self) -> Result<(), Error> {
        self.loader.start()
    }

    /// Waits until flags can be evaluated without a request.
    pub fn wait_ready(&self, timeout: Option<Duration>) -> Result<(), Error> {
        self.loader.wait_ready(timeout.map(|timeout| Instant::now() + timeout))
    }

    /// Has the definitions read now.
    pub fn refresh(&self, timeout: Option<Duration>) -> Result<(), Error> {
        self.loader.refresh(timeout.map(|timeout| Instant::now() + timeout))
    }

    /// How a flag is decided here, step by step. Makes no request.
    pub fn explain(
        &self,
        distinct_id: &str,
        key: &str,
        context: &Context,
    ) -> Result<Explanation, Error> {
        let distinct_id = checked(distinct_id)?;
        if !context.wants(key) {
            return Ok(Explanation::missing(key, Missing::NotWanted));
        }
        let context = &*self.properties.complete(distinct_id, context)?;
        let explained = self.loader.explain(distinct_id, key, context);
        Ok(explained.unwrap_or_else(|why| Explanation::missing(key, why)))
    }

    pub fn load_definitions(&self, text: &[u8]) -> Result<(), Error> {
        self.loader.load(text)
    }

    pub fn load_definitions_file(&self, path: &str) -> Result<(), Error> {
        self.loader.load_file(path)
    }

    pub fn save_definitions_file(&self, path: &str) -> Result<(), Error> {
        self.loader.save_file(path)
    }

    pub fn save_definitions(&self) -> Option<Vec<u8>> {
        self.loader.save()
    }
}

#[cfg(test)]
mod tests;
