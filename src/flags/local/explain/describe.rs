//! What a filter asks, in words.

use super::super::date::{Bound, Unit};
use super::super::operator::{Exact, Matcher, Order, Place};
use super::super::regex::Pattern;
use super::super::semver::{self, Wanted};
use crate::timestamp::Timestamp;

/// So many values of a list are told.
const VALUES_TOLD: usize = 10;

/// Reads after "the property ... ".
pub fn test(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Exact { wanted, negated } => {
            let not = if *negated { "is not" } else { "is" };
            match wanted {
                Exact::Truth(truth) => format!("{not} as true as {truth}"),
                Exact::OneOf(wanted) => format!("{not} {}", list(wanted)),
            }
        }
        Matcher::Set { wanted: true } => "is set".to_owned(),
        Matcher::Set { wanted: false } => "is not set".to_owned(),
        Matcher::Text { place, needle, negated } => {
            let verb = match (place, negated) {
                (Place::Start, false) => "starts with",
                (Place::Start, true) => "does not start with",
                (Place::End, false) => "ends with",
                (Place::End, true) => "does not end with",
                (Place::Anywhere, false) => "contains",
                (Place::Anywhere, true) => "does not contain",
            };
            format!("{verb} {needle:?}")
        }
        Matcher::Regex { pattern, negated } => {
            let verb = if *negated { "does not match" } else { "matches" };
            match pattern {
                Pattern::Invalid => format!("{verb} an invalid pattern"),
                Pattern::Text(text) => format!("{verb} pattern {:?}", text.source),
                Pattern::Compiled(regex) => format!("{verb} pattern {:?}", regex.as_str()),
            }
        }
        Matcher::Number { order, bound } => {
            let sign = match order {
                Order::Greater => ">",
                Order::GreaterOrEqual => ">=",
                Order::Less => "<",
                Order::LessOrEqual => "<=",
            };
            format!("{sign} {bound}")
        }
        Matcher::Date { before, bound } => {
            let side = if *before { "before" } else { "after" };
            format!("is {side} {}", date(*bound))
        }
        Matcher::Version(wanted) => version(wanted),
        Matcher::Enrolled => "is true, for the feature".to_owned(),
    }
}

fn list(wanted: &[Box<str>]) -> String {
    let told: Vec<String> = wanted.iter().take(VALUES_TOLD).map(|one| format!("{one:?}")).collect();
    let told = told.join(" or ");
    match wanted.len().saturating_sub(VALUES_TOLD) {
        0 => told,
        more => format!("{told} or one of {more} more"),
    }
}

fn date(bound: Bound) -> String {
    match bound {
        Bound::At((secs, nanos)) => {
            let digits = if nanos == 0 { 0 } else { 9 };
            let mut text = Vec::new();
            Timestamp::from_parts(secs, nanos, digits).write(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        }
        Bound::Ago(count, unit) => {
            let unit = match unit {
                Unit::Hours => "hours",
                Unit::Days => "days",
                Unit::Weeks => "weeks",
                Unit::Months => "months",
                Unit::Years => "years",
            };
            format!("{count} {unit} ago")
        }
    }
}

fn version(wanted: &Wanted) -> String {
    let text = |(major, minor, patch): semver::Version| format!("{major}.{minor}.{patch}");
    match *wanted {
        Wanted::Compared(order, version) => {
            let sign = match order {
                semver::Order::Equal => "=",
                semver::Order::NotEqual => "!=",
                semver::Order::Greater => ">",
                semver::Order::GreaterOrEqual => ">=",
                semver::Order::Less => "<",
                semver::Order::LessOrEqual => "<=",
            };
            format!("is version {sign} {}", text(version))
        }
        Wanted::Within(from, to) => format!("is version >= {}, < {}", text(from), text(to)),
    }
}
