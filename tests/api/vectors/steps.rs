//! The steps of a vector, each as the call that C has for it.

use crate::c::*;
use crate::client::Client;
use crate::flags::{Context, Found};
use crate::handle::{Event, Exception, Props, c_text};
use serde_json::Value;
use std::ffi::{CStr, CString, c_char};
use std::ptr;

/// How long an evaluation and a capture that waits may take.
const PATIENCE_MS: u32 = 10_000;

/// In which of the forms that the header has for it a step is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// By texts with a NUL, and setters.
    Terminated,
    /// By texts with their length, and JSON.
    Sized,
}

pub struct Replay<'a> {
    client: &'a Client,
    form: Form,
    /// Of the last evaluation.
    flags: Option<Found>,
}

/// A step's member, if it has it, as C takes it.
struct Given<'a>(&'a Value);

impl Given<'_> {
    fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some()
    }

    fn text(&self, key: &str) -> Option<CString> {
        self.0.get(key).map(|text| c_text(text.as_str().unwrap()))
    }

    fn props(&self, key: &str) -> Option<Props> {
        self.0.get(key).map(of_json)
    }

    fn pairs(&self, key: &str) -> impl Iterator<Item = (CString, CString)> {
        let pairs = self.0[key].as_object().into_iter().flatten();
        pairs.map(|(key, value)| (c_text(key), c_text(value.as_str().unwrap())))
    }

    /// Those of the members that it has, as one JSON text.
    fn only(&self, keys: &[&str]) -> String {
        let members = self.0.as_object().unwrap().iter();
        let members = members.filter(|(key, _)| keys.contains(&key.as_str()));
        Value::Object(members.map(|(key, value)| (key.clone(), value.clone())).collect())
            .to_string()
    }
}

fn of_json(object: &Value) -> Props {
    let (props, text) = (Props::new(), object.to_string());
    let status = ph_props_set_members(props.raw(), text.as_ptr().cast(), text.len());
    assert_eq!(status, PH_OK);
    props
}

