//! Which values meet a target, and their price, as people and programs read it.

use std::collections::BTreeMap;

use serde_json::{Value, json as object};

use super::console::{self, Palette, WIDTH, paint};
use super::digest::{Grid, HeadKind};
use super::{markdown as md, words};
use crate::analysis::{Check, Problem};
use crate::lint::{Exact, Keys};
use crate::model::study::Expectation;

/// A key whose value was asked for.
#[derive(Clone, Debug)]
pub struct Key {
    /// The dotted path in a scenario.
    pub path: String,
    /// File, section and name, if it is an option of OpenStack.
    pub file: Option<(String, String, String)>,
    /// What the scenario says; `None`: nothing.
    pub now: Option<String>,
    /// What was looked at, in words.
    pub range: String,
    /// `smallest` or `largest`.
    pub extreme: &'static str,
}

/// Values of the keys, and what came of them.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// As TOML, in the order of the keys; empty for the scenario as it is written.
    pub toml: Vec<String>,
    /// As people read them.
    pub labels: Vec<String>,
    /// The target's check.
    pub check: Check,
    /// What Fernet keys and lifetimes amount to.
    pub keys: Keys,
    /// Validations of Keystone in an hour; `None`: nobody asked it.
    pub validations_per_hour: Option<f64>,
}

/// What was asked, and everything that was found.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Name of the scenario.
    pub scenario: &'a str,
    /// The target.
    pub expectation: &'a Expectation,
    /// In the order asked for.
    pub keys: &'a [Key],
    /// The scenario as it is written.
    pub now: Candidate,
    /// One for one key, the frontier for two; none if nothing meets the target.
    pub solutions: Vec<Candidate>,
    /// The last cheaper one, which misses the target; or the nearest to it, if nothing meets it.
    pub nearest: Option<Candidate>,
    /// Dearer ones that miss the target.
    pub breaks: Vec<Candidate>,
    /// How many were simulated.
    pub tried: usize,
    /// Values that the scenario does not take, and why.
    pub refused: Vec<(String, String)>,
    /// Replications of each.
    pub replications: u32,
}

