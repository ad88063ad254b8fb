//! Options: each with its default and its range, validated when it is set.

use crate::carrier::Carrier;
use crate::error::Error;
use crate::exception;
use crate::header::Headers;
use crate::hooks::Hooks;
use crate::json;
use crate::log::Sink;
use crate::packer::Encoding;
use crate::proxy::Proxy;
use crate::queue::{Limits, Policy};
use crate::report::OnError;
use crate::retry::Schedule;
use crate::timestamp::Timestamp;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub const HOST_DEFAULT: &str = "https://us.i.posthog.com";

/// A number with a default and a range. Setting 0 means the default.
#[derive(Clone, Copy)]
pub struct Number {
    value: u64,
    default: u64,
    min: u64,
    max: u64,
}

impl Number {
    const fn new(default: u64, range: RangeInclusive<u64>) -> Number {
        Number { value: default, default, min: *range.start(), max: *range.end() }
    }

    pub fn set(&mut self, value: u64) -> Result<(), Error> {
        if value == 0 {
            self.value = self.default;
        } else if (self.min..=self.max).contains(&value) {
            self.value = value;
        } else {
            return Err(Error::Range);
        }
        Ok(())
    }

    #[cfg_attr(not(storage), allow(dead_code, reason = "nothing is kept in this build"))]
    pub fn get(self) -> u64 {
        self.value
    }

    pub fn count(self) -> usize {
        usize::try_from(self.value).unwrap_or(usize::MAX)
    }

    pub fn millis(self) -> Duration {
        Duration::from_millis(self.value)
    }
}

/// Which proxy requests take.
#[derive(Clone)]
pub enum ProxyChoice {
    /// The one of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, but for `NO_PROXY`.
    Environment,
    None,
    Of(Proxy),
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const MIB: u64 = 1 << 20;
const AI_EVENT_BYTES_MAX: usize = 8 << 20;
const AI_BATCH_BYTES_MAX: usize = 5 << 20;

/// A capture protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    V0,
    V1,
}

/// Everything that a client is made from.
#[derive(Clone)]
pub struct Config {
    pub api_key: String,
    /// Without a trailing slash; a path prefix is kept.
    pub host: String,
    /// The host came from the environment and is not one: a client cannot be made.
    pub host_is_bad: bool,
    /// Reads the definitions of feature flags. Never sent with events.
    pub secret_key: Option<String>,
    /// Why no client of this configuration sends anything.
    pub disabled: Option<&'static str>,
    pub debug: bool,
    pub environment: Option<String>,
    pub library_name: String,
    pub library_version: String,
    pub is_server: bool,
    /// `None`: as `is_server`.
    pub geoip_disable: Option<bool>,
    pub compression: Option<Encoding>,
    pub proxy: ProxyChoice,
    /// Certificates in place of the system's.
    pub ca_file: Option<String>,
    pub headers: Headers,
    pub carrier: Option<Arc<Carrier>>,
    pub on_error: Option<Arc<OnError>>,
    /// Events are kept to be drained, and nothing is sent.
    pub capture_only: bool,
    /// The time of every event, and what their uuids begin with.
    pub deterministic: Option<(Timestamp, u64)>,
    /// `None`: the one that the server shows to speak.
    pub protocol: Option<Protocol>,
    pub historical_migration: bool,
    pub flush_at: Number,
    pub flush_interval_ms: Number,
    pub batch_max_events: Number,
    pub batch_max_bytes: Number,
    pub queue_max_events: Number,
    pub queue_max_bytes: Number,
    pub event_max_bytes: Number,
    pub overflow: Policy,
    pub connect_timeout_ms: Number,
    pub request_timeout_ms: Number,
    /// `None`: as many as `max_age_ms` allows.
    pub max_retries: Option<u32>,
    pub max_age_ms: Number,
    pub retry_base_ms: Number,
    pub retry_cap_ms: Number,
    /// 0: the short form never waits.
    pub flags_timeout_ms: u32,
    pub flags_ttl_ms: Number,
    pub flags_max_identities: Number,
    /// Whether flags are evaluated here, if there is a secret key.
    pub local_evaluation: bool,
    pub definitions_poll_ms: Number,
    /// Whether nothing is asked of the server about flags, where the call does not say.
    pub flags_local_only: bool,
    /// As JSON: of each flag, what it is while nothing else is known.
    pub flags_bootstrap: Option<Arc<[u8]>>,
    /// Whether PostHog is told which flags are read.
    pub flag_events: bool,
    pub group_indices: [Option<String>; 5],
    pub exceptions: exception::Settings,
    /// Where what outlives the process is kept.
    pub storage_dir: Option<PathBuf>,
    /// What a file of events may have, and what is adopted.
    pub storage_max_bytes: Number,
    pub storage_max_age_ms: Number,
    /// Whether that is to outlive a loss of power.
    #[cfg_attr(not(storage), allow(dead_code, reason = "nothing is kept in this build"))]
    pub storage_sync: bool,
    /// Whether fatal signals are reported, from the storage directory.
    #[cfg_attr(not(storage), allow(dead_code, reason = "nothing is kept in this build"))]
    pub crash_handler: bool,
    /// Property keys, escaped as on the wire, that never leave.
    pub denied: HashSet<Vec<u8>>,
    pub log_sink: Option<Arc<Sink>>,
    pub hooks: Hooks,
}

