//! What the receiver answers, and how it spoils the answering.

use std::time::Duration;

use serde_json::Value;

/// The last piece of a response goes out once it is recorded as answered, so it must fit into a
/// socket's buffer: then its write does not wait for the peer.
const PIECE: usize = 16 * 1024;

/// An answer: [`Reply::usual`] or a status of one's own, with any misbehaviour added to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) delay: Duration,
    pub(crate) drip: Option<Drip>,
    pub(crate) chunk: Option<usize>,
    pub(crate) max_body: Option<usize>,
    pub(crate) results: Vec<Verdict>,
    pub(crate) cut: Option<(Cut, At)>,
}

/// What V1 answers for one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `ok`, `warning`, `drop`, `retry`, anything else; `absent` leaves the event out.
    pub result: String,
    pub details: Option<String>,
}

impl Verdict {
    pub fn new(result: &str, details: Option<&str>) -> Verdict {
        Verdict { result: result.to_owned(), details: details.map(str::to_owned) }
    }

    pub fn ok() -> Verdict {
        Verdict::new("ok", None)
    }

    pub fn drop(details: &str) -> Verdict {
        Verdict::new("drop", Some(details))
    }

    pub fn retry() -> Verdict {
        Verdict::new("retry", Some("not_persisted"))
    }

    /// Whether the server has the event.
    pub fn is_taken(&self) -> bool {
        matches!(self.result.as_str(), "ok" | "warning" | "absent")
    }
}

/// Where a request is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// After its head was read; its body stays unread.
    Head,
    /// After all of it was read; nothing is answered.
    Body,
    /// After so many bytes of the response were sent.
    Response(usize),
}

/// The part of a response that drips; the other part goes out at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Head,
    Body,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drip {
    pub part: Part,
    pub bytes: usize,
    pub interval: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Reset,
    Close,
    Hang,
}

impl Reply {
    /// What an unscripted receiver would answer, including its refusal of a bad body.
    pub fn usual() -> Reply {
        Reply::default()
    }

    /// This status whatever the request, with the usual body if it is the usual status too, and
    /// with an empty one otherwise.
    pub fn status(status: u16) -> Reply {
        Reply { status: Some(status), ..Reply::default() }
    }

    /// Adds a header; one the receiver would send by itself is replaced, Content-Length too.
    pub fn header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Reply {
        self.body = Some(body.into());
        self
    }

    pub fn json(self, body: &Value) -> Reply {
        self.body(body.to_string())
    }

    /// Waits before it answers, or before it cuts off.
    pub fn delay(mut self, delay: Duration) -> Reply {
        self.delay = delay;
        self
    }

    /// Sends so many bytes at a time, an interval apart.
    pub fn drip(mut self, part: Part, bytes: usize, interval: Duration) -> Reply {
        self.drip = Some(Drip { part, bytes: bytes.max(1), interval });
        self
    }

    /// Sends the body in chunks of that size (Transfer-Encoding: chunked).
    pub fn chunked(mut self, size: usize) -> Reply {
        self.chunk = Some(size.max(1));
        self
    }

    /// Answers 413 instead when the decoded body of the request is larger.
    pub fn max_body(mut self, bytes: usize) -> Reply {
        self.max_body = Some(bytes);
        self
    }

    /// What V1 answers for the events of a request, in their order; when there are more events, from
    /// the first again.
    pub fn results(mut self, results: impl IntoIterator<Item = Verdict>) -> Reply {
        self.results = results.into_iter().collect();
        self
    }

    /// Closes with an RST.
    pub fn reset(self, at: At) -> Reply {
        self.cut(Cut::Reset, at)
    }

    /// Closes with a FIN.
    pub fn close(self, at: At) -> Reply {
        self.cut(Cut::Close, at)
    }

    /// Falls silent; the connection stays open until the receiver stops.
    pub fn hang(self, at: At) -> Reply {
        self.cut(Cut::Hang, at)
    }

    /// Closes after so many bytes of the response.
    pub fn truncate(self, bytes: usize) -> Reply {
        self.close(At::Response(bytes))
    }

