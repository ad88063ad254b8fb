//! What went wrong on the way, for the host to act on: what, where, how often, what to look at.
//!
//! Bounded, and coalesced: the same fault again makes a report that waits say more, not another.

use crate::hooks::Gate;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Reports that wait to be taken. The oldest gives way.
const WAITING_MAX: usize = 32;
/// Clocks further apart than this are a reason to be refused.
const SKEW_MAX: Duration = Duration::from_secs(300);
/// How often the callback is told of one fault, unless it has cost events.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Events,
    Ai,
    Flags,
    Definitions,
}

/// What to look at first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    None,
    /// A key that is not of a project's events (`phc_`).
    KeyKind,
    /// A key of the other region.
    Region,
    Key,
    Quota,
    RateLimit,
    Path,
    Redirect,
    TooLarge,
    Clock,
    Proxy,
    Tls,
    Network,
    Server,
}

/// What came of a request that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Status(u16),
    Network,
    Tls,
    Proxy,
    /// Events were given up after many failures, each of which was reported.
    GivenUp,
}

/// A fault, as whoever made the request knows it.
pub struct Fault<'a> {
    pub family: Family,
    pub fate: Fate,
    /// The answer's header.
    pub date: Option<&'a str>,
    /// Of the request, from 1.
    pub attempt: u32,
    pub events_lost: usize,
    pub message: String,
}

/// A fault, as the host is told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    pub family: Family,
    /// 0 without an answer.
    pub status: u16,
    pub host: String,
    pub hint: Hint,
    /// The text of the latest one.
    pub message: String,
    /// The latest attempt of a request, from 1.
    pub attempt: u32,
    pub events_lost: u64,
    /// How often it happened.
    pub count: u64,
}

impl Report {
    fn is_like(&self, other: &Report) -> bool {
        (self.family, self.status, self.hint) == (other.family, other.status, other.hint)
    }

    fn absorb(&mut self, other: Report) {
        self.count += other.count;
        self.events_lost += other.events_lost;
        self.attempt = other.attempt;
        self.message = other.message;
    }
}

/// What to look at first, given what is known of the request.
fn hint(fault: &Fault<'_>, key: &str, host: &str, now: SystemTime) -> Hint {
    let status = match fault.fate {
        Fate::Status(status) => status,
        Fate::GivenUp => return Hint::None,
        Fate::Network => return Hint::Network,
        Fate::Tls => return Hint::Tls,
        Fate::Proxy => return Hint::Proxy,
    };
    match status {
        // These are read with another key.
        401 | 403 if fault.family == Family::Definitions => Hint::Key,
        401 | 403 if !key.starts_with("phc_") => Hint::KeyKind,
        400 | 401 | 403 if is_skewed(fault.date, now) => Hint::Clock,
        // The two regions share nothing but their name: a key of one is unknown to the other.
        401 | 403 if host.ends_with(".i.posthog.com") => Hint::Region,
        401 | 403 => Hint::Key,
        402 => Hint::Quota,
        404 | 405 => Hint::Path,
        407 => Hint::Proxy,
        413 => Hint::TooLarge,
        429 => Hint::RateLimit,
        300..=399 => Hint::Redirect,
        500..=599 => Hint::Server,
        _ => Hint::None,
    }
}

fn is_skewed(date: Option<&str>, now: SystemTime) -> bool {
    let theirs = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let apart = theirs.map(|theirs| match now.duration_since(theirs) {
        Ok(ahead) => ahead,
        Err(behind) => behind.duration(),
    });
    apart.is_some_and(|apart| apart > SKEW_MAX)
}

