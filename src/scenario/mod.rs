//! Scenario files: reading, checking with every problem at its place, expansion into points. Nothing is simulated here.
//!
//! A file is parsed into a tree whose values remember their place, put over what it includes and over its preset,
//! checked against one table of keys, and read into one model per point of its sweep.

mod alternatives;
mod axis;
mod build;
mod changes;
mod check;
mod cluster;
mod dist;
mod estimator;
mod expect;
mod ground;
mod keys;
mod kind;
mod kinds;
mod layers;
mod lint;
mod not_toml;
mod open;
mod options;
mod own;
mod own_presets;
mod precision;
mod presets;
mod process;
mod read;
mod reference;
mod schema;
mod settings;
mod sweep;
#[cfg(test)]
mod tests;
mod trace;
mod values;
mod workload;

use std::path::Path;
use std::sync::Arc;

use crate::jobs;
use crate::model::Model;
use crate::model::study::{Axis, Point, Study};

use crate::document::{Collected, Issue};
use crate::document::{Table, Value};
use ground::Ground;
use kinds::Kinds;
use read::{Context, View};
use sweep::Swept;

pub use crate::document::Issues;
pub use alternatives::Alternatives;
pub use kinds::Kinds as JobKinds;
pub use lint::{ToLint, load_to_lint, preset_to_lint, text_to_lint};
pub use open::{Open, OpenKey, Question};
pub use options::{ServiceOption, Shape, options, releases};
pub use presets::{Preset, presets};
pub use reference::reference;
pub use schema::schema;
pub use values::{Domain, Notation, Values, Wanted};

/// What the command line sets; it beats everything that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Seed of every random stream.
    pub seed: Option<u64>,
    /// Independent repetitions, at least 1.
    pub replications: Option<u32>,
}

/// Reads a scenario file with everything that it names.
///
/// # Errors
/// Every problem at once, each with its place.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Study, Issues> {
    load_with_alternatives(path, overrides).map(|(study, _)| study)
}

/// Reads a scenario file with everything that it names; also what could be set otherwise at its points.
///
/// # Errors
/// Every problem at once, each with its place.
pub fn load_with_alternatives(path: &Path, overrides: &Overrides) -> Result<(Study, Alternatives), Issues> {
    let mut cx = Context::default();
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    match cx.sources.read(path, &name, crate::document::SCENARIO_LIMIT) {
        Ok(text) => study(&path.to_string_lossy(), text, path, overrides, cx),
        Err(message) => {
            cx.issue(Issue::general(message));
            Err(finish(cx))
        }
    }
}

/// Reads a scenario from a text as if it stood in `folder` under `name`.
///
/// # Errors
/// Every problem at once, each with its place.
pub fn load_text(name: &str, text: &str, folder: &Path, overrides: &Overrides) -> Result<Study, Issues> {
    text_with_alternatives(name, text, folder, overrides).map(|(study, _)| study)
}

/// Reads a scenario from a text; also what could be set otherwise at its points.
///
/// # Errors
/// Every problem at once, each with its place.
pub fn text_with_alternatives(
    name: &str,
    text: &str,
    folder: &Path,
    overrides: &Overrides,
) -> Result<(Study, Alternatives), Issues> {
    let mut cx = Context::default();
    cx.sources.digest(name, text.as_bytes());
    study(name, Arc::from(text), &folder.join(name), overrides, cx)
}

/// Reads the job kinds that a scenario file defines, beside those that are shipped; the rest of the file is not
/// looked at.
///
/// # Errors
/// Every problem of them at once, each with its place.
pub fn job_kinds(path: &Path) -> Result<JobKinds, Issues> {
    let mut cx = Context::default();
    let text = match cx.sources.read(path, "", crate::document::SCENARIO_LIMIT) {
        Ok(text) => text,
        Err(message) => {
            cx.issue(Issue::general(message));
            return Err(finish(cx));
        }
    };
    if let Some(written) = layers::load(&path.to_string_lossy(), text, path, &mut cx) {
        read_kinds(&written, &mut cx);
    }
    if cx.issues.len() == 0 { Ok(cx.kinds) } else { Err(finish(cx)) }
}

/// Reads the services and job kinds of a scenario, before anything that may name them.
fn read_kinds(written: &Table, cx: &mut Context) {
    let names = own::names(written, cx);
    let definitions = jobs::read(written, &names, &mut cx.issues);
    for definition in &definitions {
        kinds::check(definition, cx);
        settings::check(definition, cx);
    }
    cx.kinds = Kinds::with(definitions, names);
}

