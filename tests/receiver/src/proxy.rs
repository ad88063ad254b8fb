//! A proxy that makes tunnels to receivers.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use crate::authority::Identity;
use crate::stop::Stop;

const HEAD_MAX: usize = 16 * 1024;
const ANSWER: &[u8] = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n";
const DENIED: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
    Proxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n";

/// How long one direction of a TLS tunnel is waited for while the other may have something.
const TURN: Duration = Duration::from_millis(2);

/// How a proxy behaves.
#[derive(Clone, Default, Debug)]
pub struct ProxyOptions {
    /// Denies whoever does not send this as `Proxy-Authorization`.
    pub authorization: Option<String>,
    /// Where every tunnel leads, whatever host is asked for; without it, to that host.
    pub target: Option<SocketAddr>,
    /// Sends its answer a byte at a time, with this long in between; zero does not drip.
    pub drip: Duration,
    /// Answers nothing at all.
    pub hangs: bool,
    /// Speaks TLS, as this.
    pub identity: Option<Identity>,
}

/// A running proxy. It stops when it is dropped.
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    options: ProxyOptions,
    heads: Mutex<Vec<String>>,
    /// Both ends of every tunnel, to shut down at the stop.
    open: Mutex<Vec<TcpStream>>,
    stop: Stop,
}

impl Proxy {
    /// # Panics
    /// If no socket can be had; a test cannot go on without one.
    pub fn start(options: ProxyOptions) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (heads, open) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { options, heads, open, stop: Stop::default() });
        let acceptor = thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Proxy { addr, shared, acceptor: Some(acceptor) }
    }

    /// `127.0.0.1:PORT`.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The heads of the requests that came, whatever became of them.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.set();
        for socket in self.shared.open().iter() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        // The acceptor sees the stop when it has accepted once more.
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn heads(&self) -> MutexGuard<'_, Vec<String>> {
        self.heads.lock().expect("no thread panics while it holds the heads")
    }

    fn open(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().expect("no thread panics while it holds the sockets")
    }

    /// Remembers a socket for the stop; false if that has come.
    fn keep(&self, socket: &TcpStream) -> io::Result<bool> {
        let mut open = self.open();
        open.push(socket.try_clone()?);
        Ok(!self.stop.is_set())
    }

    fn serve(&self, mut socket: TcpStream) -> io::Result<()> {
        if !self.keep(&socket)? {
            return Ok(());
        }
        let Some(identity) = &self.options.identity else {
            let target = self.open_tunnel(&mut socket)?;
            return target.map_or(Ok(()), |target| tunnel(socket, target));
        };
        let session = ServerConnection::new(identity.0.clone()).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, socket);
        let target = self.open_tunnel(&mut stream)?;
        target.map_or(Ok(()), |target| tls_tunnel(stream, target))
    }

    /// The other end of the tunnel that a client asks for, once it has its answer; `None` if there
    /// is to be none.
    fn open_tunnel(&self, client: &mut (impl Read + Write)) -> io::Result<Option<TcpStream>> {
        let head = read_head(client)?;
        self.heads().push(head.clone());
        if self.options.hangs {
            self.stop.wait();
            return Ok(None);
        }
        let wanted = self.options.authorization.as_ref();
        let lines: Vec<_> = head.lines().collect();
        if wanted.is_some_and(|it| !lines.contains(&&*format!("Proxy-Authorization: {it}"))) {
            return client.write_all(DENIED).and_then(|()| client.flush()).map(|()| None);
        }
        let target = match self.options.target {
            Some(target) => TcpStream::connect(target)?,
            None => TcpStream::connect(head.split(' ').nth(1).unwrap_or_default())?,
        };
        if !self.keep(&target)? {
            return Ok(None);
        }
        let step = if self.options.drip.is_zero() { ANSWER.len() } else { 1 };
        for piece in ANSWER.chunks(step) {
            client.write_all(piece)?;
            client.flush()?;
            self.stop.sleep(self.options.drip);
        }
        Ok(Some(target))
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept() {
        if shared.stop.is_set() {
            return;
        }
        let shared = shared.clone();
        // Whoever goes away ends its tunnel, which is nobody's error.
        thread::spawn(move || drop(shared.serve(socket)));
    }
}

fn read_head(client: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_MAX {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn tunnel(client: TcpStream, target: TcpStream) -> io::Result<()> {
    let (mut from_target, mut to_client) = (target.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_target, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut &client, &mut &target);
    let _ = target.shutdown(Shutdown::Write);
    let _ = back.join();
    Ok(())
}

/// The same where a session cannot be shared by two threads: each direction has its turn.
fn tls_tunnel(
    mut client: StreamOwned<ServerConnection, TcpStream>,
    mut target: TcpStream,
) -> io::Result<()> {
    client.sock.set_read_timeout(Some(TURN))?;
    target.set_read_timeout(Some(TURN))?;
    while pass_on(&mut client, &mut target)? && pass_on(&mut target, &mut client)? {}
    client.conn.send_close_notify();
    let _ = client.flush();
    let _ = client.sock.shutdown(Shutdown::Write);
    target.shutdown(Shutdown::Write)
}

/// Passes on what is there; false at the end.
fn pass_on(from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    let mut piece = [0; 16 * 1024];
    match from.read(&mut piece) {
        Ok(0) => Ok(false),
        Ok(amount) => to.write_all(&piece[..amount]).and_then(|()| to.flush()).map(|()| true),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(true)
        }
        Err(error) => Err(error),
    }
}
