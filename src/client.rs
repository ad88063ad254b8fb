//! What a user can do with a client.

mod base;
mod crash;
mod text;
mod waits;

use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::event::Event;
use crate::exception::Exception;
use crate::flags::{Flags, called};
use crate::lane::Lane;
use crate::ledger::Ledger;
use crate::log::{Level, Logger};
use crate::props::{Marks, Props};
use crate::queue::Queue;
use crate::record::NewRecord;
use crate::report::Reports;
use crate::route::Route;
use crate::runtime::Runtime;
use crate::stamps::Stamps;
use crate::sys::unwind::Frame;
use crate::sys::{fork, images};
use crate::timestamp::Timestamp;
use crate::transport;
use crate::wire::{Choice, Family, Project, Wire};
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use text::{escaped, is_written};
use uuid::Uuid;

mod flags;

/// How long to wait: `None` without a limit.
pub type Timeout = Option<Duration>;

/// What every life of a client shares: a forked child keeps it.
pub struct Shared {
    pub config: Config,
    pub stamps: Stamps,
    pub wire: Arc<Wire>,
    /// The protocol of each lane. Kept over `fork`, as the server is.
    pub analytics: Arc<Choice>,
    pub ai: Arc<Choice>,
    pub route: Arc<Route>,
    closed: AtomicBool,
    opted_out: AtomicBool,
}

impl Shared {
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub fn is_opted_out(&self) -> bool {
        self.opted_out.load(Ordering::Acquire)
    }
}

/// Told once, when a client is made.
const NO_BUILD_ID: &str = "the executable has no build id, so that PostHog cannot find uploaded \
    symbols for the frames of its exceptions: link it with -Wl,--build-id";

/// A client of one PostHog project. Every method may be called from any thread.
pub struct Client {
    shared: Shared,
    disabled: bool,
    /// Neither `before_send` nor a denylist: events go straight into the queue.
    plain: bool,
    /// Properties of every event; replaced whole, so that reading never waits.
    base: ArcSwap<Props>,
    has_base: AtomicBool,
    first: Arc<Runtime>,
}

impl Client {
    /// Opens nothing and starts nothing.
    pub fn new(config: &Config) -> Result<Client, Error> {
        if config.host_is_bad {
            return Err(Error::Host);
        }
        let mut config = config.clone();
        // A daemon leaves its working directory, and so does many a forked child.
        let absolute = |path| std::path::absolute(&path).unwrap_or(path);
        config.storage_dir = config.storage_dir.map(absolute);
        let stamps = Stamps::new(&config)?;
        let project = Project {
            api_key: &config.api_key,
            library: &format!("{}/{}", config.library_name, config.library_version),
            historical: config.historical_migration,
        };
        let wire = Arc::new(Wire::new(&project, &stamps));
        let choice = || Arc::new(Choice::new(config.protocol));
        let (analytics, ai) = (choice(), choice());
        let plain = config.hooks.before_send.is_empty() && config.denied.is_empty();
        let why_disabled = config.why_disabled();
        if why_disabled.is_none() {
            transport::prepare_forks();
        }
        let logger = Logger::new(config.log_sink.clone(), config.debug, Arc::default());
        let route = Arc::new(Route::new(&config, &logger)?);
        let shared = Shared {
            config,
            stamps,
            wire,
            route,
            analytics,
            ai,
            closed: AtomicBool::new(false),
            opted_out: AtomicBool::new(false),
        };
        let first = Arc::new(Runtime::new(&shared, fork::generation(), None));
        if let Some(why) = why_disabled {
            first.logger.log(Level::Info, format_args!("disabled, nothing will be sent: {why}"));
        } else if images::is_unnamed() {
            first.logger.log(Level::Warn, format_args!("{NO_BUILD_ID}"));
        }
        let client = Client {
            shared,
            disabled: why_disabled.is_some(),
            plain,
            base: ArcSwap::from_pointee(Props::new()),
            has_base: AtomicBool::new(false),
            first,
        };
        if client.shared.config.storage_dir.is_some() && !client.disabled {
            client.prepare_crash();
            client.adopt();
        }
        Ok(client)
    }

    #[inline(always)]
    fn runtime(&self) -> &Runtime {
        self.first.of(fork::generation(), &self.shared)
    }

    /// The time of what is captured now.
    #[inline(always)]
    fn now(&self) -> Timestamp {
        match self.shared.config.deterministic {
            Some((time, _)) => time,
            None => clock::now(),
        }
    }

    pub fn reports(&self) -> &Reports {
        self.runtime().reports()
    }

