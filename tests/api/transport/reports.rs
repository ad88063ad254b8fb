//! What the host is told of faults on the way.

use crate::c::*;
use crate::client::{Client, Config, PATIENCE_MS, refused_url, to, to_url};
use crate::handle::lent_text;
use crate::hook::{Told, free, userdata};
use posthog_receiver::{Authority, Proxy, ProxyOptions, Receiver, Reply, Script};
use std::ffi::c_void;

/// A report, read through the C API.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Report {
    family: i64,
    status: i64,
    attempt: i64,
    lost: i64,
    count: i64,
    hint: i64,
    host: String,
    message: String,
}

fn read(report: *const ph_report) -> Report {
    let number = |field| ph_report_get(report, field);
    for unknown in [-1, 6, i32::MIN, i32::MAX] {
        assert_eq!(number(unknown), 0);
    }
    Report {
        family: number(PH_REPORT_FAMILY),
        status: number(PH_REPORT_STATUS),
        attempt: number(PH_REPORT_ATTEMPT),
        lost: number(PH_REPORT_EVENTS_LOST),
        count: number(PH_REPORT_COUNT),
        hint: number(PH_REPORT_HINT),
        host: lent_text(ph_report_get_host(report)).unwrap(),
        message: lent_text(ph_report_get_message(report)).unwrap(),
    }
}

impl Client {
    fn reports(&self) -> Vec<Report> {
        std::iter::from_fn(|| {
            let raw = ph_error_next(self.raw());
            let report = (!raw.is_null()).then(|| read(raw));
            ph_report_free(raw);
            report
        })
        .collect()
    }
}

fn lossy(config: &Config) -> Vec<Report> {
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    client.reports()
}

fn v0(receiver: &Receiver) -> Config {
    to(receiver).set(ph_config_set_protocol, PH_PROTOCOL_V0)
}

#[test]
fn a_refusal_says_what_to_look_at() {
    for (status, hint) in [
        (401, PH_HINT_KEY),
        (402, PH_HINT_QUOTA),
        (404, PH_HINT_PATH),
        (413, PH_HINT_TOO_LARGE),
        (308, PH_HINT_REDIRECT),
        (400, PH_HINT_NONE),
    ] {
        let receiver = Receiver::start();
        receiver.set_script(Script::new().always("/batch/", Reply::status(status)));
        let reports = lossy(&v0(&receiver));
        assert_eq!(reports.len(), 1, "{reports:?}");
        let report = &reports[0];
        assert_eq!((report.family, report.status), (PH_FAMILY_EVENTS, i64::from(status)));
        assert_eq!((report.hint, report.lost, report.count, report.attempt), (hint, 1, 1, 1));
        assert_eq!(report.host, receiver.url());
        assert!(!report.message.is_empty());
    }
}

#[test]
fn a_wrong_key_and_a_wrong_clock_are_told_apart() {
    let receiver = Receiver::start();
    let denied = Reply::status(401);
    receiver.set_script(Script::new().always("/batch/", denied.clone()));
    let config = Config::new("phx_personal").host(&receiver.url());
    let reports = lossy(&config.set(ph_config_set_protocol, PH_PROTOCOL_V0));
    assert_eq!(reports[0].hint, PH_HINT_KEY_KIND);
    let long_ago = denied.header("Date", "Thu, 01 Jan 2015 00:00:00 GMT");
    receiver.set_script(Script::new().always("/batch/", long_ago));
    assert_eq!(lossy(&v0(&receiver))[0].hint, PH_HINT_CLOCK);
}

#[test]
fn faults_that_pass_are_counted_together() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().times(3, "/batch/", Reply::status(503)));
    let client = v0(&receiver).client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    let reports = client.reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    let report = &reports[0];
    assert_eq!((report.status, report.hint), (503, PH_HINT_SERVER));
    assert_eq!((report.count, report.attempt, report.lost), (3, 3, 0));
    assert_eq!(client.reports(), []);
}

#[test]
fn what_never_arrives_is_reported_with_what_it_cost() {
    let authority = Authority::new();
    let secure = Receiver::secure(authority.identity(&["127.0.0.1"]));
    let denies = ProxyOptions { authorization: Some("Basic x".into()), ..Default::default() };
    let (receiver, proxy) = (Receiver::start(), Proxy::start(denies));
    for (config, hint) in [
        (to_url(&refused_url()), PH_HINT_NETWORK),
        (to(&secure), PH_HINT_TLS),
        (
            to(&receiver).text(ph_config_set_proxy, &format!("http://{}", proxy.addr())),
            PH_HINT_PROXY,
        ),
    ] {
        let reports = lossy(&config.set(ph_config_set_max_retries, 1));
        let (fault, end) = (&reports[0], &reports[1]);
        assert_eq!((fault.hint, fault.status, fault.count), (hint, 0, 2), "{reports:?}");
        assert_eq!((end.hint, end.lost), (PH_HINT_NONE, 1), "{reports:?}");
        assert_eq!(reports.len(), 2, "{reports:?}");
    }
}

#[test]
fn flags_report_too() {
    let receiver = Receiver::start();
    receiver.set_script(Script::new().always("/flags/", Reply::status(401)));
    let client = to(&receiver).client();
    assert_eq!(client.evaluate("u").err(), Some(PH_ERROR_SERVER));
    let reports = client.reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!((reports[0].family, reports[0].status), (PH_FAMILY_FLAGS, 401));
    assert_eq!((reports[0].hint, reports[0].lost), (PH_HINT_KEY, 0));
}

type OnError = Box<dyn Fn(Report) + Send + Sync>;

unsafe extern "C" fn on_error(userdata: *mut c_void, report: *const ph_report) {
    // SAFETY: it was registered with an `OnError`, which the library has not freed yet.
    let call = unsafe { &*userdata.cast::<OnError>() };
    call(read(report));
}

#[test]
fn a_callback_is_told_too() {
    let receiver = Receiver::start();
    let script = Script::new().times(3, "/batch/", Reply::status(503));
    receiver.set_script(script.always("/batch/", Reply::status(400)));
    let told = Told::new();
    let reports = told.clone();
    let config = v0(&receiver);
    let data = userdata::<OnError>(Box::new(move |report| reports.push(report)));
    let status = ph_config_set_on_error(config.raw(), Some(on_error), data, Some(free::<OnError>));
    assert_eq!(status, PH_OK);
    let client = config.client();
    assert_eq!(client.capture("u", "e"), PH_OK);
    assert_eq!(client.flush(PATIENCE_MS), PH_ERROR_LOST);
    let told: Vec<_> = told.all().iter().map(|it| (it.status, it.count, it.lost)).collect();
    // Once for all that fails alike within a minute.
    assert_eq!(told, [(503, 1, 0), (400, 1, 1)]);
    // Whoever is told may pull as well.
    assert_eq!(client.reports().len(), 2);
}
