//! Crashes: this process's record, made ready before anything happens, and the reports of those that
//! ended by one.
//!
//! What may run while the process dies is in `sys::crash`. Everything that takes time or memory is
//! done before, by `Crash`, or after, by the next process, by `Reports`.

mod images;
mod record;
mod report;
mod signal;
mod unwind;

pub use report::{Report, Reports};

use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::log::{Level, Logger};
use crate::props::Props;
use crate::storage::{Directory, HEADER, Kind, Owned, Project};
use crate::sys::crash::{Recorder, attach, layout};
use crate::sys::images::Images;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The record of one client in one process.
pub struct Crash {
    recorder: Recorder,
    file: Mutex<Option<Owned>>,
    /// Held from looking at what a report is to say until that is written.
    preparing: Mutex<()>,
    /// Whether signals are handled.
    handles: bool,
    /// That somebody has removed the file has been told.
    is_gone: AtomicBool,
    images: images::Prepared,
    /// Who a report is of.
    identity: Mutex<Option<String>>,
    logger: Logger,
}

/// What a report says of its process.
#[derive(Default)]
pub struct Scene<'a> {
    pub props: Props,
    pub release: Option<&'a str>,
    /// A JSON array.
    pub steps: Option<Vec<u8>>,
}

/// The storage directory of a configuration; `None` without one, or when it is unfit, which is told.
pub fn directory(config: &Config, logger: &Logger) -> Option<Directory> {
    let Some(path) = config.storage_dir.as_ref() else {
        if config.crash_handler {
            let why = "it needs a storage directory (ph_config_set_storage_dir)";
            logger.log(Level::Warn, format_args!("no crash handler: {why}"));
        }
        return None;
    };
    let project = Project::new(&config.api_key, &config.host);
    Directory::open(path, project)
        .inspect_err(|problem| {
            let what = "neither events nor crashes of this process will outlive it";
            warn(logger, path, &format!("it cannot be used: {problem}"), what);
        })
        .ok()
}

fn warn(logger: &Logger, path: &std::path::Path, why: &str, what: &str) {
    let path = path.display();
    logger.log(Level::Warn, format_args!("storage directory {path}: {why}; {what}"));
}

/// Gives the calling thread a stack for signal handlers.
pub fn attach_thread() -> Result<(), Error> {
    attach().map_err(|_| Error::NoMemory)
}

impl Crash {
    /// Makes a record and, if the options say so, has signals write to it. In a forked child the
    /// images are those of its parent.
    pub fn open(
        config: &Config,
        directory: &Directory,
        logger: &Logger,
        parent: Option<&Crash>,
    ) -> Option<Crash> {
        let now_ms = clock::now().unix_millis();
        let opened = directory.create(Kind::Crash, layout::LEN as u64, now_ms).and_then(|owned| {
            let map = owned.file.map()?;
            Ok((owned, map))
        });
        let recorder = opened
            .map_err(|error| error.to_string())
            .and_then(|(owned, map)| {
                let recorder = Recorder::new(map, HEADER).ok_or("the file is too short")?;
                Ok((recorder, owned))
            })
            .inspect_err(|why| {
                if let Some(path) = &config.storage_dir {
                    warn(logger, path, why, "crashes of this process will not be reported");
                }
            });
        let (recorder, owned) = recorder.ok()?;
        let crash = Crash {
            recorder,
            file: Mutex::new(Some(owned)),
            preparing: Mutex::new(()),
            handles: config.crash_handler,
            is_gone: AtomicBool::new(false),
            images: images::Prepared::new(parent.map(|parent| &parent.images)),
            identity: Mutex::new(parent.and_then(|parent| parent.identity())),
            logger: logger.clone(),
        };
        crash.arm();
        Some(crash)
    }

    /// Whether signals are handled for this client.
    pub fn handles_signals(&self) -> bool {
        self.handles
    }

    pub fn arm(&self) {
        if !self.handles {
            return;
        }
        // A thread without such a stack cannot report that it has used up its own.
        let _ = attach();
        if !self.recorder.arm() {
            let why = "another client of this process reports its crashes";
            self.logger.log(Level::Warn, format_args!("no crash handler: {why}"));
        }
    }

    fn identity(&self) -> Option<String> {
        // A parent's lock may be held by a thread that a forked child does not have.
        self.identity.try_lock().ok()?.clone()
    }

    pub fn set_identity(&self, distinct_id: Option<&str>) {
        let mut identity = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        *identity = distinct_id.map(str::to_owned);
    }

    /// Whoever has this is the only one that prepares: what was looked at last is written last.
    pub fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.preparing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what a report will say. What does not fit is left out, the properties first.
    pub fn prepare(&self, loaded: &Images, scene: &Scene<'_>) -> Result<(), Error> {
        self.look_after_file();
        self.images.refresh(loaded, |bytes| self.recorder.set_images(bytes));
        let text = self.context(scene, true)?;
        if !self.recorder.set_context(&text) {
            self.recorder.set_context(&self.context(scene, false)?);
        }
        Ok(())
    }

    fn context(&self, scene: &Scene<'_>, with_props: bool) -> Result<Vec<u8>, Error> {
        let mut context = Props::new();
        let identity = self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (key, text) in [("distinct_id", identity.as_deref()), ("release", scene.release)] {
            if let Some(text) = text {
                context.set_str(key, text.as_bytes())?;
            }
        }
        if with_props {
            context.set_object("props", &scene.props)?;
        }
        if let Some(steps) = &scene.steps {
            context.set_raw("steps", steps)?;
        }
        Ok([b"{", context.text(), b"}"].concat())
    }

    /// Writes the note. May run in a signal handler. Frames below `inner` are left out of its stack.
    pub fn write(&self, message: &[u8], inner: usize) -> Result<(), Error> {
        if self.recorder.write_note(message, inner) { Ok(()) } else { Err(Error::QueueFull) }
    }

    /// Tells once that somebody has removed the file: nobody will find what is written to it.
    fn look_after_file(&self) {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let is_gone = file.as_ref().is_some_and(|file| file.file.is_gone());
        if is_gone && !self.is_gone.swap(true, Ordering::Relaxed) {
            let what = "the file of crashes has been removed: they will not be reported";
            self.logger.log(Level::Warn, format_args!("{what}"));
        }
    }

    /// The client has come to its end in order: unless there is something to report, nothing stays.
    pub fn end(&self) {
        self.look_after_file();
        let reports = self.recorder.end();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file.take().filter(|_| !reports) {
            file.remove();
        }
    }

    /// Forgets everything, at the user's wish, and lets go of the signals.
    pub fn clear(&self) {
        let _one_at_a_time = self.one_at_a_time();
        self.recorder.end();
        self.recorder.clear();
        self.images.forget();
    }
}
