//! UUIDs in their two plain spellings: hyphenated, and 32 bare hexadecimal digits.

const HYPHENS: [usize; 4] = [8, 13, 18, 23];

pub(crate) fn parse(text: &str) -> Option<u128> {
    let hyphenated = text.len() == 36;
    if !hyphenated && text.len() != 32 {
        return None;
    }
    let mut value = 0u128;
    for (at, char) in text.char_indices() {
        if hyphenated && HYPHENS.contains(&at) {
            if char != '-' {
                return None;
            }
        } else {
            value = value << 4 | u128::from(char.to_digit(16)?);
        }
    }
    Some(value)
}

pub(crate) fn format(value: u128) -> String {
    let hex = format!("{value:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0190a6e0-7c3b-7def-8123-456789abcdef";

    #[test]
    fn both_spellings_read_alike() {
        assert_eq!(parse(TEXT), Some(0x0190_a6e0_7c3b_7def_8123_4567_89ab_cdef));
        assert_eq!(parse(&TEXT.replace('-', "")), parse(TEXT));
        assert_eq!(format(parse(TEXT).unwrap()), TEXT);
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("{TEXT}0");
        let moved = "0190a6e07-c3b-7def-8123-456789abcdef";
        for text in ["", "user-1", &TEXT[1..], &long, moved, &TEXT.replace('e', "g")] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
