//! What the value of a key may be: the closed list of kinds, how each is described, and how each is read.

use crate::model::{MissedSyncs, Offset};
use crate::random::Dist;
use crate::units::{Instant, MICROS, Span, Throughput, parse};

use super::cluster;
use super::dist::{self, Unit};
use super::presets;
use super::process::{self, ArrivalsText};
use super::read::Context;
use crate::document::{Issue, did_you_mean, listing};
use crate::document::{Node, Value};
use crate::model::TokenAge;

/// The kind of a key's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number in a range.
    Integer { min: i64, max: i64 },
    /// How many there are of what serves others: at least 1.
    Size { max: i64 },
    /// A number strictly between 0 and 1.
    Level,
    /// A number from 0 to 1, or a percentage.
    Share,
    /// One of a list of words.
    Choice(fn() -> Vec<&'static str>),
    /// Any text.
    Text,
    /// A text that is safe as a folder's name.
    Name,
    /// A list of texts; as in OpenStack's files a text with commas will do.
    Words,
    /// A list of paths.
    Paths,
    /// An option of OpenStack in whole seconds; `off`: -1 turns it off, and then 0 is refused.
    Seconds { off: bool },
    /// A duration with a unit; `positive`: above zero.
    Time { positive: bool },
    /// A duration with a unit and a sign.
    SignedTime,
    /// The same, or a list of them, one for each node of Keystone.
    ByNode,
    /// An instant: a duration since the start, negative before it.
    Instant,
    /// A list of instants.
    Instants,
    /// A list of instants for each node of Keystone.
    Schedules,
    /// Times with a beginning and an end, which do not overlap.
    Periods,
    /// Times during which no keys reach a node of Keystone.
    MissedSyncs,
    /// An instant of a schedule, or `random`.
    Offset,
    /// Bytes per second.
    Throughput,
    /// A distribution.
    Dist(Unit),
    /// When jobs arrive.
    Arrivals,
    /// How old tokens are.
    TokenAge,
    /// A bound of an expectation, read by the metric.
    Bound,
    /// A table whose keys are checked where it is read.
    Free,
    /// The name of a job kind.
    Job,
    /// The name of a preset.
    Preset,
    /// A list of tables that another room reads.
    Tables,
}

/// A value that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Parsed {
    Flag(bool),
    Integer(i64),
    /// A level or a share.
    Level(f64),
    Text(String),
    Words(Vec<String>),
    /// `None`: off.
    Seconds(Option<Span>),
    Time(Span),
    Instant(Instant),
    Instants(Vec<Instant>),
    /// Signed ones by node, or a single one for all of them.
    Spans(Vec<Span>),
    Schedules(Vec<Vec<Instant>>),
    /// In order and apart.
    Periods(Vec<(Instant, Instant)>),
    MissedSyncs(Vec<MissedSyncs>),
    Offset(Offset),
    Throughput(Throughput),
    Dist(Dist),
    Arrivals(ArrivalsText),
    TokenAge(TokenAge),
    Free,
}

/// The longest name of a scenario or workload.
const LONGEST_NAME: usize = 100;

