//! Which keys a map holds, by their hashes.
//!
//! For the few keys that most maps have, one word and a look at the members. A table for those with
//! many, so that a map costs in proportion to what is in it, whatever a program puts there.

use super::Member;
use crate::error::Error;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The members of a map that has more are not looked through.
const FEW: usize = 32;

#[derive(Clone, Default)]
pub struct Index {
    /// Bit `hash % 64` of every key.
    bits: u64,
    /// If there are more than a few members: each hash, and the last member that has it.
    places: HashMap<u32, u32, BuildHasherDefault<Spread>>,
}

impl Index {
    pub fn clear(&mut self) {
        self.bits = 0;
        self.places.clear();
    }

    /// Makes sure that there can be so many members without another allocation.
    pub fn reserve(&mut self, members: usize) -> Result<(), Error> {
        let more = if members > FEW { members - self.places.len() } else { 0 };
        self.places.try_reserve(more).map_err(|_| Error::NoMemory)
    }

    /// Adds the last of the members.
    #[inline(always)]
    pub fn add(&mut self, hash: u32, members: &[Member]) {
        self.bits |= 1 << (hash % 64);
        if members.len() > FEW {
            self.add_to_many(members);
        }
    }

    #[cold]
    fn add_to_many(&mut self, members: &[Member]) {
        let known = if self.places.is_empty() { 0 } else { members.len() - 1 };
        for (place, member) in (known as u32..).zip(&members[known..]) {
            self.places.insert(member.hash, place);
        }
    }

    /// Begins anew, after some have gone.
    pub fn rebuild(&mut self, members: &[Member]) {
        self.clear();
        self.bits = members.iter().fold(0, |bits, member| bits | (1 << (member.hash % 64)));
        if members.len() > FEW {
            self.add_to_many(members);
        }
    }

    /// Whether one of these members has that hash.
    #[inline(always)]
    pub fn has(&self, hash: u32, members: &[Member]) -> bool {
        self.bits & (1 << (hash % 64)) != 0 && self.is_among(hash, members)
    }

    #[inline(never)]
    fn is_among(&self, hash: u32, members: &[Member]) -> bool {
        if members.len() > FEW {
            self.places.contains_key(&hash)
        } else {
            members.iter().any(|member| member.hash == hash)
        }
    }

    /// The last member with that hash, where the table has it.
    pub fn place(&self, hash: u32) -> Option<usize> {
        self.places.get(&hash).map(|place| *place as usize)
    }

    /// Whether no key of either can be in the other.
    pub fn is_disjoint(&self, other: &Index) -> bool {
        self.bits & other.bits == 0
    }
}

/// What is hashed is a hash already: it only has to fill the word.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write_u32(&mut self, hash: u32) {
        self.0 = u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
