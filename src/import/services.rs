//! What is known of the services' files beyond the key table of scenarios: old names, bounds, options that are gone.
//!
//! The versions are Keystone 30.0.0, Nova 34.0.0, Cinder 29.0.0, Glance 33.0.0 and keystonemiddleware 13.0.1; a
//! record of what their option lists say is compared with all of it in a test.

use crate::oslo::{DEFAULT, Opt, Type, Value};
use crate::scenario::{ServiceOption, Shape};

/// A service whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Its file has lifetimes and keys.
    Keystone,
    /// Its file says what nova-api and nova-compute send and accept.
    Nova,
    /// Its file says the same of Cinder and its backups.
    Cinder,
    /// Its file says the same of glance-api and its stores.
    Glance,
}

impl Service {
    /// All of them, in the order in which scenarios have them.
    pub const ALL: [Service; 4] = [Service::Keystone, Service::Nova, Service::Cinder, Service::Glance];

    /// Its name in scenarios.
    pub const fn code(self) -> &'static str {
        match self {
            Service::Keystone => "keystone",
            Service::Nova => "nova",
            Service::Cinder => "cinder",
            Service::Glance => "glance",
        }
    }

    /// The name of its file.
    pub const fn file_name(self) -> &'static str {
        match self {
            Service::Keystone => "keystone.conf",
            Service::Nova => "nova.conf",
            Service::Cinder => "cinder.conf",
            Service::Glance => "glance-api.conf",
        }
    }

    /// Sections that no other of these services has.
    pub(super) const fn own_sections(self) -> &'static [&'static str] {
        match self {
            Service::Keystone => {
                &["token", "fernet_tokens", "fernet_receipts", "credential", "identity", "assignment", "federation"]
            }
            Service::Nova => {
                &["libvirt", "scheduler", "filter_scheduler", "conductor", "compute", "api_database", "vnc"]
            }
            Service::Cinder => &["backend_defaults", "coordination", "fc-zone-manager"],
            Service::Glance => &["glance_store", "image_format", "paste_deploy", "taskflow_executor"],
        }
    }

    /// Options of `[DEFAULT]` that no other of these services has: many files of Cinder have no section of its own.
    pub(super) const fn own_options(self) -> &'static [&'static str] {
        match self {
            Service::Keystone => &["admin_token", "public_endpoint"],
            Service::Nova => &["instances_path", "compute_driver", "block_device_allocate_retries"],
            Service::Cinder => &["default_volume_type", "volume_name_template", "osapi_volume_listen", "backup_driver"],
            Service::Glance => &["show_multiple_locations", "image_size_cap", "enabled_import_methods"],
        }
    }
}

/// The least value of options that have one and are integers.
const AT_LEAST: [(&str, i128); 11] = [
    ("keystone.token.expiration", 0),
    ("keystone.token.cache_time", 0),
    ("keystone.cache.expiration_time", 1),
    ("keystone.fernet_tokens.max_active_keys", 1),
    ("nova.DEFAULT.block_device_allocate_retries", 0),
    ("nova.DEFAULT.block_device_allocate_retries_interval", 0),
    ("nova.DEFAULT.max_concurrent_builds", 0),
    ("nova.DEFAULT.max_concurrent_snapshots", 0),
    ("nova.DEFAULT.max_concurrent_live_migrations", 0),
    ("cinder.DEFAULT.backup_max_operations", 0),
    ("glance.wsgi.task_pool_threads", 1),
];

/// The values of options that are texts to a scenario, or have values that a scenario has not.
const CHOICES: [(&str, &[&str]); 2] = [
    (
        "keystone.cache.backend",
        &[
            "oslo_cache.memcache_pool",
            "oslo_cache.dict",
            "oslo_cache.etcd3gw",
            "dogpile.cache.pymemcache",
            "dogpile.cache.memcached",
            "dogpile.cache.pylibmc",
            "dogpile.cache.bmemcached",
            "dogpile.cache.dbm",
            "dogpile.cache.redis",
            "dogpile.cache.redis_sentinel",
            "dogpile.cache.memory",
            "dogpile.cache.memory_pickle",
            "dogpile.cache.null",
        ],
    ),
    (
        super::stores::DEFAULT_STORE,
        &[
            "file",
            "filesystem",
            "http",
            "https",
            "swift",
            "swift+http",
            "swift+https",
            "swift+config",
            "rbd",
            "cinder",
            "vsphere",
            "s3",
        ],
    ),
];

