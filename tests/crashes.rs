//! Programs that die, and what their next start reports: how they end stays as it was, nothing
//! hangs, and there is one report, of the right place.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![cfg(feature = "crash")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use posthog_receiver::{Event, Receiver};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::program::{Build as Linked, Program};
use support::{Finished, has, library, root, run, scratch, skipped};

// Has cargo build the library.
use posthog as _;

const LIMIT: Duration = Duration::from_secs(120);

/// How the functions that die are built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Build {
    /// In a position-independent program, with frame pointers.
    Pie,
    /// In a library that the program is linked with.
    Library,
    /// In a program at a fixed address, optimised, without frame pointers.
    Bare,
}

/// Built once for each way.
fn program(build: Build) -> PathBuf {
    static BUILT: Mutex<Vec<(String, PathBuf)>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let name = format!("{build:?}");
    if let Some((_, path)) = built.iter().find(|(known, _)| *known == name) {
        return path.clone();
    }
    let folder = scratch(&format!("crashes-{name}"));
    let source = root().join("tests/c/crash");
    let posthog = library("libposthog.so");
    let soname = folder.join("libposthog.so.0");
    let _ = std::fs::remove_file(&soname);
    std::os::unix::fs::symlink(&posthog, &soname).expect("a link");
    let gcc = |more: &[&str]| {
        let mut gcc = Command::new("gcc");
        gcc.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g", "-pthread"])
            // What it does is wrong on purpose.
            .args(["-Wno-infinite-recursion", "-Wno-use-after-free", "-Wl,--build-id=sha1", "-I"])
            .arg(root().join("include"))
            .args(more)
            .current_dir(&folder);
        gcc
    };
    let style: &[&str] = match build {
        Build::Pie => &["-O1", "-fno-omit-frame-pointer", "-fPIE", "-pie"],
        Build::Library => &["-O1", "-fPIE", "-pie"],
        Build::Bare => &["-O2", "-fomit-frame-pointer", "-fno-pie", "-no-pie"],
    };
    let mut main = gcc(style);
    main.arg(source.join("crash.c"));
    let mut victim = gcc(&["-O2", "-shared", "-fPIC", "-o", "libvictim.so"]);
    run(victim.arg(source.join("victim.c")), LIMIT).expect_success();
    if build == Build::Library {
        main.arg("libvictim.so");
    } else {
        main.arg(source.join("victim.c"));
    }
    main.arg(&soname).arg(format!("-Wl,-rpath,{}", folder.display())).args(["-o", "crash"]);
    run(&mut main, LIMIT).expect_success();
    built.push((name, folder.join("crash")));
    folder.join("crash")
}

/// A place for the files of one test's processes, and a server.
struct Scene {
    store: PathBuf,
    receiver: Receiver,
}

impl Scene {
    fn new() -> Scene {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = scratch("crash-stores").join(format!("{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Scene { store: folder.join("store"), receiver: Receiver::start() }
    }

    fn command(&self, build: Build, what: &str) -> Command {
        let mut command = Command::new(program(build));
        command.arg(self.receiver.url()).arg(&self.store).arg(what).env_clear();
        command
    }

    fn run(&self, build: Build, what: &str) -> Finished {
        run(&mut self.command(build, what), LIMIT)
    }

    /// What the next starts report: all at the first, and nothing at the second.
    fn reports(&self, build: Build) -> Vec<Event> {
        let first = self.run(build, "report").expect_success();
        let events = self.receiver.events();
        assert_eq!(first.trim(), events.len().to_string());
        assert_eq!(self.run(build, "report").expect_success().trim(), "0");
        assert_eq!(self.receiver.counts().accepted, events.len() as u64);
        assert_eq!(self.files(), Vec::<String>::new());
        events
    }

    /// The one report that there is.
    #[track_caller]
    fn report(&self, build: Build) -> Value {
        let mut events = self.reports(build);
        assert_eq!(events.len(), 1);
        events.remove(0).json
    }

    fn files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.store) else { return Vec::new() };
        entries.map(|it| it.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.store.parent().expect("a folder"));
    }
}

