//! Records made small: their texts behind one another, each with a NUL behind it.

use crate::flags::draft::{Origin, Record, Source};
use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::Arc;

/// Where a text is. The one of 0 and 0 is none.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    /// Without the NUL.
    len: u32,
}

impl Span {
    pub fn text(self, all: &str) -> &str {
        let start = self.start as usize;
        &all[start..start + self.len as usize]
    }

    pub fn of(self, all: &str) -> Option<&CStr> {
        if self.start == 0 {
            return None;
        }
        let start = self.start as usize;
        CStr::from_bytes_with_nul(&all.as_bytes()[start..=start + self.len as usize]).ok()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value {
    Unknown,
    Off,
    On,
}

/// One flag, packed.
pub struct Packed {
    pub key: Span,
    pub variant: Span,
    pub payload: Span,
    pub reason: Span,
    pub description: Span,
    pub value: Value,
    pub origin: Origin,
    pub has_experiment: Option<bool>,
    /// Its index among the sources.
    pub source: u32,
    pub id: Option<i64>,
    pub version: Option<i64>,
}

/// Puts the texts of records behind one another.
pub struct Packer {
    text: String,
    /// Where texts are that many flags share.
    shared: HashMap<String, Span>,
    sources: Vec<Arc<Source>>,
}

impl Packer {
    /// `source` is the one of records that name no other.
    pub fn new(source: &Arc<Source>) -> Packer {
        // Nothing begins at 0.
        Packer { text: "\0".to_owned(), shared: HashMap::new(), sources: vec![Arc::clone(source)] }
    }

    pub fn finish(self) -> (Box<str>, Box<[Arc<Source>]>) {
        (self.text.into_boxed_str(), self.sources.into_boxed_slice())
    }

    pub fn pack(&mut self, record: &Record) -> Packed {
        Packed {
            key: self.put(&record.key),
            variant: self.put_shared(record.variant.as_deref()),
            payload: record.payload.as_deref().map_or(Span::default(), |text| self.put(text)),
            reason: self.put_shared(record.reason.as_deref()),
            description: self.put_shared(record.description.as_deref()),
            value: match record.enabled {
                None => Value::Unknown,
                Some(false) => Value::Off,
                Some(true) => Value::On,
            },
            origin: record.origin,
            has_experiment: record.has_experiment,
            source: record.source.as_ref().map_or(0, |source| self.put_source(source)),
            id: record.id,
            version: record.version,
        }
    }

    /// A snapshot has as many sources as there were answers that its values came from: few.
    fn put_source(&mut self, source: &Arc<Source>) -> u32 {
        let known = self.sources.iter().position(|known| Arc::ptr_eq(known, source));
        known.unwrap_or_else(|| {
            self.sources.push(Arc::clone(source));
            self.sources.len() - 1
        }) as u32
    }

    fn put(&mut self, text: &str) -> Span {
        // An answer is at most 8 MiB, and no text of it becomes more than three times as long.
        let start = self.text.len() as u32;
        let mut parts = text.split('\0');
        self.text.push_str(parts.next().unwrap_or_default());
        // A NUL inside would end the text there for C. `json` leaves none.
        for part in parts {
            self.text.push('\u{FFFD}');
            self.text.push_str(part);
        }
        let len = self.text.len() as u32 - start;
        self.text.push('\0');
        Span { start, len }
    }

    pub fn put_shared(&mut self, text: Option<&str>) -> Span {
        let Some(text) = text else { return Span::default() };
        if let Some(span) = self.shared.get(text) {
            return *span;
        }
        let span = self.put(text);
        self.shared.insert(text.to_owned(), span);
        span
    }
}
