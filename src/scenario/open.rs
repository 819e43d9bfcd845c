//! A scenario with keys that are still to be given values: what `outlast solve` asks about.

use std::path::Path;
use std::sync::Arc;

use super::dist::Unit;
use super::keys;
use super::kind::Kind;
use super::own_presets::{self, Merged};
use super::read::{Context, View};
use super::sweep::{self, Swept};
use super::workload::{self, Named};
use super::{Overrides, expand, finish, layers, options, read_kinds};
use crate::document::{Collected, Entry, Issue, Issues, Node, Place, SCENARIO_LIMIT, Table, Value};
use crate::model::study::Study;
use crate::units::{MICROS, parse};

/// What is asked of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What shall hold, such as `failure_rate <= 0.1%`, which may go on with `of WORKLOAD`, `at STEP`, `for REASON` and
    /// `with confidence LEVEL`.
    pub target: &'a str,
    /// The same as `of WORKLOAD`.
    pub workload: Option<&'a str>,
    /// The keys whose values are asked for.
    pub vary: &'a [String],
    /// The point of the scenario's sweep that it is asked at; needed where there are several.
    pub point: Option<usize>,
}

/// A scenario, the target as its only expectation, and keys to be given values.
#[derive(Debug)]
pub struct Open {
    /// Without sweep and expectations of its own, with the target.
    written: Table,
    /// The keys of its sweep with their values at the point.
    fixed: Vec<(String, Value)>,
    keys: Vec<OpenKey>,
    overrides: Overrides,
    cx: Context,
}

/// A key whose value is asked for.
#[derive(Clone, Debug)]
pub struct OpenKey {
    /// The dotted path, as in a sweep.
    pub path: String,
    /// What its values may be.
    pub domain: Domain,
    /// The value that the scenario gives it now; `None`: none.
    pub now: Option<String>,
    /// Service, section and name, if it is an option of OpenStack.
    pub option: Option<(&'static str, &'static str, &'static str)>,
}

/// What the values of a key may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Numbers.
    Numbers {
        /// How they are written.
        notation: Notation,
        /// The least that is looked at unless somebody says otherwise.
        min: i64,
        /// The greatest.
        max: i64,
        /// The distance of neighbours.
        step: i64,
    },
    /// These, as TOML.
    Words(Vec<String>),
}

/// How a whole number stands for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// As it is.
    Count,
    /// Seconds, as options of OpenStack are.
    Seconds,
    /// Seconds, as a duration of a scenario.
    Duration,
    /// MiB.
    Size,
    /// MiB per second.
    Throughput,
    /// Jobs per hour, at random.
    Poisson,
    /// Thousandths.
    Share,
}

const MIB: u64 = 1 << 20;
/// Bounds of times where nobody gives some: a minute and 30 days.
const TIMES: (i64, i64) = (60, 30 * 86_400);
const MINUTE: i64 = 60;
/// Counts beyond it are not looked at unasked.
const MOST_UNASKED: i64 = 1_000;

impl Notation {
    /// The value as TOML.
    pub fn toml(self, number: i64) -> String {
        match self {
            Notation::Count | Notation::Seconds => number.to_string(),
            Notation::Duration if number % 3_600 == 0 && number > 0 => format!("\"{}h\"", number / 3_600),
            Notation::Duration if number % MINUTE == 0 && number > 0 => format!("\"{}m\"", number / MINUTE),
            Notation::Duration => format!("\"{number}s\""),
            Notation::Size if number % 1_024 == 0 && number > 0 => format!("\"{}GiB\"", number / 1_024),
            Notation::Size => format!("\"{number}MiB\""),
            Notation::Throughput => format!("\"{number}MiB/s\""),
            Notation::Poisson => format!("{{ poisson = \"{number}/h\" }}"),
            Notation::Share => format!("\"{}.{}%\"", number / 10, number % 10),
        }
    }

