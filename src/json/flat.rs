//! Objects that are canonical as they came, which is what most serialisers write of most events.

use super::unescaped_len;

/// A number with no more digits than this before its point is finite, and has no exponent here.
const DIGITS_MAX: usize = 300;

/// Tells `each` of every member of a text like `"a":1,"b":"x"` where it starts and what its key is,
/// as written. True if the text is all that, as [`clean_members`](super::clean_members) would write
/// it, without containers or empty keys, and `each` always said true. Otherwise `each` may have heard
/// of some members, and the text may be anything.
#[inline]
pub fn walk_flat(text: &[u8], mut each: impl FnMut(usize, &[u8]) -> bool) -> bool {
    let mut start = 0;
    loop {
        let Some(key_end) = string_end(text, start) else { return false };
        if text.get(key_end) != Some(&b':') {
            return false;
        }
        let Some(end) = scalar_end(text, key_end + 1) else { return false };
        let key = &text[start + 1..key_end - 1];
        if key.is_empty() || !each(start, key) {
            return false;
        }
        match text.get(end) {
            Some(b',') => start = end + 1,
            Some(_) => return false,
            // At the end, once for all texts: it is quick where all is ASCII.
            None => return std::str::from_utf8(text).is_ok(),
        }
    }
}

/// The offset after the string that starts at `start`, if nothing in it is escaped.
#[inline]
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let end = start + 1 + unescaped_len(&text[start + 1..]);
    (text.get(end) == Some(&b'"')).then_some(end + 1)
}

#[inline]
fn scalar_end(text: &[u8], start: usize) -> Option<usize> {
    let literal: &[u8] = match text.get(start)? {
        b'"' => return string_end(text, start),
        b'-' | b'0'..=b'9' => return number_end(text, start),
        b't' => b"true",
        b'f' => b"false",
        b'n' => b"null",
        _ => return None,
    };
    text[start..].starts_with(literal).then_some(start + literal.len())
}

#[inline]
fn number_end(text: &[u8], start: usize) -> Option<usize> {
    let whole = start + usize::from(text[start] == b'-');
    let point = digits_end(text, whole);
    match point - whole {
        1 => {}
        // A zero is not followed by other digits.
        2..=DIGITS_MAX if text[whole] != b'0' => {}
        _ => return None,
    }
    if text.get(point) != Some(&b'.') {
        return Some(point);
    }
    let end = digits_end(text, point + 1);
    (end > point + 1).then_some(end)
}

#[inline]
fn digits_end(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while let Some(b'0'..=b'9') = text.get(end) {
        end += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::super::clean_members;
    use super::*;

    fn is_flat(text: &[u8]) -> bool {
        walk_flat(text, |_, _| true)
    }

    #[test]
    fn tells_every_member() {
        let text = r#""plan":"pro","größe":-12.50,"ok":true,"no":false,"none":null,"zero":-0,"":"#;
        let text = text.strip_suffix(r#","":"#).unwrap();
        let mut told = Vec::new();
        assert!(walk_flat(text.as_bytes(), |start, key| {
            assert!(text[start..].starts_with('"'));
            told.push(std::str::from_utf8(key).unwrap().to_owned());
            true
        }));
        assert_eq!(told, ["plan", "größe", "ok", "no", "none", "zero"]);
        assert!(!walk_flat(text.as_bytes(), |_, key| key != b"none"));
    }

    #[test]
    fn refuses_what_is_not_canonical_or_not_flat() {
        for text in [
            "",
            r#""":1"#,
            r#""a":1,"#,
            r#""a": 1"#,
            r#""a" :1"#,
            r#""a":[]"#,
            r#""a":{}"#,
            r#""a":"\n""#,
            "\"a\":\"\n\"",
            r#""a":"x"#,
            r#""a":1e3"#,
            r#""a":01"#,
            r#""a":1."#,
            r#""a":-"#,
            r#""a":tru"#,
            r#""a":nullx"#,
            r#""a":1}"#,
            r#""a""#,
            r#"a:1"#,
        ] {
            assert!(!is_flat(text.as_bytes()), "{text}");
        }
        assert!(!is_flat(b"\"a\":\"\xff\""));
        assert!(!is_flat(format!("\"a\":{}", "9".repeat(DIGITS_MAX + 1)).as_bytes()));
        assert!(is_flat(format!("\"a\":{}", "9".repeat(DIGITS_MAX)).as_bytes()));
    }

    /// Whatever is taken for flat is what the parser makes of it, byte for byte.
    #[test]
    fn what_is_flat_is_canonical() {
        const PIECES: [&[u8]; 24] = [
            b"\"",
            b"\"",
            b"\"a\"",
            b"\"key\":",
            b":",
            b":",
            b",",
            b",",
            b"1",
            b"0",
            b"-",
            b".",
            b"e",
            b"true",
            b"false",
            b"null",
            b"{",
            b"}",
            b"[",
            b"\\",
            b"\xc3\xa9",
            b"\xff",
            b" ",
            b"\x00",
        ];
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random as usize % below
        };
        let mut flat = 0;
        for round in 0..200_000 {
            let mut text = Vec::new();
            for member in 0..next(3) {
                text.extend_from_slice(format!("\"k{member}\":{},", next(1000)).as_bytes());
            }
            text.extend_from_slice(b"\"last\":");
            for _ in 0..next(5) {
                text.extend_from_slice(PIECES[next(PIECES.len())]);
            }
            if !is_flat(&text) {
                continue;
            }
            flat += 1;
            let mut cleaned = Vec::new();
            let object = [b"{", text.as_slice(), b"}"].concat();
            assert_eq!(clean_members(&mut cleaned, &object), Ok(0), "round {round}: {text:?}");
            assert_eq!(cleaned, text, "round {round}");
        }
        assert!(flat > 10_000, "only {flat} of the texts were flat");
    }
}