impl Told<'_> {
    fn headline(&self) -> String {
        let (scenario, target) = (self.scenario, &self.expectation.text);
        match (self.keys, self.solutions.as_slice()) {
            ([key], []) => format!("{scenario}: {target} is met by no value of `{}` {}", key.path, key.range),
            ([key], [only]) => {
                let toml = only.toml[0].trim_matches('"');
                let label = Some(&only.labels[0]).filter(|label| *label != toml);
                let label = label.map_or(String::new(), |label| format!(" ({label})"));
                format!("{scenario}: {target} needs `{}` = {toml}{label}, the {}", key.path, key.extreme)
            }
            (keys, []) => {
                let names: Vec<String> = keys.iter().map(|key| format!("`{}` {}", key.path, key.range)).collect();
                format!("{scenario}: {target} is met by no pair of {}", names.join(" and "))
            }
            (_, solutions) => {
                let pairs = words::counted(solutions.len() as u64, "pair");
                format!("{scenario}: {target} is met from {pairs} of values on")
            }
        }
    }

    /// The bound that the target is compared with, in words.
    fn bound(&self, candidate: &Candidate) -> String {
        let check = &candidate.check;
        let metric = self.expectation.metric;
        let said = |bound: Option<f64>| bound.map(|bound| words::metric_value(metric, bound));
        match (said(check.low), said(check.high)) {
            (_, Some(high)) => format!("at most {high}"),
            (Some(low), None) => format!("at least {low}"),
            (None, None) => match check.problem {
                Some(Problem::UnfinishedJobs) => "jobs did not end".to_owned(),
                Some(Problem::TooFewJobs) => "too few jobs".to_owned(),
                _ => words::NOTHING.to_owned(),
            },
        }
    }

    fn grid(&self) -> Grid {
        let metric = self.expectation.metric;
        let mut grid = Grid::new("", "`--format json`", String::new());
        grid.head("", HeadKind::Label);
        let paths: Vec<&str> = self.keys.iter().map(|key| key.path.as_str()).collect();
        for name in words::short_names(&paths) {
            grid.head(name, HeadKind::Number);
        }
        grid.head(metric.code(), HeadKind::Number);
        grid.head("bound", HeadKind::Number);
        grid.head("stolen token", HeadKind::Number);
        grid.head("keys", HeadKind::Optional(2));
        grid.head("validations/h", HeadKind::Optional(1));
        let mut row = |name: &str, candidate: &Candidate, labels: Vec<String>| {
            let mut cells = vec![name.to_owned()];
            cells.extend(labels);
            cells.push(
                candidate.check.value.map_or(words::NOTHING.to_owned(), |value| words::metric_value(metric, value)),
            );
            cells.push(self.bound(candidate));
            cells.push(Exact(candidate.keys.longest_life()).to_string());
            cells.push(candidate.keys.max_active_keys.map_or(words::NOTHING.to_owned(), |keys| keys.to_string()));
            cells.push(self.load(candidate));
            grid.rows.push(cells);
        };
        let now = self.keys.iter().map(|key| key.now.clone().unwrap_or_else(|| words::NOTHING.to_owned())).collect();
        row("now", &self.now, now);
        for solution in &self.solutions {
            row("meets", solution, solution.labels.clone());
        }
        if let Some(nearest) = &self.nearest {
            row(if self.solutions.is_empty() { "nearest" } else { "misses" }, nearest, nearest.labels.clone());
        }
        grid
    }

    /// Validations in an hour, and how many more they are than now.
    fn load(&self, candidate: &Candidate) -> String {
        let Some(load) = candidate.validations_per_hour else { return words::NOTHING.to_owned() };
        let count = words::count(load.round() as u64);
        match self.now.validations_per_hour {
            Some(now) if now > 0.0 && !candidate.toml.is_empty() => {
                format!("{count} ({:+.1} %)", (load / now - 1.0) * 100.0 + 0.0)
            }
            _ => count,
        }
    }

    /// What there is to know beside the numbers.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(first) = self.breaks.first() {
            let names: Vec<String> = self.breaks.iter().take(3).map(|one| one.labels.join(", ")).collect();
            let more = if self.breaks.len() > 3 { " and others" } else { "" };
            notes.push(format!(
                "The response is not monotone: beyond an answer, {}{more} {} the target again ({} is {}). A value between \
                 those that were tried may be better still; write a `[sweep]` to see the curve.",
                names.join("; "),
                if self.breaks.len() == 1 { "misses" } else { "miss" },
                self.expectation.metric.code(),
                first.check.value.map_or("not known".to_owned(), |value| {
                    words::metric_value(self.expectation.metric, value)
                }),
            ));
        }
        if let ([_], [_], None) = (self.keys, self.solutions.as_slice(), &self.nearest) {
            notes.push("No other value that was looked at is cheaper: --min and --max give other bounds.".to_owned());
        }
        if let (true, Some(nearest)) = (self.solutions.is_empty(), &self.nearest) {
            let would_do = nearest.check.value.is_some_and(|value| {
                self.expectation.max.is_none_or(|max| value <= max)
                    && self.expectation.min.is_none_or(|min| value >= min)
            });
            if would_do {
                notes.push(
                    "The estimate of the nearest would do, its bound does not: more replications (--replications) narrow it."
                        .to_owned(),
                );
            }
        }
        if let Some((values, why)) = self.refused.first() {
            let more = match self.refused.len() - 1 {
                0 => String::new(),
                more => format!(", nor {more} others"),
            };
            notes.push(format!("The scenario does not take {values}{more}: {why}"));
        }
        notes
    }

    /// The lines to write for a solution, by file.
    fn lines(&self, solution: &Candidate) -> Vec<(String, Vec<String>)> {
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, toml) in self.keys.iter().zip(&solution.toml) {
            match &key.file {
                Some((file, section, name)) => {
                    let lines = files.entry(file.clone()).or_default();
                    let head = format!("[{section}]");
                    let line = format!("{name} = {}", toml.trim_matches('"'));
                    match lines.iter().position(|line| *line == head) {
                        Some(at) => lines.insert(at + 1, line),
                        None => lines.extend([head, line]),
                    }
                }
                None => {
                    files.entry("the scenario".to_owned()).or_default().push(
                        match key.path.strip_prefix("workload.") {
                            Some(rest) => {
                                let (name, key) = rest.rsplit_once('.').unwrap_or(("", rest));
                                format!("[[workload]] {name}: {key} = {toml}")
                            }
                            None => format!("{} = {toml}", key.path),
                        },
                    );
                }
            }
        }
        files.into_iter().collect()
    }

    fn how(&self) -> String {
        let replications = words::counted(u64::from(self.replications), "replication");
        let settings = words::counted(self.tried as u64, "setting");
        format!(
            "{settings} simulated, {replications} of each, all with the same random numbers. bound: one-sided, with confidence \
             {}. stolen token: how long it is of use at most beside a service token (without one: `expiration`). keys: \
             `max_active_keys`. validations/h: what Keystone is asked, against the scenario as written.",
            self.expectation.confidence
        )
    }
}