/// The functions of the program's own, innermost first.
fn functions(report: &Value) -> Vec<&str> {
    let frames = report["properties"]["$exception_list"][0]["stacktrace"]["frames"].as_array();
    let frames = frames.unwrap_or_else(|| panic!("no frames: {report:#}"));
    let name = |frame: &'_ Value| -> bool { frame["in_app"] == true };
    let own = frames.iter().rev().filter(|frame| name(frame));
    own.map(|frame| frame["function"].as_str().unwrap_or("?").split('.').next().unwrap_or("?"))
        .collect()
}

const TOP: [&str; 3] = ["victim_inner", "victim_middle", "victim_outer"];

#[track_caller]
fn assert_top(report: &Value, above: &[&str]) {
    let functions = functions(report);
    let expected: Vec<&str> = above.iter().chain(&TOP).copied().collect();
    assert!(functions.len() > expected.len(), "{report:#}");
    assert_eq!(functions[..expected.len()], expected, "{report:#}");
}

/// Dies in each way, and looks at the report.
fn torture(build: Build) {
    // The way, the signal, and whether the top is the place itself.
    for (way, signal, kind) in [
        ("null-write", libc::SIGSEGV, "SIGSEGV"),
        ("null-call", libc::SIGSEGV, "SIGSEGV"),
        ("wild-jump", libc::SIGSEGV, "SIGSEGV"),
        ("abort", libc::SIGABRT, "SIGABRT"),
        ("double-free", libc::SIGABRT, "SIGABRT"),
        ("corrupted-heap", libc::SIGSEGV, "SIGSEGV"),
        ("division", libc::SIGFPE, "SIGFPE"),
        ("illegal", libc::SIGILL, "SIGILL"),
        ("raise", libc::SIGSEGV, "SIGSEGV"),
        ("trap", libc::SIGTRAP, "SIGTRAP"),
        ("forbidden", libc::SIGSYS, "SIGSYS"),
        ("bus", libc::SIGBUS, "SIGBUS"),
        ("threads", libc::SIGSEGV, "SIGSEGV"),
    ] {
        if way == "division" && cfg!(target_arch = "aarch64") {
            // It is no error there.
            continue;
        }
        let scene = Scene::new();
        let ended = scene.run(build, way);
        let signal =
            if way == "illegal" && cfg!(target_arch = "aarch64") { libc::SIGTRAP } else { signal };
        assert_eq!(ended.signal, Some(signal), "{way}: {ended}");
        let report = scene.report(build);
        assert_top(&report, &[]);
        let exception = &report["properties"]["$exception_list"][0];
        if signal != libc::SIGTRAP {
            assert_eq!(exception["type"], kind, "{way}: {report:#}");
        }
        assert_eq!(exception["mechanism"]["type"], "signal");
        assert_eq!(exception["mechanism"]["handled"], false);
    }
}

#[test]
fn a_position_independent_program() {
    torture(Build::Pie);
}

#[test]
fn a_library() {
    torture(Build::Library);
}

#[test]
fn a_program_without_frame_pointers() {
    torture(Build::Bare);
}

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
fn a_stack_that_is_used_up() {
    for build in [Build::Pie, Build::Library, Build::Bare] {
        for (what, thread) in [("overflow", "crash"), ("thread-overflow", "victim")] {
            let scene = Scene::new();
            let ended = scene.run(build, what);
            assert_eq!(ended.signal, Some(libc::SIGSEGV), "{what}: {ended}");
            let report = scene.report(build);
            assert!(functions(&report)[..8].iter().all(|it| *it == "victim_deep"), "{report:#}");
            assert_eq!(report["properties"]["$exception_thread"], thread);
        }
    }
}

#[test]
fn a_crash_inside_a_signal_handler() {
    for build in [Build::Pie, Build::Library, Build::Bare] {
        let scene = Scene::new();
        let ended = scene.run(build, "in-handler");
        assert_eq!(ended.signal, Some(libc::SIGSEGV), "{ended}");
        let report = scene.report(build);
        assert_top(&report, &[]);
        // Through the handler to what it interrupted.
        if cfg!(target_arch = "x86_64") {
            assert!(functions(&report).contains(&"main"), "{build:?}: {report:#}");
        }
    }
}

