//! One life of a client: everything that a forked child must not share with its parent.
//!
//! Queue, locks, connections, threads and counters belong to the process that made them. A child
//! finds that its generation differs and makes a runtime of its own; the parent's is left alone,
//! not even freed.

use crate::client::Shared;
use crate::config::Config;
use crate::counters::Counters;
#[cfg(storage)]
use crate::crash::{self, Crash};
use crate::exception::Tracker;
use crate::flags::Flags;
use crate::hooks::Gate;
use crate::lane::Lane;
use crate::log::{Level, Logger};
use crate::queue::{Limits, Queue};
use crate::report::Reports;
#[cfg(storage)]
use crate::storage::{Directory, Kind};
#[cfg(storage)]
use crate::store;
use crate::store::Store;
use crate::transport::Transport;
use crate::uuid::Random;
use crate::wire::Family;
use crate::worker::{SystemTime, Worker};
use once_cell::race::OnceBox;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// The machinery of one client in one process.
pub struct Runtime {
    /// See `sys::fork`.
    generation: u64,
    pub analytics: Lane,
    /// Made by the first AI event.
    ai: OnceBox<Lane>,
    pub counters: Arc<Counters>,
    pub flags: Flags,
    pub exceptions: Tracker,
    /// Where this process's crash goes, if the options name a place.
    #[cfg(storage)]
    pub crash: Option<Crash>,
    pub gate: Arc<Gate>,
    pub logger: Logger,
    transport: Arc<Transport>,
    means: Means,
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
        let flags = Flags::new(
            config,
            Arc::clone(&transport),
            Arc::clone(&counters),
            logger.clone(),
            &gate,
            parent.map(|parent| &parent.flags),
        );
        let bytes_max = config.event_max_bytes.count().saturating_sub(shared.wire.envelope());
        let nobody = config.deterministic.map(|(_, seed)| Random::of_seed(seed, sequence::NOBODY));
        let exceptions = Tracker::new(config.exceptions.clone(), bytes_max, nobody);
        #[cfg(storage)]
        let directory = match config.why_disabled() {
            None if !shared.is_closed() => crash::directory(config, &logger).map(Arc::new),
            _ => None,
        };
        #[cfg(storage)]
        let crash = directory.as_ref().and_then(|directory| {
            let parent = parent.and_then(|parent| parent.crash.as_ref());
            Crash::open(config, directory, &logger, parent)
        });
        let means = Means {
            counters: Arc::clone(&counters),
            gate: Arc::clone(&gate),
            logger: logger.clone(),
            transport: Arc::clone(&transport),
            #[cfg(storage)]
            directory,
        };
        let analytics = means.lane(Family::Analytics, shared);
        let next = OnceBox::new();
        let switch = Mutex::new(());
        let ai = OnceBox::new();
        Runtime {
            generation,
            analytics,
            ai,
            counters,
            flags,
            exceptions,
            #[cfg(storage)]
            crash,
            gate,
            logger,
            transport,
            means,
            switch,
            next,
        }
    }

    /// The lane of AI events. Made by whichever thread is first: `race`, as for `next`.
    pub fn ai(&self, shared: &Shared) -> &Lane {
        self.ai.get().unwrap_or_else(|| {
            let lane = self.ai.get_or_init(|| Box::new(self.means.lane(Family::Ai, shared)));
            // Whoever shuts down or opts out says so first and looks for the lane then.
            fence(Ordering::SeqCst);
            if shared.is_closed() {
                lane.queue.close();
            }
            if shared.is_opted_out() {
                lane.queue.set_opted_out(true);
            }
            lane
        })
    }

    /// The lanes that there are.
    pub fn lanes(&self) -> impl Iterator<Item = &Lane> {
        fence(Ordering::SeqCst);
        std::iter::once(&self.analytics).chain(self.ai.get())
    }

    /// The runtime of this process: this one, or its successor after a fork.
    #[inline(always)]
    pub fn of<'a>(&'a self, generation: u64, shared: &Shared) -> &'a Runtime {
        if self.generation == generation {
            return self;
        }
        self.successor(generation, shared)
    }

    /// The same, if it has been made. Allocates nothing.
    #[cfg(storage)]
    pub fn existing(&self, generation: u64) -> Option<&Runtime> {
        let mut runtime = Some(self);
        while let Some(it) = runtime.filter(|it| it.generation != generation) {
            runtime = it.next.get();
        }
        runtime
    }

    #[cold]
    fn successor<'a>(&'a self, generation: u64, shared: &Shared) -> &'a Runtime {
        let next = self.next.get_or_init(|| {
            let fresh = Runtime::new(shared, generation, Some(self));
            if shared.is_closed() {
                fresh.analytics.queue.close();
            }
            if shared.is_opted_out() {
                fresh.analytics.queue.set_opted_out(true);
            }
            Box::new(fresh)
        });
        // A child of a child has its own link in the chain.
        next.of(generation, shared)
    }

    pub fn reports(&self) -> &Reports {
        &self.transport.reports
    }

    /// Where what outlives the process is kept.
    #[cfg(storage)]
    pub fn directory(&self) -> Option<&Directory> {
        self.means.directory.as_deref()
    }

    pub fn belongs_to(&self, generation: u64) -> bool {
        self.generation == generation
    }

    /// Sends what is left, until the deadline; then lets go of everything. Returns how many
    /// events were not confirmed.
    pub fn shut_down(&self, deadline: Instant) -> u64 {
        self.flags.close();
        self.lanes().for_each(Lane::finish);
        let lost = self.lanes().map(|lane| lane.end(deadline)).sum();
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
        #[cfg(storage)]
        if let Some(crash) = &self.crash {
            crash.end();
        }
        lost
    }

    /// Stops sending at once, and forgets what is queued.
    pub fn opt_out(&self) {
        self.lanes().for_each(|lane| lane.queue.set_opted_out(true));
        self.flags.close();
        self.transport.close();
        #[cfg(storage)]
        if let Some(crash) = &self.crash {
            crash.clear();
        }
    }

    pub fn opt_in(&self) {
        self.transport.open();
        self.lanes().for_each(|lane| lane.queue.set_opted_out(false));
        self.flags.open();
        #[cfg(storage)]
        if let Some(crash) = &self.crash {
            crash.arm();
        }
    }
}

