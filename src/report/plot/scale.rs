//! From numbers to pixels, and the ticks that people expect on the way: per cents, clock times, round numbers.

use crate::model::study::{Axis, AxisUnit};

use super::names;

/// A tick: where it stands, and what it says.
pub(super) type Tick = (f64, String);

/// How numbers are spread over pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    spread: Spread,
    /// The pixels of both ends.
    pixels: (f64, f64),
}

#[derive(Clone, Debug, PartialEq)]
enum Spread {
    /// In proportion, between these.
    Linear(f64, f64),
    /// By the logarithm, between these.
    Log(f64, f64),
    /// In proportion about zero and by the logarithm far from it on both sides, between these.
    BothWays(f64, f64),
    /// At equal distances, whatever the numbers.
    Steps(Vec<f64>),
}

impl Scale {
    pub(super) fn linear(ends: (f64, f64), pixels: (f64, f64)) -> Scale {
        Scale { spread: Spread::Linear(ends.0, ends.1), pixels }
    }

    pub(super) fn log(ends: (f64, f64), pixels: (f64, f64)) -> Scale {
        Scale { spread: Spread::Log(ends.0, ends.1), pixels }
    }

    /// For seconds on both sides of zero: one second is as far from zero as ten are from a minute, about.
    pub(super) fn both_ways(ends: (f64, f64), pixels: (f64, f64)) -> Scale {
        Scale { spread: Spread::BothWays(ends.0, ends.1), pixels }
    }

    /// The scale that shows these numbers best: a logarithm where they span more than a factor of 20, and equal steps
    /// where they do but hold a zero.
    pub(super) fn of(numbers: &[f64], pixels: (f64, f64)) -> Scale {
        let ends = ends(numbers.iter().copied());
        let positive = numbers.iter().copied().filter(|number| *number > 0.0);
        let (least, most) = self::ends(positive);
        let wide = least > 0.0 && most / least > 20.0;
        if !wide {
            Scale::linear(ends, pixels)
        } else if ends.0 > 0.0 {
            Scale::log(ends, pixels)
        } else {
            let mut steps = numbers.to_vec();
            steps.sort_by(f64::total_cmp);
            steps.dedup();
            Scale { spread: Spread::Steps(steps), pixels }
        }
    }

    /// What the title of an axis says of it.
    pub(super) fn remark(&self) -> &'static str {
        match self.spread {
            Spread::Linear(..) => "",
            Spread::Log(..) | Spread::BothWays(..) => " (log scale)",
            Spread::Steps(_) => " (not to scale)",
        }
    }

    /// The pixel of a number.
    pub(super) fn at(&self, number: f64) -> f64 {
        let share = match &self.spread {
            Spread::Linear(low, high) => share(number, *low, *high),
            Spread::Log(low, high) => share(libm::log(number.max(low * 1e-3)), libm::log(*low), libm::log(*high)),
            Spread::BothWays(low, high) => {
                let spread = |number: f64| libm::copysign(libm::log1p(number.abs()), number);
                share(spread(number), spread(*low), spread(*high))
            }
            Spread::Steps(steps) => {
                let index = steps.partition_point(|step| *step < number);
                share(index as f64, 0.0, steps.len().saturating_sub(1) as f64)
            }
        };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    /// Ticks for an axis of a sweep: its own values while they are few, else round numbers.
    pub(super) fn ticks(&self, axis: &Axis) -> Vec<Tick> {
        let own = || {
            let value = |(index, value): (usize, &crate::model::study::AxisValue)| {
                Some((value.number?, names::value(axis, index)))
            };
            axis.values.iter().enumerate().filter_map(value).collect()
        };
        if axis.values.len() <= 10 {
            return own();
        }
        let numbers = match &self.spread {
            Spread::Linear(low, high) if axis.unit == AxisUnit::Seconds => times(*low, *high, false),
            Spread::Log(low, high) if axis.unit == AxisUnit::Seconds => times(*low, *high, true),
            Spread::Linear(low, high) => round_numbers(*low, *high),
            Spread::Log(low, high) => powers(*low, *high),
            Spread::BothWays(..) | Spread::Steps(_) => return own(),
        };
        // The ends say what was swept; the frame leaves out what has no room between them.
        let ends = ends(axis.values.iter().filter_map(|value| value.number));
        let mut ticks: Vec<Tick> = own();
        ticks.retain(|(number, _)| *number == ends.0 || *number == ends.1);
        let within = numbers.into_iter().filter(|number| *number > ends.0 && *number < ends.1);
        ticks.extend(within.map(|number| (number, names::number(axis.unit, number))));
        ticks
    }
}

fn share(number: f64, low: f64, high: f64) -> f64 {
    // A single value stands in the middle.
    if high > low { (number - low) / (high - low) } else { 0.5 }
}

/// The least and the greatest; zeros without numbers.
pub(super) fn ends(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    numbers
        .filter(|number| number.is_finite())
        .fold(None, |ends, number| {
            let (low, high) = ends.unwrap_or((number, number));
            Some((number.min(low), number.max(high)))
        })
        .unwrap_or((0.0, 0.0))
}

/// The least round step that covers `length` in at most `most` steps.
fn step(length: f64, most: f64) -> f64 {
    let mut decade = 1e-9;
    while decade < 1e18 {
        for factor in [1.0, 2.0, 2.5, 5.0] {
            if factor * decade * most >= length * (1.0 - 1e-9) {
                return factor * decade;
            }
        }
        decade *= 10.0;
    }
    length.max(1.0)
}

