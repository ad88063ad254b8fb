//! A JSON object under construction: the property map of the whole library.
//!
//! It serialises as it is filled, so that capturing from it is a copy of bytes. Key hashes kept
//! while setting tell whether two maps can share a key at all: a `memcpy` when they cannot, a
//! merge when they might.

mod index;
mod key;
mod marks;
mod text;

use crate::error::Error;
use crate::json;
use index::Index;
use key::hash_seen;
pub use key::{Key, hash_key};
pub use marks::Marks;
use text::Text;

/// Largest text of one map, in bytes. An AI event may be 8 MiB; a map is never larger than twice
/// that, and its offsets fit in 32 bits.
pub const BYTES_MAX: usize = 16 << 20;

/// Behind a short key in the room for a member there is so much for its value, and a comma.
const VALUE_ROOM: usize = 44;

/// One member of the text: where it begins (at the quote of its key) and its key's hash.
#[derive(Clone, Copy)]
struct Member {
    hash: u32,
    start: u32,
}

/// A member under way, see `begin_short`: its key.
struct New {
    hash: u32,
    seen: json::Glance,
}

/// A property map. Setting a key again replaces it; a setter that fails changes nothing.
#[derive(Clone, Default)]
pub struct Props {
    /// `"a":1,"b":"x"`: members without the braces, canonical (see `json`).
    text: Text,
    members: Vec<Member>,
    /// Which keys may be among the members.
    index: Index,
    marks: u32,
    repairs: u32,
}

impl Props {
    pub fn new() -> Props {
        Props::default()
    }

    /// A copy; fails where `clone` would abort.
    pub fn try_clone(&self) -> Result<Props, Error> {
        let mut copy = Props::new();
        copy.append(self)?;
        copy.repairs = self.repairs;
        Ok(copy)
    }

    /// The members, without braces.
    pub fn text(&self) -> &[u8] {
        self.text.as_slice()
    }

    pub fn is_empty(&self) -> bool {
        self.text.len() == 0
    }

    pub fn marks(&self) -> u32 {
        self.marks
    }

    /// How many values had to be repaired (NaN, NUL, invalid UTF-8) since the last `clear`.
    pub fn repairs(&self) -> u32 {
        self.repairs
    }

    /// Counts repairs that were made before the values came here.
    pub fn add_repairs(&mut self, repairs: u32) {
        self.repairs += repairs;
    }

    /// Whether no key can be in both.
    pub fn is_disjoint(&self, other: &Props) -> bool {
        self.index.is_disjoint(&other.index)
            || self.members.iter().all(|own| !other.index.has(own.hash, &other.members))
    }

