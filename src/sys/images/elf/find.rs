//! `_dl_find_object` (glibc 2.35): which object an address lies in, without a lock.

use super::super::{absolute, executable};
use super::{Header, Image, Object};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

/// As `<dlfcn.h>` has it, with more room at its end than any system needs.
#[repr(C)]
struct FoundObject {
    flags: u64,
    map_start: *const c_void,
    map_end: *const c_void,
    link_map: *const LinkMap,
    rest: [u64; 12],
}

/// The beginning of what `<link.h>` has.
#[repr(C)]
struct LinkMap {
    /// What is added to the file's own addresses.
    bias: usize,
    name: *const c_char,
}

type Find = unsafe extern "C" fn(*mut c_void, *mut FoundObject) -> c_int;

// A weak reference: nothing where the C library does not have it. Not `dlsym`, which takes the lock
// that this is here to avoid.
mod weak {
    #[cfg(target_pointer_width = "64")]
    macro_rules! word {
        () => {
            ".8byte _dl_find_object"
        };
    }
    #[cfg(target_pointer_width = "32")]
    macro_rules! word {
        () => {
            ".4byte _dl_find_object"
        };
    }

    std::arch::global_asm!(
        ".weak _dl_find_object",
        ".pushsection .data.rel.ro,\"aw\"",
        ".balign 8",
        ".hidden posthog_dl_find_object",
        ".globl posthog_dl_find_object",
        "posthog_dl_find_object:",
        word!(),
        ".popsection",
    );

    unsafe extern "C" {
        #[link_name = "posthog_dl_find_object"]
        static FIND: Option<super::Find>;
    }

    pub fn find() -> Option<super::Find> {
        // SAFETY: the loader filled it before any code ran, and nobody writes it.
        unsafe { FIND }
    }
}

pub fn is_there() -> bool {
    weak::find().is_some()
}

/// The image at an address of the calling thread's stack, which keeps it loaded.
pub fn image(address: usize) -> Option<Image> {
    let find = weak::find()?;
    let mut found = MaybeUninit::<FoundObject>::zeroed();
    // SAFETY: it takes any address, and `found` has room for its answer.
    if unsafe { find(ptr::without_provenance_mut(address), found.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: zero is a value of every field, and what was found has been written over them.
    let found = unsafe { found.assume_init() };
    // SAFETY: the loader's own record of an object that a frame keeps loaded.
    let map = unsafe { found.link_map.as_ref() }?;
    let object = Object { headers: headers(found.map_start)?, bias: map.bias };
    let mut image = object.image()?;
    if !map.name.is_null() {
        // SAFETY: a string of the loader's that lives as long as its record.
        let name = unsafe { CStr::from_ptr(map.name) }.to_string_lossy();
        image.path = if name.is_empty() { executable() } else { absolute(&name) };
    }
    Some(image)
}

/// The program headers of the file whose beginning is mapped there.
fn headers<'a>(start: *const c_void) -> Option<&'a [Header]> {
    #[cfg(target_pointer_width = "64")]
    type FileHeader = libc::Elf64_Ehdr;
    #[cfg(target_pointer_width = "32")]
    type FileHeader = libc::Elf32_Ehdr;

    // SAFETY: the first page of an object is mapped, and stays so as its frame runs.
    let file = unsafe { start.cast::<FileHeader>().as_ref() }?;
    if !file.e_ident.starts_with(b"\x7FELF") || usize::from(file.e_phentsize) != size_of::<Header>()
    {
        return None;
    }
    let first = start.wrapping_byte_add(file.e_phoff as usize).cast::<Header>();
    if !first.is_aligned() {
        return None;
    }
    // SAFETY: the loader has read them from there itself.
    Some(unsafe { std::slice::from_raw_parts(first, usize::from(file.e_phnum)) })
}
