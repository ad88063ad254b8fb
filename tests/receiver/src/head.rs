//! The head of an HTTP/1.1 request.

const MAX_HEADERS: usize = 100;

#[derive(Debug)]
pub(crate) struct Head {
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// Names in lower case, in the order sent.
    pub headers: Vec<(String, String)>,
    pub length: Length,
    pub keep_alive: bool,
    pub expects_continue: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Length {
    Fixed(u64),
    Chunked,
}

impl Head {
    /// Refuses what a proxy in front of PostHog would refuse, so that no client gets away with it.
    pub fn parse(bytes: &[u8]) -> Result<Head, String> {
        let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut slots);
        let status = parsed.parse(bytes).map_err(|e| e.to_string())?;
        if status.is_partial() {
            return Err("the head is not complete".into());
        }
        let mut headers = Vec::new();
        for header in parsed.headers.iter() {
            let value = std::str::from_utf8(header.value).map_err(|e| e.to_string())?;
            headers.push((header.name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let version_1_1 = parsed.version == Some(1);
        if version_1_1 && values(&headers, "host").count() != 1 {
            return Err("not exactly one Host header".into());
        }
        let connection = find(&headers, "connection").unwrap_or_default().to_ascii_lowercase();
        let has_option = |option| connection.split(',').any(|it| it.trim() == option);
        let keep_alive = !has_option("close") && (version_1_1 || has_option("keep-alive"));
        let expects_continue =
            find(&headers, "expect").is_some_and(|it| it.eq_ignore_ascii_case("100-continue"));
        Ok(Head {
            method: parsed.method.unwrap_or_default().to_owned(),
            path: parsed.path.unwrap_or_default().to_owned(),
            length: length(&headers)?,
            headers,
            keep_alive,
            expects_continue,
        })
    }
}

/// The first value of a header, given its lower-case name.
pub(crate) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    values(headers, name).next()
}

fn values<'a>(headers: &'a [(String, String)], name: &str) -> impl Iterator<Item = &'a str> {
    headers.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
}

/// Both lengths at once, or two of one, are how requests get smuggled: servers refuse them.
fn length(headers: &[(String, String)]) -> Result<Length, String> {
    let fixed: Vec<_> = values(headers, "content-length").collect();
    let coding: Vec<_> = values(headers, "transfer-encoding").collect();
    match (&fixed[..], &coding[..]) {
        ([], []) => Ok(Length::Fixed(0)),
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Length::Chunked),
        ([digits], []) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().map(Length::Fixed).map_err(|_| "Content-Length is too large".into())
        }
        _ => Err("the length of the body is not clear".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Result<Head, String> {
        Head::parse(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())
    }

    #[test]
    fn reads_a_head() {
        let head = parse(&["POST /batch/?v=1 HTTP/1.1", "HOST: h", "Content-Length: 12"]).unwrap();
        assert_eq!((head.method.as_str(), head.path.as_str()), ("POST", "/batch/?v=1"));
        assert_eq!(find(&head.headers, "host"), Some("h"));
        assert_eq!(head.length, Length::Fixed(12));
        assert!(head.keep_alive && !head.expects_continue);
    }

    #[test]
    fn knows_when_the_connection_ends() {
        let get = "GET / HTTP/1.1";
        assert!(!parse(&[get, "Host: h", "Connection: foo, Close"]).unwrap().keep_alive);
        assert!(!parse(&["GET / HTTP/1.0"]).unwrap().keep_alive);
        assert!(parse(&["GET / HTTP/1.0", "Connection: keep-alive"]).unwrap().keep_alive);
    }

    #[test]
    fn refuses_what_proxies_refuse() {
        let post = "POST / HTTP/1.1";
        for lines in [
            &[post][..],
            &[post, "Host: a", "Host: b"],
            &[post, "Host: h", "Content-Length: 1", "Content-Length: 1"],
            &[post, "Host: h", "Content-Length: 1", "Transfer-Encoding: chunked"],
            &[post, "Host: h", "Content-Length: +1"],
            &[post, "Host: h", "Content-Length: 99999999999999999999"],
            &[post, "Host: h", "Transfer-Encoding: gzip"],
            &[post, "Host: h", "no colon"],
            &["not http"],
        ] {
            assert!(parse(lines).is_err(), "{lines:?}");
        }
        let chunked = parse(&[post, "Host: h", "Transfer-Encoding: Chunked"]).unwrap();
        assert_eq!(chunked.length, Length::Chunked);
    }
}
