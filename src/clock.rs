//! What time it is. The pure parts are handed a time; whoever needs one asks here.

use crate::sys;
use crate::timestamp::Timestamp;
use std::time::SystemTime;

/// The wall clock, for what goes on the wire.
#[inline(always)]
pub fn now() -> Timestamp {
    match sys::clock::now() {
        Some((secs, micros)) => Timestamp::from_unix_micros(secs, micros),
        None => Timestamp::from_system(SystemTime::now()),
    }
}
