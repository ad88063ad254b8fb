//! The library's queue with loom's locks. The tests are in `src/queue/model.rs`.

#![allow(dead_code, unused_imports, reason = "the rest of the library uses it")]

include!(concat!(env!("OUT_DIR"), "/modules.rs"));

#[path = "../../../src/store/none.rs"]
mod store;

mod hooks {
    #[derive(Default)]
    pub struct Gate(());
}

/// The library's, without a host to tell.
mod log {
    use crate::hooks::Gate;
    use std::fmt::Arguments;
    use std::sync::Arc;

    pub enum Level {
        Warn,
    }

    #[derive(Clone)]
    pub struct Logger;

    impl Logger {
        pub fn new(_: Option<()>, _: bool, _: Arc<Gate>) -> Logger {
            Logger
        }

        pub fn log(&self, _: Level, _: Arguments<'_>) {}
    }
}
