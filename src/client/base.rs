//! Super properties: those of every later event.

use super::Client;
use crate::error::Error;
use crate::props::{Marks, Props};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Client {
    /// Sets properties of every later event of this client.
    pub fn register(&self, props: &Props) -> Result<(), Error> {
        self.change_base(|base| base.merge(props))
    }

    /// The same for those that are not set yet.
    pub fn register_once(&self, props: &Props) -> Result<(), Error> {
        self.change_base(|base| base.merge_absent(props))
    }

    pub fn unregister(&self, key: &str) -> Result<(), Error> {
        self.change_base(|base| {
            base.remove(key);
            Ok(())
        })
    }

    fn change_base(&self, change: impl Fn(&mut Props) -> Result<(), Error>) -> Result<(), Error> {
        if self.shared.is_closed() {
            return Err(Error::Shutdown);
        }
        let mut result = Ok(());
        self.base.rcu(|base| {
            let mut changed = Props::clone(base);
            result = change(&mut changed);
            if self.shared.stamps.reserved() & Marks::ENVIRONMENT != 0 {
                changed.remove("environment");
            }
            Arc::new(if result.is_ok() { changed } else { Props::clone(base) })
        });
        // Never back to false: another change may just have filled it.
        if !self.base.load().is_empty() {
            self.has_base.store(true, Ordering::Release);
        }
        if result.is_ok() {
            self.prepare_crash();
        }
        result
    }
}
