//! A local stand-in for PostHog: it records what arrives and misbehaves on command.
//!
//! ```
//! use posthog_receiver::{At, Receiver, Reply, Script};
//!
//! let receiver = Receiver::start();
//! receiver.set_script(
//!     Script::new()
//!         .next("/batch/", Reply::status(503).header("Retry-After", "1"))
//!         .every(7, "/batch/", Reply::usual().reset(At::Body)),
//! );
//! assert!(receiver.url().starts_with("http://127.0.0.1:"));
//! assert_eq!(receiver.counts().accepted, 0);
//! ```
//!
//! It speaks HTTP/1.1 over plain sockets on purpose: a framework would not let it hang, reset or
//! truncate where a test needs it to. `README.md` has the JSON script format and the control API.

mod authority;
mod black_hole;
mod body;
mod connection;
mod control;
mod definitions;
mod expect;
mod flags;
mod head;
mod ingest;
mod log;
mod proxy;
mod receiver;
mod reply;
mod request;
mod script;
mod script_json;
mod stop;
mod strict_json;
mod table;
mod timestamp;
mod usual;
mod uuid;
mod v1;
mod validate;
mod wire;

pub use authority::{Authority, Identity};
pub use black_hole::BlackHole;
pub use expect::{Protocol, expect};
pub use flags::{Flag, Flags};
pub use log::{Brief, Counts, Event, Record};
pub use proxy::{Proxy, ProxyOptions};
pub use receiver::{Options, Receiver};
pub use reply::{At, Part, Reply, Verdict};
pub use request::{Outcome, Request};
pub use script::Script;
pub use table::{Style, Table, table};
