//! auth_token's verdict on one request: service token, user token, role, cache and clock.
//!
//! Source: `keystonemiddleware.auth_token:BaseAuthProtocol.process_request`, `AuthProtocol.process_request`,
//! `auth_token._cache`; `keystoneauth1.access.AccessInfo.will_expire_soon`.

use super::token::Token;
use crate::model::vocabulary::Reason;
use crate::units::{Instant, Span};

/// A receiver's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// `service_token_roles_required`.
    pub roles_required: bool,
    /// `token_cache_time`; `None`: no cache.
    pub cache_time: Option<Span>,
    /// The receiver's clock minus Keystone's.
    pub clock_ahead: Span,
}

/// A token that came with a request, and what the receiver's cache holds of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The token.
    pub token: Token,
    /// The cache answers before this instant; [`Instant::ALWAYS`] if it holds nothing.
    pub cached_until: Instant,
}

/// A service token that came with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServicePresented {
    /// The token.
    pub presented: Presented,
    /// Whether its user has one of the receiver's `service_token_roles`.
    pub has_role: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Whether the service token was good (live, and with the role where one is required); `None` without one.
    pub service: Option<Answer>,
    /// Whether the user token was good.
    pub user: Answer,
    /// Whether the user token was looked at with `allow_expired`.
    pub allow_expired: bool,
    /// Why the request is refused, `None` if it is accepted.
    pub refused: Option<Reason>,
}

/// What became of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Confirmed, or invalid.
    pub confirmed: bool,
    /// Keystone's own answer, where it was asked.
    pub keystone: Option<bool>,
    /// What the cache holds afterwards.
    pub cached_until: Instant,
}

/// What the cache says of a token, and the receiver's own clock; `None`: Keystone has to be asked.
#[inline]
pub fn from_cache(now: Instant, receiver: &Receiver, presented: &Presented, allow_expired: bool) -> Option<Answer> {
    let confirmed = is_in_time(now, receiver, &presented.token, allow_expired);
    let answer = Answer { confirmed, keystone: None, cached_until: presented.cached_until };
    (now < presented.cached_until).then_some(answer)
}

/// What becomes of a token about which Keystone has answered: only a yes is kept, before the local clock is looked at.
#[inline]
pub fn from_keystone(
    now: Instant,
    receiver: &Receiver,
    presented: &Presented,
    allow_expired: bool,
    accepted: bool,
) -> Answer {
    let cached_until = match receiver.cache_time {
        Some(time) if accepted => now + time,
        _ => presented.cached_until,
    };
    let confirmed = accepted && is_in_time(now, receiver, &presented.token, allow_expired);
    Answer { confirmed, keystone: Some(accepted), cached_until }
}

/// Non-strict, and only without allow_expired (`will_expire_soon(stale_duration=0)`).
#[inline]
fn is_in_time(now: Instant, receiver: &Receiver, token: &Token, allow_expired: bool) -> bool {
    allow_expired || token.expires >= now + receiver.clock_ahead
}

/// From when on a receiver's own clock refuses a token.
pub fn in_time_until(receiver: &Receiver, token: &Token, allow_expired: bool) -> Instant {
    if allow_expired { Instant::NEVER } else { token.expires - receiver.clock_ahead + Span::from_micros(1) }
}

/// Looks at one token: first in the cache, then at Keystone, then at the receiver's own clock.
#[inline]
pub(super) fn look(
    now: Instant,
    receiver: &Receiver,
    presented: &Presented,
    allow_expired: bool,
    window: Span,
) -> Answer {
    from_cache(now, receiver, presented, allow_expired).unwrap_or_else(|| {
        let accepted = presented.token.is_accepted(now, if allow_expired { window } else { Span::ZERO });
        from_keystone(now, receiver, presented, allow_expired, accepted)
    })
}

/// What the receiver makes of a service token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceVerdict {
    /// Confirmed only with the role, where one is required.
    pub answer: Answer,
    /// Whether the token itself is good, role or not.
    pub live: bool,
    /// Whether its user has one of the roles.
    pub has_role: bool,
    /// Whether the user token is looked at with `allow_expired`.
    pub allow_expired: bool,
}

impl ServiceVerdict {
    /// From what was found of the token itself.
    #[inline]
    pub const fn new(receiver: &Receiver, has_role: bool, looked: Answer) -> ServiceVerdict {
        let live = looked.confirmed;
        ServiceVerdict {
            answer: Answer { confirmed: live && (has_role || !receiver.roles_required), ..looked },
            live,
            has_role,
            // Whatever service_token_roles_required says.
            allow_expired: live && has_role,
        }
    }
}

