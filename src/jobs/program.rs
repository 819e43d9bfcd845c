//! The compiled form of a job kind: a flat list of operations that the driver walks.
//!
//! Everything that only depends on the scenario is resolved when the program is made, so that nothing is looked up
//! and no setting is asked for while jobs run.

use crate::model::vocabulary::{Process, Quantity, Reason, Service, StepId, Volume};
use crate::units::Span;

/// An index into the operations of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(pub(super) u16);

impl Label {
    /// The index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a job of one workload does.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    ops: Vec<Op>,
}

impl Program {
    /// The first operation.
    pub const ENTRY: Label = Label(0);

    /// The operation at a label.
    pub fn op(&self, at: Label) -> &Op {
        &self.ops[at.index()]
    }

    /// All operations.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }
}

impl Label {
    /// The operation behind this one.
    pub const fn next(self) -> Label {
        Label(self.0 + 1)
    }
}

/// An HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its name in reports.
    pub step: StepId,
    /// Who sends it, always with the user's token.
    pub from: Process,
    /// Who receives it.
    pub to: Service,
    /// What comes with the user's token.
    pub service_token: ServiceToken,
    /// Which request of its step this is within the program, from 0: names its random numbers, so that they do not
    /// depend on what other steps the settings put into the program.
    pub nth: u8,
}

/// How a sender comes by a service token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceToken {
    /// It sends none, and does not repeat a refused request.
    None,
    /// From `[service_user]` through keystoneauth's wrapper: a refused request is repeated once with a new one.
    ServiceUser,
    /// auth_token's own token, which nova-api's plugin adds: a refused request is repeated once as it was.
    AuthToken,
}

/// One operation of a strand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sends a request and goes on behind it, or at `refused`.
    Call {
        /// The request.
        request: Request,
        /// Where a refusal leads.
        refused: Label,
    },
    /// Sends a request whose refusal is only logged; `done` is the volume's state if it is accepted.
    Try {
        /// The request.
        request: Request,
        /// What it does.
        done: Option<Volume>,
    },
    /// Sends `DELETE volume` and notes what came of it.
    DeleteVolume {
        /// The request.
        request: Request,
    },
    /// Waits for as long as the job drew.
    Wait(Quantity),
    /// Starts the branch that works on the volume, beside this strand.
    Fork {
        /// Its first operation.
        branch: Label,
    },
    /// The volume is in this state from now on.
    Volume(Volume),
    /// Asks for the volume until it is ready, with a pause after every answer that says it is not.
    Poll {
        /// The request.
        request: Request,
        /// Polls at most.
        attempts: u32,
        /// The pause.
        interval: Span,
        /// Where a refusal leads.
        refused: Label,
        /// Where a volume in `error` leads.
        error: Label,
        /// Where the pause after the last poll leads.
        timed_out: Label,
    },
    /// The working service starts on the volume once more.
    Attempt,
    /// Goes to `again` unless that would be more than so many attempts.
    Retry {
        /// Attempts at most.
        attempts: u32,
        /// The [`Op::Attempt`].
        again: Label,
    },
    /// The job has failed; the strand goes on with its clean-up.
    Fail(Ending),
    /// The job has completed.
    Complete,
    /// The strand ends.
    Stop,
}

/// How a failure is told to the job's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As the last refusal says.
    Refused,
    /// The service between translated the last refusal, which stays the first cause.
    Translated {
        /// The outer request.
        step: StepId,
        /// What it came to.
        reason: Reason,
        /// What its caller got.
        http_status: u16,
    },
    /// A poll that was fine saw `error`; the branch's first refusal is the first cause.
    VolumeError {
        /// The poll.
        step: StepId,
    },
    /// The last poll that was fine still saw the volume in work.
    TimedOut {
        /// The poll.
        step: StepId,
    },
}

/// Puts programs together; labels may be used before they are placed.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    ops: Vec<Op>,
    placed: Vec<Option<u16>>,
}

impl Assembler {
    /// A label for a place that is not known yet.
    pub(super) fn label(&mut self) -> Label {
        self.placed.push(None);
        Label(self.placed.len() as u16 - 1)
    }

    /// The next operation is what the label means.
    pub(super) fn place(&mut self, label: Label) {
        let slot = &mut self.placed[label.index()];
        assert!(slot.is_none(), "a label is placed once");
        *slot = Some(self.ops.len() as u16);
    }

    /// Appends an operation.
    pub(super) fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// The program, with labels resolved.
    pub(super) fn finish(self) -> Program {
        let at = |label: Label| Label(self.placed[label.index()].expect("every label is placed"));
        let mut requests = [0_u8; 1 << u8::BITS];
        let mut numbered = |request: Request| {
            let seen = &mut requests[usize::from(request.step.0)];
            let nth = *seen;
            *seen += 1;
            Request { nth, ..request }
        };
        let ops = self.ops.iter().map(|op| match *op {
            Op::Call { request, refused } => Op::Call { request: numbered(request), refused: at(refused) },
            Op::Try { request, done } => Op::Try { request: numbered(request), done },
            Op::DeleteVolume { request } => Op::DeleteVolume { request: numbered(request) },
            Op::Fork { branch } => Op::Fork { branch: at(branch) },
            Op::Poll { request, attempts, interval, refused, error, timed_out } => Op::Poll {
                request: numbered(request),
                attempts,
                interval,
                refused: at(refused),
                error: at(error),
                timed_out: at(timed_out),
            },
            Op::Retry { attempts, again } => Op::Retry { attempts, again: at(again) },
            op @ (Op::Wait(_) | Op::Volume(_) | Op::Attempt | Op::Fail(_) | Op::Complete | Op::Stop) => op,
        });
        Program { ops: ops.collect() }
    }
}
