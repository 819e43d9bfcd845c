//! One job alone on its way through its program, with a clock: which request is the first that its tokens do not last
//! for.
//!
//! Nothing queues and nothing is drawn: what varies counts with its least value, a size is given. So every request
//! comes as early as it ever can. Answers that receivers keep are left out.

use super::course::{Carried, carried};
use crate::model::program::{Credentials, Label, Obtain, Op, Poll, Program, Refused, Request};
use crate::model::{Model, ProcessId, QuantityId, QuantityUnit, ServiceId, Source, StepId, Workload};
use crate::random::Dist;
use crate::units::{Bytes, MICROS, Span, Throughput};

/// For how long tokens are good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lives {
    /// Without a service token.
    pub(super) expiration: Span,
    /// What an accepted service token adds.
    pub(super) window: Span,
}

/// A request that comes when its token is no longer good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLate {
    pub(super) step: StepId,
    pub(super) from: ProcessId,
    pub(super) to: ServiceId,
    /// What went with it; an exchange takes nothing along.
    pub(super) carried: Carried,
    pub(super) is_exchange: bool,
    /// Whether the token is one that the job got for itself on its way.
    pub(super) is_delegated: bool,
}

/// What becomes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It completes.
    Well,
    /// It fails, and this is why.
    TooLate(TooLate),
    /// It fails for something else, whatever the age of its token.
    Otherwise,
}

/// The size that varies among the jobs of a workload, if one does; else the first that copies take.
pub(super) fn size_of(workload: &Workload) -> Option<(QuantityId, &Dist)> {
    let mut sizes = workload.quantities.iter().filter_map(|source| match source {
        Source::Copy { size, .. } | Source::Pieces { size, .. } => match workload.source(*size) {
            Source::Drawn(dist) => Some((*size, dist)),
            Source::Copy { .. } | Source::Pieces { .. } => None,
        },
        Source::Drawn(_) => None,
    });
    let first = sizes.clone().next();
    sizes.find(|(_, dist)| dist.as_constant().is_none()).or(first)
}

/// What a job of this size has drawn, in the units that it is held in.
fn quantities(model: &Model, workload: &Workload, size: Option<(QuantityId, u64)>) -> Vec<i64> {
    let least = |dist: &Dist| dist.as_constant().unwrap_or_else(|| dist.lowest()).max(0.0);
    let is_time = |at: usize| workload.kind.quantities[at].unit == QuantityUnit::Seconds;
    let given = |id: QuantityId| size.filter(|(known, _)| *known == id).map(|(_, bytes)| bytes as i64);
    let drawn = |id: QuantityId| match (given(id), workload.source(id)) {
        (Some(bytes), _) => bytes,
        (None, Source::Drawn(dist)) if is_time(id.index()) => Span::from_seconds_f64(least(dist)).micros(),
        (None, Source::Drawn(dist)) => least(dist).round() as i64,
        (None, Source::Copy { .. } | Source::Pieces { .. }) => 0,
    };
    let of = |(at, source): (u8, &Source)| match source {
        Source::Drawn(_) => drawn(QuantityId(at)),
        // A copy that waits for others takes longer, never less.
        Source::Copy { size, link } => {
            let link = &model.links[link.index()];
            let time = |rate: Throughput| rate.time_for(Bytes(drawn(*size).max(0) as u64)).micros();
            [link.per_job, link.bandwidth].into_iter().flatten().map(time).max().unwrap_or(0)
        }
        Source::Pieces { size, per, from } => {
            let bytes = drawn(*size).max(0) as u64;
            if bytes < *from { 0 } else { bytes.div_ceil(*per) as i64 }
        }
    };
    (0..).zip(&workload.quantities).map(of).collect()
}

/// A token, by what is left of it: instants are counted from submission.
#[derive(Clone, Copy, Debug)]
struct Token {
    expires: Span,
    /// Whether it is replaced before it expires.
    renews: bool,
}

#[derive(Clone, Copy, Debug)]
struct Refusal {
    /// What was refused first.
    cause: End,
    status: u16,
}

#[derive(Clone, Debug)]
struct Strand {
    at: Label,
    now: Span,
    runs: bool,
    with_service_token: bool,
    polls: u32,
    part: i64,
    parts_done: i64,
    parts_since: Span,
    repetitions: i64,
    tries: [u32; Program::MOST_RETRIES],
    refusals: [Option<Refusal>; Program::MOST_REFUSALS],
    earliest: Option<End>,
}

