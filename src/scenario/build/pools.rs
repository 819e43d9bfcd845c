//! What jobs queue for and share: pools of slots and workers, and links.

use crate::document::{Table, Value};
use crate::jobs::{API, Names};
use crate::model::{Link, Pool, ServiceId};
use crate::scenario::read::{Context, View};
use crate::scenario::{keys, kinds, own};

/// Slots where an option says 0, which means the largest executor of the service: eventlet's green threads
/// (`nova.compute.manager`), of which there were 1000 before 2026.2.
const ALL_GREEN_THREADS: u32 = 1_000;

/// What a limit of 0 means.
#[derive(Clone, Copy)]
enum Zero {
    /// Nobody is limited.
    Unlimited,
    /// All threads of the process; from 2026.2 on native ones, of which there are so many then.
    AllThreads(u32),
    /// It cannot be 0.
    Refused,
}

/// Slots of a service beside its API workers.
struct Slots {
    service: ServiceId,
    name: &'static str,
    /// The option that says how many slots a host has.
    limit: &'static str,
    zero: Zero,
    /// The key that says how many hosts there are, without which nobody queues.
    hosts: &'static str,
}

/// The pools of every cloud but those of API workers.
const SLOTS: [Slots; 6] = [
    nova("builds", "nova.DEFAULT.max_concurrent_builds", 10),
    nova("snapshots", "nova.DEFAULT.max_concurrent_snapshots", 5),
    nova("live_migrations", "nova.DEFAULT.max_concurrent_live_migrations", 5),
    Slots {
        service: ServiceId::CINDER,
        name: "volumes",
        limit: "cinder.DEFAULT.executor_thread_pool_size",
        zero: Zero::Refused,
        hosts: "cloud.hosts.cinder_volume",
    },
    Slots {
        service: ServiceId::CINDER,
        name: "backups",
        limit: "cinder.DEFAULT.backup_max_operations",
        zero: Zero::Unlimited,
        hosts: "cloud.hosts.cinder_backup",
    },
    // An import runs in the worker that took its request.
    Slots {
        service: ServiceId::GLANCE,
        name: "imports",
        limit: "glance.wsgi.task_pool_threads",
        zero: Zero::Refused,
        hosts: "cloud.workers.glance",
    },
];

const fn nova(name: &'static str, limit: &'static str, native_threads: u32) -> Slots {
    let zero = Zero::AllThreads(native_threads);
    Slots { service: ServiceId::NOVA, name, limit, zero, hosts: "cloud.hosts.nova_compute" }
}

/// In the order of the places in `PoolId`.
pub(super) fn pools(view: &View<'_>, names: &Names, cx: &mut Context) -> Option<Vec<Pool>> {
    let before = cx.issues.len();
    let pools: Vec<Pool> = names
        .pools()
        .iter()
        .map(|(service, name)| {
            let (service, of) = (*service, names.service_name(*service));
            let (slots, hosts) = if service > ServiceId::NEUTRON {
                (own::pool_size(view.written, of, name), 1)
            } else if name == API {
                let hosts = if service == ServiceId::KEYSTONE { count(view, "cloud.keystone.nodes", cx) } else { None };
                (workers(view, of, cx), hosts.unwrap_or(1))
            } else {
                SLOTS
                    .iter()
                    .find(|slots| (slots.service, slots.name) == (service, name))
                    .map_or((None, 1), |slots| slots.on_hosts(view, cx))
            };
            Pool { service, name: name.clone(), slots, hosts }
        })
        .collect();
    (cx.issues.len() == before).then_some(pools)
}

impl Slots {
    /// How many slots each host has, `None` being any number, and how many hosts there are.
    fn on_hosts(&self, view: &View<'_>, cx: &mut Context) -> (Option<u32>, u32) {
        let (limit, hosts) = (count(view, self.limit, cx), count(view, self.hosts, cx));
        let slots = match (limit, self.zero) {
            (Some(0), Zero::Unlimited | Zero::Refused) | (None, _) => None,
            (Some(0), Zero::AllThreads(native)) => {
                let release = view.value("cloud.release").and_then(Value::as_text).unwrap_or_default();
                Some(if release < "2026.2" { ALL_GREEN_THREADS } else { native })
            }
            (Some(limit), _) => Some(limit),
        };
        (hosts.and(slots), hosts.unwrap_or(1))
    }
}

fn count(view: &View<'_>, key: &str, cx: &mut Context) -> Option<u32> {
    view.integer(key, cx).and_then(|count| u32::try_from(count).ok())
}

/// How many worker processes a service has; `None`: nobody says, or it is wrong.
pub(super) fn workers(view: &View<'_>, service: &str, cx: &mut Context) -> Option<u32> {
    count(view, &format!("cloud.workers.{service}"), cx)
}

/// In the order of the places in `LinkId`. Every speed is read, so that a wrong one is wrong even if no job needs it.
pub(super) fn links(view: &View<'_>, names: &Names, cx: &mut Context) -> Option<Vec<Link>> {
    let before = cx.issues.len();
    let nothing = Table::default();
    let written: Vec<Link> = own::links(view.written)
        .map(|(table, _)| {
            let own = View { swept: &[], prefix: "link.", table: "link.", written: table, defaults: &nothing };
            let (per_job, bandwidth) = (own.throughput("per_job", cx), own.throughput("bandwidth", cx));
            Link { name: own.text("name", cx).unwrap_or_default(), per_job, bandwidth }
        })
        .collect();
    let link = |name: &String| {
        if keys::find(&kinds::speed(name)).is_none() {
            return written.iter().find(|link| link.name == *name).cloned();
        }
        let per_job = view.throughput(&kinds::speed(name), cx);
        let bandwidth = view.throughput(&format!("cloud.{name}.bandwidth"), cx);
        Some(Link { name: name.clone(), per_job, bandwidth })
    };
    let links: Option<Vec<Link>> = names.links().iter().map(link).collect();
    links.filter(|_| cx.issues.len() == before)
}
