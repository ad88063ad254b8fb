//! `ph_context_*`: everything about one evaluation of feature flags.

use super::boundary::{attempt, guard};
use super::types::{CStrArg, slice, text};
use super::{ph_props, ph_status};
use crate::error::Error;
use crate::flags::context::Context;
use safer_ffi::prelude::repr_c;
use std::ffi::c_char;
use std::mem::MaybeUninit;

/// Everything about one evaluation of feature flags besides the distinct id:
/// groups, properties, which flags. It may be used for any number of calls. A
/// setter that fails changes nothing, and the handle stays usable. Belongs to
/// one thread at a time while it is filled; `const` functions may use it from
/// any thread at once.
pub struct ph_context {
    pub(super) context: Context,
}

/// Creates an empty context, which is the same as none. It is the caller's, to
/// free with `ph_context_free`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_new() -> Option<repr_c::Box<ph_context>> {
    guard(|| Some(Box::new(ph_context { context: Context::default() }).into()))
}

/// Creates a context from the text of a JSON object, for wrappers that hand
/// everything over at once. `json` is `len` bytes and needs no NUL. All members
/// are optional and may be null: `groups` (an object of group types and their
/// keys), `person_properties`, `group_properties` (an object of group types and
/// their properties), `device_id`, `flag_keys` and `evaluation_contexts` (arrays
/// of strings), `geoip_disable`, `local_only`, `flag_events` (true or false).
/// Each means what the setter of its name does.
///
/// On success `*context_out` is the caller's, to free with `ph_context_free`; on
/// failure it is not written. `PH_ERROR_NULL`; `PH_ERROR_JSON` for what is not
/// such an object, or has another member; else as the setters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_context_new_json(
    json: *const c_char,
    len: usize,
    context_out: Option<&mut MaybeUninit<repr_c::Box<ph_context>>>,
) -> ph_status {
    attempt(|| {
        let out = context_out.ok_or(Error::Null)?;
        // SAFETY: C promises as many readable bytes as it says; they are read during this call.
        let context = Context::from_json(unsafe { slice(json, len) }?)?;
        out.write(Box::new(ph_context { context }).into());
        Ok(())
    })
}

/// Frees a context. Ignores `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_free(context: Option<repr_c::Box<ph_context>>) {
    guard(|| drop(context));
}

/// Says which group of a type somebody belongs to: flags may be released by
/// group. Both texts are copied. A type that is set again replaces the first.
///
/// All setters: `PH_ERROR_NULL`, `PH_ERROR_UTF8`, `PH_ERROR_EMPTY` for a text
/// that is empty or blank, `PH_ERROR_NO_MEMORY`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_set_group(
    context: Option<&mut ph_context>,
    group_type: CStrArg<'_>,
    group_key: CStrArg<'_>,
) -> ph_status {
    attempt(|| context.ok_or(Error::Null)?.context.set_group(text(group_type)?, text(group_key)?))
}

/// Adds person properties that the evaluation is to take for the person's, in
/// place of those that PostHog has. `props` is copied. A key that is set again
/// replaces the first. `PH_ERROR_TOO_LARGE` when they exceed 16 MiB.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_set_person_properties(
    context: Option<&mut ph_context>,
    props: Option<&ph_props>,
) -> ph_status {
    attempt(|| {
        let props = &props.ok_or(Error::Null)?.props;
        context.ok_or(Error::Null)?.context.set_person_properties(props)
    })
}

/// The same for the group of a type, whose key `ph_context_set_group` sets.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_set_group_properties(
    context: Option<&mut ph_context>,
    group_type: CStrArg<'_>,
    props: Option<&ph_props>,
) -> ph_status {
    attempt(|| {
        let props = &props.ok_or(Error::Null)?.props;
        context.ok_or(Error::Null)?.context.set_group_properties(text(group_type)?, props)
    })
}

/// Sets the id of the device, for flags that are released by device. It is
/// copied.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_set_device_id(
    context: Option<&mut ph_context>,
    device_id: CStrArg<'_>,
) -> ph_status {
    attempt(|| context.ok_or(Error::Null)?.context.set_device_id(text(device_id)?))
}

/// Adds the key of a flag to evaluate. It is copied. The first call limits the
/// evaluation to the keys that are added; without any, every flag of the
/// project is evaluated.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_add_flag_key(
    context: Option<&mut ph_context>,
    key: CStrArg<'_>,
) -> ph_status {
    attempt(|| context.ok_or(Error::Null)?.context.add_flag_key(text(key)?))
}

/// Limits the evaluation to the keys that are added, also when none ever is: no
/// flag is evaluated then, and no request made. For wrappers whose list of keys
/// may be empty.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_limit_flag_keys(context: Option<&mut ph_context>) -> ph_status {
    attempt(|| {
        context.ok_or(Error::Null)?.context.limit_flag_keys();
        Ok(())
    })
}

/// Adds the name of an evaluation context, such as `backend`: flags that are
/// tagged with contexts are evaluated only in one of those. It is copied.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_add_evaluation_context(
    context: Option<&mut ph_context>,
    name: CStrArg<'_>,
) -> ph_status {
    attempt(|| context.ok_or(Error::Null)?.context.add_evaluation_context(text(name)?))
}

/// Whether PostHog is to leave out where the request comes from. On a server
/// that is where the server is, and says nothing about the person. Without it:
/// as the client is configured.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_set_geoip_disable(
    context: Option<&mut ph_context>,
    disable: bool,
) -> ph_status {
    attempt(|| {
        context.ok_or(Error::Null)?.context.set_geoip_disable(disable);
        Ok(())
    })
}

/// Whether nothing may be asked of PostHog: a flag that the client cannot
/// evaluate itself is not known then. Without it: as the client is configured.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_set_local_only(
    context: Option<&mut ph_context>,
    local_only: bool,
) -> ph_status {
    attempt(|| {
        context.ok_or(Error::Null)?.context.set_local_only(local_only);
        Ok(())
    })
}

/// Whether reads of values are told to PostHog, see
/// `ph_config_set_flag_events`. Without it: as the client is configured.
#[unsafe(no_mangle)]
pub extern "C" fn ph_context_set_flag_events(
    context: Option<&mut ph_context>,
    flag_events: bool,
) -> ph_status {
    attempt(|| {
        context.ok_or(Error::Null)?.context.set_flag_events(flag_events);
        Ok(())
    })
}
