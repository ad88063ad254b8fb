//! `ph_config_*`: options, each with its default and its range.

use super::boundary::{attempt, guard};
use super::callback::{before_send, log_sink, on_delivery};
use super::types::{CStrArg, optional_text, text};
use super::{
    PH_NEVER, ph_before_send_fn, ph_delivery_fn, ph_log_fn, ph_status, ph_userdata_free_fn,
};
use crate::config::Config;
use crate::error::Error;
use crate::packer::Encoding;
use crate::queue::Policy;
use safer_ffi::prelude::repr_c;
use std::ffi::c_void;
use std::time::Duration;

/// What gives way when the queue is at its bound.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_overflow {
    /// The new event is refused with `PH_ERROR_QUEUE_FULL`.
    PH_OVERFLOW_DROP_NEWEST = 0,
    /// The oldest queued events are dropped for it.
    PH_OVERFLOW_DROP_OLDEST = 1,
    /// The capture waits for room; then the new event is refused.
    PH_OVERFLOW_BLOCK = 2,
}

/// How request bodies are compressed.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_compression {
    PH_COMPRESSION_NONE = 0,
    PH_COMPRESSION_GZIP = 1,
    /// The zlib format. Only in builds with the feature `deflate`.
    PH_COMPRESSION_DEFLATE = 2,
    /// Only in builds with the feature `brotli`.
    PH_COMPRESSION_BROTLI = 3,
    /// Smaller than gzip at less cost. Only in builds with the feature `zstd`,
    /// which is on by default.
    PH_COMPRESSION_ZSTD = 4,
}

/// Options of a client. Belongs to one thread at a time.
///
/// A setter of a number takes 0 for the default, and answers `PH_ERROR_RANGE`
/// outside the range that it names. A setter that fails changes nothing.
pub struct ph_config {
    config: Config,
}

impl ph_config {
    pub(super) fn get(&self) -> &Config {
        &self.config
    }
}

pub(super) fn change(
    config: Option<&mut ph_config>,
    apply: impl FnOnce(&mut Config) -> Result<(), Error>,
) -> ph_status {
    attempt(|| apply(&mut config.ok_or(Error::Null)?.config))
}

/// Creates options with defaults for a project API key (`phc_...`), which is
/// copied. A key that is `NULL`, empty or not UTF-8 makes a disabled client:
/// all its calls succeed and do nothing, it has no thread, no socket and no
/// file. The options are the caller's, to free with `ph_config_free`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_new(api_key: CStrArg<'_>) -> Option<repr_c::Box<ph_config>> {
    guard(|| {
        let api_key = text(api_key).unwrap_or_default();
        Some(Box::new(ph_config { config: Config::new(api_key) }).into())
    })
}

/// Creates options from environment variables:
///
/// - `POSTHOG_API_KEY`: without it the client is disabled.
/// - `POSTHOG_HOST`: as `ph_config_set_host`; if it is not a host, `ph_init`
///   answers `PH_ERROR_HOST`.
/// - `POSTHOG_SECRET_KEY`: as `ph_config_set_secret_key`.
/// - `POSTHOG_DISABLED`, `ANALYTICS_DISABLED`, `DO_NOT_TRACK`: any value but
///   `0`, `false`, `no` and `off` disables the client.
/// - `POSTHOG_DEBUG`: likewise turns `ph_config_set_debug` on.
/// - `ANALYTICS_ENVIRONMENT`, else `APP_ENV`: as `ph_config_set_environment`.
///
/// The options are the caller's, to free with `ph_config_free`. Reads the
/// environment: no other thread may change it meanwhile.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_from_env() -> Option<repr_c::Box<ph_config>> {
    guard(|| {
        let config = Config::from_env(|name| std::env::var(name).ok());
        Some(Box::new(ph_config { config }).into())
    })
}

/// Frees options. Ignores `NULL`. Clients made from them are not affected.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_free(config: Option<repr_c::Box<ph_config>>) {
    guard(|| drop(config));
}

