//! Polls whose answers are known are only counted. With every poll as an event the same comes out, job by job: over
//! the recorded chain (`oracle::chain` compares both ways), and here over 1,000 random scenarios.

use outlast::cloud::{Polls, Records, simulate_polls};
use outlast::model::Model;
use outlast::observe::Observations;
use proptest::prelude::*;

use crate::conservation::drawn;
use crate::support::{ALL_SEND, study};

fn both_ways(model: &Model, replication: u32) -> (Observations, Observations) {
    let mut counted = simulate_polls(model, replication, Records::Jobs, Polls::Skipped);
    let simulated = simulate_polls(model, replication, Records::Jobs, Polls::Events);
    counted.events = simulated.events;
    (counted, simulated)
}

/// Record by record, so that a failure names the first job that differs.
fn assert_alike((counted, simulated): &(Observations, Observations), what: &str) {
    for (number, (one, other)) in counted.records.iter().zip(&simulated.records).enumerate() {
        assert_eq!(one, other, "record {number} of {what}");
    }
    assert_eq!(counted, simulated, "{what}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// Shared service tokens that are renewed, refused and replaced, caches of all lengths and none, revocations,
    /// disabled users, rotations, random times of requests; jobs that poll at the same time.
    #[test]
    fn random_scenarios(drawn in drawn(), replication in 0_u32..1_000) {
        let drawn = drawn.apart();
        let both = both_ways(&drawn.model(), replication);
        assert_alike(&both, "a random scenario");
    }
}

/// The point of it: a long wait is a handful of events.
#[test]
fn a_long_wait_takes_few_events() {
    let text = format!(
        "name = \"long\"
        run.duration = \"1d\"
        run.warm_up = \"7h\"
        {ALL_SEND}
        nova.DEFAULT.block_device_allocate_retries = 100000
        [[workload]]
        job = \"boot-from-volume\"
        arrivals = {{ poisson = \"20/h\" }}
        download = \"3h\""
    );
    let model = study(&text).points.remove(0).model;
    let counted = simulate_polls(&model, 0, Records::Jobs, Polls::Skipped);
    let simulated = simulate_polls(&model, 0, Records::Jobs, Polls::Events);
    assert_eq!(counted.records, simulated.records);
    assert_eq!((&counted.services, &counted.workloads), (&simulated.services, &simulated.workloads));
    let polls: u64 = simulated.records.iter().map(|record| u64::from(record.polls)).sum();
    assert!(simulated.events > polls, "{} events for {polls} polls", simulated.events);
    assert!(counted.events < polls / 20, "{} events for {polls} polls", counted.events);
}

/// What is drawn for one strand, and how many polls there were under the settings of a time, is no matter of when the
/// polls are counted.
#[test]
fn polls_that_are_counted_late() {
    let cases = [
        ("requests take less time from a change on", "cloud.requests.time = \"1s\"", "cloud.requests.time = \"0s\""),
        ("requests take random times", "cloud.requests.time = { exponential = { mean = \"1s\" } }", ""),
        ("Glance has workers with caches of their own", "cloud.workers.glance = 4", ""),
        (
            "Cinder keeps nothing, and reads what Glance keeps",
            "cinder.keystone_authtoken = { token_cache_time = -1, memcached_servers = [\"a\"] }
            glance.keystone_authtoken.memcached_servers = [\"a\"]",
            "",
        ),
        ("Cinder keeps nothing any more", "", "cinder.keystone_authtoken.token_cache_time = -1"),
        ("Keystone has nodes that differ", "cloud.keystone = { nodes = 2, sync_missed = 0.5 }", ""),
    ];
    for (what, settings, change) in cases {
        let change = if change.is_empty() { String::new() } else { format!("[[change]]\nat = \"19m\"\n{change}") };
        let text = format!(
            "name = \"late\"
            run = {{ duration = \"40m\", warm_up = \"10m\" }}
            cloud.fernet_rotation.at = [\"-5m\"]
            {settings}
            {ALL_SEND}
            [[workload]]
            job = \"boot-from-volume\"
            arrivals = {{ poisson = \"60/h\" }}
            download = \"2m 30s\"
            convert = {{ exponential = {{ mean = \"30s\" }} }}
            {change}"
        );
        let model = study(&text).points.remove(0).model;
        for replication in 0..4 {
            assert_alike(&both_ways(&model, replication), what);
        }
    }
}
