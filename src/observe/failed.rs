//! Failed jobs that are remembered, and what would have saved them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::packed;
use crate::model::remedy::Remedy;
#[cfg(doc)]
use crate::model::remedy::Setting;
use crate::units::Instant;

/// A job by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedJob {
    /// Its number in the workload.
    pub ordinal: u64,
    /// When it was submitted.
    pub submitted: Instant,
}

/// Jobs of one replication that failed in one way: all of them while they are few, and every second, fourth, … of them
/// as they become more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedJobs {
    kept: Vec<FailedJob>,
    every: u64,
    seen: u64,
}

impl Default for FailedJobs {
    fn default() -> FailedJobs {
        FailedJobs { kept: Vec::new(), every: 1, seen: 0 }
    }
}

impl FailedJobs {
    /// The most that are kept, an even number: beyond it, half of them suffice.
    pub const MOST: usize = 256;

    /// Takes in the next one.
    pub fn push(&mut self, job: FailedJob) {
        if self.seen.is_multiple_of(self.every) && self.kept.len() == Self::MOST {
            let mut index = 0;
            self.kept.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.every *= 2;
        }
        if self.seen.is_multiple_of(self.every) {
            self.kept.push(job);
        }
        self.seen += 1;
    }

    /// Those that are kept, each with the number of jobs for which it stands: itself and those behind it.
    pub fn iter(&self) -> impl Iterator<Item = (FailedJob, u64)> {
        let beginnings = (0..).step_by(usize::try_from(self.every).unwrap_or(usize::MAX));
        self.kept.iter().zip(beginnings).map(|(job, begins): (_, u64)| (*job, self.every.min(self.seen - begins)))
    }
}

/// What would have saved the jobs that failed in one way. Jobs that were not asked count as those that stand for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedies {
    /// Jobs for which an answer was found: they fail alone as they failed among others.
    pub asked: u64,
    /// Jobs that were simulated for it.
    pub simulated: u64,
    /// Of `asked`, those that no single remedy saves, but perhaps one of [the token itself](Setting::is_of_token).
    pub beyond_one: u64,
    /// Of `asked`, those that each remedy saves; of two things at once, of `beyond_one`, without those that one of the
    /// two saves by itself.
    #[serde(with = "packed::saved")]
    pub saved: BTreeMap<Remedy, u64>,
}

impl Remedies {
    /// Adds what would have saved others.
    pub fn merge(&mut self, other: &Remedies) {
        self.asked += other.asked;
        self.simulated += other.simulated;
        self.beyond_one += other.beyond_one;
        for (remedy, jobs) in &other.saved {
            *self.saved.entry(*remedy).or_default() += jobs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_stood_for_once() {
        for count in [0, 1, 255, 256, 257, 512, 513, 1_000, 100_001] {
            let mut failed = FailedJobs::default();
            for ordinal in 0..count {
                failed.push(FailedJob { ordinal, submitted: Instant::START });
            }
            let kept: Vec<(u64, u64)> = failed.iter().map(|(job, stands_for)| (job.ordinal, stands_for)).collect();
            assert!(
                kept.len() <= FailedJobs::MOST && kept.len() * 2 >= FailedJobs::MOST.min(count as usize),
                "{count}"
            );
            let mut next = 0;
            for (ordinal, stands_for) in kept {
                assert_eq!(ordinal, next, "{count}");
                next += stands_for;
            }
            assert_eq!(next, count);
        }
    }
}
