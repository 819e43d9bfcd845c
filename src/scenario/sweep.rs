//! `[sweep]`: the swept keys with their values, which of them go together, and the points that follow.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::keys::{self, KEYS};
use super::kind::{Kind, Parsed};
use super::kinds;
use super::process::ArrivalsText;
use super::read::Context;
use super::workload::Named;
use crate::document::{Entry, Issue, Node, Place, Table, Value, listing, nearest};

/// More points than this are refused.
const MOST_POINTS: u128 = 100_000;
/// The list of tables of keys that go together.
pub(super) const ZIP: &str = "zip";

/// A swept key with its values.
#[derive(Clone, Debug)]
pub(super) struct Swept {
    /// As it is written: with the workload's name.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) values: Vec<(Value, Parsed)>,
    /// The zip whose other keys it goes together with; they stand side by side.
    pub(super) zip: Option<usize>,
    /// Where the key is written.
    place: Place,
}

/// A swept key as it is written: its path, where that is, and what should be its list.
type Line<'t> = (String, Place, &'t Value);

/// The swept keys: those of the grid in the order of the file, then those of each zip; what is wrong becomes issues.
pub(super) fn axes(written: &Table, workloads: &[Named], cx: &mut Context) -> Vec<Swept> {
    let Some(sweep) = written.get("sweep") else {
        return Vec::new();
    };
    let Some(table) = sweep.as_table() else {
        cx.wrong_type("sweep", sweep, "a table of keys and lists of values");
        return Vec::new();
    };
    let mut lines = Vec::new();
    table.entries.iter().filter(|entry| &*entry.key != ZIP).for_each(|entry| flatten(entry, "", &mut lines));
    let mut axes: Vec<Swept> = Vec::new();
    for line in lines {
        if let Some(axis) = one(line, None, &axes, workloads, cx)
            && is_each_once(&axis, cx)
        {
            axes.push(axis);
        }
    }
    zips(table, &mut axes, workloads, cx);
    let points = dimensions(&axes).try_fold(1_u128, |points, keys| points.checked_mul(keys[0].values.len() as u128));
    if points.is_none_or(|points| points > MOST_POINTS) {
        let count = points.map_or_else(|| "more than 10^38".to_owned(), |points| points.to_string());
        cx.issue(Issue::at(
            sweep.place,
            format!("the sweep has {count} points, and at most {MOST_POINTS} are allowed"),
        ));
        return Vec::new();
    }
    axes
}

/// The keys that vary together: each of the grid alone, and those of each zip.
fn dimensions(axes: &[Swept]) -> impl DoubleEndedIterator<Item = &[Swept]> {
    axes.chunk_by(|one, next| one.zip.is_some() && one.zip == next.zip)
}

/// Of every point the index of its value on each axis: every combination of the grid's values and the zips' rows, the
/// last varying fastest; one point without axes.
pub(super) fn points(axes: &[Swept]) -> Vec<Vec<usize>> {
    let lengths: Vec<(usize, usize)> = dimensions(axes).map(|keys| (keys.len(), keys[0].values.len())).collect();
    let count = lengths.iter().map(|(_, values)| values).product();
    let point = |number: usize| {
        let mut rest = number;
        let mut values = vec![0; axes.len()];
        let mut end = axes.len();
        for &(keys, length) in lengths.iter().rev() {
            values[end - keys..end].fill(rest % length);
            (rest, end) = (rest / length, end - keys);
        }
        values
    };
    (0..count).map(point).collect()
}

