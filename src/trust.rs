//! Whom TLS trusts: the roots that the operating system does, bundled ones where it names none,
//! or those of a file.

use once_cell::race::OnceBox;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// Read once in a process: it takes a fiftieth of a second.
static SYSTEM: OnceBox<Arc<RootCertStore>> = OnceBox::new();

/// The roots of a client.
#[derive(Clone)]
pub enum Trust {
    System,
    File(Arc<RootCertStore>),
}

impl Trust {
    /// The roots of a PEM file, or why it has none.
    pub fn of_file(path: &str) -> Result<Trust, String> {
        let pem = std::fs::read(path).map_err(|error| error.to_string())?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        if roots.is_empty() {
            return Err("it has no certificate in the PEM format".to_owned());
        }
        Ok(Trust::File(Arc::new(roots)))
    }

    fn roots(&self) -> Arc<RootCertStore> {
        match self {
            Trust::System => Arc::clone(SYSTEM.get_or_init(|| Box::new(Arc::new(system())))),
            Trust::File(roots) => Arc::clone(roots),
        }
    }

    /// What sessions are made from, with a memory of its own for those to come.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider);
        let trusting = versions.with_safe_default_protocol_versions()?;
        Ok(Arc::new(trusting.with_root_certificates(self.roots()).with_no_client_auth()))
    }
}

fn system() -> RootCertStore {
    or_bundled(rustls_native_certs::load_native_certs().certs)
}

/// Those that can be read, or bundled ones if there are none: in a container without certificates.
fn or_bundled(certificates: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;
    use posthog_receiver::Authority;

    #[test]
    fn bundled_roots_stand_in_for_a_system_without_any() {
        let bundled = webpki_roots::TLS_SERVER_ROOTS.len();
        assert!(bundled > 50);
        let broken = CertificateDer::from(vec![1, 2, 3]);
        for nothing in [Vec::new(), vec![broken.clone()]] {
            assert_eq!(or_bundled(nothing).len(), bundled);
        }
        let own = CertificateDer::from_pem_slice(Authority::new().pem().as_bytes()).unwrap();
        assert_eq!(or_bundled(vec![broken, own]).len(), 1);
    }
}
