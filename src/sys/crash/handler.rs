//! The handler of fatal signals: writes the record, then hands on to whoever had the signal before.
//!
//! The host comes first. Whoever handled the signal before gets it as if there were nothing in
//! between, and where it returns and the program goes on, there was no crash: runtimes such as Go's
//! and Java's are told of bad pointers by these signals.

use super::layout::{FREE, WRITTEN};
use super::registers;
use super::target::Target;
use super::write::{Record, errno, set_errno, thread};
use libc::{c_int, c_void, sigaction, siginfo_t};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const SIGNALS: [c_int; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
];

static TARGET: AtomicPtr<Target> = AtomicPtr::new(ptr::null_mut());
/// Handlers that run.
static RUNNING: AtomicU32 = AtomicU32::new(0);

/// Who had each signal before. Written by whoever has set `TARGET`, before its handler is set.
struct Before(UnsafeCell<[MaybeUninit<sigaction>; SIGNALS.len()]>);

// SAFETY: written only by the one that holds `TARGET`, and read by handlers that it sets after.
unsafe impl Sync for Before {}

static BEFORE: Before = Before(UnsafeCell::new([const { MaybeUninit::uninit() }; SIGNALS.len()]));
/// Bits by signal: those whose former handler was to be called once, and was.
static SPENT: AtomicU32 = AtomicU32::new(0);
/// Bits by signal: those for which our handler was set and not taken away again. Where it is not the
/// current one, another was set over it, and may call it: also in a forked child.
static SET: AtomicU32 = AtomicU32::new(0);

/// Has the crashes of this process written there. False when another client's record has them.
pub fn arm(target: &'static Target) -> bool {
    let mut current = TARGET.load(Ordering::Acquire);
    loop {
        // SAFETY: targets are never freed.
        if let Some(known) = unsafe { current.as_ref() } {
            if known.generation() == target.generation() {
                return ptr::eq(known, target);
            }
        }
        let own = ptr::from_ref(target).cast_mut();
        match TARGET.compare_exchange(current, own, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => break,
            Err(newer) => current = newer,
        }
    }
    SIGNALS.iter().enumerate().for_each(|(index, signal)| install(index, *signal));
    true
}

/// Gives the signals back to whoever had them. True when no handler can touch the record any more.
pub fn disarm(target: &'static Target) -> bool {
    if !ptr::eq(TARGET.load(Ordering::Acquire), target) {
        return RUNNING.load(Ordering::SeqCst) == 0;
    }
    SIGNALS.iter().enumerate().for_each(|(index, signal)| uninstall(index, *signal));
    TARGET.store(ptr::null_mut(), Ordering::SeqCst);
    RUNNING.load(Ordering::SeqCst) == 0
}

fn current(signal: c_int) -> sigaction {
    // SAFETY: `sigaction` is integers and a mask, for which zero is a value.
    let mut action: sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: `action` outlives the call.
    unsafe { libc::sigaction(signal, ptr::null(), &raw mut action) };
    action
}

/// Whether nobody handles it.
fn is_unhandled(action: &sigaction) -> bool {
    matches!(action.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN)
}

fn own() -> libc::sighandler_t {
    on_signal as extern "C" fn(c_int, *mut siginfo_t, *mut c_void) as libc::sighandler_t
}

fn install(index: usize, signal: c_int) {
    let before = current(signal);
    // Set over whoever calls it, it would be called by them, and call them, without an end.
    if SET.fetch_or(1 << index, Ordering::AcqRel) & 1 << index != 0 && !is_unhandled(&before) {
        return;
    }
    SPENT.fetch_and(!(1 << index), Ordering::AcqRel);
    // SAFETY: whoever holds `TARGET` alone writes here, and no handler of this signal reads it yet.
    let all = unsafe { &mut *BEFORE.0.get() };
    all[index].write(before);
    // The mask that the former handler asks for, so that it runs with it.
    let mut action = before;
    action.sa_sigaction = own();
    action.sa_flags = libc::SA_SIGINFO
        | libc::SA_ONSTACK
        | (before.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART));
    // SAFETY: the handler does nothing but what may be done in one.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

fn uninstall(index: usize, signal: c_int) {
    if current(signal).sa_sigaction != own() {
        return;
    }
    let before = before(index);
    // SAFETY: what was set before us.
    unsafe { libc::sigaction(signal, &raw const before, ptr::null_mut()) };
    SET.fetch_and(!(1 << index), Ordering::AcqRel);
}

fn before(index: usize) -> sigaction {
    // SAFETY: written before the handler of this signal was set, and not since.
    let all = unsafe { &*BEFORE.0.get() };
    // SAFETY: as above.
    unsafe { all[index].assume_init() }
}

