//! A client of raw sockets, which sees what a proper HTTP client would hide.

#![allow(dead_code, reason = "each test program uses its own part of it")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use flate2::{Compression, read::GzEncoder};
use serde_json::{Value, json};

/// More than any answer takes, and less than a test should hang.
pub const PATIENCE: Duration = Duration::from_secs(5);

pub struct Client(pub TcpStream);

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Client {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(stream)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    pub fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send(post(path, body));
        self.answer()
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"));
        self.answer()
    }

    /// Reads one answer whose length is given by Content-Length.
    pub fn answer(&mut self) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// Everything up to the end of the connection, and how it ended.
    pub fn rest(&mut self) -> (String, io::Result<()>) {
        let mut bytes = Vec::new();
        let end = self.0.read_to_end(&mut bytes).map(drop);
        (String::from_utf8(bytes).unwrap(), end)
    }

    /// Whether nothing at all comes for that long, not even the end.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.0.set_read_timeout(Some(time)).unwrap();
        let read = self.0.read(&mut [0]);
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        let waits =
            |e: io::Error| matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        read.is_err_and(waits)
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let pairs = head.lines().filter_map(|line| line.split_once(": "));
    pairs.filter(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

pub fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{body}")
}

pub fn gzipped(path: &str, body: &str) -> Vec<u8> {
    let mut packed = Vec::new();
    GzEncoder::new(body.as_bytes(), Compression::fast()).read_to_end(&mut packed).unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip");
    let head = format!("{head}\r\nContent-Length: {}\r\n\r\n", packed.len());
    [head.into_bytes(), packed].concat()
}

/// A batch of events numbered by their property `n`, with uuids that tell the same.
pub fn batch(numbers: impl IntoIterator<Item = u64>) -> String {
    let event = |n| {
        json!({
            "event": "numbered",
            "distinct_id": "user-1",
            "uuid": format!("00000000-0000-7000-8000-{n:012x}"),
            "timestamp": "2024-02-29T12:34:56.789Z",
            "properties": {"n": n},
        })
    };
    let events: Vec<_> = numbers.into_iter().map(event).collect();
    json!({"api_key": "phc_test", "batch": events}).to_string()
}
