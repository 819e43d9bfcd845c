//! The values of a key that may be looked at, in the order of what they cost: what they are by themselves, and what
//! somebody asks for.

use super::dist::Unit;
use super::kind::Kind;
use super::open::OpenKey;
use crate::document::{Node, Value};
use crate::units::{MICROS, parse};

/// What the values of a key may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Numbers.
    Numbers {
        /// How they are written.
        notation: Notation,
        /// The least that is looked at unless somebody says otherwise.
        min: i64,
        /// The greatest.
        max: i64,
        /// The greatest that is looked at where none of these will do.
        most: i64,
        /// The distance of neighbours.
        step: i64,
    },
    /// These, as TOML.
    Words(Vec<String>),
}

/// How a whole number stands for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// As it is.
    Count,
    /// Seconds, as options of OpenStack are.
    Seconds,
    /// Seconds, as a duration of a scenario.
    Duration,
    /// MiB.
    Size,
    /// MiB per second.
    Throughput,
    /// Jobs per hour, at random.
    Poisson,
    /// Thousandths.
    Share,
}

const MIB: u64 = 1 << 20;
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Times beyond 30 days, and counts beyond a thousand, are not looked at unless nothing else will do.
const LONGEST: i64 = 30 * DAY;
const MOST: i64 = 1_000;
/// And then so many times as many.
const FARTHER: i64 = 64;

impl Notation {
    /// The value as TOML.
    pub fn toml(self, number: i64) -> String {
        match self {
            Notation::Count | Notation::Seconds => number.to_string(),
            Notation::Duration => format!("\"{}\"", duration(number)),
            Notation::Size if number % 1_024 == 0 && number > 0 => format!("\"{}GiB\"", number / 1_024),
            Notation::Size => format!("\"{number}MiB\""),
            Notation::Throughput => format!("\"{number}MiB/s\""),
            Notation::Poisson => format!("{{ poisson = \"{number}/h\" }}"),
            Notation::Share => format!("\"{}.{}%\"", number / 10, number % 10),
        }
    }

    /// The value as people read it, without the marks of TOML.
    fn label(self, number: i64) -> String {
        match self {
            Notation::Seconds | Notation::Duration => spaced(&duration(number)),
            Notation::Poisson => format!("{number}/h"),
            Notation::Count | Notation::Size | Notation::Throughput | Notation::Share => {
                self.toml(number).trim_matches('"').to_owned()
            }
        }
    }

    /// The number of what somebody writes for it on the command line.
    ///
    /// # Errors
    /// What should have been written.
    pub fn read(self, text: &str) -> Result<i64, String> {
        let whole = |number: f64, unit: &str| match number {
            n if n.fract() == 0.0 && n < 1e15 => Ok(n as i64),
            _ => Err(format!("must be whole {unit}")),
        };
        match self {
            Notation::Count => text.parse().map_err(|_| "must be a whole number".to_owned()),
            Notation::Seconds | Notation::Duration => match text.parse::<i64>() {
                Ok(seconds) if seconds >= 0 => Ok(seconds),
                Ok(_) => Err("must not be negative".to_owned()),
                Err(_) => whole(parse::span(text)?.micros() as f64 / MICROS as f64, "seconds"),
            },
            Notation::Size => whole(parse::size(text)? as f64 / MIB as f64, "MiB"),
            Notation::Throughput => whole(parse::throughput(text)?.bytes_per_second() as f64 / MIB as f64, "MiB/s"),
            Notation::Poisson => whole((parse::rate(text)? * 3_600.0 * 1e6).round() / 1e6, "jobs per hour"),
            Notation::Share => whole((parse::share(text)? * 1e9).round() / 1e6, "thousandths"),
        }
    }

