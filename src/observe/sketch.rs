//! A sketch of signed times that merges exactly: equal whatever the order in which parts were added.

use hdrhistogram::Histogram;

use crate::units::Span;

/// Significant decimal digits of a quantile.
const DIGITS: u8 = 3;
/// The unit in which times are kept, in microseconds.
const MILLISECOND: i64 = 1_000;

/// Distribution of times, to a millisecond or three digits, whichever is coarser; minimum and maximum are exact.
///
/// Two histograms, because a margin may be negative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    parts: Option<Box<Parts>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Parts {
    below_zero: Histogram<u64>,
    from_zero: Histogram<u64>,
    min: Span,
    max: Span,
}

impl Parts {
    fn new(first: Span) -> Parts {
        let histogram = || Histogram::new(DIGITS).expect("three digits are allowed");
        Parts { below_zero: histogram(), from_zero: histogram(), min: first, max: first }
    }
}

impl Sketch {
    /// Adds one time.
    pub fn record(&mut self, time: Span) {
        let parts = self.parts.get_or_insert_with(|| Box::new(Parts::new(time)));
        parts.min = parts.min.min(time);
        parts.max = parts.max.max(time);
        let millis = time.micros().div_euclid(MILLISECOND);
        if millis < 0 {
            parts.below_zero.record(millis.unsigned_abs()).expect("an auto-resizing histogram takes every value");
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
                ours.below_zero.add(&theirs.below_zero).expect("both histograms resize");
                ours.from_zero.add(&theirs.from_zero).expect("both histograms resize");
                ours.min = ours.min.min(theirs.min);
                ours.max = ours.max.max(theirs.max);
            }
        }
    }

    /// How many times it holds.
    pub fn len(&self) -> u64 {
        self.parts.as_ref().map_or(0, |parts| parts.below_zero.len() + parts.from_zero.len())
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time of this rank (from 1), the smallest being first; `None` if there are not so many.
    pub fn at_rank(&self, rank: u64) -> Option<Span> {
        let parts = self.parts.as_ref()?;
        let negative = parts.below_zero.len();
        if rank == 0 || rank > self.len() {
            return None;
        }
        let millis = if rank <= negative {
            // The largest magnitude comes first.
            -(value_at(&parts.below_zero, negative + 1 - rank) as i64)
        } else {
            value_at(&parts.from_zero, rank - negative) as i64
        };
        Some(Span::from_micros(millis.saturating_mul(MILLISECOND)).clamp(parts.min, parts.max))
    }

    /// The smallest time that at least a share `q` of all times do not exceed; `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<Span> {
        let len = self.len();
        self.at_rank(((q * len as f64).ceil() as u64).clamp(1, len.max(1)))
    }

    /// The steps of the empirical distribution function: a time, and how many times do not exceed it; ascending.
    pub fn steps(&self) -> Vec<(Span, u64)> {
        let Some(parts) = &self.parts else { return Vec::new() };
        let time = |millis: i64| Span::from_micros(millis.saturating_mul(MILLISECOND)).clamp(parts.min, parts.max);
        let mut steps = Vec::new();
        let mut sum = 0;
        let below: Vec<_> = parts.below_zero.iter_recorded().collect();
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

/// The middle of the bucket that holds the value of this rank.
fn value_at(histogram: &Histogram<u64>, rank: u64) -> u64 {
    let mut sum = 0;
    for bucket in histogram.iter_recorded() {
        sum += bucket.count_at_value();
        if sum >= rank {
            return histogram.median_equivalent(bucket.value_iterated_to());
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
        let ordered: Vec<_> = (1..=5).map(|rank| sketch.at_rank(rank).unwrap().seconds().round() as i64).collect();
        assert_eq!(ordered, [-7, -1, 0, 3, 5]);
        assert_eq!(sketch.at_rank(6), None);
    }

    #[test]
    fn a_constant_comes_back_exactly() {
        let sketch = sketch(&[532, 532, 532]);
        assert_eq!(sketch.quantile(0.5), Some(Span::from_seconds(532)));
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
