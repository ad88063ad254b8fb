//! A JSON object under construction: the property map of the whole library.
//!
//! It serialises as it is filled, so that capturing from it is a copy of bytes. Key hashes kept
//! while setting tell whether two maps can share a key at all: a `memcpy` when they cannot, a
//! merge when they might.

use crate::error::Error;
use crate::json;

/// Largest text of one map, in bytes. An AI event may be 8 MiB; a map is never larger than twice
/// that, and its offsets fit in 32 bits.
pub const BYTES_MAX: usize = 16 << 20;

/// Bytes that room is made for at a time.
const BLOCK: usize = 32;

/// Which keys a map holds, of those that the sender must know about.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Marks(pub u32);

impl Marks {
    pub const LIB: u32 = 1;
    pub const LIB_VERSION: u32 = 1 << 1;
    pub const OS: u32 = 1 << 2;
    pub const OS_VERSION: u32 = 1 << 3;
    pub const IS_SERVER: u32 = 1 << 4;
    pub const GEOIP_DISABLE: u32 = 1 << 5;
    pub const ENVIRONMENT: u32 = 1 << 6;
    /// `$exception_list`: the sender adds names to its frames.
    pub const EXCEPTION: u32 = 1 << 7;
    /// Every stamp: the properties are complete as they are.
    pub const STAMPS: u32 = (1 << 7) - 1;
    pub const COOKIELESS_MODE: u32 = 1 << 8;
    pub const IGNORE_SENT_AT: u32 = 1 << 9;
    pub const PRODUCT_TOUR_ID: u32 = 1 << 10;
    pub const PROCESS_PERSON_PROFILE: u32 = 1 << 11;
    pub const SESSION_ID: u32 = 1 << 12;
    pub const WINDOW_ID: u32 = 1 << 13;
    /// Not of a key: the uuid is the caller's, who may use it twice.
    pub const OWN_UUID: u32 = 1 << 31;

    /// The mark of a key, 0 for all but a few.
    #[inline(always)]
    pub fn of(key: &[u8]) -> u32 {
        match key.first() {
            Some(b'$' | b'e') => Self::of_few(key),
            _ => 0,
        }
    }

    #[inline(never)]
    fn of_few(key: &[u8]) -> u32 {
        match key.first() {
            Some(b'$') => match key {
                b"$lib" => Self::LIB,
                b"$lib_version" => Self::LIB_VERSION,
                b"$os" => Self::OS,
                b"$os_version" => Self::OS_VERSION,
                b"$is_server" => Self::IS_SERVER,
                b"$geoip_disable" => Self::GEOIP_DISABLE,
                b"$exception_list" => Self::EXCEPTION,
                b"$cookieless_mode" => Self::COOKIELESS_MODE,
                b"$ignore_sent_at" => Self::IGNORE_SENT_AT,
                b"$product_tour_id" => Self::PRODUCT_TOUR_ID,
                b"$process_person_profile" => Self::PROCESS_PERSON_PROFILE,
                b"$session_id" => Self::SESSION_ID,
                b"$window_id" => Self::WINDOW_ID,
                _ => 0,
            },
            Some(b'e') if key == b"environment" => Self::ENVIRONMENT,
            _ => 0,
        }
    }
}

/// One member of the text: where it begins (at the quote of its key) and its key's hash.
#[derive(Clone, Copy)]
struct Member {
    hash: u32,
    start: u32,
}

/// A property map. Setting a key again replaces it; a setter that fails changes nothing.
#[derive(Clone, Default)]
pub struct Props {
    /// `"a":1,"b":"x"`: members without the braces, canonical (see `json`).
    text: Vec<u8>,
    members: Vec<Member>,
    /// Bit `hash % 64` of every key ever set: a filter that may say yes wrongly, never no.
    keys: u64,
    marks: u32,
    repairs: u32,
}

/// A key as it is written in a map, with its hash.
#[derive(Clone, Debug)]
pub struct Key {
    written: Box<[u8]>,
    hash: u32,
}

impl Key {
    pub fn new(key: &str) -> Key {
        let mut written = Vec::with_capacity(key.len());
        json::write_lossy(&mut written, key.as_bytes());
        Key { hash: hash_key(&written), written: written.into() }
    }
}

