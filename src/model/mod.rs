//! The validated scenario: what is simulated, with every value resolved and inside its range.
//!
//! A [`Model`] is valid by construction (the `scenario` room builds it from a checked file), so that everything
//! behind it cannot fail. No serde, no I/O, no clock and no random numbers here.

pub mod independence;
mod kind;
mod places;
pub mod program;
pub mod remedy;
mod services;
pub mod study;
pub mod vocabulary;

use std::sync::Arc;

use crate::random::{DailyRate, Dist};
use crate::units::{Instant, Span};

use program::Program;

pub use kind::{Derived, Kind, PieceSize, Quantity, QuantityId, QuantityUnit, Resource, ResourceId, StepId};
pub use places::{Places, Written};
pub use services::{AuthToken, Link, LinkId, Pool, PoolId, Process, ProcessId, Sends, Service, ServiceId, ServiceUser};

/// Everything that one replication needs. Points of a sweep share the lists that are equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// How long, how often, from which seed.
    pub run: Run,
    /// Tokens and keys.
    pub keystone: Keystone,
    /// Who answers requests, indexed by [`ServiceId`].
    pub services: Arc<[Service]>,
    /// Who sends them, indexed by [`ProcessId`].
    pub processes: Arc<[Process]>,
    /// What jobs hold slots of, indexed by [`PoolId`]: every well-known service's `api`, then the well-known others.
    pub pools: Arc<[Pool]>,
    /// What jobs copy over, indexed by [`LinkId`].
    pub links: Arc<[Link]>,
    /// How many caches the middlewares of all services have; services may share them.
    pub caches: usize,
    /// Work of one API request at its receiver, in seconds.
    pub request_time: Dist,
    /// Where jobs come from; at least one, with distinct names.
    pub workloads: Arc<[Workload]>,
    /// What is set otherwise later on, ascending.
    pub changes: Vec<Change>,
}

/// From an instant on another model holds: `[[change]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The instant, after the start.
    pub at: Instant,
    /// All settings from then on, itself without changes. What is known for all time from the start is equal: the run,
    /// the rotations and the nodes that they reach, the caches, the hosts of pools, and what the workloads are.
    pub model: Model,
}

/// `[run]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Seed of every random stream.
    pub seed: u64,
    /// Independent repetitions, at least 1.
    pub replications: u32,
    /// Confidence level of intervals, inside (0, 1).
    pub confidence: f64,
    /// Jobs arrive in [0, duration).
    pub duration: Span,
    /// Jobs that arrive earlier are simulated and not counted; less than `duration`.
    pub warm_up: Span,
    /// How long after the last arrival jobs may take to end.
    pub drain: Span,
    /// How rates of failure are estimated.
    pub estimator: Estimator,
}

/// How rates of failure are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimator {
    /// Failed jobs are counted.
    Counting,
    /// Each job counts with its probability of failing, given everything that it draws but the age of its token and the
    /// phase of the keys. Nothing of [`independence::of_ages`] stands in the way.
    Conditional,
}

impl Estimator {
    /// Each of them.
    pub const ALL: [Estimator; 2] = [Estimator::Counting, Estimator::Conditional];

    /// As scenarios write it.
    pub const fn code(self) -> &'static str {
        match self {
            Estimator::Counting => "counting",
            Estimator::Conditional => "conditional",
        }
    }
}

/// Keystone: its `[token]` and `[fernet_tokens]`, when its keys rotate, and the nodes that it runs on.
#[derive(Clone, Debug, PartialEq)]
pub struct Keystone {
    /// `[token] expiration`, whole seconds.
    pub expiration: Span,
    /// `[token] allow_expired_window`, whole seconds.
    pub allow_expired_window: Span,
    /// `[token] provider` and what goes with it.
    pub keys: Keys,
    /// By node, at least one: its clock minus the true one.
    pub clocks: Vec<Span>,
    /// How rotations reach the nodes.
    pub spread: Spread,
    /// How long an entry of Keystone's own token cache is used; `None`: it has no backend, and keeps nothing.
    pub cache_time: Option<Span>,
    /// How long the validation of a token takes one of its workers, in seconds.
    pub validation_time: Dist,
    /// How long the issue of a token takes one of its workers, in seconds.
    pub issue_time: Dist,
    /// When nobody reaches it: each from its first instant to just before its second, ascending and apart.
    pub outages: Arc<[(Instant, Instant)]>,
}

/// How rotations reach Keystone's nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum Spread {
    /// The first node rotates, and the others get a copy of its keys.
    Synced {
        /// How long after a rotation a node has the copy, in seconds.
        lag: Dist,
        /// The share of copies that never arrive, from 0 to 1.
        missed: f64,
        /// Copies besides that never arrive.
        missed_between: Vec<MissedSyncs>,
    },
    /// Each node, by its place in [`Keystone::clocks`], rotates keys of its own at these instants, ascending, and no
    /// copy is made. The rotations of [`Keys::Fernet`] play no part.
    Apart(Vec<Arc<[Instant]>>),
}

