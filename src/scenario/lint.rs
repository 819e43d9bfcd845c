//! Scenarios that are only to be looked at: they may leave out `[[workload]]`, and where their keys are written is
//! kept.

use std::path::Path;
use std::sync::Arc;

use super::layers;
use super::own_presets::{self, Merged};
use super::presets::{self, presets};
use super::read::Context;
use super::{Overrides, expand, finish};
use crate::document::{Issue, Issues, Node, Place, SCENARIO_LIMIT, Sources, Table, Value, did_you_mean};
use crate::jobs;
use crate::model::study::Study;
use crate::model::{Places, Written};

/// A study to be looked at.
#[derive(Clone, Debug)]
pub struct ToLint {
    /// With a workload of every shipped job kind where the scenario names none.
    pub study: Study,
    /// Where its keys are written.
    pub places: Places,
}

/// Reads a scenario file with everything that it names.
///
/// # Errors
/// Every problem at once, each with its place.
pub fn load_to_lint(path: &Path) -> Result<ToLint, Issues> {
    let mut cx = Context::default();
    let shown = path.to_string_lossy();
    match cx.sources.read(path, &shown, SCENARIO_LIMIT) {
        Ok(text) => read(&shown, text, path, cx),
        Err(message) => {
            cx.issue(Issue::general(message));
            Err(finish(cx))
        }
    }
}

/// Reads a scenario from a text as if it stood in `folder` under `name`.
///
/// # Errors
/// Every problem at once, each with its place.
pub fn text_to_lint(name: &str, text: &str, folder: &Path) -> Result<ToLint, Issues> {
    read(name, Arc::from(text), &folder.join(name), Context::default())
}

/// What a deployment tool ships, by the name of its preset, with nothing over it.
///
/// # Errors
/// There is none of this name: a message that says which there are.
pub fn preset_to_lint(name: &str) -> Result<ToLint, String> {
    let names: Vec<&str> = presets().iter().map(|preset| preset.name).collect();
    if !names.contains(&name) {
        return Err(format!("unknown preset `{name}`: {}", did_you_mean(name, &names)));
    }
    let text = format!("name = \"{name}\"\npreset = \"{name}\"\n");
    text_to_lint("preset.toml", &text, Path::new("")).map_err(|issues| issues.to_string())
}

fn read(name: &str, text: Arc<str>, path: &Path, mut cx: Context) -> Result<ToLint, Issues> {
    let read = layers::load(name, text, path, &mut cx).and_then(|written| {
        let written = if written.get("workload").is_some() { written } else { every_kind(written, &mut cx)? };
        let (study, _) = expand(written.clone(), &Overrides::default(), &mut cx)?;
        Some(ToLint { study, places: places(written, &mut cx) })
    });
    match read {
        Some(mut read) if cx.issues.len() == 0 => {
            read.study.inputs_sha256 = cx.sources.sha256();
            Ok(read)
        }
        Some(_) | None => Err(finish(cx)),
    }
}

/// The scenario over one workload of each shipped job kind. Their tokens are new, so that no lifetime is too short.
fn every_kind(written: Table, cx: &mut Context) -> Option<Table> {
    let workload =
        |kind: &str| format!("[[workload]]\njob = \"{kind}\"\narrivals = {{ every = \"1h\" }}\ntoken_age = \"0s\"\n");
    let text: Arc<str> =
        jobs::builtins().iter().map(|kind| workload(&kind.kind.name)).collect::<Vec<_>>().concat().into();
    let source = cx.sources.add("a workload of every job kind", Arc::clone(&text), Path::new(""));
    let mut below = crate::document::parse(&text, source, &mut cx.issues)?;
    layers::put_over(&mut below, written);
    Some(below)
}

/// Where every key is written: in the sweep, else in the files, else in the preset.
fn places(mut written: Table, cx: &mut Context) -> Places {
    let mut places = Places::default();
    let preset = written.get("preset").and_then(Value::as_text).map(str::to_owned);
    let own = own_presets::take(&mut written, cx);
    note(Merged::new(&written, &own, &[], cx).under(&[], &written), "", &cx.sources, &mut places);
    if let Some(sweep) = written.get("sweep").and_then(Value::as_table) {
        note(sweep, "", &cx.sources, &mut places);
    }
    if let Some(preset) = preset {
        presets::note(&preset, &mut places);
    }
    places
}

fn note(table: &Table, prefix: &str, sources: &Sources, places: &mut Places) {
    for entry in &table.entries {
        let key = format!("{prefix}{}", entry.key);
        match &entry.value.node {
            Node::Table(inner) if key != "sweep" => note(inner, &format!("{key}."), sources, places),
            Node::Array(items) => {
                let tables = items.iter().filter_map(Value::as_table);
                for (table, name) in tables.filter_map(|table| Some((table, name_of(table)?))) {
                    note(table, &format!("{key}.{name}."), sources, places);
                }
            }
            _ => {}
        }
        if let Some(written) = at(entry.value.place, sources) {
            places.insert(key, written);
        }
    }
}

/// What an entry of a list is called.
fn name_of(table: &Table) -> Option<&str> {
    table.get("name").or_else(|| table.get("job")).and_then(Value::as_text)
}

fn at(place: Place, sources: &Sources) -> Option<Written> {
    let source = sources.get(place)?;
    let (start, end) = (place.start as usize, place.end as usize);
    let (line, column) = source.line_column(start);
    let text = source.text.lines().nth(line - 1)?.trim_start_matches('\u{feff}');
    let width = source.text.get(start..end)?.lines().next().unwrap_or_default().chars().count();
    Some(Written { file: source.name.clone(), line, column, width: width.max(1), text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_where_they_are_written() {
        let text = "name = \"x\"\npreset = \"devstack\"\n\n[keystone.token]\nexpiration = \"2h\"\n\n[sweep]\n\
                    \"keystone.token.allow_expired_window\" = [\"1h\", \"2h\"]\n";
        let read = text_to_lint("x.toml", text, Path::new("")).unwrap_or_else(|issues| panic!("{issues}"));
        let place = |key: &str| read.places.get(key).map(|at| (at.file.as_str(), at.line, at.column, at.width));
        assert_eq!(place("keystone.token.expiration"), Some(("x.toml", 5, 14, 4)), "over the preset");
        assert_eq!(place("keystone.token.allow_expired_window"), Some(("x.toml", 8, 41, 12)), "over the preset, too");
        assert_eq!(place("nova.service_user.send_service_user_token"), Some(("preset devstack", 16, 27, 4)));
        assert_eq!(place("glance.keystone_authtoken.token_cache_time"), None, "a default");
    }

    #[test]
    fn without_workloads_there_is_one_of_every_kind() {
        let read = preset_to_lint("kolla-ansible").unwrap();
        let found: Vec<&str> =
            read.study.points[0].model.workloads.iter().map(|workload| workload.kind.name.as_str()).collect();
        let shipped: Vec<&str> = jobs::builtins().iter().map(|kind| kind.kind.name.as_str()).collect();
        assert_eq!(found, shipped);
        let own = "name = \"x\"\n[[workload]]\njob = \"snapshot\"\narrivals = { every = \"1h\" }\n";
        let read = text_to_lint("x.toml", own, Path::new("")).unwrap_or_else(|issues| panic!("{issues}"));
        assert_eq!(read.study.points[0].model.workloads.len(), 1);
    }

    #[test]
    fn an_unknown_preset_is_told_the_nearest() {
        let message = preset_to_lint("kola-ansible").unwrap_err();
        assert!(message.starts_with("unknown preset `kola-ansible`: did you mean `kolla-ansible`?"), "{message}");
    }
}
