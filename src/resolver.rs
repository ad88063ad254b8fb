//! Name resolution that a deadline can leave behind, with at most one look-up under way.
//!
//! The system's resolver cannot be interrupted: it runs on a thread of its own. One that hangs is
//! waited for by the next request too, rather than joined by another for each attempt.

use crate::sys::thread;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

type Found = Result<Vec<SocketAddr>, String>;

/// A look-up under way. Whoever takes the answer puts it back for the next that waits.
#[derive(Clone)]
struct UnderWay {
    name: String,
    answer: Receiver<Found>,
    put_back: Sender<Found>,
}

/// How soon a wait hears that it is to end.
const SLICE: Duration = Duration::from_millis(100);

/// The resolver of one connection.
#[derive(Default)]
pub struct OneLookup {
    under_way: Mutex<Option<UnderWay>>,
    /// Set when nobody wants an answer any more.
    stopped: Arc<AtomicBool>,
}

impl OneLookup {
    pub fn new(stopped: Arc<AtomicBool>) -> OneLookup {
        OneLookup { under_way: Mutex::new(None), stopped }
    }

    fn lock(&self) -> MutexGuard<'_, Option<UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The look-up of that name: the one under way, or a new one.
    fn look_up(&self, name: String) -> Result<UnderWay, Error> {
        let mut under_way = self.lock();
        if let Some(lookup) = under_way.as_ref().filter(|lookup| lookup.name == name) {
            return Ok(lookup.clone());
        }
        let (tell, answer) = bounded(1);
        let lookup = UnderWay { name: name.clone(), answer, put_back: tell.clone() };
        thread::spawn("posthog-resolve", move || {
            let found = name.to_socket_addrs().map(Iterator::collect);
            // Whoever asked may have given up.
            let _ = tell.send(found.map_err(|error| error.to_string()));
        })?;
        *under_way = Some(lookup.clone());
        Ok(lookup)
    }

    fn wait(&self, lookup: UnderWay, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
        let begun = Instant::now();
        let found = loop {
            let left = timeout.after.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(Error::Timeout(timeout.reason));
            }
            if self.stopped.load(Ordering::Acquire) {
                return Err(Error::Io(io::ErrorKind::ConnectionAborted.into()));
            }
            if let Ok(found) = lookup.answer.recv_timeout(left.min(SLICE)) {
                break found;
            }
        };
        *self.lock() = None;
        let _ = lookup.put_back.try_send(found.clone());
        found.map_err(|text| Error::Io(io::Error::other(text)))
    }
}

/// Resolves a name when a connection is made, not for each request.
pub trait Lookup: fmt::Debug + Send + Sync + 'static {
    /// The addresses of `host:port`, of which there is one at least.
    fn addresses(&self, name: &str, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error>;
}

impl Lookup for OneLookup {
    fn addresses(&self, name: &str, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
        // An address needs no look-up.
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let found = self.wait(self.look_up(name.to_owned())?, timeout)?;
        if found.is_empty() { Err(Error::HostNotFound) } else { Ok(found) }
    }
}

/// Resolves nothing: for a request that is not to leave the process.
#[derive(Debug)]
pub struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(
        &self,
        _uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        Err(Error::HostNotFound)
    }
}

/// What ureq asks before each request, also if it has a connection: too early.
#[derive(Debug)]
pub struct Later;

impl Resolver for Later {
    fn resolve(
        &self,
        _uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

impl fmt::Debug for OneLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneLookup")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(resolver: &OneLookup, name: &str) -> Result<Vec<SocketAddr>, Error> {
        let timeout = NextTimeout {
            after: Duration::from_secs(10).into(),
            reason: ureq::Timeout::Global,
            ..Default::default()
        };
        resolver.addresses(name, timeout)
    }

    #[test]
    fn addresses_and_names_are_resolved() {
        let resolver = OneLookup::default();
        let address = resolve(&resolver, "127.0.0.1:80").unwrap();
        assert_eq!(address, ["127.0.0.1:80".parse().unwrap()]);
        assert_eq!(resolve(&resolver, "[::1]:80").unwrap(), ["[::1]:80".parse().unwrap()]);
        assert!(resolver.lock().is_none());
        let named = resolve(&resolver, "localhost:443").unwrap();
        assert!(named.iter().all(|address| address.ip().is_loopback() && address.port() == 443));
        assert!(!named.is_empty() && resolver.lock().is_none());
        assert!(resolve(&resolver, "no-such-host.invalid:80").is_err());
    }

    #[test]
    fn a_look_up_that_hangs_is_left_behind() {
        let stopped = Arc::new(AtomicBool::new(false));
        let resolver = OneLookup::new(Arc::clone(&stopped));
        let (put_back, answer) = bounded(1);
        let name = "slow.invalid:80".to_owned();
        *resolver.lock() = Some(UnderWay { name, answer, put_back });
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| resolve(&resolver, "slow.invalid:80"));
            std::thread::sleep(Duration::from_millis(50));
            stopped.store(true, Ordering::Release);
            let begun = Instant::now();
            assert!(waiter.join().unwrap().is_err());
            assert!(begun.elapsed() < Duration::from_secs(1));
        });
    }

    #[test]
    fn everybody_who_waits_for_a_look_up_gets_its_answer() {
        let resolver = OneLookup::default();
        let (tell, answer) = bounded(1);
        let name = "slow.invalid:80".to_owned();
        let lookup = UnderWay { name, answer, put_back: tell.clone() };
        *resolver.lock() = Some(lookup);
        std::thread::scope(|scope| {
            let waiting: Vec<_> =
                (0..4).map(|_| scope.spawn(|| resolve(&resolver, "slow.invalid:80"))).collect();
            std::thread::sleep(Duration::from_millis(50));
            let found: SocketAddr = "127.0.0.1:80".parse().unwrap();
            tell.send(Ok(vec![found])).unwrap();
            for waiter in waiting {
                assert_eq!(waiter.join().unwrap().unwrap(), [found]);
            }
        });
    }
}
