//! `ph_config_set_transport`: a way of the host's own, in place of the library's HTTP.

use super::boundary::attempt;
use super::callback::Userdata;
use super::config::change;
use super::types::{CStrArg, slice, text};
use super::{ph_config, ph_status, ph_userdata_free_fn};
use crate::carrier::{Carrier, Incoming, Outgoing};
use crate::error::Error;
use std::ffi::{CString, c_char, c_void};
use std::iter;
use std::ptr;
use std::sync::Arc;

/// The answer to a request that the host carries, under construction. It lasts
/// for the call of the `ph_transport_fn` that is handed it, and copies what it is given.
pub struct ph_response {
    incoming: Incoming,
}

/// Carries a request in place of the library: sends it, waits for the answer, puts that
/// into `response`, and returns 0. Returns anything else if there is no answer; a
/// request that may succeed later is then tried again as after a network failure. An
/// answer of any HTTP status is one.
///
/// `method` is `"GET"` or `"POST"`. `url` is the whole URL. `headers` are names, in
/// lower case, and values in turn, with a `NULL` at the end; `Host` and
/// `Content-Length` are left to the host. `body` is `body_len` bytes, compressed as the
/// header `content-encoding` says, not NUL-terminated, and `NULL` when there are none.
/// All of these last for the call. After `timeout_ms` nobody waits for the answer any
/// more: the host should have given up by then, as the library cannot interrupt it.
///
/// Runs on the sender's threads and on threads that evaluate flags, on several at
/// once. Of the library, the `ph_response_*` functions, statistics and texts work
/// inside. Must not unwind.
pub type ph_transport_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        method: *const c_char,
        url: *const c_char,
        headers: *const *const c_char,
        body: *const c_char,
        body_len: usize,
        timeout_ms: u32,
        response: *mut ph_response,
    ) -> i32,
>;

/// Has the host carry every request, of events and of flags: for hosts with an HTTP
/// stack of their own, and for tests. Retries, batches, compression and deadlines stay
/// the library's; proxy and certificates are the host's, and redirects are followed only
/// within one origin. `NULL`, the default, leaves it to the library. `userdata` is handed
/// to each call; `userdata_free` may be `NULL`.
///
/// A build without the feature `tls` is smaller, and sends to https hosts only this way.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_transport(
    config: Option<&mut ph_config>,
    transport: ph_transport_fn,
    userdata: *mut c_void,
    userdata_free: ph_userdata_free_fn,
) -> ph_status {
    change(config, |config| {
        config.carrier = carrier(transport, userdata, userdata_free);
        Ok(())
    })
}

/// Sets the answer's HTTP status, 100 to 999. An answer without one is none.
#[unsafe(no_mangle)]
pub extern "C" fn ph_response_set_status(
    response: Option<&mut ph_response>,
    status: u32,
) -> ph_status {
    attempt(|| {
        let response = response.ok_or(Error::Null)?;
        let range = 100..=999;
        response.incoming.status = if range.contains(&status) { status as u16 } else { 0 };
        if range.contains(&status) { Ok(()) } else { Err(Error::Range) }
    })
}

/// Adds a header of the answer. The library looks at `Retry-After`, `Location` and
/// `Date`. Ignores one that HTTP does not allow.
#[unsafe(no_mangle)]
pub extern "C" fn ph_response_add_header(
    response: Option<&mut ph_response>,
    name: CStrArg<'_>,
    value: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        let response = response.ok_or(Error::Null)?;
        let header = (text(name)?.to_owned(), text(value)?.to_owned());
        response.incoming.headers.push(header);
        Ok(())
    })
}

/// Appends `len` bytes to the answer's body, without any content or transfer encoding.
/// `data` may be `NULL` if `len` is 0. `PH_ERROR_NO_MEMORY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_response_append_body(
    response: Option<&mut ph_response>,
    data: *const c_char,
    len: usize,
) -> ph_status {
    attempt(|| {
        let response = response.ok_or(Error::Null)?;
        // SAFETY: C promises `len` readable bytes at `data` that nobody changes meanwhile.
        let bytes = unsafe { slice(data, len) }?;
        response.incoming.body.try_reserve(bytes.len()).map_err(|_| Error::NoMemory)?;
        response.incoming.body.extend_from_slice(bytes);
        Ok(())
    })
}

fn carrier(
    call: ph_transport_fn,
    data: *mut c_void,
    free: ph_userdata_free_fn,
) -> Option<Arc<Carrier>> {
    let userdata = Userdata::new(data, free);
    let call = call?;
    Some(Arc::new(move |outgoing: &Outgoing<'_>, incoming: &mut Incoming| {
        // None of them has a NUL inside: hosts, paths and headers are checked where they are set.
        let c_text = |text: &str| CString::new(text).unwrap_or_default();
        let (method, url) = (c_text(outgoing.method), c_text(outgoing.url));
        let texts: Vec<CString> = outgoing
            .headers
            .iter()
            .flat_map(|(name, value)| [c_text(name), c_text(value)])
            .collect();
        let headers: Vec<*const c_char> =
            texts.iter().map(|text| text.as_ptr()).chain(iter::once(ptr::null())).collect();
        let body = outgoing.body;
        let data = if body.is_empty() { ptr::null() } else { body.as_ptr().cast() };
        let timeout = outgoing.timeout.as_millis().clamp(1, u128::from(u32::MAX)) as u32;
        let mut response = ph_response { incoming: std::mem::take(incoming) };
        // SAFETY: the host promised a function that takes its userdata, texts and bytes that last
        // for the call, and a response that it leaves alone after the call.
        let failed = unsafe {
            call(
                userdata.data(),
                method.as_ptr(),
                url.as_ptr(),
                headers.as_ptr(),
                data,
                body.len(),
                timeout,
                &raw mut response,
            )
        };
        *incoming = response.incoming;
        failed == 0
    }))
}
