//! `[[service]]`: services of a scenario's own, and the pools and links of every service.

use crate::jobs::{API, Names};
use crate::model::{AuthToken, Link, Pool, PoolId, Process, Sends, Service, ServiceId, ServiceUser};

use super::keys;
use super::kinds;
use super::read::{Context, View};
use crate::document::{Issue, Node, Place, Table, Value};

/// Far more than anybody tells apart; places of services have one byte.
const MOST_SERVICES: usize = 200;
/// The largest size of a pool.
const MOST_SLOTS: i128 = 1_000_000;

fn tables(written: &Table) -> impl Iterator<Item = (&Table, Place)> {
    let items = written.get("service").and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(|item| item.as_table().map(|table| (table, item.place)))
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

/// The names of everything that job kinds may use. What is wrong with a service becomes an issue, and the service is
/// left out.
pub(super) fn names(written: &Table, cx: &mut Context) -> Names {
    let mut names = Names::well_known();
    for (number, (table, place)) in tables(written).enumerate() {
        if number == MOST_SERVICES {
            cx.issue(Issue::at(place, format!("more than {MOST_SERVICES} services")));
            break;
        }
        let Some((name, place)) = name_of(table) else {
            let place = table.get("name").map_or(place, |value| value.place);
            cx.issue(Issue::at(place, "`[[service]]`: the `name` of a service is a text"));
            continue;
        };
        if let Err(message) = is_good(name) {
            cx.issue(Issue::at(place, format!("`service.name`: {message}")));
        } else if names.service(name).is_some() || names.process(name).is_some() {
            cx.issue(Issue::at(place, format!("there is a service or process `{name}` already")));
        } else {
            let slots: Vec<&str> =
                pools(table).into_iter().map(|(pool, _, _)| pool).filter(|pool| *pool != API).collect();
            names.add_service(name, &slots);
        }
        for (pool, place, value) in pools(table) {
            if let Err(message) = is_good(pool) {
                cx.issue(Issue::at(place, format!("`service.pools`: {message}")));
            }
            match value.node {
                Node::Integer(size) if (1..=MOST_SLOTS).contains(&size) => {}
                Node::Integer(_) => {
                    let message = format!("`service.pools.{pool}`: takes an integer from 1 to {MOST_SLOTS}");
                    let help = "left out, the pool does not queue";
                    cx.issue(Issue::at(value.place, message).help(help));
                }
                _ => cx.wrong_type(&format!("service.pools.{pool}"), value, "an integer above 0"),
            }
        }
        if let Some(value) = table.get("pools").filter(|value| value.as_table().is_none()) {
            cx.wrong_type("service.pools", value, "a table of pools with their sizes");
        }
    }
    names
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

/// The services and processes of a scenario's own, in the order of their places.
pub(super) fn own(view: &View<'_>, cx: &mut Context) -> Option<Vec<(Service, Process)>> {
    let names = std::sync::Arc::clone(cx.kinds.names());
    let release = view.value("cloud.release").and_then(Value::as_text).unwrap_or_default();
    let mut own = Some(Vec::new());
    for (place, (table, _)) in (6..).zip(tables(view.written)) {
        let view = View {
            swept: &[],
            prefix: "service.",
            table: "service.",
            written: table,
            defaults: &keys::defaults(release).service,
        };
        let name = view.text("name", cx);
        let sends = view.flag("service_user.send_service_user_token", cx);
        let roles = view.words("service_user.roles", cx);
        let disabled_at = view.instant("service_user.disabled_at", cx);
        let token_roles = view.words("keystone_authtoken.service_token_roles", cx);
        let required = view.flag("keystone_authtoken.service_token_roles_required", cx);
        let cache = view.seconds("keystone_authtoken.token_cache_time", cx);
        let one = || {
            let (name, sends) = (name?, sends?);
            let api = names.pool(&format!("{name}.{API}"))?;
            let keystone_authtoken = Some(AuthToken {
                service_token_roles: token_roles?,
                service_token_roles_required: required?,
                token_cache_time: cache?,
            });
            let sends = if sends { Sends::ServiceUser } else { Sends::Never };
            let user = Some(ServiceUser { roles: roles?, disabled_at });
            let service = Service {
                name: name.clone(),
                keystone_authtoken,
                api,
                first_cache: place,
                caches: 1,
                clock_ahead: crate::units::Span::ZERO,
            };
            Some((service, Process { name, sends, user }))
        };
        match (one(), &mut own) {
            (Some(one), Some(list)) => list.push(one),
            (None, _) => own = None,
            (Some(_), None) => {}
        }
    }
    own
}

/// The pool of a well-known service's API workers.
pub(super) fn api(names: &Names, service: ServiceId) -> Option<PoolId> {
    names.pool(&format!("{}.{API}", names.service_name(service)))
}

/// Every pool, in the order of their places. Those of a scenario's own services have the sizes that it gives them.
pub(super) fn all_pools(view: &View<'_>, names: &Names) -> Vec<Pool> {
    let size = |service: &str, pool: &str| {
        let (table, _) =
            tables(view.written).find(|(table, _)| name_of(table).is_some_and(|(name, _)| name == service))?;
        let (_, _, value) = pools(table).into_iter().find(|(name, _, _)| *name == pool)?;
        match value.node {
            Node::Integer(size) => u32::try_from(size).ok(),
            _ => None,
        }
    };
    let pool = |(service, name): &(ServiceId, String)| Pool {
        service: *service,
        name: name.clone(),
        slots: size(names.service_name(*service), name),
        hosts: 1,
    };
    names.pools().iter().map(pool).collect()
}

/// Every link, in the order of their places.
pub(super) fn links(view: &View<'_>, names: &Names, cx: &mut Context) -> Vec<Link> {
    let link = |name: &String| {
        let key = kinds::speed(name);
        // A link without a key takes no time.
        let per_job = keys::find(&key).and_then(|_| view.throughput(&key, cx));
        Link { name: name.clone(), per_job, bandwidth: None }
    };
    names.links().iter().map(link).collect()
}
