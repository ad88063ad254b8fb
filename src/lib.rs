//! The PostHog client behind `posthog.h`: a Rust core, and the C API around it.
//!
//! `docs/architecture.md` has the map. In short: `ffi` is C's door, `client` what a user can do,
//! `queue` where events wait, `worker` the thread that sends them, and the rest is one noun a file.
#![deny(unsafe_code)]

mod batch;
mod client;
mod clock;
mod config;
mod connector;
mod counters;
mod error;
mod event;
mod exception;
mod flags;
mod hooks;
mod json;
mod ledger;
mod log;
mod packer;
mod props;
mod queue;
mod record;
mod resolver;
mod retry;
mod runtime;
mod sender;
mod stamps;
mod timestamp;
mod transport;
mod uuid;
mod wire;
mod worker;

#[allow(unsafe_code)]
mod sys;

#[allow(unsafe_code, non_camel_case_types)]
pub mod ffi;
