//! Facts of a replication: counts, sums, sketches and, on request, a record per job.
//!
//! Everything here merges exactly and in any order; no averages, no percentages, no text. What is kept of replications
//! can be put on disk and comes back as it was; how is the journal's business.

mod bins;
pub mod course;
mod failed;
mod packed;
mod sketch;

pub use bins::{BINS, Bin, Bins};
pub use failed::{Harm, NamedJob, Remedies, Sample, Saved, Together, WorkloadRemedies};

pub use sketch::{Distribution, Side, Sketch};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::vocabulary::{Cleanup, Reason};
use crate::model::{Model, StepId};
use crate::units::{Instant, Span};

/// What one replication of one point showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Observations {
    /// By workload, in the order of the model.
    pub workloads: Vec<WorkloadFacts>,
    /// By service, in the order of the model.
    pub services: Vec<ServiceFacts>,
    /// By pool.
    pub pools: Vec<PoolFacts>,
    /// By link.
    pub links: Vec<LinkFacts>,
    /// Tokens issued to the users of `[service_user]`, held ones included.
    pub service_tokens_issued: u64,
    /// Every counted job in the order of ending; empty unless asked for.
    pub records: Vec<JobRecord>,
    /// By workload, the counted jobs by the time of their submission; empty unless asked for.
    pub bins: Vec<Bins>,
    /// Events that the engine handled.
    pub events: u64,
    /// By workload, what its jobs had to expect; empty unless the rates are to be estimated from it.
    pub chances: Vec<Chances>,
    /// By workload and way of failing, which of the counted jobs failed.
    pub failed: Vec<BTreeMap<FailureKey, Sample>>,
    /// By workload, which of them completed.
    pub completed: Vec<Sample>,
    /// By workload, what would have saved those that failed; empty unless asked for.
    pub remedies: Vec<WorkloadRemedies>,
}

/// What some replications of one point showed, or all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointFacts {
    /// Number of the point.
    pub point: usize,
    /// Numbers of the replications, ascending.
    pub replications: Vec<u32>,
    /// By workload, sums over the replications.
    pub workloads: Vec<WorkloadFacts>,
    /// By replication in the same order, then workload.
    pub by_replication: Vec<Vec<ReplicationFacts>>,
    /// By replication, of the jobs of all workloads together.
    pub quantiles_of_all: Vec<Quantiles>,
    /// By service, in the order of the model, sums over the replications.
    pub services: Vec<ServiceFacts>,
    /// By pool.
    pub pools: Vec<PoolFacts>,
    /// By link.
    pub links: Vec<LinkFacts>,
    /// By workload, its jobs by the time of submission; empty unless asked for. No journal keeps them.
    #[serde(skip)]
    pub bins: Vec<Bins>,
    /// By workload, what would have saved the jobs that failed; empty unless asked for.
    pub remedies: Vec<WorkloadRemedies>,
    /// Events that the engine handled.
    pub events: u64,
}

/// What is kept of one replication of one workload, for intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicationFacts {
    /// The counts.
    pub counts: JobCounts,
    /// Failed jobs, by where and why.
    pub failures: BTreeMap<FailureKey, FailureCounts>,
    /// What is kept of its sketches, which are too large to be kept.
    pub quantiles: Quantiles,
    /// What the jobs had to expect, if the rates are to be estimated from it.
    pub chances: Option<Chances>,
}

/// Quantiles of the completed jobs of one replication; `None` where none completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Median duration.
    #[serde(with = "packed::span")]
    pub duration_p50: Option<Span>,
    /// 95th percentile of the durations.
    #[serde(with = "packed::span")]
    pub duration_p95: Option<Span>,
    /// 99th percentile of the durations.
    #[serde(with = "packed::span")]
    pub duration_p99: Option<Span>,
    /// 1st percentile of the smallest margins.
    #[serde(with = "packed::span")]
    pub margin_p01: Option<Span>,
}

impl Quantiles {
    fn of(durations: &Sketch, margins: &Sketch) -> Quantiles {
        let (durations, margins) = (durations.distribution(), margins.distribution());
        Quantiles {
            duration_p50: durations.quantile(0.5),
            duration_p95: durations.quantile(0.95),
            duration_p99: durations.quantile(0.99),
            margin_p01: margins.quantile(0.01),
        }
    }

