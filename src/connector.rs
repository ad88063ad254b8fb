//! How a request comes by its connection: name resolution, TCP that `Agent::shutdown` can
//! interrupt, a tunnel through a proxy, TLS. Each step leaves alone what does not concern it.
//!
//! ureq's own steps cannot be interrupted before they are connected, resolve names although a
//! connection is kept, and have more than one deadline between them.

mod connection;
mod patience;
#[cfg(feature = "tls")]
mod tls;
mod tunnel;

use crate::proxy::Proxy;
use crate::resolver::Lookup;
use crate::sys::connect::connect;
use connection::Connection;
use patience::Patience;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, Weak};
use std::time::Instant;
#[cfg(feature = "tls")]
use tls::{Peer, Tls};
use tunnel::Tunnel;
use ureq::Error;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, Either, LazyBuffers, ShutdownHandle, Transport,
};

#[cfg(feature = "tls")]
pub use tls::{Refusal, Sessions};
pub use tunnel::NoTunnel;

/// The connector of one agent.
pub fn connector(
    lookup: impl Lookup,
    proxy: Option<Arc<Proxy>>,
    #[cfg(feature = "tls")] sessions: Arc<Sessions>,
) -> impl Connector<()> {
    #[cfg(feature = "tls")]
    let to_proxy = match &proxy {
        Some(proxy) if proxy.is_tls => Peer::Proxy(proxy.host.clone()),
        _ => Peer::Nobody,
    };
    let chain = ().chain(Tcp {
        lookup,
        via: proxy.as_ref().map(|proxy| proxy.authority.clone()),
        stop: Arc::default(),
        registered: Once::new(),
    });
    #[cfg(feature = "tls")]
    let chain = chain.chain(Tls { with: to_proxy, sessions: Arc::clone(&sessions) });
    let chain = chain.chain(Tunnel { proxy });
    #[cfg(feature = "tls")]
    let chain = chain.chain(Tls { with: Peer::Host, sessions });
    chain
}

/// Opens TCP connections, for as long as its agent is not shut down.
#[derive(Debug)]
struct Tcp<L> {
    lookup: L,
    /// `host:port` of a proxy, in place of the request's.
    via: Option<String>,
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

impl<L: Lookup> Tcp<L> {
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

    /// `host:port` of whom to connect to.
    fn peer(&self, details: &ConnectionDetails<'_>) -> Option<String> {
        let own = || {
            let (scheme, authority) = details.uri.scheme().zip(details.uri.authority())?;
            DefaultResolver::host_and_port(scheme, authority)
        };
        self.via.clone().or_else(own)
    }

    /// Tries one address after the other. Those that remain share the remaining time evenly.
    fn open(&self, addresses: &[SocketAddr], patience: &Patience) -> Result<TcpStream, Error> {
        let stopped = &self.stop.0;
        let mut last = ErrorKind::AddrNotAvailable.into();
        for (index, address) in addresses.iter().enumerate() {
            let share = patience.left()?.map(|left| left / (addresses.len() - index) as u32);
            let deadline = share.and_then(|share| Instant::now().checked_add(share));
            match connect(address, deadline, stopped) {
                Ok(stream) => return Ok(stream),
                Err(error) if stopped.load(Ordering::Acquire) => return Err(error.into()),
                Err(error) => last = error,
            }
        }
        Err(patience.judge(last))
    }
}

impl<In: Transport, L: Lookup> Connector<In> for Tcp<L> {
    type Out = Either<In, Connection>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(transport) = chained {
            return Ok(Some(Either::A(transport)));
        }
        self.register(details);
        let patience = Patience::of(details);
        let peer = self.peer(details).ok_or(Error::HostNotFound)?;
        let addresses = self.lookup.addresses(&peer, patience.next()?)?;
        let stream = self.open(&addresses, &patience)?;
        let config = details.config;
        stream.set_nodelay(config.no_delay())?;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        let connection = Connection::new(stream, buffers);
        let handle: Weak<TcpStream> = Arc::downgrade(&connection.stream);
        (details.register_shutdown)(handle)?;
        Ok(Some(Either::B(connection)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolver::Later;
    use posthog_receiver::{At, Receiver, Reply, Script};
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::atomic::AtomicUsize;
    use std::thread;
    use std::time::Duration;
    use ureq::unversioned::transport::NextTimeout;
    use ureq::{Agent, Timeout};

    const PLENTY: Duration = Duration::from_secs(20);

    /// Every name has the same addresses.
    #[derive(Debug)]
    struct Addresses(Vec<SocketAddr>, Arc<AtomicUsize>);

    impl Lookup for Addresses {
        fn addresses(&self, _: &str, _: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(self.0.clone())
        }
    }

    fn agent(addresses: &[SocketAddr], connect: Duration, global: Duration) -> Agent {
        counting(addresses, connect, global).0
    }

    /// An agent, and how often it has looked its host up.
    fn counting(
        addresses: &[SocketAddr],
        connect: Duration,
        global: Duration,
    ) -> (Agent, Arc<AtomicUsize>) {
        let lookups = Arc::new(AtomicUsize::new(0));
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_connect(Some(connect))
            .timeout_global(Some(global))
            .build();
        let connector = connector(
            Addresses(addresses.to_vec(), Arc::clone(&lookups)),
            None,
            #[cfg(feature = "tls")]
            Sessions::new(crate::trust::Trust::System),
        );
        (Agent::with_parts(config, connector, Later), lookups)
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
    fn a_name_is_looked_up_for_each_connection_and_not_for_each_request() {
        let receiver = Receiver::start();
        let close = Reply::usual().header("Connection", "close");
        receiver.set_script(Script::new().every(3, "/", close));
        let (agent, lookups) = counting(&[receiver.addr()], PLENTY, PLENTY);
        for _ in 0..6 {
            post(&agent).unwrap();
        }
        assert_eq!((receiver.connections(), lookups.load(Ordering::Relaxed)), (2, 2));
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
