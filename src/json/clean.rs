//! Making a caller's JSON text safe to send.

use std::fmt;

use super::{read_escape, unescaped_len, write_ascii, write_lossy, write_replacement};

/// How many containers may be nested in one another. A server's parser has a limit too, usually
/// 128, and the text is sent inside other containers.
pub const DEPTH_MAX: usize = 64;

/// A number with no more digits than this, and no exponent, is finite.
const FINITE_DIGITS: usize = 300;

/// Up to this many members are compared one by one before an object is taken to hold a key twice.
const SCANNED_MEMBERS: usize = 32;

/// Why a text was not taken. The offset is that of the first byte that is wrong, and is the length
/// of the text when it ends too soon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CleanError {
    /// The text is not JSON.
    Syntax {
        /// Where in the text.
        offset: usize,
    },
    /// More than [`DEPTH_MAX`] containers are nested in one another.
    TooDeep {
        /// Where in the text.
        offset: usize,
    },
}

impl fmt::Display for CleanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { offset } => write!(f, "not valid JSON at byte {offset}"),
            Self::TooDeep { offset } => {
                write!(f, "JSON nested more than {DEPTH_MAX} deep at byte {offset}")
            }
        }
    }
}

impl std::error::Error for CleanError {}

/// Checks that `text` is exactly one JSON value (RFC 8259), appends it in canonical form, and
/// returns the number of repairs.
///
/// A lone surrogate, a U+0000 and each invalid sequence of UTF-8 in a string become U+FFFD, and a
/// number too large for a double becomes null; these are repairs. Other numbers are copied digit
/// for digit. Of members of one object that have the same key the last is kept, which is what most
/// parsers do, and is not a repair; what was repaired in the others counts.
///
/// After an error `out` is as it was.
pub fn clean(out: &mut Vec<u8>, text: &[u8]) -> Result<u32, CleanError> {
    Cleaner::new(out, text, false).run()
}

/// Does the same for a text that has to be an object, and appends its members without the braces:
/// `"a":1,"b":2`.
pub fn clean_members(out: &mut Vec<u8>, text: &[u8]) -> Result<u32, CleanError> {
    Cleaner::new(out, text, true).run()
}

/// A member of an object that is open.
struct Entry {
    /// Where it starts in the output: at the quote before its key.
    start: usize,
    /// Where its key ends in the output: after the closing quote.
    key_end: usize,
    hash: u32,
    /// A later member has the same key.
    replaced: bool,
}

/// A container that is open.
struct Container {
    is_object: bool,
    /// Its first member among the entries.
    first_entry: usize,
    /// One bit for each key so far, chosen by its hash: a new bit is a new key.
    seen: u64,
    /// A key may be there twice.
    suspect: bool,
}

struct Cleaner<'t, 'o> {
    text: &'t [u8],
    /// The next byte of `text`.
    at: usize,
    out: &'o mut Vec<u8>,
    /// The length that `out` came with.
    out_start: usize,
    repairs: u32,
    /// Containers that are open, the innermost last. A stack on the heap, so that no text can
    /// exhaust the caller's.
    containers: Vec<Container>,
    /// The members so far of all the objects that are open.
    entries: Vec<Entry>,
    /// Only the members of an object are wanted.
    members_only: bool,
}

impl<'t, 'o> Cleaner<'t, 'o> {
    fn new(out: &'o mut Vec<u8>, text: &'t [u8], members_only: bool) -> Self {
        let out_start = out.len();
        let (containers, entries) = (Vec::new(), Vec::new());
        Self { text, at: 0, out, out_start, repairs: 0, containers, entries, members_only }
    }

    fn run(mut self) -> Result<u32, CleanError> {
        self.out.reserve(self.text.len());
        match self.document() {
            Ok(()) => Ok(self.repairs),
            Err(error) => {
                self.out.truncate(self.out_start);
                Err(error)
            }
        }
    }

    fn document(&mut self) -> Result<(), CleanError> {
        self.skip_space();
        if self.members_only && self.peek() != Some(b'{') {
            return Err(self.syntax());
        }
        while self.value()? || self.after_value()? {}
        if self.at == self.text.len() { Ok(()) } else { Err(self.syntax()) }
    }

    /// Reads a scalar, an empty container, or the start of a container up to its first value.
    /// Returns whether a value comes next.
    fn value(&mut self) -> Result<bool, CleanError> {
        self.skip_space();
        match self.peek() {
            Some(byte @ (b'{' | b'[')) => return self.open(byte),
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            _ => return Err(self.syntax()),
        }
        Ok(false)
    }

