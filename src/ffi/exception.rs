//! `ph_exception_*`: an error to be captured.

use super::boundary::{attempt, guard};
use super::types::{CStrArg, bytes, optional_text, slice, text};
use super::{ph_props, ph_status};
use crate::error::Error;
use crate::exception::{Exception, FRAMES_MAX, Frame, Level, OwnStack};
use crate::timestamp::Timestamp;
use safer_ffi::prelude::repr_c;
use std::borrow::Cow;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

/// How bad an exception is. The default is `PH_LEVEL_ERROR`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_level {
    /// The program ends of it.
    PH_LEVEL_FATAL = 0,
    PH_LEVEL_ERROR = 1,
    PH_LEVEL_WARNING = 2,
    PH_LEVEL_LOG = 3,
    PH_LEVEL_INFO = 4,
    PH_LEVEL_DEBUG = 5,
}

/// An exception to be filled in and captured. May be captured any number of
/// times. Belongs to one thread at a time.
///
/// Its frames are those that were added (`ph_exception_add_frame`,
/// `ph_exception_set_frames`, `ph_exception_set_addresses`), or the stack of the
/// thread that captures it (`ph_exception_set_stack`). At most 64 are sent, the
/// innermost; machine frames come below the others, nearer to the error.
pub struct ph_exception {
    pub(super) exception: Exception,
}

/// Creates an exception: of level `PH_LEVEL_ERROR`, handled, of the mechanism
/// `generic`.
///
/// `type` is its class or category, e.g. `std::runtime_error`; PostHog groups
/// by it. `message` may be empty. Both are copied; invalid UTF-8 in them is
/// replaced, and they are cut after 65,536 bytes. On success `*exception_out` is
/// the caller's, to free with `ph_exception_free`; on failure it is not written.
/// `PH_ERROR_NULL`, `PH_ERROR_EMPTY` (of a blank type).
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_new(
    r#type: CStrArg<'_>,
    message: CStrArg<'_>,
    exception_out: Option<&mut MaybeUninit<repr_c::Box<ph_exception>>>,
) -> ph_status {
    attempt(|| {
        let out = exception_out.ok_or(Error::Null)?;
        let exception = Exception::new(bytes(r#type)?, bytes(message)?)?;
        out.write(Box::new(ph_exception { exception }).into());
        Ok(())
    })
}

/// Creates an exception, with all that it is made of, from JSON: for runtimes
/// that have such trees, such as Python's. `len` bytes, without NUL: an array of
/// objects, the outermost exception first, then depth first. Each has
///
/// - `type` (text, not blank), and may have
/// - `value` (text): the message;
/// - `module` (text);
/// - `parent` (the index of an earlier one; without it the one before) and
///   `source` (text, `cause` without it), as of `ph_exception_add_cause`; neither
///   for the first;
/// - `handled` and `synthetic` (true or false), where that is known;
/// - `frames`, as of `ph_exception_set_frames`.
///
/// Of more than 50 the first are kept. `PH_ERROR_JSON` for anything else,
/// `PH_ERROR_EMPTY`, `PH_ERROR_DEPTH`; then `*exception_out` is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_exception_new_json(
    json: *const c_char,
    len: usize,
    exception_out: Option<&mut MaybeUninit<repr_c::Box<ph_exception>>>,
) -> ph_status {
    attempt(|| {
        let out = exception_out.ok_or(Error::Null)?;
        if json.is_null() {
            return Err(Error::Null);
        }
        // SAFETY: C promises `len` bytes at `json`, which nobody changes meanwhile.
        let text = unsafe { slice(json, len) }?;
        let exception = Exception::from_json(text)?;
        out.write(Box::new(ph_exception { exception }).into());
        Ok(())
    })
}

/// Frees an exception. Ignores `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_free(exception: Option<repr_c::Box<ph_exception>>) {
    guard(|| drop(exception));
}

/// Sets the level, one of `ph_level`; others give `PH_ERROR_RANGE`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_level(
    exception: Option<&mut ph_exception>,
    level: i32,
) -> ph_status {
    attempt(|| {
        let level = match level {
            0 => Level::Fatal,
            1 => Level::Error,
            2 => Level::Warning,
            3 => Level::Log,
            4 => Level::Info,
            5 => Level::Debug,
            _ => return Err(Error::Range),
        };
        exception.ok_or(Error::Null)?.exception.level = level;
        Ok(())
    })
}

