//! Files as processes leave them, and as they never would.

use super::*;
use crate::record::{DONE, MARK_AT, NewRecord, Record};
use crate::storage::{HEADER, Project};
use crate::timestamp::Timestamp;
use crate::uuid::Random;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A page a slot.
const SEGMENT: usize = file::PAGE;
/// Long ago.
const THEN_S: i64 = 1_700_000_000;

/// A directory that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        let name = format!("posthog-store-{:016x}", Random::new().next());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn store(&self, bytes_max: u64) -> Store {
        self.store_for(bytes_max, 1_000_000)
    }

    fn store_for(&self, bytes_max: u64, age_max_ms: i64) -> Store {
        let directory = Directory::open(&self.0, Project::new("phc_a", "https://x")).unwrap();
        let bounds = Bounds { bytes_max, age_max_ms };
        let logger = Logger::new(None, false, Arc::default());
        Store::new(Arc::new(directory), Kind::Events, bounds, SEGMENT, None, logger)
    }

    fn file(&self) -> Option<PathBuf> {
        let mut entries = fs::read_dir(&self.0).unwrap();
        Some(entries.next()?.unwrap().path())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Writes events of these numbers to a slot, one behind the other; where each lies.
fn write(slot: &mut Slot, numbers: impl IntoIterator<Item = u8>) -> Vec<usize> {
    slot.begin();
    let mut at = 0;
    let places = numbers.into_iter().map(|n| {
        let record = NewRecord {
            distinct_id: b"somebody",
            event: &[b'a' + n; 20],
            props: [b"\"plan\":\"pro\",\"amount\":4999", &[]],
            options: &[],
            marks: 0,
            timestamp: Timestamp::from_parts(THEN_S, 0, 6),
            uuid: None,
        };
        let (begin, seal) = (at, slot.seal());
        at += record.stride();
        record.write(Uuid::from_bytes([n; 16]), seal, &mut slot[begin..at]);
        begin
    });
    places.collect()
}

fn number(record: &Record<'_>) -> u8 {
    record.uuid.as_bytes()[0]
}

/// The numbers of what is left over, in order.
fn numbers(found: &mut Found) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some((record, _)) = found.left_over.peek() {
        all.push(number(&record));
        found.left_over.skip();
    }
    all
}

/// A process may have 65,530 mappings on Linux, and the host needs its own.
#[test]
fn many_slots_are_few_mappings() {
    let scratch = Scratch::new();
    let store = scratch.store(1 << 30);
    let slots: Vec<Slot> = (0..500).map(|_| store.take(1).unwrap().unwrap()).collect();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let own = maps.lines().filter(|line| line.contains(scratch.0.to_str().unwrap()));
    assert_eq!(own.count(), 1);
    drop(slots);
}

/// More files than are open at once; their bound is that of all of them.
#[test]
fn many_files_are_within_the_bounds_together() {
    let scratch = Scratch::new();
    let dead = |number: u8| {
        let store = scratch.store(1 << 20);
        let mut slot = store.take(1).unwrap().unwrap();
        if number < 60 {
            write(&mut slot, [number]);
        }
        store.leave();
        drop(slot);
        store.close();
    };
    (0..70).for_each(dead);
    let names = || fs::read_dir(&scratch.0).unwrap().count();
    assert_eq!(names(), 70);
    // Of the last ten there is nothing to keep, and the oldest ten are too many.
    let store = scratch.store(50 * file::PAGE as u64);
    let mut found = store.adopt();
    assert_eq!((found.events, found.overflown), (adoption::FILES_MAX as u64, 10));
    assert_eq!(names(), 50);
    // While these are open, no other is.
    assert_eq!(store.adopt_more().events, 0);
    let mut all = numbers(&mut found);
    found = store.adopt_more();
    assert!(!store.has_more());
    all.extend(numbers(&mut found));
    // Which are the oldest is told by milliseconds.
    let distinct: HashSet<u8> = all.iter().copied().filter(|number| *number < 60).collect();
    assert_eq!((all.len(), distinct.len()), (50, 50));
}

