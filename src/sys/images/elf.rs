//! ELF: what lies in memory of each loaded file, and how the loader is asked for it.
//!
//! glibc 2.35 and later answer without any lock (`find`). Elsewhere there is a list (`list`), for
//! which the loader takes one; a child that was forked while another thread held it would wait for
//! ever, so that children do not ask.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod find;
/// Elsewhere nothing is found without the loader's lock.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod find {
    use super::Image;

    pub fn is_there() -> bool {
        false
    }

    pub fn image(_: usize) -> Option<Image> {
        None
    }
}
mod list;

use super::{BuildId, Image, Located};
use crate::sys::fork;
use std::sync::Arc;

/// The images of this process.
#[derive(Default)]
pub struct Images {
    list: list::Cached,
}

impl Images {
    /// Every image that is loaded now. Under the loader's lock: not for a forked child.
    #[cfg(storage)]
    pub fn all(&self) -> Vec<Arc<Image>> {
        if fork::is_child() { Vec::new() } else { self.list.all() }
    }

    /// The image at each address.
    pub fn at(&self, addresses: &[usize]) -> Located {
        if !find::is_there() {
            return self.list.at(addresses);
        }
        let mut known: Located = Vec::new();
        for address in addresses {
            let seen = known.iter().flatten().find(|image| image.contains(*address)).cloned();
            known.push(seen.or_else(|| find::image(*address).map(Arc::new)));
        }
        known
    }
}

/// Whether the loader can be asked now, by us or by the unwinder, without the risk of waiting for a
/// thread that only the parent of this process has.
pub fn is_safe() -> bool {
    find::is_there() || !fork::is_child()
}

#[cfg(storage)]
pub use list::dynamic_section;
pub use list::main;

/// One loaded file: its segments, and what to add to an address of its own.
struct Object<'a> {
    headers: &'a [Header],
    bias: usize,
}

impl Object<'_> {
    /// Where the file's address `vmaddr` lies in memory.
    fn address(&self, vmaddr: usize) -> usize {
        self.bias.wrapping_add(vmaddr)
    }

    /// Without its path. `None` for an object without any segment in memory.
    fn image(&self) -> Option<Image> {
        let loads = || self.headers.iter().filter(|header| header.p_type == PT_LOAD);
        let vmaddr = loads().map(|header| header.p_vaddr as usize).min()? & !(PAGE - 1);
        let last = loads().map(|header| (header.p_vaddr as usize) + header.p_memsz as usize).max();
        Some(Image {
            start: self.address(vmaddr),
            end: self.address(last?),
            vmaddr,
            path: String::new(),
            id: self.build_id(),
        })
    }

    fn build_id(&self) -> Option<BuildId> {
        let notes = self.headers.iter().filter(|header| header.p_type == PT_NOTE);
        notes.filter_map(|header| self.mapped(header)).find_map(|note| {
            let align = if note.1 == 8 { 8 } else { 4 };
            gnu_build_id(note.0, align).map(|id| BuildId::Elf(id.into()))
        })
    }

    /// The bytes of a segment, with its alignment; `None` when no loaded segment holds them.
    fn mapped(&self, part: &Header) -> Option<(&[u8], usize)> {
        let range = |header: &Header, len| {
            let start = header.p_vaddr as usize;
            Some(start..start.checked_add(len)?)
        };
        let wanted = range(part, part.p_filesz as usize)?;
        let holds = |header: &&Header| {
            header.p_type == PT_LOAD
                && header.p_flags & PF_R != 0
                && range(header, header.p_filesz as usize)
                    .is_some_and(|it| it.start <= wanted.start && wanted.end <= it.end)
        };
        self.headers.iter().find(holds)?;
        let start = std::ptr::with_exposed_provenance::<u8>(self.address(wanted.start));
        // SAFETY: these bytes are inside a segment that is loaded and readable, and whoever made
        // this object sees to it that it stays so.
        let bytes = unsafe { std::slice::from_raw_parts(start, wanted.len()) };
        Some((bytes, part.p_align as usize))
    }
}

#[cfg(target_pointer_width = "64")]
type Header = libc::Elf64_Phdr;
#[cfg(target_pointer_width = "32")]
type Header = libc::Elf32_Phdr;

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const PF_R: u32 = 4;
/// Segments are mapped from a page's beginning, whatever the size of pages here is.
const PAGE: usize = 4096;

/// The id among ELF notes: name size, id size and type, then the name and the id, each padded.
fn gnu_build_id(mut notes: &[u8], align: usize) -> Option<&[u8]> {
    const NT_GNU_BUILD_ID: u32 = 3;
    let word = |at: usize, notes: &[u8]| {
        let bytes = notes.get(at..at + 4)?;
        Some(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    loop {
        let (name_len, id_len) = (word(0, notes)? as usize, word(4, notes)? as usize);
        let id_start = 12_usize.checked_add(name_len)?.checked_next_multiple_of(align)?;
        let id_end = id_start.checked_add(id_len)?;
        let id = notes.get(id_start..id_end)?;
        let is_gnu = notes.get(12..12 + name_len)? == b"GNU\0";
        if word(8, notes)? == NT_GNU_BUILD_ID && is_gnu && !id.is_empty() {
            return Some(id);
        }
        notes = notes.get(id_end.checked_next_multiple_of(align)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(kind: u32, name: &[u8], id: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [name.len() as u32, id.len() as u32, kind] {
            out.extend(word.to_ne_bytes());
        }
        for part in [name, id] {
            out.extend(part);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        out
    }

    #[test]
    fn the_id_is_found_among_other_notes() {
        let mut notes = note(1, b"GNU\0", &[9; 16]);
        notes.extend(note(3, b"CORE\0", b"no"));
        notes.extend(note(3, b"GNU\0", &[1, 2, 3, 4, 5]));
        assert_eq!(gnu_build_id(&notes, 4), Some(&[1, 2, 3, 4, 5][..]));
        let without = notes.len() - note(3, b"GNU\0", &[1, 2, 3, 4, 5]).len();
        assert_eq!(gnu_build_id(&notes[..without], 4), None);
    }

    #[test]
    fn damaged_notes_have_no_id() {
        let whole = note(3, b"GNU\0", &[7; 20]);
        for cut in 0..whole.len() {
            assert_eq!(gnu_build_id(&whole[..cut], 4), None, "cut at {cut}");
        }
        assert_eq!(gnu_build_id(&[0xFF; 64], 4), None);
        assert_eq!(gnu_build_id(&[0; 64], 8), None);
    }
}
