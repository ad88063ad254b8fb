//! Versions, as SDKs compare them: three numbers, and nothing behind a dash or a plus.

/// Major, minor, patch.
pub type Version = (u64, u64, u64);

/// Reads a version. Missing numbers are 0, those after the third are ignored, and leading zeros
/// are refused, as Semantic Versioning does.
pub fn parse(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let core = text.split(['-', '+']).next()?;
    let mut parts = core.split('.');
    let major = number(parts.next()?)?;
    let mut next = || parts.next().map_or(Some(0), number);
    Some((major, next()?, next()?))
}

fn number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let zero_first = digits.len() > 1 && digits.starts_with('0');
    // The empty text has no number.
    if plain && !zero_first { digits.parse().ok() } else { None }
}

/// How two versions have to compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What a version is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    Compared(Order, Version),
    /// From the first, and before the second.
    Within(Version, Version),
}

impl Wanted {
    pub fn matches(&self, version: Version) -> bool {
        match *self {
            Wanted::Compared(order, other) => match order {
                Order::Equal => version == other,
                Order::NotEqual => version != other,
                Order::Greater => version > other,
                Order::GreaterOrEqual => version >= other,
                Order::Less => version < other,
                Order::LessOrEqual => version <= other,
            },
            Wanted::Within(from, to) => from <= version && version < to,
        }
    }

    /// Only the patch may be later: `~1.2.3` is up to `1.3.0`.
    pub fn tilde(text: &str) -> Option<Wanted> {
        let from @ (major, minor, _) = parse(text)?;
        Some(Wanted::Within(from, (major, minor.checked_add(1)?, 0)))
    }

    /// What follows the first number that is not 0 may be later: `^0.2.3` is up to `0.3.0`.
    pub fn caret(text: &str) -> Option<Wanted> {
        let from = parse(text)?;
        let to = match from {
            (0, 0, patch) => (0, 0, patch.checked_add(1)?),
            (0, minor, _) => (0, minor.checked_add(1)?, 0),
            (major, _, _) => (major.checked_add(1)?, 0, 0),
        };
        Some(Wanted::Within(from, to))
    }

    /// `1.*`, `1.*.*` and `1` are every version 1, `1.2.*` is every version 1.2. The SDKs and the
    /// server do not agree on any other form, so that no other is read.
    pub fn wildcard(text: &str) -> Option<Wanted> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let mut parts = text.split('.');
        let parts = [parts.next(), parts.next(), parts.next(), parts.next()];
        match parts {
            [Some(major), None | Some("*"), None | Some("*"), None] => {
                let major = number(major)?;
                Some(Wanted::Within((major, 0, 0), (major.checked_add(1)?, 0, 0)))
            }
            [Some(major), Some(minor), Some("*"), None] => {
                let (major, minor) = (number(major)?, number(minor)?);
                Some(Wanted::Within((major, minor, 0), (major, minor.checked_add(1)?, 0)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let table = [
            ("1.2.3", (1, 2, 3)),
            ("v1.2.3", (1, 2, 3)),
            ("V1.2", (1, 2, 0)),
            (" 1 ", (1, 0, 0)),
            ("0", (0, 0, 0)),
            ("1.2.3-beta.1", (1, 2, 3)),
            ("1.2.3+build", (1, 2, 3)),
            ("1-rc.1.2", (1, 0, 0)),
            ("1.2.3.4", (1, 2, 3)),
            ("1.2.3.x", (1, 2, 3)),
            ("18446744073709551615.0.0", (u64::MAX, 0, 0)),
        ];
        for (text, version) in table {
            assert_eq!(parse(text), Some(version), "{text}");
        }
        let refused = [
            "",
            " ",
            "v",
            "vv1",
            "v 1",
            ".1",
            "1.",
            "1..3",
            "1.07.3",
            "00",
            "01",
            "x",
            "1.x",
            "-1",
            "+1",
            "1.2.3 4",
            "١",
            "18446744073709551616",
            "true",
            "1,2",
        ];
        for text in refused {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn orders_compare() {
        use Order::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        for (order, less, equal, greater) in [
            (Equal, false, true, false),
            (NotEqual, true, false, true),
            (Greater, false, false, true),
            (GreaterOrEqual, false, true, true),
            (Less, true, false, false),
            (LessOrEqual, true, true, false),
        ] {
            let wanted = Wanted::Compared(order, (1, 10, 0));
            let matched = [(1, 9, 9), (1, 10, 0), (2, 0, 0)].map(|version| wanted.matches(version));
            assert_eq!(matched, [less, equal, greater], "{order:?}");
        }
    }

    #[test]
    fn ranges_have_ends() {
        let within = |from, to| Some(Wanted::Within(from, to));
        assert_eq!(Wanted::tilde("1.2.3"), within((1, 2, 3), (1, 3, 0)));
        assert_eq!(Wanted::tilde("1"), within((1, 0, 0), (1, 1, 0)));
        assert_eq!(Wanted::tilde("x"), None);
        assert_eq!(Wanted::caret("1.2.3"), within((1, 2, 3), (2, 0, 0)));
        assert_eq!(Wanted::caret("0.2.3"), within((0, 2, 3), (0, 3, 0)));
        assert_eq!(Wanted::caret("0.0.3"), within((0, 0, 3), (0, 0, 4)));
        for text in ["1.*", "1", "v1.*", " 1.*.* "] {
            assert_eq!(Wanted::wildcard(text), within((1, 0, 0), (2, 0, 0)), "{text}");
        }
        assert_eq!(Wanted::wildcard("1.2.*"), within((1, 2, 0), (1, 3, 0)));
        let refused = ["", "*", "1.2", "1.2.3", "1.2.3.*", "1.*.3", "1.2.*.*", "01.*", "1.x", "1."];
        for text in refused {
            assert_eq!(Wanted::wildcard(text), None, "{text}");
        }
        assert_eq!(Wanted::caret("18446744073709551615"), None);
        let range = Wanted::Within((1, 2, 0), (1, 3, 0));
        let around = [(1, 1, 9), (1, 2, 0), (1, 2, 99), (1, 3, 0)];
        assert_eq!(around.map(|version| range.matches(version)), [false, true, true, false]);
    }
}
