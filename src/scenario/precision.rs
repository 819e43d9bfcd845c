//! `[run] precision`: how sure the answer shall be.

use crate::document::{Issue, did_you_mean};
use crate::model::study::{Metric, Precision};

use super::expect;
use super::layers;
use super::read::{Context, View};
use super::workload::Named;

/// Where to give up unless the scenario says.
const MAX_REPLICATIONS: u32 = 1_000;

const KEYS: [&str; 4] =
    ["run.precision.metric", "run.precision.half_width", "run.precision.max_replications", "run.precision.workload"];

/// What is asked for; `None`: nothing, or the issues say what is wrong with it.
pub(super) fn precision(
    view: &View<'_>,
    workloads: &[Named],
    replications: Option<u32>,
    cx: &mut Context,
) -> Option<Precision> {
    let [metric_key, half_width_key, max_key, workload_key] = KEYS;
    let first = KEYS.iter().find_map(|key| view.place(key))?;
    for key in [metric_key, half_width_key] {
        if !view.is_written(key) {
            cx.issue(Issue::at(first, format!("`run.precision` needs `{}`", short(key))));
        }
    }
    let metric = view.text(metric_key, cx).and_then(|code| Metric::ALL.into_iter().find(|known| known.code() == code));
    let half_width = metric.and_then(|metric| half_width(view, half_width_key, metric, cx));
    let max_replications = if view.is_written(max_key) {
        view.integer(max_key, cx).and_then(|most| u32::try_from(most).ok())
    } else {
        Some(MAX_REPLICATIONS)
    };
    let workload = view.text(workload_key, cx).filter(|name| name != "all");
    if let Some(name) = &workload {
        let known: Vec<&str> = workloads.iter().map(|workload| workload.name.as_str()).collect();
        if !known.contains(&name.as_str()) {
            let place = view.place(workload_key).unwrap_or(first);
            let message = format!("`{workload_key}`: there is no workload `{name}`");
            cx.issue(Issue::at(place, message).help(did_you_mean(name, &known)));
        }
    }
    if let (Some(replications), Some(most)) = (replications, max_replications) {
        if replications < 2 {
            let place = view.place("run.replications").unwrap_or(layers::BEGINNING);
            let message = "`run.precision` needs at least 2 replications, because one has no interval";
            cx.issue(Issue::at(place, message).also(first, "which is asked for here"));
        } else if most < replications {
            let place = view.place(max_key).unwrap_or(first);
            let message = format!("`{max_key}` ({most}) is less than the {replications} replications to begin with");
            cx.issue(Issue::at(place, message));
        }
    }
    Some(Precision { metric: metric?, workload, half_width: half_width?, max_replications: max_replications? })
}

fn half_width(view: &View<'_>, key: &str, metric: Metric, cx: &mut Context) -> Option<f64> {
    let value = view.value(key)?;
    match expect::number(metric, &value.node) {
        Ok(half_width) if half_width > 0.0 => Some(half_width),
        Ok(_) => {
            cx.issue(Issue::at(value.place, format!("`{key}` must be greater than 0: no interval is a point")));
            None
        }
        Err(message) => {
            cx.issue(Issue::at(value.place, format!("`{key}` of `{}`: {message}", metric.code())));
            None
        }
    }
}

fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
