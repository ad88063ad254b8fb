//! `ph_flags_*`: feature flags as one evaluation found them, and `ph_flag_enabled`.

use super::boundary::{attempt, guard, outside_callbacks};
use super::types::{CStrArg, CStrLent, LentStr, text};
use super::{ph_client, ph_context, ph_status};
use crate::error::Error;
use crate::flags::context::Context;
use crate::flags::snapshot::{Flag, Snapshot};
use safer_ffi::prelude::repr_c;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::time::Duration;

/// The feature flags of one distinct id at one moment. It never changes, and
/// reading it makes no request. May be read from any thread at once.
pub struct ph_flags {
    pub(super) snapshot: Snapshot,
}

/// Evaluates feature flags for a distinct id: one request to PostHog, and one
/// more if the first fails in a way that passes, all within `timeout_ms`
/// milliseconds (at least 1; `PH_FOREVER`: no limit). Blocks until then.
///
/// `context` may be `NULL`. On success `*flags_out` is the caller's, to free
/// with `ph_flags_free`; on failure it is not written. Success may be partial:
/// a flag that could not be evaluated is not known, and
/// `ph_flags_get_reason` says why. A client that is disabled or opted out makes
/// no request: no flag is known then.
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
    attempt(|| {
        let timeout = Duration::from_millis(u64::from(timeout_ms));
        let evaluate = || {
            let out = flags_out.ok_or(Error::Null)?;
            outside_callbacks()?;
            let snapshot = evaluate(client, distinct_id, context, timeout)?;
            out.write(Box::new(ph_flags { snapshot }).into());
            Ok(())
        };
        let result = evaluate();
        if let (Some(ph_client { client }), Err(error)) = (client, result) {
            client.refuse(error);
        }
        result
    })
}

fn evaluate(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    context: Option<&ph_context>,
    timeout: Duration,
) -> Result<Snapshot, Error> {
    let Some(client) = client else { return Ok(Snapshot::empty("")) };
    let Some(flags) = client.client.flags()? else { return Ok(Snapshot::empty("")) };
    let distinct_id = text(distinct_id)?;
    match context {
        Some(context) => flags.evaluate(distinct_id, &context.context, timeout),
        None => flags.evaluate(distinct_id, &Context::default(), timeout),
    }
}

/// Frees what `ph_flags_evaluate` gave, and every text that it lent. Ignores
/// `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_free(flags: Option<repr_c::Box<ph_flags>>) {
    guard(|| drop(flags));
}

/// Whether a flag is on: released to this distinct id, in whatever variant.
/// `fallback` when that is not known: there is no such flag, it could not be
/// evaluated, or `flags` is `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_is_enabled(
    flags: Option<&ph_flags>,
    key: CStrArg<'_>,
    fallback: bool,
) -> bool {
    guard(|| flag(flags, key).map(Flag::enabled)).unwrap_or(fallback)
}

/// Whether the value of a flag is known. One that is off is known.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_is_known(flags: Option<&ph_flags>, key: CStrArg<'_>) -> bool {
    guard(|| flag(flags, key).is_some())
}

/// The variant of a flag that has several, and is on. Lasts as long as
/// `flags`. `NULL` for a flag that is off, has no variants, or is not known.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_variant<'a>(
    flags: Option<&'a ph_flags>,
    key: CStrArg<'_>,
) -> CStrLent<'a> {
    guard(|| lend(flag(flags, key)?.variant()))
}

/// The payload of a flag, as the text of a JSON value. Lasts as long as
/// `flags`. `NULL` when it has none, or is not known.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_payload<'a>(
    flags: Option<&'a ph_flags>,
    key: CStrArg<'_>,
) -> CStrLent<'a> {
    guard(|| lend(flag(flags, key)?.payload()))
}

/// Why a flag has its value, in PostHog's code: `condition_match`,
/// `no_condition_match`, `out_of_rollout_bound`, and others. Or why it is not
/// known: the server's code, `evaluation_failed` where it gives none,
/// `malformed` for a record that could not be read, or `quota_limited` when the
/// project is over its quota of flag requests. Lasts as long as `flags`. `NULL`
/// when there is no such flag, or the server did not say.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_reason<'a>(
    flags: Option<&'a ph_flags>,
    key: CStrArg<'_>,
) -> CStrLent<'a> {
    guard(|| lend(flags?.snapshot.reason(text(key).ok()?)))
}

/// How many flags are known. 0 for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_count(flags: Option<&ph_flags>) -> usize {
    guard(|| flags.map_or(0, |flags| flags.snapshot.len()))
}

/// The key of a known flag; `index` counts from 0, in the order of the keys'
/// bytes. Lasts as long as `flags`. `NULL` from `ph_flags_get_count` on.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_key(flags: Option<&ph_flags>, index: usize) -> CStrLent<'_> {
    guard(|| lend(Some(flags?.snapshot.at(index)?.key())))
}

