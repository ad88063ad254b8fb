//! When events leave, what becomes of a batch, and what the host is told of it.

use crate::c::*;
use crate::client::{Client, to};
use crate::time::{PATIENCE, until};
use posthog_receiver::{Receiver, Reply, Script};
use std::thread;
use std::time::Duration;

mod culprit;
mod flush;
mod overflow;
mod retry;
mod told;
mod triggers;

/// The number `n` of every event of every request, whatever became of it.
fn numbers_of_requests(receiver: &Receiver) -> Vec<Vec<i64>> {
    let number = |event: &serde_json::Value| event["properties"]["n"].as_i64().unwrap();
    receiver.requests().iter().map(|it| it.events().iter().map(number).collect()).collect()
}

/// The number `n` of every accepted event, in order.
fn accepted_numbers(receiver: &Receiver) -> Vec<i64> {
    receiver.accepted().iter().map(|event| event.n.unwrap()).collect()
}

/// Waits until the first request is answered and the sender has had the time to take that in.
fn until_the_batch_waits(receiver: &Receiver) {
    until("an answer", || receiver.requests().first().is_some_and(|it| it.status.is_some()));
    thread::sleep(Duration::from_millis(100));
}

/// A client whose first request, with the event 0, is answered only after a while: what is
/// captured meanwhile stays queued.
struct Busy {
    receiver: Receiver,
    client: Client,
}

impl Busy {
    fn new(
        first: Reply,
        options: impl FnOnce(crate::client::Config) -> crate::client::Config,
    ) -> Busy {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().next("/batch/", first));
        let client = options(to(&receiver)).client();
        client.capture_numbered("e", 0..1);
        assert_eq!(client.flush(PH_NO_WAIT), PH_ERROR_TIMEOUT);
        assert!(receiver.wait_for_requests(1, PATIENCE));
        Busy { receiver, client }
    }
}

/// Long enough to fill a queue meanwhile, on a busy machine too.
const BUSY: Duration = Duration::from_millis(700);
