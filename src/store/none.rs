//! Where nothing outlives the process: the types, of which there are no values.

use crate::error::Error;
use crate::record::{Record, Seal};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

pub enum Store {}

impl Store {
    pub fn is_active(&self) -> bool {
        match *self {}
    }

    pub fn has_room(&self, _: usize) -> bool {
        match *self {}
    }

    pub fn is_calm(&self) -> bool {
        match *self {}
    }

    pub fn look_again(&self) {
        match *self {}
    }

    pub fn take(&self, _: usize) -> Result<Option<Slot>, Error> {
        match *self {}
    }

    pub fn syncer(&self) -> Option<&Syncer> {
        match *self {}
    }

    pub fn sync(&self, _: bool) {
        match *self {}
    }

    pub fn start_syncer(&self, _: impl Fn() + Send + 'static) {
        match *self {}
    }

    pub fn keeps(&self) -> bool {
        match *self {}
    }

    pub fn leave(&self) {
        match *self {}
    }

    pub fn close(&self) {
        match *self {}
    }

    pub fn purge(&self) {
        match *self {}
    }
}

pub enum Syncer {}

impl Syncer {
    pub fn ask(&self, _: Option<Duration>) {
        match *self {}
    }

    pub fn end(&self) {
        match *self {}
    }
}

pub enum Slot {}

impl Slot {
    pub fn begin(&mut self) {
        match *self {}
    }

    pub fn seal(&self) -> Seal {
        match *self {}
    }

    pub fn hold(&self) -> &Arc<Hold> {
        match *self {}
    }

    pub fn resident(&self) -> Resident {
        match *self {}
    }

    pub fn renew(&mut self) -> bool {
        match *self {}
    }
}

impl Deref for Slot {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match *self {}
    }
}

impl DerefMut for Slot {
    fn deref_mut(&mut self) -> &mut [u8] {
        match *self {}
    }
}

pub struct Resident(());

impl Resident {
    pub fn give_back(&self) {}
}

pub enum Hold {}

impl Hold {
    pub fn free(&self) {
        match *self {}
    }
}

#[derive(Clone)]
pub struct Place {
    pub hold: Arc<Hold>,
}

impl Place {
    pub fn new(hold: &Arc<Hold>, _: usize) -> Place {
        Place { hold: Arc::clone(hold) }
    }

    pub fn settle(&self) {
        match *self.hold {}
    }
}

#[derive(Default)]
pub struct LeftOver(());

impl LeftOver {
    pub fn tidy(&mut self) {}

    pub fn peek(&mut self) -> Option<(Record<'_>, Place)> {
        None
    }

    pub fn skip(&mut self) {}
}
