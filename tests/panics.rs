//! A Rust program that links the crate and has its panics reported: this test, started again.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use posthog::ffi::{ph_client, ph_config_new, ph_config_set_host, ph_init, ph_status};
use posthog_receiver::Receiver;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::process::Command;
use std::time::Duration;
use support::run;

const HOST: &str = "PANICS_TEST_HOST";

fn client(host: &str) -> &'static ph_client {
    let mut config = ph_config_new(Some(c"phc_test".into())).expect("a config");
    let host = CString::new(host).expect("an address");
    let status = ph_config_set_host(Some(&mut config), Some(host.as_c_str().into()));
    assert_eq!(status, ph_status::PH_OK);
    let mut client = MaybeUninit::uninit();
    assert_eq!(ph_init(Some(&config), Some(&mut client)), ph_status::PH_OK);
    // SAFETY: PH_OK means that it was filled.
    let client: Box<ph_client> = unsafe { client.assume_init() }.into();
    Box::leak(client)
}

#[inline(never)]
fn fails(number: usize) {
    assert!(number > 1000, "out of {number} ideas");
}

/// What the child does.
#[test]
#[ignore = "run by the other test, as a process of its own"]
fn panicking() {
    let Ok(host) = std::env::var(HOST) else { return };
    std::panic::set_hook(Box::new(|_| println!("the hook before")));
    posthog::panics::report(client(&host), Some("somebody"));
    let panicked = std::thread::spawn(|| fails(7)).join();
    assert!(panicked.is_err());
}

#[test]
fn a_panic_arrives_before_the_thread_is_gone() {
    let receiver = Receiver::start();
    let mut command = Command::new(std::env::current_exe().expect("a test knows its executable"));
    command.args(["--ignored", "--exact", "panicking", "--nocapture", "--test-threads=1"]);
    let finished = run(command.env(HOST, receiver.url()), Duration::from_secs(120));
    let stdout = finished.expect_success();
    assert_eq!(stdout.matches("the hook before").count(), 1, "{stdout}");

    let events = receiver.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].json["distinct_id"], "somebody");
    let properties = &events[0].json["properties"];
    assert_eq!(properties["$exception_level"], "fatal");
    assert_eq!(properties["$exception_source"], "rust.panic_hook");
    assert_eq!(properties["$exception_message"], "out of 7 ideas");
    assert!(properties["$exception_panic_file"].as_str().expect("a file").ends_with("panics.rs"));
    let item = &properties["$exception_list"][0];
    assert_eq!(item["mechanism"]["type"], "panic");
    assert_eq!(item["mechanism"]["handled"], false);
    let frames = item["stacktrace"]["frames"].as_array().expect("a stack");
    let own = frames.iter().filter(|frame| frame["in_app"] == true);
    let own: Vec<_> = own.filter_map(|frame| frame["function"].as_str()).collect();
    assert!(own.last().expect("a function").contains("panics::fails"), "{own:?}");
}
