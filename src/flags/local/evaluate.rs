//! The evaluation of flags for someone, at some time.

use super::cohort::{ENTRIES_MAX, Path};
use super::condition::{Condition, Target};
use super::definitions::{Definitions, Flag, Plan, Rule};
use super::filter::{Filter, PropertyFilter};
use super::hash::{VARIANT_SALT, hash, holdout_hash};
use super::observer::{DrawnBy, End, Observer};
use super::operator::Doubt;
use super::outcome::{Known, Outcome, Value, Why};
use super::reason::{Cause, Reason, Unknown, Verdict};
use super::subject::{Subject, View};

/// Whom a condition is about: what is drawn with, and the properties.
#[derive(Clone, Copy)]
struct Who<'s> {
    id: &'s str,
    view: View<'s>,
}

/// Evaluates flags of one immutable set of definitions for one subject. What flags depend on is
/// evaluated once.
pub struct Evaluation<'d, 's, O = ()> {
    pub(super) definitions: &'d Definitions,
    subject: &'s Subject<'s>,
    /// Of the flags that others depend on, by their slots. Empty until one is needed.
    known: Vec<Option<Known<'d>>>,
    pub(super) entries_left: u32,
    pub(super) observer: O,
}

/// A value, or none yet: what the conditions so far say.
type Decision<'d> = Result<(Value<'d>, Why), Unknown>;

