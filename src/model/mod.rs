//! The validated scenario: what is simulated, with every value resolved and inside its range.
//!
//! A [`Model`] is valid by construction (the `scenario` room builds it from a checked file), so that everything
//! behind it cannot fail. No serde, no I/O, no clock and no random numbers here.

mod kind;
mod services;
pub mod study;
pub mod vocabulary;

use std::sync::Arc;

use crate::random::{DailyRate, Dist};
use crate::units::{Instant, Span, Throughput};

pub use kind::{Kind, Quantity, QuantityId, QuantityUnit, Resource, ResourceId, StepId};
pub use services::{AuthToken, Process, ProcessId, Sends, Service, ServiceId, ServiceUser};

/// Everything that one replication needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// How long, how often, from which seed.
    pub run: Run,
    /// Tokens and keys.
    pub keystone: Keystone,
    /// Nova's options that the jobs meet.
    pub nova: Nova,
    /// Cinder's options that the jobs meet.
    pub cinder: Cinder,
    /// Glance's options that the jobs meet.
    pub glance: Glance,
    /// Who answers requests, indexed by [`ServiceId`].
    pub services: Vec<Service>,
    /// Who sends them, indexed by [`ProcessId`].
    pub processes: Vec<Process>,
    /// How Cinder gets an image into a volume.
    pub image_path: ImagePath,
    /// Work of one API request at its receiver, in seconds.
    pub request_time: Dist,
    /// Where jobs come from; at least one, with distinct names.
    pub workloads: Vec<Workload>,
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
}

/// Keystone's `[token]` and `[fernet_tokens]`, and when its keys rotate.
#[derive(Clone, Debug, PartialEq)]
pub struct Keystone {
    /// `[token] expiration`, whole seconds.
    pub expiration: Span,
    /// `[token] allow_expired_window`, whole seconds.
    pub allow_expired_window: Span,
    /// `[token] provider` and what goes with it.
    pub keys: Keys,
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

/// nova.conf, but for tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Nova {
    /// Polls of a volume that is not ready, at least 1 (`block_device_allocate_retries` + 1).
    pub volume_poll_attempts: u32,
    /// `block_device_allocate_retries_interval`.
    pub volume_poll_interval: Span,
}

/// cinder.conf, but for tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Cinder {
    /// `scheduler_max_attempts`, at least 1.
    pub scheduler_max_attempts: u32,
    /// `verify_glance_signatures` is not `disabled`.
    pub verify_glance_signatures: bool,
}

/// glance-api.conf, but for tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    /// Where image data lies.
    pub store: GlanceStore,
}

/// Where Glance keeps image data, as far as tokens are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlanceStore {
    /// The backend asks for no user token: file, rbd, Swift in single-tenant mode, Cinder with credentials of its own.
    OwnCredentials,
    /// Swift in multi-tenant mode: the user's token, alone.
    SwiftMultiTenant,
    /// Cinder without credentials of its own: the user's token, alone.
    CinderUserToken,
}

/// How Cinder gets an image into a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagePath {
    /// Download, then convert.
    Copy,
    /// The backend clones: no long phase.
    Clone,
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
    /// What each job draws, in the order of the kind's quantities.
    pub quantities: Vec<Source>,
    /// Of the block device mapping.
    pub delete_on_termination: bool,
    /// When the user's token is revoked, counted in seconds from submission; may be negative.
    pub revoke_after: Option<Dist>,
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
    /// A size over a throughput.
    Transfer {
        /// The size, which is itself no transfer.
        size: QuantityId,
        /// The throughput.
        speed: Throughput,
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
    /// A service by its place.
    pub fn service(&self, service: ServiceId) -> &Service {
        &self.services[service.index()]
    }

    /// A process by its place.
    pub fn process(&self, process: ProcessId) -> &Process {
        &self.processes[process.index()]
    }
}
