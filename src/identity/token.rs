//! Lifetime of a token in Keystone.

use crate::units::{Instant, Span};

/// A token, as far as Keystone decides about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Refused from here on, unless the request allows expired tokens.
    pub expires: Instant,
    /// Cannot be decrypted from here on; [`Instant::NEVER`] if the keys outlive everything.
    pub key_gone_at: Instant,
    /// Revoked, or its user disabled, from here on.
    pub revoked_at: Instant,
}

/// Why Keystone refuses a token; all of them are the same 404 to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No key on the node decrypts it.
    KeyNotFound,
    /// Expired, and expired tokens were not allowed.
    Expired,
    /// Expired tokens were allowed, and it is past the window too.
    BeyondWindow,
    /// Revoked, or its user disabled.
    Revoked,
}

impl Token {
    /// A token issued at `issued` that nobody revokes.
    pub fn new(issued: Instant, expiration: Span, key_gone_at: Instant) -> Token {
        Token { expires: Token::expires_at(issued, expiration), key_gone_at, revoked_at: Instant::NEVER }
    }

    /// When a token issued at `issued` expires: only the issue instant is cut to whole seconds
    /// (`keystone.token.provider:default_expire_time`). It is fixed in the token: a later change of the setting does
    /// not touch it, whereas the window is read at each validation.
    pub fn expires_at(issued: Instant, expiration: Span) -> Instant {
        issued.floor_to_second() + expiration
    }

    /// Keystone's answer at `now`, by its own clock; `allowance` is the window where the request allows expired
    /// tokens, else nothing. Strict: at the very end it is refused (`provider:Manager._is_valid_token`).
    #[inline]
    pub fn is_accepted(&self, now: Instant, allowance: Span) -> bool {
        now < self.expires + allowance && now < self.key_gone_at && now < self.revoked_at
    }

    /// From when on Keystone refuses it.
    pub fn accepted_until(&self, allowance: Span) -> Instant {
        (self.expires + allowance).min(self.key_gone_at).min(self.revoked_at)
    }

    /// Why Keystone refuses it at `now`, `None` if it does not; `window` is `Some` where the request allows expired
    /// tokens. Where several hold, the key comes before time and time before revocation, as Keystone looks at them
    /// (`keystone.token.provider:Manager.validate_token`).
    pub fn refusal(&self, now: Instant, window: Option<Span>) -> Option<Refusal> {
        if now >= self.key_gone_at {
            Some(Refusal::KeyNotFound)
        } else if now >= self.expires + window.unwrap_or(Span::ZERO) {
            Some(if window.is_some() { Refusal::BeyondWindow } else { Refusal::Expired })
        } else if now >= self.revoked_at {
            Some(Refusal::Revoked)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Span = Span::from_micros(1);

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    #[test]
    fn lives_strictly_until_expiry_or_the_end_of_the_window() {
        let token = Token::new(at(0), Span::from_seconds(600), Instant::NEVER);
        let window = Span::from_seconds(300);
        let cases = [
            ("at issue", at(0), None, None),
            ("before issue, from another clock", at(-1), None, None),
            ("one tick before expiry", at(600) - TICK, None, None),
            ("at expiry", at(600), None, Some(Refusal::Expired)),
            ("at expiry, allowed", at(600), Some(window), None),
            ("at expiry, allowed, no window", at(600), Some(Span::ZERO), Some(Refusal::BeyondWindow)),
            ("one tick before the end of the window", at(900) - TICK, Some(window), None),
            ("at the end of the window", at(900), Some(window), Some(Refusal::BeyondWindow)),
            ("at the end of the window, not allowed", at(900), None, Some(Refusal::Expired)),
        ];
        for (case, now, window, refusal) in cases {
            assert_eq!(token.refusal(now, window), refusal, "{case}");
            assert_eq!(token.is_accepted(now, window.unwrap_or(Span::ZERO)), refusal.is_none(), "{case}");
        }
    }

    #[test]
    fn key_before_time_before_revocation() {
        let lasting = Token::new(at(0), Span::from_seconds(600), Instant::NEVER);
        let revoked = Token { revoked_at: at(10), ..lasting };
        let keyless = Token { key_gone_at: at(20), ..revoked };
        let cases = [
            ("one tick before the revocation", revoked, at(10) - TICK, None),
            ("at the revocation", revoked, at(10), Some(Refusal::Revoked)),
            ("revoked and expired", revoked, at(600), Some(Refusal::Expired)),
            ("revoked, one tick before the rotation", keyless, at(20) - TICK, Some(Refusal::Revoked)),
            ("revoked, at the rotation", keyless, at(20), Some(Refusal::KeyNotFound)),
            ("everything at once", keyless, at(700), Some(Refusal::KeyNotFound)),
        ];
        for (case, token, now, refusal) in cases {
            assert_eq!(token.refusal(now, None), refusal, "{case}");
        }
    }

    #[test]
    fn only_the_issue_is_cut_to_whole_seconds() {
        for (millis, life) in [(0, 60_000), (1, 59_999), (500, 59_500), (999, 59_001)] {
            let issued = Instant::from_micros(millis * 1_000);
            let expires = Token::expires_at(issued, Span::from_seconds(60));
            assert_eq!(expires.since(issued), Span::from_micros(life * 1_000), "issued at {millis} ms");
        }
    }
}
