//! `outlast compare`: results and scenario files, formats, exit codes, refusals; and what pairs buy.

use std::collections::BTreeMap;
use std::fs;

use outlast::analysis::compare::{Measure, Outcome, Question, Replicated, compare};
use outlast::analysis::{PointResult, summarise};
use outlast::cloud::Records;
use outlast::report::replicated;

use crate::command::{Desk, SMALL};
use crate::support::{run_study, study};

/// Tokens that live four minutes longer, so that fewer jobs fail.
fn longer() -> String {
    SMALL.replace("\"20m\"", "\"24m\"").replace("\"small\"", "\"longer\"")
}

/// A desk with both scenarios and the results of both.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.write("longer.toml", longer());
    desk.run(&["run", "small.toml", "longer.toml", "--no-plots", "-q"]).exits(0);
    desk
}

const SMALL_RESULT: &str = "output/small";
const LONGER_RESULT: &str = "output/longer";

#[test]
fn a_result_compares_as_its_scenario_does() {
    let desk = desk();
    let rows = |a: &str, b: &str| {
        let did = desk.run(&["compare", a, b, "--format", "csv"]);
        did.exits(0);
        assert_eq!(did.stderr, "");
        did.stdout
    };
    let expected = rows(SMALL_RESULT, LONGER_RESULT);
    assert!(
        expected.contains(",better\n") && expected.contains(",worse\n") && expected.contains(",identical\n"),
        "{expected}"
    );
    let sources = [("small.toml", LONGER_RESULT), (SMALL_RESULT, "longer.toml"), ("small.toml", "longer.toml")];
    for (a, b) in sources {
        assert_eq!(rows(a, b), expected, "{a} and {b}");
    }
    let before = desk.files(".");
    desk.run(&["compare", "small.toml", "longer.toml", "--threads", "3"]).exits(0);
    assert_eq!(desk.files("."), before, "nothing is written");
}

#[test]
fn a_result_is_identical_to_itself() {
    let desk = desk();
    let did = desk.run(&["compare", "small.toml", SMALL_RESULT, "--fail-on-regression"]);
    did.exits(0);
    assert!(did.stdout.starts_with("PASS  8 comparisons: 8 identical\n"), "{}", did.stdout);
}