    fn of_all(workloads: &[WorkloadFacts]) -> Quantiles {
        let (mut durations, mut margins) = (Sketch::default(), Sketch::default());
        for workload in workloads {
            durations.merge(&workload.durations);
            margins.merge(&workload.margins);
        }
        Quantiles::of(&durations, &margins)
    }
}

impl PointFacts {
    /// Nothing yet of the workloads and services of a point's model.
    pub fn new(point: usize, model: &Model) -> PointFacts {
        PointFacts {
            point,
            replications: Vec::new(),
            workloads: vec![WorkloadFacts::default(); model.workloads.len()],
            by_replication: Vec::new(),
            quantiles_of_all: Vec::new(),
            services: vec![ServiceFacts::default(); model.services.len()],
            pools: vec![PoolFacts::default(); model.pools.len()],
            links: vec![LinkFacts::default(); model.links.len()],
            bins: Vec::new(),
            remedies: Vec::new(),
            events: 0,
        }
    }

    /// What one replication showed.
    pub fn of(point: usize, replication: u32, facts: Observations) -> PointFacts {
        let quantiles = |facts: &WorkloadFacts| Quantiles::of(&facts.durations, &facts.margins);
        let mut chances = facts.chances.into_iter();
        let kept = |facts: &WorkloadFacts| ReplicationFacts {
            quantiles: quantiles(facts),
            counts: facts.counts,
            failures: facts.failures.clone(),
            chances: chances.next(),
        };
        let by_workload: Vec<ReplicationFacts> = facts.workloads.iter().map(kept).collect();
        let of_all = match by_workload.as_slice() {
            [only] => only.quantiles,
            _ => Quantiles::of_all(&facts.workloads),
        };
        PointFacts {
            point,
            replications: vec![replication],
            by_replication: vec![by_workload],
            quantiles_of_all: vec![of_all],
            workloads: facts.workloads,
            services: facts.services,
            pools: facts.pools,
            links: facts.links,
            bins: facts.bins,
            remedies: facts.remedies,
            events: facts.events,
        }
    }

    /// Adds other replications of the same point.
    pub fn merge(&mut self, other: &PointFacts) {
        let theirs = other.by_replication.iter().zip(&other.quantiles_of_all);
        for (replication, (facts, quantiles)) in other.replications.iter().zip(theirs) {
            let at = self.replications.partition_point(|ours| ours < replication);
            self.replications.insert(at, *replication);
            self.by_replication.insert(at, facts.clone());
            self.quantiles_of_all.insert(at, *quantiles);
        }
        for (ours, theirs) in self.workloads.iter_mut().zip(&other.workloads) {
            ours.merge(theirs);
        }
        for (ours, theirs) in self.pools.iter_mut().zip(&other.pools) {
            ours.merge(theirs);
        }
        for (ours, theirs) in self.links.iter_mut().zip(&other.links) {
            ours.add(theirs);
        }
        for (ours, theirs) in self.services.iter_mut().zip(&other.services) {
            ours.add(theirs);
        }
        if self.bins.is_empty() {
            self.bins.clone_from(&other.bins);
        } else {
            self.bins.iter_mut().zip(&other.bins).for_each(|(ours, theirs)| ours.merge(theirs));
        }
        if self.remedies.is_empty() {
            self.remedies.clone_from(&other.remedies);
        } else {
            self.remedies.iter_mut().zip(&other.remedies).for_each(|(ours, theirs)| ours.merge(theirs));
        }
        self.events += other.events;
    }
}

/// Facts about the counted jobs (submitted at or after `warm_up`) of one workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkloadFacts {
    /// The counts.
    pub counts: JobCounts,
    /// Failed jobs, by where and why.
    pub failures: BTreeMap<FailureKey, FailureCounts>,
    /// Durations of completed jobs.
    pub durations: Sketch,
    /// Smallest margin of each completed job.
    pub margins: Sketch,
}

impl WorkloadFacts {
    /// Adds the facts of other jobs.
    pub fn merge(&mut self, other: &WorkloadFacts) {
        self.counts.add(&other.counts);
        for (way, counts) in &other.failures {
            let ours = self.failures.entry(*way).or_default();
            ours.jobs += counts.jobs;
            ours.orphans += counts.orphans;
        }
        self.durations.merge(&other.durations);
        self.margins.merge(&other.margins);
    }
}

