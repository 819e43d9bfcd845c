//! Who may have a token validated, and what Keystone answers to each: `GET /v3/auth/tokens`.
//!
//! `allow_expired` needs no service token here: that rule is auth_token's alone ([`super::middleware`]).

use super::roles::has_one_of;
use super::token::Token;
use crate::units::{Instant, Span};

/// Roles that may have any token validated, by Keystone's default policy `identity:validate_token`
/// (`keystone.common.policies.token`). Readers of the system scope may too; that scope is not here.
const VALIDATING_ROLES: &[&str] = &["service", "admin"];

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The token that the caller authenticates with.
    pub token: Token,
    /// The roles that its user was given; what they imply counts too.
    pub roles: &'a [&'a str],
    /// Whether the token in question is of the same user, as when a token asks about itself.
    pub is_owner: bool,
}

/// Keystone's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The token is good; 200.
    Good,
    /// The caller's own token is not; 401.
    Unauthenticated,
    /// The token is good, but the caller may not know; 403.
    Forbidden,
    /// The token is refused; 404, whoever asks.
    NotFound,
}

impl Answer {
    /// The status.
    pub const fn http_status(self) -> u16 {
        match self {
            Answer::Good => 200,
            Answer::Unauthenticated => 401,
            Answer::Forbidden => 403,
            Answer::NotFound => 404,
        }
    }
}

/// Validates `subject` for a caller at `now`; `window` is `Some` where the request allows expired tokens.
///
/// First the caller's own token is validated, never with the window
/// (`keystone.server.flask.request_processing.middleware.auth_context:AuthContextMiddleware.fetch_token`). Then the
/// token in question, before the policy is asked, for the policy may look at its owner
/// (`keystone.common.rbac_enforcer.enforcer:RBACEnforcer._extract_subject_token_target_data`).
pub fn validate(now: Instant, caller: &Caller<'_>, subject: &Token, window: Option<Span>) -> Answer {
    if !caller.token.is_accepted(now, Span::ZERO) {
        Answer::Unauthenticated
    } else if subject.refusal(now, window).is_some() {
        Answer::NotFound
    } else if caller.is_owner || has_one_of(caller.roles, VALIDATING_ROLES) {
        Answer::Good
    } else {
        Answer::Forbidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    #[test]
    fn own_token_first_then_the_other_then_the_policy() {
        let live = Token::new(at(500), Span::from_seconds(300), Instant::NEVER);
        let expired = Token::new(at(0), Span::from_seconds(300), Instant::NEVER);
        let caller = |token, roles, is_owner| Caller { token, roles, is_owner };
        let window = Some(Span::from_seconds(600));
        let (service, member) = (caller(live, &["service"], false), caller(live, &["member"], false));
        let owner = caller(live, &["member"], true);
        let cases = [
            ("a service", service, live, None, Answer::Good),
            ("a service among other roles", caller(live, &["member", "service"], false), live, None, Answer::Good),
            ("an administrator", caller(live, &["admin"], false), live, None, Answer::Good),
            ("a manager", caller(live, &["manager"], false), live, None, Answer::Forbidden),
            ("somebody without a role", caller(live, &[], false), live, None, Answer::Forbidden),
            ("the owner", owner, live, None, Answer::Good),
            ("the owner, of an expired one", owner, expired, None, Answer::NotFound),
            ("the owner, of an expired one, allowed", owner, expired, window, Answer::Good),
            ("a member, of an expired one", member, expired, None, Answer::NotFound),
            ("a member, of an expired one, allowed", member, expired, window, Answer::Forbidden),
            ("itself, expired, allowed", Caller { token: expired, ..owner }, expired, window, Answer::Unauthenticated),
            ("an expired service", Caller { token: expired, ..service }, live, window, Answer::Unauthenticated),
        ];
        for (case, caller, subject, window, expected) in cases {
            assert_eq!(validate(at(600), &caller, &subject, window), expected, "{case}");
        }
    }

    #[test]
    fn who_may_not_know_learns_no_reason() {
        let live = Token::new(at(0), Span::from_seconds(300), Instant::NEVER);
        let caller = Caller { token: live, roles: &["member"], is_owner: false };
        for subject in [Token { key_gone_at: at(1), ..live }, Token { revoked_at: at(1), ..live }] {
            assert_eq!(validate(at(1), &caller, &subject, None).http_status(), 404, "{subject:?}");
        }
    }
}
