//! What an answer says of each flag, on its way into a snapshot.

use super::snapshot::{Flag, Snapshot};
use std::collections::HashSet;

/// One flag as an answer has it, on its way into a snapshot.
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
}

/// What a snapshot is made from.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Draft {
    /// Each key once.
    pub records: Vec<Record>,
    /// The server said that it could not compute everything.
    pub errors: bool,
    /// The project is over its quota of flag requests: nothing was evaluated.
    pub quota_limited: bool,
    pub request_id: Option<String>,
    /// Milliseconds since 1970, by the server's clock.
    pub evaluated_at: Option<i64>,
}

impl Draft {
    /// Whether what is not in here does not exist.
    pub fn is_clean(&self) -> bool {
        let known = self.records.iter().all(|record| record.enabled.is_some());
        known && !self.errors && !self.quota_limited
    }

    /// Takes from an older snapshot what is not known here.
    pub fn keep(&mut self, older: &Snapshot) {
        self.records.retain(|record| record.enabled.is_some() || older.get(&record.key).is_none());
        let known: HashSet<&str> = self.records.iter().map(|record| record.key.as_str()).collect();
        let kept = older.flags().filter(|flag| !known.contains(flag.key_text()));
        let kept: Vec<Record> = kept.map(Flag::to_record).collect();
        self.records.extend(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let older =
            Snapshot::new("u", draft(vec![on("a"), on("b"), variant("c", "old"), on("gone")]));
        let mut fresh = draft(vec![
            off("a"),
            unknown("b", Some("timeout")),
            unknown("new", Some("timeout")),
            variant("c", "new"),
        ]);
        fresh.keep(&older);
        let merged = Snapshot::new("u", fresh);
        assert_eq!(merged.keys().collect::<Vec<_>>(), ["a", "b", "c", "gone"]);
        assert_eq!(merged.enabled("a"), Some(false));
        assert_eq!(merged.enabled("b"), Some(true));
        assert_eq!(merged.get("c").unwrap().to_record().variant.as_deref(), Some("new"));
        assert_eq!(merged.reason("new"), Some(c"timeout"));
        assert_eq!(merged.reason("b"), None);
    }
}
