//! A snapshot that knows which of its flags were read.

use super::snapshot::{Flag, Snapshot};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What one evaluation gave to the host.
pub struct View {
    snapshot: Arc<Snapshot>,
    /// Of each flag that is here, whether its value was read.
    read: Box<[AtomicBool]>,
    /// Whether reads are told to PostHog. `None`: as the client does.
    flag_events: Option<bool>,
}

impl View {
    pub fn new(snapshot: impl Into<Arc<Snapshot>>, flag_events: Option<bool>) -> View {
        let snapshot = snapshot.into();
        let count = snapshot.len() + snapshot.unknown_len();
        let read = (0..count).map(|_| AtomicBool::new(false)).collect();
        View { snapshot, read, flag_events }
    }

    pub fn flag_events(&self) -> Option<bool> {
        self.flag_events
    }

    #[inline]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Notes that a value is read. Whether for the first time.
    #[inline]
    pub fn mark(&self, flag: Flag<'_>) -> bool {
        let read = &self.read[flag.index()];
        // Mostly it was, and nobody has to write to what other threads read.
        !read.load(Ordering::Relaxed) && !read.swap(true, Ordering::Relaxed)
    }

    /// Only what was read. Reads of the new one are its own.
    pub fn only_read(&self) -> View {
        self.narrowed(|index| self.read[index].load(Ordering::Relaxed))
    }

    /// Only these keys, as far as they are here.
    pub fn only(&self, keys: &[&[u8]]) -> View {
        let mut kept = vec![false; self.read.len()];
        for flag in keys.iter().filter_map(|key| self.snapshot.find(key)) {
            kept[flag.index()] = true;
        }
        self.narrowed(|index| kept[index])
    }

    fn narrowed(&self, keep: impl Fn(usize) -> bool) -> View {
        View::new(self.snapshot.narrowed(keep), self.flag_events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::context::Context;
    use crate::flags::draft::{Draft, Record};
    use std::sync::atomic::AtomicUsize;

    fn view(flags: &[(&str, Option<bool>)]) -> View {
        let record = |&(key, enabled): &(&str, Option<bool>)| Record {
            key: key.to_owned(),
            enabled,
            ..Record::default()
        };
        let draft = Draft { records: flags.iter().map(record).collect(), ..Draft::default() };
        View::new(Snapshot::new("u", &Context::default(), draft), None)
    }

    fn keys(view: &View) -> Vec<&str> {
        view.snapshot().flags().map(Flag::key_text).collect()
    }

    #[test]
    fn what_was_read_can_be_told_apart() {
        let view = view(&[("a", Some(true)), ("b", Some(false)), ("c", None)]);
        assert!(keys(&view.only_read()).is_empty());
        for (key, first) in [("b", true), ("b", false), ("c", true)] {
            assert_eq!(view.mark(view.snapshot().find(key.as_bytes()).unwrap()), first);
        }
        let read = view.only_read();
        assert_eq!((keys(&read), read.snapshot().unknown_len()), (vec!["b"], 1));
        // Its reads are its own.
        assert!(keys(&read.only_read()).is_empty());
        assert!(read.mark(read.snapshot().find(b"b").unwrap()));
        assert_eq!(keys(&view.only_read()), ["b"]);
        assert_eq!(keys(&view.only(&[b"a", b"missing", b"a"])), ["a"]);
    }

    #[test]
    fn of_many_threads_one_is_first() {
        let view = view(&[("a", Some(true))]);
        let (first, flag) = (AtomicUsize::new(0), view.snapshot().find(b"a").unwrap());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| first.fetch_add(usize::from(view.mark(flag)), Ordering::Relaxed));
            }
        });
        assert_eq!(first.into_inner(), 1);
    }
}
