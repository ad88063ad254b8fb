//! Tables for the rules, and seeded random texts against `serde_json` for the rest.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::*;

/// A small generator (xorshift), so that a failure comes again with the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> u32) -> (String, u32) {
    let mut out = b"before".to_vec();
    let repairs = write(&mut out);
    let text = String::from_utf8(out).expect("what is written is UTF-8");
    (text.strip_prefix("before").expect("what was there stays").to_owned(), repairs)
}

fn cleaned(text: impl AsRef<[u8]>) -> Result<(String, u32), CleanError> {
    let mut out = b"before".to_vec();
    let result = clean(&mut out, text.as_ref());
    if result.is_err() {
        assert_eq!(out, b"before");
    }
    result.map(|repairs| {
        written(|o| {
            o.extend_from_slice(&out[6..]);
            repairs
        })
    })
}

fn ok(text: &str, repairs: u32) -> Result<(String, u32), CleanError> {
    Ok((text.to_owned(), repairs))
}

fn syntax(offset: usize) -> Result<(String, u32), CleanError> {
    Err(CleanError::Syntax { offset })
}

#[test]
fn plain_is_what_a_slow_check_calls_plain() {
    for len in 0..100 {
        let mut bytes = vec![b'x'; len];
        assert!(is_plain(&bytes), "{len}");
        for at in 0..len {
            for byte in 0..=255 {
                bytes[at] = byte;
                let plain = (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\';
                assert_eq!(is_plain(&bytes), plain, "{byte:#x} at {at} of {len}");
                let stop = if byte < 0x20 || byte == b'"' || byte == b'\\' { at } else { len };
                assert_eq!(unescaped_len(&bytes), stop, "{byte:#x} at {at} of {len}");
            }
            bytes[at] = b'x';
        }
    }
    let mut random = Random(1);
    for _ in 0..200_000 {
        let near = b" !\"#[\\]\x1f\x00\x01\x7f\x80\xa2\xdc\xff~az";
        let bytes: Vec<u8> = (0..random.below(24)).map(|_| *random.pick(near)).collect();
        let stop = bytes.iter().position(|&byte| is_escaped(byte)).unwrap_or(bytes.len());
        assert_eq!(unescaped_len(&bytes), stop, "{bytes:?}");
        assert_eq!(is_plain(&bytes), bytes.is_ascii() && stop == bytes.len(), "{bytes:?}");
    }
}

#[test]
fn text_is_escaped_and_repaired() {
    let table: [(&[u8], &str, u32); 14] = [
        (b"", "", 0),
        (b"plain \x7f/'", "plain \x7f/'", 0),
        (b"a\"b\\c", r#"a\"b\\c"#, 0),
        (b"\n\r\t", r"\n\r\t", 0),
        (b"\x01\x08\x0c\x1b\x1f", r"\u0001\u0008\u000c\u001b\u001f", 0),
        (b"\0a\0", "\u{fffd}a\u{fffd}", 2),
        ("żółć 漢字 😀".as_bytes(), "żółć 漢字 😀", 0),
        (b"a\xffb", "a\u{fffd}b", 1),
        (b"\xe2\x82", "\u{fffd}", 1),
        (b"\xe2\x82\"", "\u{fffd}\\\"", 1),
        (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}", 3),
        (b"\xf0\x9f\x98\xff\xff", "\u{fffd}\u{fffd}\u{fffd}", 3),
        (b"\xc0\x80\0", "\u{fffd}\u{fffd}\u{fffd}", 3),
        (b"a long text that has its quote\" late", "a long text that has its quote\\\" late", 0),
    ];
    for (bytes, text, repairs) in table {
        let expected = (text.to_owned(), repairs);
        assert_eq!(written(|out| write_lossy(out, bytes)), expected, "{bytes:?}");
        if let Ok(valid) = std::str::from_utf8(bytes) {
            assert_eq!(written(|out| write_text(out, valid)), expected, "{bytes:?}");
        }
    }
    let mut random = Random(2);
    for _ in 0..50_000 {
        let bytes: Vec<u8> = (0..random.below(40)).map(|_| random.next() as u8).collect();
        let (text, repairs) = written(|out| write_lossy(out, &bytes));
        let lossy = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
        assert_eq!(serde_json::from_str::<String>(&format!("\"{text}\"")).unwrap(), lossy);
        assert_eq!(read_text(text.as_bytes()), lossy);
        // No random byte sequence of this length holds a U+FFFD of its own.
        assert_eq!(repairs as usize, lossy.matches('\u{fffd}').count());
    }
}

#[test]
fn numbers_are_written() {
    let table = [
        (0.0, "0.0", 0),
        (-0.0, "-0.0", 0),
        (1.0, "1.0", 0),
        (0.1, "0.1", 0),
        (-12.5, "-12.5", 0),
        (f64::NAN, "null", 1),
        (f64::INFINITY, "null", 1),
        (f64::NEG_INFINITY, "null", 1),
    ];
    for (value, text, repairs) in table {
        assert_eq!(written(|out| write_f64(out, value)), (text.to_owned(), repairs));
    }
    for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e21, 123_456_789.123_456_78] {
        let (text, _) = written(|out| write_f64(out, value));
        assert_eq!(text.parse::<f64>().unwrap(), value);
        assert_eq!(cleaned(&text), ok(&text, 0));
    }
}

#[test]
fn short_texts_are_copied_whole_and_looked_at() {
    for len in 0..=SHORT {
        let plain: Vec<u8> = (0..len).map(|at| b'a' + at as u8).collect();
        let copy = |text: &[u8]| {
            let mut out = [b'.'; SHORT];
            let copied = copy_short(&mut out, text);
            assert_eq!(&out[..len], text);
            assert_eq!(glance(text), Some(copied));
            copied
        };
        let whole = copy(&plain);
        assert!(whole.is_plain(), "{len}");
        for at in 0..len {
            for byte in 0..=255 {
                let mut text = plain.clone();
                text[at] = byte;
                let other = copy(&text);
                let (plain, same) = (is_plain(&text), text == plain);
                assert_eq!(other.words == whole.words, same, "{byte:#x} at {at} of {len}");
                assert_eq!(other.is_plain(), plain, "{byte:#x} at {at} of {len}");
                assert_eq!(other.are_plain(whole), plain, "{byte:#x} at {at} of {len}");
                assert_eq!(whole.are_plain(other), plain, "{byte:#x} at {at} of {len}");
            }
        }
    }
    assert_eq!(glance(&[b'a'; SHORT + 1]), None);
}

#[test]
fn valid_json_is_made_canonical() {
    let table = [
        (" \t\r\n1 \n", "1", 0),
        (
            r#" { "a" : [ 1 , 2.50 , -0 ] , "b" : { } , "c" : [ ] } "#,
            r#"{"a":[1,2.50,-0],"b":{},"c":[]}"#,
            0,
        ),
        ("[true,false,null]", "[true,false,null]", 0),
        (r#""\u0061\/\u00E9\"\\""#, r#""a/é\"\\""#, 0),
        (r#""\b\f\n\r\t\u001F\u0022\u005c""#, r#""\u0008\u000c\n\r\t\u001f\"\\""#, 0),
        (r#""\ud83d\uDE00""#, "\"😀\"", 0),
        (r#""\ud83d""#, "\"\u{fffd}\"", 1),
        (r#""\ude00\ud83d""#, "\"\u{fffd}\u{fffd}\"", 2),
        (r#""\ud83d\ud83d\ude00""#, "\"\u{fffd}😀\"", 1),
        (r#""\ud83d\n\ud83dx""#, "\"\u{fffd}\\n\u{fffd}x\"", 2),
        (r#""\u0000""#, "\"\u{fffd}\"", 1),
        ("[1e5,1E+5,1.0e-7,0e99,123e0]", "[1e5,1E+5,1.0e-7,0e99,123e0]", 0),
        ("[1e999,-1e999,1e-999,0e999]", "[null,null,1e-999,0e999]", 2),
        (
            "[1.79769313486231571188e308,1.7976931348623157e308]",
            "[1.79769313486231571188e308,1.7976931348623157e308]",
            0,
        ),
        ("[1.7976931348623159e308]", "[null]", 1),
        ("123456789012345678901234567890123", "123456789012345678901234567890123", 0),
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"b":2,"a":3}"#, 0),
        (r#"{"a":1,"\u0061":2}"#, r#"{"a":2}"#, 0),
        (r#"{"a":{"x":1,"x":2},"a":[{"y":1,"y":2,"z":3}]}"#, r#"{"a":[{"y":2,"z":3}]}"#, 0),
        (r#"{"\u0000":1,"\ud800":2,"a":3}"#, "{\"\u{fffd}\":2,\"a\":3}", 2),
        (r#"{"":1,"":2}"#, r#"{"":2}"#, 0),
    ];
    for (text, expected, repairs) in table {
        assert_eq!(cleaned(text), ok(expected, repairs), "{text}");
        assert_eq!(cleaned(expected), ok(expected, 0), "{expected}");
    }
    assert_eq!(cleaned(b"\"a\xffb\xe2\x82\\n\""), ok("\"a\u{fffd}b\u{fffd}\\n\"", 2));
    assert_eq!(cleaned("9".repeat(308)), ok(&"9".repeat(308), 0));
    assert_eq!(cleaned("9".repeat(310)), ok("null", 1));
    assert_eq!(
        cleaned(format!("0.{}", "1".repeat(2000))),
        ok(&format!("0.{}", "1".repeat(2000)), 0)
    );
}

#[test]
fn what_is_not_json_is_refused() {
    let table: [(&[u8], usize); 49] = [
        (b"", 0),
        (b"  ", 2),
        (b"NaN", 0),
        (b"Infinity", 0),
        (b"-Infinity", 1),
        (b"nul", 0),
        (b"nulll", 4),
        (b"True", 0),
        (b"'a'", 0),
        (b"a", 0),
        (b"01", 1),
        (b"-", 1),
        (b"+1", 0),
        (b"1.", 2),
        (b".5", 0),
        (b"1.e5", 2),
        (b"1e", 2),
        (b"1e+", 3),
        (b"0x10", 1),
        (b"1_000", 1),
        (b"1 2", 2),
        (b"[1] x", 4),
        (b"{} {}", 3),
        (b"[", 1),
        (b"[1", 2),
        (b"[1,", 3),
        (b"[1,]", 3),
        (b"[,1]", 1),
        (b"[1 2]", 3),
        (b"[1}", 2),
        (b"]", 0),
        (b"{", 1),
        (b"{\"a\"", 4),
        (b"{\"a\":", 5),
        (b"{\"a\":1", 6),
        (b"{\"a\":1,}", 7),
        (b"{a:1}", 1),
        (b"{\"a\" 1}", 5),
        (b"{\"a\":1]", 6),
        (b"{1:1}", 1),
        (b"// c\n1", 0),
        (b"1/*c*/", 1),
        (b"\"a", 2),
        (b"\"a\nb\"", 2),
        (b"\"a\0b\"", 2),
        (b"\"\\x\"", 2),
        (b"\"\\u12g4\"", 5),
        (b"\"\\ud800\\u12\"", 11),
        (b"\xef\xbb\xbf1", 0),
    ];
    for (text, offset) in table {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(cleaned(text), syntax(offset), "{shown}");
        let inside = [b"{\"k\":[", text].concat();
        assert!(cleaned(&inside).is_err(), "{shown}");
    }
    assert_eq!(CleanError::Syntax { offset: 7 }.to_string(), "not valid JSON at byte 7");
}

#[test]
fn depth_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(cleaned(nested(DEPTH_MAX)), ok(&nested(DEPTH_MAX), 0));
    for depth in [DEPTH_MAX + 1, 1_000_000] {
        assert_eq!(cleaned(nested(depth)), Err(CleanError::TooDeep { offset: DEPTH_MAX }));
    }
    let objects = format!("{}1{}", r#"{"a":"#.repeat(DEPTH_MAX), "}".repeat(DEPTH_MAX));
    assert_eq!(cleaned(&objects), ok(&objects, 0));
    assert!(cleaned(format!("[{objects}]")).is_err());
}

#[test]
fn members_are_cleaned_without_the_braces() {
    let table = [
        ("{}", "", 0),
        (" { } ", "", 0),
        (r#" {"a": 1, "b": {"c": {}}} "#, r#""a":1,"b":{"c":{}}"#, 0),
        (r#"{"a":1,"b":2,"a":"\u0000"}"#, "\"b\":2,\"a\":\"\u{fffd}\"", 1),
    ];
    for (text, expected, repairs) in table {
        let result = written(|out| clean_members(out, text.as_bytes()).unwrap());
        assert_eq!(result, (expected.to_owned(), repairs), "{text}");
    }
    for (text, offset) in [("", 0), (" [1]", 1), ("1", 0), ("{\"a\":1", 6), ("{}}", 2)] {
        let mut out = b"before".to_vec();
        let result = clean_members(&mut out, text.as_bytes());
        assert_eq!(result, Err(CleanError::Syntax { offset }), "{text}");
        assert_eq!(out, b"before");
    }
}

/// Texts made to be slow: one key over and over, keys that all differ, and both in depth.
#[test]
fn many_members_do_not_take_long() {
    let size = 1 << 20;
    let distinct: String = (0..size / 12).map(|n| format!("\"{n:07}\":1,")).collect();
    let long = format!("\"{}\":1,", "k".repeat(size / 256));
    let texts = [
        r#""a":1,"#.repeat(size / 6),
        format!("{distinct}{distinct}"),
        long.repeat(256),
        format!(r#""a":{},"#, r#"{"a":1,"a":{"b":2,"b":3}}"#).repeat(size / 30),
    ];
    for mut text in texts {
        text.insert(0, '{');
        text.push_str("\"z\":0}");
        for _ in 0..DEPTH_MAX - 3 {
            text = format!("{{\"d\":0,\"d\":{text}}}");
        }
        let start = Instant::now();
        let (out, _) = cleaned(&text).unwrap();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_one_of_each_key(out.as_bytes());
    }
}

/// Asserts that no object in a canonical value holds a key twice.
fn assert_one_of_each_key(value: &[u8]) {
    let Some(inside) = value.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")) else {
        let mut rest = value.strip_prefix(b"[").unwrap_or_default();
        while let Some(end) = value_end(rest, 0).filter(|&end| end > 0) {
            assert_one_of_each_key(&rest[..end]);
            rest = &rest[end + 1..];
        }
        return;
    };
    let mut keys = HashSet::new();
    let mut joined = Vec::new();
    for member in members(inside) {
        assert!(keys.insert(member.key), "{:?} twice", String::from_utf8_lossy(member.key));
        assert_one_of_each_key(member.value);
        joined.extend_from_slice(member.entry);
        joined.push(b',');
    }
    joined.pop();
    assert_eq!(joined, inside, "the members are the whole of the text");
}

/// A random JSON text, the value that it should become, and the repairs on the way there.
struct Sample {
    random: Random,
    text: Vec<u8>,
    repairs: u32,
}

impl Sample {
    fn space(&mut self) {
        for _ in 0..self.random.below(6).saturating_sub(3) {
            self.text.push(*self.random.pick(b" \t\r\n"));
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        self.space();
        let value = match self.random.below(if depth == 0 { 5 } else { 9 }) {
            0 => self.raw(self.random.0 as usize % 3),
            1 | 2 => self.number(),
            3 | 4 => Value::String(self.string()),
            5 | 6 => self.array(depth),
            _ => self.object(depth),
        };
        self.space();
        value
    }

    fn raw(&mut self, which: usize) -> Value {
        let (text, value) =
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
                [which]
                .clone();
        self.text.extend_from_slice(text.as_bytes());
        value
    }

    fn number(&mut self) -> Value {
        let numbers =
            ["0", "-0", "7", "-12", "1.5", "1E3", "2e-3", "0.10", "18446744073709551616", "1e-400"];
        let text = match self.random.below(8) {
            0 => {
                self.repairs += 1;
                self.text.extend_from_slice(self.random.pick(&["1e400", "-9.9E+999"]).as_bytes());
                return Value::Null;
            }
            1..4 => (self.random.next() as i64 >> self.random.below(60)).to_string(),
            _ => (*self.random.pick(&numbers)).to_owned(),
        };
        self.text.extend_from_slice(text.as_bytes());
        serde_json::from_str(&text).unwrap()
    }

    fn string(&mut self) -> String {
        let mut text = String::new();
        self.text.push(b'"');
        for _ in 0..self.random.below(12) {
            self.character(&mut text);
        }
        self.text.push(b'"');
        text
    }

    fn character(&mut self, text: &mut String) {
        let (raw, meant, repairs): (&[u8], &str, u32) = match self.random.below(24) {
            0 => (br#"\""#, "\"", 0),
            1 => (br"\\", "\\", 0),
            2 => (br"\/", "/", 0),
            3 => (br"\b\f\n\r\t", "\u{8}\u{c}\n\r\t", 0),
            4 => (br"\u0061", "a", 0),
            5 => (br"\u001F", "\u{1f}", 0),
            6 => (br"\u20AC", "€", 0),
            7 => (br"\uD83D\ude00", "😀", 0),
            // A space after a lone half, so that it does not find its other half by chance.
            8 => (br"\ud83d ", "\u{fffd} ", 1),
            9 => (br"\uDE00", "\u{fffd}", 1),
            10 => (br"\u0000", "\u{fffd}", 1),
            11 => (b"\xff", "\u{fffd}", 1),
            12 => (b"\xe2\x82 ", "\u{fffd} ", 1),
            13 => ("漢字😀".as_bytes(), "漢字😀", 0),
            14 => (b"some more plain text\x7f", "some more plain text\x7f", 0),
            15..19 => (b"a", "a", 0),
            _ => (b"b", "b", 0),
        };
        self.text.extend_from_slice(raw);
        text.push_str(meant);
        self.repairs += repairs;
    }

    fn array(&mut self, depth: usize) -> Value {
        self.text.push(b'[');
        let mut items = Vec::new();
        for at in 0..self.random.below(5) {
            if at > 0 {
                self.text.push(b',');
            }
            items.push(self.value(depth - 1));
        }
        self.space();
        self.text.push(b']');
        Value::Array(items)
    }

    fn object(&mut self, depth: usize) -> Value {
        self.text.push(b'{');
        let mut object = Map::new();
        // Now and then so many that the members are no longer compared one by one.
        let bound = if self.random.below(40) == 0 { 120 } else { 6 };
        for at in 0..self.random.below(bound) {
            if at > 0 {
                self.text.push(b',');
            }
            self.space();
            let key = self.string();
            self.space();
            self.text.push(b':');
            object.insert(key, self.value(if bound > 6 { 0 } else { depth - 1 }));
        }
        self.space();
        self.text.push(b'}');
        Value::Object(object)
    }
}

#[test]
fn random_json_means_the_same_after_cleaning() {
    let mut sample = Sample { random: Random(3), text: Vec::new(), repairs: 0 };
    for round in 0..20_000 {
        sample.text.clear();
        sample.repairs = 0;
        let value = sample.value(1 + round % 6);
        let shown = String::from_utf8_lossy(&sample.text);
        let (out, repairs) = cleaned(&sample.text).expect(&shown);
        assert_eq!(serde_json::from_str::<Value>(&out).expect(&shown), value, "{shown}");
        assert_eq!(repairs, sample.repairs, "{shown}");
        assert_one_of_each_key(out.as_bytes());
        assert_eq!(cleaned(&out), ok(&out, 0), "cleaning again changes nothing");
        if value.is_object() {
            let inside = written(|o| clean_members(o, &sample.text).unwrap());
            assert_eq!(format!("{{{}}}", inside.0), out);
            check_denied(&value, inside.0.as_bytes(), round);
        }
    }
}

/// Compares [`without_keys`] with a removal from the parsed value.
fn check_denied(value: &Value, inside: &[u8], seed: usize) {
    fn denied(key: &str, seed: usize) -> bool {
        key.len() % 4 == seed % 4 || (seed % 3 == 0 && key.starts_with('a'))
    }
    fn remove(value: &mut Value, seed: usize) {
        match value {
            Value::Object(object) => {
                object.retain(|key, _| !denied(key, seed));
                object.values_mut().for_each(|value| remove(value, seed));
            }
            Value::Array(items) => items.iter_mut().for_each(|value| remove(value, seed)),
            _ => {}
        }
    }
    let mut expected = value.clone();
    remove(&mut expected, seed);
    let mut out = b"{\"x\":0,".to_vec();
    let start = out.len();
    without_keys(&mut out, inside, &|key| denied(&read_text(key), seed));
    assert_eq!(&out[..start], b"{\"x\":0,");
    let text = format!("{{{}}}", std::str::from_utf8(&out[start..]).unwrap());
    let value: Value = serde_json::from_str(&text).expect(&text);
    assert_eq!(value, expected);
    // Still canonical.
    assert_eq!(cleaned(&text), ok(&text, 0));
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(object) => object.iter().any(|(k, v)| k.contains('\0') || holds_nul(v)),
        _ => false,
    }
}

#[test]
fn damaged_json_is_refused_or_made_valid() {
    let mut sample = Sample { random: Random(4), text: Vec::new(), repairs: 0 };
    let (mut taken, mut refused) = (0, 0);
    for round in 0..40_000 {
        sample.text.clear();
        sample.value(1 + round % 5);
        let mut text = std::mem::take(&mut sample.text);
        let random = &mut sample.random;
        for _ in 0..=random.below(3) {
            let at = random.below(text.len());
            let byte = match random.below(3) {
                0 => random.next() as u8,
                _ => *random.pick(b"\"\\{}[],:0123456789eE+-.u \0ntf"),
            };
            match random.below(4) {
                0 => text.insert(at, byte),
                1 if text.len() > 1 => drop(text.remove(at)),
                2 => text.truncate(at + 1),
                _ => text[at] = byte,
            }
        }
        match cleaned(&text) {
            Ok((out, _)) => {
                taken += 1;
                let value = serde_json::from_str::<Value>(&out).expect(&out);
                assert!(!holds_nul(&value), "{out}");
                assert_one_of_each_key(out.as_bytes());
            }
            Err(_) => {
                refused += 1;
                // What serde_json takes is JSON, unless a number is too large.
                assert!(serde_json::from_slice::<Value>(&text).is_err());
            }
        }
        // These need not make sense of such a text, only come to an end.
        let found: usize = members(&text).map(|member| member.entry.len()).sum();
        assert!(found <= text.len());
        without_keys(&mut Vec::new(), &text, &|key| key.len() % 2 == 0);
        read_text(&text);
    }
    assert!(taken > 1_000 && refused > 1_000, "{taken} taken, {refused} refused");
}

#[test]
fn members_are_walked() {
    let text = br#""a":1,"b\"}":"x,\\\"]","c":{"d":[1,{"e":"}"}]},"f":[],"g":null"#;
    let expected: [(&[u8], &[u8]); 5] = [
        (b"a", b"1"),
        (br#"b\"}"#, br#""x,\\\"]""#),
        (b"c", br#"{"d":[1,{"e":"}"}]}"#),
        (b"f", b"[]"),
        (b"g", b"null"),
    ];
    let found: Vec<_> = members(text).map(|member| (member.key, member.value)).collect();
    assert_eq!(found, expected);
    let entries: Vec<_> = members(text).map(|member| member.entry).collect();
    assert_eq!(entries.join(&b','), text);
    assert_eq!(members(b"").next(), None);
    for broken in [&b"\"a"[..], b"\"a\"", b"a:1", b"\"a\":{", b"\"a\":\"x", b"\"a\\", b"}"] {
        assert_eq!(members(broken).count(), 0);
    }
}

#[test]
fn depth_is_counted() {
    let table = [
        ("", 0),
        ("1", 0),
        ("\"[{\"", 0),
        ("[]", 1),
        (r#""a":1,"b":"{""#, 0),
        (r#""a":{},"b":[[1],{"c":"["}]"#, 2),
        ("[[[1]],[[[]]],[]]", 4),
        ("]]]{", 1),
        ("[\"[[", 1),
    ];
    for (text, expected) in table {
        assert_eq!(depth(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn denied_keys_are_left_out() {
    let table = [
        ("", ""),
        (r#""no":1"#, ""),
        (r#""no":1,"a":2"#, r#""a":2"#),
        (r#""a":1,"no":{"b":[1,"}"]}"#, r#""a":1"#),
        (r#""a":1,"no":2,"b":3"#, r#""a":1,"b":3"#),
        (r#""no":1,"no2":2,"no":3"#, r#""no2":2"#),
        (
            r#""a":{"no":1},"b":[{"no":1,"c":"no"},["no",{"no":{}}]]"#,
            r#""a":{},"b":[{"c":"no"},["no",{}]]"#,
        ),
        (r#""a":"no","b":["no","no"]"#, r#""a":"no","b":["no","no"]"#),
    ];
    for (text, expected) in table {
        for before in ["", "{", "1,"] {
            let mut out = before.as_bytes().to_vec();
            without_keys(&mut out, text.as_bytes(), &|key| key == b"no");
            assert_eq!(String::from_utf8(out).unwrap(), format!("{before}{expected}"), "{text}");
        }
    }
}

#[test]
fn text_is_read_back() {
    assert!(matches!(read_text(b"plain"), Cow::Borrowed("plain")));
    assert_eq!(read_text(br#"a\n\"\\\u001f\ud83d\ude00b"#), "a\n\"\\\u{1f}😀b");
    // Not canonical.
    assert_eq!(read_text(b"\\ud800|\\x|\xff|\\"), "\u{fffd}|\u{fffd}x|\u{fffd}|\u{fffd}");
}
