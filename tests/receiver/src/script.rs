//! Rules that decide which requests are answered otherwise than usual.

use std::fmt;
use std::sync::Arc;

use crate::reply::Reply;
use crate::request::Request;

/// An ordered list of rules. A rule sees the requests whose path begins with its prefix; among the
/// rules that fire, the first in the list answers. A request for which none fires is answered as
/// usual.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(crate) rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub prefix: String,
    pub when: When,
    pub answer: Answer,
    pub seen: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// For so many requests more that no earlier rule answers.
    Times(u64),
    /// The nth request it sees, the 2nth, and so on.
    Every(u64),
    /// All requests of the nth connection, the 2nth, and so on.
    EveryConnection(u64),
}

#[derive(Clone)]
pub(crate) enum Answer {
    Fixed(Reply),
    /// Decided when the whole request is there.
    Computed(Arc<dyn Fn(&Request) -> Reply + Send + Sync>),
}

impl Answer {
    pub fn to(&self, request: &Request) -> Reply {
        match self {
            Answer::Fixed(reply) => reply.clone(),
            Answer::Computed(compute) => compute(request),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Answer::Fixed(reply) => reply.fmt(formatter),
            Answer::Computed(_) => formatter.write_str("Computed"),
        }
    }
}

impl Script {
    pub fn new() -> Script {
        Script::default()
    }

    /// Reads the JSON form, which `README.md` describes.
    pub fn from_json(json: &str) -> Result<Script, String> {
        crate::script_json::parse(json)
    }

    /// Answers one request, and is spent. Such rules in a row answer requests in a row.
    pub fn next(self, prefix: &str, reply: Reply) -> Script {
        self.times(1, prefix, reply)
    }

    /// Answers so many requests, and is spent.
    pub fn times(self, count: u64, prefix: &str, reply: Reply) -> Script {
        self.rule(prefix, When::Times(count), Answer::Fixed(reply))
    }

    pub fn always(self, prefix: &str, reply: Reply) -> Script {
        self.rule(prefix, When::Always, Answer::Fixed(reply))
    }

    /// Answers every nth request under the prefix, counting all of them.
    pub fn every(self, nth: u64, prefix: &str, reply: Reply) -> Script {
        self.rule(prefix, When::Every(nth.max(1)), Answer::Fixed(reply))
    }

    /// Answers all requests on every nth connection.
    pub fn every_connection(self, nth: u64, prefix: &str, reply: Reply) -> Script {
        self.rule(prefix, When::EveryConnection(nth.max(1)), Answer::Fixed(reply))
    }

    /// Leaves the answer to a function of the whole request. As that has been read by then, an
    /// [`At::Head`](crate::At::Head) in the answer acts as [`At::Body`](crate::At::Body).
    pub fn compute<F>(self, prefix: &str, answer: F) -> Script
    where
        F: Fn(&Request) -> Reply + Send + Sync + 'static,
    {
        self.rule(prefix, When::Always, Answer::Computed(Arc::new(answer)))
    }

    pub(crate) fn rule(mut self, prefix: &str, when: When, answer: Answer) -> Script {
        self.rules.push(Rule { prefix: prefix.to_owned(), when, answer, seen: 0 });
        self
    }

    /// The answer to a request, decided by its head; `None` for the usual one.
    pub(crate) fn decide(&mut self, path: &str, connection: u64) -> Option<Answer> {
        let mut decided = None;
        for rule in self.rules.iter_mut().filter(|rule| path.starts_with(&rule.prefix)) {
            // Every rule counts, also behind one that answers: "every third" means of all.
            rule.seen += 1;
            let free = decided.is_none();
            let fires = match &mut rule.when {
                When::Always => true,
                When::Times(left) => free && left.checked_sub(1).map(|less| *left = less).is_some(),
                When::Every(nth) => rule.seen % *nth == 0,
                When::EveryConnection(nth) => connection % *nth == 0,
            };
            if fires && free {
                decided = Some(rule.answer.clone());
            }
        }
        decided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(script: &mut Script, requests: &[(&str, u64)]) -> Vec<Option<u16>> {
        let status = |answer| match answer {
            Answer::Fixed(reply) => reply.status.unwrap(),
            Answer::Computed(_) => unreachable!("no test here computes"),
        };
        requests.iter().map(|(path, number)| script.decide(path, *number).map(status)).collect()
    }

    #[test]
    fn rules_are_spent_in_order() {
        let mut script = Script::new()
            .next("/batch/", Reply::status(500))
            .times(2, "/batch/", Reply::status(503))
            .next("/flags/", Reply::status(504));
        let got = statuses(&mut script, &[("/batch/", 1), ("/flags/?v=2", 1), ("/batch/", 1)]);
        assert_eq!(got, [Some(500), Some(504), Some(503)]);
        let got = statuses(&mut script, &[("/batch/", 1), ("/batch/", 1), ("/flags/", 1)]);
        assert_eq!(got, [Some(503), None, None]);
    }

    #[test]
    fn periods_count_every_request_they_see() {
        let mut script = Script::new()
            .every(2, "/b", Reply::status(502))
            .every(3, "/b", Reply::status(503))
            .always("/c", Reply::status(500));
        let got = statuses(&mut script, &[("/b", 1); 9]);
        let (two, three) = (Some(502), Some(503));
        assert_eq!(got, [None, two, three, two, None, two, None, two, three]);
        assert_eq!(
            statuses(&mut script, &[("/c", 1), ("/c", 1), ("/d", 1)])[1..],
            [Some(500), None]
        );
    }

    #[test]
    fn connections_have_their_own_period() {
        let mut script = Script::new().every_connection(3, "/", Reply::status(503));
        let got = statuses(&mut script, &[("/", 1), ("/", 3), ("/", 3), ("/", 4), ("/", 6)]);
        assert_eq!(got, [None, Some(503), Some(503), None, Some(503)]);
    }
}