    /// Disabled or opted out: calls succeed, do nothing and are not counted.
    #[inline]
    pub fn is_off(&self) -> bool {
        self.disabled || self.shared.is_opted_out()
    }

    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// Starts the sender now rather than with the first event.
    pub fn start(&self) -> Result<(), Error> {
        if self.is_off() {
            return Ok(());
        }
        if self.shared.is_closed() {
            return Err(Error::Shutdown);
        }
        if self.shared.config.capture_only {
            return Ok(());
        }
        self.prepare_crash();
        let runtime = self.runtime();
        runtime.analytics.start_sender()?;
        runtime.flags.start()
    }

    /// Queues an event. `distinct_id` and `name` are as the host passed them: not yet UTF-8.
    pub fn capture(
        &self,
        distinct_id: &[u8],
        name: &[u8],
        props: Option<&Props>,
    ) -> Result<(), Error> {
        self.capture_here(distinct_id, name, props)
    }

    /// The same as a part of its caller, for the one that nearly all events come from.
    #[inline(always)]
    pub fn capture_here(
        &self,
        distinct_id: &[u8],
        name: &[u8],
        props: Option<&Props>,
    ) -> Result<(), Error> {
        if self.is_off() {
            return Ok(());
        }
        let runtime = self.runtime();
        let own = props.map_or(0, Props::marks);
        if self.plain && own & self.shared.stamps.reserved() == 0 {
            self.capture_plain(runtime, distinct_id, name, props)?;
        } else {
            self.capture_hooked(runtime, distinct_id, name, props)?;
        }
        runtime.analytics.ensure_sender();
        Ok(())
    }

    /// Queues a whole event; its uuid, unless the client is off.
    pub fn capture_event(&self, family: Family, event: &Event) -> Result<Option<Uuid>, Error> {
        if self.is_off() {
            return Ok(None);
        }
        // Nil: the user opted out meanwhile.
        Ok(Some(self.capture_owned(family, event.try_clone()?)?).filter(|uuid| !uuid.is_nil()))
    }

    fn capture_owned(&self, family: Family, event: Event) -> Result<Uuid, Error> {
        let runtime = self.runtime();
        let lane = self.lane(runtime, family);
        let uuid = self.submit(runtime, lane, event)?;
        lane.ensure_sender();
        Ok(uuid)
    }

