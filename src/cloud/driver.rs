//! The driver walks jobs through their programs: sends their requests, waits, branches, notes how they end.

use super::job::{Job, Strand};
use super::receiver::Receiver;
use super::sender::Held;
use super::{Cloud, Event};
use crate::engine::Queue;
use crate::identity::Check;
use crate::identity::session::{self, UserAuth};
use crate::jobs::{Ending, Label, Op, Request};
use crate::model::vocabulary::{Cleanup, Reason};
use crate::model::{ProcessId, Sends, StepId};
use crate::observe::{Cause, Failure, Outcome, ServiceFacts};
use crate::units::{Instant, Span};

/// What auth_token answers when it refuses.
const UNAUTHORIZED: u16 = 401;
/// What a service answers that does not do this to a resource in use.
const BAD_REQUEST: u16 = 400;
/// What a poll answered that was fine.
const OK: u16 = 200;

/// A service that hands on the user's token alone.
const PLAIN: session::Sender = session::Sender { user: UserAuth::Fixed, service_wrapper: false };
/// A service that adds the token of its `[service_user]`.
const WRAPPED: session::Sender = session::Sender { user: UserAuth::Fixed, service_wrapper: true };
/// nova-api, whose requests carry auth_token's own token.
const MIDDLEWARE: session::Sender = session::Sender { user: UserAuth::Middleware, service_wrapper: false };

/// Where a strand goes after an operation.
enum Next {
    /// On at once.
    Go(Label),
    /// On at a later instant, or at this one after what the branch does.
    Wait(Instant, Label),
    /// Nowhere.
    Stop,
}

