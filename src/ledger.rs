//! The ledger: where every accepted event is.
//!
//! At every moment, and in every snapshot:
//! `accepted + adopted = delivered + queued + in_flight + stored + drained + Σ dropped`.

/// Why an accepted event was given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Evicted by a newer event (policy drop oldest).
    Overflow,
    /// The server refused it for good.
    Rejected,
    /// Too large for the server.
    TooLarge,
    /// Older than `max_age`.
    Expired,
    /// `max_retries` used up.
    Retries,
    /// Not confirmed when the shutdown deadline passed.
    Shutdown,
    /// Queued when the user opted out.
    OptedOut,
    /// In storage, and could not be read.
    Damaged,
}

/// Every reason.
pub const REASONS: [Reason; 8] = [
    Reason::Overflow,
    Reason::Rejected,
    Reason::TooLarge,
    Reason::Expired,
    Reason::Retries,
    Reason::Shutdown,
    Reason::OptedOut,
    Reason::Damaged,
];

/// The counts of one client. Kept under the queue's lock.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Ledger {
    pub accepted: u64,
    pub adopted: u64,
    pub delivered: u64,
    pub queued: u64,
    pub in_flight: u64,
    pub stored: u64,
    pub drained: u64,
    dropped: [u64; REASONS.len()],
}

impl Ledger {
    pub fn dropped(&self, reason: Reason) -> u64 {
        self.dropped[reason as usize]
    }

    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    pub fn drop_queued(&mut self, events: u64, reason: Reason) {
        self.queued -= events;
        self.dropped[reason as usize] += events;
    }

    pub fn drop_in_flight(&mut self, events: u64, reason: Reason) {
        self.in_flight -= events;
        self.dropped[reason as usize] += events;
    }

    /// Counts events as left in storage, or as dropped where they are not there.
    pub fn leave(&mut self, queued: (u64, u64), in_flight: (u64, u64)) {
        self.queued -= queued.0 + queued.1;
        self.in_flight -= in_flight.0 + in_flight.1;
        self.stored += queued.0 + in_flight.0;
        self.dropped[Reason::Shutdown as usize] += queued.1 + in_flight.1;
    }

    /// The two added up: where the one balances and the other does, so do both.
    pub fn plus(mut self, other: &Ledger) -> Ledger {
        self.accepted += other.accepted;
        self.adopted += other.adopted;
        self.delivered += other.delivered;
        self.queued += other.queued;
        self.in_flight += other.in_flight;
        self.stored += other.stored;
        self.drained += other.drained;
        for (mine, theirs) in self.dropped.iter_mut().zip(other.dropped) {
            *mine += theirs;
        }
        self
    }

    /// Whether every event is in exactly one column.
    #[cfg(test)]
    pub fn balances(&self) -> bool {
        self.accepted + self.adopted
            == self.delivered
                + self.queued
                + self.in_flight
                + self.stored
                + self.drained
                + self.dropped_total()
    }
}
