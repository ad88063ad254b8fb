//! What comes of evaluating a flag.

use super::reason::{Reason, Unknown};

/// The value of a flag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'d> {
    Off,
    On,
    Variant(&'d str),
}

/// Why a flag has its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The condition of this index matched.
    Condition(usize),
    NoCondition,
    OutOfRollout,
    /// It is about a group, and no such group is given.
    NoGroup,
    Enrollment,
    Holdout,
    Inactive,
}

impl Why {
    /// Its name in the server's answers.
    pub fn code(self) -> &'static str {
        match self {
            Why::Condition(_) => "condition_match",
            Why::NoCondition => "no_condition_match",
            Why::OutOfRollout => "out_of_rollout_bound",
            Why::NoGroup => "no_group_type",
            Why::Enrollment => "super_condition_value",
            Why::Holdout => "holdout_condition_value",
            Why::Inactive => "flag_disabled",
        }
    }
}

/// What is known of a flag here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome<'d> {
    Resolved {
        value: Value<'d>,
        payload: Option<&'d str>,
        why: Why,
    },
    Unresolved {
        reason: Reason,
        requires_server: bool,
    },
    /// It belongs to other contexts: for this evaluation there is no such flag.
    Excluded,
}

/// What a dependency needs of an outcome.
#[derive(Clone, Copy, Debug)]
pub enum Known<'d> {
    Is(Value<'d>),
    Not(Unknown),
}
