//! Rules of evaluation, one table each. What is shared by the tests comes first.

mod cohorts;
mod conditions;
mod dependencies;
mod explanations;

use super::hash::{hash, holdout_hash};
use super::outcome::Why;
use super::reason::Reason;
use super::{Definitions, Evaluation, Outcome, Subject, Value, explain};
use crate::props::Props;
use crate::timestamp::Timestamp;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// An outcome that lends nothing.
#[derive(Clone, PartialEq, Debug)]
pub enum Told {
    Value { value: Json, payload: Option<String>, why: Why },
    Unknown { reason: Reason, server: bool },
    Excluded,
}

impl From<Outcome<'_>> for Told {
    fn from(outcome: Outcome<'_>) -> Told {
        match outcome {
            Outcome::Resolved { value, payload, why } => {
                let value = match value {
                    Value::Off => json!(false),
                    Value::On => json!(true),
                    Value::Variant(name) => json!(name),
                };
                Told::Value { value, payload: payload.map(str::to_owned), why }
            }
            Outcome::Unresolved { reason, requires_server: server } => {
                Told::Unknown { reason, server }
            }
            Outcome::Excluded => Told::Excluded,
        }
    }
}

/// The value, if there is one.
pub fn value_of(told: Told) -> Option<Json> {
    match told {
        Told::Value { value, .. } => Some(value),
        _ => None,
    }
}

pub fn unknown(reason: Reason) -> Told {
    Told::Unknown { reason, server: false }
}

pub fn for_server(reason: Reason) -> Told {
    Told::Unknown { reason, server: true }
}

/// Definitions, one of their flags, and someone to evaluate it for.
#[derive(Clone)]
pub struct Case {
    pub definitions: Json,
    key: String,
    distinct_id: String,
    device_id: Option<String>,
    properties: Props,
    groups: BTreeMap<String, String>,
    group_properties: BTreeMap<String, Props>,
    contexts: BTreeSet<String>,
}

impl Case {
    pub fn flag(flag: Json) -> Case {
        Case {
            key: flag["key"].as_str().unwrap().to_owned(),
            definitions: json!({
                "flags": [flag],
                "group_type_mapping": {"0": "company", "1": "project"},
                "cohorts": {},
                "property_matching_version": 2,
            }),
            distinct_id: "user".to_owned(),
            device_id: None,
            properties: Props::new(),
            groups: BTreeMap::new(),
            group_properties: BTreeMap::new(),
            contexts: BTreeSet::new(),
        }
    }

    /// A flag `f` with these filters.
    pub fn filters(filters: Json) -> Case {
        Case::flag(json!({"key": "f", "active": true, "filters": filters}))
    }

    pub fn conditions(conditions: Json) -> Case {
        Case::filters(json!({"groups": conditions}))
    }

    /// A flag with one condition of one filter.
    pub fn filter(filter: Json) -> Case {
        Case::conditions(json!([{"properties": [filter]}]))
    }

    /// Sets a member of the definitions.
    pub fn with(mut self, name: &str, value: Json) -> Case {
        self.definitions[name] = value;
        self
    }

    /// Adds a flag.
    pub fn and(mut self, flag: Json) -> Case {
        self.definitions["flags"].as_array_mut().unwrap().push(flag);
        self
    }

    pub fn of(mut self, key: &str) -> Case {
        self.key = key.to_owned();
        self
    }

    pub fn id(mut self, id: &str) -> Case {
        self.distinct_id = id.to_owned();
        self
    }

    pub fn device(mut self, id: &str) -> Case {
        self.device_id = Some(id.to_owned());
        self
    }

    pub fn given(mut self, key: &str, value: Json) -> Case {
        self.properties.set_json(key, value.to_string().as_bytes()).unwrap();
        self
    }

    pub fn group(mut self, group_type: &str, key: &str) -> Case {
        self.groups.insert(group_type.to_owned(), key.to_owned());
        self
    }

    pub fn group_given(mut self, group_type: &str, key: &str, value: Json) -> Case {
        let props = self.group_properties.entry(group_type.to_owned()).or_default();
        props.set_json(key, value.to_string().as_bytes()).unwrap();
        self
    }

    pub fn context(mut self, name: &str) -> Case {
        self.contexts.insert(name.to_owned());
        self
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            distinct_id: &self.distinct_id,
            device_id: self.device_id.as_deref(),
            person_properties: &self.properties,
            groups: &self.groups,
            group_properties: &self.group_properties,
            evaluation_contexts: &self.contexts,
            now: Timestamp::from_unix_millis(1_711_886_400_000).unwrap(),
        }
    }

    pub fn outcome(&self) -> Told {
        let definitions = Definitions::parse(self.definitions.to_string().as_bytes()).unwrap();
        let subject = self.subject();
        let flag = definitions.find(&self.key).unwrap();
        Evaluation::new(&definitions, &subject, ()).outcome(flag).into()
    }

    pub fn value(&self) -> Option<Json> {
        value_of(self.outcome())
    }

    pub fn explained(&self) -> crate::flags::explanation::Explanation {
        let definitions = Definitions::parse(self.definitions.to_string().as_bytes()).unwrap();
        explain(&definitions, definitions.find(&self.key).unwrap(), &self.subject())
    }
}

