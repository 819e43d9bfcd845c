//! Keystone's own token cache: what it keeps of a token, and what it saves the token from.
//!
//! Source: `keystone.token.provider:Manager._validate_token`, which is memoised; it reads the token and its user and
//! decides nothing about time or events. [`super::middleware`] has the other cache, auth_token's.

use super::token::{Refusal, Token};
use crate::units::{Instant, Span};

/// The settings of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeystoneCache {
    /// How long an entry is used ([`super::defaults::KEYSTONE_CACHE_TIME`]); `None`: there is no `[cache] backend`.
    pub time: Option<Span>,
}

/// What the cache holds of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    stored: Option<Instant>,
}

impl Entry {
    /// Nothing: never stored, or dropped since.
    ///
    /// Deleting a token drops its entry. Disabling or deleting a user, a new password or the removal of a role drop the
    /// entries of all tokens, those of other users too
    /// (`keystone.token.provider:Manager.invalidate_individual_token_cache`, `Manager._drop_token_cache`).
    pub const NONE: Entry = Entry { stored: None };
}

/// Keystone's answer to a validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validation {
    /// Why the token is refused, `None` if it is not.
    pub refusal: Option<Refusal>,
    /// What the cache holds of the token afterwards.
    pub entry: Entry,
}

impl KeystoneCache {
    /// No backend, as by default.
    pub const OFF: KeystoneCache = KeystoneCache { time: None };

    /// What the cache holds of a token that is issued at `now` (`keystone.token.provider:Manager.issue_token`).
    pub fn at_issue(self, now: Instant) -> Entry {
        self.stored(now)
    }

    fn stored(self, now: Instant) -> Entry {
        Entry { stored: self.time.map(|_| now) }
    }

    /// Whether the entry is used at `now`: non-strict, to the very end of its life.
    fn hits(self, entry: Entry, now: Instant) -> bool {
        matches!((self.time, entry.stored), (Some(time), Some(stored)) if now.since(stored) <= time)
    }

    /// Validates a token at `now`; `window` is `Some` where the request allows expired tokens.
    ///
    /// A token in the cache is not decrypted, so that it survives the loss of its key. Expiry, window and revocation
    /// are looked at every time. What had to be decrypted is stored, whatever becomes of it then; a hit extends
    /// nothing.
    pub fn validate(self, now: Instant, token: &Token, window: Option<Span>, entry: Entry) -> Validation {
        if self.hits(entry, now) {
            let read = Token { key_gone_at: Instant::NEVER, ..*token };
            return Validation { refusal: read.refusal(now, window), entry };
        }
        let refusal = token.refusal(now, window);
        let entry = if refusal == Some(Refusal::KeyNotFound) { Entry::NONE } else { self.stored(now) };
        Validation { refusal, entry }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Span = Span::from_micros(1);
    const ON: KeystoneCache = KeystoneCache { time: Some(Span::from_seconds(600)) };
    const WINDOW: Option<Span> = Some(Span::from_seconds(7_200));

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    fn token() -> Token {
        Token::new(at(0), Span::from_seconds(3_600), Instant::NEVER)
    }

    #[test]
    fn an_entry_saves_a_token_from_the_loss_of_its_key() {
        let keyless = Token { key_gone_at: at(1), ..token() };
        let cases = [
            ("just issued", ON, at(1), None),
            ("at the end of the entry's life", ON, at(600), None),
            ("a tick later", ON, at(600) + TICK, Some(Refusal::KeyNotFound)),
            ("no backend", KeystoneCache::OFF, at(1), Some(Refusal::KeyNotFound)),
        ];
        for (case, cache, now, refusal) in cases {
            let validation = cache.validate(now, &keyless, None, cache.at_issue(at(0)));
            assert_eq!(validation.refusal, refusal, "{case}");
        }
        let dropped = ON.validate(at(1), &keyless, None, Entry::NONE);
        assert_eq!(dropped, Validation { refusal: Some(Refusal::KeyNotFound), entry: Entry::NONE });
    }

    #[test]
    fn expiry_window_and_revocation_are_looked_at_all_the_same() {
        let revoked = Token { revoked_at: at(1), ..token() };
        let cases = [
            ("live", token(), at(3_599), None, None),
            ("expired", token(), at(3_600), None, Some(Refusal::Expired)),
            ("in the window", token(), at(3_600), WINDOW, None),
            ("past the window", token(), at(10_800), WINDOW, Some(Refusal::BeyondWindow)),
            ("revoked", revoked, at(1), WINDOW, Some(Refusal::Revoked)),
        ];
        for (case, token, now, window, refusal) in cases {
            for cache in [ON, KeystoneCache::OFF] {
                let fresh = cache.stored(now);
                assert_eq!(cache.validate(now, &token, window, fresh).refusal, refusal, "{case}, {cache:?}");
            }
        }
    }

    #[test]
    fn what_was_decrypted_is_stored_and_a_hit_extends_nothing() {
        let keyless = Token { key_gone_at: at(601), ..token() };
        let cases = [
            ("a hit", token(), at(600), at(0), Some(at(0))),
            ("the first after the entry died", token(), at(601), at(0), Some(at(601))),
            ("refused for its age", token(), at(3_600), at(0), Some(at(3_600))),
            ("not decrypted", keyless, at(601), at(0), None),
        ];
        for (case, token, now, stored, expected) in cases {
            let validation = ON.validate(now, &token, None, ON.at_issue(stored));
            assert_eq!(validation.entry, Entry { stored: expected }, "{case}");
        }
        assert_eq!(KeystoneCache::OFF.at_issue(at(0)), Entry::NONE);
        assert_eq!(KeystoneCache::OFF.validate(at(1), &token(), None, Entry::NONE).entry, Entry::NONE);
    }
}
