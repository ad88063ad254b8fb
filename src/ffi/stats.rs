//! `ph_stats_get`: the ledger and the counters.

use super::boundary::guard;
use super::ph_client;
use crate::error::Error;
use crate::ledger::Reason;
use std::ptr;

/// What each number of `ph_stats_get` counts, since `ph_init` (in a child of
/// `fork`: since its first call). Later versions may add some at the end.
///
/// At every moment, and in every snapshot, accepted + adopted = delivered +
/// queued + in flight + stored + drained + dropped.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_stat {
    /// Events that a call accepted.
    PH_STAT_ACCEPTED = 0,
    /// Events that processes which have ended left in storage, found by `ph_init`.
    PH_STAT_ADOPTED = 1,
    /// Events that the server took.
    PH_STAT_DELIVERED = 2,
    /// Events that wait to be sent.
    PH_STAT_QUEUED = 3,
    /// Events of the batches that are being sent, or wait for a retry.
    PH_STAT_IN_FLIGHT = 4,
    /// Events that `ph_shutdown` left in storage at its deadline.
    PH_STAT_STORED = 5,
    /// Events taken out with `ph_queue_drain`.
    PH_STAT_DRAINED = 6,
    /// Accepted events that were given up, whatever the reason; the reasons follow, and
    /// later versions may know more of them.
    PH_STAT_DROPPED = 7,
    /// Events evicted for newer ones (`PH_OVERFLOW_DROP_OLDEST`).
    PH_STAT_DROPPED_OVERFLOW = 8,
    /// Events that the server refused for good.
    PH_STAT_DROPPED_REJECTED = 9,
    /// Events that the server refused for their size.
    PH_STAT_DROPPED_TOO_LARGE = 10,
    /// Events given up for their age.
    PH_STAT_DROPPED_EXPIRED = 11,
    /// Events given up after `ph_config_set_max_retries` retries.
    PH_STAT_DROPPED_RETRIES = 12,
    /// Events not confirmed when the shutdown deadline passed.
    PH_STAT_DROPPED_SHUTDOWN = 13,
    /// Events that were queued when the user opted out.
    PH_STAT_DROPPED_OPTED_OUT = 14,
    /// Bytes of the queued events, as they will be on the wire.
    PH_STAT_QUEUED_BYTES = 15,
    /// Values that were repaired: NaN, NUL, invalid UTF-8, lone surrogates.
    PH_STAT_REPAIRED_VALUES = 16,
    /// Requests with events, retries included.
    PH_STAT_REQUESTS = 17,
    /// Of these, how many were retries.
    PH_STAT_RETRIES = 18,
    /// Requests for feature flags.
    PH_STAT_FLAG_REQUESTS = 19,
    /// When the server last took a batch: milliseconds since 1970, 0 for never.
    PH_STAT_LAST_SUCCESS_MS = 20,
    /// Captures, and evaluations of flags, that answered that status: they accepted
    /// nothing.
    PH_STAT_REFUSED_NULL = 21,
    PH_STAT_REFUSED_UTF8 = 22,
    PH_STAT_REFUSED_EMPTY = 23,
    PH_STAT_REFUSED_JSON = 24,
    PH_STAT_REFUSED_DEPTH = 25,
    PH_STAT_REFUSED_RANGE = 26,
    PH_STAT_REFUSED_HOST = 27,
    PH_STAT_REFUSED_UUID = 28,
    PH_STAT_REFUSED_TIMESTAMP = 29,
    PH_STAT_REFUSED_TOO_LARGE = 30,
    PH_STAT_REFUSED_QUEUE_FULL = 31,
    PH_STAT_REFUSED_FILTERED = 32,
    PH_STAT_REFUSED_SHUTDOWN = 33,
    PH_STAT_REFUSED_REENTRANT = 34,
    PH_STAT_REFUSED_TIMEOUT = 35,
    PH_STAT_REFUSED_LOST = 36,
    PH_STAT_REFUSED_NO_MEMORY = 37,
    PH_STAT_REFUSED_NETWORK = 38,
    PH_STAT_REFUSED_SERVER = 39,
    PH_STAT_REFUSED_THREAD = 40,
    PH_STAT_REFUSED_PANIC = 41,
    PH_STAT_REFUSED_SUPPRESSED = 42,
    PH_STAT_REFUSED_UNSUPPORTED = 43,
    PH_STAT_REFUSED_FILE = 44,
    PH_STAT_REFUSED_REJECTED = 45,
    /// Places in storage where adopted events were that cannot be read any more: torn,
    /// or changed by others. One of `PH_STAT_DROPPED`.
    PH_STAT_DROPPED_DAMAGED = 46,
}

const FIRST_REFUSED: usize = ph_stat::PH_STAT_REFUSED_NULL as usize;
const DAMAGED: usize = ph_stat::PH_STAT_DROPPED_DAMAGED as usize;
const COUNT: usize = DAMAGED + 1;

/// Writes the first `count` statistics to `values`, indexed by `ph_stat`, and
/// returns how many there are. Those of the ledger, up to
/// `PH_STAT_QUEUED_BYTES`, are one consistent snapshot; AI events are among them. `values` may be `NULL`
/// when `count` is 0. A `NULL` client has zeros. Works inside callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_stats_get(
    client: Option<&ph_client>,
    values: *mut u64,
    count: usize,
) -> usize {
    guard(|| {
        if !values.is_null() {
            let all = client.map_or([0; COUNT], read);
            let count = count.min(COUNT);
            // SAFETY: C promises room for `count` numbers at `values`, which is not NULL; the
            // source is as long as that, and a local.
            unsafe { ptr::copy_nonoverlapping(all.as_ptr(), values, count) };
        }
        COUNT
    })
}

fn read(client: &ph_client) -> [u64; COUNT] {
    let (ledger, queued_bytes) = client.client.ledger();
    let counters = client.client.counters();
    let mut all = [0; COUNT];
    let first = [
        ledger.accepted,
        ledger.adopted,
        ledger.delivered,
        ledger.queued,
        ledger.in_flight,
        ledger.stored,
        ledger.drained,
        ledger.dropped_total(),
        ledger.dropped(Reason::Overflow),
        ledger.dropped(Reason::Rejected),
        ledger.dropped(Reason::TooLarge),
        ledger.dropped(Reason::Expired),
        ledger.dropped(Reason::Retries),
        ledger.dropped(Reason::Shutdown),
        ledger.dropped(Reason::OptedOut),
        queued_bytes as u64,
        counters.repairs.get(),
        counters.requests.get(),
        counters.retries.get(),
        counters.flag_requests.get(),
        counters.last_success_ms.get(),
    ];
    all[..first.len()].copy_from_slice(&first);
    all[DAMAGED] = ledger.dropped(Reason::Damaged);
    for (index, value) in all[FIRST_REFUSED..DAMAGED].iter_mut().enumerate() {
        *value = counters.refused(index);
    }
    all
}

const _: () = assert!(FIRST_REFUSED + Error::COUNT == DAMAGED);
