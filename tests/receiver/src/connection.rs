//! The life of one connection: read a request, record it, answer it as scripted, again.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use crate::control;
use crate::head::Head;
use crate::log::Ticket;
use crate::receiver::Shared;
use crate::reply::{At, Cut, Reply};
use crate::request::{Outcome, Request};
use crate::script::Answer;
use crate::usual;
use crate::wire::Wire;

const SINK_ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"status\":1}";
/// To V1: no event is named, so that all are taken.
const SINK_ANSWER_V1: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"results\":{}}";
/// Data that an RST overtakes may never be read; this lets it be read first.
const BEFORE_RESET: Duration = Duration::from_millis(20);

pub(crate) struct Connection<'a> {
    shared: &'a Shared,
    wire: Wire,
    /// Given at the first request that is no control request.
    number: Option<u64>,
    controls: bool,
}

/// Whether the connection goes on to a next request, or how it ends.
enum Next {
    Request,
    End,
    Cut(Cut),
}

impl<'a> Connection<'a> {
    pub fn new(shared: &'a Shared, socket: Arc<TcpStream>) -> Connection<'a> {
        let wire = Wire::new(socket, shared.identity.as_ref());
        Connection { shared, wire, number: None, controls: false }
    }

    pub fn serve(mut self) {
        loop {
            match self.exchange() {
                Ok(Next::Request) => {}
                Ok(Next::End | Next::Cut(Cut::Close)) => return self.wire.close(),
                Ok(Next::Cut(Cut::Reset)) => {
                    self.shared.stop.sleep(BEFORE_RESET);
                    return self.wire.reset();
                }
                Ok(Next::Cut(Cut::Hang)) => return self.shared.stop.wait(),
                Err(error) => return self.fail(&error),
            }
        }
    }

    fn exchange(&mut self) -> io::Result<Next> {
        let Some(bytes) = self.wire.read_head()? else { return Ok(Next::End) };
        let head =
            Head::parse(&bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        if head.path.starts_with("/__") {
            return self.control(&head);
        }
        let number = match self.number {
            Some(number) => number,
            None => self.begin(),
        };
        if self.shared.sink {
            return self.swallow(&head);
        }
        let answer = self.shared.script().decide(&head.path, number);
        let mut request = Request::new(&head, number);
        if let Some(Answer::Fixed(Reply { delay, cut: Some((cut, At::Head)), .. })) = answer {
            self.record_unread(request);
            self.shared.stop.sleep(delay);
            return Ok(Next::Cut(cut));
        }
        match self.read_body(&head) {
            Ok(body) => request.take_body(body),
            Err(error) => {
                self.record_unread(request);
                return Err(error);
            }
        }
        let ticket = self.shared.log.arrive(&mut request);
        let reply = answer.map_or_else(Reply::usual, |answer| answer.to(&request));
        Ok(self.answer(ticket, &mut request, &reply, head.keep_alive))
    }

    /// What is known of a connection at its first request; its number.
    fn begin(&mut self) -> u64 {
        if self.wire.is_resumed() {
            self.shared.log.count(|counts| counts.resumed += 1);
        }
        *self.number.insert(self.shared.next_number())
    }

    /// Counts a request and its bytes, and nothing else, as fast as they come.
    fn swallow(&mut self, head: &Head) -> io::Result<Next> {
        self.invite(head)?;
        let length = self.wire.skip_body(head.length)?;
        self.shared.log.count(|counts| {
            counts.requests += 1;
            counts.bytes += length;
        });
        let is_v1 = head.path.starts_with("/i/v1/");
        self.wire.write(if is_v1 { SINK_ANSWER_V1 } else { SINK_ANSWER })?;
        Ok(if head.keep_alive { Next::Request } else { Next::End })
    }

    fn control(&mut self, head: &Head) -> io::Result<Next> {
        if !self.controls && self.number.is_none() {
            self.controls = true;
            self.shared
                .log
                .count(|counts| counts.connections = counts.connections.saturating_sub(1));
        }
        let body = self.read_body(head)?;
        let (status, reply) = control::handle(self.shared, &head.method, &head.path, &body);
        self.wire.write(&reply.render(status, Vec::new(), head.keep_alive).bytes)?;
        if control::is_stop(&head.method, &head.path) {
            self.shared.stop();
        }
        Ok(if head.keep_alive { Next::Request } else { Next::End })
    }

    fn read_body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        self.invite(head)?;
        self.wire.read_body(head.length)
    }

    /// Some clients hold a large body back until they are asked for it.
    fn invite(&mut self, head: &Head) -> io::Result<()> {
        if head.expects_continue {
            self.wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        } else {
            Ok(())
        }
    }

    fn answer(
        &mut self,
        ticket: Ticket,
        request: &mut Request,
        reply: &Reply,
        keep_alive: bool,
    ) -> Next {
        let (status, response) = {
            let (flags, definitions) = (self.shared.flags(), self.shared.definitions());
            usual::respond(reply, request, &flags, &definitions, keep_alive)
        };
        request.status = Some(status);
        request.response.clone_from(&response.body);
        let (cut, limit) = match reply.cut {
            None => (None, usize::MAX),
            Some((cut, At::Head | At::Body)) => (Some(cut), 0),
            Some((cut, At::Response(bytes))) => (Some(cut), bytes),
        };
        // An RST may overtake even a complete answer.
        let lost = limit < response.bytes.len() || cut == Some(Cut::Reset);
        if lost {
            self.settle(ticket, request, Outcome::Lost);
        }
        let mut sent = self.shared.stop.sleep(reply.delay);
        let pieces = response.pieces(reply.drip, limit);
        if let Some((last, pieces)) = pieces.split_last() {
            sent = sent && self.send(pieces, reply) && !self.wire.peer_is_gone();
            // Settled before the last piece: a client that has its answer finds it recorded.
            if !lost {
                let outcome = if sent { Outcome::Answered } else { Outcome::Lost };
                self.settle(ticket, request, outcome);
            }
            sent = sent && self.wire.write(last).is_ok();
        }
        match cut {
            _ if !sent => Next::End,
            Some(cut) => Next::Cut(cut),
            None if keep_alive => Next::Request,
            None => Next::End,
        }
    }

    /// Sends pieces, each followed by the interval they drip in; says whether all went out.
    fn send(&mut self, pieces: &[&[u8]], reply: &Reply) -> bool {
        let interval = reply.drip.map_or(Duration::ZERO, |drip| drip.interval);
        pieces
            .iter()
            .all(|piece| self.wire.write(piece).is_ok() && self.shared.stop.sleep(interval))
    }

    fn settle(&self, ticket: Ticket, request: &mut Request, outcome: Outcome) {
        request.outcome = outcome;
        self.shared.log.settle(ticket, request);
    }

    fn record_unread(&self, mut request: Request) {
        request.outcome = Outcome::Unread;
        self.shared.log.arrive(&mut request);
    }

    /// Ends a connection that does not speak HTTP, or whose peer went away amid a request.
    fn fail(mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::InvalidData {
            self.shared.log.count(|counts| counts.malformed += 1);
            let reply = Reply::status(400).body(error.to_string());
            let _ = self.wire.write(&reply.render(400, Vec::new(), false).bytes);
        }
        self.wire.close();
    }
}