/// A hash for telling keys apart quickly. Not secure: what collides is compared.
#[inline(always)]
pub fn hash_key(key: &[u8]) -> u32 {
    const K: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(K);
    let mut hash = key.len() as u64;
    if let Some(last) = key.last_chunk() {
        // The last word overlaps the one before it, so that no byte is left over.
        for word in key[..key.len() - 1].chunks_exact(8) {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(word);
            hash = mix(hash, u64::from_le_bytes(bytes));
        }
        hash = mix(hash, u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (key.first_chunk(), key.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        hash = mix(hash, u64::from(first) << 32 | u64::from(last));
    } else {
        let word = key.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = mix(hash, word);
    }
    (hash >> 32) as u32
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
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
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
        // Where the filter cannot tell, the hashes mostly can.
        self.keys & other.keys == 0
            || self.members.iter().all(|own| {
                other.keys & (1 << (own.hash % 64)) == 0
                    || other.members.iter().all(|theirs| theirs.hash != own.hash)
            })
    }

    /// Empties the map and keeps its memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.members.clear();
        self.keys = 0;
        self.marks = 0;
        self.repairs = 0;
    }

    /// Invalid UTF-8 is repaired and counted.
    #[inline]
    pub fn set_str(&mut self, key: impl AsRef<[u8]>, value: &[u8]) -> Result<(), Error> {
        // A value that lies between two quotes, which are there already.
        let write = |out: &mut [u8]| json::copy_plain(&mut out[1..], value);
        if self.set_plain(key.as_ref(), 2 + value.len(), write) {
            return Ok(());
        }
        self.set_escaped(key.as_ref(), value)
    }

    #[cold]
    fn set_escaped(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.set(key, 2 + json::escaped_len_max(value), |out| {
            out.push(b'"');
            let repairs = json::write_lossy(out, value);
            out.push(b'"');
            Ok(repairs)
        })
    }

    #[inline]
    pub fn set_i64(&mut self, key: impl AsRef<[u8]>, value: i64) -> Result<(), Error> {
        self.set_raw(key, itoa::Buffer::new().format(value).as_bytes())
    }

    #[inline]
    pub fn set_u64(&mut self, key: impl AsRef<[u8]>, value: u64) -> Result<(), Error> {
        self.set_raw(key, itoa::Buffer::new().format(value).as_bytes())
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
        let depth = 1 + json::depth(&value.text);
        if depth > json::DEPTH_MAX {
            return Err(Error::Depth);
        }
        self.set(key.as_ref(), value.text.len() + 2, |out| {
            out.push(b'{');
            out.extend_from_slice(&value.text);
            out.push(b'}');
            Ok(value.repairs)
        })
    }

    /// Any JSON text: validated, compacted, repaired.
    pub fn set_json(&mut self, key: impl AsRef<[u8]>, value: &[u8]) -> Result<(), Error> {
        self.set(key.as_ref(), json::cleaned_len_max(value), |out| Ok(json::clean(out, value)?))
    }

    /// Canonical JSON that the library wrote itself.
    #[inline]
    pub fn set_raw(&mut self, key: impl AsRef<[u8]>, value: &[u8]) -> Result<(), Error> {
        let key = key.as_ref();
        let write = |out: &mut [u8]| {
            json::copy_plain(out, value);
            true
        };
        if self.set_plain(key, value.len(), write) {
            return Ok(());
        }
        self.set(key, value.len(), |out| {
            out.extend_from_slice(value);
            Ok(0)
        })
    }

    /// Sets every member of a JSON object's text.
    pub fn set_members(&mut self, object: &[u8]) -> Result<(), Error> {
        if self.set_flat(object)? {
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
    fn set_flat(&mut self, object: &[u8]) -> Result<bool, Error> {
        let inside = object.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
        let Some(text) = inside else { return Ok(false) };
        self.reserve(text.len() + 1)?;
        let comma = usize::from(!self.text.is_empty());
        let base = self.text.len() + comma;
        let (known, keys, marks) = (self.members.len(), self.keys, self.marks);
        let fits = base + text.len() < BYTES_MAX;
        let is_flat = fits
            && json::walk_flat(text, |start, key| {
                let hash = hash_key(key);
                let bit = 1 << (hash % 64);
                if self.keys & bit != 0 && self.members.iter().any(|own| own.hash == hash) {
                    return false;
                }
                if self.members.try_reserve(1).is_err() {
                    return false;
                }
                self.members.push(Member { hash, start: (base + start) as u32 });
                self.keys |= bit;
                self.marks |= Marks::of(key);
                true
            });
        if !is_flat {
            self.members.truncate(known);
            (self.keys, self.marks) = (keys, marks);
            return Ok(false);
        }
        self.text.extend_from_slice(&b","[..comma]);
        self.text.extend_from_slice(text);
        Ok(true)
    }

    /// Sets every member of `other`.
    pub fn merge(&mut self, other: &Props) -> Result<(), Error> {
        if self.is_disjoint(other) { self.append(other) } else { self.merge_text(&other.text) }?;
        self.repairs += other.repairs;
        Ok(())
    }

    /// Sets the members of `other` whose keys are not here.
    pub fn merge_absent(&mut self, other: &Props) -> Result<(), Error> {
        if self.is_disjoint(other) {
            return self.append(other);
        }
        for member in json::members(&other.text) {
            if self.find(hash_key(member.key), member.key).is_none() {
                self.push_member(member.key, member.entry)?;
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
        json::without_keys(&mut text, &self.text, denied);
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
        if self.keys & (1 << (key.hash % 64)) == 0 {
            return None;
        }
        let index = self.find(key.hash, &key.written)?;
        let start = self.members[index].start as usize + key.written.len() + 3;
        Some(&self.text[start..self.end_of(index)])
    }

    /// Sets a member whose key is plain and new, and fits into the memory that is there: what
    /// nearly every setter of a map in use meets, and every capture pays for. `write` fills its
    /// bytes, all of which are quotes, and says whether that is how the value is written.
    /// Otherwise nothing has happened.
    #[inline]
    fn set_plain(
        &mut self,
        key: &[u8],
        value_len: usize,
        write: impl FnOnce(&mut [u8]) -> bool,
    ) -> bool {
        let before = self.text.len();
        let start = before + usize::from(before != 0);
        let end = start + key.len() + value_len + 3;
        let hash = hash_key(key);
        let bit = 1 << (hash % 64);
        let fits = end + BLOCK <= self.text.capacity()
            && end <= BYTES_MAX
            && self.members.len() < self.members.capacity();
        let is_known = self.keys & bit != 0 && self.members.iter().any(|own| own.hash == hash);
        if !fits || key.is_empty() || is_known {
            return false;
        }
        while self.text.len() < end {
            // Of a fixed length: a few stores, where any other would be a call.
            self.text.extend_from_slice(&[b'"'; BLOCK]);
        }
        self.text.truncate(end);
        if start != before {
            self.text[before] = b',';
        }
        let (own, value) = self.text[start + 1..].split_at_mut(key.len() + 2);
        own[key.len() + 1] = b':';
        if !json::copy_plain(own, key) | !write(value) {
            self.text.truncate(before);
            return false;
        }
        self.members.push(Member { hash, start: start as u32 });
        self.keys |= bit;
        self.marks |= Marks::of(key);
        true
    }

    fn set(
        &mut self,
        key: &[u8],
        value_len: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<u32, Error>,
    ) -> Result<(), Error> {
        if key.is_empty() {
            return Err(Error::Empty);
        }
        let plain = json::is_plain(key);
        if !plain && std::str::from_utf8(key).is_err() {
            return Err(Error::Utf8);
        }
        let key_len = if plain { key.len() } else { json::escaped_len_max(key) };
        let before = self.text.len();
        // A comma, two quotes and a colon beside the two texts.
        self.reserve(key_len + value_len + 4)?;
        if before != 0 {
            self.text.push(b',');
        }
        let start = self.text.len();
        self.text.push(b'"');
        let key_repairs = if plain {
            self.text.extend_from_slice(key);
            0
        } else {
            json::write_lossy(&mut self.text, key)
        };
        let key_end = self.text.len();
        self.text.extend_from_slice(b"\":");
        match write(&mut self.text) {
            Ok(repairs) if self.text.len() <= BYTES_MAX => {
                self.repairs += repairs + key_repairs;
                self.adopt(start, key_end);
                Ok(())
            }
            Ok(_) => {
                self.text.truncate(before);
                Err(Error::TooLarge)
            }
            Err(error) => {
                self.text.truncate(before);
                Err(error)
            }
        }
    }

    /// Enters the member that was just written at the end of the text.
    #[inline]
    fn adopt(&mut self, start: usize, key_end: usize) {
        let key = &self.text[start + 1..key_end];
        let hash = hash_key(key);
        if let Some(index) = self.find(hash, key) {
            // Entered first, so that taking the old one out moves it too.
            self.members.push(Member { hash, start: start as u32 });
            self.take_out(index);
            return;
        }
        self.members.push(Member { hash, start: start as u32 });
        self.keys |= 1 << (hash % 64);
        self.marks |= Marks::of(&self.text[start + 1..key_end]);
    }

    fn find(&self, hash: u32, key: &[u8]) -> Option<usize> {
        if self.keys & (1 << (hash % 64)) == 0 {
            return None;
        }
        self.members.iter().position(|member| {
            member.hash == hash && {
                let text = &self.text[member.start as usize + 1..];
                text.starts_with(key) && text.get(key.len()) == Some(&b'"')
            }
        })
    }

    /// Where the text of a member ends: before the comma of the next, or at the end.
    fn end_of(&self, index: usize) -> usize {
        match self.members.get(index + 1) {
            Some(next) => next.start as usize - 1,
            None => self.text.len(),
        }
    }

    fn take_out(&mut self, index: usize) {
        let start = self.members[index].start as usize;
        let end = self.end_of(index);
        // With its own comma: the one behind it, or for the last member the one before it.
        let cut = if end < self.text.len() { start..end + 1 } else { start.saturating_sub(1)..end };
        let len = cut.len() as u32;
        self.text.drain(cut);
        self.members.remove(index);
        for member in &mut self.members[index..] {
            member.start -= len;
        }
    }

    fn remove_escaped(&mut self, key: &[u8]) -> bool {
        let Some(index) = self.find(hash_key(key), key) else { return false };
        self.take_out(index);
        self.marks &= !Marks::of(key);
        true
    }

    fn append(&mut self, other: &Props) -> Result<(), Error> {
        if other.is_empty() {
            return Ok(());
        }
        self.reserve(other.text.len() + 1)?;
        self.members.try_reserve(other.members.len()).map_err(|_| Error::NoMemory)?;
        if self.text.len() + other.text.len() >= BYTES_MAX {
            return Err(Error::TooLarge);
        }
        if !self.text.is_empty() {
            self.text.push(b',');
        }
        let shift = self.text.len() as u32;
        self.text.extend_from_slice(&other.text);
        let moved = other.members.iter().map(|m| Member { hash: m.hash, start: m.start + shift });
        self.members.extend(moved);
        self.keys |= other.keys;
        self.marks |= other.marks;
        Ok(())
    }

    /// Sets the members of a canonical text.
    fn merge_text(&mut self, text: &[u8]) -> Result<(), Error> {
        if self.text.len() + text.len() >= BYTES_MAX {
            return Err(Error::TooLarge);
        }
        self.reserve(text.len() + 1)?;
        for member in json::members(text) {
            self.push_member(member.key, member.entry)?;
        }
        Ok(())
    }

    fn push_member(&mut self, key: &[u8], entry: &[u8]) -> Result<(), Error> {
        self.reserve(entry.len() + 1)?;
        if self.text.len() + entry.len() >= BYTES_MAX {
            return Err(Error::TooLarge);
        }
        if !self.text.is_empty() {
            self.text.push(b',');
        }
        let start = self.text.len();
        self.text.extend_from_slice(entry);
        self.adopt(start, start + 1 + key.len());
        Ok(())
    }

    #[inline]
    fn reserve(&mut self, bytes: usize) -> Result<(), Error> {
        let has_room = self.text.capacity() - self.text.len() >= bytes
            && self.members.len() < self.members.capacity();
        if has_room { Ok(()) } else { self.grow(bytes) }
    }

    #[cold]
    fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        // One step to a size that most maps never outgrow.
        const FIRST: usize = 240;
        let bytes = if self.text.capacity() == 0 { bytes.max(FIRST) } else { bytes };
        self.text.try_reserve(bytes).map_err(|_| Error::NoMemory)?;
        self.members.try_reserve(1).map_err(|_| Error::NoMemory)
    }
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
