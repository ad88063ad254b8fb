//! Text that stands inside a JSON string as it is: ASCII alone, and nothing that is escaped.
//!
//! Every key and text of every event passes through here, and most have 5 to 40 bytes. So a length
//! is covered by words that may overlap, instead of by a loop over the bytes that are left.

use super::{BACKSLASHES, HIGHS, ONES};

const TWOS: u64 = u64::from_ne_bytes([b'"' ^ b' '; 8]);
const AFTER_SPACES: u64 = u64::from_ne_bytes([b' ' + 1; 8]);

/// So many bytes at most are short.
pub const SHORT: usize = 16;

/// What is seen of a short text while it is copied: each byte once, and no loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Glance {
    /// All bytes, some of them twice: two texts of one length have the same if they are the same.
    pub words: [u64; 2],
    /// See [`odd_in_word`].
    odd: u64,
}

impl Glance {
    const fn of(words: [u64; 2], odd: u64) -> Glance {
        Glance { words, odd }
    }

    #[inline(always)]
    pub fn is_plain(self) -> bool {
        self.odd & HIGHS == 0
    }

    /// Whether both are plain.
    #[inline(always)]
    pub fn are_plain(self, other: Glance) -> bool {
        (self.odd | other.odd) & HIGHS == 0
    }
}

/// Copies a short text to the start of `out`. What is behind it may change.
#[inline(always)]
pub fn copy_short(out: &mut [u8; SHORT], text: &[u8]) -> Glance {
    let len = text.len();
    if let (Some(&head), Some(&tail)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        out[..8].copy_from_slice(&head);
        out[len - 8..len].copy_from_slice(&tail);
        let (head, tail) = (u64::from_le_bytes(head), u64::from_le_bytes(tail));
        Glance::of([head, tail], odd_in_word(head) | odd_in_word(tail))
    } else if let (Some(&head), Some(&tail)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        out[..4].copy_from_slice(&head);
        out[len - 4..len].copy_from_slice(&tail);
        let (head, tail) = (u32::from_le_bytes(head), u32::from_le_bytes(tail));
        let word = u64::from(head) | u64::from(tail) << 32;
        Glance::of([word; 2], odd_in_word(word))
    } else if let (Some(&head), Some(&tail)) = (text.first(), text.last()) {
        // Of three bytes at most, one is in the middle.
        let middle = text[len / 2];
        out[0] = head;
        out[len / 2] = middle;
        out[len - 1] = tail;
        let word = u64::from_le_bytes([head, middle, tail, b' ', b' ', b' ', b' ', b' ']);
        Glance::of([word; 2], odd_in_word(word))
    } else {
        Glance::of([0; 2], 0)
    }
}

/// Looks at a text, if it is short.
#[inline(always)]
pub fn glance(text: &[u8]) -> Option<Glance> {
    (text.len() <= SHORT).then(|| copy_short(&mut [0; SHORT], text))
}

/// Whether a text can be copied as it is to the inside of a JSON string.
pub fn is_plain(text: &[u8]) -> bool {
    match glance(text) {
        Some(seen) => seen.is_plain(),
        None => is_plain_long(text),
    }
}

#[inline(never)]
fn is_plain_long(text: &[u8]) -> bool {
    let mut odd = text.last_chunk().map_or([0; 2], |tail| odd_in_block([0; 2], tail));
    let mut rest = text;
    while let Some(block) = rest.first_chunk() {
        odd = odd_in_block(odd, block);
        rest = &rest[SHORT..];
    }
    (odd[0] | odd[1]) & HIGHS == 0
}

/// Adds the two words of `block` to those of `odd`. That they stay apart, and that there is no way
/// out, lets both be handled in one vector register.
#[inline(always)]
fn odd_in_block(odd: [u64; 2], block: &[u8; SHORT]) -> [u64; 2] {
    let both = u128::from_ne_bytes(*block);
    [odd[0] | odd_in_word(both as u64), odd[1] | odd_in_word((both >> 64) as u64)]
}

/// Has one of the [`HIGHS`] set when one of the eight bytes is not plain. Which byte it is cannot
/// be told, since a byte that is not plain may borrow from the next.
#[inline(always)]
fn odd_in_word(word: u64) -> u64 {
    // Makes quotes of spaces and spaces of quotes, and leaves the control characters below them.
    let control_or_quote = (word ^ TWOS).wrapping_sub(AFTER_SPACES);
    let backslash = (word ^ BACKSLASHES).wrapping_sub(ONES);
    word | control_or_quote | backslash
}
