//! Facts of a point into its summary rows, failures, services, pools and links.

use std::sync::Arc;

use super::{
    FailureRow, Interval, IntervalMethod, PointResult, Ranking, Rate, ReplicationRow, Summary, capacity, remedies,
};
use crate::model::{Model, ServiceId};
use crate::observe::{Chances, JobCounts, PointFacts, Quantiles, ReplicationFacts, WorkloadFacts};
use crate::stats::{Sides, clopper_pearson, ratio_interval};
use crate::units::MICROS;

/// The numbers of one point.
pub fn summarise(model: &Model, facts: &PointFacts) -> PointResult {
    let confidence = model.run.confidence;
    let of_workload = |index: usize| {
        let counts = facts.by_replication.iter().map(|workloads| workloads[index].counts).collect();
        let chances = facts.by_replication.iter().filter_map(|workloads| workloads[index].chances).collect();
        let quantiles = facts.by_replication.iter().map(|workloads| workloads[index].quantiles).collect();
        summary(Some(index), &facts.workloads[index], ByReplication { counts, chances, quantiles }, confidence)
    };
    let mut rows: Vec<Summary> = (0..facts.workloads.len()).map(of_workload).collect();
    let counts = |workloads: &Vec<ReplicationFacts>| {
        let mut sum = JobCounts::default();
        workloads.iter().for_each(|workload| sum.add(&workload.counts));
        sum
    };
    let chances = |workloads: &Vec<ReplicationFacts>| {
        let mut of_all = workloads.iter().map(|workload| workload.chances);
        of_all.try_fold(Chances::default(), |mut sum, chances| {
            sum.add(&chances?);
            Some(sum)
        })
    };
    let all = match rows.as_slice() {
        // The same jobs: nothing is kept twice.
        [only] => Summary { workload: None, ..only.clone() },
        _ => {
            let mut all = WorkloadFacts::default();
            for workload in &facts.workloads {
                all.counts.add(&workload.counts);
                all.durations.merge(&workload.durations);
                all.margins.merge(&workload.margins);
            }
            let by_replication = ByReplication {
                counts: facts.by_replication.iter().map(counts).collect(),
                chances: facts.by_replication.iter().filter_map(chances).collect(),
                quantiles: facts.quantiles_of_all.as_slice().into(),
            };
            summary(None, &all, by_replication, confidence)
        }
    };
    rows.push(all);
    let ranking = remedies::rank(facts);
    let failures = (0..facts.workloads.len()).flat_map(|index| failures(index, facts, ranking.as_ref()));
    let services = (0..=u8::MAX).map(ServiceId).zip(facts.services.iter().copied());
    PointResult {
        point: facts.point,
        replications: facts.by_replication.len() as u32,
        first_replication: facts.replications.first().copied().unwrap_or(0),
        precision: None,
        rows,
        failures: failures.collect(),
        remedies: ranking.clone(),
        services: services.filter(|(service, facts)| service.is_always_shown() || facts.requests > 0).collect(),
        pools: capacity::pools(model, facts),
        links: capacity::links(model, facts),
    }
}

/// What is kept of each replication.
struct ByReplication {
    counts: Vec<JobCounts>,
    chances: Vec<Chances>,
    quantiles: Arc<[Quantiles]>,
}

fn summary(workload: Option<usize>, facts: &WorkloadFacts, by_replication: ByReplication, confidence: f64) -> Summary {
    let counts = facts.counts;
    let ByReplication { counts: of_each, chances, quantiles } = by_replication;
    let rate = |metric| rate(metric, &of_each, &chances, confidence, Sides::Two);
    Summary {
        workload,
        counts,
        failure_rate: rate(Failures::All),
        token_failure_rate: rate(Failures::OfTokens),
        confidence,
        duration_mean: duration_mean(&counts),
        durations: facts.durations.distribution(),
        margins: facts.margins.distribution(),
        by_replication: of_each,
        chances,
        quantiles,
    }
}

/// Mean duration of completed jobs, in seconds.
fn duration_mean(counts: &JobCounts) -> Option<f64> {
    let completed = counts.completed;
    (completed > 0).then(|| counts.duration_sum_micros as f64 / completed as f64 / MICROS as f64)
}

