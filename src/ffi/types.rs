//! The vocabulary of the exported signatures.

use crate::error::Error;
use safer_ffi::prelude::char_p;
use std::ffi::{CStr, CString, c_char};
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A NUL-terminated string lent for the call. `None` is `NULL`.
///
/// safer-ffi's contract says UTF-8. C's does not, so read it with [`text`] or [`bytes`].
///
/// cbindgen:ignore
pub type CStrArg<'a> = Option<char_p::Ref<'a>>;

const _: () = assert!(size_of::<CStrArg<'_>>() == size_of::<*const c_char>());

/// A string as C passes it, checked for `NULL`.
///
/// Not by safer-ffi, which counts the bytes one by one.
#[inline]
pub(super) fn bytes(arg: CStrArg<'_>) -> Result<&[u8], Error> {
    let text = arg.ok_or(Error::Null)?;
    // SAFETY: it is a pointer and nothing else, as the assertion above says.
    let text = unsafe { std::mem::transmute::<char_p::Ref<'_>, NonNull<c_char>>(text) };
    // SAFETY: C promises a NUL-terminated string that nobody changes during the call.
    Ok(unsafe { CStr::from_ptr(text.as_ptr()) }.to_bytes())
}

/// A string as C passes it, checked for `NULL` and for UTF-8.
pub(super) fn text(arg: CStrArg<'_>) -> Result<&str, Error> {
    utf8(bytes(arg)?)
}

/// The same, where `NULL` means none.
pub(super) fn optional_text(arg: CStrArg<'_>) -> Result<Option<&str>, Error> {
    arg.is_some().then(|| text(arg)).transpose()
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::Utf8)
}

/// Bytes that C passes as a pointer and a length. A length of 0 needs no pointer.
///
/// # Safety
/// `data` points to `len` readable bytes that nobody changes during `'a`, or `len` is 0.
pub(super) unsafe fn slice<'a>(data: *const c_char, len: usize) -> Result<&'a [u8], Error> {
    // SAFETY: the caller's promise is the same; any byte is a `u8`.
    unsafe { array(data.cast(), len) }
}

/// An array that C passes as a pointer and a number of elements. None needs no pointer.
///
/// # Safety
/// `data` points to `count` elements that nobody changes during `'a`, or `count` is 0.
pub(super) unsafe fn array<'a, T>(data: *const T, count: usize) -> Result<&'a [T], Error> {
    if count == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Error::Null);
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Error::Range);
    }
    // SAFETY: the caller promises `count` elements at `data`, which is not NULL.
    Ok(unsafe { std::slice::from_raw_parts(data, count) })
}

/// A NUL-terminated string that lasts as long as the handle that lends it. `None` is `NULL`.
///
/// cbindgen:ignore
pub type CStrLent<'a> = Option<LentStr<'a>>;

#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct LentStr<'a>(NonNull<c_char>, PhantomData<&'a CString>);

impl<'a> LentStr<'a> {
    pub(super) fn new(text: &'a std::ffi::CStr) -> LentStr<'a> {
        LentStr(NonNull::from(text).cast(), PhantomData)
    }
}

/// A NUL-terminated string that is the caller's. `None` is `NULL`.
///
/// cbindgen:ignore
pub type CStrOwned = Option<OwnedStr>;

/// `CString`'s memory. safer-ffi's `char_p::Box` is undefined behaviour to drop under Stacked
/// Borrows.
#[repr(transparent)]
pub struct OwnedStr(NonNull<c_char>);

impl OwnedStr {
    /// A NUL inside ends the text there; the library writes none.
    pub(super) fn new(text: Vec<u8>) -> CStrOwned {
        let text = match CString::new(text) {
            Ok(text) => text,
            Err(error) => {
                let end = error.nul_position();
                let mut bytes = error.into_vec();
                bytes.truncate(end);
                CString::new(bytes).unwrap_or_default()
            }
        };
        NonNull::new(text.into_raw()).map(OwnedStr)
    }
}

impl Drop for OwnedStr {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `CString::into_raw` in `new`, and C hands it back once.
        drop(unsafe { CString::from_raw(self.0.as_ptr()) });
    }
}
