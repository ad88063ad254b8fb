//! One life of a client: everything that a forked child must not share with its parent.
//!
//! Queue, locks, connections, threads and counters belong to the process that made them. A child
//! finds that its generation differs and makes a runtime of its own; the parent's is left alone,
//! not even freed.

use crate::client::Shared;
use crate::counters::Counters;
use crate::exception::Tracker;
use crate::flags::Flags;
use crate::hooks::Gate;
use crate::log::{Level, Logger};
use crate::queue::Queue;
use crate::sender::Sender;
use crate::transport::Transport;
use crate::uuid::Random;
use crate::worker::Worker;
use once_cell::race::OnceBox;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// The machinery of one client in one process.
pub struct Runtime {
    /// See `sys::fork`.
    generation: u64,
    pub queue: Arc<Queue>,
    pub counters: Arc<Counters>,
    pub flags: Flags,
    pub exceptions: Tracker,
    pub gate: Arc<Gate>,
    pub logger: Logger,
    transport: Arc<Transport>,
    sender: Sender,
    /// Opting out and in, one at a time.
    pub switch: Mutex<()>,
    /// The one of a forked child, made by whichever of its threads is first. `race`, because a
    /// child must never wait for a thread that only its parent has.
    next: OnceBox<Runtime>,
}

impl Runtime {
    pub fn new(shared: &Shared, generation: u64, parent: Option<&Runtime>) -> Runtime {
        let config = &shared.config;
        let gate = Arc::new(Gate::default());
        let logger = Logger::new(config.log_sink.clone(), config.debug, Arc::clone(&gate));
        let counters = Arc::new(Counters::default());
        let transport =
            Arc::new(Transport::new(Arc::clone(&shared.route), Arc::clone(&gate), logger.clone()));
        let limits = config.limits(shared.wire.envelope(), shared.wire.frame());
        let (queue, rings) = Queue::new(limits, Random::new(), logger.clone());
        let queue = Arc::new(queue);
        let sender = Sender::new(Worker {
            queue: Arc::clone(&queue),
            rings,
            transport: Arc::clone(&transport),
            wire: Arc::clone(&shared.wire),
            counters: Arc::clone(&counters),
            hooks: config.hooks.clone(),
            gate: Arc::clone(&gate),
            logger: logger.clone(),
            schedule: config.schedule(),
            compression: config.compression,
            timeout: config.request_timeout_ms.millis(),
        });
        let flags = Flags::new(
            config,
            Arc::clone(&transport),
            Arc::clone(&counters),
            logger.clone(),
            &gate,
            parent.map(|parent| &parent.flags),
        );
        let bytes_max = config.event_max_bytes.count().saturating_sub(shared.wire.envelope());
        let exceptions = Tracker::new(config.exceptions.clone(), bytes_max);
        let next = OnceBox::new();
        let switch = Mutex::new(());
        Runtime {
            generation,
            queue,
            counters,
            flags,
            exceptions,
            gate,
            logger,
            transport,
            sender,
            switch,
            next,
        }
    }

    /// The runtime of this process: this one, or its successor after a fork.
    #[inline]
    pub fn of<'a>(&'a self, generation: u64, shared: &Shared) -> &'a Runtime {
        if self.generation == generation {
            return self;
        }
        self.successor(generation, shared)
    }

    #[cold]
    fn successor<'a>(&'a self, generation: u64, shared: &Shared) -> &'a Runtime {
        let next = self.next.get_or_init(|| {
            let fresh = Runtime::new(shared, generation, Some(self));
            if shared.is_closed() {
                fresh.queue.close();
            }
            if shared.is_opted_out() {
                fresh.queue.set_opted_out(true);
            }
            Box::new(fresh)
        });
        // A child of a child has its own link in the chain.
        next.of(generation, shared)
    }

    pub fn belongs_to(&self, generation: u64) -> bool {
        self.generation == generation
    }

    /// Makes sure that somebody sends what was queued.
    #[inline]
    pub fn ensure_sender(&self) {
        if !self.sender.is_running() {
            // Refused now, it is tried again by the next capture; the events stay queued.
            let _ = self.sender.start();
        }
    }

    pub fn start_sender(&self) -> Result<(), crate::error::Error> {
        self.sender.start()
    }

    /// Sends what is left, until the deadline; then lets go of everything. Returns how many
    /// events were not confirmed.
    pub fn shut_down(&self, deadline: Instant) -> u64 {
        self.queue.close();
        self.flags.close();
        if self.queue.needs_sender() {
            self.ensure_sender();
        }
        self.sender.wait(deadline);
        // Not before the sender has ended: what it delivers until then counts.
        let lost = self.queue.freeze();
        // A callback that hangs may hold what the log callback needs.
        if lost > 0 && self.gate.is_idle() {
            self.logger.log(
                Level::Error,
                format_args!("shutdown deadline passed: {lost} events not confirmed"),
            );
        }
        self.gate.close(deadline);
        self.transport.close();
        self.flags.wait_end(deadline);
        lost
    }

    /// Stops sending at once, and forgets what is queued.
    pub fn opt_out(&self) {
        self.queue.set_opted_out(true);
        self.flags.close();
        self.transport.close();
    }

    pub fn opt_in(&self) {
        self.transport.open();
        self.queue.set_opted_out(false);
        self.flags.open();
    }
}
