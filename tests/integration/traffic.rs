//! Several kinds of jobs at once in random clouds with everything that queues, breaks and changes: nothing is lost,
//! every slot and worker is given back, Little's law holds to the microsecond, and counted polls are as good as
//! simulated ones.

use std::fmt::Write as _;

use outlast::cloud::{Polls, Records, simulate_polls};
use outlast::jobs::builtins;
use outlast::model::vocabulary::Reason;
use outlast::model::{Kind, Model, QuantityUnit, ServiceId};
use outlast::observe::{JobRecord, Observations, Outcome};
use outlast::units::{Instant, Span};
use proptest::prelude::*;

use crate::conservation::counts_are_the_records;
use crate::support::{ALL_SEND, NO_CACHES, study};

/// A key and what it may be set to; the first, and where it is empty nothing, is what a failing case shrinks to.
type Choice = (&'static str, &'static [&'static str]);

const SETTINGS: &[Choice] = &[
    ("run.drain", &["\"30d\"", "\"10m\"", "\"0s\""]),
    ("keystone.token.expiration", &["3600", "1800", "600", "90"]),
    ("keystone.token.allow_expired_window", &["172800", "0", "900"]),
    ("keystone.cache.backend", &["", "\"dogpile.cache.memcached\""]),
    ("keystone.fernet_tokens.max_active_keys", &["7", "3", "1"]),
    ("cloud.fernet_rotation.at", &["[]", "[\"-10m\", \"5m\", \"20m\"]", "[\"7m\", \"8m\", \"9m\", \"10m\"]"]),
    ("cloud.keystone.nodes", &["1", "2"]),
    ("cloud.keystone.sync_lag", &["\"0s\"", "\"90s\"", "{ exponential = { mean = \"2m\" } }"]),
    ("cloud.keystone.sync_missed", &["0", "0.3"]),
    ("cloud.keystone.clock_offset", &["\"0s\"", "\"-7s\""]),
    ("cloud.keystone.validation_time", &["\"0s\"", "\"700ms\"", "{ exponential = { mean = \"1s\" } }"]),
    ("cloud.keystone.issue_time", &["\"0s\"", "\"900ms\""]),
    (
        "cloud.keystone.outages",
        &["[]", "[{ from = \"9m\", until = \"12m\" }]", "[{ from = \"10m\", until = \"601s\" }]"],
    ),
    ("cloud.workers.keystone", &["", "1", "3"]),
    ("cloud.workers.nova", &["", "1", "2"]),
    ("cloud.workers.cinder", &["", "1", "2"]),
    ("cloud.workers.glance", &["", "2", "4"]),
    ("cloud.workers.swift", &["", "1", "3"]),
    ("cloud.workers.neutron", &["", "1"]),
    ("cloud.hosts.nova_compute", &["", "1", "3"]),
    ("cloud.hosts.cinder_volume", &["", "1", "2"]),
    ("cloud.hosts.cinder_backup", &["", "1"]),
    ("nova.DEFAULT.max_concurrent_builds", &["10", "1", "0"]),
    ("nova.DEFAULT.max_concurrent_snapshots", &["5", "1"]),
    ("cinder.DEFAULT.executor_thread_pool_size", &["64", "2"]),
    ("cinder.DEFAULT.backup_max_operations", &["15", "1", "0"]),
    ("glance.wsgi.task_pool_threads", &["16", "1"]),
    ("nova.DEFAULT.block_device_allocate_retries", &["60", "600", "0"]),
    ("nova.DEFAULT.block_device_allocate_retries_interval", &["3", "17"]),
    ("cinder.DEFAULT.scheduler_max_attempts", &["3", "1"]),
    ("cinder.DEFAULT.backup_swift_auth", &["\"per_user\"", "\"single_user\""]),
    ("cinder.DEFAULT.backup_swift_service_auth", &["false", "true"]),
    ("cinder.nova.auth_type", &["", "\"password\""]),
    ("nova.service_user.send_service_user_token", &["true", "false"]),
    ("cinder.service_user.send_service_user_token", &["true", "false"]),
    ("cloud.service_users.nova.roles", &["[\"service\"]", "[\"member\"]"]),
    ("cloud.service_users.cinder.disabled_at", &["", "\"15m\""]),
    ("glance.glance_store.default_store", &["\"file\"", "\"swift\"", "\"cinder\""]),
    ("glance.glance_store.swift_store_multi_tenant", &["false", "true"]),
    ("glance.glance_store.swift_store_use_trusts", &["true", "false"]),
    ("nova.keystone_authtoken.token_cache_time", &["300", "-1"]),
    ("cinder.keystone_authtoken.token_cache_time", &["300", "-1", "40"]),
    ("glance.keystone_authtoken.token_cache_time", &["300", "-1"]),
    ("cinder.keystone_authtoken.memcached_servers", &["", "[\"a\"]"]),
    ("glance.keystone_authtoken.memcached_servers", &["", "[\"a\"]"]),
    ("cloud.clocks.cinder", &["\"0s\"", "\"5s\"", "\"-5s\""]),
    ("cloud.image_path", &["\"copy\"", "\"clone\""]),
    ("cloud.requests.time", &["\"0s\"", "\"1s\"", "{ exponential = { mean = \"2s\" } }"]),
    ("cloud.image_transfer.per_job", &["\"20MiB/s\"", ""]),
    ("cloud.image_transfer.bandwidth", &["", "\"30MiB/s\"", "\"15MiB/s\""]),
    ("cloud.image_conversion.per_job", &["\"50MiB/s\"", ""]),
    ("cloud.image_conversion.bandwidth", &["", "\"70MiB/s\""]),
    ("cloud.volume_copy.per_job", &["\"30MiB/s\""]),
    ("cloud.volume_copy.bandwidth", &["", "\"40MiB/s\""]),
    ("cloud.memory_copy.per_job", &["\"40MiB/s\""]),
    ("cloud.memory_copy.bandwidth", &["", "\"60MiB/s\""]),
];

/// What a change may set, at most three of them.
const CHANGED: &[Choice] = &[
    ("keystone.token.expiration", &["1200", "7200", "100"]),
    ("keystone.token.allow_expired_window", &["0", "172800"]),
    ("keystone.fernet_tokens.max_active_keys", &["2", "9"]),
    ("cloud.keystone.validation_time", &["\"0s\"", "\"300ms\""]),
    ("cloud.keystone.issue_time", &["\"0s\"", "\"2s\""]),
    ("cloud.workers.keystone", &["1", "5"]),
    ("cloud.workers.nova", &["1", "5"]),
    ("cloud.workers.cinder", &["1", "5"]),
    ("cloud.workers.swift", &["1", "5"]),
    ("cloud.workers.neutron", &["1", "5"]),
    ("nova.DEFAULT.max_concurrent_builds", &["1", "20"]),
    ("nova.DEFAULT.max_concurrent_live_migrations", &["2"]),
    ("cinder.DEFAULT.executor_thread_pool_size", &["1", "9"]),
    ("cinder.DEFAULT.backup_max_operations", &["0", "1", "9"]),
    ("glance.wsgi.task_pool_threads", &["2"]),
    ("nova.DEFAULT.block_device_allocate_retries", &["2", "300"]),
    ("nova.DEFAULT.block_device_allocate_retries_interval", &["5"]),
    ("nova.service_user.send_service_user_token", &["true", "false"]),
    ("cinder.service_user.send_service_user_token", &["true", "false"]),
    ("cloud.service_users.nova.roles", &["[\"service\"]", "[\"member\"]"]),
    ("cinder.keystone_authtoken.token_cache_time", &["-1", "60"]),
    ("cinder.keystone_authtoken.service_token_roles_required", &["true", "false"]),
    ("glance.glance_store.default_store", &["\"swift\"", "\"file\"", "\"cinder\""]),
    ("glance.glance_store.swift_store_multi_tenant", &["true"]),
    ("cinder.DEFAULT.backup_swift_auth", &["\"single_user\""]),
    ("cloud.clocks.cinder", &["\"9s\""]),
    ("cloud.requests.time", &["\"0s\"", "\"500ms\"", "{ exponential = { mean = \"1s\" } }"]),
    ("cloud.image_transfer.bandwidth", &["\"10MiB/s\"", "\"1GiB/s\""]),
    ("cloud.memory_copy.per_job", &["\"10MiB/s\""]),
];

const WORKLOAD: &[Choice] = &[
    (
        "arrivals",
        &["{ poisson = \"20/h\" }", "{ poisson = \"60/h\" }", "{ burst = { at = \"8m\", jobs = 15, over = \"3m\" } }"],
    ),
    ("token_age", &["{ renewing = \"60s\" }", "{ of_expiration = { uniform = [0.5, 1.01] } }", "\"0s\""]),
    ("revoke_after", &["", "{ uniform = [\"-1m\", \"20m\"] }"]),
    ("user_disabled_at", &["", "\"25m\""]),
    ("delete_on_termination", &["false", "true"]),
    ("attached", &["true", "false"]),
    ("method", &["\"web-download\"", "\"glance-direct\"", "\"copy-image\""]),
    ("uploader", &["\"client\"", "\"nova\""]),
];

/// What jobs draw, by unit; derived where it is empty.
const SECONDS: &[&str] = &["", "\"0s\"", "{ exponential = { mean = \"3m\" } }", "{ uniform = [\"0s\", \"20m\"] }"];
const SIZES: &[&str] = &["\"3GiB\"", "\"0B\"", "{ lognormal = { median = \"6GiB\", sigma = 1.0 } }"];
const COUNTS: &[&str] = &["", "0", "3"];

/// More than any kind has.
const MOST_QUANTITIES: usize = 8;

/// Which of the choices are taken, by number.
#[derive(Clone, Debug)]
struct Drawn {
    settings: Vec<usize>,
    jobs: Vec<Jobs>,
    changes: Vec<(u32, Vec<(usize, usize)>)>,
}

#[derive(Clone, Debug)]
struct Jobs {
    kind: usize,
    keys: Vec<usize>,
    quantities: Vec<usize>,
}

/// So many numbers, more of which are 0 than anything else.
fn choices(number: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1 => Just(0_usize), 2 => 0_usize..12], number)
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let jobs = (0..builtins().len(), choices(WORKLOAD.len()), choices(MOST_QUANTITIES))
        .prop_map(|(kind, keys, quantities)| Jobs { kind, keys, quantities });
    let change = (60_u32..1_190, prop::collection::vec((0..CHANGED.len(), 0_usize..12), 1..4));
    (choices(SETTINGS.len()), prop::collection::vec(jobs, 1..5), prop::collection::vec(change, 0..3))
        .prop_map(|(settings, jobs, changes)| Drawn { settings, jobs, changes })
}

