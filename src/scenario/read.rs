//! Reading typed values out of the layers: sweep value over files over defaults. Issues are collected, never thrown.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use super::dist::Unit;
use super::keys;
use super::kind::{Kind, Parsed};
use super::kinds::Kinds;
use super::trace::Trace;
use crate::document::{Collected, Issue};
use crate::document::{Place, Sources};
use crate::document::{Table, Value};
use crate::model::program::Program;
use crate::model::{Link, Pool, Process, Service, Workload};

/// What reading knows and collects: job kinds, texts, CSV files that were read, problems.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) kinds: Kinds,
    /// The names of the scenario's own presets.
    pub(super) own_presets: Vec<String>,
    pub(super) sources: Sources,
    pub(super) issues: Collected,
    pub(super) empirical: HashMap<(PathBuf, Unit), Arc<[f64]>>,
    /// Those of earlier points by what they were compiled from, so that equal ones are one and compiled once.
    pub(super) programs: HashMap<String, Arc<Program>>,
    /// By file and workload; `None`: it was refused.
    pub(super) traces: HashMap<(PathBuf, String), Option<Trace>>,
    /// Parts of the models of earlier points.
    pub(super) parts: Parts,
}

/// Parts of models that later points share where they are equal to them: a sweep changes few of them.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) services: Recent<Service>,
    pub(super) processes: Recent<Process>,
    pub(super) pools: Recent<Pool>,
    pub(super) links: Recent<Link>,
    pub(super) workloads: Recent<Workload>,
}

/// The lists that were used last.
#[derive(Debug)]
pub(super) struct Recent<T>(VecDeque<Arc<[T]>>);

impl<T> Default for Recent<T> {
    fn default() -> Recent<T> {
        Recent(VecDeque::new())
    }
}

impl<T: PartialEq> Recent<T> {
    /// A list that is not among so many is kept anew: the last axis of a sweep seldom has more values, and an axis
    /// before it has the value of the last point.
    const MOST: usize = 16;

    /// The list, or an equal one from before.
    pub(super) fn share(&mut self, list: Vec<T>) -> Arc<[T]> {
        let known = self.0.iter().position(|known| **known == *list).and_then(|index| self.0.remove(index));
        let shared = known.unwrap_or_else(|| list.into());
        self.0.truncate(Self::MOST - 1);
        self.0.push_front(Arc::clone(&shared));
        shared
    }
}

impl Context {
    pub(super) fn issue(&mut self, issue: Issue) {
        self.issues.push(issue);
    }

    pub(super) fn wrong_type(&mut self, key: &str, value: &Value, expected: &str) {
        self.issue(Issue::at(value.place, format!("`{key}`: expected {expected}, found {}", value.what())));
    }
}

/// The layers of one point, or of one workload of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// Values of the sweep, by full path.
    pub(super) swept: &'a [(&'a str, &'a Value)],
    /// What stands before a key in messages and in a sweep: nothing, or `workload.NAME.`.
    pub(super) prefix: &'a str,
    /// What stands before it in the key table: nothing, or `workload.`.
    pub(super) table: &'static str,
    /// What the files say.
    pub(super) written: &'a Table,
    /// What the release says.
    pub(super) defaults: &'a Table,
}

impl<'a> View<'a> {
    /// The value of a key from the highest layer that has it.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        let swept = self.swept.iter().find(|(path, _)| self.is_at(path, key));
        swept.map(|(_, value)| *value).or_else(|| self.written.at(key)).or_else(|| self.defaults.at(key))
    }

    /// Whether a person, a preset or an include wrote it.
    pub(super) fn is_written(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// Where it was written.
    pub(super) fn place(&self, key: &str) -> Option<Place> {
        self.value(key).map(|value| value.place).filter(|place| *place != Place::NOWHERE)
    }

    /// Whether the sweep gives it.
    pub(super) fn is_swept(&self, key: &str) -> bool {
        self.swept.iter().any(|(path, _)| self.is_at(path, key))
    }

    /// Whether a full path is that of a key here. Most differ in length, and every key of every point is looked for.
    fn is_at(&self, path: &str, key: &str) -> bool {
        path.len() == self.prefix.len() + key.len() && path.strip_prefix(self.prefix) == Some(key)
    }

    /// The full path of a key, as people write it.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Reads the value as the key table says; `None`: it is absent, or an issue has been collected.
    pub(super) fn parsed(&self, key: &str, cx: &mut Context) -> Option<Parsed> {
        let value = self.value(key)?;
        keys::kind(self.table, key)?.parse(&self.path(key), value, cx)
    }

    /// Reads the value of a key that the table does not know, of this kind; as [`View::parsed`].
    pub(super) fn parsed_as(&self, kind: Kind, key: &str, cx: &mut Context) -> Option<Parsed> {
        kind.parse(&self.path(key), self.value(key)?, cx)
    }
}

/// One accessor per type: `None` when the key is absent or its value is wrong, which is then among the issues.
macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident: $variant:ident => $type:ty),+ $(,)?) => {
        impl View<'_> {
            $($(#[$doc])*
            pub(super) fn $name(&self, key: &str, cx: &mut Context) -> Option<$type> {
                match self.parsed(key, cx)? {
                    Parsed::$variant(value) => Some(value),
                    other => {
                        debug_assert!(false, "`{key}` is read as another kind than the key table says: {other:?}");
                        None
                    }
                }
            })+
        }
    };
}

accessors! {
    flag: Flag => bool,
    integer: Integer => i64,
    level: Level => f64,
    text: Text => String,
    words: Words => Vec<String>,
    /// An option in seconds; the inner `None` is "off".
    seconds: Seconds => Option<crate::units::Span>,
    time: Time => crate::units::Span,
    signed_time: Time => crate::units::Span,
    instant: Instant => crate::units::Instant,
    instants: Instants => Vec<crate::units::Instant>,
    /// By node, or a single one for all.
    spans: Spans => Vec<crate::units::Span>,
    schedules: Schedules => Vec<Vec<crate::units::Instant>>,
    periods: Periods => Vec<(crate::units::Instant, crate::units::Instant)>,
    missed_syncs: MissedSyncs => Vec<crate::model::MissedSyncs>,
    offset: Offset => crate::model::Offset,
    throughput: Throughput => crate::units::Throughput,
    dist: Dist => crate::random::Dist,
    arrivals: Arrivals => super::process::ArrivalsText,
    token_age: TokenAge => crate::model::TokenAge,
}
