//! What one evaluation says of each flag, on its way into a snapshot.

use super::snapshot::{Flag, Snapshot};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Where a value came from.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The server's answer.
    #[default]
    Remote,
    /// Definitions that were at hand.
    Local,
    /// An earlier answer: the newest one did not have it.
    Stale,
    /// The host set it, for its tests.
    Override,
    /// The host brought it, for the time until something better is known.
    Bootstrap,
}

/// One evaluation, which values share that came from it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Source {
    pub request_id: Option<String>,
    /// Milliseconds since 1970: by the server's clock for its answers, else by ours.
    pub evaluated_at: Option<i64>,
    /// When the values got here; from then on they age.
    pub taken: Option<Instant>,
    /// When the definitions were loaded that it used, in milliseconds since 1970.
    pub definitions_loaded_at: Option<i64>,
    /// The project takes events about flags without an experiment in their short form.
    pub minimal: bool,
}

/// One flag as an evaluation found it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Record {
    pub key: String,
    /// `None`: not known. `reason` says why.
    pub enabled: Option<bool>,
    pub variant: Option<String>,
    /// JSON text.
    pub payload: Option<String>,
    /// A code, such as `condition_match`.
    pub reason: Option<String>,
    /// The reason for people.
    pub description: Option<String>,
    pub id: Option<i64>,
    pub version: Option<i64>,
    /// `None`: the server did not say.
    pub has_experiment: Option<bool>,
    pub origin: Origin,
    /// `None`: the draft's own.
    pub source: Option<Arc<Source>>,
}

/// What a snapshot is made from.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Draft {
    /// Each key once.
    pub records: Vec<Record>,
    /// The evaluation that these records come from, but for those that name another.
    pub source: Arc<Source>,
    /// The server's answer, if it gave one for this evaluation.
    pub answer: Option<Arc<Source>>,
    /// The server said that it could not compute everything.
    pub errors: bool,
    /// The project is over its quota of flag requests: nothing was evaluated.
    pub quota_limited: bool,
    /// Why there is no answer, in PostHog's code: `timeout`, `connection_error`, `api_error_500`.
    pub failure: Option<String>,
}

impl Draft {
    /// Whether what is not in here does not exist.
    pub fn is_clean(&self) -> bool {
        let known = self.records.iter().all(|record| record.enabled.is_some());
        known && !self.errors && !self.quota_limited && self.failure.is_none()
    }

    /// The server's answer came at this time.
    pub fn take_at(&mut self, now: Instant) {
        Arc::make_mut(&mut self.source).taken = Some(now);
        self.answer = Some(Arc::clone(&self.source));
    }

    /// Takes from another evaluation what is not known here, and what went wrong there.
    pub fn fill(&mut self, other: Draft) {
        let source = other.source;
        let named = |record: Record| {
            let source = record.source.or_else(|| Some(Arc::clone(&source)));
            Record { source, ..record }
        };
        self.take(other.records.into_iter().map(named));
        self.answer = other.answer.or(self.answer.take());
        self.errors |= other.errors;
        self.quota_limited |= other.quota_limited;
        self.failure = self.failure.take().or(other.failure);
    }

    /// Takes from an older snapshot what is not known here.
    pub fn keep(&mut self, older: &Snapshot) {
        let aged = |flag: Flag<'_>| {
            let mut record = flag.to_record();
            if record.origin == Origin::Remote {
                record.origin = Origin::Stale;
            }
            record
        };
        self.take(older.flags().map(aged));
    }

    /// A record that is known here stays; one that is not gives way to any other of its key that
    /// is, or that comes from a later look.
    fn take(&mut self, others: impl Iterator<Item = Record>) {
        let keys = self.records.iter().enumerate().map(|(at, record)| (record.key.clone(), at));
        let places: HashMap<String, usize> = keys.collect();
        for other in others {
            match places.get(&other.key) {
                Some(&at) if self.records[at].enabled.is_some() => {}
                Some(&at) => self.records[at] = other,
                None => self.records.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::context::Context;

    fn on(key: &str) -> Record {
        Record { key: key.to_owned(), enabled: Some(true), ..Record::default() }
    }

    fn off(key: &str) -> Record {
        Record { enabled: Some(false), ..on(key) }
    }

    fn variant(key: &str, variant: &str) -> Record {
        Record { variant: Some(variant.to_owned()), ..on(key) }
    }

    fn unknown(key: &str, reason: Option<&str>) -> Record {
        Record { enabled: None, reason: reason.map(str::to_owned), ..on(key) }
    }

    fn draft(records: Vec<Record>) -> Draft {
        Draft { records, ..Draft::default() }
    }

    #[test]
    fn only_an_answer_to_everything_is_clean() {
        assert!(draft(vec![]).is_clean());
        assert!(draft(vec![on("a"), off("b")]).is_clean());
        assert!(!draft(vec![on("a"), unknown("b", None)]).is_clean());
        assert!(!Draft { errors: true, ..draft(vec![on("a")]) }.is_clean());
        assert!(!Draft { quota_limited: true, ..draft(vec![]) }.is_clean());
    }

    #[test]
    fn keeping_fills_only_what_is_not_known() {
        let older = Snapshot::new(
            "u",
            &Context::default(),
            draft(vec![on("a"), on("b"), variant("c", "old"), on("gone")]),
        );
        let mut fresh = draft(vec![
            off("a"),
            unknown("b", Some("timeout")),
            unknown("new", Some("timeout")),
            variant("c", "new"),
        ]);
        fresh.keep(&older);
        let merged = Snapshot::new("u", &Context::default(), fresh);
        assert_eq!(merged.flags().map(Flag::key_text).collect::<Vec<_>>(), ["a", "b", "c", "gone"]);
        assert_eq!(merged.enabled("a"), Some(false));
        assert_eq!(merged.enabled("b"), Some(true));
        assert_eq!(merged.get("c").unwrap().to_record().variant.as_deref(), Some("new"));
        assert_eq!(merged.reason(b"new"), Some(c"timeout"));
        assert_eq!(merged.reason(b"b"), None);
    }
}
