//! `[[workload]]`: where jobs come from, and the checks between a workload and the rest of its point.

use std::cell::RefCell;
use std::sync::Arc;

use crate::model::program::{Op, Program};
use crate::model::{
    Arrivals, Derived, Keystone, Kind as JobKind, Link, LinkId, Model, PieceSize, Quantity, QuantityId, Run, Source,
    TokenAge, Workload,
};
use crate::random::Dist;
use crate::units::{Instant, Span};

use super::keys;
use super::kind::Parsed;
use super::kinds::{self, Kinds};
use super::process::ArrivalsText;
use super::read::{Context, View};
use super::settings::{self, At};
use super::trace;
use crate::document::{CSV_LIMIT, Place};
use crate::document::{Issue, listing};
use crate::document::{Table, Value};

/// What stands before the keys of a workload in the key table.
pub(super) const WORKLOAD: &str = "workload.";
/// More jobs than this in a replication would never end.
pub(super) const MOST_JOBS: i64 = 10_000_000_000;

/// The tables of `[[workload]]`, with the name and place of each; what is wrong with the list is an issue elsewhere.
pub(super) fn tables(written: &Table) -> Vec<(String, Place, &Table)> {
    let items = written.get("workload").and_then(Value::as_array).unwrap_or_default();
    let name = |table: &Table| {
        let text = table.get("name").or_else(|| table.get("job")).and_then(Value::as_text);
        text.unwrap_or("?").to_owned()
    };
    items.iter().filter_map(|item| item.as_table().map(|table| (name(table), item.place, table))).collect()
}

/// What the rest of a scenario may say of a workload.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
    /// `None`: its `job` is missing or wrong, which is an issue elsewhere.
    pub(super) kind: Option<Arc<JobKind>>,
}

/// The workloads by name.
pub(super) fn named(written: &Table, kinds: &Kinds) -> Vec<Named> {
    let named = |(name, _, table)| Named { name, kind: kinds.of(table).cloned() };
    tables(written).into_iter().map(named).collect()
}

/// Far more than anybody tells apart in a table.
const MOST_WORKLOADS: usize = 1_000;

/// All workloads of a point. `run` and `keystone` are missing if they are wrong; then what depends on them is not
/// checked.
pub(super) fn all(
    view: &View<'_>,
    run: Option<&Run>,
    keystone: Option<&Keystone>,
    cx: &mut Context,
) -> Option<Vec<Workload>> {
    let tables = tables(view.written);
    if tables.is_empty() {
        if view.written.get("workload").and_then(Value::as_array).is_none_or(<[Value]>::is_empty) {
            let issue =
                Issue::at(super::layers::BEGINNING, "there is no `[[workload]]`, and without one there are no jobs");
            cx.issue(issue.help("write `[[workload]]` with `job` and `arrivals`"));
        }
        return None;
    }
    if let Some((_, place, _)) = tables.get(MOST_WORKLOADS) {
        let found = tables.len();
        cx.issue(Issue::at(*place, format!("there are {found} workloads, and {MOST_WORKLOADS} are the most allowed")));
        return None;
    }
    let release = view.value("cloud.release").and_then(Value::as_text).unwrap_or_default();
    let mut read = Some(Vec::new());
    for (index, (name, place, table)) in tables.iter().enumerate() {
        let prefix = format!("{WORKLOAD}{name}.");
        let own = View {
            swept: view.swept,
            prefix: &prefix,
            table: WORKLOAD,
            written: table,
            defaults: &keys::defaults(release).workload,
        };
        let name_place = own.place("name").unwrap_or(*place);
        if name == "all" {
            cx.issue(Issue::at(name_place, "a workload cannot be named `all`, which is the row of all workloads"));
            read = None;
        }
        if let Some((_, first, _)) = tables[..index].iter().find(|(other, _, _)| other == name) {
            let issue = Issue::at(name_place, format!("a second workload is named `{name}`"));
            cx.issue(issue.also(*first, "the first").help("give each workload a `name` of its own"));
            read = None;
        }
        let of_point = OfPoint { view, run, keystone };
        match (one(&own, name, *place, of_point, cx), &mut read) {
            (Some(workload), Some(list)) => list.push(workload),
            (None, _) => read = None,
            (Some(_), None) => {}
        }
    }
    let read = read?;
    agree_on_service_token_age(&read, &tables, cx)?;
    Some(read)
}

