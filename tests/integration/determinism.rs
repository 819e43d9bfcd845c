//! Same input and seed, same facts: however often, on however many threads, alone or among others.

use outlast::cloud::{Records, simulate};
use outlast::model::study::Study;
use outlast::observe::{Observations, PointFacts};

use crate::support::{ALL_SEND, BUSY, run_study, study};

/// The busy scenario at two points.
fn busy() -> Study {
    study(&format!(
        "run = {{ seed = 99, replications = 5, duration = \"6h\", warm_up = \"1h\", drain = \"3h\" }}
        {ALL_SEND}cloud.fernet_rotation.every = \"70m\"
        {BUSY}
        [sweep]
        \"keystone.token.expiration\" = [\"50m\", \"2h\"]"
    ))
}

/// Field by field, and records one by one, so that a failure names what differs first.
fn assert_same(what: &str, one: &Observations, other: &Observations) {
    // All fields, so that a new one is not forgotten.
    let Observations {
        workloads,
        services,
        pools,
        links,
        service_tokens_issued,
        records,
        bins,
        events,
        chances,
        failed,
        completed,
        remedies,
    } = one;
    let ours = records.iter().map(Some).chain([None]);
    let theirs = other.records.iter().map(Some).chain([None]);
    for (number, (ours, theirs)) in ours.zip(theirs).enumerate() {
        assert_eq!(ours, theirs, "{what}: record {number} is the first that differs");
    }
    for (number, (ours, theirs)) in workloads.iter().zip(&other.workloads).enumerate() {
        assert_eq!(ours, theirs, "{what}: workload {number}");
    }
    assert_eq!(services, &other.services, "{what}: services");
    assert_eq!(pools, &other.pools, "{what}: pools");
    assert_eq!(links, &other.links, "{what}: links");
    assert_eq!(service_tokens_issued, &other.service_tokens_issued, "{what}: service tokens");
    assert_eq!(bins, &other.bins, "{what}: bins");
    assert_eq!(events, &other.events, "{what}: events");
    assert_eq!(chances, &other.chances, "{what}: chances");
    assert_eq!(failed, &other.failed, "{what}: failed jobs");
    assert_eq!(completed, &other.completed, "{what}: completed jobs");
    assert_eq!(remedies, &other.remedies, "{what}: remedies");
    assert_eq!(one, other, "{what}");
}

#[test]
fn the_same_twice() {
    for point in busy().points {
        let run = |replication| simulate(&point.model, replication, Records::Jobs);
        let first = run(3);
        let counts = first.workloads.iter().map(|workload| workload.counts);
        assert!(
            counts.clone().all(|counts| counts.completed > 10 && counts.failed > 10),
            "something of everything: {:?}",
            counts.collect::<Vec<_>>()
        );
        assert_same("again", &first, &run(3));
        assert_ne!(first, run(4), "another replication");
    }
}

#[test]
fn the_same_from_the_same_text() {
    for (one, other) in busy().points.iter().zip(&busy().points) {
        let run = |model| simulate(model, 0, Records::Jobs);
        assert_same("loaded again", &run(&one.model), &run(&other.model));
    }
}

#[test]
fn records_change_no_fact() {
    for point in busy().points {
        let with = simulate(&point.model, 1, Records::Jobs);
        let without = simulate(&point.model, 1, Records::None);
        assert!(without.records.is_empty() && !with.records.is_empty());
        assert_same("without records", &Observations { records: Vec::new(), ..with }, &without);
    }
}

#[test]
fn another_seed_is_another_run() {
    let mut model = busy().points.remove(0).model;
    let first = simulate(&model, 0, Records::Jobs);
    model.run.seed += 1;
    let second = simulate(&model, 0, Records::Jobs);
    assert_ne!(first, second);
    let submitted = |facts: &Observations| -> Vec<_> {
        let boots = facts.records.iter().filter(|record| record.workload == 0);
        boots.map(|record| record.submitted).collect()
    };
    let (first, second) = (submitted(&first), submitted(&second));
    assert!(first.iter().all(|instant| !second.contains(instant)), "no arrival in common");
}

#[test]
fn one_thread_is_two_is_seven() {
    let study = busy();
    let (points, replications) = run_study(&study, 1, Records::Jobs);
    assert_eq!(replications.0.len(), 10, "two points of five replications");
    for threads in [2, 7] {
        let (other_points, other_replications) = run_study(&study, threads, Records::Jobs);
        let what = format!("{threads} threads");
        for (ours, theirs) in replications.0.iter().zip(&other_replications.0) {
            assert_eq!(ours, theirs, "{what}: replication {:?}", ours.0);
        }
        for (ours, theirs) in points.iter().zip(&other_points) {
            assert_eq!(ours, theirs, "{what}: point {}", ours.point);
        }
        assert_eq!(points.len(), other_points.len(), "{what}");
    }
}

#[test]
fn one_replication_alone_is_the_same_within_a_run() {
    let study = busy();
    let (_, replications) = run_study(&study, 2, Records::Jobs);
    for ((point, replication), (facts, records)) in replications.0.iter().rev() {
        let what = format!("point {point}, replication {replication}");
        let alone = simulate(&study.points[*point].model, *replication, Records::Jobs);
        assert_eq!(&alone.records, records, "{what}");
        let without_records = Observations { records: Vec::new(), ..alone };
        assert_eq!(&PointFacts::of(*point, *replication, without_records), facts, "{what}");
    }
}
