//! Files: which one a path leads to, whether it is still the same, and what is in it.

use std::fs::{File, Metadata};
use std::ops::Deref;
use std::path::Path;

/// A file as it was at one time: where it is, how long, and when it was last changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    identity: [u64; 3],
    changed_at_ms: i64,
}

impl Version {
    pub fn changed_at_ms(&self) -> i64 {
        self.changed_at_ms
    }
}

/// `None` when there is no such file.
pub fn version(path: &str) -> Option<Version> {
    std::fs::metadata(path).ok().filter(Metadata::is_file).map(|metadata| of(&metadata))
}

/// The time of the inode's change, which nobody can set back.
#[cfg(unix)]
fn of(metadata: &Metadata) -> Version {
    use std::os::unix::fs::MetadataExt;
    let changed_at_ms = metadata.ctime() * 1_000 + metadata.ctime_nsec() / 1_000_000;
    Version { identity: [metadata.dev(), metadata.ino(), metadata.size()], changed_at_ms }
}

#[cfg(not(unix))]
fn of(metadata: &Metadata) -> Version {
    let time = |time: std::io::Result<std::time::SystemTime>| {
        let since = time.ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    };
    let changed = time(metadata.modified()).max(time(metadata.created()));
    Version { identity: [metadata.len(), 0, 0], changed_at_ms: changed.unwrap_or(i64::MAX) }
}

/// A file's bytes, read as they are looked at: they take no memory that the system could not take
/// back.
pub struct Map(memmap2::Mmap);

impl Map {
    /// `None` when there is no such file, or it is empty.
    ///
    /// For executables, libraries and what lies beside them. Who makes one shorter in its place,
    /// rather than replace it, takes away the code of every process that runs it, and ends this one
    /// too; installers do not do that.
    pub fn of(path: &Path) -> Option<Map> {
        let file = File::open(path).ok()?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return None;
        }
        // SAFETY: the bytes may change while they are looked at, which whoever reads them must
        // expect of any file; nothing else relies on them.
        unsafe { memmap2::Mmap::map(&file) }.ok().map(Map)
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
