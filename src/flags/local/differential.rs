//! The evaluator against an independent one in Python, over generated definitions and people.

use super::outcome::Why;
use super::{Definitions, Evaluation, Outcome, Subject, Value};
use crate::props::Props;
use crate::timestamp::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value as Json, from_str, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const CASES_MIN: usize = 100_000;
const DIFFERENCES_TOLD: usize = 20;

/// So many writers and comparers work at once.
const PARTS: usize = 2;

type Members<'j> = HashMap<String, &'j RawValue>;

/// One subject of a document.
struct Person {
    distinct_id: String,
    device_id: Option<String>,
    properties: Props,
    groups: BTreeMap<String, String>,
    group_properties: BTreeMap<String, Props>,
    contexts: BTreeSet<String>,
    now: Timestamp,
}

fn props(json: &RawValue) -> Props {
    let mut props = Props::new();
    props.set_members(json.get().as_bytes()).unwrap();
    assert_eq!(props.repairs(), 0, "{json}");
    props
}

impl Person {
    fn read(json: &RawValue) -> Person {
        let members: Members<'_> = from_str(json.get()).unwrap();
        let text = |name: &str| members[name].get();
        let group_properties: Members<'_> = from_str(text("group_properties")).unwrap();
        Person {
            distinct_id: from_str(text("distinct_id")).unwrap(),
            device_id: from_str(text("device_id")).unwrap(),
            properties: props(members["person_properties"]),
            groups: from_str(text("groups")).unwrap(),
            group_properties: group_properties.into_iter().map(|(k, v)| (k, props(v))).collect(),
            contexts: from_str(text("evaluation_contexts")).unwrap(),
            now: Timestamp::from_unix_millis(from_str(text("now")).unwrap()).unwrap(),
        }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            distinct_id: &self.distinct_id,
            device_id: self.device_id.as_deref(),
            person_properties: &self.properties,
            groups: &self.groups,
            group_properties: &self.group_properties,
            evaluation_contexts: &self.contexts,
            now: self.now,
        }
    }
}

/// An outcome as the reference writes it.
fn written(outcome: Outcome<'_>) -> Json {
    match outcome {
        Outcome::Excluded => Json::Null,
        Outcome::Unresolved { reason, requires_server } => json!([reason.code(), requires_server]),
        Outcome::Resolved { value, payload, why } => {
            let value = match value {
                Value::Off => json!(false),
                Value::On => json!(true),
                Value::Variant(name) => json!(name),
            };
            let condition = match why {
                Why::Condition(index) => Some(index),
                _ => None,
            };
            let payload: Json = payload.map_or(Json::Null, |text| from_str(text).unwrap());
            json!([value, why.code(), condition, payload])
        }
    }
}

/// Compares one document. Returns the number of its cases; `differences` gets what differs.
fn compare(document: &str, differences: &mut Vec<String>) -> usize {
    let document: Members<'_> = from_str(document).unwrap();
    let text = |name: &str| document[name].get();
    let definitions = Definitions::parse(text("definitions").as_bytes()).unwrap();
    let subjects: Vec<&RawValue> = from_str(text("subjects")).unwrap();
    let persons: Vec<Person> = subjects.iter().map(|json| Person::read(json)).collect();
    let outcomes: Vec<Json> = from_str(text("outcomes")).unwrap();
    let results: Vec<(String, Vec<usize>)> = from_str(text("results")).unwrap();
    assert_eq!(definitions.flags().len(), results.len());
    for (place, person) in persons.iter().enumerate() {
        let subject = person.subject();
        // All flags of a person share one evaluation; every third is evaluated alone as well.
        let mut all = Evaluation::new(&definitions, &subject, ());
        for (index, (key, row)) in results.iter().enumerate() {
            let flag = definitions.find(key).unwrap();
            let expected = &outcomes[row[place]];
            let found = written(all.outcome(flag));
            let alone = (index % 3 == 0)
                .then(|| written(Evaluation::new(&definitions, &subject, ()).outcome(flag)));
            if found != *expected || alone.is_some_and(|alone| alone != *expected) {
                let told = super::explain(&definitions, flag, &subject).text;
                let subject = subjects[place];
                differences.push(format!("{key}: {expected} became {found}\n{told}{subject}\n"));
            }
        }
    }
    persons.len() * results.len()
}

/// Runs the generator for one part and compares what it writes while it writes it.
fn compare_part(part: usize) -> (usize, Vec<String>) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flags_reference/generate.py");
    // For instance `--seed 7 --projects 5000`, to look further.
    let more = std::env::var("FLAGS_REFERENCE_ARGS").unwrap_or_default();
    let mut writer = Command::new("python3")
        .args(["-W", "ignore", "-B", script, "--part", &format!("{part}/{PARTS}")])
        .args(more.split_whitespace())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut differences = Vec::new();
    let cases = lines.map(|line| compare(&line.unwrap(), &mut differences)).sum();
    assert!(writer.wait().unwrap().success());
    (cases, differences)
}

#[test]
#[ignore = "needs python3, and takes half a minute: `make test` runs it where there is one"]
fn an_independent_evaluator_agrees() {
    let parts: Vec<_> =
        (0..PARTS).map(|part| std::thread::spawn(move || compare_part(part))).collect();
    let (mut cases, mut differences) = (0, Vec::new());
    for part in parts {
        let (more, found) = part.join().unwrap();
        cases += more;
        differences.extend(found);
    }
    println!("{cases} cases, {} differences", differences.len());
    differences.iter().take(DIFFERENCES_TOLD).for_each(|difference| println!("{difference}"));
    assert!(differences.is_empty() && cases >= CASES_MIN);
}
