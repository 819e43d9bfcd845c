//! What jobs queue for and share: pools of slots and workers, and links.

use super::SERVICES;
use crate::model::{Link, Pool, ServiceId};
use crate::scenario::read::{Context, View};

/// Slots that jobs hold, behind the API workers of the well-known services.
const SLOTS: [(ServiceId, &str); 6] = [
    (ServiceId::NOVA, "builds"),
    (ServiceId::NOVA, "snapshots"),
    (ServiceId::NOVA, "live_migrations"),
    (ServiceId::CINDER, "volumes"),
    (ServiceId::CINDER, "backups"),
    (ServiceId::GLANCE, "imports"),
];

/// The links of every cloud, and whether anybody may say how fast they are.
const LINKS: [(&str, bool); 4] =
    [("image_transfer", true), ("image_conversion", true), ("volume_copy", false), ("memory_copy", false)];

/// In the order of the places in `PoolId`.
pub(super) fn pools() -> Vec<Pool> {
    let apis = (0..).map(ServiceId).zip(SERVICES).map(|(service, _)| (service, "api"));
    let pool = |(service, name): (ServiceId, &str)| Pool { service, name: name.to_owned(), slots: None, hosts: 1 };
    apis.chain(SLOTS).map(pool).collect()
}

/// In the order of the places in `LinkId`. Every speed is read, so that a wrong one is wrong even if no job needs it.
pub(super) fn links(view: &View<'_>, cx: &mut Context) -> Option<Vec<Link>> {
    let before = cx.issues.len();
    let links = LINKS.map(|(name, has_keys)| Link {
        name: name.to_owned(),
        per_job: has_keys.then(|| view.throughput(&format!("cloud.{name}.per_job"), cx)).flatten(),
        bandwidth: None,
    });
    (cx.issues.len() == before).then(|| links.into())
}
