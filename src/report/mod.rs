//! Numbers into what people and programs read: console, CSV, JSON, Markdown, JUnit, plots, the output folder.
//!
//! Pure rendering: it rounds, and computes nothing that `analysis` does not give. The columns are defined once, in
//! `columns`, and every format follows from them.

mod cautions;
mod columns;
mod digest;
mod reference;
mod remedies;
mod words;

pub mod compare;
pub mod console;
pub mod csv;
pub mod explain;
pub mod folder;
pub mod jobs;
pub mod json;
pub mod junit;
pub mod lint;
pub mod manifest;
pub mod markdown;
pub mod plot;
pub mod replicated;
pub mod solve;
pub mod warm_up;

#[cfg(test)]
pub(crate) mod fixture;

pub use reference::reference;

use std::io::{self, Write};

use crate::analysis::{PointResult, Verdict};
use crate::model::study::{Point, Study};
use folder::{Folder, WriteError};
use manifest::Manifest;

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

/// Writes the tables of the findings, and last of all the manifest, into a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write(findings: Findings<'_>, folder: &Folder, manifest: &Manifest) -> Result<(), WriteError> {
    let Findings { study, results, .. } = findings;
    table(folder, "summary.csv", |file| csv::summary(file, study, results))?;
    table(folder, "replications.csv", |file| csv::replications(file, study, results))?;
    table(folder, "failures.csv", |file| csv::failures(file, study, results))?;
    table(folder, "services.csv", |file| csv::services(file, study, results))?;
    table(folder, "margins.csv", |file| csv::margins(file, study, results))?;
    folder.write(folder::MANIFEST, manifest::render(findings, manifest))
}

fn table(
    folder: &Folder,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> Result<(), ::csv::Error>,
) -> Result<(), WriteError> {
    let mut file = folder.file(name)?;
    write(&mut file).map_err(io::Error::from).and_then(|()| file.flush()).map_err(|cause| folder.error(name, cause))
}

/// The point of this number; a study of selected points keeps their numbers.
fn point(study: &Study, number: usize) -> Option<&Point> {
    study
        .points
        .get(number)
        .filter(|point| point.number == number)
        .or_else(|| study.points.iter().find(|point| point.number == number))
}