/// Counts and sums of jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Counted jobs; completed + failed + unfinished.
    pub jobs: u64,
    /// Ended well.
    pub completed: u64,
    /// Ended badly.
    pub failed: u64,
    /// Did not end before the horizon.
    pub unfinished: u64,
    /// Failed at the very first request.
    pub refused_at_submission: u64,
    /// Failed with a first cause that is a token's.
    pub token_failures: u64,
    /// Resources left by failed jobs.
    pub orphans: u64,
    /// Sum of the durations of completed jobs, in microseconds.
    pub duration_sum_micros: i128,
}

impl JobCounts {
    /// Adds another count.
    pub fn add(&mut self, other: &JobCounts) {
        self.jobs += other.jobs;
        self.completed += other.completed;
        self.failed += other.failed;
        self.unfinished += other.unfinished;
        self.refused_at_submission += other.refused_at_submission;
        self.token_failures += other.token_failures;
        self.orphans += other.orphans;
        self.duration_sum_micros += other.duration_sum_micros;
    }

    /// Completed + failed.
    pub const fn finished(&self) -> u64 {
        self.completed + self.failed
    }
}

/// Sums, over the counted jobs of one workload in one replication, of what each had to expect given its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chances {
    /// Probabilities of failing.
    pub failed: f64,
    /// Of failing with a first cause that is a token's.
    pub token_failed: f64,
    /// Of ending before the horizon.
    pub finished: f64,
}

impl Chances {
    /// Adds those of others.
    pub fn add(&mut self, other: &Chances) {
        self.failed += other.failed;
        self.token_failed += other.token_failed;
        self.finished += other.finished;
    }
}

/// Where and why a job failed, as its service saw it and as it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FailureKey {
    /// Where the job's own process saw the failure.
    #[serde(with = "packed::step")]
    pub step: StepId,
    /// What it saw.
    #[serde(with = "packed::reason")]
    pub reason: Reason,
    /// Where it began.
    #[serde(with = "packed::step")]
    pub first_cause_step: StepId,
    /// What began it.
    #[serde(with = "packed::reason")]
    pub first_cause_reason: Reason,
}

/// How many jobs failed in one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCounts {
    /// Failed jobs.
    pub jobs: u64,
    /// What they left.
    pub orphans: u64,
}

/// What a service did for requests that arrived at or after `warm_up`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFacts {
    /// Requests taken up, refused ones included. For Keystone: validations.
    pub requests: u64,
    /// Validations that it asked of Keystone.
    pub keystone_validations: u64,
    /// Tokens that its cache answered for.
    pub cache_hits: u64,
    /// Requests refused with 401. For Keystone: validations answered 404.
    pub refused: u64,
}

impl ServiceFacts {
    /// Adds another count.
    pub fn add(&mut self, other: &ServiceFacts) {
        self.requests += other.requests;
        self.keystone_validations += other.keystone_validations;
        self.cache_hits += other.cache_hits;
        self.refused += other.refused;
    }
}

/// What a pool did for those who asked for a slot at or after `warm_up`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolFacts {
    /// Who asked for a slot.
    pub arrived: u64,
    /// Slots that were given back.
    pub served: u64,
    /// How long those waited who got one.
    pub waits: Sketch,
    /// The sum of that, in microseconds.
    pub wait_sum_micros: i128,
    /// Microseconds times slots, from the end of the warm-up to the last arrival.
    pub slots_micros: i128,
    /// Microseconds times slots that were held.
    pub busy_micros: i128,
    /// How often somebody began or ceased to hold one, in the same time: twice the holds.
    pub half_holds: u64,
    /// Microseconds times those who waited, from the end of the warm-up until nobody is left.
    pub waiting_micros: i128,
}

impl PoolFacts {
    /// Adds the facts of another replication.
    pub fn merge(&mut self, other: &PoolFacts) {
        self.arrived += other.arrived;
        self.served += other.served;
        self.waits.merge(&other.waits);
        self.wait_sum_micros += other.wait_sum_micros;
        self.slots_micros += other.slots_micros;
        self.busy_micros += other.busy_micros;
        self.half_holds += other.half_holds;
        self.waiting_micros += other.waiting_micros;
    }
}

/// What a shared link carried, from the end of the warm-up to the last arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFacts {
    /// Millionths of bytes.
    pub carried: i128,
    /// What it could have carried.
    pub capacity: i128,
}

impl LinkFacts {
    /// Adds the facts of another replication.
    pub fn add(&mut self, other: &LinkFacts) {
        self.carried += other.carried;
        self.capacity += other.capacity;
    }
}

