//! A part of a file as memory that the system writes back, whatever becomes of the process.

use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};
use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::slice;
use std::sync::Arc;

/// Some pages of a file whose space is allocated, so that touching them never finds the disk full. A
/// forked child does not have them.
pub struct Pages(Arc<MmapRaw>);

/// The memory of some pages, for the system to have back.
pub struct Resident(Arc<MmapRaw>);

impl Resident {
    /// Gives it back until it is next looked at. What is in the pages stays.
    pub fn give_back(&self) {
        // SAFETY: a shared map of a file loses nothing: its pages come back from the file's cache,
        // whoever reads or writes them meanwhile.
        let _ = unsafe { self.0.unchecked_advise(UncheckedAdvice::DontNeed) };
    }
}

impl Pages {
    /// Maps them, and has the system provide them at once: who writes to them first does not wait.
    pub fn map(file: &File, at: u64, len: usize) -> io::Result<Pages> {
        let map = MmapOptions::new().offset(at).len(len).map_raw(file)?;
        map.advise(Advice::DontFork)?;
        // Older kernels cannot; then each page is provided when it is first written to.
        let _ = map.advise(Advice::PopulateWrite);
        Ok(Pages(Arc::new(map)))
    }

    /// Their memory. Giving that back takes a while, which nobody is to wait for with a lock.
    pub fn resident(&self) -> Resident {
        Resident(Arc::clone(&self.0))
    }
}

impl Deref for Pages {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the map is as long as that, readable, and lives as long as `self`. The file is this
        // process's alone (`sys::locked`), and is never made shorter.
        unsafe { slice::from_raw_parts(self.0.as_ptr(), self.0.len()) }
    }
}

impl DerefMut for Pages {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `deref`; it is writable, and `self` is borrowed for as long as the slice.
        unsafe { slice::from_raw_parts_mut(self.0.as_mut_ptr(), self.0.len()) }
    }
}
