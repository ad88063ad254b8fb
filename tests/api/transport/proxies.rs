//! Requests by a proxy, explicit or from the environment.

use super::both_arrive;
use crate::c::*;
use crate::child;
use crate::client::{Client, Config, KEY, to, to_url};
use crate::handle::c_text;
use crate::hook::logged;
use crate::time::{PATIENCE, timed};
use posthog_receiver::{Authority, Proxy, ProxyOptions, Receiver};
use std::env;
use std::time::Duration;

/// `someone:secret!`, and how it is written in a URL.
const CREDENTIALS: &str = "Basic c29tZW9uZTpzZWNyZXQh";
const USER: &str = "someone:secret%21";

fn options() -> ProxyOptions {
    ProxyOptions { authorization: Some(CREDENTIALS.to_owned()), ..ProxyOptions::default() }
}

fn by(receiver: &Receiver, proxy: &str) -> Config {
    to(receiver).text(ph_config_set_proxy, proxy)
}

#[test]
fn a_proxy_with_basic_authentication_carries_capture_and_flags() {
    let (receiver, proxy) = (Receiver::start(), Proxy::start(options()));
    let client = by(&receiver, &format!("http://{USER}@{}", proxy.addr())).client();
    both_arrive(&client);
    both_arrive(&client);
    // One tunnel, which is kept.
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(heads[0].starts_with(&format!("CONNECT {} HTTP/1.1\r\n", receiver.addr())));
    assert_eq!(receiver.counts().accepted, 2);
    assert!(receiver.requests().iter().all(|it| it.header("proxy-authorization").is_none()));
}

#[test]
fn tls_goes_through_a_tunnel_to_a_name_that_only_the_proxy_knows() {
    let authority = Authority::new();
    let receiver = Receiver::secure(authority.identity(&["posthog.test"]));
    let target = Some(receiver.addr());
    let proxy = Proxy::start(ProxyOptions { target, ..options() });
    let ca = super::tls::CaFile::of(&authority);
    let client = to_url("https://posthog.test")
        .text(ph_config_set_ca_file, ca.path())
        .text(ph_config_set_proxy, &format!("http://{USER}@{}", proxy.addr()))
        .client();
    both_arrive(&client);
    assert!(proxy.heads()[0].starts_with("CONNECT posthog.test:443 HTTP/1.1\r\n"));
    assert_eq!(receiver.counts().accepted, 1);
}

/// The way to the proxy is TLS, whether what goes through it is TLS once more or not.
#[test]
fn a_proxy_may_speak_tls_itself() {
    let authority = Authority::new();
    let ca = super::tls::CaFile::of(&authority);
    let identity = || authority.identity(&["127.0.0.1"]);
    for receiver in [Receiver::start(), Receiver::secure(identity())] {
        let proxy = Proxy::start(ProxyOptions { identity: Some(identity()), ..options() });
        let client = by(&receiver, &format!("https://{USER}@{}", proxy.addr()))
            .text(ph_config_set_ca_file, ca.path())
            .client();
        both_arrive(&client);
        client.capture_numbered("many", 0..3_000);
        client.deliver();
        assert_eq!((proxy.heads().len(), receiver.counts().accepted), (1, 3_001));
    }
}

#[test]
fn a_proxy_that_is_not_who_it_should_be_is_told_nothing() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let ca = super::tls::CaFile::of(&ours);
    let receiver = Receiver::start();
    let identity = Some(theirs.identity(&["127.0.0.1"]));
    let proxy = Proxy::start(ProxyOptions { identity, ..options() });
    let config = by(&receiver, &format!("https://{USER}@{}", proxy.addr()))
        .text(ph_config_set_ca_file, ca.path())
        .set(ph_config_set_max_retries, PH_NEVER);
    let (config, lines) = logged(config);
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(20_000), PH_ERROR_LOST);
    assert!(
        lines.all().iter().any(|line| line.contains("issuer is not trusted")),
        "{:?}",
        lines.all()
    );
    assert_eq!((proxy.heads().len(), receiver.connections()), (0, 0));
}

#[test]
fn a_proxy_that_wants_other_credentials_is_told_of_and_nothing_is_sent() {
    let (receiver, proxy) = (Receiver::start(), Proxy::start(options()));
    let config = by(&receiver, &format!("http://someone:wrong@{}", proxy.addr()));
    let (config, lines) = logged(config.set(ph_config_set_max_retries, PH_NEVER));
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(20_000), PH_ERROR_LOST);
    assert_eq!(client.evaluate("u").err(), Some(PH_ERROR_NETWORK));
    assert!(lines.all().iter().any(|line| line.contains("407")), "{:?}", lines.all());
    assert!(!lines.all().iter().any(|line| line.contains("wrong")), "the password is in the log");
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_proxy_cannot_stretch_a_deadline() {
    let silent = ProxyOptions { hangs: true, ..ProxyOptions::default() };
    // Fifty bytes: five seconds in all.
    let slow = ProxyOptions { drip: Duration::from_millis(100), ..ProxyOptions::default() };
    for options in [silent, slow] {
        let (receiver, proxy) = (Receiver::start(), Proxy::start(options));
        let client = by(&receiver, &format!("http://{}", proxy.addr())).client();
        let (found, took) = timed(|| client.evaluate_in("u", None, 500).err());
        assert_eq!(found, Some(PH_ERROR_TIMEOUT));
        assert!(took < Duration::from_secs(3), "{took:?}");
        assert_eq!(receiver.counts().requests, 0);
    }
}

#[test]
fn what_is_no_proxy_is_refused() {
    let config = Config::new(KEY);
    for bad in ["socks5://127.0.0.1:1", "ftp://x", "http://", "http://a b"] {
        let status = ph_config_set_proxy(config.raw(), c_text(bad).as_ptr());
        assert_eq!(status, PH_ERROR_HOST, "{bad}");
    }
}

const URL: &str = "POSTHOG_API_TEST_URL";

fn from_env() -> Config {
    to_url(&env::var(URL).unwrap())
}

fn arrives(client: &Client) {
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(PATIENCE.as_millis() as u32), PH_OK);
}

#[test]
fn the_environment_names_a_proxy() {
    let (receiver, proxy) = (Receiver::start(), Proxy::start(options()));
    let named = format!("http://{USER}@{}", proxy.addr());
    let variables = [(URL, &*receiver.url()), ("HTTP_PROXY", &*named), ("NO_PROXY", "10.0.0.0/8")];
    if child::passes("transport::proxies::the_environment_names_a_proxy", &variables) {
        // By the proxy, and without one although the environment names it.
        assert_eq!((proxy.heads().len(), receiver.counts().accepted), (1, 2));
        return;
    }
    arrives(&from_env().client());
    arrives(&from_env().text(ph_config_set_proxy, "").client());
}

#[test]
fn a_network_in_no_proxy_is_reached_without_one() {
    let (receiver, proxy) = (Receiver::start(), Proxy::start(options()));
    let named = format!("http://{USER}@{}", proxy.addr());
    let variables =
        [(URL, &*receiver.url()), ("all_proxy", &*named), ("no_proxy", "x.test,127.0.0.0/8")];
    let name = "transport::proxies::a_network_in_no_proxy_is_reached_without_one";
    if child::passes(name, &variables) {
        assert_eq!((proxy.heads().len(), receiver.counts().accepted), (0, 1));
        return;
    }
    arrives(&from_env().client());
}
