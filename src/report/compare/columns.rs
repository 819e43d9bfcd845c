//! The columns of a comparison, once: for CSV, JSON and `docs/OUTPUT.md`.

use std::borrow::Cow;

use super::super::columns::Cell;
use crate::analysis::compare::{Compared, ComparedRow, Comparison};

/// One comparison with its place.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) comparison: &'a Comparison,
    pub(super) row: &'a ComparedRow,
    pub(super) compared: &'a Compared,
}

/// One column.
struct Column {
    name: &'static str,
    meaning: &'static str,
    cell: for<'a> fn(Line<'a>) -> Cell<'a>,
}

/// A column of one comparison.
pub(super) enum Bound<'a> {
    Fixed(&'static str, for<'b> fn(Line<'b>) -> Cell<'b>),
    /// A sweep column of both results: its place and its name.
    Axis(usize, &'a str),
}

impl Bound<'_> {
    pub(super) fn name(&self) -> &str {
        match self {
            Bound::Fixed(name, _) => name,
            Bound::Axis(_, name) => name,
        }
    }

    pub(super) fn cell<'a>(&self, line: Line<'a>) -> Cell<'a> {
        match self {
            Bound::Fixed(_, cell) => cell(line),
            Bound::Axis(place, _) => text(&line.row.values[*place]),
        }
    }
}

fn text(text: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(text))
}

fn number<'a>(value: Option<f64>) -> Cell<'a> {
    value.map_or(Cell::Missing, Cell::Number)
}

/// Before the columns of the sweep.
const BEFORE: [Column; 2] = [
    Column {
        name: "point_a",
        meaning: "Number of the point in A.",
        cell: |line| Cell::Count(line.row.points[0] as u64),
    },
    Column {
        name: "point_b",
        meaning: "Number of the point in B, which has the same values.",
        cell: |line| Cell::Count(line.row.points[1] as u64),
    },
];

/// Behind the columns of the sweep.
const BEHIND: [Column; 14] = [
    Column {
        name: "workload",
        meaning: "Name of the workload, or `all`; of a point with one workload, `all` is left out.",
        cell: |line| text(&line.row.workload),
    },
    Column {
        name: "job",
        meaning: "Kind of its jobs; empty for `all`.",
        cell: |line| if line.row.job.is_empty() { Cell::Missing } else { text(&line.row.job) },
    },
    Column {
        name: "metric",
        meaning: "What is compared: `failure_rate`, `token_failure_rate`, `orphans_per_job` (`orphans` / (`completed` + \
                  `failed`)), `duration_mean_s`, `duration_p50_s`, `duration_p95_s`, `duration_p99_s` or `margin_p01_s`.",
        cell: |line| text(line.compared.measure.code()),
    },
    Column {
        name: "replications",
        meaning: "Pairs of replications in which both have it.",
        cell: |line| Cell::Count(line.compared.pairs as u64),
    },
    Column {
        name: "a",
        meaning: "Its value in A over these replications. A quantile is the mean of the replications' own quantiles, and \
                  so differs a little from the one in summary.csv, which is that of all jobs.",
        cell: |line| number(line.compared.estimates[0]),
    },
    Column { name: "b", meaning: "The same in B.", cell: |line| number(line.compared.estimates[1]) },
    Column { name: "difference", meaning: "`b` − `a`.", cell: |line| number(line.compared.difference) },
    Column {
        name: "difference_low",
        meaning: "Lower end of its two-sided interval from pairs (Student's t); empty with fewer than two pairs, and where \
                  every pair is the same.",
        cell: |line| number(line.compared.interval.map(|interval| interval.0)),
    },
    Column {
        name: "difference_high",
        meaning: "Upper end of the same.",
        cell: |line| number(line.compared.interval.map(|interval| interval.1)),
    },
    Column {
        name: "confidence",
        meaning: "Confidence level of this interval; with `--family-wise` higher than the scenario's.",
        cell: |line| Cell::Number(line.comparison.each),
    },
    Column {
        name: "unpaired_low",
        meaning: "Lower end of the interval that as many independent replications would give (Welch).",
        cell: |line| number(line.compared.unpaired.map(|interval| interval.0)),
    },
    Column {
        name: "unpaired_high",
        meaning: "Upper end of the same.",
        cell: |line| number(line.compared.unpaired.map(|interval| interval.1)),
    },
    Column {
        name: "variance_ratio",
        meaning: "Variance of the difference without pairs / with pairs: as many times more independent replications \
                  would be needed for the same interval. Empty where the difference is the same in every pair.",
        cell: |line| number(line.compared.variance_ratio),
    },
    Column {
        name: "verdict",
        meaning: "`worse` or `better`: the interval does not contain 0 (higher rates and durations are worse, lower \
                  margins are); `small`: neither does it, but the difference is below `--threshold`; \
                  `no_difference_detected`: it contains 0; `identical`: the same in every pair; `lost`: A has it and B has \
                  nothing to take it from; `no_interval`: one pair only; `no_data`: A has nothing to take it from.",
        cell: |line| text(line.compared.outcome.code()),
    },
];

/// The columns of this comparison, in order.
pub(super) fn columns(comparison: &Comparison) -> Vec<Bound<'_>> {
    let fixed = |column: &Column| Bound::Fixed(column.name, column.cell);
    let axes = comparison.axes.iter().enumerate().map(|(place, name)| Bound::Axis(place, name));
    BEFORE.iter().map(fixed).chain(axes).chain(BEHIND.iter().map(fixed)).collect()
}

/// Names and meanings, with what stands for the columns of a sweep.
pub(in crate::report) fn reference() -> impl Iterator<Item = (&'static str, &'static str)> {
    let named = |column: &Column| (column.name, column.meaning);
    let axes = ("*a column per key that both sweep over*", "its value at this point");
    BEFORE.iter().map(named).chain([axes]).chain(BEHIND.iter().map(named)).collect::<Vec<_>>().into_iter()
}
