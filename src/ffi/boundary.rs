//! The panic boundary: no export's body runs outside `guard` or `attempt`.
//!
//! A function, not a macro, so that rustfmt, cbindgen and editors see ordinary code.

use super::status::ph_status;
use crate::error::Error;
use crate::hooks;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(not(panic = "unwind"))]
compile_error!("build with panic = \"unwind\": the boundary cannot catch an abort");

/// What an exported function returns when its body panicked.
pub(super) trait OnPanic {
    const ON_PANIC: Self;
}

impl OnPanic for ph_status {
    const ON_PANIC: ph_status = ph_status::PH_ERROR_PANIC;
}

impl OnPanic for () {
    const ON_PANIC: () = ();
}

impl OnPanic for bool {
    const ON_PANIC: bool = false;
}

impl OnPanic for usize {
    const ON_PANIC: usize = 0;
}

impl OnPanic for i64 {
    const ON_PANIC: i64 = 0;
}

impl<T> OnPanic for Option<T> {
    const ON_PANIC: Option<T> = None;
}

/// Runs `body`; a panic becomes the return type's failure value instead of unwinding into a C
/// frame.
pub(super) fn guard<T: OnPanic>(body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(T::ON_PANIC)
}

/// [`guard`] for a body that uses `?`.
pub(super) fn attempt(body: impl FnOnce() -> Result<(), Error>) -> ph_status {
    guard(|| match body() {
        Ok(()) => ph_status::PH_OK,
        Err(error) => error.into(),
    })
}

/// Refuses to go on inside a callback.
pub(super) fn outside_callbacks() -> Result<(), Error> {
    if hooks::inside_callback() { Err(Error::Reentrant) } else { Ok(()) }
}
