//! What the evaluator takes, for `make bench`: without the C API, the clock and the look-up around
//! it.

use super::{Definitions, Evaluation, Flag, Subject};
use crate::props::Props;
use crate::timestamp::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::Instant;

/// The flag that the benchmarks evaluate in every library: benches/peers/definitions.py has the
/// same.
fn two_conditions() -> serde_json::Value {
    json!({"id": 1, "key": "two-conditions", "active": true, "filters": {
        "groups": [
            {"properties": [{"key": "email", "type": "person", "operator": "icontains", "value": "@staff.example"}],
                "rollout_percentage": 100},
            {"properties": [{"key": "plan", "type": "person", "operator": "exact", "value": ["pro", "team"]}],
                "rollout_percentage": 90},
        ],
        "multivariate": {"variants": [
            {"key": "control", "rollout_percentage": 50},
            {"key": "test", "rollout_percentage": 50},
        ]},
    }})
}

/// The best of some rounds, in nanoseconds a call: what disturbs only adds.
fn best(mut call: impl FnMut(usize)) -> f64 {
    const CALLS: usize = 20_000;
    let round = |_| {
        let begun = Instant::now();
        (0..CALLS).for_each(&mut call);
        begun.elapsed().as_nanos() as f64 / CALLS as f64
    };
    (0..50).map(round).fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "measures, and asserts nothing about it: `make bench` runs it"]
fn evaluator() {
    let definitions = json!({"flags": [two_conditions()]}).to_string();
    let definitions = Definitions::parse(definitions.as_bytes()).unwrap();
    let flag: &Flag = &definitions.flags()[0];
    let mut props = Props::new();
    props.set_str("email", b"someone@customer.example").unwrap();
    props.set_str("plan", b"pro").unwrap();
    props.set_i64("seats", 42).unwrap();
    let ids: Vec<String> = (0..1_024).map(|number| format!("user_{number:08}")).collect();
    let (groups, group_properties) = (BTreeMap::new(), BTreeMap::new());
    let evaluation_contexts = BTreeSet::new();
    let ns = best(|call| {
        let subject = Subject {
            distinct_id: &ids[call % ids.len()],
            device_id: None,
            person_properties: &props,
            groups: &groups,
            group_properties: &group_properties,
            evaluation_contexts: &evaluation_contexts,
            now: Timestamp::from_unix_micros(1_800_000_000, 0),
        };
        black_box(Evaluation::new(&definitions, black_box(&subject), ()).outcome(flag));
    });
    println!("flags\tthe evaluator, two conditions and a variant\tns\t{ns:.0}");
}
