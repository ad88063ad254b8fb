//! `ph_event_*`: an event with more than the short form carries.

use super::boundary::{attempt, guard};
use super::types::{CStrArg, CStrLent, LentStr, slice, text, utf8};
use super::{ph_flags, ph_props, ph_status};
use crate::error::Error;
use crate::event::Event;
use safer_ffi::prelude::repr_c;
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;

/// An event to be filled in and captured. A `before_send` callback is given
/// one that it may read and change. Belongs to one thread at a time.
pub struct ph_event {
    pub(super) event: Event,
    /// What the last getter lent.
    lent: CString,
}

impl ph_event {
    pub(super) fn new(event: Event) -> ph_event {
        ph_event { event, lent: CString::default() }
    }

    fn lend(&mut self, text: Vec<u8>) -> CStrLent<'_> {
        // No NUL is inside: the library replaces them.
        self.lent = CString::new(text).unwrap_or_default();
        Some(LentStr::new(&self.lent))
    }
}

/// Creates an event. Both texts are copied.
///
/// On success `*event_out` is the caller's, to free with `ph_event_free`; on
/// failure it is not written. `PH_ERROR_NULL`, `PH_ERROR_UTF8`, or
/// `PH_ERROR_EMPTY` for a text that is empty or blank: servers refuse a whole
/// batch for one.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_new(
    distinct_id: CStrArg<'_>,
    name: CStrArg<'_>,
    event_out: Option<&mut MaybeUninit<repr_c::Box<ph_event>>>,
) -> ph_status {
    attempt(|| {
        let out = event_out.ok_or(Error::Null)?;
        let event = Event::new(text(distinct_id)?, text(name)?)?;
        // `write`, never `=`: assignment would drop whatever C left there.
        out.write(Box::new(ph_event::new(event)).into());
        Ok(())
    })
}

/// Creates an event whose details are the text of a JSON object: for wrappers,
/// which so hand everything over at once. All texts are given with their length
/// in bytes and need no NUL.
///
/// Members of `details`, all of them optional: `uuid` as in
/// `ph_event_set_uuid`, `timestamp` as in `ph_event_set_timestamp`,
/// `properties`, `set`, `set_once` and `options` (objects, treated as in
/// `ph_props_set_json`), `groups` (an object of group types and their keys).
/// `details_len` 0 means none.
///
/// As `ph_event_new`; and `PH_ERROR_JSON` (of an unknown member, too),
/// `PH_ERROR_DEPTH`, and the errors of the setters that the members stand for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_event_new_json(
    distinct_id: *const c_char,
    distinct_id_len: usize,
    name: *const c_char,
    name_len: usize,
    details: *const c_char,
    details_len: usize,
    event_out: Option<&mut MaybeUninit<repr_c::Box<ph_event>>>,
) -> ph_status {
    attempt(|| {
        let out = event_out.ok_or(Error::Null)?;
        // SAFETY: C promises as many readable bytes as it says; they are read during this call.
        let distinct_id = utf8(unsafe { slice(distinct_id, distinct_id_len) }?)?;
        // SAFETY: as above.
        let name = utf8(unsafe { slice(name, name_len) }?)?;
        // SAFETY: as above.
        let event = match unsafe { slice(details, details_len) }? {
            [] => Event::new(distinct_id, name)?,
            details => Event::from_json(distinct_id, name, details)?,
        };
        out.write(Box::new(ph_event::new(event)).into());
        Ok(())
    })
}

/// Frees an event that one of the two created. Ignores `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_free(event: Option<repr_c::Box<ph_event>>) {
    guard(|| drop(event));
}

/// Replaces the event's name.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_name(event: Option<&mut ph_event>, name: CStrArg<'_>) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.set_name(text(name)?))
}

/// Replaces the distinct id: whose event it is.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_distinct_id(
    event: Option<&mut ph_event>,
    distinct_id: CStrArg<'_>,
) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.set_distinct_id(text(distinct_id)?))
}

/// Sets the event's identity, a hyphenated UUID (RFC 9562). Events of the same
/// UUID, name, id and time are one event to PostHog. Without it the event gets
/// a fresh version 7 UUID when it is captured. `PH_ERROR_UUID`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_uuid(event: Option<&mut ph_event>, uuid: CStrArg<'_>) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.set_uuid(text(uuid)?))
}

/// Sets when it happened, in RFC 3339 (e.g. `2026-11-20T10:00:00.123+02:00`),
/// converted to UTC; up to nine digits of a second's fraction are kept. Without
/// it: the moment of capture, in microseconds. `PH_ERROR_TIMESTAMP`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_timestamp(
    event: Option<&mut ph_event>,
    rfc3339: CStrArg<'_>,
) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.set_timestamp(text(rfc3339)?))
}

/// The same, in milliseconds since 1970-01-01T00:00:00Z. The years 1 to 9999;
/// others give `PH_ERROR_TIMESTAMP`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_timestamp_ms(
    event: Option<&mut ph_event>,
    unix_ms: i64,
) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.set_unix_millis(unix_ms))
}

