//! Frames: those that the host has, as it gave them, and machine addresses.

use super::in_app::InApp;
use crate::error::Error;
use crate::json;
use crate::props::Props;
use crate::sys::images::{BuildId, Image};
use serde_json::{Map, Value};
use std::io::Write;
use std::sync::Arc;

/// Frames beyond these are left out, the outermost first.
pub const FRAMES_MAX: usize = 64;

/// A frame that the host has, e.g. an interpreter's: an object of PostHog's frame format.
#[derive(Clone, Default)]
pub struct Frame(Map<String, Value>);

impl Frame {
    /// A frame of what a C program can know of its own.
    pub fn new(
        function: Option<&str>,
        file: Option<&str>,
        line: Option<u32>,
        module: Option<&str>,
        in_app: bool,
    ) -> Frame {
        let mut map = Map::new();
        map.insert("platform".to_owned(), "custom".into());
        map.insert("lang".to_owned(), "c".into());
        for (key, value) in [("function", function), ("filename", file), ("module", module)] {
            if let Some(value) = value {
                map.insert(key.to_owned(), value.into());
            }
        }
        if let Some(line) = line {
            map.insert("lineno".to_owned(), line.into());
        }
        map.insert("in_app".to_owned(), in_app.into());
        map.insert("resolved".to_owned(), true.into());
        Frame(map)
    }

    /// Frames from the text of a JSON array of objects, in its order.
    pub fn parse(text: &[u8]) -> Result<Vec<Frame>, Error> {
        let mut clean = Vec::new();
        clean.try_reserve(json::cleaned_len_max(text)).map_err(|_| Error::NoMemory)?;
        json::clean(&mut clean, text)?;
        let maps: Vec<Map<String, Value>> =
            serde_json::from_slice(&clean).map_err(|_| Error::Json)?;
        Ok(maps.into_iter().map(Frame).collect())
    }

    pub fn from_value(value: Value) -> Result<Frame, Error> {
        if let Value::Object(map) = value { Ok(Frame(map)) } else { Err(Error::Json) }
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// What tells it from others, whatever changes from one error to the next.
    pub fn identity(&self) -> (&str, &str, Option<u64>) {
        let line = self.0.get("lineno").and_then(Value::as_u64);
        (self.text("function"), self.text("filename"), line)
    }

    /// Appends the frame. Whose it is, the host says, or the rules do.
    pub fn write(&self, rules: &InApp, out: &mut Vec<u8>) {
        separate(out);
        let known = self.0.contains_key("in_app");
        // Writing to memory does not fail.
        let _ = if known {
            serde_json::to_writer(out, &self.0)
        } else {
            let mut map = self.0.clone();
            let parts = [self.text("module"), self.text("filename"), self.text("function")];
            map.insert("in_app".to_owned(), rules.is_in_app(&parts).into());
            serde_json::to_writer(out, &map)
        };
    }
}

fn separate(out: &mut Vec<u8>) {
    if !out.ends_with(b"[") {
        out.push(b',');
    }
}

/// What the addresses of one event lie in.
pub struct Natives<'a> {
    pub rules: &'a InApp,
    /// Each once, by address.
    images: Vec<Arc<Image>>,
}

