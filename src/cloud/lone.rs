//! The course of one job alone: what a job of a replication does when no other job is there.
//!
//! Everything that a job draws is named by the job, so it draws here what it draws among all others; and a token, a
//! time or the phase of the keys can be set otherwise while everything else stays. Where
//! [`independence::of_jobs`] finds nothing in the way, a job alone ends as it does in [`super::simulate`]: same
//! outcome, same instants, same causes. What it cannot know is what others left in the sessions and caches that it
//! shares with them: how many service tokens were issued for its requests, and how many of their validations a cache
//! saved. With limits, shared links and the like it is the course of a job that has the cloud to itself.
//!
//! [`independence::of_jobs`]: crate::model::independence::of_jobs

use super::arrivals::Submissions;
use super::job::{Job, Strand};
use super::keystone::drawn_phase;
use super::polling::PollTimes;
use super::{Cloud, Event, Polls, Records, levers, senders};
use crate::engine::{self, Queue};
use crate::model::program::Request;
use crate::model::remedy::Levers;
use crate::model::vocabulary::Reason;
use crate::model::{Model, StepId};
use crate::observe::{JobRecord, Outcome};
use crate::random::Streams;
use crate::units::{Instant, Span};

/// Which job of a replication, and when it is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Index of its workload.
    pub workload: usize,
    /// Its place among the arrivals of the workload, from 0.
    pub place: u64,
    /// When it is submitted.
    pub at: Instant,
}

/// What is otherwise than in the replication.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WhatIf {
    /// Age of the user's token at submission; `None`: as recorded or drawn.
    pub token_age: Option<Span>,
    /// Where a schedule of rotations with a random offset lies, as a share of its period from 0 to 1; `None`: as the
    /// replication has drawn.
    pub rotation_phase: Option<f64>,
    /// `max_active_keys` at all times; `None`: what the model says. Not together with another phase.
    pub max_active_keys: Option<u32>,
}

/// How a job ended, without what takes memory; [`Replay::record`] has everything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ending {
    /// How.
    pub outcome: Outcome,
    /// When; `None` if it did not end before the horizon.
    pub ended: Option<Instant>,
    /// How old its token was at submission.
    pub token_age: Span,
    /// The smallest margin of its accepted requests.
    pub smallest_margin: Option<Span>,
    /// When Keystone accepted its token last.
    pub last_accepted: Option<Instant>,
}

/// The jobs of one replication, one at a time and in any order. Keeps its memory from job to job.
#[derive(Debug)]
pub struct Replay<'m> {
    model: &'m Model,
    streams: Streams,
    phase: Option<f64>,
    cloud: Cloud<'m>,
    queue: Queue<Event>,
}

/// What is kept of the only job there is.
#[derive(Debug, Default)]
pub(super) struct Alone<'m> {
    /// It, when it has ended.
    pub(super) ended: Option<Job<'m>>,
    refusals: Vec<(Instant, StepId)>,
    last_accepted: Option<Instant>,
    pub(super) needs: Needs,
    /// When its polls are due, if anybody keeps that for other courses of the job.
    pub(super) poll_times: Option<PollTimes>,
}

/// What a course would need to go as it did, and what could have let it go otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Needs {
    /// What could overturn something that was refused, or waited for in vain.
    pub(super) levers: Levers,
    /// The least `allow_expired_window` under which Keystone accepts what it accepted.
    pub(super) window: Span,
    /// The most polls of a wait of this many.
    pub(super) polls: u32,
    /// So many polls are watched.
    pub(super) most_polls: u32,
}

/// The course of one job under `what_if`, named by its workload and its number there; `None` if there is no such job
/// in this replication.
pub fn replay(
    model: &Model,
    replication: u32,
    workload: usize,
    ordinal: u64,
    what_if: &WhatIf,
) -> Option<(Ending, JobRecord)> {
    let mut replay = Replay::new(model, replication);
    let job = replay.find(workload, ordinal)?;
    let ending = replay.run(job, what_if);
    Some((ending, replay.record()))
}

