//! The course of one job: everything that happened to it, in the order in which it happened. Facts only, as all here.

use crate::model::program::{Obtain, Request};
use crate::model::vocabulary::{Cleanup, Reason};
use crate::model::{PoolId, ProcessId, QuantityId, ResourceId, StepId};
use crate::observe::{Failure, JobRecord};
use crate::units::{Instant, Span};

/// A job from its submission to its end, with its token and the Fernet keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// What is recorded of it: the row of `jobs.csv`.
    pub record: JobRecord,
    /// Whether it counts, being submitted after the warm-up.
    pub counts: bool,
    /// The user's token.
    pub token: Lifetime,
    /// The node that issued it.
    pub issuer: u32,
    /// `allow_expired_window` at submission.
    pub window: Span,
    /// The smallest time before the end of its token (and of the window, if a service token opened it) at which a
    /// request with the user's token was accepted.
    pub smallest_margin: Option<Span>,
    /// Keys of the node that issued the token, oldest first: those that it held at some time from the issue of the
    /// token to the end of the job. Empty without Fernet keys.
    pub keys: Vec<Key>,
    /// What happened, ascending.
    pub entries: Vec<Entry>,
}

/// How long Keystone accepts a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was issued.
    pub issued: Instant,
    /// Refused from here on, but for the window.
    pub expires: Instant,
    /// Its Fernet key is gone from here on; [`Instant::NEVER`] if it stays.
    pub key_gone: Instant,
    /// Revoked, or its user disabled, from here on; [`Instant::NEVER`] if not.
    pub revoked: Instant,
}

/// A Fernet key on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Held from here on, [`Instant::ALWAYS`] if from before anything is known, staged at first.
    pub staged: Instant,
    /// Encrypts new tokens from here on.
    pub primary: Instant,
    /// Decrypts only from here on.
    pub secondary: Instant,
    /// Purged.
    pub purged: Instant,
    /// Whether the user's token is encrypted with it.
    pub is_of_token: bool,
}

/// Which of a job's two timelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timeline {
    /// The one that the job's owner waits for.
    Main,
    /// The working service beside it.
    Beside,
}

/// Something that happened to a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// On which timeline.
    pub timeline: Timeline,
    /// What.
    pub what: What,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// A request sets out to a service at which things may take time.
    Begun {
        /// The request.
        request: Request,
    },
    /// A receiver has looked at the tokens of a request.
    Judged(Verdict),
    /// The receiver works on what it accepted, up to this instant.
    Works {
        /// The step.
        step: StepId,
        /// The instant.
        until: Instant,
    },
    /// Something was refused for good, or is answered with an error, as its caller sees it.
    Raised {
        /// It.
        failure: Failure,
        /// How it came about.
        by: Raise,
        /// How many `refused` lists stand around.
        depth: u8,
    },
    /// It is tried again from an earlier step.
    TriesAgain {
        /// How often it was tried by now.
        made: u32,
        /// How often at most.
        most: u32,
    },
    /// A refusal was only logged.
    Caught {
        /// How many `refused` lists stand around.
        depth: u8,
    },
    /// A token was to be got that stands for the user's.
    Obtained {
        /// How.
        how: Obtain,
        /// The step.
        step: StepId,
        /// Who asked Keystone.
        from: ProcessId,
        /// When it expires; `None`: it was not given, and the job goes on with what it has.
        expires: Option<Instant>,
    },
    /// It waits for somebody else.
    Waits(Wait),
    /// That is over.
    Resumes,
    /// A slot is given back.
    Releases(PoolId),
    /// The timeline beside begins.
    Forks,
    /// A resource is in this state from now on.
    Set {
        /// Which.
        resource: ResourceId,
        /// The state.
        state: u8,
    },
    /// What became of the clean-up.
    CleansUp(Cleanup),
    /// The job has failed.
    Fails,
    /// The job has completed.
    Completes,
}

/// How a failure came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raise {
    /// A request was refused, or could not be sent.
    Refused,
    /// The service that this request went to answered with an error, because of what was refused inside.
    Answered(StepId),
    /// Keystone gave no token.
    NotObtained,
    /// A poll saw an error, or was the last that is made.
    GaveUp,
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A time that it drew, or a part of it.
    Quantity {
        /// Which.
        quantity: QuantityId,
        /// When it is over; `None`: who else copies over the link decides.
        until: Option<Instant>,
    },
    /// A pause of the program.
    Pause {
        /// When it is over.
        until: Instant,
    },
    /// A slot.
    Slot(PoolId),
}

/// What a receiver made of the tokens of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The request.
    pub request: Request,
    /// Which poll of its wait it was, from 1; `None`: no poll.
    pub poll: Option<u32>,
    /// When the token expires that stands for the user's.
    pub expires: Instant,
    /// When it loses its key on the node that issued it.
    pub key_gone: Instant,
    /// Whether it stands for the user's, and is not the user's own.
    pub stands_for: bool,
    /// What was found of it.
    pub user: Seen,
    /// Which of several nodes of Keystone was asked about it; `None`: the only one, or none.
    pub asked: Option<Asked>,
    /// The service token beside it, if one was sent.
    pub service: Option<ServiceSeen>,
    /// Why the request was refused; `None`: it was accepted.
    pub refused: Option<Reason>,
    /// `allow_expired_window` then.
    pub window: Span,
}

/// One of several nodes of Keystone that was asked about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its number.
    pub node: u32,
    /// It holds the token's key from here on, [`Instant::NEVER`] if it is not going to.
    pub key_from: Instant,
    /// And up to here.
    pub key_gone: Instant,
}

/// Who answered for a token, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether it was confirmed.
    pub confirmed: bool,
    /// What Keystone said; `None`: the receiver's cache answered.
    pub keystone: Option<bool>,
}

/// What was found of a service token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceSeen {
    /// When it expires.
    pub expires: Instant,
    /// Who answered for it. Confirmed only with a role, where one is required.
    pub seen: Seen,
    /// Whether the token itself is good, role or not.
    pub live: bool,
    /// Whether its user has one of the receiver's `service_token_roles`.
    pub has_role: bool,
}

impl Verdict {
    /// Whether the receiver let an expired token pass within the window, a good service token having come with it.
    pub fn allows_expired(&self) -> bool {
        self.service.is_some_and(|service| service.live && service.has_role)
    }
}
