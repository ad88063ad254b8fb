//! When a batch is due. Pure: state and a time in, a decision out.

use std::time::{Duration, Instant};

/// What waits in the queue.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    pub events: usize,
    /// A batch has reached its largest size.
    pub full: bool,
    /// Somebody waits for it: a flush, a shutdown, a blocked capture.
    pub hurried: bool,
    /// Since when there has been something to send.
    pub since: Instant,
}

/// When to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    Now,
    At(Instant),
}

/// A batch goes out when it is full, when `flush_at` events wait, when one has waited for the
/// interval, or when somebody waits for it.
pub fn due(backlog: Backlog, flush_at: usize, interval: Duration, now: Instant) -> Due {
    let at = backlog.since + interval;
    if backlog.full || backlog.hurried || backlog.events >= flush_at || at <= now {
        Due::Now
    } else {
        Due::At(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_alone_is_enough() {
        let now = Instant::now();
        let interval = Duration::from_secs(5);
        let quiet = Backlog { events: 99, full: false, hurried: false, since: now };
        assert_eq!(due(quiet, 100, interval, now), Due::At(now + interval));
        assert_eq!(due(Backlog { events: 100, ..quiet }, 100, interval, now), Due::Now);
        assert_eq!(due(Backlog { full: true, ..quiet }, 100, interval, now), Due::Now);
        assert_eq!(due(Backlog { hurried: true, ..quiet }, 100, interval, now), Due::Now);
        assert_eq!(due(quiet, 100, interval, now + interval), Due::Now);
        let almost = now + interval - Duration::from_millis(1);
        assert_eq!(due(quiet, 100, interval, almost), Due::At(now + interval));
    }
}
