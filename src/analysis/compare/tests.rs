use super::*;

/// Replications of so many completed and failed jobs each, with a mean duration.
fn replications(shown: &[(u64, u64, f64)]) -> Vec<Replication> {
    let one = |(number, &(completed, failed, mean)): (u32, &(u64, u64, f64))| Replication {
        number,
        completed,
        failed,
        token_failures: failed / 2,
        orphans: failed * 2,
        duration_mean: (completed > 0).then_some(mean),
        duration_p95: (completed > 0).then_some(mean * 2.0),
        margin_p01: (completed > 0).then_some(-mean),
        ..Replication::default()
    };
    (0..).zip(shown).map(one).collect()
}

fn row(point: usize, values: &[&str], workload: &str, shown: &[(u64, u64, f64)]) -> ReplicatedRow {
    ReplicatedRow {
        point,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        workload: workload.to_owned(),
        job: if workload == "all" { String::new() } else { "boot-from-volume".to_owned() },
        replications: replications(shown),
    }
}

fn result(axes: &[&str], rows: Vec<ReplicatedRow>) -> Replicated {
    Replicated {
        name: "x".to_owned(),
        scenario: "x".to_owned(),
        version: "1".to_owned(),
        inputs: "0123456789abcdef".repeat(4),
        seed: 7,
        confidence: 0.95,
        complete: true,
        axes: axes.iter().map(|axis| (*axis).to_owned()).collect(),
        rows,
    }
}

fn single(shown: &[(u64, u64, f64)]) -> Replicated {
    result(&[], vec![row(0, &[], "boots", shown), row(0, &[], "all", shown)])
}

fn question(measures: &[Measure]) -> Question {
    Question { measures: measures.to_vec(), least_share: 0.0, least_seconds: 0.0, family_wise: false }
}

fn only(first: &Replicated, second: &Replicated, question: &Question) -> Compared {
    let found = compare([first, second], question).unwrap();
    assert_eq!((found.rows.len(), found.rows[0].measures.len()), (1, 1), "{found:?}");
    found.rows[0].measures[0]
}

const BASE: [(u64, u64, f64); 4] = [(90, 10, 60.0), (80, 20, 62.0), (85, 15, 58.0), (88, 12, 61.0)];

/// The base with so many more failures in each replication, and so many more seconds.
fn shifted(failed: [i64; 4], seconds: [f64; 4]) -> Vec<(u64, u64, f64)> {
    let one = |((&(completed, failed, mean), more), later): ((&(u64, u64, f64), i64), f64)| {
        ((completed as i64 - more) as u64, (failed as i64 + more) as u64, mean + later)
    };
    BASE.iter().zip(failed).zip(seconds).map(one).collect()
}

#[test]
fn outcomes_follow_from_pairs() {
    use Measure::{DurationMean, DurationP95, DurationP99, FailureRate, MarginP01, OrphansPerJob};
    const STILL: [f64; 4] = [0.0; 4];
    let slower = [1.0, 1.5, 1.2, 1.3];
    let faster = slower.map(|seconds: f64| -seconds);
    let nothing = vec![(0, 0, 0.0); 4];
    let cases = [
        ("more fail", FailureRate, shifted([3, 4, 3, 5], STILL), Outcome::Worse),
        ("fewer fail", FailureRate, shifted([-3, -4, -3, -5], STILL), Outcome::Better),
        ("now more, now fewer", FailureRate, shifted([3, -4, 3, -2], STILL), Outcome::Undetected),
        ("nothing changed", FailureRate, BASE.to_vec(), Outcome::Identical),
        ("durations changed, failures did not", FailureRate, shifted([0; 4], slower), Outcome::Identical),
        ("more left behind", OrphansPerJob, shifted([3, 4, 3, 5], STILL), Outcome::Worse),
        ("slower", DurationMean, shifted([0; 4], slower), Outcome::Worse),
        ("faster at the end", DurationP95, shifted([0; 4], faster), Outcome::Better),
        ("a smaller margin", MarginP01, shifted([0; 4], slower), Outcome::Worse),
        ("a larger margin", MarginP01, shifted([0; 4], faster), Outcome::Better),
        ("none finished", FailureRate, nothing.clone(), Outcome::Lost),
        ("none completed", DurationP95, nothing, Outcome::Lost),
        ("nobody has it", DurationP99, BASE.to_vec(), Outcome::NoData),
    ];
    for (name, measure, second, outcome) in cases {
        let found = only(&single(&BASE), &single(&second), &question(&[measure]));
        assert_eq!(found.outcome, outcome, "{name}: {found:?}");
        assert_eq!(found.is_regression(), matches!(outcome, Outcome::Worse | Outcome::Lost), "{name}");
        let has_interval = matches!(outcome, Outcome::Worse | Outcome::Better | Outcome::Undetected);
        assert_eq!(found.interval.is_some(), has_interval, "{name}");
        if let (Some(difference), Some((low, high)), [Some(a), Some(b)]) =
            (found.difference, found.interval, found.estimates)
        {
            assert!(low <= difference && difference <= high && (b - a - difference).abs() < 1e-12, "{name}");
        }
    }
    let gained = only(&single(&[(0, 0, 0.0); 4]), &single(&BASE), &question(&[DurationMean]));
    assert_eq!(gained.outcome, Outcome::NoData, "what is new cannot be worse");
}

