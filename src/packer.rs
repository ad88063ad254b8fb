//! Compression of request bodies, with one compressor for all of them: making one costs more
//! memory and time than a small batch does.

use flate2::{Compress, Compression, FlushCompress, Status};

/// The largest window of gzip and zlib (RFC 1950), as a power of two.
const WINDOW_BITS: u8 = 15;
/// A buffer larger than this is given back after use.
const BUFFER_KEPT: usize = 1 << 20;

/// A way to compress. Which are built in is a matter of the crate's features.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    Gzip,
    /// What HTTP calls so: the zlib format, not a bare deflate stream (RFC 9110, 8.4.1.2).
    #[cfg(feature = "deflate")]
    Deflate,
    #[cfg(feature = "brotli")]
    Brotli,
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Encoding {
    /// The value of `content-encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Gzip => "gzip",
            #[cfg(feature = "deflate")]
            Encoding::Deflate => "deflate",
            #[cfg(feature = "brotli")]
            Encoding::Brotli => "br",
            #[cfg(feature = "zstd")]
            Encoding::Zstd => "zstd",
        }
    }
}

/// Compressors at their fastest levels, made when they are first needed, and their output.
#[derive(Default)]
pub struct Packer {
    gzip: Option<Compress>,
    #[cfg(feature = "deflate")]
    deflate: Option<Compress>,
    #[cfg(feature = "zstd")]
    zstd: Option<zstd::bulk::Compressor<'static>>,
    packed: Vec<u8>,
}

impl Packer {
    /// The body, compressed; `None` if that failed, and it is to go out as it is.
    pub fn pack(&mut self, encoding: Encoding, body: &[u8]) -> Option<&[u8]> {
        if self.packed.capacity() > BUFFER_KEPT {
            self.packed = Vec::new();
        }
        self.packed.clear();
        let packed = &mut self.packed;
        match encoding {
            Encoding::Gzip => {
                let new = || Compress::new_gzip(Compression::fast(), WINDOW_BITS);
                deflate(self.gzip.get_or_insert_with(new), body, packed)?;
            }
            #[cfg(feature = "deflate")]
            Encoding::Deflate => {
                let new = || Compress::new(Compression::fast(), true);
                deflate(self.deflate.get_or_insert_with(new), body, packed)?;
            }
            #[cfg(feature = "brotli")]
            Encoding::Brotli => brotli(body, packed)?,
            #[cfg(feature = "zstd")]
            Encoding::Zstd => {
                if self.zstd.is_none() {
                    self.zstd = zstd::bulk::Compressor::new(1).ok();
                }
                packed.try_reserve(zstd::zstd_safe::compress_bound(body.len())).ok()?;
                self.zstd.as_mut()?.compress_to_buffer(body, packed).ok()?;
            }
        }
        Some(&self.packed)
    }
}

fn deflate(compressor: &mut Compress, body: &[u8], packed: &mut Vec<u8>) -> Option<()> {
    compressor.reset();
    // zlib's own bound for any level (`deflateBound`), with gzip's header and trailer.
    let bound = body.len() + body.len().div_ceil(8) + body.len().div_ceil(64) + 5 + 18;
    packed.try_reserve(bound).ok()?;
    let status = compressor.compress_vec(body, packed, FlushCompress::Finish).ok()?;
    (status == Status::StreamEnd).then_some(())
}

/// Of its levels the second pays best: nearly the ratio of zstd at three to four times the cost.
/// Its window is that of a batch, because a larger one is cleared for each body.
#[cfg(feature = "brotli")]
fn brotli(mut body: &[u8], packed: &mut Vec<u8>) -> Option<()> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 2,
        lgwin: 18,
        size_hint: body.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut body, packed, &params).ok().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uuid::Random;
    use std::io::Read;

    const ALL: &[Encoding] = &[
        Encoding::Gzip,
        #[cfg(feature = "deflate")]
        Encoding::Deflate,
        #[cfg(feature = "brotli")]
        Encoding::Brotli,
        #[cfg(feature = "zstd")]
        Encoding::Zstd,
    ];

    fn unpacked(encoding: Encoding, packed: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        match encoding {
            Encoding::Gzip => flate2::read::GzDecoder::new(packed).read_to_end(&mut body),
            #[cfg(feature = "deflate")]
            Encoding::Deflate => flate2::read::ZlibDecoder::new(packed).read_to_end(&mut body),
            #[cfg(feature = "brotli")]
            Encoding::Brotli => brotli::Decompressor::new(packed, 4096).read_to_end(&mut body),
            #[cfg(feature = "zstd")]
            Encoding::Zstd => zstd::Decoder::new(packed).unwrap().read_to_end(&mut body),
        }
        .unwrap();
        body
    }

    #[test]
    fn one_packer_packs_one_body_after_the_other() {
        let mut packer = Packer::default();
        for times in [1, 1000, 0, 200_000, 7] {
            let body = br#"{"event":"e"},"#.repeat(times);
            for encoding in ALL {
                let packed = packer.pack(*encoding, &body).unwrap();
                assert!(times < 1000 || packed.len() < body.len() / 10, "{encoding:?}");
                assert_eq!(unpacked(*encoding, packed), body, "{encoding:?}");
            }
        }
    }

    #[test]
    fn noise_is_packed_too() {
        let mut random = Random::from_seed([1; 32]);
        for len in [0, 1, 100, 70_000, 1 << 20] {
            let body: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
            let mut packer = Packer::default();
            for encoding in ALL {
                let packed = packer.pack(*encoding, &body).unwrap();
                assert_eq!(unpacked(*encoding, packed), body, "{encoding:?}");
            }
        }
    }
}
