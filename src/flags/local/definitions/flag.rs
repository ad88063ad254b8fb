//! The definition of one flag.

use super::super::condition::{Aggregation, list, object};
use super::super::filter::{Compiler, Filter, PropertyFilter};
use super::super::operator::Matcher;
use super::super::outcome::Value;
use super::super::reason::Unusable;
use super::super::tree::{Json, Object};
use super::super::value::text_of;
use super::{Flag, Plan, Rule, Runtime};
use crate::json;
use crate::props::Key;

/// People who are kept out of experiments: they get this variant, whatever the conditions say.
#[derive(Debug)]
pub struct Holdout {
    /// `holdout-` and the holdout's id.
    pub name: Box<str>,
    pub bound: f64,
    pub everyone: bool,
    payload: Option<Box<str>>,
}

/// A variant, and the draws that get it.
#[derive(Debug)]
pub struct Variant {
    pub key: Box<str>,
    pub from: f64,
    /// The first draw that does not get it.
    pub to: f64,
    payload: Option<Box<str>>,
}

type Result<T> = std::result::Result<T, Unusable>;

impl Plan {
    pub(super) fn payload_of(&self, value: Value<'_>) -> Option<&str> {
        let name = match value {
            Value::Off => return None,
            Value::On => return self.payload.as_deref(),
            Value::Variant(name) => name,
        };
        match self.variants.iter().find(|variant| &*variant.key == name) {
            Some(variant) => variant.payload.as_deref(),
            // The other value that is a name.
            None => self.holdout.as_ref()?.payload.as_deref(),
        }
    }
}

/// What is outside of a flag's filters.
pub fn flag(definition: &Object<'_>, key: &str, rule: Rule) -> Flag {
    let contexts = definition.get("evaluation_contexts").filter(|contexts| !contexts.is_null());
    let contexts = match contexts.or_else(|| definition.get("evaluation_tags")) {
        Some(Json::List(contexts)) => contexts.as_slice(),
        _ => &[],
    };
    Flag {
        key: key.into(),
        id: definition.get("id").and_then(Json::as_i64),
        version: definition.get("version").and_then(Json::as_i64),
        has_experiment: definition.get("has_experiment").and_then(Json::as_bool),
        runtime: match definition.get("evaluation_runtime").and_then(Json::as_str) {
            Some("client") => Runtime::Client,
            Some("server") => Runtime::Server,
            _ => Runtime::All,
        },
        contexts: contexts.iter().filter_map(Json::as_str).map(Box::from).collect(),
        rule,
        slot: usize::MAX,
    }
}

/// How a flag is decided.
pub fn rule(
    compiler: &mut Compiler<'_>,
    definition: &Object<'_>,
    key: &str,
    group_types: &dyn Fn(&str) -> Option<u32>,
) -> Rule {
    let decide = |compiler: &mut Compiler<'_>| -> Result<Rule> {
        if !switch(definition, "active")? {
            return Ok(Rule::Inactive);
        }
        if switch(definition, "ensure_experience_continuity")? {
            return Ok(Rule::Continuity);
        }
        let nothing = Object::EMPTY;
        let filters = match definition.get("filters") {
            None | Some(Json::Null) => &nothing,
            Some(filters) => object(filters)?,
        };
        let plan = plan(compiler, definition, filters, key, group_types)?;
        Ok(Rule::Live(Box::new(plan)))
    };
    decide(compiler).unwrap_or_else(Rule::Unsupported)
}

/// A boolean that is false when it is absent or null.
fn switch(owner: &Object<'_>, name: &str) -> Result<bool> {
    match owner.get(name) {
        None | Some(Json::Null) => Ok(false),
        Some(Json::Bool(on)) => Ok(*on),
        Some(_) => Err(Unusable::new(format!("{name:?} is not a boolean"))),
    }
}

fn plan(
    compiler: &mut Compiler<'_>,
    definition: &Object<'_>,
    filters: &Object<'_>,
    key: &str,
    group_types: &dyn Fn(&str) -> Option<u32>,
) -> Result<Plan> {
    match filters.get("version") {
        None | Some(Json::Null) => {}
        Some(version) if version.as_f64().is_some_and(|version| version < 2.0) => {}
        Some(version) => return Err(Unusable::new(format!("rules of version {version}"))),
    }
    let aggregation = Aggregation::read(filters, group_types)?;
    let group = match aggregation {
        Aggregation::Absent | Aggregation::Person => None,
        Aggregation::Group(group) => Some(group),
        Aggregation::Unnamed => return Err(Unusable::new("the group type is not known")),
    };
    let payloads = payloads(filters)?;
    let variants = variants(filters, payloads)?;
    let names: Vec<&str> = variants.iter().map(|variant| &*variant.key).collect();
    let conditions = list(filters, "groups")?.iter();
    let conditions =
        conditions.map(|condition| compiler.condition(condition, aggregation, group_types, &names));
    Ok(Plan {
        group,
        by_device: is_drawn_by_device(definition, filters)?,
        enrollment: switch(filters, "feature_enrollment")?.then(|| enrollment(key, group)),
        holdout: holdout(filters, payloads)?,
        conditions: conditions.collect::<Result<_>>()?,
        payload: payload(payloads, "true"),
        early_exit: switch(filters, "early_exit")?,
        depends_on: Box::new([]),
        has_unusable: false,
        variants,
    })
}

