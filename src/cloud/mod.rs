//! The actors and the driver: [`simulate`] runs one replication of a model.
//!
//! Pure and deterministic: no I/O, no clock of the machine, no error. Within one instant the order is that of the
//! recorded chain: rotations, revocations, disabling and the issue of tokens lie in the tokens themselves (they are
//! compared as `<=`), then comes everything that the working service does, then everything that waits for it.

mod arrivals;
mod draws;
mod driver;
mod job;
mod keystone;
mod receiver;
mod sender;

use crate::engine::{self, Packed, Queue, World};
use crate::jobs::{self, Program};
use crate::model::{Model, Process, ServiceId};
use crate::observe::{FailureKey, JobRecord, Observations, Outcome, ServiceFacts, WorkloadFacts};
use crate::random::Streams;
use crate::units::{Instant, Span};
use arrivals::Submissions;
use job::{Job, Slots, Strand};
use keystone::Keystone;
use receiver::Receiver;
use sender::Sender;

/// Whether a record of every job is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Only counts, sums and sketches: memory follows the jobs in flight.
    None,
    /// One per counted job.
    Jobs,
}

/// Events between two looks at whether to stop: a few milliseconds.
const BREATH: u64 = 1 << 16;

/// Simulates one replication.
pub fn simulate(model: &Model, replication: u32, records: Records) -> Observations {
    simulate_unless(model, replication, records, || false).expect("nobody stops it")
}

/// Simulates one replication, or gives it up as soon as `stopped` says so: an answer is that of [`simulate`].
pub fn simulate_unless(
    model: &Model,
    replication: u32,
    records: Records,
    stopped: impl Fn() -> bool,
) -> Option<Observations> {
    let mut queue = Queue::new();
    let mut cloud = Cloud::new(model, replication, records);
    for workload in 0..model.workloads.len() {
        cloud.schedule_arrival(workload, &mut queue);
    }
    let mut events = 0;
    loop {
        let handled = engine::run(&mut cloud, &mut queue, BREATH);
        events += handled;
        if handled < BREATH {
            return Some(cloud.observe(events));
        }
        if stopped() {
            return None;
        }
    }
}

/// Everything that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The next job of a workload is submitted.
    Arrival(u16),
    /// A strand of a job goes on.
    Resume(u32, Strand),
}

impl Event {
    /// Payloads from here on are arrivals.
    const ARRIVALS: u32 = (1 << 28) - (1 << 16);

    /// The class that orders events of one instant, numbered as in the recorded chain.
    const fn class(self) -> u8 {
        match self {
            Event::Resume(_, Strand::Branch) => 6,
            Event::Resume(_, Strand::Main) | Event::Arrival(_) => 7,
        }
    }
}

impl Packed for Event {
    fn pack(self) -> u32 {
        match self {
            Event::Arrival(workload) => Event::ARRIVALS | u32::from(workload),
            Event::Resume(slot, Strand::Main) => slot << 1,
            Event::Resume(slot, Strand::Branch) => slot << 1 | 1,
        }
    }

    fn unpack(bits: u32) -> Self {
        if bits >= Event::ARRIVALS {
            Event::Arrival(bits as u16)
        } else if bits & 1 == 0 {
            Event::Resume(bits >> 1, Strand::Main)
        } else {
            Event::Resume(bits >> 1, Strand::Branch)
        }
    }
}

/// The state of a replication.
struct Cloud<'m> {
    model: &'m Model,
    programs: Vec<Program>,
    submissions: Vec<Submissions<'m>>,
    /// Workloads that still submit jobs.
    submitting: usize,
    last_arrival: Instant,
    keystone: Keystone,
    keystone_facts: ServiceFacts,
    /// By process.
    senders: Vec<Sender>,
    /// By service.
    receivers: Vec<Receiver>,
    jobs: Slots,
    workloads: Vec<WorkloadFacts>,
    keep: Records,
    records: Vec<JobRecord>,
    counted_from: Instant,
    /// The time of every request, where it does not vary.
    constant_request_time: Option<Span>,
}

impl World for Cloud<'_> {
    type Event = Event;

    fn handle(&mut self, now: Instant, event: Event, queue: &mut Queue<Event>) {
        match event {
            Event::Arrival(workload) => self.arrive(now, usize::from(workload), queue),
            Event::Resume(slot, strand) => self.walk(now, slot, strand, queue),
        }
    }

    /// `drain` after the last arrival, which is known once every workload has submitted its last job.
    fn horizon(&self) -> Instant {
        if self.submitting > 0 { Instant::NEVER } else { self.last_arrival + self.model.run.drain }
    }
}

