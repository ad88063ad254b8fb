//! Files in which a queue's events lie, so that they outlive the process.
//!
//! A queue has one file, of slots; a slot holds one of its segments. The file grows by a slot at a
//! time, its space allocated before anything is written, and slots are used again when everything
//! in them is settled. Files of dead processes are read slot by slot (`LeftOver`).

mod adoption;
mod file;
mod left;
mod syncer;

pub use crate::sys::pages::Resident;
pub use file::{Hold, Place, Slot};
pub use left::{Found, LeftOver};
pub use syncer::Syncer;

use crate::clock;
use crate::error::Error;
use crate::log::{Level, Logger};
use crate::storage::{Directory, Kind, Owned};
use crate::sys::thread;
use file::SlotFile;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// What a file, and what dead processes left, may hold.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub bytes_max: u64,
    pub age_max_ms: i64,
}

/// Where one queue's events lie.
pub struct Store {
    directory: Arc<Directory>,
    kind: Kind,
    bounds: Bounds,
    /// Bytes of a slot. An event that needs more has several in a row.
    unit: usize,
    /// Slots that may be used: at most, and now that the disk is full.
    units_max: usize,
    grown: AtomicUsize,
    disk_is_full: AtomicBool,
    used: Arc<AtomicUsize>,
    /// Whether anything more is stored: not where that failed once.
    is_active: AtomicBool,
    /// Made when the first event comes.
    own: Mutex<Option<Arc<SlotFile>>>,
    /// All of whose events some may not be settled.
    files: Mutex<Vec<Weak<SlotFile>>>,
    /// Behind which there are more files of dead processes. Held while some are taken over.
    rest: Mutex<Option<PathBuf>>,
    /// Where the host wants events to outlive a loss of power.
    syncer: Option<Syncer>,
    /// The disk was not told of files that came or went.
    has_new_names: AtomicBool,
    /// That the disk did not do as it was told has been told.
    sync_failed: AtomicBool,
    logger: Logger,
}

impl Store {
    /// For segments of about so many bytes. What is accepted is to be on the disk within `sync`, if the
    /// host asks for that.
    pub fn new(
        directory: Arc<Directory>,
        kind: Kind,
        bounds: Bounds,
        segment: usize,
        sync: Option<Duration>,
        logger: Logger,
    ) -> Store {
        let unit = segment.next_multiple_of(file::PAGE);
        let units_max = usize::try_from(bounds.bytes_max).unwrap_or(usize::MAX) / unit;
        Store {
            directory,
            kind,
            bounds,
            unit,
            units_max: units_max.max(1),
            grown: AtomicUsize::new(0),
            disk_is_full: AtomicBool::new(false),
            used: Arc::new(AtomicUsize::new(0)),
            is_active: AtomicBool::new(true),
            own: Mutex::new(None),
            files: Mutex::new(Vec::new()),
            rest: Mutex::new(None),
            syncer: sync.map(Syncer::new),
            has_new_names: AtomicBool::new(false),
            sync_failed: AtomicBool::new(false),
            logger,
        }
    }

