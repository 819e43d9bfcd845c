//! Differences of two systems that were observed in the same replications: what pairing gives, and what it bought.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Ends;

/// Squares of residuals that are no larger than this share of the squares of what they are residuals of are rounding:
/// of a thousand numbers with 53 bits less than 1e-26 is left where nothing varies.
const ROUNDING: f64 = 1e-24;

/// The second system minus the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The estimate.
    pub estimate: f64,
    /// Its two-sided interval from pairs: Student's t with n − 1 degrees of freedom.
    pub paired: Ends,
    /// The interval that the same replications would give if the systems had been observed independently (Welch).
    pub unpaired: Ends,
    /// Estimated variance of the difference without pairs / with pairs; `None` where the pairs leave none.
    pub variance_ratio: Option<f64>,
}

/// The difference of two means over replications, of which the n-th of one belongs to the n-th of the other.
///
/// Law, Simulation Modeling and Analysis, 5th ed., section 10.2.1 (paired-t interval) and 10.2.2 (Welch's interval for
/// independent replications, with Satterthwaite's degrees of freedom).
/// `None` without two pairs.
pub fn difference_of_means(pairs: &[(f64, f64)], confidence: f64) -> Option<Difference> {
    let n = pairs.len() as f64;
    let (first, second) = pairs.iter().fold((0.0, 0.0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
    let (first, second) = (first / n, second / n);
    let terms =
        pairs.iter().map(|(a, b)| (Term { value: *a, error: a - first }, Term { value: *b, error: b - second }));
    difference(second - first, terms, pairs.len(), confidence)
}

/// A replication of both systems: each a numerator and a denominator.
pub type RatioPair = ((f64, f64), (f64, f64));

/// The difference of two ratios (sum of numerators / sum of denominators) over paired replications.
///
/// A ratio R = ΣY/ΣX is linearised as its variance is in [`ratio_interval`](super::ratio_interval) (Cochran, Sampling
/// Techniques, 3rd ed., section 6.4): a replication contributes (Y − R·X) / mean X to its error. The error of the
/// difference is the mean of the differences of these residuals, so that what both systems share cancels pair by pair.
/// `None` without two pairs, or if the denominators of either system sum to zero.
pub fn difference_of_ratios(pairs: &[RatioPair], confidence: f64) -> Option<Difference> {
    let n = pairs.len() as f64;
    let add = |sums: (f64, f64), pair: (f64, f64)| (sums.0 + pair.0, sums.1 + pair.1);
    let (first, second) = pairs.iter().fold(((0.0, 0.0), (0.0, 0.0)), |(a, b), pair| (add(a, pair.0), add(b, pair.1)));
    if first.1 <= 0.0 || second.1 <= 0.0 {
        return None;
    }
    let term = |sums: (f64, f64), (top, bottom): (f64, f64)| {
        let mean = sums.1 / n;
        Term { value: top / mean, error: (top - sums.0 / sums.1 * bottom) / mean }
    };
    let terms = pairs.iter().map(|(a, b)| (term(first, *a), term(second, *b)));
    difference(second.0 / second.1 - first.0 / first.1, terms, pairs.len(), confidence)
}

/// What a replication contributes to an estimate.
struct Term {
    value: f64,
    /// To its error; these sum to zero.
    error: f64,
}

/// From the estimate and the terms of both systems.
fn difference(
    estimate: f64,
    terms: impl Iterator<Item = (Term, Term)>,
    pairs: usize,
    confidence: f64,
) -> Option<Difference> {
    if pairs < 2 {
        return None;
    }
    let n = pairs as f64;
    let (mut first, mut second, mut both, mut whole) = (0.0, 0.0, 0.0, 0.0);
    for (a, b) in terms {
        first += a.error * a.error;
        second += b.error * b.error;
        both += (b.error - a.error) * (b.error - a.error);
        whole += a.value * a.value + b.value * b.value;
    }
    let variance = |squares: f64| if squares > ROUNDING * whole { squares / (n - 1.0) / n } else { 0.0 };
    let [first, second, both] = [first, second, both].map(variance);
    let apart = first + second;
    let interval = |variance: f64, freedom: f64| {
        // Between constants there is nothing to estimate, and no degree of freedom to estimate it with.
        let half = if variance > 0.0 { t_quantile(confidence, freedom)? * variance.sqrt() } else { 0.0 };
        Some((estimate - half, estimate + half))
    };
    let welch = apart * apart / (first * first + second * second) * (n - 1.0);
    Some(Difference {
        estimate,
        paired: interval(both, n - 1.0)?,
        unpaired: interval(apart, welch)?,
        variance_ratio: (both > 0.0).then(|| apart / both),
    })
}

/// The quantile of Student's t that a two-sided interval needs.
fn t_quantile(confidence: f64, freedom: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf((1.0 + confidence) / 2.0))
}

/// The confidence of each of so many intervals with which all of them hold together at least with this one, however
/// they depend on each other (Bonferroni).
pub fn bonferroni(confidence: f64, intervals: usize) -> f64 {
    1.0 - (1.0 - confidence) / intervals.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::super::{Sides, ratio_interval};
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-6 * expected.abs().max(1.0), "{found} is not {expected}");
    }

    fn ends(found: Ends, expected: Ends) {
        close(found.0, expected.0);
        close(found.1, expected.1);
    }

    /// Student's sleep data (1908) in R: `t.test(extra ~ group, data = sleep)` with and without `paired = TRUE`.
    #[test]
    fn means_of_known_data() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let pairs: Vec<_> = first.into_iter().zip(second).collect();
        let found = difference_of_means(&pairs, 0.95).unwrap();
        close(found.estimate, 1.58);
        ends(found.paired, (0.700_114_2, 2.459_885_8));
        ends(found.unpaired, (-0.205_483_2, 3.365_483_2));
        close(found.variance_ratio.unwrap(), 4.765_423);
    }

    /// Worked out by hand from the residuals, with t(0.975, 3) = 3.182446.
    #[test]
    fn ratios_of_known_data() {
        let first = [(3.0, 10.0), (5.0, 12.0), (1.0, 8.0), (4.0, 11.0)];
        let second = [(4.0, 10.0), (7.0, 13.0), (1.0, 8.0), (6.0, 10.0)];
        let pairs: Vec<_> = first.into_iter().zip(second).collect();
        let found = difference_of_ratios(&pairs, 0.95).unwrap();
        close(found.estimate, 18.0 / 41.0 - 13.0 / 41.0);
        ends(found.paired, (-0.011_416_56, 0.255_319_00));
        close(found.variance_ratio.unwrap(), 6.687_265);
    }

    #[test]
    fn a_system_that_never_varies_leaves_the_interval_of_the_other() {
        let second = [(4.0, 10.0), (7.0, 13.0), (1.0, 8.0), (6.0, 10.0)];
        let pairs: Vec<_> = second.iter().map(|ratio| ((0.0, 7.0), *ratio)).collect();
        let found = difference_of_ratios(&pairs, 0.9).unwrap();
        let alone = ratio_interval(&second, 0.9, Sides::Two).unwrap();
        ends(found.paired, alone);
        // One variance is zero, so that Satterthwaite's degrees of freedom are those of the other.
        ends(found.unpaired, alone);
        close(found.variance_ratio.unwrap(), 1.0);
    }

    #[test]
    fn ratios_of_equal_denominators_are_means() {
        let pairs = [(1.0, 2.5), (4.0, 3.0), (2.0, 7.0)];
        let ratios: Vec<_> = pairs.iter().map(|&(a, b)| ((a * 5.0, 5.0), (b * 3.0, 3.0))).collect();
        let (means, ratios) = (difference_of_means(&pairs, 0.99), difference_of_ratios(&ratios, 0.99));
        ends(means.unwrap().paired, ratios.unwrap().paired);
        ends(means.unwrap().unpaired, ratios.unwrap().unpaired);
    }

    #[test]
    fn what_cannot_be_told_is_none() {
        assert_eq!(difference_of_means(&[(1.0, 2.0)], 0.95), None);
        assert_eq!(difference_of_means(&[], 0.95), None);
        let nothing = ((0.0, 0.0), (1.0, 2.0));
        assert_eq!(difference_of_ratios(&[nothing, nothing], 0.95), None);
        let constant = difference_of_means(&[(0.1, 0.3), (0.1, 0.3), (0.1, 0.3)], 0.95).unwrap();
        assert_eq!((constant.variance_ratio, constant.paired), (None, (constant.estimate, constant.estimate)));
        // A shift by a constant: all variance is shared, but for rounding.
        let shifted: Vec<_> = (0..20).map(|n| (f64::from(n) * 0.1, f64::from(n) * 0.1 + 0.7)).collect();
        assert_eq!(difference_of_means(&shifted, 0.95).unwrap().variance_ratio, None);
    }

    #[test]
    fn several_intervals_share_the_error() {
        close(bonferroni(0.95, 1), 0.95);
        close(bonferroni(0.95, 10), 0.995);
        close(bonferroni(0.95, 0), 0.95);
    }

    /// Of 4,000 samples of 12 replications, whose hits share most of their luck, 95 % of the intervals hold the true
    /// difference. The limits are about five standard errors (0.0035) away; the seed is fixed.
    #[test]
    fn intervals_of_ratios_cover_what_they_promise() {
        use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
        const SAMPLES: u32 = 4_000;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
        let (mut held, mut held_apart) = (0, 0);
        for _ in 0..SAMPLES {
            let replication = |_| {
                let jobs = random.random_range(60..=140);
                let (mut first, mut second) = (0, 0);
                for _ in 0..jobs {
                    let luck: f64 = random.random();
                    first += u32::from(luck < 0.2);
                    second += u32::from(luck < 0.26);
                }
                let jobs = f64::from(jobs);
                ((f64::from(first), jobs), (f64::from(second), jobs))
            };
            let pairs: Vec<RatioPair> = (0..12).map(replication).collect();
            let found = difference_of_ratios(&pairs, 0.95).unwrap();
            let holds = |(low, high): Ends| u32::from(low <= 0.06 && 0.06 <= high);
            held += holds(found.paired);
            held_apart += holds(found.unpaired);
        }
        let share = f64::from(held) / f64::from(SAMPLES);
        assert!((0.932..0.968).contains(&share), "{share}");
        assert!(held_apart > held, "without pairs the interval is too wide: {held_apart} of {SAMPLES}");
    }
}
