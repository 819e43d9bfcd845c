//! Reading durations, sizes, rates and shares from text with units: pure functions, exact or refused.
//!
//! Written here rather than taken from `humantime` and `bytesize`, because both round silently, one accepts a
//! "month" of 30.44 days and neither says what it would have accepted. Errors read on after "`text`: ".

use super::{MICROS, Span, Throughput};

/// A decimal number without a sign, exact: `digits` / 10^`scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    digits: u128,
    scale: u32,
}

/// More digits than any value in range needs; keeps all arithmetic far from overflow.
const MOST_DIGITS: usize = 20;

/// Names of a unit and its size in microseconds, largest first; the first name is the one we print.
const TIME_UNITS: &[(&[&str], u64)] = &[
    (&["w", "week", "weeks"], 604_800_000_000),
    (&["d", "day", "days"], 86_400_000_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000),
    (&["ms", "msec", "millisecond", "milliseconds"], 1_000),
    (&["us", "µs", "μs", "usec", "microsecond", "microseconds"], 1),
];

/// Units of sizes in bytes.
const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
];

/// Units of throughput in bits per second.
const BIT_UNITS: &[(&str, u64)] =
    &[("bit", 1), ("kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000), ("Tbit", 1_000_000_000_000)];

const TIME_HELP: &str = "units are s, ms, us, m or min, h, d, w; for example \"90m\", \"1h 30m\", \"300ms\"";
const SIZE_HELP: &str = "units are B, kB, MB, GB, TB, PB and KiB, MiB, GiB, TiB, PiB; for example \"8GiB\"";
const THROUGHPUT_HELP: &str = "for example \"77MiB/s\" or \"10Gbit/s\"";
const RATE_HELP: &str = "for example \"120/h\", \"2/s\", \"30/min\", \"5/d\"";

/// A duration of zero or more: `90m`, `1h 30m`, `1.5h`.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn span(text: &str) -> Result<Span, String> {
    if text.trim_start().starts_with('-') {
        return Err("a duration cannot be negative here".to_owned());
    }
    magnitude(text)
}

/// A duration with an optional sign before all of it: `-3h`, `-1d 12h`.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn signed_span(text: &str) -> Result<Span, String> {
    match text.trim_start().strip_prefix('-') {
        Some(rest) => magnitude(rest).map(|span| -span),
        None => magnitude(text),
    }
}

fn magnitude(text: &str) -> Result<Span, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(format!("a duration is missing; {TIME_HELP}"));
    }
    let mut total: u128 = 0;
    let mut previous: Option<&str> = None;
    while !rest.is_empty() {
        let (number, after) = decimal(rest)?;
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let name = &after[..end];
        let (unit, size) = time_unit(name)?;
        if let Some(larger) = previous
            && TIME_UNITS.iter().any(|(names, micros)| names[0] == larger && *micros <= size)
        {
            return Err(format!("`{unit}` cannot follow `{larger}`: write larger units first, each once"));
        }
        previous = Some(unit);
        total += exactly(number, size).ok_or("is finer than a microsecond, the step of simulated time")?;
        rest = after[end..].trim_start();
    }
    let micros = i64::try_from(total).unwrap_or(i64::MAX);
    let span = Span::from_micros(micros);
    if span > Span::LONGEST { Err(too_long()) } else { Ok(span) }
}

/// What is said of a time beyond [`Span::LONGEST`].
pub fn too_long() -> String {
    format!("is longer than {} (1,000 years), the longest time there is here", Span::LONGEST)
}

fn time_unit(name: &str) -> Result<(&'static str, u64), String> {
    if name.is_empty() {
        return Err("write a unit, e.g. \"40s\"".to_owned());
    }
    if let Some((names, size)) = TIME_UNITS.iter().find(|(names, _)| names.contains(&name)) {
        return Ok((names[0], *size));
    }
    Err(match name {
        "M" | "mo" | "month" | "months" | "y" | "yr" | "year" | "years" => {
            format!("`{name}` has no fixed length; {TIME_HELP}")
        }
        _ => format!("unknown unit `{name}`; {TIME_HELP}"),
    })
}