#[test]
fn a_crash_inside_the_allocator() {
    for build in [Build::Pie, Build::Library, Build::Bare] {
        let scene = Scene::new();
        let ended = scene.run(build, "in-malloc");
        let signal = ended.signal.expect("it dies");
        assert!([libc::SIGABRT, libc::SIGSEGV].contains(&signal), "{ended}");
        assert_top(&scene.report(build), &[]);
    }
}

#[test]
fn a_former_handler_gets_the_signal_as_it_was() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "former-handler");
    assert_eq!(ended.code, Some(42), "{ended}");
    assert_top(&scene.report(Build::Pie), &[]);
}

#[test]
fn what_is_survived_is_no_crash() {
    for what in ["recovers", "jumps", "thread-jumps"] {
        let scene = Scene::new();
        let ended = scene.run(Build::Pie, what);
        assert_eq!(ended.code, Some(0), "{what}: {ended}");
        assert_eq!(scene.files(), Vec::<String>::new(), "{what}");
    }
    for what in ["recovers-and-dies", "jumps-and-dies"] {
        let scene = Scene::new();
        let ended = scene.run(Build::Pie, what);
        assert_eq!(ended.signal, Some(libc::SIGABRT), "{what}: {ended}");
        assert_eq!(scene.report(Build::Pie)["properties"]["$exception_signal"], "SIGABRT");
    }
}

/// As those do that print something first.
#[test]
fn a_handler_that_aborts_is_not_the_crash() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "handler-aborts");
    assert_eq!(ended.signal, Some(libc::SIGABRT), "{ended}");
    let report = scene.report(Build::Pie);
    assert_eq!(report["properties"]["$exception_signal"], "SIGSEGV");
    assert_top(&report, &[]);
}

/// The bound is 100 ms; threads may have to wait for a processor besides.
#[test]
fn writing_a_crash_down_is_bounded() {
    for what in ["measured", "measured-threads"] {
        let scene = Scene::new();
        let ended = scene.run(Build::Pie, what);
        assert_eq!(ended.code, Some(42), "{what}: {ended}");
        let took_us: u64 = ended.stdout.trim().parse().expect("a number");
        assert!(took_us < 400_000, "{what}: {took_us} us");
        assert_top(&scene.report(Build::Pie), &[]);
    }
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

/// The system lets nothing end it that it sends itself.
#[test]
fn the_first_process_of_a_container() {
    if !has("unshare") {
        return skipped("crashes of the first process", "unshare is not here");
    }
    for (way, signals) in [
        ("null-write", [libc::SIGSEGV, libc::SIGSEGV]),
        // Where the system ignores the signal, `abort` ends itself by a forbidden instruction.
        ("abort", [libc::SIGABRT, libc::SIGSEGV]),
        ("trap", [libc::SIGTRAP, libc::SIGTRAP]),
        ("forbidden", [libc::SIGSYS, libc::SIGSYS]),
    ] {
        let scene = Scene::new();
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--pid", "--fork"])
            .arg(program(Build::Pie))
            .arg(scene.receiver.url())
            .arg(&scene.store)
            .arg(way);
        let ended = run(&mut command, LIMIT);
        if ended.code == Some(1) && ended.stderr.contains("unshare") {
            return skipped("crashes of the first process", ended.stderr.trim());
        }
        assert_eq!(ended.signal.or(ended.code.map(|it| it - 128)), Some(signals[1]), "{ended}");
        let report = scene.report(Build::Pie);
        assert_top(&report, &[]);
        let number = report["properties"]["$exception_signal"].as_str();
        let names = [
            (libc::SIGSEGV, "SIGSEGV"),
            (libc::SIGABRT, "SIGABRT"),
            (libc::SIGTRAP, "SIGTRAP"),
            (libc::SIGSYS, "SIGSYS"),
        ];
        assert!(names.contains(&(signals[0], number.unwrap_or_default())), "{way}: {report:#}");
    }
}

#[test]
fn a_file_that_is_removed_is_told_once() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "removed");
    assert_eq!(ended.signal, Some(libc::SIGSEGV), "{ended}");
    assert_eq!(ended.stderr.matches("has been removed").count(), 1, "{ended}");
    assert_eq!(scene.files(), Vec::<String>::new());
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

