//! keystoneauth's session rules: when a held token is used again, and what a 401 does.

use crate::units::{Instant, Span};

/// A held token is used again while at least this much of its life is left
/// (`keystoneauth1.identity.base.BaseIdentityPlugin.MIN_TOKEN_LIFE_SECONDS`; there is no option for it).
pub const MIN_TOKEN_LIFE: Span = Span::from_seconds(120);

/// Whether a plugin uses the token that it holds again, at `now` by the client's clock.
pub fn is_reused(expires: Instant, now: Instant) -> bool {
    expires.since(now) >= MIN_TOKEN_LIFE
}