/// A size in bytes: `8GiB`, `40 GB`, `1.5TiB`.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = unsigned(text, "size", SIZE_HELP)?;
    let Some((_, bytes)) = SIZE_UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(match unit {
            "" => "write a unit, e.g. \"40GiB\"".to_owned(),
            "b" | "kb" | "Kb" | "mb" | "Mb" | "gb" | "Gb" | "tb" | "Tb" => {
                format!("`{unit}` may mean bits or bytes; {SIZE_HELP}")
            }
            _ => format!("unknown unit `{unit}`; {SIZE_HELP}"),
        });
    };
    let total = exactly(number, *bytes).ok_or("is not a whole number of bytes")?;
    // The largest is the largest integer of a scenario file, so that "bytes" and text agree.
    u64::try_from(total)
        .ok()
        .filter(|bytes| i64::try_from(*bytes).is_ok())
        .ok_or_else(|| "is larger than 8EiB, the largest size there is here".to_owned())
}

/// A throughput: `77MiB/s`, `1 Gbit/s`.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn throughput(text: &str) -> Result<Throughput, String> {
    let Some(amount) = text.trim().strip_suffix("/s") else {
        return Err(format!("a throughput is an amount per second; {THROUGHPUT_HELP}"));
    };
    let (number, unit) = unsigned(amount, "throughput", THROUGHPUT_HELP)?;
    let bytes = match BIT_UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, bits)) => {
            let bits = exactly(number, *bits).ok_or("is not a whole number of bits per second")?;
            if bits % 8 != 0 {
                return Err("is not a whole number of bytes per second".to_owned());
            }
            u64::try_from(bits / 8).map_err(|_| "is more than 8EiB/s".to_owned())?
        }
        None => size(amount)?,
    };
    Throughput::from_bytes_per_second(bytes).ok_or_else(|| "must be above zero".to_owned())
}

/// A rate in events per second, above zero: `120/h`, `2/s`.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn rate(text: &str) -> Result<f64, String> {
    let rate = rate_or_zero(text)?;
    if rate > 0.0 { Ok(rate) } else { Err("must be above zero".to_owned()) }
}

/// A rate in events per second: `120/h`, `0/h`.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn rate_or_zero(text: &str) -> Result<f64, String> {
    let Some((count, per)) = text.split_once('/') else {
        return Err(format!("a rate is a number per time; {RATE_HELP}"));
    };
    let (number, rest) = unsigned(count, "rate", RATE_HELP)?;
    if !rest.is_empty() {
        return Err(format!("`{rest}` is not expected before the `/`; {RATE_HELP}"));
    }
    let per = per.trim();
    if per.is_empty() {
        return Err(format!("a rate is a number per time; {RATE_HELP}"));
    }
    let (_, micros) = time_unit(per)?;
    // Both sides are exact integers up to here, so that "3600/h" is exactly 1.
    let ten = ten_to(number.scale).ok_or("has too many digits")? as f64;
    Ok(number.digits as f64 * MICROS as f64 / (ten * micros as f64))
}

/// A share in [0, 1]: `0.1%`.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn share(text: &str) -> Result<f64, String> {
    let help = "a share is a number in [0, 1] or a percentage, for example \"0.1%\"";
    let (number, unit) = unsigned(text, "share", help)?;
    if unit != "%" {
        return Err(if unit.is_empty() {
            "write a percentage, e.g. \"0.1%\", or a number without quotes".to_owned()
        } else {
            format!("unknown unit `{unit}`; {help}")
        });
    }
    // Through text, because it is rounded once: 0.1 / 100.0 would be rounded twice.
    let value: f64 =
        format!("{}e-{}", number.digits, number.scale + 2).parse().map_err(|_| "is not a number".to_owned())?;
    if value <= 1.0 { Ok(value) } else { Err("must not exceed 100%".to_owned()) }
}

