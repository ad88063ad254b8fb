//! The images of this process: its executable and its libraries, with what identifies each.

use std::path::Path;
use std::sync::Arc;

#[cfg(all(any(target_os = "linux", target_os = "android", target_os = "freebsd"), not(miri)))]
mod elf;
#[cfg(all(target_vendor = "apple", not(miri)))]
mod macho;
#[cfg(any(
    miri,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_vendor = "apple",
        windows
    ))
))]
mod none;
#[cfg(all(windows, not(miri)))]
mod pe;

#[cfg(all(any(target_os = "linux", target_os = "android", target_os = "freebsd"), not(miri)))]
use elf as imp;
#[cfg(all(target_vendor = "apple", not(miri)))]
use macho as imp;
#[cfg(any(
    miri,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_vendor = "apple",
        windows
    ))
))]
use none as imp;
#[cfg(all(windows, not(miri)))]
use pe as imp;

pub use imp::Images;

/// What names the build of an image, wherever its symbols are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(dead_code, reason = "each system has one kind")]
pub enum BuildId {
    /// `NT_GNU_BUILD_ID`, mostly 20 bytes.
    Elf(Box<[u8]>),
    /// `LC_UUID`.
    MachO([u8; 16]),
    /// The GUID of the PDB as it lies in memory, and its age.
    Pe([u8; 16], u32),
}

/// One file that is mapped into the process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// Where its first byte lies.
    pub start: usize,
    /// Behind its last byte.
    pub end: usize,
    /// The address that the file itself gives its first byte.
    pub vmaddr: usize,
    /// Absolute; empty when it has none.
    pub path: String,
    pub id: Option<BuildId>,
}

impl Image {
    pub fn contains(&self, address: usize) -> bool {
        (self.start..self.end).contains(&address)
    }

    /// The file's name without its folders.
    pub fn name(&self) -> &str {
        Path::new(&self.path).file_name().and_then(|name| name.to_str()).unwrap_or(&self.path)
    }
}

/// The image at each of some addresses.
pub type Located = Vec<Option<Arc<Image>>>;

/// Whether the executable has nothing that names its build.
pub fn is_unnamed() -> bool {
    imp::main().is_some_and(|main| main.id.is_none())
}

/// The image of the executable itself.
#[cfg(test)]
pub fn main() -> Option<Image> {
    let main = imp::main()?;
    #[cfg(not(windows))]
    let main = Image { path: executable(), ..main };
    Some(main)
}

/// What the executable says to the loader: pairs of words, up to one with a 0. Null without.
#[cfg(storage)]
pub fn dynamic_section() -> *const [usize; 2] {
    imp::dynamic_section()
}

/// Whether images, and with them stacks, can be asked for in this process.
pub fn is_safe() -> bool {
    imp::is_safe()
}

/// As other programs find it: loaders are given names relative to a folder that may change.
#[cfg(not(windows))]
fn absolute(path: &str) -> String {
    match std::path::absolute(path) {
        Ok(absolute) if !path.is_empty() => absolute.to_string_lossy().into_owned(),
        _ => path.to_owned(),
    }
}

/// The path of the executable, which loaders do not always give.
#[cfg(not(windows))]
fn executable() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.to_string_lossy().into_owned()
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn finds_what_its_own_code_lies_in() {
        let images = Images::default();
        let here = finds_what_its_own_code_lies_in as fn() as usize;
        let located = images.at(&[here, 1, here + 1]);
        let image = located[0].clone().expect("this test is in an image");
        assert!(image.contains(here) && !image.contains(1));
        assert_eq!(image.path, std::env::current_exe().unwrap().to_str().unwrap());
        assert_eq!(main(), Some(Image::clone(&image)));
        assert_eq!(located[1], None);
        assert_eq!(located[2], Some(image));
    }

    #[test]
    fn finds_a_library() {
        let images = Images::default();
        let located = images.at(&[libc::getpid as *const () as usize]);
        let image = located[0].clone().expect("the C library is an image");
        assert!(Path::new(&image.path).is_file(), "{}", image.path);
        assert!(image.name().contains("libc") || image.name().contains("libSystem"));
    }
}
