use super::*;
use serde_json::json;

fn parsed(json: serde_json::Value) -> Definitions {
    Definitions::parse(json.to_string().as_bytes()).unwrap()
}

fn is_unsupported(definitions: &Definitions, key: &str) -> bool {
    matches!(definitions.find(key).unwrap().rule, Rule::Unsupported(_))
}

#[test]
fn only_a_text_without_a_list_of_flags_is_refused() {
    for text in
        ["", "null", "[]", "{", "{}", r#"{"flags":{}}"#, r#"{"flags":null}"#, r#"{"flags":[]"#]
    {
        assert_eq!(Definitions::parse(text.as_bytes()).err(), Some(Unreadable), "{text}");
    }
    assert!(Definitions::parse(b"{\"flags\":[],\"x\":\"\xFF\"}").is_err());
    for text in [
        r#"{"flags":[]}"#,
        r#"{"flags":[7,null,{},{"key":5},{"key":"f","deleted":true}],"cohorts":7}"#,
        r#"{"flags":[],"cohorts":null,"group_type_mapping":[1],"future":{"a":[]}}"#,
    ] {
        let definitions = Definitions::parse(text.as_bytes()).unwrap();
        assert!(definitions.flags().is_empty(), "{text}");
    }
}

#[test]
fn readers_on_any_thread_share_them() {
    fn shared<T: Send + Sync>() {}
    shared::<Definitions>();
}

#[test]
fn what_flags_tell_is_read() {
    let definitions = parsed(json!({"minimal_flag_called_events": true, "flags": [
        {"id": 42, "key": "a", "active": true, "version": 7, "has_experiment": false,
            "evaluation_runtime": "client"},
        {"key": "b", "active": false, "evaluation_runtime": "server", "has_experiment": true},
        {"key": "c", "ensure_experience_continuity": true, "active": true, "version": null},
    ]}));
    let flags: Vec<_> = definitions
        .flags()
        .iter()
        .map(|f| (f.key(), f.id(), f.version(), f.has_experiment(), f.runtime))
        .collect();
    assert_eq!(
        flags,
        [
            ("a", Some(42), Some(7), Some(false), Runtime::Client),
            ("b", None, None, Some(true), Runtime::Server),
            ("c", None, None, None, Runtime::All),
        ]
    );
    let on_server = definitions.flags().iter().map(Flag::runs_on_server);
    assert_eq!(on_server.collect::<Vec<_>>(), [false, true, true]);
    assert!(definitions.minimal_flag_called_events());
    assert!(definitions.find("d").is_none());
    for gate in [json!(false), json!("true"), json!(null), json!(1)] {
        let definitions = parsed(json!({"flags": [], "minimal_flag_called_events": gate}));
        assert!(!definitions.minimal_flag_called_events());
    }
}

#[test]
fn one_bad_flag_leaves_the_others_alone() {
    let text = r#"{"flags":[
        {"key":"good","active":true,"filters":{"groups":[{}]}},
        {"key":"huge","active":true,"filters":{"groups":[{"rollout_percentage":1e999}]}},
        {"key":"lone","active":true,"name":"\ud800","filters":{}},
        {"key":"deep","active":true,"filters":DEEP},
        {"key":"odd","active":true,"filters":[]},
        {"key":"last","active":true,"filters":{"groups":[{}]}}
    ]}"#;
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let definitions = Definitions::parse(text.replace("DEEP", &deep).as_bytes()).unwrap();
    assert_eq!(definitions.flags().len(), 6);
    for (key, unsupported) in [
        ("good", false),
        ("huge", true),
        ("lone", true),
        ("deep", true),
        ("odd", true),
        ("last", false),
    ] {
        assert_eq!(is_unsupported(&definitions, key), unsupported, "{key}");
    }
}

#[test]
fn the_last_of_two_flags_with_one_key_counts() {
    let definitions = parsed(json!({"flags": [
        {"id": 1, "key": "a", "active": true},
        {"id": 2, "key": "b", "active": true},
        {"id": 3, "key": "a", "active": true},
    ]}));
    let flags: Vec<_> = definitions.flags().iter().map(|flag| (flag.key(), flag.id())).collect();
    assert_eq!(flags, [("a", Some(3)), ("b", Some(2))]);
}

#[test]
fn a_project_of_a_thousand_flags_is_read_whole() {
    let flags: Vec<_> = (0..1_000)
        .map(|number| {
            json!({"id": number, "key": format!("flag-{number}"), "active": true, "filters": {
                "groups": [{"properties": [{"key": "id", "type": "cohort", "value": number % 500}]}]}})
        })
        .collect();
    let cohorts: serde_json::Map<_, _> = (0..500)
        .map(|number: u32| {
            let entry =
                json!({"key": "plan", "operator": "regex", "value": format!("^p{number}$")});
            (number.to_string(), json!({"type": "AND", "values": [entry]}))
        })
        .collect();
    let definitions = parsed(json!({"flags": flags, "cohorts": cohorts}));
    assert_eq!(definitions.flags().len(), 1_000);
    assert_eq!(definitions.cohorts.len(), 500);
    assert!(definitions.flags().iter().all(|flag| matches!(flag.rule, Rule::Live(_))));
}
