//! Whose crash it is, and whether the program has survived it.

use super::layout::FREE;
use super::loaded;
use super::write::{LIMIT_MS, Record, monotonic_ms, pause, thread};
use crate::sys::fork;
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

/// How long others wait for the thread that was first. With what that has, 100 ms.
const WAIT_MS: u64 = LIMIT_MS;
/// A thread whose handler has not returned for so long is taken by others to have left it by a jump.
const SURVIVED_MS: u64 = 5_000;
/// What a handler of the host's takes of a stack at most, where it has none of its own.
const HANDLER_STACK_MAX: usize = 1 << 20;

/// Where this process's crash goes. Never freed, as a handler may be running, but used again.
pub struct Target {
    is_used: AtomicBool,
    /// One that was made before.
    older: AtomicPtr<Target>,
    /// Null in one that nobody has used yet.
    record: AtomicPtr<u8>,
    pid: AtomicI32,
    generation: AtomicU64,
    /// Of what is loaded (`loaded`).
    list: AtomicUsize,
    /// The thread whose crash it is; 0 while there is none.
    owner: AtomicU32,
    is_done: AtomicBool,
    /// Since when the handler of the host has it; 0 while it does not.
    handed_on: AtomicU64,
    /// Of the stack of that handler: the lowest address, and the one behind what is the handler's.
    stack: [AtomicUsize; 2],
}

/// Each that was ever made.
static ALL: AtomicPtr<Target> = AtomicPtr::new(ptr::null_mut());

impl Target {
    /// One for a client of this process.
    pub fn of(record: Record) -> &'static Target {
        // SAFETY: has no preconditions.
        let pid = unsafe { libc::getpid() };
        let target = Target::unused().unwrap_or_else(Target::add);
        target.record.store(record.0, Ordering::Relaxed);
        target.pid.store(pid, Ordering::Relaxed);
        target.list.store(loaded::find(), Ordering::Relaxed);
        target.generation.store(fork::generation(), Ordering::Release);
        target
    }

    fn unused() -> Option<&'static Target> {
        let mut next = ALL.load(Ordering::Acquire);
        // SAFETY: targets are never freed, and all of them is atomic.
        while let Some(target) = unsafe { next.as_ref() } {
            if !target.is_used.swap(true, Ordering::AcqRel) {
                return Some(target);
            }
            next = target.older.load(Ordering::Acquire);
        }
        None
    }

    fn add() -> &'static Target {
        let target: &'static Target = Box::leak(Box::new(Target {
            is_used: AtomicBool::new(true),
            older: AtomicPtr::default(),
            record: AtomicPtr::default(),
            pid: AtomicI32::new(0),
            generation: AtomicU64::new(0),
            list: AtomicUsize::new(0),
            owner: AtomicU32::new(0),
            is_done: AtomicBool::new(false),
            handed_on: AtomicU64::new(0),
            stack: [const { AtomicUsize::new(0) }; 2],
        }));
        let mut newest = ALL.load(Ordering::Acquire);
        loop {
            target.older.store(newest, Ordering::Release);
            let own = ptr::from_ref(target).cast_mut();
            match ALL.compare_exchange(newest, own, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return target,
                Err(newer) => newest = newer,
            }
        }
    }

    /// Nobody has it any more, and no handler.
    pub fn give_back(&self) {
        self.handed_on.store(0, Ordering::Relaxed);
        self.is_done.store(false, Ordering::Relaxed);
        self.owner.store(0, Ordering::Relaxed);
        self.is_used.store(false, Ordering::Release);
    }

    pub fn record(&self) -> Record {
        Record(self.record.load(Ordering::Relaxed))
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn list(&self) -> usize {
        self.list.load(Ordering::Relaxed)
    }

    /// Neither a forked child's nor that of a `vfork`, which has this memory too.
    pub fn is_of_this_process(&self) -> bool {
        // SAFETY: has no preconditions.
        let pid = unsafe { libc::getpid() };
        pid == self.pid.load(Ordering::Relaxed) && fork::generation() == self.generation()
    }

    /// Whether this thread's is the first crash. If another's is, waits until it has been written.
    /// `place` is where the thread was on its stack.
    pub fn claim(&self, place: usize) -> bool {
        let (own, begun) = (thread(), monotonic_ms());
        loop {
            let owner =
                match self.owner.compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return true,
                    Err(owner) => owner,
                };
            if self.is_survived(place) {
                let taken =
                    self.owner.compare_exchange(owner, own, Ordering::AcqRel, Ordering::Acquire);
                if taken.is_ok() {
                    self.handed_on.store(0, Ordering::Release);
                    self.is_done.store(false, Ordering::Release);
                    return true;
                }
            }
            // A crash in a handler of the host's, or in this one, which has been interrupted then.
            if owner == own || self.is_done.load(Ordering::Acquire) {
                return false;
            }
            if monotonic_ms().saturating_sub(begun) > WAIT_MS {
                return false;
            }
            pause();
        }
    }

    /// All of it has been written.
    pub fn set_done(&self) {
        self.is_done.store(true, Ordering::Release);
    }

    /// From here on the host's handler decides. To be called by the function that calls it.
    #[inline(always)]
    pub fn hand_on(&self, alternate: &libc::stack_t) {
        let (here, lowest) = (place(), alternate.ss_sp.addr());
        let is_alternate = (lowest..lowest.saturating_add(alternate.ss_size)).contains(&here);
        let lowest = if is_alternate { lowest } else { here.saturating_sub(HANDLER_STACK_MAX) };
        self.stack[0].store(lowest, Ordering::Relaxed);
        self.stack[1].store(here, Ordering::Relaxed);
        self.handed_on.store(monotonic_ms().max(1), Ordering::Release);
    }

    /// Whether the thread that crashed has left the handler of the host's by a jump. `place` is where
    /// the calling thread is on its stack.
    pub fn is_survived(&self, place: usize) -> bool {
        let since = self.handed_on.load(Ordering::Acquire);
        if since == 0 {
            return false;
        }
        let owner = self.owner.load(Ordering::Acquire);
        if owner == thread() {
            // Deeper than where the handler was called: in it.
            let [lowest, end] = [0, 1].map(|index| self.stack[index].load(Ordering::Relaxed));
            return !(lowest..end).contains(&place);
        }
        let pid = self.pid.load(Ordering::Relaxed);
        // SAFETY: sends no signal: asks whether there is such a thread. One that has ended survived.
        let found = unsafe { libc::syscall(libc::SYS_tgkill, pid, owner, 0) } == 0;
        !found || monotonic_ms().saturating_sub(since) > SURVIVED_MS
    }

    /// Takes back a crash that the program has survived.
    pub fn forget_survived(&self) {
        if self.is_survived(place()) {
            self.forget();
        }
    }

    /// There is no crash.
    pub fn forget(&self) {
        self.record().control().state.store(FREE, Ordering::Release);
        self.handed_on.store(0, Ordering::Release);
        self.is_done.store(false, Ordering::Release);
        self.owner.store(0, Ordering::Release);
    }
}

/// Where this thread is on its stack.
#[inline(always)]
fn place() -> usize {
    let here = 0_u8;
    std::hint::black_box(&raw const here).addr()
}
