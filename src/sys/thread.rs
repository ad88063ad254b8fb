//! Threads of the library's own: named, with no signal delivered to them but of what they do wrong
//! themselves, and ordinary scheduling on any processor, whatever thread happened to start them.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread. The name is at most 15 bytes: Linux cuts the rest.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // The mask is inherited at birth: what is blocked here can never reach the new thread.
    let _mask = imp::BlockSignals::new();
    Builder::new().name(name.to_owned()).spawn(move || {
        imp::schedule_ordinarily();
        run();
    })
}

#[cfg(unix)]
mod imp {
    use std::mem::MaybeUninit;

    /// What the system tells a thread of its own instructions. A callback of the host's may be at
    /// fault, and whoever handles these is to hear of it: blocked, they end the process unheard.
    const FAULTS: [libc::c_int; 6] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGTRAP, libc::SIGSYS];

    /// Blocks every other signal for this thread until dropped.
    pub struct BlockSignals {
        before: Option<libc::sigset_t>,
    }

    impl BlockSignals {
        pub fn new() -> BlockSignals {
            let mut all = MaybeUninit::<libc::sigset_t>::uninit();
            // SAFETY: sigfillset initialises the set it is given.
            unsafe { libc::sigfillset(all.as_mut_ptr()) };
            for fault in FAULTS {
                // SAFETY: `all` was initialised above.
                unsafe { libc::sigdelset(all.as_mut_ptr(), fault) };
            }
            let mut before = MaybeUninit::uninit();
            // SAFETY: `all` was initialised above; `before` has room for the old mask.
            let done = unsafe {
                libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr())
            };
            // SAFETY: pthread_sigmask wrote the old mask when it returned 0.
            BlockSignals { before: (done == 0).then(|| unsafe { before.assume_init() }) }
        }
    }

    impl Drop for BlockSignals {
        fn drop(&mut self) {
            if let Some(before) = &self.before {
                // SAFETY: `before` is the mask that this thread had.
                unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut()) };
            }
        }
    }

    /// POSIX's name for the ordinary policy; Android's libc calls it `SCHED_NORMAL`.
    #[cfg(target_os = "android")]
    const ORDINARY: libc::c_int = 0;
    #[cfg(not(target_os = "android"))]
    const ORDINARY: libc::c_int = libc::SCHED_OTHER;

    /// Undoes a real-time policy and a processor binding that the starting thread passed on.
    /// What the system refuses stays as it was: the thread works all the same.
    pub fn schedule_ordinarily() {
        // SAFETY: `sched_param` is plain integers, for which zero is a value.
        let param: libc::sched_param = unsafe { std::mem::zeroed() };
        // SAFETY: has no preconditions.
        let this = unsafe { libc::pthread_self() };
        // SAFETY: `this` is this very thread; `param` outlives the call.
        unsafe { libc::pthread_setschedparam(this, ORDINARY, &raw const param) };
        #[cfg(any(target_os = "linux", target_os = "android"))]
        use_every_processor();
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn use_every_processor() {
        // The kernel takes from the mask what the process's cpuset allows.
        let every = [0xFF_u8; size_of::<libc::cpu_set_t>()];
        // SAFETY: 0 is this thread; the mask is as many bytes as the call is told.
        unsafe { libc::sched_setaffinity(0, every.len(), every.as_ptr().cast()) };
    }
}

#[cfg(not(unix))]
mod imp {
    /// There are no signals.
    pub struct BlockSignals;

    impl BlockSignals {
        pub fn new() -> BlockSignals {
            BlockSignals
        }
    }

    pub fn schedule_ordinarily() {}
}
