//! The published vectors: who falls where, and how `exact` compares.

use super::Outcome;
use super::reason::Reason;
use super::tests::{Case, value_of};
use serde_json::{Value as Json, json};

fn shared(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

/// Evaluates the vectors' flag for every id.
fn compare(vectors: &Json, variants: Json) {
    let flag = &vectors["flag"];
    let expected = vectors["expected"].as_array().unwrap();
    assert_eq!(expected.len(), 1_000);
    assert_eq!(vectors["distinct_id_template"], "distinct_id_{i}");
    let case = Case::flag(json!({
        "key": flag["key"],
        "active": true,
        "filters": {
            "groups": [{"properties": [], "rollout_percentage": flag["rollout_percentage"]}],
            "multivariate": {"variants": variants},
        },
    }));
    for (number, expected) in expected.iter().enumerate() {
        let id = format!("distinct_id_{number}");
        assert_eq!(value_of(case.clone().id(&id).outcome()), Some(expected.clone()), "{id}");
    }
}

#[test]
fn a_thousand_ids_are_rolled_out_as_everywhere() {
    compare(&shared(include_str!("../../../tests/vectors/flags/simple_flag_1000.json")), json!([]));
}

#[test]
fn a_thousand_ids_get_the_variants_that_they_get_everywhere() {
    let vectors = shared(include_str!("../../../tests/vectors/flags/multivariate_flag_1000.json"));
    let variants = vectors["flag"]["variants"].as_array().unwrap().iter();
    let variants =
        variants.map(|variant| json!({"key": variant[0], "rollout_percentage": variant[1]}));
    compare(&vectors, variants.collect());
}

#[test]
fn exact_compares_by_the_matching_version() {
    let table = shared(include_str!("../../../tests/vectors/flags/exact_matching_versions.json"));
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 23);
    for row in rows {
        let versions = [json!(null), json!(0), json!(1), json!(2), json!(3)];
        for version in versions {
            let expected = if version == json!(2) { &row[3] } else { &row[2] };
            for (operator, negated) in [("exact", false), ("is_not", true)] {
                let case = Case::filter(json!({"key": "p", "operator": operator, "value": row[0]}))
                    .with("property_matching_version", version.clone())
                    .given("p", row[1].clone());
                let expected = json!(expected.as_bool().unwrap() != negated);
                assert_eq!(value_of(case.outcome()), Some(expected), "{operator} {row} {version}");
            }
        }
        let absent = Case::filter(json!({"key": "p", "operator": "exact", "value": row[0]}));
        let unknown =
            Outcome::Unresolved { reason: Reason::MissingContext, requires_server: false };
        assert_eq!(absent.outcome(), super::tests::Told::from(unknown));
    }
}