/// Which are too many is found before they are removed, and others start meanwhile.
#[test]
fn what_another_process_has_taken_over_costs_no_file_beside_it() {
    let scratch = Scratch::new();
    for number in 0..3 {
        leave(&scratch, [number]);
    }
    let mut names: Vec<PathBuf> =
        fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort_unstable();
    fs::remove_file(&names[0]).unwrap();
    let (store, mut found) = (scratch.store(1 << 20), Found::default());
    store.give_up(&names[..1], &mut found).unwrap();
    assert_eq!((found.overflown, fs::read_dir(&scratch.0).unwrap().count()), (0, 2));
    store.give_up(&names[..2], &mut found).unwrap();
    assert_eq!(found.overflown, 1);
    assert_eq!(scratch.file().as_ref(), Some(&names[2]));
}

/// Of which nothing is left but that something was there.
#[test]
fn damage_is_told_of_each_of_many_files() {
    let scratch = Scratch::new();
    for _ in 0..40 {
        let path = leave(&scratch, 0..3);
        let mut bytes = fs::read(&path).unwrap();
        // The first cannot be read; the others are settled.
        let first = HEADER + file::HEADER;
        let stride = Record::read(&bytes[first..]).unwrap().stride();
        bytes[first + 20] ^= 1;
        for at in [first + stride, first + 2 * stride] {
            bytes[at + MARK_AT..][..DONE.len()].copy_from_slice(&DONE);
        }
        fs::write(&path, bytes).unwrap();
    }
    let found = scratch.store(1 << 20).adopt();
    assert_eq!((found.events, found.damaged), (0, 40));
    assert_eq!(scratch.file(), None);
}

/// The system would end the process that writes there.
#[test]
fn a_file_that_was_cut_short_is_not_written_to() {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map(|it| it.parse::<u32>().unwrap_or(0));
    if (numbers.next(), numbers.next()) < (Some(5), Some(14)) {
        eprintln!("SKIPPED: this kernel does not tell");
        return;
    }
    let scratch = Scratch::new();
    let store = scratch.store(1 << 20);
    drop(store.take(1).unwrap().unwrap());
    let file = fs::OpenOptions::new().write(true).open(scratch.file().unwrap()).unwrap();
    file.set_len(HEADER as u64).unwrap();
    assert!(matches!(store.take(1), Ok(None)));
    assert!(!store.is_active());
}

/// Its disk may be better another time.
#[test]
fn what_cannot_be_read_when_its_turn_comes_is_left() {
    let scratch = Scratch::new();
    let path = leave(&scratch, 0..3);
    let mut found = scratch.store(1 << 20).adopt();
    assert_eq!(found.events, 3);
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(HEADER as u64).unwrap();
    assert!(numbers(&mut found).is_empty());
    drop(found);
    assert!(path.exists());
}

/// The file of a dead process with events of these numbers.
fn leave(scratch: &Scratch, numbers: impl IntoIterator<Item = u8>) -> PathBuf {
    let store = scratch.store(1 << 20);
    let mut slot = store.take(1).unwrap().unwrap();
    write(&mut slot, numbers);
    let path = slot.hold().file.owned.path().to_owned();
    store.leave();
    drop(slot);
    store.close();
    path
}

/// A file of two slots with four events each, and where each begins and ends.
fn sample() -> (Vec<u8>, Vec<(usize, usize)>) {
    let scratch = Scratch::new();
    let store = scratch.store(1 << 20);
    let mut slots = [0, 4].map(|first| {
        let mut slot = store.take(1).unwrap().unwrap();
        let places = write(&mut slot, first..first + 4);
        (slot, places)
    });
    let mut places = Vec::new();
    for (index, (slot, begins)) in slots.iter_mut().enumerate() {
        let first = HEADER + index * SEGMENT + file::HEADER;
        for begin in begins.iter() {
            let len = Record::read(&slot[*begin..]).unwrap().bytes.len();
            places.push((first + begin, first + begin + len));
        }
    }
    store.leave();
    drop(slots);
    store.close();
    (fs::read(scratch.file().unwrap()).unwrap(), places)
}

/// What is found of a file with these bytes.
fn found_in(folder: &Scratch, bytes: &[u8]) -> (Vec<u8>, Found) {
    fs::write(folder.0.join("1.events"), bytes).unwrap();
    let mut found = folder.store(1 << 20).adopt();
    let numbers = numbers(&mut found);
    assert_eq!(numbers.len() as u64, found.events);
    (numbers, found)
}

