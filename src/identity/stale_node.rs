//! Validations that reach a Keystone node with old keys: the node refuses auth_token's own token, so that auth_token
//! asks again, and on the way forgets what it asked for.
//!
//! Source: `keystonemiddleware.auth_token._identity:IdentityServer.verify_token` around
//! `keystoneauth1.session.Session.request`. What such a node says of the token in question is no matter of this file:
//! a node that refuses auth_token's own token never looks at the other.
//!
//! Not here: `delay_auth_decision`, and own tokens that live less than [`super::defaults::MIN_TOKEN_LIFE`], for which
//! auth_token logs in more often ([`super::session::OwnLogin`]).

use super::middleware::{Answer, Receiver, look, look_at_service};
use super::request::{Call, Request, Subject};
use crate::units::{Instant, Span};

/// So many times in all auth_token asks about one token: `verify_token` asks twice, and each time the session sends the
/// request once more after a 401, with a new log-in between.
pub const MOST_TRIES: u32 = 4;

/// So many of the tries carry `allow_expired`: `verify_token` calls itself without it.
pub const TRIES_WITH_ALLOW_EXPIRED: u32 = 2;

/// How auth_token's own token fares while it asks about one token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnToken {
    /// Log-ins before the first try: 1 if it holds no token that it would use again.
    pub before: u32,
    /// So many tries in a row, from the first, are answered 401. From [`MOST_TRIES`] on it is all of them.
    pub refusals: u32,
}

impl OwnToken {
    /// Whether Keystone never gets to say anything about the token in question.
    pub const fn is_unavailable(self) -> bool {
        self.refusals >= MOST_TRIES
    }

    /// Whether the try that Keystone answers still carries the `allow_expired` that was asked for.
    pub const fn keeps_allow_expired(self) -> bool {
        self.refusals < TRIES_WITH_ALLOW_EXPIRED
    }

    /// Adds the requests that Keystone sees; `accepted` is its answer where it comes to one.
    fn push_calls(self, subject: Subject, allow_expired: bool, accepted: bool, calls: &mut Vec<Call>) {
        let asked = |attempt: u32, status| {
            let allow_expired = allow_expired && attempt < TRIES_WITH_ALLOW_EXPIRED;
            Call::Validation { subject, allow_expired, status }
        };
        calls.extend((0..self.before).map(|_| Call::Login));
        for attempt in 0..self.refusals.min(MOST_TRIES) {
            calls.push(asked(attempt, 401));
            if logs_in_after(attempt) {
                calls.push(Call::Login);
            }
        }
        if !self.is_unavailable() {
            calls.push(asked(self.refusals, if accepted { 200 } else { 404 }));
        }
    }
}

/// How asking about one token went through a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<T> {
    /// How auth_token's own token fared on the way.
    pub own: OwnToken,
    /// The node that looked at the token in question, if any came to it.
    pub by: Option<u32>,
    /// The own token that auth_token holds afterwards.
    pub held: T,
}

/// Asks about one token, with the own token `held` or, without one, after a log-in.
///
/// `node` is called once for each request that Keystone sees, in their order, and says where the balancer sends it; so
/// log-ins count in a round robin. `log_in` makes the token that a node issues, and `accepts` says whether a node
/// accepts such a token now. The first two tries are made with a token each. The third is made with the second's, for
/// the session gives up on a 401 without throwing away what it holds, and the fourth with a new one again
/// (`keystoneauth1.session.Session.request`).
pub fn ask_through<T>(
    held: Option<T>,
    mut node: impl FnMut() -> u32,
    mut log_in: impl FnMut(u32) -> T,
    mut accepts: impl FnMut(u32, &T) -> bool,
) -> Asked<T> {
    let before = u32::from(held.is_none());
    let mut held = held.unwrap_or_else(|| log_in(node()));
    for refusals in 0..MOST_TRIES {
        let asked = node();
        if accepts(asked, &held) {
            return Asked { own: OwnToken { before, refusals }, by: Some(asked), held };
        }
        if logs_in_after(refusals) {
            held = log_in(node());
        }
    }
    Asked { own: OwnToken { before, refusals: MOST_TRIES }, by: None, held }
}

/// Whether the session logs in after the refusal of this try: after the first of its two, and the second one is final.
const fn logs_in_after(attempt: u32) -> bool {
    attempt.is_multiple_of(2)
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The service's own answer; 200 from one that refuses nothing.
    Accepted,
    /// 401.
    Refused,
    /// 503: auth_token could not ask Keystone about one of the tokens.
    Unavailable,
}

impl Verdict {
    /// The status.
    pub const fn http_status(self) -> u16 {
        match self {
            Verdict::Accepted => 200,
            Verdict::Refused => 401,
            Verdict::Unavailable => 503,
        }
    }
}