/// What a workload needs of the rest of its point.
#[derive(Clone, Copy)]
struct OfPoint<'a> {
    view: &'a View<'a>,
    run: Option<&'a Run>,
    keystone: Option<&'a Keystone>,
}

fn one(own: &View<'_>, name: &str, place: Place, of_point: OfPoint<'_>, cx: &mut Context) -> Option<Workload> {
    let OfPoint { view: point, run, keystone } = of_point;
    let name_is_good = !own.is_written("name") || own.text("name", cx).is_some();
    for required in ["job", "arrivals"] {
        if !own.is_written(required) {
            cx.issue(Issue::at(place, format!("`[[workload]]` needs `{required}`")));
        }
    }
    let kind = own.text("job", cx).and_then(|name| cx.kinds.kind(&name).cloned());
    let arrivals = own.arrivals("arrivals", cx);
    let token_age = own.token_age("token_age", cx);
    let before = cx.issues.len();
    let revoke_after = own.dist("revoke_after", cx);
    let user_disabled_at = own.instant("user_disabled_at", cx);
    let service_token_age = own.time("service_token_age", cx);
    settings::read_all(own, cx);
    let quantities = quantities(own, point, kind.as_deref(), cx);
    let program = program(own, point, kind.as_deref(), place, cx);
    // An absent optional key and a wrong one both read as `None`; only the wrong one leaves an issue.
    let optional_ones_are_good = cx.issues.len() == before;
    let (kind, token_age) = (kind?, token_age?);
    let arrivals = resolve(own, arrivals?, &kind, name, run, cx);
    if let (TokenAge::Renewing { margin }, Some(keystone)) = (&token_age, keystone)
        && *margin >= keystone.expiration
    {
        let message = format!(
            "a client that renews {margin} before the end needs a longer `keystone.token.expiration` than {}",
            keystone.expiration
        );
        let expiration = point.place("keystone.token.expiration");
        let issue = match (own.place("token_age"), expiration) {
            (Some(age), Some(expiration)) => Issue::at(age, message).also(expiration, "the lifetime"),
            (Some(only), None) | (None, Some(only)) => Issue::at(only, message),
            (None, None) => Issue::at(place, message),
        };
        let path = own.path("token_age");
        cx.issue(issue.help(format!(
            "give `{path}` a smaller margin, or an age such as `{{ of_expiration = {{ uniform = [0, 1] }} }}`"
        )));
        return None;
    }
    if !optional_ones_are_good || !name_is_good {
        return None;
    }
    Some(Workload {
        name: name.to_owned(),
        kind,
        arrivals: arrivals?,
        token_age,
        program: program?,
        quantities,
        revoke_after,
        user_disabled_at,
        service_token_age,
    })
}

/// What the jobs of a workload do under its settings; `None`: the issues say why.
fn program(
    own: &View<'_>,
    point: &View<'_>,
    kind: Option<&JobKind>,
    place: Place,
    cx: &mut Context,
) -> Option<Arc<Program>> {
    let definition = Arc::clone(cx.kinds.definition(&kind?.name)?);
    let user = own.place("job").unwrap_or(place);
    let mut issues = std::mem::take(&mut cx.issues);
    let programs = std::mem::take(&mut cx.programs);
    let settings = At { own, point, cx: RefCell::new(cx) };
    let key = settings.key(&definition);
    let known = programs.get(&key).cloned();
    let program = match known {
        Some(program) => Some(program),
        None => definition.compile(&settings, user, &mut issues).map(Arc::new),
    };
    // What asking for settings found comes behind, and each problem is kept once.
    let asked = std::mem::replace(&mut cx.issues, issues);
    cx.issues.append(asked);
    cx.programs = programs;
    if let Some(program) = &program {
        cx.programs.entry(key).or_insert_with(|| Arc::clone(program));
    }
    program
}

