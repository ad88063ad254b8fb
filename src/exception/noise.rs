//! Keeps an error in a loop from flooding PostHog: a bucket of tokens for each kind, and one for
//! all. Handed the time; touches no clock.

use std::collections::HashMap;
use std::time::Duration;

/// Kinds that are remembered. Beyond, the one that was quiet for longest is forgotten.
const KINDS_MAX: usize = 1024;
/// All kinds together have so many times what one has.
const ALL: u32 = 10;

/// How much passes.
#[derive(Clone, Copy)]
pub struct Limit {
    /// This many at once; `None` for any number.
    pub burst: Option<u32>,
    /// Then one in this time.
    pub interval: Duration,
}

impl Default for Limit {
    /// What posthog-node has for each type of exception.
    fn default() -> Limit {
        Limit { burst: Some(10), interval: Duration::from_secs(10) }
    }
}

/// A bucket, by the time at which it will be full again (the "generic cell rate algorithm").
#[derive(Clone, Copy, Default)]
struct Bucket {
    full_at: Duration,
}

impl Bucket {
    fn has_token(self, burst: u32, interval: Duration, now: Duration) -> bool {
        let room = interval.saturating_mul(burst.saturating_sub(1));
        self.full_at.saturating_sub(now) <= room
    }

    fn take(&mut self, interval: Duration, now: Duration) {
        self.full_at = self.full_at.max(now).saturating_add(interval);
    }
}

#[derive(Default)]
struct Kind {
    bucket: Bucket,
    suppressed: u64,
    seen_at: Duration,
}

/// What passed lately.
pub struct Noise {
    limit: Limit,
    all: Bucket,
    kinds: HashMap<u64, Kind>,
}

impl Noise {
    pub fn new(limit: Limit) -> Noise {
        Noise { limit, all: Bucket::default(), kinds: HashMap::new() }
    }

    /// Whether one of this kind passes; then, how many of it did not since the last that did.
    /// `urgent` ones always pass.
    pub fn admit(&mut self, kind: u64, urgent: bool, now: Duration) -> Option<u64> {
        let Some(burst) = self.limit.burst else { return Some(0) };
        self.make_room(kind);
        let Limit { interval, .. } = self.limit;
        let entry = self.kinds.entry(kind).or_default();
        entry.seen_at = now;
        let passes = entry.bucket.has_token(burst, interval, now)
            && self.all.has_token(burst.saturating_mul(ALL), interval / ALL, now);
        if !passes && !urgent {
            entry.suppressed += 1;
            return None;
        }
        entry.bucket.take(interval, now);
        self.all.take(interval / ALL, now);
        Some(std::mem::take(&mut entry.suppressed))
    }

    /// What was to carry the count did not get through.
    pub fn give_back(&mut self, kind: u64, suppressed: u64) {
        if suppressed > 0 {
            self.make_room(kind);
            self.kinds.entry(kind).or_default().suppressed += suppressed;
        }
    }

    /// Sees to it that the kind can be remembered, for which another may be forgotten.
    fn make_room(&mut self, kind: u64) {
        if self.kinds.len() < KINDS_MAX || self.kinds.contains_key(&kind) {
            return;
        }
        let quietest = self.kinds.iter().min_by_key(|(_, kind)| kind.seen_at);
        if let Some(kind) = quietest.map(|(kind, _)| *kind) {
            self.kinds.remove(&kind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { burst: Some(10), interval: Duration::from_secs(10) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_million_of_one_kind() {
        let mut noise = Noise::new(LIMIT);
        let passed = (0..1_000_000).filter(|_| noise.admit(1, false, at(0)).is_some()).count();
        assert_eq!(passed, 10);
        assert_eq!(noise.admit(1, false, at(9)), None);
        assert_eq!(noise.admit(1, false, at(10)), Some(999_991));
        assert_eq!(noise.admit(1, false, at(10)), None);
        // Left alone it fills again, not beyond the burst.
        let passed = (0..100).filter(|_| noise.admit(1, false, at(10_000)).is_some()).count();
        assert_eq!(passed, 10);
    }

    #[test]
    fn all_kinds_together_have_a_bound() {
        let mut noise = Noise::new(LIMIT);
        let passed = (0..100_000).filter(|kind| noise.admit(*kind, false, at(0)).is_some());
        assert_eq!(passed.count(), 100);
        assert!(noise.kinds.len() <= KINDS_MAX);
        assert_eq!(noise.admit(1 << 40, true, at(0)), Some(0));
    }

    #[test]
    fn what_did_not_get_through_is_counted_again() {
        let mut noise = Noise::new(Limit { burst: Some(1), interval: at(10) });
        assert_eq!(noise.admit(1, false, at(0)), Some(0));
        assert_eq!(noise.admit(1, false, at(0)), None);
        assert_eq!(noise.admit(1, false, at(10)), Some(1));
        noise.give_back(1, 1);
        assert_eq!(noise.admit(1, false, at(10)), None);
        assert_eq!(noise.admit(1, false, at(20)), Some(2));
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let mut noise = Noise::new(Limit { burst: None, interval: at(10) });
        assert!((0..1000).all(|_| noise.admit(1, false, at(0)) == Some(0)));
    }
}
