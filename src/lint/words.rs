//! Times as operators write them: exact, in hours rather than days, because lifetimes and rotations are set in hours.

use std::fmt;

use crate::units::{MICROS, Span};

/// A time of which nothing is left out: `49 h`, `1 h 20 min`, `15 min`, `2.5 s`.
#[derive(Clone, Copy, Debug)]
pub struct Exact(pub Span);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.micros();
        if micros < 0 {
            f.write_str("-")?;
        }
        let micros = micros.unsigned_abs();
        let (seconds, rest) = (micros / MICROS as u64, micros % MICROS as u64);
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let mut gap = "";
        for (count, unit) in [(hours, "h"), (minutes, "min")] {
            if count > 0 {
                write!(f, "{gap}{count} {unit}")?;
                gap = " ";
            }
        }
        if seconds > 0 || rest > 0 || gap.is_empty() {
            write!(f, "{gap}{seconds}")?;
            if rest > 0 {
                write!(f, ".{}", format!("{rest:06}").trim_end_matches('0'))?;
            }
            f.write_str(" s")?;
        }
        Ok(())
    }
}

/// A span in whole seconds as a duration of a scenario that reads back to it: `49h`, `1h 20m`, `1m 1s`.
pub(super) fn as_option(span: Span) -> String {
    let seconds = floor(span).micros() / MICROS;
    let parts = [(seconds / 3_600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let parts: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// Cut to whole seconds, as options are.
pub(super) fn floor(span: Span) -> Span {
    Span::from_seconds(span.micros().div_euclid(MICROS))
}

/// Rounded up to whole seconds.
pub(super) fn ceil(span: Span) -> Span {
    -floor(-span)
}

/// A share in per cent with as many digits as one reads.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p >= 99.95 && share < 1.0 => "more than 99.9 %".to_owned(),
        p if (10.0..99.0).contains(&p) || share >= 1.0 => format!("{p:.0} %"),
        p if p >= 0.1 => format!("{p:.1} %"),
        p if p >= 0.001 => format!("{p:.3} %"),
        _ => "less than 0.001 %".to_owned(),
    }
}

/// A size in the largest binary unit below it.
pub(super) fn bytes(bytes: f64) -> String {
    const UNITS: [(f64, &str); 4] =
        [(1_099_511_627_776.0, "TiB"), (1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1_024.0, "KiB")];
    let (size, unit) = UNITS.into_iter().find(|(size, _)| bytes >= *size).unwrap_or((1.0, "B"));
    let scaled = bytes / size;
    if scaled >= 100.0 || scaled == scaled.round() {
        format!("{scaled:.0} {unit}")
    } else {
        format!("{scaled:.1} {unit}")
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<S: AsRef<str>>(items: &[S]) -> String {
    match items.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.as_ref().to_owned(),
        Some((last, rest)) => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", rest.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_leave_nothing_out() {
        for (micros, text, option) in [
            (0, "0 s", "0s"),
            (2_500_000, "2.5 s", "2s"),
            (180_000_000, "3 min", "3m"),
            (4_800_000_000, "1 h 20 min", "1h 20m"),
            (176_401_000_000, "49 h 1 s", "49h 1s"),
            (3_600_000_001, "1 h 0.000001 s", "1h"),
        ] {
            let span = Span::from_micros(micros);
            assert_eq!((Exact(span).to_string().as_str(), as_option(span).as_str()), (text, option));
        }
    }

    #[test]
    fn rounding_is_to_seconds() {
        let span = Span::from_micros(1_000_001);
        assert_eq!((floor(span), ceil(span)), (Span::from_seconds(1), Span::from_seconds(2)));
        assert_eq!((floor(-span), ceil(-span)), (Span::from_seconds(-2), Span::from_seconds(-1)));
    }

    #[test]
    fn shares_and_sizes_have_the_digits_that_one_reads() {
        for (share, text) in [
            (1.0, "100 %"),
            (0.997, "99.7 %"),
            (0.9999, "more than 99.9 %"),
            (0.034, "3.4 %"),
            (1e-7, "less than 0.001 %"),
        ] {
            assert_eq!(percent(share), text);
        }
        for (size, text) in [(17.0, "17 B"), (2_147_483_648.0, "2 GiB"), (5_000_000_000.0, "4.7 GiB")] {
            assert_eq!(bytes(size), text);
        }
    }
}
