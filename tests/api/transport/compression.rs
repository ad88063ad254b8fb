//! What bodies are compressed with.

use crate::c::*;
use crate::client::{Config, KEY, to};
use posthog_receiver::Receiver;

const BUILT_IN: [(i32, bool); 5] = [
    (PH_COMPRESSION_NONE, true),
    (PH_COMPRESSION_GZIP, true),
    (PH_COMPRESSION_DEFLATE, cfg!(feature = "deflate")),
    (PH_COMPRESSION_BROTLI, cfg!(feature = "brotli")),
    (PH_COMPRESSION_ZSTD, cfg!(feature = "zstd")),
];

#[test]
fn what_is_not_built_in_cannot_be_chosen() {
    let config = Config::new(KEY);
    for (compression, is_built_in) in BUILT_IN {
        let expected = if is_built_in { PH_OK } else { PH_ERROR_RANGE };
        assert_eq!(ph_config_set_compression(config.raw(), compression), expected);
    }
    for unknown in [-1, 5, i32::MAX, i32::MIN] {
        assert_eq!(ph_config_set_compression(config.raw(), unknown), PH_ERROR_RANGE);
    }
}

#[test]
fn v1_gets_what_was_chosen() {
    let names = [None, Some("gzip"), Some("deflate"), Some("br"), Some("zstd")];
    for ((compression, _), name) in BUILT_IN.into_iter().zip(names).filter(|it| it.0.1) {
        let receiver = Receiver::start();
        let config = to(&receiver).set(ph_config_set_protocol, PH_PROTOCOL_V1);
        let client = config.set(ph_config_set_compression, compression).client();
        client.capture_numbered("e", 0..100);
        client.deliver();
        client.capture_numbered("e", 100..101);
        client.deliver();
        assert_eq!(receiver.counts().accepted, 101, "{name:?}");
        for request in receiver.requests() {
            assert_eq!(request.header("content-encoding"), name);
        }
        let first = &receiver.requests()[0];
        assert_eq!(first.raw_length < first.body.len() / 2, name.is_some(), "{name:?}");
    }
}

#[test]
fn v0_gets_gzip_whatever_was_chosen() {
    for (compression, _) in BUILT_IN.into_iter().filter(|(_, is_built_in)| *is_built_in) {
        let receiver = Receiver::start();
        let config = to(&receiver).set(ph_config_set_protocol, PH_PROTOCOL_V0);
        let client = config.set(ph_config_set_compression, compression).client();
        client.capture_numbered("e", 0..100);
        client.deliver();
        let request = &receiver.requests()[0];
        let packed = compression != PH_COMPRESSION_NONE;
        assert_eq!(request.header("content-encoding"), packed.then_some("gzip"));
        assert_eq!(request.events().len(), 100);
    }
}
