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

/// Looks at one token: first in the cache, then at Keystone, then at the receiver's own clock.
#[inline]
fn look(now: Instant, receiver: &Receiver, presented: &Presented, allow_expired: bool, window: Span) -> Answer {
    // Non-strict, and only without allow_expired (`will_expire_soon(stale_duration=0)`).
    let in_time = allow_expired || presented.token.expires >= now + receiver.clock_ahead;
    if now < presented.cached_until {
        return Answer { confirmed: in_time, keystone: None, cached_until: presented.cached_until };
    }
    let accepted = presented.token.is_accepted(now, if allow_expired { window } else { Span::ZERO });
    let cached_until = match receiver.cache_time {
        // Only a yes is kept, before the local clock is looked at.
        Some(time) if accepted => now + time,
        _ => presented.cached_until,
    };
    Answer { confirmed: accepted && in_time, keystone: Some(accepted), cached_until }
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
    let Some(service) = service else {
        let answer = look(now, receiver, user, false, window);
        let refused = if answer.confirmed { None } else { Some(without_service_token(now, window, user, answer)) };
        return Check { service: None, user: answer, allow_expired: false, refused };
    };
    let mut service_answer = look(now, receiver, &service.presented, false, window);
    let live = service_answer.confirmed;
    // Whatever service_token_roles_required says.
    let allow_expired = live && service.has_role;
    service_answer.confirmed = live && (service.has_role || !receiver.roles_required);
    // Asked even when the service token failed.
    let answer = look(now, receiver, user, allow_expired, window);
    let refused = if answer.confirmed && service_answer.confirmed {
        None
    } else if !live {
        Some(Reason::ServiceTokenInvalid)
    } else {
        Some(with_live_service_token(now, window, user, answer, service.has_role, receiver.roles_required))
    };
    Check { service: Some(service_answer), user: answer, allow_expired, refused }
}

/// What Keystone would say first of the user token itself; an answer from the cache says none of this.
fn asked(now: Instant, window: Span, user: &Presented, answer: Answer) -> Option<Reason> {
    answer.keystone?;
    if now >= user.token.key_gone_at {
        Some(Reason::FernetKeyGone)
    } else if now >= user.token.revoked_at && now < user.token.expires + window {
        Some(Reason::Revoked)
    } else {
        None
    }
}

fn without_service_token(now: Instant, window: Span, user: &Presented, answer: Answer) -> Reason {
    asked(now, window, user, answer).unwrap_or(Reason::UserTokenExpired)
}

fn with_live_service_token(
    now: Instant,
    window: Span,
    user: &Presented,
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
