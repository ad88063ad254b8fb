//! An address that swallows connection attempts.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Long for loopback, where an answer takes microseconds.
const SILENCE: Duration = Duration::from_millis(250);
const MOST: usize = 64;

/// A listener that never accepts and whose queue of waiting connections is full. On Linux the
/// SYN of a further connection is dropped then, so `connect` gets neither an answer nor an error:
/// what a firewall that drops packets looks like, without leaving the machine.
pub struct BlackHole {
    addr: SocketAddr,
    _listener: Socket,
    _filling: Vec<TcpStream>,
}

impl BlackHole {
    /// # Panics
    /// If the queue cannot be filled, which would make the tests that need it meaningless.
    pub fn start() -> BlackHole {
        BlackHole::fill().expect("a listener whose queue fills up")
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`, without a closing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    fn fill() -> io::Result<BlackHole> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        listener.listen(0)?;
        let addr = listener.local_addr()?.as_socket().ok_or(ErrorKind::AddrNotAvailable)?;
        let mut filling = Vec::new();
        while filling.len() < MOST {
            match TcpStream::connect_timeout(&addr, SILENCE) {
                Ok(stream) => filling.push(stream),
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    return Ok(BlackHole { addr, _listener: listener, _filling: filling });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("the queue does not fill up"))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn connecting_gets_no_answer() {
        let hole = BlackHole::start();
        let error = TcpStream::connect_timeout(&hole.addr(), Duration::from_millis(300));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