impl Cloud<'_> {
    /// Walks a strand from where it stands until it waits or stops.
    pub(super) fn walk(&mut self, now: Instant, slot: u32, strand: Strand, queue: &mut Queue<Event>) {
        let mut at = self.jobs.get(slot).course(strand).at;
        loop {
            match self.step(now, slot, strand, at, queue) {
                Next::Go(label) => at = label,
                Next::Wait(until, label) => {
                    self.jobs.get(slot).course(strand).at = label;
                    let event = Event::Resume(slot, strand);
                    queue.schedule(until, event.class(), event);
                    return;
                }
                Next::Stop => {
                    let job = self.jobs.get(slot);
                    job.course(strand).running = false;
                    if !job.main.running && !job.branch.running {
                        let job = self.jobs.remove(slot);
                        self.count(slot, &job);
                    }
                    return;
                }
            }
        }
    }

    fn step(&mut self, now: Instant, slot: u32, strand: Strand, at: Label, queue: &mut Queue<Event>) -> Next {
        let op = *self.programs[self.jobs.get(slot).workload].op(at);
        let next = at.next();
        match op {
            Op::Call { request, refused } => match self.send(now, slot, &request) {
                Ok(()) => self.after_work(now, slot, strand, &request, next),
                Err(cause) => {
                    let refusal = &mut self.jobs.get(slot).course(strand).refusal;
                    *refusal = Some(refusal.unwrap_or(cause));
                    Next::Go(refused)
                }
            },
            Op::Try { request, done } => match self.send(now, slot, &request) {
                Ok(()) => {
                    if let Some((resource, state)) = done {
                        *self.jobs.resource(slot, resource) = state;
                    }
                    self.after_work(now, slot, strand, &request, next)
                }
                Err(_) => Next::Go(next),
            },
            Op::Delete { request, watched } => match self.send(now, slot, &request) {
                Ok(()) => {
                    let state = self.jobs.resource(slot, watched.resource);
                    let is_idle = *state == watched.available || *state == watched.error;
                    if is_idle {
                        *state = watched.deleted;
                    }
                    self.jobs.get(slot).cleanup =
                        if is_idle { Cleanup::Deleted } else { Cleanup::Refused(BAD_REQUEST) };
                    self.after_work(now, slot, strand, &request, next)
                }
                Err(_) => {
                    self.jobs.get(slot).cleanup = Cleanup::Refused(UNAUTHORIZED);
                    Next::Go(next)
                }
            },
            Op::Wait(quantity) => {
                let span = Span::from_micros(self.jobs.quantity(slot, quantity));
                wait(now, now + span, next)
            }
            Op::Fork { branch } => {
                let course = &mut self.jobs.get(slot).branch;
                course.at = branch;
                course.running = true;
                let event = Event::Resume(slot, Strand::Branch);
                queue.schedule(now, event.class(), event);
                // Not at once: what the branch does at this instant comes first.
                Next::Wait(now, next)
            }
            Op::Set { resource, state } => {
                *self.jobs.resource(slot, resource) = state;
                Next::Go(next)
            }
            Op::Poll { request, watched, attempts, interval, refused, error, timed_out } => {
                self.jobs.get(slot).polls += 1;
                if let Err(cause) = self.send(now, slot, &request) {
                    self.jobs.get(slot).main.refusal = Some(cause);
                    return Next::Go(refused);
                }
                let polls = self.jobs.get(slot).polls;
                let answered = now + self.work(slot, &request, polls);
                let state = *self.jobs.resource(slot, watched.resource);
                if state == watched.available {
                    wait(now, answered, next)
                } else if state == watched.error {
                    wait(now, answered, error)
                } else {
                    Next::Wait(answered + interval, if polls < attempts { at } else { timed_out })
                }
            }
            Op::Attempt => {
                self.jobs.get(slot).attempts += 1;
                Next::Go(next)
            }
            Op::Retry { attempts, again } => {
                Next::Go(if self.jobs.get(slot).attempts < attempts { again } else { next })
            }
            Op::Fail(ending) => {
                let job = self.jobs.get(slot);
                job.outcome = Outcome::Failed(failure(job, strand, ending, now));
                job.ended = Some(now);
                Next::Go(next)
            }
            Op::Complete => {
                let job = self.jobs.get(slot);
                job.outcome = Outcome::Completed;
                job.ended = Some(now);
                Next::Go(next)
            }
            Op::Stop => Next::Stop,
        }
    }

    /// Goes on after the receiver has done its work.
    fn after_work(&mut self, now: Instant, slot: u32, strand: Strand, request: &Request, next: Label) -> Next {
        let repetition = match strand {
            Strand::Main => 0,
            Strand::Branch => self.jobs.get(slot).attempts,
        };
        wait(now, now + self.work(slot, request, repetition), next)
    }

    /// How long the receiver works on a request. Its random number is named by the request and how often it was
    /// repeated, so that it takes the same time whatever else the settings make the job do.
    fn work(&mut self, slot: u32, request: &Request, repetition: u32) -> Span {
        if let Some(time) = self.constant_request_time {
            return time;
        }
        let name = u64::from(repetition) << 16 | u64::from(request.step.0) << 8 | u64::from(request.nth);
        let mut stream = self.jobs.get(slot).request_times.stream(name);
        Span::from_seconds_f64(self.model.request_time.sample(&mut stream))
    }

    /// Sends a request, with the repetition that its sender makes after a 401.
    fn send(&mut self, now: Instant, slot: u32, request: &Request) -> Result<(), Cause> {
        let (job, caches) = self.jobs.with_caches(slot);
        let counted = now >= self.counted_from;
        let sends = self.model.process(request.from).sends;
        let sender = &mut self.senders[request.from.index()];
        let issued_before = sender.issued;
        let mut attempt = Attempt {
            receiver: &mut self.receivers[request.to.index()],
            cached_until: &mut caches[request.to.index()],
            keystone_facts: &mut self.keystone_facts,
            counted,
        };
        let (session, mut held) = match sends {
            Sends::Never => (PLAIN, None),
            Sends::ServiceUser => (WRAPPED, Some(sender.token(now, sends, &self.keystone))),
            Sends::AuthToken => (MIDDLEWARE, Some(sender.token(now, sends, &self.keystone))),
        };
        let mut sent = 0;
        let verdict = loop {
            let service_token = match &held {
                // Keystone refused the sender a token, so nothing is sent.
                Some(None) => break Err(Reason::ServiceTokenInvalid),
                Some(Some(held)) => Some(held),
                None => None,
            };
            sent += 1;
            match attempt.check(now, self.keystone.window, job, request.from, service_token) {
                Ok(()) => break Ok(()),
                Err(reason) => match session.after_401(sent) {
                    None => break Err(reason),
                    Some(retry) if retry.new_service_token => held = Some(sender.fetch(now, &self.keystone)),
                    Some(_) => {}
                },
            }
        };
        if sends == Sends::ServiceUser {
            job.service_tokens_issued += sender.issued - issued_before;
        }
        match verdict {
            Ok(()) => {
                job.accepted += 1;
                Ok(())
            }
            Err(reason) => Err(Cause {
                at: now,
                step: request.step,
                reason: as_seen_behind(request.from, reason),
                http_status: UNAUTHORIZED,
            }),
        }
    }
}

