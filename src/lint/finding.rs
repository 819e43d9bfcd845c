//! A finding, and how the findings of all points become those of a study.

use std::collections::HashMap;
use std::hash::Hash;

use super::table::{Lint, Severity};
use super::words::Exact;
use crate::model::study::{Axis, Point, Study};
use crate::model::{Places, Written};
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
}

impl Safe {
    /// A key with a value.
    pub(super) fn set(key: impl Into<String>, value: impl Into<String>, words: impl Into<String>) -> Safe {
        Safe { key: Some(key.into()), value: value.into(), words: words.into() }
    }

    /// Something that is no value of one key.
    pub(super) fn other(words: impl Into<String>) -> Safe {
        Safe { key: None, value: String::new(), words: words.into() }
    }
}

/// Points of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Their numbers, ascending.
    pub points: Vec<usize>,
    /// Which these are, in words; empty: all of them.
    pub words: String,
}

impl Scope {
    /// Whether these are all points.
    pub fn is_everywhere(&self) -> bool {
        self.words.is_empty()
    }

    pub(super) fn of(study: &Study, points: Vec<usize>) -> Scope {
        let words = if points.len() == study.points.len() { String::new() } else { words(study, &points) };
        Scope { points, words }
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
    /// The change from which on it holds.
    since: Option<Instant>,
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
            since: None,
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

/// What was found at one point, over all of its changes.
#[derive(Debug, Default)]
pub(super) struct AtPoint {
    drafts: Vec<Draft>,
}

impl AtPoint {
    /// Adds what holds from an instant on, `None` being the start, unless it held before.
    pub(super) fn add(&mut self, since: Option<Instant>, drafts: Vec<Draft>) {
        for mut draft in drafts {
            draft.since = None;
            let is_known = self.drafts.iter().any(|known| Draft { since: None, ..known.clone() } == draft);
            if !is_known {
                draft.since = since;
                self.drafts.push(draft);
            }
        }
    }
}

/// The findings of a study, the worst first and of one kind together.
pub(super) fn merge(study: &Study, places: &Places, found: Vec<(usize, AtPoint)>) -> Vec<Finding> {
    let drafts = found.into_iter().flat_map(|(point, at)| at.drafts.into_iter().map(move |draft| (point, draft)));
    let mut findings: Vec<Finding> =
        group(drafts).into_iter().map(|(draft, points)| finding(study, places, draft, points)).collect();
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

fn finding(study: &Study, places: &Places, draft: Draft, mut points: Vec<usize>) -> Finding {
    points.dedup();
    let Draft { lint, severity, subject, mut what, why, safe, keys, since } = draft;
    if let Some(since) = since {
        what.push_str(&format!(", from the change at {} on", Exact(since.since(Instant::START))));
    }
    let place = keys.iter().find_map(|key| places.get(key)).cloned();
    Finding { lint, severity, subject, what, why, safe, keys, place, at: Scope::of(study, points) }
}