/// What became of a request, and what Keystone saw of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the client gets.
    pub verdict: Verdict,
    /// Log-ins and validations, in order.
    pub calls: Vec<Call>,
}

/// What auth_token makes of a request at `now`, if its own token fares so while it asks about the service token and
/// about the user token. About a token that was not sent, or that the cache answers for, it does not ask.
///
/// If Keystone cannot be asked about one token, the request ends there.
pub fn answer(
    now: Instant,
    window: Span,
    receiver: &Receiver,
    request: &Request,
    for_service: OwnToken,
    for_user: OwnToken,
) -> Outcome {
    let mut calls = Vec::new();
    let (mut service_is_good, mut allow_expired) = (true, false);
    if let Some(service) = &request.service {
        let verdict = look_at_service(now, receiver, service);
        if !ask(Subject::Service, verdict.answer, false, for_service, &mut calls) {
            return Outcome { verdict: Verdict::Unavailable, calls };
        }
        (service_is_good, allow_expired) = (verdict.answer.confirmed, verdict.allow_expired);
    }
    let mut user_is_good = false;
    if let Some(user) = &request.user {
        // Keystone applies no window where it is not asked to; the receiver's own clock still goes by what was asked
        // for.
        let applied = if for_user.keeps_allow_expired() { window } else { Span::ZERO };
        let answer = look(now, receiver, user, allow_expired, applied);
        if !ask(Subject::User, answer, allow_expired, for_user, &mut calls) {
            return Outcome { verdict: Verdict::Unavailable, calls };
        }
        user_is_good = answer.confirmed;
    }
    let verdict = if service_is_good && user_is_good { Verdict::Accepted } else { Verdict::Refused };
    Outcome { verdict, calls }
}

