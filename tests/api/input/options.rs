//! Options outside their range, and hosts that are none.

use crate::c::*;
use crate::child;
use crate::client::{Config, KEY, to, to_url};
use crate::time::PATIENCE;
use posthog_receiver::Receiver;
use std::ptr;

#[test]
fn hosts_that_are_none_leave_the_one_before() {
    let bad = [
        c"",
        c" ",
        c"127.0.0.1",
        c"us.i.posthog.com",
        c"localhost:8000",
        c"//127.0.0.1",
        c"ftp://127.0.0.1",
        c"http:/127.0.0.1",
        c"http://",
        c"http:///batch",
        c"http://?",
        c"http://127.0.0.1?x=1",
        c"http://127.0.0.1#x",
        c"http://user@127.0.0.1",
        c"http://user:secret@127.0.0.1",
        c"http://127.0.0.1:",
        c"http://127.0.0.1:port",
        c"http://127.0.0.1:65536",
        c"http://127.0.0.1 .com",
        c"http://127.0.0.1\r\nX: 1",
        c"http://127.0.0.1\\@evil",
        c"http://[::1",
    ];
    let receiver = Receiver::start();
    let config = to(&receiver);
    for host in bad {
        assert_eq!(ph_config_set_host(config.raw(), host.as_ptr()), PH_ERROR_HOST, "{host:?}");
    }
    assert_eq!(ph_config_set_host(config.raw(), c"http://\xFF".as_ptr()), PH_ERROR_UTF8);
    assert_eq!(ph_config_set_host(config.raw(), ptr::null()), PH_ERROR_NULL);
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    assert_eq!(receiver.counts().accepted, 1);
}

#[test]
fn spellings_of_a_host() {
    let receiver = Receiver::start();
    let port = receiver.addr().port();
    let hosts = [
        format!("http://127.0.0.1:{port}/"),
        format!("HTTP://127.0.0.1:{port}"),
        format!("  http://127.0.0.1:{port}//\n"),
        format!("http://localhost:{port}"),
    ];
    for host in &hosts {
        let client = to_url(host).client();
        assert_eq!(client.capture("u", "e"), PH_OK);
        client.deliver();
    }
    assert_eq!(receiver.counts().accepted, hosts.len() as u64);
    assert!(receiver.requests().iter().all(|request| request.path == "/batch/"));
}

#[test]
fn a_host_of_the_environment_that_is_none_is_told_by_init() {
    const NAME: &str = "input::options::a_host_of_the_environment_that_is_none_is_told_by_init";
    if child::passes(NAME, &[("POSTHOG_API_KEY", KEY), ("POSTHOG_HOST", "nonsense")]) {
        return;
    }
    let config = Config::from_env();
    let mut client: *mut ph_client = ptr::dangling_mut();
    assert_eq!(ph_init(config.raw(), &raw mut client), PH_ERROR_HOST);
    assert_eq!(client, ptr::dangling_mut(), "written although the call failed");
    // It can be put right.
    drop(config.host("http://127.0.0.1:1").client());
}

