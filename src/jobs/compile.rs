//! From a definition and the settings of a point to the flat program that is walked.
//!
//! The course comes first, as if nothing were ever refused. What happens after a refusal stands behind it in *pads*:
//! each does what its step owes (give back a slot, answer, fail, clean up) and goes on to the pad around it, the last
//! of which ends the strand.

use std::collections::VecDeque;

use crate::document::{Collected, Issue, Place, Value};
use crate::model::StepId;
use crate::model::program::{Credentials, Label, Op, Poll, Program, Refused, Request};
use crate::model::vocabulary::Cleanup;
use crate::units::{MICROS, Span};

use super::assemble::{Assembler, MOST_OPS};
use super::definition::{self, Amount, Condition, Definition, Interval, Node, Retry, ServiceToken, Step, Test, Times};
use super::flow;

/// The settings under which a definition is compiled. Keys and values that a definition asks for have been checked
/// before ([`Definition::settings`]).
pub trait Settings {
    /// Whether a key has this value, however both are written.
    fn holds(&self, key: &str, value: &Value) -> bool;
    /// The number that a key holds; `None`: it holds none, and an issue says so.
    fn number(&self, key: &str) -> Option<i64>;
    /// The duration that a key holds; `None`: it holds none, and an issue says so.
    fn span(&self, key: &str) -> Option<Span>;
    /// Where a key is written, if it is.
    fn place(&self, key: &str) -> Option<Place>;
}

/// More polls than this at one instant would only burn time.
const MOST_POLLS_AT_ONCE: u32 = 1_001;
/// So would more tries, which have no pause between them.
const MOST_TRIES: u32 = 1_000;

impl Definition {
    /// The program of this kind's jobs. Problems that only show under these settings have their place in the
    /// definition, or at `user` if outlast ships it; then there is no program.
    pub fn compile(&self, settings: &dyn Settings, user: Place, issues: &mut Collected) -> Option<Program> {
        let mut compiler = Compiler {
            settings,
            asm: Assembler::default(),
            pads: VecDeque::new(),
            branches: VecDeque::new(),
            problems: Vec::new(),
            is_complete: true,
        };
        compiler.course(&self.steps);
        let is_too_long = compiler.asm.is_full();
        let (mut problems, is_complete) = (std::mem::take(&mut compiler.problems), compiler.is_complete);
        let mut program = None;
        if is_too_long {
            let message = format!("`{}`: more than {MOST_OPS} operations", self.kind.name);
            problems.push(Issue::at(self.place, message).help("`times` and calls of procedures multiply"));
        } else {
            let assembled = compiler.asm.finish();
            flow::check(&assembled, &self.kind, &mut problems);
            program = Some(assembled.program);
        }
        let is_good = is_complete && problems.is_empty();
        for issue in problems {
            issues.push(Issue { place: issue.place.or(Some(user)), ..issue });
        }
        program.filter(|_| is_good)
    }
}

struct Compiler<'d> {
    settings: &'d dyn Settings,
    asm: Assembler,
    /// Behind the course of this strand.
    pads: VecDeque<Pad<'d>>,
    /// Behind everything else.
    branches: VecDeque<(Label, &'d [Node], Place)>,
    problems: Vec<Issue>,
    is_complete: bool,
}

/// Whether a token is got in a list, requests within it apart: they forget their own.
fn obtains(steps: &[Node]) -> bool {
    steps.iter().any(|node| match &node.step {
        Step::Obtain { .. } => true,
        Step::Request(_) => false,
        step => step.lists().into_iter().any(obtains),
    })
}

/// What stands around a step.
#[derive(Clone, Copy)]
struct Around {
    /// Where a refusal goes.
    refused: Refused,
    /// Whether a refusal here ends the job: nothing around stops it, and it happens to the job's own process.
    ends_job: bool,
    /// The request on which a service works, and where its answer goes.
    request: Option<(StepId, Refused)>,
    /// Which token came with it as the user's.
    credentials: Credentials,
    /// How many `retry` there are around.
    retries: u8,
}

