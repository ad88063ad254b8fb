//! The receiver: a listening socket, a thread per connection, and what they share.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use crate::authority::Identity;
use crate::connection::Connection;
use crate::definitions::Definitions;
use crate::flags::Flags;
use crate::log::{Brief, Counts, Event, Log, Record, State};
use crate::request::{Outcome, Request};
use crate::script::Script;
use crate::stop::Stop;

/// A running receiver. It stops when it is dropped.
pub struct Receiver {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub addr: SocketAddr,
    pub record: Record,
    /// Answers `{"status":1}` to everything without looking at it: no script, no events, only
    /// requests, connections and bytes are counted. For benchmarks.
    pub sink: bool,
    /// Speaks TLS, and shows this.
    pub identity: Option<Identity>,
}

impl Default for Options {
    /// Any free port of 127.0.0.1, everything recorded.
    fn default() -> Options {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Options { addr, record: Record::Full, sink: false, identity: None }
    }
}

impl Receiver {
    /// # Panics
    /// If no socket can be had; a test cannot go on without one.
    pub fn start() -> Receiver {
        Receiver::with(Options::default()).expect("a free port on 127.0.0.1")
    }

    pub fn start_on(addr: SocketAddr) -> io::Result<Receiver> {
        Receiver::with(Options { addr, ..Options::default() })
    }

    /// # Panics
    /// As [`Receiver::start`].
    pub fn sink() -> Receiver {
        let options = Options { sink: true, ..Options::default() };
        Receiver::with(options).expect("a free port on 127.0.0.1")
    }

    /// One that speaks TLS.
    ///
    /// # Panics
    /// As [`Receiver::start`].
    pub fn secure(identity: Identity) -> Receiver {
        let options = Options { identity: Some(identity), ..Options::default() };
        Receiver::with(options).expect("a free port on 127.0.0.1")
    }

