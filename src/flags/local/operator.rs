//! Operators: a filter's operator and value, compiled, and what a property's value is to them.

use super::date::{self, Bound};
use super::reason::Unusable;
use super::regex::Pattern;
use super::semver::{self, Wanted};
use super::tree::Json;
use super::value::{Given, as_number, is_boolean, is_true, text_of};
use crate::timestamp::Timestamp;

/// How `exact` and `is_not` compare, which is told with the definitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matching {
    /// Version 1: a value that looks like a boolean is compared as one.
    Coerced,
    /// Version 2.
    Explicit,
}

/// An operator with the value that it compares with.
#[derive(Debug)]
pub enum Matcher {
    Exact {
        wanted: Exact,
        negated: bool,
    },
    Set {
        wanted: bool,
    },
    Text {
        place: Place,
        needle: Box<str>,
        negated: bool,
    },
    Regex {
        pattern: Pattern,
        negated: bool,
    },
    Number {
        order: Order,
        bound: f64,
    },
    Date {
        before: bool,
        bound: Bound,
    },
    Version(Wanted),
    /// Has the person opted in to the feature? No operator of a filter.
    Enrolled,
}

#[derive(Debug)]
pub enum Exact {
    Truth(bool),
    /// One of these, which are sorted and in lower case.
    OneOf(Box<[Box<str>]>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Start,
    End,
    Anywhere,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Why a matcher does not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// The given value is not what the operator reads.
    Given,
    /// The filter's date is before the year 1.
    TooLongAgo,
}

impl Matcher {
    /// Compiles the value for an operator; `patterns` compiles the patterns.
    pub fn new(
        operator: &str,
        value: &Json<'_>,
        matching: Matching,
        patterns: &mut dyn FnMut(&str) -> Option<Pattern>,
    ) -> Result<Matcher, Unusable> {
        let text = |place, negated| {
            let needle = text_of(value).to_ascii_lowercase().into();
            Ok(Matcher::Text { place, needle, negated })
        };
        let exact = |negated| Ok(Matcher::Exact { wanted: Exact::new(value, matching), negated });
        match operator {
            "exact" => exact(false),
            "is_not" => exact(true),
            "is_set" => Ok(Matcher::Set { wanted: true }),
            "is_not_set" => Ok(Matcher::Set { wanted: false }),
            "icontains" => text(Place::Anywhere, false),
            "not_icontains" => text(Place::Anywhere, true),
            "starts_with" => text(Place::Start, false),
            "not_starts_with" => text(Place::Start, true),
            "ends_with" => text(Place::End, false),
            "not_ends_with" => text(Place::End, true),
            "regex" | "not_regex" => {
                let source = text_of(value);
                let pattern = patterns(&source).ok_or_else(|| Unusable {
                    why: format!("pattern {source:?} is left to the server").into(),
                    regex: true,
                })?;
                Ok(Matcher::Regex { pattern, negated: operator == "not_regex" })
            }
            "gt" => number(Order::Greater, value),
            "gte" => number(Order::GreaterOrEqual, value),
            "lt" => number(Order::Less, value),
            "lte" => number(Order::LessOrEqual, value),
            "is_date_before" => date(true, value),
            "is_date_after" => date(false, value),
            _ => version(operator, value),
        }
    }

    /// Whether there is any value that would tell something at this time.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        match self {
            Matcher::Date { bound, .. } => bound.moment(now).is_some(),
            _ => true,
        }
    }

    /// Whether a value that is given matches.
    pub fn matches(&self, given: Given<'_>, now: Timestamp) -> Result<bool, Doubt> {
        match self {
            Matcher::Exact { wanted, negated } => Ok(wanted.is(given) != *negated),
            Matcher::Set { wanted } => Ok(*wanted),
            Matcher::Text { place, needle, negated } => {
                Ok(place.has(&given.text(), needle) != *negated)
            }
            Matcher::Regex { pattern, negated } => {
                Ok(pattern.is_in(&given.text()).is_some_and(|found| found != *negated))
            }
            Matcher::Number { order, bound } => {
                Ok(given.number().is_some_and(|number| order.holds(number, *bound)))
            }
            Matcher::Date { before, bound } => {
                let bound = bound.moment(now).ok_or(Doubt::TooLongAgo)?;
                if given.is_null() {
                    return Ok(false);
                }
                let moment = given.string().and_then(|text| date::parse(&text));
                let moment = moment.ok_or(Doubt::Given)?;
                Ok(if *before { moment < bound } else { moment > bound })
            }
            Matcher::Enrolled => Ok(matches!(given, Given::Json(b"true" | b"\"true\""))),
            Matcher::Version(_) if given.is_null() => Ok(false),
            Matcher::Version(wanted) => {
                let version = semver::parse(&given.text()).ok_or(Doubt::Given)?;
                Ok(wanted.matches(version))
            }
        }
    }
}

