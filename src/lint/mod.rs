//! Closed-form verdicts on the settings of a scenario: what is going to be refused, why, and what would be safe.
//!
//! Nothing is simulated. Keys are replayed by the rules of `identity`, hops are read off the programs of the jobs, and
//! everything is done for every point of a sweep and every change. The words of a finding are made here, because they
//! are its content; how they are laid out is the renderers' affair.

mod caches;
mod course;
mod finding;
mod key_findings;
mod keys;
mod matrix;
mod service_tokens;
mod table;
mod timed;
mod transfers;
mod waits;
mod words;

use crate::model::study::Study;
use crate::model::{Model, Places};
use crate::units::{Instant, Span};

use course::Walk;
use finding::Epochs;

pub use course::{Bears, Carried, Hop};
pub use finding::{Finding, Safe, Scope};
pub use key_findings::verdict;
pub use keys::{Keys, KeysRow, LateCopies, Rotating, TABLE_LAG, Unreadable};
pub use matrix::{COLUMNS, Course, Matrix, NO_CREDENTIALS, Row, Sent, Stop};
pub use table::{About, Lint, Severity};
pub use words::Exact;

/// What was found in a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The worst first.
    pub findings: Vec<Finding>,
    /// What keys amount to, for the settings of each point at the start and after each change; those that are alike
    /// once.
    pub keys: Vec<(Keys, Scope)>,
    /// What of the settings behind that is a guess, and why; empty: nothing is.
    pub keys_assumed: Vec<String>,
    /// Who sends service tokens to whom, likewise.
    pub matrices: Vec<(Matrix, Scope)>,
}

impl Report {
    /// How many findings are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// The worst severity of a finding.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).min()
    }
}

/// Lints every point of a study; `places` says where its keys are written.
pub fn lint(study: &Study, places: &Places) -> Report {
    let mut found = Vec::with_capacity(study.points.len());
    let mut keys: Vec<((Keys, String), Vec<usize>)> = Vec::new();
    let mut matrices = Vec::new();
    for point in &study.points {
        let (mut drafts, mut own_keys, mut own_matrices) = (Epochs::default(), Epochs::default(), Epochs::default());
        for (epoch, (since, model)) in epochs(&point.model).enumerate() {
            let settings = Settings::of(&point.model, model, since, places);
            settings.findings().into_iter().for_each(|draft| drafts.add(epoch, draft));
            own_keys.add(epoch, settings.keys);
            own_matrices.add(epoch, settings.matrix);
        }
        for own in own_keys.told(&point.model.changes) {
            // Shares of late copies are floats, which no map takes.
            match keys.iter_mut().find(|(known, _)| *known == own) {
                Some((_, points)) => points.push(point.number),
                None => keys.push((own, vec![point.number])),
            }
        }
        matrices.extend(own_matrices.told(&point.model.changes).into_iter().map(|own| (point.number, own)));
        found.extend(drafts.told(&point.model.changes).into_iter().map(|own| (point.number, own)));
    }
    let scoped = |when: String, points: Vec<usize>| Scope { when, ..Scope::of(study, points) };
    Report {
        findings: finding::merge(study, places, found),
        keys_assumed: key_findings::assumed(places),
        keys: keys.into_iter().map(|((keys, when), points)| (keys, scoped(when, points))).collect(),
        matrices: finding::group(matrices)
            .into_iter()
            .map(|((matrix, when), points)| (matrix, scoped(when, points)))
            .collect(),
    }
}

/// What keys amount to under the settings at the start.
pub fn keys_at_start(model: &Model) -> Keys {
    keys::keys(model, &model.keystone, model.keystone.expiration)
}

/// The settings from the start on, then from every change on.
fn epochs(model: &Model) -> impl Iterator<Item = (Option<Instant>, &Model)> {
    let changes = model.changes.iter().map(|change| (Some(change.at), &change.model));
    std::iter::once((None, model)).chain(changes)
}

/// One set of settings, and what is worked out of it.
struct Settings<'m> {
    model: &'m Model,
    places: &'m Places,
    keys: Keys,
    matrix: Matrix,
    smooth: Vec<course::Met>,
}

impl<'m> Settings<'m> {
    /// `whole` knows the rotations and all changes, `model` what holds from `since` on.
    fn of(whole: &Model, model: &'m Model, since: Option<Instant>, places: &'m Places) -> Settings<'m> {
        // A token keeps the life that it was issued with.
        let before = since.map_or(Span::ZERO, |at| whole.expiration_at(at - Span::from_micros(1)));
        let keys = keys::keys(whole, &model.keystone, model.keystone.expiration.max(before));
        let smooth = matrix::courses(model, Walk::Smooth);
        let (expired, any) = (matrix::courses(model, Walk::Expired), matrix::courses(model, Walk::WithRefusals));
        let matrix = matrix::matrix(model, places, [&smooth, &expired, &any]);
        Settings { model, places, keys, matrix, smooth }
    }

    fn findings(&self) -> Vec<finding::Draft> {
        let Settings { model, places, keys, matrix, smooth } = self;
        let mut found = key_findings::findings(keys, &model.keystone);
        found.extend(service_tokens::findings(model, places, &matrix.rows, smooth));
        found.extend(waits::findings(model, keys, &matrix.rows));
        found.extend(caches::findings(model, keys, places));
        found
    }
}

#[cfg(test)]
mod tests;
