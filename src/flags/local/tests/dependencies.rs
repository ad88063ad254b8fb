//! Flags that depend on flags.

use super::super::reason::Reason::{MissingContext, UnresolvedDependency, UnsupportedDefinition};
use super::*;

fn depends(key: &str, expected: Json, chain: &[&str]) -> Json {
    json!({"key": key, "type": "flag", "operator": "flag_evaluates_to", "value": expected,
        "dependency_chain": chain})
}

fn flag(key: &str, filters: Json) -> Json {
    json!({"key": key, "active": true, "filters": filters})
}

fn with_filter(key: &str, filter: Json) -> Json {
    flag(key, json!({"groups": [{"properties": [filter]}]}))
}

/// The flags that others depend on.
fn others(case: Case) -> Case {
    let variants = json!({"variants": [{"key": "blue", "rollout_percentage": 100}]});
    let holdout = json!({"id": 7, "exclusion_percentage": 100});
    case.and(flag("on", json!({"groups": [{}]})))
        .and(flag("off", json!({})))
        .and(json!({"key": "inactive", "active": false}))
        .and(flag("blue", json!({"groups": [{}], "multivariate": variants})))
        .and(flag("held", json!({"holdout": holdout})))
        .and(with_filter("missing", json!({"key": "missing", "value": 1})))
        .and(with_filter("server", json!({"type": "cohort", "value": 404})))
        .and(json!({"key": "steady", "active": true, "ensure_experience_continuity": true}))
        .and(json!({"key": "broken", "active": true, "filters": 7}))
        .and(json!({"key": "web", "active": true, "evaluation_contexts": ["web"],
            "filters": {"groups": [{}]}}))
        .and(flag(
            "company",
            json!({"aggregation_group_type_index": 0, "groups": [{"properties": [
            {"key": "$group_key", "value": "acme"}]}]}),
        ))
}

fn outcome(filter: Json) -> Told {
    others(Case::filter(filter)).outcome()
}

fn matched(filter: Json) -> Option<bool> {
    value_of(outcome(filter)).map(|value| value == json!(true))
}

#[test]
fn values_are_compared() {
    let rows = [
        ("on", json!(true), true),
        ("on", json!(false), false),
        ("on", json!("true"), false),
        ("off", json!(false), true),
        ("off", json!(true), false),
        ("inactive", json!(false), true),
        ("blue", json!(true), true),
        ("blue", json!(false), false),
        ("blue", json!("blue"), true),
        ("blue", json!("Blue"), false),
        ("blue", json!(1), false),
        ("held", json!("holdout-7"), true),
        ("held", json!(true), true),
    ];
    for (key, expected, matches) in rows {
        let found = matched(depends(key, expected.clone(), &[key]));
        assert_eq!(found, Some(matches), "{key} {expected}");
    }
}

#[test]
fn what_has_no_value_leaves_none() {
    let rows = [
        ("missing", unknown(UnresolvedDependency)),
        ("steady", unknown(UnresolvedDependency)),
        ("broken", unknown(UnresolvedDependency)),
        ("server", for_server(UnresolvedDependency)),
    ];
    for (key, told) in rows {
        // As the target, and as a member of the chain before it.
        assert_eq!(outcome(depends(key, json!(true), &[key])), told, "{key}");
        assert_eq!(outcome(depends("on", json!(true), &[key, "on"])), told, "{key}");
        // A value that no flag has is compared with only when there is one.
        assert_eq!(outcome(depends(key, json!(1), &[key])), told, "{key}");
    }
}

#[test]
fn what_stops_at_the_server_tells_the_worst_reason() {
    let server = depends("server", json!(true), &["server"]);
    let later = |filter: Json| {
        let conditions = json!([{"properties": [server]}, {"properties": [filter]}]);
        others(Case::conditions(conditions)).outcome()
    };
    assert_eq!(later(json!({"key": "p", "operator": "is_set"})), for_server(UnresolvedDependency));
    let unusable = json!({"key": "p", "operator": "between"});
    assert_eq!(later(unusable.clone()), for_server(UnsupportedDefinition));
    // In a cohort of a cohort too.
    let outer = json!({"type": "AND", "values": [{"type": "cohort", "value": 2}]});
    let cohorts = json!({"1": outer, "2": {"type": "AND", "values": [unusable]}});
    let in_cohort =
        json!([{"properties": [server]}, {"properties": [{"type": "cohort", "value": 1}]}]);
    let case = others(Case::conditions(in_cohort)).with("cohorts", cohorts);
    assert_eq!(case.outcome(), for_server(UnsupportedDefinition));
}

#[test]
fn misshapen_filters_match_nobody_and_chains_have_to_be_whole() {
    let with = |more: Json| {
        let mut filter = depends("on", json!(true), &["on"]);
        filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        outcome(filter)
    };
    for more in [
        json!({"operator": "exact"}),
        json!({"operator": null}),
        json!({"value": null}),
        json!({"key": ""}),
        json!({"key": null}),
        json!({"operator": "exact", "dependency_chain": []}),
    ] {
        assert_eq!(with(more.clone()), off(Why::NoCondition), "{more}");
    }
    for more in [
        json!({"dependency_chain": []}),
        json!({"dependency_chain": null}),
        json!({"dependency_chain": "on"}),
        json!({"dependency_chain": ["gone", "on"]}),
        json!({"dependency_chain": [5, "on"]}),
        json!({"dependency_chain": ["off"]}),
        json!({"key": "gone", "dependency_chain": ["gone"]}),
        json!({"operator": 5}),
        json!({"key": 5}),
    ] {
        assert_eq!(with(more.clone()), unknown(UnsupportedDefinition), "{more}");
    }
}

