//! `ph_status`: the fate of one call.

use super::boundary::guard;
use super::types::{CStrLent, LentStr};
use crate::error::Error;
use std::ffi::CStr;

/// The fate of one call. `PH_OK` is 0, failures are negative. Values are never
/// changed or reused; later versions may add some.
///
/// A call that fails has accepted nothing. Captures and evaluations of flags
/// that fail are counted in the statistic `PH_STAT_REFUSED_...` of their status.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_status {
    /// The call did what was asked.
    PH_OK = 0,
    /// A required pointer is NULL.
    PH_ERROR_NULL = -1,
    /// An id, a name or a key is not UTF-8, or has a NUL inside.
    PH_ERROR_UTF8 = -2,
    /// An id, a name or a key is empty or blank.
    PH_ERROR_EMPTY = -3,
    /// A text is not JSON (RFC 8259), or not an object where one is needed.
    PH_ERROR_JSON = -4,
    /// JSON is nested deeper than 64.
    PH_ERROR_DEPTH = -5,
    /// A number is outside the range that the function names.
    PH_ERROR_RANGE = -6,
    /// A host is not an `http://` or `https://` URL without user, query or fragment;
    /// or a proxy is not one.
    PH_ERROR_HOST = -7,
    /// A text is not a hyphenated UUID, or is the nil UUID.
    PH_ERROR_UUID = -8,
    /// A time is not RFC 3339, or outside the years 1 to 9999.
    PH_ERROR_TIMESTAMP = -9,
    /// The event is larger than `ph_config_set_event_max_bytes` allows.
    PH_ERROR_TOO_LARGE = -10,
    /// The queue is at its bound, and the overflow policy kept the older events.
    PH_ERROR_QUEUE_FULL = -11,
    /// A `before_send` callback dropped the event.
    PH_ERROR_FILTERED = -12,
    /// The client has been shut down.
    PH_ERROR_SHUTDOWN = -13,
    /// Called from inside one of the library's callbacks.
    PH_ERROR_REENTRANT = -14,
    /// The deadline passed first.
    PH_ERROR_TIMEOUT = -15,
    /// Events that the call waited for were dropped; the statistics say why.
    PH_ERROR_LOST = -16,
    /// There is no memory for an event or a property; nothing was changed. Small
    /// allocations (a handle, a thread, a request) that fail abort the process.
    PH_ERROR_NO_MEMORY = -17,
    /// The server could not be reached, or did not answer in time.
    PH_ERROR_NETWORK = -18,
    /// The server answered with an error, or with something unreadable.
    PH_ERROR_SERVER = -19,
    /// The system refused to start a thread.
    PH_ERROR_THREAD = -20,
    /// A bug in the library, caught at its boundary. The handle stays usable.
    PH_ERROR_PANIC = -21,
    /// Too many exceptions of the same kind (`ph_config_set_exception_limit`): the
    /// next one that is sent says how many were not.
    PH_ERROR_SUPPRESSED = -22,
    /// The client was not configured for this, such as refreshing definitions of
    /// flags without a secret key; or the library was built without it.
    PH_ERROR_UNSUPPORTED = -23,
    /// A file cannot be read or written, or does not hold what it should.
    PH_ERROR_FILE = -24,
    /// The server refused the event for good.
    PH_ERROR_REJECTED = -25,
}

impl From<Error> for ph_status {
    fn from(error: Error) -> ph_status {
        match error {
            Error::Null => ph_status::PH_ERROR_NULL,
            Error::Utf8 => ph_status::PH_ERROR_UTF8,
            Error::Empty => ph_status::PH_ERROR_EMPTY,
            Error::Json => ph_status::PH_ERROR_JSON,
            Error::Depth => ph_status::PH_ERROR_DEPTH,
            Error::Range => ph_status::PH_ERROR_RANGE,
            Error::Host => ph_status::PH_ERROR_HOST,
            Error::Uuid => ph_status::PH_ERROR_UUID,
            Error::Timestamp => ph_status::PH_ERROR_TIMESTAMP,
            Error::TooLarge => ph_status::PH_ERROR_TOO_LARGE,
            Error::QueueFull => ph_status::PH_ERROR_QUEUE_FULL,
            Error::Filtered => ph_status::PH_ERROR_FILTERED,
            Error::Shutdown => ph_status::PH_ERROR_SHUTDOWN,
            Error::Reentrant => ph_status::PH_ERROR_REENTRANT,
            Error::Timeout => ph_status::PH_ERROR_TIMEOUT,
            Error::Lost => ph_status::PH_ERROR_LOST,
            Error::NoMemory => ph_status::PH_ERROR_NO_MEMORY,
            Error::Network => ph_status::PH_ERROR_NETWORK,
            Error::Server => ph_status::PH_ERROR_SERVER,
            Error::Thread => ph_status::PH_ERROR_THREAD,
            Error::Panic => ph_status::PH_ERROR_PANIC,
            Error::Suppressed => ph_status::PH_ERROR_SUPPRESSED,
            Error::Unsupported => ph_status::PH_ERROR_UNSUPPORTED,
            Error::File => ph_status::PH_ERROR_FILE,
            Error::Rejected => ph_status::PH_ERROR_REJECTED,
        }
    }
}

/// What a status means, in English, without a full stop.
///
/// Takes the number, so that any value may be asked about: an unknown one gives
/// `"unknown status"`. The text is static. Works inside callbacks.
#[unsafe(no_mangle)]
pub extern "C" fn ph_status_text(status: i32) -> CStrLent<'static> {
    guard(|| Some(LentStr::new(text_of(status))))
}

fn text_of(status: i32) -> &'static CStr {
    match status {
        0 => c"ok",
        -1 => c"a required pointer is NULL",
        -2 => c"text is not valid UTF-8",
        -3 => c"an id or a name is empty",
        -4 => c"text is not the JSON that is needed here",
        -5 => c"JSON is nested deeper than 64",
        -6 => c"value is out of range",
        -7 => c"host is not an http:// or https:// URL",
        -8 => c"text is not a UUID",
        -9 => c"time is not RFC 3339 or outside the years 1 to 9999",
        -10 => c"event is too large",
        -11 => c"queue is full",
        -12 => c"before_send dropped the event",
        -13 => c"client has been shut down",
        -14 => c"called from inside a callback",
        -15 => c"deadline passed",
        -16 => c"events were dropped",
        -17 => c"out of memory",
        -18 => c"server could not be reached",
        -19 => c"server answered with an error",
        -20 => c"thread could not be started",
        -21 => c"bug in the library, caught at its boundary",
        -22 => c"too many exceptions of the same kind",
        -23 => c"this client cannot do that",
        -24 => c"file cannot be read or written, or does not hold what it should",
        -25 => c"server refused the event",
        _ => c"unknown status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_the_text_of_its_error() {
        for error in crate::error::ALL {
            let status = ph_status::from(error) as i32;
            assert_eq!(text_of(status).to_str(), Ok(error.text()));
            assert_eq!(status, -1 - error as i32, "the order of both is the same");
        }
        assert_eq!(text_of(1), c"unknown status");
        assert_eq!(text_of(-1000), c"unknown status");
    }
}
