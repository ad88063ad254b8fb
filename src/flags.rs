//! Feature flags: asked of the server for whoever wants to wait, and remembered for the short
//! form.
//!
//! What a flag's value is and when it may be believed is decided in the pure parts below this
//! file; here are the request, the deadline, and the thread that asks while nobody waits.

pub mod cache;
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
mod lru;
mod refresher;
mod remote;
pub mod snapshot;
pub mod view;

use crate::config::Config;
use crate::counters::Counters;
use crate::error::Error;
use crate::event::checked;
use crate::hooks::Gate;
use crate::log::{Level, Logger};
use crate::report::{Family, Fate};
use crate::transport::{Body, Request, Transport};
use cache::{Cache, Flight};
use context::Context;
use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use draft::Draft;
use explanation::{Explanation, Missing};
use found::Found;
use loader::Loader;
use refresher::{Job, Refresher};
use remote::Fault;
use snapshot::Snapshot;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures are told once in this time.
const FAILURES_TOLD: Duration = Duration::from_secs(60);

/// The flags of one client, in one process.
pub struct Flags {
    asker: Arc<Asker>,
    loader: Loader,
    cache: Cache,
    refresher: Refresher,
    /// What the short form may take in all; zero for never waiting.
    timeout: Duration,
}

/// Who asks the server: whatever a request needs.
struct Asker {
    api_key: String,
    geoip_disable: bool,
    denied: HashSet<Vec<u8>>,
    transport: Arc<Transport>,
    counters: Arc<Counters>,
    logger: Logger,
    /// For requests that nobody waits for.
    patience: Duration,
    told_at: Mutex<Option<Instant>>,
}

impl Flags {
    /// Opens nothing and starts nothing. A forked child keeps what its parent's cache knew, if
    /// that can be had without waiting.
    pub fn new(
        config: &Config,
        transport: Arc<Transport>,
        counters: Arc<Counters>,
        logger: Logger,
        gate: &Arc<Gate>,
        parent: Option<&Flags>,
    ) -> Flags {
        let fresh =
            || Cache::new(config.flags_max_identities.count(), config.flags_ttl_ms.millis());
        let loader =
            Loader::new(config, &transport, &logger, gate, parent.map(|parent| &parent.loader));
        Flags {
            loader,
            asker: Arc::new(Asker {
                api_key: config.api_key.clone(),
                geoip_disable: config.geoip_disable.unwrap_or(config.is_server),
                denied: config.denied.clone(),
                transport,
                counters,
                logger,
                patience: config.request_timeout_ms.millis(),
                told_at: Mutex::new(None),
            }),
            cache: parent.and_then(|parent| parent.cache.inherit()).unwrap_or_else(fresh),
            refresher: Refresher::new(),
            timeout: Duration::from_millis(u64::from(config.flags_timeout_ms)),
        }
    }

    /// Evaluates what can be without a request, and asks the server about the rest: what the short
    /// form remembers is neither read nor changed.
    pub fn evaluate(
        &self,
        distinct_id: &str,
        context: &Context,
        timeout: Duration,
    ) -> Result<Snapshot, Error> {
        self.completed(distinct_id, context, |distinct_id| {
            let closed = self.refresher.closed().ok_or(Error::Shutdown)?;
            self.asker.ask(distinct_id, context, timeout, &closed)
        })
    }

    /// Whether a flag is on; `None` when that is not known in time.
    pub fn enabled(&self, distinct_id: &str, key: &str, context: Option<&Context>) -> Option<bool> {
        let nothing = Context::default();
        self.known(distinct_id, key, context.unwrap_or(&nothing))
    }

    fn known(&self, distinct_id: &str, key: &str, context: &Context) -> Option<bool> {
        let distinct_id = checked(distinct_id).ok()?;
        if !context.wants(key) {
            return None;
        }
        let found = |found: Found<'_>| (found.enabled, found.needs_server);
        match self.loader.find(distinct_id, key, context, found) {
            Some((None, true)) | None => self.remembered(distinct_id, context)?.enabled(key),
            Some((enabled, _)) => enabled,
        }
    }

    /// What the short form answers from: what can be evaluated without a request, and for the rest
    /// what is remembered, or else what the server says in time.
    pub fn recall(&self, distinct_id: &str, context: &Context) -> Result<Snapshot, Error> {
        self.completed(distinct_id, context, |distinct_id| {
            let remembered = self.remembered(distinct_id, context);
            remembered.map(|snapshot| snapshot.to_draft()).ok_or_else(|| {
                if self.refresher.closed().is_none() {
                    Error::Shutdown
                } else if self.timeout.is_zero() {
                    Error::Timeout
                } else {
                    Error::Network
                }
            })
        })
    }

