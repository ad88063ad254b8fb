//! A stack for signal handlers: that of a thread that has used up its own is no place for them.

use std::cell::RefCell;
use std::io;
use std::ptr;

/// Room for our handler and for that of the host's which it calls. Memory is taken as it is used.
const SIZE: usize = 256 << 10;
/// Below the stack nothing can be read or written.
const GUARD: usize = 64 << 10;

thread_local! {
    static OWN: RefCell<Option<AltStack>> = const { RefCell::new(None) };
}

/// Given back when its thread ends.
struct AltStack(*mut libc::c_void);

/// Gives this thread such a stack, unless it has one.
pub fn attach() -> io::Result<()> {
    if is_there()? {
        return Ok(());
    }
    let stack = AltStack::new()?;
    // The thread is about to end: it may keep it, as the system takes it back with the process.
    let _ = OWN.try_with(|own| *own.borrow_mut() = Some(stack));
    Ok(())
}

fn is_there() -> io::Result<bool> {
    // SAFETY: `stack_t` is a pointer and integers, for which zero is a value.
    let mut current: libc::stack_t = unsafe { std::mem::zeroed() };
    // SAFETY: `current` outlives the call.
    if unsafe { libc::sigaltstack(ptr::null(), &raw mut current) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(current.ss_flags & libc::SS_DISABLE == 0)
}

impl AltStack {
    fn new() -> io::Result<AltStack> {
        let (access, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches nothing.
        let start = unsafe { libc::mmap(ptr::null_mut(), GUARD + SIZE, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = AltStack(start);
        // SAFETY: the beginning of the mapping made above.
        unsafe { libc::mprotect(start, GUARD, libc::PROT_NONE) };
        let description =
            libc::stack_t { ss_sp: start.wrapping_byte_add(GUARD), ss_flags: 0, ss_size: SIZE };
        // SAFETY: the memory stays until the stack is taken away again.
        if unsafe { libc::sigaltstack(&raw const description, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(stack)
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        // SAFETY: `stack_t` is a pointer and integers, for which zero is a value.
        let mut current: libc::stack_t = unsafe { std::mem::zeroed() };
        // SAFETY: `current` outlives the call.
        unsafe { libc::sigaltstack(ptr::null(), &raw mut current) };
        if current.ss_sp == self.0.wrapping_byte_add(GUARD) {
            current.ss_flags = libc::SS_DISABLE;
            // SAFETY: takes it away.
            if unsafe { libc::sigaltstack(&raw const current, ptr::null_mut()) } != 0 {
                // A handler runs on it: it has to stay.
                return;
            }
        }
        // SAFETY: mapped by `new`, and nobody's stack any more.
        unsafe { libc::munmap(self.0, GUARD + SIZE) };
    }
}
