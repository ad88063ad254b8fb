//! `ph_props_*`: a JSON object under construction.

use super::boundary::{attempt, guard};
use super::ph_status;
use super::types::{CStrArg, bytes, slice, text};
use crate::error::Error;
use crate::props::Props;
use safer_ffi::prelude::repr_c;
use std::ffi::c_char;
use std::ptr;

/// A JSON object under construction: the property map of the whole API.
///
/// It serialises as it is filled, so that capturing from it is a copy of
/// bytes. It may be used for any number of calls. A key that is set again
/// replaces the first. A setter that fails changes nothing, and the handle
/// stays usable. Belongs to one thread at a time.
pub struct ph_props {
    pub(super) props: Props,
}

/// Creates an empty property map. It is the caller's, to free with
/// `ph_props_free`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_new() -> Option<repr_c::Box<ph_props>> {
    guard(|| Some(Box::new(ph_props { props: Props::new() }).into()))
}

/// Frees a property map. Ignores `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_free(props: Option<repr_c::Box<ph_props>>) {
    guard(|| drop(props));
}

/// Removes every key and keeps the memory: a map that is filled, captured
/// and cleared in turn allocates nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_clear(props: Option<&mut ph_props>) -> ph_status {
    attempt(|| {
        props.ok_or(Error::Null)?.props.clear();
        Ok(())
    })
}

/// Sets a string. `key` and `value` are copied. Invalid UTF-8 in `value` is
/// replaced by U+FFFD and counted in `PH_STAT_REPAIRED_VALUES`; in `key` it is
/// refused.
///
/// All setters: `PH_ERROR_NULL`, `PH_ERROR_UTF8` and `PH_ERROR_EMPTY` (of the
/// key), `PH_ERROR_TOO_LARGE` (the map would exceed 16 MiB),
/// `PH_ERROR_NO_MEMORY`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_set_str(
    props: Option<&mut ph_props>,
    key: CStrArg<'_>,
    value: CStrArg<'_>,
) -> ph_status {
    attempt(|| props.ok_or(Error::Null)?.props.set_str_here(bytes(key)?, bytes(value)?))
}

/// The same, of texts that are given with their length in bytes and need no
/// NUL. One inside either is replaced by U+FFFD and counted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_props_set_str_n(
    props: Option<&mut ph_props>,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
) -> ph_status {
    attempt(|| {
        let props = props.ok_or(Error::Null)?;
        // SAFETY: C promises as many readable bytes as it says; they are read during this call.
        let key = unsafe { slice(key, key_len) }?;
        // SAFETY: as above.
        let value = unsafe { slice(value, value_len) }?;
        props.props.set_str(key, value)
    })
}

/// Sets a signed integer.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_set_int(
    props: Option<&mut ph_props>,
    key: CStrArg<'_>,
    value: i64,
) -> ph_status {
    attempt(|| props.ok_or(Error::Null)?.props.set_i64_here(bytes(key)?, value))
}

/// Sets an unsigned integer.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_set_uint(
    props: Option<&mut ph_props>,
    key: CStrArg<'_>,
    value: u64,
) -> ph_status {
    attempt(|| props.ok_or(Error::Null)?.props.set_u64(bytes(key)?, value))
}

/// Sets a floating-point number, written in the fewest digits that read back
/// as the same. NaN and the infinities, which JSON does not have, become null
/// and are counted in `PH_STAT_REPAIRED_VALUES`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_set_double(
    props: Option<&mut ph_props>,
    key: CStrArg<'_>,
    value: f64,
) -> ph_status {
    attempt(|| props.ok_or(Error::Null)?.props.set_f64(bytes(key)?, value))
}

/// Sets true or false.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_set_bool(
    props: Option<&mut ph_props>,
    key: CStrArg<'_>,
    value: bool,
) -> ph_status {
    attempt(|| props.ok_or(Error::Null)?.props.set_bool(bytes(key)?, value))
}

/// Sets null.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_set_null(props: Option<&mut ph_props>, key: CStrArg<'_>) -> ph_status {
    attempt(|| props.ok_or(Error::Null)?.props.set_null(bytes(key)?))
}

/// Sets a copy of another map as a nested object. `PH_ERROR_DEPTH` when that
/// makes more than 64 levels.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_props_set_object(
    props: Option<&mut ph_props>,
    key: CStrArg<'_>,
    value: *const ph_props,
) -> ph_status {
    attempt(|| {
        let props = props.ok_or(Error::Null)?;
        if ptr::eq(props, value) {
            let copy = props.props.try_clone()?;
            return props.props.set_object(bytes(key)?, &copy);
        }
        // SAFETY: C promises a map that lives, and it is not the one that is being changed.
        let value = unsafe { value.as_ref() }.ok_or(Error::Null)?;
        props.props.set_object(bytes(key)?, &value.props)
    })
}

/// Sets any JSON value (RFC 8259) from its text: arrays, nested objects.
///
/// The text is validated, compacted and copied. NUL characters, lone
/// surrogates and invalid UTF-8 become U+FFFD, numbers beyond a double become
/// null, each counted in `PH_STAT_REPAIRED_VALUES`; of a key that an object
/// repeats, the last stays. `PH_ERROR_JSON` for anything that is not JSON,
/// `PH_ERROR_DEPTH` for more than 64 levels.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_set_json(
    props: Option<&mut ph_props>,
    key: CStrArg<'_>,
    json: CStrArg<'_>,
) -> ph_status {
    attempt(|| props.ok_or(Error::Null)?.props.set_json(bytes(key)?, bytes(json)?))
}

/// Sets every member of a JSON object, given as `len` bytes of text; treated
/// as in `ph_props_set_json`. All or nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_props_set_members(
    props: Option<&mut ph_props>,
    json: *const c_char,
    len: usize,
) -> ph_status {
    attempt(|| {
        // SAFETY: C promises `len` readable bytes at `json`; they are read during this call only.
        let json = unsafe { slice(json, len) }?;
        props.ok_or(Error::Null)?.props.set_members(json)
    })
}

/// Removes a key. No error when it is not there.
#[unsafe(no_mangle)]
pub extern "C" fn ph_props_remove(props: Option<&mut ph_props>, key: CStrArg<'_>) -> ph_status {
    attempt(|| {
        props.ok_or(Error::Null)?.props.remove(text(key)?);
        Ok(())
    })
}
