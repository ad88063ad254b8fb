//! A name or an id, as it stands between quotes.

use crate::error::Error;
use crate::json;
use std::borrow::Cow;

/// Whether a name or an id can stand between quotes as it is, which most can.
#[inline(always)]
pub fn is_written(text: &[u8]) -> bool {
    if text.first().is_none_or(|first| *first <= b' ') {
        return false;
    }
    match json::glance(text) {
        Some(seen) => seen.is_plain(),
        None => json::is_plain(text),
    }
}

/// A name or an id as it stands between quotes. Not empty, not blank.
pub fn escaped(text: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    if is_written(text) { Ok(Cow::Borrowed(text)) } else { escaped_anew(text) }
}

#[cold]
fn escaped_anew(text: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let text = std::str::from_utf8(text).map_err(|_| Error::Utf8)?;
    let text = crate::event::checked(text)?;
    let mut escaped = Vec::new();
    let len = json::escaped_len_max(text.as_bytes());
    escaped.try_reserve(len).map_err(|_| Error::NoMemory)?;
    json::write_text(&mut escaped, text);
    Ok(Cow::Owned(escaped))
}
