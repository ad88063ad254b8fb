//! The text of a map, with memory behind it that short members are written to by stores of fixed
//! lengths, which may reach beyond their ends.

use super::BYTES_MAX;
use crate::error::Error;

/// Memory that a short member is written to.
pub const ROOM: usize = 64;

/// Memory that is made ready at once. Most maps never need more.
const STEP: usize = 256;

/// Members with commas between them.
#[derive(Clone, Default)]
pub struct Text {
    /// The members, each with a comma behind it, and then what may be written over.
    bytes: Vec<u8>,
    /// Where the next member starts: 0, or behind a comma.
    next: usize,
}

impl Text {
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.next.saturating_sub(1)
    }

    /// Where the next member will start.
    #[inline(always)]
    pub fn next(&self) -> usize {
        self.next
    }

    /// Empties it and keeps the memory.
    pub fn clear(&mut self) {
        self.next = 0;
    }

    /// The memory for the next member, if it is there.
    #[inline(always)]
    pub fn room(&mut self) -> Option<&mut [u8; ROOM]> {
        self.bytes.get_mut(self.next..)?.first_chunk_mut()
    }

    /// Makes a member of so many bytes of the room, and of the comma behind them.
    #[inline(always)]
    pub fn extend(&mut self, len: usize) {
        self.next += len + 1;
    }

    /// Appends a member, or several, that come in parts.
    pub fn append(&mut self, parts: &[&[u8]]) -> Result<(), Error> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if self.next + len > BYTES_MAX {
            return Err(Error::TooLarge);
        }
        if self.next + len >= self.bytes.len() {
            self.widen(len + 1)?;
        }
        let mut rest = &mut self.bytes[self.next..];
        for part in parts {
            let (own, behind) = rest.split_at_mut(part.len());
            own.copy_from_slice(part);
            rest = behind;
        }
        rest[0] = b',';
        self.extend(len);
        Ok(())
    }

    #[cold]
    fn widen(&mut self, bytes: usize) -> Result<(), Error> {
        // Short members are written without a look at the limit: there is no room beyond it.
        let len = (self.next + bytes + STEP).min(BYTES_MAX + 1);
        self.reserve(len - self.next)?;
        self.bytes.resize(len, 0);
        Ok(())
    }

    /// Makes sure that so many bytes can be appended without another allocation.
    pub fn reserve(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes.truncate(self.next);
        self.bytes.try_reserve(bytes).map_err(|_| Error::NoMemory)
    }

    /// Changes it in any way.
    pub fn edit<T>(&mut self, edit: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        self.bytes.truncate(self.len());
        let result = edit(&mut self.bytes);
        self.next = self.bytes.len();
        if self.next > 0 {
            self.bytes.push(b',');
            self.next += 1;
        }
        result
    }
}
