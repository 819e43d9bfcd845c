//! A run that was written down replays: its own `jobs.csv` as a trace gives the same outcomes, job by job.

use std::fs::File;
use std::path::Path;

use csv::Writer;
use outlast::cloud::{Records, simulate};
use outlast::jobs::step_name;
use outlast::model::Model;
use outlast::model::vocabulary::{JobKind, Quantity};
use outlast::observe::{JobRecord, Observations, Outcome};
use outlast::units::{ExactSeconds, MICROS};

use crate::support::{ALL_SEND, BUSY, failure, study, study_in};

/// Columns of `jobs.csv`, with a swept key among them.
const COLUMNS: &[&str] = &[
    "scenario",
    "point",
    "keystone.token.expiration_s",
    "workload",
    "job",
    "replication",
    "job_id",
    "submitted_s",
    "token_age_s",
    "image_size_bytes",
    "build_queue_s",
    "cinder_queue_s",
    "download_s",
    "convert_s",
    "attach_s",
    "ended_s",
    "outcome",
    "step",
    "reason",
    "http_status",
    "first_cause_step",
    "first_cause_reason",
    "first_cause_s",
    "cleanup",
    "orphans",
    "polls",
    "attempts",
    "keystone_validations",
    "service_tokens_issued",
];

/// The row of one job.
fn row(model: &Model, replication: u32, job: &JobRecord) -> Vec<String> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let seconds = |micros: i64| ExactSeconds(micros).to_string();
    let failure = failure(job);
    let step = |step| step_name(JobKind::BootFromVolume, step);
    let mut row = vec![
        "busy".to_owned(),
        "0".to_owned(),
        seconds(model.keystone.expiration.micros()),
        model.workloads[job.workload].name.clone(),
        JobKind::BootFromVolume.code().to_owned(),
        replication.to_string(),
        job.ordinal.to_string(),
        seconds(job.submitted.micros()),
        seconds(job.token_age.micros()),
    ];
    row.extend(Quantity::ALL.iter().map(|&quantity| {
        let value = job.quantities[quantity as usize];
        if quantity.is_size() { value.to_string() } else { seconds(value) }
    }));
    let outcome = match job.outcome {
        Outcome::Completed => "completed",
        Outcome::Failed(_) => "failed",
        Outcome::Unfinished => "unfinished",
    };
    row.extend([
        job.ended.map_or(String::new(), |ended| seconds(ended.micros())),
        outcome.to_owned(),
        text(failure.map(|failure| step(failure.step))),
        text(failure.map(|failure| failure.reason.code())),
        failure.map_or(String::new(), |failure| failure.http_status.to_string()),
        text(failure.map(|failure| step(failure.first_cause.step))),
        text(failure.map(|failure| failure.first_cause.reason.code())),
        failure.map_or(String::new(), |failure| seconds(failure.first_cause.at.micros())),
        text(job.cleanup.map(|cleanup| cleanup.code())),
        job.orphans.to_string(),
        job.polls.to_string(),
        job.attempts.to_string(),
        job.keystone_validations.to_string(),
        job.service_tokens_issued.to_string(),
    ]);
    row
}

fn write(path: &Path, model: &Model, replication: u32, jobs: &[JobRecord]) {
    let mut writer = Writer::from_writer(File::create(path).expect("a file of ours"));
    writer.write_record(COLUMNS).expect("the heading");
    for job in jobs {
        writer.write_record(row(model, replication, job)).expect("as many fields as columns");
    }
    writer.flush().expect("written");
}

/// Jobs, services, tokens and events: everything is the same, so that it does not matter which of them a reader
/// looks at. Random streams that the trace does not replace (request times, revocations) are named by `job_id`.
fn assert_replays(what: &str, first: &Observations, again: &Observations) {
    assert_eq!(first.records.len(), again.records.len(), "{what}: jobs");
    for (number, (ours, theirs)) in first.records.iter().zip(&again.records).enumerate() {
        assert_eq!(ours, theirs, "{what}: record {number} is the first that differs");
    }
    assert_eq!(first, again, "{what}");
}

