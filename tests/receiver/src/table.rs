//! What arrived, as a table for people: a pure function of the recorded requests.
//!
//! Columns have fixed widths, so rows can be printed as they come and still line up.

use serde_json::{Map, Value};

use crate::request::{Outcome, Request};
use crate::timestamp;

const WIDTH: usize = 100;
const NUMBER: usize = 4;
const TIME: usize = 12;
const EVENT: usize = 28;
const PERSON: usize = 28;
const LAST: usize = 14;
/// Where the event column begins, and with it everything written below a row.
const INDENT: usize = NUMBER + 2 + TIME + 2;
const MAX_KEY: usize = 32;

/// Properties a library stamps on every event. They seldom change, so they get a line of their
/// own when they do, and are left out below the events.
const STAMPED: [&str; 6] =
    ["$lib", "$lib_version", "$os", "$os_version", "$is_server", "$geoip_disable"];

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";

#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    pub color: bool,
}

/// The table of all these requests.
pub fn table(requests: &[Request], style: Style) -> String {
    let mut table = Table::new(style);
    let rows: String = requests.iter().map(|request| table.rows(request)).collect();
    if rows.is_empty() { "nothing has arrived\n".into() } else { rows }
}

/// A table that is printed while requests arrive.
pub struct Table {
    style: Style,
    rows: usize,
    events: usize,
    stamped: String,
    text: String,
}

impl Table {
    pub fn new(style: Style) -> Table {
        Table { style, rows: 0, events: 0, stamped: String::new(), text: String::new() }
    }

    /// The rows a request adds, after those of the requests before it.
    pub fn rows(&mut self, request: &Request) -> String {
        if self.rows == 0 {
            self.row(DIM, DIM, ["#", "time", "event", "distinct id", "uuid"]);
        }
        let answered = request.outcome == Outcome::Answered && request.is_taken();
        if answered && request.is_capture() {
            request.taken_events().for_each(|event| self.event(event, request));
        } else {
            self.request(request, answered);
        }
        std::mem::take(&mut self.text)
    }

    fn event(&mut self, event: &Value, request: &Request) {
        let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
        let none = Map::new();
        let properties = event.get("properties").and_then(Value::as_object).unwrap_or(&none);
        self.stamped(properties);

        self.events += 1;
        let number = self.events.to_string();
        let sent = timestamp::parse(text("timestamp"));
        let time = timestamp::time_of_day(sent.unwrap_or(timestamp::millis(request.arrived)));
        let (name, person) = (plain(text("event")), plain(text("distinct_id")));
        self.row("", BOLD, [&number, &time, &name, &person, &shortened(text("uuid"))]);
        let own = || properties.iter().filter(|(key, _)| !STAMPED.contains(&key.as_str()));
        let width = own().map(|(key, _)| length(&plain(key))).max().unwrap_or(0).min(MAX_KEY);
        for (key, value) in own() {
            let value = cut(&shown(value), WIDTH - INDENT - width - 3);
            self.detail("", &format!("{} = {value}", padded(&plain(key), width)));
        }
    }

    /// A request that brought no events, or whose events were not accepted.
    fn request(&mut self, request: &Request, answered: bool) {
        let body = request.json.as_ref();
        let person = body.and_then(|body| body.get("distinct_id")?.as_str()).unwrap_or_default();
        let name = match request.events().len() {
            0 => request.path.clone(),
            1 => format!("{} (1 event)", request.path),
            events => format!("{} ({events} events)", request.path),
        };
        let status = request.status.map_or("-".into(), |status| status.to_string());
        let last = match request.outcome {
            Outcome::Pending => "pending".into(),
            Outcome::Answered => status,
            Outcome::Lost => format!("lost {status}"),
            Outcome::Unread => "unread".into(),
        };
        let time = timestamp::time_of_day(timestamp::millis(request.arrived));
        let (mark, color) = if answered { ("-", "") } else { ("!", RED) };
        self.row(color, color, [mark, &time, &plain(&name), &plain(person), &last]);

        let answer = serde_json::from_slice::<Value>(&request.response).ok();
        let flags = answer.as_ref().and_then(|answer| answer.get("flags")?.as_object());
        match (&request.refusal, flags) {
            (Some(reason), _) => self.detail(color, &plain(reason)),
            (None, Some(flags)) => self.flags(flags),
            (None, None) => self.detail(color, &plain(&String::from_utf8_lossy(&request.response))),
        }
    }

