//! The driver walks jobs through their programs: their requests, waits, slots and branches, and what refusals lead to.

use super::arrivals::SHARED;
use super::flight::Stage;
use super::job::Strand;
use super::request::{Sent, UNAUTHORIZED};
use super::{Cloud, Event, Next, draws};
use crate::engine::{Queue, Started};
use crate::model::program::{Label, Op, Poll, Program, Refused, Request};
use crate::model::vocabulary::{Cleanup, Reason};
use crate::model::{PoolId, QuantityId, ServiceId, Source, StepId};
use crate::observe::{Cause, Failure, Outcome};
use crate::units::{Bytes, Instant, MICROS, Span};

/// So many operations at one instant are done in a row; then whoever wants the run to stop is heard.
const STEPS_AT_ONCE: u32 = 100_000;

/// What a poll answered that was fine.
const OK: u16 = 200;

impl Cloud<'_> {
    /// A strand's event is due.
    pub(super) fn resume(&mut self, now: Instant, slot: u32, strand: Strand, queue: &mut Queue<Event>) {
        // Events that were overtaken stay in the queue, and may outlive their job.
        let Some(job) = self.jobs.find(slot) else { return };
        let course = job.course(strand);
        if course.due == now {
            course.due = Instant::NEVER;
            self.walk(now, slot, strand, queue);
        }
    }

    /// Walks a strand from where it stands until it waits or stops.
    pub(super) fn walk(&mut self, now: Instant, slot: u32, strand: Strand, queue: &mut Queue<Event>) {
        let job = self.jobs.get(slot);
        let program: &Program = &job.under.program;
        let course = job.course(strand);
        let mut at = course.at;
        if let Stage::Answered { service, on } = course.stage {
            course.stage = Stage::Fresh;
            self.free_worker(now, service, queue);
            if on > now {
                self.schedule(on, slot, strand, queue);
                return;
            }
        }
        let mut steps = 0;
        if self.tracer.is_some() {
            self.trace_resumption(now, slot, strand);
        }
        loop {
            if self.tracer.is_some() {
                self.trace_before(now, slot, strand, program.op(at));
            }
            let next = self.step(now, slot, strand, program, at, queue);
            if self.tracer.is_some() {
                self.trace_after(now, slot, strand, program.op(at), &next);
            }
            match next {
                Next::Go(label) if steps == STEPS_AT_ONCE => {
                    self.jobs.get(slot).course(strand).at = label;
                    self.schedule(now, slot, strand, queue);
                    return;
                }
                Next::Go(label) => {
                    steps += 1;
                    at = label;
                }
                Next::Wait(until, label) => {
                    self.jobs.get(slot).course(strand).at = label.unwrap_or(at);
                    self.schedule(until, slot, strand, queue);
                    return;
                }
                Next::Park(label) => {
                    self.jobs.get(slot).course(strand).at = label.unwrap_or(at);
                    return;
                }
                Next::Stop => {
                    let job = self.jobs.get(slot);
                    job.course(strand).running = false;
                    if !job.main.running && !job.branch.running {
                        let job = self.jobs.remove(slot);
                        if self.tracer.is_some() {
                            self.trace_end(now, slot, &job);
                        }
                        match &mut self.alone {
                            None => self.count(slot, &job),
                            Some(alone) => alone.ended = Some(job),
                        }
                    }
                    return;
                }
            }
        }
    }

    /// Resumes a strand at an instant, whatever it waited for before.
    pub(super) fn schedule(&mut self, at: Instant, slot: u32, strand: Strand, queue: &mut Queue<Event>) {
        let course = self.jobs.get(slot).course(strand);
        course.due = at;
        let event = Event::Resume(slot, strand);
        let is_between_polls = course.polls > 0 && matches!(course.stage, Stage::Fresh);
        match (is_between_polls, course.place) {
            (true, Some(place)) => queue.schedule_in(place, at, event.class(), event),
            (true, None) => course.place = Some(queue.schedule(at, event.class(), event)),
            (false, _) => {
                queue.schedule(at, event.class(), event);
            }
        }
    }

    #[inline]
    fn step(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        program: &Program,
        at: Label,
        queue: &mut Queue<Event>,
    ) -> Next {
        let next = at.next();
        match program.op(at) {
            Op::Request { request, refused } => match self.send(now, slot, strand, request, queue) {
                Sent::Accepted => {
                    let repetition = self.repetition(slot, strand);
                    let worked = now + self.work(slot, request, repetition);
                    if self.tracer.is_some() {
                        self.trace_work(now, slot, request, worked);
                    }
                    self.after_work(now, slot, strand, request, worked, worked, next, queue)
                }
                Sent::Refused(failure) => self.raise(slot, strand, failure, *refused),
                Sent::Waits(until) => Next::Wait(until, None),
                Sent::Parks => Next::Park(None),
            },
            Op::Leave { service, forgets } => {
                if *forgets {
                    self.jobs.get(slot).delegated.forget_inside();
                }
                self.free_worker(now, *service, queue);
                Next::Go(next)
            }
            Op::Answer { step, status, reason, refused } => {
                let inner = self.jobs.refusals(slot, strand).by_depth[usize::from(refused.depth)];
                self.raise(slot, strand, answered(now, *step, *status, *reason, inner), *refused)
            }
            Op::Obtain { how, of, step, from, inside, refused } => {
                match self.obtain(now, slot, *step, *how, *of, *from, *inside) {
                    Ok(()) => Next::Go(next),
                    Err((reason, http_status)) => {
                        let first_cause = Cause { at: now, step: *step, reason, http_status };
                        self.raise(slot, strand, Failure { step: *step, reason, http_status, first_cause }, *refused)
                    }
                }
            }
            Op::Acquire(pool) => {
                let host = self.host(slot, *pool);
                if self.pools.acquire(now, *pool, host, Event::waiter(slot, strand)) {
                    Next::Go(next)
                } else {
                    Next::Park(Some(next))
                }
            }
            Op::Release(pool) => {
                let host = self.host(slot, *pool);
                self.release(now, *pool, host, queue);
                Next::Go(next)
            }
            Op::Wait(quantity) => self.pass(now, slot, strand, *quantity, 1, next, queue),
            Op::Pause(span) => wait(now, now + *span, next),
            Op::BeginParts => {
                let course = self.jobs.get(slot).course(strand);
                course.part = 0;
                course.parts_done = 0;
                course.parts_since = now;
                Next::Go(next)
            }
            Op::BeginRepeat => {
                let course = self.jobs.get(slot).course(strand);
                course.repetitions = course.parts_done;
                Next::Go(next)
            }
            Op::NextRepeat { done } => {
                let repetitions = &mut self.jobs.get(slot).course(strand).repetitions;
                let left = repetitions.checked_sub(1);
                *repetitions = left.unwrap_or(0);
                Next::Go(if left.is_some() { next } else { *done })
            }
            Op::NextPart { parts, done } => {
                let parts = self.jobs.quantity(slot, *parts);
                let done_parts = i64::from(self.jobs.get(slot).course(strand).part);
                if done_parts < parts {
                    return Next::Go(next);
                }
                // What follows is named as if it had no parts before it.
                self.jobs.get(slot).course(strand).part = 0;
                Next::Go(*done)
            }
            Op::WaitPart { quantity, parts, again } => {
                let parts = self.jobs.quantity(slot, *parts);
                let passes = self.pass(now, slot, strand, *quantity, parts, *again, queue);
                let course = self.jobs.get(slot).course(strand);
                course.part += 1;
                course.parts_done = course.part;
                passes
            }
            Op::Fork { branch } => {
                self.jobs.fork(slot, *branch);
                self.schedule(now, slot, Strand::Branch, queue);
                // Not at once: what the branch does at this instant comes first.
                Next::Wait(now, Some(next))
            }
            Op::Set { resource, state } => {
                *self.jobs.resource(slot, *resource) = *state;
                self.wake_poll(now, slot, strand.other(), queue);
                Next::Go(next)
            }
            Op::Poll(poll) => self.poll(now, slot, strand, poll, at, queue),
            Op::IfState { resource, states, otherwise } => {
                let holds = states.contains(*self.jobs.resource(slot, *resource));
                Next::Go(if holds { next } else { *otherwise })
            }
            Op::IfZero { quantity, otherwise } => {
                Next::Go(if self.jobs.quantity(slot, *quantity) == 0 { next } else { *otherwise })
            }
            Op::IfServiceToken { otherwise } => {
                Next::Go(if self.jobs.get(slot).course(strand).with_service_token { next } else { *otherwise })
            }
            Op::Jump(label) => Next::Go(*label),
            Op::BeginRetry { level } => {
                self.jobs.get(slot).course(strand).tries[usize::from(*level)] = 0;
                Next::Go(next)
            }
            Op::EndRetry { level } => {
                let course = self.jobs.get(slot).course(strand);
                if std::mem::take(&mut course.tries[usize::from(*level)]) > 0 {
                    self.jobs.refusals(slot, strand).earliest = None;
                }
                Next::Go(next)
            }
            Op::CountAttempt => {
                self.jobs.get(slot).attempts += 1;
                Next::Go(next)
            }
            Op::Again { level, tries, status, depth, again } => {
                let made = &mut self.jobs.get(slot).course(strand).tries[usize::from(*level)];
                *made += 1;
                let has_tries = *made < *tries;
                let refusal = &mut self.jobs.refusals(slot, strand).by_depth[usize::from(*depth)];
                let came_as = refusal.map(|failure| failure.http_status);
                let is_meant = status.is_none_or(|status| came_as == Some(status));
                if is_meant && has_tries {
                    *refusal = None;
                    Next::Go(*again)
                } else {
                    Next::Go(next)
                }
            }
            Op::Fail { depth } => {
                let refusal = self.jobs.refusals(slot, strand).by_depth[usize::from(*depth)];
                let job = self.jobs.get(slot);
                if job.outcome == Outcome::Unfinished
                    && let Some(failure) = refusal
                {
                    job.outcome = Outcome::Failed(failure);
                    job.ended = Some(now);
                }
                Next::Go(next)
            }
            Op::Caught { depth } => {
                let refusals = self.jobs.refusals(slot, strand);
                let caught = refusals.by_depth[usize::from(*depth)].take();
                // Deeper, it stands in a `refused` list.
                if *depth == 0 {
                    refusals.earliest = None;
                    let job = self.jobs.get(slot);
                    if job.outcome == Outcome::Unfinished {
                        job.caught = job.caught.or(caught);
                    }
                }
                Next::Go(next)
            }
            Op::Cleanup(cleanup) => {
                self.jobs.get(slot).cleanup = *cleanup;
                Next::Go(next)
            }
            Op::CleanupRefused { depth } => {
                let refusal = self.jobs.refusals(slot, strand).by_depth[usize::from(*depth)];
                let status = refusal.map(|failure| failure.http_status);
                self.jobs.get(slot).cleanup = Cleanup::Refused(status.unwrap_or(UNAUTHORIZED));
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

    /// Follows a refusal; what was refused first in a course that goes on trying stays its first cause.
    pub(super) fn raise(&mut self, slot: u32, strand: Strand, failure: Failure, refused: Refused) -> Next {
        if self.tracer.is_some() {
            self.trace_failure(slot, failure, refused);
        }
        self.note_failure(slot, failure.reason);
        let refusals = self.jobs.refusals(slot, strand);
        let first_cause = if refused.depth == 0 {
            *refusals.earliest.get_or_insert(failure.first_cause)
        } else {
            failure.first_cause
        };
        refusals.by_depth[usize::from(refused.depth)] = Some(Failure { first_cause, ..failure });
        Next::Go(refused.to)
    }

    /// Frees the receiver's worker when it has worked, and goes on at `then` at the instant `on`, not earlier.
    #[expect(clippy::too_many_arguments, reason = "one question, asked from two places")]
    fn after_work(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        request: &Request,
        worked: Instant,
        on: Instant,
        then: Label,
        queue: &mut Queue<Event>,
    ) -> Next {
        // A receiver that does more before it answers keeps its worker.
        if !request.has_inside && self.queues_at(request.to) {
            if worked > now {
                self.jobs.get(slot).course(strand).stage = Stage::Answered { service: request.to, on };
                return Next::Wait(worked, Some(then));
            }
            self.free_worker(now, request.to, queue);
        }
        wait(now, on, then)
    }

    /// Which repetition of a request this is: the parts of a wait repeat theirs, and cinder-volume's attempts those of
    /// its branch.
    fn repetition(&mut self, slot: u32, strand: Strand) -> u32 {
        let job = self.jobs.get(slot);
        job.course(strand).part
            + match strand {
                Strand::Main => 0,
                Strand::Branch => job.attempts,
            }
    }

    /// How long the receiver works on a request. Its random number is named by the request and how often it was
    /// repeated, so that it takes the same time whatever else the settings make the job do.
    pub(super) fn work(&mut self, slot: u32, request: &Request, repetition: u32) -> Span {
        if let Some(time) = self.constant_request_time {
            return time;
        }
        draws::work(&self.model.request_time, self.jobs.get(slot).streams, request, repetition)
    }

    /// Lets the time of a quantity pass, or of the next of its parts; then goes on at `then`.
    #[expect(clippy::too_many_arguments, reason = "one question, asked from two places")]
    fn pass(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        quantity: QuantityId,
        parts: i64,
        then: Label,
        queue: &mut Queue<Event>,
    ) -> Next {
        let job = self.jobs.get(slot);
        let under = job.under;
        let course = job.course(strand);
        // What passes whole is the first part of one.
        let (part, since) = if parts == 1 { (0, now) } else { (i64::from(course.part), course.parts_since) };
        let whole = self.jobs.quantity(slot, quantity);
        if let (SHARED, Source::Copy { size, link }) = (whole, &under.quantities[quantity.index()]) {
            let bytes = self.jobs.quantity(slot, *size).max(0);
            let who = Event::waiter(slot, strand);
            return match self.links.start(now, *link, share_of(bytes, part, parts), who) {
                Started::Ends(at) => wait(now, at, then),
                Started::Shares => {
                    self.watch(*link, queue);
                    Next::Park(Some(then))
                }
            };
        }
        let span = Span::from_micros(whole);
        if parts == 1 {
            return wait(now, now + span, then);
        }
        // In whole seconds, as in the record.
        let passed = if part + 1 == parts { span } else { whole_seconds_of(span, part + 1, parts) };
        wait(now, now.max(since + passed), then)
    }

    /// On which of the hosts that have such a pool the job is.
    fn host(&mut self, slot: u32, pool: PoolId) -> u32 {
        let hosts = self.pools.hosts(pool);
        if hosts <= 1 {
            return 0;
        }
        let share = self.jobs.get(slot).streams.stream(draws::host(pool)).uniform();
        (share * f64::from(hosts)) as u32
    }

    /// Gives a slot back and resumes who waited for it.
    pub(super) fn release(&mut self, now: Instant, pool: PoolId, host: u32, queue: &mut Queue<Event>) {
        if let Some(waiter) = self.pools.release(now, pool, host) {
            let (slot, strand) = Event::waiting(waiter);
            self.schedule(now, slot, strand, queue);
        }
    }

    /// Whether requests to a service may have to wait for a worker.
    #[inline]
    pub(super) fn queues_at(&self, service: ServiceId) -> bool {
        self.receivers[service.index()].queue.is_some()
    }

    /// A worker of a service has answered.
    pub(super) fn free_worker(&mut self, now: Instant, service: ServiceId, queue: &mut Queue<Event>) {
        if let Some(workers) = self.receivers[service.index()].queue {
            self.release(now, workers, 0, queue);
        }
    }

    /// Asks for a resource once.
    fn poll(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        poll: &Poll,
        at: Label,
        queue: &mut Queue<Event>,
    ) -> Next {
        let job = self.jobs.get(slot);
        // Counted once, however often it is resumed on its way.
        if matches!(job.course(strand).stage, Stage::Fresh) {
            self.count_skipped(now, slot, strand, poll);
            let job = self.jobs.get(slot);
            job.polls = job.polls.saturating_add(1);
            let polls = &mut job.course(strand).polls;
            *polls = polls.saturating_add(1);
            job.course(strand).stage = Stage::Polling;
        }
        match self.send(now, slot, strand, &poll.request, queue) {
            Sent::Waits(until) => return Next::Wait(until, None),
            Sent::Parks => return Next::Park(None),
            Sent::Refused(failure) => {
                self.end_poll(slot, strand, poll);
                return self.raise(slot, strand, failure, poll.refused);
            }
            Sent::Accepted => {}
        }
        let state = *self.jobs.resource(slot, poll.resource);
        let course = self.jobs.get(slot).course(strand);
        course.stage = Stage::Fresh;
        let polls = course.polls;
        let worked = now + self.work(slot, &poll.request, polls);
        if poll.until.contains(state) {
            self.end_poll(slot, strand, poll);
            return self.after_work(now, slot, strand, &poll.request, worked, worked, at.next(), queue);
        }
        let again = worked + poll.interval;
        let (reason, on) = if poll.error.contains(state) {
            (Reason::VolumeError, worked)
        } else if polls >= poll.attempts && poll.attempts != u32::MAX {
            (Reason::VolumeWaitTimeout, again)
        } else if self.queues_at(poll.request.to) {
            return not_at_once(now, self.after_work(now, slot, strand, &poll.request, worked, again, at, queue));
        } else {
            return Next::Wait(self.skip_polls(now, again, slot, strand, poll), Some(at));
        };
        self.end_poll(slot, strand, poll);
        let itself = Cause { at: on, step: poll.request.step, reason, http_status: OK };
        let first_cause = match reason {
            Reason::VolumeError => self.jobs.refusals(slot, strand.other()).earliest.unwrap_or(itself),
            _ => itself,
        };
        let failure = Failure { step: itself.step, reason, http_status: OK, first_cause };
        self.raise(slot, strand, failure, poll.gave_up);
        self.after_work(now, slot, strand, &poll.request, worked, on, poll.gave_up.to, queue)
    }

    fn end_poll(&mut self, slot: u32, strand: Strand, poll: &Poll) {
        let course = self.jobs.get(slot).course(strand);
        let polls = std::mem::take(&mut course.polls);
        course.place = None;
        course.stage = Stage::Fresh;
        self.note_wait(polls, poll.attempts);
    }
}

/// So many of so many equal parts of a time, cut to whole seconds.
fn whole_seconds_of(span: Span, part: i64, parts: i64) -> Span {
    let micros = i128::from(span.micros()) * i128::from(part) / i128::from(parts);
    Span::from_micros((micros / i128::from(MICROS) * i128::from(MICROS)) as i64)
}

/// The bytes of one of so many parts, counted from 0, which differ by a byte at most.
fn share_of(bytes: i64, part: i64, parts: i64) -> Bytes {
    // A backup of 20 TiB has so many pieces that their product does not fit otherwise.
    let up_to = |part: i64| i128::from(bytes) * i128::from(part) / i128::from(parts);
    Bytes((up_to(part + 1) - up_to(part)) as u64)
}

/// What the branch does at this instant comes first.
fn not_at_once(now: Instant, next: Next) -> Next {
    match next {
        Next::Go(label) => Next::Wait(now, Some(label)),
        Next::Wait(..) | Next::Park(_) | Next::Stop => next,
    }
}

fn wait(now: Instant, until: Instant, next: Label) -> Next {
    if until <= now { Next::Go(next) } else { Next::Wait(until, Some(next)) }
}

/// What the sender of a request gets whose receiver answers with an error.
fn answered(now: Instant, step: StepId, status: u16, reason: Option<Reason>, inner: Option<Failure>) -> Failure {
    let own = |reason| Cause { at: now, step, reason, http_status: status };
    match (reason, inner) {
        (Some(reason), inner) => Failure {
            step,
            reason,
            http_status: status,
            first_cause: inner.map_or(own(reason), |inner| inner.first_cause),
        },
        (None, Some(inner)) => Failure { http_status: status, ..inner },
        (None, None) => {
            let first_cause = own(Reason::CinderBadRequest);
            Failure { step, reason: first_cause.reason, http_status: status, first_cause }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_whole() {
        const TIB: i64 = 1 << 40;
        for (bytes, parts) in [(0, 3), (10, 3), (7, 7), (2, 5), (100 * TIB, 2_097_152), (i64::MAX, 4)] {
            let shares: Vec<i128> = (0..parts).map(|part| share_of(bytes, part, parts).0.into()).collect();
            assert_eq!(shares.iter().sum::<i128>(), i128::from(bytes), "{bytes} bytes in {parts} parts");
            let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
            assert!(most - least <= 1, "{bytes} bytes in {parts} parts: {least} to {most}");
        }
    }

    #[test]
    fn parts_of_a_time_begin_at_whole_seconds() {
        let begins = |seconds, parts| -> Vec<i64> {
            let begin = |part| whole_seconds_of(Span::from_seconds(seconds), part, parts).micros();
            (0..parts).map(|part| begin(part) / MICROS).collect()
        };
        // p + floor(phase2 · k / n), as in the record.
        assert_eq!(begins(10, 3), [0, 3, 6]);
        assert_eq!(begins(2, 4), [0, 0, 1, 1]);
        assert_eq!(begins(0, 2), [0, 0]);
        assert_eq!(whole_seconds_of(Span::from_micros(2_999_999), 1, 2), Span::from_seconds(1));
    }
}
