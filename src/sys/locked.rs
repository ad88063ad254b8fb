//! Files that belong to one living process: by a lock that the system takes away when it ends, in
//! whatever way.
//!
//! POSIX `fcntl` locks: process ids come again in containers, and `flock` lives on in a forked
//! child. They have two traps. Within a process they hold nobody off; and whoever closes *any*
//! descriptor of a file gives up the process's lock on it. So each process keeps a list of the files
//! that are its own, by device and inode, and never opens one of them a second time.

use crate::sys::fork;
use crate::sys::pages::Window;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// `FS_NOCOW_FL` of `linux/fs.h`.
const NO_COPY_ON_WRITE: libc::c_long = 0x0080_0000;

/// A file that is this process's while this lives.
pub struct LockedFile {
    // Closed first, which gives the lock up; only then may another thread claim the file.
    file: File,
    claim: Option<Claim>,
}

/// Device and inode.
type Identity = (u64, u64);

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// The files that one process has. Never freed: a forked child makes its own, with a lock that no
/// thread of its parent has, and leaves alone what another thread may have been changing.
struct Claims {
    generation: u64,
    files: Mutex<Vec<Identity>>,
    /// The parent's, so that whoever looks for leaks finds it.
    _older: Option<&'static Claims>,
}

static CLAIMS: AtomicPtr<Claims> = AtomicPtr::new(ptr::null_mut());