impl<'a> Natives<'a> {
    pub fn new(rules: &'a InApp, located: Vec<Option<Arc<Image>>>) -> Natives<'a> {
        let mut images: Vec<_> = located.into_iter().flatten().collect();
        images.sort_by_key(|image| image.start);
        images.dedup_by_key(|image| image.start);
        Natives { rules, images }
    }

    fn image(&self, address: usize) -> Option<&Image> {
        self.images.iter().find(|image| image.contains(address)).map(Arc::as_ref)
    }

    /// Appends the frame of a return address: all that can be said without looking into files.
    /// `Symbols` adds names in the sender. PostHog itself looks up the address before (cymbal,
    /// `langs/native.rs`), so that the return address is what it wants.
    pub fn write(&self, address: usize, out: &mut Vec<u8>) {
        separate(out);
        // Writing to memory does not fail.
        let _ = write!(out, "{{\"platform\":\"native\",\"instruction_addr\":\"{address:#x}\"");
        let Some(image) = self.image(address) else {
            out.extend_from_slice(b",\"in_app\":false}");
            return;
        };
        let _ = write!(out, ",\"image_addr\":\"{:#x}\",\"module\":\"", image.start);
        json::write_lossy(out, image.name().as_bytes());
        if image.id.is_none() {
            // `$debug_images` is for those with an id: the sender finds the file by this.
            out.extend_from_slice(b"\",\"package\":\"");
            json::write_lossy(out, image.path.as_bytes());
        }
        let _ = write!(out, "\",\"in_app\":{}}}", self.rules.is_in_app(&[&image.path]));
    }

    /// `$debug_images`: what PostHog finds the uploaded symbols of each image by.
    pub fn debug_images(&self) -> Result<Option<Vec<u8>>, Error> {
        let mut out = vec![b'['];
        for image in &self.images {
            let Some(id) = &image.id else { continue };
            separate(&mut out);
            let mut props = Props::new();
            let (kind, debug_id, code_id) = written(id);
            props.set_str("type", kind.as_bytes())?;
            props.set_str("debug_id", debug_id.as_bytes())?;
            if let Some(code_id) = code_id {
                props.set_str("code_id", code_id.as_bytes())?;
            }
            props.set_str("image_addr", format!("{:#x}", image.start).as_bytes())?;
            props.set_u64("image_size", (image.end - image.start) as u64)?;
            props.set_str("image_vmaddr", format!("{:#x}", image.vmaddr).as_bytes())?;
            if !image.path.is_empty() {
                props.set_str("code_file", image.path.as_bytes())?;
            }
            props.set_str("arch", ARCH.as_bytes())?;
            out.push(b'{');
            out.extend_from_slice(props.text());
            out.push(b'}');
        }
        out.push(b']');
        Ok((out.len() > 2).then_some(out))
    }
}

/// As PostHog's symbol upload spells them.
const ARCH: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { std::env::consts::ARCH };

/// The type, `debug_id` and `code_id` of an image.
fn written(id: &BuildId) -> (&'static str, String, Option<String>) {
    match id {
        BuildId::Elf(id) => {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            ("elf", debug_id(id), Some(hex(id)))
        }
        BuildId::MachO(id) => ("macho", hyphenated(*id).to_uppercase(), None),
        BuildId::Pe(id, age) => {
            let age = if *age > 0 { format!("-{age:x}") } else { String::new() };
            ("pe", hyphenated(guid(*id)) + &age, None)
        }
    }
}

/// The debug id of an ELF build id: its first 16 bytes as a GUID.
pub fn debug_id(build_id: &[u8]) -> String {
    let mut id = [0; 16];
    let len = build_id.len().min(id.len());
    id[..len].copy_from_slice(&build_id[..len]);
    hyphenated(if cfg!(target_endian = "little") { guid(id) } else { id })
}

/// The first three fields of a GUID are numbers, which little-endian machines store reversed.
fn guid(mut id: [u8; 16]) -> [u8; 16] {
    id[0..4].reverse();
    id[4..6].reverse();
    id[6..8].reverse();
    id
}

fn hyphenated(id: [u8; 16]) -> String {
    uuid::Uuid::from_bytes(id).hyphenated().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_as_the_upload_of_symbols_has_them() {
        let id: Vec<u8> = (0xa1..=0xb4).collect();
        let (kind, debug_id, code_id) = written(&BuildId::Elf(id.into()));
        assert_eq!(kind, "elf");
        if cfg!(target_endian = "little") {
            assert_eq!(debug_id, "a4a3a2a1-a6a5-a8a7-a9aa-abacadaeafb0");
        }
        assert_eq!(code_id.as_deref(), Some("a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4"));
        let (_, short, _) = written(&BuildId::Elf(vec![1, 2, 3].into()));
        if cfg!(target_endian = "little") {
            assert_eq!(short, "00030201-0000-0000-0000-000000000000");
        }
        let uuid: [u8; 16] = std::array::from_fn(|index| 0xa0 + index as u8);
        let macho = written(&BuildId::MachO(uuid));
        assert_eq!(macho.1, "A0A1A2A3-A4A5-A6A7-A8A9-AAABACADAEAF");
        let pe = |age| written(&BuildId::Pe(uuid, age)).1;
        assert_eq!(pe(0), "a3a2a1a0-a5a4-a7a6-a8a9-aaabacadaeaf");
        assert_eq!(pe(26), "a3a2a1a0-a5a4-a7a6-a8a9-aaabacadaeaf-1a");
    }

    #[test]
    fn frames_of_other_languages_pass_as_they_are() {
        let text = br#"[{"platform":"python","function":"f","lineno":3,"in_app":false,"x":1.50},
            {"module":"std::vec","function":"push"}, {"function":"main"}]"#;
        let frames = Frame::parse(text).unwrap();
        let mut out = vec![b'['];
        frames.iter().for_each(|frame| frame.write(&InApp::default(), &mut out));
        let expected = r#"[{"platform":"python","function":"f","lineno":3,"in_app":false,"x":1.5},{"module":"std::vec","function":"push","in_app":false},{"function":"main","in_app":true}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        for bad in [&b"{}"[..], b"[1]", b"[", b"[{}", b""] {
            assert_eq!(Frame::parse(bad).err(), Some(Error::Json), "{bad:?}");
        }
    }
}
