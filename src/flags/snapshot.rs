//! The flags of one identity at one moment: immutable, and made to be read.
//!
//! All texts stand behind one another in one allocation, each with a NUL behind it, so that the C
//! API can lend them as they are and a cache of many snapshots stays small.

mod packer;

use super::context::Context;
use super::draft::{Draft, Origin, Record, Source};
use crate::json;
use crate::props::{Props, hash_key};
use packer::{Packed, Packer, Span, Value};
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::Arc;

/// The flags of one identity at one moment.
pub struct Snapshot {
    distinct_id: Box<str>,
    /// Group type to group key, as they were given.
    groups: BTreeMap<String, String>,
    groups_hash: u64,
    text: Box<str>,
    /// What is known, sorted by key; then what is not, sorted by key.
    records: Box<[Packed]>,
    known: usize,
    /// The hash of each key and its index, where the hash says or behind it: a look at one cache
    /// line tells more than a search among texts, which often begin alike. Never full.
    table: Box<[(u32, u32)]>,
    /// What the values came from. There is at least one.
    sources: Box<[Arc<Source>]>,
    /// The server's answer, if there was one.
    answer: Option<Arc<Source>>,
    request_id: Span,
    errors: bool,
    quota_limited: bool,
    /// Why there was no answer.
    failure: Span,
    /// Only some flags of another snapshot: what is missing may exist.
    narrowed: bool,
}

/// A place in the table that nothing is at.
const FREE: u32 = u32::MAX;

/// One flag of a snapshot.
#[derive(Clone, Copy)]
pub struct Flag<'a> {
    snapshot: &'a Snapshot,
    index: usize,
}

impl Snapshot {
    pub fn new(distinct_id: &str, context: &Context, draft: Draft) -> Snapshot {
        Snapshot {
            groups: context.groups.clone(),
            groups_hash: context.groups_hash(),
            ..Snapshot::packed(distinct_id, draft)
        }
    }

    fn packed(distinct_id: &str, draft: Draft) -> Snapshot {
        let Draft { mut records, source, answer, errors, quota_limited, failure } = draft;
        records.sort_unstable_by(|a, b| {
            a.enabled.is_none().cmp(&b.enabled.is_none()).then_with(|| a.key.cmp(&b.key))
        });
        let known = records.partition_point(|record| record.enabled.is_some());
        let mut packer = Packer::new(&source);
        let packed: Box<[Packed]> = records.iter().map(|record| packer.pack(record)).collect();
        let failure = packer.put_shared(failure.as_deref());
        let request_id = answer.as_ref().and_then(|answer| answer.request_id.as_deref());
        let request_id = packer.put_shared(request_id);
        let table = table(records.iter().map(|record| hash_key(record.key.as_bytes())));
        let (text, sources) = packer.finish();
        Snapshot {
            distinct_id: distinct_id.into(),
            groups: BTreeMap::new(),
            groups_hash: 0,
            text,
            records: packed,
            known,
            table,
            sources,
            answer,
            request_id,
            errors,
            quota_limited,
            failure,
            narrowed: false,
        }
    }

    /// Nothing was evaluated.
    pub fn empty(distinct_id: &str) -> Snapshot {
        Snapshot::packed(distinct_id, Draft::default())
    }

    /// Those flags that are to stay, by their index.
    pub fn narrowed(&self, keep: impl Fn(usize) -> bool) -> Snapshot {
        Snapshot {
            groups: self.groups.clone(),
            narrowed: true,
            ..Snapshot::packed(&self.distinct_id, self.draft_of(keep))
        }
    }

    /// As it was before it was packed.
    pub fn to_draft(&self) -> Draft {
        self.draft_of(|_| true)
    }

    fn draft_of(&self, keep: impl Fn(usize) -> bool) -> Draft {
        let kept = (0..self.records.len()).filter(|index| keep(*index));
        let records = kept.map(|index| Flag { snapshot: self, index }.to_record()).collect();
        Draft {
            records,
            source: Arc::clone(&self.sources[0]),
            answer: self.answer.clone(),
            errors: self.errors,
            quota_limited: self.quota_limited,
            failure: self.failure().map(str::to_owned),
        }
    }

