//! Tables `service_token_reuse` and `reauth_on_401`: what keystoneauth does with the tokens that it holds.

use outlast::identity::revocation::{DeletedWith, delete_token};
use outlast::identity::session::{Sender, UserAuth, is_reused};
use outlast::identity::{Presented, Receiver, ServicePresented, Token, check};
use outlast::units::{Instant, Span};

use super::{Compare, Row, table};

#[test]
fn service_token_reuse() {
    let Some(table) = table("service_token_reuse") else { return };
    table.expect_columns(&["expiration", "token_age", "remaining", "new_token", "auth_requests"]);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let expires = Token::expires_at(Instant::START, Span::from_seconds(row.int("expiration")));
        let now = Instant::from_seconds(row.int("token_age"));
        let fetched = !is_reused(expires, now);
        compare.column(&row, "remaining", expires.since(now).micros() / 1_000_000);
        compare.flag(&row, "new_token", fetched);
        // One log-in for one token that is asked for.
        compare.flag(&row, "auth_requests", fetched);
    }
    compare.finish();
}

/// A token that a sender holds, and whether it is the one that it held at the start.
#[derive(Clone, Copy)]
struct Held {
    token: Token,
    is_old: bool,
}

impl Held {
    fn word(self) -> &'static str {
        if self.is_old { "old" } else { "new" }
    }
}

/// A request at the start of time, with everything that a row says about its tokens.
struct Case {
    sender: Sender,
    user: Held,
    service: Option<Held>,
    expiration: Span,
    window: Span,
}

impl Case {
    fn of(row: &Row<'_>) -> Case {
        let user = match row.text("user_auth") {
            "fixed" => UserAuth::Fixed,
            "password" => UserAuth::Password,
            _ => row.unexpected("user_auth", "fixed or password"),
        };
        let (purged, user_deleted, service_deleted) = match row.text("event") {
            "none" => (false, false, false),
            "revoke_svc" => (false, false, true),
            "revoke_user" => (false, true, false),
            "purge_all" => (true, false, false),
            _ => row.unexpected("event", "a known event"),
        };
        let expiration = Span::from_seconds(row.int("expiration"));
        // All of it happened right before the request. By then an expired token cannot be deleted any more.
        let old = |age: i64, deleted: bool| {
            let instant = |happened| if happened { Instant::ALWAYS } else { Instant::NEVER };
            let token = Token::new(Instant::from_seconds(-age), expiration, instant(purged));
            let revoked = deleted && delete_token(Instant::START, &token, DeletedWith::Another).is_ok();
            Held { token: Token { revoked_at: instant(revoked), ..token }, is_old: true }
        };
        let service_wrapper = row.flag("service_wrapper");
        if !service_wrapper {
            row.expect_empty("svc_age");
        }
        Case {
            sender: Sender { user, service_wrapper },
            user: old(row.int("user_age"), user_deleted),
            service: service_wrapper.then(|| old(row.int("svc_age"), service_deleted)),
            expiration,
            window: Span::from_seconds(row.int("window")),
        }
    }

    fn fresh(&self) -> Held {
        Held { token: Token::new(Instant::START, self.expiration, Instant::NEVER), is_old: false }
    }

    /// What a plugin with credentials sends: the token that it holds, or a new one.
    fn renewed(&self, held: Held) -> Held {
        if is_reused(held.token.expires, Instant::START) { held } else { self.fresh() }
    }

    /// The receiver's own answer, its cache off.
    fn is_accepted(&self, user: Held, service: Option<Held>) -> bool {
        let receiver = Receiver { roles_required: true, cache_time: None, clock_ahead: Span::ZERO };
        let presented = |held: Held| Presented { token: held.token, cached_until: Instant::ALWAYS };
        let service = service.map(|held| ServicePresented { presented: presented(held), has_role: true });
        check(Instant::START, self.window, &receiver, &presented(user), service.as_ref()).refused.is_none()
    }
}

fn compare_row(compare: &mut Compare, row: &Row<'_>) {
    let case = Case::of(row);
    let mut user = match case.sender.user {
        UserAuth::Fixed | UserAuth::Middleware => case.user,
        UserAuth::Password => case.renewed(case.user),
    };
    let mut service = case.service.map(|held| case.renewed(held));
    let first = (user, service);
    // So many requests are answered 401 whatever they carry.
    let spurious = row.count("forced_401");
    let mut sent = 0;
    let accepted = loop {
        sent += 1;
        if sent > spurious && case.is_accepted(user, service) {
            break true;
        }
        let Some(retry) = case.sender.after_401(sent) else { break false };
        if retry.new_user_token {
            user = case.fresh();
        }
        if retry.new_service_token {
            service = Some(case.fresh());
        }
    };
    compare.column(row, "http_status", if accepted { 200 } else { 401 });
    compare.column(row, "requests_sent", sent);
    compare.optional(row, "first_svc_token", first.1.map(Held::word));
    compare.optional(row, "last_svc_token", service.map(Held::word));
    compare.column(row, "first_user_token", first.0.word());
    compare.column(row, "last_user_token", user.word());
}

#[test]
fn reauth_on_401() {
    let Some(table) = table("reauth_on_401") else { return };
    let columns = [
        "case",
        "expiration",
        "window",
        "user_auth",
        "service_wrapper",
        "user_age",
        "svc_age",
        "event",
        "forced_401",
        "http_status",
        "requests_sent",
        "first_svc_token",
        "last_svc_token",
        "first_user_token",
        "last_user_token",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        compare_row(&mut compare, &row);
    }
    compare.finish();
}
