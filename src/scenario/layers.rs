//! The layers of files: a scenario, what it includes, and the preset below both.

use std::path::Path;
use std::sync::Arc;

use super::kind::Kind;
use super::kind::Parsed;
use super::own_presets::PRESETS;
use super::read::Context;
use super::{keys, kind, not_toml};
use crate::document::{self, Entry, Node, Table, Value};
use crate::document::{Collected, Issue};
use crate::document::{Place, SCENARIO_LIMIT};

/// Includes of includes of …
const DEEPEST: usize = 16;
/// Files in all; two files that each include two others would otherwise grow without end.
const MOST_FILES: usize = 1_000;

/// Whether a path is one value, and replaced whole by a higher layer, even if it is written as a table.
fn is_value(path: &str) -> bool {
    // `sweep` and `where` are tables of paths: they merge key by key.
    keys::find(path).is_some_and(|key| !matches!(key.kind, kind::Kind::Free))
}

/// Puts a layer over another.
pub(super) fn put_over(below: &mut Table, mut above: Table) {
    // Presets are layers themselves: of those with one name, the keys of one lie over those of the other.
    let presets = above.entries.iter().position(|entry| &*entry.key == PRESETS);
    let presets = presets.map(|at| above.entries.remove(at));
    for (chosen, dropped) in ALTERNATIVES {
        if above.at(chosen).is_some() && dropped.iter().all(|path| above.at(path).is_none()) {
            dropped.iter().for_each(|path| below.remove(path));
        }
    }
    below.merge(above, "", &is_value);
    if let Some(presets) = presets {
        put_presets(below, presets);
    }
}

fn put_presets(below: &mut Table, presets: Entry) {
    let known = below.entries.iter_mut().find(|entry| entry.key == presets.key);
    let (Some(Entry { value: Value { node: Node::Table(known), .. }, .. }), Node::Table(above)) =
        (known, &presets.value.node)
    else {
        // The first ones, or no table, which is refused when it is looked at.
        below.remove(PRESETS);
        below.entries.push(presets);
        return;
    };
    for preset in &above.entries {
        let same = known.entries.iter_mut().find(|entry| entry.key == preset.key);
        match (same.map(|entry| &mut entry.value.node), &preset.value.node) {
            (Some(Node::Table(below)), Node::Table(above)) => put_over(below, above.clone()),
            (Some(node), above) => *node = above.clone(),
            (None, _) => known.entries.push(preset.clone()),
        }
    }
}

/// Ways to say one thing: where a layer says it one way, what lower layers said the other way is replaced too.
const ALTERNATIVES: [(&str, &[&str]); 5] = [
    ("cloud.fernet_rotation.at", &["cloud.fernet_rotation.every", "cloud.fernet_rotation.offset"]),
    ("cloud.fernet_rotation.every", &["cloud.fernet_rotation.at"]),
    ("cloud.fernet_rotation.at", &["cloud.keystone.rotations"]),
    ("cloud.fernet_rotation.every", &["cloud.keystone.rotations"]),
    ("cloud.keystone.rotations", &["cloud.fernet_rotation"]),
];

/// A scenario text with everything that it includes below it; `None`: some file could not be read or parsed.
pub(super) fn load(name: &str, text: Arc<str>, path: &Path, cx: &mut Context) -> Option<Table> {
    let mut files = 0;
    let folder = path.parent().unwrap_or(Path::new(""));
    one(name, text, folder, &mut vec![path.to_owned()], &mut files, cx)
}

fn one(
    name: &str,
    text: Arc<str>,
    folder: &Path,
    open: &mut Vec<std::path::PathBuf>,
    files: &mut usize,
    cx: &mut Context,
) -> Option<Table> {
    let source = cx.sources.add(name, Arc::clone(&text), folder);
    if not_toml::is_secret(name) {
        cx.sources.hide(source);
    }
    let mut errors = Collected::default();
    let parsed = document::parse(&text, source, &mut errors);
    let Some(mut table) = parsed else {
        let (errors, may_be_shown) = not_toml::judged(name, &text, errors);
        cx.issues.append(errors);
        if !may_be_shown {
            cx.sources.hide(source);
        }
        return None;
    };
    cx.issues.append(errors);
    let at = table.entries.iter().position(|entry| &*entry.key == "include");
    let Some(at) = at else {
        return Some(table);
    };
    let include = table.entries.remove(at).value;
    let Some(Parsed::Words(_)) = Kind::Paths.parse("include", &include, cx) else {
        return None;
    };
    let mut below = Table::default();
    let mut good = true;
    for item in include.as_array().unwrap_or_default() {
        match included(item, open, files, cx) {
            Some(layer) => put_over(&mut below, layer),
            None => good = false,
        }
    }
    put_over(&mut below, table);
    good.then_some(below)
}

fn included(item: &Value, open: &mut Vec<std::path::PathBuf>, files: &mut usize, cx: &mut Context) -> Option<Table> {
    let written = item.as_text()?;
    let path = cx.sources.resolve(item.place, written);
    // Two names of one file count as one; a file that is not there is reported when it is read.
    let real = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
    let is_open = |other: &std::path::PathBuf| std::fs::canonicalize(other).is_ok_and(|other| other == real);
    let refuse = |message: String, cx: &mut Context| {
        cx.issue(Issue::at(item.place, message));
        None
    };
    if open.iter().any(is_open) {
        return refuse(format!("`include`: `{written}` includes itself, directly or through others"), cx);
    }
    if open.len() > DEEPEST {
        return refuse(format!("`include`: files are included more than {DEEPEST} deep"), cx);
    }
    *files += 1;
    if *files > MOST_FILES {
        return refuse(format!("`include`: more than {MOST_FILES} files are included"), cx);
    }
    let text = match cx.sources.read(&path, written, SCENARIO_LIMIT) {
        Ok(text) => text,
        Err(message) => return refuse(format!("`include`: {message}"), cx),
    };
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let shown = path.to_string_lossy().into_owned();
    open.push(path);
    let layer = one(&shown, text, &folder, open, files, cx);
    open.pop();
    layer
}

/// Where the first byte of the scenario itself stands: the place of what is missing.
pub(super) const BEGINNING: Place = Place { source: 0, start: 0, end: 0 };