/// One request on its way, possibly sent twice.
struct Attempt<'c> {
    receiver: &'c mut Receiver,
    /// The receiver's cache entry for the user's token.
    cached_until: &'c mut Instant,
    keystone_facts: &'c mut ServiceFacts,
    counted: bool,
}

impl Attempt<'_> {
    #[inline]
    fn check(
        &mut self,
        now: Instant,
        window: Span,
        job: &mut Job,
        from: ProcessId,
        held: Option<&Held>,
    ) -> Result<(), Reason> {
        let check = self.receiver.check(now, window, &job.token, self.cached_until, from, held);
        job.keystone_validations += validations(&check);
        if self.counted {
            let (asked, refused) = (u64::from(validations(&check)), u64::from(refusals(&check)));
            self.receiver.facts.requests += 1;
            self.receiver.facts.keystone_validations += asked;
            self.receiver.facts.cache_hits += 1 + u64::from(check.service.is_some()) - asked;
            self.receiver.facts.refused += u64::from(check.refused.is_some());
            self.keystone_facts.requests += asked;
            self.keystone_facts.refused += refused;
        }
        match check.refused {
            Some(reason) => Err(reason),
            None => {
                let end = job.token.expires + if check.allow_expired { window } else { Span::ZERO };
                let margin = end.since(now);
                job.smallest_margin = Some(job.smallest_margin.map_or(margin, |smallest| smallest.min(margin)));
                Ok(())
            }
        }
    }
}

/// Tokens that Keystone was asked about.
fn validations(check: &Check) -> u32 {
    u32::from(check.user.keystone.is_some()) + u32::from(check.service.is_some_and(|answer| answer.keystone.is_some()))
}

/// Tokens that Keystone refused.
fn refusals(check: &Check) -> u32 {
    u32::from(check.user.keystone == Some(false))
        + u32::from(check.service.is_some_and(|answer| answer.keystone == Some(false)))
}

/// Behind Glance the missing service token is the finding, because no setting can make Glance send one.
fn as_seen_behind(from: ProcessId, reason: Reason) -> Reason {
    match (from, reason) {
        (ProcessId::GLANCE_API, Reason::UserTokenExpired) => Reason::BackendNoServiceToken,
        (_, reason) => reason,
    }
}

fn wait(now: Instant, until: Instant, next: Label) -> Next {
    if until <= now { Next::Go(next) } else { Next::Wait(until, next) }
}

fn failure(job: &Job, strand: Strand, ending: Ending, now: Instant) -> Failure {
    let itself = |step: StepId, reason: Reason| Cause { at: now, step, reason, http_status: OK };
    let refusal = match strand {
        Strand::Main => job.main.refusal,
        Strand::Branch => job.branch.refusal,
    };
    match ending {
        Ending::Refused => {
            let cause = refusal.expect("a strand comes here by a refusal");
            Failure { step: cause.step, reason: cause.reason, http_status: cause.http_status, first_cause: cause }
        }
        Ending::Translated { step, reason, http_status } => {
            let first_cause = refusal.expect("a strand comes here by a refusal");
            Failure { step, reason, http_status, first_cause }
        }
        Ending::VolumeError { step } => {
            let reason = Reason::VolumeError;
            let first_cause = job.branch.refusal.expect("a volume goes to error by a refusal");
            Failure { step, reason, http_status: OK, first_cause }
        }
        Ending::TimedOut { step } => {
            let first_cause = itself(step, Reason::VolumeWaitTimeout);
            Failure { step, reason: first_cause.reason, http_status: OK, first_cause }
        }
    }
}
