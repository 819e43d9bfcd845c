//! Good scenarios of load, of Keystone as a cluster, of faults and of changes.

use std::sync::Arc;

use super::*;
use crate::model::{
    Change, Keys, Keystone, MissedSyncs, Model, Offset, ProcessId, Rotations, Sends, ServiceId, Spread,
};
use crate::random::Dist;
use crate::random::dist::Shape;
use crate::units::{Instant, Span};

fn hours(hours: i64) -> Instant {
    Instant::from_seconds(hours * 3_600)
}

fn seconds(seconds: i64) -> Span {
    Span::from_seconds(seconds)
}

fn keystone(text: &str) -> Keystone {
    model(text).keystone
}

#[test]
fn without_a_word_nothing_queues_fails_or_changes() {
    let model = model("");
    let Keystone { clocks, spread, cache_time, validation_time, issue_time, outages, .. } = &model.keystone;
    assert_eq!(clocks, &[Span::ZERO]);
    assert_eq!(spread, &Spread::Synced { lag: Dist::constant(0.0), missed: 0.0, missed_between: Vec::new() });
    assert_eq!((cache_time, outages.len()), (&None, 0));
    assert_eq!([validation_time, issue_time].map(Dist::as_constant), [Some(0.0); 2]);
    assert!(model.pools.iter().all(|pool| (pool.slots, pool.hosts) == (None, 1)));
    assert!(model.links.iter().all(|link| (link.per_job, link.bandwidth) == (None, None)));
    assert_eq!((model.caches, model.changes.len()), (model.services.len(), 0));
    for (place, service) in (0..).zip(model.services.iter()) {
        assert_eq!((service.first_cache, service.caches, service.clock_ahead), (place, 1, Span::ZERO));
        assert_eq!(model.pool(service.api).name, "api");
        assert_eq!(model.pool(service.api).service, ServiceId(place as u8));
    }
    assert_eq!(model.workloads[0].user_disabled_at, None);
}

#[test]
fn keystone_is_a_cluster() {
    let found = keystone(
        "cloud.workers.keystone = 4\n[cloud.keystone]\nnodes = 3\nclock_offset = [\"0s\", \"2s\", \"-3s\"]\n\
         sync_lag = { uniform = [\"0s\", \"1m\"] }\nsync_missed = \"5%\"\n\
         missed_syncs = [{ node = 2, from = \"-1h\", until = \"72h\" }]\n\
         validation_time = \"8ms\"\nissue_time = { exponential = { mean = \"50ms\" } }\n\
         outages = [{ from = \"5h\", until = \"6h\" }, { from = \"1h\", until = \"2h\" }, { from = \"2h\", until = \"3h\" }]\n\
         [cloud.fernet_rotation]\nevery = \"12h\"\nextra = [\"30h\", \"-2h\"]\n",
    );
    assert_eq!(found.clocks, [seconds(0), seconds(2), seconds(-3)]);
    let lag = Dist::new(Shape::Uniform { low: 0.0, high: 60.0 }, None, None).unwrap();
    let missed_between = vec![MissedSyncs { node: 2, from: hours(-1), until: hours(72) }];
    assert_eq!(found.spread, Spread::Synced { lag, missed: 0.05, missed_between });
    assert_eq!(found.validation_time.as_constant(), Some(0.008));
    assert_eq!(found.issue_time.as_constant(), None);
    // Those that touch are one.
    assert_eq!(*found.outages, [(hours(1), hours(3)), (hours(5), hours(6))]);
    let Keys::Fernet { rotations, extra, .. } = found.keys else { panic!("Fernet is the default") };
    assert_eq!(rotations, Rotations::Every { period: seconds(43_200), offset: Offset::Random });
    assert_eq!(*extra, [hours(-2), hours(30)]);
}

#[test]
fn clocks_and_rotations_by_node() {
    let all = keystone("cloud.keystone = { nodes = 3, clock_offset = \"-1s\" }");
    assert_eq!(all.clocks, [seconds(-1); 3]);
    let apart = keystone("cloud.keystone = { nodes = 2, rotations = [[\"5h\", \"3h\"], []] }");
    let nodes: Vec<Arc<[Instant]>> = vec![[hours(3), hours(5)].into(), [].into()];
    assert_eq!(apart.spread, Spread::Apart(nodes));
    assert_eq!(apart.keys, Keys::Fernet { max_active_keys: 3, rotations: Rotations::Never, extra: [].into() });
    // What a preset says of one schedule for all gives way, and so does what is not swept.
    let preset = keystone("preset = \"kolla-ansible\"\ncloud.keystone = { nodes = 1, rotations = [[\"3h\"]] }");
    assert!(matches!(preset.spread, Spread::Apart(_)));
    let swept = "cloud.keystone.rotations = [[\"3h\"]]\n[sweep]\n\"cloud.fernet_rotation.every\" = [\"1h\"]";
    assert!(matches!(keystone(swept).spread, Spread::Synced { .. }));
    let swept = "cloud.fernet_rotation.every = \"1h\"\n[sweep]\n\"cloud.keystone.rotations\" = [[[\"3h\"]]]";
    assert!(matches!(keystone(swept).spread, Spread::Apart(_)));
}