/// What stands behind a course: entered by a refusal, left outwards.
struct Pad<'d> {
    at: Label,
    place: Place,
    duty: Duty<'d>,
    /// Around the step whose pad this is.
    around: Around,
}

enum Duty<'d> {
    /// Does this, then goes outwards.
    Do(Op),
    /// The receiver answers, and perhaps this was the clean-up.
    Leave { leave: Option<Op>, cleans_up: bool },
    /// The steps of a `refused` list.
    Handle(&'d [Node]),
    /// The refusal is forgotten.
    Forget { next: Label },
}

impl<'d> Compiler<'d> {
    fn course(&mut self, steps: &'d [Node]) {
        let root = self.asm.label();
        let refused = Refused { to: root, depth: 0 };
        self.list(steps, Around { refused, ends_job: true, request: None, credentials: Credentials::User, retries: 0 });
        self.push(Op::Complete, Place::NOWHERE);
        self.push(Op::Stop, Place::NOWHERE);
        self.pads();
        self.asm.place(root);
        self.push(Op::Fail { depth: 0 }, Place::NOWHERE);
        self.push(Op::Stop, Place::NOWHERE);
        while let Some((at, steps, place)) = self.branches.pop_front() {
            let root = self.asm.label();
            self.asm.place(at);
            let refused = Refused { to: root, depth: 0 };
            self.list(
                steps,
                Around { refused, ends_job: false, request: None, credentials: Credentials::User, retries: 0 },
            );
            self.push(Op::Stop, place);
            self.pads();
            self.asm.place(root);
            self.push(Op::Stop, place);
        }
    }

    fn pads(&mut self) {
        while let Some(Pad { at, place, duty, around }) = self.pads.pop_front() {
            self.asm.place(at);
            let Refused { to: outwards, depth } = around.refused;
            // Before slots are given back and before anything is cleaned up.
            let fail = around.ends_job.then_some(Op::Fail { depth });
            match duty {
                Duty::Do(op) => {
                    self.extend(fail, place);
                    self.push(op, place);
                }
                Duty::Leave { leave, cleans_up } => {
                    self.extend(leave, place);
                    self.extend(fail, place);
                    self.extend(cleans_up.then_some(Op::CleanupRefused { depth }), place);
                }
                Duty::Handle(steps) => {
                    self.extend(fail, place);
                    // Refused here, only the rest of this list is left out.
                    let inner =
                        Around { refused: Refused { to: outwards, depth: depth + 1 }, ends_job: false, ..around };
                    let to = self.pad(Duty::Forget { next: outwards }, inner, place);
                    self.list(steps, Around { refused: Refused { to, ..inner.refused }, ..inner });
                }
                Duty::Forget { next } => {
                    self.push(Op::Caught { depth }, place);
                    self.push(Op::Jump(next), place);
                    continue;
                }
            }
            self.push(Op::Jump(outwards), place);
        }
    }

    fn push(&mut self, op: Op, place: Place) {
        self.asm.push(op, place);
    }

    fn extend(&mut self, op: Option<Op>, place: Place) {
        if let Some(op) = op {
            self.push(op, place);
        }
    }

    /// A pad to be written later.
    fn pad(&mut self, duty: Duty<'d>, around: Around, place: Place) -> Label {
        let at = self.asm.label();
        self.pads.push_back(Pad { at, place, duty, around });
        at
    }

    fn list(&mut self, steps: &'d [Node], around: Around) {
        for node in steps {
            if !self.asm.is_full() && self.holds(&node.when) {
                self.step(node, around);
            }
        }
    }

    fn holds(&self, when: &[Condition]) -> bool {
        when.iter().all(|condition| {
            let is_one = condition.values.iter().any(|value| self.settings.holds(&condition.key, value));
            is_one != condition.is_negated
        })
    }

