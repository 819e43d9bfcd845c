//! Who answers requests, with its middleware and its caches, and who sends them.

use super::pools::workers;
use crate::model::{AuthToken, PoolId, Process, Sends, Service, ServiceId, ServiceUser};
use crate::scenario::read::{Context, View};
use crate::units::Span;

/// In the order of the places in `ServiceId`.
pub(super) const SERVICES: [&str; 6] = ["keystone", "nova", "cinder", "glance", "swift", "neutron"];

pub(super) fn services(view: &View<'_>, cx: &mut Context) -> Option<Vec<Service>> {
    let mut caches = Caches::default();
    let mut services = Some(Vec::new());
    for (place, name) in (0..).zip(SERVICES) {
        let is_keystone = place == ServiceId::KEYSTONE.0;
        let settings = if is_keystone { Some(None) } else { auth_token(view, name, cx).map(Some) };
        let clock_ahead =
            if is_keystone { Some(Span::ZERO) } else { view.signed_time(&format!("cloud.clocks.{name}"), cx) };
        let (first_cache, count) = if is_keystone { caches.own(1) } else { caches.of(view, name, cx) };
        match (settings, clock_ahead, &mut services) {
            (Some(keystone_authtoken), Some(clock_ahead), Some(list)) => list.push(Service {
                name: name.to_owned(),
                keystone_authtoken,
                api: PoolId(place.into()),
                first_cache,
                caches: count,
                clock_ahead,
            }),
            (None, _, _) | (_, None, _) => services = None,
            (Some(_), Some(_), None) => {}
        }
    }
    services
}

/// How many caches there are in all.
pub(super) fn caches(services: &[Service]) -> usize {
    services.iter().map(|service| usize::from(service.first_cache) + usize::from(service.caches)).max().unwrap_or(0)
}

/// The caches of the middlewares, given out one after the other.
#[derive(Default)]
struct Caches {
    given: u16,
    /// The caches that lists of memcached servers stand for.
    shared: Vec<(Vec<String>, u16)>,
}

impl Caches {
    /// The first cache of a service and how many it has.
    fn of(&mut self, view: &View<'_>, service: &str, cx: &mut Context) -> (u16, u16) {
        let servers = view.words(&format!("{service}.keystone_authtoken.memcached_servers"), cx).unwrap_or_default();
        if servers.is_empty() {
            // Swift's proxy hands auth_token a cache of its own, which is memcached for all workers.
            let workers = if service == "swift" { None } else { workers(view, service, cx) };
            return self.own(workers.and_then(|workers| u16::try_from(workers).ok()).unwrap_or(1));
        }
        if let Some((_, cache)) = self.shared.iter().find(|(known, _)| *known == servers) {
            return (*cache, 1);
        }
        let own = self.own(1);
        self.shared.push((servers, own.0));
        own
    }

    fn own(&mut self, count: u16) -> (u16, u16) {
        let first = self.given;
        self.given += count;
        (first, count)
    }
}

fn auth_token(view: &View<'_>, service: &str, cx: &mut Context) -> Option<AuthToken> {
    let key = |name: &str| format!("{service}.keystone_authtoken.{name}");
    let roles = view.words(&key("service_token_roles"), cx);
    let required = view.flag(&key("service_token_roles_required"), cx);
    let cache = view.seconds(&key("token_cache_time"), cx);
    Some(AuthToken { service_token_roles: roles?, service_token_roles_required: required?, token_cache_time: cache? })
}

/// In the order of the places in `ProcessId`.
pub(super) fn processes(view: &View<'_>, cx: &mut Context) -> Option<Vec<Process>> {
    let nova_sends = view.flag("nova.service_user.send_service_user_token", cx);
    let cinder_sends = view.flag("cinder.service_user.send_service_user_token", cx);
    let nova_user = service_user(view, "nova", cx);
    let cinder_user = service_user(view, "cinder", cx);
    // Without this user nova-api could not validate any token: that is an outage of nova-api, not simulated here.
    let roles = view.words("cloud.service_users.nova_authtoken.roles", cx);
    let (nova_sends, cinder_sends, nova_user, cinder_user) = (nova_sends?, cinder_sends?, nova_user?, cinder_user?);
    let authtoken_user = ServiceUser { roles: roles?, disabled_at: None };
    let process = |name: &str, sends, user| Process { name: name.to_owned(), sends, user };
    let alone = |name| process(name, Sends::Never, None);
    let wrapped = |name, sends, user: &ServiceUser| {
        process(name, if sends { Sends::ServiceUser } else { Sends::Never }, Some(user.clone()))
    };
    Some(vec![
        alone("client"),
        // nova-api always adds one: its context carries auth_token's own plugin.
        if nova_sends {
            wrapped("nova-api", true, &nova_user)
        } else {
            process("nova-api", Sends::AuthToken, Some(authtoken_user))
        },
        wrapped("nova-compute", nova_sends, &nova_user),
        wrapped("nova-compute-destination", nova_sends, &nova_user),
        wrapped("cinder-api", cinder_sends, &cinder_user),
        wrapped("cinder-volume", cinder_sends, &cinder_user),
        wrapped("cinder-backup", cinder_sends, &cinder_user),
        alone("glance-api"),
    ])
}

fn service_user(view: &View<'_>, name: &str, cx: &mut Context) -> Option<ServiceUser> {
    let roles = view.words(&format!("cloud.service_users.{name}.roles"), cx);
    let disabled_at = view.instant(&format!("cloud.service_users.{name}.disabled_at"), cx);
    Some(ServiceUser { roles: roles?, disabled_at })
}
