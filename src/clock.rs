//! What time it is. The pure parts are handed a time; whoever needs one asks here.

use crate::timestamp::Timestamp;
use std::time::SystemTime;

/// The wall clock, for what goes on the wire.
pub fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}
