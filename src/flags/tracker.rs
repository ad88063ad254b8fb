//! Which reads of flags PostHog has been told of, so that each is told once.

use super::lru::Lru;
use super::parts::Parts;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

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
        (key, enabled, variant, groups).hash(&mut hasher);
        Read(hasher.finish())
    }
}

/// What was told of one distinct id, oldest first.
type Told = Vec<Read>;

pub struct Tracker {
    ids: Parts<Lru<Told>>,
}

impl Tracker {
    pub fn new() -> Tracker {
        Tracker { ids: Parts::new(IDS_MAX, Tracker::part) }
    }

    fn part(count: usize) -> Lru<Told> {
        Lru::new(IDS_MAX / count, BYTES_MAX / count)
    }

    /// For a forked child: what its parent has told it does not tell again.
    pub fn inherit(&self) -> Tracker {
        Tracker { ids: self.ids.inherit(Lru::clone, Tracker::part) }
    }

    /// Whether this read is new; it is not from here on.
    pub fn is_new(&self, distinct_id: &str, read: Read) -> bool {
        let mut part = self.ids.of(distinct_id.as_bytes());
        let told = match part.get(distinct_id.as_bytes()) {
            Some(told) if told.contains(&read) => return false,
            Some(told) => told,
            None => &Vec::new(),
        };
        let forgotten = (told.len() + 1).saturating_sub(READS_MAX);
        let mut more = Vec::with_capacity((told.len() + 1).next_power_of_two());
        more.extend_from_slice(&told[forgotten..]);
        more.push(read);
        let bytes = more.capacity() * size_of::<Read>();
        part.insert(&Arc::from(distinct_id.as_bytes()), more, bytes);
        true
    }

    pub fn clear(&self) {
        self.ids.each(|part| part.clear());
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
        for id in 0..2 * IDS_MAX {
            assert!(tracker.is_new(&id.to_string(), read("a", true)));
        }
        let mut known = 0;
        tracker.ids.each(|part| known += part.len());
        assert!(known <= IDS_MAX && known > IDS_MAX * 95 / 100, "{known}");
        // The youngest are still there, however the parts fill.
        let young = (2 * IDS_MAX - IDS_MAX / 2)..2 * IDS_MAX;
        assert!(young.clone().all(|id| !tracker.is_new(&id.to_string(), read("a", true))));
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
        let tracker = Tracker::new();
        let first = std::thread::scope(|scope| {
            let is_new = || tracker.is_new("u", read("a", true));
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(is_new)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).filter(|it| *it).count()
        });
        assert_eq!(first, 1);
    }
}
