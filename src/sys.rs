//! What the operating system is asked for directly. With `ffi`, the only place that may be
//! `unsafe`.

pub mod clock;
pub mod connect;
#[cfg(feature = "symbols")]
pub mod files;
pub mod fork;
pub mod images;
pub mod os;
pub mod stderr;
pub mod thread;
pub mod unwind;
