//! Replays the conformance vectors over the C ABI. `tests/vectors/README.md` describes them.

mod steps;

use crate::c::*;
use crate::client::{Config, to};
use posthog_receiver::{Flags, Protocol, Receiver, expect};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use steps::{Form, Replay};

fn vectors() -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|it| it.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    let read = |file: &PathBuf| serde_json::from_str(&std::fs::read_to_string(file).unwrap());
    files.iter().map(|file| (file.clone(), read(file).unwrap())).collect()
}

fn replay(protocol: Protocol, form: Form) {
    let vectors = vectors();
    assert!(vectors.len() >= 18, "the vectors should be in tests/vectors");
    for (file, vector) in vectors {
        let receiver = Receiver::start();
        if let Some(flags) = vector.get("flags") {
            receiver.set_flags(Flags::from_json(&flags.to_string()).unwrap());
        }
        let client = configured(to(&receiver), &vector["options"], protocol).client();
        let mut replay = Replay::new(&client, form);
        for step in vector["steps"].as_array().unwrap() {
            let expected = step["refused"].as_str().unwrap_or("PH_OK");
            let status = replay.take(step);
            assert_eq!(name_of(status), expected, "{}: {step}", file.display());
        }
        client.deliver();
        assert_eq!(client.shutdown(5_000), PH_OK);
        if let Err(differences) = expect(&receiver.requests(), &vector, protocol) {
            panic!("{}, {protocol:?}, {form:?}:\n{differences}", file.display());
        }
    }
}

#[test]
fn vectors_with_v0() {
    replay(Protocol::V0, Form::Terminated);
    replay(Protocol::V0, Form::Sized);
}

#[test]
fn vectors_with_v1() {
    replay(Protocol::V1, Form::Terminated);
    replay(Protocol::V1, Form::Sized);
}

/// A capture that is new in the header needs a vector, and a step that the replays know.
#[test]
fn every_capture_of_the_header_is_in_a_vector() {
    let mut steps = BTreeSet::new();
    for (_, vector) in vectors() {
        for step in vector["steps"].as_array().unwrap() {
            steps.insert(step["do"].as_str().unwrap().to_owned());
        }
    }
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/posthog.h");
    let header = std::fs::read_to_string(header).unwrap();
    let mut functions = BTreeSet::new();
    for (at, _) in header.match_indices("ph_capture") {
        let name = header[at..].split(|it: char| !it.is_ascii_lowercase() && it != '_').next();
        if header[at + name.unwrap().len()..].starts_with('(') {
            functions.insert(name.unwrap());
        }
    }
    assert!(functions.len() >= 8, "{functions:?}");
    for function in functions {
        let step = match function {
            "ph_capture_n" | "ph_capture_event" | "ph_capture_json" => "capture",
            other => &other["ph_".len()..],
        };
        assert!(steps.contains(step), "{function} is in no vector");
    }
}

fn configured(mut config: Config, options: &Value, protocol: Protocol) -> Config {
    config = config.set(
        ph_config_set_protocol,
        match protocol {
            Protocol::V0 => PH_PROTOCOL_V0,
            Protocol::V1 => PH_PROTOCOL_V1,
        },
    );
    for (name, value) in options.as_object().into_iter().flatten() {
        let yes = value.as_bool();
        config = match name.as_str() {
            "environment" => config.text(ph_config_set_environment, value.as_str().unwrap()),
            "is_server" => config.set(ph_config_set_is_server, yes.unwrap()),
            "geoip_disable" => config.set(ph_config_set_geoip_disable, yes.unwrap()),
            "historical_migration" => config.set(ph_config_set_historical_migration, yes.unwrap()),
            "deny" => value.as_array().unwrap().iter().fold(config, |config, key| {
                config.text(ph_config_deny_property, key.as_str().unwrap())
            }),
            "group_indices" => {
                value.as_object().unwrap().iter().fold(config, |config, it| {
                    config.group_index(it.0, it.1.as_u64().unwrap() as u32)
                })
            }
            _ => panic!("the option {name} is not known"),
        };
    }
    config
}

fn name_of(status: Status) -> &'static str {
    match status {
        PH_OK => "PH_OK",
        PH_ERROR_EMPTY => "PH_ERROR_EMPTY",
        PH_ERROR_UUID => "PH_ERROR_UUID",
        PH_ERROR_TIMESTAMP => "PH_ERROR_TIMESTAMP",
        _ => panic!("{status:?} is in no vector"),
    }
}
