//! Rules that no compiler checks: which module may use which, who may know of C, of threads and of
//! clocks, and that what is written twice is the same.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use support::root;
use support::source::{Source, code_of, has_word, sources};

/// Which modules each may use. A line uses only those of lines above it, so that no arrow turns
/// back. `ffi` alone may know that C exists, and comes last.
const LAYERS: [(&str, &str); 45] = [
    ("error", ""),
    ("json", ""),
    ("timestamp", ""),
    ("ledger", ""),
    ("batch", ""),
    ("retry", ""),
    ("uuid", ""),
    ("packer", ""),
    ("carrier", ""),
    ("proxy", ""),
    ("redirect", ""),
    ("trust", ""),
    ("sys", ""),
    ("clock", "sys timestamp"),
    ("counters", "error"),
    ("header", "error"),
    ("record", "timestamp"),
    ("props", "error json"),
    ("event", "error json props timestamp"),
    ("exception", "clock error event json props sys timestamp uuid"),
    ("symbols", "exception json sys timestamp"),
    ("hooks", "event"),
    ("log", "hooks sys"),
    ("report", "hooks"),
    ("storage", "sys uuid"),
    ("store", "clock error log record storage sys"),
    ("queue", "batch error ledger log record storage store uuid"),
    (
        "config",
        "carrier error event exception header hooks json log packer proxy queue report retry timestamp",
    ),
    ("crash", "clock config error exception log props storage sys timestamp uuid"),
    ("stamps", "config error json props sys"),
    ("wire", "config json props queue record retry stamps timestamp"),
    ("line", "queue retry timestamp"),
    ("resolver", "sys"),
    ("connector", "proxy resolver sys trust"),
    ("route", "carrier config connector error header log proxy report resolver trust"),
    ("transport", "carrier connector hooks log redirect report resolver route sys"),
    (
        "worker",
        "clock counters exception hooks ledger line log packer props queue report retry symbols timestamp transport uuid wire",
    ),
    ("sender", "error log sys worker"),
    ("lane", "error queue sender worker"),
    (
        "flags",
        "clock config counters error event hooks json log props report retry route sys timestamp transport uuid",
    ),
    (
        "runtime",
        "config counters crash exception flags hooks lane log queue report storage store transport uuid wire worker",
    ),
    (
        "client",
        "clock config counters crash error event exception flags hooks json lane ledger log props queue record report route runtime stamps storage symbols sys timestamp transport uuid wire",
    ),
    (
        "ffi",
        "carrier client config error event exception flags hooks ledger log packer props queue report sys timestamp wire",
    ),
    ("panics", "client exception ffi hooks sys"),
    ("lib", ""),
];

/// The one arrow that turns back: a runtime is made from what all lives of its client share.
const EXCEPTION: (&str, &str) = ("runtime", "client::Shared");

/// Handed state and a time; they touch neither threads, nor sockets, nor clocks.
const PURE: [&str; 17] = [
    "src/batch.rs",
    "src/header.rs",
    "src/retry.rs",
    "src/wire.rs",
    "src/wire/",
    "src/line.rs",
    "src/record.rs",
    "src/props.rs",
    "src/json.rs",
    "src/json/",
    "src/timestamp.rs",
    "src/flags/explanation.rs",
    "src/flags/found.rs",
    "src/flags/remote.rs",
    "src/flags/loader/endpoint.rs",
    "src/flags/loader/pass.rs",
    "src/flags/local/",
];

const IMPURE: [&str; 9] =
    ["thread", "Mutex", "ureq", "net", "TcpStream", "now()", "sleep", "crossbeam_channel", "clock"];

/// What only `src/ffi` may say.
const OF_C: [&str; 8] =
    ["CStr", "CString", "c_char", "c_void", "safer_ffi", "no_mangle", "extern \"\"", "crate::ffi"];

/// Places beside `src/ffi` that may say some of it, and why.
const OF_C_TOO: [(&str, &[&str], &str); 4] = [
    ("src/panics.rs", &["crate::ffi"], "a Rust program has the client that C would have"),
    ("src/flags/snapshot.rs", &["CStr", "CString"], "a snapshot lends its texts to C as they lie"),
    ("src/flags/snapshot/", &["CStr", "CString"], "a part of it"),
    (
        "src/sys/",
        &["extern \"\"", "CStr", "c_char", "c_void"],
        "the system calls handlers, such as that of pthread_atfork, and has texts of C",
    ),
];

/// What an export may do before it enters the panic boundary: it cannot panic.
const BEFORE_GUARD: [&str; 4] = [
    "let mut fate = Ok(());",
    "let mut text = [0_u8; PH_UUID_SIZE];",
    "let status = ",
    "let here = 0_u8;",
];

/// Longer files are not read in one sitting. The rule of thumb is 400.
const LINES_MAX: usize = 600;

/// What follows `prefix` wherever it stands in the code, as far as it is a path.
fn paths<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let starts = code.match_indices(prefix).map(|(at, _)| at + prefix.len());
    let part_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    starts
        .map(|start| code[start..].split(|c| !part_of_path(c)).next().unwrap_or_default())
        .collect()
}

