//! Tables `keystone_cache`, `token_exchange` and `validate_caller`: Keystone asked without auth_token between.
//!
//! Time runs from the issue of the token in question.

use outlast::identity::exchange::exchange;
use outlast::identity::keystone_cache::{Entry, KeystoneCache};
use outlast::identity::revocation::{DeletedWith, delete_token};
use outlast::identity::validation::{Caller, validate};
use outlast::identity::{Token, defaults};
use outlast::units::{Instant, Span};

use super::{Compare, Row, table};

fn at(row: &Row<'_>, column: &str) -> Instant {
    Instant::from_seconds(row.int(column))
}

fn expiration(row: &Row<'_>) -> Span {
    Span::from_seconds(row.int("expiration"))
}

/// The window, if expired tokens are allowed.
fn window(row: &Row<'_>) -> Option<Span> {
    row.flag("allow_expired").then(|| Span::from_seconds(row.int("window")))
}

fn compare_cached(compare: &mut Compare, row: &Row<'_>) {
    if row.text("layer") != "keystone" {
        row.unexpected("layer", "keystone");
    }
    let cache = KeystoneCache { time: row.flag("keystone_cache_enabled").then_some(defaults::KEYSTONE_CACHE_TIME) };
    let now = at(row, "age");
    let mut token = Token::new(Instant::START, expiration(row), Instant::NEVER);
    let mut entry = cache.at_issue(Instant::START);
    if let Some(primed) = row.opt_int("primed_at").map(Instant::from_seconds) {
        compare.value(row, "it was primed before", true, primed <= now);
        // Whether it allowed expired tokens is not recorded and does not matter for what is stored.
        entry = cache.validate(primed, &token, None, entry).entry;
    }
    match row.text("event") {
        "none" => row.expect_empty("event_at"),
        // Rotations until no key of before is left.
        "purge" => token.key_gone_at = at(row, "event_at"),
        // An expired token is not found, so nothing comes of its deletion.
        "revoke" if delete_token(at(row, "event_at"), &token, DeletedWith::Another).is_err() => {}
        "revoke" | "disable" => {
            token.revoked_at = at(row, "event_at");
            entry = Entry::NONE;
        }
        _ => row.unexpected("event", "a known event"),
    }
    let refusal = cache.validate(now, &token, window(row), entry).refusal;
    compare.column(row, "http_status", if refusal.is_none() { 200 } else { 404 });
    compare.flag(row, "decryptable", now < token.key_gone_at);
}

#[test]
fn keystone_cache() {
    let Some(table) = table("keystone_cache") else { return };
    let columns = [
        "layer",
        "keystone_cache_enabled",
        "expiration",
        "window",
        "primed_at",
        "event",
        "event_at",
        "age",
        "allow_expired",
        "http_status",
        "decryptable",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        compare_cached(&mut compare, &row);
    }
    compare.finish();
}

#[test]
fn token_exchange() {
    let Some(table) = table("token_exchange") else { return };
    let columns = [
        "expiration",
        "window",
        "exchange_at_age",
        "exchange_status",
        "first_token_age",
        "allow_expired",
        "http_status",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let first = Token::new(Instant::START, expiration(&row), Instant::NEVER);
        let (exchanged_at, now) = (at(&row, "exchange_at_age"), at(&row, "first_token_age"));
        compare.value(&row, "it was exchanged before", true, exchanged_at <= now);
        let second = exchange(exchanged_at, &first, Instant::NEVER);
        compare.column(&row, "exchange_status", if second.is_ok() { 201 } else { 404 });
        // Without a second token there is nothing to validate.
        let window = window(&row);
        let status = second.ok().map(|token| if token.refusal(now, window).is_none() { 200 } else { 404 });
        compare.optional(&row, "http_status", status);
    }
    compare.finish();
}

#[test]
fn validate_caller() {
    let Some(table) = table("validate_caller") else { return };
    table.expect_columns(&["expiration", "window", "age", "caller", "allow_expired", "http_status"]);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let now = at(&row, "age");
        let subject = Token::new(Instant::START, expiration(&row), Instant::NEVER);
        // Everybody but the token itself comes with a fresh one.
        let other = |roles| Caller { token: Token::new(now, expiration(&row), Instant::NEVER), roles, is_owner: false };
        let caller = match row.text("caller") {
            "svc_role" => other(&["service"]),
            "svc_norole" | "bob" => other(&["member"]),
            "svc_admin" => other(&["admin"]),
            "self" => Caller { token: subject, roles: &["member"], is_owner: true },
            _ => row.unexpected("caller", "a known caller"),
        };
        compare.column(&row, "http_status", validate(now, &caller, &subject, window(&row)).http_status());
    }
    compare.finish();
}
