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

/// The keys that somebody has written, with their places, and what is known of others. What is absent holds its
/// default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    written: BTreeMap<String, Written>,
    assumed: BTreeMap<String, String>,
    lacking: BTreeMap<String, Written>,
    tied: BTreeMap<String, String>,
}

impl Places {
    /// Notes where a key is written, over what was noted of it before.
    pub fn insert(&mut self, key: impl Into<String>, written: Written) {
        self.written.insert(key.into(), written);
    }

    /// Where a key is written, by its dotted path; those of a list begin with the list and the entry's name, as
    /// `workload.boots.arrivals` does.
    pub fn get(&self, key: &str) -> Option<&Written> {
        self.written.get(key)
    }

    /// Notes that the value of a key is a guess, and why, in words that stand by themselves.
    pub fn assume(&mut self, key: impl Into<String>, why: impl Into<String>) {
        self.assumed.insert(key.into(), why.into());
    }

    /// Why the value of a key is a guess; `None`: somebody has written it, or its default is known to hold.
    pub fn assumed(&self, key: &str) -> Option<&str> {
        self.assumed.get(key).map(String::as_str)
    }

    /// Notes that a key cannot be set by itself, and why.
    pub fn tie(&mut self, key: impl Into<String>, why: impl Into<String>) {
        self.tied.insert(key.into(), why.into());
    }

    /// Why a key cannot be set by itself; `None`: it can.
    pub fn tied(&self, key: &str) -> Option<&str> {
        self.tied.get(key).map(String::as_str)
    }

    /// Notes that nobody has written an option without which another one, written here, is of no effect.
    pub fn lack(&mut self, option: impl Into<String>, needed_by: Written) {
        self.lacking.insert(option.into(), needed_by);
    }

    /// What needs an option that nobody has written.
    pub fn lacks(&self, option: &str) -> Option<&Written> {
        self.lacking.get(option)
    }
}