    /// Whether a list does nothing under these settings.
    fn is_nothing(&self, steps: &[Node]) -> bool {
        steps.iter().all(|node| {
            !self.holds(&node.when)
                || match &node.step {
                    Step::Rpc(_) => true,
                    Step::Call { steps, .. } | Step::Attempt { steps, .. } | Step::Try { steps, .. } => {
                        self.is_nothing(steps)
                    }
                    Step::If { then, otherwise, .. } => self.is_nothing(then) && self.is_nothing(otherwise),
                    Step::Request(_)
                    | Step::Wait(_)
                    | Step::Pause(_)
                    | Step::WaitInParts { .. }
                    | Step::Slot { .. }
                    | Step::Beside(_)
                    | Step::Poll(_)
                    | Step::Set(_)
                    | Step::Retry(_)
                    | Step::Obtain { .. }
                    | Step::Answer { .. }
                    | Step::Kept => false,
                }
        })
    }

    fn step(&mut self, node: &'d Node, around: Around) {
        let place = node.place;
        match &node.step {
            Step::Request(request) => {
                for repetition in 0..request.times {
                    self.request(request, repetition, around, place);
                }
            }
            Step::Wait(quantity) => self.push(Op::Wait(*quantity), place),
            Step::Pause(span) => self.push(Op::Pause(*span), place),
            Step::WaitInParts { quantity, parts, each } => {
                let (some, next, done) = (self.asm.label(), self.asm.label(), self.asm.label());
                // First, because without parts none has come to its end either.
                self.push(Op::BeginParts, place);
                self.push(Op::IfZero { quantity: *parts, otherwise: some }, place);
                self.push(Op::Wait(*quantity), place);
                self.push(Op::Jump(done), place);
                self.asm.place(some);
                self.asm.place(next);
                self.push(Op::NextPart { parts: *parts, done }, place);
                self.list(each, around);
                self.push(Op::WaitPart { quantity: *quantity, parts: *parts, again: next }, place);
                self.asm.place(done);
            }
            Step::Slot { pool, steps } => {
                let give_back = |compiler: &mut Self, around| compiler.pad(Duty::Do(Op::Release(*pool)), around, place);
                let pad = give_back(self, around);
                // An answer passes by here without being a refusal.
                let request = around.request.map(|(step, refused)| {
                    let outwards = Around { refused, ends_job: false, ..around };
                    (step, Refused { to: give_back(self, outwards), ..refused })
                });
                self.push(Op::Acquire(*pool), place);
                self.list(steps, Around { refused: Refused { to: pad, ..around.refused }, request, ..around });
                self.push(Op::Release(*pool), place);
            }
            Step::Rpc(_) => {}
            Step::Beside(steps) => {
                let branch = self.asm.label();
                self.branches.push_back((branch, steps, place));
                self.push(Op::Fork { branch }, place);
            }
            Step::Poll(poll) => self.poll(poll, around, place),
            Step::Set(set) => {
                for &(resource, state) in set {
                    self.push(Op::Set { resource, state }, place);
                }
            }
            Step::Try { steps, .. } | Step::Attempt { steps, .. } if self.is_nothing(steps) => {}
            Step::Try { steps, refused } => {
                let to = self.handler(refused, around, place);
                self.list(steps, Around { refused: Refused { to, ..around.refused }, ..around });
            }
            Step::Attempt { steps, times: Times::Fixed(times) } => {
                for _ in 0..*times {
                    let next = self.asm.label();
                    self.attempt(steps, next, around, place);
                    self.asm.place(next);
                }
            }
            Step::Attempt { steps, times: Times::Parts } => {
                let (next, done) = (self.asm.label(), self.asm.label());
                self.push(Op::BeginRepeat, place);
                self.asm.place(next);
                self.push(Op::NextRepeat { done }, place);
                self.attempt(steps, next, around, place);
                self.push(Op::Jump(next), place);
                self.asm.place(done);
            }
            Step::Retry(retry) => self.retry(retry, around, place),
            Step::If { test, then, otherwise } => self.choice(*test, then, otherwise, around, place),
            Step::Obtain { how, step, from } => {
                let (refused, inside) = (around.refused, around.request.is_some());
                let of = around.credentials;
                self.push(Op::Obtain { how: *how, of, step: *step, from: *from, inside, refused }, place);
            }
            Step::Answer { status, reason } => {
                // Outside of requests it is an issue, and there is no program.
                match around.request {
                    Some((step, refused)) => {
                        self.push(Op::Answer { step, status: *status, reason: *reason, refused }, place);
                    }
                    None => self.is_complete = false,
                }
            }
            Step::Kept => self.push(Op::Cleanup(Cleanup::Kept), place),
            Step::Call { steps, .. } => self.list(steps, around),
        }
    }

