//! Where someone falls between 0 and 1: the one number that decides rollouts, variants and
//! holdouts, the same in every PostHog SDK and on the server.

use sha1::{Digest, Sha1};

/// The largest number of 15 hexadecimal digits. As a double it is 2^60.
const SCALE: f64 = 0xFFF_FFFF_FFFF_FFFF_u64 as f64;

/// What a variant is drawn with. A rollout is drawn with the empty salt.
pub const VARIANT_SALT: &str = "variant";

/// Most keys and ids fit in here together, and then SHA-1 is handed its input in one piece.
const INPUT_MAX: usize = 192;

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
    let mut input = [0; INPUT_MAX];
    let mut len = 0;
    for part in parts {
        let Some(room) = input.get_mut(len..len + part.len()) else {
            return fraction_of_long(parts);
        };
        room.copy_from_slice(part.as_bytes());
        len += part.len();
    }
    scaled(&Sha1::digest(&input[..len]).into())
}

#[cold]
fn fraction_of_long(parts: [&str; 4]) -> f64 {
    let mut sha1 = Sha1::new();
    for part in parts {
        sha1.update(part);
    }
    scaled(&sha1.finalize().into())
}

fn scaled(digest: &[u8; 20]) -> f64 {
    let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _] = *digest;
    (u64::from_be_bytes(head) >> 4) as f64 / SCALE
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
        for len in [0, 40, 53, 54, 55, 62, 118, 180, 184, 185, 186, 187, 500] {
            let id = "ä".repeat(len / 2);
            let parts = ["flag", ".", &id, ""];
            assert_eq!(hash("flag", &id, ""), fraction_of_long(parts), "{len}");
            assert_ne!(hash("flag", &id, ""), hash("flag", &id, VARIANT_SALT), "{len}");
        }
    }
}
