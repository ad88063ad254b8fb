//! Keys: telling them apart quickly.

use crate::json::{self, Glance};

/// A key as it is written in a map, with its hash.
#[derive(Clone, Debug)]
pub struct Key {
    pub(super) written: Box<[u8]>,
    pub(super) hash: u32,
}

impl Key {
    pub fn new(key: &str) -> Key {
        let mut written = Vec::with_capacity(key.len());
        json::write_lossy(&mut written, key.as_bytes());
        Key { hash: hash_key(&written), written: written.into() }
    }
}

const K: u64 = 0x9E37_79B9_7F4A_7C15;

/// A hash for telling keys apart, of which the lowest bits are the best. Not secure: what collides is
/// compared.
#[inline]
pub fn hash_key(key: &[u8]) -> u32 {
    match json::glance(key) {
        Some(seen) => hash_seen(seen, key.len()),
        None => hash_long(key),
    }
}

/// That of a short key that was looked at already.
#[inline(always)]
pub fn hash_seen(seen: Glance, len: usize) -> u32 {
    let [head, tail] = seen.words;
    fold((head ^ tail.rotate_left(29) ^ len as u64).wrapping_mul(K))
}

/// That of a key that is not short.
#[inline(never)]
pub fn hash_long(key: &[u8]) -> u32 {
    let mut hash = key.len() as u64;
    let mut mix = |word| hash = (hash.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(K);
    let mut rest = key;
    while let Some((word, behind)) = rest.split_first_chunk() {
        mix(*word);
        rest = behind;
    }
    // Overlaps the last one, so that no byte is left over.
    if let Some(word) = key.last_chunk() {
        mix(*word);
    }
    fold(hash)
}

/// The upper half of a product depends on all that was multiplied, most of all its last byte.
#[inline(always)]
fn fold(product: u64) -> u32 {
    ((product >> 32) as u32).swap_bytes()
}