    pub(crate) fn cut(mut self, cut: Cut, at: At) -> Reply {
        self.cut = Some((cut, at));
        self
    }

    /// The bytes of the response, given its status and usual body.
    pub(crate) fn render(&self, status: u16, usual_body: Vec<u8>, keep_alive: bool) -> Response {
        let body = self.body.clone().unwrap_or(usual_body);
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        let mut add = |name: &str, value: &str| {
            if !self.headers.iter().any(|(it, _)| it.eq_ignore_ascii_case(name)) {
                head += &format!("{name}: {value}\r\n");
            }
        };
        add("Content-Type", "application/json");
        if !keep_alive {
            add("Connection", "close");
        }
        let bodiless = status / 100 == 1 || status == 204 || status == 304;
        match self.chunk {
            _ if bodiless => {}
            Some(_) => add("Transfer-Encoding", "chunked"),
            None => add("Content-Length", &body.len().to_string()),
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        let head_length = head.len();
        let mut bytes = head.into_bytes();
        match self.chunk {
            _ if bodiless => {}
            Some(size) => add_chunks(&mut bytes, &body, size),
            None => bytes.extend_from_slice(&body),
        }
        Response { bytes, head_length, body }
    }
}

/// A response as it goes out, and the body it carries.
pub(crate) struct Response {
    pub bytes: Vec<u8>,
    head_length: usize,
    pub body: Vec<u8>,
}

impl Response {
    /// The first `limit` bytes, in the pieces they are to be written in.
    pub fn pieces(&self, drip: Option<Drip>, limit: usize) -> Vec<&[u8]> {
        let bytes = &self.bytes[..self.bytes.len().min(limit)];
        let Some(drip) = drip else { return bytes.chunks(PIECE).collect() };
        let (head, body) = bytes.split_at(self.head_length.min(limit));
        let size = |part| {
            if drip.part == part || drip.part == Part::All { drip.bytes } else { usize::MAX }
        };
        head.chunks(size(Part::Head)).chain(body.chunks(size(Part::Body))).collect()
    }
}

fn add_chunks(bytes: &mut Vec<u8>, body: &[u8], size: usize) {
    for chunk in body.chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        200 => "OK",
        204 => "No Content",
        301 | 302 | 303 | 307 | 308 => "Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Scripted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reply: &Reply, status: u16) -> String {
        String::from_utf8(reply.render(status, b"usual".to_vec(), true).bytes).unwrap()
    }

    #[test]
    fn a_scripted_header_replaces_the_receiver_s_own() {
        let reply = Reply::usual().header("content-length", "99").header("X-A", "1");
        let expected = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                        content-length: 99\r\nX-A: 1\r\n\r\nusual";
        assert_eq!(text(&reply, 200), expected);
    }

    #[test]
    fn no_content_has_no_body() {
        assert!(text(&Reply::usual().header("Content-Type", "a/b"), 204).ends_with("a/b\r\n\r\n"));
    }

    #[test]
    fn pieces_follow_the_drip_and_stop_at_the_limit() {
        let response = Reply::usual().render(200, vec![b'x'; 5], true);
        let (all, head) = (response.bytes.len(), response.bytes.len() - 5);
        let lengths = |part: Option<Part>, limit| {
            let drip = part.map(|part| Drip { part, bytes: 2, interval: Duration::ZERO });
            response.pieces(drip, limit).iter().map(|piece| piece.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(None, usize::MAX), [all]);
        assert_eq!(lengths(None, 7), [7]);
        assert_eq!(lengths(Some(Part::Body), usize::MAX), [head, 2, 2, 1]);
        assert_eq!(lengths(Some(Part::Body), head + 3), [head, 2, 1]);
        assert_eq!(lengths(Some(Part::Head), 5), [2, 2, 1]);
        assert_eq!(*lengths(Some(Part::Head), usize::MAX).last().unwrap(), 5);
        assert_eq!(lengths(Some(Part::All), 0), [0; 0]);
    }
}
