//! `ph_config_*`: for tests of programs that use the library.

use super::config::change;
use super::{ph_config, ph_status};

/// Keeps events for `ph_queue_drain` and sends nothing: no thread, no socket.
/// `ph_flush` and `ph_shutdown` answer at once and leave events where they are; flags
/// that are asked for are not known. Default false. A test of what a program captures is
/// five lines:
///
/// ```c
/// ph_config_set_capture_only(config, true);
/// ph_init(config, &client);
/// place_order(client);
/// ph_queue_drain(client, 100, &events);
/// assert(strstr(events, "\"event\":\"order placed\""));
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_capture_only(
    config: Option<&mut ph_config>,
    capture_only: bool,
) -> ph_status {
    change(config, |config| {
        config.capture_only = capture_only;
        Ok(())
    })
}

/// Makes what is captured the same in each run: events without a time of their own are
/// of that time (Unix milliseconds), and those without a uuid of their own have the next
/// of a sequence that `seed` begins. So are the times and the ids of requests, the ids of
/// exceptions without one, and the times of steps. Deadlines, flush intervals and retries
/// go by the real clock, and so do flags: when they were evaluated, and conditions on
/// dates. Only for tests: uuids of two processes collide. A later call takes the place of
/// an earlier one. `PH_ERROR_TIMESTAMP` outside the years 1 to 9999.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_deterministic(
    config: Option<&mut ph_config>,
    unix_ms: i64,
    seed: u64,
) -> ph_status {
    change(config, |config| config.set_deterministic(unix_ms, seed))
}
