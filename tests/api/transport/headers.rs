//! Headers that the host adds.

use super::both_arrive;
use crate::c::*;
use crate::client::{Config, KEY, to};
use crate::handle::c_text;
use posthog_receiver::Receiver;

#[test]
fn every_request_has_the_hosts_headers() {
    let receiver = Receiver::start();
    let config = to(&receiver).header("X-Tenant", "one").header("Accept", "application/json");
    let client = config.header("x-tenant", " blue team ").client();
    both_arrive(&client);
    for request in receiver.requests() {
        assert_eq!(request.header("x-tenant"), Some("blue team"));
        assert_eq!(request.header("accept"), Some("application/json"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        let agent = format!("libposthog/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.header("user-agent"), Some(agent.as_str()));
    }
    assert_eq!(receiver.counts().requests, 2);
}

#[test]
fn what_would_change_the_request_is_refused() {
    let config = Config::new(KEY);
    let add = |name: &str, value: &str| {
        ph_config_add_header(config.raw(), c_text(name).as_ptr(), c_text(value).as_ptr())
    };
    for (name, value) in [
        ("x-a", "v\r\nx-b: v"),
        ("x-a", "v\nw"),
        ("x-a\r\nx-b", "v"),
        ("x a", "v"),
        ("x-a", "\u{e9}"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("User-Agent", "me"),
        ("Host", "elsewhere"),
    ] {
        assert_eq!(add(name, value), PH_ERROR_RANGE, "{name:?}: {value:?}");
    }
    assert_eq!(add("", "v"), PH_ERROR_EMPTY);
    assert_eq!(add("x-a", &"v".repeat(8 << 10)), PH_ERROR_RANGE);
    assert_eq!(add("x-a", ""), PH_OK);
}
