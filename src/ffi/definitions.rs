//! `ph_definitions_*`, and what else there is to local evaluation.

use super::boundary::{attempt, outside_callbacks};
use super::client::timeout;
use super::types::{CStrArg, CStrOwned, OwnedStr, optional_text, slice, text};
use super::{ph_client, ph_context, ph_status};
use crate::error::Error;
use crate::flags::Flags;
use crate::flags::context::Context;
use crate::flags::draft::Origin;
use crate::flags::explanation::{Explanation, Missing};
use crate::flags::preset::Values;
use std::ffi::c_char;
use std::mem::MaybeUninit;

/// Calls `call` with the flags of a client; one that is off has nothing to do.
fn on_flags(
    client: Option<&ph_client>,
    call: impl FnOnce(&Flags) -> Result<(), Error>,
) -> ph_status {
    attempt(|| {
        outside_callbacks()?;
        match client {
            Some(client) => client.client.flags()?.map_or(Ok(()), call),
            None => Ok(()),
        }
    })
}

/// Waits until flags can be evaluated in this process: until definitions have
/// been read, or loaded with `ph_definitions_load`. `timeout_ms`: `PH_NO_WAIT`
/// only starts the thread that reads them; `PH_FOREVER`: no limit.
///
/// `PH_ERROR_TIMEOUT`; `PH_ERROR_SERVER` at once when PostHog refuses the secret
/// key and nothing was loaded; `PH_ERROR_UNSUPPORTED` when there is no secret
/// key, or `ph_config_set_local_evaluation` turned it off, and nothing was
/// loaded; `PH_ERROR_SHUTDOWN`, `PH_ERROR_THREAD`, `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_wait_ready(client: Option<&ph_client>, timeout_ms: u32) -> ph_status {
    on_flags(client, |flags| flags.wait_ready(timeout(timeout_ms)))
}

/// Asks PostHog now whether there are newer definitions of flags, and waits for
/// them. `timeout_ms`: `PH_NO_WAIT` leaves it to the thread; `PH_FOREVER`: no
/// limit. Whatever comes of it, definitions that were known before stay.
///
/// `PH_OK`: they are as new as PostHog's. `PH_ERROR_NETWORK`: they could not be
/// read; the log says why. `PH_ERROR_SERVER`: PostHog refuses the key, or the
/// project is over its quota. `PH_ERROR_TIMEOUT`, and the others of
/// `ph_flags_wait_ready`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_refresh(client: Option<&ph_client>, timeout_ms: u32) -> ph_status {
    on_flags(client, |flags| flags.refresh(timeout(timeout_ms)))
}

/// Sets what flags are, whatever definitions or PostHog say: for tests. `json` is
/// as in `ph_config_set_flags_bootstrap`, and replaces what was set before;
/// `NULL` for no more. Such values have the source `PH_FLAG_SOURCE_OVERRIDE`,
/// need no request, and reads of them are not told to PostHog. The other flags
/// are evaluated as always: `ph_config_set_flags_local_only` keeps a test from
/// asking for those. Does nothing for a client that is disabled or opted out.
///
/// `PH_ERROR_JSON`, `PH_ERROR_UTF8`, `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_override(client: Option<&ph_client>, json: CStrArg<'_>) -> ph_status {
    on_flags(client, |flags| {
        let json = optional_text(json)?;
        let values = json.map(|json| Values::parse(json.as_bytes(), Origin::Override));
        flags.set_overrides(values.transpose()?);
        Ok(())
    })
}

/// Loads definitions of flags from `json`, `json_len` bytes: what
/// `ph_definitions_save` gave, or PostHog's `GET /flags/definitions` answers.
/// They count from here on, in place of those that were known, until the next
/// poll finds newer ones: so a process that starts while PostHog cannot be
/// reached has its flags. Needs no secret key: without one they stay. Copied.
///
/// `PH_ERROR_JSON` when it is not definitions: nothing has changed then.
/// `PH_ERROR_NULL`, `PH_ERROR_UNSUPPORTED` in a build without local evaluation,
/// `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_definitions_load(
    client: Option<&ph_client>,
    json: *const c_char,
    json_len: usize,
) -> ph_status {
    on_flags(client, |flags| {
        // SAFETY: C promises as many readable bytes as it says; they are read during this call.
        flags.load_definitions(unsafe { slice(json, json_len) }?)
    })
}

/// Loads the definitions of flags that are in a file, which `ph_definitions_save_file`
/// wrote: as `ph_definitions_load` does. For a cold start:
///
/// ```c
/// ph_definitions_load_file(client, path);
/// ph_flags_wait_ready(client, 1000);
/// ph_definitions_save_file(client, path);
/// ```
///
/// `PH_ERROR_FILE` when it cannot be read, which the log tells more about, such as
/// in the first process; `PH_ERROR_JSON` when definitions are not what is in it.
/// Nothing has changed then. `PH_ERROR_NULL`, `PH_ERROR_UTF8` (of the path),
/// `PH_ERROR_UNSUPPORTED` in a build without local evaluation,
/// `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_definitions_load_file(
    client: Option<&ph_client>,
    path: CStrArg<'_>,
) -> ph_status {
    on_flags(client, |flags| flags.load_definitions_file(text(path)?))
}

