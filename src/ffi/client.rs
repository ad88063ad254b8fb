//! `ph_client`: its life, and everything that it captures.

use super::boundary::{attempt, guard, outside_callbacks};
use super::types::{CStrArg, bytes, optional_text, slice, text};
use super::{PH_FOREVER, PH_UUID_SIZE, ph_config, ph_event, ph_exception, ph_props, ph_status};
use crate::client::{Client, Timeout};
use crate::error::Error;
use crate::props::Props;
use crate::sys::unwind::Frame;
use crate::wire::Family;
use safer_ffi::prelude::repr_c;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Duration;

/// A client of one PostHog project. Many may live in one process, each with its
/// own queue and sender. Every function may be called from any thread at once,
/// but for `ph_client_free`. `NULL` is a disabled client everywhere.
pub struct ph_client {
    /// Snapshots of flags refer to it: they tell it what is read.
    pub(super) client: Arc<Client>,
}

impl ph_client {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

pub(super) fn timeout(timeout_ms: u32) -> Timeout {
    (timeout_ms != PH_FOREVER).then(|| Duration::from_millis(u64::from(timeout_ms)))
}

/// A capture: refused inside callbacks, and counted when it is refused.
fn capture(
    client: Option<&ph_client>,
    call: impl FnOnce(&Client) -> Result<(), Error>,
) -> ph_status {
    attempt(|| {
        let Some(client) = client.map(|handle| &handle.client).filter(|client| !client.is_off())
        else {
            return Ok(());
        };
        let result = outside_callbacks().and_then(|()| call(client));
        if let Err(error) = result {
            client.refuse(error);
        }
        result
    })
}

/// Another call: refused inside callbacks, and nothing for a client that does nothing.
fn on_client(
    client: Option<&ph_client>,
    call: impl FnOnce(&Client) -> Result<(), Error>,
) -> ph_status {
    attempt(|| {
        outside_callbacks()?;
        match client {
            Some(ph_client { client }) if !client.is_disabled() => call(client),
            _ => Ok(()),
        }
    })
}

fn optional(props: Option<&ph_props>) -> Option<&Props> {
    props.map(|props| &props.props)
}

/// Makes a client. Opens no connection and starts no thread: that is left to
/// the first event, or to `ph_client_start`.
///
/// `config` is copied. On success `*client_out` is the caller's, to free with
/// `ph_client_free`; on failure it is not written. `PH_ERROR_NULL`, or
/// `PH_ERROR_HOST` for a `POSTHOG_HOST` that is not a host. Without an API key
/// the client is disabled, and one line to the log says so.
#[unsafe(no_mangle)]
pub extern "C" fn ph_init(
    config: Option<&ph_config>,
    client_out: Option<&mut MaybeUninit<repr_c::Box<ph_client>>>,
) -> ph_status {
    attempt(|| {
        let out = client_out.ok_or(Error::Null)?;
        outside_callbacks()?;
        let client = Arc::new(Client::new(config.ok_or(Error::Null)?.get())?);
        out.write(Box::new(ph_client { client }).into());
        Ok(())
    })
}

/// Starts the sender thread now, ahead of a frame loop, rather than with the
/// first event, which is then spared some 100 microseconds. `PH_ERROR_THREAD`,
/// `PH_ERROR_SHUTDOWN`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_client_start(client: Option<&ph_client>) -> ph_status {
    on_client(client, Client::start)
}

/// Captures an event. Copies everything and returns: never waits for the
/// network, nor for anything but room in the queue where that was asked for
/// (`PH_OVERFLOW_BLOCK`).
///
/// `props` may be `NULL`, and may be reused afterwards. `PH_OK` means that the
/// event is queued, stamped with this moment and a fresh UUID, and will be
/// delivered or counted under one of `PH_STAT_DROPPED_...`.
///
/// All captures: `PH_ERROR_NULL`, `PH_ERROR_UTF8` and `PH_ERROR_EMPTY` (of a
/// name or id), `PH_ERROR_TOO_LARGE`, `PH_ERROR_QUEUE_FULL`,
/// `PH_ERROR_FILTERED`, `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`,
/// `PH_ERROR_NO_MEMORY`. A disabled or opted-out client answers `PH_OK` to
/// everything.
#[unsafe(no_mangle)]
pub extern "C" fn ph_capture(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    event: CStrArg<'_>,
    props: Option<&ph_props>,
) -> ph_status {
    capture(client, |client| {
        client.capture_here(bytes(distinct_id)?, bytes(event)?, optional(props))
    })
}

