//! Deadlines that no server can stretch, whatever it is slow at.

use crate::c::*;
use crate::client::{Config, to, to_url};
use crate::time::timed;
use posthog_receiver::{Authority, Part, Receiver, Reply, Script};
use std::net::TcpListener;
use std::time::Duration;

const TIMEOUT_MS: u32 = 500;
/// The deadline with a margin for a busy machine.
const AT_MOST: Duration = Duration::from_secs(3);

fn flags_time_out(config: &Config) {
    let client = config.client();
    let (found, took) = timed(|| client.evaluate_in("u", None, TIMEOUT_MS).err());
    assert_eq!(found, Some(PH_ERROR_TIMEOUT));
    assert!(took < AT_MOST, "{took:?}");
}

#[test]
fn a_handshake_that_stalls() {
    // Whoever listens and never answers: the system completes the connection for it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    flags_time_out(&to_url(&url));
}

#[test]
fn an_answer_that_drips() {
    for part in [Part::Head, Part::Body] {
        let receiver = Receiver::start();
        let slow = Reply::usual().drip(part, 1, Duration::from_millis(50));
        receiver.set_script(Script::new().always("/flags/", slow));
        flags_time_out(&to(&receiver));
    }
}

#[test]
fn an_answer_that_drips_inside_tls() {
    let authority = Authority::new();
    let receiver = Receiver::secure(authority.identity(&["127.0.0.1"]));
    let slow = Reply::usual().drip(Part::All, 1, Duration::from_millis(50));
    receiver.set_script(Script::new().always("/flags/", slow));
    let ca = super::tls::CaFile::of(&authority);
    flags_time_out(&to(&receiver).text(ph_config_set_ca_file, ca.path()));
}

/// More than the buffers of both ends hold, and nobody reads.
#[test]
fn a_write_that_stalls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = to_url(&url)
        .set(ph_config_set_compression, PH_COMPRESSION_NONE)
        .set(ph_config_set_batch_max_bytes, 16 << 20)
        .set(ph_config_set_event_max_bytes, 16 << 20)
        .set(ph_config_set_request_timeout_ms, TIMEOUT_MS)
        .set(ph_config_set_max_retries, PH_NEVER);
    let client = config.client();
    let large = crate::handle::Props::new().str("text", &"x".repeat(12 << 20));
    assert_eq!(client.capture_with("u", "e", &large), PH_OK);
    let (flushed, took) = timed(|| client.flush(20_000));
    assert_eq!(flushed, PH_ERROR_LOST);
    assert!(took < AT_MOST, "{took:?}");
    assert_eq!(client.stat(PH_STAT_DROPPED_RETRIES), 1);
}
