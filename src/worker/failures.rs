//! Keeps a dead network from filling the host's log.

use std::time::{Duration, Instant};

/// Identical failures are told once in this time, with how often they happened.
pub const TOLD_EVERY: Duration = Duration::from_secs(60);
/// So many kinds are told apart; a server that invents more is told of each time.
const KINDS_MAX: usize = 16;

struct Kind {
    text: String,
    since_told: u64,
    told_at: Instant,
}

/// What has failed lately.
#[derive(Default)]
pub struct Failures(Vec<Kind>);

impl Failures {
    /// How often this happened since it was last told; `None` when it is too soon to tell again.
    pub fn tell(&mut self, text: &str, times: u64, now: Instant) -> Option<u64> {
        self.0.retain(|kind| kind.since_told > 0 || now < kind.told_at + TOLD_EVERY);
        if let Some(kind) = self.0.iter_mut().find(|kind| kind.text == text) {
            kind.since_told += times;
            if now < kind.told_at + TOLD_EVERY {
                return None;
            }
            kind.told_at = now;
            return Some(std::mem::take(&mut kind.since_told));
        }
        if self.0.len() < KINDS_MAX {
            self.0.push(Kind { text: text.to_owned(), since_told: 0, told_at: now });
        }
        Some(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_failures_are_told_once_a_minute_with_their_count() {
        let start = Instant::now();
        let mut failures = Failures::default();
        assert_eq!(failures.tell("503", 1, start), Some(1));
        assert_eq!(failures.tell("refused", 3, start), Some(3));
        for second in 1..60 {
            let now = start + Duration::from_secs(second);
            assert_eq!(failures.tell("503", 1, now), None);
            assert_eq!(failures.tell("refused", 2, now), None);
        }
        assert_eq!(failures.tell("503", 1, start + TOLD_EVERY), Some(60));
        assert_eq!(failures.tell("503", 1, start + TOLD_EVERY), None);
        assert_eq!(failures.tell("refused", 2, start + TOLD_EVERY), Some(120));
    }
}
