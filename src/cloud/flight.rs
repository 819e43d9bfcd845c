//! A request where something takes time on its way: it waits for the receiver's workers, and for Keystone's.
//!
//! A token is looked at when a worker has taken the request up, and again when one of Keystone's workers has; so every
//! queue ages it.

use super::draws::{self, Draw};
use super::job::Strand;
use super::keystone::Consulted;
use super::request::{Found, Sent, Tokens, UNAUTHORIZED, UNAVAILABLE, Unreachable, refused, user_token};
use super::{Cloud, Event, Next};
use crate::engine::Queue;
use crate::identity::defaults::{HTTP_REQUEST_MAX_RETRIES, MIN_TOKEN_LIFE};
use crate::identity::middleware::ServiceVerdict;
use crate::identity::outage::reached;
use crate::identity::stale_node::TRIES_WITH_ALLOW_EXPIRED;
use crate::model::ServiceId;
use crate::model::program::Request;
use crate::model::vocabulary::Reason;
use crate::units::{Instant, Span};

/// How far a strand is with its operation, where that takes more than one event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// It begins, or its request is in flight.
    Fresh,
    /// A poll that is counted is in flight.
    Polling,
    /// The receiver has worked: its worker is free now, and the strand goes on at an instant that may be later.
    Answered {
        /// The receiver.
        service: ServiceId,
        /// The instant.
        on: Instant,
    },
}

/// A request on its way.
#[derive(Debug)]
pub(super) struct Flight {
    at: Station,
    /// How far a call to Keystone is, at the station that makes one.
    call: Call,
    /// How often it has been sent.
    sent: u32,
    /// These and what follows are of an earlier request until a station sets them.
    tokens: Tokens,
    /// Which of the receiver's worker processes has it.
    worker: u32,
    service: Option<ServiceVerdict>,
    /// What Keystone has just answered.
    consulted: Option<Consulted>,
}

impl Flight {
    pub(super) const START: Flight = Flight {
        at: Station::Start,
        call: Call::Connect,
        sent: 0,
        tokens: Tokens { service: None, own: None },
        worker: 0,
        service: None,
        consulted: None,
    };

    /// Keystone has to be asked.
    fn ask(&mut self, errand: Errand) {
        self.at = Station::Asking(errand);
        self.call = Call::Connect;
    }
}

/// Where it is.
#[derive(Clone, Copy, Debug)]
enum Station {
    /// Nothing is done yet.
    Start,
    /// Its sender or its receiver asks Keystone.
    Asking(Errand),
    /// It arrives at the receiver.
    Door,
    /// It waits for a worker, or has just got one.
    Queued,
    /// The receiver has looked at the service token.
    User,
}

/// A call to Keystone.
#[derive(Clone, Copy, Debug)]
enum Call {
    /// It is about to be made.
    Connect,
    /// It waits for a worker of this node, or has just got one; so many nodes refused auth_token's own token before.
    Queued { node: u32, tries: u32 },
    /// The node answers.
    Answer { node: u32 },
    /// Nobody answers, and it is given up.
    GivenUp,
}

/// What a call to Keystone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    /// The sender fetches what it lacks.
    LogIn,
    /// The receiver asks about the service token.
    Service,
    /// The receiver asks about the user's token.
    User { allow_expired: bool },
}

impl Errand {
    /// What draws the node that is asked.
    const fn node(self) -> Draw {
        match self {
            Errand::LogIn => Draw::LogInNode,
            Errand::Service => Draw::ServiceNode,
            Errand::User { .. } => Draw::UserNode,
        }
    }

    /// What draws how long it takes.
    const fn time(self) -> Draw {
        match self {
            Errand::LogIn => Draw::LogInTime,
            Errand::Service => Draw::ServiceTime,
            Errand::User { .. } => Draw::UserTime,
        }
    }
}

/// How a call stands.
enum Called {
    Done,
    Later(Next),
    Unreachable,
}

