use super::*;
use serde_json::{Value, from_str, json};

/// 2024-03-31T12:00:00Z.
fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_711_886_400_000).unwrap()
}

fn matcher(operator: &str, value: &Value, matching: Matching) -> Result<Matcher, Unusable> {
    let text = value.to_string();
    Matcher::new(operator, &from_str(&text).unwrap(), matching, &mut Pattern::new)
}

/// `None` where the given value cannot be read.
fn matched(operator: &str, value: &Value, given: &Value) -> Option<bool> {
    let given = given.to_string();
    let matcher = matcher(operator, value, Matching::Explicit).unwrap();
    match matcher.matches(Given::Json(given.as_bytes()), now()) {
        Ok(matches) => Some(matches),
        Err(doubt) => {
            assert_eq!(doubt, Doubt::Given);
            None
        }
    }
}

/// Rows of (filter value, given value, match), for an operator and for the one that negates it.
fn check(operator: &str, negation: &str, rows: Vec<(Value, Value, bool)>) {
    for (value, given, expected) in rows {
        let row = format!("{operator} {value} {given}");
        assert_eq!(matched(operator, &value, &given), Some(expected), "{row}");
        assert_eq!(matched(negation, &value, &given), Some(!expected), "not {row}");
    }
}

#[test]
fn exact_compares_texts_in_lower_case() {
    let rows = vec![
        (json!("Pro"), json!("pRO"), true),
        (json!("pro"), json!("pro "), false),
        (json!("ÄBC"), json!("äbc"), true),
        (json!("ΟΔΟΣ"), json!("οδος"), true),
        (json!("k"), json!("\u{212a}"), true),
        (json!("\u{212a}"), json!("K"), true),
        (json!(["free", "PRO", "ä"]), json!("pro"), true),
        (json!(["free", "PRO", "ä"]), json!("Ä"), true),
        (json!(["free", "PRO", "ä"]), json!("fre"), false),
        (json!(5), json!("5"), true),
        (json!(5), json!(5.0), false),
        (json!("5.0"), json!(5.0), true),
        (json!("true"), json!(true), true),
        (json!(null), json!(null), true),
        (json!("NULL"), json!(null), true),
        (json!({"b": 1, "a": 2}), json!({"a": 2, "b": 1}), true),
        (json!([["x"]]), json!(["X"]), true),
        (json!([]), json!("true"), true),
        (json!([]), json!("pro"), false),
    ];
    check("exact", "is_not", rows);
}

#[test]
fn version_1_compares_what_looks_like_a_boolean_as_one() {
    let rows = [
        (json!(false), json!("banana"), true, false),
        (json!(true), json!("TRUE"), true, true),
        (json!("true"), json!([true]), true, false),
        (json!(["true", "false"]), json!("true"), false, true),
        (json!("yes"), json!("YES"), true, true),
    ];
    for (value, given, coerced, explicit) in rows {
        let text = given.to_string();
        for (matching, expected) in [(Matching::Coerced, coerced), (Matching::Explicit, explicit)] {
            for (operator, negated) in [("exact", false), ("is_not", true)] {
                let matcher = matcher(operator, &value, matching).unwrap();
                let found = matcher.matches(Given::Json(text.as_bytes()), now());
                assert_eq!(found, Ok(expected != negated), "{operator} {value} {given}");
            }
        }
    }
}

#[test]
fn whatever_is_given_is_set() {
    for given in [json!(null), json!(false), json!(0), json!(""), json!([]), json!({})] {
        check("is_set", "is_not_set", vec![(json!("ignored"), given, true)]);
    }
}

#[test]
fn texts_are_searched_without_regard_to_ascii_case() {
    let long = format!("{}NEEDLE{}", "n".repeat(300), "x".repeat(300));
    check(
        "icontains",
        "not_icontains",
        vec![
            (json!("ACME"), json!("a@acme.com"), true),
            (json!("acme."), json!("a@acmexcom"), false),
            (json!("Ä"), json!("xäx"), false),
            (json!("ä"), json!("xäX"), true),
            (json!(""), json!(""), true),
            (json!("longer"), json!("long"), false),
            (json!("e"), json!("yes"), true),
            (json!("UL"), json!(null), true),
            (json!(".5"), json!(1.5), true),
            (json!("\"a\",1"), json!(["A", 1]), true),
            (json!(["pro"]), json!("pro"), false),
            (json!("needle"), json!(long), true),
            (json!("needles"), json!(long), false),
        ],
    );
    check(
        "starts_with",
        "not_starts_with",
        vec![
            (json!("admin@"), json!("Admin@Example.com"), true),
            (json!("admin@"), json!("xadmin@"), false),
            (json!("nu"), json!(null), true),
            (json!(32), json!(323), true),
            (json!("abc"), json!("ab"), false),
        ],
    );
    check(
        "ends_with",
        "not_ends_with",
        vec![
            (json!(".COM"), json!("a@b.com"), true),
            (json!(".com"), json!("a@b.com.au"), false),
            (json!("23"), json!(323), true),
            (json!("ä"), json!("Ä"), false),
            (json!("abc"), json!("bc"), false),
        ],
    );
}

#[test]
fn patterns_are_searched_in_texts() {
    check(
        "regex",
        "not_regex",
        vec![
            (json!("@acme\\.com$"), json!("a@acme.com"), true),
            (json!("ACME"), json!("acme"), false),
            (json!(""), json!("anything"), true),
            (json!("^null$"), json!(null), true),
            (json!(23), json!(323), true),
            (json!("^\\[\"a\"\\]$"), json!(["a"]), true),
        ],
    );
    for operator in ["regex", "not_regex"] {
        assert_eq!(matched(operator, &json!("["), &json!("[")), Some(false));
    }
}

