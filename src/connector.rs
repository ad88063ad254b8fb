//! How a request comes by its connection: ureq's own chain, but for TCP a connector that
//! `Agent::shutdown` can interrupt.
//!
//! ureq's cannot be: a shutdown reaches its sockets only once they are connected.

use crate::sys::connect::connect;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, Weak};
use std::time::{Duration, Instant};
#[cfg(feature = "tls")]
use ureq::unversioned::transport::RustlsConnector;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout,
    ShutdownHandle, Transport,
};
use ureq::{Error, Timeout};

/// The connector of one agent.
pub fn connector() -> impl Connector<()> {
    let tcp = Tcp { stop: Arc::default(), registered: Once::new() };
    let chain = ().chain(ConnectProxyConnector::default()).chain(tcp);
    #[cfg(feature = "tls")]
    let chain = chain.chain(RustlsConnector::default());
    chain
}

/// Opens TCP connections, for as long as its agent is not shut down.
#[derive(Debug)]
struct Tcp {
    stop: Arc<Stop>,
    registered: Once,
}

#[derive(Default, Debug)]
struct Stop(AtomicBool);

impl ShutdownHandle for Stop {
    fn shutdown(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Tcp {
    /// Lets the agent know what to stop. Whoever comes while another thread does so waits: an
    /// attempt that the agent does not know of could not be stopped.
    fn register(&self, details: &ConnectionDetails<'_>) {
        self.registered.call_once(|| {
            let handle: Weak<Stop> = Arc::downgrade(&self.stop);
            if (details.register_shutdown)(handle).is_err() {
                self.stop.shutdown();
            }
        });
    }

    /// Tries one address after the other. Those that remain share the remaining time evenly.
    fn open(&self, addresses: &[SocketAddr], patience: &Patience) -> Result<TcpStream, Error> {
        let stopped = &self.stop.0;
        let mut last = ErrorKind::AddrNotAvailable.into();
        for (index, address) in addresses.iter().enumerate() {
            let share = patience.left()?.map(|left| left / (addresses.len() - index) as u32);
            match connect(address, share.and_then(from_now), stopped) {
                Ok(stream) => return Ok(stream),
                Err(error) if stopped.load(Ordering::Acquire) => return Err(error.into()),
                Err(error) => last = error,
            }
        }
        Err(patience.judge(last))
    }
}

impl<In: Transport> Connector<In> for Tcp {
    type Out = Either<In, Connection>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        // A proxy's connection, which was opened by another pass through the chain.
        if let Some(transport) = chained {
            return Ok(Some(Either::A(transport)));
        }
        self.register(details);
        let stream = self.open(&details.addrs, &Patience::new(details.timeout))?;
        let config = details.config;
        stream.set_nodelay(config.no_delay())?;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        let connection = Connection::new(stream, buffers);
        let handle: Weak<TcpStream> = Arc::downgrade(&connection.stream);
        (details.register_shutdown)(handle)?;
        Ok(Some(Either::B(connection)))
    }
}

/// How long something may take, and what it is called when it takes longer.
struct Patience {
    deadline: Option<Instant>,
    reason: Timeout,
}

impl Patience {
    fn new(timeout: NextTimeout) -> Patience {
        let forever = timeout.after.is_not_happening();
        let deadline = if forever { None } else { from_now(*timeout.after) };
        Patience { deadline, reason: timeout.reason }
    }

    /// Never zero. `None` is for ever.
    fn left(&self) -> Result<Option<Duration>, Error> {
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Error::Timeout(self.reason));
        }
        Ok(left)
    }

    /// A time-out is `WouldBlock` to some systems and `TimedOut` to others.
    fn judge(&self, error: io::Error) -> Error {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(self.reason),
            _ => error.into(),
        }
    }
}

/// `None` if it is further away than the clock goes.
fn from_now(duration: Duration) -> Option<Instant> {
    Instant::now().checked_add(duration)
}

/// A connection to one peer, kept from one request to the next.
struct Connection {
    /// Shared with the agent, which shuts it down from another thread.
    stream: Arc<TcpStream>,
    buffers: LazyBuffers,
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

impl Connection {
    fn new(stream: TcpStream, buffers: LazyBuffers) -> Connection {
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
    use posthog_receiver::{At, Receiver, Reply, Script};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;
    use ureq::Agent;
    use ureq::config::Config;
    use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};

    const PLENTY: Duration = Duration::from_secs(20);

    /// Every name has the same addresses.
    #[derive(Debug)]
    struct Addresses(Vec<SocketAddr>);

