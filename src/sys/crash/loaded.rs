//! What is loaded, as the loader tells debuggers: a list in memory that can be read while another
//! thread holds the loader's lock, or this one was interrupted in the loader.
//!
//! Libraries that were loaded since the images were written ahead are known by it. Whatever state it
//! is in, reading ends: nothing is read that the kernel cannot read, and so many entries.

use super::layout::{LOADED, LOADED_HEAD};
use super::write::{PAGE, Record, is_readable, monotonic_ms};
use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest path that is copied.
const PATH_MAX: usize = 1024;
const ENTRIES_MAX: usize = 4096;

/// `struct r_debug` of link.h, of which the executable knows the address.
#[repr(C)]
struct List {
    version: c_int,
    first: *const Entry,
}

/// `struct link_map` of link.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct Entry {
    bias: usize,
    path: *const c_char,
    dynamic: usize,
    next: *const Entry,
}

/// Where the list is; 0 in a program that is linked statically. Not for a signal handler.
pub fn find() -> usize {
    const DT_DEBUG: usize = 21;
    let mut entry = crate::sys::images::dynamic_section();
    loop {
        // SAFETY: pairs of words in the executable, which stays, up to a pair with a 0.
        let Some([tag, value]) = (unsafe { entry.as_ref() }) else { return 0 };
        match *tag {
            0 => return 0,
            DT_DEBUG => return *value,
            _ => entry = entry.wrapping_add(1),
        }
    }
}

impl Record {
    /// Copies the list: of each entry the bias, the length of the path, and the path. `count` is told
    /// how many bytes that is by now.
    pub fn copy_loaded(&self, list: usize, count: &AtomicU64, deadline: u64) {
        let mut len = 0;
        let mut next = read::<List>(list).map_or(ptr::null(), |list| list.first);
        for _ in 0..ENTRIES_MAX {
            let Some(entry) = read::<Entry>(next.addr()) else { return };
            let to = self.0.wrapping_add(LOADED.start + len);
            let room = LOADED.len - len;
            if room < LOADED_HEAD + PATH_MAX || monotonic_ms() > deadline {
                return;
            }
            let path = copy_text(entry.path.addr(), to.wrapping_add(LOADED_HEAD));
            // SAFETY: there is room for it inside the mapping.
            unsafe { to.cast::<[u64; 2]>().write_unaligned([entry.bias as u64, path as u64]) };
            len += LOADED_HEAD + path;
            count.store(len as u64, Ordering::Release);
            next = entry.next;
        }
    }
}

/// What lies there, if it is aligned and all of it can be read.
fn read<T>(address: usize) -> Option<T> {
    let is_there = address > 0
        && address % align_of::<T>() == 0
        && is_readable(address)
        && is_readable(address.checked_add(size_of::<T>() - 1)?);
    let place = ptr::with_exposed_provenance::<T>(address);
    // SAFETY: aligned, shorter than a page, and both its ends have just been read. The loader's
    // structs are integers and pointers, of which any bytes are one.
    is_there.then(|| unsafe { place.read_volatile() })
}

/// Copies up to a NUL, or as far as can be read: the length.
fn copy_text(from: usize, to: *mut u8) -> usize {
    for at in 0..PATH_MAX {
        let address = from.wrapping_add(at);
        if (at == 0 || address % PAGE == 0) && !is_readable(address) {
            return at;
        }
        // SAFETY: its page has been read.
        let byte = unsafe { ptr::with_exposed_provenance::<u8>(address).read_volatile() };
        if byte == 0 {
            return at;
        }
        // SAFETY: the caller has so much room there.
        unsafe { to.wrapping_add(at).write(byte) };
    }
    PATH_MAX
}