/// The value that a number stands for.
fn chosen(values: &'static [&'static str], number: usize) -> &'static str {
    values[number % values.len()]
}

fn write(text: &mut String, key: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(text, "{key} = {value}");
    }
}

impl Drawn {
    fn text(&self) -> String {
        let mut text = "name = \"traffic\"\nrun.duration = \"40m\"\n".to_owned();
        for ((key, values), &number) in SETTINGS.iter().zip(&self.settings) {
            write(&mut text, key, chosen(values, number));
        }
        for (number, jobs) in self.jobs.iter().enumerate() {
            let kind = &builtins()[jobs.kind].kind;
            let _ = writeln!(text, "[[workload]]\nname = \"jobs-{number}\"\njob = \"{}\"", kind.name);
            for ((key, values), &number) in WORKLOAD.iter().zip(&jobs.keys) {
                write(&mut text, key, chosen(values, number));
            }
            for (quantity, &number) in kind.quantities.iter().zip(&jobs.quantities) {
                let values = match quantity.unit {
                    QuantityUnit::Seconds => SECONDS,
                    QuantityUnit::Bytes => SIZES,
                    QuantityUnit::Count => COUNTS,
                };
                write(&mut text, &quantity.name, chosen(values, number));
            }
        }
        for (number, (at, keys)) in self.changes.iter().enumerate() {
            // No two at one instant.
            let _ = writeln!(text, "[[change]]\nat = \"{}s\"", 2 * at + number as u32);
            let mut keys = keys.clone();
            keys.sort_unstable();
            keys.dedup_by_key(|(key, _)| *key);
            for (key, number) in keys {
                write(&mut text, CHANGED[key].0, chosen(CHANGED[key].1, number));
            }
        }
        text
    }
}

