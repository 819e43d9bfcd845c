//! A finding, and how the findings of all points become those of a study.

use std::collections::HashMap;
use std::hash::Hash;

use super::table::{Lint, Severity};
use super::words::Exact;
use crate::model::study::{Axis, Point, Study};
use crate::model::{Change, Places, Written};
use crate::units::Instant;

/// Something that is wrong with a scenario's settings, or worth knowing.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What is known of its kind.
    pub lint: Lint,
    /// How bad it is here.
    pub severity: Severity,
    /// What it is about where there may be several of its kind: a hop, a service, a workload; else empty.
    pub subject: String,
    /// What was found, in a sentence without its full stop.
    pub what: String,
    /// Why, and what follows from it, a sentence each.
    pub why: Vec<String>,
    /// What would be safe, the first choice first.
    pub safe: Vec<Safe>,
    /// The keys that decide it.
    pub keys: Vec<String>,
    /// Where the first of them that somebody has written stands; `None`: all are defaults.
    pub place: Option<Written>,
    /// Which of what it rests on is a guess, and why; empty: nothing is.
    pub assumed: Vec<String>,
    /// Where in the sweep it holds.
    pub at: Scope,
}

/// A setting with which a finding would be gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Safe {
    /// The key; `None`: no key of a scenario.
    pub key: Option<String>,
    /// What it should hold, as a scenario writes it; empty where there is no single value.
    pub value: String,
    /// The advice in words.
    pub words: String,
    /// Where and how the file of a service has it, where such files were read.
    pub line: Option<String>,
}

impl Safe {
    /// A key with a value.
    pub(super) fn set(key: impl Into<String>, value: impl Into<String>, words: impl Into<String>) -> Safe {
        Safe { key: Some(key.into()), value: value.into(), words: words.into(), line: None }
    }

    /// Something that is no value of one key.
    pub(super) fn other(words: impl Into<String>) -> Safe {
        Safe { key: None, value: String::new(), words: words.into(), line: None }
    }
}

/// Points of a sweep, and a time between changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Their numbers, ascending.
    pub points: Vec<usize>,
    /// Which these are, in words; empty: all of them.
    pub words: String,
    /// From which change to which, in words; empty: all the time.
    pub when: String,
}

impl Scope {
    /// Whether these are all points.
    pub fn is_everywhere(&self) -> bool {
        self.words.is_empty()
    }

    /// When and where, in words; empty: always and everywhere.
    pub fn told(&self) -> String {
        let gap = if self.when.is_empty() || self.words.is_empty() { "" } else { ", " };
        format!("{}{gap}{}", self.when, self.words)
    }

    pub(super) fn of(study: &Study, mut points: Vec<usize>) -> Scope {
        points.dedup();
        let words = if points.len() == study.points.len() { String::new() } else { words(study, &points) };
        Scope { points, words, when: String::new() }
    }
}

/// As many points are named by number.
const MOST_NUMBERED: usize = 8;

/// `where KEY = a or b`, if that says it exactly; else the numbers of the points.
fn words(study: &Study, points: &[usize]) -> String {
    let chosen: Vec<&Point> = study.points.iter().filter(|point| points.binary_search(&point.number).is_ok()).collect();
    let occur = |axis: usize| -> Vec<usize> {
        (0..study.axes[axis].values.len())
            .filter(|value| chosen.iter().any(|point| point.values[axis] == *value))
            .collect()
    };
    let values: Vec<Vec<usize>> = (0..study.axes.len()).map(occur).collect();
    let is_exact = values.iter().map(Vec::len).product::<usize>() == chosen.len();
    if is_exact {
        let narrowed = study.axes.iter().zip(&values).filter(|(axis, values)| values.len() < axis.values.len());
        let label = |axis: &Axis, values: &[usize]| {
            let label = |value: &usize| match axis.values[*value].label.as_str() {
                "" => "\"\"",
                label => label,
            };
            let labels: Vec<&str> = values.iter().map(label).collect();
            format!("`{}` is {}", axis.key, labels.join(" or "))
        };
        let narrowed: Vec<String> = narrowed.map(|(axis, values)| label(axis, values)).collect();
        return format!("where {}", narrowed.join(" and "));
    }
    let numbers: Vec<String> = points.iter().take(MOST_NUMBERED).map(usize::to_string).collect();
    match points.len() {
        1 => format!("at point {}", numbers[0]),
        count if count > MOST_NUMBERED => format!("at {count} points, the first of which are {}", numbers.join(", ")),
        _ => format!("at points {}", numbers.join(", ")),
    }
}

/// A finding under one set of settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Draft {
    pub(super) lint: Lint,
    pub(super) severity: Severity,
    pub(super) subject: String,
    pub(super) what: String,
    pub(super) why: Vec<String>,
    pub(super) safe: Vec<Safe>,
    pub(super) keys: Vec<String>,
}

impl Draft {
    /// As bad as it usually is.
    pub(super) fn new(lint: Lint, subject: impl Into<String>, what: impl Into<String>) -> Draft {
        Draft {
            lint,
            severity: lint.about().severity,
            subject: subject.into(),
            what: what.into(),
            why: Vec::new(),
            safe: Vec::new(),
            keys: Vec::new(),
        }
    }

