//! Which protocol a server is spoken to in: asked for, or found out by its first answer.

use crate::config::Protocol;
use std::sync::atomic::{AtomicU8, Ordering};

/// The protocol of one endpoint family. Kept over `fork`: the server is the same.
#[derive(Debug)]
pub struct Choice(AtomicU8);

const OPEN: u8 = 0;
const V0: u8 = 1;
const V1: u8 = 2;

impl Choice {
    /// Fixed to a protocol, or open until the server has shown which one it speaks.
    pub fn new(asked: Option<Protocol>) -> Choice {
        let choice = Choice(AtomicU8::new(OPEN));
        if let Some(protocol) = asked {
            choice.pin(protocol);
        }
        choice
    }

    /// What to speak now. A server that speaks V1 speaks V0, too, but not the other way round: V1
    /// is tried first.
    pub fn protocol(&self) -> Protocol {
        if self.0.load(Ordering::Acquire) == V0 { Protocol::V0 } else { Protocol::V1 }
    }

    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire) == OPEN
    }

    /// From here on it is this one.
    pub fn pin(&self, protocol: Protocol) {
        let value = match protocol {
            Protocol::V0 => V0,
            Protocol::V1 => V1,
        };
        self.0.store(value, Ordering::Release);
    }
}

/// What the answer to a request in V1 says about a server of which nothing is known: `None` when
/// it says nothing. A host without V1 has no such path, leads elsewhere, or answers anything with
/// success.
pub fn shown(status: u16, has_results: bool) -> Option<Protocol> {
    match status {
        200..=299 if has_results => Some(Protocol::V1),
        200..=399 | 404 | 405 => Some(Protocol::V0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_telling_answer_decides() {
        for (status, has_results, expected) in [
            (200, true, Some(Protocol::V1)),
            (207, true, Some(Protocol::V1)),
            (200, false, Some(Protocol::V0)),
            (204, false, Some(Protocol::V0)),
            (301, false, Some(Protocol::V0)),
            (302, true, Some(Protocol::V0)),
            (308, false, Some(Protocol::V0)),
            (404, false, Some(Protocol::V0)),
            (405, false, Some(Protocol::V0)),
            (400, false, None),
            (401, false, None),
            (408, false, None),
            (413, false, None),
            (429, false, None),
            (500, false, None),
            (503, true, None),
        ] {
            assert_eq!(shown(status, has_results), expected, "{status} {has_results}");
        }
    }

    #[test]
    fn an_open_choice_tries_v1_and_keeps_what_it_finds() {
        let choice = Choice::new(None);
        assert_eq!((choice.protocol(), choice.is_open()), (Protocol::V1, true));
        choice.pin(Protocol::V0);
        assert_eq!((choice.protocol(), choice.is_open()), (Protocol::V0, false));
        let choice = Choice::new(Some(Protocol::V1));
        assert_eq!((choice.protocol(), choice.is_open()), (Protocol::V1, false));
    }
}
