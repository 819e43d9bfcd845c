//! A whole request at auth_token: also without a user token, with `delay_auth_decision`, and what Keystone sees of it.
//!
//! [`super::check`] decides; here is what surrounds it and is not needed for every request of a simulation.

use std::fmt;

use super::middleware::{Answer, Presented, Receiver, ServicePresented, check, look_at_service};
use super::session::OwnLogin;
use super::token::Refusal;
use crate::model::vocabulary::Reason;
use crate::units::{Instant, Span};

/// The tokens of a request. Which header a token came in says what it is used as: a service's own token in
/// `X-Auth-Token` is a user token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// `X-Auth-Token`.
    pub user: Option<Presented>,
    /// `X-Service-Token`.
    pub service: Option<ServicePresented>,
}

/// `X-Identity-Status` or `X-Service-Identity-Status`, as the service behind auth_token reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The token is good.
    Confirmed,
    /// It is not.
    Invalid,
}

impl Status {
    /// The value of the header.
    pub const fn code(self) -> &'static str {
        match self {
            Status::Confirmed => "Confirmed",
            Status::Invalid => "Invalid",
        }
    }

    const fn of(confirmed: bool) -> Status {
        if confirmed { Status::Confirmed } else { Status::Invalid }
    }
}

/// What is wrong with a request, finer than [`Reason`]: what asking Keystone about both tokens would show.
///
/// Where several hold, the service token's comes first, then the user token's, then the missing role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing.
    Good,
    /// Keystone refuses the service token.
    Service(Refusal),
    /// Keystone refuses the user token.
    User(Refusal),
    /// There is no user token.
    NoUserToken,
    /// The service token is good, but its user has none of the roles, and one is required.
    ServiceRoleMissing,
    /// Keystone accepts both, but by the receiver's own clock one has expired.
    LocalExpiry,
}

impl Finding {
    /// The finding as a word.
    pub const fn code(self) -> &'static str {
        match self {
            Finding::Good => "ok",
            Finding::Service(Refusal::KeyNotFound) => "svc_key_not_found",
            Finding::Service(Refusal::Expired) => "svc_expired",
            Finding::Service(Refusal::BeyondWindow) => "svc_beyond_window",
            Finding::Service(Refusal::Revoked) => "svc_revoked",
            Finding::User(Refusal::KeyNotFound) => "user_key_not_found",
            Finding::User(Refusal::Expired) => "user_expired",
            Finding::User(Refusal::BeyondWindow) => "user_beyond_window",
            Finding::User(Refusal::Revoked) => "user_revoked",
            Finding::NoUserToken => "no_user_token",
            Finding::ServiceRoleMissing => "svc_role_missing",
            Finding::LocalExpiry => "local_expiry",
        }
    }
}

/// What became of a request at auth_token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// Whether the service gets to see the request; if not, the client gets a 401.
    pub reaches_service: bool,
    /// Whether the user token was good; a missing one is not.
    pub user_status: Status,
    /// Whether the service token was good, `None` without one.
    pub service_status: Option<Status>,
    /// How the user token was looked up, `None` without one.
    pub user: Option<Answer>,
    /// How the service token was looked up, `None` without one.
    pub service: Option<Answer>,
    /// Whether the user token was looked at with `allow_expired`.
    pub allow_expired: bool,
    /// The reason in the words of jobs: `None` for a good request, and for one that only lacks a user token, which no
    /// job sends.
    pub refused: Option<Reason>,
    /// What is wrong.
    pub finding: Finding,
}

impl Response {
    /// What the client of a service that itself refuses nothing gets.
    pub const fn http_status(&self) -> u16 {
        if self.reaches_service { 200 } else { 401 }
    }
}

/// What auth_token makes of a request at `now` by Keystone's clock.
///
/// Without `delay_auth_decision` a request passes iff the user token is good and the service token, if there is one;
/// with it every request passes and the service reads the two statuses
/// (`keystonemiddleware.auth_token:AuthProtocol.process_request`).
pub fn answer(
    now: Instant,
    window: Span,
    receiver: &Receiver,
    delay_auth_decision: bool,
    request: &Request,
) -> Response {
    let (user, service, allow_expired, refused, service_is_live) = match (&request.user, &request.service) {
        (Some(user), service) => {
            let check = check(now, window, receiver, user, service.as_ref());
            let live = check.refused != Some(Reason::ServiceTokenInvalid);
            (Some(check.user), check.service, check.allow_expired, check.refused, live)
        }
        // Looked at all the same, although the request cannot succeed any more.
        (None, Some(service)) => {
            let verdict = look_at_service(now, receiver, service);
            let refused = (!verdict.live).then_some(Reason::ServiceTokenInvalid);
            (None, Some(verdict.answer), verdict.allow_expired, refused, verdict.live)
        }
        (None, None) => (None, None, false, None, true),
    };
    let user_status = Status::of(user.is_some_and(|answer| answer.confirmed));
    let service_status = service.map(|answer| Status::of(answer.confirmed));
    let good = user_status == Status::Confirmed && service_status.is_none_or(|status| status == Status::Confirmed);

    // Keystone's own answer where it has one, else it was the receiver's clock.
    let found = |presented: &Presented, window| presented.token.refusal(now, window);
    let finding = match (&request.user, &request.service) {
        (_, Some(service)) if !service_is_live => {
            found(&service.presented, None).map_or(Finding::LocalExpiry, Finding::Service)
        }
        (None, _) => Finding::NoUserToken,
        (Some(user), _) if user_status == Status::Invalid => {
            found(user, allow_expired.then_some(window)).map_or(Finding::LocalExpiry, Finding::User)
        }
        (Some(_), _) => {
            if good {
                Finding::Good
            } else {
                Finding::ServiceRoleMissing
            }
        }
    };
    Response {
        reaches_service: good || delay_auth_decision,
        user_status,
        service_status,
        user,
        service,
        allow_expired,
        refused,
        finding,
    }
}

