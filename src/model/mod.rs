//! The validated scenario: what is simulated, with every value resolved and inside its range.
//!
//! A [`Model`] is valid by construction (the `scenario` room builds it from a checked file), so that everything
//! behind it cannot fail. No serde, no I/O, no clock and no random numbers here.

pub mod study;
pub mod vocabulary;

use std::sync::Arc;

use crate::random::{DailyRate, Dist};
use crate::units::{Instant, Span, Throughput};
use vocabulary::{JobKind, Quantity, Service};

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
    /// Swift's proxy.
    pub swift: Swift,
    /// What the service users hold in Keystone.
    pub service_users: ServiceUsers,
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

/// `[keystone_authtoken]` of a receiver.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthToken {
    /// Roles of which a service token needs one.
    pub service_token_roles: Vec<String>,
    /// Whether a service token without such a role fails the request.
    pub service_token_roles_required: bool,
    /// How long a good answer is kept; `None` = no cache.
    pub token_cache_time: Option<Span>,
}

/// nova.conf.
#[derive(Clone, Debug, PartialEq)]
pub struct Nova {
    /// Of nova-api.
    pub keystone_authtoken: AuthToken,
    /// `[service_user] send_service_user_token`.
    pub send_service_user_token: bool,
    /// Polls of a volume that is not ready, at least 1 (`block_device_allocate_retries` + 1).
    pub volume_poll_attempts: u32,
    /// `block_device_allocate_retries_interval`.
    pub volume_poll_interval: Span,
}

/// cinder.conf.
#[derive(Clone, Debug, PartialEq)]
pub struct Cinder {
    /// Of cinder-api.
    pub keystone_authtoken: AuthToken,
    /// `[service_user] send_service_user_token`.
    pub send_service_user_token: bool,
    /// `scheduler_max_attempts`, at least 1.
    pub scheduler_max_attempts: u32,
    /// `verify_glance_signatures` is not `disabled`.
    pub verify_glance_signatures: bool,
}

/// glance-api.conf.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    /// Of glance-api.
    pub keystone_authtoken: AuthToken,
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

/// Swift's proxy, which sets `delay_auth_decision` and refuses by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Swift {
    /// Of the proxy's pipeline.
    pub keystone_authtoken: AuthToken,
}

/// The service users in Keystone.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceUsers {
    /// Of nova's `[service_user]`.
    pub nova: ServiceUser,
    /// Of cinder's `[service_user]`.
    pub cinder: ServiceUser,
    /// Of nova's `[keystone_authtoken]`, which nova-api sends with when `[service_user]` is off.
    pub nova_authtoken: ServiceUser,
}

/// A service user.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceUser {
    /// Roles on its project.
    pub roles: Vec<String>,
    /// From when on it is disabled.
    pub disabled_at: Option<Instant>,
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
    pub job: JobKind,
    /// When they are submitted.
    pub arrivals: Arrivals,
    /// How old the user's token is then.
    pub token_age: TokenAge,
    /// What each job draws, indexed by [`Quantity`].
    pub quantities: [Source; Quantity::COUNT],
    /// Of the block device mapping.
    pub delete_on_termination: bool,
    /// When the user's token is revoked, counted in seconds from submission; may be negative.
    pub revoke_after: Option<Dist>,
    /// Age, at the start, of the token that each sender with a service user holds; `None`: fetched on first use.
    pub service_token_age: Option<Span>,
}

impl Workload {
    /// Where a drawn quantity comes from.
    pub fn source(&self, quantity: Quantity) -> &Source {
        &self.quantities[quantity as usize]
    }
}

/// Where the value of a drawn quantity comes from when no trace gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Drawn: seconds, or bytes for a size.
    Drawn(Dist),
    /// The image size over this throughput.
    Transfer(Throughput),
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
    /// What it drew (microseconds or bytes), indexed by [`Quantity`]; `None`: drawn as the workload says.
    pub quantities: [Option<i64>; Quantity::COUNT],
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
    /// The middleware settings of a receiver; Keystone has none.
    pub fn auth_token(&self, service: Service) -> Option<&AuthToken> {
        match service {
            Service::Keystone => None,
            Service::Nova => Some(&self.nova.keystone_authtoken),
            Service::Cinder => Some(&self.cinder.keystone_authtoken),
            Service::Glance => Some(&self.glance.keystone_authtoken),
            Service::Swift => Some(&self.swift.keystone_authtoken),
        }
    }
}
