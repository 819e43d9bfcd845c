//! From the layers of one point to its model: typed reading, and the checks between keys.

use std::sync::Arc;

use crate::model::{
    AuthToken, Cinder, Glance, GlanceStore, ImagePath, Keys, Keystone, Model, Nova, Offset, Process, Rotations, Run,
    Sends, Service, ServiceUser, Spread,
};
use crate::random::Dist;
use crate::units::Span;

use super::read::{Context, View};
use super::services;
use super::workload;
use crate::document::Issue;

/// The model of a point; `None`: the issues say why.
pub(super) fn model(view: &View<'_>, cx: &mut Context) -> Option<Model> {
    // Everything is read before anything is given up, so that all problems are found at once.
    // The release has no place in the model: it chose the defaults below `view`.
    let release = view.text("cloud.release", cx);
    let run = run(view, cx);
    let keystone = keystone(view, cx);
    let nova = nova(view, cx);
    let cinder = cinder(view, cx);
    let glance = glance(view, cx);
    let services = services(view, cx);
    let processes = processes(view, cx);
    let own = services::own(view, cx);
    let image_path =
        view.text("cloud.image_path", cx).map(|path| if path == "clone" { ImagePath::Clone } else { ImagePath::Copy });
    let request_time = view.dist("cloud.requests.time", cx);
    // Workloads ask for those that their jobs need; a wrong one is wrong even if none does.
    let names = Arc::clone(cx.kinds.names());
    let links = services::links(view, &names, cx);
    let pools = services::all_pools(view, &names);
    let workloads = workload::all(view, run.as_ref(), keystone.as_ref(), cx);
    release?;
    let (own_services, own_processes): (Vec<Service>, Vec<Process>) = own?.into_iter().unzip();
    Some(Model {
        run: run?,
        keystone: keystone?,
        nova: nova?,
        cinder: cinder?,
        glance: glance?,
        caches: services.as_ref()?.len() + own_services.len(),
        services: services?.into_iter().chain(own_services).collect(),
        processes: processes?.into_iter().chain(own_processes).collect(),
        pools,
        links,
        image_path: image_path?,
        request_time: request_time?,
        workloads: workloads?,
        changes: Vec::new(),
    })
}

fn run(view: &View<'_>, cx: &mut Context) -> Option<Run> {
    let seed = view.integer("run.seed", cx);
    let replications = view.integer("run.replications", cx);
    let confidence = view.level("run.confidence", cx);
    let duration = view.time("run.duration", cx);
    let warm_up = view.time("run.warm_up", cx);
    let drain = view.time("run.drain", cx);
    let (duration, warm_up) = (duration?, warm_up?);
    if warm_up >= duration {
        let both = format!("`run.warm_up` ({warm_up}) must be less than `run.duration` ({duration})");
        between(view, ["run.warm_up", "run.duration"], both, cx);
        return None;
    }
    Some(Run {
        seed: seed?.unsigned_abs(),
        replications: u32::try_from(replications?).ok()?,
        confidence: confidence?,
        duration,
        warm_up,
        drain: drain?,
    })
}

/// An issue between two keys, at the first of them that anybody wrote.
fn between(view: &View<'_>, keys: [&str; 2], message: String, cx: &mut Context) {
    let [first, second] = keys.map(|key| view.place(key));
    let issue = match (first, second) {
        (Some(first), Some(second)) => Issue::at(first, message).also(second, "against this"),
        (Some(place), None) | (None, Some(place)) => Issue::at(place, message),
        (None, None) => Issue::general(message),
    };
    cx.issue(issue);
}

fn keystone(view: &View<'_>, cx: &mut Context) -> Option<Keystone> {
    let provider = view.text("keystone.token.provider", cx);
    let expiration = view.seconds("keystone.token.expiration", cx);
    let window = view.seconds("keystone.token.allow_expired_window", cx);
    let max_active_keys = view.integer("keystone.fernet_tokens.max_active_keys", cx);
    let rotations = rotations(view, cx);
    let keys = match provider?.as_str() {
        "jws" => Keys::Jws,
        _ => Keys::Fernet {
            max_active_keys: u32::try_from(max_active_keys?).ok()?,
            rotations: rotations?,
            extra: [].into(),
        },
    };
    Some(Keystone {
        expiration: expiration??,
        allow_expired_window: window??,
        keys,
        clocks: vec![Span::ZERO],
        spread: Spread::Synced { lag: Dist::constant(0.0), missed: 0.0, missed_between: Vec::new() },
        cache_time: None,
        validation_time: Dist::constant(0.0),
        issue_time: Dist::constant(0.0),
        outages: [].into(),
    })
}

fn rotations(view: &View<'_>, cx: &mut Context) -> Option<Rotations> {
    let [every, at, offset] = ["every", "at", "offset"].map(|name| format!("cloud.fernet_rotation.{name}"));
    let (period, instants, fixed) = (view.time(&every, cx), view.instants(&at, cx), view.offset(&offset, cx));
    let at_is_swept = view.is_swept(&at);
    // A sweep of one way replaces the other, as every higher layer does.
    let at_place = view.place(&at).filter(|_| view.is_swept(&at) || !view.is_swept(&every));
    let every_place = view.place(&every).filter(|_| view.is_swept(&every) || !view.is_swept(&at));
    match (every_place, at_place) {
        (Some(one), Some(other)) => {
            let message = "`cloud.fernet_rotation` has both `every` and `at`, and `at` is the complete list";
            cx.issue(Issue::at(other, message).also(one, "and this").help("keep one of them"));
            None
        }
        (Some(_), None) => {
            let (period, fixed) = (period?, fixed?);
            let offset = match fixed {
                Offset::Random => Offset::Random,
                // Only the phase counts.
                Offset::Fixed(span) => Offset::Fixed(Span::from_micros(span.micros().rem_euclid(period.micros()))),
            };
            Some(Rotations::Every { period, offset })
        }
        (None, at) => {
            if let Some(place) = view.place(&offset).filter(|_| !at_is_swept) {
                cx.issue(Issue::at(place, "`cloud.fernet_rotation.offset` has no meaning without `every`"));
            }
            fixed?;
            match at {
                Some(_) => Some(Rotations::At(Arc::from(instants?))),
                None => Some(Rotations::Never),
            }
        }
    }
}