impl Summary {
    /// Its replications, in order.
    pub fn replications(&self) -> impl Iterator<Item = ReplicationRow> {
        self.by_replication.iter().zip(self.quantiles.iter()).map(|(counts, quantiles)| ReplicationRow {
            workload: self.workload,
            counts: *counts,
            duration_mean: duration_mean(counts),
            quantiles: *quantiles,
        })
    }
}

/// Which failures a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failures {
    All,
    OfTokens,
}

/// A rate of failure with its interval: of the jobs that failed, or, where it is known, of what they had to expect.
pub(super) fn rate(
    failures: Failures,
    by_replication: &[JobCounts],
    chances: &[Chances],
    confidence: f64,
    sides: Sides,
) -> Rate {
    if chances.is_empty() {
        let count = |counts: &JobCounts| match failures {
            Failures::All => counts.failed,
            Failures::OfTokens => counts.token_failures,
        };
        let hits: Vec<u64> = by_replication.iter().map(count).collect();
        let finished: u64 = by_replication.iter().map(JobCounts::finished).sum();
        let estimate = (finished > 0).then(|| hits.iter().sum::<u64>() as f64 / finished as f64);
        return Rate { estimate, interval: interval(by_replication, &hits, confidence, sides) };
    }
    let chance = |chances: &Chances| match failures {
        Failures::All => chances.failed,
        Failures::OfTokens => chances.token_failed,
    };
    let pairs: Vec<(f64, f64)> = chances.iter().map(|chances| (chance(chances), chances.finished)).collect();
    let (failed, finished) = pairs.iter().fold((0.0, 0.0), |(top, bottom), (y, x)| (top + y, bottom + x));
    if finished <= 0.0 {
        return Rate { estimate: None, interval: None };
    }
    let estimate = Some(failed / finished);
    // Where no job can fail whatever the age of its token, or every job must, the spread over replications says
    // nothing: what is left is that these were the jobs.
    if failed <= 0.0 || failed >= finished {
        let all_or_none = |counts: &JobCounts| if failed <= 0.0 { 0 } else { counts.finished() };
        let hits: Vec<u64> = by_replication.iter().map(all_or_none).collect();
        return Rate { estimate, interval: interval(by_replication, &hits, confidence, sides) };
    }
    let ends = ratio_interval(&pairs, confidence, sides);
    Rate { estimate, interval: ends.map(|ends| within_bounds(ends, IntervalMethod::Conditional)) }
}

fn within_bounds(ends: (f64, f64), method: IntervalMethod) -> Interval {
    Interval { low: ends.0.clamp(0.0, 1.0), high: ends.1.clamp(0.0, 1.0), method }
}

/// The interval of a share of the finished jobs: over replications, or exact over jobs where all jobs went one way.
/// One replication gives none.
pub(super) fn interval(by_replication: &[JobCounts], hits: &[u64], confidence: f64, sides: Sides) -> Option<Interval> {
    if by_replication.len() < 2 {
        return None;
    }
    let finished: u64 = by_replication.iter().map(JobCounts::finished).sum();
    let sum: u64 = hits.iter().sum();
    let (ends, method) = if sum == 0 || sum == finished {
        (clopper_pearson(sum, finished, confidence, sides)?, IntervalMethod::ClopperPearson)
    } else {
        let pairs: Vec<(f64, f64)> =
            hits.iter().zip(by_replication).map(|(hits, counts)| (*hits as f64, counts.finished() as f64)).collect();
        (ratio_interval(&pairs, confidence, sides)?, IntervalMethod::StudentT)
    };
    Some(within_bounds(ends, method))
}

