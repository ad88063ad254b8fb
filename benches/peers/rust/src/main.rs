//! posthog-rs (crates.io): one mode of the benchmarks of peers. README.md says what the modes are.

use posthog_rs::{Client, ClientOptionsBuilder, EvaluateFlagsOptions, FeatureFlag};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

const VERSION: &str = "0.30.0";

fn ids() -> Vec<String> {
    (0..1_024).map(|number| format!("user_{number:08}")).collect()
}

fn person() -> HashMap<String, Value> {
    let person = [
        ("email", json!("someone@customer.example")),
        ("plan", json!("pro")),
        ("seats", json!(42)),
    ];
    person.map(|(key, value)| (key.to_owned(), value)).into()
}

/// The best of some rounds, a call.
fn nanoseconds(calls: usize, ids: &[String], mut call: impl FnMut(&str)) -> f64 {
    let round = |_| {
        let begun = Instant::now();
        (0..calls).for_each(|number| call(&ids[number % ids.len()]));
        begun.elapsed().as_nanos() as f64 / calls as f64
    };
    (0..5).map(round).fold(f64::INFINITY, f64::min)
}

fn figure(group: &str, value: f64) {
    println!("{group}\tposthog-rs {VERSION}\tns\t{value:.0}");
}

fn client(url: &str) -> Client {
    let options = ClientOptionsBuilder::default()
        .api_key("phc_benchmark".to_owned())
        .host(url.to_owned())
        .secret_key("phx_benchmark".to_owned())
        .enable_local_evaluation(true)
        .poll_interval_seconds(3_600_u64)
        .build()
        .expect("options");
    posthog_rs::client(options)
}

fn flags(url: &str, definitions: &str) {
    let (client, ids, person) = (client(url), ids(), person());
    let text = std::fs::read(definitions).expect("the definitions");
    let definitions: Value = serde_json::from_slice(&text).expect("definitions");
    let flag = definitions["flags"][0].clone();
    let flag: FeatureFlag = serde_json::from_value(flag).expect("a flag");
    let (groups, group_properties) = (HashMap::new(), HashMap::new());
    // Its evaluator, with the flag in hand: the look-up of its own getters copies the flag.
    let one = |id: &str| {
        client.evaluate_feature_flag_locally(&flag, id, &person, &groups, &group_properties)
    };
    let every = |id: &str| {
        let options = EvaluateFlagsOptions {
            person_properties: Some(person.clone()),
            only_evaluate_locally: true,
            ..EvaluateFlagsOptions::default()
        };
        client.evaluate_flags(id, options).expect("an evaluation")
    };
    one(&ids[0]).expect("a value");
    assert_eq!(every(&ids[0]).keys().len(), 200);
    let ns = nanoseconds(50_000, &ids, |id| drop(black_box(one(id))));
    figure("local evaluation of one flag", ns);
    let ns = nanoseconds(200, &ids, |id| drop(black_box(every(id))));
    figure("local evaluation of 200 flags", ns);
    client.shutdown();
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["flags", url, definitions] => flags(url, definitions),
        _ => panic!("usage: peer-rust flags URL DEFINITIONS"),
    }
}
