//! A TCP connection, as ureq wants it.

use super::patience::Patience;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use ureq::Error;
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};

/// A connection to one peer, kept from one request to the next.
pub struct Connection {
    /// Shared with the agent, which shuts it down from another thread.
    pub stream: Arc<TcpStream>,
    buffers: LazyBuffers,
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

impl Connection {
    pub fn new(stream: TcpStream, buffers: LazyBuffers) -> Connection {
        Connection { stream: Arc::new(stream), buffers, read_limit: None, write_limit: None }
    }

    fn read(&mut self, limit: Option<Duration>) -> io::Result<usize> {
        update(&mut self.read_limit, limit, |limit| self.stream.set_read_timeout(limit))?;
        self.stream.as_ref().read(self.buffers.input_append_buf())
    }

    /// Sends some of a part of the output.
    fn write(&mut self, from: usize, to: usize, limit: Option<Duration>) -> io::Result<usize> {
        update(&mut self.write_limit, limit, |limit| self.stream.set_write_timeout(limit))?;
        match self.stream.as_ref().write(&self.buffers.output()[from..to])? {
            0 => Err(ErrorKind::WriteZero.into()),
            sent => Ok(sent),
        }
    }
}

/// Sets a socket's limit, unless it is what it was.
fn update(
    known: &mut Option<Duration>,
    wanted: Option<Duration>,
    set: impl FnOnce(Option<Duration>) -> io::Result<()>,
) -> io::Result<()> {
    if *known == wanted {
        return Ok(());
    }
    match set(wanted) {
        Ok(()) => *known = wanted,
        // Apple's systems refuse once the peer has closed, although its answer can be read still.
        Err(error) if cfg!(target_vendor = "apple") && error.kind() == ErrorKind::InvalidInput => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let patience = Patience::new(timeout.for_write());
        let mut sent = 0;
        while sent < amount {
            let left = patience.left()?;
            match self.write(sent, amount, left) {
                Ok(more) => sent += more,
                // A signal came: what time is left goes on.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(patience.judge(error)),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let patience = Patience::new(timeout.for_read());
        loop {
            let left = patience.left()?;
            match self.read(left) {
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(patience.judge(error)),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // Between two requests the peer has nothing to say: whatever can be read, be it a byte,
        // the end or an error, is the end of this connection.
        let peeked = self.stream.set_nonblocking(true).and_then(|()| self.stream.peek(&mut [0]));
        let silent = peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        silent && self.stream.set_nonblocking(false).is_ok()
    }
}

/// Without the buffers: they hold what users sent.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.stream).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};
    use ureq::Timeout;

    /// Ours, and the other end.
    fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        (Connection::new(ours, LazyBuffers::new(64, 64 * 1024)), theirs)
    }

    fn within(milliseconds: u64) -> NextTimeout {
        let after = Duration::from_millis(milliseconds).into();
        NextTimeout { after, reason: Timeout::PerCall, ..Default::default() }
    }

    #[test]
    fn a_connection_is_open_while_its_peer_is_silent() {
        let (mut ours, theirs) = pair();
        assert!(ours.is_open() && ours.is_open());
        drop(theirs);
        assert!(!ours.is_open());
        let (mut ours, mut theirs) = pair();
        theirs.write_all(b"x").unwrap();
        assert!(!ours.is_open());
    }

    #[test]
    fn reading_waits_as_long_as_it_may() {
        let (mut ours, mut theirs) = pair();
        for _ in 0..2 {
            let error = ours.await_input(within(50)).unwrap_err();
            assert!(matches!(error, Error::Timeout(Timeout::PerCall)), "{error:?}");
        }
        assert!(ours.is_open());
        assert!(matches!(ours.await_input(within(0)), Err(Error::Timeout(_))));
        theirs.write_all(b"hello").unwrap();
        assert!(ours.await_input(NextTimeout::default()).unwrap());
        assert_eq!(ours.buffers().input(), b"hello");
        drop(theirs);
        assert!(!ours.await_input(within(10_000)).unwrap());
    }

    #[test]
    fn writing_waits_as_long_as_it_may() {
        let (mut ours, mut theirs) = pair();
        ours.buffers().output()[..5].copy_from_slice(b"hello");
        ours.transmit_output(5, within(10_000)).unwrap();
        let mut text = [0; 5];
        theirs.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"hello");
        // Nobody reads: the buffers of the system fill up, a few megabytes.
        let full = (0..10_000).find_map(|_| ours.transmit_output(64 * 1024, within(200)).err());
        assert!(matches!(full, Some(Error::Timeout(Timeout::PerCall))), "{full:?}");
    }
}
