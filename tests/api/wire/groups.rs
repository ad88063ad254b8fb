//! Groups of an event, and the indices of their types.

use super::{own_properties, the_event};
use crate::c::*;
use crate::client::to;
use crate::handle::Event;
use posthog_receiver::Receiver;
use serde_json::json;

#[test]
fn a_type_with_an_index_adds_it_beside_groups() {
    let receiver = Receiver::start();
    let types = ["company", "team", "site", "host", "rack"];
    let mut config = to(&receiver);
    for (group_type, index) in types.iter().zip(0..) {
        config = config.group_index(group_type, index);
    }
    let client = config.client();
    let event = Event::new("u", "e")
        .group("company", "replaced")
        .group("company", "acme")
        .group("team", "core")
        .group("site", "north")
        .group("host", "h\"1")
        .group("rack", "r")
        .group("unknown", "x");
    client.capture_event(&event).unwrap();
    client.deliver();
    assert_eq!(
        own_properties(&the_event(&receiver)),
        json!({
            "$groups": {
                "company": "acme",
                "team": "core",
                "site": "north",
                "host": "h\"1",
                "rack": "r",
                "unknown": "x",
            },
            "$group_0": "acme",
            "$group_1": "core",
            "$group_2": "north",
            "$group_3": "h\"1",
            "$group_4": "r",
        })
    );
}

#[test]
fn an_index_may_be_given_to_another_type() {
    let receiver = Receiver::start();
    let client = to(&receiver).group_index("old", 2).group_index("new", 2).client();
    client.capture_event(&Event::new("u", "e").group("old", "a").group("new", "b")).unwrap();
    client.deliver();
    assert_eq!(
        own_properties(&the_event(&receiver)),
        json!({"$groups": {"old": "a", "new": "b"}, "$group_2": "b"})
    );
}

#[test]
fn an_index_outside_0_to_4_is_refused_and_changes_nothing() {
    let receiver = Receiver::start();
    let config = to(&receiver).group_index("company", 4);
    for index in [5, 6, u32::MAX] {
        let status = ph_config_set_group_index(config.raw(), c"company".as_ptr(), index);
        assert_eq!(status, PH_ERROR_RANGE);
    }
    let client = config.client();
    client.capture_event(&Event::new("u", "e").group("company", "acme")).unwrap();
    client.deliver();
    assert_eq!(
        own_properties(&the_event(&receiver)),
        json!({"$groups": {"company": "acme"}, "$group_4": "acme"})
    );
}
