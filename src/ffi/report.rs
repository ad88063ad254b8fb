//! `ph_error_next`, `ph_report_*`: what went wrong on the way.

use super::boundary::guard;
use super::callback::Userdata;
use super::config::change;
use super::types::{CStrLent, LentStr};
use super::{ph_client, ph_config, ph_status, ph_userdata_free_fn};
use crate::report::{Family, Hint, OnError, Report};
use safer_ffi::prelude::repr_c;
use std::ffi::{CString, c_void};
use std::sync::Arc;

/// A fault on the way to the server, and how often it happened. Immutable: any
/// thread may read it.
pub struct ph_report {
    report: Report,
    host: CString,
    message: CString,
}

/// Receives reports as they are made. `report` lasts for the call and is not to be
/// freed.
///
/// Runs on the thread that found the fault: the sender, or one that evaluates flags.
/// The same fault is told once in a minute, with how often it happened, and whenever
/// it has cost events. Of the library, the `ph_report_get` functions, statistics and
/// texts work inside. Must not unwind.
pub type ph_error_fn =
    Option<unsafe extern "C" fn(userdata: *mut c_void, report: *const ph_report)>;

/// The numbers of a report.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_report_field {
    /// What was asked for: one of `ph_family`.
    PH_REPORT_FAMILY = 0,
    /// The HTTP status; 0 if there was no answer.
    PH_REPORT_STATUS = 1,
    /// Which attempt of its request the latest was, from 1.
    PH_REPORT_ATTEMPT = 2,
    /// Events that it has cost.
    PH_REPORT_EVENTS_LOST = 3,
    /// How often it happened since it was last reported.
    PH_REPORT_COUNT = 4,
    /// What to look at first: one of `ph_hint`.
    PH_REPORT_HINT = 5,
}

/// What a request was for.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_family {
    PH_FAMILY_EVENTS = 0,
    PH_FAMILY_AI = 1,
    PH_FAMILY_FLAGS = 2,
    /// The definitions of flags.
    PH_FAMILY_DEFINITIONS = 3,
}

/// What is most likely at fault.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_hint {
    PH_HINT_NONE = 0,
    /// The key is not that of a project (`phc_...`).
    PH_HINT_KEY_KIND = 1,
    /// The key is unknown in this region: perhaps it is of the other (US, EU).
    PH_HINT_REGION = 2,
    /// The key is unknown.
    PH_HINT_KEY = 3,
    /// The project is over its billing limit.
    PH_HINT_QUOTA = 4,
    /// Too many requests.
    PH_HINT_RATE_LIMIT = 5,
    /// Nothing of PostHog is at that path: is the host right, and its path prefix?
    PH_HINT_PATH = 6,
    /// The host sends requests elsewhere.
    PH_HINT_REDIRECT = 7,
    /// An event is larger than the server takes.
    PH_HINT_TOO_LARGE = 8,
    /// This machine's clock is minutes from the server's.
    PH_HINT_CLOCK = 9,
    /// The proxy does not let the request through.
    PH_HINT_PROXY = 10,
    /// The server's certificate is not trusted, or there is no TLS.
    PH_HINT_TLS = 11,
    /// The server cannot be reached, or does not answer in time.
    PH_HINT_NETWORK = 12,
    /// The server is in trouble.
    PH_HINT_SERVER = 13,
}

impl ph_report {
    fn new(report: Report) -> ph_report {
        let c_text = |text: &str| CString::new(text.replace('\0', " ")).unwrap_or_default();
        ph_report { host: c_text(&report.host), message: c_text(&report.message), report }
    }
}

/// Sets who is told of faults on the way to the server, in place of whoever was
/// before; `on_error` may be `NULL` for nobody, and so may `userdata_free`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_on_error(
    config: Option<&mut ph_config>,
    on_error: ph_error_fn,
    userdata: *mut c_void,
    userdata_free: ph_userdata_free_fn,
) -> ph_status {
    change(config, |config| {
        config.on_error = closure(on_error, userdata, userdata_free);
        Ok(())
    })
}

fn closure(
    call: ph_error_fn,
    data: *mut c_void,
    free: ph_userdata_free_fn,
) -> Option<Arc<OnError>> {
    let userdata = Userdata::new(data, free);
    let call = call?;
    Some(Arc::new(move |report: &Report| {
        let report = ph_report::new(report.clone());
        // SAFETY: the host promised a function that takes its userdata and a report that it leaves
        // alone after the call.
        unsafe { call(userdata.data(), &raw const report) };
    }))
}

/// Takes the oldest report of a fault on the way to the server, with all that
/// happened alike since; `NULL` when there is none. The last 32 are kept until somebody
/// takes them. The report is the caller's, to free with `ph_report_free`. Works inside
/// callbacks.
#[unsafe(no_mangle)]
pub extern "C" fn ph_error_next(client: Option<&ph_client>) -> Option<repr_c::Box<ph_report>> {
    guard(|| {
        let report = client?.client.reports().next()?;
        Some(Box::new(ph_report::new(report)).into())
    })
}

/// Frees a report. Ignores `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_report_free(report: Option<repr_c::Box<ph_report>>) {
    guard(|| drop(report));
}

/// A number of a report: `field` is one of `ph_report_field`. 0 for any other, and for
/// `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_report_get(report: Option<&ph_report>, field: i32) -> i64 {
    guard(|| {
        let Some(ph_report { report, .. }) = report else { return 0 };
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        match field {
            0 => family(report.family) as i64,
            1 => i64::from(report.status),
            2 => i64::from(report.attempt),
            3 => number(report.events_lost),
            4 => number(report.count),
            5 => hint(report.hint) as i64,
            _ => 0,
        }
    })
}

/// The host that was asked, as `ph_config_set_host` took it. Lasts as long as the
/// report; `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_report_get_host(report: Option<&ph_report>) -> CStrLent<'_> {
    guard(|| report.map(|report| LentStr::new(&report.host)))
}

/// What happened the last time, in English. Lasts as long as the report; `NULL` for
/// `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_report_get_message(report: Option<&ph_report>) -> CStrLent<'_> {
    guard(|| report.map(|report| LentStr::new(&report.message)))
}

fn family(family: Family) -> ph_family {
    match family {
        Family::Events => ph_family::PH_FAMILY_EVENTS,
        Family::Ai => ph_family::PH_FAMILY_AI,
        Family::Flags => ph_family::PH_FAMILY_FLAGS,
        Family::Definitions => ph_family::PH_FAMILY_DEFINITIONS,
    }
}

fn hint(hint: Hint) -> ph_hint {
    match hint {
        Hint::None => ph_hint::PH_HINT_NONE,
        Hint::KeyKind => ph_hint::PH_HINT_KEY_KIND,
        Hint::Region => ph_hint::PH_HINT_REGION,
        Hint::Key => ph_hint::PH_HINT_KEY,
        Hint::Quota => ph_hint::PH_HINT_QUOTA,
        Hint::RateLimit => ph_hint::PH_HINT_RATE_LIMIT,
        Hint::Path => ph_hint::PH_HINT_PATH,
        Hint::Redirect => ph_hint::PH_HINT_REDIRECT,
        Hint::TooLarge => ph_hint::PH_HINT_TOO_LARGE,
        Hint::Clock => ph_hint::PH_HINT_CLOCK,
        Hint::Proxy => ph_hint::PH_HINT_PROXY,
        Hint::Tls => ph_hint::PH_HINT_TLS,
        Hint::Network => ph_hint::PH_HINT_NETWORK,
        Hint::Server => ph_hint::PH_HINT_SERVER,
    }
}
