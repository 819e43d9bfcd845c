//! One job in flight, and the slots that jobs in flight stand in.

use super::arrivals::Submission;
use super::delegation::{CACHE_BLOCKS, Delegated};
use super::flight::{Flight, Stage};
use super::keystone::Issued;
use super::polling::Skipped;
use crate::engine::Place;
use crate::model::program::{Label, Program};
use crate::model::vocabulary::Cleanup;
use crate::model::{Kind, Model, QuantityId, Resource, ResourceId, Workload};
use crate::observe::{Cause, Failure, JobRecord, Outcome};
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

impl Strand {
    /// The other one.
    pub(super) const fn other(self) -> Strand {
        match self {
            Strand::Main => Strand::Branch,
            Strand::Branch => Strand::Main,
        }
    }
}

/// Where a strand is.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// Its next operation; meaningless unless running.
    pub(super) at: Label,
    /// How far it is with that operation.
    pub(super) stage: Stage,
    /// Whether it has started and not stopped.
    pub(super) running: bool,
    /// When its next event is due; events at other instants are left over. `NEVER` while it waits for somebody else.
    pub(super) due: Instant,
    /// Tries of each `retry`.
    pub(super) tries: [u32; Program::MOST_RETRIES],
    /// Parts of the wait under way that are done.
    pub(super) part: u32,
    /// The same, of the last wait in parts even when it is over.
    pub(super) parts_done: u32,
    /// How often something is still to be repeated.
    pub(super) repetitions: u32,
    /// When that wait began.
    pub(super) parts_since: Instant,
    /// Polls of the wait under way.
    pub(super) polls: u32,
    /// Where these stand among others of one instant, whether those before were simulated or counted.
    pub(super) place: Option<Place>,
    /// The polls that were not simulated because their answers are known; none after the last one was.
    pub(super) skipped: Option<Skipped>,
    /// Whether a confirmed service token with a role came with the request accepted last.
    pub(super) with_service_token: bool,
    /// Whether it stands in the list of pollers that others may wake up.
    pub(super) is_listed: bool,
}

impl Course {
    const IDLE: Course = Course {
        at: Program::ENTRY,
        stage: Stage::Fresh,
        running: false,
        due: Instant::NEVER,
        tries: [0; Program::MOST_RETRIES],
        part: 0,
        parts_done: 0,
        repetitions: 0,
        parts_since: Instant::START,
        polls: 0,
        place: None,
        skipped: None,
        with_service_token: false,
        is_listed: false,
    };
}

/// What a strand was refused; apart from its course, which is looked at all the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusals {
    /// Those under way, by depth.
    pub(super) by_depth: [Option<Failure>; Program::MOST_REFUSALS],
    /// The first that was more than logged.
    pub(super) earliest: Option<Cause>,
}

impl Refusals {
    const NONE: Refusals = Refusals { by_depth: [None; Program::MOST_REFUSALS], earliest: None };
}

/// The state of a job; what varies in length lies in the arenas of [`Slots`].
#[derive(Debug)]
pub(super) struct Job<'m> {
    pub(super) workload: u16,
    /// Its workload under the settings that held when it was submitted: they are in its program.
    pub(super) under: &'m Workload,
    pub(super) token: Issued,
    pub(super) delegated: Delegated,
    pub(super) main: Course,
    pub(super) branch: Course,
    /// All polls sent.
    pub(super) polls: u32,
    pub(super) attempts: u32,
    pub(super) smallest_margin: Option<Span>,
    pub(super) keystone_validations: u32,
    pub(super) service_tokens_issued: u32,
    /// Streams for what its requests and slots draw.
    pub(super) streams: Streams,
    pub(super) submitted: Instant,
    pub(super) ended: Option<Instant>,
    pub(super) outcome: Outcome,
    pub(super) cleanup: Cleanup,
    /// The first refusal that was only logged, before any failure.
    pub(super) caught: Option<Failure>,
    /// How many of its requests were accepted.
    pub(super) accepted: u32,
    pub(super) ordinal: u64,
    pub(super) token_age: Span,
}