impl<'m> Cloud<'m> {
    fn new(model: &'m Model, replication: u32, keep: Records) -> Cloud<'m> {
        let streams = Streams::new(model.run.seed, replication);
        let keystone = Keystone::new(model, streams);
        let held_age = model.workloads.iter().find_map(|workload| workload.service_token_age);
        let programs: Vec<Program> = model.workloads.iter().map(|workload| jobs::compile(model, workload)).collect();
        let sender = |(index, process): (usize, &Process)| {
            let sends = |program: &Program| program.requests().any(|request| request.from.index() == index);
            // A process that no job knows holds nothing.
            let held_age = held_age.filter(|_| programs.iter().any(sends));
            Sender::new(process, &keystone, held_age)
        };
        let senders = model.processes.iter().enumerate().map(sender).collect();
        Cloud {
            model,
            programs,
            submissions: model.workloads.iter().map(|w| Submissions::new(model, w, streams)).collect(),
            submitting: model.workloads.len(),
            last_arrival: Instant::START,
            keystone,
            keystone_facts: ServiceFacts::default(),
            senders,
            receivers: model.services.iter().map(|service| Receiver::new(model, service)).collect(),
            jobs: Slots::new(model.workloads.iter().map(|workload| &*workload.kind), model.services.len()),
            workloads: vec![WorkloadFacts::default(); model.workloads.len()],
            keep,
            records: Vec::new(),
            counted_from: Instant::START + model.run.warm_up,
            constant_request_time: model.request_time.as_constant().map(Span::from_seconds_f64),
        }
    }

    fn schedule_arrival(&mut self, workload: usize, queue: &mut Queue<Event>) {
        match self.submissions[workload].next_at() {
            Some(at) => {
                let event = Event::Arrival(workload as u16);
                queue.schedule(at, event.class(), event);
            }
            None => self.submitting -= 1,
        }
    }

    fn arrive(&mut self, now: Instant, workload: usize, queue: &mut Queue<Event>) {
        self.last_arrival = now;
        let slot = self.jobs.insert(|drawn| {
            let submission = self.submissions[workload].submit(now, drawn);
            let token = self.keystone.issue_revoked(now - submission.token_age, submission.revoked_at);
            Job::new(workload, now, &submission, token)
        });
        self.schedule_arrival(workload, queue);
        self.walk(now, slot, Strand::Main, queue);
    }

    /// Counts a job whose timelines have all ended; its slot is still as it left it.
    fn count(&mut self, slot: u32, job: &Job) {
        if job.submitted < self.counted_from {
            return;
        }
        let kind = &self.model.workloads[job.workload].kind;
        let (quantities, resources) = self.jobs.details(slot, kind);
        let facts = &mut self.workloads[job.workload];
        let counts = &mut facts.counts;
        counts.jobs += 1;
        match job.outcome {
            Outcome::Unfinished => counts.unfinished += 1,
            Outcome::Completed => {
                counts.completed += 1;
                if let Some(ended) = job.ended {
                    let duration = ended.since(job.submitted);
                    counts.duration_sum_micros += i128::from(duration.micros());
                    facts.durations.record(duration);
                }
                if let Some(margin) = job.smallest_margin {
                    facts.margins.record(margin);
                }
            }
            Outcome::Failed(failure) => {
                counts.failed += 1;
                counts.refused_at_submission += u64::from(job.accepted == 0);
                counts.token_failures += u64::from(failure.first_cause.reason.is_token_failure());
                let orphans = u64::from(job.orphans(kind, resources));
                counts.orphans += orphans;
                let key = FailureKey {
                    step: failure.step,
                    reason: failure.reason,
                    first_cause_step: failure.first_cause.step,
                    first_cause_reason: failure.first_cause.reason,
                };
                let way = facts.failures.entry(key).or_default();
                way.jobs += 1;
                way.orphans += orphans;
            }
        }
        if self.keep == Records::Jobs {
            self.records.push(job.record(kind, quantities, resources));
        }
    }

    fn observe(mut self, events: u64) -> Observations {
        let left: Vec<(u32, Job)> = self.jobs.drain().collect();
        for (slot, job) in &left {
            self.count(*slot, job);
        }
        let mut services: Vec<ServiceFacts> = self.receivers.iter().map(|receiver| receiver.facts).collect();
        services[ServiceId::KEYSTONE.index()] = self.keystone_facts;
        Observations {
            workloads: self.workloads,
            services,
            service_tokens_issued: self
                .senders
                .iter()
                .filter(|sender| sender.is_service_user)
                .map(|sender| u64::from(sender.issued))
                .sum(),
            records: self.records,
            events,
        }
    }
}
