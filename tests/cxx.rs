//! `posthog.hpp`: it compiles in every dialect, does what it says over real HTTP, and replays every
//! vector, each turned into a C++ program that makes the calls with braces.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use posthog_receiver::{Flags, Options, Protocol, Receiver, Record, expect};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::{Finished, has, library, root, run, scratch, skipped};

// Has cargo build the library.
use posthog as _;

const BUILD_LIMIT: Duration = Duration::from_secs(300);
const RUN_LIMIT: Duration = Duration::from_secs(180);
const SYSTEM: [&str; 7] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

/// Without what a game or an embedded program does without.
const BARE: [&str; 2] = ["-fno-exceptions", "-fno-rtti"];

fn compiler(name: &str, flags: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread"]).args(flags);
    command.arg("-I").arg(root().join("include")).arg("-I").arg(root().join("tests/cxx"));
    command
}

/// Compiles and links a program with the static library.
#[track_caller]
fn build(name: &str, source: &Path, flags: &[&str]) -> PathBuf {
    let program = scratch("cxx").join(name);
    let mut gcc = compiler("g++", flags);
    gcc.arg(source).arg("-o").arg(&program).arg(library("libposthog.a")).args(SYSTEM);
    run(&mut gcc, BUILD_LIMIT).expect_success();
    program
}

fn of_folder(file: &str) -> PathBuf {
    root().join("tests/cxx").join(file)
}

fn start(program: &Path, arguments: &[&str]) -> Finished {
    run(Command::new(program).args(arguments).env_clear(), RUN_LIMIT)
}

#[test]
fn compiles_in_every_dialect() {
    for name in ["g++", "clang++"] {
        if !has(name) {
            skipped("posthog.hpp's dialects", &format!("no {name} here"));
            continue;
        }
        for standard in ["-std=c++17", "-std=c++20"] {
            for flags in [&[][..], &BARE, &["-fno-rtti"], &["-fno-exceptions"]] {
                let mut command = compiler(name, flags);
                command.args([standard, "-fsyntax-only"]).arg(of_folder("behaviour.cc"));
                run(&mut command, BUILD_LIMIT).expect_success();
            }
        }
    }
}

/// The events that arrived, by name.
fn by_name(receiver: &Receiver) -> BTreeMap<String, Vec<Value>> {
    let mut events: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in receiver.events() {
        let name = event.json["event"].as_str().expect("a name").to_owned();
        events.entry(name).or_default().push(event.json.clone());
    }
    events
}

fn behaves(name: &str, flags: &[&str]) -> BTreeMap<String, Vec<Value>> {
    let receiver = Receiver::start();
    let program = build(name, &of_folder("behaviour.cc"), flags);
    start(&program, &[&receiver.url()]).expect_success();
    by_name(&receiver)
}