impl Strand {
    fn new(at: Label, now: Span, runs: bool) -> Strand {
        Strand {
            at,
            now,
            runs,
            with_service_token: false,
            polls: 0,
            part: 0,
            parts_done: 0,
            parts_since: now,
            repetitions: 0,
            tries: [0; Program::MOST_RETRIES],
            refusals: [None; Program::MOST_REFUSALS],
            earliest: None,
        }
    }

    /// Follows a refusal; what was refused first in a course that goes on trying stays its cause.
    fn raise(&mut self, cause: End, status: u16, refused: Refused) {
        let cause = if refused.depth == 0 { *self.earliest.get_or_insert(cause) } else { cause };
        self.refusals[usize::from(refused.depth)] = Some(Refusal { cause, status });
        self.at = refused.to;
    }
}

/// Operations after which a job is given up: polls and parts are looked at in strides, so no shipped kind comes near.
const MOST_STEPS: u32 = 50_000;
/// So many parts of a wait are looked at, the first and the last among them.
const MOST_PARTS: i64 = 32;
const UNAUTHORIZED: u16 = 401;
const NOT_FOUND: u16 = 404;
const OK: u16 = 200;
const MAIN: usize = 0;
const BRANCH: usize = 1;

struct Job<'m> {
    model: &'m Model,
    program: &'m Program,
    lives: Lives,
    request_time: Span,
    quantities: Vec<i64>,
    states: Vec<u8>,
    users: Token,
    outside: Option<Token>,
    inside: Option<Token>,
    strands: [Strand; 2],
}

/// What becomes of a job with a token of this age and, where sizes matter, this one.
pub(super) fn end(model: &Model, workload: &Workload, lives: Lives, age: Span, size: Option<(QuantityId, u64)>) -> End {
    let request_time = Span::from_seconds_f64(model.request_time.lowest().max(0.0));
    let mut job = Job {
        model,
        program: &workload.program,
        lives,
        request_time,
        quantities: quantities(model, workload, size),
        states: vec![0; workload.kind.resources.len()],
        users: Token { expires: lives.expiration - age, renews: false },
        outside: None,
        inside: None,
        strands: [Strand::new(Program::ENTRY, Span::ZERO, true), Strand::new(Program::ENTRY, Span::ZERO, false)],
    };
    for _ in 0..MOST_STEPS {
        let [main, branch] = &job.strands;
        // What the branch does at an instant comes first.
        let which = if branch.runs && (!main.runs || branch.now <= main.now) { BRANCH } else { MAIN };
        if !job.strands[which].runs {
            break;
        }
        if let Some(end) = job.step(which) {
            return end;
        }
    }
    End::Otherwise
}