fn clear(folder: &Scratch) {
    let _ = fs::remove_file(folder.0.join("1.events"));
}

#[test]
fn what_a_process_leaves_is_found_once_and_then_the_file_is_gone() {
    let (bytes, _) = sample();
    let folder = Scratch::new();
    let (numbers, found) = found_in(&folder, &bytes);
    assert_eq!(numbers, (0..8).collect::<Vec<u8>>());
    assert_eq!((found.expired, found.damaged, found.overflown), (0, 0, 0));
    drop(found);
    assert_eq!(folder.file(), None);
}

#[test]
fn a_file_cut_short_anywhere_has_what_is_before_the_cut() {
    let (bytes, places) = sample();
    let folder = Scratch::new();
    let cuts = (0..HEADER).step_by(61).chain(HEADER..bytes.len());
    for cut in cuts {
        let (numbers, found) = found_in(&folder, &bytes[..cut]);
        let whole = places.iter().filter(|(_, end)| *end <= cut).count() as u8;
        assert_eq!(numbers, (0..whole).collect::<Vec<u8>>(), "cut at {cut}");
        assert_eq!(found.damaged, 0);
        clear(&folder);
    }
}

#[test]
fn a_changed_bit_costs_no_more_than_what_it_lies_in() {
    let (bytes, places) = sample();
    let folder = Scratch::new();
    for at in HEADER..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let (numbers, found) = found_in(&folder, &changed);
        let slot = (at - HEADER) / SEGMENT;
        let hit = places.iter().position(|(begin, end)| (*begin..*end).contains(&at));
        let heads = (at - HEADER) % SEGMENT < 28;
        let expected = (0..8_u8).filter(|n| match hit {
            Some(hit) => usize::from(*n) != hit,
            None => !heads || usize::from(*n) / 4 != slot,
        });
        assert_eq!(numbers, expected.collect::<Vec<u8>>(), "bit at {at}");
        // Behind the last of a slot nothing tells that there was one.
        let is_seen = hit.is_some_and(|hit| hit % 4 != 3);
        assert_eq!(found.damaged, u64::from(is_seen), "bit at {at}");
        clear(&folder);
    }
}

/// Whatever the file holds, nothing is read that was not written.
#[test]
fn a_file_of_nonsense_yields_nothing_else() {
    let (bytes, _) = sample();
    let folder = Scratch::new();
    let mut random = Random::from_seed([3; 32]);
    let mut below = move |n: usize| (random.next() % n as u64) as usize;
    let mut survived = 0;
    for _ in 0..4_000 {
        let mut changed = bytes.clone();
        for _ in 0..1 + below(4) {
            let from = HEADER + below(changed.len() - HEADER);
            let to = (from + 1 + below(600)).min(changed.len());
            match below(4) {
                0 => changed[from..to].fill(below(256) as u8),
                1 => (from..to).for_each(|at| changed[at] = below(256) as u8),
                2 => {
                    let place = HEADER + below(changed.len() - HEADER - (to - from));
                    changed.copy_within(from..to, place);
                }
                _ => drop(changed.splice(from..to, [])),
            }
        }
        let (numbers, _) = found_in(&folder, &changed);
        assert!(numbers.iter().all(|n| *n < 8), "{numbers:?}");
        survived += numbers.iter().collect::<HashSet<_>>().len();
        clear(&folder);
    }
    assert!(survived > 8_000, "only {survived} of 32,000 survived");
}

#[test]
fn a_slot_that_is_used_again_has_only_its_last_use() {
    let scratch = Scratch::new();
    let store = scratch.store(1 << 20);
    let mut slot = store.take(1).unwrap().unwrap();
    write(&mut slot, 0..9);
    assert!(slot.renew());
    write(&mut slot, [20, 21]);
    store.leave();
    drop(slot);
    store.close();
    assert_eq!(numbers(&mut scratch.store(1 << 20).adopt()), [20, 21]);
}

