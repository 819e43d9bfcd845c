//! The actors and the driver: [`simulate`] runs one replication of a model.
//!
//! Pure and deterministic: no I/O, no clock of the machine, no error. Within one instant the order is that of the
//! recorded chain: rotations, revocations, disabling and the issue of tokens lie in the tokens themselves (they are
//! compared as `<=`), then come changes of settings and ends of copies, then everything that the working service does,
//! then everything that waits for it.
//!
//! `driver` walks programs, `request` and `flight` send requests, `polling` counts those whose answers are known;
//! `keystone`, `sender`, `receiver` and `capacity` are the actors. `lone` simulates a single job of a replication,
//! `conditional` asks of each what it had to expect; `trace` writes down the course of one job among all others.

mod arrivals;
mod capacity;
pub mod conditional;
mod count;
mod delegation;
mod draws;
mod driver;
mod flight;
mod job;
mod keystone;
mod levers;
pub mod lone;
mod polling;
mod receiver;
pub mod remedies;
mod request;
mod sender;
mod trace;

use std::collections::BTreeMap;

use crate::engine::{self, Packed, Queue, World};
use crate::model::program::{Label, Op};
use crate::model::{Estimator, LinkId, Model, ServiceId};
use crate::observe::{Bins, FailureKey, JobRecord, Observations, Sample, WorkloadFacts};
use crate::random::Streams;
use crate::units::{Instant, Span};
use arrivals::{Submission, Submissions};
use capacity::{Links, Pools, Waiter};
use job::{Job, Slots, Strand};
use keystone::Keystone;
use lone::Alone;
use receiver::{KnownTokens, Receiver};
use remedies::Budget;
use sender::Sender;
use trace::Tracer;

pub use trace::{Ended, survey, trace};

/// Whether a record of every job is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Only counts, sums and sketches: memory follows the jobs in flight.
    None,
    /// One per counted job.
    Jobs,
    /// No records, but counts and sums by the time of submission.
    Bins,
}

/// How polls are simulated; both ways give the same results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polls {
    /// Those whose answer is known are only counted.
    Skipped,
    /// Every one is an event.
    Events,
}

/// Events between two looks at whether to stop: a few milliseconds.
const BREATH: u64 = 1 << 16;

/// Simulates one replication.
pub fn simulate(model: &Model, replication: u32, records: Records) -> Observations {
    simulate_unless(model, replication, records, || false).expect("nobody stops it")
}

/// Simulates one replication, with polls in either way.
pub fn simulate_polls(model: &Model, replication: u32, records: Records, polls: Polls) -> Observations {
    run(Cloud::new(model, replication, records, polls), || false).expect("nobody stops it")
}

/// Simulates one replication, or gives it up as soon as `stopped` says so: an answer is that of [`simulate`].
pub fn simulate_unless(
    model: &Model,
    replication: u32,
    records: Records,
    stopped: impl Fn() -> bool,
) -> Option<Observations> {
    let mut observed = run(Cloud::new(model, replication, records, Polls::Skipped), &stopped)?;
    match model.run.estimator {
        Estimator::Counting => {}
        Estimator::Conditional => observed.chances = conditional::chances(model, replication, stopped)?,
    }
    Some(observed)
}

fn run(mut cloud: Cloud<'_>, stopped: impl Fn() -> bool) -> Option<Observations> {
    let mut queue = Queue::new();
    cloud.begin(&mut queue);
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
    /// A copy over a link may have ended.
    Link(u8),
    /// Other settings hold.
    Change(u16),
    /// Jobs count from now on.
    WarmedUp,
    /// No more jobs arrive.
    ArrivalsOver,
}

impl Event {
    /// Payloads from here on are no strands.
    const OTHERS: u32 = (1 << 28) - (1 << 19);
    const KIND_BITS: u32 = 16;

    /// The class that orders events of one instant, numbered as in the recorded chain.
    const fn class(self) -> u8 {
        match self {
            Event::Change(_) | Event::WarmedUp | Event::ArrivalsOver => 0,
            Event::Link(_) => 5,
            Event::Resume(_, Strand::Branch) => 6,
            Event::Resume(_, Strand::Main) | Event::Arrival(_) => 7,
        }
    }

    /// A strand as somebody who waits.
    const fn waiter(slot: u32, strand: Strand) -> Waiter {
        match strand {
            Strand::Main => slot << 1,
            Strand::Branch => slot << 1 | 1,
        }
    }

    /// The strand that waits.
    const fn waiting(waiter: Waiter) -> (u32, Strand) {
        (waiter >> 1, if waiter & 1 == 0 { Strand::Main } else { Strand::Branch })
    }
}

impl Packed for Event {
    fn pack(self) -> u32 {
        let other = |kind: u32, number: u16| Event::OTHERS | kind << Event::KIND_BITS | u32::from(number);
        match self {
            Event::Resume(slot, strand) => Event::waiter(slot, strand),
            Event::Arrival(workload) => other(0, workload),
            Event::Link(link) => other(1, link.into()),
            Event::Change(change) => other(2, change),
            Event::WarmedUp => other(3, 0),
            Event::ArrivalsOver => other(4, 0),
        }
    }

