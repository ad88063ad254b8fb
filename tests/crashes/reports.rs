//! What a report says, and which there are.

use crate::scene::{Build, LIMIT, Scene, assert_top, functions, program};
use crate::support::run;
use std::process::Command;
use std::time::Duration;

#[test]
fn a_report_says_what_was_known_of_the_process() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "null-write");
    assert_eq!(ended.signal, Some(libc::SIGSEGV), "{ended}");
    // The time is the crash's own.
    std::thread::sleep(Duration::from_millis(1500));
    let report = scene.report(Build::Pie);
    let properties = &report["properties"];
    assert_eq!(report["event"], "$exception");
    assert_eq!(report["distinct_id"], "user_42");
    for (key, value) in [
        ("$exception_level", "fatal"),
        ("$exception_source", "native.signal_handler"),
        ("$release_id", "rel-of-the-dead"),
        ("plan", "pro"),
        ("$exception_signal", "SIGSEGV"),
        ("$exception_signal_address", "0x0"),
        ("$exception_thread", "crash"),
        ("$os", "Linux"),
    ] {
        assert_eq!(properties[key], value, "{key}: {report:#}");
    }
    assert_eq!(properties["$exception_steps"][0]["$message"], "opened the door");
    assert_eq!(properties["$exception_list"][0]["value"], "no memory at 0x0");
    let counter = if cfg!(target_arch = "x86_64") { "rip" } else { "pc" };
    assert!(properties["$exception_registers"][counter].is_string(), "{report:#}");
    let images = properties["$debug_images"].as_array().expect("images");
    assert!(
        images.iter().any(|it| it["code_file"].as_str().is_some_and(|it| it.ends_with("/crash")))
    );
    let frames = properties["$exception_list"][0]["stacktrace"]["frames"].as_array();
    let last = frames.and_then(|frames| frames.last()).expect("frames");
    assert!(last["filename"].as_str().is_some_and(|it| it.ends_with("victim.c")), "{last}");
    let stamp = report["timestamp"].as_str().expect("a time").to_owned();
    let now = std::time::SystemTime::now();
    let now_ms = now.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    let age_ms = now_ms - unix_ms(&stamp);
    assert!(age_ms >= 1500, "{stamp} is {age_ms} ms ago");
}

/// Of a time of today, in UTC.
fn unix_ms(text: &str) -> i64 {
    let mut date = Command::new("date");
    let output = run(date.args(["-u", "-d", text, "+%s%3N"]), LIMIT).expect_success();
    output.trim().parse().expect("a number")
}

#[test]
fn a_library_that_was_loaded_later() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "late-library");
    assert_eq!(ended.signal, Some(libc::SIGSEGV), "{ended}");
    let report = scene.report(Build::Pie);
    assert_top(&report, &[]);
    let images = report["properties"]["$debug_images"].to_string();
    assert!(images.contains("libvictim.so"), "{report:#}");
}

#[test]
fn a_note_is_a_report() {
    let scene = Scene::new();
    assert_eq!(scene.run(Build::Pie, "note").code, Some(3));
    let report = scene.report(Build::Pie);
    let exception = &report["properties"]["$exception_list"][0];
    assert_eq!(exception["type"], "panic");
    assert_eq!(exception["value"], "the reactor melts");
    assert_eq!(report["properties"]["$exception_level"], "fatal");
    assert_eq!(functions(&report)[0], "situation", "{report:#}");

    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "note-and-abort");
    assert_eq!(ended.signal, Some(libc::SIGABRT), "{ended}");
    let report = scene.report(Build::Pie);
    assert_eq!(report["properties"]["$exception_list"][0]["type"], "panic");
    assert_eq!(report["properties"]["$exception_signal"], "SIGABRT");
    assert_eq!(functions(&report)[0], "note_in_handler", "{report:#}");
}

/// What is captured is in the file when the call returns.
#[test]
fn a_fatal_exception_outlives_the_process_that_captures_it() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "fatal");
    assert_eq!(ended.signal, Some(libc::SIGKILL), "{ended}");
    assert!(!ended.stderr.contains("in memory only"), "{ended}");
    let report = scene.report(Build::Pie);
    assert_eq!(report["properties"]["$exception_level"], "fatal");
    assert_eq!(report["properties"]["$exception_list"][0]["type"], "Meltdown");
    assert_eq!(functions(&report)[0], "capture_fatal", "{report:#}");
}

#[test]
fn a_child_has_a_record_of_its_own() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "child");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(scene.files(), Vec::<String>::new());
    let ended = scene.run(Build::Pie, "busy-child");
    assert_eq!(ended.code, Some(0), "{ended}");
    let report = scene.report(Build::Pie);
    assert_top(&report, &[]);
    assert_eq!(report["properties"]["$exception_steps"][0]["$message"], "as a child");
}

#[test]
fn a_relative_directory_is_that_of_the_start() {
    let scene = Scene::new();
    let folder = scene.store.parent().expect("a folder");
    let elsewhere = folder.join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    let mut command = Command::new(program(Build::Pie));
    command.arg(scene.receiver.url()).args(["store", "busy-child"]).current_dir(folder);
    let ended = run(command.env_clear().env("ELSEWHERE", &elsewhere), LIMIT);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_top(&scene.report(Build::Pie), &[]);
}

/// A host's callback is the host's code, on whatever thread it runs.
#[test]
fn a_callback_that_crashes_in_the_sender() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "in-callback");
    assert_eq!(ended.signal, Some(libc::SIGSEGV), "{ended}");
    let events = scene.reports(Build::Pie);
    assert_eq!(events.len(), 2);
    let report = events.iter().find(|event| event.json["event"] == "$exception");
    let report = &report.expect("a report").json;
    assert_top(report, &[]);
    assert_eq!(report["properties"]["$exception_thread"], "posthog-sender");
}

#[test]
fn without_a_crash_nothing_is_reported() {
    let scene = Scene::new();
    for (what, signal) in [("opted-out", libc::SIGSEGV), ("kill", libc::SIGKILL)] {
        let ended = scene.run(Build::Pie, what);
        assert_eq!(ended.signal, Some(signal), "{ended}");
        assert_eq!(scene.files().len(), 1);
        assert_eq!(scene.reports(Build::Pie).len(), 0, "{what}");
    }
}

/// Until the server has it, it stays.
#[test]
fn a_report_outlives_a_server_that_does_not_answer() {
    use posthog_receiver::{Reply, Script};
    let scene = Scene::new();
    assert_eq!(scene.run(Build::Pie, "null-write").signal, Some(libc::SIGSEGV));
    scene.receiver.set_script(Script::new().always("/", Reply::status(503)));
    // It waits, in vain, and dies of something else.
    let mut command = scene.command(Build::Pie, "abort");
    assert_eq!(run(&mut command, LIMIT).signal, Some(libc::SIGABRT));
    scene.receiver.set_script(Script::new());
    let events = scene.reports(Build::Pie);
    let signals: Vec<_> =
        events.iter().map(|event| &event.json["properties"]["$exception_signal"]).collect();
    assert_eq!(signals, ["SIGSEGV", "SIGABRT"]);
}
