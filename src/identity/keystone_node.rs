//! One Keystone node of several: its clock, and its answer to a validation from keys and cache.
//!
//! Nodes share the database, so a revocation acts on all of them at once, and they may share a cache. They share
//! neither clocks nor keys ([`super::cluster`]).

use super::cluster::Answer;
use super::keystone_cache::{Entry, KeystoneCache, Validation};
use super::token::Token;
use crate::units::{Instant, Span};

/// A node's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeystoneNode {
    /// This node's clock minus the true one.
    pub clock_ahead: Span,
    /// The cache; one `[cache] backend` that is no process's own, such as memcached, is shared by all nodes.
    pub cache: KeystoneCache,
}

impl KeystoneNode {
    /// What this node's clock shows at `now`.
    pub fn reads(&self, now: Instant) -> Instant {
        now + self.clock_ahead
    }

    /// The expiry that this node writes into a token that it issues at `now`, to be read against any clock
    /// (`keystone.token.provider:default_expire_time`).
    pub fn expires_at(&self, now: Instant, expiration: Span) -> Instant {
        Token::expires_at(self.reads(now), expiration)
    }

    /// What the cache holds of a token that this node issues at `now`.
    pub fn at_issue(&self, now: Instant) -> Entry {
        self.cache.at_issue(self.reads(now))
    }

    /// The token in this node's time, to be asked about at what its clock [reads](KeystoneNode::reads). The expiry
    /// stands in the token and is the same everywhere, so that only the validating node's clock counts; keys and
    /// revocations happen when they happen.
    pub fn view(&self, token: &Token) -> Token {
        Token {
            expires: token.expires,
            key_gone_at: self.shown(token.key_gone_at),
            revoked_at: self.shown(token.revoked_at),
        }
    }

    /// Never stays never, however far the clock is behind.
    fn shown(&self, instant: Instant) -> Instant {
        if instant == Instant::NEVER { instant } else { self.reads(instant) }
    }

    /// This node's answer at `now`, where `key` says whether it holds the token's key and `entry` what the cache
    /// holds of the token; `window` is `Some` where the request allows expired tokens. The token's own `key_gone_at`
    /// does not count.
    ///
    /// What is in the cache is not decrypted, so that a token survives there on a node that has purged its key, and
    /// passes on one that has not got it yet. The age of an entry is what the asking node's clock shows minus what the
    /// storing one's showed (`dogpile.cache.region:CacheRegion`, which keeps the time with the value).
    pub fn validate(&self, now: Instant, token: &Token, key: Answer, window: Option<Span>, entry: Entry) -> Validation {
        let key_gone_at = match key {
            Answer::Yes => Instant::NEVER,
            Answer::Gone | Answer::NotSynced => Instant::ALWAYS,
        };
        let token = Token { key_gone_at, ..self.view(token) };
        self.cache.validate(self.reads(now), &token, window, entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::token::Refusal;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    fn node(ahead: i64, cached_for: Option<i64>) -> KeystoneNode {
        let cache = KeystoneCache { time: cached_for.map(Span::from_seconds) };
        KeystoneNode { clock_ahead: Span::from_seconds(ahead), cache }
    }

    fn token(expires: i64) -> Token {
        Token { expires: at(expires), key_gone_at: Instant::NEVER, revoked_at: Instant::NEVER }
    }

    #[test]
    fn the_issuing_clock_writes_the_expiry_and_the_validating_clock_reads_it() {
        let tick = Span::from_micros(1);
        // The token lives 600 s from its issue at 0 s.
        let cases = [
            ("true clocks", 0, 0, 600),
            ("the issuer ahead", 30, 0, 630),
            ("the issuer behind", -30, 0, 570),
            ("the validator ahead", 0, 30, 570),
            ("the validator behind", 0, -30, 630),
            ("both alike", 30, 30, 600),
        ];
        for (case, issuer, validator, dies) in cases {
            let expires = node(issuer, None).expires_at(at(0), Span::from_seconds(600));
            let validator = node(validator, None);
            let token = Token { expires, ..token(0) };
            let view = validator.view(&token);
            for (now, accepted) in [(at(dies) - tick, true), (at(dies), false)] {
                assert_eq!(view.is_accepted(validator.reads(now), Span::ZERO), accepted, "{case}, at {now:?}");
                let validation = validator.validate(now, &token, Answer::Yes, None, Entry::NONE);
                assert_eq!(validation.refusal.is_none(), accepted, "{case}, at {now:?}");
            }
        }
    }

    #[test]
    fn keys_and_revocations_go_by_no_clock() {
        let tick = Span::from_micros(1);
        for ahead in [-40, 0, 40] {
            let node = node(ahead, None);
            for token in [Token { key_gone_at: at(100), ..token(600) }, Token { revoked_at: at(100), ..token(600) }] {
                let view = node.view(&token);
                for (now, accepted) in [(at(100) - tick, true), (at(100), false)] {
                    let found = view.is_accepted(node.reads(now), Span::ZERO);
                    assert_eq!(found, accepted, "{ahead} s ahead, {token:?} at {now:?}");
                }
            }
        }
        let behind = node(-40, None);
        assert_eq!(behind.view(&token(600)), token(600), "never is never");
    }

    #[test]
    fn the_shared_cache_makes_up_for_a_key_that_is_gone_or_not_there_yet() {
        let expired = Some(Refusal::Expired);
        let keyless = Some(Refusal::KeyNotFound);
        let cases = [
            ("held", Answer::Yes, 5, 0, None),
            ("gone, cached", Answer::Gone, 5, 0, None),
            ("not synced, cached", Answer::NotSynced, 5, 0, None),
            ("gone, at the end of the entry", Answer::Gone, 60, 0, None),
            ("gone, past the entry", Answer::Gone, 61, 0, keyless),
            ("not synced, past the entry", Answer::NotSynced, 61, 0, keyless),
            ("gone, past the entry by the asker's clock", Answer::Gone, 51, 10, keyless),
            ("not synced, not past it by the asker's clock", Answer::NotSynced, 70, -10, None),
            ("cached, but expired by the asker's clock", Answer::Gone, 5, 595, keyless),
            ("held, and expired by the asker's clock", Answer::Yes, 5, 595, expired),
        ];
        for (case, key, asked, ahead, refusal) in cases {
            let entry = node(0, Some(60)).at_issue(at(0));
            let validation = node(ahead, Some(60)).validate(at(asked), &token(600), key, None, entry);
            assert_eq!(validation.refusal, refusal, "{case}");
            let without = node(ahead, None).validate(at(asked), &token(600), key, None, Entry::NONE);
            assert_eq!(without.refusal == keyless, key != Answer::Yes, "{case}, no cache");
        }
    }

    #[test]
    fn one_node_that_decrypts_helps_the_others() {
        let (knows, lags) = (node(0, Some(60)), node(0, Some(60)));
        let refused = lags.validate(at(1), &token(600), Answer::NotSynced, None, Entry::NONE);
        assert_eq!((refused.refusal, refused.entry), (Some(Refusal::KeyNotFound), Entry::NONE));
        let stored = knows.validate(at(2), &token(600), Answer::Yes, None, refused.entry).entry;
        assert_eq!(lags.validate(at(3), &token(600), Answer::NotSynced, None, stored).refusal, None);
    }
}