impl Config {
    pub fn new(api_key: &str) -> Config {
        Config {
            api_key: api_key.trim().to_owned(),
            host: HOST_DEFAULT.to_owned(),
            host_is_bad: false,
            secret_key: None,
            disabled: None,
            debug: false,
            environment: None,
            library_name: "libposthog".to_owned(),
            library_version: env!("CARGO_PKG_VERSION").to_owned(),
            is_server: true,
            geoip_disable: None,
            compression: Some(Encoding::Gzip),
            proxy: ProxyChoice::Environment,
            ca_file: None,
            headers: Headers::default(),
            carrier: None,
            on_error: None,
            capture_only: false,
            deterministic: None,
            protocol: None,
            historical_migration: false,
            flush_at: Number::new(100, 1..=1_000_000),
            flush_interval_ms: Number::new(5_000, 1..=DAY_MS),
            batch_max_events: Number::new(1_000, 1..=100_000),
            batch_max_bytes: Number::new(MIB, 1_024..=16 * MIB),
            queue_max_events: Number::new(10_000, 1..=10_000_000),
            queue_max_bytes: Number::new(32 * MIB, 1_024..=4_096 * MIB),
            event_max_bytes: Number::new(MIB, 1_024..=16 * MIB),
            overflow: Policy::DropNewest,
            connect_timeout_ms: Number::new(5_000, 1..=600_000),
            request_timeout_ms: Number::new(15_000, 1..=600_000),
            max_retries: None,
            max_age_ms: Number::new(DAY_MS, 1..=30 * DAY_MS),
            retry_base_ms: Number::new(1_000, 1..=600_000),
            retry_cap_ms: Number::new(30_000, 1..=600_000),
            flags_timeout_ms: 3_000,
            flags_ttl_ms: Number::new(60_000, 1..=DAY_MS),
            flags_max_identities: Number::new(10_000, 1..=1_000_000),
            local_evaluation: true,
            definitions_poll_ms: Number::new(30_000, 100..=DAY_MS),
            flags_local_only: false,
            flags_bootstrap: None,
            flag_events: true,
            group_indices: [const { None }; 5],
            exceptions: exception::Settings::default(),
            storage_dir: None,
            storage_max_bytes: Number::new(64 * MIB, MIB..=65_536 * MIB),
            storage_max_age_ms: Number::new(7 * DAY_MS, 1..=365 * DAY_MS),
            storage_sync: false,
            crash_handler: false,
            denied: HashSet::new(),
            log_sink: None,
            hooks: Hooks::default(),
        }
    }

    /// From environment variables, as `read` gives them.
    pub fn from_env(read: impl Fn(&str) -> Option<String>) -> Config {
        let read = |name: &str| read(name).map(|value| value.trim().to_owned());
        let filled = |name: &str| read(name).filter(|value| !value.is_empty());
        let mut config = Config::new(&filled("POSTHOG_API_KEY").unwrap_or_default());
        if let Some(host) = filled("POSTHOG_HOST") {
            config.host_is_bad = config.set_host(&host).is_err();
        }
        config.secret_key = filled("POSTHOG_SECRET_KEY");
        config.exceptions.release = filled("POSTHOG_RELEASE_ID");
        config.debug = filled("POSTHOG_DEBUG").is_some_and(|value| is_true(&value));
        for (name, why) in [
            ("POSTHOG_DISABLED", "POSTHOG_DISABLED is set"),
            ("ANALYTICS_DISABLED", "ANALYTICS_DISABLED is set"),
            ("DO_NOT_TRACK", "DO_NOT_TRACK is set"),
        ] {
            if config.disabled.is_none() && filled(name).is_some_and(|value| is_true(&value)) {
                config.disabled = Some(why);
            }
        }
        if let Some(name) = filled("ANALYTICS_ENVIRONMENT").or_else(|| filled("APP_ENV")) {
            config.environment = Some(environment(&name).to_owned());
        }
        config
    }

