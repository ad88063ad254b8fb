//! One connection's bytes, both ways, and the two ways to end it.
//!
//! Everything above reads and writes through [`Wire`] only, so TLS has its place here: a session
//! between [`Socket`] and the buffered reader. Resetting is a matter of the socket beneath.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{HandshakeKind, ServerConnection, StreamOwned};

use crate::authority::Identity;
use crate::head::Length;

const MAX_HEAD: u64 = 64 * 1024;
/// Large, because the sink is measured in hundreds of megabytes a second.
const BUFFER: usize = 256 * 1024;
/// How long a close waits for the peer's own close.
const LINGER: Duration = Duration::from_secs(2);

pub(crate) struct Wire {
    socket: Arc<TcpStream>,
    reader: BufReader<Stream>,
}

enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ServerConnection, Socket>>),
}

/// Shared with the receiver, which shuts it down at its stop. Never duplicated: a second
/// descriptor would keep the connection open and a reset from leaving.
struct Socket(Arc<TcpStream>);

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.read(buffer),
            // Without a farewell, too, the end is the end: clients come and go.
            Stream::Tls(stream) => match stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            },
        }
    }
}

impl Wire {
    pub fn new(socket: Arc<TcpStream>, identity: Option<&Identity>) -> Wire {
        // Answers go out in pieces on purpose; Nagle's algorithm would glue them together.
        let _ = socket.set_nodelay(true);
        let plain = Socket(socket.clone());
        let session = identity.map(|identity| ServerConnection::new(identity.0.clone()));
        let stream = match session {
            Some(session) => {
                let session = session.expect("an identity makes a session");
                Stream::Tls(Box::new(StreamOwned::new(session, plain)))
            }
            None => Stream::Plain(plain),
        };
        Wire { socket, reader: BufReader::with_capacity(BUFFER, stream) }
    }

    /// The bytes of a head up to its empty line; `None` when the peer closed between requests.
    pub fn read_head(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut head = Vec::new();
        loop {
            let room = MAX_HEAD - head.len() as u64;
            let got = self.reader.by_ref().take(room).read_until(b'\n', &mut head)?;
            if got == 0 && head.is_empty() {
                return Ok(None);
            }
            if head.len() as u64 == MAX_HEAD {
                return Err(Error::new(ErrorKind::InvalidData, "no end to the head"));
            }
            if got == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if head.ends_with(b"\r\n\r\n") {
                return Ok(Some(head));
            }
        }
    }

    /// Whether a TLS handshake went on with an earlier session. Known once something was read.
    pub fn is_resumed(&self) -> bool {
        match self.reader.get_ref() {
            Stream::Plain(_) => false,
            Stream::Tls(stream) => stream.conn.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    pub fn read_body(&mut self, length: Length) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        self.body(length, |reader, size| {
            let got = reader.take(size).read_to_end(&mut body)?;
            if (got as u64) < size { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
        })?;
        Ok(body)
    }

    /// Reads past a body without keeping it; returns its length.
    pub fn skip_body(&mut self, length: Length) -> io::Result<u64> {
        self.body(length, |reader, mut left| {
            while left > 0 {
                let got = reader.fill_buf()?.len().min(usize::try_from(left).unwrap_or(BUFFER));
                if got == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                reader.consume(got);
                left -= got as u64;
            }
            Ok(())
        })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.reader.get_mut() {
            Stream::Plain(socket) => socket.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Whether the peer has closed or reset, seen without taking anything from the stream.
    pub fn peer_is_gone(&self) -> bool {
        let socket = &self.socket;
        if !self.reader.buffer().is_empty() || socket.set_nonblocking(true).is_err() {
            return false;
        }
        let peeked = socket.peek(&mut [0]);
        let restored = socket.set_nonblocking(false);
        match peeked {
            Ok(length) => length == 0 || restored.is_err(),
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    /// Ends with an RST instead of a FIN.
    pub fn reset(self) {
        let _ = socket2::SockRef::from(&*self.socket).set_linger(Some(Duration::ZERO));
    }

    /// Ends with a FIN. Closing while bytes are unread would make it an RST, so those are read.
    pub fn close(mut self) {
        if let Stream::Tls(stream) = self.reader.get_mut() {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = self.socket.set_read_timeout(Some(LINGER));
        while let Ok(1..) = self.reader.fill_buf().map(<[u8]>::len) {
            let length = self.reader.buffer().len();
            self.reader.consume(length);
        }
    }

    /// Hands the body to `take` run by run: the reader, and how many bytes of it are body.
    fn body(
        &mut self,
        length: Length,
        mut take: impl FnMut(&mut BufReader<Stream>, u64) -> io::Result<()>,
    ) -> io::Result<u64> {
        if let Length::Fixed(size) = length {
            return take(&mut self.reader, size).map(|()| size);
        }
        let mut total = 0;
        loop {
            let size = self.chunk_size()?;
            if size == 0 {
                while !self.line()?.is_empty() {} // trailers
                return Ok(total);
            }
            take(&mut self.reader, size)?;
            total += size;
            if !self.line()?.is_empty() {
                return Err(Error::new(ErrorKind::InvalidData, "a chunk runs over its size"));
            }
        }
    }

    fn chunk_size(&mut self) -> io::Result<u64> {
        let line = self.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        u64::from_str_radix(digits, 16).map_err(|e| Error::new(ErrorKind::InvalidData, e))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.reader.by_ref().take(MAX_HEAD).read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(text) => Ok(text.to_owned()),
            None => Err(Error::new(ErrorKind::InvalidData, "a line does not end in CRLF")),
        }
    }
}