/// The same, of texts that are given with their length in bytes and need no
/// NUL: for wrappers whose strings have none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_capture_n(
    client: Option<&ph_client>,
    distinct_id: *const c_char,
    distinct_id_len: usize,
    event: *const c_char,
    event_len: usize,
    props: Option<&ph_props>,
) -> ph_status {
    capture(client, |client| {
        // SAFETY: C promises as many readable bytes as it says; they are read during this call.
        let distinct_id = unsafe { slice(distinct_id, distinct_id_len) }?;
        // SAFETY: as above.
        let event = unsafe { slice(event, event_len) }?;
        client.capture(distinct_id, event, optional(props))
    })
}

/// Captures an event with everything that it can carry. `event` is copied and
/// stays the caller's.
///
/// `uuid_out` may be `NULL`; else it points to `PH_UUID_SIZE` bytes, to which
/// the event's UUID and a NUL are written on success (an empty string if the
/// client is disabled or opted out).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_capture_event(
    client: Option<&ph_client>,
    event: Option<&ph_event>,
    uuid_out: *mut c_char,
) -> ph_status {
    let mut text = [0_u8; PH_UUID_SIZE];
    let status = capture_event(client, Family::Analytics, event, &mut text);
    // SAFETY: C promises room for PH_UUID_SIZE bytes at `uuid_out`, or `NULL`.
    unsafe { write_uuid(status, &text, uuid_out) };
    status
}

/// As `ph_capture_event`, for events of PostHog's AI observability
/// (`$ai_generation`, `$ai_span`, ...): they have a queue, a thread and requests
/// of their own, started by the first of them, so that large ones do not hold up
/// the others. An AI event may have 8 MiB; requests have at most 5 MiB, and a
/// larger event travels alone. The queue has the bounds of the other one.
///
/// The name is not looked at: what is captured here goes to PostHog's AI
/// endpoint, which drops events of other names, and what `ph_capture_event`
/// captures goes to the general one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_capture_ai(
    client: Option<&ph_client>,
    event: Option<&ph_event>,
    uuid_out: *mut c_char,
) -> ph_status {
    let mut text = [0_u8; PH_UUID_SIZE];
    let status = capture_event(client, Family::Ai, event, &mut text);
    // SAFETY: C promises room for PH_UUID_SIZE bytes at `uuid_out`, or `NULL`.
    unsafe { write_uuid(status, &text, uuid_out) };
    status
}

/// As `ph_capture_event`, but waits for what becomes of the event: for
/// importers, and for last words before an exit. It goes through the queue, with
/// whatever is in front of it, at once.
///
/// `PH_OK`: the server took it, or `ph_queue_drain` did. `PH_ERROR_REJECTED`: the
/// server refused it. `PH_ERROR_TOO_LARGE`: so, for its size (or this client did,
/// see below). `PH_ERROR_LOST`: it was dropped for another reason, which
/// the statistics name. `PH_ERROR_TIMEOUT`: `timeout_ms` passed first
/// (`PH_NO_WAIT`, `PH_FOREVER`): it stays queued and its fate is open; captured
/// once more with the same UUID it is the same event to PostHog.
/// `PH_ERROR_THREAD`: there is no sender; it stays queued.
///
/// In all these cases the event was accepted and its UUID is written to
/// `uuid_out`, unless that is `NULL`. After the errors of other captures, which
/// `PH_STAT_REFUSED_...` counts, nothing was accepted and nothing is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_capture_immediate(
    client: Option<&ph_client>,
    event: Option<&ph_event>,
    timeout_ms: u32,
    uuid_out: *mut c_char,
) -> ph_status {
    let mut text = [0_u8; PH_UUID_SIZE];
    let status = immediate(client, Family::Analytics, event, timeout_ms, &mut text);
    // SAFETY: C promises room for PH_UUID_SIZE bytes at `uuid_out`, or `NULL`.
    unsafe { write_uuid(status, &text, uuid_out) };
    status
}

/// As `ph_capture_immediate`, for an event of `ph_capture_ai`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_capture_ai_immediate(
    client: Option<&ph_client>,
    event: Option<&ph_event>,
    timeout_ms: u32,
    uuid_out: *mut c_char,
) -> ph_status {
    let mut text = [0_u8; PH_UUID_SIZE];
    let status = immediate(client, Family::Ai, event, timeout_ms, &mut text);
    // SAFETY: C promises room for PH_UUID_SIZE bytes at `uuid_out`, or `NULL`.
    unsafe { write_uuid(status, &text, uuid_out) };
    status
}

/// The text of a uuid, with a NUL.
type UuidText = [u8; PH_UUID_SIZE];

