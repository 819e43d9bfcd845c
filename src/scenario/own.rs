//! `[[service]]` and `[[link]]`: what a scenario adds to the names of every cloud.

use crate::jobs::{API, Names};

use super::read::{Context, View};
use crate::document::{Issue, Node, Place, Table, Value};

/// Far more than anybody tells apart; places of services have one byte.
const MOST_SERVICES: usize = 200;
/// Places of links have one byte too.
const MOST_LINKS: usize = 200;
/// Pools of one service; those of all have places of two bytes.
const MOST_POOLS: usize = 64;
/// The largest size of a pool.
const MOST_SLOTS: i128 = 1_000_000;

/// The tables of `[[service]]`, as many as may be.
pub(super) fn services(written: &Table) -> impl Iterator<Item = (&Table, Place)> {
    tables(written, "service").take(MOST_SERVICES)
}

/// The tables of `[[link]]`, as many as may be.
pub(super) fn links(written: &Table) -> impl Iterator<Item = (&Table, Place)> {
    tables(written, "link").take(MOST_LINKS)
}

fn tables<'t>(written: &'t Table, list: &str) -> impl Iterator<Item = (&'t Table, Place)> + use<'t> {
    let items = written.get(list).and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(|item| item.as_table().map(|table| (table, item.place)))
}

/// The size of a pool of a scenario's own service; `None`: nobody queues.
pub(super) fn pool_size(written: &Table, service: &str, pool: &str) -> Option<u32> {
    let (table, _) = services(written).find(|(table, _)| name_of(table).is_some_and(|(name, _)| name == service))?;
    let (_, _, value) = pools(table).into_iter().find(|(name, _, _)| *name == pool)?;
    match value.node {
        Node::Integer(size) => u32::try_from(size).ok(),
        _ => None,
    }
}

fn name_of(table: &Table) -> Option<(&str, Place)> {
    let value = table.get("name")?;
    Some((value.as_text()?, value.place))
}

/// The sizes of a service's pools, in the order of the file.
fn pools(table: &Table) -> Vec<(&str, Place, &Value)> {
    let entries =
        table.get("pools").and_then(Value::as_table).map(|table| table.entries.as_slice()).unwrap_or_default();
    entries.iter().map(|entry| (&*entry.key, entry.place, &entry.value)).collect()
}

/// The names of everything that job kinds may use. What is wrong with a service or a link becomes an issue, and it is
/// left out.
pub(super) fn names(written: &Table, cx: &mut Context) -> Names {
    let mut names = Names::well_known();
    for (list, most) in [("service", MOST_SERVICES), ("link", MOST_LINKS)] {
        if let Some((_, place)) = tables(written, list).nth(most) {
            cx.issue(Issue::at(place, format!("more than {most} {list}s")));
        }
    }
    services(written).for_each(|(table, place)| add_service(&mut names, table, place, cx));
    links(written).for_each(|(table, place)| add_link(&mut names, table, place, cx));
    names
}

fn add_service(names: &mut Names, table: &Table, place: Place, cx: &mut Context) {
    let Some((name, place)) = name_of(table) else {
        let place = table.get("name").map_or(place, |value| value.place);
        cx.issue(Issue::at(place, "`[[service]]`: the `name` of a service is a text"));
        return;
    };
    if let Err(message) = is_good(name) {
        cx.issue(Issue::at(place, format!("`service.name`: {message}")));
    } else if names.service(name).is_some() || names.process(name).is_some() {
        cx.issue(Issue::at(place, format!("there is a service or process `{name}` already")));
    } else {
        let slots: Vec<&str> = pools(table).into_iter().map(|(pool, _, _)| pool).filter(|pool| *pool != API).collect();
        names.add_service(name, &slots);
    }
    if let Some((_, place, _)) = pools(table).get(MOST_POOLS) {
        cx.issue(Issue::at(*place, format!("`service.pools`: at most {MOST_POOLS} for a service")));
    }
    for (pool, place, value) in pools(table) {
        if let Err(message) = is_good(pool) {
            cx.issue(Issue::at(place, format!("`service.pools`: {message}")));
        }
        match value.node {
            Node::Integer(size) if (1..=MOST_SLOTS).contains(&size) => {}
            Node::Integer(_) => {
                let message = format!("`service.pools.{pool}`: takes an integer from 1 to {MOST_SLOTS}");
                cx.issue(Issue::at(value.place, message).help("left out, the pool does not queue"));
            }
            _ => cx.wrong_type(&format!("service.pools.{pool}"), value, "an integer above 0"),
        }
    }
    if let Some(value) = table.get("pools").filter(|value| value.as_table().is_none()) {
        cx.wrong_type("service.pools", value, "a table of pools with their sizes");
    }
}

/// Names are joined by a dot: `SERVICE.POOL`.
fn is_good(name: &str) -> Result<(), String> {
    let is_good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && name.len() <= 100;
    if is_good {
        Ok(())
    } else {
        Err(format!("`{name}` is not a letter, then letters, digits, `_` and `-`, at most 100"))
    }
}

fn add_link(names: &mut Names, table: &Table, place: Place, cx: &mut Context) {
    let nothing = Table::default();
    let own = View { swept: &[], prefix: "link.", table: "link.", written: table, defaults: &nothing };
    if !own.is_written("name") {
        cx.issue(Issue::at(place, "`[[link]]` needs `name`"));
    }
    let Some(name) = own.text("name", cx) else { return };
    if names.link(&name).is_some() {
        let issue = Issue::at(own.place("name").unwrap_or(place), format!("there is a link `{name}` already"));
        cx.issue(issue.help("give each link a name of its own; those of every cloud are keys of `[cloud]`"));
    } else {
        names.add_link(&name);
    }
}
