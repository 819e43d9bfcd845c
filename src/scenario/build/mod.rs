//! From the layers of one point to its model: typed reading, and the checks between keys.

mod keystone;
mod pools;
mod services;

use crate::model::{Cinder, Glance, GlanceStore, ImagePath, Model, Nova, Run};
use crate::units::{MICROS, Span};

use super::read::{Context, View};
use super::workload;
use crate::document::Issue;

/// More polls than this at one instant would only burn time.
const MOST_POLLS_AT_ONCE: i64 = 1_000;

/// The model of a point; `None`: the issues say why.
pub(super) fn model(view: &View<'_>, cx: &mut Context) -> Option<Model> {
    // Everything is read before anything is given up, so that all problems are found at once.
    // The release has no place in the model: it chose the defaults below `view`.
    let release = view.text("cloud.release", cx);
    let run = run(view, cx);
    let keystone = keystone::keystone(view, cx);
    let nova = nova(view, cx);
    let cinder = cinder(view, cx);
    let glance = glance(view, cx);
    let services = services::services(view, cx);
    let pools = pools::pools(view, cx);
    let links = pools::links(view, cx);
    let processes = services::processes(view, cx);
    let image_path =
        view.text("cloud.image_path", cx).map(|path| if path == "clone" { ImagePath::Clone } else { ImagePath::Copy });
    let request_time = view.dist("cloud.requests.time", cx);
    read_for_jobs(view, cx);
    let workloads = workload::all(view, run.as_ref(), keystone.as_ref(), cx);
    release?;
    Some(Model {
        run: run?,
        keystone: keystone?,
        nova: nova?,
        cinder: cinder?,
        glance: glance?,
        caches: services::caches(services.as_ref()?),
        services: services?,
        processes: processes?,
        pools: pools?,
        links: links?,
        image_path: image_path?,
        request_time: request_time?,
        workloads: workloads?,
        changes: Vec::new(),
    })
}

/// What only some job kinds ask for is wrong even if no job does.
fn read_for_jobs(view: &View<'_>, cx: &mut Context) {
    view.text("cinder.DEFAULT.backup_swift_auth", cx);
    view.flag("cinder.DEFAULT.backup_swift_service_auth", cx);
    view.integer("cinder.DEFAULT.backup_swift_object_size", cx);
    view.text("cinder.nova.auth_type", cx);
    view.flag("glance.glance_store.swift_store_use_trusts", cx);
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

fn nova(view: &View<'_>, cx: &mut Context) -> Option<Nova> {
    const RETRIES: &str = "nova.DEFAULT.block_device_allocate_retries";
    const INTERVAL: &str = "nova.DEFAULT.block_device_allocate_retries_interval";
    let retries = view.integer(RETRIES, cx);
    let interval = view.seconds(INTERVAL, cx);
    let (retries, interval) = (retries?, interval??);
    if interval == Span::ZERO && retries > MOST_POLLS_AT_ONCE {
        let message =
            format!("`{INTERVAL}` may be 0 only with at most {MOST_POLLS_AT_ONCE} retries, and there are {retries}");
        between(view, [INTERVAL, RETRIES], message, cx);
        return None;
    }
    let attempts = u32::try_from(retries.max(0) + 1).ok()?;
    if i128::from(interval.micros()) * i128::from(attempts) > i128::from(Span::LONGEST.micros()) {
        let longest = Span::LONGEST.micros() / MICROS;
        let message =
            format!("`{RETRIES}` polls take longer than {longest} s (1,000 years), the longest time there is here");
        between(view, [RETRIES, INTERVAL], message, cx);
        return None;
    }
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