    pub fn with(options: Options) -> io::Result<Receiver> {
        let listener = TcpListener::bind(options.addr)?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            addr,
            sink: options.sink,
            identity: options.identity,
            log: Log::new(options.record),
            stop: Stop::default(),
            script: Mutex::default(),
            flags: Mutex::default(),
            definitions: Mutex::default(),
            open: Mutex::default(),
            numbers: AtomicU64::new(1),
        });
        let acceptor = thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Ok(Receiver { addr, shared, acceptor: Some(acceptor) })
    }

    /// `http://127.0.0.1:PORT`, or `https://`, without a closing slash.
    pub fn url(&self) -> String {
        let scheme = if self.shared.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Replaces the script; its counting starts anew.
    pub fn set_script(&self, script: Script) {
        *self.shared.script() = script;
    }

    pub fn set_flags(&self, flags: Flags) {
        *self.shared.flags() = flags;
    }

    /// Sets what `/flags/definitions` answers, under a new ETag.
    pub fn set_definitions(&self, json: &serde_json::Value) {
        self.shared.definitions().set(json.clone());
    }

    /// All requests in the order they arrived; empty unless [`Record::Full`].
    pub fn requests(&self) -> Vec<Request> {
        self.requests_from(0)
    }

    /// The requests from that index on.
    pub fn requests_from(&self, index: usize) -> Vec<Request> {
        self.shared.log.state().requests.get(index..).map_or_else(Vec::new, <[_]>::to_vec)
    }

    /// The accepted events; under [`Record::Uuids`] only what a [`Brief`] keeps of them.
    pub fn events(&self) -> Vec<Event> {
        self.shared.accepted_events()
    }

    /// The events of all capture requests, whatever became of them; empty unless [`Record::Full`].
    pub fn attempted_events(&self) -> Vec<Event> {
        let state = self.shared.log.state();
        state.requests.iter().flat_map(|it| events_of(it, it.events().iter())).collect()
    }

    /// The accepted events in the order they were accepted; empty under [`Record::Count`].
    pub fn accepted(&self) -> Vec<Brief> {
        self.shared.log.state().accepted.clone()
    }

    /// Events that would have been accepted, had their answer not been lost.
    pub fn ambiguous(&self) -> Vec<Brief> {
        self.shared.log.state().ambiguous.clone()
    }

    pub fn counts(&self) -> Counts {
        self.shared.log.state().counts
    }

    /// Connections accepted, without those of the control API.
    pub fn connections(&self) -> u64 {
        self.counts().connections
    }

    /// Waits for so many accepted events; says whether they came in time.
    pub fn wait_for_events(&self, count: u64, timeout: Duration) -> bool {
        self.shared.log.wait(timeout, |state| state.counts.accepted >= count)
    }

    /// Waits for so many requests, answered or not; says whether they came in time.
    pub fn wait_for_requests(&self, count: u64, timeout: Duration) -> bool {
        self.shared.log.wait(timeout, |state| state.counts.requests >= count)
    }

    /// Forgets all that arrived. Script, flags and open connections stay.
    pub fn clear(&self) {
        self.shared.log.clear();
    }

    /// Closes everything: the port, idle connections, and those that hang.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// Blocks until it is stopped, from here or over HTTP.
    pub fn wait(&self) {
        self.shared.stop.wait();
    }

    pub fn is_stopped(&self) -> bool {
        self.shared.stop.is_set()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

pub(crate) struct Shared {
    addr: SocketAddr,
    pub sink: bool,
    pub identity: Option<Identity>,
    pub log: Log,
    pub stop: Stop,
    script: Mutex<Script>,
    flags: Mutex<Flags>,
    definitions: Mutex<Definitions>,
    /// The sockets to shut down at the stop.
    open: Mutex<HashMap<u64, Arc<TcpStream>>>,
    numbers: AtomicU64,
}

impl Shared {
    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no thread panics while it holds the script")
    }

    pub fn flags(&self) -> MutexGuard<'_, Flags> {
        self.flags.lock().expect("no thread panics while it holds the flags")
    }

    pub fn definitions(&self) -> MutexGuard<'_, Definitions> {
        self.definitions.lock().expect("no thread panics while it holds the definitions")
    }

    pub fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub fn accepted_events(&self) -> Vec<Event> {
        let state = self.log.state();
        let State { requests, accepted, .. } = &*state;
        if requests.is_empty() {
            let event = |it: &Brief| Event { request: it.request, json: it.to_json() };
            return accepted.iter().map(event).collect();
        }
        let answered = requests.iter().filter(|it| it.outcome == Outcome::Answered);
        answered.flat_map(|it| events_of(it, it.taken_events())).collect()
    }

    pub fn stop(&self) {
        self.stop.set();
        for socket in self.open().values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        // The acceptor sees the stop when it has accepted once more.
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<TcpStream>>> {
        self.open.lock().expect("no thread panics while it holds the sockets")
    }
}

fn events_of<'a>(request: &Request, events: impl Iterator<Item = &'a Value>) -> Vec<Event> {
    events.map(|json| Event { request: request.index, json: json.clone() }).collect()
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for id in 0.. {
        let socket = match listener.accept() {
            Ok((socket, _)) => Arc::new(socket),
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
            Err(_) => {
                // Out of descriptors, most likely; some connection will end.
                if !shared.stop.sleep(Duration::from_millis(10)) {
                    return;
                }
                continue;
            }
        };
        {
            // The stop shuts down what it finds here, so nothing may be put here after it.
            let mut open = shared.open();
            if shared.stop.is_set() {
                return;
            }
            open.insert(id, socket.clone());
        }
        shared.log.count(|counts| counts.connections += 1);
        let shared = shared.clone();
        thread::spawn(move || {
            let _entry = Entry { id, shared: &shared };
            Connection::new(&shared, socket).serve();
        });
    }
}

/// Takes the socket off the list, however its thread ends: only then does it really close.
struct Entry<'a> {
    id: u64,
    shared: &'a Shared,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.shared.open().remove(&self.id);
    }
}