/// Whether a flag is on for a distinct id, from what the client remembers or
/// else from a request, never waiting for longer than
/// `ph_config_set_flags_timeout_ms` in all. `context` may be `NULL`.
///
/// One request answers for every flag of a distinct id and context, holds for a
/// while (`ph_config_set_flags_ttl_ms`), and serves all threads that ask
/// meanwhile. When a later one fails, what was known before holds on, and the
/// next is made after a pause. With a timeout of 0 this never waits: it answers
/// from what is remembered, and a thread asks in the background.
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
    guard(|| {
        outside_callbacks().ok()?;
        let flags = client?.client.flags().ok()??;
        let context = context.map(|context| &context.context);
        Some(flags.enabled(text(distinct_id).ok()?, text(key).ok()?, context, fallback))
    })
    .unwrap_or(fallback)
}

fn flag<'a>(flags: Option<&'a ph_flags>, key: CStrArg<'_>) -> Option<Flag<'a>> {
    flags?.snapshot.get(text(key).ok()?)
}

fn lend(text: Option<&CStr>) -> CStrLent<'_> {
    text.map(LentStr::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::config::Config;
    use crate::ffi::{ph_context_add_flag_key, ph_context_limit_flag_keys, ph_context_new};
    use crate::hooks::Gate;
    use posthog_receiver::{Flag as Row, Flags as Table, Receiver};
    use serde_json::json;

    const PLENTY_MS: u32 = 20_000;

    /// As C passes it: any bytes.
    fn c(text: &CStr) -> CStrArg<'_> {
        // SAFETY: a pointer is what C passes for this type, and the text outlives it.
        unsafe { std::mem::transmute::<*const std::ffi::c_char, CStrArg<'_>>(text.as_ptr()) }
    }

    fn lent(text: CStrLent<'_>) -> Option<&str> {
        let text: *const std::ffi::c_char = text.map(|text| {
            // SAFETY: a lent text is a pointer and nothing else, as C sees it.
            unsafe { std::mem::transmute::<LentStr<'_>, *const std::ffi::c_char>(text) }
        })?;
        // SAFETY: the library lends NUL-terminated texts, and the handle is still there.
        unsafe { CStr::from_ptr(text) }.to_str().ok()
    }

    fn client(receiver: &Receiver) -> ph_client {
        receiver.set_flags(
            Table::none()
                .with("a", Row::off())
                .with("b", Row::variant("blue").payload(&json!({"copy": "new"}))),
        );
        let mut config = Config::new("phc_x");
        config.set_host(&receiver.url()).unwrap();
        ph_client { client: Client::new(&config).unwrap() }
    }

    fn evaluated(
        client: Option<&ph_client>,
        context: Option<&ph_context>,
    ) -> repr_c::Box<ph_flags> {
        let mut out = MaybeUninit::uninit();
        let status = ph_flags_evaluate(client, c(c"u"), context, PLENTY_MS, Some(&mut out));
        assert_eq!(status, ph_status::PH_OK);
        // SAFETY: written on success.
        unsafe { out.assume_init() }
    }

    #[test]
    fn an_evaluation_is_read_without_copies() {
        let receiver = Receiver::start();
        let client = client(&receiver);
        let flags = evaluated(Some(&client), None);
        let flags = Some(&*flags);
        assert_eq!(ph_flags_get_count(flags), 2);
        assert_eq!(lent(ph_flags_get_key(flags, 1)), Some("b"));
        assert_eq!(lent(ph_flags_get_key(flags, 2)), None);
        assert!(!ph_flags_is_enabled(flags, c(c"a"), true));
        assert!(ph_flags_is_enabled(flags, c(c"b"), false));
        assert!(ph_flags_is_known(flags, c(c"a")));
        assert_eq!(lent(ph_flags_get_variant(flags, c(c"a"))), None);
        assert_eq!(lent(ph_flags_get_variant(flags, c(c"b"))), Some("blue"));
        assert_eq!(lent(ph_flags_get_payload(flags, c(c"b"))), Some(r#"{"copy":"new"}"#));
        assert_eq!(lent(ph_flags_get_reason(flags, c(c"a"))), Some("no_condition_match"));
        for key in [c(c"missing"), c(c"\xFF"), None] {
            assert!(!ph_flags_is_known(flags, key));
            assert_eq!(lent(ph_flags_get_variant(flags, key)), None);
            assert_eq!(lent(ph_flags_get_payload(flags, key)), None);
            assert_eq!(lent(ph_flags_get_reason(flags, key)), None);
            for fallback in [true, false] {
                assert_eq!(ph_flags_is_enabled(flags, key, fallback), fallback);
                assert_eq!(ph_flag_enabled(Some(&client), c(c"u"), key, None, fallback), fallback);
            }
        }
        assert!(!ph_flag_enabled(Some(&client), c(c"u"), c(c"a"), None, true));
        ph_flags_free(Some(evaluated(Some(&client), None)));
    }

    #[test]
    fn a_context_narrows_the_evaluation() {
        let receiver = Receiver::start();
        let client = client(&receiver);
        let mut context = ph_context_new().unwrap();
        assert_eq!(ph_context_limit_flag_keys(Some(&mut context)), ph_status::PH_OK);
        assert_eq!(ph_flags_get_count(Some(&evaluated(Some(&client), Some(&context)))), 0);
        assert_eq!(receiver.requests().len(), 0);
        assert_eq!(ph_context_add_flag_key(Some(&mut context), c(c"b")), ph_status::PH_OK);
        let flags = evaluated(Some(&client), Some(&context));
        assert_eq!(lent(ph_flags_get_key(Some(&flags), 0)), Some("b"));
        assert_eq!(ph_flags_get_count(Some(&flags)), 1);
        assert!(ph_flag_enabled(Some(&client), c(c"u"), c(c"a"), Some(&context), true));
    }

    #[test]
    fn a_call_that_fails_writes_nothing_and_is_counted() {
        let receiver = Receiver::start();
        let client = client(&receiver);
        let mut out = MaybeUninit::uninit();
        let mut call =
            |id, timeout_ms| ph_flags_evaluate(Some(&client), id, None, timeout_ms, Some(&mut out));
        assert_eq!(call(None, PLENTY_MS), ph_status::PH_ERROR_NULL);
        assert_eq!(call(c(c"\xFF"), PLENTY_MS), ph_status::PH_ERROR_UTF8);
        assert_eq!(call(c(c" "), PLENTY_MS), ph_status::PH_ERROR_EMPTY);
        assert_eq!(call(c(c"u"), 0), ph_status::PH_ERROR_TIMEOUT);
        let status = ph_flags_evaluate(Some(&client), c(c"u"), None, PLENTY_MS, None);
        assert_eq!(status, ph_status::PH_ERROR_NULL);
        let refused = |error| client.client.counters().refused(error as usize);
        assert_eq!(refused(Error::Null), 2);
        assert_eq!(refused(Error::Utf8), 1);
        assert_eq!(refused(Error::Empty), 1);
        assert_eq!(refused(Error::Timeout), 1);
        assert_eq!(receiver.requests().len(), 0);
    }

    #[test]
    fn a_client_that_is_off_knows_nothing_and_asks_nobody() {
        let receiver = Receiver::start();
        let opted_out = client(&receiver);
        opted_out.client.opt_out();
        let shut_down = client(&receiver);
        shut_down.client.shut_down(None).unwrap();
        let disabled = ph_client { client: Client::new(&Config::new("")).unwrap() };
        for client in [Some(&opted_out), Some(&disabled), None] {
            assert_eq!(ph_flags_get_count(Some(&evaluated(client, None))), 0);
        }
        let mut out = MaybeUninit::uninit();
        let late = ph_flags_evaluate(Some(&shut_down), c(c"u"), None, PLENTY_MS, Some(&mut out));
        assert_eq!(late, ph_status::PH_ERROR_SHUTDOWN);
        for client in [Some(&opted_out), Some(&shut_down), Some(&disabled), None] {
            for fallback in [true, false] {
                assert_eq!(ph_flag_enabled(client, c(c"u"), c(c"b"), None, fallback), fallback);
            }
        }
        assert_eq!(ph_flags_evaluate(None, None, None, 0, None), ph_status::PH_ERROR_NULL);
        opted_out.client.opt_in();
        assert_eq!(receiver.requests().len(), 0);
        assert!(ph_flag_enabled(Some(&opted_out), c(c"u"), c(c"b"), None, false));
    }

    #[test]
    fn nothing_is_evaluated_inside_a_callback() {
        let receiver = Receiver::start();
        let client = client(&receiver);
        let inside = Gate::default().pass(|| {
            let mut out = MaybeUninit::uninit();
            let short = ph_flag_enabled(Some(&client), c(c"u"), c(c"a"), None, true);
            (ph_flags_evaluate(Some(&client), c(c"u"), None, PLENTY_MS, Some(&mut out)), short)
        });
        assert_eq!(inside, Some((ph_status::PH_ERROR_REENTRANT, true)));
        assert_eq!(receiver.requests().len(), 0);
    }

    #[test]
    fn null_flags_know_nothing() {
        assert!(ph_flags_is_enabled(None, c(c"a"), true));
        assert!(!ph_flags_is_known(None, c(c"a")));
        assert_eq!(lent(ph_flags_get_reason(None, c(c"a"))), None);
        assert_eq!(lent(ph_flags_get_key(None, 0)), None);
        assert_eq!(ph_flags_get_count(None), 0);
        ph_flags_free(None);
    }
}
