//! Sets of events, by sequence number.

use std::ops::Range;

/// Sequence numbers in ascending order. Those of a batch are one range, until parts of it go ways
/// of their own.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Seqs(Vec<Range<u64>>);

impl Seqs {
    pub fn run(first: u64, len: usize) -> Seqs {
        Seqs(std::iter::once(first..first + len as u64).collect())
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|run| run.end - run.start).sum::<u64>() as usize
    }

    pub fn first(&self) -> Option<u64> {
        self.iter().next()
    }

    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(Range::clone)
    }

    /// Adds one that is greater than all others.
    pub fn push(&mut self, seq: u64) {
        match self.0.last_mut() {
            Some(run) if run.end == seq => run.end += 1,
            _ => self.0.push(seq..seq + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_run() {
        let mut seqs = Seqs::default();
        assert_eq!((seqs.len(), seqs.first()), (0, None));
        for seq in [3, 4, 5, 9, 11, 12] {
            seqs.push(seq);
        }
        assert_eq!(seqs.0, [3..6, 9..10, 11..13]);
        assert_eq!(seqs.iter().collect::<Vec<_>>(), [3, 4, 5, 9, 11, 12]);
        assert_eq!((seqs.len(), seqs.first()), (6, Some(3)));
        assert_eq!(Seqs::run(7, 2).iter().collect::<Vec<_>>(), [7, 8]);
    }
}