/// Sets where requests go: an `http://` or `https://` URL, with or without a
/// path prefix (a reverse proxy's) and a trailing slash. Default
/// `https://us.i.posthog.com`; `https://app.posthog.com`, `https://us.posthog.com`
/// and `https://eu.posthog.com` are taken as the ingestion hosts of their
/// region. `PH_ERROR_HOST`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_host(
    config: Option<&mut ph_config>,
    host: CStrArg<'_>,
) -> ph_status {
    change(config, |config| config.set_host(text(host)?))
}

/// Sets the secret key that reads the definitions of feature flags: a personal
/// API key (`phx_...`) or the project's secret key (`phs_...`). With it flags
/// are evaluated in this process as far as that is possible, and PostHog is
/// asked about the others. A thread reads the definitions
/// (`ph_config_set_definitions_poll_ms`); it is started by the first evaluation,
/// `ph_flags_wait_ready` or `ph_client_start`. The key is sent with no other
/// request. `NULL` removes it.
///
/// Definitions that were read stay for as long as there are no others, however old
/// they get: also when PostHog refuses the key or the project is over its quota
/// (401, 402, 403), where some SDKs forget them. The log tells of it once, and
/// `ph_flags_refresh` answers `PH_ERROR_SERVER`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_secret_key(
    config: Option<&mut ph_config>,
    secret_key: CStrArg<'_>,
) -> ph_status {
    change(config, |config| {
        config.secret_key = optional_text(secret_key)?.map(str::to_owned);
        Ok(())
    })
}

/// Makes the client a disabled one. Default false.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_disabled(
    config: Option<&mut ph_config>,
    disabled: bool,
) -> ph_status {
    change(config, |config| {
        config.disabled = disabled.then_some("disabled in its configuration");
        Ok(())
    })
}

/// Writes diagnostics to standard error while no log callback is set. Default
/// false: not a byte.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_debug(config: Option<&mut ph_config>, debug: bool) -> ph_status {
    change(config, |config| {
        config.debug = debug;
        Ok(())
    })
}

/// Stamps every event with the property `environment`, which wins over one of
/// the event's own: `production` (for production, prod), `staging` (staging,
/// stage) or `dev` (anything else), whatever the case. `NULL` for none, the
/// default.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_environment(
    config: Option<&mut ph_config>,
    environment: CStrArg<'_>,
) -> ph_status {
    change(config, |config| {
        let environment = optional_text(environment)?;
        config.environment = environment.map(|name| crate::config::environment(name).to_owned());
        Ok(())
    })
}

/// Sets the properties `$lib` and `$lib_version` and the user agent: for
/// libraries that wrap this one. Default `libposthog` and its version. Not empty.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_library(
    config: Option<&mut ph_config>,
    name: CStrArg<'_>,
    version: CStrArg<'_>,
) -> ph_status {
    change(config, |config| {
        let (name, version) = (text(name)?, text(version)?);
        let is_token = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if name.is_empty() || version.is_empty() {
            return Err(Error::Empty);
        }
        if !is_token(name) || !is_token(version) {
            return Err(Error::Range);
        }
        config.library_name = name.to_owned();
        config.library_version = version.to_owned();
        Ok(())
    })
}

/// Says whether this is a server (the default) or software on the user's own
/// machine: the properties `$is_server` and, unless it is set by itself,
/// `$geoip_disable`. A server's address is not the user's.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_is_server(
    config: Option<&mut ph_config>,
    is_server: bool,
) -> ph_status {
    change(config, |config| {
        config.is_server = is_server;
        Ok(())
    })
}

/// Sets the property `$geoip_disable`: whether PostHog leaves alone where the
/// request came from. Default: as `ph_config_set_is_server`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_geoip_disable(
    config: Option<&mut ph_config>,
    disable: bool,
) -> ph_status {
    change(config, |config| {
        config.geoip_disable = Some(disable);
        Ok(())
    })
}

/// Gives a group type its index in the project, 0 to 4: events in a group of
/// that type carry `$group_<index>` beside `$groups`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_group_index(
    config: Option<&mut ph_config>,
    group_type: CStrArg<'_>,
    index: u32,
) -> ph_status {
    change(config, |config| config.set_group_index(text(group_type)?, index as usize))
}