    /// The number of what somebody writes for it on the command line.
    ///
    /// # Errors
    /// What should have been written.
    pub fn read(self, text: &str) -> Result<i64, String> {
        let whole = |number: f64, unit: &str| match number {
            n if n.fract() == 0.0 && n < 1e15 => Ok(n as i64),
            _ => Err(format!("must be whole {unit}")),
        };
        match self {
            Notation::Count => text.parse().map_err(|_| "must be a whole number".to_owned()),
            Notation::Seconds | Notation::Duration => match text.parse::<i64>() {
                Ok(seconds) if seconds >= 0 => Ok(seconds),
                Ok(_) => Err("must not be negative".to_owned()),
                Err(_) => whole(parse::span(text)?.micros() as f64 / MICROS as f64, "seconds"),
            },
            Notation::Size => whole(parse::size(text)? as f64 / MIB as f64, "MiB"),
            Notation::Throughput => whole(parse::throughput(text)?.bytes_per_second() as f64 / MIB as f64, "MiB/s"),
            Notation::Poisson => whole((parse::rate(text)? * 3_600.0 * 1e6).round() / 1e6, "jobs per hour"),
            Notation::Share => whole((parse::share(text)? * 1e9).round() / 1e6, "thousandths"),
        }
    }
}

impl Open {
    /// Reads a scenario file and what is asked of it.
    ///
    /// # Errors
    /// Every problem at once, each with its place.
    pub fn load(path: &Path, question: Question<'_>, overrides: &Overrides) -> Result<Open, Issues> {
        let mut cx = Context::default();
        let name = path.to_string_lossy();
        super::check_overrides(overrides, &mut cx.issues);
        let read = match cx.sources.read(path, &name, SCENARIO_LIMIT) {
            Ok(text) => layers::load(&name, text, path, &mut cx),
            Err(message) => {
                cx.issue(Issue::general(message));
                None
            }
        };
        let Some(mut written) = read else { return Err(finish(cx)) };
        let found = of_point(&written, question, &mut cx);
        let target = target(question, &mut cx);
        let (Some((keys, fixed)), Some(target), 0) = (found, target, cx.issues.len()) else { return Err(finish(cx)) };
        written.entries.retain(|entry| !matches!(&*entry.key, "sweep" | "expect"));
        written.entries.extend(target.entries);
        Ok(Open { written, fixed, keys, overrides: *overrides, cx })
    }

    /// The keys, in the order asked for.
    pub fn keys(&self) -> &[OpenKey] {
        &self.keys
    }

    /// The scenario as it is written, without values for the keys but its own.
    ///
    /// # Errors
    /// Every problem at once, each with its place.
    pub fn as_written(&mut self) -> Result<Study, Issues> {
        let fixed: Vec<Entry> = self.fixed.iter().map(|(path, value)| swept(path, value.clone())).collect();
        self.expand(Table { entries: fixed })
    }

    /// The scenario with values for the keys, as TOML; a point for each row of them, in their order. No two rows are alike.
    ///
    /// # Errors
    /// Every problem at once; the values stand in a text named `--vary`.
    pub fn study(&mut self, rows: &[Vec<String>]) -> Result<Study, Issues> {
        let mut text = String::from("[[zip]]\n");
        for (column, key) in self.keys.iter().enumerate() {
            let values: Vec<&str> = rows.iter().map(|row| row[column].as_str()).collect();
            text.push_str(&format!("{:?} = [{}]\n", key.path, values.join(", ")));
        }
        let zip = parsed("--vary", &text, &mut self.cx).unwrap_or_default();
        let is_free = |path: &String| self.keys.iter().all(|key| key.path != *path);
        let fixed = self.fixed.iter().filter(|(path, _)| is_free(path));
        let entries = fixed.map(|(path, value)| swept(path, value.clone())).chain(zip.entries).collect();
        self.expand(Table { entries })
    }

    fn expand(&mut self, sweep: Table) -> Result<Study, Issues> {
        self.cx.issues = Collected::default();
        let mut written = self.written.clone();
        if !sweep.entries.is_empty() {
            written.entries.push(entry("sweep", Value { place: layers::BEGINNING, node: Node::Table(sweep) }));
        }
        match expand(written, &self.overrides, &mut self.cx) {
            Some((study, _)) if self.cx.issues.len() == 0 => Ok(study),
            Some(_) | None => {
                let issues = std::mem::take(&mut self.cx.issues);
                Err(issues.finish(self.cx.sources.list().to_vec()))
            }
        }
    }
}

