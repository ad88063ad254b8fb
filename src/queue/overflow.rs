//! What happens to an event for which there is no room, and how that is told.

use crate::log::{Level, Logger};
use std::time::{Duration, Instant};

/// What gives way when the queue is at its bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// The new event is refused.
    DropNewest,
    /// The oldest queued events are dropped for it.
    DropOldest,
    /// The capture waits for room, at most so long; then the new event is refused.
    Block(Duration),
}

/// A run of drops. It is told when it begins, then at most once per 100 drops and per second,
/// and when the queue is half empty again.
#[derive(Default)]
pub struct Episode {
    drops: u64,
    told_at: Option<Instant>,
    /// The clock is looked at again when there are so many drops: refusing has to be quick.
    look_at: u64,
}

/// What there is to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    Begun,
    Running(u64),
    Ended(u64),
}

const DROPS_BETWEEN: u64 = 100;
const TIME_BETWEEN: Duration = Duration::from_secs(1);

impl Episode {
    pub fn dropped(&mut self, events: u64, now: impl FnOnce() -> Instant) -> Option<Line> {
        self.drops += events;
        if events == 0 || self.drops < self.look_at {
            return None;
        }
        let now = now();
        self.look_at = self.drops + DROPS_BETWEEN;
        let line = match self.told_at {
            None => Line::Begun,
            Some(at) if now >= at + TIME_BETWEEN => Line::Running(self.drops),
            Some(_) => return None,
        };
        self.told_at = Some(now);
        Some(line)
    }

    pub fn is_on(&self) -> bool {
        self.told_at.is_some()
    }

    pub fn ended(&mut self) -> Option<Line> {
        self.told_at?;
        let line = Line::Ended(self.drops);
        *self = Episode::default();
        Some(line)
    }
}

pub fn log(logger: &Logger, line: Option<Line>) {
    match line {
        None => {}
        Some(Line::Begun) => logger.log(Level::Warn, format_args!("queue full: dropping events")),
        Some(Line::Running(drops)) => {
            logger.log(Level::Warn, format_args!("queue full: {drops} events dropped so far"));
        }
        Some(Line::Ended(drops)) => {
            logger.log(Level::Warn, format_args!("queue has room again: {drops} events dropped"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_is_told_at_its_start_rarely_between_and_at_its_end() {
        let start = Instant::now();
        let mut episode = Episode::default();
        let mut looks = 0;
        let mut drop_at = |episode: &mut Episode, after: Duration| {
            episode.dropped(1, || {
                looks += 1;
                start + after
            })
        };
        assert_eq!(episode.ended(), None);
        assert_eq!(drop_at(&mut episode, Duration::ZERO), Some(Line::Begun));
        for _ in 0..500 {
            assert_eq!(drop_at(&mut episode, Duration::from_millis(999)), None);
        }
        for _ in 0..99 {
            assert_eq!(drop_at(&mut episode, TIME_BETWEEN), None);
        }
        assert_eq!(drop_at(&mut episode, TIME_BETWEEN), Some(Line::Running(601)));
        for _ in 0..99 {
            assert_eq!(drop_at(&mut episode, 3 * TIME_BETWEEN), None);
        }
        assert_eq!(drop_at(&mut episode, 3 * TIME_BETWEEN), Some(Line::Running(701)));
        assert_eq!(episode.ended(), Some(Line::Ended(701)));
        assert_eq!(drop_at(&mut episode, 4 * TIME_BETWEEN), Some(Line::Begun));
        assert_eq!(looks, 9, "the clock is looked at once for every hundred drops");
    }
}
