//! Revocation: what revokes which tokens, to the second, and when Keystone forgets that it did.
//!
//! Two things refuse a token. A revocation event names the token or its user, and Keystone compares every token with
//! those that it still has (`keystone.revoke.core:Manager.check_token`). The standing of the user is looked at each
//! time that a token is read (`keystone.models.token_model:TokenModel.mint`) and needs no event. Events are forgotten,
//! a standing is not. Whoever asks gets the same 404 for both.
//!
//! Events about a project, a trust or an OAuth consumer are not here: nothing that outlast simulates makes them.

use super::token::Token;
use crate::units::{Instant, Span};

/// Something that was done to a token or to its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// `DELETE /v3/auth/tokens`; whether it succeeds is for [`delete_token`] to say.
    DeleteToken,
    /// `PATCH /v3/users/…` with `enabled` false.
    DisableUser,
    /// `PATCH /v3/users/…` with `enabled` true.
    EnableUser,
    /// `DELETE /v3/users/…`.
    DeleteUser,
    /// `POST /v3/users/…/password`, by the user, with the old password and no token.
    ChangePassword,
    /// `PATCH /v3/users/…` with a `password`, by an administrator.
    ResetPassword,
    /// `DELETE /v3/projects/…/roles/…` of the only role that the user has on the token's project.
    RemoveLastRole,
    /// `PUT /v3/projects/…/roles/…`.
    AddRole,
}

/// What a revocation event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This token.
    Token,
    /// The user, and so every token that the user has.
    User,
}

impl Act {
    /// What the event names that Keystone writes down, `None` if it writes none.
    ///
    /// Enabling does not take back the event of disabling. Removing a role only changes the standing
    /// (`keystone.revoke.core:Manager._register_listeners`,
    /// `keystone.identity.core:Manager._persist_revocation_event_for_user`).
    pub const fn event(self) -> Option<Reach> {
        match self {
            Act::DeleteToken => Some(Reach::Token),
            Act::DisableUser | Act::DeleteUser | Act::ChangePassword | Act::ResetPassword => Some(Reach::User),
            Act::EnableUser | Act::RemoveLastRole | Act::AddRole => None,
        }
    }

    /// Keystone's answer to an act that succeeds: 200 with the changed user, 204 for everything else.
    pub const fn status(self) -> u16 {
        match self {
            Act::DisableUser | Act::EnableUser | Act::ResetPassword => 200,
            Act::DeleteToken | Act::DeleteUser | Act::ChangePassword | Act::RemoveLastRole | Act::AddRole => 204,
        }
    }
}

/// What Keystone finds of a token's user whenever it reads the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The user was not deleted.
    pub exists: bool,
    /// The user is enabled.
    pub is_enabled: bool,
    /// The user has a role on the token's project.
    pub has_role: bool,
}

impl Standing {
    /// The standing in which a token was issued.
    pub const GOOD: Standing = Standing { exists: true, is_enabled: true, has_role: true };

    /// The standing after an act.
    pub const fn after(self, act: Act) -> Standing {
        match act {
            Act::DeleteToken | Act::ChangePassword | Act::ResetPassword => self,
            Act::DisableUser => Standing { is_enabled: false, ..self },
            Act::EnableUser => Standing { is_enabled: true, ..self },
            Act::DeleteUser => Standing { exists: false, ..self },
            Act::RemoveLastRole => Standing { has_role: false, ..self },
            Act::AddRole => Standing { has_role: true, ..self },
        }
    }

    /// Whether a token of this user can be read at all.
    pub const fn is_good(self) -> bool {
        self.exists && self.is_enabled && self.has_role
    }
}

/// A revocation event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it names.
    pub reach: Reach,
    /// When it was written down.
    pub at: Instant,
}

impl Event {
    /// The instant that Keystone compares with: cut to whole seconds
    /// (`keystone.models.revoke_model:RevokeEvent.__init__`).
    const fn second(self) -> Instant {
        self.at.floor_to_second()
    }

