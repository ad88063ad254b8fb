//! Local evaluation: the values of flags from definitions that are at hand, without a request.
//!
//! It agrees with the server, and says so when it cannot: what is not known here is never off, it
//! is unresolved, with a reason. All of it is pure: definitions, whom to evaluate for and the time
//! are handed in.

mod cohort;
mod condition;
mod date;
mod definitions;
mod dependency;
mod evaluate;
mod explain;
mod filter;
mod hash;
mod observer;
mod operator;
mod outcome;
mod reason;
mod regex;
mod semver;
mod subject;
mod tree;
mod value;

pub use definitions::{Definitions, Flag, Unreadable};
pub use evaluate::Evaluation;
pub use explain::explain;
pub use outcome::{Outcome, Value};
pub use subject::Subject;

#[cfg(test)]
mod differential;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