#[test]
fn numbers_are_compared_as_numbers() {
    let rows = [
        (json!(10), json!(9), [false, false, true, true]),
        (json!(10), json!(10.0), [false, true, false, true]),
        (json!("10"), json!("9.5"), [false, false, true, true]),
        (json!(10), json!("1e2"), [true, true, false, false]),
        (json!(10), json!(true), [false; 4]),
        (json!(0), json!(null), [false; 4]),
        (json!(0), json!("old"), [false; 4]),
        (json!(0), json!([1]), [false; 4]),
        (json!(0), json!("inf"), [false; 4]),
    ];
    for (value, given, expected) in rows {
        let found = ["gt", "gte", "lt", "lte"].map(|operator| matched(operator, &value, &given));
        assert_eq!(found, expected.map(Some), "{value} {given}");
    }
}

#[test]
fn dates_are_before_or_after() {
    let rows = [
        (json!("2024-03-31"), json!("2024-03-30T23:59:59.999Z"), Some((true, false))),
        (json!("2024-03-31"), json!("2024-03-31"), Some((false, false))),
        (json!("2024-03-31T02:00:00+02:00"), json!("2024-03-31 00:00:01"), Some((false, true))),
        (json!("-1m"), json!("2024-02-29T11:59:59Z"), Some((true, false))),
        (json!("1m"), json!("2024-02-29T12:00:01Z"), Some((false, true))),
        (json!("7d"), json!(null), Some((false, false))),
        (json!("7d"), json!("never"), None),
        (json!("7d"), json!(1_711_886_400), None),
        (json!("7d"), json!(true), None),
        (json!("7d"), json!(["2024-03-31"]), None),
        (json!("7d"), json!("-3d"), None),
    ];
    for (value, given, expected) in rows {
        let before = matched("is_date_before", &value, &given);
        let after = matched("is_date_after", &value, &given);
        assert_eq!(before.zip(after), expected, "{value} {given}");
    }
    let long_ago = matcher("is_date_after", &json!("9999y"), Matching::Explicit).unwrap();
    for given in ["null", "\"2024-01-01\""] {
        let found = long_ago.matches(Given::Json(given.as_bytes()), now());
        assert_eq!(found, Err(Doubt::TooLongAgo));
    }
}

#[test]
fn versions_are_compared_and_ranged() {
    let rows = [
        ("semver_eq", json!("1.2"), json!("v1.2.0"), Some(true)),
        ("semver_eq", json!(1.5), json!("1.5.0-rc"), Some(true)),
        ("semver_neq", json!("1.2.3"), json!("1.2.4"), Some(true)),
        ("semver_gt", json!("1.9.0"), json!("1.10.0"), Some(true)),
        ("semver_gte", json!("1.2.3"), json!("1.2.3"), Some(true)),
        ("semver_lt", json!("1.2.3"), json!("1.2.3"), Some(false)),
        ("semver_lte", json!("1.2.3"), json!(1), Some(true)),
        ("semver_tilde", json!("1.2.3"), json!("1.2.99"), Some(true)),
        ("semver_tilde", json!("1.2.3"), json!("1.3.0"), Some(false)),
        ("semver_caret", json!("1.2.3"), json!("1.99.0"), Some(true)),
        ("semver_caret", json!("0.2.3"), json!("0.3.0"), Some(false)),
        ("semver_wildcard", json!("1.2.*"), json!("1.2.7"), Some(true)),
        ("semver_wildcard", json!("1.*"), json!("2.0.0"), Some(false)),
        ("semver_eq", json!("1.2.3"), json!(null), Some(false)),
        ("semver_neq", json!("1.2.3"), json!(null), Some(false)),
        ("semver_eq", json!("1.2.3"), json!("01.2.3"), None),
        ("semver_eq", json!("1.2.3"), json!(true), None),
        ("semver_caret", json!("1.2.3"), json!("dev"), None),
    ];
    for (operator, value, given, expected) in rows {
        assert_eq!(matched(operator, &value, &given), expected, "{operator} {value} {given}");
    }
}

#[test]
fn filters_that_cannot_be_used_are_told() {
    let rows = [
        ("gt", json!("ten")),
        ("gte", json!(true)),
        ("lt", json!(null)),
        ("lte", json!([1])),
        ("is_date_before", json!("soon")),
        ("is_date_after", json!("10000d")),
        ("is_date_after", json!(20_240_101)),
        ("semver_eq", json!("1.x")),
        ("semver_gt", json!(null)),
        ("semver_tilde", json!("")),
        ("semver_wildcard", json!("*")),
        ("between", json!([1, 2])),
        ("not_between", json!([1, 2])),
        ("icontains_multi", json!(["a"])),
        ("not_icontains_multi", json!(["a"])),
        ("is_date_exact", json!("2024-01-01")),
        ("in", json!(1)),
        ("not_in", json!(1)),
        ("flag_evaluates_to", json!(true)),
        ("EXACT", json!("a")),
        ("", json!("a")),
    ];
    for (operator, value) in rows {
        let unusable = matcher(operator, &value, Matching::Explicit).unwrap_err();
        assert!(!unusable.regex, "{operator} {value}");
    }
    for operator in ["regex", "not_regex"] {
        let unusable = matcher(operator, &json!("(a)\\1"), Matching::Explicit).unwrap_err();
        assert!(unusable.regex);
    }
}

#[test]
fn enrolled_is_true_and_nothing_else() {
    for (given, enrolled) in
        [("true", true), ("\"true\"", true), ("\"True\"", false), ("[true]", false), ("1", false)]
    {
        let found = Matcher::Enrolled.matches(Given::Json(given.as_bytes()), now());
        assert_eq!(found, Ok(enrolled), "{given}");
    }
}
