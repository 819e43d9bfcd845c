//! A job kind as it is defined: its course as a tree of steps whose names are resolved, before any setting is known.

use std::sync::Arc;

use crate::document::{Place, Value};
use crate::model::program::{Client, Credentials, Obtain, States};
use crate::model::vocabulary::Reason;
use crate::model::{Kind, PoolId, ProcessId, QuantityId, ResourceId, ServiceId, StepId};
use crate::units::Span;

/// A job kind that has been read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// What its jobs draw and create, and what its steps are called.
    pub kind: Arc<Kind>,
    /// Where the course was read.
    pub sources: Vec<String>,
    /// The course, from the user's request to the end.
    pub steps: Vec<Node>,
    /// Where its name is written.
    pub place: Place,
    /// Every key of the scenario that it asks for.
    pub settings: Vec<Setting>,
}

/// A step, and under which settings it is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it is written.
    pub place: Place,
    /// All of these must hold.
    pub when: Vec<Condition>,
    /// What it does.
    pub step: Step,
}

/// A key of the scenario, and values of which it must have one, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The key.
    pub key: String,
    /// At least one.
    pub values: Vec<Value>,
    /// Whether the key must have none of them.
    pub is_negated: bool,
}

/// A key that a definition asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// Where it is written.
    pub place: Place,
    /// What for.
    pub purpose: Purpose,
}

/// What a key is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// Whether it has one of these values.
    Compare(Vec<Value>),
    /// A number.
    Number,
    /// A duration.
    Span,
    /// A number of bytes.
    Size,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// An HTTP request.
    Request(Request),
    /// Time passes: what the job drew.
    Wait(QuantityId),
    /// Time passes: always as much.
    Pause(Span),
    /// The same in equal parts.
    WaitInParts {
        /// The whole.
        quantity: QuantityId,
        /// How many parts.
        parts: QuantityId,
        /// Done at the start of every part.
        each: Vec<Node>,
    },
    /// Waits for a slot and holds it.
    Slot {
        /// Of which pool.
        pool: PoolId,
        /// Meanwhile.
        steps: Vec<Node>,
    },
    /// The job is handed to another process by RPC.
    Rpc(ProcessId),
    /// A branch beside the rest.
    Beside(Vec<Node>),
    /// Asks again and again.
    Poll(Poll),
    /// Resources are in these states from now on.
    Set(Vec<(ResourceId, u8)>),
    /// Something is done about refusals, which then go on outwards.
    Try {
        /// What may be refused.
        steps: Vec<Node>,
        /// What is done about it.
        refused: Vec<Node>,
    },
    /// Refusals are only logged.
    Attempt {
        /// What may be refused.
        steps: Vec<Node>,
        /// How often it is done, each time whether the last one was refused or not.
        times: Times,
    },
    /// Done again after a refusal.
    Retry(Retry),
    /// A choice.
    If {
        /// What is looked at.
        test: Test,
        /// Done if it holds.
        then: Vec<Node>,
        /// Done if not.
        otherwise: Vec<Node>,
    },
    /// Gets a delegated token.
    Obtain {
        /// How.
        how: Obtain,
        /// Its name in reports.
        step: StepId,
        /// Who asks Keystone.
        from: ProcessId,
    },
    /// The service that works on the request around it answers with this.
    Answer {
        /// An HTTP status.
        status: u16,
        /// Names the failure anew.
        reason: Option<Reason>,
    },
    /// What was created is left on purpose.
    Kept,
    /// The steps of a procedure.
    Call {
        /// Its name.
        procedure: String,
        /// Its steps.
        steps: Vec<Node>,
    },
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its name in reports.
    pub step: StepId,
    /// Who sends it.
    pub from: ProcessId,
    /// Who receives it.
    pub to: ServiceId,
    /// How many requests of the same step stand before it, whatever the settings.
    pub nth: u8,
    /// How often it is sent in a row, at least once.
    pub times: u8,
    /// What the receiver does before it answers.
    pub inside: Vec<Node>,
    /// Which token it carries as the user's.
    pub credentials: Credentials,
    /// Whether the sender adds its service token.
    pub service_token: ServiceToken,
    /// What its client does after a 401.
    pub client: Client,
    /// Whether what becomes of it is the job's clean-up.
    pub cleans_up: bool,
}