    /// Reads what follows a value: the ends of containers, and a comma. Returns whether a value
    /// comes next.
    fn after_value(&mut self) -> Result<bool, CleanError> {
        loop {
            self.skip_space();
            let Some(container) = self.containers.last() else {
                return Ok(false);
            };
            let is_object = container.is_object;
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.out.push(b',');
                    if is_object {
                        self.key()?;
                    }
                    return Ok(true);
                }
                Some(b'}') if is_object => self.close(b'}'),
                Some(b']') if !is_object => self.close(b']'),
                _ => return Err(self.syntax()),
            }
        }
    }

    /// Reads a bracket that opens a container, and then the bracket that closes it or, in an
    /// object, the first key. Returns whether a value comes next.
    fn open(&mut self, bracket: u8) -> Result<bool, CleanError> {
        if self.containers.len() == DEPTH_MAX {
            return Err(CleanError::TooDeep { offset: self.at });
        }
        if !(self.members_only && self.containers.is_empty()) {
            self.out.push(bracket);
        }
        self.at += 1;
        let (is_object, first_entry) = (bracket == b'{', self.entries.len());
        self.containers.push(Container { is_object, first_entry, seen: 0, suspect: false });
        self.skip_space();
        match self.peek() {
            Some(b'}') if is_object => self.close(b'}'),
            Some(b']') if !is_object => self.close(b']'),
            _ if is_object => {
                self.key()?;
                return Ok(true);
            }
            _ => return Ok(true),
        }
        Ok(false)
    }

    /// Reads the bracket that closes the innermost container.
    fn close(&mut self, bracket: u8) {
        self.at += 1;
        if let Some(container) = self.containers.pop() {
            if container.suspect {
                self.remove_replaced(container.first_entry);
            }
            self.entries.truncate(container.first_entry);
        }
        if !(self.members_only && self.containers.is_empty()) {
            self.out.push(bracket);
        }
    }

    /// Reads the key of a member, and its colon.
    fn key(&mut self) -> Result<(), CleanError> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(self.syntax());
        }
        let start = self.out.len();
        self.string()?;
        let key_end = self.out.len();
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.syntax());
        }
        self.at += 1;
        self.out.push(b':');

        let hash = hash(&self.out[start..key_end]);
        if let Some(object) = self.containers.last_mut() {
            let bit = 1 << (hash >> 26);
            if object.seen & bit != 0 && !object.suspect {
                let entries = &self.entries[object.first_entry..];
                object.suspect =
                    entries.len() > SCANNED_MEMBERS || entries.iter().any(|e| e.hash == hash);
            }
            object.seen |= bit;
        }
        self.entries.push(Entry { start, key_end, hash, replaced: false });
        Ok(())
    }

    /// Removes from the output the members of the innermost object that a later one replaces.
    ///
    /// This is done once, when the object ends, and by sorting: whatever keys a text has, the time
    /// it takes grows hardly faster than the text.
    fn remove_replaced(&mut self, first_entry: usize) {
        let out = &mut *self.out;
        let entries = &mut self.entries[first_entry..];
        entries.sort_unstable_by(|a, b| {
            let keys = || out[a.start..a.key_end].cmp(&out[b.start..b.key_end]);
            a.hash.cmp(&b.hash).then_with(keys).then(a.start.cmp(&b.start))
        });
        let mut any = false;
        for at in 1..entries.len() {
            let (a, b) = (&entries[at - 1], &entries[at]);
            if a.hash == b.hash && out[a.start..a.key_end] == out[b.start..b.key_end] {
                entries[at - 1].replaced = true;
                any = true;
            }
        }
        if !any {
            return;
        }
        entries.sort_unstable_by_key(|entry| entry.start);
        // The last member of all replaces and is never replaced, so each that goes has a member
        // after it and takes the comma between them along.
        let mut kept = entries[0].start;
        for (at, entry) in entries.iter().enumerate() {
            let end = entries.get(at + 1).map_or(out.len(), |next| next.start);
            if !entry.replaced {
                out.copy_within(entry.start..end, kept);
                kept += end - entry.start;
            }
        }
        out.truncate(kept);
    }

    /// Reads a string, and writes it with its quotes.
    fn string(&mut self) -> Result<(), CleanError> {
        self.at += 1;
        self.out.push(b'"');
        loop {
            let len = unescaped_len(&self.text[self.at..]);
            let repairs = write_lossy(self.out, &self.text[self.at..self.at + len]);
            self.repaired(repairs);
            self.at += len;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                // The end of the text, or a control character that is not escaped.
                _ => return Err(self.syntax()),
            }
        }
        self.at += 1;
        self.out.push(b'"');
        Ok(())
    }

    fn escape(&mut self) -> Result<(), CleanError> {
        let (character, len) = read_escape(&self.text[self.at..])
            .map_err(|offset| CleanError::Syntax { offset: self.at + offset })?;
        self.at += len;
        match character {
            Some(c) if c.is_ascii() => {
                let repairs = write_ascii(self.out, c as u8);
                self.repaired(repairs);
            }
            Some(c) => self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => {
                write_replacement(self.out);
                self.repaired(1);
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), CleanError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.at;
        // A zero is not followed by other digits.
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut may_be_infinite = self.at - whole > FINITE_DIGITS;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            may_be_infinite = true;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = &self.text[start..self.at];
        if may_be_infinite && !is_finite(number) {
            self.out.extend_from_slice(b"null");
            self.repaired(1);
        } else {
            self.out.extend_from_slice(number);
        }
        Ok(())
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Result<(), CleanError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax()) } else { Ok(()) }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), CleanError> {
        if !self.text[self.at..].starts_with(literal) {
            return Err(self.syntax());
        }
        self.at += literal.len();
        self.out.extend_from_slice(literal);
        Ok(())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn syntax(&self) -> CleanError {
        CleanError::Syntax { offset: self.at }
    }

    fn repaired(&mut self, repairs: u32) {
        self.repairs = self.repairs.saturating_add(repairs);
    }
}

/// Whether a server will take `number` as a finite double. Beside the right answer it asks the
/// parser that a server probably uses, which rounds twice and refuses some numbers just below the
/// largest double.
fn is_finite(number: &[u8]) -> bool {
    let value = std::str::from_utf8(number).ok().and_then(|number| number.parse::<f64>().ok());
    value.is_some_and(f64::is_finite) && serde_json::from_slice::<f64>(number).is_ok()
}

/// Spreads keys over 32 bits. It need not withstand keys that are chosen to collide: these only
/// cost a comparison.
fn hash(key: &[u8]) -> u32 {
    let mut hash = 0u64;
    for chunk in key.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash =
            (hash.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    (hash >> 32) as u32
}