    /// Whatever is refused leads to `next`.
    fn attempt(&mut self, steps: &'d [Node], next: Label, around: Around, place: Place) {
        let to = self.pad(Duty::Forget { next }, around, place);
        let refused = Refused { to, ..around.refused };
        self.list(steps, Around { refused, ends_job: false, ..around });
    }

    fn compiled(&self, request: &definition::Request, repetition: u8, has_inside: bool) -> Request {
        let with_service_token = match &request.service_token {
            ServiceToken::AsConfigured => true,
            ServiceToken::Never => false,
            ServiceToken::When(conditions) => self.holds(conditions),
        };
        Request {
            step: request.step,
            from: request.from,
            to: request.to,
            nth: request.nth + repetition,
            credentials: request.credentials,
            with_service_token,
            client: request.client,
            has_inside,
        }
    }

    fn request(&mut self, request: &'d definition::Request, repetition: u8, around: Around, place: Place) {
        let has_inside = !self.is_nothing(&request.inside);
        let compiled = self.compiled(request, repetition, has_inside);
        let leave = has_inside.then(|| Op::Leave { service: request.to, forgets: obtains(&request.inside) });
        let refused = if request.cleans_up {
            let duty = Duty::Leave { leave: None, cleans_up: true };
            Refused { to: self.pad(duty, around, place), ..around.refused }
        } else {
            around.refused
        };
        self.push(Op::Request { request: compiled, refused }, place);
        if has_inside {
            // Refused inside, the receiver still has to answer; refused at its door, it has nothing to leave.
            let duty = Duty::Leave { leave, cleans_up: request.cleans_up };
            let refused = Refused { to: self.pad(duty, around, place), ..around.refused };
            let inside = Around {
                refused,
                ends_job: false,
                request: Some((request.step, refused)),
                credentials: request.credentials,
                retries: around.retries,
            };
            self.list(&request.inside, inside);
            self.extend(leave, place);
        }
        if request.cleans_up {
            self.push(Op::Cleanup(Cleanup::Deleted), place);
        }
    }

    /// Where a refusal goes that a list handles.
    fn handler(&mut self, steps: &'d [Node], around: Around, place: Place) -> Label {
        if self.is_nothing(steps) { around.refused.to } else { self.pad(Duty::Handle(steps), around, place) }
    }

    fn poll(&mut self, poll: &'d definition::Poll, around: Around, place: Place) {
        let request = self.compiled(&poll.request, 0, false);
        let gave_up = Refused { to: self.handler(&poll.gave_up, around, place), ..around.refused };
        let attempts = match &poll.retries {
            None => u32::MAX,
            Some(Amount::Fixed(retries)) => retries + 1,
            Some(Amount::Key(key)) => {
                let retries = self.asked(self.settings.number(key)).unwrap_or(0).clamp(0, i64::from(u32::MAX) - 2);
                u32::try_from(retries + 1).unwrap_or(u32::MAX - 1)
            }
        };
        let interval = match &poll.interval {
            Interval::Fixed(span) => *span,
            Interval::Key(key) => self.asked(self.settings.span(key)).unwrap_or(Span::ZERO),
        };
        self.check_polls(poll, attempts, interval, place);
        let definition::Poll { resource, until, error, .. } = *poll;
        let refused = around.refused;
        self.push(Op::Poll(Poll { request, resource, until, error, attempts, interval, refused, gave_up }), place);
    }

