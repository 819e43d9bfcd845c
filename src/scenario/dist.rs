//! Distributions as they are written in a scenario. Sampling and the check of parameters are in `random`.

use std::sync::Arc;

use crate::random::Dist;
use crate::random::dist::Shape;
use crate::units::parse;

use super::read::Context;
use crate::document::CSV_LIMIT;
use crate::document::{Issue, did_you_mean, listing};
use crate::document::{Node, Table, Value};

/// What the values of a distribution are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Unit {
    /// Seconds, never negative.
    Seconds,
    /// Seconds, negative ones included.
    SignedSeconds,
    /// Bytes, never negative.
    Bytes,
    /// A share, never negative.
    Share,
    /// A number of things, never negative.
    Count,
}

/// Mixtures of mixtures of …: nobody means more, and the recursion needs an end.
const DEEPEST: usize = 8;

/// The kinds of distributions as written.
pub(super) const KINDS: &[&str] =
    &["exponential", "uniform", "lognormal", "gamma", "weibull", "pareto", "triangular", "empirical", "mix"];

impl Unit {
    /// What a plain value looks like.
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Unit::Seconds => "a duration such as `\"40s\"`",
            Unit::SignedSeconds => "a duration such as `\"40s\"` or `\"-1m\"`",
            Unit::Bytes => "a size such as `\"8GiB\"`",
            Unit::Share => "a share such as `0.5` or `\"50%\"`",
            Unit::Count => "a number such as `12`",
        }
    }

    /// A plain value in the unit.
    fn value(self, node: &Node) -> Result<f64, String> {
        match (self, node) {
            (Unit::Seconds, Node::Text(text)) => parse::span(text).map(|span| span.seconds()),
            (Unit::SignedSeconds, Node::Text(text)) => parse::signed_span(text).map(|span| span.seconds()),
            (Unit::Bytes, Node::Text(text)) => parse::size(text).map(|bytes| bytes as f64),
            (Unit::Share, Node::Text(text)) => parse::share(text),
            (Unit::Bytes, Node::Integer(bytes)) if *bytes < 0 => Err("a size cannot be negative".to_owned()),
            (Unit::Bytes, Node::Integer(bytes)) => match i64::try_from(*bytes) {
                Ok(bytes) => Ok(bytes as f64),
                Err(_) => Err("is larger than 8EiB, the largest size there is here".to_owned()),
            },
            (Unit::Share, Node::Integer(_) | Node::Real(_)) => {
                let share = number(node)?;
                if share < 0.0 { Err("a share cannot be negative".to_owned()) } else { Ok(share) }
            }
            (Unit::Count, Node::Integer(_) | Node::Real(_)) => {
                let count = number(node)?;
                if count < 0.0 { Err("a count cannot be negative".to_owned()) } else { Ok(count) }
            }
            (Unit::Count, Node::Text(_)) => Err(format!("expected {}", self.describe())),
            (Unit::Seconds | Unit::SignedSeconds, Node::Integer(_) | Node::Real(_)) => {
                Err("write a unit, e.g. \"40s\"".to_owned())
            }
            (Unit::Bytes, Node::Real(_)) => Err("write a unit, e.g. \"40GiB\"".to_owned()),
            (_, Node::Flag(_) | Node::Moment(_) | Node::Array(_) | Node::Table(_)) => {
                Err(format!("expected {}", self.describe()))
            }
        }
    }

    /// A field of a CSV file in the unit.
    fn field(self, text: &str) -> Result<f64, String> {
        match self {
            Unit::Seconds | Unit::SignedSeconds => parse::decimal_seconds(text).map(|span| span.seconds()),
            Unit::Bytes => match text.trim().parse::<i64>() {
                Ok(bytes) => Ok(bytes as f64),
                Err(_) => Err("is not a whole number of bytes".to_owned()),
            },
            Unit::Share | Unit::Count => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number),
                _ => Err("is not a finite number".to_owned()),
            },
        }
    }
}

/// A finite plain number.
fn number(node: &Node) -> Result<f64, String> {
    match node {
        Node::Integer(integer) => Ok(*integer as f64),
        Node::Real(real) if real.is_finite() => Ok(*real),
        Node::Real(real) => Err(format!("{real} is not a finite number")),
        Node::Text(_) | Node::Flag(_) | Node::Moment(_) | Node::Array(_) | Node::Table(_) => {
            Err("expected a number without quotes".to_owned())
        }
    }
}

/// Reads a distribution, or a plain value as a constant one.
pub(super) fn parse(key: &str, value: &Value, unit: Unit, cx: &mut Context) -> Option<Dist> {
    let dist = at_depth(key, value, unit, 0, cx)?;
    let signed = match unit {
        Unit::SignedSeconds => true,
        Unit::Seconds | Unit::Bytes | Unit::Share | Unit::Count => false,
    };
    if !signed && dist.lowest() < 0.0 {
        cx.issue(
            Issue::at(value.place, format!("`{key}`: the distribution has negative values"))
                .help("choose other limits, or add `min`"),
        );
        return None;
    }
    Some(dist)
}