    /// The number of a value of a scenario; `None`: no number stands for it, as for a distribution.
    pub(super) fn number(self, value: &Value) -> Option<i64> {
        match (self, &value.node) {
            (Notation::Count, Node::Integer(integer)) => i64::try_from(*integer).ok(),
            // -1 means that something is off, and is no time.
            (Notation::Seconds, Node::Integer(integer)) => i64::try_from(*integer).ok().filter(|seconds| *seconds >= 0),
            (Notation::Share, Node::Integer(integer)) => i64::try_from(*integer).ok().map(|share| share * 1_000),
            (Notation::Share, Node::Real(share)) => self.read(&format!("{}%", share * 100.0)).ok(),
            (Notation::Poisson, Node::Table(table)) => self.read(table.get("poisson")?.as_text()?).ok(),
            (Notation::Count, _) => None,
            (_, Node::Text(text)) => self.read(text).ok(),
            (_, _) => None,
        }
    }
}

/// A number of seconds as people write it: `48h30m`, `90s`.
fn duration(seconds: i64) -> String {
    // A minute and a half is a time that people set in seconds.
    if seconds < 2 * MINUTE && seconds % MINUTE != 0 || seconds == 0 {
        return format!("{seconds}s");
    }
    // So many hours are years that nobody works out.
    let days = if seconds > LONGEST { seconds / DAY } else { 0 };
    let seconds = seconds - days * DAY;
    let parts = [(days, "d"), (seconds / HOUR, "h"), (seconds % HOUR / MINUTE, "m"), (seconds % MINUTE, "s")];
    parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect()
}

/// The same for reading: `48 h 30 min`.
fn spaced(duration: &str) -> String {
    let words = [("d", " d "), ("h", " h "), ("m", " min "), ("s", " s ")];
    let spaced = words.into_iter().fold(duration.to_owned(), |text, (unit, word)| {
        // What an earlier unit became has a blank before it.
        text.split(unit).collect::<Vec<_>>().join(word)
    });
    spaced.trim().to_owned()
}

/// What is looked at unless somebody says otherwise; `None`: values of this kind have no order.
pub(super) fn domain(path: &str, kind: Kind, now: Option<&Value>) -> Option<Domain> {
    let numbers = |notation, (min, max), most, step| Some(Domain::Numbers { notation, min, max, most, step });
    let times = |notation, least| numbers(notation, (least, LONGEST), LONGEST * FARTHER, MINUTE);
    let counts = |min: i64, max: i64| numbers(Notation::Count, (min.max(1), max.min(MOST)), max.min(MOST * FARTHER), 1);
    match kind {
        Kind::Flag => Some(Domain::Words(vec!["false".to_owned(), "true".to_owned()])),
        Kind::Choice(words) => Some(Domain::Words(words().iter().map(|word| format!("{word:?}")).collect())),
        Kind::Integer { min, max } => counts(min, max),
        Kind::Size { max } => counts(1, max),
        Kind::Dist(Unit::Count) => counts(1, i64::MAX),
        // Without a window services do without it; no other option has a meaning at 0.
        Kind::Seconds { .. } if path == "keystone.token.allow_expired_window" => times(Notation::Seconds, 0),
        Kind::Seconds { .. } => times(Notation::Seconds, MINUTE),
        Kind::Time { positive: true } => times(Notation::Duration, MINUTE),
        Kind::Time { positive: false }
        | Kind::ByNode
        | Kind::TokenAge
        | Kind::Dist(Unit::Seconds | Unit::SignedSeconds) => times(Notation::Duration, 0),
        Kind::Dist(Unit::Bytes) => numbers(Notation::Size, (1 << 10, 1 << 20), FARTHER << 20, 1 << 10),
        Kind::Throughput => numbers(Notation::Throughput, (1, 10 << 10), FARTHER * (10 << 10), 1),
        Kind::Arrivals if now.is_some() => numbers(Notation::Poisson, (1, 10_000), 10_000, 1),
        Kind::Share | Kind::Dist(Unit::Share) => numbers(Notation::Share, (0, 1_000), 1_000, 1),
        Kind::Arrivals
        | Kind::Level
        | Kind::Text
        | Kind::Name
        | Kind::Words
        | Kind::Paths
        | Kind::SignedTime
        | Kind::Instant
        | Kind::Instants
        | Kind::Schedules
        | Kind::Periods
        | Kind::MissedSyncs
        | Kind::Offset
        | Kind::Bound
        | Kind::Free
        | Kind::Job
        | Kind::Preset
        | Kind::Tables => None,
    }
}