/// Keeps a property from ever leaving: in events at any depth, `$set` and
/// `$group_set` included, and in flag requests. May be called for many keys.
/// It applies after `before_send`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_deny_property(
    config: Option<&mut ph_config>,
    key: CStrArg<'_>,
) -> ph_status {
    change(config, |config| config.deny(text(key)?))
}

/// Compresses the bodies of events: one of `ph_compression`. Default
/// `PH_COMPRESSION_GZIP`. Capture V0 knows nothing but gzip, which it gets in
/// place of the last three. `PH_ERROR_RANGE` also for one that this build does
/// not have.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_compression(
    config: Option<&mut ph_config>,
    compression: i32,
) -> ph_status {
    change(config, |config| {
        config.compression = match compression {
            0 => None,
            1 => Some(Encoding::Gzip),
            #[cfg(feature = "deflate")]
            2 => Some(Encoding::Deflate),
            #[cfg(feature = "brotli")]
            3 => Some(Encoding::Brotli),
            #[cfg(feature = "zstd")]
            4 => Some(Encoding::Zstd),
            _ => return Err(Error::Range),
        };
        Ok(())
    })
}

/// Sends when so many events wait. A trigger, not a size: batches grow with the
/// backlog. Events, 1 to 1,000,000; default 100.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_flush_at(config: Option<&mut ph_config>, events: u32) -> ph_status {
    change(config, |config| config.flush_at.set(u64::from(events)))
}

/// Sends what has waited for so long, however little. Milliseconds, 1 to
/// 86,400,000; default 5,000.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_flush_interval_ms(
    config: Option<&mut ph_config>,
    interval_ms: u32,
) -> ph_status {
    change(config, |config| config.flush_interval_ms.set(u64::from(interval_ms)))
}

/// Bounds a request's events. 1 to 100,000; default 1,000.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_batch_max_events(
    config: Option<&mut ph_config>,
    events: u32,
) -> ph_status {
    change(config, |config| config.batch_max_events.set(u64::from(events)))
}

/// Bounds a request's body before compression; a larger event travels alone.
/// Bytes, 1,024 to 16 MiB; default 1 MiB.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_batch_max_bytes(
    config: Option<&mut ph_config>,
    bytes: u64,
) -> ph_status {
    change(config, |config| config.batch_max_bytes.set(bytes))
}

/// Bounds the events that wait, those of a batch that waits for a retry
/// included. 1 to 10,000,000; default 10,000.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_queue_max_events(
    config: Option<&mut ph_config>,
    events: u32,
) -> ph_status {
    change(config, |config| config.queue_max_events.set(u64::from(events)))
}

/// Bounds their bytes. 1,024 to 4 GiB; default 32 MiB.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_queue_max_bytes(
    config: Option<&mut ph_config>,
    bytes: u64,
) -> ph_status {
    change(config, |config| config.queue_max_bytes.set(bytes))
}

/// Refuses a larger event with `PH_ERROR_TOO_LARGE`. Bytes of its JSON, 1,024 to
/// 16 MiB; default 1 MiB.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_event_max_bytes(
    config: Option<&mut ph_config>,
    bytes: u64,
) -> ph_status {
    change(config, |config| config.event_max_bytes.set(bytes))
}

/// Bounds the making of a connection, from name resolution to the end of the TLS
/// handshake, a proxy on the way included. Milliseconds, 1 to 600,000; default 5,000.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_connect_timeout_ms(
    config: Option<&mut ph_config>,
    timeout_ms: u32,
) -> ph_status {
    change(config, |config| config.connect_timeout_ms.set(u64::from(timeout_ms)))
}

/// Bounds a request in total, from name resolution to the end of the answer.
/// Milliseconds, 1 to 600,000; default 15,000.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_request_timeout_ms(
    config: Option<&mut ph_config>,
    timeout_ms: u32,
) -> ph_status {
    change(config, |config| config.request_timeout_ms.set(u64::from(timeout_ms)))
}

