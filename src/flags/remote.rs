//! The `/flags` endpoint: what is asked, what an answer means, and when to ask again. Pure.

use super::context::Context;
use super::draft::{Draft, Record, Source};
use crate::error::Error;
use crate::json;
use crate::props::Props;
use crate::retry;
use crate::transport::FailureKind;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Relative to the host.
pub const PATH: &str = "/flags/?v=2";

/// More of an answer than this is not read.
pub const ANSWER_MAX: u64 = 8 << 20;

/// Requests after the first one.
const RETRIES_MAX: u32 = 1;
const RETRY_WAIT: Duration = Duration::from_millis(300);

/// Why a record has no value although it is there: its JSON is not what a record's is.
const MALFORMED: &str = "malformed";

/// Writes the body of a request. The keys that are denied, escaped as on the wire, leave in no
/// property, however deep.
pub fn body(
    out: &mut Vec<u8>,
    api_key: &str,
    distinct_id: &str,
    context: &Context,
    geoip_disable_default: bool,
    denied: &HashSet<Vec<u8>>,
) {
    out.extend_from_slice(b"{\"api_key\":");
    write_quoted(out, api_key);
    out.extend_from_slice(b",\"distinct_id\":");
    write_quoted(out, distinct_id);
    if let Some(device_id) = &context.device_id {
        out.extend_from_slice(b",\"device_id\":");
        write_quoted(out, device_id);
    }
    // Servers want these three to be objects, also when there is nothing in them.
    out.extend_from_slice(b",\"groups\":");
    write_map(out, &context.groups, |out, key| write_quoted(out, key));
    out.extend_from_slice(b",\"person_properties\":");
    write_props(out, &context.person_properties, denied);
    out.extend_from_slice(b",\"group_properties\":");
    write_map(out, &context.group_properties, |out, props| write_props(out, props, denied));
    let geoip_disable = context.geoip_disable.unwrap_or(geoip_disable_default);
    out.extend_from_slice(b",\"geoip_disable\":");
    out.extend_from_slice(if geoip_disable { b"true" } else { b"false" });
    if let Some(keys) = &context.flag_keys {
        out.extend_from_slice(b",\"flag_keys_to_evaluate\":");
        write_list(out, keys);
    }
    if !context.evaluation_contexts.is_empty() {
        out.extend_from_slice(b",\"evaluation_contexts\":");
        write_list(out, &context.evaluation_contexts);
    }
    out.push(b'}');
}

fn write_quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    json::write_text(out, text);
    out.push(b'"');
}

fn write_props(out: &mut Vec<u8>, props: &Props, denied: &HashSet<Vec<u8>>) {
    out.push(b'{');
    if denied.is_empty() {
        out.extend_from_slice(props.text());
    } else {
        json::without_keys(out, props.text(), &|key| denied.contains(key));
    }
    out.push(b'}');
}

fn write_map<'a, V: 'a>(
    out: &mut Vec<u8>,
    map: impl IntoIterator<Item = (&'a String, &'a V)>,
    write_value: impl Fn(&mut Vec<u8>, &V),
) {
    out.push(b'{');
    for (index, (key, value)) in map.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_quoted(out, key);
        out.push(b':');
        write_value(out, value);
    }
    out.push(b'}');
}

fn write_list<'a>(out: &mut Vec<u8>, texts: impl IntoIterator<Item = &'a String>) {
    out.push(b'[');
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_quoted(out, text);
    }
    out.push(b']');
}

/// Why an attempt has no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    Failure(FailureKind),
    /// A status other than 2xx.
    Status(u16),
    /// The answer is not one of this endpoint.
    Unreadable,
    /// The deadline passed first.
    Late,
    /// The client was closed meanwhile.
    Closed,
}

impl Fault {
    /// How long to wait before the next attempt, after so many and with so much time left. `None`
    /// to give up. Each attempt costs the project's quota, so that only what is likely to pass is
    /// tried again.
    pub fn retry(self, attempts: u32, left: Duration) -> Option<Duration> {
        let passes = match self {
            Fault::Failure(kind) => kind != FailureKind::Refused,
            Fault::Status(status) => {
                retry::verdict(retry::Family::Flags, status) == retry::Verdict::Retry
            }
            Fault::Unreadable | Fault::Late | Fault::Closed => false,
        };
        (passes && attempts <= RETRIES_MAX && left > RETRY_WAIT).then_some(RETRY_WAIT)
    }

