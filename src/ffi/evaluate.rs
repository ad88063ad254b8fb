//! `ph_flags_evaluate` and `ph_flag_enabled`: feature flags for somebody.

use super::boundary::{attempt, guard, outside_callbacks};
use super::types::{CStrArg, slice, text, utf8};
use super::{ph_client, ph_context, ph_flags, ph_status};
use crate::client::Client;
use crate::error::Error;
use crate::flags::snapshot::Snapshot;
use crate::flags::view::View;
use safer_ffi::prelude::repr_c;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::time::Duration;

type FlagsOut<'a> = Option<&'a mut MaybeUninit<repr_c::Box<ph_flags>>>;

/// Evaluates feature flags for a distinct id: in this process what its
/// definitions decide, and for the rest with one request to PostHog, and one
/// more if the first fails in a way that passes, all within `timeout_ms`
/// milliseconds (at least 1 for a request; `PH_FOREVER`: no limit). Blocks until
/// then. What is decided here wins.
///
/// Whoever asks for the same while a request is under way waits for that one.
/// Of a distinct id PostHog looks at the first 200 characters, and so does this.
///
/// `context` may be `NULL`. On success `*flags_out` is the caller's, to free
/// with `ph_flags_free`; on failure it is not written. Success may be partial:
/// a flag that could not be evaluated keeps the value that an earlier answer
/// for this id and context gave it (`PH_FLAG_SOURCE_STALE`), also when there is
/// no answer at all; where there is none it is not known, and
/// `ph_flags_get_reason` says why. It fails where nothing is known. A client
/// that is disabled or opted out makes no request: no flag is known then.
///
/// `PH_ERROR_NULL`, `PH_ERROR_UTF8` and `PH_ERROR_EMPTY` (of the id),
/// `PH_ERROR_TIMEOUT`, `PH_ERROR_NETWORK`, `PH_ERROR_SERVER`,
/// `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_evaluate(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    context: Option<&ph_context>,
    timeout_ms: u32,
    flags_out: Option<&mut MaybeUninit<repr_c::Box<ph_flags>>>,
) -> ph_status {
    attempt(|| evaluate(client, || text(distinct_id), context, timeout_ms, flags_out))
}

/// The same, for a distinct id of so many bytes that needs no NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_flags_evaluate_n(
    client: Option<&ph_client>,
    distinct_id: *const c_char,
    distinct_id_len: usize,
    context: Option<&ph_context>,
    timeout_ms: u32,
    flags_out: Option<&mut MaybeUninit<repr_c::Box<ph_flags>>>,
) -> ph_status {
    attempt(|| {
        // SAFETY: C promises as many readable bytes as it says; they are read during this call.
        let distinct_id = unsafe { slice(distinct_id, distinct_id_len) };
        evaluate(client, || utf8(distinct_id?), context, timeout_ms, flags_out)
    })
}

/// Gives all that `ph_flag_enabled` answers from: what can be evaluated without
/// a request, and for the rest what the client remembers of a distinct id, or
/// else what a request says, within `ph_config_set_flags_timeout_ms` in all. For whoever wants a payload or a
/// variant without a request for each read.
///
/// `context` may be `NULL`. On success `*flags_out` is the caller's, to free
/// with `ph_flags_free`; on failure it is not written. A client that is
/// disabled or opted out knows no flag.
///
/// `PH_ERROR_NULL`, `PH_ERROR_UTF8` and `PH_ERROR_EMPTY` (of the id),
/// `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`. Where nothing is remembered the
/// status says why: `PH_ERROR_NETWORK`, `PH_ERROR_SERVER`, or
/// `PH_ERROR_TIMEOUT`, also if the client may not wait.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_recall(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    context: Option<&ph_context>,
    flags_out: Option<&mut MaybeUninit<repr_c::Box<ph_flags>>>,
) -> ph_status {
    attempt(|| {
        give(client, flags_out, |client| {
            if client.is_off() {
                return client.recall("", None);
            }
            client.recall(text(distinct_id)?, context.map(|it| &it.context))
        })
    })
}

