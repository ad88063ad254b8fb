//! Records of crashes: written ahead as far as they can be, and filled in by a signal handler.

mod altstack;
mod handler;
pub mod layout;
mod loaded;
mod registers;
mod target;
mod write;

pub use altstack::attach;
pub use registers::NAMES;

use layout::{CONTEXT, Control, FREE, IMAGES, Part, SLOT_HEAD, WRITING};
use memmap2::MmapRaw;
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use target::Target;
use write::{Record, errno, set_errno};

/// The record of this process, in a file's memory.
pub struct Recorder {
    /// Stays mapped while a handler may be writing to it.
    map: ManuallyDrop<MmapRaw>,
    record: Record,
    target: &'static Target,
    preparing: Mutex<()>,
}

// SAFETY: the pointers lead to a mapping that lives as long, and what is in it is written by the one
// that has claimed it, or under the lock.
unsafe impl Send for Recorder {}
// SAFETY: as above.
unsafe impl Sync for Recorder {}

impl Recorder {
    /// `map` is all zeros behind its first `start` bytes, which are somebody else's.
    /// `None` when it is too short.
    pub fn new(map: MmapRaw, start: usize) -> Option<Recorder> {
        if map.len() < start.checked_add(layout::LEN)? || start % align_of::<Control>() != 0 {
            return None;
        }
        let record = Record(map.as_mut_ptr().wrapping_add(start));
        let target = Target::of(record);
        Some(Recorder { map: ManuallyDrop::new(map), record, target, preparing: Mutex::new(()) })
    }

    /// Sets the signal handlers. False when another client of this process has them.
    pub fn arm(&self) -> bool {
        handler::arm(self.target)
    }

    /// The images of the process, as the reader will want them. False when they do not fit.
    pub fn set_images(&self, bytes: &[u8]) -> bool {
        self.set(&self.record.control().images, &IMAGES, bytes)
    }

    /// Whose crash it would be, and all that the report will say of the process.
    pub fn set_context(&self, bytes: &[u8]) -> bool {
        self.set(&self.record.control().context, &CONTEXT, bytes)
    }

    /// Writes into the slot that does not hold, then has it hold.
    fn set(&self, current: &AtomicU32, slots: &[Part; 2], bytes: &[u8]) -> bool {
        let _one_at_a_time = self.preparing.lock().unwrap_or_else(PoisonError::into_inner);
        self.target.forget_survived();
        // What a crash refers to stays as it was.
        if handler::has_crashed(&self.record) {
            return true;
        }
        let next = usize::from(current.load(Ordering::Acquire) == 1);
        let slot = slots[next];
        if bytes.len() > slot.len - SLOT_HEAD {
            return false;
        }
        let to = self.record.0.wrapping_add(slot.start);
        let (len, checksum) = (bytes.len() as u32, crc32fast::hash(bytes));
        let head = u64::from(len) | u64::from(checksum) << 32;
        // SAFETY: a slot lies inside the mapping, aligned to pages; the lock keeps others off.
        unsafe { to.cast::<[u8; SLOT_HEAD]>().write(head.to_le_bytes()) };
        // SAFETY: as above, and the bytes have been found to fit.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), to.wrapping_add(SLOT_HEAD), bytes.len())
        };
        current.store(next as u32 + 1, Ordering::Release);
        true
    }

    /// Writes the note of this process. Allocates nothing and takes no lock: any signal handler may
    /// do so. False when there is one already.
    pub fn write_note(&self, message: &[u8], inner: usize) -> bool {
        let state = &self.record.control().note_state;
        let claimed = state.compare_exchange(FREE, WRITING, Ordering::AcqRel, Ordering::Acquire);
        if claimed.is_ok() {
            let before_us = errno();
            self.record.write_note(message, inner, self.target.list());
            set_errno(before_us);
        }
        claimed.is_ok()
    }

    /// Forgets what was written: nobody's crash, nobody's note, and of the process nothing.
    pub fn clear(&self) {
        let _one_at_a_time = self.preparing.lock().unwrap_or_else(PoisonError::into_inner);
        let control = self.record.control();
        control.images.store(0, Ordering::Release);
        control.context.store(0, Ordering::Release);
        control.note_state.store(FREE, Ordering::Release);
        self.target.forget();
        let used = size_of::<Control>();
        let (start, len) = (self.record.0.wrapping_add(used), layout::LEN - used);
        // SAFETY: the rest of the mapping, which the lock and the lack of a crash keep others off.
        unsafe { ptr::write_bytes(start, 0, len) };
    }

    /// Lets go of the signals. Whether there is something to report: a crash that the program has
    /// survived is none.
    pub fn end(&self) -> bool {
        handler::disarm(self.target);
        self.target.forget_survived();
        handler::has_crashed(&self.record) || handler::has_note(&self.record)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if handler::disarm(self.target) {
            // SAFETY: dropped here and nowhere else; no handler can get at it any more.
            unsafe { ManuallyDrop::drop(&mut self.map) };
            self.target.give_back();
        }
    }
}
