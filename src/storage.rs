//! The storage directory: files that outlive their process, for the next one to take over.
//!
//! Each file belongs to one living process (`sys::locked`) and to one project, and begins with a
//! header. What follows is of several kinds, which this module does not look into. Files of dead
//! processes are adopted by whoever comes next; those of another project, or of a format that this
//! version does not know, are left alone and reported.

mod header;

pub use header::{HEADER, Kind};

use crate::sys::locked::{LockedFile, user};
use crate::uuid::Random;
use header::Header;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A file under this name is being made, or was when its process died.
const UNFINISHED: &str = "new";
/// How often a name is tried anew: others in the directory may take it for left over.
const ATTEMPTS: usize = 5;

/// Whose files they are: a digest of key and host, so that neither is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Project([u8; 32]);

impl Project {
    pub fn new(api_key: &str, host: &str) -> Project {
        let mut digest = Sha256::new();
        digest.update(api_key.as_bytes());
        digest.update([0]);
        digest.update(host.as_bytes());
        Project(digest.finalize().into())
    }
}

/// Why a directory cannot be used.
#[derive(Debug)]
pub enum Problem {
    NotADirectory,
    OfAnotherUser,
    WorldWritable,
    System(io::Error),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NotADirectory => f.write_str("it is not a directory"),
            Problem::OfAnotherUser => f.write_str("it belongs to another user"),
            Problem::WorldWritable => f.write_str("everybody may write to it"),
            Problem::System(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        Problem::System(error)
    }
}

/// A directory that is fit to be written to.
pub struct Directory {
    path: PathBuf,
    project: Project,
}

/// A file of this process's. It stays when this is dropped, for the next process to adopt.
pub struct Owned {
    pub file: LockedFile,
    path: PathBuf,
    /// Tells it from every other file.
    pub id: [u8; 16],
}

impl Owned {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes it. It is no error when somebody has done so before.
    pub fn remove(self) {
        self.unlink();
    }

    /// The same while it is still in use: what is in it can be found by nobody else.
    pub fn unlink(&self) {
        // While it is locked: nobody else adopts it in between.
        let _ = fs::remove_file(&self.path);
    }
}

/// What was found of one kind.
#[derive(Default)]
pub struct Found {
    /// Of this project and of dead processes, oldest first.
    pub adopted: Vec<Owned>,
    /// Dead files that were left: of other projects, and such that cannot be read.
    pub left: Left,
    /// The last that was looked at, where there are more behind it.
    pub rest: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Left {
    pub foreign: usize,
    pub unknown: usize,
}

impl Directory {
    /// Makes the directory if only it is missing, not its parent.
    pub fn open(path: &Path, project: Project) -> Result<Directory, Problem> {
        let path = std::path::absolute(path)?;
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        check(&fs::metadata(&path)?)?;
        Ok(Directory { path, project })
    }

    /// A new file of `len` bytes behind its header, all of them 0.
    pub fn create(&self, kind: Kind, len: u64, now_ms: i64) -> io::Result<Owned> {
        let mut failed = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..ATTEMPTS {
            match self.try_create(kind, len, now_ms) {
                // Taken for the rest of a dead process, and locked or removed, by another one.
                Err(error) if is_passing(&error) && self.path.is_dir() => failed = error,
                done => return done,
            }
        }
        Err(failed)
    }

    fn try_create(&self, kind: Kind, len: u64, now_ms: i64) -> io::Result<Owned> {
        let mut random = Random::new();
        let id = (u128::from(random.next()) << 64 | u128::from(random.next())).to_le_bytes();
        // By name in the order of their time. `is_name` knows the form.
        let name = format!("{:013x}-{}", now_ms.max(0), hex(&id[..8]));
        let unfinished = self.path.join(&name).with_extension(UNFINISHED);
        let path = self.path.join(&name).with_extension(kind.name());
        let file = LockedFile::create(&unfinished, HEADER as u64 + len).inspect_err(|error| {
            if error.kind() != io::ErrorKind::AlreadyExists {
                let _ = fs::remove_file(&unfinished);
            }
        })?;
        let header = Header { kind, project: self.project, id };
        file.write_at(&header.bytes(), 0)
            .and_then(|()| fs::rename(&unfinished, &path))
            .inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
        Ok(Owned { file, path, id })
    }

    /// Has the disk keep the names of the files there are, and forget those of others.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        // Who made the directory may not have waited for the disk.
        match self.path.parent().map(File::open) {
            Some(Ok(parent)) => parent.sync_all(),
            _ => Ok(()),
        }
    }

    /// Of which kinds there are files, of whomever.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        let names = self.names().unwrap_or_default();
        let is_there = move |kind: &Kind| names.iter().any(|name| extension(name) == kind.name());
        Kind::ALL.into_iter().filter(is_there)
    }

    /// By their time.
    fn names(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.path)?;
        let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The files of one kind whose processes have ended: at most so many, each of which has a descriptor,
    /// of those behind that one.
    pub fn adopt(&self, kind: Kind, behind: Option<&Path>, max: usize) -> io::Result<Found> {
        let mut found = Found::default();
        let mut last = None;
        for path in self.names()? {
            if extension(&path) == UNFINISHED && is_name(&path) {
                // Nobody has ever used it.
                if let Ok(Some(_locked)) = LockedFile::adopt(&path) {
                    let _ = fs::remove_file(&path);
                }
            } else if extension(&path) == kind.name() && behind.is_none_or(|it| it < path) {
                if found.adopted.len() >= max {
                    found.rest = last;
                    break;
                }
                self.consider(kind, path.clone(), &mut found);
                last = Some(path);
            }
        }
        Ok(found)
    }

    fn consider(&self, kind: Kind, path: PathBuf, found: &mut Found) {
        // What cannot even be opened is not ours to report: a living process's, perhaps.
        let Ok(Some(file)) = LockedFile::adopt(&path) else { return };
        let mut bytes = [0; HEADER];
        let header = file.read_at(&mut bytes, 0).ok().and_then(|()| Header::parse(&bytes));
        match header {
            Some(header) if header.kind != kind => found.left.unknown += 1,
            Some(header) if header.project != self.project => found.left.foreign += 1,
            Some(Header { id, .. }) => found.adopted.push(Owned { file, path, id }),
            None => found.left.unknown += 1,
        }
    }
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|it| it.to_str()).unwrap_or_default()
}

/// Whether `try_create` gives such names: a directory may have files of its user's beside.
fn is_name(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    stem.split_once('-')
        .is_some_and(|(time, id)| time.len() >= 13 && id.len() == 16 && is_hex(time) && is_hex(id))
}

fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, NotFound, WouldBlock};
    matches!(error.kind(), AlreadyExists | NotFound | WouldBlock)
}

fn check(metadata: &Metadata) -> Result<(), Problem> {
    if !metadata.is_dir() {
        return Err(Problem::NotADirectory);
    }
    if metadata.uid() != user() {
        return Err(Problem::OfAnotherUser);
    }
    // A sticky bit would keep others from deleting, but not from adding files.
    if metadata.mode() & 0o002 != 0 {
        return Err(Problem::WorldWritable);
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
