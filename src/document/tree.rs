//! The dynamic tree of a scenario: TOML values that remember their place, and how layers merge. No meaning of keys.

use std::fmt;
use std::num::IntErrorKind;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::issue::{Collected, Issue};
use super::source::Place;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Where it was written.
    pub place: Place,
    /// What it is.
    pub node: Node,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `true` or `false`.
    Flag(bool),
    /// Wider than any option, so that the range check speaks of the value that was written.
    Integer(i128),
    /// A float.
    Real(f64),
    /// A string.
    Text(String),
    /// A date or time of TOML, which nothing here takes.
    Moment(String),
    /// A list.
    Array(Vec<Value>),
    /// Keys with values.
    Table(Table),
}

impl Value {
    /// What it is, with its article, for "expected …, found …".
    pub fn what(&self) -> &'static str {
        match &self.node {
            Node::Flag(_) => "a boolean",
            Node::Integer(_) => "an integer",
            Node::Real(_) => "a float",
            Node::Text(_) => "a string",
            Node::Moment(_) => "a date or time",
            Node::Array(_) => "an array",
            Node::Table(_) => "a table",
        }
    }

    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match &self.node {
            Node::Table(table) => Some(table),
            Node::Flag(_) | Node::Integer(_) | Node::Real(_) | Node::Text(_) | Node::Moment(_) | Node::Array(_) => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_array(&self) -> Option<&[Value]> {
        match &self.node {
            Node::Array(items) => Some(items),
            Node::Flag(_) | Node::Integer(_) | Node::Real(_) | Node::Text(_) | Node::Moment(_) | Node::Table(_) => None,
        }
    }

    /// The text, if it is a string.
    pub fn as_text(&self) -> Option<&str> {
        match &self.node {
            Node::Text(text) => Some(text),
            Node::Flag(_) | Node::Integer(_) | Node::Real(_) | Node::Moment(_) | Node::Array(_) | Node::Table(_) => {
                None
            }
        }
    }

    /// The same value as if all of it were written at one place.
    pub fn at_place(&self, place: Place) -> Value {
        let node = match &self.node {
            Node::Array(items) => Node::Array(items.iter().map(|item| item.at_place(place)).collect()),
            Node::Table(table) => Node::Table(table.at_place(place)),
            node @ (Node::Flag(_) | Node::Integer(_) | Node::Real(_) | Node::Text(_) | Node::Moment(_)) => node.clone(),
        };
        Value { place, node }
    }

    /// As a person wrote it, without the quotes of a plain string.
    pub fn label(&self) -> String {
        self.as_text().map_or_else(|| self.to_string(), str::to_owned)
    }
}

/// Compact TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::Flag(flag) => write!(f, "{flag}"),
            Node::Integer(integer) => write!(f, "{integer}"),
            Node::Real(real) => write!(f, "{real:?}"),
            Node::Text(text) => write!(f, "{text:?}"),
            Node::Moment(text) => f.write_str(text),
            Node::Array(items) => {
                let items: Vec<String> = items.iter().map(Value::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Node::Table(table) => {
                let entries: Vec<String> =
                    table.entries.iter().map(|entry| format!("{} = {}", entry.key, entry.value)).collect();
                write!(f, "{{ {} }}", entries.join(", "))
            }
        }
    }
}

/// Keys with their values, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// A key, where it was written, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Arc<str>,
    /// Where the key stands.
    pub place: Place,
    /// Its value.
    pub value: Value,
}

impl Table {
    /// The same table as if all of it were written at one place.
    pub fn at_place(&self, place: Place) -> Table {
        let entry = |entry: &Entry| Entry { key: Arc::clone(&entry.key), place, value: entry.value.at_place(place) };
        Table { entries: self.entries.iter().map(entry).collect() }
    }

    /// The entry of a key directly here.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    /// The value of a key directly here.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value at a dotted path.
    pub fn at(&self, path: &str) -> Option<&Value> {
        match path.split_once('.') {
            None => self.get(path),
            Some((first, rest)) => self.get(first)?.as_table()?.at(rest),
        }
    }