fn at_depth(key: &str, value: &Value, unit: Unit, depth: usize, cx: &mut Context) -> Option<Dist> {
    let Some(table) = value.as_table() else {
        return plain(key, value, cx, |node| unit.value(node)).map(Dist::constant);
    };
    if depth > DEEPEST {
        cx.issue(Issue::at(value.place, format!("`{key}`: mixtures are nested more than {DEEPEST} deep")));
        return None;
    }
    let (kind, body) = kind_of(key, value, table, cx)?;
    let shape = shape(key, kind, body, unit, depth, cx);
    let limit = |name: &str, cx: &mut Context| match table.get(name) {
        None => Some(None),
        Some(value) => plain(key, value, cx, |node| unit.value(node)).map(Some),
    };
    let (min, max) = (limit("min", cx), limit("max", cx));
    match Dist::new(shape?, min?, max?) {
        Ok(dist) => Some(dist),
        Err(message) => {
            cx.issue(Issue::at(body.place, format!("`{key}`: {message}")));
            None
        }
    }
}

/// The one key of the table that names a kind, and what stands under it.
fn kind_of<'v>(key: &str, value: &Value, table: &'v Table, cx: &mut Context) -> Option<(&'static str, &'v Value)> {
    let mut found: Option<(&'static str, &'v Value)> = None;
    let mut good = true;
    for entry in &table.entries {
        match KINDS.iter().find(|kind| **kind == &*entry.key) {
            Some(kind) => match found {
                None => found = Some((kind, &entry.value)),
                Some((first, _)) => {
                    cx.issue(Issue::at(
                        entry.place,
                        format!("`{key}`: both `{first}` and `{kind}`: a distribution has one kind"),
                    ));
                    good = false;
                }
            },
            None if matches!(&*entry.key, "min" | "max") => {}
            None => {
                let known: Vec<&str> = KINDS.iter().copied().chain(["min", "max"]).collect();
                cx.issue(
                    Issue::at(entry.place, format!("`{key}`: unknown kind of distribution `{}`", entry.key))
                        .help(did_you_mean(&entry.key, &known)),
                );
                good = false;
            }
        }
    }
    if good && found.is_none() {
        cx.issue(
            Issue::at(value.place, format!("`{key}`: the kind of distribution is missing"))
                .help(format!("one of {}", listing(KINDS))),
        );
    }
    found.filter(|_| good)
}

fn shape(key: &str, kind: &str, body: &Value, unit: Unit, depth: usize, cx: &mut Context) -> Option<Shape> {
    let in_unit = |node: &Node| unit.value(node);
    match kind {
        "exponential" => {
            let [mean] = fields(key, kind, body, ["mean"], cx)?;
            Some(Shape::Exponential { mean: plain(key, mean, cx, in_unit)? })
        }
        "lognormal" => {
            let [median, sigma] = fields(key, kind, body, ["median", "sigma"], cx)?;
            let (median, sigma) = (plain(key, median, cx, in_unit), plain(key, sigma, cx, number));
            Some(Shape::LogNormal { median: median?, sigma: sigma? })
        }
        "gamma" => {
            let [mean, cv] = fields(key, kind, body, ["mean", "cv"], cx)?;
            let (mean, cv) = (plain(key, mean, cx, in_unit), plain(key, cv, cx, number));
            Some(Shape::Gamma { mean: mean?, cv: cv? })
        }
        "weibull" => {
            let [scale, shape] = fields(key, kind, body, ["scale", "shape"], cx)?;
            let (scale, shape) = (plain(key, scale, cx, in_unit), plain(key, shape, cx, number));
            Some(Shape::Weibull { scale: scale?, shape: shape? })
        }
        "pareto" => {
            let [scale, shape] = fields(key, kind, body, ["scale", "shape"], cx)?;
            let (scale, shape) = (plain(key, scale, cx, in_unit), plain(key, shape, cx, number));
            Some(Shape::Pareto { scale: scale?, shape: shape? })
        }
        "uniform" => {
            let [low, high] = items(key, body, ["low", "high"], cx)?;
            let (low, high) = (plain(key, low, cx, in_unit), plain(key, high, cx, in_unit));
            Some(Shape::Uniform { low: low?, high: high? })
        }
        "triangular" => {
            let [low, mode, high] = items(key, body, ["low", "mode", "high"], cx)?;
            let low = plain(key, low, cx, in_unit);
            let (mode, high) = (plain(key, mode, cx, in_unit), plain(key, high, cx, in_unit));
            Some(Shape::Triangular { low: low?, mode: mode?, high: high? })
        }
        "empirical" => empirical(key, body, unit, cx).map(Shape::Empirical),
        _ => mix(key, body, unit, depth, cx),
    }
}

