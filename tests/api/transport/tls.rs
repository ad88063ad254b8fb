//! TLS to receivers whose certificates a test's own authority has signed.

use super::both_arrive;
use crate::c::*;
use crate::child;
use crate::client::{Config, KEY, to};
use crate::hook::logged;
use posthog_receiver::{Authority, Identity, Receiver, Reply, Script};
use std::path::PathBuf;
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file of certificates that removes itself.
pub struct CaFile(PathBuf);

impl CaFile {
    pub fn of(authority: &Authority) -> CaFile {
        CaFile::with(authority.pem())
    }

    fn with(text: &str) -> CaFile {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("posthog-api-test-{}-{number}.pem", process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        CaFile(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn capture_and_flags_go_over_one_session() {
    let authority = Authority::new();
    let receiver = Receiver::secure(authority.identity(&["127.0.0.1"]));
    let ca = CaFile::of(&authority);
    let client = to(&receiver).text(ph_config_set_ca_file, ca.path()).client();
    for _ in 0..3 {
        both_arrive(&client);
    }
    client.capture_numbered("many", 0..3_000);
    client.deliver();
    assert_eq!((receiver.counts().accepted, receiver.connections()), (3_003, 1));
}

#[test]
fn a_connection_that_is_made_anew_goes_on_with_the_session() {
    let authority = Authority::new();
    let receiver = Receiver::secure(authority.identity(&["127.0.0.1"]));
    receiver.set_script(Script::new().always("/", Reply::usual().header("Connection", "close")));
    let ca = CaFile::of(&authority);
    let client = to(&receiver).text(ph_config_set_ca_file, ca.path()).client();
    for n in 0..4 {
        client.capture_numbered("e", n..n + 1);
        client.deliver();
    }
    let counts = receiver.counts();
    assert_eq!((counts.accepted, counts.connections, counts.resumed), (4, 4, 3));
    // Another client knows nothing of that session.
    let other = to(&receiver).text(ph_config_set_ca_file, ca.path()).client();
    other.capture_numbered("e", 4..5);
    other.deliver();
    assert_eq!(receiver.counts().resumed, 3);
}

/// That client refuses that server, says why, and lets it see nothing.
fn refuses(identity: Identity, authority: &Authority, reason: &str) {
    let receiver = Receiver::secure(identity);
    let ca = CaFile::of(authority);
    let config = to(&receiver).text(ph_config_set_ca_file, ca.path());
    let (config, lines) = logged(config.set(ph_config_set_max_retries, PH_NEVER));
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(20_000), PH_ERROR_LOST);
    assert_eq!(client.evaluate("u").err(), Some(PH_ERROR_NETWORK));
    let lines = lines.all();
    assert!(lines.iter().any(|line| line.contains(reason)), "{reason}: {lines:?}");
    let counts = receiver.counts();
    assert_eq!((counts.requests, counts.bytes), (0, 0), "{reason}");
}

#[test]
fn a_server_that_is_not_who_it_should_be_is_sent_nothing() {
    let authority = Authority::new();
    refuses(authority.identity(&["posthog.test"]), &authority, "for another host");
    refuses(authority.expired(&["127.0.0.1"]), &authority, "has expired");
    let other = Authority::new();
    refuses(other.identity(&["127.0.0.1"]), &authority, "issuer is not trusted");
}

const URL: &str = "POSTHOG_API_TEST_URL";

#[test]
#[cfg(target_os = "linux")]
fn what_the_system_trusts_is_trusted() {
    let authority = Authority::new();
    let receiver = Receiver::secure(authority.identity(&["127.0.0.1"]));
    let ca = CaFile::of(&authority);
    // The system's own place, as OpenSSL and rustls-native-certs have it named.
    let variables = [(URL, &*receiver.url()), ("SSL_CERT_FILE", ca.path())];
    if child::passes("transport::tls::what_the_system_trusts_is_trusted", &variables) {
        assert_eq!(receiver.counts().accepted, 1);
        return;
    }
    both_arrive(&crate::client::to_url(&std::env::var(URL).unwrap()).client());
}

#[test]
fn what_the_system_does_not_trust_is_refused() {
    let authority = Authority::new();
    let receiver = Receiver::secure(authority.identity(&["127.0.0.1"]));
    let (config, lines) = logged(to(&receiver).set(ph_config_set_max_retries, PH_NEVER));
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(20_000), PH_ERROR_LOST);
    let lines = lines.all();
    assert!(lines.iter().any(|line| line.contains("issuer is not trusted")), "{lines:?}");
    assert_eq!(receiver.counts().requests, 0);
}

#[test]
fn a_server_that_speaks_no_tls_is_refused() {
    let receiver = Receiver::start();
    let config = Config::new(KEY).host(&receiver.url().replace("http:", "https:"));
    let client = config.set(ph_config_set_max_retries, PH_NEVER).client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(20_000), PH_ERROR_LOST);
    assert_eq!(receiver.counts().accepted, 0);
}

#[test]
fn a_file_without_good_certificates_makes_no_client() {
    let authority = Authority::new();
    let half = authority.pem().replace("-----END CERTIFICATE-----", "");
    let noise = authority.pem().lines().next().unwrap().to_owned()
        + "\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    let files = ["", "not a certificate", &half, &noise].map(CaFile::with);
    let missing = "/nowhere/ca.pem";
    for path in files.iter().map(CaFile::path).chain([missing]) {
        let (config, lines) = logged(Config::new(KEY).text(ph_config_set_ca_file, path));
        let mut raw = ptr::null_mut();
        assert_eq!(ph_init(config.raw(), &raw mut raw), PH_ERROR_FILE, "{path}");
        assert!(raw.is_null());
        let lines = lines.all();
        assert!(lines.iter().any(|line| line.contains(path)), "{lines:?}");
    }
}