/// Says in which group of a type the event happened; adds to `$groups`, and
/// `$group_0` to `$group_4` for types with an index (`ph_config_set_group_index`).
/// A type that is set again replaces the first.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_group(
    event: Option<&mut ph_event>,
    group_type: CStrArg<'_>,
    group_key: CStrArg<'_>,
) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.set_group(text(group_type)?, text(group_key)?))
}

/// Sets every property of `props` on the event. `props` is copied.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_properties(
    event: Option<&mut ph_event>,
    props: Option<&ph_props>,
) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.props.merge(&props.ok_or(Error::Null)?.props))
}

/// Removes a property. No error when it is not there.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_remove_property(
    event: Option<&mut ph_event>,
    key: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        event.ok_or(Error::Null)?.event.props.remove(text(key)?);
        Ok(())
    })
}

/// Person properties that this event sets: `$set`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_person_properties(
    event: Option<&mut ph_event>,
    props: Option<&ph_props>,
) -> ph_status {
    set_object(event, "$set", props)
}

/// Person properties that this event sets where they are not set yet:
/// `$set_once`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_person_properties_once(
    event: Option<&mut ph_event>,
    props: Option<&ph_props>,
) -> ph_status {
    set_object(event, "$set_once", props)
}

/// Whether the event makes or updates a person profile: the property
/// `$process_person_profile`, the option `process_person_profile` of V1. Not sent
/// unless it is set; PostHog then takes it as true.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_process_person_profile(
    event: Option<&mut ph_event>,
    process: bool,
) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.props.set_bool("$process_person_profile", process))
}

/// Whether PostHog identifies the user without cookies: the property
/// `$cookieless_mode`, the option `cookieless_mode` of V1.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_cookieless_mode(
    event: Option<&mut ph_event>,
    cookieless: bool,
) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.props.set_bool("$cookieless_mode", cookieless))
}

/// Whether PostHog takes the event's time as it is, where it would correct for a
/// clock that is wrong: the property `$ignore_sent_at`, the option
/// `disable_skew_correction` of V1.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_disable_skew_correction(
    event: Option<&mut ph_event>,
    disable: bool,
) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.props.set_bool("$ignore_sent_at", disable))
}

/// The product tour that the event belongs to: the property `$product_tour_id`,
/// the option `product_tour_id` of V1.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_product_tour_id(
    event: Option<&mut ph_event>,
    tour_id: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        let tour_id = text(tour_id)?;
        event.ok_or(Error::Null)?.event.props.set_str("$product_tour_id", tour_id.as_bytes())
    })
}

/// Sets every member of `options` among the event's options, which V1 passes on
/// as they are, whatever their names and types: for options that this library
/// does not know. They win over those of the setters above; null counts as not
/// set. V0 sends the four known ones as the properties named there, and no
/// others. `options` is copied.
///
/// The properties `$session_id` and `$window_id` need no setter: V1 has them
/// beside the properties, and takes texts alone.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_options(
    event: Option<&mut ph_event>,
    options: Option<&ph_props>,
) -> ph_status {
    attempt(|| event.ok_or(Error::Null)?.event.options.merge(&options.ok_or(Error::Null)?.props))
}

/// Adds the values of feature flags: `$feature/<key>` for each that is known,
/// and `$active_feature_flags`. Makes no request.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_set_flags(
    event: Option<&mut ph_event>,
    flags: Option<&ph_flags>,
) -> ph_status {
    attempt(|| {
        let props = flags.ok_or(Error::Null)?.view.snapshot().event_props();
        event.ok_or(Error::Null)?.event.props.merge(&props)
    })
}

/// The event's name. Lasts until the next call with this event; `NULL` for
/// `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_get_name(event: Option<&mut ph_event>) -> CStrLent<'_> {
    guard(|| event.and_then(|event| event.lend(event.event.name().as_bytes().to_vec())))
}

/// The event's distinct id. Lasts until the next call with this event; `NULL`
/// for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_get_distinct_id(event: Option<&mut ph_event>) -> CStrLent<'_> {
    guard(|| event.and_then(|event| event.lend(event.event.distinct_id().as_bytes().to_vec())))
}

/// The event's properties, as the text of a JSON object. In a `before_send`
/// callback these are all that will leave. Lasts until the next call with this
/// event; `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_get_properties(event: Option<&mut ph_event>) -> CStrLent<'_> {
    guard(|| event.and_then(|event| event.lend([b"{", event.event.props.text(), b"}"].concat())))
}

/// The text of one property's JSON value. Lasts until the next call with this
/// event; `NULL` when there is no such property.
#[unsafe(no_mangle)]
pub extern "C" fn ph_event_get_property<'a>(
    event: Option<&'a mut ph_event>,
    key: CStrArg<'_>,
) -> CStrLent<'a> {
    guard(|| {
        let event = event?;
        let value = event.event.props.get(text(key).ok()?)?.to_vec();
        event.lend(value)
    })
}

fn set_object(event: Option<&mut ph_event>, key: &str, props: Option<&ph_props>) -> ph_status {
    attempt(|| {
        event.ok_or(Error::Null)?.event.props.set_object(key, &props.ok_or(Error::Null)?.props)
    })
}
