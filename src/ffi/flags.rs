//! `ph_flags_*`: feature flags as one evaluation found them.

use super::boundary::{attempt, guard};
use super::types::{CStrArg, CStrLent, LentStr, array, bytes, utf8};
use super::{ph_client, ph_status};
use crate::client::Client;
use crate::error::Error;
use crate::flags::draft::Origin;
use crate::flags::snapshot::Flag;
use crate::flags::view::View;
use safer_ffi::prelude::repr_c;
use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// The feature flags of one distinct id at one moment. It never changes, and
/// reading it makes no request. May be read from any thread at once, also when
/// the client is gone.
pub struct ph_flags {
    pub(super) view: View,
    /// Told what is read, for as long as it is there.
    client: Weak<Client>,
}

impl ph_flags {
    pub(super) fn new(view: View, client: Option<&ph_client>) -> repr_c::Box<ph_flags> {
        let client = client.map_or_else(Weak::new, |it| Arc::downgrade(&it.client));
        Box::new(ph_flags { view, client }).into()
    }

    /// A part of it.
    fn with(&self, view: View) -> repr_c::Box<ph_flags> {
        Box::new(ph_flags { view, client: self.client.clone() }).into()
    }

    #[cold]
    fn tell(&self, key: &[u8]) {
        if let (Some(client), Ok(key)) = (self.client.upgrade(), utf8(key)) {
            client.flag_read(&self.view, key);
        }
    }
}

/// Where the value of a flag came from.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_flag_source {
    /// Nowhere: it is not known.
    PH_FLAG_SOURCE_UNKNOWN = 0,
    /// PostHog's answer to this evaluation.
    PH_FLAG_SOURCE_REMOTE = 1,
    /// Definitions that the client had, without a request.
    PH_FLAG_SOURCE_LOCAL = 2,
    /// An earlier answer: PostHog did not say this time.
    PH_FLAG_SOURCE_STALE = 3,
    /// A value that the program set in place of any other.
    PH_FLAG_SOURCE_OVERRIDE = 4,
    /// A value that the program brought for as long as nothing else is known.
    PH_FLAG_SOURCE_DEFAULT = 5,
}

impl From<Origin> for ph_flag_source {
    fn from(origin: Origin) -> ph_flag_source {
        match origin {
            Origin::Remote => ph_flag_source::PH_FLAG_SOURCE_REMOTE,
            Origin::Local => ph_flag_source::PH_FLAG_SOURCE_LOCAL,
            Origin::Stale => ph_flag_source::PH_FLAG_SOURCE_STALE,
            Origin::Override => ph_flag_source::PH_FLAG_SOURCE_OVERRIDE,
            Origin::Bootstrap => ph_flag_source::PH_FLAG_SOURCE_DEFAULT,
        }
    }
}

/// Frees what an evaluation gave, and every text that it lent. Ignores `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_free(flags: Option<repr_c::Box<ph_flags>>) {
    guard(|| drop(flags));
}

/// Whether a flag is on: released to this distinct id, in whatever variant.
/// `fallback` when that is not known: there is no such flag, it could not be
/// evaluated, or `flags` is `NULL`.
///
/// This, `ph_flags_is_known` and `ph_flags_get_variant` read a flag's value;
/// the others do not, see `ph_flags_only_accessed`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_is_enabled(
    flags: Option<&ph_flags>,
    key: CStrArg<'_>,
    fallback: bool,
) -> bool {
    guard(|| read(flags, bytes(key).ok()?)?.enabled()).unwrap_or(fallback)
}

/// Whether the value of a flag is known. One that is off is known.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_is_known(flags: Option<&ph_flags>, key: CStrArg<'_>) -> bool {
    guard(|| read(flags, bytes(key).ok()?)?.enabled()).is_some()
}

/// The variant of a flag that has several, and is on. Lasts as long as
/// `flags`. `NULL` for a flag that is off, has no variants, or is not known.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_variant<'a>(
    flags: Option<&'a ph_flags>,
    key: CStrArg<'_>,
) -> CStrLent<'a> {
    guard(|| lend(read(flags, bytes(key).ok()?)?.variant()))
}

/// The payload of a flag, as the text of a JSON value. Lasts as long as
/// `flags`. `NULL` when it has none, or is not known.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_payload<'a>(
    flags: Option<&'a ph_flags>,
    key: CStrArg<'_>,
) -> CStrLent<'a> {
    guard(|| lend(find(flags, key)?.payload()))
}

/// Why a flag has its value, in PostHog's code: `condition_match`,
/// `no_condition_match`, `out_of_rollout_bound`, and others. Or why it is not
/// known: the server's code, `evaluation_failed` where it gives none,
/// `malformed` for a record that could not be read, `quota_limited` when the
/// project is over its quota of flag requests; `timeout`, `connection_error`
/// or `api_error_<status>` when there was no answer; and of an evaluation
/// without the server `missing_context`, `unresolved_dependency`,
/// `unsupported_definition` or `experience_continuity`. Lasts as long as
/// `flags`. `NULL` when there is no such flag, or nobody said.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_reason<'a>(
    flags: Option<&'a ph_flags>,
    key: CStrArg<'_>,
) -> CStrLent<'a> {
    guard(|| lend(flags?.view.snapshot().reason(bytes(key).ok()?)))
}

