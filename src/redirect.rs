//! Where a redirect leads, as far as it is followed: to the same origin only. A batch and its key
//! go to no host that nobody configured. Pure.

use ureq::http::Uri;

/// The URL that `location` means in an answer from `url`; `None` if it is of another origin, or
/// none at all.
pub fn target(url: &str, location: &str) -> Option<String> {
    let location = location.split('#').next().unwrap_or_default().trim();
    let base: Uri = url.parse().ok()?;
    let origin = format!("{}://{}", base.scheme_str()?, base.authority()?);
    let target = if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{}://{rest}", base.scheme_str()?)
    } else if location.starts_with('/') {
        format!("{origin}{location}")
    } else if location.starts_with('?') {
        format!("{origin}{}{location}", base.path())
    } else {
        // Relative to the folder of the request.
        let (folder, _) = base.path().rsplit_once('/')?;
        format!("{origin}{folder}/{location}")
    };
    let same = same_origin(&base, &target.parse().ok()?);
    (same && !location.is_empty()).then_some(target)
}

fn same_origin(one: &Uri, other: &Uri) -> bool {
    let port = |uri: &Uri| match uri.scheme_str() {
        Some("https") => uri.port_u16().unwrap_or(443),
        _ => uri.port_u16().unwrap_or(80),
    };
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    let has_user = other.authority().is_some_and(|authority| authority.as_str().contains('@'));
    one.scheme() == other.scheme()
        && host(one) == host(other)
        && port(one) == port(other)
        && !has_user
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_origin_is_a_target() {
        let url = "https://eu.example.com/ph/batch/?x=1";
        for (location, expected) in [
            ("/batch", Some("https://eu.example.com/batch")),
            (" /batch#part ", Some("https://eu.example.com/batch")),
            ("https://eu.example.com/b", Some("https://eu.example.com/b")),
            ("https://EU.example.com:443/b", Some("https://EU.example.com:443/b")),
            ("//eu.example.com/b", Some("https://eu.example.com/b")),
            ("next", Some("https://eu.example.com/ph/batch/next")),
            ("?y=2", Some("https://eu.example.com/ph/batch/?y=2")),
            ("http://eu.example.com/b", None),
            ("https://eu.example.com:8443/b", None),
            ("https://us.example.com/b", None),
            ("//us.example.com/b", None),
            ("https://eu.example.com.evil/b", None),
            ("https://user@eu.example.com/b", None),
            ("https://eu.example.com@evil/b", None),
            ("ftp://eu.example.com/b", None),
            ("https://", None),
            ("", None),
            ("#part", None),
        ] {
            assert_eq!(target(url, location).as_deref(), expected, "{location}");
        }
    }
}
