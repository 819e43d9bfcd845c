//! `[[change]]`: settings that hold from some instant on, as a layer over those before.

use std::sync::Arc;

use super::build;
use super::keys::{KEYS, LISTS};
use super::layers;
use super::read::{Context, View};
use crate::document::{Issue, Place, Table, Value};
use crate::model::{Change, Model, Run, Service};
use crate::units::Instant;

/// Nobody tells more of them apart, and each is a model of its own at every point.
const MOST_CHANGES: usize = 100;

/// A change as it is written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    at: Instant,
    place: Place,
    /// Without its `at`.
    keys: Table,
}

/// The changes of a scenario in order of time; what is wrong with one becomes an issue, and it is left out.
pub(super) fn written(table: &Table, cx: &mut Context) -> Vec<Written> {
    let items = table.get("change").and_then(Value::as_array).unwrap_or_default();
    if let Some(item) = items.get(MOST_CHANGES) {
        cx.issue(Issue::at(item.place, format!("more than {MOST_CHANGES} changes")));
        return Vec::new();
    }
    let mut changes: Vec<Written> = Vec::new();
    for (item, table) in items.iter().filter_map(|item| Some((item, item.as_table()?))) {
        let nothing = Table::default();
        let own = View { swept: &[], prefix: "change.", table: "change.", written: table, defaults: &nothing };
        if !own.is_written("at") {
            cx.issue(Issue::at(item.place, "`[[change]]` needs `at`"));
        }
        let Some(at) = own.instant("at", cx) else { continue };
        let place = own.place("at").unwrap_or(item.place);
        if at <= Instant::START {
            let issue = Issue::at(place, "`change.at` must be later than the start");
            cx.issue(issue.help("what holds from the start is written outside of `[[change]]`"));
            continue;
        }
        let mut keys = table.clone();
        keys.remove("at");
        if keys.entries.is_empty() {
            cx.issue(Issue::at(item.place, "this `[[change]]` changes nothing"));
            continue;
        }
        // What cannot stand here is refused with the unknown keys; what would follow from it is no problem of its own.
        let refused = KEYS.iter().filter(|key| key.steady.is_some()).map(|key| key.path);
        refused.chain(LISTS).for_each(|path| keys.remove(path));
        if let Some(other) = changes.iter().find(|other| other.at == at) {
            let issue = Issue::at(place, "a second `[[change]]` at this instant");
            cx.issue(issue.also(other.place, "the first").help("write one that sets both"));
            continue;
        }
        changes.push(Written { at, place, keys });
    }
    changes.sort_by_key(|change| change.at);
    changes
}

/// The same changes, none of which sets these keys.
pub(super) fn without<'p>(written: &[Written], paths: impl Iterator<Item = &'p str>) -> Vec<Written> {
    let mut changes = written.to_vec();
    paths.for_each(|path| changes.iter_mut().for_each(|change| change.keys.remove(path)));
    changes
}

/// The models that hold at a point from each change on. `view` is that of the point, `start` its model; `None`: that is
/// wrong, and only the settings of the changes are looked at.
pub(super) fn at_point(view: &View<'_>, start: Option<&Model>, written: &[Written], cx: &mut Context) -> Vec<Change> {
    let mut changes = Vec::with_capacity(written.len());
    let mut layered = if written.is_empty() { Table::default() } else { view.written.clone() };
    let mut given = Table::default();
    for Written { at, place, keys } in written {
        layers::put_over(&mut layered, keys.clone());
        layers::put_over(&mut given, keys.clone());
        // A change lies above the sweep.
        let swept: Vec<(&str, &Value)> =
            view.swept.iter().filter(|(path, _)| given.at(path).is_none()).copied().collect();
        let changed = View { swept: &swept, written: &layered, ..*view };
        let changed = View { defaults: view.defaults_of(&swept, &layered), ..changed };
        let model = build::model(&changed, cx);
        let (Some(model), Some(start)) = (model, start) else { continue };
        if in_time(*at, *place, &start.run, view, cx) {
            changes.push(Change { at: *at, model: continued(start, model) });
        }
    }
    changes
}

/// Whether a change can matter to any job.
fn in_time(at: Instant, place: Place, run: &Run, view: &View<'_>, cx: &mut Context) -> bool {
    let end = run.duration + run.drain;
    if at < Instant::START + end {
        return true;
    }
    let message = format!("`change.at` is {}, and the run ends at {end} or earlier", at.since(Instant::START));
    let issue = Issue::at(place, message).help("make `run.duration` longer");
    cx.issue(match view.place("run.duration") {
        Some(duration) => issue.also(duration, "the duration, to which `run.drain` is added"),
        None => issue,
    });
    false
}

/// A model that goes on from another one. What no key of a change can reach is equal already, but for what follows from
/// the number of workers: the caches stay.
fn continued(start: &Model, mut model: Model) -> Model {
    model.run = start.run.clone();
    model.caches = start.caches;
    let of_caches = |service: &Service| (service.first_cache, service.caches);
    if !model.services.iter().map(of_caches).eq(start.services.iter().map(of_caches)) {
        for (service, before) in Arc::make_mut(&mut model.services).iter_mut().zip(start.services.iter()) {
            service.first_cache = before.first_cache;
            service.caches = before.caches;
        }
    }
    model
}
