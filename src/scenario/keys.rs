//! The key table: every key of a scenario file, once. Checks, defaults, sweeps, reference and schema follow from it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::jobs;
use crate::model::study::Metric;
use crate::model::vocabulary::Reason;

use super::dist::Unit;
use super::kind::Kind;
use super::presets;
use crate::document::Collected;
use crate::document::Place;
use crate::document::{self, Node, Table, Value};

/// A key and all that is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Dotted; the keys of `[[workload]]` and `[[expect]]` begin with `workload.` and `expect.`. What the jobs of a
    /// workload draw are keys of their kind, not of this table.
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    pub(super) default: Default,
    /// Why it cannot be swept; `None`: it can.
    pub(super) fixed: Option<&'static str>,
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

const MOST: i64 = i64::MAX;
const NAMES: &str = "names are the same at every point";
const PRECISION: &str = "it says how often a point is repeated, not what is simulated";
const LIST: &str = "it says what is expected, not what is simulated";
const KIND: &str = "the columns of the results depend on it; write a workload per kind";

/// Short forms, so that the table reads as one.
const fn key(path: &'static str, kind: Kind, default: Default, meaning: &'static str, origin: &'static str) -> Key {
    Key { path, kind, default, fixed: None, meaning, origin }
}

const fn fixed(why: &'static str, key: Key) -> Key {
    Key { fixed: Some(why), ..key }
}

const NONE: Default = Default::Unset("");
const SECONDS: Kind = Kind::Dist(Unit::Seconds);

