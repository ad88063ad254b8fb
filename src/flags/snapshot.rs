//! The flags of one identity at one moment: immutable, and made to be read.
//!
//! All texts stand behind one another in one allocation, each with a NUL behind it, so that the C
//! API can lend them as they are and a cache of many snapshots stays small.

use super::draft::{Draft, Record};
use crate::json;
use crate::props::{Props, hash_key};
use std::collections::HashMap;
use std::ffi::CStr;

/// Where a text begins. 0, where an empty one is, stands for none.
type Offset = u32;

/// One flag, packed.
struct Packed {
    key: Offset,
    /// Without the NUL.
    key_len: u32,
    variant: Offset,
    payload: Offset,
    reason: Offset,
    description: Offset,
    enabled: bool,
    id: Option<i64>,
    version: Option<i64>,
}

/// The flags of one identity at one moment.
pub struct Snapshot {
    distinct_id: Box<str>,
    text: Box<str>,
    /// What is known, sorted by key.
    known: Box<[Packed]>,
    /// The hash of each known key and its index, sorted: a search among numbers is some three
    /// times as fast as one among texts, which often begin alike.
    hashes: Box<[(u32, u32)]>,
    /// What the server could not say, sorted by key.
    unknown: Box<[Packed]>,
    request_id: Option<Box<str>>,
    evaluated_at: Option<i64>,
    errors: bool,
    quota_limited: bool,
}

/// One flag of a snapshot that is known.
#[derive(Clone, Copy)]
pub struct Flag<'a> {
    text: &'a str,
    packed: &'a Packed,
}

impl Snapshot {
    pub fn new(distinct_id: &str, draft: Draft) -> Snapshot {
        let mut packer = Packer::default();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for record in &draft.records {
            let list = if record.enabled.is_some() { &mut known } else { &mut unknown };
            list.push(packer.pack(record));
        }
        let text = packer.text.into_boxed_str();
        for list in [&mut known, &mut unknown] {
            list.sort_unstable_by(|a, b| key_of(&text, a).cmp(key_of(&text, b)));
        }
        let hash = |(index, packed)| (hash_key(key_of(&text, packed).as_bytes()), index as u32);
        let mut hashes: Vec<(u32, u32)> = known.iter().enumerate().map(hash).collect();
        hashes.sort_unstable();
        Snapshot {
            distinct_id: distinct_id.into(),
            text,
            hashes: hashes.into_boxed_slice(),
            known: known.into_boxed_slice(),
            unknown: unknown.into_boxed_slice(),
            request_id: draft.request_id.map(String::into_boxed_str),
            evaluated_at: draft.evaluated_at,
            errors: draft.errors,
            quota_limited: draft.quota_limited,
        }
    }

    /// Nothing was evaluated.
    pub fn empty(distinct_id: &str) -> Snapshot {
        Snapshot::new(distinct_id, Draft::default())
    }

    /// How many flags are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// The known flags, sorted by key.
    pub fn at(&self, index: usize) -> Option<Flag<'_>> {
        self.known.get(index).map(|packed| Flag { text: &self.text, packed })
    }

    pub fn flags(&self) -> impl Iterator<Item = Flag<'_>> {
        self.known.iter().map(|packed| Flag { text: &self.text, packed })
    }

    /// `None` when the flag is not known: it does not exist, or could not be evaluated.
    pub fn get(&self, key: &str) -> Option<Flag<'_>> {
        let hash = hash_key(key.as_bytes());
        let first = self.hashes.partition_point(|(known, _)| *known < hash);
        let alike = self.hashes[first..].iter().take_while(|(known, _)| *known == hash);
        alike.filter_map(|(_, index)| self.at(*index as usize)).find(|flag| flag.key_text() == key)
    }

    /// Off and unknown never look alike.
    pub fn enabled(&self, key: &str) -> Option<bool> {
        self.get(key).map(Flag::enabled)
    }

    /// Why a flag has its value, or has none. `None` where the server did not say.
    pub fn reason(&self, key: &str) -> Option<&CStr> {
        if let Some(flag) = self.get(key) {
            return flag.reason();
        }
        let unknown = self.unknown.binary_search_by(|it| key_of(&self.text, it).cmp(key)).ok();
        if let Some(packed) = unknown.and_then(|index| self.unknown.get(index)) {
            return Some(text_at(&self.text, packed.reason).unwrap_or(c"evaluation_failed"));
        }
        self.quota_limited.then_some(c"quota_limited")
    }

    /// How much memory this takes.
    pub fn bytes(&self) -> usize {
        let packed = (self.known.len() + self.unknown.len()) * size_of::<Packed>();
        let hashes = size_of_val(&*self.hashes);
        let ids = self.distinct_id.len() + self.request_id.as_ref().map_or(0, |id| id.len());
        size_of::<Snapshot>() + self.text.len() + packed + hashes + ids
    }

    /// What a capture says about these flags: `$feature/<key>` of each that is known, and which
    /// of them are on.
    pub fn event_props(&self) -> Props {
        let mut props = Props::new();
        let mut active = vec![b'['];
        for flag in self.flags() {
            let key = format!("$feature/{}", flag.key_text());
            // Fails only for more flags than a map can hold, 16 MiB; those are left out.
            let _ = match flag.variant() {
                Some(variant) => props.set_str(&key, variant.to_bytes()),
                None => props.set_bool(&key, flag.enabled()),
            };
            if flag.enabled() {
                active.extend_from_slice(if active.len() > 1 { b",\"" } else { b"\"" });
                json::write_text(&mut active, flag.key_text());
                active.push(b'"');
            }
        }
        if active.len() > 1 {
            active.push(b']');
            let _ = props.set_raw("$active_feature_flags", &active);
        }
        props
    }
}

