//! Values that the program brings: overrides for its tests, and values for the time until something
//! better is known.

use super::{Context, three, with_flags};
use crate::c::*;
use crate::client::{Client, refused_url, to_url};
use crate::handle::c_text;
use std::ptr;

const VALUES: &str = r#"{"on":false,"mine":true,"many":{"variant":"red","payload":[1]}}"#;

impl Client {
    fn overrides(&self, json: &str) -> Status {
        ph_flags_override(self.raw(), c_text(json).as_ptr())
    }
}

#[test]
fn overrides_hold_whatever_the_server_says() {
    let (_receiver, client) = with_flags(three(), |config| config);
    assert_eq!(client.flag("u", "on"), Some(true));
    assert_eq!(client.overrides(VALUES), PH_OK);
    assert_eq!((client.flag("u", "on"), client.flag("u", "mine")), (Some(false), Some(true)));
    let found = client.evaluate("u").unwrap();
    assert_eq!((found.enabled("on"), found.enabled("off")), (Some(false), Some(false)));
    assert_eq!(found.variant("many").as_deref(), Some("red"));
    assert_eq!(found.payload("many").as_deref(), Some("[1]"));
    assert_eq!(found.reason("on").as_deref(), Some("override"));
    // Others replace them, and what is not understood changes nothing.
    assert_eq!(client.overrides(r#"["off"]"#), PH_OK);
    for bad in ["", "1", "{\"a\":1}", "[1]", "{"] {
        assert_eq!(client.overrides(bad), PH_ERROR_JSON, "{bad}");
    }
    assert_eq!((client.flag("u", "on"), client.flag("u", "off")), (Some(true), Some(true)));
    assert_eq!(ph_flags_override(client.raw(), ptr::null()), PH_OK);
    assert_eq!((client.flag("u", "off"), client.flag("u", "mine")), (Some(false), None));
}

#[test]
fn where_overrides_are_all_that_is_wanted_nothing_is_asked() {
    let (receiver, client) = with_flags(three(), |config| config);
    assert_eq!(client.overrides(VALUES), PH_OK);
    let context =
        Context::new().text(ph_context_add_flag_key, "on").text(ph_context_add_flag_key, "mine");
    let found = client.evaluate_in("u", Some(&context), 1_000).unwrap();
    assert_eq!(found.keys(), ["mine", "on"]);
    assert_eq!(client.flag("u", "on"), Some(false));
    assert_eq!(receiver.counts().requests, 0);
    // One more has to be asked for.
    let context = context.text(ph_context_add_flag_key, "off");
    let found = client.evaluate_in("u", Some(&context), 10_000).unwrap();
    assert_eq!((found.keys().len(), receiver.counts().requests), (3, 1));
}

#[test]
fn a_client_that_may_not_ask_knows_what_it_was_given() {
    let (receiver, client) =
        with_flags(three(), |config| config.set(ph_config_set_flags_local_only, true));
    assert_eq!(client.overrides(VALUES), PH_OK);
    assert_eq!((client.flag("u", "mine"), client.flag("u", "off")), (Some(true), None));
    assert_eq!(client.evaluate("u").unwrap().keys(), ["many", "mine", "on"]);
    assert_eq!(receiver.counts().requests, 0);
    // The call decides otherwise.
    let context = Context::new();
    assert_eq!(ph_context_set_local_only(context.raw, false), PH_OK);
    assert!(!client.flag_in("u", "off", Some(&context), true));
}

#[test]
fn a_bootstrap_value_holds_until_something_better_is_known() {
    let with = |url: &str| to_url(url).text(ph_config_set_flags_bootstrap, VALUES).client();
    let down = with(&refused_url());
    assert_eq!((down.flag("u", "mine"), down.flag("u", "on")), (Some(true), Some(false)));
    assert_eq!(down.flag("u", "off"), None);
    let found = down.evaluate("u").unwrap();
    assert_eq!((found.enabled("on"), found.variant("many").as_deref()), (Some(false), Some("red")));
    assert_eq!(found.reason("mine").as_deref(), Some("bootstrap"));
    let receiver = posthog_receiver::Receiver::start();
    receiver.set_flags(three());
    let up = with(&receiver.url());
    let found = up.evaluate("u").unwrap();
    assert_eq!((found.enabled("on"), found.variant("many").as_deref()), (Some(true), Some("blue")));
    // The server does not have it.
    assert_eq!((found.enabled("mine"), up.flag("u", "mine")), (Some(true), Some(true)));
    assert_eq!(up.flag("u", "on"), Some(true));
    let config = to_url(&receiver.url());
    let bad = c_text("[1]");
    assert_eq!(ph_config_set_flags_bootstrap(config.raw(), bad.as_ptr()), PH_ERROR_JSON);
}