    impl Resolver for Addresses {
        fn resolve(
            &self,
            _: &ureq::http::Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, Error> {
            let mut addresses = self.empty();
            self.0.iter().for_each(|address| addresses.push(*address));
            Ok(addresses)
        }
    }

    fn agent(addresses: &[SocketAddr], connect: Duration, global: Duration) -> Agent {
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_connect(Some(connect))
            .timeout_global(Some(global))
            .build();
        Agent::with_parts(config, connector(), Addresses(addresses.to_vec()))
    }

    fn post(agent: &Agent) -> Result<String, Error> {
        let mut response = agent
            .post("http://posthog.invalid/flags/?v=2")
            .send(r#"{"api_key": "phc_x", "distinct_id": "u"}"#)?;
        assert_eq!(response.status(), 200);
        response.body_mut().read_to_string()
    }

    fn nobody() -> SocketAddr {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
    }

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

    /// Shuts an agent down while it waits in a request, and returns what that one says.
    fn shut_down_while_it_waits(agent: Agent, waits: impl FnOnce()) -> Error {
        thread::scope(|scope| {
            let request = scope.spawn(|| post(&agent));
            waits();
            assert!(!request.is_finished());
            let before = Instant::now();
            agent.clone().shutdown();
            let error = request.join().unwrap().unwrap_err();
            assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
            let later = post(&agent).unwrap_err();
            assert!(matches!(later, Error::Io(_)), "{later:?}");
            error
        })
    }

    #[test]
    fn requests_are_answered_on_one_connection() {
        let receiver = Receiver::start();
        let agent = agent(&[receiver.addr()], PLENTY, PLENTY);
        for _ in 0..3 {
            let answer = post(&agent).unwrap();
            assert!(answer.contains("new-checkout"), "{answer}");
        }
        assert_eq!((receiver.connections(), receiver.counts().requests), (1, 3));
    }

    #[test]
    fn a_refusal_is_told_unless_another_address_answers() {
        let receiver = Receiver::start();
        let refused = post(&agent(&[nobody(), nobody()], PLENTY, PLENTY)).unwrap_err();
        let kind = if let Error::Io(error) = &refused { Some(error.kind()) } else { None };
        assert_eq!(kind, Some(ErrorKind::ConnectionRefused), "{refused:?}");
        post(&agent(&[nobody(), nobody(), receiver.addr()], PLENTY, PLENTY)).unwrap();
        assert!(post(&agent(&[], PLENTY, PLENTY)).is_err());
    }

    #[test]
    fn a_server_that_hangs_is_a_time_out() {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/", Reply::usual().hang(At::Body)));
        let agent = agent(&[receiver.addr()], PLENTY, Duration::from_millis(300));
        let error = post(&agent).unwrap_err();
        assert!(matches!(error, Error::Timeout(Timeout::Global)), "{error:?}");
    }

    #[test]
    fn a_shutdown_ends_a_read() {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/", Reply::usual().hang(At::Body)));
        let agent = agent(&[receiver.addr()], PLENTY, PLENTY);
        shut_down_while_it_waits(agent, || assert!(receiver.wait_for_requests(1, PLENTY)));
        assert_eq!(receiver.connections(), 1);
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

    #[cfg(target_os = "linux")]
    mod without_an_answer {
        use super::*;
        use posthog_receiver::BlackHole;

        #[test]
        fn the_deadline_ends_connecting() {
            let hole = BlackHole::start();
            let agent = agent(&[hole.addr()], Duration::from_millis(300), PLENTY);
            let error = post(&agent).unwrap_err();
            assert!(matches!(error, Error::Timeout(Timeout::Connect)), "{error:?}");
        }

        #[test]
        fn the_next_address_has_its_turn() {
            let (hole, receiver) = (BlackHole::start(), Receiver::start());
            let addresses = [hole.addr(), receiver.addr()];
            post(&agent(&addresses, Duration::from_secs(2), PLENTY)).unwrap();
        }

        #[test]
        fn a_shutdown_ends_connecting() {
            let (hole, receiver) = (BlackHole::start(), Receiver::start());
            // The second address is not tried any more.
            let agent = agent(&[hole.addr(), receiver.addr()], PLENTY, PLENTY);
            let error =
                shut_down_while_it_waits(agent, || thread::sleep(Duration::from_millis(100)));
            let kind = if let Error::Io(error) = &error { Some(error.kind()) } else { None };
            assert_eq!(kind, Some(ErrorKind::ConnectionAborted), "{error:?}");
            assert_eq!(receiver.connections(), 0);
        }
    }
}