/// Says whether the program dealt with it (the default) or it escaped.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_handled(
    exception: Option<&mut ph_exception>,
    handled: bool,
) -> ph_status {
    attempt(|| {
        exception.ok_or(Error::Null)?.exception.set_handled(handled);
        Ok(())
    })
}

/// Says whether the frames are of another place than the error itself, or
/// what is reported was not an exception at all. By default they are when they
/// were taken by the capture.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_synthetic(
    exception: Option<&mut ph_exception>,
    synthetic: bool,
) -> ph_status {
    attempt(|| {
        exception.ok_or(Error::Null)?.exception.set_synthetic(synthetic);
        Ok(())
    })
}

/// Sets by what kind of thing it was noticed. PostHog knows `generic` (the
/// default), `logger`, `onuncaughtexception`, `middleware`, `task`, `panic`,
/// `signal`, `crash_reporter` and others; any other name is kept. Not blank.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_mechanism(
    exception: Option<&mut ph_exception>,
    mechanism: CStrArg<'_>,
) -> ph_status {
    attempt(|| exception.ok_or(Error::Null)?.exception.set_mechanism(text(mechanism)?))
}

/// Sets the `$exception_source`: which integration reports it, in the form
/// `<technology>.<hook>`, e.g. `cpp.terminate_handler`. Nothing about users,
/// paths or versions; nothing at all for an exception that was captured by hand.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_source(
    exception: Option<&mut ph_exception>,
    source: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        let source = crate::event::checked(text(source)?)?.to_owned();
        exception.ok_or(Error::Null)?.exception.source = Some(source);
        Ok(())
    })
}

/// Sets the trace and the span in which it happened (`$trace_id`, `$span_id`), as
/// W3C Trace Context writes them: 32 and 16 hexadecimal digits, not all of them
/// 0. `PH_ERROR_RANGE` for anything else.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_trace(
    exception: Option<&mut ph_exception>,
    trace_id: CStrArg<'_>,
    span_id: CStrArg<'_>,
) -> ph_status {
    attempt(|| exception.ok_or(Error::Null)?.exception.set_trace(text(trace_id)?, text(span_id)?))
}

/// Sets the event's UUID, by which a host may refer to the report; without it
/// each capture has a fresh one. PostHog keeps one event of each, so that an
/// exception with one should be captured once. `PH_ERROR_UUID`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_uuid(
    exception: Option<&mut ph_exception>,
    uuid: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        let exception = exception.ok_or(Error::Null)?;
        exception.exception.uuid = Some(crate::event::uuid(text(uuid)?)?);
        Ok(())
    })
}

/// Sets when it happened, in milliseconds since 1970; without it, when it is
/// captured. `PH_ERROR_TIMESTAMP` outside the years 1 to 9999.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_timestamp_ms(
    exception: Option<&mut ph_exception>,
    unix_ms: i64,
) -> ph_status {
    attempt(|| {
        let timestamp = Timestamp::from_unix_millis(unix_ms).ok_or(Error::Timestamp)?;
        exception.ok_or(Error::Null)?.exception.timestamp = Some(timestamp);
        Ok(())
    })
}

/// The exception happened in this group. One for each type.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_group(
    exception: Option<&mut ph_exception>,
    group_type: CStrArg<'_>,
    key: CStrArg<'_>,
) -> ph_status {
    attempt(|| exception.ok_or(Error::Null)?.exception.set_group(text(group_type)?, text(key)?))
}

/// Sets the fingerprint by which PostHog groups it, in place of its own choice.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_fingerprint(
    exception: Option<&mut ph_exception>,
    fingerprint: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        let fingerprint = crate::event::checked(text(fingerprint)?)?.to_owned();
        exception.ok_or(Error::Null)?.exception.fingerprint = Some(fingerprint);
        Ok(())
    })
}

/// Whether the stack of the thread that captures the exception is taken, and how
/// many of its innermost frames are left out: 0 begins with the function that
/// calls `ph_capture_exception`, 1 with its caller. Without this call it is taken
/// when the exception has no frames of its own. Only the outermost exception's
/// setting counts.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_stack(
    exception: Option<&mut ph_exception>,
    taken: bool,
    skip: u32,
) -> ph_status {
    attempt(|| {
        let own_stack = if taken { OwnStack::Taken(skip as usize) } else { OwnStack::Off };
        exception.ok_or(Error::Null)?.exception.own_stack = own_stack;
        Ok(())
    })
}