/// Gives up a batch that has been tried for so long, counted from its first request:
/// events that wait behind it have a time of their own, and are bounded by the queue.
/// Milliseconds, 1 to 30 days; default 24 hours.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_max_age_ms(
    config: Option<&mut ph_config>,
    age_ms: u64,
) -> ph_status {
    change(config, |config| config.max_age_ms.set(age_ms))
}

/// The wait before the first retry; it doubles from one to the next, and half
/// of it is random. Milliseconds, 1 to 600,000; default 1,000.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_retry_base_ms(
    config: Option<&mut ph_config>,
    wait_ms: u32,
) -> ph_status {
    change(config, |config| config.retry_base_ms.set(u64::from(wait_ms)))
}

/// Bounds the wait before a retry. Milliseconds, 1 to 600,000; default 30,000.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_retry_cap_ms(
    config: Option<&mut ph_config>,
    wait_ms: u32,
) -> ph_status {
    change(config, |config| config.retry_cap_ms.set(u64::from(wait_ms)))
}

/// Bounds the retries of a batch: n means 1 + n requests, `PH_NEVER` a single
/// one. Default 0: as many as `ph_config_set_max_age_ms` allows.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_max_retries(
    config: Option<&mut ph_config>,
    max_retries: u32,
) -> ph_status {
    change(config, |config| {
        config.max_retries = match max_retries {
            0 => None,
            PH_NEVER => Some(0),
            max => Some(max),
        };
        Ok(())
    })
}

/// Says what gives way when the queue is at its bound: one of `ph_overflow`,
/// default `PH_OVERFLOW_DROP_NEWEST`. `block_ms` is how long a capture waits at
/// most, for `PH_OVERFLOW_BLOCK`: 1 to 600,000 milliseconds, or 0 for 1,000; it
/// is ignored for the others.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_overflow(
    config: Option<&mut ph_config>,
    overflow: i32,
    block_ms: u32,
) -> ph_status {
    change(config, |config| {
        config.overflow = match (overflow, block_ms) {
            (0, _) => Policy::DropNewest,
            (1, _) => Policy::DropOldest,
            (2, 0) => Policy::Block(Duration::from_secs(1)),
            (2, 1..=600_000) => Policy::Block(Duration::from_millis(u64::from(block_ms))),
            _ => return Err(Error::Range),
        };
        Ok(())
    })
}

/// Sets who receives diagnostics, in place of whoever did before; `log` may be
/// `NULL` for nobody. `userdata` is handed to each call; `userdata_free` may be
/// `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_log(
    config: Option<&mut ph_config>,
    log: ph_log_fn,
    userdata: *mut c_void,
    userdata_free: ph_userdata_free_fn,
) -> ph_status {
    change(config, |config| {
        config.log_sink = log_sink(log, userdata, userdata_free);
        Ok(())
    })
}

/// Adds a function that sees each event before it is queued. Several run in the
/// order in which they were added, up to the first that drops the event.
/// `before_send` must not be `NULL`; `userdata_free` may be.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_add_before_send(
    config: Option<&mut ph_config>,
    before_send: ph_before_send_fn,
    userdata: *mut c_void,
    userdata_free: ph_userdata_free_fn,
) -> ph_status {
    change(config, |config| {
        // A call that fails frees nothing: the userdata is still the caller's.
        before_send.ok_or(Error::Null)?;
        let hook = self::before_send(before_send, userdata, userdata_free);
        config.hooks.before_send.extend(hook);
        Ok(())
    })
}

/// Sets who is told what became of each batch, in place of whoever was before;
/// `delivery` may be `NULL` for nobody, and so may `userdata_free`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_delivery(
    config: Option<&mut ph_config>,
    delivery: ph_delivery_fn,
    userdata: *mut c_void,
    userdata_free: ph_userdata_free_fn,
) -> ph_status {
    change(config, |config| {
        config.hooks.on_delivery = on_delivery(delivery, userdata, userdata_free);
        Ok(())
    })
}
