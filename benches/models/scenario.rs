//! A scenario, with polls as events or elided, as users run it but for the output.

use std::path::Path;

use outlast::cloud::{Polls, Records, simulate_polls};
use outlast::scenario::{Overrides, load};

use crate::meter::{Measured, timed};

/// Simulates every point of a scenario, or one, in so many replications.
pub(crate) fn measure(path: &str, replications: u64, polls: &str, point: Option<u64>) -> Measured {
    let way = match polls {
        "events" => Polls::Events,
        "elided" => Polls::Skipped,
        other => panic!("polls are `events` or `elided`, not `{other}`"),
    };
    let study = load(Path::new(path), &Overrides::default()).unwrap_or_else(|issues| panic!("{issues}"));
    let points = study.points.iter().filter(|found| point.is_none_or(|number| number == found.number as u64));
    let models: Vec<_> = points.map(|point| &point.model).collect();
    let ((events, jobs, failed), cpu) = timed(|| {
        let (mut events, mut jobs, mut failed) = (0, 0, 0);
        for model in &models {
            for replication in 0..replications {
                let facts = simulate_polls(model, replication as u32, Records::None, way);
                events += facts.events;
                jobs += facts.workloads.iter().map(|facts| facts.counts.jobs).sum::<u64>();
                failed += facts.workloads.iter().map(|facts| facts.counts.failed).sum::<u64>();
            }
        }
        (events, jobs, failed)
    });
    let (rate, micros) = (failed as f64 / jobs as f64, cpu * 1e6 / jobs as f64);
    let notes = format!(
        "polls={polls} jobs={jobs} failed={failed} fail_rate={rate:.5} us_per_job={micros:.3} jobs_per_s={:.0}",
        1e6 / micros
    );
    Measured { model: "scenario", events, cpu, notes }
}
