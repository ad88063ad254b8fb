//! The machine ends: what was promised to be on the disk is delivered by the next process.

use crate::scene::{LIMIT, Scene, ledger, range};
use crate::support::program::{Build, Program};
use crate::support::{Finished, run};
use posthog_receiver::{At, Reply, Script};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;

/// A scene, and a disk that has what it was told to keep.
struct Machine {
    scene: Scene,
    program: Program,
}

impl Machine {
    fn new() -> Machine {
        let machine =
            Machine { scene: Scene::new(), program: Program::new("power", Build::Shared) };
        fs::create_dir(machine.disk()).expect("a folder");
        machine
    }

    fn disk(&self) -> PathBuf {
        self.scene.folder.join("disk")
    }

    /// Captures so many times 500 events.
    fn run(&self, times: u32, what: &str, variables: &[(&str, &str)]) -> Finished {
        let mut command = Command::new(self.program.path());
        command.arg(self.scene.receiver.url()).arg(self.scene.store()).arg(self.disk());
        command.args([&times.to_string(), what]).env_clear().envs(variables.iter().copied());
        run(&mut command, LIMIT)
    }

    /// How many events its last words say that the disk has to have.
    #[track_caller]
    fn run_killed(&self, times: u32, what: &str, variables: &[(&str, &str)]) -> i64 {
        let ended = self.run(times, what, variables);
        assert_eq!(ended.signal, Some(libc::SIGKILL), "{ended}");
        ledger(&ended.stdout)["durable"] as i64
    }

    /// What the disk was told, in order.
    fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.disk().join("log")).unwrap_or_default();
        log.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    /// From here on there is only what the disk has kept: of a name without content, an empty file.
    fn lose_power(&self) {
        let store = self.scene.store();
        fs::remove_dir_all(&store).expect("a folder");
        if !self.disk().join("above").exists() {
            return;
        }
        fs::DirBuilder::new().mode(0o700).create(&store).expect("a folder");
        let names = fs::read_to_string(self.disk().join("names")).unwrap_or_default();
        for line in names.lines() {
            let (number, name) = line.split_once(' ').expect("a number and a name");
            let content = fs::read(self.disk().join(format!("data-{number}"))).unwrap_or_default();
            fs::write(store.join(name), content).expect("a file");
            let owner_alone = fs::Permissions::from_mode(0o600);
            fs::set_permissions(store.join(name), owner_alone).expect("a mode");
        }
    }

    /// The next start delivers at least so many, and none that was not captured.
    #[track_caller]
    fn delivers(&self, durable: i64) {
        self.scene.come_back();
        let sent = self.scene.send();
        let mut arrived = self.scene.numbers("u");
        arrived.sort_unstable();
        arrived.truncate(usize::try_from(durable).expect("a count"));
        assert_eq!(arrived, range(durable), "{sent:?}");
        assert_eq!(self.scene.files(), []);
    }
}

const SOON: [(&str, &str); 1] = [("INTERVAL_MS", "300")];

#[test]
fn what_was_captured_an_interval_ago_outlives_the_machine() {
    let machine = Machine::new();
    // Nothing is tried for half a minute.
    let later = Reply::status(503).header("Retry-After", "30");
    machine.scene.receiver.set_script(Script::new().always("/", later));
    let durable = machine.run_killed(4, "wait", &SOON);
    assert!(durable > 4000, "{durable}");
    machine.lose_power();
    machine.delivers(durable);
}

#[test]
fn a_server_that_says_nothing_does_not_keep_the_disk_waiting() {
    let machine = Machine::new();
    machine.scene.receiver.set_script(Script::new().always("/", Reply::usual().hang(At::Body)));
    let durable = machine.run_killed(1, "wait", &SOON);
    assert!(durable > 1000, "{durable}");
    machine.lose_power();
    machine.delivers(durable);
}

#[test]
fn a_flush_in_vain_has_told_the_disk() {
    let machine = Machine::new();
    machine.scene.go_down();
    assert_eq!(machine.run_killed(2, "flush", &[]), 1000);
    machine.lose_power();
    machine.delivers(1000);
}

