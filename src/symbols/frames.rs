//! The native frames of an event: where each lies, and how names are added. Pure, but for asking
//! which file a path leads to.

use super::{Build, Found, Line, Module};
use crate::exception::InApp;
use crate::sys::files;
use crate::timestamp::Timestamp;
use serde_json::{Map, Value};
use std::rc::Rc;

/// A stack does not grow beyond this by what was inlined.
const FRAMES_MAX: usize = 128;

type Frame = Map<String, Value>;

/// Where a frame's call lies.
pub struct Place {
    pub module: Rc<Module>,
    /// From the image's beginning.
    pub offset: u64,
}

/// The images of an event, by where they began.
pub struct Images(Vec<(u64, Rc<Module>)>);

impl Images {
    /// From `$debug_images`.
    pub fn parse(text: Option<&[u8]>) -> Images {
        let images: Option<Vec<Frame>> = text.and_then(|text| serde_json::from_slice(text).ok());
        let image = |image: &Frame| {
            let path = image.get("code_file")?.as_str()?.to_owned();
            let build = Build::Id(image.get("debug_id")?.as_str()?.to_owned());
            Some((address(image, "image_addr")?, Rc::new(Module { path, build })))
        };
        Images(images.unwrap_or_default().iter().filter_map(image).collect())
    }

    fn place(&self, frame: &Frame, captured_at: Timestamp) -> Option<Place> {
        if frame.get("platform")?.as_str()? != "native" || frame.contains_key("function") {
            return None;
        }
        let start = address(frame, "image_addr")?;
        // The call before the return address: it may be its function's last instruction.
        let offset = address(frame, "instruction_addr")?.checked_sub(1)?.checked_sub(start)?;
        let known = self.0.iter().find(|(known, _)| *known == start);
        let module = match known {
            Some((_, module)) => Rc::clone(module),
            None => {
                // Without an id there is only the path, and only as long as it is the same file.
                let path = frame.get("package")?.as_str()?.to_owned();
                let version = files::version(&path)?;
                if version.changed_at_ms() > captured_at.unix_millis() {
                    return None;
                }
                Rc::new(Module { path, build: Build::Unchanged(version) })
            }
        };
        Some(Place { module, offset })
    }
}

fn address(map: &Frame, key: &str) -> Option<u64> {
    u64::from_str_radix(map.get(key)?.as_str()?.strip_prefix("0x")?, 16).ok()
}

/// Visits the frames of each exception.
pub fn each_list(exceptions: &mut Value, mut visit: impl FnMut(&mut Vec<Value>)) {
    for exception in exceptions.as_array_mut().into_iter().flatten() {
        let frames = exception.pointer_mut("/stacktrace/frames");
        if let Some(frames) = frames.and_then(Value::as_array_mut) {
            visit(frames);
        }
    }
}

/// Every place that a frame without a name lies in.
pub fn places(exceptions: &mut Value, images: &Images, captured_at: Timestamp) -> Vec<Place> {
    let mut places = Vec::new();
    each_list(exceptions, |frames| {
        let frames = frames.iter().filter_map(Value::as_object);
        places.extend(frames.filter_map(|frame| images.place(frame, captured_at)));
    });
    places
}

/// Adds what is found of each frame, as far as there is room for that many bytes.
pub fn add_names(
    frames: &mut Vec<Value>,
    images: &Images,
    captured_at: Timestamp,
    in_app: &InApp,
    room: &mut usize,
    find: impl Fn(&Place) -> Option<Rc<Found>>,
) {
    let mut inlined_max = FRAMES_MAX.saturating_sub(frames.len());
    let mut out = Vec::with_capacity(frames.len());
    for value in frames.drain(..) {
        let Value::Object(frame) = value else {
            out.push(value);
            continue;
        };
        let place = images.place(&frame, captured_at);
        let found = place.as_ref().and_then(|place| find(place).map(|found| (place, found)));
        match found {
            Some((place, found)) if !found.lines.is_empty() => {
                let (named, inlined) = named(frame, &found, &place.module.path, in_app);
                let inlined = if inlined.len() > inlined_max { Vec::new() } else { inlined };
                inlined_max -= inlined.len();
                let values = std::iter::once(&named).chain(&inlined).flat_map(Frame::values);
                let grown: usize = values.map(|value| value.to_string().len() + 24).sum();
                if grown <= *room {
                    *room -= grown;
                    out.push(named.into());
                    out.extend(inlined.into_iter().map(Value::Object));
                } else {
                    *room = 0;
                    out.push(unnamed(named).into());
                }
            }
            _ => out.push(frame.into()),
        }
    }
    *frames = out;
}

/// A frame with the name of its function, and the frames of what was inlined into it, bottom-up.
fn named(mut frame: Frame, found: &Found, path: &str, in_app: &InApp) -> (Frame, Vec<Frame>) {
    let mut lines = found.lines.iter().rev();
    let start = address(&frame, "image_addr").zip(found.function_start);
    if let Some(outer) = lines.next() {
        describe(&mut frame, outer, path, in_app);
    }
    let inlined = lines.map(|line| {
        let mut inlined = frame.clone();
        NAMES.iter().for_each(|key| drop(inlined.shift_remove(*key)));
        describe(&mut inlined, line, path, in_app);
        inlined.insert("inline".to_owned(), true.into());
        inlined
    });
    let inlined = inlined.collect();
    if let Some((image, offset)) = start {
        let symbol = image.wrapping_add(offset);
        frame.insert("symbol_addr".to_owned(), format!("{symbol:#x}").into());
    }
    (frame, inlined)
}

const NAMES: [&str; 5] = ["function", "filename", "lineno", "colno", "symbol_addr"];

/// Takes the name off again.
fn unnamed(mut frame: Frame) -> Frame {
    NAMES.iter().chain(&["lang", "client_resolved"]).for_each(|key| drop(frame.shift_remove(*key)));
    frame
}

fn describe(frame: &mut Frame, line: &Line, path: &str, in_app: &InApp) {
    let file = line.file.as_deref().unwrap_or_default();
    frame.insert("function".to_owned(), line.function.as_str().into());
    if let Some(file) = &line.file {
        frame.insert("filename".to_owned(), file.as_str().into());
    }
    for (key, number) in [("lineno", line.line), ("colno", line.column)] {
        if let Some(number) = number {
            frame.insert(key.to_owned(), number.into());
        }
    }
    if let Some(lang) = language(file) {
        frame.insert("lang".to_owned(), lang.into());
    }
    frame.insert("client_resolved".to_owned(), true.into());
    let own = in_app.is_in_app(&[path, file, &line.function]);
    frame.insert("in_app".to_owned(), own.into());
}

/// As PostHog calls the language of a file (cymbal, `langs/native.rs`).
fn language(file: &str) -> Option<&'static str> {
    Some(match file.rsplit_once('.')?.1 {
        "c" | "h" => "c",
        "cpp" | "cc" | "cxx" | "hpp" | "hh" | "hxx" => "cpp",
        "rs" => "rust",
        "zig" => "zig",
        "go" => "go",
        "swift" => "swift",
        "m" => "objectivec",
        _ => return None,
    })
}
