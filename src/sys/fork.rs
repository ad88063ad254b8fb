//! Which process this is: a number that differs in a forked child.
//!
//! Linux gives memory that the kernel wipes in a child (`MADV_WIPEONFORK`), so that finding out
//! costs one load. Elsewhere `pthread_atfork` counts.

#[cfg(unix)]
use once_cell::race::OnceBox;
use std::sync::atomic::{AtomicU64, Ordering};

/// The generation of the process that asked last; children copy it and count on.
static LAST: AtomicU64 = AtomicU64::new(0);

/// This process's generation. Never 0.
#[inline]
pub fn generation() -> u64 {
    imp::generation()
}

/// Whether this process was forked from one that had used the library.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub fn is_child() -> bool {
    generation() > 1
}

/// Has something done before each fork, in the thread that forks: one thing in a process, told once.
/// False when the system cannot.
#[cfg(unix)]
pub fn before(prepare: fn()) -> bool {
    static PREPARE: OnceBox<fn()> = OnceBox::new();
    extern "C" fn run() {
        if let Some(prepare) = PREPARE.get() {
            // The system has no use for a panic.
            let _ = std::panic::catch_unwind(prepare);
        }
    }
    PREPARE.get_or_init(|| Box::new(prepare));
    // SAFETY: the handler may run at any time, until the library is unloaded and the system forgets it.
    unsafe { libc::pthread_atfork(Some(run), None, None) == 0 }
}

/// There is no fork.
#[cfg(not(unix))]
pub fn before(_: fn()) -> bool {
    true
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use super::{LAST, Ordering};
    use once_cell::race::OnceRef;
    use std::sync::atomic::AtomicU64;

    /// 0 in a process that has not asked yet, also in a child of one that has.
    static WORD: OnceRef<'static, AtomicU64> = OnceRef::new();

    #[inline(always)]
    pub fn generation() -> u64 {
        let word = match WORD.get() {
            Some(word) => word,
            None => map(),
        };
        match word.load(Ordering::Acquire) {
            0 => begin(word),
            generation => generation,
        }
    }

    #[cold]
    fn begin(word: &AtomicU64) -> u64 {
        let fresh = LAST.fetch_add(1, Ordering::AcqRel) + 1;
        match word.compare_exchange(0, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            // Another thread of this process was first.
            Err(known) => known,
        }
    }

    #[cold]
    fn map() -> &'static AtomicU64 {
        let word = wiped_word().unwrap_or_else(counted::word);
        // Written to before it is read: the system then provides the page once instead of twice.
        begin(word);
        // The first one stays, so that every thread reads the same.
        let _ = WORD.set(word);
        WORD.get().unwrap_or(word)
    }

    /// `None` where the kernel (before 4.14) cannot wipe.
    fn wiped_word() -> Option<&'static AtomicU64> {
        // Miri has no madvise.
        if cfg!(miri) {
            return None;
        }
        let size = 4096;
        let (access, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches nothing.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), size, access, flags, -1, 0) };
        if page == libc::MAP_FAILED {
            return None;
        }
        // SAFETY: the page was mapped above, and nobody else knows it.
        if unsafe { libc::madvise(page, size, libc::MADV_WIPEONFORK) } != 0 {
            // SAFETY: as above; nothing refers to it.
            unsafe { libc::munmap(page, size) };
            return None;
        }
        // SAFETY: the page is zeroed, aligned, writable, and from here on never unmapped.
        Some(unsafe { &*page.cast::<AtomicU64>() })
    }

    mod counted {
        use std::sync::atomic::{AtomicU64, Ordering};

        static COUNTED: AtomicU64 = AtomicU64::new(0);

        extern "C" fn in_child() {
            COUNTED.store(0, Ordering::Release);
        }

        pub fn word() -> &'static AtomicU64 {
            // SAFETY: the handler stores to a static atomic and does nothing else.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
            &COUNTED
        }
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod imp {
    use super::{LAST, Ordering};
    use std::sync::Once;

    static REGISTERED: Once = Once::new();

    extern "C" fn in_child() {
        LAST.fetch_add(1, Ordering::AcqRel);
    }

    pub fn generation() -> u64 {
        // Registered before the first fork that could matter: a client asks when it is made.
        REGISTERED.call_once(|| {
            LAST.fetch_add(1, Ordering::AcqRel);
            // SAFETY: the handler adds to a static atomic and does nothing else.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        });
        LAST.load(Ordering::Acquire)
    }
}

#[cfg(not(unix))]
mod imp {
    /// There is no fork.
    pub fn generation() -> u64 {
        let _ = (&super::LAST, super::Ordering::Acquire);
        1
    }
}

/// Runs something in a forked child: whether it returned true there.
#[cfg(all(test, unix))]
pub fn in_child(run: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs the closure and leaves by `_exit`; the system's memory works in it.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let ok = run();
        // SAFETY: ends the child without running the test harness's exit handlers.
        unsafe { libc::_exit(i32::from(!ok)) };
    }
    let mut status = -1;
    // SAFETY: `status` outlives the call.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    status == 0
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(unix)]
    fn a_child_has_another_generation() {
        let parent = super::generation();
        assert_ne!(parent, 0);
        assert_eq!(super::generation(), parent);
        assert!(super::in_child(|| {
            let fresh = super::generation();
            fresh != parent && fresh != 0 && super::generation() == fresh
        }));
        assert_eq!(super::generation(), parent);
    }
}
