//! The event that tells PostHog of a read: which flag, what it said, and what that came from.

use super::draft::Origin;
use super::snapshot::{Flag, Snapshot};
use crate::error::Error;
use crate::event::Event;
use crate::props::Props;

/// What an event of the short form may have besides what [`event`] writes: who, where and what
/// with, and where the visit came from (sdk-specs, feature-flag-called-tracker).
const SHORT: [&str; 33] = [
    "$feature_flag",
    "$feature_flag_response",
    "$feature_flag_has_experiment",
    "$feature_flag_id",
    "$feature_flag_version",
    "$feature_flag_reason",
    "$feature_flag_request_id",
    "$feature_flag_evaluated_at",
    "$feature_flag_error",
    "locally_evaluated",
    "$groups",
    "$process_person_profile",
    "$session_id",
    "$window_id",
    "$device_id",
    "$lib",
    "$lib_version",
    "$is_server",
    "$geoip_disable",
    "$os",
    "$os_version",
    "$python_runtime",
    "$python_version",
    "$referring_domain",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "gad_source",
    "mc_cid",
    "gclid",
    "fbclid",
];

/// Those properties that stay in an event of the short form.
pub fn short(props: &Props) -> Result<Props, Error> {
    let mut short = Props::new();
    for key in SHORT {
        if let Some(value) = props.get(key) {
            short.set_raw(key, value)?;
        }
    }
    Ok(short)
}

/// The event of one read.
pub fn event(snapshot: &Snapshot, key: &str) -> Result<Event, Error> {
    let flag = snapshot.find(key.as_bytes());
    let known = flag.filter(|flag| flag.enabled().is_some());
    let mut event = Event::new(snapshot.distinct_id(), "$feature_flag_called")?;
    for (group_type, key) in snapshot.groups() {
        event.set_group(group_type, key)?;
    }
    // The short form only where everybody has said so: the project, and for this flag.
    event.is_short =
        known.is_some_and(|flag| flag.source().minimal && flag.has_experiment() == Some(false));
    let props = &mut event.props;
    props.set_str("$feature_flag", key.as_bytes())?;
    set_response(props, "$feature_flag_response", known)?;
    let locally =
        known.is_some_and(|flag| !matches!(flag.origin(), Origin::Remote | Origin::Stale));
    props.set_bool("locally_evaluated", locally)?;
    set_response(props, &format!("$feature/{key}"), known)?;
    if let Some(flag) = flag {
        set_details(props, flag)?;
    }
    if !locally {
        let request_id = match known {
            Some(flag) => flag.source().request_id.as_deref().map(str::as_bytes),
            None => snapshot.request_id().map(|id| id.to_bytes()),
        };
        if let Some(request_id) = request_id {
            props.set_str("$feature_flag_request_id", request_id)?;
        }
        let error = error(snapshot, flag);
        if !error.is_empty() {
            props.set_str("$feature_flag_error", error.as_bytes())?;
        }
    }
    Ok(event)
}

fn set_response(props: &mut Props, name: &str, known: Option<Flag<'_>>) -> Result<(), Error> {
    match known.map(|flag| (flag.variant(), flag.enabled())) {
        Some((Some(variant), _)) => props.set_str(name, variant.to_bytes()),
        Some((None, Some(enabled))) => props.set_bool(name, enabled),
        _ => props.set_null(name),
    }
}

fn set_details(props: &mut Props, flag: Flag<'_>) -> Result<(), Error> {
    if let Some(payload) = flag.payload() {
        props.set_json("$feature_flag_payload", payload.to_bytes())?;
    }
    let source = flag.source();
    let numbers = [
        ("$feature_flag_id", flag.id()),
        ("$feature_flag_version", flag.version()),
        ("$feature_flag_evaluated_at", source.evaluated_at),
        ("$feature_flag_definitions_loaded_at", source.definitions_loaded_at),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            props.set_i64(name, number)?;
        }
    }
    if let Some(reason) = flag.description().or(flag.reason()) {
        props.set_str("$feature_flag_reason", reason.to_bytes())?;
    }
    if let Some(has_experiment) = flag.has_experiment() {
        props.set_bool("$feature_flag_has_experiment", has_experiment)?;
    }
    Ok(())
}

/// What went wrong, in the names that all SDKs use.
fn error(snapshot: &Snapshot, flag: Option<Flag<'_>>) -> String {
    let mut errors: Vec<&str> = Vec::new();
    if snapshot.errors() {
        errors.push("errors_while_computing_flags");
    }
    if snapshot.quota_limited() {
        errors.push("quota_limited");
    }
    errors.extend(snapshot.failure());
    match flag {
        Some(flag) if flag.enabled().is_none() => errors.push("evaluation_failed"),
        // Where nothing was evaluated nobody knows what is missing.
        None if !snapshot.quota_limited() && snapshot.failure().is_none() => {
            errors.push("flag_missing");
        }
        _ => {}
    }
    errors.join(",")
}

#[cfg(test)]
mod tests;
