//! Strings that the library gives away.

use super::boundary::guard;
use super::types::CStrOwned;

/// Frees a string that the library said is the caller's. Ignores `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_string_free(string: CStrOwned) {
    guard(|| drop(string));
}
