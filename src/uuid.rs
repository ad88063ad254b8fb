//! UUID version 7 (RFC 9562, section 5.7) at the cost of a few nanoseconds.
//!
//! The operating system seeds the generator once for each queue; a forked child has a queue, and
//! so a seed, of its own.

use uuid::Uuid;

/// xoshiro256++ (Blackman and Vigna, 2019): fast, and 256 bits of state that the operating
/// system filled, so that no two processes share a sequence.
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// Seeded by the operating system; by the clock and an address if that has no entropy to give.
    pub fn new() -> Random {
        let mut seed = [0; 32];
        if getrandom::fill(&mut seed).is_err() {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(1, |elapsed| elapsed.as_nanos() as u64);
            let address = &raw const seed as u64;
            seed[..8].copy_from_slice(&now.to_le_bytes());
            seed[8..16].copy_from_slice(&address.to_le_bytes());
            seed[16..20].copy_from_slice(&std::process::id().to_le_bytes());
        }
        Random::from_seed(seed)
    }

    /// One of the sequences of a seed, the same in each run: for tests, and for nothing else.
    pub fn of_seed(seed: u64, sequence: u8) -> Random {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8] = sequence;
        bytes[16] = 1;
        Random::from_seed(bytes)
    }

    pub fn from_seed(seed: [u8; 32]) -> Random {
        let mut state = [0; 4];
        for (word, bytes) in state.iter_mut().zip(seed.chunks_exact(8)) {
            let mut word_bytes = [0; 8];
            word_bytes.copy_from_slice(bytes);
            *word = u64::from_le_bytes(word_bytes);
        }
        // The one state that the generator cannot leave.
        if state == [0; 4] {
            state[0] = 1;
        }
        Random { state }
    }

    /// A generator of its own for each number; that of 0 is this one.
    pub fn stream(&self, number: u64) -> Random {
        if number == 0 {
            return Random { state: self.state };
        }
        // What splitmix64 (Steele, Lea and Flood, 2014) makes of each word: the authors' way to
        // seed this generator.
        let state = self.state.map(|word| {
            let mut z = word.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ z >> 31
        });
        Random { state: if state == [0; 4] { [1, 0, 0, 0] } else { state } }
    }

    #[inline(always)]
    pub fn next(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.state;
        let result = s0.wrapping_add(s3).rotate_left(23).wrapping_add(s0);
        let (s2, s3) = (s2 ^ s0, s3 ^ s1);
        self.state = [s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17), s3.rotate_left(45)];
        result
    }

    /// A version 7 UUID of that time.
    #[inline(always)]
    pub fn uuid(&mut self, unix_millis: i64) -> Uuid {
        let millis = unix_millis.max(0) as u64;
        // Two words rather than sixteen bytes: this is most of what a uuid costs.
        let high = millis << 16 | 7 << 12 | self.next() >> 52;
        let low = 0b10 << 62 | self.next() >> 2;
        Uuid::from_u64_pair(high, low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_reference_sequence() {
        // The authors' C code, state {1, 2, 3, 4}.
        let mut seed = [0; 32];
        for (index, word) in [1u64, 2, 3, 4].iter().enumerate() {
            seed[index * 8..index * 8 + 8].copy_from_slice(&word.to_le_bytes());
        }
        let mut random = Random::from_seed(seed);
        let first: Vec<u64> = (0..4).map(|_| random.next()).collect();
        assert_eq!(first, [41943041, 58720359, 3588806011781223, 3591011842654386]);
    }

    #[test]
    fn uuids_are_version_7_of_their_millisecond_and_unique() {
        let mut random = Random::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..10_000 {
            let uuid = random.uuid(1_700_000_000_123);
            assert_eq!(uuid.get_version_num(), 7);
            assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
            let mut millis = [0; 8];
            millis[2..].copy_from_slice(&uuid.as_bytes()[..6]);
            assert_eq!(u64::from_be_bytes(millis), 1_700_000_000_123);
            assert!(seen.insert(uuid));
        }
    }
}