/// Sums over replications, not means of their rates: 10 of 100 and 30 of 100 jobs of one run, 1 of 2 of the other.
#[test]
fn rates_weigh_jobs_and_not_replications() {
    let found = only(
        &single(&[(90, 10, 1.0), (1, 1, 1.0)]),
        &single(&[(70, 30, 1.0), (2, 0, 1.0)]),
        &question(&[Measure::FailureRate]),
    );
    assert_eq!(found.estimates, [Some(11.0 / 102.0), Some(30.0 / 102.0)]);
}

/// Jobs that always take 0.1 s take no longer because fewer of them complete.
#[test]
fn a_constant_is_the_same_whatever_its_weight() {
    let first: Vec<_> = (0..50).map(|n| (90 + n % 7, 10, 0.1)).collect();
    let second: Vec<_> = (0..50).map(|n| (3 + n % 11, 97, 0.1)).collect();
    let found = only(&single(&first), &single(&second), &question(&[Measure::DurationMean]));
    assert_eq!((found.outcome, found.difference), (Outcome::Identical, Some(0.0)));
}

#[test]
fn replications_that_lack_a_number_are_no_pair() {
    let second = [(90, 10, 61.0), (0, 100, 0.0), (85, 15, 59.0), (88, 12, 61.0)];
    let found = only(&single(&BASE), &single(&second), &question(&[Measure::DurationP95]));
    assert_eq!(found.pairs, 3);
    assert!((found.difference.unwrap() - (2.0 + 2.0 + 0.0) / 3.0).abs() < 1e-12, "{found:?}");
}

#[test]
fn one_replication_gives_no_interval() {
    let base = single(&BASE[..1]);
    let other = only(&base, &single(&[(80, 20, 60.0)]), &question(&[Measure::FailureRate]));
    assert_eq!((other.outcome, other.interval), (Outcome::Unbounded, None));
    assert_eq!(only(&base, &base, &question(&[Measure::FailureRate])).outcome, Outcome::Identical);
}

#[test]
fn small_differences_are_named_so_in_their_own_unit() {
    let second = single(&shifted([3, 4, 3, 5], [1.0, 1.5, 1.2, 1.3]));
    for (least_share, least_seconds, of_rate, of_mean) in [
        (0.0, 0.0, Outcome::Worse, Outcome::Worse),
        (0.05, 0.0, Outcome::Small, Outcome::Worse),
        (0.0, 2.0, Outcome::Worse, Outcome::Small),
        (0.03, 1.0, Outcome::Worse, Outcome::Worse),
    ] {
        for (measure, outcome) in [(Measure::FailureRate, of_rate), (Measure::DurationMean, of_mean)] {
            let question = Question { least_share, least_seconds, ..question(&[measure]) };
            assert_eq!(only(&single(&BASE), &second, &question).outcome, outcome, "{least_share} {least_seconds}");
        }
    }
}

/// Two comparisons share the error: an interval that just leaves zero by itself holds it together with another.
#[test]
fn a_family_widens_every_interval() {
    let measures = [Measure::FailureRate, Measure::DurationMean, Measure::DurationP99];
    let second = single(&shifted([3, 4, 3, 5], [1.0, 1.5, 1.2, 1.3]));
    let ask = |family_wise| {
        let question = Question { family_wise, ..question(&measures) };
        compare([&single(&BASE), &second], &question).unwrap()
    };
    let (each, family) = (ask(false), ask(true));
    assert_eq!((each.compared, each.confidence, each.each), (2, 0.95, 0.95), "nobody has the 99th percentile");
    assert_eq!((family.compared, family.confidence, family.each), (2, 0.95, 0.975));
    for (narrow, wide) in each.rows[0].measures.iter().zip(&family.rows[0].measures).take(2) {
        let (narrow, wide) = (narrow.interval.unwrap(), wide.interval.unwrap());
        assert!(wide.0 < narrow.0 && narrow.1 < wide.1, "{narrow:?} {wide:?}");
    }
}

