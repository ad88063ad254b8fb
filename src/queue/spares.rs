//! Emptied segments, to be filled again: as many as were needed a moment ago. So a steady flow,
//! also one of bursts, allocates nothing and faults no page in, and what a rare burst has needed is
//! given back.

use super::segment::Segment;
use std::time::{Duration, Instant};

/// What was not needed for so long is given back.
const PERIOD: Duration = Duration::from_secs(1);

/// The next event is to find its memory there, however long that takes to come.
const KEPT: usize = 1;

#[derive(Default)]
pub struct Spares {
    /// The last one was in use last.
    all: Vec<Segment>,
    /// How many there were at every moment of this period: so many are not needed.
    unused: usize,
    /// When the period ends. `None` where none has begun.
    ends: Option<Instant>,
}

impl Spares {
    /// Adds an empty segment, the next to be used. One that cannot be kept is returned.
    pub fn keep(&mut self, segment: Segment) -> Option<Segment> {
        if self.all.try_reserve(1).is_err() {
            return Some(segment);
        }
        self.all.push(segment);
        None
    }

    /// Whether the next has room for so many bytes.
    pub fn has(&self, bytes: usize) -> bool {
        self.all.last().is_some_and(|segment| segment.room() >= bytes)
    }

    /// The next; one without room if there is none.
    pub fn take(&mut self) -> Segment {
        let segment = self.all.pop().unwrap_or_default();
        self.unused = self.unused.min(self.all.len());
        segment
    }

    /// All of them.
    pub fn take_all(&mut self) -> Vec<Segment> {
        self.unused = 0;
        std::mem::take(&mut self.all)
    }

    /// When some may have to be given back. `None` while all are kept: whoever sleeps for the lack
    /// of events is not woken for them then.
    pub fn due(&self) -> Option<Instant> {
        self.ends.filter(|_| self.all.len() > KEPT)
    }

    /// Takes out what a whole period did not need, once it has ended.
    pub fn surplus(&mut self, now: Instant) -> Vec<Segment> {
        if self.all.len() <= KEPT {
            self.ends = None;
            return Vec::new();
        }
        let mut surplus = Vec::new();
        match self.ends {
            Some(ends) if now < ends => return surplus,
            Some(_) => surplus.extend(self.all.drain(..self.unused.min(self.all.len() - KEPT))),
            None => {}
        }
        self.unused = self.all.len();
        self.ends = Some(now + PERIOD);
        surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spares(count: usize) -> Spares {
        let mut spares = Spares::default();
        for _ in 0..count {
            assert!(spares.keep(Segment::reserve(64).unwrap()).is_none());
        }
        spares
    }

    #[test]
    fn what_a_period_did_not_need_is_given_back() {
        let mut spares = spares(5);
        let now = Instant::now();
        assert!(spares.surplus(now).is_empty());
        assert_eq!(spares.due(), Some(now + PERIOD));
        // Two at once are needed in it, again and again.
        for _ in 0..3 {
            let taken = [spares.take(), spares.take()];
            assert!(taken.into_iter().all(|segment| spares.keep(segment).is_none()));
        }
        assert!(spares.surplus(now + PERIOD / 2).is_empty());
        assert_eq!(spares.surplus(now + PERIOD).len(), 3);
        assert_eq!(spares.all.len(), 2);
    }

    #[test]
    fn one_is_kept_and_nobody_is_woken_for_it() {
        let mut spares = spares(3);
        let now = Instant::now();
        assert!(spares.surplus(now).is_empty());
        assert_eq!(spares.surplus(now + PERIOD).len(), 2);
        assert_eq!(spares.due(), None);
        assert!(spares.surplus(now + 9 * PERIOD).is_empty());
        assert!(spares.has(64));
    }
}
