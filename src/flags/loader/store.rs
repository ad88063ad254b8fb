//! The definitions at hand: replaced whole, and read without waiting.

use crate::clock;
use crate::flags::local::{Definitions, Unreadable};
use arc_swap::{ArcSwapOption, Guard};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Definitions, the text that they were read from, and when, in milliseconds since 1970.
pub struct Loaded {
    pub definitions: Definitions,
    pub text: Box<[u8]>,
    pub loaded_at: i64,
    version: u64,
}

/// Definitions for the length of one evaluation.
pub type Lent = Guard<Option<Arc<Loaded>>>;

#[derive(Default)]
pub struct Store {
    current: ArcSwapOption<Loaded>,
    /// How many there have been.
    versions: AtomicU64,
    /// Those that were replaced while a reader had them. To free thousands of flags takes long:
    /// that is for the thread that replaces them.
    retired: Mutex<Vec<Arc<Loaded>>>,
}

impl Store {
    /// For a forked child: the definitions are never changed, so it can have its parent's.
    pub fn inherit(&self) -> Store {
        let current = self.current.load_full();
        let versions = AtomicU64::new(current.as_ref().map_or(0, |loaded| loaded.version));
        Store { current: ArcSwapOption::new(current), versions, retired: Mutex::default() }
    }

    #[inline]
    pub fn get(&self) -> Lent {
        self.current.load()
    }

    pub fn is_empty(&self) -> bool {
        self.current.load().is_none()
    }

    /// Which definitions there are: each has another number. 0 for none.
    pub fn version(&self) -> u64 {
        self.current.load().as_ref().map_or(0, |loaded| loaded.version)
    }

    /// Reads definitions and puts them in place of those before. Text that is none changes
    /// nothing. Returns their version.
    pub fn replace(&self, text: &[u8]) -> Result<u64, Unreadable> {
        let definitions = Definitions::parse(text)?;
        let version = self.versions.fetch_add(1, Ordering::Relaxed) + 1;
        let loaded_at = clock::now().unix_millis();
        let fresh = Loaded { definitions, text: text.into(), loaded_at, version };
        let old = self.current.swap(Some(Arc::new(fresh)));
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.extend(old);
        // Nobody can get at them any more: who has them when one owner is left is this list.
        retired.retain(|old| Arc::strong_count(old) > 1);
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = br#"{"flags":[{"key":"one","active":true}]}"#;
    const TWO: &[u8] = br#"{"flags":[{"key":"two","active":true}]}"#;

    fn key(store: &Store) -> Option<String> {
        store.get().as_ref().map(|loaded| loaded.definitions.flags()[0].key().to_owned())
    }

    #[test]
    fn text_that_is_not_definitions_changes_nothing() {
        let store = Store::default();
        assert!(store.is_empty() && store.replace(b"[]").is_err() && store.is_empty());
        store.replace(ONE).unwrap();
        for bad in [&ONE[..ONE.len() - 1], b"", b"{}", b"null", br#"{"flags":{}}"#] {
            assert!(store.replace(bad).is_err());
            assert_eq!(key(&store).as_deref(), Some("one"));
        }
        assert_eq!(&*store.get().as_ref().unwrap().text, ONE);
    }

    #[test]
    fn a_reader_keeps_what_it_has_and_does_not_have_to_free_it() {
        let store = Store::default();
        store.replace(ONE).unwrap();
        let lent = store.get();
        store.replace(TWO).unwrap();
        assert_eq!(lent.as_ref().unwrap().definitions.flags()[0].key(), "one");
        assert_eq!(key(&store).as_deref(), Some("two"));
        let weak = Arc::downgrade(lent.as_ref().unwrap());
        drop(lent);
        assert_eq!(weak.strong_count(), 1);
        store.replace(ONE).unwrap();
        assert_eq!(weak.strong_count(), 0);
    }

    #[test]
    fn a_child_has_what_its_parent_had() {
        let store = Store::default();
        store.replace(ONE).unwrap();
        let child = store.inherit();
        store.replace(TWO).unwrap();
        assert_eq!(key(&child).as_deref(), Some("one"));
    }
}