    fn flags(&mut self, flags: &Map<String, Value>) {
        let width = flags.keys().map(|key| length(&plain(key))).max().unwrap_or(0).min(MAX_KEY);
        for (key, flag) in flags {
            let value = match (flag["variant"].as_str(), flag["enabled"].as_bool()) {
                (Some(variant), Some(true)) => shown(&variant.into()),
                (_, enabled) => enabled.unwrap_or_default().to_string(),
            };
            let payload = flag["metadata"]["payload"].as_str().map(plain).unwrap_or_default();
            let line = format!("{} = {value}  {payload}", padded(&plain(key), width));
            self.detail("", &line);
        }
    }

    /// The stamped properties, when they are not those of the event before.
    fn stamped(&mut self, properties: &Map<String, Value>) {
        let stamped = STAMPED.iter().filter_map(|key| Some((key, properties.get(*key)?)));
        let pairs: Vec<_> = stamped.map(|(key, value)| format!("{key}={}", shown(value))).collect();
        let joined = pairs.join("  ");
        if joined == self.stamped {
            return;
        }
        self.stamped = joined;
        let mut line = String::new();
        for pair in pairs {
            if !line.is_empty() && length(&line) + 2 + length(&pair) > WIDTH - INDENT {
                self.detail(DIM, &line);
                line.clear();
            }
            line += if line.is_empty() { "" } else { "  " };
            line += &pair;
        }
        self.detail(DIM, &line);
    }

    fn row(
        &mut self,
        color: &str,
        name_color: &str,
        [number, time, name, person, last]: [&str; 5],
    ) {
        self.rows += 1;
        let left = format!("{number:>NUMBER$}  {}", padded(time, TIME));
        let right = format!("{}  {}", padded(&cut(person, PERSON), PERSON), cut(last, LAST));
        let name = self.painted(name_color, &padded(&cut(name, EVENT), EVENT));
        let (left, right) = (self.painted(color, &left), self.painted(color, right.trim_end()));
        self.text += &format!("{left}  {name}  {right}");
        self.text.truncate(self.text.trim_end().len());
        self.text.push('\n');
    }

    fn detail(&mut self, color: &str, line: &str) {
        let line = cut(line.trim_end(), WIDTH - INDENT);
        if !line.is_empty() {
            self.text += &format!("{:INDENT$}{}\n", "", self.painted(color, &line));
        }
    }

