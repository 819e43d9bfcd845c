//! Whether every key of a merged file is known. Values are checked where they are read.

use super::keys::{self, KEYS};
use super::kinds::Kinds;
use super::read::Context;
use crate::document::{Issue, listing, nearest};
use crate::document::{Table, Value};
use crate::model::Kind;

/// The path of a workload's keys in the key table.
const WORKLOAD: &str = "workload.";

/// Reports every unknown key of a file.
pub(super) fn unknown_keys(table: &Table, cx: &mut Context) {
    below(table, "", "", cx);
}

/// `path` is that of the table in the key table, `shown` what people write.
fn below(table: &Table, path: &str, shown: &str, cx: &mut Context) {
    let kind = if path == WORKLOAD { cx.kinds.of(table).cloned() } else { None };
    for entry in &table.entries {
        let full = format!("{path}{}", entry.key);
        let shown_full = format!("{shown}{}", entry.key);
        if keys::find(&full).is_some() || path == WORKLOAD && is_drawn(&entry.key, kind.as_deref(), &cx.kinds) {
            continue;
        }
        match (full.as_str(), &entry.value) {
            ("workload" | "expect", value) => list(value, &full, cx),
            (_, value) if is_section(&full) => match value.as_table() {
                Some(inner) => below(inner, &format!("{full}."), &format!("{shown_full}."), cx),
                None => cx.wrong_type(&shown_full, value, "a table"),
            },
            (_, _) => {
                let issue = Issue::at(entry.place, format!("unknown key `{shown_full}`"));
                let help = help(&entry.key, path, kind.as_deref(), &cx.kinds);
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
    for item in items {
        match item.as_table() {
            Some(table) => below(table, &format!("{name}."), &format!("{name}."), cx),
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
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// What may stand directly below a path, in a workload of this kind.
fn known_below<'k>(path: &str, kind: Option<&'k Kind>) -> Vec<&'k str> {
    let mut known: Vec<&str> = Vec::new();
    for key in KEYS {
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
fn help(written: &str, path: &str, kind: Option<&Kind>, kinds: &Kinds) -> String {
    let known = known_below(path, kind);
    let drawing = kinds.drawing(written);
    if let (true, Some(kind)) = (path == WORKLOAD && !drawing.is_empty(), kind) {
        return format!("jobs of kind {} draw it, and these are of kind `{}`", listing(&drawing), kind.name);
    }
    if let Some(name) = nearest(written, known.iter().copied()) {
        return format!("did you mean `{path}{name}`?");
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
        let quantity =
            |name: &&str| Quantity { name: (*name).to_owned(), unit: QuantityUnit::Count, meaning: String::new() };
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
