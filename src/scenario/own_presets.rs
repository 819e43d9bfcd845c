//! `[presets.NAME]`: presets of a scenario's own, each over another one if it names it, and the layers that follow.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::check;
use super::keys;
use super::layers;
use super::presets;
use super::read::{Context, View};
use super::sweep::Swept;
use crate::document::{self, Issue, Node, Table, Value};

/// The table of a scenario's own presets.
pub(super) const PRESETS: &str = "presets";
/// Presets over presets over …
const DEEPEST: usize = 16;
/// The longest name.
const LONGEST_NAME: usize = 100;

/// Takes the own presets out of what is written, and tells `cx` their names. What is wrong with one becomes an issue.
pub(super) fn take(written: &mut Table, cx: &mut Context) -> Own {
    let at = written.entries.iter().position(|entry| &*entry.key == PRESETS);
    let Some(value) = at.map(|at| written.entries.remove(at).value) else { return Own::default() };
    let Node::Table(table) = value.node else {
        cx.wrong_type(PRESETS, &value, "a table of presets, each headed `[presets.NAME]`");
        return Own::default();
    };
    let mut own = Own::default();
    for entry in table.entries {
        let (name, place) = (entry.key, entry.place);
        let path = format!("{PRESETS}.{name}");
        if let Err(message) = is_good(&name) {
            cx.issue(Issue::at(place, format!("`{path}`: {message}")));
        } else if presets::presets().iter().any(|shipped| shipped.name == &*name) {
            let issue = Issue::at(place, format!("`{path}`: outlast ships a preset of this name"));
            cx.issue(
                issue.help(format!("take another name; `preset = \"{name}\"` in it puts it over the shipped one")),
            );
        }
        match entry.value.node {
            Node::Table(mut keys) => {
                let below = keys.entries.iter().position(|entry| &*entry.key == "preset");
                let below = below.map(|at| keys.entries.remove(at).value);
                own.list.push(Preset { name: name.to_string(), below, keys });
            }
            _ => cx.wrong_type(&path, &entry.value, &format!("a table headed `[{path}]`")),
        }
    }
    cx.own_presets = own.list.iter().map(|preset| preset.name.clone()).collect();
    own
}

fn is_good(name: &str) -> Result<(), String> {
    let is_good = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_good { Ok(()) } else { Err(format!("a name has letters, digits, `_` and `-`, at most {LONGEST_NAME}")) }
}

/// The presets that a scenario defines.
#[derive(Debug, Default)]
pub(super) struct Own {
    list: Vec<Preset>,
}

/// A preset as it is written.
#[derive(Debug)]
struct Preset {
    name: String,
    /// The name of the one below it.
    below: Option<Value>,
    /// Without that.
    keys: Table,
}

impl Own {
    /// Reports what no use of a preset would show, because a preset need not be used: unknown keys, wrong values, names
    /// that do not exist, and presets that lie below themselves.
    pub(super) fn check(&self, cx: &mut Context) {
        for preset in &self.list {
            check::keys_of_preset(&preset.keys, &format!("{PRESETS}.{}.", preset.name), cx);
            values(&preset.keys, "", cx);
            if let Some(below) = &preset.below {
                parse(below, cx);
            }
        }
        for preset in &self.list {
            self.check_depth(preset, cx);
        }
    }

    fn find(&self, name: &str) -> Option<&Preset> {
        self.list.iter().find(|preset| preset.name == name)
    }

    /// A preset and the own ones below it, the uppermost first, cut where they are too many.
    fn chain<'o>(&'o self, from: &'o Preset) -> impl Iterator<Item = &'o Preset> {
        let below = |preset: &&'o Preset| self.find(preset.below.as_ref()?.as_text()?);
        std::iter::successors(Some(from), below).take(DEEPEST + 2)
    }