/// States of resources that a job which has completed may leave, as they are what it was about; with `true` only where
/// something was refused and only logged.
const RESULTS: &[(&str, &str, &str, bool)] = &[
    ("boot-from-volume", "volume", "in-use", false),
    ("rebuild-volume-backed", "volume", "in-use", false),
    ("snapshot", "image", "active", false),
    ("volume-to-image", "image", "active", false),
    ("image-upload", "image", "active", false),
    ("image-import", "image", "active", false),
    ("volume-backup", "backup", "available", false),
    ("volume-backup", "pieces", "written", false),
    ("volume-restore", "volume", "available", false),
    ("volume-from-image", "volume", "available", false),
    ("live-migration", "attachment", "replaced", true),
    ("unshelve", "image", "active", true),
];

/// Every resource is gone, the result of a job that completed, or an orphan of one that failed.
fn resources_are_accounted_for(kind: &Kind, record: &JobRecord) -> Result<(), TestCaseError> {
    let states = kind.resources.iter().zip(&record.resources);
    let left: Vec<(&str, &str)> = states
        .map(|(resource, &state)| (resource.name.as_str(), resource.states[usize::from(state)].as_str()))
        .filter(|(_, state)| !["none", "deleted"].contains(state))
        .collect();
    match record.outcome {
        Outcome::Failed(_) => prop_assert_eq!(record.orphans as usize, left.len(), "{:?}", record),
        Outcome::Unfinished => prop_assert_eq!(record.orphans, 0),
        Outcome::Completed => {
            prop_assert_eq!(record.orphans, 0);
            for (resource, state) in left {
                let is_result = |&&(of, name, result, only_caught): &&(&str, &str, &str, bool)| {
                    (of, name, result) == (kind.name.as_str(), resource, state)
                        && (!only_caught || record.caught.is_some())
                };
                prop_assert!(RESULTS.iter().find(is_result).is_some(), "{}: {resource} {state}: {record:?}", kind.name);
            }
        }
    }
    Ok(())
}

