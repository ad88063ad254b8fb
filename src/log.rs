//! Diagnostics: to the host's callback, to standard error when debugging was asked for, and
//! otherwise nowhere. A library never writes to its host's terminal by itself.

use crate::hooks::Gate;
use crate::sys;
use std::fmt;
use std::sync::Arc;

/// How much a line matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Receives each line. Must not call back into the library.
pub type Sink = dyn Fn(Level, &str) + Send + Sync;

/// Where the lines of one client go.
#[derive(Clone)]
pub struct Logger {
    sink: Option<Arc<Sink>>,
    debug: bool,
    gate: Arc<Gate>,
}

impl Logger {
    pub fn new(sink: Option<Arc<Sink>>, debug: bool, gate: Arc<Gate>) -> Logger {
        Logger { sink, debug, gate }
    }

    pub fn log(&self, level: Level, text: fmt::Arguments<'_>) {
        if let Some(sink) = &self.sink {
            self.gate.pass(|| sink(level, &text.to_string()));
        } else if self.debug {
            let name = match level {
                Level::Debug => "debug",
                Level::Info => "info",
                Level::Warn => "warning",
                Level::Error => "error",
            };
            sys::stderr::write(&format!("posthog: {name}: {text}\n"));
        }
    }
}