    fn check_depth(&self, preset: &Preset, cx: &mut Context) {
        let Some(place) = preset.below.as_ref().map(|below| below.place) else { return };
        let chain: Vec<&str> = self.chain(preset).map(|preset| preset.name.as_str()).collect();
        let repeats = (1..chain.len()).any(|index| chain[..index].contains(&chain[index]));
        if let Some(again) = chain.iter().skip(1).position(|name| *name == preset.name) {
            let circle = &chain[..=again];
            // Said once, by the first of the circle in the order of the file.
            let first = self.list.iter().find(|other| circle.contains(&other.name.as_str()));
            if first.is_some_and(|first| first.name == preset.name) {
                let message =
                    format!("`{PRESETS}.{0}` lies below itself: {1} over {0}", preset.name, circle.join(" over "));
                cx.issue(Issue::at(place, message).help("let one of them name no other"));
            }
        } else if !repeats && chain.len() > DEEPEST + 1 {
            cx.issue(Issue::at(place, format!("`{PRESETS}.{}` lies over more than {DEEPEST} others", preset.name)));
        }
    }

    /// A preset as one layer, with all that lies below it; `None`: there is no such preset, or it cannot be read.
    fn layer(&self, value: &Value, shipped: &mut Shipped, cx: &mut Context) -> Option<Table> {
        let name = parse(value, cx)?;
        let Some(own) = self.find(&name) else { return shipped.layer(&name, cx) };
        let chain: Vec<&Preset> = self.chain(own).collect();
        let mut layer = Table::default();
        if let Some(below) = chain.last()?.below.as_ref().and_then(Value::as_text)
            && self.find(below).is_none()
        {
            layer = shipped.layer(below, cx)?;
        }
        for preset in chain.into_iter().rev() {
            layers::put_over(&mut layer, preset.keys.clone());
        }
        Some(layer)
    }
}

/// The name of a preset that there is.
fn parse(value: &Value, cx: &mut Context) -> Option<String> {
    let known = keys::find("preset")?.kind.parse("preset", value, cx);
    known.and_then(|_| value.as_text().map(str::to_owned))
}

/// Reads every value below a table, for what is wrong with it.
fn values(table: &Table, prefix: &str, cx: &mut Context) {
    for entry in &table.entries {
        let path = format!("{prefix}{}", entry.key);
        match (keys::find(&path), entry.value.as_table()) {
            (Some(key), _) => {
                key.kind.parse(&path, &entry.value, cx);
            }
            (None, Some(inner)) => values(inner, &format!("{path}."), cx),
            (None, None) => {}
        }
    }
}

/// Presets that outlast ships, each read once.
#[derive(Debug, Default)]
struct Shipped {
    read: HashMap<&'static str, Table>,
}

impl Shipped {
    fn layer(&mut self, name: &str, cx: &mut Context) -> Option<Table> {
        let preset = presets::presets().iter().find(|preset| preset.name == name)?;
        if let Some(table) = self.read.get(preset.name) {
            return Some(table.clone());
        }
        let source = cx.sources.add(&format!("preset {name}"), Arc::from(preset.text), Path::new(""));
        let table = document::parse(preset.text, source, &mut cx.issues)?;
        self.read.insert(preset.name, table.clone());
        Some(table)
    }
}

/// The files over each preset that occurs, merged once however many points there are.
pub(super) struct Merged {
    by_name: HashMap<String, Table>,
}

impl Merged {
    pub(super) fn new(written: &Table, own: &Own, swept: &[Swept], cx: &mut Context) -> Merged {
        let axis = swept.iter().find(|axis| axis.path == "preset");
        let values: Vec<&Value> = match axis {
            Some(axis) => axis.values.iter().map(|(value, _)| value).collect(),
            None => written.get("preset").into_iter().collect(),
        };
        let mut shipped = Shipped::default();
        let mut by_name = HashMap::new();
        for value in values {
            let Some(name) = value.as_text().filter(|name| !by_name.contains_key(*name)) else {
                parse(value, cx);
                continue;
            };
            if let Some(mut below) = own.layer(value, &mut shipped, cx) {
                layers::put_over(&mut below, written.clone());
                by_name.insert(name.to_owned(), below);
            }
        }
        Merged { by_name }
    }

    /// What is written, over the preset of a point.
    pub(super) fn under<'t>(&'t self, chosen: &[(&str, &Value)], written: &'t Table) -> &'t Table {
        let view = View { swept: chosen, prefix: "", table: "", written, defaults: written };
        let name = view.value("preset").and_then(Value::as_text);
        name.and_then(|name| self.by_name.get(name)).unwrap_or(written)
    }
}
