//! A run that was written down replays: its own `jobs.csv` as a trace gives the same outcomes, job by job.

use std::fs::File;
use std::sync::Arc;

use csv::Writer;
use outlast::cloud::{Records, simulate};
use outlast::model::study::Study;
use outlast::model::{LinkId, Model};
use outlast::observe::Observations;
use outlast::report;
use outlast::units::{ExactSeconds, MICROS, Throughput};

use crate::command::Desk;
use crate::support::{ALL_SEND, BUSY, study, study_in};

/// What `outlast run --jobs` writes of a scenario, with these options added. Remedies are left out: under another
/// lifetime a workload draws other token ages, and a trace does not.
fn jobs(desk: &Desk, name: &str, scenario: &str, options: &[&str]) -> String {
    let file = format!("{name}.toml");
    desk.write(&file, scenario);
    let arguments = [&["run", &file, "--jobs", "--no-plots", "--no-remedies"], options].concat();
    desk.run(&arguments).exits(0);
    desk.read(&format!("output/{name}/jobs.csv"))
}

/// The heading and the rows of one replication.
fn of_replication(jobs: &str, replication: u32) -> String {
    let mut lines = jobs.lines();
    let heading = lines.next().expect("a heading");
    let column = heading.split(',').position(|name| name == "replication").expect("a column of this name");
    let replication = replication.to_string();
    // No field of these tests is quoted.
    let rows = lines.filter(|line| line.split(',').nth(column) == Some(&replication));
    std::iter::once(heading).chain(rows).map(|line| format!("{line}\n")).collect()
}

/// The scenario with its two workloads taken from `trace.csv`.
fn traced(busy: &str) -> String {
    let traced = busy
        .replace("{ poisson = \"90/h\" }", "{ trace = \"trace.csv\" }")
        .replace("{ every = \"97s\" }", "{ trace = \"trace.csv\" }");
    assert_eq!(traced.matches("trace.csv").count(), 2, "both workloads");
    traced
}

