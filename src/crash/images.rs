//! The images of a process as its record has them.

use super::unwind::Parsed;
use crate::sys::crash::layout::LOADED_HEAD;
use crate::sys::files::{self, Map};
use crate::sys::images::{BuildId, Image, Images};
use arc_swap::ArcSwap;
use object::{Object, ObjectSegment};
use std::path::Path;
use std::sync::Arc;

/// What the record has by now. A forked child, which may not ask the loader, goes on from its
/// parent's.
pub struct Prepared {
    written: ArcSwap<Vec<u8>>,
    inherited: bool,
}

impl Prepared {
    pub fn new(parent: Option<&Prepared>) -> Prepared {
        let bytes = parent.map(|parent| parent.written.load_full());
        Prepared { inherited: bytes.is_some(), written: ArcSwap::new(bytes.unwrap_or_default()) }
    }

    /// Has the record say what is loaded now, if that has changed.
    pub fn refresh(&self, loaded: &Images, write: impl Fn(&[u8]) -> bool) {
        let known = self.written.load_full();
        if self.inherited {
            write(&known);
            return;
        }
        let bytes = encode(&loaded.all());
        // Beyond the room that there is, nothing is better than a part that is not known as such.
        if *known != bytes && write(&bytes) {
            self.written.store(Arc::new(bytes));
        }
    }

    pub fn forget(&self) {
        self.written.store(Arc::default());
    }
}

/// Each image: three addresses, the lengths of its id and of its path, and both.
fn encode(images: &[Arc<Image>]) -> Vec<u8> {
    let mut out = Vec::new();
    for image in images {
        for address in [image.start, image.end, image.vmaddr] {
            out.extend_from_slice(&(address as u64).to_le_bytes());
        }
        let id: &[u8] = match &image.id {
            Some(BuildId::Elf(id)) => id,
            _ => &[],
        };
        for part in [id, image.path.as_bytes()] {
            out.extend_from_slice(&(part.len() as u32).to_le_bytes());
            out.extend_from_slice(part);
        }
    }
    out
}

/// As far as the bytes make sense.
pub fn decode(mut bytes: &[u8]) -> Vec<Image> {
    let mut images = Vec::new();
    while let Some(image) = next(&mut bytes) {
        images.push(image);
    }
    images
}

fn next(bytes: &mut &[u8]) -> Option<Image> {
    let mut take = |len: usize| {
        let (part, rest) = bytes.split_at_checked(len)?;
        *bytes = rest;
        Some(part)
    };
    let mut address = || Some(u64::from_le_bytes(take(8)?.try_into().ok()?) as usize);
    let (start, end, vmaddr) = (address()?, address()?, address()?);
    let mut text = || {
        let len = u32::from_le_bytes(take(4)?.try_into().ok()?);
        take(len as usize)
    };
    let id = text()?;
    let id = (!id.is_empty()).then(|| BuildId::Elf(id.into()));
    let path = String::from_utf8_lossy(text()?).into_owned();
    Some(Image { start, end, vmaddr, path, id })
}

/// One entry of the loader's list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loaded {
    /// What to add to an address of the file's.
    pub bias: usize,
    pub path: String,
}

/// As far as the bytes make sense.
pub fn decode_loaded(mut bytes: &[u8]) -> Vec<Loaded> {
    let mut loaded = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(LOADED_HEAD) {
        let [bias, len] = [&head[..8], &head[8..]]
            .map(|word| word.try_into().map_or(0, |word| u64::from_ne_bytes(word) as usize));
        let Some((path, rest)) = rest.split_at_checked(len) else { break };
        loaded.push(Loaded { bias, path: String::from_utf8_lossy(path).into_owned() });
        bytes = rest;
    }
    loaded
}

/// Adds to the images that were written ahead those that were loaded since, as their files describe
/// them now, unless they were changed since the crash.
pub fn add_loaded(images: &mut Vec<Image>, loaded: &[Loaded], crashed_at_ms: i64) {
    for entry in loaded.iter().filter(|entry| Path::new(&entry.path).is_absolute()) {
        let is_known = |image: &Image| {
            image.path == entry.path && image.start.wrapping_sub(image.vmaddr) == entry.bias
        };
        if images.iter().any(is_known) {
            continue;
        }
        if let Some(fresh) = of_file(entry, crashed_at_ms) {
            // What was unloaded before.
            images.retain(|image| image.end <= fresh.start || fresh.end <= image.start);
            images.push(fresh);
        }
    }
}

fn of_file(entry: &Loaded, crashed_at_ms: i64) -> Option<Image> {
    const PAGE: u64 = 4096;
    let version = files::version(&entry.path)?;
    let map =
        Map::of(Path::new(&entry.path)).filter(|_| version.changed_at_ms() <= crashed_at_ms)?;
    let file = Parsed::parse(&*map).ok()?;
    let vmaddr = file.segments().map(|it| it.address()).min()? & !(PAGE - 1);
    let end = file.segments().map(|it| it.address().saturating_add(it.size())).max()?;
    let id = file.build_id().ok().flatten().filter(|id| !id.is_empty());
    Some(Image {
        start: entry.bias.wrapping_add(vmaddr as usize),
        end: entry.bias.checked_add(end as usize)?,
        vmaddr: vmaddr as usize,
        path: entry.path.clone(),
        id: id.map(|id| BuildId::Elf(id.into())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let images = [
            Image { start: 4096, end: 9000, vmaddr: 0, path: "/bin/a".to_owned(), id: None },
            Image {
                start: 1 << 40,
                end: (1 << 40) + 1,
                vmaddr: 4096,
                path: String::new(),
                id: Some(BuildId::Elf([1, 2, 3].into())),
            },
        ];
        let bytes = encode(&images.clone().map(Arc::new));
        assert_eq!(decode(&bytes), images);
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).len() < 2, "{len} bytes");
        }
    }
}
