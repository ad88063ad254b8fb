//! Property values: those that are given, as text that nobody has looked into yet, and those that
//! definitions ask for.

use super::tree::Json;
use crate::json;
use serde_json::Value;
use std::borrow::Cow;

/// An integer with no more digits is written in one way only.
const PLAIN_DIGITS: usize = 18;

/// The value of a property that the caller gave.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// Canonical JSON, as `Props` keeps it.
    Json(&'a [u8]),
    /// A string, such as the distinct id.
    Text(&'a str),
}

impl<'a> Given<'a> {
    /// How operators see it: a string as it is, anything else as JSON with sorted keys.
    pub fn text(self) -> Cow<'a, str> {
        let json = match self {
            Given::Text(text) => return Cow::Borrowed(text),
            Given::Json(json) => json,
        };
        match json {
            [b'"', inside @ .., b'"'] => json::read_text(inside),
            [b'[' | b'{', ..] => match serde_json::from_slice::<Value>(json) {
                Ok(value) => Cow::Owned(sorted_text(&value)),
                Err(_) => String::from_utf8_lossy(json),
            },
            [b'-' | b'0'..=b'9', ..] => number_text(json),
            _ => String::from_utf8_lossy(json),
        }
    }

    /// The text of a string.
    pub fn string(self) -> Option<Cow<'a, str>> {
        match self {
            Given::Text(text) => Some(Cow::Borrowed(text)),
            Given::Json([b'"', inside @ .., b'"']) => Some(json::read_text(inside)),
            Given::Json(_) => None,
        }
    }

    /// The finite number that it is, or that its string holds.
    pub fn number(self) -> Option<f64> {
        match self {
            Given::Json([b'-' | b'0'..=b'9', ..]) => number_of(&self.bytes()),
            _ => number_of(self.string()?.as_bytes()),
        }
    }

    /// True, the string "true" in any case, or a list of such.
    pub fn is_true(self) -> bool {
        match self {
            Given::Text(text) => text.eq_ignore_ascii_case("true"),
            Given::Json([b'"', inside @ .., b'"']) => inside.eq_ignore_ascii_case(b"true"),
            Given::Json(json @ [b'[', ..]) => {
                serde_json::from_slice(json).is_ok_and(|value| is_true(&value))
            }
            Given::Json(json) => json == b"true",
        }
    }

    pub fn is_null(self) -> bool {
        matches!(self, Given::Json(b"null"))
    }

    /// As JSON.
    pub fn bytes(self) -> Cow<'a, [u8]> {
        match self {
            Given::Json(json) => Cow::Borrowed(json),
            Given::Text(text) => {
                let mut json = vec![b'"'];
                json::write_text(&mut json, text);
                json.push(b'"');
                Cow::Owned(json)
            }
        }
    }
}

/// A number is seen as its value, however it was written: `1.50` is `1.5`.
fn number_text(json: &[u8]) -> Cow<'_, str> {
    let digits = json.strip_prefix(b"-").unwrap_or(json);
    let plain = digits.len() <= PLAIN_DIGITS && digits.iter().all(u8::is_ascii_digit);
    if plain && json != b"-0" {
        return String::from_utf8_lossy(json);
    }
    match serde_json::from_slice::<serde_json::Number>(json) {
        Ok(number) => Cow::Owned(number.to_string()),
        Err(_) => String::from_utf8_lossy(json),
    }
}

fn number_of(text: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// What [`Given::text`] is for a value of a definition.
pub fn text_of<'v>(value: &'v Json<'_>) -> Cow<'v, str> {
    match value {
        Json::String(text) => Cow::Borrowed(text),
        _ => Cow::Owned(sorted_text(&Value::from(value))),
    }
}

fn sorted_text(value: &Value) -> String {
    let mut out = String::new();
    write_sorted(&mut out, value);
    out
}

fn write_sorted(out: &mut String, value: &Value) {
    match value {
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_sorted(out, value);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_sorted(out, value);
            }
            out.push('}');
        }
        _ => out.push_str(&value.to_string()),
    }
}

