//! Which library this is.

use super::boundary::guard;
use super::types::{CStrLent, LentStr};
use std::ffi::CStr;

/// Do not wait at all.
pub const PH_NO_WAIT: u32 = 0;

/// Wait without a limit.
pub const PH_FOREVER: u32 = u32::MAX;

/// For `ph_config_set_max_retries`: never retry.
pub const PH_NEVER: u32 = u32::MAX;

/// A buffer for a UUID: 36 characters and a NUL.
pub const PH_UUID_SIZE: usize = 37;

/// The library's version, e.g. `"0.1.0"`: compare it with `PH_VERSION` of the header that you
/// compiled against. The text is static. Works inside callbacks.
#[unsafe(no_mangle)]
pub extern "C" fn ph_version() -> CStrLent<'static> {
    guard(|| {
        let text = CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes());
        text.ok().map(LentStr::new)
    })
}
