use super::*;
use crate::sys::fork::in_child as elsewhere;
use std::os::unix::fs::PermissionsExt;

const LEN: u64 = 10_000;

/// A directory of the test's own, which goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        let mut id = [0; 8];
        getrandom::fill(&mut id).unwrap();
        let path = std::env::temp_dir().join(format!("posthog-storage-{}", hex(&id)));
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn directory(&self, key: &str) -> Directory {
        Directory::open(&self.0.join("store"), Project::new(key, "http://host")).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("store")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_their_owners_alone() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    let owned = directory.create(Kind::Crash, LEN, 1).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.0.join("store")), 0o700);
    assert_eq!(mode(&owned.path), 0o600);
    assert_eq!(fs::metadata(&owned.path).unwrap().len(), HEADER as u64 + LEN);
    assert!(!fs::read(&owned.path).unwrap().windows(5).any(|it| it == b"phc_a"));
    owned.remove();
    assert!(scratch.names().is_empty());
}

#[test]
fn only_files_of_dead_processes_are_adopted() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    let owned = directory.create(Kind::Crash, LEN, 1).unwrap();
    owned.file.write_at(b"mine", HEADER as u64).unwrap();
    let adopted = |key| scratch.directory(key).adopt(Kind::Crash, None, usize::MAX).unwrap();
    // The process that has it, by a second client; and another process.
    assert!(adopted("phc_a").adopted.is_empty());
    assert!(elsewhere(|| adopted("phc_a").adopted.is_empty()));
    drop(owned);
    // Of another project: left and reported.
    assert_eq!(adopted("phc_b").left, Left { foreign: 1, unknown: 0 });
    assert!(elsewhere(|| adopted("phc_a").adopted.len() == 1));
    let found = adopted("phc_a");
    let [file] = &found.adopted[..] else { panic!("{} files", found.adopted.len()) };
    let mut bytes = [0; 4];
    file.file.read_at(&mut bytes, HEADER as u64).unwrap();
    assert_eq!(&bytes, b"mine");
    // While it is held here, nobody else gets it.
    assert!(adopted("phc_a").adopted.is_empty());
    assert!(elsewhere(|| adopted("phc_a").adopted.is_empty()));
}

#[test]
fn a_forked_child_does_not_hold_its_parents_files() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    let owned = directory.create(Kind::Crash, LEN, 1).unwrap();
    // Closing what it has inherited does not unlock it either.
    assert!(elsewhere(move || {
        drop(owned);
        true
    }));
}

#[test]
fn a_closed_copy_in_a_child_leaves_the_lock() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    let owned = directory.create(Kind::Crash, LEN, 1).unwrap();
    assert!(elsewhere(|| scratch.directory("phc_a").adopt(Kind::Crash, None, usize::MAX).is_ok()));
    assert!(elsewhere(|| scratch
        .directory("phc_a")
        .adopt(Kind::Crash, None, usize::MAX)
        .unwrap()
        .adopted
        .is_empty()));
    drop(owned);
}

#[test]
fn threads_share_what_is_left() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    for _ in 0..20 {
        drop(directory.create(Kind::Crash, LEN, 1).unwrap());
    }
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let adopt = || {
            let adopted = directory.adopt(Kind::Crash, None, usize::MAX).unwrap().adopted;
            let count = adopted.len();
            // One that was dropped here could be adopted again by another thread.
            adopted.into_iter().for_each(Owned::remove);
            count
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(adopt)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(counts.iter().sum::<usize>(), 20, "{counts:?}");
    assert!(scratch.names().is_empty());
}

#[test]
fn the_oldest_come_first() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    let id = |now_ms| directory.create(Kind::Crash, LEN, now_ms).unwrap().id;
    let made = [30, 10, 1_700_000_000_000, 20].map(id);
    let found = directory.adopt(Kind::Crash, None, usize::MAX).unwrap();
    let ids: Vec<_> = found.adopted.iter().map(|it| it.id).collect();
    assert_eq!(ids, [made[1], made[3], made[0], made[2]]);
}

