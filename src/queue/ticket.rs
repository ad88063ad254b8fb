//! Those who wait: flushes, until everything before them is settled, and watches, until one event
//! is.

use crate::ledger::Reason;
use crossbeam_channel::{Receiver, Sender, bounded};
use uuid::Uuid;

/// One flush.
struct Ticket {
    number: u64,
    /// Everything up to this sequence number has to be settled.
    upto: u64,
    lost: bool,
    answer: Sender<bool>,
}

/// Somebody who waits for one event.
struct Watch {
    number: u64,
    uuid: Uuid,
    /// What became of it: `Some(None)` when it was delivered.
    settled: Option<Option<Reason>>,
    /// The host has been told.
    released: bool,
    answer: Answer,
}

/// How somebody is told what became of one event.
enum Answer {
    Waits(Sender<Option<Reason>>),
    #[cfg_attr(not(storage), allow(dead_code, reason = "who asks for it is not there"))]
    Call(Box<dyn FnOnce(Option<Reason>) + Send>),
}

/// The flushes and watches under way.
#[derive(Default)]
pub struct Tickets {
    waiting: Vec<Ticket>,
    watches: Vec<Watch>,
    next: u64,
}

impl Tickets {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.watches.is_empty()
    }

    /// A new flush: its number, and its answer, which says whether something was dropped.
    pub fn add(&mut self, upto: u64) -> (u64, Receiver<bool>) {
        let (answer, answers) = bounded(1);
        let number = self.number();
        self.waiting.push(Ticket { number, upto, lost: false, answer });
        (number, answers)
    }

    /// A new watch: its number, and its answer, which says why the event was dropped, if it was.
    pub fn watch(&mut self, uuid: Uuid) -> (u64, Receiver<Option<Reason>>) {
        let (answer, answers) = bounded(1);
        (self.add_watch(uuid, Answer::Waits(answer)), answers)
    }

    /// A new watch that is told by a call, outside the queue's lock, in the sender.
    #[cfg_attr(not(storage), allow(dead_code, reason = "who asks for it is not there"))]
    pub fn watch_by(&mut self, uuid: Uuid, tell: Box<dyn FnOnce(Option<Reason>) + Send>) -> u64 {
        self.add_watch(uuid, Answer::Call(tell))
    }

    fn add_watch(&mut self, uuid: Uuid, answer: Answer) -> u64 {
        let number = self.number();
        self.watches.push(Watch { number, uuid, settled: None, released: false, answer });
        number
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Nobody waits for that flush or watch any more.
    pub fn remove(&mut self, number: u64) {
        self.waiting.retain(|ticket| ticket.number != number);
        self.watches.retain(|watch| watch.number != number);
    }

    /// An event of that number, and perhaps later ones, was dropped.
    pub fn mark_lost(&mut self, seq: u64) {
        for ticket in self.waiting.iter_mut().filter(|ticket| seq <= ticket.upto) {
            ticket.lost = true;
        }
    }

    pub fn has_watches(&self) -> bool {
        !self.watches.is_empty()
    }

    /// An event is settled. Whoever watches it hears of it after the next `release`.
    pub fn mark_settled(&mut self, uuid: Uuid, dropped: Option<Reason>) {
        let watches = self.watches.iter_mut();
        for watch in watches.filter(|watch| watch.uuid == uuid && watch.settled.is_none()) {
            watch.settled = Some(dropped);
        }
    }

    /// The host has been told of everything that is settled.
    pub fn release(&mut self) {
        for watch in self.watches.iter_mut().filter(|watch| watch.settled.is_some()) {
            watch.released = true;
        }
    }

    /// Every watched event was dropped.
    pub fn give_up(&mut self, reason: Reason) {
        for watch in &mut self.watches {
            watch.settled.get_or_insert(Some(reason));
            watch.released = true;
        }
    }

    /// Takes out those whose wait is over.
    pub fn settle(&mut self, upto: u64) -> Settled {
        let flushed = self.waiting.iter().any(|ticket| ticket.upto <= upto);
        let watched = self.watches.iter().any(|watch| watch.released);
        if !flushed && !watched {
            return Settled::default();
        }
        let (flushes, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|ticket| ticket.upto <= upto);
        let (watches, watching) =
            std::mem::take(&mut self.watches).into_iter().partition(|watch| watch.released);
        (self.waiting, self.watches) = (waiting, watching);
        Settled { flushes, watches }
    }
}

/// Those whose wait is over. Answered outside the lock.
#[must_use]
#[derive(Default)]
pub struct Settled {
    flushes: Vec<Ticket>,
    watches: Vec<Watch>,
}

impl Settled {
    pub fn announce(self) {
        // Whoever waited may have given up.
        for flush in self.flushes {
            let _ = flush.answer.try_send(flush.lost);
        }
        for watch in self.watches {
            let fate = watch.settled.flatten();
            match watch.answer {
                Answer::Waits(answer) => drop(answer.try_send(fate)),
                Answer::Call(tell) => tell(fate),
            }
        }
    }
}