/// Older names of an option, in the same section.
fn older_names(option: ServiceOption) -> &'static [&'static str] {
    match (option.section, option.name) {
        ("keystone_authtoken", "memcached_servers") => &["memcache_servers"],
        (DEFAULT, "executor_thread_pool_size") => &["rpc_thread_pool_size"],
        ("nova", "auth_type") => &["auth_plugin"],
        _ => &[],
    }
}

/// An option of the key table as oslo.config knows it.
pub(super) fn declared(option: ServiceOption, release: &str) -> Opt {
    let path = option.path();
    let kind = match option.shape() {
        Shape::Flag => Type::Flag,
        Shape::Integer(..) => {
            let min = AT_LEAST.iter().find(|(known, _)| *known == path).map_or(i128::MIN, |(_, least)| *least);
            Type::Integer { min, max: i128::MAX }
        }
        Shape::Words => Type::List,
        // The words of the key, unless a scenario knows fewer than the service. Any other may be a secret that strayed.
        shape @ (Shape::Text | Shape::Choice(_)) => match (CHOICES.iter().find(|(known, _)| *known == path), shape) {
            (Some((_, choices)), _) => Type::Choice(choices.to_vec()),
            (None, Shape::Choice(choices)) => Type::Choice(choices),
            (None, _) => Type::Text,
        },
    };
    let default = option.default(release).and_then(|text| default(&kind, text));
    let older = older_names(option).iter().map(|name| (option.section.to_owned(), (*name).to_owned()));
    Opt { section: option.section.to_owned(), name: option.name.to_owned(), deprecated: older.collect(), kind, default }
}

/// A default of the key table, which is TOML, as a value of oslo.config.
fn default(kind: &Type, toml: &str) -> Option<Value> {
    let text = |text: &str| text.trim_matches('"').to_owned();
    match kind {
        Type::Flag => Some(Value::Flag(toml == "true")),
        Type::Integer { .. } => toml.parse().ok().map(Value::Integer),
        Type::Text | Type::Choice(_) => Some(Value::Text(text(toml))),
        Type::List => {
            let items = toml.trim_matches(['[', ']']).split(',').map(|item| text(item.trim()));
            Some(Value::List(items.filter(|item| !item.is_empty()).collect()))
        }
        Type::Pairs | Type::Multi => None,
    }
}

/// An option that some releases do not have.
pub(super) struct Gone {
    pub(super) service: Service,
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// The first release without it; `None`: no known release has it.
    pub(super) since: Option<&'static str>,
    pub(super) instead: &'static str,
}

const WORKERS: &str = "the web server decides how many workers there are; in a scenario `cloud.workers` does";
const RENAMED: &str = "its name is `www_authenticate_uri` now";
const LOGIN: &str = "write `auth_type`, `auth_url`, `username`, `password` and so on";
const ALWAYS_ASKED: &str = "tokens are always validated by Keystone, and good answers kept for `token_cache_time`";
const NO_CHOICE: &str = "nothing takes its place";
/// Since keystonemiddleware 13.0.0, which has no `_auth.py`.
const LOGINS: [&str; 9] = [
    "identity_uri",
    "auth_host",
    "auth_port",
    "auth_protocol",
    "auth_admin_prefix",
    "admin_token",
    "admin_user",
    "admin_password",
    "admin_tenant_name",
];

/// Options that people still write although some known release ignores them, as far as they touch what is simulated.
pub(super) fn gone() -> Vec<Gone> {
    let mut gone = Vec::new();
    let mut add = |service, section, name, since, instead| gone.push(Gone { service, section, name, since, instead });
    // nova b3aefbcb58, in 32.0.0, and glance 01b828cbf, in 33.0.0.
    add(Service::Nova, DEFAULT, "osapi_compute_workers", Some("2025.2"), WORKERS);
    add(Service::Glance, DEFAULT, "workers", Some("2026.2"), WORKERS);
    for name in ["bind", "enforce_token_bind", "hash_algorithm", "infer_roles", "driver"] {
        add(Service::Keystone, "token", name, None, NO_CHOICE);
    }
    for service in [Service::Nova, Service::Cinder, Service::Glance] {
        add(service, "keystone_authtoken", "auth_uri", Some("2026.2"), RENAMED);
        for name in LOGINS {
            add(service, "keystone_authtoken", name, Some("2026.2"), LOGIN);
        }
        for name in ["check_revocations_for_cached", "hash_algorithms", "revocation_cache_time", "signing_dir"] {
            add(service, "keystone_authtoken", name, None, ALWAYS_ASKED);
        }
    }
    gone
}