/// What a host may do about it, as the log says it.
pub fn advice(hint: Hint) -> &'static str {
    match hint {
        Hint::None | Hint::Network | Hint::Server | Hint::Tls | Hint::Proxy => "",
        Hint::KeyKind => " (a project's own key is needed, phc_...)",
        Hint::Region => " (is the key of this region, US or EU?)",
        Hint::Key => " (is it a project API key, of this region?)",
        Hint::Quota => " (the project is over its billing limit)",
        Hint::RateLimit => " (too many requests)",
        Hint::Path => " (is the host PostHog's, with the right path prefix?)",
        Hint::Redirect => " (a redirect: configure the address that it leads to)",
        Hint::TooLarge => " (too large for the server)",
        Hint::Clock => " (this machine's clock is wrong)",
    }
}

/// Is handed each report, or what has come together since the last.
pub type OnError = dyn Fn(&Report) + Send + Sync;

/// The reports of one life of a client.
pub struct Reports {
    inner: Mutex<Inner>,
    host: String,
    api_key: String,
    on_error: Option<Arc<OnError>>,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Report>,
    /// For the callback: what has been told of late, and what came since.
    told: VecDeque<Told>,
}

struct Told {
    at: Instant,
    what: Report,
    since: Option<Report>,
}

impl Reports {
    pub fn new(
        host: &str,
        api_key: &str,
        on_error: Option<Arc<OnError>>,
        gate: Arc<Gate>,
    ) -> Reports {
        let (host, api_key) = (host.to_owned(), api_key.to_owned());
        Reports { inner: Mutex::default(), host, api_key, on_error, gate }
    }

    /// Reports a fault; what to look at first.
    pub fn add(&self, fault: Fault<'_>) -> Hint {
        let hint = hint(&fault, &self.api_key, &self.host, SystemTime::now());
        self.tell(Report {
            family: fault.family,
            status: if let Fate::Status(status) = fault.fate { status } else { 0 },
            host: self.host.clone(),
            hint,
            message: fault.message,
            attempt: fault.attempt,
            events_lost: fault.events_lost as u64,
            count: 1,
        });
        hint
    }

    fn tell(&self, report: Report) {
        let due = {
            let mut inner = self.lock();
            inner.wait(report.clone());
            let due = self.on_error.is_some().then(|| inner.due(report, Instant::now()));
            due.flatten()
        };
        // Without the lock: whoever is told may ask for the next one.
        if let (Some(on_error), Some(due)) = (&self.on_error, due) {
            self.gate.pass(|| on_error(&due));
        }
    }