/// Whether persons are drawn by their device: told by the flag, or else by its filters.
fn is_drawn_by_device(definition: &Object<'_>, filters: &Object<'_>) -> Result<bool> {
    for owner in [definition, filters] {
        match owner.get("bucketing_identifier") {
            None | Some(Json::Null) => {}
            Some(Json::String(name)) if name.is_empty() => {}
            Some(Json::String(name)) if name == "distinct_id" => return Ok(false),
            Some(Json::String(name)) if name == "device_id" => return Ok(true),
            Some(name) => {
                return Err(Unusable::new(format!("drawn by {name}, which is not known")));
            }
        }
    }
    Ok(false)
}

/// Enrolled are those who have opted in to the feature.
fn enrollment(key: &str, group: Option<u32>) -> Filter {
    if group.is_some() {
        return Filter::Unusable(Unusable::new("groups cannot opt in to a feature"));
    }
    let name = format!("$feature_enrollment/{key}");
    let matcher = Matcher::Enrolled;
    Filter::Property(PropertyFilter { key: Key::new(&name), name: name.into(), matcher })
}

fn holdout(filters: &Object<'_>, payloads: Option<&Object<'_>>) -> Result<Option<Holdout>> {
    let holdout = match filters.get("holdout") {
        None | Some(Json::Null) => return Ok(None),
        Some(holdout) => object(holdout)?,
    };
    let id = holdout.get("id").filter(|id| !id.is_null());
    let percentage = holdout.get("exclusion_percentage").filter(|number| !number.is_null());
    let (Some(id), Some(percentage)) = (id, percentage) else { return Ok(None) };
    if !matches!(id, Json::Number(_) | Json::String(_)) {
        return Err(Unusable::new("the holdout's id is not a number"));
    }
    let percentage = match percentage {
        Json::Number(number) => number.as_f64().unwrap_or_default().clamp(0.0, 100.0),
        _ => return Err(Unusable::new("the holdout's percentage is not a number")),
    };
    let name = format!("holdout-{}", text_of(id));
    Ok(Some(Holdout {
        bound: percentage / 100.0,
        everyone: percentage == 100.0,
        payload: payload(payloads, &name),
        name: name.into(),
    }))
}

/// Each variant begins where the one before it ends. Shares that do not add up to 100 leave a rest
/// that gets no variant.
fn variants(filters: &Object<'_>, payloads: Option<&Object<'_>>) -> Result<Box<[Variant]>> {
    let multivariate = match filters.get("multivariate") {
        None | Some(Json::Null) => return Ok(Box::new([])),
        Some(multivariate) => object(multivariate)?,
    };
    let mut from = 0.0;
    let variants = list(multivariate, "variants")?.iter().map(|variant| {
        let variant = object(variant)?;
        let key = variant.get("key").and_then(Json::as_str).filter(|key| !key.is_empty());
        let share = variant.get("rollout_percentage").and_then(Json::as_f64);
        let (Some(key), Some(share)) = (key, share) else {
            return Err(Unusable::new("a variant has no key, or no percentage"));
        };
        let to = from + share / 100.0;
        let variant = Variant { key: key.into(), from, to, payload: payload(payloads, key) };
        from = to;
        Ok(variant)
    });
    variants.collect()
}

fn payloads<'o, 'j>(filters: &'o Object<'j>) -> Result<Option<&'o Object<'j>>> {
    match filters.get("payloads") {
        None | Some(Json::Null) => Ok(None),
        Some(payloads) => object(payloads).map(Some),
    }
}

/// A payload's JSON text. Usually it is sent inside a string.
fn payload(payloads: Option<&Object<'_>>, name: &str) -> Option<Box<str>> {
    let payload = payloads?.get(name).filter(|payload| !payload.is_null())?;
    if let Json::String(text) = payload {
        let mut cleaned = Vec::new();
        match json::clean(&mut cleaned, text.as_bytes()) {
            Ok(0) => return Some(text.as_ref().into()),
            // It has what strict parsers refuse.
            Ok(_) => return String::from_utf8(cleaned).ok().map(String::into_boxed_str),
            Err(_) => {}
        }
    }
    Some(payload.to_string().into())
}