impl Kind {
    /// What is allowed, for messages and the reference.
    pub(super) fn describe(self) -> String {
        match self {
            Kind::Flag => "`true` or `false`".to_owned(),
            Kind::Integer { min: i64::MIN, max: i64::MAX } => "an integer".to_owned(),
            Kind::Integer { min: i64::MIN, max } => format!("an integer of at most {max}"),
            Kind::Integer { min, max: i64::MAX } => format!("an integer of at least {min}"),
            Kind::Integer { min, max } => format!("an integer from {min} to {max}"),
            Kind::Size { max } => format!("an integer from 1 to {max}"),
            Kind::Share => "a share such as `0.05` or `\"5%\"`".to_owned(),
            Kind::Level => "a number between 0 and 1, both excluded".to_owned(),
            Kind::Choice(words) => match words().as_slice() {
                [] => "a word".to_owned(),
                words => format!("one of {}", listing(words)),
            },
            Kind::Text => "text".to_owned(),
            Kind::Name => {
                format!("letters, digits, `.`, `_` and `-`, not beginning with `.`, at most {LONGEST_NAME} characters")
            }
            Kind::Words => "a list of texts".to_owned(),
            Kind::Paths => "a list of paths, relative to the file that writes them".to_owned(),
            Kind::Seconds { off: false } => "whole seconds, or a duration such as `\"1h\"`".to_owned(),
            Kind::Seconds { off: true } => {
                "whole seconds above 0, a duration such as `\"5m\"`, or -1 for off".to_owned()
            }
            Kind::Time { positive: false } => "a duration such as `\"90m\"`".to_owned(),
            Kind::Time { positive: true } => "a duration above zero such as `\"12h\"`".to_owned(),
            Kind::SignedTime => "a duration such as `\"3s\"` or `\"-3s\"`".to_owned(),
            Kind::ByNode => "a duration such as `\"3s\"` or `\"-3s\"`, or a list of them, one for each node".to_owned(),
            Kind::Schedules => "a list with a list of durations since the start for each node".to_owned(),
            Kind::Periods => "a list of `{ from, until }`, durations since the start".to_owned(),
            Kind::MissedSyncs => "a list of `{ node, from, until }`, durations since the start".to_owned(),
            Kind::Instant => "a duration since the start such as `\"36h\"`, negative before it".to_owned(),
            Kind::Instants => "a list of durations since the start, negative before it".to_owned(),
            Kind::Offset => "`\"random\"` or a duration such as `\"3h\"`".to_owned(),
            Kind::Throughput => "a throughput such as `\"77MiB/s\"` or `\"10Gbit/s\"`".to_owned(),
            Kind::Dist(unit) => format!("{} or a distribution of it", unit.describe()),
            Kind::Arrivals => "`{ poisson = rate }`, `{ every = duration }`, `{ daily = [24 rates] }`, \
                 `{ burst = { at, jobs, over } }` or `{ trace = \"file.csv\" }`"
                .to_owned(),
            Kind::TokenAge => {
                "a duration or a distribution, `{ of_expiration = share }` or `{ renewing = margin }`".to_owned()
            }
            Kind::Bound => {
                "a share such as `\"0.1%\"`, a count, or a duration such as `\"2h\"`, as the metric is".to_owned()
            }
            Kind::Free => "a table".to_owned(),
            Kind::Job => "a job kind: one that is shipped, or one of `[[job]]`".to_owned(),
            Kind::Preset => format!("one of `[presets]`, or one that is shipped: {}", listing(&presets::names())),
            Kind::Tables => "a list of tables".to_owned(),
        }
    }

    /// How deep lists may lie in each other in a value.
    pub(super) const fn depth(self) -> usize {
        match self {
            Kind::Words | Kind::Paths | Kind::Instants | Kind::ByNode | Kind::Periods | Kind::MissedSyncs => 1,
            Kind::Schedules => 2,
            Kind::Flag
            | Kind::Integer { .. }
            | Kind::Size { .. }
            | Kind::Level
            | Kind::Share
            | Kind::Choice(_)
            | Kind::Text
            | Kind::Name
            | Kind::Seconds { .. }
            | Kind::Time { .. }
            | Kind::SignedTime
            | Kind::Instant
            | Kind::Offset
            | Kind::Throughput
            | Kind::Dist(_)
            | Kind::Arrivals
            | Kind::TokenAge
            | Kind::Bound
            | Kind::Free
            | Kind::Job
            | Kind::Preset
            | Kind::Tables => 0,
        }
    }

    /// Reads a value; what is wrong with it becomes an issue that names `key`.
    pub(super) fn parse(self, key: &str, value: &Value, cx: &mut Context) -> Option<Parsed> {
        let read = match self {
            Kind::Dist(unit) => return dist::parse(key, value, unit, cx).map(Parsed::Dist),
            Kind::Arrivals => return process::arrivals(key, value, cx).map(Parsed::Arrivals),
            Kind::TokenAge => return process::token_age(key, value, cx).map(Parsed::TokenAge),
            Kind::Choice(words) => return choice(key, value, &words(), cx).map(Parsed::Text),
            Kind::Free | Kind::Bound | Kind::Tables => return Some(Parsed::Free),
            Kind::Job => return choice(key, value, &cx.kinds.all(), cx).map(Parsed::Text),
            Kind::Preset => {
                let own = cx.own_presets.iter().map(String::as_str);
                let names: Vec<String> = own.chain(presets::names()).map(str::to_owned).collect();
                return choice(key, value, &names, cx).map(Parsed::Text);
            }
            Kind::Words | Kind::Paths => return words(key, value, self, cx).map(Parsed::Words),
            Kind::Instants => return cluster::instants(key, value, cx).map(Parsed::Instants),
            Kind::ByNode => return cluster::by_node(key, value, cx).map(Parsed::Spans),
            Kind::Schedules => return cluster::schedules(key, value, cx).map(Parsed::Schedules),
            Kind::Periods => return cluster::periods(key, value, cx).map(Parsed::Periods),
            Kind::MissedSyncs => return cluster::missed_syncs(key, value, cx).map(Parsed::MissedSyncs),
            Kind::Flag
            | Kind::Integer { .. }
            | Kind::Size { .. }
            | Kind::Level
            | Kind::Share
            | Kind::Text
            | Kind::Name
            | Kind::Seconds { .. }
            | Kind::Time { .. }
            | Kind::SignedTime
            | Kind::Instant
            | Kind::Offset
            | Kind::Throughput => self.scalar(&value.node),
        };
        match read {
            Ok(parsed) => Some(parsed),
            Err(Wrong::Type) => {
                cx.wrong_type(key, value, &self.describe());
                None
            }
            Err(Wrong::Value(message)) => {
                cx.issue(
                    Issue::at(value.place, format!("`{key}`: {message}")).help(format!("takes {}", self.describe())),
                );
                None
            }
        }
    }

