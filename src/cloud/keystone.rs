//! Keystone: issues tokens under its lifetimes and key schedule. What it answers about them is in `identity`.

use super::draws;
use crate::identity::fernet::key_gone_at;
use crate::identity::{Schedule, Token};
use crate::model::{Keys, Model, Offset, Rotations};
use crate::random::Streams;
use crate::units::{Instant, Span};

/// Keystone during one replication.
#[derive(Debug)]
pub(super) struct Keystone {
    expiration: Span,
    /// `allow_expired_window`.
    pub(super) window: Span,
    schedule: Schedule,
    max_active_keys: u32,
}

impl Keystone {
    pub(super) fn new(model: &Model, streams: Streams) -> Keystone {
        let (schedule, max_active_keys) = match &model.keystone.keys {
            // Nothing purges a JWS key.
            Keys::Jws => (Schedule::Never, 1),
            Keys::Fernet { max_active_keys, rotations, extra } => {
                let schedule = match rotations {
                    Rotations::Never => Schedule::Never,
                    Rotations::At(instants) => Schedule::At(instants.clone()),
                    Rotations::Every { period, offset } => {
                        let offset = match offset {
                            Offset::Fixed(offset) => *offset,
                            Offset::Random => {
                                let share = streams.of(draws::ROTATION_OFFSET, 0).stream(0).uniform();
                                Span::from_seconds_f64(share * period.seconds())
                            }
                        };
                        Schedule::Every { period: *period, offset: Instant::START + offset }
                    }
                };
                (schedule.and_at(extra), *max_active_keys)
            }
        };
        Keystone {
            expiration: model.keystone.expiration,
            window: model.keystone.allow_expired_window,
            schedule,
            max_active_keys,
        }
    }

    /// A token issued at `issued` to a user who is disabled from `disabled_at` on.
    pub(super) fn issue(&self, issued: Instant, disabled_at: Instant) -> Token {
        Token {
            expires: Token::expires_at(issued, self.expiration),
            key_gone_at: key_gone_at(&self.schedule, issued, self.max_active_keys),
            revoked_at: disabled_at,
        }
    }

    /// The user's token, issued at `issued` and revoked at `revoked_at` by `DELETE /v3/auth/tokens`: that has no effect
    /// on a token that does not exist yet, has expired, or cannot be decrypted any more (Keystone answers 404).
    pub(super) fn issue_revoked(&self, issued: Instant, revoked_at: Instant) -> Token {
        let token = self.issue(issued, Instant::NEVER);
        let takes_effect = revoked_at > issued && token.is_accepted(revoked_at, Span::ZERO);
        Token { revoked_at: if takes_effect { revoked_at } else { Instant::NEVER }, ..token }
    }
}