#[test]
fn chains_are_followed() {
    let case = Case::filter(depends("b", json!(false), &["a", "b"]))
        .and(with_filter("b", depends("a", json!(true), &["a"])))
        .and(with_filter("a", json!({"key": "p", "operator": "is_set"})));
    assert_eq!(case.outcome(), unknown(UnresolvedDependency));
    assert_eq!(case.given("p", json!(1)).value(), Some(json!(false)));
}

#[test]
fn circles_have_no_value() {
    let circle = |first: Json| {
        Case::filter(depends("b", json!(false), &["b"])).and(with_filter("b", first)).outcome()
    };
    let back = depends("f", json!(true), &["f"]);
    assert_eq!(circle(back), unknown(UnsupportedDefinition));
    assert_eq!(circle(depends("b", json!(true), &["b"])), unknown(UnsupportedDefinition));
    // Through a cohort too.
    let cohorts = json!({"1": {"type": "AND", "values": [depends("f", json!(true), &["f"])]}});
    let through = Case::filter(json!({"type": "cohort", "value": 1})).with("cohorts", cohorts);
    assert_eq!(through.outcome(), unknown(UnsupportedDefinition));
    // Who is off for good is in no circle.
    let inactive = json!({"key": "b", "active": false, "filters": {"groups": [{"properties": [
        depends("f", json!(true), &["f"])]}]}});
    let case = Case::filter(depends("b", json!(false), &["b"])).and(inactive);
    assert_eq!(case.value(), Some(json!(true)));
}

#[test]
fn a_dependency_has_the_value_that_the_flag_has_by_itself() {
    // For a person's flag, one that is about groups; for a group's flag, one about persons.
    let company = depends("company", json!(true), &["company"]);
    let case = others(Case::filter(company)).group("company", "acme");
    assert_eq!(case.value(), Some(json!(true)));
    let group_flag = Case::filters(json!({"aggregation_group_type_index": 0, "groups": [
        {"properties": [depends("person", json!(true), &["person"])]}]}));
    let person = with_filter("person", json!({"key": "distinct_id", "value": "user"}));
    let case = group_flag.and(person).group("company", "acme");
    assert_eq!(case.value(), Some(json!(true)));
}

#[test]
fn flags_of_other_contexts_are_off() {
    let case = others(Case::filter(depends("web", json!(false), &["web"])));
    assert_eq!(case.clone().context("backend").value(), Some(json!(true)));
    assert_eq!(case.context("web").value(), Some(json!(false)));
}

#[test]
fn cohorts_may_depend_on_flags() {
    let entry = |negated: bool| {
        let mut entry = depends("on", json!(true), &["on"]);
        entry["negation"] = json!(negated);
        json!({"1": {"type": "AND", "values": [entry]}})
    };
    let filter = json!({"type": "cohort", "value": 1});
    for negated in [false, true] {
        let case = others(Case::filter(filter.clone())).with("cohorts", entry(negated));
        assert_eq!(case.value(), Some(json!(!negated)));
        let mut nested = entry(negated);
        nested["5"] = json!({"type": "AND", "values": [{"type": "cohort", "value": 1}]});
        let outer = json!({"type": "cohort", "value": 5});
        let case = others(Case::filter(outer)).with("cohorts", nested);
        assert_eq!(case.value(), Some(json!(!negated)));
    }
}

#[test]
fn an_uncertain_pattern_counts_through_dependencies() {
    let pattern = json!({"key": "p", "operator": "regex", "value": "(a)\\1"});
    let case = |filter: Json| {
        let filters = json!({
            "groups": [{"properties": [filter], "variant": "a"}, {"variant": "b"}],
            "multivariate": {"variants": [
                {"key": "a", "rollout_percentage": 50}, {"key": "b", "rollout_percentage": 50}]},
        });
        Case::filters(filters)
            .and(with_filter("uncertain", pattern.clone()))
            .and(with_filter("missing", json!({"key": "missing", "value": 1})))
            .with("cohorts", json!({"1": {"type": "OR", "values": [pattern]}}))
            .given("p", json!("aa"))
            .outcome()
    };
    let uncertain = depends("uncertain", json!(true), &["uncertain"]);
    assert_eq!(case(uncertain), unknown(UnresolvedDependency));
    assert_eq!(case(json!({"type": "cohort", "value": 1})), unknown(UnsupportedDefinition));
    let missing = depends("missing", json!(true), &["missing"]);
    assert_eq!(value_of(case(missing)), Some(json!("b")));
}

#[test]
fn a_long_chain_takes_no_stack() {
    let mut case = Case::filter(json!({"key": "p", "operator": "is_set"})).given("p", json!(1));
    let mut last = "f".to_owned();
    for number in 0..5_000 {
        let key = format!("f{number}");
        case = case.and(with_filter(&key, depends(&last, json!(true), &[&last])));
        last = key;
    }
    assert_eq!(case.of(&last).value(), Some(json!(true)));
}

#[test]
fn all_flags_of_one_evaluation_agree_with_each_alone() {
    let case = others(Case::filter(depends("blue", json!("blue"), &["on", "blue"])));
    let definitions = Definitions::parse(case.definitions.to_string().as_bytes()).unwrap();
    let subject = case.subject();
    let mut all = Evaluation::new(&definitions, &subject, ());
    let mut unresolved = 0;
    for flag in definitions.flags() {
        let told = Told::from(all.outcome(flag));
        unresolved += usize::from(value_of(told.clone()).is_none());
        assert_eq!(told, case.clone().of(flag.key()).outcome(), "{}", flag.key());
    }
    assert_eq!(unresolved, 4);
    assert_eq!(case.of("missing").outcome(), unknown(MissingContext));
}
