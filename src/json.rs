//! JSON text: writing it fast, and making a caller's text safe to send.
//!
//! A capture server refuses a whole batch for one NaN, one lone surrogate or one NUL. So nothing
//! is written here that it would refuse: what cannot be sent is replaced where it stands, and each
//! replacement is counted as a repair, so that the caller hears of it.
//!
//! What these functions write is *canonical*: no whitespace between tokens, and one spelling for
//! each string. Two keys are then the same key exactly when their bytes are the same.

mod clean;
mod digits;
mod flat;
mod plain;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use clean::{CleanError, DEPTH_MAX, clean, clean_members};
pub use digits::write_digits;
pub use flat::walk_flat;
pub use plain::{Glance, SHORT, copy_short, glance, is_plain};

/// What stands in for a character that cannot be sent.
const REPLACEMENT: char = '\u{FFFD}';

const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
const ONES: u64 = u64::from_ne_bytes([1; 8]);
const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);

/// Whether a byte has to be escaped in a JSON string.
#[inline]
fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// How many bytes there are before the first that has to be escaped.
fn unescaped_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let (quote, backslash) = (word ^ QUOTES, word ^ BACKSLASHES);
        // A borrow can mark a byte above one that is rightly marked, never the lowest.
        let marks = (word.wrapping_sub(SPACES) & !word
            | quote.wrapping_sub(ONES) & !quote
            | backslash.wrapping_sub(ONES) & !backslash)
            & HIGHS;
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while at < bytes.len() && !is_escaped(bytes[at]) {
        at += 1;
    }
    at
}

/// Bytes that a text may have inside a JSON string, at most: to reserve them where a failure can
/// still be answered.
pub fn escaped_len_max(bytes: &[u8]) -> usize {
    if is_plain(bytes) {
        return bytes.len();
    }
    let of = |byte: u8| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        0x20..0x80 => 1,
        // At worst each is an error of its own, and becomes U+FFFD.
        _ => 3,
    };
    bytes.iter().map(|byte| of(*byte)).sum()
}

/// The same for what `clean` makes of a text: shorter, but for invalid UTF-8.
pub fn cleaned_len_max(text: &[u8]) -> usize {
    if std::str::from_utf8(text).is_ok() { text.len() } else { text.len().saturating_mul(3) }
}

/// Appends `text` as the inside of a JSON string, and returns the number of repairs: U+0000 is
/// written as U+FFFD.
pub fn write_text(out: &mut Vec<u8>, text: &str) -> u32 {
    let mut repairs = 0u32;
    let mut rest = text.as_bytes();
    loop {
        let (raw, escaped) = rest.split_at(unescaped_len(rest));
        out.extend_from_slice(raw);
        let Some((&byte, after)) = escaped.split_first() else {
            return repairs;
        };
        repairs = repairs.saturating_add(write_ascii(out, byte));
        rest = after;
    }
}

/// Appends one ASCII character of a string, and returns the number of repairs.
fn write_ascii(out: &mut Vec<u8>, byte: u8) -> u32 {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        0 => {
            write_replacement(out);
            return 1;
        }
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        1..0x20 => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
        _ => out.push(byte),
    }
    0
}

fn write_replacement(out: &mut Vec<u8>) {
    out.extend_from_slice(REPLACEMENT.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Appends `bytes`, which should be UTF-8, as the inside of a JSON string, and returns the number
/// of repairs: each maximal invalid sequence and each U+0000 is written as U+FFFD.
#[inline]
pub fn write_lossy(out: &mut Vec<u8>, bytes: &[u8]) -> u32 {
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        return 0;
    }
    write_chunks(out, bytes)
}

#[inline(never)]
fn write_chunks(out: &mut Vec<u8>, bytes: &[u8]) -> u32 {
    let mut repairs = 0u32;
    for chunk in bytes.utf8_chunks() {
        repairs = repairs.saturating_add(write_text(out, chunk.valid()));
        if !chunk.invalid().is_empty() {
            write_replacement(out);
            repairs = repairs.saturating_add(1);
        }
    }
    repairs
}

/// Appends the shortest text that reads back as `value`, and returns the number of repairs: NaN
/// and the infinities have no JSON text and are written as null.
pub fn write_f64(out: &mut Vec<u8>, value: f64) -> u32 {
    if !value.is_finite() {
        out.extend_from_slice(b"null");
        return 1;
    }
    let written = serde_json::to_writer(out, &value);
    debug_assert!(written.is_ok(), "a Vec takes every write");
    0
}

/// Reads the escape whose backslash `text` starts with. Returns its character, none for a
/// surrogate without its other half, and its length. The error is the offset of the byte that is
/// wrong.
fn read_escape(text: &[u8]) -> Result<(Option<char>, usize), usize> {
    let character = match text.get(1) {
        Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{C}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let unit = read_hex(text, 2)?;
            if (0xD800..0xDC00).contains(&unit) && text[6..].starts_with(b"\\u") {
                if let Ok(low @ 0xDC00..0xE000) = read_hex(text, 8) {
                    let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                    return Ok((char::from_u32(code), 12));
                }
            }
            return Ok((char::from_u32(unit), 6));
        }
        _ => return Err(1),
    };
    Ok((Some(character), 2))
}