/// Which values somebody wants to be looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The least.
    pub min: Option<&'a str>,
    /// The greatest.
    pub max: Option<&'a str>,
    /// The distance of neighbours.
    pub step: Option<&'a str>,
    /// Whether the greatest is asked for; `None`: as it is usual for the key.
    pub greatest: Option<bool>,
}

/// The values of a key, the cheapest first.
#[derive(Clone, Debug)]
pub struct Values {
    kind: ValueKind,
    /// The greatest is the cheapest.
    pub descending: bool,
    /// More of it makes a simulation longer.
    pub laborious: bool,
    /// Where today's stands among them.
    pub now: Option<usize>,
}

#[derive(Clone, Debug)]
enum ValueKind {
    Numbers {
        notation: Notation,
        min: i64,
        step: i64,
        /// Of the grid, and the value of today if that is not on it.
        len: usize,
        extra: Option<i64>,
        /// Of these so many are looked at first.
        first: usize,
    },
    Words(Vec<String>),
}

impl Values {
    /// The values of a key that are wanted.
    ///
    /// # Errors
    /// What is wrong with what is wanted.
    pub fn of(key: &OpenKey, wanted: Wanted<'_>) -> Result<Values, String> {
        let descending = wanted.greatest.unwrap_or(key.is_burden);
        let given = [("--min", wanted.min), ("--max", wanted.max), ("--step", wanted.step)];
        let Domain::Numbers { notation, min, max, most, step } = key.domain else {
            let Domain::Words(words) = &key.domain else { unreachable!("numbers are above") };
            if let Some((option, _)) = given.into_iter().find(|(_, text)| text.is_some()) {
                return Err(format!("`{option}`: `{}` has no order, and each of its values is tried", key.path));
            }
            let is_now = |word: &String| key.now.as_deref() == Some(word.trim_matches('"'));
            let now = words.iter().position(is_now).map(|at| if descending { words.len() - 1 - at } else { at });
            return Ok(Values { kind: ValueKind::Words(words.clone()), descending, laborious: false, now });
        };
        let mut bounds = [min, max, step];
        for (bound, (option, text)) in bounds.iter_mut().zip(given) {
            if let Some(text) = text {
                *bound = notation.read(text).map_err(|why| format!("`{option} {text}` of `{}`: {why}", key.path))?;
            }
        }
        let [min, mut max, step] = bounds;
        if step < 1 {
            return Err(format!("`--step` of `{}` must be above zero", key.path));
        }
        if wanted.max.is_none() {
            max = max.max(min);
        }
        if min > max {
            let (low, high) = (notation.toml(min), notation.toml(max));
            return Err(format!("`{}`: the least value, {low}, is above the greatest, {high}", key.path));
        }
        // Bounds that nobody gave make room for the value of today.
        let is_kept = |now: &i64| (wanted.min.is_none() || *now >= min) && (wanted.max.is_none() || *now <= max);
        let now = key.number.filter(is_kept);
        if let (Some(now), None) = (now, wanted.max) {
            max = max.max(now);
        }
        let most = if wanted.max.is_some() || descending { max } else { most.max(max) };
        let count = |from: i64, to: i64| {
            let steps = to.checked_sub(from).and_then(|range| usize::try_from(range / step).ok()?.checked_add(1));
            steps.ok_or_else(|| format!("`{}` cannot have so many values as there are from {from} to {to}", key.path))
        };
        let (len, first) = (count(min, most)?, count(min, max)?);
        let on_grid = |now: i64| now >= min && (now - min) % step == 0 && (now - min) / step < len as i64;
        let extra = now.filter(|now| !on_grid(*now));
        let first = first + usize::from(extra.is_some());
        let kind = ValueKind::Numbers { notation, min, step, len, extra, first };
        let mut values = Values { kind, descending, laborious: key.is_burden && descending, now: None };
        values.now = now.map(|now| values.place(now));
        Ok(values)
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        match &self.kind {
            ValueKind::Numbers { len, extra, .. } => len + usize::from(extra.is_some()),
            ValueKind::Words(words) => words.len(),
        }
    }

