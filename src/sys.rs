//! What the operating system is asked for directly. With `ffi`, the only place that may be
//! `unsafe`.

pub mod clock;
pub mod connect;
#[cfg(storage)]
pub mod crash;
#[cfg(any(feature = "symbols", storage))]
pub mod files;
pub mod fork;
pub mod images;
#[cfg(storage)]
pub mod locked;
pub mod os;
#[cfg(storage)]
pub mod pages;
pub mod stderr;
pub mod thread;
pub mod unwind;
