//! A map that is bounded in entries and in bytes, and forgets what was used longest ago.
//!
//! Every operation takes constant time, and making room takes out one entry after the other: never
//! all at once.

use std::collections::HashMap;
use std::sync::Arc;

/// No node.
const NONE: usize = usize::MAX;

#[derive(Clone)]
struct Node<V> {
    key: Arc<[u8]>,
    value: V,
    bytes: usize,
    newer: usize,
    older: usize,
}

/// Entries in the order of their last use: a doubly linked list through a vector.
#[derive(Clone)]
pub struct Lru<V> {
    index: HashMap<Arc<[u8]>, usize>,
    nodes: Vec<Node<V>>,
    newest: usize,
    oldest: usize,
    bytes: usize,
    len_max: usize,
    bytes_max: usize,
}

impl<V> Lru<V> {
    /// Room for at least one entry, however large.
    pub fn new(len_max: usize, bytes_max: usize) -> Lru<V> {
        Lru {
            index: HashMap::new(),
            nodes: Vec::new(),
            newest: NONE,
            oldest: NONE,
            bytes: 0,
            len_max: len_max.max(1),
            bytes_max,
        }
    }

    /// Finds an entry, which is then the one used last.
    pub fn get(&mut self, key: &[u8]) -> Option<&V> {
        let at = *self.index.get(key)?;
        if at != self.newest {
            self.unlink(at);
            self.link_newest(at);
        }
        Some(&self.nodes[at].value)
    }

