//! Crashes: of this process, made ready for; of earlier ones, reported.

use super::Client;
use crate::error::Error;

#[cfg(storage)]
mod imp {
    use super::{Client, Error};
    use crate::crash::{self, Report, Reports, Scene};
    use crate::ledger::Reason;
    use crate::storage::{Directory, Kind};
    use crate::wire::Family;
    use std::sync::atomic::Ordering;

    impl Client {
        /// Has the record say what it is to say of this process, as it is now. What cannot be written
        /// for lack of memory stays as it was.
        pub fn prepare_crash(&self) {
            let Some(crash) = self.own_crash() else { return };
            let _one_at_a_time = crash.one_at_a_time();
            // An opt-out clears what there is, and nothing is written behind it.
            if self.is_off() {
                return;
            }
            let exceptions = &self.runtime().exceptions;
            let (images, steps) = exceptions.surroundings();
            let mut scene = Scene { release: exceptions.release(), steps, ..Scene::default() };
            let stamps = self.shared.stamps.props();
            let mut filled = Ok(());
            if self.has_base.load(Ordering::Acquire) {
                filled = scene.props.merge(&self.base.load());
            }
            let denied = &self.shared.config.denied;
            let filled = filled
                .and_then(|()| scene.props.merge_absent(stamps))
                .and_then(|()| scene.props.remove_denied(&|key| denied.contains(key)));
            let _ = filled.and_then(|()| crash.prepare(images, &scene));
        }

        /// The record of this process, made if it is a forked child that has none yet.
        fn own_crash(&self) -> Option<&crash::Crash> {
            self.runtime().crash.as_ref().filter(|_| !self.is_off() && !self.shared.is_closed())
        }

        /// Writes the note that outlives the process. May run in a signal handler. Frames below
        /// `inner` are the library's.
        pub fn write_crash(&self, message: &[u8], inner: usize) -> Result<(), Error> {
            if self.is_off() {
                return Ok(());
            }
            if self.shared.is_closed() {
                return Err(Error::Shutdown);
            }
            let runtime = self.first.existing(crate::sys::fork::generation());
            let crash = runtime.and_then(|runtime| runtime.crash.as_ref());
            crash.ok_or(Error::Unsupported)?.write(message, inner)
        }

        /// Whether events outlive the process.
        pub fn stores(&self) -> bool {
            self.runtime().analytics.queue.stores()
        }

        /// Gives the calling thread a stack on which its crash can be written down.
        pub fn attach_crash_thread(&self) -> Result<(), Error> {
            if self.is_off() {
                return Ok(());
            }
            let crash = self.own_crash().ok_or(Error::Unsupported)?;
            if !crash.handles_signals() {
                return Err(Error::Unsupported);
            }
            crash::attach_thread()
        }

        /// Who a report will be of; nobody without one.
        pub fn set_crash_identity(&self, distinct_id: Option<&str>) -> Result<(), Error> {
            if self.is_off() {
                return Ok(());
            }
            let distinct_id = distinct_id.map(crate::event::checked).transpose()?;
            self.own_crash().ok_or(Error::Unsupported)?.set_identity(distinct_id);
            self.prepare_crash();
            Ok(())
        }

        /// Takes over what dead processes left.
        pub fn adopt(&self) {
            if let Some(directory) = self.runtime().directory() {
                self.adopt_events(directory);
                self.adopt_crashes(directory);
            }
        }

        fn adopt_events(&self, directory: &Directory) {
            let runtime = self.runtime();
            for kind in directory.kinds() {
                let family = match kind {
                    Kind::Events => Family::Analytics,
                    Kind::Ai => Family::Ai,
                    Kind::Crash => continue,
                };
                let lane = self.lane(runtime, family);
                if lane.queue.adopt() > 0 {
                    lane.ensure_sender();
                }
            }
        }

        /// Queues what dead processes have to report.
        fn adopt_crashes(&self, directory: &Directory) {
            let runtime = self.runtime();
            let mut found = false;
            for report in Reports::adopt(directory, &runtime.logger) {
                found |= self.adopt_crash(&report);
            }
            if found {
                runtime.analytics.queue.urge();
                runtime.analytics.ensure_sender();
            }
        }

        /// False when it will never be an event.
        fn adopt_crash(&self, report: &Report) -> bool {
            let Report { exception, distinct_id, release, steps, images, .. } = report;
            let runtime = self.runtime();
            let exceptions = &runtime.exceptions;
            let event = exceptions.adopt(
                distinct_id.as_deref(),
                exception,
                images,
                release.clone(),
                steps.clone(),
            );
            let acknowledge = report.acknowledgement();
            let uuid = exception.uuid.unwrap_or_default();
            let lane = self.lane(runtime, Family::Analytics);
            // It stays in the file until the server has it, and is the same event at the next start;
            // unless it is stored as all events are.
            let stored = lane.queue.stores();
            let ticket = (!stored).then(|| {
                lane.queue.watch_by(uuid, |dropped| {
                    if dropped != Some(Reason::Shutdown) {
                        acknowledge();
                    }
                })
            });
            match event.and_then(|event| self.submit(runtime, lane, event)) {
                Ok(pushed) if !pushed.is_nil() => {
                    if stored {
                        report.acknowledgement()();
                    }
                    return true;
                }
                Err(Error::NoMemory | Error::QueueFull) => {}
                // A hook that drops it has decided for good.
                _ => report.acknowledgement()(),
            }
            ticket.inspect(|ticket| lane.queue.forget(*ticket));
            false
        }
    }
}

#[cfg(not(storage))]
impl Client {
    pub fn prepare_crash(&self) {}

    pub fn write_crash(&self, _: &[u8], _: usize) -> Result<(), Error> {
        if self.is_off() { Ok(()) } else { Err(Error::Unsupported) }
    }

    pub fn stores(&self) -> bool {
        false
    }

    pub fn attach_crash_thread(&self) -> Result<(), Error> {
        if self.is_off() { Ok(()) } else { Err(Error::Unsupported) }
    }

    pub fn set_crash_identity(&self, _: Option<&str>) -> Result<(), Error> {
        if self.is_off() { Ok(()) } else { Err(Error::Unsupported) }
    }

    pub fn adopt(&self) {}
}
