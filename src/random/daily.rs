//! Rates that follow the hour of the day, and the exact inverse of what they add up to.

use std::sync::Arc;

use crate::units::{Instant, Span};

/// Hours of a day.
pub const HOURS: usize = 24;

const HOUR: Span = Span::from_seconds(3_600);
const DAY: Span = Span::from_seconds(HOURS as i64 * 3_600);
const TICK: Span = Span::from_micros(1);

/// A rate of events that is constant within each hour and the same every day. Instant 0 is 00:00.
///
/// A Poisson process of this rate comes from one of rate 1 by the inverse of the cumulative rate (Çınlar 1975, chapter
/// 4.7): [`DailyRate::advance`] by an exponential gap of mean 1, then [`DailyRate::instant`]. So two profiles under
/// comparison stay coupled, which thinning would not give.
#[derive(Clone, Debug, PartialEq)]
pub struct DailyRate {
    hours: Arc<[Hour; HOURS]>,
    /// Events expected in a day, above zero.
    per_day: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Hour {
    per_second: f64,
    /// Events expected since 00:00 when the hour begins.
    before: f64,
}

/// How many events were expected until some instant: whole days and the rest, less than a day's, so that a long run
/// loses no precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Level {
    days: i64,
    rest: f64,
}

impl DailyRate {
    /// Events per second in each hour from 00:00 on; `None` if one is negative or not finite, or if all are zero.
    pub fn new(per_second: [f64; HOURS]) -> Option<DailyRate> {
        let mut per_day = 0.0;
        let hours = per_second.map(|per_second| {
            let hour = Hour { per_second, before: per_day };
            per_day += per_second * HOUR.seconds();
            hour
        });
        let is_good = per_second.iter().all(|rate| *rate >= 0.0) && per_day > 0.0 && per_day.is_finite();
        is_good.then(|| DailyRate { hours: Arc::new(hours), per_day })
    }

    /// Events expected in [0, `until`).
    pub fn expected(&self, until: Span) -> f64 {
        let (days, rest) = (until.micros().div_euclid(DAY.micros()), until.micros().rem_euclid(DAY.micros()));
        let hour = &self.hours[(rest / HOUR.micros()) as usize];
        let within = Span::from_micros(rest % HOUR.micros()).seconds();
        days as f64 * self.per_day + (hour.before + hour.per_second * within)
    }

    /// The level that lies `events` above another.
    pub fn advance(&self, from: Level, events: f64) -> Level {
        let sum = from.rest + events;
        // The remainder is exact, and subtracting it leaves nearly a multiple: rounding finds the very one, where
        // cutting could be a day off.
        let rest = sum % self.per_day;
        let days = ((sum - rest) / self.per_day).round_ties_even() as i64;
        Level { days: from.days.saturating_add(days), rest }
    }

