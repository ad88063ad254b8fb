//! Signals in words.

/// `SIGSEGV`, …
pub fn name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        libc::SIGFPE => "SIGFPE",
        libc::SIGABRT => "SIGABRT",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGSYS => "SIGSYS",
        _ => "signal",
    }
}

/// What happened. The address is part of it where it says something.
pub fn message(signal: i32, code: i32, address: u64) -> String {
    /// Sent by the kernel, which does not say why: on x86-64 an address that no memory can have.
    const SI_KERNEL: i32 = 0x80;
    // Of abort, raise and kill.
    if code <= 0 {
        let what = if signal == libc::SIGABRT { "aborted" } else { "sent by a process" };
        return what.to_owned();
    }
    let what = match (signal, code) {
        (libc::SIGSEGV, SI_KERNEL) => return "an address that no memory can have".to_owned(),
        (libc::SIGSEGV, 1) => "no memory",
        (libc::SIGSEGV, 2) => "no permission for the memory",
        (libc::SIGSEGV, _) => "memory fault",
        (libc::SIGBUS, 1) => "misaligned address",
        (libc::SIGBUS, 2) => "nothing behind the address, or no space left for it",
        (libc::SIGBUS, _) => "hardware error",
        (libc::SIGILL, _) => "illegal instruction",
        (libc::SIGFPE, 1) => "integer divided by zero",
        (libc::SIGFPE, 2) => "integer overflow",
        (libc::SIGFPE, 3) => "divided by zero",
        (libc::SIGFPE, _) => "arithmetic error",
        (libc::SIGTRAP, _) => return "trap".to_owned(),
        (libc::SIGSYS, _) => return "forbidden system call".to_owned(),
        _ => "fatal signal",
    };
    format!("{what} at {address:#x}")
}
