//! What is said to save failed jobs saves them: scenarios are simulated again as a whole with what was proposed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlast::analysis::{Saves, summarise};
use outlast::cloud::remedies::{Tries, search_by};
use outlast::cloud::{Records, simulate};
use outlast::model::independence::of_jobs;
use outlast::model::remedy::{Candidate, Remedy, Sender, Setting};
use outlast::model::study::{Point, Study};
use outlast::model::{Model, TokenAge};
use outlast::observe::{JobRecord, Outcome, PointFacts, Remedies, WorkloadRemedies};
use outlast::random::Dist;
use outlast::scenario::{Alternatives, Overrides, load_text, load_with_alternatives, text_with_alternatives};
use outlast::units::Span;

use crate::command::{Desk, SMALL};
use crate::support::{moments, records};

/// All shipped scenario files, in the order of names.
fn shipped(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match (name.starts_with('_'), path.is_dir()) {
            (true, _) => {}
            (false, true) => shipped(&path, files),
            // Configuration files lie among them.
            (false, false) if name.ends_with(".toml") => files.push(path),
            (false, false) => {}
        }
    }
}

/// No more than this of each scenario, as if it had so many replications: so each of few failures is asked.
fn shorten(model: &mut Model, replications: u32) {
    let longest = Span::from_seconds(12 * 3_600);
    let duration = model.run.duration.min(longest).max(model.run.warm_up + Span::from_seconds(3_600));
    let runs = model.changes.iter_mut().map(|change| &mut change.model.run);
    runs.chain([&mut model.run]).for_each(|run| {
        run.duration = duration;
        run.replications = replications;
    });
}

/// A point as it is under a remedy.
fn under(base: &Model, candidate: &Candidate) -> Model {
    let mut model = candidate.model.clone().unwrap_or_else(|| base.clone());
    if let Some(age) = candidate.token_age() {
        let fresh = |workload: &outlast::model::Workload| outlast::model::Workload {
            token_age: TokenAge::Drawn(Dist::constant(age.seconds())),
            ..workload.clone()
        };
        model.workloads = model.workloads.iter().map(fresh).collect();
    }
    shorten(&mut model, base.run.replications);
    model
}

fn has_failed(record: &JobRecord) -> bool {
    matches!(record.outcome, Outcome::Failed(_))
}

fn has_completed(record: &JobRecord) -> bool {
    record.outcome == Outcome::Completed
}

/// Jobs that fail in one simulation and complete in another, and those that complete in the first one only.
fn saved_and_broken(before: &[JobRecord], after: &[JobRecord]) -> (u64, u64) {
    assert_eq!(before.len(), after.len(), "the same jobs");
    let pairs = before.iter().zip(after).inspect(|(one, other)| {
        assert_eq!((one.workload, one.ordinal, one.submitted), (other.workload, other.ordinal, other.submitted));
    });
    pairs.fold((0, 0), |(saved, broken), (one, other)| {
        let is_saved = has_failed(one) && has_completed(other);
        let is_broken = has_completed(one) && !has_completed(other);
        (saved + u64::from(is_saved), broken + u64::from(is_broken))
    })
}

fn asked(
    tries: Tries,
    point: usize,
    model: &Model,
    replication: u32,
    alternatives: &Alternatives,
) -> Vec<WorkloadRemedies> {
    let observed = simulate(model, replication, Records::None);
    let alternatives = Shortened(alternatives, model.run.replications);
    search_by(tries, model, replication, point, &observed, &alternatives, || false).expect("nobody stops it")
}

/// What is said of some replications of a point: its remedies, those that are best first.
fn said(point: usize, model: &Model, replications: std::ops::Range<u32>, alternatives: &Alternatives) -> Vec<Saves> {
    let mut facts = PointFacts::new(point, model);
    for replication in replications {
        let mut observed = simulate(model, replication, Records::None);
        observed.remedies = asked(Tries::Promising, point, model, replication, alternatives);
        facts.merge(&PointFacts::of(point, replication, observed));
    }
    summarise(model, &facts).remedies.expect("they were asked for").saves
}

