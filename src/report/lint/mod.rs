//! What `outlast lint` found, laid out for people, programs, pull requests and code scanners; and its reference.

mod grids;
mod reference;

pub mod json;
pub mod markdown;
pub mod sarif;
pub mod text;

pub use reference::reference;

use crate::lint::{Finding, Report, Severity};
use crate::model::study::Study;

/// A study and what was found in it: all that any renderer needs.
#[derive(Clone, Copy, Debug)]
pub struct Linted<'a> {
    /// The file of the scenario; `None`: it is a preset alone.
    pub file: Option<&'a str>,
    /// What was looked at.
    pub study: &'a Study,
    /// What was found.
    pub report: &'a Report,
    /// Whether the table of keys by period is wanted even if nothing is wrong with them.
    pub keys_table: bool,
}

impl Linted<'_> {
    /// `1 error, 2 warnings, 1 note`, without what there is none of.
    fn tally(&self) -> String {
        let counted = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| {
            let count = self.report.count(severity) as u64;
            (count > 0).then(|| super::words::counted(count, severity.code()))
        });
        let counted: Vec<String> = counted.into_iter().flatten().collect();
        if counted.is_empty() { "nothing found".to_owned() } else { counted.join(", ") }
    }

    /// Findings of one kind about one thing, which differ by where in the sweep they hold.
    fn variants(&self) -> Vec<&[Finding]> {
        let same = |a: &Finding, b: &Finding| (a.lint, &a.subject, a.severity) == (b.lint, &b.subject, b.severity);
        self.report.findings.chunk_by(same).collect()
    }
}

/// What was found, and where in the sweep.
fn title(finding: &Finding) -> String {
    if finding.at.is_everywhere() { finding.what.clone() } else { format!("{}, {}", finding.what, finding.at.words) }
}

#[cfg(test)]
mod tests;
