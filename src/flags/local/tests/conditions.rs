//! Conditions: their order, how unknown parts count, and what they give.

use super::super::reason::Reason::{MissingContext, UnsupportedDefinition};
use super::*;

/// Filters that are true, false, unknown, unknown for good, for the server, and a foreign pattern.
fn filter(kind: &str) -> Json {
    match kind {
        "yes" => json!({"key": "p", "operator": "is_set"}),
        "no" => json!({"key": "p", "operator": "is_not_set"}),
        "missing" => json!({"key": "missing", "operator": "exact", "value": 1}),
        "unusable" => json!({"key": "p", "operator": "between", "value": [1, 2]}),
        "server" => json!({"key": "id", "type": "cohort", "operator": "in", "value": 404}),
        "pattern" => json!({"key": "p", "operator": "regex", "value": "(a)\\1"}),
        _ => panic!("{kind}"),
    }
}

fn condition(kinds: &str) -> Json {
    json!({"properties": kinds.split_whitespace().map(filter).collect::<Vec<_>>()})
}

/// Conditions separated by commas.
fn outcome(conditions: &str) -> Told {
    let conditions: Vec<Json> = conditions.split(',').map(condition).collect();
    Case::conditions(json!(conditions)).given("p", json!("aa")).outcome()
}

fn on(index: usize) -> Told {
    Told::Value { value: json!(true), payload: None, why: Why::Condition(index) }
}

#[test]
fn all_filters_of_a_condition_have_to_match() {
    let none = off(Why::NoCondition);
    let rows = [
        ("", on(0)),
        ("yes yes", on(0)),
        ("yes no", none.clone()),
        ("no,yes", on(1)),
        ("no,no", none.clone()),
        // Something false decides, wherever it stands.
        ("missing no", none.clone()),
        ("no missing", none.clone()),
        ("server no", none.clone()),
        ("unusable missing no,yes", on(1)),
        ("missing", unknown(MissingContext)),
        ("missing unusable", unknown(UnsupportedDefinition)),
        ("unusable missing", unknown(UnsupportedDefinition)),
        // A later match wins, a later mismatch does not.
        ("missing,yes", on(1)),
        ("missing,no", unknown(MissingContext)),
        ("missing,unusable,no", unknown(UnsupportedDefinition)),
        // What only the server knows stops everything, if it is the first that is not known.
        ("server,yes", for_server(UnsupportedDefinition)),
        ("server missing,yes", for_server(UnsupportedDefinition)),
        ("missing server,yes", on(1)),
        ("missing server,no", unknown(UnsupportedDefinition)),
        ("missing,server", for_server(UnsupportedDefinition)),
        ("yes,server", on(0)),
    ];
    for (conditions, told) in rows {
        assert_eq!(outcome(conditions), told, "{conditions}");
    }
}

#[test]
fn a_pattern_for_the_server_leaves_only_what_it_could_not_change() {
    assert_eq!(outcome("pattern,yes"), on(1));
    assert_eq!(outcome("pattern"), unknown(UnsupportedDefinition));
    let rivals = |first: Json, second: Json, more: Json| {
        let mut filters = json!({
            "groups": [condition("pattern"), condition("yes")],
            "multivariate": {"variants": [
                {"key": "a", "rollout_percentage": 50}, {"key": "b", "rollout_percentage": 50}]},
        });
        let first_condition = filters["groups"][0].as_object_mut().unwrap();
        first_condition.extend(first.as_object().unwrap().clone());
        filters["groups"][1]["variant"] = second;
        filters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Case::filters(filters).given("p", json!("aa")).value()
    };
    let none = || json!({});
    assert_eq!(rivals(json!({"variant": "a"}), json!("b"), none()), None);
    assert_eq!(rivals(json!({"variant": "b"}), json!("b"), none()), Some(json!("b")));
    // Not rolled out, it could not have chosen anything, or would have ended everything.
    let out = json!({"variant": "a", "rollout_percentage": 0});
    assert_eq!(rivals(out.clone(), json!("b"), none()), Some(json!("b")));
    assert_eq!(rivals(out, json!("b"), json!({"early_exit": true})), None);
    // Without overrides both give what is drawn.
    assert!(rivals(none(), json!(null), none()).is_some());
    // Of several, one that differs is enough.
    let mut both = vec![condition("pattern"), condition("pattern"), condition("yes")];
    for (condition, variant) in both.iter_mut().zip(["a", "b", "b"]) {
        condition["variant"] = json!(variant);
    }
    let variants =
        json!([{"key": "a", "rollout_percentage": 0}, {"key": "b", "rollout_percentage": 0}]);
    let both = Case::filters(json!({"groups": both, "multivariate": {"variants": variants}}));
    assert_eq!(both.given("p", json!("aa")).outcome(), unknown(UnsupportedDefinition));
    // Another unknown condition changes nothing: a later match wins over it.
    let missing = json!({"properties": [filter("missing")], "variant": "a"});
    assert_eq!(rivals(missing, json!("b"), none()), Some(json!("b")));
}

