//! A program that dies in one of its ways, built in one of three, and the reports of its next starts.

use crate::support::{Finished, library, root, run, scratch};
use posthog_receiver::{Event, Receiver};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(120);

/// How the functions that die are built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Build {
    /// In a position-independent program, with frame pointers.
    Pie,
    /// In a library that the program is linked with.
    Library,
    /// In a program at a fixed address, optimised, without frame pointers.
    Bare,
}

/// Built once for each way.
pub fn program(build: Build) -> PathBuf {
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
pub struct Scene {
    pub store: PathBuf,
    pub receiver: Receiver,
}

impl Scene {
    pub fn new() -> Scene {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = scratch("crash-stores").join(format!("{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Scene { store: folder.join("store"), receiver: Receiver::start() }
    }

    pub fn command(&self, build: Build, what: &str) -> Command {
        let mut command = Command::new(program(build));
        command.arg(self.receiver.url()).arg(&self.store).arg(what).env_clear();
        command
    }

    pub fn run(&self, build: Build, what: &str) -> Finished {
        run(&mut self.command(build, what), LIMIT)
    }

    /// What the next starts report: all at the first, and nothing at the second.
    pub fn reports(&self, build: Build) -> Vec<Event> {
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
    pub fn report(&self, build: Build) -> Value {
        let mut events = self.reports(build);
        assert_eq!(events.len(), 1);
        events.remove(0).json
    }

    pub fn files(&self) -> Vec<String> {
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
pub fn functions(report: &Value) -> Vec<&str> {
    let frames = report["properties"]["$exception_list"][0]["stacktrace"]["frames"].as_array();
    let frames = frames.unwrap_or_else(|| panic!("no frames: {report:#}"));
    let name = |frame: &'_ Value| -> bool { frame["in_app"] == true };
    let own = frames.iter().rev().filter(|frame| name(frame));
    own.map(|frame| frame["function"].as_str().unwrap_or("?").split('.').next().unwrap_or("?"))
        .collect()
}

pub const TOP: [&str; 3] = ["victim_inner", "victim_middle", "victim_outer"];

#[track_caller]
pub fn assert_top(report: &Value, above: &[&str]) {
    let functions = functions(report);
    let expected: Vec<&str> = above.iter().chain(&TOP).copied().collect();
    assert!(functions.len() > expected.len(), "{report:#}");
    assert_eq!(functions[..expected.len()], expected, "{report:#}");
}
