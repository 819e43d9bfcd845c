//! `[[expect]]`: what is expected of which points. Whether it holds is judged in `analysis`.

use crate::model::study::{Axis, Expectation, Metric, MetricKind};
use crate::model::vocabulary::Reason;
use crate::units::parse;

use super::kind::Parsed;
use super::read::{Context, View};
use super::sweep::{Swept, same};
use super::workload::Named;
use crate::document::Place;
use crate::document::{Issue, did_you_mean, listing};
use crate::document::{Node, Table, Value};

/// What an entry may speak of.
pub(super) struct Grid<'g> {
    pub(super) swept: &'g [Swept],
    /// Whether these are all swept keys; a bad one is missing among them, and has its own issue.
    pub(super) complete: bool,
    pub(super) axes: &'g [Axis],
    /// Of each point the index of its value on each axis.
    pub(super) points: &'g [Vec<usize>],
    pub(super) workloads: &'g [Named],
    pub(super) confidence: f64,
}

/// All entries; what is wrong becomes issues.
pub(super) fn all(written: &Table, grid: &Grid<'_>, cx: &mut Context) -> Vec<Expectation> {
    let items = written.get("expect").and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(|item| one(item.as_table()?, item.place, grid, cx)).collect()
}

fn one(table: &Table, place: Place, grid: &Grid<'_>, cx: &mut Context) -> Option<Expectation> {
    let none = Table::default();
    let view = View { swept: &[], prefix: "expect.", table: "expect.", written: table, defaults: &none };
    if !view.is_written("metric") {
        cx.issue(Issue::at(place, "`[[expect]]` needs `metric`"));
    }
    let metric = view.text("metric", cx).and_then(|code| Metric::ALL.into_iter().find(|metric| metric.code() == code));
    let confidence = if view.is_written("confidence") { view.level("confidence", cx) } else { Some(grid.confidence) };
    let workload = workload(&view, grid, cx);
    let reason = view.text("reason", cx).and_then(|code| Reason::from_code(&code));
    let step = step(&view, workload.as_deref(), grid, cx);
    let narrowed = narrowed(&view, grid, cx);
    let metric = metric?;
    let bounds = bounds(&view, metric, place, cx);
    for key in ["step", "reason"] {
        if let Some(place) = view.place(key).filter(|_| !metric.counts_failures()) {
            let counting: Vec<&str> =
                Metric::ALL.into_iter().filter(|metric| metric.counts_failures()).map(Metric::code).collect();
            cx.issue(
                Issue::at(
                    place,
                    format!("`expect.{key}` cannot narrow `{}`, which does not count failures", metric.code()),
                )
                .help(format!("it narrows {}", listing(&counting))),
            );
        }
    }
    let ((min, max), narrowed, confidence) = (bounds?, narrowed?, confidence?);
    let source = cx.sources.get(place)?;
    let at = format!("{}:{}", source.name, source.line_column(place.start as usize).0);
    let matches = |values: &Vec<usize>| narrowed.iter().all(|(axis, allowed)| allowed.contains(&values[*axis]));
    let points: Vec<usize> =
        grid.points.iter().enumerate().filter(|(_, values)| matches(values)).map(|(number, _)| number).collect();
    // Values that are there, and never together: keys of one zip.
    let has_zips = grid.complete && grid.swept.iter().any(|axis| axis.zip.is_some());
    if let (true, true, Some(value)) = (points.is_empty(), has_zips, view.value("where")) {
        let issue = Issue::at(value.place, "`expect.where`: no point of the sweep has all of these values");
        cx.issue(issue.help("keys of one `[[sweep.zip]]` have only the combinations of its rows"));
    }
    let text = words(&view, metric, &narrowed, grid);
    Some(Expectation { metric, min, max, points, workload, step, reason, confidence, place: at, text })
}