    /// Whether the event revokes a token of this user that was issued at `issued`; one that names a token is asked
    /// about no other. A token issued later in the same second is dead from its issue
    /// (`keystone.revoke.backends.sql:Revoke._list_token_events` compares whole seconds, and not strictly).
    pub const fn revokes(self, issued: Instant) -> bool {
        match self.reach {
            Reach::Token => true,
            Reach::User => issued.floor_to_second().micros() <= self.second().micros(),
        }
    }

    /// Whether a revocation at `revocation`, of anything at all, makes Keystone forget this event. Nothing else does.
    ///
    /// The cut is at `[token] expiration` + `[revoke] expiration_buffer` before that revocation and not rounded; an
    /// event exactly there stays (`keystone.revoke.backends.base:revoked_before_cutoff_time`,
    /// `keystone.revoke.backends.sql:Revoke._prune_expired_events`). `allow_expired_window` does not count. By then
    /// every token that the event revoked has expired, but it may be inside the window and is good there again.
    pub fn is_forgotten_by(self, revocation: Instant, expiration: Span, buffer: Span) -> bool {
        self.second() < revocation - (expiration + buffer)
    }
}

/// Which token asked for a `DELETE /v3/auth/tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedWith {
    /// The one that is to be deleted.
    Itself,
    /// A live one of somebody who may delete tokens.
    Another,
}

/// Deletes a token at `now`: the event, or the status of the refusal.
///
/// Keystone validates the token first, without `allow_expired`: one that has expired, is revoked or cannot be decrypted
/// is not found, and one that is to authenticate its own deletion is not even let in. So an expired token cannot be
/// revoked by deleting it (`keystone.token.provider:Manager.revoke_token`).
pub fn delete_token(now: Instant, token: &Token, with: DeletedWith) -> Result<Event, u16> {
    if token.is_accepted(now, Span::ZERO) {
        return Ok(Event { reach: Reach::Token, at: now });
    }
    Err(match with {
        DeletedWith::Itself => 401,
        DeletedWith::Another => 404,
    })
}

