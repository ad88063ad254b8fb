//! When events leave, what becomes of a batch, and what the host is told of it.

use crate::c::*;
use crate::client::{Client, to};
use crate::time::{PATIENCE, Stop, until};
use posthog_receiver::{Receiver, Reply, Script};
use std::sync::Arc;
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
    thread::sleep(Duration::from_millis(300));
}

/// A client whose first request, with the event 0, is not answered yet: what is captured meanwhile
/// stays queued.
struct Busy {
    // Before the receiver goes, which waits for its threads.
    first: First,
    receiver: Receiver,
    client: Client,
}

/// The first answer.
struct First(Arc<Stop>);

impl First {
    fn comes(&self) {
        self.0.let_go();
    }
}

impl Drop for First {
    fn drop(&mut self) {
        self.comes();
    }
}

impl Busy {
    fn new(options: impl FnOnce(crate::client::Config) -> crate::client::Config) -> Busy {
        let receiver = Receiver::start();
        let first = First(Arc::default());
        let stop = Arc::clone(&first.0);
        receiver.set_script(Script::new().compute("/batch/", move |_| {
            stop.here();
            Reply::usual()
        }));
        let client = options(to(&receiver)).client();
        client.capture_numbered("e", 0..1);
        assert_eq!(client.flush(PH_NO_WAIT), PH_ERROR_TIMEOUT);
        assert!(receiver.wait_for_requests(1, PATIENCE));
        Busy { first, receiver, client }
    }

    /// From here on everything is answered.
    fn deliver(&self) {
        self.first.comes();
        self.client.deliver();
    }
}
