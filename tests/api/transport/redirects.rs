//! Redirects: followed at the same origin, if method and body stay what they are.

use super::both_arrive;
use crate::c::*;
use crate::client::to;
use crate::hook::logged;
use posthog_receiver::{Receiver, Reply, Script};

fn to_place(status: u16, location: &str) -> Reply {
    Reply::status(status).header("Location", location)
}

#[test]
fn a_redirect_at_the_same_origin_is_followed_with_the_body() {
    for status in [307, 308] {
        let receiver = Receiver::start();
        let absolute = format!("{}/flags/?v=2&again=1", receiver.url());
        receiver.set_script(
            Script::new()
                .next("/batch/", to_place(status, "/i/v0/e/"))
                .next("/flags/", to_place(status, &absolute)),
        );
        both_arrive(&to(&receiver).client());
        let paths: Vec<_> = receiver.requests().into_iter().map(|it| it.path).collect();
        assert_eq!(paths, ["/batch/", "/i/v0/e/", "/flags/?v=2", "/flags/?v=2&again=1"]);
        assert_eq!((receiver.counts().accepted, receiver.connections()), (1, 1));
    }
}

#[test]
fn no_other_redirect_is_followed_and_the_log_says_so() {
    let elsewhere = Receiver::start();
    for status in [301, 302, 303, 307, 308] {
        let receiver = Receiver::start();
        let location = match status {
            // To another origin.
            307 | 308 => format!("{}/batch/", elsewhere.url()),
            // The method or the body would be another.
            _ => "/i/v0/e/".to_owned(),
        };
        receiver.set_script(Script::new().always("/", to_place(status, &location)));
        let (config, lines) = logged(to(&receiver));
        let client = config.client();
        assert_eq!(client.capture("u", "e"), PH_OK);
        assert_eq!(client.flush(20_000), PH_ERROR_LOST);
        assert_eq!(client.evaluate("u").err(), Some(PH_ERROR_SERVER));
        assert_eq!(receiver.counts().requests, 2, "{status}");
        assert!(lines.all().iter().any(|line| line.contains("redirect")), "{:?}", lines.all());
    }
    assert_eq!(elsewhere.counts().requests, 0);
}

#[test]
fn a_circle_ends() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/batch/", to_place(308, "/batch/")));
    let client = to(&receiver).client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(20_000), PH_ERROR_LOST);
    assert_eq!(receiver.counts().requests, 4);
}
