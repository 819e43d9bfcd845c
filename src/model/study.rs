//! A whole scenario file: the points of its sweep and what is expected of them.

use std::ops::Range;

use super::Model;
use super::vocabulary::Reason;
use crate::units::Span;

/// A scenario, expanded: one model per point.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// Name of the scenario, and of its output folder.
    pub name: String,
    /// What it asks.
    pub description: String,
    /// The swept keys, the last dimension varying fastest; empty without a sweep.
    pub axes: Vec<Axis>,
    /// At least one; numbered from 0 in this order.
    pub points: Vec<Point>,
    /// In the order of the file.
    pub expectations: Vec<Expectation>,
    /// How sure the answer shall be; `None`: every point has as many replications as its model says.
    pub precision: Option<Precision>,
    /// What the user should know about how the file was read (an assumption that matters), one sentence each.
    pub notes: Vec<String>,
    /// SHA-256 over everything that was read, in hexadecimal.
    pub inputs_sha256: String,
}

impl Study {
    /// Makes every job count, those of the warm-up too.
    pub fn count_from_the_start(&mut self) {
        for point in &mut self.points {
            let changes = point.model.changes.iter_mut().map(|change| &mut change.model.run);
            changes.chain([&mut point.model.run]).for_each(|run| run.warm_up = Span::ZERO);
        }
    }

    /// What varies independently: of each the axes that vary together, which are those of a zip or a single one.
    pub fn dimensions(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let together = self.axes.chunk_by(|one, next| one.zip.is_some() && one.zip == next.zip);
        together.scan(0, |start, axes| {
            let first = *start;
            *start += axes.len();
            Some(first..*start)
        })
    }
}

/// A swept key.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The dotted path.
    pub key: String,
    /// Name of its column: the key, with a unit suffix where it has a unit.
    pub column: String,
    /// The unit of numeric values.
    pub unit: AxisUnit,
    /// Its values, in the order of the file; at least one. Distinct unless it belongs to a zip.
    pub values: Vec<AxisValue>,
    /// Which of the sweep's zips it belongs to: axes of one zip stand side by side, have equally many values, and every
    /// point has values of the same index on all of them. `None`: it varies by itself.
    pub zip: Option<usize>,
}

/// The unit in which an axis gives its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisUnit {
    /// `_s`.
    Seconds,
    /// `_bytes`.
    Bytes,
    /// `_per_s`: events or bytes per second.
    PerSecond,
    /// A plain number, or no number at all.
    None,
}

/// One value of a swept key.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisValue {
    /// As in the CSV column, in the axis' unit.
    pub cell: String,
    /// As a person wrote it, for legends.
    pub label: String,
    /// The number, where it is one.
    pub number: Option<f64>,
}

/// One point of the sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Number in the study, from 0.
    pub number: usize,
    /// Index of the value on each axis.
    pub values: Vec<usize>,
    /// What is simulated there.
    pub model: Model,
}

/// An `[[expect]]` entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What is bounded.
    pub metric: Metric,
    /// Its lower bound must not be below this.
    pub min: Option<f64>,
    /// Its upper bound must not exceed this.
    pub max: Option<f64>,
    /// Numbers of the points that it speaks of; may be empty, and then it fails.
    pub points: Vec<usize>,
    /// A workload's name; `None`: the row `all`.
    pub workload: Option<String>,
    /// Counts only failures at the steps of this name, of whatever job kind.
    pub step: Option<String>,
    /// Counts only failures for this reason.
    pub reason: Option<Reason>,
    /// Confidence level of the bound, inside (0, 1).
    pub confidence: f64,
    /// Where it stands, as `file:line`.
    pub place: String,
    /// The entry in words, as the verdict prints it: `token_failure_rate <= 0.1% where …`.
    pub text: String,
}