/// Adds the keys of every `[[sweep.zip]]`.
fn zips(sweep: &Table, axes: &mut Vec<Swept>, workloads: &[Named], cx: &mut Context) {
    const PATH: &str = "sweep.zip";
    let Some(list) = sweep.get(ZIP) else { return };
    let Some(items) = list.as_array() else {
        return cx.wrong_type(PATH, list, "a list of tables, each headed `[[sweep.zip]]`");
    };
    for (number, item) in items.iter().enumerate() {
        let Some(table) = item.as_table() else {
            cx.wrong_type(PATH, item, "a table headed `[[sweep.zip]]`");
            continue;
        };
        let mut lines = Vec::new();
        table.entries.iter().for_each(|entry| flatten(entry, "", &mut lines));
        if lines.is_empty() {
            let issue = Issue::at(item.place, "this `[[sweep.zip]]` sweeps nothing");
            cx.issue(issue.help("write the keys that go together, each with a list of values"));
        }
        let first = axes.len();
        let mut lists: Option<Vec<(String, Place, usize)>> = Some(Vec::new());
        for line in lines {
            let (path, _, value) = &line;
            let length = value.as_array().map(|items| (path.clone(), value.place, items.len()));
            match (one(line, Some(number), axes, workloads, cx), length, &mut lists) {
                (Some(axis), Some(length), Some(lists)) => {
                    axes.push(axis);
                    lists.push(length);
                }
                // What it would be compared with is wrong itself.
                (_, _, _) => lists = None,
            }
        }
        let is_good = lists.is_some_and(|lists| are_of_one_length(&lists, cx)) && are_rows_unique(&axes[first..], cx);
        if !is_good {
            axes.truncate(first);
        }
    }
}

fn are_of_one_length(lists: &[(String, Place, usize)], cx: &mut Context) -> bool {
    let Some(((first, place, length), rest)) = lists.split_first() else { return false };
    let mut good = true;
    for (path, other, found) in rest.iter().filter(|(_, _, found)| found != length) {
        let values = |count: &usize| format!("{count} value{}", if *count == 1 { "" } else { "s" });
        let message = format!("`{path}` has {} and `{first}` of the same zip {}", values(found), values(length));
        let issue = Issue::at(*other, message).also(*place, values(length));
        cx.issue(issue.help("lists that go together have one length"));
        good = false;
    }
    good
}

/// Whether no two rows of a zip are the same; a single key may well repeat a value.
fn are_rows_unique(keys: &[Swept], cx: &mut Context) -> bool {
    let Some(lead) = keys.first() else { return false };
    let mut rows: HashMap<String, usize> = HashMap::new();
    let mut good = true;
    for row in 0..lead.values.len() {
        let mut meaning = String::new();
        keys.iter().for_each(|key| write_meaning(&key.values[row].1, &mut meaning));
        if let Some(&first) = rows.get(&meaning) {
            let message = format!("row {} of this `[[sweep.zip]]` is the same as row {}", row + 1, first + 1);
            cx.issue(Issue::at(lead.values[row].0.place, message).also(lead.values[first].0.place, "the first"));
            good = false;
        }
        rows.entry(meaning).or_insert(row);
    }
    good
}

/// A swept key with its values; `None`: the issues say why.
fn one(
    (path, place, value): Line<'_>,
    zip: Option<usize>,
    axes: &[Swept],
    workloads: &[Named],
    cx: &mut Context,
) -> Option<Swept> {
    if let Some(first) = axes.iter().find(|axis| axis.path == path) {
        cx.issue(Issue::at(place, format!("`{path}` is swept twice")).also(first.place, "the first"));
        return None;
    }
    let kind = known(&path, place, "in the sweep", workloads, cx)?;
    let values = values(&path, kind, value, cx)?;
    Some(Swept { path, kind, values, zip, place })
}

/// Tables of tables are dotted paths without quotes.
fn flatten<'t>(entry: &'t Entry, prefix: &str, lines: &mut Vec<Line<'t>>) {
    let path = format!("{prefix}{}", entry.key);
    match &entry.value.node {
        Node::Table(inner) => {
            let prefix = format!("{path}.");
            inner.entries.iter().for_each(|entry| flatten(entry, &prefix, lines));
        }
        Node::Flag(_) | Node::Integer(_) | Node::Real(_) | Node::Text(_) | Node::Moment(_) | Node::Array(_) => {
            lines.push((path, entry.place, &entry.value));
        }
    }
}

/// The kind of the values of a path that is written in a sweep, or why it cannot be swept; `None`: there is no such
/// key.
fn kind_of(path: &str, workloads: &[Named]) -> Option<Result<Kind, &'static str>> {
    let in_table = |path: &str| keys::find(path).map(|key| key.fixed.map_or(Ok(key.kind), Err));
    let Some(rest) = path.strip_prefix("workload.") else {
        return in_table(path).filter(|_| keys::list_of(path).is_none());
    };
    let (name, key) = rest.rsplit_once('.')?;
    let workload = workloads.iter().find(|known| known.name == name)?;
    in_table(&format!("workload.{key}")).or_else(|| {
        let kind = workload.kind.as_ref()?;
        Some(Ok(kinds::value_kind(kind.quantities[kind.quantity(key)?.index()].unit)))
    })
}

