//! Property maps: what they hold after each change.

use super::*;

fn text(props: &Props) -> &str {
    std::str::from_utf8(props.text()).unwrap()
}

#[test]
fn serialises_as_it_is_filled() {
    let mut props = Props::new();
    props.set_str("plan", b"pro").unwrap();
    props.set_i64("amount", -4999).unwrap();
    props.set_u64("big", u64::MAX).unwrap();
    props.set_f64("ratio", 0.5).unwrap();
    props.set_bool("ok", true).unwrap();
    props.set_null("none").unwrap();
    props.set_json("list", b" [1, 2] ").unwrap();
    assert_eq!(
        text(&props),
        r#""plan":"pro","amount":-4999,"big":18446744073709551615,"ratio":0.5,"ok":true,"none":null,"list":[1,2]"#
    );
}

#[test]
fn the_last_set_of_a_key_wins_wherever_it_stood() {
    for again in ["a", "b", "c"] {
        let mut props = Props::new();
        for key in ["a", "b", "c"] {
            props.set_str(key, b"first").unwrap();
        }
        props.set_i64(again, 2).unwrap();
        props.set_i64("d", 3).unwrap();
        let parsed: serde_json::Value =
            serde_json::from_str(&format!("{{{}}}", text(&props))).unwrap();
        assert_eq!(parsed.as_object().unwrap().len(), 4);
        assert_eq!(text(&props).matches(&format!("\"{again}\"")).count(), 1);
        assert_eq!(parsed[again], 2);
        assert_eq!(props.get(again), Some(b"2".as_slice()));
    }
}