    /// Takes away the value at a dotted path, if there is one.
    pub fn remove(&mut self, path: &str) {
        match path.split_once('.') {
            None => self.entries.retain(|entry| &*entry.key != path),
            Some((first, rest)) => {
                let inner = self.entries.iter_mut().find(|entry| &*entry.key == first);
                if let Some(Node::Table(table)) = inner.map(|entry| &mut entry.value.node) {
                    table.remove(rest);
                }
            }
        }
    }

    /// Puts `above` over this table: tables merge, everything else is replaced. A path for which `is_value`
    /// holds is one value even if it is written as a table (a distribution, say), and is replaced whole.
    pub fn merge(&mut self, above: Table, path: &str, is_value: &dyn Fn(&str) -> bool) {
        for entry in above.entries {
            let full = if path.is_empty() { entry.key.to_string() } else { format!("{path}.{}", entry.key) };
            match self.entries.iter_mut().find(|mine| mine.key == entry.key) {
                None => self.entries.push(entry),
                Some(mine) => match (&mut mine.value.node, entry.value.node) {
                    (Node::Table(below), Node::Table(over)) if !is_value(&full) => {
                        below.merge(over, &full, is_value);
                        mine.value.place = entry.value.place;
                        mine.place = entry.place;
                    }
                    (_, node) => {
                        mine.value = Value { place: entry.value.place, node };
                        mine.place = entry.place;
                    }
                },
            }
        }
    }
}

/// Parses a TOML text; every syntax error is an issue of its own.
pub fn parse(text: &str, source: u32, issues: &mut Collected) -> Option<Table> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(lower_table(table.get_ref(), source, issues));
    }
    let mut last_line = None;
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        // After the first error of a line the parser guesses; what it then says of the same line only confuses.
        let line = text.get(..span.start).map(|before| before.matches('\n').count());
        if last_line.is_some() && line == last_line {
            continue;
        }
        last_line = line;
        let message = error.message().replace('\n', "; ");
        issues.push(Issue::at(place(source, &span), format!("not TOML: {message}")));
        // Inside an array that is not closed, everything up to the end of the file looks wrong.
        if error.message().contains("array elements") {
            break;
        }
    }
    None
}

fn place(source: u32, span: &std::ops::Range<usize>) -> Place {
    Place { source, start: span.start as u32, end: span.end as u32 }
}

fn lower_table(table: &DeTable<'_>, source: u32, issues: &mut Collected) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: Arc::from(&**key.get_ref()),
            place: place(source, &key.span()),
            value: lower(value.get_ref(), place(source, &value.span()), source, issues),
        })
        .collect();
    // The parser orders by name, and the order of a sweep is that of the file.
    entries.sort_by_key(|entry| entry.place.start);
    Table { entries }
}

fn lower(value: &DeValue<'_>, at: Place, source: u32, issues: &mut Collected) -> Value {
    let node = match value {
        DeValue::String(text) => Node::Text(text.to_string()),
        DeValue::Integer(integer) => match i128::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Node::Integer(integer),
            // Far outside every range, so that the range check speaks.
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => Node::Integer(i128::MAX),
            Err(error) if *error.kind() == IntErrorKind::NegOverflow => Node::Integer(i128::MIN),
            Err(_) => {
                issues.push(Issue::at(at, "not TOML: this integer has no digits"));
                Node::Integer(0)
            }
        },
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(real) => Node::Real(real),
            Err(_) => {
                issues.push(Issue::at(at, "not TOML: this float cannot be read"));
                Node::Real(0.0)
            }
        },
        DeValue::Boolean(flag) => Node::Flag(*flag),
        DeValue::Datetime(moment) => Node::Moment(moment.to_string()),
        DeValue::Array(items) => Node::Array(
            items.iter().map(|item| lower(item.get_ref(), place(source, &item.span()), source, issues)).collect(),
        ),
        DeValue::Table(table) => Node::Table(lower_table(table, source, issues)),
    };
    Value { place: at, node }
}
