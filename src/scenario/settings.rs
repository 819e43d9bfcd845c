//! What job kinds ask of a scenario's keys: whether they exist, and what they hold at a point.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::jobs::Settings;
use crate::jobs::definition::{Definition, Purpose, Setting};
use crate::units::Span;

use super::keys::{self, Default, KEYS};
use super::kind::{Kind, Parsed};
use super::read::{Context, View};
use super::workload::WORKLOAD;
use crate::document::{Issue, Place, Value, nearest};

/// Checks every key that a definition asks for, and what it asks.
pub(super) fn check(definition: &Definition, cx: &mut Context) {
    for Setting { key, place, purpose } in &definition.settings {
        let Some(known) = keys::find(key).filter(|_| matches!(keys::list_of(key), None | Some("workload"))) else {
            let issue = Issue::at(*place, format!("unknown key `{key}`"));
            let near = nearest(key, KEYS.iter().map(|key| key.path));
            cx.issue(match near {
                Some(near) => issue.help(format!("did you mean `{near}`?")),
                None => issue.help("a key of the scenario file, or `workload.…` of the job's own workload"),
            });
            continue;
        };
        let expected = match (purpose, known.kind) {
            (Purpose::Compare(values), kind) if is_comparable(kind) => {
                for value in values {
                    kind.parse(key, value, cx);
                }
                continue;
            }
            (Purpose::Number | Purpose::Size | Purpose::Span, _) if matches!(known.default, Default::Unset(_)) => {
                "holds nothing where nobody writes it"
            }
            (Purpose::Number, Kind::Integer { .. } | Kind::Size { .. })
            | (Purpose::Size, Kind::Integer { min: 1.., .. })
            | (Purpose::Span, Kind::Seconds { off: false } | Kind::Time { .. }) => continue,
            (Purpose::Compare(_), _) => "has a value that cannot be compared",
            (Purpose::Number, _) => "holds no number",
            (Purpose::Size, _) => "holds no number of bytes above 0",
            (Purpose::Span, _) => "holds no duration",
        };
        cx.issue(Issue::at(*place, format!("`{key}` {expected}")));
    }
}

/// Reads every key of a view that some kind asks for: a wrong value is wrong even if no job asks.
pub(super) fn read_all(view: &View<'_>, cx: &mut Context) {
    let asked = Arc::clone(cx.kinds.asked());
    for key in asked.iter() {
        match key.strip_prefix(WORKLOAD) {
            Some(own) if view.table == WORKLOAD => view.parsed(own, cx),
            None if view.table.is_empty() => view.parsed(key, cx),
            Some(_) | None => continue,
        };
    }
}

/// Whether two values of a kind can be told apart by what they mean.
fn is_comparable(kind: Kind) -> bool {
    match kind {
        Kind::Flag
        | Kind::Integer { .. }
        | Kind::Size { .. }
        | Kind::Level
        | Kind::Share
        | Kind::Choice(_)
        | Kind::Text
        | Kind::Name
        | Kind::Seconds { .. }
        | Kind::Time { .. }
        | Kind::SignedTime
        | Kind::Throughput => true,
        Kind::Words
        | Kind::Paths
        | Kind::Instant
        | Kind::Instants
        | Kind::ByNode
        | Kind::Schedules
        | Kind::Periods
        | Kind::MissedSyncs
        | Kind::Offset
        | Kind::Dist(_)
        | Kind::Arrivals
        | Kind::TokenAge
        | Kind::Bound
        | Kind::Free
        | Kind::Job
        | Kind::Preset
        | Kind::Tables => false,
    }
}

/// The settings of a workload at a point.
pub(super) struct At<'a> {
    /// The workload's own keys.
    pub(super) own: &'a View<'a>,
    /// All others.
    pub(super) point: &'a View<'a>,
    /// A wrong value is an issue whoever asks for it.
    pub(super) cx: RefCell<&'a mut Context>,
}

impl At<'_> {
    /// All that a definition is compiled from, as one text: where it is equal, so is the program.
    pub(super) fn key(&self, definition: &Definition) -> String {
        let mut text = definition.kind.name.clone();
        for setting in &definition.settings {
            let _ = write!(text, "\n{:?}", self.parsed(&setting.key));
        }
        text
    }

    fn parsed(&self, key: &str) -> Option<Parsed> {
        let cx = &mut self.cx.borrow_mut();
        match key.strip_prefix(WORKLOAD) {
            Some(own) => self.own.parsed(own, cx),
            None => self.point.parsed(key, cx),
        }
    }
}

impl Settings for At<'_> {
    fn holds(&self, key: &str, value: &Value) -> bool {
        let Some(kind) = keys::find(key).map(|key| key.kind) else { return false };
        // What a definition asks for has been checked, so that this leaves no issue.
        let asked = kind.parse(key, value, &mut self.cx.borrow_mut());
        match (asked, self.parsed(key)) {
            (Some(asked), Some(found)) => asked == found,
            // A text that nobody wrote is empty.
            (Some(Parsed::Text(asked)), None) => asked.is_empty(),
            (Some(_), None) | (None, _) => false,
        }
    }

    fn number(&self, key: &str) -> Option<i64> {
        match self.parsed(key)? {
            Parsed::Integer(number) => Some(number),
            _ => None,
        }
    }

    fn span(&self, key: &str) -> Option<Span> {
        match self.parsed(key)? {
            Parsed::Seconds(span) => span,
            Parsed::Time(span) => Some(span),
            _ => None,
        }
    }

    fn place(&self, key: &str) -> Option<Place> {
        match key.strip_prefix(WORKLOAD) {
            Some(own) => self.own.place(own),
            None => self.point.place(key),
        }
    }
}