/// What [`Given::number`] is for a value of a definition.
pub fn as_number(value: &Json<'_>) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        Json::String(text) => number_of(text.as_bytes()),
        _ => None,
    }
}

/// What [`Given::is_true`] is for a value of a definition.
pub fn is_true(value: &Json<'_>) -> bool {
    match value {
        Json::Bool(value) => *value,
        Json::String(text) => text.eq_ignore_ascii_case("true"),
        Json::List(values) => values.iter().all(is_true),
        _ => false,
    }
}

/// True, false, such a string, or a list of nothing else.
pub fn is_boolean(value: &Json<'_>) -> bool {
    match value {
        Json::Bool(_) => true,
        Json::String(text) => {
            text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
        }
        Json::List(values) => values.iter().all(is_boolean),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_seen_as_json_text() {
        let table = [
            (r#""Pro""#, "Pro"),
            (r#""a\"b\\\u0001""#, "a\"b\\\u{1}"),
            ("true", "true"),
            ("null", "null"),
            ("323", "323"),
            ("-5", "-5"),
            ("-0", "-0.0"),
            ("323.0", "323.0"),
            ("1.50", "1.5"),
            ("1E5", "100000.0"),
            ("1e30", "1e+30"),
            ("0.00001", "0.00001"),
            ("0.000001", "1e-6"),
            ("123456789012345678", "123456789012345678"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("-9223372036854775809", "-9.223372036854776e+18"),
            (r#"[1.50,"ä\u0008",null]"#, r#"[1.5,"ä\b",null]"#),
            (r#"{"b":{"d":1,"c":[]},"a":"x"}"#, r#"{"a":"x","b":{"c":[],"d":1}}"#),
        ];
        for (json, text) in table {
            assert_eq!(Given::Json(json.as_bytes()).text(), text, "{json}");
            let value: Json<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(text_of(&value), text, "{json}");
        }
        assert_eq!(Given::Text("tr\"ue").text(), "tr\"ue");
    }

    #[test]
    fn numbers_are_finite_and_in_decimal() {
        let table = [
            ("5", Some(5.0)),
            ("-0.5e1", Some(-5.0)),
            (r#""5""#, Some(5.0)),
            (r#""+.5""#, Some(0.5)),
            (r#""5.""#, Some(5.0)),
            (r#""1E+2""#, Some(100.0)),
            (r#""""#, None),
            (r#"" 5""#, None),
            (r#""5 ""#, None),
            (r#""1_000""#, None),
            (r#""0x10""#, None),
            (r#"".""#, None),
            (r#""1e""#, None),
            (r#""1e999""#, None),
            (r#""inf""#, None),
            (r#""Infinity""#, None),
            (r#""NaN""#, None),
            ("true", None),
            ("null", None),
            ("[5]", None),
            ("{}", None),
        ];
        for (json, number) in table {
            assert_eq!(Given::Json(json.as_bytes()).number(), number, "{json}");
            let value: Json<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(as_number(&value), number, "{json}");
        }
        assert_eq!(Given::Text("5").number(), Some(5.0));
    }

    #[test]
    fn truth_is_read_from_strings_and_lists() {
        // Whether it is true, and whether it is a boolean at all.
        let table = [
            ("true", true, true),
            ("false", false, true),
            (r#""TRUE""#, true, true),
            (r#""False""#, false, true),
            (r#""yes""#, false, false),
            ("1", false, false),
            ("null", false, false),
            ("{}", false, false),
            ("[]", true, true),
            (r#"[true,"true",[true,[]]]"#, true, true),
            ("[true,[false]]", false, true),
            ("[true,1]", false, false),
        ];
        for (json, truth, boolean) in table {
            assert_eq!(Given::Json(json.as_bytes()).is_true(), truth, "{json}");
            let value: Json<'_> = serde_json::from_str(json).unwrap();
            assert_eq!((is_true(&value), is_boolean(&value)), (truth, boolean), "{json}");
        }
        assert!(Given::Text("True").is_true() && !Given::Text("t").is_true());
    }
}
