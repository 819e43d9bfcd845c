//! One job in flight.

use super::arrivals::Submission;
use crate::identity::Token;
use crate::jobs::{Label, Program};
use crate::model::vocabulary::{Cleanup, Quantity, Service, Volume};
use crate::observe::{Cause, JobRecord, Outcome};
use crate::random::Streams;
use crate::units::{Instant, Span};

/// Which of a job's two timelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strand {
    /// The one that the job's owner waits for.
    Main,
    /// The working service beside it.
    Branch,
}

/// Where a strand is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// Its next operation; meaningless unless running.
    pub(super) at: Label,
    /// Whether it has started and not stopped.
    pub(super) running: bool,
    /// Its first refusal.
    pub(super) refusal: Option<Cause>,
}

impl Course {
    const IDLE: Course = Course { at: Program::ENTRY, running: false, refusal: None };
}

/// The state of a job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) workload: usize,
    pub(super) token: Token,
    /// Each receiver's cache entry for the user's token.
    pub(super) cached_until: [Instant; Service::COUNT],
    pub(super) main: Course,
    pub(super) branch: Course,
    pub(super) volume: Volume,
    pub(super) polls: u32,
    pub(super) attempts: u32,
    pub(super) smallest_margin: Option<Span>,
    pub(super) keystone_validations: u32,
    pub(super) service_tokens_issued: u32,
    pub(super) request_times: Streams,
    pub(super) submitted: Instant,
    pub(super) ended: Option<Instant>,
    pub(super) outcome: Outcome,
    pub(super) cleanup: Cleanup,
    /// How many requests of it were accepted.
    pub(super) accepted: u32,
    ordinal: u64,
    token_age: Span,
    pub(super) quantities: [i64; Quantity::COUNT],
}

impl Job {
    pub(super) fn new(workload: usize, submitted: Instant, submission: &Submission, token: Token) -> Job {
        Job {
            workload,
            token,
            cached_until: [Instant::ALWAYS; Service::COUNT],
            main: Course { running: true, ..Course::IDLE },
            branch: Course::IDLE,
            volume: Volume::None,
            polls: 0,
            attempts: 0,
            smallest_margin: None,
            keystone_validations: 0,
            service_tokens_issued: 0,
            request_times: submission.request_times,
            submitted,
            ended: None,
            outcome: Outcome::Unfinished,
            cleanup: Cleanup::None,
            accepted: 0,
            ordinal: submission.ordinal,
            token_age: submission.token_age,
            quantities: submission.quantities,
        }
    }

    pub(super) fn course(&mut self, strand: Strand) -> &mut Course {
        match strand {
            Strand::Main => &mut self.main,
            Strand::Branch => &mut self.branch,
        }
    }

    /// Resources that are left although the job has failed.
    pub(super) fn orphans(&self) -> u32 {
        match self.outcome {
            Outcome::Failed(_) => u32::from(self.volume.exists()),
            Outcome::Completed | Outcome::Unfinished => 0,
        }
    }

    pub(super) fn record(&self) -> JobRecord {
        JobRecord {
            workload: self.workload,
            ordinal: self.ordinal,
            submitted: self.submitted,
            token_age: self.token_age,
            quantities: self.quantities,
            ended: self.ended,
            outcome: self.outcome,
            cleanup: match self.outcome {
                Outcome::Failed(_) => Some(self.cleanup),
                Outcome::Completed | Outcome::Unfinished => None,
            },
            volume: self.volume,
            orphans: self.orphans(),
            polls: self.polls,
            attempts: self.attempts,
            keystone_validations: self.keystone_validations,
            service_tokens_issued: self.service_tokens_issued,
        }
    }
}

/// Jobs in flight, in slots that are used again.
#[derive(Debug, Default)]
pub(super) struct Slots {
    jobs: Vec<Option<Job>>,
    free: Vec<u32>,
}

impl Slots {
    pub(super) fn insert(&mut self, job: Job) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.jobs[slot as usize] = Some(job);
                slot
            }
            None => {
                self.jobs.push(Some(job));
                (self.jobs.len() - 1) as u32
            }
        }
    }

    /// The job in a slot that an event names: events never outlive their job.
    pub(super) fn get(&mut self, slot: u32) -> &mut Job {
        self.jobs[slot as usize].as_mut().expect("an event names a job in flight")
    }

    pub(super) fn remove(&mut self, slot: u32) -> Job {
        self.free.push(slot);
        self.jobs[slot as usize].take().expect("a job is removed once")
    }

    /// Takes what is left, in the order of slots.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Job> {
        std::mem::take(&mut self.jobs).into_iter().flatten()
    }
}
