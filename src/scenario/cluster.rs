//! Values that list instants or nodes: schedules, outages, copies that do not arrive, clocks.

use crate::model::MissedSyncs;
use crate::units::{Instant, Span};

use super::dist;
use super::kind::{Kind, Parsed};
use super::read::Context;
use crate::document::{Issue, Place, Value};

/// The fields of a time.
pub(super) const PERIOD: [&str; 2] = ["from", "until"];
/// The fields of copies that do not arrive.
pub(super) const MISSED: [&str; 3] = ["node", "from", "until"];
/// The numbers of the nodes that copies go to, as far as the number of nodes is not known.
pub(super) const FOLLOWER: Kind = Kind::Integer { min: 1, max: u32::MAX as i64 };

/// Reads every item of a list, so that all that is wrong becomes an issue.
fn items<T>(
    key: &str,
    value: &Value,
    kind: Kind,
    cx: &mut Context,
    mut one: impl FnMut(&Value, &mut Context) -> Option<T>,
) -> Option<Vec<T>> {
    let Some(items) = value.as_array() else {
        cx.wrong_type(key, value, &kind.describe());
        return None;
    };
    let read: Vec<Option<T>> = items.iter().map(|item| one(item, cx)).collect();
    read.into_iter().collect()
}

fn instant(key: &str, value: &Value, cx: &mut Context) -> Option<Instant> {
    match Kind::Instant.parse(key, value, cx)? {
        Parsed::Instant(instant) => Some(instant),
        _ => None,
    }
}

fn signed(key: &str, value: &Value, cx: &mut Context) -> Option<Span> {
    match Kind::SignedTime.parse(key, value, cx)? {
        Parsed::Time(span) => Some(span),
        _ => None,
    }
}

/// A list of instants, ascending.
pub(super) fn instants(key: &str, value: &Value, cx: &mut Context) -> Option<Vec<Instant>> {
    listed(key, value, Kind::Instants, cx)
}

fn listed(key: &str, value: &Value, kind: Kind, cx: &mut Context) -> Option<Vec<Instant>> {
    let mut instants = items(key, value, kind, cx, |item, cx| instant(key, item, cx))?;
    instants.sort_unstable();
    Some(instants)
}

/// A list of ascending instants for each node.
pub(super) fn schedules(key: &str, value: &Value, cx: &mut Context) -> Option<Vec<Vec<Instant>>> {
    items(key, value, Kind::Schedules, cx, |item, cx| listed(key, item, Kind::Schedules, cx))
}

/// Signed durations by node, or a single one for all.
pub(super) fn by_node(key: &str, value: &Value, cx: &mut Context) -> Option<Vec<Span>> {
    if value.as_array().is_none() {
        return signed(key, value, cx).map(|span| vec![span]);
    }
    items(key, value, Kind::ByNode, cx, |item, cx| signed(key, item, cx))
}

/// Times in order; those that touch are one, and those that overlap are refused.
pub(super) fn periods(key: &str, value: &Value, cx: &mut Context) -> Option<Vec<(Instant, Instant)>> {
    let mut read = items(key, value, Kind::Periods, cx, |item, cx| {
        let [from, until] = dist::fields(key, "outages", item, PERIOD, cx)?;
        let (from, until) = period(key, item.place, from, until, cx)?;
        Some((from, until, item.place))
    })?;
    read.sort_unstable_by_key(|(from, _, _)| *from);
    let mut periods: Vec<(Instant, Instant)> = Vec::with_capacity(read.len());
    let mut good = true;
    let mut before = Place::NOWHERE;
    for (from, until, place) in read {
        match periods.last_mut() {
            Some((_, end)) if from < *end => {
                let first = end.since(Instant::START);
                let message = format!("`{key}`: this one begins before another has ended, at {first}");
                cx.issue(Issue::at(place, message).also(before, "the other"));
                good = false;
                continue;
            }
            Some((_, end)) if from == *end => *end = until,
            Some(_) | None => periods.push((from, until)),
        }
        before = place;
    }
    good.then_some(periods)
}

/// Copies that do not arrive. Whether there is such a node is asked where their number is known.
pub(super) fn missed_syncs(key: &str, value: &Value, cx: &mut Context) -> Option<Vec<MissedSyncs>> {
    items(key, value, Kind::MissedSyncs, cx, |item, cx| {
        let [number, from, until] = dist::fields(key, "missed_syncs", item, MISSED, cx)?;
        let node = if number.node == crate::document::Node::Integer(0) {
            let message = format!("`{key}`: node 0 makes the keys, and the others, from 1 on, get copies");
            cx.issue(Issue::at(number.place, message));
            None
        } else {
            FOLLOWER.parse(key, number, cx)
        };
        let (from, until) = period(key, item.place, from, until, cx)?;
        match node? {
            Parsed::Integer(node) => Some(MissedSyncs { node: u32::try_from(node).ok()?, from, until }),
            _ => None,
        }
    })
}

fn period(key: &str, place: Place, from: &Value, until: &Value, cx: &mut Context) -> Option<(Instant, Instant)> {
    let (begins, ends) = (instant(key, from, cx), instant(key, until, cx));
    let (begins, ends) = (begins?, ends?);
    if begins >= ends {
        cx.issue(Issue::at(place, format!("`{key}`: `until` must be later than `from`")));
        return None;
    }
    Some((begins, ends))
}
