//! What the jobs of a kind draw, and what they create.

use crate::document::{Issue, Node, Place, Table, Value, did_you_mean};
use crate::model::{Derived, LinkId, PieceSize, Quantity, QuantityId, QuantityUnit, Resource};
use crate::units::parse;

use super::super::definition::{Purpose, Setting};
use super::{Scope, fields};

/// Quantities of a kind: columns that somebody can still read.
const MOST_QUANTITIES: usize = 64;
/// Resources of a kind.
const MOST_RESOURCES: usize = 32;
/// States of a resource with `none`: a set of them is a word of 32 bits.
const MOST_STATES: usize = 32;

/// The state of what was never created, which every resource has.
const NONE: &str = "none";
const QUANTITY_KEYS: [&str; 6] = ["unit", "meaning", "size", "over", "per", "from"];

impl Scope<'_> {
    /// Reads what a job draws.
    pub(super) fn read_quantities(&mut self, value: &Value) {
        let Some(table) = value.as_table() else {
            fields::wrong_type("quantities", value, "a table of quantities", self.issues);
            return;
        };
        if let Some(entry) = table.entries.get(MOST_QUANTITIES) {
            self.issue(entry.place, format!("more than {MOST_QUANTITIES} quantities"));
            return;
        }
        // Names and units first, because a quantity may follow from one that stands behind it.
        for entry in &table.entries {
            let name = &entry.key;
            let is_good = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
                && name.len() <= 50;
            if !is_good {
                let issue = Issue::at(entry.place, format!("`{name}` is no name of a quantity"));
                self.issues
                    .push(issue.help("a lower-case letter, then such letters, digits and `_`, at most 50 in all"));
            }
            let fields = entry.value.as_table();
            let unit = match fields {
                Some(fields) if fields.get("over").is_some() => QuantityUnit::Seconds,
                Some(fields) if fields.get("per").is_some() => QuantityUnit::Count,
                Some(fields) => fields.get("unit").and_then(|unit| self.unit(unit)).unwrap_or(QuantityUnit::Seconds),
                None => {
                    let expected = "a table such as `{ unit = \"bytes\", meaning = \"…\" }`";
                    fields::wrong_type(name, &entry.value, expected, self.issues);
                    QuantityUnit::Seconds
                }
            };
            let meaning = fields.and_then(|fields| {
                fields::unknown_keys(fields, name, &QUANTITY_KEYS, self.issues);
                let meaning = fields::required(fields, entry.place, name, "meaning", self.issues)?;
                fields::text("meaning", meaning, self.issues)
            });
            let meaning = meaning.unwrap_or_default().to_owned();
            self.quantities.push(Quantity { name: name.to_string(), unit, meaning, derived: None });
        }
        let derived: Vec<Option<Derived>> = table
            .entries
            .iter()
            .map(|entry| entry.value.as_table().and_then(|fields| self.derived(fields, entry.place, &entry.key)))
            .collect();
        // A chain of copies would have to be resolved in an order of its own, and nobody needs one.
        for (entry, what) in table.entries.iter().zip(&derived) {
            if let Some(Derived::Copy { size, .. } | Derived::Pieces { size, .. }) = what
                && derived[size.index()].is_some()
            {
                let name = &self.quantities[size.index()].name;
                let message = format!("`{}`: `{name}` is derived itself", entry.key);
                self.issues.push(Issue::at(entry.place, message));
            }
        }
        for (quantity, what) in self.quantities.iter_mut().zip(derived) {
            quantity.derived = what;
        }
    }

    fn unit(&mut self, value: &Value) -> Option<QuantityUnit> {
        fields::word("unit", value, &["seconds", "bytes", "count"], self.issues).map(|unit| match unit {
            "bytes" => QuantityUnit::Bytes,
            "count" => QuantityUnit::Count,
            _ => QuantityUnit::Seconds,
        })
    }

    fn derived(&mut self, table: &Table, place: Place, name: &str) -> Option<Derived> {
        let (over, per) = (table.get("over"), table.get("per"));
        let size = match (table.get("size"), over, per) {
            (None, None, None) => return None,
            (Some(size), None, None) => {
                self.issue(size.place, format!("`{name}`: `size` needs `over` or `per`"));
                return None;
            }
            (_, Some(_), Some(per)) => {
                self.issue(per.place, format!("`{name}`: `over` and `per` exclude each other"));
                return None;
            }
            (None, _, _) => {
                self.issue(place, format!("`{name}` needs `size`"));
                return None;
            }
            (Some(size), _, _) => size,
        };
        if let Some(unit) = table.get("unit") {
            self.issue(unit.place, format!("`{name}`: what is derived has its unit already"));
        }
        let size = self.quantity("size", size).filter(|id| {
            let is_size = self.quantities[id.index()].unit == QuantityUnit::Bytes;
            if !is_size {
                let message = format!("`{name}`: `{}` is no number of bytes", self.quantities[id.index()].name);
                self.issues.push(Issue::at(size.place, message).help("give it `unit = \"bytes\"`"));
            }
            is_size
        });
        let derived = match (over, per) {
            (Some(over), _) => self.link(over).map(|link| (None, Some(link))),
            (None, Some(per)) => self.piece_size("per", per).map(|per| (Some(per), None)),
            (None, None) => None,
        };
        let from = match table.get("from") {
            None => Some(None),
            Some(from) if per.is_none() => {
                self.issue(from.place, format!("`{name}`: `from` needs `per`"));
                None
            }
            Some(from) => self.piece_size("from", from).map(Some),
        };
        match (size?, derived?) {
            (size, (Some(per), _)) => Some(Derived::Pieces { size, per, from: from? }),
            (size, (None, Some(link))) => Some(Derived::Copy { size, link }),
            (_, (None, None)) => None,
        }
    }

    fn link(&mut self, value: &Value) -> Option<LinkId> {
        let name = fields::text("over", value, self.issues)?;
        let link = self.names.link(name);
        if link.is_none() {
            let issue = Issue::at(value.place, format!("unknown link `{name}`"));
            self.issues.push(issue.help(did_you_mean(name, self.names.links())));
        }
        link
    }

    /// A number of bytes, a size with a unit, or the key that holds one.
    fn piece_size(&mut self, key: &str, value: &Value) -> Option<PieceSize> {
        let wrong = match &value.node {
            Node::Integer(integer) => match u64::try_from(*integer) {
                Ok(bytes @ 1..) if i64::try_from(bytes).is_ok() => return Some(PieceSize::Bytes(bytes)),
                Ok(_) | Err(_) => "takes a number of bytes above 0".to_owned(),
            },
            Node::Text(text) if !text.starts_with(|c: char| c.is_ascii_digit()) => {
                let (key, place) = (text.clone(), value.place);
                self.settings.push(Setting { key: key.clone(), place, purpose: Purpose::Size });
                return Some(PieceSize::Key(key));
            }
            Node::Text(text) => match parse::size(text) {
                Ok(bytes @ 1..) => return Some(PieceSize::Bytes(bytes)),
                Ok(0) => "must be above zero".to_owned(),
                Err(message) => message,
            },
            Node::Flag(_) | Node::Real(_) | Node::Moment(_) | Node::Array(_) | Node::Table(_) => {
                fields::wrong_type(key, value, "a size such as `\"50MB\"`, or a key that holds one", self.issues);
                return None;
            }
        };
        self.issue(value.place, format!("`{key}`: {wrong}"));
        None
    }

    /// Reads what a job may create.
    pub(super) fn read_resources(&mut self, value: &Value) {
        let Some(table) = value.as_table() else {
            fields::wrong_type("resources", value, "a table of resources with their states", self.issues);
            return;
        };
        if let Some(entry) = table.entries.get(MOST_RESOURCES) {
            self.issue(entry.place, format!("more than {MOST_RESOURCES} resources"));
            return;
        }
        for entry in &table.entries {
            let name = &entry.key;
            if self.quantities.iter().any(|quantity| quantity.name == **name) || &**name == "service_token" {
                let message = format!("`{name}` cannot be the name of a resource: `if` would not know what is meant");
                self.issues.push(Issue::at(entry.place, message));
            }
            let mut states = vec![NONE.to_owned()];
            let items = entry.value.as_array();
            if items.is_none() {
                fields::wrong_type(name, &entry.value, "a list of states", self.issues);
            }
            for item in items.unwrap_or_default() {
                let Some(state) = fields::name(name, item, self.issues) else { continue };
                if state == NONE {
                    self.issue(item.place, format!("`{name}`: every resource is in `none` before it is created"));
                } else if states.contains(&state) {
                    self.issue(item.place, format!("`{name}`: a second state is named `{state}`"));
                } else if states.len() == MOST_STATES {
                    self.issue(item.place, format!("`{name}`: more than {} states", MOST_STATES - 1));
                    break;
                } else {
                    states.push(state);
                }
            }
            self.resources.push(Resource { name: name.to_string(), states });
        }
    }

    /// The quantity that a value names.
    pub(super) fn quantity(&mut self, key: &str, value: &Value) -> Option<QuantityId> {
        let name = fields::text(key, value, self.issues)?;
        self.quantity_named(name, value.place)
    }

    pub(super) fn quantity_named(&mut self, name: &str, place: Place) -> Option<QuantityId> {
        let at = self.quantities.iter().position(|quantity| quantity.name == name).or(self.is_open.then_some(0));
        if at.is_none() {
            let known: Vec<&str> = self.quantities.iter().map(|quantity| quantity.name.as_str()).collect();
            let issue = Issue::at(place, format!("unknown quantity `{name}`")).help(did_you_mean(name, &known));
            self.issues.push(issue);
        }
        at.and_then(|at| u8::try_from(at).ok()).map(QuantityId)
    }
}