/// Alternatives that end as early as the point itself.
#[derive(Debug)]
struct Shortened<'a>(&'a Alternatives, u32);

impl outlast::cloud::remedies::Alternatives for Shortened<'_> {
    fn settings(&self, point: usize) -> Arc<[Setting]> {
        self.0.settings(point)
    }

    fn candidate(&self, point: usize, remedy: Remedy) -> Option<Arc<Candidate>> {
        let mut candidate = Candidate::clone(&*self.0.candidate(point, remedy)?);
        candidate.model.iter_mut().for_each(|model| shorten(model, self.1));
        Some(Arc::new(candidate))
    }
}

/// Up to so many points of a scenario, evenly from the first to the last, of which `is_wanted` says so.
fn some_points(study: Study, most: usize, is_wanted: impl Fn(&Model) -> bool) -> Vec<Point> {
    let points: Vec<Point> = study.points.into_iter().filter(|point| is_wanted(&point.model)).collect();
    let last = points.len().saturating_sub(1);
    let wanted: Vec<usize> = (0..most).map(|nth| nth * last / (most - 1).max(1)).collect();
    points.into_iter().enumerate().filter(|(index, _)| wanted.contains(index)).map(|(_, point)| point).collect()
}

fn read(file: &Path) -> (Study, Alternatives) {
    load_with_alternatives(file, &Overrides::default()).unwrap_or_else(|issues| panic!("{issues}"))
}

/// Without queueing exactly those are saved that are said to be, and of jobs that completed as many are broken as are
/// said, where all were asked. Some points of each scenario, two replications of twelve hours of each, and more
/// remedies than are shown.
#[test]
fn every_shipped_scenario_is_saved_as_said() {
    let mut files = Vec::new();
    shipped(Path::new("scenarios"), &mut files);
    let (mut checked, mut pairs, mut jobs, mut harms) = (0, 0, 0, 0);
    for file in files {
        let (study, alternatives) = read(&file);
        let points = some_points(study, 4, |model| of_jobs(model).is_empty());
        for (mut point, replication) in points.into_iter().flat_map(|point| [(point.clone(), 0), (point, 1)]) {
            shorten(&mut point.model, 1);
            let before = records(&point.model, replication);
            let failed = before.iter().filter(|record| has_failed(record)).count();
            if failed == 0 || failed > 256 {
                continue;
            }
            let most_completed = 256 / point.model.workloads.len();
            let all_asked = before.iter().filter(|record| has_completed(record)).count() <= most_completed / 2;
            let said = said(point.number, &point.model, replication..replication + 1, &alternatives);
            for Saves { remedy, jobs: expected, breaks } in said.into_iter().take(10) {
                let candidate = alternatives.candidate(point.number, remedy).expect("it was tried");
                let model = under(&point.model, &candidate);
                if !of_jobs(&model).is_empty() {
                    continue;
                }
                let (saved, broken) = saved_and_broken(&before, &records(&model, replication));
                let what = format!("{} point {}, {replication}: {remedy:?}", file.display(), point.number);
                assert_eq!(saved, expected, "{what}");
                assert!(remedy.may_break(&point.model) || broken == 0, "{what} breaks {broken}");
                if all_asked && remedy.may_break(&point.model) {
                    assert_eq!(broken, breaks, "{what}");
                    harms += 1;
                }
                pairs += u64::from(remedy.other.is_some());
                checked += 1;
                jobs += saved;
            }
        }
    }
    println!("{checked} remedies, {pairs} of them pairs, save {jobs} jobs as said; {harms} break as many as said");
    assert!(checked >= 300 && pairs >= 80 && jobs > 10_000 && harms >= 100, "{checked} {pairs} {jobs} {harms}");
}

