//! Where someone falls between 0 and 1: the one number that decides rollouts, variants and
//! holdouts, the same in every PostHog SDK and on the server.

use sha1::digest::generic_array::GenericArray;
use sha1::{Digest, Sha1, compress};

/// The largest number of 15 hexadecimal digits. As a double it is 2^60.
const SCALE: f64 = 0xFFF_FFFF_FFFF_FFFF_u64 as f64;

/// What a variant is drawn with. A rollout is drawn with the empty salt.
pub const VARIANT_SALT: &str = "variant";

/// SHA-1 works in blocks of this size. Behind the input there is a mark, and in the last bytes of
/// the last block the length.
const BLOCK: usize = 64;
const ENDING: usize = 1 + 8;

/// Nearly every key and id fit in two blocks together. These are hashed without the buffers that
/// an input of unknown length needs, which would take a third of the time.
const BLOCKS: usize = 2;

/// Where SHA-1 starts.
const START: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];

/// Where `id` falls for the flag `key`.
pub fn hash(key: &str, id: &str, salt: &str) -> f64 {
    fraction([key, ".", id, salt])
}

/// Where `id` falls for a holdout: with a dash, and without the flag's key, so that the same
/// people are held out of every flag.
pub fn holdout_hash(id: &str) -> f64 {
    fraction(["holdout-", id, "", ""])
}

/// The first 15 hexadecimal digits of the SHA-1 of the parts, as a fraction of their largest value.
fn fraction(parts: [&str; 4]) -> f64 {
    let mut input = [0; BLOCKS * BLOCK];
    let mut len = 0;
    for part in parts {
        let Some(room) = input.get_mut(len..len + part.len()) else {
            return fraction_of_long(parts);
        };
        room.copy_from_slice(part.as_bytes());
        len += part.len();
    }
    let size = (len + ENDING).next_multiple_of(BLOCK);
    if size > input.len() {
        return fraction_of_long(parts);
    }
    input[len] = 0x80;
    input[size - 8..size].copy_from_slice(&(8 * len as u64).to_be_bytes());
    let mut state = START;
    for block in input[..size].chunks_exact(BLOCK) {
        compress(&mut state, std::slice::from_ref(GenericArray::from_slice(block)));
    }
    scaled(u64::from(state[0]) << 32 | u64::from(state[1]))
}

#[cold]
fn fraction_of_long(parts: [&str; 4]) -> f64 {
    let mut sha1 = Sha1::new();
    for part in parts {
        sha1.update(part);
    }
    let digest: [u8; 20] = sha1.finalize().into();
    let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _] = digest;
    scaled(u64::from_be_bytes(head))
}

/// 60 of the 64 bits that a digest begins with.
fn scaled(head: u64) -> f64 {
    (head >> 4) as f64 / SCALE
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn known_points_are_reached() {
        let text = include_str!("../../../tests/vectors/flags/hash_points.json");
        let points: Value = serde_json::from_str(text).unwrap();
        let rollouts = points["hash_key"].as_array().unwrap();
        assert_eq!(rollouts.len(), 5);
        for point in rollouts {
            let part = |name: &str| point[name].as_str().unwrap();
            assert_eq!(Some(hash(part("key"), part("id"), part("salt"))), point["hash"].as_f64());
        }
        let holdouts = points["holdout"].as_array().unwrap();
        assert_eq!(holdouts.len(), 3);
        for point in holdouts {
            let id = point["input"].as_str().unwrap().strip_prefix("holdout-").unwrap();
            assert_eq!(Some(holdout_hash(id)), point["hash"].as_f64());
        }
    }

    #[test]
    fn the_length_of_the_input_does_not_matter() {
        // Around the sizes of SHA-1's block and of the buffer.
        for len in
            [0, 40, 48, 49, 50, 51, 60, 106, 112, 113, 114, 115, 116, 122, 123, 124, 200, 500]
        {
            let id = "x".repeat(len);
            let parts = ["flag", ".", &id, ""];
            assert_eq!(hash("flag", &id, ""), fraction_of_long(parts), "{len}");
            assert_ne!(hash("flag", &id, ""), hash("flag", &id, VARIANT_SALT), "{len}");
        }
    }
}