fn evaluate<'a>(
    client: Option<&ph_client>,
    distinct_id: impl FnOnce() -> Result<&'a str, Error>,
    context: Option<&ph_context>,
    timeout_ms: u32,
    flags_out: FlagsOut<'_>,
) -> Result<(), Error> {
    let timeout = Duration::from_millis(u64::from(timeout_ms));
    give(client, flags_out, |client| {
        if client.is_off() {
            return client.evaluate("", None, timeout);
        }
        client.evaluate(distinct_id()?, context.map(|it| &it.context), timeout)
    })
}

/// Gives C what an evaluation found; counts it when it is refused.
fn give(
    client: Option<&ph_client>,
    flags_out: FlagsOut<'_>,
    find: impl FnOnce(&Client) -> Result<View, Error>,
) -> Result<(), Error> {
    let give = || {
        let out = flags_out.ok_or(Error::Null)?;
        outside_callbacks()?;
        let view = match client {
            Some(ph_client { client }) => find(client)?,
            None => View::new(Snapshot::empty(""), None),
        };
        out.write(ph_flags::new(view, client));
        Ok(())
    };
    let result = give();
    if let (Some(ph_client { client }), Err(error)) = (client, result) {
        client.refuse(error);
    }
    result
}

/// Whether a flag is on for a distinct id: as the definitions of this process
/// decide it, or else from what the client remembers or from a request, never waiting for longer than
/// `ph_config_set_flags_timeout_ms` in all. `context` may be `NULL`.
///
/// One request answers for every flag of a distinct id and context, holds for a
/// while (`ph_config_set_flags_ttl_ms`), and serves all threads that ask
/// meanwhile. When a later one fails, what was known before holds on, and the
/// next is made after a pause. Once two in a row have failed, whoever they were
/// about, nobody waits any more: a thread tries now and then whether PostHog is
/// back. With a timeout of 0 this never waits: it answers from what is
/// remembered, and a thread asks in the background. An answer that names a time to
/// wait (`Retry-After`) is heeded, up to 30 seconds, as after two failures.
///
/// `fallback` when the value is not known: there is no such flag, it could not
/// be evaluated in time, an argument is not as it has to be, the client is
/// disabled, opted out, shut down or `NULL`, or this is called from inside a
/// callback. A flag that is off is `false`, whatever `fallback` is.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flag_enabled(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    key: CStrArg<'_>,
    context: Option<&ph_context>,
    fallback: bool,
) -> bool {
    guard(|| enabled(client, || text(distinct_id), || text(key), context)).unwrap_or(fallback)
}

/// The same, for texts of so many bytes that need no NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_flag_enabled_n(
    client: Option<&ph_client>,
    distinct_id: *const c_char,
    distinct_id_len: usize,
    key: *const c_char,
    key_len: usize,
    context: Option<&ph_context>,
    fallback: bool,
) -> bool {
    guard(|| {
        // SAFETY: C promises as many readable bytes as it says; they are read during this call.
        let distinct_id = unsafe { slice(distinct_id, distinct_id_len) };
        // SAFETY: as above.
        let key = unsafe { slice(key, key_len) };
        enabled(client, || utf8(distinct_id?), || utf8(key?), context)
    })
    .unwrap_or(fallback)
}

fn enabled<'a>(
    client: Option<&ph_client>,
    distinct_id: impl FnOnce() -> Result<&'a str, Error>,
    key: impl FnOnce() -> Result<&'a str, Error>,
    context: Option<&ph_context>,
) -> Option<bool> {
    outside_callbacks().ok()?;
    let client = &client?.client;
    let context = context.map(|context| &context.context);
    client.flag_enabled(distinct_id().ok()?, key().ok()?, context)
}
