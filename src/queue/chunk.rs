//! What one batch holds.

use super::PARTS;
use super::segment::Segment;
use crate::record::{NewRecord, Record};
use crate::store::{Hold, Place};
use smallvec::SmallVec;
use std::sync::Arc;
use uuid::Uuid;

/// At most one batch: the segments of the threads that filled it.
#[derive(Default)]
pub struct Chunk {
    /// Mostly one. Threads that meet fill a quarter of a batch each.
    segments: SmallVec<[Segment; PARTS]>,
    /// Where its records are stored, if they are copies of such: one for each.
    places: Vec<Place>,
    events: usize,
    wire_bytes: usize,
    first_seq: u64,
}

impl Chunk {
    /// Numbers its events from there on.
    pub(super) fn number(&mut self, first_seq: u64) {
        self.first_seq = first_seq;
    }

    /// A chunk whose first event will have that sequence number.
    pub(super) fn new(first_seq: u64) -> Chunk {
        Chunk { first_seq, ..Chunk::default() }
    }

    pub fn events(&self) -> usize {
        self.events
    }

    /// The size of its events on the wire, at most.
    pub fn wire_bytes(&self) -> usize {
        self.wire_bytes
    }

    /// The sequence number of its oldest record. Those of the others follow it.
    pub fn first_seq(&self) -> u64 {
        self.first_seq
    }

    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.segments.iter().flat_map(Segment::records)
    }

    /// Each record, and where it is stored.
    pub(super) fn located(&self) -> impl Iterator<Item = (Record<'_>, Option<Place>)> {
        let mut places = self.places.iter();
        self.segments.iter().flat_map(located).map(move |(record, hold, at)| {
            let own = hold.map(|hold| Place::new(hold, at));
            (record, own.or_else(|| places.next().cloned()))
        })
    }

    /// Whether its events outlive the process.
    pub(super) fn is_stored(&self) -> bool {
        !self.places.is_empty() || self.segments.first().is_some_and(Segment::is_stored)
    }

    /// What is settled of it is not stored any more: all, unless other chunks have a part.
    pub(super) fn unstore(&self, is_settled: impl Fn(usize) -> bool) {
        let mut first = 0;
        for segment in &self.segments {
            if let Some(hold) = segment.hold() {
                let places = segment.located().enumerate();
                if Arc::strong_count(hold) == 1 {
                    hold.free();
                } else {
                    for (_, (at, _)) in places.filter(|(place, _)| is_settled(first + place)) {
                        Place::new(hold, at).settle();
                    }
                }
            }
            first += segment.events();
        }
        let mut first = 0;
        for same in self.places.chunk_by(|one, other| Arc::ptr_eq(&one.hold, &other.hold)) {
            if Arc::strong_count(&same[0].hold) == same.len() {
                same[0].hold.free();
            } else {
                let settled = same.iter().enumerate().filter(|(it, _)| is_settled(first + it));
                settled.for_each(|(_, place)| place.settle());
            }
            first += same.len();
        }
    }

    /// Gives events other properties: those of marked ones, where `change` has any.
    pub fn change_props(
        &mut self,
        mark: u32,
        mut change: impl FnMut(&Record<'_>) -> Option<Vec<u8>>,
    ) {
        if self.records().all(|record| record.marks & mark == 0) {
            return;
        }
        let mut changed = Chunk::new(self.first_seq);
        let mut grown = self.wire_bytes;
        for (record, place) in self.located() {
            let props = if record.marks & mark != 0 { change(&record) } else { None };
            let props = props.as_deref().unwrap_or(record.props);
            let new = record.with_props(props);
            grown += new.len().saturating_sub(record.bytes.len());
            changed.push(&new, record.uuid, new.len());
            changed.places.extend(place);
        }
        changed.wire_bytes = grown;
        *self = changed;
    }

    pub fn push(&mut self, record: &NewRecord<'_>, uuid: Uuid, wire_bytes: usize) {
        self.last().push(record, uuid, wire_bytes);
        self.events += 1;
        self.wire_bytes += wire_bytes;
    }

    /// Appends a record that was read elsewhere, and may be stored there.
    pub(super) fn push_copy(
        &mut self,
        record: &Record<'_>,
        place: Option<Place>,
        wire_bytes: usize,
    ) {
        self.last().push_copy(record, wire_bytes);
        self.places.extend(place);
        self.events += 1;
        self.wire_bytes += wire_bytes;
    }

    fn last(&mut self) -> &mut Segment {
        if self.segments.is_empty() {
            self.segments.push(Segment::default());
        }
        let last = self.segments.len() - 1;
        &mut self.segments[last]
    }

    /// Appends the events of a segment.
    pub(super) fn join(&mut self, segment: Segment) {
        self.events += segment.events();
        self.wire_bytes += segment.wire_bytes();
        self.segments.push(segment);
    }

    /// Gives back what it does not use.
    pub(super) fn shrink(&mut self) {
        self.segments.iter_mut().for_each(Segment::shrink);
    }

    /// Drops the oldest record; returns its size on the wire.
    pub(super) fn evict(&mut self, envelope: usize) -> usize {
        let Some(front) = self.segments.iter_mut().find(|it| it.events() > 0) else { return 0 };
        let wire_bytes = front.evict(envelope);
        self.events -= 1;
        self.wire_bytes -= wire_bytes;
        self.first_seq += 1;
        wire_bytes
    }

    /// Takes out the oldest `events`, or all.
    pub(super) fn split_front(&mut self, events: usize, envelope: usize) -> Chunk {
        if events >= self.events {
            return std::mem::take(self);
        }
        let mut part = Chunk::new(self.first_seq);
        for segment in &mut self.segments {
            part.join(segment.split_front(events - part.events, envelope));
        }
        self.events -= part.events;
        self.wire_bytes -= part.wire_bytes;
        self.first_seq += part.events as u64;
        part
    }

    /// The right to where its events are stored, which may end with this: outside the lock.
    pub(super) fn take_places(&mut self) -> Vec<Place> {
        std::mem::take(&mut self.places)
    }

    /// The memory of its segments, to be used again.
    pub(super) fn into_segments(self) -> impl Iterator<Item = Segment> {
        self.segments.into_iter()
    }
}

fn located(segment: &Segment) -> impl Iterator<Item = (Record<'_>, Option<&Arc<Hold>>, usize)> {
    segment.located().map(|(at, record)| (record, segment.hold(), at))
}
