//! What jobs queue for and share: pools of slots and workers, and links.

use super::services::SERVICES;
use crate::document::{Issue, Table, Value};
use crate::model::{Link, Pool, ServiceId};
use crate::scenario::read::{Context, View};

/// Slots where an option says 0, which means the largest executor of the service: eventlet's green threads
/// (`nova.compute.manager`), of which there were 1000 before 2026.2.
const ALL_GREEN_THREADS: u32 = 1_000;

/// The links of every cloud.
const LINKS: [&str; 4] = ["image_transfer", "image_conversion", "volume_copy", "memory_copy"];

/// Places of links have one byte.
const MOST_LINKS: usize = 200;

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

/// In the order of the places in `PoolId`, behind the API workers of the well-known services.
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
pub(super) fn pools(view: &View<'_>, cx: &mut Context) -> Option<Vec<Pool>> {
    let before = cx.issues.len();
    let nodes = view.integer("cloud.keystone.nodes", cx).and_then(|nodes| u32::try_from(nodes).ok());
    let mut pools: Vec<Pool> = Vec::with_capacity(SERVICES.len() + SLOTS.len());
    for (service, name) in (0..).map(ServiceId).zip(SERVICES) {
        let slots = workers(view, name, cx);
        let hosts = if service == ServiceId::KEYSTONE { nodes.unwrap_or(1) } else { 1 };
        pools.push(Pool { service, name: "api".to_owned(), slots, hosts });
    }
    let release = view.value("cloud.release").and_then(Value::as_text).unwrap_or_default();
    for Slots { service, name, limit, zero, hosts } in SLOTS {
        let limit = view.integer(limit, cx).and_then(|limit| u32::try_from(limit).ok());
        let hosts = view.integer(hosts, cx).and_then(|hosts| u32::try_from(hosts).ok());
        let slots = match (limit, zero) {
            (Some(0), Zero::Unlimited | Zero::Refused) | (None, _) => None,
            (Some(0), Zero::AllThreads(native)) => Some(if release < "2026.2" { ALL_GREEN_THREADS } else { native }),
            (Some(limit), _) => Some(limit),
        };
        pools.push(Pool { service, name: name.to_owned(), slots: hosts.and(slots), hosts: hosts.unwrap_or(1) });
    }
    (cx.issues.len() == before).then_some(pools)
}

/// How many worker processes a service has; `None`: nobody says, or it is wrong.
pub(super) fn workers(view: &View<'_>, service: &str, cx: &mut Context) -> Option<u32> {
    view.integer(&format!("cloud.workers.{service}"), cx).and_then(|workers| u32::try_from(workers).ok())
}

/// In the order of the places in `LinkId`. Every speed is read, so that a wrong one is wrong even if no job needs it.
pub(super) fn links(view: &View<'_>, cx: &mut Context) -> Option<Vec<Link>> {
    let before = cx.issues.len();
    let mut links: Vec<Link> = LINKS
        .into_iter()
        .map(|name| Link {
            name: name.to_owned(),
            per_job: view.throughput(&format!("cloud.{name}.per_job"), cx),
            bandwidth: view.throughput(&format!("cloud.{name}.bandwidth"), cx),
        })
        .collect();
    let nothing = Table::default();
    let items = view.written.get("link").and_then(Value::as_array).unwrap_or_default();
    for (number, (item, table)) in items.iter().filter_map(|item| Some((item, item.as_table()?))).enumerate() {
        if number == MOST_LINKS {
            cx.issue(Issue::at(item.place, format!("more than {MOST_LINKS} links")));
            break;
        }
        let own = View { swept: &[], prefix: "link.", table: "link.", written: table, defaults: &nothing };
        let (per_job, bandwidth) = (own.throughput("per_job", cx), own.throughput("bandwidth", cx));
        if !own.is_written("name") {
            cx.issue(Issue::at(item.place, "`[[link]]` needs `name`"));
        }
        let Some(name) = own.text("name", cx) else { continue };
        if links.iter().any(|link| link.name == name) {
            let place = own.place("name").unwrap_or(item.place);
            let issue = Issue::at(place, format!("there is a link `{name}` already"));
            cx.issue(issue.help("give each link a name of its own; those of every cloud are keys of `[cloud]`"));
            continue;
        }
        links.push(Link { name, per_job, bandwidth });
    }
    (cx.issues.len() == before).then_some(links)
}
