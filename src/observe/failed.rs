//! Jobs that are remembered, and what would have saved those that failed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FailureKey, packed};
use crate::model::remedy::Remedy;
#[cfg(doc)]
use crate::model::remedy::Setting;
use crate::units::Instant;

/// A job by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedJob {
    /// Its number in the workload.
    pub ordinal: u64,
    /// When it was submitted.
    pub submitted: Instant,
}

/// Jobs of one replication that ended alike: all of them while they are few, and every second, fourth, … of them as
/// they become more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    kept: Vec<NamedJob>,
    most: usize,
    every: u64,
    seen: u64,
}

impl Sample {
    /// None yet; `most` are kept, an even number: beyond it, half of them suffice.
    pub const fn new(most: usize) -> Sample {
        Sample { kept: Vec::new(), most, every: 1, seen: 0 }
    }

    /// Takes in the next one.
    pub fn push(&mut self, job: NamedJob) {
        if !self.seen.is_multiple_of(self.every) {
            self.seen += 1;
            return;
        }
        if self.kept.len() == self.most {
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
    pub fn iter(&self) -> impl Iterator<Item = (NamedJob, u64)> {
        let beginnings = (0..).step_by(usize::try_from(self.every).unwrap_or(usize::MAX));
        self.kept.iter().zip(beginnings).map(|(job, begins): (_, u64)| (*job, self.every.min(self.seen - begins)))
    }
}

/// What is known of remedies from the jobs of one workload. Jobs that were not asked count as those that stand for
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadRemedies {
    /// By way of failing, what would have saved the jobs.
    pub ways: BTreeMap<FailureKey, Remedies>,
    /// What those remedies would have done to jobs that completed, by [kind](Remedy::kind); of those that may break
    /// some.
    #[serde(with = "packed::by_remedy")]
    pub harm: BTreeMap<Remedy, Harm>,
}

impl WorkloadRemedies {
    /// Adds what is known from others.
    pub fn merge(&mut self, other: &WorkloadRemedies) {
        other.ways.iter().for_each(|(way, remedies)| self.ways.entry(*way).or_default().merge(remedies));
        for (remedy, theirs) in &other.harm {
            let ours = self.harm.entry(*remedy).or_default();
            ours.asked += theirs.asked;
            ours.broken += theirs.broken;
        }
    }
}

/// What a remedy would have done to jobs that completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harm {
    /// Jobs that were asked.
    pub asked: u64,
    /// Of them, those that would not have completed.
    pub broken: u64,
}

/// What would have saved the jobs that failed in one way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedies {
    /// Jobs for which an answer was found: they fail alone as they failed among others.
    pub asked: u64,
    /// Jobs that were simulated for it.
    pub simulated: u64,
    /// Of `asked`, those that no single remedy saves, but perhaps one of [the token itself](Setting::is_of_token).
    pub beyond_one: u64,
    /// What one thing set otherwise does, by its [kind](Remedy::kind).
    #[serde(with = "packed::by_remedy")]
    pub alone: BTreeMap<Remedy, Saved>,
    /// What two things do together, by their kinds; in replications in which they save a job that neither saves alone.
    #[serde(with = "packed::by_remedy")]
    pub together: BTreeMap<Remedy, Together>,
}

/// Jobs that a remedy saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// With the least amounts that save all of them.
    #[serde(with = "packed::remedy")]
    pub least: Remedy,
    /// How many.
    pub jobs: u64,
}

/// What two things do in the replications that know of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// What both save, what either saves alone included.
    pub saved: Saved,
    /// What the lesser saves alone in the same replications.
    pub by_one: u64,
    /// What the other does.
    pub by_other: u64,
}

impl Remedies {
    /// Notes that a single remedy saves some jobs.
    pub fn save(&mut self, least: Remedy, jobs: u64) {
        self.alone.entry(least.kind()).or_insert(Saved { least, jobs: 0 }).add(least, jobs);
    }

    /// Adds what would have saved others.
    pub fn merge(&mut self, other: &Remedies) {
        self.asked += other.asked;
        self.simulated += other.simulated;
        self.beyond_one += other.beyond_one;
        for theirs in other.alone.values() {
            self.save(theirs.least, theirs.jobs);
        }
        for theirs in other.together.values() {
            self.save_together(*theirs);
        }
    }

    /// Notes what two things do together.
    pub fn save_together(&mut self, theirs: Together) {
        let least = theirs.saved.least;
        let none = Together { saved: Saved { least, jobs: 0 }, by_one: 0, by_other: 0 };
        let ours = self.together.entry(least.kind()).or_insert(none);
        ours.saved.add(least, theirs.saved.jobs);
        ours.by_one += theirs.by_one;
        ours.by_other += theirs.by_other;
    }
}

impl Saved {
    /// Adds jobs that the same kind of remedy saves.
    pub fn add(&mut self, least: Remedy, jobs: u64) {
        self.least = self.least.at_least(least);
        self.jobs += jobs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_stood_for_once() {
        for (count, most) in [0, 1, 15, 16, 17, 255, 256, 257, 512, 513, 1_000, 100_001]
            .into_iter()
            .flat_map(|count| [(count, 16), (count, 256)])
        {
            let mut sample = Sample::new(most);
            for ordinal in 0..count {
                sample.push(NamedJob { ordinal, submitted: Instant::START });
            }
            let kept: Vec<(u64, u64)> = sample.iter().map(|(job, stands_for)| (job.ordinal, stands_for)).collect();
            assert!(kept.len() <= most && kept.len() * 2 >= most.min(count as usize), "{count}");
            let mut next = 0;
            for (ordinal, stands_for) in kept {
                assert_eq!(ordinal, next, "{count}");
                next += stands_for;
            }
            assert_eq!(next, count);
        }
    }
}
