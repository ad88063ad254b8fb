//! Feature flags: values for the host, and events for PostHog of which were read.

use super::Client;
use crate::error::Error;
use crate::flags::context::Context;
use crate::flags::properties::Properties;
use crate::flags::snapshot::Snapshot;
use crate::flags::view::View;
use crate::flags::{Flags, called};
use crate::hooks;
use crate::props::Props;
use crate::wire::Family;
use std::time::Duration;

impl Client {
    /// Evaluates flags for somebody. No flag is known when the client is off.
    pub fn evaluate(
        &self,
        distinct_id: &str,
        context: Option<&Context>,
        timeout: Duration,
    ) -> Result<View, Error> {
        let nothing = Context::default();
        let context = context.unwrap_or(&nothing);
        match self.flags()? {
            None => Ok(View::new(Snapshot::empty(""), None)),
            Some(flags) => {
                let snapshot = flags.evaluate(distinct_id, context, timeout)?;
                Ok(View::new(snapshot, context.flag_events()))
            }
        }
    }

    /// What the short form answers from, asked for as the short form does.
    pub fn recall(&self, distinct_id: &str, context: Option<&Context>) -> Result<View, Error> {
        let Some(flags) = self.flags()? else { return Ok(View::new(Snapshot::empty(""), None)) };
        let nothing = Context::default();
        let context = context.unwrap_or(&nothing);
        let snapshot = flags.recall(distinct_id, context)?;
        Ok(View::new(snapshot, context.flag_events()))
    }

    /// The short form: whether a flag is on, as far as that can be known in time.
    pub fn flag_enabled(
        &self,
        distinct_id: &str,
        key: &str,
        context: Option<&Context>,
    ) -> Option<bool> {
        let found = self.flags().ok()??.enabled(distinct_id, key, context);
        if let Some(snapshot) = found.told {
            self.tell(&snapshot, key);
        }
        found.enabled
    }

    /// Properties that go along with every later evaluation of a person's or a group's flags.
    /// `None` when the client is off.
    pub fn flag_properties(&self) -> Result<Option<&Properties>, Error> {
        Ok(self.flags()?.map(Flags::properties))
    }

    /// On somebody's device the flags that are asked for next may hang on what was just said of
    /// them, as in every client SDK. A server sees too many people for that.
    pub(super) fn learn_person(
        &self,
        distinct_id: &str,
        props: [Option<&Props>; 2],
    ) -> Result<(), Error> {
        if self.shared.config.is_server {
            return Ok(());
        }
        let Some(known) = self.flag_properties()? else { return Ok(()) };
        props.into_iter().flatten().try_for_each(|props| known.set_person(distinct_id, props))
    }

    pub(super) fn learn_group(
        &self,
        group_type: &str,
        key: &str,
        props: Option<&Props>,
    ) -> Result<(), Error> {
        let Some(props) = props.filter(|_| !self.shared.config.is_server) else { return Ok(()) };
        self.flag_properties()?.map_or(Ok(()), |known| known.set_group(group_type, key, props))
    }

    /// The host has read the value of a flag for the first time, or has looked for one in vain.
    #[cold]
    pub fn flag_read(&self, view: &View, key: &str) {
        // Whoever is inside a callback cannot capture.
        let Ok(Some(flags)) = self.flags() else { return };
        let snapshot = view.snapshot();
        if !hooks::inside_callback() && flags.tells(snapshot, key.as_bytes(), view.flag_events()) {
            self.tell(snapshot, key);
        }
    }

    /// The value holds, whatever becomes of the event; a refusal is counted as any other.
    fn tell(&self, snapshot: &Snapshot, key: &str) {
        let told = called::event(snapshot, key)
            .and_then(|event| self.capture_owned(Family::Analytics, event));
        if let Err(error) = told {
            self.refuse(error);
        }
    }
}
