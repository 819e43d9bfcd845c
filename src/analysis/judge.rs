//! Expectations against results: one-sided bounds, and what is wrong where one does not hold.

use super::summarise::{Failures, interval, rate};
use super::{Check, FailureRow, PointResult, Problem, Rate, Summary, Verdict};
use crate::model::study::{Expectation, Metric, MetricKind, Study};
use crate::model::vocabulary::Reason;
use crate::model::{Model, StepId};
use crate::observe::{Distribution, Side};
use crate::stats::{Sides, quantile_ranks, ratio_interval};
use crate::units::MICROS;

/// The verdict on the expectations of the study, over the results at hand, which are in the order of points. An
/// expectation that speaks only of points that were not simulated is not judged.
pub fn judge(study: &Study, results: &[PointResult]) -> Vec<Verdict> {
    let at = |number: &usize| Some(&results[results.binary_search_by_key(number, |result| result.point).ok()?]);
    let verdict = |(index, expectation): (usize, &Expectation)| {
        let matched = expectation.points.iter().filter_map(at);
        let checks: Vec<Check> = matched.map(|result| check(study, expectation, result)).collect();
        let judged = !checks.is_empty() || expectation.points.is_empty();
        judged.then_some(Verdict { expectation: index, checks })
    };
    study.expectations.iter().enumerate().filter_map(verdict).collect()
}

fn check(study: &Study, expectation: &Expectation, result: &PointResult) -> Check {
    let mut check = Check { point: result.point, value: None, low: None, high: None, problem: None };
    let model = &study.points[result.point].model;
    let workload = match &expectation.workload {
        None => None,
        Some(name) => match model.workloads.iter().position(|workload| workload.name == *name) {
            Some(index) => Some(index),
            None => return Check { problem: Some(Problem::NoSuchWorkload), ..check },
        },
    };
    let row = match workload {
        Some(index) => &result.rows[index],
        None => result.all(),
    };
    let measure = if expectation.step.is_some() || expectation.reason.is_some() {
        narrowed(expectation, model, result, row, workload)
    } else {
        whole(expectation.metric, row, expectation.confidence)
    };
    check.value = measure.value;
    check.low = expectation.min.and(measure.low);
    check.high = expectation.max.and(measure.high);
    check.problem = problem(expectation, &check, row);
    if check.problem == Some(Problem::NoBound) && measure.value.is_some() && measure.too_few {
        check.problem = Some(Problem::TooFewJobs);
    }
    check
}

