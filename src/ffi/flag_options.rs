//! `ph_config_*`: how feature flags are evaluated.

use super::callback::definitions_cache;
use super::config::change;
use super::types::{CStrArg, optional_text};
use super::{
    ph_config, ph_definitions_get_fn, ph_definitions_put_fn, ph_status, ph_userdata_free_fn,
};
use crate::error::Error;
use crate::flags::draft::Origin;
use crate::flags::preset::Values;
use std::ffi::c_void;
use std::sync::Arc;

/// How long `ph_flag_enabled` answers from what it has asked before.
/// Milliseconds, 1 to 86,400,000; default 60,000.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_flags_ttl_ms(
    config: Option<&mut ph_config>,
    ttl_ms: u32,
) -> ph_status {
    change(config, |config| config.flags_ttl_ms.set(u64::from(ttl_ms)))
}

/// Bounds for how many identities it remembers the answer. 1 to 1,000,000;
/// default 10,000.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_flags_max_identities(
    config: Option<&mut ph_config>,
    identities: u32,
) -> ph_status {
    change(config, |config| config.flags_max_identities.set(u64::from(identities)))
}

/// Bounds the total time of `ph_flag_enabled`, its retry included. Milliseconds,
/// up to 600,000; default 3,000. 0 is not the default but no waiting at all:
/// answers come from what is known, and a refresh runs in the background.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_flags_timeout_ms(
    config: Option<&mut ph_config>,
    timeout_ms: u32,
) -> ph_status {
    change(config, |config| {
        if timeout_ms > 600_000 {
            return Err(Error::Range);
        }
        config.flags_timeout_ms = timeout_ms;
        Ok(())
    })
}

/// Whether flags are evaluated in this process when there is a secret key.
/// Default true. False: nothing reads definitions, and there is no thread for
/// it; what `ph_definitions_load` brings is still used.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_local_evaluation(
    config: Option<&mut ph_config>,
    local_evaluation: bool,
) -> ph_status {
    change(config, |config| {
        config.local_evaluation = local_evaluation;
        Ok(())
    })
}

/// Whether flags are evaluated without any request: one that this process cannot
/// decide is not known then. Default false. `ph_context_set_local_only` says so
/// for one call.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_flags_local_only(
    config: Option<&mut ph_config>,
    local_only: bool,
) -> ph_status {
    change(config, |config| {
        config.flags_local_only = local_only;
        Ok(())
    })
}

/// Sets what flags are for as long as nothing else is known of them: before the
/// first answer, while PostHog cannot be reached, and for flags that it does not
/// have. `json` is an object: for each key `true`, `false`, the name of a
/// variant, or an object with `enabled`, `variant` and `payload`; or an array of
/// the keys that are on. Copied; `NULL` for none. Such values have the source
/// `PH_FLAG_SOURCE_DEFAULT`. `PH_ERROR_JSON`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_flags_bootstrap(
    config: Option<&mut ph_config>,
    json: CStrArg<'_>,
) -> ph_status {
    change(config, |config| {
        let json = optional_text(json)?.map(str::as_bytes);
        json.map(|json| Values::parse(json, Origin::Bootstrap)).transpose()?;
        config.flags_bootstrap = json.map(Arc::from);
        Ok(())
    })
}

/// Whether PostHog is told which flags are read, which experiments live on: an
/// event `$feature_flag_called` for each value of a flag that is read for a
/// distinct id and groups, once for each of up to 50,000 distinct ids. Reading
/// is what `ph_flag_enabled`, `ph_flags_is_enabled`, `ph_flags_is_known` and
/// `ph_flags_get_variant` do. Default true. As of any event, PostHog may drop one
/// whose distinct id is longer than 200 bytes; the flag has its value all the same.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_flag_events(
    config: Option<&mut ph_config>,
    flag_events: bool,
) -> ph_status {
    change(config, |config| {
        config.flag_events = flag_events;
        Ok(())
    })
}

/// Sets how long definitions of flags are taken for right before PostHog is
/// asked whether there are newer ones. Milliseconds, 100 to 86,400,000; default
/// 30,000. Each pause is up to a tenth longer or shorter, so that processes
/// which were started together do not ask together, and longer after failures.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_definitions_poll_ms(
    config: Option<&mut ph_config>,
    poll_ms: u32,
) -> ph_status {
    change(config, |config| config.definitions_poll_ms.set(u64::from(poll_ms)))
}

/// Sets where definitions of flags are shared with other processes, so that a
/// fleet reads them from PostHog once: before each poll `get` is asked, and what
/// this process has read is given to `put`. Both must not be `NULL`;
/// `userdata_free` may be, and runs when neither can be called any more: a lock
/// is released there. With a cache and no secret key only the cache is read.
/// When it fails, this process reads by itself. examples/shared_definitions.c
/// shares them through a file, with a lock.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_definitions_cache(
    config: Option<&mut ph_config>,
    get: ph_definitions_get_fn,
    put: ph_definitions_put_fn,
    userdata: *mut c_void,
    userdata_free: ph_userdata_free_fn,
) -> ph_status {
    change(config, |config| {
        // A call that fails frees nothing: the userdata is still the caller's.
        get.ok_or(Error::Null)?;
        put.ok_or(Error::Null)?;
        config.hooks.definitions_cache = definitions_cache(get, put, userdata, userdata_free);
        Ok(())
    })
}
