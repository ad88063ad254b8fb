//! A file of slots.
//!
//! ```text
//!  page 0  the header of every file of the storage directory
//!  page 1  a slot: whole pages, as many as its header says
//!            0  [4]  mark; zeros when nothing in the slot is wanted any more
//!            4  u32  pages
//!            8  u64  its order: no two uses of a slot of this file have the same
//!           16  i64  since when it is used, in milliseconds since 1970
//!           24  u32  CRC-32 of what is before
//!           64  records (`record`), sealed with the lower half of the order
//!  page n  the next slot, or pages that nothing is known of
//! ```
//! All integers are little-endian. A slot that is used again gets a new order first: what it held
//! before has another seal, and does not count.

use super::lock;
use crate::clock;
use crate::record::{DONE, MARK_AT, Seal};
use crate::storage::{HEADER as FILE_HEADER, Owned};
use crate::sys::pages::{Pages, Resident, Window};
use crate::sys::thread;
use std::io;
use std::ops::{Deref, DerefMut, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Bytes in front of a slot's records.
pub const HEADER: usize = 64;
pub const PAGE: usize = 4096;

const MARK: [u8; 4] = *b"\x01PhS";
/// What the checksum covers.
const COVERED: usize = 24;

/// Bytes of a slot for records of so many.
pub fn slot_len(bytes: usize) -> usize {
    (bytes + HEADER).next_multiple_of(PAGE)
}

/// How a slot begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub pages: u32,
    pub order: u64,
    pub since_ms: i64,
}

impl Head {
    pub fn seed(&self) -> u32 {
        self.order as u32
    }

    fn bytes(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..4].copy_from_slice(&MARK);
        out[4..8].copy_from_slice(&self.pages.to_le_bytes());
        out[8..16].copy_from_slice(&self.order.to_le_bytes());
        out[16..24].copy_from_slice(&self.since_ms.to_le_bytes());
        let checksum = crc32fast::hash(&out[..COVERED]);
        out[COVERED..COVERED + 4].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// `None` where no slot begins.
    pub fn parse(bytes: &[u8; HEADER]) -> Option<Head> {
        let (covered, rest) = bytes.split_at(COVERED);
        let is_whole = rest.starts_with(&crc32fast::hash(covered).to_le_bytes());
        let head = Head {
            pages: u32::from_le_bytes(covered[4..8].try_into().ok()?),
            order: u64::from_le_bytes(covered[8..16].try_into().ok()?),
            since_ms: i64::from_le_bytes(covered[16..24].try_into().ok()?),
        };
        (is_whole && covered.starts_with(&MARK) && head.pages > 0).then_some(head)
    }
}

/// Closing a file that nobody finds any more frees its space, which takes some file systems a second:
/// one of more bytes is closed by a thread of its own.
const LARGE: u64 = 4 << 20;

/// Address space of a window: of so many slots, or of one.
const WINDOW: usize = 16 << 20;

/// What a file's slots are used for.
#[derive(Default)]
struct Slots {
    /// Which are used, of those that there are.
    taken: Vec<bool>,
    /// Where they are in memory.
    windows: Vec<Option<Arc<Window>>>,
}

/// A file of this process's: its own, or one that it took over.
pub struct SlotFile {
    pub owned: Arc<Owned>,
    unit: usize,
    slots: Mutex<Slots>,
    /// How many of all files.
    used: Arc<AtomicUsize>,
    order: AtomicU64,
    /// The disk was never told to keep what is in it.
    is_unsynced: AtomicBool,
    /// Nothing is written to it any more: it is left as it is, or removed.
    is_over: AtomicBool,
}

impl SlotFile {
    pub fn new(owned: Owned, unit: usize, used: Arc<AtomicUsize>) -> SlotFile {
        let (owned, slots, order) = (Arc::new(owned), Mutex::default(), AtomicU64::new(1));
        let (is_unsynced, is_over) = (AtomicBool::new(true), AtomicBool::new(false));
        SlotFile { owned, unit, slots, used, order, is_unsynced, is_over }
    }

    /// What the disk is to keep of it: nothing new comes to one that was taken over.
    pub fn unsynced(&self) -> Option<Arc<Owned>> {
        let is_new = self.is_unsynced.swap(false, Ordering::AcqRel);
        (is_new || self.units() > 0).then(|| Arc::clone(&self.owned))
    }

    /// How many slots the file has room for.
    pub fn units(&self) -> usize {
        lock(&self.slots).taken.len()
    }

    /// So many slots in a row; `None` when there would be more than `max` then.
    pub fn take(self: &Arc<SlotFile>, units: usize, max: usize) -> io::Result<Option<Slot>> {
        let mut slots = lock(&self.slots);
        let len = slots.taken.len();
        let is_free = |at: &usize| slots.taken[*at..len.min(at + units)].iter().all(|used| !used);
        let Some(first) = (0..=len).find(is_free) else { return Ok(None) };
        let place = first..first + units;
        let at = self.at(first);
        if place.end > len {
            if place.end > max {
                return Ok(None);
            }
            if !self.is_there() {
                return Err(io::Error::other("the file was removed"));
            }
            self.owned.file.allocate(at, (units * self.unit) as u64)?;
            slots.taken.resize(place.end, false);
        }
        let pages = self.pages(&mut slots.windows, &place)?;
        pages.provide()?;
        slots.taken[place.clone()].fill(true);
        self.used.fetch_add(units, Ordering::Relaxed);
        let hold = Hold { file: Arc::clone(self), at, place, is_free: AtomicBool::new(true) };
        Ok(Some(Slot { pages, hold: Arc::new(hold), seed: 0 }))
    }