/// For a terminal.
pub fn text(told: &Told<'_>, colour: bool) -> String {
    let palette = Palette::new(colour);
    let mut text = String::new();
    let mut line = |content: &str| {
        text.push_str(content.trim_end());
        text.push('\n');
    };
    console::headline(Some(!told.solutions.is_empty()), &told.headline(), &palette, &mut line);
    console::show(&told.grid(), &palette, &mut line);
    if let [solution] = told.solutions.as_slice() {
        for (file, lines) in told.lines(solution) {
            line("");
            line(&paint(palette.strong, &format!("{file}:")));
            lines.iter().for_each(|content| line(&format!("  {content}")));
        }
    }
    console::notes(&told.notes(), &mut line);
    line("");
    for part in words::wrap(&told.how(), WIDTH) {
        line(&paint(palette.faint, &part));
    }
    text
}

/// For a pull request.
pub fn markdown(told: &Told<'_>) -> String {
    let mark = if told.solutions.is_empty() { "❌" } else { "✅" };
    let mut text = format!("### {mark} {}\n{}", md::escaped(&told.headline()), md::table(&told.grid()));
    if let [solution] = told.solutions.as_slice() {
        for (file, lines) in told.lines(solution) {
            text.push_str(&format!("\n{file}:\n\n```ini\n{}\n```\n", lines.join("\n")));
        }
    }
    for note in told.notes() {
        text.push_str(&format!("\n> **Note:** {}\n", md::escaped(&note)));
    }
    text.push_str(&format!("\n{}\n", md::escaped(&told.how())));
    text
}

/// For programs.
pub fn json(told: &Told<'_>) -> String {
    let candidate = |candidate: &Candidate| {
        let values: BTreeMap<&str, &String> =
            told.keys.iter().map(|key| key.path.as_str()).zip(&candidate.toml).collect();
        let files: Vec<Value> =
            told.lines(candidate).into_iter().map(|(file, lines)| object!({ "file": file, "lines": lines })).collect();
        object!({
            "values": values,
            "lines": files,
            "value": candidate.check.value,
            "low": candidate.check.low,
            "high": candidate.check.high,
            "holds": candidate.check.holds(),
            "exposure_s": candidate.keys.longest_life().seconds(),
            "expiration_s": candidate.keys.expiration.seconds(),
            "effective_window_s": candidate.keys.effective_window().seconds(),
            "max_active_keys": candidate.keys.max_active_keys,
            "validations_per_hour": candidate.validations_per_hour,
        })
    };
    let all = |candidates: &[Candidate]| candidates.iter().map(candidate).collect::<Vec<Value>>();
    let refused: Vec<Value> =
        told.refused.iter().map(|(values, why)| object!({ "values": values, "why": why })).collect();
    let document = object!({
        "scenario": told.scenario,
        "target": told.expectation.text,
        "confidence": told.expectation.confidence,
        "keys": told.keys.iter().map(|key| &key.path).collect::<Vec<_>>(),
        "found": !told.solutions.is_empty(),
        "monotone": told.breaks.is_empty(),
        "as_written": candidate(&told.now),
        "solutions": all(&told.solutions),
        "nearest_miss": told.nearest.as_ref().map(candidate),
        "misses_beyond": all(&told.breaks),
        "refused": refused,
        "tried": told.tried,
        "replications": told.replications,
        "notes": told.notes(),
    });
    format!("{document:#}")
}
