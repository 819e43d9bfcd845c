//! Who answers requests, with its middleware and its caches, and who sends them.

use super::pools::workers;
use crate::document::Value;
use crate::jobs::{API, Names};
use crate::model::{AuthToken, Process, Sends, Service, ServiceId, ServiceUser};
use crate::scenario::read::{Context, View};
use crate::scenario::{keys, own};
use crate::units::Span;

/// In the order of the places in `ServiceId`: those of every cloud, then the scenario's own.
pub(super) fn services(view: &View<'_>, names: &Names, cx: &mut Context) -> Option<Vec<Service>> {
    let mut caches = Caches::default();
    let of_every_cloud = names.services().iter().take(ServiceId::NEUTRON.index() + 1);
    let mut services: Vec<Option<Service>> =
        of_every_cloud.map(|name| well_known(view, name, names, &mut caches, cx)).collect();
    services.extend(own_views(view).map(|own| {
        let name = own.text("name", cx);
        let keystone_authtoken = auth_token(&own, "", cx);
        let (first_cache, caches) = caches.own(1);
        let name = name?;
        let api = names.pool(&format!("{name}.{API}"))?;
        let keystone_authtoken = Some(keystone_authtoken?);
        Some(Service { name, keystone_authtoken, api, first_cache, caches, clock_ahead: Span::ZERO })
    }));
    services.into_iter().collect()
}

fn well_known(view: &View<'_>, name: &str, names: &Names, caches: &mut Caches, cx: &mut Context) -> Option<Service> {
    let is_keystone = names.service(name) == Some(ServiceId::KEYSTONE);
    let (keystone_authtoken, clock_ahead, (first_cache, caches)) = if is_keystone {
        (Some(None), Some(Span::ZERO), caches.own(1))
    } else {
        let clock = view.signed_time(&format!("cloud.clocks.{name}"), cx);
        (auth_token(view, &format!("{name}."), cx).map(Some), clock, caches.of(view, name, cx))
    };
    Some(Service {
        name: name.to_owned(),
        keystone_authtoken: keystone_authtoken?,
        api: names.pool(&format!("{name}.{API}"))?,
        first_cache,
        caches,
        clock_ahead: clock_ahead?,
    })
}

/// The tables of `[[service]]`, each over what holds if it says nothing.
fn own_views<'v>(view: &View<'v>) -> impl Iterator<Item = View<'v>> + use<'v> {
    let release = view.value("cloud.release").and_then(Value::as_text).unwrap_or_default();
    let defaults = &keys::defaults(release).service;
    own::services(view.written).map(move |(written, _)| View {
        swept: &[],
        prefix: "service.",
        table: "service.",
        written,
        defaults,
    })
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

/// `prefix` stands before the section.
fn auth_token(view: &View<'_>, prefix: &str, cx: &mut Context) -> Option<AuthToken> {
    let key = |name: &str| format!("{prefix}keystone_authtoken.{name}");
    let roles = view.words(&key("service_token_roles"), cx);
    let required = view.flag(&key("service_token_roles_required"), cx);
    let cache = view.seconds(&key("token_cache_time"), cx);
    Some(AuthToken { service_token_roles: roles?, service_token_roles_required: required?, token_cache_time: cache? })
}

/// In the order of the places in `ProcessId`: those of every cloud, then one for each of the scenario's own services.
pub(super) fn processes(view: &View<'_>, cx: &mut Context) -> Option<Vec<Process>> {
    let well_known = well_known_processes(view, cx);
    let own: Vec<Option<Process>> = own_views(view).map(|own| own_process(&own, cx)).collect();
    let own: Option<Vec<Process>> = own.into_iter().collect();
    let (mut processes, own) = (well_known?, own?);
    processes.extend(own);
    Some(processes)
}

fn own_process(own: &View<'_>, cx: &mut Context) -> Option<Process> {
    let name = own.text("name", cx);
    let sends = own.flag("service_user.send_service_user_token", cx);
    let roles = own.words("service_user.roles", cx);
    let disabled_at = own.instant("service_user.disabled_at", cx);
    let sends = if sends? { Sends::ServiceUser } else { Sends::Never };
    Some(Process { name: name?, sends, user: Some(ServiceUser { roles: roles?, disabled_at }) })
}

fn well_known_processes(view: &View<'_>, cx: &mut Context) -> Option<Vec<Process>> {
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
