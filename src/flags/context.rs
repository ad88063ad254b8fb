//! Everything about one evaluation besides whose it is.

mod read;

use crate::error::Error;
use crate::event::checked;
use crate::json;
use crate::props::Props;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What flags are evaluated with. `default()` is empty: nothing but the distinct id.
///
/// The maps are sorted, so that two contexts that mean the same are the same bytes, on the wire
/// and in the cache.
#[derive(Clone, Default)]
pub struct Context {
    /// Group type to group key.
    pub(super) groups: BTreeMap<String, String>,
    pub(super) person_properties: Props,
    /// Group type to the properties of its group.
    pub(super) group_properties: BTreeMap<String, Props>,
    pub(super) device_id: Option<String>,
    /// `None` for every flag; empty for none at all, which needs no request.
    pub(super) flag_keys: Option<BTreeSet<String>>,
    pub(super) evaluation_contexts: BTreeSet<String>,
    /// `None`: as the client does.
    pub(super) geoip_disable: Option<bool>,
    /// No request, whatever is not known without one. `None`: no.
    pub(super) local_only: Option<bool>,
    /// Whether reads of values are told to PostHog. `None`: as the client does.
    pub(super) flag_events: Option<bool>,
}

impl Context {
    /// A group type that is set again replaces the first.
    pub fn set_group(&mut self, group_type: &str, key: &str) -> Result<(), Error> {
        let (group_type, key) = (checked(group_type)?, checked(key)?);
        self.groups.insert(group_type.to_owned(), key.to_owned());
        Ok(())
    }

    /// Adds person properties; the last set of a key wins.
    pub fn set_person_properties(&mut self, props: &Props) -> Result<(), Error> {
        let merged = merged(Some(&self.person_properties), props)?;
        self.person_properties = merged;
        Ok(())
    }

    /// Adds properties of the group of a type; the last set of a key wins.
    pub fn set_group_properties(&mut self, group_type: &str, props: &Props) -> Result<(), Error> {
        let group_type = checked(group_type)?;
        let merged = merged(self.group_properties.get(group_type), props)?;
        self.group_properties.insert(group_type.to_owned(), merged);
        Ok(())
    }

    pub fn set_device_id(&mut self, device_id: &str) -> Result<(), Error> {
        self.device_id = Some(checked(device_id)?.to_owned());
        Ok(())
    }

    /// From here on only the keys that are added are evaluated: none, until one is.
    pub fn limit_flag_keys(&mut self) {
        self.flag_keys.get_or_insert_default();
    }

    /// Limits the evaluation to the keys added so, the first call included.
    pub fn add_flag_key(&mut self, key: &str) -> Result<(), Error> {
        let key = checked(key)?.to_owned();
        self.flag_keys.get_or_insert_default().insert(key);
        Ok(())
    }

    pub fn add_evaluation_context(&mut self, name: &str) -> Result<(), Error> {
        self.evaluation_contexts.insert(checked(name)?.to_owned());
        Ok(())
    }

    pub fn set_geoip_disable(&mut self, disable: bool) {
        self.geoip_disable = Some(disable);
    }

    pub fn set_local_only(&mut self, local_only: bool) {
        self.local_only = Some(local_only);
    }

    pub fn set_flag_events(&mut self, flag_events: bool) {
        self.flag_events = Some(flag_events);
    }

    pub fn flag_events(&self) -> Option<bool> {
        self.flag_events
    }

    /// The same for the same groups, in whatever order they were set; 0 for none.
    pub fn groups_hash(&self) -> u64 {
        if self.groups.is_empty() {
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        self.groups.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether a flag is to be evaluated at all.
    pub fn wants(&self, key: &str) -> bool {
        self.flag_keys.as_ref().is_none_or(|keys| keys.contains(key))
    }

    /// Whether there is no flag to evaluate.
    pub fn wants_nothing(&self) -> bool {
        self.flag_keys.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// The distinct id and all that an answer depends on, as bytes that no other such pair has.
    /// The order in which properties were set does not matter.
    pub fn identity(&self, distinct_id: &str) -> Vec<u8> {
        // Enough for an id alone, so that the usual call allocates once.
        let mut out =
            Vec::with_capacity(distinct_id.len() + self.person_properties.text().len() + 48);
        put(&mut out, distinct_id.as_bytes());
        out.push(match self.geoip_disable {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        });
        put_each(&mut out, self.device_id.iter().map(String::as_bytes));
        put_props(&mut out, &self.person_properties);
        put_each(&mut out, self.groups.iter().flat_map(|(t, key)| [t.as_bytes(), key.as_bytes()]));
        put_count(&mut out, self.group_properties.len());
        for (group_type, props) in &self.group_properties {
            put(&mut out, group_type.as_bytes());
            put_props(&mut out, props);
        }
        put_each(&mut out, self.evaluation_contexts.iter().map(String::as_bytes));
        // Last, and absent when there is no limit: no other context ends here.
        if let Some(keys) = &self.flag_keys {
            put_each(&mut out, keys.iter().map(String::as_bytes));
        }
        out
    }
}

/// A failed merge must leave what was there, so it works on a copy.
fn merged(known: Option<&Props>, more: &Props) -> Result<Props, Error> {
    let mut merged = known.cloned().unwrap_or_default();
    merged.merge(more)?;
    Ok(merged)
}

/// Each text behind its length: what follows can never be taken for a part of it.
fn put(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text);
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&(count as u64).to_le_bytes());
}

/// Several texts behind their number.
fn put_each<'a>(out: &mut Vec<u8>, texts: impl Iterator<Item = &'a [u8]> + Clone) {
    put_count(out, texts.clone().count());
    texts.for_each(|text| put(out, text));
}

/// The members in the order of their keys. Each key is there once.
fn put_props(out: &mut Vec<u8>, props: &Props) {
    let members = || json::members(props.text());
    if members().is_sorted_by(|one, next| one.key < next.key) {
        return put(out, props.text());
    }
    let mut sorted: Vec<_> = members().collect();
    sorted.sort_unstable_by_key(|member| member.key);
    out.extend_from_slice(&(props.text().len() as u64).to_le_bytes());
    for (index, member) in sorted.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(member.entry);
    }
}

#[cfg(test)]
mod tests;
