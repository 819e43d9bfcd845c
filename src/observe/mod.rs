//! Facts of a replication: counts, sums, sketches and, on request, a record per job.
//!
//! Everything here merges exactly and in any order; no averages, no percentages, no text.

mod sketch;

pub use sketch::{Distribution, Side, Sketch};

use std::collections::BTreeMap;

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
    /// Events that the engine handled.
    pub events: u64,
    /// By workload, what its jobs had to expect; empty unless the rates are to be estimated from it.
    pub chances: Vec<Chances>,
}

/// What all replications of one point showed.
#[derive(Clone, Debug, PartialEq)]
pub struct PointFacts {
    /// Number of the point.
    pub point: usize,
    /// By workload, sums over the replications.
    pub workloads: Vec<WorkloadFacts>,
    /// By replication, then workload.
    pub by_replication: Vec<Vec<ReplicationFacts>>,
    /// By service, in the order of the model, sums over the replications.
    pub services: Vec<ServiceFacts>,
    /// By pool.
    pub pools: Vec<PoolFacts>,
    /// By link.
    pub links: Vec<LinkFacts>,
    /// Events that the engine handled.
    pub events: u64,
}

/// What is kept of one replication of one workload, for intervals.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicationFacts {
    /// The counts.
    pub counts: JobCounts,
    /// Failed jobs, by where and why.
    pub failures: BTreeMap<FailureKey, FailureCounts>,
    /// What the jobs had to expect, if the rates are to be estimated from it.
    pub chances: Option<Chances>,
}

impl PointFacts {
    /// Nothing yet of the workloads and services of a point's model.
    pub fn new(point: usize, model: &Model) -> PointFacts {
        PointFacts {
            point,
            workloads: vec![WorkloadFacts::default(); model.workloads.len()],
            by_replication: Vec::new(),
            services: vec![ServiceFacts::default(); model.services.len()],
            pools: vec![PoolFacts::default(); model.pools.len()],
            links: vec![LinkFacts::default(); model.links.len()],
            events: 0,
        }
    }

    /// Adds the next replication.
    pub fn add(&mut self, replication: Observations) {
        for (ours, theirs) in self.workloads.iter_mut().zip(&replication.workloads) {
            ours.merge(theirs);
        }
        let mut chances = replication.chances.into_iter();
        let kept = |facts: WorkloadFacts| ReplicationFacts {
            counts: facts.counts,
            failures: facts.failures,
            chances: chances.next(),
        };
        self.by_replication.push(replication.workloads.into_iter().map(kept).collect());
        for (ours, theirs) in self.pools.iter_mut().zip(&replication.pools) {
            ours.merge(theirs);
        }
        for (ours, theirs) in self.links.iter_mut().zip(&replication.links) {
            ours.add(theirs);
        }
        for (ours, theirs) in self.services.iter_mut().zip(&replication.services) {
            ours.add(theirs);
        }
        self.events += replication.events;
    }
}

/// Facts about the counted jobs (submitted at or after `warm_up`) of one workload.
#[derive(Clone, Debug, Default, PartialEq)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FailureKey {
    /// Where the job's own process saw the failure.
    pub step: StepId,
    /// What it saw.
    pub reason: Reason,
    /// Where it began.
    pub first_cause_step: StepId,
    /// What began it.
    pub first_cause_reason: Reason,
}

/// How many jobs failed in one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailureCounts {
    /// Failed jobs.
    pub jobs: u64,
    /// What they left.
    pub orphans: u64,
}

/// What a service did for requests that arrived at or after `warm_up`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
