//! How long the steps of making a connection may take together.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};
use ureq::unversioned::transport::time::Instant as Moment;
use ureq::unversioned::transport::{ConnectionDetails, NextTimeout};
use ureq::{Error, Timeout};

/// How long something may take, and what it is called when it takes longer.
#[derive(Clone, Copy)]
pub struct Patience {
    deadline: Option<Instant>,
    reason: Timeout,
}

impl Patience {
    /// From now on.
    pub fn new(timeout: NextTimeout) -> Patience {
        Patience::since(Instant::now(), timeout)
    }

    /// For all steps of one connection: name resolution, TCP, a proxy, TLS.
    pub fn of(details: &ConnectionDetails<'_>) -> Patience {
        let begun = if let Moment::Exact(begun) = details.now { begun } else { Instant::now() };
        Patience::since(begun, details.timeout)
    }

    fn since(begun: Instant, timeout: NextTimeout) -> Patience {
        let forever = timeout.after.is_not_happening();
        let deadline = if forever { None } else { begun.checked_add(*timeout.after) };
        Patience { deadline, reason: timeout.reason }
    }

    /// Never zero. `None` is for ever.
    pub fn left(&self) -> Result<Option<Duration>, Error> {
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Error::Timeout(self.reason));
        }
        Ok(left)
    }

    /// The same as ureq has it.
    pub fn next(&self) -> Result<NextTimeout, Error> {
        let after = self.left()?.map(Into::into);
        let forever = NextTimeout::default();
        Ok(NextTimeout { after: after.unwrap_or(forever.after), reason: self.reason, ..forever })
    }

    /// A time-out is `WouldBlock` to some systems and `TimedOut` to others.
    pub fn judge(&self, error: io::Error) -> Error {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(self.reason),
            _ => error.into(),
        }
    }
}