    /// Where a slot begins.
    fn at(&self, slot: usize) -> u64 {
        (FILE_HEADER + slot * self.unit) as u64
    }

    /// Slots as memory. They are not used yet.
    fn pages(
        &self,
        windows: &mut Vec<Option<Arc<Window>>>,
        place: &Range<usize>,
    ) -> io::Result<Pages> {
        let file = &self.owned.file;
        let each = (WINDOW / self.unit).max(1);
        let (index, first) = (place.start / each, place.start % each);
        if windows.len() <= index {
            windows.resize(index + 1, None);
        }
        if windows[index].is_none() {
            // Without so much address space each slot has a window of its own.
            windows[index] = file.window(self.at(index * each), each * self.unit).ok();
        }
        let len = place.len() * self.unit;
        match windows[index].clone().and_then(|window| Pages::of(window, first * self.unit, len)) {
            Some(pages) => Ok(pages),
            None => {
                let window = file.window(self.at(place.start), len)?;
                Pages::of(window, 0, len).ok_or_else(|| io::ErrorKind::InvalidInput.into())
            }
        }
    }

    pub fn is_there(&self) -> bool {
        !self.owned.file.is_gone()
    }

    pub fn leave(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    pub fn purge(&self) {
        self.leave();
        self.owned.unlink();
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

impl Drop for SlotFile {
    /// Nothing is in it any more, or it is left.
    fn drop(&mut self) {
        if !self.is_over() {
            self.owned.unlink();
        }
        if !self.is_there() && self.owned.file.len().is_ok_and(|len| len > LARGE) {
            let owned = Arc::clone(&self.owned);
            // Without a thread it is this one that waits.
            let _ = thread::spawn("posthog-close", move || drop(owned));
        }
    }
}

/// The right to what is in a slot. It is shared by copies of its records that were taken for
/// different requests. When the last one goes, the slot is empty.
pub struct Hold {
    pub(super) file: Arc<SlotFile>,
    pub(super) at: u64,
    /// Which of the file's slots, where this process uses them again.
    pub(super) place: Range<usize>,
    /// The file says already that nothing in it is wanted.
    pub(super) is_free: AtomicBool,
}

impl Hold {
    /// Has the file say that nothing in the slot is wanted any more. That it cannot be written is no
    /// reason to stop: the events are sent once more then, with the same uuids.
    pub fn free(&self) {
        if !self.is_free.swap(true, Ordering::AcqRel) {
            let _ = self.file.owned.file.write_at(&[0; 4], self.at);
        }
    }

    /// The same of one record.
    fn settle(&self, at: u32) {
        let mark = self.at + (HEADER + MARK_AT) as u64 + u64::from(at);
        let _ = self.file.owned.file.write_at(&DONE, mark);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.file.is_over() {
            self.free();
        }
        self.file.used.fetch_sub(self.place.len(), Ordering::Relaxed);
        if let Some(taken) = lock(&self.file.slots).taken.get_mut(self.place.clone()) {
            taken.fill(false);
        }
    }
}

/// Where a record lies of which there is a copy.
#[derive(Clone)]
pub struct Place {
    pub hold: Arc<Hold>,
    /// In the slot, behind its header.
    at: u32,
}

impl Place {
    pub fn new(hold: &Arc<Hold>, at: usize) -> Place {
        Place { hold: Arc::clone(hold), at: at as u32 }
    }

    /// What lies there is settled.
    pub fn settle(&self) {
        self.hold.settle(self.at);
    }
}

/// A slot of this process's file, as memory for records.
pub struct Slot {
    pages: Pages,
    hold: Arc<Hold>,
    seed: u32,
}

impl Slot {
    /// Begins a new use of it.
    pub fn begin(&mut self) {
        let order = self.hold.file.order.fetch_add(1, Ordering::Relaxed);
        let pages = (self.pages.len() / PAGE) as u32;
        let head = Head { pages, order, since_ms: clock::now().unix_millis() };
        self.seed = head.seed();
        self.pages[..HEADER].copy_from_slice(&head.bytes());
        self.hold.is_free.store(false, Ordering::Release);
    }

    /// How its records are sealed.
    #[inline]
    pub fn seal(&self) -> Seal {
        Seal::Checked(self.seed)
    }

    pub fn hold(&self) -> &Arc<Hold> {
        &self.hold
    }

    /// Its memory, which the system may have back until the slot is looked at again.
    pub fn resident(&self) -> Resident {
        self.pages.resident()
    }

    /// Ends its use. False when there is to be no other: something of it is left, or it is larger
    /// than others.
    pub fn renew(&mut self) -> bool {
        if Arc::strong_count(&self.hold) > 1 || self.hold.file.is_over() {
            return false;
        }
        self.hold.free();
        self.hold.place.len() == 1
    }
}

impl Deref for Slot {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.pages[HEADER..]
    }
}

impl DerefMut for Slot {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.pages[HEADER..]
    }
}
