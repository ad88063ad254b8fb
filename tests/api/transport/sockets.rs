//! What a connection is to the rest of the process.

use crate::c::*;
use crate::child;
use crate::client::{to, to_url};
use posthog_receiver::{Authority, Receiver};
use std::env;
use std::fs;

const URL: &str = "POSTHOG_API_TEST_URL";
const CA: &str = "POSTHOG_API_TEST_CA";

/// The flags of every socket of this process, as the kernel has them.
fn flags_of_sockets() -> Vec<u32> {
    let descriptors =
        fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().file_name());
    let flags = descriptors.filter_map(|number| {
        let number = number.to_str().unwrap().to_owned();
        let target = fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
        let is_socket = target.to_string_lossy().starts_with("socket:");
        is_socket.then(|| u32::from_str_radix(flags, 8).unwrap())
    });
    flags.collect()
}

/// How many sockets of this process send at once what is written to them.
fn undelayed() -> usize {
    let is_undelayed = |number: i32| {
        let (mut value, mut size) = (0_i32, size_of::<i32>() as libc::socklen_t);
        // SAFETY: both outlive the call, and the size is that of the value.
        let known = unsafe {
            let value = (&raw mut value).cast();
            libc::getsockopt(number, libc::IPPROTO_TCP, libc::TCP_NODELAY, value, &raw mut size)
        };
        known == 0 && value != 0
    };
    let descriptors = fs::read_dir("/proc/self/fd").unwrap();
    let numbers = descriptors.filter_map(|it| it.unwrap().file_name().to_str()?.parse().ok());
    numbers.filter(|number| is_undelayed(*number)).count()
}

/// `O_CLOEXEC` on Linux, whatever the processor.
const CLOSED_ON_EXEC: u32 = 0o2_000_000;

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_the_host_starts_inherits_no_descriptor() {
    let authority = Authority::new();
    let receiver = Receiver::secure(authority.identity(&["localhost"]));
    let url = receiver.url().replace("127.0.0.1", "localhost");
    let ca = super::tls::CaFile::of(&authority);
    let name = "transport::sockets::a_program_that_the_host_starts_inherits_no_descriptor";
    if child::passes(name, &[(URL, &url), (CA, ca.path())]) {
        return;
    }
    let inherited = |flags: &[u32]| flags.iter().filter(|it| **it & CLOSED_ON_EXEC == 0).count();
    let before = flags_of_sockets();
    let config = to_url(&env::var(URL).unwrap());
    let client = config.text(ph_config_set_ca_file, &env::var(CA).unwrap()).client();
    super::both_arrive(&client);
    let flags = flags_of_sockets();
    assert_eq!(flags.len(), before.len() + 1, "one connection");
    assert_eq!(inherited(&flags), inherited(&before), "a program would inherit a socket");
    assert_eq!(undelayed(), 1, "Nagle's algorithm holds back what is sent");
    let threads = child::threads();
    assert!(!threads.iter().any(|name| name.starts_with("posthog-resolve")), "{threads:?}");
}

#[test]
fn a_steady_flow_takes_one_connection() {
    let receiver = Receiver::start();
    let client = to(&receiver).client();
    for _ in 0..20 {
        super::both_arrive(&client);
    }
    assert_eq!(receiver.connections(), 1);
}