/// Where each quantity of a kind comes from; a wrong one leaves an issue.
fn quantities(own: &View<'_>, point: &View<'_>, kind: Option<&JobKind>, cx: &mut Context) -> Vec<Source> {
    let Some(kind) = kind else { return Vec::new() };
    let source = |quantity: &Quantity| {
        if let Some(Parsed::Dist(dist)) = own.parsed_as(kinds::value_kind(quantity.unit), &quantity.name, cx) {
            return Source::Drawn(dist);
        }
        let derived = match &quantity.derived {
            None => None,
            Some(Derived::Copy { size, link }) => Some(Source::Copy { size: *size, link: *link }),
            Some(Derived::Pieces { size, per, from }) => {
                let mut bytes = |of: &PieceSize| match of {
                    PieceSize::Bytes(bytes) => Some(*bytes),
                    PieceSize::Key(key) => point.integer(key, cx).and_then(|bytes| u64::try_from(bytes).ok()),
                };
                let (per, from) = (bytes(per), from.as_ref().map_or(Some(0), &mut bytes));
                per.zip(from).map(|(per, from)| Source::Pieces { size: *size, per, from })
            }
        };
        derived.unwrap_or(Source::Drawn(Dist::constant(0.0)))
    };
    kind.quantities.iter().map(source).collect()
}

/// Reads a trace, and refuses more jobs than anybody can wait for.
fn resolve(
    own: &View<'_>,
    arrivals: ArrivalsText,
    kind: &JobKind,
    name: &str,
    run: Option<&Run>,
    cx: &mut Context,
) -> Option<Arrivals> {
    let key = own.path("arrivals");
    let duration = run.map(|run| run.duration);
    let at_arrivals = |message: String| match own.place("arrivals") {
        Some(place) => Issue::at(place, message),
        None => Issue::general(message),
    };
    let (arrivals, jobs) = match arrivals {
        ArrivalsText::Poisson(per_second) => {
            (Arrivals::Poisson { per_second }, duration.map_or(0.0, |duration| per_second * duration.seconds()))
        }
        ArrivalsText::Every(span) => {
            (Arrivals::Every(span), duration.map_or(0.0, |duration| duration.seconds() / span.seconds()))
        }
        ArrivalsText::Daily(rate) => {
            let jobs = duration.map_or(0.0, |duration| rate.expected(duration));
            (Arrivals::Daily(rate), jobs)
        }
        ArrivalsText::Burst { at, jobs, over } => {
            let end = at + over;
            if let Some(duration) = duration
                && (at >= duration || end > duration)
            {
                let verb = if over == Span::ZERO { "is" } else { "ends" };
                let message = format!("`{key}`: the burst {verb} at {end}, but jobs arrive in [0, {duration})");
                cx.issue(at_arrivals(message).help("make `run.duration` longer"));
                return None;
            }
            return Some(Arrivals::Burst { at: Instant::START + at, jobs, over });
        }
        ArrivalsText::Trace { path, place } => {
            let trace = read_trace(&key, &path, place, kind, name, cx)?;
            let last = trace.rows.last()?.submitted.since(Instant::START);
            if let Some(duration) = duration
                && last >= duration
            {
                let message = format!(
                    "`{key}`: row {} of `{path}` is submitted at {last}, but jobs arrive in [0, {duration})",
                    trace.last_row
                );
                cx.issue(Issue::at(place, message).help("make `run.duration` longer"));
                return None;
            }
            return Some(Arrivals::Trace(trace.rows));
        }
    };
    if jobs > MOST_JOBS as f64 {
        let message =
            format!("`{key}`: about {jobs:.0} jobs in a replication, and at most {MOST_JOBS} can be simulated");
        cx.issue(at_arrivals(message));
        return None;
    }
    Some(arrivals)
}

fn read_trace(
    key: &str,
    path: &str,
    place: Place,
    kind: &JobKind,
    name: &str,
    cx: &mut Context,
) -> Option<trace::Trace> {
    let file = cx.sources.resolve(place, path);
    let id = (file, name.to_owned());
    if let Some(trace) = cx.traces.get(&id) {
        return trace.clone();
    }
    let read = cx.sources.read(&id.0, path, CSV_LIMIT);
    let trace =
        match read.and_then(|text| trace::parse(&text, kind, name).map_err(|error| format!("`{path}`: {error}"))) {
            Ok(trace) => Some(trace),
            Err(message) => {
                cx.issue(Issue::at(place, format!("`{key}`: {message}")));
                None
            }
        };
    cx.traces.insert(id, trace.clone());
    trace
}