#[test]
fn keystone_keeps_tokens_if_it_has_a_backend() {
    let backend = "keystone.cache.backend = \"oslo_cache.memcache_pool\"\n";
    for (text, expected) in [
        ("", None),
        ("keystone.token.cache_time = 60", None),
        (backend, Some(600)),
        (&format!("{backend}keystone.cache.expiration_time = \"5m\""), Some(300)),
        (&format!("{backend}keystone.cache.expiration_time = \"5m\"\nkeystone.token.cache_time = 60"), Some(60)),
        (&format!("{backend}keystone.token.caching = false"), None),
        (&format!("{backend}keystone.cache.enabled = false"), None),
    ] {
        assert_eq!(keystone(text).cache_time, expected.map(seconds), "{text}");
    }
}

/// Slots and hosts of a pool.
fn pool(model: &Model, service: ServiceId, name: &str) -> (Option<u32>, u32) {
    let pool = model.pools.iter().find(|pool| pool.service == service && pool.name == name).expect("there is one");
    (pool.slots, pool.hosts)
}

#[test]
fn pools_have_slots_where_somebody_counts_the_hosts() {
    let hosts = "cloud.hosts = { nova_compute = 40, cinder_volume = 3, cinder_backup = 2 }\ncloud.workers.glance = 6\n";
    let old = "cloud.release = \"2026.1\"\n";
    let none = "[nova.DEFAULT]\nmax_concurrent_builds = 0\nmax_concurrent_snapshots = 0\n\
        max_concurrent_live_migrations = 0\n[cinder.DEFAULT]\nbackup_max_operations = 0\n";
    let some = "[nova.DEFAULT]\nmax_concurrent_builds = 7\n[cinder.DEFAULT]\nexecutor_thread_pool_size = 8\n\
        backup_max_operations = 1\n[glance.wsgi]\ntask_pool_threads = 2\n";
    let places = [
        (ServiceId::NOVA, "builds", 40),
        (ServiceId::NOVA, "snapshots", 40),
        (ServiceId::NOVA, "live_migrations", 40),
        (ServiceId::CINDER, "volumes", 3),
        (ServiceId::CINDER, "backups", 2),
        (ServiceId::GLANCE, "imports", 6),
    ];
    for (text, slots) in [
        (hosts.to_owned(), [Some(10), Some(5), Some(1), Some(64), Some(15), Some(16)]),
        (format!("{hosts}{none}"), [Some(10), Some(5), Some(5), Some(64), None, Some(16)]),
        (format!("{old}{hosts}{none}"), [Some(1000), Some(1000), Some(1000), Some(64), None, Some(16)]),
        (format!("{hosts}{some}"), [Some(7), Some(5), Some(1), Some(8), Some(1), Some(2)]),
    ] {
        let model = model(&text);
        for ((service, name, hosts), slots) in places.into_iter().zip(slots) {
            assert_eq!(pool(&model, service, name), (slots, hosts), "{text}: {name}");
        }
    }
    // Nobody says how many hosts there are: nobody queues, whatever the limit.
    assert_eq!(pool(&model(some), ServiceId::NOVA, "builds"), (None, 1));
    let workers = model("cloud.keystone.nodes = 3\ncloud.workers = { keystone = 4, nova = 8, swift = 1 }");
    assert_eq!(pool(&workers, ServiceId::KEYSTONE, "api"), (Some(4), 3));
    assert_eq!(pool(&workers, ServiceId::NOVA, "api"), (Some(8), 1));
    assert_eq!(pool(&workers, ServiceId::SWIFT, "api"), (Some(1), 1));
    assert_eq!(pool(&workers, ServiceId::CINDER, "api"), (None, 1));
}