fn entry(key: &str, value: Value) -> Entry {
    Entry { key: Arc::from(key), place: value.place, value }
}

/// A swept key with one value.
fn swept(path: &str, value: Value) -> Entry {
    let place = value.place;
    entry(path, Value { place, node: Node::Array(vec![value]) })
}

/// Parses a text that stands for arguments.
fn parsed(name: &str, text: &str, cx: &mut Context) -> Option<Table> {
    let text: Arc<str> = Arc::from(text);
    let source = cx.sources.add(name, Arc::clone(&text), Path::new(""));
    crate::document::parse(&text, source, &mut cx.issues)
}

type Found = (Vec<OpenKey>, Vec<(String, Value)>);

/// The keys that are asked for, and the swept ones with their values at the point; `None`: the issues say why.
fn of_point(written: &Table, question: Question<'_>, cx: &mut Context) -> Option<Found> {
    let mut written = written.clone();
    let own = own_presets::take(&mut written, cx);
    let written = &written;
    read_kinds(written, cx);
    let workloads = workload::named(written, &cx.kinds);
    let axes = sweep::axes(written, &workloads, cx);
    if cx.issues.len() > 0 {
        return None;
    }
    let points = sweep::points(&axes);
    let is_varied = |axis: &Swept| question.vary.contains(&axis.path);
    let differs = axes
        .iter()
        .enumerate()
        .any(|(index, axis)| !is_varied(axis) && points.iter().any(|values| values[index] != points[0][index]));
    let number = match question.point {
        Some(number) if number < points.len() => number,
        Some(number) => {
            let last = points.len() - 1;
            cx.issue(Issue::general(format!("there is no point {number}: they are numbered from 0 to {last}")));
            return None;
        }
        None if differs => {
            let message = format!("the sweep has {} points, and it is not said which is meant", points.len());
            cx.issue(Issue::general(message).help("name one with `--point NUMBER`"));
            return None;
        }
        None => 0,
    };
    let value = |(axis, index): (&Swept, &usize)| (axis.path.clone(), axis.values[*index].0.clone());
    let fixed: Vec<(String, Value)> = axes.iter().zip(&points[number]).map(value).collect();
    let chosen: Vec<(&str, &Value)> = fixed.iter().map(|(path, value)| (path.as_str(), value)).collect();
    let merged = Merged::new(written, &own, &axes, cx);
    let layered = merged.under(&chosen, written);
    let view = View { swept: &chosen, prefix: "", table: "", written: layered, defaults: &keys::defaults("").scenario };
    let view = View { defaults: view.defaults_of(&chosen, layered), ..view };
    let mut keys = Vec::new();
    let source = cx.sources.add("--vary", Arc::from(question.vary.join(",")), Path::new(""));
    let mut start = 0;
    for path in question.vary {
        let place = Place { source, start, end: start + path.len() as u32 };
        start = place.end + 1;
        keys.extend(key(path, place, &workloads, &view, cx));
    }
    (cx.issues.len() == 0).then_some((keys, fixed))
}

fn key(path: &str, place: Place, workloads: &[Named], view: &View<'_>, cx: &mut Context) -> Option<OpenKey> {
    let kind = sweep::known(path, place, "in --vary", workloads, cx)?;
    let now = now(path, view);
    let Some(domain) = domain(path, kind, now) else {
        let message = format!("`{path}`: no values are known that could be tried one after the other");
        cx.issue(Issue::at(place, message).help("write the values that are of interest into a `[sweep]`"));
        return None;
    };
    if domain_is_poisson(&domain) && !now.is_none_or(is_poisson) {
        let issue = Issue::at(place, format!("`{path}` is not `{{ poisson = rate }}`, the only one that is varied"));
        cx.issue(issue.help("write the arrivals as a Poisson process of the same mean rate"));
        return None;
    }
    let option = options::options().find(|option| option.path() == path);
    let option = option.map(|option| (option.service, option.section, option.name));
    Some(OpenKey { path: path.to_owned(), domain, now: now.map(Value::label), option })
}

fn domain_is_poisson(domain: &Domain) -> bool {
    matches!(domain, Domain::Numbers { notation: Notation::Poisson, .. })
}