impl<'d, 's, O: Observer<'d>> Evaluation<'d, 's, O> {
    pub fn new(
        definitions: &'d Definitions,
        subject: &'s Subject<'s>,
        observer: O,
    ) -> Evaluation<'d, 's, O> {
        Evaluation { definitions, subject, known: Vec::new(), entries_left: 0, observer }
    }

    /// Evaluates a flag of the definitions.
    pub fn outcome(&mut self, flag: &'d Flag) -> Outcome<'d> {
        if !flag.depends_on().is_empty() {
            self.prepare(flag);
        }
        let (outcome, _) = self.evaluate(flag);
        outcome
    }

    /// Gives the observer back.
    pub fn finish(self) -> O {
        self.observer
    }

    /// Evaluates what the flag depends on, and what that depends on. No flag depends on itself.
    fn prepare(&mut self, flag: &'d Flag) {
        let definitions = self.definitions;
        self.known.resize(definitions.slots, None);
        let mut waiting: Vec<&'d Flag> = vec![flag];
        while let Some(&top) = waiting.last() {
            let before = waiting.len();
            let flags = top.depends_on().iter().map(|&index| &definitions.flags[index as usize]);
            waiting.extend(flags.filter(|flag| self.known[flag.slot].is_none()));
            if waiting.len() > before {
                continue;
            }
            // Each was found missing once for each that depends on it.
            if let Some(ready) = waiting.pop().filter(|_| !waiting.is_empty()) {
                if self.known[ready.slot].is_none() {
                    let (_, known) = self.evaluate(ready);
                    self.known[ready.slot] = Some(known);
                }
            }
        }
    }

    pub(super) fn known(&self, flag: u32) -> Known<'d> {
        let slot = self.definitions.flags[flag as usize].slot;
        let known = self.known.get(slot).copied().flatten();
        // `prepare` left none out.
        known.unwrap_or(Known::Not(Unknown::new(Reason::UnsupportedDefinition)))
    }

    fn evaluate(&mut self, flag: &'d Flag) -> (Outcome<'d>, Known<'d>) {
        self.observer.flag(flag);
        self.entries_left = ENTRIES_MAX;
        let (outcome, known) = match self.decide(flag) {
            None => (Outcome::Excluded, Known::Is(Value::Off)),
            Some(Ok((value, why))) => {
                let payload = flag.payload(value);
                (Outcome::Resolved { value, payload, why }, Known::Is(value))
            }
            Some(Err(unknown)) => {
                let Unknown { reason, server: requires_server, .. } = unknown;
                (Outcome::Unresolved { reason, requires_server }, Known::Not(unknown))
            }
        };
        self.observer.outcome(flag, &outcome);
        (outcome, known)
    }

    /// None for a flag of other contexts.
    fn decide(&mut self, flag: &'d Flag) -> Option<Decision<'d>> {
        if !flag.is_in(self.subject.evaluation_contexts) {
            return None;
        }
        Some(match &flag.rule {
            Rule::Inactive => Ok((Value::Off, Why::Inactive)),
            Rule::Continuity => Err(Unknown::new(Reason::ExperienceContinuity)),
            Rule::Unsupported(unusable) => self.unknown(Cause::Unusable(unusable)),
            Rule::Live(plan) => self.plan(flag, plan),
        })
    }

    fn plan(&mut self, flag: &'d Flag, plan: &'d Plan) -> Decision<'d> {
        let who = match self.who(plan) {
            Ok(Some(who)) => who,
            Ok(None) => return Ok((Value::Off, Why::NoGroup)),
            Err(unknown) => return Err(plan.stopped(unknown)),
        };
        if let Some(filter) = &plan.enrollment {
            let enrolled = self.filter(filter, who.view, None, 0)?;
            return Ok((if enrolled { Value::On } else { Value::Off }, Why::Enrollment));
        }
        if let Some(holdout) = &plan.holdout {
            let hash = (!holdout.everyone).then(|| holdout_hash(who.id));
            let held = hash.is_none_or(|hash| hash <= holdout.bound);
            self.observer.holdout(hash, holdout.bound, held);
            if held {
                return Ok((Value::Variant(&holdout.name), Why::Holdout));
            }
        }
        self.conditions(flag, plan, who)
    }

    /// Whom the flag is about. None: a group that is not given.
    fn who(&mut self, plan: &'d Plan) -> Result<Option<Who<'s>>, Unknown> {
        match plan.group {
            Some(group) => Ok(self.group(group)),
            None => self.person(plan).map(Some),
        }
    }

    fn person(&mut self, plan: &'d Plan) -> Result<Who<'s>, Unknown> {
        let subject = self.subject;
        let view = View {
            props: Some(subject.person_properties),
            default: ("distinct_id", subject.distinct_id),
        };
        if !plan.by_device {
            self.observer.drawn_by(DrawnBy::DistinctId, subject.distinct_id);
            return Ok(Who { id: subject.distinct_id, view });
        }
        let Some(id) = subject.device_id() else {
            return self.unknown(Cause::NoDevice);
        };
        self.observer.drawn_by(DrawnBy::DeviceId, id);
        Ok(Who { id, view })
    }

    fn group(&mut self, group: u32) -> Option<Who<'s>> {
        let name = &*self.definitions.group_types[group as usize];
        let id = self.subject.groups.get(name)?;
        self.observer.drawn_by(DrawnBy::Group, id);
        let props = self.subject.group_properties.get(name);
        Some(Who { id, view: View { props, default: ("$group_key", id) } })
    }

    fn conditions(&mut self, flag: &'d Flag, plan: &'d Plan, who: Who<'s>) -> Decision<'d> {
        let mut unknown: Option<Unknown> = None;
        let mut rivals = Rivals::default();
        let mut why = Why::NoCondition;
        for (index, condition) in plan.conditions.iter().enumerate() {
            self.observer.condition(index);
            let (end, about) = self.condition(flag, plan, condition, who);
            self.observer.condition_end(index, end);
            match (end, about) {
                (End::Matched, Some(who)) => {
                    let value = self.value(flag, plan, condition, who.id);
                    return match unknown {
                        Some(unknown) if rivals.differ_from(value) => Err(unknown),
                        _ => Ok((value, Why::Condition(index))),
                    };
                }
                (End::Unknown(found), _) if found.server => {
                    let found = Unknown { server: true, ..found.after(unknown) };
                    return Err(plan.stopped(found));
                }
                (End::Unknown(found), about) => {
                    unknown = Some(found.after(unknown));
                    if let Some(who) = about.filter(|_| found.regex) {
                        rivals.add(self.rival(flag, plan, condition, who.id));
                    }
                }
                (End::OutOfRollout, _) => {
                    why = Why::OutOfRollout;
                    if plan.early_exit {
                        break;
                    }
                }
                _ => {}
            }
        }
        unknown.map_or(Ok((Value::Off, why)), Err)
    }

    /// How a condition ends, and whom it is about if that is known.
    fn condition(
        &mut self,
        flag: &'d Flag,
        plan: &'d Plan,
        condition: &'d Condition,
        who: Who<'s>,
    ) -> (End, Option<Who<'s>>) {
        let who = match condition.target {
            Target::Same => who,
            Target::Person => match self.person(plan) {
                Ok(who) => who,
                Err(unknown) => return (End::Unknown(unknown), None),
            },
            Target::Group(group) => match self.group(group) {
                Some(who) => who,
                None => return (End::Skipped, None),
            },
            Target::Nobody => return (End::Skipped, None),
        };
        let mut unknown: Option<Unknown> = None;
        for filter in &condition.filters {
            match self.filter(filter, who.view, None, 0) {
                Ok(true) => {}
                Ok(false) => return (End::NotMatched, Some(who)),
                Err(found) => unknown = Some(found.after(unknown)),
            }
        }
        let end = match unknown {
            Some(unknown) => End::Unknown(unknown),
            None if self.is_rolled_out(flag, condition, who.id) => End::Matched,
            None => End::OutOfRollout,
        };
        (end, Some(who))
    }

    fn is_rolled_out(&mut self, flag: &'d Flag, condition: &Condition, id: &str) -> bool {
        let Some(bound) = condition.bound else { return true };
        let hash = hash(&flag.key, id, "");
        self.observer.rollout(hash, bound);
        hash <= bound
    }

    /// The value of a condition that matched.
    fn value(
        &mut self,
        flag: &'d Flag,
        plan: &'d Plan,
        condition: &Condition,
        id: &str,
    ) -> Value<'d> {
        if let Some(variant) = condition.variant {
            return Value::Variant(&plan.variants[variant as usize].key);
        }
        if plan.variants.is_empty() {
            return Value::On;
        }
        let hash = hash(&flag.key, id, VARIANT_SALT);
        let drawn = plan.variants.iter().find(|variant| variant.from <= hash && hash < variant.to);
        let drawn = drawn.map(|variant| &*variant.key);
        self.observer.variant(hash, drawn);
        drawn.map_or(Value::On, Value::Variant)
    }

    /// The value that a condition might choose whose pattern only the server can read.
    fn rival(
        &mut self,
        flag: &'d Flag,
        plan: &'d Plan,
        condition: &Condition,
        id: &str,
    ) -> Option<Value<'d>> {
        if self.is_rolled_out(flag, condition, id) {
            return Some(self.value(flag, plan, condition, id));
        }
        plan.early_exit.then_some(Value::Off)
    }

    pub(super) fn filter(
        &mut self,
        filter: &'d Filter,
        view: View<'_>,
        path: Option<&Path<'_>>,
        depth: usize,
    ) -> Verdict {
        match filter {
            Filter::Property(filter) => self.property(filter, view),
            Filter::Cohort(filter) => self.cohort(filter, view, path, depth),
            Filter::Flag(dependency) => self.depends(dependency),
            Filter::Never => Ok(false),
            Filter::Unusable(unusable) => self.unknown(Cause::Unusable(unusable)),
        }
    }

    fn property(&mut self, filter: &'d PropertyFilter, view: View<'_>) -> Verdict {
        let now = self.subject.now;
        let Some(given) = view.get(&filter.name, &filter.key) else {
            // It outranks that the property is not given.
            let usable = filter.matcher.is_usable(now);
            return self.unknown(if usable {
                Cause::Absent(&filter.name)
            } else {
                Cause::TooLongAgo
            });
        };
        let matched = filter.matcher.matches(given, now);
        self.observer.property(filter, given, matched.ok());
        matched.or_else(|doubt| {
            self.unknown(match doubt {
                Doubt::Given => Cause::Unreadable(&filter.name),
                Doubt::TooLongAgo => Cause::TooLongAgo,
            })
        })
    }

    pub(super) fn unknown<T>(&mut self, cause: Cause<'d>) -> Result<T, Unknown> {
        self.observer.cause(cause);
        Err(cause.unknown())
    }
}

/// The values that conditions might have chosen whose patterns only the server can read.
#[derive(Default)]
struct Rivals<'d> {
    first: Option<Value<'d>>,
    several: bool,
}

impl<'d> Rivals<'d> {
    fn add(&mut self, rival: Option<Value<'d>>) {
        let Some(rival) = rival else { return };
        self.several |= self.first.is_some_and(|first| first != rival);
        self.first = Some(rival);
    }

    fn differ_from(&self, value: Value<'_>) -> bool {
        self.several || self.first.is_some_and(|first| first != value)
    }
}
