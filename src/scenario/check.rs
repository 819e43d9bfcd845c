//! Whether every key of a merged file is known. Values are checked where they are read.

use super::keys::{self, KEYS, Key, LISTS};
use super::kinds::Kinds;
use super::read::Context;
use super::workload::WORKLOAD;
use crate::document::{Issue, listing, nearest};
use crate::document::{Table, Value};
use crate::model::Kind;

/// Why no list of tables can change, or stand in a preset.
const LISTED: &str = "services, links, jobs and expectations are those of the whole run";
const NOT_BELOW: &str = "services, links, jobs, changes and expectations are those of every point";

/// What a table is part of, where not every key may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Scenario,
    Change,
    Preset,
}

impl Part {
    /// Why a key cannot stand there, in words for both.
    fn refuses(self, key: &Key) -> Option<(&'static str, &'static str)> {
        match self {
            Part::Scenario => None,
            Part::Change => key.steady.map(|why| ("cannot change", why)),
            Part::Preset => key.fixed.map(|why| ("cannot stand in a preset", why)),
        }
    }

    /// The same of a list of tables.
    fn refuses_lists(self) -> Option<(&'static str, &'static str)> {
        match self {
            Part::Scenario => None,
            Part::Change => Some(("cannot stand in a change", LISTED)),
            Part::Preset => Some(("cannot stand in a preset", NOT_BELOW)),
        }
    }
}

/// Where a table stands.
#[derive(Clone, Copy)]
struct Level<'a> {
    /// The path of its keys in the key table, up to them.
    path: &'a str,
    /// The same as people write it.
    shown: &'a str,
    part: Part,
}

/// Reports every unknown key of a file.
pub(super) fn unknown_keys(table: &Table, cx: &mut Context) {
    below(table, Level { path: "", shown: "", part: Part::Scenario }, cx);
}

/// Reports every key of a preset that is unknown or cannot stand there; `shown` is what people write before them.
pub(super) fn keys_of_preset(table: &Table, shown: &str, cx: &mut Context) {
    below(table, Level { path: "", shown, part: Part::Preset }, cx);
}

fn below(table: &Table, level: Level<'_>, cx: &mut Context) {
    let Level { path, shown, part } = level;
    let kind = if path == WORKLOAD { cx.kinds.of(table).cloned() } else { None };
    for entry in &table.entries {
        let full = format!("{path}{}", entry.key);
        let shown_full = format!("{shown}{}", entry.key);
        if part == Part::Change && shown_full == "change.at" {
            continue;
        }
        if let Some(key) = keys::find(&full) {
            if let Some((what, why)) = part.refuses(key) {
                cx.issue(Issue::at(entry.place, format!("`{full}` {what}: {why}")));
            }
            continue;
        }
        if path == WORKLOAD && is_drawn(&entry.key, kind.as_deref(), &cx.kinds) {
            continue;
        }
        let refused = part.refuses_lists().filter(|_| LISTS.contains(&full.as_str()));
        match (&entry.value, refused) {
            (_, Some((what, why))) => cx.issue(Issue::at(entry.place, format!("`[[{full}]]` {what}: {why}"))),
            (value, None) if LISTS.contains(&full.as_str()) => list(value, &full, cx),
            (value, None) if is_section(&full) => match value.as_table() {
                Some(inner) => {
                    let (path, shown) = (format!("{full}."), format!("{shown_full}."));
                    below(inner, Level { path: &path, shown: &shown, part }, cx);
                }
                None => cx.wrong_type(&shown_full, value, "a table"),
            },
            (_, None) => {
                let issue = Issue::at(entry.place, format!("unknown key `{shown_full}`"));
                let help = help(&entry.key, level, kind.as_deref(), &cx.kinds);
                cx.issue(issue.help(help));
            }
        }
    }
}

fn list(value: &Value, name: &str, cx: &mut Context) {
    let Some(items) = value.as_array() else {
        cx.wrong_type(name, value, &format!("a list of tables, each headed `[[{name}]]`"));
        return;
    };
    let own = format!("{name}.");
    // What a change sets are the keys of the scenario.
    let (path, part) = if name == "change" { ("", Part::Change) } else { (own.as_str(), Part::Scenario) };
    for item in items {
        match item.as_table() {
            Some(table) => below(table, Level { path, shown: &own, part }, cx),
            None => cx.wrong_type(name, item, &format!("a table headed `[[{name}]]`")),
        }
    }
}

