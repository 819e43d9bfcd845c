//! Plain values of a definition: what is missing, unknown or of a wrong type becomes an issue.

use crate::document::{Collected, Issue, Node, Place, Table, Value, did_you_mean, listing};

/// The longest name.
const LONGEST_NAME: usize = 100;

pub(super) fn wrong_type(key: &str, value: &Value, expected: &str, issues: &mut Collected) {
    issues.push(Issue::at(value.place, format!("`{key}`: expected {expected}, found {}", value.what())));
}

/// The tables of a list such as `[[procedure]]`.
pub(in crate::jobs) fn tables<'v>(value: &'v Value, name: &str, issues: &mut Collected) -> Vec<(&'v Table, Place)> {
    let Some(items) = value.as_array() else {
        wrong_type(name, value, &format!("a list of tables, each headed `[[{name}]]`"), issues);
        return Vec::new();
    };
    let mut read = Vec::new();
    for item in items {
        match item.as_table() {
            Some(table) => read.push((table, item.place)),
            None => wrong_type(name, item, &format!("a table headed `[[{name}]]`"), issues),
        }
    }
    read
}

/// Reports the keys of a table that are not among those `known`.
pub(in crate::jobs) fn unknown_keys(table: &Table, of: &str, known: &[&str], issues: &mut Collected) {
    for entry in &table.entries {
        if !known.contains(&&*entry.key) {
            let issue = Issue::at(entry.place, format!("unknown key `{}` of `{of}`", entry.key));
            issues.push(issue.help(did_you_mean(&entry.key, known)));
        }
    }
}

/// The value of a key that must be there.
pub(super) fn required<'t>(
    table: &'t Table,
    place: Place,
    of: &str,
    key: &str,
    issues: &mut Collected,
) -> Option<&'t Value> {
    let value = table.get(key);
    if value.is_none() {
        issues.push(Issue::at(place, format!("`{of}` needs `{key}`")));
    }
    value
}

pub(super) fn text<'v>(key: &str, value: &'v Value, issues: &mut Collected) -> Option<&'v str> {
    let text = value.as_text();
    if text.is_none() {
        wrong_type(key, value, "a string", issues);
    }
    text
}

pub(super) fn texts(key: &str, value: &Value, issues: &mut Collected) -> Option<Vec<String>> {
    let Some(items) = value.as_array() else {
        wrong_type(key, value, "a list of strings", issues);
        return None;
    };
    items.iter().map(|item| text(key, item, issues).map(str::to_owned)).collect()
}

pub(super) fn flag(key: &str, value: &Value, issues: &mut Collected) -> Option<bool> {
    match &value.node {
        Node::Flag(flag) => Some(*flag),
        Node::Integer(_) | Node::Real(_) | Node::Text(_) | Node::Moment(_) | Node::Array(_) | Node::Table(_) => {
            wrong_type(key, value, "`true` or `false`", issues);
            None
        }
    }
}

/// An integer from `min` to `max`.
pub(super) fn integer(key: &str, value: &Value, min: u32, max: u32, issues: &mut Collected) -> Option<u32> {
    let Node::Integer(integer) = value.node else {
        wrong_type(key, value, &format!("an integer from {min} to {max}"), issues);
        return None;
    };
    let read = u32::try_from(integer).ok().filter(|read| (min..=max).contains(read));
    if read.is_none() {
        issues.push(Issue::at(value.place, format!("`{key}`: takes an integer from {min} to {max}")));
    }
    read
}

/// One of a list of words.
pub(super) fn word<'w>(key: &str, value: &Value, words: &[&'w str], issues: &mut Collected) -> Option<&'w str> {
    let Some(text) = value.as_text() else {
        wrong_type(key, value, &format!("one of {}", listing(words)), issues);
        return None;
    };
    let found = words.iter().copied().find(|word| *word == text);
    if found.is_none() {
        let issue = Issue::at(value.place, format!("`{key}`: unknown value `{text}`"));
        issues.push(issue.help(did_you_mean(text, words)));
    }
    found
}

/// A name that a definition gives to something.
pub(in crate::jobs) fn name(key: &str, value: &Value, issues: &mut Collected) -> Option<String> {
    let text = text(key, value, issues)?;
    let is_good = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && text.len() <= LONGEST_NAME;
    if !is_good {
        let issue = Issue::at(value.place, format!("`{key}`: `{text}` is no name"));
        issues
            .push(issue.help(format!(
                "a letter, then letters, digits, `_` and `-`, at most {LONGEST_NAME} characters in all"
            )));
    }
    is_good.then(|| text.to_owned())
}