/// What the rows of a replication sum to stands in the summary.
#[test]
fn replications_sum_to_the_summary() {
    let desk = desk();
    let sums = |file: &str| {
        let text = desk.read(&format!("{SMALL_RESULT}/{file}"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().unwrap().clone();
        let mut sums: BTreeMap<(String, String), [u64; 6]> = BTreeMap::new();
        for record in reader.records().map(Result::unwrap) {
            let cell = |name: &str| record[names.iter().position(|known| known == name).unwrap()].to_owned();
            let sum = sums.entry((cell("point"), cell("workload"))).or_default();
            let counts = ["jobs", "completed", "failed", "unfinished", "token_failures", "orphans"].map(cell);
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count.parse::<u64>().unwrap();
            }
        }
        sums
    };
    let summary = sums("summary.csv");
    assert_eq!(summary.len(), 4);
    assert_eq!(sums("replications.csv"), summary);
}

#[test]
fn the_exit_code_is_that_of_the_worst() {
    let desk = desk();
    let rates = ["--metric", "failure_rate,token_failure_rate"];
    let cases: [(&str, &str, &[&str], i32); 8] = [
        ("better", LONGER_RESULT, &["--fail-on-regression"], 0),
        ("worse without a gate", SMALL_RESULT, &[], 0),
        ("worse", SMALL_RESULT, &["--fail-on-regression"], 2),
        ("worse by less than it takes", SMALL_RESULT, &["--fail-on-regression", "--threshold", "90%"], 0),
        ("the threshold of times", SMALL_RESULT, &["--fail-on-regression", "--threshold", "1h"], 2),
        ("family-wise", SMALL_RESULT, &["--fail-on-regression", "--family-wise", "--threshold", "90%"], 0),
        ("quiet", SMALL_RESULT, &["--fail-on-regression", "-q"], 2),
        ("something else is asked", SMALL_RESULT, &["--fail-on-regression", "--metric", "duration_p99_s"], 0),
    ];
    for (name, second, options, code) in cases {
        let first = if second == SMALL_RESULT { LONGER_RESULT } else { SMALL_RESULT };
        let mut arguments = vec!["compare", first, second];
        if !options.contains(&"--metric") {
            arguments.extend(rates);
        }
        arguments.extend(options);
        let did = desk.run(&arguments);
        println!("{name}");
        did.exits(code);
        assert_eq!(did.stdout.is_empty(), options.contains(&"-q"), "{name}: {}", did.stdout);
    }
    // Without an interval a gate cannot be open.
    let one = ["compare", "small.toml", "longer.toml", "--replications", "1"];
    let did = desk.run(&one);
    did.exits(0);
    assert!(did.stdout.contains("without an interval"), "{}", did.stdout);
    desk.run(&[one.as_slice(), &["--fail-on-regression"]].concat()).exits(1).complains("--replications 2 or more");
}

#[test]
fn every_format_can_be_printed_and_written() {
    let desk = desk();
    let printed = |format: &str| {
        let did = desk.run(&["compare", SMALL_RESULT, LONGER_RESULT, "--format", format, "--color", "never"]);
        did.exits(0);
        did.stdout
    };
    let text = printed("text");
    for (file, format, begins) in [
        ("it.md", "markdown", "### 8 comparisons: "),
        ("it.csv", "csv", "point_a,point_b,cinder.service_user.send_service_user_token,workload,"),
        ("it.json", "json", "{\n"),
        ("it.txt", "text", "8 comparisons: "),
    ] {
        let did = desk.run(&["compare", SMALL_RESULT, LONGER_RESULT, "--out", file]);
        did.exits(0);
        assert_eq!(did.stdout, text, "people see the same");
        assert_eq!(desk.read(file).trim_end(), printed(format).trim_end());
        assert!(desk.read(file).starts_with(begins), "{format}: {}", desk.read(file));
    }
    desk.run(&["compare", SMALL_RESULT, LONGER_RESULT, "--out", "step-summary", "--format", "markdown"]).exits(0);
    assert_eq!(desk.read("step-summary"), desk.read("it.md"));
}

#[test]
fn what_differs_beside_the_settings_is_said() {
    let desk = desk();
    let manifest = desk.read(&format!("{LONGER_RESULT}/run.json"));
    let version = format!("\"outlast\": \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(manifest.contains(&version));
    desk.write("output/longer/run.json", manifest.replace(&version, "\"outlast\": \"0.0.1\""));
    let did = desk.run(&["compare", SMALL_RESULT, LONGER_RESULT]);
    did.exits(0);
    assert!(did.stdout.contains("note: outlast 0.1.0 simulated A and outlast 0.0.1 simulated B"), "{}", did.stdout);
    // Fewer replications are the first of more.
    let did = desk.run(&["compare", SMALL_RESULT, "longer.toml", "--replications", "2"]);
    did.exits(0);
    assert!(
        did.stdout.contains("A has 3 replications and B 2; the 2 that both have are compared")
            && did.stdout.contains("Seed 7, 2 pairs of replications."),
        "{}",
        did.stdout
    );
}

/// Each: what is damaged or asked, how, and what stderr must contain. All exit with 1 and print no result.
#[test]
fn what_cannot_be_compared_is_refused_with_the_reason() {
    type Damage = fn(&Desk);
    let none: Damage = |_| {};
    let cases: [(&str, Damage, &[&str], &str); 17] = [
        ("no such folder", none, &[SMALL_RESULT, "output/other"], "output/other: there is no such file or folder"),
        (
            "a folder of results",
            none,
            &[SMALL_RESULT, "output"],
            "output: no result of `outlast run`; name one of output/longer, output/small",
        ),
        (
            "a folder of something else",
            |desk| fs::create_dir(desk.path().join("src")).unwrap(),
            &["src", LONGER_RESULT],
            "src: no result of `outlast run` (there is no run.json in it)",
        ),
        (
            "no replications",
            |desk| fs::remove_file(desk.path().join("output/small/replications.csv")).unwrap(),
            &[SMALL_RESULT, LONGER_RESULT],
            "output/small: there is no replications.csv: outlast 0.1.0 wrote this result; run the scenario again",
        ),
        (
            "a torn file",
            |desk| {
                let text = desk.read("output/small/replications.csv");
                desk.write("output/small/replications.csv", &text[..text.len() - 40]);
            },
            &[SMALL_RESULT, LONGER_RESULT],
            "output/small/replications.csv: ",
        ),
        (
            "a damaged cell",
            |desk| {
                let text = desk.read("output/small/replications.csv");
                desk.write(
                    "output/small/replications.csv",
                    text.replacen(",boot-from-volume,1,", ",boot-from-volume,x,", 1),
                );
            },
            &[SMALL_RESULT, LONGER_RESULT],
            "output/small/replications.csv: line 3: `replication` is `x`, and no count; run the scenario again",
        ),
        (
            "a damaged manifest",
            |desk| {
                desk.write("output/small/run.json", "{}");
            },
            &[SMALL_RESULT, LONGER_RESULT],
            "output/small/run.json: it is no manifest of a run: missing field",
        ),
        (
            "a bad scenario",
            |desk| {
                desk.write("bad.toml", "nam = 1");
            },
            &["bad.toml", LONGER_RESULT],
            "bad.toml",
        ),
        (
            "both are wrong",
            |desk| {
                desk.write("bad.toml", "nam = 1");
            },
            &["output/other", "bad.toml"],
            "did you mean `name`",
        ),
        (
            "other seeds",
            none,
            &[SMALL_RESULT, "longer.toml", "--seed", "8"],
            "output/small has seed 7 and longer.toml seed 8: their replications saw other jobs",
        ),
        ("a seed for folders", none, &[SMALL_RESULT, LONGER_RESULT, "--seed", "8"], "--seed is for scenario files"),
        (
            "one of them sweeps",
            |desk| {
                desk.write("flat.toml", SMALL.split("[sweep]").next().unwrap());
            },
            &["flat.toml", LONGER_RESULT],
            "output/longer has 2 values of `cinder.service_user.send_service_user_token`, over which flat.toml does not sweep",
        ),
        (
            "no common point",
            |desk| {
                desk.write("false.toml", SMALL.replace("[false, true]", "[false]"));
                desk.write("true.toml", SMALL.replace("[false, true]", "[true]"));
            },
            &["false.toml", "true.toml"],
            "no two of them have the same values of `cinder.service_user.send_service_user_token`",
        ),
        ("no such metric", none, &[SMALL_RESULT, LONGER_RESULT, "--metric", "failure"], "failure_rate"),
        ("a threshold of nothing", none, &[SMALL_RESULT, LONGER_RESULT, "--threshold", "0.1"], "\"0.1%\""),
        ("no format", none, &[SMALL_RESULT, LONGER_RESULT, "--format", "html"], "markdown"),
        (
            "a place that cannot be written",
            none,
            &[SMALL_RESULT, LONGER_RESULT, "--out", "nowhere/it.md"],
            "nowhere/it.md: cannot write: ",
        ),
    ];
    let desk = desk();
    let whole = desk.files("output");
    for (name, damage, arguments, expected) in cases {
        damage(&desk);
        let did = desk.run(&[&["compare"], arguments].concat());
        assert_eq!((did.code, did.stdout.as_str()), (Some(1), ""), "{name}: {}", did.stderr);
        assert!(did.stderr.contains(expected), "{name}: `{expected}` is not in:\n{}", did.stderr);
        for (file, bytes) in &whole {
            desk.write(file, bytes);
        }
    }
}

/// What a scenario gives with this lifetime and this seed.
fn close(minutes: u32, seed: u64) -> Replicated {
    let study = study(&format!(
        "name = \"close\"
        run = {{ seed = {seed}, replications = 40, duration = \"8h\" }}
        keystone.token.expiration = \"{minutes}m\"
        nova.DEFAULT.block_device_allocate_retries = 1200
        [[workload]]
        name = \"boots\"
        job = \"boot-from-volume\"
        arrivals = {{ poisson = \"15/h\" }}
        token_age = {{ renewing = \"120s\" }}
        download = {{ lognormal = {{ median = \"30m\", sigma = 0.7 }} }}"
    ));
    let (facts, _) = run_study(&study, 2, Records::None);
    let results: Vec<PointResult> = facts.iter().map(|facts| summarise(&study.points[0].model, facts)).collect();
    replicated::of(String::new(), &study, &results)
}

/// A lifetime of 60 or 61 minutes: 40 replications detect the difference in pairs, and 40 that are independent do not.
///
/// The seeds are fixed. In pairs the difference lies six standard errors from zero; independent runs detect it with a
/// probability of about one in fourteen (0.6 standard errors), which none of these three seeds meets.
#[test]
fn pairs_detect_what_independent_replications_do_not() {
    let measures = vec![Measure::FailureRate, Measure::DurationMean, Measure::DurationP95];
    let question = Question { measures, least_share: 0.0, least_seconds: 0.0, family_wise: false };
    let (first, second) = (close(60, 17), close(61, 17));
    let paired = compare([&first, &second], &question).unwrap();
    for compared in &paired.rows[0].measures {
        println!(
            "{}: {:?}, difference {:.5}, paired {:.5?}, Welch {:.5?}, variance ratio {:.1}",
            compared.measure.code(),
            compared.estimates.map(Option::unwrap),
            compared.difference.unwrap(),
            compared.interval.unwrap(),
            compared.unpaired.unwrap(),
            compared.variance_ratio.unwrap()
        );
    }
    let of_pairs = paired.rows[0].measures[0];
    assert_eq!(of_pairs.outcome, Outcome::Better, "{of_pairs:?}");
    assert!(of_pairs.variance_ratio.unwrap() > 30.0, "{of_pairs:?}");
    for seed in [18, 19, 20] {
        // Told to be pairs, so that Welch's interval is computed of both; they are independent all the same.
        let independent = Replicated { seed: first.seed, ..close(61, seed) };
        let apart = compare([&first, &independent], &question).unwrap().rows[0].measures[0];
        let (low, high) = apart.unpaired.unwrap();
        println!("seed {seed}: difference {:.5}, Welch {low:.5} to {high:.5}", apart.difference.unwrap());
        assert!(low < 0.0 && 0.0 < high, "seed {seed}: {apart:?}");
        assert!((0.3..3.0).contains(&apart.variance_ratio.unwrap()), "no pairs, no gain: {apart:?}");
    }
}