/// Reads four hexadecimal digits at `start`. The error is the offset of the byte that is not one.
fn read_hex(text: &[u8], start: usize) -> Result<u32, usize> {
    let mut unit = 0;
    for at in start..start + 4 {
        let digit = text.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        unit = unit << 4 | digit.ok_or(at)?;
    }
    Ok(unit)
}

/// The text that the inside of a canonical string stands for.
///
/// Nothing is refused here: what no canonical string holds is read as U+FFFD.
pub fn read_text(escaped: &[u8]) -> Cow<'_, str> {
    if !escaped.contains(&b'\\') {
        return String::from_utf8_lossy(escaped);
    }
    let mut text = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        text.push_str(&String::from_utf8_lossy(&rest[..at]));
        let (character, len) = read_escape(&rest[at..]).unwrap_or((None, 1));
        text.push(character.unwrap_or(REPLACEMENT));
        rest = &rest[at + len..];
    }
    text.push_str(&String::from_utf8_lossy(rest));
    Cow::Owned(text)
}

/// One member of an object, as it stands in the canonical text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// The key as it is written, without its quotes.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// The whole of it: `"key":value`.
    pub entry: &'a [u8],
}

/// Walks the members of an object. Made by [`members`].
#[derive(Clone, Debug)]
pub struct Members<'a> {
    rest: &'a [u8],
}

/// Walks canonical members, such as [`clean_members`] writes. It stops at what is not canonical.
pub fn members(text: &[u8]) -> Members<'_> {
    Members { rest: text }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let text = std::mem::take(&mut self.rest);
        let key_end = string_end(text, 0)?;
        if text.get(key_end) != Some(&b':') {
            return None;
        }
        let end = value_end(text, key_end + 1)?;
        if text.get(end) == Some(&b',') {
            self.rest = &text[end + 1..];
        }
        let (key, value) = (&text[1..key_end - 1], &text[key_end + 1..end]);
        Some(Member { key, value, entry: &text[..end] })
    }
}

/// The offset after the string that starts at `start`.
#[inline]
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    loop {
        at += unescaped_len(text.get(at..)?);
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The offset after the value that starts at `start`.
fn value_end(text: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    loop {
        match text.get(at) {
            Some(b'"') => at = string_end(text, at)?,
            Some(b'{' | b'[') => {
                depth += 1;
                at += 1;
            }
            Some(b'}' | b']') if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            Some(b',' | b'}' | b']') | None if depth == 0 => return Some(at),
            Some(_) => at += 1,
            None => return None,
        }
    }
}

/// How many containers are nested in one another in canonical text: 0 in a scalar, and in members
/// that are all scalars.
pub fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut at) = (0usize, 0, 0);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => {
                let Some(end) = string_end(text, at) else { break };
                at = end;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Appends canonical members without those whose key is denied, at any depth. The key is given as
/// it is written, without its quotes.
pub fn without_keys(out: &mut Vec<u8>, members: &[u8], denied: &dyn Fn(&[u8]) -> bool) {
    let out_start = out.len();
    // Whether each container around this point is an object. There is no recursion, so that the
    // depth of the text cannot matter.
    let mut containers = vec![true];
    let mut key_is_next = true;
    let (mut at, mut copied) = (0, 0);
    while let Some(&byte) = members.get(at) {
        match byte {
            b'"' => {
                let Some(end) = string_end(members, at) else { break };
                if !std::mem::take(&mut key_is_next) || !denied(&members[at + 1..end - 1]) {
                    at = end;
                    continue;
                }
                out.extend_from_slice(&members[copied..at]);
                at = value_end(members, end).unwrap_or(members.len());
                if members.get(at) == Some(&b',') {
                    at += 1;
                    key_is_next = true;
                } else if out.len() > out_start && out.last() == Some(&b',') {
                    // The last member is gone, and so has the comma before it to be.
                    out.pop();
                }
                copied = at;
                continue;
            }
            b'{' | b'[' => {
                key_is_next = byte == b'{';
                containers.push(key_is_next);
            }
            b'}' | b']' => {
                key_is_next = false;
                containers.pop();
            }
            b',' => key_is_next = containers.last() == Some(&true),
            _ => {}
        }
        at += 1;
    }
    out.extend_from_slice(&members[copied..]);
}