    /// Refuses polls without a pause, and polls that outlast what can be counted.
    fn check_polls(&mut self, poll: &definition::Poll, attempts: u32, interval: Span, place: Place) {
        let keys = [
            match &poll.interval {
                Interval::Key(key) => Some(key.as_str()),
                Interval::Fixed(_) => None,
            },
            match &poll.retries {
                Some(Amount::Key(key)) => Some(key.as_str()),
                Some(Amount::Fixed(_)) | None => None,
            },
        ];
        let [interval_key, retries_key] = keys.map(|key| key.and_then(|key| self.settings.place(key)));
        let problem = |at: Option<Place>, also: Option<Place>, message: String| {
            let also = also.unwrap_or(Place::NOWHERE);
            Issue::at(at.or(Some(also).filter(|also| *also != Place::NOWHERE)).unwrap_or(place), message)
                .also(also, "against this")
        };
        let name = |key: Option<&str>, own: &str| key.unwrap_or(own).to_owned();
        if interval == Span::ZERO && attempts > MOST_POLLS_AT_ONCE {
            let interval = name(keys[0], "interval");
            let there = if attempts == u32::MAX {
                "nothing limits them".to_owned()
            } else {
                format!("there are {}", attempts - 1)
            };
            let message =
                format!("`{interval}` may be 0 only with at most {} retries, and {there}", MOST_POLLS_AT_ONCE - 1);
            self.problems.push(problem(interval_key, retries_key, message));
        }
        // In whole numbers: a product of spans would stop at the largest.
        let total = i128::from(interval.micros()) * i128::from(attempts);
        if attempts != u32::MAX && total > i128::from(Span::LONGEST.micros()) {
            let longest = Span::LONGEST.micros() / MICROS;
            let retries = name(keys[1], "retries");
            let message =
                format!("`{retries}` polls take longer than {longest} s (1,000 years), the longest time there is here");
            self.problems.push(problem(retries_key, interval_key, message));
        }
    }

    /// A setting that may be wrong, which is an issue elsewhere.
    fn asked<T>(&mut self, value: Option<T>) -> Option<T> {
        self.is_complete &= value.is_some();
        value
    }

    fn retry(&mut self, retry: &'d Retry, around: Around, place: Place) {
        let tries = match &retry.tries {
            Amount::Fixed(tries) => *tries,
            Amount::Key(key) => {
                let tries = self.asked(self.settings.number(key)).unwrap_or(1).clamp(1, i64::from(u32::MAX));
                u32::try_from(tries).unwrap_or(u32::MAX)
            }
        };
        if tries > MOST_TRIES {
            let key = match &retry.tries {
                Amount::Key(key) => Some(key.as_str()),
                Amount::Fixed(_) => None,
            };
            let at = key.and_then(|key| self.settings.place(key)).unwrap_or(place);
            let name = key.unwrap_or("retry");
            self.problems.push(Issue::at(at, format!("`{name}`: at most {MOST_TRIES} tries, and there are {tries}")));
        }
        let (level, depth) = (around.retries, around.refused.depth);
        let again = self.asm.label();
        self.push(Op::BeginRetry { level }, place);
        self.asm.place(again);
        self.extend(retry.is_counted.then_some(Op::CountAttempt), place);
        // Only what is not tried again fails the job, and the pad around this says so.
        let outwards = Around { ends_job: false, ..around };
        let duty = Duty::Do(Op::Again { level, tries, status: retry.status, depth, again });
        let refused = Refused { to: self.pad(duty, outwards, place), depth };
        self.list(&retry.steps, Around { refused, ends_job: false, retries: level + 1, ..around });
        self.push(Op::EndRetry { level }, place);
    }

    fn choice(&mut self, test: Test, then: &'d [Node], otherwise: &'d [Node], around: Around, place: Place) {
        let (no, end) = (self.asm.label(), self.asm.label());
        let (then, otherwise) = if test == Test::ServiceToken(false) { (otherwise, then) } else { (then, otherwise) };
        self.push(
            match test {
                Test::State(resource, states) => Op::IfState { resource, states, otherwise: no },
                Test::Zero(quantity) => Op::IfZero { quantity, otherwise: no },
                Test::ServiceToken(_) => Op::IfServiceToken { otherwise: no },
            },
            place,
        );
        self.list(then, around);
        self.push(Op::Jump(end), place);
        self.asm.place(no);
        self.list(otherwise, around);
        self.asm.place(end);
    }
}
