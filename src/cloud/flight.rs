//! A request where something takes time on its way: it waits for the receiver's workers, and for Keystone's.
//!
//! A token is looked at when a worker has taken the request up, and again when one of Keystone's workers has; so every
//! queue ages it.

use super::draws::{self, Draw};
use super::job::Strand;
use super::keystone::Consulted;
use super::request::{Found, Sent, Tokens, UNAUTHORIZED, UNAVAILABLE, Unreachable, refused, user_token};
use super::{Cloud, Event};
use crate::engine::Queue;
use crate::identity::defaults::{HTTP_REQUEST_MAX_RETRIES, MIN_TOKEN_LIFE};
use crate::identity::middleware::ServiceVerdict;
use crate::identity::outage::reached;
use crate::identity::stale_node::TRIES_WITH_ALLOW_EXPIRED;
use crate::model::ServiceId;
use crate::model::program::Request;
use crate::model::vocabulary::Reason;
use crate::random::Streams;
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
    /// How often it has been sent.
    sent: u32,
    /// These and what follows are of an earlier request until a station sets them.
    tokens: Tokens,
    /// Which of the receiver's worker processes has it.
    worker: u32,
    service: Option<ServiceVerdict>,
    /// What Keystone has just answered.
    consulted: Option<Consulted>,
    ahead: Ahead,
}

/// How long the validations of the next polls take: a logarithm takes long, but a processor works on several at once,
/// and by their names those of later polls are known now.
#[derive(Debug)]
struct Ahead {
    /// In seconds; the last `left` of them are unused.
    times: [f64; Ahead::MOST],
    left: usize,
    /// The name of the next one, whose it is, and the settings that they were drawn under.
    named: Option<(u64, Streams, u16)>,
}

impl Ahead {
    const MOST: usize = 8;
    const NOTHING: Ahead = Ahead { times: [0.0; Ahead::MOST], left: 0, named: None };
}

impl Flight {
    pub(super) const START: Flight = Flight {
        at: Station::Start,
        sent: 0,
        tokens: Tokens { service: None, own: None },
        worker: 0,
        service: None,
        consulted: None,
        ahead: Ahead::NOTHING,
    };

    /// Whether the user's token may be expired.
    fn allow_expired(&self) -> bool {
        self.service.is_some_and(|service| service.allow_expired)
    }
}

/// Where it is when its strand is resumed.
#[derive(Clone, Copy, Debug)]
enum Station {
    /// Nothing is done yet.
    Start,
    /// It waits for a worker of the receiver, or has just got one.
    Queued,
    /// Its sender or its receiver tries to reach Keystone again.
    Connecting(Errand),
    /// Keystone cannot be reached, and is given up.
    GivenUp(Errand),
    /// It waits for a worker of this node of Keystone, or has just got one; so many nodes refused auth_token's own
    /// token before.
    AtKeystone { errand: Errand, node: u32, tries: u32 },
    /// This node answers.
    Answered { errand: Errand, node: u32 },
}

/// What Keystone is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    /// The sender fetches what it lacks.
    LogIn,
    /// The receiver asks about the service token.
    Service,
    /// The receiver asks about the user's token.
    User,
}

impl Errand {
    /// What draws the node that is asked.
    const fn node(self) -> Draw {
        match self {
            Errand::LogIn => Draw::LogInNode,
            Errand::Service => Draw::ServiceNode,
            Errand::User => Draw::UserNode,
        }
    }

    /// What draws how long it takes.
    const fn time(self) -> Draw {
        match self {
            Errand::LogIn => Draw::LogInTime,
            Errand::Service => Draw::ServiceTime,
            Errand::User => Draw::UserTime,
        }
    }
}

/// Whose request it is, and when it goes on.
#[derive(Clone, Copy)]
struct Trip<'r> {
    now: Instant,
    slot: u32,
    strand: Strand,
    request: &'r Request,
}