    /// So many, the cheapest, are looked at first.
    pub fn first(&self) -> usize {
        match &self.kind {
            ValueKind::Numbers { first, .. } if !self.descending => *first,
            ValueKind::Numbers { .. } | ValueKind::Words(_) => self.len(),
        }
    }

    /// The least of them in steps, at least 1.
    pub fn offset(&self) -> f64 {
        match &self.kind {
            ValueKind::Numbers { min, step, .. } => (*min as f64 / *step as f64).max(1.0),
            ValueKind::Words(_) => 1.0,
        }
    }

    /// The number at a place, and its notation.
    fn number(&self, place: usize) -> Option<(Notation, i64)> {
        let ValueKind::Numbers { notation, min, step, extra, .. } = &self.kind else { return None };
        let from_least = self.turned(place);
        let below = extra.map_or(usize::MAX, |extra| grid_below(*min, *step, extra));
        let number = match extra {
            Some(extra) if from_least == below => *extra,
            _ => min + step * (from_least - usize::from(from_least > below)) as i64,
        };
        Some((*notation, number))
    }

    /// Where a number stands that is one of the values.
    fn place(&self, number: i64) -> usize {
        let ValueKind::Numbers { min, step, extra, .. } = &self.kind else { return 0 };
        let below = grid_below(*min, *step, number);
        self.turned(below + usize::from(extra.is_some_and(|extra| extra < number)))
    }

    fn turned(&self, place: usize) -> usize {
        if self.descending { self.len() - 1 - place } else { place }
    }

    /// The value at a place as TOML, and as people read it.
    pub fn at(&self, place: usize) -> (String, String) {
        match (self.number(place), &self.kind) {
            (Some((notation, number)), _) => (notation.toml(number), notation.label(number)),
            (None, ValueKind::Words(words)) => {
                let word = &words[self.turned(place)];
                (word.clone(), word.trim_matches('"').to_owned())
            }
            (None, ValueKind::Numbers { .. }) => unreachable!("numbers have one"),
        }
    }

    /// The value that a key has today, as people read it.
    pub fn label(&self, key: &OpenKey) -> Option<String> {
        match (&self.kind, key.number) {
            (ValueKind::Numbers { notation, .. }, Some(number)) => Some(notation.label(number)),
            _ => key.now.clone().map(|now| if now.is_empty() { "\"\"".to_owned() } else { now }),
        }
    }

    /// Whether the values have an order.
    pub fn are_ordered(&self) -> bool {
        matches!(self.kind, ValueKind::Numbers { .. })
    }

    /// Whether nothing cheaper than the value at a place was allowed to be looked at.
    pub fn is_last(&self, place: usize) -> bool {
        place == 0 && self.are_ordered()
    }

    /// The places from one to another in words.
    pub fn range(&self, cheapest: usize, dearest: usize) -> String {
        let (low, high) = if self.descending { (dearest, cheapest) } else { (cheapest, dearest) };
        match &self.kind {
            ValueKind::Numbers { .. } if low == high => format!("at {}", self.at(low).1),
            ValueKind::Numbers { .. } => format!("from {} to {}", self.at(low).1, self.at(high).1),
            ValueKind::Words(words) => format!("of its {}", words.len()),
        }
    }
}