    /// Enters a value of about so many bytes, in place of the one of the same key, and takes out
    /// the oldest entries until the rest fits.
    pub fn insert(&mut self, key: &Arc<[u8]>, value: V, bytes: usize) {
        let bytes = bytes + key.len() + size_of::<Node<V>>();
        self.bytes += bytes;
        if let Some(&at) = self.index.get(key) {
            let node = &mut self.nodes[at];
            self.bytes -= std::mem::replace(&mut node.bytes, bytes);
            node.value = value;
            self.unlink(at);
            self.link_newest(at);
        } else {
            let at = self.nodes.len();
            let key = Arc::clone(key);
            self.index.insert(Arc::clone(&key), at);
            self.nodes.push(Node { key, value, bytes, newer: NONE, older: NONE });
            self.link_newest(at);
        }
        while self.nodes.len() > self.len_max || (self.bytes > self.bytes_max && self.len() > 1) {
            self.take_out(self.oldest);
        }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Takes out one entry, if it is there.
    pub fn remove(&mut self, key: &[u8]) {
        if let Some(&at) = self.index.get(key) {
            self.take_out(at);
        }
    }

    pub fn clear(&mut self) {
        *self = Lru::new(self.len_max, self.bytes_max);
    }

    fn link_newest(&mut self, at: usize) {
        self.nodes[at].newer = NONE;
        self.nodes[at].older = self.newest;
        match self.newest {
            NONE => self.oldest = at,
            newest => self.nodes[newest].newer = at,
        }
        self.newest = at;
    }

    fn unlink(&mut self, at: usize) {
        let (newer, older) = (self.nodes[at].newer, self.nodes[at].older);
        match newer {
            NONE => self.newest = older,
            newer => self.nodes[newer].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.nodes[older].newer = newer,
        }
    }

    fn take_out(&mut self, at: usize) {
        self.unlink(at);
        let gone = self.nodes.swap_remove(at);
        self.index.remove(&gone.key);
        self.bytes -= gone.bytes;
        // The last node has moved into the hole: whoever pointed to it points here now.
        let Some(moved) = self.nodes.get(at) else { return };
        let (newer, older) = (moved.newer, moved.older);
        if let Some(place) = self.index.get_mut(&moved.key) {
            *place = at;
        }
        match newer {
            NONE => self.newest = at,
            newer => self.nodes[newer].older = at,
        }
        match older {
            NONE => self.oldest = at,
            older => self.nodes[older].newer = at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Arc<[u8]> {
        text.as_bytes().into()
    }

    /// What is in it, newest first; found in both directions.
    fn order(lru: &Lru<u32>) -> Vec<String> {
        let walk = |mut at: usize, step: fn(&Node<u32>) -> usize| {
            let mut keys = Vec::new();
            while at != NONE {
                let node = &lru.nodes[at];
                assert_eq!(lru.index.get(&node.key), Some(&at));
                keys.push(String::from_utf8(node.key.to_vec()).unwrap());
                at = step(node);
            }
            keys
        };
        let newest_first = walk(lru.newest, |node| node.older);
        let mut oldest_first = walk(lru.oldest, |node| node.newer);
        oldest_first.reverse();
        assert_eq!(newest_first, oldest_first);
        assert_eq!(newest_first.len(), lru.len());
        assert_eq!(lru.index.len(), lru.len());
        assert_eq!(lru.bytes, lru.nodes.iter().map(|node| node.bytes).sum::<usize>());
        newest_first
    }

    #[test]
    fn forgets_what_was_used_longest_ago() {
        let mut lru = Lru::new(3, usize::MAX);
        for (value, name) in ["a", "b", "c"].iter().enumerate() {
            lru.insert(&key(name), value as u32, 0);
        }
        assert_eq!(order(&lru), ["c", "b", "a"]);
        assert_eq!(lru.get(b"a"), Some(&0));
        lru.insert(&key("d"), 3, 0);
        assert_eq!(order(&lru), ["d", "a", "c"]);
        assert_eq!(lru.get(b"b"), None);
        lru.insert(&key("c"), 9, 0);
        lru.insert(&key("e"), 4, 0);
        assert_eq!(order(&lru), ["e", "c", "d"]);
        assert_eq!(lru.get(b"c"), Some(&9));
    }

    #[test]
    fn bytes_are_bounded_and_the_newest_always_stays() {
        let overhead = 1 + size_of::<Node<u32>>();
        let mut lru = Lru::new(100, 10 * overhead);
        for name in ["a", "b", "c", "d"] {
            lru.insert(&key(name), 0, overhead);
        }
        assert_eq!(order(&lru), ["d", "c", "b", "a"]);
        lru.insert(&key("c"), 0, 4 * overhead);
        assert_eq!(order(&lru), ["c", "d", "b"]);
        lru.insert(&key("e"), 0, 100 * overhead);
        assert_eq!(order(&lru), ["e"]);
        lru.insert(&key("f"), 0, 0);
        assert_eq!(order(&lru), ["f"]);
    }

    #[test]
    fn agrees_with_a_plain_list_over_many_steps() {
        let mut lru = Lru::new(8, usize::MAX);
        let mut list: Vec<(String, u32)> = Vec::new();
        let mut random = 1_u32;
        for step in 0..5_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let name = format!("{}", (random >> 16) % 13);
            let known = list.iter().position(|(known, _)| *known == name);
            if random >> 31 == 0 {
                let expected = known.map(|at| list.remove(at));
                assert_eq!(lru.get(name.as_bytes()), expected.as_ref().map(|(_, value)| value));
                list.splice(0..0, expected);
            } else {
                known.map(|at| list.remove(at));
                list.insert(0, (name.clone(), step));
                list.truncate(8);
                lru.insert(&key(&name), step, 0);
            }
            let names: Vec<String> = list.iter().map(|(name, _)| name.clone()).collect();
            assert_eq!(order(&lru), names);
        }
    }

    #[test]
    fn what_is_taken_out_is_gone() {
        let mut lru = Lru::new(9, usize::MAX);
        for name in ["a", "b", "c"] {
            lru.insert(&key(name), 1, 0);
        }
        lru.remove(b"a");
        lru.remove(b"missing");
        assert_eq!(order(&lru), ["c", "b"]);
        lru.clear();
        assert_eq!(order(&lru), Vec::<String>::new());
        lru.insert(&key("d"), 1, 0);
        assert_eq!(order(&lru), ["d"]);
    }

    #[test]
    fn a_clone_is_its_own() {
        let mut lru = Lru::new(2, usize::MAX);
        lru.insert(&key("a"), 1, 0);
        let mut copy = lru.clone();
        copy.insert(&key("b"), 2, 0);
        copy.insert(&key("c"), 3, 0);
        assert_eq!(order(&lru), ["a"]);
        assert_eq!(order(&copy), ["c", "b"]);
    }
}
