//! What each job had to expect: the same rate as counting, where both can be had; the closed form, where only this can.
//!
//! Seeds are fixed. The chance that a correct estimator fails a test stands beside it.

use std::path::Path;
use std::time::{Duration, Instant as Clock};

use outlast::analysis::{IntervalMethod, Summary, summarise};
use outlast::cloud::lone::{Replay, WhatIf};
use outlast::cloud::{Records, conditional, simulate};
use outlast::model::{Estimator, Model};
use outlast::observe::{Chances, Outcome, PointFacts};
use outlast::scenario::{Overrides, load, load_text};
use outlast::units::Span;

use crate::support::{ALL_SEND, BUSY, SIGMAS, moments, study, told};

/// The only point of a text, of which rates are estimated by what jobs had to expect.
fn conditional_model(text: &str) -> Model {
    let mut model =
        study(&text.replacen("name =", "run.estimator = \"conditional\"\nname =", 1)).points.remove(0).model;
    model.run.estimator = Estimator::Conditional;
    model
}

/// By replication: what the jobs of all workloads had to expect, and what became of them.
fn both(model: &Model, replications: u32) -> Vec<(Chances, Chances)> {
    let one = |replication| {
        let observed = simulate(model, replication, Records::None);
        let mut expected = Chances::default();
        observed.chances.iter().for_each(|chances| expected.add(chances));
        let mut counted = Chances::default();
        for workload in &observed.workloads {
            counted.add(&Chances {
                failed: workload.counts.failed as f64,
                token_failed: workload.counts.token_failures as f64,
                finished: workload.counts.finished() as f64,
            });
        }
        (expected, counted)
    };
    (0..replications).map(one).collect()
}

/// The scenarios of which both estimates are compared: how common failures are, what the age of tokens depends on.
fn common() -> Vec<(&'static str, String, u32)> {
    let without_revocation = BUSY.lines().filter(|line| !line.starts_with("revoke_after"));
    let busy = without_revocation.collect::<Vec<_>>().join("\n");
    let boots = |settings: &str, workload: &str| {
        format!(
            "name = \"common\"\nrun.duration = \"2h\"\n{settings}\n[[workload]]\njob = \"boot-from-volume\"\n\
            arrivals = {{ poisson = \"120/h\" }}\nconvert = \"1m\"\n{workload}"
        )
    };
    let long = "nova.DEFAULT.block_device_allocate_retries = 2000";
    let lognormal = "download = { lognormal = { median = \"10m\", sigma = 0.7 } }";
    let renewing = format!("{lognormal}\ntoken_age = {{ renewing = \"2m\" }}");
    vec![
        ("clients that renew", boots(long, &renewing), 40),
        ("Nova's default wait", boots("", &renewing), 40),
        (
            "ages without an end",
            boots(long, &format!("{lognormal}\ntoken_age = {{ exponential = {{ mean = \"25m\" }} }}")),
            40,
        ),
        (
            "single ages, and a distribution that is cut",
            boots(
                long,
                &format!(
                    "{lognormal}\ntoken_age = {{ mix = [[1, \"50m\"], [1, \"58m\"], \
                    [2, {{ lognormal = {{ median = \"20m\", sigma = 1.2 }}, max = \"2h\" }}]] }}"
                ),
            ),
            40,
        ),
        (
            "the window, keys at any phase",
            boots(
                &format!(
                    "{long}\n{ALL_SEND}\nkeystone.token.allow_expired_window = \"10m\"\ncloud.fernet_rotation.every = \"50m\""
                ),
                "download = { gamma = { mean = \"20m\", cv = 0.8 } }\ntoken_age = { of_expiration = { uniform = [0, 1.1] } }",
            ),
            60,
        ),
        (
            "everything at once",
            format!("run.duration = \"4h\"\ncloud.fernet_rotation.every = \"40m\"\n{ALL_SEND}{busy}"),
            30,
        ),
    ]
}

