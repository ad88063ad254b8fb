//! Tests that need a process of their own: its environment, its threads, its standard streams.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const MARK: &str = "POSTHOG_API_TEST_CHILD";
/// A child that takes longer hangs.
const LIFETIME: Duration = Duration::from_secs(60);

/// Runs a test again in a process of its own, with these environment variables and none of the
/// library's other ones. In that process it is `None`: the test goes on there.
pub fn output(test: &str, variables: &[(&str, &str)]) -> Option<Output> {
    if env::var_os(MARK).is_some_and(|value| value == test) {
        return None;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    for name in LIBRARY_VARIABLES {
        command.env_remove(name);
    }
    command.env(MARK, test).envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + LIFETIME;
    // What these children print fits into a pipe.
    while child.try_wait().unwrap().is_none() {
        if Instant::now() >= deadline {
            let _ = child.kill();
            panic!("{test} hangs in its own process");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "in its own process:\n{text}\n{errors}");
    assert!(text.contains("1 passed"), "{test} is not the name of a test:\n{text}");
    Some(output)
}

/// [`output`] for a test that looks at nothing but whether the child succeeds.
pub fn passes(test: &str, variables: &[(&str, &str)]) -> bool {
    output(test, variables).is_some()
}

const LIBRARY_VARIABLES: [&str; 17] = [
    "POSTHOG_API_KEY",
    "POSTHOG_HOST",
    "POSTHOG_SECRET_KEY",
    "POSTHOG_DISABLED",
    "ANALYTICS_DISABLED",
    "DO_NOT_TRACK",
    "POSTHOG_DEBUG",
    "ANALYTICS_ENVIRONMENT",
    "APP_ENV",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// The names of this process's threads.
pub fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    // A thread may end between the listing and the reading.
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    let names = tasks.filter_map(|task| name(task.unwrap()));
    let mut names: Vec<String> = names.map(|name| name.trim_end().to_owned()).collect();
    names.sort_unstable();
    names
}

/// What this process's descriptors refer to.
pub fn descriptors() -> Vec<String> {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    let target = |entry: fs::DirEntry| fs::read_link(entry.path()).ok();
    let mut targets: Vec<String> = entries
        .filter_map(|entry| target(entry.unwrap()))
        .map(|target| target.to_string_lossy().into_owned())
        // The listing's own.
        .filter(|target| !target.ends_with("/fd"))
        .collect();
    targets.sort_unstable();
    targets
}

/// How many sockets this process has.
pub fn sockets() -> usize {
    descriptors().iter().filter(|target| target.starts_with("socket:")).count()
}
