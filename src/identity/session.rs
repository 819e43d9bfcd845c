//! keystoneauth's session rules: when a held token is used again, what a 401 does, and how auth_token itself logs in.

use super::token::Token;
use crate::units::{Instant, Span};

pub use super::defaults::MIN_TOKEN_LIFE;

/// Whether a plugin uses the token that it holds again, at `now` by the client's clock
/// (`keystoneauth1.identity.base.BaseIdentityPlugin.get_access`). A token that lives less than [`MIN_TOKEN_LIFE`] in
/// all is therefore never used twice.
pub fn is_reused(expires: Instant, now: Instant) -> bool {
    expires.since(now) >= MIN_TOKEN_LIFE
}

/// From when on [`is_reused`] does not hold any more.
pub fn reused_until(expires: Instant) -> Instant {
    expires - MIN_TOKEN_LIFE + Span::from_micros(1)
}

/// Where a sender's user token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserAuth {
    /// Handed over with the request being worked on, as in Nova and Cinder: it cannot be fetched again
    /// (`keystoneauth1.identity.access:AccessInfoPlugin.invalidate`).
    Fixed,
    /// Fetched with credentials (`keystoneauth1.identity.v3.Password`), by the same reuse rule as a service token.
    Password,
    /// auth_token's own plugin for the request being worked on (`keystonemiddleware.auth_token._user_plugin`): it
    /// says that it was invalidated and then hands out the same tokens again.
    Middleware,
}

/// How one process sends requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Where the user token comes from.
    pub user: UserAuth,
    /// Whether a service token of its own goes along (`keystoneauth1.service_token.ServiceTokenAuthWrapper`).
    pub service_wrapper: bool,
}

/// The one repetition of a request that was answered 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The user token is thrown away and fetched anew.
    pub new_user_token: bool,
    /// The service token is thrown away and fetched anew.
    pub new_service_token: bool,
}

impl Sender {
    /// What follows a 401 to the `sent`th sending of a request (from 1); `None`: the 401 is final.
    ///
    /// The session invalidates the plugin and, if that says there was something to invalidate, fetches headers anew
    /// and sends once more, never twice (`keystoneauth1.session.Session.request`). The wrapper cannot know which
    /// token was refused and invalidates both (`ServiceTokenAuthWrapper.invalidate`).
    pub const fn after_401(self, sent: u32) -> Option<Retry> {
        if sent != 1 {
            return None;
        }
        let (something_invalidated, new_user_token) = match self.user {
            UserAuth::Fixed => (self.service_wrapper, false),
            UserAuth::Password => (true, true),
            UserAuth::Middleware => (true, false),
        };
        if something_invalidated {
            Some(Retry { new_user_token, new_service_token: self.service_wrapper })
        } else {
            None
        }
    }
}

/// How often auth_token asks its plugin for a token while it validates one: seen with keystonemiddleware 13.0.1 as that
/// many log-ins where no token can be reused. Where it can, only the first asks Keystone.
pub const ASKED_PER_VALIDATION: u32 = 3;

/// How auth_token's own token fares in one validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnLogin {
    /// Log-ins before it asks Keystone.
    pub before: u32,
    /// Whether Keystone refuses auth_token's own token (401), upon which it logs in once more and asks again.
    pub refused: bool,
    /// The token that it holds afterwards.
    pub held: Token,
}

impl OwnLogin {
    /// One validation at `now` by Keystone's clock, asked by a receiver whose clock is `clock_ahead` of it and that
    /// holds `held`; `fresh` is the token that a log-in gets at this instant.
    ///
    /// By the reuse rule and the one repetition of [`Sender::after_401`] with [`UserAuth::Password`]
    /// (`keystonemiddleware.auth_token._identity`).
    pub fn during(now: Instant, clock_ahead: Span, held: Option<Token>, fresh: Token) -> OwnLogin {
        let by_its_clock = now + clock_ahead;
        match held {
            Some(held) if is_reused(held.expires, by_its_clock) => {
                let refused = !held.is_accepted(now, Span::ZERO);
                OwnLogin { before: 0, refused, held: if refused { fresh } else { held } }
            }
            Some(_) | None => {
                let before = if is_reused(fresh.expires, by_its_clock) { 1 } else { ASKED_PER_VALIDATION };
                OwnLogin { before, refused: false, held: fresh }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    #[test]
    fn reused_while_the_least_life_is_left() {
        let tick = Span::from_micros(1);
        for (case, expires, reused) in [
            ("exactly 120 s", at(120), true),
            ("a tick less", at(120) - tick, false),
            ("a tick more", at(120) + tick, true),
            ("expired", at(-1), false),
        ] {
            assert_eq!(is_reused(expires, at(0)), reused, "{case}");
        }
    }

    #[test]
    fn one_repetition_with_what_can_be_fetched() {
        let retry = |new_user_token, new_service_token| Some(Retry { new_user_token, new_service_token });
        let cases = [
            (UserAuth::Fixed, false, None),
            (UserAuth::Fixed, true, retry(false, true)),
            (UserAuth::Password, false, retry(true, false)),
            (UserAuth::Password, true, retry(true, true)),
            (UserAuth::Middleware, false, retry(false, false)),
            (UserAuth::Middleware, true, retry(false, true)),
        ];
        for (user, service_wrapper, expected) in cases {
            let sender = Sender { user, service_wrapper };
            assert_eq!(sender.after_401(1), expected, "{sender:?}");
            assert_eq!(sender.after_401(2), None, "{sender:?}, the second time");
        }
    }

    #[test]
    fn auth_token_logs_in_by_the_same_rule() {
        let token = |issued, life, gone| Token::new(at(issued), Span::from_seconds(life), at(gone));
        let none = Span::ZERO;
        let behind = Span::from_seconds(-500);
        let cases = [
            ("nothing held", 0, none, None, 600, (1, false)),
            ("held long enough", 480, none, Some(token(0, 600, 9_999)), 600, (0, false)),
            ("a second too little left", 481, none, Some(token(0, 600, 9_999)), 600, (1, false)),
            ("its key gone", 100, none, Some(token(0, 600, 100)), 600, (0, true)),
            ("its key gone, too old anyway", 481, none, Some(token(0, 600, 100)), 600, (1, false)),
            ("tokens of 120 s", 1, none, Some(token(0, 120, 9_999)), 120, (1, false)),
            ("tokens of 119 s", 0, none, Some(token(0, 119, 9_999)), 119, (3, false)),
            ("expired, but its clock is behind", 700, behind, Some(token(0, 600, 9_999)), 600, (0, true)),
        ];
        for (case, now, ahead, held, life, expected) in cases {
            let fresh = token(now, life, 99_999);
            let login = OwnLogin::during(at(now), ahead, held, fresh);
            assert_eq!((login.before, login.refused), expected, "{case}");
            let renewed = expected != (0, false);
            assert_eq!(login.held, if renewed { fresh } else { held.unwrap() }, "{case}");
        }
    }
}