/// A token as Keystone finds it while its user stands so and Keystone has these events about the token and its user:
/// revoked, or not.
pub fn as_found(token: Token, issued: Instant, standing: Standing, events: &[Event]) -> Token {
    let is_revoked = !standing.is_good() || events.iter().any(|event| event.revokes(issued));
    Token { revoked_at: if is_revoked { Instant::ALWAYS } else { Instant::NEVER }, ..token }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::token::Refusal;

    const E: Span = Span::from_seconds(600);
    const BUFFER: Span = Span::from_seconds(1_800);
    const TICK: Span = Span::from_micros(1);

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    #[test]
    fn acts_and_what_stays_of_them() {
        use Act::*;
        let cases: [(&str, &[Act], usize, bool); 12] = [
            ("token deleted", &[DeleteToken], 1, true),
            ("disabled", &[DisableUser], 1, false),
            ("disabled and enabled again", &[DisableUser, EnableUser], 1, true),
            ("enabled anyway", &[EnableUser], 0, true),
            ("deleted", &[DeleteUser], 1, false),
            ("deleted, then enabled", &[DeleteUser, EnableUser], 1, false),
            ("password changed", &[ChangePassword], 1, true),
            ("password reset", &[ResetPassword], 1, true),
            ("last role removed", &[RemoveLastRole], 0, false),
            ("last role removed and given back", &[RemoveLastRole, AddRole], 0, true),
            ("another role added", &[AddRole], 0, true),
            ("disabled, another role added", &[DisableUser, AddRole], 1, false),
        ];
        for (case, acts, events, is_good) in cases {
            assert_eq!(acts.iter().filter(|act| act.event().is_some()).count(), events, "{case}");
            let standing = acts.iter().fold(Standing::GOOD, |standing, act| standing.after(*act));
            assert_eq!(standing.is_good(), is_good, "{case}");
        }
    }

    #[test]
    fn a_user_is_revoked_to_the_second_and_a_token_by_name() {
        let cases = [
            ("at the start of a second, issued at its end", at(10), at(11) - TICK, true),
            ("at the end of a second, issued at its start", at(11) - TICK, at(10), true),
            ("issued a second before", at(10), at(9), true),
            ("issued with the next second", at(11) - TICK, at(11), false),
            ("before the start of time", at(-1) - TICK, at(-1), false),
        ];
        for (case, event, issued, revokes) in cases {
            assert_eq!(Event { reach: Reach::User, at: event }.revokes(issued), revokes, "{case}");
            assert!(Event { reach: Reach::Token, at: event }.revokes(issued), "{case}");
        }
    }

    #[test]
    fn only_what_is_older_than_the_cut_is_forgotten() {
        let cases = [
            ("the same revocation", at(100), at(100), false),
            ("exactly at the cut", at(100), at(2_500), false),
            ("a tick later", at(100), at(2_500) + TICK, true),
            ("written down late in its second", at(101) - TICK, at(2_500) + TICK, true),
            ("with the next second", at(101), at(2_500) + TICK, false),
        ];
        for (case, event, revocation, forgotten) in cases {
            let event = Event { reach: Reach::User, at: event };
            assert_eq!(event.is_forgotten_by(revocation, E, BUFFER), forgotten, "{case}");
        }
        let event = Event { reach: Reach::Token, at: at(100) };
        assert!(event.is_forgotten_by(at(701), E, Span::ZERO), "without a buffer");
    }

    #[test]
    fn only_a_live_token_can_be_deleted() {
        let token = Token::new(at(0), E, Instant::NEVER);
        let cases = [
            ("a tick before its expiry", token, at(600) - TICK, None),
            ("at its expiry", token, at(600), Some((401, 404))),
            ("its key gone", Token { key_gone_at: at(5), ..token }, at(5), Some((401, 404))),
            ("deleted before", Token { revoked_at: at(5), ..token }, at(5), Some((401, 404))),
        ];
        for (case, token, now, refused) in cases {
            let event = Event { reach: Reach::Token, at: now };
            let expected = |status: Option<u16>| status.map_or(Ok(event), Err);
            let (itself, another) = (refused.map(|statuses| statuses.0), refused.map(|statuses| statuses.1));
            assert_eq!(delete_token(now, &token, DeletedWith::Itself), expected(itself), "{case}, with itself");
            assert_eq!(delete_token(now, &token, DeletedWith::Another), expected(another), "{case}, with another");
        }
    }

    #[test]
    fn what_is_forgotten_validates_again_unless_the_standing_is_bad() {
        let token = Token::new(at(0), E, Instant::NEVER);
        let event = Event { reach: Reach::User, at: at(100) };
        let disabled = Standing::GOOD.after(Act::DisableUser);
        let cases: [(&str, Standing, &[Event], Option<Refusal>); 5] = [
            ("never revoked", Standing::GOOD, &[], None),
            ("enabled again, remembered", Standing::GOOD, &[event], Some(Refusal::Revoked)),
            ("disabled, remembered", disabled, &[event], Some(Refusal::Revoked)),
            ("disabled, forgotten", disabled, &[], Some(Refusal::Revoked)),
            ("an event before the issue", Standing::GOOD, &[Event { at: at(-1), ..event }], None),
        ];
        for (case, standing, events, refusal) in cases {
            let found = as_found(token, at(0), standing, events);
            assert_eq!(found.refusal(at(5_000), Some(Span::from_seconds(9_000))), refusal, "{case}");
            let beyond = found.refusal(at(9_600), Some(Span::from_seconds(9_000)));
            assert_eq!(beyond, Some(Refusal::BeyondWindow), "{case}, past the window");
        }
    }

    proptest! {
        /// Forgetting never makes a token good that has not expired.
        #[test]
        fn what_is_forgotten_has_expired(issued in 0_i64..5_000_000, waited in 0_i64..9_000_000, later in 0_i64..9_000_000) {
            let issued = Instant::from_micros(issued);
            let token = Token::new(issued, E, Instant::NEVER);
            let event = Event { reach: Reach::User, at: issued + Span::from_micros(waited) };
            let revocation = event.at + E + Span::from_micros(later) - Span::from_seconds(1);
            if event.is_forgotten_by(revocation, E, Span::ZERO) {
                prop_assert!(!token.is_accepted(revocation, Span::ZERO));
            }
        }
    }
}
