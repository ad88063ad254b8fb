use super::*;
use crate::carrier::{Incoming, Outgoing};
use crate::config::Config;
use crate::error::Error;
use crate::queue::Limits;
use crate::record::NewRecord;
use crate::route::Route;
use crate::stamps::Stamps;
use crate::timestamp::Timestamp;
use crate::wire::Project;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

const HOUR: Duration = Duration::from_secs(3_600);

/// What happens at each wait of a sender, that ends at this time.
type AtWait = Box<dyn Fn(Duration) + Send + Sync>;

/// Time that passes only while the sender waits, or where a test says so.
struct Manual {
    start: Instant,
    passed: Arc<Mutex<Duration>>,
    at_wait: AtWait,
}

impl Time for Manual {
    fn now(&self) -> Instant {
        self.start + *self.passed.lock().unwrap()
    }

    fn wall(&self) -> Timestamp {
        let passed = self.passed.lock().unwrap().as_millis();
        Timestamp::from_unix_millis(1_700_000_000_000 + i64::try_from(passed).unwrap()).unwrap()
    }

    fn wait(&self, _: &Receiver<()>, until: Option<Instant>) {
        let mut passed = self.passed.lock().unwrap();
        *passed = until.map_or(*passed, |until| passed.max(until - self.start));
        let now = *passed;
        drop(passed);
        (self.at_wait)(now);
    }
}

/// A sender in a time of its own. `at_wait` is made for its queue and the bounds of that.
fn sender(
    config: &Config,
    passed: &Arc<Mutex<Duration>>,
    at_wait: impl FnOnce(&Arc<Queue>, Limits) -> AtWait,
) -> Worker {
    let gate = Arc::new(Gate::default());
    let logger = Logger::new(config.log_sink.clone(), false, Arc::clone(&gate));
    let stamps = Stamps::new(config).unwrap();
    let project = Project { api_key: "phc_x", library: "lib/1", historical: false };
    let wire = Arc::new(Wire::new(&project, &stamps));
    let limits = config.limits(wire.envelope(), wire.frame());
    let (queue, rings) = Queue::new(limits, Random::new(), logger.clone(), None);
    let queue = Arc::new(queue);
    let at_wait = at_wait(&queue, limits);
    let route = Arc::new(Route::new(config, &logger).unwrap());
    Worker {
        family: Family::Analytics,
        queue,
        rings,
        transport: Arc::new(Transport::new(route, Arc::clone(&gate), logger.clone())),
        wire,
        choice: Arc::new(Choice::new(Some(Protocol::V0))),
        counters: Arc::default(),
        hooks: Hooks::default(),
        gate,
        logger,
        schedule: config.schedule(false),
        compression: None,
        timeout: Duration::from_secs(1),
        in_app: InApp::default(),
        sequence: None,
        time: Arc::new(Manual { start: Instant::now(), passed: Arc::clone(passed), at_wait }),
    }
}

fn push(queue: &Queue) -> Result<(), Error> {
    let record = NewRecord {
        distinct_id: b"u",
        event: b"e",
        props: [b"\"n\":1", b""],
        options: b"",
        marks: 0,
        timestamp: Timestamp::from_unix_millis(1_700_000_000_000).unwrap(),
        uuid: None,
    };
    queue.push(&record).map(drop)
}

/// How much memory for bodies there is when the queue closes at a wait after a large batch.
fn kept_at_wait(number: usize) -> usize {
    let mut config = Config::new("phc_x");
    config.carrier = Some(Arc::new(|_: &Outgoing<'_>, incoming: &mut Incoming| {
        incoming.status = 200;
        true
    }));
    let worker = sender(&config, &Arc::default(), |queue, _| {
        let (queue, waits) = (Arc::clone(queue), AtomicUsize::new(0));
        Box::new(move |_| {
            if waits.fetch_add(1, Ordering::SeqCst) == number {
                queue.close();
            }
        })
    });
    for _ in 0..1_000 {
        push(&worker.queue).unwrap();
    }
    let mut state = worker.state();
    worker.run(&mut state);
    assert_eq!(worker.queue.ledger().0.delivered, 1_000);
    state.buffers.body.capacity()
}

#[test]
fn large_buffers_are_given_back_when_nothing_comes() {
    assert!(kept_at_wait(0) > 100_000);
    assert_eq!(kept_at_wait(5), 0);
}

/// What the server or the network does during the outage: false for no answer.
type Fault = fn(&mut Incoming) -> bool;

/// How an outage went.
struct Report {
    /// Requests during the outage, and after it.
    attempts: [u64; 2],
    lines: usize,
    delivered: u64,
    refused: u64,
}

const QUEUE_MAX: u64 = 2_000;
const BATCH_MAX: u64 = 100;

