//! How the requests of a client travel: where to, with what, by which way. Read once, when the
//! client is made, and the same for all its lives.

use crate::carrier::Carrier;
use crate::config::{Config, ProxyChoice};
#[cfg(feature = "tls")]
use crate::connector::Sessions;
use crate::connector::connector;
use crate::error::Error;
use crate::header::Headers;
use crate::log::{Level, Logger};
use crate::proxy::Proxy;
use crate::report::OnError;
use crate::resolver::{Later, Lookup};
#[cfg(feature = "tls")]
use crate::trust::Trust;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;

/// Kept connections are dropped before the usual load balancer (60 s) drops them.
const IDLE_MAX: Duration = Duration::from_secs(50);

/// Of either direction of a connection, which keeps them: as much as the head of an answer may have,
/// and more than most bodies do.
const BUFFER: usize = 64 << 10;

/// What a proxy may be in this build.
const KINDS: &str = if cfg!(feature = "tls") { "an http:// or https://" } else { "an http://" };

pub struct Route {
    pub host: String,
    pub user_agent: String,
    pub api_key: String,
    pub headers: Headers,
    /// Nothing is sent at all.
    pub is_mute: bool,
    pub on_error: Option<Arc<OnError>>,
    /// In place of all that follows.
    pub carrier: Option<Arc<Carrier>>,
    agent: ureq::config::Config,
    proxy: Option<Arc<Proxy>>,
    #[cfg(feature = "tls")]
    trust: Trust,
}

impl Route {
    /// Reads the environment and the file of certificates, and opens nothing.
    pub fn new(config: &Config, logger: &Logger) -> Result<Route, Error> {
        let user_agent = format!("{}/{}", config.library_name, config.library_version);
        // ureq reads the environment here, and only here.
        let agent = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            // A redirect would resend a batch to a host that nobody configured.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(user_agent.as_str())
            .timeout_connect(Some(config.connect_timeout_ms.millis()))
            .max_idle_age(IDLE_MAX)
            .max_idle_connections_per_host(2)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .build();
        if cfg!(not(feature = "tls"))
            && config.host.starts_with("https:")
            && config.carrier.is_none()
        {
            logger.log(Level::Error, format_args!("built without TLS: https needs it"));
        }
        Ok(Route {
            host: config.host.clone(),
            user_agent,
            api_key: config.api_key.clone(),
            headers: config.headers.clone(),
            is_mute: config.capture_only,
            on_error: config.on_error.clone(),
            carrier: config.carrier.clone(),
            agent,
            proxy: proxy(config, logger).map(Arc::new),
            #[cfg(feature = "tls")]
            trust: trust(config, logger)?,
        })
    }

    pub fn agent(&self, lookup: impl Lookup) -> Agent {
        let connector = connector(
            lookup,
            self.proxy.clone(),
            #[cfg(feature = "tls")]
            Sessions::new(self.trust.clone()),
        );
        Agent::with_parts(self.agent.clone(), connector, Later)
    }
}

fn proxy(config: &Config, logger: &Logger) -> Option<Proxy> {
    let proxy = match &config.proxy {
        ProxyChoice::None => None,
        ProxyChoice::Of(proxy) => Some(proxy.clone()),
        ProxyChoice::Environment => {
            let url = format!("{}/", config.host).parse().ok()?;
            let read = |name: &str| std::env::var(name).ok();
            Proxy::of_env(&url, read).unwrap_or_else(|name| {
                logger.log(Level::Warn, format_args!("{name} is not {KINDS} proxy: going without"));
                None
            })
        }
    };
    if let Some(proxy) = &proxy {
        logger.log(Level::Debug, format_args!("by the proxy {}", proxy.authority));
    }
    proxy
}

#[cfg(feature = "tls")]
fn trust(config: &Config, logger: &Logger) -> Result<Trust, Error> {
    let Some(path) = &config.ca_file else { return Ok(Trust::System) };
    Trust::of_file(path).map_err(|why| {
        logger.log(Level::Error, format_args!("cannot use the CA file {path}: {why}"));
        Error::File
    })
}
