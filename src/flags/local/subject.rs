//! Who flags are evaluated for, and what is known of them.

use super::value::Given;
use crate::props::{Key, Props};
use crate::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Who flags are evaluated for, and when.
#[derive(Clone, Copy)]
pub struct Subject<'s> {
    pub distinct_id: &'s str,
    pub device_id: Option<&'s str>,
    pub person_properties: &'s Props,
    /// Group type to group key.
    pub groups: &'s BTreeMap<String, String>,
    /// Group type to the properties of its group.
    pub group_properties: &'s BTreeMap<String, Props>,
    /// Flags that name contexts are evaluated in these only. Empty for everywhere.
    pub evaluation_contexts: &'s BTreeSet<String>,
    pub now: Timestamp,
}

impl<'s> Subject<'s> {
    /// The device id, or as the server reads it, the property of that name.
    pub fn device_id(&self) -> Option<&'s str> {
        let given = self.device_id.filter(|id| !id.is_empty());
        given.or_else(|| device_id_of(self.person_properties))
    }
}

fn device_id_of(properties: &Props) -> Option<&str> {
    // A device id that has to be escaped is none that any SDK has made.
    let json = properties.get("$device_id")?;
    let id = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    std::str::from_utf8(id).ok().filter(|id| !id.is_empty() && !id.contains('\\'))
}

/// Properties, and the one that is there unless it is given.
#[derive(Clone, Copy)]
pub struct View<'s> {
    pub props: Option<&'s Props>,
    pub default: (&'static str, &'s str),
}

impl<'s> View<'s> {
    pub fn get(self, name: &str, key: &Key) -> Option<Given<'s>> {
        if let Some(json) = self.props.and_then(|props| props.get_key(key)) {
            return Some(Given::Json(json));
        }
        (name == self.default.0).then_some(Given::Text(self.default.1))
    }
}
