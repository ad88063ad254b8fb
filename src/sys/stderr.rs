//! Standard error, without the lock that the standard library puts around it: a child that was
//! forked while another thread held that would wait for ever.

/// Writes a line in one piece. A standard error that is closed is no reason to fail.
#[cfg(unix)]
pub fn write(line: &str) {
    // SAFETY: the bytes are lent for the call, which reads no more than `len` of them.
    unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
}

#[cfg(not(unix))]
pub fn write(line: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(line.as_bytes());
}