#[test]
fn they_are_adopted_some_at_a_time() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    let ids: Vec<_> =
        (1..=5).map(|ms| directory.create(Kind::Crash, LEN, ms).unwrap().id).collect();
    let (mut held, mut seen, mut behind) = (Vec::new(), Vec::new(), None);
    for expected in [2, 2, 1] {
        let found = directory.adopt(Kind::Crash, behind.as_deref(), 2).unwrap();
        assert_eq!(found.adopted.len(), expected);
        seen.extend(found.adopted.iter().map(|it| it.id));
        held.extend(found.adopted);
        behind = found.rest;
    }
    assert_eq!((seen, behind), (ids, None));
}

#[test]
fn damaged_files_are_left() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    let whole = directory.create(Kind::Crash, 100, 1).unwrap();
    let bytes = fs::read(&whole.path).unwrap();
    let path = whole.path.clone();
    drop(whole);
    let left = || directory.adopt(Kind::Crash, None, usize::MAX).unwrap().left;
    for bad in [&bytes[..0], &bytes[..1], &bytes[..HEADER - 1]] {
        fs::write(&path, bad).unwrap();
        assert_eq!(left(), Left { foreign: 0, unknown: 1 }, "{} bytes", bad.len());
    }
    for bit in 0..76 * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &flipped).unwrap();
        assert_eq!(left(), Left { foreign: 0, unknown: 1 }, "bit {bit}");
    }
    // Neither a directory in its place nor a link is looked into.
    fs::write(&path, &bytes).unwrap();
    let moved = scratch.0.join("elsewhere");
    fs::rename(&path, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &path).unwrap();
    assert!(directory.adopt(Kind::Crash, None, usize::MAX).unwrap().adopted.is_empty());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(directory.adopt(Kind::Crash, None, usize::MAX).unwrap().adopted.is_empty());
}

#[test]
fn what_was_never_finished_is_cleared_away() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    let unfinished = directory.create(Kind::Crash, LEN, 1).unwrap().path;
    fs::rename(&unfinished, unfinished.with_extension(UNFINISHED)).unwrap();
    // What somebody else keeps there is nobody's to clear away.
    fs::write(scratch.0.join("store/notes.new"), b"").unwrap();
    assert!(directory.adopt(Kind::Crash, None, usize::MAX).unwrap().adopted.is_empty());
    assert_eq!(scratch.names(), ["notes.new"]);
}

#[test]
fn unfit_directories_are_told_apart() {
    let scratch = Scratch::new();
    let open = |path: &Path| Directory::open(path, Project::new("k", "h")).err();
    let file = scratch.0.join("file");
    fs::write(&file, b"").unwrap();
    assert!(matches!(open(&file), Some(Problem::NotADirectory)));
    let missing = open(&scratch.0.join("missing/store"));
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    assert!(matches!(missing, Some(Problem::System(error)) if is_missing(&error)));
    let shared = scratch.0.join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(open(&shared), Some(Problem::WorldWritable)));
    if user() == 0 {
        let foreign = scratch.0.join("foreign");
        fs::create_dir(&foreign).unwrap();
        std::os::unix::fs::chown(&foreign, Some(12_345), None).unwrap();
        assert!(matches!(open(&foreign), Some(Problem::OfAnotherUser)));
    }
}

#[test]
fn a_directory_that_is_removed_is_an_error() {
    let scratch = Scratch::new();
    let directory = scratch.directory("phc_a");
    let owned = directory.create(Kind::Crash, LEN, 1).unwrap();
    fs::remove_dir_all(scratch.0.join("store")).unwrap();
    assert!(owned.file.is_gone());
    owned.remove();
    assert!(directory.create(Kind::Crash, LEN, 1).is_err());
    assert!(directory.adopt(Kind::Crash, None, usize::MAX).is_err());
}