extern "C" fn on_signal(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let before_us = errno();
    let Some(index) = SIGNALS.iter().position(|it| *it == signal) else { return };
    RUNNING.fetch_add(1, Ordering::SeqCst);
    let mut action = before(index);
    if SPENT.load(Ordering::Acquire) & 1 << index != 0 {
        action.sa_sigaction = libc::SIG_DFL;
    }
    // SAFETY: the system gives a handler its information.
    let Some(told) = (unsafe { info.as_ref() }) else { return };
    // SAFETY: the same of its context.
    let Some(state) = (unsafe { context.cast::<libc::ucontext_t>().as_ref() }) else { return };
    if !is_ignored(signal, &action, told.si_code) {
        // In one order with `RUNNING`: `disarm` takes the target away first, and counts then.
        // SAFETY: targets are never freed.
        let target = unsafe { TARGET.load(Ordering::SeqCst).as_ref() };
        let place = registers::stack(state);
        let target = target.filter(|it| it.is_of_this_process() && it.claim(place));
        if let Some(target) = target {
            target.record().write_crash(signal, told, state, target.list());
            target.set_done();
        }
        hand_on(index, signal, &action, (info, context), target);
    }
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    set_errno(before_us);
}

/// Whether the system would do nothing about it. What the kernel finds wrong it never ignores.
fn is_ignored(signal: c_int, action: &sigaction, code: c_int) -> bool {
    // `abort` goes on to other means.
    let aborts = signal == libc::SIGABRT && code == libc::SI_TKILL;
    let is_default = action.sa_sigaction == libc::SIG_DFL;
    code <= 0 && (action.sa_sigaction == libc::SIG_IGN || is_default && is_first() && !aborts)
}

/// Whether this is the first process of a container, which nothing ends that it sends itself.
fn is_first() -> bool {
    // SAFETY: has no preconditions.
    unsafe { libc::getpid() == 1 }
}

/// What the system would have done without us.
fn hand_on(
    index: usize,
    signal: c_int,
    action: &sigaction,
    (info, context): (*mut siginfo_t, *mut c_void),
    target: Option<&Target>,
) {
    if is_unhandled(action) {
        return die(signal, info, context);
    }
    if action.sa_flags & libc::SA_RESETHAND != 0 {
        SPENT.fetch_or(1 << index, Ordering::AcqRel);
    }
    if let Some(target) = target {
        // SAFETY: the system gives a handler its context.
        target.hand_on(unsafe { &(*context.cast::<libc::ucontext_t>()).uc_stack });
    }
    if action.sa_flags & libc::SA_SIGINFO != 0 {
        type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
        // SAFETY: whoever set it with SA_SIGINFO promised that it is such a function.
        let handler = unsafe { std::mem::transmute::<usize, Handler>(action.sa_sigaction) };
        handler(signal, info, context);
    } else {
        // SAFETY: whoever set it without SA_SIGINFO promised that it is such a function.
        let handler =
            unsafe { std::mem::transmute::<usize, extern "C" fn(c_int)>(action.sa_sigaction) };
        handler(signal);
    }
    let Some(target) = target else { return };
    // It has returned, and the program goes on: unless it has only made way for the default action,
    // or `abort` has called it, which ends the program in any case.
    let makes_way = current(signal).sa_sigaction != own();
    if !makes_way && signal != libc::SIGABRT {
        target.forget();
    }
}

/// Has the signal end the process as it would have, with the same information and, in a core dump,
/// the same registers: it is pending until this handler returns.
fn die(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: `sigaction` is integers and a mask, for which zero is a value: the default.
    let default: sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: sets the default action.
    unsafe { libc::sigaction(signal, &raw const default, ptr::null_mut()) };
    // SAFETY: the information that the system gave.
    if is_first() && unsafe { (*info).si_code } > 0 {
        // It is ended by what it does: has it do the same again.
        // SAFETY: the context that the system gave, and nobody else's.
        return registers::repeat(signal, unsafe { &mut *context.cast::<libc::ucontext_t>() });
    }
    // SAFETY: has no preconditions.
    let pid = unsafe { libc::getpid() };
    let thread = thread();
    // SAFETY: sends this thread a signal with information that the system has made.
    let queued = unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, thread, signal, info) };
    if queued != 0 {
        // SAFETY: sends this thread a signal.
        unsafe { libc::syscall(libc::SYS_tgkill, pid, thread, signal) };
    }
}

/// Whether a crash is being written, or has been.
pub fn has_crashed(record: &Record) -> bool {
    record.control().state.load(Ordering::Acquire) != FREE
}

/// Whether a note has been written.
pub fn has_note(record: &Record) -> bool {
    record.control().note_state.load(Ordering::Acquire) == WRITTEN
}
