//! The operating system's name and version, as the properties `$os` and `$os_version` have them.

/// The names are those that PostHog's own SDKs send.
const NAME: &str = if cfg!(target_os = "linux") {
    "Linux"
} else if cfg!(target_os = "macos") {
    "Mac OS X"
} else if cfg!(windows) {
    "Windows"
} else if cfg!(target_os = "android") {
    "Android"
} else if cfg!(target_os = "ios") {
    "iOS"
} else if cfg!(target_os = "freebsd") {
    "FreeBSD"
} else {
    std::env::consts::OS
};

pub fn name_and_version() -> (&'static str, Option<String>) {
    (NAME, version())
}

// Miri has no uname.
#[cfg(all(unix, not(miri)))]
fn version() -> Option<String> {
    // SAFETY: `utsname` is arrays of bytes, for which zero is a value.
    let mut info: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is a utsname that this function owns.
    if unsafe { libc::uname(&raw mut info) } != 0 {
        return None;
    }
    let release: Vec<u8> =
        info.release.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8).collect();
    String::from_utf8(release).ok().filter(|release| !release.is_empty())
}

#[cfg(any(not(unix), miri))]
fn version() -> Option<String> {
    None
}