#[test]
fn a_rollout_has_inclusive_bounds_in_fractions() {
    let case = |percentage: Json| Case::conditions(json!([{"rollout_percentage": percentage}]));
    let bound = hash("f", "user", "") * 100.0;
    assert_eq!(case(json!(bound + 1e-9)).outcome(), on(0));
    assert_eq!(case(json!(bound - 1e-9)).outcome(), off(Why::OutOfRollout));
    for (percentage, rolled_out) in
        [(json!(0), false), (json!(-1), false), (json!(100), true), (json!(null), true)]
    {
        assert_eq!(case(percentage).value(), Some(json!(rolled_out)));
    }
    let few = case(json!(0.1));
    let hits = (0..20_000).filter(|n| few.clone().id(&n.to_string()).value() == Some(json!(true)));
    let hits = hits.count();
    assert!((5..=40).contains(&hits), "{hits}");
}

#[test]
fn early_exit_ends_at_a_rollout_and_keeps_what_was_unknown() {
    let case = |early_exit: bool, first: &str| {
        let mut out = condition("yes");
        out["rollout_percentage"] = json!(0);
        let groups = json!([condition(first), out, condition("yes")]);
        let filters = json!({"groups": groups, "early_exit": early_exit});
        Case::filters(filters).given("p", json!("aa")).outcome()
    };
    assert_eq!(case(true, "no"), off(Why::OutOfRollout));
    assert_eq!(case(false, "no"), on(2));
    assert_eq!(case(true, "missing"), unknown(MissingContext));
    assert_eq!(case(false, "missing"), on(2));
}

#[test]
fn variants_are_drawn_or_given() {
    let case = |variant: Json, shares: [f64; 2], id: &str| {
        let told = Case::filters(json!({
            "groups": [{"variant": variant}],
            "multivariate": {"variants": [
                {"key": "a", "rollout_percentage": shares[0]},
                {"key": "b", "rollout_percentage": shares[1]}]},
            "payloads": {"true": 1, "a": "[1,  2]", "b": "no json", "c": 1},
        }));
        match told.id(id).outcome() {
            Told::Value { value, payload, .. } => (value, payload.unwrap_or_default()),
            told => panic!("{told:?}"),
        }
    };
    let (a, b) = (|| (json!("a"), "[1,  2]".to_owned()), || (json!("b"), "\"no json\"".to_owned()));
    let at = hash("f", "user", "variant") * 100.0;
    assert_eq!(case(json!(null), [at + 0.01, 50.0], "user"), a());
    assert_eq!(case(json!(null), [at - 0.01, 50.0], "user"), b());
    // Nobody's share, and nobody's name.
    assert_eq!(case(json!(null), [0.0, at - 0.01], "user"), (json!(true), "1".to_owned()));
    assert_eq!(case(json!("c"), [100.0, 0.0], "user"), a());
    assert_eq!(case(json!("b"), [100.0, 0.0], "user"), b());
    assert_eq!(case(json!(""), [100.0, 0.0], "user"), a());
}

#[test]
fn the_first_condition_that_matches_gives_its_variant() {
    // Overrides come no earlier than others.
    let case = Case::filters(json!({
        "groups": [{}, {"variant": "b"}],
        "multivariate": {"variants": [
            {"key": "a", "rollout_percentage": 100}, {"key": "b", "rollout_percentage": 0}]},
    }));
    assert_eq!(case.value(), Some(json!("a")));
}

