//! A sketch of signed times that merges exactly: equal whatever the order in which parts were added.

use hdrhistogram::Histogram;

use crate::units::Span;

/// Significant decimal digits of a quantile.
const DIGITS: u8 = 3;
/// The unit in which times are kept, in microseconds.
const MILLISECOND: i64 = 1_000;

/// Which of the times that are kept as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The lowest that it can have been: for lower bounds.
    Low,
    /// The middle: for estimates.
    Middle,
    /// The highest that it can have been: for upper bounds.
    High,
}

impl Side {
    const fn flipped(self) -> Side {
        match self {
            Side::Low => Side::High,
            Side::Middle => Side::Middle,
            Side::High => Side::Low,
        }
    }
}

/// Distribution of times, to a millisecond or three digits, whichever is coarser; minimum and maximum are exact.
///
/// Two histograms, because a margin may be negative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    parts: Option<Box<Parts>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Parts {
    /// Magnitudes. Only margins are ever negative, so it is made when it is needed.
    below_zero: Option<Histogram<u64>>,
    from_zero: Histogram<u64>,
    min: Span,
    max: Span,
}

impl Parts {
    fn new(first: Span) -> Parts {
        Parts { below_zero: None, from_zero: histogram(), min: first, max: first }
    }

    fn below_zero_len(&self) -> u64 {
        self.below_zero.as_ref().map_or(0, Histogram::len)
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("three digits are allowed")
}

impl Sketch {
    /// Adds one time.
    pub fn record(&mut self, time: Span) {
        let parts = self.parts.get_or_insert_with(|| Box::new(Parts::new(time)));
        parts.min = parts.min.min(time);
        parts.max = parts.max.max(time);
        let millis = time.micros().div_euclid(MILLISECOND);
        if millis < 0 {
            let below_zero = parts.below_zero.get_or_insert_with(histogram);
            below_zero.record(millis.unsigned_abs()).expect("an auto-resizing histogram takes every value");
        } else {
            parts.from_zero.record(millis.unsigned_abs()).expect("an auto-resizing histogram takes every value");
        }
    }

    /// Adds everything that `other` holds.
    pub fn merge(&mut self, other: &Sketch) {
        let Some(theirs) = &other.parts else { return };
        match &mut self.parts {
            None => self.parts = Some(theirs.clone()),
            Some(ours) => {
                if let Some(below_zero) = &theirs.below_zero {
                    let ours = ours.below_zero.get_or_insert_with(histogram);
                    ours.add(below_zero).expect("both histograms resize");
                }
                ours.from_zero.add(&theirs.from_zero).expect("both histograms resize");
                ours.min = ours.min.min(theirs.min);
                ours.max = ours.max.max(theirs.max);
            }
        }
    }

    /// How many times it holds.
    pub fn len(&self) -> u64 {
        self.parts.as_ref().map_or(0, |parts| parts.below_zero_len() + parts.from_zero.len())
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time of this rank (from 1), the smallest being first; `None` if there are not so many. Of a range of times
    /// that are kept as one, the end that `side` names.
    pub fn at_rank(&self, rank: u64, side: Side) -> Option<Span> {
        let parts = self.parts.as_ref()?;
        let negative = parts.below_zero_len();
        if rank == 0 || rank > self.len() {
            return None;
        }
        let micros = if let Some(below_zero) = parts.below_zero.as_ref().filter(|_| rank <= negative) {
            // The largest magnitude comes first; a magnitude of n ms stands for times from -n ms on.
            -(value_at(below_zero, negative + 1 - rank, side.flipped()) as i64).saturating_mul(MILLISECOND)
        } else {
            (value_at(&parts.from_zero, rank - negative, side) as i64).saturating_mul(MILLISECOND)
        };
        // A millisecond stands for all that begins with it.
        let micros = if side == Side::High { micros.saturating_add(MILLISECOND - 1) } else { micros };
        Some(Span::from_micros(micros).clamp(parts.min, parts.max))
    }

    /// The smallest time that at least a share `q` of all times do not exceed; `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<Span> {
        let len = self.len();
        self.at_rank(((q * len as f64).ceil() as u64).clamp(1, len.max(1)), Side::Middle)
    }

    /// The steps of the empirical distribution function: a time, and how many times do not exceed it; ascending.
    pub fn steps(&self) -> Vec<(Span, u64)> {
        let Some(parts) = &self.parts else { return Vec::new() };
        let time = |millis: i64| Span::from_micros(millis.saturating_mul(MILLISECOND)).clamp(parts.min, parts.max);
        let mut steps = Vec::new();
        let mut sum = 0;
        let below: Vec<_> = parts.below_zero.iter().flat_map(Histogram::iter_recorded).collect();
        for bucket in below.iter().rev() {
            sum += bucket.count_at_value();
            steps.push((time(-(bucket.value_iterated_to() as i64)), sum));
        }
        for bucket in parts.from_zero.iter_recorded() {
            sum += bucket.count_at_value();
            steps.push((time(bucket.value_iterated_to() as i64), sum));
        }
        steps
    }
}

/// One end, or the middle, of the bucket that holds the value of this rank.
fn value_at(histogram: &Histogram<u64>, rank: u64, side: Side) -> u64 {
    let mut sum = 0;
    for bucket in histogram.iter_recorded() {
        sum += bucket.count_at_value();
        if sum >= rank {
            let value = bucket.value_iterated_to();
            return match side {
                Side::Low => histogram.lowest_equivalent(value),
                Side::Middle => histogram.median_equivalent(value),
                Side::High => histogram.highest_equivalent(value),
            };
        }
    }
    histogram.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(seconds: &[i64]) -> Sketch {
        let mut sketch = Sketch::default();
        for &second in seconds {
            sketch.record(Span::from_seconds(second));
        }
        sketch
    }

    #[test]
    fn ranks_run_from_the_most_negative() {
        let sketch = sketch(&[5, -7, 0, -1, 3]);
        let ordered: Vec<_> =
            (1..=5).map(|rank| sketch.at_rank(rank, Side::Middle).unwrap().seconds().round() as i64).collect();
        assert_eq!(ordered, [-7, -1, 0, 3, 5]);
        assert_eq!(sketch.at_rank(6, Side::Middle), None);
    }

    #[test]
    fn a_constant_comes_back_exactly() {
        let sketch = sketch(&[532, 532, 532]);
        assert_eq!(sketch.quantile(0.5), Some(Span::from_seconds(532)));
    }

    /// Nine in ten take 3,001 s and one 3,003 s, which three digits cannot tell apart.
    #[test]
    fn bounds_enclose_what_is_kept_as_one() {
        let mut times = vec![3_001; 9];
        times.push(3_003);
        let sketch = sketch(&times);
        let at = |side| sketch.at_rank(5, side).unwrap();
        assert!(at(Side::Low) <= Span::from_seconds(3_001) && Span::from_seconds(3_001) <= at(Side::High));
        assert!(at(Side::High) <= Span::from_seconds(3_003));
    }

    #[test]
    fn merging_is_the_same_in_any_order() {
        let (a, b) = (sketch(&[1, 100, -5]), sketch(&[9_000, 2]));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(&b);
        ba.merge(&a);
        assert_eq!(ab, ba);
        assert_eq!(ab, sketch(&[1, 100, -5, 9_000, 2]));
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Sketch::default().quantile(0.5), None);
        assert!(Sketch::default().steps().is_empty());
    }
}