/// An hour in which nothing works, and what comes after; events come all the time.
fn outage(fault: Fault) -> Report {
    let (is_over, lines) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let attempts: Arc<[AtomicU64; 2]> = Arc::default();
    let mut config = Config::new("phc_x");
    config.queue_max_events.set(QUEUE_MAX).unwrap();
    config.batch_max_events.set(BATCH_MAX).unwrap();
    config.carrier = Some(Arc::new({
        let (is_over, attempts) = (Arc::clone(&is_over), Arc::clone(&attempts));
        move |_: &Outgoing<'_>, incoming: &mut Incoming| {
            let is_over = is_over.load(Ordering::SeqCst);
            attempts[usize::from(is_over)].fetch_add(1, Ordering::SeqCst);
            incoming.status = 200;
            is_over || fault(incoming)
        }
    }));
    config.log_sink = Some(Arc::new({
        let lines = Arc::clone(&lines);
        move |level, text: &str| {
            if level >= Level::Warn {
                lines.lock().unwrap().push(text.to_owned());
            }
        }
    }));
    let refused = Arc::new(AtomicU64::new(0));
    let worker = sender(&config, &Arc::default(), |queue, limits| {
        let (queue, refused) = (Arc::clone(queue), Arc::clone(&refused));
        Box::new(move |passed| {
            let (ledger, bytes) = queue.ledger();
            assert!(ledger.balances() && bytes <= limits.bytes_max, "{ledger:?}");
            assert!(ledger.queued + ledger.in_flight <= QUEUE_MAX + BATCH_MAX, "{ledger:?}");
            if passed < HOUR {
                for _ in 0..30 {
                    refused.fetch_add(u64::from(push(&queue).is_err()), Ordering::SeqCst);
                }
            } else if is_over.swap(true, Ordering::SeqCst) && ledger.in_flight + ledger.queued == 0
            {
                queue.close();
            }
        })
    });
    worker.run(&mut worker.state());
    let (ledger, _) = worker.queue.ledger();
    assert_eq!((ledger.delivered, ledger.dropped_total()), (ledger.accepted, 0), "{ledger:?}");
    let lines = lines.lock().unwrap().len();
    Report {
        attempts: [0, 1].map(|at| attempts[at].load(Ordering::SeqCst)),
        lines,
        delivered: ledger.delivered,
        refused: refused.load(Ordering::SeqCst),
    }
}

#[test]
fn an_hour_of_outage_is_bounded_in_every_respect_and_ends_by_itself() {
    let faults: [(&str, Fault); 4] = [
        ("no answer", |_| false),
        ("503", |incoming| {
            incoming.status = 503;
            true
        }),
        ("500", |incoming| {
            incoming.status = 500;
            true
        }),
        ("429", |incoming| {
            incoming.status = 429;
            incoming.headers.push(("retry-after".to_owned(), "30".to_owned()));
            true
        }),
    ];
    for (what, fault) in faults {
        let report = outage(fault);
        // A step takes 15 to 30 seconds, once it has grown.
        let [during, after] = report.attempts;
        assert!((118..=250).contains(&during), "{what}: {during} attempts");
        assert!(report.lines <= 70, "{what}: {} lines", report.lines);
        assert!(report.delivered >= QUEUE_MAX, "{what}: {} delivered", report.delivered);
        assert!(report.refused > 1_000, "{what}: events came all the time");
        assert!(after <= 100, "{what}: {after} requests to catch up");
    }
}

/// An event waits for the interval from when the sender has seen it. One that comes while an attempt
/// is under way is seen only after that: it waits from when the attempt began, and never longer.
#[test]
fn each_batch_waits_for_its_interval() {
    let at = Duration::from_secs;
    let (passed, sent) = (Arc::new(Mutex::new(at(0))), Arc::new(Mutex::new(Vec::new())));
    let queues: Arc<Mutex<Option<Arc<Queue>>>> = Arc::default();
    let mut config = Config::new("phc_x");
    config.flush_interval_ms.set(5_000).unwrap();
    config.carrier = Some(Arc::new({
        let (passed, sent, queues) = (Arc::clone(&passed), Arc::clone(&sent), Arc::clone(&queues));
        move |_: &Outgoing<'_>, incoming: &mut Incoming| {
            let (mut passed, mut sent) = (passed.lock().unwrap(), sent.lock().unwrap());
            sent.push(*passed);
            // The first request takes two seconds, and an event comes meanwhile.
            if sent.len() == 1 {
                *passed += at(2);
                push(queues.lock().unwrap().as_ref().unwrap()).unwrap();
            }
            incoming.status = 200;
            true
        }
    }));
    let captured = Arc::new(Mutex::new(Vec::new()));
    let worker = sender(&config, &passed, |queue, _| {
        *queues.lock().unwrap() = Some(Arc::clone(queue));
        let (passed, sent, captured) = (passed.clone(), sent.clone(), captured.clone());
        let queue = Arc::clone(queue);
        Box::new(move |_| {
            let (mut passed, mut captured) = (passed.lock().unwrap(), captured.lock().unwrap());
            // Where the sender has nothing to do, an event comes three seconds later.
            match (sent.lock().unwrap().len(), captured.len()) {
                (0, 0) | (2, 1) => {
                    *passed += at(3);
                    captured.push(*passed);
                    push(&queue).unwrap();
                }
                (3, _) => queue.close(),
                _ => {}
            }
        })
    });
    worker.run(&mut worker.state());
    let (sent, captured) = (sent.lock().unwrap(), captured.lock().unwrap());
    assert_eq!(captured.len(), 2);
    assert_eq!(*sent, [captured[0] + at(5), sent[0] + at(5), captured[1] + at(5)]);
}