/// Writes the definitions of flags that this process uses now into a file, for the
/// next process. The file is replaced whole, so that nobody finds half of it, and
/// nobody but its owner may read it (mode 0600): definitions say whom flags are
/// released to. Waits for the disk.
///
/// `PH_ERROR_UNSUPPORTED` when this process has none: a file that was there stays.
/// `PH_ERROR_FILE` when it cannot be written, which the log tells more about: the
/// same. `PH_ERROR_NULL`, `PH_ERROR_UTF8`, `PH_ERROR_SHUTDOWN`,
/// `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_definitions_save_file(
    client: Option<&ph_client>,
    path: CStrArg<'_>,
) -> ph_status {
    on_flags(client, |flags| flags.save_definitions_file(text(path)?))
}

/// The definitions of flags that this process uses now, as the text of a JSON
/// object, byte for byte as PostHog sent them: for a file that the next process
/// loads. They say whom flags are released to: keep them as safe as that.
///
/// On success `*json_out` is the caller's, to free with `ph_string_free`; `NULL`
/// when there are none.
#[unsafe(no_mangle)]
pub extern "C" fn ph_definitions_save(
    client: Option<&ph_client>,
    json_out: Option<&mut MaybeUninit<CStrOwned>>,
) -> ph_status {
    attempt(|| {
        let out = json_out.ok_or(Error::Null)?;
        outside_callbacks()?;
        let flags = client.map(|client| client.client.flags()).transpose()?.flatten();
        out.write(flags.and_then(Flags::save_definitions).and_then(OwnedStr::new));
        Ok(())
    })
}

/// How `ph_flag_explain` tells.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_explain {
    /// For a person: one step a line.
    PH_EXPLAIN_TEXT = 0,
    /// For a program: a JSON object with `flag`, and `evaluations`, each with its
    /// `flag`, `steps` and `outcome`. The last is the flag's own; those before it
    /// are of the flags that it depends on. `missing` says why there is none.
    PH_EXPLAIN_JSON = 1,
}

/// Explains how this process decides a flag for a distinct id: the path through
/// its conditions, the properties that were looked at, where the id falls, and
/// every reason why something could not be decided. Makes no request, and says
/// nothing of what PostHog would answer. `context` may be `NULL`. `format` is
/// one of `ph_explain`. The text has the values of properties in it: it is for
/// whoever may see those.
///
/// On success `*text_out` is the caller's, to free with `ph_string_free`.
/// `PH_ERROR_NULL`, `PH_ERROR_UTF8`, `PH_ERROR_EMPTY`, `PH_ERROR_RANGE`,
/// `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flag_explain(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    key: CStrArg<'_>,
    context: Option<&ph_context>,
    format: i32,
    text_out: Option<&mut MaybeUninit<CStrOwned>>,
) -> ph_status {
    attempt(|| {
        let out = text_out.ok_or(Error::Null)?;
        outside_callbacks()?;
        let (distinct_id, key) = (text(distinct_id)?, text(key)?);
        let nothing = Context::default();
        let context = context.map_or(&nothing, |context| &context.context);
        let flags = client.map(|client| client.client.flags()).transpose()?.flatten();
        let explanation = match flags {
            Some(flags) => flags.explain(distinct_id, key, context)?,
            None => Explanation::missing(key, Missing::Off),
        };
        let told = match format {
            0 => explanation.text,
            1 => explanation.json,
            _ => return Err(Error::Range),
        };
        out.write(OwnedStr::new(told.into_bytes()));
        Ok(())
    })
}

/// What a `ph_definitions_get_fn` advises.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_definitions_advice {
    /// Read them from PostHog: it is this process's turn. They are put into the
    /// cache then.
    PH_DEFINITIONS_FETCH = 0,
    /// Use those that `ph_definitions_set` was called with.
    PH_DEFINITIONS_USE = 1,
    /// It is another process's turn, and the cache has none that are newer than
    /// those that are known here. A process that knows none reads them from
    /// PostHog.
    PH_DEFINITIONS_KEEP = 2,
}

/// Takes the definitions that a `ph_definitions_get_fn` found, for the length of
/// its call. Is not to be freed.
pub struct ph_definitions {
    pub(super) json: Option<Vec<u8>>,
}

/// Hands over definitions, `json_len` bytes as a `ph_definitions_put_fn` was
/// given them. Copied. `PH_ERROR_NULL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_definitions_set(
    definitions: Option<&mut ph_definitions>,
    json: *const c_char,
    json_len: usize,
) -> ph_status {
    attempt(|| {
        let definitions = definitions.ok_or(Error::Null)?;
        // SAFETY: C promises as many readable bytes as it says; they are read during this call.
        definitions.json = Some(unsafe { slice(json, json_len) }?.to_vec());
        Ok(())
    })
}