/// What is not tried because it could overturn nothing would have saved nothing: every remedy is tried of some jobs of
/// each scenario.
#[test]
fn what_is_not_tried_saves_nothing() {
    let mut files = Vec::new();
    shipped(Path::new("scenarios"), &mut files);
    let mut compared = 0;
    // Amounts that are not needed may differ.
    let counts = |remedies: &Remedies| {
        let alone: Vec<_> = remedies.alone.iter().map(|(remedy, saved)| (*remedy, saved.jobs)).collect();
        let together: Vec<_> = remedies
            .together
            .iter()
            .map(|(remedy, both)| (*remedy, both.saved.jobs, both.by_one, both.by_other))
            .collect();
        (remedies.asked, remedies.beyond_one, alone, together)
    };
    for file in files {
        let (study, alternatives) = read(&file);
        for mut point in some_points(study, 2, |_| true) {
            shorten(&mut point.model, 256);
            let asked = |tries| asked(tries, point.number, &point.model, 0, &alternatives);
            for (quick, thorough) in asked(Tries::Promising).iter().zip(&asked(Tries::All)) {
                let what = format!("{} point {}", file.display(), point.number);
                assert_eq!(quick.ways.len(), thorough.ways.len(), "{what}");
                for ((way, quick), thorough) in quick.ways.iter().zip(thorough.ways.values()) {
                    assert_eq!(counts(quick), counts(thorough), "{what}: {way:?}");
                    compared += quick.simulated;
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

/// Where jobs depend on each other: over replications of the same seeds the number of jobs that are said to be saved
/// lies inside the interval of those that are. A correct prediction lies outside for one in a hundred.
#[test]
fn under_load_the_prediction_lies_inside_the_paired_interval() {
    let mut files = Vec::new();
    shipped(Path::new("scenarios"), &mut files);
    let shipped: usize = files.iter().map(|file| as_said(&file.display().to_string(), read(file))).sum();
    assert!(shipped >= 3, "scenarios whose jobs are tied, and fail: {shipped}");
    assert!(as_said("loaded", of_text(LOADED)) > 0);
}

/// A link that is busy for most of the time, and a pool that some jobs wait for.
const LOADED: &str = r#"
name = "loaded"
run.duration = "6h"
nova.DEFAULT.block_device_allocate_retries = 4800
nova.service_user.send_service_user_token = true
cloud.image_transfer.per_job = "20MiB/s"
cloud.image_transfer.bandwidth = "60MiB/s"
cinder.DEFAULT.executor_thread_pool_size = 8
cloud.hosts.cinder_volume = 1
[[workload]]
job = "boot-from-volume"
arrivals = { poisson = "20/h" }
token_age = { of_expiration = { uniform = [0, 1] } }
image_size = { lognormal = { median = "6GiB", sigma = 0.7 } }
convert = "2m"
"#;

/// How many of the best remedies of a scenario whose jobs are tied to each other do as is said; panics if one does not.
fn as_said(what: &str, (study, alternatives): (Study, Alternatives)) -> usize {
    const REPLICATIONS: u32 = 12;
    /// Student's t, 11 degrees of freedom, two-sided 99 %.
    const T: f64 = 3.106;
    let Some(mut point) = study.points.into_iter().find(|point| !of_jobs(&point.model).is_empty()) else {
        return 0;
    };
    shorten(&mut point.model, 1);
    let before: Vec<Vec<JobRecord>> = (0..REPLICATIONS).map(|replication| records(&point.model, replication)).collect();
    let best = said(point.number, &point.model, 0..REPLICATIONS, &alternatives);
    let best = best.into_iter().take(2);
    let judge = |saves: Saves| {
        let candidate = alternatives.candidate(point.number, saves.remedy).expect("it was tried");
        let model = under(&point.model, &candidate);
        let again = |replication| {
            let after = records(&model, replication);
            saved_and_broken(&before[replication as usize], &after).0 as f64
        };
        let found: Vec<f64> = (0..REPLICATIONS).map(again).collect();
        let said = saves.jobs as f64 / f64::from(REPLICATIONS);
        let (mean, variance) = moments(&found);
        let half = T * (variance / f64::from(REPLICATIONS)).sqrt();
        println!("{what}: {:?}: said {said:.2}, found {mean:.2} ± {half:.2}", saves.remedy);
        assert!((said - mean).abs() <= half + 1e-9, "{what}: said {said}, found {mean} ± {half}");
    };
    best.map(judge).count()
}

fn of_text(text: &str) -> (Study, Alternatives) {
    text_with_alternatives("test.toml", text, Path::new("."), &Overrides::default())
        .unwrap_or_else(|issues| panic!("{issues}"))
}

const LATE: &str = r#"
name = "late"
run.duration = "10h"
nova.DEFAULT.block_device_allocate_retries = 4800
nova.keystone_authtoken.token_cache_time = -1
cinder.keystone_authtoken.token_cache_time = -1
glance.keystone_authtoken.token_cache_time = -1
[[workload]]
job = "boot-from-volume"
arrivals = { every = "1h" }
token_age = "30m"
download = "2h"
"#;

/// A two-hour download under a token with half an hour left: what is proposed, and the model that the same lines in the
/// file would give.
#[test]
fn a_remedy_is_what_a_person_would_write() {
    let (study, alternatives) = of_text(LATE);
    let model = &study.points[0].model;
    let ranking = said(0, model, 0..1, &alternatives);
    let saves = |remedy: Remedy| ranking.iter().find(|saves| saves.remedy == remedy).map(|saves| saves.jobs);
    let nova = Setting::ServiceToken(Sender::Nova);
    let cinder = Setting::ServiceToken(Sender::Cinder);
    // nova-compute polls and Cinder asks Glance behind the download: one sender alone does not do.
    assert_eq!(saves(Remedy::single(nova)), None, "{ranking:?}");
    assert_eq!(saves(Remedy::single(Setting::FreshToken)), None, "{ranking:?}");
    assert_eq!(saves(Remedy::pair(nova, cinder)), Some(10), "{ranking:?}");
    // 30 minutes old and needed for two hours: of the steps that are tried 4 h is the first that is enough.
    assert_eq!(saves(Remedy::single(Setting::Expiration(Span::from_seconds(4 * 3_600)))), Some(10), "{ranking:?}");

    let settings = alternatives.settings(0);
    let singles = settings.iter().copied().map(Remedy::single);
    let pairs = settings.iter().flat_map(|one| settings.iter().map(|other| Remedy::pair(*one, *other)));
    for remedy in singles.chain(pairs.filter(|pair| pair.other.is_some_and(|other| !pair.one.is_like(other)))) {
        let Some(candidate) = alternatives.candidate(0, remedy) else { continue };
        let lines = alternatives.lines(0, remedy);
        let Some(made) = &candidate.model else {
            assert_eq!(lines, Vec::<String>::new());
            continue;
        };
        let kept = LATE.lines().filter(|line| {
            let written = |made: &String| line.split_once(" =").is_some_and(|(key, _)| made.starts_with(key));
            !lines.iter().any(written)
        });
        let text = lines.iter().map(String::as_str).chain(kept).collect::<Vec<_>>().join("\n");
        assert_eq!(*made, of_text(&text).0.points[0].model, "{lines:?}");
    }
}

/// A change leaves three keys of twenty. What is said to be enough is, and one key fewer is not; what held before the
/// change has nothing to do with it.
#[test]
fn keys_that_a_change_purged_are_counted_from_the_fewest() {
    const KEYS: &str = r#"
name = "keys"
run.duration = "12h"
keystone.token.expiration = "24h"
nova.DEFAULT.block_device_allocate_retries = 99999
cloud.fernet_rotation.every = "1h"
[[workload]]
job = "boot-from-volume"
arrivals = { every = "1h" }
token_age = "1h"
download = "4h"
"#;
    let with = |keys: u32| format!("keystone.fernet_tokens.max_active_keys = {keys}\n{KEYS}");
    let change = "[[change]]\nat = \"1h\"\nkeystone.fernet_tokens.max_active_keys = 3";
    let (study, alternatives) = of_text(&format!("{}{change}", with(20)));
    let ranking = said(0, &study.points[0].model, 0..1, &alternatives);
    let enough = ranking.iter().find_map(|saves| match saves.remedy {
        Remedy { one: Setting::ActiveKeys(keys), other: None } => Some(keys),
        _ => None,
    });
    let enough = enough.unwrap_or_else(|| panic!("keys save them: {ranking:?}"));
    let fails = |keys: u32| records(&of_text(&with(keys)).0.points[0].model, 0).iter().any(has_failed);
    assert_eq!((fails(enough), fails(enough - 1)), (false, true), "{enough} keys");
}

#[test]
fn the_table_has_them_unless_they_are_not_wanted() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    let last = |desk: &Desk| {
        let table = desk.read("output/small/failures.csv");
        let row = table.lines().nth(1).expect("some jobs fail").to_owned();
        row.rsplitn(3, ',').map(str::to_owned).collect::<Vec<_>>()
    };
    desk.run(&["run", "small.toml", "--no-plots"]).exits(0);
    let with = last(&desk);
    assert_eq!(with[1], "cinder.service_user.send_service_user_token = true", "{with:?}");
    desk.run(&["run", "small.toml", "--no-plots", "--no-remedies"]).exits(0);
    assert_eq!(last(&desk)[..2], ["", ""]);
    assert!(desk.read("output/small/run.json").contains("--no-remedies"));
}

/// Each pair of key and value of a remedy, under which the scenario is read again.
#[test]
fn every_remedy_of_shipped_scenarios_can_be_written_into_the_file() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let (mut durations, mut pairs) = (0, 0);
    for file in [
        "deployments/charm_keystone.toml",
        "deployments/starlingx.toml",
        "faults/clock_offset.toml",
        "faults/missed_syncs.toml",
        "guide/1_no_service_tokens.toml",
        "guide/8_long_lifetime.toml",
    ] {
        let path = scenarios.join(file);
        let shown = path.display().to_string();
        let desk = Desk::new();
        let did = desk.run(&["run", "-q", &shown, "--no-plots", "--replications", "1"]);
        assert!(matches!(did.code, Some(0 | 2)), "{file}: {}", did.stderr);
        let tables = desk.files("output").into_iter().filter(|(name, _)| name.ends_with("failures.csv"));
        let mut remedies: Vec<String> = Vec::new();
        for (_, bytes) in tables {
            let mut table = csv::Reader::from_reader(bytes.as_slice());
            let column = table.headers().unwrap().iter().position(|head| head == "remedy").unwrap();
            remedies.extend(table.records().map(|row| row.unwrap()[column].to_owned()));
        }
        let told = desk.run(&["explain", &shown, "--format", "json", "--no-plots"]);
        let json: serde_json::Value = serde_json::from_str(&told.exits(0).stdout).unwrap();
        let saved_by = json["saved_by"].as_array().into_iter().flatten();
        remedies.extend(saved_by.map(|remedy| remedy.as_str().unwrap().to_owned()));
        remedies.sort();
        remedies.dedup();
        for pair in remedies.iter().flat_map(|remedy| remedy.split("; ")).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once(" >= ").or_else(|| pair.split_once(" = ")).expect("a key and a value");
            let text = format!("name = \"applied\"\ninclude = [{shown:?}]\n[sweep]\n{key:?} = [{value}]\n");
            if let Err(issues) = load_text("applied.toml", &text, Path::new(""), &Overrides::default()) {
                // What is expected of values that are swept no more has nothing to do with the remedy.
                let is_of_sweep = |message: &&str| message.starts_with("`expect.where`");
                assert!(issues.messages().iter().all(is_of_sweep), "{file}: {pair}: {issues}");
            }
            pairs += 1;
            durations += u64::from(key.ends_with("token_age") || key.ends_with("fernet_rotation.every"));
        }
    }
    assert!(pairs >= 10 && durations >= 2, "{pairs} pairs, {durations} of them durations");
}
