//! `dl_iterate_phdr`: every object, under the loader's lock.
//!
//! The list is made anew only when the loader's counters say that something was loaded or unloaded.
//! No lock of ours is held while the loader holds its own, and nothing waits for us while it does.

use super::super::{absolute, executable};
use super::{Header, Image, Located, Object, is_safe};
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

/// How many objects the loader had ever added and removed.
type Version = (u64, u64);

/// The list, remembered until it changes.
#[derive(Default)]
pub struct Cached {
    table: ArcSwap<Table>,
}

impl Cached {
    /// The image at each address; none where the loader cannot be asked.
    pub fn at(&self, addresses: &[usize]) -> Located {
        if !is_safe() {
            return vec![None; addresses.len()];
        }
        let table = self.current();
        let find = |address: &usize| {
            let after = table.images.partition_point(|image| image.start <= *address);
            let image = table.images.get(after.checked_sub(1)?)?;
            image.contains(*address).then(|| Arc::clone(image))
        };
        addresses.iter().map(find).collect()
    }

    #[cfg(storage)]
    pub fn all(&self) -> Vec<Arc<Image>> {
        self.current().images.clone()
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

/// The executable, without its path.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn main() -> Option<Image> {
    main_object()?.image()
}

/// What the executable says to the loader.
#[cfg(storage)]
pub fn dynamic_section() -> *const [usize; 2] {
    let Some(Object { headers, bias }) = main_object() else { return std::ptr::null() };
    let dynamic = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC);
    let address = dynamic.map_or(0, |dynamic| bias.wrapping_add(dynamic.p_vaddr as usize));
    std::ptr::with_exposed_provenance(address)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn main_object() -> Option<Object<'static>> {
    // SAFETY: asks for numbers that the kernel gave this process.
    let first = unsafe { libc::getauxval(libc::AT_PHDR) } as usize;
    // SAFETY: the same.
    let count = unsafe { libc::getauxval(libc::AT_PHNUM) } as usize;
    let first = std::ptr::with_exposed_provenance::<Header>(first);
    if first.is_null() {
        return None;
    }
    // SAFETY: the program headers of the executable, which is never unloaded.
    let headers = unsafe { std::slice::from_raw_parts(first, count) };
    let own = headers.iter().find(|header| header.p_type == PT_PHDR);
    let bias = own.map_or(0, |own| first.addr().wrapping_sub(own.p_vaddr as usize));
    Some(Object { headers, bias })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const PT_PHDR: u32 = 6;

/// The executable, without its path: the first that the loader names.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn main() -> Option<Image> {
    let mut found = None;
    if is_safe() {
        each(|info| {
            found = object(info).image();
            false
        });
    }
    found
}

fn version() -> Option<Version> {
    let mut version = None;
    each(|info| {
        version = Some(version_of(info));
        false
    });
    version
}

fn list() -> Table {
    let mut table = Table::default();
    let mut images = Vec::new();
    each(|info| {
        table.version = Some(version_of(info));
        images.push(object(info).image().map(|image| (name(info), image)));
        true
    });
    for (index, image) in images.into_iter().enumerate() {
        let Some((name, mut image)) = image else { continue };
        // Not under the loader's lock: this asks the file system.
        image.path = if index == 0 { executable() } else { absolute(&name) };
        table.images.push(Arc::new(image));
    }
    table.images.sort_by_key(|image| image.start);
    table
}

/// Calls `visit` for each object until it returns false. Under the loader's lock, which keeps what
/// is visited loaded.
fn each<F: FnMut(&libc::dl_phdr_info) -> bool>(mut visit: F) {
    extern "C" fn forward<F: FnMut(&libc::dl_phdr_info) -> bool>(
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
        c_int::from(!visit(info))
    }
    let visit = &raw mut visit;
    // SAFETY: `forward` has the type that is asked for, and `visit` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(forward::<F>), visit.cast()) };
}

fn version_of(info: &libc::dl_phdr_info) -> Version {
    // Their width differs between systems.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    (info.dlpi_adds as u64, info.dlpi_subs as u64)
}

fn object(info: &libc::dl_phdr_info) -> Object<'_> {
    let headers: &[Header] = if info.dlpi_phdr.is_null() {
        &[]
    } else {
        // SAFETY: the loader keeps that many headers there while its lock is held.
        unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) }
    };
    Object { headers, bias: info.dlpi_addr as usize }
}

fn name(info: &libc::dl_phdr_info) -> String {
    if info.dlpi_name.is_null() {
        return String::new();
    }
    // SAFETY: a string of the loader's, kept while its lock is held.
    let name = unsafe { CStr::from_ptr(info.dlpi_name) };
    name.to_string_lossy().into_owned()
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn the_list_follows_the_loader() {
        let cached = Cached::default();
        let (first, second) = (cached.current(), cached.current());
        assert!(Arc::ptr_eq(&first, &second) || version() != first.version);
        assert!(first.images.len() > 1);
        assert!(first.images.is_sorted_by_key(|image| image.start));
    }

    #[test]
    fn both_ways_find_the_same() {
        if !super::super::find::is_there() {
            return;
        }
        for image in &Cached::default().current().images {
            // One that another test unloads meanwhile is not looked at.
            if image.path.contains("libc.so") || image.path.contains("/deps/posthog-") {
                let found = super::super::find::image(image.start + 64);
                assert_eq!(found.as_ref(), Some(&**image));
            }
        }
        let main = crate::sys::images::main().unwrap();
        assert!(Cached::default().current().images.iter().any(|image| **image == main));
    }
}