fn or_null(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

fn map(props: &Option<Props>) -> *const ph_props {
    props.as_ref().map_or(ptr::null(), |it| it.raw().cast_const())
}

fn sized(text: &CStr) -> (*const c_char, usize) {
    (text.as_ptr(), text.to_bytes().len())
}

fn checked(status: Status) -> Result<(), Status> {
    if status == PH_OK { Ok(()) } else { Err(status) }
}

impl Replay<'_> {
    pub fn new(client: &Client, form: Form) -> Replay<'_> {
        Replay { client, form, flags: None }
    }

    pub fn take(&mut self, step: &Value) -> Status {
        let given = Given(step);
        let text = |key: &str| given.text(key);
        let props = |key: &str| given.props(key);
        let id = text("distinct_id");
        let id = or_null(id.as_ref());
        let raw = self.client.raw();
        match step["do"].as_str().unwrap() {
            "capture" if self.form == Form::Terminated && is_short(step) => {
                let (name, properties) = (text("event"), props("properties"));
                ph_capture(raw, id, or_null(name.as_ref()), map(&properties))
            }
            "capture" if is_short(step) => self.capture_sized(&given),
            "capture" => self.whole(&given, |event| {
                self.client.capture_event(event).map_or_else(|status| status, |_| PH_OK)
            }),
            "capture_ai" => {
                self.whole(&given, |event| ph_capture_ai(raw, event.raw(), ptr::null_mut()))
            }
            "capture_immediate" => {
                self.whole(&given, |event| self.client.capture_immediate(event, PATIENCE_MS).0)
            }
            "capture_ai_immediate" => {
                self.whole(&given, |event| self.client.capture_ai_immediate(event, PATIENCE_MS).0)
            }
            "identify" => ph_identify(raw, id, map(&props("set")), map(&props("set_once"))),
            "alias" => ph_alias(raw, id, or_null(text("alias").as_ref())),
            "group_identify" => {
                let (kind, key) = (text("group_type"), text("group_key"));
                let (kind, key) = (or_null(kind.as_ref()), or_null(key.as_ref()));
                ph_group_identify(raw, id, kind, key, map(&props("properties")))
            }
            "register" => ph_register(raw, map(&props("properties"))),
            "register_once" => ph_register_once(raw, map(&props("properties"))),
            "unregister" => ph_unregister(raw, or_null(text("key").as_ref())),
            "opt_out" => ph_opt_out(raw),
            "opt_in" => ph_opt_in(raw),
            "add_step" => {
                ph_step_add(raw, or_null(text("message").as_ref()), map(&props("properties")))
            }
            "capture_exception" => ph_capture_exception(raw, id, exception(&given).raw()),
            "evaluate_flags" => self.evaluate_flags(&given),
            "flag_enabled" => self.flag_enabled(&given),
            other => panic!("the step {other} is not known"),
        }
    }

    /// Without properties by one of the two, with them by the other.
    fn capture_sized(&self, given: &Given<'_>) -> Status {
        let (id, name) = (given.text("distinct_id").unwrap(), given.text("event").unwrap());
        let ((id, id_len), (name, name_len)) = (sized(&id), sized(&name));
        let raw = self.client.raw();
        match given.0.get("properties").map(Value::to_string) {
            Some(text) => {
                let (text, len) = (text.as_ptr().cast(), text.len());
                ph_capture_json(raw, id, id_len, name, name_len, text, len)
            }
            None => ph_capture_n(raw, id, id_len, name, name_len, ptr::null()),
        }
    }

    fn whole(&self, given: &Given<'_>, capture: impl FnOnce(&Event) -> Status) -> Status {
        match self.event(given) {
            Ok(event) => capture(&event),
            Err(status) => status,
        }
    }

    fn event(&self, given: &Given<'_>) -> Result<Event, Status> {
        let (id, name) = (given.text("distinct_id").unwrap(), given.text("event").unwrap());
        let event = match self.form {
            Form::Terminated => {
                let event = Event::try_new(&id, &name)?;
                fill(given, &event)?;
                event
            }
            Form::Sized => {
                let keys =
                    ["uuid", "timestamp", "properties", "set", "set_once", "options", "groups"];
                Event::of_json(&id, &name, &given.only(&keys))?
            }
        };
        if let Some(process) = given.0.get("process_person_profile") {
            let process = process.as_bool().unwrap();
            checked(ph_event_set_process_person_profile(event.raw(), process))?;
        }
        if given.has("with_flags") {
            let flags = self.flags.as_ref().expect("evaluate_flags comes first");
            checked(ph_event_set_flags(event.raw(), flags.raw()))?;
        }
        Ok(event)
    }

    fn evaluate_flags(&mut self, given: &Given<'_>) -> Status {
        let keys = ["groups", "person_properties", "group_properties", "device_id", "flag_keys"];
        let context = match self.form {
            Form::Terminated => context(given),
            Form::Sized => Context::of_json(&given.only(&keys)),
        };
        let id = given.0["distinct_id"].as_str().unwrap();
        let found = match self.client.evaluate_in(id, Some(&context), PATIENCE_MS) {
            Ok(found) => found,
            Err(status) => return status,
        };
        for read in given.0["reads"].as_array().unwrap() {
            let key = read[0].as_str().unwrap();
            let value = match (found.variant(key), found.enabled(key)) {
                (Some(variant), _) => variant.into(),
                (None, enabled) => enabled.map_or(Value::Null, Value::Bool),
            };
            assert_eq!(value, read[1], "{key}");
        }
        self.flags = Some(found);
        PH_OK
    }

    fn flag_enabled(&self, given: &Given<'_>) -> Status {
        let (id, key) = (given.text("distinct_id").unwrap(), given.text("key").unwrap());
        let fallback = given.0["fallback"].as_bool().unwrap();
        let raw = self.client.raw();
        let answer = match self.form {
            Form::Terminated => {
                ph_flag_enabled(raw, id.as_ptr(), key.as_ptr(), ptr::null(), fallback)
            }
            Form::Sized => {
                let ((id, id_len), (key, key_len)) = (sized(&id), sized(&key));
                ph_flag_enabled_n(raw, id, id_len, key, key_len, ptr::null(), fallback)
            }
        };
        assert_eq!(answer, given.0["answer"].as_bool().unwrap(), "{}", given.0);
        PH_OK
    }
}