fn off(why: Why) -> Told {
    Told::Value { value: json!(false), payload: None, why }
}

#[test]
fn an_inactive_flag_is_off_whatever_else_it_is() {
    let flag = |more: Json| {
        let mut flag = json!({"key": "f", "active": false, "filters": {"version": 2}});
        flag.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Case::flag(flag).outcome()
    };
    assert_eq!(flag(json!({"ensure_experience_continuity": true})), off(Why::Inactive));
    assert_eq!(flag(json!({"active": null})), off(Why::Inactive));
    let holdout = json!({"holdout": {"id": 727, "exclusion_percentage": 100}});
    assert_eq!(flag(json!({"filters": holdout})), off(Why::Inactive));
}

#[test]
fn continuity_is_for_the_server() {
    let flag = json!({"key": "f", "active": true, "ensure_experience_continuity": true,
        "filters": {"groups": [{}], "version": 2}});
    assert_eq!(Case::flag(flag).outcome(), unknown(Reason::ExperienceContinuity));
}

#[test]
fn no_conditions_are_no_match() {
    for filters in [json!(null), json!({}), json!({"groups": []}), json!({"groups": null})] {
        assert_eq!(Case::filters(filters).outcome(), off(Why::NoCondition));
    }
    assert_eq!(Case::flag(json!({"key": "f", "active": true})).value(), Some(json!(false)));
}

#[test]
fn malformed_and_newer_definitions_are_unsupported() {
    let malformed = [
        json!(7),
        json!({"version": 2}),
        json!({"version": "1"}),
        json!({"groups": {}}),
        json!({"groups": [7]}),
        json!({"groups": [{"properties": {}}]}),
        json!({"groups": [{"properties": [7]}]}),
        json!({"groups": [{"rollout_percentage": "50"}]}),
        json!({"groups": [{"variant": 1}]}),
        json!({"groups": [{"aggregation_group_type_index": "0"}]}),
        json!({"groups": [{}], "multivariate": []}),
        json!({"groups": [{}], "multivariate": {"variants": [{"key": "a"}]}}),
        json!({"groups": [{}], "multivariate": {"variants": [{"rollout_percentage": 5}]}}),
        json!({"groups": [{}], "payloads": []}),
        json!({"groups": [{}], "early_exit": 1}),
        json!({"groups": [{}], "feature_enrollment": "true"}),
        json!({"groups": [{}], "holdout": 1}),
        json!({"groups": [{}], "holdout": {"id": [1], "exclusion_percentage": 0}}),
        json!({"groups": [{}], "holdout": {"id": 1, "exclusion_percentage": "0"}}),
        json!({"groups": [{}], "aggregation_group_type_index": 0.5}),
        json!({"groups": [{}], "aggregation_group_type_index": 7}),
        json!({"groups": [{}], "bucketing_identifier": "session_id"}),
    ];
    for filters in malformed {
        let told = Case::filters(filters.clone()).outcome();
        assert_eq!(told, unknown(Reason::UnsupportedDefinition), "{filters}");
    }
    let odd = json!({"key": "f", "active": "yes"});
    assert_eq!(Case::flag(odd).outcome(), unknown(Reason::UnsupportedDefinition));
    assert_eq!(Case::filters(json!({"groups": [{}], "version": 1})).value(), Some(json!(true)));
}

#[test]
fn a_flag_about_a_group_is_drawn_by_the_group() {
    let flag = |rollout: f64| {
        Case::filters(json!({
            "aggregation_group_type_index": 0,
            "groups": [{"rollout_percentage": rollout,
                "properties": [{"key": "size", "type": "group", "operator": "gt", "value": 5}]}],
        }))
    };
    // No group is an answer, no property of it is none.
    assert_eq!(flag(100.0).given("size", json!(9)).outcome(), off(Why::NoGroup));
    let acme = |rollout: f64| flag(rollout).group("company", "acme");
    assert_eq!(acme(100.0).outcome(), unknown(Reason::MissingContext));
    let acme = |rollout: f64| acme(rollout).group_given("company", "size", json!(9));
    let bound = hash("f", "acme", "") * 100.0;
    assert_eq!(acme(bound + 0.01).value(), Some(json!(true)));
    assert_eq!(acme(bound - 0.01).outcome(), off(Why::OutOfRollout));
    let by_key = json!({"aggregation_group_type_index": 0, "groups": [{"properties": [
        {"key": "$group_key", "value": "ACME"}]}]});
    assert_eq!(Case::filters(by_key).group("company", "acme").value(), Some(json!(true)));
}