fn number(order: Order, value: &Json<'_>) -> Result<Matcher, Unusable> {
    match as_number(value) {
        Some(bound) => Ok(Matcher::Number { order, bound }),
        None => Err(Unusable::new(format!("{value} is not a finite number"))),
    }
}

fn date(before: bool, value: &Json<'_>) -> Result<Matcher, Unusable> {
    match value.as_str().and_then(Bound::parse) {
        Some(bound) => Ok(Matcher::Date { before, bound }),
        None => Err(Unusable::new(format!("{value} is not a date"))),
    }
}

/// The operators on versions, and the end of the list of those that are known.
fn version(operator: &str, value: &Json<'_>) -> Result<Matcher, Unusable> {
    let text = text_of(value);
    let compared = |order| semver::parse(&text).map(|version| Wanted::Compared(order, version));
    let wanted = match operator {
        "semver_eq" => compared(semver::Order::Equal),
        "semver_neq" => compared(semver::Order::NotEqual),
        "semver_gt" => compared(semver::Order::Greater),
        "semver_gte" => compared(semver::Order::GreaterOrEqual),
        "semver_lt" => compared(semver::Order::Less),
        "semver_lte" => compared(semver::Order::LessOrEqual),
        "semver_tilde" => Wanted::tilde(&text),
        "semver_caret" => Wanted::caret(&text),
        "semver_wildcard" => Wanted::wildcard(&text),
        _ => return Err(Unusable::new(format!("operator {operator:?} is not known"))),
    };
    match wanted {
        Some(wanted) => Ok(Matcher::Version(wanted)),
        None => Err(Unusable::new(format!("{value} is not a version for {operator}"))),
    }
}

impl Exact {
    fn new(value: &Json<'_>, matching: Matching) -> Exact {
        if matches!(value, Json::List(values) if values.is_empty()) {
            return Exact::Truth(true);
        }
        if matching == Matching::Coerced && is_boolean(value) {
            return Exact::Truth(is_true(value));
        }
        let lower = |value: &Json<'_>| text_of(value).to_lowercase().into_boxed_str();
        let mut wanted: Vec<_> = match value {
            Json::List(values) => values.iter().map(lower).collect(),
            _ => vec![lower(value)],
        };
        wanted.sort_unstable();
        wanted.dedup();
        Exact::OneOf(wanted.into())
    }

    fn is(&self, given: Given<'_>) -> bool {
        let wanted = match self {
            Exact::Truth(truth) => return given.is_true() == *truth,
            Exact::OneOf(wanted) => wanted,
        };
        let text = given.text();
        if !text.is_ascii() {
            let lower = text.to_lowercase();
            return wanted.binary_search_by(|one| (**one).cmp(&lower)).is_ok();
        }
        match &**wanted {
            [one] => one.eq_ignore_ascii_case(&text),
            _ => {
                let lower = || text.bytes().map(|byte| byte.to_ascii_lowercase());
                wanted.binary_search_by(|one| one.bytes().cmp(lower())).is_ok()
            }
        }
    }
}

impl Place {
    /// The needle is in lower case. Only the letters of ASCII have a case here.
    fn has(self, text: &str, needle: &str) -> bool {
        let (text, needle) = (text.as_bytes(), needle.as_bytes());
        match self {
            Place::Start => {
                text.get(..needle.len()).is_some_and(|head| head.eq_ignore_ascii_case(needle))
            }
            Place::End => {
                let start = text.len().checked_sub(needle.len());
                start.is_some_and(|start| text[start..].eq_ignore_ascii_case(needle))
            }
            Place::Anywhere => contains(text, needle),
        }
    }
}

/// In a short text, every position is tried. In a long one that could take for ever.
fn contains(text: &[u8], needle: &[u8]) -> bool {
    const SHORT: usize = 256;
    if text.len() > SHORT {
        let lower = text.to_ascii_lowercase();
        let (lower, needle) = (String::from_utf8_lossy(&lower), String::from_utf8_lossy(needle));
        return lower.contains(&*needle);
    }
    let Some(&first) = needle.first() else { return true };
    let Some(last) = text.len().checked_sub(needle.len()) else { return false };
    (0..=last).any(|at| {
        text[at].to_ascii_lowercase() == first
            && text[at..at + needle.len()].eq_ignore_ascii_case(needle)
    })
}

impl Order {
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Order::Greater => number > bound,
            Order::GreaterOrEqual => number >= bound,
            Order::Less => number < bound,
            Order::LessOrEqual => number <= bound,
        }
    }
}

#[cfg(test)]
mod tests;