impl<'m> Replay<'m> {
    /// The jobs of a replication. Looks through all arrivals once, to know when the last one is.
    pub fn new(model: &'m Model, replication: u32) -> Replay<'m> {
        let mut replay = Replay::until(Instant::START, model, replication);
        let last = (0..model.workloads.len()).filter_map(|workload| replay.arrivals(workload).last());
        replay.cloud.last_arrival = last.map(|job| job.at).max().unwrap_or(Instant::START);
        replay
    }

    /// The same replication under another model, whose jobs are submitted at the same times.
    pub fn under<'o>(&self, model: &'o Model, replication: u32) -> Replay<'o> {
        Replay::until(self.cloud.last_arrival, model, replication)
    }

    fn until(last_arrival: Instant, model: &'m Model, replication: u32) -> Replay<'m> {
        let streams = Streams::new(model.run.seed, replication);
        let mut cloud = Cloud::new(model, replication, Records::None, Polls::Skipped);
        cloud.submitting = 0;
        cloud.last_arrival = last_arrival;
        Replay { model, streams, phase: None, cloud, queue: Queue::new() }
    }

    /// The jobs of a workload in the order of their arrival, those of the warm-up included.
    pub fn arrivals(&self, workload: usize) -> impl Iterator<Item = Arrival> + use<'m> {
        let mut submissions = Submissions::new(self.model, &self.model.workloads[workload], self.streams);
        std::iter::from_fn(move || submissions.pass()).map(move |(place, at)| Arrival { workload, place, at })
    }

    /// The job of this number.
    pub fn find(&self, workload: usize, ordinal: u64) -> Option<Arrival> {
        let submissions = &self.cloud.submissions[workload];
        self.arrivals(workload).find(|job| submissions.ordinal(job.place) == ordinal)
    }

    /// The job of this number, which is submitted at `at`.
    pub(super) fn at(&self, workload: usize, ordinal: u64, at: Instant) -> Option<Arrival> {
        let place = self.cloud.submissions[workload].place(ordinal, at)?;
        Some(Arrival { workload, place, at })
    }

    /// The age that a trace gives the token of a job.
    pub fn recorded_age(&self, job: Arrival) -> Option<Span> {
        self.cloud.submissions[job.workload].recorded_age(job.place)
    }

    /// Simulates a job from its submission to its end.
    pub fn run(&mut self, job: Arrival, what_if: &WhatIf) -> Ending {
        if what_if.rotation_phase != self.phase {
            self.phase = what_if.rotation_phase;
            self.cloud.keystone.set_phase(self.phase, self.streams);
        }
        self.cloud.keystone.set_max_active_keys(what_if.max_active_keys, self.streams);
        self.queue.clear();
        self.cloud.restart_for_one(self.model);
        for (number, change) in self.model.changes.iter().enumerate() {
            let event = Event::Change(number as u16);
            if change.at <= job.at {
                self.cloud.change(change.at, number as u16, &mut self.queue);
            } else {
                self.queue.schedule(change.at, event.class(), event);
            }
        }
        let slot = self.cloud.admit(job.at, job.workload, |submissions, drawn| {
            submissions.submission(job.place, job.at, what_if.token_age, drawn)
        });
        self.cloud.walk(job.at, slot, Strand::Main, &mut self.queue);
        engine::run(&mut self.cloud, &mut self.queue, u64::MAX);
        self.ending(slot)
    }

    /// Everything about the job that was simulated last.
    ///
    /// # Panics
    /// If none was.
    pub fn record(&self) -> JobRecord {
        let job = self.last();
        let kind = &self.model.workloads[usize::from(job.workload)].kind;
        let (quantities, resources) = self.cloud.jobs.details(ONLY_SLOT, kind);
        job.record(kind, quantities, resources)
    }

    /// When and where its token, or one got with it, was refused before its outcome was decided. Two courses of one
    /// job in which the same was refused are one course: everything in between was accepted in both.
    pub fn refusals(&self) -> &[(Instant, StepId)] {
        self.cloud.alone.as_ref().map_or(&[], |alone| &alone.refusals)
    }

    /// What the last course needed.
    pub(super) fn needs(&self) -> Needs {
        self.cloud.alone.as_ref().map(|alone| alone.needs).unwrap_or_default()
    }

    /// Looks from now on at waits of so many polls.
    pub(super) fn watch_waits_of(&mut self, most_polls: u32) {
        self.cloud.alone.get_or_insert_default().needs.most_polls = most_polls;
    }

    /// Lends the times of a job's polls, which are the same whatever the settings; takes back those that were lent.
    pub(super) fn lend_poll_times(&mut self, times: Option<PollTimes>) -> PollTimes {
        let is_of_use = self.model.changes.is_empty();
        let alone = self.cloud.alone.get_or_insert_default();
        let lent = alone.poll_times.take().unwrap_or_default();
        alone.poll_times = times.filter(|_| is_of_use);
        lent
    }

    /// Where a schedule of rotations with a random offset lies in this replication, as a share of its period.
    pub(super) fn drawn_phase(&self) -> f64 {
        drawn_phase(self.streams)
    }

    /// When a token of this age is lost to its job by a rotation, had the first node issued it.
    pub(super) fn key_gone_at(&self, job: Arrival, age: Span) -> Instant {
        self.cloud.keystone.issue(0, job.at - age, Instant::NEVER).token.key_gone_at
    }

    fn ending(&mut self, slot: u32) -> Ending {
        if self.cloud.jobs.in_flight() > 0 {
            // A poll at the very end is still sent.
            self.cloud.count_all_skipped(self.cloud.horizon_of_one() + Span::from_micros(1), slot);
            let left = self.cloud.jobs.remove(slot);
            self.cloud.alone.get_or_insert_default().ended = Some(left);
        }
        let last_accepted = self.cloud.alone.as_ref().and_then(|alone| alone.last_accepted);
        let job = self.last();
        Ending {
            outcome: job.outcome,
            ended: job.ended,
            token_age: job.token_age,
            smallest_margin: job.smallest_margin,
            last_accepted,
        }
    }

    fn last(&self) -> &Job<'m> {
        self.cloud.alone.as_ref().and_then(|alone| alone.ended.as_ref()).expect("a job was simulated")
    }
}

