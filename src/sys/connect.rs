//! Connecting over TCP such that another thread can call it off.
//!
//! The standard library waits for an address that does not answer in one system call, which
//! nothing ends early.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Connects until the deadline (`TimedOut`), or until `stopped` is found set (`ConnectionAborted`),
/// which takes a tenth of a second at most. Only on Unix: elsewhere the deadline alone ends it.
pub fn connect(
    address: &SocketAddr,
    deadline: Option<Instant>,
    stopped: &AtomicBool,
) -> io::Result<TcpStream> {
    imp::connect(address, deadline, stopped)
}

fn check(stopped: &AtomicBool) -> io::Result<()> {
    if stopped.load(std::sync::atomic::Ordering::Acquire) {
        return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client has stopped"));
    }
    Ok(())
}

#[cfg(unix)]
mod imp {
    use super::{AtomicBool, Instant, SocketAddr, TcpStream, check, io};
    use socket2::{Domain, Protocol, Socket, Type};
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    /// How often a waiting thread looks whether it is still wanted.
    const SLICE: Duration = Duration::from_millis(100);

    pub fn connect(
        address: &SocketAddr,
        deadline: Option<Instant>,
        stopped: &AtomicBool,
    ) -> io::Result<TcpStream> {
        // Closed on `exec`, and never a source of SIGPIPE: socket2 sees to both.
        let socket = Socket::new(Domain::for_address(*address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        match socket.connect(&(*address).into()) {
            Err(error) if goes_on(&error) => wait(&socket, deadline, stopped)?,
            done => done?,
        }
        socket.set_nonblocking(false)?;
        Ok(socket.into())
    }

    /// After a signal, too, the attempt continues in the background.
    fn goes_on(error: &io::Error) -> bool {
        matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR))
    }

    fn wait(socket: &Socket, deadline: Option<Instant>, stopped: &AtomicBool) -> io::Result<()> {
        loop {
            check(stopped)?;
            let left = deadline.map_or(SLICE, |at| at.saturating_duration_since(Instant::now()));
            if is_settled(socket, left.min(SLICE))? {
                return socket.take_error()?.map_or(Ok(()), Err);
            }
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the address does not answer"));
            }
        }
    }

    /// Whether the attempt has come to an end, good or bad. May return early.
    fn is_settled(socket: &Socket, at_most: Duration) -> io::Result<bool> {
        let mut waiting =
            libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
        // Rounded up: less than a millisecond would be none, and the caller would spin.
        let at_most = at_most.as_micros().div_ceil(1000) as libc::c_int;
        // SAFETY: the array is the one pollfd that this function owns; `socket`, which is borrowed,
        // keeps the descriptor open.
        let found = unsafe { libc::poll(&raw mut waiting, 1, at_most) };
        if found >= 0 {
            return Ok(found > 0);
        }
        let error = io::Error::last_os_error();
        if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) }
    }
}

#[cfg(not(unix))]
mod imp {
    use super::{AtomicBool, Instant, SocketAddr, TcpStream, check, io};

    pub fn connect(
        address: &SocketAddr,
        deadline: Option<Instant>,
        stopped: &AtomicBool,
    ) -> io::Result<TcpStream> {
        check(stopped)?;
        let Some(deadline) = deadline else { return TcpStream::connect(address) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        TcpStream::connect_timeout(address, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    static GO_ON: AtomicBool = AtomicBool::new(false);
    static STOP: AtomicBool = AtomicBool::new(true);

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn nobody() -> SocketAddr {
        listener().1
    }

    fn soon(milliseconds: u64) -> Option<Instant> {
        Some(Instant::now() + Duration::from_millis(milliseconds))
    }

    #[test]
    fn a_connection_is_an_ordinary_blocking_one() {
        let (listener, address) = listener();
        for deadline in [None, soon(10_000)] {
            let mut ours = connect(&address, deadline, &GO_ON).unwrap();
            let (mut theirs, _) = listener.accept().unwrap();
            let reading = std::thread::spawn(move || {
                let mut text = [0; 5];
                ours.read_exact(&mut text).map(|()| text)
            });
            // Would it not block, it would have failed by now.
            std::thread::sleep(Duration::from_millis(50));
            theirs.write_all(b"hello").unwrap();
            assert_eq!(&reading.join().unwrap().unwrap(), b"hello");
        }
    }

    #[test]
    fn a_refusal_is_told() {
        let error = connect(&nobody(), soon(10_000), &GO_ON).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }

    #[cfg(target_os = "linux")]
    mod without_an_answer {
        use super::*;
        use posthog_receiver::BlackHole;
        use std::sync::atomic::Ordering;
        use std::thread;

        #[test]
        fn the_deadline_ends_it() {
            let hole = BlackHole::start();
            let before = Instant::now();
            let error = connect(&hole.addr(), soon(300), &GO_ON).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            let took = before.elapsed();
            assert!(
                took >= Duration::from_millis(300) && took < Duration::from_secs(5),
                "{took:?}"
            );
        }

        #[test]
        fn the_flag_ends_it() {
            let hole = BlackHole::start();
            let stopped = AtomicBool::new(false);
            for deadline in [None, soon(60_000)] {
                stopped.store(false, Ordering::Release);
                thread::scope(|scope| {
                    let attempt = scope.spawn(|| connect(&hole.addr(), deadline, &stopped));
                    thread::sleep(Duration::from_millis(100));
                    assert!(!attempt.is_finished());
                    let before = Instant::now();
                    stopped.store(true, Ordering::Release);
                    let error = attempt.join().unwrap().unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
                    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
                });
            }
        }

        #[test]
        fn a_signal_ends_nothing() {
            extern "C" fn nothing(_: libc::c_int) {}
            let handler = nothing as extern "C" fn(libc::c_int);
            // SAFETY: `sigaction` is integers and a mask, for which zero is a value.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = handler as libc::sighandler_t;
            // SAFETY: the handler does nothing; nobody else here uses the signal.
            let set =
                unsafe { libc::sigaction(libc::SIGURG, &raw const action, std::ptr::null_mut()) };
            assert_eq!(set, 0);

            let hole = BlackHole::start();
            let (told, tell) = std::sync::mpsc::channel();
            thread::scope(|scope| {
                let attempt = scope.spawn(move || {
                    // SAFETY: has no preconditions.
                    told.send(unsafe { libc::pthread_self() }).unwrap();
                    connect(&hole.addr(), soon(500), &GO_ON).unwrap_err().kind()
                });
                let thread = tell.recv().unwrap();
                for _ in 0..10 {
                    thread::sleep(Duration::from_millis(10));
                    // SAFETY: the thread is not joined before the end of the scope.
                    assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGURG) }, 0);
                }
                assert_eq!(attempt.join().unwrap(), ErrorKind::TimedOut);
            });
        }

        #[test]
        fn no_descriptor_is_left_open() {
            let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
            let (hole, (listener, address), nobody) = (BlackHole::start(), listener(), nobody());
            let before = open();
            for _ in 0..500 {
                connect(&hole.addr(), Some(Instant::now()), &GO_ON).unwrap_err();
                connect(&hole.addr(), None, &STOP).unwrap_err();
                connect(&nobody, None, &GO_ON).unwrap_err();
                connect(&address, None, &GO_ON).unwrap();
                listener.accept().unwrap();
            }
            // Other tests open some meanwhile, but not hundreds.
            assert!(open() < before + 300, "{before} descriptors before, {} after", open());
        }
    }
}
