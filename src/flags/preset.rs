//! Values that the host brings: those that hold whatever is evaluated, for its tests, and those
//! that hold for as long as nothing better is known.

use super::context::Context;
use super::draft::{Draft, Origin, Record};
use super::remote;
use super::snapshot::Snapshot;
use crate::error::Error;
use arc_swap::ArcSwapOption;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What a host has brought to one client.
pub struct Presets {
    overrides: ArcSwapOption<Values>,
    bootstrap: Option<Values>,
}

impl Presets {
    /// A forked child has the overrides of its parent.
    pub fn new(bootstrap: Option<&[u8]>, parent: Option<&Presets>) -> Presets {
        let overrides = parent.and_then(|parent| parent.overrides.load_full());
        // What is not understood was refused when it was set.
        let bootstrap = bootstrap.and_then(|json| Values::parse(json, Origin::Bootstrap).ok());
        Presets { overrides: ArcSwapOption::new(overrides), bootstrap }
    }

    /// Replaces the overrides; `None` for no more.
    pub fn set_overrides(&self, values: Option<Values>) {
        self.overrides.store(values.map(Arc::new));
    }

    /// What a flag is, whatever an evaluation says.
    pub fn overridden(&self, key: &str) -> Option<bool> {
        self.overrides.load().as_ref()?.get(key)?.enabled
    }

    /// What a flag is while nothing else is known of it.
    pub fn bootstrap(&self, key: &str) -> Option<bool> {
        self.bootstrap.as_ref()?.get(key)?.enabled
    }

    /// An evaluation, with what the host has brought. Where that is all that is wanted, nothing is
    /// evaluated.
    pub fn around(
        &self,
        distinct_id: &str,
        context: &Context,
        evaluate: impl FnOnce() -> Result<Arc<Snapshot>, Error>,
    ) -> Result<Arc<Snapshot>, Error> {
        let overrides = self.overrides.load();
        if overrides.is_none() && self.bootstrap.is_none() {
            return evaluate();
        }
        let mut draft = draft_of(overrides.as_deref(), context);
        if context.flag_keys.as_ref().is_none_or(|keys| draft.records.len() < keys.len()) {
            let bootstrap = draft_of(self.bootstrap.as_ref(), context);
            match evaluate() {
                Ok(rest) => draft.fill(rest.to_draft()),
                Err(error) if error == Error::Shutdown || knows_nothing(&draft, &bootstrap) => {
                    return Err(error);
                }
                Err(error) => draft.failure = Some(remote::failure(error).to_owned()),
            }
            draft.fill(bootstrap);
        }
        Ok(Arc::new(Snapshot::new(distinct_id, context, draft)))
    }
}

fn draft_of(values: Option<&Values>, context: &Context) -> Draft {
    let wanted = values.into_iter().flat_map(|values| values.wanted(context));
    Draft { records: wanted.cloned().collect(), ..Draft::default() }
}

fn knows_nothing(one: &Draft, other: &Draft) -> bool {
    one.records.is_empty() && other.records.is_empty()
}

/// Values by key, each key once.
#[derive(Default, Debug)]
pub struct Values {
    /// Sorted by key.
    records: Box<[Record]>,
}

impl Values {
    /// Reads an object of values, or an array of keys that are on. A value is a boolean, the name
    /// of a variant, or an object with `enabled`, `variant` and `payload`.
    pub fn parse(json: &[u8], origin: Origin) -> Result<Values, Error> {
        let value: Value = serde_json::from_slice(json).map_err(|_| Error::Json)?;
        let records = match &value {
            Value::Object(values) => {
                values.iter().map(|(key, value)| record(key, value)).collect::<Option<Vec<_>>>()
            }
            Value::Array(keys) => keys.iter().map(|key| Some(on(key.as_str()?))).collect(),
            _ => None,
        };
        let mut records = records.ok_or(Error::Json)?;
        let reason = if origin == Origin::Override { "override" } else { "bootstrap" };
        for record in &mut records {
            record.origin = origin;
            record.reason = Some(reason.to_owned());
        }
        records.sort_by(|one, other| one.key.cmp(&other.key));
        records.dedup_by(|one, other| one.key == other.key);
        Ok(Values { records: records.into() })
    }