/// Whatever it is doing, also to its client.
#[test]
fn a_signal_at_any_instant() {
    let scene = Scene::new();
    for run in 0..30_u64 {
        let mut command = scene.command(Build::Pie, "work");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it");
        let mut line = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert_eq!(line, "working\n");
        std::thread::sleep(Duration::from_micros(run * 997 % 15_000));
        let pid = child.id().to_string();
        run_kill(&pid, if run % 2 == 0 { "-SEGV" } else { "-ABRT" });
        let status = child.wait().expect("it ends");
        let signal = if run % 2 == 0 { libc::SIGSEGV } else { libc::SIGABRT };
        assert_eq!(status.signal(), Some(signal));
    }
    scene.run(Build::Pie, "report").expect_success();
    assert_eq!(scene.files(), Vec::<String>::new());
    let events = scene.receiver.events();
    let reports: Vec<_> = events.iter().filter(|it| it.json["event"] == "$exception").collect();
    assert_eq!(reports.len(), 30);
    for report in reports {
        let properties = &report.json["properties"];
        assert_eq!(
            (&report.json["distinct_id"], &properties["plan"]),
            (&"user_42".into(), &"pro".into())
        );
        assert!(properties["$exception_steps"].as_array().is_some_and(|it| !it.is_empty()));
        let frames = properties["$exception_list"][0]["stacktrace"]["frames"].as_array();
        assert!(frames.is_some_and(|it| it.len() > 1), "{properties:#}");
    }
}