    /// Empties the map and keeps its memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.members.clear();
        self.index.clear();
        self.marks = 0;
        self.repairs = 0;
    }

    /// Invalid UTF-8 is repaired and counted.
    pub fn set_str(&mut self, key: impl AsRef<[u8]>, value: &[u8]) -> Result<(), Error> {
        self.set_text(key.as_ref(), value)
    }

    #[inline(never)]
    fn set_text(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.set_str_here(key, value)
    }

    /// The same as a part of its caller, for those that are called as often as events have
    /// properties.
    #[inline(always)]
    pub fn set_str_here(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        match self.set_short_str(key, value) {
            Some(()) => Ok(()),
            None => self.set_long_str(key, value),
        }
    }

    #[inline(always)]
    fn set_short_str(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let len = value.len();
        if len > json::SHORT {
            return None;
        }
        let (new, out) = self.begin_short(key)?;
        out[0] = b'"';
        let seen = json::copy_short(out[1..].first_chunk_mut()?, value);
        out[1 + len..3 + len].copy_from_slice(b"\",");
        if new.seen.are_plain(seen) { self.end_short(key, new, 2 + len) } else { None }
    }

    #[inline(never)]
    fn set_long_str(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if json::is_plain(value) && self.set_plain(key, [b"\"", value, b"\""])? {
            return Ok(());
        }
        self.set(key, 2 + json::escaped_len_max(value), |out| {
            out.push(b'"');
            let repairs = json::write_lossy(out, value);
            out.push(b'"');
            Ok(repairs)
        })
    }

    pub fn set_i64(&mut self, key: impl AsRef<[u8]>, value: i64) -> Result<(), Error> {
        self.set_integer(key.as_ref(), value < 0, value.unsigned_abs())
    }

    /// The same as a part of its caller.
    #[inline(always)]
    pub fn set_i64_here(&mut self, key: &[u8], value: i64) -> Result<(), Error> {
        self.set_integer_here(key, value < 0, value.unsigned_abs())
    }

    pub fn set_u64(&mut self, key: impl AsRef<[u8]>, value: u64) -> Result<(), Error> {
        self.set_integer(key.as_ref(), false, value)
    }

    #[inline(never)]
    fn set_integer(&mut self, key: &[u8], is_negative: bool, magnitude: u64) -> Result<(), Error> {
        self.set_integer_here(key, is_negative, magnitude)
    }

    #[inline(always)]
    fn set_integer_here(
        &mut self,
        key: &[u8],
        is_negative: bool,
        magnitude: u64,
    ) -> Result<(), Error> {
        match self.set_short_integer(key, is_negative, magnitude) {
            Some(()) => Ok(()),
            None => self.set_long_integer(key, is_negative, magnitude),
        }
    }

    #[inline(always)]
    fn set_short_integer(&mut self, key: &[u8], is_negative: bool, magnitude: u64) -> Option<()> {
        let (new, out) = self.begin_short(key)?;
        let len = json::write_digits(out.first_chunk_mut()?, is_negative, magnitude)?;
        out[len] = b',';
        if new.seen.is_plain() { self.end_short(key, new, len) } else { None }
    }

    #[inline(never)]
    fn set_long_integer(
        &mut self,
        key: &[u8],
        is_negative: bool,
        magnitude: u64,
    ) -> Result<(), Error> {
        let sign: &[u8] = if is_negative { b"-" } else { b"" };
        let mut digits = itoa::Buffer::new();
        self.set_parts(key, [sign, digits.format(magnitude).as_bytes(), b""])
    }

    /// NaN and the infinities, which JSON does not have, become null, counted as a repair.
    pub fn set_f64(&mut self, key: impl AsRef<[u8]>, value: f64) -> Result<(), Error> {
        self.set(key.as_ref(), 24, |out| Ok(json::write_f64(out, value)))
    }

    pub fn set_bool(&mut self, key: impl AsRef<[u8]>, value: bool) -> Result<(), Error> {
        self.set_raw(key, if value { b"true" } else { b"false" })
    }

    pub fn set_null(&mut self, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.set_raw(key, b"null")
    }

    /// A nested object, by value.
    pub fn set_object(&mut self, key: impl AsRef<[u8]>, value: &Props) -> Result<(), Error> {
        let depth = 1 + json::depth(value.text());
        if depth > json::DEPTH_MAX {
            return Err(Error::Depth);
        }
        self.set(key.as_ref(), value.text.len() + 2, |out| {
            out.push(b'{');
            out.extend_from_slice(value.text());
            out.push(b'}');
            Ok(value.repairs)
        })
    }

    /// Any JSON text: validated, compacted, repaired.
    pub fn set_json(&mut self, key: impl AsRef<[u8]>, value: &[u8]) -> Result<(), Error> {
        self.set(key.as_ref(), json::cleaned_len_max(value), |out| Ok(json::clean(out, value)?))
    }

    /// Canonical JSON that the library wrote itself.
    pub fn set_raw(&mut self, key: impl AsRef<[u8]>, value: &[u8]) -> Result<(), Error> {
        self.set_parts(key.as_ref(), [value, b"", b""])
    }

    /// The same in parts.
    fn set_parts(&mut self, key: &[u8], value: [&[u8]; 3]) -> Result<(), Error> {
        if self.set_plain(key, value)? {
            return Ok(());
        }
        self.set(key, value.iter().map(|part| part.len()).sum(), |out| {
            value.iter().for_each(|part| out.extend_from_slice(part));
            Ok(0)
        })
    }

    /// Sets every member of a JSON object's text.
    pub fn set_members(&mut self, object: &[u8]) -> Result<(), Error> {
        if self.set_flat(object) {
            return Ok(());
        }
        let mut text = Vec::new();
        text.try_reserve(json::cleaned_len_max(object)).map_err(|_| Error::NoMemory)?;
        let repairs = json::clean_members(&mut text, object)?;
        self.merge_text(&text)?;
        self.repairs += repairs;
        Ok(())
    }

    /// Does that for an object that is canonical as it is, nests nothing and has new keys only: one
    /// look at each byte and one copy. False if it is not that, and then nothing has happened.
    fn set_flat(&mut self, object: &[u8]) -> bool {
        let inside = object.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
        let Some(text) = inside.filter(|text| text.len() < BYTES_MAX) else { return false };
        let base = self.text.next();
        let (known, marks) = (self.members.len(), self.marks);
        let is_flat = json::walk_flat(text, |start, key| {
            let hash = hash_key(key);
            if self.index.has(hash, &self.members) || self.reserve_member().is_err() {
                return false;
            }
            self.enter(hash, base + start);
            self.mark(key);
            true
        });
        if is_flat && self.text.append(&[text]).is_ok() {
            return true;
        }
        if self.members.len() > known {
            self.members.truncate(known);
            self.index.rebuild(&self.members);
            self.marks = marks;
        }
        false
    }

    /// Sets every member of `other`.
    pub fn merge(&mut self, other: &Props) -> Result<(), Error> {
        if self.is_disjoint(other) { self.append(other) } else { self.merge_text(other.text()) }?;
        self.repairs += other.repairs;
        Ok(())
    }

    /// Sets the members of `other` whose keys are not here.
    pub fn merge_absent(&mut self, other: &Props) -> Result<(), Error> {
        if self.is_disjoint(other) {
            return self.append(other);
        }
        for member in json::members(other.text()) {
            if self.find(hash_key(member.key), member.key).is_none() {
                self.push(&member)?;
            }
        }
        Ok(())
    }

    /// Removes a key; whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let mut escaped = Vec::new();
        json::write_lossy(&mut escaped, key.as_bytes());
        self.remove_escaped(&escaped)
    }

    /// Removes every member, at any depth, whose key is denied.
    pub fn remove_denied(&mut self, denied: &dyn Fn(&[u8]) -> bool) -> Result<(), Error> {
        let mut text = Vec::new();
        text.try_reserve(self.text.len()).map_err(|_| Error::NoMemory)?;
        json::without_keys(&mut text, self.text(), denied);
        let repairs = self.repairs;
        self.clear();
        self.merge_text(&text)?;
        self.repairs = repairs;
        Ok(())
    }

    /// The JSON text of one value.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.get_key(&Key::new(key))
    }

    /// The same, for a key that is looked up many times.
    pub fn get_key(&self, key: &Key) -> Option<&[u8]> {
        let index = self.find(key.hash, &key.written)?;
        let start = self.members[index].start as usize + key.written.len() + 3;
        Some(&self.text()[start..self.end_of(index)])
    }

    /// Begins a member whose key is short and new: what nearly every setter meets, and every capture
    /// pays for. Writes the key, and returns the room for a value. Nothing has happened before
    /// `end_short`.
    #[inline(always)]
    fn begin_short(&mut self, key: &[u8]) -> Option<(New, &mut [u8; VALUE_ROOM])> {
        let len = key.len();
        if len == 0 || len > json::SHORT {
            return None;
        }
        let room = self.text.room()?;
        let seen = json::copy_short(room[1..].first_chunk_mut()?, key);
        let hash = hash_seen(seen, len);
        if self.index.has(hash, &self.members) {
            return None;
        }
        room[0] = b'"';
        room[1 + len..3 + len].copy_from_slice(b"\":");
        Some((New { hash, seen }, room[3 + len..].first_chunk_mut()?))
    }

    /// Ends it, behind a plain key and a value of so many bytes.
    #[inline(always)]
    fn end_short(&mut self, key: &[u8], new: New, value_len: usize) -> Option<()> {
        if self.members.len() == self.members.capacity() {
            return None;
        }
        let start = self.text.next();
        self.text.extend(3 + key.len() + value_len);
        self.enter(new.hash, start);
        self.mark(key);
        Some(())
    }

    /// Sets a member if its key is plain and new. The value comes in parts.
    fn set_plain(&mut self, key: &[u8], value: [&[u8]; 3]) -> Result<bool, Error> {
        let hash = hash_key(key);
        if key.is_empty() || !json::is_plain(key) || self.index.has(hash, &self.members) {
            return Ok(false);
        }
        self.reserve_member()?;
        let start = self.text.next();
        let [before, value, after] = value;
        self.text.append(&[b"\"", key, b"\":", before, value, after])?;
        self.enter(hash, start);
        self.mark(key);
        Ok(true)
    }

    /// Sets any member. `write` appends its value, and returns the number of repairs.
    fn set(
        &mut self,
        key: &[u8],
        value_len: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<u32, Error>,
    ) -> Result<(), Error> {
        if key.is_empty() {
            return Err(Error::Empty);
        }
        if std::str::from_utf8(key).is_err() {
            return Err(Error::Utf8);
        }
        // Two commas, two quotes and a colon beside the two texts.
        self.text.reserve(json::escaped_len_max(key) + value_len + 5)?;
        self.reserve_member()?;
        let (start, key_end, repairs) = self.text.edit(|text| {
            let before = text.len();
            let written = write_member(text, key, write);
            if written.is_err() {
                text.truncate(before);
            }
            written
        })?;
        self.repairs += repairs;
        self.adopt(start, key_end);
        Ok(())
    }

    /// Enters the member that was just written at the end of the text.
    fn adopt(&mut self, start: usize, key_end: usize) {
        let key = &self.text()[start + 1..key_end];
        let (hash, marks) = (hash_key(key), Marks::of(key));
        let known = self.find(hash, key);
        // Entered first, so that taking the old one out moves it too.
        self.enter(hash, start);
        self.marks |= marks;
        if let Some(index) = known {
            self.take_out(&[index]);
        }
    }

    /// Enters a member that is in the text, or will be.
    #[inline(always)]
    fn enter(&mut self, hash: u32, start: usize) {
        self.members.push(Member { hash, start: start as u32 });
        self.index.add(hash, &self.members);
    }

    #[inline(always)]
    fn mark(&mut self, key: &[u8]) {
        self.marks |= Marks::of(key);
    }

    fn find(&self, hash: u32, key: &[u8]) -> Option<usize> {
        if !self.index.has(hash, &self.members) {
            return None;
        }
        let is_it = |member: &Member| {
            let text = &self.text()[member.start as usize + 1..];
            member.hash == hash && text.starts_with(key) && text.get(key.len()) == Some(&b'"')
        };
        let place = self.index.place(hash);
        place
            .filter(|place| self.members.get(*place).is_some_and(is_it))
            .or_else(|| self.members.iter().position(is_it))
    }

    /// Where the text of a member ends: before the comma of the next, or at the end.
    fn end_of(&self, index: usize) -> usize {
        match self.members.get(index + 1) {
            Some(next) => next.start as usize - 1,
            None => self.text.len(),
        }
    }

    /// Removes members, given in their order.
    fn take_out(&mut self, gone: &[usize]) {
        let Some(&first) = gone.first() else { return };
        let members = &mut self.members;
        let mut gone = gone.iter().copied().peekable();
        self.text.edit(|text| {
            let (mut kept, mut end) = (first, members[first].start as usize);
            for index in first..members.len() {
                let Member { hash, start } = members[index];
                // Each takes the comma behind it along.
                let next = members.get(index + 1).map_or(text.len(), |next| next.start as usize);
                if gone.next_if_eq(&index).is_some() {
                    continue;
                }
                members[kept] = Member { hash, start: end as u32 };
                kept += 1;
                text.copy_within(start as usize..next, end);
                end += next - start as usize;
            }
            members.truncate(kept);
            text.truncate(end);
            // The last is gone, and so has the comma before it to be.
            if text.last() == Some(&b',') {
                text.pop();
            }
        });
        self.index.rebuild(&self.members);
    }

    fn remove_escaped(&mut self, key: &[u8]) -> bool {
        let Some(index) = self.find(hash_key(key), key) else { return false };
        self.take_out(&[index]);
        self.marks &= !Marks::of(key);
        true
    }

    fn append(&mut self, other: &Props) -> Result<(), Error> {
        if other.is_empty() {
            return Ok(());
        }
        self.reserve_members(other.members.len())?;
        let shift = self.text.next();
        self.text.append(&[other.text()])?;
        for member in &other.members {
            self.enter(member.hash, shift + member.start as usize);
        }
        self.marks |= other.marks;
        Ok(())
    }

    /// Sets the members of a canonical text, in which no key is twice.
    fn merge_text(&mut self, text: &[u8]) -> Result<(), Error> {
        if self.text.len() + text.len() >= BYTES_MAX {
            return Err(Error::TooLarge);
        }
        self.text.reserve(text.len() + 2)?;
        let find = |member: json::Member<'_>| self.find(hash_key(member.key), member.key);
        let mut replaced: Vec<usize> = json::members(text).filter_map(find).collect();
        replaced.sort_unstable();
        self.take_out(&replaced);
        json::members(text).try_for_each(|member| self.push(&member))
    }

    /// Adds a member whose key is new.
    fn push(&mut self, member: &json::Member<'_>) -> Result<(), Error> {
        self.reserve_member()?;
        let start = self.text.next();
        self.text.append(&[member.entry])?;
        self.enter(hash_key(member.key), start);
        self.mark(member.key);
        Ok(())
    }

    #[inline(always)]
    fn reserve_member(&mut self) -> Result<(), Error> {
        if self.members.len() < self.members.capacity() { Ok(()) } else { self.reserve_members(1) }
    }

    #[cold]
    fn reserve_members(&mut self, more: usize) -> Result<(), Error> {
        self.members.try_reserve(more).map_err(|_| Error::NoMemory)?;
        self.index.reserve(self.members.capacity())
    }
}

/// Appends a member to a map's text. Returns where it starts, where its key ends, and the number of
/// repairs.
fn write_member(
    text: &mut Vec<u8>,
    key: &[u8],
    write: impl FnOnce(&mut Vec<u8>) -> Result<u32, Error>,
) -> Result<(usize, usize, u32), Error> {
    if !text.is_empty() {
        text.push(b',');
    }
    let start = text.len();
    text.push(b'"');
    let key_repairs = json::write_lossy(text, key);
    let key_end = text.len();
    text.extend_from_slice(b"\":");
    let repairs = key_repairs + write(text)?;
    if text.len() > BYTES_MAX { Err(Error::TooLarge) } else { Ok((start, key_end, repairs)) }
}

impl From<json::CleanError> for Error {
    fn from(error: json::CleanError) -> Error {
        match error {
            json::CleanError::Syntax { .. } => Error::Json,
            json::CleanError::TooDeep { .. } => Error::Depth,
        }
    }
}

#[cfg(test)]
mod tests;