/// The bounds, in the metric's unit.
fn bounds(view: &View<'_>, metric: Metric, place: Place, cx: &mut Context) -> Option<(Option<f64>, Option<f64>)> {
    let mut bound = |key: &str| match view.value(key) {
        None => Some(None),
        Some(value) => match number(metric, &value.node) {
            Ok(number) => Some(Some(number)),
            Err(message) => {
                cx.issue(Issue::at(value.place, format!("`expect.{key}` of `{}`: {message}", metric.code())));
                None
            }
        },
    };
    let (min, max) = (bound("min"), bound("max"));
    let (min, max) = (min?, max?);
    match (min, max) {
        (None, None) => {
            cx.issue(Issue::at(place, "`[[expect]]` needs `min` or `max`"));
            None
        }
        (Some(low), Some(high)) if low > high => {
            let at = view.place("min").unwrap_or(place);
            let issue = Issue::at(at, "`expect.min` exceeds `expect.max`, so that nothing can hold");
            cx.issue(issue.also(view.place("max").unwrap_or(place), "against this"));
            None
        }
        (_, _) => Some((min, max)),
    }
}

/// A bound of a metric, in its unit.
pub(super) fn number(metric: Metric, node: &Node) -> Result<f64, String> {
    match (metric.kind(), node) {
        (MetricKind::Rate, Node::Text(text)) => parse::share(text),
        (MetricKind::Rate, Node::Real(real)) if (0.0..=1.0).contains(real) => Ok(*real),
        (MetricKind::Rate, Node::Integer(integer)) if (0..=1).contains(integer) => Ok(*integer as f64),
        (MetricKind::Rate, _) => Err("expected a number in [0, 1] or a percentage such as \"0.1%\"".to_owned()),
        (MetricKind::Count, Node::Integer(integer)) if (0..=i128::from(i64::MAX)).contains(integer) => {
            Ok(*integer as f64)
        }
        (MetricKind::Count, _) => Err("expected a whole number of at least 0".to_owned()),
        // A margin is negative where a cache let a token pass beyond its end.
        (MetricKind::Duration, Node::Text(text)) if metric == Metric::MarginP01 => {
            parse::signed_span(text).map(|span| span.seconds())
        }
        (MetricKind::Duration, Node::Text(text)) => parse::span(text).map(|span| span.seconds()),
        (MetricKind::Duration, _) => Err("expected a duration with a unit, e.g. \"40s\"".to_owned()),
    }
}

fn workload(view: &View<'_>, grid: &Grid<'_>, cx: &mut Context) -> Option<String> {
    let name = view.text("workload", cx)?;
    let known: Vec<&str> = grid.workloads.iter().map(|workload| workload.name.as_str()).collect();
    // `all` is the row that is meant when nobody names a workload.
    if name == "all" {
        return None;
    }
    if !known.contains(&name.as_str()) {
        let place = view.place("workload").unwrap_or(Place::NOWHERE);
        cx.issue(
            Issue::at(place, format!("`expect.workload`: there is no workload `{name}`"))
                .help(did_you_mean(&name, &known)),
        );
    }
    Some(name)
}

fn step(view: &View<'_>, workload: Option<&str>, grid: &Grid<'_>, cx: &mut Context) -> Option<String> {
    let name = view.text("step", cx)?;
    let workloads = grid.workloads.iter().filter(|known| workload.is_none_or(|name| name == known.name));
    let mut known: Vec<&str> = Vec::new();
    for kind in workloads.filter_map(|workload| workload.kind.as_ref()) {
        if kind.step(&name).is_some() {
            return Some(name);
        }
        for step in &kind.steps {
            if !known.contains(&step.as_str()) {
                known.push(step);
            }
        }
    }
    let place = view.place("step").unwrap_or(Place::NOWHERE);
    cx.issue(Issue::at(place, format!("`expect.step`: unknown step `{name}`")).help(did_you_mean(&name, &known)));
    None
}