fn mix(key: &str, body: &Value, unit: Unit, depth: usize, cx: &mut Context) -> Option<Shape> {
    let Some(parts) = body.as_array() else {
        cx.wrong_type(key, body, "`[[weight, distribution], …]`");
        return None;
    };
    let mut read = Some(Vec::new());
    for part in parts {
        let pair = items(key, part, ["weight", "distribution"], cx).and_then(|[weight, dist]| {
            let weight = plain(key, weight, cx, number);
            let dist = at_depth(key, dist, unit, depth + 1, cx);
            Some((weight?, dist?))
        });
        match (pair, &mut read) {
            (Some(pair), Some(list)) => list.push(pair),
            (None, _) => read = None,
            (Some(_), None) => {}
        }
    }
    read.map(Shape::Mix)
}

/// A plain value; what is wrong with it is said at its place.
fn plain(key: &str, value: &Value, cx: &mut Context, read: impl Fn(&Node) -> Result<f64, String>) -> Option<f64> {
    match read(&value.node) {
        Ok(number) => Some(number),
        Err(message) => {
            let message = match message.starts_with("expected") {
                true => format!("`{key}`: {message}, found {}", value.what()),
                false => format!("`{key}`: {message}"),
            };
            cx.issue(Issue::at(value.place, message));
            None
        }
    }
}

/// Exactly these fields of a table, in this order.
pub(super) fn fields<'v, const N: usize>(
    key: &str,
    kind: &str,
    body: &'v Value,
    names: [&str; N],
    cx: &mut Context,
) -> Option<[&'v Value; N]> {
    let Some(table) = body.as_table() else {
        let list: Vec<String> = names.iter().map(|name| format!("{name} = …")).collect();
        cx.wrong_type(key, body, &format!("`{{ {} }}`", list.join(", ")));
        return None;
    };
    let mut good = true;
    for entry in &table.entries {
        if !names.contains(&&*entry.key) {
            cx.issue(
                Issue::at(entry.place, format!("`{key}`: `{kind}` has no parameter `{}`", entry.key))
                    .help(did_you_mean(&entry.key, &names)),
            );
            good = false;
        }
    }
    for name in names {
        if table.get(name).is_none() {
            cx.issue(Issue::at(body.place, format!("`{key}`: `{kind}` needs `{name}`")));
            good = false;
        }
    }
    if !good {
        return None;
    }
    let found: Vec<&Value> = names.iter().filter_map(|name| table.get(name)).collect();
    found.try_into().ok()
}

/// Exactly so many items of an array.
fn items<'v, const N: usize>(key: &str, body: &'v Value, names: [&str; N], cx: &mut Context) -> Option<[&'v Value; N]> {
    let found: Option<[&Value; N]> = body.as_array().and_then(|items| {
        let items: Vec<&Value> = items.iter().collect();
        items.try_into().ok()
    });
    if found.is_none() {
        cx.wrong_type(key, body, &format!("`[{}]`", names.join(", ")));
    }
    found
}

fn empirical(key: &str, body: &Value, unit: Unit, cx: &mut Context) -> Option<Arc<[f64]>> {
    let Some(path) = body.as_text() else {
        cx.wrong_type(key, body, "the path of a CSV file");
        return None;
    };
    let file = cx.sources.resolve(body.place, path);
    if let Some(values) = cx.empirical.get(&(file.clone(), unit)) {
        return Some(Arc::clone(values));
    }
    let values = cx.sources.read(&file, path, CSV_LIMIT).and_then(|text| column(&text, unit));
    match values {
        Ok(values) => {
            cx.empirical.insert((file, unit), Arc::clone(&values));
            Some(values)
        }
        Err(message) => {
            cx.issue(Issue::at(body.place, format!("`{key}`: {message}")));
            None
        }
    }
}

/// One value per row; the first row may be a heading. Ascending.
fn column(text: &str, unit: Unit) -> Result<Arc<[f64]>, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut values = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let row = index + 1;
        let record = record.map_err(|error| format!("row {row}: {error}"))?;
        let field = record.get(0).unwrap_or_default();
        if record.len() != 1 {
            return Err(format!("row {row} has {} columns, expected one", record.len()));
        }
        match unit.field(field) {
            Ok(value) => values.push(value),
            Err(_) if index == 0 && field.trim().starts_with(|c: char| c.is_alphabetic()) => {}
            Err(message) => return Err(format!("row {row}: `{field}` {message}")),
        }
    }
    if values.is_empty() {
        return Err("the file has no values".to_owned());
    }
    values.sort_by(f64::total_cmp);
    Ok(values.into())
}
