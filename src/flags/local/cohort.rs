//! Cohorts: groups of people that filters describe, alone or through other cohorts.

use super::evaluate::Evaluation;
use super::filter::{Compiler, Filter};
use super::observer::Observer;
use super::reason::{Cause, Unknown, Verdict};
use super::subject::View;
use super::tree::{Json, Object};

/// How many cohorts and groups may be nested in one another.
pub const DEPTH_MAX: usize = 100;

/// How many entries of cohorts may be looked at for one flag. Cohorts that refer to one another
/// over and over could take for ever.
pub const ENTRIES_MAX: u32 = 100_000;

/// What cohorts are made of. A cohort is one such, usually a group.
#[derive(Debug)]
pub enum Entry {
    Group(Group),
    Filter {
        filter: Filter,
        negated: bool,
    },
    /// Only the server knows what to do with it.
    Malformed,
}

/// All of its entries, or one of them. A group of nothing matches everybody.
#[derive(Debug)]
pub struct Group {
    pub all: bool,
    pub entries: Box<[Entry]>,
}

/// Asks whether someone is in a cohort.
#[derive(Debug)]
pub struct CohortFilter {
    pub id: Box<str>,
    /// None: the definitions do not have it.
    pub cohort: Option<u32>,
    /// Asks whether they are not.
    pub negated: bool,
}

/// The cohorts that are being evaluated, the innermost first.
#[derive(Clone, Copy)]
pub struct Path<'p> {
    cohort: u32,
    outer: Option<&'p Path<'p>>,
}

impl Path<'_> {
    fn has(&self, cohort: u32) -> bool {
        let mut path = Some(self);
        while let Some(step) = path {
            if step.cohort == cohort {
                return true;
            }
            path = step.outer;
        }
        false
    }
}

impl Compiler<'_> {
    /// The root of a cohort.
    pub fn root(&mut self, root: &Json<'_>) -> Entry {
        match root {
            Json::Object(root) => self.group(root),
            _ => Entry::Malformed,
        }
    }

    fn group(&mut self, group: &Object<'_>) -> Entry {
        if group.is_empty() {
            return Entry::Group(Group { all: true, entries: Box::new([]) });
        }
        let all = match group.get("type").and_then(Json::as_str) {
            Some("AND") => true,
            Some("OR") => false,
            _ => return Entry::Malformed,
        };
        let Some(Json::List(values)) = group.get("values") else {
            return Entry::Malformed;
        };
        let entries = values.iter().map(|entry| self.entry(entry)).collect();
        Entry::Group(Group { all, entries })
    }

    fn entry(&mut self, entry: &Json<'_>) -> Entry {
        let Json::Object(entry) = entry else {
            return Entry::Malformed;
        };
        let of_group = matches!(entry.get("type").and_then(Json::as_str), Some("AND" | "OR"));
        if entry.is_empty() || of_group || entry.get("values").is_some() {
            return self.group(entry);
        }
        let negated = match entry.get("negation") {
            None | Some(Json::Null) => false,
            Some(Json::Bool(negated)) => *negated,
            Some(_) => return Entry::Malformed,
        };
        Entry::Filter { filter: self.filter(entry), negated }
    }
}

impl<'d, O: Observer<'d>> Evaluation<'d, '_, O> {
    /// Whether someone is in a cohort, or is not, as the filter asks.
    pub(super) fn cohort(
        &mut self,
        filter: &'d CohortFilter,
        view: View<'_>,
        path: Option<&Path<'_>>,
        depth: usize,
    ) -> Verdict {
        self.observer.cohort(filter);
        let verdict = self.membership(filter, view, path, depth);
        let verdict = verdict.map(|member| member != filter.negated);
        self.observer.cohort_end(filter, verdict);
        verdict
    }

    fn membership(
        &mut self,
        filter: &'d CohortFilter,
        view: View<'_>,
        path: Option<&Path<'_>>,
        depth: usize,
    ) -> Verdict {
        let Some(cohort) = filter.cohort else {
            return self.unknown(Cause::NoCohort(&filter.id));
        };
        if depth >= DEPTH_MAX {
            return self.unknown(Cause::TooDeep);
        }
        if path.is_some_and(|path| path.has(cohort)) {
            return self.unknown(Cause::Cycle(&filter.id));
        }
        let path = Path { cohort, outer: path };
        self.entry(&self.definitions.cohorts[cohort as usize], view, &path, depth)
    }

    fn entry(
        &mut self,
        entry: &'d Entry,
        view: View<'_>,
        path: &Path<'_>,
        depth: usize,
    ) -> Verdict {
        let Some(left) = self.entries_left.checked_sub(1) else {
            return self.unknown(Cause::TooMuch);
        };
        self.entries_left = left;
        match entry {
            Entry::Malformed => self.unknown(Cause::Malformed),
            Entry::Group(group) => self.entries(group, view, path, depth),
            Entry::Filter { filter, negated } => {
                let verdict = self.filter(filter, view, Some(path), depth);
                verdict.map(|matches| matches != *negated)
            }
        }
    }

    /// Looks at every entry even when one has decided, for another may be one that only the server
    /// knows, and then it has to be asked.
    fn entries(
        &mut self,
        group: &'d Group,
        view: View<'_>,
        path: &Path<'_>,
        depth: usize,
    ) -> Verdict {
        if depth >= DEPTH_MAX {
            return self.unknown(Cause::TooDeep);
        }
        if group.entries.is_empty() {
            return Ok(true);
        }
        let mut decided = false;
        let mut unknown: Option<Unknown> = None;
        for entry in &group.entries {
            match self.entry(entry, view, path, depth + 1) {
                Ok(matches) => decided |= matches != group.all,
                Err(found) if found.server => return Err(found),
                Err(found) => unknown = Some(found.after(unknown)),
            }
        }
        match unknown {
            _ if decided => Ok(!group.all),
            Some(unknown) => Err(unknown),
            None => Ok(group.all),
        }
    }
}