/// Looks at a service token, always without `allow_expired`.
#[inline]
pub(super) fn look_at_service(now: Instant, receiver: &Receiver, service: &ServicePresented) -> ServiceVerdict {
    let looked = look(now, receiver, &service.presented, false, Span::ZERO);
    ServiceVerdict::new(receiver, service.has_role, looked)
}

/// The verdict on a request that arrives at `now` by Keystone's clock.
#[inline]
pub fn check(
    now: Instant,
    window: Span,
    receiver: &Receiver,
    user: &Presented,
    service: Option<&ServicePresented>,
) -> Check {
    let service = service.map(|service| look_at_service(now, receiver, service));
    let allow_expired = service.is_some_and(|service| service.allow_expired);
    // Asked even when the service token failed.
    let answer = look(now, receiver, user, allow_expired, window);
    let refused = (!is_accepted(answer, service.as_ref()))
        .then(|| why_refused(now, window, receiver, &user.token, answer, service.as_ref()));
    Check { service: service.map(|service| service.answer), user: answer, allow_expired, refused }
}

/// Whether a request is accepted, from what was found of its tokens.
#[inline]
pub fn is_accepted(answer: Answer, service: Option<&ServiceVerdict>) -> bool {
    answer.confirmed && service.is_none_or(|service| service.answer.confirmed)
}

/// Why a request that is not accepted is refused.
pub fn why_refused(
    now: Instant,
    window: Span,
    receiver: &Receiver,
    user: &Token,
    answer: Answer,
    service: Option<&ServiceVerdict>,
) -> Reason {
    match service {
        None => asked(now, window, user, answer).unwrap_or(Reason::UserTokenExpired),
        Some(service) if !service.live => Reason::ServiceTokenInvalid,
        Some(service) => with_live_service_token(now, window, user, answer, service.has_role, receiver.roles_required),
    }
}

/// What Keystone would say first of the user token itself; an answer from the cache says none of this.
fn asked(now: Instant, window: Span, user: &Token, answer: Answer) -> Option<Reason> {
    answer.keystone?;
    if now >= user.key_gone_at {
        Some(Reason::FernetKeyGone)
    } else if now >= user.revoked_at && now < user.expires + window {
        Some(Reason::Revoked)
    } else {
        None
    }
}

fn with_live_service_token(
    now: Instant,
    window: Span,
    user: &Token,
    answer: Answer,
    has_role: bool,
    roles_required: bool,
) -> Reason {
    if !answer.confirmed
        && let Some(reason) = asked(now, window, user, answer)
    {
        return reason;
    }
    if !has_role && (roles_required || !answer.confirmed) {
        return Reason::ServiceTokenRoleMissing;
    }
    Reason::BeyondWindow
}

#[cfg(test)]
mod tests {
    use super::*;

    const E: i64 = 600;
    const W: i64 = 300;
    const TICK: Span = Span::from_micros(1);
    const CACHED: Receiver =
        Receiver { roles_required: true, cache_time: Some(Span::from_seconds(300)), clock_ahead: Span::ZERO };
    const UNCACHED: Receiver = Receiver { cache_time: None, ..CACHED };
    const LENIENT: Receiver = Receiver { roles_required: false, ..UNCACHED };

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    /// A token issued at the start, in no cache.
    fn token() -> Presented {
        Presented { token: Token::new(at(0), Span::from_seconds(E), Instant::NEVER), cached_until: Instant::ALWAYS }
    }

    fn cached_until(seconds: i64) -> Presented {
        Presented { cached_until: at(seconds), ..token() }
    }

    /// A service token that was issued `age` before `now`.
    fn service(now: Instant, age: i64, has_role: bool) -> ServicePresented {
        let token = Token::new(now - Span::from_seconds(age), Span::from_seconds(E), Instant::NEVER);
        ServicePresented { presented: Presented { token, cached_until: Instant::ALWAYS }, has_role }
    }

    fn refused(
        now: Instant,
        receiver: &Receiver,
        user: &Presented,
        service: Option<&ServicePresented>,
    ) -> Option<Reason> {
        check(now, Span::from_seconds(W), receiver, user, service).refused
    }

    #[test]
    fn user_token_alone() {
        let cases = [
            ("a tick before expiry", at(E) - TICK, token(), None),
            ("at expiry", at(E), token(), Some(Reason::UserTokenExpired)),
            ("at expiry, cached", at(E), cached_until(E + 1), None),
            ("a tick after expiry, cached", at(E) + TICK, cached_until(E + 1), Some(Reason::UserTokenExpired)),
            ("at expiry, the entry just died", at(E), cached_until(E), Some(Reason::UserTokenExpired)),
        ];
        for (case, now, user, expected) in cases {
            assert_eq!(refused(now, &CACHED, &user, None), expected, "{case}");
        }
    }