impl<'m> Job<'m> {
    pub(super) fn new(
        workload: usize,
        under: &'m Workload,
        submitted: Instant,
        submission: &Submission,
        token: Issued,
    ) -> Job<'m> {
        Job {
            workload: workload as u16,
            under,
            token,
            delegated: Delegated::default(),
            main: Course { running: true, ..Course::IDLE },
            branch: Course::IDLE,
            polls: 0,
            attempts: 0,
            smallest_margin: None,
            keystone_validations: 0,
            service_tokens_issued: 0,
            streams: submission.streams,
            submitted,
            ended: None,
            outcome: Outcome::Unfinished,
            cleanup: Cleanup::None,
            caught: None,
            accepted: 0,
            ordinal: submission.ordinal,
            token_age: submission.token_age,
        }
    }

    #[inline]
    pub(super) fn course(&mut self, strand: Strand) -> &mut Course {
        match strand {
            Strand::Main => &mut self.main,
            Strand::Branch => &mut self.branch,
        }
    }

    /// Its number in the workload.
    pub(super) const fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// Notes how far before the end of its life a token was accepted.
    pub(super) fn note_margin(&mut self, margin: Span) {
        self.smallest_margin = Some(self.smallest_margin.map_or(margin, |smallest| smallest.min(margin)));
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
            workload: usize::from(self.workload),
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
            caught: self.caught,
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
pub(super) struct Slots<'m> {
    jobs: Vec<Option<Job<'m>>>,
    free: Vec<u32>,
    quantities: Arena<i64>,
    resources: Arena<u8>,
    /// What each cache holds of the user's token, then of the delegated one, then of the one got inside a request.
    cached_until: Arena<Instant>,
    /// What both strands were refused.
    refusals: Arena<Refusals>,
    /// The requests under way of both strands, where any takes time on its way. Moved out and in while they are worked
    /// on, and kept for the next request.
    flights: Vec<[Option<Box<Flight>>; 2]>,
}

impl<'m> Slots<'m> {
    /// No jobs yet.
    pub(super) fn new(model: &Model) -> Slots<'m> {
        let kinds = || model.workloads.iter().map(|workload| &*workload.kind);
        Slots {
            jobs: Vec::new(),
            free: Vec::new(),
            quantities: Arena::new(kinds().map(|kind| kind.quantities.len()).max().unwrap_or(0), 0),
            resources: Arena::new(kinds().map(|kind| kind.resources.len()).max().unwrap_or(0), Resource::NONE),
            cached_until: Arena::new(CACHE_BLOCKS * model.caches, Instant::ALWAYS),
            refusals: Arena::new(2, Refusals::NONE),
            flights: Vec::new(),
        }
    }

    /// Takes up the job that `submit` makes while it writes down what the job draws.
    pub(super) fn insert(&mut self, submit: impl FnOnce(&mut [i64]) -> Job<'m>) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.jobs.push(None);
            self.flights.push([None, None]);
            (self.jobs.len() - 1) as u32
        });
        self.quantities.reset(slot);
        self.resources.reset(slot);
        self.cached_until.reset(slot);
        self.refusals.reset(slot);
        self.jobs[slot as usize] = Some(submit(self.quantities.of_mut(slot)));
        slot
    }

    /// The job in a slot that an event names: events never outlive their job.
    #[inline]
    pub(super) fn get(&mut self, slot: u32) -> &mut Job<'m> {
        self.jobs[slot as usize].as_mut().expect("an event names a job in flight")
    }

    /// The job in a slot that somebody remembers, if it is still in flight.
    pub(super) fn find(&mut self, slot: u32) -> Option<&mut Job<'m>> {
        self.jobs[slot as usize].as_mut()
    }

    /// How many jobs are in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.jobs.len() - self.free.len()
    }

    /// The slots of the jobs in flight.
    pub(super) fn slots(&self) -> Vec<u32> {
        (0..self.jobs.len() as u32).filter(|slot| self.jobs[*slot as usize].is_some()).collect()
    }

    /// What each cache holds of the user's token of the job in a slot, then of its delegated token.
    #[inline]
    pub(super) fn caches(&mut self, slot: u32) -> &mut [Instant] {
        self.cached_until.of_mut(slot)
    }

    /// The request under way of a strand, to be put back.
    #[inline]
    pub(super) fn take_flight(&mut self, slot: u32, strand: Strand) -> Box<Flight> {
        self.flights[slot as usize][strand as usize].take().unwrap_or_else(|| Box::new(Flight::START))
    }

    #[inline]
    pub(super) fn put_flight(&mut self, slot: u32, strand: Strand, flight: Box<Flight>) {
        self.flights[slot as usize][strand as usize] = Some(flight);
    }

    /// What a strand was refused.
    pub(super) fn refusals(&mut self, slot: u32, strand: Strand) -> &mut Refusals {
        &mut self.refusals.of_mut(slot)[strand as usize]
    }

    /// A branch begins.
    pub(super) fn fork(&mut self, slot: u32, at: Label) {
        self.get(slot).branch = Course { at, running: true, ..Course::IDLE };
        *self.refusals(slot, Strand::Branch) = Refusals::NONE;
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

    pub(super) fn remove(&mut self, slot: u32) -> Job<'m> {
        self.free.push(slot);
        self.jobs[slot as usize].take().expect("a job is removed once")
    }

    /// Takes what is left, in the order of slots.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u32, Job<'m>)> {
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
