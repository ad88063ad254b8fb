//! A request as it is recorded.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::head::{self, Head};
use crate::reply::Verdict;
use crate::{body, ingest, strict_json, timestamp, v1, validate};

#[derive(Clone, Debug)]
pub struct Request {
    /// Position among all recorded requests, from 0.
    pub index: usize,
    /// The connection it came on, from 1 in the order of each connection's first request.
    pub connection: u64,
    pub arrived: SystemTime,
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// Names in lower case, in the order sent.
    pub headers: Vec<(String, String)>,
    /// Length of the body as sent, before its Content-Encoding is undone.
    pub raw_length: usize,
    /// The decoded body; empty when it was not read or does not decode.
    pub body: Vec<u8>,
    /// The decoded body as JSON, strictly read.
    pub json: Option<Value>,
    /// Why the body is not what its path demands, if it is not.
    pub refusal: Option<String>,
    pub outcome: Outcome,
    /// The status answered, or that would have been; `None` while none was decided.
    pub status: Option<u16>,
    /// The body answered, or that would have been.
    pub response: Vec<u8>,
    /// What was answered for each event, if it was V1 that answered.
    pub verdicts: Option<Vec<Verdict>>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is still being answered.
    Pending,
    /// The whole answer was sent to a peer that was there.
    Answered,
    /// It was read, but its answer was cut off: only the receiver knows what it would have said.
    Lost,
    /// It was not read to its end.
    Unread,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Outcome::Pending => "pending",
            Outcome::Answered => "answered",
            Outcome::Lost => "lost",
            Outcome::Unread => "unread",
        }
    }
}

impl Request {
    pub(crate) fn new(head: &Head, connection: u64) -> Request {
        Request {
            index: 0,
            connection,
            arrived: SystemTime::now(),
            method: head.method.clone(),
            path: head.path.clone(),
            headers: head.headers.clone(),
            raw_length: 0,
            body: Vec::new(),
            json: None,
            refusal: None,
            outcome: Outcome::Pending,
            status: None,
            response: Vec::new(),
            verdicts: None,
        }
    }

    pub(crate) fn take_body(&mut self, raw: Vec<u8>) {
        self.raw_length = raw.len();
        self.refusal = self.judge(raw).err();
    }

    fn judge(&mut self, raw: Vec<u8>) -> Result<(), String> {
        self.body = body::decode(raw, self.header("content-encoding"))?;
        let parsed = strict_json::parse(&self.body);
        if self.is_ingest() {
            let json = parsed.map_err(|reason| format!("the body is not JSON: {reason}"))?;
            let checked = ingest::check(&json, self.header("x-api-key"));
            self.json = Some(json);
            return checked;
        }
        let capture = self.is_capture();
        if !capture && !self.is_flags() {
            self.json = parsed.ok();
            return Ok(());
        }
        let json = parsed.map_err(|reason| format!("the body is not JSON: {reason}"))?;
        let is_v1 = self.is_v1();
        let json = &*self.json.insert(json);
        if is_v1 {
            v1::headers(&self.headers).map_err(|(_, reason)| reason)?;
            v1::body(json)
        } else if capture {
            validate::batch(json).map(drop)
        } else {
            validate::flags(json)
        }
    }

    /// The first value of a header, given its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        head::find(&self.headers, name)
    }

    /// The path without its query and closing slash: `/batch` for `/batch/?v=1`.
    pub fn endpoint(&self) -> &str {
        self.path.split('?').next().unwrap_or_default().trim_end_matches('/')
    }

    pub fn is_capture(&self) -> bool {
        matches!(self.endpoint(), "/batch" | "/i/v0/e" | "/capture" | "/i/v0/ai/batch")
            || self.is_v1()
    }

    /// Whether it is capture V1, which answers for each event.
    pub fn is_v1(&self) -> bool {
        matches!(self.endpoint(), "/i/v1/analytics/events" | "/i/v1/ai/events")
    }

    pub fn is_flags(&self) -> bool {
        self.endpoint() == "/flags"
    }

    /// Whether it is of another service than PostHog.
    pub fn is_ingest(&self) -> bool {
        self.endpoint() == "/ingest-events"
    }

    pub fn is_definitions(&self) -> bool {
        self.endpoint() == "/flags/definitions"
    }

    /// The events of a capture request, whatever became of it.
    pub fn events(&self) -> &[Value] {
        let batch = self.json.as_ref().filter(|_| self.is_capture());
        batch.and_then(|json| json.get("batch")?.as_array()).map_or(&[], Vec::as_slice)
    }

    /// Whether the receiver decided to take its events: a good body and a 2xx status; in V1, with
    /// an answer for each event.
    pub fn is_taken(&self) -> bool {
        self.refusal.is_none()
            && self.status.is_some_and(|status| status / 100 == 2)
            && (!self.is_v1() || self.verdicts.is_some())
    }

    /// The events that the receiver decided to take.
    pub fn taken_events(&self) -> impl Iterator<Item = &Value> {
        let events = if self.is_taken() { self.events() } else { &[] };
        let is_taken = |place: usize| match &self.verdicts {
            Some(verdicts) => verdicts.get(place).is_some_and(Verdict::is_taken),
            None => true,
        };
        events.iter().enumerate().filter(move |(place, _)| is_taken(*place)).map(|(_, event)| event)
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            match headers.get_mut(name) {
                Some(Value::String(values)) => *values = format!("{values}, {value}"),
                _ => drop(headers.insert(name.clone(), value.as_str().into())),
            }
        }
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        json!({
            "index": self.index,
            "connection": self.connection,
            "arrived_ms": timestamp::millis(self.arrived),
            "method": self.method,
            "path": self.path,
            "headers": headers,
            "raw_length": self.raw_length,
            "json": self.json,
            "body": self.json.is_none().then(|| text(&self.body)),
            "refusal": self.refusal,
            "outcome": self.outcome.name(),
            "status": self.status,
            "response": text(&self.response),
        })
    }
}