/// The table.
#[rustfmt::skip]
pub(super) static KEYS: &[Key] = &[
    fixed(NAMES, key("name", Kind::Name, Default::Required, "Name of the scenario and of its output folder.", "")),
    fixed(NAMES, key("description", Kind::Text, Default::Is("\"\""), "What the scenario asks, in a sentence.", "")),
    key("preset", Kind::Choice(presets::names), NONE, "What a deployment tool ships, put below everything that is written here.", ""),
    fixed("it is read before the sweep", key("include", Kind::Paths, NONE, "Scenario files that are put below this one, later ones over earlier ones.", "")),
    fixed("it is the sweep", key("sweep", Kind::Free, Default::Unset("one point"), "Dotted keys with the list of values of each; every combination is a point.", "")),

    fixed("points are compared under common random numbers", key("run.seed", Kind::Integer { min: 0, max: MOST }, Default::Is("1"), "Seed of every random stream.", "")),
    fixed(PRECISION, key("run.replications", Kind::Integer { min: 1, max: 1_000_000 }, Default::Is("16"), "Independent repetitions of each point.", "")),
    fixed(PRECISION, key("run.confidence", Kind::Level, Default::Is("0.95"), "Confidence level of intervals and bounds.", "")),
    key("run.duration", Kind::Time { positive: true }, Default::Is("\"1d\""), "Jobs arrive in [0, duration).", ""),
    key("run.warm_up", Kind::Time { positive: false }, Default::Is("\"0s\""), "Jobs that arrive earlier are simulated and not counted; less than `duration`.", ""),
    key("run.drain", Kind::Time { positive: false }, Default::Is("\"30d\""), "How long after the last arrival jobs may take to end; what is left then is `unfinished`.", ""),

    key("keystone.token.provider", Kind::Choice(|| vec!["fernet", "jws"]), Default::Is("\"fernet\""), "What protects tokens; only Fernet keys are ever purged.", "keystone.conf"),
    key("keystone.token.expiration", Kind::Seconds { off: false }, Default::Is("3600"), "Lifetime of every token, service tokens included.", "keystone.conf"),
    key("keystone.token.allow_expired_window", Kind::Seconds { off: false }, Default::Is("172800"), "How long after its end a token is still accepted beside a good service token.", "keystone.conf"),
    key("keystone.fernet_tokens.max_active_keys", Kind::Integer { min: 1, max: 4_294_967_295 }, Default::Is("3"), "Fernet keys that are kept, the staged one included.", "keystone.conf"),

    key("nova.service_user.send_service_user_token", Kind::Flag, Default::Is("false"), "Whether nova-compute sends a service token beside the user's; nova-api always does.", "nova.conf"),
    key("nova.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "nova.conf"),
    key("nova.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Since20262("false", "true"), "Whether a service token without such a role fails the request.", "nova.conf"),
    key("nova.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("300"), "How long a good answer of Keystone is kept; -1: not at all.", "nova.conf"),
    key("nova.DEFAULT.block_device_allocate_retries", Kind::Integer { min: i64::MIN, max: 4_294_967_294 }, Default::Is("60"), "Nova polls a volume this many times and once more; 0 or less: once.", "nova.conf"),
    key("nova.DEFAULT.block_device_allocate_retries_interval", Kind::Seconds { off: false }, Default::Is("3"), "Time between two polls; 0 only with at most 1000 retries.", "nova.conf"),

    key("cinder.service_user.send_service_user_token", Kind::Flag, Default::Is("false"), "Whether Cinder sends a service token to Glance beside the user's.", "cinder.conf"),
    key("cinder.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "cinder.conf"),
    key("cinder.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Since20262("false", "true"), "Whether a service token without such a role fails the request.", "cinder.conf"),
    key("cinder.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("300"), "How long a good answer of Keystone is kept; -1: not at all.", "cinder.conf"),
    key("cinder.DEFAULT.scheduler_max_attempts", Kind::Integer { min: 1, max: 4_294_967_295 }, Default::Is("3"), "How often Cinder tries to create a volume.", "cinder.conf"),
    key("cinder.DEFAULT.verify_glance_signatures", Kind::Choice(|| vec!["enabled", "disabled"]), Default::Is("\"enabled\""), "`enabled` asks Glance once more after the download.", "cinder.conf"),

    key("glance.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "glance-api.conf"),
    key("glance.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Since20262("false", "true"), "Whether a service token without such a role fails the request.", "glance-api.conf"),
    key("glance.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("300"), "How long a good answer of Keystone is kept; -1: not at all.", "glance-api.conf"),
    key("glance.glance_store.default_store", Kind::Choice(|| vec!["file", "rbd", "swift", "cinder"]), Default::Is("\"file\""), "Where image data lies.", "glance-api.conf"),
    key("glance.glance_store.swift_store_multi_tenant", Kind::Flag, Default::Is("false"), "With `swift`: whether Glance reads with the user's token.", "glance-api.conf"),
    key("glance.glance_store.cinder_store_user_name", Kind::Text, Default::Unset("the user's token"), "With `cinder`: the user with whose credentials Glance reads.", "glance-api.conf"),

    key("swift.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "proxy-server.conf `[filter:authtoken]`"),
    key("swift.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Is("false"), "Whether a service token without such a role fails the request; here `false` in every release.", "assumption"),
    key("swift.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("-1"), "How long a good answer of Keystone is kept; -1: not at all.", "assumption"),

    key("neutron.keystone_authtoken.service_token_roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of which a service token needs one.", "neutron.conf"),
    key("neutron.keystone_authtoken.service_token_roles_required", Kind::Flag, Default::Since20262("false", "true"), "Whether a service token without such a role fails the request.", "neutron.conf"),
    key("neutron.keystone_authtoken.token_cache_time", Kind::Seconds { off: true }, Default::Is("300"), "How long a good answer of Keystone is kept; -1: not at all.", "neutron.conf"),

    key("cloud.release", Kind::Choice(|| RELEASES.to_vec()), Default::Is("\"2026.2\""), "Release of OpenStack, which decides defaults that changed.", ""),
    key("cloud.image_path", Kind::Choice(|| vec!["copy", "clone"]), Default::Is("\"copy\""), "`copy`: Cinder downloads and converts the image; `clone`: the backend clones it, with no long phase.", ""),
    key("cloud.fernet_rotation.every", Kind::Time { positive: true }, Default::Unset("never"), "Time between two runs of `keystone-manage fernet_rotate`, for all time before and after the start.", ""),
    key("cloud.fernet_rotation.offset", Kind::Offset, Default::Is("\"random\""), "One of the instants of `every`; `random` draws it for each replication.", ""),
    key("cloud.fernet_rotation.at", Kind::Instants, NONE, "The complete list of rotations, instead of `every`.", ""),
    key("cloud.service_users.nova.roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of the user of Nova's `[service_user]`.", "assumption"),
    key("cloud.service_users.nova.disabled_at", Kind::Instant, Default::Unset("never"), "When that user is disabled.", ""),
    key("cloud.service_users.cinder.roles", Kind::Words, Default::Is("[\"service\"]"), "Roles of the user of Cinder's `[service_user]`.", "assumption"),
    key("cloud.service_users.cinder.disabled_at", Kind::Instant, Default::Unset("never"), "When that user is disabled.", ""),
    key("cloud.service_users.nova_authtoken.roles", Kind::Words, Default::Is("[\"admin\", \"service\"]"), "Roles of the user of Nova's `[keystone_authtoken]`, with which nova-api sends when `[service_user]` is off.", "assumption"),
    key("cloud.image_transfer.per_job", Kind::Throughput, Default::Unset("copies take no time"), "Ceiling of one download of an image.", ""),
    key("cloud.image_conversion.per_job", Kind::Throughput, Default::Unset("conversions take no time"), "Ceiling of one conversion of an image.", ""),
    key("cloud.requests.time", SECONDS, Default::Is("\"0s\""), "Work of one API request at its receiver.", ""),

    fixed(NAMES, key("workload.name", Kind::Name, Default::Unset("the job kind"), "Name of the workload, unique in the scenario; `all` is taken.", "")),
    fixed(KIND, key("workload.job", Kind::Choice(|| jobs::builtins().iter().map(|kind| kind.name.as_str()).collect()), Default::Required, "What its jobs do.", "")),
    key("workload.arrivals", Kind::Arrivals, Default::Required, "When its jobs are submitted.", ""),
    key("workload.token_age", Kind::TokenAge, Default::Is("{ renewing = \"120s\" }"), "Age of the user's token at submission.", "keystoneauth renews 120 s before the end"),
    key("workload.delete_on_termination", Kind::Flag, Default::Is("false"), "Of the block device mapping: whether Nova deletes the volume after a failure.", ""),
    key("workload.revoke_after", Kind::Dist(Unit::SignedSeconds), Default::Unset("never"), "When the user's token is revoked, counted from submission; may be negative.", ""),
    key("workload.service_token_age", Kind::Time { positive: false }, Default::Unset("fetched on first use"), "Age, at the start, of the service token that each sender holds; the same in all workloads.", ""),

    fixed(LIST, key("expect.metric", Kind::Choice(|| codes(&Metric::ALL, Metric::code)), Default::Required, "What is bounded: a column of `summary.csv`.", "")),
    fixed(LIST, key("expect.min", Kind::Bound, NONE, "The one-sided lower bound must not be below it.", "")),
    fixed(LIST, key("expect.max", Kind::Bound, NONE, "The one-sided upper bound must not exceed it.", "")),
    fixed(LIST, key("expect.where", Kind::Free, Default::Unset("every point"), "Only points with these values of swept keys; an array means any of them.", "")),
    fixed(LIST, key("expect.workload", Kind::Text, Default::Unset("all together"), "Only this workload.", "")),
    fixed(LIST, key("expect.step", Kind::Text, Default::Unset("every step"), "Only failures at this step.", "")),
    fixed(LIST, key("expect.reason", Kind::Choice(|| codes(Reason::ALL, Reason::code)), Default::Unset("every reason"), "Only failures for this reason.", "")),
    fixed(LIST, key("expect.confidence", Kind::Level, Default::Unset("`run.confidence`"), "Confidence level of this bound.", "")),
];

fn codes<T: Copy>(all: &[T], code: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|&one| code(one)).collect()
}

static BY_PATH: LazyLock<HashMap<&'static str, &'static Key>> =
    LazyLock::new(|| KEYS.iter().map(|key| (key.path, key)).collect());

/// The key with this path in the table.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    BY_PATH.get(path).copied()
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
    let mut table = document::parse(&text, Place::NOWHERE.source, &mut Collected::default()).unwrap_or_default();
    nowhere_table(&mut table);
    let workload = table.get("workload").and_then(Value::as_table).cloned().unwrap_or_default();
    table.entries.retain(|entry| &*entry.key != "workload");
    Defaults { scenario: table, workload }
}

/// The default of a key under a release, as TOML.
pub(super) fn default_text(key: &Key, release: &str) -> Option<&'static str> {
    match key.default {
        Default::Unset(_) | Default::Required => None,
        Default::Is(text) => Some(text),
        Default::Since20262(before, since) => Some(if release < "2026.2" { before } else { since }),
    }
}

fn nowhere_table(table: &mut Table) {
    for entry in &mut table.entries {
        entry.place = Place::NOWHERE;
        nowhere(&mut entry.value);
    }
}

/// A default stands in no file that a caret could point at.
fn nowhere(value: &mut Value) {
    value.place = Place::NOWHERE;
    match &mut value.node {
        Node::Array(items) => items.iter_mut().for_each(nowhere),
        Node::Table(table) => nowhere_table(table),
        Node::Flag(_) | Node::Integer(_) | Node::Real(_) | Node::Text(_) | Node::Moment(_) => {}
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
                let value = match key.path.strip_prefix("workload.") {
                    Some(rest) => defaults.workload.at(rest),
                    None => defaults.scenario.at(key.path),
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
