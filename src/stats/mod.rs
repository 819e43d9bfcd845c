//! Numbers in, numbers out: intervals of ratios, proportions and differences, bounds of quantiles, where series become
//! steady. Knows nothing of jobs.

mod paired;
mod steady;

pub use paired::{Difference, RatioPair, bonferroni, difference_of_means, difference_of_ratios};
pub use steady::{BATCH, Truncation, moving_average, mser5};

use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

/// Which ends of an interval are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// Both, with half of the error probability each.
    Two,
    /// One, with all of the error probability.
    One,
}

impl Sides {
    /// The error probability at one end.
    fn tail(self, confidence: f64) -> f64 {
        match self {
            Sides::Two => (1.0 - confidence) / 2.0,
            Sides::One => 1.0 - confidence,
        }
    }
}

/// Low and high end.
pub type Ends = (f64, f64);

/// Sum of numerators over sum of denominators, with its half-width by Student's t with n − 1 degrees of freedom.
///
/// The classical ratio estimator with the linearised variance (Cochran, Sampling Techniques, 3rd ed., section 6.4;
/// Law, Simulation Modeling and Analysis, section 9.5): replications are the sample, because what happens inside one
/// is dependent. `None` without two replications or with denominators that sum to zero.
pub fn ratio_interval(pairs: &[(f64, f64)], confidence: f64, sides: Sides) -> Option<Ends> {
    let n = pairs.len() as f64;
    let (top, bottom) = pairs.iter().fold((0.0, 0.0), |(top, bottom), (y, x)| (top + y, bottom + x));
    if pairs.len() < 2 || bottom <= 0.0 {
        return None;
    }
    let ratio = top / bottom;
    let squares: f64 = pairs.iter().map(|(y, x)| (y - ratio * x) * (y - ratio * x)).sum();
    let mean_bottom = bottom / n;
    let error = (squares / (n - 1.0) / n).sqrt() / mean_bottom;
    let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(1.0 - sides.tail(confidence));
    Some((ratio - t * error, ratio + t * error))
}

/// The exact interval of a proportion of `hits` in `trials` independent trials (Clopper and Pearson 1934).
///
/// `None` without trials.
pub fn clopper_pearson(hits: u64, trials: u64, confidence: f64, sides: Sides) -> Option<Ends> {
    if trials == 0 || hits > trials {
        return None;
    }
    let tail = sides.tail(confidence);
    let (k, n) = (hits as f64, trials as f64);
    // The ends that have a closed form are taken from it: the beta quantile is least exact there.
    let low = if hits == 0 {
        0.0
    } else if hits == trials {
        libm::pow(tail, 1.0 / n)
    } else {
        Beta::new(k, n - k + 1.0).ok()?.inverse_cdf(tail)
    };
    let high = if hits == trials {
        1.0
    } else if hits == 0 {
        -libm::expm1(libm::log(tail) / n)
    } else {
        Beta::new(k + 1.0, n - k).ok()?.inverse_cdf(1.0 - tail)
    };
    Some((low, high))
}

/// Ranks (from 1) of the order statistics that bound the `q`-quantile of `n` independent observations from below and
/// from above, each by itself with this confidence; `None` where no observation is extreme enough.
///
/// Distribution-free: the number of observations below the quantile is binomial (David and Nagaraja, Order
/// Statistics, 3rd ed., section 7.1).
pub fn quantile_ranks(n: u64, q: f64, confidence: f64) -> (Option<u64>, Option<u64>) {
    let Ok(binomial) = Binomial::new(q, n) else { return (None, None) };
    if n == 0 {
        return (None, None);
    }
    let tail = 1.0 - confidence;
    // P(fewer than r observations lie below the quantile) grows with r.
    let fewer_than = |r: u64| binomial.cdf(r - 1);
    let first_above_tail = first_rank(n, |r| fewer_than(r) > tail);
    let low = first_above_tail.unwrap_or(n + 1) - 1;
    let high = first_rank(n, |r| fewer_than(r) >= confidence);
    ((low > 0).then_some(low), high)
}

/// The first of the ranks 1 to `n` from which on `holds` is true; `None` if it never is.
fn first_rank(n: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (1, n + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    (low <= n).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-5, "{found} is not {expected}");
    }

    /// Known values: R's `binom.test`; the rule of three for none of many.
    #[test]
    fn exact_intervals_of_proportions() {
        for (hits, trials, low, high) in [
            (0, 200, 0.0, 0.018_275),
            (200, 200, 0.981_725, 1.0),
            (3, 20, 0.032_071, 0.378_927),
            (1, 10, 0.002_529, 0.445_016),
        ] {
            let (found_low, found_high) = clopper_pearson(hits, trials, 0.95, Sides::Two).unwrap();
            close(found_low, low);
            close(found_high, high);
        }
        let (_, high) = clopper_pearson(0, 1_000, 0.95, Sides::One).unwrap();
        close(high, 0.002_991);
        assert_eq!(clopper_pearson(0, 0, 0.95, Sides::Two), None);
    }

    /// Equal denominators make the ratio estimator the mean: sample 1, 2, 3, 4 has t(0.975, 3) = 3.182446.
    #[test]
    fn the_ratio_of_equal_denominators_is_a_mean() {
        let pairs = [(1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0)];
        let (low, high) = ratio_interval(&pairs, 0.95, Sides::Two).unwrap();
        let half = 3.182_446 * (5.0_f64 / 3.0).sqrt() / 2.0;
        close(low, 2.5 - half);
        close(high, 2.5 + half);
        assert_eq!(ratio_interval(&pairs[..1], 0.95, Sides::Two), None);
        assert_eq!(ratio_interval(&[(0.0, 0.0), (0.0, 0.0)], 0.95, Sides::Two), None);
    }

    /// The median of 10 observations lies between the 2nd and the 9th with 0.9785 on both sides together.
    #[test]
    fn ranks_that_bound_a_quantile() {
        assert_eq!(quantile_ranks(10, 0.5, 0.989), (Some(2), Some(9)));
        assert_eq!(quantile_ranks(10, 0.99, 0.95), (Some(9), None));
        assert_eq!(quantile_ranks(0, 0.5, 0.95), (None, None));
        assert_eq!(
            quantile_ranks(59, 0.95, 0.95).1,
            Some(59),
            "59 observations are the fewest that bound the 95th percentile"
        );
        assert_eq!(quantile_ranks(58, 0.95, 0.95).1, None);
    }
}