/// Ticks for shares from zero to a little over `highest`; the last is the top of the axis.
pub(super) fn shares(highest: f64) -> Vec<Tick> {
    let highest = if highest.is_finite() { highest.clamp(0.0, 1.0) } else { 1.0 };
    // Below a thousandth of a per cent there is nothing to tell apart.
    let percent = if highest <= 0.0 { 0.1 } else { (highest * 100.0).max(1e-3) };
    let (step, top) = if percent > 80.0 {
        (20.0, 100.0)
    } else {
        let step = step(percent, 5.0);
        (step, (percent / step - 1e-9).ceil() * step)
    };
    let decimals = (0..7).find(|&decimals| {
        let scaled = step * tenfold(decimals);
        (scaled - scaled.round()).abs() < 1e-6
    });
    let count = (top / step).round() as usize;
    (0..=count)
        .map(|index| {
            let percent = step * index as f64;
            let text = if index == 0 { "0".to_string() } else { format!("{percent:.*}", decimals.unwrap_or(6)) };
            (percent / 100.0, format!("{text} %"))
        })
        .collect()
}

fn tenfold(times: usize) -> f64 {
    (0..times).fold(1.0, |power, _| power * 10.0)
}

/// Clock times between these.
pub(super) fn times(low: f64, high: f64, log: bool) -> Vec<f64> {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 3_600.0;
    const DAY: f64 = 86_400.0;
    if !log {
        let steps = [
            0.1,
            0.2,
            0.5,
            1.0,
            2.0,
            5.0,
            10.0,
            15.0,
            30.0,
            MINUTE,
            2.0 * MINUTE,
            5.0 * MINUTE,
            10.0 * MINUTE,
            15.0 * MINUTE,
            30.0 * MINUTE,
            HOUR,
            2.0 * HOUR,
            3.0 * HOUR,
            6.0 * HOUR,
            12.0 * HOUR,
            DAY,
            2.0 * DAY,
            5.0 * DAY,
            10.0 * DAY,
            30.0 * DAY,
            100.0 * DAY,
            365.0 * DAY,
        ];
        let length = high - low;
        let step = steps.into_iter().find(|step| step * 8.0 >= length).unwrap_or_else(|| step(length, 8.0));
        return multiples(low, high, step);
    }
    let sparse =
        [0.001, 0.01, 0.1, 1.0, 10.0, MINUTE, 10.0 * MINUTE, HOUR, 10.0 * HOUR, 4.0 * DAY, 40.0 * DAY, 365.0 * DAY];
    let dense = [
        0.001,
        0.002,
        0.005,
        0.01,
        0.02,
        0.05,
        0.1,
        0.2,
        0.5,
        1.0,
        2.0,
        5.0,
        10.0,
        30.0,
        MINUTE,
        2.0 * MINUTE,
        5.0 * MINUTE,
        10.0 * MINUTE,
        30.0 * MINUTE,
        HOUR,
        2.0 * HOUR,
        5.0 * HOUR,
        12.0 * HOUR,
        DAY,
        2.0 * DAY,
        4.0 * DAY,
        10.0 * DAY,
        30.0 * DAY,
        100.0 * DAY,
        365.0 * DAY,
    ];
    let within = |times: &[f64]| -> Vec<f64> {
        times.iter().copied().filter(|time| *time >= low * 0.999 && *time <= high * 1.001).collect()
    };
    let many = within(&dense);
    if many.len() <= 11 { many } else { within(&sparse) }
}

fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let mut ticks = Vec::new();
    let mut index = (low / step - 1e-9).ceil();
    while index * step <= high + step * 1e-9 && ticks.len() < 50 {
        ticks.push(index * step);
        index += 1.0;
    }
    ticks
}

fn round_numbers(low: f64, high: f64) -> Vec<f64> {
    multiples(low, high, step(high - low, 7.0))
}

fn powers(low: f64, high: f64) -> Vec<f64> {
    let mut decade = 1e-12;
    let mut ticks = Vec::new();
    while decade <= high && decade < 1e18 {
        let steps: &[f64] = if high / low > 1e4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        ticks.extend(steps.iter().map(|step| step * decade).filter(|tick| *tick >= low && *tick <= high));
        decade *= 10.0;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn shares_end_at_a_round_number_above_the_highest() {
        assert_eq!(says(&shares(0.0)), ["0 %", "0.02 %", "0.04 %", "0.06 %", "0.08 %", "0.10 %"]);
        assert_eq!(says(&shares(0.043)), ["0 %", "1 %", "2 %", "3 %", "4 %", "5 %"]);
        assert_eq!(says(&shares(0.93)), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        assert_eq!(says(&shares(1.1e-4)), ["0 %", "0.0025 %", "0.0050 %", "0.0075 %", "0.0100 %", "0.0125 %"]);
        assert_eq!(says(&shares(f64::NAN)).len(), 6);
    }

    #[test]
    fn times_tick_like_a_clock() {
        assert_eq!(times(0.0, 3_600.0, false), [0.0, 600.0, 1_200.0, 1_800.0, 2_400.0, 3_000.0, 3_600.0]);
        assert_eq!(times(1.0, 1e5, true), [1.0, 10.0, 60.0, 600.0, 3_600.0, 36_000.0]);
    }

    #[test]
    fn wide_spans_are_logarithmic_unless_they_hold_a_zero() {
        let pixels = (0.0, 100.0);
        assert_eq!(Scale::of(&[900.0, 3_600.0], pixels).remark(), "");
        assert_eq!(Scale::of(&[900.0, 36_000.0], pixels).remark(), " (log scale)");
        let steps = Scale::of(&[0.0, 60.0, 36_000.0], pixels);
        assert_eq!(steps.remark(), " (not to scale)");
        assert_eq!(steps.at(60.0), 50.0);
        assert_eq!(Scale::of(&[5.0], pixels).at(5.0), 50.0);
    }
}
