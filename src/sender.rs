//! The sender's life: started by the first capture, ended by shutdown or opt-out.

use crate::error::Error;
use crate::log::Level;
use crate::sys::thread;
use crate::worker::Worker;
use crossbeam_channel::{Receiver, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The name that debuggers and `top` show. Linux cuts it at 15 bytes.
const NAME: &str = "posthog-sender";

/// One sender thread at most, started when it is needed.
pub struct Sender {
    worker: Arc<Worker>,
    running: Arc<AtomicBool>,
    /// Disconnected when the last started thread has ended. `None` before the first.
    ended: Mutex<Option<Receiver<()>>>,
}

impl Sender {
    pub fn new(worker: Worker) -> Sender {
        let running = Arc::new(AtomicBool::new(false));
        Sender { worker: Arc::new(worker), running, ended: Mutex::new(None) }
    }

    #[inline]
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    /// Starts the thread unless it runs.
    #[cold]
    pub fn start(&self) -> Result<(), Error> {
        let mut ended = self.lock();
        if self.running.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let (guard, end) = bounded::<()>(0);
        let (worker, running) = (Arc::clone(&self.worker), Arc::clone(&self.running));
        let spawned = thread::spawn(NAME, move || {
            // Dropped in the reverse order: whoever waits for the end finds the callbacks released.
            let _guard = guard;
            let worker = worker;
            loop {
                if catch_unwind(AssertUnwindSafe(|| worker.run())).is_err() {
                    // A batch that brings the sender down must not do so for ever; without one it
                    // would be brought down again at once.
                    if worker.queue.lose_flight() {
                        continue;
                    }
                    running.store(false, Ordering::SeqCst);
                    return;
                }
                running.store(false, Ordering::SeqCst);
                // An event that came between the last look and the line above found the sender
                // running: it is this thread's to send.
                if !worker.queue.needs_sender() || running.swap(true, Ordering::SeqCst) {
                    return;
                }
            }
        });
        match spawned {
            Ok(_) => {
                *ended = Some(end);
                Ok(())
            }
            Err(error) => {
                self.running.store(false, Ordering::SeqCst);
                drop(ended);
                let logger = &self.worker.logger;
                logger.log(Level::Error, format_args!("could not start the sender: {error}"));
                Err(Error::Thread)
            }
        }
    }

    /// Waits until no thread runs, at most until the deadline.
    pub fn wait(&self, deadline: Instant) {
        let end = self.lock().clone();
        if let Some(end) = end {
            // Nothing is ever sent: either outcome ends the wait.
            let _ = end.recv_deadline(deadline);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Receiver<()>>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
