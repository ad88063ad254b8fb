//! Why a flag, or a part of one, could not be decided here.

use std::fmt;

/// Why a flag has no value. Where several apply the greatest is told, so that every SDK names the
/// same one whatever order it looks in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// A property, or the device id, that the definition asks for was not given.
    MissingContext,
    /// A flag that this one depends on has no value.
    UnresolvedDependency,
    /// The definition has a part that this library cannot evaluate.
    UnsupportedDefinition,
    /// Only the server knows what it answered before the person was identified.
    ExperienceContinuity,
}

impl Reason {
    /// Its name in every SDK.
    pub fn code(self) -> &'static str {
        match self {
            Reason::MissingContext => "missing_context",
            Reason::UnresolvedDependency => "unresolved_dependency",
            Reason::UnsupportedDefinition => "unsupported_definition",
            Reason::ExperienceContinuity => "experience_continuity",
        }
    }
}

/// What is left when a filter, a condition or a cohort could not be decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unknown {
    pub reason: Reason,
    /// Only the server has the data: no other condition may decide the flag instead.
    pub server: bool,
    /// A pattern is to blame that the server can evaluate.
    pub regex: bool,
}

impl Unknown {
    pub const fn new(reason: Reason) -> Unknown {
        Unknown { reason, server: false, regex: false }
    }

    /// This one after an earlier one. What only the server knows counts if it came first.
    pub fn after(self, earlier: Option<Unknown>) -> Unknown {
        let Some(earlier) = earlier else { return self };
        Unknown {
            reason: self.reason.max(earlier.reason),
            server: earlier.server,
            regex: self.regex || earlier.regex,
        }
    }
}

/// Whether something matches, if that is known.
pub type Verdict = Result<bool, Unknown>;

/// A filter whose definition cannot be used, whatever it is matched with.
#[derive(Debug)]
pub struct Unusable {
    pub why: Box<str>,
    pub regex: bool,
}

impl Unusable {
    pub fn new(why: impl Into<Box<str>>) -> Unusable {
        Unusable { why: why.into(), regex: false }
    }
}

/// What made something unknown, in terms of the definition.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'d> {
    /// The property is not given.
    Absent(&'d str),
    /// The property's value is not what the operator reads.
    Unreadable(&'d str),
    /// Counted back from now, the filter's date is before the year 1.
    TooLongAgo,
    Unusable(&'d Unusable),
    /// A static cohort, or one that the definitions lack for another reason.
    NoCohort(&'d str),
    /// A part of a cohort is not as cohorts are.
    Malformed,
    Cycle(&'d str),
    TooDeep,
    TooMuch,
    /// The flag that is depended on has no value.
    Dependency(&'d str, Unknown),
    NoDevice,
}

impl Cause<'_> {
    pub fn unknown(&self) -> Unknown {
        use Reason::{MissingContext, UnresolvedDependency, UnsupportedDefinition};
        match self {
            Cause::Absent(_) | Cause::Unreadable(_) | Cause::NoDevice => {
                Unknown::new(MissingContext)
            }
            Cause::Unusable(filter) => {
                Unknown { regex: filter.regex, ..Unknown::new(UnsupportedDefinition) }
            }
            Cause::NoCohort(_) | Cause::Malformed => {
                Unknown { server: true, ..Unknown::new(UnsupportedDefinition) }
            }
            Cause::TooLongAgo | Cause::Cycle(_) | Cause::TooDeep | Cause::TooMuch => {
                Unknown::new(UnsupportedDefinition)
            }
            Cause::Dependency(_, unknown) => Unknown { reason: UnresolvedDependency, ..*unknown },
        }
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Absent(key) => write!(f, "property {key:?} is not given"),
            Cause::Unreadable(key) => write!(f, "property {key:?} cannot be read by this operator"),
            Cause::TooLongAgo => f.write_str("the filter's date is before the year 1"),
            Cause::Unusable(filter) => f.write_str(&filter.why),
            Cause::NoCohort(id) => write!(f, "cohort {id} is not among the definitions"),
            Cause::Malformed => f.write_str("the cohort's definition is malformed"),
            Cause::Cycle(id) => write!(f, "cohort {id} refers to itself"),
            Cause::TooDeep => f.write_str("the cohort is nested too deep"),
            Cause::TooMuch => f.write_str("the flag's cohorts have too many entries"),
            Cause::Dependency(key, _) => write!(f, "flag {key:?} has no value"),
            Cause::NoDevice => f.write_str("the flag needs a device id, and none is given"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_an_order() {
        let order = [
            Reason::ExperienceContinuity,
            Reason::UnsupportedDefinition,
            Reason::UnresolvedDependency,
            Reason::MissingContext,
        ];
        assert!(order.is_sorted_by(|greater, less| greater > less));
    }

    #[test]
    fn what_came_first_decides_who_can_help() {
        let server = Cause::NoCohort("1").unknown();
        let absent = Cause::Absent("a").unknown();
        assert!(server.after(None).server && absent.after(Some(server)).server);
        let late = server.after(Some(absent));
        assert!(!late.server);
        assert_eq!(late.reason, Reason::UnsupportedDefinition);
        assert_eq!(absent.after(Some(server)).reason, Reason::UnsupportedDefinition);
    }
}
