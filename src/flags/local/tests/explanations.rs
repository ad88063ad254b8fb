//! What an explanation tells.

use super::*;

fn case() -> Case {
    Case::filters(json!({
        "groups": [
            {"properties": [
                {"key": "email", "operator": "ends_with", "value": "@acme.com"},
                {"key": "plan", "operator": "exact", "value": "pro"}]},
            {"properties": [{"key": "id", "type": "cohort", "operator": "not_in", "value": 12}],
                "rollout_percentage": 10},
            {"properties": [{"key": "other", "type": "flag", "operator": "flag_evaluates_to",
                "value": true, "dependency_chain": ["other"]}]},
        ],
        "multivariate": {"variants": [{"key": "blue", "rollout_percentage": 100}]},
        "payloads": {"blue": "{\"a\":1}"},
    }))
    .and(json!({"key": "other", "active": true, "filters": {"groups": [{}],
        "holdout": {"id": 3, "exclusion_percentage": 0}}}))
    .with(
        "cohorts",
        json!({"12": {"type": "AND", "values": [
        {"key": "age", "operator": "gt", "value": 18}]}}),
    )
    .given("email", json!("a@acme.com"))
    .given("age", json!(12))
}

#[test]
fn every_step_is_told() {
    let explained = case().explained();
    let rollout = hash("f", "user", "");
    assert!(rollout > 0.1);
    let text = format!(
        r#"flag "other"
  drawn by distinct id "user"
  holdout: {held} against 0: not held out
  condition 1
  condition 1 matches
  on (condition_match)
flag "f"
  drawn by distinct id "user"
  condition 1
    property "email" ends with "@acme.com": "a@acme.com" matches
    property "plan" is not given: unknown (missing_context)
  condition 1 is unknown
  condition 2
    not in cohort 12
      property "age" > 18: 12 does not match
    cohort 12 matches
    rollout: {rollout} against 0.1: out
  condition 2 matches, but is not rolled out
  condition 3
    flag "other" is on: matches
  condition 3 matches
  variant: {drawn} draws "blue"
  "blue" (condition_match)
  payload {{"a":1}}
"#,
        held = holdout_hash("user"),
        drawn = hash("f", "user", "variant"),
    );
    assert_eq!(explained.text, text);
}

#[test]
fn the_same_is_told_as_json() {
    let explained: Json = serde_json::from_str(&case().explained().json).unwrap();
    assert_eq!(explained["flag"], "f");
    let evaluations = explained["evaluations"].as_array().unwrap();
    assert_eq!(evaluations.len(), 2);
    assert_eq!(evaluations[0]["flag"], "other");
    assert_eq!(
        evaluations[1]["outcome"],
        json!({"value": "blue", "reason": "condition_match", "condition": 2, "payload": {"a": 1}})
    );
    let steps = evaluations[1]["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "drawn_by",
            "condition",
            "property",
            "unknown",
            "condition_end",
            "condition",
            "cohort",
            "property",
            "cohort_end",
            "rollout",
            "condition_end",
            "condition",
            "dependency",
            "condition_end",
            "variant",
        ]
    );
    assert_eq!(steps[0], json!({"step": "drawn_by", "by": "distinct_id", "id": "user"}));
    assert_eq!(
        steps[2],
        json!({"step": "property", "property": "email", "test": "ends with \"@acme.com\"",
            "given": "a@acme.com", "matches": true})
    );
    assert_eq!(
        steps[3],
        json!({"step": "unknown", "because": "property \"plan\" is not given",
            "reason": "missing_context"})
    );
    assert_eq!(steps[9]["hash"], json!(hash("f", "user", "")));
    assert_eq!(steps[9]["in"], json!(false));
}

#[test]
fn unresolved_and_excluded_flags_are_explained() {
    let gone = Case::filter(json!({"type": "cohort", "value": 5})).explained();
    assert!(gone.text.contains("cohort 5 is not among the definitions: unknown"), "{}", gone.text);
    assert!(gone.text.ends_with("  unresolved (unsupported_definition, only the server knows)\n"));
    let json: Json = serde_json::from_str(&gone.json).unwrap();
    assert_eq!(
        json["evaluations"][0]["outcome"],
        json!({"value": null, "unresolved": "unsupported_definition", "requires_server": true})
    );
    let other = json!({"key": "f", "active": true, "evaluation_contexts": ["web"], "filters": {}});
    let other = Case::flag(other).context("app").explained();
    assert!(other.text.ends_with("excluded: the flag is for other contexts\n"), "{}", other.text);
    let json: Json = serde_json::from_str(&other.json).unwrap();
    assert_eq!(json["evaluations"][0]["outcome"], json!({"value": null, "excluded": true}));
}

#[test]
fn every_kind_of_filter_is_worded() {
    let rows = [
        (json!({"operator": "is_not", "value": ["B", "a"]}), r#"is not "a" or "b""#),
        (json!({"operator": "is_set"}), "is set"),
        (json!({"operator": "is_not_set"}), "is not set"),
        (json!({"operator": "not_icontains", "value": "X"}), r#"does not contain "x""#),
        (json!({"operator": "not_starts_with", "value": 5}), r#"does not start with "5""#),
        (json!({"operator": "regex", "value": "^a\"$"}), r#"matches pattern "^a\"$""#),
        (json!({"operator": "not_regex", "value": "["}), "does not match an invalid pattern"),
        (json!({"operator": "lte", "value": "1e3"}), "<= 1000"),
        (json!({"operator": "is_date_after", "value": "-3w"}), "is after 3 weeks ago"),
        (
            json!({"operator": "is_date_before", "value": "2024-01-01"}),
            "is before 2024-01-01T00:00:00Z",
        ),
        (json!({"operator": "semver_neq", "value": "v1.2"}), "is version != 1.2.0"),
        (json!({"operator": "semver_caret", "value": "0.2"}), "is version >= 0.2.0, < 0.3.0"),
    ];
    for (mut filter, words) in rows {
        filter["key"] = json!("p");
        let explained = Case::filter(filter).given("p", json!("1.2.0")).explained();
        let steps: Json = serde_json::from_str(&explained.json).unwrap();
        let steps = &steps["evaluations"][0]["steps"];
        assert_eq!(steps[2]["test"], json!(words));
        assert!(explained.text.contains(words), "{}", explained.text);
    }
    let many: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    let explained =
        Case::filter(json!({"key": "p", "value": many})).given("p", json!(1)).explained();
    assert!(explained.text.contains("\"0\" or \"1\" or \"10\""), "{}", explained.text);
    assert!(explained.text.contains("or one of 20 more: 1 matches"), "{}", explained.text);
}
