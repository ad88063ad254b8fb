//! What stands in for the loader in a build without local evaluation: there are no definitions.

use super::context::Context;
use super::draft::{Draft, Source};
use super::explanation::{Explanation, Missing};
use super::found::Found;
use crate::config::Config;
use crate::error::Error;
use crate::hooks::Gate;
use crate::log::Logger;
use crate::transport::Transport;
use std::sync::Arc;
use std::time::Instant;

pub struct Loader;

impl Loader {
    pub fn new(
        _: &Config,
        _: &Arc<Transport>,
        _: &Logger,
        _: &Arc<Gate>,
        _: Option<&Loader>,
    ) -> Loader {
        Loader
    }

    pub fn evaluate(&self, _: &str, _: &Context) -> Option<(Draft, bool)> {
        None
    }

    pub fn find<R>(
        &self,
        _: &str,
        _: &str,
        _: &Context,
        _: impl FnOnce(Found<'_>, &dyn Fn() -> Source) -> R,
    ) -> Option<R> {
        None
    }

    pub fn explain(&self, _: &str, _: &str, _: &Context) -> Result<Explanation, Missing> {
        Err(Missing::NoDefinitions)
    }

    pub fn start(&self) -> Result<(), Error> {
        Ok(())
    }

    pub fn wait_ready(&self, _: Option<Instant>) -> Result<(), Error> {
        Err(Error::Unsupported)
    }

    pub fn refresh(&self, _: Option<Instant>) -> Result<(), Error> {
        Err(Error::Unsupported)
    }

    pub fn load(&self, _: &[u8]) -> Result<(), Error> {
        Err(Error::Unsupported)
    }

    pub fn load_file(&self, _: &str) -> Result<(), Error> {
        Err(Error::Unsupported)
    }

    pub fn save_file(&self, _: &str) -> Result<(), Error> {
        Err(Error::Unsupported)
    }

    pub fn save(&self) -> Option<Vec<u8>> {
        None
    }

    pub fn close(&self) {}

    pub fn open(&self) {}

    pub fn wait_end(&self, _: Instant) {}
}