fn nova(view: &View<'_>, cx: &mut Context) -> Option<Nova> {
    const RETRIES: &str = "nova.DEFAULT.block_device_allocate_retries";
    const INTERVAL: &str = "nova.DEFAULT.block_device_allocate_retries_interval";
    let retries = view.integer(RETRIES, cx);
    let interval = view.seconds(INTERVAL, cx);
    let (retries, interval) = (retries?, interval??);
    let attempts = u32::try_from(retries.max(0) + 1).ok()?;
    Some(Nova { volume_poll_attempts: attempts, volume_poll_interval: interval })
}

fn cinder(view: &View<'_>, cx: &mut Context) -> Option<Cinder> {
    let attempts = view.integer("cinder.DEFAULT.scheduler_max_attempts", cx);
    let signatures = view.text("cinder.DEFAULT.verify_glance_signatures", cx);
    Some(Cinder {
        scheduler_max_attempts: u32::try_from(attempts?).ok()?,
        verify_glance_signatures: signatures? != "disabled",
    })
}

fn glance(view: &View<'_>, cx: &mut Context) -> Option<Glance> {
    let store = view.text("glance.glance_store.default_store", cx);
    let multi_tenant = view.flag("glance.glance_store.swift_store_multi_tenant", cx);
    let user = view.text("glance.glance_store.cinder_store_user_name", cx);
    let store = match (store?.as_str(), multi_tenant?) {
        ("swift", true) => GlanceStore::SwiftMultiTenant,
        ("cinder", _) if user.as_deref().is_none_or(str::is_empty) => GlanceStore::CinderUserToken,
        (_, _) => GlanceStore::OwnCredentials,
    };
    Some(Glance { store })
}

/// In the order of the places in `ServiceId`.
const SERVICES: [&str; 6] = ["keystone", "nova", "cinder", "glance", "swift", "neutron"];

fn services(view: &View<'_>, cx: &mut Context) -> Option<Vec<Service>> {
    let names = Arc::clone(cx.kinds.names());
    let mut services = Some(Vec::new());
    for (place, name) in (0..).zip(SERVICES) {
        let settings = if place == 0 { Some(None) } else { auth_token(view, name, cx).map(Some) };
        match (settings, &mut services) {
            (Some(keystone_authtoken), Some(list)) => list.push(Service {
                name: name.to_owned(),
                keystone_authtoken,
                api: services::api(&names, names.service(name)?)?,
                first_cache: place,
                caches: 1,
                clock_ahead: Span::ZERO,
            }),
            (None, _) => services = None,
            (Some(_), None) => {}
        }
    }
    services
}

fn auth_token(view: &View<'_>, service: &str, cx: &mut Context) -> Option<AuthToken> {
    let key = |name: &str| format!("{service}.keystone_authtoken.{name}");
    let roles = view.words(&key("service_token_roles"), cx);
    let required = view.flag(&key("service_token_roles_required"), cx);
    let cache = view.seconds(&key("token_cache_time"), cx);
    Some(AuthToken { service_token_roles: roles?, service_token_roles_required: required?, token_cache_time: cache? })
}

/// In the order of the places in `ProcessId`.
fn processes(view: &View<'_>, cx: &mut Context) -> Option<Vec<Process>> {
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

#[cfg(test)]
mod tests {
    use crate::model::{ProcessId, ServiceId};
    use crate::scenario::{Overrides, load_text};

    #[test]
    fn the_well_known_stand_at_their_places() {
        let text = "name = \"x\"\n[[workload]]\njob = \"boot-from-volume\"\narrivals = { every = \"1h\" }\n";
        let study = load_text("t.toml", text, std::path::Path::new(""), &Overrides::default()).unwrap();
        let model = &study.points[0].model;
        let services = [
            (ServiceId::KEYSTONE, "keystone"),
            (ServiceId::NOVA, "nova"),
            (ServiceId::CINDER, "cinder"),
            (ServiceId::GLANCE, "glance"),
            (ServiceId::SWIFT, "swift"),
            (ServiceId::NEUTRON, "neutron"),
        ];
        let processes = [
            (ProcessId::CLIENT, "client"),
            (ProcessId::NOVA_API, "nova-api"),
            (ProcessId::NOVA_COMPUTE, "nova-compute"),
            (ProcessId::NOVA_COMPUTE_DESTINATION, "nova-compute-destination"),
            (ProcessId::CINDER_API, "cinder-api"),
            (ProcessId::CINDER_VOLUME, "cinder-volume"),
            (ProcessId::CINDER_BACKUP, "cinder-backup"),
            (ProcessId::GLANCE_API, "glance-api"),
        ];
        assert_eq!((model.services.len(), model.processes.len()), (services.len(), processes.len()));
        for (id, name) in services {
            assert_eq!(model.service(id).name, name);
            assert_eq!(model.service(id).keystone_authtoken.is_none(), id == ServiceId::KEYSTONE);
        }
        for (id, name) in processes {
            assert_eq!(model.process(id).name, name);
        }
    }
}