/// Seconds as a plain decimal number, at most six places: the form of our CSV files.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn decimal_seconds(text: &str) -> Result<Span, String> {
    let text = text.trim();
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (number, rest) = decimal(body).map_err(|_| "is not a number of seconds, e.g. 40 or 12.5".to_owned())?;
    if !rest.is_empty() {
        return Err("is not a number of seconds, e.g. 40 or 12.5".to_owned());
    }
    let micros = exactly(number, MICROS as u64).ok_or("is finer than a microsecond (six decimal places)")?;
    let span = Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
    if span > Span::LONGEST {
        return Err(too_long());
    }
    Ok(if negative { -span } else { span })
}

/// A number without a sign and what follows it, both trimmed.
fn unsigned<'t>(text: &'t str, what: &str, help: &str) -> Result<(Decimal, &'t str), String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("a {what} is missing; {help}"));
    }
    if text.starts_with('-') {
        return Err(format!("a {what} cannot be negative"));
    }
    let (number, rest) = decimal(text)?;
    Ok((number, rest.trim_start()))
}

/// The number at the start of the text, and the rest.
fn decimal(text: &str) -> Result<(Decimal, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let dots = number.matches('.').count();
    if whole.is_empty() || dots > 1 || (dots == 1 && fraction.is_empty()) {
        let found: String = text.chars().take(20).collect();
        return Err(format!("expected a number, found `{found}`"));
    }
    let fraction = fraction.trim_end_matches('0');
    if whole.trim_start_matches('0').len() + fraction.len() > MOST_DIGITS {
        return Err("has too many digits".to_owned());
    }
    let digits = format!("{whole}{fraction}").parse().map_err(|_| "has too many digits".to_owned())?;
    Ok((Decimal { digits, scale: fraction.len() as u32 }, rest))
}

/// `number` × `unit` if that is a whole number.
fn exactly(number: Decimal, unit: u64) -> Option<u128> {
    let product = number.digits.checked_mul(u128::from(unit))?;
    let ten = ten_to(number.scale)?;
    (product % ten == 0).then(|| product / ten)
}

