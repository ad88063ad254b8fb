//! Counts beside the ledger: calls that were refused, and what the sender did.

use crate::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};

/// A count that any thread may raise.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counts of one client.
#[derive(Default)]
pub struct Counters {
    refused: [Counter; Error::COUNT],
    /// Values repaired: NaN, NUL, invalid UTF-8, lone surrogates.
    pub repairs: Counter,
    pub requests: Counter,
    pub retries: Counter,
    pub flag_requests: Counter,
    /// When the server last took a batch, in milliseconds since 1970.
    pub last_success_ms: Counter,
}

impl Counters {
    pub fn refuse(&self, why: Error) {
        self.refused[why as usize].add(1);
    }

    pub fn refused(&self, index: usize) -> u64 {
        self.refused.get(index).map_or(0, Counter::get)
    }
}