/// Fails at the first line that differs.
fn assert_same_lines(what: &str, first: &str, again: &str) {
    for (number, (ours, theirs)) in first.lines().zip(again.lines()).enumerate() {
        assert_eq!(ours, theirs, "{what}: line {} is the first that differs", number + 1);
    }
    assert!(first == again, "{what}: {} lines, then {}", first.lines().count(), again.lines().count());
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

/// The file that the command writes is the trace, and the command replays it to the same file; so does the library,
/// down to the last event.
#[test]
fn our_own_records_replay() {
    let constant = BUSY.replace("{ exponential = { mean = \"2s\" } }", "\"300ms\"");
    assert_ne!(constant, BUSY);
    for (what, busy) in [("random request times", BUSY), ("constant request times", constant.as_str())] {
        let scenario = |busy: &str| {
            format!(
                "run = {{ seed = 31, duration = \"6h\", drain = \"4h\", replications = 4 }}
                {ALL_SEND}cloud.fernet_rotation.every = \"70m\"
                {busy}"
            )
        };
        let desk = Desk::new();
        let written = jobs(&desk, "busy", &scenario(busy), &[]);
        let model = study(&scenario(busy)).points.remove(0).model;
        for replication in [0, 3] {
            let trace = of_replication(&written, replication);
            desk.write("trace.csv", &trace);
            let again = jobs(&desk, "busy", &scenario(&traced(busy)), &[]);
            assert_same_lines(what, &trace, &of_replication(&again, replication));

            let first = simulate(&model, replication, Records::Jobs);
            assert!(first.workloads.iter().all(|workload| workload.counts.jobs > 100), "{what}");
            assert_eq!(trace.lines().count(), 1 + first.records.len(), "{what}: every job is written down");
            let replayed = study_in(desk.path(), &scenario(&traced(busy))).points.remove(0).model;
            assert_replays(what, &first, &simulate(&replayed, replication, Records::Jobs));
        }
    }
}

/// What is swept has columns of its own, and a preset's is the only one whose name has no dot: a replay takes none of
/// them for a part of a job, and every file of the result is the same.
#[test]
fn a_point_of_a_sweep_replays() {
    let scenario = |busy: &str| {
        format!(
            "run = {{ seed = 32, duration = \"6h\", drain = \"4h\", replications = 1 }}
            {busy}
            [sweep]
            preset = [\"devstack\", \"kolla-ansible\"]
            \"keystone.token.expiration\" = [\"20m\", \"1h\"]"
        )
    };
    let desk = Desk::new();
    let options = ["--point", "2"];
    let tables = || {
        ["summary.csv", "replications.csv", "failures.csv", "services.csv"]
            .map(|name| desk.read(&format!("output/busy/{name}")))
    };
    let written = jobs(&desk, "busy", &scenario(BUSY), &options);
    assert!(written.starts_with("scenario,point,preset,keystone.token.expiration_s,"), "{written:.200}");
    assert!(written.lines().count() > 500 && written.contains("failed"), "something to replay");
    let first = tables();
    desk.write("trace.csv", &written);
    let again = jobs(&desk, "busy", &scenario(&traced(BUSY)), &options);
    assert_same_lines("jobs", &written, &again);
    for (ours, theirs) in first.iter().zip(&tables()) {
        assert_same_lines("a table", ours, theirs);
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
        run = {{ duration = \"1h\", replications = 1 }}
        {ALL_SEND}
        [[workload]]
        name = \"jobs\"
        job = \"boot-from-volume\"
        arrivals = {{ trace = \"trace.csv\" }}
        token_age = \"0s\""
    );
    let desk = Desk::new();
    desk.write("trace.csv", "submitted_s,download_s\n0,100\n0,50\n0,10\n");
    let facts = || simulate(&study_in(desk.path(), &scenario).points[0].model, 0, Records::Jobs);
    let first = facts();
    let order: Vec<u64> = first.records.iter().map(|record| record.ordinal).collect();
    assert_eq!(order, [2, 1, 0], "in the order of ending");
    let written = jobs(&desk, "ties", &scenario, &[]);
    desk.write("trace.csv", &written);
    assert_same_lines("ties", &written, &jobs(&desk, "ties", &scenario, &[]));
    assert_replays("ties", &first, &facts());
}

/// How long a copy over a shared link takes is not known when the job is submitted: its cell is empty, and a replay
/// leaves it to the link again.
#[test]
fn copies_over_a_shared_link_replay() {
    let scenario = |arrivals: &str| {
        format!(
            "name = \"shared\"
            run = {{ seed = 12, duration = \"6h\", replications = 1 }}
            nova.DEFAULT.block_device_allocate_retries = 6000
            cloud.image_transfer.per_job = \"50MiB/s\"
            [[workload]]
            name = \"jobs\"
            job = \"boot-from-volume\"
            arrivals = {arrivals}
            token_age = \"0s\"
            image_size = {{ exponential = {{ mean = \"20GiB\" }} }}"
        )
    };
    let shared = |mut study: Study| {
        Arc::make_mut(&mut study.points[0].model.links)[LinkId(0).index()].bandwidth =
            Throughput::from_bytes_per_second(100 << 20);
        study
    };
    let first = shared(study(&scenario("{ poisson = \"20/h\" }")));
    let facts = simulate(&first.points[0].model, 0, Records::Jobs);
    let jobs = [report::csv::jobs_header(&first), report::csv::jobs(&first, 0, 0, &facts.records)].concat();
    let jobs = String::from_utf8(jobs).expect("text");
    let heading: Vec<&str> = jobs.lines().next().expect("a heading").split(',').collect();
    let at = heading.iter().position(|name| *name == "download_s").expect("a column of this name");
    assert!(jobs.lines().skip(1).all(|line| line.split(',').nth(at) == Some("")), "nobody knew how long:\n{jobs:.500}");

    let desk = Desk::new();
    desk.write("trace.csv", &jobs);
    let replayed = shared(study_in(desk.path(), &scenario("{ trace = \"trace.csv\" }")));
    assert!(facts.records.len() > 80);
    assert_replays("a shared link", &facts, &simulate(&replayed.points[0].model, 0, Records::Jobs));
}
