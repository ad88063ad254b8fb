use super::*;

fn on(key: &str) -> Record {
    Record { key: key.to_owned(), enabled: Some(true), ..Record::default() }
}

fn off(key: &str) -> Record {
    Record { key: key.to_owned(), enabled: Some(false), ..Record::default() }
}

fn variant(key: &str, variant: &str) -> Record {
    Record { variant: Some(variant.to_owned()), ..on(key) }
}

fn unknown(key: &str, reason: Option<&str>) -> Record {
    Record { enabled: None, reason: reason.map(str::to_owned), ..on(key) }
}

fn draft(records: Vec<Record>) -> Draft {
    Draft { records, ..Draft::default() }
}

fn snapshot(records: Vec<Record>) -> Snapshot {
    Snapshot::new("u", draft(records))
}

fn str_of(text: Option<&CStr>) -> Option<&str> {
    text.map(|text| text.to_str().unwrap())
}

#[test]
fn what_goes_in_comes_out() {
    let record = Record {
        key: "new-nav".to_owned(),
        enabled: Some(true),
        variant: Some("blau-grün".to_owned()),
        payload: Some(r#"{"copy":"new"}"#.to_owned()),
        reason: Some("condition_match".to_owned()),
        description: Some(String::new()),
        id: Some(42),
        version: Some(7),
    };
    let with_meta = Draft {
        errors: true,
        request_id: Some("r".to_owned()),
        evaluated_at: Some(5),
        ..draft(vec![record.clone(), off("z")])
    };
    let snapshot = Snapshot::new("user", with_meta);
    assert_eq!(snapshot.get("new-nav").unwrap().to_record(), record);
    assert_eq!(str_of(snapshot.get("new-nav").unwrap().description()), Some(""));
    assert_eq!(snapshot.get("z").unwrap().to_record(), off("z"));
    assert_eq!(snapshot.distinct_id(), "user");
    assert_eq!(snapshot.request_id(), Some("r"));
    assert_eq!(snapshot.evaluated_at(), Some(5));
    assert!(snapshot.errors());
}

#[test]
fn keys_are_sorted_and_found_by_every_name_and_no_other() {
    let given = ["b", "a", "B", "aa", "ü", "a-b", "a.b", "", "zz"];
    let snapshot = snapshot(given.iter().map(|key| on(key)).collect());
    let mut sorted = given;
    sorted.sort_unstable();
    assert_eq!(snapshot.keys().collect::<Vec<_>>(), sorted);
    assert_eq!(snapshot.len(), given.len());
    for (index, key) in sorted.iter().enumerate() {
        assert_eq!(snapshot.enabled(key), Some(true), "{key}");
        assert_eq!(snapshot.at(index).unwrap().key().to_str(), Ok(*key));
    }
    assert!(snapshot.at(given.len()).is_none());
    for missing in ["c", "aaa", "A", "a\0"] {
        assert_eq!(snapshot.enabled(missing), None, "{missing}");
    }
}

#[test]
fn keys_with_the_same_hash_are_told_apart() {
    let mut seen: HashMap<u32, String> = HashMap::new();
    let alike = (0..1_000_000).find_map(|index| {
        let key = format!("flag-{index}");
        let other = seen.insert(crate::props::hash_key(key.as_bytes()), key.clone());
        other.map(|other| [other, key])
    });
    let [one, other] = alike.unwrap();
    let both = snapshot(vec![on(&one), off(&other)]);
    assert_eq!((both.enabled(&one), both.enabled(&other)), (Some(true), Some(false)));
    assert_eq!(snapshot(vec![on(&one)]).enabled(&other), None);
}

#[test]
fn off_and_unknown_are_different() {
    let snapshot =
        snapshot(vec![off("off"), unknown("failed", Some("timeout")), unknown("why", None)]);
    assert_eq!(snapshot.enabled("off"), Some(false));
    assert_eq!(snapshot.enabled("failed"), None);
    assert_eq!(snapshot.keys().collect::<Vec<_>>(), ["off"]);
    assert_eq!(str_of(snapshot.reason("off")), None);
    assert_eq!(str_of(snapshot.reason("failed")), Some("timeout"));
    assert_eq!(str_of(snapshot.reason("why")), Some("evaluation_failed"));
    assert_eq!(str_of(snapshot.reason("missing")), None);
    let limited = Snapshot::new("u", Draft { quota_limited: true, ..Draft::default() });
    assert_eq!(str_of(limited.reason("any")), Some("quota_limited"));
}

#[test]
fn shared_texts_are_kept_once() {
    let many = |variant: fn(usize) -> String| {
        let record =
            |index: usize| Record { variant: Some(variant(index)), ..on(&format!("{index:02}")) };
        snapshot((0..50).map(record).collect()).bytes()
    };
    assert_eq!(many(|_| "x".repeat(20)) + 49 * 21, many(|index| format!("{index:020}")));
}

#[test]
fn a_nul_does_not_cut_a_text() {
    let snapshot = snapshot(vec![variant("a", "x\0y\0")]);
    assert_eq!(str_of(snapshot.get("a").unwrap().variant()), Some("x\u{FFFD}y\u{FFFD}"));
}

#[test]
fn a_capture_is_told_every_known_flag() {
    let given = vec![variant("b", "bl\"ue"), off("a"), on("c\"c"), unknown("d", None)];
    assert_eq!(
        std::str::from_utf8(snapshot(given).event_props().text()).unwrap(),
        r#""$feature/a":false,"$feature/b":"bl\"ue","$feature/c\"c":true,"$active_feature_flags":["b","c\"c"]"#
    );
    let none_on = snapshot(vec![off("a")]).event_props();
    assert_eq!(none_on.text(), br#""$feature/a":false"#);
    assert!(Snapshot::empty("u").event_props().is_empty());
}
