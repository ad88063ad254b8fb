//! Definitions: what the server sends once, so that flags can be evaluated without it.
//!
//! They are compiled when they are loaded and never change after that. What is malformed or not
//! known makes only its flag, or its cohort, impossible to evaluate here.

mod compile;
mod flag;

use super::cohort::Entry;
use super::filter::{Filter, Index};
use super::reason::{Reason, Unknown, Unusable};
use flag::{Holdout, Variant};
use std::collections::BTreeSet;
use std::fmt;

/// Everything that is needed to evaluate the flags of a project.
pub struct Definitions {
    pub(super) flags: Box<[Flag]>,
    by_key: Index,
    pub(super) cohorts: Box<[Entry]>,
    pub(super) group_types: Box<[Box<str>]>,
    /// How many flags others depend on.
    pub(super) slots: usize,
    minimal_flag_called_events: bool,
}

/// The text is not an object with a list of flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flag definitions could not be read")
    }
}

impl std::error::Error for Unreadable {}

impl Definitions {
    /// Reads what `GET /flags/definitions` answered.
    pub fn parse(json: &[u8]) -> Result<Definitions, Unreadable> {
        compile::parse(json)
    }

    /// Every flag, in the order of the definitions.
    pub fn flags(&self) -> &[Flag] {
        &self.flags
    }

    pub fn find(&self, key: &str) -> Option<&Flag> {
        self.by_key.get(key).map(|&index| &self.flags[index as usize])
    }

    /// Whether `$feature_flag_called` events of flags without an experiment may be minimal.
    pub fn minimal_flag_called_events(&self) -> bool {
        self.minimal_flag_called_events
    }
}

/// One flag.
#[derive(Debug)]
pub struct Flag {
    pub(super) key: Box<str>,
    id: Option<i64>,
    version: Option<i64>,
    has_experiment: Option<bool>,
    runtime: Runtime,
    /// The contexts that it is evaluated in. Empty for every one.
    contexts: Box<[Box<str>]>,
    pub(super) rule: Rule,
    /// Where its value is kept while those that depend on it are evaluated.
    pub(super) slot: usize,
}

/// Where a flag may be evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runtime {
    All,
    Client,
    Server,
}

/// How a flag is decided.
#[derive(Debug)]
pub enum Rule {
    Inactive,
    Continuity,
    Unsupported(Unusable),
    Live(Box<Plan>),
}

/// A flag that can be evaluated here.
#[derive(Debug)]
pub struct Plan {
    /// The group type that it is about. None for persons.
    pub group: Option<u32>,
    pub by_device: bool,
    pub enrollment: Option<Filter>,
    pub holdout: Option<Holdout>,
    pub conditions: Box<[super::condition::Condition]>,
    pub variants: Box<[Variant]>,
    /// For the value true.
    payload: Option<Box<str>>,
    pub early_exit: bool,
    depends_on: Box<[u32]>,
    /// Some filter of it can never be evaluated here.
    has_unusable: bool,
}

impl Plan {
    /// An evaluation stopped before it had looked at every condition. What is wrong with those that
    /// it did not see counts too, so that the reason does not depend on their order.
    pub(super) fn stopped(&self, unknown: Unknown) -> Unknown {
        let reason = if self.has_unusable {
            unknown.reason.max(Reason::UnsupportedDefinition)
        } else {
            unknown.reason
        };
        Unknown { reason, ..unknown }
    }
}

impl Flag {
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn id(&self) -> Option<i64> {
        self.id
    }

    pub fn version(&self) -> Option<i64> {
        self.version
    }

    /// None: the server did not tell.
    pub fn has_experiment(&self) -> Option<bool> {
        self.has_experiment
    }

    /// Whether the server would evaluate it for a server: if not, there is no use in asking.
    pub fn runs_on_server(&self) -> bool {
        self.runtime != Runtime::Client
    }

    /// Whether it belongs to one of these contexts. No contexts at all are all of them.
    pub fn is_in(&self, contexts: &BTreeSet<String>) -> bool {
        contexts.is_empty()
            || self.contexts.is_empty()
            || self.contexts.iter().any(|context| contexts.contains(&**context))
    }

    pub(super) fn depends_on(&self) -> &[u32] {
        match &self.rule {
            Rule::Live(plan) => &plan.depends_on,
            _ => &[],
        }
    }

    /// The payload of a value, as JSON.
    pub(super) fn payload(&self, value: super::outcome::Value<'_>) -> Option<&str> {
        let Rule::Live(plan) = &self.rule else { return None };
        plan.payload_of(value)
    }
}

#[cfg(test)]
mod tests;
