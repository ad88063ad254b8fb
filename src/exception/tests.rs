use super::tracker::Tracker;
use super::*;
use crate::clock;
use crate::sys::unwind::Frame as Inner;
use serde_json::{Value, json};

fn exception(kind: &str, message: &str) -> Exception {
    Exception::new(kind.as_bytes(), message.as_bytes()).unwrap()
}

fn frame(function: &str) -> Frame {
    Frame::new(Some(function), None, Some(1), None, true)
}

/// The properties of the event, without a stack unless the exception says so.
fn sent(exception: &Exception) -> Value {
    let here = 0_u8;
    let tracker = Tracker::new(Settings::default(), 1 << 20, None);
    let mut exception = exception.clone();
    if exception.own_stack == OwnStack::Default {
        exception.own_stack = OwnStack::Off;
    }
    let tracked = tracker.track(Some("u"), &exception, Inner::of(&here), clock::now()).unwrap();
    let text = String::from_utf8(tracked.event.props.text().to_vec()).unwrap();
    serde_json::from_str(&format!("{{{text}}}")).unwrap()
}

#[test]
fn the_list_and_the_flat_properties_agree() {
    let mut exception = exception("io_error", "disk full");
    exception.level = Level::Fatal;
    exception.set_handled(false);
    exception.fingerprint = Some("disk".to_owned());
    exception.source = Some("c.logger".to_owned());
    exception.set_mechanism("logger").unwrap();
    let mechanism =
        json!({"type": "logger", "handled": false, "synthetic": false, "exception_id": 0});
    assert_eq!(
        sent(&exception),
        json!({
            "$exception_list": [{
                "type": "io_error",
                "value": "disk full",
                "mechanism": mechanism,
            }],
            "$exception_level": "fatal",
            "$exception_type": "io_error",
            "$exception_message": "disk full",
            "$exception_fingerprint": "disk",
            "$exception_source": "c.logger",
        })
    );
}