    /// How many flags are known.
    pub fn len(&self) -> usize {
        self.known
    }

    /// How many could not be evaluated.
    pub fn unknown_len(&self) -> usize {
        self.records.len() - self.known
    }

    /// The known flags, sorted by key.
    pub fn at(&self, index: usize) -> Option<Flag<'_>> {
        (index < self.known).then_some(Flag { snapshot: self, index })
    }

    /// Those that could not be evaluated, sorted by key.
    pub fn unknown_at(&self, index: usize) -> Option<Flag<'_>> {
        let index = self.known.checked_add(index)?;
        (index < self.records.len()).then_some(Flag { snapshot: self, index })
    }

    pub fn flags(&self) -> impl Iterator<Item = Flag<'_>> {
        (0..self.known).map(|index| Flag { snapshot: self, index })
    }

    /// A flag that is here, whether or not its value is known.
    #[inline]
    pub fn find(&self, key: &[u8]) -> Option<Flag<'_>> {
        let hash = hash_key(key);
        let mask = self.table.len().wrapping_sub(1);
        let mut place = hash as usize & mask;
        loop {
            let &(known, index) = self.table.get(place)?;
            if index == FREE {
                return None;
            }
            let flag = Flag { snapshot: self, index: index as usize };
            if known == hash && flag.key_text().as_bytes() == key {
                return Some(flag);
            }
            place = (place + 1) & mask;
        }
    }

    /// `None` when the flag is not known: it does not exist, or could not be evaluated.
    #[cfg(test)]
    pub fn get(&self, key: &str) -> Option<Flag<'_>> {
        self.find(key.as_bytes()).filter(|flag| flag.index < self.known)
    }

    /// Off and unknown never look alike.
    pub fn enabled(&self, key: &str) -> Option<bool> {
        self.find(key.as_bytes())?.enabled()
    }

    /// Why a flag has its value, or has none. `None` where nobody said.
    pub fn reason(&self, key: &[u8]) -> Option<&CStr> {
        if let Some(flag) = self.find(key) {
            let unsaid = flag.enabled().is_none().then_some(c"evaluation_failed");
            return flag.reason().or(unsaid);
        }
        if self.quota_limited { Some(c"quota_limited") } else { self.text_at(self.failure) }
    }

    /// The id of the request that the server has answered.
    pub fn request_id(&self) -> Option<&CStr> {
        self.text_at(self.request_id)
    }

    /// Why there was no answer, in PostHog's code.
    pub fn failure(&self) -> Option<&str> {
        self.text_at(self.failure).and_then(|text| text.to_str().ok())
    }

    /// How much memory this takes.
    pub fn bytes(&self) -> usize {
        let source = |source: &Arc<Source>| {
            let id = source.request_id.as_ref().map_or(0, String::len);
            size_of::<Arc<Source>>() + size_of::<Source>() + id
        };
        let sources: usize = self.sources.iter().map(source).sum();
        let group = |(group_type, key): (&String, &String)| {
            2 * size_of::<String>() + group_type.len() + key.len()
        };
        let groups: usize = self.groups.iter().map(group).sum();
        let texts = self.text.len() + self.distinct_id.len() + groups;
        let tables = size_of_val(&*self.records) + size_of_val(&*self.table);
        size_of::<Snapshot>() + texts + tables + sources
    }

    /// What a capture says about these flags: `$feature/<key>` of each that is known, and which
    /// of them are on.
    pub fn event_props(&self) -> Props {
        let mut props = Props::new();
        let mut active = vec![b'['];
        for flag in self.flags() {
            let on = flag.enabled() == Some(true);
            let key = format!("$feature/{}", flag.key_text());
            // Fails only for more flags than a map can hold, 16 MiB; those are left out.
            let _ = match flag.variant() {
                Some(variant) => props.set_str(&key, variant.to_bytes()),
                None => props.set_bool(&key, on),
            };
            if on {
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

    fn text_at(&self, span: Span) -> Option<&CStr> {
        span.of(&self.text)
    }
}

/// What an event about a flag says of the evaluation.
impl Snapshot {
    pub fn distinct_id(&self) -> &str {
        &self.distinct_id
    }

    /// Group type to group key, as they were given.
    pub fn groups(&self) -> &BTreeMap<String, String> {
        &self.groups
    }

    /// The same for the same groups.
    pub fn groups_hash(&self) -> u64 {
        self.groups_hash
    }

    /// Whether the server could not compute everything.
    pub fn errors(&self) -> bool {
        self.errors
    }

    pub fn quota_limited(&self) -> bool {
        self.quota_limited
    }

    pub fn is_narrowed(&self) -> bool {
        self.narrowed
    }
}

impl<'a> Flag<'a> {
    /// Its place among all that are here, those that are not known included.
    pub fn index(self) -> usize {
        self.index
    }

    fn packed(self) -> &'a Packed {
        &self.snapshot.records[self.index]
    }

    pub fn key(self) -> &'a CStr {
        self.snapshot.text_at(self.packed().key).unwrap_or_default()
    }

    pub fn key_text(self) -> &'a str {
        self.packed().key.text(&self.snapshot.text)
    }

    /// `None`: not known.
    pub fn enabled(self) -> Option<bool> {
        match self.packed().value {
            Value::Unknown => None,
            Value::Off => Some(false),
            Value::On => Some(true),
        }
    }

    pub fn variant(self) -> Option<&'a CStr> {
        self.snapshot.text_at(self.packed().variant)
    }

    /// JSON text.
    pub fn payload(self) -> Option<&'a CStr> {
        self.snapshot.text_at(self.packed().payload)
    }

    pub fn reason(self) -> Option<&'a CStr> {
        self.snapshot.text_at(self.packed().reason)
    }

    pub fn description(self) -> Option<&'a CStr> {
        self.snapshot.text_at(self.packed().description)
    }

    pub fn id(self) -> Option<i64> {
        self.packed().id
    }

    pub fn version(self) -> Option<i64> {
        self.packed().version
    }

    pub fn has_experiment(self) -> Option<bool> {
        self.packed().has_experiment
    }

    pub fn origin(self) -> Origin {
        self.packed().origin
    }

    /// The evaluation that its value came from.
    pub fn source(self) -> &'a Source {
        &self.snapshot.sources[self.packed().source as usize]
    }

    /// As it was before it was packed.
    pub fn to_record(self) -> Record {
        let owned = |text: Option<&CStr>| text.map(|text| text.to_string_lossy().into_owned());
        Record {
            key: self.key_text().to_owned(),
            enabled: self.enabled(),
            variant: owned(self.variant()),
            payload: owned(self.payload()),
            reason: owned(self.reason()),
            description: owned(self.description()),
            id: self.id(),
            version: self.version(),
            has_experiment: self.has_experiment(),
            origin: self.origin(),
            source: Some(Arc::clone(&self.snapshot.sources[self.packed().source as usize])),
        }
    }
}

/// Where each hash is found, or behind it: at most half full, and a power of two long.
fn table(hashes: impl ExactSizeIterator<Item = u32>) -> Box<[(u32, u32)]> {
    if hashes.len() == 0 {
        return Box::default();
    }
    let len = (2 * hashes.len()).next_power_of_two();
    let mut table = vec![(0, FREE); len];
    for (index, hash) in hashes.enumerate() {
        let places = (0..len).map(|step| (hash as usize + step) & (len - 1));
        let free = places.into_iter().find(|place| table[*place].1 == FREE);
        if let Some(place) = free {
            table[place] = (hash, index as u32);
        }
    }
    table.into_boxed_slice()
}

#[cfg(test)]
mod tests;
