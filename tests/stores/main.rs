//! Programs that end before their events are sent, in whatever way, and what their next start
//! delivers: every event that was accepted, once.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![cfg(feature = "crash")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod power;
mod scene;

// Has cargo build the library.
use posthog as _;
