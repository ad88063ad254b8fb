//! Asking the server: the request, its one retry, the deadline, and what the log is told.

use super::breaker::Breaker;
use super::cache::{Flight, Landed};
use super::context::Context;
use super::draft::Draft;
use super::remote::{self, Fault};
use crate::config::Config;
use crate::counters::Counters;
use crate::log::{Level, Logger};
use crate::report::{Family, Fate};
use crate::retry::retry_after;
use crate::transport::{Body, Request, Transport};
use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Failures are told once in this time.
const FAILURES_TOLD: Duration = Duration::from_secs(60);

/// Whatever a request needs.
pub struct Asker {
    api_key: String,
    geoip_disable: bool,
    denied: HashSet<Vec<u8>>,
    transport: Arc<Transport>,
    counters: Arc<Counters>,
    logger: Logger,
    /// For requests that nobody waits for.
    patience: Duration,
    /// The time that the server has where the call does not say.
    fair: Duration,
    told_at: Mutex<Option<Instant>>,
    pub breaker: Breaker,
}

impl Asker {
    pub fn new(
        config: &Config,
        transport: Arc<Transport>,
        counters: Arc<Counters>,
        logger: Logger,
    ) -> Asker {
        let patience = config.request_timeout_ms.millis();
        let short = Duration::from_millis(u64::from(config.flags_timeout_ms));
        Asker {
            api_key: config.api_key.clone(),
            geoip_disable: config.geoip_disable.unwrap_or(config.is_server),
            denied: config.denied.clone(),
            transport,
            counters,
            logger,
            patience,
            fair: if short.is_zero() { patience } else { short.min(patience) },
            told_at: Mutex::new(None),
            breaker: Breaker::default(),
        }
    }

    /// Asks while nobody waits.
    pub fn refresh(
        &self,
        flight: Flight,
        distinct_id: &str,
        context: &Context,
        closed: &Receiver<()>,
    ) {
        self.answer(flight, distinct_id, context, self.patience, closed);
    }

    /// Asks about one identity and enters what comes of it. `None` when the client is closed.
    pub fn answer(
        &self,
        flight: Flight,
        distinct_id: &str,
        context: &Context,
        timeout: Duration,
        closed: &Receiver<()>,
    ) -> Option<Landed> {
        match self.ask(distinct_id, context, timeout, closed) {
            Ok(draft) => {
                self.breaker.answered();
                Some(flight.settle(distinct_id, context, draft, Instant::now()))
            }
            Err(Fault::Closed) => None,
            // Whether the server is out nobody knows who has given it little time.
            Err(fault) if fault.is_late() && 2 * timeout < self.fair => {
                Some(flight.give_up(distinct_id, context, fault))
            }
            Err(fault) => {
                let now = Instant::now();
                if fault.is_outage() {
                    self.breaker.failed(now);
                }
                Some(flight.fail(distinct_id, context, fault, now))
            }
        }
    }

    /// One request, and one more if the first failed in a way that passes; all within `timeout`.
    fn ask(
        &self,
        distinct_id: &str,
        context: &Context,
        timeout: Duration,
        closed: &Receiver<()>,
    ) -> Result<Draft, Fault> {
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
                return Err(Fault::Late);
            }
            if closed.try_recv() == Err(TryRecvError::Disconnected) {
                return Err(Fault::Closed);
            }
            attempts += 1;
            let fault = match self.attempt(&body, left()) {
                Ok(draft) => return Ok(draft),
                Err(fault) => fault,
            };
            let pause = fault.retry(attempts, left()).unwrap_or_default();
            // Nothing is ever sent: it ends, or the pause does.
            if closed.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return Err(Fault::Closed);
            }
            if pause.is_zero() {
                return Err(fault);
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
            let asked = answer.header("retry-after");
            if let Some(wait) = asked.and_then(|text| retry_after(text, SystemTime::now())) {
                self.breaker.hold(Instant::now() + wait);
            }
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

    /// A thread for the background could not be had.
    pub fn tell_no_thread(&self, error: &std::io::Error) {
        self.tell(format_args!("flags: could not start a thread: {error}"));
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
