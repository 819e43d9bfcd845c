//! Keystone: its lifetimes and keys, the nodes that it runs on, and how rotations reach them.

use std::sync::Arc;

use super::between;
use crate::document::Issue;
use crate::model::{Keys, Keystone, MissedSyncs, Offset, Rotations, Spread};
use crate::scenario::read::{Context, View};
use crate::units::{Instant, Span};

const NODES: &str = "cloud.keystone.nodes";
const CLOCKS: &str = "cloud.keystone.clock_offset";
const MISSED: &str = "cloud.keystone.missed_syncs";
const APART: &str = "cloud.keystone.rotations";
const EVERY: &str = "cloud.fernet_rotation.every";
const AT: &str = "cloud.fernet_rotation.at";
const OFFSET: &str = "cloud.fernet_rotation.offset";
const EXTRA: &str = "cloud.fernet_rotation.extra";
/// What has no meaning where each node rotates by itself.
const COPYING: [&str; 7] = [EVERY, AT, OFFSET, EXTRA, "cloud.keystone.sync_lag", "cloud.keystone.sync_missed", MISSED];
/// The backend that keeps nothing, which is the default.
const NULL_BACKEND: &str = crate::identity::defaults::KEYSTONE_CACHE_BACKEND;

pub(super) fn keystone(view: &View<'_>, cx: &mut Context) -> Option<Keystone> {
    let provider = view.text("keystone.token.provider", cx);
    let expiration = view.seconds("keystone.token.expiration", cx);
    let window = view.seconds("keystone.token.allow_expired_window", cx);
    let max_active_keys = view.integer("keystone.fernet_tokens.max_active_keys", cx);
    let nodes = view.integer(NODES, cx).and_then(|nodes| u32::try_from(nodes).ok());
    let clocks = clocks(view, nodes, cx);
    let synced = synced(view, nodes, cx);
    let apart = apart(view, nodes, cx);
    let rotations = rotations(view, cx);
    let extra = view.instants(EXTRA, cx);
    let cache_time = cache_time(view, cx);
    let validation_time = view.dist("cloud.keystone.validation_time", cx);
    let issue_time = view.dist("cloud.keystone.issue_time", cx);
    let outages = view.periods("cloud.keystone.outages", cx);
    let (synced, extra, rotations, max_active_keys) = (synced?, extra?, rotations?, max_active_keys?);
    let (spread, rotations, extra) = match apart? {
        Some(nodes) => (Spread::Apart(nodes), Rotations::Never, Vec::new()),
        None => (synced, rotations, extra),
    };
    let keys = match provider?.as_str() {
        "jws" => Keys::Jws,
        _ => Keys::Fernet { max_active_keys: u32::try_from(max_active_keys).ok()?, rotations, extra: extra.into() },
    };
    Some(Keystone {
        expiration: expiration??,
        allow_expired_window: window??,
        keys,
        clocks: clocks?,
        spread,
        cache_time: cache_time?,
        validation_time: validation_time?,
        issue_time: issue_time?,
        outages: outages?.into(),
    })
}

/// `None`: its life is wrong; `Some(None)`: nothing is kept.
fn cache_time(view: &View<'_>, cx: &mut Context) -> Option<Option<Span>> {
    let caching = view.flag("keystone.token.caching", cx);
    let enabled = view.flag("keystone.cache.enabled", cx);
    let backend = view.text("keystone.cache.backend", cx);
    let general = view.seconds("keystone.cache.expiration_time", cx);
    let own = view.seconds("keystone.token.cache_time", cx);
    let time = if view.is_written("keystone.token.cache_time") { own?? } else { general?? };
    Some((caching? && enabled? && backend? != NULL_BACKEND).then_some(time))
}

fn clocks(view: &View<'_>, nodes: Option<u32>, cx: &mut Context) -> Option<Vec<Span>> {
    let is_list = view.value(CLOCKS).is_some_and(|value| value.as_array().is_some());
    let (clocks, nodes) = (view.spans(CLOCKS, cx)?, nodes?);
    if is_list {
        by_node(view, CLOCKS, clocks, nodes, cx)
    } else {
        Some(clocks.into_iter().cycle().take(nodes as usize).collect())
    }
}

