//! HTTP: one blocking request at a time, on a connection that is kept.
//!
//! No asynchronous runtime: an inherited one is what breaks shared cores under `fork`. Every
//! request has a total deadline, which also covers name resolution.

use crate::config::Config;
use crate::connector::connector;
use crate::log::{Level, Logger};
use crate::resolver::{Nowhere, OneLookup};
use arc_swap::ArcSwapOption;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use ureq::http::{HeaderMap, Response};
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
    /// Anything else on the way: name resolution, TLS, a reset, a truncated answer.
    Broken,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub kind: FailureKind,
    pub text: String,
}

/// The connection to one host.
pub struct Transport {
    host: String,
    user_agent: String,
    connect_timeout: Duration,
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

/// Kept connections are dropped before the usual load balancer (60 s) drops them.
const IDLE_MAX: Duration = Duration::from_secs(50);

impl Transport {
    pub fn new(config: &Config, logger: Logger) -> Transport {
        Transport {
            host: config.host.clone(),
            user_agent: format!("{}/{}", config.library_name, config.library_version),
            connect_timeout: config.connect_timeout_ms.millis(),
            logger,
            closed: AtomicBool::new(false),
            line: ArcSwapOption::empty(),
        }
    }

    /// Sends a request and waits for the answer.
    pub fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let url = format!("{}{}", self.host, request.path);
        // The line first: a `close` that comes after the look ends what is sent on it.
        let line = self.line();
        if self.closed.load(Ordering::SeqCst) {
            return Err(Failure { kind: FailureKind::Broken, text: "closed".to_owned() });
        }
        let timeout = Some(request.timeout);
        let sent = match request.body {
            None => {
                let get = line.agent.get(&url).config().timeout_global(timeout).build();
                with_headers(get, request.headers).call()
            }
            Some(body) => {
                let post = line.agent.post(&url).config().timeout_global(timeout).build();
                let mut post =
                    with_headers(post, request.headers).header("content-type", "application/json");
                if let Some(encoding) = body.encoding {
                    post = post.header("content-encoding", encoding);
                }
                post.send(body.bytes)
            }
        };
        read(sent.map_err(failure)?, request.answer_max)
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
        let builder = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would resend a batch to a host that nobody configured.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(self.user_agent.as_str())
            .timeout_connect(Some(self.connect_timeout))
            .max_idle_age(IDLE_MAX)
            .max_idle_connections_per_host(2);
        #[cfg(feature = "tls")]
        let builder = builder.tls_config(tls::config(&self.host, &self.logger));
        #[cfg(not(feature = "tls"))]
        if self.host.starts_with("https:") {
            self.logger.log(Level::Error, format_args!("built without TLS: https needs it"));
        }
        self.logger.log(Level::Debug, format_args!("connecting to {}", self.host));
        let stopped = Arc::default();
        let resolver = OneLookup::new(Arc::clone(&stopped));
        Line { agent: Agent::with_parts(builder.build(), connector(), resolver), stopped }
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

/// Has ureq fill its statics, which wait for whoever fills them: a child that was forked while the
/// parent's sender did would wait for a thread that it does not have. Opens nothing.
pub fn warm_up() {
    static WARM: AtomicBool = AtomicBool::new(false);
    if !WARM.load(Ordering::Acquire) {
        let config = Agent::config_builder().build();
        let agent = Agent::with_parts(config, connector(), Nowhere);
        let _ = agent.get("http://nowhere.invalid/").call();
        WARM.store(true, Ordering::Release);
    }
}

fn failure(error: ureq::Error) -> Failure {
    let kind = match &error {
        ureq::Error::Timeout(_) => FailureKind::Timeout,
        ureq::Error::Io(error) => kind_of_io(error),
        _ => FailureKind::Broken,
    };
    Failure { kind, text: error.to_string() }
}

fn kind_of_io(error: &std::io::Error) -> FailureKind {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => FailureKind::Refused,
        std::io::ErrorKind::TimedOut => FailureKind::Timeout,
        _ => FailureKind::Broken,
    }
}

#[cfg(feature = "tls")]
mod tls {
    //! The crypto provider is handed over explicitly: a process-wide one is the host's to choose.

    use super::{Arc, Level, Logger};
    use ureq::tls::{Certificate, RootCerts, TlsConfig};

    pub fn config(host: &str, logger: &Logger) -> TlsConfig {
        let builder = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        if !host.starts_with("https:") {
            return builder.build();
        }
        builder.root_certs(roots(logger)).build()
    }

    /// What the operating system trusts; bundled roots only where that is nothing.
    fn roots(logger: &Logger) -> RootCerts {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            let errors = found.errors.len();
            logger.log(
                Level::Info,
                format_args!("no certificates in the system's store ({errors} errors): bundled"),
            );
            return RootCerts::WebPki;
        }
        let certs: Vec<_> =
            found.certs.iter().map(|cert| Certificate::from_der(cert).to_owned()).collect();
        RootCerts::new_with_certs(&certs)
    }
}
