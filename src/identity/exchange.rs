//! Getting a token with a token: the authentication method `token`, also called rescoping.
//!
//! Source: `keystone.auth.plugins.token:Token.authenticate`, `token_authenticate`. Whether `[token]
//! allow_rescope_scoped_token` forbids it (by default it does not), and what deleting the first token does to the
//! second, is not here.

use super::token::{Refusal, Token};
use crate::units::Instant;

/// Exchanges `first` at `now`: the second token, or why there is none (Keystone says 404).
///
/// The first token is validated without a window, so one that has expired cannot be exchanged, whatever service token
/// stands beside it. The second one expires when the first does, however late it was got. It is encrypted with the
/// key of its own issue, which is lost at `key_gone_at`.
pub fn exchange(now: Instant, first: &Token, key_gone_at: Instant) -> Result<Token, Refusal> {
    match first.refusal(now, None) {
        Some(refusal) => Err(refusal),
        None => Ok(Token { expires: first.expires, key_gone_at, revoked_at: Instant::NEVER }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    #[test]
    fn only_a_live_token_is_exchanged_and_no_time_is_gained() {
        let first = Token::new(at(0), Span::from_seconds(600), at(9_000));
        let tick = Span::from_micros(1);
        let cases = [
            ("at its issue", first, at(0), None),
            ("a tick before its expiry", first, at(600) - tick, None),
            ("at its expiry", first, at(600), Some(Refusal::Expired)),
            ("its key gone", Token { key_gone_at: at(10), ..first }, at(10), Some(Refusal::KeyNotFound)),
            ("revoked", Token { revoked_at: at(10), ..first }, at(10), Some(Refusal::Revoked)),
        ];
        for (case, first, now, refusal) in cases {
            let second = Token { expires: at(600), key_gone_at: at(12_000), revoked_at: Instant::NEVER };
            assert_eq!(exchange(now, &first, at(12_000)), refusal.map_or(Ok(second), Err), "{case}");
        }
    }

    #[test]
    fn a_chain_of_exchanges_gains_no_time_either() {
        let mut token = Token::new(at(0), Span::from_seconds(600), Instant::NEVER);
        for now in [100, 300, 599] {
            token = exchange(at(now), &token, Instant::NEVER).unwrap();
        }
        assert_eq!(exchange(at(600), &token, Instant::NEVER), Err(Refusal::Expired));
    }
}