    #[test]
    fn with_a_good_service_token() {
        let cases = [
            ("fresh", at(1), token(), None),
            ("at expiry", at(E), token(), None),
            ("a tick before the end of the window", at(E + W) - TICK, token(), None),
            ("at the end of the window", at(E + W), token(), Some(Reason::BeyondWindow)),
            ("past the window, cached", at(E + W + 250), cached_until(E + W + 251), None),
            (
                "past the window, the entry just died",
                at(E + W + 250),
                cached_until(E + W + 250),
                Some(Reason::BeyondWindow),
            ),
        ];
        for (case, now, user, expected) in cases {
            assert_eq!(refused(now, &CACHED, &user, Some(&service(now, 1, true))), expected, "{case}");
        }
    }

    #[test]
    fn the_service_token_decides_too() {
        use Reason::{ServiceTokenInvalid, ServiceTokenRoleMissing};
        let cases = [
            ("a second before its expiry", E - 1, true, UNCACHED, None),
            ("at its expiry", E, true, UNCACHED, Some(ServiceTokenInvalid)),
            ("at its expiry, roles not required", E, true, LENIENT, Some(ServiceTokenInvalid)),
            ("without the role", 1, false, UNCACHED, Some(ServiceTokenRoleMissing)),
            ("without the role, not required", 1, false, LENIENT, None),
        ];
        for (case, age, has_role, receiver, expected) in cases {
            let service = service(at(10), age, has_role);
            assert_eq!(refused(at(10), &receiver, &token(), Some(&service)), expected, "{case}");
        }
        let roleless = service(at(E), 1, false);
        let expected = Some(ServiceTokenRoleMissing);
        assert_eq!(refused(at(E), &LENIENT, &token(), Some(&roleless)), expected, "no window without the role");
    }

    #[test]
    fn a_cached_service_token_passes_at_its_expiry() {
        for (case, age, expected) in [("at", E, None), ("after", E + 1, Some(Reason::ServiceTokenInvalid))] {
            let mut service = service(at(10), age, true);
            service.presented.cached_until = at(11);
            assert_eq!(refused(at(10), &CACHED, &token(), Some(&service)), expected, "{case} its expiry");
        }
    }

    #[test]
    fn only_a_yes_is_kept_and_a_hit_extends_nothing() {
        let window = Span::from_seconds(W);
        let kept = |now, receiver: &Receiver, user: &Presented| {
            let answer = check(now, window, receiver, user, None).user;
            (answer.keystone, answer.cached_until)
        };
        assert_eq!(kept(at(10), &CACHED, &token()), (Some(true), at(310)), "asked and kept");
        assert_eq!(kept(at(10), &UNCACHED, &token()), (Some(true), Instant::ALWAYS), "no cache");
        assert_eq!(kept(at(E), &CACHED, &token()), (Some(false), Instant::ALWAYS), "a no");
        assert_eq!(kept(at(309), &CACHED, &cached_until(310)), (None, at(310)), "a hit");
        assert_eq!(kept(at(310), &CACHED, &cached_until(310)), (Some(true), at(610)), "asked again");
        let ahead = Receiver { clock_ahead: Span::from_seconds(100), ..CACHED };
        let answer = check(at(550), window, &ahead, &token(), None).user;
        assert!(!answer.confirmed && answer.cached_until == at(850), "kept before the own clock is looked at");
    }

    #[test]
    fn a_clock_ahead_shortens_and_a_clock_behind_changes_nothing() {
        for (case, ahead, age, expected) in [
            ("5 s ahead, at the limit", 5, E - 5, None),
            ("5 s ahead, past the limit", 5, E - 4, Some(Reason::UserTokenExpired)),
            ("5 s behind, at expiry", -5, E, Some(Reason::UserTokenExpired)),
        ] {
            let receiver = Receiver { clock_ahead: Span::from_seconds(ahead), ..UNCACHED };
            assert_eq!(refused(at(age), &receiver, &token(), None), expected, "{case}");
            assert_eq!(
                refused(at(age), &receiver, &token(), Some(&service(at(age), 1, true))),
                None,
                "{case}, allowed"
            );
        }
    }

    #[test]
    fn a_cached_answer_sees_neither_key_nor_revocation() {
        let dead = Token { key_gone_at: at(5), revoked_at: at(5), ..token().token };
        for (case, cached_until, expected) in
            [("in the cache", at(11), None), ("asked", Instant::ALWAYS, Some(Reason::FernetKeyGone))]
        {
            assert_eq!(refused(at(10), &CACHED, &Presented { token: dead, cached_until }, None), expected, "{case}");
        }
    }
}