impl Job<'_> {
    fn quantity(&self, quantity: QuantityId) -> i64 {
        self.quantities[quantity.index()]
    }

    /// The token that goes with these credentials, and whether the job got it on its way; `None`: it is always new.
    fn token(&self, credentials: Credentials) -> Option<(Token, bool)> {
        match credentials {
            Credentials::Own => None,
            Credentials::User => Some((self.users, false)),
            Credentials::Delegated => Some(self.inside.or(self.outside).map_or((self.users, false), |got| (got, true))),
        }
    }

    /// Until when a request passes, and what is said if it comes later; `Err`: it is refused at any time.
    fn passes(&self, request: &Request) -> Result<Option<(Span, TooLate)>, End> {
        let Some((token, is_delegated)) = self.token(request.credentials) else { return Ok(None) };
        let carried =
            if request.with_service_token { carried(self.model, request.from, request.to) } else { Carried::Nothing };
        if carried == Carried::RoleRefused {
            return Err(End::Otherwise);
        }
        if token.renews {
            return Ok(None);
        }
        let until = match carried {
            Carried::Accepted => token.expires + self.lives.window,
            // auth_token compares the expiry once more with its own clock.
            _ => token.expires - self.model.service(request.to).clock_ahead.max(Span::ZERO),
        };
        let (from, to) = (request.from, request.to);
        Ok(Some((until, TooLate { step: request.step, from, to, carried, is_exchange: false, is_delegated })))
    }

    /// Sends a request; why not.
    fn send(&mut self, which: usize, request: &Request) -> Result<(), End> {
        let now = self.strands[which].now;
        if let Some((until, too_late)) = self.passes(request)?
            && now >= until
        {
            return Err(End::TooLate(too_late));
        }
        let is_own = request.credentials == Credentials::Own;
        self.strands[which].with_service_token =
            !is_own && request.with_service_token && carried(self.model, request.from, request.to) == Carried::Accepted;
        Ok(())
    }

    /// Does the next operation of a strand; the end, if it is one.
    fn step(&mut self, which: usize) -> Option<End> {
        let program = self.program;
        let here = self.strands[which].at;
        let next = here.next();
        let strand = &mut self.strands[which];
        match program.op(here) {
            Op::Request { request, refused } => match self.send(which, request) {
                Ok(()) => {
                    let strand = &mut self.strands[which];
                    (strand.now, strand.at) = (strand.now + self.request_time, next);
                }
                Err(cause) => self.strands[which].raise(cause, UNAUTHORIZED, *refused),
            },
            Op::Poll(poll) => self.poll(which, poll),
            Op::Leave { forgets, .. } => {
                strand.at = next;
                if *forgets {
                    self.inside = None;
                }
            }
            Op::Answer { status, refused, .. } => {
                let inner = strand.refusals[usize::from(refused.depth)].map(|refusal| refusal.cause);
                strand.raise(inner.unwrap_or(End::Otherwise), *status, *refused);
            }
            Op::Obtain { how, of, step, from, inside, refused } => match self.obtain(which, *how, *of, *step, *from) {
                Ok(token) => {
                    *(if *inside { &mut self.inside } else { &mut self.outside }) = token;
                    self.strands[which].at = next;
                }
                Err(cause) => self.strands[which].raise(cause, NOT_FOUND, *refused),
            },
            Op::Wait(quantity) => {
                let span = Span::from_micros(self.quantity(*quantity));
                let strand = &mut self.strands[which];
                (strand.now, strand.at) = (strand.now + span, next);
            }
            Op::Pause(span) => (strand.now, strand.at) = (strand.now + *span, next),
            Op::BeginParts => {
                (strand.part, strand.parts_done, strand.parts_since, strand.at) = (0, 0, strand.now, next);
            }
            Op::NextPart { parts, done } => {
                let parts = self.quantity(*parts);
                let strand = &mut self.strands[which];
                let has_more = strand.part < parts;
                strand.at = if has_more { next } else { *done };
                if !has_more {
                    strand.part = 0;
                }
            }
            Op::WaitPart { quantity, parts, again } => {
                let (whole, parts) = (self.quantity(*quantity), self.quantity(*parts));
                let strand = &mut self.strands[which];
                let stride = if strand.part == 0 { 1 } else { (parts / MOST_PARTS).max(1) };
                strand.part = (strand.part + stride).min(parts);
                strand.parts_done = strand.part;
                strand.now = strand.now.max(strand.parts_since + part_of(whole, strand.part, parts));
                strand.at = *again;
            }
            Op::BeginRepeat => (strand.repetitions, strand.at) = (strand.parts_done.min(1), next),
            Op::NextRepeat { done } => {
                strand.at = if strand.repetitions > 0 { next } else { *done };
                strand.repetitions -= 1;
            }
            Op::Fork { branch } => {
                let now = strand.now;
                strand.at = next;
                self.strands[BRANCH] = Strand::new(*branch, now, true);
            }
            Op::Set { resource, state } => {
                strand.at = next;
                self.states[resource.index()] = *state;
            }
            Op::IfState { resource, states, otherwise } => {
                strand.at = if states.contains(self.states[resource.index()]) { next } else { *otherwise };
            }
            Op::IfZero { quantity, otherwise } => {
                let is_zero = self.quantity(*quantity) == 0;
                self.strands[which].at = if is_zero { next } else { *otherwise };
            }
            Op::IfServiceToken { otherwise } => strand.at = if strand.with_service_token { next } else { *otherwise },
            Op::Jump(label) => strand.at = *label,
            Op::BeginRetry { level } => (strand.tries[usize::from(*level)], strand.at) = (0, next),
            Op::EndRetry { level } => {
                if std::mem::take(&mut strand.tries[usize::from(*level)]) > 0 {
                    strand.earliest = None;
                }
                strand.at = next;
            }
            Op::Again { level, tries, status, depth, again } => {
                let made = &mut strand.tries[usize::from(*level)];
                *made += 1;
                let has_tries = *made < *tries;
                let refusal = &mut strand.refusals[usize::from(*depth)];
                let is_meant = status.is_none_or(|status| refusal.is_some_and(|refusal| refusal.status == status));
                strand.at = if is_meant && has_tries {
                    *refusal = None;
                    *again
                } else {
                    next
                };
            }
            Op::Fail { depth } => {
                if let Some(refusal) = strand.refusals[usize::from(*depth)] {
                    return Some(refusal.cause);
                }
                strand.at = next;
            }
            Op::Caught { depth } => {
                strand.refusals[usize::from(*depth)] = None;
                if *depth == 0 {
                    strand.earliest = None;
                }
                strand.at = next;
            }
            Op::Complete => return Some(End::Well),
            Op::Stop => strand.runs = false,
            Op::Acquire(_) | Op::Release(_) | Op::CountAttempt | Op::Cleanup(_) | Op::CleanupRefused { .. } => {
                strand.at = next;
            }
        }
        None
    }

    /// A token in place of the user's; `Ok(None)`: there is none, and the user's goes on.
    fn obtain(
        &self,
        which: usize,
        how: Obtain,
        of: Credentials,
        step: StepId,
        from: ProcessId,
    ) -> Result<Option<Token>, End> {
        let now = self.strands[which].now;
        match how {
            Obtain::Login => Ok(Some(Token { expires: now + self.lives.expiration, renews: false })),
            Obtain::Trust => Ok((now < self.users.expires).then_some(Token { renews: true, ..self.users })),
            Obtain::Exchange => {
                let (old, is_delegated) = self.token(of).unwrap_or((self.users, false));
                if old.renews || now < old.expires {
                    return Ok(Some(Token { renews: false, ..old }));
                }
                let (to, carried) = (ServiceId::KEYSTONE, Carried::Nothing);
                Err(End::TooLate(TooLate { step, from, to, carried, is_exchange: true, is_delegated }))
            }
        }
    }

    /// Asks once, and then when something may have changed next: polls in between go alike.
    fn poll(&mut self, which: usize, poll: &Poll) {
        self.strands[which].polls += 1;
        if let Err(cause) = self.send(which, &poll.request) {
            self.strands[which].polls = 0;
            return self.strands[which].raise(cause, UNAUTHORIZED, poll.refused);
        }
        let until = self.passes(&poll.request).ok().flatten().map(|(until, _)| until);
        let other = &self.strands[1 - which];
        let (others_now, others_earliest) = (other.runs.then_some(other.now), other.earliest);
        let (state, work) = (self.states[poll.resource.index()], self.request_time);
        let strand = &mut self.strands[which];
        let polls = strand.polls;
        if poll.until.contains(state) {
            (strand.polls, strand.now, strand.at) = (0, strand.now + work, strand.at.next());
            return;
        }
        let has_limit = poll.attempts != u32::MAX;
        let gave_up = if poll.error.contains(state) {
            Some((others_earliest.unwrap_or(End::Otherwise), Span::ZERO))
        } else if has_limit && polls >= poll.attempts {
            Some((End::Otherwise, poll.interval))
        } else {
            None
        };
        if let Some((cause, pause)) = gave_up {
            (strand.polls, strand.now) = (0, strand.now + work + pause);
            return strand.raise(cause, OK, poll.gave_up);
        }
        let period = (work + poll.interval).micros();
        if period == 0 {
            // Asked without a pause it sees every change, so the other strand goes first.
            strand.now = others_now.or(until).map_or(strand.now, |next| next.max(strand.now));
            strand.now = strand.now + Span::from_micros(1);
            return;
        }
        let polls_to = |at: Span| (at - strand.now).micros().max(0).unsigned_abs().div_ceil(period.unsigned_abs());
        let left = if has_limit { u64::from(poll.attempts - polls) } else { u64::from(u32::MAX) };
        let skipped = [others_now, until].into_iter().flatten().map(polls_to).chain([left]).min();
        let skipped = skipped.unwrap_or(1).max(1);
        strand.polls = polls.saturating_add(u32::try_from(skipped - 1).unwrap_or(u32::MAX));
        strand.now = strand.now + Span::from_micros(period.saturating_mul(i64::try_from(skipped).unwrap_or(i64::MAX)));
    }
}

/// So many of so many equal parts of a time: whole but for the last, which ends with it.
fn part_of(micros: i64, part: i64, parts: i64) -> Span {
    if part >= parts {
        return Span::from_micros(micros);
    }
    let micros = i128::from(micros) * i128::from(part) / i128::from(parts);
    Span::from_micros((micros / i128::from(MICROS) * i128::from(MICROS)) as i64)
}
