//! Arrivals and token ages as they are written in a scenario.

use crate::model::TokenAge;
use crate::random::DailyRate;
use crate::random::daily::HOURS;
use crate::units::{Span, parse};

use super::dist::{self, KINDS, Unit};
use super::kind::{Kind, Parsed};
use super::read::Context;
use super::workload::MOST_JOBS;
use crate::document::Place;
use crate::document::{Issue, did_you_mean, listing};
use crate::document::{Node, Value};

/// When jobs arrive, with a trace still to be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ArrivalsText {
    /// Jobs per second.
    Poisson(f64),
    /// Time between two jobs.
    Every(Span),
    /// Jobs per second by the hour of the day.
    Daily(DailyRate),
    /// So many jobs from an instant on; still to be compared with the duration.
    Burst { at: Span, jobs: u64, over: Span },
    /// The file, and where it is named.
    Trace { path: String, place: Place },
}

const ARRIVALS: [&str; 5] = ["poisson", "every", "daily", "burst", "trace"];

/// The fields of a burst.
pub(super) const BURST: [&str; 3] = ["at", "jobs", "over"];
/// How many jobs a burst may have.
pub(super) const BURST_JOBS: Kind = Kind::Integer { min: 1, max: MOST_JOBS };

const NO_UNIT_OF_TIME: &str = "write a unit of time, e.g. \"120/h\"";

/// Reads arrivals.
pub(super) fn arrivals(key: &str, value: &Value, cx: &mut Context) -> Option<ArrivalsText> {
    let entries = value.as_table().map(|table| table.entries.as_slice());
    let entry = match entries {
        Some([entry]) => entry,
        Some([]) | None => {
            cx.wrong_type(key, value, &Kind::Arrivals.describe());
            return None;
        }
        Some([_, second, ..]) => {
            cx.issue(
                Issue::at(second.place, format!("`{key}`: arrivals have one kind"))
                    .help(format!("one of {}", listing(&ARRIVALS))),
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
        ("daily", _) => daily(key, &entry.value, cx).map(ArrivalsText::Daily),
        ("burst", _) => burst(key, &entry.value, cx),
        ("trace", Node::Text(path)) => Some(ArrivalsText::Trace { path: path.clone(), place: entry.value.place }),
        ("poisson", Node::Integer(_) | Node::Real(_)) => wrong(NO_UNIT_OF_TIME.to_owned(), cx),
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

/// One rate for each hour from 00:00 on; every wrong one becomes an issue.
fn daily(key: &str, value: &Value, cx: &mut Context) -> Option<DailyRate> {
    let Some(items) = value.as_array() else {
        cx.wrong_type(key, value, "a list of 24 rates such as `\"120/h\"`");
        return None;
    };
    let mut rates = Vec::with_capacity(HOURS);
    for item in items {
        let message = match &item.node {
            Node::Text(text) => match parse::rate_or_zero(text) {
                Ok(rate) => {
                    rates.push(rate);
                    continue;
                }
                Err(message) => message,
            },
            Node::Integer(_) | Node::Real(_) => NO_UNIT_OF_TIME.to_owned(),
            Node::Flag(_) | Node::Moment(_) | Node::Array(_) | Node::Table(_) => {
                cx.wrong_type(key, item, "a rate such as `\"120/h\"`");
                continue;
            }
        };
        cx.issue(Issue::at(item.place, format!("`{key}`: {message}")));
    }
    if items.len() != HOURS {
        let message = format!("`{key}`: a day has {HOURS} hours, and this list has {}", items.len());
        cx.issue(Issue::at(value.place, message).help("write one rate for each hour, from 00:00 on"));
        return None;
    }
    let rates = rates.try_into().ok()?;
    let daily = DailyRate::new(rates);
    if daily.is_none() {
        cx.issue(Issue::at(value.place, format!("`{key}`: at least one of the rates must be above zero")));
    }
    daily
}

fn burst(key: &str, value: &Value, cx: &mut Context) -> Option<ArrivalsText> {
    let [at, jobs, over] = dist::fields(key, "burst", value, BURST, cx)?;
    let time = Kind::Time { positive: false };
    match (time.parse(key, at, cx), BURST_JOBS.parse(key, jobs, cx), time.parse(key, over, cx)) {
        (Some(Parsed::Time(at)), Some(Parsed::Integer(jobs)), Some(Parsed::Time(over))) => {
            Some(ArrivalsText::Burst { at, jobs: jobs.unsigned_abs(), over })
        }
        _ => None,
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
    match Kind::parse(Kind::Time { positive: false }, key, &special.value, cx) {
        Some(Parsed::Time(margin)) => Some(TokenAge::Renewing { margin }),
        _ => None,
    }
}