/// What an event about a flag says of the evaluation.
#[cfg_attr(not(test), expect(dead_code, reason = "no event about a flag is sent yet"))]
impl Snapshot {
    pub fn distinct_id(&self) -> &str {
        &self.distinct_id
    }

    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Milliseconds since 1970, by the server's clock.
    pub fn evaluated_at(&self) -> Option<i64> {
        self.evaluated_at
    }

    /// Whether the server could not compute everything.
    pub fn errors(&self) -> bool {
        self.errors
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.flags().map(Flag::key_text)
    }
}

impl<'a> Flag<'a> {
    pub fn key(self) -> &'a CStr {
        text_at(self.text, self.packed.key).unwrap_or_default()
    }

    pub fn key_text(self) -> &'a str {
        key_of(self.text, self.packed)
    }

    pub fn enabled(self) -> bool {
        self.packed.enabled
    }

    pub fn variant(self) -> Option<&'a CStr> {
        text_at(self.text, self.packed.variant)
    }

    /// JSON text.
    pub fn payload(self) -> Option<&'a CStr> {
        text_at(self.text, self.packed.payload)
    }

    pub fn reason(self) -> Option<&'a CStr> {
        text_at(self.text, self.packed.reason)
    }

    pub fn description(self) -> Option<&'a CStr> {
        text_at(self.text, self.packed.description)
    }

    pub fn id(self) -> Option<i64> {
        self.packed.id
    }

    pub fn version(self) -> Option<i64> {
        self.packed.version
    }

    /// As it was before it was packed.
    pub fn to_record(self) -> Record {
        let owned = |text: Option<&CStr>| text.map(|text| text.to_string_lossy().into_owned());
        Record {
            key: self.key_text().to_owned(),
            enabled: Some(self.enabled()),
            variant: owned(self.variant()),
            payload: owned(self.payload()),
            reason: owned(self.reason()),
            description: owned(self.description()),
            id: self.id(),
            version: self.version(),
        }
    }
}

fn key_of<'a>(text: &'a str, packed: &Packed) -> &'a str {
    let start = packed.key as usize;
    &text[start..start + packed.key_len as usize]
}

fn text_at(text: &str, at: Offset) -> Option<&CStr> {
    if at == 0 { None } else { CStr::from_bytes_until_nul(&text.as_bytes()[at as usize..]).ok() }
}

/// Puts the texts of records behind one another.
struct Packer {
    text: String,
    /// Where texts are that many flags share.
    shared: HashMap<String, Offset>,
}

impl Default for Packer {
    fn default() -> Packer {
        // Nothing begins at 0.
        Packer { text: "\0".to_owned(), shared: HashMap::new() }
    }
}

impl Packer {
    fn pack(&mut self, record: &Record) -> Packed {
        let key = self.put(&record.key);
        Packed {
            key,
            key_len: self.text.len() as u32 - key - 1,
            variant: record.variant.as_deref().map_or(0, |text| self.put_shared(text)),
            payload: record.payload.as_deref().map_or(0, |text| self.put(text)),
            reason: record.reason.as_deref().map_or(0, |text| self.put_shared(text)),
            description: record.description.as_deref().map_or(0, |text| self.put_shared(text)),
            enabled: record.enabled.unwrap_or(false),
            id: record.id,
            version: record.version,
        }
    }

    fn put(&mut self, text: &str) -> Offset {
        // An answer is at most 8 MiB, and no text of it becomes more than three times as long.
        let at = self.text.len() as Offset;
        let mut parts = text.split('\0');
        self.text.push_str(parts.next().unwrap_or_default());
        // A NUL inside would end the text there for C. `json` leaves none.
        for part in parts {
            self.text.push('\u{FFFD}');
            self.text.push_str(part);
        }
        self.text.push('\0');
        at
    }

    fn put_shared(&mut self, text: &str) -> Offset {
        if let Some(at) = self.shared.get(text) {
            return *at;
        }
        let at = self.put(text);
        self.shared.insert(text.to_owned(), at);
        at
    }
}

#[cfg(test)]
mod tests;