impl Cloud<'_> {
    /// Sends a request to a service at which things take time, or goes on with it.
    #[inline(never)]
    pub(super) fn send_by_stations(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        request: &Request,
        queue: &mut Queue<Event>,
    ) -> Sent {
        let mut flight = self.jobs.take_flight(slot, strand);
        let sent = self.fly(now, slot, strand, request, &mut flight, queue);
        if let Sent::Accepted | Sent::Refused(_) = sent {
            flight.at = Station::Start;
            flight.sent = 0;
        }
        self.jobs.put_flight(slot, strand, flight);
        sent
    }

    fn fly(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        request: &Request,
        flight: &mut Flight,
        queue: &mut Queue<Event>,
    ) -> Sent {
        let api = self.model.services[request.to.index()].api;
        loop {
            match flight.at {
                Station::Start => {
                    if self.tracer.is_some() {
                        self.trace_start(now, slot, request);
                    }
                    flight.tokens = self.held_tokens(now, slot, request);
                    let lacks = self.misses(request, &flight.tokens);
                    if lacks { flight.ask(Errand::LogIn) } else { flight.at = Station::Door }
                }
                Station::Asking(errand) => {
                    match self.call(now, slot, strand, request, flight, errand, queue) {
                        Called::Later(next) => return Sent::Later(next),
                        Called::Unreachable => {
                            if errand != Errand::LogIn {
                                self.free_worker(now, request.to, queue);
                            }
                            return Sent::Refused(refused(now, request, Reason::KeystoneUnavailable, UNAVAILABLE));
                        }
                        Called::Done => {}
                    }
                    if let Some(sent) = self.told(now, slot, strand, request, flight, errand, queue) {
                        return sent;
                    }
                }
                Station::Door => {
                    flight.sent += 1;
                    flight.at = Station::Queued;
                    if self.pools.queues(api) && !self.pools.acquire(now, api, 0, Event::waiter(slot, strand)) {
                        return Sent::Later(Next::Park(None));
                    }
                }
                Station::Queued => {
                    flight.worker = self.worker(slot, strand, request, flight.sent);
                    flight.service = None;
                    flight.at = Station::User;
                    if let Some(held) = flight.tokens.service {
                        match self.service_from_cache(now, request, flight.worker, &held) {
                            Some(answer) => flight.service = Some(self.service_verdict(request, answer)),
                            None => flight.ask(Errand::Service),
                        }
                    }
                }
                Station::User => {
                    let allow_expired = flight.service.is_some_and(|service| service.allow_expired);
                    let cached =
                        self.user_from_cache(now, slot, request, flight.worker, &mut flight.tokens, allow_expired);
                    match cached {
                        None => flight.ask(Errand::User { allow_expired }),
                        Some(answer) => {
                            let found = Found { answer, consulted: None };
                            if let Some(sent) = self.conclude(now, slot, strand, request, flight, found, queue) {
                                return sent;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Goes on with what Keystone has answered; `None`: to the next station.
    #[expect(clippy::too_many_arguments, reason = "a part of one course")]
    fn told(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        request: &Request,
        flight: &mut Flight,
        errand: Errand,
        queue: &mut Queue<Event>,
    ) -> Option<Sent> {
        match errand {
            Errand::LogIn => {
                // A session lets one caller in at a time, and the next finds what that one has fetched
                // (`keystoneauth1.identity.base.BaseIdentityPlugin.get_access`).
                let held = self.held_tokens(now, slot, request);
                let number = |tokens: &Tokens| tokens.service.map(|held| held.number);
                if held.service.is_some() && number(&held) != number(&flight.tokens) {
                    flight.tokens = held;
                } else {
                    // The same node as was asked.
                    let sending = self.sending(slot, strand, flight.sent);
                    let node = self.log_in_node(slot, request, sending);
                    flight.tokens = self.fetch_tokens(now, slot, request, node, queue);
                }
                if self.misses(request, &flight.tokens) {
                    return Some(Sent::Refused(refused(now, request, Reason::ServiceTokenInvalid, UNAUTHORIZED)));
                }
                flight.at = Station::Door;
                None
            }
            Errand::Service => {
                if let (Some(held), Some(consulted)) = (flight.tokens.service, flight.consulted.take()) {
                    let found = self.service_from_keystone(now, slot, request, flight.worker, &held, consulted);
                    flight.service = Some(self.service_verdict(request, found.answer));
                }
                flight.at = Station::User;
                None
            }
            Errand::User { allow_expired } => {
                let consulted = flight.consulted.take().expect("a call about a token brings an answer");
                let (worker, tokens) = (flight.worker, &mut flight.tokens);
                let found = self.user_from_keystone(now, slot, request, worker, tokens, allow_expired, consulted);
                self.conclude(now, slot, strand, request, flight, found, queue)
            }
        }
    }

    /// The verdict; `None`: the request is sent once more.
    #[expect(clippy::too_many_arguments, reason = "the end of one course, reached from two places")]
    fn conclude(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        request: &Request,
        flight: &mut Flight,
        found: Found,
        queue: &mut Queue<Event>,
    ) -> Option<Sent> {
        let Some(reason) = self.judge(now, slot, request, &mut flight.tokens, found, flight.service.as_ref()) else {
            let with_service_token = flight.service.is_some_and(|service| service.allow_expired);
            self.jobs.get(slot).course(strand).with_service_token = with_service_token;
            return Some(Sent::Accepted);
        };
        self.free_worker(now, request.to, queue);
        match self.session(request).after_401(flight.sent) {
            None => return Some(Sent::Refused(refused(now, request, reason, UNAUTHORIZED))),
            Some(retry) if retry.new_service_token || retry.new_user_token => {
                flight.ask(Errand::LogIn);
            }
            Some(_) => flight.at = Station::Door,
        }
        None
    }

    fn service_verdict(&self, request: &Request, answer: crate::identity::middleware::Answer) -> ServiceVerdict {
        let receiver = &self.receivers[request.to.index()];
        ServiceVerdict::new(&receiver.rules, receiver.has_role(request.from), answer)
    }

    /// Makes a call to Keystone, or goes on with it.
    #[expect(clippy::too_many_arguments, reason = "one course, entered from three places")]
    fn call(
        &mut self,
        now: Instant,
        slot: u32,
        strand: Strand,
        request: &Request,
        flight: &mut Flight,
        errand: Errand,
        queue: &mut Queue<Event>,
    ) -> Called {
        let api = self.model.services[ServiceId::KEYSTONE.index()].api;
        loop {
            match flight.call {
                Call::Connect => {
                    // A log-in asks for no retries.
                    let retries = if errand == Errand::LogIn { 0 } else { HTTP_REQUEST_MAX_RETRIES };
                    let (at, reaches) = match reached(&self.model.keystone.outages, now, retries) {
                        Ok(at) => (at, true),
                        Err(at) => (at, false),
                    };
                    if !reaches {
                        flight.call = Call::GivenUp;
                    }
                    if at > now {
                        return Called::Later(Next::Wait(at, None));
                    }
                    if !reaches {
                        return Called::Unreachable;
                    }
                    let (node, tries) = match errand {
                        _ if self.keystone.nodes() == 1 => (0, 0),
                        Errand::LogIn => {
                            let sending = self.sending(slot, strand, flight.sent);
                            (self.log_in_node(slot, request, sending), 0)
                        }
                        Errand::Service | Errand::User { .. } => {
                            let sending = self.sending(slot, strand, flight.sent);
                            match self.reach_node(now, slot, request, errand.node(), sending) {
                                Ok(reached) => reached,
                                Err(Unreachable) => return Called::Unreachable,
                            }
                        }
                    };
                    flight.call = Call::Queued { node, tries };
                    if self.pools.queues(api) && !self.pools.acquire(now, api, node, Event::waiter(slot, strand)) {
                        return Called::Later(Next::Park(None));
                    }
                }
                Call::Queued { node, tries } => {
                    flight.call = Call::Answer { node };
                    let sending = self.sending(slot, strand, flight.sent);
                    let time = self.take_up(now, slot, request, flight, errand, node, tries, sending);
                    if time > Span::ZERO {
                        return Called::Later(Next::Wait(now + time, None));
                    }
                }
                Call::Answer { node } => {
                    if self.pools.queues(api) {
                        self.release(now, api, node, queue);
                    }
                    return Called::Done;
                }
                Call::GivenUp => return Called::Unreachable,
            }
        }
    }

    /// Keystone takes a call up: decides about the token, and says how long the answer takes. Not inlined: what it reads
    /// would be read at every station.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "a part of one course")]
    fn take_up(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        flight: &mut Flight,
        errand: Errand,
        node: u32,
        tries: u32,
        sending: u32,
    ) -> Span {
        let streams = self.jobs.get(slot).streams;
        let name = draws::of_request(errand.time(), request, sending);
        let window = match errand {
            Errand::LogIn => return self.keystone.issue_time(streams, name),
            Errand::User { allow_expired: true } if tries < TRIES_WITH_ALLOW_EXPIRED => Some(self.keystone.window),
            Errand::Service | Errand::User { .. } => None,
        };
        let mut time = self.keystone.validation_time(streams, name) * i64::from(tries + 1);
        // auth_token needs a token of its own to ask with.
        let receiver = &mut self.receivers[request.to.index()];
        if now >= receiver.logged_in_until {
            receiver.logged_in_until = now + self.keystone.expiration(now) - MIN_TOKEN_LIFE;
            time = time + self.keystone.issue_time_before_validation(streams, name);
        }
        let consulted = match (errand, flight.tokens.service.as_mut()) {
            (Errand::Service, Some(held)) => self.keystone.validate(now, node, &mut held.token, window),
            (Errand::Service | Errand::User { .. } | Errand::LogIn, _) => {
                let issued = user_token(&mut self.jobs, slot, request, &mut flight.tokens.own);
                self.keystone.validate(now, node, issued, window)
            }
        };
        flight.consulted = Some(consulted);
        time
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cloud::{Records, simulate};
    use crate::observe::Outcome;
    use crate::scenario::{Overrides, load_text};
    use crate::units::Instant;

    /// When the upload of an image ends, whose two requests carry a user's token to Glance; and why it fails, if it does.
    fn ends(settings: &str) -> (f64, Option<&'static str>) {
        let text = format!(
            "name = \"upload\"\nrun.duration = \"1s\"\n{settings}
            [[workload]]\njob = \"image-upload\"\narrivals = {{ every = \"1s\" }}"
        );
        let study = load_text("test.toml", &text, Path::new("."), &Overrides::default());
        let study = study.unwrap_or_else(|issues| panic!("{issues}"));
        let record = simulate(&study.points[0].model, 0, Records::Jobs).records.remove(0);
        let failure = match record.outcome {
            Outcome::Failed(failure) => Some(failure.reason.code()),
            Outcome::Completed | Outcome::Unfinished => None,
        };
        (record.ended.expect("it ends").since(Instant::START).seconds(), failure)
    }

    #[test]
    fn every_station_takes_its_time() {
        let off = "glance.keystone_authtoken.token_cache_time = -1\n";
        let outage = |until: &str| format!("cloud.keystone.outages = [{{ from = \"0s\", until = \"{until}\" }}]");
        let validation = "cloud.keystone.validation_time = \"2s\"\n";
        let cases = [
            ("each request is validated", format!("{off}{validation}"), (4.0, None)),
            ("the second by the cache", validation.to_owned(), (2.0, None)),
            ("and Glance works", format!("{off}{validation}cloud.requests.time = \"1s\""), (6.0, None)),
            ("Glance logs in once, to ask", format!("{off}cloud.keystone.issue_time = \"5s\""), (5.0, None)),
            // After 0.5, 1 and 2 s more auth_token tries again; an outage is over at its last instant.
            ("the first retry comes through", outage("500ms"), (0.5, None)),
            ("the second does", outage("501ms"), (1.5, None)),
            ("the last does", outage("3500ms"), (3.5, None)),
            ("nobody answers", outage("3501ms"), (3.5, Some("keystone_unavailable"))),
        ];
        for (what, settings, expected) in cases {
            assert_eq!(ends(&settings), expected, "{what}");
        }
    }
}