    /// Evaluates what can be without a request, and takes what else is wanted from `rest`.
    fn completed(
        &self,
        distinct_id: &str,
        context: &Context,
        rest: impl FnOnce(&str) -> Result<Draft, Error>,
    ) -> Result<Snapshot, Error> {
        let distinct_id = checked(distinct_id)?;
        if context.wants_nothing() {
            return Ok(Snapshot::new(distinct_id, context, Draft::default()));
        }
        let local = self.loader.evaluate(distinct_id, context);
        let needs_server = local.as_ref().is_none_or(|(_, needs_server)| *needs_server);
        let mut draft = local.map(|(draft, _)| draft).unwrap_or_default();
        if needs_server && !context.is_local_only() {
            match rest(distinct_id) {
                Ok(rest) => draft.fill(rest),
                Err(Error::Shutdown) => return Err(Error::Shutdown),
                Err(error) if draft.records.iter().all(|record| record.enabled.is_none()) => {
                    return Err(error);
                }
                // What is known is worth more than why the rest is not.
                Err(error) => draft.failure = Some(remote::failure(error).to_owned()),
            }
        }
        Ok(Snapshot::new(distinct_id, context, draft))
    }

    fn remembered(&self, distinct_id: &str, context: &Context) -> Option<Arc<Snapshot>> {
        if context.is_local_only() {
            return None;
        }
        let now = Instant::now();
        let identity = context.identity(distinct_id);
        self.cache.get(&identity, now, now + self.timeout, |flight| {
            let Some(closed) = self.refresher.closed() else { return flight.stale() };
            if !self.timeout.is_zero() {
                return self.asker.refresh(flight, distinct_id, context, self.timeout, &closed);
            }
            let stale = flight.stale();
            self.refresher.add(&self.asker, Job::new(flight, distinct_id, context));
            stale
        })
    }

    /// From here on no request starts, and the thread that refreshes ends. The transport's
    /// `close` ends those that are under way.
    pub fn close(&self) {
        self.refresher.close();
        self.loader.close();
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
        let explained = self.loader.explain(distinct_id, key, context);
        Ok(explained.unwrap_or_else(|why| Explanation::missing(key, why)))
    }

    pub fn load_definitions(&self, text: &[u8]) -> Result<(), Error> {
        self.loader.load(text)
    }

    pub fn save_definitions(&self) -> Option<Vec<u8>> {
        self.loader.save()
    }
}

impl Asker {
    /// Asks about one identity and enters what comes of it. Returns what is known then.
    fn refresh(
        &self,
        flight: Flight,
        distinct_id: &str,
        context: &Context,
        timeout: Duration,
        closed: &Receiver<()>,
    ) -> Option<Arc<Snapshot>> {
        match self.ask(distinct_id, context, timeout, closed) {
            Ok(draft) => Some(flight.settle(distinct_id, context, draft, Instant::now())),
            // Says nothing about the server.
            Err(Error::Shutdown) => flight.stale(),
            Err(_) => flight.fail(Instant::now()),
        }
    }

    /// One request, and one more if the first failed in a way that passes; all within `timeout`.
    fn ask(
        &self,
        distinct_id: &str,
        context: &Context,
        timeout: Duration,
        closed: &Receiver<()>,
    ) -> Result<Draft, Error> {
        let deadline = Instant::now() + timeout;
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut body = Vec::new();
        remote::body(
            &mut body,
            &self.api_key,
            distinct_id,
            context,
            self.geoip_disable,
            &self.denied,
        );
        let mut attempts = 0;
        loop {
            if left().is_zero() {
                return Err(Error::Timeout);
            }
            if closed.try_recv() == Err(TryRecvError::Disconnected) {
                return Err(Error::Shutdown);
            }
            attempts += 1;
            let fault = match self.attempt(&body, left()) {
                Ok(draft) => return Ok(draft),
                Err(fault) => fault,
            };
            let pause = fault.retry(attempts, left()).unwrap_or_default();
            // Nothing is ever sent: it ends, or the pause does.
            if closed.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return Err(Error::Shutdown);
            }
            if pause.is_zero() {
                return Err(fault.error());
            }
        }
    }

    fn attempt(&self, body: &[u8], timeout: Duration) -> Result<Draft, Fault> {
        self.counters.flag_requests.add(1);
        let answer = self.transport.send(&Request {
            path: remote::PATH,
            body: Some(Body { bytes: body, encoding: None }),
            headers: &[],
            timeout,
            answer_max: remote::ANSWER_MAX,
        });
        let answer = answer.map_err(|failure| {
            let text = format!("flags: could not reach the server: {}", failure.text);
            self.tell(format_args!("{text}"));
            self.transport.report(Family::Flags, None, failure.fate(), text);
            Fault::Failure(failure.kind)
        })?;
        if !(200..300).contains(&answer.status) {
            let text = format!("flags: server answered {}", answer.status);
            self.tell(format_args!("{text}"));
            self.transport.report(Family::Flags, Some(&answer), Fate::Status(answer.status), text);
            return Err(Fault::Status(answer.status));
        }
        let mut draft = remote::parse(&answer.body).map_err(|_| {
            self.tell(format_args!("flags: server's answer could not be read"));
            Fault::Unreadable
        })?;
        draft.take_at(Instant::now());
        if draft.quota_limited {
            self.tell(format_args!("flags: the project is over its quota of flag requests"));
        }
        Ok(draft)
    }

    /// A dead network must not fill the host's log.
    fn tell(&self, text: fmt::Arguments<'_>) {
        let now = Instant::now();
        let mut told_at = self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        if told_at.is_some_and(|at| now.duration_since(at) < FAILURES_TOLD) {
            return;
        }
        *told_at = Some(now);
        // The host's callback runs without a lock of ours.
        drop(told_at);
        self.logger.log(Level::Warn, text);
    }
}

#[cfg(test)]
mod tests;
