//! Numbers as people and files read them: rounding, units, ellipses. It decides nothing about what is shown.

use std::borrow::Cow;

use crate::analysis::Rate;
use crate::model::study::{Axis, Metric, MetricKind, Point, Study};
use crate::model::{Model, PoolId};
use crate::units::Span;

/// What stands for a value that does not exist.
pub(crate) const NOTHING: &str = "–";

/// Two numbers that differ by less differ by nothing that was measured.
const MOST_DIGITS: usize = 12;

/// The shortest decimal number that agrees with `value` to six significant digits.
pub(crate) fn six_digits(value: f64) -> String {
    if !value.is_finite() {
        return String::new();
    }
    // Through text, because rounding by scaling would bring digits of its own.
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    (rounded + 0.0).to_string()
}

/// Seconds to a millisecond, as short as they go.
pub(crate) fn millis(seconds: f64) -> String {
    if !seconds.is_finite() {
        return String::new();
    }
    let rounded: f64 = format!("{seconds:.3}").parse().unwrap_or(seconds);
    // `+ 0.0` turns a rounded minus zero into zero.
    (rounded + 0.0).to_string()
}

/// A share in per cent, with no more digits than a reader wants: `3.21 %`, `0.0042 %`, `99.97 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", percent_number(share))
}

/// A value of a metric with as many digits as tell it apart from another one.
pub(crate) fn metric_apart(metric: Metric, value: f64, other: Option<f64>) -> String {
    let text = metric_value(metric, value);
    let Some(other) = other.filter(|other| *other != value && metric_value(metric, *other) == text) else {
        return text;
    };
    let more = |digits: usize| match metric.kind() {
        MetricKind::Rate => [value, other].map(|share| format!("{:.digits$} %", share * 100.0)),
        MetricKind::Count => [value, other].map(|count| format!("{count:.digits$}")),
        MetricKind::Duration => [value, other].map(|seconds| format!("{seconds:.digits$} s")),
    };
    let apart = (1..=MOST_DIGITS).map(more).find(|[one, other]| one != other);
    apart.map_or(text, |[one, _]| one)
}