#[test]
fn frames_leave_outermost_first_and_bounded() {
    let mut exception = exception("e", "");
    for depth in 0..10_000 {
        exception.push_frame(frame(&format!("f{depth}")));
    }
    let value = sent(&exception);
    let frames = value["$exception_list"][0]["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(frames.len(), FRAMES_MAX);
    assert_eq!((&frames[0]["function"], &frames[63]["function"]), (&json!("f63"), &json!("f0")));
    assert!(frames[0].get("filename").is_none());

    let ready = (0..10_000).map(|depth| json!({"function": format!("g{depth}")}));
    let ready = serde_json::to_vec(&ready.collect::<Vec<_>>()).unwrap();
    exception.set_frames(Frame::parse(&ready).unwrap());
    exception.set_addresses(1..10_000);
    let value = sent(&exception);
    let frames = value["$exception_list"][0]["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(frames.len(), FRAMES_MAX);
    // The host's own frames, then the machine's, both bottom-up.
    assert_eq!(frames[0]["function"], "g9968");
    assert_eq!(frames[31]["function"], "g9999");
    assert_eq!(frames[32]["instruction_addr"], "0x20");
    assert_eq!(frames[63]["instruction_addr"], "0x1");
}

#[test]
fn the_callers_properties_cannot_replace_the_librarys() {
    let mut exception = exception("e", "m");
    for key in RESERVED {
        exception.props.set_str(key, b"mine").unwrap();
    }
    exception.props.set_str("area", b"checkout").unwrap();
    let value = sent(&exception);
    assert!(value["$exception_list"].is_array());
    for key in RESERVED.iter().filter(|key| !["$exception_list", "$exception_level"].contains(key))
    {
        assert!(value.get(*key).is_none(), "{key}");
    }
    assert_eq!(value["area"], "checkout");
}

/// Id, parent and relation of each entry, and its type.
fn tree(value: &Value) -> Vec<(u64, Option<u64>, String, String)> {
    let list = value["$exception_list"].as_array().unwrap();
    let link = |item: &Value| {
        let mechanism = &item["mechanism"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (
            mechanism["exception_id"].as_u64().unwrap(),
            mechanism["parent_id"].as_u64(),
            text(&mechanism["source"]),
            text(&item["type"]),
        )
    };
    list.iter().map(link).collect()
}

#[test]
fn trees_are_flattened_depth_first() {
    let mut middle = exception("middle", "");
    middle.push_cause(&exception("root", ""), "cause").unwrap();
    let mut outer = exception("outer", "");
    outer.push_cause(&middle, "member").unwrap();
    outer.push_cause(&exception("other", ""), "member").unwrap();
    let value = sent(&outer);
    let link = |id, parent, source: &str, kind: &str| (id, parent, source.into(), kind.into());
    assert_eq!(
        tree(&value),
        [
            link(0, None, "", "outer"),
            link(1, Some(0), "member", "middle"),
            link(2, Some(1), "cause", "root"),
            link(3, Some(0), "member", "other"),
        ]
    );
    // Nothing is invented for those inside.
    let nested = &value["$exception_list"][1]["mechanism"];
    let expected =
        json!({"type": "chained", "source": "member", "exception_id": 1, "parent_id": 0});
    assert_eq!(*nested, expected);
}

#[test]
fn no_tree_is_too_deep_too_wide_or_a_cycle() {
    let mut deep = exception("e", "0");
    for depth in 1..100_000 {
        let mut outer = exception("e", &depth.to_string());
        outer.push_cause(&deep, "cause").unwrap();
        deep = outer;
    }
    assert_eq!(tree(&sent(&deep)).len(), ENTRIES_MAX);
    let (mut wide, mut own) = (exception("e", ""), exception("e", ""));
    for _ in 0..1000 {
        wide.push_cause(&deep, "member").unwrap();
        let copy = own.clone();
        own.push_cause(&copy, "cause").unwrap();
    }
    for exception in [wide, own] {
        let links = tree(&sent(&exception));
        assert_eq!(links.len(), ENTRIES_MAX);
        for (index, (id, parent, _, _)) in links.iter().enumerate() {
            assert_eq!(*id, index as u64);
            assert!(parent.is_none_or(|parent| parent < *id));
        }
    }
}

#[test]
fn what_would_be_too_large_is_made_smaller() {
    let huge = "€".repeat(1 << 20);
    let mut exception = exception(&huge, &huge);
    let inner = exception.clone();
    for _ in 0..60 {
        exception.push_cause(&inner, "member").unwrap();
    }
    for depth in 0..100 {
        exception.push_frame(frame(&format!("{depth}{}", "x".repeat(1000))));
    }
    let text = sent(&exception).to_string();
    assert!(text.len() < 1 << 20, "{}", text.len());
    assert!(text.contains("€"));

    let tracker = Tracker::new(Settings::default(), 40_000, None);
    let here = 0_u8;
    let tracked = tracker.track(None, &exception, Inner::of(&here), clock::now()).unwrap();
    assert!(tracked.event.props.text().len() < 40_000);
}

#[test]
fn ids_of_traces_are_checked() {
    let mut exception = exception("e", "");
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00F067AA0BA902B7");
    for (bad_trace, bad_span) in
        [("", span), (trace, ""), (&"0".repeat(32), span), (trace, "00f067aa0ba902bx")]
    {
        assert_eq!(exception.set_trace(bad_trace, bad_span), Err(Error::Range));
    }
    assert!(sent(&exception).get("$trace_id").is_none());
    exception.set_trace(trace, span).unwrap();
    let value = sent(&exception);
    assert_eq!(
        (&value["$trace_id"], &value["$span_id"]),
        (&json!(trace), &json!("00f067aa0ba902b7"))
    );
}

#[test]
fn without_an_id_it_is_nobodys() {
    let tracker = Tracker::new(Settings::default(), 1 << 20, None);
    let here = 0_u8;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..3 {
        let tracked =
            tracker.track(None, &exception("e", ""), Inner::of(&here), clock::now()).unwrap();
        assert_eq!(tracked.event.props.get("$process_person_profile"), Some(&b"false"[..]));
        ids.insert(tracked.event.distinct_id().to_owned());
    }
    assert_eq!(ids.len(), 3);
}

#[cfg(not(miri))]
#[test]
fn the_stack_is_taken_unless_there_are_frames() {
    let mut exception = exception("e", "m");
    exception.own_stack = OwnStack::Taken(0);
    let value = sent(&exception);
    let item = &value["$exception_list"][0];
    assert_eq!(item["mechanism"]["synthetic"], true);
    let frames = item["stacktrace"]["frames"].as_array().unwrap();
    assert!(frames.len() > 3);
    let innermost = frames.last().unwrap();
    assert_eq!(innermost["platform"], "native");
    let images = value["$debug_images"].as_array().unwrap();
    let image = images.iter().find(|image| image["image_addr"] == innermost["image_addr"]);
    let image = image.expect("the image of this test");
    let executable = std::env::current_exe().unwrap();
    assert_eq!(image["code_file"].as_str(), executable.to_str());
    // Only what frames lie in.
    for image in images {
        assert!(frames.iter().any(|frame| frame["image_addr"] == image["image_addr"]), "{image}");
    }

    exception.push_frame(frame("mine"));
    exception.own_stack = OwnStack::Default;
    let value = sent(&exception);
    let frames = value["$exception_list"][0]["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 1);
    assert!(value.get("$debug_images").is_none());
}
