//! `ph_exception_*`: an error to be captured.

use super::boundary::{attempt, guard};
use super::types::{CStrArg, bytes, optional_text, text};
use super::{ph_props, ph_status};
use crate::error::Error;
use crate::exception::{Exception, Frame, Level};
use safer_ffi::prelude::repr_c;
use std::mem::MaybeUninit;

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
pub struct ph_exception {
    pub(super) exception: Exception,
}

/// Creates an exception.
///
/// `type` is its class or category, e.g. `std::runtime_error`; PostHog groups
/// by it. `message` may be empty; invalid UTF-8 in it is replaced. Both are
/// copied. On success `*exception_out` is the caller's, to free with
/// `ph_exception_free`; on failure it is not written. `PH_ERROR_NULL`,
/// `PH_ERROR_UTF8`, `PH_ERROR_EMPTY` (of the type).
#[unsafe(no_mangle)]
pub extern "C" fn ph_exception_new(
    r#type: CStrArg<'_>,
    message: CStrArg<'_>,
    exception_out: Option<&mut MaybeUninit<repr_c::Box<ph_exception>>>,
) -> ph_status {
    attempt(|| {
        let out = exception_out.ok_or(Error::Null)?;
        let exception = Exception::new(text(r#type)?, bytes(message)?)?;
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
        exception.ok_or(Error::Null)?.exception.handled = handled;
        Ok(())
    })
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

/// Adds a stack frame: the innermost first, then its caller, and so on; beyond
/// 64 they are left out. Each text may be `NULL` for unknown, and `line` 0.
/// `in_app` is true for the program's own code. All texts are copied.
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
        let owned = |arg| optional_text(arg).map(|text| text.map(str::to_owned));
        let frame = Frame {
            function: owned(function)?,
            file: owned(file)?,
            line: (line != 0).then_some(line),
            module: owned(module)?,
            in_app,
        };
        exception.ok_or(Error::Null)?.exception.push_frame(frame);
        Ok(())
    })
}

/// Sets every property of `props` on the event. What describes the exception
/// itself (`$exception_list`, `$exception_level`, `$exception_source`,
/// `$debug_images`) is the library's and is left out.
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
