//! The C API. Nothing outside this folder knows that C exists.
//!
//! cbindgen reads this folder, and it alone, to write `include/posthog.h`; the `///` comments of
//! exported items are that header's manual, written for C programmers. Items are spelled here as
//! they are in C, so that one search finds them in every language. A function is `unsafe` where it
//! takes a pointer that the types cannot vouch for.

// What C has to promise stands in the comment, in C's words; a heading would go to the header.
#![allow(clippy::missing_safety_doc)]

mod boundary;
mod types;

// The order of the header.
mod callback;
mod client;
mod config;
mod context;
mod crash;
mod definitions;
mod evaluate;
mod event;
mod exception;
mod flag_options;
mod flag_properties;
mod flags;
mod network;
mod props;
mod protocol;
mod queue;
mod report;
mod stats;
mod status;
mod string;
mod testing;
mod tracking;
mod transport;
mod version;

pub use callback::*;
pub use client::*;
pub use config::*;
pub use context::*;
pub use crash::*;
pub use definitions::*;
pub use evaluate::*;
pub use event::*;
pub use exception::*;
pub use flag_options::*;
pub use flag_properties::*;
pub use flags::*;
pub use network::*;
pub use props::*;
pub use protocol::*;
pub use queue::*;
pub use report::*;
pub use stats::*;
pub use status::*;
pub use string::*;
pub use testing::*;
pub use tracking::*;
pub use transport::*;
pub use version::*;
