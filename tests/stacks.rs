//! Stacks of C programs: what arrives, against what the tools of the system say of the same files.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use posthog_receiver::Receiver;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::program::{Build, Program};
use support::{Finished, has, library, root, run, scratch, skipped};

// Has cargo build the library.
use posthog as _;

const LIMIT: Duration = Duration::from_secs(300);

/// The functions between `main` and the capture, and the files that they are in.
const EXPECTED: [(&str, &str); 10] = [
    ("main", "stacks"),
    ("program_outer", "stacks"),
    ("linked_outer", "liblinked.so"),
    ("library_middle", "liblinked.so"),
    ("library_inner", "liblinked.so"),
    ("program_from_linked", "stacks"),
    ("plugin_outer", "libplugin.so"),
    ("library_middle", "libplugin.so"),
    ("library_inner", "libplugin.so"),
    ("program_capture", "stacks"),
];

/// Where debug information is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Debug {
    Inside,
    /// In a file beside it, that the program names.
    Beside,
    Nowhere,
}

/// A program and its two libraries, built in a folder of their own.
struct Built {
    folder: PathBuf,
}

const FILES: [&str; 3] = ["liblinked.so", "libplugin.so", "stacks"];

impl Built {
    /// `None` when the compiler is not here.
    fn with(compiler: &[&str], debug: Debug, more: &[&str]) -> Option<Built> {
        let name = format!("stacks-{}-{debug:?}-{}", compiler.last().unwrap_or(&""), more.join(""));
        // The linker takes commas for separators.
        let folder = scratch(&name.replace(|c: char| !c.is_alphanumeric(), "_"));
        let built = Built { folder };
        let library_path = library("libposthog.so");
        let library_folder = library_path.parent().expect("a folder");
        let posthog = built.folder.join("libposthog.so.0");
        let _ = std::fs::remove_file(&posthog);
        std::os::unix::fs::symlink(&library_path, &posthog).expect("a link");
        for file in FILES {
            let (program, flags) = compiler.split_first().expect("a compiler");
            let mut command = Command::new(program);
            command
                .args(flags)
                .args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2", "-g"])
                .args(["-fomit-frame-pointer", "-I"])
                .arg(root().join("include"))
                .current_dir(&built.folder)
                .args(more);
            match file.strip_prefix("lib").and_then(|it| it.strip_suffix(".so")) {
                Some(name) => command
                    .args(["-shared", "-fPIC", "-fvisibility=hidden"])
                    .arg(format!("-DLIBRARY_OUTER={name}_outer"))
                    .arg(root().join("tests/c/stacks/plugin.c")),
                None => command
                    .arg(root().join("tests/c/stacks/stacks.c"))
                    .args(["liblinked.so", "libposthog.so.0", "-ldl"])
                    .arg(format!("-Wl,-rpath,{}", built.folder.display()))
                    .arg(format!("-Wl,-rpath,{}", library_folder.display())),
            };
            let finished = run(command.arg("-o").arg(file), LIMIT);
            if finished.code == Some(77) {
                skipped("stacks of programs of zig cc", finished.stdout.trim());
                return None;
            }
            finished.expect_success();
            built.strip(file, debug);
        }
        Some(built)
    }

