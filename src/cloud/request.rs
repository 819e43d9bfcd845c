//! Sending a request: its credentials, the receiver's verdict on them, and the one repetition that a 401 may get.
//!
//! Where nothing queues and Keystone takes no time, a request is sent and judged in one go ([`Cloud::send`]); else it
//! goes from station to station in `flight`. Both ask the same questions of the same rules in the same order.

use super::draws::{self, Draw};
use super::job::{Slots, Strand};
use super::keystone::{Consulted, Issued};
use super::sender::Held;
use super::{Cloud, Event};
use crate::engine::Queue;
use crate::identity::middleware::{
    Answer, Presented, ServiceVerdict, from_cache, from_keystone, is_accepted, why_refused,
};
use crate::identity::session::{self, UserAuth, is_reused};
use crate::identity::stale_node::{MOST_TRIES, TRIES_WITH_ALLOW_EXPIRED};
use crate::model::program::{Client, Credentials, Request};
use crate::model::vocabulary::Reason;
use crate::model::{ProcessId, Sends, ServiceId};
use crate::observe::{Cause, Failure};
use crate::random::Stream;
use crate::units::{Instant, Span};

/// What auth_token answers when it refuses.
pub(super) const UNAUTHORIZED: u16 = 401;
/// What it answers when it cannot ask Keystone.
pub(super) const UNAVAILABLE: u16 = 503;

/// What became of a request.
pub(super) enum Sent {
    /// The receiver has taken it up and works on it from now on.
    Accepted,
    /// It was refused, for good.
    Refused(Failure),
    /// It is under way, and goes on at this instant.
    Waits(Instant),
    /// It is under way, and goes on when somebody else resumes it.
    Parks,
}

/// The tokens that go with one sending of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    /// What goes beside the user's.
    pub(super) service: Option<Held>,
    /// What goes in its place.
    pub(super) own: Option<Held>,
}

/// What a receiver found of one token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) answer: Answer,
    /// What Keystone saw; `None`: the cache answered.
    pub(super) consulted: Option<Consulted>,
}

/// Keystone cannot be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unreachable;

/// How a sender treats a 401.
fn session(sends: Sends, request: &Request) -> session::Sender {
    let (user, service_wrapper) = match (request.client, request.credentials, sends) {
        (Client::Swiftclient, _, _) => (UserAuth::Fixed, false),
        (Client::Keystoneauth, Credentials::Own, _) => (UserAuth::Password, false),
        (Client::Keystoneauth, _, Sends::Never) => (UserAuth::Fixed, false),
        (Client::Keystoneauth, _, Sends::ServiceUser) => (UserAuth::Fixed, true),
        (Client::Keystoneauth, _, Sends::AuthToken) => (UserAuth::Middleware, false),
    };
    session::Sender { user, service_wrapper }
}

