//! What C is called back with: function pointers and their userdata, made into closures.

use super::{ph_definitions, ph_event};
use crate::event::Event;
use crate::hooks::{Advice, BeforeSend, DefinitionsCache, Delivery, OnDelivery};
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

/// Asked before each poll for definitions of flags: for the text that other
/// processes share, or for whose turn it is to read it from PostHog. Returns
/// one of `ph_definitions_advice`, after `ph_definitions_set` for
/// `PH_DEFINITIONS_USE`; anything else means that it failed, and this process
/// reads by itself.
///
/// Runs on the thread that polls: while it takes its time, the definitions that
/// are known stay in use. Must not call the library but for
/// `ph_definitions_set`, statistics and texts, and must not unwind.
pub type ph_definitions_get_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, definitions: *mut ph_definitions) -> i32>;

/// Told of the definitions after each poll that read them from PostHog, also
/// when they are unchanged, so that an entry that expires can be kept alive.
/// `json` is `json_len` bytes without a NUL behind them, and lasts for the call.
/// Returns 0, or anything else if it could not keep them, which is logged.
///
/// Runs on the thread that polls. Must not call the library but for statistics
/// and texts, and must not unwind.
pub type ph_definitions_put_fn = Option<
    unsafe extern "C" fn(userdata: *mut c_void, json: *const c_char, json_len: usize) -> i32,
>;

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
pub(super) struct Userdata {
    data: *mut c_void,
    free: ph_userdata_free_fn,
}

impl Userdata {
    pub(super) fn new(data: *mut c_void, free: ph_userdata_free_fn) -> Userdata {
        Userdata { data, free }
    }

    pub(super) fn data(&self) -> *mut c_void {
        self.data
    }
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

pub(super) fn definitions_cache(
    get: ph_definitions_get_fn,
    put: ph_definitions_put_fn,
    data: *mut c_void,
    free: ph_userdata_free_fn,
) -> Option<Arc<DefinitionsCache>> {
    let userdata = Arc::new(Userdata { data, free });
    let (get, put) = (get?, put?);
    let own = Arc::clone(&userdata);
    let get = move || {
        let mut handle = ph_definitions { json: None };
        let own: &Userdata = &own;
        // SAFETY: the host promised a function that takes its userdata and a handle that it leaves
        // alone after the call.
        let advice = unsafe { get(own.data, &raw mut handle) };
        match (advice, handle.json) {
            (0, _) => Advice::Fetch,
            (1, Some(json)) => Advice::Use(json),
            (2, _) => Advice::Keep,
            _ => Advice::Failed,
        }
    };
    let put = move |json: &[u8]| {
        let userdata: &Userdata = &userdata;
        // SAFETY: the host promised a function that takes its userdata and that many bytes, which
        // last for the call.
        unsafe { put(userdata.data, json.as_ptr().cast(), json.len()) == 0 }
    };
    Some(Arc::new(DefinitionsCache { get: Box::new(get), put: Box::new(put) }))
}
