//! One exception of a tree: what it is, how it came about, and its stack.

use super::frame::{self, FRAMES_MAX, Frame};
use crate::error::Error;
use crate::props::Props;

/// Longer types and messages are cut when they are set; nothing sends more.
const TEXT_MAX: usize = 64 << 10;

/// What is given up when an event would become too large, step by step.
#[derive(Clone, Copy)]
pub struct Allowance {
    /// Bytes of a type and of a message.
    pub text: usize,
    /// Frames of the outermost exception, and of each of the others.
    pub frames: [usize; 2],
    pub steps: bool,
}

pub const ALLOWANCES: [Allowance; 4] = [
    Allowance { text: TEXT_MAX, frames: [FRAMES_MAX; 2], steps: true },
    Allowance { text: 4 << 10, frames: [FRAMES_MAX, 16], steps: true },
    Allowance { text: 1 << 10, frames: [FRAMES_MAX, 0], steps: false },
    Allowance { text: 128, frames: [8, 0], steps: false },
];

/// A stack: frames that the host has, and below them (nearer to the error) machine addresses. Both
/// innermost first.
#[derive(Clone, Default)]
pub struct Stack {
    pub frames: Vec<Frame>,
    /// Return addresses.
    pub addresses: Vec<usize>,
}

impl Stack {
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.addresses.is_empty()
    }

    /// How many of each are sent: the innermost, and half of them the host's if there are as many.
    fn shares(&self, allowed: usize) -> (usize, usize) {
        let frames = self.frames.len().min(allowed / 2);
        let addresses = self.addresses.len().min(allowed - frames);
        (self.frames.len().min(allowed - addresses), addresses)
    }

    /// The addresses that are sent at most.
    pub fn sent_addresses(&self) -> &[usize] {
        &self.addresses[..self.shares(FRAMES_MAX).1]
    }
}

/// One exception.
#[derive(Clone, Default)]
pub struct Entry {
    pub kind: Vec<u8>,
    pub value: Vec<u8>,
    pub module: Option<String>,
    pub mechanism: Option<String>,
    pub handled: Option<bool>,
    pub synthetic: Option<bool>,
    /// The entry that this one is nested in, and as what: `cause`, `member`, …
    pub parent: Option<(usize, String)>,
    pub stack: Stack,
}

impl Entry {
    /// `kind` is the type's name; not blank.
    pub fn new(kind: &[u8], value: &[u8]) -> Result<Entry, Error> {
        if kind.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::Empty);
        }
        let (kind, value) = (cut(kind, TEXT_MAX).to_vec(), cut(value, TEXT_MAX).to_vec());
        Ok(Entry { kind, value, ..Entry::default() })
    }

    /// The entry as `$exception_list` has it.
    pub fn props(
        &self,
        id: usize,
        allowance: &Allowance,
        natives: &frame::Natives<'_>,
    ) -> Result<Props, Error> {
        let mut item = Props::new();
        item.set_str("type", cut(&self.kind, allowance.text))?;
        item.set_str("value", cut(&self.value, allowance.text))?;
        if let Some(module) = &self.module {
            item.set_str("module", cut(module.as_bytes(), allowance.text))?;
        }
        item.set_object("mechanism", &self.mechanism(id)?)?;
        let (frames, addresses) = self.stack.shares(allowance.frames[usize::from(id > 0)]);
        if frames + addresses > 0 {
            let mut text = vec![b'['];
            for frame in self.stack.frames[..frames].iter().rev() {
                frame.write(natives.rules, &mut text);
            }
            for address in self.stack.addresses[..addresses].iter().rev() {
                natives.write(*address, &mut text);
            }
            text.push(b']');
            let mut stacktrace = Props::new();
            stacktrace.set_str("type", b"raw")?;
            stacktrace.set_raw("frames", &text)?;
            item.set_object("stacktrace", &stacktrace)?;
        }
        Ok(item)
    }

    fn mechanism(&self, id: usize) -> Result<Props, Error> {
        let mut mechanism = Props::new();
        let kind = if self.parent.is_some() { Some("chained") } else { self.mechanism.as_deref() };
        if let Some(kind) = kind {
            mechanism.set_str("type", kind.as_bytes())?;
        }
        if let Some((_, source)) = &self.parent {
            mechanism.set_str("source", source.as_bytes())?;
        }
        if let Some(handled) = self.handled {
            mechanism.set_bool("handled", handled)?;
        }
        if let Some(synthetic) = self.synthetic {
            mechanism.set_bool("synthetic", synthetic)?;
        }
        mechanism.set_u64("exception_id", id as u64)?;
        if let Some((parent, _)) = &self.parent {
            mechanism.set_u64("parent_id", *parent as u64)?;
        }
        Ok(mechanism)
    }
}

/// The beginning of a text, cut between characters. What is not UTF-8 is repaired later.
pub fn cut(text: &[u8], len: usize) -> &[u8] {
    if text.len() <= len {
        return text;
    }
    // A character has at most three bytes that continue it.
    let is_boundary = |at: &usize| text[*at] & 0xC0 != 0x80;
    let end = (len.saturating_sub(3)..=len).rev().find(is_boundary).unwrap_or(len);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut(b"abc", 3), b"abc");
        assert_eq!(cut(b"abcd", 3), b"abc");
        let text = "aé€😀".as_bytes();
        for len in 0..=text.len() {
            let part = std::str::from_utf8(cut(text, len)).expect("whole characters");
            assert!(part.len() <= len && len - part.len() < 4);
        }
        // Not UTF-8 at all: anywhere.
        assert_eq!(cut(&[0x80; 10], 5).len(), 5);
    }

    #[test]
    fn both_kinds_of_frames_have_their_share() {
        let stack = |frames: usize, addresses: usize| Stack {
            frames: vec![Frame::default(); frames],
            addresses: vec![1; addresses],
        };
        assert_eq!(stack(100, 0).shares(64), (64, 0));
        assert_eq!(stack(0, 100).shares(64), (0, 64));
        assert_eq!(stack(100, 100).shares(64), (32, 32));
        assert_eq!(stack(100, 10).shares(64), (54, 10));
        assert_eq!(stack(10, 100).shares(64), (10, 54));
        assert_eq!(stack(3, 4).shares(64), (3, 4));
        assert_eq!(stack(3, 4).shares(0), (0, 0));
    }
}