/// What the lanes of a runtime have in common.
struct Means {
    counters: Arc<Counters>,
    gate: Arc<Gate>,
    logger: Logger,
    transport: Arc<Transport>,
    /// Where what outlives the process is kept.
    #[cfg(storage)]
    directory: Option<Arc<Directory>>,
}

impl Means {
    fn lane(&self, family: Family, shared: &Shared) -> Lane {
        let config = &shared.config;
        let (envelope, frame) = (shared.wire.envelope(), shared.wire.frame());
        let (name, choice, mut limits) = match family {
            Family::Analytics => {
                ("posthog-sender", &shared.analytics, config.limits(envelope, frame))
            }
            Family::Ai => ("posthog-ai", &shared.ai, config.ai_limits(envelope, frame)),
        };
        let store = self.store(family, config, &limits).map(Arc::new);
        let is_stored = store.is_some();
        if is_stored {
            // One that the file can never hold would evict everything and still not fit.
            let half = config.storage_max_bytes.count() / 2;
            limits.event_bytes_max = limits.event_bytes_max.min(half);
        }
        let seed = config.deterministic.map(|(_, seed)| seed);
        let (events, requests) = match family {
            Family::Analytics => (sequence::EVENTS, sequence::REQUESTS),
            Family::Ai => (sequence::AI_EVENTS, sequence::AI_REQUESTS),
        };
        let random = seed.map_or_else(Random::new, |seed| Random::of_seed(seed, events));
        let (queue, rings) = Queue::new(limits, random, self.logger.clone(), store);
        Lane::new(
            name,
            !config.capture_only,
            Worker {
                family,
                queue: Arc::new(queue),
                rings,
                transport: Arc::clone(&self.transport),
                wire: Arc::clone(&shared.wire),
                choice: Arc::clone(choice),
                counters: Arc::clone(&self.counters),
                hooks: config.hooks.clone(),
                gate: Arc::clone(&self.gate),
                logger: self.logger.clone(),
                schedule: config.schedule(is_stored),
                compression: config.compression,
                timeout: config.request_timeout_ms.millis(),
                time: Arc::new(SystemTime { fixed: config.deterministic.map(|(time, _)| time) }),
                sequence: seed.map(|seed| (seed, requests)),
                in_app: config.exceptions.in_app.clone(),
            },
        )
    }

    #[cfg(storage)]
    fn store(&self, family: Family, config: &Config, limits: &Limits) -> Option<Store> {
        let directory = self.directory.as_ref().filter(|_| !config.capture_only)?;
        let kind = match family {
            Family::Analytics => Kind::Events,
            Family::Ai => Kind::Ai,
        };
        let bounds = store::Bounds {
            bytes_max: config.storage_max_bytes.get(),
            age_max_ms: config.storage_max_age_ms.get() as i64,
        };
        let (segment, logger) = (limits.segment_bytes(), self.logger.clone());
        let sync = config.storage_sync.then_some(limits.flush_interval);
        Some(Store::new(Arc::clone(directory), kind, bounds, segment, sync, logger))
    }

    #[cfg(not(storage))]
    fn store(&self, _: Family, _: &Config, _: &Limits) -> Option<Store> {
        None
    }
}

/// Of one seed everything that is random has a sequence of its own.
mod sequence {
    pub const EVENTS: u8 = 0;
    pub const AI_EVENTS: u8 = 1;
    pub const REQUESTS: u8 = 2;
    pub const AI_REQUESTS: u8 = 3;
    pub const NOBODY: u8 = 4;
}
