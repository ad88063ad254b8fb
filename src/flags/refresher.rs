//! Asking while nobody waits: a thread that is started when there is something to ask, and ends
//! when there has been nothing for a while.

use super::asker::Asker;
use super::cache::Flight;
use super::context::Context;
use crate::error::Error;
use crate::sys::thread;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Identities that wait for their turn. One more is not asked about; the next call about it is
/// its next chance.
const WAITING_MAX: usize = 256;

/// The thread ends after so long without anything to do.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// One identity to ask about.
pub struct Job {
    flight: Flight,
    distinct_id: String,
    context: Context,
}

impl Job {
    pub fn new(flight: Flight, distinct_id: &str, context: &Context) -> Job {
        Job { flight, distinct_id: distinct_id.to_owned(), context: context.clone() }
    }
}

/// Whether requests may start, and the thread that makes those that nobody waits for.
pub struct Refresher {
    /// `None` while it is closed.
    session: Arc<Mutex<Option<Session>>>,
}

/// From opening to closing.
struct Session {
    /// Dropped by closing, which whoever holds the other end sees.
    _open: Sender<()>,
    closed: Receiver<()>,
    /// To the thread, while there is one.
    jobs: Option<Sender<Job>>,
}

impl Session {
    fn new() -> Session {
        let (open, closed) = crossbeam_channel::bounded(0);
        Session { _open: open, closed, jobs: None }
    }
}

impl Refresher {
    pub fn new() -> Refresher {
        Refresher { session: Arc::new(Mutex::new(Some(Session::new()))) }
    }

    /// Ends when this is closed. `None` if it is closed already.
    pub fn closed(&self) -> Option<Receiver<()>> {
        lock(&self.session).as_ref().map(|session| session.closed.clone())
    }

    /// Why nothing is known of somebody whom nobody has asked about.
    pub fn why_unknown(&self) -> Error {
        if self.closed().is_none() { Error::Shutdown } else { Error::Timeout }
    }

    pub fn close(&self) {
        let session = lock(&self.session).take();
        // Outside the lock: the jobs that go with it take another.
        drop(session);
    }

    pub fn open(&self) {
        lock(&self.session).get_or_insert_with(Session::new);
    }

    /// Leaves a job to the thread. What cannot be done is dropped, and may be asked for again.
    pub fn add(&self, asker: &Arc<Asker>, job: Job) {
        if let Err(error) = self.try_add(asker, job) {
            asker.tell_no_thread(&error);
        }
    }

    fn try_add(&self, asker: &Arc<Asker>, job: Job) -> io::Result<()> {
        let mut session = lock(&self.session);
        let Some(session) = session.as_mut() else { return Ok(()) };
        let job = match &session.jobs {
            None => job,
            Some(jobs) => match jobs.try_send(job) {
                // Its thread is gone; it ended by a bug.
                Err(TrySendError::Disconnected(job)) => job,
                Ok(()) | Err(TrySendError::Full(_)) => return Ok(()),
            },
        };
        let (jobs, waiting) = crossbeam_channel::bounded(WAITING_MAX);
        let thread = Thread {
            asker: Arc::clone(asker),
            session: Arc::clone(&self.session),
            closed: session.closed.clone(),
            jobs: waiting,
        };
        thread::spawn("ph-flags", move || thread.run())?;
        let _ = jobs.try_send(job);
        session.jobs = Some(jobs);
        Ok(())
    }
}

/// What the thread works with.
struct Thread {
    asker: Arc<Asker>,
    session: Arc<Mutex<Option<Session>>>,
    closed: Receiver<()>,
    jobs: Receiver<Job>,
}

impl Thread {
    fn run(self) {
        loop {
            let job = match self.jobs.recv_timeout(IDLE_MAX) {
                Ok(job) => job,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => match self.last_job() {
                    Some(job) => job,
                    None => return,
                },
            };
            // Once this is closed each job that still waits ends here without a request.
            let Job { flight, distinct_id, context } = job;
            self.asker.refresh(flight, &distinct_id, &context, &self.closed);
        }
    }

    /// Retires, unless a job has come meanwhile. Jobs are sent under the same lock, so that none
    /// is left in the channel of a thread that has ended.
    fn last_job(&self) -> Option<Job> {
        let mut session = lock(&self.session);
        let job = self.jobs.try_recv();
        if let (Err(TryRecvError::Empty), Some(session)) = (&job, session.as_mut()) {
            session.jobs = None;
        }
        job.ok()
    }
}

fn lock(session: &Mutex<Option<Session>>) -> MutexGuard<'_, Option<Session>> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}
