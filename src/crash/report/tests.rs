//! Damaged records: whatever lies in a file, it is a report or none.

use super::super::record::Record;
use super::super::{Crash, Scene as Crashed, directory};
use super::*;
use crate::config::Config;
use crate::storage::HEADER;
use crate::sys::crash::layout::{CONTEXT, CRASH, CRASH_STACK, IMAGES, LOADED, NOTE, NOTE_STACK};
use crate::sys::images::Images;
use crate::uuid::Random;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// A directory with the record of one process, which has ended: with a note, and ready to be read.
struct Scratch {
    directory: Directory,
    folder: PathBuf,
}

impl Scratch {
    fn new() -> Scratch {
        let mut id = [0; 8];
        getrandom::fill(&mut id).unwrap();
        let folder = std::env::temp_dir().join(format!("posthog-crash-{}", u64::from_le_bytes(id)));
        let mut config = Config::new("phc_test");
        config.storage_dir = Some(folder.clone());
        let directory = directory(&config, &silent()).unwrap();
        let crash = Crash::open(&config, &directory, &silent(), None).unwrap();
        let steps = Some(br#"[{"$message":"opened the door"}]"#.to_vec());
        let mut scene = Crashed { release: Some("1"), steps, ..Crashed::default() };
        scene.props.set_str("plan", b"pro").unwrap();
        crash.set_identity(Some("user_42"));
        crash.prepare(&Images::default(), &scene).unwrap();
        crash.write(b"the reactor melts", 0).unwrap();
        Scratch { directory, folder }
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn silent() -> Logger {
    Logger::new(None, false, Arc::default())
}

/// A record of this process, with a note and, as if it had gone on to die, a crash.
fn sample() -> Vec<u8> {
    let mut bytes = std::fs::read(&Scratch::new().files()[0]).unwrap().split_off(HEADER);
    bytes[0..4].copy_from_slice(&layout::WRITTEN.to_ne_bytes());
    bytes.copy_within(NOTE..NOTE + size_of::<layout::Fault>(), CRASH);
    bytes.copy_within(NOTE_STACK.start..NOTE_STACK.start + NOTE_STACK.len, CRASH_STACK.start);
    bytes[CRASH..CRASH + 4].copy_from_slice(&libc::SIGSEGV.to_ne_bytes());
    bytes
}

fn exceptions(bytes: &[u8]) -> Vec<Exception> {
    let Some(record) = Record::parse(bytes) else { return Vec::new() };
    let time_ms = record.time_ms();
    let Record { crash, note, mut images, loaded, .. } = record;
    add_loaded(&mut images, &loaded, time_ms);
    exceptions_of(crash, note, &images).unwrap()
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let bytes = sample();
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.context["distinct_id"], "user_42");
    assert_eq!(record.context["props"]["plan"], "pro");
    assert!(record.images.len() > 1);
    assert!(record.loaded.iter().any(|entry| entry.path.contains("libc.so")));
    let (note, message) = record.note.as_ref().unwrap();
    assert_eq!(message, b"the reactor melts");
    // Without what was written ahead, the loader's list has all but the executable.
    let mut images = Vec::new();
    add_loaded(&mut images, &record.loaded, i64::MAX);
    let files = record.images.iter().filter(|it| std::path::Path::new(&it.path).is_file());
    assert_eq!(images.len(), files.count() - 1);
    assert!(images.iter().all(|image| record.images.contains(image)));
    assert!(unwind::addresses(note, &record.images, FRAMES_MAX).len() > 2);
    let exceptions = exceptions(&bytes);
    assert_eq!(exceptions.len(), 1);
    assert!(exceptions[0].props.get("$exception_signal").is_some());
}

#[test]
fn every_shorter_one_is_none() {
    let bytes = sample();
    assert_eq!(bytes.len(), layout::LEN);
    for len in 0..bytes.len() {
        assert!(Record::parse(&bytes[..len]).is_none());
    }
}

#[test]
fn damaged_ones_are_reports_or_none() {
    let sound = sample();
    let mut random = Random::from_seed([7; 32]);
    let mut below = |end: usize| (random.next() % end as u64) as usize;
    // Where a byte decides something: what controls, heads of slots and what follows, stacks.
    let parts = [0, NOTE, CRASH, IMAGES[0].start, CONTEXT[0].start, LOADED.start, NOTE_STACK.start];
    let mut bytes = sound.clone();
    let mut reports = 0;
    for _ in 0..5_000 {
        let mut changed = Vec::new();
        for _ in 0..1 + below(6) {
            let reach = [64, 1024][below(2)];
            let at = parts[below(parts.len())] + below(reach);
            let values = [0, 1, 0x7F, 0x80, 0xFF, below(256) as u8];
            bytes[at] = values[below(values.len())];
            changed.push(at);
        }
        reports += exceptions(&bytes).len();
        changed.iter().for_each(|at| bytes[*at] = sound[*at]);
    }
    assert!(reports > 2_500, "{reports}");
}

#[test]
fn one_that_ends_its_readers_is_given_up() {
    let scratch = Scratch::new();
    let adopt = || Reports::adopt(&scratch.directory, &silent()).len();
    // Read, not delivered, and read again.
    assert_eq!([adopt(), adopt(), adopt(), adopt()], [1; 4]);
    let begin = |count: u32| {
        let file = std::fs::File::options().write(true).open(&scratch.files()[0]).unwrap();
        file.write_all_at(&count.to_ne_bytes(), READINGS).unwrap();
    };
    begin(READINGS_MAX - 1);
    assert_eq!(adopt(), 1);
    begin(READINGS_MAX);
    assert_eq!(adopt(), 0);
    assert_eq!(scratch.files().len(), 0);
}