impl Claims {
    /// Those of this process.
    fn own() -> &'static Claims {
        let generation = fork::generation();
        let mut known = CLAIMS.load(Ordering::Acquire);
        loop {
            // SAFETY: null, or never freed, and changed by way of its lock alone.
            let claims = unsafe { known.as_ref() };
            if let Some(own) = claims.filter(|claims| claims.generation == generation) {
                return own;
            }
            let files = Mutex::default();
            let fresh = Box::leak(Box::new(Claims { generation, files, _older: claims }));
            // Of two threads that make one at once, the first one's stays.
            match CLAIMS.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => known = fresh,
                Err(newer) => known = newer,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Identity>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in that list, until this is dropped.
struct Claim {
    claims: &'static Claims,
    identity: Identity,
}

impl Claim {
    /// `None` when this process has the file already.
    fn make(metadata: &Metadata) -> Option<Claim> {
        let (claims, identity) = (Claims::own(), identity(metadata));
        let mut files = claims.lock();
        if files.contains(&identity) {
            return None;
        }
        files.push(identity);
        drop(files);
        Some(Claim { claims, identity })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A child has a copy of its parent's list, and perhaps of a thread's lock on it.
        if self.claims.generation == fork::generation() {
            let mut files = self.claims.lock();
            if let Some(place) = files.iter().position(|it| *it == self.identity) {
                files.swap_remove(place);
            }
        }
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // One that nobody finds any more is never opened again, and as soon as it is closed its number
        // may be another file's.
        if self.is_gone() {
            self.claim = None;
        }
    }
}

impl LockedFile {
    /// Makes a file, for its owner alone, with room for `len` bytes: a disk that is full says so now
    /// and not when the bytes are written.
    pub fn create(path: &Path, len: u64) -> io::Result<LockedFile> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = options.custom_flags(libc::O_NOFOLLOW).open(path)?;
        let claim = Claim::make(&file.metadata()?).ok_or(io::ErrorKind::AlreadyExists)?;
        let locked = LockedFile { file, claim: Some(claim) };
        if !locked.lock()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        locked.stay_in_place();
        locked.allocate(0, len)?;
        Ok(locked)
    }

    /// Has each write go to where the bytes are. Btrfs would look for a new place, and a mapped page
    /// for which a full disk has none ends the process. Only of a file that is empty; other file
    /// systems have no such flag, and no need of it.
    fn stay_in_place(&self) {
        let (file, mut flags) = (self.file.as_raw_fd(), 0 as libc::c_long);
        // SAFETY: the descriptor is open, and `flags` has room for what is written, an `int`.
        if unsafe { libc::ioctl(file, libc::FS_IOC_GETFLAGS, &raw mut flags) } == 0 {
            flags |= NO_COPY_ON_WRITE;
            // SAFETY: as above; it is read now.
            unsafe { libc::ioctl(file, libc::FS_IOC_SETFLAGS, &raw const flags) };
        }
    }

    /// Takes a file over whose process has ended. `None` while it lives, or when the file is not one
    /// that this user's processes write.
    pub fn adopt(path: &Path) -> io::Result<Option<LockedFile>> {
        let before = std::fs::symlink_metadata(path)?;
        if !before.is_file() || before.uid() != user() {
            return Ok(None);
        }
        // Claimed before it is opened: closing a descriptor of a file of our own would unlock it.
        let Some(claim) = Claim::make(&before) else { return Ok(None) };
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let locked = LockedFile { file: options.open(path)?, claim: Some(claim) };
        let is_same = identity(&locked.file.metadata()?) == identity(&before);
        // Whoever had it before may have removed it meanwhile.
        Ok((is_same && locked.lock()? && locked.file.metadata()?.nlink() > 0).then_some(locked))
    }

    /// False when another process has it.
    fn lock(&self) -> io::Result<bool> {
        // SAFETY: `flock` is integers, for which zero is a value: from the beginning to the end.
        let mut whole: libc::flock = unsafe { std::mem::zeroed() };
        whole.l_type = libc::F_WRLCK as libc::c_short;
        whole.l_whence = libc::SEEK_SET as libc::c_short;
        // SAFETY: the descriptor is open, and `whole` outlives the call.
        if unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_SETLK, &raw const whole) } == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        let is_taken = matches!(error.raw_os_error(), Some(libc::EACCES | libc::EAGAIN));
        if is_taken { Ok(false) } else { Err(error) }
    }

    /// Has the disk provide `len` bytes from `at` on: one that is full says so now.
    pub fn allocate(&self, at: u64, len: u64) -> io::Result<()> {
        let offset = |bytes| libc::off_t::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput);
        let end = at.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
        offset(end)?;
        // Beyond the process's own limit the system would send a signal that ends it.
        if end > size_limit() {
            return Err(io::Error::from_raw_os_error(libc::EFBIG));
        }
        // SAFETY: the descriptor is open.
        match unsafe { libc::posix_fallocate(self.file.as_raw_fd(), offset(at)?, offset(len)?) } {
            0 => Ok(()),
            // A file system that cannot, and a C library that does not do it by hand; or one that gives
            // up whenever a signal comes, as tmpfs did before Linux 6.18, also at the next try.
            libc::EOPNOTSUPP | libc::EINVAL | libc::EINTR => self.fill(at, end),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    fn fill(&self, mut at: u64, end: u64) -> io::Result<()> {
        let zeros = [0; 4096];
        while at < end {
            let part = zeros.len().min((end - at) as usize);
            self.file.write_all_at(&zeros[..part], at)?;
            at += part as u64;
        }
        Ok(())
    }

    /// Gives the disk back what lies there, which reads as zeros from then on. Not every file system
    /// can, which costs nothing but space.
    pub fn punch(&self, at: u64, len: u64) {
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        if let (Ok(at), Ok(len)) = (libc::off_t::try_from(at), libc::off_t::try_from(len)) {
            // SAFETY: the descriptor is open.
            unsafe { libc::fallocate(self.file.as_raw_fd(), mode, at, len) };
        }
    }

    /// How long it is.
    pub fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// A part of it, to be used as memory as far as it is allocated. It begins at a page.
    pub fn window(&self, at: u64, len: usize) -> io::Result<Arc<Window>> {
        Window::map(&self.file, at, len)
    }

    /// What lies there, read and not mapped: a file that is cut short meanwhile is an error.
    pub fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, at)
    }

    pub fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    /// Has the disk keep what is in it, what was written to mapped parts included. Takes as long as
    /// the disk does.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// The file as memory that the system writes back, whatever becomes of the process. A forked
    /// child does not have it.
    pub fn map(&self) -> io::Result<memmap2::MmapRaw> {
        let map = memmap2::MmapRaw::map_raw(&self.file)?;
        map.advise(memmap2::Advice::DontFork)?;
        // Touched in a few places: with each of them the system would fill 32 pages.
        map.advise(memmap2::Advice::Random)?;
        Ok(map)
    }

    /// Whether somebody has removed it.
    pub fn is_gone(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }
}

/// How large a file of this process may be.
fn size_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is writable and outlives the call.
    match unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } {
        0 => limit.rlim_cur,
        _ => u64::MAX,
    }
}

/// Whom this process acts for.
pub fn user() -> u32 {
    // SAFETY: has no preconditions.
    unsafe { libc::geteuid() }
}