/// Sets machine frames in place of those it had: `count` return addresses, as
/// unwinders and `backtrace` give them, the innermost first. What is looked up
/// is the call before each. The images that they lie in must still be loaded
/// when the exception is captured. Copied, up to 64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_exception_set_addresses(
    exception: Option<&mut ph_exception>,
    addresses: *const usize,
    count: usize,
) -> ph_status {
    attempt(|| {
        let exception = exception.ok_or(Error::Null)?;
        if addresses.is_null() && count > 0 {
            return Err(Error::Null);
        }
        let addresses = if count == 0 {
            &[]
        } else {
            // SAFETY: C promises `count` numbers at `addresses`, which is not NULL; fewer are read.
            unsafe { std::slice::from_raw_parts(addresses, count.min(FRAMES_MAX)) }
        };
        exception.exception.set_addresses(addresses.iter().copied());
        Ok(())
    })
}

/// Sets frames in place of those that were added: a JSON array of objects in
/// PostHog's frame format (`platform`, `function`, `filename`, `lineno`,
/// `in_app`, ...), the outermost first, as PostHog has them. `len` bytes, without
/// NUL. For runtimes that have stacks of their own, such as Python's; objects
/// are sent as they are, `in_app` added where it is absent. Of more than 64 the
/// innermost stay. `PH_ERROR_JSON` for anything else, `PH_ERROR_DEPTH`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_exception_set_frames(
    exception: Option<&mut ph_exception>,
    json: *const c_char,
    len: usize,
) -> ph_status {
    attempt(|| {
        let exception = exception.ok_or(Error::Null)?;
        if json.is_null() {
            return Err(Error::Null);
        }
        // SAFETY: C promises `len` bytes at `json`, which nobody changes meanwhile.
        let text = unsafe { slice(json, len) }?;
        exception.exception.set_frames(Frame::parse(text)?);
        Ok(())
    })
}

/// Adds an exception that this one is made of or comes from, and all that is in
/// it. `source` says how: `cause`, `context`, `member` (of a group), `suppressed`,
/// `inner`, or another name; `NULL` means `cause`.
///
/// `cause` is copied as it is now, and stays the caller's; so a cycle cannot
/// arise. Siblings keep the order in which they are added; of the whole tree at
/// most 50 are kept, depth first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_exception_add_cause(
    exception: Option<&mut ph_exception>,
    cause: *const ph_exception,
    source: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        let exception = exception.ok_or(Error::Null)?;
        let source = optional_text(source)?.unwrap_or("cause");
        if ptr::eq(exception, cause) {
            let copy = exception.exception.clone();
            return exception.exception.push_cause(&copy, source);
        }
        // SAFETY: C promises an exception that lives, and it is not the one that is being changed.
        let cause = unsafe { cause.as_ref() }.ok_or(Error::Null)?;
        exception.exception.push_cause(&cause.exception, source)
    })
}

/// Adds a stack frame: the innermost first, then its caller, and so on; beyond
/// 64 they are left out. Each text may be `NULL` for unknown, and `line` 0.
/// `in_app` is true for the program's own code. All texts are copied, and invalid
/// UTF-8 in them is replaced.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_add_frame(
    exception: Option<&mut ph_exception>,
    function: CStrArg<'_>,
    file: CStrArg<'_>,
    line: u32,
    module: CStrArg<'_>,
    in_app: bool,
) -> ph_status {
    attempt(|| {
        let [function, file, module] = [function, file, module].map(lossy);
        let line = (line != 0).then_some(line);
        let frame =
            Frame::new(function.as_deref(), file.as_deref(), line, module.as_deref(), in_app);
        exception.ok_or(Error::Null)?.exception.push_frame(frame);
        Ok(())
    })
}

fn lossy(arg: CStrArg<'_>) -> Option<Cow<'_, str>> {
    arg.map(|text| String::from_utf8_lossy(text.to_bytes()))
}

/// Sets every property of `props` on the event. What describes the exception
/// itself (`$exception_list`, `$exception_level`, `$exception_source`,
/// `$exception_suppressed_count`, `$debug_images`) is the library's, and what
/// PostHog derives from it is PostHog's: both are left out.
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_set_properties(
    exception: Option<&mut ph_exception>,
    props: Option<&ph_props>,
) -> ph_status {
    attempt(|| {
        let exception = &mut exception.ok_or(Error::Null)?.exception;
        exception.props.merge(&props.ok_or(Error::Null)?.props)
    })
}
