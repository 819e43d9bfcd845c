use serde_json::Value;

use super::*;
use crate::analysis::compare::{Measure, Question, ReplicatedRow, Replication, compare};

const AXIS: &str = "keystone.token.expiration_s";

/// A result of these points (their lifetimes), of whose hundred jobs so many fail in each of four replications.
fn result(name: &str, workload: &str, points: &[(&str, [u64; 4])]) -> Replicated {
    let replication = |(number, &failed): (u32, &u64)| Replication {
        number,
        completed: 100 - failed,
        failed,
        token_failures: failed,
        orphans: failed,
        duration_mean: Some(600.0),
        duration_p95: Some(900.0),
        ..Replication::default()
    };
    let row = |(point, (value, failed)): (usize, &(&str, [u64; 4]))| ReplicatedRow {
        point,
        values: vec![(*value).to_owned()],
        workload: workload.to_owned(),
        job: "boot-from-volume".to_owned(),
        replications: (0..).zip(failed).map(replication).collect(),
    };
    Replicated {
        name: name.to_owned(),
        scenario: "peak".to_owned(),
        version: "0.1.0".to_owned(),
        inputs: "0123456789abcdef".repeat(4),
        seed: 7,
        confidence: 0.95,
        complete: true,
        axes: vec![AXIS.to_owned()],
        rows: points.iter().enumerate().map(row).collect(),
    }
}

fn question() -> Question {
    Question { measures: Measure::USUAL.to_vec(), least_share: 0.0, least_seconds: 0.0, family_wise: false }
}

/// A case, rendered.
fn shown(results: [&Replicated; 2], all: bool, is_gate: bool, render: impl Fn(Told<'_>) -> String) -> String {
    let comparison = compare(results, &question()).unwrap();
    render(Told { results, comparison: &comparison, all, is_gate })
}

fn as_text(results: [&Replicated; 2], all: bool, is_gate: bool) -> String {
    shown(results, all, is_gate, |told| text(told, false))
}

fn small() -> [Replicated; 2] {
    [
        result("output/main", "boots", &[("900", [10, 12, 8, 11]), ("3600", [1, 2, 0, 1]), ("7200", [0; 4])]),
        result("new.toml", "boots", &[("900", [13, 15, 12, 14]), ("3600", [1, 1, 1, 2]), ("14400", [0; 4])]),
    ]
}

#[test]
fn a_small_comparison_is_told_whole() {
    let [first, second] = small();
    let text = as_text([&first, &second], false, false);
    let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines[..4],
        [
            "8 comparisons: 2 worse, 2 without a detected difference, 4 identical",
            "A output/main (peak, outlast 0.1.0, inputs 0123456789ab)",
            "B new.toml (peak, outlast 0.1.0, inputs 0123456789ab)",
            "",
        ]
    );
    assert!(lines[4].starts_with("expiration metric A B B - A 95 % interval difference"), "{text}");
    for (line, expected) in lines[5..].iter().zip([
        "15 min fail 10.2 % 13.5 % +3.25 pp +2.45 to +4.05 pp worse",
        "15 min for a token 10.2 % 13.5 % +3.25 pp +2.45 to +4.05 pp worse",
        "15 min mean time 10 min 10 min 0 s – identical",
        "15 min 95 % end in 15 min 15 min 0 s – identical",
        "1 h fail 1 % 1.25 % +0.25 pp -1.27 to +1.77 pp none detected",
        "1 h for a token 1 % 1.25 % +0.25 pp -1.27 to +1.77 pp none detected",
        "1 h mean time 10 min 10 min 0 s – identical",
        "1 h 95 % end in 15 min 15 min 0 s – identical",
    ]) {
        assert!(line.starts_with(expected), "`{expected}` does not begin `{line}`:\n{text}");
    }
}

#[test]
fn the_gate_says_whether_it_is_open() {
    let [first, second] = small();
    assert!(as_text([&first, &second], false, true).starts_with("FAIL  8 comparisons: 2 worse"));
    assert!(as_text([&first, &first], false, true).starts_with("PASS  12 comparisons: 12 identical"));
    let markdown = |second| shown([&first, second], false, true, markdown);
    assert!(markdown(&second).starts_with("### ❌ 8 comparisons: 2 worse"));
    assert!(markdown(&first).starts_with("### ✅ 12 comparisons: 12 identical"));
}

/// Of a large sweep people see what changed, and of many changes the clearest; programs see everything.
#[test]
fn of_many_comparisons_the_changed_ones_are_shown() {
    let values: Vec<String> = (0..100).map(|value| (value * 60).to_string()).collect();
    let sweep = |changed: usize| {
        let one = |(place, value): (usize, &'_ String)| -> (String, [u64; 4]) {
            let failed = [9, 12, 10, 11];
            // The later, the clearer: 1, 2, 1 and 1 more in the four replications, and more so.
            let more = 1 + place as u64 / 4;
            (value.clone(), if place < changed { [9 + more, 13 + more, 10 + more, 11 + more] } else { failed })
        };
        let points: Vec<(String, [u64; 4])> = values.iter().enumerate().map(one).collect();
        let borrowed: Vec<(&str, [u64; 4])> = points.iter().map(|(value, failed)| (value.as_str(), *failed)).collect();
        result("x", "boots", &borrowed)
    };
    let first = sweep(0);
    let rows = |text: &str| text.lines().filter(|line| line.contains("fail") && line.contains(" pp")).count();
    let few = sweep(12);
    let text = as_text([&first, &few], false, false);
    assert_eq!(rows(&text), 12, "{text}");
    assert!(text.contains("376 of 400 comparisons changed nothing worth a row; --all shows them."), "{text}");
    let text = as_text([&first, &first], false, false);
    assert!(text.contains("\n\n400 of 400 comparisons changed nothing worth a row"), "{text}");
    assert_eq!(rows(&as_text([&first, &few], true, false)), 100);
    let text = as_text([&first, &sweep(100)], false, false);
    assert_eq!(rows(&text), 20, "of 40 rows, half are of tokens: {text}");
    assert!(text.contains("The 40 clearest of 200 changes; --all shows every comparison."), "{text}");
    assert!(!text.contains("\n5 min "), "the least clear of the changes: {text}");
    assert_eq!(shown([&first, &few], false, false, csv).lines().count(), 401);
    let json: Value = serde_json::from_str(&shown([&first, &few], false, false, json)).unwrap();
    assert_eq!(json["rows"].as_array().unwrap().len(), 400);
}

