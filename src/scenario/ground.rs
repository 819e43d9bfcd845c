//! What the models of all points are made of: the layers, the swept keys with their values, and the changes.

use super::Overrides;
use super::build;
use super::changes;
use super::keys;
use super::own_presets::Merged;
use super::read::{Context, View};
use super::sweep::Swept;
use crate::document::{Table, Value};
use crate::model::Model;

/// The text of a scenario, read as far as it is the same at every point.
pub(super) struct Ground {
    pub(super) written: Table,
    pub(super) swept: Vec<Swept>,
    /// Of every point the index of its value on each axis.
    pub(super) points: Vec<Vec<usize>>,
    pub(super) presets: Merged,
    pub(super) changes: Vec<changes::Written>,
    pub(super) overrides: Overrides,
}

impl Ground {
    /// Reads the layers of a point with some values above them.
    pub(super) fn at<R>(
        &self,
        point: usize,
        above: &[(&str, &Value)],
        cx: &mut Context,
        read: impl FnOnce(&View<'_>, &mut Context) -> R,
    ) -> R {
        let values = self.swept.iter().zip(&self.points[point]);
        let swept = values.map(|(axis, index)| (axis.path.as_str(), &axis.values[*index].0));
        // What is found first holds.
        let chosen: Vec<(&str, &Value)> = above.iter().copied().chain(swept).collect();
        let written = self.presets.under(&chosen, &self.written);
        let view = View { swept: &chosen, prefix: "", table: "", written, defaults: &keys::defaults("").scenario };
        let view = View { defaults: view.defaults_of(&chosen, written), ..view };
        read(&view, cx)
    }

    /// The model of a point with some values above everything, changes included; `None`: with them the scenario would
    /// be refused, for reasons that nobody is told.
    pub(super) fn model(&self, point: usize, above: &[(&str, &Value)], cx: &mut Context) -> Option<Model> {
        let issues = std::mem::take(&mut cx.issues);
        let changes = changes::without(&self.changes, above.iter().map(|(path, _)| *path));
        let model = self.at(point, above, cx, |view, cx| {
            let mut model = self.overridden(build::model(view, cx)?);
            model.changes = changes::at_point(view, Some(&model), &changes, cx);
            Some(model)
        });
        let is_good = cx.issues.len() == 0;
        cx.issues = issues;
        model.filter(|_| is_good)
    }

    /// A model with what the command line sets.
    pub(super) fn overridden(&self, mut model: Model) -> Model {
        model.run.seed = self.overrides.seed.unwrap_or(model.run.seed);
        model.run.replications = self.overrides.replications.unwrap_or(model.run.replications);
        model
    }
}
