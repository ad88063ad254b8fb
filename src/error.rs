//! The one error type: why a call did not do what was asked.
//!
//! The order is the order of `PH_STAT_REFUSED_*`, which is append-only.

use std::fmt;

/// Why a call failed. Each variant is one status of the C API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// A required pointer was `NULL`.
    Null,
    /// An id, a name or a key is not UTF-8.
    Utf8,
    /// An id or a name is empty.
    Empty,
    /// A text is not JSON, or not the JSON object that was asked for.
    Json,
    /// Containers are nested deeper than 64.
    Depth,
    /// A number is outside the range that the option has.
    Range,
    /// A host is not an `http://` or `https://` URL.
    Host,
    /// A text is not a UUID.
    Uuid,
    /// A time is not RFC 3339, or outside the years 1 to 9999.
    Timestamp,
    /// An event is larger than the client takes.
    TooLarge,
    /// The queue is at its bound and the policy kept the older events.
    QueueFull,
    /// `before_send` dropped the event.
    Filtered,
    /// The client has been shut down.
    Shutdown,
    /// A callback called back into the library.
    Reentrant,
    /// The deadline passed first.
    Timeout,
    /// Events that the call waited for were dropped.
    Lost,
    /// Memory could not be allocated.
    NoMemory,
    /// The server could not be reached, or did not answer.
    Network,
    /// The server answered with an error, or with something unreadable.
    Server,
    /// A thread could not be started.
    Thread,
    /// A bug in the library was caught at its boundary.
    Panic,
    /// Too many exceptions of the same kind.
    Suppressed,
    /// The client was not made for this, or the library was built without it.
    Unsupported,
    /// A file cannot be read or written, or does not hold what it should.
    File,
    /// The server refused the event for good.
    Rejected,
}

/// Every error, in order.
#[cfg(test)]
pub const ALL: [Error; Error::COUNT] = [
    Error::Null,
    Error::Utf8,
    Error::Empty,
    Error::Json,
    Error::Depth,
    Error::Range,
    Error::Host,
    Error::Uuid,
    Error::Timestamp,
    Error::TooLarge,
    Error::QueueFull,
    Error::Filtered,
    Error::Shutdown,
    Error::Reentrant,
    Error::Timeout,
    Error::Lost,
    Error::NoMemory,
    Error::Network,
    Error::Server,
    Error::Thread,
    Error::Panic,
    Error::Suppressed,
    Error::Unsupported,
    Error::File,
    Error::Rejected,
];

impl Error {
    /// How many variants there are; each indexes its own counter of refused calls.
    pub const COUNT: usize = Error::Rejected as usize + 1;

    /// What went wrong, for people.
    pub fn text(self) -> &'static str {
        match self {
            Error::Null => "a required pointer is NULL",
            Error::Utf8 => "text is not valid UTF-8",
            Error::Empty => "an id or a name is empty",
            Error::Json => "text is not the JSON that is needed here",
            Error::Depth => "JSON is nested deeper than 64",
            Error::Range => "value is out of range",
            Error::Host => "host is not an http:// or https:// URL",
            Error::Uuid => "text is not a UUID",
            Error::Timestamp => "time is not RFC 3339 or outside the years 1 to 9999",
            Error::TooLarge => "event is too large",
            Error::QueueFull => "queue is full",
            Error::Filtered => "before_send dropped the event",
            Error::Shutdown => "client has been shut down",
            Error::Reentrant => "called from inside a callback",
            Error::Timeout => "deadline passed",
            Error::Lost => "events were dropped",
            Error::NoMemory => "out of memory",
            Error::Network => "server could not be reached",
            Error::Server => "server answered with an error",
            Error::Thread => "thread could not be started",
            Error::Panic => "bug in the library, caught at its boundary",
            Error::Suppressed => "too many exceptions of the same kind",
            Error::Unsupported => "this client cannot do that",
            Error::File => "file cannot be read or written, or does not hold what it should",
            Error::Rejected => "server refused the event",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Error {}