fn problem(expectation: &Expectation, check: &Check, row: &Summary) -> Option<Problem> {
    if row.counts.unfinished > 0 {
        return Some(Problem::UnfinishedJobs);
    }
    match (expectation.max, check.high) {
        (Some(_), None) => return Some(Problem::NoBound),
        (Some(max), Some(high)) if high > max => return Some(Problem::TooHigh),
        (Some(_), Some(_)) | (None, _) => {}
    }
    match (expectation.min, check.low) {
        (Some(_), None) => Some(Problem::NoBound),
        (Some(min), Some(low)) if low < min => Some(Problem::TooLow),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

/// An estimate with its one-sided bounds.
#[derive(Clone, Copy, Debug, Default)]
struct Measure {
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    /// Whether a bound that is missing would need more jobs.
    too_few: bool,
}

impl Measure {
    /// A count of what happened is what it is.
    fn count(count: u64) -> Measure {
        let value = Some(count as f64);
        Measure { value, low: value, high: value, too_few: false }
    }

    /// A share of the finished jobs, its numerator given by replication.
    fn of_share(row: &Summary, hits: &[u64], confidence: f64) -> Measure {
        let finished = row.counts.finished();
        let bounds = interval(&row.by_replication, hits, confidence, Sides::One);
        Measure {
            value: (finished > 0).then(|| hits.iter().sum::<u64>() as f64 / finished as f64),
            low: bounds.map(|bounds| bounds.low),
            high: bounds.map(|bounds| bounds.high),
            too_few: false,
        }
    }

    fn of_rate(row: &Summary, failures: Failures, confidence: f64) -> Measure {
        let Rate { estimate, interval } = rate(failures, &row.by_replication, &row.chances, confidence, Sides::One);
        let (low, high) = (interval.map(|ends| ends.low), interval.map(|ends| ends.high));
        Measure { value: estimate, low, high, too_few: false }
    }

    /// A quantile, bounded by order statistics, which assumes independent jobs.
    fn of_quantile(times: &Distribution, q: f64, confidence: f64) -> Measure {
        let at = |rank: Option<u64>, side| rank.and_then(|rank| times.at_rank(rank, side)).map(|span| span.seconds());
        let (low, high) = quantile_ranks(times.len(), q, confidence);
        let value = times.quantile(q).map(|span| span.seconds());
        Measure { value, low: at(low, Side::Low), high: at(high, Side::High), too_few: true }
    }
}

fn whole(metric: Metric, row: &Summary, confidence: f64) -> Measure {
    let counts = &row.counts;
    match metric {
        Metric::Jobs => Measure::count(counts.jobs),
        Metric::Completed => Measure::count(counts.completed),
        Metric::Failed => Measure::count(counts.failed),
        Metric::Unfinished => Measure::count(counts.unfinished),
        Metric::RefusedAtSubmission => Measure::count(counts.refused_at_submission),
        Metric::TokenFailures => Measure::count(counts.token_failures),
        Metric::Orphans => Measure::count(counts.orphans),
        Metric::FailureRate => Measure::of_rate(row, Failures::All, confidence),
        Metric::TokenFailureRate => Measure::of_rate(row, Failures::OfTokens, confidence),
        Metric::DurationMean => {
            let pairs: Vec<(f64, f64)> = row
                .by_replication
                .iter()
                .map(|counts| (counts.duration_sum_micros as f64 / MICROS as f64, counts.completed as f64))
                .collect();
            let ends = ratio_interval(&pairs, confidence, Sides::One);
            Measure {
                value: row.duration_mean,
                low: ends.map(|ends| ends.0),
                high: ends.map(|ends| ends.1),
                too_few: false,
            }
        }
        Metric::DurationP50 => Measure::of_quantile(&row.durations, 0.50, confidence),
        Metric::DurationP95 => Measure::of_quantile(&row.durations, 0.95, confidence),
        Metric::DurationP99 => Measure::of_quantile(&row.durations, 0.99, confidence),
        Metric::MarginP01 => Measure::of_quantile(&row.margins, 0.01, confidence),
    }
}

/// The same, counted over the failures at a step or for a reason.
fn narrowed(
    expectation: &Expectation,
    model: &Model,
    result: &PointResult,
    row: &Summary,
    workload: Option<usize>,
) -> Measure {
    let ways: Vec<&FailureRow> = result
        .failures
        .iter()
        .filter(|way| workload.is_none_or(|workload| way.workload == workload))
        .filter(|way| matches(expectation, model, way))
        .filter(|way| !expectation.metric.is_of_tokens() || way.first_cause_reason.is_token_failure())
        .collect();
    match expectation.metric.kind() {
        MetricKind::Count if expectation.metric == Metric::Orphans => {
            Measure::count(ways.iter().map(|way| way.orphans).sum())
        }
        MetricKind::Count | MetricKind::Duration => Measure::count(ways.iter().map(|way| way.jobs).sum()),
        MetricKind::Rate => {
            let failed = |replication: usize| ways.iter().map(|way| way.by_replication[replication]).sum();
            let hits: Vec<u64> = (0..row.by_replication.len()).map(failed).collect();
            Measure::of_share(row, &hits, expectation.confidence)
        }
    }
}

/// Whether any job of a result failed as the expectation says; yes, if it says nothing of how.
pub fn is_seen(expectation: &Expectation, model: &Model, result: &PointResult) -> bool {
    let is_of = |way: &&FailureRow| {
        expectation.workload.as_ref().is_none_or(|name| model.workloads[way.workload].name == *name)
    };
    let is_narrowed = expectation.step.is_some() || expectation.reason.is_some();
    !is_narrowed || result.failures.iter().filter(is_of).any(|way| matches(expectation, model, way))
}

/// Whether a way of failing is the one that the expectation names: as the job's owner saw it, or as it began. Steps are
/// told apart by their names, because those of several job kinds may meet here.
fn matches(expectation: &Expectation, model: &Model, way: &FailureRow) -> bool {
    let kind = &model.workloads[way.workload].kind;
    let is = |step: StepId, reason: Reason| {
        expectation.step.as_ref().is_none_or(|wanted| wanted == kind.step_name(step))
            && expectation.reason.is_none_or(|wanted| wanted == reason)
    };
    is(way.step, way.reason) || is(way.first_cause_step, way.first_cause_reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Interval;
    use crate::observe::JobCounts;

    const CONFIDENCE: f64 = 0.95;

    fn row(replications: &[(u64, u64)]) -> Summary {
        let by_replication: Vec<JobCounts> = replications
            .iter()
            .map(|&(failed, completed)| JobCounts {
                jobs: failed + completed,
                failed,
                completed,
                ..JobCounts::default()
            })
            .collect();
        let mut counts = JobCounts::default();
        by_replication.iter().for_each(|replication| counts.add(replication));
        let none = Rate { estimate: None, interval: None::<Interval> };
        Summary {
            workload: None,
            counts,
            failure_rate: none,
            token_failure_rate: none,
            confidence: CONFIDENCE,
            duration_mean: None,
            durations: Distribution::default(),
            margins: Distribution::default(),
            by_replication,
            quantiles: Default::default(),
            chances: Vec::new(),
        }
    }

    fn expectation(metric: Metric, min: Option<f64>, max: Option<f64>) -> Expectation {
        Expectation {
            metric,
            min,
            max,
            points: vec![0],
            workload: None,
            step: None,
            reason: None,
            confidence: CONFIDENCE,
            place: "scenario.toml:1".to_owned(),
            text: String::new(),
        }
    }

    fn judged(expectation: &Expectation, row: &Summary) -> Option<Problem> {
        let measure = whole(expectation.metric, row, CONFIDENCE);
        let check = Check {
            point: 0,
            value: measure.value,
            low: expectation.min.and(measure.low),
            high: expectation.max.and(measure.high),
            problem: None,
        };
        problem(expectation, &check, row)
    }

    #[test]
    fn a_bound_decides_not_the_estimate() {
        // None of 2,000 failed: the one-sided upper bound is 1 - 0.05^(1/2000) = 0.0015.
        let row = row(&[(0, 1_000), (0, 1_000)]);
        let cases = [
            (expectation(Metric::FailureRate, None, Some(0.002)), None),
            (expectation(Metric::FailureRate, None, Some(0.001)), Some(Problem::TooHigh)),
            (expectation(Metric::FailureRate, Some(0.0), None), None),
            (expectation(Metric::FailureRate, Some(0.5), None), Some(Problem::TooLow)),
            (expectation(Metric::Failed, None, Some(0.0)), None),
            (expectation(Metric::Jobs, Some(2_001.0), None), Some(Problem::TooLow)),
            (expectation(Metric::DurationP95, None, Some(10.0)), Some(Problem::NoBound)),
        ];
        for (expectation, problem) in cases {
            assert_eq!(judged(&expectation, &row), problem, "{expectation:?}");
        }
    }

    #[test]
    fn one_replication_has_no_bound() {
        let rate = expectation(Metric::FailureRate, None, Some(1.0));
        assert_eq!(judged(&rate, &row(&[(0, 1_000)])), Some(Problem::NoBound));
    }

    #[test]
    fn unfinished_jobs_fail_it() {
        let mut row = row(&[(0, 1_000), (0, 1_000)]);
        row.counts.unfinished = 1;
        let rate = expectation(Metric::FailureRate, None, Some(1.0));
        assert_eq!(judged(&rate, &row), Some(Problem::UnfinishedJobs));
    }

    /// `poll` has other places in the lists of other kinds.
    #[test]
    fn steps_are_told_apart_by_name() {
        let mut case = crate::report::fixture::single();
        let mut other = crate::model::Kind::clone(&case.study.points[0].model.workloads[0].kind);
        other.name = "other".to_owned();
        other.steps.reverse();
        let model = &mut case.study.points[0].model;
        let first = model.workloads[0].clone();
        model.workloads = [first.clone(), crate::model::Workload { kind: other.into(), ..first }].into();
        let model = &case.study.points[0].model;
        let at = |workload: usize, name: &str| {
            let step = model.workloads[workload].kind.step(name).unwrap();
            let way = case.results[0].failures[0].clone();
            FailureRow { workload, step, first_cause_step: step, ..way }
        };
        let polls = Expectation { step: Some("poll".to_owned()), ..expectation(Metric::Failed, None, None) };
        assert_ne!(at(0, "poll").step, at(1, "poll").step);
        for (workload, step, expected) in
            [(0, "poll", true), (1, "poll", true), (0, "attach_update", false), (1, "swift_get", false)]
        {
            assert_eq!(matches(&polls, model, &at(workload, step)), expected, "{step} of {workload}");
        }
    }
}
