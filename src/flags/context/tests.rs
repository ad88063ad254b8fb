use super::*;

fn props(pairs: &[(&str, i64)]) -> Props {
    let mut props = Props::new();
    for (key, value) in pairs {
        props.set_i64(key, *value).unwrap();
    }
    props
}

fn context_of(fill: impl FnOnce(&mut Context) -> Result<(), Error>) -> Context {
    let mut context = Context::default();
    fill(&mut context).unwrap();
    context
}

#[test]
fn the_order_of_filling_does_not_matter() {
    let one = context_of(|c| {
        c.set_group("company", "acme")?;
        c.set_group("team", "core")?;
        c.set_group_properties("team", &props(&[("size", 3), ("age", 1)]))?;
        c.set_group_properties("company", &props(&[("size", 9)]))?;
        c.set_person_properties(&props(&[("b", 2), ("a", 1), ("c", 3)]))?;
        c.add_flag_key("a")?;
        c.add_flag_key("b")?;
        c.add_evaluation_context("x")?;
        c.add_evaluation_context("y")
    });
    let other = context_of(|c| {
        c.add_evaluation_context("y")?;
        c.add_evaluation_context("x")?;
        c.add_flag_key("b")?;
        c.add_flag_key("a")?;
        c.add_flag_key("b")?;
        c.set_group_properties("company", &props(&[("size", 9)]))?;
        c.set_group_properties("team", &props(&[("age", 1), ("size", 3)]))?;
        c.set_person_properties(&props(&[("a", 1), ("b", 2), ("c", 3)]))?;
        c.set_group("team", "core")?;
        c.set_group("company", "old")?;
        c.set_group("company", "acme")
    });
    assert_eq!(one.identity("u"), other.identity("u"));
}

#[test]
fn no_two_contexts_share_an_identity() {
    type Fill = fn(&mut Context) -> Result<(), Error>;
    let different: [(&str, Fill); 24] = [
        ("u", |_| Ok(())),
        ("v", |_| Ok(())),
        ("", |_| Ok(())),
        ("u", |c| c.set_group("ab", "c")),
        ("u", |c| c.set_group("a", "bc")),
        ("u", |c| c.set_group("a", "b").and_then(|()| c.set_group("c", "d"))),
        ("u", |c| c.set_device_id("a")),
        ("u", |c| c.set_device_id("b")),
        ("u", |c| c.set_person_properties(&props(&[("a", 1)]))),
        ("u", |c| c.set_person_properties(&props(&[("a", 2)]))),
        ("u", |c| c.set_group_properties("a", &props(&[]))),
        ("u", |c| c.set_group_properties("a", &props(&[("a", 1)]))),
        ("u", |c| c.set_group_properties("b", &props(&[("a", 1)]))),
        ("u", |c| c.add_flag_key("a")),
        ("u", |c| c.add_flag_key("b")),
        ("u", |c| c.add_flag_key("a").and_then(|()| c.add_flag_key("b"))),
        ("u", |c| c.add_flag_key("ab")),
        ("u", |c| c.add_evaluation_context("a")),
        ("u", |c| c.add_evaluation_context("b")),
        ("u", |c| c.add_evaluation_context("a").and_then(|()| c.add_flag_key("a"))),
        ("u", |c| {
            c.limit_flag_keys();
            Ok(())
        }),
        ("u", |c| {
            c.set_geoip_disable(true);
            Ok(())
        }),
        ("u", |c| {
            c.set_geoip_disable(false);
            Ok(())
        }),
        ("v", |c| {
            c.set_geoip_disable(false);
            Ok(())
        }),
    ];
    let identities: BTreeSet<Vec<u8>> =
        different.iter().map(|(id, fill)| context_of(fill).identity(id)).collect();
    assert_eq!(identities.len(), different.len());
}

