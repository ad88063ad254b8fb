//! Properties that the host has told of persons and groups, for all evaluations to come.
//!
//! PostHog learns of a change with the events, some time after the flags are asked for; what the
//! host knows already goes along with the question.

use super::context::Context;
use super::shelf::Shelf;
use crate::error::Error;
use crate::event::checked;
use crate::props::Props;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Persons take at most this much memory, about, and so do groups.
const BYTES_MAX: usize = 16 << 20;

/// What is known of each person and of each group, those used longest ago forgotten first.
pub struct Properties {
    /// Whether there was ever anything to keep.
    used: AtomicBool,
    persons: Known,
    groups: Known,
}

impl Properties {
    pub fn new(entries_max: usize) -> Properties {
        Properties {
            used: AtomicBool::new(false),
            persons: Known::new(entries_max),
            groups: Known::new(entries_max),
        }
    }

    /// For a forked child.
    pub fn inherit(&self) -> Properties {
        Properties {
            used: AtomicBool::new(self.used.load(Ordering::Acquire)),
            persons: self.persons.inherit(),
            groups: self.groups.inherit(),
        }
    }

    /// Adds properties of a person; the last set of a key wins.
    pub fn set_person(&self, distinct_id: &str, props: &Props) -> Result<(), Error> {
        self.persons.set(checked(distinct_id)?.as_bytes(), props)?;
        self.used.store(true, Ordering::Release);
        Ok(())
    }

    /// Adds properties of one group of a type.
    pub fn set_group(&self, group_type: &str, key: &str, props: &Props) -> Result<(), Error> {
        self.groups.set(&group(checked(group_type)?, checked(key)?), props)?;
        self.used.store(true, Ordering::Release);
        Ok(())
    }

    /// Forgets what it knows of a person, or of everybody.
    pub fn forget_person(&self, distinct_id: Option<&str>) {
        self.persons.forget(distinct_id.map(str::as_bytes));
    }

    /// Forgets what it knows of a group, or of all.
    pub fn forget_group(&self, type_and_key: Option<(&str, &str)>) {
        self.groups.forget(type_and_key.map(|(group_type, key)| group(group_type, key)).as_deref());
    }

    /// The context with what is known of this person and of the groups that it names; what the
    /// context itself says wins.
    pub fn complete<'c>(
        &self,
        distinct_id: &str,
        context: &'c Context,
    ) -> Result<Cow<'c, Context>, Error> {
        let mut complete = Cow::Borrowed(context);
        if !self.used.load(Ordering::Acquire) {
            return Ok(complete);
        }
        if let Some(known) = self.persons.get(distinct_id.as_bytes()) {
            complete.to_mut().person_properties.merge_absent(&known)?;
        }
        for (group_type, key) in &context.groups {
            if let Some(known) = self.groups.get(&group(group_type, key)) {
                let properties = &mut complete.to_mut().group_properties;
                properties.entry(group_type.clone()).or_default().merge_absent(&known)?;
            }
        }
        Ok(complete)
    }
}

/// Properties by name.
struct Known(Shelf<Arc<Props>>);

impl Known {
    fn new(entries_max: usize) -> Known {
        Known(Shelf::new(entries_max, BYTES_MAX))
    }

    fn inherit(&self) -> Known {
        Known(self.0.inherit())
    }

    fn get(&self, name: &[u8]) -> Option<Arc<Props>> {
        self.0.find(name, Arc::clone)
    }

    fn set(&self, name: &[u8], props: &Props) -> Result<(), Error> {
        self.0.update(name, |known| {
            let mut merged = match known {
                Some(known) => known.try_clone()?,
                None => Props::new(),
            };
            merged.merge(props)?;
            let bytes = 2 * merged.text().len() + size_of::<Props>();
            Ok((Arc::new(merged), bytes))
        })
    }

    fn forget(&self, name: Option<&[u8]>) {
        match name {
            Some(name) => self.0.remove(name),
            None => self.0.clear(),
        }
    }
}

/// A name that no other group has: no text has a NUL inside.
fn group(group_type: &str, key: &str) -> Vec<u8> {
    [group_type.as_bytes(), b"\0", key.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn props(members: &str) -> Props {
        let mut props = Props::new();
        props.set_members(members.as_bytes()).unwrap();
        props
    }

    fn person_of(properties: &Properties, id: &str, context: &Context) -> String {
        let context = properties.complete(id, context).unwrap();
        String::from_utf8(context.person_properties.text().to_vec()).unwrap()
    }

    #[test]
    fn nobody_gets_what_is_another_s() {
        let properties = Properties::new(100);
        let nothing = Context::default();
        assert!(matches!(properties.complete("u", &nothing), Ok(Cow::Borrowed(_))));
        properties.set_person("u", &props(r#"{"plan":"pro"}"#)).unwrap();
        properties.set_group("company", "u", &props(r#"{"size":1}"#)).unwrap();
        assert_eq!(person_of(&properties, "u", &nothing), r#""plan":"pro""#);
        for other in ["v", "uu", "company"] {
            assert_eq!(person_of(&properties, other, &nothing), "");
        }
        let mut other = Context::default();
        other.set_group("company", "acme").unwrap();
        other.set_group("team", "u").unwrap();
        assert!(properties.complete("x", &other).unwrap().group_properties.is_empty());
        let child = properties.inherit();
        child.forget_person(None);
        child.forget_group(None);
        assert_eq!(person_of(&child, "u", &nothing), "");
        assert_eq!(person_of(&properties, "u", &nothing), r#""plan":"pro""#);
    }

    #[test]
    fn they_add_up_and_the_context_wins() {
        let properties = Properties::new(100);
        properties.set_person("u", &props(r#"{"a":1,"b":1}"#)).unwrap();
        properties.set_person("u", &props(r#"{"b":2,"c":2}"#)).unwrap();
        properties.set_group("company", "acme", &props(r#"{"a":1,"b":1}"#)).unwrap();
        let mut context = Context::default();
        context.set_group("company", "acme").unwrap();
        context.set_person_properties(&props(r#"{"c":3}"#)).unwrap();
        context.set_group_properties("company", &props(r#"{"b":3}"#)).unwrap();
        assert_eq!(person_of(&properties, "u", &context), r#""c":3,"a":1,"b":2"#);
        let complete = properties.complete("u", &context).unwrap();
        assert_eq!(complete.group_properties["company"].text(), br#""b":3,"a":1"#);
        properties.forget_person(Some("u"));
        properties.forget_group(Some(("company", "acme")));
        let complete = properties.complete("u", &context).unwrap();
        assert_eq!(complete.person_properties.text(), br#""c":3"#);
        assert_eq!(complete.group_properties["company"].text(), br#""b":3"#);
    }

    #[test]
    fn they_are_bounded() {
        let properties = Properties::new(100);
        for id in 0..1_000 {
            properties.set_person(&id.to_string(), &props(r#"{"a":1}"#)).unwrap();
        }
        assert_eq!(properties.persons.0.len(), 100);
        assert_eq!(person_of(&properties, "999", &Context::default()), r#""a":1"#);
    }

    #[test]
    fn blank_names_are_refused() {
        let properties = Properties::new(100);
        assert_eq!(properties.set_person(" ", &Props::new()), Err(Error::Empty));
        assert_eq!(properties.set_group("t", "", &Props::new()), Err(Error::Empty));
        assert_eq!(properties.set_group("", "k", &Props::new()), Err(Error::Empty));
    }
}
