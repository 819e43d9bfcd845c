//! Plots made to be read: what fails how often, where and why, and how long jobs take. Pure: no files.

mod curves;
mod dots;
mod durations;
mod heatmap;
mod margins;
mod names;
mod palette;
mod rate;
mod reasons;
mod rows;
mod scale;
mod series;
mod theme;
mod timeline;
mod warm_up;

#[cfg(test)]
mod tests;

use crate::analysis::{PointResult, Summary};
use crate::model::study::{Metric, Point, Study};

pub use theme::png;
pub use timeline::draw as timeline;
pub use warm_up::draw as warm_up;

/// A plot, drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// Name of its file without the ending; of lower-case letters, digits and `_`, and unique among the plots of a
    /// study.
    pub file_stem: String,
    /// The drawing, which needs no other file.
    pub svg: String,
}

/// Every plot that this study gives; what cannot be drawn is left out.
pub fn draw_all(study: &Study, results: &[PointResult]) -> Vec<Plot> {
    let scene = Scene::new(study, results);
    let mut plots = Vec::new();
    plots.extend(rate::draw(&scene));
    plots.extend(heatmap::draw(&scene));
    plots.extend(reasons::draw(&scene));
    plots.extend(durations::draw(&scene));
    plots.extend(margins::draw(&scene));
    unique(plots)
}

/// What all plots draw from.
struct Scene<'a> {
    study: &'a Study,
    results: &'a [PointResult],
    /// Every result with its point, in the order of the results.
    points: Vec<(&'a Point, &'a PointResult)>,
    limits: Vec<Limit>,
}

/// An upper bound that an expectation sets to a rate of all jobs.
struct Limit {
    share: f64,
    /// Whether it counts token failures only.
    of_tokens: bool,
    /// Index of the expectation.
    expectation: usize,
    /// Whether it speaks of every point: a line across the chart would say so.
    everywhere: bool,
}

impl<'a> Scene<'a> {
    /// The limits that may be drawn as a line.
    fn lines(&self) -> impl Iterator<Item = &Limit> {
        self.limits.iter().filter(|limit| limit.everywhere)
    }

    /// What is told of each workload by itself: at every point its rows, or the one of all where there is only one.
    fn rows(&self) -> impl Iterator<Item = (&'a Point, &'a PointResult, &'a Summary)> {
        let several = self.has_workloads();
        self.points.iter().flat_map(move |&(point, result)| {
            let rows = result.rows.iter().filter(move |row| row.workload.is_some() == several);
            rows.map(move |row| (point, result, row))
        })
    }

    /// Whether there are several.
    fn has_workloads(&self) -> bool {
        self.points.iter().any(|(point, _)| point.model.workloads.len() > 1)
    }

    fn new(study: &'a Study, results: &'a [PointResult]) -> Scene<'a> {
        let whole = |point: &Point| {
            let known = |(&value, axis): (&usize, &crate::model::study::Axis)| value < axis.values.len();
            point.values.len() == study.axes.len() && point.values.iter().zip(&study.axes).all(known)
        };
        let with_point = |result: &'a PointResult| {
            let point = super::point(study, result.point)?;
            (whole(point) && !result.rows.is_empty()).then_some((point, result))
        };
        Scene { study, results, points: results.iter().filter_map(with_point).collect(), limits: limits(study) }
    }
}

/// The bounds that can be compared with the rates in a plot: not those of a workload, a step or a reason.
fn limits(study: &Study) -> Vec<Limit> {
    let mut limits = Vec::new();
    for (index, expectation) in study.expectations.iter().enumerate() {
        let of_tokens = match expectation.metric {
            Metric::FailureRate => false,
            Metric::TokenFailureRate => true,
            Metric::Jobs
            | Metric::Completed
            | Metric::Failed
            | Metric::Unfinished
            | Metric::RefusedAtSubmission
            | Metric::TokenFailures
            | Metric::Orphans
            | Metric::DurationMean
            | Metric::DurationP50
            | Metric::DurationP95
            | Metric::DurationP99
            | Metric::MarginP01 => continue,
        };
        let whole = expectation.workload.is_none() && expectation.step.is_none() && expectation.reason.is_none();
        if let Some(share) = expectation.max.filter(|max| whole && max.is_finite()) {
            let everywhere = expectation.points.len() == study.points.len();
            limits.push(Limit { share, of_tokens, expectation: index, everywhere });
        }
    }
    limits
}

/// Numbers stems that occur again.
fn unique(mut plots: Vec<Plot>) -> Vec<Plot> {
    for index in 1..plots.len() {
        let stem = plots[index].file_stem.clone();
        let taken = |plots: &[Plot], stem: &str| plots[..index].iter().any(|other| other.file_stem == stem);
        let mut number = 2;
        while taken(&plots, &plots[index].file_stem) {
            plots[index].file_stem = format!("{stem}_{number}");
            number += 1;
        }
    }
    plots
}