fn capture_event(
    client: Option<&ph_client>,
    family: Family,
    event: Option<&ph_event>,
    text: &mut UuidText,
) -> ph_status {
    capture(client, |client| {
        if let Some(uuid) = client.capture_event(family, &event.ok_or(Error::Null)?.event)? {
            uuid.hyphenated().encode_lower(text);
        }
        Ok(())
    })
}

/// The text is filled when the event was accepted, whatever became of it.
fn immediate(
    client: Option<&ph_client>,
    family: Family,
    event: Option<&ph_event>,
    timeout_ms: u32,
    text: &mut UuidText,
) -> ph_status {
    let mut fate = Ok(());
    let status = capture(client, |client| {
        let event = &event.ok_or(Error::Null)?.event;
        if let Some((uuid, became)) =
            client.capture_immediate(family, event, timeout(timeout_ms))?
        {
            uuid.hyphenated().encode_lower(text);
            fate = became;
        }
        Ok(())
    });
    fate.map_or_else(ph_status::from, |()| status)
}

/// Writes the text of a call that accepted an event, or had nothing to do.
///
/// # Safety
/// `out` is `NULL` or has room for `PH_UUID_SIZE` bytes.
unsafe fn write_uuid(status: ph_status, text: &UuidText, out: *mut c_char) {
    if (status == ph_status::PH_OK || text[0] != 0) && !out.is_null() {
        // SAFETY: the caller promises the room.
        unsafe { out.cast::<UuidText>().write_unaligned(*text) };
    }
}

/// Captures an event whose properties are the text of a JSON object: for
/// wrappers whose language has a fast serialiser of its own. All texts are
/// given with their length in bytes and need no NUL.
///
/// `properties_len` 0 means no properties. The text is treated as in
/// `ph_props_set_json`; if it is not an object, `PH_ERROR_JSON`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_capture_json(
    client: Option<&ph_client>,
    distinct_id: *const c_char,
    distinct_id_len: usize,
    event: *const c_char,
    event_len: usize,
    properties: *const c_char,
    properties_len: usize,
) -> ph_status {
    capture(client, |client| {
        // SAFETY: C promises as many readable bytes as it says; they are read during this call.
        let distinct_id = unsafe { slice(distinct_id, distinct_id_len) }?;
        // SAFETY: as above.
        let event = unsafe { slice(event, event_len) }?;
        // SAFETY: as above.
        let properties = unsafe { slice(properties, properties_len) }?;
        if properties.is_empty() {
            return client.capture(distinct_id, event, None);
        }
        let mut props = Props::new();
        props.set_members(properties)?;
        client.capture(distinct_id, event, Some(&props))
    })
}

/// Says who somebody is: captures `$identify` with the person properties to
/// set, and those to set where they are not set yet. Either may be `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_identify(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    set: Option<&ph_props>,
    set_once: Option<&ph_props>,
) -> ph_status {
    capture(client, |client| client.identify(text(distinct_id)?, optional(set), optional(set_once)))
}

/// Says that the person known as `distinct_id` is also known as `alias`:
/// captures `$create_alias`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_alias(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    alias: CStrArg<'_>,
) -> ph_status {
    capture(client, |client| client.alias(text(distinct_id)?, text(alias)?))
}

/// Sets properties of a group, e.g. of type `company`: captures
/// `$groupidentify`. `distinct_id` may be `NULL` for `$<type>_<key>`; `props`
/// may be `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_group_identify(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    group_type: CStrArg<'_>,
    group_key: CStrArg<'_>,
    props: Option<&ph_props>,
) -> ph_status {
    capture(client, |client| {
        let distinct_id = optional_text(distinct_id)?;
        client.group_identify(distinct_id, text(group_type)?, text(group_key)?, optional(props))
    })
}

/// Captures an exception: `$exception`. It is copied and stays the caller's.
///
/// `distinct_id` may be `NULL`: then the event is nobody's, and PostHog makes no
/// person for it.
///
/// Unless the exception has frames of its own, the stack of the calling thread
/// is taken, as `ph_exception_set_stack` says: addresses only, which costs some
/// ten microseconds. Names, files and lines are looked up by the sender, in the
/// executables and libraries as they are on disk; where they were stripped,
/// PostHog itself can do it by `$debug_images`, with uploaded symbols.
///
/// An event beyond `ph_config_set_event_max_bytes` is made smaller: nested
/// exceptions lose frames, and types and messages are cut. `PH_ERROR_SUPPRESSED`
/// for too many of the same kind; what is `PH_LEVEL_FATAL` always passes. It is as
/// durable as every other event: in the file when this returns, with a storage
/// directory (`ph_config_set_storage_dir`); without one in memory only, which the
/// log says once, and lost if the process ends before it has been sent.
#[unsafe(no_mangle)]
pub extern "C" fn ph_capture_exception(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    exception: Option<&ph_exception>,
) -> ph_status {
    let here = 0_u8;
    capture(client, |client| {
        let exception = &exception.ok_or(Error::Null)?.exception;
        let distinct_id = optional_text(distinct_id)?;
        client.capture_exception(distinct_id, exception, Frame::of(&here))
    })
}