    /// Whether others would fare no better: it is not about this one request.
    pub fn is_outage(self) -> bool {
        match self {
            Fault::Failure(_) | Fault::Unreadable | Fault::Late => true,
            Fault::Status(status) => status >= 500 || matches!(status, 401 | 402 | 403 | 408 | 429),
            Fault::Closed => false,
        }
    }

    /// Whether there was not enough time.
    pub fn is_late(self) -> bool {
        matches!(self, Fault::Failure(FailureKind::Timeout) | Fault::Late)
    }

    /// Its name in `$feature_flag_error`.
    pub fn code(self) -> String {
        match self {
            Fault::Failure(FailureKind::Timeout) | Fault::Late => "timeout".to_owned(),
            Fault::Failure(_) | Fault::Closed => "connection_error".to_owned(),
            Fault::Status(status) => format!("api_error_{status}"),
            Fault::Unreadable => "unknown_error".to_owned(),
        }
    }

    pub fn error(self) -> Error {
        match self {
            Fault::Failure(FailureKind::Timeout) | Fault::Late => Error::Timeout,
            Fault::Failure(_) => Error::Network,
            Fault::Status(_) | Fault::Unreadable => Error::Server,
            Fault::Closed => Error::Shutdown,
        }
    }
}

/// Why there is no answer, in PostHog's code.
pub fn failure(error: Error) -> &'static str {
    match error {
        Error::Timeout => "timeout",
        Error::Network => "connection_error",
        _ => "unknown_error",
    }
}

/// What such a code means for the call.
pub fn error_of(failure: &str) -> Error {
    match failure {
        "timeout" => Error::Timeout,
        "connection_error" => Error::Network,
        _ => Error::Server,
    }
}

/// Reads an answer of any version of the endpoint. What is not known is ignored.
pub fn parse(answer: &[u8]) -> Result<Draft, Error> {
    let mut text = Vec::with_capacity(answer.len());
    json::clean_members(&mut text, answer).map_err(|_| Error::Server)?;
    let mut draft = Draft::default();
    let mut source = Source::default();
    let (mut flags, mut old_flags, mut old_payloads) = (None, None, None);
    for member in json::members(&text) {
        let value = member.value;
        match member.key {
            _ if value == b"null" => {}
            b"flags" => flags = Some(value),
            b"featureFlags" => old_flags = Some(value),
            b"featureFlagPayloads" => old_payloads = object(value),
            // Anything but a plain no: who cannot be understood may have had errors.
            b"errorsWhileComputingFlags" => draft.errors = value != b"false",
            b"quotaLimited" => draft.quota_limited = is_quota_limited(value),
            b"requestId" => source.request_id = string(value),
            b"evaluatedAt" => source.evaluated_at = integer(value),
            b"minimalFlagCalledEvents" => source.minimal = value == b"true",
            _ => {}
        }
    }
    draft.source = Arc::new(source);
    if draft.quota_limited {
        return Ok(draft);
    }
    draft.records = match (flags, old_flags) {
        (Some(flags), _) => records(object(flags).ok_or(Error::Server)?),
        (None, Some(flags)) => old_records(flags, old_payloads.unwrap_or_default())?,
        // Some other JSON: a proxy's, a captive portal's.
        (None, None) => return Err(Error::Server),
    };
    Ok(draft)
}

/// `["feature_flags"]`: the products that are over their quota.
fn is_quota_limited(value: &[u8]) -> bool {
    let products: Vec<String> = serde_json::from_slice(value).unwrap_or_default();
    products.iter().any(|product| product == "feature_flags")
}

fn records(flags: &[u8]) -> Vec<Record> {
    let read = |member: json::Member<'_>| {
        let key = json::read_text(member.key).into_owned();
        read_record(&key, member.value).unwrap_or_else(|| malformed(key))
    };
    json::members(flags).map(read).collect()
}

fn malformed(key: String) -> Record {
    Record { key, reason: Some(MALFORMED.to_owned()), ..Record::default() }
}

