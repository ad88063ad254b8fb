//! Programs that die, and what their next start reports: how they end stays as it was, nothing
//! hangs, and there is one report, of the right place.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![cfg(feature = "crash")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod disks;
mod examples;
mod handlers;
mod reports;
mod scene;
mod ways;

// Has cargo build the library.
use posthog as _;