fn run_kill(pid: &str, signal: &str) {
    run(Command::new("kill").args([signal, pid]), LIMIT).expect_success();
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

/// Runs in a file system of a few MiB, which is gone with the process.
fn in_small_disk(scene: &Scene, what: &str, then: &str) -> Option<Finished> {
    let disk = scene.store.parent().expect("a folder").join("disk");
    std::fs::create_dir_all(&disk).expect("a folder");
    let script = format!(
        "mount -t tmpfs -o size=3m none {disk} || exit 77; ulimit -c 0; \
         {program} {url} {disk}/store {what}; echo ended $?; {then}",
        disk = disk.display(),
        program = program(Build::Pie).display(),
        url = scene.receiver.url(),
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    let finished = run(&mut command, LIMIT);
    if finished.code == Some(77) || finished.code == Some(1) && finished.stdout.is_empty() {
        skipped("a crash on a full disk", "no file system can be mounted here");
        return None;
    }
    Some(finished)
}

#[test]
fn a_disk_that_is_full() {
    if !has("unshare") {
        return skipped("a crash on a full disk", "unshare is not here");
    }
    let scene = Scene::new();
    let Some(ended) = in_small_disk(&scene, "disk-full", "true") else { return };
    // 128 and the number of the signal.
    assert!(ended.stdout.contains("ended 139"), "{ended}");
    assert!(ended.stderr.contains("will not be reported"), "{ended}");

    // Allocated ahead: what fills up later does no harm.
    let report = format!(
        "rm {disk}/store.filler; {program} {url} {disk}/store report",
        disk = scene.store.parent().expect("a folder").join("disk").display(),
        program = program(Build::Pie).display(),
        url = scene.receiver.url(),
    );
    let Some(ended) = in_small_disk(&scene, "disk-fills", &report) else { return };
    assert!(ended.stdout.contains("ended 139"), "{ended}");
    let events = scene.receiver.events();
    assert_eq!(events.len(), 1, "{ended}");
    assert_top(&events[0].json, &[]);
}

#[test]
fn a_directory_that_is_unfit_is_told_once() {
    let scene = Scene::new();
    std::fs::write(&scene.store, b"a file").expect("a file");
    let ended = scene.run(Build::Pie, "report");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(ended.stderr.matches("storage directory").count(), 1, "{ended}");
    assert!(ended.stderr.contains("not a directory"), "{ended}");
    std::fs::remove_file(&scene.store).expect("it was there");
}

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

#[test]
fn pythons_faulthandler_prints() {
    if !has("python3") {
        return skipped("a crash under faulthandler", "python3 is not here");
    }
    for order in ["before", "after"] {
        let scene = Scene::new();
        let mut python = Command::new("python3");
        python
            .arg(root().join("tests/c/crash/faulthandler_test.py"))
            .arg(library("libposthog.so"))
            .args([&scene.receiver.url(), scene.store.to_str().expect("UTF-8"), order]);
        let ended = run(&mut python, LIMIT);
        assert_eq!(ended.signal, Some(libc::SIGSEGV), "{ended}");
        assert!(ended.stderr.contains("Fatal Python error: Segmentation fault"), "{ended}");
        assert!(ended.stderr.contains("in dies"), "{ended}");
        let report = scene.report(Build::Pie);
        assert_eq!(report["properties"]["$exception_signal"], "SIGSEGV", "{order}: {report:#}");
    }
}

#[test]
fn javas_exceptions_are_still_exceptions() {
    if !has("javac") || !has("java") {
        return skipped("a crash in a Java virtual machine", "java and javac are not here");
    }
    let folder = scratch("crash-java");
    let source = root().join("tests/c/crash");
    let mut javac = Command::new("javac");
    run(javac.arg("-d").arg(&folder).arg(source.join("Recovers.java")), LIMIT).expect_success();
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-shared"])
        .args(["-fPIC", "-I"])
        .arg(root().join("include"))
        .arg(source.join("jvm.c"))
        .arg(library("libposthog.so"))
        .arg(format!("-Wl,-rpath,{}", folder.display()))
        .arg("-o")
        .arg(folder.join("libjvm_test.so"));
    let soname = folder.join("libposthog.so.0");
    let _ = std::fs::remove_file(&soname);
    std::os::unix::fs::symlink(library("libposthog.so"), &soname).expect("a link");
    run(&mut gcc, LIMIT).expect_success();
    let scene = Scene::new();
    let start = |what: &str| {
        let mut java = Command::new("java");
        java.arg(format!("-XX:ErrorFile={}/error.log", folder.display()))
            .args(["-XX:-CreateCoredumpOnCrash", "-Xshare:auto", "-cp"])
            .arg(&folder)
            .arg("Recovers")
            .arg(folder.join("libjvm_test.so"))
            .arg(what)
            .env("PH_URL", scene.receiver.url())
            .env("PH_DIRECTORY", &scene.store);
        run(&mut java, LIMIT)
    };
    let output = start("recovers").expect_success();
    assert!(output.contains("recovered 200 200 3"), "{output}");
    assert_eq!(scene.files(), Vec::<String>::new());
    // The machine writes its own report, and ends as it does without a core dump.
    let ended = start("dies");
    assert_eq!(ended.code, Some(1), "{ended}");
    assert!(ended.stdout.contains("SIGSEGV"), "{ended}");
    let report = scene.report(Build::Pie);
    assert_eq!(report["properties"]["$exception_signal"], "SIGSEGV", "{report:#}");
    assert_eq!(functions(&report)[0], "Java_Recovers_die", "{report:#}");
}

#[test]
fn gos_recovered_panic_still_recovers() {
    if !has("go") && !Path::new("/usr/local/go/bin/go").is_file() {
        return skipped("a crash in Go", "go is not here");
    }
    let scene = Scene::new();
    let folder = scratch("crash-go");
    let library = library("libposthog.so");
    let soname = folder.join("libposthog.so.0");
    let _ = std::fs::remove_file(&soname);
    std::os::unix::fs::symlink(&library, &soname).expect("a link");
    let mut go = Command::new("go");
    go.args(["build", "-o"])
        .arg(folder.join("recovers"))
        .arg(root().join("tests/c/crash/recovers.go"))
        .env("CGO_ENABLED", "1")
        .env("CGO_CFLAGS", format!("-I{}", root().join("include").display()))
        .env("CGO_LDFLAGS", format!("{0}/libposthog.so.0 -Wl,-rpath,{0}", folder.display()));
    run(&mut go, Duration::from_secs(300)).expect_success();
    let start = |what: &str| {
        let mut command = Command::new(folder.join("recovers"));
        command.arg(scene.receiver.url()).arg(&scene.store).arg(what);
        run(&mut command, LIMIT)
    };
    let output = start("recovers").expect_success();
    assert!(output.contains("recovered: runtime error"), "{output}");
    assert_eq!(scene.files(), Vec::<String>::new());
    // A panic that nobody recovers ends the program as Go ends it.
    let ended = start("dies");
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(ended.stderr.contains("SIGSEGV"), "{ended}");
}
