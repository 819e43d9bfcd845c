//! Where the keys of a scenario are written, for messages that point there.

use std::collections::BTreeMap;

/// Where a value is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Written {
    /// The file, as people know it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// How many characters of the line the value takes.
    pub width: usize,
    /// The whole line.
    pub text: String,
}

/// The keys that somebody has written, with their places. What is absent holds its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<String, Written>);

impl Places {
    /// Notes where a key is written, over what was noted of it before.
    pub fn insert(&mut self, key: impl Into<String>, written: Written) {
        self.0.insert(key.into(), written);
    }

    /// Where a key is written, by its dotted path; those of a list begin with the list and the entry's name, as
    /// `workload.boots.arrivals` does.
    pub fn get(&self, key: &str) -> Option<&Written> {
        self.0.get(key)
    }
}