    /// The file as it was compiled is kept as `FILE.full`.
    fn strip(&self, file: &str, debug: Debug) {
        let full = format!("{file}.full");
        let tool = |tool: &str, arguments: &[&str]| {
            let mut command = Command::new(tool);
            run(command.current_dir(&self.folder).args(arguments), LIMIT).expect_success();
        };
        std::fs::copy(self.folder.join(file), self.folder.join(&full)).expect("a copy");
        if debug == Debug::Inside {
            return;
        }
        tool("strip", &["--strip-all", file]);
        if debug == Debug::Beside {
            let beside = format!("{file}.debug");
            tool("objcopy", &["--only-keep-debug", &full, &beside]);
            tool("objcopy", &[&format!("--add-gnu-debuglink={beside}"), file]);
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        std::fs::canonicalize(self.folder.join(file)).expect("it was built")
    }

    /// Runs the program, and returns the properties of the exception that arrives.
    fn run(&self, arguments: &[&str]) -> (Value, Finished) {
        let receiver = Receiver::start();
        let mut command = Command::new(self.folder.join("stacks"));
        command.arg(receiver.url()).arg("./libplugin.so").args(arguments);
        let finished = run(command.current_dir(&self.folder).env_clear(), LIMIT);
        assert_eq!(finished.code, Some(0), "{finished}");
        let events = receiver.events();
        assert_eq!(events.len(), 1);
        (events[0].json["properties"].clone(), finished)
    }

    /// What `addr2line` says of an address in the file as it was compiled.
    fn function_at(&self, file: &str, address: u64) -> String {
        let mut command = Command::new("addr2line");
        command.args(["-f", "-e"]).arg(self.folder.join(format!("{file}.full")));
        let output = run(command.arg(format!("{address:#x}")), LIMIT).expect_success();
        plain(output.lines().next().unwrap_or_default()).to_owned()
    }

    /// The debug id that PostHog makes of what `readelf` calls the build id.
    fn debug_id(&self, file: &str) -> Option<String> {
        let mut command = Command::new("readelf");
        let output = run(command.arg("-n").arg(self.folder.join(file)), LIMIT).expect_success();
        let id = output.lines().find_map(|line| line.trim().strip_prefix("Build ID: "))?;
        let mut id = id.to_owned();
        id.extend(std::iter::repeat_n('0', 32_usize.saturating_sub(id.len())));
        let at = |range: std::ops::Range<usize>| &id[range];
        // Of a little-endian machine: the first three fields with their bytes reversed.
        let reversed = |start: usize, bytes: usize| {
            (0..bytes).rev().map(|byte| at(start + 2 * byte..start + 2 * byte + 2)).collect()
        };
        let fields: [String; 3] = [reversed(0, 4), reversed(8, 2), reversed(12, 2)];
        Some(format!("{}-{}-{}", fields.join("-"), at(16..20), at(20..32)))
    }
}

/// A function's name without what compilers append to those that they specialise.
fn plain(function: &str) -> &str {
    function.split('.').next().unwrap_or_default()
}

fn frames(properties: &Value) -> &Vec<Value> {
    let frames = &properties["$exception_list"][0]["stacktrace"]["frames"];
    frames.as_array().expect("a stack")
}

fn in_app(properties: &Value) -> Vec<&Value> {
    frames(properties).iter().filter(|frame| frame["in_app"] == true).collect()
}

fn hex(value: &Value) -> u64 {
    let text = value.as_str().expect("a text").strip_prefix("0x").expect("hexadecimal");
    u64::from_str_radix(text, 16).expect("a number")
}

/// The functions that have names, in order, are those that called each other.
fn assert_named(properties: &Value) {
    let own = in_app(properties);
    let names: Vec<_> = own.iter().filter_map(|frame| frame["function"].as_str()).collect();
    let names: Vec<_> = names.into_iter().map(plain).collect();
    assert_eq!(names, EXPECTED.map(|(function, _)| function), "{properties:#}");
    for (frame, (_, file)) in own.iter().zip(EXPECTED) {
        let source = if file == "stacks" { "stacks.c" } else { "plugin.c" };
        assert!(frame["filename"].as_str().expect("a file").ends_with(source), "{frame}");
        assert!(frame["lineno"].as_u64().expect("a line") > 0, "{frame}");
        assert_eq!(frame["lang"], "c", "{frame}");
        assert_eq!(frame["module"], file, "{frame}");
        let symbol = hex(&frame["symbol_addr"]);
        let call = hex(&frame["instruction_addr"]);
        assert!(symbol < call && call - symbol < 4096, "{frame}");
    }
    // The system's own are not the program's.
    let all = frames(properties);
    assert!(all.len() > own.len(), "{properties:#}");
}

/// What `addr2line` finds by the addresses alone is right, and nothing else is claimed.
fn assert_found_by_address(built: &Built, properties: &Value) {
    // `_start` is the program's as long as nobody knows its name.
    let own: Vec<_> = in_app(properties);
    let mut found = Vec::new();
    for frame in &own {
        let module = frame["module"].as_str().expect("a module");
        let image = properties["$debug_images"].as_array().expect("images").iter();
        let image = image.clone().find(|image| image["image_addr"] == frame["image_addr"]);
        let image = image.unwrap_or_else(|| panic!("no image of {frame}"));
        let path = image["code_file"].as_str().expect("a path");
        assert_eq!(Path::new(path), built.path(module));
        let offset = hex(&frame["instruction_addr"]) - hex(&frame["image_addr"]);
        let address = offset + hex(&image["image_vmaddr"]);
        let function = built.function_at(module, address);
        // The call itself, too, which is before the return address.
        assert_eq!(built.function_at(module, address - 1), function);
        if let Some(claimed) = frame["function"].as_str() {
            assert_eq!(plain(claimed), function, "{frame}");
        }
        found.push((function, module.to_owned()));
    }
    found.retain(|(function, _)| function != "_start");
    let expected = EXPECTED.map(|(function, file)| (function.to_owned(), file.to_owned()));
    assert_eq!(found, expected, "{properties:#}");
}

fn assert_ids(built: &Built, properties: &Value) {
    let images = properties["$debug_images"].as_array().expect("images");
    for file in FILES {
        let path = built.path(file);
        let image = images.iter().find(|image| image["code_file"].as_str() == path.to_str());
        let image = image.unwrap_or_else(|| panic!("no image of {file}: {images:?}"));
        assert_eq!(image["debug_id"].as_str(), built.debug_id(file).as_deref(), "{file}");
        assert_eq!(image["type"], "elf");
        assert!(image["image_size"].as_u64().expect("a size") > 0);
    }
}

fn check(compiler: &[&str], debug: Debug, more: &[&str]) {
    for tool in ["addr2line", "readelf", "strip", "objcopy"] {
        if !has(tool) {
            return skipped("stacks of C programs", "binutils are not installed");
        }
    }
    let Some(built) = Built::with(compiler, debug, more) else { return };
    let (properties, _) = built.run(&[]);
    match debug {
        Debug::Nowhere => assert_found_by_address(&built, &properties),
        Debug::Inside | Debug::Beside => {
            assert_named(&properties);
            assert_found_by_address(&built, &properties);
        }
    }
    assert_ids(&built, &properties);
}

const ID: &str = "-Wl,--build-id=sha1";

#[test]
fn a_program_of_gcc_with_debug_information() {
    check(&["gcc"], Debug::Inside, &[ID]);
}

#[test]
fn a_program_of_gcc_without_any() {
    check(&["gcc"], Debug::Nowhere, &[ID]);
}

#[test]
fn a_program_of_gcc_with_its_debug_information_beside_it() {
    check(&["gcc"], Debug::Beside, &[ID]);
}

#[test]
fn a_program_of_gcc_at_a_fixed_address() {
    check(&["gcc"], Debug::Inside, &[ID, "-no-pie"]);
}

fn zig() -> [String; 2] {
    [root().join("tools/zig").display().to_string(), "cc".to_owned()]
}

#[test]
fn a_program_of_zig_cc_with_debug_information() {
    check(&zig().each_ref().map(String::as_str), Debug::Inside, &[ID]);
}

#[test]
fn a_program_of_zig_cc_without_any() {
    check(&zig().each_ref().map(String::as_str), Debug::Nowhere, &[ID]);
}

#[test]
fn names_are_right_after_the_library_was_unloaded() {
    let built = Built::with(&["gcc"], Debug::Inside, &[ID, "-DUNLOADED"]).expect("gcc");
    let (properties, _) = built.run(&["unload"]);
    assert_named(&properties);
}

#[test]
fn without_a_build_id_there_are_names_and_one_warning() {
    let built = Built::with(&["gcc"], Debug::Inside, &["-Wl,--build-id=none"]).expect("gcc");
    let (properties, finished) = built.run(&["debug"]);
    assert_named(&properties);
    assert_eq!(finished.stderr.matches("--build-id").count(), 1, "{finished}");
    let images = properties["$debug_images"].as_array().expect("images");
    for image in images {
        assert!(image["debug_id"].is_string(), "{image}");
        assert!(!image["code_file"].as_str().is_some_and(|path| path.ends_with("stacks")));
    }
}

/// A library to be loaded and unloaded.
fn plugin(name: &str) -> String {
    let plugin = scratch("plugins").join(name);
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=c11", "-O2", "-g", "-shared", "-fPIC", "-fvisibility=hidden"])
        .arg("-DLIBRARY_OUTER=plugin_outer")
        .arg(root().join("tests/c/stacks/plugin.c"));
    run(gcc.arg("-o").arg(&plugin), LIMIT).expect_success();
    plugin.display().to_string()
}

/// How many exceptions arrived of each distinct id.
fn arrived(receiver: &Receiver, id: &str) -> usize {
    receiver.accepted().iter().filter(|event| &*event.distinct_id == id).count()
}

#[test]
fn a_million_of_the_same_are_a_few_and_a_number() {
    let receiver = Receiver::start();
    Program::new("exceptions", Build::Shared).run(&[&receiver.url(), "loop"]);
    let events = receiver.events();
    assert!((10..70).contains(&events.len()), "{}", events.len());
    let suppressed = |event: &posthog_receiver::Event| {
        event.json["properties"]["$exception_suppressed_count"].as_u64().unwrap_or_default()
    };
    assert!(events[..10].iter().all(|event| suppressed(event) == 0));
    assert!(events[10..].iter().all(|event| suppressed(event) > 0));
}

#[test]
fn threads_capture_while_a_library_comes_and_goes() {
    let plugin = plugin("storm.so");
    for build in [Build::Shared, Build::Sanitized] {
        let receiver = Receiver::start();
        let program = Program::new("exceptions", build);
        program.finish(&[&receiver.url(), "storm", &plugin], &[]).expect_success();
        assert_eq!(arrived(&receiver, "thread"), 8 * 400);
        assert_eq!(arrived(&receiver, "plugin"), 200);
    }
}

#[test]
fn a_child_of_a_process_that_loads_libraries_captures() {
    let receiver = Receiver::start();
    let arguments = [&*receiver.url(), "fork", &plugin("fork.so")];
    Program::new("exceptions", Build::Shared).run(&arguments);
    assert_eq!(arrived(&receiver, "child"), 60);
}