/// The number of [`percent`] without its sign.
pub(crate) fn percent_number(share: f64) -> String {
    let percent = share * 100.0;
    if percent <= 0.0 {
        return "0".to_string();
    }
    if percent < 1e-8 {
        return "<0.00000001".to_string();
    }
    if percent > 99.99 && percent < 100.0 {
        return ">99.99".to_string();
    }
    let decimals = match percent {
        // Three digits of what is rare.
        p if p < 0.001 => (2.0 - libm::floor(libm::log10(p))) as usize,
        p if p < 0.01 => 4,
        p if p < 0.1 => 3,
        p if p < 10.0 => 2,
        p if p > 99.0 => 2,
        _ => 1,
    };
    let text = format!("{percent:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// The interval of a rate: `3.00 to 3.40 %`, or one side of it where the estimate is its other end.
pub(crate) fn interval(rate: &Rate) -> Option<String> {
    let (estimate, interval) = (rate.estimate?, rate.interval?);
    Some(if estimate <= 0.0 {
        format!("at most {}", percent(interval.high))
    } else if estimate >= 1.0 {
        format!("at least {}", percent(interval.low))
    } else {
        format!("{} to {}", percent_number(interval.low), percent(interval.high))
    })
}

/// A count with its thousands set apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 job`, `2 jobs`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A number of slots, which is a mean where it changes.
pub(crate) fn slots(slots: f64) -> String {
    if (slots - slots.round()).abs() < 0.05 { count(slots.round() as u64) } else { format!("{slots:.1}") }
}

/// A pool as scenarios call it: `nova.builds`.
pub(crate) fn pool_name(model: &Model, pool: PoolId) -> String {
    let pool = model.pool(pool);
    format!("{}.{}", model.service(pool.service).name, pool.name)
}

/// A time in the two largest units that matter: `15 min`, `1 h 30 min`, `2 d`, `4.2 s`, `250 ms`.
pub(crate) fn duration(span: Span) -> String {
    const SECOND: u64 = 1_000_000;
    let sign = if span < Span::ZERO { "-" } else { "" };
    let micros = span.micros().unsigned_abs();
    let text = if micros == 0 {
        "0 s".to_string()
    } else if micros < 1_000 {
        format!("{micros} \u{b5}s")
    } else if micros < SECOND {
        format!("{} ms", micros / 1_000)
    } else if micros < 60 * SECOND {
        let tenths = (micros + 50_000) / 100_000;
        if tenths.is_multiple_of(10) {
            format!("{} s", tenths / 10)
        } else {
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
    } else {
        // Rounded to the smaller of the two units that are shown.
        let rounded = |unit: u64| (micros + unit * SECOND / 2) / (unit * SECOND) * unit;
        match (rounded(1), rounded(60), rounded(3_600)) {
            (s, _, _) if s < 3_600 => two(s / 60, "min", s % 60, "s"),
            (_, s, _) if s < 86_400 => two(s / 3_600, "h", s % 3_600 / 60, "min"),
            (_, _, s) => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
        }
    };
    format!("{sign}{text}")
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

/// A time that may not exist.
pub(crate) fn optional_duration(span: Option<Span>) -> String {
    span.map_or_else(|| NOTHING.to_string(), duration)
}

/// A value of a metric, in the metric's own unit.
pub(crate) fn metric_value(metric: Metric, value: f64) -> String {
    match metric.kind() {
        MetricKind::Rate => percent(value),
        MetricKind::Count => six_digits(value),
        MetricKind::Duration => duration(Span::from_seconds_f64(value)),
    }
}

/// The text, cut to `width` characters with an ellipsis.
pub(crate) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.chars().count() <= width {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    Cow::Owned(short)
}

/// The cells of a column in at most `width` characters each, such that what differs still differs where it can: what
/// long ones begin and end with alike goes first, and then the middle.
pub(crate) fn shortened(cells: &[&str], width: usize) -> Vec<String> {
    let is_long = |cell: &&str| cell.chars().count() > width;
    let long: Vec<Vec<char>> = cells.iter().copied().filter(is_long).map(|cell| cell.chars().collect()).collect();
    let Some(first) = long.first() else { return cells.iter().map(|cell| (*cell).to_owned()).collect() };
    let alike = |same: &dyn Fn(&[char], usize) -> Option<char>| -> usize {
        let is_alike =
            |at: &usize| long.iter().all(|cell| same(cell, *at).is_some_and(|c| Some(c) == same(first, *at)));
        // Where all are alike, there is nothing to tell apart.
        (0..first.len()).take_while(is_alike).count() % first.len()
    };
    let mut front = alike(&|cell, at| cell.get(at).copied());
    let mut back = alike(&|cell, at| cell.len().checked_sub(at + 1).map(|at| cell[at]));
    // Words stay whole.
    while front > 0 && first[front - 1].is_alphanumeric() {
        front -= 1;
    }
    while back > 0 && first[first.len() - back].is_alphanumeric() {
        back -= 1;
    }
    let is_alone = long.iter().all(|cell| cell == first);
    let shorten = |cell: &str| {
        if !is_long(&cell) {
            return cell.to_owned();
        }
        let cell: Vec<char> = cell.chars().collect();
        // An ellipsis for a character or two says less than they do.
        let front = if front > 2 { front.min(cell.len()) } else { 0 };
        let back = if back > 2 { back.min(cell.len() - front) } else { 0 };
        let mut rest: Vec<char> = cell[front..cell.len() - back].to_vec();
        if front > 0 {
            rest.insert(0, '…');
        }
        if back > 0 {
            rest.push('…');
        }
        if rest.len() > width {
            // Of a single one the beginning says most.
            if is_alone {
                return cut(&rest.into_iter().collect::<String>(), width).into_owned();
            }
            let end = (width - 1) / 2;
            let tail = rest.split_off(rest.len() - end);
            rest.truncate(width - 1 - end);
            rest.push('…');
            rest.extend(tail);
        }
        rest.into_iter().collect()
    };
    cells.iter().map(|cell| shorten(cell)).collect()
}

/// A head in lines of at most `width` characters, broken behind `.`, `_` and blanks; a longer word stays whole.
pub(crate) fn broken(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for part in text.split_inclusive(['.', '_', ' ']) {
        let length = |text: &str| text.trim_end().chars().count();
        let line = lines.last_mut().expect("never empty");
        if !line.is_empty() && length(line) + length(part) + usize::from(line.ends_with(' ')) > width {
            lines.push(part.to_owned());
        } else {
            line.push_str(part);
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// Breaks text into lines of at most `width` characters, between words where possible.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + word.len() > width {
            lines.push(String::new());
            length = 0;
        }
        while word.len() > width {
            lines.last_mut().expect("never empty").extend(word.drain(..width));
            lines.push(String::new());
        }
        let line = lines.last_mut().expect("never empty");
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        length += word.len();
        line.extend(word);
    }
    lines
}

/// The swept keys as short as they stay distinct: the last component, or as many as are needed.
pub(crate) fn short_keys(axes: &[Axis]) -> Vec<String> {
    short_names(&axes.iter().map(|axis| axis.key.as_str()).collect::<Vec<&str>>())
}

/// Dotted names as short as they stay distinct.
pub(crate) fn short_names(names: &[&str]) -> Vec<String> {
    let tail = |name: &str, parts: usize| {
        let all: Vec<&str> = name.split('.').collect();
        all[all.len().saturating_sub(parts)..].join(".")
    };
    let longest = names.iter().map(|name| name.split('.').count()).max().unwrap_or(0);
    names
        .iter()
        .map(|name| {
            (1..=longest)
                .map(|parts| (parts, tail(name, parts)))
                .find(|(parts, short)| names.iter().filter(|other| tail(other, *parts) == *short).count() == 1)
                .map_or_else(|| (*name).to_owned(), |(_, short)| short)
        })
        .collect()
}

/// A swept key in the words of a plot's title.
pub(crate) fn key_words(axis: &Axis) -> String {
    match axis.key.as_str() {
        "keystone.token.expiration" => "token lifetime".to_string(),
        "keystone.token.allow_expired_window" => "window for expired tokens".to_string(),
        "keystone.fernet_tokens.max_active_keys" => "number of Fernet keys".to_string(),
        "cloud.fernet_rotation.every" => "time between Fernet rotations".to_string(),
        "nova.service_user.send_service_user_token" => "whether Nova sends service tokens".to_string(),
        "cinder.service_user.send_service_user_token" => "whether Cinder sends service tokens".to_string(),
        key => {
            let (parent, last) = key.rsplit_once('.').unwrap_or(("", key));
            match parent.strip_prefix("workload.") {
                Some(workload) => format!("{} of {workload}", last.replace('_', " ")),
                None => last.replace('_', " "),
            }
        }
    }
}

/// The values of a point on the axes that vary: `expiration = 1 h, send_service_user_token = true`.
pub(crate) fn point_values(study: &Study, point: &Point) -> String {
    let keys = short_keys(&study.axes);
    let varying = study.axes.iter().zip(&point.values).zip(keys).filter(|((axis, _), _)| axis.values.len() > 1);
    let text = |((axis, &value), key): ((&Axis, &usize), String)| match axis.values[value].label.as_str() {
        "" => format!("{key} = \"\""),
        label => format!("{key} = {label}"),
    };
    varying.map(text).collect::<Vec<_>>().join(", ")
}

/// `point 3 (expiration = 1 h)`, or nothing to tell apart: `the only point`.
pub(crate) fn point_name(study: &Study, number: usize) -> String {
    match super::point(study, number).map(|point| point_values(study, point)) {
        Some(values) if !values.is_empty() => format!("point {number} ({values})"),
        _ => format!("point {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Interval, IntervalMethod};
    use crate::model::study::{AxisUnit, AxisValue};

    #[test]
    fn numbers_are_as_short_as_six_digits_allow() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.333333"),
            (123_456_789.0, "123457000"),
            (0.000012345678, "0.0000123457"),
            (f64::NAN, ""),
        ];
        for (value, text) in cases {
            assert_eq!(six_digits(value), text, "{value}");
        }
        assert_eq!(millis(-0.0001), "0");
        assert_eq!(millis(3123.45678), "3123.457");
    }

    #[test]
    fn percentages_keep_what_matters() {
        let cases = [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.032149, "3.21 %"),
            (0.5, "50 %"),
            (0.31449, "31.4 %"),
            (0.9997, "99.97 %"),
            (0.99999, ">99.99 %"),
            (0.000042, "0.0042 %"),
            (0.000_000_1, "0.00001 %"),
            (0.000_001_007_8, "0.000101 %"),
            (0.000_009_6, "0.00096 %"),
            (0.000_000_000_01, "<0.00000001 %"),
            (0.000_21, "0.021 %"),
        ];
        for (share, text) in cases {
            assert_eq!(percent(share), text, "{share}");
        }
    }

    #[test]
    fn what_differs_reads_differently() {
        let rate = |value, other| metric_apart(Metric::FailureRate, value, Some(other));
        assert_eq!(rate(0.2, 0.2), "20 %");
        assert_eq!((rate(0.1996, 0.2), rate(0.2004, 0.2)), ("19.96 %".into(), "20.04 %".into()));
        assert_eq!(rate(0.01000004, 0.01), "1.000004 %");
        assert_eq!(metric_apart(Metric::DurationP99, 3_600.25, Some(3_600.0)), "3600.2 s");
        assert_eq!(metric_apart(Metric::FailureRate, 0.2, None), "20 %");
    }

    #[test]
    fn rates_say_their_bound() {
        let with = |estimate, low, high| Rate {
            estimate: Some(estimate),
            interval: Some(Interval { low, high, method: IntervalMethod::StudentT }),
        };
        assert_eq!(interval(&with(0.0, 0.0, 0.0002)).as_deref(), Some("at most 0.02 %"));
        assert_eq!(interval(&with(1.0, 0.98, 1.0)).as_deref(), Some("at least 98 %"));
        assert_eq!(interval(&with(0.0321, 0.03, 0.034)).as_deref(), Some("3 to 3.4 %"));
        assert_eq!(interval(&Rate { estimate: None, interval: None }), None);
    }

    #[test]
    fn durations_read_like_a_clock() {
        let cases = [
            (900_000_000, "15 min"),
            (5_400_000_000, "1 h 30 min"),
            (172_800_000_000, "2 d"),
            (4_240_000, "4.2 s"),
            (250_000, "250 ms"),
            (-3_000_000, "-3 s"),
            (59_999_999, "60 s"),
            (0, "0 s"),
        ];
        for (micros, text) in cases {
            assert_eq!(duration(Span::from_micros(micros)), text, "{micros}");
        }
    }

    #[test]
    fn keys_are_shortened_until_they_would_collide() {
        let axis = |key: &str| Axis {
            key: key.to_string(),
            column: key.to_string(),
            unit: AxisUnit::None,
            values: vec![AxisValue { cell: "1".into(), label: "1".into(), number: Some(1.0) }],
            zip: None,
        };
        let axes =
            [axis("keystone.token.expiration"), axis("nova.service_user.send"), axis("cinder.service_user.send")];
        assert_eq!(short_keys(&axes), ["expiration", "nova.service_user.send", "cinder.service_user.send"]);
        assert_eq!(key_words(&axis("workload.boots.image_size")), "image size of boots");
    }

    #[test]
    fn what_differs_is_left() {
        let cells = ["[]", "[{ node = 2, until = \"10h\" }]", "[{ node = 2, until = \"28h\" }]"];
        assert_eq!(shortened(&cells, 16), ["[]", "…10h…", "…28h…"]);
        assert_eq!(shortened(&cells, 40), cells);
        assert_eq!(shortened(&["abcdefghij", "abXdefghiZ"], 5), ["ab…ij", "ab…iZ"]);
        assert_eq!(shortened(&["abcdefghij", "abcdefghij"], 5), ["abcd…", "abcd…"]);
        assert_eq!(shortened(&["abcdefghij"], 1), ["…"]);
        assert_eq!(broken("failure_rate", 8), "failure_\nrate");
        assert_eq!(broken("nova.DEFAULT.block_device_retries", 13), "nova.DEFAULT.\nblock_device_\nretries");
        assert_eq!(broken("95 % interval", 8), "95 %\ninterval");
        assert_eq!(broken("token", 2), "token");
    }

    #[test]
    fn wrapping_never_exceeds_the_width() {
        let text = format!("short words and {} then more", "x".repeat(30));
        for line in wrap(&text, 10) {
            assert!(line.chars().count() <= 10, "{line}");
        }
        assert_eq!([40.0, 1_500.0, 12.5].map(slots), ["40", "1,500", "12.5"]);
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
