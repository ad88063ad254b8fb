//! HTTP: one blocking request at a time, on a connection that is kept.
//!
//! No asynchronous runtime: an inherited one is what breaks shared cores under `fork`. Every
//! request has a total deadline, which also covers name resolution.

use crate::carrier::{Carrier, Incoming, Outgoing};
use crate::connector::NoTunnel;
#[cfg(feature = "tls")]
use crate::connector::Refusal;
use crate::hooks::Gate;
use crate::log::{Level, Logger};
use crate::redirect;
use crate::report::{Family, Fate, Fault, Hint, Reports};
use crate::resolver::{Nowhere, OneLookup};
use crate::route::Route;
use crate::sys::fork;
use arc_swap::ArcSwapOption;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Response};
use ureq::{Agent, RequestBuilder};

/// A request.
pub struct Request<'a> {
    /// Path and query, appended to the host.
    pub path: &'a str,
    /// What is posted, as JSON; `None` for a GET.
    pub body: Option<Body<'a>>,
    /// Beside those of the body and of the client: names in lower case, and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// From the first byte of name resolution to the last of the answer.
    pub timeout: Duration,
    /// More of the answer than this is not read.
    pub answer_max: u64,
}

/// What a request carries.
#[derive(Clone, Copy)]
pub struct Body<'a> {
    pub bytes: &'a [u8],
    /// The `content-encoding`, if it is compressed.
    pub encoding: Option<&'a str>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    /// The address answered and refused: nobody listens there.
    Refused,
    Timeout,
    /// The other end is not who it should be, or no TLS could be agreed on. Nothing was sent.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    Tls,
    /// The proxy made no tunnel. Nothing was sent.
    Proxy,
    /// Anything else on the way: name resolution, a reset, a truncated answer.
    Broken,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub kind: FailureKind,
    pub text: String,
}

impl Failure {
    pub fn fate(&self) -> Fate {
        match self.kind {
            FailureKind::Tls => Fate::Tls,
            FailureKind::Proxy => Fate::Proxy,
            FailureKind::Refused | FailureKind::Timeout | FailureKind::Broken => Fate::Network,
        }
    }

    fn new(kind: FailureKind, text: &str) -> Failure {
        Failure { kind, text: text.to_owned() }
    }
}

/// The connection to one host.
pub struct Transport {
    route: Arc<Route>,
    /// What went wrong on the way, as whoever sends judges it.
    pub reports: Reports,
    gate: Arc<Gate>,
    logger: Logger,
    /// No request starts.
    closed: AtomicBool,
    /// Made by the first request: a client that sends nothing opens nothing.
    line: ArcSwapOption<Line>,
}

/// An agent, and what ends its name resolution; the rest its own `shutdown` ends.
struct Line {
    agent: Agent,
    stopped: Arc<AtomicBool>,
}

/// Redirects in a row that are followed.
const REDIRECTS_MAX: usize = 3;

impl Transport {
    pub fn new(route: Arc<Route>, gate: Arc<Gate>, logger: Logger) -> Transport {
        let closed = AtomicBool::new(false);
        let on_error = route.on_error.clone();
        let reports = Reports::new(&route.host, &route.api_key, on_error, Arc::clone(&gate));
        Transport { route, reports, gate, logger, closed, line: ArcSwapOption::empty() }
    }

