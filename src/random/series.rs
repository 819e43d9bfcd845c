//! Times of one distribution from one stream, in order, drawn in blocks.

use super::{Dist, Stream};
use crate::units::Span;

/// Times that are drawn at once. A logarithm takes long, but a processor works on several that do not wait for each
/// other, and nothing waits for one that was drawn before.
const BLOCK: usize = 32;

/// What drawing seconds from the stream one by one would give, as times.
#[derive(Clone, Debug)]
pub struct Series {
    dist: Dist,
    stream: Stream,
    block: [Span; BLOCK],
    used: usize,
}

impl Series {
    /// The times of `dist`, which is in seconds, from the beginning of `stream`.
    pub fn new(dist: Dist, stream: Stream) -> Series {
        Series { dist, stream, block: [Span::ZERO; BLOCK], used: BLOCK }
    }

    /// The next time.
    #[inline]
    pub fn next_time(&mut self) -> Span {
        if self.used == BLOCK {
            self.draw();
        }
        let time = self.block[self.used % BLOCK];
        self.used += 1;
        time
    }

    #[inline(never)]
    fn draw(&mut self) {
        let mut seconds = [0.0; BLOCK];
        self.dist.sample_all(&mut self.stream, &mut seconds);
        self.block = seconds.map(Span::from_seconds_f64);
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::dist::Shape;
    use super::super::{Purpose, Streams};
    use super::*;

    #[test]
    fn blocks_change_no_value() {
        let shapes = [
            Shape::Constant(3.0),
            Shape::Exponential { mean: 2.0 },
            Shape::LogNormal { median: 600.0, sigma: 0.8 },
            Shape::Gamma { mean: 4.0, cv: 1.5 },
        ];
        for (shape, max) in shapes.into_iter().zip([None, None, Some(900.0), None]) {
            let dist = Dist::new(shape, None, max).unwrap();
            let stream = || Streams::new(1, 0).of(Purpose(1), 0).stream(7);
            let (mut series, mut single) = (Series::new(dist.clone(), stream()), stream());
            for nth in 0..3 * BLOCK {
                assert_eq!(series.next_time(), Span::from_seconds_f64(dist.sample(&mut single)), "{dist:?}, {nth}");
            }
            let streams = Streams::new(2, 0);
            let mut together = [0.0; 100];
            dist.sample_all_named(streams, |index| index as u64, &mut together);
            for (ordinal, together) in (0..100).zip(together) {
                let (named, single) = (dist.sample_named(streams, ordinal), dist.sample(&mut streams.stream(ordinal)));
                assert_eq!(named.to_bits(), single.to_bits(), "{dist:?}, {ordinal}");
                assert_eq!(together.to_bits(), single.to_bits(), "{dist:?}, {ordinal}");
            }
        }
    }
}
