//! The evaluation that needs no request: definitions and a context make values. Pure.

use crate::flags::context::Context;
use crate::flags::draft::Record;
use crate::flags::found::Found;
use crate::flags::local::{Definitions, Evaluation, Flag, Outcome, Subject, Value};
use crate::timestamp::Timestamp;

/// Why a flag is none for this evaluation: it belongs to other contexts.
const EXCLUDED: &str = "other_evaluation_context";

/// The server looks at so many characters of a distinct id, and leaves out the rest.
const ID_CHARS_MAX: usize = 200;

/// Who a context and a distinct id are to the evaluator.
pub fn subject<'s>(distinct_id: &'s str, context: &'s Context, now: Timestamp) -> Subject<'s> {
    Subject {
        distinct_id: as_the_server_has_it(distinct_id),
        device_id: context.device_id.as_deref(),
        person_properties: &context.person_properties,
        groups: &context.groups,
        group_properties: &context.group_properties,
        evaluation_contexts: &context.evaluation_contexts,
        now,
    }
}

fn as_the_server_has_it(distinct_id: &str) -> &str {
    if distinct_id.len() <= ID_CHARS_MAX {
        return distinct_id;
    }
    let end = distinct_id.char_indices().nth(ID_CHARS_MAX);
    end.map_or(distinct_id, |(end, _)| &distinct_id[..end])
}

/// Evaluates every flag that the context wants. Returns what is known of each, and whether the
/// server might know more.
pub fn evaluate(
    definitions: &Definitions,
    subject: &Subject<'_>,
    context: &Context,
) -> (Vec<Record>, bool) {
    let mut evaluation = Evaluation::new(definitions, subject, ());
    let (mut records, mut needs_server) = (Vec::new(), false);
    let mut add = |flag| {
        let outcome = evaluation.outcome(flag);
        if outcome != Outcome::Excluded {
            let found = found(flag, outcome);
            needs_server |= found.needs_server;
            records.push(found.to_record());
        }
    };
    match &context.flag_keys {
        None => definitions.flags().iter().for_each(add),
        Some(keys) => {
            let flags = keys.iter().filter_map(|key| definitions.find(key));
            let known = flags.inspect(|flag| add(flag)).count();
            // The definitions may be older than the flag.
            needs_server |= known < keys.len();
        }
    }
    (records, needs_server)
}

/// What came of evaluating a flag, in the terms of an answer.
pub fn found<'d>(flag: &'d Flag, outcome: Outcome<'d>) -> Found<'d> {
    let nothing = Found {
        key: flag.key(),
        enabled: None,
        variant: None,
        payload: None,
        reason: EXCLUDED,
        id: flag.id(),
        version: flag.version(),
        has_experiment: flag.has_experiment(),
        needs_server: false,
    };
    match outcome {
        Outcome::Excluded => nothing,
        Outcome::Unresolved { reason, .. } => {
            Found { reason: reason.code(), needs_server: flag.runs_on_server(), ..nothing }
        }
        Outcome::Resolved { value, payload, why } => {
            let (enabled, variant) = match value {
                Value::Off => (false, None),
                Value::On => (true, None),
                Value::Variant(name) => (true, Some(name)),
            };
            Found { enabled: Some(enabled), variant, payload, reason: why.code(), ..nothing }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_distinct_id_is_cut_where_the_server_cuts_it() {
        for letter in ["x", "é", "😀"] {
            let whole = letter.repeat(ID_CHARS_MAX);
            assert_eq!(as_the_server_has_it(&whole), whole);
            assert_eq!(as_the_server_has_it(&format!("{whole}{letter}y")), whole);
        }
        assert_eq!(as_the_server_has_it("u"), "u");
    }
}