/// The difference of both estimates, replication by replication, lies about zero: a correct estimator is off by five
/// standard errors for one seed in 1.7 million, in each of twelve comparisons.
#[test]
fn both_estimates_agree_where_failures_are_common() {
    for (what, text, replications) in common() {
        let pairs = both(&conditional_model(&text), replications);
        for (of, value) in [
            ("failed", (|chances: &Chances| chances.failed) as fn(&Chances) -> f64),
            ("token failures", |chances| chances.token_failed),
        ] {
            let rate = |chances: &Chances| value(chances) / chances.finished;
            let differences: Vec<f64> = pairs.iter().map(|(one, other)| rate(one) - rate(other)).collect();
            let (mean, variance) = moments(&differences);
            let counted: Vec<f64> = pairs.iter().map(|(_, counted)| rate(counted)).collect();
            let expected: Vec<f64> = pairs.iter().map(|(expected, _)| rate(expected)).collect();
            let gain = moments(&counted).1 / moments(&expected).1;
            println!(
                "{what}, {of}: counted {:.4}, expected {:.4}, variance ratio {gain:.1}",
                moments(&counted).0,
                moments(&expected).0
            );
            assert!(moments(&counted).0 > 0.01, "{what}: failures are common");
            let error = (variance / f64::from(replications)).sqrt();
            assert!(mean.abs() <= SIGMAS * error, "{what}, {of}: {mean} is {:.1} standard errors", mean / error);
        }
    }
}

