//! The images of a process as its record has them.

use crate::sys::images::{BuildId, Image, Images};
use arc_swap::ArcSwap;
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
