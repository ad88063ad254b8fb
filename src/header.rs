//! Headers that the host adds to every request. Pure.

use crate::error::Error;

/// More than these, or longer ones, are a mistake, and servers refuse them.
const COUNT_MAX: usize = 64;
const LEN_MAX: usize = 8 << 10;

/// What HTTP itself needs, and what says how a body is to be read: not the host's to set.
const RESERVED: [&str; 15] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "accept-encoding",
];

/// Names in lower case, and values, in the order in which they were added.
#[derive(Clone, Default, Debug)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Adds one, or takes the place of one of that name.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let name = name.to_ascii_lowercase();
        if name.is_empty() {
            return Err(Error::Empty);
        }
        let value = value.trim_matches([' ', '\t']);
        let fits = name.len() + value.len() <= LEN_MAX;
        if !name.bytes().all(is_token) || !value.bytes().all(is_text) || !fits {
            return Err(Error::Range);
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(Error::Range);
        }
        self.0.retain(|(other, _)| *other != name);
        if self.0.len() == COUNT_MAX {
            return Err(Error::Range);
        }
        self.0.push((name, value.to_owned()));
        Ok(())
    }

    /// Those that the library does not send itself with a request: its own win.
    pub fn beside<'a>(
        &'a self,
        own: &'a [(&str, &str)],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let others = self.0.iter().filter(|(name, _)| own.iter().all(|(its, _)| its != name));
        others.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Printable ASCII, spaces and tabs: nothing that ends a line.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (b' '..=b'~').contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_checked() {
        let mut headers = Headers::default();
        for (name, value, expected) in [
            ("X-Tenant", "  blue team\t", Ok(())),
            ("x-empty", "", Ok(())),
            ("", "v", Err(Error::Empty)),
            ("x y", "v", Err(Error::Range)),
            ("x:", "v", Err(Error::Range)),
            ("x\r\ny", "v", Err(Error::Range)),
            ("ä", "v", Err(Error::Range)),
            ("x-a", "v\r\nx-b: v", Err(Error::Range)),
            ("x-a", "v\n", Err(Error::Range)),
            ("x-a", "\u{7f}", Err(Error::Range)),
            ("x-a", "ä", Err(Error::Range)),
            ("Content-Length", "1", Err(Error::Range)),
            ("HOST", "x", Err(Error::Range)),
        ] {
            assert_eq!(headers.add(name, value), expected, "{name:?}: {value:?}");
        }
        let all: Vec<_> = headers.beside(&[]).collect();
        assert_eq!(all, [("x-tenant", "blue team"), ("x-empty", "")]);
        assert_eq!(headers.add("x-a", &"v".repeat(LEN_MAX)), Err(Error::Range));
    }

    #[test]
    fn a_name_is_there_once_and_the_librarys_own_win() {
        let mut headers = Headers::default();
        headers.add("x-a", "1").unwrap();
        headers.add("authorization", "theirs").unwrap();
        headers.add("X-A", "2").unwrap();
        let own = [("authorization", "ours")];
        assert_eq!(headers.beside(&own).collect::<Vec<_>>(), [("x-a", "2")]);
        assert_eq!(headers.beside(&[]).count(), 2);
    }

    #[test]
    fn there_is_a_bound() {
        let mut headers = Headers::default();
        for number in 0..COUNT_MAX {
            headers.add(&format!("x-{number}"), "v").unwrap();
        }
        assert_eq!(headers.add("x-more", "v"), Err(Error::Range));
        assert_eq!(headers.add("x-0", "w"), Ok(()));
    }
}
