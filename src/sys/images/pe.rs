//! PE: Windows says which module an address lies in; the module's headers say the rest.

use super::{BuildId, Image, Located};
use std::ffi::c_void;
use std::os::windows::ffi::OsStringExt;
use std::sync::Arc;

type Module = *mut c_void;

const FROM_ADDRESS: u32 = 4;
const UNCHANGED_REFCOUNT: u32 = 2;

unsafe extern "system" {
    fn GetModuleHandleExW(flags: u32, address: *const c_void, module: *mut Module) -> i32;
    fn GetModuleHandleW(name: *const u16) -> Module;
    fn GetModuleFileNameW(module: Module, path: *mut u16, size: u32) -> u32;
}

/// Windows keeps the list; nothing is remembered here.
#[derive(Default)]
pub struct Images;

impl Images {
    /// The image at each address.
    pub fn at(&self, addresses: &[usize]) -> Located {
        let mut known: Located = Vec::new();
        let mut find = |address: &usize| {
            let seen = known.iter().flatten().find(|image| image.contains(*address)).cloned();
            let image = seen.or_else(|| at(*address).map(Arc::new));
            known.push(image.clone());
            image
        };
        addresses.iter().map(&mut find).collect()
    }
}

pub fn is_safe() -> bool {
    true
}

pub fn main() -> Option<Image> {
    // SAFETY: NULL asks for the executable.
    image(unsafe { GetModuleHandleW(std::ptr::null()) })
}

fn at(address: usize) -> Option<Image> {
    let mut module = std::ptr::null_mut();
    let flags = FROM_ADDRESS | UNCHANGED_REFCOUNT;
    let address = std::ptr::without_provenance(address);
    // SAFETY: with these flags the second argument is any address.
    let found = unsafe { GetModuleHandleExW(flags, address, &raw mut module) };
    if found == 0 { None } else { image(module) }
}

/// What the headers of a module say. A frame that runs in it keeps it loaded.
fn image(module: Module) -> Option<Image> {
    let base = module.expose_provenance();
    if base == 0 {
        return None;
    }
    // The DOS header names the place of the PE header; its size is in the optional header.
    let pe = base + word(base + 0x3C) as usize;
    if word(pe) != u32::from_le_bytes(*b"PE\0\0") {
        return None;
    }
    let optional = pe + 24;
    let is_64 = word(optional) & 0xFFFF == 0x20B;
    let size = word(optional + 56) as usize;
    let debug_directory = optional + if is_64 { 112 } else { 96 } + 6 * 8;
    let id = pdb(base, word(debug_directory), word(debug_directory + 4));
    Some(Image { start: base, end: base + size, vmaddr: 0, path: path(module), id })
}

/// The PDB that the debug directory names: an entry of type CodeView with the signature `RSDS`.
fn pdb(base: usize, directory: u32, size: u32) -> Option<BuildId> {
    const ENTRY: u32 = 28;
    const CODEVIEW: u32 = 2;
    let entries = (0..size / ENTRY).map(|index| base + (directory + index * ENTRY) as usize);
    let mut views = entries.filter(|entry| word(entry + 12) == CODEVIEW);
    let view = base + word(views.next()? + 20) as usize;
    if word(view) != u32::from_le_bytes(*b"RSDS") {
        return None;
    }
    let guid = std::ptr::with_exposed_provenance::<[u8; 16]>(view + 4);
    // SAFETY: the record of a PDB holds its GUID behind the signature.
    let guid = unsafe { guid.read_unaligned() };
    Some(BuildId::Pe(guid, word(view + 20)))
}

fn word(address: usize) -> u32 {
    let word = std::ptr::with_exposed_provenance::<u32>(address);
    // SAFETY: asked only for what the headers of a loaded module say that it has.
    u32::from_le(unsafe { word.read_unaligned() })
}

fn path(module: Module) -> String {
    let mut path = [0_u16; 1024];
    // SAFETY: the buffer has that many units.
    let len = unsafe { GetModuleFileNameW(module, path.as_mut_ptr(), path.len() as u32) };
    let path = std::ffi::OsString::from_wide(&path[..(len as usize).min(path.len())]);
    path.to_string_lossy().into_owned()
}