#[test]
fn numbers_have_the_ranges_of_the_header() {
    type Small = (extern "C" fn(*mut ph_config, u32) -> Status, u32, u32);
    let small: [Small; 10] = [
        (ph_config_set_flush_at, 1, 1_000_000),
        (ph_config_set_flush_interval_ms, 1, 86_400_000),
        (ph_config_set_batch_max_events, 1, 100_000),
        (ph_config_set_queue_max_events, 1, 10_000_000),
        (ph_config_set_connect_timeout_ms, 1, 600_000),
        (ph_config_set_request_timeout_ms, 1, 600_000),
        (ph_config_set_retry_base_ms, 1, 600_000),
        (ph_config_set_retry_cap_ms, 1, 600_000),
        (ph_config_set_flags_ttl_ms, 1, 86_400_000),
        (ph_config_set_flags_max_identities, 1, 1_000_000),
    ];
    let config = Config::new(KEY);
    for (index, (setter, min, max)) in small.into_iter().enumerate() {
        for (value, expected) in [
            (0, PH_OK),
            (min, PH_OK),
            (max, PH_OK),
            (max + 1, PH_ERROR_RANGE),
            (u32::MAX, PH_ERROR_RANGE),
        ] {
            assert_eq!(setter(config.raw(), value), expected, "setter {index}: {value}");
        }
    }
    type Large = (extern "C" fn(*mut ph_config, u64) -> Status, u64, u64);
    let large: [Large; 4] = [
        (ph_config_set_batch_max_bytes, 1_024, 16 << 20),
        (ph_config_set_queue_max_bytes, 1_024, 4 << 30),
        (ph_config_set_event_max_bytes, 1_024, 16 << 20),
        (ph_config_set_max_age_ms, 1, 30 * 86_400_000),
    ];
    for (index, (setter, min, max)) in large.into_iter().enumerate() {
        for value in [0, min, max] {
            assert_eq!(setter(config.raw(), value), PH_OK, "setter {index}: {value}");
        }
        for value in [max + 1, u64::MAX].into_iter().chain((min > 1).then_some(min - 1)) {
            assert_eq!(setter(config.raw(), value), PH_ERROR_RANGE, "setter {index}: {value}");
        }
    }
    assert_eq!(ph_config_set_flags_timeout_ms(config.raw(), 0), PH_OK);
    assert_eq!(ph_config_set_flags_timeout_ms(config.raw(), 600_000), PH_OK);
    assert_eq!(ph_config_set_flags_timeout_ms(config.raw(), 600_001), PH_ERROR_RANGE);
    for retries in [0, 1, PH_NEVER - 1, PH_NEVER] {
        assert_eq!(ph_config_set_max_retries(config.raw(), retries), PH_OK);
    }
}

#[test]
fn numbers_that_stand_for_names() {
    let config = Config::new(KEY);
    for overflow in [-1, 3, i32::MIN, i32::MAX] {
        assert_eq!(ph_config_set_overflow(config.raw(), overflow, 0), PH_ERROR_RANGE);
    }
    for overflow in [PH_OVERFLOW_DROP_NEWEST, PH_OVERFLOW_DROP_OLDEST] {
        assert_eq!(ph_config_set_overflow(config.raw(), overflow, u32::MAX), PH_OK);
    }
    for (block_ms, expected) in
        [(0, PH_OK), (1, PH_OK), (600_000, PH_OK), (600_001, PH_ERROR_RANGE)]
    {
        let status = ph_config_set_overflow(config.raw(), PH_OVERFLOW_BLOCK, block_ms);
        assert_eq!(status, expected, "{block_ms}");
    }
    for compression in [-1, 5, i32::MIN, i32::MAX] {
        assert_eq!(ph_config_set_compression(config.raw(), compression), PH_ERROR_RANGE);
    }
    let exception = crate::handle::Exception::new("e", "m");
    for level in [-1, 6, i32::MIN, i32::MAX] {
        assert_eq!(ph_exception_set_level(exception.raw(), level), PH_ERROR_RANGE);
    }
}

#[test]
fn a_setter_that_fails_changes_nothing() {
    let receiver = Receiver::start();
    let config = to(&receiver).set(ph_config_set_flush_at, 2);
    assert_eq!(ph_config_set_flush_at(config.raw(), 1_000_001), PH_ERROR_RANGE);
    let client = config.client();
    client.capture_numbered("e", 0..2);
    assert!(receiver.wait_for_events(2, PATIENCE));
}

#[test]
fn a_librarys_name_cannot_break_out_of_its_header() {
    let receiver = Receiver::start();
    let config = to(&receiver);
    let set = |name: &std::ffi::CStr, version: &std::ffi::CStr| {
        ph_config_set_library(config.raw(), name.as_ptr(), version.as_ptr())
    };
    assert_eq!(set(c"", c"1"), PH_ERROR_EMPTY);
    assert_eq!(set(c"x", c""), PH_ERROR_EMPTY);
    assert_eq!(set(c"\xFF", c"1"), PH_ERROR_UTF8);
    for bad in [c"a\r\nX-Evil: 1", c"a b", c"a\x7F", c"a\xC3\xA9"] {
        assert_ne!(set(bad, c"1"), PH_OK, "{bad:?}");
        assert_ne!(set(c"x", bad), PH_OK, "{bad:?}");
    }
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    let agent = receiver.requests()[0].header("user-agent").map(str::to_owned);
    assert_eq!(agent, Some(format!("libposthog/{}", env!("CARGO_PKG_VERSION"))));
}
