//! Table `cache`: auth_token's token cache, warmed by one request and met by another.
//!
//! Time runs from the issue of the user token. `svc_token_cached` says that the second request carries the service
//! token of the first (whether or not there is a cache to hold it).

use outlast::identity::revocation::{DeletedWith, delete_token};
use outlast::identity::{Check, Presented, Receiver, ServicePresented, Token, check};
use outlast::units::{Instant, Span};

use super::{Compare, Row, table};

/// What happened right after the warming request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    None,
    /// Rotations until no key of before is left.
    Purge,
    /// The user token is deleted.
    Revoke,
    /// Its user is disabled.
    Disable,
    /// The service token is deleted.
    RevokeService,
}

impl Event {
    fn of(row: &Row<'_>) -> Event {
        match row.text("event") {
            "none" => Event::None,
            "purge" => Event::Purge,
            "revoke" => Event::Revoke,
            "disable" => Event::Disable,
            "revoke_svc" => Event::RevokeService,
            _ => row.unexpected("event", "a known event"),
        }
    }

    /// What it does at `at` to a token that was issued at `issued`.
    fn strike(self, token: Token, issued: Instant, is_user: bool, at: Instant) -> Token {
        // Only a token that exists by then can lose its key or be deleted, and only one that has not expired.
        let exists = issued < at;
        let can_be_deleted = exists && delete_token(at, &token, DeletedWith::Another).is_ok();
        match self {
            Event::Purge if exists => Token { key_gone_at: at, ..token },
            Event::Revoke if is_user && can_be_deleted => Token { revoked_at: at, ..token },
            Event::RevokeService if !is_user && can_be_deleted => Token { revoked_at: at, ..token },
            Event::Disable if is_user => Token { revoked_at: at, ..token },
            Event::None | Event::Purge | Event::Revoke | Event::Disable | Event::RevokeService => token,
        }
    }
}

fn status(check: &Check) -> u16 {
    if check.refused.is_none() { 200 } else { 401 }
}

fn compare_row(compare: &mut Compare, row: &Row<'_>) {
    if row.text("layer") != "middleware" {
        row.unexpected("layer", "middleware");
    }
    let cache_time = match row.int("cache_time") {
        -1 => None,
        seconds if seconds > 0 => Some(Span::from_seconds(seconds)),
        _ => row.unexpected("cache_time", "-1 or a time"),
    };
    let receiver = Receiver { roles_required: true, cache_time, clock_ahead: Span::ZERO };
    let window = Span::from_seconds(row.int("window"));
    let expiration = Span::from_seconds(row.int("expiration"));
    let event = Event::of(row);
    let (warm, now) = (Instant::from_seconds(row.int("warm_age")), Instant::from_seconds(row.int("age")));
    // After everything that the warming request did, before any second has passed.
    let event_at = warm + Span::from_micros(1);
    let issue =
        |issued, is_user| event.strike(Token::new(issued, expiration, Instant::NEVER), issued, is_user, event_at);
    let presented = |token| Presented { token, cached_until: Instant::ALWAYS };
    let with_role = |presented| ServicePresented { presented, has_role: true };

    let mut user = presented(issue(Instant::START, true));
    let (with_service, same_service) = (row.flag("with_svc"), row.flag("svc_token_cached"));
    let service_issued = if with_service {
        Some(now - Span::from_seconds(row.int("svc_age")))
    } else {
        row.expect_empty("svc_age");
        None
    };
    let mut warm_service = if row.flag("warm_with_svc") {
        let issued = if same_service { service_issued.unwrap_or(warm) } else { warm };
        compare.value(row, "the service token exists when it warms", true, issued <= warm);
        Some(with_role(presented(issue(issued, false))))
    } else {
        None
    };
    let first = check(warm, window, &receiver, &user, warm_service.as_ref());
    compare.column(row, "warm_status", status(&first));
    user.cached_until = first.user.cached_until;
    if let (Some(service), Some(answer)) = (&mut warm_service, first.service) {
        service.presented.cached_until = answer.cached_until;
    }

    // A token of the first request can come again only if both have one.
    compare.value(row, "svc_token_cached can be", same_service, same_service && with_service && warm_service.is_some());
    let service = match service_issued {
        Some(_) if same_service => warm_service,
        Some(issued) => Some(with_role(presented(issue(issued, false)))),
        None => None,
    };
    let second = check(now, window, &receiver, &user, service.as_ref());
    compare.column(row, "http_status", status(&second));
    compare.flag(row, "asked_keystone_user", second.user.keystone.is_some());
    compare.flag(row, "asked_keystone_svc", second.service.is_some_and(|answer| answer.keystone.is_some()));
}

#[test]
fn cache() {
    let Some(table) = table("cache") else { return };
    let columns = [
        "layer",
        "cache_time",
        "expiration",
        "window",
        "warm_age",
        "warm_with_svc",
        "warm_status",
        "event",
        "age",
        "with_svc",
        "svc_age",
        "svc_token_cached",
        "http_status",
        "asked_keystone_user",
        "asked_keystone_svc",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        compare_row(&mut compare, &row);
    }
    compare.finish();
}
