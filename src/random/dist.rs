//! Distributions: validated parameters, sampling by inversion, and the cumulative distribution function.
//!
//! Sampling uses the `libm` crate for every transcendental, because the platform's own gives other last bits on
//! other processors; and it inverts (one uniform per draw, but for gamma, mixtures and truncation), so that two
//! settings under comparison stay coupled. That is why `rand_distr` samples only in the tests.

mod survival;

use std::sync::Arc;

use statrs::distribution::{ContinuousCDF, Gamma};

use super::ln::ln;
use super::stream::{Stream, Streams};

/// The least probability that truncation by `min` and `max` may leave: redrawing then ends after a few draws.
const LEAST_KEPT: f64 = 0.001;

/// A distribution of real numbers whose unit is known to its user.
#[derive(Clone, Debug, PartialEq)]
pub struct Dist {
    shape: Shape,
    min: f64,
    max: f64,
}

/// The kind of distribution and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Always this value.
    Constant(f64),
    /// Exponential with this mean.
    Exponential {
        /// Above zero.
        mean: f64,
    },
    /// Uniform over [low, high].
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end, not below `low`.
        high: f64,
    },
    /// The logarithm is normal.
    LogNormal {
        /// Above zero.
        median: f64,
        /// Standard deviation of the logarithm, above zero.
        sigma: f64,
    },
    /// Gamma by mean and coefficient of variation.
    Gamma {
        /// Above zero.
        mean: f64,
        /// Standard deviation over mean, above zero.
        cv: f64,
    },
    /// Weibull.
    Weibull {
        /// Above zero.
        scale: f64,
        /// Above zero.
        shape: f64,
    },
    /// Pareto of the first kind: never below `scale`.
    Pareto {
        /// The least value, above zero.
        scale: f64,
        /// The tail index, above zero.
        shape: f64,
    },
    /// Triangular.
    Triangular {
        /// Lower end.
        low: f64,
        /// The peak.
        mode: f64,
        /// Upper end, above `low`.
        high: f64,
    },
    /// One of these values, each as likely; ascending.
    Empirical(Arc<[f64]>),
    /// One of these distributions, by weight.
    Mix(Vec<(f64, Dist)>),
}

impl Dist {
    /// Always `value`.
    pub const fn constant(value: f64) -> Dist {
        Dist { shape: Shape::Constant(value), min: f64::NEG_INFINITY, max: f64::INFINITY }
    }

    /// A distribution truncated to [`min`, `max`] by drawing again.
    ///
    /// # Errors
    /// A sentence without a subject, for a message that names the key: what is wrong and what is allowed.
    pub fn new(shape: Shape, min: Option<f64>, max: Option<f64>) -> Result<Dist, String> {
        shape.check()?;
        let (min, max) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
        if min.is_nan() || max.is_nan() || min > max {
            return Err("`min` must not exceed `max`".to_owned());
        }
        let dist = Dist { shape, min, max };
        if dist.is_truncated() && dist.kept() < LEAST_KEPT {
            return Err(format!("`min` and `max` leave less than {} % of the distribution", LEAST_KEPT * 100.0));
        }
        Ok(dist)
    }

    /// The kind and its parameters.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The value, if there is only one.
    pub fn as_constant(&self) -> Option<f64> {
        match self.shape {
            Shape::Constant(value) => Some(value),
            _ => None,
        }
    }

    fn is_truncated(&self) -> bool {
        self.min > f64::NEG_INFINITY || self.max < f64::INFINITY
    }

    /// How much of the shape lies in [min, max].
    fn kept(&self) -> f64 {
        self.shape.cdf(self.max) - self.shape.cdf_below(self.min)
    }

    /// A lower limit of what can be drawn.
    pub fn lowest(&self) -> f64 {
        self.shape.lowest().max(self.min)
    }

    /// An upper limit of what can be drawn, possibly infinite.
    pub fn highest(&self) -> f64 {
        self.shape.highest().min(self.max)
    }

    /// Draws one value.
    #[inline]
    pub fn sample(&self, stream: &mut Stream) -> f64 {
        loop {
            let value = self.shape.sample(stream);
            if value >= self.min && value <= self.max {
                return value;
            }
        }
    }

    /// Draws one value from the beginning of a stream of its own: [`Dist::sample`] without a generator in memory, which
    /// one number does not need.
    #[inline]
    pub fn sample_named(&self, streams: Streams, ordinal: u64) -> f64 {
        match self.shape {
            Shape::Constant(value) => value,
            Shape::Exponential { mean } if !self.is_truncated() => -mean * ln(streams.stream(ordinal).uniform()),
            _ => self.sample(&mut streams.stream(ordinal)),
        }
    }