    fn scalar(self, node: &Node) -> Result<Parsed, Wrong> {
        match (self, node) {
            (Kind::Flag, Node::Flag(flag)) => Ok(Parsed::Flag(*flag)),
            (Kind::Integer { min, max }, Node::Integer(integer)) => match i64::try_from(*integer) {
                Ok(value) if (min..=max).contains(&value) => Ok(Parsed::Integer(value)),
                _ if *integer < i128::from(min) => {
                    Err(Wrong::value(format!("{} is below {min}, the least allowed", shown(*integer))))
                }
                _ => Err(Wrong::value(format!("{} is above {max}, the most allowed", shown(*integer)))),
            },
            (Kind::Size { .. }, Node::Integer(0)) => {
                Err(Wrong::value("a pool of size 0 serves nobody; left out, it serves everybody at once"))
            }
            (Kind::Size { max }, Node::Integer(_)) => Kind::Integer { min: 1, max }.scalar(node),
            (Kind::Share, Node::Text(text)) => Ok(Parsed::Level(parse::share(text)?)),
            (Kind::Share, Node::Integer(share @ (0 | 1))) => Ok(Parsed::Level(*share as f64)),
            (Kind::Share, Node::Real(share)) if (0.0..=1.0).contains(share) => Ok(Parsed::Level(*share)),
            (Kind::Share, Node::Integer(share)) => Err(Wrong::value(format!("{} is not from 0 to 1", shown(*share)))),
            (Kind::Share, Node::Real(share)) => Err(Wrong::value(format!("{share} is not from 0 to 1"))),
            (Kind::Level, Node::Real(real)) => {
                if *real > 0.0 && *real < 1.0 {
                    Ok(Parsed::Level(*real))
                } else {
                    Err(Wrong::value(format!("{real} is not between 0 and 1")))
                }
            }
            (Kind::Level, Node::Integer(integer)) => Err(Wrong::value(format!("{integer} is not between 0 and 1"))),
            (Kind::Text, Node::Text(text)) => Ok(Parsed::Text(text.clone())),
            (Kind::Name, Node::Text(text)) => name(text).map(|()| Parsed::Text(text.clone())).map_err(Wrong::Value),
            (Kind::Seconds { off }, Node::Integer(integer)) => seconds(*integer, off),
            (Kind::Seconds { off }, Node::Text(text)) => {
                let span = parse::span(text)?;
                if span.micros() % MICROS != 0 {
                    return Err(Wrong::value("this option of OpenStack is in whole seconds"));
                }
                seconds(i128::from(span.micros() / MICROS), off)
            }
            (Kind::Time { positive }, Node::Text(text)) => {
                let span = parse::span(text)?;
                if positive && span == Span::ZERO {
                    return Err(Wrong::value("must be above zero"));
                }
                Ok(Parsed::Time(span))
            }
            (Kind::SignedTime, Node::Text(text)) => Ok(Parsed::Time(parse::signed_span(text)?)),
            (Kind::Instant, Node::Text(text)) => Ok(Parsed::Instant(Instant::START + parse::signed_span(text)?)),
            (Kind::Offset, Node::Text(text)) if text == "random" => Ok(Parsed::Offset(Offset::Random)),
            (Kind::Offset, Node::Text(text)) => Ok(Parsed::Offset(Offset::Fixed(parse::signed_span(text)?))),
            (Kind::Throughput, Node::Text(text)) => Ok(Parsed::Throughput(parse::throughput(text)?)),
            (Kind::Time { .. } | Kind::SignedTime | Kind::Instant | Kind::Offset, Node::Integer(_) | Node::Real(_)) => {
                Err(Wrong::value("write a unit, e.g. \"40s\""))
            }
            (Kind::Throughput, Node::Integer(_) | Node::Real(_)) => Err(Wrong::value("write a unit, e.g. \"77MiB/s\"")),
            (Kind::Seconds { .. }, Node::Real(_)) => {
                Err(Wrong::value("this option of OpenStack is in whole seconds, found a float"))
            }
            (_, _) => Err(Wrong::Type),
        }
    }
}

