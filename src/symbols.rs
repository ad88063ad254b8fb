//! Names for machine addresses: functions, files and lines, from the files that the addresses lie
//! in. Done by the sender, in files and by their ids alone: what an event says of its images is
//! enough, also when they were unloaded meanwhile, or in another process.

mod file;
mod frames;

use crate::exception::{self, InApp};
use crate::json;
use crate::sys::files;
use crate::timestamp::Timestamp;
use frames::{Images, Place};
use serde_json::Value;
use std::collections::HashMap;
use std::rc::Rc;

/// Places that are remembered. An error that comes again costs no look into files.
const KNOWN_MAX: usize = 4096;
/// An event does not grow by more than this.
const GROWTH_MAX: usize = 256 << 10;

/// One function at a place: of several, the inner ones were inlined into the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub function: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub column: Option<u32>,
}

/// What is known of a place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Innermost first. Empty when nothing is known.
    pub lines: Vec<Line>,
    /// Where the function begins, from the image's beginning.
    pub function_start: Option<u64>,
}

/// Which build of a file is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Build {
    /// The one with this debug id, as `$debug_images` writes it.
    Id(String),
    /// The one that the path leads to; not changed since the event.
    Unchanged(files::Version),
}

/// A file, of one build.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Module {
    path: String,
    build: Build,
}

/// Looks up and remembers. Belongs to the thread that uses it.
pub struct Symbols {
    in_app: InApp,
    known: HashMap<(Rc<Module>, u64), Rc<Found>>,
}

impl Symbols {
    pub fn new(in_app: InApp) -> Symbols {
        Symbols { in_app, known: HashMap::new() }
    }

    /// The members of an event's properties, with names in the native frames of its exceptions.
    /// `None` when there is nothing to add.
    pub fn add_names(&mut self, props: &[u8], captured_at: Timestamp) -> Option<Vec<u8>> {
        let member = |key: &[u8]| json::members(props).find(|member| member.key == key);
        let list = member(b"$exception_list")?;
        let mut exceptions: Value = serde_json::from_slice(list.value).ok()?;
        let images = Images::parse(member(b"$debug_images").map(|member| member.value));
        let places = frames::places(&mut exceptions, &images, captured_at);
        if places.is_empty() {
            return None;
        }
        self.look_up(&places);
        let mut room = GROWTH_MAX;
        frames::each_list(&mut exceptions, |frames| {
            frames::add_names(frames, &images, captured_at, &self.in_app, &mut room, |place| {
                self.known.get(&(Rc::clone(&place.module), place.offset)).map(Rc::clone)
            });
        });
        let list_start = list.entry.as_ptr().addr() - props.as_ptr().addr();
        let mut out = props[..list_start].to_vec();
        out.extend_from_slice(b"\"$exception_list\":");
        serde_json::to_writer(&mut out, &exceptions).ok()?;
        out.extend_from_slice(&props[list_start + list.entry.len()..]);
        Some(out)
    }

    /// Learns what is not known yet of these places: each file is opened once.
    fn look_up(&mut self, places: &[Place]) {
        if self.known.len() + places.len() > KNOWN_MAX {
            self.known.clear();
        }
        let mut unknown: HashMap<Rc<Module>, Vec<u64>> = HashMap::new();
        for place in places {
            if !self.known.contains_key(&(Rc::clone(&place.module), place.offset)) {
                unknown.entry(Rc::clone(&place.module)).or_default().push(place.offset);
            }
        }
        for (module, offsets) in unknown {
            let found = file::look_up(&module, &offsets);
            for (offset, found) in offsets.into_iter().zip(found) {
                self.known.insert((Rc::clone(&module), offset), Rc::new(found));
            }
        }
    }
}

/// The debug id of an ELF file, as `$debug_images` has it.
fn debug_id(build_id: &[u8]) -> String {
    exception::debug_id(build_id)
}

#[cfg(test)]
mod tests;