#[test]
fn every_part_of_it() {
    let events = behaves("behaviour", &["-std=c++17", "-O2"]);
    let values = &events["values"][0]["properties"];
    for (key, expected) in [
        ("literal", serde_json::json!("pro")),
        ("string", serde_json::json!("a string")),
        ("view", serde_json::json!("a view")),
        ("int", serde_json::json!(4999)),
        ("least", serde_json::json!(i64::MIN)),
        ("most", serde_json::json!(u64::MAX)),
        ("double", serde_json::json!(0.5)),
        ("nan", Value::Null),
        ("yes", serde_json::json!(true)),
        ("none", Value::Null),
        ("null text", Value::Null),
        ("object", serde_json::json!({"a": {"b": "\"q\"\n\u{1}", "a view": 1.25}})),
        ("array", serde_json::json!([1, "two", 3.5, false, null, {"k": []}])),
        ("json", serde_json::json!([1, {"a": 2}])),
        ("same", serde_json::json!(2)),
        ("inside", serde_json::json!("a\u{FFFD}b")),
    ] {
        assert_eq!(values.get(key), Some(&expected), "{key}");
    }
    assert_eq!(values["k".repeat(300)], 1);
    assert_eq!(events["full"][0]["uuid"], "0190a6e0-7c3b-7def-8123-456789abcdef");
    assert_eq!(events["full"][0]["properties"]["super"], 1);
    assert_eq!(events["$groupidentify"][0]["distinct_id"], "$company_acme");
    assert_eq!(events["with flags"][0]["properties"]["$feature/new-checkout"], true);
    for name in ["after bad input", "hooked", "last", "$identify", "$create_alias"] {
        assert_eq!(events[name].len(), 1, "{name}");
    }
    assert!(!events.contains_key("secret") && !events.contains_key("thrown"));

    let exceptions = &events["$exception"];
    let list = |index: usize| {
        let list = exceptions[index]["properties"]["$exception_list"].as_array();
        let part = |it: &Value| (it["type"].clone(), it["value"].clone());
        list.expect("a list").iter().map(part).collect::<Vec<_>>()
    };
    let pair = |kind: &str, message: &str| (kind.into(), message.into());
    assert_eq!(list(0), [pair("PaymentError", "declined")]);
    assert_eq!(list(1), [pair("Outer", "o"), pair("Inner", "i")]);
    assert_eq!(exceptions[1]["properties"]["$exception_fingerprint"], "f");
    let thrown = list(2);
    assert_eq!(thrown.len(), 2);
    assert!(
        thrown[0].0.as_str().is_some_and(|name| name.contains("std::logic_error")),
        "{thrown:?}"
    );
    assert_eq!(
        (&thrown[0].1, &thrown[1]),
        (&"the order failed".into(), &pair("std::runtime_error", "the card was declined"))
    );
    assert_eq!(list(3), [pair("int", "")]);
}

#[test]
fn what_can_be_said_besides() {
    let receiver = Receiver::start();
    receiver.set_definitions(&serde_json::json!({
        "flags": [{"id": 1, "key": "here", "active": true, "filters": {"groups":
            [{"properties": [], "rollout_percentage": 100}]}}],
        "group_type_mapping": {},
        "cohorts": {},
    }));
    let program = build("options", &of_folder("options.cc"), &["-std=c++17"]);
    start(&program, &[&receiver.url()]).expect_success();
    let events = by_name(&receiver);
    assert!(events.contains_key("now") && events.contains_key("$ai_generation"));
}

#[test]
fn each_function_is_called_or_the_manual_says_why_not() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a text");
    let header = read("include/posthog.h");
    // After its type, a function's name begins behind a space or an asterisk.
    let declarations = header.split("PH_API").skip(1).filter_map(|rest| rest.split_once('('));
    let declared: BTreeSet<&str> = declarations
        .map(|(name, _)| name.rsplit([' ', '*', '\n']).next().expect("a name"))
        .collect();
    assert!(declared.len() > 180, "{}", declared.len());
    let takes_one = |name: &&&str| {
        let parameters = header.split_once(&format!("{name}(")).map_or("", |(_, rest)| rest);
        name.starts_with("ph_config_set_")
            && parameters.split(')').next().expect("parameters").matches(',').count() == 1
    };

    let mut wrapper = read("include/posthog.hpp");
    for part in ["config", "event", "flags", "properties"] {
        wrapper += &read(&format!("include/posthog/{part}.hpp"));
    }
    let manual = read("docs/cpp.md");
    let (_, list) = manual.split_once("## Only in C").expect("the list");
    let named: BTreeSet<&str> = list.split('`').filter(|text| text.starts_with("ph_")).collect();
    let called = |name: &&&str| {
        wrapper.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == **name)
    };
    for name in declared.iter().filter(|name| !called(name) && !takes_one(name)) {
        assert!(named.contains(name), "{name} is neither called nor in the list");
    }
    for name in &named {
        assert!(declared.contains(name), "{name} is not in the header");
        assert!(!called(&name), "{name} is called, and in the list");
    }
}

#[test]
fn the_readme_s_test_of_a_program() {
    let program = build("test_mode", &of_folder("test_mode.cc"), &["-std=c++17"]);
    start(&program, &[]).expect_success();
}