/// Whether the short forms carry all of it, so that the vectors go through them and the long ones.
fn is_short(step: &Value) -> bool {
    let short = ["do", "distinct_id", "event", "properties", "refused"];
    step.as_object().unwrap().keys().all(|key| short.contains(&key.as_str()))
}

fn fill(given: &Given<'_>, event: &Event) -> Result<(), Status> {
    let raw = event.raw();
    for (key, set) in [
        ("properties", ph_event_set_properties as extern "C" fn(_, _) -> _),
        ("set", ph_event_set_person_properties),
        ("set_once", ph_event_set_person_properties_once),
        ("options", ph_event_set_options),
    ] {
        if let Some(props) = given.props(key) {
            checked(set(raw, props.raw().cast_const()))?;
        }
    }
    for (kind, key) in given.pairs("groups") {
        checked(ph_event_set_group(raw, kind.as_ptr(), key.as_ptr()))?;
    }
    if let Some(uuid) = given.text("uuid") {
        checked(ph_event_set_uuid(raw, uuid.as_ptr()))?;
    }
    if let Some(time) = given.text("timestamp") {
        checked(ph_event_set_timestamp(raw, time.as_ptr()))?;
    }
    Ok(())
}

fn exception(given: &Given<'_>) -> Exception {
    let part = |key: &str| given.0[key].as_str().unwrap();
    let mut exception = Exception::new(part("type"), part("message"));
    if let Some(props) = given.props("properties") {
        exception = exception.props(&props);
    }
    if given.has("fingerprint") {
        exception = exception.text(ph_exception_set_fingerprint, part("fingerprint"));
    }
    let raw = exception.raw();
    if given.has("level") {
        let levels = ["fatal", "error", "warning", "log", "info", "debug"];
        let level = levels.iter().position(|it| *it == part("level")).unwrap();
        assert_eq!(ph_exception_set_level(raw, level as i32), PH_OK);
    }
    if let Some(handled) = given.0.get("handled") {
        assert_eq!(ph_exception_set_handled(raw, handled.as_bool().unwrap()), PH_OK);
    }
    for (kind, key) in given.pairs("groups") {
        assert_eq!(ph_exception_set_group(raw, kind.as_ptr(), key.as_ptr()), PH_OK);
    }
    exception
}

fn context(given: &Given<'_>) -> Context {
    let mut context = Context::new();
    for (kind, key) in given.pairs("groups") {
        assert_eq!(ph_context_set_group(context.raw(), kind.as_ptr(), key.as_ptr()), PH_OK);
    }
    if let Some(props) = given.props("person_properties") {
        context = context.person(&props);
    }
    for (kind, properties) in given.0["group_properties"].as_object().into_iter().flatten() {
        let (kind, properties) = (c_text(kind), of_json(properties));
        let status =
            ph_context_set_group_properties(context.raw(), kind.as_ptr(), properties.raw());
        assert_eq!(status, PH_OK);
    }
    if given.has("device_id") {
        let id = given.0["device_id"].as_str().unwrap();
        context = context.text(ph_context_set_device_id, id);
    }
    if let Some(keys) = given.0.get("flag_keys") {
        assert_eq!(ph_context_limit_flag_keys(context.raw()), PH_OK);
        for key in keys.as_array().unwrap() {
            context = context.text(ph_context_add_flag_key, key.as_str().unwrap());
        }
    }
    context
}
