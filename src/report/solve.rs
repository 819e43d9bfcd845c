//! Which values meet a target, and their price, as people and programs read it.

use std::collections::BTreeMap;

use serde_json::{Value, json as object};

use super::console::{self, Palette, WIDTH, paint};
use super::digest::{Grid, HeadKind};
use super::{markdown as md, words};
use crate::analysis::solve::{Tried, is_missed};
use crate::analysis::{Check, Problem};
use crate::lint::{Exact, Keys};
use crate::model::study::{Expectation, Metric};

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
    /// The only value that was looked at.
    pub only: Option<String>,
    /// Whether its values have an order.
    pub is_ordered: bool,
    /// The greatest value was asked for, not the least.
    pub is_greatest: bool,
}

/// Values of the keys, and what came of them.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// As TOML, in the order of the keys; empty for the scenario as it is written.
    pub toml: Vec<String>,
    /// As people read them.
    pub labels: Vec<String>,
    /// Of each key whether it is the cheapest value that was allowed to be looked at.
    pub at_end: Vec<bool>,
    /// How far the values are from today's, as ratios.
    pub distance: f64,
    /// The target's check.
    pub check: Check,
    /// Whether jobs failed in the way of which the target speaks.
    pub is_seen: bool,
    /// What Fernet keys and lifetimes amount to.
    pub keys: Keys,
    /// Jobs that were submitted in an hour.
    pub jobs_per_hour: f64,
    /// Validations of Keystone in an hour; `None`: nobody asked it.
    pub validations_per_hour: Option<f64>,
}

impl Candidate {
    /// Tokens that are alive at once if every job comes with one of its own: Little's law.
    fn live_tokens(&self) -> f64 {
        self.jobs_per_hour * self.keys.expiration.seconds() / 3_600.0
    }
}

/// For how many values of the first key the second was worked out, and of how many these are a selection.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// Those that were looked at.
    pub shown: usize,
    /// All between the ends of the frontier.
    pub of: usize,
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
    /// All that were simulated, the cheapest first.
    pub tried: Vec<Candidate>,
    /// Whether any job at any of them failed in the way of which the target speaks.
    pub is_seen: bool,
    /// Where the frontier is not all of it.
    pub selection: Option<Selection>,
    /// Whether all that were simulated are shown.
    pub with_curve: bool,
    /// Values that the scenario does not take, and why.
    pub refused: Vec<(String, String)>,
    /// Replications of each.
    pub replications: u32,
}