#[test]
fn a_library_of_another_version_is_refused() {
    for (name, flag) in [("older", "-O1"), ("another", "-DOTHER_MAJOR")] {
        let program = build(name, &of_folder("version.cc"), &["-std=c++17", flag]);
        start(&program, &[]);
    }
}

#[test]
fn without_exceptions_and_rtti() {
    let events = behaves("bare", &["-std=c++20", "-O1", BARE[0], BARE[1]]);
    assert_eq!(events["$exception"].len(), 3);
    let last = &events["$exception"][2]["properties"]["$exception_list"][0];
    assert_eq!(last["type"], "std::exception");
    assert_eq!(events["last"].len(), 1);
}

#[test]
fn under_sanitizers() {
    let flags =
        ["-std=c++17", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    assert_eq!(behaves("sanitized", &flags)["last"].len(), 1);
}

#[test]
fn the_end_of_a_program() {
    let program = build("terminate", &of_folder("terminate.cc"), &["-std=c++17", "-O2"]);
    for (how, kind, message) in [
        ("thrown", "std::runtime_error", "nobody caught this"),
        ("number", "int", ""),
        ("thread", "std::logic_error", "in a thread"),
        ("called", "std::terminate", "no exception is being handled"),
    ] {
        let receiver = Receiver::start();
        let finished = start(&program, &[&receiver.url(), how]);
        assert_eq!(finished.signal, Some(libc::SIGABRT), "{finished}");
        assert_eq!(finished.stderr, "the handler before\n");
        let events = by_name(&receiver);
        assert_eq!(events["before the end"].len(), 1);
        let properties = &events["$exception"][0]["properties"];
        let first = &properties["$exception_list"][0];
        assert_eq!((&first["type"], &first["value"]), (&kind.into(), &message.into()), "{how}");
        assert_eq!(first["mechanism"]["handled"], false);
        assert_eq!(properties["$exception_level"], "fatal");
    }
    let receiver = Receiver::start();
    let finished = start(&program, &[&receiver.url(), "gone"]);
    assert_eq!(finished.signal, Some(libc::SIGABRT), "{finished}");
    let events = by_name(&receiver);
    assert!(events.contains_key("before the end") && !events.contains_key("$exception"));
}

/// What a program captured that was killed is delivered by its next start.
#[test]
#[cfg(feature = "crash")]
fn what_a_killed_program_captured() {
    let program = build("killed", &of_folder("crash.cc"), &["-std=c++17"]);
    let receiver = Receiver::start();
    let folder = scratch("cxx-killed");
    let _ = std::fs::remove_dir_all(&folder);
    let (url, folder) = (receiver.url(), folder.display().to_string());
    let finished = start(&program, &[&url, &folder, "killed"]);
    assert_eq!(finished.signal, Some(libc::SIGKILL), "{finished}");
    assert!(by_name(&receiver).is_empty());
    start(&program, &[&url, &folder, "again"]).expect_success();
    assert_eq!(by_name(&receiver)["kept"].len(), 1);
}

/// A program that dies reports it once: at once where it can, else at its next start.
#[test]
#[cfg(feature = "crash")]
fn what_a_program_died_of() {
    let program = build("crash", &of_folder("crash.cc"), &["-std=c++17", "-O2"]);
    for (how, died, person, kind, message) in [
        ("signal", (None, Some(libc::SIGSEGV)), "user_42", "SIGSEGV", None),
        ("written", (Some(3), None), "user_42", "panic", Some("the reactor is hot")),
        (
            "thrown",
            (None, Some(libc::SIGABRT)),
            "",
            "std::runtime_error",
            Some("nobody caught this"),
        ),
    ] {
        let receiver = Receiver::start();
        let folder = scratch(&format!("cxx-crash-{how}"));
        let _ = std::fs::remove_dir_all(&folder);
        let arguments = [receiver.url(), folder.display().to_string()];
        let finished = start(&program, &[&arguments[0], &arguments[1], how]);
        assert_eq!((finished.code, finished.signal), died, "{finished}");
        start(&program, &[&arguments[0], &arguments[1], "again"]).expect_success();
        let events = by_name(&receiver);
        let [report] = events["$exception"].as_slice() else { panic!("{events:#?}") };
        let first = &report["properties"]["$exception_list"][0];
        assert_eq!(first["type"], kind);
        if let Some(message) = message {
            assert_eq!(first["value"], message);
        }
        if !person.is_empty() {
            assert_eq!(report["distinct_id"], person);
        }
    }
}

#[test]
fn ten_thousand_clients_and_a_million_ids() {
    let options = Options { record: Record::Count, ..Options::default() };
    let receiver = Receiver::with(options).expect("a receiver");
    let program = build("endurance", &of_folder("endurance.cc"), &["-std=c++17", "-O2"]);
    start(&program, &[&receiver.url()]).expect_success();
    assert_eq!(receiver.counts().accepted, 10_500 + 1_100_000);
}

#[test]
fn every_vector() {
    let folder = root().join("tests/vectors");
    let files =
        std::fs::read_dir(folder).expect("the vectors").map(|it| it.expect("an entry").path());
    let mut files: Vec<_> =
        files.filter(|it| it.extension().is_some_and(|it| it == "json")).collect();
    files.sort();
    let read = |it: &PathBuf| serde_json::from_str(&std::fs::read_to_string(it).expect("a file"));
    let vectors: Vec<Value> = files.iter().map(|it| read(it).expect("JSON")).collect();
    assert!(vectors.len() >= 10);

    let source = scratch("cxx").join("replay.cc");
    std::fs::write(&source, replay(&vectors)).expect("a scratch file");
    let program = build("replay", &source, &["-std=c++17", "-O0"]);
    for (index, (file, vector)) in files.iter().zip(&vectors).enumerate() {
        for (protocol, number) in
            [(Protocol::V0, "PH_PROTOCOL_V0"), (Protocol::V1, "PH_PROTOCOL_V1")]
        {
            let receiver = Receiver::start();
            if let Some(flags) = vector.get("flags") {
                receiver.set_flags(Flags::from_json(&flags.to_string()).expect("flags"));
            }
            start(&program, &[&receiver.url(), &index.to_string(), number]).expect_success();
            if let Err(differences) = expect(&receiver.requests(), vector, protocol) {
                panic!("{}, {number}:\n{differences}", file.display());
            }
        }
    }
}

/// A program that takes the steps of the vector whose number it is given.
fn replay(vectors: &[Value]) -> String {
    let mut code = "#include \"check.hpp\"\nusing namespace posthog;\nusing std::string_view;\n\
        int main(int, char **arguments) {\n  const char *url = arguments[1];\n\
           const bool v0 = string_view(arguments[3]) == \"PH_PROTOCOL_V0\";\n\
          switch (std::atoi(arguments[2])) {\n"
        .to_owned();
    for (index, vector) in vectors.iter().enumerate() {
        let _ = writeln!(
            code,
            "  case {index}: {{\n    std::optional<Flags> flags;\n    Client client({});",
            config(&vector["options"])
        );
        for step in vector["steps"].as_array().expect("steps") {
            let status = step["refused"].as_str().unwrap_or("PH_OK");
            let _ = match step["do"].as_str().expect("a call") {
                "evaluate_flags" => writeln!(code, "    {{\n{}    }}", evaluation(step)),
                "flag_enabled" => writeln!(code, "    CHECK({});", flag_enabled(step)),
                _ => writeln!(code, "    CHECK_STATUS(client.{}, {status});", call(step)),
            };
        }
        code.push_str("    CHECK_OK(client.flush(10000));\n    break;\n  }\n");
    }
    code + "  default: CHECK(false);\n  }\n}\n"
}

fn config(options: &Value) -> String {
    let mut code = "Config(\"phc_test\").host(url)".to_owned();
    code.push_str(".set(ph_config_set_protocol, v0 ? PH_PROTOCOL_V0 : PH_PROTOCOL_V1)");
    for (name, value) in options.as_object().into_iter().flatten() {
        match name.as_str() {
            "deny" => {
                for key in value.as_array().expect("keys") {
                    let _ = write!(code, ".deny_property({})", cxx(key));
                }
            }
            "group_indices" => {
                for (group, index) in value.as_object().expect("types") {
                    let _ = write!(code, ".group_index({}, {index})", text(group));
                }
            }
            "historical_migration" => {
                let _ = write!(code, ".set(ph_config_set_historical_migration, {value})");
            }
            _ => {
                let _ = write!(code, ".{name}({})", cxx(value));
            }
        }
    }
    code
}

fn call(step: &Value) -> String {
    let given = |key: &str| step.get(key).map_or_else(|| "\"\"".to_owned(), cxx);
    let braces = |key: &str| step.get(key).map_or_else(|| "{}".to_owned(), members);
    let id = given("distinct_id");
    match step["do"].as_str().expect("a call") {
        "capture" => format!("capture({})", captured(step)),
        "capture_ai" => format!("capture_ai({})", event(step)),
        waits @ ("capture_immediate" | "capture_ai_immediate") => {
            format!("{waits}({}, 10000)", event(step))
        }
        "identify" => format!("identify({id}, {}, {})", braces("set"), braces("set_once")),
        "alias" => format!("alias({id}, {})", given("alias")),
        "group_identify" => {
            let (kind, key) = (given("group_type"), given("group_key"));
            format!("group_identify({id}, {kind}, {key}, {})", braces("properties"))
        }
        "register" => format!("register_properties({})", braces("properties")),
        "register_once" => format!("register_once({})", braces("properties")),
        "unregister" => format!("unregister({})", given("key")),
        "opt_out" => "opt_out()".to_owned(),
        "opt_in" => "opt_in()".to_owned(),
        "add_step" => format!("add_step({}, {})", given("message"), braces("properties")),
        "capture_exception" => exception(step),
        other => panic!("the step {other} is not known"),
    }
}

/// What `capture` takes: the short form where that is enough.
fn captured(step: &Value) -> String {
    let short = ["do", "distinct_id", "event", "properties", "refused"];
    if !step.as_object().expect("a step").keys().all(|key| short.contains(&key.as_str())) {
        return event(step);
    }
    let (id, name) = (cxx(&step["distinct_id"]), cxx(&step["event"]));
    match step.get("properties").map(members) {
        None => format!("{id}, {name}"),
        Some(properties) => format!("{id}, {name}, {properties}"),
    }
}

/// An event with all that a step says of it.
fn event(step: &Value) -> String {
    let mut code = format!("Event({}, {})", cxx(&step["distinct_id"]), cxx(&step["event"]));
    for (key, value) in step.as_object().expect("a step") {
        match key.as_str() {
            "properties" | "set" | "set_once" | "options" => {
                let _ = write!(code, ".{key}({})", members(value));
            }
            "uuid" | "timestamp" | "process_person_profile" => {
                let _ = write!(code, ".{key}({})", cxx(value));
            }
            "groups" => code += &groups(value),
            "with_flags" => code += ".flags(*flags)",
            "do" | "distinct_id" | "event" | "refused" => {}
            other => panic!("{other} is not known"),
        }
    }
    code
}

/// A call for each group.
fn groups(value: &Value) -> String {
    let each = value.as_object().expect("groups").iter();
    each.map(|(kind, key)| format!(".group({}, {})", text(kind), cxx(key))).collect()
}

/// The short form where that is enough. Without an id it is nobody's.
fn exception(step: &Value) -> String {
    let id = step.get("distinct_id").map_or_else(|| "nullptr".to_owned(), cxx);
    let (kind, message) = (cxx(&step["type"]), cxx(&step["message"]));
    let mut code = String::new();
    for (key, value) in step.as_object().expect("a step") {
        match key.as_str() {
            "level" => {
                let level = value.as_str().expect("a level").to_uppercase();
                let _ = write!(code, ".level(PH_LEVEL_{level})");
            }
            "handled" | "fingerprint" => {
                let _ = write!(code, ".{key}({})", cxx(value));
            }
            "groups" => code += &groups(value),
            "do" | "distinct_id" | "type" | "message" | "properties" => {}
            other => panic!("{other} is not known"),
        }
    }
    let properties = step.get("properties").map_or_else(|| "{}".to_owned(), members);
    if code.is_empty() {
        return format!("capture_exception({id}, {kind}, {message}, {properties})");
    }
    format!("capture_exception({id}, Exception({kind}, {message}).properties({properties}){code})")
}

/// An evaluation, and a check of each value that the step reads.
fn evaluation(step: &Value) -> String {
    let mut code = "    Context context;\n".to_owned();
    for (key, value) in step.as_object().expect("a step") {
        let each = |of: &Value| of.as_object().cloned().unwrap_or_default();
        let calls = match key.as_str() {
            "groups" => groups(value),
            "person_properties" => format!(".person({})", members(value)),
            "group_properties" => {
                let one = |(kind, of): (&String, &Value)| {
                    format!(".group_properties({}, {})", text(kind), members(of))
                };
                each(value).iter().map(one).collect()
            }
            "device_id" => format!(".device_id({})", cxx(value)),
            "flag_keys" => {
                let keys = value.as_array().expect("keys").iter();
                let keys: String = keys.map(|key| format!(".flag({})", cxx(key))).collect();
                format!(".limit_flags(){keys}")
            }
            "do" | "distinct_id" | "reads" => continue,
            other => panic!("{other} is not known"),
        };
        let _ = writeln!(code, "    CHECK_OK(context{calls}.status());");
    }
    let id = cxx(&step["distinct_id"]);
    let _ = writeln!(code, "    flags.emplace(client.evaluate_flags({id}, 10000, &context));");
    code += "    CHECK_OK(flags->status());\n";
    for read in step["reads"].as_array().expect("reads") {
        let key = cxx(&read[0]);
        let _ = match &read[1] {
            Value::Null => writeln!(code, "    CHECK(!flags->known({key}));"),
            Value::Bool(on) => {
                writeln!(code, "    CHECK(flags->enabled({key}, {}) == {on});", !on)
            }
            variant => writeln!(code, "    CHECK(flags->variant({key}) == {});", cxx(variant)),
        };
    }
    code
}

fn flag_enabled(step: &Value) -> String {
    let (id, key) = (cxx(&step["distinct_id"]), cxx(&step["key"]));
    format!("client.flag_enabled({id}, {key}, {}) == {}", step["fallback"], step["answer"])
}

/// A value as C++ writes it.
fn cxx(value: &Value) -> String {
    match value {
        Value::Null => "nullptr".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) if number.is_i64() => format!("INT64_C({number})"),
        Value::Number(number) if number.is_u64() => format!("UINT64_C({number})"),
        Value::Number(number) => number.to_string(),
        Value::String(string) => text(string),
        Value::Array(elements) => {
            format!("array({{{}}})", elements.iter().map(cxx).collect::<Vec<_>>().join(", "))
        }
        Value::Object(object) if object.is_empty() => "Properties{}".to_owned(),
        Value::Object(_) => members(value),
    }
}

fn members(object: &Value) -> String {
    let object = object.as_object().expect("an object");
    let members = object.iter().map(|(key, value)| format!("{{{}, {}}}", text(key), cxx(value)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

/// A literal where that can be, and a view for the rest.
fn text(text: &str) -> String {
    if text.bytes().all(|it| it.is_ascii_graphic() && !b"\"\\?".contains(&it)) {
        return format!("\"{text}\"");
    }
    let octal: String = text.bytes().map(|it| format!("\\{it:03o}")).collect();
    format!("string_view(\"{octal}\", {})", text.len())
}
