//! Integer time, bytes and rates, with their printing; reading them from text is in [`parse`].
//!
//! Simulated time is counted in whole **microseconds**; nothing here is a float that stands for a time.

pub mod parse;

use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

/// Microseconds in a second.
pub const MICROS: i64 = 1_000_000;

/// A length of time, in microseconds. Negative only where a difference is meant (a margin, an offset).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    /// No time.
    pub const ZERO: Span = Span(0);
    /// The longest time that an input may name: 1,000 years. Sums of a few such spans stay far from overflow.
    pub const LONGEST: Span = Span(1_000 * 365 * 86_400 * MICROS);

    /// A span of whole microseconds.
    pub const fn from_micros(micros: i64) -> Span {
        Span(micros)
    }

    /// A span of whole seconds; saturates at the limits of the representation.
    pub const fn from_seconds(seconds: i64) -> Span {
        Span(seconds.saturating_mul(MICROS))
    }

    /// A span from seconds as a real number, rounded to the nearest microsecond and limited to ±[`Span::LONGEST`].
    #[inline]
    pub fn from_seconds_f64(seconds: f64) -> Span {
        // Adding a number whose last bit stands for one rounds to whole ones, ties to even, and leaves them in the
        // lower bits.
        const ROUNDING: f64 = (3_u64 << 51) as f64;
        let micros = seconds * MICROS as f64;
        if micros.abs() < (1_u64 << 51) as f64 {
            return Span((micros + ROUNDING).to_bits() as i64 - ROUNDING.to_bits() as i64);
        }
        let limit = Span::LONGEST.0 as f64;
        Span(micros.round_ties_even().clamp(-limit, limit) as i64)
    }

    /// Whole microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Seconds, as a real number for statistics and plots.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Mul<i64> for Span {
    type Output = Span;
    fn mul(self, factor: i64) -> Span {
        Span(self.0.saturating_mul(factor))
    }
}

impl Neg for Span {
    type Output = Span;
    fn neg(self) -> Span {
        Span(-self.0)
    }
}

/// An instant, in microseconds since the start of a replication; negative before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// The start of a replication.
    pub const START: Instant = Instant(0);
    /// Later than anything that happens.
    pub const NEVER: Instant = Instant(i64::MAX);
    /// Earlier than anything that happens.
    pub const ALWAYS: Instant = Instant(i64::MIN);

    /// An instant so many microseconds after the start.
    pub const fn from_micros(micros: i64) -> Instant {
        Instant(micros)
    }

    /// An instant so many seconds after the start.
    pub const fn from_seconds(seconds: i64) -> Instant {
        Instant(seconds.saturating_mul(MICROS))
    }

    /// Microseconds since the start.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Seconds since the start, as a real number for statistics and plots.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }

    /// The time from `earlier` to this instant.
    pub const fn since(self, earlier: Instant) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// This instant cut to whole seconds, towards the past.
    pub const fn floor_to_second(self) -> Instant {
        Instant(self.0.div_euclid(MICROS) * MICROS)
    }
}

impl Add<Span> for Instant {
    type Output = Instant;
    /// Saturates, so that [`Instant::NEVER`] stays never.
    fn add(self, span: Span) -> Instant {
        Instant(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Instant {
    type Output = Instant;
    fn sub(self, span: Span) -> Instant {
        Instant(self.0.saturating_sub(span.0))
    }
}

/// Seconds with as many decimals as are needed, at most six: exact, and read back to the same microsecond.
#[derive(Clone, Copy, Debug)]
pub struct ExactSeconds(pub i64);

impl From<Span> for ExactSeconds {
    fn from(span: Span) -> Self {
        ExactSeconds(span.0)
    }
}

impl From<Instant> for ExactSeconds {
    fn from(instant: Instant) -> Self {
        ExactSeconds(instant.0)
    }
}

impl fmt::Display for ExactSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let (whole, rest) = (micros / MICROS as u64, micros % MICROS as u64);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{rest:06}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
    }
}

/// For people: the two largest units that are not zero (`2d`, `1h 30m`, `250ms`).
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u64); 6] = [
            ("d", 86_400_000_000),
            ("h", 3_600_000_000),
            ("m", 60_000_000),
            ("s", 1_000_000),
            ("ms", 1_000),
            ("us", 1),
        ];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0.unsigned_abs();
        let mut text = String::new();
        for (unit, size) in UNITS {
            let count = rest / size;
            if count > 0 {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(&format!("{count}{unit}"));
                rest -= count * size;
                if text.contains(' ') {
                    break;
                }
            }
        }
        write!(f, "{}{text}", if self.0 < 0 { "-" } else { "" })
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// Bytes per second, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Throughput(std::num::NonZeroU64);

impl Throughput {
    /// A throughput of so many bytes per second; `None` for zero.
    pub fn from_bytes_per_second(bytes: u64) -> Option<Throughput> {
        std::num::NonZeroU64::new(bytes).map(Throughput)
    }

    /// Bytes per second.
    pub const fn bytes_per_second(self) -> u64 {
        self.0.get()
    }

    /// How long so many bytes take, rounded up to a microsecond.
    pub fn time_for(self, bytes: Bytes) -> Span {
        let micros = (u128::from(bytes.0) * MICROS as u128).div_ceil(u128::from(self.0.get()));
        Span(i64::try_from(micros).unwrap_or(i64::MAX).min(Span::LONGEST.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_for_people() {
        let cases = [
            (0, "0s"),
            (90 * MICROS, "1m 30s"),
            (172_800 * MICROS, "2d"),
            (5_400 * MICROS, "1h 30m"),
            (250_000, "250ms"),
            (-3 * MICROS, "-3s"),
            (90_061 * MICROS, "1d 1h"),
        ];
        for (micros, text) in cases {
            assert_eq!(Span(micros).to_string(), text, "{micros} us");
        }
    }

    #[test]
    fn rounding_is_that_of_the_standard() {
        let fast = (1_u64 << 51) as f64;
        let special = [0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 0.499_999_999_999_999_94, f64::INFINITY, f64::NAN];
        let large = [fast, fast - 0.5, fast - 0.25, fast + 0.5, -fast, 0.5 - fast, 1.0 - fast, 4.0 * fast, -f64::MAX];
        let many = (0..2_000).map(|n| f64::from(n) * 0.125 - 100.0);
        for value in special.into_iter().chain(large).chain(many) {
            // What is left of the product with 10^6 is rounded by both.
            let seconds = value / MICROS as f64;
            let limit = Span::LONGEST.0 as f64;
            let expected = (seconds * MICROS as f64).round_ties_even().clamp(-limit, limit) as i64;
            assert_eq!(Span::from_seconds_f64(seconds).micros(), expected, "{value}");
        }
    }

    #[test]
    fn exact_seconds_lose_nothing() {
        for (micros, text) in
            [(0, "0"), (1, "0.000001"), (-1_500_000, "-1.5"), (7_000_000, "7"), (123_456_789, "123.456789")]
        {
            assert_eq!(ExactSeconds(micros).to_string(), text, "{micros} us");
        }
    }

    #[test]
    fn seconds_are_cut_towards_the_past() {
        for (micros, floor) in [(1_999_999, 1), (0, 0), (-1, -1), (-1_000_000, -1)] {
            assert_eq!(Instant(micros).floor_to_second(), Instant::from_seconds(floor), "{micros} us");
        }
    }

    #[test]
    fn transfers_round_up() {
        let rate = Throughput::from_bytes_per_second(3).unwrap();
        assert_eq!(rate.time_for(Bytes(1)), Span(333_334));
        assert_eq!(rate.time_for(Bytes(0)), Span::ZERO);
    }
}
