//! Whether every key of a merged file is known. Values are checked where they are read.

use super::keys::{self, KEYS};
use super::read::Context;
use crate::document::{Issue, listing, nearest};
use crate::document::{Table, Value};

/// Reports every unknown key of a file.
pub(super) fn unknown_keys(table: &Table, cx: &mut Context) {
    below(table, "", "", cx);
}

/// `path` is that of the table in the key table, `shown` what people write.
fn below(table: &Table, path: &str, shown: &str, cx: &mut Context) {
    for entry in &table.entries {
        let full = format!("{path}{}", entry.key);
        let shown_full = format!("{shown}{}", entry.key);
        if keys::find(&full).is_some() {
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
                cx.issue(issue.help(help(&entry.key, path)));
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

/// Whether keys stand below this path.
fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// What may stand directly below a path.
fn known_below(path: &str) -> Vec<&'static str> {
    let mut known: Vec<&'static str> = Vec::new();
    for key in KEYS {
        if let Some(rest) = key.path.strip_prefix(path) {
            let first = rest.split('.').next().unwrap_or(rest);
            if !known.contains(&first) {
                known.push(first);
            }
        }
    }
    known
}

/// The nearest name here, else the sections in which the key is known, else all that is known here.
fn help(written: &str, path: &str) -> String {
    let known = known_below(path);
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
