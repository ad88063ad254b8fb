//! What the tests that leave Rust share: where the libraries lie, how a command is run with a time
//! limit, and how something that cannot run here is reported.

#![allow(dead_code, reason = "each test takes its part of this")]

pub mod program;
pub mod source;

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// More output than this is not kept.
const OUTPUT_MAX: u64 = 1 << 20;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of the test's own, made if it is not there.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("the target folder should be writable");
    folder
}

/// A library that the same cargo build made, e.g. `libposthog.so`: it lies beside the test's
/// executable. (The one in the folder above is only refreshed by `cargo build`.)
pub fn library(file: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its executable");
    let path = test.with_file_name(file);
    assert!(path.is_file(), "cargo did not build {}", path.display());
    path
}

/// Says that something could not run here. Written past the test harness, which would swallow it.
pub fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why}");
}

/// Whether a tool can be started.
pub fn has(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// What a command left.
pub struct Finished {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    what: String,
}

impl Finished {
    /// The standard output of a command that should have succeeded.
    #[track_caller]
    pub fn expect_success(self) -> String {
        assert!(self.code == Some(0), "{self}");
        self.stdout
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Finished { code, signal, stdout, stderr, what } = self;
        write!(f, "{what}\nexit code {code:?}, signal {signal:?}\n{stdout}{stderr}")
    }
}

/// Runs a command to its end, at most so long; then it and what it has forked are killed.
#[track_caller]
pub fn run(command: &mut Command, limit: Duration) -> Finished {
    let what = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let deadline = Instant::now() + limit;
    while !has_ended(&child) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    let in_time = has_ended(&child);
    // Not reaped before this, so that the group's number is still its own. What a program has
    // forked and left behind would hold the pipes open.
    kill_group(&child);
    let ended = child.wait().expect("a child can be waited for");
    let (stdout, stderr) = (text(stdout), text(stderr));
    let finished = Finished { code: ended.code(), signal: ended.signal(), stdout, stderr, what };
    assert!(in_time, "still ran after {limit:?}: {finished}");
    finished
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut pipe = pipe.expect("the pipe was asked for");
        let mut kept = Vec::new();
        let _ = pipe.by_ref().take(OUTPUT_MAX).read_to_end(&mut kept);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        kept
    })
}

fn text(reader: thread::JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().expect("reading does not panic")).into_owned()
}

/// Whether it has ended; it stays to be reaped.
fn has_ended(child: &Child) -> bool {
    // SAFETY: `siginfo_t` is plain data, for which zero is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` outlives the call.
    let done = unsafe { libc::waitid(libc::P_PID, child.id(), &raw mut info, flags) };
    assert_eq!(done, 0, "a child can be waited for");
    // SAFETY: waitid wrote the fields of an ended child, or left zeros.
    unsafe { info.si_pid() != 0 }
}

fn kill_group(child: &Child) {
    let group = i32::try_from(child.id()).expect("a process id");
    // SAFETY: sends a signal to the group that `run` made, and to nobody else.
    unsafe { libc::kill(-group, libc::SIGKILL) };
}