pub(super) fn known(path: &str, place: Place, where_to: &str, workloads: &[Named], cx: &mut Context) -> Option<Kind> {
    match kind_of(path, workloads) {
        Some(Ok(kind)) => return Some(kind),
        Some(Err(why)) => {
            cx.issue(Issue::at(place, format!("`{path}` cannot be swept: {why}")));
            return None;
        }
        None => {}
    }
    let mut candidates: Vec<String> = Vec::new();
    for key in KEYS.iter().filter(|key| key.fixed.is_none()) {
        match key.path.strip_prefix("workload.") {
            Some(rest) => {
                candidates.extend(workloads.iter().map(|workload| format!("workload.{}.{rest}", workload.name)))
            }
            None => candidates.push(key.path.to_owned()),
        }
    }
    for workload in workloads {
        let quantities = workload.kind.iter().flat_map(|kind| &kind.quantities);
        candidates.extend(quantities.map(|quantity| format!("workload.{}.{}", workload.name, quantity.name)));
    }
    let help = match nearest(path, candidates.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let last = path.rsplit('.').next();
            let same: Vec<&String> = candidates.iter().filter(|name| name.rsplit('.').next() == last).collect();
            if !same.is_empty() {
                format!("known as {}", listing(&same))
            } else if path.starts_with("workload.") {
                let names: Vec<&str> = workloads.iter().map(|workload| workload.name.as_str()).collect();
                format!("a key of a workload is `workload.NAME.KEY`, and the workloads are {}", listing(&names))
            } else {
                "a swept key is the dotted path of a key of the scenario".to_owned()
            }
        }
    };
    cx.issue(Issue::at(place, format!("unknown key `{path}` {where_to}")).help(help));
    None
}

fn values(path: &str, kind: Kind, value: &Value, cx: &mut Context) -> Option<Vec<(Value, Parsed)>> {
    let Some(items) = value.as_array() else {
        cx.wrong_type(path, value, "a list of values");
        return None;
    };
    if items.is_empty() {
        cx.issue(Issue::at(value.place, format!("`{path}`: the list of values is empty")));
        return None;
    }
    let mut read: Option<Vec<(Value, Parsed)>> = Some(Vec::with_capacity(items.len()));
    for item in items {
        match (kind.parse(path, item, cx), &mut read) {
            (Some(parsed), Some(list)) => list.push((item.clone(), parsed)),
            (None, _) => read = None,
            (Some(_), None) => {}
        }
    }
    read
}

/// Whether no two values of a key mean the same.
fn is_each_once(axis: &Swept, cx: &mut Context) -> bool {
    let mut known: HashMap<String, &Value> = HashMap::new();
    let mut good = true;
    for (item, parsed) in &axis.values {
        let mut meaning = String::new();
        write_meaning(parsed, &mut meaning);
        if let Some(first) = known.get(&meaning) {
            let message = format!("`{}`: {} is the same value as {}", axis.path, item.label(), first.label());
            cx.issue(Issue::at(item.place, message).also(first.place, "the first"));
            good = false;
        }
        known.entry(meaning).or_insert(item);
    }
    good
}

/// A text that is equal for values of one key that mean the same: there may be too many to compare each with each.
fn write_meaning(parsed: &Parsed, text: &mut String) {
    let _ = match parsed {
        // A trace is known by its path, and everything else by what it means.
        Parsed::Arrivals(ArrivalsText::Trace { path, .. }) => writeln!(text, "trace {path:?}"),
        other => writeln!(text, "{other:?}"),
    };
}

/// Whether two values of a key mean the same.
pub(super) fn same(one: &Parsed, other: &Parsed) -> bool {
    match (one, other) {
        (
            Parsed::Arrivals(ArrivalsText::Trace { path: one, .. }),
            Parsed::Arrivals(ArrivalsText::Trace { path, .. }),
        ) => one == path,
        (one, other) => one == other,
    }
}
