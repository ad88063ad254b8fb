//! A C program of `tests/c` or `examples`: built against the library of this cargo build, and run.

use crate::support::{Finished, library, root, run, scratch, skipped};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const BUILD_LIMIT: Duration = Duration::from_secs(300);

/// How a program is built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Build {
    /// With the shared library.
    Shared,
    /// With the static library.
    Static,
    /// With the static library, so that its memory is seen too, under AddressSanitizer (which
    /// looks for leaks as well) and UndefinedBehaviorSanitizer.
    Sanitized,
    /// Without any: the program loads the library by itself.
    Alone,
}

/// Runs that take longer are stuck.
const RUN_LIMIT: Duration = Duration::from_secs(180);

/// What the static library needs beside itself: `rustc --print native-static-libs`.
const SYSTEM: [&str; 7] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

pub struct Program(PathBuf);

impl Program {
    /// Compiles one of `tests/c`.
    #[track_caller]
    pub fn new(name: &str, build: Build) -> Program {
        Program::of(&root().join("tests/c").join(name).with_extension("c"), build)
    }

    /// Compiles a file, if this process has not done so yet.
    #[track_caller]
    pub fn of(source: &Path, build: Build) -> Program {
        static BUILT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
        let folder = scratch("programs").join(format!("{build:?}"));
        let program = folder.join(source.file_stem().expect("a file"));
        // Held while the compiler runs: two tests may want the same program at once. A test that
        // failed to compile has left nothing half done.
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        if !built.contains(&program) {
            std::fs::create_dir_all(&folder).expect("the target folder should be writable");
            compile(source, build, &program);
            built.insert(program.clone());
        }
        Program(program)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Runs it in an environment without variables. Exits, crashes and hangs are the caller's to
    /// judge; what it could not try is reported.
    #[track_caller]
    pub fn finish(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
        let mut command = Command::new(&self.0);
        command.args(arguments).env_clear().envs(variables.iter().copied());
        let finished = run(&mut command, RUN_LIMIT);
        for line in finished.stdout.lines() {
            if let Some(what) = line.strip_prefix("skipped: ") {
                skipped(&self.0.display().to_string(), what);
            }
        }
        finished
    }

    /// Runs it; it has to end well, and neither it nor the library has anything to complain of.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) {
        let finished = self.finish(arguments, &[]);
        assert!(finished.code == Some(0) && finished.stderr.is_empty(), "{finished}");
    }
}

#[track_caller]
fn compile(source: &Path, build: Build, program: &Path) {
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(["-O1", "-g", "-pthread", "-I"])
        .arg(root().join("include"))
        .arg(source)
        .arg("-o")
        .arg(program);
    match build {
        Build::Shared => {
            let folder = program.parent().expect("a folder");
            link_by_soname(folder);
            gcc.arg(folder.join(SONAME)).arg(format!("-Wl,-rpath,{}", folder.display()))
        }
        Build::Static => gcc.arg(library("libposthog.a")).args(SYSTEM),
        Build::Sanitized => gcc
            .args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
            .arg("-fno-omit-frame-pointer")
            .arg(library("libposthog.a"))
            .args(SYSTEM),
        Build::Alone => gcc.arg("-ldl"),
    };
    run(&mut gcc, BUILD_LIMIT).expect_success();
}

/// The name under which programs look for the shared library.
const SONAME: &str = concat!("libposthog.so.", env!("CARGO_PKG_VERSION_MAJOR"));

fn link_by_soname(folder: &Path) {
    match symlink(library("libposthog.so"), folder.join(SONAME)) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => panic!("{error}"),
    }
}
