//! Replays the conformance vectors over the C ABI. `tests/vectors/README.md` describes them.

use crate::c::*;
use crate::client::{Client, Config, to};
use crate::handle::{Event, Exception, Props, c_text};
use posthog_receiver::{Protocol, Receiver, expect};
use serde_json::Value;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::ptr;

fn vectors() -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|it| it.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    let read = |file: &PathBuf| serde_json::from_str(&std::fs::read_to_string(file).unwrap());
    files.iter().map(|file| (file.clone(), read(file).unwrap())).collect()
}

fn replay(protocol: Protocol) {
    let vectors = vectors();
    assert!(vectors.len() >= 10, "the vectors should be in tests/vectors");
    for (file, vector) in vectors {
        let receiver = Receiver::start();
        let client = configured(to(&receiver), &vector["options"], protocol).client();
        for step in vector["steps"].as_array().unwrap() {
            let expected = step["refused"].as_str().unwrap_or("PH_OK");
            let status = take(&client, step);
            assert_eq!(name_of(status), expected, "{}: {step}", file.display());
        }
        client.deliver();
        assert_eq!(client.shutdown(5_000), PH_OK);
        if let Err(differences) = expect(&receiver.requests(), &vector, protocol) {
            panic!("{}, {protocol:?}:\n{differences}", file.display());
        }
    }
}

#[test]
fn vectors_with_v0() {
    replay(Protocol::V0);
}

#[test]
fn vectors_with_v1() {
    replay(Protocol::V1);
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
        config = match name.as_str() {
            "environment" => config.text(ph_config_set_environment, value.as_str().unwrap()),
            "is_server" => config.set(ph_config_set_is_server, value.as_bool().unwrap()),
            "geoip_disable" => config.set(ph_config_set_geoip_disable, value.as_bool().unwrap()),
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

/// A step's member, if it has it, as C takes it.
struct Given<'a>(&'a Value);

impl Given<'_> {
    fn text(&self, key: &str) -> Option<CString> {
        self.0.get(key).map(|text| c_text(text.as_str().unwrap()))
    }

    fn props(&self, key: &str) -> Option<Props> {
        let props = Props::new();
        let text = self.0.get(key)?.to_string();
        let status = ph_props_set_members(props.raw(), text.as_ptr().cast(), text.len());
        assert_eq!(status, PH_OK);
        Some(props)
    }
}

fn take(client: &Client, step: &Value) -> Status {
    let given = Given(step);
    let (text, props) = (|key: &str| given.text(key), |key: &str| given.props(key));
    let or_null = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    let map =
        |props: &Option<Props>| props.as_ref().map_or(ptr::null(), |it| it.raw().cast_const());
    let id = text("distinct_id");
    let id = or_null(&id);
    let raw = client.raw();
    match step["do"].as_str().unwrap() {
        "capture" => capture(client, &given),
        "identify" => ph_identify(raw, id, map(&props("set")), map(&props("set_once"))),
        "alias" => ph_alias(raw, id, or_null(&text("alias"))),
        "group_identify" => {
            let (kind, key) = (text("group_type"), text("group_key"));
            ph_group_identify(raw, id, or_null(&kind), or_null(&key), map(&props("properties")))
        }
        "register" => ph_register(raw, map(&props("properties"))),
        "register_once" => ph_register_once(raw, map(&props("properties"))),
        "unregister" => ph_unregister(raw, or_null(&text("key"))),
        "capture_exception" => {
            let part = |key: &str| step[key].as_str().unwrap();
            let exception = Exception::new(part("type"), part("message"));
            let exception = exception.props(&props("properties").unwrap_or_else(Props::new));
            ph_capture_exception(raw, id, exception.raw())
        }
        other => panic!("the step {other} is not known"),
    }
}

/// The short form where that is enough, so that the vectors go through both.
fn capture(client: &Client, given: &Given<'_>) -> Status {
    let (id, name) = (given.text("distinct_id").unwrap(), given.text("event").unwrap());
    let properties = given.props("properties");
    let short = ["do", "distinct_id", "event", "properties", "refused"];
    if given.0.as_object().unwrap().keys().all(|key| short.contains(&key.as_str())) {
        let properties = properties.as_ref().map_or(ptr::null(), |it| it.raw().cast_const());
        return ph_capture(client.raw(), id.as_ptr(), name.as_ptr(), properties);
    }
    match filled(given, Event::new(id.to_str().unwrap(), name.to_str().unwrap())) {
        Ok(event) => client.capture_event(&event).map_or_else(|status| status, |_| PH_OK),
        Err(status) => status,
    }
}

fn filled(given: &Given<'_>, mut event: Event) -> Result<Event, Status> {
    let checked = |status| if status == PH_OK { Ok(()) } else { Err(status) };
    for (key, set) in [
        ("properties", ph_event_set_properties as extern "C" fn(_, _) -> _),
        ("set", ph_event_set_person_properties),
        ("set_once", ph_event_set_person_properties_once),
    ] {
        if let Some(props) = given.props(key) {
            event = event.props(set, &props);
        }
    }
    for (group_type, key) in given.0["groups"].as_object().into_iter().flatten() {
        event = event.group(group_type, key.as_str().unwrap());
    }
    if let Some(uuid) = given.text("uuid") {
        checked(ph_event_set_uuid(event.raw(), uuid.as_ptr()))?;
    }
    if let Some(time) = given.text("timestamp") {
        checked(ph_event_set_timestamp(event.raw(), time.as_ptr()))?;
    }
    if let Some(process) = given.0.get("process_person_profile") {
        let process = process.as_bool().unwrap();
        checked(ph_event_set_process_person_profile(event.raw(), process))?;
    }
    Ok(event)
}
