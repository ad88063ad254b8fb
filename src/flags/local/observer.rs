//! Who watches an evaluation. Without a watcher nothing of this is left in the code.

use super::cohort::CohortFilter;
use super::definitions::Flag;
use super::dependency::Dependency;
use super::filter::PropertyFilter;
use super::outcome::{Outcome, Value};
use super::reason::{Cause, Unknown, Verdict};
use super::value::Given;

/// What a flag is drawn by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DrawnBy {
    DistinctId,
    DeviceId,
    Group,
}

/// How a condition ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Matched,
    NotMatched,
    /// The properties match, and the draw is above the bound.
    OutOfRollout,
    /// It is about a group that is not given.
    Skipped,
    Unknown(Unknown),
}

/// Is told of each step, in order.
pub trait Observer<'d> {
    /// A flag begins. Those that it depends on come before it.
    fn flag(&mut self, _flag: &'d Flag) {}
    fn drawn_by(&mut self, _by: DrawnBy, _id: &str) {}
    fn holdout(&mut self, _hash: Option<f64>, _bound: f64, _held: bool) {}
    fn condition(&mut self, _index: usize) {}
    fn property(&mut self, _filter: &'d PropertyFilter, _given: Given<'_>, _matches: Option<bool>) {
    }
    fn cohort(&mut self, _filter: &'d CohortFilter) {}
    fn cohort_end(&mut self, _filter: &'d CohortFilter, _verdict: Verdict) {}
    fn dependency(&mut self, _dependency: &'d Dependency, _value: Value<'d>, _matches: bool) {}
    fn cause(&mut self, _cause: Cause<'d>) {}
    fn rollout(&mut self, _hash: f64, _bound: f64) {}
    fn variant(&mut self, _hash: f64, _variant: Option<&'d str>) {}
    fn condition_end(&mut self, _index: usize, _end: End) {}
    fn outcome(&mut self, _flag: &'d Flag, _outcome: &Outcome<'d>) {}
}

/// Nobody watches.
impl Observer<'_> for () {}
