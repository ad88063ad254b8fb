//! Flushes that wait until everything before them is settled.

use crossbeam_channel::{Receiver, Sender, bounded};

/// One flush.
struct Ticket {
    number: u64,
    /// Everything up to this sequence number has to be settled.
    upto: u64,
    lost: bool,
    answer: Sender<bool>,
}

/// The flushes under way.
#[derive(Default)]
pub struct Tickets {
    waiting: Vec<Ticket>,
    next: u64,
}

impl Tickets {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A new flush: its number, and its answer, which says whether something was dropped.
    pub fn add(&mut self, upto: u64) -> (u64, Receiver<bool>) {
        let (answer, answers) = bounded(1);
        let number = self.next;
        self.next += 1;
        self.waiting.push(Ticket { number, upto, lost: false, answer });
        (number, answers)
    }

    /// Nobody waits for that flush any more.
    pub fn remove(&mut self, number: u64) {
        self.waiting.retain(|ticket| ticket.number != number);
    }

    /// An event of that number, and perhaps later ones, was dropped.
    pub fn mark_lost(&mut self, seq: u64) {
        for ticket in self.waiting.iter_mut().filter(|ticket| seq <= ticket.upto) {
            ticket.lost = true;
        }
    }

    /// Takes out those whose wait is over.
    pub fn settle(&mut self, upto: u64) -> Settled {
        if !self.waiting.iter().any(|ticket| ticket.upto <= upto) {
            return Settled::default();
        }
        let (ready, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|ticket| ticket.upto <= upto);
        self.waiting = waiting;
        Settled(ready)
    }
}

/// Flushes whose wait is over. Answered outside the lock.
#[must_use]
#[derive(Default)]
pub struct Settled(Vec<Ticket>);

impl Settled {
    pub fn announce(self) {
        for ticket in self.0 {
            // Whoever waited may have given up.
            let _ = ticket.answer.try_send(ticket.lost);
        }
    }
}