    fn unpack(bits: u32) -> Self {
        if bits < Event::OTHERS {
            let (slot, strand) = Event::waiting(bits);
            return Event::Resume(slot, strand);
        }
        match (bits - Event::OTHERS) >> Event::KIND_BITS {
            0 => Event::Arrival(bits as u16),
            1 => Event::Link(bits as u8),
            2 => Event::Change(bits as u16),
            3 => Event::WarmedUp,
            _ => Event::ArrivalsOver,
        }
    }
}

/// Where a strand goes after an operation; without a label it comes back to the same one.
enum Next {
    /// On at once.
    Go(Label),
    /// On at a later instant, or at this one after what the branch does.
    Wait(Instant, Option<Label>),
    /// On when somebody else resumes it.
    Park(Option<Label>),
    /// Nowhere.
    Stop,
}

/// The state of a replication.
#[derive(Debug)]
struct Cloud<'m> {
    /// The settings that hold now: the last of those below that have begun.
    model: &'m Model,
    /// The settings from the start and those of every change.
    epochs: Vec<&'m Model>,
    epoch: u16,
    submissions: Vec<Submissions<'m>>,
    /// Workloads that still submit jobs.
    submitting: usize,
    last_arrival: Instant,
    keystone: Keystone<'m>,
    /// By process.
    senders: Vec<Sender>,
    /// By service.
    receivers: Vec<Receiver>,
    /// What the receivers' caches hold of service tokens, and of tokens that processes send on their own account.
    known: KnownTokens,
    known_own: KnownTokens,
    pools: Pools,
    links: Links,
    jobs: Slots<'m>,
    elides: bool,
    /// Strands whose polls may have to be woken up by what other jobs do.
    pollers: Vec<Waiter>,
    workloads: Vec<WorkloadFacts>,
    /// By workload.
    failed: Vec<BTreeMap<FailureKey, Sample>>,
    /// By workload.
    completed: Vec<Sample>,
    /// How many of them are remembered.
    budget: Budget,
    keep: Records,
    records: Vec<JobRecord>,
    /// By workload; none unless asked for.
    bins: Vec<Bins>,
    counted_from: Instant,
    /// The time of every request, where it does not vary.
    constant_request_time: Option<Span>,
    /// What is kept of the only job there is, if there is only one.
    alone: Option<Alone<'m>>,
    /// What is noted of the one job that is traced, if one is.
    tracer: Option<Box<Tracer>>,
}

impl World for Cloud<'_> {
    type Event = Event;

    fn handle(&mut self, now: Instant, event: Event, queue: &mut Queue<Event>) {
        match event {
            Event::Arrival(workload) => self.arrive(now, usize::from(workload), queue),
            Event::Resume(slot, strand) => self.resume(now, slot, strand, queue),
            Event::Link(link) => self.finish_copies(now, LinkId(link), queue),
            Event::Change(change) => self.change(now, change, queue),
            Event::WarmedUp => {
                self.pools.reset_statistics(now);
                self.links.reset_statistics(now);
            }
            Event::ArrivalsOver => {
                self.pools.read_statistics(now);
                self.links.read_statistics(now);
            }
        }
    }

    /// `drain` after the last arrival, which is known once every workload has submitted its last job.
    fn horizon(&self) -> Instant {
        if self.submitting > 0 { Instant::NEVER } else { self.last_arrival + self.model.run.drain }
    }
}

