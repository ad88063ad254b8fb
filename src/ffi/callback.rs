//! What C is called back with: function pointers and their userdata, made into closures.

use super::ph_event;
use crate::event::Event;
use crate::hooks::{BeforeSend, Delivery, OnDelivery};
use crate::log::{Level, Sink};
use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

/// Receives one line of diagnostics. `level` is one of `ph_log_level`;
/// `message` lasts for the call.
///
/// Runs on the thread that has something to say: one that captures, or the
/// sender. Must not call the library but for statistics and texts, and must not
/// unwind.
pub type ph_log_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, level: i32, message: *const c_char)>;

/// Sees each event before it is queued; may read and change it. Returns 0 to
/// keep it, anything else to drop it (capture then answers
/// `PH_ERROR_FILTERED`).
///
/// Runs on the capturing thread, on several at once if several capture.
/// `event` lasts for the call and is not to be freed. Of the library, the
/// `ph_event_*` and `ph_props_*` functions, statistics and texts work inside.
/// Must not unwind.
pub type ph_before_send_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, event: *mut ph_event) -> i32>;

/// Told once for each batch that was settled: one of `ph_delivery`, and how
/// many events it had.
///
/// Runs on the sender thread: what it does delays the next batch. Must not call
/// the library but for statistics and texts, and must not unwind.
pub type ph_delivery_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, delivery: i32, events: usize)>;

/// Frees userdata. Runs once, when the library can no longer call the
/// function that it was registered with, on whichever thread finds that out.
pub type ph_userdata_free_fn = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// How much a line of diagnostics matters.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_log_level {
    /// What the library does, for whoever looks into it.
    PH_LOG_DEBUG = 0,
    /// Worth knowing once.
    PH_LOG_INFO = 1,
    /// Something is not as it should be; the library copes.
    PH_LOG_WARN = 2,
    /// Events were lost.
    PH_LOG_ERROR = 3,
}

/// What became of a batch.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_delivery {
    /// The server took it.
    PH_DELIVERY_DELIVERED = 0,
    /// The server refused it for good.
    PH_DELIVERY_FAILED = 1,
    /// It was given up: retries or age ran out, or the user opted out.
    PH_DELIVERY_DROPPED = 2,
}

/// The host's userdata, freed when the last closure that holds it is gone.
struct Userdata {
    data: *mut c_void,
    free: ph_userdata_free_fn,
}

// SAFETY: the registering functions' documentation has the host promise that its functions may be
// called with this userdata from any thread.
unsafe impl Send for Userdata {}
// SAFETY: as above; several threads at once are named there too.
unsafe impl Sync for Userdata {}

impl Drop for Userdata {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the host registered `free` for this userdata, and nothing holds it any more.
            unsafe { free(self.data) };
        }
    }
}

pub(super) fn log_sink(
    call: ph_log_fn,
    data: *mut c_void,
    free: ph_userdata_free_fn,
) -> Option<Arc<Sink>> {
    let userdata = Userdata { data, free };
    let call = call?;
    Some(Arc::new(move |level, text: &str| {
        let level = match level {
            Level::Debug => ph_log_level::PH_LOG_DEBUG,
            Level::Info => ph_log_level::PH_LOG_INFO,
            Level::Warn => ph_log_level::PH_LOG_WARN,
            Level::Error => ph_log_level::PH_LOG_ERROR,
        };
        let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
        let userdata = &userdata;
        // SAFETY: the host promised a function that takes its userdata and a string.
        unsafe { call(userdata.data, level as i32, text.as_ptr()) };
    }))
}

pub(super) fn before_send(
    call: ph_before_send_fn,
    data: *mut c_void,
    free: ph_userdata_free_fn,
) -> Option<Arc<BeforeSend>> {
    let userdata = Userdata { data, free };
    let call = call?;
    Some(Arc::new(move |event: &mut Event| {
        let mut handle = ph_event::new(std::mem::take(event));
        let userdata = &userdata;
        // SAFETY: the host promised a function that takes its userdata and an event that it
        // leaves alone after the call.
        let verdict = unsafe { call(userdata.data, &raw mut handle) };
        *event = handle.event;
        verdict == 0
    }))
}

pub(super) fn on_delivery(
    call: ph_delivery_fn,
    data: *mut c_void,
    free: ph_userdata_free_fn,
) -> Option<Arc<OnDelivery>> {
    let userdata = Userdata { data, free };
    let call = call?;
    Some(Arc::new(move |delivery, events| {
        let delivery = match delivery {
            Delivery::Delivered => ph_delivery::PH_DELIVERY_DELIVERED,
            Delivery::Failed => ph_delivery::PH_DELIVERY_FAILED,
            Delivery::Dropped => ph_delivery::PH_DELIVERY_DROPPED,
        };
        let userdata = &userdata;
        // SAFETY: the host promised a function that takes its userdata and two numbers.
        unsafe { call(userdata.data, delivery as i32, events) };
    }))
}
