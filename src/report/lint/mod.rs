//! What `outlast lint` found, laid out for people, programs, pull requests and code scanners; and its reference.

mod grids;
mod reference;

pub mod json;
pub mod markdown;
pub mod sarif;
pub mod text;

pub use reference::reference;

use crate::lint::{Finding, Report, Safe, Severity};
use crate::model::study::Study;

/// A study and what was found in it: all that any renderer needs.
#[derive(Clone, Copy, Debug)]
pub struct Linted<'a> {
    /// Where it stands.
    pub origin: Origin<'a>,
    /// What was looked at.
    pub study: &'a Study,
    /// What was found.
    pub report: &'a Report,
    /// Whether the table of keys by period is wanted even if nothing is wrong with them.
    pub keys_table: bool,
}

/// Where settings that were looked at stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// In a scenario file.
    Scenario(&'a str),
    /// In a preset alone.
    Preset,
    /// In these configuration files of services.
    Files(&'a [String]),
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

/// Advice as one reads it, and what to write, if there is a line to write.
fn advice<'s>(linted: &Linted<'_>, safe: &'s Safe) -> (&'s str, Option<String>) {
    let is_files = matches!(linted.origin, Origin::Files(_));
    let written = match (&safe.line, &safe.key) {
        (Some(line), _) => Some(line.clone()),
        // A key that stands in no file of a service.
        (None, _) if is_files => None,
        (None, Some(key)) if !safe.value.is_empty() => Some(format!("{key} = {}", safe.value)),
        (None, key) => key.clone(),
    };
    (&safe.words, written)
}

/// What was found, and where in the sweep.
pub fn title(finding: &Finding) -> String {
    let scope = finding.at.told();
    if scope.is_empty() { finding.what.clone() } else { format!("{}, {scope}", finding.what) }
}

#[cfg(test)]
mod tests;