/// Which token a validation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The service token.
    Service,
    /// The user token.
    User,
}

/// One request that auth_token sends to Keystone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `POST /v3/auth/tokens`: auth_token's own log-in.
    Login,
    /// `GET /v3/auth/tokens`.
    Validation {
        /// Of this token.
        subject: Subject,
        /// With `allow_expired=1`.
        allow_expired: bool,
        /// 200, 404 for a refused token, 401 where auth_token's own token is refused.
        status: u16,
    },
}

/// As in the records: `auth=201`, `svc=200`, `user+ae=404`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Login => f.write_str("auth=201"),
            Call::Validation { subject, allow_expired, status } => {
                let subject = match subject {
                    Subject::Service => "svc",
                    Subject::User => "user",
                };
                write!(f, "{subject}{}={status}", if *allow_expired { "+ae" } else { "" })
            }
        }
    }
}

/// What Keystone sees of a request, in order; `own` tells how auth_token's own token fares, once per validation.
pub fn calls(response: &Response, mut own: impl FnMut() -> OwnLogin) -> Vec<Call> {
    let mut calls = Vec::new();
    for (subject, answer, allow_expired) in
        [(Subject::Service, response.service, false), (Subject::User, response.user, response.allow_expired)]
    {
        let Some(accepted) = answer.and_then(|answer| answer.keystone) else { continue };
        let login = own();
        for _ in 0..login.before {
            calls.push(Call::Login);
        }
        if login.refused {
            calls.push(Call::Validation { subject, allow_expired, status: 401 });
            calls.push(Call::Login);
        }
        calls.push(Call::Validation { subject, allow_expired, status: if accepted { 200 } else { 404 } });
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Token;

    const STRICT: Receiver = Receiver { roles_required: true, cache_time: None, clock_ahead: Span::ZERO };

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

    fn seen(receiver: &Receiver, request: &Request) -> (&'static str, String) {
        let window = Span::from_seconds(300);
        let response = answer(at(0), window, receiver, false, request);
        let delayed = answer(at(0), window, receiver, true, request);
        assert!(delayed.reaches_service, "{request:?}");
        assert_eq!(Response { reaches_service: response.reaches_service, ..delayed }, response, "{request:?}");
        assert_eq!(response.reaches_service, response.finding == Finding::Good, "{request:?}");
        let fresh = aged(0).token;
        let calls = calls(&response, || OwnLogin { before: 0, refused: false, held: fresh });
        let calls: Vec<String> = calls.iter().map(Call::to_string).collect();
        (response.finding.code(), calls.join(" "))
    }

    #[test]
    fn what_is_missing_is_not_asked_about() {
        let cases = [
            ("neither token", None, None, "no_user_token", ""),
            ("a good service token only", None, service(1, true), "no_user_token", "svc=200"),
            ("a service token without role only", None, service(1, false), "no_user_token", "svc=200"),
            ("an expired service token only", None, service(600, true), "svc_expired", "svc=404"),
            ("a user token only", Some(aged(1)), None, "ok", "user=200"),
            ("both", Some(aged(700)), service(1, true), "ok", "svc=200 user+ae=200"),
            ("both, no role", Some(aged(1)), service(1, false), "svc_role_missing", "svc=200 user=200"),
            ("both, no role and expired", Some(aged(700)), service(1, false), "user_expired", "svc=200 user=404"),
            ("both dead", Some(aged(700)), service(700, true), "svc_expired", "svc=404 user=404"),
        ];
        for (case, user, service, finding, calls) in cases {
            assert_eq!(seen(&STRICT, &Request { user, service }), (finding, calls.to_string()), "{case}");
        }
    }

    #[test]
    fn own_clock_is_found_where_keystone_accepts() {
        let ahead = Receiver { clock_ahead: Span::from_seconds(60), ..STRICT };
        let user = Request { user: Some(aged(550)), service: None };
        assert_eq!(seen(&ahead, &user), ("local_expiry", "user=200".to_string()));
        let both = Request { user: Some(aged(1)), service: service(550, true) };
        assert_eq!(seen(&ahead, &both), ("local_expiry", "svc=200 user=200".to_string()));
    }

    #[test]
    fn own_log_ins_come_before_what_they_are_for() {
        let request = Request { user: Some(aged(700)), service: service(1, true) };
        let response = answer(at(0), Span::from_seconds(300), &STRICT, false, &request);
        let fresh = aged(0).token;
        for (before, refused, expected) in [
            (1, false, "auth=201 svc=200 auth=201 user+ae=200"),
            (0, true, "svc=401 auth=201 svc=200 user+ae=401 auth=201 user+ae=200"),
        ] {
            let calls = calls(&response, || OwnLogin { before, refused, held: fresh });
            let calls: Vec<String> = calls.iter().map(Call::to_string).collect();
            assert_eq!(calls.join(" "), expected);
        }
    }
}
