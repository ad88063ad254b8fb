use super::*;
use std::collections::HashMap;

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
    Snapshot::new("u", &Context::default(), draft(records))
}

fn str_of(text: Option<&CStr>) -> Option<&str> {
    text.map(|text| text.to_str().unwrap())
}

#[test]
fn what_goes_in_comes_out() {
    let source = Arc::new(Source {
        request_id: Some("r".to_owned()),
        evaluated_at: Some(5),
        ..Source::default()
    });
    let record = Record {
        key: "new-nav".to_owned(),
        enabled: Some(true),
        variant: Some("blau-grün".to_owned()),
        payload: Some(r#"{"copy":"new"}"#.to_owned()),
        reason: Some("condition_match".to_owned()),
        description: Some(String::new()),
        id: Some(42),
        version: Some(7),
        has_experiment: Some(false),
        origin: Origin::Remote,
        source: Some(Arc::clone(&source)),
    };
    let with_meta = Draft {
        errors: true,
        source: Arc::clone(&source),
        answer: Some(Arc::clone(&source)),
        ..draft(vec![record.clone(), off("z")])
    };
    let snapshot = Snapshot::new("user", &Context::default(), with_meta);
    assert_eq!(snapshot.get("new-nav").unwrap().to_record(), record);
    assert_eq!(str_of(snapshot.get("new-nav").unwrap().description()), Some(""));
    let plain = Record { source: Some(source), ..off("z") };
    assert_eq!(snapshot.get("z").unwrap().to_record(), plain);
    assert_eq!(snapshot.distinct_id(), "user");
    assert_eq!(str_of(snapshot.request_id()), Some("r"));
    assert_eq!(snapshot.get("z").unwrap().source().evaluated_at, Some(5));
    assert!(snapshot.errors());
}

#[test]
fn keys_are_sorted_and_found_by_every_name_and_no_other() {
    let given = ["b", "a", "B", "aa", "ü", "a-b", "a.b", "", "zz"];
    let snapshot = snapshot(given.iter().map(|key| on(key)).collect());
    let mut sorted = given;
    sorted.sort_unstable();
    assert_eq!(snapshot.flags().map(Flag::key_text).collect::<Vec<_>>(), sorted);
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
    assert_eq!(snapshot.flags().map(Flag::key_text).collect::<Vec<_>>(), ["off"]);
    assert_eq!(str_of(snapshot.reason(b"off")), None);
    assert_eq!(str_of(snapshot.reason(b"failed")), Some("timeout"));
    assert_eq!(str_of(snapshot.reason(b"why")), Some("evaluation_failed"));
    assert_eq!(str_of(snapshot.reason(b"missing")), None);
    let limited =
        Snapshot::new("u", &Context::default(), Draft { quota_limited: true, ..Draft::default() });
    assert_eq!(str_of(limited.reason(b"any")), Some("quota_limited"));
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

#[test]
fn what_is_not_known_is_listed_with_its_reason() {
    let snapshot = snapshot(vec![on("b"), unknown("c", Some("timeout")), unknown("a", None)]);
    assert_eq!((snapshot.len(), snapshot.unknown_len()), (1, 2));
    let listed: Vec<_> = (0..).map_while(|index| snapshot.unknown_at(index)).collect();
    assert_eq!(listed.iter().map(|flag| flag.key_text()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(str_of(listed[1].reason()), Some("timeout"));
    assert!(snapshot.at(1).is_none() && snapshot.unknown_at(usize::MAX).is_none());
    assert_eq!(snapshot.find(b"a").unwrap().enabled(), None);
}

#[test]
fn each_value_keeps_the_evaluation_that_it_came_from() {
    let source = |id: &str| Source { request_id: Some(id.to_owned()), ..Source::default() };
    let mut local = Draft { source: Arc::new(source("local")), ..draft(vec![]) };
    local.records = vec![
        Record { origin: Origin::Local, ..on("a") },
        Record { origin: Origin::Local, ..unknown("b", Some("missing_context")) },
    ];
    let remote = |id: &str, records| {
        let source = Arc::new(source(id));
        Draft { answer: Some(Arc::clone(&source)), source, ..draft(records) }
    };
    local.fill(remote("remote", vec![off("a"), off("b"), unknown("c", None), on("d")]));
    let older = remote("older", vec![on("c"), off("d"), on("e")]);
    local.keep(&Snapshot::new("u", &Context::default(), older));
    let merged = Snapshot::new("u", &Context::default(), local);
    let of = |key: &str| {
        let flag = merged.get(key).unwrap();
        (flag.enabled().unwrap(), flag.origin(), flag.source().request_id.clone().unwrap())
    };
    assert_eq!(of("a"), (true, Origin::Local, "local".to_owned()));
    assert_eq!(of("b"), (false, Origin::Remote, "remote".to_owned()));
    assert_eq!(of("c"), (true, Origin::Stale, "older".to_owned()));
    assert_eq!(of("d"), (true, Origin::Remote, "remote".to_owned()));
    assert_eq!(of("e"), (true, Origin::Stale, "older".to_owned()));
    assert_eq!(str_of(merged.request_id()), Some("remote"));
}

#[test]
fn a_part_of_a_snapshot_says_the_same_of_what_it_has() {
    let mut context = Context::default();
    context.set_group("company", "acme").unwrap();
    let all = Draft { errors: true, ..draft(vec![on("a"), variant("b", "x"), unknown("c", None)]) };
    let all = Snapshot::new("u", &context, all);
    assert_eq!(all.groups()["company"], "acme");
    let part = all.narrowed(|index| index != all.find(b"a").unwrap().index());
    assert!(part.is_narrowed() && !all.is_narrowed() && part.errors());
    assert_eq!((part.len(), part.unknown_len()), (1, 1));
    assert_eq!(part.get("b").unwrap().to_record(), all.get("b").unwrap().to_record());
    assert_eq!((part.groups(), part.distinct_id()), (all.groups(), "u"));
}
