//! The natural logarithm of a uniform number, several at once.

const LN2_HI: f64 = 6.931_471_803_691_238e-1;
const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
/// Coefficients of ln(1 + f) in s = f / (2 + f), as in `libm::log`.
const LG: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];

/// Bits below the exponent.
const MANTISSA_BITS: u32 = 52;
/// The square root of one half, cut to the upper half of its bits.
const ROOT_OF_HALF: u64 = 0x3fe6_a09e << 32;
const ONE: u64 = 0x3ff0_0000 << 32;
/// 2^52, whose mantissa counts in ones.
const COUNTING: u64 = 0x4330_0000 << 32;

/// What `libm::log` answers, to the last bit, for normal numbers above zero but 1 itself, which gives 0 here as well.
///
/// The same steps (FreeBSD's `e_log.c`) without the special cases, and with the exponent made a number without a
/// conversion: nothing to guess and nothing that a processor cannot do for several numbers at once.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    debug_assert!(x.is_normal() && x > 0.0);
    let shifted = x.to_bits() + (ONE - ROOT_OF_HALF);
    let exponent = f64::from_bits(COUNTING | shifted >> MANTISSA_BITS) - (f64::from_bits(COUNTING) + 1023.0);
    let reduced = f64::from_bits((shifted & ((1 << MANTISSA_BITS) - 1)) + ROOT_OF_HALF);
    let f = reduced - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (LG[1] + w * (LG[3] + w * LG[5]));
    let odd = z * (LG[0] + w * (LG[2] + w * (LG[4] + w * LG[6])));
    s * (half_square + (odd + even)) + exponent * LN2_LO - half_square + f + exponent * LN2_HI
}

#[cfg(test)]
mod tests {
    use super::super::{Purpose, Streams};
    use super::*;

    #[test]
    fn no_bit_differs_from_libm() {
        let mut stream = Streams::new(1, 0).of(Purpose(1), 0).stream(0);
        let uniform = (0..1_000_000).map(|_| stream.uniform());
        // Around every power of two and every place where the exponent steps, and both ends of the uniform numbers.
        let edges = (-53..=0).flat_map(|exponent| {
            let power = libm::scalbn(1.0, exponent);
            let root = power * f64::from_bits(ROOT_OF_HALF);
            [power, power.next_down(), power.next_up(), root, root.next_down(), root.next_up()]
        });
        for x in uniform.chain(edges) {
            assert_eq!(ln(x).to_bits(), libm::log(x).to_bits(), "{x:e}");
        }
    }
}