/// Over ages of which there are forty, what a job has to expect is the mean of forty courses; exactly, because a
/// refusal costs these jobs their lives.
#[test]
fn over_few_ages_the_chance_is_the_mean_of_their_courses() {
    let ages: Vec<i64> = (0..40).map(|index| index * 137 + 11).collect();
    let listed: Vec<String> = ages.iter().map(|age| format!("[1, \"{age}s\"]")).collect();
    for settings in ["", ALL_SEND, "cloud.fernet_rotation.every = \"25m\"\n"] {
        let text = format!(
            "name = \"few\"\nrun.duration = \"3h\"\nkeystone.token.allow_expired_window = \"15m\"\n{settings}
            cinder.DEFAULT.verify_glance_signatures = \"disabled\"
            nova.DEFAULT.block_device_allocate_retries = 2000
            [[workload]]\njob = \"boot-from-volume\"\narrivals = {{ every = \"7m\" }}
            download = {{ lognormal = {{ median = \"15m\", sigma = 0.9 }} }}
            token_age = {{ mix = [{}] }}",
            listed.join(", ")
        );
        let mut model = conditional_model(&text);
        // The phase of a job is its own; here all share one.
        if let outlast::model::Keys::Fernet { rotations: outlast::model::Rotations::Every { offset, .. }, .. } =
            &mut model.keystone.keys
        {
            *offset = outlast::model::Offset::Fixed(Span::from_seconds(700));
        }
        let found = conditional::chances(&model, 0, || false).expect("nobody stops it")[0];
        let mut replay = Replay::new(&model, 0);
        let mut failed = 0.0;
        let jobs: Vec<_> = replay.arrivals(0).collect();
        for job in &jobs {
            for age in &ages {
                let what_if = WhatIf { token_age: Some(Span::from_seconds(*age)), ..WhatIf::default() };
                let ending = replay.run(*job, &what_if);
                failed += f64::from(u8::from(matches!(ending.outcome, Outcome::Failed(_)))) / ages.len() as f64;
            }
        }
        assert_eq!(found.finished, jobs.len() as f64);
        assert!(failed > 1.0 && failed < jobs.len() as f64 - 1.0, "{failed}");
        assert!((found.failed - failed).abs() < 1e-9, "{settings}: {} is not {failed}", found.failed);
        assert!((found.token_failed - failed).abs() < 1e-9, "{settings}: all for a token's sake");
    }
}

fn summary_of(model: &Model) -> Summary {
    let mut facts = PointFacts::new(0, model);
    (0..model.run.replications).for_each(|replication| {
        facts.merge(&PointFacts::of(0, replication, simulate(model, replication, Records::None)));
    });
    summarise(model, &facts).all().clone()
}

/// One in a million, known by hand: within a tenth in seconds, and the closed form inside. A correct estimator misses
/// the five standard errors for one seed in 1.7 million.
#[test]
fn one_in_a_million_is_found() {
    let study =
        load(Path::new("scenarios/rare.toml"), &Overrides::default()).unwrap_or_else(|issues| panic!("{issues}"));
    let model = &study.points[0].model;
    let begun = Clock::now();
    let summary = summary_of(model);
    let took = begun.elapsed();
    let rate = summary.failure_rate.estimate.expect("jobs finished");
    let interval = summary.failure_rate.interval.expect("there are sixteen replications");
    assert_eq!(interval.method, IntervalMethod::Conditional);
    assert_eq!(summary.failure_rate, summary.token_failure_rate);
    let truth = (660.0 + 0.5) / 3_600.0 / 183_472.0;
    let half_width = (interval.high - interval.low) / 2.0;
    // Half the interval over Student's t with 15 degrees of freedom.
    let error = half_width / 2.131_45;
    told("one in a million, times a million", rate * 1e6, truth * 1e6, error * 1e6);
    let counting = truth * (1.0 - truth) / summary.counts.finished() as f64;
    println!(
        "{} jobs in {took:.2?}: {:.2e} to {:.2e}, within {:.2} %; variance of counting over this: {:.1e}",
        summary.counts.finished(),
        interval.low,
        interval.high,
        half_width / rate * 100.0,
        counting / (error * error)
    );
    assert!(half_width <= 0.1 * rate, "within a tenth");
    assert!(interval.low <= truth && truth <= interval.high, "{interval:?} has {truth:e}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// Keys at a random phase: with M keys and a period P a token of age A is lost with probability
/// clamp((A − (M − 2)·P)/P, 0, 1). Phases lie so evenly over the jobs of a replication that the share of a replication
/// is off by a few jobs at most, where counting sees all jobs of a replication go one way.
#[test]
fn keys_at_a_random_phase_have_their_share() {
    for (keys, age, expected) in
        [(3, 12.5, 0.5 / 12.0), (3, 18.0, 0.5), (3, 23.5, 11.5 / 12.0), (2, 3.0, 0.25), (5, 36.0012, 0.0001)]
    {
        let text = format!(
            "name = \"phase\"\nrun.duration = \"10d\"\nkeystone.token.expiration = \"3d\"\n\
            keystone.fernet_tokens.max_active_keys = {keys}\ncloud.fernet_rotation.every = \"12h\"\n\
            [[workload]]\njob = \"image-upload\"\narrivals = {{ poisson = \"40/h\" }}\ntoken_age = \"{age}h\""
        );
        let model = conditional_model(&text);
        let pairs = both(&model, 8);
        let shares: Vec<f64> = pairs.iter().map(|(expected, _)| expected.failed / expected.finished).collect();
        let counted: Vec<f64> = pairs.iter().map(|(_, counted)| counted.failed / counted.finished).collect();
        let jobs = pairs.iter().map(|(expected, _)| expected.finished).fold(f64::INFINITY, f64::min);
        let (mean, variance) = moments(&shares);
        println!(
            "{keys} keys, age {age} h: {mean:.6}, closed form {expected:.6}, {jobs} jobs each; variance ratio {:.1e}",
            moments(&counted).1 / variance
        );
        for share in &shares {
            assert!((share - expected).abs() < 5.0 / jobs, "{keys} keys, age {age} h: {share} is not {expected}");
        }
    }
}

#[test]
fn what_ties_jobs_refuses_it_with_place_and_reason() {
    let text = "name = \"tied\"\nrun.estimator = \"conditional\"\ncloud.workers.glance = 2
        [[workload]]\njob = \"image-upload\"\narrivals = { every = \"1h\" }\nrevoke_after = \"1h\"";
    let issues = load_text("tied.toml", text, Path::new("."), &Overrides::default()).expect_err("it is refused");
    let told = issues.to_string();
    for part in [
        "`run.estimator` cannot be `conditional` here: jobs wait for each other where slots are limited (`glance.api`)",
        "`run.estimator` cannot be `conditional` here: `revoke_after` of `image-upload` does not touch a token that has \
         expired",
        "tied.toml:2:17",
        "count failures instead: `estimator = \"counting\"`",
    ] {
        assert!(told.contains(part), "{part}\nis not in\n{told}");
    }
}
