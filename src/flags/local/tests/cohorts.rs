//! Cohorts: membership, groups, negation, and what ends an evaluation that would not end.

use super::super::cohort::DEPTH_MAX;
use super::super::reason::Reason::{MissingContext, UnsupportedDefinition};
use super::*;

/// An entry that is true, false, or unknown.
fn leaf(kind: &str) -> Json {
    let (kind, negated) = kind.strip_prefix('!').map_or((kind, false), |kind| (kind, true));
    let mut leaf = match kind {
        "yes" => json!({"key": "p", "operator": "is_set"}),
        "no" => json!({"key": "p", "operator": "is_not_set"}),
        "missing" => json!({"key": "missing", "value": 1}),
        "unusable" => json!({"key": "p", "operator": "between"}),
        "bad" => return json!(7),
        "gone" => json!({"type": "cohort", "value": 404}),
        id => json!({"type": "cohort", "value": id}),
    };
    leaf["negation"] = json!(negated);
    leaf
}

fn group(kind: &str, leaves: &str) -> Json {
    json!({"type": kind, "values": leaves.split_whitespace().map(leaf).collect::<Vec<_>>()})
}

/// A flag for cohort 1 of these.
fn of_cohorts(cohorts: Json) -> Case {
    Case::filter(json!({"key": "id", "type": "cohort", "operator": "in", "value": 1}))
        .with("cohorts", cohorts)
        .given("p", json!("x"))
}

fn member(cohort: Json) -> Told {
    of_cohorts(json!({"1": cohort, "2": group("AND", "yes"), "3": group("OR", "no")})).outcome()
}

fn told(member: bool) -> Told {
    let why = if member { Why::Condition(0) } else { Why::NoCondition };
    Told::Value { value: json!(member), payload: None, why }
}

#[test]
fn groups_are_all_or_any_of_their_entries() {
    let rows = [
        ("AND", "yes yes", told(true)),
        ("AND", "yes no", told(false)),
        ("AND", "missing no", told(false)),
        ("AND", "yes missing", unknown(MissingContext)),
        ("AND", "missing unusable", unknown(UnsupportedDefinition)),
        ("AND", "", told(true)),
        ("OR", "no yes", told(true)),
        ("OR", "no no", told(false)),
        ("OR", "missing yes", told(true)),
        ("OR", "missing no", unknown(MissingContext)),
        ("OR", "", told(true)),
        ("AND", "!no !3", told(true)),
        ("AND", "!yes", told(false)),
        ("OR", "!2 !missing", unknown(MissingContext)),
        ("AND", "2 !3", told(true)),
        // What is for the server is, whatever the others say.
        ("OR", "yes gone", for_server(UnsupportedDefinition)),
        ("AND", "no gone", for_server(UnsupportedDefinition)),
        ("OR", "yes bad", for_server(UnsupportedDefinition)),
        ("XOR", "yes", for_server(UnsupportedDefinition)),
    ];
    for (kind, leaves, expected) in rows {
        assert_eq!(member(group(kind, leaves)), expected, "{kind} {leaves}");
    }
}

#[test]
fn groups_are_told_from_filters() {
    let nested = |entry: Json| member(json!({"type": "AND", "values": [entry]}));
    assert_eq!(member(json!({})), told(true));
    assert_eq!(nested(json!({})), told(true));
    assert_eq!(nested(group("OR", "no yes")), told(true));
    assert_eq!(nested(group("OR", "no no")), told(false));
    // Groups are not negated.
    let mut negated = group("AND", "yes");
    negated["negation"] = json!(true);
    assert_eq!(nested(negated), told(true));
    let malformed = [
        json!({"type": "AND"}),
        json!({"type": "OR", "values": {}}),
        json!({"values": []}),
        json!({"type": "cohort", "values": [], "value": 2}),
        json!({"key": "p", "operator": "is_set", "negation": 1}),
        json!(null),
        json!("x"),
    ];
    for entry in malformed {
        assert_eq!(nested(entry.clone()), for_server(UnsupportedDefinition), "{entry}");
    }
    for cohort in [json!(null), json!([]), json!(7), json!({"type": "AND", "values": null})] {
        assert_eq!(member(cohort.clone()), for_server(UnsupportedDefinition), "{cohort}");
    }
}