    /// Draws as many values as there is room for, as [`Dist::sample`] would one by one. A processor works on several
    /// logarithms at once if nothing else stands between them.
    pub fn sample_all(&self, stream: &mut Stream, values: &mut [f64]) {
        match self.shape {
            Shape::Exponential { mean } if !self.is_truncated() => {
                stream.fill(values);
                values.iter_mut().for_each(|value| *value = -mean * ln(*value));
            }
            _ => values.iter_mut().for_each(|value| *value = self.sample(stream)),
        }
    }

    /// The same for values that have streams of their own: of each, its ordinal.
    pub fn sample_all_named(&self, streams: Streams, ordinal: impl Fn(usize) -> u64, values: &mut [f64]) {
        let numbered = values.iter_mut().enumerate();
        match self.shape {
            Shape::Exponential { mean } if !self.is_truncated() => {
                numbered.for_each(|(index, value)| *value = streams.stream(ordinal(index)).uniform());
                values.iter_mut().for_each(|value| *value = -mean * ln(*value));
            }
            _ => numbered.for_each(|(index, value)| *value = self.sample_named(streams, ordinal(index))),
        }
    }

    /// The probability of a value not above `x`.
    pub fn cdf(&self, x: f64) -> f64 {
        if x < self.min {
            return 0.0;
        }
        if !self.is_truncated() {
            return self.shape.cdf(x);
        }
        ((self.shape.cdf(x.min(self.max)) - self.shape.cdf_below(self.min)) / self.kept()).clamp(0.0, 1.0)
    }
}