#[test]
fn blank_names_are_refused_and_change_nothing() {
    let mut context = Context::default();
    let empty = context.identity("u");
    for blank in ["", " ", "\t"] {
        assert_eq!(context.set_group(blank, "k"), Err(Error::Empty));
        assert_eq!(context.set_group("t", blank), Err(Error::Empty));
        assert_eq!(context.set_group_properties(blank, &Props::new()), Err(Error::Empty));
        assert_eq!(context.set_device_id(blank), Err(Error::Empty));
        assert_eq!(context.add_flag_key(blank), Err(Error::Empty));
        assert_eq!(context.add_evaluation_context(blank), Err(Error::Empty));
    }
    assert_eq!(context.identity("u"), empty);
    assert!(context.wants("anything"));
}

#[test]
fn properties_merge_and_the_last_wins() {
    let mut context = Context::default();
    context.set_person_properties(&props(&[("a", 1), ("b", 1)])).unwrap();
    context.set_person_properties(&props(&[("b", 2)])).unwrap();
    assert_eq!(context.person_properties.text(), br#""a":1,"b":2"#);
    context.set_group_properties("t", &props(&[("a", 1)])).unwrap();
    context.set_group_properties("t", &props(&[("b", 2)])).unwrap();
    assert_eq!(context.group_properties["t"].text(), br#""a":1,"b":2"#);
}

#[test]
fn flag_keys_limit_what_is_wanted() {
    let mut context = Context::default();
    assert!(context.wants("a") && !context.wants_nothing());
    context.limit_flag_keys();
    assert!(!context.wants("a") && context.wants_nothing());
    context.add_flag_key("a").unwrap();
    context.limit_flag_keys();
    assert!(context.wants("a") && !context.wants("b") && !context.wants_nothing());
}

fn read(text: &str) -> Result<Context, Error> {
    Context::from_json(text.as_bytes())
}

#[test]
fn a_context_is_read_from_json() {
    let text = r#"{"groups":{"company":"ac\u006de"}, "person_properties":{"a":1},
        "group_properties":{"company":{"size":1e0}}, "device_id":"d", "flag_keys":["b","a"],
        "evaluation_contexts":["x"], "geoip_disable":false, "local_only":true, "flag_events":false}"#;
    let context = read(text).unwrap();
    let filled = context_of(|c| {
        c.set_group("company", "acme")?;
        c.set_person_properties(&props(&[("a", 1)]))?;
        c.set_group_properties("company", &context.group_properties["company"])?;
        c.set_device_id("d")?;
        c.add_flag_key("a")?;
        c.add_flag_key("b")?;
        c.set_geoip_disable(false);
        c.add_evaluation_context("x")
    });
    assert_eq!(context.identity("u"), filled.identity("u"));
    assert_eq!(context.group_properties["company"].text(), br#""size":1e0"#);
    assert_eq!((context.local_only, context.flag_events), (Some(true), Some(false)));
    assert!(read(r#"{"flag_keys":[]}"#).unwrap().wants_nothing());
    let nothing = r#"{"groups":null,"person_properties":null,"device_id":null,"flag_keys":null}"#;
    for empty in ["{}", nothing] {
        assert_eq!(read(empty).unwrap().identity("u"), Context::default().identity("u"));
    }
}

#[test]
fn what_is_no_context_is_refused() {
    for (text, error) in [
        ("[]", Error::Json),
        ("", Error::Json),
        (r#"{"group":{}}"#, Error::Json),
        (r#"{"groups":[]}"#, Error::Json),
        (r#"{"groups":{"a":1}}"#, Error::Json),
        (r#"{"groups":{"a":" "}}"#, Error::Empty),
        (r#"{"groups":{"a":"\u0000"}}"#, Error::Utf8),
        (r#"{"person_properties":1}"#, Error::Json),
        (r#"{"group_properties":{"a":1}}"#, Error::Json),
        (r#"{"flag_keys":"a"}"#, Error::Json),
        (r#"{"flag_keys":[1]}"#, Error::Json),
        (r#"{"evaluation_contexts":[""]}"#, Error::Empty),
        (r#"{"local_only":1}"#, Error::Json),
    ] {
        assert_eq!(read(text).err(), Some(error), "{text}");
    }
}