/// Everything about one job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    /// Index of its workload.
    pub workload: usize,
    /// Its number in the workload.
    pub ordinal: u64,
    /// When it was submitted.
    pub submitted: Instant,
    /// How old the user's token was then.
    pub token_age: Span,
    /// What it drew (microseconds, bytes or a count), in the order of its kind's quantities.
    pub quantities: Vec<i64>,
    /// When its outcome was decided; `None` for unfinished jobs.
    pub ended: Option<Instant>,
    /// How it ended.
    pub outcome: Outcome,
    /// The first refusal that was only logged, before the job ended.
    pub caught: Option<Failure>,
    /// What the clean-up came to; `None` unless it failed.
    pub cleanup: Option<Cleanup>,
    /// The state of each resource of its kind, in their order.
    pub resources: Vec<u8>,
    /// Resources left by a failed job.
    pub orphans: u32,
    /// Polls sent; one repeated after a 401 counts once.
    pub polls: u32,
    /// Times cinder-volume started on the volume.
    pub attempts: u32,
    /// Validations that its requests made services ask of Keystone.
    pub keystone_validations: u32,
    /// Tokens of `[service_user]` users issued for its requests.
    pub service_tokens_issued: u32,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Completed,
    /// Badly.
    Failed(Failure),
    /// Not before the horizon.
    Unfinished,
}

/// A failure as the job's own process saw it, with what went wrong first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step.
    pub step: StepId,
    /// The reason.
    pub reason: Reason,
    /// What the step's caller got.
    pub http_status: u16,
    /// The root.
    pub first_cause: Cause,
}

impl Failure {
    /// Where and why, as failures are counted.
    pub const fn way(&self) -> FailureKey {
        FailureKey {
            step: self.step,
            reason: self.reason,
            first_cause_step: self.first_cause.step,
            first_cause_reason: self.first_cause.reason,
        }
    }
}

/// A refusal, or another event that started a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// When.
    pub at: Instant,
    /// Where.
    pub step: StepId,
    /// Why.
    pub reason: Reason,
    /// What the receiver answered.
    pub http_status: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(durations: &[i64]) -> WorkloadFacts {
        let mut facts = WorkloadFacts::default();
        for &seconds in durations {
            facts.durations.record(Span::from_seconds(seconds));
            facts.margins.record(Span::from_seconds(-seconds));
        }
        facts
    }

    fn replication(workloads: &[&[i64]]) -> Observations {
        Observations {
            workloads: workloads.iter().map(|durations| workload(durations)).collect(),
            services: Vec::new(),
            pools: Vec::new(),
            links: Vec::new(),
            bins: Vec::new(),
            chances: Vec::new(),
            failed: Vec::new(),
            completed: Vec::new(),
            remedies: Vec::new(),
            service_tokens_issued: 0,
            records: Vec::new(),
            events: 0,
        }
    }

    /// A quantile of all workloads is one of their jobs together, and no mean of quantiles.
    #[test]
    fn quantiles_are_those_of_each_replication() {
        let model = crate::report::fixture::single().study.points.remove(0).model;
        let seconds = |quantiles: Quantiles| {
            [quantiles.duration_p50, quantiles.duration_p99, quantiles.margin_p01]
                .map(|time| Some(time?.seconds().round()))
        };
        let mut facts = PointFacts::new(0, &model);
        facts.merge(&PointFacts::of(0, 0, replication(&[&[10, 20, 30], &[1_000]])));
        facts.merge(&PointFacts::of(0, 1, replication(&[&[], &[]])));
        assert_eq!(seconds(facts.by_replication[0][0].quantiles), [Some(20.0), Some(30.0), Some(-30.0)]);
        assert_eq!(seconds(facts.by_replication[0][1].quantiles), [Some(1_000.0), Some(1_000.0), Some(-1_000.0)]);
        assert_eq!(seconds(facts.quantiles_of_all[0]), [Some(20.0), Some(1_000.0), Some(-1_000.0)]);
        assert_eq!(facts.quantiles_of_all[1], Quantiles::default());
        let mut facts = PointFacts::new(0, &model);
        facts.merge(&PointFacts::of(0, 0, replication(&[&[10, 20, 30]])));
        assert_eq!(facts.quantiles_of_all[0], facts.by_replication[0][0].quantiles);
    }
}
