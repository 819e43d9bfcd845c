//! A sketch of signed times that merges exactly: equal whatever the order in which parts were added.

use std::sync::Arc;

use hdrhistogram::Histogram;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
}

fn histogram() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("three digits are allowed")
}

impl Sketch {
    /// Adds one time.
    pub fn record(&mut self, time: Span) {
        self.record_many(time, 1);
    }

    /// Adds one time so often.
    pub fn record_many(&mut self, time: Span, times: u64) {
        if times == 0 {
            return;
        }
        let parts = self.parts.get_or_insert_with(|| Box::new(Parts::new(time)));
        parts.min = parts.min.min(time);
        parts.max = parts.max.max(time);
        let millis = time.micros().div_euclid(MILLISECOND);
        if millis < 0 {
            let below_zero = parts.below_zero.get_or_insert_with(histogram);
            below_zero.record_n(millis.unsigned_abs(), times).expect("an auto-resizing histogram takes every value");
        } else {
            parts
                .from_zero
                .record_n(millis.unsigned_abs(), times)
                .expect("an auto-resizing histogram takes every value");
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

    /// What it holds, in no more memory than that needs.
    pub fn distribution(&self) -> Distribution {
        let Some(parts) = &self.parts else { return Distribution::default() };
        let mut buckets = Vec::new();
        let mut upto = 0;
        let mut push = |low: i64, high: i64, count: u64| {
            upto += count;
            // A millisecond stands for all that begins with it.
            let (low, high) = (low.saturating_mul(MILLISECOND), high.saturating_mul(MILLISECOND));
            let end = |micros: i64| Span::from_micros(micros).clamp(parts.min, parts.max);
            buckets.push(Bucket { low: end(low), high: end(high.saturating_add(MILLISECOND - 1)), upto });
        };
        let ends = |histogram: &Histogram<u64>, value: u64| {
            (histogram.lowest_equivalent(value) as i64, histogram.highest_equivalent(value) as i64)
        };
        if let Some(histogram) = &parts.below_zero {
            // The largest magnitude comes first.
            let recorded: Vec<_> = histogram.iter_recorded().collect();
            for bucket in recorded.iter().rev() {
                let (least, most) = ends(histogram, bucket.value_iterated_to());
                push(-most, -least, bucket.count_at_value());
            }
        }
        for bucket in parts.from_zero.iter_recorded() {
            let (low, high) = ends(&parts.from_zero, bucket.value_iterated_to());
            push(low, high, bucket.count_at_value());
        }
        Distribution { buckets: buckets.into() }
    }
}

/// A sketch on disk: what was counted, and nothing of the empty rest.
#[derive(Serialize, Deserialize)]
struct Kept {
    min: i64,
    max: i64,
    /// Milliseconds and how often, ascending; of negative times the magnitudes.
    below_zero: Vec<(u64, u64)>,
    from_zero: Vec<(u64, u64)>,
}

impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let counted = |histogram: &Histogram<u64>| {
            histogram.iter_recorded().map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value())).collect()
        };
        let kept = self.parts.as_ref().map(|parts| Kept {
            min: parts.min.micros(),
            max: parts.max.micros(),
            below_zero: parts.below_zero.as_ref().map(counted).unwrap_or_default(),
            from_zero: counted(&parts.from_zero),
        });
        kept.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Sketch, D::Error> {
        let Some(kept) = Option::<Kept>::deserialize(from)? else { return Ok(Sketch::default()) };
        let counted = |buckets: &[(u64, u64)]| {
            let mut histogram = histogram();
            for &(value, count) in buckets {
                histogram.record_n(value, count).map_err(D::Error::custom)?;
            }
            Ok(histogram)
        };
        let below_zero = if kept.below_zero.is_empty() { None } else { Some(counted(&kept.below_zero)?) };
        let (min, max) = (Span::from_micros(kept.min), Span::from_micros(kept.max));
        Ok(Sketch { parts: Some(Box::new(Parts { below_zero, from_zero: counted(&kept.from_zero)?, min, max })) })
    }
}

/// What a sketch held: answers, and takes no more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// Ascending; none is empty.
    buckets: Arc<[Bucket]>,
}

/// Times that are kept as one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    low: Span,
    high: Span,
    /// How many times do not lie behind it.
    upto: u64,
}

impl Bucket {
    fn middle(&self) -> Span {
        Span::from_micros(self.low.micros() + (self.high.micros() - self.low.micros()) / 2)
    }
}

impl Distribution {
    /// How many times it holds.
    pub fn len(&self) -> u64 {
        self.buckets.last().map_or(0, |bucket| bucket.upto)
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The time of this rank (from 1), the smallest being first; `None` if there are not so many. Of a range of times
    /// that are kept as one, the one that `side` names.
    pub fn at_rank(&self, rank: u64, side: Side) -> Option<Span> {
        if rank == 0 {
            return None;
        }
        let bucket = self.buckets.get(self.buckets.partition_point(|bucket| bucket.upto < rank))?;
        Some(match side {
            Side::Low => bucket.low,
            Side::Middle => bucket.middle(),
            Side::High => bucket.high,
        })
    }

    /// The smallest time that at least a share `q` of all times do not exceed; `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<Span> {
        let len = self.len();
        self.at_rank(((q * len as f64).ceil() as u64).clamp(1, len.max(1)), Side::Middle)
    }

    /// The steps of the empirical distribution function: a time, and how many times do not exceed it; ascending.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = (Span, u64)> + '_ {
        self.buckets.iter().map(|bucket| (bucket.high, bucket.upto))
    }
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
        let sketch = sketch(&[5, -7, 0, -1, 3]).distribution();
        let ordered: Vec<_> =
            (1..=5).map(|rank| sketch.at_rank(rank, Side::Middle).unwrap().seconds().round() as i64).collect();
        assert_eq!(ordered, [-7, -1, 0, 3, 5]);
        assert_eq!(sketch.at_rank(6, Side::Middle), None);
    }

    #[test]
    fn a_constant_comes_back_exactly() {
        let sketch = sketch(&[532, 532, 532]).distribution();
        assert_eq!(sketch.quantile(0.5), Some(Span::from_seconds(532)));
    }

    /// Nine in ten take 3,001 s and one 3,003 s, which three digits cannot tell apart.
    #[test]
    fn bounds_enclose_what_is_kept_as_one() {
        let mut times = vec![3_001; 9];
        times.push(3_003);
        let sketch = sketch(&times).distribution();
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
    fn what_was_on_disk_is_what_it_was() {
        for seconds in [&[][..], &[0], &[-3], &[7, 7, -1, 86_400, 90_001]] {
            let sketch = sketch(seconds);
            let bytes = postcard::to_stdvec(&sketch).unwrap();
            let back: Sketch = postcard::from_bytes(&bytes).unwrap();
            assert_eq!(back, sketch, "{seconds:?}");
            assert_eq!(back.distribution(), sketch.distribution(), "{seconds:?}");
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Sketch::default().distribution().quantile(0.5), None);
        assert!(Sketch::default().distribution().is_empty());
    }
}
