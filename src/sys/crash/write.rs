//! What may run in a signal handler: no allocation, no lock, nothing of the C library but calls that
//! POSIX allows there and bare system calls.

use super::layout::{
    CRASH, CRASH_STACK, Control, Fault, MESSAGE_MAX, NOTE, NOTE_STACK, Part, WRITING, WRITTEN,
};
use super::registers;
use std::ffi::c_long;
use std::mem::offset_of;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

/// Nothing of the writing goes on after this.
pub const LIMIT_MS: u64 = 50;
/// Pages below the stack that are passed over: it may have grown into its guard.
const GUARD_PAGES: usize = 64;
pub const PAGE: usize = 4096;

pub fn monotonic_ms() -> u64 {
    let (seconds, nanoseconds) = clock(libc::CLOCK_MONOTONIC);
    seconds as u64 * 1_000 + u64::from(nanoseconds) / 1_000_000
}

fn clock(which: libc::clockid_t) -> (i64, u32) {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` outlives the call, which writes to it and to nothing else.
    unsafe { libc::clock_gettime(which, &raw mut now) };
    (now.tv_sec, now.tv_nsec as u32)
}

pub fn errno() -> i32 {
    // SAFETY: has no preconditions.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: the thread's own, as long as it lives.
    unsafe { *place }
}

pub fn set_errno(value: i32) {
    // SAFETY: has no preconditions.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: the thread's own, as long as it lives.
    unsafe { *place = value };
}

pub fn thread() -> u32 {
    // SAFETY: has no preconditions.
    unsafe { libc::syscall(libc::SYS_gettid) as u32 }
}

/// Waits for a millisecond, or until a signal.
pub fn pause() {
    // SAFETY: no descriptors are passed.
    unsafe { libc::poll(ptr::null_mut(), 0, 1) };
}

/// Where the parts of a record lie in memory.
#[derive(Clone, Copy)]
pub struct Record(pub *mut u8);

impl Record {
    pub fn control(&self) -> &Control {
        // SAFETY: a record is made of a mapping that is long enough, page-aligned and never unmapped
        // while somebody may write to it; what changes in it behind a reference is atomic, or
        // written through raw pointers by the one that has set `state`.
        unsafe { &*self.0.cast::<Control>() }
    }

    /// The mapping, for the thread that has claimed the crash or the note.
    #[allow(clippy::mut_from_ref, reason = "a record is claimed by one thread")]
    fn claimed<T>(&self, offset: usize) -> &mut T {
        // SAFETY: as in `control`; of each part that is written so, one thread has the claim.
        unsafe { &mut *self.0.wrapping_add(offset).cast::<T>() }
    }

    /// Fills in a crash that this thread has claimed.
    pub fn write_crash(
        &self,
        signal: i32,
        info: &libc::siginfo_t,
        context: &libc::ucontext_t,
        list: usize,
    ) {
        let deadline = monotonic_ms() + LIMIT_MS;
        self.control().state.store(WRITING, Ordering::Release);
        let fault: &mut Fault = self.claimed(CRASH);
        fault.signal = signal;
        fault.code = info.si_code;
        // SAFETY: of signals without an address it is a number without meaning.
        fault.address = unsafe { info.si_addr() }.addr() as u64;
        fault.inner = 0;
        registers::save(context, fault);
        describe(fault);
        self.control().state.store(WRITTEN, Ordering::Release);
        self.copy_stack(fault, CRASH_STACK, deadline);
        self.copy_list(list, deadline);
    }

    /// Fills in a note that this thread has claimed. Frames below `inner` are the library's.
    #[inline(never)]
    pub fn write_note(&self, message: &[u8], inner: usize, list: usize) {
        let deadline = monotonic_ms() + LIMIT_MS;
        let fault: &mut Fault = self.claimed(NOTE);
        (fault.signal, fault.code, fault.address) = (0, 0, 0);
        fault.inner = inner as u64;
        registers::now(fault);
        describe(fault);
        let len = message.len().min(MESSAGE_MAX);
        let text: &mut [u8; MESSAGE_MAX] = self.claimed(offset_of!(Control, message));
        text[..len].copy_from_slice(&message[..len]);
        *self.claimed(offset_of!(Control, message_len)) = len as u32;
        self.control().note_state.store(WRITTEN, Ordering::Release);
        self.copy_stack(fault, NOTE_STACK, deadline);
        self.copy_list(list, deadline);
    }

    fn copy_list(&self, list: usize, deadline: u64) {
        let len: &mut u64 = self.claimed(offset_of!(Control, loaded_len));
        // SAFETY: aligned, and borrowed for as long as this is used.
        let len = unsafe { AtomicU64::from_ptr(&raw mut *len) };
        len.store(0, Ordering::Release);
        self.copy_loaded(list, len, deadline);
    }

    /// Copies the stack page by page, as far as it can be read, there is room, and time.
    fn copy_stack(&self, fault: &mut Fault, part: Part, deadline: u64) {
        let mut from = fault.sp as usize & !15;
        for _ in 0..GUARD_PAGES {
            if is_readable(from) {
                break;
            }
            from = (from & !(PAGE - 1)).saturating_add(PAGE);
        }
        fault.stack_start = from as u64;
        // Told page by page: what is there when everything ends counts.
        // SAFETY: aligned, and borrowed for as long as this is used.
        let copied = unsafe { AtomicU64::from_ptr(&raw mut fault.stack_len) };
        let mut len = 0;
        while len < part.len && is_readable(from) && monotonic_ms() <= deadline {
            let piece = (PAGE - from % PAGE).min(part.len - len);
            let to = self.0.wrapping_add(part.start + len);
            let source = ptr::with_exposed_provenance::<u8>(from);
            // SAFETY: the source is a page that the system can read, of which this takes what lies
            // before its end; the target lies inside the mapping.
            unsafe { ptr::copy_nonoverlapping(source, to, piece) };
            len += piece;
            copied.store(len as u64, Ordering::Release);
            let Some(next) = from.checked_add(piece) else { break };
            from = next;
        }
    }
}

/// Whether there is memory: the system reads what it takes for a set of signals before it looks at
/// what it is to do with it, which is nothing that there is.
pub fn is_readable(address: usize) -> bool {
    const NOTHING: c_long = -1;
    let (none, size) = (ptr::null_mut::<libc::c_void>(), 8_usize);
    // Eight bytes that do not leave the page.
    let address = ptr::with_exposed_provenance::<libc::c_void>(address & !7);
    // SAFETY: the kernel checks the address, and changes nothing.
    let done = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, NOTHING, address, none, size) };
    done == 0 || errno() != libc::EFAULT
}

/// Whose it is, and when.
fn describe(fault: &mut Fault) {
    (fault.seconds, fault.nanoseconds) = clock(libc::CLOCK_REALTIME);
    fault.thread = thread();
    fault.thread_name = [0; 16];
    // SAFETY: the name takes at most 16 bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, fault.thread_name.as_mut_ptr()) };
    (fault.stack_start, fault.stack_len) = (0, 0);
}