#[test]
fn a_shutdown_in_vain_has_told_the_disk() {
    let machine = Machine::new();
    machine.scene.receiver.set_script(Script::new().always("/", Reply::usual().hang(At::Body)));
    let ended = ledger(&machine.run(2, "shutdown", &[]).expect_success());
    assert_eq!((ended["stored"], ended["delivered"]), (1000, 0));
    machine.lose_power();
    machine.delivers(1000);
}

#[test]
fn after_a_fatal_exception_the_disk_is_told_at_once() {
    let machine = Machine::new();
    machine.scene.go_down();
    assert_eq!(machine.run_killed(1, "fatal", &[]), 500);
    machine.lose_power();
    machine.delivers(500);
    let accepted = machine.scene.receiver.accepted();
    assert_eq!(accepted.iter().filter(|event| &*event.event == "$exception").count(), 1);
}

/// Which a process left that had not told the disk.
#[test]
fn what_is_adopted_is_told_of_too() {
    let machine = Machine::new();
    machine.scene.go_down();
    let ended = ledger(&machine.run(2, "shutdown", &[("OFF", "1")]).expect_success());
    assert_eq!(ended["stored"], 1000);
    assert_eq!(machine.log(), Vec::<String>::new());
    let ended = ledger(&machine.run(0, "shutdown", &[]).expect_success());
    assert_eq!((ended["adopted"], ended["stored"]), (1000, 1000));
    machine.lose_power();
    machine.delivers(1000);
}

#[test]
fn what_the_user_opted_out_of_does_not_come_back_with_the_power() {
    let machine = Machine::new();
    machine.scene.go_down();
    machine.run_killed(1, "optout", &SOON);
    machine.lose_power();
    machine.scene.come_back();
    let sent = machine.scene.send();
    assert_eq!((sent["adopted"], sent["damaged"]), (0, 0));
    assert!(machine.scene.numbers("u").is_empty());
}

#[test]
fn the_disk_is_told_once_an_interval_and_not_without_a_reason() {
    let steady = Machine::new();
    steady.scene.go_down();
    let captured = steady.run_killed(0, "steady", &[("INTERVAL_MS", "200")]);
    assert_eq!(captured, 0);
    let log = steady.log();
    let (busy, idle) = log.split_at(log.iter().position(|what| what == "idle").expect("a time"));
    let times = busy.iter().filter(|what| *what == "data").count();
    // Of twelve intervals, and of more where the machine was slow to end them.
    assert!((2..=14).contains(&times), "{log:?}");
    assert_eq!(idle, ["idle"], "nothing is told while nothing happens");

    let settled = Machine::new();
    let ended = ledger(&settled.run(4, "deliver", &[]).expect_success());
    assert_eq!((ended["delivered"], ended["stored"]), (2000, 0));
    assert_eq!(settled.log(), Vec::<String>::new());
}

#[test]
fn a_disk_that_fails_costs_one_warning() {
    let machine = Machine::new();
    machine.scene.go_down();
    let variables = [("INTERVAL_MS", "50"), ("BROKEN", "1")];
    let ended = machine.run(1, "shutdown", &variables);
    assert_eq!(ended.stderr.matches("outlive a loss of power").count(), 1, "{ended}");
    assert!(machine.log().iter().filter(|what| *what == "data").count() > 0);
    assert_eq!(ledger(&ended.expect_success())["stored"], 500);
    // The process is what ended, not the machine.
    machine.delivers(500);
}

/// Of which nothing was told, so that the tests above could not tell whether the disk was.
#[test]
fn without_the_option_the_disk_is_told_nothing() {
    let machine = Machine::new();
    machine.scene.go_down();
    let variables = [("INTERVAL_MS", "50"), ("OFF", "1")];
    let ended = machine.run(1, "shutdown", &variables);
    assert_eq!(ledger(&ended.expect_success())["stored"], 500);
    assert_eq!(machine.log(), Vec::<String>::new());
    machine.lose_power();
    machine.scene.come_back();
    assert_eq!(machine.scene.send()["adopted"], 0);
}
