//! ELF: what `dl_iterate_phdr` tells.
//!
//! The list is made anew only when the loader's counters say that something was loaded or unloaded.
//! No lock of ours is held while the loader holds its own, and nothing waits for us while it does:
//! a callback may run under a `dlopen` of the same thread, and a child may be forked at any time.

use super::{BuildId, Image, Located, absolute, executable};
use arc_swap::ArcSwap;
use std::ffi::CStr;
use std::os::raw::{c_int, c_void};
use std::sync::Arc;

/// Every image, sorted by address, as of one state of the loader.
#[derive(Default)]
struct Table {
    images: Vec<Arc<Image>>,
    version: Option<Version>,
}

/// How many images the loader had ever added and removed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version(u64, u64);

/// The images of this process, remembered until they change.
#[derive(Default)]
pub struct Images {
    table: ArcSwap<Table>,
}

impl Images {
    /// The image at each address.
    pub fn at(&self, addresses: &[usize]) -> Located {
        let table = self.current();
        let find = |address: &usize| {
            let after = table.images.partition_point(|image| image.start <= *address);
            let image = table.images.get(after.checked_sub(1)?)?;
            image.contains(*address).then(|| Arc::clone(image))
        };
        addresses.iter().map(find).collect()
    }

    fn current(&self) -> Arc<Table> {
        let known = self.table.load();
        if known.version.is_some() && known.version == version() {
            return Arc::clone(&known);
        }
        let fresh = Arc::new(list());
        self.table.store(Arc::clone(&fresh));
        fresh
    }
}

/// The executable is the first that the loader names.
pub fn main() -> Option<Image> {
    let mut found = None;
    each(|object| {
        found = object.image();
        false
    });
    found.map(|mut image| {
        image.path = executable();
        image
    })
}

fn version() -> Option<Version> {
    let mut version = None;
    each(|object| {
        version = Some(object.version());
        false
    });
    version
}

fn list() -> Table {
    let mut table = Table::default();
    let mut images = Vec::new();
    each(|object| {
        table.version = Some(object.version());
        images.push(object.image());
        true
    });
    for (index, image) in images.into_iter().enumerate() {
        let Some(mut image) = image else { continue };
        // Not under the loader's lock: this asks the file system.
        image.path = if index == 0 { executable() } else { absolute(&image.path) };
        table.images.push(Arc::new(image));
    }
    table.images.sort_by_key(|image| image.start);
    table
}

/// One loaded object, while the loader's lock keeps it so.
struct Object<'a>(&'a libc::dl_phdr_info);

/// Calls `visit` for each object until it returns false.
fn each<F: FnMut(&Object<'_>) -> bool>(mut visit: F) {
    extern "C" fn forward<F: FnMut(&Object<'_>) -> bool>(
        info: *mut libc::dl_phdr_info,
        _: libc::size_t,
        visit: *mut c_void,
    ) -> c_int {
        // SAFETY: the loader passes an object that lives during the call.
        let info = unsafe { &*info };
        // SAFETY: `visit` is the closure of `each`, which waits for the loader to be done.
        let visit = unsafe { &mut *visit.cast::<F>() };
        // It must not unwind into the loader; what visits here cannot panic but for lack of memory,
        // which ends the process.
        c_int::from(!visit(&Object(info)))
    }
    let visit = &raw mut visit;
    // SAFETY: `forward` has the type that is asked for, and `visit` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(forward::<F>), visit.cast()) };
}

impl Object<'_> {
    fn version(&self) -> Version {
        // Their width differs between systems.
        #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
        Version(self.0.dlpi_adds as u64, self.0.dlpi_subs as u64)
    }

    /// The segments that its file describes.
    fn headers(&self) -> &[Header] {
        if self.0.dlpi_phdr.is_null() {
            return &[];
        }
        // SAFETY: the loader keeps that many headers there while its lock is held.
        unsafe { std::slice::from_raw_parts(self.0.dlpi_phdr, usize::from(self.0.dlpi_phnum)) }
    }

    /// Where the file's address `vmaddr` lies in memory.
    fn address(&self, vmaddr: usize) -> usize {
        (self.0.dlpi_addr as usize).wrapping_add(vmaddr)
    }

    /// `None` for an object without any segment in memory.
    fn image(&self) -> Option<Image> {
        let loads = || self.headers().iter().filter(|header| header.p_type == PT_LOAD);
        let vmaddr = loads().map(|header| header.p_vaddr as usize).min()? & !(PAGE - 1);
        let last = loads().map(|header| (header.p_vaddr as usize) + header.p_memsz as usize).max();
        Some(Image {
            start: self.address(vmaddr),
            end: self.address(last?),
            vmaddr,
            path: self.name(),
            id: self.build_id(),
        })
    }

    fn name(&self) -> String {
        if self.0.dlpi_name.is_null() {
            return String::new();
        }
        // SAFETY: a string of the loader's, kept while its lock is held.
        let name = unsafe { CStr::from_ptr(self.0.dlpi_name) };
        name.to_string_lossy().into_owned()
    }

    fn build_id(&self) -> Option<BuildId> {
        let notes = self.headers().iter().filter(|header| header.p_type == PT_NOTE);
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
        self.headers().iter().find(holds)?;
        let start = std::ptr::with_exposed_provenance::<u8>(self.address(wanted.start));
        // SAFETY: these bytes are inside a segment that is loaded and readable, and the loader's
        // lock keeps it so.
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

    #[test]
    fn the_list_follows_the_loader() {
        let images = Images::default();
        let (first, second) = (images.current(), images.current());
        assert!(Arc::ptr_eq(&first, &second) || version() != first.version);
        assert!(first.images.len() > 1);
        assert!(first.images.is_sorted_by_key(|image| image.start));
    }
}