impl Cloud<'_> {
    /// Sends a request, or goes on with it.
    #[inline]
    pub(super) fn send(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        request: &Request,
        queue: &mut Queue<Event>,
    ) -> Sent {
        if self.receivers[request.to.index()].is_immediate {
            match self.send_at_once(now, slot, strand, request, queue) {
                Ok(with_service_token) => {
                    self.jobs.get(slot).course(strand).with_service_token = with_service_token;
                    Sent::Accepted
                }
                Err(failure) => Sent::Refused(failure),
            }
        } else {
            self.send_by_stations(now, slot, strand, request, queue)
        }
    }

    /// Sends a request to a service at which nothing takes time; answers whether a good service token came with it.
    #[inline(never)]
    fn send_at_once(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        request: &Request,
        queue: &mut Queue<Event>,
    ) -> Result<bool, Failure> {
        let session = session(self.sends(request), request);
        let mut tokens = Tokens { service: None, own: None };
        self.hold_tokens(now, slot, request, &mut tokens);
        if self.misses(request, &tokens) {
            let sending = self.sending(slot, strand, 0);
            let node = self.log_in_node(slot, request, sending);
            tokens = self.fetch_tokens(now, slot, request, node, queue);
        }
        let mut sent = 0;
        loop {
            if self.misses(request, &tokens) {
                // Keystone refused the sender a token, so nothing is sent.
                return Err(refused(now, request, Reason::ServiceTokenInvalid, UNAUTHORIZED));
            }
            sent += 1;
            let sending = self.sending(slot, strand, sent);
            let worker = self.worker(slot, strand, request, sent);
            let service = match tokens.service.as_mut() {
                Some(held) => {
                    let found = self.look_at_service(now, slot, request, worker, sending, held);
                    Some(found.map_err(|Unreachable| refused(now, request, Reason::KeystoneUnavailable, UNAVAILABLE))?)
                }
                None => None,
            };
            let allow_expired = service.is_some_and(|service| service.allow_expired);
            let found = self
                .look_at_user(now, slot, request, worker, sending, &mut tokens, allow_expired)
                .map_err(|Unreachable| refused(now, request, Reason::KeystoneUnavailable, UNAVAILABLE))?;
            match self.judge(now, slot, request, &mut tokens, found, service.as_ref()) {
                None => return Ok(allow_expired),
                Some(reason) => match session.after_401(sent) {
                    None => return Err(refused(now, request, reason, UNAUTHORIZED)),
                    Some(retry) if retry.new_service_token || retry.new_user_token => {
                        let node = self.log_in_node(slot, request, sending);
                        tokens = self.fetch_tokens(now, slot, request, node, queue);
                    }
                    Some(_) => {}
                },
            }
        }
    }

    /// What a sender adds to this request.
    fn sends(&self, request: &Request) -> Sends {
        match request.credentials {
            Credentials::User | Credentials::Delegated if request.with_service_token => {
                self.senders[request.from.index()].sends
            }
            Credentials::User | Credentials::Delegated | Credentials::Own => Sends::Never,
        }
    }

    /// The session that sends it.
    pub(super) fn session(&self, request: &Request) -> session::Sender {
        session(self.sends(request), request)
    }

    /// What the sender holds for this request. Written in its place, because a copy would have to wait for it.
    #[inline]
    pub(super) fn hold_tokens(&mut self, now: Instant, slot: u32, request: &Request, tokens: &mut Tokens) {
        *tokens = Tokens { service: None, own: None };
        match request.credentials {
            Credentials::User => {}
            Credentials::Delegated => self.renew_delegated(now, slot),
            Credentials::Own => tokens.own = self.senders[request.from.index()].own(now),
        }
        if self.sends(request) != Sends::Never {
            tokens.service = self.senders[request.from.index()].held(now);
        }
    }

    /// Whether something is missing that has to be fetched first.
    #[inline]
    pub(super) fn misses(&self, request: &Request, tokens: &Tokens) -> bool {
        (tokens.service.is_none() && self.sends(request) != Sends::Never)
            || (tokens.own.is_none() && request.credentials == Credentials::Own)
    }

    /// The node of Keystone from which the sender fetches a token.
    #[inline(never)]
    pub(super) fn log_in_node(&mut self, slot: u32, request: &Request, sending: u32) -> u32 {
        let streams = self.jobs.get(slot).streams;
        self.keystone.pick(|| streams.stream(draws::of_request(Draw::LogInNode, request, sending)))
    }

    /// Throws away what the sender holds for this request and fetches it anew, as far as Keystone lets it.
    #[inline(never)]
    pub(super) fn fetch_tokens(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        node: u32,
        queue: &mut Queue<Event>,
    ) -> Tokens {
        let sends = self.sends(request);
        let sender = &mut self.senders[request.from.index()];
        let issued_before = sender.issued;
        let service = if sends == Sends::Never { None } else { sender.fetch(now, node, &self.keystone) };
        let own = match request.credentials {
            Credentials::Own => sender.fetch_own(now, node, &self.keystone),
            Credentials::User | Credentials::Delegated => None,
        };
        if sends == Sends::ServiceUser {
            self.jobs.get(slot).service_tokens_issued += sender.issued - issued_before;
        }
        if sends != Sends::Never {
            // Polls whose answer was known counted on the old token.
            self.wake_pollers(now, Some(request.from), queue);
        }
        Tokens { service, own }
    }

    /// Which of the receiver's worker processes takes the request.
    #[inline]
    pub(super) fn worker(&mut self, slot: u32, strand: Strand, request: &Request, sent: u32) -> u32 {
        let caches = self.receivers[request.to.index()].caches;
        if caches <= 1 {
            return 0;
        }
        let sending = self.sending(slot, strand, sent);
        let share = self.draw(slot, Draw::Worker, request, sending).uniform();
        (share * f64::from(caches)) as u32
    }

    /// A number for this sending of a request: it tells apart what a strand sends again. Of the other strand it knows
    /// nothing, whose polls may be counted later.
    pub(super) fn sending(&mut self, slot: u32, strand: Strand, sent: u32) -> u32 {
        let course = self.jobs.get(slot).course(strand);
        let again =
            course.tries.iter().fold(course.polls.wrapping_add(course.part), |sum, tries| sum.wrapping_add(*tries));
        again.wrapping_shl(2).wrapping_add(sent)
    }

    /// A random stream for a sending of a request.
    pub(super) fn draw(&mut self, slot: u32, what: Draw, request: &Request, sending: u32) -> Stream {
        self.jobs.get(slot).streams.stream(draws::of_request(what, request, sending))
    }

    /// Looks at the service token of a request that a worker has taken up.
    pub(super) fn look_at_service(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        worker: u32,
        sending: u32,
        held: &mut Held,
    ) -> Result<ServiceVerdict, Unreachable> {
        let found = match self.service_from_cache(now, request, worker, held) {
            Some(answer) => Found { answer, consulted: None },
            None => {
                let (node, _) = self.consulted_node(now, slot, request, Draw::ServiceNode, sending, None)?;
                let consulted = self.keystone.validate(now, node, &mut held.token, None);
                self.service_from_keystone(now, slot, request, worker, held, consulted)
            }
        };
        let receiver = &self.receivers[request.to.index()];
        Ok(ServiceVerdict::new(&receiver.rules, receiver.has_role(request.from), found.answer))
    }

    /// What the receiver's cache says of a service token.
    #[inline(never)]
    pub(super) fn service_from_cache(
        &mut self,
        now: Instant,
        request: &Request,
        worker: u32,
        held: &Held,
    ) -> Option<Answer> {
        let receiver = &mut self.receivers[request.to.index()];
        let cached_until = *self.known.cached_until(receiver.cache(worker), request.from, held);
        let answer = from_cache(now, &receiver.rules, &Presented { token: held.token.token, cached_until }, false);
        if now >= self.counted_from {
            receiver.facts.cache_hits += u64::from(answer.is_some());
        }
        answer
    }

    /// What the receiver makes of Keystone's answer about a service token.
    pub(super) fn service_from_keystone(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        worker: u32,
        held: &Held,
        consulted: Consulted,
    ) -> Found {
        let receiver = &self.receivers[request.to.index()];
        let cached_until = self.known.cached_until(receiver.cache(worker), request.from, held);
        let presented = Presented { token: held.token.token, cached_until: *cached_until };
        let answer = from_keystone(now, &receiver.rules, &presented, false, consulted.accepted);
        *cached_until = answer.cached_until;
        self.senders[request.from.index()].keep(held);
        self.note_validation(now, slot, request.to, consulted.accepted);
        Found { answer, consulted: Some(consulted) }
    }

    /// Looks at what the request carries as the user's token.
    #[expect(clippy::too_many_arguments, reason = "one question, asked from one place")]
    fn look_at_user(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        worker: u32,
        sending: u32,
        tokens: &mut Tokens,
        allow_expired: bool,
    ) -> Result<Found, Unreachable> {
        if let Some(answer) = self.user_from_cache(now, slot, request, worker, tokens, allow_expired) {
            return Ok(Found { answer, consulted: None });
        }
        let window = allow_expired.then_some(self.keystone.window);
        let (node, window) = self.consulted_node(now, slot, request, Draw::UserNode, sending, window)?;
        let issued = user_token(&mut self.jobs, slot, request, &mut tokens.own);
        let consulted = self.keystone.validate(now, node, issued, window);
        Ok(self.user_from_keystone(now, slot, request, worker, tokens, allow_expired, consulted))
    }

    /// Until when the receiver's cache answers for that token.
    #[inline]
    fn user_cached_until(&mut self, slot: u32, request: &Request, worker: u32, tokens: &Tokens) -> &mut Instant {
        let cache = self.receivers[request.to.index()].cache(worker);
        match (request.credentials, &tokens.own) {
            (Credentials::Own, Some(own)) => self.known_own.cached_until(cache, request.from, own),
            (Credentials::Delegated, _) => {
                let block = self.jobs.get(slot).delegated.carried().map_or(0, |(_, block)| block);
                &mut self.jobs.caches(slot)[block * self.model.caches + cache]
            }
            (Credentials::User | Credentials::Own, _) => &mut self.jobs.caches(slot)[cache],
        }
    }

    /// What the receiver's cache says of the user's token.
    #[inline]
    pub(super) fn user_from_cache(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        worker: u32,
        tokens: &mut Tokens,
        allow_expired: bool,
    ) -> Option<Answer> {
        let token = user_token(&mut self.jobs, slot, request, &mut tokens.own).token;
        let cached_until = *self.user_cached_until(slot, request, worker, tokens);
        let receiver = &mut self.receivers[request.to.index()];
        let answer = from_cache(now, &receiver.rules, &Presented { token, cached_until }, allow_expired);
        if now >= self.counted_from {
            receiver.facts.cache_hits += u64::from(answer.is_some());
        }
        answer
    }

    /// What the receiver makes of Keystone's answer about the user's token.
    #[expect(clippy::too_many_arguments, reason = "one question, asked from two places")]
    pub(super) fn user_from_keystone(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        worker: u32,
        tokens: &mut Tokens,
        allow_expired: bool,
        consulted: Consulted,
    ) -> Found {
        let token = user_token(&mut self.jobs, slot, request, &mut tokens.own).token;
        let rules = self.receivers[request.to.index()].rules;
        let cached_until = self.user_cached_until(slot, request, worker, tokens);
        let presented = Presented { token, cached_until: *cached_until };
        let answer = from_keystone(now, &rules, &presented, allow_expired, consulted.accepted);
        *cached_until = answer.cached_until;
        if let (Credentials::Own, Some(own)) = (request.credentials, &tokens.own) {
            self.senders[request.from.index()].keep_own(own);
        } else {
            self.note_answer(now, slot, request.step, consulted.accepted);
            if consulted.accepted && allow_expired {
                self.note_window(now, consulted.view(token).expires);
            }
        }
        self.note_validation(now, slot, request.to, consulted.accepted);
        Found { answer, consulted: Some(consulted) }
    }

    /// The receiver's verdict, from what it found of both tokens; `None`: the request is accepted.
    #[inline]
    pub(super) fn judge(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        tokens: &mut Tokens,
        found: Found,
        service: Option<&ServiceVerdict>,
    ) -> Option<Reason> {
        let token = user_token(&mut self.jobs, slot, request, &mut tokens.own).token;
        let window = self.keystone.window;
        let receiver = &mut self.receivers[request.to.index()];
        let refused = if is_accepted(found.answer, service) {
            None
        } else {
            let view = found.consulted.map_or(token, |seen| seen.view(token));
            Some(why_refused(now, window, &receiver.rules, &view, found.answer, service))
        };
        if now >= self.counted_from {
            receiver.facts.requests += 1;
            receiver.facts.refused += u64::from(refused.is_some());
        }
        let reason = refused.map(|reason| match reason {
            _ if request.credentials == Credentials::Own => Reason::ServiceTokenInvalid,
            Reason::FernetKeyGone if found.consulted.is_some_and(Consulted::not_synced) => Reason::FernetKeyNotSynced,
            // Whether a backend gets a service token is not up to `[service_user]`, so that its absence is the finding.
            Reason::UserTokenExpired if self.is_backend(request) => Reason::BackendNoServiceToken,
            reason => reason,
        });
        if self.tracer.is_some() {
            self.trace_verdict(now, slot, request, tokens, found, service, reason);
        }
        if let Some(reason) = reason {
            self.note_refusal(now, slot, request, reason);
            return Some(reason);
        }
        let allow_expired = service.is_some_and(|service| service.allow_expired);
        let end = token.expires + if allow_expired { window } else { Span::ZERO };
        let job = self.jobs.get(slot);
        job.accepted += 1;
        if request.credentials == Credentials::User {
            job.note_margin(end.since(now));
        }
        None
    }

    /// Whether the request goes to Swift, or comes from a service without a service user, which never sends a service
    /// token.
    fn is_backend(&self, request: &Request) -> bool {
        request.to == ServiceId::SWIFT
            || (request.from != ProcessId::CLIENT
                && self.senders[request.from.index()].sends == Sends::Never
                && self.model.processes[request.from.index()].user.is_none())
    }

    /// Which of Keystone's nodes is asked about a token, and with what allowance. With several, auth_token's own token
    /// may be refused by a node that lacks its key, upon which it logs in again and asks again
    /// (`identity::stale_node`).
    fn consulted_node(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        what: Draw,
        sending: u32,
        window: Option<Span>,
    ) -> Result<(u32, Option<Span>), Unreachable> {
        if self.keystone.nodes() == 1 {
            return Ok((0, window));
        }
        let (node, tries) = self.reach_node(now, slot, request, what, sending)?;
        Ok((node, window.filter(|_| tries < TRIES_WITH_ALLOW_EXPIRED)))
    }

    /// The first node that accepts auth_token's own token, and how many did not.
    #[inline(never)]
    pub(super) fn reach_node(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        what: Draw,
        sending: u32,
    ) -> Result<(u32, u32), Unreachable> {
        let nodes = self.keystone.nodes();
        let mut stream = self.draw(slot, what, request, sending);
        let receiver = &mut self.receivers[request.to.index()];
        let its_clock = now + receiver.rules.clock_ahead;
        let kept = receiver.own.filter(|own| is_reused(own.token.expires, its_clock));
        let node_of = |stream: &mut Stream| (stream.uniform() * f64::from(nodes)) as u32;
        let mut own = kept.unwrap_or_else(|| self.keystone.issue(node_of(&mut stream), now, Instant::NEVER));
        for tries in 0..MOST_TRIES {
            let node = node_of(&mut stream);
            if self.keystone.reads(now, node, &own) {
                receiver.own = Some(own);
                return Ok((node, tries));
            }
            // The session logs in after the first of its two tries; the second is final for it.
            if tries % 2 == 0 {
                own = self.keystone.issue(node_of(&mut stream), now, Instant::NEVER);
            }
        }
        receiver.own = Some(own);
        Err(Unreachable)
    }

    fn note_validation(&mut self, now: Instant, slot: u32, receiver: ServiceId, accepted: bool) {
        self.jobs.get(slot).keystone_validations += 1;
        if now >= self.counted_from {
            self.receivers[receiver.index()].facts.keystone_validations += 1;
            self.keystone.facts.requests += 1;
            self.keystone.facts.refused += u64::from(!accepted);
        }
    }
}

/// The token that stands for the user's.
#[inline]
pub(super) fn user_token<'t>(
    jobs: &'t mut Slots,
    slot: u32,
    request: &Request,
    own: &'t mut Option<Held>,
) -> &'t mut Issued {
    match (request.credentials, own) {
        (Credentials::Own, Some(own)) => &mut own.token,
        (Credentials::Delegated, _) => {
            let job = jobs.get(slot);
            job.delegated.carried().map_or(&mut job.token, |(issued, _)| issued)
        }
        (Credentials::User | Credentials::Own, _) => &mut jobs.get(slot).token,
    }
}

/// A request that was refused, as its sender sees it.
pub(super) fn refused(now: Instant, request: &Request, reason: Reason, http_status: u16) -> Failure {
    let first_cause = Cause { at: now, step: request.step, reason, http_status };
    Failure { step: request.step, reason, http_status, first_cause }
}