impl Shape {
    fn check(&self) -> Result<(), String> {
        let above_zero = |name: &str, value: f64| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                Err(format!("`{name}` must be finite and above zero"))
            }
        };
        let finite = |value: f64| if value.is_finite() { Ok(()) } else { Err("values must be finite".to_owned()) };
        match self {
            Shape::Constant(value) => finite(*value),
            Shape::Exponential { mean } => above_zero("mean", *mean),
            Shape::Uniform { low, high } => {
                finite(*low)?;
                finite(*high)?;
                if low <= high { Ok(()) } else { Err("the lower end must not exceed the upper end".to_owned()) }
            }
            Shape::LogNormal { median, sigma } => {
                above_zero("median", *median)?;
                above_zero("sigma", *sigma)
            }
            Shape::Gamma { mean, cv } => {
                above_zero("mean", *mean)?;
                above_zero("cv", *cv)
            }
            Shape::Weibull { scale, shape } | Shape::Pareto { scale, shape } => {
                above_zero("scale", *scale)?;
                above_zero("shape", *shape)
            }
            Shape::Triangular { low, mode, high } => {
                finite(*low)?;
                finite(*high)?;
                if low <= mode && mode <= high && low < high {
                    Ok(())
                } else {
                    Err("must be [low, mode, high] with low <= mode <= high and low < high".to_owned())
                }
            }
            Shape::Empirical(values) => {
                if values.is_empty() {
                    return Err("must have at least one value".to_owned());
                }
                values.iter().try_for_each(|value| finite(*value))?;
                if values.is_sorted() { Ok(()) } else { Err("values must be ascending".to_owned()) }
            }
            Shape::Mix(parts) => {
                if parts.is_empty() {
                    return Err("must have at least one part".to_owned());
                }
                parts.iter().try_for_each(|(weight, _)| above_zero("weight", *weight))
            }
        }
    }

    fn sample(&self, stream: &mut Stream) -> f64 {
        match self {
            Shape::Constant(value) => *value,
            Shape::Exponential { mean } => -mean * ln(stream.uniform()),
            Shape::Uniform { low, high } => low + (high - low) * stream.uniform(),
            Shape::LogNormal { median, sigma } => median * libm::exp(sigma * standard_normal(stream.uniform())),
            Shape::Gamma { mean, cv } => {
                let shape = 1.0 / (cv * cv);
                standard_gamma(shape, stream) * mean / shape
            }
            Shape::Weibull { scale, shape } => scale * libm::pow(-libm::log(stream.uniform()), 1.0 / shape),
            Shape::Pareto { scale, shape } => scale * libm::pow(stream.uniform(), -1.0 / shape),
            Shape::Triangular { low, mode, high } => {
                let u = stream.uniform();
                let split = (mode - low) / (high - low);
                if u < split {
                    low + (u * (high - low) * (mode - low)).sqrt()
                } else {
                    high - ((1.0 - u) * (high - low) * (high - mode)).sqrt()
                }
            }
            Shape::Empirical(values) => {
                let index = (stream.uniform() * values.len() as f64) as usize;
                values[index.min(values.len() - 1)]
            }
            Shape::Mix(parts) => {
                let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
                let mut rest = stream.uniform() * total;
                for (weight, dist) in parts {
                    if rest < *weight {
                        return dist.sample(stream);
                    }
                    rest -= weight;
                }
                // Rounding may leave a rest after the last part.
                parts[parts.len() - 1].1.sample(stream)
            }
        }
    }

    fn cdf(&self, x: f64) -> f64 {
        match self {
            Shape::Constant(value) => f64::from(u8::from(x >= *value)),
            Shape::Exponential { mean } => {
                if x <= 0.0 {
                    0.0
                } else {
                    -libm::expm1(-x / mean)
                }
            }
            Shape::Uniform { low, high } => {
                if x >= *high {
                    1.0
                } else if x < *low {
                    0.0
                } else {
                    (x - low) / (high - low)
                }
            }
            Shape::LogNormal { median, sigma } => {
                if x <= 0.0 {
                    0.0
                } else {
                    0.5 * libm::erfc(-libm::log(x / median) / (sigma * std::f64::consts::SQRT_2))
                }
            }
            Shape::Gamma { mean, cv } => {
                let shape = 1.0 / (cv * cv);
                if x <= 0.0 {
                    0.0
                } else if x == f64::INFINITY {
                    1.0
                } else {
                    Gamma::new(shape, shape / mean).map_or(0.0, |gamma| gamma.cdf(x))
                }
            }
            Shape::Weibull { scale, shape } => {
                if x <= 0.0 {
                    0.0
                } else {
                    -libm::expm1(-libm::pow(x / scale, *shape))
                }
            }
            Shape::Pareto { scale, shape } => {
                if x < *scale {
                    0.0
                } else {
                    1.0 - libm::pow(x / scale, -shape)
                }
            }
            Shape::Triangular { low, mode, high } => {
                if x <= *low {
                    0.0
                } else if x >= *high {
                    1.0
                } else if x < *mode {
                    (x - low) * (x - low) / ((high - low) * (mode - low))
                } else {
                    1.0 - (high - x) * (high - x) / ((high - low) * (high - mode))
                }
            }
            Shape::Empirical(values) => values.partition_point(|value| *value <= x) as f64 / values.len() as f64,
            Shape::Mix(parts) => {
                let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
                parts.iter().map(|(weight, dist)| weight * dist.cdf(x)).sum::<f64>() / total
            }
        }
    }

    /// The probability of a value below `x`; differs from [`Shape::cdf`] where single values have weight.
    fn cdf_below(&self, x: f64) -> f64 {
        self.cdf(x.next_down())
    }

    fn lowest(&self) -> f64 {
        match self {
            Shape::Constant(value) => *value,
            Shape::Exponential { .. } | Shape::LogNormal { .. } | Shape::Gamma { .. } | Shape::Weibull { .. } => 0.0,
            Shape::Uniform { low, .. } | Shape::Triangular { low, .. } => *low,
            Shape::Pareto { scale, .. } => *scale,
            Shape::Empirical(values) => values[0],
            Shape::Mix(parts) => parts.iter().map(|(_, dist)| dist.lowest()).fold(f64::INFINITY, f64::min),
        }
    }

    fn highest(&self) -> f64 {
        match self {
            Shape::Constant(value) => *value,
            Shape::Exponential { .. }
            | Shape::LogNormal { .. }
            | Shape::Gamma { .. }
            | Shape::Weibull { .. }
            | Shape::Pareto { .. } => f64::INFINITY,
            Shape::Uniform { high, .. } | Shape::Triangular { high, .. } => *high,
            Shape::Empirical(values) => values[values.len() - 1],
            Shape::Mix(parts) => parts.iter().map(|(_, dist)| dist.highest()).fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

/// A standard gamma variate of this shape (Marsaglia and Tsang 2000, with their boost for shapes below 1).
fn standard_gamma(shape: f64, stream: &mut Stream) -> f64 {
    if shape < 1.0 {
        let boost = libm::pow(stream.uniform(), 1.0 / shape);
        return standard_gamma(shape + 1.0, stream) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = standard_normal(stream.uniform());
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let v = v * v * v;
        if libm::log(stream.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}

/// The quantile function of the standard normal distribution (Wichura 1988, algorithm AS 241, PPND16: 16 digits).
fn standard_normal(p: f64) -> f64 {
    #[rustfmt::skip]
    const A: [f64; 8] = [
        3.387_132_872_796_366_5, 133.141_667_891_784_38, 1_971.590_950_306_551_3, 13_731.693_765_509_46,
        45_921.953_931_549_87, 67_265.770_927_008_7, 33_430.575_583_588_13, 2_509.080_928_730_122_7,
    ];
    #[rustfmt::skip]
    const B: [f64; 8] = [
        1.0, 42.313_330_701_600_91, 687.187_007_492_057_9, 5_394.196_021_424_751,
        21_213.794_301_586_597, 39_307.895_800_092_71, 28_729.085_735_721_943, 5_226.495_278_852_854,
    ];
    #[rustfmt::skip]
    const C: [f64; 8] = [
        1.423_437_110_749_683_5, 4.630_337_846_156_546, 5.769_497_221_460_691, 3.647_848_324_763_204_5,
        1.270_458_252_452_368_4, 0.241_780_725_177_450_6, 0.022_723_844_989_269_184, 7.745_450_142_783_414e-4,
    ];
    #[rustfmt::skip]
    const D: [f64; 8] = [
        1.0, 2.053_191_626_637_759, 1.676_384_830_183_803_8, 0.689_767_334_985_1,
        0.148_103_976_427_480_08, 0.015_198_666_563_616_457, 5.475_938_084_995_345e-4, 1.050_750_071_644_416_9e-9,
    ];
    #[rustfmt::skip]
    const E: [f64; 8] = [
        6.657_904_643_501_103, 5.463_784_911_164_114, 1.784_826_539_917_291_3, 0.296_560_571_828_504_87,
        0.026_532_189_526_576_124, 0.001_242_660_947_388_078_4, 2.711_555_568_743_487_6e-5, 2.010_334_399_292_288_1e-7,
    ];
    #[rustfmt::skip]
    const F: [f64; 8] = [
        1.0, 0.599_832_206_555_888, 0.136_929_880_922_735_8, 0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4, 1.846_318_317_510_054_8e-5, 1.421_511_758_316_446e-7, 2.044_263_103_389_939_8e-15,
    ];
    let ratio = |over: &[f64; 8], under: &[f64; 8], r: f64| {
        let horner = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * r + c);
        horner(over) / horner(under)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&A, &B, 0.180_625 - q * q);
    }
    let r = (-libm::log(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let x = if r <= 5.0 { ratio(&C, &D, r - 1.6) } else { ratio(&E, &F, r - 5.0) };
    if q < 0.0 { -x } else { x }
}

#[cfg(test)]
mod tests {
    use super::super::stream::{Purpose, Streams};
    use super::*;
    use statrs::distribution::Normal;

    fn shapes() -> Vec<(&'static str, Shape)> {
        vec![
            ("exponential", Shape::Exponential { mean: 40.0 }),
            ("uniform", Shape::Uniform { low: -3.0, high: 5.0 }),
            ("lognormal", Shape::LogNormal { median: 600.0, sigma: 0.8 }),
            ("gamma, cv below 1", Shape::Gamma { mean: 100.0, cv: 0.4 }),
            ("gamma, cv above 1", Shape::Gamma { mean: 100.0, cv: 1.7 }),
            ("weibull", Shape::Weibull { scale: 30.0, shape: 0.7 }),
            ("pareto", Shape::Pareto { scale: 2.0, shape: 1.5 }),
            ("triangular", Shape::Triangular { low: 1.0, mode: 2.0, high: 7.0 }),
            (
                "mix",
                Shape::Mix(vec![
                    (3.0, Dist::new(Shape::Exponential { mean: 1.0 }, None, None).unwrap()),
                    (1.0, Dist::new(Shape::Uniform { low: 10.0, high: 20.0 }, None, None).unwrap()),
                ]),
            ),
        ]
    }

    fn draws(dist: &Dist, count: usize) -> Vec<f64> {
        let mut stream = Streams::new(7, 0).of(Purpose(1), 0).stream(0);
        let mut values: Vec<f64> = (0..count).map(|_| dist.sample(&mut stream)).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// Kolmogorov's distance between a sample and the distribution.
    fn distance(dist: &Dist, sorted: &[f64]) -> f64 {
        let n = sorted.len() as f64;
        sorted.iter().enumerate().fold(0.0, |worst, (i, x)| {
            let cdf = dist.cdf(*x);
            f64::max(worst, f64::max((cdf - i as f64 / n).abs(), (cdf - (i + 1) as f64 / n).abs()))
        })
    }

    /// 20,000 draws each: the distance exceeds 1.95 / sqrt(n) by chance once in 1,000 (seed fixed).
    #[test]
    fn samples_follow_their_distribution() {
        for (name, shape) in shapes() {
            let whole = Dist::new(shape.clone(), None, None).unwrap();
            let (low, high) = {
                let sample = draws(&whole, 1_000);
                (sample[100], sample[900])
            };
            let cut = Dist::new(shape, Some(low), Some(high)).unwrap();
            for (kind, dist) in [("whole", whole), ("truncated", cut)] {
                let d = distance(&dist, &draws(&dist, 20_000));
                assert!(d < 1.95 / 20_000_f64.sqrt(), "{name}, {kind}: distance {d}");
            }
        }
    }

    /// Against samples of an independent library: two-sample Kolmogorov distance, exceeded by chance once in 1,000.
    #[test]
    fn samples_agree_with_rand_distr() {
        use rand::SeedableRng;
        use rand_distr::Distribution;
        fn reference(distribution: impl Distribution<f64>) -> Vec<f64> {
            let mut rng = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(11);
            (0..20_000).map(|_| distribution.sample(&mut rng)).collect()
        }
        let cases = [
            (Shape::Exponential { mean: 40.0 }, reference(rand_distr::Exp::new(1.0 / 40.0).unwrap())),
            (
                Shape::LogNormal { median: 600.0, sigma: 0.8 },
                reference(rand_distr::LogNormal::new(libm::log(600.0), 0.8).unwrap()),
            ),
            (Shape::Gamma { mean: 100.0, cv: 0.5 }, reference(rand_distr::Gamma::new(4.0, 25.0).unwrap())),
            (Shape::Weibull { scale: 30.0, shape: 0.7 }, reference(rand_distr::Weibull::new(30.0, 0.7).unwrap())),
            (Shape::Pareto { scale: 2.0, shape: 1.5 }, reference(rand_distr::Pareto::new(2.0, 1.5).unwrap())),
        ];
        for (shape, mut theirs) in cases {
            theirs.sort_by(f64::total_cmp);
            let ours = draws(&Dist::new(shape.clone(), None, None).unwrap(), 20_000);
            let worst = ours.iter().enumerate().fold(0.0, |worst, (i, x)| {
                let share = theirs.partition_point(|value| value <= x) as f64 / 20_000.0;
                f64::max(worst, (share - (i + 1) as f64 / 20_000.0).abs())
            });
            assert!(worst < 1.95 * (2.0 / 20_000_f64).sqrt(), "{shape:?}: distance {worst}");
        }
    }

    #[test]
    fn the_normal_quantile_agrees_with_statrs() {
        let normal = Normal::new(0.0, 1.0).unwrap();
        for i in 1..1000 {
            let p = f64::from(i) / 1000.0;
            let x = standard_normal(p);
            assert!((normal.cdf(x) - p).abs() < 1e-9, "{p}: {x}");
        }
        for (p, x) in [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (1e-9, -5.997_807_015_007_687)] {
            assert!((standard_normal(p) - x).abs() < 1e-9, "{p}");
        }
    }

    /// Frozen values: see `stream`.
    #[test]
    fn values_are_frozen() {
        let sums: Vec<String> = shapes()
            .into_iter()
            .map(|(name, shape)| {
                let dist = Dist::new(shape, None, None).unwrap();
                let mut stream = Streams::new(1, 2).of(Purpose(3), 4).stream(5);
                let bits = (0..1_000).fold(0_u64, |sum, _| sum.rotate_left(1) ^ dist.sample(&mut stream).to_bits());
                format!("{name} {bits:016x}")
            })
            .collect();
        assert_eq!(sums.join("\n"), include_str!("frozen.txt").trim_end());
    }

    #[test]
    fn nonsense_is_refused() {
        let cases = [
            (Shape::Exponential { mean: 0.0 }, None, None, "`mean` must be finite and above zero"),
            (Shape::Uniform { low: 2.0, high: 1.0 }, None, None, "the lower end must not exceed the upper end"),
            (Shape::Empirical(Arc::from([])), None, None, "must have at least one value"),
            (Shape::Mix(vec![]), None, None, "must have at least one part"),
            (Shape::Exponential { mean: 1.0 }, Some(2.0), Some(1.0), "`min` must not exceed `max`"),
            (
                Shape::Exponential { mean: 1.0 },
                Some(50.0),
                None,
                "`min` and `max` leave less than 0.1 % of the distribution",
            ),
        ];
        for (shape, min, max, message) in cases {
            assert_eq!(Dist::new(shape, min, max).unwrap_err(), message);
        }
    }
}
