//! The compiled form of a job kind under the settings of a point: a flat list of operations that the driver walks.
//!
//! Everything that only depends on the scenario is resolved when a program is made. What may change while a simulation
//! runs (who sends service tokens, what receivers require, how long tokens live) is not in here.

use super::kind::{QuantityId, ResourceId, StepId};
use super::services::{PoolId, ProcessId, ServiceId};
use super::vocabulary::{Cleanup, Reason};
use crate::units::Span;

/// An index into the operations of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(pub u16);

impl Label {
    /// The operation behind this one.
    pub const fn next(self) -> Label {
        Label(self.0 + 1)
    }
}

/// What a job of one workload does.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Valid by construction: every label lies inside, and every course ends in [`Op::Stop`].
    pub ops: Vec<Op>,
}

impl Program {
    /// The first operation.
    pub const ENTRY: Label = Label(0);
    /// Refusals under way at once: one in the course itself, and one in each `refused` list around an operation.
    pub const MOST_REFUSALS: usize = 4;
    /// `retry` within `retry`.
    pub const MOST_RETRIES: usize = 2;

    /// The operation at a label.
    #[inline]
    pub fn op(&self, at: Label) -> &Op {
        &self.ops[usize::from(at.0)]
    }
}

/// An HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its name in reports.
    pub step: StepId,
    /// Who sends it.
    pub from: ProcessId,
    /// Who receives it.
    pub to: ServiceId,
    /// Which request of its step this is within the program, from 0: names its random numbers, so that they do not
    /// depend on what other steps the settings put into the program.
    pub nth: u8,
    /// Which token it carries as the user's.
    pub credentials: Credentials,
    /// Whether the sender adds its service token, if it is configured to send one at all.
    pub with_service_token: bool,
    /// What its client does after a 401.
    pub client: Client,
    /// Whether the receiver does something before it answers: accepted, its worker is held until [`Op::Leave`].
    /// A request that is refused at the door has nothing to leave.
    pub has_inside: bool,
}

/// Which token a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// The user's.
    User,
    /// What [`Op::Obtain`] got last; the user's where it got nothing.
    Delegated,
    /// The sender's own, renewed as it needs.
    Own,
}

/// What sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// keystoneauth: replaces its service token after a 401 and tries once more.
    Keystoneauth,
    /// swiftclient: one try, and the service token is kept.
    Swiftclient,
}

/// How a sender comes by a delegated token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obtain {
    /// Keystone's `token` method: the new token expires with the old one.
    Exchange,
    /// A trust: the token lives its own life and is renewed. A refusal is no refusal of the step.
    Trust,
    /// The sender's own credentials.
    Login,
}

/// Where a refusal leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The operation.
    pub to: Label,
    /// Which of the refusals under way it becomes: the number of `refused` lists around the operation.
    pub depth: u8,
}

/// A set of states of a resource: bit n for state n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States(pub u32);

impl States {
    /// Whether a state is among them.
    pub const fn contains(self, state: u8) -> bool {
        self.0 >> state & 1 == 1
    }
}

/// A poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The request.
    pub request: Request,
    /// What is waited for.
    pub resource: ResourceId,
    /// States that end the wait well.
    pub until: States,
    /// States that end it badly.
    pub error: States,
    /// Polls at most; `u32::MAX`: no limit.
    pub attempts: u32,
    /// The pause after each.
    pub interval: Span,
    /// Where a refused poll leads.
    pub refused: Refused,
    /// Where `error` leads, and the pause after the last poll.
    pub gave_up: Refused,
}