#[test]
fn a_device_draws_where_the_flag_says_so() {
    let bound = |id: &str| hash("f", id, "") * 100.0;
    let mut devices = (0..100).map(|number| format!("device-{number}"));
    let device = &*devices.find(|id| bound(id) < bound("user") - 1.0).unwrap();
    let between = (bound(device) + bound("user")) / 2.0;
    let filters = json!({"groups": [{"rollout_percentage": between}]});
    let mut by_flag = json!({"key": "f", "active": true, "filters": filters});
    assert_eq!(Case::flag(by_flag.clone()).device(device).value(), Some(json!(false)));
    by_flag["bucketing_identifier"] = json!("device_id");
    let mut by_filters = json!({"key": "f", "active": true, "filters": filters});
    by_filters["filters"]["bucketing_identifier"] = json!("device_id");
    for flag in [by_flag.clone(), by_filters] {
        let case = Case::flag(flag);
        assert_eq!(case.clone().device(device).value(), Some(json!(true)));
        assert_eq!(case.clone().given("$device_id", json!(device)).value(), Some(json!(true)));
        assert_eq!(case.clone().device("user").value(), Some(json!(false)));
        for case in [case.clone(), case.clone().device(""), case.given("$device_id", json!(5))] {
            assert_eq!(case.outcome(), unknown(Reason::MissingContext));
        }
    }
    // The flag's own word counts before that of its filters.
    let mut both = by_flag.clone();
    both["bucketing_identifier"] = json!("distinct_id");
    both["filters"]["bucketing_identifier"] = json!("device_id");
    assert_eq!(Case::flag(both).value(), Some(json!(false)));
    by_flag["filters"]["groups"][0]["properties"] = json!([{"key": "a", "operator": "between"}]);
    assert_eq!(Case::flag(by_flag).outcome(), unknown(Reason::UnsupportedDefinition));
}

#[test]
fn enrollment_is_all_that_counts() {
    let filters = json!({"feature_enrollment": true, "groups": [{}],
        "holdout": {"id": 1, "exclusion_percentage": 100}});
    let case = Case::filters(filters.clone());
    assert_eq!(case.outcome(), unknown(Reason::MissingContext));
    let rows =
        [(json!(true), true), (json!("true"), true), (json!("TRUE"), false), (json!(1), false)];
    for (given, enrolled) in rows {
        let told = case.clone().given("$feature_enrollment/f", given.clone()).outcome();
        let value = json!(enrolled);
        assert_eq!(told, Told::Value { value, payload: None, why: Why::Enrollment }, "{given}");
    }
    let mut of_group = filters;
    of_group["aggregation_group_type_index"] = json!(0);
    let of_group = Case::filters(of_group).given("$feature_enrollment/f", json!(true));
    assert_eq!(of_group.outcome(), off(Why::NoGroup));
    let told = of_group.group("company", "acme").outcome();
    assert_eq!(told, unknown(Reason::UnsupportedDefinition));
}

#[test]
fn who_is_held_out_meets_no_condition() {
    let held = |percentage: Json, id: &str| {
        let filters = json!({
            "holdout": {"id": 727, "exclusion_percentage": percentage},
            "payloads": {"holdout-727": "{\"held\":1}"},
            "groups": [{"properties": [{"key": "missing", "value": "x"}]}],
        });
        Case::filters(filters).id(id).outcome()
    };
    let payload = Some("{\"held\":1}".to_owned());
    let out = Told::Value { value: json!("holdout-727"), payload, why: Why::Holdout };
    let not = unknown(Reason::MissingContext);
    assert_eq!(held(json!(20), "user-1"), out);
    assert_eq!(held(json!(20), "user-5"), not);
    let bound = holdout_hash("user-5") * 100.0;
    assert_eq!(held(json!(bound + 1e-9), "user-5"), out);
    assert_eq!(held(json!(bound - 1e-9), "user-5"), not);
    for everyone in [100, 150] {
        assert_eq!(held(json!(everyone), "user-5"), out);
    }
    for nobody in [json!(0), json!(-10), json!(null)] {
        assert_eq!(held(nobody, "user-1"), not);
    }
    let of_group = Case::filters(json!({"aggregation_group_type_index": 0, "groups": [{}],
        "holdout": {"id": "x", "exclusion_percentage": 20}}));
    let of_group = of_group.id("user-5").group("company", "user-1");
    assert_eq!(of_group.value(), Some(json!("holdout-x")));
}

#[test]
fn flags_of_other_contexts_are_no_flags() {
    let flag = |contexts: Json| {
        Case::flag(json!({"key": "f", "active": true,
        "evaluation_contexts": contexts, "filters": {"groups": [{}]}}))
    };
    let rows = [
        (json!(["web", "app"]), true),
        (json!(["app"]), false),
        (json!(["WEB"]), false),
        (json!([]), true),
        (json!(null), true),
    ];
    for (contexts, included) in rows {
        let told = flag(contexts.clone()).context("web").context("backend").outcome();
        assert_eq!(told != Told::Excluded, included, "{contexts}");
        assert_eq!(flag(contexts).value(), Some(json!(true)));
    }
    let old = json!({"key": "f", "active": true, "evaluation_tags": ["app"], "filters": {}});
    assert_eq!(Case::flag(old).context("web").outcome(), Told::Excluded);
}
