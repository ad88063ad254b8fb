//! Which reads of flags PostHog has been told of, so that each is told once.

use super::shelf::Shelf;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Distinct ids. Those whose flags were read longest ago are forgotten one by one.
const IDS_MAX: usize = 50_000;

/// About so much memory in all.
const BYTES_MAX: usize = 32 << 20;

/// Reads of one distinct id; then the oldest are forgotten. A project has fewer flags.
const READS_MAX: usize = 4_096;

/// A read of a flag: which one, what it said, and in which groups. Two that differ have the same
/// number once in 2^64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Read(u64);

impl Read {
    /// `groups` is the hash of the groups, see `Context::groups_hash`.
    pub fn new(key: &[u8], enabled: Option<bool>, variant: Option<&[u8]>, groups: u64) -> Read {
        let mut hasher = DefaultHasher::new();
        let value = enabled.map_or(2, u64::from) | u64::from(variant.is_some()) << 2;
        // With its length the key cannot be taken for a part of the variant.
        hasher.write_u64((key.len() as u64) << 3 | value);
        hasher.write(key);
        variant.hash(&mut hasher);
        hasher.write_u64(groups);
        Read(hasher.finish())
    }
}

/// What was told of one distinct id, oldest first.
type Told = Box<[Read]>;

pub struct Tracker {
    ids: Shelf<Told>,
}

impl Tracker {
    pub fn new() -> Tracker {
        Tracker { ids: Shelf::new(IDS_MAX, BYTES_MAX) }
    }

    /// For a forked child: what its parent has told it does not tell again.
    pub fn inherit(&self) -> Tracker {
        Tracker { ids: self.ids.inherit() }
    }

    /// Whether this read is new; it is not from here on.
    pub fn is_new(&self, distinct_id: &str, read: Read) -> bool {
        let id = distinct_id.as_bytes();
        let was_told = |told: &Told| told.contains(&read);
        if self.ids.find(id, was_told) == Some(true) {
            return false;
        }
        let told = self.ids.update(id, |told| {
            let told = told.map_or(&[][..], |told| told);
            // Another thread may have been faster.
            if told.contains(&read) {
                return Err(());
            }
            let forgotten = (told.len() + 1).saturating_sub(READS_MAX);
            let more: Told = told[forgotten..].iter().copied().chain([read]).collect();
            let bytes = size_of_val(&*more);
            Ok((more, bytes))
        });
        told.is_ok()
    }

    pub fn clear(&self) {
        self.ids.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, enabled: bool) -> Read {
        Read::new(key.as_bytes(), Some(enabled), None, 0)
    }

    #[test]
    fn each_read_is_new_once() {
        let tracker = Tracker::new();
        let reads = [
            read("a", true),
            read("a", false),
            read("b", true),
            Read::new(b"a", None, None, 0),
            Read::new(b"a", Some(true), Some(b"x"), 0),
            Read::new(b"a", Some(true), Some(b""), 0),
            Read::new(b"ax", Some(true), Some(b""), 0),
            Read::new(b"a", Some(true), None, 1),
        ];
        for id in ["u", "v"] {
            for (index, read) in reads.iter().enumerate() {
                assert!(tracker.is_new(id, *read), "{id} {index}");
            }
        }
        for id in ["u", "v"] {
            assert!(reads.iter().all(|read| !tracker.is_new(id, *read)));
        }
        assert!(!tracker.inherit().is_new("u", reads[0]));
        tracker.clear();
        assert!(tracker.is_new("u", reads[0]));
    }

    #[test]
    fn ids_are_forgotten_one_by_one() {
        let tracker = Tracker::new();
        let is_new = |id: usize| tracker.is_new(&id.to_string(), read("a", true));
        assert!((0..2 * IDS_MAX).all(|id| is_new(id) && (id % 1_000 > 0 || id == 0 || !is_new(0))));
        let known = tracker.ids.len();
        assert!(known <= IDS_MAX && known > IDS_MAX * 95 / 100, "{known}");
        // The youngest are still there, however the tables fill, and so is who was read all along.
        let young = (2 * IDS_MAX - IDS_MAX / 2)..2 * IDS_MAX;
        assert!(young.into_iter().all(|id| !is_new(id)));
        assert!(!is_new(0) && is_new(1));
    }

    #[test]
    fn reads_of_one_id_are_bounded() {
        let tracker = Tracker::new();
        for key in 0..READS_MAX + 10 {
            assert!(tracker.is_new("u", read(&key.to_string(), true)));
        }
        assert!(!tracker.is_new("u", read("10", true)));
        assert!(tracker.is_new("u", read("9", true)));
    }

    #[test]
    fn of_many_threads_one_is_first() {
        let tracker = &Tracker::new();
        let first = std::thread::scope(|scope| {
            let is_new = |id: &usize| tracker.is_new(&id.to_string(), read("a", true));
            let count = move || (0..1_000).filter(is_new).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).sum::<usize>()
        });
        assert_eq!(first, 1_000);
    }
}
