//! TLS with rustls.
//!
//! The crypto provider is handed over explicitly: a process-wide one is the host's to choose.
//! ureq's own connector reads all roots anew for each connection whose request has a time-out of
//! its own, and forgets the session with them.

use super::patience::Patience;
use crate::trust::Trust;
use once_cell::race::OnceBox;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, StreamOwned};
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

/// With whom.
pub enum Peer {
    /// The proxy of that name.
    Proxy(String),
    /// The host of the request, if its scheme asks for it.
    Host,
    Nobody,
}

/// What TLS sessions are made from: the roots, and what earlier sessions left to go on with.
pub struct Sessions {
    trust: Trust,
    config: OnceBox<Arc<ClientConfig>>,
}

impl Sessions {
    pub fn new(trust: Trust) -> Arc<Sessions> {
        Arc::new(Sessions { trust, config: OnceBox::new() })
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        let make = || self.trust.client_config().map(Box::new);
        self.config.get_or_try_init(make).cloned().map_err(refusal)
    }
}

/// Makes a connection a TLS connection.
pub struct Tls {
    pub with: Peer,
    pub sessions: Arc<Sessions>,
}

impl Tls {
    fn peer<'a>(&'a self, details: &'a ConnectionDetails<'_>) -> Option<&'a str> {
        match &self.with {
            Peer::Proxy(name) => Some(name),
            Peer::Host if details.needs_tls() => details.uri.host(),
            Peer::Host | Peer::Nobody => None,
        }
    }
}

impl<In: Transport> Connector<In> for Tls {
    type Out = Either<In, Secured>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Ok(None) };
        let Some(peer) = self.peer(details) else { return Ok(Some(Either::A(transport))) };
        let bare = peer.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|error| Error::Other(Box::new(Refusal(format!("{peer}: {error}")))))?;
        let session = ClientConnection::new(self.sessions.config()?, name).map_err(refusal)?;
        let boxed: Box<dyn Transport> = Box::new(transport);
        let mut sock = TransportAdapter::new(boxed, details.current_time.clone());
        sock.set_timeout(Patience::of(details).next()?);
        let mut stream = StreamOwned::new(session, sock);
        // Until it is known who is at the other end nothing of the request is sent.
        stream.conn.complete_io(&mut stream.sock).map_err(judge)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Either::B(Secured { buffers, stream })))
    }
}

/// Why there is no session: the other end is not who it should be, or no TLS can be agreed on.
#[derive(Debug)]
pub struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no TLS: {}", self.0)
    }
}

impl std::error::Error for Refusal {}

fn refusal(error: rustls::Error) -> Error {
    let text = match &error {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer => {
                "the certificate's issuer is not trusted (ph_config_set_ca_file)".to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired, or the clock is wrong".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet, or the clock is wrong".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another host".to_owned()
            }
            other => format!("the certificate is refused: {other}"),
        },
        other => other.to_string(),
    };
    Error::Other(Box::new(Refusal(text)))
}

/// What rustls says arrives inside an I/O error.
fn judge(error: io::Error) -> Error {
    match error.downcast::<rustls::Error>() {
        Ok(error) => refusal(error),
        Err(error) => error.into(),
    }
}

/// A connection inside a TLS session.
pub struct Secured {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for Secured {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount]).map_err(judge)?;
        // What the stream could not send it keeps for the next call, and says so only then.
        self.stream.flush().map_err(judge)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf()).map_err(judge)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secured").field(&self.stream.sock.inner()).finish()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