#[test]
fn cohorts_have_three_operators() {
    let filter = |operator: Json, value: Json| {
        let cohorts = json!({"2": group("AND", "yes"), "3": group("OR", "no missing")});
        let filter = json!({"key": "id", "type": "cohort", "operator": operator, "value": value});
        Case::filter(filter).with("cohorts", cohorts).given("p", json!("x")).outcome()
    };
    for operator in [json!("in"), json!("exact"), json!(null)] {
        assert_eq!(filter(operator.clone(), json!(2)), told(true), "{operator}");
        assert_eq!(filter(operator.clone(), json!("2")), told(true), "{operator}");
        assert_eq!(filter(operator, json!(3)), unknown(MissingContext));
    }
    assert_eq!(filter(json!("not_in"), json!(2)), told(false));
    for operator in [json!("is_not"), json!(5)] {
        // It outranks what a member lacks, but not that there is no such cohort.
        assert_eq!(filter(operator.clone(), json!(3)), unknown(UnsupportedDefinition));
        assert_eq!(filter(operator, json!(4)), for_server(UnsupportedDefinition));
    }
    for value in [json!(404), json!(2.5), json!(null), json!([2])] {
        assert_eq!(
            filter(json!("in"), value.clone()),
            for_server(UnsupportedDefinition),
            "{value}"
        );
    }
}

#[test]
fn a_cohort_may_not_be_in_itself_but_may_be_named_twice() {
    let cycle = of_cohorts(json!({"1": group("OR", "2 no"), "2": group("OR", "1 no")}));
    assert_eq!(cycle.outcome(), unknown(UnsupportedDefinition));
    assert!(cycle.explained().text.contains("cohort 1 refers to itself"));
    // Something else may still decide.
    let decided = json!({"1": group("OR", "2 no"), "2": group("OR", "1 yes")});
    assert_eq!(of_cohorts(decided).outcome(), told(true));
    let twice =
        json!({"1": group("AND", "2 2 3"), "2": group("AND", "3"), "3": group("AND", "yes")});
    assert_eq!(of_cohorts(twice).outcome(), told(true));
}

#[test]
fn nesting_has_a_limit() {
    // Cohort 1 is at depth 0, and each that it leads to is one deeper.
    let chain = |length: usize| {
        let link = |id: usize| match id == length {
            true => group("AND", "yes"),
            false => group("AND", &(id + 1).to_string()),
        };
        let cohorts = (1..=length).map(|id| (id.to_string(), link(id)));
        of_cohorts(Json::Object(cohorts.collect())).outcome()
    };
    assert_eq!(chain(DEPTH_MAX), told(true));
    assert_eq!(chain(DEPTH_MAX + 1), unknown(UnsupportedDefinition));
    // Groups count too.
    let nested = |depth: usize| {
        let inner = (0..depth).fold(leaf("2"), |entry, _| json!({"type": "OR", "values": [entry]}));
        member(json!({"type": "AND", "values": [inner]}))
    };
    assert_eq!(nested(30), told(true));
    let half = (0..50).fold(leaf("2"), |entry, _| json!({"type": "OR", "values": [entry]}));
    let other = (0..50).fold(leaf("yes"), |entry, _| json!({"type": "OR", "values": [entry]}));
    let both = |last: Json| {
        of_cohorts(json!({"1": {"type": "OR", "values": [half]}, "2": last})).outcome()
    };
    assert_eq!(both(other.clone()), unknown(UnsupportedDefinition));
    assert_eq!(both(other["values"][0].clone()), told(true));
}

#[test]
fn a_lot_of_cohorts_takes_no_longer_than_it_may() {
    // Each names the next one twice: 2^60 entries, were they all looked at.
    let mut cohorts: serde_json::Map<String, Json> = (1..60)
        .map(|id: usize| (id.to_string(), group("AND", &format!("{0} {0}", id + 1))))
        .collect();
    cohorts.insert("60".to_owned(), group("AND", "yes"));
    let case = of_cohorts(Json::Object(cohorts));
    assert_eq!(case.outcome(), unknown(UnsupportedDefinition));
}