#[test]
fn points_are_matched_by_value_whatever_their_number() {
    let first = result(
        &["expiration_s", "sends"],
        vec![row(0, &["900", "true"], "all", &BASE), row(1, &["3600", "true"], "all", &BASE)],
    );
    let second = result(
        &["expiration_s"],
        vec![row(0, &["3600"], "all", &shifted([3, 4, 3, 5], [0.0; 4])), row(1, &["7200"], "all", &BASE)],
    );
    let found = compare([&first, &second], &question(&[Measure::FailureRate])).unwrap();
    assert_eq!(found.axes, ["expiration_s"], "`sends` has one value, and so needs no match");
    assert_eq!(found.rows.len(), 1);
    assert_eq!((found.rows[0].points, found.rows[0].values.join(",")), ([1, 0], "3600".to_owned()));
    assert_eq!(found.rows[0].measures[0].outcome, Outcome::Worse);
    let alone = |side, point, value: &str| Alone::Point { side, point, values: vec![value.to_owned()] };
    assert_eq!(found.alone, [alone(0, 0, "900"), alone(1, 1, "7200")]);
}

#[test]
fn workloads_are_matched_by_name_and_all_is_told_once() {
    let workloads = |names: &str| {
        let rows = names.split(' ').chain(["all"]).map(|name| row(0, &[], name, &BASE)).collect();
        result(&[], rows)
    };
    for (first, second, expected, lone) in [
        ("boots", "boots", "boots", vec![]),
        ("boots images", "images boots", "boots images all", vec![]),
        ("boots", "boots images", "boots all", vec![(1, "images")]),
        ("boots", "images", "all", vec![(0, "boots"), (1, "images")]),
    ] {
        let found = compare([&workloads(first), &workloads(second)], &question(&Measure::USUAL)).unwrap();
        let names: Vec<&str> = found.rows.iter().map(|row| row.workload.as_str()).collect();
        assert_eq!(names.join(" "), expected);
        assert!(found.rows.iter().all(|row| row.measures.len() == Measure::USUAL.len()));
        let alone = |(side, name): (usize, &str)| Alone::Workload { side, workload: name.to_owned(), points: 1 };
        assert_eq!(found.alone, lone.into_iter().map(alone).collect::<Vec<_>>());
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let base = || result(&["e"], vec![row(0, &["1"], "all", &BASE), row(1, &["2"], "all", &BASE)]);
    let refused = |second: Replicated| compare([&base(), &second], &question(&Measure::USUAL)).unwrap_err();
    assert_eq!(refused(Replicated { seed: 8, ..base() }), Mismatch::Seeds);
    let swept = Mismatch::SweptByOne { side: 0, axis: "e".to_owned(), values: 2 };
    assert_eq!(refused(single(&BASE)), swept);
    assert_eq!(refused(result(&["e"], vec![row(0, &["3"], "all", &BASE)])), Mismatch::NoCommonPoint);
    let mut later = base();
    for row in &mut later.rows {
        row.replications.iter_mut().for_each(|replication| replication.number += 100);
    }
    assert_eq!(refused(later), Mismatch::NoCommonReplication);
    assert_eq!(refused(result(&["e"], Vec::new())), Mismatch::NoCommonPoint);
}

#[test]
fn replications_are_paired_by_number() {
    let mut second = single(&shifted([3, 4, 3, 5], [0.0; 4]));
    for row in &mut second.rows {
        row.replications.remove(1);
    }
    let found = compare([&single(&BASE), &second], &question(&[Measure::FailureRate])).unwrap();
    let compared = found.rows[0].measures[0];
    assert_eq!(compared.pairs, 3);
    assert!((compared.difference.unwrap() - (3.0 + 3.0 + 5.0) / 300.0).abs() < 1e-12, "{compared:?}");
    assert_eq!(found.remarks, [Remark::Replications { rows: 1, counts: [4, 3], common: 3 }]);
}

#[test]
fn what_the_reader_should_know_is_told_once() {
    let mut second = single(&BASE);
    second.version = "2".to_owned();
    second.confidence = 0.99;
    second.complete = false;
    for row in &mut second.rows {
        row.replications.iter_mut().for_each(|replication| replication.unfinished = 1);
    }
    second.rows[0].job = "volume-backup".to_owned();
    let found = compare([&single(&BASE), &second], &question(&Measure::USUAL)).unwrap();
    assert_eq!(found.confidence, 0.99);
    let jobs = ["boot-from-volume".to_owned(), "volume-backup".to_owned()];
    assert_eq!(
        found.remarks,
        [
            Remark::Versions,
            Remark::Incomplete(1),
            Remark::Confidences,
            Remark::Unfinished([0, 4]),
            Remark::Kinds { workload: "boots".to_owned(), jobs },
        ]
    );
}
