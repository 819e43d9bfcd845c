//! Named random streams: what is drawn for a purpose depends on its name, never on what was drawn before.
//!
//! A stream's name is (seed, replication, purpose, owner, ordinal); the point of a sweep is no part of it, so that
//! all points see the same jobs (common random numbers). The values are frozen: the tests below pin them.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// What a stream is for: a code that is frozen, never a position in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose(pub u32);

/// Everything of a stream's name that stays the same for a whole replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    key: u64,
}

impl Streams {
    /// The streams of one replication.
    pub fn new(seed: u64, replication: u32) -> Streams {
        Streams { key: mix(mix(seed).wrapping_add(u64::from(replication))) }
    }

    /// The streams for a purpose of an owner (a workload, say), whose own key comes from [`name_key`].
    pub fn of(self, purpose: Purpose, owner: u64) -> Streams {
        Streams { key: mix(mix(self.key ^ u64::from(purpose.0)) ^ owner) }
    }

    /// The streams of one member (a job, say) of these.
    pub fn member(self, ordinal: u64) -> Streams {
        Streams { key: mix(self.key ^ ordinal) }
    }

    /// The stream of this ordinal.
    #[inline]
    pub fn stream(self, ordinal: u64) -> Stream {
        Stream { seed: mix(self.key ^ ordinal), rng: None, fresh: true }
    }
}

/// A key for a name: the same on every machine and in every release (FNV-1a, 64 bits).
pub fn name_key(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection in which every input bit moves every output bit.
#[inline]
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A stream of random numbers: the first from the stream's name alone, the others from a generator that it seeds.
///
/// Most streams are asked for one number only, and seeding costs as much as several draws.
#[derive(Clone, Debug)]
pub struct Stream {
    seed: u64,
    rng: Option<Xoshiro256PlusPlus>,
    fresh: bool,
}

impl Stream {
    /// Uniform over the open interval (0, 1): the middles of 2^52 equal cells, so that neither end occurs.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        let bits = match &mut self.rng {
            Some(rng) => rng.next_u64(),
            None => self.begin(),
        };
        middle(bits)
    }

    /// As many of them as there is room for.
    pub fn fill(&mut self, values: &mut [f64]) {
        let (first, others) = values.split_at_mut(usize::from(self.fresh).min(values.len()));
        first.iter_mut().for_each(|value| *value = self.uniform());
        if others.is_empty() {
            return;
        }
        let rng = match &mut self.rng {
            Some(rng) => rng,
            None => self.seeded(),
        };
        others.iter_mut().for_each(|value| *value = middle(rng.next_u64()));
    }

    /// The first number, or the second.
    #[inline]
    fn begin(&mut self) -> u64 {
        if self.fresh {
            self.fresh = false;
            return mix(self.seed);
        }
        self.seeded().next_u64()
    }

    #[inline(never)]
    fn seeded(&mut self) -> &mut Xoshiro256PlusPlus {
        self.rng.insert(Xoshiro256PlusPlus::seed_from_u64(self.seed))
    }
}

/// The middle of the cell that a number's upper 52 bits name.
#[inline(always)]
fn middle(bits: u64) -> f64 {
    // As mantissa of a number in [1, 2), less what is between 1 and the first middle: exact, and without a conversion,
    // which would wait for whatever was computed before in its register.
    f64::from_bits(1_f64.to_bits() | bits >> 12) - 1_f64.next_down()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frozen: a change here changes every result of every user and needs a line in the changelog that says so.
    #[test]
    fn values_are_frozen() {
        assert_eq!(name_key("a"), 0xaf63_dc4c_8601_ec8c, "the published test vector of FNV-1a");
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf, "the first output of SplitMix64 from seed 0");
        let mut stream = Streams::new(2026, 3).of(Purpose(7), name_key("boots")).stream(42);
        let values: Vec<f64> = (0..3).map(|_| stream.uniform()).collect();
        assert_eq!(values, [0.811_749_039_131_660_7, 0.414_861_996_691_422_54, 0.388_748_290_168_213_44]);
    }

    #[test]
    fn numbers_are_the_middles_of_their_cells() {
        let mut stream = Streams::new(1, 0).of(Purpose(1), 0).stream(0);
        for _ in 0..1_000 {
            let cell = stream.uniform() * (1_u64 << 52) as f64;
            assert_eq!(cell.fract(), 0.5, "{cell}");
        }
    }

    #[test]
    fn every_part_of_the_name_counts() {
        let first = |seed, replication, purpose, owner, ordinal| {
            Streams::new(seed, replication).of(Purpose(purpose), owner).stream(ordinal).uniform()
        };
        let base = first(1, 1, 1, 1, 1);
        assert_eq!(base, first(1, 1, 1, 1, 1));
        for other in [
            first(2, 1, 1, 1, 1),
            first(1, 2, 1, 1, 1),
            first(1, 1, 2, 1, 1),
            first(1, 1, 1, 2, 1),
            first(1, 1, 1, 1, 2),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn neighbours_are_independent() {
        // 10^5 first draws of neighbouring ordinals in 100 cells: chi-square with 99 degrees of freedom lies in
        // [50, 170] but for one seed in about 10^4; the seed is fixed.
        let streams = Streams::new(1, 0).of(Purpose(1), 0);
        let mut cells = [0_f64; 100];
        for ordinal in 0..100_000 {
            cells[(streams.stream(ordinal).uniform() * 100.0) as usize] += 1.0;
        }
        let chi: f64 = cells.iter().map(|count| (count - 1000.0) * (count - 1000.0) / 1000.0).sum();
        assert!((50.0..170.0).contains(&chi), "chi-square {chi}");
    }
}