/// Whoever comes is served, and waits as long as somebody was seen waiting.
fn slots_are_given_back(model: &Model, facts: &Observations) -> Result<(), TestCaseError> {
    // With a short drain Cinder may still work for a job that has failed.
    let has_time = model.run.drain > Span::from_seconds(86_400);
    let is_over = has_time && facts.workloads.iter().all(|workload| workload.counts.unfinished == 0);
    for (pool, facts) in model.pools.iter().zip(&facts.pools) {
        let admitted = facts.waits.distribution().len();
        let counts = (facts.served, admitted, facts.arrived);
        prop_assert!(counts.0 <= counts.1 && counts.1 <= counts.2, "{pool:?}: {counts:?}");
        prop_assert!(facts.wait_sum_micros <= facts.waiting_micros, "{pool:?}");
        if is_over {
            prop_assert_eq!(facts.served, facts.arrived, "{:?}", pool);
            prop_assert_eq!(facts.wait_sum_micros, facts.waiting_micros, "{:?}: Little's law", pool);
        }
    }
    for facts in &facts.links {
        prop_assert!(0 <= facts.carried && facts.carried <= facts.capacity, "{facts:?}");
    }
    Ok(())
}

fn validations_add_up(facts: &Observations) -> Result<(), TestCaseError> {
    let of_jobs: u64 = facts.records.iter().map(|record| u64::from(record.keystone_validations)).sum();
    let of_services: u64 = facts.services.iter().map(|service| service.keystone_validations).sum();
    let answered = facts.services[0].requests;
    prop_assert_eq!((of_jobs, of_jobs), (of_services, answered));
    Ok(())
}

