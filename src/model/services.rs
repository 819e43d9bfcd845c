//! Who answers requests and who sends them: lists of the model, in which the well-known ones have fixed places.

use crate::units::{Instant, Span, Throughput};

/// Place of a service in `Model::services`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u8);

impl ServiceId {
    /// Identity: issues and validates tokens.
    pub const KEYSTONE: ServiceId = ServiceId(0);
    /// Compute: `nova-api` receives.
    pub const NOVA: ServiceId = ServiceId(1);
    /// Block storage: `cinder-api` receives.
    pub const CINDER: ServiceId = ServiceId(2);
    /// Images: `glance-api` receives.
    pub const GLANCE: ServiceId = ServiceId(3);
    /// Object storage: the proxy receives.
    pub const SWIFT: ServiceId = ServiceId(4);
    /// Networks: `neutron-server` receives.
    pub const NEUTRON: ServiceId = ServiceId(5);

    /// The place as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether results have a row of it even if nobody asked it for anything: those that boot from volume may meet.
    pub const fn is_always_shown(self) -> bool {
        self.0 <= ServiceId::SWIFT.0
    }
}

/// A service that answers requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// As outputs call it.
    pub name: String,
    /// The middleware in front of it; `None`: Keystone, which has none.
    pub keystone_authtoken: Option<AuthToken>,
    /// Its API workers, one of which each request holds; Keystone has them on each node.
    pub api: PoolId,
    /// The first of the middleware's caches among those of all services.
    pub first_cache: u16,
    /// How many it has, at least 1: one for each API worker, or one for all.
    pub caches: u16,
    /// Its clock minus the true one.
    pub clock_ahead: Span,
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

/// Place of a process in `Model::processes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u8);

impl ProcessId {
    /// The user's own client.
    pub const CLIENT: ProcessId = ProcessId(0);
    /// `nova-api`, which always sends a service token.
    pub const NOVA_API: ProcessId = ProcessId(1);
    /// `nova-compute`.
    pub const NOVA_COMPUTE: ProcessId = ProcessId(2);
    /// `nova-compute` of the host to which an instance moves.
    pub const NOVA_COMPUTE_DESTINATION: ProcessId = ProcessId(3);
    /// `cinder-api`.
    pub const CINDER_API: ProcessId = ProcessId(4);
    /// `cinder-volume`.
    pub const CINDER_VOLUME: ProcessId = ProcessId(5);
    /// `cinder-backup`.
    pub const CINDER_BACKUP: ProcessId = ProcessId(6);
    /// `glance-api`, which never sends a service token.
    pub const GLANCE_API: ProcessId = ProcessId(7);

    /// The place as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A process that sends requests, with a keystoneauth session and a service token of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// As outputs call it.
    pub name: String,
    /// What goes along with the user's token.
    pub sends: Sends,
    /// Whose service tokens it sends; `None`: it has no user of its own.
    pub user: Option<ServiceUser>,
}

/// How a sender comes by a service token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    /// It sends none, and does not repeat a refused request.
    Never,
    /// From `[service_user]` through keystoneauth's wrapper: a refused request is repeated once with a new one.
    ServiceUser,
    /// auth_token's own token, which nova-api's plugin adds: a refused request is repeated once as it was.
    AuthToken,
}

/// A service user.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceUser {
    /// Roles on its project.
    pub roles: Vec<String>,
    /// From when on it is disabled.
    pub disabled_at: Option<Instant>,
}

/// Place of a pool in `Model::pools`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId(pub u16);

impl PoolId {
    /// The place as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Slots that jobs hold, given out first come, first served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Whose it is.
    pub service: ServiceId,
    /// As scenarios call it, behind the service.
    pub name: String,
    /// Slots per host, at least 1; `None`: nobody ever queues.
    pub slots: Option<u32>,
    /// Hosts with so many slots each, at least 1.
    pub hosts: u32,
}

/// Place of a link in `Model::links`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u8);

impl LinkId {
    /// The place as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Something that bytes pass through.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// As scenarios call it.
    pub name: String,
    /// The ceiling of one copy; `None`: it takes no time by itself.
    pub per_job: Option<Throughput>,
    /// What all copies share; `None`: they do not meet.
    pub bandwidth: Option<Throughput>,
}
