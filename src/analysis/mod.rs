//! Facts into numbers: metrics with their denominators and intervals, failures, verdicts. No text, no files.

mod capacity;
pub mod compare;
mod judge;
mod precision;
mod remedies;
pub mod solve;
mod summarise;
mod warm_up;

pub use judge::{is_seen, judge};
pub use precision::{reached, suffices};
pub use remedies::{Ranking, Saves};
pub use summarise::summarise;
pub use warm_up::{Settling, TimeBin, WarmUp, later, warm_up};

use std::sync::Arc;

use crate::model::vocabulary::Reason;
use crate::model::{LinkId, PoolId, ServiceId, StepId};
use crate::observe::{Chances, Distribution, JobCounts, Quantiles, ServiceFacts};

/// One point of a study, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct PointResult {
    /// Number of the point.
    pub point: usize,
    /// Replications that were simulated.
    pub replications: u32,
    /// Number of the first of them; the others follow.
    pub first_replication: u32,
    /// How sure it is, where the study asks for a precision.
    pub precision: Option<Reached>,
    /// A row per workload in the order of the model, then the row of all.
    pub rows: Vec<Summary>,
    /// Ways of failing, by workload, then in the order of step and reason.
    pub failures: Vec<FailureRow>,
    /// In the order of the model; without services that are not always shown and were not asked for anything.
    pub services: Vec<(ServiceId, ServiceFacts)>,
    /// In the order of the model; without pools that never queue.
    pub pools: Vec<PoolRow>,
    /// In the order of the model; without links that nobody shares.
    pub links: Vec<LinkRow>,
    /// What would have saved the jobs that failed; `None`: nobody asked.
    pub remedies: Option<Ranking>,
}

impl PointResult {
    /// The row of all workloads together.
    pub fn all(&self) -> &Summary {
        self.rows.last().expect("a point has the row of all")
    }
}

/// What came of the precision that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reached {
    /// Half the width of the interval, in the metric's unit; `None`: there is no interval.
    pub half_width: Option<f64>,
    /// Whether that is as narrow as asked for.
    pub holds: bool,
}

/// How busy a pool was, and for how long its customers waited.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolRow {
    /// Which.
    pub pool: PoolId,
    /// Who asked for a slot.
    pub arrived: u64,
    /// Slots on all hosts, while jobs arrived: their mean over time; `None` if there was no limit for some of it.
    pub slots: Option<f64>,
    /// Held / all slots, while jobs arrived.
    pub utilisation: Option<f64>,
    /// Rate of arrivals × mean time that a slot is held / slots: from 1 on the queue grows for as long as jobs arrive.
    /// Errs to the low side. `None` without slots, or if nobody asked.
    pub offered_load: Option<f64>,
    /// Mean wait of those who got a slot, in seconds; `None` if nobody did.
    pub wait_mean: Option<f64>,
    /// Waits of those who got a slot.
    pub waits: Distribution,
}

impl PoolRow {
    /// Whether more was asked of it than it can give.
    pub fn is_saturated(&self) -> bool {
        self.offered_load.is_some_and(|load| load >= 1.0) || self.utilisation.is_some_and(is_full)
    }
}

/// How busy a shared link was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkRow {
    /// Which.
    pub link: LinkId,
    /// Carried / what its bandwidth allowed, while jobs arrived; `None` if it had none then.
    pub utilisation: Option<f64>,
}

impl LinkRow {
    /// Whether more was asked of it than it can carry.
    pub fn is_saturated(&self) -> bool {
        self.utilisation.is_some_and(is_full)
    }
}

/// Whether so little is free that it is free by chance.
fn is_full(utilisation: f64) -> bool {
    utilisation > 0.99
}

/// One row of the summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Index of the workload; `None`: all of them.
    pub workload: Option<usize>,
    /// Sums over the replications.
    pub counts: JobCounts,
    /// Failed / finished, or what was to be expected of that.
    pub failure_rate: Rate,
    /// Token failures / finished.
    pub token_failure_rate: Rate,
    /// Confidence level of the intervals.
    pub confidence: f64,
    /// Mean duration of completed jobs, in seconds.
    pub duration_mean: Option<f64>,
    /// Durations of completed jobs.
    pub durations: Distribution,
    /// Smallest margins of completed jobs.
    pub margins: Distribution,
    /// The counts of each replication, for bounds at other confidence levels.
    pub by_replication: Vec<JobCounts>,
    /// The quantiles of each replication; shared, because the row of all is often that of the only workload.
    pub quantiles: Arc<[Quantiles]>,
    /// What the jobs of each replication had to expect; empty where rates are counted.
    pub chances: Vec<Chances>,
}

/// One replication of a row of the summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplicationRow {
    /// Index of the workload; `None`: all of them.
    pub workload: Option<usize>,
    /// What happened to its jobs.
    pub counts: JobCounts,
    /// Mean duration of completed jobs, in seconds.
    pub duration_mean: Option<f64>,
    /// Quantiles of its completed jobs.
    pub quantiles: Quantiles,
}

/// A share of finished jobs with its two-sided interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// `None` when no job finished.
    pub estimate: Option<f64>,
    /// `None` when no interval can be given.
    pub interval: Option<Interval>,
}

/// A two-sided interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How it was found.
    pub method: IntervalMethod,
}

/// How an interval was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalMethod {
    /// Ratio estimator over replications, Student's t.
    StudentT,
    /// The same of what the jobs had to expect, given their times.
    Conditional,
    /// Exact binomial over jobs, which assumes that they are independent.
    ClopperPearson,
}

impl IntervalMethod {
    /// The code in `summary.csv`.
    pub const fn code(self) -> &'static str {
        match self {
            IntervalMethod::StudentT => "t",
            IntervalMethod::Conditional => "t_conditional",
            IntervalMethod::ClopperPearson => "clopper_pearson",
        }
    }
}

/// One way of failing.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureRow {
    /// Index of the workload.
    pub workload: usize,
    /// What the job's process saw, and where.
    pub step: StepId,
    /// The reason.
    pub reason: Reason,
    /// Where it began.
    pub first_cause_step: StepId,
    /// What began it.
    pub first_cause_reason: Reason,
    /// Failed jobs.
    pub jobs: u64,
    /// `jobs` over the finished jobs of the workload.
    pub share_of_finished: f64,
    /// Resources that they left.
    pub orphans: u64,
    /// `jobs` by replication, for bounds.
    pub by_replication: Vec<u64>,
    /// What would have saved most of the jobs; `None`: nothing, or nothing is known.
    pub remedy: Option<Saves>,
}

/// What came of one expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Its index in the study.
    pub expectation: usize,
    /// One entry per matched point, in order; empty if nothing matched, which fails.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// Whether the expectation holds everywhere.
    pub fn holds(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.holds())
    }
}

/// One expectation at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Number of the point.
    pub point: usize,
    /// The estimate.
    pub value: Option<f64>,
    /// One-sided lower bound, where `min` was asked for.
    pub low: Option<f64>,
    /// One-sided upper bound, where `max` was asked for.
    pub high: Option<f64>,
    /// What is wrong, if anything.
    pub problem: Option<Problem>,
}

impl Check {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.problem.is_none()
    }
}

/// Why an expectation does not hold at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The upper bound exceeds `max`.
    TooHigh,
    /// The lower bound is below `min`.
    TooLow,
    /// There is no bound: no job finished, or one replication only.
    NoBound,
    /// There are too few jobs to bound this quantile.
    TooFewJobs,
    /// Some of the jobs did not end.
    UnfinishedJobs,
    /// No such workload at this point.
    NoSuchWorkload,
}
