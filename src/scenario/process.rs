//! Arrivals and token ages as they are written in a scenario.

use crate::model::TokenAge;
use crate::units::{Span, parse};

use super::dist::{self, KINDS, Unit};
use super::read::Context;
use crate::document::Place;
use crate::document::{Issue, did_you_mean};
use crate::document::{Node, Value};

/// When jobs arrive, with a trace still to be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ArrivalsText {
    /// Jobs per second.
    Poisson(f64),
    /// Time between two jobs.
    Every(Span),
    /// The file, and where it is named.
    Trace { path: String, place: Place },
}

const ARRIVALS: [&str; 3] = ["poisson", "every", "trace"];

/// Reads arrivals.
pub(super) fn arrivals(key: &str, value: &Value, cx: &mut Context) -> Option<ArrivalsText> {
    let entries = value.as_table().map(|table| table.entries.as_slice());
    let entry = match entries {
        Some([entry]) => entry,
        Some([]) | None => {
            cx.wrong_type(key, value, "`{ poisson = \"120/h\" }`, `{ every = \"30s\" }` or `{ trace = \"jobs.csv\" }`");
            return None;
        }
        Some([_, second, ..]) => {
            cx.issue(
                Issue::at(second.place, format!("`{key}`: arrivals have one kind"))
                    .help("one of `poisson`, `every` and `trace`"),
            );
            return None;
        }
    };
    let wrong = |message: String, cx: &mut Context| {
        cx.issue(Issue::at(entry.value.place, format!("`{key}`: {message}")));
        None
    };
    match (&*entry.key, &entry.value.node) {
        ("poisson", Node::Text(text)) => match parse::rate(text) {
            Ok(rate) => Some(ArrivalsText::Poisson(rate)),
            Err(message) => wrong(message, cx),
        },
        ("every", Node::Text(text)) => match parse::span(text) {
            Ok(Span::ZERO) => wrong("must be above zero".to_owned(), cx),
            Ok(span) => Some(ArrivalsText::Every(span)),
            Err(message) => wrong(message, cx),
        },
        ("trace", Node::Text(path)) => Some(ArrivalsText::Trace { path: path.clone(), place: entry.value.place }),
        ("poisson", Node::Integer(_) | Node::Real(_)) => wrong("write a unit of time, e.g. \"120/h\"".to_owned(), cx),
        ("every", Node::Integer(_) | Node::Real(_)) => wrong("write a unit, e.g. \"40s\"".to_owned(), cx),
        ("poisson" | "every" | "trace", _) => {
            cx.wrong_type(key, &entry.value, "a string");
            None
        }
        (unknown, _) => {
            cx.issue(
                Issue::at(entry.place, format!("`{key}`: unknown kind of arrivals `{unknown}`"))
                    .help(did_you_mean(unknown, &ARRIVALS)),
            );
            None
        }
    }
}

/// Reads the age of tokens.
pub(super) fn token_age(key: &str, value: &Value, cx: &mut Context) -> Option<TokenAge> {
    let Some(table) = value.as_table() else {
        return dist::parse(key, value, Unit::Seconds, cx).map(TokenAge::Drawn);
    };
    let special = table.entries.iter().find(|entry| matches!(&*entry.key, "of_expiration" | "renewing"));
    let Some(special) = special else {
        // Neither a distribution nor one of ours: the message has to know both.
        let near =
            table.entries.iter().find(|entry| !KINDS.contains(&&*entry.key) && !matches!(&*entry.key, "min" | "max"));
        if let Some(entry) = near {
            let known: Vec<&str> = ["of_expiration", "renewing"].iter().chain(KINDS).copied().collect();
            cx.issue(
                Issue::at(entry.place, format!("`{key}`: unknown kind of token age `{}`", entry.key))
                    .help(did_you_mean(&entry.key, &known)),
            );
            return None;
        }
        return dist::parse(key, value, Unit::Seconds, cx).map(TokenAge::Drawn);
    };
    if let Some(other) = table.entries.iter().find(|entry| entry.key != special.key) {
        cx.issue(Issue::at(other.place, format!("`{key}`: `{}` cannot stand beside `{}`", other.key, special.key)));
        return None;
    }
    if &*special.key == "of_expiration" {
        return dist::parse(key, &special.value, Unit::Share, cx).map(TokenAge::OfExpiration);
    }
    match super::kind::Kind::parse(super::kind::Kind::Time { positive: false }, key, &special.value, cx) {
        Some(super::kind::Parsed::Time(margin)) => Some(TokenAge::Renewing { margin }),
        _ => None,
    }
}
