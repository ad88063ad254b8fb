//! The library as a C program sees it, against real HTTP.
//!
//! `c` has the prototypes; `client`, `handle`, `hook`, `stats` and `child` are what the tests are
//! written with. Every test has receivers and clients of its own, so that all may run at once.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

#[allow(non_camel_case_types, dead_code)]
mod c;
mod child;
mod client;
mod handle;
mod header;
mod hook;
mod stats;
mod time;

mod delivery;
mod denylist;
mod exceptions;
mod faults;
mod flags;
mod hooks;
mod immediate;
mod input;
mod lanes;
mod optout;
mod protocol;
mod race;
mod shutdown;
mod stored;
mod storm;
mod testing;
mod transport;
mod vectors;
mod wire;
