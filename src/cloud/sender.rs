//! A sending process: the keystoneauth session that holds its service token.

use super::keystone::{Issued, Keystone};
use crate::identity::session::is_reused;
use crate::model::{Process, Sends};
use crate::units::{Instant, Span};

/// One process and the tokens that it holds.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) sends: Sends,
    disabled_at: Instant,
    /// What goes beside a user's token.
    held: Option<Held>,
    /// What it sends on its own account.
    own: Option<Held>,
    /// Service tokens fetched so far; also numbers them, so that caches can tell them apart.
    pub(super) issued: u32,
    /// The same of its own.
    own_issued: u32,
}

/// A token in a process' hands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) token: Issued,
    pub(super) number: u32,
}

impl Sender {
    /// The process at the start, with a service token of age `held_age` if it is to hold one.
    pub(super) fn new(process: &Process, keystone: &Keystone<'_>, held_age: Option<Span>) -> Sender {
        let mut sender = Sender {
            sends: process.sends,
            disabled_at: disabled_at(process),
            held: None,
            own: None,
            issued: 0,
            own_issued: 0,
        };
        if let (Sends::ServiceUser, Some(age)) = (sender.sends, held_age) {
            sender.fetch(Instant::START - age, 0, keystone);
        }
        sender
    }

    /// Takes over the settings of another model; a held token that would now belong to another user is dropped.
    pub(super) fn reconfigure(&mut self, process: &Process) {
        if self.sends != process.sends {
            self.held = None;
        }
        self.sends = process.sends;
        self.disabled_at = disabled_at(process);
    }

    /// Whether its tokens belong to the user of `[service_user]`.
    pub(super) fn is_service_user(&self) -> bool {
        self.sends == Sends::ServiceUser
    }

    /// The service token that it holds, while enough of its life is left.
    #[inline]
    pub(super) fn held(&self, now: Instant) -> Option<Held> {
        self.held.filter(|held| {
            is_reused(held.token.token.expires, now)
                && match self.sends {
                    Sends::Never | Sends::ServiceUser => true,
                    // auth_token validates with this very token: when Keystone refuses it, it has logged in again
                    // before nova-api comes to send it.
                    Sends::AuthToken => now < held.token.token.key_gone_at,
                }
        })
    }

    /// From when on [`Sender::held`] would answer otherwise than now, nobody fetching a new one.
    pub(super) fn held_until(&self, held: &Held) -> Instant {
        let reused = crate::identity::session::reused_until(held.token.token.expires);
        match self.sends {
            Sends::Never | Sends::ServiceUser => reused,
            Sends::AuthToken => reused.min(held.token.token.key_gone_at),
        }
    }

    /// Drops the held service token and fetches a new one from a node; `None` if Keystone refuses to issue one.
    pub(super) fn fetch(&mut self, now: Instant, node: u32, keystone: &Keystone<'_>) -> Option<Held> {
        self.held = self.login(now, node, keystone).map(|token| {
            self.issued += 1;
            Held { token, number: self.issued }
        });
        self.held
    }

    /// Takes over what Keystone's cache holds of a token, if it still is the one that is held.
    pub(super) fn keep(&mut self, held: &Held) {
        if let Some(ours) = self.held.as_mut().filter(|ours| ours.number == held.number) {
            ours.token = held.token;
        }
    }

    /// The same of its own token.
    pub(super) fn keep_own(&mut self, own: &Held) {
        if let Some(ours) = self.own.as_mut().filter(|ours| ours.number == own.number) {
            ours.token = own.token;
        }
    }

    /// The token of its own that it holds, while enough of its life is left.
    pub(super) fn own(&self, now: Instant) -> Option<Held> {
        self.own.filter(|own| is_reused(own.token.token.expires, now))
    }

    /// Drops its own token and fetches a new one.
    pub(super) fn fetch_own(&mut self, now: Instant, node: u32, keystone: &Keystone<'_>) -> Option<Held> {
        self.own = self.login(now, node, keystone).map(|token| {
            self.own_issued += 1;
            Held { token, number: self.own_issued }
        });
        self.own
    }

    /// A token from its credentials that nobody keeps.
    pub(super) fn login(&self, now: Instant, node: u32, keystone: &Keystone<'_>) -> Option<Issued> {
        (now < self.disabled_at).then(|| keystone.issue(node, now, self.disabled_at))
    }
}

fn disabled_at(process: &Process) -> Instant {
    process.user.as_ref().and_then(|user| user.disabled_at).unwrap_or(Instant::NEVER)
}
