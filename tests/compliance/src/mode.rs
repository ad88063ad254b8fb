//! What one process is: a protocol and an encoding, set by its environment.

use crate::prototypes::*;
use std::env;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    pub is_v1: bool,
    /// The name of the encoding in the protocol, and the library's number for it.
    pub encoding: (&'static str, i32),
}

/// Names as the harness spells them in `encoding_*`.
const ENCODINGS: [(&str, i32); 4] = [
    ("gzip", PH_COMPRESSION_GZIP),
    ("deflate", PH_COMPRESSION_DEFLATE),
    ("br", PH_COMPRESSION_BROTLI),
    ("zstd", PH_COMPRESSION_ZSTD),
];

impl Mode {
    /// `CAPTURE_MODE` is `v0` or `v1` (the default), `COMPRESSION` one of the encodings (`gzip`).
    pub fn from_env() -> Result<Mode, String> {
        let value = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.into());
        Mode::parse(&value("CAPTURE_MODE", "v1"), &value("COMPRESSION", "gzip"))
    }

    fn parse(protocol: &str, encoding: &str) -> Result<Mode, String> {
        let is_v1 = match protocol {
            "v0" => false,
            "v1" => true,
            other => return Err(format!("CAPTURE_MODE={other} is neither v0 nor v1")),
        };
        let known = ENCODINGS.into_iter().find(|(name, _)| *name == encoding);
        let encoding = known.ok_or(format!("COMPRESSION={encoding} is not known"))?;
        if !is_v1 && encoding.0 != "gzip" {
            return Err(format!("V0 has gzip only, not {}", encoding.0));
        }
        Ok(Mode { is_v1, encoding })
    }

    pub fn protocol(self) -> i32 {
        if self.is_v1 { PH_PROTOCOL_V1 } else { PH_PROTOCOL_V0 }
    }

    pub fn name(self) -> &'static str {
        if self.is_v1 { "libposthog-v1" } else { "libposthog-v0" }
    }

    pub fn capabilities(self) -> Vec<String> {
        let of_protocol: &[&str] = if self.is_v1 {
            &["capture_v1", "capture_ai_v1", "event_options"]
        } else {
            &["capture_v0", "capture_ai_v0"]
        };
        let encoding = format!("encoding_{}", self.encoding.0);
        of_protocol.iter().map(|it| (*it).to_owned()).chain([encoding]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_declares_what_it_does() {
        let capabilities =
            |protocol, encoding| Mode::parse(protocol, encoding).map(Mode::capabilities);
        assert_eq!(
            capabilities("v0", "gzip").unwrap(),
            ["capture_v0", "capture_ai_v0", "encoding_gzip"]
        );
        assert_eq!(
            capabilities("v1", "zstd").unwrap(),
            ["capture_v1", "capture_ai_v1", "event_options", "encoding_zstd"]
        );
        for (protocol, encoding) in [("v2", "gzip"), ("v1", "lzma"), ("v0", "zstd")] {
            assert!(capabilities(protocol, encoding).is_err(), "{protocol} {encoding}");
        }
    }
}