#[test]
fn caches_belong_to_workers_or_to_lists_of_servers() {
    let workers = "cloud.workers = { keystone = 2, nova = 4, cinder = 3, glance = 2, swift = 8, neutron = 5 }\n";
    let shared = "nova.keystone_authtoken.memcached_servers = [\"a:11211\", \"b:11211\"]\n\
        cinder.keystone_authtoken.memcached_servers = \"a:11211,b:11211\"\n\
        neutron.keystone_authtoken.memcached_servers = \"b:11211\"\n";
    // By service: the first cache and how many there are; then all caches.
    for (text, expected, all) in [
        (workers.to_owned(), [(0, 1), (1, 4), (5, 3), (8, 2), (10, 1), (11, 5)], 16),
        (format!("{workers}{shared}"), [(0, 1), (1, 1), (1, 1), (2, 2), (4, 1), (5, 1)], 6),
        (shared.to_owned(), [(0, 1), (1, 1), (1, 1), (2, 1), (3, 1), (4, 1)], 5),
    ] {
        let model = model(&text);
        let found: Vec<(u16, u16)> =
            model.services.iter().map(|service| (service.first_cache, service.caches)).collect();
        assert_eq!((found.as_slice(), model.caches), (expected.as_slice(), all), "{text}");
    }
}

#[test]
fn links_clocks_and_users() {
    let text = "cloud.clocks = { cinder = \"-2s\", neutron = \"1m\" }\ncloud.volume_copy.bandwidth = \"1GiB/s\"\n\
        cloud.memory_copy.per_job = \"1MiB/s\"\n[[link]]\nname = \"wan\"\nper_job = \"1kB/s\"\nbandwidth = \"2kB/s\"\n";
    let model = model(text);
    let bytes = |speed: Option<crate::units::Throughput>| speed.map(|speed| speed.bytes_per_second());
    let links: Vec<_> =
        model.links.iter().map(|link| (link.name.as_str(), bytes(link.per_job), bytes(link.bandwidth))).collect();
    assert_eq!(
        links,
        [
            ("image_transfer", None, None),
            ("image_conversion", None, None),
            ("volume_copy", None, Some(1 << 30)),
            ("memory_copy", Some(1 << 20), None),
            ("wan", Some(1_000), Some(2_000)),
        ]
    );
    let clocks: Vec<Span> = model.services.iter().map(|service| service.clock_ahead).collect();
    assert_eq!(clocks, [0, 0, -2, 0, 0, 60].map(seconds));
    let disabled = format!("name = \"x\"{WORKLOAD}user_disabled_at = \"3h\"\n");
    let study = read(&disabled).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!(study.points[0].model.workloads[0].user_disabled_at, Some(hours(3)));
}

#[test]
fn changes_accumulate_above_the_sweep() {
    let text = "cloud.workers = { nova = 4, cinder = 4 }\ncloud.hosts.nova_compute = 10\n\
        [[change]]\nat = \"20h\"\ncloud.workers.nova = 8\nnova.DEFAULT.max_concurrent_builds = 3\n\
        cloud.release = \"2026.2\"\n\
        [[change]]\nat = \"10h\"\nkeystone.token.expiration = \"2h\"\n\
        cinder.service_user.send_service_user_token = true\n\
        [sweep]\n\"keystone.token.expiration\" = [\"1h\", \"4h\"]\n\"cloud.release\" = [\"2026.1\"]\n";
    let study = load_text("t.toml", &around(text), Path::new(""), &Overrides { seed: Some(7), replications: Some(2) })
        .unwrap_or_else(|issues| panic!("{issues}"));
    for (point, expiration) in [(0, 1), (1, 4)] {
        let start = &study.points[point].model;
        let [first, second] = start.changes.as_slice() else { panic!("two changes") };
        assert_eq!((first.at, second.at), (hours(10), hours(20)));
        let lifetimes = [start, &first.model, &second.model].map(|model| model.keystone.expiration);
        assert_eq!(lifetimes, [expiration * 3_600, 7_200, 7_200].map(seconds));
        let sends = [start, &first.model, &second.model].map(|model| model.process(ProcessId::CINDER_VOLUME).sends);
        assert_eq!(sends, [Sends::Never, Sends::ServiceUser, Sends::ServiceUser]);
        let required = [start, &first.model, &second.model].map(|model| {
            model.service(ServiceId::GLANCE).keystone_authtoken.as_ref().unwrap().service_token_roles_required
        });
        assert_eq!(required, [false, false, true], "the release changes defaults");
        let builds = [start, &first.model, &second.model].map(|model| pool(model, ServiceId::NOVA, "builds"));
        assert_eq!(builds, [(Some(10), 10), (Some(10), 10), (Some(3), 10)]);
        let workers = [start, &second.model].map(|model| pool(model, ServiceId::NOVA, "api"));
        assert_eq!(workers, [(Some(4), 1), (Some(8), 1)]);
        for Change { model, .. } in &start.changes {
            assert_eq!((&model.run, &model.workloads), (&start.run, &start.workloads));
            assert_eq!((model.caches, model.changes.len()), (start.caches, 0));
            let caches = |model: &Model| -> Vec<(u16, u16)> {
                model.services.iter().map(|service| (service.first_cache, service.caches)).collect()
            };
            assert_eq!(caches(model), caches(start), "the caches stay");
        }
    }
}
