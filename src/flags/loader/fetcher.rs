//! One poll: definitions asked for, read, and put into the store.

use super::endpoint::{self, Meaning, Poll};
use super::store::Store;
use crate::config::Config;
use crate::flags::local::Unreadable;
use crate::hooks::{Advice, DefinitionsCache, Gate};
use crate::log::{Level, Logger};
use crate::report::{Family, Fate};
use crate::transport::{Answer, Request, Transport};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Whatever a poll needs.
pub struct Fetcher {
    pub store: Arc<Store>,
    pub logger: Logger,
    transport: Arc<Transport>,
    path: String,
    /// `None`: there is no key, only a cache.
    authorization: Option<String>,
    timeout: Duration,
    cache: Option<Arc<DefinitionsCache>>,
    gate: Arc<Gate>,
}

/// What one poll leaves to the next.
#[derive(Default)]
pub struct Memory {
    /// The ETag that the server gave last, and which of the store's definitions it is of.
    etag: Option<(u64, String)>,
    /// The failure that was told last: one that stays is told once.
    told: Option<String>,
}

impl Fetcher {
    pub fn new(
        store: Arc<Store>,
        transport: Arc<Transport>,
        logger: Logger,
        gate: Arc<Gate>,
        config: &Config,
    ) -> Fetcher {
        Fetcher {
            store,
            logger,
            transport,
            path: endpoint::path(&config.api_key),
            authorization: config.secret_key.as_ref().map(|key| format!("Bearer {key}")),
            timeout: config.request_timeout_ms.millis(),
            cache: config.hooks.definitions_cache.clone(),
            gate,
        }
    }

    /// Asks once: the host's cache, and if that says so, or has nothing to say, the server. Returns
    /// what came of it, and the least pause that the server asks for. Whatever goes wrong, the
    /// definitions that are known stay: a value that was right an hour ago is better than none.
    pub fn poll(&self, memory: &mut Memory) -> (Poll, Duration) {
        let Some(cache) = &self.cache else { return self.fetch(memory) };
        if let Some(poll) = self.consult(cache, memory) {
            return (poll, Duration::ZERO);
        }
        let (poll, pause) = self.fetch(memory);
        if let (Poll::Good, Some(loaded)) = (poll, self.store.get().as_ref()) {
            // Also when nothing is new: what the cache keeps may be about to expire.
            if self.gate.pass(|| (cache.put)(&loaded.text)) == Some(false) {
                self.warn(format_args!("the host's cache could not keep them"));
            }
        }
        (poll, pause)
    }

    /// What a cache brings about; `None` when the server is to be asked.
    fn consult(&self, cache: &DefinitionsCache, memory: &mut Memory) -> Option<Poll> {
        // The client is being shut down: no callback starts any more.
        let Some(advice) = self.gate.pass(|| (cache.get)()) else { return Some(Poll::Failed) };
        match advice {
            Advice::Fetch => return None,
            Advice::Failed => self.tell(memory, format_args!("the host's cache failed")),
            Advice::Keep if self.store.is_empty() => {}
            Advice::Keep => return Some(Poll::Good),
            Advice::Use(text) => match self.adopt(&text) {
                Ok(()) => return Some(Poll::Good),
                Err(error) => self.tell(memory, format_args!("from the host's cache: {error}")),
            },
        }
        // Without a key there is nobody else to ask.
        self.authorization.is_none().then_some(Poll::Failed)
    }

    fn adopt(&self, text: &[u8]) -> Result<(), Unreadable> {
        let known = self.store.get().as_ref().is_some_and(|loaded| *loaded.text == *text);
        if known { Ok(()) } else { self.store.replace(text).map(drop) }
    }

    fn fetch(&self, memory: &mut Memory) -> (Poll, Duration) {
        let Some(authorization) = &self.authorization else {
            self.tell(memory, format_args!("there is no secret key to read them with"));
            return (Poll::Failed, Duration::ZERO);
        };
        let mut headers = vec![("authorization", authorization.as_str())];
        // The host may have loaded others since.
        let known = self.store.version();
        let etag = memory.etag.as_ref().filter(|(version, _)| *version == known);
        headers.extend(etag.map(|(_, etag)| ("if-none-match", etag.as_str())));
        let answer = self.transport.send(&Request {
            path: &self.path,
            body: None,
            headers: &headers,
            timeout: self.timeout,
            answer_max: endpoint::ANSWER_MAX,
        });
        match answer {
            Ok(answer) => {
                let pause = endpoint::asked_pause(&answer, SystemTime::now());
                if matches!(endpoint::meaning(answer.status), Meaning::Refused | Meaning::Failed) {
                    let fate = Fate::Status(answer.status);
                    let text = format!("server answered {}", answer.status);
                    self.transport.report(Family::Definitions, Some(&answer), fate, text);
                }
                (self.read(&answer, known, memory), pause)
            }
            Err(failure) => {
                let text = format!("could not reach the server: {}", failure.text);
                self.tell(memory, format_args!("{text}"));
                self.transport.report(Family::Definitions, None, failure.fate(), text);
                (Poll::Failed, Duration::ZERO)
            }
        }
    }

    fn read(&self, answer: &Answer, known: u64, memory: &mut Memory) -> Poll {
        let etag = |version| answer.header("etag").map(|etag| (version, etag.to_owned()));
        match endpoint::meaning(answer.status) {
            Meaning::Fresh => match self.store.replace(&answer.body) {
                Ok(version) => memory.etag = etag(version),
                Err(error) => {
                    self.tell(memory, format_args!("{error}"));
                    return Poll::Failed;
                }
            },
            // Without definitions there was nothing that it could be the same as.
            Meaning::Same if self.store.is_empty() => {
                self.tell(memory, format_args!("server answered 304 without being asked"));
                return Poll::Failed;
            }
            Meaning::Same => memory.etag = etag(known).or(memory.etag.take()),
            Meaning::Refused => {
                let why = match answer.status {
                    402 => "the project is over its quota",
                    _ => "the secret key is wrong, or may not read them",
                };
                self.tell(memory, format_args!("server answered {}: {why}", answer.status));
                return Poll::Refused;
            }
            Meaning::Failed => {
                self.tell(memory, format_args!("server answered {}", answer.status));
                return Poll::Failed;
            }
        }
        if memory.told.take().is_some() {
            self.logger.log(Level::Info, format_args!("flag definitions: up to date again"));
        }
        Poll::Good
    }

    fn tell(&self, memory: &mut Memory, text: fmt::Arguments<'_>) {
        let text = text.to_string();
        if memory.told.as_ref() != Some(&text) {
            self.warn(format_args!("{text}"));
            memory.told = Some(text);
        }
    }

    fn warn(&self, text: fmt::Arguments<'_>) {
        self.logger.log(Level::Warn, format_args!("flag definitions: {text}"));
    }
}