/// Why a plain value was not read.
enum Wrong {
    /// It is a value of another type.
    Type,
    /// The message says.
    Value(String),
}

impl Wrong {
    fn value(message: impl Into<String>) -> Wrong {
        Wrong::Value(message.into())
    }
}

impl From<String> for Wrong {
    fn from(message: String) -> Wrong {
        Wrong::Value(message)
    }
}

/// An integer as it was written, unless it was too long to be kept.
fn shown(integer: i128) -> String {
    if integer == i128::MAX || integer == i128::MIN { "this integer".to_owned() } else { integer.to_string() }
}

fn seconds(integer: i128, off: bool) -> Result<Parsed, Wrong> {
    if off && integer == -1 {
        return Ok(Parsed::Seconds(None));
    }
    let longest = Span::LONGEST.micros() / MICROS;
    match i64::try_from(integer) {
        Ok(0) if off => {
            Err(Wrong::value("0 is refused, because it means \"for ever\" to memcached; -1 turns caching off"))
        }
        Ok(value) if value < 0 => Err(Wrong::value(format!("{value} is negative"))),
        Ok(value) if value <= longest => Ok(Parsed::Seconds(Some(Span::from_seconds(value)))),
        Ok(_) => Err(Wrong::Value(parse::too_long())),
        Err(_) if integer < 0 => Err(Wrong::value(format!("{} is negative", shown(integer)))),
        Err(_) => Err(Wrong::Value(parse::too_long())),
    }
}

/// Whether a text may name a folder of results.
fn name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if text.starts_with('.') {
        return Err("must not begin with `.`, because it names a folder".to_owned());
    }
    if text.ends_with(".warm-up") {
        return Err("must not end with `.warm-up`, because it names a folder of `--show-warm-up`".to_owned());
    }
    if text.ends_with(".partial") {
        return Err("must not end with `.partial`, because it names a folder of unfinished results".to_owned());
    }
    if text.contains(".shard-") {
        return Err("must not contain `.shard-`, because it names a folder of a part of a result".to_owned());
    }
    if text.chars().count() > LONGEST_NAME {
        return Err(format!("is longer than {LONGEST_NAME} characters"));
    }
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-".contains(*c))) {
        Some(wrong) => Err(format!("must not contain {wrong:?}, because it names a folder")),
        None => Ok(()),
    }
}

fn choice<W: AsRef<str>>(key: &str, value: &Value, words: &[W], cx: &mut Context) -> Option<String> {
    let Some(text) = value.as_text() else {
        cx.wrong_type(key, value, &format!("one of {}", listing(words)));
        return None;
    };
    if words.iter().any(|word| word.as_ref() == text) {
        return Some(text.to_owned());
    }
    cx.issue(Issue::at(value.place, format!("`{key}`: unknown value `{text}`")).help(did_you_mean(text, words)));
    None
}

fn words(key: &str, value: &Value, kind: Kind, cx: &mut Context) -> Option<Vec<String>> {
    if let (Kind::Words, Node::Text(text)) = (kind, &value.node) {
        return Some(text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect());
    }
    let Some(items) = value.as_array() else {
        cx.wrong_type(key, value, &kind.describe());
        return None;
    };
    let mut all = Some(Vec::new());
    for item in items {
        match item.as_text() {
            Some("") => {
                cx.issue(Issue::at(item.place, format!("`{key}`: an empty text means nothing here")));
                all = None;
            }
            Some(text) => {
                if let Some(list) = &mut all {
                    list.push(text.to_owned());
                }
            }
            None => {
                cx.wrong_type(key, item, "a string in the list");
                all = None;
            }
        }
    }
    all
}
