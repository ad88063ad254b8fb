//! The wall clock as the system has it: seconds and microseconds since 1970.

/// `None` where the standard library has to be asked.
#[cfg(unix)]
#[inline]
pub fn now() -> Option<(i64, u32)> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` outlives the call, which writes to it and to nothing else.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    // On 32-bit systems the field is narrower.
    #[allow(clippy::useless_conversion)]
    (done == 0).then(|| (i64::from(now.tv_sec), now.tv_nsec as u32 / 1_000))
}

#[cfg(not(unix))]
pub fn now() -> Option<(i64, u32)> {
    None
}
