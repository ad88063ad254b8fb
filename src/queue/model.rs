//! The hand-over in the orders in which threads can take the locks, tried by loom. Part of
//! `tests/model`.

#![cfg(model)]

use super::*;
use crate::timestamp::Timestamp;
use loom::thread;

/// Four events a batch, so that threads that meet fill segments of one, and room for so many.
fn queue(events_max: usize) -> Arc<Queue> {
    let limits = Limits {
        events_max,
        bytes_max: 100_000,
        event_bytes_max: 10_000,
        batch_events_max: 4,
        batch_bytes_max: 20_000,
        flush_at: 2,
        flush_interval: Duration::from_secs(5),
        policy: Policy::DropNewest,
        envelope: 100,
    };
    let logger = Logger::new(None, false, Arc::new(crate::hooks::Gate::default()));
    Arc::new(Queue::new(limits, Random::from_seed([7; 32]), logger, None).0)
}

fn push(queue: &Queue, slot: u8, number: u8) -> Result<(), Error> {
    let record = NewRecord {
        distinct_id: b"u",
        event: &[slot, number],
        props: [&[], &[]],
        options: &[],
        marks: 0,
        timestamp: Timestamp::from_parts(1_700_000_000, 0, 6),
        uuid: None,
    };
    queue.push_at(usize::from(slot), &record).map(drop)
}

/// A thread of that slot pushes so many events; how many were accepted.
fn writer(queue: &Arc<Queue>, slot: u8, events: u8) -> thread::JoinHandle<u64> {
    let queue = Arc::clone(queue);
    thread::spawn(move || (0..events).map(|n| u64::from(push(&queue, slot, n).is_ok())).sum())
}

/// What the sender saw: the slot and the number of each event.
#[derive(Default)]
struct Seen(Vec<(u8, u8)>);

impl Seen {
    /// Takes a batch, if there is one, and settles it.
    fn take(&mut self, queue: &Queue) -> bool {
        queue.urge();
        let Next::Send(batch) = queue.next(Instant::now()) else { return false };
        assert!((1..=4).contains(&batch.events()));
        self.0.extend(batch.chunk.records().map(|record| (record.event[0], record.event[1])));
        assert_eq!(batch.chunk.records().count(), batch.events());
        queue.settle(&batch, &vec![Fate::Delivered; batch.events()]);
        queue.retire(batch, &[]).announce();
        true
    }

    /// Takes what is left. All that was accepted was seen, each slot's in order.
    fn end(mut self, queue: &Queue, accepted: u64) {
        while self.take(queue) {}
        let (ledger, bytes) = queue.ledger();
        assert!(ledger.balances(), "{ledger:?}");
        assert_eq!((ledger.accepted, ledger.delivered, ledger.queued), (accepted, accepted, 0));
        assert_eq!((self.0.len() as u64, bytes), (accepted, 0));
        for slot in 0..2 {
            let numbers: Vec<u8> =
                self.0.iter().filter(|seen| seen.0 == slot).map(|seen| seen.1).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "slot {slot}: {numbers:?}");
        }
    }
}

/// Threads are interrupted so often at most; nearly all faults need fewer.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(run);
}

#[test]
fn two_writers_keep_their_orders() {
    model(|| {
        let queue = queue(10);
        let writers = [writer(&queue, 0, 3), writer(&queue, 1, 2)];
        let accepted = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        Seen::default().end(&queue, accepted);
    });
}

#[test]
fn two_writers_and_a_sender_lose_nothing() {
    model(|| {
        let queue = queue(10);
        let writers = [writer(&queue, 0, 3), writer(&queue, 1, 2)];
        let mut seen = Seen::default();
        seen.take(&queue);
        let accepted = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        assert_eq!(accepted, 5);
        seen.end(&queue, accepted);
    });
}

#[test]
fn the_bound_holds_whoever_comes_first() {
    model(|| {
        let queue = queue(3);
        let writers = [writer(&queue, 0, 2), writer(&queue, 1, 2)];
        let (counts, _) = queue.ledger();
        assert!(counts.balances() && counts.queued <= 3, "{counts:?}");
        let accepted = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        assert_eq!(accepted, 3, "one of four is refused");
        Seen::default().end(&queue, accepted);
    });
}

#[test]
fn a_flush_covers_what_was_accepted_before_it() {
    model(|| {
        let queue = queue(10);
        let first = writer(&queue, 0, 1);
        let second = writer(&queue, 1, 2);
        assert_eq!(first.join().unwrap(), 1);
        let answer = queue.flush(true);
        let mut seen = Seen::default();
        while seen.take(&queue) && !seen.0.contains(&(0, 0)) {}
        if let Flush::Pending(_, answer) = answer {
            while answer.try_recv().is_err() {
                assert!(seen.take(&queue), "answered at the latest when nothing is left");
            }
        }
        assert!(seen.0.contains(&(0, 0)));
        assert_eq!(second.join().unwrap(), 2);
        seen.end(&queue, 3);
    });
}

#[test]
fn nothing_is_accepted_once_the_queue_is_closed() {
    model(|| {
        let queue = queue(10);
        let writers = [writer(&queue, 0, 2), writer(&queue, 1, 1)];
        queue.close();
        assert_eq!([0, 1].map(|slot| push(&queue, slot, 9)), [Err(Error::Shutdown); 2]);
        let (closed, _) = queue.ledger();
        let accepted: u64 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        assert_eq!(accepted, closed.accepted);
        Seen::default().end(&queue, accepted);
    });
}