impl<'m> Cloud<'m> {
    fn new(model: &'m Model, replication: u32, keep: Records, polls: Polls) -> Cloud<'m> {
        let streams = Streams::new(model.run.seed, replication);
        let keystone = Keystone::new(model, streams);
        let senders = senders(model, &keystone).collect();
        let pools = Pools::new(model);
        let budget = Budget::of(model);
        let mut cloud = Cloud {
            model,
            epochs: std::iter::once(model).chain(model.changes.iter().map(|change| &change.model)).collect(),
            epoch: 0,
            submissions: model.workloads.iter().map(|w| Submissions::new(model, w, streams)).collect(),
            submitting: model.workloads.len(),
            last_arrival: Instant::START,
            keystone,
            senders,
            receivers: model.services.iter().map(|service| Receiver::new(model, service, &pools)).collect(),
            known: KnownTokens::new(model.caches, model.processes.len()),
            known_own: KnownTokens::new(model.caches, model.processes.len()),
            pools,
            links: Links::new(model),
            jobs: Slots::new(model),
            elides: polls == Polls::Skipped,
            pollers: Vec::new(),
            workloads: vec![WorkloadFacts::default(); model.workloads.len()],
            failed: vec![BTreeMap::new(); model.workloads.len()],
            completed: vec![Sample::new(budget.completed); model.workloads.len()],
            budget,
            keep,
            records: Vec::new(),
            bins: match keep {
                Records::Bins => vec![Bins::new(model.run.duration); model.workloads.len()],
                Records::None | Records::Jobs => Vec::new(),
            },
            counted_from: Instant::START + model.run.warm_up,
            constant_request_time: None,
            alone: None,
            tracer: None,
        };
        cloud.settle();
        cloud
    }

    fn begin(&mut self, queue: &mut Queue<Event>) {
        for workload in 0..self.model.workloads.len() {
            self.schedule_arrival(workload, queue);
        }
        let mut at = |at, event: Event| queue.schedule(at, event.class(), event);
        for (number, change) in self.model.changes.iter().enumerate() {
            at(change.at, Event::Change(number as u16));
        }
        at(Instant::START + self.model.run.warm_up, Event::WarmedUp);
        at(Instant::START + self.model.run.duration, Event::ArrivalsOver);
    }

    /// Works out what follows from the settings that hold now.
    fn settle(&mut self) {
        let asks_at_once = self.keystone.is_instant() && !self.queues_at(ServiceId::KEYSTONE);
        for receiver in &mut self.receivers {
            // Where requests have gone from station to station they go on so: some are under way.
            let was_immediate = self.epoch == 0 || receiver.is_immediate;
            receiver.is_immediate = was_immediate && asks_at_once && receiver.queue.is_none();
        }
        self.constant_request_time = self.model.request_time.as_constant().map(Span::from_seconds_f64);
    }

    /// From now on other settings hold.
    fn change(&mut self, now: Instant, change: u16, queue: &mut Queue<Event>) {
        // What the polls up to now were like depends on the settings up to now.
        self.wake_pollers(now, None, queue);
        self.epoch = change + 1;
        self.model = self.epochs[usize::from(self.epoch)];
        let model = self.model;
        self.keystone.reconfigure(model);
        for (sender, process) in self.senders.iter_mut().zip(model.processes.iter()) {
            sender.reconfigure(process);
        }
        for (receiver, service) in self.receivers.iter_mut().zip(model.services.iter()) {
            receiver.reconfigure(model, service);
        }
        for (submissions, workload) in self.submissions.iter_mut().zip(model.workloads.iter()) {
            submissions.reconfigure(model, workload);
        }
        let mut admitted = Vec::new();
        self.pools.resize(now, model, |waiter| admitted.push(waiter));
        for waiter in admitted {
            let (slot, strand) = Event::waiting(waiter);
            self.schedule(now, slot, strand, queue);
        }
        self.links.resize(now, model);
        for link in 0..model.links.len() {
            self.watch(LinkId(link as u8), queue);
        }
        self.settle();
    }

    /// Sees to it that the end of the next copy over a link is not missed.
    fn watch(&mut self, link: LinkId, queue: &mut Queue<Event>) {
        if let Some(at) = self.links.look_at(link) {
            let event = Event::Link(link.0);
            queue.schedule(at, event.class(), event);
        }
    }

    fn finish_copies(&mut self, now: Instant, link: LinkId, queue: &mut Queue<Event>) {
        self.links.looks(now, link);
        while let Some(waiter) = self.links.finish_due(now, link) {
            let (slot, strand) = Event::waiting(waiter);
            self.schedule(now, slot, strand, queue);
        }
        self.watch(link, queue);
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
        let slot = self.admit(now, workload, |submissions, drawn| submissions.submit(now, drawn));
        self.schedule_arrival(workload, queue);
        self.walk(now, slot, Strand::Main, queue);
    }

    /// Takes up a job as it is submitted.
    fn admit(
        &mut self,
        now: Instant,
        workload: usize,
        submit: impl FnOnce(&mut Submissions<'m>, &mut [i64]) -> Submission,
    ) -> u32 {
        let under = &self.model.workloads[workload];
        let disabled_at = under.user_disabled_at.unwrap_or(Instant::NEVER);
        let mut traced = None;
        let slot = self.jobs.insert(|drawn| {
            let submission = submit(&mut self.submissions[workload], drawn);
            let issued = now - submission.token_age;
            let node = self.keystone.pick(|| submission.streams.stream(draws::ISSUER));
            let token = self.keystone.issue_revoked(node, issued, disabled_at, submission.revoked_at);
            if self.tracer.is_some() {
                traced = Some((submission.ordinal, node));
            }
            Job::new(workload, under, now, &submission, token)
        });
        if let Some((ordinal, node)) = traced {
            self.trace_admission(now, slot, workload, ordinal, node);
        }
        slot
    }
}

/// The processes at the start, each with the service token that it is to hold.
fn senders<'a>(model: &'a Model, keystone: &'a Keystone<'_>) -> impl Iterator<Item = Sender> + 'a {
    let held_age = model.workloads.iter().find_map(|workload| workload.service_token_age);
    model.processes.iter().enumerate().map(move |(index, process)| {
        // A process that no job knows holds nothing.
        let held_age = held_age.filter(|_| model.workloads.iter().any(|workload| sends_from(&workload.program, index)));
        Sender::new(process, keystone, held_age)
    })
}

/// Whether a process sends requests in a program.
fn sends_from(program: &crate::model::program::Program, process: usize) -> bool {
    program.ops.iter().any(|op| match op {
        Op::Request { request, .. } => request.from.index() == process,
        Op::Poll(poll) => poll.request.from.index() == process,
        _ => false,
    })
}
