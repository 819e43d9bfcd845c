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

impl Token {
    /// When a token issued at `issued` expires: only the issue instant is cut to whole seconds
    /// (`keystone.token.provider:default_expire_time`).
    pub fn expires_at(issued: Instant, expiration: Span) -> Instant {
        issued.floor_to_second() + expiration
    }

    /// Keystone's answer at `now`, by its own clock; `allowance` is the window where the request allows expired
    /// tokens, else nothing. Strict: at the very end it is refused (`provider:Manager._is_valid_token`).
    #[inline]
    pub fn is_accepted(&self, now: Instant, allowance: Span) -> bool {
        now < self.expires + allowance && now < self.key_gone_at && now < self.revoked_at
    }
}
