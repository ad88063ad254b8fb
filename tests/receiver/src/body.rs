//! Undoing a body's Content-Encoding.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// How much of a body brotli reads at a time.
const BUFFER: usize = 64 * 1024;

/// The decoded body, or why it cannot be decoded.
pub(crate) fn decode(raw: Vec<u8>, encoding: Option<&str>) -> Result<Vec<u8>, String> {
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("identity") => Ok(raw),
        Some("gzip") => inflate(MultiGzDecoder::new(&raw[..])),
        // HTTP's deflate is the zlib format (RFC 9110, 8.4.1.2), not a bare deflate stream.
        Some("deflate") => inflate(ZlibDecoder::new(&raw[..])),
        Some("br") => inflate(brotli::Decompressor::new(&raw[..], BUFFER)),
        Some("zstd") => {
            let decoder = zstd::Decoder::new(&raw[..]);
            inflate(decoder.map_err(|e| format!("the body does not decode: {e}"))?)
        }
        Some(other) => Err(format!("Content-Encoding {other} is not known")),
    }
}

fn inflate(mut reader: impl Read) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    reader.read_to_end(&mut body).map_err(|e| format!("the body does not decode: {e}"))?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};

    const TEXT: &[u8] = b"some text, some text, some text";

    fn all(mut reader: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn undoes_each_encoding() {
        let gzip = all(GzEncoder::new(TEXT, Compression::fast()));
        let zlib = all(ZlibEncoder::new(TEXT, Compression::fast()));
        assert_eq!(decode(gzip, Some("GZIP")).as_deref(), Ok(TEXT));
        assert_eq!(decode(zlib, Some("deflate")).as_deref(), Ok(TEXT));
        let params = Default::default();
        let brotli = all(brotli::CompressorReader::with_params(TEXT, BUFFER, &params));
        assert_eq!(decode(brotli, Some("br")).as_deref(), Ok(TEXT));
        let zstd = zstd::encode_all(TEXT, 1).unwrap();
        assert_eq!(decode(zstd, Some("zstd")).as_deref(), Ok(TEXT));
        assert_eq!(decode(TEXT.into(), None).as_deref(), Ok(TEXT));
    }

    #[test]
    fn refuses_what_is_not_what_it_claims() {
        let gzip = all(GzEncoder::new(TEXT, Compression::fast()));
        let bare = all(DeflateEncoder::new(TEXT, Compression::fast()));
        let trailed = [&gzip[..], b"junk"].concat();
        for (raw, encoding) in [
            (TEXT.to_vec(), "gzip"),
            (gzip[..gzip.len() - 4].to_vec(), "gzip"),
            (trailed, "gzip"),
            (bare, "deflate"),
            (gzip.clone(), "br"),
            (gzip.clone(), "zstd"),
            (gzip, "lzma"),
        ] {
            assert!(decode(raw, Some(encoding)).is_err(), "{encoding}");
        }
    }
}
