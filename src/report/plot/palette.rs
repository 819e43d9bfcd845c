//! One colour per reason, so that a reason looks the same in every plot of every run.

use plotters::style::RGBColor;

use crate::model::vocabulary::Reason;

/// The colour of a reason in stacked bars.
///
/// Okabe–Ito first; what it does not hold differs from its nearest neighbour in lightness too, so that readers who see
/// fewer hues can tell them apart.
pub(super) const fn reason(reason: Reason) -> RGBColor {
    match reason {
        Reason::ServiceTokenInvalid => RGBColor(0xcc, 0x79, 0xa7),
        Reason::FernetKeyGone => RGBColor(0x00, 0x9e, 0x73),
        Reason::FernetKeyNotSynced => RGBColor(0xb5, 0xd9, 0x6b),
        Reason::Revoked => RGBColor(0x7a, 0x3e, 0x8e),
        Reason::ServiceTokenRoleMissing => RGBColor(0xf0, 0xe4, 0x42),
        Reason::BeyondWindow => RGBColor(0x00, 0x72, 0xb2),
        Reason::UserTokenExpired => RGBColor(0xe6, 0x9f, 0x00),
        Reason::BackendNoServiceToken => RGBColor(0x56, 0xb4, 0xe9),
        Reason::TokenExchangeRefused => RGBColor(0x5a, 0x2b, 0xd0),
        Reason::DetachConflict => RGBColor(0x7f, 0xe0, 0xc3),
        Reason::KeystoneUnavailable => RGBColor(0x1c, 0x1c, 0x1c),
        Reason::VolumeWaitTimeout => RGBColor(0x5f, 0x6b, 0x7a),
        Reason::VolumeError => RGBColor(0xd5, 0x5e, 0x00),
        Reason::CinderBadRequest => RGBColor(0x8c, 0x2d, 0x19),
    }
}

#[cfg(test)]
mod tests {
    use super::super::theme::{WHITE, luminance};
    use super::*;

    /// What a reader sees: everything, or with no receptors for long or middle wavelengths (Machado, Oliveira and
    /// Fernandes 2009, severity 1), over linear red, green and blue.
    const EYES: [(&str, f64, [[f64; 3]; 3]); 3] = [
        ("all", 25.0, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "protanope",
            12.0,
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
        ),
        (
            "deuteranope",
            12.0,
            [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
        ),
    ];

    /// Lightness and the two opponent colours of CIE 1976 L*a*b*, with white at D65.
    fn lab(colour: RGBColor, eye: &[[f64; 3]; 3]) -> [f64; 3] {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { libm::pow((part + 0.055) / 1.055, 2.4) }
        };
        let part = |row: &[f64; 3], of: [f64; 3]| row[0] * of[0] + row[1] * of[1] + row[2] * of[2];
        let shone = [linear(colour.0), linear(colour.1), linear(colour.2)];
        let seen = eye.map(|row| part(&row, shone).max(0.0));
        let root = |row: [f64; 3], white: f64| {
            let share = part(&row, seen) / white;
            if share > 0.008_856 { libm::cbrt(share) } else { 7.787 * share + 16.0 / 116.0 }
        };
        let x = root([0.412_4, 0.357_6, 0.180_5], 0.950_47);
        let y = root([0.212_6, 0.715_2, 0.072_2], 1.0);
        let z = root([0.019_3, 0.119_2, 0.950_5], 1.088_83);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// A distance of about 2 can just be seen; areas apart from each other need far more.
    #[test]
    fn no_two_reasons_look_alike() {
        for (index, &one) in Reason::ALL.iter().enumerate() {
            assert!(luminance(WHITE) - luminance(reason(one)) > 30.0, "{one:?} is lost on white");
            for &other in &Reason::ALL[index + 1..] {
                for (who, least, eye) in &EYES {
                    let (a, b) = (lab(reason(one), eye), lab(reason(other), eye));
                    let squares: f64 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
                    let far = squares.sqrt();
                    assert!(far > *least, "{who}: {one:?} and {other:?} are {far:.1} apart");
                }
            }
        }
    }
}
