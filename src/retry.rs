//! What an answer means, and when to try again. Pure: no clock, no thread, no socket.

use std::time::{Duration, SystemTime};

/// Longest wait that a server's `Retry-After` can ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// What is asked for. Each family has statuses of its own that pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// `POST /batch/`, `/i/v0/ai/batch/`.
    V0,
    /// `POST /i/v1/analytics/events`.
    V1,
    /// `POST /i/v1/ai/events`.
    AiV1,
    /// `POST /flags/`.
    Flags,
    /// `GET /flags/definitions`.
    #[cfg_attr(
        not(any(test, feature = "local-evaluation")),
        expect(dead_code, reason = "nobody reads definitions then")
    )]
    Definitions,
}

/// What an answer means for the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It did what was asked. For definitions also: they have not changed.
    Done,
    /// Ask again.
    Retry,
    /// Refused for good.
    Rejected,
    /// Refused for its size.
    TooLarge,
}

/// What a status means.
///
/// Events are asked for again as long as the refusal may pass. Under V1 a 404 or 429 does, too: a
/// proxy in front of the server says so, and a server that has no such path never got this far.
/// Somebody waits for flags, so they are asked for again only where the server itself was not
/// reached. Definitions are asked for again with the next poll, unless the key is refused.
pub fn verdict(family: Family, status: u16) -> Verdict {
    use Family::{AiV1, Definitions, Flags, V0, V1};
    match (family, status) {
        (_, 200..=299) | (Definitions, 304) => Verdict::Done,
        (V0 | V1 | AiV1, 408 | 429 | 500..=599) | (V1 | AiV1, 404) => Verdict::Retry,
        (V0 | V1 | AiV1, 413) => Verdict::TooLarge,
        (Flags, 502 | 504) => Verdict::Retry,
        (Definitions, 401..=403) => Verdict::Rejected,
        (Definitions, _) => Verdict::Retry,
        _ => Verdict::Rejected,
    }
}

/// How long to wait between attempts, and how often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    pub base: Duration,
    pub cap: Duration,
    /// Retries after the first attempt; `None` for as many as `max_age` allows.
    pub max_retries: Option<u32>,
    /// A batch that has been tried for so long is given up.
    pub max_age: Duration,
}

impl Schedule {
    /// The wait before retry `retry` (1 is the first): doubling, capped, and half of it random
    /// ("equal jitter"), so that it never comes near zero. `random` is any 64 random bits.
    pub fn backoff(&self, retry: u32, random: u64) -> Duration {
        let doublings = retry.saturating_sub(1).min(31);
        let full = self.base.saturating_mul(1 << doublings).min(self.cap);
        let half = full / 2;
        let share = (random >> 32) as f64 / f64::from(u32::MAX);
        half + half.mul_f64(share)
    }

    /// Whether there is another attempt, after so many retries in so much time.
    pub fn allows(&self, retries: u32, age: Duration) -> Result<(), Exhausted> {
        if age >= self.max_age {
            Err(Exhausted::Age)
        } else if self.max_retries.is_some_and(|max| retries >= max) {
            Err(Exhausted::Retries)
        } else {
            Ok(())
        }
    }
}

/// Why there is no further attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exhausted {
    Age,
    Retries,
}

/// The wait that a `Retry-After` header asks for (RFC 9110, section 10.2.3): seconds or an HTTP
/// date, clamped. `None` for anything else: a hostile value must not mute the client.
pub fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too large for u64 is longer than the clamp all the same.
        let seconds = header.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    }
    let date = httpdate::parse_http_date(header).ok()?;
    Some(date.duration_since(now).unwrap_or_default().min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row for each kind of status; a column for each family.
    #[test]
    fn statuses_of_each_family() {
        use Verdict::{Done, Rejected, Retry, TooLarge};
        let families = [Family::V0, Family::V1, Family::AiV1, Family::Flags, Family::Definitions];
        let table: [(&[u16], [Verdict; 5]); 12] = [
            (&[200, 201, 204, 299], [Done, Done, Done, Done, Done]),
            (&[304], [Rejected, Rejected, Rejected, Rejected, Done]),
            (&[301, 302, 307, 308], [Rejected, Rejected, Rejected, Rejected, Retry]),
            (&[400, 405, 410, 415, 422], [Rejected, Rejected, Rejected, Rejected, Retry]),
            (&[401, 402, 403], [Rejected, Rejected, Rejected, Rejected, Rejected]),
            (&[404], [Rejected, Retry, Retry, Rejected, Retry]),
            (&[408], [Retry, Retry, Retry, Rejected, Retry]),
            (&[413], [TooLarge, TooLarge, TooLarge, Rejected, Retry]),
            (&[429], [Retry, Retry, Retry, Rejected, Retry]),
            (&[500, 503], [Retry, Retry, Retry, Rejected, Retry]),
            (&[502, 504], [Retry, Retry, Retry, Retry, Retry]),
            (&[501, 505, 521, 599], [Retry, Retry, Retry, Rejected, Retry]),
        ];
        for (statuses, expected) in table {
            for (family, expected) in families.into_iter().zip(expected) {
                for status in statuses {
                    assert_eq!(verdict(family, *status), expected, "{family:?} {status}");
                }
            }
        }
    }

    #[test]
    fn backoff_doubles_up_to_the_cap_with_half_of_it_random() {
        let schedule = Schedule {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            max_retries: None,
            max_age: Duration::MAX,
        };
        for (retry, full) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (7, 30), (u32::MAX, 30)] {
            let full = Duration::from_secs(full);
            assert_eq!(schedule.backoff(retry, 0), full / 2);
            assert_eq!(schedule.backoff(retry, u64::MAX), full);
            let middle = schedule.backoff(retry, u64::MAX / 2);
            assert!(middle > full / 2 && middle < full);
        }
    }

    #[test]
    fn attempts_end_by_number_or_by_age() {
        let schedule = Schedule {
            base: Duration::ZERO,
            cap: Duration::ZERO,
            max_retries: Some(3),
            max_age: Duration::from_secs(60),
        };
        assert_eq!(schedule.allows(2, Duration::ZERO), Ok(()));
        assert_eq!(schedule.allows(3, Duration::ZERO), Err(Exhausted::Retries));
        assert_eq!(schedule.allows(0, Duration::from_secs(60)), Err(Exhausted::Age));
        let unlimited = Schedule { max_retries: None, ..schedule };
        assert_eq!(unlimited.allows(u32::MAX, Duration::ZERO), Ok(()));
    }

    #[test]
    fn retry_after_takes_seconds_and_dates_and_nothing_else() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let seconds = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds(" 7 "), Some(7));
        assert_eq!(seconds("31"), Some(30));
        assert_eq!(seconds("99999999999999999999999999"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:27 GMT"), Some(0));
        assert_eq!(seconds("Fri, 31 Dec 9999 23:59:59 GMT"), Some(30));
        for hostile in ["", "-1", "1.5", "soon", "NaN", "1e3", "٣", "Sun, 99 Nov 1994 08:49:37 GMT"]
        {
            assert_eq!(seconds(hostile), None, "{hostile}");
        }
    }
}
