//! What a run says of pools and links that are asked for more than they have.

use std::sync::Arc;

use outlast::analysis::{PointResult, summarise};
use outlast::cloud::Records;
use outlast::jobs::Names;
use outlast::model::study::Study;
use outlast::observe::JobCounts;
use outlast::report::{Findings, console, csv};
use outlast::units::Throughput;

use crate::support::{run_study, study};

/// One job a minute for a day, each with a copy of 20 minutes while it holds a slot of `nova.builds`; so many slots.
/// Jobs that do not end within the `drain` are unfinished.
fn boots(slots: u32, drain: &str) -> Study {
    let mut study = study(&format!(
        "name = \"boots\"
        run = {{ seed = 4, duration = \"1d\", warm_up = \"2h\", drain = \"{drain}\", replications = 2 }}
        keystone.token.expiration = \"90d\"
        nova.DEFAULT.block_device_allocate_retries = 600
        nova.DEFAULT.block_device_allocate_retries_interval = 3
        [[workload]]
        name = \"boots\"
        job = \"boot-from-volume\"
        arrivals = {{ every = \"1m\" }}
        token_age = \"0s\"
        download = \"20m\""
    ));
    let builds = Names::well_known().pool("nova.builds").expect("every cloud has it");
    Arc::make_mut(&mut study.points[0].model.pools)[builds.index()].slots = Some(slots);
    study
}

fn result(study: &Study) -> PointResult {
    let (facts, _) = run_study(study, 2, Records::None);
    summarise(&study.points[0].model, &facts[0])
}

fn told(study: &Study, result: &PointResult) -> String {
    let results = std::slice::from_ref(result);
    console::render(Findings { study, results, verdicts: &[] }, None, false)
}

/// 20 slots are needed. The load is that of the closed form while the queue is short, and never above it.
#[test]
fn a_pool_is_saturated_where_its_load_says_so() {
    for (slots, drain, is_saturated, is_unfinished) in
        [(40, "2h", false, false), (22, "2h", false, false), (16, "30m", true, true), (10, "2h", true, true)]
    {
        let study = boots(slots, drain);
        let result = result(&study);
        let [builds] = result.pools.as_slice() else { panic!("{slots} slots: {} pools", result.pools.len()) };
        let (load, expected) = (builds.offered_load.expect("jobs came"), 20.0 / f64::from(slots));
        println!("{slots} slots: offered load {load:.3}, closed form {expected:.3}");
        assert_eq!(builds.slots, Some(f64::from(slots)));
        assert!(load < expected * 1.02, "{slots} slots: {load} is above {expected}");
        assert!(is_unfinished || load > expected * 0.95, "{slots} slots: {load} is below {expected}");
        assert_eq!(builds.is_saturated(), is_saturated, "{slots} slots");
        let JobCounts { unfinished, .. } = result.all().counts;
        assert_eq!(unfinished > 0, is_unfinished, "{slots} slots: {unfinished} unfinished");
        let told = told(&study, &result).replace("\n      ", " ");
        let note =
            format!("jobs are unfinished; `nova.builds` is saturated: offered load {load:.2} of its {slots} slots");
        assert_eq!(told.contains(&note), is_saturated, "{slots} slots: {told}");
        assert!(told.contains("nova.builds"), "the table of queues: {told}");
    }
}

/// A row of its own in `services.csv`, where the link of a full copy engine follows.
#[test]
fn pools_and_links_have_rows() {
    let mut study = boots(22, "2h");
    let model = &mut study.points[0].model;
    Arc::make_mut(&mut model.links)[0].bandwidth = Throughput::from_bytes_per_second(1 << 20);
    let result = result(&study);
    let mut bytes = Vec::new();
    csv::services(&mut bytes, &study, std::slice::from_ref(&result)).expect("memory takes everything");
    let text = String::from_utf8(bytes).expect("text");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let at = |name: &str| rows[0].iter().position(|head| *head == name).expect("a column of this name");
    let row = |service: &str, pool: &str| {
        let is_it = |row: &&Vec<&str>| row[at("service")] == service && row[at("pool")] == pool;
        let mut found = rows.iter().filter(is_it);
        let row = found.next().unwrap_or_else(|| panic!("no row of {service} {pool}\n{text}"));
        assert!(found.next().is_none(), "two rows of {service} {pool}\n{text}");
        row
    };
    let builds = row("nova", "builds");
    // A job a minute for 22 hours, twice; nobody waits.
    assert_eq!(builds[at("requests")], "2640");
    assert_eq!([builds[at("wait_mean_s")], builds[at("wait_p99_s")]], ["0", "0"]);
    assert_eq!([builds[at("refused")], builds[at("cache_hits")]], ["", ""]);
    let nova = row("nova", "");
    assert_eq!([nova[at("utilisation")], nova[at("wait_mean_s")]], ["", ""]);
    assert!(!nova[at("requests")].is_empty());
    // Nobody copied over the link, as the time was given.
    assert_eq!(row("cloud", "image_transfer")[at("utilisation")], "0");
    assert!(rows.iter().all(|row| row[at("pool")] != "api"), "API workers do not queue here\n{text}");
}
