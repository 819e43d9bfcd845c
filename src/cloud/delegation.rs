//! Tokens that are got for a job's sake: by exchange, through a trust, or by a log-in.

use super::keystone::Issued;
use super::request::{UNAUTHORIZED, UNAVAILABLE};
use super::{Cloud, draws};
use crate::identity::outage::reached;
use crate::model::program::{Credentials, Obtain};
use crate::model::vocabulary::Reason;
use crate::model::{ProcessId, StepId};
use crate::units::{Instant, Span};

/// What Keystone answers to an exchange of a token that it does not accept.
const NOT_FOUND: u16 = 404;

/// Glance renews a trust's token when less than this is left
/// (real default, glance-api.conf `swift_store_expire_soon_interval`).
const TRUST_RENEWAL: Span = Span::from_seconds(60);

/// A token that stands for the user's.
#[derive(Clone, Copy, Debug)]
struct Delegate {
    issued: Issued,
    /// Whether a new one is fetched before it ends.
    renews: bool,
}

/// What requests with `token = "delegated"` carry.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delegated {
    /// Got outside of requests.
    outside: Option<Delegate>,
    /// Got inside one, and forgotten when that is answered.
    inside: Option<Delegate>,
}

/// The blocks of a job's cache entries: one for each of its tokens.
pub(super) const CACHE_BLOCKS: usize = 3;

impl Delegated {
    /// The token, and which block of cache entries is about it; `None`: the user's.
    #[inline]
    pub(super) fn carried(&mut self) -> Option<(&mut Issued, usize)> {
        match self {
            Delegated { inside: Some(delegate), .. } => Some((&mut delegate.issued, 2)),
            Delegated { outside: Some(delegate), .. } => Some((&mut delegate.issued, 1)),
            Delegated { .. } => None,
        }
    }

    /// The request inside which something was got is answered.
    pub(super) fn forget_inside(&mut self) {
        self.inside = None;
    }
}

impl Cloud<'_> {
    /// Gets a job a token that stands for the user's; why not, and Keystone's answer.
    #[expect(clippy::too_many_arguments, reason = "what the operation says, and where")]
    pub(super) fn obtain(
        &mut self,
        now: Instant,
        slot: u32,
        step: StepId,
        how: Obtain,
        of: Credentials,
        from: ProcessId,
        inside: bool,
    ) -> Result<(), (Reason, u16)> {
        let node = self.node_for(now, slot, from);
        let got = if reached(&self.model.keystone.outages, now, 0).is_err() {
            Err((Reason::KeystoneUnavailable, UNAVAILABLE))
        } else {
            match how {
                Obtain::Login => {
                    let issued = self.senders[from.index()].login(now, node, &self.keystone);
                    issued.ok_or((Reason::ServiceTokenInvalid, UNAUTHORIZED))
                }
                // A trust is made with the user's token, and never with one that stands for it.
                Obtain::Trust => {
                    let disabled_at = self.user_disabled_at(slot);
                    let exchangeable = self.exchangeable(now, slot, node, Credentials::User);
                    exchangeable.map(|_| self.keystone.issue(node, now, disabled_at))
                }
                Obtain::Exchange => {
                    let disabled_at = self.user_disabled_at(slot);
                    let exchangeable = self.exchangeable(now, slot, node, of);
                    exchangeable.map(|old| self.keystone.exchange(node, now, &old, disabled_at))
                }
            }
        };
        self.note_answer(now, slot, step, got.is_ok());
        if let Err((reason, _)) = got {
            self.note_failure(slot, reason);
        }
        let renews = how == Obtain::Trust;
        let delegate = match got {
            Ok(issued) => Some(Delegate { issued, renews }),
            Err(_) if how == Obtain::Trust => None,
            Err(why) => return Err(why),
        };
        let delegated = &mut self.jobs.get(slot).delegated;
        if inside {
            delegated.inside = delegate;
        } else {
            delegated.outside = delegate;
        }
        self.forget_cached(slot, if inside { 2 } else { 1 });
        Ok(())
    }

    /// The token that is to be exchanged, if Keystone accepts it: no window helps here.
    fn exchangeable(&mut self, now: Instant, slot: u32, node: u32, of: Credentials) -> Result<Issued, (Reason, u16)> {
        let job = self.jobs.get(slot);
        let mut old = match (of, job.delegated.carried()) {
            (Credentials::Delegated, Some((issued, _))) => *issued,
            (Credentials::User | Credentials::Delegated | Credentials::Own, _) => job.token,
        };
        if self.keystone.validate(now, node, &mut old, None).accepted {
            Ok(old)
        } else {
            Err((Reason::TokenExchangeRefused, NOT_FOUND))
        }
    }

    /// A trust's token is replaced before it ends.
    pub(super) fn renew_delegated(&mut self, now: Instant, slot: u32) {
        let disabled_at = self.user_disabled_at(slot);
        let node = self.node_for(now, slot, ProcessId::GLANCE_API);
        let delegated = &mut self.jobs.get(slot).delegated;
        let (delegate, block) =
            if delegated.inside.is_some() { (&mut delegated.inside, 2) } else { (&mut delegated.outside, 1) };
        if let Some(Delegate { issued, renews: true }) = delegate
            && issued.token.expires.since(now) < TRUST_RENEWAL
        {
            *issued = self.keystone.issue(node, now, disabled_at);
            self.forget_cached(slot, block);
        }
    }

    /// The node of Keystone that a process asks.
    fn node_for(&mut self, now: Instant, slot: u32, from: ProcessId) -> u32 {
        let streams = self.jobs.get(slot).streams;
        self.keystone.pick(|| streams.stream(draws::delegate(from, now)))
    }

    /// From when on the job's user is disabled, and with him every token that stands for his.
    fn user_disabled_at(&mut self, slot: u32) -> Instant {
        self.jobs.get(slot).under.user_disabled_at.unwrap_or(Instant::NEVER)
    }

    /// No cache has seen a token that is new.
    fn forget_cached(&mut self, slot: u32, block: usize) {
        let caches = self.model.caches;
        self.jobs.caches(slot)[block * caches..][..caches].fill(Instant::ALWAYS);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::keystone::Keystone;
    use super::*;
    use crate::random::Streams;
    use crate::scenario::{Overrides, load_text};

    #[test]
    fn what_was_got_inside_a_request_comes_first_and_is_forgotten_first() {
        let text = "name = \"tokens\"\n[[workload]]\njob = \"snapshot\"\narrivals = { every = \"1h\" }";
        let study = load_text("test.toml", text, Path::new("."), &Overrides::default());
        let study = study.unwrap_or_else(|issues| panic!("{issues}"));
        let keystone = Keystone::new(&study.points[0].model, Streams::new(1, 0));
        let delegate = |at: i64| {
            let issued = keystone.issue(0, Instant::from_seconds(at), Instant::NEVER);
            Some(Delegate { issued, renews: false })
        };
        let mut delegated = Delegated::default();
        let carried = |delegated: &mut Delegated| {
            delegated.carried().map(|(issued, block)| (issued.token.expires.since(Instant::START).seconds(), block))
        };
        assert_eq!(carried(&mut delegated), None, "the user's own");
        delegated.outside = delegate(1);
        assert_eq!(carried(&mut delegated), Some((3_601.0, 1)));
        delegated.inside = delegate(2);
        assert_eq!(carried(&mut delegated), Some((3_602.0, 2)));
        delegated.forget_inside();
        assert_eq!(carried(&mut delegated), Some((3_601.0, 1)));
    }
}
