//! The host's own way to carry a request, in place of the library's HTTP.

use std::time::Duration;

/// A request as it is to go out.
pub struct Outgoing<'a> {
    pub method: &'static str,
    pub url: &'a str,
    /// Names in lower case, and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// Empty for a GET.
    pub body: &'a [u8],
    /// When nobody waits for the answer any more.
    pub timeout: Duration,
}

/// What came back.
#[derive(Default)]
pub struct Incoming {
    /// 0 until it is set.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Waits for the answer; false if there is none.
pub type Carrier = dyn Fn(&Outgoing<'_>, &mut Incoming) -> bool + Send + Sync;
