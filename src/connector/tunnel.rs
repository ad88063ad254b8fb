//! A tunnel through a proxy: what is sent through it the proxy passes on unseen.
//!
//! ureq's own waits for the proxy's answer anew after each byte of it, and reads `NO_PROXY`
//! without networks.

use super::patience::Patience;
use crate::proxy::Proxy;
use std::fmt;
use std::sync::Arc;
use ureq::Error;
use ureq::http::Uri;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport,
};

/// A proxy has no reason for a longer head.
const HEAD_MAX: usize = 16 << 10;

/// Asks the proxy, if there is one, for a tunnel to the host of the request.
#[derive(Debug)]
pub struct Tunnel {
    pub proxy: Option<Arc<Proxy>>,
}

/// Why there is no tunnel.
#[derive(Debug)]
pub enum NoTunnel {
    /// The status that the proxy answered with.
    Refused(u16),
    Unreadable,
}

impl fmt::Display for NoTunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoTunnel::Refused(407) => {
                f.write_str("the proxy wants other credentials (407): user and password in its URL")
            }
            NoTunnel::Refused(status) => write!(f, "the proxy refused to connect ({status})"),
            NoTunnel::Unreadable => f.write_str("the proxy did not answer as one"),
        }
    }
}

impl std::error::Error for NoTunnel {}

impl From<NoTunnel> for Error {
    fn from(why: NoTunnel) -> Error {
        Error::Other(Box::new(why))
    }
}

impl<In: Transport> Connector<In> for Tunnel {
    type Out = Either<In, Tunnelled<In>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(mut transport) = chained else { return Ok(None) };
        let Some(proxy) = &self.proxy else { return Ok(Some(Either::A(transport))) };
        let patience = Patience::of(details);
        send(&mut transport, &request(proxy, details.uri)?, &patience)?;
        match status(&mut transport, &patience)? {
            200..=299 => Ok(Some(Either::B(Tunnelled(transport)))),
            status => Err(NoTunnel::Refused(status).into()),
        }
    }
}

fn request(proxy: &Proxy, uri: &Uri) -> Result<String, Error> {
    let host = uri.host().ok_or(Error::HostNotFound)?;
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request += &format!("Proxy-Authorization: {authorization}\r\n");
    }
    Ok(request + "\r\n")
}

fn send(transport: &mut impl Transport, text: &str, patience: &Patience) -> Result<(), Error> {
    let mut left = text.as_bytes();
    while !left.is_empty() {
        let room = transport.buffers().output();
        let amount = room.len().min(left.len());
        room[..amount].copy_from_slice(&left[..amount]);
        transport.transmit_output(amount, patience.next()?)?;
        left = &left[amount..];
    }
    Ok(())
}

/// The status of the proxy's answer. What follows its head is not the proxy's any more.
fn status(transport: &mut impl Transport, patience: &Patience) -> Result<u16, Error> {
    loop {
        let input = transport.buffers().input();
        if let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") {
            let line = input.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
            let status = line.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            transport.buffers().input_consume(end + 4);
            return status.ok_or_else(|| NoTunnel::Unreadable.into());
        }
        if input.len() > HEAD_MAX || !transport.await_input(patience.next()?)? {
            return Err(NoTunnel::Unreadable.into());
        }
    }
}

/// A connection through a proxy. Whatever protects the way to the proxy, it is not yet TLS with
/// the host of the request.
#[derive(Debug)]
pub struct Tunnelled<In: Transport>(In);

impl<In: Transport> Transport for Tunnelled<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        false
    }
}
