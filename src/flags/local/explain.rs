//! Explanations: an evaluation, step by step, for a person to read and for a program.

mod describe;

use super::cohort::CohortFilter;
use super::definitions::{Definitions, Flag};
use super::dependency::Dependency;
use super::evaluate::Evaluation;
use super::filter::PropertyFilter;
use super::observer::{DrawnBy, End, Observer};
use super::outcome::{Outcome, Value, Why};
use super::reason::{Cause, Unknown, Verdict};
use super::subject::Subject;
use super::value::Given;
use crate::flags::explanation::Explanation;
use crate::json;
use describe::test;

/// Evaluates a flag and tells every step.
pub fn explain<'d>(
    definitions: &'d Definitions,
    flag: &'d Flag,
    subject: &Subject<'_>,
) -> Explanation {
    let mut evaluation = Evaluation::new(definitions, subject, Report::default());
    evaluation.outcome(flag);
    evaluation.finish().done(flag)
}

/// Writes down what it sees.
#[derive(Default)]
struct Report {
    text: String,
    json: Vec<u8>,
    indent: usize,
}

/// A member of a step.
enum Field<'a> {
    Text(&'a str),
    Number(f64),
    Index(usize),
    Bool(bool),
    Json(&'a [u8]),
    Null,
}

impl Report {
    fn done(self, flag: &Flag) -> Explanation {
        let mut json = Vec::with_capacity(self.json.len() + 40);
        json.push(b'{');
        member(&mut json, "flag", &Field::Text(flag.key()));
        json.extend_from_slice(b",\"evaluations\":[");
        json.extend_from_slice(&self.json);
        json.extend_from_slice(b"]}");
        let json = String::from_utf8_lossy(&json).into_owned();
        Explanation { text: self.text, json }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        for _ in 0..self.indent {
            self.text.push_str("  ");
        }
        self.text.push_str(&line.to_string());
        self.text.push('\n');
    }

    fn step(&mut self, name: &str, fields: &[(&str, Field<'_>)]) {
        if self.json.last() != Some(&b'[') {
            self.json.push(b',');
        }
        self.json.push(b'{');
        member(&mut self.json, "step", &Field::Text(name));
        self.members(fields);
        self.json.push(b'}');
    }

    /// More members of an object.
    fn members(&mut self, fields: &[(&str, Field<'_>)]) {
        for (name, field) in fields {
            self.json.push(b',');
            member(&mut self.json, name, field);
        }
    }
}

fn member(json: &mut Vec<u8>, name: &str, field: &Field<'_>) {
    quoted(json, name);
    json.push(b':');
    match field {
        Field::Text(text) => quoted(json, text),
        Field::Number(number) => drop(json::write_f64(json, *number)),
        Field::Index(index) => json.extend_from_slice(index.to_string().as_bytes()),
        Field::Bool(true) => json.extend_from_slice(b"true"),
        Field::Bool(false) => json.extend_from_slice(b"false"),
        Field::Json(text) => json.extend_from_slice(text),
        Field::Null => json.extend_from_slice(b"null"),
    }
}

fn quoted(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    json::write_text(json, text);
    json.push(b'"');
}

fn value_field(value: Value<'_>) -> Field<'_> {
    match value {
        Value::Off => Field::Bool(false),
        Value::On => Field::Bool(true),
        Value::Variant(name) => Field::Text(name),
    }
}

/// A value as a person writes it.
fn shown(value: Value<'_>) -> String {
    match value {
        Value::Off => "off".to_owned(),
        Value::On => "on".to_owned(),
        Value::Variant(name) => format!("{name:?}"),
    }
}

fn known(matches: Option<bool>) -> (&'static str, Field<'static>) {
    match matches {
        Some(true) => ("matches", Field::Bool(true)),
        Some(false) => ("does not match", Field::Bool(false)),
        None => ("is unknown", Field::Null),
    }
}

impl<'d> Observer<'d> for Report {
    fn flag(&mut self, flag: &'d Flag) {
        self.indent = 0;
        self.line(format_args!("flag {:?}", flag.key()));
        self.indent = 1;
        if !self.json.is_empty() {
            self.json.push(b',');
        }
        self.json.push(b'{');
        member(&mut self.json, "flag", &Field::Text(flag.key()));
        self.json.extend_from_slice(b",\"steps\":[");
    }

    fn drawn_by(&mut self, by: DrawnBy, id: &str) {
        let (name, code) = match by {
            DrawnBy::DistinctId => ("distinct id", "distinct_id"),
            DrawnBy::DeviceId => ("device id", "device_id"),
            DrawnBy::Group => ("group", "group"),
        };
        self.line(format_args!("drawn by {name} {id:?}"));
        self.step("drawn_by", &[("by", Field::Text(code)), ("id", Field::Text(id))]);
    }

    fn holdout(&mut self, hash: Option<f64>, bound: f64, held: bool) {
        let end = if held { "held out" } else { "not held out" };
        match hash {
            Some(hash) => self.line(format_args!("holdout: {hash} against {bound}: {end}")),
            None => self.line(format_args!("holdout of everyone: {end}")),
        }
        let hash = hash.map_or(Field::Null, Field::Number);
        let fields = [("hash", hash), ("bound", Field::Number(bound)), ("held", Field::Bool(held))];
        self.step("holdout", &fields);
    }

    fn condition(&mut self, index: usize) {
        self.line(format_args!("condition {}", index + 1));
        self.indent += 1;
        self.step("condition", &[("index", Field::Index(index))]);
    }

    fn property(&mut self, filter: &'d PropertyFilter, given: Given<'_>, matches: Option<bool>) {
        let (test, json) = (test(&filter.matcher), given.bytes());
        let (end, field) = known(matches);
        let seen = String::from_utf8_lossy(&json);
        self.line(format_args!("property {:?} {test}: {seen} {end}", filter.name));
        let fields = [
            ("property", Field::Text(&filter.name)),
            ("test", Field::Text(&test)),
            ("given", Field::Json(&json)),
            ("matches", field),
        ];
        self.step("property", &fields);
    }

    fn cohort(&mut self, filter: &'d CohortFilter) {
        let not = if filter.negated { "not " } else { "" };
        self.line(format_args!("{not}in cohort {}", filter.id));
        self.indent += 1;
        let fields = [("id", Field::Text(&filter.id)), ("negated", Field::Bool(filter.negated))];
        self.step("cohort", &fields);
    }

    fn cohort_end(&mut self, filter: &'d CohortFilter, verdict: Verdict) {
        let (end, field) = known(verdict.ok());
        self.indent -= 1;
        self.line(format_args!("cohort {} {end}", filter.id));
        self.step("cohort_end", &[("id", Field::Text(&filter.id)), ("matches", field)]);
    }

    fn dependency(&mut self, dependency: &'d Dependency, value: Value<'d>, matches: bool) {
        let (end, field) = known(Some(matches));
        self.line(format_args!("flag {:?} is {}: {end}", dependency.key, shown(value)));
        let fields = [
            ("flag", Field::Text(&dependency.key)),
            ("value", value_field(value)),
            ("matches", field),
        ];
        self.step("dependency", &fields);
    }

    fn cause(&mut self, cause: Cause<'d>) {
        let (reason, text) = (cause.unknown().reason.code(), cause.to_string());
        self.line(format_args!("{text}: unknown ({reason})"));
        let fields = [("because", Field::Text(&text)), ("reason", Field::Text(reason))];
        self.step("unknown", &fields);
    }

    fn rollout(&mut self, hash: f64, bound: f64) {
        let end = if hash <= bound { "in" } else { "out" };
        self.line(format_args!("rollout: {hash} against {bound}: {end}"));
        let within = ("in", Field::Bool(hash <= bound));
        let fields = [("hash", Field::Number(hash)), ("bound", Field::Number(bound)), within];
        self.step("rollout", &fields);
    }

    fn variant(&mut self, hash: f64, variant: Option<&'d str>) {
        match variant {
            Some(name) => self.line(format_args!("variant: {hash} draws {name:?}")),
            None => self.line(format_args!("variant: {hash} draws none")),
        }
        let name = variant.map_or(Field::Null, Field::Text);
        self.step("variant", &[("hash", Field::Number(hash)), ("variant", name)]);
    }

    fn condition_end(&mut self, index: usize, end: End) {
        self.indent -= 1;
        let (text, code) = match end {
            End::Matched => ("matches", "match"),
            End::NotMatched => ("does not match", "no_match"),
            End::OutOfRollout => ("matches, but is not rolled out", "out_of_rollout"),
            End::Skipped => ("is about a group that is not given", "skipped"),
            End::Unknown(Unknown { server: true, .. }) => ("is for the server", "unknown"),
            End::Unknown(_) => ("is unknown", "unknown"),
        };
        self.line(format_args!("condition {} {text}", index + 1));
        let fields = [("index", Field::Index(index)), ("end", Field::Text(code))];
        self.step("condition_end", &fields);
    }

    fn outcome(&mut self, _flag: &'d Flag, outcome: &Outcome<'d>) {
        self.json.extend_from_slice(b"],\"outcome\":{");
        match *outcome {
            Outcome::Resolved { value, payload, why } => {
                let code = why.code();
                self.line(format_args!("{} ({code})", shown(value)));
                if let Some(payload) = payload {
                    self.line(format_args!("payload {payload}"));
                }
                member(&mut self.json, "value", &value_field(value));
                let condition = match why {
                    Why::Condition(index) => Field::Index(index),
                    _ => Field::Null,
                };
                let payload = payload.map_or(Field::Null, |json| Field::Json(json.as_bytes()));
                let reason = Field::Text(code);
                self.members(&[("reason", reason), ("condition", condition), ("payload", payload)]);
            }
            Outcome::Unresolved { reason, requires_server } => {
                let server = if requires_server { ", only the server knows" } else { "" };
                self.line(format_args!("unresolved ({}{server})", reason.code()));
                member(&mut self.json, "value", &Field::Null);
                let server = Field::Bool(requires_server);
                self.members(&[
                    ("unresolved", Field::Text(reason.code())),
                    ("requires_server", server),
                ]);
            }
            Outcome::Excluded => {
                self.line(format_args!("excluded: the flag is for other contexts"));
                member(&mut self.json, "value", &Field::Null);
                self.members(&[("excluded", Field::Bool(true))]);
            }
        }
        self.json.extend_from_slice(b"}}");
    }
}