impl Told<'_> {
    fn headline(&self) -> String {
        let (scenario, target) = (self.scenario, &self.expectation.text);
        if !self.is_seen {
            let settings = words::counted(self.tried.len() as u64, "setting");
            return format!("{scenario}: {target} speaks of no failure that was seen at any of {settings}");
        }
        match (self.keys, self.solutions.as_slice()) {
            ([Key { path, only: Some(only), .. }], []) => {
                format!("{scenario}: {target} is met by no value of `{path}`, not even {only}")
            }
            ([key], []) => format!("{scenario}: {target} is met by no value of `{}` {}", key.path, key.range),
            ([key], [only]) => {
                let value = self.values(only);
                let (verb, which) = match (key.is_ordered, only.at_end[0], key.is_greatest) {
                    (false, _, _) if self.nearest.is_some() => ("needs", ""),
                    (false, _, _) => ("holds already with", ""),
                    (true, true, true) => ("still holds at", ", the most that was looked at"),
                    (true, true, false) => ("still holds at", ", the least that was looked at"),
                    (true, false, true) => ("holds up to", ""),
                    (true, false, false) => ("needs", ", the smallest"),
                };
                format!("{scenario}: {target} {verb} {value}{which}")
            }
            (keys, []) => {
                let names: Vec<String> = keys.iter().map(|key| format!("`{}` {}", key.path, key.range)).collect();
                format!("{scenario}: {target} is met by no pair of {}", names.join(" and "))
            }
            (_, [only]) => format!("{scenario}: {target} needs {}", self.values(only)),
            (_, solutions) => {
                let pairs = words::counted(solutions.len() as u64, "pair");
                format!("{scenario}: {target} is met by {pairs} of values, none of them cheaper in both than another")
            }
        }
    }

    /// The keys with their values: as they are written, and as they are read where that says more.
    fn values(&self, candidate: &Candidate) -> String {
        let value = |((key, toml), label): ((&Key, &String), &String)| {
            let is_number = toml.bytes().all(|byte| byte.is_ascii_digit());
            match toml.trim_matches('"') {
                number if is_number && number != label => format!("`{}` = {number} ({label})", key.path),
                table if table.starts_with('{') => format!("`{}` = {label}", key.path),
                text => format!("`{}` = {text}", key.path),
            }
        };
        let values: Vec<String> = self.keys.iter().zip(&candidate.toml).zip(&candidate.labels).map(value).collect();
        values.join(" and ")
    }

    /// A value of the metric, told apart from what the target allows.
    fn metric(&self, value: f64) -> String {
        let Expectation { metric, min, max, .. } = self.expectation;
        words::metric_apart(*metric, value, max.or(*min))
    }

    /// The bound that the target is compared with, in words.
    fn bound(&self, candidate: &Candidate) -> String {
        let check = &candidate.check;
        match (check.low, check.high) {
            (_, Some(high)) => format!("at most {}", self.metric(high)),
            (Some(low), None) => format!("at least {}", self.metric(low)),
            (None, None) => match check.problem {
                Some(Problem::UnfinishedJobs) => "jobs did not end".to_owned(),
                Some(Problem::TooFewJobs) => "too few jobs".to_owned(),
                _ => words::NOTHING.to_owned(),
            },
        }
    }

    fn grid(&self) -> Grid {
        let mut grid = self.heads("");
        let now = self.keys.iter().map(|key| key.now.clone().unwrap_or_else(|| words::NOTHING.to_owned())).collect();
        grid.rows.push(self.row("now", &self.now, now));
        for solution in &self.solutions {
            grid.rows.push(self.row("meets", solution, solution.labels.clone()));
        }
        if let Some(nearest) = &self.nearest {
            let name = if self.solutions.is_empty() { "nearest" } else { self.outcome(nearest) };
            grid.rows.push(self.row(name, nearest, nearest.labels.clone()));
        }
        grid
    }

    /// What came of it, in a word.
    fn outcome(&self, candidate: &Candidate) -> &'static str {
        match Tried::of(self.expectation, &candidate.check) {
            Tried::Meets => "meets",
            _ if is_missed(self.expectation, &candidate.check) => "misses",
            _ => "unsure",
        }
    }

    /// Everything that was tried.
    fn curve(&self) -> Grid {
        let by_price = self.keys.iter().any(|key| key.is_ordered);
        let order = if by_price { "the cheapest" } else { "the best" };
        let mut grid = self.heads(&format!("Everything that was tried, {order} first"));
        let mut tried: Vec<&Candidate> = self.tried.iter().collect();
        if !by_price {
            // Words have no order of their own.
            tried.sort_by(|one, other| self.by(one).total_cmp(&self.by(other)));
        }
        for one in tried {
            grid.rows.push(self.row(self.outcome(one), one, one.labels.clone()));
        }
        grid
    }

    /// How far beyond the target something is, as far as the estimate knows.
    fn by(&self, candidate: &Candidate) -> f64 {
        let value = candidate.check.value.unwrap_or(f64::INFINITY);
        if self.expectation.max.is_some() { value } else { -value }
    }

    fn heads(&self, title: &str) -> Grid {
        let mut grid = Grid::new(title, "`--format json`", String::new());
        grid.head("", HeadKind::Label);
        let paths: Vec<&str> = self.keys.iter().map(|key| key.path.as_str()).collect();
        for name in words::short_names(&paths) {
            grid.head(name, HeadKind::Number);
        }
        grid.head(self.expectation.metric.code(), HeadKind::Number);
        grid.head("bound", HeadKind::Number);
        grid.head("stolen token", HeadKind::Number);
        grid.head("keys", HeadKind::Optional(2));
        grid.head("live tokens", HeadKind::Optional(3));
        grid.head("validations/h", HeadKind::Optional(1));
        grid
    }

    fn row(&self, name: &str, candidate: &Candidate, labels: Vec<String>) -> Vec<String> {
        let mut cells = vec![name.to_owned()];
        cells.extend(labels);
        cells.push(candidate.check.value.map_or(words::NOTHING.to_owned(), |value| self.metric(value)));
        cells.push(self.bound(candidate));
        cells.push(Exact(candidate.keys.longest_life()).to_string());
        cells.push(candidate.keys.max_active_keys.map_or(words::NOTHING.to_owned(), |keys| keys.to_string()));
        cells.push(words::count(candidate.live_tokens().round() as u64));
        cells.push(self.load(candidate));
        cells
    }

    /// Validations in an hour, and how many more they are than now.
    fn load(&self, candidate: &Candidate) -> String {
        let Some(load) = candidate.validations_per_hour else { return words::NOTHING.to_owned() };
        let count = words::count(load.round() as u64);
        match self.now.validations_per_hour {
            Some(now) if now > 0.0 && !candidate.toml.is_empty() => {
                let tenths = ((load / now - 1.0) * 1_000.0).round();
                // Neither more nor less: a sign would say that it is.
                if tenths == 0.0 { format!("{count} (0 %)") } else { format!("{count} ({:+.1} %)", tenths / 10.0) }
            }
            _ => count,
        }
    }

    /// What there is to know beside the numbers.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.is_seen {
            notes.push(
                "No job failed at this step or for this reason, now or at any value that was tried: there is nothing that \
                 a value could prevent. Other targets speak of what does fail."
                    .to_owned(),
            );
        }
        if let Some(first) = self.breaks.first() {
            let names: Vec<String> = self.breaks.iter().take(3).map(|one| one.labels.join(", ")).collect();
            let more = if self.breaks.len() > 3 { " and others" } else { "" };
            notes.push(format!(
                "The response is not monotone: beyond an answer, {}{more} {} the target again ({} is {}). A value between \
                 those that were tried may be better still; write a `[sweep]` to see the curve.",
                names.join("; "),
                if self.breaks.len() == 1 { "misses" } else { "miss" },
                self.expectation.metric.code(),
                first.check.value.map_or("not known".to_owned(), |value| self.metric(value)),
            ));
        }
        if let Some(Selection { shown, of }) = self.selection {
            notes.push(format!(
                "This is a selection: the second key was worked out for {shown} of the {} values of `{}` between the ends of \
                 the frontier.",
                words::count(of as u64),
                self.keys[0].path
            ));
        }
        if let ([key], [only]) = (self.keys, self.solutions.as_slice())
            && only.at_end[0]
        {
            let option = if key.is_greatest { "--max" } else { "--min" };
            notes.push(format!("What lies beyond was not looked at: `{option}` gives another bound."));
        }
        let no_rate = self.solutions.is_empty() && self.expectation.max.is_some_and(|max| max <= 0.0);
        let count = match self.expectation.metric {
            Metric::FailureRate => Some(Metric::Failed),
            Metric::TokenFailureRate => Some(Metric::TokenFailures),
            _ => None,
        };
        if let Some(count) = count.filter(|_| no_rate) {
            notes.push(format!(
                "What is compared is the upper end of an interval, and that of a rate is above 0 % even where no job fails: \
                 the target `{} <= 0` asks for that.",
                count.code()
            ));
        } else if let (true, Some(nearest)) = (self.solutions.is_empty(), &self.nearest) {
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
                more => format!(", nor {}", words::counted(more as u64, "other value")),
            };
            notes.push(format!("The scenario does not take {values}{more}: {why}"));
        }
        notes
    }

    /// The solution of which the lines are shown, and a sentence that says which it is where there are several.
    fn recommended(&self) -> Option<(&Candidate, Option<String>)> {
        let best = self.solutions.iter().min_by(|one, other| one.distance.total_cmp(&other.distance))?;
        let why = || {
            let values = self.values(best);
            format!("Of these pairs the nearest to what is set now, {values}; `--format json` has the lines of all:")
        };
        Some((best, (self.solutions.len() > 1).then(why)))
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
        let settings = words::counted(self.tried.len() as u64, "setting");
        format!(
            "{settings} simulated, {replications} of each, all with the same random numbers. bound: one-sided, with confidence \
             {}; unsure: the estimate meets the target and its bound does not. stolen token: how long it is of use at most beside a service token (without one: `expiration`). keys: \
             `max_active_keys`. live tokens: of the users at once, if every job comes with one of its own. validations/h: what \
             Keystone is asked, against the scenario as written.",
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
    if told.with_curve {
        console::show(&told.curve(), &palette, &mut line);
    }
    if let Some((solution, why)) = told.recommended() {
        if let Some(why) = why {
            line("");
            words::wrap(&why, WIDTH).iter().for_each(|part| line(part));
        }
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
    if told.with_curve {
        text.push_str(&md::table(&told.curve()));
    }
    if let Some((solution, why)) = told.recommended() {
        if let Some(why) = why {
            text.push_str(&format!("\n{}\n", md::escaped(&why)));
        }
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
        let at_limit: Vec<&str> = told
            .keys
            .iter()
            .zip(&candidate.at_end)
            .filter(|(_, at_end)| **at_end)
            .map(|(key, _)| key.path.as_str())
            .collect();
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
            "live_tokens": candidate.live_tokens(),
            "validations_per_hour": candidate.validations_per_hour,
            "at_limit": at_limit,
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
        "matched": told.is_seen,
        "monotone": told.breaks.is_empty(),
        "complete": told.selection.is_none(),
        "as_written": candidate(&told.now),
        "solutions": all(&told.solutions),
        "nearest_miss": told.nearest.as_ref().map(candidate),
        "misses_beyond": all(&told.breaks),
        "refused": refused,
        "tried": told.tried.len(),
        "curve": all(&told.tried),
        "replications": told.replications,
        "notes": told.notes(),
    });
    format!("{document:#}")
}
