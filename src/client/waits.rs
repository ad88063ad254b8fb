//! What waits: for everything to be settled, for one event, for the end.

use super::{Client, Timeout};
use crate::error::Error;
use crate::event::Event;
use crate::lane::Lane;
use crate::ledger::Reason;
use crate::props::Marks;
use crate::queue::Flush;
use crate::record::Record;
use crate::symbols::Symbols;
use crate::wire::Family;
use crossbeam_channel::Receiver;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// One event that was captured to be waited for. `None`: the client is off.
pub type Immediate = Option<(Uuid, Result<(), Error>)>;

impl Client {
    /// Waits until everything captured before is settled.
    pub fn flush(&self, timeout: Timeout) -> Result<(), Error> {
        if self.is_off() {
            return Ok(());
        }
        if self.shared.config.capture_only {
            return Ok(());
        }
        let waits = timeout != Some(Duration::ZERO);
        let deadline = deadline(timeout);
        let mut pending = Vec::new();
        for lane in self.runtime().lanes() {
            if let Flush::Pending(ticket, answer) = lane.queue.flush(waits) {
                sync_in_time(lane, timeout);
                pending.push((lane, ticket, answer));
            }
        }
        let mut result = Ok(());
        for (lane, ticket, answer) in pending {
            let flushed = lane.start_sender().and_then(|()| match receive(&answer, deadline) {
                Some(false) => Ok(()),
                Some(true) => Err(Error::Lost),
                None => Err(Error::Timeout),
            });
            lane.queue.forget(ticket);
            // What is still on its way outweighs what is lost.
            if result.is_ok() || flushed.is_err_and(|error| error != Error::Lost) {
                result = flushed;
            }
        }
        result
    }

    /// Queues a whole event, and waits for what becomes of it: an error that comes with a uuid is
    /// the event's fate, not the call's.
    pub fn capture_immediate(
        &self,
        family: Family,
        event: &Event,
        timeout: Timeout,
    ) -> Result<Immediate, Error> {
        if self.is_off() {
            return Ok(None);
        }
        let deadline = deadline(timeout);
        let runtime = self.runtime();
        let lane = self.lane(runtime, family);
        let (mut event, stamped) = self.finish(runtime, event.try_clone()?)?;
        let timestamp = *event.timestamp.get_or_insert_with(|| self.now());
        let millis = timestamp.unix_millis();
        let is_own = event.uuid.is_some();
        let uuid = *event.uuid.get_or_insert_with(|| lane.queue.uuid(millis));
        if self.shared.config.capture_only {
            let pushed = self.push(lane, &event, stamped, is_own)?;
            return Ok((!pushed.is_nil()).then_some((pushed, Ok(()))));
        }
        let (watch, answer) = lane.queue.watch(uuid);
        let pushed = self.push(lane, &event, stamped, is_own);
        if !matches!(&pushed, Ok(uuid) if !uuid.is_nil()) {
            lane.queue.forget(watch);
            return pushed.map(|_| None);
        }
        lane.queue.urge();
        let fate = lane.start_sender().and_then(|()| match receive(&answer, deadline) {
            Some(None) => Ok(()),
            Some(Some(reason)) => Err(fate(reason)),
            None => Err(Error::Timeout),
        });
        lane.queue.forget(watch);
        Ok(Some((uuid, fate)))
    }

    /// Refuses new events, sends what is queued, and stops, all before the deadline.
    pub fn shut_down(&self, timeout: Timeout) -> Result<(), Error> {
        let deadline = deadline(timeout);
        if self.shared.closed.swap(true, Ordering::AcqRel) || self.disabled {
            return Ok(());
        }
        let runtime = self.runtime();
        // Closed first, so that the barrier covers every event that got in.
        runtime.lanes().for_each(|lane| lane.queue.close());
        if self.shared.config.capture_only {
            runtime.shut_down(deadline);
            return Ok(());
        }
        runtime.lanes().for_each(|lane| sync_in_time(lane, timeout));
        let settled: Vec<Flush> = runtime.lanes().map(|lane| lane.queue.flush(true)).collect();
        if runtime.shut_down(deadline) > 0 {
            return Err(Error::Timeout);
        }
        let lost =
            |flush| matches!(flush, Flush::Pending(_, answer) if answer.try_recv() == Ok(true));
        if settled.into_iter().any(lost) { Err(Error::Lost) } else { Ok(()) }
    }

    /// Takes queued events out, as a JSON array.
    pub fn drain(&self, events_max: usize) -> Vec<u8> {
        let mut out = vec![b'['];
        let mut left = events_max;
        let mut symbols = Symbols::new(self.shared.config.exceptions.in_app.clone());
        for Lane { queue, .. } in self.runtime().lanes() {
            left -= queue.drain(left, |record| {
                if out.len() > 1 {
                    out.push(b',');
                }
                let named = (record.marks & Marks::EXCEPTION != 0)
                    .then(|| symbols.add_names(record.props, record.timestamp))
                    .flatten();
                let props = named.as_deref().unwrap_or(record.props);
                self.shared.wire.event(&Record { props, ..record }, &mut out);
            });
        }
        out.push(b']');
        out
    }
}

fn deadline(timeout: Timeout) -> Instant {
    // Without a limit: as long as no clock overflows.
    Instant::now() + timeout.unwrap_or(Duration::from_secs(u64::from(u32::MAX)))
}

/// What is not settled by half of the time is on the disk before the other half is over.
fn sync_in_time(lane: &Lane, timeout: Timeout) {
    if let Some(timeout) = timeout.filter(|timeout| !timeout.is_zero()) {
        lane.queue.sync_within(Some(timeout / 2));
    }
}

/// The answer; `None` when the deadline was first.
fn receive<T>(answer: &Receiver<T>, deadline: Instant) -> Option<T> {
    answer.recv_deadline(deadline).ok()
}

/// What the drop of one event means to whoever waited for it.
fn fate(reason: Reason) -> Error {
    match reason {
        Reason::Rejected => Error::Rejected,
        Reason::TooLarge => Error::TooLarge,
        _ => Error::Lost,
    }
}
