//! What an error tracker is told beside its exceptions: options, and steps.

use super::boundary::{attempt, outside_callbacks};
use super::config::change;
use super::types::{CStrArg, bytes, text};
use super::{ph_client, ph_config, ph_props, ph_status};
use crate::error::Error;
use std::time::Duration;

/// Says whose code frames are that begin with `prefix`: the program's own
/// (`in_app`) or a library's. What has to begin with it is the path of the
/// module, the source file, or the name of the function, e.g.
/// `/opt/game/vendor/`, `/build/third_party/` or `engine::`. May be called many
/// times; the longest prefix that fits wins. Without one, everything is the
/// program's but what lies in the system's folders, in folders of fetched
/// packages, and in the runtimes of C++ and Rust. Frames that say `in_app`
/// themselves keep it. `PH_ERROR_EMPTY` for an empty prefix.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_in_app(
    config: Option<&mut ph_config>,
    prefix: CStrArg<'_>,
    in_app: bool,
) -> ph_status {
    change(config, |config| {
        let prefix = text(prefix)?;
        if prefix.is_empty() {
            return Err(Error::Empty);
        }
        config.exceptions.in_app.add(prefix, in_app);
        Ok(())
    })
}

/// Sets the release that is running, the `$release_id` of its exceptions: the id
/// that PostHog's command line gave to the symbols of this build when it
/// uploaded them. An exception's own `$release_id` wins. `NULL` or an empty text
/// means none. `ph_config_from_env` takes it from `POSTHOG_RELEASE_ID`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_release(
    config: Option<&mut ph_config>,
    release_id: CStrArg<'_>,
) -> ph_status {
    change(config, |config| {
        let release = release_id.map(|_| text(release_id)).transpose()?.map(str::trim);
        let release = release.filter(|release| !release.is_empty());
        config.exceptions.release = release.map(str::to_owned);
        Ok(())
    })
}

/// Limits exceptions of the same kind, which have the type and the innermost
/// frames in common: `burst` at once, 1 to 1,000,000, then one in each
/// `interval_ms`, 1 to 86,400,000. All kinds together may be ten times as many.
/// 0 means the default: 10, and one in 10,000 ms. A `burst` of `PH_FOREVER` means
/// that there is no limit.
///
/// Those beyond are `PH_ERROR_SUPPRESSED`; the next of their kind that is sent
/// has their number in `$exception_suppressed_count`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_exception_limit(
    config: Option<&mut ph_config>,
    burst: u32,
    interval_ms: u32,
) -> ph_status {
    change(config, |config| {
        let mut limit = crate::exception::Limit::default();
        match burst {
            0 => {}
            super::PH_FOREVER => limit.burst = None,
            1..=1_000_000 => limit.burst = Some(burst),
            _ => return Err(Error::Range),
        }
        match interval_ms {
            0 => {}
            1..=86_400_000 => limit.interval = Duration::from_millis(interval_ms.into()),
            _ => return Err(Error::Range),
        }
        config.exceptions.limit = limit;
        Ok(())
    })
}

/// Remembers a step: what the program did, for the exceptions that come after.
///
/// Each later exception of this client has the last steps in
/// `$exception_steps`, the oldest first, as many as fit into 32,768 bytes of
/// JSON; unless it brings that property itself. A capture does not clear them.
/// A step has the time, `message`, and the members of `props`, which may be
/// `NULL`; its `$message` and `$timestamp` are left out, with a warning. All of
/// it is copied. `PH_ERROR_EMPTY` for a blank message, `PH_ERROR_TOO_LARGE` for
/// a step that is larger than the whole. In a child of `fork` there are none.
#[unsafe(no_mangle)]
pub extern "C" fn ph_step_add(
    client: Option<&ph_client>,
    message: CStrArg<'_>,
    props: Option<&ph_props>,
) -> ph_status {
    attempt(|| {
        outside_callbacks()?;
        let Some(client) = client.map(|handle| &handle.client).filter(|it| !it.is_off()) else {
            return Ok(());
        };
        client.add_step(bytes(message)?, props.map(|props| &props.props))
    })
}