    /// False once storing has failed: events are kept in memory then, within its bounds.
    pub fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Acquire)
    }

    fn units(&self, bytes: usize) -> usize {
        file::slot_len(bytes).div_ceil(self.unit)
    }

    /// Whether there is likely to be a slot for so many bytes.
    pub fn has_room(&self, bytes: usize) -> bool {
        let is_full = self.disk_is_full.load(Ordering::Relaxed);
        let max = if is_full { self.grown.load(Ordering::Relaxed) } else { self.units_max };
        !self.is_active() || self.used.load(Ordering::Relaxed) + self.units(bytes) <= max
    }

    /// Whether half of the file may still be filled.
    pub fn is_calm(&self) -> bool {
        self.has_room(self.unit * (self.units_max / 2))
    }

    /// Lets the file grow again, if it could not.
    pub fn look_again(&self) {
        self.disk_is_full.store(false, Ordering::Relaxed);
    }

    /// A slot for records of so many bytes. `None`: they are to be kept in memory.
    pub fn take(&self, bytes: usize) -> Result<Option<Slot>, Error> {
        if !self.is_active() {
            return Ok(None);
        }
        let mut own = lock(&self.own);
        let taken = self.open(&mut own).and_then(|file| {
            let slot = file.take(self.units(bytes), self.units_max)?;
            self.grown.store(file.units(), Ordering::Relaxed);
            Ok(slot)
        });
        match taken {
            Ok(Some(slot)) => Ok(Some(slot)),
            Ok(None) => Err(Error::QueueFull),
            Err(error) if self.grown.load(Ordering::Relaxed) > 0 && is_full(&error) => {
                self.disk_is_full.store(true, Ordering::Relaxed);
                Err(Error::QueueFull)
            }
            Err(error) => {
                *own = None;
                drop(own);
                self.fail(&error);
                Ok(None)
            }
        }
    }

    fn open(&self, own: &mut Option<Arc<SlotFile>>) -> io::Result<Arc<SlotFile>> {
        if let Some(file) = own {
            return Ok(Arc::clone(file));
        }
        let owned = self.directory.create(self.kind, 0, clock::now().unix_millis())?;
        let file = Arc::new(SlotFile::new(owned, self.unit, Arc::clone(&self.used)));
        self.know(&file);
        Ok(Arc::clone(own.insert(file)))
    }

    fn know(&self, file: &Arc<SlotFile>) {
        let mut files = lock(&self.files);
        files.retain(|known| known.strong_count() > 0);
        files.push(Arc::downgrade(file));
        self.has_new_names.store(true, Ordering::Release);
    }

    /// When the disk is told to keep what is stored, if it ever is.
    pub fn syncer(&self) -> Option<&Syncer> {
        self.syncer.as_ref()
    }

    /// Starts the thread that calls `sync` when that is due, unless it runs.
    pub fn start_syncer(self: &Arc<Store>, sync: impl Fn() + Send + 'static) {
        let Some(syncer) = self.syncer.as_ref().filter(|syncer| syncer.begin()) else { return };
        let store = Arc::clone(self);
        let run = move || store.syncer.iter().for_each(|syncer| syncer.run(&sync));
        if let Err(error) = thread::spawn("posthog-sync", run) {
            syncer.fail();
            self.sync_failed(&error);
        }
    }

    /// Has the disk keep which files there are and, if it is wanted, what is in them.
    pub fn sync(&self, is_wanted: bool) {
        let files: Vec<Arc<Owned>> = {
            let files = lock(&self.files);
            let files = files.iter().filter(|_| is_wanted).filter_map(Weak::upgrade);
            files.filter_map(|file| file.unsynced()).collect()
        };
        let mut synced = Ok(());
        for owned in &files {
            synced = synced.and(owned.file.sync());
        }
        if self.has_new_names.swap(false, Ordering::AcqRel) {
            let named = self.directory.sync();
            self.has_new_names.fetch_or(named.is_err(), Ordering::AcqRel);
            synced = synced.and(named);
        }
        if let Err(error) = synced {
            self.sync_failed(&error);
        }
    }

    fn sync_failed(&self, error: &io::Error) {
        if !self.sync_failed.swap(true, Ordering::AcqRel) {
            let what = "events may not outlive a loss of power";
            self.logger.log(Level::Warn, format_args!("storage: sync: {error}; {what}"));
        }
    }

    fn fail(&self, error: &io::Error) {
        if self.is_active.swap(false, Ordering::AcqRel) {
            let what = "events of this process that are not sent will not outlive it";
            self.logger.log(Level::Warn, format_args!("storage: {error}; {what}"));
        }
    }

    /// Whether what is in the files will be found by the next process: not where somebody has removed
    /// them.
    pub fn keeps(&self) -> bool {
        lock(&self.files).iter().filter_map(Weak::upgrade).any(|file| file.is_there())
    }

    /// Leaves the files to the next process, as they are.
    pub fn leave(&self) {
        self.is_active.store(false, Ordering::Release);
        lock(&self.files).drain(..).filter_map(|it| it.upgrade()).for_each(|it| it.leave());
    }

    /// Ends the use of a file that is left, or that nothing is in any more: such a one is removed.
    pub fn close(&self) {
        self.is_active.store(false, Ordering::Release);
        *lock(&self.own) = None;
    }

    /// Removes all files, at the user's wish. What is stored later has a new one.
    pub fn purge(&self) {
        let mut rest = lock(&self.rest);
        let mut own = lock(&self.own);
        lock(&self.files).drain(..).filter_map(|it| it.upgrade()).for_each(|it| it.purge());
        self.grown.store(0, Ordering::Relaxed);
        self.has_new_names.store(true, Ordering::Release);
        *own = None;
        while let Some(behind) = rest.take() {
            *rest = self.remove_behind(&behind);
        }
    }
}

/// Whether it is for lack of space: other errors do not pass.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
