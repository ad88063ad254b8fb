//! Flags that depend on other flags: the filter, and the order in which flags are evaluated.
//!
//! A flag is evaluated after those that it depends on, so that no evaluation runs inside another.
//! Flags that depend on themselves have no such order, and nothing that asks for one is usable.

use super::cohort::Entry;
use super::evaluate::Evaluation;
use super::filter::{Compiler, Filter, operator};
use super::observer::Observer;
use super::outcome::{Known, Value};
use super::reason::{Cause, Unusable, Verdict};
use super::tree::{Json, Object};
use std::collections::HashMap;

/// Asks for the value of another flag.
#[derive(Debug)]
pub struct Dependency {
    pub key: Box<str>,
    /// The flags that have to have a value, that one included.
    pub members: Box<[u32]>,
    pub target: u32,
    pub expected: Expected,
}

#[derive(Debug)]
pub enum Expected {
    /// On with any variant, or off.
    Bool(bool),
    Variant(Box<str>),
    /// No flag has such a value.
    Nothing,
}

impl Expected {
    fn is(&self, value: Value<'_>) -> bool {
        match self {
            Expected::Bool(on) => *on == !matches!(value, Value::Off),
            Expected::Variant(variant) => value == Value::Variant(variant),
            Expected::Nothing => false,
        }
    }
}

impl Compiler<'_> {
    pub fn dependency(&mut self, filter: &Object<'_>) -> Result<Filter, Unusable> {
        let value = filter.get("value").unwrap_or(&Json::Null);
        let shaped = operator(filter)? == Some("flag_evaluates_to") && !value.is_null();
        let key = match filter.get("key") {
            None | Some(Json::Null) => "",
            Some(Json::String(key)) => key,
            Some(_) => return Err(Unusable::new("the flag's key is not a string")),
        };
        if !shaped || key.is_empty() {
            return Ok(Filter::Never);
        }
        let Some(Json::List(chain)) = filter.get("dependency_chain") else {
            return Err(Unusable::new(format!("flag {key:?} has no dependency chain")));
        };
        let mut members = Vec::with_capacity(chain.len());
        for member in chain {
            let member = member.as_str().unwrap_or_default();
            match self.flags.get(member) {
                Some(&flag) => members.push(flag),
                None => return Err(Unusable::new(format!("flag {member:?} has no definition"))),
            }
        }
        if members.is_empty() {
            return Err(circular(key));
        }
        let target = self.flags.get(key).filter(|flag| members.contains(flag));
        let Some(&target) = target else {
            return Err(Unusable::new(format!("flag {key:?} is not in its dependency chain")));
        };
        let expected = match value {
            Json::Bool(on) => Expected::Bool(*on),
            Json::String(variant) => Expected::Variant(variant.as_ref().into()),
            _ => Expected::Nothing,
        };
        Ok(Filter::Flag(Dependency { key: key.into(), members: members.into(), target, expected }))
    }
}

fn circular(key: &str) -> Unusable {
    Unusable::new(format!("flag {key:?} depends on itself"))
}

impl<'d, O: Observer<'d>> Evaluation<'d, '_, O> {
    pub(super) fn depends(&mut self, dependency: &'d Dependency) -> Verdict {
        for &member in &dependency.members {
            if let Known::Not(unknown) = self.known(member) {
                let key = &self.definitions.flags[member as usize].key;
                return self.unknown(Cause::Dependency(key, unknown));
            }
        }
        let Known::Is(value) = self.known(dependency.target) else { return Ok(false) };
        let matches = dependency.expected.is(value);
        self.observer.dependency(dependency, value, matches);
        Ok(matches)
    }
}

/// What the filters of a flag or of a cohort refer to.
#[derive(Default)]
pub struct References {
    pub flags: Vec<u32>,
    pub cohorts: Vec<u32>,
}

impl References {
    pub fn add(&mut self, filter: &Filter) {
        match filter {
            Filter::Flag(dependency) => self.flags.extend(&dependency.members),
            Filter::Cohort(filter) => self.cohorts.extend(filter.cohort),
            _ => {}
        }
    }

    pub fn of_cohort(root: &mut Entry) -> References {
        let mut references = References::default();
        each_leaf(root, &mut |entry| {
            if let Entry::Filter { filter, .. } = entry {
                references.add(filter);
            }
        });
        references
    }

    /// The flags that are referred to, also through cohorts. Sorted, each once.
    pub fn resolved(mut self, cohorts: &[References]) -> Vec<u32> {
        let mut seen = vec![false; cohorts.len()];
        while let Some(cohort) = self.cohorts.pop() {
            if !std::mem::replace(&mut seen[cohort as usize], true) {
                self.flags.extend(&cohorts[cohort as usize].flags);
                self.cohorts.extend(&cohorts[cohort as usize].cohorts);
            }
        }
        self.flags.sort_unstable();
        self.flags.dedup();
        self.flags
    }
}

/// Calls `with` for everything in a cohort that is no group.
pub fn each_leaf(entry: &mut Entry, with: &mut dyn FnMut(&mut Entry)) {
    match entry {
        Entry::Group(group) => group.entries.iter_mut().for_each(|entry| each_leaf(entry, with)),
        Entry::Filter { .. } | Entry::Malformed => with(entry),
    }
}

/// Which flags depend on themselves, or on such flags: those that are left when all that depend on
/// nothing are taken away, again and again.
pub fn circular_flags(dependencies: &[Vec<u32>]) -> Vec<bool> {
    let mut waiting: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let mut dependents: HashMap<u32, Vec<u32>> = HashMap::new();
    for (flag, members) in (0..).zip(dependencies) {
        for &member in members {
            dependents.entry(member).or_default().push(flag);
        }
    }
    let mut free: Vec<u32> =
        (0..).zip(&waiting).filter(|(_, count)| **count == 0).map(|(flag, _)| flag).collect();
    while let Some(flag) = free.pop() {
        for dependent in dependents.remove(&flag).unwrap_or_default() {
            waiting[dependent as usize] -= 1;
            if waiting[dependent as usize] == 0 {
                free.push(dependent);
            }
        }
    }
    waiting.into_iter().map(|count| count > 0).collect()
}

/// Makes a filter unusable that asks for a circular flag.
pub fn break_circle(filter: &mut Filter, circular_flags: &[bool]) {
    if let Filter::Flag(dependency) = filter {
        if dependency.members.iter().any(|&member| circular_flags[member as usize]) {
            *filter = Filter::Unusable(circular(&dependency.key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_and_what_leads_to_them_are_found() {
        let dependencies = [
            vec![1],    // leads to a circle
            vec![2, 3], // in one
            vec![1],    // in one
            vec![4],    // not
            vec![],     // not
            vec![5],    // on itself
            vec![3, 4], // not
        ];
        assert_eq!(circular_flags(&dependencies), [true, true, true, false, false, true, false]);
    }

    #[test]
    fn long_chains_take_no_stack() {
        let mut dependencies: Vec<Vec<u32>> = (1..200_000).map(|next| vec![next]).collect();
        dependencies.push(vec![]);
        assert!(!circular_flags(&dependencies).contains(&true));
    }
}