fn failures_make_sense(kind: &Kind, record: &JobRecord) -> Result<(), TestCaseError> {
    let Outcome::Failed(failure) = record.outcome else { return Ok(()) };
    let ended = record.ended.expect("a failure has its instant");
    let cause = failure.first_cause;
    prop_assert!(record.submitted <= cause.at && cause.at <= ended, "{record:?}");
    prop_assert!(failure.step.index() < kind.steps.len() && cause.step.index() < kind.steps.len());
    let statuses: &[u16] = match failure.reason {
        Reason::VolumeError | Reason::VolumeWaitTimeout => &[200],
        Reason::CinderBadRequest => &[400],
        Reason::DetachConflict => &[409],
        Reason::TokenExchangeRefused => &[404, 500],
        // A service that meets it inside a request answers 500.
        Reason::KeystoneUnavailable => &[503, 500],
        _ => &[401, 500],
    };
    prop_assert!(statuses.contains(&failure.http_status), "{record:?}");
    Ok(())
}

/// Record by record, so that a failure names the first job that differs.
fn assert_alike(one: &Observations, other: &Observations, what: &str) -> Result<(), TestCaseError> {
    for (one, other) in one.records.iter().zip(&other.records) {
        prop_assert_eq!(one, other, "{}", what);
    }
    prop_assert_eq!(&one.services, &other.services, "{}", what);
    prop_assert!(one.pools == other.pools, "{}: pools", what);
    let without_events = |facts: &Observations| Observations { events: 0, ..facts.clone() };
    prop_assert!(without_events(one) == without_events(other), "{}", what);
    Ok(())
}

/// What makes requests take time on their way.
const SLOW: [&str; 4] =
    ["cloud.workers.", "cloud.keystone.validation_time", "cloud.keystone.issue_time", "cloud.keystone.outages"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_between_kinds(drawn in drawn(), replication in 0_u32..1_000) {
        let study = study(&drawn.text());
        let model = &study.points[0].model;
        let facts = simulate_polls(model, replication, Records::Jobs, Polls::Skipped);
        counts_are_the_records(model, &facts)?;
        for record in &facts.records {
            let kind = &model.workloads[record.workload].kind;
            resources_are_accounted_for(kind, record)?;
            failures_make_sense(kind, record)?;
        }
        slots_are_given_back(model, &facts)?;
        validations_add_up(&facts)?;
        let again = simulate_polls(model, replication, Records::Jobs, Polls::Skipped);
        assert_alike(&facts, &again, "the same twice")?;
        prop_assert_eq!(facts.events, again.events);
        let simulated = simulate_polls(model, replication, Records::Jobs, Polls::Events);
        assert_alike(&facts, &simulated, "polls counted, polls as events")?;
    }

    /// Where nothing takes time a request is judged in one go. Workers of Keystone whom nobody ever waits for send
    /// every request from station to station, to the same end.
    #[test]
    fn a_request_by_stations_is_the_same_request(mut drawn in drawn(), replication in 0_u32..1_000) {
        let is_slow = |line: &str| SLOW.iter().any(|key| line.starts_with(key));
        drawn.changes.iter_mut().for_each(|(_, keys)| keys.retain(|(key, _)| !is_slow(CHANGED[*key].0)));
        drawn.changes.retain(|(_, keys)| !keys.is_empty());
        let text: String = drawn.text().lines().filter(|line| !is_slow(line)).flat_map(|line| [line, "\n"]).collect();
        let [at_once, by_stations] = [text.clone(), format!("cloud.workers.keystone = 1000\n{text}")].map(|text| {
            let study = study(&text);
            simulate_polls(&study.points[0].model, replication, Records::Jobs, Polls::Skipped)
        });
        for (one, other) in at_once.records.iter().zip(&by_stations.records) {
            prop_assert_eq!(one, other);
        }
        prop_assert_eq!(&at_once.services, &by_stations.services);
        prop_assert!(at_once.workloads == by_stations.workloads);
    }
}

