//! The statistics of a client, and the law that they obey.

use crate::c::*;
use std::ops::Index;
use std::ptr;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stats(Vec<u64>);

impl Stats {
    pub fn of(client: *const ph_client) -> Stats {
        let mut values = vec![u64::MAX; ph_stats_get(client, ptr::null_mut(), 0)];
        assert_eq!(ph_stats_get(client, values.as_mut_ptr(), values.len()), values.len());
        assert!(!values.contains(&u64::MAX), "not every statistic was written: {values:?}");
        Stats(values)
    }

    /// accepted + adopted = delivered + queued + in flight + stored + drained + dropped, where
    /// dropped is the sum of its reasons.
    #[track_caller]
    pub fn assert_balances(&self) {
        let come = self[PH_STAT_ACCEPTED] + self[PH_STAT_ADOPTED];
        let gone: u64 = self.0[PH_STAT_DELIVERED..=PH_STAT_DROPPED].iter().sum();
        assert_eq!(come, gone, "{self:?}");
        let reasons = &self.0[PH_STAT_DROPPED_OVERFLOW..=PH_STAT_DROPPED_OPTED_OUT];
        assert_eq!(self[PH_STAT_DROPPED], reasons.iter().sum::<u64>(), "{self:?}");
    }

    /// All events are settled, so many of them delivered.
    #[track_caller]
    pub fn assert_delivered(&self, delivered: u64) {
        self.assert_balances();
        let open = self[PH_STAT_QUEUED] + self[PH_STAT_IN_FLIGHT];
        assert_eq!((self[PH_STAT_DELIVERED], open), (delivered, 0), "{self:?}");
    }

    /// How many captures were refused with that status.
    pub fn refused(&self, status: Status) -> u64 {
        self[refused_index(status)]
    }

    pub fn set(&mut self, index: usize, value: u64) {
        self.0[index] = value;
    }

    pub fn refused_total(&self) -> u64 {
        self.0[PH_STAT_REFUSED_NULL..].iter().sum()
    }

    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|value| *value == 0)
    }
}

/// The counter of captures that were refused with that status.
pub fn refused_index(status: Status) -> usize {
    PH_STAT_REFUSED_NULL + usize::try_from(-1 - status.0).unwrap()
}

impl Index<usize> for Stats {
    type Output = u64;

    fn index(&self, index: usize) -> &u64 {
        &self.0[index]
    }
}
