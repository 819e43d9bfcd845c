//! The upper tail of a distribution, to full precision however little is left of it.

use statrs::distribution::{ContinuousCDF, Gamma};

use super::{Dist, Shape};

impl Dist {
    /// The probability of a value not below `x`.
    ///
    /// One minus [`Dist::cdf`] would lose its digits where it matters: at 10⁻¹⁰ half of them are gone.
    pub fn survival(&self, x: f64) -> f64 {
        if x <= self.min {
            return 1.0;
        }
        if x > self.max {
            return 0.0;
        }
        if !self.is_truncated() {
            return self.shape.survival(x);
        }
        let above = self.shape.survival(self.max.next_up());
        ((self.shape.survival(x) - above) / (self.shape.survival(self.min) - above)).clamp(0.0, 1.0)
    }
}

impl Shape {
    /// The probability of a value not below `x`, which may be infinite.
    fn survival(&self, x: f64) -> f64 {
        let of_positive = |tail: &dyn Fn() -> f64| if x <= 0.0 { 1.0 } else { tail() };
        match self {
            Shape::Constant(value) => f64::from(u8::from(x <= *value)),
            Shape::Exponential { mean } => of_positive(&|| libm::exp(-x / mean)),
            Shape::Uniform { low, high } => {
                if x <= *low {
                    1.0
                } else {
                    ((high - x) / (high - low)).max(0.0)
                }
            }
            Shape::LogNormal { median, sigma } => {
                of_positive(&|| 0.5 * libm::erfc(libm::log(x / median) / (sigma * std::f64::consts::SQRT_2)))
            }
            Shape::Gamma { mean, cv } => {
                let shape = 1.0 / (cv * cv);
                of_positive(&|| {
                    if x == f64::INFINITY { 0.0 } else { Gamma::new(shape, shape / mean).map_or(0.0, |law| law.sf(x)) }
                })
            }
            Shape::Weibull { scale, shape } => of_positive(&|| libm::exp(-libm::pow(x / scale, *shape))),
            Shape::Pareto { scale, shape } => {
                if x <= *scale {
                    1.0
                } else {
                    libm::pow(x / scale, -shape)
                }
            }
            Shape::Triangular { low, mode, high } => {
                if x <= *low {
                    1.0
                } else if x >= *high {
                    0.0
                } else if x < *mode {
                    1.0 - (x - low) * (x - low) / ((high - low) * (mode - low))
                } else {
                    (high - x) * (high - x) / ((high - low) * (high - mode))
                }
            }
            Shape::Empirical(values) => {
                let below = values.partition_point(|value| *value < x);
                (values.len() - below) as f64 / values.len() as f64
            }
            Shape::Mix(parts) => {
                let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
                parts.iter().map(|(weight, dist)| weight * dist.survival(x)).sum::<f64>() / total
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dist(shape: Shape, min: Option<f64>, max: Option<f64>) -> Dist {
        Dist::new(shape, min, max).unwrap()
    }

    /// Far out, against closed forms; R's `plnorm(60000, log(600), 0.8, lower.tail = FALSE)`,
    /// `pgamma(2000, 6.25, 0.0625, lower.tail = FALSE)`.
    #[test]
    fn the_tail_keeps_its_digits() {
        let cases = [
            ("exponential", Shape::Exponential { mean: 40.0 }, 4_000.0, libm::exp(-100.0)),
            ("weibull", Shape::Weibull { scale: 30.0, shape: 2.0 }, 300.0, libm::exp(-100.0)),
            ("pareto", Shape::Pareto { scale: 2.0, shape: 4.0 }, 2e5, 1e-20),
            ("uniform", Shape::Uniform { low: 0.0, high: 1.0 }, 1.0 - 1e-10, 1e-10),
            ("triangular", Shape::Triangular { low: 0.0, mode: 0.0, high: 1.0 }, 1.0 - 1e-8, 1e-16),
        ];
        for (what, shape, x, expected) in cases {
            let found = dist(shape, None, None).survival(x);
            assert!((found / expected - 1.0).abs() < 1e-6, "{what}: {found} is not {expected}");
        }
    }

    /// Everywhere, with and without truncation, atoms included.
    #[test]
    fn it_is_what_the_distribution_function_leaves() {
        let exponential = || dist(Shape::Exponential { mean: 3.0 }, None, None);
        let atom = || Dist::constant(2.0);
        let shapes = [
            Shape::Constant(2.0),
            Shape::Exponential { mean: 3.0 },
            Shape::Uniform { low: 1.0, high: 4.0 },
            Shape::Uniform { low: 2.0, high: 2.0 },
            Shape::LogNormal { median: 2.0, sigma: 0.7 },
            Shape::Gamma { mean: 2.0, cv: 0.6 },
            Shape::Weibull { scale: 2.0, shape: 1.5 },
            Shape::Pareto { scale: 1.0, shape: 1.5 },
            Shape::Triangular { low: 0.0, mode: 1.0, high: 5.0 },
            Shape::Triangular { low: 0.0, mode: 5.0, high: 5.0 },
            Shape::Empirical([1.0, 2.0, 2.0, 4.0].into()),
            Shape::Mix(vec![
                (1.0, exponential()),
                (2.0, atom()),
                (1.0, dist(Shape::Uniform { low: 0.0, high: 5.0 }, Some(1.0), Some(3.0))),
            ]),
        ];
        for shape in shapes {
            for (min, max) in [(None, None), (Some(1.5), None), (None, Some(3.0)), (Some(2.0), Some(3.5))] {
                let dist = dist(shape.clone(), min, max);
                for step in -10..60 {
                    let x = f64::from(step) / 10.0;
                    let (found, left) = (dist.survival(x), 1.0 - dist.cdf(x.next_down()));
                    assert!((found - left).abs() < 1e-12, "{dist:?} at {x}: {found} is not {left}");
                }
                assert_eq!((dist.survival(f64::NEG_INFINITY), dist.survival(f64::INFINITY)), (1.0, 0.0), "{dist:?}");
            }
        }
    }
}