#[test]
fn no_line_is_too_long_whatever_the_names() {
    let long = "a-very-long-name-that-nobody-should-give-to-anything-but-somebody-will-one-day-and-then-it-must-fit";
    let points = [(long, [10, 12, 8, 11]), ("3600", [1, 2, 0, 1]), ("7200", [0; 4])];
    let [mut first, mut second] =
        [result("a", long, &points), result("b", long, &[(long, [90, 99, 80, 97]), ("7", [0; 4])])];
    for result in [&mut first, &mut second] {
        let others: Vec<ReplicatedRow> =
            result.rows.iter().map(|row| ReplicatedRow { workload: "all".to_owned(), ..row.clone() }).collect();
        result.rows.extend(others);
        result.rows.sort_by_key(|row| row.point);
        result.axes = vec![format!("workload.{long}.{long}")];
    }
    second.version = "0.2.0-a-pre-release".to_owned();
    for line in as_text([&first, &second], true, true).lines() {
        assert!(line.chars().count() <= WIDTH, "{} columns: {line}", line.chars().count());
    }
    let text = shown([&first, &second], true, true, markdown);
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let widths: Vec<usize> = text.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    assert!(widths.len() > 2 && widths.iter().all(|width| *width == widths[0]), "{text}");
}

#[test]
fn files_hold_what_was_found_and_nothing_else() {
    let [first, second] = small();
    let text = shown([&first, &second], false, false, csv);
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "point_a,point_b,keystone.token.expiration_s,workload,job,metric,replications,a,b,difference,difference_low,\
         difference_high,confidence,unpaired_low,unpaired_high,variance_ratio,verdict"
    );
    let rows: Vec<&str> = lines.collect();
    assert_eq!(rows.len(), 8);
    assert!(rows[0].starts_with("0,0,900,boots,boot-from-volume,failure_rate,4,0.1025,0.135,0.0325,"), "{}", rows[0]);
    assert!(rows[0].ends_with(",worse"), "{}", rows[0]);
    assert_eq!(rows[3], "0,0,900,boots,boot-from-volume,duration_p95_s,4,900,900,0,,,0.95,,,,identical");

    let json: Value = serde_json::from_str(&shown([&first, &second], false, false, json)).unwrap();
    assert_eq!((&json["a"]["name"], &json["seed"]), (&Value::from("output/main"), &Value::from(7)));
    assert_eq!((&json["regression"], &json["verdicts"]["worse"]), (&Value::from(true), &Value::from(2)));
    assert_eq!(json["rows"][3]["difference_low"], Value::Null);
    assert_eq!(json["rows"][0][AXIS], Value::from("900"));
    assert_eq!(json["alone"][0]["only_in"], Value::from("A"));
    assert_eq!(json["alone"][1]["values"][AXIS], Value::from("14400"));
}

#[test]
fn notes_say_what_limits_a_comparison() {
    let [first, mut second] = small();
    second.version = "0.2.0".to_owned();
    second.confidence = 0.9;
    second.complete = false;
    second.rows[0].replications.truncate(3);
    second.rows[0].replications[0].unfinished = 1_200;
    second.rows[0].job = "volume-backup".to_owned();
    let text = as_text([&first, &second], false, false).replace("\n      ", " ");
    assert!(!text.contains("durations are those of completed jobs"), "no duration changed:\n{text}");
    for part in [
        "note: only A has point 2 (expiration_s = 7200)\n",
        "note: only B has point 2 (expiration_s = 14400)\n",
        "note: outlast 0.1.0 simulated A and outlast 0.2.0 simulated B",
        "note: B was interrupted",
        "note: A asks for 95 % confidence and B for 90 %; the higher is used",
        "note: A has 4 replications and B 3 at 1 of 2 rows; the 3 that both have are compared",
        "0 in A and 1,200 in B",
        "note: the jobs of `boots` are of kind boot-from-volume in A and volume-backup in B",
        "each interval holds with 95 % confidence by itself",
        "Seed 7, 3 to 4 pairs of replications.",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    let comparison = compare([&first, &second], &Question { family_wise: true, ..question() }).unwrap();
    let told = Told { results: [&first, &second], comparison: &comparison, all: false, is_gate: false };
    let text = super::text(told, false).replace("\n      ", " ");
    assert!(
        text.contains("all 8 intervals together hold with 95 % confidence (each with 99.38 %, Bonferroni)"),
        "{text}"
    );
}
