//! Whoever handled the signals before: runtimes and handlers of the program's own.

use crate::scene::{Build, LIMIT, Scene, assert_top, functions};
use crate::support::{has, library, root, run, scratch, skipped};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

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

/// The child is not to set its own over the one that calls it: they would call each other for ever.
#[test]
fn a_later_handler_that_calls_ours_does_so_in_a_child() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "chained-child");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_top(&scene.report(Build::Pie), &[]);
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
