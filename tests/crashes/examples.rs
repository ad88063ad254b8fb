//! The examples die and report it.

use crate::scene::{LIMIT, Scene, functions};
use crate::support::program::{Build as Linked, Program};
use crate::support::{library, root, run, scratch, skipped};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Dies, then reports, as the examples do; the report.
fn example(program: &Path) -> Value {
    let scene = Scene::new();
    let start = |more: &[&str]| {
        let mut command = Command::new(program);
        command
            .arg(&scene.store)
            .args(more)
            .env_clear()
            .env("POSTHOG_API_KEY", "phc_test")
            .env("POSTHOG_HOST", scene.receiver.url());
        run(&mut command, LIMIT)
    };
    let died = start(&["die"]);
    assert!(died.signal.is_some(), "{died}");
    let ended = start(&[]);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(format!("{}{}", ended.stdout, ended.stderr).contains("reported: 1"), "{ended}");
    let events = scene.receiver.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].json["distinct_id"], "user_42");
    events[0].json.clone()
}

#[test]
fn the_example_in_c() {
    let program = Program::of(&root().join("examples/crash_report.c"), Linked::Shared);
    let report = example(program.path());
    // `read_sensor` may have become a part of it.
    assert!(functions(&report)[..2].contains(&"main"), "{report:#}");
    assert_eq!(report["properties"]["$exception_steps"][0]["$message"], "asked the sensor");
}

#[test]
fn the_example_in_zig() {
    let folder = scratch("crash-zig");
    let zig = root().join("tools/zig");
    let mut build = Command::new(&zig);
    build
        .args(["build", "panic", "--prefix"])
        .arg(&folder)
        .arg(format!("-Dlibrary={}", library("libposthog.a").display()))
        .current_dir(root().join("bindings/zig"));
    let built = run(&mut build, Duration::from_secs(300));
    if built.code == Some(77) {
        return skipped("the example in Zig", built.stdout.trim());
    }
    built.expect_success();
    let report = example(&folder.join("bin/panic"));
    let exception = &report["properties"]["$exception_list"][0];
    assert_eq!(exception["type"], "panic");
    let message = exception["value"].as_str().expect("a message");
    assert!(message.contains("index out of bounds"), "{message}");
    assert!(exception["stacktrace"].to_string().contains("reactor"), "{report:#}");
}
