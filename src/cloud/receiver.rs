//! A receiving service: auth_token in front of it, with its cache of service tokens and its counters.

use super::sender::Held;
use crate::identity::roles::has_one_of;
use crate::identity::{self, Check, Presented, ServicePresented, Token};
use crate::model::{Model, Process, ProcessId, Service};
use crate::observe::ServiceFacts;
use crate::units::{Instant, Span};

/// One receiver.
#[derive(Debug)]
pub(super) struct Receiver {
    rules: identity::Receiver,
    /// By process.
    senders: Vec<KnownSender>,
    pub(super) facts: ServiceFacts,
}

/// What a receiver knows of a sender's service token. One entry is enough: a process that has replaced its token never
/// sends the old one again.
#[derive(Clone, Copy, Debug)]
struct KnownSender {
    has_role: bool,
    number: u32,
    cached_until: Instant,
}

impl Receiver {
    pub(super) fn new(model: &Model, service: &Service) -> Receiver {
        let settings = service.keystone_authtoken.as_ref();
        let has_role = |process: &Process| match (&process.user, settings) {
            (Some(user), Some(settings)) => has_one_of(&texts(&user.roles), &texts(&settings.service_token_roles)),
            (None, _) | (_, None) => false,
        };
        let known =
            |process: &Process| KnownSender { has_role: has_role(process), number: 0, cached_until: Instant::ALWAYS };
        Receiver {
            rules: identity::Receiver {
                roles_required: settings.is_some_and(|settings| settings.service_token_roles_required),
                cache_time: settings.and_then(|settings| settings.token_cache_time),
                clock_ahead: Span::ZERO,
            },
            senders: model.processes.iter().map(known).collect(),
            facts: ServiceFacts::default(),
        }
    }

    /// Takes up a request at `now`; `cached_until` is this receiver's cache entry for the user's token.
    #[inline]
    pub(super) fn check(
        &mut self,
        now: Instant,
        window: Span,
        user: &Token,
        cached_until: &mut Instant,
        from: ProcessId,
        held: Option<&Held>,
    ) -> Check {
        let known = &mut self.senders[from.index()];
        let service = held.map(|held| {
            if known.number != held.number {
                known.number = held.number;
                known.cached_until = Instant::ALWAYS;
            }
            let presented = Presented { token: held.token, cached_until: known.cached_until };
            ServicePresented { presented, has_role: known.has_role }
        });
        let user = Presented { token: *user, cached_until: *cached_until };
        let check = identity::check(now, window, &self.rules, &user, service.as_ref());
        *cached_until = check.user.cached_until;
        if let Some(answer) = check.service {
            known.cached_until = answer.cached_until;
        }
        check
    }
}

fn texts(roles: &[String]) -> Vec<&str> {
    roles.iter().map(String::as_str).collect()
}