/// The senders are shared by all workloads, and each holds one token.
fn agree_on_service_token_age(
    workloads: &[Workload],
    tables: &[(String, Place, &Table)],
    cx: &mut Context,
) -> Option<()> {
    let given: Vec<(usize, Span)> =
        workloads.iter().enumerate().filter_map(|(index, one)| Some((index, one.service_token_age?))).collect();
    let mut good = Some(());
    for pair in given.windows(2) {
        if pair[0].1 != pair[1].1 {
            let place =
                |index: usize| tables[index].2.get("service_token_age").map_or(tables[index].1, |value| value.place);
            let message = format!(
                "`service_token_age` is {} in workload `{}` and {} in `{}`, but senders share one token",
                pair[0].1, workloads[pair[0].0].name, pair[1].1, workloads[pair[1].0].name
            );
            cx.issue(Issue::at(place(pair[1].0), message).also(place(pair[0].0), "against this"));
            good = None;
        }
    }
    good
}

/// What the user should know about the workloads of a point: which copies take no time, and why.
pub(super) fn notes(view: &View<'_>, model: &Model, notes: &mut Vec<String>) {
    for (name, _, table) in tables(view.written) {
        let prefix = format!("{WORKLOAD}{name}.");
        let own = View { prefix: &prefix, table: WORKLOAD, written: table, ..*view };
        let Some(workload) = model.workloads.iter().find(|workload| workload.name == name) else { continue };
        // A trace may bring its own sizes and durations.
        if matches!(workload.arrivals, Arrivals::Trace(_)) {
            continue;
        }
        let kind = &workload.kind;
        for size in (0..).map(QuantityId).take(kind.quantities.len()) {
            let size_name = &kind.quantities[size.index()].name;
            // The defaults in `view` are those of the scenario; no quantity has a default, so they cannot answer here.
            let has_size = own.is_written(size_name);
            let mut copies = Vec::new();
            let mut missing = if has_size { Vec::new() } else { vec![size_name.clone()] };
            for (copy, link) in copies_of(workload, size) {
                let link = &model.links[link.index()];
                let has_speed = link.per_job.or(link.bandwidth).is_some();
                if has_size && has_speed {
                    continue;
                }
                copies.push(&copy.name);
                let speed = speed(link);
                if !has_speed && !missing.contains(&speed) {
                    missing.push(speed);
                }
            }
            let (take, durations) = match copies.len() {
                0 => continue,
                1 => ("takes", "its duration"),
                _ => ("take", "their durations"),
            };
            let are = if missing.len() == 1 { "is" } else { "are" };
            let (copies, missing) = (listing(&copies), listing(&missing));
            let note = format!(
                "workload `{name}`: {copies} {take} no time, because neither {durations} nor {missing} {are} given"
            );
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
}

/// The copies of a size for which the jobs of a workload wait.
fn copies_of(workload: &Workload, of: QuantityId) -> impl Iterator<Item = (&Quantity, LinkId)> {
    let quantities = (0..).map(QuantityId).zip(&workload.kind.quantities);
    quantities.filter_map(move |(id, quantity)| match workload.source(id) {
        Source::Copy { size, link } if *size == of && waits_for(&workload.program, id) => Some((quantity, *link)),
        Source::Copy { .. } | Source::Drawn(_) | Source::Pieces { .. } => None,
    })
}

fn waits_for(program: &Program, quantity: QuantityId) -> bool {
    program.ops.iter().any(|op| match op {
        Op::Wait(waited) | Op::WaitPart { quantity: waited, .. } => *waited == quantity,
        _ => false,
    })
}

/// The key that makes copies over a link take time, as messages name it.
fn speed(link: &Link) -> String {
    let key = kinds::speed(&link.name);
    if keys::find(&key).is_some() { key } else { format!("link.{}.per_job", link.name) }
}