#[test]
fn our_own_records_replay() {
    let constant = BUSY.replace("{ exponential = { mean = \"2s\" } }", "\"300ms\"");
    assert_ne!(constant, BUSY);
    for (what, busy) in [("random request times", BUSY), ("constant request times", constant.as_str())] {
        let scenario = |busy: &str| {
            format!(
                "run = {{ seed = 31, duration = \"6h\", drain = \"4h\" }}
                {ALL_SEND}cloud.fernet_rotation.every = \"70m\"
                {busy}"
            )
        };
        let model = study(&scenario(busy)).points.remove(0).model;
        let folder = tempfile::tempdir().expect("a folder of ours");
        for replication in [0, 3] {
            let first = simulate(&model, replication, Records::Jobs);
            assert!(first.workloads.iter().all(|workload| workload.counts.jobs > 100), "{what}");
            write(&folder.path().join("jobs.csv"), &model, replication, &first.records);
            let traced = busy
                .replace("{ poisson = \"90/h\" }", "{ trace = \"jobs.csv\" }")
                .replace("{ every = \"97s\" }", "{ trace = \"jobs.csv\" }");
            assert_eq!(traced.matches("jobs.csv").count(), 2, "both workloads");
            let replayed = study_in(folder.path(), &scenario(&traced)).points.remove(0).model;
            assert_replays(what, &first, &simulate(&replayed, replication, Records::Jobs));
        }
    }
}

/// A trace of submissions alone leaves the rest to the workload, drawn under the same names.
#[test]
fn what_a_trace_leaves_out_is_drawn() {
    let settings = |arrivals: &str| {
        format!(
            "name = \"partial\"
            run = {{ seed = 8, duration = \"3h\" }}
            [[workload]]
            name = \"jobs\"
            job = \"boot-from-volume\"
            arrivals = {arrivals}
            token_age = {{ uniform = [\"0s\", \"1h\"] }}
            download = {{ exponential = {{ mean = \"2m\" }} }}"
        )
    };
    let run = |model: &Model| simulate(model, 0, Records::Jobs);
    let first = run(&study(&settings("{ poisson = \"100/h\" }")).points[0].model);
    let folder = tempfile::tempdir().expect("a folder of ours");
    let mut writer = Writer::from_writer(File::create(folder.path().join("arrivals.csv")).expect("a file of ours"));
    writer.write_record(["submitted_s", "job_id"]).expect("the heading");
    // In the order of ending, and the scenario in the order of submission.
    for record in &first.records {
        let submitted = ExactSeconds::from(record.submitted).to_string();
        writer.write_record([submitted, record.ordinal.to_string()]).expect("two fields");
    }
    writer.flush().expect("written");
    drop(writer);
    let replayed = study_in(folder.path(), &settings("{ trace = \"arrivals.csv\" }"));
    assert_replays("arrivals alone", &first, &run(&replayed.points[0].model));
    assert!(first.records.iter().any(|record| record.submitted.micros() % MICROS != 0), "to the microsecond");
}

/// Jobs of one instant are submitted in the order of their `job_id`, wherever they stand in the file: the first of them
/// fetches the service tokens, and records are in the order of ending.
#[test]
fn jobs_of_one_instant_replay_in_their_order() {
    let scenario = format!(
        "name = \"ties\"
        run.duration = \"1h\"
        {ALL_SEND}
        [[workload]]
        name = \"jobs\"
        job = \"boot-from-volume\"
        arrivals = {{ trace = \"jobs.csv\" }}
        token_age = \"0s\""
    );
    let folder = tempfile::tempdir().expect("a folder of ours");
    let path = folder.path().join("jobs.csv");
    std::fs::write(&path, "submitted_s,download_s\n0,100\n0,50\n0,10\n").expect("a file of ours");
    let load = || study_in(folder.path(), &scenario).points.remove(0).model;
    let model = load();
    let first = simulate(&model, 0, Records::Jobs);
    let order: Vec<u64> = first.records.iter().map(|record| record.ordinal).collect();
    assert_eq!(order, [2, 1, 0], "in the order of ending");
    write(&path, &model, 0, &first.records);
    assert_replays("ties", &first, &simulate(&load(), 0, Records::Jobs));
}
