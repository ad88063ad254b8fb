//! Filters: the smallest things that a condition or a cohort is made of.

use super::cohort::CohortFilter;
use super::dependency::Dependency;
use super::operator::{Matcher, Matching};
use super::reason::Unusable;
use super::regex::Pattern;
use super::tree::{Json, Object};
use super::value::text_of;
use crate::props::Key;
use std::collections::HashMap;

/// One filter, compiled.
#[derive(Debug)]
pub enum Filter {
    Property(PropertyFilter),
    Cohort(CohortFilter),
    Flag(Dependency),
    /// It matches nobody.
    Never,
    /// It cannot be evaluated here.
    Unusable(Unusable),
}

/// Compares one property.
#[derive(Debug)]
pub struct PropertyFilter {
    pub name: Box<str>,
    pub key: Key,
    pub matcher: Matcher,
}

/// Where the flag of a key is, or the cohort of an id.
pub type Index = HashMap<Box<str>, u32>;

/// Compiles filters, and knows where flags and cohorts are.
pub struct Compiler<'a> {
    pub matching: Matching,
    pub flags: &'a Index,
    pub cohorts: &'a Index,
    /// Every pattern is compiled once, however many filters have it.
    patterns: HashMap<String, Option<Pattern>>,
}

impl<'a> Compiler<'a> {
    pub fn new(matching: Matching, flags: &'a Index, cohorts: &'a Index) -> Compiler<'a> {
        Compiler { matching, flags, cohorts, patterns: HashMap::new() }
    }

    pub fn filter(&mut self, filter: &Object<'_>) -> Filter {
        let compiled = match filter.get("type") {
            None | Some(Json::Null) => self.property(filter),
            Some(Json::String(kind)) => match &**kind {
                "cohort" => self.cohort(filter),
                "flag" => self.dependency(filter),
                "person" | "group" | "person_metadata" => self.property(filter),
                _ => Err(Unusable::new(format!("filters of type {kind:?} are not known"))),
            },
            Some(_) => Err(Unusable::new("the filter's type is not a string")),
        };
        compiled.unwrap_or_else(Filter::Unusable)
    }

    fn property(&mut self, filter: &Object<'_>) -> Result<Filter, Unusable> {
        let operator = operator(filter)?.unwrap_or("exact");
        let value = filter.get("value").unwrap_or(&Json::Null);
        let Some(Json::String(name)) = filter.get("key") else {
            return Err(Unusable::new("the filter has no key"));
        };
        let patterns = &mut self.patterns;
        let matcher = Matcher::new(operator, value, self.matching, &mut |pattern| {
            if let Some(known) = patterns.get(pattern) {
                return known.clone();
            }
            let compiled = Pattern::new(pattern);
            patterns.insert(pattern.to_owned(), compiled.clone());
            compiled
        })?;
        Ok(Filter::Property(PropertyFilter {
            name: name.as_ref().into(),
            key: Key::new(name),
            matcher,
        }))
    }

    fn cohort(&mut self, filter: &Object<'_>) -> Result<Filter, Unusable> {
        let id = text_of(filter.get("value").unwrap_or(&Json::Null)).into();
        // That the cohort is missing is told first: only the server has it.
        let Some(&cohort) = self.cohorts.get(&id) else {
            return Ok(Filter::Cohort(CohortFilter { id, cohort: None, negated: false }));
        };
        let negated = match operator(filter)? {
            None | Some("exact" | "in") => false,
            Some("not_in") => true,
            Some(operator) => {
                return Err(Unusable::new(format!("cohorts have no operator {operator:?}")));
            }
        };
        Ok(Filter::Cohort(CohortFilter { id, cohort: Some(cohort), negated }))
    }
}

/// The operator of a filter, if it has one.
pub fn operator<'o>(filter: &'o Object<'_>) -> Result<Option<&'o str>, Unusable> {
    match filter.get("operator") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(operator)) => Ok(Some(operator)),
        Some(_) => Err(Unusable::new("the filter's operator is not a string")),
    }
}