#[test]
fn members_of_a_text_are_set_like_any_others() {
    let mut props = Props::new();
    props.set_str("plan", b"free").unwrap();
    props.set_members(br#"{"$lib":"x","n":1}"#).unwrap();
    assert_eq!(text(&props), r#""plan":"free","$lib":"x","n":1"#);
    assert_eq!(props.marks(), Marks::LIB);
    assert_eq!(props.get("n"), Some(b"1".as_slice()));
    // A key that is there, and one that is there twice.
    props.set_members(br#"{"plan":"pro","m":2}"#).unwrap();
    props.set_members(br#"{"o":1,"o":2}"#).unwrap();
    assert_eq!(text(&props), r#""$lib":"x","n":1,"plan":"pro","m":2,"o":2"#);
    props.set_members(b"{}").unwrap();
    // The first key is good, and yet nothing of it is left.
    assert_eq!(props.set_members(br#"{"$os":"y","q":oops}"#), Err(Error::Json));
    assert_eq!(text(&props), r#""$lib":"x","n":1,"plan":"pro","m":2,"o":2"#);
    assert_eq!((props.marks(), props.get("$os")), (Marks::LIB, None));
    let large = format!("{{\"large\":\"{}\"}}", "x".repeat(BYTES_MAX));
    assert_eq!(props.set_members(large.as_bytes()), Err(Error::TooLarge));
    props.set_members(br#"{"$os":"y"}"#).unwrap();
    assert_eq!(props.get("$os"), Some(br#""y""#.as_slice()));
}

#[test]
fn every_length_is_set_alike_whether_memory_is_there_or_not() {
    let mut reused = Props::new();
    reused.set_str("first", "x".repeat(2_000).as_bytes()).unwrap();
    for len in 1..100 {
        let (key, value) = ("k".repeat(len), "v".repeat(100 - len));
        let expected = format!(r#""{key}":"{value}","{key}2":-{len},"{key}3":"é\"""#);
        let mut fresh = Props::new();
        reused.clear();
        for props in [&mut fresh, &mut reused] {
            props.set_str(&key, value.as_bytes()).unwrap();
            props.set_i64(format!("{key}2"), -(len as i64)).unwrap();
            props.set_str(format!("{key}3"), "é\"".as_bytes()).unwrap();
            assert_eq!(text(props), expected);
        }
    }
    reused.set_i64("least", i64::MIN).unwrap();
    reused.set_u64("most", u64::MAX).unwrap();
    assert!(text(&reused).ends_with(r#""least":-9223372036854775808,"most":18446744073709551615"#));
}

#[test]
fn a_failed_setter_changes_nothing() {
    let mut props = Props::new();
    props.set_i64("a", 1).unwrap();
    assert_eq!(props.set_json("b", b"{oops"), Err(Error::Json));
    assert_eq!(props.set_json("a", b"nan"), Err(Error::Json));
    assert_eq!(props.set_i64("", 1), Err(Error::Empty));
    assert_eq!(props.set_json("b", "[".repeat(65).as_bytes()), Err(Error::Depth));
    assert_eq!(text(&props), r#""a":1"#);
}

#[test]
fn nesting_by_value_is_bounded() {
    let mut inner = Props::new();
    inner.set_i64("x", 1).unwrap();
    let mut refused = None;
    for depth in 1..80 {
        let mut outer = Props::new();
        match outer.set_object("o", &inner) {
            Ok(()) => inner = outer,
            Err(error) => {
                refused = Some((depth, error));
                break;
            }
        }
    }
    assert_eq!(refused, Some((json::DEPTH_MAX + 1, Error::Depth)));
}

#[test]
fn merging_keeps_one_of_each_key() {
    let mut base = Props::new();
    base.set_str("plan", b"free").unwrap();
    base.set_str("tier", b"1").unwrap();
    let mut event = Props::new();
    event.set_str("plan", b"pro").unwrap();
    let mut absent = event.clone();
    absent.merge_absent(&base).unwrap();
    assert_eq!(text(&absent), r#""plan":"pro","tier":"1""#);
    event.merge(&base).unwrap();
    assert_eq!(text(&event), r#""plan":"free","tier":"1""#);
}

#[test]
fn removing_takes_the_comma_along() {
    for (gone, left) in [("a", r#""b":2,"c":3"#), ("b", r#""a":1,"c":3"#), ("c", r#""a":1,"b":2"#)]
    {
        let mut props = Props::new();
        for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
            props.set_i64(key, value).unwrap();
        }
        assert!(props.remove(gone));
        assert!(!props.remove(gone));
        assert_eq!(text(&props), left);
    }
}

#[test]
fn denied_keys_vanish_at_any_depth() {
    let mut props = Props::new();
    props.set_str("password", b"x").unwrap();
    props.set_json("$set", br#"{"email":"a@b.c","password":"x","deep":[{"password":1}]}"#).unwrap();
    props.remove_denied(&|key| key == b"password").unwrap();
    assert_eq!(text(&props), r#""$set":{"email":"a@b.c","deep":[{}]}"#);
}

#[test]
fn marks_follow_the_keys() {
    let mut props = Props::new();
    props.set_str("$lib", b"mine").unwrap();
    props.set_str("environment", b"dev").unwrap();
    assert_eq!(props.marks(), Marks::LIB | Marks::ENVIRONMENT);
    props.remove("$lib");
    assert_eq!(props.marks(), Marks::ENVIRONMENT);
}

#[test]
fn values_are_repaired_and_counted() {
    let mut props = Props::new();
    props.set_str("bad", b"a\xFFb").unwrap();
    props.set_f64("nan", f64::NAN).unwrap();
    props.set_json("sur", br#""\ud800""#).unwrap();
    assert_eq!(text(&props), "\"bad\":\"a\u{FFFD}b\",\"nan\":null,\"sur\":\"\u{FFFD}\"");
    assert_eq!(props.repairs(), 3);
}

/// A map as simple as can be: the members in their order.
#[derive(Default)]
struct Model(Vec<(String, String)>);

impl Model {
    fn remove(&mut self, key: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|member| member.0 != key);
        self.0.len() < before
    }

    fn set(&mut self, key: &str, value: &str) {
        self.remove(key);
        self.0.push((key.to_owned(), value.to_owned()));
    }

    fn has(&self, key: &str) -> bool {
        self.0.iter().any(|member| member.0 == key)
    }

    fn text(&self) -> String {
        let member = |(key, value): &(String, String)| format!("\"{key}\":{value}");
        self.0.iter().map(member).collect::<Vec<_>>().join(",")
    }
}

#[test]
fn maps_of_few_keys_and_of_many_are_what_a_simple_one_is() {
    let mut random = crate::uuid::Random::of_seed(1, 0);
    let mut below = |bound: usize| random.next() as usize % bound;
    for keys in [3, 20, 40, 300] {
        let (mut props, mut model) = (Props::new(), Model::default());
        for step in 0..2_000 {
            // Short keys and long ones.
            let mut key = || format!("{:02$}{}", "", below(keys), 3 * below(8));
            let (key, other) = (key(), key());
            match below(40) {
                0 => assert_eq!(props.remove(&key), model.remove(&key)),
                1 if below(20) == 0 => {
                    props.clear();
                    model.0.clear();
                }
                2 | 3 => {
                    let mut more = Props::new();
                    more.set_str(&key, b"m").unwrap();
                    more.set_i64(&other, step).unwrap();
                    assert_eq!(props.is_disjoint(&more), !model.has(&key) && !model.has(&other));
                    let two = [(key.clone(), "\"m\"".to_owned()), (other, step.to_string())];
                    let two = two.into_iter().skip(usize::from(more.members.len() == 1));
                    if below(2) == 0 {
                        props.merge_absent(&more).unwrap();
                        two.filter(|(key, _)| !model.has(key))
                            .collect::<Vec<_>>()
                            .iter()
                            .for_each(|(key, value)| model.set(key, value));
                    } else if below(2) == 0 {
                        props.merge(&more).unwrap();
                        two.for_each(|(key, value)| model.set(&key, &value));
                    } else {
                        let object = format!("{{{}}}", text(&more));
                        props.set_members(object.as_bytes()).unwrap();
                        two.for_each(|(key, value)| model.set(&key, &value));
                    }
                }
                4..20 => {
                    let value = "v".repeat(below(30));
                    props.set_str(&key, value.as_bytes()).unwrap();
                    model.set(&key, &format!("\"{value}\""));
                }
                _ => {
                    let value = step << below(40);
                    props.set_i64(&key, -value).unwrap();
                    model.set(&key, &(-value).to_string());
                }
            }
            assert_eq!(text(&props), model.text(), "step {step}");
            let value = model.0.iter().find(|member| member.0 == key).map(|member| &member.1);
            assert_eq!(props.get(&key), value.map(|value| value.as_bytes()), "step {step}");
        }
    }
}

/// Each of these steps once took the square of this.
#[test]
fn a_map_takes_very_many_keys() {
    const KEYS: usize = 64_000;
    let mut set = Props::new();
    for key in 0..KEYS {
        set.set_i64(key.to_string(), 1).unwrap();
    }
    let expected = set.text().to_vec();
    let mut read = Props::new();
    read.set_members(&[b"{", expected.as_slice(), b"}"].concat()).unwrap();
    assert_eq!(read.text(), expected);
    assert_eq!(set.members.len(), KEYS);
    assert!(!set.is_disjoint(&read));
    // Another value for each.
    let again = String::from_utf8(expected).unwrap().replace(":1", ":2");
    read.set_members(format!("{{{again}}}").as_bytes()).unwrap();
    assert_eq!(text(&read), again);
    set.merge_absent(&read).unwrap();
    assert_eq!(set.get("63999"), Some(b"1".as_slice()));
    set.merge(&read).unwrap();
    assert_eq!(text(&set), again);
    set.remove_denied(&|key| key.starts_with(b"1")).unwrap();
    assert_eq!(set.get("1"), None);
    assert_eq!(set.get("2"), Some(b"2".as_slice()));
    assert!(set.remove("63999") && !set.remove("63999"));
}
