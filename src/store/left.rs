//! What dead processes left.

use super::file::{HEADER, Head, Hold, PAGE, Place, SlotFile};
use crate::record::{ALIGNMENT, Record};
use crate::storage::HEADER as FILE_HEADER;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

/// Less than this is not worth giving back.
const HOLE_MIN: u64 = 16 * PAGE as u64;

/// Goes through a slot's records, and over what is none.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    seed: u32,
    /// What lies here could not be read.
    is_lost: bool,
    /// Stretches between records that could not be read.
    gaps: u64,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8], at: usize, seed: u32) -> Walk<'a> {
        Walk { bytes, at, seed, is_lost: false, gaps: 0 }
    }

    /// The next record that is not done with, and where it begins. Behind the last one nothing
    /// counts as a gap: it is room that was never used, or a record that nobody was told of.
    fn next(&mut self) -> Option<(usize, Record<'a>)> {
        while let Some(rest) = self.bytes.get(self.at..).filter(|rest| !rest.is_empty()) {
            let Some((record, is_done)) = Record::verify(rest, self.seed) else {
                self.is_lost = true;
                self.at += ALIGNMENT;
                continue;
            };
            self.gaps += u64::from(std::mem::take(&mut self.is_lost));
            let at = self.at;
            self.at += record.stride();
            if !is_done {
                return Some((at, record));
            }
        }
        None
    }
}

/// One slot of a dead process.
struct Old {
    head: Head,
    hold: Arc<Hold>,
    /// Bytes behind its header, as far as the file has them.
    len: usize,
    events: u64,
}

impl Old {
    fn read(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; self.len];
        self.hold.file.owned.file.read_at(&mut bytes, self.hold.at + HEADER as u64).ok()?;
        Some(bytes)
    }
}

/// The slots that are not sent yet, oldest first.
#[derive(Default)]
pub struct LeftOver {
    slots: VecDeque<Old>,
    reading: Option<Reading>,
    /// What the disk is to get back of their files.
    holes: Vec<(Weak<SlotFile>, Range<u64>)>,
}

/// A slot that was read, as far as `at`.
struct Reading {
    old: Old,
    bytes: Vec<u8>,
    at: usize,
}

impl LeftOver {
    /// Gives the disk back what nothing is in. Some file systems take their time.
    pub fn tidy(&mut self) {
        for (file, hole) in self.holes.drain(..) {
            if let Some(file) = file.upgrade() {
                file.owned.file.punch(hole.start, hole.end - hole.start);
            }
        }
    }

    /// Nobody wants it any more: the files stay for the next process, or are removed.
    pub fn abandon(self, stays: bool) {
        for file in self.slots.iter().map(|old| &old.hold.file) {
            if stays { file.leave() } else { file.purge() }
        }
    }

    /// The next event, which is a copy, and where it lies.
    pub fn peek(&mut self) -> Option<(Record<'_>, Place)> {
        self.seek()?;
        let reading = self.reading.as_ref()?;
        let record = Record::read(&reading.bytes[reading.at..])?;
        Some((record, Place::new(&reading.old.hold, reading.at)))
    }

    /// Goes on behind that.
    pub fn skip(&mut self) {
        if let Some(reading) = &mut self.reading
            && let Some(record) = Record::read(&reading.bytes[reading.at..])
        {
            reading.at += record.stride();
        }
    }

    fn seek(&mut self) -> Option<()> {
        loop {
            if let Some(reading) = &mut self.reading {
                let seed = reading.old.head.seed();
                if let Some((at, _)) = Walk::new(&reading.bytes, reading.at, seed).next() {
                    reading.at = at;
                    return Some(());
                }
            }
            self.reading = None;
            let old = self.slots.pop_front()?;
            match old.read() {
                Some(bytes) => self.reading = Some(Reading { old, bytes, at: 0 }),
                // The disk may be better another time.
                None => old.hold.file.leave(),
            }
        }
    }
}

/// What was found at the start.
#[derive(Default)]
pub struct Found {
    pub left_over: LeftOver,
    /// Events to be sent.
    pub events: u64,
    /// Events that are too old.
    pub expired: u64,
    /// Events for which there is no room.
    pub overflown: u64,
    /// Places between events where others were, and cannot be read.
    pub damaged: u64,
}

impl Found {
    /// Adds what a file holds, and settles what in it is older than `cutoff_ms`.
    pub(super) fn add(&mut self, file: &Arc<SlotFile>, cutoff_ms: i64) {
        let file_len = file.owned.file.len().unwrap_or(0);
        let mut slots = Vec::new();
        let mut at = FILE_HEADER as u64;
        // Behind the last slot.
        let mut end = at;
        let mut head = [0; HEADER];
        while at + (HEADER as u64) < file_len {
            if file.owned.file.read_at(&mut head, at).is_err() {
                // Nothing is known of the rest: it stays as it is.
                file.leave();
                end = file_len;
                break;
            }
            let Some(head) = Head::parse(&head) else {
                at += PAGE as u64;
                continue;
            };
            self.add_hole(file, end..at);
            let slot = u64::from(head.pages) * PAGE as u64;
            let len = (slot.min(file_len - at) as usize).saturating_sub(HEADER);
            let (place, is_free) = (0..0, AtomicBool::new(false));
            let hold = Arc::new(Hold { file: Arc::clone(file), at, place, is_free });
            slots.push(Old { head, hold, len, events: 0 });
            at += slot;
            end = at;
        }
        self.add_hole(file, end..file_len);
        slots.sort_by_key(|old| old.head.order);
        for mut old in slots {
            match old.read() {
                Some(bytes) => self.count(&mut old, &bytes, cutoff_ms),
                // The disk may be better another time.
                None => file.leave(),
            }
            if old.events > 0 {
                self.left_over.slots.push_back(old);
            }
        }
    }

    fn add_hole(&mut self, file: &Arc<SlotFile>, hole: Range<u64>) {
        if hole.end.saturating_sub(hole.start) >= HOLE_MIN {
            self.left_over.holes.push((Arc::downgrade(file), hole));
        }
    }

    fn count(&mut self, old: &mut Old, bytes: &[u8], cutoff_ms: i64) {
        let mut walk = Walk::new(bytes, 0, old.head.seed());
        let mut end = 0;
        while let Some((at, record)) = walk.next() {
            end = at + record.stride();
            // Its own time may be one that the host has given it.
            if old.head.since_ms < cutoff_ms && record.timestamp.unix_millis() < cutoff_ms {
                Place::new(&old.hold, at).settle();
                self.expired += 1;
            } else {
                old.events += 1;
            }
        }
        self.events += old.events;
        self.damaged += walk.gaps;
        let used = (HEADER + end).next_multiple_of(PAGE);
        let slot = u64::from(old.head.pages) * PAGE as u64;
        self.add_hole(&old.hold.file, old.hold.at + used as u64..old.hold.at + slot);
        old.len = old.len.min(used - HEADER);
    }

    /// How many bytes its events take in their files.
    pub(super) fn bytes(&self) -> u64 {
        self.left_over.slots.iter().map(|old| old.len as u64).sum()
    }

    /// Gives up the oldest, as far as there is more than so many bytes.
    pub(super) fn shorten(&mut self, bytes_max: u64) {
        let mut bytes = self.bytes();
        while bytes > bytes_max {
            let Some(old) = self.left_over.slots.pop_front() else { return };
            bytes -= old.len as u64;
            self.events -= old.events;
            self.overflown += old.events;
        }
    }
}
