//! The process ends: what it has stored is delivered by the next one.

use crate::scene::{HEADER, LIMIT, Scene, ledger, numbers, range};
use crate::support::program::Build;
use crate::support::{run, skipped};
use posthog_receiver::{At, Receiver, Reply, Script};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn what_was_captured_before_the_end_arrives_after_it() {
    let scene = Scene::new();
    scene.go_down();
    assert_eq!(scene.run(&["die", "left", "2500"]).code, Some(0));
    let killed = scene.run(&["kill", "killed", "10"]);
    assert_eq!(killed.signal, Some(libc::SIGKILL), "{killed}");
    assert_eq!(scene.run(&["die", "large", "7", "900000"]).code, Some(0));
    for (kind, _) in scene.files() {
        assert_eq!(kind, "events");
    }
    assert_eq!(scene.files().len(), 3);

    scene.come_back();
    let ledger = scene.send();
    assert_eq!((ledger["adopted"], ledger["delivered"]), (2518, 2518));
    assert_eq!(scene.numbers("left"), range(2500));
    assert_eq!(scene.numbers("large"), range(7));
    let accepted = scene.receiver.accepted();
    let killed: Vec<_> = accepted.iter().filter(|event| &*event.distinct_id == "killed").collect();
    assert_eq!(killed.len(), 11);
    assert_eq!(&*killed[10].event, "$exception");
    // Oldest first.
    assert_eq!(&*accepted[0].distinct_id, "left");
    assert_eq!(&*accepted[2517].distinct_id, "large");
    assert_eq!(scene.files(), []);
    assert_eq!(scene.send()["adopted"], 0);
}

#[test]
fn shutdown_leaves_what_is_not_delivered() {
    let scene = Scene::new();
    scene.go_down();
    let stopped = ledger(&scene.run(&["stop", "u", "3000", "300"]).expect_success());
    assert_eq!((stopped["accepted"], stopped["stored"]), (3000, 3000));
    // Once more without success: it stays.
    let again = ledger(&scene.run(&["send", "300"]).expect_success());
    assert_eq!((again["adopted"], again["stored"], again["delivered"]), (3000, 3000, 0));
    scene.come_back();
    let last = scene.send();
    assert_eq!((last["adopted"], last["delivered"]), (3000, 3000));
    assert_eq!(scene.numbers("u"), range(3000));
    assert_eq!(scene.files(), []);
}

#[test]
fn what_the_server_has_taken_does_not_come_again() {
    let mut scene = Scene::new();
    // Of each batch every third event is wanted again, and waits; the others are settled.
    scene.variables = vec![("RETRY_MS", "60000".into())];
    let results = r#"[{"path": "/i/v1/", "results": ["ok", "ok", "retry"]}]"#;
    scene.receiver.set_script(Script::from_json(results).expect("a script"));
    let held = hold(&scene, "u", 600);
    let deadline = Instant::now() + LIMIT;
    while scene.receiver.counts().attempted < 600 {
        assert!(Instant::now() < deadline, "{:?}", scene.receiver.counts());
        thread::sleep(Duration::from_millis(5));
    }
    // Of the last request, too: nothing tells when it is answered.
    let mut taken = 0;
    while taken < 300 || scene.numbers("u").len() != taken {
        assert!(Instant::now() < deadline, "{taken} taken");
        taken = scene.numbers("u").len();
        thread::sleep(Duration::from_millis(500));
    }
    assert!((300..=450).contains(&taken), "{taken} taken");
    held.end(taken);
    scene.come_back();
    assert_eq!(scene.send()["adopted"] as usize, 600 - taken);
    let mut all = scene.numbers("u");
    all.sort_unstable();
    assert_eq!(all, range(600));
}

/// A process that waits to be ended.
struct Held(std::process::Child);

impl Held {
    /// Ends it without a word when it knows of so many delivered events.
    fn end(mut self, delivered: usize) {
        let mut input = self.0.stdin.take().expect("a pipe");
        writeln!(input, "{delivered}").expect("it reads");
        assert!(self.0.wait().expect("a child").success());
    }
}

