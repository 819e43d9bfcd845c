//! The names that job kinds may use for what lies outside of them: services, processes, pools and links.

use crate::model::{LinkId, PoolId, ProcessId, ServiceId};

/// Services, in the order of the places that [`ServiceId`] names.
const SERVICES: [&str; 6] = ["keystone", "nova", "cinder", "glance", "swift", "neutron"];

/// Processes, in the order of the places that [`ProcessId`] names.
const PROCESSES: [&str; 8] = [
    "client",
    "nova-api",
    "nova-compute",
    "nova-compute-destination",
    "cinder-api",
    "cinder-volume",
    "cinder-backup",
    "glance-api",
];

/// Slots that steps may hold.
const SLOTS: [(ServiceId, &str); 6] = [
    (ServiceId::NOVA, "builds"),
    (ServiceId::NOVA, "snapshots"),
    (ServiceId::NOVA, "live_migrations"),
    (ServiceId::CINDER, "volumes"),
    (ServiceId::CINDER, "backups"),
    (ServiceId::GLANCE, "imports"),
];

/// Links of every cloud.
const LINKS: [&str; 4] = ["image_transfer", "image_conversion", "volume_copy", "memory_copy"];

/// The pool of a service's API workers.
pub const API: &str = "api";

/// Every service, process, pool and link that there is, each in the order of its places in the model. What every
/// cloud has comes first, so that kinds that are shipped mean the same whatever a scenario adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Names {
    services: Vec<String>,
    processes: Vec<String>,
    pools: Vec<(ServiceId, String)>,
    links: Vec<String>,
}

impl Names {
    /// What every cloud has.
    pub fn well_known() -> Names {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let apis = (0..).map(ServiceId).zip(SERVICES).map(|(service, _)| (service, API));
        Names {
            services: owned(&SERVICES),
            processes: owned(&PROCESSES),
            pools: apis.chain(SLOTS).map(|(service, name)| (service, name.to_owned())).collect(),
            links: owned(&LINKS),
        }
    }

    /// Adds a service with its one process and its pools; `slots` does not name that of its API workers.
    ///
    /// # Panics
    /// If there are more than fit into a place; the caller counts.
    pub fn add_service(&mut self, name: &str, slots: &[&str]) {
        let service = ServiceId(u8::try_from(self.services.len()).expect("services are counted before they are added"));
        self.services.push(name.to_owned());
        self.processes.push(name.to_owned());
        self.pools.extend([API].iter().chain(slots).map(|&pool| (service, pool.to_owned())));
    }

    /// Adds a link.
    pub fn add_link(&mut self, name: &str) {
        self.links.push(name.to_owned());
    }

    /// The services.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// The processes.
    pub fn processes(&self) -> &[String] {
        &self.processes
    }

    /// The pools, with whose they are.
    pub fn pools(&self) -> &[(ServiceId, String)] {
        &self.pools
    }

    /// The links.
    pub fn links(&self) -> &[String] {
        &self.links
    }

    /// The name of a service.
    pub fn service_name(&self, service: ServiceId) -> &str {
        &self.services[service.index()]
    }

    /// The name of a process.
    pub fn process_name(&self, process: ProcessId) -> &str {
        &self.processes[process.index()]
    }

    /// The name of a pool, behind its service.
    pub fn pool_name(&self, pool: PoolId) -> String {
        let (service, name) = &self.pools[pool.index()];
        format!("{}.{name}", self.service_name(*service))
    }

    /// The name of a link.
    pub fn link_name(&self, link: LinkId) -> &str {
        &self.links[link.index()]
    }

    /// The service of this name.
    pub fn service(&self, name: &str) -> Option<ServiceId> {
        position(&self.services, name).map(ServiceId)
    }

    /// The process of this name.
    pub fn process(&self, name: &str) -> Option<ProcessId> {
        position(&self.processes, name).map(ProcessId)
    }

    /// The pool of this name, which is `SERVICE.POOL`.
    pub fn pool(&self, name: &str) -> Option<PoolId> {
        let (service, pool) = name.split_once('.')?;
        let service = self.service(service)?;
        let at = self.pools.iter().position(|(of, name)| *of == service && name == pool)?;
        u16::try_from(at).ok().map(PoolId)
    }

    /// The link of this name.
    pub fn link(&self, name: &str) -> Option<LinkId> {
        position(&self.links, name).map(LinkId)
    }
}

fn position(names: &[String], name: &str) -> Option<u8> {
    names.iter().position(|known| known == name).and_then(|at| u8::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_their_places() {
        let names = Names::well_known();
        for (name, service) in
            [("keystone", ServiceId::KEYSTONE), ("nova", ServiceId::NOVA), ("cinder", ServiceId::CINDER)]
        {
            assert_eq!(names.service(name), Some(service));
        }
        for (name, service) in
            [("glance", ServiceId::GLANCE), ("swift", ServiceId::SWIFT), ("neutron", ServiceId::NEUTRON)]
        {
            assert_eq!(names.service(name), Some(service));
        }
        for (name, process) in [
            ("client", ProcessId::CLIENT),
            ("nova-api", ProcessId::NOVA_API),
            ("nova-compute", ProcessId::NOVA_COMPUTE),
            ("nova-compute-destination", ProcessId::NOVA_COMPUTE_DESTINATION),
            ("cinder-api", ProcessId::CINDER_API),
            ("cinder-volume", ProcessId::CINDER_VOLUME),
            ("cinder-backup", ProcessId::CINDER_BACKUP),
            ("glance-api", ProcessId::GLANCE_API),
        ] {
            assert_eq!(names.process(name), Some(process));
        }
        assert_eq!(names.pool_name(names.pool("cinder.volumes").unwrap()), "cinder.volumes");
        assert_eq!(names.pool("cinder.builds"), None);
    }

    #[test]
    fn what_a_scenario_adds_moves_nothing() {
        let (plain, mut more) = (Names::well_known(), Names::well_known());
        more.add_service("trove", &["restores"]);
        assert_eq!(more.pool("nova.builds"), plain.pool("nova.builds"));
        assert_eq!(more.service("trove"), Some(ServiceId(6)));
        assert_eq!(more.process("trove"), Some(ProcessId(8)));
        assert_eq!(more.pool_name(more.pool("trove.api").unwrap()), "trove.api");
        assert_eq!(more.pool("trove.restores").map(|pool| pool.index()), Some(plain.pools().len() + 1));
    }
}
