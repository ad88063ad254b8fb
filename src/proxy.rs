//! The proxy that requests take, and which hosts they reach without one.

use base64::prelude::{BASE64_STANDARD, Engine};
use std::net::IpAddr;
use ureq::ProxyProtocol;
use ureq::http::Uri;

/// A proxy that makes tunnels (`CONNECT`).
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub host: String,
    /// `host:port`.
    pub authority: String,
    /// The way to the proxy itself is TLS.
    pub is_tls: bool,
    /// The value of `Proxy-Authorization`.
    pub authorization: Option<String>,
}

/// Without the password.
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Proxy").field(&self.authority).finish()
    }
}

impl Proxy {
    /// From `[http[s]://][user[:password]@]host[:port]`, user and password percent-encoded.
    pub fn parse(url: &str) -> Option<Proxy> {
        let parsed = ureq::Proxy::new(url.trim()).ok()?;
        let is_tls = match parsed.protocol() {
            ProxyProtocol::Http => false,
            ProxyProtocol::Https => true,
            _ => return None,
        };
        let host = parsed.host();
        if host.is_empty() {
            return None;
        }
        let authorization = parsed.username().map(|user| {
            let password = parsed.password().unwrap_or_default();
            format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
        });
        let authority = format!("{host}:{}", parsed.port());
        Some(Proxy { host: host.to_owned(), authority, is_tls, authorization })
    }

    /// Whether this build can speak to it: without TLS, user and password would go out in clear.
    pub fn is_possible(&self) -> bool {
        cfg!(feature = "tls") || !self.is_tls
    }

    /// The proxy that the environment names for a URL, as curl and most others read it: lower case
    /// wins, and an empty value is none. `Err` is the name of a variable that is not a proxy.
    pub fn of_env(
        url: &Uri,
        read: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Proxy>, &'static str> {
        let is_https = url.scheme_str() == Some("https");
        // A web server hands the header `Proxy` of a request to CGI programs as HTTP_PROXY.
        let is_cgi = read("REQUEST_METHOD").is_some();
        let names: &[&'static str] = match (is_https, is_cgi) {
            (true, _) => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            (false, true) => &["http_proxy", "all_proxy", "ALL_PROXY"],
            (false, false) => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        };
        let filled = |name: &str| read(name).filter(|value| !value.trim().is_empty());
        let exceptions = filled("no_proxy").or_else(|| filled("NO_PROXY")).unwrap_or_default();
        let found = names.iter().find_map(|name| filled(name).map(|value| (*name, value)));
        let Some((name, value)) = found else { return Ok(None) };
        if is_exempt(url, &exceptions) {
            return Ok(None);
        }
        Proxy::parse(&value).filter(Proxy::is_possible).map(Some).ok_or(name)
    }
}

/// Whether a list such as `NO_PROXY` has this host: `*`, a name with all below it (`example.com`,
/// `.example.com`, `*.example.com`), an address, a network (`10.0.0.0/8`); each perhaps with a port.
fn is_exempt(url: &Uri, list: &str) -> bool {
    let host = url.host().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let host = bare(&host);
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("https") { 443 } else { 80 });
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let (name, of_port) = split_port(entry);
        of_port.is_none_or(|of_port| of_port == port) && matches(host, name)
    })
}

fn matches(host: &str, entry: &str) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        let (network, bits) = match entry.split_once('/') {
            Some((network, bits)) => (network, bits.parse().ok()),
            None => (entry, Some(u32::MAX)),
        };
        let network = bare(network).parse::<IpAddr>().ok();
        return network.zip(bits).is_some_and(|(network, bits)| is_in(address, network, bits));
    }
    let name = entry.trim_start_matches('*').trim_matches('.').to_ascii_lowercase();
    let above = host.strip_suffix(name.as_str());
    !name.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// Whether the first `bits` of two addresses of one kind agree. More than there are is all.
fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    // Aligned to the left, so that one comparison serves both kinds.
    let left = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let differ = left(address) ^ left(network);
    address.is_ipv4() == network.is_ipv4() && differ.leading_zeros() >= bits.min(128)
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// What follows the last colon is a port, unless the colon is one of an IPv6 address.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
            port.parse().map_or((entry, None), |port| (name, Some(port)))
        }
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    fn chosen(url: &str, pairs: &[(&str, &str)]) -> Option<String> {
        let proxy = Proxy::of_env(&url.parse().unwrap(), env(pairs)).unwrap();
        proxy.map(|proxy| proxy.authority)
    }

    #[test]
    fn proxies_are_parsed() {
        for (text, authority, is_tls, authorization) in [
            ("http://proxy.example:3128", "proxy.example:3128", false, None),
            ("proxy.example:3128", "proxy.example:3128", false, None),
            (" http://proxy.example/ ", "proxy.example:80", false, None),
            ("https://proxy.example", "proxy.example:443", true, None),
            ("http://u:p@10.0.0.1:1", "10.0.0.1:1", false, Some("Basic dTpw")),
            ("http://u@[::1]:1", "[::1]:1", false, Some("Basic dTo=")),
            ("http://a%40b:%3A%C3%A9@p:1", "p:1", false, Some("Basic YUBiOjrDqQ==")),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!((&*proxy.authority, proxy.is_tls), (authority, is_tls), "{text}");
            assert_eq!(proxy.authorization.as_deref(), authorization, "{text}");
        }
        for bad in ["", "http://", "socks5://p:1", "ftp://p", "http://a b", "://"] {
            assert_eq!(Proxy::parse(bad), None, "{bad}");
        }
        assert!(!format!("{:?}", Proxy::parse("http://u:secret@p:1")).contains("secret"));
    }

    #[test]
    fn the_environment_names_a_proxy_for_each_scheme() {
        let both = [("HTTPS_PROXY", "s:1"), ("HTTP_PROXY", "h:1"), ("ALL_PROXY", "a:1")];
        assert_eq!(chosen("https://x/", &both).as_deref(), Some("s:1"));
        assert_eq!(chosen("http://x/", &both).as_deref(), Some("h:1"));
        assert_eq!(chosen("http://x/", &[("ALL_PROXY", "a:1")]).as_deref(), Some("a:1"));
        assert_eq!(chosen("http://x/", &[("HTTPS_PROXY", "s:1")]), None);
        assert_eq!(chosen("http://x/", &[]), None);
        let cases = [("http_proxy", "l:1"), ("HTTP_PROXY", "u:1")];
        assert_eq!(chosen("http://x/", &cases).as_deref(), Some("l:1"));
        let blank = [("http_proxy", " "), ("HTTP_PROXY", "u:1")];
        assert_eq!(chosen("http://x/", &blank).as_deref(), Some("u:1"));
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "u:1")];
        assert_eq!(chosen("http://x/", &cgi), None);
        let bad = [("HTTPS_PROXY", "socks5://p:1")];
        let url = "https://x/".parse().unwrap();
        assert_eq!(Proxy::of_env(&url, env(&bad)), Err("HTTPS_PROXY"));
    }

    #[test]
    fn exceptions() {
        for (url, list, exempt) in [
            ("http://example.com/", "example.com", true),
            ("http://EXAMPLE.com/", "Example.COM", true),
            ("http://a.example.com/", "example.com", true),
            ("http://a.example.com/", ".example.com", true),
            ("http://a.b.example.com/", "*.example.com", true),
            ("http://notexample.com/", "example.com", false),
            ("http://example.com.evil/", "example.com", false),
            ("http://example.com/", "", false),
            ("http://example.com/", " , ,", false),
            ("http://example.com/", "other, example.com ,third", true),
            ("http://example.com/", "*", true),
            ("http://example.com/", "example.com:80", true),
            ("https://example.com/", "example.com:80", false),
            ("http://example.com:8080/", "example.com:8080", true),
            ("http://10.1.2.3/", "10.0.0.0/8", true),
            ("http://11.1.2.3/", "10.0.0.0/8", false),
            ("http://192.168.1.127/", "192.168.1.0/25", true),
            ("http://192.168.1.128/", "192.168.1.0/25", false),
            ("http://10.1.2.3/", "0.0.0.0/0", true),
            ("http://10.1.2.3/", "10.1.2.3", true),
            ("http://10.1.2.3:81/", "10.1.2.3:80", false),
            ("http://10.1.2.3/", "10.1.2.4", false),
            ("http://10.1.2.3/", "1.2.3", false),
            ("http://10.1.2.3/", "10.0.0.0/x", false),
            ("http://10.1.2.3/", "::/0", false),
            ("http://[fd00::1]/", "fd00::/8", true),
            ("http://[fe80::1]/", "fd00::/8", false),
            ("http://[::1]/", "::1", true),
            ("http://[::1]:8000/", "[::1]:8000", true),
            ("http://[::1]/", "[::1]", true),
            ("http://[::1]/", "0.0.0.0/0", false),
            ("http://example.com/", "10.0.0.0/8", false),
        ] {
            assert_eq!(is_exempt(&url.parse().unwrap(), list), exempt, "{url} in {list}");
        }
    }
}
