//! One event that the server cannot take does not hold up the others.

use crate::c::*;
use crate::client::{Client, PATIENCE_MS, to};
use crate::handle::Props;
use crate::time::until;
use posthog_receiver::{Receiver, Reply, Request, Script};

const PROTOCOLS: [i32; 2] = [PH_PROTOCOL_V0, PH_PROTOCOL_V1];

fn has(request: &Request, n: i64) -> bool {
    request.events().iter().any(|event| event["properties"]["n"] == n)
}

fn accepted(receiver: &Receiver) -> Vec<i64> {
    let mut numbers: Vec<i64> = receiver.accepted().iter().map(|event| event.n.unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

fn all_but(events: i64, culprits: &[i64]) -> Vec<i64> {
    (0..events).filter(|n| !culprits.contains(n)).collect()
}

/// A client whose server answers 500 to whatever has one of those events in it.
fn choking(protocol: i32, culprits: &'static [i64]) -> (Receiver, Client) {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().compute("/", move |request| {
        let chokes = culprits.iter().any(|n| has(request, *n));
        if chokes { Reply::status(500) } else { Reply::usual() }
    }));
    let client = to(&receiver)
        .set(ph_config_set_protocol, protocol)
        .set(ph_config_set_retry_base_ms, 2)
        .set(ph_config_set_retry_cap_ms, 20)
        .client();
    (receiver, client)
}

#[test]
fn an_event_that_the_server_chokes_on_ends_alone_and_all_others_arrive() {
    for protocol in PROTOCOLS {
        for culprits in [&[37_i64][..], &[0], &[99], &[3, 60], &[10, 11, 12]] {
            let (receiver, client) = choking(protocol, culprits);
            client.capture_numbered("e", 0..100);
            assert_eq!(client.flush(PH_NO_WAIT), PH_ERROR_TIMEOUT);
            let left = culprits.len() as u64;
            until("the others arrived", || client.stat(PH_STAT_DELIVERED) == 100 - left);
            let stats = client.stats();
            stats.assert_balances();
            assert_eq!((stats[PH_STAT_IN_FLIGHT], stats[PH_STAT_DROPPED]), (left, 0));
            assert_eq!(accepted(&receiver), all_but(100, culprits));
            // The first five are the whole batch: before that nothing is suspected.
            let whole = |request: &Request| request.events().len() == 100;
            assert_eq!(receiver.requests().iter().filter(|it| whole(it)).count(), 5);

            // Fresh events go past it.
            client.capture_numbered("e", 100..120);
            assert_eq!(client.flush(20), PH_ERROR_TIMEOUT, "the culprit is not settled");
            until("fresh ones arrived", || client.stat(PH_STAT_DELIVERED) == 120 - left);

            receiver.set_script(Script::new());
            client.deliver();
            client.stats().assert_delivered(120);
            assert_eq!(accepted(&receiver), all_but(120, &[]));
        }
    }
}

/// That could be the server: it is asked once for each step, and the batch is not broken up more
/// than the answers warrant.
#[test]
fn a_server_that_only_answers_500_gets_everything_when_it_is_back() {
    for protocol in PROTOCOLS {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().times(60, "/", Reply::status(500)));
        let client = to(&receiver)
            .set(ph_config_set_protocol, protocol)
            .set(ph_config_set_retry_base_ms, 1)
            .set(ph_config_set_retry_cap_ms, 4)
            .client();
        client.capture_numbered("e", 0..200);
        client.deliver();
        client.stats().assert_delivered(200);
        assert_eq!(accepted(&receiver), all_but(200, &[]));
        let requests = receiver.counts().requests;
        assert!((61..=90).contains(&requests), "{requests} requests");
    }
}

#[test]
fn a_giant_among_small_ones_is_found_and_the_small_ones_arrive() {
    for protocol in PROTOCOLS {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/", Reply::usual().max_body(256 << 10)));
        let client = to(&receiver).set(ph_config_set_protocol, protocol).client();
        client.capture_numbered("e", 0..41);
        let giant = Props::new().int("n", 41).str("fill", &"x".repeat(900 << 10));
        assert_eq!(client.capture_with("u", "e", &giant), PH_OK);
        client.capture_numbered("e", 42..100);
        assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
        let stats = client.stats();
        stats.assert_delivered(99);
        assert_eq!((stats[PH_STAT_DROPPED_TOO_LARGE], stats[PH_STAT_DROPPED]), (1, 1));
        assert_eq!(accepted(&receiver), all_but(100, &[41]));
        assert_eq!(receiver.counts().duplicates, 0);
    }
}
