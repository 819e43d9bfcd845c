//! The key table: every key of a scenario file, once. Checks, defaults, sweeps, reference and schema follow from it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::model::Estimator;
use crate::model::study::Metric;
use crate::model::vocabulary::Reason;

use super::dist::Unit;
use super::kind::Kind;
use crate::document::Collected;
use crate::document::Place;
use crate::document::{self, Table, Value};

/// A key and all that is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Dotted; the keys of a list such as `[[workload]]` begin with its name, such as `workload.`. What the jobs of a
    /// workload draw are keys of their kind, not of this table.
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    pub(super) default: Default,
    /// Why it cannot be swept; `None`: it can.
    pub(super) fixed: Option<&'static str>,
    /// Why no `[[change]]` can set it; `None`: one can.
    pub(super) steady: Option<&'static str>,
    /// More of it makes jobs harder, so that `outlast solve` asks for the greatest: load, and what goes wrong.
    pub(super) is_burden: bool,
    pub(super) meaning: &'static str,
    /// Where the option or its default comes from; empty for a key of our own.
    pub(super) origin: &'static str,
}

/// What holds when nobody writes the key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Default {
    /// Nothing; the text says what that means.
    Unset(&'static str),
    /// It must be written.
    Required,
    /// This TOML value.
    Is(&'static str),
    /// This TOML value before 2026.2, and that from it on.
    Since20262(&'static str, &'static str),
}

/// The releases of OpenStack whose defaults are known, oldest first.
pub(super) const RELEASES: [&str; 4] = ["2025.1", "2025.2", "2026.1", "2026.2"];

/// Lists of tables, whose keys begin with the name of the list in the table.
pub(super) const LISTS: [&str; 5] = ["service", "link", "workload", "change", "expect"];

/// The list of tables that a key of the table belongs to.
pub(super) fn list_of(path: &str) -> Option<&'static str> {
    let (first, _) = path.split_once('.')?;
    LISTS.into_iter().find(|list| *list == first)
}

const MOST: i64 = i64::MAX;
/// More slots on a host, or more hosts, than anybody has.
const MOST_SLOTS: i64 = 1_000_000;
const MOST_HOSTS: i64 = 100_000;
/// Each worker may have a cache of its own, of which every job in flight remembers what it holds.
const MOST_WORKERS: i64 = 1_000;
const MOST_NODES: i64 = 1_000;
const NAMES: &str = "names are the same at every point";
const PRECISION: &str = "it says how often a point is repeated, not what is simulated";
const WHOLE: &str = "the whole scenario has one";
const RUN: &str = "a run has one";
const BELOW: &str = "a preset lies below the file, and a change above it";
const BASES: &str = "sweep `preset`, which chooses among them";
const SCHEDULE: &str = "rotations are known for all time; a further one is an instant of `cloud.fernet_rotation.extra`";
const COPIES: &str = "what reaches the nodes is known for all time";
const TIMELINE: &str = "it gives instants itself, for the whole run";
const PROVIDER: &str = "tokens of one provider mean nothing to the other";
const NODES: &str = "nodes keep their number";
const HOSTS: &str = "jobs stay on their hosts, whose number stays";
const IMPORTS: &str = "imports stay in their workers, whose number stays";
const CACHES: &str = "the caches stay those of the start";
const LINKS: &str = "a link of the scenario's own is the same at every point and all the time";
const CHANGES: &str = "a change is the same at every point; sweep the key that it sets, or write two scenarios";
const JOBS: &str = "it says what jobs do; write a workload per kind";
const COURSES: &str = "it says what jobs do, which only follows the settings";
const SERVICE: &str = "services of a scenario's own are the same at every point";
const LIST: &str = "it says what is expected, not what is simulated";
const KIND: &str = "the columns of the results depend on it; write a workload per kind";

/// Short forms, so that the table reads as one.
const fn key(path: &'static str, kind: Kind, default: Default, meaning: &'static str, origin: &'static str) -> Key {
    Key { path, kind, default, fixed: None, steady: None, is_burden: false, meaning, origin }
}

/// A key of the whole study: no point and no change has another value.
const fn fixed(why: &'static str, key: Key) -> Key {
    Key { fixed: Some(why), steady: Some(WHOLE), ..key }
}