/// Where the value of a flag came from: one of `ph_flag_source`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_source(
    flags: Option<&ph_flags>,
    key: CStrArg<'_>,
) -> ph_flag_source {
    guard(|| known(flags, key).map(|flag| flag.origin().into()))
        .unwrap_or(ph_flag_source::PH_FLAG_SOURCE_UNKNOWN)
}

/// How long ago the value of a flag was evaluated, or came from PostHog, in
/// milliseconds. -1 when it is not known, or of unknown age.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_age_ms(flags: Option<&ph_flags>, key: CStrArg<'_>) -> i64 {
    guard(|| {
        let taken = known(flags, key)?.source().taken?;
        i64::try_from(Instant::now().saturating_duration_since(taken).as_millis()).ok()
    })
    .unwrap_or(-1)
}

/// The number by which PostHog knows a flag; -1 when nobody said.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_id(flags: Option<&ph_flags>, key: CStrArg<'_>) -> i64 {
    guard(|| find(flags, key)?.id()).unwrap_or(-1)
}

/// Which version of a flag's definition was evaluated; -1 when nobody said.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_version(flags: Option<&ph_flags>, key: CStrArg<'_>) -> i64 {
    guard(|| find(flags, key)?.version()).unwrap_or(-1)
}

/// PostHog's name for the request of this evaluation, to look it up. Lasts as
/// long as `flags`. `NULL` without a request, or without an answer.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_request_id(flags: Option<&ph_flags>) -> CStrLent<'_> {
    guard(|| lend(flags?.view.snapshot().request_id()))
}

/// How many flags are known. 0 for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_count(flags: Option<&ph_flags>) -> usize {
    guard(|| flags.map_or(0, |flags| flags.view.snapshot().len()))
}

/// The key of a known flag; `index` counts from 0, in the order of the keys'
/// bytes. Lasts as long as `flags`. `NULL` from `ph_flags_get_count` on.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_key(flags: Option<&ph_flags>, index: usize) -> CStrLent<'_> {
    guard(|| lend(Some(flags?.view.snapshot().at(index)?.key())))
}

/// The key of a flag that exists and is not known: `ph_flags_get_reason` says
/// why, and says so as well of a key that nobody knows, which is not listed
/// here. `index` counts from 0, in the order of the keys' bytes. Lasts as long
/// as `flags`. `NULL` when there are no more.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_get_unknown_key(flags: Option<&ph_flags>, index: usize) -> CStrLent<'_> {
    guard(|| lend(Some(flags?.view.snapshot().unknown_at(index)?.key())))
}

/// A copy with those flags whose value was read, none at first: for an event
/// that is to carry what a decision was made of, and not every flag of the
/// project. Payloads, reasons and keys are not values. Reads of the copy are
/// its own.
///
/// On success `*flags_out` is the caller's, to free with `ph_flags_free`; on
/// failure it is not written. `PH_ERROR_NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_only_accessed(
    flags: Option<&ph_flags>,
    flags_out: Option<&mut MaybeUninit<repr_c::Box<ph_flags>>>,
) -> ph_status {
    attempt(|| {
        let (flags, out) = (flags.ok_or(Error::Null)?, flags_out.ok_or(Error::Null)?);
        out.write(flags.with(flags.view.only_read()));
        Ok(())
    })
}

/// A copy with the flags of these `count` keys, as far as they are here.
///
/// On success `*flags_out` is the caller's, to free with `ph_flags_free`; on
/// failure it is not written. `PH_ERROR_NULL`, also for a key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_flags_only(
    flags: Option<&ph_flags>,
    keys: *const *const c_char,
    count: usize,
    flags_out: Option<&mut MaybeUninit<repr_c::Box<ph_flags>>>,
) -> ph_status {
    attempt(|| {
        let (flags, out) = (flags.ok_or(Error::Null)?, flags_out.ok_or(Error::Null)?);
        // SAFETY: C promises `count` pointers; they are read during this call.
        let keys = unsafe { array(keys, count) }?;
        let key = |key: &*const c_char| {
            if key.is_null() {
                return Err(Error::Null);
            }
            // SAFETY: C promises a NUL-terminated string, and it is not NULL.
            Ok(unsafe { CStr::from_ptr(*key) }.to_bytes())
        };
        let keys: Result<Vec<&[u8]>, Error> = keys.iter().map(key).collect();
        out.write(flags.with(flags.view.only(&keys?)));
        Ok(())
    })
}

/// A flag whose value is being read.
#[inline]
fn read<'a>(flags: Option<&'a ph_flags>, key: &[u8]) -> Option<Flag<'a>> {
    let flags = flags?;
    let flag = flags.view.snapshot().find(key);
    if flag.is_none_or(|flag| flags.view.mark(flag)) {
        flags.tell(key);
    }
    flag
}

fn find<'a>(flags: Option<&'a ph_flags>, key: CStrArg<'_>) -> Option<Flag<'a>> {
    flags?.view.snapshot().find(bytes(key).ok()?)
}

fn known<'a>(flags: Option<&'a ph_flags>, key: CStrArg<'_>) -> Option<Flag<'a>> {
    find(flags, key).filter(|flag| flag.enabled().is_some())
}

fn lend(text: Option<&CStr>) -> CStrLent<'_> {
    text.map(LentStr::new)
}

#[cfg(test)]
mod tests;