/// Whether the jobs of a workload draw a quantity of this name. What they do may be missing or wrong, which is an issue
/// elsewhere: then every quantity will do.
fn is_drawn(name: &str, kind: Option<&Kind>, kinds: &Kinds) -> bool {
    kind.map_or_else(|| !kinds.drawing(name).is_empty(), |kind| kind.quantity(name).is_some())
}

/// Whether keys stand below this path.
fn is_section(path: &str) -> bool {
    !LISTS.contains(&path)
        && KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// What may stand directly below a path, in a workload of this kind.
fn known_below<'k>(level: Level<'_>, kind: Option<&'k Kind>) -> Vec<&'k str> {
    let Level { path, part, .. } = level;
    let mut known: Vec<&str> = Vec::new();
    let may_stand =
        |key: &&Key| part == Part::Scenario || part.refuses(key).is_none() && keys::list_of(key.path).is_none();
    for key in KEYS.iter().filter(may_stand) {
        if let Some(rest) = key.path.strip_prefix(path) {
            let first = rest.split('.').next().unwrap_or(rest);
            if !known.contains(&first) {
                known.push(first);
            }
        }
    }
    known.extend(kind.iter().flat_map(|kind| &kind.quantities).map(|quantity| quantity.name.as_str()));
    known
}

/// The nearest name here, else the job kinds and sections in which the key is known, else all that is known here.
fn help(written: &str, level: Level<'_>, kind: Option<&Kind>, kinds: &Kinds) -> String {
    let Level { path, shown, .. } = level;
    let known = known_below(level, kind);
    let drawing = kinds.drawing(written);
    if let (true, Some(kind)) = (path == WORKLOAD && !drawing.is_empty(), kind) {
        return format!("jobs of kind {} draw it, and these are of kind `{}`", listing(&drawing), kind.name);
    }
    if let Some(name) = nearest(written, known.iter().copied()) {
        return format!("did you mean `{shown}{name}`?");
    }
    let elsewhere: Vec<&str> =
        KEYS.iter().map(|key| key.path).filter(|path| path.rsplit('.').next() == Some(written)).collect();
    if !elsewhere.is_empty() {
        return format!("known as {}", listing(&elsewhere));
    }
    format!("known here: {}", listing(&known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{self, Collected};
    use crate::model::{Quantity, QuantityUnit};

    fn kind(name: &str, quantities: &[&str]) -> Kind {
        let quantity = |name: &&str| Quantity {
            name: (*name).to_owned(),
            unit: QuantityUnit::Count,
            meaning: String::new(),
            derived: None,
        };
        Kind {
            name: name.to_owned(),
            description: String::new(),
            steps: Vec::new(),
            quantities: quantities.iter().map(quantity).collect(),
            resources: Vec::new(),
        }
    }

    #[test]
    fn the_keys_of_a_workload_are_those_of_its_kind() {
        let cases = [
            ("job = \"copy\"\nchunks = 3", None),
            ("job = \"copy\"\nchunk = 3", Some("did you mean `workload.chunks`?")),
            ("job = \"copy\"\nframes = 3", Some("jobs of kind `film` draw it, and these are of kind `copy`")),
            ("job = \"film\"\nchunks = 3\nframes = 3", None),
            // What the job should have been is asked elsewhere.
            ("job = \"flim\"\nchunks = 3\nframes = 3", None),
            ("chunks = 3", None),
        ];
        for (text, expected) in cases {
            let kinds = Kinds::these(vec![kind("copy", &["chunks"]), kind("film", &["frames", "chunks"])]);
            let mut cx = Context { kinds, ..Context::default() };
            let table = document::parse(&format!("[[workload]]\n{text}"), 0, &mut Collected::default()).unwrap();
            unknown_keys(&table, &mut cx);
            assert_eq!(cx.issues.len(), usize::from(expected.is_some()), "{text}");
            if let Some(help) = expected {
                let source = cx.sources.add("t.toml", format!("[[workload]]\n{text}").into(), std::path::Path::new(""));
                assert_eq!(source, 0);
                let shown = cx.issues.finish(cx.sources.into_list()).to_string();
                assert!(shown.ends_with(help), "{text}: {shown}");
            }
        }
    }
}