/// Each station leads to the next by itself; what has to wait is written down as the station to go on from.
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
        let trip = &Trip { now, slot, strand, request };
        let sent = match flight.at {
            Station::Start => self.depart(trip, &mut flight, queue),
            Station::Queued => self.take_in(trip, &mut flight, queue),
            Station::Connecting(errand) => self.connect(trip, &mut flight, errand, queue),
            Station::GivenUp(errand) => self.give_up(trip, errand, queue),
            Station::AtKeystone { errand, node, tries } => self.be_heard(trip, &mut flight, errand, node, tries, queue),
            Station::Answered { errand, node } => self.hear(trip, &mut flight, errand, node, queue),
        };
        if let Sent::Accepted | Sent::Refused(_) = sent {
            flight.at = Station::Start;
            flight.sent = 0;
        }
        self.jobs.put_flight(slot, strand, flight);
        sent
    }

    /// Its sender looks for the tokens to send along.
    #[inline]
    fn depart(&mut self, trip: &Trip<'_>, flight: &mut Flight, queue: &mut Queue<Event>) -> Sent {
        let Trip { now, slot, request, .. } = *trip;
        if self.tracer.is_some() {
            self.trace_start(now, slot, request);
        }
        self.hold_tokens(now, slot, request, &mut flight.tokens);
        if self.misses(request, &flight.tokens) {
            return self.connect(trip, flight, Errand::LogIn, queue);
        }
        self.reach_receiver(trip, flight, queue)
    }

    /// It arrives at the receiver.
    #[inline]
    fn reach_receiver(&mut self, trip: &Trip<'_>, flight: &mut Flight, queue: &mut Queue<Event>) -> Sent {
        let Trip { now, slot, strand, request } = *trip;
        flight.sent += 1;
        if let Some(workers) = self.receivers[request.to.index()].queue
            && !self.pools.acquire(now, workers, 0, Event::waiter(slot, strand))
        {
            flight.at = Station::Queued;
            return Sent::Parks;
        }
        self.take_in(trip, flight, queue)
    }

    /// A worker takes it up, and looks at the service token first.
    #[inline]
    fn take_in(&mut self, trip: &Trip<'_>, flight: &mut Flight, queue: &mut Queue<Event>) -> Sent {
        let Trip { now, slot, strand, request } = *trip;
        flight.worker = self.worker(slot, strand, request, flight.sent);
        flight.service = None;
        if let Some(held) = &flight.tokens.service {
            match self.service_from_cache(now, request, flight.worker, held) {
                Some(answer) => flight.service = Some(self.service_verdict(request, answer)),
                None => return self.connect(trip, flight, Errand::Service, queue),
            }
        }
        self.look_at_users(trip, flight, queue)
    }

    /// Then at the user's.
    #[inline]
    fn look_at_users(&mut self, trip: &Trip<'_>, flight: &mut Flight, queue: &mut Queue<Event>) -> Sent {
        let Trip { now, slot, request, .. } = *trip;
        let allow_expired = flight.allow_expired();
        match self.user_from_cache(now, slot, request, flight.worker, &mut flight.tokens, allow_expired) {
            None => self.connect(trip, flight, Errand::User, queue),
            Some(answer) => self.conclude(trip, flight, Found { answer, consulted: None }, queue),
        }
    }

    /// Keystone is asked, by the sender or the receiver.
    fn connect(&mut self, trip: &Trip<'_>, flight: &mut Flight, errand: Errand, queue: &mut Queue<Event>) -> Sent {
        let Trip { now, slot, strand, request } = *trip;
        if !self.model.keystone.outages.is_empty() {
            // A log-in asks for no retries.
            let retries = if errand == Errand::LogIn { 0 } else { HTTP_REQUEST_MAX_RETRIES };
            let (at, then) = match reached(&self.model.keystone.outages, now, retries) {
                Ok(at) => (at, Station::Connecting(errand)),
                Err(at) => (at, Station::GivenUp(errand)),
            };
            if at > now {
                flight.at = then;
                return Sent::Waits(at);
            }
            if let Station::GivenUp(errand) = then {
                return self.give_up(trip, errand, queue);
            }
        }
        let (node, tries) = match errand {
            _ if self.keystone.nodes() == 1 => (0, 0),
            Errand::LogIn => {
                let sending = self.sending(slot, strand, flight.sent);
                (self.log_in_node(slot, request, sending), 0)
            }
            Errand::Service | Errand::User => {
                let sending = self.sending(slot, strand, flight.sent);
                match self.reach_node(now, slot, request, errand.node(), sending) {
                    Ok(reached) => reached,
                    Err(Unreachable) => return self.give_up(trip, errand, queue),
                }
            }
        };
        if let Some(workers) = self.receivers[ServiceId::KEYSTONE.index()].queue
            && !self.pools.acquire(now, workers, node, Event::waiter(slot, strand))
        {
            flight.at = Station::AtKeystone { errand, node, tries };
            return Sent::Parks;
        }
        self.be_heard(trip, flight, errand, node, tries, queue)
    }

    #[cold]
    fn give_up(&mut self, trip: &Trip<'_>, errand: Errand, queue: &mut Queue<Event>) -> Sent {
        if errand != Errand::LogIn {
            self.free_worker(trip.now, trip.request.to, queue);
        }
        Sent::Refused(refused(trip.now, trip.request, Reason::KeystoneUnavailable, UNAVAILABLE))
    }

    /// One of Keystone's workers takes the call up.
    #[inline]
    fn be_heard(
        &mut self,
        trip: &Trip<'_>,
        flight: &mut Flight,
        errand: Errand,
        node: u32,
        tries: u32,
        queue: &mut Queue<Event>,
    ) -> Sent {
        let time = self.take_up(trip, flight, errand, node, tries);
        if time > Span::ZERO {
            flight.at = Station::Answered { errand, node };
            return Sent::Waits(trip.now + time);
        }
        self.hear(trip, flight, errand, node, queue)
    }

    /// Keystone has answered.
    fn hear(
        &mut self,
        trip: &Trip<'_>,
        flight: &mut Flight,
        errand: Errand,
        node: u32,
        queue: &mut Queue<Event>,
    ) -> Sent {
        let Trip { now, slot, request, .. } = *trip;
        if let Some(workers) = self.receivers[ServiceId::KEYSTONE.index()].queue {
            self.release(now, workers, node, queue);
        }
        match errand {
            Errand::LogIn => self.log_in(trip, flight, queue),
            Errand::Service => {
                if let (Some(held), Some(consulted)) = (flight.tokens.service, flight.consulted.take()) {
                    let found = self.service_from_keystone(now, slot, request, flight.worker, &held, consulted);
                    flight.service = Some(self.service_verdict(request, found.answer));
                }
                self.look_at_users(trip, flight, queue)
            }
            Errand::User => {
                let consulted = flight.consulted.take().expect("a call about a token brings an answer");
                let (worker, allow_expired) = (flight.worker, flight.allow_expired());
                let tokens = &mut flight.tokens;
                let found = self.user_from_keystone(now, slot, request, worker, tokens, allow_expired, consulted);
                self.conclude(trip, flight, found, queue)
            }
        }
    }

    /// The sender has what it lacked, if Keystone gave it.
    #[inline(never)]
    fn log_in(&mut self, trip: &Trip<'_>, flight: &mut Flight, queue: &mut Queue<Event>) -> Sent {
        let Trip { now, slot, strand, request } = *trip;
        // A session lets one caller in at a time, and the next finds what that one has fetched
        // (`keystoneauth1.identity.base.BaseIdentityPlugin.get_access`).
        let had = flight.tokens.service.map(|held| held.number);
        self.hold_tokens(now, slot, request, &mut flight.tokens);
        let has = flight.tokens.service.map(|held| held.number);
        if has.is_none() || has == had {
            // The same node as was asked.
            let sending = self.sending(slot, strand, flight.sent);
            let node = self.log_in_node(slot, request, sending);
            flight.tokens = self.fetch_tokens(now, slot, request, node, queue);
        }
        if self.misses(request, &flight.tokens) {
            return Sent::Refused(refused(now, request, Reason::ServiceTokenInvalid, UNAUTHORIZED));
        }
        self.reach_receiver(trip, flight, queue)
    }

    /// The verdict, upon which the request may be sent once more.
    #[inline]
    fn conclude(&mut self, trip: &Trip<'_>, flight: &mut Flight, found: Found, queue: &mut Queue<Event>) -> Sent {
        let Trip { now, slot, strand, request } = *trip;
        let Some(reason) = self.judge(now, slot, request, &mut flight.tokens, found, flight.service.as_ref()) else {
            self.jobs.get(slot).course(strand).with_service_token = flight.allow_expired();
            return Sent::Accepted;
        };
        self.free_worker(now, request.to, queue);
        match self.session(request).after_401(flight.sent) {
            None => Sent::Refused(refused(now, request, reason, UNAUTHORIZED)),
            Some(retry) if retry.new_service_token || retry.new_user_token => {
                self.connect(trip, flight, Errand::LogIn, queue)
            }
            Some(_) => self.reach_receiver(trip, flight, queue),
        }
    }

    fn service_verdict(&self, request: &Request, answer: crate::identity::middleware::Answer) -> ServiceVerdict {
        let receiver = &self.receivers[request.to.index()];
        ServiceVerdict::new(&receiver.rules, receiver.has_role(request.from), answer)
    }

    /// Keystone takes a call up: decides about the token, and says how long the answer takes. Not inlined: what it
    /// reads would be read at every station.
    #[inline(never)]
    fn take_up(&mut self, trip: &Trip<'_>, flight: &mut Flight, errand: Errand, node: u32, tries: u32) -> Span {
        let Trip { now, slot, strand, request } = *trip;
        let sending = self.sending(slot, strand, flight.sent);
        let streams = self.jobs.get(slot).streams;
        let name = draws::of_request(errand.time(), request, sending);
        let window = match errand {
            Errand::LogIn => return self.keystone.issue_time(streams, name),
            Errand::User if flight.allow_expired() && tries < TRIES_WITH_ALLOW_EXPIRED => Some(self.keystone.window),
            Errand::Service | Errand::User => None,
        };
        let is_poll = matches!(self.jobs.get(slot).course(strand).stage, Stage::Polling);
        let validation = if is_poll && errand == Errand::User {
            self.validation_of_poll(&mut flight.ahead, streams, name)
        } else {
            self.keystone.validation_time(streams, name)
        };
        let mut time = validation * i64::from(tries + 1);
        // auth_token needs a token of its own to ask with.
        let receiver = &mut self.receivers[request.to.index()];
        if now >= receiver.logged_in_until {
            receiver.logged_in_until = now + self.keystone.expiration(now) - MIN_TOKEN_LIFE;
            time = time + self.keystone.issue_time_before_validation(streams, name);
        }
        let consulted = match (errand, flight.tokens.service.as_mut()) {
            (Errand::Service, Some(held)) => self.keystone.validate(now, node, &mut held.token, window),
            (Errand::Service | Errand::User | Errand::LogIn, _) => {
                let issued = user_token(&mut self.jobs, slot, request, &mut flight.tokens.own);
                self.keystone.validate(now, node, issued, window)
            }
        };
        flight.consulted = Some(consulted);
        time
    }

    /// [`Keystone::validation_time`] of a poll that others are likely to follow.
    ///
    /// [`Keystone::validation_time`]: super::keystone::Keystone::validation_time
    #[inline]
    fn validation_of_poll(&self, ahead: &mut Ahead, streams: Streams, name: u64) -> Span {
        if ahead.left == 0 || ahead.named != Some((name, streams, self.epoch)) {
            let later = |nth| name + nth as u64 * draws::NEXT_SENDING;
            self.keystone.validation_times(streams, later, &mut ahead.times);
            ahead.left = Ahead::MOST;
        }
        let time = ahead.times[(Ahead::MOST - ahead.left) % Ahead::MOST];
        ahead.left -= 1;
        ahead.named = Some((name + draws::NEXT_SENDING, streams, self.epoch));
        Span::from_seconds_f64(time)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cloud::{Records, simulate};
    use crate::observe::Outcome;
    use crate::scenario::{Overrides, load_text};
    use crate::units::Instant;

    /// When the upload of an image ends, whose two requests carry a user's token to Glance; and why it fails, if it
    /// does.
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
