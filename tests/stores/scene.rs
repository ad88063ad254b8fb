//! A directory for the files of a test's processes, a server, and what arrived there.

use crate::support::program::{Build, Program};
use crate::support::{Finished, run, scratch};
use posthog_receiver::{Brief, Options, Receiver, Record, Reply, Script};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(120);
/// What a file may have beside its slots.
pub const HEADER: u64 = 4096;

/// A directory for the files of one test's processes, and a server.
pub struct Scene {
    pub folder: PathBuf,
    pub program: Program,
    pub receiver: Receiver,
    /// What the files are for: project and host. The server is where the proxy leads.
    pub variables: Vec<(&'static str, String)>,
}

impl Scene {
    pub fn new() -> Scene {
        Scene::built(Build::Shared)
    }

    pub fn built(build: Build) -> Scene {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = scratch("stores").join(format!("{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let options = Options { record: Record::Uuids, ..Options::default() };
        let receiver = Receiver::with(options).expect("a receiver");
        Scene { folder, program: Program::new("store", build), receiver, variables: Vec::new() }
    }

    pub fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program.path());
        // The host is part of what tells projects apart, and stays; whether it answers is the
        // script's matter.
        command.arg(self.receiver.url()).arg(self.store()).args(arguments).env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Finished {
        run(&mut self.command(arguments), LIMIT)
    }

    /// From here on the server takes nothing.
    pub fn go_down(&self) {
        self.receiver.set_script(Script::new().always("/", Reply::status(503)));
    }

    pub fn come_back(&self) {
        self.receiver.set_script(Script::new());
    }

    /// The next start: its ledger.
    #[track_caller]
    pub fn send(&self) -> BTreeMap<String, u64> {
        ledger(&self.run(&["send"]).expect_success())
    }

    /// The files' lengths, by extension.
    pub fn files(&self) -> Vec<(String, u64)> {
        let Ok(entries) = fs::read_dir(self.store()) else { return Vec::new() };
        let files = entries.map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.path();
            let kind = name.extension().and_then(|it| it.to_str()).unwrap_or_default();
            (kind.to_owned(), entry.metadata().expect("a file").len())
        });
        // Each process has one for its crash, too.
        files.filter(|(kind, _)| kind != "crash").collect()
    }

    /// The one of events.
    #[track_caller]
    pub fn file(&self) -> PathBuf {
        let entries = fs::read_dir(self.store()).expect("files");
        let mut paths = entries.map(|entry| entry.expect("an entry").path());
        paths.find(|path| path.extension().is_some_and(|it| it == "events")).expect("a file")
    }

    /// The numbers of those that arrived of that id, in order of arrival. None came twice.
    #[track_caller]
    pub fn numbers(&self, id: &str) -> Vec<i64> {
        let (numbers, repeated) = numbers(&self.receiver.accepted(), id);
        assert_eq!(repeated, 0, "events of {id} arrived twice");
        numbers
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The numbers of the events of that id, each once, and how many came again. An event that comes
/// again has its own uuid.
#[track_caller]
pub fn numbers(events: &[Brief], id: &str) -> (Vec<i64>, usize) {
    let (mut seen, mut numbers, mut repeated) = (HashMap::new(), Vec::new(), 0);
    for event in events.iter().filter(|event| &*event.distinct_id == id) {
        let n = event.n.expect("a number");
        match seen.insert(n, event.uuid) {
            None => numbers.push(n),
            Some(uuid) => {
                assert_eq!(uuid, event.uuid, "{id} {n} has two uuids");
                repeated += 1;
            }
        }
    }
    (numbers, repeated)
}

/// The last line of counts.
pub fn ledger(output: &str) -> BTreeMap<String, u64> {
    let line = output.lines().last().unwrap_or_default();
    let counts = line.split(' ').map(|it| {
        let (name, count) = it.split_once('=').unwrap_or_else(|| panic!("no counts: {output}"));
        (name.to_owned(), count.parse().expect("a count"))
    });
    counts.collect()
}

pub fn range(count: i64) -> Vec<i64> {
    (0..count).collect()
}
