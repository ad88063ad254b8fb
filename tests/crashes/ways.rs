//! Ways to die: how the program ends stays as it was, and the report is of the right place.

use crate::scene::{Build, LIMIT, Scene, assert_top, functions, program};
use crate::support::{has, run, skipped};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

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

/// The bound is 100 ms; threads may have to wait for a processor besides.
#[test]
fn writing_a_crash_down_is_bounded() {
    for what in ["measured", "measured-threads"] {
        let measured = || -> u64 {
            let scene = Scene::new();
            let ended = scene.run(Build::Pie, what);
            assert_eq!(ended.code, Some(42), "{what}: {ended}");
            assert_top(&scene.report(Build::Pie), &[]);
            ended.stdout.trim().parse().expect("a number")
        };
        // One of a few: a machine with much else to do makes others long.
        let took_us: Vec<u64> =
            (0..5).map(|_| measured()).take_while(|it| *it >= 400_000).collect();
        assert!(took_us.len() < 5, "{what}: {took_us:?} us");
    }
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