    pub fn set_host(&mut self, host: &str) -> Result<(), Error> {
        self.host = normal_host(host).ok_or(Error::Host)?;
        self.host_is_bad = false;
        Ok(())
    }

    pub fn set_deterministic(&mut self, unix_ms: i64, seed: u64) -> Result<(), Error> {
        let time = Timestamp::from_unix_millis(unix_ms).ok_or(Error::Timestamp)?;
        self.deterministic = Some((time, seed));
        Ok(())
    }

    /// An empty URL is no proxy at all.
    pub fn set_proxy(&mut self, url: Option<&str>) -> Result<(), Error> {
        self.proxy = match url {
            None => ProxyChoice::Environment,
            Some("") => ProxyChoice::None,
            Some(url) => {
                let proxy = Proxy::parse(url).ok_or(Error::Host)?;
                if !proxy.is_possible() {
                    return Err(Error::Unsupported);
                }
                ProxyChoice::Of(proxy)
            }
        };
        Ok(())
    }

    pub fn set_group_index(&mut self, group_type: &str, index: usize) -> Result<(), Error> {
        let group_type = crate::event::checked(group_type)?;
        let slot = self.group_indices.get_mut(index).ok_or(Error::Range)?;
        *slot = Some(group_type.to_owned());
        Ok(())
    }

    pub fn deny(&mut self, key: &str) -> Result<(), Error> {
        if key.is_empty() {
            return Err(Error::Empty);
        }
        let mut escaped = Vec::new();
        json::write_lossy(&mut escaped, key.as_bytes());
        self.denied.insert(escaped);
        Ok(())
    }

    /// Why a client of this configuration sends nothing; `None` when it sends.
    pub fn why_disabled(&self) -> Option<&'static str> {
        if self.api_key.is_empty() { Some("no API key") } else { self.disabled }
    }

    /// `envelope`: bytes that the wire adds to each event, at most; `frame`: to each batch.
    pub fn limits(&self, envelope: usize, frame: usize) -> Limits {
        Limits {
            events_max: self.queue_max_events.count(),
            bytes_max: self.queue_max_bytes.count(),
            // One that the queue can never hold would evict everything and still not fit.
            event_bytes_max: self.event_max_bytes.count().min(self.queue_max_bytes.count()),
            batch_events_max: self.batch_max_events.count(),
            batch_bytes_max: self.batch_max_bytes.count().saturating_sub(frame).max(1),
            flush_at: self.flush_at.count(),
            flush_interval: self.flush_interval_ms.millis(),
            policy: self.overflow,
            envelope,
        }
    }

    /// The same for AI events, which may be larger.
    pub fn ai_limits(&self, envelope: usize, frame: usize) -> Limits {
        let limits = self.limits(envelope, frame);
        Limits {
            event_bytes_max: AI_EVENT_BYTES_MAX.min(limits.bytes_max),
            batch_bytes_max: AI_BATCH_BYTES_MAX - frame,
            ..limits
        }
    }

    /// `is_stored`: of events that outlive the process.
    pub fn schedule(&self, is_stored: bool) -> Schedule {
        let max_age = if is_stored { self.storage_max_age_ms } else { self.max_age_ms };
        Schedule {
            base: self.retry_base_ms.millis(),
            cap: self.retry_cap_ms.millis(),
            max_retries: self.max_retries,
            max_age: max_age.millis(),
        }
    }
}

fn is_true(value: &str) -> bool {
    !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off")
}

/// The three names that an environment has; whatever is not known is a developer's.
pub fn environment(name: &str) -> &'static str {
    match name.trim().to_ascii_lowercase().as_str() {
        "production" | "prod" => "production",
        "staging" | "stage" => "staging",
        _ => "dev",
    }
}