/// `[run] precision`: replications are added to a point, as many at a time as `[run] replications` says, until the
/// interval of a metric is narrow enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// The metric; one that [has an interval](Metric::has_interval).
    pub metric: Metric,
    /// A workload's name; `None`: the row `all`.
    pub workload: Option<String>,
    /// Half the width that its two-sided interval may have, in the metric's unit; positive.
    pub half_width: f64,
    /// Where to give up.
    pub max_replications: u32,
}

/// A column of `summary.csv` that can be bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Counted jobs.
    Jobs,
    /// Completed jobs.
    Completed,
    /// Failed jobs.
    Failed,
    /// Jobs that did not end.
    Unfinished,
    /// Failed at the first request.
    RefusedAtSubmission,
    /// Failed / (completed + failed).
    FailureRate,
    /// Failed for a token's sake.
    TokenFailures,
    /// The same as a share of finished jobs.
    TokenFailureRate,
    /// Resources left behind.
    Orphans,
    /// Mean duration of completed jobs.
    DurationMean,
    /// Median duration.
    DurationP50,
    /// 95th percentile.
    DurationP95,
    /// 99th percentile.
    DurationP99,
    /// 1st percentile of the smallest margins.
    MarginP01,
}

impl Metric {
    /// Every metric, in the order of the columns.
    pub const ALL: [Metric; 14] = [
        Metric::Jobs,
        Metric::Completed,
        Metric::Failed,
        Metric::Unfinished,
        Metric::RefusedAtSubmission,
        Metric::FailureRate,
        Metric::TokenFailures,
        Metric::TokenFailureRate,
        Metric::Orphans,
        Metric::DurationMean,
        Metric::DurationP50,
        Metric::DurationP95,
        Metric::DurationP99,
        Metric::MarginP01,
    ];

    /// The column's name.
    pub const fn code(self) -> &'static str {
        match self {
            Metric::Jobs => "jobs",
            Metric::Completed => "completed",
            Metric::Failed => "failed",
            Metric::Unfinished => "unfinished",
            Metric::RefusedAtSubmission => "refused_at_submission",
            Metric::FailureRate => "failure_rate",
            Metric::TokenFailures => "token_failures",
            Metric::TokenFailureRate => "token_failure_rate",
            Metric::Orphans => "orphans",
            Metric::DurationMean => "duration_mean_s",
            Metric::DurationP50 => "duration_p50_s",
            Metric::DurationP95 => "duration_p95_s",
            Metric::DurationP99 => "duration_p99_s",
            Metric::MarginP01 => "margin_p01_s",
        }
    }

    /// What kind of number it is.
    pub const fn kind(self) -> MetricKind {
        match self {
            Metric::FailureRate | Metric::TokenFailureRate => MetricKind::Rate,
            Metric::DurationMean
            | Metric::DurationP50
            | Metric::DurationP95
            | Metric::DurationP99
            | Metric::MarginP01 => MetricKind::Duration,
            Metric::Jobs
            | Metric::Completed
            | Metric::Failed
            | Metric::Unfinished
            | Metric::RefusedAtSubmission
            | Metric::TokenFailures
            | Metric::Orphans => MetricKind::Count,
        }
    }

    /// Whether a two-sided interval of it is known.
    pub const fn has_interval(self) -> bool {
        matches!(self, Metric::FailureRate | Metric::TokenFailureRate | Metric::DurationMean)
    }

    /// Whether it counts only failures for a token's sake.
    pub const fn is_of_tokens(self) -> bool {
        matches!(self, Metric::TokenFailures | Metric::TokenFailureRate)
    }

    /// Whether it can be narrowed by `step` and `reason`, and is then counted over `failures.csv`.
    pub const fn counts_failures(self) -> bool {
        matches!(
            self,
            Metric::Failed | Metric::FailureRate | Metric::TokenFailures | Metric::TokenFailureRate | Metric::Orphans
        )
    }
}

/// How a metric is written and bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A share of jobs.
    Rate,
    /// A number of things.
    Count,
    /// Seconds.
    Duration,
}
