//! Directories and disks that are unfit, or become so.

use crate::scene::{Build, LIMIT, Scene, assert_top, program};
use crate::support::{Finished, has, run, skipped};
use std::process::Command;

#[test]
fn a_file_that_is_removed_is_told_once() {
    let scene = Scene::new();
    let ended = scene.run(Build::Pie, "removed");
    assert_eq!(ended.signal, Some(libc::SIGSEGV), "{ended}");
    assert_eq!(ended.stderr.matches("has been removed").count(), 1, "{ended}");
    assert_eq!(scene.files(), Vec::<String>::new());
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
