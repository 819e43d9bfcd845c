//! Jobs by the time of their submission, for looking at how a simulation warms up.

use super::Outcome;
use crate::units::{Instant, Span};

/// Bins of a run: fine enough to show a transient of some per cent of it, and joined where they hold too little.
pub const BINS: usize = 500;

/// What came of the jobs of one workload that were submitted in each of [`BINS`] equal parts of the run's duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bins {
    duration: Span,
    list: Vec<Bin>,
}

/// The jobs that were submitted in one part of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bin {
    /// Ended well.
    pub completed: u64,
    /// Ended badly.
    pub failed: u64,
    /// Sum of the durations of completed jobs, in microseconds.
    pub duration_sum_micros: i128,
}

impl Bin {
    /// Adds the jobs of another bin.
    pub fn add(&mut self, other: &Bin) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.duration_sum_micros += other.duration_sum_micros;
    }

    /// Completed + failed.
    pub const fn finished(&self) -> u64 {
        self.completed + self.failed
    }
}

impl Bins {
    /// Empty bins of a run in which jobs arrive in [0, `duration`).
    pub fn new(duration: Span) -> Bins {
        Bins { duration, list: vec![Bin::default(); BINS] }
    }

    /// How long jobs arrive.
    pub const fn duration(&self) -> Span {
        self.duration
    }

    /// In order of time.
    pub fn list(&self) -> &[Bin] {
        &self.list
    }

    /// Counts a job that was submitted in the time of the bins.
    pub fn count(&mut self, submitted: Instant, ended: Option<Instant>, outcome: Outcome) {
        let share = i128::from(submitted.since(Instant::START).micros()) * BINS as i128;
        let index = (share / i128::from(self.duration.micros())).clamp(0, BINS as i128 - 1);
        let bin = &mut self.list[index as usize];
        match (outcome, ended) {
            (Outcome::Completed, Some(ended)) => {
                bin.completed += 1;
                bin.duration_sum_micros += i128::from(ended.since(submitted).micros());
            }
            (Outcome::Failed(_), _) => bin.failed += 1,
            // It has no duration, and nobody knows whether it fails.
            (Outcome::Completed, None) | (Outcome::Unfinished, _) => {}
        }
    }

    /// Adds the jobs of another replication, whose bins are of the same times.
    pub fn merge(&mut self, other: &Bins) {
        self.list.iter_mut().zip(&other.list).for_each(|(ours, theirs)| ours.add(theirs));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    #[test]
    fn jobs_are_counted_where_they_were_submitted() {
        let mut bins = Bins::new(Span::from_seconds(1_000));
        let at = Instant::from_seconds;
        bins.count(at(0), Some(at(3)), Outcome::Completed);
        bins.count(at(1), Some(at(5)), Outcome::Completed);
        bins.count(at(2), None, Outcome::Unfinished);
        bins.count(at(999), Some(at(1_500)), Outcome::Completed);
        let first = Bin { completed: 2, failed: 0, duration_sum_micros: 7_000_000 };
        let last = Bin { completed: 1, failed: 0, duration_sum_micros: 501_000_000 };
        assert_eq!((bins.list()[0], bins.list()[1], bins.list()[BINS - 1]), (first, Bin::default(), last));
        let twice = bins.clone();
        bins.merge(&twice);
        assert_eq!((bins.list()[0].finished(), bins.list()[0].duration_sum_micros), (4, 14_000_000));
    }
}
