//! Mach-O: dyld says which image an address lies in; the image's load commands say the rest.

use super::{BuildId, Image, Located, absolute, executable};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// The file's header, as `<mach-o/loader.h>` has it.
#[repr(C)]
struct Header {
    magic: u32,
    cpu: [u32; 2],
    file_type: u32,
    commands: u32,
    commands_size: u32,
    flags: [u32; 2],
}

unsafe extern "C" {
    fn _dyld_get_image_header(index: u32) -> *const Header;
}

const MH_MAGIC_64: u32 = 0xFEED_FACF;
const LC_SEGMENT_64: u32 = 0x19;
const LC_UUID: u32 = 0x1B;

/// dyld keeps the list; nothing is remembered here.
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

/// The executable is dyld's first image.
pub fn main() -> Option<Image> {
    // SAFETY: the executable is never unloaded.
    let header = unsafe { _dyld_get_image_header(0) };
    image(header.addr(), executable())
}

fn at(address: usize) -> Option<Image> {
    let mut info = MaybeUninit::<libc::Dl_info>::uninit();
    let address = std::ptr::without_provenance(address);
    // SAFETY: `info` has room for the answer.
    if unsafe { libc::dladdr(address, info.as_mut_ptr()) } == 0 {
        return None;
    }
    // SAFETY: dladdr has filled it.
    let info = unsafe { info.assume_init() };
    if info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: dyld's own string; the frame that runs in this image keeps the image loaded.
    let path = unsafe { CStr::from_ptr(info.dli_fname) };
    image(info.dli_fbase.addr(), absolute(&path.to_string_lossy()))
}

/// What the load commands at `base` say. A frame that runs in this image keeps it loaded.
fn image(base: usize, path: String) -> Option<Image> {
    if base == 0 {
        return None;
    }
    let header = std::ptr::with_exposed_provenance::<Header>(base);
    // SAFETY: an image begins with its header.
    let header = unsafe { header.read() };
    if header.magic != MH_MAGIC_64 {
        return None;
    }
    let commands = base + size_of::<Header>();
    let commands = std::ptr::with_exposed_provenance::<u8>(commands);
    // SAFETY: the header is followed by its load commands, of that many bytes.
    let commands = unsafe { std::slice::from_raw_parts(commands, header.commands_size as usize) };
    let mut image = Image { start: base, end: base, vmaddr: 0, path, id: None };
    let mut last = 0;
    for command in each(commands) {
        match word(command, 0)? {
            LC_UUID => image.id = command.get(8..24)?.try_into().ok().map(BuildId::MachO),
            LC_SEGMENT_64 => {
                let (vmaddr, vmsize) = (long(command, 24)?, long(command, 32)?);
                let name = command.get(8..24)?;
                if name.starts_with(b"__TEXT\0") {
                    image.vmaddr = vmaddr as usize;
                    last = vmsize as usize;
                }
            }
            _ => {}
        }
    }
    image.end = base + last;
    Some(image)
}

/// Each load command: a type, its size, and what it says.
fn each(mut commands: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let size = word(commands, 4)? as usize;
        let (command, rest) = commands.split_at_checked(size.max(8))?;
        commands = rest;
        Some(command)
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