fn is_poisson(value: &Value) -> bool {
    value.as_table().is_some_and(|table| table.get("poisson").is_some())
}

/// The value that a key has now.
fn now<'v>(path: &str, view: &View<'v>) -> Option<&'v Value> {
    let Some((name, key)) = path.strip_prefix("workload.").and_then(|rest| rest.rsplit_once('.')) else {
        return view.value(path);
    };
    if let Some((_, value)) = view.swept.iter().find(|(swept, _)| *swept == path) {
        return Some(value);
    }
    let tables = view.written.get("workload").and_then(Value::as_array).unwrap_or_default();
    let is_named = |table: &&Table| {
        table.get("name").or_else(|| table.get("job")).and_then(Value::as_text).is_some_and(|known| known == name)
    };
    tables.iter().filter_map(Value::as_table).find(is_named).and_then(|table| table.at(key))
}

/// What is looked at unless somebody says otherwise; `None`: values of this kind have no order.
fn domain(path: &str, kind: Kind, now: Option<&Value>) -> Option<Domain> {
    let numbers = |notation, (min, max), step| Some(Domain::Numbers { notation, min, max, step });
    let times = |notation| {
        // Without a window services do without it; no other time has a meaning at 0.
        let least = if path == "keystone.token.allow_expired_window" { 0 } else { TIMES.0 };
        numbers(notation, (least, TIMES.1), MINUTE)
    };
    let counts = |min: i64, max: i64| numbers(Notation::Count, (min.max(1), max.min(MOST_UNASKED)), 1);
    match kind {
        Kind::Flag => Some(Domain::Words(vec!["false".to_owned(), "true".to_owned()])),
        Kind::Choice(words) => Some(Domain::Words(words().iter().map(|word| format!("{word:?}")).collect())),
        Kind::Integer { min, max } => counts(min, max),
        Kind::Size { max } => counts(1, max),
        Kind::Dist(Unit::Count) => counts(1, i64::MAX),
        Kind::Seconds { .. } => times(Notation::Seconds),
        Kind::Time { .. } | Kind::ByNode | Kind::TokenAge | Kind::Dist(Unit::Seconds | Unit::SignedSeconds) => {
            times(Notation::Duration)
        }
        Kind::Dist(Unit::Bytes) => numbers(Notation::Size, (1 << 10, 1 << 20), 1 << 10),
        Kind::Throughput => numbers(Notation::Throughput, (1, 10 << 10), 1),
        Kind::Arrivals if now.is_some() => numbers(Notation::Poisson, (1, 10_000), 1),
        Kind::Share | Kind::Dist(Unit::Share) => numbers(Notation::Share, (0, 1_000), 1),
        Kind::Arrivals
        | Kind::Level
        | Kind::Text
        | Kind::Name
        | Kind::Words
        | Kind::Paths
        | Kind::SignedTime
        | Kind::Instant
        | Kind::Instants
        | Kind::Schedules
        | Kind::Periods
        | Kind::MissedSyncs
        | Kind::Offset
        | Kind::Bound
        | Kind::Free
        | Kind::Job
        | Kind::Preset
        | Kind::Tables => None,
    }
}

/// The target as an expectation of a scenario; `None`: the issues say why.
fn target(question: Question<'_>, cx: &mut Context) -> Option<Table> {
    match toml_of(question) {
        Ok(text) => parsed("--target", &text, cx),
        Err(message) => {
            let issue = Issue::general(format!("`--target {:?}`: {message}", question.target));
            cx.issue(issue.help(
                "write it as `failure_rate <= 0.1%`; `of WORKLOAD`, `at STEP`, `for REASON` and `with confidence 0.99` may \
                 follow",
            ));
            None
        }
    }
}

