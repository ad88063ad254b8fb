//! The sender's life: started by the first capture, ended by shutdown or opt-out.

use crate::error::Error;
use crate::log::Level;
use crate::sys::thread;
use crate::worker::Worker;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// One sender thread at most, started when it is needed.
pub struct Sender {
    /// What debuggers and `top` show. Linux cuts it at 15 bytes.
    name: &'static str,
    worker: Arc<Worker>,
    running: Arc<AtomicBool>,
    /// Disconnected when the last started thread has ended. `None` before the first.
    ended: Mutex<Option<End>>,
}

/// What tells that a thread has ended, and the thread, to be joined then.
struct End {
    told: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Sender {
    pub fn new(name: &'static str, worker: Worker) -> Sender {
        let running = Arc::new(AtomicBool::new(false));
        Sender { name, worker: Arc::new(worker), running, ended: Mutex::new(None) }
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
        let spawned = thread::spawn(self.name, move || {
            // Dropped in the reverse order: whoever waits for the end finds the callbacks released.
            let _guard = guard;
            let worker = worker;
            let mut state = worker.state();
            loop {
                if catch_unwind(AssertUnwindSafe(|| worker.run(&mut state))).is_err() {
                    // A batch that brings the sender down must not do so for ever; without one it
                    // would be brought down again at once.
                    if worker.queue.lose_batch() {
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
            Ok(thread) => {
                *ended = Some(End { told: end, thread });
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
        let told = self.lock().as_ref().map(|end| end.told.clone());
        let Some(told) = told else { return };
        // Nothing is ever sent: it is the end, or the deadline.
        if told.recv_deadline(deadline) == Err(RecvTimeoutError::Disconnected) {
            let end = self.lock().take();
            // Its last act is behind it: what is left is for the system to take it down.
            let _ = end.map(|end| end.thread.join());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<End>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