#[test]
fn conditions_may_be_about_others_than_the_flag() {
    let by_id = json!([{"key": "$group_key", "value": "acme"}]);
    let of = |index: Json| json!({"aggregation_group_type_index": index, "properties": by_id});
    let acme =
        |condition: Json| Case::conditions(json!([condition])).group("company", "acme").outcome();
    assert_eq!(acme(of(json!(0))), on(0));
    // Another type, one that is not known, and persons.
    assert_eq!(acme(of(json!(1))), off(Why::NoCondition));
    assert_eq!(acme(of(json!(9))), off(Why::NoCondition));
    assert_eq!(acme(of(json!(null))), unknown(MissingContext));
    let about_person = json!([{"key": "distinct_id", "value": "user"}]);
    let flag = |condition: Json| {
        Case::filters(json!({"aggregation_group_type_index": 0,
        "groups": [condition], "bucketing_identifier": "device_id"}))
        .group("company", "acme")
    };
    let person = json!({"aggregation_group_type_index": null, "properties": about_person});
    assert_eq!(flag(person.clone()).outcome(), unknown(MissingContext));
    assert_eq!(flag(person).device("d").outcome(), on(0));
    assert_eq!(flag(json!({"properties": by_id})).outcome(), on(0));
    assert_eq!(flag(of(json!(0))).outcome(), on(0));
    // Drawn by whom it is about.
    let bound = hash("f", "acme", "") * 100.0;
    for (percentage, value) in [(bound + 0.01, true), (bound - 0.01, false)] {
        let condition =
            json!({"aggregation_group_type_index": 0, "rollout_percentage": percentage});
        let case = Case::conditions(json!([condition])).group("company", "acme");
        assert_eq!(case.value(), Some(json!(value)));
    }
}

#[test]
fn filters_have_types() {
    let case = |filter: Json| Case::filter(filter).given("p", json!("x")).outcome();
    for kind in [json!(null), json!("person"), json!("group"), json!("person_metadata")] {
        assert_eq!(case(json!({"key": "p", "type": kind, "value": "x"})), on(0));
    }
    assert_eq!(case(json!({"key": "p", "value": "x", "operator": null})), on(0));
    // Only entries of cohorts are negated.
    assert_eq!(case(json!({"key": "p", "value": "x", "negation": true})), on(0));
    let unusable = [
        json!({"key": "p", "type": "behavioral", "value": "x"}),
        json!({"key": "p", "type": 5, "value": "x"}),
        json!({"key": "p", "operator": 5, "value": "x"}),
        json!({"key": null, "value": "x"}),
        json!({"value": "x"}),
        // It outranks that the property is not given.
        json!({"key": "missing", "operator": "gt", "value": "x"}),
        json!({"key": "missing", "operator": "is_date_exact", "value": "2024-01-01"}),
        json!({"key": "missing", "operator": "is_date_after", "value": "9999y"}),
    ];
    for filter in unusable {
        assert_eq!(case(filter.clone()), unknown(UnsupportedDefinition), "{filter}");
    }
    for operator in ["exact", "is_not", "is_set", "is_not_set", "not_icontains", "not_regex"] {
        let filter = json!({"key": "missing", "operator": operator, "value": "x"});
        assert_eq!(case(filter), unknown(MissingContext), "{operator}");
    }
    let unreadable = json!({"key": "p", "operator": "semver_eq", "value": "1"});
    assert_eq!(case(unreadable), unknown(MissingContext));
}

#[test]
fn the_ids_are_properties_unless_they_are_given() {
    let filter = json!({"key": "distinct_id", "value": "user"});
    assert_eq!(Case::filter(filter.clone()).outcome(), on(0));
    let other = Case::filter(filter).given("distinct_id", json!("other"));
    assert_eq!(other.outcome(), off(Why::NoCondition));
    let escaped = json!({"key": "a\"b\n", "value": "x"});
    assert_eq!(Case::filter(escaped).given("a\"b\n", json!("x")).outcome(), on(0));
}
