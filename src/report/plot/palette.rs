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
        Reason::FernetKeyNotSynced => RGBColor(0x9f, 0xc5, 0x3f),
        Reason::Revoked => RGBColor(0x7a, 0x3e, 0x8e),
        Reason::ServiceTokenRoleMissing => RGBColor(0xf0, 0xe4, 0x42),
        Reason::BeyondWindow => RGBColor(0x00, 0x72, 0xb2),
        Reason::UserTokenExpired => RGBColor(0xe6, 0x9f, 0x00),
        Reason::BackendNoServiceToken => RGBColor(0x56, 0xb4, 0xe9),
        Reason::TokenExchangeRefused => RGBColor(0xf4, 0x9a, 0xc2),
        Reason::DetachConflict => RGBColor(0x1f, 0x3a, 0x93),
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

    #[test]
    fn no_two_reasons_look_alike() {
        let far = |a: RGBColor, b: RGBColor| {
            let part = |a: u8, b: u8| (i32::from(a) - i32::from(b)).unsigned_abs();
            part(a.0, b.0) + part(a.1, b.1) + part(a.2, b.2)
        };
        for (index, &one) in Reason::ALL.iter().enumerate() {
            assert!(luminance(WHITE) - luminance(reason(one)) > 30.0, "{one:?} is lost on white");
            for &other in &Reason::ALL[index + 1..] {
                assert!(far(reason(one), reason(other)) > 75, "{one:?} and {other:?}");
            }
        }
    }
}