/// A host as requests are built from it: scheme, no trailing slash, the addresses of PostHog's
/// app mapped to those that take events (posthog.com/docs/api: the ingestion domains).
fn normal_host(host: &str) -> Option<String> {
    let host = host.trim().trim_end_matches('/');
    let (scheme, rest) = host.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split('/').next().unwrap_or_default();
    let bad = |byte: u8| byte <= b' ' || byte == 0x7F || matches!(byte, b'?' | b'#' | b'\\' | b'@');
    if !matches!(scheme.as_str(), "http" | "https") || authority.is_empty() || rest.bytes().any(bad)
    {
        return None;
    }
    let uri: ureq::http::Uri = format!("{scheme}://{rest}/").parse().ok()?;
    let port = authority.strip_prefix(uri.host()?)?;
    if !port.is_empty() && port.strip_prefix(':')?.parse::<u16>().is_err() {
        return None;
    }
    match rest.to_ascii_lowercase().as_str() {
        "app.posthog.com" | "us.posthog.com" => Some("https://us.i.posthog.com".to_owned()),
        "eu.posthog.com" => Some("https://eu.i.posthog.com".to_owned()),
        _ => Some(format!("{scheme}://{rest}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (given, normal) in [
            ("https://eu.i.posthog.com", "https://eu.i.posthog.com"),
            (" https://eu.i.posthog.com// ", "https://eu.i.posthog.com"),
            ("HTTPS://app.posthog.com", "https://us.i.posthog.com"),
            ("https://us.posthog.com/", "https://us.i.posthog.com"),
            ("https://EU.posthog.com", "https://eu.i.posthog.com"),
            ("https://proxy.example/ph/ingest/", "https://proxy.example/ph/ingest"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(normal_host(given).as_deref(), Some(normal), "{given}");
        }
        for bad in [
            "",
            "us.i.posthog.com",
            "ftp://x",
            "https://",
            "https:///path",
            "http://a b",
            "https://x?y",
            "https://x#y",
            "https://user:pw@x",
            "http://x:port",
            "http://x:",
            "://x",
        ] {
            assert_eq!(normal_host(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_have_ranges_and_zero_is_the_default() {
        let mut config = Config::new("phc_x");
        assert_eq!(config.flush_at.set(7), Ok(()));
        assert_eq!(config.flush_at.get(), 7);
        assert_eq!(config.flush_at.set(1_000_001), Err(Error::Range));
        assert_eq!(config.flush_at.get(), 7);
        assert_eq!(config.flush_at.set(0), Ok(()));
        assert_eq!(config.flush_at.get(), 100);
    }

    #[test]
    fn environment_variables() {
        let read = |pairs: &'static [(&str, &str)]| {
            Config::from_env(move |name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
            })
        };
        let config = read(&[
            ("POSTHOG_API_KEY", " phc_x "),
            ("POSTHOG_HOST", "https://eu.posthog.com/"),
            ("POSTHOG_SECRET_KEY", "phx_y"),
            ("POSTHOG_DEBUG", "1"),
            ("ANALYTICS_ENVIRONMENT", "Prod"),
            ("APP_ENV", "staging"),
        ]);
        assert_eq!(config.api_key, "phc_x");
        assert_eq!(config.host, "https://eu.i.posthog.com");
        assert_eq!(config.secret_key.as_deref(), Some("phx_y"));
        assert!(config.debug);
        assert_eq!(config.environment.as_deref(), Some("production"));
        assert_eq!(config.why_disabled(), None);

        assert_eq!(read(&[]).why_disabled(), Some("no API key"));
        assert!(read(&[("POSTHOG_HOST", "nonsense")]).host_is_bad);
        for name in ["POSTHOG_DISABLED", "ANALYTICS_DISABLED", "DO_NOT_TRACK"] {
            for (value, off) in [("1", true), ("true", true), ("0", false), ("false", false)] {
                let config = Config::from_env(|asked| match asked {
                    "POSTHOG_API_KEY" => Some("phc_x".to_owned()),
                    _ => (asked == name).then(|| value.to_owned()),
                });
                assert_eq!(config.why_disabled().is_some(), off, "{name}={value}");
            }
        }
    }

    #[test]
    fn environment_names() {
        for (name, normal) in [
            ("production", "production"),
            ("PROD", "production"),
            ("stage", "staging"),
            ("staging", "staging"),
            ("development", "dev"),
            ("test", "dev"),
            ("local", "dev"),
            ("whatever", "dev"),
        ] {
            assert_eq!(environment(name), normal, "{name}");
        }
    }
}