/// A list with an item for each node, if it is one.
fn by_node<T>(view: &View<'_>, key: &str, list: Vec<T>, nodes: u32, cx: &mut Context) -> Option<Vec<T>> {
    if list.len() == nodes as usize {
        return Some(list);
    }
    let (items, values) = (list.len(), if list.len() == 1 { "item" } else { "items" });
    between(view, [key, NODES], format!("`{key}` has {items} {values}, and `{NODES}` is {nodes}"), cx);
    None
}

fn synced(view: &View<'_>, nodes: Option<u32>, cx: &mut Context) -> Option<Spread> {
    let lag = view.dist("cloud.keystone.sync_lag", cx);
    let missed = view.level("cloud.keystone.sync_missed", cx);
    let missed_between = view.missed_syncs(MISSED, cx)?;
    let nodes = nodes?;
    // Items were read in their order, so that places can be told from it.
    let items = view.value(MISSED).and_then(|value| value.as_array()).unwrap_or_default();
    let mut good = true;
    for (MissedSyncs { node, .. }, item) in missed_between.iter().zip(items) {
        if *node < nodes {
            continue;
        }
        let place = item.as_table().and_then(|table| table.get("node")).map_or(item.place, |value| value.place);
        let message = format!("`{MISSED}`: there is no node {node}: `{NODES}` is {nodes}, and nodes count from 0");
        let issue = Issue::at(place, message);
        cx.issue(match view.place(NODES) {
            Some(nodes) => issue.also(nodes, "so many"),
            None => issue,
        });
        good = false;
    }
    let spread = Spread::Synced { lag: lag?, missed: missed?, missed_between };
    good.then_some(spread)
}

/// The instants at which each node rotates by itself; `Some(None)`: they do not.
fn apart(view: &View<'_>, nodes: Option<u32>, cx: &mut Context) -> Option<Option<Vec<Arc<[Instant]>>>> {
    let Some(place) = view.place(APART) else {
        return Some(None);
    };
    let schedules = view.schedules(APART, cx);
    // A sweep of one way replaces the other, as every higher layer does.
    let is_swept = view.is_swept(APART);
    if !is_swept && COPYING.into_iter().any(|key| view.is_swept(key)) {
        return Some(None);
    }
    let copying = COPYING.into_iter().filter(|key| !is_swept || view.is_swept(key));
    if let Some((key, other)) = copying.into_iter().find_map(|key| Some((key, view.place(key)?))) {
        let message = format!("with `{APART}` each node rotates keys of its own, and `{key}` has no meaning");
        cx.issue(Issue::at(place, message).also(other, "this").help("keep one of them"));
        return None;
    }
    let schedules = by_node(view, APART, schedules?, nodes?, cx)?;
    Some(Some(schedules.into_iter().map(Arc::from).collect()))
}

fn rotations(view: &View<'_>, cx: &mut Context) -> Option<Rotations> {
    let (period, instants, fixed) = (view.time(EVERY, cx), view.instants(AT, cx), view.offset(OFFSET, cx));
    let at_is_swept = view.is_swept(AT);
    // A sweep of one way replaces the other, as every higher layer does.
    let at_place = view.place(AT).filter(|_| at_is_swept || !view.is_swept(EVERY));
    let every_place = view.place(EVERY).filter(|_| view.is_swept(EVERY) || !at_is_swept);
    match (every_place, at_place) {
        (Some(one), Some(other)) => {
            let message = "`cloud.fernet_rotation` has both `every` and `at`, and `at` is the complete list";
            cx.issue(Issue::at(other, message).also(one, "and this").help("keep one of them"));
            None
        }
        (Some(_), None) => {
            let (period, fixed) = (period?, fixed?);
            let offset = match fixed {
                Offset::Random => Offset::Random,
                // Only the phase counts.
                Offset::Fixed(span) => Offset::Fixed(Span::from_micros(span.micros().rem_euclid(period.micros()))),
            };
            Some(Rotations::Every { period, offset })
        }
        (None, at) => {
            if let Some(place) = view.place(OFFSET).filter(|_| !at_is_swept) {
                cx.issue(Issue::at(place, "`cloud.fernet_rotation.offset` has no meaning without `every`"));
            }
            fixed?;
            match at {
                Some(_) => Some(Rotations::At(Arc::from(instants?))),
                None => Some(Rotations::Never),
            }
        }
    }
}