    /// The oldest that nobody has taken.
    pub fn next(&self) -> Option<Report> {
        self.lock().waiting.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn wait(&mut self, report: Report) {
        if let Some(like) = self.waiting.iter_mut().find(|like| like.is_like(&report)) {
            return like.absorb(report);
        }
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(report);
    }

    /// What the callback is to be told now: with what was kept from it before.
    fn due(&mut self, report: Report, now: Instant) -> Option<Report> {
        let known = self.told.iter_mut().find(|told| told.what.is_like(&report));
        let Some(told) = known else {
            if self.told.len() == WAITING_MAX {
                self.told.pop_front();
            }
            self.told.push_back(Told { at: now, what: report.clone(), since: None });
            return Some(report);
        };
        let lost = report.events_lost > 0;
        match &mut told.since {
            Some(since) => since.absorb(report),
            None => told.since = Some(report),
        }
        if !lost && now < told.at + TOLD_EVERY {
            return None;
        }
        told.at = now;
        told.since.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Report {
        Report {
            family: Family::Events,
            status,
            host: String::new(),
            hint: Hint::None,
            message: format!("status {status}"),
            attempt: 1,
            events_lost: 0,
            count: 1,
        }
    }

    fn reports() -> Reports {
        Reports::new("https://x", "phc_a", None, Arc::default())
    }

    fn fault(fate: Fate, date: Option<&str>) -> Fault<'_> {
        let message = String::new();
        Fault { family: Family::Events, fate, date, attempt: 1, events_lost: 0, message }
    }

    #[test]
    fn hints() {
        let now = httpdate::parse_http_date("Sat, 21 Nov 2026 12:00:00 GMT").unwrap();
        let date = |date: &'static str| Some(date);
        let (us, own) = ("https://us.i.posthog.com", "https://ph.example.com");
        let soon = date("Sat, 21 Nov 2026 12:04:00 GMT");
        let (late, early) =
            (date("Sat, 21 Nov 2026 11:00:00 GMT"), date("Sat, 21 Nov 2026 13:00:00 GMT"));
        for (code, key, host, date, expected) in [
            (401, "phx_a", us, None, Hint::KeyKind),
            (401, "phc_a", us, soon, Hint::Region),
            (403, "phc_a", own, None, Hint::Key),
            (401, "phc_a", us, late, Hint::Clock),
            (400, "phc_a", own, early, Hint::Clock),
            (400, "phc_a", own, date("yesterday"), Hint::None),
            (402, "phc_a", us, None, Hint::Quota),
            (404, "phc_a", us, late, Hint::Path),
            (405, "phc_a", us, None, Hint::Path),
            (407, "phc_a", us, None, Hint::Proxy),
            (413, "phc_a", us, None, Hint::TooLarge),
            (429, "phc_a", us, None, Hint::RateLimit),
            (308, "phc_a", us, None, Hint::Redirect),
            (503, "phc_a", us, late, Hint::Server),
            (418, "phc_a", us, None, Hint::None),
        ] {
            let fault = fault(Fate::Status(code), date);
            assert_eq!(hint(&fault, key, host, now), expected, "{code} {key}");
        }
        for (fate, expected) in
            [(Fate::Network, Hint::Network), (Fate::Tls, Hint::Tls), (Fate::Proxy, Hint::Proxy)]
        {
            assert_eq!(hint(&fault(fate, None), "phc_a", us, now), expected);
        }
    }

    #[test]
    fn the_same_fault_again_makes_one_report() {
        let reports = reports();
        for attempt in 1..=5 {
            reports.tell(Report {
                attempt,
                events_lost: u64::from(attempt == 5) * 7,
                ..status(503)
            });
            reports.tell(status(500));
        }
        let first = reports.next().unwrap();
        assert_eq!((first.status, first.count, first.attempt, first.events_lost), (503, 5, 5, 7));
        assert_eq!(reports.next().unwrap().count, 5);
        assert_eq!(reports.next(), None);
        reports.tell(status(503));
        assert_eq!(reports.next().unwrap().count, 1);
        let definitions = Fault { family: Family::Definitions, ..fault(Fate::Status(401), None) };
        assert_eq!(reports.add(definitions), Hint::Key);
        assert_eq!(reports.next().unwrap().host, "https://x");
    }

    #[test]
    fn the_oldest_gives_way() {
        let reports = reports();
        for code in 0..100 {
            reports.tell(status(code));
        }
        let left: Vec<_> = std::iter::from_fn(|| reports.next()).map(|it| it.status).collect();
        assert!(left.into_iter().eq(100 - WAITING_MAX as u16..100));
    }

    #[test]
    fn a_callback_is_told_of_a_fault_once_a_minute_and_of_each_loss() {
        let start = Instant::now();
        let mut inner = Inner::default();
        assert_eq!(inner.due(status(503), start).unwrap().count, 1);
        for second in 1..60 {
            assert_eq!(inner.due(status(503), start + Duration::from_secs(second)), None);
        }
        assert_eq!(inner.due(status(503), start + TOLD_EVERY).unwrap().count, 60);
        let lost = Report { events_lost: 3, ..status(503) };
        assert_eq!(inner.due(status(503), start + TOLD_EVERY), None);
        let told = inner.due(lost, start + TOLD_EVERY).unwrap();
        assert_eq!((told.count, told.events_lost), (2, 3));
        assert_eq!(inner.due(status(500), start + TOLD_EVERY).unwrap().count, 1);
    }
}