/// Whether a sender adds its service token to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceToken {
    /// As it is configured.
    AsConfigured,
    /// Never.
    Never,
    /// As it is configured, if all of these hold.
    When(Vec<Condition>),
}

/// A poll.
#[derive(Clone, Debug, PartialEq)]
pub struct Poll {
    /// What is sent.
    pub request: Request,
    /// What is waited for.
    pub resource: ResourceId,
    /// States that end the wait well.
    pub until: States,
    /// States that end it badly.
    pub error: States,
    /// Polls after the first; `None`: no limit.
    pub retries: Option<Amount>,
    /// The pause after each.
    pub interval: Interval,
    /// Done after it failed.
    pub gave_up: Vec<Node>,
}

/// How often something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// So often, at least once.
    Fixed(u8),
    /// Once for every part of the last wait in parts that came to its end.
    Parts,
}

/// Steps that are done again after a refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// How often in all.
    pub tries: Amount,
    /// What.
    pub steps: Vec<Node>,
    /// The only status after which they are done again.
    pub status: Option<u16>,
    /// Whether the column `attempts` counts the starts.
    pub is_counted: bool,
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// This.
    Fixed(u32),
    /// What a key of the scenario holds.
    Key(String),
}

/// A time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interval {
    /// This.
    Fixed(Span),
    /// What a key of the scenario holds.
    Key(String),
}

/// What a choice looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Whether a resource is in one of these states.
    State(ResourceId, States),
    /// Whether the job drew zero.
    Zero(QuantityId),
    /// Whether a confirmed service token with a role came with the request around it, or none did.
    ServiceToken(bool),
}

impl Step {
    /// The lists of steps inside it, in the order in which they are written.
    pub fn lists(&self) -> Vec<&[Node]> {
        match self {
            Step::Request(request) => vec![&request.inside],
            Step::Slot { steps, .. } | Step::Call { steps, .. } => vec![steps],
            Step::WaitInParts { each: steps, .. } | Step::Beside(steps) | Step::Attempt { steps, .. } => vec![steps],
            Step::Poll(poll) => vec![&poll.gave_up],
            Step::Try { steps, refused } => vec![steps, refused],
            Step::Retry(retry) => vec![&retry.steps],
            Step::If { then, otherwise, .. } => vec![then, otherwise],
            Step::Wait(_)
            | Step::Pause(_)
            | Step::Rpc(_)
            | Step::Set(_)
            | Step::Obtain { .. }
            | Step::Answer { .. }
            | Step::Kept => Vec::new(),
        }
    }

    /// The same lists, to be changed.
    pub fn lists_mut(&mut self) -> Vec<&mut [Node]> {
        match self {
            Step::Request(request) => vec![&mut request.inside],
            Step::Slot { steps, .. } | Step::Call { steps, .. } => vec![steps],
            Step::WaitInParts { each: steps, .. } | Step::Beside(steps) | Step::Attempt { steps, .. } => vec![steps],
            Step::Poll(poll) => vec![&mut poll.gave_up],
            Step::Try { steps, refused } => vec![steps, refused],
            Step::Retry(retry) => vec![&mut retry.steps],
            Step::If { then, otherwise, .. } => vec![then, otherwise],
            Step::Wait(_)
            | Step::Pause(_)
            | Step::Rpc(_)
            | Step::Set(_)
            | Step::Obtain { .. }
            | Step::Answer { .. }
            | Step::Kept => Vec::new(),
        }
    }
}
