//! The PostHog client behind `posthog.h`: a Rust core, and the C API around it.
//!
//! `docs/architecture.md` has the map. In short: `ffi` is C's door, `client` what a user can do,
//! `queue` where events wait, `worker` the thread that sends them, and the rest is one noun a file.
#![deny(unsafe_code)]

mod batch;
mod carrier;
mod client;
mod clock;
mod config;
mod connector;
mod counters;
#[cfg(storage)]
mod crash;
mod error;
mod event;
mod exception;
mod flags;
mod header;
mod hooks;
mod json;
mod lane;
mod ledger;
mod line;
mod log;
mod packer;
mod props;
mod proxy;
mod queue;
mod record;
mod redirect;
mod report;
mod resolver;
mod retry;
mod route;
mod runtime;
mod sender;
mod stamps;
#[cfg(storage)]
mod storage;
#[cfg_attr(not(storage), path = "store/none.rs")]
mod store;
#[cfg_attr(not(feature = "symbols"), path = "symbols/none.rs")]
mod symbols;
mod timestamp;
mod transport;
#[cfg(feature = "tls")]
mod trust;
mod uuid;
mod wire;
mod worker;

#[allow(unsafe_code)]
mod sys;

#[allow(unsafe_code, non_camel_case_types)]
pub mod ffi;
pub mod panics;
