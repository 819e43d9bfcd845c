//! What the value of a key may be: the closed list of kinds, how each is described, and how each is read.

use crate::model::Offset;
use crate::random::Dist;
use crate::units::{Instant, MICROS, Span, Throughput, parse};

use super::dist::{self, Unit};
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
    /// A number strictly between 0 and 1.
    Level,
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
    /// An instant: a duration since the start, negative before it.
    Instant,
    /// A list of instants.
    Instants,
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
}

/// A value that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Parsed {
    Flag(bool),
    Integer(i64),
    Level(f64),
    Text(String),
    Words(Vec<String>),
    /// `None`: off.
    Seconds(Option<Span>),
    Time(Span),
    Instant(Instant),
    Instants(Vec<Instant>),
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
        }
    }

    /// Reads a value; what is wrong with it becomes an issue that names `key`.
    pub(super) fn parse(self, key: &str, value: &Value, cx: &mut Context) -> Option<Parsed> {
        let read = match self {
            Kind::Dist(unit) => return dist::parse(key, value, unit, cx).map(Parsed::Dist),
            Kind::Arrivals => return process::arrivals(key, value, cx).map(Parsed::Arrivals),
            Kind::TokenAge => return process::token_age(key, value, cx).map(Parsed::TokenAge),
            Kind::Choice(words) => return choice(key, value, &words(), cx).map(Parsed::Text),
            Kind::Free | Kind::Bound => return Some(Parsed::Free),
            Kind::Words | Kind::Paths => return words(key, value, self, cx).map(Parsed::Words),
            Kind::Instants => return instants(key, value, self, cx).map(Parsed::Instants),
            Kind::Flag
            | Kind::Integer { .. }
            | Kind::Level
            | Kind::Text
            | Kind::Name
            | Kind::Seconds { .. }
            | Kind::Time { .. }
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
            (Kind::Instant, Node::Text(text)) => Ok(Parsed::Instant(Instant::START + parse::signed_span(text)?)),
            (Kind::Offset, Node::Text(text)) if text == "random" => Ok(Parsed::Offset(Offset::Random)),
            (Kind::Offset, Node::Text(text)) => Ok(Parsed::Offset(Offset::Fixed(parse::signed_span(text)?))),
            (Kind::Throughput, Node::Text(text)) => Ok(Parsed::Throughput(parse::throughput(text)?)),
            (Kind::Time { .. } | Kind::Instant | Kind::Offset, Node::Integer(_) | Node::Real(_)) => {
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
    if text.ends_with(".partial") {
        return Err("must not end with `.partial`, because it names a folder of unfinished results".to_owned());
    }
    if text.chars().count() > LONGEST_NAME {
        return Err(format!("is longer than {LONGEST_NAME} characters"));
    }
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-".contains(*c))) {
        Some(wrong) => Err(format!("must not contain {wrong:?}, because it names a folder")),
        None => Ok(()),
    }
}

fn choice(key: &str, value: &Value, words: &[&str], cx: &mut Context) -> Option<String> {
    let Some(text) = value.as_text() else {
        cx.wrong_type(key, value, &format!("one of {}", listing(words)));
        return None;
    };
    if words.contains(&text) {
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

fn instants(key: &str, value: &Value, kind: Kind, cx: &mut Context) -> Option<Vec<Instant>> {
    let Some(items) = value.as_array() else {
        cx.wrong_type(key, value, &kind.describe());
        return None;
    };
    let read: Vec<Option<Parsed>> = items.iter().map(|item| Kind::Instant.parse(key, item, cx)).collect();
    let mut instants = read
        .into_iter()
        .map(|parsed| match parsed {
            Some(Parsed::Instant(instant)) => Some(instant),
            _ => None,
        })
        .collect::<Option<Vec<Instant>>>()?;
    instants.sort();
    Some(instants)
}