/// Adds what Keystone sees of one token, if it is asked at all; whether it came to an answer.
fn ask(subject: Subject, answer: Answer, allow_expired: bool, own: OwnToken, calls: &mut Vec<Call>) -> bool {
    let Some(accepted) = answer.keystone else { return true };
    own.push_calls(subject, allow_expired, accepted, calls);
    !own.is_unavailable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::request;
    use crate::identity::session::OwnLogin;
    use crate::identity::{Presented, ServicePresented, Token};

    const STRICT: Receiver = Receiver { roles_required: true, cache_time: None, clock_ahead: Span::ZERO };
    const WINDOW: Span = Span::from_seconds(300);

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    fn aged(age: i64) -> Presented {
        let token = Token::new(at(-age), Span::from_seconds(600), Instant::NEVER);
        Presented { token, cached_until: Instant::ALWAYS }
    }

    fn service(age: i64, has_role: bool) -> Option<ServicePresented> {
        Some(ServicePresented { presented: aged(age), has_role })
    }

    fn own(refusals: u32) -> OwnToken {
        OwnToken { before: 0, refusals }
    }

    fn words(calls: &[Call]) -> String {
        calls.iter().map(Call::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_refusal_costs_a_try_and_the_second_costs_the_window() {
        let cases = [
            (0, 200, "user+ae=200"),
            (1, 200, "user+ae=401 auth=201 user+ae=200"),
            (2, 401, "user+ae=401 auth=201 user+ae=401 user=404"),
            (3, 401, "user+ae=401 auth=201 user+ae=401 user=401 auth=201 user=404"),
            (4, 503, "user+ae=401 auth=201 user+ae=401 user=401 auth=201 user=401"),
            (9, 503, "user+ae=401 auth=201 user+ae=401 user=401 auth=201 user=401"),
        ];
        let request = Request { user: Some(aged(700)), service: service(1, true) };
        for (refusals, status, expected) in cases {
            let outcome = answer(at(0), WINDOW, &STRICT, &request, OwnToken::default(), own(refusals));
            assert_eq!(outcome.verdict.http_status(), status, "{refusals} refusals");
            assert_eq!(words(&outcome.calls), format!("svc=200 {expected}"), "{refusals} refusals");
        }
    }

    #[test]
    fn a_live_token_needs_no_window() {
        let request = Request { user: Some(aged(1)), service: service(1, true) };
        for (refusals, verdict) in [(3, Verdict::Accepted), (4, Verdict::Unavailable)] {
            let for_user = answer(at(0), WINDOW, &STRICT, &request, own(0), own(refusals));
            assert_eq!(for_user.verdict, verdict, "{refusals} refusals, about the user token");
            let for_service = answer(at(0), WINDOW, &STRICT, &request, own(refusals), own(0));
            assert_eq!(for_service.verdict, verdict, "{refusals} refusals, about the service token");
        }
    }

    #[test]
    fn a_request_ends_where_keystone_cannot_be_asked() {
        let both = Request { user: Some(aged(1)), service: service(1, true) };
        let outcome = answer(at(0), WINDOW, &STRICT, &both, own(4), own(0));
        assert_eq!(words(&outcome.calls), "svc=401 auth=201 svc=401 svc=401 auth=201 svc=401");
    }

    #[test]
    fn what_the_cache_answers_is_not_asked() {
        let cached = Presented { cached_until: at(1), ..aged(700) };
        let receiver = Receiver { cache_time: Some(Span::from_seconds(300)), ..STRICT };
        let request = Request { user: Some(cached), service: service(1, true) };
        let outcome = answer(at(0), WINDOW, &receiver, &request, own(0), own(4));
        assert_eq!((outcome.verdict, words(&outcome.calls)), (Verdict::Accepted, "svc=200".to_string()));
    }

    #[test]
    fn log_ins_come_first() {
        let request = Request { user: Some(aged(1)), service: None };
        let outcome = answer(at(0), WINDOW, &STRICT, &request, own(0), OwnToken { before: 1, refusals: 1 });
        assert_eq!(words(&outcome.calls), "auth=201 user=401 auth=201 user=200");
    }

    /// Node 1 of several has old keys: it refuses what another node issued.
    #[test]
    fn round_robin_leads_back_to_the_stale_node_or_away_from_it() {
        let cases = [
            // Validation, log-in, validation, validation: the third try is answered, and has no window.
            ("2 nodes, from the stale one", vec![1, 0], Some(0), 2, 0, 0),
            ("2 nodes, from the good one", vec![0, 1], Some(0), 0, 0, 0),
            // What the stale node issues it accepts itself, and so does a node that has not purged that key.
            ("2 nodes, log-in at the stale one", vec![1, 0], None, 0, 0, 1),
            ("2 nodes, validation at the stale one", vec![0, 1], None, 2, 0, 0),
            ("3 nodes, from the stale one", vec![1, 2, 0], Some(0), 1, 0, 2),
            ("3 nodes, the stale one last", vec![2, 0, 1], Some(0), 0, 2, 0),
            ("bound to the stale node", vec![1], Some(0), 1, 1, 1),
        ];
        for (case, route, held, refusals, by, holds) in cases {
            let mut nodes = route.into_iter().cycle();
            let node = || nodes.next().expect("a circle has no end");
            let asked = ask_through(held, node, |issuer| issuer, |asked, issuer| asked != 1 || *issuer == 1);
            let own = OwnToken { before: u32::from(held.is_none()), refusals };
            assert_eq!(asked, Asked { own, by: Some(by), held: holds }, "{case}");
        }
    }

    #[test]
    fn refused_everywhere_the_tries_end_and_the_last_token_is_kept() {
        let mut requests = 0..;
        let mut log_ins = Vec::new();
        let log_in = |request| {
            log_ins.push(request);
            request
        };
        let asked = ask_through(None, || requests.next().unwrap(), log_in, |_, _| false);
        assert_eq!(asked, Asked { own: OwnToken { before: 1, refusals: MOST_TRIES }, by: None, held: 5 });
        assert!(asked.own.is_unavailable());
        assert_eq!((log_ins, requests.next()), (vec![0, 2, 5], Some(7)), "the order of log-ins among the requests");
    }

    /// With at most one refusal this is the rule that everything else is built on.
    #[test]
    fn one_refusal_changes_nothing() {
        let ages = [1, 599, 600, 899, 900];
        let services = [None, service(1, true), service(1, false), service(600, true)];
        let lenient = Receiver { roles_required: false, ..STRICT };
        let ahead = Receiver { clock_ahead: Span::from_seconds(5), ..STRICT };
        for (refusals, refused) in [(0, false), (1, true)] {
            for (age, service, receiver) in ages
                .iter()
                .flat_map(|age| services.iter().map(move |service| (*age, *service)))
                .flat_map(|(age, service)| [STRICT, lenient, ahead].map(|receiver| (age, service, receiver)))
            {
                let request = Request { user: Some(aged(age)), service };
                let response = request::answer(at(0), WINDOW, &receiver, false, &request);
                let held = aged(0).token;
                let calls = request::calls(&response, || OwnLogin { before: 0, refused, held });
                let outcome = answer(at(0), WINDOW, &receiver, &request, own(refusals), own(refusals));
                assert_eq!(outcome.verdict.http_status(), response.http_status(), "{refusals}, {request:?}");
                assert_eq!(outcome.calls, calls, "{refusals}, {request:?}");
            }
        }
    }
}
