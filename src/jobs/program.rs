//! The compiled form of a job kind: a flat list of operations that the driver walks.
//!
//! What only depends on the scenario is resolved when the program is made. What a process sends along with the user's
//! token is no part of it: that is a property of the process.

use crate::model::vocabulary::Reason;
use crate::model::{ProcessId, QuantityId, ResourceId, ServiceId, StepId};
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

    /// All requests.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.ops.iter().filter_map(|op| match op {
            Op::Call { request, .. }
            | Op::Try { request, .. }
            | Op::Delete { request, .. }
            | Op::Poll { request, .. } => Some(request),
            Op::Wait(_)
            | Op::Fork { .. }
            | Op::Set { .. }
            | Op::Attempt
            | Op::Retry { .. }
            | Op::Fail(_)
            | Op::Complete
            | Op::Stop => None,
        })
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
    pub from: ProcessId,
    /// Who receives it.
    pub to: ServiceId,
    /// Which request of its step this is within the program, from 0: names its random numbers, so that they do not
    /// depend on what other steps the settings put into the program.
    pub nth: u8,
}

/// A resource whose states an operation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The resource.
    pub resource: ResourceId,
    /// Ready, and used by nothing.
    pub available: u8,
    /// Given up on by its service.
    pub error: u8,
    /// Deleted again.
    pub deleted: u8,
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
    /// Sends a request whose refusal is only logged; `done` is a resource's state if it is accepted.
    Try {
        /// The request.
        request: Request,
        /// What it does.
        done: Option<(ResourceId, u8)>,
    },
    /// Sends `DELETE` for a resource and notes what came of it.
    Delete {
        /// The request.
        request: Request,
        /// What it deletes.
        watched: Watched,
    },
    /// Waits for as long as the job drew.
    Wait(QuantityId),
    /// Starts the branch that works on the resource, beside this strand.
    Fork {
        /// Its first operation.
        branch: Label,
    },
    /// The resource is in this state from now on.
    Set {
        /// The resource.
        resource: ResourceId,
        /// The state.
        state: u8,
    },
    /// Asks for the resource until it is ready, with a pause after every answer that says it is not.
    Poll {
        /// The request.
        request: Request,
        /// What it asks for.
        watched: Watched,
        /// Polls at most.
        attempts: u32,
        /// The pause.
        interval: Span,
        /// Where a refusal leads.
        refused: Label,
        /// Where the state of failure leads.
        error: Label,
        /// Where the pause after the last poll leads.
        timed_out: Label,
    },
    /// The working service starts on the resource once more.
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
            Op::Delete { request, watched } => Op::Delete { request: numbered(request), watched },
            Op::Fork { branch } => Op::Fork { branch: at(branch) },
            Op::Poll { request, watched, attempts, interval, refused, error, timed_out } => Op::Poll {
                request: numbered(request),
                watched,
                attempts,
                interval,
                refused: at(refused),
                error: at(error),
                timed_out: at(timed_out),
            },
            Op::Retry { attempts, again } => Op::Retry { attempts, again: at(again) },
            op @ (Op::Wait(_) | Op::Set { .. } | Op::Attempt | Op::Fail(_) | Op::Complete | Op::Stop) => op,
        });
        Program { ops: ops.collect() }
    }
}
