//! A receiving service: auth_token in front of it, with its caches of service tokens and its counters.

use super::capacity::Pools;
use super::keystone::Issued;
use super::sender::Held;
use crate::identity;
use crate::identity::roles::has_one_of;
use crate::model::{Model, PoolId, Process, ProcessId, Service};
use crate::observe::ServiceFacts;
use crate::units::{Instant, Span};

/// One receiver.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) rules: identity::Receiver,
    /// The first of its caches, among those of all services.
    first_cache: usize,
    /// How many it has: one for each worker process, or one for all.
    pub(super) caches: u32,
    /// Whether another service keeps Keystone's answers in the same place.
    pub(super) shares_cache: bool,
    /// The pool of its workers, if requests may have to wait for one.
    pub(super) queue: Option<PoolId>,
    /// Whether requests to it take no time but that of its work.
    pub(super) is_immediate: bool,
    /// Of each process, whether its service user has a role that counts here.
    has_role: Vec<bool>,
    pub(super) facts: ServiceFacts,
    /// auth_token's own token, where several nodes may differ about it.
    pub(super) own: Option<Issued>,
    /// Until when auth_token's own token is used again.
    pub(super) logged_in_until: Instant,
}

impl Receiver {
    pub(super) fn new(model: &Model, service: &Service, pools: &Pools) -> Receiver {
        let mut receiver = Receiver {
            rules: identity::Receiver { roles_required: false, cache_time: None, clock_ahead: Span::ZERO },
            first_cache: service.first_cache.into(),
            caches: service.caches.into(),
            shares_cache: model
                .services
                .iter()
                .filter(|other| other.caches > 0)
                .any(|other| other.first_cache == service.first_cache && other.name != service.name),
            queue: pools.queues(service.api).then_some(service.api),
            is_immediate: false,
            has_role: Vec::new(),
            facts: ServiceFacts::default(),
            own: None,
            logged_in_until: Instant::ALWAYS,
        };
        receiver.reconfigure(model, service);
        receiver
    }

    /// Takes over the settings of another model; what it has cached stays for as long as it was going to.
    pub(super) fn reconfigure(&mut self, model: &Model, service: &Service) {
        let settings = service.keystone_authtoken.as_ref();
        self.rules = identity::Receiver {
            roles_required: settings.is_some_and(|settings| settings.service_token_roles_required),
            cache_time: settings.and_then(|settings| settings.token_cache_time),
            clock_ahead: service.clock_ahead,
        };
        let has_role = |process: &Process| match (&process.user, settings) {
            (Some(user), Some(settings)) => has_one_of(&texts(&user.roles), &texts(&settings.service_token_roles)),
            (None, _) | (_, None) => false,
        };
        self.has_role = model.processes.iter().map(has_role).collect();
    }

    /// Forgets what it did and holds.
    pub(super) fn restart(&mut self) {
        self.facts = ServiceFacts::default();
        self.own = None;
        self.logged_in_until = Instant::ALWAYS;
    }

    /// Whether the user whose service tokens a process sends has a role that counts here.
    #[inline]
    pub(super) fn has_role(&self, from: ProcessId) -> bool {
        self.has_role[from.index()]
    }

    /// A cache of its own, numbered from 0, among those of all services.
    #[inline]
    pub(super) fn cache(&self, worker: u32) -> usize {
        self.first_cache + worker as usize
    }
}

/// What the caches know of the tokens that processes send. One entry each is enough: a process that has replaced its
/// token never sends the old one again.
#[derive(Debug)]
pub(super) struct KnownTokens {
    entries: Vec<Known>,
    processes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    number: u32,
    cached_until: Instant,
}

impl Known {
    const NOTHING: Known = Known { number: 0, cached_until: Instant::ALWAYS };
}

impl KnownTokens {
    pub(super) fn new(caches: usize, processes: usize) -> KnownTokens {
        KnownTokens { entries: vec![Known::NOTHING; caches * processes], processes }
    }

    /// Nothing any more.
    pub(super) fn clear(&mut self) {
        self.entries.fill(Known::NOTHING);
    }

    /// Until when a cache answers for the token that a process holds.
    #[inline]
    pub(super) fn cached_until(&mut self, cache: usize, from: ProcessId, held: &Held) -> &mut Instant {
        let known = &mut self.entries[cache * self.processes + from.index()];
        if known.number != held.number {
            *known = Known { number: held.number, cached_until: Instant::ALWAYS };
        }
        &mut known.cached_until
    }
}

fn texts(roles: &[String]) -> Vec<&str> {
    roles.iter().map(String::as_str).collect()
}