    fn painted(&self, color: &str, text: &str) -> String {
        if self.style.color && !color.is_empty() {
            format!("\x1b[{color}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// A value as it is best read: strings bare, unless they would pass for something else.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.trim() != text || text.is_empty() => value.to_string(),
        Value::String(text) if serde_json::from_str::<Value>(text).is_ok() => value.to_string(),
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

/// Keeps control characters of recorded text from reaching the terminal.
fn plain(text: &str) -> String {
    let escape = |char: char| match char {
        char if char.is_control() => char.escape_default().to_string(),
        char => char.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Both ends of a uuid: it begins with its time and ends with chance.
fn shortened(uuid: &str) -> String {
    match (uuid.get(..8), uuid.len().checked_sub(4).and_then(|at| uuid.get(at..))) {
        (Some(start), Some(end)) if uuid.len() > LAST => plain(&format!("{start}…{end}")),
        _ => plain(uuid),
    }
}

fn cut(text: &str, width: usize) -> String {
    if length(text) <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

fn padded(text: &str, width: usize) -> String {
    format!("{}{:2$}", text, "", width.saturating_sub(length(text)))
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Flags;
    use crate::head::Head;
    use serde_json::json;
    use std::time::{Duration, UNIX_EPOCH};

    fn request(path: &str, body: &Value, status: u16, outcome: Outcome) -> Request {
        let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\n\r\n");
        let mut request = Request::new(&Head::parse(head.as_bytes()).unwrap(), 1);
        request.arrived = UNIX_EPOCH + Duration::from_millis(1_709_210_097_000);
        request.take_body(body.to_string().into_bytes());
        request.status = Some(status);
        request.outcome = outcome;
        request
    }

    fn batch(events: &Value) -> Value {
        json!({"api_key": "phc_x", "batch": events})
    }

    fn started() -> Value {
        json!({
            "event": "checkout started",
            "distinct_id": "user-42",
            "uuid": "0190a6e0-7c3b-7def-8123-456789abcdef",
            "timestamp": "2024-02-29T12:34:56.789Z",
            "properties": {
                "$lib": "posthog-c", "$lib_version": "0.1.0", "$is_server": true,
                "plan": "pro", "cart": {"items": 3, "total": 19.5}, "code": "12",
                "note": "x".repeat(90), "$os": "Linux", "$os_version": "6.1.0-18-amd64",
                "$geoip_disable": true,
            },
        })
    }

    #[test]
    fn it_looks_like_this() {
        let mut finished = started();
        finished["event"] = json!("checkout finished");
        finished["properties"]["cart"] = json!("line\nbreak \u{1b}[2J");
        finished["properties"].as_object_mut().unwrap().remove("note");
        let mut flags = request(
            "/flags/?v=2",
            &json!({"api_key": "k", "distinct_id": "user-42"}),
            200,
            Outcome::Answered,
        );
        flags.response = Flags::default().answer(None).to_string().into_bytes();
        let bad = batch(&json!([{"event": "no person"}]));
        let text = table(
            &[
                request("/batch/", &batch(&json!([started(), finished])), 200, Outcome::Answered),
                flags,
                request("/batch/", &bad, 400, Outcome::Answered),
                request("/batch/", &batch(&json!([started(), started()])), 200, Outcome::Lost),
            ],
            Style::default(),
        );
        let long = "x".repeat(72);
        let expected = format!(
            "
   #  time          event                         distinct id                   uuid
                    $lib=posthog-c  $lib_version=0.1.0  $os=Linux  $os_version=6.1.0-18-amd64
                    $is_server=true  $geoip_disable=true
   1  12:34:56.789  checkout started              user-42                       0190a6e0…cdef
                    plan = pro
                    cart = {{\"items\":3,\"total\":19.5}}
                    code = \"12\"
                    note = {long}…
   2  12:34:56.789  checkout finished             user-42                       0190a6e0…cdef
                    plan = pro
                    cart = line\\nbreak \\u{{1b}}[2J
                    code = \"12\"
   -  12:34:57.000  /flags/?v=2                   user-42                       200
                    new-checkout = true  {{\"copy\":\"hello\"}}
   !  12:34:57.000  /batch/ (1 event)                                           400
                    event 0: distinct_id is missing
   !  12:34:57.000  /batch/ (2 events)                                          lost 200
"
        );
        assert_eq!(format!("\n{text}"), expected);
        assert!(text.lines().all(|line| length(line) <= WIDTH));
    }

    #[test]
    fn colour_is_there_only_when_asked_for() {
        let requests = [request("/batch/", &batch(&json!([started()])), 200, Outcome::Answered)];
        let colored = table(&requests, Style { color: true });
        assert!(colored.contains("\x1b[1mcheckout started"));
        assert!(colored.contains("\x1b[2m$lib=posthog-c"));
        let bare = ["\x1b[1m", "\x1b[2m", "\x1b[0m"].iter().fold(colored, |t, c| t.replace(c, ""));
        assert_eq!(bare.replace(' ', ""), table(&requests, Style::default()).replace(' ', ""));
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(table(&[], Style::default()), "nothing has arrived\n");
    }
}