    fn lane<'a>(&self, runtime: &'a Runtime, family: Family) -> &'a Lane {
        match family {
            Family::Analytics => &runtime.analytics,
            Family::Ai => runtime.ai(&self.shared),
        }
    }

    /// Says who somebody is: sets person properties.
    pub fn identify(
        &self,
        distinct_id: &str,
        set: Option<&Props>,
        set_once: Option<&Props>,
    ) -> Result<(), Error> {
        self.capture_built(|| {
            let mut event = Event::new(distinct_id, "$identify")?;
            let nothing = Props::new();
            event.props.set_object("$set", set.unwrap_or(&nothing))?;
            if let Some(set_once) = set_once {
                event.props.set_object("$set_once", set_once)?;
            }
            Ok(event)
        })?;
        self.learn_person(distinct_id, [set_once, set])
    }

    /// `alias` is another id of the person who is known as `distinct_id`.
    pub fn alias(&self, distinct_id: &str, alias: &str) -> Result<(), Error> {
        self.capture_built(|| {
            let alias = crate::event::checked(alias)?;
            let mut event = Event::new(distinct_id, "$create_alias")?;
            event.props.set_str("distinct_id", distinct_id.as_bytes())?;
            event.props.set_str("alias", alias.as_bytes())?;
            Ok(event)
        })
    }

    /// Sets properties of a group. Without a distinct id it is `$<type>_<key>`.
    pub fn group_identify(
        &self,
        distinct_id: Option<&str>,
        group_type: &str,
        key: &str,
        props: Option<&Props>,
    ) -> Result<(), Error> {
        self.capture_built(|| {
            let group_type = crate::event::checked(group_type)?;
            let key = crate::event::checked(key)?;
            let distinct_id =
                distinct_id.map_or_else(|| format!("${group_type}_{key}"), str::to_owned);
            let mut event = Event::new(&distinct_id, "$groupidentify")?;
            event.props.set_str("$group_type", group_type.as_bytes())?;
            event.props.set_str("$group_key", key.as_bytes())?;
            event.props.set_object("$group_set", props.unwrap_or(&Props::new()))?;
            Ok(event)
        })?;
        self.learn_group(group_type, key, props)
    }

    /// Queues an exception; the stack, where it is taken, begins outside `inner`. Without a
    /// distinct id the event is nobody's.
    pub fn capture_exception(
        &self,
        distinct_id: Option<&str>,
        what: &Exception,
        inner: Frame,
    ) -> Result<(), Error> {
        if self.is_off() {
            return Ok(());
        }
        if self.shared.is_closed() {
            return Err(Error::Shutdown);
        }
        let exceptions = &self.runtime().exceptions;
        let tracked = exceptions.track(distinct_id, what, inner, self.now())?;
        let (kind, suppressed) = tracked.debt();
        let result = self.capture_owned(Family::Analytics, tracked.event);
        if result.is_err() {
            exceptions.give_back(kind, suppressed);
        } else if self.stores() {
            if what.is_urgent() {
                // The process may end soon, and the machine with it.
                self.runtime().analytics.queue.sync_within(Some(Duration::ZERO));
            }
        } else if exceptions.is_first_fatal(what) {
            let why = "without storage it is lost if the process ends before it is sent";
            let text = format_args!("a fatal exception is in memory only: {why}");
            self.runtime().logger.log(Level::Warn, text);
        }
        result.map(drop)
    }

    /// Remembers what the program did, for its next exceptions.
    pub fn add_step(&self, message: &[u8], props: Option<&Props>) -> Result<(), Error> {
        if self.is_off() {
            return Ok(());
        }
        if self.shared.is_closed() {
            return Err(Error::Shutdown);
        }
        let runtime = self.runtime();
        if runtime.exceptions.add_step(message, props, self.now())? {
            let text = "a step's properties $message and $timestamp are the library's";
            runtime.logger.log(Level::Warn, format_args!("{text}"));
        }
        self.prepare_crash();
        Ok(())
    }

    /// From here on nothing is sent, and what is queued is forgotten.
    pub fn opt_out(&self) {
        let runtime = self.runtime();
        let _one_at_a_time = runtime.switch.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.shared.opted_out.swap(true, Ordering::AcqRel) && !self.disabled {
            runtime.opt_out();
        }
    }

    pub fn opt_in(&self) {
        let runtime = self.runtime();
        let _one_at_a_time = runtime.switch.lock().unwrap_or_else(PoisonError::into_inner);
        let was_out = self.shared.opted_out.swap(false, Ordering::AcqRel);
        // What a shutdown has closed stays closed.
        if was_out && !self.disabled && !self.shared.is_closed() {
            runtime.opt_in();
            self.prepare_crash();
        }
    }

    pub fn is_opted_out(&self) -> bool {
        self.shared.is_opted_out()
    }

    /// The flags; `None` when the client is off.
    pub fn flags(&self) -> Result<Option<&Flags>, Error> {
        if self.is_off() {
            return Ok(None);
        }
        if self.shared.is_closed() { Err(Error::Shutdown) } else { Ok(Some(&self.runtime().flags)) }
    }

    /// The ledger, and the bytes that are queued, of all lanes.
    pub fn ledger(&self) -> (Ledger, usize) {
        let zero = (Ledger::default(), 0);
        self.runtime()
            .lanes()
            .map(|lane| lane.queue.ledger())
            .fold(zero, |sum, lane| (sum.0.plus(&lane.0), sum.1 + lane.1))
    }

    pub fn counters(&self) -> &crate::counters::Counters {
        &self.runtime().counters
    }

    /// Counts a capture that was refused.
    #[cold]
    pub fn refuse(&self, why: Error) {
        if !self.is_off() {
            self.runtime().counters.refuse(why);
        }
        if why == Error::QueueFull {
            // Full perhaps because the system refused the sender its thread.
            self.runtime().lanes().for_each(Lane::ensure_sender);
        }
    }

    fn capture_built(&self, build: impl FnOnce() -> Result<Event, Error>) -> Result<(), Error> {
        if self.is_off() {
            return Ok(());
        }
        self.capture_owned(Family::Analytics, build()?).map(drop)
    }

    /// For clients with hooks. Not part of the way of those without, which is to stay short.
    #[inline(never)]
    fn capture_hooked(
        &self,
        runtime: &Runtime,
        distinct_id: &[u8],
        name: &[u8],
        props: Option<&Props>,
    ) -> Result<Uuid, Error> {
        let event = self.event_of(distinct_id, name, props)?;
        self.submit(runtime, &runtime.analytics, event)
    }

    #[inline(always)]
    fn capture_plain(
        &self,
        runtime: &Runtime,
        distinct_id: &[u8],
        name: &[u8],
        props: Option<&Props>,
    ) -> Result<Uuid, Error> {
        let anew;
        let (distinct_id, name) = if is_written(distinct_id) && is_written(name) {
            (distinct_id, name)
        } else {
            anew = (escaped(distinct_id)?, escaped(name)?);
            (&*anew.0, &*anew.1)
        };
        let (text, marks, repairs) = match props {
            Some(own) => (own.text(), own.marks(), own.repairs()),
            None => (&[][..], 0, 0),
        };
        if repairs > 0 {
            runtime.counters.repairs.add(u64::from(repairs));
        }
        let queue = &runtime.analytics.queue;
        queue.admit(distinct_id.len() + name.len() + text.len())?;
        let record = NewRecord {
            distinct_id,
            event: name,
            props: [text, &[]],
            options: &[],
            marks,
            timestamp: self.now(),
            uuid: None,
        };
        if self.has_base.load(Ordering::Acquire) {
            // A copy, as in `push_at`.
            self.push_with_base(queue, &{ record }, props)
        } else {
            queue.push_here(&record)
        }
    }

    /// Queues an event with the super properties that it does not have itself.
    #[inline(never)]
    fn push_with_base(
        &self,
        queue: &Queue,
        record: &NewRecord<'_>,
        props: Option<&Props>,
    ) -> Result<Uuid, Error> {
        let base = self.base.load();
        if props.is_none_or(|own| own.is_disjoint(&base)) {
            let props = [record.props[0], base.text()];
            let marks = record.marks | base.marks();
            return queue.push(&NewRecord { props, marks, ..*record });
        }
        let mut merged = props.map_or_else(|| Ok(Props::new()), Props::try_clone)?;
        merged.merge_absent(&base)?;
        let props = [merged.text(), &[]];
        queue.push(&NewRecord { props, marks: merged.marks(), ..*record })
    }

    fn event_of(
        &self,
        distinct_id: &[u8],
        name: &[u8],
        props: Option<&Props>,
    ) -> Result<Event, Error> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| Error::Utf8);
        let mut event = Event::new(text(distinct_id)?, text(name)?)?;
        if let Some(props) = props {
            event.props = props.try_clone()?;
        }
        Ok(event)
    }

    /// The long way into the queue: groups, super properties, hooks, denylist.
    fn submit(&self, runtime: &Runtime, lane: &Lane, event: Event) -> Result<Uuid, Error> {
        let (event, stamped) = self.finish(runtime, event)?;
        let is_own = event.uuid.is_some();
        self.push(lane, &event, stamped, is_own)
    }

    /// The event as it will leave, and the marks of the stamps that it has.
    fn finish(&self, runtime: &Runtime, mut event: Event) -> Result<(Event, u32), Error> {
        let shared = &self.shared;
        if shared.is_closed() {
            return Err(Error::Shutdown);
        }
        event.stamp_groups(&shared.config.group_indices)?;
        if self.has_base.load(Ordering::Acquire) {
            event.props.merge_absent(&self.base.load())?;
        }
        if event.props.marks() & shared.stamps.reserved() & Marks::ENVIRONMENT != 0 {
            event.props.remove("environment");
        }
        let mut stamped = 0;
        let is_hooked = !shared.config.hooks.before_send.is_empty();
        if is_hooked || event.is_short {
            // The hooks see the event as it will leave, and nothing is added behind their back.
            event.props.merge_absent(shared.stamps.props())?;
            stamped = Marks::STAMPS;
        }
        if event.is_short {
            event.props = called::short(&event.props)?;
        }
        if is_hooked {
            for hook in &shared.config.hooks.before_send {
                match runtime.gate.pass(|| hook(&mut event)) {
                    Some(true) => {}
                    Some(false) => return Err(Error::Filtered),
                    // Shut down meanwhile: no hook may start.
                    None => return Err(Error::Shutdown),
                }
            }
            // A hook may have put the event into a group.
            event.stamp_groups(&shared.config.group_indices)?;
        }
        if !shared.config.denied.is_empty() {
            event.props.remove_denied(&|key| shared.config.denied.contains(key))?;
        }
        let repairs = event.props.repairs() + event.options.repairs();
        runtime.counters.repairs.add(u64::from(repairs));
        Ok((event, stamped))
    }

    /// Queues a finished event. `is_own`: its uuid is the caller's.
    fn push(&self, lane: &Lane, event: &Event, stamped: u32, is_own: bool) -> Result<Uuid, Error> {
        let own = if is_own { Marks::OWN_UUID } else { 0 };
        lane.queue.push(&NewRecord {
            distinct_id: &escaped(event.distinct_id().as_bytes())?,
            event: &escaped(event.name().as_bytes())?,
            props: [event.props.text(), &[]],
            options: event.options.text(),
            marks: stamped | own | event.props.marks(),
            timestamp: event.timestamp.unwrap_or_else(|| self.now()),
            uuid: event.uuid,
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.shut_down(Some(Duration::ZERO));
        if !self.first.belongs_to(fork::generation()) {
            // The parent's locks may be held, and its connections are in use: one reference too
            // many, so that this copy is never torn down.
            std::mem::forget(Arc::clone(&self.first));
        }
    }
}