/// How many values of a grid are below a number.
fn grid_below(min: i64, step: i64, number: i64) -> usize {
    if number <= min { 0 } else { ((number - min - 1) / step + 1) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read() {
        for (notation, number, toml, text, label) in [
            (Notation::Count, 7, "7", "7", "7"),
            (Notation::Seconds, 28_800, "28800", "8h", "8 h"),
            (Notation::Seconds, 90, "90", "90", "90 s"),
            (Notation::Seconds, 3_660, "3660", "1h1m", "1 h 1 min"),
            (Notation::Duration, 5_400, "\"1h30m\"", "90m", "1 h 30 min"),
            (Notation::Duration, 174_600, "\"48h30m\"", "2910m", "48 h 30 min"),
            (Notation::Duration, 26_743, "\"7h25m43s\"", "26743s", "7 h 25 min 43 s"),
            (Notation::Duration, 30 * DAY, "\"720h\"", "30d", "720 h"),
            (Notation::Duration, 1_920 * DAY, "\"1920d\"", "46080h", "1920 d"),
            (Notation::Seconds, 40 * DAY + 5_400, "3461400", "961h30m", "40 d 1 h 30 min"),
            (Notation::Duration, 0, "\"0s\"", "0s", "0 s"),
            (Notation::Size, 16_384, "\"16GiB\"", "16GiB", "16GiB"),
            (Notation::Throughput, 77, "\"77MiB/s\"", "77MiB/s", "77MiB/s"),
            (Notation::Poisson, 30, "{ poisson = \"30/h\" }", "30/h", "30/h"),
            (Notation::Share, 25, "\"2.5%\"", "2.5%", "2.5%"),
        ] {
            assert_eq!((notation.toml(number).as_str(), notation.read(text)), (toml, Ok(number)), "{notation:?}");
            assert_eq!(notation.label(number), label);
            if notation == Notation::Duration {
                assert_eq!(notation.read(toml.trim_matches('"')), Ok(number), "a scenario reads what is written");
            }
        }
        for (notation, text) in [
            (Notation::Count, "7.5"),
            (Notation::Seconds, "-1"),
            (Notation::Seconds, "1500ms"),
            (Notation::Size, "100"),
            (Notation::Poisson, "1/d"),
        ] {
            assert!(notation.read(text).is_err(), "{notation:?} {text}");
        }
    }

    fn key(number: Option<i64>, is_burden: bool) -> OpenKey {
        let domain = Domain::Numbers { notation: Notation::Count, min: 10, max: 100, most: 1_000, step: 10 };
        let now = number.map(|number| number.to_string());
        OpenKey { path: "a.b".to_owned(), domain, now, number, is_burden, option: None }
    }

    /// All values in their order, how many come first, and where today's is.
    fn listed(key: &OpenKey, wanted: Wanted<'_>) -> (Vec<i64>, usize, Option<i64>) {
        let values = Values::of(key, wanted).unwrap();
        let number = |place| values.number(place).unwrap().1;
        ((0..values.len()).map(number).collect(), values.first(), values.now.map(number))
    }

    #[test]
    fn the_value_of_today_is_one_of_them() {
        let wanted = Wanted { max: Some("30"), ..Wanted::default() };
        for (now, expected) in [
            (None, vec![10, 20, 30]),
            (Some(20), vec![10, 20, 30]),
            (Some(25), vec![10, 20, 25, 30]),
            (Some(5), vec![5, 10, 20, 30]),
            // Beyond what somebody asked for.
            (Some(31), vec![10, 20, 30]),
        ] {
            let (mut all, first, found) = listed(&key(now, false), wanted);
            let among = now.filter(|now| expected.contains(now));
            assert_eq!((&all, first, found), (&expected, expected.len(), among), "{now:?}");
            let descending = listed(&key(now, true), wanted);
            all.reverse();
            assert_eq!(descending, (all, first, found), "{now:?}");
        }
        // Where nobody gave a bound, it is the bound; and beyond it there is more.
        let (all, first, now) = listed(&key(Some(700), false), Wanted::default());
        assert_eq!((all.len(), first, now), (100, 70, Some(700)));
        let (all, first, now) = listed(&key(Some(2_405), false), Wanted::default());
        assert_eq!((all.last(), first, now), (Some(&2_405), all.len(), Some(2_405)));
    }

    #[test]
    fn the_last_of_them_is_told_apart() {
        let values = Values::of(&key(Some(50), true), Wanted::default()).unwrap();
        assert!(values.is_last(0) && !values.is_last(1));
        assert_eq!(values.at(0).0, "100");
        assert_eq!(values.range(0, 3), "from 70 to 100");
        assert_eq!(values.range(3, 3), "at 70");
    }
}
