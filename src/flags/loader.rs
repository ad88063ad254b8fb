//! Flags from definitions at hand: the evaluation without a request, and the thread that keeps the
//! definitions up to date.

mod endpoint;
mod fetcher;
mod file;
mod pass;
mod poller;
mod store;

use super::context::Context;
use super::draft::{Draft, Source};
use super::explanation::{Explanation, Missing};
use super::found::Found;
use super::local::{self, Evaluation};
use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::hooks::Gate;
use crate::log::{Level, Logger};
use crate::transport::Transport;
use fetcher::Fetcher;
use poller::Poller;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use store::{Loaded, Store};

/// The definitions of one client, in one process.
pub struct Loader {
    store: Arc<Store>,
    /// `None` without a key or a cache to read definitions from: there are those that the host
    /// loads.
    poller: Option<Poller>,
    logger: Logger,
}

impl Loader {
    /// Starts nothing. A forked child has the definitions that its parent had.
    pub fn new(
        config: &Config,
        transport: &Arc<Transport>,
        logger: &Logger,
        gate: &Arc<Gate>,
        parent: Option<&Loader>,
    ) -> Loader {
        let store = Arc::new(parent.map(|parent| parent.store.inherit()).unwrap_or_default());
        let readable = config.secret_key.is_some() || config.hooks.definitions_cache.is_some();
        let poller = (readable && config.local_evaluation).then(|| {
            let (transport, gate) = (Arc::clone(transport), Arc::clone(gate));
            let fetcher = Fetcher::new(Arc::clone(&store), transport, logger.clone(), gate, config);
            Poller::new(fetcher, config.definitions_poll_ms.millis())
        });
        Loader { store, poller, logger: logger.clone() }
    }

    /// Evaluates what the context wants. Returns what is known, and whether the server might know
    /// more; `None` without definitions.
    pub fn evaluate(&self, distinct_id: &str, context: &Context) -> Option<(Draft, bool)> {
        let loaded = self.lent();
        let loaded = loaded.as_ref()?;
        let now = clock::now();
        let subject = pass::subject(distinct_id, context, now);
        let (records, needs_server) = pass::evaluate(&loaded.definitions, &subject, context);
        let source = Arc::new(source(loaded, now.unix_millis()));
        Some((Draft { records, source, ..Draft::default() }, needs_server))
    }

    /// Evaluates one flag, and hands it to `then`, with what tells where it came from. `None`
    /// without definitions, or one of it.
    pub fn find<R>(
        &self,
        distinct_id: &str,
        key: &str,
        context: &Context,
        then: impl FnOnce(Found<'_>, &dyn Fn() -> Source) -> R,
    ) -> Option<R> {
        let loaded = self.lent();
        let loaded = loaded.as_ref()?;
        let definitions = &loaded.definitions;
        let flag = definitions.find(key)?;
        let now = clock::now();
        let subject = pass::subject(distinct_id, context, now);
        let outcome = Evaluation::new(definitions, &subject, ()).outcome(flag);
        Some(then(pass::found(flag, outcome), &|| source(loaded, now.unix_millis())))
    }

    /// How a flag is decided, step by step.
    pub fn explain(
        &self,
        distinct_id: &str,
        key: &str,
        context: &Context,
    ) -> Result<Explanation, Missing> {
        let loaded = self.store.get();
        let definitions = &loaded.as_ref().ok_or(Missing::NoDefinitions)?.definitions;
        let flag = definitions.find(key).ok_or(Missing::NoFlag)?;
        let subject = pass::subject(distinct_id, context, clock::now());
        Ok(local::explain(definitions, flag, &subject))
    }

    /// The definitions, and from here on somebody who keeps them up to date.
    #[inline]
    fn lent(&self) -> store::Lent {
        if let Some(poller) = &self.poller {
            poller.ensure();
        }
        self.store.get()
    }

    /// Starts the thread, if there is to be one.
    pub fn start(&self) -> Result<(), Error> {
        self.poller.as_ref().map_or(Ok(()), Poller::start)
    }

    /// Waits until there are definitions.
    pub fn wait_ready(&self, deadline: Option<Instant>) -> Result<(), Error> {
        match &self.poller {
            Some(poller) => poller.wait_ready(deadline),
            None if self.store.is_empty() => Err(Error::Unsupported),
            None => Ok(()),
        }
    }

    /// Asks the server now whether there are newer ones.
    pub fn refresh(&self, deadline: Option<Instant>) -> Result<(), Error> {
        self.poller.as_ref().ok_or(Error::Unsupported)?.refresh(deadline)
    }

    /// Puts definitions in place of those that are known.
    pub fn load(&self, text: &[u8]) -> Result<(), Error> {
        self.store.replace(text).map(drop).map_err(|_| Error::Json)
    }

    /// Puts those of a file in place of those that are known.
    pub fn load_file(&self, path: &str) -> Result<(), Error> {
        let text = file::read(Path::new(path), endpoint::ANSWER_MAX);
        self.load(&text.map_err(|error| self.failed("read", path, &error))?)
    }

    /// Writes those that are known to a file.
    pub fn save_file(&self, path: &str) -> Result<(), Error> {
        let loaded = self.store.get();
        let text = &loaded.as_ref().ok_or(Error::Unsupported)?.text;
        file::replace(Path::new(path), text).map_err(|error| self.failed("write", path, &error))
    }

    fn failed(&self, what: &str, path: &str, error: &std::io::Error) -> Error {
        let text = format_args!("flag definitions: could not {what} {path}: {error}");
        self.logger.log(Level::Warn, text);
        Error::File
    }

    /// The text of the definitions that are known.
    pub fn save(&self) -> Option<Vec<u8>> {
        self.store.get().as_ref().map(|loaded| loaded.text.to_vec())
    }

    pub fn close(&self) {
        self.poller.iter().for_each(Poller::close);
    }

    pub fn open(&self) {
        self.poller.iter().for_each(Poller::open);
    }

    /// Waits until no thread runs, at most until the deadline.
    pub fn wait_end(&self, deadline: Instant) {
        self.poller.iter().for_each(|poller| poller.wait_end(deadline));
    }
}

fn source(loaded: &Loaded, now_ms: i64) -> Source {
    Source {
        evaluated_at: Some(now_ms),
        taken: Some(Instant::now()),
        definitions_loaded_at: Some(loaded.loaded_at),
        minimal: loaded.definitions.minimal_flag_called_events(),
        ..Source::default()
    }
}
