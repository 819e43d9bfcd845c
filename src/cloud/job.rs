//! One job in flight.

use super::arrivals::Submission;
use crate::identity::Token;
use crate::jobs::{Label, Program};
use crate::model::vocabulary::Cleanup;
use crate::model::{Kind, QuantityId, Resource, ResourceId};
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

/// The state of a job, but for what there is a varying number of: that lies in [`Slots`].
#[derive(Debug)]
pub(super) struct Job {
    pub(super) workload: usize,
    pub(super) token: Token,
    pub(super) main: Course,
    pub(super) branch: Course,
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
}

impl Job {
    pub(super) fn new(workload: usize, submitted: Instant, submission: &Submission, token: Token) -> Job {
        Job {
            workload,
            token,
            main: Course { running: true, ..Course::IDLE },
            branch: Course::IDLE,
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
        }
    }

    pub(super) fn course(&mut self, strand: Strand) -> &mut Course {
        match strand {
            Strand::Main => &mut self.main,
            Strand::Branch => &mut self.branch,
        }
    }

    /// Resources that are left although the job has failed; `states` are those of its resources.
    pub(super) fn orphans(&self, kind: &Kind, states: &[u8]) -> u32 {
        match self.outcome {
            Outcome::Failed(_) => kind.existing(states),
            Outcome::Completed | Outcome::Unfinished => 0,
        }
    }

    pub(super) fn record(&self, kind: &Kind, quantities: &[i64], resources: &[u8]) -> JobRecord {
        JobRecord {
            workload: self.workload,
            ordinal: self.ordinal,
            submitted: self.submitted,
            token_age: self.token_age,
            quantities: quantities.to_vec(),
            ended: self.ended,
            outcome: self.outcome,
            cleanup: match self.outcome {
                Outcome::Failed(_) => Some(self.cleanup),
                Outcome::Completed | Outcome::Unfinished => None,
            },
            resources: resources.to_vec(),
            orphans: self.orphans(kind, resources),
            polls: self.polls,
            attempts: self.attempts,
            keystone_validations: self.keystone_validations,
            service_tokens_issued: self.service_tokens_issued,
        }
    }
}

/// Values of all slots in one block, so many for each: what a job has a varying number of, without a block per job.
#[derive(Debug)]
struct Arena<T> {
    per_slot: usize,
    initial: T,
    values: Vec<T>,
}

impl<T: Copy> Arena<T> {
    fn new(per_slot: usize, initial: T) -> Arena<T> {
        Arena { per_slot, initial, values: Vec::new() }
    }

    /// Sets the values of a slot, which may be the first behind the last, to what they are at the start.
    fn reset(&mut self, slot: u32) {
        let start = slot as usize * self.per_slot;
        if start < self.values.len() {
            self.values[start..start + self.per_slot].fill(self.initial);
        } else {
            self.values.resize(start + self.per_slot, self.initial);
        }
    }

    #[inline]
    fn of(&self, slot: u32) -> &[T] {
        &self.values[slot as usize * self.per_slot..][..self.per_slot]
    }

    #[inline]
    fn of_mut(&mut self, slot: u32) -> &mut [T] {
        &mut self.values[slot as usize * self.per_slot..][..self.per_slot]
    }
}

/// Jobs in flight, in slots that are used again.
#[derive(Debug)]
pub(super) struct Slots {
    jobs: Vec<Option<Job>>,
    free: Vec<u32>,
    quantities: Arena<i64>,
    resources: Arena<u8>,
    /// Each receiver's cache entry for the user's token.
    cached_until: Arena<Instant>,
}

impl Slots {
    /// No jobs yet; those to come are of these kinds and meet so many caches.
    pub(super) fn new<'k>(kinds: impl Iterator<Item = &'k Kind> + Clone, caches: usize) -> Slots {
        let most = |count: fn(&Kind) -> usize| kinds.clone().map(count).max().unwrap_or(0);
        Slots {
            jobs: Vec::new(),
            free: Vec::new(),
            quantities: Arena::new(most(|kind| kind.quantities.len()), 0),
            resources: Arena::new(most(|kind| kind.resources.len()), Resource::NONE),
            cached_until: Arena::new(caches, Instant::ALWAYS),
        }
    }

    /// Takes up the job that `submit` makes while it writes down what the job draws.
    pub(super) fn insert(&mut self, submit: impl FnOnce(&mut [i64]) -> Job) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.jobs.push(None);
            (self.jobs.len() - 1) as u32
        });
        self.quantities.reset(slot);
        self.resources.reset(slot);
        self.cached_until.reset(slot);
        self.jobs[slot as usize] = Some(submit(self.quantities.of_mut(slot)));
        slot
    }

    /// The job in a slot that an event names: events never outlive their job.
    pub(super) fn get(&mut self, slot: u32) -> &mut Job {
        self.jobs[slot as usize].as_mut().expect("an event names a job in flight")
    }

    /// The job in a slot, and each receiver's cache entry for its user's token.
    #[inline]
    pub(super) fn with_caches(&mut self, slot: u32) -> (&mut Job, &mut [Instant]) {
        let job = self.jobs[slot as usize].as_mut().expect("an event names a job in flight");
        (job, self.cached_until.of_mut(slot))
    }

    /// What the job in a slot drew.
    pub(super) fn quantity(&self, slot: u32, quantity: QuantityId) -> i64 {
        self.quantities.of(slot)[quantity.index()]
    }

    /// The state of a resource of the job in a slot.
    pub(super) fn resource(&mut self, slot: u32, resource: ResourceId) -> &mut u8 {
        &mut self.resources.of_mut(slot)[resource.index()]
    }

    /// What a job of this kind drew and the states of its resources; they stay until the slot is used again.
    pub(super) fn details(&self, slot: u32, kind: &Kind) -> (&[i64], &[u8]) {
        (&self.quantities.of(slot)[..kind.quantities.len()], &self.resources.of(slot)[..kind.resources.len()])
    }

    pub(super) fn remove(&mut self, slot: u32) -> Job {
        self.free.push(slot);
        self.jobs[slot as usize].take().expect("a job is removed once")
    }

    /// Takes what is left, in the order of slots.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u32, Job)> {
        let jobs = std::mem::take(&mut self.jobs).into_iter().enumerate();
        jobs.filter_map(|(slot, job)| Some((slot as u32, job?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_is_used_again_starts_anew() {
        let mut arena = Arena::new(2, 7);
        arena.reset(0);
        arena.reset(1);
        arena.of_mut(0).copy_from_slice(&[1, 2]);
        arena.of_mut(1).copy_from_slice(&[3, 4]);
        arena.reset(0);
        assert_eq!((arena.of(0), arena.of(1)), ([7, 7].as_slice(), [3, 4].as_slice()));
        let mut nothing = Arena::new(0, 7);
        nothing.reset(0);
        assert_eq!(nothing.of(0), [0_i32; 0]);
    }
}
