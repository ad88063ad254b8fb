//! The definitions' endpoint: what is asked, what an answer means, and when to ask again. Pure.

use crate::retry::{self, Family, Schedule, Verdict, retry_after};
use crate::transport::Answer;
use std::time::{Duration, SystemTime};

/// More of an answer than this is not read: thousands of flags with long lists of ids fit.
pub const ANSWER_MAX: u64 = 128 << 20;

/// Where nothing is known yet, the pauses after failures begin with this.
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// However often polls fail, or the key is refused, the next comes after this at most, unless the
/// interval is longer.
const BACKOFF_MAX: Duration = Duration::from_secs(10 * 60);

/// The path for a project's API key, relative to the host.
pub fn path(api_key: &str) -> String {
    let mut path = "/flags/definitions?token=".to_owned();
    for byte in api_key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path.push_str("&send_cohorts");
    path
}

/// What an answer means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// Here are definitions.
    Fresh,
    /// Those that are known are still right.
    Same,
    /// The key is wrong or may not read definitions, or the project's quota is used up. Nothing
    /// that is done here changes that.
    Refused,
    Failed,
}

pub fn meaning(status: u16) -> Meaning {
    match (retry::verdict(Family::Definitions, status), status) {
        (Verdict::Done, 200) => Meaning::Fresh,
        (Verdict::Done, 304) => Meaning::Same,
        (Verdict::Rejected, _) => Meaning::Refused,
        // Of the successes, too: one without a body brings nothing.
        _ => Meaning::Failed,
    }
}

/// What came of one poll.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Poll {
    Good,
    Refused,
    Failed,
}

/// When the next poll is.
pub struct Rhythm {
    interval: Duration,
    /// Polls in a row that were not good.
    failures: u32,
}

impl Rhythm {
    pub fn new(interval: Duration) -> Rhythm {
        Rhythm { interval, failures: 0 }
    }

    /// The pause after a poll. `known`: there are definitions, so that a failure is no haste.
    /// `asked` is the least that the server asked for. `random` is any 64 random bits: pauses
    /// differ by a tenth either way, so that a fleet that was started at once does not stay in
    /// step.
    pub fn pause(&mut self, poll: Poll, known: bool, asked: Duration, random: u64) -> Duration {
        if poll == Poll::Good {
            self.failures = 0;
            return jittered(self.interval, random).max(asked);
        }
        self.failures = self.failures.saturating_add(1);
        // A refusal does not pass by itself: it is not asked about in haste.
        let hurries = poll == Poll::Failed && !known;
        let base = if hurries { RETRY_FIRST.min(self.interval) } else { self.interval };
        let cap = if hurries { self.interval } else { BACKOFF_MAX.max(self.interval) };
        let backoff = Schedule { base, cap, max_retries: None, max_age: Duration::MAX };
        backoff.backoff(self.failures, random).max(asked)
    }
}

fn jittered(interval: Duration, random: u64) -> Duration {
    let share = (random >> 32) as f64 / f64::from(u32::MAX);
    interval.mul_f64(0.9 + 0.2 * share)
}

/// The least pause that an answer asks for.
pub fn asked_pause(answer: &Answer, now: SystemTime) -> Duration {
    answer.header("retry-after").and_then(|text| retry_after(text, now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);
    const MIDDLE: u64 = u64::MAX / 2;

    fn secs(rhythm: &mut Rhythm, poll: Poll, known: bool) -> u64 {
        rhythm.pause(poll, known, Duration::ZERO, u64::MAX).as_secs()
    }

    #[test]
    fn the_project_is_named_in_the_path() {
        assert_eq!(path("phc_aB1"), "/flags/definitions?token=phc_aB1&send_cohorts");
        assert_eq!(path("a&b=c é"), "/flags/definitions?token=a%26b%3Dc%20%C3%A9&send_cohorts");
    }

    #[test]
    fn statuses() {
        assert_eq!(meaning(200), Meaning::Fresh);
        assert_eq!(meaning(304), Meaning::Same);
        for refused in [401, 402, 403] {
            assert_eq!(meaning(refused), Meaning::Refused);
        }
        for failed in [204, 301, 400, 404, 408, 429, 500, 502, 503, 504] {
            assert_eq!(meaning(failed), Meaning::Failed);
        }
    }

    #[test]
    fn good_polls_are_an_interval_apart_give_or_take_a_tenth() {
        let mut rhythm = Rhythm::new(INTERVAL);
        let mut pause = |random| rhythm.pause(Poll::Good, true, Duration::ZERO, random);
        assert_eq!(pause(0), Duration::from_secs(27));
        assert_eq!(pause(u64::MAX), Duration::from_secs(33));
        assert_eq!(pause(MIDDLE).as_secs(), 29);
    }

    #[test]
    fn failures_wait_longer_each_time_up_to_a_bound() {
        let mut rhythm = Rhythm::new(INTERVAL);
        for expected in [30, 60, 120, 240, 480, 600, 600] {
            assert_eq!(secs(&mut rhythm, Poll::Failed, true), expected);
        }
        assert_eq!(secs(&mut rhythm, Poll::Good, true), 33);
        assert_eq!(secs(&mut rhythm, Poll::Refused, true), 30);
        assert_eq!(secs(&mut rhythm, Poll::Refused, true), 60);
        let mut slow = Rhythm::new(Duration::from_secs(3_600));
        assert_eq!(secs(&mut slow, Poll::Failed, true), 3_600);
        assert_eq!(secs(&mut slow, Poll::Failed, true), 3_600);
    }

    #[test]
    fn while_nothing_is_known_failures_are_repaired_soon_and_refusals_are_not() {
        let mut rhythm = Rhythm::new(INTERVAL);
        for expected in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(secs(&mut rhythm, Poll::Failed, false), expected);
        }
        let mut rhythm = Rhythm::new(INTERVAL);
        assert_eq!(secs(&mut rhythm, Poll::Refused, false), 30);
        let mut quick = Rhythm::new(Duration::from_millis(200));
        let pause = quick.pause(Poll::Failed, false, Duration::ZERO, u64::MAX);
        assert_eq!(pause, Duration::from_millis(200));
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        let mut rhythm = Rhythm::new(INTERVAL);
        let asked = Duration::from_secs(50);
        assert_eq!(rhythm.pause(Poll::Good, true, asked, 0), asked);
        assert_eq!(rhythm.pause(Poll::Failed, true, asked, 0), asked);
    }
}
