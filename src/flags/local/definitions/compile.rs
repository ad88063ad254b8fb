//! Reading the text of definitions.

use super::super::cohort::{CohortFilter, Entry};
use super::super::condition::Condition;
use super::super::dependency::{References, break_circle, circular_flags, each_leaf};
use super::super::filter::{Compiler, Filter, Index};
use super::super::operator::Matching;
use super::super::reason::Unusable;
use super::super::tree::{Json, Object};
use super::{Definitions, Flag, Rule, Unreadable, flag};
use serde_core::Deserialize;
use serde_json::from_str;
use serde_json::value::RawValue;

type Result<T> = std::result::Result<T, Unreadable>;

/// Members whose values are read when it is their turn.
type Texts<'j> = Object<'j, &'j RawValue>;

/// One flag as it stands in the text, with its key.
struct Raw<'j> {
    key: Box<str>,
    json: &'j RawValue,
}

pub fn parse(json: &[u8]) -> Result<Definitions> {
    let json = std::str::from_utf8(json).map_err(|_| Unreadable)?;
    let top: Texts<'_> = from_str(json).map_err(|_| Unreadable)?;
    let (raw_flags, by_key) = raw_flags(top.get("flags").ok_or(Unreadable)?)?;
    // Without cohorts and group types, what asks for them is not evaluated here.
    let raw_cohorts: Texts<'_> = member(&top, "cohorts").unwrap_or(Object::EMPTY);
    let raw_cohorts = raw_cohorts.into_sorted();
    let group_types: Object<'_> = member(&top, "group_type_mapping").unwrap_or(Object::EMPTY);
    let group_types = group_types.into_sorted();
    let cohort_ids = raw_cohorts.iter().map(|(id, _)| id.as_ref().into()).zip(0..).collect();
    let mut compiler = Compiler::new(matching(&top), &by_key, &cohort_ids);

    let mut cohorts: Vec<Entry> =
        raw_cohorts.iter().map(|(_, raw)| cohort(&mut compiler, raw)).collect();
    let group_type = |index: &str| {
        let named = group_types.iter().position(|(key, name)| key == index && is_name(name));
        named.map(|position| position as u32)
    };
    let mut flags: Vec<Flag> =
        raw_flags.iter().map(|raw| compiled(&mut compiler, raw, &group_type)).collect();

    let slots = connect(&mut flags, &mut cohorts);
    Ok(Definitions {
        flags: flags.into(),
        by_key,
        cohorts: cohorts.into(),
        group_types: group_types
            .iter()
            .map(|(_, name)| name.as_str().unwrap_or("").into())
            .collect(),
        slots,
        minimal_flag_called_events: is_text(&top, "minimal_flag_called_events", "true"),
    })
}

/// A member that can be read as such.
fn member<'j, T: Deserialize<'j>>(top: &Texts<'j>, name: &str) -> Option<T> {
    from_str(top.get(name)?.get()).ok()
}

fn is_text(top: &Texts<'_>, name: &str, text: &str) -> bool {
    top.get(name).is_some_and(|value| value.get() == text)
}

fn matching(top: &Texts<'_>) -> Matching {
    if is_text(top, "property_matching_version", "2") {
        Matching::Explicit
    } else {
        Matching::Coerced
    }
}

fn is_name(name: &Json<'_>) -> bool {
    name.as_str().is_some_and(|name| !name.is_empty())
}

/// The flags that are not deleted, and where each is. Of two with the same key the last counts.
fn raw_flags(json: &RawValue) -> Result<(Vec<Raw<'_>>, Index)> {
    let list: Vec<&RawValue> = from_str(json.get()).map_err(|_| Unreadable)?;
    let mut flags: Vec<Raw<'_>> = Vec::with_capacity(list.len());
    let mut by_key = Index::with_capacity(list.len());
    for json in list {
        // One without a key is nothing that anybody could ask for.
        let Some(raw) = raw_flag(json) else { continue };
        match by_key.get(&raw.key) {
            Some(&place) => flags[place as usize] = raw,
            None => {
                by_key.insert(raw.key.clone(), flags.len() as u32);
                flags.push(raw);
            }
        }
    }
    Ok((flags, by_key))
}

fn raw_flag(json: &RawValue) -> Option<Raw<'_>> {
    let members: Texts<'_> = from_str(json.get()).ok()?;
    let key: String = member(&members, "key")?;
    (!is_text(&members, "deleted", "true")).then(|| Raw { key: key.into(), json })
}

