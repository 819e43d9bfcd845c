//! Tables `revocation`, `revocation_prune` and `revocation_second`: what revokes which tokens, and for how long.
//!
//! Time runs from the issue of the user token, in `revocation_second` from some whole second. auth_token's cache and
//! Keystone's are off. The first two tables record only validations in `keystone_calls`.

use outlast::identity::request::{Request, Response, answer};
use outlast::identity::revocation::{Act, DeletedWith, Event, Reach, Standing, as_found, delete_token};
use outlast::identity::{Presented, Receiver, ServicePresented, Token, defaults};
use outlast::units::{Instant, Span};

use super::middleware::validations;
use super::{Compare, Row, table};

/// Whom an event is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    User,
    Service,
}

/// What happened, in order, and to whom; who deletes a token is told beside it.
fn acts(row: &Row<'_>) -> (Whom, DeletedWith, &'static [Act]) {
    use Act::*;
    let (whom, event) = match row.text("event").strip_prefix("svc_") {
        Some(event) => (Whom::Service, event),
        None => (Whom::User, row.text("event")),
    };
    let acts: &[Act] = match (whom, event) {
        (Whom::User, "none") => &[],
        (Whom::User, "delete_token_self" | "delete_token_admin") | (Whom::Service, "token_deleted") => &[DeleteToken],
        (_, "user_disabled") => &[DisableUser],
        (_, "user_disabled_reenabled") => &[DisableUser, EnableUser],
        (_, "user_deleted") => &[DeleteUser],
        (_, "password_change_self") => &[ChangePassword],
        (_, "password_reset_admin") => &[ResetPassword],
        (_, "role_removed") => &[RemoveLastRole],
        (_, "role_added") => &[AddRole],
        _ => row.unexpected("event", "a known event"),
    };
    let with = if event == "delete_token_self" { DeletedWith::Itself } else { DeletedWith::Another };
    (whom, with, acts)
}

/// A user with one token, and what Keystone knows about both.
struct Holder {
    token: Token,
    issued: Instant,
    standing: Standing,
    events: Vec<Event>,
}

impl Holder {
    fn new(row: &Row<'_>, issued: Instant) -> Holder {
        let token = Token::new(issued, Span::from_seconds(row.int("expiration")), Instant::NEVER);
        Holder { token, issued, standing: Standing::GOOD, events: Vec::new() }
    }

    fn found(&self) -> Token {
        as_found(self.token, self.issued, self.standing, &self.events)
    }

    /// Keystone's answer to an act.
    fn suffer(&mut self, act: Act, at: Instant, with: DeletedWith) -> u16 {
        let event = match (act, act.event()) {
            (Act::DeleteToken, _) => match delete_token(at, &self.found(), with) {
                Ok(event) => Some(event),
                Err(status) => return status,
            },
            (_, reach) => reach.map(|reach| Event { reach, at }),
        };
        self.events.extend(event);
        self.standing = self.standing.after(act);
        act.status()
    }

    fn presented(&self) -> Presented {
        Presented { token: self.found(), cached_until: Instant::ALWAYS }
    }
}

/// auth_token's answer to the request of a row, its settings being the defaults.
fn respond(row: &Row<'_>, now: Instant, user: &Holder, service: Option<&Holder>) -> Response {
    let receiver =
        Receiver { roles_required: defaults::SERVICE_TOKEN_ROLES_REQUIRED, cache_time: None, clock_ahead: Span::ZERO };
    let service = service.map(|holder| ServicePresented { presented: holder.presented(), has_role: true });
    let request = Request { user: Some(user.presented()), service };
    answer(now, Span::from_seconds(row.int("window")), &receiver, defaults::DELAY_AUTH_DECISION, &request)
}

#[test]
fn revocation() {
    let Some(table) = table("revocation") else { return };
    let columns = [
        "event",
        "expiration",
        "window",
        "event_age",
        "user_age",
        "svc_token",
        "http_status",
        "reason",
        "keystone_calls",
        "event_status",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let (whom, with, acts) = acts(&row);
        let (event_at, now) = (Instant::from_seconds(row.int("event_age")), Instant::from_seconds(row.int("user_age")));
        compare.value(&row, "the event comes before the request", true, event_at <= now);
        let mut user = Holder::new(&row, Instant::START);
        // A service token that something happens to was issued by then; any other is fresh.
        let service_issued = if whom == Whom::Service { event_at } else { now };
        let mut service = row.flag("svc_token").then(|| Holder::new(&row, service_issued));
        let mut status = None;
        for act in acts {
            let holder = match (whom, &mut service) {
                (Whom::User, _) => &mut user,
                (Whom::Service, Some(service)) => service,
                (Whom::Service, None) => row.unexpected("svc_token", "a service token"),
            };
            status = Some(holder.suffer(*act, event_at, with));
        }
        compare.optional(&row, "event_status", status);
        let response = respond(&row, now, &user, service.as_ref());
        compare.column(&row, "http_status", response.http_status());
        compare.column(&row, "reason", response.finding.code());
        compare.column(&row, "keystone_calls", validations(&response));
    }
    compare.finish();
}

/// What revoked the token is not recorded. It is taken to be its deletion; whatever leaves the user in good standing
/// does the same. A deletion that comes too late has no effect, here as anywhere.
#[test]
fn revocation_prune() {
    let Some(table) = table("revocation_prune") else { return };
    let columns = [
        "expiration",
        "window",
        "revoke_expiration_buffer",
        "revoked_at_age",
        "unrelated_revocation_at",
        "user_age",
        "svc_token",
        "http_status",
        "reason",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let now = Instant::from_seconds(row.int("user_age"));
        let mut user = Holder::new(&row, Instant::START);
        let revoked_at = Instant::from_seconds(row.int("revoked_at_age"));
        user.suffer(Act::DeleteToken, revoked_at, DeletedWith::Another);
        let unrelated = row.opt_int("unrelated_revocation_at").map(Instant::from_seconds);
        if let Some(revocation) = unrelated.filter(|revocation| *revocation <= now) {
            let expiration = Span::from_seconds(row.int("expiration"));
            let buffer = Span::from_seconds(row.int("revoke_expiration_buffer"));
            user.events.retain(|event| !event.is_forgotten_by(revocation, expiration, buffer));
        }
        let service = row.flag("svc_token").then(|| Holder::new(&row, now));
        let response = respond(&row, now, &user, service.as_ref());
        compare.column(&row, "http_status", response.http_status());
        compare.column(&row, "reason", response.finding.code());
    }
    compare.finish();
}

#[test]
fn revocation_second() {
    let Some(table) = table("revocation_second") else { return };
    table.expect_columns(&["revoke_user_at_ms", "token_issued_at_ms", "http_status"]);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let millis = |column| Instant::from_micros(row.int(column) * 1_000);
        let (revoked_at, issued) = (millis("revoke_user_at_ms"), millis("token_issued_at_ms"));
        let token = Token::new(issued, defaults::EXPIRATION, Instant::NEVER);
        let event = Event { reach: Reach::User, at: revoked_at };
        let found = as_found(token, issued, Standing::GOOD, &[event]);
        // When it was asked is not recorded; soon after both.
        let now = revoked_at.max(issued) + Span::from_seconds(1);
        compare.column(&row, "http_status", if found.is_accepted(now, Span::ZERO) { 200 } else { 404 });
    }
    compare.finish();
}