    /// Sends a request and waits for the answer. Redirects that keep method and body are followed
    /// as long as they stay at the same origin; others are the answer.
    pub fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let deadline = Instant::now() + request.timeout;
        let mut url = format!("{}{}", self.route.host, request.path);
        let headers = self.headers(request);
        let mut followed = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = match &self.route.carrier {
                Some(carrier) => self.hand_over(&**carrier, request, &url, &headers, left)?,
                None => self.exchange(request, &url, &headers, left)?,
            };
            let location = match answer.status {
                307 | 308 if followed < REDIRECTS_MAX => answer.header("location"),
                _ => None,
            };
            match location.and_then(|location| redirect::target(&url, location)) {
                Some(target) => url = target,
                None => return Ok(answer),
            }
            followed += 1;
        }
    }

    /// Reports a request that has no events to lose.
    pub fn report(
        &self,
        family: Family,
        answer: Option<&Answer>,
        fate: Fate,
        message: String,
    ) -> Hint {
        let date = answer.and_then(|answer| answer.header("date"));
        self.reports.add(Fault { family, fate, date, attempt: 1, events_lost: 0, message })
    }

    /// All but those that belong to the connection.
    fn headers<'a>(&'a self, request: &'a Request<'_>) -> Vec<(&'a str, &'a str)> {
        let mut headers = vec![("user-agent", self.route.user_agent.as_str())];
        headers.extend(request.headers);
        if let Some(body) = request.body {
            headers.push(("content-type", "application/json"));
            headers.extend(body.encoding.map(|encoding| ("content-encoding", encoding)));
        }
        headers.extend(self.route.headers.beside(request.headers));
        headers
    }

    fn exchange(
        &self,
        request: &Request<'_>,
        url: &str,
        headers: &[(&str, &str)],
        left: Duration,
    ) -> Result<Answer, Failure> {
        // The line first: a `close` that comes after the look ends what is sent on it.
        let line = self.line();
        self.check_open()?;
        let timeout = Some(left);
        let sent = match request.body {
            None => {
                let get = line.agent.get(url).config().timeout_global(timeout).build();
                with_headers(get, headers).call()
            }
            Some(body) => {
                let post = line.agent.post(url).config().timeout_global(timeout).build();
                with_headers(post, headers).send(body.bytes)
            }
        };
        IS_WARM.store(true, Ordering::Release);
        read(sent.map_err(failure)?, request.answer_max)
    }

    /// The same by the host's own carrier, which is a callback like any other.
    fn hand_over(
        &self,
        carrier: &Carrier,
        request: &Request<'_>,
        url: &str,
        headers: &[(&str, &str)],
        left: Duration,
    ) -> Result<Answer, Failure> {
        self.check_open()?;
        if left.is_zero() {
            return Err(Failure::new(FailureKind::Timeout, "no time is left"));
        }
        let method = if request.body.is_some() { "POST" } else { "GET" };
        let body = request.body.map_or(&[][..], |body| body.bytes);
        let outgoing = Outgoing { method, url, headers, body, timeout: left };
        let mut incoming = Incoming::default();
        match self.gate.pass(|| carrier(&outgoing, &mut incoming)) {
            Some(true) if (100..=999).contains(&incoming.status) => {}
            Some(true) => return Err(Failure::new(FailureKind::Broken, "no status was set")),
            Some(false) => {
                return Err(Failure::new(FailureKind::Broken, "the host's transport failed"));
            }
            None => return Err(Failure::new(FailureKind::Broken, "closed")),
        }
        let mut answered = HeaderMap::new();
        for (name, value) in incoming.headers {
            let parts = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            answered.extend(parts.map(|(name, value)| (Some(name), value)));
        }
        incoming.body.truncate(usize::try_from(request.answer_max).unwrap_or(usize::MAX));
        Ok(Answer { status: incoming.status, headers: answered, body: incoming.body })
    }

    fn check_open(&self) -> Result<(), Failure> {
        if self.closed.load(Ordering::SeqCst) || self.route.is_mute {
            return Err(Failure::new(FailureKind::Broken, "closed"));
        }
        Ok(())
    }

    /// Makes the requests under way fail, closes the connections, and lets no request start.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Some(line) = self.line.swap(None) {
            line.stopped.store(true, Ordering::Release);
            line.agent.clone().shutdown();
        }
    }

    /// Lets requests start again.
    pub fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
    }

    fn line(&self) -> Arc<Line> {
        if let Some(line) = self.line.load_full() {
            return line;
        }
        let fresh = Arc::new(self.new_line());
        // Two threads may both make one; the first stays.
        let none: Option<Arc<Line>> = None;
        let before = self.line.compare_and_swap(&none, Some(Arc::clone(&fresh)));
        before.clone().unwrap_or(fresh)
    }

    fn new_line(&self) -> Line {
        self.logger.log(Level::Debug, format_args!("connecting to {}", self.route.host));
        let stopped = Arc::default();
        Line { agent: self.route.agent(OneLookup::new(Arc::clone(&stopped))), stopped }
    }
}

fn with_headers<B>(request: RequestBuilder<B>, headers: &[(&str, &str)]) -> RequestBuilder<B> {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

/// The answer, with at most that much of its body.
fn read(response: Response<ureq::Body>, body_max: u64) -> Result<Answer, Failure> {
    let (head, mut content) = response.into_parts();
    let mut body = Vec::new();
    // One byte more than is wanted tells a long answer from a whole one.
    let mut reader = content.as_reader().take(body_max + 1);
    if let Err(error) = reader.read_to_end(&mut body) {
        // A refusal needs no body to be one. A success that breaks off may not be one.
        if head.status.is_success() {
            return Err(failure(error.into()));
        }
        body.clear();
    }
    body.truncate(body_max as usize);
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

/// Whether ureq has made what it makes only once, with its first request.
static IS_WARM: AtomicBool = AtomicBool::new(false);

/// Has it made before a fork, if no request has done so: a child that was forked in the middle of that
/// would wait for a thread that it does not have. Told to the system once.
pub fn prepare_forks() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !TOLD.swap(true, Ordering::AcqRel) && !fork::before(warm_up) {
        warm_up();
    }
}

/// Waits for another thread that is about to do the same. Opens nothing: the request fails at its first
/// step behind that.
fn warm_up() {
    if !IS_WARM.load(Ordering::Acquire) {
        // Without a connector: it would never be asked.
        let agent = Agent::with_parts(Agent::config_builder().build(), (), Nowhere);
        let _ = agent.get("http://nowhere.invalid/").call();
        IS_WARM.store(true, Ordering::Release);
    }
}

fn failure(error: ureq::Error) -> Failure {
    let kind = match &error {
        ureq::Error::Timeout(_) => FailureKind::Timeout,
        ureq::Error::Io(error) => kind_of_io(error),
        ureq::Error::Other(other) if other.is::<NoTunnel>() => FailureKind::Proxy,
        #[cfg(feature = "tls")]
        ureq::Error::Other(other) if other.is::<Refusal>() => FailureKind::Tls,
        _ => FailureKind::Broken,
    };
    let text = match &error {
        // What it says says it all.
        ureq::Error::Other(other) => other.to_string(),
        _ => error.to_string(),
    };
    Failure { kind, text }
}

fn kind_of_io(error: &std::io::Error) -> FailureKind {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => FailureKind::Refused,
        std::io::ErrorKind::TimedOut => FailureKind::Timeout,
        _ => FailureKind::Broken,
    }
}