fn ten_to(scale: u32) -> Option<u128> {
    10_u128.checked_pow(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let good = [
            ("0s", 0),
            ("90m", 5_400_000_000),
            ("90 min", 5_400_000_000),
            ("1h 30m", 5_400_000_000),
            ("1h30m", 5_400_000_000),
            ("1.5h", 5_400_000_000),
            (" 2d ", 172_800_000_000),
            ("1w", 604_800_000_000),
            ("300ms", 300_000),
            ("1us", 1),
            ("0.000001s", 1),
            ("1 week 2 days 3 hours 4 minutes 5 seconds", 788_645_000_000),
            ("365000d", Span::LONGEST.micros()),
        ];
        for (text, micros) in good {
            assert_eq!(span(text).map(Span::micros), Ok(micros), "{text}");
        }
        let bad = [
            ("", "a duration is missing; "),
            ("40", "write a unit, e.g. \"40s\""),
            ("s", "expected a number, found `s`"),
            ("1.h", "expected a number, found `1.h`"),
            (".5h", "expected a number, found `.5h`"),
            ("1.2.3s", "expected a number, found `1.2.3s`"),
            ("1 month", "`month` has no fixed length; "),
            ("2y", "`y` has no fixed length; "),
            ("3 fortnights", "unknown unit `fortnights`; "),
            ("5H", "unknown unit `H`; "),
            ("-5s", "a duration cannot be negative here"),
            ("1m 1h", "`h` cannot follow `m`: "),
            ("1h 1h", "`h` cannot follow `h`: "),
            ("1h -5m", "expected a number, found `-5m`"),
            ("0.0000001s", "is finer than a microsecond"),
            ("365001d", "is longer than 365000d (1,000 years)"),
            ("99999999999999999999w", "is longer than 365000d"),
            ("999999999999999999999999999999999999999s", "has too many digits"),
            ("1e3s", "unknown unit `e`"),
            ("inf", "expected a number, found `inf`"),
        ];
        for (text, start) in bad {
            let error = span(text).expect_err(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
        assert_eq!(signed_span("-1d 12h").map(Span::micros), Ok(-129_600_000_000));
        assert_eq!(signed_span("9h").map(Span::micros), Ok(32_400_000_000));
        assert!(signed_span("--9h").is_err());
    }

    #[test]
    fn sizes() {
        let good = [
            ("8GiB", 8 << 30),
            ("40 GB", 40_000_000_000),
            ("1.5KiB", 1_536),
            ("0B", 0),
            ("1kB", 1_000),
            ("8191PiB", 8191 << 50),
        ];
        for (text, bytes) in good {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        let bad = [
            ("8", "write a unit, e.g. \"40GiB\""),
            ("8Gb", "`Gb` may mean bits or bytes"),
            ("8 gigs", "unknown unit `gigs`"),
            ("0.1B", "is not a whole number of bytes"),
            ("-1GiB", "a size cannot be negative"),
            ("8192PiB", "is larger than 8EiB"),
            ("99999999999PiB", "is larger than 8EiB"),
            ("", "a size is missing"),
        ];
        for (text, start) in bad {
            let error = size(text).expect_err(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }

    #[test]
    fn throughputs() {
        for (text, bytes) in
            [("77MiB/s", 77 << 20), ("1 Gbit/s", 125_000_000), ("1B/s", 1), ("8bit/s", 1), ("1.5 MB/s", 1_500_000)]
        {
            assert_eq!(throughput(text).map(Throughput::bytes_per_second), Ok(bytes), "{text}");
        }
        let bad = [
            ("77MiB", "a throughput is an amount per second"),
            ("77MiB/h", "a throughput is an amount per second"),
            ("0MiB/s", "must be above zero"),
            ("0bit/s", "must be above zero"),
            ("1bit/s", "is not a whole number of bytes per second"),
            ("10Gb/s", "`Gb` may mean bits or bytes"),
            ("-1MiB/s", "a throughput cannot be negative"),
            ("/s", "a throughput is missing"),
        ];
        for (text, start) in bad {
            let error = throughput(text).expect_err(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }

    #[test]
    fn rates() {
        for (text, per_second) in
            [("120/h", 120.0 / 3600.0), ("2/s", 2.0), ("30/min", 0.5), ("5/d", 5.0 / 86400.0), ("0.5 / s", 0.5)]
        {
            assert_eq!(rate(text), Ok(per_second), "{text}");
            assert_eq!(rate_or_zero(text), Ok(per_second), "{text}");
        }
        assert_eq!((rate_or_zero("0/h"), rate_or_zero("0.0 / d")), (Ok(0.0), Ok(0.0)));
        assert!(rate_or_zero("-1/h").is_err() && rate_or_zero("0").is_err());
        let bad = [
            ("120", "a rate is a number per time"),
            ("0/h", "must be above zero"),
            ("0.0/h", "must be above zero"),
            ("-1/h", "a rate cannot be negative"),
            ("2 jobs/h", "`jobs` is not expected before the `/`"),
            ("2/", "a rate is a number per time"),
            ("2/month", "`month` has no fixed length"),
            ("2/2h", "unknown unit `2h`"),
            ("nan/h", "expected a number, found `nan`"),
        ];
        for (text, start) in bad {
            let error = rate(text).expect_err(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }

    #[test]
    fn shares() {
        for (text, value) in [("0.1%", 0.001), ("100%", 1.0), ("0 %", 0.0), ("2.5%", 0.025)] {
            assert_eq!(share(text), Ok(value), "{text}");
        }
        let bad = [
            ("0.1", "write a percentage"),
            ("101%", "must not exceed 100%"),
            ("-1%", "a share cannot be negative"),
            ("5 percent", "unknown unit `percent`"),
        ];
        for (text, start) in bad {
            let error = share(text).expect_err(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }

    #[test]
    fn seconds_of_csv_files() {
        for (text, micros) in [("0", 0), ("12.5", 12_500_000), ("0.000001", 1), ("-3", -3_000_000)] {
            assert_eq!(decimal_seconds(text).map(Span::micros), Ok(micros), "{text}");
        }
        for text in ["", "1e3", "nan", "0.0000001", "1s", "--1", "40000000000"] {
            assert!(decimal_seconds(text).is_err(), "{text}");
        }
    }
}
