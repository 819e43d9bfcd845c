//! A scenario with keys that are still to be given values: what `outlast solve` asks about.

use std::path::Path;
use std::sync::Arc;

use super::keys;
use super::kind::Kind;
use super::own_presets::{self, Merged};
use super::presets::presets;
use super::read::{Context, View};
use super::sweep::{self, Swept};
use super::values::{Domain, Notation, domain};
use super::workload::{self, Named};
use super::{Overrides, expand, finish, layers, options, read_kinds};
use crate::document::{Collected, Entry, Issue, Issues, Node, Place, SCENARIO_LIMIT, Table, Value};
use crate::model::study::Study;

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
    /// The number of it, if there is one.
    pub number: Option<i64>,
    /// More of it makes jobs harder, so that the greatest is of interest.
    pub is_burden: bool,
    /// Service, section and name, if it is an option of OpenStack.
    pub option: Option<(&'static str, &'static str, &'static str)>,
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

    /// The scenario with values for the keys, as TOML; a point for each row of them, in their order. No two rows are
    /// alike.
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
    let presets = || match cx.own_presets.as_slice() {
        [] => presets().iter().map(|preset| preset.name.to_owned()).collect(),
        own => own.to_vec(),
    };
    let domain = match kind {
        Kind::Preset => Some(Domain::Words(presets().iter().map(|name| format!("{name:?}")).collect())),
        kind => domain(path, kind, now),
    };
    let Some(domain) = domain else {
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
    let number = match domain {
        Domain::Numbers { notation, .. } => now.and_then(|now| notation.number(now)),
        Domain::Words(_) => None,
    };
    let is_burden = keys::is_burden(path);
    Some(OpenKey { path: path.to_owned(), domain, now: now.map(Value::label), number, is_burden, option })
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
}