const fn steady(why: &'static str, key: Key) -> Key {
    Key { steady: Some(why), ..key }
}

const fn burden(key: Key) -> Key {
    Key { is_burden: true, ..key }
}

const NONE: Default = Default::Unset("");
const SECONDS: Kind = Kind::Dist(Unit::Seconds);

/// The table.
#[rustfmt::skip]
pub(super) static KEYS: &[Key] = &[
    fixed(NAMES, key("name", Kind::Name, Default::Required, "Name of the scenario and of its output folder.", "")),
    fixed(NAMES, key("description", Kind::Text, Default::Is("\"\""), "What the scenario asks, in a sentence.", "")),
    steady(BELOW, key("preset", Kind::Preset, NONE, "What a deployment tool ships, or a preset of the scenario's own: put below everything that is written here.", "")),
    fixed(BASES, key("presets", Kind::Free, Default::Unset("those that are shipped"), "Presets of the scenario's own, each headed `[presets.NAME]`; `preset` in one puts it over another.", "")),
    fixed("it is read before the sweep", key("include", Kind::Paths, NONE, "Scenario files that are put below this one, later ones over earlier ones.", "")),
    fixed("it is the sweep", key("sweep", Kind::Free, Default::Unset("one point"), "Dotted keys with the list of values of each; every combination is a point. Keys of a `[[sweep.zip]]` vary together.", "")),
    steady(COURSES, fixed(JOBS, key("job", Kind::Tables, NONE, "Job kinds of the scenario's own; see docs/JOBS.md.", ""))),
    steady(COURSES, fixed(JOBS, key("procedure", Kind::Tables, NONE, "Steps that job kinds call.", ""))),

    fixed("points are compared under common random numbers", key("run.seed", Kind::Integer { min: 0, max: MOST }, Default::Is("1"), "Seed of every random stream.", "")),
    fixed(PRECISION, key("run.replications", Kind::Integer { min: 1, max: 1_000_000 }, Default::Is("16"), "Independent repetitions of each point.", "")),
    fixed(PRECISION, key("run.confidence", Kind::Level, Default::Is("0.95"), "Confidence level of intervals and bounds.", "")),
    fixed(PRECISION, key("run.precision.metric", Kind::Choice(intervals), NONE, "Replications are added to a point, as many at a time as `replications` says, until the interval of this column of `summary.csv` is narrow enough.", "")),
    fixed(PRECISION, key("run.precision.half_width", Kind::Bound, NONE, "Half the width that its interval may have: `\"0.1%\"` of a rate, `\"5s\"` of a duration.", "")),
    fixed(PRECISION, key("run.precision.max_replications", Kind::Integer { min: 2, max: 1_000_000 }, Default::Unset("1000"), "Replications at which to give up, and to say so.", "")),
    fixed(PRECISION, key("run.precision.workload", Kind::Text, Default::Unset("all together"), "The interval of this workload's row.", "")),
    fixed("points are compared by one estimate", key("run.estimator", Kind::Choice(|| Estimator::ALL.map(Estimator::code).to_vec()), Default::Is("\"counting\""), "What rates of failure are made of. `counting`: jobs that failed. `conditional`: what each job had to expect, given its times, over the age of its token and the phase of the keys; for failures too rare to be counted. Refused where jobs depend on each other.", "")),
    steady(RUN, key("run.duration", Kind::Time { positive: true }, Default::Is("\"1d\""), "Jobs arrive in [0, duration).", "")),
    steady(RUN, key("run.warm_up", Kind::Time { positive: false }, Default::Is("\"0s\""), "Jobs that arrive earlier are simulated and not counted; less than `duration`.", "")),
    steady(RUN, key("run.drain", Kind::Time { positive: false }, Default::Is("\"30d\""), "How long after the last arrival jobs may take to end; what is left then is `unfinished`.", "")),

    steady(PROVIDER, key("keystone.token.provider", Kind::Choice(|| vec!["fernet", "jws"]), Default::Is("\"fernet\""), "What protects tokens; only Fernet keys are ever purged.", "keystone.conf")),
    key("keystone.token.expiration", Kind::Seconds { off: false }, Default::Is("3600"), "Lifetime of every token, service tokens included.", "keystone.conf"),
    key("keystone.token.allow_expired_window", Kind::Seconds { off: false }, Default::Is("172800"), "How long after its end a token is still accepted beside a good service token.", "keystone.conf"),
    key("keystone.token.caching", Kind::Flag, Default::Is("true"), "Whether Keystone keeps what it has read of a token, if it has a cache.", "keystone.conf"),
    key("keystone.token.cache_time", Kind::Seconds { off: false }, Default::Unset("`keystone.cache.expiration_time`"), "How long it keeps it.", "keystone.conf"),
    key("keystone.cache.enabled", Kind::Flag, Default::Is("true"), "Whether Keystone has a cache.", "keystone.conf"),
    key("keystone.cache.backend", Kind::Text, Default::Is("\"dogpile.cache.null\""), "Where that cache is; `dogpile.cache.null` keeps nothing, and any other is taken for one that all nodes share.", "keystone.conf"),
    key("keystone.cache.expiration_time", Kind::Seconds { off: false }, Default::Is("600"), "How long it keeps things.", "keystone.conf"),
    key("keystone.fernet_tokens.max_active_keys", Kind::Integer { min: 1, max: 4_294_967_295 }, Default::Is("3"), "Fernet keys that are kept, the staged one included.", "keystone.conf"),

    key("nova.service_user.send_service_user_token", Kind::Flag, Default::Is("false"), "Whether nova-compute sends a service token beside the user's; nova-api always does.", "nova.conf"),
    key("nova.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "nova.conf"),
    key("nova.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Since20262("false", "true"), "Whether a service token without such a role fails the request.", "nova.conf"),
    key("nova.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("300"), "How long a good answer of Keystone is kept; -1: not at all.", "nova.conf"),
    steady(CACHES, key("nova.keystone_authtoken.memcached_servers", Kind::Words, Default::Unset("a cache in each worker process"), "Where answers of Keystone are kept: one cache for all workers, and for all services with the same list.", "nova.conf")),
    key("nova.DEFAULT.block_device_allocate_retries", Kind::Integer { min: i64::MIN, max: 4_294_967_294 }, Default::Is("60"), "Nova polls a volume this many times and once more; 0 or less: once.", "nova.conf"),
    key("nova.DEFAULT.block_device_allocate_retries_interval", Kind::Seconds { off: false }, Default::Is("3"), "Time between two polls; 0 only with at most 1000 retries.", "nova.conf"),
    key("nova.DEFAULT.max_concurrent_builds", Kind::Integer { min: 0, max: MOST_SLOTS }, Default::Is("10"), "Instances that a compute host builds at once, if `cloud.hosts.nova_compute` says how many there are; 0: 1000, and with the threads of 2026.2 10.", "nova.conf"),
    key("nova.DEFAULT.max_concurrent_snapshots", Kind::Integer { min: 0, max: MOST_SLOTS }, Default::Is("5"), "The same of snapshots; 0: 1000, and from 2026.2 on 5.", "nova.conf"),
    key("nova.DEFAULT.max_concurrent_live_migrations", Kind::Integer { min: 0, max: MOST_SLOTS }, Default::Is("1"), "The same of live migrations away from the host; 0: 1000, and from 2026.2 on 5.", "nova.conf"),

    key("cinder.service_user.send_service_user_token", Kind::Flag, Default::Is("false"), "Whether Cinder sends a service token to Glance beside the user's.", "cinder.conf"),
    key("cinder.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "cinder.conf"),
    key("cinder.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Since20262("false", "true"), "Whether a service token without such a role fails the request.", "cinder.conf"),
    key("cinder.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("300"), "How long a good answer of Keystone is kept; -1: not at all.", "cinder.conf"),
    steady(CACHES, key("cinder.keystone_authtoken.memcached_servers", Kind::Words, Default::Unset("a cache in each worker process"), "Where answers of Keystone are kept: one cache for all workers, and for all services with the same list.", "cinder.conf")),
    key("cinder.DEFAULT.scheduler_max_attempts", Kind::Integer { min: 1, max: 4_294_967_295 }, Default::Is("3"), "How often Cinder tries to create a volume.", "cinder.conf"),
    key("cinder.DEFAULT.verify_glance_signatures", Kind::Choice(|| vec!["enabled", "disabled"]), Default::Is("\"enabled\""), "`enabled` asks Glance once more after the download.", "cinder.conf"),
    key("cinder.DEFAULT.executor_thread_pool_size", Kind::Integer { min: 1, max: MOST_SLOTS }, Default::Is("64"), "Volumes that a cinder-volume works on at once, if `cloud.hosts.cinder_volume` says how many there are.", "oslo.messaging, cinder.conf `[DEFAULT]`"),
    key("cinder.DEFAULT.backup_max_operations", Kind::Integer { min: 0, max: MOST_SLOTS }, Default::Is("15"), "Backups and restores of a cinder-backup at once, if `cloud.hosts.cinder_backup` says how many there are; 0: any number.", "cinder.conf"),
    key("cinder.DEFAULT.backup_swift_auth", Kind::Choice(|| vec!["per_user", "single_user"]), Default::Is("\"per_user\""), "Whether backups go to Swift under the user's token or under one of cinder-backup's own.", "cinder.conf"),
    key("cinder.DEFAULT.backup_swift_service_auth", Kind::Flag, Default::Is("false"), "Whether Cinder, if it sends service tokens, sends them to Swift too.", "cinder.conf"),
    key("cinder.DEFAULT.backup_swift_object_size", Kind::Integer { min: 1, max: MOST }, Default::Is("52428800"), "Bytes of a piece of a backup, each of which is a request to Swift.", "cinder.conf"),
    key("cinder.nova.auth_type", Kind::Text, Default::Unset("the user's token, exchanged"), "How Cinder logs in to Nova for what users may not do.", "cinder.conf"),

    key("glance.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "glance-api.conf"),
    key("glance.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Since20262("false", "true"), "Whether a service token without such a role fails the request.", "glance-api.conf"),
    key("glance.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("300"), "How long a good answer of Keystone is kept; -1: not at all.", "glance-api.conf"),
    steady(CACHES, key("glance.keystone_authtoken.memcached_servers", Kind::Words, Default::Unset("a cache in each worker process"), "Where answers of Keystone are kept: one cache for all workers, and for all services with the same list.", "glance-api.conf")),
    key("glance.glance_store.default_store", Kind::Choice(|| vec!["file", "rbd", "swift", "cinder"]), Default::Is("\"file\""), "Where image data lies.", "glance-api.conf"),
    key("glance.glance_store.swift_store_multi_tenant", Kind::Flag, Default::Is("false"), "With `swift`: whether Glance reads with the user's token.", "glance-api.conf"),
    key("glance.glance_store.cinder_store_user_name", Kind::Text, Default::Unset("the user's token"), "With `cinder`: the user with whose credentials Glance reads. It stands for all that they need: `cinder_store_password`, `cinder_store_project_name` and `cinder_store_auth_address` are taken as set, too.", "glance-api.conf"),
    key("glance.glance_store.swift_store_use_trusts", Kind::Flag, Default::Is("true"), "With `swift_store_multi_tenant`: whether Glance gets itself a trust before it uploads segments.", "glance-api.conf"),
    key("glance.wsgi.task_pool_threads", Kind::Integer { min: 1, max: MOST_SLOTS }, Default::Is("16"), "Imports that a worker of Glance runs at once, if `cloud.workers.glance` says how many there are.", "glance-api.conf"),

    key("swift.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "proxy-server.conf `[filter:authtoken]`"),
    key("swift.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Is("false"), "Whether a service token without such a role fails the request; here `false` in every release.", "assumption"),
    key("swift.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("-1"), "How long a good answer of Keystone is kept; -1: not at all.", "assumption"),
    steady(CACHES, key("swift.keystone_authtoken.memcached_servers", Kind::Words, Default::Unset("one cache for all workers, as `cache = swift.cache`"), "Where answers of Keystone are kept: one cache for all workers, and for all services with the same list.", "proxy-server.conf `[filter:authtoken]`")),

    key("neutron.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "neutron.conf"),
    key("neutron.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Since20262("false", "true"), "Whether a service token without such a role fails the request.", "neutron.conf"),
    key("neutron.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("300"), "How long a good answer of Keystone is kept; -1: not at all.", "neutron.conf"),
    steady(CACHES, key("neutron.keystone_authtoken.memcached_servers", Kind::Words, Default::Unset("a cache in each worker process"), "Where answers of Keystone are kept: one cache for all workers, and for all services with the same list.", "neutron.conf")),

    key("cloud.release", Kind::Choice(|| RELEASES.to_vec()), Default::Is("\"2026.2\""), "Release of OpenStack, which decides defaults that changed.", ""),
    key("cloud.image_path", Kind::Choice(|| vec!["copy", "clone"]), Default::Is("\"copy\""), "`copy`: Cinder downloads and converts the image; `clone`: the backend clones it, with no long phase.", ""),
    steady(SCHEDULE, key("cloud.fernet_rotation.every", Kind::Time { positive: true }, Default::Unset("never"), "Time between two runs of `keystone-manage fernet_rotate`, for all time before and after the start.", "")),
    steady(SCHEDULE, key("cloud.fernet_rotation.offset", Kind::Offset, Default::Is("\"random\""), "One of the instants of `every`; `random` draws it for each replication.", "")),
    steady(SCHEDULE, key("cloud.fernet_rotation.at", Kind::Instants, NONE, "The complete list of rotations, instead of `every`.", "")),
    steady(SCHEDULE, key("cloud.fernet_rotation.extra", Kind::Instants, Default::Is("[]"), "Further runs, beside `every` or `at`: a playbook that was run again.", "")),
    steady(NODES, key("cloud.keystone.nodes", Kind::Size { max: MOST_NODES }, Default::Is("1"), "Nodes of Keystone, numbered from 0. The first rotates the keys, and the others get copies of them.", "")),
    burden(key("cloud.keystone.clock_offset", Kind::ByNode, Default::Is("\"0s\""), "The nodes' clocks minus the true one.", "")),
    burden(steady(COPIES, key("cloud.keystone.sync_lag", SECONDS, Default::Is("\"0s\""), "How long after a rotation a node has the copy.", ""))),
    burden(steady(COPIES, key("cloud.keystone.sync_missed", Kind::Share, Default::Is("0"), "Share of the copies that never arrive.", ""))),
    steady(COPIES, key("cloud.keystone.missed_syncs", Kind::MissedSyncs, Default::Is("[]"), "Times during which no copy reaches a node: of rotations at `from` or later, and before `until`.", "")),
    steady(SCHEDULE, key("cloud.keystone.rotations", Kind::Schedules, Default::Unset("the first node, as `cloud.fernet_rotation` says"), "For each node the complete list of instants at which it rotates keys of its own; no copies are made.", "")),
    burden(key("cloud.keystone.validation_time", SECONDS, Default::Is("\"0s\""), "Work of a worker of Keystone for the validation of a token.", "")),
    burden(key("cloud.keystone.issue_time", SECONDS, Default::Is("\"0s\""), "Work of a worker of Keystone for a new token.", "")),
    steady(TIMELINE, key("cloud.keystone.outages", Kind::Periods, Default::Is("[]"), "When nobody reaches Keystone: from the first instant to just before the second.", "")),
    key("cloud.workers.keystone", Kind::Size { max: MOST_WORKERS }, Default::Unset("any number"), "Worker processes of Keystone, on each node; requests queue for them.", ""),
    key("cloud.workers.nova", Kind::Size { max: MOST_WORKERS }, Default::Unset("any number"), "Worker processes of nova-api; requests queue for them.", ""),
    key("cloud.workers.cinder", Kind::Size { max: MOST_WORKERS }, Default::Unset("any number"), "Worker processes of cinder-api; requests queue for them.", ""),
    steady(IMPORTS, key("cloud.workers.glance", Kind::Size { max: MOST_WORKERS }, Default::Unset("any number"), "Worker processes of glance-api; requests queue for them.", "")),
    key("cloud.workers.swift", Kind::Size { max: MOST_WORKERS }, Default::Unset("any number"), "Worker processes of Swift's proxy; requests queue for them.", ""),
    key("cloud.workers.neutron", Kind::Size { max: MOST_WORKERS }, Default::Unset("any number"), "Worker processes of neutron-server; requests queue for them.", ""),
    steady(HOSTS, key("cloud.hosts.nova_compute", Kind::Size { max: MOST_HOSTS }, Default::Unset("nothing queues there"), "Compute hosts, each with its own slots for builds, snapshots and live migrations.", "")),
    steady(HOSTS, key("cloud.hosts.cinder_volume", Kind::Size { max: MOST_HOSTS }, Default::Unset("nothing queues there"), "Hosts of cinder-volume, each with threads of its own.", "")),
    steady(HOSTS, key("cloud.hosts.cinder_backup", Kind::Size { max: MOST_HOSTS }, Default::Unset("nothing queues there"), "Hosts of cinder-backup, each with a limit of its own.", "")),
    key("cloud.clocks.nova", Kind::SignedTime, Default::Is("\"0s\""), "The clock of the service's hosts minus the true one.", ""),
    key("cloud.clocks.cinder", Kind::SignedTime, Default::Is("\"0s\""), "The clock of the service's hosts minus the true one.", ""),
    key("cloud.clocks.glance", Kind::SignedTime, Default::Is("\"0s\""), "The clock of the service's hosts minus the true one.", ""),
    key("cloud.clocks.swift", Kind::SignedTime, Default::Is("\"0s\""), "The clock of the service's hosts minus the true one.", ""),
    key("cloud.clocks.neutron", Kind::SignedTime, Default::Is("\"0s\""), "The clock of the service's hosts minus the true one.", ""),
    key("cloud.service_users.nova.roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of the user of Nova's `[service_user]`.", "assumption"),
    steady(TIMELINE, key("cloud.service_users.nova.disabled_at", Kind::Instant, Default::Unset("never"), "When that user is disabled.", "")),
    key("cloud.service_users.cinder.roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of the user of Cinder's `[service_user]`.", "assumption"),
    steady(TIMELINE, key("cloud.service_users.cinder.disabled_at", Kind::Instant, Default::Unset("never"), "When that user is disabled.", "")),
    key("cloud.service_users.nova_authtoken.roles", Kind::Words, Default::Is("[\"admin\", \"service\"]"), "Roles of the user of Nova's `[keystone_authtoken]`, with which nova-api sends when `[service_user]` is off.", "assumption"),
    key("cloud.image_transfer.per_job", Kind::Throughput, Default::Unset("copies take no time"), "Ceiling of one copy of an image between Glance and whoever reads or writes it.", ""),
    key("cloud.image_transfer.bandwidth", Kind::Throughput, Default::Unset("they do not meet"), "What all of them share at once.", ""),
    key("cloud.image_conversion.per_job", Kind::Throughput, Default::Unset("conversions take no time"), "Ceiling of one conversion of an image, or extraction of a disk.", ""),
    key("cloud.image_conversion.bandwidth", Kind::Throughput, Default::Unset("they do not meet"), "What all of them share at once.", ""),
    key("cloud.volume_copy.per_job", Kind::Throughput, Default::Unset("copies take no time"), "Ceiling of one copy from a volume to another one, or to its backup and back.", ""),
    key("cloud.volume_copy.bandwidth", Kind::Throughput, Default::Unset("they do not meet"), "What all of them share at once.", ""),
    key("cloud.memory_copy.per_job", Kind::Throughput, Default::Unset("copies take no time"), "Ceiling of one copy from one hypervisor to another.", ""),
    key("cloud.memory_copy.bandwidth", Kind::Throughput, Default::Unset("they do not meet"), "What all of them share at once.", ""),
    burden(key("cloud.requests.time", SECONDS, Default::Is("\"0s\""), "Work of one API request at its receiver.", "")),

    fixed(NAMES, key("service.name", Kind::Name, Default::Required, "Name of a service of the scenario's own, and of its one process.", "")),
    fixed(SERVICE, key("service.service_user.send_service_user_token", Kind::Flag, Default::Is("false"), "Whether it sends a service token beside the user's.", "")),
    fixed(SERVICE, key("service.service_user.roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of the user of its service tokens.", "assumption")),
    fixed(SERVICE, key("service.service_user.disabled_at", Kind::Instant, Default::Unset("never"), "When that user is disabled.", "")),
    fixed(SERVICE, key("service.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "keystonemiddleware")),
    fixed(SERVICE, key("service.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Since20262("false", "true"), "Whether a service token without such a role fails the request.", "keystonemiddleware")),
    fixed(SERVICE, key("service.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("300"), "How long a good answer of Keystone is kept; -1: not at all.", "keystonemiddleware")),
    fixed(SERVICE, key("service.pools", Kind::Free, Default::Unset("nobody queues"), "Its pools with their sizes: `api`, its API workers, and those whose slots steps hold.", "")),
    fixed(LINKS, key("link.name", Kind::Name, Default::Required, "Name of a link of the scenario's own, over which jobs of its own copy.", "")),
    fixed(LINKS, key("link.per_job", Kind::Throughput, Default::Unset("copies take no time"), "Ceiling of one copy.", "")),
    fixed(LINKS, key("link.bandwidth", Kind::Throughput, Default::Unset("they do not meet"), "What all copies share at once.", "")),

    fixed(NAMES, key("workload.name", Kind::Name, Default::Unset("the job kind"), "Name of the workload, unique in the scenario; `all` is taken.", "")),
    fixed(KIND, key("workload.job", Kind::Job, Default::Required, "What its jobs do.", "")),
    burden(key("workload.arrivals", Kind::Arrivals, Default::Required, "When its jobs are submitted.", "")),
    burden(key("workload.token_age", Kind::TokenAge, Default::Is("{ renewing = \"120s\" }"), "Age of the user's token at submission.", "keystoneauth renews 120 s before the end")),
    key("workload.delete_on_termination", Kind::Flag, Default::Is("false"), "Of the block device mapping: whether Nova deletes the volume after a failure.", ""),
    key("workload.attached", Kind::Flag, Default::Is("true"), "Of kinds that ask for it: whether the instance has a volume, or the volume an instance.", ""),
    key("workload.method", Kind::Choice(|| vec!["web-download", "glance-direct", "copy-image"]), Default::Is("\"web-download\""), "Of imports: how the image comes to Glance.", ""),
    key("workload.uploader", Kind::Choice(|| vec!["client", "nova"]), Default::Is("\"client\""), "Of uploads: who sends the image to Glance.", ""),
    key("workload.revoke_after", Kind::Dist(Unit::SignedSeconds), Default::Unset("never"), "When the user's token is revoked, counted from submission; may be negative.", ""),
    key("workload.user_disabled_at", Kind::Instant, Default::Unset("never"), "When the user is disabled, and with it every token of theirs.", ""),
    burden(key("workload.service_token_age", Kind::Time { positive: false }, Default::Unset("fetched on first use"), "Age, at the start, of the service token that each sender holds; the same in all workloads.", "")),

    fixed(CHANGES, key("change.at", Kind::Instant, Default::Required, "From when on the other keys of the entry hold; after 0, and before the end of `run.duration` and `run.drain`.", "")),

    fixed(LIST, key("expect.metric", Kind::Choice(|| codes(&Metric::ALL, Metric::code)), Default::Required, "What is bounded: a column of `summary.csv`.", "")),
    fixed(LIST, key("expect.min", Kind::Bound, NONE, "The one-sided lower bound must not be below it.", "")),
    fixed(LIST, key("expect.max", Kind::Bound, NONE, "The one-sided upper bound must not exceed it.", "")),
    fixed(LIST, key("expect.where", Kind::Free, Default::Unset("every point"), "Only points with these values of swept keys; an array means any of them.", "")),
    fixed(LIST, key("expect.workload", Kind::Text, Default::Unset("all together"), "Only this workload.", "")),
    fixed(LIST, key("expect.step", Kind::Text, Default::Unset("every step"), "Only failures at this step.", "")),
    fixed(LIST, key("expect.reason", Kind::Choice(|| codes(Reason::ALL, Reason::code)), Default::Unset("every reason"), "Only failures for this reason.", "")),
    fixed(LIST, key("expect.confidence", Kind::Level, Default::Unset("`run.confidence`"), "Confidence level of this bound.", "")),
];

fn intervals() -> Vec<&'static str> {
    Metric::ALL.into_iter().filter(|metric| metric.has_interval()).map(Metric::code).collect()
}

fn codes<T: Copy>(all: &[T], code: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|&one| code(one)).collect()
}

static BY_PATH: LazyLock<HashMap<&'static str, &'static Key>> =
    LazyLock::new(|| KEYS.iter().map(|key| (key.path, key)).collect());

/// The key with this path in the table.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    BY_PATH.get(path).copied()
}

/// Whether more of the key at a dotted path, which may be one of a workload, makes jobs harder.
pub(super) fn is_burden(path: &str) -> bool {
    match path.strip_prefix("workload.").and_then(|rest| rest.rsplit_once('.')) {
        // What jobs draw (sizes, times, counts) is work for them, and no key of the table.
        Some((_, name)) => find(&format!("workload.{name}")).is_none_or(|key| key.is_burden),
        None => find(path).is_some_and(|key| key.is_burden),
    }
}

/// The kind of a key that stands behind a prefix of the table.
pub(super) fn kind(prefix: &str, key: &str) -> Option<Kind> {
    if prefix.is_empty() { find(key) } else { find(&format!("{prefix}{key}")) }.map(|key| key.kind)
}

/// The defaults of a release, as a layer of their own.
#[derive(Debug)]
pub(super) struct Defaults {
    pub(super) scenario: Table,
    pub(super) workload: Table,
    pub(super) service: Table,
}

/// The defaults of the release with this name, or of the newest.
pub(super) fn defaults(release: &str) -> &'static Defaults {
    static ALL: LazyLock<Vec<Defaults>> =
        LazyLock::new(|| RELEASES.iter().map(|release| of_release(release)).collect());
    let index = RELEASES.iter().position(|known| *known == release).unwrap_or(RELEASES.len() - 1);
    &ALL[index]
}

fn of_release(release: &str) -> Defaults {
    let mut text = String::new();
    for key in KEYS {
        if let Some(value) = default_text(key, release) {
            text.push_str(&format!("{} = {value}\n", key.path));
        }
    }
    // A default stands in no file that a caret could point at.
    let table = document::parse(&text, Place::NOWHERE.source, &mut Collected::default()).unwrap_or_default();
    let mut table = table.at_place(Place::NOWHERE);
    let list = |name: &str| table.get(name).and_then(Value::as_table).cloned().unwrap_or_default();
    let (workload, service) = (list("workload"), list("service"));
    table.entries.retain(|entry| !matches!(&*entry.key, "workload" | "service"));
    Defaults { scenario: table, workload, service }
}

/// The default of a key under a release, as TOML.
pub(super) fn default_text(key: &Key, release: &str) -> Option<&'static str> {
    match key.default {
        Default::Unset(_) | Default::Required => None,
        Default::Is(text) => Some(text),
        Default::Since20262(before, since) => Some(if release < "2026.2" { before } else { since }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read::Context;

    #[test]
    fn every_default_is_a_good_value() {
        for release in RELEASES {
            let defaults = defaults(release);
            for key in KEYS.iter().filter(|key| default_text(key, release).is_some()) {
                let value = match key.path.split_once('.') {
                    Some(("workload", rest)) => defaults.workload.at(rest),
                    Some(("service", rest)) => defaults.service.at(rest),
                    Some(_) | None => defaults.scenario.at(key.path),
                };
                let mut cx = Context::default();
                let value = value.unwrap_or_else(|| panic!("no default of {}", key.path));
                assert!(key.kind.parse(key.path, value, &mut cx).is_some(), "{}", key.path);
            }
        }
    }

    #[test]
    fn the_role_is_required_from_2026_2_on() {
        let required = |release: &str| {
            let path = "glance.keystone_authtoken.service_token_roles_required";
            defaults(release).scenario.at(path).map(ToString::to_string)
        };
        assert_eq!(required("2026.1").as_deref(), Some("false"));
        assert_eq!(required("2026.2").as_deref(), Some("true"));
    }

    #[test]
    fn paths_are_unique() {
        assert_eq!(BY_PATH.len(), KEYS.len());
    }
}
