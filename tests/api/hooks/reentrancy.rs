//! From inside a callback the library answers `PH_ERROR_REENTRANT`, or does nothing.

use crate::c::*;
use crate::client::{PATIENCE_MS, to};
use crate::handle::{Event, Exception, Props, lent_text};
use crate::header;
use crate::hook::Told;
use crate::stats::Stats;
use crate::time::{PATIENCE, until};
use posthog_receiver::Receiver;
use std::collections::BTreeSet;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

type Calls = Vec<(&'static str, bool)>;

/// Makes every call that uses a client, and says whether it was answered as it has to be.
fn calls(client: *const ph_client) -> Calls {
    let ok = c"ok".as_ptr();
    let (props, event, exception) = (Props::new(), Event::new("u", "e"), Exception::new("e", "m"));
    let is_refused = |status: Status| status == PH_ERROR_REENTRANT;
    let config = crate::client::Config::new("phc_test");
    let (mut made, mut json): (*mut ph_client, _) = (ptr::null_mut(), ptr::null_mut());
    let mut flags = ptr::null_mut();
    let evaluated = ph_flags_evaluate(client, ok, ptr::null(), 100, &raw mut flags);
    let evaluated_n = ph_flags_evaluate_n(client, ok, 2, ptr::null(), 100, &raw mut flags);
    let recalled = ph_flags_recall(client, ok, ptr::null(), &raw mut flags);
    let (person, group) = (ph_flags_set_person_properties, ph_flags_set_group_properties);
    let calls = vec![
        ("ph_init", is_refused(ph_init(config.raw(), &raw mut made)) && made.is_null()),
        ("ph_client_start", is_refused(ph_client_start(client))),
        ("ph_capture", is_refused(ph_capture(client, ok, ok, props.raw()))),
        ("ph_capture_n", is_refused(ph_capture_n(client, ok, 2, ok, 2, ptr::null()))),
        ("ph_capture_event", is_refused(ph_capture_event(client, event.raw(), ptr::null_mut()))),
        ("ph_capture_ai", is_refused(ph_capture_ai(client, event.raw(), ptr::null_mut()))),
        (
            "ph_capture_immediate",
            is_refused(ph_capture_immediate(client, event.raw(), 100, ptr::null_mut())),
        ),
        (
            "ph_capture_ai_immediate",
            is_refused(ph_capture_ai_immediate(client, event.raw(), 100, ptr::null_mut())),
        ),
        ("ph_capture_json", is_refused(ph_capture_json(client, ok, 2, ok, 2, ok, 0))),
        ("ph_identify", is_refused(ph_identify(client, ok, ptr::null(), ptr::null()))),
        ("ph_alias", is_refused(ph_alias(client, ok, ok))),
        ("ph_group_identify", is_refused(ph_group_identify(client, ok, ok, ok, ptr::null()))),
        ("ph_capture_exception", is_refused(ph_capture_exception(client, ok, exception.raw()))),
        ("ph_step_add", is_refused(ph_step_add(client, ok, ptr::null()))),
        ("ph_register", is_refused(ph_register(client, props.raw()))),
        ("ph_register_once", is_refused(ph_register_once(client, props.raw()))),
        ("ph_unregister", is_refused(ph_unregister(client, ok))),
        ("ph_opt_out", is_refused(ph_opt_out(client))),
        ("ph_opt_in", is_refused(ph_opt_in(client))),
        ("ph_flush", is_refused(ph_flush(client, PH_FOREVER))),
        ("ph_shutdown", is_refused(ph_shutdown(client, PH_FOREVER))),
        ("ph_queue_drain", is_refused(ph_queue_drain(client, 9, &raw mut json)) && json.is_null()),
        ("ph_flags_wait_ready", is_refused(ph_flags_wait_ready(client, PH_FOREVER))),
        ("ph_flags_override", is_refused(ph_flags_override(client, ok))),
        ("ph_flags_refresh", is_refused(ph_flags_refresh(client, PH_FOREVER))),
        ("ph_definitions_load", is_refused(ph_definitions_load(client, ok, 2))),
        ("ph_definitions_save", is_refused(ph_definitions_save(client, &raw mut json))),
        ("ph_definitions_load_file", is_refused(ph_definitions_load_file(client, ok))),
        ("ph_definitions_save_file", is_refused(ph_definitions_save_file(client, ok))),
        (
            "ph_flag_explain",
            is_refused(ph_flag_explain(client, ok, ok, ptr::null(), 0, &raw mut json)),
        ),
        ("ph_flags_evaluate", is_refused(evaluated) && flags.is_null()),
        ("ph_flags_evaluate_n", is_refused(evaluated_n) && flags.is_null()),
        ("ph_flags_recall", is_refused(recalled) && flags.is_null()),
        ("ph_flags_set_person_properties", is_refused(person(client, ok, props.raw()))),
        ("ph_flags_set_group_properties", is_refused(group(client, ok, ok, props.raw()))),
        (
            "ph_flags_reset_person_properties",
            is_refused(ph_flags_reset_person_properties(client, ok)),
        ),
        (
            "ph_flags_reset_group_properties",
            is_refused(ph_flags_reset_group_properties(client, ok, ok)),
        ),
        ("ph_crash_thread_attach", is_refused(ph_crash_thread_attach(client))),
        ("ph_crash_set_distinct_id", is_refused(ph_crash_set_distinct_id(client, ok))),
        // May be called anywhere: it is for whoever is about to die. There is no storage here.
        ("ph_crash_write", ph_crash_write(client, ok, 2) == PH_ERROR_UNSUPPORTED),
        ("ph_flag_enabled_n", ph_flag_enabled_n(client, ok, 2, ok, 2, ptr::null(), true)),
        (
            "ph_flag_enabled",
            ph_flag_enabled(client, ok, c"new-checkout".as_ptr(), ptr::null(), true),
        ),
        (
            "ph_flag_enabled",
            !ph_flag_enabled(client, ok, c"new-checkout".as_ptr(), ptr::null(), false),
        ),
    ];
    // It does nothing: the client is used after this.
    ph_client_free(client.cast_mut());
    let mut more: Calls = vec![
        ("ph_is_opted_out", !ph_is_opted_out(client)),
        ("ph_error_next", ph_error_next(client).is_null()),
        ("ph_version", lent_text(ph_version()).as_deref() == Some(env!("CARGO_PKG_VERSION"))),
        (
            "ph_status_text",
            lent_text(ph_status_text(-14)).is_some_and(|text| text.contains("callback")),
        ),
    ];
    let stats = Stats::of(client);
    stats.assert_balances();
    more.push(("ph_stats_get", !stats.is_zero()));
    calls.into_iter().chain(more).collect()
}

/// Of those calls, how many are captures or ask for flags, and are counted when refused.
const COUNTED: u64 = 14;

fn assert_all_right(kind: &str, calls: &Calls) {
    let made: BTreeSet<&str> = calls.iter().map(|it| it.0).chain(["ph_client_free"]).collect();
    let of_header = header::prototypes().filter(|it| it.1.contains("ph_client *")).map(|it| it.0);
    let missing: Vec<&str> = of_header.filter(|name| !made.contains(name)).collect();
    assert!(missing.is_empty(), "not tried: {missing:?}");
    let wrong: Vec<&str> = calls.iter().filter(|it| !it.1).map(|it| it.0).collect();
    assert!(wrong.is_empty(), "inside {kind}: {wrong:?}");
}

/// Lets a client call itself from inside one kind of callback, once.
fn run(kind: &'static str) {
    let receiver = Receiver::start();
    let (own, told) = (Arc::new(AtomicPtr::<ph_client>::default()), Told::new());
    let (late, tell) = (Arc::clone(&own), told.clone());
    let inside = move || {
        let client = late.load(Ordering::SeqCst);
        // The first lines may be logged before there is a client.
        if !client.is_null() && tell.len() == 0 {
            tell.push(calls(client));
        }
    };
    let config = to(&receiver);
    let config = match kind {
        "before_send" => config.before_send(move |_| {
            inside();
            0
        }),
        "log" => config.on_log(move |_, _| inside()),
        _ => config.on_delivery(move |_, _| inside()),
    };
    let client = config.client();
    own.store(client.raw().cast_mut(), Ordering::SeqCst);
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    until("the callback", || told.len() == 1);
    assert_all_right(kind, &told.all()[0]);

    // Nothing of it happened, and all is as before.
    let stats = client.stats();
    assert_eq!((stats[PH_STAT_ACCEPTED], stats.refused(PH_ERROR_REENTRANT)), (1, COUNTED));
    assert_eq!(stats.refused_total(), COUNTED);
    assert_eq!((client.capture("u", "after"), client.flush(PATIENCE_MS)), (PH_OK, PH_OK));
    assert!(receiver.wait_for_events(2, PATIENCE));
    assert!(receiver.requests().iter().all(|request| !request.is_flags()));
    assert_eq!(client.shutdown(PATIENCE_MS), PH_OK);
}

#[test]
fn inside_before_send() {
    run("before_send");
}

#[test]
fn inside_a_log_callback() {
    run("log");
}

#[test]
fn inside_a_delivery_callback() {
    run("delivery");
}

#[test]
fn another_clients_callback_counts_too() {
    let receiver = Receiver::start();
    let other = Arc::new(to(&receiver).client());
    let (told, inner) = (Told::new(), Arc::clone(&other));
    let tell = told.clone();
    let client = to(&receiver)
        .before_send(move |_| {
            tell.push(inner.capture("u", "inner"));
            0
        })
        .client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(told.all(), [PH_ERROR_REENTRANT]);
    assert_eq!(other.stats().refused(PH_ERROR_REENTRANT), 1);
    // Outside it works as ever.
    assert_eq!(other.capture("u", "outer"), PH_OK);
    other.deliver();
    client.deliver();
    assert_eq!(receiver.counts().accepted, 2);
}

#[test]
fn handles_work_inside_before_send() {
    let receiver = Receiver::start();
    let client = to(&receiver)
        .before_send(|event| {
            let props = Props::new().str("a", "b").object("o", &Props::new().int("n", 1));
            assert_eq!(ph_event_set_properties(event, props.raw()), PH_OK);
            let mine = Event::new("u", "mine").props(ph_event_set_properties, &props);
            assert_eq!(lent_text(ph_event_get_name(mine.raw())).as_deref(), Some("mine"));
            0
        })
        .client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    assert_eq!(receiver.events()[0].json["properties"]["o"]["n"], 1);
}