/// A plain wait has no parts, and none that came to an end.
#[test]
fn what_is_done_for_each_part_is_undone_for_each_part() {
    for (pieces, requests) in [(0, 0), (1, 2), (3, 6)] {
        let (facts, _) = one_job(
            r#"[[job]]
            name = "copy"
            description = "Copies pieces, waits, and removes them again."
            quantities = { long = { meaning = "Copy." }, pieces = { unit = "count", meaning = "Pieces." } }
            steps = [
              { wait = "long", parts = "pieces", each = [{ request = "put", from = "client", to = "nova" }] },
              { wait = "long" },
              { attempt = [{ request = "delete", from = "client", to = "nova" }], times = "parts" },
            ]"#,
            &format!("job = \"copy\"\nlong = \"10s\"\npieces = {pieces}"),
            "",
        );
        assert_eq!(facts.records[0].outcome, Outcome::Completed);
        assert_eq!(facts.services[ServiceId::NOVA.index()].requests, requests, "{pieces} pieces");
    }
}

/// What one job comes to, in a scenario of nothing else.
fn one_job(settings: &str, workload: &str, changes: &str) -> (Observations, Model) {
    let text = format!(
        "name = \"one\"\nrun.duration = \"1s\"\n{NO_CACHES}{ALL_SEND}{settings}\n[[workload]]\n{workload}
        arrivals = {{ every = \"1s\" }}\ntoken_age = \"0s\"\n{changes}"
    );
    let model = study(&text).points.remove(0).model;
    (simulate_polls(&model, 0, Records::Jobs, Polls::Skipped), model)
}

/// A request that is under way when somebody begins to count workers holds one, and gives it back.
#[test]
fn workers_that_are_counted_from_a_change_on() {
    for (service, at) in [("nova", 5), ("cinder", 25), ("keystone", 5), ("keystone", 25)] {
        let (facts, model) = one_job(
            "cloud.requests.time = \"20s\"\ncloud.keystone.validation_time = \"10s\"",
            "job = \"boot-from-volume\"",
            &format!("[[change]]\nat = \"{at}s\"\ncloud.workers.{service} = 1"),
        );
        assert_eq!(facts.records[0].outcome, Outcome::Completed, "{service} from {at} s on");
        let is_it =
            |pool: &outlast::model::Pool| model.services[pool.service.index()].name == service && pool.name == "api";
        let pool = &facts.pools[model.pools.iter().position(is_it).expect("everybody has API workers")];
        assert!(pool.arrived > 0, "{service} from {at} s on");
        assert_eq!(pool.served, pool.arrived, "{service} from {at} s on");
    }
}

/// A validation that is under way when Keystone gets faster is no answer to a later request.
#[test]
fn keystone_is_fast_for_a_while() {
    let time =
        |at: u32, time: &str| format!("[[change]]\nat = \"{at}s\"\ncloud.keystone.validation_time = \"{time}\"\n");
    let (facts, _) = one_job(
        "cloud.keystone.validation_time = \"10s\"",
        "job = \"volume-detach\"\nqueue = \"20s\"",
        &(time(5, "0s") + &time(15, "10s")),
    );
    // 10 s for the client's token; nothing for the two requests of nova-api; 20 s; and twice 10 s for both tokens of
    // each request of nova-compute.
    assert_eq!(facts.records[0].ended, Some(Instant::from_seconds(10 + 20 + 2 * 20)));
}