/// The modules of the crate that a file names, with what follows.
fn used(source: &Source) -> Vec<&str> {
    let mut used = paths(&source.code, "crate::");
    if source.path.matches('/').count() == 1 {
        // In a file directly under `src` this is the crate's root, too.
        used.extend(paths(&source.code, "super::").iter().filter(|path| is_module(path)));
    }
    used.retain(|path| !path.starts_with(source.module()));
    used
}

fn is_module(path: &str) -> bool {
    LAYERS.iter().any(|(name, _)| path.split("::").next() == Some(name))
}

#[test]
fn no_arrow_turns_back() {
    for (index, (module, allowed)) in LAYERS.iter().enumerate() {
        for used in allowed.split_whitespace() {
            let below = LAYERS[..index].iter().any(|(name, _)| *name == used);
            assert!(below, "{module} may not use {used}, which is not above it in the table");
        }
    }
}

#[test]
fn modules_use_what_their_layer_allows() {
    let sources = sources();
    assert!(sources.len() > 30, "the source should be in src");
    let mut wrong = Vec::new();
    for source in &sources {
        let layer = LAYERS.iter().find(|(name, _)| *name == source.module());
        let Some((module, allowed)) = layer else {
            wrong.push(format!("{}: its module is not in the table", source.path));
            continue;
        };
        for path in used(source) {
            let name = path.split("::").next().unwrap_or_default();
            if !allowed.split_whitespace().any(|it| it == name) && (*module, path) != EXCEPTION {
                wrong.push(format!("{}: {module} may not use {path}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_parts_touch_no_thread_no_socket_and_no_clock() {
    let sources = sources();
    let pure: Vec<_> = sources.iter().filter(|source| source.is_in(&PURE)).collect();
    assert!(pure.len() >= PURE.len() - 2, "the pure parts should be where the list says");
    let found: Vec<_> = pure
        .iter()
        .flat_map(|source| IMPURE.map(|word| source.lines_with(word)).concat())
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

const WAITS: [&str; 7] = ["Mutex", "RwLock", "Once", "OnceLock", "LazyLock", "OnceCell", "Lazy"];

/// A lock that a forked child inherits may be held by a thread that only its parent has.
#[test]
fn no_static_can_make_a_forked_child_wait() {
    let mut found = Vec::new();
    // Where the kernel cannot wipe memory, the handler of `pthread_atfork` is registered once.
    for source in sources().iter().filter(|source| !source.is_in(&["src/sys/fork.rs"])) {
        let statics = source.lines_with("static");
        found.extend(statics.into_iter().filter(|line| WAITS.iter().any(|it| has_word(line, it))));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn only_ffi_knows_that_c_exists() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.is_in(&["src/ffi/"])) {
        let allowed = OF_C_TOO.iter().find(|(place, _, _)| source.is_in(&[place]));
        let allowed = allowed.map_or(&[][..], |(_, words, _)| words);
        for word in OF_C.iter().filter(|word| !allowed.contains(word)) {
            found.extend(source.lines_with(word));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn only_ffi_and_sys_are_unsafe_and_say_why() {
    let mut found = Vec::new();
    for source in sources() {
        let lines = source.lines_with("unsafe");
        if !source.is_in(&["src/ffi/", "src/sys/"]) {
            found.extend(lines);
            continue;
        }
        let text: Vec<_> = source.text.lines().collect();
        for (index, line) in source.code.lines().enumerate() {
            let opens = line.contains("unsafe {") || line.contains("unsafe impl");
            if opens && !has_reason(&text[..index]) {
                found.push(format!("{}:{}: no SAFETY comment", source.path, index + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whether these lines end with a SAFETY comment, or with the beginning of a statement after one.
fn has_reason(before: &[&str]) -> bool {
    let statement = before.iter().rev().skip_while(|line| {
        let line = line.trim();
        !line.starts_with("//") && !line.is_empty() && !line.ends_with([';', '}'])
    });
    let mut comment = statement.take_while(|line| line.trim().starts_with("//"));
    comment.any(|line| line.contains("SAFETY:"))
}

/// The name and the body's first statement of each exported function.
fn exported(code: &str) -> Vec<(&str, &str)> {
    let functions = code.split("#[unsafe(no_mangle)]").skip(1);
    let parts = functions.map(|function| {
        let (head, body) = function.split_once('{').expect("a body");
        let name = head.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next());
        (name.expect("a function"), body.trim_start())
    });
    parts.collect()
}

/// Whether a body begins with `guard` or `attempt`, or with a helper whose body does.
fn is_guarded(ffi: &str, mut body: &str) -> bool {
    for harmless in BEFORE_GUARD {
        body = body.strip_prefix(harmless).unwrap_or(body).trim_start();
    }
    let Some((called, _)) = body.split_once('(') else { return false };
    if ["guard", "attempt"].contains(&called) {
        return true;
    }
    let helper = ffi.split("\nfn ").skip(1).find(|helper| {
        helper.strip_prefix(called).is_some_and(|rest| rest.starts_with(['(', '<']))
    });
    let helper_body = helper.and_then(|helper| helper.split_once("{\n"));
    helper_body.is_some_and(|(_, body)| is_guarded(ffi, body.trim_start()))
}

#[test]
fn every_export_is_named_ph_and_guarded() {
    let sources = sources();
    let files = sources.iter().filter(|source| source.is_in(&["src/ffi/"]));
    let ffi: String = files.map(|source| source.code.as_str()).collect();
    let ffi = ffi.replace("\npub(super) fn ", "\nfn ");
    let exports = exported(&ffi);
    assert!(exports.len() > 50, "{} exports", exports.len());
    for (name, body) in &exports {
        assert!(name.starts_with("ph_"), "{name} is exported");
        let first = body.lines().next().unwrap_or_default();
        assert!(is_guarded(&ffi, body), "{name} begins with {first}, outside the panic boundary");
    }
    let public = ffi.matches("extern \"\" fn ph_").count();
    assert_eq!(public, exports.len(), "every public C function is exported");
}

#[test]
fn nothing_is_left_over() {
    let mut found = Vec::new();
    for source in sources() {
        for word in ["dbg!", "println!", "eprintln!", "print!", "eprint!"] {
            found.extend(source.lines_with(word));
        }
        for (index, line) in source.text.lines().enumerate() {
            if line.contains("TODO") || line.contains("FIXME") || line.contains("XXX") {
                found.push(format!("{}:{}: {line}", source.path, index + 1));
            }
        }
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            found.push(format!("{}: {lines} lines", source.path));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn read(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Each README shows how a program that uses the library is tested. That is part of a test which
/// runs.
#[test]
fn the_readmes_test_of_a_program_is_a_test() {
    for (readme, language, test) in [
        ("README.md", "c", "tests/c/test_mode.c"),
        ("README.md", "cpp", "tests/cxx/test_mode.cc"),
        ("bindings/go/README.md", "go", "bindings/go/example_test.go"),
        ("bindings/python/README.md", "python", "bindings/python/tests/test_capture_only.py"),
        ("bindings/zig/README.md", "zig", "bindings/zig/tests/behaviour.zig"),
    ] {
        let (text, code) = (read(readme), read(test));
        let (_, section) = text.split_once("\n## Test your program\n").expect(readme);
        let section = section.split("\n## ").next().unwrap_or_default();
        let (_, shown) = section.split_once(&format!("```{language}\n")).expect(readme);
        let shown: Vec<_> = shown.split("```").next().unwrap_or_default().lines().collect();
        let code: Vec<_> = code.lines().map(str::trim).collect();
        let trimmed: Vec<_> = shown.iter().map(|line| line.trim()).collect();
        let runs = code.windows(trimmed.len()).any(|lines| lines == trimmed);
        assert!(shown.len() <= 6 && runs, "{test} has not what {readme} shows in {language}");
    }
}

#[test]
fn the_readme_shows_the_example_as_it_is() {
    let (readme, example) = (read("README.md"), read("examples/quickstart.c"));
    let blocks = readme.split("```c\n").skip(1);
    let mut shown = blocks.map(|rest| rest.split("```").next().unwrap_or_default());
    assert!(shown.any(|block| block == example), "no ```c block of README.md is the example");
}

/// The keys of a table of `Cargo.toml`.
fn keys(manifest: &str, table: &str) -> BTreeSet<String> {
    let head = format!("\n[{table}]\n");
    let (_, rest) = manifest.split_once(&head).expect("the table");
    let lines = rest.lines().take_while(|line| !line.starts_with('['));
    let keys = lines.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned());
    keys.filter(|key| !key.starts_with('#')).collect()
}

#[test]
fn every_dependency_is_explained() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let mut dependencies = keys(&manifest, "dependencies");
    dependencies.extend(keys(&manifest, "build-dependencies"));

    let page = std::fs::read_to_string(root().join("docs/architecture.md")).expect("the page");
    let (_, section) = page.split_once("\n## Dependencies\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    // `flate2` with `zlib-rs`; `rustls` (feature `tls`): what follows is not a dependency's name.
    let names = rows.flat_map(|row| {
        let column = row.split('|').nth(1).unwrap_or_default();
        let names = column.split(" with ").next().unwrap_or_default().split('(').next();
        names.unwrap_or_default().split('`').skip(1).step_by(2)
    });
    let explained: BTreeSet<_> = names.map(str::to_owned).collect();
    assert_eq!(dependencies, explained, "Cargo.toml and docs/architecture.md");
}

#[test]
fn the_reader_of_source_finds_code_only() {
    let text =
        "a // unsafe\nb /* unsafe\n */ c \"unsafe \\\" // \" d r#\"un\"safe\"# '\"' 'x' &'a e";
    assert_eq!(code_of(text), "a \nb \n c \"\" d \"\" \"\" \"\" &'a e");
}