/// A time during which no copies of keys reach a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissedSyncs {
    /// Its place in [`Keystone::clocks`], at least 1: the first node makes the keys.
    pub node: u32,
    /// The first rotation at or after this instant does not arrive.
    pub from: Instant,
    /// The first rotation at or after this instant does.
    pub until: Instant,
}

/// What signs or encrypts tokens.
#[derive(Clone, Debug, PartialEq)]
pub enum Keys {
    /// Fernet keys that rotate.
    Fernet {
        /// `[fernet_tokens] max_active_keys`, at least 1, the staged key included.
        max_active_keys: u32,
        /// When `keystone-manage fernet_rotate` runs.
        rotations: Rotations,
        /// Runs of it besides, ascending.
        extra: Arc<[Instant]>,
    },
    /// JWS keys, which nothing purges.
    Jws,
}

/// When the Fernet keys rotate.
#[derive(Clone, Debug, PartialEq)]
pub enum Rotations {
    /// Never.
    Never,
    /// Every `period`, for all time before and after the start.
    Every {
        /// Time between two rotations, above zero.
        period: Span,
        /// Instant of one of the rotations.
        offset: Offset,
    },
    /// At these instants and no others; ascending.
    At(Arc<[Instant]>),
}

/// Where a periodic schedule lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Offset {
    /// Uniform over one period, drawn for each replication.
    Random,
    /// One of the instants.
    Fixed(Span),
}

/// A stream of jobs of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Unique among the scenario's workloads.
    pub name: String,
    /// What the jobs do.
    pub kind: Arc<Kind>,
    /// When they are submitted.
    pub arrivals: Arrivals,
    /// How old the user's token is then.
    pub token_age: TokenAge,
    /// What the jobs do under the settings of this point.
    pub program: Arc<Program>,
    /// What each job draws, in the order of the kind's quantities.
    pub quantities: Vec<Source>,
    /// When the user's token is revoked, counted in seconds from submission; may be negative.
    pub revoke_after: Option<Dist>,
    /// From when on the user is disabled, and with it every token of theirs.
    pub user_disabled_at: Option<Instant>,
    /// Age, at the start, of the token that each sender with a service user holds; `None`: fetched on first use.
    pub service_token_age: Option<Span>,
}

impl Workload {
    /// Where a drawn quantity comes from.
    pub fn source(&self, quantity: QuantityId) -> &Source {
        &self.quantities[quantity.index()]
    }
}

/// Where the value of a drawn quantity comes from when no trace gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Drawn, in the quantity's unit.
    Drawn(Dist),
    /// The time of a copy.
    Copy {
        /// Of so much; itself not derived.
        size: QuantityId,
        /// Over this link: at its ceiling, or by what it gives where its bandwidth is shared.
        link: LinkId,
    },
    /// The number of pieces of a size, the last of which may be smaller.
    Pieces {
        /// The size, which is itself not derived.
        size: QuantityId,
        /// Bytes of a piece, at least 1.
        per: u64,
        /// Below so many bytes there are none.
        from: u64,
    },
}

/// When jobs arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// A Poisson process.
    Poisson {
        /// Jobs per second, above zero.
        per_second: f64,
    },
    /// One at 0 and one every so often.
    Every(Span),
    /// A Poisson process whose rate, in jobs per second, follows the hour of the day.
    Daily(DailyRate),
    /// So many at once, or uniformly at random over some time; the last before the end of the run's duration.
    Burst {
        /// The first instant at which one may arrive.
        at: Instant,
        /// At least one.
        jobs: u64,
        /// They arrive in [`at`, `at + over`), or all at `at` if this is zero.
        over: Span,
    },
    /// As recorded; ascending.
    Trace(Arc<[TraceRow]>),
}

/// One recorded job.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceRow {
    /// When it is submitted.
    pub submitted: Instant,
    /// Names its random streams: `job_id` of the trace, else the number of the row from 0.
    pub ordinal: u64,
    /// Age of its token; `None`: drawn as the workload says.
    pub token_age: Option<Span>,
    /// What it drew (microseconds, bytes or a count), in the order of the kind's quantities; `None`: drawn as the
    /// workload says.
    pub quantities: Vec<Option<i64>>,
}

/// Age of the user's token at submission.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenAge {
    /// Seconds.
    Drawn(Dist),
    /// A share of `expiration`.
    OfExpiration(Dist),
    /// Uniform over [0, expiration − margin]: a client that renews in time.
    Renewing {
        /// Less than `expiration`.
        margin: Span,
    },
}

impl Model {
    /// The lifetime of tokens that are issued at an instant, before the start or after; asked of the model that has the
    /// changes. A token keeps it whatever changes later.
    pub fn expiration_at(&self, issued: Instant) -> Span {
        let begun = self.changes.iter().take_while(|change| change.at <= issued);
        begun.last().map_or(self, |change| &change.model).keystone.expiration
    }

    /// A service by its place.
    pub fn service(&self, service: ServiceId) -> &Service {
        &self.services[service.index()]
    }

    /// A pool by its place.
    pub fn pool(&self, pool: PoolId) -> &Pool {
        &self.pools[pool.index()]
    }

    /// A process by its place.
    pub fn process(&self, process: ProcessId) -> &Process {
        &self.processes[process.index()]
    }
}
