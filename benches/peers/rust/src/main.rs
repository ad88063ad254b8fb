//! posthog-rs (crates.io): one mode of the benchmarks of peers. README.md says what the modes are.

use posthog_rs::{CaptureCompression, Client, ClientOptionsBuilder};
use posthog_rs::{EvaluateFlagsOptions, Event, FeatureFlag};
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

const BURST: usize = 5_000;

/// Captures in bursts that the default queue can hold, each flushed; every call is timed.
fn capture(url: &str, rounds: usize, packed: bool) {
    let mut options = ClientOptionsBuilder::default();
    options.api_key("phc_benchmark".to_owned()).host(url.to_owned());
    if packed {
        options.capture_compression(CaptureCompression::Gzip);
    }
    let client = posthog_rs::client(options.build().expect("options"));
    let ids = ids();
    let mut latencies = Vec::with_capacity(rounds * BURST);
    let begun = Instant::now();
    for number in 0..rounds * BURST {
        let start = Instant::now();
        let mut event = Event::new("order placed", ids[number % ids.len()].as_str());
        event.insert_prop("plan", "pro").expect("a property");
        event.insert_prop("source", "web checkout").expect("a property");
        event.insert_prop("amount", 4999 + number % 1024).expect("a property");
        client.capture(event);
        latencies.push(start.elapsed().as_nanos() as u64);
        if number % BURST == BURST - 1 {
            client.flush();
        }
    }
    let rate = (rounds * BURST) as f64 / begun.elapsed().as_secs_f64();
    client.shutdown();
    delivered(&mut latencies, rate, packed);
}

fn delivered(latencies: &mut [u64], rate: f64, packed: bool) {
    let name = format!("capture, beside others\tposthog-rs {VERSION}");
    println!("{name}\t{}/s\t{rate:.0}", if packed { "gzip" } else { "plain" });
    if !packed {
        return;
    }
    let mut empty: Vec<u64> =
        (0..100_000).map(|_| Instant::now().elapsed().as_nanos() as u64).collect();
    empty.sort_unstable();
    latencies.sort_unstable();
    for (metric, fraction) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        let at = latencies[(latencies.len() as f64 * fraction) as usize];
        println!("{name}\t{metric}\t{}", at.saturating_sub(empty[empty.len() / 2]));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["flags", url, definitions] => flags(url, definitions),
        ["capture", url, rounds, packing] => {
            capture(url, rounds.parse().expect("a number"), packing == "gzip")
        }
        _ => panic!("usage: peer-rust flags URL DEFINITIONS | capture URL ROUNDS gzip|plain"),
    }
}
