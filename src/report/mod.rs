//! Numbers into what people and programs read: console, CSV, JSON, Markdown, JUnit, plots, the output folder.
//!
//! Pure rendering: it rounds, and computes nothing that `analysis` does not give. The columns are defined once, in
//! [`columns`], and every format follows from them.

mod columns;
mod digest;
mod words;

pub mod console;
pub mod csv;
pub mod plot;

#[cfg(test)]
pub(crate) mod fixture;

use crate::analysis::{PointResult, Verdict};
use crate::model::study::{Point, Study};

/// What a study asked and what came of it: all that any renderer needs.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    /// What was simulated.
    pub study: &'a Study,
    /// One entry per simulated point, in the order of their numbers.
    pub results: &'a [PointResult],
    /// One entry per expectation, in their order; empty without expectations.
    pub verdicts: &'a [Verdict],
}

/// The point of this number; a study of selected points keeps their numbers.
fn point(study: &Study, number: usize) -> Option<&Point> {
    study
        .points
        .get(number)
        .filter(|point| point.number == number)
        .or_else(|| study.points.iter().find(|point| point.number == number))
}