fn failures(workload: usize, facts: &PointFacts, ranking: Option<&Ranking>) -> impl Iterator<Item = FailureRow> {
    let of_workload = &facts.workloads[workload];
    let finished = of_workload.counts.finished() as f64;
    of_workload.failures.iter().map(move |(way, counts)| FailureRow {
        workload,
        step: way.step,
        reason: way.reason,
        first_cause_step: way.first_cause_step,
        first_cause_reason: way.first_cause_reason,
        jobs: counts.jobs,
        share_of_finished: counts.jobs as f64 / finished,
        orphans: counts.orphans,
        by_replication: facts
            .by_replication
            .iter()
            .map(|workloads| workloads[workload].failures.get(way).map_or(0, |counts| counts.jobs))
            .collect(),
        remedy: ranking
            .and_then(|ranking| remedies::best(counts.jobs, remedies::of_way(facts, workload, way)?, ranking)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(failed: u64, completed: u64) -> JobCounts {
        JobCounts { jobs: failed + completed, failed, completed, ..JobCounts::default() }
    }

    #[test]
    fn the_interval_follows_from_what_was_seen() {
        let cases = [
            ("some failed", vec![counts(1, 9), counts(3, 7)], Some(IntervalMethod::StudentT)),
            ("none failed", vec![counts(0, 9), counts(0, 7)], Some(IntervalMethod::ClopperPearson)),
            ("all failed", vec![counts(9, 0), counts(7, 0)], Some(IntervalMethod::ClopperPearson)),
            ("one replication", vec![counts(1, 9)], None),
            ("one replication, none failed", vec![counts(0, 9)], None),
            ("no jobs", vec![counts(0, 0), counts(0, 0)], None),
        ];
        for (name, replications, method) in cases {
            let rate = rate(Failures::All, &replications, &[], 0.95, Sides::Two);
            assert_eq!(rate.interval.map(|interval| interval.method), method, "{name}");
            if let (Some(estimate), Some(interval)) = (rate.estimate, rate.interval) {
                assert!(0.0 <= interval.low && interval.low <= estimate, "{name}");
                assert!(estimate <= interval.high && interval.high <= 1.0, "{name}");
            }
        }
    }

    #[test]
    fn what_was_to_be_expected_comes_before_what_was_counted() {
        let chances = |failed, token_failed| Chances { failed, token_failed, finished: 10.0 };
        let jobs = [counts(0, 10), counts(0, 10)];
        let rate = |failures, chances: &[Chances]| rate(failures, &jobs, chances, 0.95, Sides::Two);
        let cases = [
            ("of all", Failures::All, [chances(1e-3, 0.0), chances(3e-3, 0.0)], 2e-4, IntervalMethod::Conditional),
            (
                "of tokens",
                Failures::OfTokens,
                [chances(0.5, 1e-3), chances(0.5, 0.0)],
                5e-5,
                IntervalMethod::Conditional,
            ),
            ("of none", Failures::All, [chances(0.0, 0.0); 2], 0.0, IntervalMethod::ClopperPearson),
            ("of every one", Failures::All, [chances(10.0, 0.0); 2], 1.0, IntervalMethod::ClopperPearson),
        ];
        for (what, failures, chances, expected, method) in cases {
            let rate = rate(failures, &chances);
            let estimate = rate.estimate.unwrap();
            assert!((estimate - expected).abs() < 1e-12, "{what}: {estimate}");
            let interval = rate.interval.unwrap();
            assert_eq!(interval.method, method, "{what}");
            assert!(interval.low <= estimate && estimate <= interval.high, "{what}: {interval:?}");
        }
    }

    #[test]
    fn nothing_finished_is_no_rate() {
        let rate = |chances: &[Chances]| rate(Failures::All, &[counts(0, 0)], chances, 0.95, Sides::Two).estimate;
        assert_eq!((rate(&[]), rate(&[Chances::default()])), (None, None));
    }

    #[test]
    fn a_service_that_nobody_needs_has_no_row() {
        let case = crate::report::fixture::single();
        let model = &case.study.points[0].model;
        let mut facts = PointFacts::new(0, model);
        let rows = |facts: &PointFacts| summarise(model, facts).services.iter().map(|row| row.0).collect::<Vec<_>>();
        let always: Vec<ServiceId> = (0..=ServiceId::SWIFT.0).map(ServiceId).collect();
        assert_eq!(rows(&facts), always);
        facts.services[ServiceId::NEUTRON.index()].requests = 1;
        assert_eq!(rows(&facts), [always.as_slice(), &[ServiceId::NEUTRON]].concat());
    }
}