/// Parses and compiles one flag: what was parsed is gone before the next, so that thousands of
/// them take the memory of one.
fn compiled(
    compiler: &mut Compiler<'_>,
    raw: &Raw<'_>,
    group_type: &dyn Fn(&str) -> Option<u32>,
) -> Flag {
    match from_str::<Object<'_>>(raw.json.get()) {
        Ok(definition) => {
            let rule = flag::rule(compiler, &definition, &raw.key, group_type);
            flag::flag(&definition, &raw.key, rule)
        }
        // Something in it is not what a parser takes, such as a number too large for a double.
        Err(_) => {
            let rule = Rule::Unsupported(Unusable::new("the definition could not be read"));
            flag::flag(&Object::EMPTY, &raw.key, rule)
        }
    }
}

fn cohort(compiler: &mut Compiler<'_>, json: &RawValue) -> Entry {
    match from_str::<Json<'_>>(json.get()) {
        Ok(root) => compiler.root(&root),
        Err(_) => Entry::Malformed,
    }
}

/// Finds what each flag depends on, and makes unusable what has no order. Returns the number of
/// flags that others depend on.
fn connect(flags: &mut [Flag], cohorts: &mut [Entry]) -> usize {
    let of_cohorts: Vec<References> = cohorts.iter_mut().map(References::of_cohort).collect();
    let mut dependencies: Vec<Vec<u32>> = Vec::with_capacity(flags.len());
    for flag in flags.iter_mut() {
        let mut references = References::default();
        filters(flag).for_each(|filter| references.add(filter));
        dependencies.push(references.resolved(&of_cohorts));
    }
    let circular = circular_flags(&dependencies);
    for cohort in cohorts.iter_mut() {
        each_leaf(cohort, &mut |entry| {
            if let Entry::Filter { filter, .. } = entry {
                break_circle(filter, &circular);
            }
        });
    }
    flags.iter_mut().flat_map(filters).for_each(|filter| break_circle(filter, &circular));
    mark_unusable(flags, &unusable_cohorts(cohorts, &of_cohorts));
    for needed in &mut dependencies {
        needed.retain(|&member| !circular[member as usize]);
    }
    give_slots(flags, dependencies)
}

fn give_slots(flags: &mut [Flag], dependencies: Vec<Vec<u32>>) -> usize {
    let mut slots = 0;
    for needed in dependencies.iter().flatten() {
        let slot = &mut flags[*needed as usize].slot;
        if *slot == usize::MAX {
            *slot = slots;
            slots += 1;
        }
    }
    for (flag, needed) in flags.iter_mut().zip(dependencies) {
        if let Rule::Live(plan) = &mut flag.rule {
            plan.depends_on = needed.into();
        }
    }
    slots
}

/// The filters of a flag's conditions.
fn filters(flag: &mut Flag) -> impl Iterator<Item = &mut Filter> {
    let conditions: &mut [Condition] = match &mut flag.rule {
        Rule::Live(plan) => &mut plan.conditions,
        _ => &mut [],
    };
    conditions.iter_mut().flat_map(|condition| &mut condition.filters)
}

/// Marks the flags with a filter, their own or one of their cohorts', that can never be evaluated
/// here.
fn mark_unusable(flags: &mut [Flag], cohorts: &[bool]) {
    for flag in flags {
        if let Rule::Live(plan) = &mut flag.rule {
            let mut filters = plan.conditions.iter().flat_map(|condition| &condition.filters);
            plan.has_unusable = filters.any(|filter| match filter {
                Filter::Cohort(CohortFilter { cohort: Some(cohort), .. }) => {
                    cohorts[*cohort as usize]
                }
                _ => is_unusable(filter),
            });
        }
    }
}

/// Whether a filter is, by itself.
fn is_unusable(filter: &Filter) -> bool {
    matches!(filter, Filter::Unusable(_) | Filter::Cohort(CohortFilter { cohort: None, .. }))
}

/// Which cohorts have such a filter, or refer to a cohort that has one.
fn unusable_cohorts(cohorts: &mut [Entry], references: &[References]) -> Vec<bool> {
    let mut referrers: Vec<Vec<u32>> = vec![Vec::new(); cohorts.len()];
    for (cohort, references) in (0..).zip(references) {
        for &inner in &references.cohorts {
            referrers[inner as usize].push(cohort);
        }
    }
    let mut unusable = vec![false; cohorts.len()];
    let mut spreading: Vec<u32> = Vec::new();
    for (index, cohort) in (0..).zip(cohorts) {
        each_leaf(cohort, &mut |entry| {
            let usable = matches!(entry, Entry::Filter { filter, .. } if !is_unusable(filter));
            if !usable && spreading.last() != Some(&index) {
                spreading.push(index);
            }
        });
    }
    while let Some(cohort) = spreading.pop() {
        if !std::mem::replace(&mut unusable[cohort as usize], true) {
            spreading.extend(&referrers[cohort as usize]);
        }
    }
    unusable
}
