//! Everything about one evaluation besides whose it is.

use crate::error::Error;
use crate::event::checked;
use crate::json;
use crate::props::Props;
use std::collections::{BTreeMap, BTreeSet};

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

    /// Whether nothing may be asked of the server.
    pub fn is_local_only(&self) -> bool {
        self.local_only.unwrap_or(false)
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
mod tests {
    use super::*;

    fn props(pairs: &[(&str, i64)]) -> Props {
        let mut props = Props::new();
        for (key, value) in pairs {
            props.set_i64(key, *value).unwrap();
        }
        props
    }

    fn context(fill: impl FnOnce(&mut Context) -> Result<(), Error>) -> Context {
        let mut context = Context::default();
        fill(&mut context).unwrap();
        context
    }

    #[test]
    fn the_order_of_filling_does_not_matter() {
        let one = context(|c| {
            c.set_group("company", "acme")?;
            c.set_group("team", "core")?;
            c.set_group_properties("team", &props(&[("size", 3), ("age", 1)]))?;
            c.set_group_properties("company", &props(&[("size", 9)]))?;
            c.set_person_properties(&props(&[("b", 2), ("a", 1), ("c", 3)]))?;
            c.add_flag_key("a")?;
            c.add_flag_key("b")?;
            c.add_evaluation_context("x")?;
            c.add_evaluation_context("y")
        });
        let other = context(|c| {
            c.add_evaluation_context("y")?;
            c.add_evaluation_context("x")?;
            c.add_flag_key("b")?;
            c.add_flag_key("a")?;
            c.add_flag_key("b")?;
            c.set_group_properties("company", &props(&[("size", 9)]))?;
            c.set_group_properties("team", &props(&[("age", 1), ("size", 3)]))?;
            c.set_person_properties(&props(&[("a", 1), ("b", 2), ("c", 3)]))?;
            c.set_group("team", "core")?;
            c.set_group("company", "old")?;
            c.set_group("company", "acme")
        });
        assert_eq!(one.identity("u"), other.identity("u"));
    }

    #[test]
    fn no_two_contexts_share_an_identity() {
        type Fill = fn(&mut Context) -> Result<(), Error>;
        let different: [(&str, Fill); 24] = [
            ("u", |_| Ok(())),
            ("v", |_| Ok(())),
            ("", |_| Ok(())),
            ("u", |c| c.set_group("ab", "c")),
            ("u", |c| c.set_group("a", "bc")),
            ("u", |c| c.set_group("a", "b").and_then(|()| c.set_group("c", "d"))),
            ("u", |c| c.set_device_id("a")),
            ("u", |c| c.set_device_id("b")),
            ("u", |c| c.set_person_properties(&props(&[("a", 1)]))),
            ("u", |c| c.set_person_properties(&props(&[("a", 2)]))),
            ("u", |c| c.set_group_properties("a", &props(&[]))),
            ("u", |c| c.set_group_properties("a", &props(&[("a", 1)]))),
            ("u", |c| c.set_group_properties("b", &props(&[("a", 1)]))),
            ("u", |c| c.add_flag_key("a")),
            ("u", |c| c.add_flag_key("b")),
            ("u", |c| c.add_flag_key("a").and_then(|()| c.add_flag_key("b"))),
            ("u", |c| c.add_flag_key("ab")),
            ("u", |c| c.add_evaluation_context("a")),
            ("u", |c| c.add_evaluation_context("b")),
            ("u", |c| c.add_evaluation_context("a").and_then(|()| c.add_flag_key("a"))),
            ("u", |c| {
                c.limit_flag_keys();
                Ok(())
            }),
            ("u", |c| {
                c.set_geoip_disable(true);
                Ok(())
            }),
            ("u", |c| {
                c.set_geoip_disable(false);
                Ok(())
            }),
            ("v", |c| {
                c.set_geoip_disable(false);
                Ok(())
            }),
        ];
        let identities: BTreeSet<Vec<u8>> =
            different.iter().map(|(id, fill)| context(fill).identity(id)).collect();
        assert_eq!(identities.len(), different.len());
    }

    #[test]
    fn blank_names_are_refused_and_change_nothing() {
        let mut context = Context::default();
        let empty = context.identity("u");
        for blank in ["", " ", "\t"] {
            assert_eq!(context.set_group(blank, "k"), Err(Error::Empty));
            assert_eq!(context.set_group("t", blank), Err(Error::Empty));
            assert_eq!(context.set_group_properties(blank, &Props::new()), Err(Error::Empty));
            assert_eq!(context.set_device_id(blank), Err(Error::Empty));
            assert_eq!(context.add_flag_key(blank), Err(Error::Empty));
            assert_eq!(context.add_evaluation_context(blank), Err(Error::Empty));
        }
        assert_eq!(context.identity("u"), empty);
        assert!(context.wants("anything"));
    }

    #[test]
    fn properties_merge_and_the_last_wins() {
        let mut context = Context::default();
        context.set_person_properties(&props(&[("a", 1), ("b", 1)])).unwrap();
        context.set_person_properties(&props(&[("b", 2)])).unwrap();
        assert_eq!(context.person_properties.text(), br#""a":1,"b":2"#);
        context.set_group_properties("t", &props(&[("a", 1)])).unwrap();
        context.set_group_properties("t", &props(&[("b", 2)])).unwrap();
        assert_eq!(context.group_properties["t"].text(), br#""a":1,"b":2"#);
    }

    #[test]
    fn flag_keys_limit_what_is_wanted() {
        let mut context = Context::default();
        assert!(context.wants("a") && !context.wants_nothing());
        context.limit_flag_keys();
        assert!(!context.wants("a") && context.wants_nothing());
        context.add_flag_key("a").unwrap();
        context.limit_flag_keys();
        assert!(context.wants("a") && !context.wants("b") && !context.wants_nothing());
    }
}