/// Sets super properties: each later event of this client has them, unless it
/// sets the same key itself. Serialised once, here.
#[unsafe(no_mangle)]
pub extern "C" fn ph_register(client: Option<&ph_client>, props: Option<&ph_props>) -> ph_status {
    on_client(client, |client| client.register(&props.ok_or(Error::Null)?.props))
}

/// The same for those that are not set yet.
#[unsafe(no_mangle)]
pub extern "C" fn ph_register_once(
    client: Option<&ph_client>,
    props: Option<&ph_props>,
) -> ph_status {
    on_client(client, |client| client.register_once(&props.ok_or(Error::Null)?.props))
}

/// Removes a super property. No error when it is not there.
#[unsafe(no_mangle)]
pub extern "C" fn ph_unregister(client: Option<&ph_client>, key: CStrArg<'_>) -> ph_status {
    on_client(client, |client| client.unregister(text(key)?))
}

/// Stops everything at the user's wish: what is queued is dropped
/// (`PH_STAT_DROPPED_OPTED_OUT`), threads stop and connections close within a
/// second, captures are `PH_OK` and do nothing, flags answer their fallback. A
/// request that the server has already read cannot be taken back. Kept in
/// memory only: the host remembers it from one start to the next.
#[unsafe(no_mangle)]
pub extern "C" fn ph_opt_out(client: Option<&ph_client>) -> ph_status {
    on_client(client, |client| {
        client.opt_out();
        Ok(())
    })
}

/// Undoes `ph_opt_out`. Dropped events do not come back.
#[unsafe(no_mangle)]
pub extern "C" fn ph_opt_in(client: Option<&ph_client>) -> ph_status {
    on_client(client, |client| {
        client.opt_in();
        Ok(())
    })
}

/// Whether `ph_opt_out` holds. Works inside callbacks.
#[unsafe(no_mangle)]
pub extern "C" fn ph_is_opted_out(client: Option<&ph_client>) -> bool {
    guard(|| client.is_some_and(|client| client.client.is_opted_out()))
}

/// A barrier: waits until every event captured before is settled, whatever the
/// flush interval. Ends a wait before a retry early, though not one that the
/// server asked for. Does not wait for events of earlier processes.
///
/// `PH_OK`: all were delivered, or drained. `PH_ERROR_LOST`: all are settled, but some were
/// dropped. `PH_ERROR_TIMEOUT`: some are still on their way after `timeout_ms`
/// (`PH_NO_WAIT` only asks for them to be sent; `PH_FOREVER`: no limit).
/// `PH_ERROR_THREAD`: there is no sender, and the system refuses to start one.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flush(client: Option<&ph_client>, timeout_ms: u32) -> ph_status {
    on_client(client, |client| client.flush(timeout(timeout_ms)))
}

/// Refuses new events, delivers what is queued, and stops the threads. Returns
/// within `timeout_ms` and 50 milliseconds, whatever the server, the resolver
/// or a callback does; at once when nothing is queued. No callback starts after
/// the call that shut the client down has returned. Further calls do nothing
/// and answer `PH_OK`.
///
/// `PH_OK`: everything was delivered. `PH_ERROR_LOST`: some events were dropped
/// on the way. `PH_ERROR_TIMEOUT`: some were not confirmed in time; they are
/// counted in `PH_STAT_DROPPED_SHUTDOWN`, and the server may have them. With a
/// storage directory they are counted in `PH_STAT_STORED`, and the next process
/// sends them.
#[unsafe(no_mangle)]
pub extern "C" fn ph_shutdown(client: Option<&ph_client>, timeout_ms: u32) -> ph_status {
    on_client(client, |client| client.shut_down(timeout(timeout_ms)))
}

/// Frees a client, after `ph_shutdown(client, 0)` if it was not shut down. No
/// other call may be under way with it, or come after. Ignores `NULL`. In a
/// child of `fork` it leaves the parent's queue, connections and threads alone.
/// From inside a callback it does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ph_client_free(client: Option<repr_c::Box<ph_client>>) {
    guard(|| {
        if outside_callbacks().is_ok() {
            // A thread that reads a snapshot of flags may hold on to it for a moment longer.
            if let Some(client) = &client {
                let _ = client.client.shut_down(Some(Duration::ZERO));
            }
            drop(client);
        } else {
            std::mem::forget(client);
        }
    });
}