fn finish(cx: Context) -> Issues {
    cx.issues.finish(cx.sources.into_list())
}

fn study(
    name: &str,
    text: Arc<str>,
    path: &Path,
    overrides: &Overrides,
    mut cx: Context,
) -> Result<(Study, Alternatives), Issues> {
    check_overrides(overrides, &mut cx.issues);
    cx.sources.digest("overrides", format!("{:?} {:?}", overrides.seed, overrides.replications).as_bytes());
    let study = layers::load(name, text, path, &mut cx).and_then(|written| expand(written, overrides, &mut cx));
    match study {
        Some((mut study, ground)) if cx.issues.len() == 0 => {
            // Only now, because traces are read while points are built.
            study.inputs_sha256 = cx.sources.sha256();
            Ok((study, Alternatives::new(ground, cx)))
        }
        Some(_) | None => {
            debug_assert!(cx.issues.len() > 0, "a scenario is refused only with a reason");
            if cx.issues.len() == 0 {
                cx.issue(Issue::at(
                    layers::BEGINNING,
                    "this scenario cannot be read, and outlast fails to say why: a bug",
                ));
            }
            Err(finish(cx))
        }
    }
}

fn check_overrides(overrides: &Overrides, issues: &mut Collected) {
    match overrides.replications {
        Some(0) => issues.push(Issue::general("`--replications` must be at least 1")),
        Some(count) if count > 1_000_000 => issues.push(Issue::general("`--replications` must not exceed 1000000")),
        Some(_) | None => {}
    }
}

/// One model per point of the sweep, and what they are made of; `None`: the issues say why.
fn expand(mut written: Table, overrides: &Overrides, cx: &mut Context) -> Option<(Study, Ground)> {
    let own_presets = own_presets::take(&mut written, cx);
    own_presets.check(cx);
    read_kinds(&written, cx);
    check::unknown_keys(&written, cx);
    let workloads = workload::named(&written, &cx.kinds);
    let before = cx.issues.len();
    let swept = sweep::axes(&written, &workloads, cx);
    let complete = cx.issues.len() == before;
    let axes: Vec<Axis> = swept.iter().map(Swept::axis).collect();
    let points = sweep::points(&swept);
    let presets = own_presets::Merged::new(&written, &own_presets, &swept, cx);
    let changes = changes::written(&written, cx);
    let ground = Ground { written, swept, points, presets, changes, overrides: *overrides };
    let Ground { written, swept, points: grid, .. } = &ground;

    let top = View { swept: &[], prefix: "", table: "", written, defaults: &keys::defaults("").scenario };
    if !top.is_written("name") {
        cx.issue(Issue::at(layers::BEGINNING, "`name` is missing").help("write `name = \"my-scenario\"` at the top"));
    }
    let name = top.text("name", cx);
    let description = top.text("description", cx);
    let confidence = top.level("run.confidence", cx);
    let expectations = {
        let confidence = confidence.unwrap_or(0.95);
        let grid = expect::Grid { swept, complete, axes: &axes, points: grid, workloads: &workloads, confidence };
        expect::all(written, &grid, cx)
    };

    let replications = overrides.replications.or_else(|| {
        top.integer("run.replications", &mut Context::default()).and_then(|count| u32::try_from(count).ok())
    });
    let precision = precision::precision(&top, &workloads, replications, cx);

    let mut points = Vec::with_capacity(grid.len());
    let mut notes = Vec::new();
    for (number, values) in grid.iter().enumerate() {
        let model = ground.at(number, &[], cx, |view, cx| {
            let model = build::model(view, cx).map(|model| ground.overridden(model));
            if let Some(model) = &model {
                workload::notes(view, model, &mut notes);
            }
            let changes = changes::at_point(view, model.as_ref(), &ground.changes, cx);
            let model = Model { changes, ..model? };
            estimator::check(view, &model, cx);
            Some(model)
        });
        points.extend(model.map(|model| Point { number, values: values.clone(), model }));
    }
    let study = Study {
        name: name?,
        description: description?,
        axes,
        points,
        expectations,
        precision,
        notes,
        inputs_sha256: String::new(),
    };
    Some((study, ground))
}

impl View<'_> {
    /// The defaults of the release that holds at a point.
    fn defaults_of(&self, chosen: &[(&str, &Value)], written: &Table) -> &'static Table {
        let view = View { swept: chosen, written, ..*self };
        let release = view.value("cloud.release").and_then(Value::as_text).unwrap_or_default();
        &keys::defaults(release).scenario
    }
}