    /// When so many events were expected: never in an hour of rate zero, and never before the instant of a lower level.
    pub fn instant(&self, level: Level) -> Instant {
        // The first hour begins at 0. Of hours that begin at one level only the last has a rate.
        let index = self.hours.partition_point(|hour| hour.before <= level.rest) - 1;
        let hour = &self.hours[index];
        let within = Span::from_seconds_f64((level.rest - hour.before) / hour.per_second);
        // What is rounded up to the end of the hour is still in it.
        Instant::START + DAY * level.days + HOUR * index as i64 + within.min(HOUR - TICK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One event a second from 00:00 to 02:00, two from 09:00 to 10:00, four from 22:00 to 23:00.
    fn profile() -> DailyRate {
        let mut rates = [0.0; HOURS];
        (rates[0], rates[1], rates[9], rates[22]) = (1.0, 1.0, 2.0, 4.0);
        DailyRate::new(rates).expect("a profile")
    }

    fn at(day: i64, hour: i64, seconds: f64) -> Instant {
        Instant::START + DAY * day + HOUR * hour + Span::from_seconds_f64(seconds)
    }

    #[test]
    fn the_inverse_of_the_cumulative_rate() {
        let rate = profile();
        let day = 2.0 * 3_600.0 + 7_200.0 + 14_400.0;
        for (events, instant) in [
            (0.0, at(0, 0, 0.0)),
            (0.5, at(0, 0, 0.5)),
            // Exactly at the border of two hours.
            (3_600.0, at(0, 1, 0.0)),
            (3_601.0, at(0, 1, 1.0)),
            // Just below a level at which hours without events begin, and exactly there.
            (7_199.999, at(0, 1, 3_599.999)),
            (7_199.999_999_99, at(0, 1, 3_599.999_999)),
            (7_200.0, at(0, 9, 0.0)),
            (7_201.0, at(0, 9, 0.5)),
            (14_400.0, at(0, 22, 0.0)),
            (14_404.0, at(0, 22, 1.0)),
            // The day ends with an hour of nothing.
            (day - 0.004, at(0, 22, 3_599.999)),
            (day, at(1, 0, 0.0)),
            (day + 7_200.0, at(1, 9, 0.0)),
            (1e6 * day + 3_600.0, at(1_000_000, 1, 0.0)),
            (f64::MAX, Instant::NEVER),
        ] {
            assert_eq!(rate.instant(rate.advance(Level::default(), events)), instant, "{events} events");
        }
    }

    #[test]
    fn expected_events() {
        let rate = profile();
        for (until, events) in [
            (at(0, 0, 0.0), 0.0),
            (at(0, 1, 0.5), 3_600.5),
            (at(0, 5, 17.0), 7_200.0),
            (at(0, 9, 1_800.0), 10_800.0),
            (at(0, 23, 3_599.0), 28_800.0),
            (at(3, 0, 0.0), 86_400.0),
            (at(3, 22, 1.0), 100_804.0),
        ] {
            assert_eq!(rate.expected(until.since(Instant::START)), events, "{until:?}");
        }
    }

    /// Rates whose sums are rounded: every level comes back, and nothing goes backwards or into an empty hour.
    #[test]
    fn steps_ascend_and_come_back() {
        let mut rates = [0.0; HOURS];
        for (index, rate) in rates.iter_mut().enumerate().filter(|(index, _)| index % 5 != 3) {
            *rate = (index as f64 + 0.1) / 7_000.0;
        }
        let rate = DailyRate::new(rates).expect("a profile");
        let (mut level, mut last, mut sum) = (Level::default(), Instant::START, 0.0);
        for step in 0..200_000 {
            let events = f64::from(step % 1_009) / 311.0;
            level = rate.advance(level, events);
            sum += events;
            let instant = rate.instant(level);
            assert!(instant >= last, "step {step}: {instant:?} after {last:?}");
            let hour = instant.micros() / HOUR.micros() % HOURS as i64;
            assert_ne!(hour % 5, 3, "step {step}");
            let expected = rate.expected(instant.since(Instant::START));
            assert!((expected - sum).abs() < 1e-6, "step {step}: {expected} for {sum}");
            last = instant;
        }
        assert!(last > at(2_900, 0, 0.0), "{last:?}");
    }

    /// Less than an event in the age of the universe: one division, and past all that is simulated.
    #[test]
    fn tiny_rates_need_no_loop() {
        let mut rates = [0.0; HOURS];
        rates[4] = 1e-26;
        let rate = DailyRate::new(rates).expect("a profile");
        assert_eq!(rate.instant(rate.advance(Level::default(), 1.0)), Instant::NEVER);
        let first = rate.instant(rate.advance(Level::default(), 1e-23));
        assert_eq!(first, at(0, 4, 1_000.0));
        // So small beside its neighbour that adding it changes nothing.
        rates[5] = 1e9;
        let rate = DailyRate::new(rates).expect("a profile");
        assert_eq!(rate.instant(rate.advance(Level::default(), 1e9)), at(0, 5, 1.0));
    }

    #[test]
    fn what_is_no_rate() {
        assert_eq!(DailyRate::new([0.0; HOURS]), None);
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            let mut rates = [1.0; HOURS];
            rates[7] = wrong;
            assert_eq!(DailyRate::new(rates), None, "{wrong}");
        }
    }
}
