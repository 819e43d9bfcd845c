//! From the layers of one point to its model: typed reading, and the checks between keys.

mod keystone;
mod pools;
mod services;

use std::sync::Arc;

use crate::model::{Estimator, Model, Run};

use super::read::{Context, View};
use super::settings;
use super::workload;
use crate::document::Issue;

/// The model of a point; `None`: the issues say why.
pub(super) fn model(view: &View<'_>, cx: &mut Context) -> Option<Model> {
    // Everything is read before anything is given up, so that all problems are found at once.
    // The release has no place in the model: it chose the defaults below `view`.
    let release = view.text("cloud.release", cx);
    let run = run(view, cx);
    let keystone = keystone::keystone(view, cx);
    let names = Arc::clone(cx.kinds.names());
    let services = services::services(view, &names, cx);
    let processes = services::processes(view, cx);
    let pools = pools::pools(view, &names, cx);
    let links = pools::links(view, &names, cx);
    let request_time = view.dist("cloud.requests.time", cx);
    settings::read_all(view, cx);
    let workloads = workload::all(view, run.as_ref(), keystone.as_ref(), cx);
    release?;
    Some(Model {
        run: run?,
        keystone: keystone?,
        caches: services::caches(services.as_ref()?),
        services: cx.parts.services.share(services?),
        processes: cx.parts.processes.share(processes?),
        pools: cx.parts.pools.share(pools?),
        links: cx.parts.links.share(links?),
        request_time: request_time?,
        workloads: cx.parts.workloads.share(workloads?),
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
    let estimator = view.text("run.estimator", cx);
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
        estimator: Estimator::ALL.into_iter().find(|known| Some(known.code()) == estimator.as_deref())?,
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