fn toml_of(question: Question<'_>) -> Result<String, String> {
    let text = question.target;
    let (metric, bound, rest) = match (text.split_once("<="), text.split_once(">=")) {
        (Some((metric, rest)), None) => (metric, "max", rest),
        (None, Some((metric, rest))) => (metric, "min", rest),
        _ => return Err("there must be one `<=` or `>=` in it".to_owned()),
    };
    let mut words = rest.split_whitespace();
    let mut quantity = words.next().ok_or("the bound is missing")?.to_owned();
    let mut lines = format!("[[expect]]\nmetric = {:?}\n", metric.trim());
    let mut narrowed = String::new();
    let mut workload = question.workload;
    while let Some(word) = words.next() {
        let key = match word {
            "of" => "workload",
            "at" => "step",
            "for" => "reason",
            "with" if words.next() == Some("confidence") => "confidence",
            // `1 h` is `1h`.
            unit if narrowed.is_empty() && unit.chars().all(char::is_alphanumeric) && quantity.ends_with(is_digit) => {
                quantity.push_str(unit);
                continue;
            }
            other => return Err(format!("`{other}` is not understood")),
        };
        let value = words.next().ok_or_else(|| format!("something is missing behind `{word}`"))?;
        match key {
            "workload" if workload.replace(value).is_some() => {
                return Err("the workload is named twice".to_owned());
            }
            "workload" => {}
            "confidence" => narrowed.push_str(&format!("confidence = {}\n", value_of(value))),
            key => narrowed.push_str(&format!("{key} = {value:?}\n")),
        }
    }
    lines.push_str(&format!("{bound} = {}\n{narrowed}", value_of(&quantity)));
    if let Some(workload) = workload {
        lines.push_str(&format!("workload = {workload:?}\n"));
    }
    Ok(lines)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// A number as it is, anything else as a string of TOML.
fn value_of(text: &str) -> String {
    let is_number = text.starts_with(is_digit) && text.ends_with(is_digit) && text.parse::<f64>().is_ok();
    if is_number { text.to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(target: &str) -> Question<'_> {
        Question { target, workload: None, vary: &[], point: None }
    }

    #[test]
    fn targets_are_expectations() {
        for (target, toml) in [
            ("failure_rate <= 0.1%", "metric = \"failure_rate\"\nmax = \"0.1%\"\n"),
            ("token_failure_rate<=0.001", "metric = \"token_failure_rate\"\nmax = 0.001\n"),
            ("margin_p01_s >= 10m", "metric = \"margin_p01_s\"\nmin = \"10m\"\n"),
            ("duration_p95_s <= 2 h of boots", "metric = \"duration_p95_s\"\nmax = \"2h\"\nworkload = \"boots\"\n"),
            (
                "failed <= 0 at poll for volume_timeout with confidence 0.99",
                "metric = \"failed\"\nmax = 0\nstep = \"poll\"\nreason = \"volume_timeout\"\nconfidence = 0.99\n",
            ),
        ] {
            assert_eq!(toml_of(question(target)).as_deref(), Ok(format!("[[expect]]\n{toml}").as_str()), "{target}");
        }
        for target in [
            "failure_rate",
            "failure_rate < 1%",
            "a <= 1 >= 2",
            "failure_rate <=",
            "failed <= 1 by chance",
            "failed <= 1 of",
        ] {
            assert!(toml_of(question(target)).is_err(), "{target}");
        }
        let twice = Question { workload: Some("one"), ..question("failed <= 1 of two") };
        assert!(toml_of(twice).is_err());
    }

    #[test]
    fn numbers_are_written_and_read() {
        for (notation, number, toml, text) in [
            (Notation::Count, 7, "7", "7"),
            (Notation::Seconds, 28_800, "28800", "8h"),
            (Notation::Seconds, 90, "90", "90"),
            (Notation::Duration, 5_400, "\"90m\"", "90m"),
            (Notation::Size, 16_384, "\"16GiB\"", "16GiB"),
            (Notation::Throughput, 77, "\"77MiB/s\"", "77MiB/s"),
            (Notation::Poisson, 30, "{ poisson = \"30/h\" }", "30/h"),
            (Notation::Share, 25, "\"2.5%\"", "2.5%"),
        ] {
            assert_eq!((notation.toml(number).as_str(), notation.read(text)), (toml, Ok(number)), "{notation:?}");
        }
        for (notation, text) in [
            (Notation::Count, "7.5"),
            (Notation::Seconds, "-1"),
            (Notation::Seconds, "1500ms"),
            (Notation::Size, "100"),
            (Notation::Poisson, "1/d"),
        ] {
            assert!(notation.read(text).is_err(), "{notation:?} {text}");
        }
    }
}
