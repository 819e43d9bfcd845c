//! How sure a point's answer is, where the study asks for a precision.

use super::{IntervalMethod, PointResult, Rate, Reached, Summary};
use crate::model::study::{Metric, Point, Precision, Study};
use crate::observe::{JobCounts, PointFacts};
use crate::stats::{Sides, clopper_pearson, ratio_interval};
use crate::units::MICROS;

/// What came of the precision that the study asks for; `None`: it asks for none.
pub fn reached(study: &Study, result: &PointResult) -> Option<Reached> {
    // One replication alone, asked for by its number, is no attempt at a precision.
    let precision = study.precision.as_ref().filter(|_| result.replications > 1)?;
    let row = row(study.points.get(result.point)?, precision, result)?;
    let half_width = half_width(precision.metric, row);
    Some(Reached { half_width, holds: half_width.is_some_and(|half_width| half_width <= precision.half_width) })
}

/// Whether the facts of a point are as sure as the study asks for.
pub fn suffices(study: &Study, facts: &PointFacts) -> bool {
    study.points.get(facts.point).is_none_or(|point| {
        let result = super::summarise(&point.model, facts);
        reached(study, &result).is_none_or(|reached| reached.holds)
    })
}

fn row<'r>(point: &Point, precision: &Precision, result: &'r PointResult) -> Option<&'r Summary> {
    let Some(name) = &precision.workload else { return Some(result.all()) };
    let index = point.model.workloads.iter().position(|workload| workload.name == *name)?;
    result.rows.iter().find(|row| row.workload == Some(index))
}

/// Half of the two-sided interval of a metric that has one.
fn half_width(metric: Metric, row: &Summary) -> Option<f64> {
    match metric {
        Metric::FailureRate => half_width_of_rate(&row.failure_rate, row, |counts| counts.failed),
        Metric::TokenFailureRate => half_width_of_rate(&row.token_failure_rate, row, |counts| counts.token_failures),
        Metric::DurationMean => {
            let seconds = |counts: &JobCounts| counts.duration_sum_micros as f64 / MICROS as f64;
            let pairs: Vec<(f64, f64)> =
                row.by_replication.iter().map(|counts| (seconds(counts), counts.completed as f64)).collect();
            let (low, high) = ratio_interval(&pairs, row.confidence, Sides::Two)?;
            Some((high - low) / 2.0)
        }
        Metric::Jobs
        | Metric::Completed
        | Metric::Failed
        | Metric::Unfinished
        | Metric::RefusedAtSubmission
        | Metric::TokenFailures
        | Metric::Orphans
        | Metric::DurationP50
        | Metric::DurationP95
        | Metric::DurationP99
        | Metric::MarginP01 => None,
    }
}

/// The longer side of a rate's interval, which may be cut off at 0 or 1 on the other. A few replications can have equal
/// rates by chance; Student's interval is then a point, and that of independent jobs stands in for it.
fn half_width_of_rate(rate: &Rate, row: &Summary, hits: fn(&JobCounts) -> u64) -> Option<f64> {
    let (estimate, interval) = (rate.estimate?, rate.interval?);
    let sides = |low: f64, high: f64| (high - estimate).max(estimate - low);
    if interval.method == IntervalMethod::StudentT && interval.low >= interval.high {
        let hits: u64 = row.by_replication.iter().map(hits).sum();
        let (low, high) = clopper_pearson(hits, row.counts.finished(), row.confidence, Sides::Two)?;
        return Some(sides(low, high));
    }
    Some(sides(interval.low, interval.high))
}
