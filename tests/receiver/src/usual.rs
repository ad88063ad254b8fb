//! What PostHog answers when nothing is wrong with it.

use serde_json::{Value, json};

use crate::definitions::Definitions;
use crate::flags::Flags;
use crate::reply::{Reply, Response};
use crate::request::Request;
use crate::v1;

/// The status and bytes of an answer.
pub(crate) fn respond(
    reply: &Reply,
    request: &mut Request,
    flags: &Flags,
    definitions: &Definitions,
    keep_alive: bool,
) -> (u16, Response) {
    let too_large = reply.max_body.is_some_and(|max| request.body.len() > max);
    if too_large {
        let body = error("the body is too large").to_string();
        return (413, reply.clone().body(body).render(413, Vec::new(), keep_alive));
    }
    if request.is_definitions() {
        return respond_definitions(reply, request, definitions, keep_alive);
    }
    let (usual, body) = usual(reply, request, flags);
    let status = reply.status.unwrap_or(usual);
    if request.is_v1() && status == usual && usual == 200 && reply.body.is_none() {
        request.verdicts = Some(v1::verdicts(request, &reply.results));
    }
    let body = if status == usual { body.to_string() } else { String::new() };
    (status, reply.render(status, body.into_bytes(), keep_alive))
}

fn respond_definitions(
    reply: &Reply,
    request: &Request,
    definitions: &Definitions,
    keep_alive: bool,
) -> (u16, Response) {
    let (usual, etag, body) = definitions.answer(request);
    let status = reply.status.unwrap_or(usual);
    let mut reply = reply.clone();
    let scripted = reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("etag"));
    if let Some(etag) = etag.filter(|_| status == usual && !scripted) {
        reply = reply.header("ETag", &etag);
    }
    let body = if status == usual { body.to_string() } else { String::new() };
    (status, reply.render(status, body.into_bytes(), keep_alive))
}

fn usual(reply: &Reply, request: &Request, flags: &Flags) -> (u16, Value) {
    if request.is_ingest() {
        let refused = |reason: &String| (400, json!({"error": reason}));
        return request.refusal.as_ref().map_or((200, json!({"status": "ok"})), refused);
    }
    if !request.is_capture() && !request.is_flags() {
        return (404, error("there is nothing at this path"));
    }
    if request.method != "POST" {
        return (405, error("only POST is allowed here"));
    }
    match &request.refusal {
        Some(reason) if request.is_v1() => {
            let status = v1::headers(&request.headers).err().map_or(400, |(status, _)| status);
            (status, json!({"error": "invalid_request", "error_description": reason}))
        }
        Some(reason) => (400, error(reason)),
        None if request.is_v1() => {
            (200, v1::answer(request, &v1::verdicts(request, &reply.results)))
        }
        None if request.is_capture() => (200, json!({"status": 1})),
        None => (200, flags.answer(request.json.as_ref())),
    }
}

fn error(detail: &str) -> Value {
    json!({
        "type": "validation_error",
        "code": "invalid_payload",
        "detail": detail,
        "attr": null,
    })
}