/// One operation of a strand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sends a request and goes on behind it.
    Request {
        /// The request.
        request: Request,
        /// Where a refusal leads.
        refused: Refused,
    },
    /// The receiver answers a request that has an inside: its worker is free.
    Leave {
        /// The receiver.
        service: ServiceId,
        /// Whether it got a token for itself meanwhile, which holds no longer.
        forgets: bool,
    },
    /// The service answers the request around this with an error; unwinds to where that request's refusal leads,
    /// through [`Op::Leave`].
    Answer {
        /// The request around this.
        step: StepId,
        /// What its sender gets.
        status: u16,
        /// Names the failure anew; `None`: what was refused inside keeps step and reason.
        reason: Option<Reason>,
        /// Where it leads. The refusal that is renamed, if any, is the one of this depth.
        refused: Refused,
    },
    /// Gets a delegated token.
    Obtain {
        /// How.
        how: Obtain,
        /// In exchange for which token.
        of: Credentials,
        /// Its name in reports.
        step: StepId,
        /// Who asks Keystone.
        from: ProcessId,
        /// Whether it is forgotten when the request around this is answered.
        inside: bool,
        /// Where a refusal leads; never taken by a trust.
        refused: Refused,
    },
    /// Waits for a slot and holds it.
    Acquire(PoolId),
    /// Gives the slot back.
    Release(PoolId),
    /// Waits for as long as the job drew, or as a shared link needs.
    Wait(QuantityId),
    /// Waits.
    Pause(Span),
    /// A wait in parts begins.
    BeginParts,
    /// Goes to `done` if there are no parts left.
    NextPart {
        /// How many there are.
        parts: QuantityId,
        /// Behind the wait.
        done: Label,
    },
    /// Waits for one part and goes back to [`Op::NextPart`].
    WaitPart {
        /// The whole wait.
        quantity: QuantityId,
        /// How many parts it has.
        parts: QuantityId,
        /// The [`Op::NextPart`].
        again: Label,
    },
    /// Something is repeated as often as a wait in parts has come to the end of one.
    BeginRepeat,
    /// Goes to `done` if it was.
    NextRepeat {
        /// Behind it.
        done: Label,
    },
    /// Starts the branch beside this strand.
    Fork {
        /// Its first operation.
        branch: Label,
    },
    /// The resource is in this state from now on.
    Set {
        /// Which.
        resource: ResourceId,
        /// The state.
        state: u8,
    },
    /// Asks until a resource is in a state.
    Poll(Poll),
    /// Goes on if the resource is in one of the states.
    IfState {
        /// Which.
        resource: ResourceId,
        /// The states.
        states: States,
        /// Where to go if not.
        otherwise: Label,
    },
    /// Goes on if the job drew zero.
    IfZero {
        /// Which quantity.
        quantity: QuantityId,
        /// Where to go if not.
        otherwise: Label,
    },
    /// Goes on if a confirmed service token with a role came with the request accepted last.
    IfServiceToken {
        /// Where to go if not.
        otherwise: Label,
    },
    /// Goes there.
    Jump(Label),
    /// Tries of a `retry` are counted from here.
    BeginRetry {
        /// Which of the retries around each other, from 0.
        level: u8,
    },
    /// What was tried was done: refusals that were overcome on the way are causes of nothing.
    EndRetry {
        /// Which of the retries around each other.
        level: u8,
    },
    /// The column `attempts` counts one more.
    CountAttempt,
    /// After a refusal: goes to `again`, and forgets the refusal, if tries are left and it came as `status`; else on,
    /// and outwards.
    Again {
        /// Which of the retries around each other.
        level: u8,
        /// Tries at most.
        tries: u32,
        /// The only status that is tried again; `None`: any.
        status: Option<u16>,
        /// Which refusal.
        depth: u8,
        /// The beginning.
        again: Label,
    },
    /// The job has failed by this refusal, unless it has failed already; clean-up may follow.
    Fail {
        /// Which refusal.
        depth: u8,
    },
    /// The refusal is only logged, and forgotten.
    Caught {
        /// Which refusal.
        depth: u8,
    },
    /// What became of the clean-up.
    Cleanup(Cleanup),
    /// The clean-up was refused.
    CleanupRefused {
        /// By which refusal.
        depth: u8,
    },
    /// The job has completed.
    Complete,
    /// The strand ends.
    Stop,
}
