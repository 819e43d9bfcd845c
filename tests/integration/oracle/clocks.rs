//! Tables `clock_skew` and `clock_skew_nodes`: whose clock counts.

use outlast::identity::cluster::Answer;
use outlast::identity::keystone_cache::{Entry, KeystoneCache};
use outlast::identity::keystone_node::KeystoneNode;
use outlast::identity::{Presented, Receiver, ServicePresented, Token, check};
use outlast::units::{Instant, Span};

use super::{Compare, table};

/// The service's clock against Keystone's; the receiver has no cache, and the service token has the role.
#[test]
fn clock_skew() {
    let Some(table) = table("clock_skew") else { return };
    let columns = [
        "expiration",
        "window",
        "keystone_minus_service",
        "user_age",
        "svc_token",
        "svc_age",
        "http_status",
        "keystone_user_status",
        "keystone_svc_status",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let receiver = Receiver {
            roles_required: true,
            cache_time: None,
            clock_ahead: Span::from_seconds(-row.int("keystone_minus_service")),
        };
        let aged = |age: i64| Presented {
            token: Token::new(Instant::from_seconds(-age), Span::from_seconds(row.int("expiration")), Instant::NEVER),
            cached_until: Instant::ALWAYS,
        };
        let service = if row.flag("svc_token") {
            Some(ServicePresented { presented: aged(row.int("svc_age")), has_role: true })
        } else {
            row.expect_empty("svc_age");
            None
        };
        let window = Span::from_seconds(row.int("window"));
        let check = check(Instant::START, window, &receiver, &aged(row.int("user_age")), service.as_ref());
        compare.column(&row, "http_status", if check.refused.is_none() { 200 } else { 401 });
        let status = |accepted: bool| if accepted { 200 } else { 404 };
        compare.optional(&row, "keystone_user_status", check.user.keystone.map(status));
        compare.optional(&row, "keystone_svc_status", check.service.and_then(|answer| answer.keystone).map(status));
    }
    compare.finish();
}

/// The issuing Keystone's clock against the validating one's.
#[test]
fn clock_skew_nodes() {
    let Some(table) = table("clock_skew_nodes") else { return };
    table.expect_columns(&["expiration", "validator_minus_issuer", "elapsed", "validator_age", "http_status"]);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        // The issuer's clock is the true one.
        let node = |ahead| KeystoneNode { clock_ahead: Span::from_seconds(ahead), cache: KeystoneCache::OFF };
        let (issuer, validator) = (node(0), node(row.int("validator_minus_issuer")));
        let issued = Instant::START;
        let expires = issuer.expires_at(issued, Span::from_seconds(row.int("expiration")));
        let token = Token { expires, key_gone_at: Instant::NEVER, revoked_at: Instant::NEVER };
        let now = issued + Span::from_seconds(row.int("elapsed"));
        compare.column(&row, "validator_age", validator.reads(now).since(issued).micros() / 1_000_000);
        let validation = validator.validate(now, &token, Answer::Yes, None, Entry::NONE);
        let accepted = validation.refusal.is_none();
        let seen = validator.view(&token).is_accepted(validator.reads(now), Span::ZERO);
        compare.value(&row, "without a cache", accepted, seen);
        compare.column(&row, "http_status", if accepted { 200 } else { 404 });
    }
    compare.finish();
}
