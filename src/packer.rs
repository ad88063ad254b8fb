//! Compression of request bodies, with one compressor for all of them: making one costs more
//! memory and time than a small batch does.

use flate2::{Compress, Compression, FlushCompress, Status};

/// gzip's largest window (RFC 1952 has no other), as a power of two.
const WINDOW_BITS: u8 = 15;
/// A buffer larger than this is given back after use.
const BUFFER_KEPT: usize = 1 << 20;

/// A gzip compressor at its fastest level, and its output.
pub struct Packer {
    gzip: Compress,
    packed: Vec<u8>,
}

impl Packer {
    pub fn new() -> Packer {
        let gzip = Compress::new_gzip(Compression::fast(), WINDOW_BITS);
        Packer { gzip, packed: Vec::new() }
    }

    /// The body, compressed; `None` if that failed, and it is to go out as it is.
    pub fn pack(&mut self, body: &[u8]) -> Option<&[u8]> {
        self.gzip.reset();
        if self.packed.capacity() > BUFFER_KEPT {
            self.packed = Vec::new();
        }
        self.packed.clear();
        // zlib's own bound for any level (`deflateBound`), with gzip's header and trailer.
        let bound = body.len() + body.len().div_ceil(8) + body.len().div_ceil(64) + 5 + 18;
        self.packed.try_reserve(bound).ok()?;
        match self.gzip.compress_vec(body, &mut self.packed, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => Some(&self.packed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uuid::Random;
    use std::io::Read;

    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut body).unwrap();
        body
    }

    #[test]
    fn one_compressor_packs_one_body_after_the_other() {
        let mut packer = Packer::new();
        for times in [1, 1000, 0, 200_000, 7] {
            let body = br#"{"event":"e"},"#.repeat(times);
            let packed = packer.pack(&body).unwrap();
            assert!(times < 1000 || packed.len() < body.len() / 10);
            assert_eq!(unpacked(packed), body);
        }
    }

    #[test]
    fn noise_is_packed_too() {
        let mut random = Random::from_seed([1; 32]);
        for len in [0, 1, 100, 70_000, 1 << 20] {
            let body: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
            let mut packer = Packer::new();
            assert_eq!(unpacked(packer.pack(&body).unwrap()), body);
        }
    }
}