/// One record of version 2 or 4. `None` when a field that is known has a type that it never has.
fn read_record(key: &str, value: &[u8]) -> Option<Record> {
    let mut record = Record { key: key.to_owned(), ..Record::default() };
    let (mut failed, mut typed) = (false, None);
    for member in json::members(object(value)?) {
        let value = member.value;
        match member.key {
            b"key" => drop(string(value)?),
            b"enabled" => record.enabled = Some(boolean(value)?),
            b"variant" => record.variant = optional(value, string)?,
            b"value" => typed = Some(value),
            b"failed" => failed = optional(value, boolean)?.unwrap_or(false),
            b"reason" => read_reason(&mut record, optional(value, object)?)?,
            b"metadata" => read_metadata(&mut record, optional(value, object)?)?,
            _ => {}
        }
    }
    if let Some(value) = typed {
        set_typed(&mut record, value);
    }
    if failed {
        // What else it says is left over from before it failed.
        (record.variant, record.payload, record.enabled) = (None, None, None);
        return Some(record);
    }
    // A variant is a way of being on.
    if !record.enabled? {
        record.variant = None;
    }
    Some(record)
}

fn read_reason(record: &mut Record, reason: Option<&[u8]>) -> Option<()> {
    for member in json::members(reason.unwrap_or_default()) {
        match member.key {
            b"code" => record.reason = optional(member.value, string)?,
            b"description" => record.description = optional(member.value, string)?,
            _ => {}
        }
    }
    Some(())
}

fn read_metadata(record: &mut Record, metadata: Option<&[u8]>) -> Option<()> {
    for member in json::members(metadata.unwrap_or_default()) {
        match member.key {
            b"id" => record.id = optional(member.value, integer)?,
            b"version" => record.version = optional(member.value, integer)?,
            b"payload" => record.payload = payload_of(member.value),
            b"has_experiment" => record.has_experiment = optional(member.value, boolean)?,
            _ => {}
        }
    }
    Some(())
}

/// The value of a record of version 4, in the terms of version 2: on or off, a variant, a payload.
fn set_typed(record: &mut Record, value: &[u8]) {
    (record.enabled, record.variant) = (Some(value != b"null" && value != b"false"), None);
    match value.first() {
        Some(b'"') => record.variant = string(value),
        // Neither null nor a boolean: a number, an object or an array.
        Some(b'n' | b't' | b'f') | None => {}
        Some(_) => record.payload = text(value),
    }
}

/// The shapes before version 2: a map of values, or a list of the keys that are on.
fn old_records(flags: &[u8], payloads: &[u8]) -> Result<Vec<Record>, Error> {
    let Some(flags) = object(flags) else {
        let keys: Vec<String> = serde_json::from_slice(flags).map_err(|_| Error::Server)?;
        let on = |key| Record { key, enabled: Some(true), ..Record::default() };
        return Ok(keys.into_iter().map(on).collect());
    };
    let payloads: HashMap<&[u8], &[u8]> =
        json::members(payloads).map(|member| (member.key, member.value)).collect();
    let mut records = Vec::new();
    for member in json::members(flags) {
        let key = json::read_text(member.key).into_owned();
        let payload = payloads.get(member.key).and_then(|value| payload_of(value));
        records.push(match (boolean(member.value), string(member.value)) {
            (Some(enabled), _) => {
                Record { key, enabled: Some(enabled), payload, ..Record::default() }
            }
            (None, Some(variant)) => Record {
                key,
                enabled: Some(true),
                variant: Some(variant),
                payload,
                ..Record::default()
            },
            (None, None) => malformed(key),
        });
    }
    Ok(records)
}

/// A payload's JSON text. Usually it is sent inside a string.
fn payload_of(value: &[u8]) -> Option<String> {
    if value == b"null" {
        return None;
    }
    let Some(content) = string(value) else { return text(value) };
    let mut cleaned = Vec::new();
    match json::clean(&mut cleaned, content.as_bytes()) {
        Ok(0) => Some(content),
        // It has what strict parsers refuse.
        Ok(_) => text(&cleaned),
        Err(_) => text(value),
    }
}

/// Null stands for a field that is absent.
fn optional<'a, T>(value: &'a [u8], read: impl Fn(&'a [u8]) -> Option<T>) -> Option<Option<T>> {
    if value == b"null" { Some(None) } else { read(value).map(Some) }
}

/// The members of an object.
fn object(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"{")?.strip_suffix(b"}")
}

fn string(value: &[u8]) -> Option<String> {
    let escaped = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    Some(json::read_text(escaped).into_owned())
}

fn boolean(value: &[u8]) -> Option<bool> {
    match value {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn text(value: &[u8]) -> Option<String> {
    std::str::from_utf8(value).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests;
