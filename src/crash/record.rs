//! What the file of a dead process says. Pure: any bytes give a record or none, never a panic.

use super::images::{Loaded, decode, decode_loaded};
use crate::sys::crash::layout::{
    CONTEXT, CRASH, CRASH_STACK, Control, Fault as Layout, IMAGES, LEN, LOADED, MESSAGE_MAX, NOTE,
    NOTE_STACK, Part, SLOT_HEAD, WRITTEN,
};
use crate::sys::images::Image;
use crate::timestamp::Timestamp;
use serde_json::{Map, Value};
use std::mem::offset_of;

/// A machine's state when it was written down, and whose.
#[derive(Clone, Debug)]
pub struct Fault {
    pub signal: i32,
    pub code: i32,
    pub address: u64,
    pub time: Timestamp,
    pub thread: u32,
    pub thread_name: String,
    pub pc: u64,
    pub sp: u64,
    pub fp: u64,
    #[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "it has no such register"))]
    pub lr: u64,
    /// Frames at or below this are the library's.
    pub inner: u64,
    pub registers: Vec<u64>,
    pub stack: Stack,
}

/// A copied piece of a stack.
#[derive(Clone, Debug)]
pub struct Stack {
    pub start: u64,
    pub bytes: Vec<u8>,
}

impl Stack {
    pub fn word(&self, address: u64) -> Option<u64> {
        let at = usize::try_from(address.checked_sub(self.start)?).ok()?;
        let word = self.bytes.get(at..at.checked_add(8)?)?;
        Some(u64::from_ne_bytes(word.try_into().ok()?))
    }
}

pub struct Record {
    pub crash: Option<Fault>,
    pub note: Option<(Fault, Vec<u8>)>,
    pub images: Vec<Image>,
    pub loaded: Vec<Loaded>,
    pub context: Map<String, Value>,
}

impl Record {
    /// From what follows the header of the file.
    pub fn parse(bytes: &[u8]) -> Option<Record> {
        let bytes = Bytes(bytes.get(..LEN)?);
        let is_written = |at| bytes.u32(at) == Some(WRITTEN);
        let crash = is_written(offset_of!(Control, state))
            .then(|| bytes.fault(CRASH, CRASH_STACK))
            .flatten();
        let note = is_written(offset_of!(Control, note_state))
            .then(|| Some((bytes.fault(NOTE, NOTE_STACK)?, bytes.message()?)))
            .flatten();
        let images = bytes.slot(offset_of!(Control, images), &IMAGES).unwrap_or_default();
        let context = bytes.slot(offset_of!(Control, context), &CONTEXT).unwrap_or_default();
        Some(Record {
            crash,
            note,
            images: decode(images),
            loaded: decode_loaded(bytes.loaded().unwrap_or_default()),
            context: serde_json::from_slice(context).unwrap_or_default(),
        })
    }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn u32(&self, at: usize) -> Option<u32> {
        Some(u32::from_ne_bytes(self.0.get(at..at + 4)?.try_into().ok()?))
    }

    fn u64(&self, at: usize) -> Option<u64> {
        Some(u64::from_ne_bytes(self.0.get(at..at + 8)?.try_into().ok()?))
    }

    fn fault(&self, at: usize, stack: Part) -> Option<Fault> {
        let word = |field: usize| self.u64(at + field);
        let half = |field: usize| self.u32(at + field);
        let name = self.0.get(at + offset_of!(Layout, thread_name)..)?.get(..16)?;
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let first = at + offset_of!(Layout, registers);
        let registers =
            (0..crate::sys::crash::NAMES.len()).map(|index| self.u64(first + index * 8));
        let stack_len = usize::try_from(word(offset_of!(Layout, stack_len))?).ok()?;
        let copied = &self.0.get(stack.start..stack.start + stack.len.min(stack_len))?;
        let nanoseconds = half(offset_of!(Layout, nanoseconds))?;
        let seconds = word(offset_of!(Layout, seconds))? as i64;
        // Also what a damaged file says has to be a time.
        let millis = seconds.checked_mul(1_000)?.checked_add(i64::from(nanoseconds / 1_000_000))?;
        Some(Fault {
            signal: half(offset_of!(Layout, signal))? as i32,
            code: half(offset_of!(Layout, code))? as i32,
            address: word(offset_of!(Layout, address))?,
            time: Timestamp::from_unix_millis(millis)?,
            thread: half(offset_of!(Layout, thread))?,
            thread_name: String::from_utf8_lossy(name).into_owned(),
            pc: word(offset_of!(Layout, pc))?,
            sp: word(offset_of!(Layout, sp))?,
            fp: word(offset_of!(Layout, fp))?,
            lr: word(offset_of!(Layout, lr))?,
            inner: word(offset_of!(Layout, inner))?,
            registers: registers.collect::<Option<_>>()?,
            stack: Stack { start: word(offset_of!(Layout, stack_start))?, bytes: copied.to_vec() },
        })
    }

    fn message(&self) -> Option<Vec<u8>> {
        let len = self.u32(offset_of!(Control, message_len))? as usize;
        let text = self.0.get(offset_of!(Control, message)..)?;
        Some(text.get(..len.min(MESSAGE_MAX))?.to_vec())
    }

    fn loaded(&self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u64(offset_of!(Control, loaded_len))?).ok()?;
        self.0.get(LOADED.start..LOADED.start + LOADED.len.min(len))
    }

    /// What is in the slot that holds. Where that was being written when everything ended, the other
    /// one has what was there before.
    fn slot(&self, current: usize, slots: &[Part; 2]) -> Option<&'a [u8]> {
        let held = self.u32(current)?.checked_sub(1)? as usize;
        let read = |slot: &Part| {
            let bytes = self.0.get(slot.start..slot.start + slot.len)?;
            let (len, checksum) = (self.u32(slot.start)?, self.u32(slot.start + 4)?);
            let content = bytes.get(SLOT_HEAD..SLOT_HEAD + len as usize)?;
            (crc32fast::hash(content) == checksum).then_some(content)
        };
        read(slots.get(held)?).or_else(|| read(slots.get(1 - held)?))
    }
}