    pub(super) fn severity(self, severity: Severity) -> Draft {
        Draft { severity, ..self }
    }

    pub(super) fn why(mut self, why: impl Into<String>) -> Draft {
        self.why.push(why.into());
        self
    }

    pub(super) fn safe(mut self, safe: Safe) -> Draft {
        self.safe.push(safe);
        self
    }

    pub(super) fn key(mut self, key: impl Into<String>) -> Draft {
        self.keys.push(key.into());
        self
    }
}

/// What holds at one point, each with the epochs in which it does: from the start, then from every change on.
#[derive(Debug)]
pub(super) struct Epochs<T>(Vec<(T, Vec<usize>)>);

impl<T> Default for Epochs<T> {
    fn default() -> Epochs<T> {
        Epochs(Vec::new())
    }
}

impl<T: PartialEq> Epochs<T> {
    /// Adds what holds in an epoch; they come in their order.
    pub(super) fn add(&mut self, epoch: usize, value: T) {
        match self.0.iter_mut().find(|(known, _)| *known == value) {
            Some((_, epochs)) if epochs.last() == Some(&epoch) => {}
            Some((_, epochs)) => epochs.push(epoch),
            None => self.0.push((value, vec![epoch])),
        }
    }

    /// Each with when it holds, in words; empty: always.
    pub(super) fn told(self, changes: &[Change]) -> Vec<(T, String)> {
        self.0.into_iter().map(|(value, epochs)| (value, when(&epochs, changes))).collect()
    }
}

/// From which change to which something holds that does in these epochs.
fn when(epochs: &[usize], changes: &[Change]) -> String {
    if epochs.len() == changes.len() + 1 {
        return String::new();
    }
    let at = |change: usize| Exact(changes[change].at.since(Instant::START));
    let told = |run: &[usize]| match (run[0], run[run.len() - 1]) {
        (0, last) => format!("until the change at {}", at(last)),
        (first, last) if last == changes.len() => format!("from the change at {} on", at(first - 1)),
        (first, last) => format!("from the change at {} until that at {}", at(first - 1), at(last)),
    };
    let runs: Vec<String> = epochs.chunk_by(|a, b| a + 1 == *b).map(told).collect();
    runs.join(" and ")
}

/// The findings of a study, the worst first and of one kind together.
pub(super) fn merge(study: &Study, places: &Places, found: Vec<(usize, (Draft, String))>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = group(found)
        .into_iter()
        .map(|((draft, when), points)| finding(places, draft, Scope { when, ..Scope::of(study, points) }))
        .collect();
    // Stable, so that points keep their order.
    findings.sort_by(|a, b| (a.severity, a.lint, &a.subject).cmp(&(b.severity, b.lint, &b.subject)));
    findings
}

/// Equal values with the points at which they were found, in the order of the first.
pub(super) fn group<T: Hash + Eq + Clone>(found: impl IntoIterator<Item = (usize, T)>) -> Vec<(T, Vec<usize>)> {
    let mut known: HashMap<T, usize> = HashMap::new();
    let mut groups: Vec<(T, Vec<usize>)> = Vec::new();
    for (point, value) in found {
        match known.get(&value) {
            Some(group) => groups[*group].1.push(point),
            None => {
                known.insert(value.clone(), groups.len());
                groups.push((value, vec![point]));
            }
        }
    }
    groups
}

fn finding(places: &Places, draft: Draft, at: Scope) -> Finding {
    let Draft { lint, severity, subject, what, why, safe, keys } = draft;
    let place = keys.iter().find_map(|key| places.get(key)).cloned();
    let (assumed, severity) = assumed(places, &keys, severity);
    let safe = possible(places, safe);
    Finding { lint, severity, subject, what, why, safe, keys, place, assumed, at }
}

/// Advice without what the deployment tool does not let anybody do, which is said instead.
fn possible(places: &Places, safe: Vec<Safe>) -> Vec<Safe> {
    let tied = |safe: &Safe| safe.key.as_ref().and_then(|key| places.tied(key)).map(str::to_owned);
    let mut whys: Vec<String> = Vec::new();
    for why in safe.iter().filter_map(&tied) {
        if !whys.contains(&why) {
            whys.push(why);
        }
    }
    let left = safe.into_iter().filter(|safe| tied(safe).is_none());
    left.chain(whys.into_iter().map(Safe::other)).collect()
}

/// How bad what rests on these keys may be at worst. Only facts make an error, and guesses alone no more than a note.
pub(super) fn mildest(places: &Places, keys: &[String]) -> Severity {
    match keys.iter().filter(|key| places.assumed(key).is_some()).count() {
        0 => Severity::Error,
        some if some == keys.len() => Severity::Note,
        _ => Severity::Warning,
    }
}

/// What of the keys that decide a finding is a guess, and how bad it is then.
fn assumed(places: &Places, keys: &[String], severity: Severity) -> (Vec<String>, Severity) {
    let mildest = mildest(places, keys);
    let mut assumed: Vec<String> = Vec::new();
    for guess in keys.iter().filter_map(|key| places.assumed(key)) {
        if !assumed.iter().any(|known| known == guess) {
            assumed.push(guess.to_owned());
        }
    }
    (assumed, severity.max(mildest))
}
