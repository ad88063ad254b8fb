use super::*;
use serde_json::json;

fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_unix_millis(ms).unwrap()
}

/// Far in the future: every file is older.
const LATER: i64 = 4_000_000_000_000;

fn props(value: &Value) -> Vec<u8> {
    let text = value.to_string();
    text.as_bytes()[1..text.len() - 1].to_vec()
}

fn read(props: &[u8]) -> Value {
    serde_json::from_slice(&[b"{", props, b"}"].concat()).unwrap()
}

/// An event with one native frame at `address` of the running test.
fn event(address: usize) -> (Value, crate::sys::images::Image) {
    let image = crate::sys::images::main().unwrap();
    let frame = json!({
        "platform": "native",
        "instruction_addr": format!("{:#x}", address + 1),
        "image_addr": format!("{:#x}", image.start),
        "package": image.path,
        "in_app": true,
    });
    let frames = json!({"stacktrace": {"type": "raw", "frames": [frame]}});
    (json!({"a": 1, "$exception_list": [frames], "z": "\u{20ac}"}), image)
}

#[inline(never)]
fn some_function(out: &mut u64) {
    *out += std::process::id() as u64;
}

#[cfg(not(miri))]
#[test]
fn a_function_of_this_test_has_its_name_and_place() {
    let (event, image) = event(some_function as fn(&mut u64) as usize);
    let mut symbols = Symbols::new(InApp::default());
    let named = read(&symbols.add_names(&props(&event), timestamp(LATER)).unwrap());
    assert_eq!((&named["a"], &named["z"]), (&event["a"], &event["z"]));
    let frames = named["$exception_list"][0]["stacktrace"]["frames"].as_array().unwrap();
    let frame = &frames[0];
    let function = frame["function"].as_str().unwrap();
    assert!(function.contains("symbols::tests::some_function"), "{function}");
    assert!(frame["filename"].as_str().unwrap().ends_with("src/symbols/tests.rs"));
    assert!(frame["lineno"].as_u64().unwrap() > 1);
    assert_eq!(frame["lang"], "rust");
    assert_eq!(frame["client_resolved"], true);
    let start = format!("{:#x}", some_function as fn(&mut u64) as usize);
    assert_eq!(frame["symbol_addr"], start);

    // The same from memory: the place is known.
    assert_eq!(symbols.known.len(), 1);
    let again = read(&symbols.add_names(&props(&event), timestamp(LATER)).unwrap());
    assert_eq!(again, named);
    assert!(image.contains(some_function as fn(&mut u64) as usize));
}

#[cfg(not(miri))]
#[test]
fn a_file_that_changed_since_the_event_is_another_one() {
    let (event, _) = event(some_function as fn(&mut u64) as usize);
    let mut symbols = Symbols::new(InApp::default());
    assert_eq!(symbols.add_names(&props(&event), timestamp(1_000)), None);
}

#[cfg(not(miri))]
#[test]
fn a_file_of_another_build_says_nothing() {
    let (mut event, image) = event(some_function as fn(&mut u64) as usize);
    let (start, path) = (format!("{:#x}", image.start), image.path.as_str());
    let with = |id: &str| json!([{"debug_id": id, "image_addr": start, "code_file": path}]);
    event["$debug_images"] = with("00000000-0000-0000-0000-000000000001");
    let mut symbols = Symbols::new(InApp::default());
    let other = read(&symbols.add_names(&props(&event), timestamp(LATER)).unwrap());
    assert_eq!(other["$exception_list"], event["$exception_list"]);

    let Some(crate::sys::images::BuildId::Elf(id)) = &image.id else { return };
    event["$debug_images"] = with(&debug_id(id));
    // By its id, whenever it was changed.
    let named = read(&symbols.add_names(&props(&event), timestamp(1_000)).unwrap());
    let frame = &named["$exception_list"][0]["stacktrace"]["frames"][0];
    assert!(frame["function"].as_str().unwrap().contains("some_function"));
}

#[test]
fn what_has_no_native_frames_stays_as_it_is() {
    let mut symbols = Symbols::new(InApp::default());
    for event in [
        json!({"a": 1}),
        json!({"$exception_list": 1}),
        json!({"$exception_list": [{"stacktrace": {"frames": [1, {"platform": "python"}]}}]}),
        json!({"$exception_list": [{"stacktrace": {"frames": [
            {"platform": "native", "instruction_addr": "nonsense"},
            {"platform": "native", "instruction_addr": "0x1", "image_addr": "0x2"},
            {"platform": "native", "instruction_addr": "0x0", "image_addr": "0x0"},
        ]}}]}),
    ] {
        assert_eq!(symbols.add_names(&props(&event), timestamp(LATER)), None, "{event}");
    }
}

#[cfg(not(miri))]
#[test]
fn files_that_are_no_programs_say_nothing() {
    let folder = std::env::temp_dir().join(format!("posthog-symbols-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let whole = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let image = crate::sys::images::main().unwrap();
    let place = (some_function as fn(&mut u64) as usize - image.start) as u64;
    for cut in [0, 1, 4, 16, 63, 64, 200, 4096, 1 << 16, whole.len() / 2] {
        let path = folder.join(format!("cut-{cut}"));
        std::fs::write(&path, &whole[..cut.min(whole.len())]).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let build = Build::Unchanged(files::version(&path).unwrap());
        let found = file::look_up(&Module { path, build }, &[place]);
        assert_eq!(found.len(), 1);
        assert!(found[0].lines.is_empty(), "cut at {cut}: {found:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