    fn get(&self, key: &str) -> Option<&Record> {
        let index = self.records.binary_search_by(|record| record.key.as_str().cmp(key)).ok()?;
        self.records.get(index)
    }

    /// Those that a context wants.
    fn wanted<'a>(&'a self, context: &'a Context) -> impl Iterator<Item = &'a Record> {
        self.records.iter().filter(|record| context.wants(&record.key))
    }
}

fn on(key: &str) -> Record {
    Record { key: key.to_owned(), enabled: Some(true), ..Record::default() }
}

fn record(key: &str, value: &Value) -> Option<Record> {
    let on = on(key);
    match value {
        Value::Bool(enabled) => Some(Record { enabled: Some(*enabled), ..on }),
        Value::String(variant) => Some(Record { variant: Some(variant.clone()), ..on }),
        Value::Object(members) => detailed(on, members),
        _ => None,
    }
}

fn detailed(mut record: Record, members: &Map<String, Value>) -> Option<Record> {
    for (name, value) in members {
        match (name.as_str(), value) {
            ("enabled", Value::Bool(enabled)) => record.enabled = Some(*enabled),
            ("variant", Value::String(variant)) => record.variant = Some(variant.clone()),
            ("variant" | "payload", Value::Null) => {}
            ("payload", payload) => record.payload = Some(payload.to_string()),
            // A misspelt member would be a test that tests something else.
            _ => return None,
        }
    }
    // A variant is a way of being on.
    (record.enabled == Some(true) || record.variant.is_none()).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_short_forms() {
        let json = br#"{"c":"blue","a":true,"b":false,"d":{"variant":"x","payload":{"n":[1]}},
            "e":{"enabled":false,"payload":"text","variant":null}}"#;
        let values = Values::parse(json, Origin::Override).unwrap();
        let told = |key: &str| {
            let record = values.get(key).unwrap();
            assert_eq!(record.origin, Origin::Override);
            (record.enabled.unwrap(), record.variant.as_deref(), record.payload.as_deref())
        };
        assert_eq!(told("a"), (true, None, None));
        assert_eq!(told("b"), (false, None, None));
        assert_eq!(told("c"), (true, Some("blue"), None));
        assert_eq!(told("d"), (true, Some("x"), Some(r#"{"n":[1]}"#)));
        assert_eq!(told("e"), (false, None, Some(r#""text""#)));
        assert!(values.get("f").is_none());
        let keys = Values::parse(br#"["y","x","y"]"#, Origin::Bootstrap).unwrap();
        let keys: Vec<_> = keys.records.iter().map(|it| (it.key.as_str(), it.enabled)).collect();
        assert_eq!(keys, [("x", Some(true)), ("y", Some(true))]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for bad in [
            "",
            "1",
            "null",
            "\"a\"",
            "[1]",
            r#"{"a":1}"#,
            r#"{"a":null}"#,
            r#"{"a":{"on":true}}"#,
            r#"{"a":{"enabled":1}}"#,
            r#"{"a":{"variant":"x","enabled":false}}"#,
        ] {
            let read = Values::parse(bad.as_bytes(), Origin::Override);
            assert_eq!(read.err(), Some(Error::Json), "{bad}");
        }
        assert!(Values::parse(b"{}", Origin::Override).unwrap().records.is_empty());
    }

    #[test]
    fn a_context_wants_some() {
        let values = Values::parse(br#"["a","b","c"]"#, Origin::Override).unwrap();
        let mut context = Context::default();
        assert_eq!(values.wanted(&context).count(), 3);
        context.add_flag_key("b").unwrap();
        context.add_flag_key("z").unwrap();
        assert_eq!(values.wanted(&context).count(), 1);
    }
}
