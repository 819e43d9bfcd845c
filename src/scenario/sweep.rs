//! `[sweep]`: the axes of the grid and their values. What a point is made of is decided in the parent module.

use crate::model::study::{Axis, AxisUnit, AxisValue};
use crate::units::{ExactSeconds, Span};

use super::dist::Unit;
use super::keys::{self, KEYS};
use super::kind::{Kind, Parsed};
use super::kinds;
use super::read::Context;
use super::workload::Named;
use crate::document::Place;
use crate::document::{Issue, listing, nearest};
use crate::document::{Node, Table, Value};

/// More points than this are refused.
const MOST_POINTS: u128 = 100_000;

/// A swept key with its values.
#[derive(Clone, Debug)]
pub(super) struct Swept {
    /// As it is written: with the workload's name.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) values: Vec<(Value, Parsed)>,
}

/// The axes in the order of the file; what is wrong becomes issues.
pub(super) fn axes(written: &Table, workloads: &[Named], cx: &mut Context) -> Vec<Swept> {
    let Some(sweep) = written.get("sweep") else {
        return Vec::new();
    };
    let Some(table) = sweep.as_table() else {
        cx.wrong_type("sweep", sweep, "a table of keys and lists of values");
        return Vec::new();
    };
    let mut lines = Vec::new();
    flatten(table, "", &mut lines);
    let mut axes: Vec<Swept> = Vec::new();
    for (path, place, value) in lines {
        if axes.iter().any(|axis| axis.path == path) {
            cx.issue(Issue::at(place, format!("`{path}` is swept twice")));
            continue;
        }
        let Some(kind) = known(&path, place, workloads, cx) else { continue };
        if let Some(values) = values(&path, kind, value, cx) {
            axes.push(Swept { path, kind, values });
        }
    }
    let points = axes.iter().try_fold(1_u128, |points, axis| points.checked_mul(axis.values.len() as u128));
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

/// Tables of tables are dotted paths without quotes.
fn flatten<'t>(table: &'t Table, prefix: &str, lines: &mut Vec<(String, Place, &'t Value)>) {
    for entry in &table.entries {
        let path = format!("{prefix}{}", entry.key);
        match &entry.value.node {
            Node::Table(inner) => flatten(inner, &format!("{path}."), lines),
            Node::Flag(_) | Node::Integer(_) | Node::Real(_) | Node::Text(_) | Node::Moment(_) | Node::Array(_) => {
                lines.push((path, entry.place, &entry.value));
            }
        }
    }
}

/// The kind of the values of a path that is written in a sweep, or why it cannot be swept; `None`: there is no such key.
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

fn known(path: &str, place: Place, workloads: &[Named], cx: &mut Context) -> Option<Kind> {
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
    cx.issue(Issue::at(place, format!("unknown key `{path}` in the sweep")).help(help));
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
    let mut read: Vec<(Value, Parsed)> = Vec::new();
    let mut good = true;
    for item in items {
        let Some(parsed) = kind.parse(path, item, cx) else {
            good = false;
            continue;
        };
        // A trace is known by its path, and everything else by what it means.
        if let Some((first, _)) = read.iter().find(|(_, other)| same(&parsed, other)) {
            let message = format!("`{path}`: {} is the same value as {}", item.label(), first.label());
            cx.issue(Issue::at(item.place, message).also(first.place, "the first"));
            good = false;
        }
        read.push((item.clone(), parsed));
    }
    good.then_some(read)
}

/// Whether two values of a key mean the same.
pub(super) fn same(one: &Parsed, other: &Parsed) -> bool {
    use super::process::ArrivalsText;
    match (one, other) {
        (
            Parsed::Arrivals(ArrivalsText::Trace { path: one, .. }),
            Parsed::Arrivals(ArrivalsText::Trace { path, .. }),
        ) => one == path,
        (one, other) => one == other,
    }
}

impl Swept {
    /// The axis as reports show it.
    pub(super) fn axis(&self) -> Axis {
        let unit = unit(self.kind);
        let numbers: Option<Vec<(String, f64)>> =
            self.values.iter().map(|(value, parsed)| in_unit(unit, value, parsed)).collect();
        let unit = if numbers.is_some() { unit } else { AxisUnit::None };
        let suffix = match unit {
            AxisUnit::Seconds => "_s",
            AxisUnit::Bytes => "_bytes",
            AxisUnit::PerSecond => "_per_s",
            AxisUnit::None => "",
        };
        let values = self.values.iter().enumerate().map(|(index, (value, _))| {
            let number = numbers.as_ref().map(|numbers| numbers[index].clone());
            let label = value.label();
            match number {
                Some((cell, number)) => AxisValue { cell, label, number: Some(number) },
                None => AxisValue { cell: label.clone(), label, number: None },
            }
        });
        Axis { key: self.path.clone(), column: format!("{}{suffix}", self.path), unit, values: values.collect() }
    }
}

/// The unit of plain values of a kind.
fn unit(kind: Kind) -> AxisUnit {
    match kind {
        Kind::Seconds { .. }
        | Kind::Time { .. }
        | Kind::SignedTime
        | Kind::ByNode
        | Kind::Instant
        | Kind::Offset
        | Kind::TokenAge => AxisUnit::Seconds,
        Kind::Dist(Unit::Seconds | Unit::SignedSeconds) => AxisUnit::Seconds,
        Kind::Dist(Unit::Bytes) => AxisUnit::Bytes,
        Kind::Throughput => AxisUnit::PerSecond,
        Kind::Dist(Unit::Share | Unit::Count)
        | Kind::Flag
        | Kind::Integer { .. }
        | Kind::Size { .. }
        | Kind::Level
        | Kind::Share
        | Kind::Choice(_)
        | Kind::Text
        | Kind::Name
        | Kind::Words
        | Kind::Paths
        | Kind::Instants
        | Kind::Schedules
        | Kind::Periods
        | Kind::MissedSyncs
        | Kind::Arrivals
        | Kind::Bound
        | Kind::Free
        | Kind::Job
        | Kind::Tables => AxisUnit::None,
    }
}

/// A plain number, exact as text; `None`: it is none.
fn in_unit(unit: AxisUnit, value: &Value, parsed: &Parsed) -> Option<(String, f64)> {
    use crate::model::{Offset, TokenAge};
    let time = |span: Span| (ExactSeconds::from(span).to_string(), span.seconds());
    let constant = |dist: &crate::random::Dist| {
        let constant = dist.as_constant()?;
        match value.node {
            // What was written as a table keeps its table as label, and so do all values beside it.
            Node::Table(_) => None,
            Node::Integer(_) | Node::Real(_) | Node::Text(_) | Node::Flag(_) | Node::Moment(_) | Node::Array(_) => {
                Some(constant)
            }
        }
    };
    match parsed {
        Parsed::Integer(integer) => Some((integer.to_string(), *integer as f64)),
        Parsed::Level(level) => Some((level.to_string(), *level)),
        Parsed::Seconds(Some(span)) | Parsed::Time(span) => Some(time(*span)),
        // -1 is how the option says "off".
        Parsed::Seconds(None) => Some(("-1".to_owned(), -1.0)),
        Parsed::Instant(instant) => Some((ExactSeconds::from(*instant).to_string(), instant.seconds())),
        Parsed::Offset(Offset::Fixed(span)) => Some(time(*span)),
        Parsed::Throughput(throughput) => {
            let bytes = throughput.bytes_per_second();
            Some((bytes.to_string(), bytes as f64))
        }
        Parsed::Dist(dist) | Parsed::TokenAge(TokenAge::Drawn(dist)) => {
            let constant = constant(dist)?;
            let cell = match unit {
                AxisUnit::Seconds => ExactSeconds::from(Span::from_seconds_f64(constant)).to_string(),
                // A whole number of bytes prints without decimals.
                AxisUnit::Bytes | AxisUnit::PerSecond | AxisUnit::None => constant.to_string(),
            };
            Some((cell, constant))
        }
        Parsed::Spans(spans) => match (spans.as_slice(), value.as_array()) {
            ([span], None) => Some(time(*span)),
            // What is written as a list keeps its list as label.
            (_, _) => None,
        },
        Parsed::Offset(Offset::Random)
        | Parsed::TokenAge(TokenAge::OfExpiration(_) | TokenAge::Renewing { .. })
        | Parsed::Flag(_)
        | Parsed::Text(_)
        | Parsed::Words(_)
        | Parsed::Instants(_)
        | Parsed::Schedules(_)
        | Parsed::Periods(_)
        | Parsed::MissedSyncs(_)
        | Parsed::Arrivals(_)
        | Parsed::Free => None,
    }
}
