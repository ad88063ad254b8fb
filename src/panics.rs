//! Reports the panics of a Rust program that links this crate.
//!
//! A program that loads the shared library has a standard library of its own, whose panics the one
//! in here never sees: this is for those that have the crate among their dependencies.
//!
//! ```no_run
//! use posthog::ffi::{ph_client, ph_config_new, ph_init};
//!
//! let config = ph_config_new(Some(c"phc_...".into()));
//! let mut client = std::mem::MaybeUninit::uninit();
//! let _status = ph_init(config.as_deref(), Some(&mut client));
//! // SAFETY: `ph_init` fills it whenever it returns `PH_OK`.
//! let client: Box<ph_client> = unsafe { client.assume_init() }.into();
//! posthog::panics::report(Box::leak(client), None);
//! ```

use crate::client::Client;
use crate::exception::{Exception, Level, OwnStack};
use crate::ffi::ph_client;
use crate::hooks;
use crate::sys::unwind::Frame;
use std::cell::Cell;
use std::panic::{self, PanicHookInfo};
use std::time::Duration;

/// How long a panicking thread waits for its report to be sent.
const FLUSH: Duration = Duration::from_secs(2);

thread_local! {
    static REPORTING: Cell<bool> = const { Cell::new(false) };
}

/// From now on every panic of this program is captured as an exception: `fatal`, not handled, of
/// the mechanism `panic`, with its place and the stack of the thread. The thread waits up to two
/// seconds until it is sent; then the hook that was there before runs, e.g. the one that prints
/// the message. A panic that is caught later is reported all the same.
///
/// Without a distinct id the reports are nobody's. Called again, another client gets the report,
/// too.
pub fn report(client: &'static ph_client, distinct_id: Option<&str>) {
    let distinct_id = distinct_id.map(str::to_owned);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let here = 0_u8;
        // A panic of the report itself, and one in a callback of the library, would wait for what
        // this thread holds.
        if !REPORTING.get() && !hooks::inside_callback() && !is_ours(info) {
            REPORTING.set(true);
            capture(client.client(), distinct_id.as_deref(), info, Frame::of(&here));
            REPORTING.set(false);
        }
        before(info);
    }));
}

/// A bug in the library, which its boundary catches: no state of the library may be relied on.
fn is_ours(info: &PanicHookInfo<'_>) -> bool {
    let own = file!().trim_end_matches("panics.rs");
    let is_in_our_source = info.location().is_some_and(|place| place.file().starts_with(own));
    let thread = std::thread::current();
    is_in_our_source || thread.name().is_some_and(|name| name.starts_with("posthog-"))
}

fn capture(client: &Client, distinct_id: Option<&str>, info: &PanicHookInfo<'_>, inner: Frame) {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a panic without a message");
    let Ok(mut exception) = Exception::new(b"panic", text.as_bytes()) else { return };
    exception.level = Level::Fatal;
    exception.source = Some("rust.panic_hook".to_owned());
    exception.own_stack = OwnStack::Taken(0);
    exception.set_handled(false);
    // None of these can fail but for lack of memory; the report is worth sending without them.
    let _ = exception.set_mechanism("panic");
    if let Some(place) = info.location() {
        let _ = exception.props.set_str("$exception_panic_file", place.file().as_bytes());
        let _ = exception.props.set_u64("$exception_panic_line", place.line().into());
        let _ = exception.props.set_u64("$exception_panic_column", place.column().into());
    }
    if client.capture_exception(distinct_id, &exception, inner).is_ok() {
        let _ = client.flush(Some(FLUSH));
    }
}
