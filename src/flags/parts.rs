//! State in several parts, each behind a lock of its own, so that threads seldom meet.

use std::hash::{DefaultHasher, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

const PARTS_MAX: usize = 16;

/// With fewer entries than this a part would forget too unevenly.
const ENTRIES_MIN: usize = 512;

/// What is in each part belongs to the keys whose hash leads there.
pub struct Parts<T> {
    parts: Box<[Mutex<T>]>,
}

impl<T> Parts<T> {
    /// `make` is told by how much each part is smaller than the whole.
    pub fn new(entries_max: usize, make: impl Fn(usize) -> T) -> Parts<T> {
        let count = (entries_max / ENTRIES_MIN).clamp(1, PARTS_MAX);
        Parts { parts: (0..count).map(|_| Mutex::new(make(count))).collect() }
    }

    pub fn of(&self, key: &[u8]) -> MutexGuard<'_, T> {
        let mut index = 0;
        if self.parts.len() > 1 {
            let mut hasher = DefaultHasher::new();
            hasher.write(key);
            index = hasher.finish() as usize % self.parts.len();
        }
        lock(&self.parts[index])
    }

    /// For a forked child: what it has of its parent's. A part whose lock a thread of the parent
    /// held during the fork is made anew: nobody here would ever release it.
    pub fn inherit(&self, copy: impl Fn(&T) -> T, make: impl Fn(usize) -> T) -> Parts<T> {
        let count = self.parts.len();
        let part = |part: &Mutex<T>| match part.try_lock() {
            Ok(state) => copy(&state),
            Err(TryLockError::Poisoned(state)) => copy(&state.into_inner()),
            Err(TryLockError::WouldBlock) => make(count),
        };
        Parts { parts: self.parts.iter().map(|it| Mutex::new(part(it))).collect() }
    }

    /// Does this to one part after the other.
    pub fn each(&self, mut act: impl FnMut(&mut T)) {
        for part in &self.parts {
            act(&mut lock(part));
        }
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing between taking and releasing it leaves a state behind that is not whole.
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_always_leads_to_the_same_part() {
        let parts = Parts::new(1 << 20, |count| (count, Vec::new()));
        for key in 0..1_000_u32 {
            parts.of(&key.to_le_bytes()).1.push(key);
        }
        let mut used = 0;
        parts.each(|(count, keys)| {
            assert_eq!(*count, PARTS_MAX);
            used += usize::from(!keys.is_empty());
        });
        assert_eq!(used, PARTS_MAX);
        assert!((0..1_000_u32).all(|key| parts.of(&key.to_le_bytes()).1.contains(&key)));
    }

    #[test]
    fn what_is_small_stays_whole() {
        assert_eq!(Parts::new(1_000, |_| ()).parts.len(), 1);
    }

    #[test]
    fn a_child_has_all_but_what_was_held() {
        let parts = Parts::new(1 << 20, |_| 1);
        let key = *b"held";
        let held = parts.of(&key);
        let child = parts.inherit(|it| it + 10, |_| 0);
        drop(held);
        assert_eq!(*child.of(&key), 0);
        let mut sum = 0;
        child.each(|it| sum += *it);
        assert_eq!(sum, 11 * (PARTS_MAX - 1));
    }
}