#[track_caller]
fn hold(scene: &Scene, id: &str, count: u32) -> Held {
    let mut command = scene.command(&["hold", id, &count.to_string()]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child");
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    Held(child)
}

#[test]
fn living_processes_keep_what_is_theirs() {
    let scene = Scene::new();
    scene.go_down();
    let held = hold(&scene, "held", 50);
    assert_eq!(scene.run(&["die", "dead", "20"]).code, Some(0));
    scene.come_back();
    // The living one sends its own by itself.
    let ledger = scene.send();
    assert_eq!((ledger["adopted"], ledger["delivered"]), (20, 20));
    assert_eq!(scene.numbers("dead"), range(20));
    assert!(scene.receiver.wait_for_events(70, LIMIT));
    assert_eq!(scene.numbers("held"), range(50));
    held.end(50);
    assert_eq!(scene.send()["adopted"], 0);
    assert_eq!(scene.files(), []);
}

#[test]
fn a_forked_child_has_a_file_of_its_own() {
    let scene = Scene::new();
    scene.go_down();
    let ended = scene.run(&["fork", "u", "500"]);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(scene.files().len(), 2);
    scene.come_back();
    assert_eq!(scene.send()["adopted"], 1500);
    assert_eq!(scene.numbers("u"), range(1000));
    assert_eq!(scene.numbers("u-child"), range(500));
}

/// More processes than there are files that one takes over at once, with three events each.
const MANY: usize = 60;

fn leave_many(scene: &Scene) {
    scene.go_down();
    for number in 0..MANY {
        assert_eq!(scene.run(&["die", &format!("u{number}"), "3"]).code, Some(0));
    }
    assert_eq!(scene.files().len(), MANY);
}

#[test]
fn what_many_processes_left_costs_few_descriptors() {
    let scene = Scene::new();
    leave_many(&scene);
    // The host's descriptors are its own, also while the server does not answer.
    let held = hold(&scene, "held", 0);
    let open = fs::read_dir(format!("/proc/{}/fd", held.0.id())).expect("descriptors").count();
    assert!((32..48).contains(&open), "{open} descriptors");
    held.end(0);
    let stopped = ledger(&scene.run(&["send", "300"]).expect_success());
    assert_eq!(stopped["stored"], stopped["adopted"]);
    // Its own may be there, too; nobody else's without an event.
    assert!((MANY..=MANY + 1).contains(&scene.files().len()), "{:?}", scene.files());

    scene.come_back();
    let last = scene.send();
    assert_eq!((last["adopted"], last["delivered"]), (3 * MANY as u64, 3 * MANY as u64));
    for number in 0..MANY {
        assert_eq!(scene.numbers(&format!("u{number}")), range(3));
    }
    assert_eq!(scene.files(), []);
}

#[test]
fn opting_out_purges_also_what_was_not_taken_over_yet() {
    let scene = Scene::new();
    leave_many(&scene);
    assert_eq!(scene.run(&["optout", "u", "20"]).code, Some(0));
    assert_eq!(scene.files().len(), 1);
    scene.come_back();
    assert_eq!(scene.send()["adopted"], 20);
    assert_eq!(scene.receiver.counts().accepted, 20);
}

#[test]
fn opting_out_purges_what_is_stored() {
    let scene = Scene::new();
    scene.go_down();
    assert_eq!(scene.run(&["die", "before", "100"]).code, Some(0));
    // This one adopts those of before, and opts out of them, too.
    let ended = scene.run(&["optout", "u", "200"]);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(scene.files().len(), 1);
    scene.come_back();
    assert_eq!(scene.send()["adopted"], 200);
    assert_eq!(scene.numbers("u"), (400..600).collect::<Vec<i64>>());
    assert!(scene.numbers("before").is_empty());
}

#[test]
fn another_projects_files_and_unknown_ones_are_left_and_told() {
    let mut scene = Scene::new();
    scene.go_down();
    assert_eq!(scene.run(&["die", "u", "30"]).code, Some(0));
    scene.come_back();
    let other = Receiver::start();
    scene.variables = vec![("OTHER_HOST", other.url())];
    let sent = scene.run(&["send"]);
    assert!(sent.stderr.contains("1 files of events of another project stay"), "{sent}");
    assert_eq!(ledger(&sent.expect_success())["adopted"], 0);
    assert_eq!(other.counts().attempted, 0);

    // A version that is not known, no length at all, and a directory.
    scene.variables = Vec::new();
    let mut bytes = fs::read(scene.file()).expect("its bytes");
    bytes[8] = 99;
    fs::write(scene.store().join("1-a.events"), &bytes).expect("a file");
    fs::write(scene.store().join("1-b.events"), []).expect("a file");
    fs::create_dir(scene.store().join("1-c.events")).expect("a directory");
    let sent = scene.run(&["send"]);
    assert!(sent.stderr.contains("2 files of events that this version cannot read"), "{sent}");
    assert_eq!(ledger(&sent.expect_success())["adopted"], 30);
    assert_eq!(scene.numbers("u"), range(30));
    assert_eq!(scene.files().len(), 3);
}

/// Under AddressSanitizer, which would tell of a byte that is read where there is none, and of what
/// the many clients leave behind.
#[test]
fn damaged_files_cost_what_is_damaged() {
    let mut scene = Scene::built(Build::Sanitized);
    scene.variables = vec![("QUIET", "1".into())];
    scene.go_down();
    assert_eq!(scene.run(&["die", "u", "3"]).code, Some(0));
    scene.come_back();
    let left = scene.folder.join("sample");
    fs::rename(scene.file(), &left).expect("the file");
    let damaged = scene.run(&["damage", "u", &left.display().to_string()]);
    assert!(damaged.code == Some(0) && damaged.stderr.is_empty(), "{damaged}");
    let numbers = scene.receiver.accepted();
    assert!(numbers.iter().all(|event| matches!(event.n, Some(0..3))), "{numbers:?}");
    assert!(numbers.len() > 1_000);
}

#[test]
fn old_events_are_given_up() {
    let mut scene = Scene::new();
    scene.go_down();
    assert_eq!(scene.run(&["die", "u", "40"]).code, Some(0));
    scene.come_back();
    thread::sleep(Duration::from_millis(50));
    scene.variables = vec![("MAX_AGE_MS", "20".into())];
    let ledger = scene.send();
    assert_eq!((ledger["adopted"], ledger["expired"], ledger["delivered"]), (40, 40, 0));
    assert_eq!(scene.receiver.counts().attempted, 0);
    assert_eq!(scene.files(), []);
}

/// While nobody takes events the file grows to its bound, and memory does not.
#[test]
fn an_outage_fills_the_file_and_not_the_memory() {
    const MAX: u64 = 64 << 20;
    let scene = Scene::new();
    scene.go_down();
    let filled = scene.run(&["fill", "u", "0", &MAX.to_string()]);
    let output = filled.expect_success();
    let first: Vec<u64> = output
        .lines()
        .next()
        .expect("a line")
        .split(' ')
        .map(|it| it.split_once('=').expect("a count").1.parse().expect("a number"))
        .collect();
    let counts = ledger(&output);
    let accepted = counts["accepted"];
    assert!(accepted * 2000 > MAX * 8 / 10, "only {accepted} events");
    assert!(counts["full"] >= 100);
    let [(_, len)] = scene.files()[..] else { panic!("one file: {:?}", scene.files()) };
    assert!(len <= MAX + HEADER && len > MAX * 9 / 10, "{len} bytes");
    let grown_kb = first[1];
    assert!(grown_kb < 16 << 10, "memory grew by {grown_kb} kB");

    // What is left counts towards the bound, and goes with the first.
    scene.come_back();
    let sent = scene.send();
    assert_eq!((sent["adopted"], sent["delivered"]), (accepted, accepted));
    assert_eq!(scene.numbers("u"), range(accepted as i64));
    assert_eq!(scene.files(), []);
}

#[test]
fn the_oldest_events_give_way_where_the_host_wants_it() {
    const MAX: u64 = 24 << 20;
    let scene = Scene::new();
    scene.go_down();
    let output = scene.run(&["fill", "u", "3000", &MAX.to_string()]).expect_success();
    let counts = ledger(&output);
    assert!(counts["overflown"] > 0 && counts["full"] == 0, "{output}");
    scene.come_back();
    let sent = scene.send();
    let kept = counts["accepted"] - counts["overflown"];
    assert!(kept * 2000 > MAX * 7 / 10, "too many gave way: {output}");
    assert_eq!((sent["adopted"], sent["delivered"]), (kept, kept), "{output}");
    let numbers = scene.numbers("u");
    assert_eq!(numbers.last(), Some(&(counts["accepted"] as i64 - 1)));
    // The batch in flight, which is never dropped for room, and the newest.
    let gap = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
    assert!(gap <= 1, "{gap} gaps");
}

/// One needs four slots of a file that is full of others.
#[test]
fn a_large_event_has_as_many_older_ones_give_way_as_it_needs() {
    let scene = Scene::new();
    scene.go_down();
    let counts = ledger(&scene.run(&["large", "u", "1", "8388608"]).expect_success());
    assert_eq!(counts["full"], 0);
    scene.come_back();
    let sent = scene.send();
    let kept = counts["accepted"] - counts["overflown"];
    assert_eq!((sent["adopted"], sent["delivered"]), (kept, kept));
    let numbers = scene.numbers("u");
    assert_eq!(numbers.last(), Some(&(counts["accepted"] as i64 - 1)));
    assert!(kept < counts["accepted"]);
    let gap = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
    assert!(gap <= 1, "{gap} gaps");
}

#[test]
fn a_directory_that_cannot_be_used_costs_one_warning() {
    for trouble in ["no parent", "a file", "everybody's", "another user's", "removed"] {
        let scene = Scene::new();
        let store = scene.store();
        match trouble {
            "no parent" => fs::remove_dir_all(&scene.folder).expect("a folder"),
            "a file" => fs::write(&store, []).expect("a file"),
            "everybody's" => {
                fs::create_dir(&store).expect("a folder");
                fs::set_permissions(&store, fs::Permissions::from_mode(0o777)).expect("a mode");
            }
            "another user's" => {
                fs::create_dir(&store).expect("a folder");
                if std::os::unix::fs::chown(&store, Some(12_345), None).is_err() {
                    skipped("a directory of another user's", "only root can make one");
                    continue;
                }
            }
            _ => {}
        }
        // In all of them events go through memory.
        let finished = scene.run(&["removed", "u", "3000"]);
        let warnings = finished.stderr.lines().filter(|line| line.contains("storage")).count();
        assert_eq!(warnings, 1, "{trouble}: {finished}");
        let counts = ledger(&finished.expect_success());
        assert_eq!((counts["delivered"], counts["stored"]), (3001, 0), "{trouble}");
        assert_eq!(scene.numbers("u"), range(3001), "{trouble}");
    }
}

/// What may be read and not written to, whoever asks. In a namespace of its own, where mounting is
/// permitted.
#[test]
fn a_directory_that_is_read_only_costs_a_warning_for_each_file() {
    let scene = Scene::new();
    fs::create_dir(scene.store()).expect("a folder");
    let script = r#"mount -t tmpfs -o ro,mode=700 tmpfs "$2" || exit 77
        "$0" "$1" "$2" broken u 300 20000"#;
    let mut sh = Command::new("unshare");
    sh.args(["-rm", "sh", "-c", script])
        .arg(scene.program.path())
        .arg(scene.receiver.url())
        .arg(scene.store());
    let ended = run(&mut sh, LIMIT);
    if ended.code != Some(0) && !ended.stdout.contains("accepted") {
        skipped("a directory that is read-only", "mounting is not permitted here");
        return;
    }
    for what in ["will not outlive it", "will not be reported"] {
        assert_eq!(ended.stderr.matches(what).count(), 1, "{ended}");
    }
    let counts = ledger(&ended.expect_success());
    assert_eq!((counts["delivered"], counts["stored"]), (300, 0));
    assert_eq!(scene.numbers("u"), range(300));
}

/// What comes after that is in memory, beside what is in the file.
#[test]
fn what_is_in_the_file_is_stored_also_where_the_disk_broke_later() {
    let scene = Scene::new();
    scene.go_down();
    let stopped = scene.run(&["broken", "u", "5000", "300"]);
    let warnings = stopped.stderr.lines().filter(|line| line.contains("storage: ")).count();
    assert_eq!(warnings, 1, "{stopped}");
    let counts = ledger(&stopped.expect_success());
    let stored = counts["stored"];
    assert_eq!(counts["accepted"], 5000);
    assert!((500..4000).contains(&stored), "{stored} stored");
    scene.come_back();
    let sent = scene.send();
    assert_eq!((sent["adopted"], sent["delivered"]), (stored, stored));
    assert_eq!(scene.numbers("u"), range(stored as i64));
    assert_eq!(scene.files(), []);

    let counts = ledger(&scene.run(&["broken", "v", "5000", "20000"]).expect_success());
    assert_eq!((counts["delivered"], counts["stored"]), (5000, 0));
    assert_eq!(scene.numbers("v"), range(5000));
    assert_eq!(scene.files(), []);
}

/// Takes the place of a disk that is full. In a namespace of its own, where mounting is permitted.
#[test]
fn a_disk_filled_to_the_last_byte_loses_nothing_that_is_stored() {
    let scene = Scene::new();
    scene.go_down();
    fs::create_dir(scene.store()).expect("a folder");
    let script = r#"mount -t tmpfs -o size=50m,mode=700 tmpfs "$2" || exit 77
        "$0" "$1" "$2" fill u 0 1000000000 || exit 1
        df --output=avail "$2" | tail -n 1
        "$3" || exit 1
        "$0" "$1" "$2" send"#;
    // The server comes back while the files are still there.
    let back = scene.folder.join("back");
    let mut sh = Command::new("unshare");
    sh.args(["-rm", "sh", "-c", script])
        .arg(scene.program.path())
        .arg(scene.receiver.url())
        .arg(scene.store())
        .arg(&back)
        .env("QUIET", "1");
    let wait = scene.folder.join("asked");
    let text = format!(
        "#!/bin/sh\ntouch {}\nfor i in $(seq 600); do [ -e {} ] && exit 0; sleep 0.1; done\nexit 1\n",
        wait.display(),
        scene.folder.join("go").display()
    );
    fs::write(&back, text).expect("a script");
    fs::set_permissions(&back, fs::Permissions::from_mode(0o755)).expect("a mode");
    let ended = thread::scope(|scope| {
        let runner = scope.spawn(|| run(&mut sh, LIMIT));
        while !wait.exists() && !runner.is_finished() {
            thread::sleep(Duration::from_millis(20));
        }
        scene.come_back();
        fs::write(scene.folder.join("go"), []).expect("a file");
        runner.join().expect("it ran")
    });
    if ended.code != Some(0) && !wait.exists() {
        skipped("a full disk", "mounting is not permitted here");
        return;
    }
    let output = ended.expect_success();
    let lines: Vec<&str> = output.lines().collect();
    let filled = ledger(lines[1]);
    assert!(filled["full"] >= 100 && filled["accepted"] * 2000 > 40 << 20, "{output}");
    let available: u64 = lines[2].trim().parse().expect("a number");
    assert!(available < 512, "{available} kB are still free");
    let sent = ledger(lines[3]);
    assert_eq!((sent["adopted"], sent["delivered"]), (filled["accepted"], filled["accepted"]));
    assert_eq!(scene.numbers("u"), range(filled["accepted"] as i64));
}

/// Btrfs writes what is changed to a new place, which a full disk does not have. In a namespace of its
/// own, where mounting is permitted.
#[test]
fn a_full_disk_that_copies_on_write_does_not_end_the_process() {
    let scene = Scene::new();
    scene.go_down();
    fs::create_dir(scene.store()).expect("a folder");
    let script = r#"truncate -s 128M "$2.image" && mkfs.btrfs -q "$2.image" >&2 || exit 77
        mount -o loop "$2.image" "$2" || exit 77
        echo mounted
        "$0" "$1" "$2/files" die before 2500 || exit 1
        "$0" "$1" "$2/files" fill u 0 1000000000 || exit 1"#;
    let mut sh = Command::new("unshare");
    sh.args(["-m", "sh", "-c", script])
        .arg(scene.program.path())
        .arg(scene.receiver.url())
        .arg(scene.store())
        .env("QUIET", "1");
    let ended = run(&mut sh, LIMIT);
    if !ended.stdout.contains("mounted") {
        skipped("a full disk of Btrfs", "it cannot be made or mounted here");
        return;
    }
    let filled = ledger(&ended.expect_success());
    assert_eq!(filled["adopted"], 2500);
    assert!(filled["full"] >= 100 && filled["accepted"] > 5_000, "{filled:?}");
}

/// Kills at random instants, under four producers and a server that comes and goes. How many is
/// said by PH_KILLS.
#[test]
fn every_accepted_event_survives_being_killed_at_any_instant() {
    let kills: u64 = std::env::var("PH_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(30);
    let mut scene = Scene::new();
    scene.variables = vec![("QUIET", "1".into())];
    let journal = scene.folder.join("journal");
    let flapping = || {
        Script::new()
            .every(3, "/", Reply::status(503))
            .every(7, "/", Reply::usual().reset(At::Body))
            .every(11, "/", Reply::usual().reset(At::Response(20)))
    };
    scene.receiver.set_script(flapping());
    let mut random = std::process::id() | 1;
    let mut expected = BTreeMap::new();
    for kill in 0..kills {
        fs::write(&journal, [0; 32]).expect("the journal");
        let id = format!("run-{kill}");
        let path = journal.display().to_string();
        let mut command = scene.command(&["storm", &id, &path]);
        if kill % 2 == 1 {
            command.env("SYNC", "1");
        }
        let mut child = command.stderr(Stdio::inherit()).spawn().expect("a child");
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        thread::sleep(Duration::from_micros(u64::from(random % 120_000)));
        child.kill().expect("it can be killed");
        child.wait().expect("it has ended");
        let counts = fs::read(&journal).expect("the journal");
        for (index, count) in counts.chunks_exact(8).enumerate() {
            let count = i64::from_le_bytes(count.try_into().expect("eight bytes"));
            expected.insert(format!("{id}-{index}"), count);
        }
        for (_, len) in scene.files() {
            assert!(len <= (64 << 20) + HEADER, "{len} bytes");
        }
        // Each dies too soon to deliver all that it finds: now and then one may.
        if kill % 20 == 19 || kill + 1 == kills {
            scene.come_back();
            let left = scene.send();
            assert_eq!((left["damaged"], left["overflown"]), (0, 0), "{left:?}");
            assert_eq!(scene.files(), []);
        }
        scene.receiver.set_script(flapping());
    }
    let accepted = scene.receiver.accepted();
    let ambiguous = scene.receiver.ambiguous().len();
    let mut repeated = 0;
    for (id, count) in &expected {
        let (mut arrived, again) = numbers(&accepted, id);
        repeated += again;
        arrived.sort_unstable();
        // The last one of each thread may be stored and its capture not have returned.
        let may_be = arrived.len() as i64 - count;
        assert!((0..=1).contains(&may_be), "{id}: {count} accepted, {} arrived", arrived.len());
        assert_eq!(arrived, range(count + may_be), "{id}");
    }
    let total: i64 = expected.values().sum();
    assert!(total > kills as i64 * 100, "only {total} events");
    // An answer under way when the process died is ambiguous to it: a batch a time, at most.
    assert!(repeated <= ambiguous + kills as usize * 1000, "{repeated} of {total} came twice");
}
