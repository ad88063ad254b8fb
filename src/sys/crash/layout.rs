//! What a record of a crash looks like in its file, behind the header of the storage directory.
//!
//! The parts that are written ahead have two slots each, of which `Control` names the one that holds:
//! whatever the moment of a crash, one of them is whole.

use std::mem::offset_of;
use std::sync::atomic::AtomicU32;

/// No crash.
pub const FREE: u32 = 0;
/// Not complete: the registers are still being written.
pub const WRITING: u32 = 1;
/// Complete but for the stack, of which there is as much as `stack_len` says.
pub const WRITTEN: u32 = 2;

/// The longest message of a note.
pub const MESSAGE_MAX: usize = 4096;
/// The most registers that any machine here has: 31 and the stack pointer and the program counter.
pub const REGISTERS_MAX: usize = 34;

/// A machine's state, and whose.
#[repr(C)]
pub struct Fault {
    pub signal: i32,
    pub code: i32,
    pub address: u64,
    pub seconds: i64,
    pub nanoseconds: u32,
    pub thread: u32,
    pub thread_name: [u8; 16],
    pub pc: u64,
    pub sp: u64,
    pub fp: u64,
    /// The link register, where there is one.
    pub lr: u64,
    /// Frames that lie below this are the library's own.
    pub inner: u64,
    pub registers: [u64; REGISTERS_MAX],
    /// Where the copied part of the stack began, and how much of it there is by now.
    pub stack_start: u64,
    pub stack_len: u64,
}

/// Where a file begins, behind the header.
#[repr(C)]
pub struct Control {
    /// Of the crash.
    pub state: AtomicU32,
    /// Of the note.
    pub note_state: AtomicU32,
    /// 0 for none, else the slot that holds, plus one.
    pub images: AtomicU32,
    pub context: AtomicU32,
    /// How many processes have begun to read it and not told that they were done.
    pub readings: u32,
    pub crash: Fault,
    pub note: Fault,
    /// How much there is by now of the list of what is loaded.
    pub loaded_len: u64,
    pub message_len: u32,
    pub message: [u8; MESSAGE_MAX],
}

/// A part of the file: where it begins, behind the header, and how long it is.
#[derive(Clone, Copy)]
pub struct Part {
    pub start: usize,
    pub len: usize,
}

impl Part {
    const fn after(before: Part, len: usize) -> Part {
        Part { start: before.start + before.len, len }
    }
}

const CONTROL: Part = Part { start: 0, len: 8192 };
const _: () = assert!(size_of::<Control>() <= CONTROL.len);

/// Bytes in front of what is in a slot: its length and its checksum.
pub const SLOT_HEAD: usize = 8;

pub const IMAGES: [Part; 2] = {
    let first = Part::after(CONTROL, 256 << 10);
    [first, Part::after(first, first.len)]
};
pub const CONTEXT: [Part; 2] = {
    let first = Part::after(IMAGES[1], 128 << 10);
    [first, Part::after(first, first.len)]
};
pub const CRASH_STACK: Part = Part::after(CONTEXT[1], 256 << 10);
pub const NOTE_STACK: Part = Part::after(CRASH_STACK, 128 << 10);
/// What was loaded in the end: entries of a bias, the length of a path, and the path.
pub const LOADED: Part = Part::after(NOTE_STACK, 64 << 10);
/// Bytes of an entry in front of its path.
pub const LOADED_HEAD: usize = 16;
/// All of it.
pub const LEN: usize = LOADED.start + LOADED.len;

/// Where the crash and the note lie.
pub const CRASH: usize = offset_of!(Control, crash);
pub const NOTE: usize = offset_of!(Control, note);
