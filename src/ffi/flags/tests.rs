use super::*;
use crate::client::Client;
use crate::config::Config;
use crate::error::Error;
use crate::ffi::{
    ph_client, ph_context, ph_context_add_flag_key, ph_context_limit_flag_keys, ph_context_new,
    ph_flag_enabled, ph_flags_evaluate,
};
use crate::hooks::Gate;
use posthog_receiver::{Flag as Row, Flags as Table, Receiver};
use serde_json::json;

const PLENTY_MS: u32 = 20_000;

/// As C passes it: any bytes.
fn c(text: &CStr) -> CStrArg<'_> {
    // SAFETY: a pointer is what C passes for this type, and the text outlives it.
    unsafe { std::mem::transmute::<*const std::ffi::c_char, CStrArg<'_>>(text.as_ptr()) }
}

fn lent(text: CStrLent<'_>) -> Option<&str> {
    let text: *const std::ffi::c_char = text.map(|text| {
        // SAFETY: a lent text is a pointer and nothing else, as C sees it.
        unsafe { std::mem::transmute::<LentStr<'_>, *const std::ffi::c_char>(text) }
    })?;
    // SAFETY: the library lends NUL-terminated texts, and the handle is still there.
    unsafe { CStr::from_ptr(text) }.to_str().ok()
}

fn client(receiver: &Receiver) -> ph_client {
    receiver.set_flags(
        Table::none()
            .with("a", Row::off())
            .with("b", Row::variant("blue").payload(&json!({"copy": "new"}))),
    );
    let mut config = Config::new("phc_x");
    config.set_host(&receiver.url()).unwrap();
    ph_client { client: Arc::new(Client::new(&config).unwrap()) }
}

fn evaluated(client: Option<&ph_client>, context: Option<&ph_context>) -> repr_c::Box<ph_flags> {
    let mut out = MaybeUninit::uninit();
    let status = ph_flags_evaluate(client, c(c"u"), context, PLENTY_MS, Some(&mut out));
    assert_eq!(status, ph_status::PH_OK);
    // SAFETY: written on success.
    unsafe { out.assume_init() }
}

#[test]
fn an_evaluation_is_read_without_copies() {
    let receiver = Receiver::start();
    let client = client(&receiver);
    let flags = evaluated(Some(&client), None);
    let flags = Some(&*flags);
    assert_eq!(ph_flags_get_count(flags), 2);
    assert_eq!(lent(ph_flags_get_key(flags, 1)), Some("b"));
    assert_eq!(lent(ph_flags_get_key(flags, 2)), None);
    assert!(!ph_flags_is_enabled(flags, c(c"a"), true));
    assert!(ph_flags_is_enabled(flags, c(c"b"), false));
    assert!(ph_flags_is_known(flags, c(c"a")));
    assert_eq!(lent(ph_flags_get_variant(flags, c(c"a"))), None);
    assert_eq!(lent(ph_flags_get_variant(flags, c(c"b"))), Some("blue"));
    assert_eq!(lent(ph_flags_get_payload(flags, c(c"b"))), Some(r#"{"copy":"new"}"#));
    assert_eq!(lent(ph_flags_get_reason(flags, c(c"a"))), Some("no_condition_match"));
    for key in [c(c"missing"), c(c"\xFF"), None] {
        assert!(!ph_flags_is_known(flags, key));
        assert_eq!(lent(ph_flags_get_variant(flags, key)), None);
        assert_eq!(lent(ph_flags_get_payload(flags, key)), None);
        assert_eq!(lent(ph_flags_get_reason(flags, key)), None);
        for fallback in [true, false] {
            assert_eq!(ph_flags_is_enabled(flags, key, fallback), fallback);
            assert_eq!(ph_flag_enabled(Some(&client), c(c"u"), key, None, fallback), fallback);
        }
    }
    assert!(!ph_flag_enabled(Some(&client), c(c"u"), c(c"a"), None, true));
    ph_flags_free(Some(evaluated(Some(&client), None)));
}

#[test]
fn a_context_narrows_the_evaluation() {
    let receiver = Receiver::start();
    let client = client(&receiver);
    let mut context = ph_context_new().unwrap();
    assert_eq!(ph_context_limit_flag_keys(Some(&mut context)), ph_status::PH_OK);
    assert_eq!(ph_flags_get_count(Some(&evaluated(Some(&client), Some(&context)))), 0);
    assert_eq!(receiver.requests().len(), 0);
    assert_eq!(ph_context_add_flag_key(Some(&mut context), c(c"b")), ph_status::PH_OK);
    let flags = evaluated(Some(&client), Some(&context));
    assert_eq!(lent(ph_flags_get_key(Some(&flags), 0)), Some("b"));
    assert_eq!(ph_flags_get_count(Some(&flags)), 1);
    assert!(ph_flag_enabled(Some(&client), c(c"u"), c(c"a"), Some(&context), true));
}

#[test]
fn a_call_that_fails_writes_nothing_and_is_counted() {
    let receiver = Receiver::start();
    let client = client(&receiver);
    let mut out = MaybeUninit::uninit();
    let mut call =
        |id, timeout_ms| ph_flags_evaluate(Some(&client), id, None, timeout_ms, Some(&mut out));
    assert_eq!(call(None, PLENTY_MS), ph_status::PH_ERROR_NULL);
    assert_eq!(call(c(c"\xFF"), PLENTY_MS), ph_status::PH_ERROR_UTF8);
    assert_eq!(call(c(c" "), PLENTY_MS), ph_status::PH_ERROR_EMPTY);
    assert_eq!(call(c(c"u"), 0), ph_status::PH_ERROR_TIMEOUT);
    let status = ph_flags_evaluate(Some(&client), c(c"u"), None, PLENTY_MS, None);
    assert_eq!(status, ph_status::PH_ERROR_NULL);
    let refused = |error| client.client.counters().refused(error as usize);
    assert_eq!(refused(Error::Null), 2);
    assert_eq!(refused(Error::Utf8), 1);
    assert_eq!(refused(Error::Empty), 1);
    assert_eq!(refused(Error::Timeout), 1);
    assert_eq!(receiver.requests().len(), 0);
}

#[test]
fn a_client_that_is_off_knows_nothing_and_asks_nobody() {
    let receiver = Receiver::start();
    let opted_out = client(&receiver);
    opted_out.client.opt_out();
    let shut_down = client(&receiver);
    shut_down.client.shut_down(None).unwrap();
    let disabled = ph_client { client: Arc::new(Client::new(&Config::new("")).unwrap()) };
    for client in [Some(&opted_out), Some(&disabled), None] {
        assert_eq!(ph_flags_get_count(Some(&evaluated(client, None))), 0);
    }
    let mut out = MaybeUninit::uninit();
    let late = ph_flags_evaluate(Some(&shut_down), c(c"u"), None, PLENTY_MS, Some(&mut out));
    assert_eq!(late, ph_status::PH_ERROR_SHUTDOWN);
    for client in [Some(&opted_out), Some(&shut_down), Some(&disabled), None] {
        for fallback in [true, false] {
            assert_eq!(ph_flag_enabled(client, c(c"u"), c(c"b"), None, fallback), fallback);
        }
    }
    assert_eq!(ph_flags_evaluate(None, None, None, 0, None), ph_status::PH_ERROR_NULL);
    opted_out.client.opt_in();
    assert_eq!(receiver.requests().len(), 0);
    assert!(ph_flag_enabled(Some(&opted_out), c(c"u"), c(c"b"), None, false));
}

#[test]
fn nothing_is_evaluated_inside_a_callback() {
    let receiver = Receiver::start();
    let client = client(&receiver);
    let inside = Gate::default().pass(|| {
        let mut out = MaybeUninit::uninit();
        let short = ph_flag_enabled(Some(&client), c(c"u"), c(c"a"), None, true);
        (ph_flags_evaluate(Some(&client), c(c"u"), None, PLENTY_MS, Some(&mut out)), short)
    });
    assert_eq!(inside, Some((ph_status::PH_ERROR_REENTRANT, true)));
    assert_eq!(receiver.requests().len(), 0);
}

#[test]
fn null_flags_know_nothing() {
    assert!(ph_flags_is_enabled(None, c(c"a"), true));
    assert!(!ph_flags_is_known(None, c(c"a")));
    assert_eq!(lent(ph_flags_get_reason(None, c(c"a"))), None);
    assert_eq!(lent(ph_flags_get_key(None, 0)), None);
    assert_eq!(ph_flags_get_count(None), 0);
    ph_flags_free(None);
}