/// The axes that `where` names, each with the indices of the values that are meant.
fn narrowed(view: &View<'_>, grid: &Grid<'_>, cx: &mut Context) -> Option<Vec<(usize, Vec<usize>)>> {
    let Some(value) = view.value("where") else {
        return Some(Vec::new());
    };
    let Some(table) = value.as_table() else {
        cx.wrong_type("expect.where", value, "a table of swept keys and values");
        return None;
    };
    let mut narrowed = Some(Vec::new());
    below(table, "", grid, &mut narrowed, cx);
    narrowed
}

type Narrowed = Option<Vec<(usize, Vec<usize>)>>;

fn below(table: &Table, prefix: &str, grid: &Grid<'_>, narrowed: &mut Narrowed, cx: &mut Context) {
    for entry in &table.entries {
        let path = format!("{prefix}{}", entry.key);
        if let Some(axis) = grid.swept.iter().position(|swept| swept.path == path) {
            match (meant(&grid.swept[axis], &entry.value, cx), narrowed.as_mut()) {
                (Some(indices), Some(list)) => list.push((axis, indices)),
                (None, _) => *narrowed = None,
                (Some(_), None) => {}
            }
        } else if let Some(inner) = entry.value.as_table() {
            below(inner, &format!("{path}."), grid, narrowed, cx);
        } else if grid.complete {
            let known: Vec<&str> = grid.swept.iter().map(|swept| swept.path.as_str()).collect();
            let help = if known.is_empty() { "nothing is swept".to_owned() } else { did_you_mean(&path, &known) };
            cx.issue(Issue::at(entry.place, format!("`expect.where`: `{path}` is not swept")).help(help));
            *narrowed = None;
        }
    }
}

/// The indices of the values of an axis that a value of `where` means; an array means any of its items.
fn meant(swept: &Swept, value: &Value, cx: &mut Context) -> Option<Vec<usize>> {
    let items: Vec<&Value> = match value.as_array() {
        Some(items) if depth(value) > swept.kind.depth() => items.iter().collect(),
        Some(_) | None => vec![value],
    };
    let mut indices = Vec::new();
    for item in items {
        let parsed: Parsed = swept.kind.parse(&swept.path, item, cx)?;
        let before = indices.len();
        // A key of a zip may have a value more than once.
        let found = swept.values.iter().enumerate().filter(|(_, (_, other))| same(&parsed, other));
        indices.extend(found.map(|(index, _)| index));
        if indices.len() == before {
            let known: Vec<String> = swept.values.iter().map(|(value, _)| value.label()).collect();
            let message = format!("`expect.where`: `{}` is never {}", swept.path, item.label());
            cx.issue(Issue::at(item.place, message).help(format!("it is swept over {}", listing(&known))));
            return None;
        }
    }
    Some(indices)
}

/// How deep lists lie in each other.
fn depth(value: &Value) -> usize {
    value.as_array().map_or(0, |items| 1 + items.iter().map(depth).max().unwrap_or(0))
}

/// The entry as the verdict prints it.
fn words(view: &View<'_>, metric: Metric, narrowed: &[(usize, Vec<usize>)], grid: &Grid<'_>) -> String {
    let label = |key: &str| view.value(key).map(Value::label);
    let code = metric.code();
    let mut text = match (label("min"), label("max")) {
        (Some(min), Some(max)) => format!("{min} <= {code} <= {max}"),
        (Some(min), None) => format!("{code} >= {min}"),
        (None, Some(max)) => format!("{code} <= {max}"),
        (None, None) => code.to_owned(),
    };
    for (key, before) in [("workload", "of"), ("step", "at"), ("reason", "for"), ("confidence", "with confidence")] {
        if let Some(value) = label(key) {
            text.push_str(&format!(" {before} {value}"));
        }
    }
    let conditions: Vec<String> = narrowed
        .iter()
        .map(|(axis, indices)| {
            let axis = &grid.axes[*axis];
            let labels: Vec<&str> = indices.iter().map(|index| axis.values[*index].label.as_str()).collect();
            format!("{} = {}", axis.key, labels.join(" or "))
        })
        .collect();
    if !conditions.is_empty() {
        text.push_str(&format!(" where {}", conditions.join(", ")));
    }
    text
}
