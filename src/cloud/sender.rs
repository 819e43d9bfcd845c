//! A sending process: the keystoneauth session that holds its service token.

use super::keystone::Keystone;
use crate::identity::Token;
use crate::identity::session::is_reused;
use crate::model::{Process, Sends};
use crate::units::{Instant, Span};

/// One process and the service token that it holds.
#[derive(Debug)]
pub(super) struct Sender {
    disabled_at: Instant,
    held: Option<Held>,
    /// Tokens fetched so far; also numbers them, so that caches can tell them apart.
    pub(super) issued: u32,
    /// Whether they belong to the user of `[service_user]`.
    pub(super) is_service_user: bool,
}

/// A service token in a process' hands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) token: Token,
    pub(super) number: u32,
}

impl Sender {
    /// The process at the start, with a token of age `held_age` if it is to hold one.
    pub(super) fn new(process: &Process, keystone: &Keystone, held_age: Option<Span>) -> Sender {
        let user = process.user.as_ref().filter(|_| process.sends != Sends::Never);
        let disabled_at = user.and_then(|user| user.disabled_at).unwrap_or(Instant::NEVER);
        let is_service_user = process.sends == Sends::ServiceUser;
        let mut sender = Sender { disabled_at, held: None, issued: 0, is_service_user };
        if let (true, Some(age)) = (sender.is_service_user, held_age) {
            sender.fetch(Instant::START - age, keystone);
        }
        sender
    }

    /// The token to send at `now`: the held one while enough of its life is left, else a new one; `None` if Keystone
    /// refuses to issue one.
    #[inline]
    pub(super) fn token(&mut self, now: Instant, sends: Sends, keystone: &Keystone) -> Option<Held> {
        let usable = |held: &Held| {
            is_reused(held.token.expires, now)
                && match sends {
                    Sends::Never | Sends::ServiceUser => true,
                    // auth_token validates with this very token: when Keystone refuses it, it has logged in again
                    // before nova-api comes to send it.
                    Sends::AuthToken => now < held.token.key_gone_at,
                }
        };
        match self.held {
            Some(held) if usable(&held) => Some(held),
            _ => self.fetch(now, keystone),
        }
    }

    /// Drops the held token and fetches a new one.
    pub(super) fn fetch(&mut self, now: Instant, keystone: &Keystone) -> Option<Held> {
        self.held = None;
        if now >= self.disabled_at {
            return None;
        }
        self.issued += 1;
        self.held = Some(Held { token: keystone.issue(now, self.disabled_at), number: self.issued });
        self.held
    }
}
