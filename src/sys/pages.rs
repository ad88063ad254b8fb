//! A part of a file as memory that the system writes back, whatever becomes of the process.

use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};
use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::slice;
use std::sync::Arc;

/// A stretch of a file as address space, which may be longer than the file. Processes have a limited
/// number of mappings, and the host needs its own: many parts are used by one. A forked child does not
/// have it.
pub struct Window(MmapRaw);

impl Window {
    pub fn map(file: &File, at: u64, len: usize) -> io::Result<Arc<Window>> {
        let map = MmapOptions::new().offset(at).len(len).map_raw(file)?;
        map.advise(Advice::DontFork)?;
        Ok(Arc::new(Window(map)))
    }
}

/// The memory of some pages, for the system to have back.
#[derive(Clone)]
pub struct Resident {
    window: Arc<Window>,
    start: usize,
    len: usize,
}

impl Resident {
    /// Gives it back until it is next looked at. What is in the pages stays.
    pub fn give_back(&self) {
        let Resident { window, start, len } = self;
        // SAFETY: a shared map of a file loses nothing: its pages come back from the file's cache,
        // whoever reads or writes them meanwhile.
        let _ = unsafe { window.0.unchecked_advise_range(UncheckedAdvice::DontNeed, *start, *len) };
    }

    fn place(&self) -> *mut u8 {
        self.window.0.as_mut_ptr().wrapping_add(self.start)
    }
}

/// Some pages of a window, whose space the file has, so that touching them never finds the disk full.
pub struct Pages(Resident);

impl Pages {
    /// They are nobody else's meanwhile. `None` where the window ends before them.
    pub fn of(window: Arc<Window>, start: usize, len: usize) -> Option<Pages> {
        let is_within = start.checked_add(len)? <= window.0.len();
        is_within.then_some(Pages(Resident { window, start, len }))
    }

    /// Has the system provide them at once: who writes to them first does not wait. An error where
    /// writing to them would end the process: somebody has cut the file short, or the file system has
    /// no place for them, whatever it has promised.
    pub fn provide(&self) -> io::Result<()> {
        let Resident { window, start, len } = &self.0;
        match window.0.advise_range(Advice::PopulateWrite, *start, *len) {
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Err(error),
            // Older kernels cannot; then each page is provided when it is first written to.
            _ => Ok(()),
        }
    }

    /// Their memory. Giving that back takes a while, which nobody is to wait for with a lock.
    pub fn resident(&self) -> Resident {
        self.0.clone()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl Deref for Pages {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the window is as long as that, readable, and lives as long as `self`. The file has
        // these pages, is this process's alone (`sys::locked`), and is never made shorter.
        unsafe { slice::from_raw_parts(self.0.place(), self.0.len) }
    }
}

impl DerefMut for Pages {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `deref`; it is writable, whoever made `self` sees to it that these pages are
        // nobody else's, and `self` is borrowed for as long as the slice.
        unsafe { slice::from_raw_parts_mut(self.0.place(), self.0.len) }
    }
}
