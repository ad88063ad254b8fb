//! The header and the libraries as a C program meets them: the header compiles alone in every
//! dialect, and the shared library exports exactly its functions.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use support::{has, library, root, run, scratch, skipped};

// Links the library, and with it its C functions, into this test.
use posthog as _;

unsafe extern "C" {
    safe fn ph_version() -> *const c_char;
}

const LIMIT: Duration = Duration::from_secs(60);

const C: [&str; 3] = ["c99", "c11", "c17"];
const CXX: [&str; 3] = ["c++11", "c++17", "c++20"];

/// Compiles a source that is nothing but `#include <posthog.h>`, so many times.
fn compile(compiler: &str, standard: &str, includes: usize) {
    let suffix = if standard.starts_with("c++") { "cc" } else { "c" };
    let source = scratch("header").join(format!("{compiler}-{standard}-{includes}.{suffix}"));
    std::fs::write(&source, "#include <posthog.h>\n".repeat(includes)).expect("a scratch file");
    let mut command = Command::new(compiler);
    command
        .arg(format!("-std={standard}"))
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I"])
        .arg(root().join("include"))
        .arg(&source);
    run(&mut command, LIMIT).expect_success();
}

#[test]
fn compiles_alone_in_every_dialect() {
    for (compiler, standards) in [("gcc", C), ("g++", CXX), ("clang", C), ("clang++", CXX)] {
        if compiler.starts_with("clang") && !has(compiler) {
            skipped("the header's dialects", &format!("no {compiler} here"));
            continue;
        }
        for standard in standards {
            compile(compiler, standard, 1);
        }
    }
}

#[test]
fn may_be_included_twice() {
    compile("gcc", "c99", 2);
    compile("g++", "c++11", 2);
}

/// The macros, as the compiler sees them.
#[test]
fn the_version_is_the_same_everywhere() {
    let source = scratch("header").join("version.c");
    let text = "#include <posthog.h>\n\
        PH_VERSION_MAJOR.PH_VERSION_MINOR.PH_VERSION_PATCH PH_VERSION\n";
    std::fs::write(&source, text).expect("a scratch file");
    let mut command = Command::new("gcc");
    command.args(["-E", "-P", "-I"]).arg(root().join("include")).arg(&source);
    let expanded = run(&mut command, LIMIT).expect_success();
    // The preprocessor may separate tokens; the header's typedefs come before the last line.
    let last = expanded.trim().lines().last().unwrap_or_default().replace(' ', "");

    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(last, format!("{version}\"{version}\""), "the header's macros");
    // SAFETY: ph_version returns a static string.
    let linked = unsafe { CStr::from_ptr(ph_version()) };
    assert_eq!(linked.to_str(), Ok(version), "ph_version");
}

/// Every function that the header declares: `PH_API type name(arguments);`, on any number of lines.
#[cfg(target_os = "linux")]
fn declared() -> BTreeSet<String> {
    let header = std::fs::read_to_string(root().join("include/posthog.h")).expect("the header");
    let mut code = String::new();
    for line in without_comments(&header).lines().filter(|line| !line.starts_with('#')) {
        code.push_str(line);
        code.push('\n');
    }
    let heads = code.split("PH_API").skip(1).filter_map(|rest| rest.split('(').next());
    let names = heads.filter_map(|head| head.rsplit([' ', '*', '\n']).next());
    names.map(str::to_owned).collect()
}

#[cfg(target_os = "linux")]
fn without_comments(text: &str) -> String {
    let mut parts = text.split("/*");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |code, part| code + part.split_once("*/").map_or("", |(_, rest)| rest))
}

/// The symbols that a shared library defines for others.
#[cfg(target_os = "linux")]
fn exported(library: &Path) -> BTreeSet<String> {
    let mut command = Command::new("nm");
    command.args(["-D", "--defined-only"]).arg(library);
    let listing = run(&mut command, LIMIT).expect_success();
    listing.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn the_shared_library_exports_the_headers_functions_and_nothing_else() {
    let declared = declared();
    assert!(declared.contains("ph_capture") && declared.len() > 50, "{declared:?}");
    let strays: Vec<_> = declared.iter().filter(|name| !name.starts_with("ph_")).collect();
    assert!(strays.is_empty(), "declared without the prefix: {strays:?}");

    let exported = exported(&library("libposthog.so"));
    let missing: Vec<_> = declared.difference(&exported).collect();
    let extra: Vec<_> = exported.difference(&declared).collect();
    assert!(missing.is_empty(), "in the header only: {missing:?}");
    assert!(extra.is_empty(), "in the library only: {extra:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_shared_library_has_its_name_and_stays_loaded() {
    let mut command = Command::new("readelf");
    command.args(["--dynamic", "--wide"]).arg(library("libposthog.so"));
    let dynamic = run(&mut command, LIMIT).expect_success();
    let major = env!("CARGO_PKG_VERSION_MAJOR");
    let soname = format!("soname: [libposthog.so.{major}]");
    assert!(dynamic.contains(&soname), "no {soname}\n{dynamic}");
    let flags = dynamic.lines().find(|line| line.contains("(FLAGS_1)")).unwrap_or_default();
    assert!(flags.contains("NODELETE"), "{dynamic}");
    let text_relocations = dynamic.contains("(TEXTREL)");
    assert!(!text_relocations, "position dependent\n{dynamic}");
}