/// Where the only job stands.
const ONLY_SLOT: u32 = 0;

impl<'m> Cloud<'m> {
    /// As at the start of the replication, for one job.
    fn restart_for_one(&mut self, model: &'m Model) {
        if self.epoch > 0 {
            self.epoch = 0;
            self.model = model;
            self.keystone.reconfigure(model);
            for (receiver, service) in self.receivers.iter_mut().zip(model.services.iter()) {
                receiver.reconfigure(model, service);
            }
            for (submissions, workload) in self.submissions.iter_mut().zip(model.workloads.iter()) {
                submissions.reconfigure(model, workload);
            }
            self.settle();
        }
        self.senders.clear();
        self.senders.extend(senders(model, &self.keystone));
        self.receivers.iter_mut().for_each(super::Receiver::restart);
        self.known.clear();
        self.known_own.clear();
        self.pools.restart_for_one(model);
        self.links.restart(model);
        self.pollers.clear();
        let alone = self.alone.get_or_insert_default();
        alone.ended = None;
        alone.refusals.clear();
        alone.last_accepted = None;
        alone.needs = Needs { most_polls: alone.needs.most_polls, ..Needs::default() };
    }

    fn horizon_of_one(&self) -> Instant {
        self.last_arrival + self.model.run.drain
    }

    /// Keystone has answered about a job's token.
    #[inline]
    pub(super) fn note_answer(&mut self, now: Instant, slot: u32, step: StepId, accepted: bool) {
        if self.alone.is_some() {
            self.note_for_one(now, slot, step, accepted);
        }
    }

    /// A request of a job was refused.
    #[inline]
    pub(super) fn note_refusal(&mut self, now: Instant, slot: u32, request: &Request, reason: Reason) {
        if self.alone.is_some() {
            self.note_for_one(now, slot, request.step, false);
            self.note_levers(slot, levers::of_refusal(request, reason, self.keystone.nodes()));
        }
    }

    /// Something failed that is no refusal by a receiver, or follows from one.
    #[inline]
    pub(super) fn note_failure(&mut self, slot: u32, reason: Reason) {
        if self.alone.is_some() {
            // With a token more for Keystone to look at, polls are farther apart and the wait is longer.
            let spaces_polls = reason == Reason::VolumeWaitTimeout && !self.keystone.is_instant();
            let others = if spaces_polls { levers::SERVICE_TOKENS } else { Levers::NONE };
            self.note_levers(slot, levers::of_failure(reason).and(others));
        }
    }

    /// Something went wrong that a setting could have prevented.
    fn note_levers(&mut self, slot: u32, levers: Levers) {
        let is_decided = self.jobs.get(slot).outcome != Outcome::Unfinished;
        if let Some(alone) = self.alone.as_mut().filter(|_| !is_decided) {
            alone.needs.levers = alone.needs.levers.and(levers);
        }
    }

    /// Keystone has accepted a token of a job that it saw to expire then, with the window if that was needed.
    #[inline]
    pub(super) fn note_window(&mut self, now: Instant, expires: Instant) {
        if let Some(alone) = &mut self.alone {
            // Strict: at the very end of the window it is refused.
            alone.needs.window = alone.needs.window.max(now.since(expires) + Span::from_micros(1));
        }
    }

    /// A wait has ended after so many polls of at most so many.
    #[inline]
    pub(super) fn note_wait(&mut self, polls: u32, most: u32) {
        if let Some(alone) = &mut self.alone
            && most == alone.needs.most_polls
        {
            alone.needs.polls = alone.needs.polls.max(polls);
        }
    }

    /// What comes behind the outcome, as a clean-up does, decides nothing.
    #[inline(never)]
    fn note_for_one(&mut self, now: Instant, slot: u32, step: StepId, accepted: bool) {
        let is_decided = self.jobs.get(slot).outcome != Outcome::Unfinished;
        let Some(alone) = self.alone.as_mut().filter(|_| !is_decided) else { return };
        if accepted {
            alone.last_accepted = alone.last_accepted.max(Some(now));
        } else {
            alone.refusals.push((now, step));
        }
    }
}
