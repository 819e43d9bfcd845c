//! One job of a replication: which one is looked at, and its course among all others.

use crate::cloud::{Ended, survey, trace};
use crate::model::Model;
use crate::model::vocabulary::Reason;
use crate::observe::Outcome;
use crate::observe::course::Course;

/// Which job is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first that failed, else the one that came closest to it.
    Telling,
    /// The first that failed for this reason, as its own service saw it or as it began.
    FailedFor(Reason),
    /// The one of this number.
    Numbered(u64),
}

/// Why this job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It was asked for.
    Asked,
    /// It is the first of so many that failed, or failed for the reason.
    FirstFailed(usize),
    /// None failed, and of those with a margin it has the smallest.
    Closest,
    /// None failed, and none had its token looked at.
    First,
}

/// The course of a job of a replication, of one workload or of any; `None` if there is no such job.
pub fn single(model: &Model, replication: u32, workload: Option<usize>, choice: Choice) -> Option<(Course, Because)> {
    let is_meant = |index: usize| workload.is_none_or(|only| only == index);
    if let Choice::Numbered(ordinal) = choice {
        let mut workloads = (0..model.workloads.len()).filter(|index| is_meant(*index));
        let course = workloads.find_map(|index| trace(model, replication, index, ordinal))?;
        return Some((course, Because::Asked));
    }
    let ended: Vec<Ended> = survey(model, replication).into_iter().filter(|job| is_meant(job.workload)).collect();
    let is_choice = |job: &&Ended| match (job.outcome, choice) {
        (Outcome::Failed(failure), Choice::FailedFor(reason)) => {
            failure.reason == reason || failure.first_cause.reason == reason
        }
        (Outcome::Failed(_), Choice::Telling | Choice::Numbered(_)) => true,
        (Outcome::Completed | Outcome::Unfinished, _) => false,
    };
    let course = |job: &Ended| trace(model, replication, job.workload, job.ordinal);
    if let Some(first) = ended.iter().find(is_choice) {
        return Some((course(first)?, Because::FirstFailed(ended.iter().filter(is_choice).count())));
    }
    if choice != Choice::Telling {
        return None;
    }
    let with_margin = ended.iter().filter_map(|job| Some((job.smallest_margin?, job)));
    match with_margin.min_by_key(|(margin, _)| *margin) {
        Some((_, closest)) => Some((course(closest)?, Because::Closest)),
        None => Some((course(ended.first()?)?, Because::First)),
    }
}