#[test]
fn what_is_settled_is_not_found_again() {
    let scratch = Scratch::new();
    let store = scratch.store(1 << 20);
    let mut slots = [store.take(1).unwrap().unwrap(), store.take(1).unwrap().unwrap()];
    let places = write(&mut slots[0], 0..4);
    write(&mut slots[1], 4..8);
    for settled in [0, 2] {
        Place::new(slots[0].hold(), places[settled]).settle();
    }
    store.leave();
    drop(slots);
    store.close();
    let mut found = scratch.store(1 << 20).adopt();
    assert_eq!(found.events, 6);
    // The first one of the second slot, too, by its next process, which then dies.
    let (mut seen, mut places) = (Vec::new(), Vec::new());
    while let Some((record, place)) = found.left_over.peek() {
        seen.push(number(&record));
        places.push(place);
        found.left_over.skip();
    }
    assert_eq!(seen, [1, 3, 4, 5, 6, 7]);
    places[2].settle();
    let bytes = fs::read(scratch.file().unwrap()).unwrap();
    let folder = Scratch::new();
    assert_eq!(found_in(&folder, &bytes).0, [1, 3, 5, 6, 7]);
}

#[test]
fn slots_are_bounded_given_back_and_found_in_a_row() {
    let scratch = Scratch::new();
    let store = scratch.store(4 * SEGMENT as u64);
    let mut slots: Vec<Slot> = (0..4).map(|_| store.take(1).unwrap().unwrap()).collect();
    assert!(!store.has_room(1) && matches!(store.take(1), Err(Error::QueueFull)));
    slots.remove(1);
    assert!(store.has_room(1) && !store.has_room(SEGMENT));
    assert!(matches!(store.take(SEGMENT), Err(Error::QueueFull)));
    slots.remove(1);
    let large = store.take(SEGMENT).unwrap().unwrap();
    assert_eq!(large.len(), 2 * SEGMENT - file::HEADER);
    assert!(!store.has_room(1));
}

#[test]
fn what_is_old_or_too_much_is_given_up_and_told() {
    let (bytes, _) = sample();
    let folder = Scratch::new();
    fs::write(folder.0.join("1.events"), &bytes).unwrap();
    let mut found = folder.store(SEGMENT as u64).adopt();
    assert_eq!((found.events, found.overflown), (4, 4));
    assert_eq!(numbers(&mut found), [4, 5, 6, 7]);
    drop(found);
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(folder.0.join("1.events"), &bytes).unwrap();
    let found = folder.store_for(1 << 20, 10).adopt();
    assert_eq!((found.events, found.expired), (0, 8));
    drop(found);
    assert_eq!(folder.file(), None);
}

/// The room of slots that hold little counts neither towards the bound nor, then, on the disk.
#[test]
fn what_is_empty_is_given_back() {
    use std::os::unix::fs::MetadataExt;
    const SLOT: usize = 64 * file::PAGE;
    let scratch = Scratch::new();
    let store = scratch.store(64 << 20);
    let mut slots: Vec<Slot> =
        (0..8).map(|_| store.take(SLOT - file::HEADER).unwrap().unwrap()).collect();
    for (n, slot) in slots.iter_mut().enumerate() {
        write(slot, [n as u8]);
    }
    slots.remove(3);
    store.leave();
    drop(slots);
    store.close();
    let path = scratch.file().unwrap();
    let on_disk = || fs::metadata(&path).unwrap().blocks() * 512;
    assert!(on_disk() >= 8 * SLOT as u64);
    let mut found = scratch.store(9 * file::PAGE as u64).adopt();
    assert_eq!((found.events, found.overflown), (7, 0));
    found.left_over.tidy();
    assert!(on_disk() < 2 * SLOT as u64, "{} bytes", on_disk());
    assert_eq!(numbers(&mut found), [0, 1, 2, 4, 5, 6, 7]);
}

#[test]
fn a_file_is_for_its_owner_alone_and_has_no_key() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let store = scratch.store(1 << 20);
    let mut slot = store.take(1).unwrap().unwrap();
    write(&mut slot, [1]);
    let path = scratch.file().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!contains(&path, b"phc_a") && contains(&path, b"somebody"));
}

fn contains(path: &Path, text: &[u8]) -> bool {
    fs::read(path).unwrap().windows(text.len()).any(|window| window == text)
}
