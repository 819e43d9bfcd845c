//! From when on a series is steady: a smoothed series to look at, and a cut to propose.

/// Batch means of so many observations are what is compared: MSER-5.
pub const BATCH: usize = 5;
/// The last so many batches are never cut off alone: by chance they may lie so close together that nothing else
/// matters. A convention of practice (Hoad, Robinson and Davies 2010, section 3.2).
const LEAST_KEPT: usize = 5;

/// Where to cut a series, and whether to believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// How many observations come before the cut; a multiple of [`BATCH`].
    pub cut: usize,
    /// Whether the cut lies in the first half of the batches. Otherwise the series is too short to show where it
    /// becomes steady, or it never does.
    pub is_trustworthy: bool,
}

/// The cut of MSER-5: batch means of five, and the cut that minimises the marginal standard error of the mean of what
/// is kept, which is the sum of its squared deviations over the square of its count; the first of several.
///
/// White, An effective truncation heuristic for bias reduction in simulation output, Simulation 69(6), 1997; Franklin
/// and White, Stationarity tests and MSER-5, Winter Simulation Conference 2008, who refuse a cut in the second half.
/// What does not fill a batch at the end is left out. `None` with fewer than ten batches.
pub fn mser5(series: &[f64]) -> Option<Truncation> {
    let batches: Vec<f64> = series.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    let count = batches.len();
    if count < 2 * LEAST_KEPT {
        return None;
    }
    // From the end, because what is kept grows there (Welford's recurrence, which does not cancel).
    let (mut kept, mut mean, mut squares) = (0.0, 0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for (cut, value) in batches.iter().enumerate().rev() {
        kept += 1.0;
        let off = value - mean;
        mean += off / kept;
        squares += off * (value - mean);
        let error = squares / (kept * kept);
        if count - cut >= LEAST_KEPT && error <= best.0 {
            best = (error, cut);
        }
    }
    Some(Truncation { cut: best.1 * BATCH, is_trustworthy: best.1 * 2 <= count })
}

/// The moving average of Welch's procedure: each value with `window` neighbours on both sides, and near the start
/// with as many as there are before it. The last `window` values have none.
///
/// Welch, The statistical analysis of simulation results, in Lavenberg (ed.), Computer Performance Modeling Handbook,
/// 1983; Law, Simulation Modeling and Analysis, section 9.5.1, who asks for a window of at most a quarter of the
/// series.
pub fn moving_average(series: &[f64], window: usize) -> Vec<f64> {
    let average = |index: usize| {
        let reach = window.min(index);
        let around = &series[index - reach..=index + reach];
        around.iter().sum::<f64>() / around.len() as f64
    };
    (0..series.len().saturating_sub(window)).map(average).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(series: &[f64]) -> Option<(usize, bool)> {
        mser5(series).map(|truncation| (truncation.cut, truncation.is_trustworthy))
    }

    /// Zero variance from the end of the transient on is the least there can be, and the longest such rest is kept.
    #[test]
    fn a_known_transient_is_cut() {
        let steps = |transient: usize, steady: usize| -> Vec<f64> {
            (0..transient).rev().map(|left| 1.0 + left as f64).chain(std::iter::repeat_n(0.0, steady)).collect()
        };
        let cases = [
            ("none", steps(0, 100), Some((0, true))),
            ("of two batches", steps(10, 90), Some((10, true))),
            ("within a batch", steps(12, 88), Some((15, true))),
            ("of just a half", steps(50, 50), Some((50, true))),
            ("of more than a half", steps(60, 40), Some((60, false))),
            ("of nearly all", steps(97, 3), Some((75, false))),
            ("of few values", steps(9, 40), None),
            ("nothing", Vec::new(), None),
        ];
        for (name, series, expected) in cases {
            assert_eq!(cut(&series), expected, "{name}");
        }
    }

    /// Twelve batches of 9, 3, then 1 and -1 in turns. With d batches cut, sum of squares over count squared is
    /// (100 - 12)/144 = 0.611 for d = 0, (19 - 9/11)/121 = 0.150 for d = 1, 10/100 = 0.1 for d = 2,
    /// (9 - 1/9)/81 = 0.110 for d = 3, 8/64 = 0.125 for d = 4, and more from there on.
    #[test]
    fn the_least_error_of_the_mean_is_found() {
        let batches = [9.0, 3.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
        // Batches whose means are these, though their values are not equal.
        let series: Vec<f64> =
            batches.iter().flat_map(|mean| [-2.0, -1.0, 0.0, 1.0, 2.0].map(|off| mean + off)).collect();
        assert_eq!(cut(&series), Some((10, true)));
    }

    #[test]
    fn averages_reach_as_far_on_both_sides() {
        let series = [1.0, 2.0, 6.0, 4.0, 5.0, 9.0];
        assert_eq!(moving_average(&series, 0), series);
        assert_eq!(moving_average(&series, 2), [1.0, 3.0, 3.6, 5.2]);
        assert!(moving_average(&series, 6).is_empty() && moving_average(&[], 2).is_empty());
    }
}
